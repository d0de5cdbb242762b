//! Where the columns of a row come from: the line, the folders, the file itself.

use std::sync::Arc;

use arrow::array::{ArrayRef, UInt32Array};
use arrow::compute::take;
use arrow::datatypes::SchemaRef;
use arrow::record_batch::{RecordBatch, RecordBatchOptions};
use chrono_tz::Tz;

use super::data_file::{DataFile, FileMetadata};
use super::line_reader::Quoting;
use super::location::shown;
use super::partition;
use super::table::FileTable;
use crate::error::{Error, Result};
use crate::formats::{Decoder, DecodingFormat};
use crate::types::Field;

/// How to make rows of some columns of a table. Cheap to clone.
#[derive(Debug, Clone)]
pub struct RowColumns {
    schema: SchemaRef,
    origins: Vec<Origin>,
    /// Positions in the body, in the order that [`Origin::Body`] counts.
    body: Vec<usize>,
    decoding: Arc<dyn DecodingFormat>,
    pub quoting: Option<Quoting>,
    default_partition: Arc<str>,
    zone: Tz,
}

/// Where an output column comes from.
#[derive(Debug, Clone)]
enum Origin {
    /// Position among what the decoder gives.
    Body(usize),
    Partition(Field),
    Metadata(FileMetadata),
}

impl RowColumns {
    /// The columns at `projection` of the scan schema.
    pub fn try_new(table: &FileTable, projection: &[usize]) -> Result<Self> {
        let mut body = Vec::new();
        let physical = table.descriptor.columns.len();
        let origins = projection.iter().map(|&column| {
            if let Some(metadata) = column.checked_sub(physical) {
                return Origin::Metadata(table.metadata[metadata]);
            }
            match table.body_columns.iter().position(|c| *c == column) {
                Some(in_body) => {
                    body.push(in_body);
                    Origin::Body(body.len() - 1)
                }
                None => Origin::Partition(table.descriptor.columns.fields[column].clone()),
            }
        });
        let origins = origins.collect();
        let decoding: Arc<dyn DecodingFormat> = table.format.decoding(&table.body)?.into();
        Ok(Self {
            schema: table.descriptor.scan_schema().project(projection).arrow(),
            quoting: decoding.quote().map(|quote| Quoting::of(quote, &table.descriptor.options)),
            origins,
            body,
            decoding,
            default_partition: table.options.default_partition.as_str().into(),
            zone: table.descriptor.zone,
        })
    }

    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    pub fn decoder(&self) -> Result<Box<dyn Decoder>> {
        self.decoding.decoder(&self.body)
    }

    /// The columns that all rows of a file share, each as an array of one row; `None` for those in its lines.
    pub fn shared(&self, file: &DataFile) -> Result<Vec<Option<ArrayRef>>> {
        let column = |origin: &Origin| match origin {
            Origin::Body(_) => Ok(None),
            Origin::Metadata(metadata) => Ok(Some(metadata.value(file))),
            Origin::Partition(field) => self.partition(field, file).map(Some),
        };
        self.origins.iter().map(column).collect()
    }

    fn partition(&self, field: &Field, file: &DataFile) -> Result<ArrayRef> {
        let Some((_, text)) = file.partitions.iter().find(|(key, _)| *key == field.name) else {
            let (path, name) = (shown(&file.path), &field.name);
            return Err(Error::data(format!(
                "file \"{path}\" is in no folder \"{name}=…\" though \"{name}\" is a partition column"
            ))
            .with_hint("Move the file, or leave it out with 'source.path.regex-pattern'."));
        };
        partition::read(text, &self.default_partition, field, self.zone)
            .map_err(|e| e.context(format!("file \"{}\"", shown(&file.path))))
    }

    /// Whole rows of what was decoded and what the rows of the file share.
    pub fn assemble(&self, body: &RecordBatch, shared: &[Option<ArrayRef>]) -> Result<RecordBatch> {
        let rows = body.num_rows();
        let zeros = UInt32Array::from(vec![0; rows]);
        let columns = self.origins.iter().zip(shared).map(|(origin, shared)| match (origin, shared) {
            (_, Some(value)) => Ok(take(value, &zeros, None)?),
            (Origin::Body(i), None) => Ok(body.column(*i).clone()),
            _ => Err(Error::internal("a partition or metadata column has no value")),
        });
        let columns = columns.collect::<Result<Vec<_>>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        Ok(RecordBatch::try_new_with_options(self.schema.clone(), columns, &options)?)
    }
}
