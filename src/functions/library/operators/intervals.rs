//! Times plus and minus intervals, and intervals among themselves.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, Date32Array, DurationMillisecondArray, Int64Array, IntervalYearMonthArray, PrimitiveArray,
    Time32MillisecondArray,
};
use arrow::datatypes::{
    ArrowTimestampType, Date32Type, DurationMillisecondType, IntervalYearMonthType, Time32MillisecondType,
    TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType,
};
use chrono::{Datelike, Months, NaiveDate};

use crate::error::{Error, Result};
use crate::functions::library::call::Call;
use crate::functions::library::{BUILTIN, Builtin};
use crate::types::TypeKind;

const DAY_MS: i64 = 86_400_000;

pub static TIME_PLUS: Builtin = Builtin { name: "+", kernel: |call| shift(call, 1), ..BUILTIN };
pub static TIME_MINUS: Builtin = Builtin { name: "-", kernel: |call| shift(call, -1), ..BUILTIN };
pub static INTERVAL_PLUS: Builtin = Builtin { name: "+", kernel: |call| combine(call, 1), ..BUILTIN };
pub static INTERVAL_MINUS: Builtin = Builtin { name: "-", kernel: |call| combine(call, -1), ..BUILTIN };
pub static INTERVAL_MULTIPLY: Builtin = Builtin { name: "*", kernel: multiply, ..BUILTIN };
pub static INTERVAL_NEGATE: Builtin = Builtin { name: "-", kernel: negate, ..BUILTIN };
/// `interval / divisor % modulus`, with the interval's sign: a field of it.
pub static INTERVAL_PART: Builtin = Builtin { name: "EXTRACT", kernel: part, ..BUILTIN };

/// The date `months` later, at most the last day of its month; `None` outside the calendar.
pub(in crate::functions::library) fn add_months(days: i32, months: i32) -> Option<i32> {
    let date = NaiveDate::from_num_days_from_ce_opt(days.checked_add(719_163)?)?;
    let by = Months::new(months.unsigned_abs());
    let moved = if months < 0 { date.checked_sub_months(by) } else { date.checked_add_months(by) };
    Some(moved?.num_days_from_ce() - 719_163)
}

fn outside_the_calendar() -> Error {
    Error::data("a time plus or minus an interval lies outside the calendar")
}

/// A time moved by an interval, forward (`sign` 1) or back (-1).
fn shift(call: &Call<'_>, sign: i64) -> Result<ArrayRef> {
    match call.argument_type(0)?.kind {
        TypeKind::Date => date(call, sign),
        TypeKind::Time(_) => time(call, sign),
        TypeKind::Timestamp(p) | TypeKind::TimestampLtz(p) => match p {
            0..=3 => timestamp::<TimestampMillisecondType>(call, sign, 1),
            4..=6 => timestamp::<TimestampMicrosecondType>(call, sign, 1_000),
            _ => timestamp::<TimestampNanosecondType>(call, sign, 1_000_000),
        },
        ref other => Err(Error::internal(format!("{other} is no time"))),
    }
}

fn is_months(call: &Call<'_>, n: usize) -> Result<bool> {
    Ok(call.argument_type(n)?.kind == TypeKind::IntervalYearMonth)
}

/// A date moves by the whole days of an interval.
fn date(call: &Call<'_>, sign: i64) -> Result<ArrayRef> {
    let dates = call.column::<Date32Array>(0)?;
    if is_months(call, 1)? {
        let months = call.column::<IntervalYearMonthArray>(1)?;
        return call.collect_as::<Date32Type>(|row| {
            let Some((day, by)) = dates.at(row).zip(months.at(row)) else { return Ok(None) };
            add_months(day, by.wrapping_mul(sign as i32)).ok_or_else(outside_the_calendar).map(Some)
        });
    }
    let intervals = call.column::<DurationMillisecondArray>(1)?;
    call.collect_as::<Date32Type>(|row| {
        let moved = |(d, ms): (i32, i64)| (i64::from(d) + sign * (ms / DAY_MS)) as i32;
        Ok(dates.at(row).zip(intervals.at(row)).map(moved))
    })
}

/// A time of day wraps at midnight; months leave it alone.
fn time(call: &Call<'_>, sign: i64) -> Result<ArrayRef> {
    let times = call.column::<Time32MillisecondArray>(0)?;
    if is_months(call, 1)? {
        let months = call.column::<IntervalYearMonthArray>(1)?;
        return call.collect_as::<Time32MillisecondType>(|row| Ok(times.at(row).zip(months.at(row)).map(|(t, _)| t)));
    }
    let intervals = call.column::<DurationMillisecondArray>(1)?;
    call.collect_as::<Time32MillisecondType>(|row| {
        let moved = |(t, ms): (i32, i64)| (i64::from(t) + sign * (ms % DAY_MS)).rem_euclid(DAY_MS) as i32;
        Ok(times.at(row).zip(intervals.at(row)).map(moved))
    })
}

/// `ticks`: how many of the timestamp's units a millisecond has.
fn timestamp<P: ArrowTimestampType>(call: &Call<'_>, sign: i64, ticks: i64) -> Result<ArrayRef> {
    let times = call.column::<PrimitiveArray<P>>(0)?;
    if is_months(call, 1)? {
        let months = call.column::<IntervalYearMonthArray>(1)?;
        let day = DAY_MS * ticks;
        return call.collect_as::<P>(|row| {
            let Some((t, m)) = times.at(row).zip(months.at(row)) else { return Ok(None) };
            let days = i32::try_from(t.div_euclid(day)).ok().and_then(|d| add_months(d, m.wrapping_mul(sign as i32)));
            let moved = days.and_then(|d| i64::from(d).checked_mul(day)?.checked_add(t.rem_euclid(day)));
            moved.ok_or_else(outside_the_calendar).map(Some)
        });
    }
    let intervals = call.column::<DurationMillisecondArray>(1)?;
    if intervals.is_constant()
        && !times.is_constant()
        && let Some(ms) = intervals.at(0)
    {
        let by = sign.wrapping_mul(ms).wrapping_mul(ticks);
        let moved = times.array().unary::<_, P>(|t| t.wrapping_add(by));
        return Ok(Arc::new(moved.with_data_type(call.types.returns.arrow())));
    }
    call.collect_as::<P>(|row| {
        let moved = |(t, ms): (i64, i64)| t.wrapping_add(sign.wrapping_mul(ms).wrapping_mul(ticks));
        Ok(times.at(row).zip(intervals.at(row)).map(moved))
    })
}

fn combine(call: &Call<'_>, sign: i64) -> Result<ArrayRef> {
    if is_months(call, 0)? {
        let (left, right) = (call.column::<IntervalYearMonthArray>(0)?, call.column::<IntervalYearMonthArray>(1)?);
        return call.collect_as::<IntervalYearMonthType>(|row| {
            Ok(left.at(row).zip(right.at(row)).map(|(a, b)| a.wrapping_add(b.wrapping_mul(sign as i32))))
        });
    }
    let (left, right) = (call.column::<DurationMillisecondArray>(0)?, call.column::<DurationMillisecondArray>(1)?);
    call.collect_as::<DurationMillisecondType>(|row| {
        Ok(left.at(row).zip(right.at(row)).map(|(a, b)| a.wrapping_add(b.wrapping_mul(sign))))
    })
}

fn multiply(call: &Call<'_>) -> Result<ArrayRef> {
    let factor = call.column::<Int64Array>(1)?;
    if is_months(call, 0)? {
        let months = call.column::<IntervalYearMonthArray>(0)?;
        return call.collect_as::<IntervalYearMonthType>(|row| {
            Ok(months.at(row).zip(factor.at(row)).map(|(m, f)| m.wrapping_mul(f as i32)))
        });
    }
    let intervals = call.column::<DurationMillisecondArray>(0)?;
    call.collect_as::<DurationMillisecondType>(|row| {
        Ok(intervals.at(row).zip(factor.at(row)).map(|(ms, f)| ms.wrapping_mul(f)))
    })
}

fn negate(call: &Call<'_>) -> Result<ArrayRef> {
    if is_months(call, 0)? {
        let months = call.column::<IntervalYearMonthArray>(0)?;
        return call.collect_as::<IntervalYearMonthType>(|row| Ok(months.at(row).map(i32::wrapping_neg)));
    }
    let intervals = call.column::<DurationMillisecondArray>(0)?;
    call.collect_as::<DurationMillisecondType>(|row| Ok(intervals.at(row).map(i64::wrapping_neg)))
}

fn part(call: &Call<'_>) -> Result<ArrayRef> {
    let (divisors, moduli) = (call.long(1)?, call.long(2)?);
    let part = |row: usize, amount: Option<i64>| amount?.checked_div(divisors.at(row)?)?.checked_rem(moduli.at(row)?);
    if is_months(call, 0)? {
        let months = call.column::<IntervalYearMonthArray>(0)?;
        return call.collect(|row| part(row, months.at(row).map(i64::from)));
    }
    let intervals = call.column::<DurationMillisecondArray>(0)?;
    call.collect(|row| part(row, intervals.at(row)))
}
