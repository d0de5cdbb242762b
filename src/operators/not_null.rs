//! Keep NULL out of the sink's NOT NULL columns.
//!
//! Rows keep their kinds; a row with a NULL where none may be fails the job or is dropped, as
//! `table.exec.sink.not-null-enforcer` says. State: none. Watermarks: unchanged.

use arrow::array::{Array, BooleanArray};
use arrow::buffer::BooleanBuffer;
use arrow::datatypes::SchemaRef;
use arrow::record_batch::{RecordBatch, RecordBatchOptions};

use super::{Operator, Output, Progress};
use crate::changelog::ChangelogBatch;
use crate::error::{Error, Result};

/// What becomes of a row with a forbidden NULL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnNull {
    Fail,
    Drop,
}

/// Checks the NOT NULL columns of the sink's schema and gives the rows that schema.
#[derive(Debug)]
pub struct NotNull {
    schema: SchemaRef,
    /// Positions of NOT NULL columns whose input may be NULL.
    columns: Vec<usize>,
    on_null: OnNull,
}

impl NotNull {
    pub fn new(schema: SchemaRef, columns: Vec<usize>, on_null: OnNull) -> Self {
        Self { schema, columns, on_null }
    }

    /// Which rows have no forbidden NULL, or `None` where all are fine.
    fn fine_rows(&self, rows: &RecordBatch) -> Option<BooleanArray> {
        let mut fine: Option<BooleanBuffer> = None;
        for &column in &self.columns {
            let array = rows.column(column);
            let Some(nulls) = array.nulls().filter(|n| n.null_count() > 0) else { continue };
            fine = Some(match fine {
                Some(fine) => &fine & nulls.inner(),
                None => nulls.inner().clone(),
            });
        }
        fine.map(|fine| BooleanArray::new(fine, None))
    }

    fn refusal(&self, rows: &RecordBatch) -> Error {
        let column = self.columns.iter().find(|&&c| rows.column(c).null_count() > 0).copied().unwrap_or(0);
        let name = self.schema.field(column).name();
        Error::data(format!("column '{name}' is NOT NULL, however, a null value is being written into it"))
            .with_hint("Set 'table.exec.sink.not-null-enforcer' = 'DROP' to drop such rows silently.")
    }
}

impl Operator for NotNull {
    fn name(&self) -> &'static str {
        "NotNullEnforcer"
    }

    fn process(&mut self, _input: usize, batch: ChangelogBatch, out: &mut Output) -> Result<Progress> {
        let batch = match self.fine_rows(batch.rows()) {
            None => batch,
            Some(_) if self.on_null == OnNull::Fail => return Err(self.refusal(batch.rows())),
            Some(fine) => batch.filter(&fine)?,
        };
        let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        let columns = batch.rows().columns().to_vec();
        let rows = RecordBatch::try_new_with_options(self.schema.clone(), columns, &options)?;
        out.emit(batch.with_rows(rows));
        Ok(Progress::Done)
    }
}
