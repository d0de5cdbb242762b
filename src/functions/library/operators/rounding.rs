//! `FLOOR(time TO unit)` and `CEIL(time TO unit)`.

use arrow::array::{ArrayRef, PrimitiveArray};
use arrow::datatypes::{
    ArrowTimestampType, Date32Type, Time32MillisecondType, TimestampMicrosecondType, TimestampMillisecondType,
    TimestampNanosecondType,
};
use chrono::{Datelike, NaiveDate};

use super::intervals::add_months;
use crate::error::{Error, Result};
use crate::functions::library::call::Call;
use crate::functions::library::{BUILTIN, Builtin};
use crate::functions::time::{instant_to_local, local_to_instant};
use crate::types::TypeKind;

const DAY_MS: i64 = 86_400_000;

pub static FLOOR_TO: Builtin = Builtin { name: "FLOOR", kernel: |call| round(call, false), ..BUILTIN };
pub static CEIL_TO: Builtin = Builtin { name: "CEIL", kernel: |call| round(call, true), ..BUILTIN };

fn round(call: &Call<'_>, up: bool) -> Result<ArrayRef> {
    let units = call.text(1)?;
    let unit = units.at(0).unwrap_or("DAY");
    match call.argument_type(0)?.kind {
        TypeKind::Time(_) => {
            let times = call.time(0)?;
            call.collect_as::<Time32MillisecondType>(|row| {
                let time = |t: i32| rounded(i64::from(t), unit, up)?.rem_euclid(DAY_MS).try_into().ok();
                Ok(times.at(row).and_then(time))
            })
        }
        TypeKind::Date => {
            let dates = call.date(0)?;
            call.collect_as::<Date32Type>(|row| {
                // Flink rounds every date up to the next DAY, although it lies on one.
                let next = i64::from(up && unit == "DAY");
                let day = |d: i32| (next + rounded(i64::from(d) * DAY_MS, unit, up)? / DAY_MS).try_into().ok();
                Ok(dates.at(row).and_then(day))
            })
        }
        TypeKind::Timestamp(p) | TypeKind::TimestampLtz(p) => match p {
            0..=3 => timestamps::<TimestampMillisecondType>(call, unit, up, 1),
            4..=6 => timestamps::<TimestampMicrosecondType>(call, unit, up, 1_000),
            _ => timestamps::<TimestampNanosecondType>(call, unit, up, 1_000_000),
        },
        ref other => Err(Error::internal(format!("{other} is no time"))),
    }
}

/// Instants are rounded on the session zone's clock.
fn timestamps<P: ArrowTimestampType>(call: &Call<'_>, unit: &str, up: bool, ticks: i64) -> Result<ArrayRef> {
    let zone = matches!(call.argument_type(0)?.kind, TypeKind::TimestampLtz(_)).then_some(call.context.zone);
    let times = call.column::<PrimitiveArray<P>>(0)?;
    call.collect_as::<P>(|row| {
        let Some(time) = times.at(row) else { return Ok(None) };
        let part = i64::from(time.rem_euclid(ticks) > 0 && up);
        let ms = time.div_euclid(ticks) + part;
        let local = zone.map_or(ms, |zone| instant_to_local(ms, zone));
        let rounded = rounded(local, unit, up).map(|ms| zone.map_or(ms, |zone| local_to_instant(ms, zone)));
        Ok(rounded.and_then(|ms| ms.checked_mul(ticks)))
    })
}

/// Milliseconds rounded to a unit; `None` outside the calendar.
fn rounded(ms: i64, unit: &str, up: bool) -> Option<i64> {
    let fixed = match unit {
        "MILLISECOND" => Some(1),
        "SECOND" => Some(1_000),
        "MINUTE" => Some(60_000),
        "HOUR" => Some(3_600_000),
        "DAY" => Some(DAY_MS),
        _ => None,
    };
    if let Some(size) = fixed {
        let floor = ms.div_euclid(size) * size;
        return Some(if up && floor < ms { floor + size } else { floor });
    }
    let days = i32::try_from(ms.div_euclid(DAY_MS)).ok()?;
    let floor = start_of(days, unit)?;
    if !up || i64::from(floor) * DAY_MS == ms {
        return Some(i64::from(floor) * DAY_MS);
    }
    let next = match unit {
        "WEEK" => floor.checked_add(7)?,
        "MONTH" => add_months(floor, 1)?,
        "QUARTER" => add_months(floor, 3)?,
        "YEAR" => add_months(floor, 12)?,
        "DECADE" => add_months(floor, 120)?,
        "CENTURY" => add_months(floor, 1_200)?,
        _ => add_months(floor, 12_000)?,
    };
    Some(i64::from(next) * DAY_MS)
}

/// The first day of the unit that `days` lies in; a week starts on Sunday.
fn start_of(days: i32, unit: &str) -> Option<i32> {
    let date = NaiveDate::from_num_days_from_ce_opt(days.checked_add(719_163)?)?;
    let year = date.year();
    let start = match unit {
        "WEEK" => return days.checked_sub(date.weekday().num_days_from_sunday() as i32),
        "MONTH" => date.with_day(1)?,
        "QUARTER" => NaiveDate::from_ymd_opt(year, date.month0() / 3 * 3 + 1, 1)?,
        "YEAR" => NaiveDate::from_ymd_opt(year, 1, 1)?,
        "DECADE" => NaiveDate::from_ymd_opt(year.div_euclid(10) * 10, 1, 1)?,
        "CENTURY" => NaiveDate::from_ymd_opt((year - 1).div_euclid(100) * 100 + 1, 1, 1)?,
        "MILLENNIUM" => NaiveDate::from_ymd_opt((year - 1).div_euclid(1_000) * 1_000 + 1, 1, 1)?,
        _ => return None,
    };
    Some(start.num_days_from_ce() - 719_163)
}
