//! Groups as rows of a state table: the key, how many rows, all that the calls hold.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Int64Array, RecordBatch};
use arrow::datatypes::{DataType, Int64Type, SchemaRef};

use super::call::AggregateCall;
use crate::error::{Error, Result};
use crate::functions::aggregate::{Accumulator, Saved};
use crate::state::{PieceRows, StateTable};

/// The columns of groups, behind `before` others.
pub struct SavedGroups {
    /// Without rows.
    empty: StateTable,
    before: usize,
    key: usize,
    /// How many columns each call has.
    widths: Vec<usize>,
}

impl SavedGroups {
    /// Of groups by the columns `key` of `input`.
    pub fn try_new(
        before: impl IntoIterator<Item = (String, DataType)>,
        input: &SchemaRef,
        key: &[usize],
        calls: &[AggregateCall],
        retracts: bool,
    ) -> Result<Self> {
        let mut columns: Vec<(String, DataType)> = before.into_iter().collect();
        let before = columns.len();
        for (i, column) in key.iter().enumerate() {
            columns.push((format!("key {i}"), input.field(*column).data_type().clone()));
        }
        columns.push(("rows".to_string(), DataType::Int64));
        let mut widths = Vec::with_capacity(calls.len());
        for (i, call) in calls.iter().enumerate() {
            let saved = call.accumulator(retracts)?.save(&[])?;
            widths.push(saved.len());
            for part in saved {
                columns.push((format!("{i} {}", call.describe(retracts)), part.column()?.data_type().clone()));
            }
        }
        let empty = StateTable::new(columns).keyed((before..before + key.len()).collect());
        Ok(Self { empty, before, key: key.len(), widths })
    }

    /// A table of groups, without rows yet. Subtasks have their rows by the key.
    pub fn table(&self) -> StateTable {
        self.empty.clone()
    }

    /// The rows of these slots. `front` gives the columns before those of the key, and these, of some slots.
    pub fn save(
        &self,
        slots: &[u32],
        counts: &[i64],
        values: &[Box<dyn Accumulator>],
        front: &dyn Fn(&[u32]) -> Result<Vec<ArrayRef>>,
    ) -> Result<Vec<PieceRows>> {
        let mut saved = Vec::new();
        for values in values {
            saved.extend(values.save(slots)?);
        }
        let bytes: usize = saved.iter().map(Saved::memory).sum();
        if bytes > StateTable::PIECE_BYTES && slots.len() > 1 {
            drop(saved);
            let (left, right) = slots.split_at(slots.len() / 2);
            let mut pieces = self.save(left, counts, values, front)?;
            pieces.extend(self.save(right, counts, values, front)?);
            return Ok(pieces);
        }
        let mut row = front(slots)?;
        row.push(Arc::new(Int64Array::from_iter_values(slots.iter().map(|slot| counts[*slot as usize]))));
        let whole = |mut row: Vec<ArrayRef>, saved: &[Saved]| -> Result<Vec<ArrayRef>> {
            for saved in saved {
                row.push(saved.column()?);
            }
            Ok(row)
        };
        Ok(vec![match saved.iter().all(|saved| matches!(saved, Saved::Now(_))) {
            true => self.empty.rows(whole(row, &saved)?)?,
            false => {
                let bytes = bytes + row.iter().map(|column| column.get_array_memory_size()).sum::<usize>();
                self.empty.rows_later(slots.len(), bytes, move || whole(row.clone(), &saved))
            }
        }])
    }

    /// The key columns in a piece of the table.
    pub fn key<'a>(&self, piece: &'a RecordBatch) -> &'a [ArrayRef] {
        &piece.columns()[self.before..self.before + self.key]
    }

    /// Fills these slots, which are empty, with the rows of a piece.
    pub fn restore(
        &self,
        piece: &RecordBatch,
        counts: &mut [i64],
        values: &mut [Box<dyn Accumulator>],
        slots: &[u32],
    ) -> Result<()> {
        let at = self.before + self.key;
        for (slot, count) in slots.iter().zip(numbers(piece, at)?) {
            counts[*slot as usize] = *count;
        }
        let mut rest = &piece.columns()[at + 1..];
        for (values, width) in values.iter_mut().zip(&self.widths) {
            let (saved, behind) = rest.split_at_checked(*width).ok_or_else(torn)?;
            values.restore(slots, saved)?;
            rest = behind;
        }
        Ok(())
    }
}

/// A column of numbers without NULL.
pub fn numbers(piece: &RecordBatch, column: usize) -> Result<&[i64]> {
    let numbers = piece.columns().get(column).and_then(|column| column.as_primitive_opt::<Int64Type>());
    Ok(numbers.filter(|numbers| numbers.null_count() == 0).ok_or_else(torn)?.values())
}

fn torn() -> Error {
    Error::state("the state of groups is damaged")
}
