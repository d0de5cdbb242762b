//! Numbers and BOOLEAN, converted as Java does: integers wrap, approximate numbers truncate and saturate.

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, PrimitiveArray};
use arrow::buffer::BooleanBuffer;
use arrow::datatypes::{ArrowPrimitiveType, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type};

use super::array::{arc, no_kernel};
use crate::error::Result;
use crate::types::TypeKind;

/// Casts between integers, approximate numbers and BOOLEAN.
pub(super) fn convert(array: &ArrayRef, from: &TypeKind, to: &TypeKind) -> Result<ArrayRef> {
    use TypeKind::*;
    if let (Boolean, _) = (from, to) {
        return from_boolean(array.as_boolean(), to);
    }
    match from {
        TinyInt => from_integer::<Int8Type>(array, from, to),
        SmallInt => from_integer::<Int16Type>(array, from, to),
        Int => from_integer::<Int32Type>(array, from, to),
        BigInt => from_integer::<Int64Type>(array, from, to),
        Float => from_approximate::<Float32Type>(array, from, to),
        Double => from_approximate::<Float64Type>(array, from, to),
        _ => Err(no_kernel(from, to)),
    }
}

fn from_boolean(array: &BooleanArray, to: &TypeKind) -> Result<ArrayRef> {
    use TypeKind::*;
    fn map<T: ArrowPrimitiveType>(array: &BooleanArray, one: T::Native, zero: T::Native) -> ArrayRef {
        let values = array.values().iter().map(|b| if b { one } else { zero });
        arc(PrimitiveArray::<T>::new(values.collect::<Vec<_>>().into(), array.nulls().cloned()))
    }
    Ok(match to {
        TinyInt => map::<Int8Type>(array, 1, 0),
        SmallInt => map::<Int16Type>(array, 1, 0),
        Int => map::<Int32Type>(array, 1, 0),
        BigInt => map::<Int64Type>(array, 1, 0),
        Float => map::<Float32Type>(array, 1.0, 0.0),
        Double => map::<Float64Type>(array, 1.0, 0.0),
        _ => return Err(no_kernel(&Boolean, to)),
    })
}

/// To a narrower integer the high bits go; anything but zero is TRUE.
fn from_integer<S>(array: &ArrayRef, from: &TypeKind, to: &TypeKind) -> Result<ArrayRef>
where
    S: ArrowPrimitiveType,
    S::Native: Into<i64>,
{
    use TypeKind::*;
    let values = array.as_primitive::<S>();
    let long = |v: S::Native| -> i64 { v.into() };
    Ok(match to {
        TinyInt => arc(values.unary::<_, Int8Type>(|v| long(v) as i8)),
        SmallInt => arc(values.unary::<_, Int16Type>(|v| long(v) as i16)),
        Int => arc(values.unary::<_, Int32Type>(|v| long(v) as i32)),
        Boolean => truth(values, |v| long(v) != 0),
        _ => return Err(no_kernel(from, to)),
    })
}

/// To TINYINT and SMALLINT the way goes through INT, which saturates; then the high bits go.
fn from_approximate<S>(array: &ArrayRef, from: &TypeKind, to: &TypeKind) -> Result<ArrayRef>
where
    S: ArrowPrimitiveType,
    S::Native: Into<f64>,
{
    use TypeKind::*;
    let values = array.as_primitive::<S>();
    let double = |v: S::Native| -> f64 { v.into() };
    Ok(match to {
        TinyInt => arc(values.unary::<_, Int8Type>(|v| double(v) as i32 as i8)),
        SmallInt => arc(values.unary::<_, Int16Type>(|v| double(v) as i32 as i16)),
        Int => arc(values.unary::<_, Int32Type>(|v| double(v) as i32)),
        BigInt => arc(values.unary::<_, Int64Type>(|v| double(v) as i64)),
        Boolean => truth(values, |v| double(v) != 0.0),
        _ => return Err(no_kernel(from, to)),
    })
}

pub(super) fn truth<S: ArrowPrimitiveType>(values: &PrimitiveArray<S>, is: impl Fn(S::Native) -> bool) -> ArrayRef {
    let bits = BooleanBuffer::collect_bool(values.len(), |i| is(values.value(i)));
    arc(BooleanArray::new(bits, values.nulls().cloned()))
}
