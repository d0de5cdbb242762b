//! How much of an epoch its writers may hold: what is more waits until the epoch before is published.
//!
//! A target that stands still holds back the sources: it can't publish, so an epoch that has grown large behind the one
//! that it is to publish takes no more rows. Nothing that a writer waits for waits for it: when it takes rows of an epoch,
//! the barrier before these has passed all that leads to it.
//!
//! While a table is read that can't be gone on with from a position no epoch can end: then what all writers hold has a
//! limit, and more is an error.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use tokio::sync::{Notify, watch};

use crate::changelog::Epoch;
use crate::error::{Error, Result};

/// So much may be held of an epoch by one writer.
const EPOCH_BYTES: usize = 64 << 20;

/// Shared by the writers of a job and its coordinator.
#[derive(Debug)]
pub struct EpochRoom {
    full: Notify,
    /// The last epoch that is published.
    published: watch::Sender<Epoch>,
    /// The tables before whose end no epoch ends.
    read_whole: Mutex<BTreeSet<String>>,
    /// What all writers have held at most, and may hold while there are such tables.
    held: AtomicUsize,
    limit: usize,
}

/// What a writer has told of the epoch that it collects.
#[derive(Debug, Default)]
pub struct Told {
    asked: bool,
    bytes: usize,
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
        Self {
            full: Notify::new(),
            published: watch::Sender::new(published),
            read_whole: Mutex::default(),
            held: AtomicUsize::new(0),
            limit: usize::MAX,
        }
    }

    /// Of a job whose operators may hold so many bytes. Writers may hold half as much: a checkpoint copies it once.
    pub fn within(self, memory: Option<usize>) -> Self {
        Self { limit: memory.map_or(usize::MAX, |bytes| bytes / 2), ..self }
    }

    /// No epoch ends before these tables are read to their end.
    pub fn wait_for_ends_of<'a>(&self, tables: impl Iterator<Item = &'a String>) {
        *self.read_whole.lock().unwrap_or_else(PoisonError::into_inner) = tables.cloned().collect();
    }

    /// The tables before whose end no epoch ends: `"a", "b"`.
    pub fn read_whole(&self) -> Option<String> {
        let tables = self.read_whole.lock().unwrap_or_else(PoisonError::into_inner);
        let quoted = tables.iter().map(|table| format!("\"{table}\"")).collect::<Vec<_>>();
        (!quoted.is_empty()).then(|| quoted.join(", "))
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
    ///
    /// # Errors
    /// The epoch can't end yet, and all writers hold more than they may.
    pub async fn hold(&self, epoch: Epoch, bytes: usize, told: &mut Told) -> Result<()> {
        let more = bytes.saturating_sub(told.bytes);
        told.bytes += more;
        let held = self.held.fetch_add(more, Ordering::Relaxed).saturating_add(more);
        if held > self.limit
            && let Some(tables) = self.read_whole()
        {
            return Err(self.too_much(held, &tables));
        }
        if bytes >= EPOCH_BYTES && !std::mem::replace(&mut told.asked, true) {
            self.ask();
        }
        self.wait(epoch, bytes).await;
        Ok(())
    }

    /// The same for what lies on a disk: its epoch need not end for it.
    pub async fn wait(&self, epoch: Epoch, bytes: usize) {
        if bytes >= EPOCH_BYTES {
            let is_next = |published: &Epoch| published.0.saturating_add(1) >= epoch.0;
            // The sender is ours: it is not gone.
            let _ = self.published.subscribe().wait_for(is_next).await;
        }
    }

    fn too_much(&self, held: usize, tables: &str) -> Error {
        let megabytes = |bytes: usize| bytes >> 20;
        let (held, limit) = (megabytes(held), megabytes(self.limit));
        Error::statement(format!(
            "the rows up to the end of {tables} don't fit into memory: {held} MB wait to be written exactly once, and they \
             may be {limit} MB"
        ))
        .with_detail(
            "Reading it can't be gone on with from a position, so there is no checkpoint before its end, and nothing is \
             published before a checkpoint.",
        )
        .with_hint(
            "'sink.delivery-guarantee' = 'at-least-once' at the tables that are written lets their rows be written as they \
             come; so does a job without checkpoints. Or give it more with --memory: half of that may wait.",
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::FutureExt;

    #[test]
    fn a_large_epoch_asks_once_and_takes_rows_only_when_the_one_before_is_published() {
        let (room, mut told) = (EpochRoom::behind(Epoch(0)), Told::default());
        let mut hold = |epoch, bytes| room.hold(Epoch(epoch), bytes, &mut told).now_or_never().is_some();
        assert!(hold(2, EPOCH_BYTES - 1), "a small one never waits");
        assert!(hold(1, EPOCH_BYTES), "nothing is unpublished before it");
        assert!(!hold(2, EPOCH_BYTES));
        room.publish(Epoch(1));
        assert!(hold(2, EPOCH_BYTES));
        assert!(room.asked().now_or_never().is_some());
        assert!(room.asked().now_or_never().is_none(), "it has asked once");
        let room = EpochRoom::default();
        let mut told = Told::default();
        assert!(room.hold(Epoch(9), EPOCH_BYTES, &mut told).now_or_never().is_some(), "nobody publishes");
    }

    #[test]
    fn what_waits_for_the_end_of_a_table_has_a_limit() {
        let room = EpochRoom::behind(Epoch(0)).within(Some(20 << 20));
        let (mut one, mut two) = (Told::default(), Told::default());
        let hold = |told: &mut Told, bytes| room.hold(Epoch(1), bytes, told).now_or_never().unwrap();
        hold(&mut one, 30 << 20).expect("an epoch that can end is asked to");
        let room = EpochRoom::behind(Epoch(0)).within(Some(20 << 20));
        room.wait_for_ends_of([&"scores".to_string()].into_iter());
        let hold = |told: &mut Told, bytes| room.hold(Epoch(1), bytes, told).now_or_never().unwrap();
        one = Told::default();
        hold(&mut one, 4 << 20).unwrap();
        hold(&mut one, 5 << 20).unwrap();
        hold(&mut two, 5 << 20).unwrap();
        let error = hold(&mut two, 6 << 20).unwrap_err();
        assert_eq!(
            error.message(),
            "the rows up to the end of \"scores\" don't fit into memory: 11 MB wait to be written exactly once, and they \
             may be 10 MB"
        );
        assert!(error.hint().unwrap().starts_with("'sink.delivery-guarantee' = 'at-least-once'"), "{error}");
        room.wait_for_ends_of([].into_iter());
        hold(&mut two, 7 << 20).unwrap();
    }
}
