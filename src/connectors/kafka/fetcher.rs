//! The thread that takes records from librdkafka and makes blocks of them.
//!
//! A block closes at a row limit or a byte limit, and at once when nothing more is ready. Blocks go through a channel of
//! a few blocks, so at most that many times the byte limit waits there; when it is full the thread waits, librdkafka's
//! own queue fills (to its byte limit), and fetching stops.

use std::collections::HashMap;
use std::ffi::{CStr, CString};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use rdkafka::error::RDKafkaErrorCode;
use rdkafka::{Offset, TopicPartitionList};
use tokio::sync::mpsc;

use super::block::{Block, BlockRecord, Header, OpenBlock, Place, TimestampType};
use super::consume::{BatchConsumer, Fetched, RecordView, set_leader_epoch};
use super::context::{code_words, is_retriable};
use super::decode::RecordNeeds;
use super::faults;
use super::split::KafkaSplit;
use crate::error::{Error, Result};

/// Blocks that wait for the reader at most.
pub const WAITING_BLOCKS: usize = 4;
/// A block closes when its buffer has grown this far.
const BLOCK_BYTES: usize = 1 << 20;
/// How long to wait for a record before looking whether the reader is still there.
const IDLE_WAIT: Duration = Duration::from_millis(50);
/// How long to ask whether a lost broker is back; nothing is fetched meanwhile.
const BACK_TIMEOUT: Duration = Duration::from_millis(500);
/// After so long without a record a broker is asked whether it is there, and has so long to answer.
const SILENCE: Duration = Duration::from_secs(5);
const THERE_TIMEOUT: Duration = Duration::from_secs(2);
const RANGE_TIMEOUT: Duration = Duration::from_secs(5);
/// By what librdkafka's reason for an offset that can't be read is known to be a log that was cut off.
const CUT_OFF: &str = "Partition log truncation detected";

/// Takes the records of some splits and hands them over as blocks, until all splits end or the reader is gone.
pub struct Fetcher {
    consumer: BatchConsumer,
    splits: Vec<Fetching>,
    /// Splits by partition number, to find a record's split.
    by_partition: HashMap<i32, Vec<usize>>,
    needs: RecordNeeds,
    block_rows: usize,
    out: mpsc::Sender<Result<FromFetcher>>,
    /// Partitions found while reading.
    found: Option<mpsc::UnboundedReceiver<KafkaSplit>>,
}

/// What the reader hears from the thread.
pub enum FromFetcher {
    Block(Block),
    /// A partition that was found while reading; its blocks come behind it.
    NewSplit(KafkaSplit, KnownEnd),
}

/// The end of a partition as last heard (-1: not yet), for the lag.
pub type KnownEnd = Arc<AtomicI64>;

/// One split and the block that is being made of it.
struct Fetching {
    split: KafkaSplit,
    topic: CString,
    open: OpenBlock,
    /// What the reader knows: the position behind the last block that was sent.
    sent: i64,
    ended: bool,
    ended_sent: bool,
    known_end: KnownEnd,
}

impl Fetcher {
    pub fn new(
        consumer: BatchConsumer,
        splits: Vec<KafkaSplit>,
        needs: RecordNeeds,
        block_rows: usize,
        found: Option<mpsc::UnboundedReceiver<KafkaSplit>>,
        out: mpsc::Sender<Result<FromFetcher>>,
    ) -> Self {
        let left = splits.into_iter().map(Left::new).collect();
        Self::go_on(consumer, left, (needs, block_rows), found, out)
    }

    /// Reads on where another client has stopped.
    pub fn go_on(
        consumer: BatchConsumer,
        left: Vec<Left>,
        (needs, block_rows): (RecordNeeds, usize),
        found: Option<mpsc::UnboundedReceiver<KafkaSplit>>,
        out: mpsc::Sender<Result<FromFetcher>>,
    ) -> Self {
        let mut fetcher =
            Self { consumer, splits: Vec::new(), by_partition: HashMap::new(), needs, block_rows, out, found };
        for split in left {
            fetcher.add(split);
        }
        fetcher
    }

    fn add(&mut self, left: Left) {
        let index = self.splits.len();
        self.by_partition.entry(left.split.partition).or_default().push(index);
        self.splits.push(Fetching::new(index, left));
    }

    /// The end of each split's partition, kept up to date while fetching.
    pub fn ends(&self) -> Vec<KnownEnd> {
        self.splits.iter().map(|split| split.known_end.clone()).collect()
    }

    /// Starts the thread, which ends when the reader is gone.
    pub fn start(self) -> Result<()> {
        let thread = std::thread::Builder::new().name("kafka-fetch".into());
        match thread.spawn(move || self.run()) {
            Ok(_) => Ok(()),
            Err(error) => Err(Error::external(format!("cannot start a thread to read from Kafka: {error}"))),
        }
    }

    /// Runs until all splits have ended, the reader is gone or something fails; the reader hears which.
    fn run(mut self) {
        if let Err(error) = self.fetch() {
            // The reader may be gone by now: then nobody wants to know.
            let _ = self.out.blocking_send(Err(error));
        }
    }

    fn fetch(&mut self) -> Result<()> {
        self.assign()?;
        let mut heard = Instant::now();
        while !self.out.is_closed() {
            if !self.take_found()? {
                return Ok(());
            }
            let open = self.splits.iter().any(|s| !s.open.block.is_idle_since(s.sent));
            let count = self.poll(if open { Duration::ZERO } else { IDLE_WAIT })?;
            let full = self.splits.iter().any(|s| self.is_full(&s.open));
            if (full || count == 0) && !self.send()? {
                return Ok(());
            }
            if count > 0 {
                heard = Instant::now();
            } else if self.consumer.context().is_lost() {
                self.look_for_brokers();
            } else if heard.elapsed() >= SILENCE {
                self.ask_whether_there(heard.elapsed());
                heard = Instant::now();
            }
        }
        Ok(())
    }

    /// Reads partitions that were found meanwhile; false when the reader is gone.
    fn take_found(&mut self) -> Result<bool> {
        while let Some(split) = self.found.as_mut().and_then(|found| found.try_recv().ok()) {
            if self.splits.iter().any(|known| known.split.id() == split.id()) {
                continue;
            }
            let mut list = TopicPartitionList::with_capacity(1);
            list.add_partition_offset(&split.topic, split.partition, Offset::Offset(split.position))
                .and_then(|()| self.consumer.assign_more(&list))
                .map_err(|error| self.consumer.context().failure("cannot read a new partition", &error))?;
            self.add(Left::new(split.clone()));
            let known_end = self.splits.last().map(|added| added.known_end.clone()).unwrap_or_default();
            if self.out.blocking_send(Ok(FromFetcher::NewSplit(split, known_end))).is_err() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn is_full(&self, open: &OpenBlock) -> bool {
        open.block.records.len() >= self.block_rows || open.len() >= BLOCK_BYTES
    }

    /// Starts reading; splits that have nothing to read end at once.
    fn assign(&mut self) -> Result<()> {
        let mut list = TopicPartitionList::new();
        for fetching in &mut self.splits {
            let split = &fetching.split;
            if fetching.ended_sent {
                continue;
            }
            if split.is_done() {
                fetching.end();
                continue;
            }
            list.add_partition_offset(&split.topic, split.partition, Offset::Offset(split.position))
                .map_err(|error| self.consumer.context().failure("cannot read the topic", &error))?;
            if let Some(leader_epoch) = split.leader_epoch {
                set_leader_epoch(&mut list, &fetching.topic, split.partition, leader_epoch);
            }
        }
        self.consumer.assign(&list).map_err(|error| self.consumer.context().failure("cannot read the topic", &error))
    }

    /// Puts what is ready into the open blocks; returns how much came.
    fn poll(&mut self, wait: Duration) -> Result<usize> {
        let longest = self.splits.iter().map(|s| s.open.block.records.len()).max().unwrap_or(0);
        let room = self.block_rows.saturating_sub(longest);
        let Self { consumer, splits, by_partition, needs, .. } = self;
        let mut failure = None;
        let mut finished = Vec::new();
        let mut last = usize::MAX;
        let count = consumer.poll(wait, room, |topic, partition, fetched| {
            let hit = |i: usize| splits.get(i).is_some_and(|s| s.is(topic, partition));
            if !hit(last) {
                last = by_partition
                    .get(&partition)
                    .and_then(|all| all.iter().copied().find(|i| hit(*i)))
                    .unwrap_or(usize::MAX);
            }
            match (splits.get_mut(last), fetched) {
                (Some(split), _) if split.ended => {}
                (Some(split), Fetched::Record(record)) => split.push(&record, *needs),
                (Some(split), Fetched::EndOfPartition(offset)) => split.advance(offset),
                (_, Fetched::Error(code, reason)) if !is_retriable(code) => {
                    failure.get_or_insert((last, code, reason));
                }
                // The client tries again by itself; what isn't ours can't come.
                _ => {}
            }
            if splits.get(last).is_some_and(|s| s.ended) && finished.last() != Some(&last) {
                finished.push(last);
            }
        });
        if count > 0 && self.consumer.context().is_lost() {
            self.consumer.context().answered();
        }
        self.consumer.context().check()?;
        self.stop(&finished)?;
        match failure {
            Some((split, code, reason)) => Err(self.failed(split, code, &reason)),
            None => Ok(count),
        }
    }

    /// Fetches no more of splits that have ended.
    fn stop(&self, finished: &[usize]) -> Result<()> {
        if finished.is_empty() {
            return Ok(());
        }
        let mut list = TopicPartitionList::with_capacity(finished.len());
        for &i in finished {
            list.add_partition(&self.splits[i].split.topic, self.splits[i].split.partition);
        }
        self.consumer
            .pause(&list)
            .map_err(|error| self.consumer.context().failure("cannot stop reading a partition", &error))
    }

    /// Sends every block that says something; false when reading is over.
    fn send(&mut self) -> Result<bool> {
        for i in 0..self.splits.len() {
            let fetching = &mut self.splits[i];
            if let Some(end) = self.consumer.known_end(&fetching.topic, fetching.split.partition) {
                fetching.known_end.store(end, Ordering::Relaxed);
            }
            let Some(block) = fetching.take_block(i) else { continue };
            if self.out.blocking_send(Ok(FromFetcher::Block(block))).is_err() {
                return Ok(false);
            }
        }
        Ok(!self.splits.iter().all(|s| s.ended_sent))
    }

    /// What a consumer error means for the job.
    fn failed(&self, split: usize, code: RDKafkaErrorCode, reason: &str) -> Error {
        let reason = self.consumer.context().redact(reason);
        let Some(fetching) = self.splits.get(split) else {
            return Error::external(format!("{}: {reason}", self.consumer.context().cluster()));
        };
        let split = &fetching.split;
        match code {
            RDKafkaErrorCode::AutoOffsetReset if reason.contains(CUT_OFF) => {
                faults::cut_off(split, fetching.open.block.next_position, end_offset(&reason))
            }
            RDKafkaErrorCode::AutoOffsetReset | RDKafkaErrorCode::OffsetOutOfRange => {
                let range = self.consumer.range(&split.topic, split.partition, RANGE_TIMEOUT).ok();
                faults::out_of_range(split, fetching.open.block.next_position, range)
            }
            RDKafkaErrorCode::UnknownTopicOrPartition
            | RDKafkaErrorCode::UnknownTopic
            | RDKafkaErrorCode::UnknownPartition => faults::gone(split, self.consumer.context().servers()),
            code => faults::unreadable(split, &code_words(code)).with_detail(reason),
        }
    }

    /// No record comes: is there none, or nobody who would send it? Connections to a frozen broker stay open.
    fn ask_whether_there(&self, silence: Duration) {
        let first = self.splits.first().map(|s| &*s.split.topic);
        if first.is_some_and(|topic| self.consumer.partition_count(topic, THERE_TIMEOUT).is_none()) {
            self.consumer.context().unanswered(silence);
        }
    }

    /// Brokers that are back don't say so where no records come: asks one.
    fn look_for_brokers(&self) {
        let first = self.splits.first().map(|s| &*s.split.topic);
        if first.is_some_and(|topic| self.consumer.partition_count(topic, BACK_TIMEOUT).is_some()) {
            // What was said before the answer counts no more.
            self.consumer.serve_events();
            self.consumer.context().answered();
        }
    }
}

/// The offset in librdkafka's words on a log that was cut off; negative where the leader knows none.
fn end_offset(reason: &str) -> i64 {
    let number = reason.split_once("end offset is ").map_or("", |(_, rest)| rest);
    number.split(|c: char| c != '-' && !c.is_ascii_digit()).next().and_then(|end| end.parse().ok()).unwrap_or(-1)
}

/// A split as a client leaves it, or has it to begin with.
pub struct Left {
    pub split: KafkaSplit,
    pub known_end: KnownEnd,
    /// The reader has heard that it ends.
    pub ended: bool,
}

impl Left {
    fn new(split: KafkaSplit) -> Self {
        Self { split, known_end: Arc::new(AtomicI64::new(-1)), ended: false }
    }
}

impl Fetching {
    fn new(index: usize, Left { split, known_end, ended }: Left) -> Self {
        // A topic's name has no zero byte: the broker wouldn't take it.
        let topic = CString::new(split.topic.as_bytes()).unwrap_or_default();
        let open = OpenBlock::new(index, split.position);
        Self { sent: split.position, split, topic, open, ended, ended_sent: ended, known_end }
    }

    fn is(&self, topic: &CStr, partition: i32) -> bool {
        self.split.partition == partition && self.topic.as_c_str() == topic
    }

    fn push(&mut self, record: &RecordView<'_>, needs: RecordNeeds) {
        let offset = record.offset();
        if offset < self.open.block.next_position {
            return;
        }
        if self.split.end.is_some_and(|end| offset >= end) {
            self.end();
            return;
        }
        let open = &mut self.open;
        let value = open.push(record.value());
        let key = if needs.key { open.push(record.key()) } else { Place::NULL };
        let (timestamp, timestamp_type) = if needs.timestamp { record.timestamp() } else { (-1, TimestampType::None) };
        let written_in = record.leader_epoch();
        let leader_epoch = if needs.leader_epoch { written_in } else { -1 };
        let first_header = open.block.headers.len() as u32;
        if needs.headers {
            record.headers(|key, value| {
                let header = Header { key: open.push_bytes(key), value: open.push(value) };
                open.block.headers.push(header);
            });
        }
        let headers = first_header..open.block.headers.len() as u32;
        open.block.records.push(BlockRecord { offset, timestamp, timestamp_type, leader_epoch, key, value, headers });
        open.block.leader_epoch = Some(written_in).filter(|epoch| *epoch >= 0).or(open.block.leader_epoch);
        self.advance(offset + 1);
    }

    /// Everything before `position` has been read.
    fn advance(&mut self, position: i64) {
        let block = &mut self.open.block;
        block.next_position = block.next_position.max(position);
        if self.split.end.is_some_and(|end| block.next_position >= end) {
            self.end();
        }
    }

    fn end(&mut self) {
        self.ended = true;
        self.open.block.ended = true;
    }

    /// The block so far, where it says something new; the next one goes on behind it.
    fn take_block(&mut self, index: usize) -> Option<Block> {
        if self.ended_sent || self.open.block.is_idle_since(self.sent) {
            return None;
        }
        self.sent = self.open.block.next_position;
        self.ended_sent = self.ended;
        let mut next = OpenBlock::new(index, self.sent);
        next.reserve_as(&self.open);
        Some(std::mem::replace(&mut self.open, next).finish())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_log_that_was_cut_off_is_read_from_librdkafkas_words() {
        let reason = "Partition log truncation detected at offset 9 (leader epoch 1): broker end offset is 7 (offset \
                      leader epoch 0). Reset to INVALID.: Local: Partition log truncation detected (broker 1)";
        assert!(reason.contains(CUT_OFF));
        assert_eq!(end_offset(reason), 7);
        assert_eq!(end_offset("No epoch found: broker end offset is -1 (offset leader epoch -1)."), -1);
        assert_eq!(end_offset("out of range"), -1);
    }
}
