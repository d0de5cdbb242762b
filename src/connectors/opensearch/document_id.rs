//! A document's id, made of the PRIMARY KEY.

use arrow::array::Array;
use arrow::record_batch::RecordBatch;

use super::key_text::{has_key_text, push_key_text};
use crate::connectors::TableDescriptor;
use crate::error::{Error, Result};

/// What the server takes, in bytes.
const MAX_BYTES: usize = 512;

/// Joins the key's columns by a delimiter: `sleepy_cpu4`.
#[derive(Debug, Clone)]
pub struct DocumentId {
    columns: Vec<usize>,
    delimiter: String,
    owner: String,
}

impl DocumentId {
    /// `None` for a table without PRIMARY KEY.
    ///
    /// # Errors
    /// A key column whose values have no text, such as an array.
    pub fn try_new(table: &TableDescriptor, delimiter: &str) -> Result<Option<Self>> {
        let illegal: Vec<_> = table
            .columns
            .project(&table.primary_key)
            .fields
            .into_iter()
            .filter(|field| !has_key_text(&field.ty))
            .map(|field| format!("\"{}\" {}", field.name, field.ty.kind))
            .collect();
        if !illegal.is_empty() {
            let message = format!(
                "{} has a PRIMARY KEY on columns that can't be in an id: {}",
                table.owner(),
                illegal.join(", ")
            );
            return Err(Error::statement(message).with_hint("Choose columns of string, number, boolean or time types."));
        }
        let id = Self { columns: table.primary_key.clone(), delimiter: delimiter.to_string(), owner: table.owner() };
        Ok((!id.columns.is_empty()).then_some(id))
    }

    /// Appends the id of a row.
    pub fn push(&self, rows: &RecordBatch, row: usize, out: &mut String) -> Result<()> {
        let start = out.len();
        for (i, &column) in self.columns.iter().enumerate() {
            let array = rows.column(column);
            if array.is_null(row) {
                let name = rows.schema_ref().field(column).name().clone();
                return Err(Error::data(format!("NULL in the PRIMARY KEY column \"{name}\" of {}", self.owner)));
            }
            if i > 0 {
                out.push_str(&self.delimiter);
            }
            push_key_text(array.as_ref(), row, out);
        }
        let bytes = out.len() - start;
        if bytes > MAX_BYTES {
            let shown: String = out[start..].chars().take(40).collect();
            let message = format!(
                "the document id \"{shown}...\" of {} has {bytes} bytes, more than the {MAX_BYTES} that an id may have",
                self.owner
            );
            return Err(
                Error::data(message).with_hint("Choose a shorter PRIMARY KEY, for example a hash of its columns.")
            );
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, Int32Array, StringArray};

    use super::*;
    use crate::types::{Field, Schema, SqlType, TypeKind};

    fn table(primary_key: Vec<usize>) -> TableDescriptor {
        let array = SqlType::nullable(TypeKind::Array(Box::new(SqlType::string())));
        TableDescriptor {
            name: "T".into(),
            columns: Schema::new(vec![
                Field::new("host", SqlType::string()),
                Field::new("n", SqlType::nullable(TypeKind::Int)),
                Field::new("list", array),
            ]),
            metadata: Vec::new(),
            primary_key,
            partition_keys: Vec::new(),
            options: [("connector", "opensearch")].into_iter().collect(),
            zone: chrono_tz::Tz::UTC,
        }
    }

    fn id(host: Option<&str>, delimiter: &str) -> Result<String> {
        let hosts: ArrayRef = Arc::new(StringArray::from(vec![host]));
        let numbers: ArrayRef = Arc::new(Int32Array::from(vec![4]));
        let rows = RecordBatch::try_from_iter([("host", hosts), ("n", numbers)]).unwrap();
        let mut out = String::new();
        DocumentId::try_new(&table(vec![0, 1]), delimiter)?.unwrap().push(&rows, 0, &mut out).map(|()| out)
    }

    #[test]
    fn key_columns_are_joined_by_the_delimiter() {
        assert_eq!(id(Some("sleepy"), "_").unwrap(), "sleepy_4");
        assert_eq!(id(Some("sleepy"), "$$").unwrap(), "sleepy$$4");
        assert!(DocumentId::try_new(&table(vec![]), "_").unwrap().is_none());
    }

    #[test]
    fn trap_46_an_id_of_512_bytes_is_the_longest() {
        assert!(id(Some(&"x".repeat(510)), "_").is_ok());
        let error = id(Some(&"x".repeat(511)), "_").unwrap_err();
        assert!(error.message().contains("has 513 bytes, more than the 512"), "{error}");
    }

    #[test]
    fn null_and_types_without_text_are_refused() {
        let message = "NULL in the PRIMARY KEY column \"host\" of table \"T\" (connector \"opensearch\")";
        assert_eq!(id(None, "_").unwrap_err().message(), message);
        let error = DocumentId::try_new(&table(vec![2]), "_").unwrap_err();
        assert!(error.message().ends_with("can't be in an id: \"list\" ARRAY<STRING>"), "{error}");
    }
}
