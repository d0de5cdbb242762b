//! The first of two phases of `GROUP BY` in mini-batches: rows of one group become one, before they are exchanged.
//!
//! After so many rows, and before a watermark, a barrier or the end, what comes out is the key, how many rows there were
//! (those taken back count against the others), and the states of the calls; [`super::GroupAggregate`] puts them
//! together. Between them the groups at hand are kept. Where the first rows of a bundle show that putting them together
//! would leave most as they are (see [`probe`]), the rest of the bundle goes on at once, each row as a group of its own.

use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;

use crate::changelog::ChangelogBatch;
use crate::error::Result;
use crate::operators::window::{Pane, Partials, are_many, probe};
use crate::operators::{Operator, Output, PaneShape, Progress, StateSize};
use crate::time::Watermark;

pub struct LocalGroupAggregate {
    shape: PaneShape,
    groups: Pane,
    /// Rows that are in them.
    rows: usize,
    rows_max: usize,
    /// Rows of a bundle after which it is asked whether their groups are many; and whether they are.
    look: Option<usize>,
    passes: bool,
    schema: SchemaRef,
}

/// Rows of a batch that comes out.
const CHUNK: usize = 16_384;

impl LocalGroupAggregate {
    /// `rows_max`: rows of a bundle. `schema` is what comes out.
    pub fn try_new(shape: PaneShape, rows_max: usize, schema: SchemaRef) -> Result<Self> {
        let (groups, look) = (Pane::try_new(&shape)?, probe(rows_max));
        Ok(Self { groups, shape, rows: 0, rows_max: rows_max.max(1), look, passes: false, schema })
    }

    /// Looks after so many rows.
    #[cfg(test)]
    pub fn looking_after(self, rows: usize) -> Self {
        Self { look: Some(rows), ..self }
    }

    /// Ends the bundle.
    fn tell(&mut self, out: &mut Output) -> Result<()> {
        self.tell_groups(out)?;
        (self.rows, self.passes) = (0, false);
        Ok(())
    }

    fn tell_groups(&mut self, out: &mut Output) -> Result<()> {
        if self.groups.len() == 0 {
            return Ok(());
        }
        let partials = self.groups.partials()?;
        self.groups = Pane::try_new(&self.shape)?;
        self.emit(partials, out)
    }

    fn emit(&self, (mut columns, counts, states): Partials, out: &mut Output) -> Result<()> {
        columns.push(Arc::new(counts));
        columns.extend(states);
        let rows = RecordBatch::try_new(self.schema.clone(), columns)?;
        for start in (0..rows.num_rows()).step_by(CHUNK) {
            out.emit(ChangelogBatch::inserts(rows.slice(start, CHUNK.min(rows.num_rows() - start))));
        }
        Ok(())
    }

    /// Takes rows of one bundle, all on the same side of the look.
    fn take(&mut self, rows: &ChangelogBatch, out: &mut Output) -> Result<()> {
        self.rows += rows.num_rows();
        if self.passes {
            return self.emit(Pane::singles(&self.shape, rows)?, out);
        }
        self.groups.update(&self.shape, rows)?;
        if self.look == Some(self.rows) && are_many(self.groups.len(), self.rows) {
            self.passes = true;
            self.tell_groups(out)?;
        }
        Ok(())
    }
}

impl Operator for LocalGroupAggregate {
    fn name(&self) -> &'static str {
        "LocalGroupAggregate"
    }

    fn process(&mut self, _input: usize, batch: ChangelogBatch, out: &mut Output) -> Result<Progress> {
        let mut start = 0;
        while start < batch.num_rows() {
            let until = self.look.filter(|look| self.rows < *look).unwrap_or(self.rows_max);
            let length = (batch.num_rows() - start).min(until - self.rows);
            self.take(&batch.slice(start, length), out)?;
            start += length;
            if self.rows == self.rows_max {
                self.tell(out)?;
            }
        }
        Ok(Progress::Done)
    }

    fn on_watermark(&mut self, watermark: Watermark, out: &mut Output) -> Result<Progress> {
        self.tell(out)?;
        out.watermark(watermark);
        Ok(Progress::Done)
    }

    fn flush(&mut self, out: &mut Output) -> Result<Progress> {
        self.tell(out)?;
        Ok(Progress::Done)
    }

    fn state_size(&self) -> Option<StateSize> {
        Some(self.groups.size())
    }
}
