//! PostgreSQL's binary values to Arrow columns.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, ArrowPrimitiveType, BinaryBuilder, BooleanBuilder, ListArray, NullBufferBuilder, PrimitiveBuilder,
    StringBuilder,
};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{
    DataType, Date32Type, Decimal128Type, Field, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type,
    Time32MillisecondType, TimeUnit, TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType,
};
use chrono_tz::Tz;

use super::numeric::Numeric;
use super::{Misfit, PgType, datetime};
use crate::types::TypeKind;

/// Builds one Arrow column from values as they come over the wire.
pub trait ColumnReader: Send {
    /// Appends a value, `None` for NULL. After an error the reader is of no more use.
    fn push(&mut self, value: Option<&[u8]>) -> Result<(), Misfit>;

    /// The column so far; the reader is empty afterwards.
    fn finish(&mut self) -> ArrayRef;
}

/// A reader of `pg` values for a column of type `sql`; `None` where the two don't go together.
pub fn reader(pg: &PgType, sql: &TypeKind, zone: Tz) -> Option<Box<dyn ColumnReader>> {
    use TypeKind as T;
    Some(match (pg, sql) {
        (PgType::Int2 | PgType::Int4 | PgType::Int8 | PgType::Numeric, T::TinyInt) => {
            let whole = whole(pg)?;
            primitive::<Int8Type>(sql, move |b| narrow(whole(b)?, "TINYINT"))
        }
        (PgType::Int2 | PgType::Int4 | PgType::Int8 | PgType::Numeric, T::SmallInt) => {
            let whole = whole(pg)?;
            primitive::<Int16Type>(sql, move |b| narrow(whole(b)?, "SMALLINT"))
        }
        (PgType::Int2 | PgType::Int4 | PgType::Int8 | PgType::Numeric, T::Int) => {
            let whole = whole(pg)?;
            primitive::<Int32Type>(sql, move |b| narrow(whole(b)?, "INT"))
        }
        (PgType::Int2 | PgType::Int4 | PgType::Int8 | PgType::Numeric, T::BigInt) => {
            primitive::<Int64Type>(sql, whole(pg)?)
        }
        (PgType::Numeric, T::Decimal { precision, scale }) => {
            let (precision, scale) = (*precision, *scale);
            primitive::<Decimal128Type>(sql, move |b| Numeric::parse(b)?.to_decimal(precision, scale))
        }
        (PgType::Int2 | PgType::Int4 | PgType::Int8, T::Decimal { precision, scale }) => {
            let (whole, limit) = (whole(pg)?, 10_i128.checked_pow(u32::from(*precision)).unwrap_or(i128::MAX));
            let (unit, name) = (10_i128.checked_pow(u32::from(*scale))?, sql.to_string());
            primitive::<Decimal128Type>(sql, move |b| {
                let value = whole(b)?;
                let scaled = i128::from(value).checked_mul(unit).filter(|v| v.abs() < limit);
                scaled.ok_or_else(|| Misfit::new(format!("{value} has too many digits for {name}")))
            })
        }
        (PgType::Float4, T::Float) => primitive::<Float32Type>(sql, |b| Ok(f32::from_be_bytes(fixed(b)?))),
        (PgType::Float4, T::Double) => primitive::<Float64Type>(sql, |b| Ok(f32::from_be_bytes(fixed(b)?).into())),
        (PgType::Float8, T::Float) => primitive::<Float32Type>(sql, |b| Ok(f64::from_be_bytes(fixed(b)?) as f32)),
        (PgType::Float8, T::Double) => primitive::<Float64Type>(sql, |b| Ok(f64::from_be_bytes(fixed(b)?))),
        (PgType::Numeric, T::Float) => primitive::<Float32Type>(sql, |b| Ok(Numeric::parse(b)?.to_f64() as f32)),
        (PgType::Numeric, T::Double) => primitive::<Float64Type>(sql, |b| Ok(Numeric::parse(b)?.to_f64())),
        (PgType::Bool, T::Boolean) => Box::new(BooleanReader(BooleanBuilder::new())),
        (PgType::Date, T::Date) => {
            primitive::<Date32Type>(sql, |b| datetime::date_from_wire(i32::from_be_bytes(fixed(b)?)))
        }
        (PgType::Time, T::Time(_)) => primitive::<Time32MillisecondType>(sql, |b| {
            let millis = i64::from_be_bytes(fixed(b)?) / 1000;
            let millis = i32::try_from(millis).ok().filter(|m| *m < 86_400_000);
            millis.ok_or_else(|| Misfit::new("'24:00:00' is no TIME"))
        }),
        (PgType::Timestamp | PgType::Timestamptz, T::Timestamp(p) | T::TimestampLtz(p)) => {
            timestamp(pg, sql, *p, zone)?
        }
        (PgType::Bytea, T::Binary(_) | T::Varbinary(_)) => Box::new(BinaryReader(BinaryBuilder::new())),
        (PgType::Uuid, T::Char(_) | T::Varchar(_)) => text(|b| Ok(uuid::Uuid::from_bytes(fixed(b)?).to_string())),
        (PgType::Jsonb, T::Char(_) | T::Varchar(_)) => Box::new(TextReader { builder: StringBuilder::new(), skip: 1 }),
        (pg, T::Char(_) | T::Varchar(_)) if pg.is_text() => {
            Box::new(TextReader { builder: StringBuilder::new(), skip: 0 })
        }
        (PgType::Array(element), T::Array(item)) => Box::new(ListReader {
            items: reader(element, &item.kind, zone)?,
            field: Arc::new(item.arrow_field("item")),
            ends: vec![0],
            valid: NullBufferBuilder::new(0),
        }),
        _ => return None,
    })
}

/// The bytes of a fixed-width value.
fn fixed<const N: usize>(bytes: &[u8]) -> Result<[u8; N], Misfit> {
    bytes.try_into().map_err(|_| Misfit::malformed("value"))
}

type ReadWhole = fn(&[u8]) -> Result<i64, Misfit>;

/// How whole numbers of a type are read.
fn whole(pg: &PgType) -> Option<ReadWhole> {
    Some(match pg {
        PgType::Int2 => |b| Ok(i16::from_be_bytes(fixed(b)?).into()),
        PgType::Int4 => |b| Ok(i32::from_be_bytes(fixed(b)?).into()),
        PgType::Int8 => |b| Ok(i64::from_be_bytes(fixed(b)?)),
        PgType::Numeric => |b| Numeric::parse(b)?.to_i64(),
        _ => return None,
    })
}

fn narrow<T: TryFrom<i64>>(value: i64, name: &str) -> Result<T, Misfit> {
    T::try_from(value).map_err(|_| Misfit::new(format!("{value} is out of range for {name}")))
}

/// Microseconds since 2000 to the unit of a TIMESTAMP(p), surplus digits cut.
fn timestamp(pg: &PgType, sql: &TypeKind, precision: u8, zone: Tz) -> Option<Box<dyn ColumnReader>> {
    let shift: fn(i64, Tz) -> Option<i64> = match (pg, sql) {
        (PgType::Timestamptz, TypeKind::Timestamp(_)) => datetime::instant_to_clock,
        (PgType::Timestamp, TypeKind::TimestampLtz(_)) => datetime::clock_to_instant,
        _ => |micros, _| Some(micros),
    };
    let step = 10_i64.pow(6 - u32::from(precision.min(6)));
    let micros = move |b: &[u8]| -> Result<i64, Misfit> {
        let micros = datetime::micros_from_wire(i64::from_be_bytes(fixed(b)?))?;
        let micros = shift(micros, zone).ok_or_else(|| Misfit::new("the timestamp is out of range for TIMESTAMP"))?;
        Ok(micros.div_euclid(step) * step)
    };
    Some(match sql.arrow() {
        DataType::Timestamp(TimeUnit::Millisecond, _) => {
            primitive::<TimestampMillisecondType>(sql, move |b| Ok(micros(b)?.div_euclid(1000)))
        }
        DataType::Timestamp(TimeUnit::Microsecond, _) => primitive::<TimestampMicrosecondType>(sql, micros),
        DataType::Timestamp(TimeUnit::Nanosecond, _) => primitive::<TimestampNanosecondType>(sql, move |b| {
            let nanos = micros(b)?.checked_mul(1000);
            nanos.ok_or_else(|| Misfit::new(format!("the timestamp is out of range for TIMESTAMP({precision})")))
        }),
        _ => return None,
    })
}

struct PrimitiveReader<T: ArrowPrimitiveType, F> {
    builder: PrimitiveBuilder<T>,
    parse: F,
}

fn primitive<T: ArrowPrimitiveType>(
    sql: &TypeKind,
    parse: impl Fn(&[u8]) -> Result<T::Native, Misfit> + Send + 'static,
) -> Box<dyn ColumnReader> {
    Box::new(PrimitiveReader { builder: PrimitiveBuilder::<T>::new().with_data_type(sql.arrow()), parse })
}

impl<T: ArrowPrimitiveType, F: Fn(&[u8]) -> Result<T::Native, Misfit> + Send> ColumnReader for PrimitiveReader<T, F> {
    fn push(&mut self, value: Option<&[u8]>) -> Result<(), Misfit> {
        match value {
            Some(bytes) => self.builder.append_value((self.parse)(bytes)?),
            None => self.builder.append_null(),
        }
        Ok(())
    }

    fn finish(&mut self) -> ArrayRef {
        Arc::new(self.builder.finish())
    }
}

struct BooleanReader(BooleanBuilder);

impl ColumnReader for BooleanReader {
    fn push(&mut self, value: Option<&[u8]>) -> Result<(), Misfit> {
        let value = value.map(|b| fixed::<1>(b).map(|b| b[0] != 0)).transpose()?;
        self.0.append_option(value);
        Ok(())
    }

    fn finish(&mut self) -> ArrayRef {
        Arc::new(self.0.finish())
    }
}

struct BinaryReader(BinaryBuilder);

impl ColumnReader for BinaryReader {
    fn push(&mut self, value: Option<&[u8]>) -> Result<(), Misfit> {
        self.0.append_option(value);
        Ok(())
    }

    fn finish(&mut self) -> ArrayRef {
        Arc::new(self.0.finish())
    }
}

/// UTF-8 behind `skip` bytes (jsonb has a version in front).
struct TextReader {
    builder: StringBuilder,
    skip: usize,
}

impl ColumnReader for TextReader {
    fn push(&mut self, value: Option<&[u8]>) -> Result<(), Misfit> {
        let text = value.map(|b| b.get(self.skip..).and_then(|b| std::str::from_utf8(b).ok()));
        match text {
            Some(Some(text)) => self.builder.append_value(text),
            Some(None) => return Err(Misfit::malformed("text")),
            None => self.builder.append_null(),
        }
        Ok(())
    }

    fn finish(&mut self) -> ArrayRef {
        Arc::new(self.builder.finish())
    }
}

struct FormattedReader<F> {
    builder: StringBuilder,
    format: F,
}

fn text(format: impl Fn(&[u8]) -> Result<String, Misfit> + Send + 'static) -> Box<dyn ColumnReader> {
    Box::new(FormattedReader { builder: StringBuilder::new(), format })
}

impl<F: Fn(&[u8]) -> Result<String, Misfit> + Send> ColumnReader for FormattedReader<F> {
    fn push(&mut self, value: Option<&[u8]>) -> Result<(), Misfit> {
        let text = value.map(&self.format).transpose()?;
        self.builder.append_option(text);
        Ok(())
    }

    fn finish(&mut self) -> ArrayRef {
        Arc::new(self.builder.finish())
    }
}

/// One-dimensional arrays: dimensions, has-null flag, element type, then length and lower bound, then the elements.
struct ListReader {
    items: Box<dyn ColumnReader>,
    field: Arc<Field>,
    ends: Vec<i32>,
    valid: NullBufferBuilder,
}

impl ColumnReader for ListReader {
    fn push(&mut self, value: Option<&[u8]>) -> Result<(), Misfit> {
        let end = self.ends.last().copied().unwrap_or(0);
        let Some(bytes) = value else {
            self.ends.push(end);
            self.valid.append_null();
            return Ok(());
        };
        let elements = elements(bytes)?;
        if !self.field.is_nullable() && elements.contains(&None) {
            return Err(Misfit::new("the array has a NULL element, the column's type says NOT NULL"));
        }
        for element in &elements {
            self.items.push(*element)?;
        }
        self.ends.push(end + elements.len() as i32);
        self.valid.append_non_null();
        Ok(())
    }

    fn finish(&mut self) -> ArrayRef {
        let offsets = OffsetBuffer::new(std::mem::replace(&mut self.ends, vec![0]).into());
        let nulls = self.valid.finish();
        Arc::new(ListArray::new(self.field.clone(), offsets, self.items.finish(), nulls))
    }
}

fn elements(bytes: &[u8]) -> Result<Vec<Option<&[u8]>>, Misfit> {
    let word = |at: usize| -> Result<i32, Misfit> {
        let bytes = bytes.get(at..at + 4).ok_or_else(|| Misfit::malformed("array"))?;
        Ok(i32::from_be_bytes(fixed(bytes)?))
    };
    match word(0)? {
        0 => return Ok(Vec::new()),
        1 => {}
        dimensions => return Err(Misfit::new(format!("an array of {dimensions} dimensions is no ARRAY"))),
    }
    let count = usize::try_from(word(12)?).map_err(|_| Misfit::malformed("array"))?;
    let mut at = 20;
    let mut found = Vec::with_capacity(count.min(bytes.len() / 4));
    for _ in 0..count {
        let length = word(at)?;
        at += 4;
        match usize::try_from(length) {
            Ok(length) => {
                found.push(Some(bytes.get(at..at + length).ok_or_else(|| Misfit::malformed("array"))?));
                at += length;
            }
            Err(_) => found.push(None),
        }
    }
    Ok(found)
}
