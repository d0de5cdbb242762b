//! The groups of one slice: their keys, how many rows each has, their running values.

use arrow::array::{Array, ArrayRef, AsArray, Int64Array};
use arrow::datatypes::{DataType, Int64Type, SchemaRef};
use arrow::record_batch::RecordBatch;

use crate::changelog::{ChangelogBatch, Epoch};
use crate::error::{Error, Result};
use crate::functions::aggregate::{Accumulator, Signs};
use crate::operators::StateSize;
use crate::operators::aggregate::{AggregateCall, GroupKeys, SavedGroups};
use crate::state::{PieceRows, SlotPieces, StateTable};

/// What a window aggregate computes, for whom.
#[derive(Debug, Clone)]
pub struct PaneShape {
    /// The operator's input.
    pub input: SchemaRef,
    /// Positions of the grouping key, without the window, in the input.
    pub key: Vec<usize>,
    pub calls: Vec<AggregateCall>,
    /// Whether rows may be taken back.
    pub retracts: bool,
    /// The columns that each call's state takes.
    states: Vec<Vec<DataType>>,
}

impl PaneShape {
    pub fn try_new(input: SchemaRef, key: Vec<usize>, calls: Vec<AggregateCall>, retracts: bool) -> Result<Self> {
        let states = states(&calls, retracts)?;
        Ok(Self { input, key, calls, retracts, states })
    }

    /// How groups are kept in state, behind the columns `before`.
    pub fn saved(&self, before: impl IntoIterator<Item = (String, DataType)>) -> Result<SavedGroups> {
        SavedGroups::try_new(before, &self.input, &self.key, &self.calls, self.retracts)
    }
}

/// The columns that the state of each call takes, to be sent or kept.
pub fn states(calls: &[AggregateCall], retracts: bool) -> Result<Vec<Vec<DataType>>> {
    let of = |call: &AggregateCall| {
        let columns = call.accumulator(retracts)?.state(&[])?;
        Ok(columns.iter().map(|column| column.data_type().clone()).collect())
    };
    calls.iter().map(of).collect()
}

/// Groups on their way to another pane: the columns of their keys, how many rows each has, the columns of their states.
pub type Partials = (Vec<ArrayRef>, Int64Array, Vec<ArrayRef>);

/// Groups in the order of their first rows.
pub struct Pane {
    groups: GroupKeys,
    counts: Vec<i64>,
    values: Vec<Box<dyn Accumulator>>,
    /// What was given at the last barrier, as of which slice.
    pieces: SlotPieces,
    slice: Option<i64>,
}

impl Pane {
    pub fn try_new(shape: &PaneShape) -> Result<Self> {
        let values = shape.calls.iter().map(|call| call.accumulator(shape.retracts)).collect::<Result<_>>()?;
        let (groups, counts) = (GroupKeys::try_new(&shape.input, &shape.key)?, Vec::new());
        Ok(Self { groups, counts, values, pieces: SlotPieces::default(), slice: None })
    }

    /// One of several that are in one table.
    pub fn numbered(self, number: u64) -> Self {
        Self { pieces: SlotPieces::of_group(number), ..self }
    }

    /// How many groups there are.
    pub fn len(&self) -> usize {
        self.counts.len()
    }

    /// Adds rows, or takes them back.
    pub fn update(&mut self, shape: &PaneShape, batch: &ChangelogBatch) -> Result<()> {
        let rows = batch.rows();
        let slots = self.intern(&columns(rows, &shape.key), rows.num_rows())?;
        self.add(shape, batch, &slots)
    }

    /// Adds each row to its slot, or takes it back.
    fn add(&mut self, shape: &PaneShape, batch: &ChangelogBatch, slots: &[u32]) -> Result<()> {
        let rows = batch.rows();
        let signs: Option<Vec<i8>> =
            batch.kinds().map(|kinds| kinds.iter().map(|kind| if kind.is_addition() { 1 } else { -1 }).collect());
        match &signs {
            None => slots.iter().for_each(|slot| self.counts[*slot as usize] += 1),
            Some(signs) => {
                slots.iter().zip(signs).for_each(|(slot, sign)| self.counts[*slot as usize] += i64::from(*sign));
            }
        }
        let added;
        let all = match &signs {
            Some(signs) => signs,
            None => {
                added =
                    if shape.calls.iter().any(|call| call.filter.is_some()) { vec![1; slots.len()] } else { vec![] };
                &added
            }
        };
        for (call, values) in shape.calls.iter().zip(&mut self.values) {
            let filtered = call.filtered(rows, all)?;
            let signs = match (&filtered, &signs) {
                (Some(signs), _) | (None, Some(signs)) => Signs::Each(signs),
                (None, None) => Signs::Added,
            };
            values.update(slots, &call.arguments(rows), signs)?;
        }
        Ok(())
    }

    /// Adds what [`Pane::partials`] of another pane gave: key columns, counts, states.
    pub fn merge_partials(
        &mut self,
        shape: &PaneShape,
        key: &[ArrayRef],
        counts: &Int64Array,
        states: &[ArrayRef],
    ) -> Result<()> {
        let slots = self.intern(key, counts.len())?;
        for (slot, count) in slots.iter().zip(counts.values()) {
            self.counts[*slot as usize] += count;
        }
        let mut rest = states;
        for (values, columns) in self.values.iter_mut().zip(&shape.states) {
            let (state, behind) = rest
                .split_at_checked(columns.len())
                .ok_or_else(|| Error::internal("a state without all its columns"))?;
            values.merge(&slots, state)?;
            rest = behind;
        }
        Ok(())
    }

    /// Adds the groups of another pane of the same shape.
    pub fn merge(&mut self, shape: &PaneShape, other: &Self) -> Result<()> {
        let (key, counts, states) = other.partials()?;
        self.merge_partials(shape, &key, &counts, &states)
    }

    /// Everything that the pane holds, a row per group.
    pub fn partials(&self) -> Result<Partials> {
        let slots: Vec<u32> = (0..self.len() as u32).collect();
        let states = self.states(&slots)?;
        Ok((self.groups.keys(&slots)?, Int64Array::from(self.counts.clone()), states))
    }

    /// What [`Pane::partials`] would give if every row were a group of its own.
    pub fn singles(shape: &PaneShape, batch: &ChangelogBatch) -> Result<Partials> {
        let slots: Vec<u32> = (0..batch.num_rows() as u32).collect();
        let mut pane = Self::try_new(shape)?;
        pane.counts.resize(slots.len(), 0);
        pane.values.iter_mut().for_each(|values| values.grow(slots.len()));
        pane.add(shape, batch, &slots)?;
        let states = pane.states(&slots)?;
        Ok((columns(batch.rows(), &shape.key), Int64Array::from(pane.counts), states))
    }

    fn states(&self, slots: &[u32]) -> Result<Vec<ArrayRef>> {
        let mut states = Vec::new();
        for values in &self.values {
            states.extend(values.state(slots)?);
        }
        Ok(states)
    }

    /// Some groups from `start` on; those without rows are left out.
    pub fn results(&self, start: usize, most: usize) -> Result<PaneResults> {
        let next = self.len().min(start + most);
        let slots: Vec<u32> = (start..next).filter(|slot| self.counts[*slot] != 0).map(|slot| slot as u32).collect();
        let results = self.values.iter().map(|values| values.evaluate(&slots)).collect::<Result<_>>()?;
        Ok(PaneResults { key: self.groups.keys(&slots)?, results, rows: slots.len(), next })
    }

    /// Adds all groups to a table; `save` makes the rows of some.
    pub fn save(
        &mut self,
        table: &mut StateTable,
        epoch: Epoch,
        slice: i64,
        mut save: impl FnMut(&Self, &[u32]) -> Result<Vec<PieceRows>>,
    ) -> Result<()> {
        let mut pieces = std::mem::take(&mut self.pieces);
        if self.slice.replace(slice) != Some(slice) {
            // A pane goes on as that of a later slice.
            pieces.touch_all();
        }
        let saved = pieces.save(table, epoch, self.len(), |slots| {
            let slots: Vec<u32> = slots.collect();
            save(self, &slots)
        });
        self.pieces = pieces;
        saved
    }

    /// Rows of these groups; `before` gives the columns in front of some.
    pub fn rows(
        &self,
        saved: &SavedGroups,
        slots: &[u32],
        before: impl Fn(&[u32]) -> Vec<ArrayRef>,
    ) -> Result<Vec<PieceRows>> {
        saved.save(slots, &self.counts, &self.values, &|slots| {
            let mut columns = before(slots);
            columns.extend(self.groups.keys(slots)?);
            Ok(columns)
        })
    }

    /// Takes in groups that are not here yet.
    pub fn restore(&mut self, saved: &SavedGroups, piece: &RecordBatch) -> Result<()> {
        let slots = self.intern(saved.key(piece), piece.num_rows())?;
        saved.restore(piece, &mut self.counts, &mut self.values, &slots)
    }

    pub fn size(&self) -> StateSize {
        let values: usize = self.values.iter().map(|values| values.memory()).sum();
        let counts = self.counts.capacity() * size_of::<i64>();
        StateSize { keys: self.len(), bytes: self.groups.memory() + counts + values + self.pieces.memory() }
    }

    fn intern(&mut self, key: &[ArrayRef], rows: usize) -> Result<Vec<u32>> {
        let slots = self.groups.intern(key, rows)?;
        self.pieces.touch(&slots);
        if self.groups.slots() > self.counts.len() {
            self.counts.resize(self.groups.slots(), 0);
            for values in &mut self.values {
                values.grow(self.counts.len());
            }
        }
        Ok(slots)
    }
}

/// Groups and what their calls give.
pub struct PaneResults {
    pub key: Vec<ArrayRef>,
    pub results: Vec<ArrayRef>,
    pub rows: usize,
    /// The group behind them.
    pub next: usize,
}

pub fn columns(rows: &RecordBatch, positions: &[usize]) -> Vec<ArrayRef> {
    positions.iter().map(|&column| rows.column(column).clone()).collect()
}

/// A column of counts.
pub fn counts(rows: &RecordBatch, column: usize) -> Result<&Int64Array> {
    let counts = rows.column(column).as_primitive_opt::<Int64Type>();
    counts.ok_or_else(|| Error::internal("counts of another type"))
}
