//! What settings say of a job's checkpoints, of where it starts, and of what happens when it fails.

use std::path::PathBuf;
use std::time::Duration;

use super::Session;
use crate::checkpoint::{Store, local_folder};
use crate::error::{Error, Result};
use crate::plan::lower::Delivery;
use crate::plan::stream_plan::{NodeKind, StreamNode, StreamPlan};
use crate::runtime::{Backoff, Checkpoints, RestartStrategy, StartFrom};

/// Longer than any job runs.
const NEVER: Duration = Duration::from_secs(365 * 86_400);

/// Where jobs keep their state and start from, where the command line says so.
#[derive(Debug, Clone, Default)]
pub struct StateOptions {
    /// In place of 'execution.checkpointing.dir'.
    pub folder: Option<PathBuf>,
    /// In place of 'execution.state-recovery.path'; for the first start of its job.
    pub savepoint: Option<FromSavepoint>,
    /// What is kept of a job is not restored by its first start: it begins from the savepoint, or from nothing.
    pub fresh: bool,
    /// As 'execution.state-recovery.ignore-unclaimed-state'.
    pub allow_non_restored: bool,
}

/// A savepoint, and who begins from it.
#[derive(Debug, Clone)]
pub struct FromSavepoint {
    pub folder: PathBuf,
    /// The name of the job; none where there is one job only.
    pub job: Option<String>,
}

impl Session {
    /// Where jobs keep their state and start from, before what the settings say.
    pub fn with_state(mut self, state: StateOptions) -> Self {
        self.state = state;
        self
    }

    /// What sinks may count on.
    pub(super) fn delivery(&self) -> Delivery {
        let mode = self.settings.get("execution.checkpointing.mode").unwrap_or_default();
        let checkpoints = self.checkpoint_interval().is_some();
        let exactly_once = checkpoints && mode.eq_ignore_ascii_case("EXACTLY_ONCE");
        Delivery { checkpoints, exactly_once, durable: self.checkpoint_folder().is_ok_and(|folder| folder.is_some()) }
    }

    pub(super) fn checkpoint_interval(&self) -> Option<Duration> {
        let interval = self.settings.duration("execution.checkpointing.interval").filter(|i| !i.is_zero());
        // A folder asks for checkpoints in any case.
        interval.or_else(|| self.state.folder.as_ref().map(|_| Duration::from_secs(1)))
    }

    fn checkpoint_folder(&self) -> Result<Option<PathBuf>> {
        if let Some(folder) = &self.state.folder {
            return Ok(Some(folder.clone()));
        }
        self.settings.get("execution.checkpointing.dir").map(local_folder).transpose()
    }

    /// The folder that savepoints go to where none is named.
    pub(super) fn savepoint_folder(&self) -> Result<PathBuf> {
        let set = self.settings.get("execution.checkpointing.savepoint-dir").map(local_folder).transpose()?;
        match set {
            Some(folder) => Ok(folder),
            None => match self.checkpoint_folder()? {
                Some(folder) => Ok(folder.join("savepoints")),
                None => Err(Error::statement("no folder for savepoints is set")
                    .with_hint("SET 'execution.checkpointing.savepoint-dir' = 'file:///…'.")),
            },
        }
    }

    /// How the job of this name is checkpointed; `None` where no interval is set.
    pub(super) fn checkpoints(&self, job: &str) -> Result<Option<Checkpoints>> {
        let from = self.start_from(job)?;
        let Some(interval) = self.checkpoint_interval() else {
            return match from {
                StartFrom::Savepoint { .. } => {
                    Err(Error::statement(format!("job \"{job}\" begins from a savepoint, which needs checkpoints"))
                        .with_hint("Give --state DIR, or SET 'execution.checkpointing.interval' = '1s'."))
                }
                _ => Ok(None),
            };
        };
        let folder = self.checkpoint_folder()?;
        let store = match &folder {
            Some(folder) => Store::folder(folder)?,
            None => Store::memory(),
        };
        let number = |key: &str| self.settings.get(key).and_then(|value| value.trim().parse::<u32>().ok());
        let defaults = Checkpoints::new(store, interval);
        let duration = |key: &str, default| self.settings.duration(key).unwrap_or(default);
        Ok(Some(Checkpoints {
            min_pause: duration("execution.checkpointing.min-pause", defaults.min_pause),
            timeout: duration("execution.checkpointing.timeout", defaults.timeout),
            tolerable_failures: number("execution.checkpointing.tolerable-failed-checkpoints")
                .unwrap_or(defaults.tolerable_failures),
            retained: number("execution.checkpointing.num-retained").unwrap_or(1).max(1) as usize,
            removed_at_end: self
                .settings
                .get("execution.checkpointing.externalized-checkpoint-retention")
                .is_some_and(|kept| !kept.eq_ignore_ascii_case("RETAIN_ON_CANCELLATION")),
            from,
            savepoints: self.savepoint_folder().ok(),
            is_named: self.given_name().is_some(),
            begun: self.begun.iter().cloned().collect(),
            allow_non_restored: self.state.allow_non_restored
                || self.settings.bool("execution.state-recovery.ignore-unclaimed-state"),
            ..defaults
        }))
    }

    /// A batch job keeps nothing; where a sink publishes epochs all its rows are one, which ends with it.
    pub(super) fn batch_epoch(&self, plan: &StreamPlan) -> Option<Checkpoints> {
        let published = |node: &StreamNode| matches!(&node.kind, NodeKind::Sink(sink) if sink.exactly_once);
        plan.nodes.iter().any(published).then(|| Checkpoints::new(Store::memory(), NEVER))
    }

    /// What a job of this name goes on from.
    fn start_from(&self, job: &str) -> Result<StartFrom> {
        let is_first = !self.begun.contains(job);
        let fresh = self.state.fresh && is_first;
        if let Some(savepoint) = self.state.savepoint.as_ref().filter(|_| is_first) {
            match &savepoint.job {
                Some(other) if other != job => self.reporter.news(&format!(
                    "job \"{job}\" begins as usual: savepoint \"{}\" is of job \"{other}\"",
                    savepoint.folder.display()
                )),
                _ => return Ok(StartFrom::Savepoint { folder: savepoint.folder.clone(), again: fresh }),
            }
        }
        let path = self.settings.get("execution.state-recovery.path");
        Ok(match path.map(local_folder).transpose()? {
            // Whoever starts it twice in a session means it, as in Flink.
            Some(folder) => StartFrom::Savepoint { folder, again: fresh || !is_first },
            None if fresh => StartFrom::Fresh,
            None => StartFrom::Newest,
        })
    }

    /// `restart-strategy.type`: Flink's default is exponential-delay with checkpoints, none without.
    pub(super) fn restart_strategy(&self, has_checkpoints: bool) -> RestartStrategy {
        let default = if has_checkpoints { "exponential-delay" } else { "none" };
        let duration = |key: &str, default| self.settings.duration(key).unwrap_or(default);
        let number = |key: &str| self.settings.get(key).and_then(|value| value.trim().parse::<u32>().ok());
        let second = Duration::from_secs(1);
        match self.settings.get("restart-strategy.type").unwrap_or(default).to_ascii_lowercase().as_str() {
            "fixed-delay" | "fixeddelay" => RestartStrategy::FixedDelay {
                attempts: number("restart-strategy.fixed-delay.attempts").unwrap_or(1),
                delay: duration("restart-strategy.fixed-delay.delay", second),
            },
            "failure-rate" | "failurerate" => RestartStrategy::FailureRate {
                max_failures: number("restart-strategy.failure-rate.max-failures-per-interval").unwrap_or(1),
                interval: duration("restart-strategy.failure-rate.failure-rate-interval", 60 * second),
                delay: duration("restart-strategy.failure-rate.delay", second),
            },
            "exponential-delay" | "exponentialdelay" => {
                let defaults = Backoff::default();
                let real = |key: &str, default: f64| {
                    self.settings.get(key).and_then(|value| value.trim().parse::<f64>().ok()).unwrap_or(default)
                };
                RestartStrategy::Exponential(Backoff {
                    initial: duration("restart-strategy.exponential-delay.initial-backoff", defaults.initial),
                    max: duration("restart-strategy.exponential-delay.max-backoff", defaults.max),
                    multiplier: real("restart-strategy.exponential-delay.backoff-multiplier", defaults.multiplier),
                    reset: duration("restart-strategy.exponential-delay.reset-backoff-threshold", defaults.reset),
                    jitter: real("restart-strategy.exponential-delay.jitter-factor", defaults.jitter),
                    attempts: number("restart-strategy.exponential-delay.attempts-before-reset-backoff"),
                })
            }
            _ => RestartStrategy::Never,
        }
    }
}

#[cfg(test)]
#[path = "checkpoints_tests.rs"]
mod tests;
