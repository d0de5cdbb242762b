//! When a file is finished though more rows come.

use std::time::Duration;

use tokio::time::Instant;

/// A file is finished at a size, at an age, or when nothing has come for a while, whichever is first.
#[derive(Debug, Clone, Copy)]
pub struct RollingPolicy {
    /// Bytes.
    pub size_max: u64,
    pub rollover: Duration,
    /// How long a file may go without a row.
    pub inactivity: Duration,
    /// How often ages are looked at.
    pub check: Duration,
}

impl RollingPolicy {
    pub fn is_full(&self, size: u64) -> bool {
        size >= self.size_max
    }

    pub fn is_old(&self, opened: Instant, written: Instant, now: Instant) -> bool {
        now.saturating_duration_since(opened) >= self.rollover
            || now.saturating_duration_since(written) >= self.inactivity
    }
}
