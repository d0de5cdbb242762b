//! The first of two phases: the rows of a batch that share slice and group become one, before they are exchanged.
//!
//! Nothing is kept from batch to batch, so no row waits and a barrier finds nothing here. What comes out is the key, the
//! slice's end, how many rows there were, and the states of the calls; [`super::WindowAggregate`] puts them together.
//! Watermarks and barriers: unchanged.

use std::sync::Arc;

use arrow::array::{ArrayRef, TimestampMillisecondArray};
use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;

use super::pane::{Pane, PaneShape};
use super::slices::by_slice;
use crate::changelog::ChangelogBatch;
use crate::error::Result;
use crate::operators::{Operator, Output, Progress};

pub struct LocalWindowAggregate {
    /// Position of the slice's end in the input.
    slice: usize,
    shape: PaneShape,
    schema: SchemaRef,
}

impl LocalWindowAggregate {
    /// `schema` is what comes out.
    pub fn new(slice: usize, shape: PaneShape, schema: SchemaRef) -> Self {
        Self { slice, shape, schema }
    }

    fn partials(&self, slice: i64, batch: &ChangelogBatch) -> Result<ChangelogBatch> {
        let mut pane = Pane::try_new(&self.shape)?;
        pane.update(&self.shape, batch)?;
        let (mut columns, counts, states) = pane.partials()?;
        columns.push(Arc::new(TimestampMillisecondArray::from_value(slice, pane.len())) as ArrayRef);
        columns.push(Arc::new(counts));
        columns.extend(states);
        Ok(ChangelogBatch::inserts(RecordBatch::try_new(self.schema.clone(), columns)?))
    }
}

impl Operator for LocalWindowAggregate {
    fn name(&self) -> &'static str {
        "LocalWindowAggregate"
    }

    fn process(&mut self, _input: usize, batch: ChangelogBatch, out: &mut Output) -> Result<Progress> {
        for (slice, rows) in by_slice(&batch, self.slice)? {
            out.emit(self.partials(slice, &rows)?);
        }
        Ok(Progress::Done)
    }
}
