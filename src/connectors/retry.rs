//! Trying again: when, how often, for how long, and saying so.

use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::time::Instant;

use super::OpenContext;
use crate::error::{Error, Result};

/// The first and the longest pause of tries that end by the clock.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// When to try again, and when to give up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RetryPolicy {
    /// From 100 ms doubling to 5 s, until this much time has passed.
    ForTime(Duration),
    /// So often, at pauses that stay the same or double.
    Times { retries: u32, delay: Duration, doubling: bool },
}

/// Tries that have begun.
#[derive(Debug)]
pub struct Retries {
    policy: RetryPolicy,
    started: Instant,
    tried: u32,
    /// Whom it was waited for.
    service: String,
}

impl RetryPolicy {
    /// The wait after `tried` retries and this much time, or `None` to give up.
    fn pause(&self, tried: u32, elapsed: Duration) -> Option<Duration> {
        let doubled = |first: Duration| first.saturating_mul(1 << tried.min(20));
        match *self {
            Self::ForTime(total) => {
                // The last pause is as long as the time that is left.
                let left = total.saturating_sub(elapsed);
                (!left.is_zero()).then(|| doubled(FIRST_PAUSE).min(LONGEST_PAUSE).min(left))
            }
            Self::Times { retries, delay, doubling } => {
                (tried < retries).then(|| if doubling { doubled(delay) } else { delay })
            }
        }
    }

    /// Starts counting: for a loop of the caller's own, where a future made of an `async` closure is not provably
    /// `Send`.
    pub fn start(&self) -> Retries {
        Retries { policy: *self, started: Instant::now(), tried: 0, service: String::new() }
    }

    /// Calls `attempt` until it succeeds, fails for good, or has been tried for long enough; says what it waits for.
    ///
    /// `service` names the other side: `Kafka at 127.0.0.1:9092`. Only errors marked retriable are tried again.
    pub async fn run<T, F: Future<Output = Result<T>>>(
        &self,
        service: &str,
        context: &OpenContext,
        mut attempt: impl FnMut() -> F,
    ) -> Result<T> {
        let mut retries = self.start();
        loop {
            match attempt().await {
                Ok(value) => {
                    retries.done(context);
                    return Ok(value);
                }
                Err(error) => retries.wait(error, service, context).await?,
            }
        }
    }
}

impl Retries {
    /// Waits before the next try, counts it and says so, or gives the error back: it is not one that goes away by
    /// itself, or it has been tried for long enough.
    pub async fn wait(&mut self, error: Error, service: &str, context: &OpenContext) -> Result<()> {
        context.metrics.errors.fetch_add(1, Ordering::Relaxed);
        if !error.is_retriable() {
            return Err(error);
        }
        let Some(pause) = self.policy.pause(self.tried, self.started.elapsed()) else {
            let seconds = self.started.elapsed().as_secs_f32();
            let tries = match self.tried + 1 {
                1 => "1 try".to_string(),
                tries => format!("{tries} tries"),
            };
            return Err(error.context(format!("gave up on {service} after {tries} in {seconds:.1} s")));
        };
        context.metrics.retries.fetch_add(1, Ordering::Relaxed);
        let (what, why) = (format!("waiting for {service}"), format!("{}; trying again", error.message()));
        context.reporter.waits_because(&what, &why);
        tokio::time::sleep(pause).await;
        self.tried += 1;
        self.service = service.to_string();
        Ok(())
    }

    /// True where a try was made again.
    pub fn waited(&self) -> bool {
        self.tried > 0
    }

    /// Nothing is waited for any longer, and people hear so if they were told of waiting.
    pub fn done(&self, context: &OpenContext) {
        if self.waited() {
            context.reporter.news(&format!("{} answers again", self.service));
        }
    }

    /// The last try got somewhere: the clock starts again. The pauses stay long, and the number of tries counts on.
    pub fn got_on(&mut self) {
        self.started = Instant::now();
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

    fn busy() -> Error {
        Error::external("busy").retriable()
    }

    #[test]
    fn pauses_follow_the_policy() {
        let delay = Duration::from_millis(10);
        assert_eq!(pauses(RetryPolicy::Times { retries: 3, delay, doubling: false }), [10, 10, 10]);
        assert_eq!(pauses(RetryPolicy::Times { retries: 3, delay, doubling: true }), [10, 20, 40]);
        let total = Duration::from_secs(20);
        assert_eq!(pauses(RetryPolicy::ForTime(total)), [100, 200, 400, 800, 1600, 3200, 5000, 5000, 3700]);
        assert!(pauses(RetryPolicy::ForTime(Duration::ZERO)).is_empty());
    }

    #[tokio::test]
    async fn giving_up_says_after_how_many_tries() {
        let policy = RetryPolicy::Times { retries: 1, delay: Duration::ZERO, doubling: false };
        let (mut retries, context) = (policy.start(), OpenContext::for_test());
        retries.wait(busy(), "the service", &context).await.unwrap();
        let error = retries.wait(busy(), "the service", &context).await.unwrap_err();
        assert!(error.message().starts_with("gave up on the service after 2 tries in "), "{error}");
        assert_eq!(context.metrics.retries.load(Ordering::Relaxed), 1);
        assert_eq!(context.metrics.errors.load(Ordering::Relaxed), 2);
    }

    #[tokio::test]
    async fn an_error_that_stays_is_not_waited_for() {
        let policy = RetryPolicy::ForTime(Duration::from_secs(60));
        let error = policy.start().wait(Error::external("no"), "x", &OpenContext::for_test()).await.unwrap_err();
        assert_eq!(error.message(), "no");
    }

    #[tokio::test]
    async fn getting_on_starts_the_clock_again() {
        let context = OpenContext::for_test();
        let mut retries = RetryPolicy::ForTime(Duration::from_secs(1)).start();
        retries.started -= Duration::from_secs(9);
        retries.got_on();
        retries.wait(busy(), "x", &context).await.unwrap();
        retries.started -= Duration::from_secs(9);
        retries.wait(busy(), "x", &context).await.unwrap_err();
    }

    #[tokio::test]
    async fn every_retry_of_an_attempt_is_counted() {
        let (context, mut left) = (OpenContext::for_test(), 3);
        let attempt = || {
            left -= 1;
            let done = left == 0;
            async move { if done { Ok(7) } else { Err(busy()) } }
        };
        assert_eq!(RetryPolicy::ForTime(Duration::from_secs(5)).run("x", &context, attempt).await.unwrap(), 7);
        assert_eq!(context.metrics.retries.load(Ordering::Relaxed), 2);
    }
}
