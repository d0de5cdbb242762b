//! PostgreSQL counts days and microseconds from 2000-01-01, Arrow from 1970-01-01; zones turn clocks into instants.

use chrono::{DateTime, Duration, NaiveDateTime, TimeZone};
use chrono_tz::Tz;

use super::Misfit;

/// Days from 1970-01-01 to 2000-01-01.
const EPOCH_DAYS: i32 = 10_957;
/// The same in microseconds.
const EPOCH_MICROS: i64 = EPOCH_DAYS as i64 * 86_400_000_000;

/// Days since 1970 of PostgreSQL's days since 2000.
pub fn date_from_wire(days: i32) -> Result<i32, Misfit> {
    match days {
        i32::MAX => Err(Misfit::new("'infinity' is no DATE")),
        i32::MIN => Err(Misfit::new("'-infinity' is no DATE")),
        days => days.checked_add(EPOCH_DAYS).ok_or_else(|| Misfit::new("the date is out of range for DATE")),
    }
}

/// PostgreSQL's days since 2000 of days since 1970; its dates start at 4713 BC.
pub fn date_to_wire(days: i32) -> Result<i32, Misfit> {
    let wire = days.checked_sub(EPOCH_DAYS).filter(|d| *d >= -2_451_545);
    wire.ok_or_else(|| Misfit::new(format!("day {days} since 1970-01-01 is out of range for date")))
}

/// Microseconds since 1970 of PostgreSQL's since 2000.
pub fn micros_from_wire(micros: i64) -> Result<i64, Misfit> {
    match micros {
        i64::MAX => Err(Misfit::new("'infinity' is no TIMESTAMP")),
        i64::MIN => Err(Misfit::new("'-infinity' is no TIMESTAMP")),
        micros => {
            micros.checked_add(EPOCH_MICROS).ok_or_else(|| Misfit::new("the timestamp is out of range for TIMESTAMP"))
        }
    }
}

/// PostgreSQL's microseconds since 2000 of those since 1970; its timestamps lie between 4713 BC and 294276 AD.
pub fn micros_to_wire(micros: i64) -> Result<i64, Misfit> {
    let wire = micros.checked_sub(EPOCH_MICROS);
    wire.filter(|m| (-211_813_488_000_000_000..9_223_371_331_200_000_000).contains(m))
        .ok_or_else(|| Misfit::new(format!("{micros} µs since 1970 is out of range for timestamp")))
}

/// What the clock shows in `zone` at an instant, both in microseconds since 1970.
pub fn instant_to_clock(micros: i64, zone: Tz) -> Option<i64> {
    let instant = DateTime::from_timestamp_micros(micros)?;
    Some(instant.with_timezone(&zone).naive_local().and_utc().timestamp_micros())
}

/// The instant at which the clock in `zone` shows this: the earlier one where it shows it twice; where it never does,
/// the instant it would have been without the jump. As Java does.
pub fn clock_to_instant(micros: i64, zone: Tz) -> Option<i64> {
    let clock: NaiveDateTime = DateTime::from_timestamp_micros(micros)?.naive_utc();
    if let Some(instant) = zone.from_local_datetime(&clock).earliest() {
        return Some(instant.timestamp_micros());
    }
    let before = zone.from_local_datetime(&(clock - Duration::days(1))).earliest()?;
    Some((before + Duration::days(1)).timestamp_micros())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn micros(text: &str) -> i64 {
        NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S").unwrap().and_utc().timestamp_micros()
    }

    #[test]
    fn clocks_and_instants_follow_the_zone() {
        let cases = [
            ("2024-01-15 12:00:00", "2024-01-15 11:00:00"),
            ("2024-07-15 12:00:00", "2024-07-15 10:00:00"),
            // Shown twice: the earlier one, still summer time.
            ("2024-10-27 02:30:00", "2024-10-27 00:30:00"),
            // Never shown: as if the clock had not jumped.
            ("2024-03-31 02:30:00", "2024-03-31 01:30:00"),
        ];
        for (clock, instant) in cases {
            assert_eq!(clock_to_instant(micros(clock), chrono_tz::Europe::Berlin), Some(micros(instant)), "{clock}");
        }
        assert_eq!(
            instant_to_clock(micros("2024-07-15 10:00:00"), chrono_tz::Europe::Berlin),
            Some(micros("2024-07-15 12:00:00"))
        );
    }

    #[test]
    fn infinity_and_what_lies_beyond_the_calendar_is_refused() {
        assert_eq!(micros_from_wire(i64::MAX).unwrap_err().to_string(), "'infinity' is no TIMESTAMP");
        assert_eq!(date_from_wire(i32::MIN).unwrap_err().to_string(), "'-infinity' is no DATE");
        assert!(date_to_wire(i32::MIN).is_err());
        assert!(micros_to_wire(i64::MIN).is_err());
        assert_eq!(micros_from_wire(0).unwrap(), micros("2000-01-01 00:00:00"));
        assert_eq!(date_to_wire(date_from_wire(-5).unwrap()).unwrap(), -5);
    }
}
