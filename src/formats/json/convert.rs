//! JSON values to column values, by Flink's rules.

use indexmap::IndexMap;
use serde_json::value::RawValue;

use super::document::Node;
use super::encoder::write_string;
use super::shape::{Keys, Shape};
use super::{Rules, base64};
use crate::formats::column::{Column, Ranges, Values};
use crate::formats::number::{self, Decimal};
use crate::formats::{FormatError, Place, temporal};

/// Why a value can't be converted, and where it stands.
#[derive(Debug)]
pub(super) struct Misfit {
    /// Names of fields from the outermost in.
    path: Vec<String>,
    /// `is "abc", expected DOUBLE`
    problem: String,
}

impl Misfit {
    fn new(problem: impl Into<String>) -> Self {
        Self { path: Vec::new(), problem: problem.into() }
    }

    fn inside(mut self, field: &str) -> Self {
        self.path.insert(0, field.to_string());
        self
    }

    /// `field "a.b" is "abc", expected DOUBLE`
    pub fn message(&self) -> String {
        match self.path.is_empty() {
            true => format!("the document {}", self.problem),
            false => format!("field \"{}\" {}", self.path.join("."), self.problem),
        }
    }
}

type Converted = Result<(), Misfit>;

/// Converts by the rules, and counts what was set to NULL because it could not be converted.
pub(super) struct Converter<'a> {
    pub rules: &'a Rules,
    /// A column of the schema is a DECIMAL: then Jackson reads all fractions of a tree exactly.
    pub exact: bool,
    pub nulled: u64,
}

impl Converter<'_> {
    /// Appends an object as one row. On an error the columns may have begun one.
    pub fn row(&mut self, columns: &mut [Column], keys: &Keys, value: &RawValue) -> Converted {
        match Node::of(value).map_err(Misfit::from)? {
            Node::Object(object) => self.fields(columns, keys, &object),
            other => Err(Misfit::new(format!("is {}, expected an object", shown(&other)))),
        }
    }

    fn fields(&mut self, columns: &mut [Column], keys: &Keys, object: &IndexMap<String, &RawValue>) -> Converted {
        for ((column, name), shape) in columns.iter_mut().zip(&keys.names).zip(&keys.shapes) {
            let done = match object.get(name) {
                Some(value) => self.value(column, shape, value),
                None if self.rules.fail_on_missing => Err(Misfit::new("is missing")),
                None => {
                    column.push_null().map_err(|e| Misfit::new(format!("is missing, which makes it {}", e.message)))
                }
            };
            done.map_err(|misfit| misfit.inside(name))?;
        }
        Ok(())
    }

    /// Appends a value; what does not fit becomes NULL where the rules say so and the column takes it.
    fn value(&mut self, column: &mut Column, shape: &Shape, value: &RawValue) -> Converted {
        let value = &Node::of(value).map_err(Misfit::from)?;
        if matches!(value, Node::Null) {
            return column.push_null().map_err(|e| Misfit::new(format!("is {}", e.message)));
        }
        let before = column.len();
        match self.not_null(column, shape, value) {
            Err(_) if self.rules.ignore_errors && column.ty.nullable => {
                column.truncate(before);
                self.nulled += 1;
                column.push_null().map_err(|e| Misfit::new(e.message))
            }
            done => done,
        }
    }

    fn not_null(&mut self, column: &mut Column, shape: &Shape, value: &Node) -> Converted {
        let Column { values, ty, .. } = column;
        let misfit = || Misfit::new(format!("is {}, expected {}", shown(value), ty.kind));
        if let Values::Decimal { precision, scale, values } = values {
            let text = match value {
                Node::Text(text) => number::trim(text),
                Node::Number(number) => number,
                _ => return Err(misfit()),
            };
            match number::parse_decimal(text, *precision, *scale) {
                Decimal::Fits(unscaled) => values.push(unscaled),
                Decimal::Overflow if ty.nullable => return column.push_null().map_err(|e| Misfit::new(e.message)),
                Decimal::Overflow | Decimal::Invalid => return Err(misfit()),
            }
            column.pushed();
            return Ok(());
        }
        let timestamps = self.rules.timestamps;
        match values {
            Values::Text(ranges) => {
                write_text(value, self.exact, &mut ranges.bytes)?;
                end_range(ranges)?;
            }
            Values::Boolean(values) => values.push(scalar_text(value).is_some_and(is_true)),
            Values::TinyInt(values) => values.push(parse_int(value, false).ok_or_else(misfit)?),
            Values::SmallInt(values) => values.push(parse_int(value, false).ok_or_else(misfit)?),
            Values::Int(values) => values.push(parse_int(value, true).ok_or_else(misfit)?),
            Values::BigInt(values) => values.push(parse_int(value, true).ok_or_else(misfit)?),
            Values::Double(values) => {
                values.push(scalar_text(value).and_then(number::parse_double).ok_or_else(misfit)?);
            }
            Values::Float(values) => {
                values.push(scalar_text(value).and_then(number::parse_float).ok_or_else(misfit)?);
            }
            // Done above: too many digits make a NULL.
            Values::Decimal { .. } => return Err(misfit()),
            Values::Date(values) => values.push(as_text(value).and_then(temporal::parse_date).ok_or_else(misfit)?),
            Values::Time(values) => {
                let nanos = as_text(value).and_then(|t| temporal::parse_time(t, false)).ok_or_else(misfit)?;
                // Whole seconds, as Flink reads them.
                values.push((nanos / 1_000_000_000) as i32 * 1000);
            }
            Values::Timestamp { unit, zoned, values } => {
                let moment = as_text(value).and_then(|t| timestamps.parse(t, *zoned));
                let parsed = moment.and_then(|m| m.in_unit(*unit)).ok_or_else(|| {
                    let mut misfit = misfit();
                    misfit.problem.push_str(&format!(" such as {}", timestamps.example(*zoned)));
                    misfit
                })?;
                values.push(parsed);
            }
            Values::Bytes(ranges) => {
                as_text(value).and_then(|t| base64::decode(t, &mut ranges.bytes)).ok_or_else(|| {
                    let mut misfit = misfit();
                    misfit.problem.push_str(" in base64");
                    misfit
                })?;
                end_range(ranges)?;
            }
            Values::Array { ends, items } => {
                let (Node::Array(array), Shape::Array(shape)) = (value, shape) else { return Err(misfit()) };
                for item in array {
                    self.value(items, shape, item)?;
                }
                ends.push(items.len() as i32);
            }
            Values::Map { ends, keys, values } => {
                let (Node::Object(object), Shape::Map(shape)) = (value, shape) else { return Err(misfit()) };
                for (key, item) in object {
                    self.not_null(keys, &Shape::Leaf, &Node::Text(key.clone()))?;
                    self.value(values, shape, item).map_err(|m| m.inside(key))?;
                }
                ends.push(keys.len() as i32);
            }
            Values::Row(columns) => {
                let (Node::Object(object), Shape::Row(keys)) = (value, shape) else { return Err(misfit()) };
                self.fields(columns, keys, object)?;
            }
        }
        column.pushed();
        Ok(())
    }
}

fn end_range(ranges: &mut Ranges) -> Converted {
    let end = i32::try_from(ranges.bytes.len()).map_err(|_| Misfit::new("is too large for a batch"))?;
    ranges.ends.push(end);
    Ok(())
}

fn as_text<'a>(value: &'a Node) -> Option<&'a [u8]> {
    match value {
        Node::Text(text) => Some(text.as_bytes()),
        _ => None,
    }
}

/// A string, a number as it is written, `true` or `false`.
fn scalar_text<'a>(value: &'a Node) -> Option<&'a str> {
    match value {
        Node::Text(text) => Some(text),
        Node::Number(number) => Some(number),
        Node::Bool(true) => Some("true"),
        Node::Bool(false) => Some("false"),
        _ => None,
    }
}

/// Java's `parseBoolean`: whatever is not "true" in any case is false.
fn is_true(text: &str) -> bool {
    number::trim(text).eq_ignore_ascii_case("true")
}

/// A whole number, from a number or a text. Fractions of numbers are cut off where `from_fraction`.
fn parse_int<T: TryFrom<i64> + std::str::FromStr>(value: &Node, from_fraction: bool) -> Option<T> {
    match value {
        Node::Text(text) => number::trim(text).parse().ok(),
        Node::Number(text) => {
            if !text.contains(['.', 'e', 'E']) {
                return text.parse().ok();
            }
            let whole = if from_fraction { text.parse::<f64>().ok()?.trunc() } else { return None };
            // Both bounds are exact doubles; the upper one is the first that no longer fits.
            let fits = (-9_223_372_036_854_775_808.0..9_223_372_036_854_775_808.0).contains(&whole);
            fits.then(|| T::try_from(whole as i64).ok())?
        }
        _ => None,
    }
}

/// Appends what a STRING column gets: a string itself, numbers and truths as written, the rest as JSON.
fn write_text(value: &Node, exact: bool, out: &mut Vec<u8>) -> Converted {
    match scalar_text(value) {
        Some(text) => {
            out.extend_from_slice(text.as_bytes());
            Ok(())
        }
        None => write_json(value, exact, out),
    }
}

/// Appends a value as Jackson writes a tree that it has read. The document's depth is bounded, and so is this.
fn write_json(value: &Node, exact: bool, out: &mut Vec<u8>) -> Converted {
    match value {
        Node::Null => out.extend_from_slice(b"null"),
        Node::Bool(value) => out.extend_from_slice(if *value { b"true" } else { b"false" }),
        Node::Number(number) => write_number(number, exact, out),
        Node::Text(text) => write_string(text, out),
        Node::Array(items) => {
            out.push(b'[');
            for (i, item) in items.iter().enumerate() {
                if i > 0 {
                    out.push(b',');
                }
                write_json(&Node::of(item)?, exact, out)?;
            }
            out.push(b']');
        }
        Node::Object(object) => {
            out.push(b'{');
            for (i, (key, item)) in object.iter().enumerate() {
                if i > 0 {
                    out.push(b',');
                }
                write_string(key, out);
                out.push(b':');
                write_json(&Node::of(item)?, exact, out)?;
            }
            out.push(b'}');
        }
    }
    Ok(())
}

/// A whole number as it is, a fraction as the double that Jackson made of it, or where `exact` as the decimal.
fn write_number(text: &str, exact: bool, out: &mut Vec<u8>) {
    if !text.contains(['.', 'e', 'E']) {
        return out.extend_from_slice(text.as_bytes());
    }
    if exact && let Some((unscaled, scale)) = stripped_decimal(text) {
        return number::write_big_decimal(unscaled, scale, out);
    }
    match text.parse::<f64>() {
        Ok(value) if value.is_finite() => number::write_double(value, out),
        Ok(value) => {
            out.push(b'"');
            number::write_double(value, out);
            out.push(b'"');
        }
        Err(_) => out.extend_from_slice(text.as_bytes()),
    }
}

/// A number's digits and scale without last zeros; none where they are more than 38.
fn stripped_decimal(text: &str) -> Option<(i128, i32)> {
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let mut unscaled: i128 = format!("{whole}{fraction}").parse().ok()?;
    let mut scale = (fraction.len() as i32).checked_sub(exponent.parse().ok()?)?;
    if unscaled == 0 {
        return Some((0, 0));
    }
    while unscaled % 10 == 0 {
        unscaled /= 10;
        scale -= 1;
    }
    Some((unscaled, scale))
}

/// A value as messages show it: at most some 60 characters.
fn shown(value: &Node) -> String {
    const MAX: usize = 60;
    let text = match value {
        Node::Null => "null".to_string(),
        Node::Bool(value) => value.to_string(),
        Node::Number(number) => number.to_string(),
        Node::Text(text) => format!("\"{text}\""),
        Node::Array(_) => "an array".to_string(),
        Node::Object(_) => "an object".to_string(),
    };
    match text.char_indices().nth(MAX) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text,
    }
}

impl From<FormatError> for Misfit {
    fn from(error: FormatError) -> Self {
        Self::new(format!("is {}", error.message))
    }
}

impl From<Misfit> for FormatError {
    fn from(misfit: Misfit) -> Self {
        let message = misfit.message();
        FormatError::new(message).at((!misfit.path.is_empty()).then_some(Place::Field(misfit.path)))
    }
}
