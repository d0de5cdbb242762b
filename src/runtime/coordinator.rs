//! Numbers the epochs of a job: sends barriers in at the sources and knows when all tasks have let them pass.
//!
//! ```text
//!  interval ─► Barrier(n) to every source ─► … ─► every task: passed(n) ─► complete(n) to every source
//! ```
//! One epoch is under way at a time. The source positions of a complete epoch are what a restart would go on from.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::sync::mpsc;

use super::metrics::JobMetrics;
use crate::changelog::Epoch;
use crate::connectors::Split;

/// A task's number in its job.
pub type TaskId = usize;

/// What a source task is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SourceCommand {
    /// Send a barrier.
    Barrier(Epoch),
    /// The epoch is complete.
    Complete(Epoch),
}

/// What tasks tell the coordinator.
#[derive(Debug)]
pub enum TaskReport {
    /// A source stands here at its barrier.
    Positions(Epoch, Vec<Split>),
    /// A task has let the barrier pass: all that came before it is processed and acknowledged.
    Passed(Epoch, TaskId),
    /// A task has ended: it counts as passed from now on.
    Ended(TaskId),
}

pub struct Coordinator {
    pub interval: Duration,
    /// One per source task; closed ones have ended.
    pub sources: Vec<mpsc::Sender<SourceCommand>>,
    /// How many tasks there are.
    pub tasks: usize,
    pub reports: mpsc::UnboundedReceiver<TaskReport>,
    pub metrics: Arc<JobMetrics>,
}

impl Coordinator {
    /// Runs until all tasks have ended.
    pub async fn run(mut self) {
        let mut ticks = tokio::time::interval(self.interval);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        ticks.reset();
        let mut epoch = Epoch(0);
        let mut under_way: Option<(Epoch, HashSet<TaskId>)> = None;
        let mut positions: BTreeMap<String, Split> = BTreeMap::new();
        let mut ended: HashSet<TaskId> = HashSet::new();
        loop {
            tokio::select! {
                report = self.reports.recv() => match report {
                    None => return,
                    Some(TaskReport::Positions(epoch, splits)) => {
                        tracing::trace!(epoch = epoch.0, splits = splits.len(), "source at its barrier");
                        positions.extend(splits.into_iter().map(|s| (s.id.clone(), s)));
                    }
                    Some(TaskReport::Passed(epoch, task)) => {
                        if let Some((current, passed)) = &mut under_way {
                            if *current == epoch {
                                passed.insert(task);
                            }
                        }
                    }
                    Some(TaskReport::Ended(task)) => {
                        ended.insert(task);
                    }
                },
                _ = ticks.tick(), if under_way.is_none() => {
                    epoch = Epoch(epoch.0 + 1);
                    under_way = Some((epoch, HashSet::new()));
                    self.tell(SourceCommand::Barrier(epoch)).await;
                }
            }
            if ended.len() == self.tasks {
                return;
            }
            if let Some((current, passed)) = &under_way {
                if passed.union(&ended).count() == self.tasks {
                    let current = *current;
                    under_way = None;
                    self.metrics.epoch.store(current.0, Ordering::Relaxed);
                    tracing::debug!(epoch = current.0, splits = positions.len(), "epoch complete");
                    self.tell(SourceCommand::Complete(current)).await;
                }
            }
        }
    }

    async fn tell(&mut self, command: SourceCommand) {
        for source in &self.sources {
            let _ended = source.send(command).await;
        }
    }
}
