//! Whether records that are under way become fewer, and saying so where they don't.

use std::time::Duration;

use tokio::time::Instant;

use super::produce::BatchProducer;

/// After so long without an acknowledgement people are told.
pub const SILENCE: Duration = Duration::from_secs(5);

/// Records under way when it was last looked, and since when they have not become fewer.
pub struct Progress {
    under_way: usize,
    since: Instant,
}

impl Default for Progress {
    fn default() -> Self {
        Self { under_way: 0, since: Instant::now() }
    }
}

impl Progress {
    /// Says when records wait and none is acknowledged, though the connections stand.
    pub fn watch(&mut self, producer: &BatchProducer) {
        let (now, context) = (producer.in_flight(), producer.context());
        if now == 0 || now < self.under_way {
            *self = Self { under_way: now, since: Instant::now() };
            if context.is_lost() {
                context.answered();
            }
        } else {
            self.under_way = now;
            if self.since.elapsed() >= SILENCE {
                context.unanswered(self.since.elapsed());
            }
        }
    }
}
