//! Restart strategies: whether a failed job starts anew, and when.

use std::time::Duration;

use rand::RngExt;
use tokio::time::Instant;

use crate::error::{Error, ErrorKind};

/// No delay is longer.
const LONGEST: Duration = Duration::from_secs(365 * 86_400);

/// `restart-strategy.type` and its options, as Flink has them.
#[derive(Debug, Clone, PartialEq)]
pub enum RestartStrategy {
    Never,
    FixedDelay { attempts: u32, delay: Duration },
    FailureRate { max_failures: u32, interval: Duration, delay: Duration },
    Exponential(Backoff),
}

/// How the delay of `exponential-delay` grows.
#[derive(Debug, Clone, PartialEq)]
pub struct Backoff {
    pub initial: Duration,
    pub max: Duration,
    pub multiplier: f64,
    /// After so long without a failure the delay is the initial one again.
    pub reset: Duration,
    /// The delay is up to this part longer or shorter.
    pub jitter: f64,
    /// Failures in a row at most; `None` for no end.
    pub attempts: Option<u32>,
}

impl Default for Backoff {
    /// Flink's defaults.
    fn default() -> Self {
        Self {
            initial: Duration::from_secs(1),
            max: Duration::from_secs(60),
            multiplier: 1.5,
            reset: Duration::from_secs(3_600),
            jitter: 0.1,
            attempts: None,
        }
    }
}

/// Decides after each failure of one job.
#[derive(Debug)]
pub struct Restarts {
    strategy: RestartStrategy,
    /// When it failed, as often as the strategy looks at: on time that nobody sets back.
    failures: Vec<Instant>,
    count: u32,
    delay: Duration,
}

impl Restarts {
    pub fn new(strategy: RestartStrategy) -> Self {
        Self { strategy, failures: Vec::new(), count: 0, delay: Duration::ZERO }
    }

    /// How long to wait before the next attempt; `None` where there is none.
    pub fn after(&mut self, error: &Error, now: Instant) -> Option<Duration> {
        if !is_curable(error) {
            return None;
        }
        match &self.strategy {
            RestartStrategy::Never => None,
            RestartStrategy::FixedDelay { attempts, delay } => {
                self.count += 1;
                (self.count <= *attempts).then_some(*delay)
            }
            RestartStrategy::FailureRate { max_failures, interval, delay } => {
                self.failures.retain(|at| now.saturating_duration_since(*at) < *interval);
                self.failures.push(now);
                (self.failures.len() <= *max_failures as usize).then_some(*delay)
            }
            RestartStrategy::Exponential(backoff) => {
                let calm = self.failures.last().map(|last| now.saturating_duration_since(*last));
                if calm.is_none_or(|calm| calm > backoff.reset.saturating_add(self.delay)) {
                    (self.count, self.delay) = (0, backoff.initial);
                } else {
                    self.delay = times(self.delay, backoff.multiplier).min(backoff.max);
                }
                self.failures = vec![now];
                self.count += 1;
                if backoff.attempts.is_some_and(|attempts| self.count > attempts) {
                    return None;
                }
                let jitter = 1.0 + backoff.jitter * (rand::rng().random::<f64>() * 2.0 - 1.0);
                Some(times(self.delay, jitter))
            }
        }
    }
}

/// A delay that is longer or shorter by a factor; as long as can be where the factor is beyond all measure.
fn times(delay: Duration, factor: f64) -> Duration {
    Duration::try_from_secs_f64(delay.as_secs_f64() * factor.max(0.0)).map_or(LONGEST, |delay| delay.min(LONGEST))
}

/// True where another attempt may go better: a service was away, or something of ours broke.
fn is_curable(error: &Error) -> bool {
    match error.kind() {
        ErrorKind::External | ErrorKind::Internal => true,
        ErrorKind::Statement | ErrorKind::Data | ErrorKind::State => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runtime::timer;

    fn delays(strategy: RestartStrategy, failures_ms: &[u64]) -> Vec<Option<u128>> {
        let mut restarts = Restarts::new(strategy);
        let error = Error::external("the broker is gone");
        let start = timer::now();
        let after = |ms: &u64| restarts.after(&error, start + Duration::from_millis(*ms));
        failures_ms.iter().map(after).map(|delay| Some(delay?.as_millis())).collect()
    }

    #[test]
    fn strategies_are_flinks() {
        let second = Duration::from_secs(1);
        assert_eq!(delays(RestartStrategy::Never, &[0]), [None]);
        let fixed = RestartStrategy::FixedDelay { attempts: 2, delay: second };
        assert_eq!(delays(fixed, &[0, 1, 2]), [Some(1_000), Some(1_000), None]);
        let rate = RestartStrategy::FailureRate { max_failures: 1, interval: 60 * second, delay: second };
        assert_eq!(delays(rate, &[0, 90_000, 100_000]), [Some(1_000), Some(1_000), None]);
        let backoff = Backoff { jitter: 0.0, max: 2 * second, attempts: Some(4), ..Backoff::default() };
        assert_eq!(
            delays(RestartStrategy::Exponential(backoff), &[0, 1_000, 3_000, 9_000_000, 9_000_100]),
            [Some(1_000), Some(1_500), Some(2_000), Some(1_000), Some(1_500)]
        );
    }

    #[test]
    fn factors_beyond_all_measure_wait_as_long_as_can_be() {
        for (multiplier, jitter) in [(1e300, 0.0), (-1.0, 0.0), (1.5, 1e300)] {
            let backoff = Backoff { multiplier, jitter, ..Backoff::default() };
            let delays = delays(RestartStrategy::Exponential(backoff), &[0, 1, 2]);
            assert!(delays.iter().flatten().all(|ms| *ms <= LONGEST.as_millis()), "{delays:?}");
        }
    }

    #[test]
    fn what_a_restart_cannot_cure_ends_the_job() {
        let mut restarts = Restarts::new(RestartStrategy::Exponential(Backoff::default()));
        for error in [Error::data("a poison record"), Error::statement("division by zero"), Error::state("damaged")] {
            assert_eq!(restarts.after(&error, timer::now()), None, "{error}");
        }
        assert!(restarts.after(&Error::internal("a bug"), timer::now()).is_some());
    }
}
