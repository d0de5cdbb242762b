//! The plain form of JDBC: `1999-9-10` or `1999-9-10 05:20:10.5`, whose overflowing parts roll over.

use chrono::{Duration, NaiveDate, NaiveDateTime};

/// Reads the plain form, blanks around it aside.
pub(super) fn parse_rolling_over(text: &str) -> Option<NaiveDateTime> {
    let text = text.trim();
    let (date, time) = match text.split_once(' ') {
        Some((date, time)) => (date, Some(time)),
        None => (text, None),
    };
    let midnight = parse_date(date)?.and_hms_opt(0, 0, 0)?;
    match time {
        None => Some(midnight),
        Some(time) => midnight.checked_add_signed(parse_time(time)?),
    }
}

fn parse_date(text: &str) -> Option<NaiveDate> {
    let mut parts = text.splitn(3, '-');
    let (year, month, day) = (parts.next()?, parts.next()?, parts.next()?);
    if year.len() != 4 || !(1..=2).contains(&month.len()) || !(1..=2).contains(&day.len()) {
        return None;
    }
    let (month, day) = (month.parse::<u32>().ok()?, day.parse::<u32>().ok()?);
    if !(1..=31).contains(&day) {
        return None;
    }
    let first = NaiveDate::from_ymd_opt(year.parse().ok()?, month, 1)?;
    first.checked_add_signed(Duration::days(day as i64 - 1))
}

/// The time since midnight, of which no part is bound to its range.
fn parse_time(text: &str) -> Option<Duration> {
    let mut parts = text.splitn(3, ':');
    let hour = integer(parts.next()?)?;
    let minute = integer(parts.next()?)?;
    let seconds = parts.next()?;
    let (second, nanos) = match seconds.split_once('.') {
        None => (integer(seconds)?, 0),
        Some((second, fraction)) => {
            if fraction.is_empty() || fraction.len() > 9 || !fraction.bytes().all(|b| b.is_ascii_digit()) {
                return None;
            }
            (integer(second)?, format!("{fraction:0<9}").parse::<i64>().ok()?)
        }
    };
    Some(Duration::seconds(hour * 3600 + minute * 60 + second) + Duration::nanoseconds(nanos))
}

fn integer(text: &str) -> Option<i64> {
    text.parse::<i32>().ok().map(i64::from)
}
