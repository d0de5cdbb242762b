//! The header of a record batch, the unit in which records are written, compressed and checked.
//! <https://kafka.apache.org/documentation/#recordbatch>

use super::compression::Codec;
use crate::connectors::kafka::block::TimestampType;

/// Bytes before the first record.
pub const HEADER: usize = 61;
/// The size of a batch counts from behind itself.
const BEFORE_SIZE: usize = 12;
/// The checksum counts from behind itself.
const BEFORE_CHECKED: usize = 21;
/// Where the version of the format is, also in those before this one.
const MAGIC: usize = 16;

const CODEC: i16 = 0b111;
const LOG_APPEND_TIME: i16 = 1 << 3;
const TRANSACTIONAL: i16 = 1 << 4;
const CONTROL: i16 = 1 << 5;

/// What a batch says of its records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Batch {
    /// The whole batch, header included.
    pub size: usize,
    pub base_offset: i64,
    pub leader_epoch: i32,
    pub checksum: u32,
    pub attributes: i16,
    pub last_offset_delta: i32,
    pub base_timestamp: i64,
    pub max_timestamp: i64,
    pub producer: i64,
    pub count: u32,
}

/// Why records can't be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Damage {
    /// Written in a format of Kafka before 0.11.
    OldFormat(u8),
    /// Unpacked it has more bytes than this.
    Large(usize),
    Other(String),
}

impl Damage {
    pub fn of(what: impl Into<String>) -> Self {
        Self::Other(what.into())
    }
}

impl Batch {
    /// The header of the batch at the start of these bytes; none where not all of the batch is there, as at the end of
    /// what a broker sends.
    pub fn read(bytes: &[u8]) -> Result<Option<Self>, Damage> {
        let Some(start) = bytes.get(..=MAGIC) else { return Ok(None) };
        let size = i32::from_be_bytes(field(start, 8));
        if start[MAGIC] < 2 {
            return Err(Damage::OldFormat(start[MAGIC]));
        }
        if start[MAGIC] > 2 {
            return Err(Damage::of(format!("they are in a format that isn't known ({})", start[MAGIC])));
        }
        let size = usize::try_from(size).ok().map(|size| BEFORE_SIZE + size).filter(|size| *size >= HEADER);
        let size = size.ok_or_else(|| Damage::of("a batch says that it is smaller than its header"))?;
        let Some(bytes) = bytes.get(..size) else { return Ok(None) };
        let count = i32::from_be_bytes(field(bytes, 57));
        Ok(Some(Self {
            size,
            base_offset: i64::from_be_bytes(field(bytes, 0)),
            leader_epoch: i32::from_be_bytes(field(bytes, 12)),
            checksum: u32::from_be_bytes(field(bytes, 17)),
            attributes: i16::from_be_bytes(field(bytes, 21)),
            last_offset_delta: i32::from_be_bytes(field(bytes, 23)),
            base_timestamp: i64::from_be_bytes(field(bytes, 27)),
            max_timestamp: i64::from_be_bytes(field(bytes, 35)),
            producer: i64::from_be_bytes(field(bytes, 43)),
            count: u32::try_from(count).map_err(|_| Damage::of("a batch has a negative number of records"))?,
        }))
    }

    /// Compares the checksum with that of the batch's bytes.
    pub fn check(&self, bytes: &[u8]) -> Result<(), Damage> {
        let sum = bytes.get(BEFORE_CHECKED..self.size).map(crc32c::crc32c);
        if sum == Some(self.checksum) { Ok(()) } else { Err(Damage::of("their checksum is wrong (CRC-32C)")) }
    }

    /// The offset behind the batch. It counts records that compaction has taken out.
    pub fn next_offset(&self) -> i64 {
        self.base_offset.saturating_add(i64::from(self.last_offset_delta.max(0))).saturating_add(1)
    }

    /// The leader epoch in which it was written, where that is known.
    pub fn known_leader_epoch(&self) -> Option<i32> {
        Some(self.leader_epoch).filter(|epoch| *epoch >= 0)
    }

    /// What its records are compressed with.
    pub fn codec(&self) -> Result<Option<Codec>, Damage> {
        match self.attributes & CODEC {
            0 => Ok(None),
            number => match Codec::of(number) {
                Some(codec) => Ok(Some(codec)),
                None => Err(Damage::of(format!("they are compressed with a codec that isn't known ({number})"))),
            },
        }
    }

    pub fn is_transactional(&self) -> bool {
        self.attributes & TRANSACTIONAL != 0
    }

    /// A marker of the broker's own, which is no record for anyone.
    pub fn is_control(&self) -> bool {
        self.attributes & CONTROL != 0
    }

    /// What the timestamp of a record is, by its distance from the batch's.
    pub fn timestamp(&self, delta: i64) -> i64 {
        if self.is_log_append_time() { self.max_timestamp } else { self.base_timestamp.saturating_add(delta) }
    }

    pub fn timestamp_type(&self) -> TimestampType {
        if self.is_log_append_time() { TimestampType::LogAppend } else { TimestampType::Create }
    }

    fn is_log_append_time(&self) -> bool {
        self.attributes & LOG_APPEND_TIME != 0
    }
}

/// The bytes of a field that is there.
fn field<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    let mut field = [0; N];
    field.copy_from_slice(&bytes[at..at + N]);
    field
}

/// The offset behind the last whole batch of a run, which is where to fetch next, and the leader epoch in which that batch
/// was written; none where there is no whole batch.
pub fn end_of(mut bytes: &[u8]) -> Option<(i64, Option<i32>)> {
    let mut next = None;
    while let Ok(Some(batch)) = Batch::read(bytes) {
        next = Some((batch.next_offset(), batch.known_leader_epoch()));
        bytes = &bytes[batch.size..];
    }
    next
}
