//! Integer `/` and `%`: truncated, the remainder with the sign of the dividend, MIN / -1 wraps, zero fails the job.

use arrow::array::{Array, ArrayRef, ArrowPrimitiveType, PrimitiveArray};
use arrow::datatypes::{ArrowNativeTypeOp, DataType, Int8Type, Int16Type, Int32Type, Int64Type};

use super::division_by_zero;
use crate::error::{Error, Result};
use crate::functions::library::call::Call;
use crate::functions::library::{BUILTIN, Builtin};

pub static DIVIDE: Builtin = Builtin { name: "/", kernel: |call| apply(call, true), ..BUILTIN };
pub static MODULO: Builtin = Builtin { name: "%", kernel: |call| apply(call, false), ..BUILTIN };

fn apply(call: &Call<'_>, divide: bool) -> Result<ArrayRef> {
    match call.types.returns.arrow() {
        DataType::Int8 => rows::<Int8Type>(call, divide),
        DataType::Int16 => rows::<Int16Type>(call, divide),
        DataType::Int32 => rows::<Int32Type>(call, divide),
        DataType::Int64 => rows::<Int64Type>(call, divide),
        other => Err(Error::internal(format!("{other} is no integer type"))),
    }
}

fn rows<P>(call: &Call<'_>, divide: bool) -> Result<ArrayRef>
where
    P: ArrowPrimitiveType,
    P::Native: ArrowNativeTypeOp,
    PrimitiveArray<P>: Array,
{
    let (left, right) = (call.column::<PrimitiveArray<P>>(0)?, call.column::<PrimitiveArray<P>>(1)?);
    call.collect_as::<P>(|row| {
        let (Some(left), Some(right)) = (left.at(row), right.at(row)) else { return Ok(None) };
        if right.is_zero() {
            return Err(division_by_zero());
        }
        Ok(Some(if divide { left.div_wrapping(right) } else { left.mod_wrapping(right) }))
    })
}
