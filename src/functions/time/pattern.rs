//! A pattern in the letters of Java's `DateTimeFormatter`: `yyyy-MM-dd HH:mm:ss.SSS`.
//!
//! Case decides: `HH` is the hour of the day, `hh` the hour on a twelve-hour clock face, `MM` the month, `mm` the minute. Text in
//! apostrophes stands for itself, parts in brackets are optional.

use crate::error::{Error, Result};

/// A parsed pattern, to format and to read timestamps with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JavaPattern {
    pub(super) items: Vec<Item>,
}

/// A piece of a pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Item {
    Literal(String),
    /// A letter and how often it stands there.
    Field(Field, usize),
    Optional(Vec<Item>),
}

/// What a letter stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Field {
    Era,
    YearOfEra,
    Year,
    Month,
    DayOfMonth,
    DayOfYear,
    /// Days since 17 November 1858.
    ModifiedJulianDay,
    WeekBasedYear,
    WeekOfYear,
    WeekOfMonth,
    /// The how manieth of its weekday in the month, as `F` counts it: days since the month's last multiple of seven, plus one.
    AlignedDay,
    Quarter,
    WeekdayText,
    LocalWeekday,
    AmPm,
    Hour,
    ClockHour,
    HourOfAmPm,
    ClockHourOfAmPm,
    Minute,
    Second,
    Fraction,
    NanoOfSecond,
    MilliOfDay,
    NanoOfDay,
    ZoneName,
    ZoneId,
    /// `Z`: +0100
    OffsetBasic,
    /// `X`: +01, with Z for zero.
    OffsetOrZ,
    /// `x`: +01
    Offset,
}

impl Field {
    /// The field for a letter, and how often it may stand in a row.
    fn of(letter: char) -> Option<(Self, usize)> {
        Some(match letter {
            'G' => (Self::Era, 5),
            'y' => (Self::YearOfEra, 19),
            'u' => (Self::Year, 19),
            'M' | 'L' => (Self::Month, 5),
            'd' => (Self::DayOfMonth, 2),
            'D' => (Self::DayOfYear, 3),
            'g' => (Self::ModifiedJulianDay, 19),
            'Y' => (Self::WeekBasedYear, 19),
            'w' => (Self::WeekOfYear, 2),
            'W' => (Self::WeekOfMonth, 1),
            'F' => (Self::AlignedDay, 1),
            'Q' | 'q' => (Self::Quarter, 5),
            'E' => (Self::WeekdayText, 5),
            'e' | 'c' => (Self::LocalWeekday, 5),
            'a' => (Self::AmPm, 1),
            'H' => (Self::Hour, 2),
            'k' => (Self::ClockHour, 2),
            'K' => (Self::HourOfAmPm, 2),
            'h' => (Self::ClockHourOfAmPm, 2),
            'm' => (Self::Minute, 2),
            's' => (Self::Second, 2),
            'S' => (Self::Fraction, 9),
            'n' => (Self::NanoOfSecond, 19),
            'A' => (Self::MilliOfDay, 19),
            'N' => (Self::NanoOfDay, 19),
            'z' => (Self::ZoneName, 3),
            'V' => (Self::ZoneId, 2),
            'Z' => (Self::OffsetBasic, 5),
            'X' => (Self::OffsetOrZ, 5),
            'x' => (Self::Offset, 5),
            _ => return None,
        })
    }

    fn is_zone(self) -> bool {
        matches!(self, Self::ZoneName | Self::ZoneId | Self::OffsetBasic | Self::OffsetOrZ | Self::Offset)
    }
}

impl JavaPattern {
    /// Parses a pattern.
    ///
    /// # Errors
    /// A data error naming the letter that means nothing or stands too often.
    pub fn parse(pattern: &str) -> Result<Self> {
        let mut open = vec![Vec::new()];
        let mut chars = pattern.chars().peekable();
        let wrong = |what: String| Error::data(format!("{what} in the date pattern '{pattern}'"));
        while let Some(c) = chars.next() {
            let item = match c {
                '\'' => Item::Literal(quoted(&mut chars).ok_or_else(|| wrong("unterminated quote".to_owned()))?),
                '[' => {
                    open.push(Vec::new());
                    continue;
                }
                ']' => match open.pop() {
                    Some(inside) if !open.is_empty() => Item::Optional(inside),
                    _ => return Err(wrong("unmatched ]".to_owned())),
                },
                '{' | '}' | '#' => return Err(wrong(format!("reserved character {c}"))),
                c if c.is_ascii_alphabetic() => {
                    let mut count = 1;
                    while chars.next_if_eq(&c).is_some() {
                        count += 1;
                    }
                    field(c, count).ok_or_else(|| unknown(c, count, pattern))?
                }
                c => Item::Literal(c.to_string()),
            };
            if let Some(items) = open.last_mut() {
                push(items, item);
            }
        }
        // Brackets left open close at the end, as in Java.
        while open.len() > 1 {
            if let (Some(inside), Some(items)) = (open.pop(), open.last_mut()) {
                items.push(Item::Optional(inside));
            }
        }
        Ok(Self { items: open.pop().unwrap_or_default() })
    }

    /// Whether the pattern has a letter for a zone or an offset. DATE_FORMAT can't fill those: its timestamps have none.
    pub fn needs_zone(&self) -> bool {
        fn any(items: &[Item]) -> bool {
            items.iter().any(|item| match item {
                Item::Field(field, _) => field.is_zone(),
                Item::Optional(inside) => any(inside),
                Item::Literal(_) => false,
            })
        }
        any(&self.items)
    }
}

fn field(letter: char, count: usize) -> Option<Item> {
    let (field, most) = Field::of(letter)?;
    let fits = match (letter, count) {
        ('V', _) => count == 2,
        // A number with two letters exists for `e`, not for `c`.
        ('c', 2) => false,
        _ => count <= most,
    };
    fits.then_some(Item::Field(field, count))
}

fn unknown(letter: char, count: usize, pattern: &str) -> Error {
    match Field::of(letter) {
        None if letter == 'B' => {
            Error::unsupported(format!("letter B (period of the day) in the date pattern '{pattern}'"))
        }
        Some((Field::ZoneName, _)) if count == 4 => {
            Error::unsupported(format!("the full name of a zone in the date pattern '{pattern}'"))
        }
        Some(_) => Error::data(format!("{count} letters {letter} in a row in the date pattern '{pattern}'")),
        None => Error::data(format!("unknown letter {letter} in the date pattern '{pattern}'"))
            .with_hint(format!("Put text that stands for itself in apostrophes: ''{letter}'' inside a SQL string.")),
    }
}

/// The text up to the closing apostrophe; two of them mean one.
pub(super) fn quoted(chars: &mut std::iter::Peekable<std::str::Chars>) -> Option<String> {
    if chars.next_if_eq(&'\'').is_some() {
        return Some("'".to_owned());
    }
    let mut text = String::new();
    loop {
        match chars.next()? {
            '\'' if chars.next_if_eq(&'\'').is_none() => return Some(text),
            c => text.push(c),
        }
    }
}

fn push(items: &mut Vec<Item>, item: Item) {
    match (items.last_mut(), item) {
        (Some(Item::Literal(text)), Item::Literal(more)) => text.push_str(&more),
        (_, item) => items.push(item),
    }
}
