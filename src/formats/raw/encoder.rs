//! A column to messages of one value.

use arrow::array::{Array, AsArray};
use arrow::datatypes::{DataType, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type};
use arrow::record_batch::RecordBatch;

use super::Layout;
use crate::formats::{Encoder, FormatError, Messages};

/// Writes each row's value; NULL is a null message.
#[derive(Debug)]
pub(super) struct RawEncoder {
    layout: Layout,
}

impl RawEncoder {
    pub fn new(layout: Layout) -> Self {
        Self { layout }
    }
}

impl Encoder for RawEncoder {
    fn encode(&mut self, rows: &RecordBatch, out: &mut Messages) -> Result<(), FormatError> {
        let column = rows.columns().first().ok_or_else(|| FormatError::new("a row without a column"))?;
        for row in 0..rows.num_rows() {
            if column.is_null(row) {
                out.push_null();
                continue;
            }
            self.write(column, row, &mut out.buffer)?;
            if self.layout.lines {
                out.buffer.push(b'\n');
            }
            out.end_message();
        }
        Ok(())
    }
}

impl RawEncoder {
    fn write(&self, column: &dyn Array, row: usize, out: &mut Vec<u8>) -> Result<(), FormatError> {
        match column.data_type() {
            DataType::Boolean => out.push(column.as_boolean().value(row) as u8),
            DataType::Int8 => out.push(column.as_primitive::<Int8Type>().value(row) as u8),
            DataType::Int16 => self.number(column.as_primitive::<Int16Type>().value(row).to_be_bytes(), out),
            DataType::Int32 => self.number(column.as_primitive::<Int32Type>().value(row).to_be_bytes(), out),
            DataType::Int64 => self.number(column.as_primitive::<Int64Type>().value(row).to_be_bytes(), out),
            DataType::Float32 => self.number(column.as_primitive::<Float32Type>().value(row).to_be_bytes(), out),
            DataType::Float64 => self.number(column.as_primitive::<Float64Type>().value(row).to_be_bytes(), out),
            DataType::Utf8 => self.layout.charset.encode(column.as_string::<i32>().value(row), out),
            DataType::Binary => out.extend_from_slice(column.as_binary::<i32>().value(row)),
            other => return Err(FormatError::new(format!("{} came as {other}", self.layout.ty))),
        }
        Ok(())
    }

    fn number<const N: usize>(&self, mut bytes: [u8; N], out: &mut Vec<u8>) {
        if self.layout.little_endian {
            bytes.reverse();
        }
        out.extend_from_slice(&bytes);
    }
}
