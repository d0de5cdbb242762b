//! The records that a broker sent of one partition, walked in place: blocks share the bytes of the broker's answer.
//!
//! Only compressed batches are copied, by unpacking them. Markers, records of aborted transactions, and records before
//! the position or behind the end are passed over; the position also passes offsets that compaction has emptied.

use bytes::Bytes;

use super::aborted::Aborted;
use super::batch::{Batch, Damage, HEADER};
use super::compression::Fault;
use super::record::Record;
use crate::connectors::kafka::block::{Block, BlockRecord, Header, Place, TimestampType};
use crate::connectors::kafka::decode::RecordNeeds;

/// A block closes when its records have this many bytes.
const BLOCK_BYTES: usize = 1 << 20;
/// What a marker says in the second half of its key when the transaction is aborted.
const ABORT: [u8; 2] = [0, 0];

/// How records become blocks.
#[derive(Debug, Clone, Copy)]
pub struct Rules {
    pub needs: RecordNeeds,
    pub block_rows: usize,
    pub check_sums: bool,
    /// No batch has more bytes when it is unpacked. Places in a block are numbers of 32 bits.
    pub batch_limit: usize,
    /// Leaves out what belongs to aborted transactions.
    pub committed_only: bool,
}

/// The walk over a run of batches.
pub struct RecordSet {
    rules: Rules,
    split: usize,
    /// The batches as they came, and where the next one is.
    set: Bytes,
    at: usize,
    /// The batch whose records are being handed over.
    open: Option<OpenBatch>,
    /// What compressed batches hold.
    unpacked: Unpacked,
    aborted: Aborted,
    position: i64,
    /// The leader epoch of the last batch that was reached.
    leader_epoch: Option<i32>,
    end: Option<i64>,
    ended: bool,
    /// A block has said so.
    told: bool,
}

struct OpenBatch {
    batch: Batch,
    kind: Kind,
    /// The next record, and the end of the last, in the set or in what was unpacked.
    at: usize,
    end: usize,
    left: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Plain,
    Packed,
}

/// Unpacked batches belong to the block that is being made; what it leaves of the last one the next block shares.
enum Unpacked {
    Growing(Vec<u8>),
    Shared(Bytes),
}

impl RecordSet {
    /// Records from `position` on, before `end` where there is one.
    pub fn new(rules: Rules, split: usize, (position, end): (i64, Option<i64>), set: Bytes, aborted: Aborted) -> Self {
        let (unpacked, ended) = (Unpacked::Growing(Vec::new()), end.is_some_and(|end| position >= end));
        Self {
            rules,
            split,
            set,
            at: 0,
            open: None,
            unpacked,
            aborted,
            position,
            leader_epoch: None,
            end,
            ended,
            told: false,
        }
    }

    /// Where reading stands behind the blocks so far.
    pub fn position(&self) -> i64 {
        self.position
    }

    /// The next block; none where nothing is left that tells more.
    ///
    /// # Errors
    /// Records that can't be read. Those before them are handed over first.
    pub fn next_block(&mut self) -> Result<Option<Block>, Damage> {
        if self.told {
            return Ok(None);
        }
        let mut block = Block::new(self.split, self.position);
        let (mut kind, mut origin) = (None, 0);
        let mut end = origin;
        let walked = loop {
            if self.ended || block.records.len() >= self.rules.block_rows || end - origin >= BLOCK_BYTES {
                break Ok(());
            }
            if self.open.is_none() {
                match self.open_batch(kind) {
                    Ok(true) => {}
                    Ok(false) => break Ok(()),
                    Err(damage) => break Err(damage),
                }
            }
            let Some(open) = &self.open else { break Ok(()) };
            if kind.is_none() {
                (kind, origin) = (Some(open.kind), open.at);
                end = origin;
                block.records.reserve(self.rules.block_rows.min(self.about(open)));
            }
            let walked = self.walk(&mut block, origin);
            end = self.open.as_ref().map_or(end, |open| open.at);
            if walked.is_err() {
                break walked;
            }
            self.close_batch();
        };
        // What lies before the damage is good.
        match walked {
            Err(damage) if block.records.is_empty() => return Err(damage),
            _ => {}
        }
        block.buffer = match kind {
            None => Bytes::new(),
            Some(Kind::Plain) => self.set.slice(origin..end),
            Some(Kind::Packed) => self.share_unpacked().slice(origin..end),
        };
        let start = block.next_position;
        (block.next_position, block.leader_epoch) = (self.position, self.leader_epoch);
        block.ended = self.ended;
        self.told = self.ended;
        Ok((!block.is_idle_since(start)).then_some(block))
    }

    /// Goes to the next batch with records to hand over; false where there is none, or none of the block's kind.
    fn open_batch(&mut self, kind: Option<Kind>) -> Result<bool, Damage> {
        loop {
            let bytes = &self.set[self.at..];
            let Some(batch) = Batch::read(bytes)? else { return Ok(false) };
            if self.end.is_some_and(|end| batch.base_offset >= end) {
                self.advance(batch.base_offset);
                return Ok(false);
            }
            let codec = batch.codec()?;
            let its_kind = if codec.is_some() { Kind::Packed } else { Kind::Plain };
            if self.rules.check_sums {
                batch.check(bytes)?;
            }
            self.aborted.reach(batch.next_offset() - 1);
            let mut skip = batch.next_offset() <= self.position || batch.count == 0;
            if batch.is_control() {
                skip = true;
                // Compaction leaves a batch without its marker.
                if batch.count > 0 && is_abort(&bytes[HEADER..batch.size])? {
                    self.aborted.end(batch.producer);
                }
            } else if self.rules.committed_only && batch.is_transactional() {
                skip |= self.aborted.is_void(batch.producer);
            }
            if skip {
                (self.at, self.leader_epoch) = (self.at + batch.size, batch.known_leader_epoch().or(self.leader_epoch));
                self.advance(batch.next_offset());
                if self.ended {
                    return Ok(false);
                }
                continue;
            }
            if kind.is_some_and(|kind| kind != its_kind) || (kind.is_some() && self.is_shared(its_kind)) {
                return Ok(false);
            }
            let (at, end) = match codec {
                None => (self.at + HEADER, self.at + batch.size),
                Some(codec) => {
                    let packed = &self.set[self.at + HEADER..self.at + batch.size];
                    if !matches!(self.unpacked, Unpacked::Growing(_)) {
                        self.unpacked = Unpacked::Growing(Vec::new());
                    }
                    let Unpacked::Growing(out) = &mut self.unpacked else { return Ok(false) };
                    let start = out.len();
                    if let Err(fault) = codec.unpack(packed, out, self.rules.batch_limit) {
                        out.truncate(start);
                        return Err(match fault {
                            Fault::Damaged => Damage::of(format!("they can't be unpacked ({})", codec.name())),
                            Fault::TooLarge => Damage::Large(self.rules.batch_limit),
                        });
                    }
                    (start, out.len())
                }
            };
            (self.at, self.leader_epoch) = (self.at + batch.size, batch.known_leader_epoch().or(self.leader_epoch));
            self.open = Some(OpenBatch { batch, kind: its_kind, at, end, left: batch.count });
            return Ok(true);
        }
    }

    /// True where the block that is being made shares what a batch of this kind would have to be added to.
    fn is_shared(&self, kind: Kind) -> bool {
        kind == Kind::Packed && matches!(self.unpacked, Unpacked::Shared(_))
    }

    /// Puts the records of the open batch into the block until it is full. Their places count from `origin`.
    fn walk(&mut self, block: &mut Block, origin: usize) -> Result<(), Damage> {
        let Some(open) = &mut self.open else { return Ok(()) };
        let bytes: &[u8] = match (&self.unpacked, open.kind) {
            (_, Kind::Plain) => &self.set,
            (Unpacked::Growing(bytes), Kind::Packed) => bytes,
            (Unpacked::Shared(bytes), Kind::Packed) => bytes,
        };
        let bytes = bytes.get(..open.end).unwrap_or_default();
        let (batch, needs) = (open.batch, self.rules.needs);
        let place = |range: Option<std::ops::Range<usize>>| match range {
            Some(range) => Place::new(range.start - origin..range.end - origin),
            None => Place::NULL,
        };
        let timestamp_type = if needs.timestamp { batch.timestamp_type() } else { TimestampType::None };
        let leader_epoch = if needs.leader_epoch { batch.leader_epoch } else { -1 };
        while open.left > 0 && block.records.len() < self.rules.block_rows {
            let Some(record) = Record::read(bytes, open.at) else {
                return Err(Damage::of("a record is longer than its batch"));
            };
            let offset = batch.base_offset.saturating_add(i64::from(record.offset_delta));
            if let Some(end) = self.end.filter(|end| offset >= *end) {
                self.position = end;
                return Ok(());
            }
            if offset >= self.position {
                let first_header = block.headers.len() as u32;
                if needs.headers {
                    let headers = &mut block.headers;
                    let each = |key, value| headers.push(Header { key: place(Some(key)), value: place(value) });
                    record.headers(bytes, each).ok_or_else(|| Damage::of("the headers of a record are damaged"))?;
                }
                block.records.push(BlockRecord {
                    offset,
                    timestamp: if needs.timestamp { batch.timestamp(record.timestamp_delta) } else { -1 },
                    timestamp_type,
                    leader_epoch,
                    key: if needs.key { place(record.key) } else { Place::NULL },
                    value: place(record.value),
                    headers: first_header..block.headers.len() as u32,
                });
                self.position = offset.saturating_add(1);
            }
            (open.at, open.left) = (record.end, open.left - 1);
        }
        if open.left == 0 && open.at != open.end {
            return Err(Damage::of("a batch holds more than its records"));
        }
        Ok(())
    }

    /// How many records about are left, as far as the open batch can tell. A few too many: a list that is a little too
    /// short is made twice as long.
    fn about(&self, open: &OpenBatch) -> usize {
        let rest = self.set.len().saturating_sub(self.at);
        let behind = rest.saturating_mul(open.batch.count as usize) / open.batch.size.max(1);
        open.left as usize + behind + behind / 16
    }

    /// Is done with the open batch where it has no more records.
    fn close_batch(&mut self) {
        let reached = self.end.is_some_and(|end| self.position >= end);
        if let Some(open) = self.open.take_if(|open| open.left == 0 || reached) {
            self.advance(if reached { self.position } else { open.batch.next_offset() });
        }
    }

    /// Everything before `position` has been read.
    fn advance(&mut self, position: i64) {
        self.position = self.position.max(self.end.map_or(position, |end| position.min(end)));
        self.ended = self.end.is_some_and(|end| self.position >= end);
    }

    /// What was unpacked for the block that is done.
    fn share_unpacked(&mut self) -> Bytes {
        let bytes = match std::mem::replace(&mut self.unpacked, Unpacked::Growing(Vec::new())) {
            Unpacked::Growing(bytes) => Bytes::from(bytes),
            Unpacked::Shared(bytes) => bytes,
        };
        if self.open.as_ref().is_some_and(|open| open.kind == Kind::Packed) {
            self.unpacked = Unpacked::Shared(bytes.clone());
        }
        bytes
    }
}

/// Whether a marker says that the transaction before it is aborted.
fn is_abort(records: &[u8]) -> Result<bool, Damage> {
    let damaged = || Damage::of("a marker of a transaction is damaged");
    let record = Record::read(records, 0).ok_or_else(damaged)?;
    let key = record.key.ok_or_else(damaged)?;
    Ok(records.get(key.start + 2..key.start + 4).ok_or_else(damaged)? == ABORT)
}
