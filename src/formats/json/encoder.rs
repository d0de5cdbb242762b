//! Rows to JSON objects, one per message, fields in the order of the schema.

use arrow::array::{Array, AsArray, BooleanArray, GenericByteArray, OffsetSizeTrait, PrimitiveArray};
use arrow::buffer::NullBuffer;
use arrow::datatypes::{
    ArrowPrimitiveType, ByteArrayType, DataType, Date32Type, Decimal128Type, DurationMillisecondType, Float32Type,
    Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, IntervalUnit, IntervalYearMonthType, Time32MillisecondType,
    TimeUnit, TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType,
};
use arrow::record_batch::RecordBatch;

use super::{Rules, base64};
use crate::formats::temporal::{self, Digits};
use crate::formats::{Encoder, FormatError, Messages, number};
use crate::types::{Schema, SqlType, TypeKind};

/// Writes each row as an object.
#[derive(Debug)]
pub(in crate::formats) struct JsonEncoder {
    rules: Rules,
    /// Names of the columns as they are written: `"name":`.
    keys: Vec<Vec<u8>>,
    /// The columns' types, where times are written with all digits of theirs.
    types: Option<Vec<SqlType>>,
}

impl JsonEncoder {
    pub fn new(schema: &Schema, rules: Rules) -> Self {
        Self { rules, keys: schema.names().map(key).collect(), types: None }
    }

    /// Times have as many digits behind the point as their types say, instead of those that are not zero.
    pub fn with_whole_fractions(self, schema: &Schema) -> Self {
        Self { types: Some(schema.fields.iter().map(|field| field.ty.clone()).collect()), ..self }
    }

    /// As [`Encoder::encode`], each object between the two texts that `around` has for its row.
    pub fn encode_between<'a>(
        &self,
        rows: &RecordBatch,
        around: impl Fn(usize) -> (&'a str, &'a str),
        out: &mut Messages,
    ) -> Result<(), FormatError> {
        if rows.num_columns() != self.keys.len() {
            let (came, expected) = (rows.num_columns(), self.keys.len());
            return Err(FormatError::new(format!("rows of {came} columns came, expected {expected}")));
        }
        let ty = |column: usize| self.types.as_ref().and_then(|types| types.get(column));
        let cells = rows.columns().iter().enumerate().map(|(column, cells)| Cells::of(cells, ty(column)));
        let cells = cells.collect::<Result<Vec<_>, _>>()?;
        let fields: Vec<_> = self.keys.iter().cloned().zip(cells).collect();
        for row in 0..rows.num_rows() {
            let (before, behind) = around(row);
            out.buffer.extend_from_slice(before.as_bytes());
            write_object(&fields, row, &self.rules, &mut out.buffer)?;
            out.buffer.extend_from_slice(behind.as_bytes());
            if self.rules.lines {
                out.buffer.push(b'\n');
            }
            out.end_message();
        }
        Ok(())
    }
}

impl Encoder for JsonEncoder {
    fn encode(&mut self, rows: &RecordBatch, out: &mut Messages) -> Result<(), FormatError> {
        self.encode_between(rows, |_| ("", ""), out)
    }
}

/// `"name":`
fn key(name: &str) -> Vec<u8> {
    let mut key = Vec::with_capacity(name.len() + 3);
    write_string(name, &mut key);
    key.push(b':');
    key
}

/// A column, its type told once per batch.
struct Cells<'a> {
    nulls: Option<&'a NullBuffer>,
    values: CellValues<'a>,
}

enum CellValues<'a> {
    Boolean(&'a BooleanArray),
    TinyInt(&'a [i8]),
    SmallInt(&'a [i16]),
    Int(&'a [i32]),
    BigInt(&'a [i64]),
    Float(&'a [f32]),
    Double(&'a [f64]),
    Decimal(&'a [i128], u8),
    Date(&'a [i32]),
    /// Milliseconds of the day.
    Time {
        values: &'a [i32],
        digits: Digits,
    },
    Timestamp {
        values: &'a [i64],
        unit: TimeUnit,
        zoned: bool,
        digits: Digits,
    },
    Text(Ranges<'a, i32>),
    Bytes(Ranges<'a, i32>),
    Array(&'a [i32], Box<Cells<'a>>),
    /// Ends of the maps, keys, values.
    Map(&'a [i32], Ranges<'a, i32>, Box<Cells<'a>>),
    Row(Vec<(Vec<u8>, Cells<'a>)>),
    Null,
}

/// Strings of bytes in one buffer.
struct Ranges<'a, O> {
    offsets: &'a [O],
    bytes: &'a [u8],
}

impl<'a, O: OffsetSizeTrait> Ranges<'a, O> {
    fn of<T: ByteArrayType<Offset = O>>(array: &'a GenericByteArray<T>) -> Self {
        Self { offsets: array.value_offsets(), bytes: array.value_data() }
    }

    #[inline]
    fn get(&self, row: usize) -> &'a [u8] {
        &self.bytes[self.offsets[row].as_usize()..self.offsets[row + 1].as_usize()]
    }
}

fn slice<T: ArrowPrimitiveType>(array: &dyn Array) -> &[T::Native] {
    let array: &PrimitiveArray<T> = array.as_primitive();
    array.values()
}

impl<'a> Cells<'a> {
    /// With a type where times have all its digits.
    fn of(array: &'a dyn Array, ty: Option<&SqlType>) -> Result<Self, FormatError> {
        let kind = ty.map(|ty| &ty.kind);
        let digits = match kind {
            Some(TypeKind::Time(precision) | TypeKind::Timestamp(precision) | TypeKind::TimestampLtz(precision)) => {
                Digits::All(*precision)
            }
            _ => Digits::Needed,
        };
        let values = match array.data_type() {
            DataType::Boolean => CellValues::Boolean(array.as_boolean()),
            DataType::Int8 => CellValues::TinyInt(slice::<Int8Type>(array)),
            DataType::Int16 => CellValues::SmallInt(slice::<Int16Type>(array)),
            DataType::Int32 => CellValues::Int(slice::<Int32Type>(array)),
            DataType::Int64 => CellValues::BigInt(slice::<Int64Type>(array)),
            DataType::Float32 => CellValues::Float(slice::<Float32Type>(array)),
            DataType::Float64 => CellValues::Double(slice::<Float64Type>(array)),
            DataType::Decimal128(_, scale) => CellValues::Decimal(slice::<Decimal128Type>(array), *scale as u8),
            DataType::Date32 => CellValues::Date(slice::<Date32Type>(array)),
            DataType::Time32(TimeUnit::Millisecond) => {
                CellValues::Time { values: slice::<Time32MillisecondType>(array), digits }
            }
            DataType::Timestamp(unit, zone) => {
                let values = match unit {
                    TimeUnit::Microsecond => slice::<TimestampMicrosecondType>(array),
                    TimeUnit::Nanosecond => slice::<TimestampNanosecondType>(array),
                    _ => slice::<TimestampMillisecondType>(array),
                };
                CellValues::Timestamp { values, unit: *unit, zoned: zone.is_some(), digits }
            }
            DataType::Interval(IntervalUnit::YearMonth) => CellValues::Int(slice::<IntervalYearMonthType>(array)),
            DataType::Duration(TimeUnit::Millisecond) => CellValues::BigInt(slice::<DurationMillisecondType>(array)),
            DataType::Utf8 => CellValues::Text(Ranges::of(array.as_string::<i32>())),
            DataType::Binary => CellValues::Bytes(Ranges::of(array.as_binary::<i32>())),
            DataType::List(_) => {
                let list = array.as_list::<i32>();
                let element = match kind {
                    Some(TypeKind::Array(element)) => Some(element.as_ref()),
                    _ => None,
                };
                CellValues::Array(list.value_offsets(), Box::new(Cells::of(list.values(), element)?))
            }
            DataType::Map(..) => {
                let map = array.as_map();
                let Some(keys) = map.keys().as_string_opt::<i32>() else {
                    return Err(FormatError::new("a map has keys that are not texts"));
                };
                let value = match kind {
                    Some(TypeKind::Map(_, value)) => Some(value.as_ref()),
                    _ => None,
                };
                CellValues::Map(map.value_offsets(), Ranges::of(keys), Box::new(Cells::of(map.values(), value)?))
            }
            DataType::Struct(fields) => {
                let ty = |at: usize| match kind {
                    Some(TypeKind::Row(fields)) => fields.get(at).map(|field| &field.ty),
                    _ => None,
                };
                let columns = fields.iter().zip(array.as_struct().columns()).enumerate();
                let columns = columns.map(|(at, (f, c))| Ok((key(f.name()), Cells::of(c, ty(at))?)));
                CellValues::Row(columns.collect::<Result<_, FormatError>>()?)
            }
            DataType::Null => CellValues::Null,
            other => return Err(FormatError::new(format!("JSON has no form for {other}"))),
        };
        Ok(Self { nulls: array.nulls(), values })
    }

    #[inline]
    fn is_null(&self, row: usize) -> bool {
        self.nulls.is_some_and(|n| n.is_null(row)) || matches!(self.values, CellValues::Null)
    }

    fn write(&self, row: usize, rules: &Rules, out: &mut Vec<u8>) -> Result<(), FormatError> {
        if self.is_null(row) {
            out.extend_from_slice(b"null");
            return Ok(());
        }
        match &self.values {
            CellValues::Boolean(v) => out.extend_from_slice(if v.value(row) { b"true" } else { b"false" }),
            CellValues::TinyInt(v) => write_integer(v[row], out),
            CellValues::SmallInt(v) => write_integer(v[row], out),
            CellValues::Int(v) => write_integer(v[row], out),
            CellValues::BigInt(v) => write_integer(v[row], out),
            CellValues::Float(v) => quoted(!v[row].is_finite(), out, |out| number::write_float(v[row], out)),
            CellValues::Double(v) => quoted(!v[row].is_finite(), out, |out| number::write_double(v[row], out)),
            CellValues::Decimal(v, scale) if rules.plain_decimals => number::write_decimal(v[row], *scale, out),
            CellValues::Decimal(v, scale) => number::write_stripped(v[row], *scale, false, out),
            CellValues::Date(v) => quoted(true, out, |out| temporal::write_date(i64::from(v[row]), out)),
            CellValues::Time { values, digits } => {
                let nanos = i64::from(values[row]) * 1_000_000;
                // Whole seconds, as Flink's format writes them.
                let digits = if *digits == Digits::Needed { Digits::All(0) } else { *digits };
                quoted(true, out, |out| temporal::write_time(nanos, digits, out));
            }
            CellValues::Timestamp { values, unit, zoned, digits } => {
                out.push(b'"');
                temporal::write_timestamp(values[row], *unit, rules.timestamps.separator(), *digits, out);
                out.extend_from_slice(if *zoned { b"Z\"" } else { b"\"" });
            }
            CellValues::Text(v) => write_text(v.get(row), out),
            CellValues::Bytes(v) => quoted(true, out, |out| base64::encode(v.get(row), out)),
            CellValues::Array(ends, items) => {
                out.push(b'[');
                for (i, item) in (ends[row] as usize..ends[row + 1] as usize).enumerate() {
                    if i > 0 {
                        out.push(b',');
                    }
                    items.write(item, rules, out)?;
                }
                out.push(b']');
            }
            CellValues::Map(ends, keys, values) => {
                out.push(b'{');
                for (i, item) in (ends[row] as usize..ends[row + 1] as usize).enumerate() {
                    if i > 0 {
                        out.push(b',');
                    }
                    write_text(keys.get(item), out);
                    out.push(b':');
                    values.write(item, rules, out)?;
                }
                out.push(b'}');
            }
            CellValues::Row(fields) => {
                write_object(fields, row, rules, out)?;
            }
            CellValues::Null => {}
        }
        Ok(())
    }
}

fn write_object(fields: &[(Vec<u8>, Cells)], row: usize, rules: &Rules, out: &mut Vec<u8>) -> Result<(), FormatError> {
    out.push(b'{');
    let mut first = true;
    for (key, cells) in fields {
        if rules.ignore_nulls && cells.is_null(row) {
            continue;
        }
        if !first {
            out.push(b',');
        }
        first = false;
        out.extend_from_slice(key);
        cells.write(row, rules, out)?;
    }
    out.push(b'}');
    Ok(())
}

#[inline]
fn write_integer(value: impl itoa::Integer, out: &mut Vec<u8>) {
    out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
}

fn quoted(quotes: bool, out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
    if quotes {
        out.push(b'"');
    }
    write(out);
    if quotes {
        out.push(b'"');
    }
}

/// Appends a string with its quotes, escaped as Jackson does: what must be, nothing else.
pub(super) fn write_string(text: &str, out: &mut Vec<u8>) {
    write_text(text.as_bytes(), out);
}

fn write_text(text: &[u8], out: &mut Vec<u8>) {
    out.push(b'"');
    let mut rest = text;
    while let Some(at) = rest.iter().position(|b| *b < b' ' || *b == b'"' || *b == b'\\') {
        let (plain, tail) = rest.split_at(at);
        out.extend_from_slice(plain);
        let Some((special, tail)) = tail.split_first() else { break };
        write_escape(*special, out);
        rest = tail;
    }
    out.extend_from_slice(rest);
    out.push(b'"');
}

#[cold]
fn write_escape(byte: u8, out: &mut Vec<u8>) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    let letter = match byte {
        b'"' | b'\\' => byte,
        8 => b'b',
        9 => b't',
        10 => b'n',
        12 => b'f',
        13 => b'r',
        _ => {
            out.extend_from_slice(b"\\u00");
            return out.extend([HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]]);
        }
    };
    out.extend([b'\\', letter]);
}
