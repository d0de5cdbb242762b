//! A piece of a table: some thousand rows that are written and read together, and that stay what they are.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arrow::array::RecordBatch;
use serde::{Deserialize, Serialize};

use crate::error::Result;

/// What a piece is called: two pieces that one operator has given, of one table and with the same id, have the same rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct PieceId {
    /// Which of the things that the table has slots of: a window's slice has slots of its own.
    pub group: u64,
    /// Which slots.
    pub place: u32,
    /// Of slots with many rows: which of them.
    pub part: u32,
    /// When it was last changed: the epoch, or later.
    pub generation: u64,
}

impl fmt::Display for PieceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}-{}-{}", self.group, self.place, self.part, self.generation)
    }
}

/// Makes rows of a copy of what was kept, in the background.
type Later = Box<dyn Fn() -> Result<RecordBatch> + Send + Sync>;

/// The rows of a piece, made at the barrier or later.
pub enum PieceRows {
    Now(RecordBatch),
    /// So many rows, of a copy with so many bytes.
    Later {
        rows: usize,
        bytes: usize,
        make: Later,
    },
}

/// Cheap to clone: all clones share their rows.
#[derive(Clone)]
pub struct Piece(Arc<Inner>);

struct Inner {
    id: Option<PieceId>,
    count: usize,
    rows: Mutex<PieceRows>,
}

impl Piece {
    pub(super) fn new(id: Option<PieceId>, rows: PieceRows) -> Self {
        let count = match &rows {
            PieceRows::Now(rows) => rows.num_rows(),
            PieceRows::Later { rows, .. } => *rows,
        };
        Self(Arc::new(Inner { id, count, rows: Mutex::new(rows) }))
    }

    /// `None`: nothing is known of what was given before, so that it must be written.
    pub fn id(&self) -> Option<PieceId> {
        self.0.id
    }

    pub fn num_rows(&self) -> usize {
        self.0.count
    }

    fn lock(&self) -> MutexGuard<'_, PieceRows> {
        self.0.rows.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Bytes held, about.
    pub fn memory(&self) -> usize {
        match &*self.lock() {
            PieceRows::Now(rows) => rows.get_array_memory_size(),
            PieceRows::Later { bytes, .. } => *bytes,
        }
    }

    /// The rows. They may be made only now, which takes its time: not for a task that rows wait for.
    pub fn rows(&self) -> Result<RecordBatch> {
        let mut held = self.lock();
        let made = match &*held {
            PieceRows::Now(rows) => return Ok(rows.clone()),
            PieceRows::Later { make, .. } => make()?,
        };
        *held = PieceRows::Now(made.clone());
        Ok(made)
    }
}

impl fmt::Debug for Piece {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Piece").field("id", &self.id()).field("rows", &self.num_rows()).finish()
    }
}

impl PartialEq for Piece {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
            || matches!((self.rows(), other.rows()), (Ok(rows), Ok(others)) if rows == others)
    }
}
