//! A pattern in the letters of Java's `SimpleDateFormat`, which FROM_UNIXTIME, UNIX_TIMESTAMP and TO_DATE use.
//!
//! Most letters mean the same as in [`super::JavaPattern`], but reading is lenient: parts that overflow roll over (hour 25 is 1 on
//! the next day), 15 with `hh` is 15 o'clock, a number takes as many digits as there are, and text behind the pattern is ignored.

use std::fmt::Write;

use chrono::{Datelike, NaiveDateTime, Timelike};
use chrono_tz::Tz;

use super::lenient::Parts;
use super::zone::naive_from_ms;
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
