//! ABS, CEIL, FLOOR, ROUND, TRUNCATE and SIGN: integers and decimals stay exact.

use arrow::array::{ArrayRef, ArrowPrimitiveType, Decimal128Array, PrimitiveArray};
use arrow::datatypes::{
    DataType, Decimal128Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, i256,
};

use crate::error::{Error, Result};
use crate::functions::library::builtin::{Family, Overload, Returns};
use crate::functions::library::call::Call;
use crate::functions::library::operators::rescale;
use crate::functions::library::{BUILTIN, Builtin};
use crate::types::{SqlType, TypeKind};

use Family::{Int, Number};

const SAME: &[Overload] = &[Overload { parameters: &[Number], returns: Returns::Argument(0) }];

/// What is done to a number of each kind.
struct Rules {
    integer: fn(i64) -> i64,
    float: fn(f64) -> f64,
    /// The digits and the scale of a decimal; gives digits of the result's scale.
    decimal: fn(i128, u32, u32) -> Option<i128>,
}

/// A decimal without its fraction.
fn whole(arguments: &[SqlType]) -> Option<TypeKind> {
    Some(match arguments.first()?.kind {
        TypeKind::Decimal { precision, .. } => TypeKind::Decimal { precision, scale: 0 },
        ref other => other.clone(),
    })
}

const WHOLE: &[Overload] = &[Overload { parameters: &[Number], returns: Returns::With(whole) }];

pub static ABS: Builtin = Builtin {
    name: "ABS",
    usage: "ABS(number) is the number without its sign.",
    overloads: SAME,
    kernel: |call| {
        apply(call, &Rules { integer: i64::wrapping_abs, float: f64::abs, decimal: |d, _, _| Some(d.abs()) })
    },
    ..BUILTIN
};

pub static CEIL: Builtin = Builtin {
    name: "CEIL",
    aliases: &["CEILING"],
    usage: "CEIL(number) is the smallest whole number that is not less.",
    overloads: WHOLE,
    kernel: |call| {
        let up = |d: i128, scale: u32, _| Some(-(-d).div_euclid(10i128.checked_pow(scale)?));
        apply(call, &Rules { integer: |n| n, float: f64::ceil, decimal: up })
    },
    ..BUILTIN
};

pub static FLOOR: Builtin = Builtin {
    name: "FLOOR",
    usage: "FLOOR(number) is the largest whole number that is not greater.",
    overloads: WHOLE,
    kernel: |call| {
        let down = |d: i128, scale: u32, _| Some(d.div_euclid(10i128.checked_pow(scale)?));
        apply(call, &Rules { integer: |n| n, float: f64::floor, decimal: down })
    },
    ..BUILTIN
};

pub static SIGN: Builtin = Builtin {
    name: "SIGN",
    usage: "SIGN(number) is -1, 0 or 1.",
    overloads: SAME,
    kernel: |call| {
        let float = |x: f64| if x == 0.0 || x.is_nan() { x } else { x.signum() };
        let decimal = |d: i128, _, to: u32| d.signum().checked_mul(10i128.checked_pow(to)?);
        apply(call, &Rules { integer: i64::signum, float, decimal })
    },
    ..BUILTIN
};

/// Without a number of digits the fraction goes, and may carry; with one that is no constant the scale stays.
fn rounded(arguments: &[SqlType]) -> Option<TypeKind> {
    match arguments {
        [SqlType { kind: TypeKind::Decimal { precision, scale }, .. }] if *scale > 0 => {
            Some(TypeKind::Decimal { precision: precision - scale + 1, scale: 0 })
        }
        _ => arguments.first().map(|a| a.kind.clone()),
    }
}

const DIGITS: &[Overload] = &[
    Overload { parameters: &[Number], returns: Returns::With(rounded) },
    Overload { parameters: &[Number, Int], returns: Returns::With(rounded) },
];

pub static ROUND: Builtin = Builtin {
    name: "ROUND",
    usage: "ROUND(number [, digits]) rounds half up; a negative number of digits rounds before the point.",
    overloads: DIGITS,
    kernel: |call| to_digits(call, true),
    ..BUILTIN
};

pub static TRUNCATE: Builtin = Builtin {
    name: "TRUNCATE",
    usage: "TRUNCATE(number [, digits]) cuts digits off.",
    overloads: DIGITS,
    kernel: |call| to_digits(call, false),
    ..BUILTIN
};

fn each<P: ArrowPrimitiveType>(call: &Call<'_>, f: impl Fn(P::Native) -> P::Native) -> Result<ArrayRef> {
    let numbers = call.column::<PrimitiveArray<P>>(0)?;
    call.collect_as::<P>(|row| Ok(numbers.at(row).map(&f)))
}

fn scale_of(ty: &SqlType) -> u32 {
    match ty.kind {
        TypeKind::Decimal { scale, .. } => u32::from(scale),
        _ => 0,
    }
}

fn apply(call: &Call<'_>, rules: &Rules) -> Result<ArrayRef> {
    let Rules { integer, float, decimal } = *rules;
    match call.argument_type(0)?.arrow() {
        DataType::Int8 => each::<Int8Type>(call, |n| integer(i64::from(n)) as i8),
        DataType::Int16 => each::<Int16Type>(call, |n| integer(i64::from(n)) as i16),
        DataType::Int32 => each::<Int32Type>(call, |n| integer(i64::from(n)) as i32),
        DataType::Int64 => each::<Int64Type>(call, integer),
        DataType::Float32 => each::<Float32Type>(call, |x| float(f64::from(x)) as f32),
        DataType::Float64 => each::<Float64Type>(call, float),
        DataType::Decimal128(..) => {
            let numbers = call.column::<Decimal128Array>(0)?;
            let (from, to) = (scale_of(call.argument_type(0)?), scale_of(&call.types.returns));
            call.collect_as::<Decimal128Type>(|row| Ok(numbers.at(row).and_then(|d| decimal(d, from, to))))
        }
        other => Err(Error::internal(format!("{other} is no number"))),
    }
}

/// A number given by its digits and scale, rounded or cut to `digits` behind the point, at scale `to`.
fn fit(value: i128, scale: i32, digits: i32, to: i32, round: bool) -> Option<i128> {
    let value = i256::from_i128(value);
    if digits >= scale {
        return rescale(value, scale, to)?.to_i128();
    }
    let power = i256::from_i128(10).checked_pow(u32::try_from(scale.checked_sub(digits)?).ok()?);
    let Some(power) = power else { return Some(0) };
    let kept = match round {
        true => rescale(value, scale, digits)?,
        false => value.checked_div(power)?,
    };
    rescale(kept, digits, to)?.to_i128()
}

fn to_digits(call: &Call<'_>, round: bool) -> Result<ArrayRef> {
    let digits = if call.arguments.len() > 1 { Some(call.int(1)?) } else { None };
    let digits = |row| digits.as_ref().map_or(Some(0), |d| d.at(row));
    macro_rules! integers {
        ($ty:ty) => {{
            let numbers = call.column::<PrimitiveArray<$ty>>(0)?;
            call.collect_as::<$ty>(|row| {
                let Some((n, digits)) = numbers.at(row).zip(digits(row)) else { return Ok(None) };
                Ok(fit(i128::from(n), 0, digits.min(0), 0, round).map(|n| n as _))
            })
        }};
    }
    macro_rules! floats {
        ($ty:ty) => {{
            let numbers = call.column::<PrimitiveArray<$ty>>(0)?;
            call.collect_as::<$ty>(|row| {
                let Some((x, digits)) = numbers.at(row).zip(digits(row)) else { return Ok(None) };
                Ok(Some(float_to_digits(&x.to_string(), digits, round).map_or(x, |x| x as _)))
            })
        }};
    }
    match call.argument_type(0)?.arrow() {
        DataType::Int8 => integers!(Int8Type),
        DataType::Int16 => integers!(Int16Type),
        DataType::Int32 => integers!(Int32Type),
        DataType::Int64 => integers!(Int64Type),
        DataType::Float32 => floats!(Float32Type),
        DataType::Float64 => floats!(Float64Type),
        DataType::Decimal128(_, scale) => {
            let numbers = call.column::<Decimal128Array>(0)?;
            let to = scale_of(&call.types.returns) as i32;
            let DataType::Decimal128(room, _) = call.types.returns.arrow() else { return call.array(0) };
            let limit = 10u128.pow(u32::from(room));
            call.collect_as::<Decimal128Type>(|row| {
                let Some((d, digits)) = numbers.at(row).zip(digits(row)) else { return Ok(None) };
                Ok(fit(d, i32::from(scale), digits, to, round).filter(|d| d.unsigned_abs() < limit))
            })
        }
        other => Err(Error::internal(format!("{other} is no number"))),
    }
}

/// Floats are rounded by the digits they print with, as Java's BigDecimal does: 0.15 becomes 0.2. `None`: as it is.
fn float_to_digits(printed: &str, digits: i32, round: bool) -> Option<f64> {
    let (whole, fraction) = printed.split_once('.').unwrap_or((printed, ""));
    if fraction.len() as i64 <= i64::from(digits) {
        return None;
    }
    let value = format!("{whole}{fraction}").parse::<i128>().ok()?;
    let scale = i32::try_from(fraction.len()).ok()?;
    let to = digits.max(0);
    let kept = fit(value, scale, digits, to, round)?;
    format!("{kept}e-{to}").parse().ok()
}
