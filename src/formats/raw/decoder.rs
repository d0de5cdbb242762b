//! Messages of one value to a column.

use std::sync::Arc;

use arrow::array::ArrayRef;
use arrow::datatypes::{Schema as ArrowSchema, SchemaRef};
use arrow::record_batch::{RecordBatch, RecordBatchOptions};

use super::Layout;
use crate::error::Result;
use crate::formats::column::{Column, Values};
use crate::formats::{Decoder, FormatError};

/// Appends each message's value.
#[derive(Debug)]
pub(super) struct RawDecoder {
    layout: Layout,
    column: Column,
    /// How often the column is wanted: once, or not at all where rows are only counted.
    times: usize,
    schema: SchemaRef,
}

impl RawDecoder {
    pub fn new(layout: Layout, projection: Vec<usize>) -> Result<Self> {
        let column = Column::new(&layout.ty)?;
        let fields: Vec<_> = projection.iter().map(|_| layout.ty.arrow_field(&layout.name)).collect();
        Ok(Self { column, times: projection.len(), schema: Arc::new(ArrowSchema::new(fields)), layout })
    }
}

impl Decoder for RawDecoder {
    fn decode(&mut self, message: &[u8]) -> Result<usize, FormatError> {
        push(&self.layout, &mut self.column.values, message)?;
        self.column.pushed();
        Ok(1)
    }

    fn decode_null(&mut self) -> Result<usize, FormatError> {
        self.column.push_null().map_err(|e| {
            let error = format!("column \"{}\" is {}", self.layout.name, e.message);
            FormatError::new(error).with_hint("Declare the column without NOT NULL to take null messages.")
        })?;
        Ok(1)
    }

    fn len(&self) -> usize {
        self.column.len()
    }

    fn is_full(&self) -> bool {
        self.column.is_full()
    }

    fn finish(&mut self) -> Result<RecordBatch> {
        let options = RecordBatchOptions::new().with_row_count(Some(self.column.len()));
        let array = self.column.finish()?;
        let columns: Vec<ArrayRef> = vec![array; self.times];
        Ok(RecordBatch::try_new_with_options(self.schema.clone(), columns, &options)?)
    }
}

fn push(layout: &Layout, values: &mut Values, message: &[u8]) -> Result<(), FormatError> {
    let little = layout.little_endian;
    match values {
        Values::Boolean(v) => v.push(fixed::<1>(layout, message, false)? != [0]),
        Values::TinyInt(v) => v.push(i8::from_be_bytes(fixed(layout, message, little)?)),
        Values::SmallInt(v) => v.push(i16::from_be_bytes(fixed(layout, message, little)?)),
        Values::Int(v) => v.push(i32::from_be_bytes(fixed(layout, message, little)?)),
        Values::BigInt(v) => v.push(i64::from_be_bytes(fixed(layout, message, little)?)),
        Values::Float(v) => v.push(f32::from_be_bytes(fixed(layout, message, little)?)),
        Values::Double(v) => v.push(f64::from_be_bytes(fixed(layout, message, little)?)),
        Values::Bytes(ranges) => {
            ranges.bytes.extend_from_slice(message);
            ranges.ends.push(ranges.bytes.len() as i32);
        }
        Values::Text(ranges) => {
            let text = layout.charset.decode(message).ok_or_else(|| {
                let error = FormatError::new(format!("column \"{}\" is no {} text", layout.name, charset(layout)));
                error.with_hint("Declare the column as BYTES, or set 'raw.charset' to what the messages are in.")
            })?;
            ranges.bytes.extend_from_slice(text.as_bytes());
            ranges.ends.push(ranges.bytes.len() as i32);
        }
        _ => return Err(FormatError::new(format!("{} has no raw form", layout.ty))),
    }
    Ok(())
}

fn charset(layout: &Layout) -> &'static str {
    super::Charset::NAMES[layout.charset as usize]
}

/// The message as big-endian bytes of a value of `N` bytes.
fn fixed<const N: usize>(layout: &Layout, message: &[u8], little: bool) -> Result<[u8; N], FormatError> {
    let mut bytes: [u8; N] = message.try_into().map_err(|_| {
        let (name, ty, found) = (&layout.name, &layout.ty, message.len());
        FormatError::new(format!("column \"{name}\" has {found} bytes, expected {N} for {ty}"))
    })?;
    if little {
        bytes.reverse();
    }
    Ok(bytes)
}
