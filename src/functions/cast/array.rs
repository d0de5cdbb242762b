//! A batch of values, cast.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, new_null_array};
use arrow::compute;
use chrono_tz::Tz;

use super::{CastMode, collection, decimal, expression, number, string, temporal, text};
use crate::error::{Error, Result};
use crate::types::print::{PrintStyle, print_value};
use crate::types::{SqlType, TypeKind};

/// A cast batch, with the rows that could not be converted. Those are NULL in `array`.
pub(super) struct Converted {
    pub array: ArrayRef,
    /// Ascending, mostly empty.
    pub failed: Vec<usize>,
}

impl Converted {
    pub fn new(array: ArrayRef, failed: Vec<usize>) -> Self {
        Self { array, failed }
    }
}

impl From<ArrayRef> for Converted {
    fn from(array: ArrayRef) -> Self {
        Self { array, failed: Vec::new() }
    }
}

/// Casts a batch of `from` to `to`, as [`super::cast`] would.
///
/// # Errors
/// A data error naming the first value that can't be converted, unless `mode` is [`CastMode::Try`].
pub fn cast_array(array: &ArrayRef, from: &SqlType, to: &SqlType, mode: CastMode, zone: Tz) -> Result<ArrayRef> {
    let converted = convert(array, from, to, zone)?;
    if mode != CastMode::Try
        && let Some(&row) = converted.failed.first()
    {
        return Err(failure(array, row, from, to, zone));
    }
    // Kernels of nested types may leave something in a row that failed.
    let failed = |row: &usize| converted.array.is_valid(*row);
    if converted.failed.iter().any(failed) {
        return null_rows(&converted);
    }
    Ok(converted.array)
}

fn null_rows(converted: &Converted) -> Result<ArrayRef> {
    let mut failed = vec![false; converted.array.len()];
    for &row in &converted.failed {
        failed[row] = true;
    }
    Ok(compute::nullif(&converted.array, &BooleanArray::from(failed))?)
}

fn failure(array: &ArrayRef, row: usize, from: &SqlType, to: &SqlType, zone: Tz) -> Error {
    const LONGEST: usize = 100;
    let mut value = String::new();
    print_value(array, row, from, zone, PrintStyle::Client, &mut value);
    if let Some((end, _)) = value.char_indices().nth(LONGEST) {
        value.truncate(end);
        value.push('…');
    }
    let value = if from.kind.is_string() { format!("'{value}'") } else { value };
    Error::data(format!("cannot cast {value} to {}", to.kind))
        .with_hint(format!("Use TRY_CAST(… AS {}) to get NULL for values that can't be converted.", to.kind))
}

/// Chooses the kernel. Where the types can't be cast at all, the planner has refused already.
pub(super) fn convert(array: &ArrayRef, from: &SqlType, to: &SqlType, zone: Tz) -> Result<Converted> {
    use TypeKind::*;
    let (source, target) = (&from.kind, &to.kind);
    if *source == Null {
        return Ok(new_null_array(&to.arrow(), array.len()).into());
    }
    if *array.data_type() == to.arrow() && expression::leaves_values_alone(source, target) {
        return Ok(array.clone().into());
    }
    if expression::arrow_agrees(source, target) {
        return Ok(compute::cast(array, &to.arrow())?.into());
    }
    match (source, target) {
        (Array(_) | Map(..) | Multiset(_) | Row(_), Array(_) | Map(..) | Multiset(_) | Row(_)) => {
            collection::convert(array, from, to, zone)
        }
        (a, b) if b.is_string() => text::to_string(array, from, b, zone, a.is_string()).map(Into::into),
        (a, b) if b.is_binary() && (a.is_string() || a.is_binary()) => text::to_binary(array, b).map(Into::into),
        (a, Boolean) if a.is_string() => Ok(string::to_boolean(array.as_string())),
        (a, Decimal { precision, scale }) if a.is_string() => decimal::parse(array.as_string(), *precision, *scale),
        (a, b) if a.is_string() && b.is_numeric() => string::to_number(array.as_string(), b),
        (a, b) if a.is_string() => temporal::parse(array.as_string(), b, zone),
        (a, Decimal { precision, scale }) => decimal::from_number(array, a, *precision, *scale),
        (Decimal { scale, .. }, b) => decimal::to_number(array.as_primitive(), *scale, b).map(Into::into),
        (a, b) if a.is_numeric() || *a == Boolean => number::convert(array, a, b).map(Into::into),
        (a, b) => temporal::convert(array, a, b, zone),
    }
}

/// The error for a pair of types that no kernel knows.
pub(super) fn no_kernel(from: &TypeKind, to: &TypeKind) -> Error {
    Error::internal(format!("no kernel casts {from} to {to}"))
}

/// Wraps an array.
pub(super) fn arc(array: impl Array + 'static) -> ArrayRef {
    Arc::new(array)
}
