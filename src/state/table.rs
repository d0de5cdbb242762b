//! A table of a snapshot: rows with named columns, in pieces.

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};

use crate::error::{Error, Result};

/// Rows of one shape. The names of the columns say what they hold, so that those of something else are not taken for it.
#[derive(Debug, Clone, PartialEq)]
pub struct StateTable {
    schema: SchemaRef,
    pieces: Vec<RecordBatch>,
}

impl StateTable {
    /// Rows that a piece should have at most: what stands behind offsets of 32 bits has a limit.
    pub const PIECE_ROWS: usize = 4_096;

    /// Without rows yet.
    pub fn new(columns: impl IntoIterator<Item = (String, DataType)>) -> Self {
        let fields: Vec<Field> = columns.into_iter().map(|(name, ty)| Field::new(name, ty, true)).collect();
        Self { schema: Arc::new(Schema::new(fields)), pieces: Vec::new() }
    }

    /// Of pieces that were read.
    pub(crate) fn of_pieces(schema: SchemaRef, pieces: Vec<RecordBatch>) -> Self {
        Self { schema, pieces }
    }

    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    pub fn pieces(&self) -> &[RecordBatch] {
        &self.pieces
    }

    /// Adds rows.
    pub fn push(&mut self, columns: Vec<ArrayRef>) -> Result<()> {
        let rows = columns.first().map_or(0, |column| column.len());
        if rows > 0 {
            let options = RecordBatchOptions::new().with_row_count(Some(rows));
            self.pieces.push(RecordBatch::try_new_with_options(self.schema.clone(), columns, &options)?);
        }
        Ok(())
    }

    /// The same columns, in name and type.
    fn is_shaped_as(&self, other: &Self) -> bool {
        let columns = |table: &Self| -> Vec<(String, DataType)> {
            table.schema.fields().iter().map(|field| (field.name().clone(), field.data_type().clone())).collect()
        };
        columns(self) == columns(other)
    }

    /// Refuses rows of another shape than `expected` has.
    pub(super) fn checked(&self, operator: &str, expected: &Self) -> Result<&Self> {
        if self.is_shaped_as(expected) {
            return Ok(self);
        }
        let names = |table: &Self| {
            let fields = table.schema.fields().iter();
            fields.map(|field| format!("{} {}", field.name(), field.data_type())).collect::<Vec<_>>().join(", ")
        };
        Err(Error::state(format!("the state of {operator} belongs to another query")).with_detail(format!(
            "The state has the columns ({}), the query needs ({}).",
            names(self),
            names(expected)
        )))
    }
}
