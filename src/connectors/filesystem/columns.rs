//! Where each wanted column comes from: the line, the folders' names, or the file itself.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, StringArray, TimestampMillisecondArray, UInt32Array};
use arrow::compute::take;
use arrow::datatypes::SchemaRef;
use arrow::record_batch::{RecordBatch, RecordBatchOptions};

use super::location::FoundFile;
use super::{METADATA, partition};
use crate::connectors::TableDescriptor;
use crate::connectors::options::RawOptions;
use crate::error::{Error, Result};
use crate::formats::{DecodingFormat, FormatRole, TableFormat};
use crate::types::{Field, Schema, SqlType, TypeKind};

/// The columns of a scan, in order.
#[derive(Debug, Clone)]
pub(super) struct Columns {
    schema: Schema,
    origins: Vec<Origin>,
    /// Reads the partition columns from a JSON object of texts.
    partition: Arc<dyn DecodingFormat>,
    partition_fields: Vec<Field>,
    default_name: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Origin {
    /// A position among the columns of the lines.
    Line(usize),
    /// A position among the partition columns.
    Folder(usize),
    /// A position in [`METADATA`].
    File(usize),
}

/// The values that all rows of a file share.
#[derive(Debug, Clone)]
pub(super) struct FileValues {
    /// One row of the partition columns.
    partition: RecordBatch,
    file: FoundFile,
}

impl Columns {
    pub fn of(table: &TableDescriptor, default_name: &str) -> Result<Self> {
        let (mut in_line, mut origins) = (0, Vec::new());
        for i in 0..table.columns.len() {
            origins.push(match table.partition_keys.iter().position(|key| *key == i) {
                Some(key) => Origin::Folder(key),
                None => {
                    in_line += 1;
                    Origin::Line(in_line - 1)
                }
            });
        }
        for column in &table.metadata {
            let position = METADATA.iter().position(|key| *key == column.key).ok_or_else(|| {
                Error::statement(format!("{} has no metadata '{}'", table.owner(), column.key))
                    .with_hint(format!("There are {}.", METADATA.join(", ")))
            })?;
            origins.push(Origin::File(position));
        }
        let partition = table.columns.project(&table.partition_keys);
        let options: RawOptions = [("format", "json")].into_iter().collect();
        let format = TableFormat::require(&options, FormatRole::Value, &table.owner(), table.zone, false)?;
        Ok(Self {
            schema: table.scan_schema(),
            origins,
            partition: Arc::from(format.decoding(&partition)?),
            partition_fields: partition.fields,
            default_name: default_name.to_string(),
        })
    }

    /// The columns at `projection`, in that order.
    pub fn project(&self, projection: &[usize]) -> Self {
        let origins = projection.iter().map(|i| self.origins[*i]).collect();
        Self { schema: self.schema.project(projection), origins, ..self.clone() }
    }

    /// Positions of the columns that lines have to give.
    pub fn in_lines(&self) -> Vec<usize> {
        let positions = self.origins.iter().filter_map(|origin| match origin {
            Origin::Line(position) => Some(*position),
            _ => None,
        });
        positions.collect()
    }

    /// What the place of a file says.
    pub fn of_file(&self, file: FoundFile) -> Result<FileValues> {
        let mut object = serde_json::Map::new();
        for Field { name, ty, .. } in &self.partition_fields {
            match partition::value_in(&file.path, name) {
                Some(value) if value == self.default_name => {}
                Some(value) => drop(object.insert(name.clone(), spelled(value, ty).into())),
                None => {
                    let path = file.path.display();
                    return Err(Error::data(format!("{path} is in no folder that names the partition \"{name}\""))
                        .with_hint(format!("Such a folder is called {name}=<value>.")));
                }
            }
        }
        let all: Vec<usize> = (0..self.partition_fields.len()).collect();
        let mut decoder = self.partition.decoder(&all)?;
        let text = serde_json::Value::Object(object).to_string();
        let decoded = decoder.decode(text.as_bytes());
        decoded.map_err(|e| e.into_error(format!("cannot read the folders' names of {}", file.path.display())))?;
        Ok(FileValues { partition: decoder.finish()?, file })
    }

    /// Rows of the scan from rows of a file's lines.
    pub fn assemble(&self, lines: &RecordBatch, values: &FileValues) -> Result<RecordBatch> {
        let count = lines.num_rows();
        let mut from_lines = lines.columns().iter();
        let column = |origin: &Origin| -> Result<ArrayRef> {
            Ok(match origin {
                Origin::Line(_) => {
                    from_lines.next().cloned().ok_or_else(|| Error::internal("a line lacks a column"))?
                }
                Origin::Folder(key) => take(values.partition.column(*key), &UInt32Array::from(vec![0; count]), None)?,
                Origin::File(key) => file_column(*key, &values.file, count),
            })
        };
        let columns = self.origins.iter().map(column).collect::<Result<Vec<_>>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(count));
        Ok(RecordBatch::try_new_with_options(self.arrow(), columns, &options)?)
    }

    pub fn arrow(&self) -> SchemaRef {
        self.schema.arrow()
    }
}

/// A folder's value as the JSON format reads it: timestamps and times are named as Java prints them
/// (`2020-01-01T10:11`).
fn spelled(value: String, ty: &SqlType) -> String {
    let mut value = match ty.kind {
        TypeKind::Timestamp(_) | TypeKind::TimestampLtz(_) => value.replacen('T', " ", 1),
        TypeKind::Time(_) => value,
        _ => return value,
    };
    if value.rsplit(' ').next().is_some_and(|time| time.len() == 5) {
        value.push_str(":00");
    }
    value
}

/// A metadata column: every row has the file's value.
fn file_column(key: usize, file: &FoundFile, count: usize) -> ArrayRef {
    let text = |value: String| Arc::new(StringArray::from(vec![value; count])) as ArrayRef;
    match key {
        0 => text(file.path.display().to_string()),
        1 => text(file.path.file_name().unwrap_or_default().to_string_lossy().into_owned()),
        2 => Arc::new(Int64Array::from(vec![file.size as i64; count])),
        _ => Arc::new(TimestampMillisecondArray::from(vec![file.modified_ms; count]).with_timezone("UTC")),
    }
}
