//! Cells to column values, by Flink's rules.

use super::Rules;
use crate::formats::column::{Column, Ranges, Values};
use crate::formats::json::base64;
use crate::formats::number::{self, Decimal};
use crate::formats::temporal::{self, TimestampForm};
use crate::types::{SqlType, TypeKind};

/// Converts by the rules, and counts what was set to NULL because it could not be converted.
pub(super) struct Converter<'a> {
    pub rules: &'a Rules,
    pub nulled: u64,
}

/// What is wrong about a cell: `is "abc", expected INT`.
type Converted = Result<(), String>;

impl Converter<'_> {
    /// Appends a cell; one that the line lacks is NULL.
    pub fn cell(&mut self, column: &mut Column, cell: Option<&str>) -> Converted {
        let null = self.rules.null.as_deref();
        let Some(text) = cell.filter(|text| null != Some(*text)) else {
            return column.push_null().map_err(|e| format!("is {}", e.message));
        };
        let before = column.len();
        match self.not_null(column, text) {
            Err(_) if self.rules.ignore_errors && column.ty.nullable => {
                column.truncate(before);
                self.nulled += 1;
                column.push_null().map_err(|e| e.message)
            }
            done => done,
        }
    }

    fn not_null(&mut self, column: &mut Column, text: &str) -> Converted {
        let Column { values, ty, .. } = column;
        let fits = match values {
            Values::Text(ranges) => push(ranges, |bytes| bytes.extend_from_slice(text.as_bytes())),
            Values::Boolean(values) => {
                values.push(number::trim(text).eq_ignore_ascii_case("true"));
                Some(())
            }
            Values::TinyInt(values) => number::trim(text).parse().ok().map(|v| values.push(v)),
            Values::SmallInt(values) => number::trim(text).parse().ok().map(|v| values.push(v)),
            Values::Int(values) => number::trim(text).parse().ok().map(|v| values.push(v)),
            Values::BigInt(values) => number::trim(text).parse().ok().map(|v| values.push(v)),
            Values::Float(values) => number::parse_float(text).map(|v| values.push(v)),
            Values::Double(values) => number::parse_double(text).map(|v| values.push(v)),
            Values::Decimal { precision, scale, values } => match number::parse_decimal(text, *precision, *scale) {
                Decimal::Fits(unscaled) => {
                    values.push(unscaled);
                    Some(())
                }
                Decimal::Overflow if ty.nullable => return column.push_null().map_err(|e| e.message),
                Decimal::Overflow | Decimal::Invalid => None,
            },
            Values::Date(values) => temporal::parse_loose_date(text.as_bytes()).map(|days| values.push(days)),
            Values::Time(values) => time(text, ty).map(|ms| values.push(ms)),
            Values::Timestamp { unit, zoned, values } => {
                let form = TimestampForm { separator: b' ', short: false, strict: false, zoned: *zoned };
                let text = if *zoned { text } else { number::trim(text) };
                let moment = temporal::parse_timestamp(text.as_bytes(), form).and_then(|m| m.in_unit(*unit));
                moment.map(|value| values.push(value))
            }
            Values::Bytes(ranges) => {
                let start = ranges.bytes.len();
                let done = base64::decode(text.as_bytes(), &mut ranges.bytes);
                if done.is_none() {
                    ranges.bytes.truncate(start);
                }
                done.and_then(|()| push(ranges, |_| {}))
            }
            Values::Array { ends, items } => {
                for element in elements(text, &self.rules.element_delimiter) {
                    self.cell(items, Some(element))?;
                }
                ends.push(items.len() as i32);
                Some(())
            }
            // No element at all is no row.
            Values::Row(_) if text.is_empty() => return column.push_null().map_err(|e| format!("is {}", e.message)),
            Values::Row(columns) => {
                let given: Vec<&str> = elements(text, &self.rules.element_delimiter).collect();
                if given.len() != columns.len() && !self.rules.ignore_errors {
                    return Err(format!("has {} elements, expected {} for {}", given.len(), columns.len(), ty.kind));
                }
                for (i, column) in columns.iter_mut().enumerate() {
                    self.cell(column, given.get(i).copied())?;
                }
                Some(())
            }
            Values::Map { .. } => None,
        };
        fits.ok_or_else(|| format!("is {}, expected {}", shown(text), ty.kind))?;
        column.pushed();
        Ok(())
    }
}

fn push(ranges: &mut Ranges, write: impl FnOnce(&mut Vec<u8>)) -> Option<()> {
    write(&mut ranges.bytes);
    ranges.ends.push(i32::try_from(ranges.bytes.len()).ok()?);
    Some(())
}

fn elements<'a>(text: &'a str, delimiter: &'a str) -> impl Iterator<Item = &'a str> {
    let whole = delimiter.is_empty() && !text.is_empty();
    let split = (!text.is_empty() && !whole).then(|| text.split(delimiter));
    split.into_iter().flatten().chain(whole.then_some(text))
}

/// Milliseconds of the day, cut to the column's precision.
fn time(text: &str, ty: &SqlType) -> Option<i32> {
    if text.starts_with("24") {
        return None;
    }
    let ms = temporal::parse_time(text.as_bytes(), true)? / 1_000_000;
    let step = match ty.kind {
        TypeKind::Time(0) => 1000,
        TypeKind::Time(1) => 100,
        TypeKind::Time(2) => 10,
        _ => 1,
    };
    Some((ms / step * step) as i32)
}

/// A cell as messages show it: at most some 60 characters.
fn shown(text: &str) -> String {
    match text.char_indices().nth(60) {
        Some((end, _)) => format!("\"{}...\"", &text[..end]),
        None => format!("\"{text}\""),
    }
}
