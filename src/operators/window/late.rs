//! Rows that came when their windows were over.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// How many rows an operator has dropped because they were late.
#[derive(Debug, Clone, Default)]
pub struct LateRows(Arc<AtomicU64>);

impl LateRows {
    pub fn add(&self, rows: u64) {
        self.0.fetch_add(rows, Ordering::Relaxed);
    }

    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}
