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
use crate::changelog::rejects::{ErrorHandling, Stage};
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
    errors: ErrorHandling,
    /// The sink's table, for people.
    table: String,
}

impl NotNull {
    pub fn new(schema: SchemaRef, columns: Vec<usize>, on_null: OnNull, errors: ErrorHandling) -> Self {
        Self { schema, columns, on_null, errors, table: String::new() }
    }

    /// Names the table that the rows are for.
    pub fn for_table(mut self, table: &str) -> Self {
        self.table = table.to_string();
        self
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
        let error = Error::data(format!("column '{name}' is NOT NULL, however, a null value is being written into it"));
        let error = if self.table.is_empty() {
            error
        } else {
            error.with_detail(format!("It is a column of table \"{}\".", self.table))
        };
        error.with_hint("Set 'table.exec.sink.not-null-enforcer' = 'DROP' to drop such rows silently.")
    }
}

impl Operator for NotNull {
    fn name(&self) -> &'static str {
        "NotNullEnforcer"
    }

    fn process(&mut self, _input: usize, batch: ChangelogBatch, out: &mut Output) -> Result<Progress> {
        let batch = match self.fine_rows(batch.rows()) {
            None => batch,
            Some(fine) => {
                if self.on_null == OnNull::Fail {
                    for row in (0..batch.num_rows()).filter(|&row| !fine.value(row)) {
                        let error = self.refusal(&batch.rows().slice(row, 1));
                        batch.reject(&self.errors, row, Stage::Compute, error)?;
                    }
                }
                batch.filter(&fine)?
            }
        };
        let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        let columns = batch.rows().columns().to_vec();
        let rows = RecordBatch::try_new_with_options(self.schema.clone(), columns, &options)?;
        out.emit(batch.with_rows(rows));
        Ok(Progress::Done)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{Int64Array, StringArray};
    use arrow::datatypes::{DataType, Field, Schema};

    use super::*;
    use crate::changelog::{RowKind, StreamElement};

    fn check(columns: Vec<usize>, on_null: OnNull) -> Result<Vec<ChangelogBatch>> {
        let keys = StringArray::from(vec![Some("doc"), None, Some("happy"), None]);
        let values = Int64Array::from(vec![Some(1), Some(2), None, None]);
        let rows = RecordBatch::try_from_iter([("k", Arc::new(keys) as _), ("v", Arc::new(values) as _)]).unwrap();
        let field = |i: usize, name, ty| Field::new(name, ty, !columns.contains(&i));
        let schema = Schema::new(vec![field(0, "k", DataType::Utf8), field(1, "v", DataType::Int64)]);
        let kinds = vec![RowKind::Insert, RowKind::Delete, RowKind::UpdateAfter, RowKind::Insert];
        let mut out = Output::new();
        let mut operator = NotNull::new(Arc::new(schema), columns, on_null, ErrorHandling::Unset);
        let _ = operator.process(0, ChangelogBatch::new(rows, kinds), &mut out)?;
        let batches = out.drain().map(|element| match element {
            StreamElement::Batch(batch) => batch,
            other => panic!("{other:?}"),
        });
        Ok(batches.collect())
    }

    #[test]
    fn rows_with_a_forbidden_null_are_dropped_where_the_job_says_so() {
        for (columns, kept) in
            [(vec![], vec![0, 1, 2, 3]), (vec![0], vec![0, 2]), (vec![1], vec![0, 1]), (vec![0, 1], vec![0])]
        {
            let batches = check(columns.clone(), OnNull::Drop).unwrap();
            let rows: usize = batches.iter().map(ChangelogBatch::num_rows).sum();
            assert_eq!(rows, kept.len(), "{columns:?}");
        }
    }

    #[test]
    fn rows_keep_their_kinds() {
        let batches = check(vec![0], OnNull::Drop).unwrap();
        assert_eq!(batches[0].kinds(), Some([RowKind::Insert, RowKind::UpdateAfter].as_slice()));
    }

    #[test]
    fn a_forbidden_null_fails_by_the_name_of_its_column() {
        let error = check(vec![1], OnNull::Fail).unwrap_err();
        assert!(error.message().contains("column 'v' is NOT NULL"), "{error}");
        assert!(error.hint().is_some_and(|hint| hint.contains("table.exec.sink.not-null-enforcer")));
    }
}
