//! Dates, times of day, timestamps and instants among each other, and read from text.
//!
//! Digits that a type has no room for go: below the millisecond downwards, from there on towards 1970, as in Flink
//! (so 23:59:59.999 on New Year's Eve of 1969 is a DATE in 1970).

use arrow::array::{Array, ArrayRef, AsArray, PrimitiveArray, StringArray};
use arrow::datatypes::{
    ArrowPrimitiveType, DataType, Date32Type, Int64Type, Time32MillisecondType, TimeUnit, TimestampMicrosecondType,
    TimestampMillisecondType, TimestampNanosecondType,
};
use chrono::{NaiveDate, NaiveDateTime, Timelike};
use chrono_tz::Tz;

use super::array::{Converted, arc, no_kernel};
use super::string::parse_each;
use crate::error::{Error, Result};
use crate::functions::time::{instant_to_local, local_to_instant, parse_date, parse_time, parse_timestamp};
use crate::types::TypeKind;

const DAY_MS: i64 = 86_400_000;

/// Casts between DATE, TIME, TIMESTAMP and TIMESTAMP_LTZ.
pub(super) fn convert(array: &ArrayRef, from: &TypeKind, to: &TypeKind, zone: Tz) -> Result<Converted> {
    use TypeKind::*;
    match (from, to) {
        (Date, _) if to.is_timestamp() => {
            let days = array.as_primitive::<Date32Type>();
            to_timestamp(
                days.len(),
                days.nulls(),
                |i| (days.value(i) as i64 * DAY_MS, 0),
                to,
                is_ltz(to).then_some(zone),
            )
        }
        (Time(_), _) if to.is_timestamp() => {
            let times = array.as_primitive::<Time32MillisecondType>();
            to_timestamp(times.len(), times.nulls(), |i| (times.value(i) as i64, 0), to, is_ltz(to).then_some(zone))
        }
        (Time(_), Time(p)) => {
            let times = array.as_primitive::<Time32MillisecondType>();
            Ok(arc(times.unary::<_, Time32MillisecondType>(|ms| towards_zero(ms as i64, *p) as i32)).into())
        }
        (Timestamp(_) | TimestampLtz(_), _) => from_timestamp(array, from, to, zone),
        _ => Err(no_kernel(from, to)),
    }
}

/// Reads texts as `to`. A TIMESTAMP_LTZ is read in the session zone.
pub(super) fn parse(strings: &StringArray, to: &TypeKind, zone: Tz) -> Result<Converted> {
    match to {
        TypeKind::Date => Ok(parse_each::<Date32Type>(strings, |s| Some(days(parse_date(s)?)))),
        TypeKind::Time(p) => Ok(parse_each::<Time32MillisecondType>(strings, |s| {
            let time = parse_time(s)?;
            let ms = time.num_seconds_from_midnight() as i64 * 1000 + time.nanosecond() as i64 / 1_000_000;
            Some(towards_zero(ms, *p) as i32)
        })),
        TypeKind::Timestamp(p) | TypeKind::TimestampLtz(p) => {
            let zone = if is_ltz(to) { zone } else { Tz::UTC };
            let per_ms = per_millisecond(&to.arrow())?;
            let parsed = parse_each::<Int64Type>(strings, |s| {
                let (ms, nanos) = split(parse_timestamp(s)?, *p);
                join(local_to_instant(ms, zone), nanos, per_ms)
            });
            let values = parsed.array.as_primitive::<Int64Type>();
            Ok(Converted::new(with_type(values.clone(), to)?, parsed.failed))
        }
        _ => Err(no_kernel(&TypeKind::Varchar(0), to)),
    }
}

fn days(date: NaiveDate) -> i32 {
    date.signed_duration_since(NaiveDate::default()).num_days() as i32
}

/// Milliseconds and the nanoseconds beyond them, cut to `precision` digits downwards.
fn split(timestamp: NaiveDateTime, precision: u8) -> (i64, i64) {
    let utc = timestamp.and_utc();
    let unit = 10i64.pow(9 - precision.min(9) as u32);
    let nanos = utc.timestamp_subsec_nanos() as i64 / unit * unit;
    (utc.timestamp() * 1000 + nanos / 1_000_000, nanos % 1_000_000)
}

fn is_ltz(kind: &TypeKind) -> bool {
    matches!(kind, TypeKind::TimestampLtz(_))
}

/// How many units of a timestamp type make a millisecond.
fn per_millisecond(arrow: &DataType) -> Result<i64> {
    match arrow {
        DataType::Timestamp(TimeUnit::Millisecond, _) => Ok(1),
        DataType::Timestamp(TimeUnit::Microsecond, _) => Ok(1_000),
        DataType::Timestamp(TimeUnit::Nanosecond, _) => Ok(1_000_000),
        other => Err(Error::internal(format!("{other} is no timestamp of ours"))),
    }
}

/// `None` where 64 bits don't hold it: nanoseconds end in 2262.
fn join(ms: i64, nanos: i64, per_ms: i64) -> Option<i64> {
    ms.checked_mul(per_ms)?.checked_add(nanos / (1_000_000 / per_ms))
}

/// Milliseconds with `precision` of their digits.
fn towards_zero(ms: i64, precision: u8) -> i64 {
    let unit = 10i64.pow(3 - precision.min(3) as u32);
    ms / unit * unit
}

/// The 64 bits of a timestamp column.
fn bits(array: &ArrayRef) -> Result<PrimitiveArray<Int64Type>> {
    Ok(match array.data_type() {
        DataType::Timestamp(TimeUnit::Millisecond, _) => {
            array.as_primitive::<TimestampMillisecondType>().reinterpret_cast()
        }
        DataType::Timestamp(TimeUnit::Microsecond, _) => {
            array.as_primitive::<TimestampMicrosecondType>().reinterpret_cast()
        }
        DataType::Timestamp(TimeUnit::Nanosecond, _) => {
            array.as_primitive::<TimestampNanosecondType>().reinterpret_cast()
        }
        other => return Err(Error::internal(format!("{other} is no timestamp of ours"))),
    })
}

/// The bits as the timestamp type `to`; nothing is copied.
fn with_type(values: PrimitiveArray<Int64Type>, to: &TypeKind) -> Result<ArrayRef> {
    fn typed<T: ArrowPrimitiveType<Native = i64>>(values: PrimitiveArray<Int64Type>, to: &TypeKind) -> ArrayRef {
        arc(values.reinterpret_cast::<T>().with_data_type(to.arrow()))
    }
    Ok(match per_millisecond(&to.arrow())? {
        1 => typed::<TimestampMillisecondType>(values, to),
        1_000 => typed::<TimestampMicrosecondType>(values, to),
        _ => typed::<TimestampNanosecondType>(values, to),
    })
}

fn from_timestamp(array: &ArrayRef, from: &TypeKind, to: &TypeKind, zone: Tz) -> Result<Converted> {
    use TypeKind::*;
    let values = bits(array)?;
    let per_ms = per_millisecond(array.data_type())?;
    let ms = |v: i64| v.div_euclid(per_ms);
    match to {
        // Only an instant finds its day before 1970: Flink goes by the calendar for it, but divides a TIMESTAMP.
        Date if is_ltz(from) => {
            let day = |v| instant_to_local(ms(v), zone).div_euclid(DAY_MS) as i32;
            Ok(arc(values.unary::<_, Date32Type>(day)).into())
        }
        Date => Ok(arc(values.unary::<_, Date32Type>(|v| (ms(v) / DAY_MS) as i32)).into()),
        Time(p) if is_ltz(from) => {
            let of_day = |v| towards_zero(instant_to_local(ms(v), zone).rem_euclid(DAY_MS), *p) as i32;
            Ok(arc(values.unary::<_, Time32MillisecondType>(of_day)).into())
        }
        Time(p) => {
            let of_day = |v| towards_zero(ms(v), *p).rem_euclid(DAY_MS) as i32;
            Ok(arc(values.unary::<_, Time32MillisecondType>(of_day)).into())
        }
        Timestamp(_) | TimestampLtz(_) => {
            let moves = is_ltz(from) != is_ltz(to) && zone != Tz::UTC;
            if !moves && keeps_bits(from, to) {
                return Ok(with_type(values, to)?.into());
            }
            let shift = |ms: i64| match (moves, is_ltz(to)) {
                (false, _) => ms,
                (true, true) => local_to_instant(ms, zone),
                (true, false) => instant_to_local(ms, zone),
            };
            let nanos = |v: i64| v.rem_euclid(per_ms) * (1_000_000 / per_ms);
            to_timestamp(
                values.len(),
                values.nulls(),
                |i| (shift(ms(values.value(i))), nanos(values.value(i))),
                to,
                None,
            )
        }
        _ => Err(no_kernel(from, to)),
    }
}

/// Same unit, and no digit to cut.
fn keeps_bits(from: &TypeKind, to: &TypeKind) -> bool {
    use TypeKind::*;
    let (Timestamp(a) | TimestampLtz(a), Timestamp(b) | TimestampLtz(b)) = (from, to) else { return false };
    a <= b && per_millisecond(&from.arrow()).ok() == per_millisecond(&to.arrow()).ok()
}

/// Builds a timestamp column from milliseconds and the nanoseconds beyond them; with a zone they are a wall clock's.
fn to_timestamp(
    rows: usize,
    nulls: Option<&arrow::buffer::NullBuffer>,
    value: impl Fn(usize) -> (i64, i64),
    to: &TypeKind,
    zone: Option<Tz>,
) -> Result<Converted> {
    let (TypeKind::Timestamp(precision) | TypeKind::TimestampLtz(precision)) = to else {
        return Err(no_kernel(&TypeKind::Date, to));
    };
    let per_ms = per_millisecond(&to.arrow())?;
    let unit = 10i64.pow(9 - (*precision).clamp(3, 9) as u32);
    let mut failed = Vec::new();
    let mut values = Vec::with_capacity(rows);
    for row in 0..rows {
        if nulls.is_some_and(|n| n.is_null(row)) {
            values.push(None);
            continue;
        }
        let (ms, nanos) = value(row);
        let ms = zone.map_or(ms, |zone| local_to_instant(ms, zone));
        let joined = join(towards_zero(ms, *precision), if *precision < 3 { 0 } else { nanos / unit * unit }, per_ms);
        if joined.is_none() {
            failed.push(row);
        }
        values.push(joined);
    }
    Ok(Converted::new(with_type(PrimitiveArray::from(values), to)?, failed))
}
