//! A run of records of one split in one buffer: what a split reader hands over. No object per record.

use std::borrow::Cow;
use std::ops::Range;

use bytes::Bytes;

/// Records of one split in their order.
#[derive(Debug, Default)]
pub struct Block {
    /// Which of the reader's splits, from 0.
    pub split: usize,
    /// Holds keys, values and headers of all records, and perhaps other bytes between them.
    pub buffer: Bytes,
    pub records: Vec<BlockRecord>,
    /// Headers of all records, in order; a record knows its range.
    pub headers: Vec<Header>,
    /// Where the split stands behind the block: it also passes control records, aborted and compacted ranges.
    pub next_position: i64,
    /// The leader epoch in which its last record was written, where that is known.
    pub leader_epoch: Option<i32>,
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
    pub key: Place,
    pub value: Place,
    /// A range of the block's headers.
    pub headers: Range<u32>,
}

/// One header: its key is text, its value bytes or null.
#[derive(Debug, Clone, Copy)]
pub struct Header {
    pub key: Place,
    pub value: Place,
}

/// Where bytes lie in a block's buffer, or that there are none. Small, for there is one per key and per value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    start: u32,
    /// [`Place::NULL`] has no bytes, which isn't the same as none of them.
    len: u32,
}

impl Place {
    pub const NULL: Place = Place { start: 0, len: u32::MAX };

    /// Bytes of a buffer, which has less than 4 GiB: a record is smaller, and so is an answer of a broker.
    pub fn new(range: Range<usize>) -> Self {
        Self { start: range.start as u32, len: (range.end - range.start) as u32 }
    }

    pub fn is_null(self) -> bool {
        self.len == u32::MAX
    }

    fn range(self) -> Range<usize> {
        self.start as usize..self.start as usize + self.len as usize
    }
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

    /// The bytes at a place; none for null.
    pub fn bytes(&self, place: Place) -> Option<&[u8]> {
        if place.is_null() { None } else { Some(&self.buffer[place.range()]) }
    }

    /// The key of a header, as text, and its value.
    pub fn header(&self, header: Header) -> (Cow<'_, str>, Option<&[u8]>) {
        (String::from_utf8_lossy(self.bytes(header.key).unwrap_or_default()), self.bytes(header.value))
    }

    /// The headers of a record.
    pub fn headers(&self, record: &BlockRecord) -> &[Header] {
        &self.headers[record.headers.start as usize..record.headers.end as usize]
    }

    /// True when it would tell its reader nothing.
    pub fn is_idle_since(&self, position: i64) -> bool {
        self.records.is_empty() && !self.ended && self.next_position == position
    }
}

/// A block that is being made of bytes which are copied into it.
#[derive(Debug, Default)]
pub struct OpenBlock {
    pub block: Block,
    bytes: Vec<u8>,
}

impl OpenBlock {
    /// An empty block of a split that stands at `position`.
    pub fn new(split: usize, position: i64) -> Self {
        Self { block: Block::new(split, position), bytes: Vec::new() }
    }

    /// Appends bytes to the buffer and says where they are.
    pub fn push_bytes(&mut self, bytes: &[u8]) -> Place {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(bytes);
        Place::new(start..self.bytes.len())
    }

    /// Appends bytes that may be null.
    pub fn push(&mut self, bytes: Option<&[u8]>) -> Place {
        bytes.map_or(Place::NULL, |bytes| self.push_bytes(bytes))
    }

    /// How many bytes were appended.
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Makes room for as much as another block has.
    pub fn reserve_as(&mut self, other: &Self) {
        self.bytes.reserve(other.bytes.len());
        self.block.records.reserve(other.block.records.len());
    }

    /// The block, with its bytes.
    pub fn finish(mut self) -> Block {
        self.block.buffer = self.bytes.into();
        self.block
    }
}
