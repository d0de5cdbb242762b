//! When a file is finished though more rows come.

use std::time::Duration;

use tokio::time::Instant;

/// A file is finished at a size or an age, whichever comes first.
#[derive(Debug, Clone, Copy)]
pub struct RollingPolicy {
    /// Bytes.
    pub size_max: u64,
    pub rollover: Duration,
    /// How often ages are looked at.
    pub check: Duration,
}

impl RollingPolicy {
    pub fn is_full(&self, size: u64) -> bool {
        size >= self.size_max
    }

    pub fn is_old(&self, opened: Instant, now: Instant) -> bool {
        now.saturating_duration_since(opened) >= self.rollover
    }
}
