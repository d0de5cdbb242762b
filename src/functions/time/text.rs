//! The texts that CAST and one-argument TO_TIMESTAMP read: dates, times of day and timestamps without a pattern.
//!
//! Each type has a grammar of its own, because Flink parses each with code of its own: a DATE may be a bare year, a
//! TIME a bare hour, but a TIMESTAMP needs its whole date.

use chrono::{NaiveDate, NaiveDateTime, NaiveTime, TimeDelta};

/// `yyyy-[M]M-[d]d[ [H]H:[m]m:[s]s[.fraction]]` with up to nine fraction digits. The 29th to 31st of a shorter month is its last
/// day, and 24:00:00 is the next midnight.
pub fn parse_timestamp(text: &str) -> Option<NaiveDateTime> {
    let mut cursor = Cursor(text.as_bytes());
    let date = cursor.date()?;
    if cursor.0.is_empty() {
        return date.and_hms_opt(0, 0, 0);
    }
    cursor.expect(b' ')?;
    let hour = cursor.number(1, 2)?;
    cursor.expect(b':')?;
    let minute = cursor.number(1, 2)?;
    cursor.expect(b':')?;
    let second = cursor.number(1, 2)?;
    let nanos = cursor.fraction()?;
    if !cursor.0.is_empty() {
        return None;
    }
    if (hour, minute, second, nanos) == (24, 0, 0, 0) {
        return date.succ_opt()?.and_hms_opt(0, 0, 0);
    }
    if second > 59 {
        return None;
    }
    date.and_hms_nano_opt(hour, minute, second, nanos)
}

/// `y[-[M]M[-[d]d]]`, ignoring everything from the first space on; years 0 to 9999.
pub fn parse_date(text: &str) -> Option<NaiveDate> {
    let text = match text.find(' ') {
        Some(space) if space > 0 => &text[..space],
        _ => text,
    };
    let mut parts = text.splitn(3, '-');
    let year = integer(parts.next()?)?;
    let month = parts.next().map_or(Some(1), integer)?;
    let day = parts.next().map_or(Some(1), integer)?;
    if !(0..=9999).contains(&year) {
        return None;
    }
    NaiveDate::from_ymd_opt(year, u32::try_from(month).ok()?, u32::try_from(day).ok()?)
}

/// `H[:m[:s[.fraction]]]`, the fraction rounded to milliseconds.
pub fn parse_time(text: &str) -> Option<NaiveTime> {
    let mut parts = text.splitn(3, ':');
    let hour = integer(parts.next()?)?;
    let minute = parts.next().map_or(Some(0), integer)?;
    let (second, millis) = match parts.next() {
        None => (0, 0),
        Some(rest) => match rest.split_once('.') {
            None => (integer(rest)?, 0),
            Some((second, fraction)) => (integer(second)?, milliseconds(fraction.trim())?),
        },
    };
    let unsigned = |n: i32| u32::try_from(n).ok();
    let time = NaiveTime::from_hms_opt(unsigned(hour)?, unsigned(minute)?, unsigned(second)?)?;
    Some(time.overflowing_add_signed(TimeDelta::milliseconds(millis as i64)).0)
}

/// An integer without a plus sign, between blanks.
fn integer(text: &str) -> Option<i32> {
    let text = text.trim();
    if text.starts_with('+') { None } else { text.parse().ok() }
}

/// Three fraction digits, rounded by the fourth.
fn milliseconds(fraction: &str) -> Option<u32> {
    let digits = fraction.as_bytes();
    if !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let digit = |i: usize| digits.get(i).map_or(0, |d| (d - b'0') as u32);
    Some(digit(0) * 100 + digit(1) * 10 + digit(2) + (digit(3) >= 5) as u32)
}

/// What is left of a text.
struct Cursor<'a>(&'a [u8]);

impl Cursor<'_> {
    fn date(&mut self) -> Option<NaiveDate> {
        let signed = self.0.first() == Some(&b'+');
        if signed {
            self.0 = &self.0[1..];
        }
        let digits = self.0.iter().take_while(|b| b.is_ascii_digit()).count();
        // Years beyond 9999 carry a plus sign, and only they do.
        if signed != (digits > 4) {
            return None;
        }
        let year = self.number(4, 9)?;
        self.expect(b'-')?;
        let month = self.number(1, 2)?;
        self.expect(b'-')?;
        let day = self.number(1, 2)?;
        if year == 0 {
            return None;
        }
        last_valid_day(year as i32, month, day)
    }

    /// Between `min` and `max` digits, as many as there are.
    fn number(&mut self, min: usize, max: usize) -> Option<u32> {
        let digits = self.0.iter().take(max).take_while(|b| b.is_ascii_digit()).count();
        if digits < min {
            return None;
        }
        let (number, rest) = self.0.split_at(digits);
        self.0 = rest;
        Some(number.iter().fold(0, |n, d| n * 10 + (d - b'0') as u32))
    }

    /// Nanoseconds: nothing, or a point and up to nine digits.
    fn fraction(&mut self) -> Option<u32> {
        if self.0.first() != Some(&b'.') {
            return Some(0);
        }
        self.0 = &self.0[1..];
        let before = self.0.len();
        let digits = self.number(0, 9)?;
        let missing = 9 - (before - self.0.len());
        Some(digits * 10u32.pow(missing as u32))
    }

    fn expect(&mut self, byte: u8) -> Option<()> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        (*first == byte).then_some(())
    }
}

/// A day of a month, or the month's last one where it has no 29th, 30th or 31st.
pub(super) fn last_valid_day(year: i32, month: u32, day: u32) -> Option<NaiveDate> {
    if !(1..=31).contains(&day) {
        return None;
    }
    (28..=day)
        .rev()
        .find_map(|d| NaiveDate::from_ymd_opt(year, month, d))
        .or_else(|| NaiveDate::from_ymd_opt(year, month, day))
}
