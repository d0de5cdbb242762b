//! Texts read as Java's `SimpleDateFormat` does: number by number, rolling over whatever is too large.

use chrono::{Datelike, Duration, NaiveDate};
use chrono_tz::Tz;

use super::names::{self, MONTHS, WEEKDAYS};
use super::{instant_to_local, local_to_instant};

/// What has been read of a text.
#[derive(Debug, Default)]
pub(super) struct Parts {
    year: Option<i64>,
    before_christ: bool,
    month: Option<i64>,
    day: Option<i64>,
    day_of_year: Option<i64>,
    week: Option<i64>,
    /// Days since Sunday.
    weekday: Option<i64>,
    hour: i64,
    afternoon: Option<bool>,
    minute: i64,
    second: i64,
    millis: i64,
    offset_seconds: Option<i64>,
}

impl Parts {
    /// Reads one letter's value off `text` and returns what is left. `adjacent` says that a number follows at once.
    pub(super) fn read<'a>(&mut self, letter: char, count: usize, adjacent: bool, text: &'a str) -> Option<&'a str> {
        match letter {
            'M' | 'L' if count > 2 => {
                let (index, rest) = name(text, &MONTHS)?;
                self.month = Some(index + 1);
                return Some(rest);
            }
            'E' => {
                let (index, rest) = name(text, &WEEKDAYS)?;
                self.weekday = Some(index);
                return Some(rest);
            }
            // Weeks of the month are written but not read.
            'W' | 'F' => return None,
            'a' => {
                let (index, rest) = word(text, &["AM", "PM"])?;
                self.afternoon = Some(index == 1);
                return Some(rest);
            }
            'G' => {
                let (index, rest) = word(text, &["BC", "AD"])?;
                self.before_christ = index == 0;
                return Some(rest);
            }
            'z' | 'Z' | 'X' => return self.zone(letter, text),
            _ => {}
        }
        // Blanks before a number are overlooked.
        let trimmed = text.trim_start_matches([' ', '\t']);
        let (negative, digits) = match trimmed.strip_prefix('-') {
            Some(digits) => (true, digits),
            None => (false, trimmed),
        };
        let most = if adjacent { count } else { 18 };
        let len = digits.bytes().take(most).take_while(u8::is_ascii_digit).count();
        let value = digits[..len].parse::<i64>().ok()?;
        let value = if negative { -value } else { value };
        match letter {
            // Exactly two digits mean the year within 80 years back and 20 ahead.
            'y' | 'Y' if count <= 2 && len == 2 && !negative => self.year = Some(century(value)),
            'y' | 'Y' => self.year = Some(value),
            'M' | 'L' => self.month = Some(value),
            'd' => self.day = Some(value),
            'D' => self.day_of_year = Some(value),
            'H' | 'K' => self.hour = value,
            'k' => self.hour = value % 24,
            'h' => self.hour = if value == 12 { 0 } else { value },
            'm' => self.minute = value,
            's' => self.second = value,
            'S' => self.millis = value,
            'w' => self.week = Some(value),
            'u' => self.weekday = Some(value.rem_euclid(7)),
            _ => return None,
        }
        Some(&digits[len..])
    }

    fn zone<'a>(&mut self, letter: char, text: &'a str) -> Option<&'a str> {
        if letter == 'X'
            && let Some(rest) = text.strip_prefix('Z')
        {
            self.offset_seconds = Some(0);
            return Some(rest);
        }
        let signed = text.strip_prefix("GMT").unwrap_or(text);
        if let Some(digits) = signed.strip_prefix(['+', '-']) {
            let (seconds, rest) = offset(digits, letter == 'X')?;
            self.offset_seconds = Some(if signed.starts_with('-') { -seconds } else { seconds });
            return Some(rest);
        }
        let end = text.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(text.len());
        self.offset_seconds = Some(names::offset_of_abbreviation(&text[..end])?);
        Some(&text[end..])
    }

    /// The milliseconds since 1970, UTC, that the parts make.
    pub(super) fn instant(self, zone: Tz) -> Option<i64> {
        let year = self.year.unwrap_or(1970);
        let year = if self.before_christ { 1 - year } else { year };
        let months = year.checked_mul(12)?.checked_add(self.month.unwrap_or(1))?.checked_sub(1)?;
        let year = i32::try_from(months.div_euclid(12)).ok()?;
        let first = NaiveDate::from_ymd_opt(year, months.rem_euclid(12) as u32 + 1, 1)?;
        let date = match self.day_of_year {
            Some(day) if self.day.is_none() && self.month.is_none() => {
                NaiveDate::from_ymd_opt(year, 1, 1)?.checked_add_signed(Duration::try_days(day.checked_sub(1)?)?)?
            }
            None if self.day.is_none() && self.month.is_none() && self.week.is_some() => self.day_of_week(year)?,
            _ => first.checked_add_signed(Duration::try_days(self.day.unwrap_or(1).checked_sub(1)?)?)?,
        };
        let noon = if self.afternoon == Some(true) && self.hour < 12 { 12 } else { 0 };
        let time = Duration::try_hours(self.hour)?
            .checked_add(&Duration::try_hours(noon)?)?
            .checked_add(&Duration::try_minutes(self.minute)?)?
            .checked_add(&Duration::try_seconds(self.second)?)?
            .checked_add(&Duration::try_milliseconds(self.millis)?)?;
        let local = date.and_hms_opt(0, 0, 0)?.checked_add_signed(time)?.and_utc().timestamp_millis();
        match self.offset_seconds {
            Some(offset) => local.checked_sub(offset * 1000),
            // Of two instants the later one, unlike everywhere else.
            None => later_instant(local, zone),
        }
    }

    /// Weeks begin on Sunday and the first is the one with 1 January.
    fn day_of_week(&self, year: i32) -> Option<NaiveDate> {
        let first = NaiveDate::from_ymd_opt(year, 1, 1)?;
        let weeks = Duration::try_weeks(self.week?.checked_sub(1)?)?;
        let days = self.weekday.unwrap_or(0) - first.weekday().num_days_from_sunday() as i64;
        first.checked_add_signed(weeks)?.checked_add_signed(Duration::try_days(days)?)
    }
}

/// The instant at which clocks in `zone` show `local`; where they do so twice, the second.
fn later_instant(local: i64, zone: Tz) -> Option<i64> {
    const SHIFT: i64 = 3_600_000;
    let earlier = local_to_instant(local, zone);
    let again = earlier.checked_add(SHIFT)?;
    Some(if instant_to_local(again, zone) == local { again } else { earlier })
}

/// Two digits mean a year from 1946 to 2045.
fn century(two_digits: i64) -> i64 {
    // Java moves this window of a hundred years along with the clock; a fixed one reads a text tomorrow as today.
    const LAST: i64 = 45;
    if two_digits <= LAST { 2000 + two_digits } else { 1900 + two_digits }
}

/// A name in full or by three letters, in any case: its index and what is left.
fn name<'a>(text: &'a str, names: &[&'static str]) -> Option<(i64, &'a str)> {
    word(text, names).or_else(|| {
        let short = names.iter().map(|name| &name[..3]).collect::<Vec<_>>();
        word(text, &short)
    })
}

fn word<'a>(text: &'a str, words: &[&str]) -> Option<(i64, &'a str)> {
    let begins = |word: &str| text.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word));
    words.iter().position(|word| begins(word)).map(|i| (i as i64, &text[words[i].len()..]))
}

/// `hhmm` or `h:mm`, for `X` also `hh`: seconds, and what is left.
fn offset(text: &str, hours_alone: bool) -> Option<(i64, &str)> {
    let digits = |text: &str| text.bytes().take(2).take_while(u8::is_ascii_digit).count();
    let (hours, rest) = text.split_at(digits(text));
    let seconds = hours.parse::<i64>().ok()? * 3600;
    let minutes = match rest.strip_prefix(':') {
        None if hours.len() < 2 => return None,
        None => rest,
        Some(minutes) => minutes,
    };
    match digits(minutes) {
        2 => Some((seconds + minutes[..2].parse::<i64>().ok()? * 60, &minutes[2..])),
        _ => hours_alone.then_some((seconds, rest)),
    }
}
