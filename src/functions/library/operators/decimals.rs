//! Decimal arithmetic in 256 bits, rounded half up to the result's scale; what outgrows its type is NULL.

use std::cmp::Ordering;

use arrow::array::{ArrayRef, Decimal128Array};
use arrow::datatypes::{ArrowNativeTypeOp, Decimal128Type, i256};

use super::division_by_zero;
use crate::error::{Error, Result};
use crate::functions::library::call::Call;
use crate::functions::library::{BUILTIN, Builtin};
use crate::types::{SqlType, TypeKind};

pub static DECIMAL_PLUS: Builtin =
    Builtin { name: "+", kernel: |call| aligned(call, |a, b| Ok(a.checked_add(b))), ..BUILTIN };

pub static DECIMAL_MINUS: Builtin =
    Builtin { name: "-", kernel: |call| aligned(call, |a, b| Ok(a.checked_sub(b))), ..BUILTIN };

pub static DECIMAL_MODULO: Builtin = Builtin {
    name: "%",
    kernel: |call| aligned(call, |a, b| if b == i256::ZERO { Err(division_by_zero()) } else { Ok(a.checked_rem(b)) }),
    ..BUILTIN
};

pub static DECIMAL_MULTIPLY: Builtin = Builtin {
    name: "*",
    kernel: |call| {
        let scale = size(call.argument_type(0)?)?.1 + size(call.argument_type(1)?)?.1;
        rows(call, |a, b, to| Ok(a.checked_mul(b).and_then(|product| rescale(product, scale, to))))
    },
    ..BUILTIN
};

pub static DECIMAL_DIVIDE: Builtin = Builtin {
    name: "/",
    kernel: |call| {
        let (s1, s2) = (size(call.argument_type(0)?)?.1, size(call.argument_type(1)?)?.1);
        rows(call, |a, b, to| {
            if b == i256::ZERO {
                return Err(division_by_zero());
            }
            // a / 10^s1 / (b / 10^s2) at scale `to` is a * 10^(to + s2 - s1) / b. A numerator beyond 256 bits means a
            // quotient beyond 38 digits.
            let shift = to + s2 - s1;
            let (numerator, denominator) = match shift >= 0 {
                true => (power(shift).and_then(|p| a.checked_mul(p)), Some(b)),
                false => (Some(a), power(-shift).and_then(|p| b.checked_mul(p))),
            };
            Ok(numerator.zip(denominator).and_then(|(n, d)| divide_half_up(n, d)))
        })
    },
    ..BUILTIN
};

/// For decimals whose common type would have more than 38 digits.
pub static DECIMAL_COMPARISONS: [Builtin; 8] = [
    Builtin { name: "=", kernel: |call| compare(call, Ordering::is_eq), ..BUILTIN },
    Builtin { name: "!=", kernel: |call| compare(call, Ordering::is_ne), ..BUILTIN },
    Builtin { name: "<", kernel: |call| compare(call, Ordering::is_lt), ..BUILTIN },
    Builtin { name: "<=", kernel: |call| compare(call, Ordering::is_le), ..BUILTIN },
    Builtin { name: ">", kernel: |call| compare(call, Ordering::is_gt), ..BUILTIN },
    Builtin { name: ">=", kernel: |call| compare(call, Ordering::is_ge), ..BUILTIN },
    Builtin { name: "IS DISTINCT FROM", kernel: |call| distinct(call, true), ..BUILTIN },
    Builtin { name: "IS NOT DISTINCT FROM", kernel: |call| distinct(call, false), ..BUILTIN },
];

/// Precision and scale; an integer is a decimal of scale 0.
fn size(ty: &SqlType) -> Result<(u8, i32)> {
    match ty.kind {
        TypeKind::Decimal { precision, scale } => Ok((precision, i32::from(scale))),
        ref other => Err(Error::internal(format!("{other} is no decimal"))),
    }
}

fn power(exponent: i32) -> Option<i256> {
    i256::from_i128(10).pow_checked(u32::try_from(exponent).ok()?).ok()
}

/// The quotient, halves away from zero.
pub(in crate::functions::library) fn divide_half_up(numerator: i256, denominator: i256) -> Option<i256> {
    let quotient = numerator.checked_div(denominator)?;
    let remainder = numerator.checked_rem(denominator)?;
    let twice = remainder.checked_abs()?.checked_mul(i256::from_i128(2))?;
    if twice < denominator.checked_abs()? {
        return Some(quotient);
    }
    let away = if numerator.is_negative() == denominator.is_negative() { i256::ONE } else { i256::MINUS_ONE };
    quotient.checked_add(away)
}

pub(in crate::functions::library) fn rescale(value: i256, from: i32, to: i32) -> Option<i256> {
    match from <= to {
        true => value.checked_mul(power(to - from)?),
        false => divide_half_up(value, power(from - to)?),
    }
}

/// Both operands at their larger scale.
fn aligned(call: &Call<'_>, op: impl Fn(i256, i256) -> Result<Option<i256>>) -> Result<ArrayRef> {
    let (s1, s2) = (size(call.argument_type(0)?)?.1, size(call.argument_type(1)?)?.1);
    let scale = s1.max(s2);
    rows(call, |a, b, to| {
        let Some((a, b)) = rescale(a, s1, scale).zip(rescale(b, s2, scale)) else { return Ok(None) };
        Ok(op(a, b)?.and_then(|value| rescale(value, scale, to)))
    })
}

/// One operation per row; `op` gets the result's scale and gives the result's digits.
fn rows(call: &Call<'_>, op: impl Fn(i256, i256, i32) -> Result<Option<i256>>) -> Result<ArrayRef> {
    let (left, right) = (call.column::<Decimal128Array>(0)?, call.column::<Decimal128Array>(1)?);
    let (precision, scale) = size(&call.types.returns)?;
    let limit = 10i128.pow(u32::from(precision));
    call.collect_as::<Decimal128Type>(|row| {
        let (Some(a), Some(b)) = (left.at(row), right.at(row)) else { return Ok(None) };
        let value = op(i256::from_i128(a), i256::from_i128(b), scale)?.and_then(i256::to_i128);
        Ok(value.filter(|v| v.unsigned_abs() < limit.unsigned_abs()))
    })
}

/// The order of each row's two values, `None` where one is NULL.
fn order(call: &Call<'_>) -> Result<impl Fn(usize) -> Option<Ordering>> {
    let (s1, s2) = (size_of_operand(call, 0)?, size_of_operand(call, 1)?);
    let (left, right) = (call.column::<Decimal128Array>(0)?, call.column::<Decimal128Array>(1)?);
    Ok(move |row| {
        let (a, b) = (i256::from_i128(left.at(row)?), i256::from_i128(right.at(row)?));
        let scale = s1.max(s2);
        Some(rescale(a, s1, scale)?.cmp(&rescale(b, s2, scale)?))
    })
}

fn size_of_operand(call: &Call<'_>, n: usize) -> Result<i32> {
    size(call.argument_type(n)?).map(|(_, scale)| scale)
}

fn compare(call: &Call<'_>, test: fn(Ordering) -> bool) -> Result<ArrayRef> {
    let order = order(call)?;
    call.collect(|row| order(row).map(test))
}

fn distinct(call: &Call<'_>, distinct: bool) -> Result<ArrayRef> {
    use arrow::array::Array;
    let order = order(call)?;
    let (left, right) = (call.array(0)?, call.array(1)?);
    call.collect(|row| {
        let same = match order(row) {
            Some(order) => order.is_eq(),
            None => left.is_null(row) && right.is_null(row),
        };
        Some(same != distinct)
    })
}
