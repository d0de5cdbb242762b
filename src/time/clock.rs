//! Processing time has one door, so that tests and replays can bring their own.

use std::fmt::Debug;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, OnceLock};

/// Where processing time comes from.
pub trait Clock: Send + Sync + Debug {
    /// Milliseconds since the Unix epoch, UTC.
    fn now_ms(&self) -> i64;
}

/// The machine's clock.
#[derive(Debug, Default, Clone, Copy)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[allow(clippy::disallowed_methods)] // the one door
    fn now_ms(&self) -> i64 {
        let since_epoch = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        since_epoch.map_or(0, |d| d.as_millis() as i64)
    }
}

/// Another clock's time at the first look, ever after.
#[derive(Debug)]
pub struct FirstLook {
    clock: Arc<dyn Clock>,
    ms: OnceLock<i64>,
}

impl FirstLook {
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, ms: OnceLock::new() }
    }
}

impl Clock for FirstLook {
    fn now_ms(&self) -> i64 {
        *self.ms.get_or_init(|| self.clock.now_ms())
    }
}

/// A clock that stands still until it is moved.
#[derive(Debug, Default)]
pub struct ManualClock(AtomicI64);

impl ManualClock {
    pub fn new(now_ms: i64) -> Self {
        Self(AtomicI64::new(now_ms))
    }

    pub fn set(&self, now_ms: i64) {
        self.0.store(now_ms, Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now_ms(&self) -> i64 {
        self.0.load(Ordering::SeqCst)
    }
}
