//! Rows as JSON, an object a line, encoded as the format `json` does.

use std::sync::Arc;

use arrow::array::{ArrayRef, StringArray};
use arrow::datatypes::{DataType, Field as ArrowField, Schema as ArrowSchema};
use arrow::record_batch::RecordBatch;

use crate::changelog::ChangelogBatch;
use crate::error::{Error, Result};
use crate::formats::{Encoder, Messages, json::result_encoder};
use crate::types::{Field, Schema, SqlType};

/// Writes rows as objects; where rows are updated, with their kinds.
pub struct JsonLines {
    encoder: Box<dyn Encoder>,
    with_op: bool,
}

impl JsonLines {
    pub fn new(schema: &Schema, with_op: bool) -> Self {
        let mut fields = schema.fields.clone();
        if with_op {
            fields.insert(0, Field::new(op_column(fields.iter().map(|f| f.name.as_str())), SqlType::string()));
        }
        Self { encoder: result_encoder(&Schema::new(fields)), with_op }
    }

    /// The rows of a batch, a line each.
    ///
    /// # Errors
    /// A column of a type that JSON has no form for.
    pub fn lines(&mut self, batch: &ChangelogBatch) -> Result<Vec<u8>> {
        let rows = if self.with_op { with_op(batch)? } else { batch.rows().clone() };
        let mut messages = Messages::new();
        let encoded = self.encoder.encode(&rows, &mut messages);
        encoded.map_err(|error| Error::statement(format!("the result can't be shown as JSON: {error}")))?;
        Ok(messages.buffer)
    }
}

/// The name of the column with the row kinds: `op`, with underscores before it where the query has such a column.
pub fn op_column<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let names: Vec<&str> = names.collect();
    let mut op = "op".to_string();
    while names.contains(&op.as_str()) {
        op.insert(0, '_');
    }
    op
}

/// The rows with their kinds as the first column.
fn with_op(batch: &ChangelogBatch) -> Result<RecordBatch> {
    let kinds = (0..batch.num_rows()).map(|row| Some(batch.kind(row).symbol()));
    let kinds: ArrayRef = Arc::new(kinds.collect::<StringArray>());
    let rows = batch.rows();
    let mut fields = vec![Arc::new(ArrowField::new("op", DataType::Utf8, false))];
    fields.extend(rows.schema().fields().iter().cloned());
    let columns = std::iter::once(kinds).chain(rows.columns().iter().cloned()).collect();
    RecordBatch::try_new(Arc::new(ArrowSchema::new(fields)), columns)
        .map_err(|error| Error::internal(format!("rows with their kinds: {error}")))
}

/// A whole listing; `None` is null.
pub fn listing(names: &[&str], rows: &[Vec<Option<String>>]) -> String {
    let mut text = String::new();
    for row in rows {
        let cell = |cell: &Option<String>| cell.clone().map_or(serde_json::Value::Null, serde_json::Value::String);
        let cells = names.iter().map(|name| name.to_string()).zip(row.iter().map(cell));
        text += &serde_json::Value::Object(cells.collect()).to_string();
        text.push('\n');
    }
    text
}
