//! The three ways of writing a value, and the printer that has chosen how for one column.

use std::fmt::Write;

use arrow::array::{
    Array, AsArray, BinaryArray, BooleanArray, GenericStringArray, ListArray, MapArray, PrimitiveArray, StructArray,
};
use arrow::datatypes::{
    ArrowPrimitiveType, DataType, Date32Type, Decimal128Type, DurationMillisecondType, Float32Type, Float64Type,
    Int8Type, Int16Type, Int32Type, Int64Type, IntervalYearMonthType, Time32MillisecondType, TimeUnit,
    TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType,
};
use chrono_tz::Tz;

use super::number::{java_double, java_float, write_big_decimal, write_decimal};
use super::temporal;
use crate::functions::time::instant_to_local;
use crate::types::{SqlType, TypeKind};

/// For whom values are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PrintStyle {
    /// As Flink's `Row.toString`: `null`, `true`, `2020-01-01T00:00`, bytes as `[65, 66]`, rows as `+I[1, a]`.
    Row,
    /// As the SQL client's table: `<NULL>`, `TRUE`, `2020-01-01 00:00:00.000`, bytes as `x'4142'`, rows as `(1, a)`.
    Client,
    /// As CAST to STRING: like the client, but bytes are read as UTF-8.
    Cast,
}

/// One column with everything decided that doesn't change from row to row.
pub struct Printer<'a> {
    array: &'a dyn Array,
    kind: Kind<'a>,
    style: PrintStyle,
    /// Inside a collection or a row, where the client writes NULL without brackets.
    nested: bool,
}

/// A column by what is to be written.
enum Kind<'a> {
    Text(&'a GenericStringArray<i32>),
    Boolean(&'a BooleanArray),
    Bytes(&'a BinaryArray),
    Decimal(&'a PrimitiveArray<Decimal128Type>, u8),
    TinyInt(&'a PrimitiveArray<Int8Type>),
    SmallInt(&'a PrimitiveArray<Int16Type>),
    Int(&'a PrimitiveArray<Int32Type>),
    BigInt(&'a PrimitiveArray<Int64Type>),
    Float(&'a PrimitiveArray<Float32Type>),
    Double(&'a PrimitiveArray<Float64Type>),
    Date(&'a PrimitiveArray<Date32Type>),
    Time(&'a PrimitiveArray<Time32MillisecondType>, u8),
    Timestamp {
        values: &'a [i64],
        nanos_per_unit: i64,
        precision: u8,
        zone: Option<Tz>,
    },
    Months(&'a PrimitiveArray<IntervalYearMonthType>),
    Millis(&'a PrimitiveArray<DurationMillisecondType>),
    List(&'a ListArray, Box<Printer<'a>>),
    Map(&'a MapArray, Box<Printer<'a>>, Box<Printer<'a>>),
    Row(Vec<Printer<'a>>),
    /// A column whose memory isn't what its type says; every value is NULL.
    Null,
}

impl<'a> Printer<'a> {
    pub fn new(array: &'a dyn Array, ty: &SqlType, zone: Tz, style: PrintStyle) -> Self {
        Self::inside(array, ty, zone, style, false)
    }

    fn inside(array: &'a dyn Array, ty: &SqlType, zone: Tz, style: PrintStyle, nested: bool) -> Self {
        let kind = Kind::of(array, ty, zone, style).unwrap_or(Kind::Null);
        Self { array, kind, style, nested }
    }

    /// Appends the value at `row`.
    pub fn print(&self, row: usize, out: &mut String) {
        if self.array.is_null(row) || matches!(self.kind, Kind::Null) {
            return out.push_str(match (self.style, self.nested) {
                (PrintStyle::Row, _) => "null",
                (PrintStyle::Client, false) => "<NULL>",
                _ => "NULL",
            });
        }
        let as_row = self.style == PrintStyle::Row;
        match &self.kind {
            Kind::Text(a) => out.push_str(a.value(row)),
            Kind::Boolean(a) => out.push_str(match (a.value(row), as_row) {
                (true, true) => "true",
                (false, true) => "false",
                (true, false) => "TRUE",
                (false, false) => "FALSE",
            }),
            Kind::Bytes(a) => self.print_bytes(a.value(row), out),
            Kind::Decimal(a, scale) if as_row => write_big_decimal(a.value(row), *scale, out),
            Kind::Decimal(a, scale) => write_decimal(a.value(row), *scale, out),
            Kind::TinyInt(a) => out.push_str(itoa::Buffer::new().format(a.value(row))),
            Kind::SmallInt(a) => out.push_str(itoa::Buffer::new().format(a.value(row))),
            Kind::Int(a) => out.push_str(itoa::Buffer::new().format(a.value(row))),
            Kind::BigInt(a) => out.push_str(itoa::Buffer::new().format(a.value(row))),
            Kind::Float(a) => java_float(a.value(row), out),
            Kind::Double(a) => java_double(a.value(row), out),
            Kind::Date(a) => temporal::write_date(a.value(row) as i64, out),
            Kind::Time(a, _) if as_row => temporal::write_iso_time(a.value(row) as i64 * 1_000_000, out),
            Kind::Time(a, precision) => temporal::write_time(a.value(row) as i64 * 1_000_000, *precision, out),
            Kind::Timestamp { values, nanos_per_unit, precision, zone } => {
                let units_per_ms = 1_000_000 / nanos_per_unit;
                let ms = values[row].div_euclid(units_per_ms);
                let nanos = values[row].rem_euclid(units_per_ms) * nanos_per_unit;
                match zone {
                    _ if as_row => temporal::write_iso_timestamp(ms, nanos, zone.is_some(), out),
                    Some(zone) => temporal::write_timestamp(instant_to_local(ms, *zone), nanos, *precision, out),
                    None => temporal::write_timestamp(ms, nanos, *precision, out),
                }
            }
            Kind::Months(a) if as_row => temporal::write_iso_months(a.value(row), out),
            Kind::Months(a) => temporal::write_months(a.value(row), out),
            Kind::Millis(a) if as_row => temporal::write_iso_millis(a.value(row), out),
            Kind::Millis(a) => temporal::write_millis(a.value(row), out),
            Kind::List(a, elements) => {
                let offsets = a.value_offsets();
                self.enclose("[", offsets[row] as usize..offsets[row + 1] as usize, "]", out, |i, out| {
                    elements.print(i, out)
                });
            }
            Kind::Map(a, keys, values) => {
                let offsets = a.value_offsets();
                self.enclose("{", offsets[row] as usize..offsets[row + 1] as usize, "}", out, |i, out| {
                    keys.print(i, out);
                    out.push('=');
                    values.print(i, out);
                });
            }
            Kind::Row(fields) => {
                let (open, close) = if as_row { ("+I[", "]") } else { ("(", ")") };
                self.enclose(open, 0..fields.len(), close, out, |i, out| fields[i].print(row, out));
            }
            Kind::Null => {}
        }
    }

    fn enclose(
        &self,
        open: &str,
        items: std::ops::Range<usize>,
        close: &str,
        out: &mut String,
        print: impl Fn(usize, &mut String),
    ) {
        out.push_str(open);
        for (n, item) in items.enumerate() {
            if n > 0 {
                out.push_str(", ");
            }
            print(item, out);
        }
        out.push_str(close);
    }

    fn print_bytes(&self, bytes: &[u8], out: &mut String) {
        match self.style {
            PrintStyle::Row => self.enclose("[", 0..bytes.len(), "]", out, |i, out| {
                // Java's bytes are signed.
                out.push_str(itoa::Buffer::new().format(bytes[i] as i8));
            }),
            PrintStyle::Client => {
                out.push_str("x'");
                bytes.iter().for_each(|b| {
                    let _ = write!(out, "{b:02x}");
                });
                out.push('\'');
            }
            PrintStyle::Cast => out.push_str(&String::from_utf8_lossy(bytes)),
        }
    }
}

impl<'a> Kind<'a> {
    fn of(array: &'a dyn Array, ty: &SqlType, zone: Tz, style: PrintStyle) -> Option<Self> {
        let inner = |array: &'a dyn Array, ty: &SqlType| Box::new(Printer::inside(array, ty, zone, style, true));
        Some(match &ty.kind {
            TypeKind::Char(_) | TypeKind::Varchar(_) => Self::Text(array.as_string_opt()?),
            TypeKind::Boolean => Self::Boolean(array.as_boolean_opt()?),
            TypeKind::Binary(_) | TypeKind::Varbinary(_) => Self::Bytes(array.as_binary_opt()?),
            TypeKind::Decimal { scale, .. } => Self::Decimal(array.as_primitive_opt()?, *scale),
            TypeKind::TinyInt => Self::TinyInt(array.as_primitive_opt()?),
            TypeKind::SmallInt => Self::SmallInt(array.as_primitive_opt()?),
            TypeKind::Int => Self::Int(array.as_primitive_opt()?),
            TypeKind::BigInt => Self::BigInt(array.as_primitive_opt()?),
            TypeKind::Float => Self::Float(array.as_primitive_opt()?),
            TypeKind::Double => Self::Double(array.as_primitive_opt()?),
            TypeKind::Date => Self::Date(array.as_primitive_opt()?),
            TypeKind::Time(p) => Self::Time(array.as_primitive_opt()?, *p),
            TypeKind::Timestamp(p) => Self::timestamp(array, *p, None)?,
            TypeKind::TimestampLtz(p) => Self::timestamp(array, *p, Some(zone))?,
            TypeKind::IntervalYearMonth => Self::Months(array.as_primitive_opt()?),
            TypeKind::IntervalDayTime => Self::Millis(array.as_primitive_opt()?),
            TypeKind::Array(element) => {
                let lists = array.as_list_opt()?;
                Self::List(lists, inner(lists.values(), element))
            }
            TypeKind::Map(key, value) => {
                let maps = array.as_map_opt()?;
                Self::Map(maps, inner(maps.keys(), key), inner(maps.values(), value))
            }
            TypeKind::Multiset(element) => {
                let maps = array.as_map_opt()?;
                Self::Map(maps, inner(maps.keys(), element), inner(maps.values(), &SqlType::not_null(TypeKind::Int)))
            }
            TypeKind::Row(fields) => {
                let rows: &StructArray = array.as_struct_opt()?;
                let columns = rows.columns().iter().zip(fields);
                Self::Row(columns.map(|(c, f)| *inner(c.as_ref(), &f.ty)).collect())
            }
            TypeKind::Null => Self::Null,
        })
    }

    fn timestamp(array: &'a dyn Array, precision: u8, zone: Option<Tz>) -> Option<Self> {
        fn values<T: ArrowPrimitiveType<Native = i64>>(array: &dyn Array) -> Option<&[i64]> {
            Some(array.as_primitive_opt::<T>()?.values())
        }
        let (values, nanos_per_unit) = match array.data_type() {
            DataType::Timestamp(TimeUnit::Millisecond, _) => (values::<TimestampMillisecondType>(array)?, 1_000_000),
            DataType::Timestamp(TimeUnit::Microsecond, _) => (values::<TimestampMicrosecondType>(array)?, 1_000),
            DataType::Timestamp(TimeUnit::Nanosecond, _) => (values::<TimestampNanosecondType>(array)?, 1),
            _ => return None,
        };
        Some(Self::Timestamp { values, nanos_per_unit, precision, zone })
    }
}
