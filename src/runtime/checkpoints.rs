//! How a job is checkpointed, and what it is started from.

use std::path::PathBuf;
use std::time::Duration;

use crate::checkpoint::Store;

/// The settings of a job's checkpoints.
#[derive(Debug, Clone)]
pub struct Checkpoints {
    pub store: Store,
    /// From one barrier to the next (`execution.checkpointing.interval`).
    pub interval: Duration,
    /// Between the end of one checkpoint and the next barrier at least (`execution.checkpointing.min-pause`).
    pub min_pause: Duration,
    /// A checkpoint that takes longer, until its rows are published, has failed (`execution.checkpointing.timeout`).
    pub timeout: Duration,
    /// So many may fail in a row (`execution.checkpointing.tolerable-failed-checkpoints`).
    pub tolerable_failures: u32,
    /// How many are kept (`state.checkpoints.num-retained`).
    pub retained: usize,
    /// Whether they are removed when the job is stopped or has finished
    /// (`execution.checkpointing.externalized-checkpoint-retention`).
    pub removed_at_end: bool,
    pub from: StartFrom,
    /// Where savepoints go that name no folder; none where the job keeps nothing either.
    pub savepoints: Option<PathBuf>,
    /// The job has a name of its own; else it is called by the tables that it writes.
    pub is_named: bool,
    /// The other jobs that the process has begun.
    pub begun: Vec<String>,
    /// State of operators that the job no longer has is dropped instead of refused.
    pub allow_non_restored: bool,
}

impl Checkpoints {
    /// Flink's defaults.
    pub fn new(store: Store, interval: Duration) -> Self {
        Self {
            store,
            interval,
            min_pause: Duration::ZERO,
            timeout: Duration::from_secs(600),
            tolerable_failures: 0,
            retained: 1,
            removed_at_end: false,
            from: StartFrom::Newest,
            savepoints: None,
            is_named: true,
            begun: Vec::new(),
            allow_non_restored: false,
        }
    }
}

/// What the first attempt goes on from; those after it from the newest checkpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StartFrom {
    /// The newest usable checkpoint, if there is one.
    Newest,
    /// Nothing: a new lineage.
    Fresh,
    /// A savepoint, in a new lineage; where the newest has begun from it, that goes on, unless it is to begin `again`.
    Savepoint { folder: PathBuf, again: bool },
}
