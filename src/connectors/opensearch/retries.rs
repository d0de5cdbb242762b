//! How often and how long a writer or reader goes on trying.

use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::time::Instant;

use crate::connectors::OpenContext;
use crate::connectors::options::Options;
use crate::error::{Error, Result};

/// When to give up, from a table's options.
#[derive(Debug, Clone)]
pub enum RetryPolicy {
    /// From 100 ms doubling to 5 s, until this much time has passed.
    ForTime(Duration),
    /// As the table's strategy says.
    Times { retries: u32, delay: Duration, doubling: bool },
}

/// The tries of one request.
#[derive(Debug)]
pub struct Retries {
    policy: RetryPolicy,
    started: Instant,
    tried: u32,
}

impl RetryPolicy {
    /// The policy for bulk requests.
    pub fn from_options(options: &Options, max_retry: Duration) -> Result<Self> {
        let strategy = options.text("sink.bulk-flush.backoff.strategy").unwrap_or("DISABLED");
        if strategy == "DISABLED" {
            return Ok(Self::ForTime(max_retry));
        }
        let key = "sink.bulk-flush.backoff.max-retries";
        let retries = options.int(key).unwrap_or(8);
        let retries =
            u32::try_from(retries).map_err(|_| options.invalid(key, format!("'{retries}' is out of range")))?;
        let delay = options.duration("sink.bulk-flush.backoff.delay").unwrap_or(Duration::from_millis(50));
        Ok(Self::Times { retries, delay, doubling: strategy == "EXPONENTIAL" })
    }

    /// The wait after `tried` retries and this much time, or `None` to give up.
    fn pause(&self, tried: u32, elapsed: Duration) -> Option<Duration> {
        let doubled = |first: Duration| first.saturating_mul(1 << tried.min(20));
        match *self {
            Self::ForTime(total) => {
                let pause = doubled(Duration::from_millis(100)).min(Duration::from_secs(5));
                (elapsed + pause <= total).then_some(pause)
            }
            Self::Times { retries, delay, doubling } => {
                (tried < retries).then(|| if doubling { doubled(delay) } else { delay })
            }
        }
    }

    /// Starts counting.
    pub fn start(&self) -> Retries {
        Retries { policy: self.clone(), started: Instant::now(), tried: 0 }
    }
}

impl Retries {
    /// Waits before the next try and says so, or gives the error back: it is not one that goes away by itself, or it
    /// has been tried for long enough.
    pub async fn wait(&mut self, error: Error, service: &str, context: &OpenContext) -> Result<()> {
        if !error.is_retriable() {
            return Err(error);
        }
        let Some(pause) = self.policy.pause(self.tried, self.started.elapsed()) else {
            let tries = self.tried + 1;
            let seconds = self.started.elapsed().as_secs_f32();
            return Err(error.context(format!("gave up on {service} after {tries} tries in {seconds:.1} s")));
        };
        context.metrics.retries.fetch_add(1, Ordering::Relaxed);
        context.reporter.tell(&format!(
            "waiting for {service}: {}; trying again in {} ms",
            error.message(),
            pause.as_millis()
        ));
        tokio::time::sleep(pause).await;
        self.tried += 1;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pauses(policy: RetryPolicy) -> Vec<u64> {
        let mut pauses: Vec<u64> = Vec::new();
        while let Some(pause) = policy.pause(pauses.len() as u32, Duration::from_millis(pauses.iter().sum())) {
            pauses.push(pause.as_millis() as u64);
        }
        pauses
    }

    #[test]
    fn pauses_follow_the_policy() {
        let delay = Duration::from_millis(10);
        assert_eq!(pauses(RetryPolicy::Times { retries: 3, delay, doubling: false }), [10, 10, 10]);
        assert_eq!(pauses(RetryPolicy::Times { retries: 3, delay, doubling: true }), [10, 20, 40]);
        let total = Duration::from_secs(20);
        assert_eq!(pauses(RetryPolicy::ForTime(total)), [100, 200, 400, 800, 1600, 3200, 5000, 5000]);
        assert!(pauses(RetryPolicy::ForTime(Duration::ZERO)).is_empty());
    }

    #[tokio::test]
    async fn giving_up_says_after_how_many_tries() {
        let policy = RetryPolicy::Times { retries: 1, delay: Duration::ZERO, doubling: false };
        let (mut retries, context) = (policy.start(), OpenContext::for_test());
        let busy = || Error::external("busy").retriable();
        retries.wait(busy(), "the service", &context).await.unwrap();
        let error = retries.wait(busy(), "the service", &context).await.unwrap_err();
        assert!(error.message().starts_with("gave up on the service after 2 tries in "), "{error}");
        assert_eq!(context.metrics.retries.load(Ordering::Relaxed), 1);
    }

    #[tokio::test]
    async fn an_error_that_stays_is_not_waited_for() {
        let policy = RetryPolicy::ForTime(Duration::from_secs(60));
        let error = policy.start().wait(Error::external("no"), "x", &OpenContext::for_test()).await.unwrap_err();
        assert_eq!(error.message(), "no");
    }
}
