//! Waiting between tries: exponential backoff with an end.

use std::time::Duration;

use tokio::time::Instant;

use super::Reporter;
use crate::error::{Error, Result};

/// How long to go on trying, and how long to wait in between.
#[derive(Debug, Clone)]
pub struct Backoff {
    pub initial: Duration,
    pub max: Duration,
    /// Give up when this much time has passed since the first try.
    pub total: Duration,
}

impl Backoff {
    /// From 100 ms doubling to 5 s, for `total`.
    pub fn for_total(total: Duration) -> Self {
        Self { initial: Duration::from_millis(100), max: Duration::from_secs(5), total }
    }

    /// Calls `attempt` until it succeeds, fails for good, or the time is over; says what it waits for.
    ///
    /// `waiting_for` names the other side: `Kafka at 127.0.0.1:9092`. Only errors marked retriable are tried again.
    pub async fn run<T, F: Future<Output = Result<T>>>(
        &self,
        waiting_for: &str,
        reporter: &Reporter,
        mut attempt: impl FnMut() -> F,
    ) -> Result<T> {
        let start = Instant::now();
        let mut pause = self.initial;
        loop {
            let error = match attempt().await {
                Ok(value) => return Ok(value),
                Err(error) => error,
            };
            if !error.is_retriable() {
                return Err(error);
            }
            if start.elapsed() + pause > self.total {
                return Err(gave_up(error, waiting_for, self.total));
            }
            reporter.tell(&format!(
                "waiting for {waiting_for}: {}; trying again in {} ms",
                error.message(),
                pause.as_millis()
            ));
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(self.max);
        }
    }
}

fn gave_up(error: Error, waiting_for: &str, total: Duration) -> Error {
    let tried = format!("gave up on {waiting_for} after {} s of trying", total.as_secs_f32());
    error.context(tried)
}
