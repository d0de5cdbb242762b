//! Reads some partitions: blocks from whoever fetches become batches of rows.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use async_trait::async_trait;
use tokio::sync::mpsc;

use super::block::Block;
use super::cluster::Cluster;
use super::decode::RecordDecoder;
use super::discovery::Discovery;
use super::fetcher::{Fetcher, FromFetcher, KnownEnd, WAITING_BLOCKS};
use super::lean::{Fetching, LeanFetcher};
use super::records::KeptBlocks;
use super::split::KafkaSplit;
use crate::changelog::rejects::ErrorHandling;
use crate::connectors::{DoorMetrics, Reporter, SourceEvent, SourceReader, Split};
use crate::error::{Error, Result};

/// A batch closes when the records in it have this many bytes, however few rows they make.
const BATCH_BYTES: usize = 4 << 20;

/// Reads splits of a kafka source.
pub struct KafkaReader {
    splits: Vec<Reading>,
    decoder: RecordDecoder,
    batch_rows: usize,
    blocks: mpsc::Receiver<Result<FromFetcher>>,
    /// A block that came while a batch of another split was being made.
    pending: Option<FromFetcher>,
    /// An error that came behind rows that are handed over first.
    failure: Option<Error>,
    /// The split that the last batch was read from.
    last: usize,
    /// Events that are ready.
    ready: VecDeque<SourceEvent>,
    /// Records rejected since the last batch.
    rejected: usize,
    /// The blocks of the rows in `decoder`, where records are kept.
    kept: Option<KeptBlocks>,
    errors: ErrorHandling,
    live: usize,
    cluster: Cluster,
    commits: bool,
    metrics: Arc<DoorMetrics>,
    reporter: Reporter,
    /// Looks for new partitions as long as the reader lives.
    _discovery: Option<Discovery>,
    /// Fetches as long as the reader lives; a thread sees for itself that it is gone.
    _fetching: Option<Fetching>,
}

struct Reading {
    id: Arc<str>,
    split: KafkaSplit,
    known_end: KnownEnd,
}

/// Who fetches.
pub enum Client {
    Native(Box<LeanFetcher>),
    Librdkafka(Box<Fetcher>),
}

/// What a reader is made of beside its splits.
pub struct ReaderParts {
    pub decoder: RecordDecoder,
    pub batch_rows: usize,
    pub cluster: Cluster,
    /// Whether complete epochs are reported as group offsets.
    pub commits: bool,
    pub metrics: Arc<DoorMetrics>,
    pub reporter: Reporter,
    pub errors: ErrorHandling,
    pub discovery: Option<Discovery>,
}

impl KafkaReader {
    /// Starts whoever fetches; that ends with the reader.
    pub fn start(
        splits: Vec<KafkaSplit>,
        parts: ReaderParts,
        client: impl FnOnce(Vec<KafkaSplit>, mpsc::Sender<Result<FromFetcher>>) -> Client,
    ) -> Result<Self> {
        let (sender, blocks) = mpsc::channel(WAITING_BLOCKS);
        let (ends, fetching) = match client(splits.clone(), sender) {
            Client::Native(fetcher) => (fetcher.ends(), Some(fetcher.start())),
            Client::Librdkafka(fetcher) => {
                let ends = fetcher.ends();
                fetcher.start()?;
                (ends, None)
            }
        };
        let live = splits.len();
        let reading = |(split, known_end): (KafkaSplit, KnownEnd)| Reading { id: split.id().into(), split, known_end };
        let splits = splits.into_iter().zip(ends).map(reading).collect();
        let ReaderParts { decoder, batch_rows, cluster, commits, metrics, reporter, errors, discovery } = parts;
        Ok(Self {
            splits,
            decoder,
            batch_rows,
            blocks,
            pending: None,
            failure: None,
            last: 0,
            ready: VecDeque::new(),
            rejected: 0,
            kept: errors.keeps_records().then(KeptBlocks::default),
            errors,
            live,
            cluster,
            commits,
            metrics,
            reporter,
            _discovery: discovery,
            _fetching: fetching,
        })
    }

    /// Turns a block, and blocks of the same split that are ready behind it, into events. Doesn't wait.
    fn take(&mut self, block: Block) -> Result<()> {
        let (split, mut bytes) = (block.split, block.buffer.len());
        let mut ended = self.decode(block)?;
        while !ended && bytes < BATCH_BYTES && self.decoder.rows() + self.rejected < self.batch_rows {
            match self.blocks.try_recv() {
                Ok(Ok(FromFetcher::Block(next))) if next.split == split && self.fits(&next) => {
                    bytes += next.buffer.len();
                    ended = self.decode(next)?;
                }
                Ok(Ok(next)) => self.pending = Some(next),
                Ok(Err(error)) => self.failure = Some(error),
                Err(_) => break,
            }
            if self.pending.is_some() || self.failure.is_some() {
                break;
            }
        }
        let undecodable = self.decoder.take_undecodable();
        self.metrics.rows_undecodable.fetch_add(undecodable, Ordering::Relaxed);
        self.last = split;
        let id = &self.splits[split].id;
        if self.decoder.rows() + std::mem::take(&mut self.rejected) > 0 {
            let (rows, kinds) = self.decoder.finish()?;
            let records = self.kept.as_mut().map(|kept| std::mem::take(kept).finish());
            self.ready.push_back(SourceEvent::Rows { split: id.clone(), rows, kinds, records });
        } else if let Some(kept) = &mut self.kept {
            // Records that make no row, such as null messages, are not kept for anyone.
            *kept = KeptBlocks::default();
        }
        if ended {
            self.ready.push_back(SourceEvent::SplitEnd(id.clone()));
            self.live -= 1;
        }
        Ok(())
    }

    fn fits(&self, block: &Block) -> bool {
        self.decoder.rows() + self.rejected + block.records.len() <= self.batch_rows
    }

    /// Decodes a block and moves its split's position behind it; true when the split has ended.
    fn decode(&mut self, block: Block) -> Result<bool> {
        let split = &mut self.splits[block.split].split;
        let (topic, partition) = (split.topic.clone(), split.partition);
        self.metrics.bytes.fetch_add(block.buffer.len() as u64, Ordering::Relaxed);
        (split.position, split.leader_epoch) = (block.next_position, block.leader_epoch.or(split.leader_epoch));
        let ended = block.ended;
        match &mut self.kept {
            None => self.rejected += self.decoder.decode(&topic, partition, &block, &self.errors, None)?,
            Some(kept) => {
                let mut rows_of = Vec::with_capacity(block.records.len());
                self.rejected += self.decoder.decode(&topic, partition, &block, &self.errors, Some(&mut rows_of))?;
                kept.push(topic, partition, block, &rows_of);
            }
        }
        Ok(ended)
    }
}

#[async_trait]
impl SourceReader for KafkaReader {
    async fn next(&mut self) -> Result<SourceEvent> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Ok(event);
            }
            if let Some(error) = self.failure.take() {
                return Err(error);
            }
            if self.live == 0 {
                return Ok(SourceEvent::End);
            }
            // Nothing is taken before the only await is done, and nothing waits after it.
            let heard = match self.pending.take() {
                Some(heard) => heard,
                None => match self.blocks.recv().await {
                    Some(heard) => heard?,
                    None => return Err(Error::internal("whoever reads from Kafka has ended early")),
                },
            };
            match heard {
                FromFetcher::Block(block) => self.take(block)?,
                FromFetcher::NewSplit(split, known_end) => {
                    let id: Arc<str> = split.id().into();
                    self.splits.push(Reading { id: id.clone(), split, known_end });
                    self.live += 1;
                    return Ok(SourceEvent::SplitStart(id));
                }
            }
        }
    }

    fn positions(&self) -> Vec<Split> {
        self.splits.iter().map(|reading| Split::from(&reading.split)).collect()
    }

    async fn place(&mut self, row: usize) -> Option<String> {
        let (split, offset) = (&self.splits.get(self.last)?.split, self.decoder.offset_of(row)?);
        Some(format!("topic \"{}\", partition {}, offset {offset}", split.topic, split.partition))
    }

    /// Commits the positions for the consumer group. A failure is told, not raised: the checkpoint holds the truth.
    async fn on_epoch_complete(&mut self, positions: &[Split]) -> Result<()> {
        if !self.commits {
            return Ok(());
        }
        let mut offsets = Vec::with_capacity(positions.len());
        for position in positions {
            let split = KafkaSplit::parse(position)?;
            offsets.push(((split.topic, split.partition), split.position));
        }
        let cluster = self.cluster.clone();
        let done = tokio::task::spawn_blocking(move || cluster.commit(&offsets)).await;
        match done {
            Ok(Err(error)) => self.reporter.waits_because(error.message(), "a later checkpoint tells it again"),
            _ => self.reporter.goes_on(),
        }
        Ok(())
    }

    fn lag(&self) -> Option<u64> {
        let mut lag = 0;
        for reading in &self.splits {
            let heard = reading.known_end.load(Ordering::Relaxed);
            if heard < 0 {
                continue;
            }
            let end = reading.split.end.map_or(heard, |bound| bound.min(heard));
            lag += u64::try_from(end - reading.split.position).unwrap_or(0);
        }
        Some(lag)
    }
}
