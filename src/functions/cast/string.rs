//! STRING read as a number or a BOOLEAN.

use arrow::array::{Array, BooleanBuilder, PrimitiveBuilder, StringArray};
use arrow::datatypes::{ArrowPrimitiveType, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type};

use super::array::{Converted, arc, no_kernel};
use crate::error::Result;
use crate::types::{STRING_LENGTH, TypeKind};

pub(super) fn to_boolean(strings: &StringArray) -> Converted {
    let mut failed = Vec::new();
    let mut builder = BooleanBuilder::with_capacity(strings.len());
    for (row, text) in strings.iter().enumerate() {
        let value = text.and_then(boolean);
        if text.is_some() && value.is_none() {
            failed.push(row);
        }
        builder.append_option(value);
    }
    Converted::new(arc(builder.finish()), failed)
}

/// The words for TRUE and FALSE, in any case but without blanks.
fn boolean(text: &str) -> Option<bool> {
    let is = |word: &&str| text.eq_ignore_ascii_case(word);
    if ["true", "t", "yes", "y", "1"].iter().any(is) {
        Some(true)
    } else if ["false", "f", "no", "n", "0"].iter().any(is) {
        Some(false)
    } else {
        None
    }
}

/// An integer or an approximate number, with blanks around it.
pub(super) fn to_number(strings: &StringArray, to: &TypeKind) -> Result<Converted> {
    use TypeKind::*;
    Ok(match to {
        TinyInt => parse_each::<Int8Type>(strings, |s| integer(s)?.try_into().ok()),
        SmallInt => parse_each::<Int16Type>(strings, |s| integer(s)?.try_into().ok()),
        Int => parse_each::<Int32Type>(strings, |s| integer(s)?.try_into().ok()),
        BigInt => parse_each::<Int64Type>(strings, integer),
        Float => parse_each::<Float32Type>(strings, |s| approximate(s, str::parse)),
        Double => parse_each::<Float64Type>(strings, |s| approximate(s, str::parse)),
        _ => return Err(no_kernel(&Varchar(STRING_LENGTH), to)),
    })
}

/// One value per text that `parse` understands; the others fail.
pub(super) fn parse_each<T: ArrowPrimitiveType>(
    strings: &StringArray,
    parse: impl Fn(&str) -> Option<T::Native>,
) -> Converted {
    let mut failed = Vec::new();
    let mut builder = PrimitiveBuilder::<T>::with_capacity(strings.len());
    for (row, text) in strings.iter().enumerate() {
        let value = text.and_then(&parse);
        if text.is_some() && value.is_none() {
            failed.push(row);
        }
        builder.append_option(value);
    }
    Converted::new(arc(builder.finish()), failed)
}

/// Blanks, a sign, digits, and a fraction that is checked and dropped: `" -12.7"` is -12.
fn integer(text: &str) -> Option<i64> {
    let text = text.trim_matches(' ');
    let (negative, digits) = match text.as_bytes() {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        rest => (false, rest),
    };
    if digits.is_empty() {
        return None;
    }
    let point = digits.iter().position(|&b| b == b'.').unwrap_or(digits.len());
    let (whole, fraction) = digits.split_at(point);
    if !fraction.iter().skip(1).all(u8::is_ascii_digit) {
        return None;
    }
    // Summed up as a negative number, of which there is one more.
    let value = whole.iter().try_fold(0i64, |sum, &b| {
        let digit = b.is_ascii_digit().then(|| (b - b'0') as i64)?;
        sum.checked_mul(10)?.checked_sub(digit)
    })?;
    if negative { Some(value) } else { value.checked_neg() }
}

/// What Java's `Double.valueOf` reads: decimal notation with an optional `d` or `f` behind it, `NaN`, `Infinity`.
fn approximate<T: Copy, E>(text: &str, parse: impl Fn(&str) -> Result<T, E>) -> Option<T> {
    let text = text.trim_matches(|c| c <= ' ');
    let unsigned = text.trim_start_matches(['+', '-']);
    let number = match unsigned.as_bytes() {
        b"NaN" | b"Infinity" => text,
        // Rust also reads `inf`, `nan` and `infinity`, Java doesn't.
        [first, ..] if first.is_ascii_digit() || *first == b'.' => {
            text.strip_suffix(['d', 'D', 'f', 'F']).unwrap_or(text)
        }
        _ => return None,
    };
    parse(number).ok()
}
