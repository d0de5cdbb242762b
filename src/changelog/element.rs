//! What travels on an edge, in order.

use serde::{Deserialize, Serialize};

use super::ChangelogBatch;
use crate::time::Watermark;

/// The number of a checkpoint. It only grows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize)]
pub struct Epoch(pub u64);

impl Epoch {
    pub fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

/// Why a stream ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EndKind {
    /// The data is all read (or is drained): the last watermark is `MAX`, windows close.
    Data,
    /// The job is stopped: open windows stay open for a restart, rows in flight arrive.
    Stop,
}

/// One thing flows.
#[derive(Debug, Clone)]
pub enum StreamElement {
    Batch(ChangelogBatch),
    /// No later row is older.
    Watermark(Watermark),
    /// No row will come for a while: leave this input out of the minimum.
    Idle,
    /// Everything before belongs to the epoch.
    Barrier(Epoch),
    End(EndKind),
}
