//! Parts of a time: YEAR, DAYOFWEEK and what else EXTRACT knows. BIGINTs; instants are read in the session zone.

use arrow::array::ArrayRef;
use chrono::{Datelike, NaiveDate};

use crate::error::Result;
use crate::functions::library::builtin::{Family, Overload, Returns, TypeName};
use crate::functions::library::call::Call;
use crate::functions::library::{BUILTIN, Builtin};
use crate::functions::time::instant_to_local;
use crate::types::TypeKind;

const BIGINT: Returns = Returns::Kind(TypeName::BigInt);
const DAY: i128 = 86_400_000_000_000;

const DATES: &[Overload] = &[
    Overload { parameters: &[Family::Date], returns: BIGINT },
    Overload { parameters: &[Family::Timestamp], returns: BIGINT },
    Overload { parameters: &[Family::Instant], returns: BIGINT },
];
const TIMES: &[Overload] = &[
    Overload { parameters: &[Family::Time], returns: BIGINT },
    Overload { parameters: &[Family::Date], returns: BIGINT },
    Overload { parameters: &[Family::Timestamp], returns: BIGINT },
    Overload { parameters: &[Family::Instant], returns: BIGINT },
];

macro_rules! parts {
    ($($static_name:ident $name:literal $overloads:ident $usage:literal $part:expr;)*) => {
        $(pub static $static_name: Builtin = Builtin {
            name: $name,
            usage: $usage,
            overloads: $overloads,
            kernel: |call| apply(call, $part),
            ..BUILTIN
        };)*
    };
}

parts! {
    YEAR "YEAR" DATES "YEAR(date) is the year." |d, _| i64::from(d.year());
    QUARTER "QUARTER" DATES "QUARTER(date) is 1 to 4." |d, _| i64::from(d.month0() / 3 + 1);
    MONTH "MONTH" DATES "MONTH(date) is 1 to 12." |d, _| i64::from(d.month());
    WEEK "WEEK" DATES "WEEK(date) is the ISO week, 1 to 53." |d, _| i64::from(d.iso_week().week());
    DAYOFYEAR "DAYOFYEAR" DATES "DAYOFYEAR(date) is 1 to 366." |d, _| i64::from(d.ordinal());
    DAYOFMONTH "DAYOFMONTH" DATES "DAYOFMONTH(date) is 1 to 31." |d, _| i64::from(d.day());
    DAYOFWEEK "DAYOFWEEK" DATES "DAYOFWEEK(date) is 1 (Sunday) to 7." |d, _| i64::from(d.weekday().number_from_sunday());
    HOUR "HOUR" TIMES "HOUR(time) is 0 to 23." |_, n| n / 3_600_000_000_000;
    MINUTE "MINUTE" TIMES "MINUTE(time) is 0 to 59." |_, n| n / 60_000_000_000 % 60;
    SECOND "SECOND" TIMES "SECOND(time) is 0 to 59." |_, n| n / 1_000_000_000 % 60;
    MILLISECOND "EXTRACT MILLISECOND" TIMES "EXTRACT(MILLISECOND FROM time)" |_, n| n % 1_000_000_000 / 1_000_000;
    MICROSECOND "EXTRACT MICROSECOND" TIMES "EXTRACT(MICROSECOND FROM time)" |_, n| n % 1_000_000_000 / 1_000;
    NANOSECOND "EXTRACT NANOSECOND" TIMES "EXTRACT(NANOSECOND FROM time)" |_, n| n % 1_000_000_000;
    ISODOW "EXTRACT ISODOW" DATES "EXTRACT(ISODOW FROM date)" |d, _| i64::from(d.weekday().number_from_monday());
    ISOYEAR "EXTRACT ISOYEAR" DATES "EXTRACT(ISOYEAR FROM date)" |d, _| i64::from(d.iso_week().year());
    DECADE "EXTRACT DECADE" DATES "EXTRACT(DECADE FROM date)" |d, _| i64::from(d.year().div_euclid(10));
    CENTURY "EXTRACT CENTURY" DATES "EXTRACT(CENTURY FROM date)" |d, _| periods(d.year(), 100);
    MILLENNIUM "EXTRACT MILLENNIUM" DATES "EXTRACT(MILLENNIUM FROM date)" |d, _| periods(d.year(), 1_000);
}

/// Seconds since 1970 on the clock that shows the time.
pub static EPOCH: Builtin = Builtin {
    name: "EXTRACT EPOCH",
    usage: "EXTRACT(EPOCH FROM time)",
    overloads: DATES,
    kernel: |call| {
        let local = local_nanos(call, 0)?;
        call.collect(|row| i64::try_from(local(row)?.div_euclid(1_000_000_000)).ok())
    },
    ..BUILTIN
};

/// What stands in `EXTRACT(unit FROM …)`.
pub static BY_UNIT: &[(&str, &Builtin)] = &[
    ("YEAR", &YEAR),
    ("QUARTER", &QUARTER),
    ("MONTH", &MONTH),
    ("WEEK", &WEEK),
    ("DAY", &DAYOFMONTH),
    ("DOY", &DAYOFYEAR),
    ("DOW", &DAYOFWEEK),
    ("HOUR", &HOUR),
    ("MINUTE", &MINUTE),
    ("SECOND", &SECOND),
    ("MILLISECOND", &MILLISECOND),
    ("MICROSECOND", &MICROSECOND),
    ("NANOSECOND", &NANOSECOND),
    ("EPOCH", &EPOCH),
    ("ISODOW", &ISODOW),
    ("ISOYEAR", &ISOYEAR),
    ("DECADE", &DECADE),
    ("CENTURY", &CENTURY),
    ("MILLENNIUM", &MILLENNIUM),
];

/// The number of the century or millennium: the first one has the years 1 to 100 or 1000.
fn periods(year: i32, length: i32) -> i64 {
    i64::from(if year > 0 { (year - 1) / length + 1 } else { year.div_euclid(length) })
}

/// One part of each time, made of its date and the nanoseconds of its day.
fn apply(call: &Call<'_>, part: impl Fn(NaiveDate, i64) -> i64) -> Result<ArrayRef> {
    let local = local_nanos(call, 0)?;
    call.collect(|row| {
        let nanos = local(row)?;
        let days = i32::try_from(nanos.div_euclid(DAY)).ok()?.checked_add(719_163)?;
        Some(part(NaiveDate::from_num_days_from_ce_opt(days)?, nanos.rem_euclid(DAY) as i64))
    })
}

/// Nanoseconds since 1970 of each value: of an instant in UTC, of the others as they are written.
pub fn nanos(call: &Call<'_>, n: usize) -> Result<Box<dyn Fn(usize) -> Option<i128>>> {
    if !call.argument_type(n)?.kind.is_timestamp() {
        return local_nanos(call, n);
    }
    let (ticks, nanos) = call.ticks(n)?;
    Ok(Box::new(move |row| Some(i128::from(ticks.at(row)?) * i128::from(nanos))))
}

/// Nanoseconds since 1970 on the wall clock of each value of a date, time or timestamp argument.
pub fn local_nanos(call: &Call<'_>, n: usize) -> Result<Box<dyn Fn(usize) -> Option<i128>>> {
    match call.argument_type(n)?.kind {
        TypeKind::Date => {
            let dates = call.date(n)?;
            Ok(Box::new(move |row| Some(i128::from(dates.at(row)?) * DAY)))
        }
        TypeKind::Time(_) => {
            let times = call.time(n)?;
            Ok(Box::new(move |row| Some(i128::from(times.at(row)?) * 1_000_000)))
        }
        TypeKind::TimestampLtz(_) => {
            let (ticks, nanos) = call.ticks(n)?;
            let zone = call.context.zone;
            Ok(Box::new(move |row| {
                let instant = i128::from(ticks.at(row)?) * i128::from(nanos);
                let ms = i64::try_from(instant.div_euclid(1_000_000)).ok()?;
                Some(i128::from(instant_to_local(ms, zone)) * 1_000_000 + instant.rem_euclid(1_000_000))
            }))
        }
        _ => nanos(call, n),
    }
}
