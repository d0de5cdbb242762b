//! The first of two phases of `GROUP BY` in mini-batches: rows of one group become one, before they are exchanged.
//!
//! After so many rows, and before a watermark, a barrier or the end, what comes out is the key, how many rows there were
//! (those taken back count against the others), and the states of the calls; [`super::GroupAggregate`] puts them
//! together. Between them the groups at hand are kept.

use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;

use crate::changelog::ChangelogBatch;
use crate::error::Result;
use crate::operators::window::Pane;
use crate::operators::{Operator, Output, PaneShape, Progress, StateSize};
use crate::time::Watermark;

pub struct LocalGroupAggregate {
    shape: PaneShape,
    groups: Pane,
    /// Rows that are in them.
    rows: usize,
    rows_max: usize,
    schema: SchemaRef,
}

/// Rows of a batch that comes out.
const CHUNK: usize = 16_384;

impl LocalGroupAggregate {
    /// `rows_max`: rows of a bundle. `schema` is what comes out.
    pub fn try_new(shape: PaneShape, rows_max: usize, schema: SchemaRef) -> Result<Self> {
        Ok(Self { groups: Pane::try_new(&shape)?, shape, rows: 0, rows_max: rows_max.max(1), schema })
    }

    fn tell(&mut self, out: &mut Output) -> Result<()> {
        if self.rows == 0 {
            return Ok(());
        }
        let (mut columns, counts, states) = self.groups.partials()?;
        columns.push(Arc::new(counts));
        columns.extend(states);
        let rows = RecordBatch::try_new(self.schema.clone(), columns)?;
        for start in (0..rows.num_rows()).step_by(CHUNK) {
            out.emit(ChangelogBatch::inserts(rows.slice(start, CHUNK.min(rows.num_rows() - start))));
        }
        (self.groups, self.rows) = (Pane::try_new(&self.shape)?, 0);
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
            let length = (batch.num_rows() - start).min(self.rows_max - self.rows);
            self.groups.update(&self.shape, &batch.slice(start, length))?;
            (start, self.rows) = (start + length, self.rows + length);
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
