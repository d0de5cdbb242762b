//! How much an operator keeps between batches.

use std::ops::AddAssign;

/// Keys and the bytes that are kept of them all.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct StateSize {
    /// Groups, sessions, rows: whatever state is kept of; a key of two open windows counts twice.
    pub keys: usize,
    pub bytes: usize,
}

impl AddAssign for StateSize {
    fn add_assign(&mut self, other: Self) {
        self.keys += other.keys;
        self.bytes += other.bytes;
    }
}
