//! A run of records of one split in one buffer: what a split reader hands over. No object per record.

use std::ops::Range;

/// Records of one split in their order.
#[derive(Debug, Default)]
pub struct Block {
    /// Which of the reader's splits, from 0.
    pub split: usize,
    /// Keys, values and headers of all records.
    pub buffer: Vec<u8>,
    pub records: Vec<BlockRecord>,
    /// Headers of all records, in order; a record knows its range.
    pub headers: Vec<Header>,
    /// Where the split stands behind the block: it also passes control records, aborted and compacted ranges.
    pub next_position: i64,
    /// The split has come to its end.
    pub ended: bool,
}

/// One record: places in the block's buffer.
#[derive(Debug, Clone)]
pub struct BlockRecord {
    pub offset: i64,
    /// Milliseconds since the epoch, -1 where the record has none.
    pub timestamp: i64,
    pub timestamp_type: TimestampType,
    /// -1 where unknown.
    pub leader_epoch: i32,
    pub key: Option<Range<usize>>,
    pub value: Option<Range<usize>>,
    /// A range of the block's headers.
    pub headers: Range<usize>,
}

/// One header: its key is text, its value bytes or null.
#[derive(Debug, Clone)]
pub struct Header {
    pub key: Range<usize>,
    pub value: Option<Range<usize>>,
}

/// What a record's timestamp says, in the Java client's names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimestampType {
    None,
    Create,
    LogAppend,
}

impl TimestampType {
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "NoTimestampType",
            Self::Create => "CreateTime",
            Self::LogAppend => "LogAppendTime",
        }
    }
}

impl Block {
    pub fn new(split: usize, position: i64) -> Self {
        Self { split, next_position: position, ..Self::default() }
    }

    /// Appends bytes to the buffer and says where they are.
    pub fn push_bytes(&mut self, bytes: &[u8]) -> Range<usize> {
        let start = self.buffer.len();
        self.buffer.extend_from_slice(bytes);
        start..self.buffer.len()
    }

    /// The bytes at a range that came from [`Block::push_bytes`].
    pub fn bytes(&self, range: &Range<usize>) -> &[u8] {
        &self.buffer[range.clone()]
    }

    /// True when it would tell its reader nothing.
    pub fn is_idle_since(&self, position: i64) -> bool {
        self.records.is_empty() && !self.ended && self.next_position == position
    }
}
