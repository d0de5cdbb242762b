//! `SUM`: integers keep their type and wrap as Flink's do; a DECIMAL grows to 38 digits and is NULL beyond them.

use std::sync::Arc;

use arrow::array::{ArrayRef, ArrowNativeTypeOp, ArrowPrimitiveType, Decimal128Array, Int64Array, PrimitiveArray};
use arrow::datatypes::{
    ArrowNativeType, DataType, Decimal128Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type,
};

use super::fold::{Fold, Folding, Rule, plain_state};
use super::{Accumulator, AggregateFunction, column};
use crate::error::{Error, Result};
use crate::functions::Signature;
use crate::types::{SqlType, TypeKind};

#[derive(Debug)]
pub struct Sum;

impl AggregateFunction for Sum {
    fn name(&self) -> &'static str {
        "SUM"
    }

    fn usage(&self) -> &'static str {
        "SUM(number): the sum of the numbers that are not NULL; NULL where there are none."
    }

    fn signature(&self, arguments: &[SqlType]) -> Option<Signature> {
        let [argument] = arguments else { return None };
        let kind = match argument.kind {
            TypeKind::Decimal { scale, .. } => TypeKind::Decimal { precision: 38, scale },
            ref kind if kind.is_numeric() => kind.clone(),
            _ => return None,
        };
        Some(Signature { arguments: arguments.to_vec(), returns: SqlType::new(kind, argument.nullable) })
    }

    fn accumulator(&self, types: &Signature, _retracts: bool) -> Result<Box<dyn Accumulator>> {
        let (out, rule) = (types.returns.arrow(), Rule::default());
        Ok(match out {
            DataType::Int8 => Folding::<Summed<Int8Type>>::boxed(out, rule),
            DataType::Int16 => Folding::<Summed<Int16Type>>::boxed(out, rule),
            DataType::Int32 => Folding::<Summed<Int32Type>>::boxed(out, rule),
            DataType::Int64 => Folding::<Summed<Int64Type>>::boxed(out, rule),
            DataType::Float32 => Folding::<Summed<Float32Type>>::boxed(out, rule),
            DataType::Float64 => Folding::<Summed<Float64Type>>::boxed(out, rule),
            DataType::Decimal128(..) => Folding::<DecimalSum>::boxed(out, rule),
            other => return Err(Error::internal(format!("SUM of {other}"))),
        })
    }
}

/// The sum and how many numbers are in it: without any it is NULL.
struct Summed<T: ArrowPrimitiveType> {
    sum: T::Native,
    count: i64,
}

plain_state!(Summed { sum, count });

impl<T> Fold for Summed<T>
where
    T: ArrowPrimitiveType,
    T::Native: ArrowNativeTypeOp + ArrowNativeType,
{
    type In = T;
    type Out = T;

    #[inline]
    fn add(&mut self, value: T::Native) {
        self.sum = self.sum.add_wrapping(value);
        self.count += 1;
    }

    #[inline]
    fn retract(&mut self, value: T::Native) {
        self.sum = self.sum.sub_wrapping(value);
        self.count -= 1;
    }

    fn merge(&mut self, other: Self) {
        self.sum = self.sum.add_wrapping(other.sum);
        self.count += other.count;
    }

    fn value(&self, _rule: Rule) -> Option<T::Native> {
        (self.count != 0).then_some(self.sum)
    }

    fn write(states: impl Iterator<Item = Self> + Clone) -> Vec<ArrayRef> {
        let sums = PrimitiveArray::<T>::from_iter_values(states.clone().map(|state| state.sum));
        vec![Arc::new(sums), Arc::new(Int64Array::from_iter_values(states.map(|state| state.count)))]
    }

    fn read(columns: &[ArrayRef], mut each: impl FnMut(usize, Self)) -> Result<()> {
        let (sums, counts): (&PrimitiveArray<T>, &Int64Array) = (column(columns, 0)?, column(columns, 1)?);
        for (row, (sum, count)) in sums.values().iter().zip(counts.values()).enumerate() {
            each(row, Self { sum: *sum, count: *count });
        }
        Ok(())
    }
}

/// The sum of unscaled numbers. One that 38 digits can't hold is NULL, and the next number begins a new sum, as in Flink.
#[derive(Clone, Copy, Default)]
pub struct DecimalSum {
    sum: Option<i128>,
    count: i64,
}

impl DecimalSum {
    fn move_by(&mut self, value: i128) {
        let sum = self.sum.unwrap_or(0).checked_add(value);
        self.sum = sum.filter(|sum| (-DECIMAL_MAX..=DECIMAL_MAX).contains(sum));
    }
}

/// What 38 digits can hold.
pub const DECIMAL_MAX: i128 = 10i128.pow(38) - 1;

impl Fold for DecimalSum {
    type In = Decimal128Type;
    type Out = Decimal128Type;

    fn add(&mut self, value: i128) {
        self.move_by(value);
        self.count += 1;
    }

    fn retract(&mut self, value: i128) {
        self.move_by(-value);
        self.count -= 1;
    }

    fn merge(&mut self, other: Self) {
        if let Some(sum) = other.sum {
            self.move_by(sum);
        }
        self.count += other.count;
    }

    fn value(&self, _rule: Rule) -> Option<i128> {
        self.sum.filter(|_| self.count != 0)
    }

    fn write(states: impl Iterator<Item = Self> + Clone) -> Vec<ArrayRef> {
        let sums: Decimal128Array = states.clone().map(|state| state.sum).collect();
        vec![Arc::new(sums), Arc::new(Int64Array::from_iter_values(states.map(|state| state.count)))]
    }

    fn read(columns: &[ArrayRef], mut each: impl FnMut(usize, Self)) -> Result<()> {
        let (sums, counts): (&Decimal128Array, &Int64Array) = (column(columns, 0)?, column(columns, 1)?);
        for (row, (sum, count)) in sums.iter().zip(counts.values()).enumerate() {
            each(row, Self { sum, count: *count });
        }
        Ok(())
    }
}
