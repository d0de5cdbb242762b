//! Where rows come from: a source has splits, a reader reads some of them.

use std::fmt::Debug;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use arrow::array::UInt32Array;
use arrow::record_batch::RecordBatch;
use async_trait::async_trait;
use datafusion::logical_expr::Expr;
use serde::{Deserialize, Serialize};

use super::{Reporter, WriterEpochs};
use crate::changelog::RowKind;
use crate::changelog::rejects::{ErrorHandling, Records};
use crate::error::Result;
use crate::time::Clock;

/// Which kinds of rows a source gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SourceChanges {
    /// Only `+I`.
    Inserts,
    /// All four; what is taken back is told whole.
    All,
    /// `+U` and `-D` by primary key; of a `-D` only the key is told, the other columns are NULL whatever their types say.
    Upserts,
}

/// A description of what to read. Cheap to make and to clone; `open` touches the world.
#[async_trait]
pub trait Source: Send + Sync + Debug {
    /// True when reading ends by itself.
    fn is_bounded(&self) -> bool;

    /// Which kinds of rows it gives.
    fn changes(&self) -> SourceChanges {
        SourceChanges::Inserts
    }

    /// True when the source itself can keep only the rows for which `filter` is true, exactly as the engine would.
    /// Columns in it are named as in the scan schema.
    fn supports_filter(&self, _filter: &Expr) -> bool {
        false
    }

    /// The same source reading less. Called once at most.
    fn narrow(&self, scan: ScanRequest) -> Result<Arc<dyn Source>>;

    /// One line for EXPLAIN, without secrets: `topic=cpu_load, startup=earliest-offset`.
    fn describe(&self) -> String;

    /// How many subtasks read it at most, where the table says so (`scan.parallelism`).
    fn parallelism(&self) -> Option<usize> {
        None
    }

    /// True where watermarks are the source's own business in Flink (its watermark push-down): a row without an event
    /// time then passes and moves no watermark, where otherwise it fails the job.
    fn makes_watermarks(&self) -> bool {
        false
    }

    /// Asks whether it could be opened, and makes nothing: see [`super::Sink::check`].
    async fn check(&self, _context: &OpenContext) -> Result<()> {
        Ok(())
    }

    /// How far a split of this source was read, for people; `table` is the name of what reads it.
    fn place_of(&self, _table: &str, split: &str, position: &str) -> String {
        format!("{split} at {position}")
    }

    /// The parts there are, each with its start position resolved.
    async fn splits(&self, context: &OpenContext) -> Result<Vec<Split>>;

    /// The parts to read after a restart: those of `restored` from where they stood; of an endless source also those
    /// that have come since.
    async fn splits_after(&self, restored: Vec<Split>, context: &OpenContext) -> Result<Vec<Split>> {
        if self.is_bounded() {
            return Ok(restored);
        }
        let mut splits = restored;
        for split in self.splits(context).await? {
            if splits.iter().all(|known| known.id != split.id) {
                splits.push(split);
            }
        }
        Ok(splits)
    }

    /// True where reading can go on from a position. Otherwise a restart begins anew, and a checkpoint waits for the
    /// end of the data.
    fn resumes(&self) -> bool {
        true
    }

    /// A reader for some of the splits, each from its position on. Never called without splits.
    async fn open(&self, splits: Vec<Split>, context: &OpenContext) -> Result<Box<dyn SourceReader>>;
}

/// What of a source is needed.
#[derive(Debug, Clone, Default)]
pub struct ScanRequest {
    /// Positions in the scan schema, in the order wanted. May be empty: then rows are only counted.
    pub projection: Vec<usize>,
    /// All true for every row that comes out; only filters that [`Source::supports_filter`] took.
    pub filters: Vec<Expr>,
    /// No more rows than this are needed.
    pub limit: Option<usize>,
}

/// A part of a source, and the position reading starts from or has come to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Split {
    /// Unique in its source and stable between runs: `cpu_load_stats_real/3`.
    pub id: String,
    /// The next position to read, in the source's own spelling.
    pub position: String,
}

/// Reads splits. Dropped to stop.
#[async_trait]
pub trait SourceReader: Send {
    /// What comes next. A batch is closed at a row or byte limit, and at once when nothing more is ready: a single
    /// row never waits for company.
    ///
    /// Cancel safe: a call that is dropped before it is done has taken nothing.
    async fn next(&mut self) -> Result<SourceEvent>;

    /// Where every split stands after all that `next` has returned.
    fn positions(&self) -> Vec<Split>;

    /// Where a row of the batch that `next` gave last comes from, as people find it: `file "a.csv", line 7`.
    async fn place(&mut self, _row: usize) -> Option<String> {
        None
    }

    /// An epoch is complete with these positions (of this reader): report progress outside, e.g. as group offsets.
    async fn on_epoch_complete(&mut self, _positions: &[Split]) -> Result<()> {
        Ok(())
    }

    /// Rows that are known to wait in the source, where it can tell.
    fn lag(&self) -> Option<u64> {
        None
    }
}

/// What a reader gives.
#[derive(Debug)]
pub enum SourceEvent {
    /// Rows of one split in its order, with the columns of the projection.
    Rows {
        /// The split's id.
        split: Arc<str>,
        rows: RecordBatch,
        /// What each row does; `None` where all are inserts.
        kinds: Option<Vec<RowKind>>,
        /// What the rows were made of, with the index of each row's record, where [`OpenContext::errors`] keeps it.
        records: Option<(Arc<dyn Records>, UInt32Array)>,
    },
    /// A split that was found while reading: its rows come from now on, and its watermark counts.
    SplitStart(Arc<str>),
    /// A split has no more rows, ever.
    SplitEnd(Arc<str>),
    /// The reader has no more rows: all its splits have ended.
    End,
}

/// What a door gets when it is opened.
#[derive(Clone)]
pub struct OpenContext {
    /// The job's name.
    pub job: Arc<str>,
    /// Which of `parallelism` subtasks this is, from 0.
    pub subtask: usize,
    pub parallelism: usize,
    pub clock: Arc<dyn Clock>,
    /// Where waiting and retries are told to people.
    pub reporter: Reporter,
    pub metrics: Arc<DoorMetrics>,
    /// Rows in a batch at most.
    pub batch_rows: usize,
    /// What becomes of rows of this table that can't be processed.
    pub errors: ErrorHandling,
    /// Of a sink: whether rows may come that can be rejected without failing the job, by the rules of this table or of
    /// those they were read from.
    pub may_reject: bool,
    /// Of a sink that writes exactly once.
    pub epochs: Option<WriterEpochs>,
}

/// Counters of one door of a job.
#[derive(Debug, Default)]
pub struct DoorMetrics {
    /// Rows that a reader gave or a writer took. The runtime counts them; the rest is the connector's to count.
    pub rows: AtomicU64,
    /// Batches of them; the runtime's to count too.
    pub batches: AtomicU64,
    pub bytes: AtomicU64,
    /// Records that could not be decoded and were skipped or nulled as the options say.
    pub rows_undecodable: AtomicU64,
    /// Requests that a writer has sent: what one is, is the service's to say.
    pub requests: AtomicU64,
    /// Tries that failed, whether they were made again or not.
    pub errors: AtomicU64,
    pub retries: AtomicU64,
}

impl Debug for OpenContext {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "OpenContext({}, {}/{})", self.job, self.subtask, self.parallelism)
    }
}

impl OpenContext {
    /// For tests: of a job `test`, on the system's clock.
    pub fn for_test() -> Self {
        Self::beside_jobs("test", Arc::new(crate::time::SystemClock))
    }

    /// For what is asked of a service beside all jobs, under this name: one subtask, which tells nobody of waiting.
    pub fn beside_jobs(name: &str, clock: Arc<dyn Clock>) -> Self {
        Self {
            job: name.into(),
            subtask: 0,
            parallelism: 1,
            clock,
            reporter: Reporter::silent(),
            metrics: Arc::default(),
            batch_rows: 8192,
            errors: ErrorHandling::Fail,
            may_reject: false,
            epochs: None,
        }
    }
}
