//! Where an operator puts its results: a bounded list that the runtime sends on.

use crate::changelog::{ChangelogBatch, StreamElement};
use crate::time::Watermark;

/// Whether an operator has said all that follows from what it was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Progress {
    Done,
    /// `out` was full: send, then call `resume`.
    More,
}

/// Collects what an operator emits, in order.
#[derive(Debug, Default)]
pub struct Output {
    elements: Vec<StreamElement>,
    rows: usize,
}

impl Output {
    /// Rows after which an operator should return [`Progress::More`].
    pub const ROWS_MAX: usize = 65_536;

    pub fn new() -> Self {
        Self::default()
    }

    /// Emits rows; an empty batch is dropped.
    pub fn emit(&mut self, batch: ChangelogBatch) {
        if !batch.is_empty() {
            self.rows += batch.num_rows();
            self.elements.push(StreamElement::Batch(batch));
        }
    }

    pub fn watermark(&mut self, watermark: Watermark) {
        self.elements.push(StreamElement::Watermark(watermark));
    }

    pub fn is_full(&self) -> bool {
        self.rows >= Self::ROWS_MAX
    }

    pub fn has_rows(&self) -> bool {
        self.rows > 0
    }

    /// Takes everything out, in order.
    pub fn drain(&mut self) -> std::vec::Drain<'_, StreamElement> {
        self.rows = 0;
        self.elements.drain(..)
    }
}
