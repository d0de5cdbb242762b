//! Rows as JSON, an object a line, encoded as the format `json` does.

use std::sync::Arc;

use arrow::array::{ArrayRef, StringArray};
use arrow::datatypes::{DataType, Field as ArrowField, Schema as ArrowSchema};
use arrow::record_batch::RecordBatch;
use serde_json::Value;

use crate::changelog::ChangelogBatch;
use crate::error::{Error, Result};
use crate::formats::{Encoder, Messages, json::result_encoder};
use crate::session::Listing;
use crate::types::{Field, Schema, SqlType, TypeKind};

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

/// A whole listing. Of columns with one name the later ones have a number behind it.
pub fn listing(listing: &Listing) -> String {
    let mut names: Vec<String> = Vec::new();
    for (name, _) in &listing.columns {
        let numbered = (2..).map(|number| format!("{name}_{number}"));
        let mut free = std::iter::once(name.clone()).chain(numbered).filter(|name| !names.contains(name));
        names.extend(free.next());
    }
    let mut text = String::new();
    for row in &listing.rows {
        let types = listing.columns.iter().map(|(_, ty)| &ty.kind);
        let values = row.iter().zip(types).map(|(cell, kind)| value(cell.as_deref(), kind));
        text += &Value::Object(names.iter().cloned().zip(values).collect()).to_string();
        text.push('\n');
    }
    text
}

/// A number or truth where it is one by its type and JSON can say it.
fn value(cell: Option<&str>, kind: &TypeKind) -> Value {
    let Some(cell) = cell else { return Value::Null };
    let plain = match kind {
        TypeKind::TinyInt | TypeKind::SmallInt | TypeKind::Int | TypeKind::BigInt => true,
        TypeKind::Float | TypeKind::Double | TypeKind::Decimal { .. } => true,
        TypeKind::Boolean => match cell {
            "t" => return Value::Bool(true),
            "f" => return Value::Bool(false),
            _ => false,
        },
        _ => false,
    };
    let number = plain.then(|| serde_json::from_str(cell).ok().map(Value::Number)).flatten();
    number.unwrap_or_else(|| Value::String(cell.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listing_keeps_its_numbers_its_nulls_and_all_its_columns() {
        let mut rows = Listing::new(&["a", "a", "b", "c"]);
        let types = [TypeKind::BigInt, TypeKind::Double, TypeKind::Boolean];
        for (column, kind) in rows.columns.iter_mut().zip(types) {
            column.1 = SqlType::nullable(kind);
        }
        let cell = |cell: &str| Some(cell.to_string());
        rows.push(vec![cell("9007199254740993"), cell("NaN"), cell("t"), cell("1")]);
        rows.push(vec![None, cell("1.50"), None, cell("")]);
        let expected = r#"{"a":9007199254740993,"a_2":"NaN","b":true,"c":"1"}
{"a":null,"a_2":1.50,"b":null,"c":""}
"#;
        assert_eq!(listing(&rows), expected);
    }
}
