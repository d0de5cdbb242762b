//! Flink's aggregate functions: how each types its arguments, and how it keeps its running values.
//!
//! An [`Accumulator`] holds one call's values for many groups, a *slot* each, and takes whole batches: adding rows,
//! retracting them, merging what another accumulator of its kind has kept, and answering. One file per function.

mod array_agg;
mod arrivals;
mod average;
mod bag;
mod collect;
mod count;
mod distinct;
mod edge;
mod extreme;
mod fold;
mod listagg;
mod ordered;
mod saved;
mod sequence;
mod single_value;
mod spread;
mod sum;

use std::fmt::Debug;
use std::sync::Arc;

use arrow::array::ArrayRef;

pub use bag::{ValueCodec, Values};
pub use distinct::Distinct;
pub use saved::Saved;

use super::scalar::Signature;
use crate::error::{Error, Result};
use crate::types::SqlType;

/// An aggregate function of Flink's.
pub trait AggregateFunction: Send + Sync + Debug {
    /// The usual name, upper case.
    fn name(&self) -> &'static str;

    /// For people: `SUM(number)` and what it gives, in a sentence.
    fn usage(&self) -> &'static str;

    /// Types a call, or `None` where these argument types don't fit. Results of no row at all are NULL, whatever the
    /// nullability here says; it is that of groups with rows.
    fn signature(&self, arguments: &[SqlType]) -> Option<Signature>;

    /// True where the result is NULL when there was no row. `filtered`: a FILTER may leave out all rows of a group.
    fn is_null_of_no_row(&self, _filtered: bool) -> bool {
        true
    }

    /// The argument that must be a constant text, by its position.
    fn constant(&self) -> Option<usize> {
        None
    }

    /// True where a call may say IGNORE NULLS, RESPECT NULLS and, without effect as in Flink, ORDER BY.
    fn keeps_nulls(&self) -> bool {
        false
    }

    /// True where values of several slices or sessions can be put together, and those of two phases.
    fn merges(&self) -> bool {
        true
    }

    /// For functions that are computed from others: the expression for an argument `x`, in SQL. Then there are no values.
    fn formula(&self, _types: &Signature) -> Option<String> {
        None
    }

    /// Values of no group yet, for arguments of these types. `retracts`: rows may be taken back.
    ///
    /// # Errors
    /// Types that the function can't compute here.
    fn accumulator(&self, types: &Signature, retracts: bool) -> Result<Box<dyn Accumulator>>;
}

/// What each row of a batch does to its slot.
#[derive(Debug, Clone, Copy)]
pub enum Signs<'a> {
    /// Every row is added.
    Added,
    /// 1: added, -1: retracted, 0: left out.
    Each(&'a [i8]),
}

impl Signs<'_> {
    #[inline]
    pub fn at(&self, row: usize) -> i8 {
        match self {
            Self::Added => 1,
            Self::Each(signs) => signs[row],
        }
    }
}

/// The running values of one call, a slot per group.
pub trait Accumulator: Send {
    /// How many slots there are from now on; new ones are empty.
    fn grow(&mut self, slots: usize);

    /// Applies each row to its slot, in order.
    fn update(&mut self, slots: &[u32], arguments: &[ArrayRef], signs: Signs<'_>) -> Result<()>;

    /// As [`Accumulator::update`]; gives for each row the result of its slot behind it.
    fn update_each(&mut self, slots: &[u32], arguments: &[ArrayRef], signs: Signs<'_>) -> Result<ArrayRef>;

    /// The results of these slots.
    fn evaluate(&self, slots: &[u32]) -> Result<ArrayRef>;

    /// Empties these slots, for other groups.
    fn clear(&mut self, slots: &[u32]);

    /// What these slots hold, to be merged elsewhere in this process: a row each.
    fn state(&self, slots: &[u32]) -> Result<Vec<ArrayRef>>;

    /// Adds what [`Accumulator::state`] gave, row by row, to these slots.
    fn merge(&mut self, slots: &[u32], state: &[ArrayRef]) -> Result<()>;

    /// All that these slots hold, a row each, for [`Accumulator::restore`] in another process: values in the types that
    /// they have. What merging settles is still open here.
    fn save(&self, slots: &[u32]) -> Result<Vec<Saved>> {
        Ok(self.state(slots)?.into_iter().map(Saved::Now).collect())
    }

    /// Makes these slots, which are empty, what they were when [`Accumulator::save`] was asked: of its columns.
    fn restore(&mut self, slots: &[u32], saved: &[ArrayRef]) -> Result<()> {
        self.merge(slots, saved)
    }

    /// Bytes held.
    fn memory(&self) -> usize;
}

/// The function of that name, upper case.
pub fn find(name: &str) -> Option<Arc<dyn AggregateFunction>> {
    all().into_iter().find(|function| function.name() == name)
}

/// All of them.
pub fn all() -> Vec<Arc<dyn AggregateFunction>> {
    vec![
        Arc::new(array_agg::ArrayAgg),
        Arc::new(average::Average),
        Arc::new(collect::Collect),
        Arc::new(count::Count),
        Arc::new(edge::Edge::FIRST_VALUE),
        Arc::new(edge::Edge::LAST_VALUE),
        Arc::new(listagg::ListAgg),
        Arc::new(extreme::Extreme::MAX),
        Arc::new(extreme::Extreme::MIN),
        Arc::new(single_value::SingleValue),
        Arc::new(spread::Spread::STDDEV),
        Arc::new(spread::Spread::STDDEV_POP),
        Arc::new(spread::Spread::STDDEV_SAMP),
        Arc::new(sum::Sum),
        Arc::new(spread::Spread::VARIANCE),
        Arc::new(spread::Spread::VAR_POP),
        Arc::new(spread::Spread::VAR_SAMP),
    ]
}

/// The column of an argument as what the function has been told it is.
fn column<T: 'static>(arguments: &[ArrayRef], position: usize) -> Result<&T> {
    let column = arguments.get(position).and_then(|column| column.as_any().downcast_ref::<T>());
    column.ok_or_else(|| Error::internal("an aggregate was given a column of another type"))
}

/// A slot or row number as a position.
fn at(slot: u32) -> usize {
    slot as usize
}

#[cfg(test)]
mod arrival_tests;
#[cfg(test)]
mod restart_tests;
#[cfg(test)]
mod tests;
