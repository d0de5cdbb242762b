//! A table of a snapshot: rows with named columns, in pieces.

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};

use super::piece::{Piece, PieceRows};
use crate::error::{Error, Result};

/// Rows of one shape. The names of the columns say what they hold, so that those of something else are not taken for it.
#[derive(Debug, Clone, PartialEq)]
pub struct StateTable {
    schema: SchemaRef,
    key: Option<Vec<usize>>,
    pieces: Vec<Piece>,
}

impl StateTable {
    /// Rows that a piece should have at most.
    pub const PIECE_ROWS: usize = 4_096;

    /// Bytes of values that it should have at most: what stands behind offsets of 32 bits has a limit.
    pub const PIECE_BYTES: usize = 64 << 20;

    /// Cuts rows, of so many bytes each, into those of pieces.
    pub fn runs<T>(mut rows: &[T], bytes: impl Fn(&T) -> usize) -> Vec<&[T]> {
        let mut runs = Vec::new();
        while !rows.is_empty() {
            let mut rest = Self::PIECE_BYTES;
            let fits = |row: &&T| {
                let left = rest.checked_sub(bytes(row));
                rest = left.unwrap_or(0);
                left.is_some()
            };
            let most = rows.iter().take(Self::PIECE_ROWS).take_while(fits).count().max(1);
            let (run, behind) = rows.split_at(most);
            runs.push(run);
            rows = behind;
        }
        runs
    }

    /// Without rows yet.
    pub fn new(columns: impl IntoIterator<Item = (String, DataType)>) -> Self {
        let fields: Vec<Field> = columns.into_iter().map(|(name, ty)| Field::new(name, ty, true)).collect();
        Self { schema: Arc::new(Schema::new(fields)), key: None, pieces: Vec::new() }
    }

    /// Rows belong to subtasks by the key group of these columns, in the order in which an exchange deals by them. Without
    /// columns there is one subtask.
    pub fn keyed(self, key: Vec<usize>) -> Self {
        Self { key: Some(key), ..self }
    }

    /// Of pieces that were read, in the order in which they were given.
    pub fn of_pieces(
        schema: SchemaRef,
        key: Option<Vec<usize>>,
        pieces: impl IntoIterator<Item = RecordBatch>,
    ) -> Self {
        let piece = |rows| Piece::new(None, PieceRows::Now(rows));
        Self { schema, key, pieces: pieces.into_iter().map(piece).collect() }
    }

    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// Positions of the columns by which rows belong to subtasks.
    pub fn key(&self) -> Option<&[usize]> {
        self.key.as_deref()
    }

    pub fn pieces(&self) -> &[Piece] {
        &self.pieces
    }

    /// The rows of every piece.
    pub fn read(&self) -> impl Iterator<Item = Result<RecordBatch>> {
        self.pieces.iter().map(Piece::rows)
    }

    /// Adds rows of which nothing is known from before.
    pub fn push(&mut self, columns: Vec<ArrayRef>) -> Result<()> {
        let rows = self.rows(columns)?;
        self.extend(&[Piece::new(None, rows)]);
        Ok(())
    }

    /// Adds pieces; those without rows are left out.
    pub(super) fn extend(&mut self, pieces: &[Piece]) {
        self.pieces.extend(pieces.iter().filter(|piece| piece.num_rows() > 0).cloned());
    }

    /// Rows for a piece of this table.
    pub fn rows(&self, columns: Vec<ArrayRef>) -> Result<PieceRows> {
        Ok(PieceRows::Now(batch(&self.schema, columns)?))
    }

    /// The same of columns that are made in the background, of a copy with so many bytes.
    pub fn rows_later(
        &self,
        rows: usize,
        bytes: usize,
        columns: impl Fn() -> Result<Vec<ArrayRef>> + Send + Sync + 'static,
    ) -> PieceRows {
        let schema = self.schema.clone();
        PieceRows::Later { rows, bytes, make: Box::new(move || batch(&schema, columns()?)) }
    }

    /// The same columns, in name and type, and the same key.
    fn is_shaped_as(&self, other: &Self) -> bool {
        let columns = |table: &Self| -> Vec<(String, DataType)> {
            table.schema.fields().iter().map(|field| (field.name().clone(), field.data_type().clone())).collect()
        };
        columns(self) == columns(other) && self.key == other.key
    }

    /// Refuses rows of another shape than `expected` has.
    pub(super) fn checked(&self, operator: &str, expected: &Self) -> Result<&Self> {
        if self.is_shaped_as(expected) {
            return Ok(self);
        }
        Err(Error::state(format!("the state of {operator} belongs to another query")).with_detail(format!(
            "The state has the columns ({}), the query needs ({}).",
            self.describe(),
            expected.describe()
        )))
    }

    /// `key 0 Utf8, rows Int64 by key 0`
    fn describe(&self) -> String {
        let fields = self.schema.fields();
        let columns = fields.iter().map(|field| format!("{} {}", field.name(), field.data_type()));
        let columns = columns.collect::<Vec<_>>().join(", ");
        let key = self.key.iter().flatten().filter_map(|column| fields.get(*column));
        let key: Vec<&str> = key.map(|field| field.name().as_str()).collect();
        match key.is_empty() {
            true => columns,
            false => format!("{columns} by {}", key.join(", ")),
        }
    }
}

fn batch(schema: &SchemaRef, columns: Vec<ArrayRef>) -> Result<RecordBatch> {
    let rows = columns.first().map_or(0, |column| column.len());
    let options = RecordBatchOptions::new().with_row_count(Some(rows));
    Ok(RecordBatch::try_new_with_options(schema.clone(), columns, &options)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_have_few_rows_and_few_bytes() {
        let lengths = |rows: &[usize]| -> Vec<usize> {
            StateTable::runs(rows, |bytes| *bytes).iter().map(|run| run.len()).collect()
        };
        let most = StateTable::PIECE_BYTES;
        assert!(lengths(&[]).is_empty());
        assert_eq!(lengths(&[1; 10_000]), [4_096, 4_096, 1_808]);
        assert_eq!(lengths(&[most, 1, most - 1, 1, most + 1, most + 1, 0]), [1, 2, 1, 1, 1, 1]);
    }
}
