//! A stream plan, running: tasks, channels, exchange, alignment, barriers, shutdown.
//!
//! A plan is cut into *fragments*: a fragment starts at a source, behind an exchange, at a lookup join or where inputs
//! meet, and runs as one task per subtask. Inside a task elements go from operator to operator without a queue;
//! between tasks they go through channels bounded in bytes, and full means wait. Only this room spawns.

mod assembly;
mod chain;
mod channel;
mod checkpoints;
mod checks;
mod collect;
mod coordinator;
mod costs;
mod dead_letters;
mod exchange;
mod exposition;
mod fragment;
mod gate;
mod job;
mod job_state;
mod lookup;
mod lookup_cache;
mod memory;
mod metrics;
mod patience;
mod restart;
mod savepoint_requests;
mod source_task;
mod staging;
mod start;
mod state_meter;
mod targets;
mod task;
#[cfg(test)]
mod tests;
mod timer;
mod watermarks;
mod windows;
mod wiring;

pub use checkpoints::{Checkpoints, StartFrom};
pub use collect::{CollectSink, Collected};
pub use costs::{Costs, NodeCost};
pub use exchange::split_by_key;
pub use exposition::{METRICS, exposition};
pub use job::{JobConfig, JobEnd, JobHandle, start};
pub use job_state::{Ended, JobId, JobState, JobStatus};
pub use lookup::{LookupHead, LookupJoin};
pub use lookup_cache::LookupCache;
pub use memory::{JobMemory, MemoryBudget, OperatorMemory};
pub use metrics::{
    CheckpointMetrics, JobMetrics, LastCheckpoint, LookupMetrics, SinkMetrics, SourceMetrics, SplitStatus,
    WindowMetrics,
};
pub use restart::{Backoff, RestartStrategy};

use std::future::Future;

/// Does work that takes its time beside the threads of tasks; where there is only one thread, on it.
async fn aside<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    match tokio::runtime::Handle::current().runtime_flavor() {
        tokio::runtime::RuntimeFlavor::CurrentThread => Some(work()),
        _ => tokio::task::spawn_blocking(work).await.ok(),
    }
}

/// The one door to a new task.
#[allow(clippy::disallowed_methods)]
pub(crate) fn spawn<T: Send + 'static>(future: impl Future<Output = T> + Send + 'static) -> tokio::task::JoinHandle<T> {
    tokio::spawn(future)
}
