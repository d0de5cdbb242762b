//! What a screen follows: the rows that are there, or the newest changes; and what it was when the screen was paused.

use std::collections::VecDeque;

use super::super::kept_rows::{Bound, KeptRows, Row};
use super::super::texts::Texts;
use crate::changelog::{ChangelogBatch, RowKind};

/// Changes that are held at most, as in Flink's client.
const MAX_CHANGES: usize = 1_000;

/// The rows behind a screen.
pub enum Content {
    Table(KeptRows),
    /// The newest changes, the symbol of the kind before each row's cells, and how many came before them.
    Changes {
        rows: VecDeque<Row>,
        gone: u64,
    },
}

impl Content {
    pub fn table(bound: Bound, updating: bool) -> Self {
        Self::Table(KeptRows::new(bound, updating).in_place())
    }

    pub fn changes() -> Self {
        Self::Changes { rows: VecDeque::new(), gone: 0 }
    }

    /// Takes the rows of a batch in.
    pub fn take(&mut self, batch: &ChangelogBatch, texts: &Texts) {
        let cells = texts.of(batch);
        let first = match self {
            // The others would be gone before anybody sees them.
            Self::Changes { gone, .. } => {
                let skipped = batch.num_rows().saturating_sub(MAX_CHANGES);
                *gone += skipped as u64;
                skipped
            }
            Self::Table(_) => 0,
        };
        for row in first..batch.num_rows() {
            self.apply(batch.kind(row), cells.row(row));
        }
    }

    /// Takes one change in.
    pub fn apply(&mut self, kind: RowKind, mut cells: Vec<String>) {
        match self {
            Self::Table(kept) => kept.apply(kind, cells),
            Self::Changes { rows, gone } => {
                cells.insert(0, kind.symbol().to_string());
                rows.push_back(cells.into());
                if rows.len() > MAX_CHANGES {
                    rows.pop_front();
                    *gone += 1;
                }
            }
        }
    }

    pub fn len(&self) -> usize {
        match self {
            Self::Table(kept) => kept.len(),
            Self::Changes { rows, .. } => rows.len(),
        }
    }

    /// Rows that went because there were too many: those that are left have moved up so far.
    pub fn gone(&self) -> u64 {
        match self {
            Self::Table(kept) => kept.evicted(),
            Self::Changes { gone, .. } => *gone,
        }
    }

    /// So many rows from one on, each with its number.
    pub fn rows(&self, from: usize, count: usize) -> Vec<(u64, Row)> {
        match self {
            Self::Table(kept) => kept.rows(from, count),
            Self::Changes { rows, gone } => {
                let rows = (gone + from as u64..).zip(rows.iter().skip(from));
                rows.take(count).map(|(number, row)| (number, row.clone())).collect()
            }
        }
    }

    /// The rows as they are now. They share their texts with those that go on.
    pub fn frozen(&self) -> Frozen {
        Frozen { rows: self.rows(0, self.len()), gone: self.gone(), age: self.age() }
    }

    /// Tells whether numbers of rows are those of a time before. None where a row is never another one.
    pub fn age(&self) -> Option<Age> {
        match self {
            Self::Table(kept) => Some(Age { renumbered: kept.renumbered(), next: kept.next_number() }),
            Self::Changes { .. } => None,
        }
    }
}

/// The rows of a moment.
pub struct Frozen {
    pub rows: Vec<(u64, Row)>,
    /// Rows that had gone by then.
    pub gone: u64,
    pub age: Option<Age>,
}

/// Which rows there have been.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Age {
    renumbered: u64,
    next: u64,
}

impl Age {
    /// True where a row with this number has come since a time before.
    pub fn is_new(&self, number: u64, before: Self) -> bool {
        self.renumbered == before.renumbered && number >= before.next && before.next > 0
    }

    pub fn same_numbers(&self, before: Self) -> bool {
        self.renumbered == before.renumbered
    }
}
