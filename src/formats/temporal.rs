//! Dates and times of day as ISO and SQL write them.

use arrow::datatypes::TimeUnit;

const NANOS_PER_SECOND: i64 = 1_000_000_000;
const SECONDS_PER_DAY: i64 = 86_400;
const NANOS_PER_DAY: i64 = SECONDS_PER_DAY * NANOS_PER_SECOND;

/// A point on the clock: days since the epoch and nanoseconds of that day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Moment {
    pub days: i64,
    pub nanos: i64,
}

impl Moment {
    /// In `unit` since the epoch, finer digits cut off; none where that is too large a number.
    pub fn in_unit(self, unit: TimeUnit) -> Option<i64> {
        let per_second = units_per_second(unit);
        let of_day = self.nanos / (NANOS_PER_SECOND / per_second);
        self.days.checked_mul(SECONDS_PER_DAY * per_second)?.checked_add(of_day)
    }
}

pub(crate) fn units_per_second(unit: TimeUnit) -> i64 {
    match unit {
        TimeUnit::Second => 1,
        TimeUnit::Millisecond => 1_000,
        TimeUnit::Microsecond => 1_000_000,
        TimeUnit::Nanosecond => NANOS_PER_SECOND,
    }
}

/// A reader of fixed fields in a text.
struct Fields<'a> {
    text: &'a [u8],
}

impl Fields<'_> {
    fn literal(&mut self, byte: u8) -> Option<()> {
        let (first, rest) = self.text.split_first()?;
        self.text = rest;
        (*first == byte).then_some(())
    }

    /// Exactly `count` digits.
    fn digits(&mut self, count: usize) -> Option<i64> {
        let (digits, rest) = self.text.split_at_checked(count)?;
        self.text = rest;
        digits.iter().try_fold(0i64, |n, b| b.is_ascii_digit().then(|| n * 10 + i64::from(b - b'0')))
    }

    /// `2020`, or with a sign where it has more digits or is before year 0.
    fn year(&mut self) -> Option<i64> {
        let sign = match self.text.first()? {
            b'+' => 1,
            b'-' => -1,
            _ => return self.digits(4),
        };
        self.text = &self.text[1..];
        let count = self.text.iter().take_while(|b| b.is_ascii_digit()).count();
        let fits = if sign > 0 { (5..=9).contains(&count) } else { (4..=9).contains(&count) };
        let year = if fits { self.digits(count)? } else { return None };
        (sign > 0 || year > 0).then_some(sign * year)
    }

    /// Days since the epoch; where `lenient`, the 30th of February is its last day, as in Java's timestamp formats.
    fn date(&mut self, lenient: bool) -> Option<i64> {
        let year = self.year()?;
        self.literal(b'-')?;
        let month = self.digits(2)?;
        self.literal(b'-')?;
        let day = self.digits(2)?;
        let days = days_in_month(year, month);
        let valid = (1..=12).contains(&month) && (1..=if lenient { 31 } else { days }).contains(&day);
        valid.then(|| days_from_civil(year, month, day.min(days)))
    }

    /// Nanoseconds of the day: `10:11:12[.fraction of 0 to 9 digits]`, the seconds optional where `short`. `24:00:00` is
    /// the day's end.
    fn time(&mut self, short: bool) -> Option<i64> {
        let hour = self.digits(2)?;
        self.literal(b':')?;
        let minute = self.digits(2)?;
        let (mut second, mut nanos) = (0, 0);
        if !short || self.text.first() == Some(&b':') {
            self.literal(b':')?;
            second = self.digits(2)?;
            nanos = self.fraction()?;
        }
        let of_day = ((hour * 60 + minute) * 60 + second) * NANOS_PER_SECOND + nanos;
        (minute < 60 && second < 60 && of_day <= NANOS_PER_DAY).then_some(of_day)
    }

    /// A point and digits, or a point alone, or nothing.
    fn fraction(&mut self) -> Option<i64> {
        if self.text.first() != Some(&b'.') {
            return Some(0);
        }
        self.text = &self.text[1..];
        let count = self.text.iter().take_while(|b| b.is_ascii_digit()).count();
        if count > 9 {
            return None;
        }
        let digits = self.digits(count)?;
        Some(digits * 10i64.pow(9 - count as u32))
    }

    fn end<T>(self, value: T) -> Option<T> {
        self.text.is_empty().then_some(value)
    }
}

/// `2020-02-29` to days since the epoch.
pub(crate) fn parse_date(text: &[u8]) -> Option<i32> {
    let mut fields = Fields { text };
    let days = fields.date(false)?;
    fields.end(i32::try_from(days).ok()?)
}

/// `2020-2-9` to days since the epoch, days beyond the month going on in the next: Java's `Date.valueOf`.
pub(crate) fn parse_loose_date(text: &[u8]) -> Option<i32> {
    let mut parts = text.split(|b| *b == b'-');
    let mut part = |lengths: std::ops::RangeInclusive<usize>| {
        let digits = parts.next().filter(|digits| lengths.contains(&digits.len()))?;
        Fields { text: digits }.digits(digits.len())
    };
    let (year, month, day) = (part(4..=4)?, part(1..=2)?, part(1..=2)?);
    let valid = (1..=12).contains(&month) && (1..=31).contains(&day) && parts.next().is_none();
    valid.then(|| i32::try_from(days_from_civil(year, month, 1) + day - 1).ok())?
}

/// `10:11:12.5` to nanoseconds of the day; `short` allows `10:11`.
pub(crate) fn parse_time(text: &[u8], short: bool) -> Option<i64> {
    let mut fields = Fields { text };
    let nanos = fields.time(short)? % NANOS_PER_DAY;
    fields.end(nanos)
}

/// How a timestamp is spelled.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TimestampForm {
    /// Between date and time; its case does not matter where `strict`.
    pub separator: u8,
    /// The seconds may be left out.
    pub short: bool,
    /// No day beyond its month, no `24:00:00`.
    pub strict: bool,
    /// A `Z` at the end.
    pub zoned: bool,
}

/// `2020-02-29 10:11:12.5` to a point in time.
pub(crate) fn parse_timestamp(text: &[u8], form: TimestampForm) -> Option<Moment> {
    let mut fields = Fields { text };
    let days = fields.date(!form.strict)?;
    let (separator, rest) = fields.text.split_first()?;
    fields.text = rest;
    if *separator != form.separator && !(form.strict && separator.eq_ignore_ascii_case(&form.separator)) {
        return None;
    }
    let nanos = fields.time(form.short)?;
    if form.zoned {
        fields.literal(b'Z')?;
    }
    if form.strict && nanos == NANOS_PER_DAY {
        return None;
    }
    fields.end(Moment { days: days + nanos / NANOS_PER_DAY, nanos: nanos % NANOS_PER_DAY })
}

/// Appends `2020-02-29`.
pub(crate) fn write_date(days: i64, out: &mut Vec<u8>) {
    let (year, month, day) = civil_from_days(days);
    match year {
        0..=9999 => write_padded(year, 4, out),
        10_000.. => {
            out.push(b'+');
            write_padded(year, 5, out);
        }
        _ => {
            out.push(b'-');
            write_padded(-year, 4, out);
        }
    }
    out.push(b'-');
    write_padded(month, 2, out);
    out.push(b'-');
    write_padded(day, 2, out);
}

/// How many digits of a fraction are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Digits {
    /// Without the last zeros, and nothing where there is no fraction.
    Needed,
    /// So many, at most nine.
    All(u8),
}

/// Appends `10:11:12`, then the fraction.
pub(crate) fn write_time(nanos_of_day: i64, digits: Digits, out: &mut Vec<u8>) {
    let seconds = nanos_of_day / NANOS_PER_SECOND;
    write_padded(seconds / 3600, 2, out);
    out.push(b':');
    write_padded(seconds / 60 % 60, 2, out);
    out.push(b':');
    write_padded(seconds % 60, 2, out);
    let fraction = nanos_of_day % NANOS_PER_SECOND;
    match digits {
        Digits::Needed if fraction != 0 => {
            out.push(b'.');
            write_padded(fraction, 9, out);
            while out.last() == Some(&b'0') {
                out.pop();
            }
        }
        Digits::Needed | Digits::All(0) => {}
        Digits::All(digits) => {
            out.push(b'.');
            write_padded(fraction, 9, out);
            out.truncate(out.len() - usize::from(9 - digits.min(9)));
        }
    }
}

/// Appends `2020-02-29 10:11:12.5` for a timestamp in `unit` since the epoch.
pub(crate) fn write_timestamp(value: i64, unit: TimeUnit, separator: u8, digits: Digits, out: &mut Vec<u8>) {
    let per_second = units_per_second(unit);
    let per_day = SECONDS_PER_DAY * per_second;
    write_date(value.div_euclid(per_day), out);
    out.push(separator);
    write_time(value.rem_euclid(per_day) * (NANOS_PER_SECOND / per_second), digits, out);
}

/// Appends a number of at least `width` digits, zeros in front.
fn write_padded(value: i64, width: usize, out: &mut Vec<u8>) {
    let mut buffer = itoa::Buffer::new();
    let digits = buffer.format(value).as_bytes();
    out.extend_from_slice(&b"000000000"[..width.saturating_sub(digits.len()).min(9)]);
    out.extend_from_slice(digits);
}

fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

fn days_in_month(year: i64, month: i64) -> i64 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days since 1970-01-01 in the proleptic Gregorian calendar.
///
/// Years are counted from March, so that the leap day is a year's last: then the days before a month are a straight
/// line, and 400 years always have 146,097 days.
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let (cycle, of_cycle) = (year.div_euclid(400), year.rem_euclid(400));
    let month = (month + 9) % 12;
    let day_of_year = (153 * month + 2) / 5 + day - 1;
    let day_of_cycle = of_cycle * 365 + of_cycle / 4 - of_cycle / 100 + day_of_year;
    cycle * 146_097 + day_of_cycle - 719_468
}

/// Year, month and day of a day since 1970-01-01.
fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let (cycle, day_of_cycle) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let of_cycle = (day_of_cycle - day_of_cycle / 1460 + day_of_cycle / 36_524 - day_of_cycle / 146_096) / 365;
    let day_of_year = day_of_cycle - (365 * of_cycle + of_cycle / 4 - of_cycle / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let (month, next) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    (cycle * 400 + of_cycle + next, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SQL: TimestampForm = TimestampForm { separator: b' ', short: false, strict: false, zoned: false };

    #[test]
    fn every_day_of_eight_centuries_comes_back() {
        let mut expected = chrono::NaiveDate::from_ymd_opt(1599, 1, 1).unwrap();
        let epoch = chrono::NaiveDate::from_ymd_opt(1970, 1, 1).unwrap();
        while expected < chrono::NaiveDate::from_ymd_opt(2401, 3, 2).unwrap() {
            let days = (expected - epoch).num_days();
            let mut out = Vec::new();
            write_date(days, &mut out);
            assert_eq!(std::str::from_utf8(&out).unwrap(), expected.to_string());
            assert_eq!(parse_date(&out), Some(days as i32));
            expected = expected.succ_opt().unwrap();
        }
    }

    #[test]
    fn dates_are_strict() {
        for text in
            ["2021-02-29", "2020-1-1", " 2020-01-01", "2020-01-01 ", "20200101", "2020-13-01", "12020-01-01", ""]
        {
            assert_eq!(parse_date(text.as_bytes()), None, "{text}");
        }
        assert_eq!(parse_date(b"+10000-01-01"), Some(2_932_897));
        assert!(parse_date(b"-0001-01-01").is_some());
    }

    #[test]
    fn times_have_up_to_nine_fraction_digits() {
        let noon = 12 * 3600 * NANOS_PER_SECOND;
        assert_eq!(parse_time(b"12:00:00", false), Some(noon));
        assert_eq!(parse_time(b"12:00:00.000000001", false), Some(noon + 1));
        assert_eq!(parse_time(b"12:00", true), Some(noon));
        assert_eq!(parse_time(b"24:00:00", false), Some(0));
        for text in ["12:00", "24:00:01", "25:00:00", "1:2:3", "12:00:60", "12:00:00Z", "12:00:00.0000000001"] {
            assert_eq!(parse_time(text.as_bytes(), false), None, "{text}");
        }
    }

    #[test]
    fn timestamps_are_written_without_last_zeros() {
        let cases = [
            (1_633_956_789_277, TimeUnit::Millisecond, "2021-10-11 12:53:09.277"),
            (-1, TimeUnit::Millisecond, "1969-12-31 23:59:59.999"),
            (1_500_000, TimeUnit::Microsecond, "1970-01-01 00:00:01.5"),
            (0, TimeUnit::Nanosecond, "1970-01-01 00:00:00"),
        ];
        for (value, unit, text) in cases {
            let mut out = Vec::new();
            write_timestamp(value, unit, b' ', Digits::Needed, &mut out);
            assert_eq!(std::str::from_utf8(&out).unwrap(), text);
            let moment = parse_timestamp(&out, SQL).unwrap();
            assert_eq!(moment.in_unit(unit), Some(value));
        }
    }

    #[test]
    fn all_digits_are_those_of_the_type() {
        for (digits, text) in
            [(0, "12:00:01"), (3, "12:00:01.500"), (9, "12:00:01.500000000"), (12, "12:00:01.500000000")]
        {
            let mut out = Vec::new();
            write_time((12 * 3600 + 1) * NANOS_PER_SECOND + 500_000_000, Digits::All(digits), &mut out);
            assert_eq!(std::str::from_utf8(&out).unwrap(), text);
        }
    }

    #[test]
    fn timestamps_are_lenient_about_days_and_midnight() {
        let at = |text: &str| parse_timestamp(text.as_bytes(), SQL);
        assert_eq!(at("2020-02-30 10:11:12"), at("2020-02-29 10:11:12"));
        assert_eq!(at("2020-01-01 24:00:00"), at("2020-01-02 00:00:00"));
        assert_eq!(at("2020-01-32 10:11:12"), None);
    }

    #[test]
    fn a_timestamp_that_its_unit_can_not_hold_is_none() {
        let iso = TimestampForm { separator: b'T', short: true, strict: false, zoned: true };
        let moment = parse_timestamp(b"+12020-01-01T00:00Z", iso).unwrap();
        assert_eq!(moment.in_unit(TimeUnit::Nanosecond), None);
        assert!(moment.in_unit(TimeUnit::Microsecond).is_some());
    }
}
