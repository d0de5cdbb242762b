//! Some records of a topic: the newest or the oldest, never all.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::{Offset, TopicPartitionList};

use super::Extent;
use crate::connectors::OpenContext;
use crate::connectors::kafka::cluster::settings_error;
use crate::connectors::kafka::consume::{BatchConsumer, Fetched, RecordView};
use crate::connectors::kafka::context::{KafkaContext, code_words, is_retriable};
use crate::connectors::kafka::properties::KafkaProperties;
use crate::error::{Error, Result};

/// How long the thread that reads waits before it looks whether anybody still wants the records.
const POLL: Duration = Duration::from_millis(50);
/// How often it looks further back where the newest offsets hold too few records, and by how much further each time:
/// transactions leave offsets without one, and so does compaction.
const ROUNDS: u32 = 4;
const FURTHER: i64 = 8;

/// Which records, and how much of each.
#[derive(Debug, Clone, Copy)]
pub struct Peek {
    /// The newest, or else the oldest.
    pub newest: bool,
    pub limit: usize,
    /// Bytes of each key, value and header that are kept.
    pub keep: usize,
}

/// A record as far as it was kept.
#[derive(Debug, Clone)]
pub struct Record {
    pub partition: i32,
    pub offset: i64,
    /// Milliseconds since the epoch.
    pub timestamp: Option<i64>,
    pub key: Option<Kept>,
    pub value: Option<Kept>,
    pub headers: Vec<(String, Option<Kept>)>,
}

/// The first bytes of something, and how many there were.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    pub bytes: Vec<u8>,
    pub length: usize,
}

impl Kept {
    pub fn new(bytes: &[u8], keep: usize) -> Self {
        Self { bytes: bytes.get(..keep).unwrap_or(bytes).to_vec(), length: bytes.len() }
    }

    pub fn is_whole(&self) -> bool {
        self.bytes.len() == self.length
    }
}

/// Reads on a thread that ends soon after this future is dropped.
pub(super) async fn peek(
    properties: &KafkaProperties,
    patience: Duration,
    context: &OpenContext,
    topic: &str,
    extents: &[Extent],
    peek: Peek,
) -> Result<Vec<Record>> {
    let extents: Vec<Extent> = extents.iter().filter(|e| e.end > e.start).copied().collect();
    if extents.is_empty() || peek.limit == 0 {
        return Ok(Vec::new());
    }
    let mut properties = properties.loaded()?;
    // Little is wanted: no need to fetch ahead.
    properties.config.set("queued.max.messages.kbytes", "8192").set("queued.min.messages", "1000");
    let unwanted = Arc::new(AtomicBool::new(false));
    let _guard = SetOnDrop(unwanted.clone());
    let (topic, context) = (topic.to_string(), context.clone());
    let read = move || {
        let heard = KafkaContext::new(&properties, context.reporter.clone(), context.metrics.clone());
        let consumer =
            BatchConsumer::open(&properties, heard.clone()).map_err(|error| settings_error(&heard, &error))?;
        let mut reading = Reading { consumer, topic, peek, patience, unwanted, found: Vec::new() };
        match peek.newest {
            true => reading.newest(&extents)?,
            false => reading.oldest(&extents)?,
        }
        Ok(reading.finish())
    };
    let reading = tokio::task::spawn_blocking(read);
    reading.await.map_err(|error| Error::internal(format!("reading records failed: {error}")))?
}

struct SetOnDrop(Arc<AtomicBool>);

impl Drop for SetOnDrop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

struct Reading {
    consumer: BatchConsumer,
    topic: String,
    peek: Peek,
    patience: Duration,
    /// Nobody waits for the records any longer.
    unwanted: Arc<AtomicBool>,
    found: Vec<Record>,
}

/// What of a partition is still to be read.
struct Range {
    from: i64,
    /// Not this one and no later one.
    until: i64,
    /// No more records than this.
    most: usize,
}

impl Reading {
    fn newest(&mut self, extents: &[Extent]) -> Result<()> {
        let mut step = self.peek.limit as i64;
        let mut bounds: BTreeMap<i32, (i64, i64)> = extents.iter().map(|e| (e.partition, (e.start, e.end))).collect();
        for _ in 0..ROUNDS {
            let range =
                |(start, end): (i64, i64)| Range { from: (end - step).max(start), until: end, most: usize::MAX };
            let ranges: BTreeMap<i32, Range> = bounds.iter().map(|(p, bounds)| (*p, range(*bounds))).collect();
            for (partition, range) in &ranges {
                bounds.entry(*partition).and_modify(|(_, end)| *end = range.from);
            }
            bounds.retain(|_, (start, end)| end > start);
            self.read(ranges)?;
            if self.found.len() >= self.peek.limit || bounds.is_empty() {
                break;
            }
            step *= FURTHER;
        }
        Ok(())
    }

    fn oldest(&mut self, extents: &[Extent]) -> Result<()> {
        let range = |e: &Extent| (e.partition, Range { from: e.start, until: e.end, most: self.peek.limit });
        self.read(extents.iter().map(range).collect())
    }

    fn read(&mut self, mut ranges: BTreeMap<i32, Range>) -> Result<()> {
        let doing = format!("cannot read topic \"{}\"", self.topic);
        let mut list = TopicPartitionList::new();
        for (partition, range) in &ranges {
            let added = list.add_partition_offset(&self.topic, *partition, Offset::Offset(range.from));
            added.map_err(|error| self.consumer.context().failure(&doing, &error))?;
        }
        self.consumer.assign(&list).map_err(|error| self.consumer.context().failure(&doing, &error))?;
        let (peek, mut waiting_since) = (self.peek, Instant::now());
        while !ranges.is_empty() && !self.unwanted.load(Ordering::Relaxed) {
            let (mut failure, found) = (None, &mut self.found);
            let mut each = |partition: i32, fetched: Fetched<'_>| match fetched {
                Fetched::Record(view) => {
                    let Some(range) = ranges.get_mut(&partition) else { return };
                    if view.offset() >= range.from && view.offset() < range.until && range.most > 0 {
                        found.push(record(partition, &view, peek.keep));
                        range.most -= 1;
                    }
                    if view.offset() + 1 >= range.until || range.most == 0 {
                        ranges.remove(&partition);
                    }
                }
                Fetched::EndOfPartition(_) => _ = ranges.remove(&partition),
                Fetched::Error(code, text) => failure = Some((code, text)),
            };
            let mut came = self.consumer.poll(POLL, 1, |_, partition, fetched| each(partition, fetched));
            came += self.consumer.poll(Duration::ZERO, 1024, |_, partition, fetched| each(partition, fetched));
            if self.found.len() > 4 * peek.limit {
                self.prune();
            }
            self.consumer.context().check()?;
            match failure {
                Some((code, text)) if !is_retriable(code) => {
                    let why = if text.is_empty() { code_words(code) } else { text };
                    return Err(Error::external(self.consumer.context().redact(&format!("{doing}: {why}"))));
                }
                None if came > 0 => waiting_since = Instant::now(),
                _ => {}
            }
            if waiting_since.elapsed() > self.patience {
                let silence = KafkaError::MessageConsumption(RDKafkaErrorCode::OperationTimedOut);
                return Err(self.consumer.context().failure(&doing, &silence));
            }
        }
        Ok(())
    }

    /// Leaves those that are wanted of those found so far.
    fn prune(&mut self) {
        self.found.sort_by_key(|r| (r.timestamp, r.partition, r.offset));
        let surplus = self.found.len().saturating_sub(self.peek.limit);
        match self.peek.newest {
            true => _ = self.found.drain(..surplus),
            false => self.found.truncate(self.peek.limit),
        }
    }

    fn finish(mut self) -> Vec<Record> {
        self.prune();
        self.found
    }
}

fn record(partition: i32, view: &RecordView<'_>, keep: usize) -> Record {
    let kept = |bytes: &[u8]| Kept::new(bytes, keep);
    let mut headers = Vec::new();
    view.headers(|key, value| headers.push((String::from_utf8_lossy(key).into_owned(), value.map(kept))));
    let (timestamp, _) = view.timestamp();
    Record {
        partition,
        offset: view.offset(),
        timestamp: (timestamp >= 0).then_some(timestamp),
        key: view.key().map(kept),
        value: view.value().map(kept),
        headers,
    }
}
