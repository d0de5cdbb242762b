//! Comparisons of FLOAT and DOUBLE as Java makes them: `-0.0 = 0.0`, and NaN equals, precedes and follows nothing.
//! (Arrow's kernels order by bits: there -0.0 is less than 0.0 and NaN is greater than any number.)

use std::sync::Arc;

use arrow::array::{ArrayRef, ArrowPrimitiveType, BooleanArray, PrimitiveArray};
use arrow::datatypes::{DataType, Float32Type, Float64Type};

use crate::error::Result;
use crate::functions::library::call::Call;
use crate::functions::library::{BUILTIN, Builtin};

/// Named as DataFusion prints the operator.
pub static FLOAT_COMPARISONS: [Builtin; 8] = [
    Builtin { name: "=", kernel: |call| compare(call, |a, b| a == b, |a, b| a == b), ..BUILTIN },
    Builtin { name: "!=", kernel: |call| compare(call, |a, b| a != b, |a, b| a != b), ..BUILTIN },
    Builtin { name: "<", kernel: |call| compare(call, |a, b| a < b, |a, b| a < b), ..BUILTIN },
    Builtin { name: "<=", kernel: |call| compare(call, |a, b| a <= b, |a, b| a <= b), ..BUILTIN },
    Builtin { name: ">", kernel: |call| compare(call, |a, b| a > b, |a, b| a > b), ..BUILTIN },
    Builtin { name: ">=", kernel: |call| compare(call, |a, b| a >= b, |a, b| a >= b), ..BUILTIN },
    Builtin { name: "IS DISTINCT FROM", kernel: |call| distinct(call, true), ..BUILTIN },
    Builtin { name: "IS NOT DISTINCT FROM", kernel: |call| distinct(call, false), ..BUILTIN },
];

fn compare(call: &Call<'_>, f32s: impl Fn(f32, f32) -> bool, f64s: impl Fn(f64, f64) -> bool) -> Result<ArrayRef> {
    match call.argument_type(0)?.arrow() {
        DataType::Float32 => rows::<Float32Type>(call, f32s),
        _ => rows::<Float64Type>(call, f64s),
    }
}

/// One pass over the values; a constant stays in a register.
fn rows<P: ArrowPrimitiveType>(call: &Call<'_>, test: impl Fn(P::Native, P::Native) -> bool) -> Result<ArrayRef> {
    let (left, right) = (call.column::<PrimitiveArray<P>>(0)?, call.column::<PrimitiveArray<P>>(1)?);
    let result = match (left.is_constant(), right.is_constant()) {
        (false, false) => BooleanArray::from_binary(left.array(), right.array(), test),
        (false, true) if let Some(value) = right.at(0) => BooleanArray::from_unary(left.array(), |l| test(l, value)),
        (true, false) if let Some(value) = left.at(0) => BooleanArray::from_unary(right.array(), |r| test(value, r)),
        _ => (0..call.rows()).map(|row| Some(test(left.at(row)?, right.at(row)?))).collect(),
    };
    Ok(Arc::new(result))
}

fn distinct(call: &Call<'_>, distinct: bool) -> Result<ArrayRef> {
    match call.argument_type(0)?.arrow() {
        DataType::Float32 => {
            let (left, right) =
                (call.column::<PrimitiveArray<Float32Type>>(0)?, call.column::<PrimitiveArray<Float32Type>>(1)?);
            call.collect(|row| Some((left.at(row) != right.at(row)) == distinct))
        }
        _ => {
            let (left, right) = (call.double(0)?, call.double(1)?);
            call.collect(|row| Some((left.at(row) != right.at(row)) == distinct))
        }
    }
}
