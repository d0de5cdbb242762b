//! `GROUP BY` without windows: a result per group, told anew whenever it changes.
//!
//! The first row of a group gives `+I`; a row that changes its result `-U` and `+U` (only `+U` where nobody needs the
//! old one); a row that changes nothing gives nothing. Where the input takes rows back, the last one gives `-D`, and what
//! is retracted from a group that has no rows is dropped. State: key, number of rows and running values of every group,
//! for ever. Watermarks and barriers: unchanged.

use std::collections::{HashMap, HashSet};

use arrow::array::{Array, ArrayRef, ArrowPrimitiveType, AsArray, BooleanArray, UInt32Array};
use arrow::compute::kernels::cmp::not_distinct;
use arrow::compute::{concat, take};
use arrow::datatypes::{DataType, Float32Type, Float64Type, SchemaRef};
use arrow::record_batch::{RecordBatch, RecordBatchOptions};

use super::call::AggregateCall;
use super::keys::GroupKeys;
use crate::changelog::{ChangelogBatch, RowKind};
use crate::error::Result;
use crate::functions::aggregate::{Accumulator, Signs};
use crate::operators::{Operator, Output, Progress};

/// Groups rows by columns of the input; the result is the key followed by the calls' values.
pub struct GroupAggregate {
    key: Vec<usize>,
    groups: GroupKeys,
    calls: Vec<AggregateCall>,
    values: Vec<Box<dyn Accumulator>>,
    /// How many rows each slot has.
    counts: Vec<i64>,
    /// Whether the old result of an update is told, too.
    tells_before: bool,
    schema: SchemaRef,
}

impl GroupAggregate {
    /// `retracts`: the input may take rows back. `schema` is what comes out.
    pub fn try_new(
        input: &SchemaRef,
        key: Vec<usize>,
        calls: Vec<AggregateCall>,
        retracts: bool,
        tells_before: bool,
        schema: SchemaRef,
    ) -> Result<Self> {
        let values = calls.iter().map(|call| call.accumulator(retracts)).collect::<Result<_>>()?;
        let groups = GroupKeys::try_new(input, &key)?;
        Ok(Self { key, groups, calls, values, counts: Vec::new(), tells_before, schema })
    }

    fn aggregate(&mut self, batch: &ChangelogBatch, out: &mut Output) -> Result<()> {
        let key_columns: Vec<ArrayRef> = self.key.iter().map(|&column| batch.rows().column(column).clone()).collect();
        let slots = self.groups.intern(&key_columns, batch.num_rows())?;
        self.counts.resize(self.groups.slots(), 0);
        for values in &mut self.values {
            values.grow(self.groups.slots());
        }
        let mut row = 0;
        while row < slots.len() {
            let (length, moves) = self.count(batch, &slots, row);
            let rows = batch.rows().slice(row, length);
            out.emit(self.apply(&rows, &slots[row..row + length], &moves)?);
            // A group without rows is forgotten; a later row of its key begins anew.
            let emptied: Vec<u32> = moves.iter().filter(|m| m.after == 0 && m.sign < 0).map(|m| m.slot).collect();
            if !emptied.is_empty() {
                self.values.iter_mut().for_each(|values| values.clear(&emptied));
            }
            row += length;
        }
        let mut empty: Vec<u32> = slots.iter().copied().filter(|slot| self.counts[*slot as usize] == 0).collect();
        empty.sort_unstable();
        empty.dedup();
        self.groups.remove(&empty);
        Ok(())
    }

    /// Counts rows from `start` on, up to one of a group that has become empty on the way.
    fn count(&mut self, batch: &ChangelogBatch, slots: &[u32], start: usize) -> (usize, Vec<Move>) {
        let mut moves: Vec<Move> = Vec::new();
        let mut emptied: HashSet<u32> = HashSet::new();
        for (row, &slot) in slots.iter().enumerate().skip(start) {
            if emptied.contains(&slot) {
                break;
            }
            let count = &mut self.counts[slot as usize];
            let before = *count;
            let sign = match batch.kind(row).is_addition() {
                true => 1,
                false if before == 0 => 0,
                false => -1,
            };
            *count += i64::from(sign);
            if sign < 0 && *count == 0 {
                emptied.insert(slot);
            }
            moves.push(Move { slot, sign, before, after: *count });
        }
        (moves.len(), moves)
    }

    /// Applies rows and says what follows from each.
    fn apply(&mut self, rows: &RecordBatch, slots: &[u32], moves: &[Move]) -> Result<ChangelogBatch> {
        let signs: Vec<i8> = moves.iter().map(|m| m.sign).collect();
        let added = signs.iter().all(|sign| *sign == 1);
        let before = Before::of(slots);
        let mut results: Vec<ArrayRef> = Vec::with_capacity(self.calls.len());
        let mut same: Option<BooleanArray> = None;
        for (call, values) in self.calls.iter().zip(&mut self.values) {
            let old = values.evaluate(&before.slots)?;
            let filtered = call.filtered(rows, &signs)?;
            let signs = match &filtered {
                Some(signs) => Signs::Each(signs),
                None if added => Signs::Added,
                None => Signs::Each(&signs),
            };
            let new = values.update_each(slots, &call.arguments(rows), signs)?;
            // The results behind each row, then those before the first row of each slot.
            let all = concat(&[&new, &old])?;
            let unchanged = equal(&take(&all, &before.positions, None)?, &new)?;
            same = Some(match same {
                Some(same) => arrow::compute::and(&same, &unchanged)?,
                None => unchanged,
            });
            results.push(all);
        }
        let mut changes = Changes::default();
        for (row, m) in moves.iter().enumerate() {
            let (now, was) = (row as u32, before.positions.value(row));
            match (m.before, m.after) {
                (0, 0) => {}
                (0, _) => changes.push(row, now, RowKind::Insert),
                (_, 0) => changes.push(row, was, RowKind::Delete),
                _ if same.as_ref().is_none_or(|same| same.value(row)) => {}
                _ => {
                    if self.tells_before {
                        changes.push(row, was, RowKind::UpdateBefore);
                    }
                    changes.push(row, now, RowKind::UpdateAfter);
                }
            }
        }
        self.batch(rows, &results, changes)
    }

    fn batch(&self, rows: &RecordBatch, results: &[ArrayRef], changes: Changes) -> Result<ChangelogBatch> {
        let (of_row, of_result) = (UInt32Array::from(changes.rows), UInt32Array::from(changes.results));
        let mut columns = Vec::with_capacity(self.schema.fields().len());
        for &column in &self.key {
            columns.push(take(rows.column(column), &of_row, None)?);
        }
        for result in results {
            columns.push(take(result, &of_result, None)?);
        }
        let options = RecordBatchOptions::new().with_row_count(Some(changes.kinds.len()));
        let rows = RecordBatch::try_new_with_options(self.schema.clone(), columns, &options)?;
        Ok(ChangelogBatch::new(rows, changes.kinds))
    }
}

/// What a row does to its group.
struct Move {
    slot: u32,
    sign: i8,
    /// Rows of the group before and behind it.
    before: i64,
    after: i64,
}

/// Where the result before each row stands: behind the row of the same slot before it, or among the old results.
struct Before {
    positions: UInt32Array,
    /// The slots in the order of their first rows.
    slots: Vec<u32>,
}

impl Before {
    fn of(slots: &[u32]) -> Self {
        let mut last: HashMap<u32, u32> = HashMap::new();
        let (mut positions, mut first) = (Vec::with_capacity(slots.len()), Vec::new());
        for (row, &slot) in slots.iter().enumerate() {
            positions.push(match last.insert(slot, row as u32) {
                Some(before) => before,
                None => {
                    first.push(slot);
                    (slots.len() + first.len() - 1) as u32
                }
            });
        }
        Self { positions: positions.into(), slots: first }
    }
}

/// Rows to emit: the row of the input that has the key, the position of the result, the kind.
#[derive(Default)]
struct Changes {
    rows: Vec<u32>,
    results: Vec<u32>,
    kinds: Vec<RowKind>,
}

impl Changes {
    fn push(&mut self, row: usize, result: u32, kind: RowKind) {
        self.rows.push(row as u32);
        self.results.push(result);
        self.kinds.push(kind);
    }
}

/// Which rows are the same in both columns. NULL is the same as NULL; NaN is never the same, as in Flink.
fn equal(left: &ArrayRef, right: &ArrayRef) -> Result<BooleanArray> {
    match left.data_type() {
        DataType::Float64 => Ok(equal_floats::<Float64Type>(left, right)),
        DataType::Float32 => Ok(equal_floats::<Float32Type>(left, right)),
        _ => Ok(not_distinct(left, right)?),
    }
}

fn equal_floats<T: ArrowPrimitiveType>(left: &ArrayRef, right: &ArrayRef) -> BooleanArray
where
    T::Native: PartialEq,
{
    let (left, right) = (left.as_primitive::<T>(), right.as_primitive::<T>());
    left.iter().zip(right).map(|(left, right)| Some(left == right)).collect()
}

impl Operator for GroupAggregate {
    fn name(&self) -> &'static str {
        "GroupAggregate"
    }

    fn process(&mut self, _input: usize, batch: ChangelogBatch, out: &mut Output) -> Result<Progress> {
        self.aggregate(&batch, out)?;
        Ok(Progress::Done)
    }
}

#[cfg(test)]
#[path = "group_tests.rs"]
mod tests;
