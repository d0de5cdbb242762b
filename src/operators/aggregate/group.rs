//! `GROUP BY` without windows: a result per group, told anew whenever it changes.
//!
//! The first row of a group gives `+I`; a row that changes its result `-U` and `+U` (only `+U` where nobody needs the
//! old one); a row that changes nothing gives nothing. Where the input takes rows back, the last one gives `-D`, and what
//! is retracted from a group that has no rows is dropped. State: key, number of rows and running values of every group,
//! for ever or, with a time to live, until no row has come for so long; a group that is forgotten begins anew, and a row
//! that changes nothing tells the result again, so that what lives as long behind stays. Watermarks and barriers:
//! unchanged.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use arrow::array::{Array, ArrayRef, ArrowPrimitiveType, AsArray, BooleanArray, UInt32Array};
use arrow::compute::kernels::cmp::not_distinct;
use arrow::compute::{concat, take};
use arrow::datatypes::{DataType, Float32Type, Float64Type, SchemaRef};
use arrow::record_batch::{RecordBatch, RecordBatchOptions};

use super::call::AggregateCall;
use super::keys::GroupKeys;
use super::lifetime::Lifetime;
use crate::changelog::{ChangelogBatch, RowKind};
use crate::error::Result;
use crate::functions::aggregate::{Accumulator, Signs, ValueCodec};
use crate::operators::{Operator, Output, Progress, StateSize};

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
    /// When each slot is forgotten; without a time to live there is nothing to know.
    lifetime: Option<Lifetime>,
    /// What is left of the last batch.
    rest: Option<Rest>,
    /// Rows to be answered at once: fewer where results are large, as lists of all values are.
    rows_max: usize,
}

/// The bytes that the results of one run of rows should not exceed by much.
const RUN_BYTES: usize = 8 << 20;

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
        Ok(Self {
            key,
            groups,
            calls,
            values,
            counts: Vec::new(),
            tells_before,
            schema,
            lifetime: None,
            rest: None,
            rows_max: 256,
        })
    }

    /// With a time to live of groups.
    pub fn with_ttl(self, ttl: Option<Duration>) -> Self {
        let lifetime = ttl.and_then(|ttl| i64::try_from(ttl.as_millis()).ok()).map(Lifetime::new);
        Self { lifetime, ..self }
    }

    /// Forgets groups whose time is over.
    fn forget(&mut self, slots: &[u32]) {
        self.values.iter_mut().for_each(|values| values.clear(slots));
        slots.iter().for_each(|slot| self.counts[*slot as usize] = 0);
    }

    fn begin(&mut self, batch: ChangelogBatch) -> Result<()> {
        let key_columns: Vec<ArrayRef> = self.key.iter().map(|&column| batch.rows().column(column).clone()).collect();
        let slots = self.groups.intern(&key_columns, batch.num_rows())?;
        self.counts.resize(self.groups.slots(), 0);
        for values in &mut self.values {
            values.grow(self.groups.slots());
        }
        if let Some(lifetime) = &mut self.lifetime {
            let over = lifetime.touch(&slots, &self.counts);
            self.forget(&over);
        }
        self.rest = Some(Rest { batch, slots, row: 0 });
        Ok(())
    }

    fn go_on(&mut self, out: &mut Output) -> Result<Progress> {
        let Some(mut rest) = self.rest.take() else { return Ok(Progress::Done) };
        while rest.row < rest.slots.len() {
            if out.is_full() {
                self.rest = Some(rest);
                return Ok(Progress::More);
            }
            let (length, moves) = self.count(&rest.batch, &rest.slots, rest.row);
            let rows = rest.batch.rows().slice(rest.row, length);
            let bytes = self.apply(&rows, &rest.slots[rest.row..rest.row + length], &moves, out)?;
            // A group without rows is forgotten; a later row of its key begins anew.
            let emptied: Vec<u32> = moves.iter().filter(|m| m.after == 0 && m.sign < 0).map(|m| m.slot).collect();
            if !emptied.is_empty() {
                self.values.iter_mut().for_each(|values| values.clear(&emptied));
            }
            rest.row += length;
            // Results may grow with every row, so that what they took says little about many more.
            self.rows_max = (RUN_BYTES / (bytes / length).max(1)).clamp(1, self.rows_max * 2);
            if bytes >= RUN_BYTES {
                self.rest = Some(rest);
                return Ok(Progress::More);
            }
        }
        let mut empty: Vec<u32> = rest.slots;
        empty.retain(|slot| self.counts[*slot as usize] == 0);
        empty.sort_unstable();
        empty.dedup();
        self.groups.remove(&empty);
        Ok(Progress::Done)
    }

    /// Counts rows from `start` on, up to one of a group that has become empty on the way.
    fn count(&mut self, batch: &ChangelogBatch, slots: &[u32], start: usize) -> (usize, Vec<Move>) {
        let mut moves: Vec<Move> = Vec::new();
        let mut emptied: HashSet<u32> = HashSet::new();
        for (row, &slot) in slots.iter().enumerate().skip(start).take(self.rows_max) {
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

    /// Applies rows and says what follows from each; gives the bytes of the results.
    fn apply(&mut self, rows: &RecordBatch, slots: &[u32], moves: &[Move], out: &mut Output) -> Result<usize> {
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
            let unchanged = equal(&take(&all, &before.positions, None)?, &new, call.function.keeps_nulls())?;
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
                _ if self.lifetime.is_none() && same.as_ref().is_none_or(|same| same.value(row)) => {}
                _ => {
                    if self.tells_before {
                        changes.push(row, was, RowKind::UpdateBefore);
                    }
                    changes.push(row, now, RowKind::UpdateAfter);
                }
            }
        }
        out.emit(self.batch(rows, &results, changes)?);
        Ok(results.iter().map(|result| result.get_array_memory_size()).sum())
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

/// A batch of which the rows from `row` on are still to be applied.
struct Rest {
    batch: ChangelogBatch,
    slots: Vec<u32>,
    row: usize,
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

/// Which rows are the same in both columns. NULL is the same as NULL. As in Flink NaN is never the same, nor is a map with
/// a NULL among its values, nor one of the arrays that are `collected` with a NULL in it.
fn equal(left: &ArrayRef, right: &ArrayRef, collected: bool) -> Result<BooleanArray> {
    match left.data_type() {
        DataType::Float64 => Ok(equal_floats::<Float64Type>(left, right)),
        DataType::Float32 => Ok(equal_floats::<Float32Type>(left, right)),
        ty if ty.is_nested() => {
            let codec = ValueCodec::try_new(std::slice::from_ref(ty))?;
            let values = right;
            let (left, right) = (codec.encode(std::slice::from_ref(left))?, codec.encode(std::slice::from_ref(right))?);
            let with_null = |row: usize| match (values.as_map_opt(), values.as_list_opt::<i32>()) {
                (Some(maps), _) => maps.value(row).column(1).null_count() > 0,
                (None, Some(lists)) => collected && lists.is_valid(row) && lists.value(row).null_count() > 0,
                (None, None) => false,
            };
            let same = |row: usize| left.row(row) == right.row(row) && !with_null(row);
            Ok((0..values.len()).map(|row| Some(same(row))).collect())
        }
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

    fn tell_time(&mut self, now_ms: i64) {
        if let Some(lifetime) = &mut self.lifetime {
            lifetime.now_ms = now_ms;
        }
    }

    fn process(&mut self, _input: usize, batch: ChangelogBatch, out: &mut Output) -> Result<Progress> {
        self.begin(batch)?;
        self.go_on(out)
    }

    fn resume(&mut self, out: &mut Output) -> Result<Progress> {
        self.go_on(out)
    }

    /// Gives back the memory of groups whose time is over.
    fn on_time(&mut self, now_ms: i64, _out: &mut Output) -> Result<Progress> {
        if let Some(lifetime) = &mut self.lifetime {
            let over = lifetime.sweep(now_ms, &self.counts);
            self.forget(&over);
            self.groups.remove(&over);
        }
        Ok(Progress::Done)
    }

    fn next_timer(&self) -> Option<i64> {
        self.lifetime.as_ref().and_then(|lifetime| lifetime.next_sweep_ms)
    }

    fn state_size(&self) -> Option<StateSize> {
        let values: usize = self.values.iter().map(|values| values.memory()).sum();
        let lifetime = self.lifetime.as_ref().map_or(0, Lifetime::memory);
        let bytes = self.groups.memory() + self.counts.capacity() * size_of::<i64>() + values + lifetime;
        Some(StateSize { keys: self.groups.len(), bytes })
    }
}

#[cfg(test)]
#[path = "group_tests.rs"]
mod tests;
