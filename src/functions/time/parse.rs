//! A timestamp read by a pattern, as two-argument TO_TIMESTAMP does.
//!
//! The text must match to its end. Where it doesn't, Flink tries the plain form `yyyy-[m]m-[d]d[ h:m:s[.f]]` whatever
//! the pattern, and there overflowing parts roll over (the 30th of February is the 1st of March).

use std::collections::HashMap;

use chrono::{NaiveDateTime, NaiveTime};

use super::names::{self, MONTHS, WEEKDAYS};
use super::pattern::{Field, Item, JavaPattern};
use super::resolve::resolve;
use super::rollover::parse_rolling_over;

impl JavaPattern {
    /// Reads `text` by the pattern, else in the plain form. What the pattern leaves out is taken from 1970-01-01T00:00. `None`
    /// is where Flink gives NULL. Zones and offsets are read and ignored.
    pub fn parse_text(&self, text: &str) -> Option<NaiveDateTime> {
        self.parse_strictly(text).or_else(|| parse_rolling_over(text))
    }

    fn parse_strictly(&self, text: &str) -> Option<NaiveDateTime> {
        let mut reader = Reader { rest: text, fields: Fields::default() };
        reader.items(&self.items)?;
        if !reader.rest.is_empty() {
            return None;
        }
        let (date, time) = resolve(&reader.fields)?;
        Some(date.and_time(NaiveTime::MIN) + time)
    }
}

/// What has been read so far. A field that is read twice must have the same value.
#[derive(Debug, Clone, Default)]
pub(super) struct Fields(HashMap<Field, i64>);

impl Fields {
    pub fn get(&self, field: Field) -> Option<i64> {
        self.0.get(&field).copied()
    }

    fn set(&mut self, field: Field, value: i64) -> Option<()> {
        (*self.0.entry(field).or_insert(value) == value).then_some(())
    }
}

#[derive(Clone)]
struct Reader<'a> {
    rest: &'a str,
    fields: Fields,
}

impl<'a> Reader<'a> {
    fn items(&mut self, items: &[Item]) -> Option<()> {
        for (i, item) in items.iter().enumerate() {
            match item {
                Item::Literal(text) => self.rest = self.rest.strip_prefix(text.as_str())?,
                Item::Optional(inside) => {
                    let mut attempt = self.clone();
                    if attempt.items(inside).is_some() {
                        *self = attempt;
                    }
                }
                Item::Field(field, letters) => {
                    let follows_number =
                        i > 0 && matches!(&items[i - 1], Item::Field(f, n) if number(*f, *n).is_some());
                    self.field(*field, *letters, reserved(&items[i + 1..]), follows_number)?;
                }
            }
        }
        Some(())
    }

    fn field(&mut self, field: Field, letters: usize, reserved: usize, follows_number: bool) -> Option<()> {
        if let Some(number) = number(field, letters) {
            let value = self.number(number, reserved, follows_number)?;
            let (field, value) = match field {
                // Two digits mean a year of this century.
                Field::YearOfEra | Field::Year | Field::WeekBasedYear if letters == 2 => (field, 2000 + value),
                Field::Fraction => (Field::NanoOfSecond, value * 10i64.pow(9 - letters.min(9) as u32)),
                _ => (field, value),
            };
            return self.fields.set(field, value);
        }
        let (index, len) = match field {
            Field::Month => names::find(self.rest, &MONTHS, letters)?,
            Field::WeekdayText | Field::LocalWeekday => names::find(self.rest, &WEEKDAYS, letters)?,
            Field::AmPm => names::find_exact(self.rest, &["AM", "PM"])?,
            Field::Era => names::find_exact(self.rest, names::eras(letters))?,
            Field::Quarter => names::find_exact(self.rest, names::quarters(letters))?,
            _ => return self.zone(field),
        };
        self.rest = &self.rest[len..];
        match field {
            // Weekdays by name and by number are one field, counted from Sunday as 1.
            Field::WeekdayText => self.fields.set(Field::LocalWeekday, index as i64 + 1),
            Field::AmPm | Field::Era => self.fields.set(field, index as i64),
            _ => self.fields.set(field, index as i64 + 1),
        }
    }

    /// Digits, with a sign where the field takes one; `reserved` of them belong to the fields behind.
    fn number(&mut self, shape: Number, reserved: usize, follows_number: bool) -> Option<i64> {
        let (sign, digits) = match self.rest.as_bytes().first() {
            Some(b'+') if shape.sign == Sign::BeyondWidth => (Some(true), &self.rest[1..]),
            Some(b'-') if shape.sign != Sign::None && !follows_number => (Some(false), &self.rest[1..]),
            _ => (None, self.rest),
        };
        let there = digits.bytes().take(shape.max + reserved).take_while(u8::is_ascii_digit).count();
        let len = if reserved > 0 { there.saturating_sub(reserved).max(shape.min) } else { there };
        if there < shape.min || len > there || len > shape.max {
            return None;
        }
        let beyond = shape.sign == Sign::BeyondWidth && len > shape.min;
        if shape.sign == Sign::BeyondWidth && sign != Some(false) && beyond != (sign == Some(true)) {
            return None;
        }
        let value = digits[..len].parse::<i64>().ok()?;
        self.rest = &digits[len..];
        match sign {
            Some(false) if value == 0 => None,
            Some(false) => Some(-value),
            _ => Some(value),
        }
    }

    /// Skips a zone or an offset.
    fn zone(&mut self, field: Field) -> Option<()> {
        let name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '_' | '+' | '-' | ':');
        match field {
            Field::ZoneName | Field::ZoneId => {
                let end = self.rest.find(|c| !name(c)).unwrap_or(self.rest.len());
                self.rest =
                    self.rest[..end].starts_with(|c: char| c.is_ascii_alphabetic()).then(|| &self.rest[end..])?;
            }
            Field::OffsetOrZ if self.rest.starts_with('Z') => self.rest = &self.rest[1..],
            _ => {
                let rest = self.rest.strip_prefix("GMT").unwrap_or(self.rest).strip_prefix(['+', '-'])?;
                let end = rest.find(|c: char| !c.is_ascii_digit() && c != ':').unwrap_or(rest.len());
                self.rest = (rest[..end].bytes().filter(u8::is_ascii_digit).count() >= 2).then(|| &rest[end..])?;
            }
        }
        Some(())
    }
}

/// How a number looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Number {
    min: usize,
    max: usize,
    sign: Sign,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sign {
    None,
    /// A minus sign.
    Negative,
    /// A minus sign, or a plus sign exactly where there are more digits than letters.
    BeyondWidth,
}

/// The shape of a field that is a number, `None` where it is a name, a zone or an offset.
fn number(field: Field, letters: usize) -> Option<Number> {
    const MOST: usize = 19;
    let fixed = |width| Some(Number { min: width, max: width, sign: Sign::None });
    match field {
        Field::YearOfEra | Field::Year | Field::WeekBasedYear => match letters {
            1 | 3 => Some(Number { min: letters, max: MOST, sign: Sign::Negative }),
            2 => fixed(2),
            _ => Some(Number { min: letters, max: MOST, sign: Sign::BeyondWidth }),
        },
        Field::Month | Field::Quarter | Field::LocalWeekday if letters > 2 => None,
        Field::Fraction => fixed(letters),
        Field::DayOfYear if letters == 2 => Some(Number { min: 2, max: 3, sign: Sign::None }),
        Field::NanoOfSecond | Field::MilliOfDay | Field::NanoOfDay | Field::ModifiedJulianDay => {
            Some(Number { min: letters, max: MOST, sign: Sign::None })
        }
        Field::Era | Field::WeekdayText | Field::AmPm => None,
        Field::ZoneName | Field::ZoneId | Field::OffsetBasic | Field::OffsetOrZ | Field::Offset => None,
        _ if letters == 1 => Some(Number { min: 1, max: MOST, sign: Sign::Negative }),
        _ => fixed(letters),
    }
}

/// The digits that numbers of fixed width standing right behind a number need.
fn reserved(behind: &[Item]) -> usize {
    let width = |item: &Item| match item {
        Item::Field(field, letters) => number(*field, *letters).filter(|n| n.min == n.max).map(|n| n.max),
        _ => None,
    };
    behind.iter().map_while(width).sum()
}
