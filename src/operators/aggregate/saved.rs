//! Groups as rows of a state table: the key, how many rows, all that the calls hold.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Int64Array, RecordBatch};
use arrow::datatypes::{DataType, Int64Type, SchemaRef};

use super::call::AggregateCall;
use crate::error::{Error, Result};
use crate::functions::aggregate::Accumulator;
use crate::state::StateTable;

/// The columns of groups, behind `before` others.
pub struct SavedGroups {
    columns: Vec<(String, DataType)>,
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
            let named = |part: &ArrayRef| (format!("{i} {}", call.describe(retracts)), part.data_type().clone());
            columns.extend(saved.iter().map(named));
        }
        Ok(Self { columns, before, key: key.len(), widths })
    }

    /// Positions of the key columns.
    pub fn key_columns(&self) -> Vec<usize> {
        (self.before..self.before + self.key).collect()
    }

    /// A table of groups, without rows yet. Subtasks have their rows by the key.
    pub fn table(&self) -> StateTable {
        StateTable::new(self.columns.iter().cloned()).keyed(self.key_columns())
    }

    /// Adds the columns of these slots to those before.
    pub fn save(
        &self,
        row: &mut Vec<ArrayRef>,
        key: Vec<ArrayRef>,
        counts: &[i64],
        values: &[Box<dyn Accumulator>],
        slots: &[u32],
    ) -> Result<()> {
        row.extend(key);
        row.push(Arc::new(Int64Array::from_iter_values(slots.iter().map(|slot| counts[*slot as usize]))));
        for values in values {
            row.extend(values.save(slots)?);
        }
        Ok(())
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
