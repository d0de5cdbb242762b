//! A pattern in the letters of Java's `SimpleDateFormat`, which FROM_UNIXTIME, UNIX_TIMESTAMP and TO_DATE use.
//!
//! Most letters mean the same as in [`super::JavaPattern`], but reading is lenient: parts that overflow roll over (hour 25 is 1 on
//! the next day), 15 with `hh` is 15 o'clock, a number takes as many digits as there are, and text behind the pattern is ignored.

use chrono::{Datelike, Duration, NaiveDate, NaiveDateTime, Timelike};
use chrono_tz::Tz;

use super::names::{self, MONTHS, WEEKDAYS};
use super::zone::{local_to_instant, naive_from_ms};
use super::{JavaPattern, instant_to_local};
use crate::error::{Error, Result};

/// A parsed pattern, to format and to read timestamps with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SimplePattern {
    items: Vec<Item>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Item {
    Literal(String),
    /// A letter and how often it stands there.
    Letter(char, usize),
}

const LETTERS: &str = "GyYMLdDwWFEuaHkKhmsSzZX";

impl SimplePattern {
    /// Parses a pattern.
    ///
    /// # Errors
    /// A data error naming the letter that means nothing.
    pub fn parse(pattern: &str) -> Result<Self> {
        let mut items = Vec::new();
        let mut chars = pattern.chars().peekable();
        while let Some(c) = chars.next() {
            items.push(match c {
                '\'' => Item::Literal(
                    super::pattern::quoted(&mut chars)
                        .ok_or_else(|| Error::data(format!("unterminated quote in the date pattern '{pattern}'")))?,
                ),
                c if c.is_ascii_alphabetic() => {
                    let mut count = 1;
                    while chars.next_if_eq(&c).is_some() {
                        count += 1;
                    }
                    if c == 'z' && count > 3 {
                        return Err(Error::unsupported(format!(
                            "the full name of a zone in the date pattern '{pattern}'"
                        )));
                    }
                    if !LETTERS.contains(c) || (c == 'X' && count > 3) {
                        return Err(Error::data(format!("unknown letter {c} in the date pattern '{pattern}'")));
                    }
                    Item::Letter(c, count)
                }
                c => Item::Literal(c.to_string()),
            });
        }
        Ok(Self { items })
    }

    /// Appends `local`, which clocks in `zone` show, as the pattern says.
    pub fn format(&self, local: NaiveDateTime, zone: Tz, out: &mut String) {
        use std::fmt::Write;
        for item in &self.items {
            let (letter, count) = match item {
                Item::Literal(text) => {
                    out.push_str(text);
                    continue;
                }
                Item::Letter(letter, count) => (*letter, *count),
            };
            let number = match letter {
                'u' => local.weekday().number_from_monday(),
                'F' => local.day0() / 7 + 1,
                // Milliseconds as a number: .005 with S is 5.
                'S' => local.nanosecond() / 1_000_000 % 1000,
                _ => {
                    write_like_java_time(letter, count, local, zone, out);
                    continue;
                }
            };
            let _ = write!(out, "{number:0count$}");
        }
    }

    /// Appends what clocks in `zone` show at an instant, as FROM_UNIXTIME does. Nothing beyond 260,000 years.
    pub fn format_instant(&self, instant_ms: i64, zone: Tz, out: &mut String) {
        if let Some(local) = naive_from_ms(instant_to_local(instant_ms, zone)) {
            self.format(local, zone, out);
        }
    }

    /// Reads `text`: milliseconds since 1970, UTC. A text without a zone or an offset is a wall clock's in `zone`; what the pattern
    /// leaves out is taken from 1970-01-01T00:00. `None` where it doesn't match.
    pub fn parse_text(&self, text: &str, zone: Tz) -> Option<i64> {
        let mut rest = text;
        let mut parts = Parts::default();
        for (i, item) in self.items.iter().enumerate() {
            match item {
                Item::Literal(literal) => rest = rest.strip_prefix(literal.as_str())?,
                Item::Letter(letter, count) => {
                    let adjacent = matches!(self.items.get(i + 1), Some(Item::Letter(..)));
                    rest = parts.read(*letter, *count, adjacent, rest)?;
                }
            }
        }
        parts.instant(zone)
    }
}

/// The letters that `SimpleDateFormat` and `DateTimeFormatter` share, with the counts that the latter allows.
fn write_like_java_time(letter: char, count: usize, local: NaiveDateTime, zone: Tz, out: &mut String) {
    let count = match letter {
        'G' | 'a' => 1,
        'M' | 'L' if count > 4 => 4,
        'E' => count.clamp(3, 4),
        'y' | 'Y' if count == 3 => 1,
        'Z' => 1,
        _ => count,
    };
    if letter == 'z' {
        return super::format::write_zone_name(local, zone, out);
    }
    let most = match letter {
        'd' | 'H' | 'k' | 'K' | 'h' | 'm' | 's' | 'w' => 2,
        'D' => 3,
        'W' => 1,
        'y' | 'Y' => 4,
        _ => count,
    };
    // More letters only add zeros in front.
    let pattern = String::from_iter(std::iter::repeat_n(letter, count.min(most)));
    let start = out.len();
    if let Ok(pattern) = JavaPattern::parse(&pattern) {
        pattern.format(local, Some(zone), out);
    }
    for _ in (out.len() - start)..if count > most { count } else { 0 } {
        out.insert(start, '0');
    }
}

/// What has been read.
#[derive(Debug, Default)]
struct Parts {
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
    fn read<'a>(&mut self, letter: char, count: usize, adjacent: bool, text: &'a str) -> Option<&'a str> {
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

    fn instant(self, zone: Tz) -> Option<i64> {
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

/// Two digits in this century, or in the last one from 80 years before today's reference on.
fn century(two_digits: i64) -> i64 {
    // Java slides this window with the clock; a fixed one gives the same answer tomorrow.
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
