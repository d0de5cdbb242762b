//! Functions of real numbers: DOUBLE in, DOUBLE out.

use arrow::array::ArrayRef;
use std::sync::Arc;

use crate::error::Result;
use crate::functions::library::builtin::{Family, Nulls, Overload, Returns, TypeName};
use crate::functions::library::call::Call;
use crate::functions::library::{BUILTIN, Builtin};

use Family::Double;

const DOUBLE: Returns = Returns::Kind(TypeName::Double);
const ONE: &[Overload] = &[Overload { parameters: &[Double], returns: DOUBLE }];
const TWO: &[Overload] = &[Overload { parameters: &[Double, Double], returns: DOUBLE }];
const NONE: &[Overload] = &[Overload { parameters: &[], returns: DOUBLE }];

macro_rules! of_one {
    ($($name:ident $usage:literal $function:expr;)*) => {
        $(pub static $name: Builtin = Builtin {
            name: stringify!($name),
            usage: $usage,
            overloads: ONE,
            kernel: |call| unary(call, $function),
            ..BUILTIN
        };)*
    };
}

of_one! {
    SQRT "SQRT(x) is the square root." f64::sqrt;
    LN "LN(x) is the natural logarithm." f64::ln;
    LOG10 "LOG10(x) is the logarithm to base 10." f64::log10;
    LOG2 "LOG2(x) is the logarithm to base 2." f64::log2;
    EXP "EXP(x) is e to the power x." f64::exp;
    SIN "SIN(x) is the sine of x radians." f64::sin;
    COS "COS(x) is the cosine of x radians." f64::cos;
    TAN "TAN(x) is the tangent of x radians." f64::tan;
    COT "COT(x) is the cotangent of x radians." |x| 1.0 / x.tan();
    ASIN "ASIN(x) is the arc sine in radians." f64::asin;
    ACOS "ACOS(x) is the arc cosine in radians." f64::acos;
    ATAN "ATAN(x) is the arc tangent in radians." f64::atan;
    SINH "SINH(x) is the hyperbolic sine." f64::sinh;
    COSH "COSH(x) is the hyperbolic cosine." f64::cosh;
    TANH "TANH(x) is the hyperbolic tangent." f64::tanh;
    DEGREES "DEGREES(x) turns radians into degrees." f64::to_degrees;
    RADIANS "RADIANS(x) turns degrees into radians." f64::to_radians;
}

pub static POWER: Builtin = Builtin {
    name: "POWER",
    usage: "POWER(x, y) is x to the power y.",
    overloads: TWO,
    kernel: |call| binary(call, f64::powf),
    ..BUILTIN
};

pub static ATAN2: Builtin = Builtin {
    name: "ATAN2",
    usage: "ATAN2(y, x) is the angle of the point (x, y) in radians.",
    overloads: TWO,
    kernel: |call| binary(call, f64::atan2),
    ..BUILTIN
};

pub static LOG: Builtin = Builtin {
    name: "LOG",
    usage: "LOG(x) is the natural logarithm, LOG(base, x) the one to a base.",
    overloads: &[
        Overload { parameters: &[Double], returns: DOUBLE },
        Overload { parameters: &[Double, Double], returns: DOUBLE },
    ],
    kernel: |call| match call.arguments.len() {
        1 => unary(call, f64::ln),
        _ => binary(call, |base, x| x.ln() / base.ln()),
    },
    ..BUILTIN
};

pub static PI: Builtin = Builtin {
    name: "PI",
    usage: "PI() is 3.141592653589793.",
    overloads: NONE,
    nulls: Nulls::Never,
    kernel: |call| call.collect(|_| Some(std::f64::consts::PI)),
    ..BUILTIN
};

pub static E: Builtin = Builtin {
    name: "E",
    usage: "E() is 2.718281828459045.",
    overloads: NONE,
    nulls: Nulls::Never,
    kernel: |call| call.collect(|_| Some(std::f64::consts::E)),
    ..BUILTIN
};

fn unary(call: &Call<'_>, function: impl Fn(f64) -> f64) -> Result<ArrayRef> {
    let numbers = call.double(0)?;
    if numbers.is_constant() {
        return call.collect(|row| numbers.at(row).map(&function));
    }
    Ok(Arc::new(numbers.array().unary::<_, arrow::datatypes::Float64Type>(function)))
}

fn binary(call: &Call<'_>, function: impl Fn(f64, f64) -> f64) -> Result<ArrayRef> {
    let (left, right) = (call.double(0)?, call.double(1)?);
    call.collect(|row| Some(function(left.at(row)?, right.at(row)?)))
}
