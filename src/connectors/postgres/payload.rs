//! What a writer leaves of an epoch: its rows and what each does, as bytes.
//!
//! ```text
//! version:u8  reduced:u8  Arrow IPC stream: the table's columns, then the row kinds (UInt8, 0 +I, 1 -U, 2 +U, 3 -D)
//! ```

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, RecordBatch, UInt8Array};
use arrow::buffer::Buffer;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, UInt8Type};
use arrow::error::ArrowError;
use arrow::ipc::reader::StreamDecoder;
use arrow::ipc::writer::StreamWriter;
use bytes::Bytes;

use crate::changelog::{ChangelogBatch, RowKind};
use crate::error::{Error, Result};

/// The form that is written, and the only one that is read.
const VERSION: u8 = 1;
const KIND: &str = "row_kind";

/// Rows on their way into a payload.
pub struct PayloadWriter {
    schema: SchemaRef,
    stream: StreamWriter<Vec<u8>>,
}

/// The rows of a payload.
#[derive(Debug)]
pub struct Payload {
    /// True where each key has one change in a batch at most.
    pub is_reduced: bool,
    pub batches: Vec<ChangelogBatch>,
}

impl PayloadWriter {
    /// For batches of these columns.
    pub fn try_new(columns: &SchemaRef, is_reduced: bool) -> Result<Self> {
        let kind = Arc::new(Field::new(KIND, DataType::UInt8, false));
        let schema: SchemaRef =
            Arc::new(Schema::new(columns.fields().iter().cloned().chain([kind]).collect::<Vec<_>>()));
        let stream = StreamWriter::try_new(vec![VERSION, u8::from(is_reduced)], &schema)?;
        Ok(Self { schema, stream })
    }

    pub fn push(&mut self, batch: &ChangelogBatch) -> Result<()> {
        let kinds = UInt8Array::from_iter_values((0..batch.num_rows()).map(|row| batch.kind(row) as u8));
        let columns = batch.rows().columns().iter().cloned().chain([Arc::new(kinds) as ArrayRef]).collect();
        Ok(self.stream.write(&RecordBatch::try_new(self.schema.clone(), columns)?)?)
    }

    pub fn len(&self) -> usize {
        self.stream.get_ref().len()
    }

    pub fn finish(self) -> Result<Bytes> {
        Ok(self.stream.into_inner()?.into())
    }
}

impl Payload {
    /// What a [`PayloadWriter`] for these columns gave, and so many rows. Texts stay where they are in it.
    ///
    /// # Errors
    /// Anything else, of kind `State`.
    pub fn decode(bytes: &Bytes, rows: u64, columns: &SchemaRef) -> Result<Self> {
        let (version, is_reduced) = match &bytes[..] {
            [version, reduced, ..] => (*version, *reduced == 1),
            _ => return Err(damaged()),
        };
        if version != VERSION {
            return Err(Error::state(format!("rows that were held in version {version} can't be read"))
                .with_detail(format!("This Millstream reads version {VERSION}.")));
        }
        let torn = |error: ArrowError| damaged().with_detail(format!("{error}."));
        let (mut stream, mut decoder) = (Buffer::from(bytes.slice(2..)), StreamDecoder::new());
        let mut held_batches = Vec::new();
        while let Some(batch) = decoder.decode(&mut stream).map_err(torn)? {
            held_batches.push(batch);
        }
        decoder.finish().map_err(torn)?;
        let held = decoder.schema().ok_or_else(damaged)?;
        let (of_table, count) = (columns.fields(), columns.fields().len());
        let is_same =
            |(held, now): (&Arc<Field>, &Arc<Field>)| held.name() == now.name() && held.data_type() == now.data_type();
        if held.fields().len() != count + 1 || !held.fields().iter().zip(of_table).all(is_same) {
            let names = held.fields().iter().take(held.fields().len().saturating_sub(1)).map(|f| f.name().as_str());
            let held = names.collect::<Vec<_>>().join(", ");
            return Err(Error::state(format!("the rows that were held have other columns than the table: ({held})"))
                .with_hint("Start once with the table as it was declared, stop, then change it."));
        }
        let batches = held_batches.into_iter().map(|batch| {
            let kinds = batch.column(count).as_primitive_opt::<UInt8Type>().ok_or_else(damaged)?;
            let kinds = kinds.values().iter().map(|kind| RowKind::ALL.get(usize::from(*kind)).copied());
            let kinds = kinds.collect::<Option<Vec<_>>>().ok_or_else(damaged)?;
            let rows = RecordBatch::try_new(columns.clone(), batch.columns()[..count].to_vec()).map_err(torn)?;
            Ok(ChangelogBatch::new(rows, kinds))
        });
        let batches = batches.collect::<Result<Vec<_>>>()?;
        match batches.iter().map(|batch| batch.num_rows() as u64).sum::<u64>() == rows {
            true => Ok(Self { is_reduced, batches }),
            false => Err(damaged()),
        }
    }
}

fn damaged() -> Error {
    Error::state("the rows that were held are damaged")
}

#[cfg(test)]
#[path = "payload_tests.rs"]
mod tests;
