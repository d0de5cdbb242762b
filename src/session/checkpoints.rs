//! What settings say of a job's checkpoints, of where it starts, and of what happens when it fails.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::Session;
use crate::checkpoint::Store;
use crate::error::{Error, Result};
use crate::plan::lower::Delivery;
use crate::runtime::{Backoff, Checkpoints, RestartStrategy, StartFrom};

/// Where jobs keep their state and start from, where the command line says so.
#[derive(Debug, Clone, Default)]
pub struct StateOptions {
    /// In place of 'execution.checkpointing.dir'.
    pub folder: Option<PathBuf>,
    /// In place of 'execution.state-recovery.path'.
    pub savepoint: Option<PathBuf>,
    /// Nothing is restored.
    pub fresh: bool,
    /// As 'execution.state-recovery.ignore-unclaimed-state'.
    pub allow_non_restored: bool,
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
        let exactly_once = self.checkpoint_interval().is_some() && mode.eq_ignore_ascii_case("EXACTLY_ONCE");
        Delivery { exactly_once, durable: self.checkpoint_folder().is_ok_and(|folder| folder.is_some()) }
    }

    fn checkpoint_interval(&self) -> Option<Duration> {
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

    /// How the next job is checkpointed; `None` where no interval is set.
    pub(super) fn checkpoints(&self) -> Result<Option<Checkpoints>> {
        let Some(interval) = self.checkpoint_interval() else { return Ok(None) };
        let folder = self.checkpoint_folder()?;
        let store = match &folder {
            Some(folder) => Store::folder(folder)?,
            None => Store::memory(),
        };
        let number = |key: &str| self.settings.get(key).and_then(|value| value.trim().parse::<u32>().ok());
        let path = self.settings.get("execution.state-recovery.path");
        let savepoint = match &self.state.savepoint {
            Some(savepoint) => Some(savepoint.clone()),
            None => path.map(local_folder).transpose()?,
        };
        let from = match savepoint {
            _ if self.state.fresh => StartFrom::Fresh,
            Some(savepoint) => StartFrom::Savepoint(savepoint),
            None => StartFrom::Newest,
        };
        let defaults = Checkpoints::new(store, interval);
        let duration = |key: &str, default| self.settings.duration(key).unwrap_or(default);
        Ok(Some(Checkpoints {
            min_pause: duration("execution.checkpointing.min-pause", defaults.min_pause),
            timeout: duration("execution.checkpointing.timeout", defaults.timeout),
            tolerable_failures: number("execution.checkpointing.tolerable-failed-checkpoints")
                .unwrap_or(defaults.tolerable_failures),
            retained: number("execution.checkpointing.num-retained").unwrap_or(1).max(1) as usize,
            from,
            allow_non_restored: self.state.allow_non_restored
                || self.settings.bool("execution.state-recovery.ignore-unclaimed-state"),
            ..defaults
        }))
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

/// A folder of this machine: `file:///var/lib/alerts`, or a path.
pub fn local_folder(value: &str) -> Result<PathBuf> {
    let path = match value.split_once("://") {
        Some(("file", path)) => path,
        Some((scheme, _)) => {
            return Err(Error::unsupported(format!("a checkpoint folder in '{scheme}://'"))
                .with_hint("Give a folder of this machine: 'file:///var/lib/alerts'."));
        }
        None => value.strip_prefix("file:").unwrap_or(value),
    };
    Ok(Path::new(path).to_path_buf())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_are_named_as_in_flink() {
        for value in ["file:///var/lib/a", "/var/lib/a", "file:/var/lib/a"] {
            assert_eq!(local_folder(value).unwrap(), Path::new("/var/lib/a"), "{value}");
        }
        assert_eq!(
            local_folder("s3://bucket/a").unwrap_err().message(),
            "a checkpoint folder in 's3://' is not supported"
        );
    }
}
