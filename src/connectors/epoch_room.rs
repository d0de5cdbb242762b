//! How much of an epoch its writers may hold: what is more waits until the epoch before is published.
//!
//! A target that stands still holds back the sources: it can't publish, so an epoch that has grown large behind the one
//! that it is to publish takes no more rows. Nothing that a writer waits for waits for it: when it takes rows of an epoch,
//! the barrier before these has passed all that leads to it.

use tokio::sync::{Notify, watch};

use crate::changelog::Epoch;

/// So much may be held of an epoch by one writer.
pub const EPOCH_BYTES: usize = 64 << 20;

/// Shared by the writers of a job and its coordinator.
#[derive(Debug)]
pub struct EpochRoom {
    full: Notify,
    /// The last epoch that is published.
    published: watch::Sender<Epoch>,
}

impl Default for EpochRoom {
    /// Of writers that nobody publishes for.
    fn default() -> Self {
        Self::behind(Epoch(u64::MAX))
    }
}

impl EpochRoom {
    /// Behind an epoch that is published.
    pub fn behind(published: Epoch) -> Self {
        Self { full: Notify::new(), published: watch::Sender::new(published) }
    }

    /// Asks for the end of the epoch that is under way.
    pub fn ask(&self) {
        self.full.notify_one();
    }

    /// Waits until the end of the epoch is asked for.
    pub async fn asked(&self) {
        self.full.notified().await;
    }

    /// An epoch is published.
    pub fn publish(&self, epoch: Epoch) {
        self.published.send_replace(epoch);
    }

    /// A writer holds so many bytes of `epoch`: where that is much, asks once for its end, and waits until the one
    /// before is published.
    pub async fn hold(&self, epoch: Epoch, bytes: usize, asked: &mut bool) {
        if bytes < EPOCH_BYTES {
            return;
        }
        if !std::mem::replace(asked, true) {
            self.ask();
        }
        let is_next = |published: &Epoch| published.0.saturating_add(1) >= epoch.0;
        // The sender is ours: it is not gone.
        let _ = self.published.subscribe().wait_for(is_next).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::FutureExt;

    #[test]
    fn a_large_epoch_asks_once_and_takes_rows_only_when_the_one_before_is_published() {
        let (room, mut asked) = (EpochRoom::behind(Epoch(0)), false);
        let mut hold = |epoch, bytes| room.hold(Epoch(epoch), bytes, &mut asked).now_or_never().is_some();
        assert!(hold(2, EPOCH_BYTES - 1), "a small one never waits");
        assert!(hold(1, EPOCH_BYTES), "nothing is unpublished before it");
        assert!(!hold(2, EPOCH_BYTES));
        room.publish(Epoch(1));
        assert!(hold(2, EPOCH_BYTES));
        assert!(room.asked().now_or_never().is_some());
        assert!(room.asked().now_or_never().is_none(), "it has asked once");
        let (room, mut asked) = (EpochRoom::default(), false);
        assert!(room.hold(Epoch(9), EPOCH_BYTES, &mut asked).now_or_never().is_some(), "nobody publishes");
    }
}
