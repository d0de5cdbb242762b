//! DECIMAL from and to everything: rounded half up, NULL where a number has too many digits.
//!
//! Only a text with too many digits fails: it was meant as this very DECIMAL, while a number that overflows is NULL
//! as everywhere in Flink.

use arrow::array::{ArrayRef, AsArray, Decimal128Builder, PrimitiveArray, StringArray};
use arrow::datatypes::{
    ArrowPrimitiveType, Decimal128Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type,
};
use arrow::error::ArrowError;

use super::array::{Converted, arc, no_kernel};
use super::number::truth;
use super::string::parse_each;
use crate::error::Result;
use crate::types::TypeKind;
use crate::types::print::{java_double, write_decimal};

/// Reads texts like `-12.50` or `1.2e3`, blanks around them aside.
pub(super) fn parse(strings: &StringArray, precision: u8, scale: u8) -> Result<Converted> {
    let parsed = parse_each::<Decimal128Type>(strings, |text| parse_decimal(text.trim_matches(' '), precision, scale));
    let array =
        parsed.array.as_primitive::<Decimal128Type>().clone().with_precision_and_scale(precision, scale as i8)?;
    Ok(Converted::new(arc(array), parsed.failed))
}

/// Casts numbers and BOOLEAN. NaN and the infinities fail.
pub(super) fn from_number(array: &ArrayRef, from: &TypeKind, precision: u8, scale: u8) -> Result<Converted> {
    use TypeKind::*;
    let fit = |v: i128, from_scale: u8| rescale(v, from_scale as i32, scale).and_then(|v| fits(v, precision));
    let exact = |array: PrimitiveArray<Decimal128Type>| -> Result<Converted, ArrowError> {
        Ok(Converted::from(arc(array.with_precision_and_scale(precision, scale as i8)?)))
    };
    Ok(match from {
        Boolean => {
            let bits = array.as_boolean();
            let values = bits.iter().map(|b| b.and_then(|b| fit(b as i128, 0)));
            exact(values.collect())?
        }
        TinyInt => exact(array.as_primitive::<Int8Type>().unary_opt(|v| fit(v as i128, 0)))?,
        SmallInt => exact(array.as_primitive::<Int16Type>().unary_opt(|v| fit(v as i128, 0)))?,
        Int => exact(array.as_primitive::<Int32Type>().unary_opt(|v| fit(v as i128, 0)))?,
        BigInt => exact(array.as_primitive::<Int64Type>().unary_opt(|v| fit(v as i128, 0)))?,
        Decimal { scale: s, .. } => exact(array.as_primitive::<Decimal128Type>().unary_opt(|v| fit(v, *s)))?,
        Float => from_approximate(array.as_primitive::<Float32Type>(), precision, scale)?,
        Double => from_approximate(array.as_primitive::<Float64Type>(), precision, scale)?,
        _ => return Err(no_kernel(from, &Decimal { precision, scale })),
    })
}

/// Takes the digits that Java would print.
fn from_approximate<S>(array: &PrimitiveArray<S>, precision: u8, scale: u8) -> Result<Converted>
where
    S: ArrowPrimitiveType,
    S::Native: Into<f64>,
{
    let mut failed = Vec::new();
    let mut builder = Decimal128Builder::with_capacity(array.len()).with_precision_and_scale(precision, scale as i8)?;
    let mut text = String::new();
    for (row, value) in array.iter().enumerate() {
        let Some(value) = value.map(Into::into) else {
            builder.append_null();
            continue;
        };
        if !value.is_finite() {
            failed.push(row);
        }
        text.clear();
        java_double(value, &mut text);
        builder.append_option(parse_decimal(&text, precision, scale));
    }
    Ok(Converted::new(arc(builder.finish()), failed))
}

/// Integers get the whole part, wrapped like Java's `longValue`; anything but zero is TRUE.
pub(super) fn to_number(values: &PrimitiveArray<Decimal128Type>, scale: u8, to: &TypeKind) -> Result<ArrayRef> {
    use TypeKind::*;
    let power = power_of_ten(scale as u32).unwrap_or(i128::MAX);
    let long = |v: i128| (v / power) as i64;
    Ok(match to {
        TinyInt => arc(values.unary::<_, Int8Type>(|v| long(v) as i8)),
        SmallInt => arc(values.unary::<_, Int16Type>(|v| long(v) as i16)),
        Int => arc(values.unary::<_, Int32Type>(|v| long(v) as i32)),
        BigInt => arc(values.unary::<_, Int64Type>(long)),
        Float => arc(values.unary::<_, Float32Type>(|v| to_double(v, scale) as f32)),
        Double => arc(values.unary::<_, Float64Type>(|v| to_double(v, scale))),
        Boolean => truth(values, |v| v != 0),
        _ => return Err(no_kernel(&Decimal { precision: values.precision(), scale }, to)),
    })
}

/// The nearest double: by a division where both operands are exact, else by way of the digits.
fn to_double(unscaled: i128, scale: u8) -> f64 {
    const EXACT: u128 = 1 << 53;
    if unscaled.unsigned_abs() <= EXACT && scale <= 22 {
        return unscaled as f64 / 10f64.powi(scale as i32);
    }
    let mut text = String::new();
    write_decimal(unscaled, scale, &mut text);
    text.parse().unwrap_or(f64::NAN)
}

pub(super) fn power_of_ten(exponent: u32) -> Option<i128> {
    10i128.checked_pow(exponent)
}

fn fits(value: i128, precision: u8) -> Option<i128> {
    power_of_ten(precision as u32).is_some_and(|limit| value.unsigned_abs() < limit.unsigned_abs()).then_some(value)
}

/// `unscaled` of scale `from` at scale `to`, rounded half up (away from zero). `None` beyond 128 bits.
fn rescale(unscaled: i128, from: i32, to: u8) -> Option<i128> {
    let shift = to as i32 - from;
    if shift >= 0 {
        return if unscaled == 0 { Some(0) } else { unscaled.checked_mul(power_of_ten(shift as u32)?) };
    }
    let Some(divisor) = power_of_ten(shift.unsigned_abs()) else { return Some(0) };
    let (quotient, rest) = (unscaled / divisor, unscaled % divisor);
    let up = rest.unsigned_abs() >= divisor.unsigned_abs().div_ceil(2);
    Some(if up { quotient + unscaled.signum() } else { quotient })
}

/// Reads decimal notation, with or without an exponent. `None` where it isn't a number or has too many digits.
pub(super) fn parse_decimal(text: &str, precision: u8, scale: u8) -> Option<i128> {
    let (negative, text) = match text.strip_prefix(['-', '+']) {
        Some(rest) => (text.starts_with('-'), rest),
        None => (false, text),
    };
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
        None => (text, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    // Digits that 128 bits don't hold only count for their place and, behind the scale, for nothing at all.
    let mut unscaled = 0i128;
    let mut dropped = 0i32;
    for &b in whole.as_bytes().iter().chain(fraction.as_bytes()) {
        if !b.is_ascii_digit() {
            return None;
        }
        let digit = (b - b'0') as i128;
        match unscaled.checked_mul(10).and_then(|v| v.checked_add(digit)) {
            Some(next) if dropped == 0 => unscaled = next,
            _ => dropped += 1,
        }
    }
    let value_scale = (fraction.len() as i32).checked_sub(dropped)?.checked_sub(exponent)?;
    let value = rescale(unscaled, value_scale, scale)?;
    fits(if negative { -value } else { value }, precision)
}
