//! Dates, times and intervals as text: SQL's forms with all digits of the precision, and ISO 8601 as Java prints it.

use std::fmt::Write;

use chrono::{DateTime, Datelike, NaiveDate, TimeDelta};

const DAY_MS: i64 = 86_400_000;
const SECOND_NANOS: i64 = 1_000_000_000;

/// `2020-01-02`; years beyond 9999 carry a plus sign.
pub(super) fn write_date(days: i64, out: &mut String) {
    match NaiveDate::default().checked_add_signed(TimeDelta::try_days(days).unwrap_or(TimeDelta::MAX)) {
        Some(date) => write_naive_date(date, out),
        None => drop(write!(out, "{days} days")),
    }
}

fn write_naive_date(date: NaiveDate, out: &mut String) {
    let year = date.year();
    let sign = match year {
        ..0 => "-",
        10_000.. => "+",
        _ => "",
    };
    let _ = write!(out, "{sign}{:04}-{:02}-{:02}", year.unsigned_abs(), date.month(), date.day());
}

/// `03:04:05.678` with `precision` fraction digits.
pub(super) fn write_time(nanos_of_day: i64, precision: u8, out: &mut String) {
    let seconds = nanos_of_day / SECOND_NANOS;
    let _ = write!(out, "{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
    write_fraction(nanos_of_day % SECOND_NANOS, precision, out);
}

fn write_fraction(nanos: i64, precision: u8, out: &mut String) {
    if precision > 0 {
        let precision = precision.min(9);
        let digits = nanos / 10i64.pow(9 - precision as u32);
        let _ = write!(out, ".{digits:0width$}", width = precision as usize);
    }
}

/// `2020-01-02 03:04:05.678` with `precision` fraction digits.
pub(super) fn write_timestamp(ms: i64, nanos: i64, precision: u8, out: &mut String) {
    if write_day_of(ms, out) {
        out.push(' ');
        write_time(ms.rem_euclid(DAY_MS) * 1_000_000 + nanos, precision, out);
    }
}

/// `2020-01-02T03:04:05.678`, as Java's LocalDateTime prints it, or with a Z as its Instant.
pub(super) fn write_iso_timestamp(ms: i64, nanos: i64, instant: bool, out: &mut String) {
    if !write_day_of(ms, out) {
        return;
    }
    out.push('T');
    let nanos_of_day = ms.rem_euclid(DAY_MS) * 1_000_000 + nanos;
    if instant {
        let seconds = nanos_of_day / SECOND_NANOS;
        let _ = write!(out, "{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
        write_iso_fraction(nanos_of_day % SECOND_NANOS, out);
        out.push('Z');
    } else {
        write_iso_time(nanos_of_day, out);
    }
}

fn write_day_of(ms: i64, out: &mut String) -> bool {
    let day = DateTime::from_timestamp_millis(ms);
    match day {
        Some(t) => write_naive_date(t.date_naive(), out),
        None => drop(write!(out, "{ms} ms")),
    }
    day.is_some()
}

/// As Java's LocalTime: seconds only where there are any, the fraction in groups of three digits.
pub(super) fn write_iso_time(nanos_of_day: i64, out: &mut String) {
    let seconds = nanos_of_day / SECOND_NANOS;
    let nanos = nanos_of_day % SECOND_NANOS;
    let _ = write!(out, "{:02}:{:02}", seconds / 3600, seconds / 60 % 60);
    if seconds % 60 > 0 || nanos > 0 {
        let _ = write!(out, ":{:02}", seconds % 60);
        write_iso_fraction(nanos, out);
    }
}

fn write_iso_fraction(nanos: i64, out: &mut String) {
    match nanos {
        0 => {}
        n if n % 1_000_000 == 0 => write_fraction(n, 3, out),
        n if n % 1_000 == 0 => write_fraction(n, 6, out),
        n => write_fraction(n, 9, out),
    }
}

/// `+1-02`: years and months.
pub(super) fn write_months(months: i32, out: &mut String) {
    let sign = if months < 0 { '-' } else { '+' };
    let months = months.unsigned_abs();
    let _ = write!(out, "{sign}{}-{:02}", months / 12, months % 12);
}

/// `+1 02:03:04.005`: days, then a time of day with milliseconds.
pub(super) fn write_millis(ms: i64, out: &mut String) {
    let sign = if ms < 0 { '-' } else { '+' };
    let ms = ms.unsigned_abs();
    let day = DAY_MS as u64;
    let _ = write!(out, "{sign}{} ", ms / day);
    write_time((ms % day) as i64 * 1_000_000, 3, out);
}

/// As Java's Period of months: `P14M`.
pub(super) fn write_iso_months(months: i32, out: &mut String) {
    match months {
        0 => out.push_str("P0D"),
        n => drop(write!(out, "P{n}M")),
    }
}

/// As Java's Duration: `PT26H3M4.005S`.
pub(super) fn write_iso_millis(ms: i64, out: &mut String) {
    if ms == 0 {
        return out.push_str("PT0S");
    }
    // Each part carries the sign.
    let sign = if ms < 0 { "-" } else { "" };
    let total = ms.unsigned_abs();
    let (hours, minutes, seconds, millis) = (total / 3_600_000, total / 60_000 % 60, total / 1000 % 60, total % 1000);
    out.push_str("PT");
    if hours > 0 {
        let _ = write!(out, "{sign}{hours}H");
    }
    if minutes > 0 {
        let _ = write!(out, "{sign}{minutes}M");
    }
    if seconds > 0 || millis > 0 {
        let _ = write!(out, "{sign}{seconds}");
        if millis > 0 {
            let _ = write!(out, "{}", format!(".{millis:03}").trim_end_matches('0'));
        }
        out.push('S');
    }
}
