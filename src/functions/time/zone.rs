//! Wall clock to instant and back, through a session zone.
//!
//! A wall clock that a change to summer time skips moves forward by the gap; one that occurs twice is the earlier
//! instant. (Java's `ZonedDateTime.ofLocal`.) UTC costs nothing.

use chrono::{DateTime, Duration, LocalResult, NaiveDateTime, Offset, TimeZone};
use chrono_tz::Tz;

/// The date and time at `local_ms` milliseconds since 1970-01-01T00:00; `None` outside chrono's 260,000 years.
pub fn naive_from_ms(local_ms: i64) -> Option<NaiveDateTime> {
    DateTime::from_timestamp_millis(local_ms).map(|t| t.naive_utc())
}

/// The instant at which clocks in `zone` show `local_ms`.
pub fn local_to_instant(local_ms: i64, zone: Tz) -> i64 {
    if zone == Tz::UTC {
        return local_ms;
    }
    let Some(local) = naive_from_ms(local_ms) else { return local_ms };
    local_ms - offset_of_local(local, zone) * 1000
}

/// What clocks in `zone` show at `instant_ms`.
pub fn instant_to_local(instant_ms: i64, zone: Tz) -> i64 {
    if zone == Tz::UTC {
        return instant_ms;
    }
    let Some(instant) = naive_from_ms(instant_ms) else { return instant_ms };
    instant_ms + zone.offset_from_utc_datetime(&instant).fix().local_minus_utc() as i64 * 1000
}

/// Seconds east of UTC that a wall clock in `zone` stands for.
pub(crate) fn offset_of_local(local: NaiveDateTime, zone: Tz) -> i64 {
    match zone.offset_from_local_datetime(&local) {
        LocalResult::Single(offset) => offset.fix().local_minus_utc() as i64,
        // The earlier instant has the greater offset.
        LocalResult::Ambiguous(a, b) => a.fix().local_minus_utc().max(b.fix().local_minus_utc()) as i64,
        // The offset before the gap, found a day earlier: read with it, the skipped clock lands behind the gap.
        LocalResult::None => {
            let before = local.checked_sub_signed(Duration::days(1)).unwrap_or(local);
            match zone.offset_from_local_datetime(&before) {
                LocalResult::Single(offset) => offset.fix().local_minus_utc() as i64,
                LocalResult::Ambiguous(a, _) => a.fix().local_minus_utc() as i64,
                LocalResult::None => 0,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono::NaiveDate;

    use super::*;

    fn ms(text: &str) -> i64 {
        text.parse::<NaiveDateTime>().map(|t| t.and_utc().timestamp_millis()).unwrap_or_else(|_| panic!("{text}"))
    }

    #[test]
    fn clocks_in_gaps_move_forward_and_clocks_shown_twice_are_the_earlier_instant() {
        for (local, instant) in [
            ("2021-03-28T01:59:59", "2021-03-28T00:59:59"),
            ("2021-03-28T02:30:00", "2021-03-28T01:30:00"),
            ("2021-03-28T03:30:00", "2021-03-28T01:30:00"),
            ("2021-10-31T02:30:00", "2021-10-31T00:30:00"),
            ("2021-10-31T03:30:00", "2021-10-31T02:30:00"),
        ] {
            assert_eq!(local_to_instant(ms(local), Tz::Europe__Berlin), ms(instant), "{local}");
        }
    }

    #[test]
    fn utc_changes_nothing_at_all() {
        for value in [i64::MIN, -1, 0, 1, i64::MAX] {
            assert_eq!(local_to_instant(value, Tz::UTC), value);
            assert_eq!(instant_to_local(value, Tz::UTC), value);
        }
    }

    #[test]
    fn a_day_that_a_zone_left_out_is_read_as_the_next_one() {
        // Samoa went from 29 December 2011 straight to the 31st.
        let skipped = NaiveDate::from_ymd_opt(2011, 12, 30).and_then(|d| d.and_hms_opt(12, 0, 0)).unwrap_or_default();
        let instant = local_to_instant(skipped.and_utc().timestamp_millis(), Tz::Pacific__Apia);
        assert_eq!(instant_to_local(instant, Tz::Pacific__Apia), ms("2011-12-31T12:00:00"));
    }

    #[test]
    fn values_beyond_the_calendar_pass_through() {
        assert_eq!(local_to_instant(i64::MAX, Tz::Asia__Tokyo), i64::MAX);
        assert_eq!(instant_to_local(i64::MIN, Tz::Asia__Tokyo), i64::MIN);
    }
}
