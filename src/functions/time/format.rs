//! A timestamp written by a pattern.

use std::fmt::Write;

use chrono::{DateTime, Datelike, NaiveDateTime, TimeZone, Timelike};
use chrono_tz::{OffsetName, Tz};

use super::names::{self, MONTHS, QUARTERS, WEEKDAYS};
use super::pattern::{Field, Item, JavaPattern};
use super::zone::offset_of_local;

impl JavaPattern {
    /// Appends `local` as the pattern says. `zone` fills the letters for zones and offsets; without one they give nothing.
    pub fn format(&self, local: NaiveDateTime, zone: Option<Tz>, out: &mut String) {
        write_items(&self.items, local, zone, out);
    }
}

fn write_items(items: &[Item], local: NaiveDateTime, zone: Option<Tz>, out: &mut String) {
    for item in items {
        match item {
            Item::Literal(text) => out.push_str(text),
            Item::Optional(inside) => write_items(inside, local, zone, out),
            Item::Field(field, letters) => write_field(*field, *letters, local, zone, out),
        }
    }
}

fn write_field(field: Field, letters: usize, local: NaiveDateTime, zone: Option<Tz>, out: &mut String) {
    let mut number = |value: i64| {
        let _ = write!(out, "{value:0letters$}");
    };
    let seconds = local.num_seconds_from_midnight() as i64;
    let nanos = local.nanosecond() as i64 % 1_000_000_000;
    match field {
        Field::Era => out.push_str(era(local.year() > 0, letters)),
        Field::YearOfEra => write_year(year_of_era(local.year()), letters, out),
        Field::Year => write_year(local.year() as i64, letters, out),
        Field::WeekBasedYear => write_year(week_of_year(local).0, letters, out),
        Field::Month if letters > 2 => out.push_str(names::form(MONTHS[local.month0() as usize], letters)),
        Field::Month => number(local.month() as i64),
        Field::DayOfMonth => number(local.day() as i64),
        Field::DayOfYear => number(local.ordinal() as i64),
        Field::ModifiedJulianDay => number(local.date().num_days_from_ce() as i64 - 678_576),
        Field::WeekOfYear => number(week_of_year(local).1),
        Field::WeekOfMonth => number(week_of_month(local)),
        Field::AlignedDay => number(local.day0() as i64 % 7 + 1),
        Field::Quarter => match letters {
            1 | 2 => number(quarter(local)),
            3 => {
                let _ = write!(out, "Q{}", quarter(local));
            }
            4 => out.push_str(QUARTERS[quarter(local) as usize - 1]),
            _ => {
                let _ = write!(out, "{}", quarter(local));
            }
        },
        Field::WeekdayText => out.push_str(names::form(WEEKDAYS[weekday(local)], letters)),
        Field::LocalWeekday if letters > 2 => out.push_str(names::form(WEEKDAYS[weekday(local)], letters)),
        Field::LocalWeekday => number(weekday(local) as i64 + 1),
        Field::AmPm => out.push_str(if local.hour() < 12 { "AM" } else { "PM" }),
        Field::Hour => number(local.hour() as i64),
        Field::ClockHour => number((local.hour() as i64 + 23) % 24 + 1),
        Field::HourOfAmPm => number(local.hour() as i64 % 12),
        Field::ClockHourOfAmPm => number((local.hour() as i64 + 11) % 12 + 1),
        Field::Minute => number(local.minute() as i64),
        Field::Second => number(local.second() as i64),
        Field::Fraction => {
            let digits = nanos / 10i64.pow(9 - letters.min(9) as u32);
            number(digits);
        }
        Field::NanoOfSecond => number(nanos),
        Field::MilliOfDay => number(seconds * 1000 + nanos / 1_000_000),
        Field::NanoOfDay => number(seconds * 1_000_000_000 + nanos),
        Field::ZoneName | Field::ZoneId | Field::OffsetBasic | Field::OffsetOrZ | Field::Offset => {
            if let Some(zone) = zone {
                write_zone(field, letters, local, zone, out);
            }
        }
    }
}

/// Two letters give two digits; otherwise as many as letters at least, and a plus sign where a year outgrows four of them.
fn write_year(year: i64, letters: usize, out: &mut String) {
    let _ = match letters {
        2 => write!(out, "{:02}", year.rem_euclid(100)),
        4.. if year >= 10i64.pow(letters.min(18) as u32) => write!(out, "+{year}"),
        _ if year < 0 => write!(out, "-{:0letters$}", -year),
        _ => write!(out, "{year:0letters$}"),
    };
}

fn year_of_era(year: i32) -> i64 {
    if year > 0 { year as i64 } else { 1 - year as i64 }
}

fn era(ours: bool, letters: usize) -> &'static str {
    match (ours, letters) {
        (true, 4) => "Anno Domini",
        (false, 4) => "Before Christ",
        (true, 5) => "A",
        (false, 5) => "B",
        (true, _) => "AD",
        (false, _) => "BC",
    }
}

fn quarter(local: NaiveDateTime) -> i64 {
    local.month0() as i64 / 3 + 1
}

/// Days since Sunday.
fn weekday(local: NaiveDateTime) -> usize {
    local.weekday().num_days_from_sunday() as usize
}

/// Year and week, where weeks begin on Sunday and the first is the one with 1 January.
fn week_of_year(local: NaiveDateTime) -> (i64, i64) {
    let days_to_saturday = 6 - weekday(local) as i64;
    let day = local.ordinal0() as i64;
    let days_in_year = if local.date().leap_year() { 366 } else { 365 };
    if day + days_to_saturday >= days_in_year {
        return (local.year() as i64 + 1, 1);
    }
    let first = (weekday(local) as i64 - day).rem_euclid(7);
    (local.year() as i64, (day + first) / 7 + 1)
}

fn week_of_month(local: NaiveDateTime) -> i64 {
    let day = local.day0() as i64;
    let first = (weekday(local) as i64 - day).rem_euclid(7);
    (day + first) / 7 + 1
}

fn write_zone(field: Field, letters: usize, local: NaiveDateTime, zone: Tz, out: &mut String) {
    let seconds = offset_of_local(local, zone);
    match field {
        Field::ZoneId => out.push_str(zone.name()),
        Field::ZoneName => write_zone_name(local, zone, out),
        Field::OffsetBasic if letters == 4 => write_offset(seconds, "GMT", true, true, out),
        Field::OffsetBasic if letters == 5 && seconds == 0 => out.push('Z'),
        Field::OffsetBasic => write_offset(seconds, "", letters == 5, true, out),
        Field::OffsetOrZ if seconds == 0 => out.push('Z'),
        _ => write_offset(seconds, "", letters == 3 || letters == 5, letters > 1, out),
    }
}

fn write_offset(seconds: i64, prefix: &str, colon: bool, minutes: bool, out: &mut String) {
    let sign = if seconds < 0 { '-' } else { '+' };
    let (hours, rest) = (seconds.abs() / 3600, seconds.abs() / 60 % 60);
    let _ = write!(out, "{prefix}{sign}{hours:02}");
    if minutes || rest > 0 {
        let _ = write!(out, "{}{rest:02}", if colon { ":" } else { "" });
    }
}

/// The short name of the zone at that time, as `CET`. A zone without a name of its own is called after its offset.
pub(super) fn write_zone_name(local: NaiveDateTime, zone: Tz, out: &mut String) {
    let seconds = offset_of_local(local, zone);
    let utc = DateTime::from_timestamp(local.and_utc().timestamp() - seconds, 0).map_or(local, |t| t.naive_utc());
    let offset = zone.offset_from_utc_datetime(&utc);
    match offset.abbreviation() {
        Some(name) if !name.starts_with(['+', '-']) => out.push_str(name),
        _ => write_offset(seconds, "GMT", true, true, out),
    }
}
