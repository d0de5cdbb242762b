//! How the values of one column are made.

use rand::rngs::StdRng;
use rand::{Rng, RngExt};

use super::fields::FieldOptions;
use crate::error::{Error, Result};
use crate::formats::column::{Column, Ranges, Values};
use crate::types::{Field, SqlType, TypeKind};

/// Makes values of one column, NULLs among them at a rate.
#[derive(Debug, Clone)]
pub(super) struct Generator {
    null_rate: f32,
    kind: Kind,
}

#[derive(Debug, Clone)]
enum Kind {
    Boolean,
    /// Both ends included.
    Integer {
        min: i64,
        max: i64,
    },
    Float {
        min: f32,
        max: f32,
    },
    Double {
        min: f64,
        max: f64,
    },
    /// Hexadecimal digits, or any bytes.
    Length {
        length: usize,
        varies: bool,
    },
    /// The current date, time or timestamp; a timestamp up to this many milliseconds ago.
    Now {
        max_past_ms: i64,
    },
    Array {
        length: usize,
        items: Box<Generator>,
    },
    Map {
        length: usize,
        keys: Box<Generator>,
        /// None for a MULTISET: how often.
        values: Option<Box<Generator>>,
    },
    Row(Vec<Generator>),
    Sequence {
        start: i64,
        end: i64,
    },
}

/// What a value depends on beside chance.
pub(super) struct Moment {
    /// The row's number in the whole table.
    pub row: u64,
    pub now_ms: i64,
}

/// The generator that a column's options ask for.
pub(super) fn of_column(options: &mut FieldOptions, field: &Field) -> Result<Generator> {
    of_type(options, &field.name, &field.ty)
}

fn of_type(options: &mut FieldOptions, path: &str, ty: &SqlType) -> Result<Generator> {
    if options.is_sequence(path) {
        return sequence(options, path, ty);
    }
    let kind = match &ty.kind {
        TypeKind::Boolean => Kind::Boolean,
        TypeKind::TinyInt => integer::<i8>(options, path, i8::MIN, i8::MAX)?,
        TypeKind::SmallInt => integer::<i16>(options, path, i16::MIN, i16::MAX)?,
        TypeKind::Int => integer::<i32>(options, path, i32::MIN, i32::MAX)?,
        TypeKind::BigInt => integer::<i64>(options, path, i64::MIN, i64::MAX)?,
        TypeKind::IntervalYearMonth => integer::<i32>(options, path, 0, 120_000)?,
        TypeKind::IntervalDayTime => integer::<i64>(options, path, i64::MIN, i64::MAX)?,
        TypeKind::Float => {
            let (min, max) = bounds(options, path, f32::from_bits(1), f32::MAX)?;
            Kind::Float { min, max }
        }
        TypeKind::Double => {
            let (min, max) = bounds(options, path, f64::from_bits(1), f64::MAX)?;
            Kind::Double { min, max }
        }
        TypeKind::Decimal { precision, scale } => {
            let (min, max) = bounds(options, path, f64::from_bits(1), f64::MAX)?;
            let limit = 10f64.powi(i32::from(*precision - *scale)) - 10f64.powi(-i32::from(*scale));
            Kind::Double { min: min.max(-limit), max: max.min(limit) }
        }
        TypeKind::Char(length) | TypeKind::Binary(length) => Kind::Length { length: *length as usize, varies: false },
        TypeKind::Varchar(limit) | TypeKind::Varbinary(limit) => variable_length(options, path, *limit)?,
        TypeKind::Date | TypeKind::Time(_) => Kind::Now { max_past_ms: 0 },
        TypeKind::Timestamp(_) | TypeKind::TimestampLtz(_) => {
            let past = options.duration(path, "max-past");
            Kind::Now { max_past_ms: i64::try_from(past.as_millis()).unwrap_or(i64::MAX) }
        }
        TypeKind::Array(element) => Kind::Array {
            length: collection_length(options, path)?,
            items: Box::new(of_type(options, &format!("{path}.element"), element)?),
        },
        TypeKind::Multiset(element) => Kind::Map {
            length: collection_length(options, path)?,
            keys: Box::new(of_type(options, &format!("{path}.element"), element)?),
            values: None,
        },
        TypeKind::Map(key, value) => Kind::Map {
            length: collection_length(options, path)?,
            keys: Box::new(of_type(options, &format!("{path}.key"), key)?),
            values: Some(Box::new(of_type(options, &format!("{path}.value"), value)?)),
        },
        TypeKind::Row(fields) => {
            let fields = fields.iter().map(|f| of_type(options, &format!("{path}.{}", f.name), &f.ty));
            Kind::Row(fields.collect::<Result<_>>()?)
        }
        TypeKind::Null => return Err(Error::unsupported("a column of type NULL")),
    };
    let null_rate = options.null_rate(path)?;
    if null_rate > 0.0 && !ty.nullable {
        return Err(options.invalid(path, "null-rate", format!("a column of type {ty} takes no NULL")));
    }
    Ok(Generator { null_rate, kind })
}

fn integer<T: Into<i64> + std::str::FromStr>(options: &mut FieldOptions, path: &str, min: T, max: T) -> Result<Kind> {
    let (min, max) = (options.number(path, "min", min)?.into(), options.number(path, "max", max)?.into());
    check_order(options, path, min, max)?;
    Ok(Kind::Integer { min, max })
}

fn bounds<T>(options: &mut FieldOptions, path: &str, min: T, max: T) -> Result<(T, T)>
where
    T: std::str::FromStr + PartialOrd + std::fmt::Display + Copy + Into<f64>,
{
    let (min, max) = (options.number(path, "min", min)?, options.number(path, "max", max)?);
    for (name, value) in [("min", min), ("max", max)] {
        if !value.into().is_finite() {
            return Err(options.invalid(path, name, format!("'{value}' is not a finite number")));
        }
    }
    check_order(options, path, min, max)?;
    Ok((min, max))
}

fn check_order<T: PartialOrd + std::fmt::Display>(options: &FieldOptions, path: &str, min: T, max: T) -> Result<()> {
    match min <= max {
        true => Ok(()),
        false => Err(options.invalid(path, "min", format!("{min} is above the maximum {max}"))),
    }
}

fn variable_length(options: &mut FieldOptions, path: &str, limit: u32) -> Result<Kind> {
    let default = limit.min(100);
    let length: u32 = options.number(path, "length", default)?;
    if length > limit {
        return Err(options.invalid(path, "length", format!("'{length}' is above the type's length {limit}")));
    }
    if length == 0 {
        return Err(options.invalid(path, "length", "it must be at least 1"));
    }
    Ok(Kind::Length { length: length as usize, varies: options.bool(path, "var-len") })
}

/// Elements of a collection; bounded, as each row has them.
fn collection_length(options: &mut FieldOptions, path: &str) -> Result<usize> {
    let length: u32 = options.number(path, "length", 3)?;
    match length <= 1_000_000 {
        true => Ok(length as usize),
        false => Err(options.invalid(path, "length", format!("'{length}' is above 1000000"))),
    }
}

fn sequence(options: &mut FieldOptions, path: &str, ty: &SqlType) -> Result<Generator> {
    let (lowest, highest) = match &ty.kind {
        TypeKind::TinyInt => (i8::MIN.into(), i8::MAX.into()),
        TypeKind::SmallInt => (i16::MIN.into(), i16::MAX.into()),
        TypeKind::Int => (i32::MIN.into(), i32::MAX.into()),
        TypeKind::BigInt | TypeKind::Float | TypeKind::Double => (i64::MIN, i64::MAX),
        TypeKind::Decimal { precision, scale } => {
            let limit = i64::try_from(10i128.pow(u32::from(*precision - *scale)) - 1).unwrap_or(i64::MAX);
            (-limit, limit)
        }
        kind if kind.is_string() => (i64::MIN, i64::MAX),
        kind => return Err(options.invalid(path, "kind", format!("there is no sequence of {kind}"))),
    };
    let start: i64 = options.required(path, "start")?;
    let end: i64 = options.required(path, "end")?;
    for (name, value) in [("start", start), ("end", end)] {
        if !(lowest..=highest).contains(&value) {
            return Err(options.invalid(path, name, format!("'{value}' does not fit into {}", ty.kind)));
        }
    }
    if start > end {
        return Err(options.invalid(path, "start", format!("{start} is above the end {end}")));
    }
    Ok(Generator { null_rate: 0.0, kind: Kind::Sequence { start, end } })
}

impl Generator {
    /// How many values there are, where they end.
    pub fn rows(&self) -> Option<u64> {
        match self.kind {
            Kind::Sequence { start, end } => Some(end.abs_diff(start).saturating_add(1)),
            _ => None,
        }
    }

    /// Appends a value to a column of the type it was made for.
    pub fn push(&self, column: &mut Column, moment: &Moment, rng: &mut StdRng) -> Result<()> {
        let null = self.null_rate > 0.0 && rng.random::<f32>() < self.null_rate;
        if null && column.push_null().is_ok() {
            return Ok(());
        }
        if let Kind::Sequence { start, .. } = self.kind {
            push_number(column, start.wrapping_add_unsigned(moment.row))?;
            column.pushed();
            return Ok(());
        }
        match (&self.kind, &mut column.values) {
            (Kind::Boolean, Values::Boolean(v)) => v.push(rng.random()),
            (Kind::Integer { min, max }, _) => push_number(column, rng.random_range(*min..=*max))?,
            (Kind::Float { min, max }, Values::Float(v)) => {
                v.push(between((*min).into(), (*max).into(), rng).clamp((*min).into(), (*max).into()) as f32);
            }
            (Kind::Double { min, max }, Values::Double(v)) => v.push(between(*min, *max, rng)),
            (Kind::Double { min, max }, Values::Decimal { precision, scale, values }) => {
                let unscaled = between(*min, *max, rng) * 10f64.powi(i32::from(*scale));
                let limit = 10i128.pow(u32::from(*precision)) - 1;
                values.push((unscaled as i128).clamp(-limit, limit));
            }
            (Kind::Length { length, varies }, Values::Text(ranges)) => {
                push_text(ranges, random_length(*length, *varies, rng), rng);
            }
            (Kind::Length { length, varies }, Values::Bytes(ranges)) => {
                let start = ranges.bytes.len();
                ranges.bytes.resize(start + random_length(*length, *varies, rng), 0);
                rng.fill_bytes(&mut ranges.bytes[start..]);
                ranges.ends.push(ranges.bytes.len() as i32);
            }
            (Kind::Now { .. }, Values::Date(v)) => v.push(moment.now_ms.div_euclid(86_400_000) as i32),
            (Kind::Now { .. }, Values::Time(v)) => v.push(moment.now_ms.rem_euclid(86_400_000) as i32),
            (Kind::Now { max_past_ms }, Values::Timestamp { unit, values, .. }) => {
                let past = if *max_past_ms > 0 { rng.random_range(0..=*max_past_ms) } else { 0 };
                let per_ms = crate::formats::temporal::units_per_second(*unit) / 1000;
                values.push((moment.now_ms - past).saturating_mul(per_ms));
            }
            (Kind::Array { length, items }, Values::Array { ends, items: column }) => {
                for _ in 0..*length {
                    items.push(column, moment, rng)?;
                }
                ends.push(column.len() as i32);
            }
            (Kind::Map { length, keys, values }, Values::Map { ends, keys: key_column, values: value_column }) => {
                push_entries(*length, keys, values.as_deref(), key_column, value_column, moment, rng)?;
                ends.push(key_column.len() as i32);
            }
            (Kind::Row(generators), Values::Row(columns)) => {
                for (generator, column) in generators.iter().zip(columns) {
                    generator.push(column, moment, rng)?;
                }
            }
            (kind, _) => return Err(Error::internal(format!("{kind:?} makes no {}", column.ty))),
        }
        column.pushed();
        Ok(())
    }
}

/// Appends the entries of a map. Keys that come twice make it smaller, as in Flink: they are tried once.
fn push_entries(
    length: usize,
    keys: &Generator,
    values: Option<&Generator>,
    key_column: &mut Column,
    value_column: &mut Column,
    moment: &Moment,
    rng: &mut StdRng,
) -> Result<()> {
    let mut seen = std::collections::HashSet::new();
    for _ in 0..length {
        let before = key_column.len();
        keys.push(key_column, moment, rng)?;
        if !seen.insert(key_column.last_as_key()) {
            key_column.truncate(before);
            continue;
        }
        match values {
            Some(values) => values.push(value_column, moment, rng)?,
            None => {
                push_number(value_column, rng.random_range(1..=10))?;
                value_column.pushed();
            }
        }
    }
    Ok(())
}

/// Puts a whole number into a column of any type that a sequence can have.
fn push_number(column: &mut Column, value: i64) -> Result<()> {
    match &mut column.values {
        Values::TinyInt(v) => v.push(value as i8),
        Values::SmallInt(v) => v.push(value as i16),
        Values::Int(v) => v.push(value as i32),
        Values::BigInt(v) => v.push(value),
        Values::Float(v) => v.push(value as f32),
        Values::Double(v) => v.push(value as f64),
        Values::Decimal { scale, values, .. } => values.push(i128::from(value) * 10i128.pow(u32::from(*scale))),
        Values::Text(ranges) => {
            ranges.bytes.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
            ranges.ends.push(ranges.bytes.len() as i32);
        }
        _ => return Err(Error::internal(format!("{} holds no number", column.ty))),
    }
    Ok(())
}

/// A number from `min` to `max`; the span may be larger than a double.
fn between(min: f64, max: f64, rng: &mut StdRng) -> f64 {
    let part: f64 = rng.random();
    (min * (1.0 - part) + max * part).clamp(min, max)
}

/// `length`, or where it varies at least 1 and less than it.
fn random_length(length: usize, varies: bool, rng: &mut StdRng) -> usize {
    if varies && length > 1 { rng.random_range(1..length) } else { length }
}

fn push_text(ranges: &mut Ranges, length: usize, rng: &mut StdRng) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut left = length;
    while left > 0 {
        let word = rng.next_u64().to_le_bytes();
        let digits = word.iter().flat_map(|b| [DIGITS[usize::from(b >> 4)], DIGITS[usize::from(b & 15)]]);
        ranges.bytes.extend(digits.take(left));
        left = left.saturating_sub(16);
    }
    ranges.ends.push(ranges.bytes.len() as i32);
}
