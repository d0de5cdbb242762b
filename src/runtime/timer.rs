//! Time that tasks wait for: tokio's, or in a simulation one that moves on when nothing else can.

use std::time::Duration;

use tokio::time::{Instant, Interval, MissedTickBehavior};

#[cfg(test)]
use super::tests::simulated_time as simulated;

pub fn now() -> Instant {
    #[cfg(test)]
    if let Some(now) = simulated::now() {
        return now;
    }
    Instant::now()
}

pub async fn sleep_until(at: Instant) {
    #[cfg(test)]
    if let Some(sleep) = simulated::sleep_until(at) {
        return sleep.await;
    }
    tokio::time::sleep_until(at).await;
}

pub async fn sleep(time: Duration) {
    sleep_until(now() + time).await;
}

/// Comes again and again: at once, then so long after the last time.
pub struct Ticks {
    interval: Interval,
    #[cfg(test)]
    next: Instant,
}

impl Ticks {
    pub fn new(every: Duration) -> Self {
        let mut interval = tokio::time::interval(every);
        interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self {
            interval,
            #[cfg(test)]
            next: now(),
        }
    }

    /// Cancel safe.
    pub async fn tick(&mut self) {
        #[cfg(test)]
        if let Some(sleep) = simulated::sleep_until(self.next) {
            sleep.await;
            self.next = now() + self.interval.period();
            return;
        }
        self.interval.tick().await;
    }
}
