//! Exactly once: a target takes the output of an epoch as a whole, and says of which epoch it was.
//!
//! ```text
//!  writer.write* ─► writer.stage(N) ─► checkpoint N durable ─► committer.publish(N): the rows and the marker N
//! ```
//! A target is one service with one way in (a Kafka cluster and a transactional-id prefix, a PostgreSQL database and
//! role, an OpenSearch cluster, a folder): it has one committer, and one transaction per epoch, however many tables and
//! writers of a job lead to it. At most one epoch is unpublished at a time.

use std::any::Any;
use std::fmt::Debug;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::options::{DELIVERY_GUARANTEE, Options};
use super::{DoorMetrics, EpochRoom, OpenContext, Reporter};
use crate::changelog::Epoch;
use crate::changelog::rejects::ErrorHandling;
use crate::error::{Error, Result};
use crate::time::Clock;

/// What a table's options ask of its sink.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Guarantee {
    /// Nothing is waited for.
    None,
    AtLeastOnce,
    ExactlyOnce,
    /// Nothing is said: exactly once where the job keeps checkpoints in a folder in the mode EXACTLY_ONCE.
    AsJob,
}

impl Guarantee {
    /// What a table's options say, where nothing said is `AsJob`.
    pub fn of(options: &Options) -> Self {
        match options.text(DELIVERY_GUARANTEE.key) {
            Some("none") => Self::None,
            Some("at-least-once") => Self::AtLeastOnce,
            Some("exactly-once") => Self::ExactlyOnce,
            _ => Self::AsJob,
        }
    }
}

/// When an epoch's output counts; fixed at planning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum EpochMode {
    /// When the transaction of the only target commits. Nothing is held: without it a restart goes back to the epoch
    /// before and makes the output anew.
    Rollback,
    /// When the checkpoint is durable, which holds the output: a restart publishes it to the targets that lack it.
    Held,
}

impl EpochMode {
    pub fn name(self) -> &'static str {
        match self {
            Self::Rollback => "rollback",
            Self::Held => "held",
        }
    }

    /// The mode of a job with these targets.
    pub fn of<'a>(mut targets: impl Iterator<Item = &'a dyn Target>) -> Self {
        match (targets.next(), targets.next()) {
            (Some(only), None) if only.has_transactions() => Self::Rollback,
            _ => Self::Held,
        }
    }
}

/// What stands at a target beside the rows: the last epoch that was published to it, and by whom.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Marker {
    /// The line of starts that go on from each other.
    pub lineage: String,
    /// The number of the start.
    pub attempt: u64,
    pub epoch: Epoch,
}

impl Marker {
    /// The error where it stands behind an epoch that is to be published.
    pub fn is_past(&self, epoch: Epoch) -> Error {
        moved(format!("epoch {} can't be published behind epoch {}", epoch.0, self.epoch.0))
    }

    /// The error where it names an epoch that is to be published, and it wasn't we who did that.
    pub fn is_of_another(&self) -> Error {
        moved(format!("epoch {} is marked as published, and not by this start of the job", self.epoch.0))
    }
}

fn moved(what: String) -> Error {
    Error::state(what)
        .with_detail("Something else has moved the marker of the job meanwhile: rows may be missing there.")
        .with_hint(ONE_PROCESS)
}

/// The way out where somebody else has moved a marker, or it is gone.
pub const ONE_PROCESS: &str = "Only one process may run a job of this name: stop the other one, and look what is there. \
     Then begin anew from a savepoint with --from, or with --fresh: sinks may then see rows again.";

/// What one writer leaves for an epoch: bytes that only its connector reads, in a form with a version.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Staged {
    pub rows: u64,
    /// Empty where the rows are at the target already, in an open transaction.
    pub payload: Bytes,
}

/// What a writer left, and whose it is.
#[derive(Debug, Clone)]
pub struct StagedPart {
    /// The number of the sink in its job, as in [`TargetTable::sink`].
    pub sink: usize,
    pub subtask: usize,
    pub staged: Staged,
}

/// A target, and what of it one sink needs.
#[derive(Debug, Clone)]
pub struct SinkTarget {
    pub target: Arc<dyn Target>,
    /// What the committer must know of the sink's table; the connector's own type.
    pub table: Arc<dyn Any + Send + Sync>,
}

/// A sink of a job that leads to a target.
#[derive(Debug, Clone)]
pub struct TargetTable {
    /// The number of the sink in its job: from 0, in the order of the plan.
    pub sink: usize,
    /// As in [`SinkTarget::table`].
    pub table: Arc<dyn Any + Send + Sync>,
}

/// Where epochs are published. A description; `open` touches the world.
#[async_trait]
pub trait Target: Send + Sync + Debug {
    /// Which one it is, without secrets and the same in every run; targets of one name are one.
    fn name(&self) -> String;

    /// Whether all rows of an epoch and its marker can be made visible by one act of the service.
    fn has_transactions(&self) -> bool;

    /// Whether the marker of a job that is stopped is gone after a time.
    fn forgets_markers(&self) -> bool {
        false
    }

    /// A committer for all sinks of a job that lead here. Waits for the service.
    async fn open(&self, tables: Vec<TargetTable>, context: &TargetContext) -> Result<Arc<dyn Committer>>;
}

/// What a committer gets when it is opened.
#[derive(Clone)]
pub struct TargetContext {
    /// The job's name.
    pub job: Arc<str>,
    pub lineage: String,
    /// The number of this start: higher than that of any before it.
    pub attempt: u64,
    pub mode: EpochMode,
    pub clock: Arc<dyn Clock>,
    pub reporter: Reporter,
    /// Requests, errors and retries of publishing.
    pub metrics: Arc<DoorMetrics>,
}

impl TargetContext {
    /// For what a committer does as any door does it: connect, retry and tell of it.
    pub fn door(&self) -> OpenContext {
        OpenContext {
            job: self.job.clone(),
            subtask: 0,
            parallelism: 1,
            clock: self.clock.clone(),
            reporter: self.reporter.clone(),
            metrics: self.metrics.clone(),
            batch_rows: 0,
            errors: ErrorHandling::Fail,
            may_reject: false,
            epochs: None,
        }
    }
}

/// Publishes epochs to a target, one after the other.
#[async_trait]
pub trait Committer: Send + Sync {
    /// The marker of the job as it is seen now, while whoever writes there goes on: it may be about to move.
    async fn look(&self) -> Result<Option<Marker>>;

    /// Makes sure that no earlier attempt of this job writes any more, then reads the marker of the job. Behind `look`.
    ///
    /// # Errors
    /// A marker of a later attempt: another process runs the job.
    async fn fence(&self) -> Result<Option<Marker>>;

    /// Rows of `epoch` may come from now on: behind `fence`, with the epoch before still unpublished perhaps.
    async fn begin(&self, _epoch: Epoch) -> Result<()> {
        Ok(())
    }

    /// Makes everything visible that the writers have for `epoch`, and the marker. What was published already of it is
    /// not doubled. `parts` come by sink and subtask.
    ///
    /// Transient failures are waited for as the options of the tables say. An answer that was lost is never taken for
    /// either: the marker is read, behind a fence.
    ///
    /// # Errors
    /// What could not be published, or where it isn't known: then the job starts anew from what `fence` says. One of
    /// the service, or of a row, says where that is.
    async fn publish(&self, epoch: Epoch, parts: &[StagedPart]) -> Result<()>;

    /// What no two targets of a job may have in common, however they are spelled: they would shut each other out. None
    /// where two spellings are two targets.
    fn place(&self) -> Option<String> {
        None
    }

    /// For the connector's own writers.
    fn as_any(&self) -> &dyn Any;
}

/// What a writer gets that writes exactly once.
#[derive(Clone)]
pub struct WriterEpochs {
    pub mode: EpochMode,
    /// The number of the sink in its job.
    pub sink: usize,
    pub committer: Arc<dyn Committer>,
    /// The epoch of the first row.
    pub first: Epoch,
    /// How much of an epoch may be held.
    pub room: Arc<EpochRoom>,
}

impl WriterEpochs {
    /// The committer in the connector's own type.
    pub fn committer<T: 'static>(&self) -> Result<&T> {
        let committer = self.committer.as_any().downcast_ref();
        committer.ok_or_else(|| Error::internal("a writer with the committer of another connector"))
    }
}

impl Debug for WriterEpochs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "WriterEpochs({:?}, sink {}, from {})", self.mode, self.sink, self.first.0)
    }
}
