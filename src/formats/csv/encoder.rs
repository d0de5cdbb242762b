//! Rows to lines.

use arrow::array::{Array, AsArray};
use arrow::datatypes::{
    DataType, Date32Type, Decimal128Type, DurationMillisecondType, Float32Type, Float64Type, Int8Type, Int16Type,
    Int32Type, Int64Type, IntervalUnit, IntervalYearMonthType, Time32MillisecondType, TimeUnit,
    TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType,
};
use arrow::record_batch::RecordBatch;

use super::Rules;
use crate::formats::json::base64;
use crate::formats::temporal::{self, Digits};
use crate::formats::{Encoder, FormatError, Messages, number};
use crate::types::Schema;

/// Writes each row as a line.
#[derive(Debug)]
pub(super) struct CsvEncoder {
    rules: Rules,
    columns: usize,
    /// Texts with a character below this one are quoted, as Jackson does: it looks no further.
    quoted_below: u8,
}

/// Longer texts are quoted without looking, as Jackson does.
const LOOKED_AT_MAX: usize = 24;

impl CsvEncoder {
    pub fn new(schema: &Schema, rules: Rules) -> Self {
        let quoted_below = rules.quote.map_or(0, |quote| quote.max(rules.delimiter) + 1);
        Self { columns: schema.len(), quoted_below, rules }
    }

    fn write(&self, column: &dyn Array, row: usize, out: &mut Vec<u8>) -> Result<(), FormatError> {
        if column.is_null(row) {
            out.extend_from_slice(self.rules.null.as_deref().unwrap_or("").as_bytes());
            return Ok(());
        }
        let numeric = column.data_type().is_numeric() || *column.data_type() == DataType::Boolean;
        if numeric {
            return write_value(column, row, &self.rules, out);
        }
        let mut text = Vec::new();
        write_value(column, row, &self.rules, &mut text)?;
        self.write_text(&text, out);
        Ok(())
    }

    fn write_text(&self, text: &[u8], out: &mut Vec<u8>) {
        let Some(quote) = self.rules.quote.filter(|_| self.needs_quotes(text)) else {
            return out.extend_from_slice(text);
        };
        out.push(quote);
        for byte in text {
            if *byte == quote || Some(*byte) == self.rules.escape {
                out.push(*byte);
            }
            out.push(*byte);
        }
        out.push(quote);
    }

    fn needs_quotes(&self, text: &[u8]) -> bool {
        let special = |b: &u8| *b < self.quoted_below || *b == b'\\' || Some(*b) == self.rules.escape;
        String::from_utf8_lossy(text).encode_utf16().count() > LOOKED_AT_MAX || text.iter().any(special)
    }
}

impl Encoder for CsvEncoder {
    fn encode(&mut self, rows: &RecordBatch, out: &mut Messages) -> Result<(), FormatError> {
        if rows.num_columns() != self.columns {
            let (came, expected) = (rows.num_columns(), self.columns);
            return Err(FormatError::new(format!("rows of {came} columns came, expected {expected}")));
        }
        for row in 0..rows.num_rows() {
            for (i, column) in rows.columns().iter().enumerate() {
                if i > 0 {
                    out.buffer.push(self.rules.delimiter);
                }
                self.write(column, row, &mut out.buffer)?;
            }
            if self.rules.lines {
                out.buffer.push(b'\n');
            }
            out.end_message();
        }
        Ok(())
    }
}

/// Appends a value that is not NULL, without quotes.
fn write_value(column: &dyn Array, row: usize, rules: &Rules, out: &mut Vec<u8>) -> Result<(), FormatError> {
    let integer = |value: i64, out: &mut Vec<u8>| out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
    match column.data_type() {
        DataType::Boolean => {
            out.extend_from_slice(if column.as_boolean().value(row) { b"true" } else { b"false" });
        }
        DataType::Int8 => integer(column.as_primitive::<Int8Type>().value(row).into(), out),
        DataType::Int16 => integer(column.as_primitive::<Int16Type>().value(row).into(), out),
        DataType::Int32 => integer(column.as_primitive::<Int32Type>().value(row).into(), out),
        DataType::Int64 => integer(column.as_primitive::<Int64Type>().value(row), out),
        DataType::Interval(IntervalUnit::YearMonth) => {
            integer(column.as_primitive::<IntervalYearMonthType>().value(row).into(), out);
        }
        DataType::Duration(TimeUnit::Millisecond) => {
            integer(column.as_primitive::<DurationMillisecondType>().value(row), out);
        }
        DataType::Float32 => number::write_float(column.as_primitive::<Float32Type>().value(row), out),
        DataType::Float64 => number::write_double(column.as_primitive::<Float64Type>().value(row), out),
        DataType::Decimal128(_, scale) => {
            let unscaled = column.as_primitive::<Decimal128Type>().value(row);
            number::write_stripped(unscaled, *scale as u8, rules.plain_decimals, out);
        }
        DataType::Date32 => temporal::write_date(column.as_primitive::<Date32Type>().value(row).into(), out),
        DataType::Time32(TimeUnit::Millisecond) => {
            let ms = column.as_primitive::<Time32MillisecondType>().value(row);
            temporal::write_time(i64::from(ms) * 1_000_000, Digits::Needed, out);
        }
        DataType::Timestamp(unit, zone) => {
            let value = match unit {
                TimeUnit::Microsecond => column.as_primitive::<TimestampMicrosecondType>().value(row),
                TimeUnit::Nanosecond => column.as_primitive::<TimestampNanosecondType>().value(row),
                _ => column.as_primitive::<TimestampMillisecondType>().value(row),
            };
            temporal::write_timestamp(value, *unit, b' ', Digits::Needed, out);
            if zone.is_some() {
                out.push(b'Z');
            }
        }
        DataType::Utf8 => out.extend_from_slice(column.as_string::<i32>().value(row).as_bytes()),
        DataType::Binary => base64::encode(column.as_binary::<i32>().value(row), out),
        DataType::List(_) => {
            let items = column.as_list::<i32>().value(row);
            for i in 0..items.len() {
                write_element(&items, i, i == 0, rules, out)?;
            }
        }
        DataType::Struct(_) => {
            for (i, field) in column.as_struct().columns().iter().enumerate() {
                write_element(field, row, i == 0, rules, out)?;
            }
        }
        other => return Err(FormatError::new(format!("CSV has no form for {other}"))),
    }
    Ok(())
}

/// Appends an element of an ARRAY or a field of a ROW, with the delimiter before it.
fn write_element(
    items: &dyn Array,
    row: usize,
    first: bool,
    rules: &Rules,
    out: &mut Vec<u8>,
) -> Result<(), FormatError> {
    if !first {
        out.extend_from_slice(rules.element_delimiter.as_bytes());
    }
    if items.is_null(row) {
        out.extend_from_slice(rules.null.as_deref().unwrap_or("").as_bytes());
        return Ok(());
    }
    write_value(items, row, rules, out)
}
