//! `AVG`: of integers an integer, cut off as Flink's is; of a DECIMAL one with at least six digits behind the point.

use std::marker::PhantomData;
use std::sync::Arc;

use arrow::array::{ArrayRef, ArrowPrimitiveType, Decimal128Array, Float64Array, Int64Array};
use arrow::datatypes::{DataType, Decimal128Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type};

use super::fold::{Fold, Folding, Rule, plain_state};
use super::sum::DECIMAL_MAX;
use super::{Accumulator, AggregateFunction, column};
use crate::error::{Error, Result};
use crate::functions::Signature;
use crate::types::{SqlType, TypeKind};

#[derive(Debug)]
pub struct Average;

impl AggregateFunction for Average {
    fn name(&self) -> &'static str {
        "AVG"
    }

    fn usage(&self) -> &'static str {
        "AVG(number): the mean of the numbers that are not NULL, of the same type: of INT 3 and 4 it is 3."
    }

    fn signature(&self, arguments: &[SqlType]) -> Option<Signature> {
        let [argument] = arguments else { return None };
        let kind = match argument.kind {
            TypeKind::Decimal { scale, .. } => TypeKind::Decimal { precision: 38, scale: scale.max(6) },
            ref kind if kind.is_numeric() => kind.clone(),
            _ => return None,
        };
        Some(Signature { arguments: arguments.to_vec(), returns: SqlType::new(kind, argument.nullable) })
    }

    fn accumulator(&self, types: &Signature, _retracts: bool) -> Result<Box<dyn Accumulator>> {
        let (out, rule) = (types.returns.arrow(), Rule::default());
        let argument = types.arguments.first().map(|ty| &ty.kind);
        Ok(match out {
            DataType::Int8 => Folding::<Whole<Int8Type>>::boxed(out, rule),
            DataType::Int16 => Folding::<Whole<Int16Type>>::boxed(out, rule),
            DataType::Int32 => Folding::<Whole<Int32Type>>::boxed(out, rule),
            DataType::Int64 => Folding::<Whole<Int64Type>>::boxed(out, rule),
            DataType::Float32 => Folding::<Real<Float32Type>>::boxed(out, rule),
            DataType::Float64 => Folding::<Real<Float64Type>>::boxed(out, rule),
            DataType::Decimal128(_, scale) => {
                let Some(TypeKind::Decimal { scale: from, .. }) = argument else {
                    return Err(Error::internal("AVG of a DECIMAL without its scale"));
                };
                let digits = u8::try_from(scale).unwrap_or(0).saturating_sub(*from);
                Folding::<DecimalMean>::boxed(out, Rule { digits })
            }
            other => return Err(Error::internal(format!("AVG of {other}"))),
        })
    }
}

/// The sum of integers, as a BIGINT that wraps.
struct Whole<T: ArrowPrimitiveType> {
    sum: i64,
    count: i64,
    of: PhantomData<fn() -> T>,
}

plain_state!(Whole { sum, count, of });

impl<T> Fold for Whole<T>
where
    T: ArrowPrimitiveType,
    T::Native: Into<i64> + TryFrom<i64>,
{
    type In = T;
    type Out = T;

    #[inline]
    fn add(&mut self, value: T::Native) {
        self.sum = self.sum.wrapping_add(value.into());
        self.count += 1;
    }

    #[inline]
    fn retract(&mut self, value: T::Native) {
        self.sum = self.sum.wrapping_sub(value.into());
        self.count -= 1;
    }

    fn merge(&mut self, other: Self) {
        self.sum = self.sum.wrapping_add(other.sum);
        self.count += other.count;
    }

    fn value(&self, _rule: Rule) -> Option<T::Native> {
        // A mean lies between what it is of, unless the sum has wrapped.
        self.sum.checked_div(self.count).and_then(|mean| mean.try_into().ok())
    }

    fn write(states: impl Iterator<Item = Self> + Clone) -> Vec<ArrayRef> {
        let sums = Int64Array::from_iter_values(states.clone().map(|state| state.sum));
        vec![Arc::new(sums), Arc::new(Int64Array::from_iter_values(states.map(|state| state.count)))]
    }

    fn read(columns: &[ArrayRef], mut each: impl FnMut(usize, Self)) -> Result<()> {
        let (sums, counts): (&Int64Array, &Int64Array) = (column(columns, 0)?, column(columns, 1)?);
        for (row, (sum, count)) in sums.values().iter().zip(counts.values()).enumerate() {
            each(row, Self { sum: *sum, count: *count, of: PhantomData });
        }
        Ok(())
    }
}

/// The sum of FLOATs or DOUBLEs, as a DOUBLE.
struct Real<T: ArrowPrimitiveType> {
    sum: f64,
    count: i64,
    of: PhantomData<fn() -> T>,
}

/// FLOAT and DOUBLE.
trait Floating: Copy {
    fn double(self) -> f64;
    fn of(double: f64) -> Self;
}

impl Floating for f32 {
    fn double(self) -> f64 {
        self.into()
    }

    fn of(double: f64) -> Self {
        double as f32
    }
}

impl Floating for f64 {
    fn double(self) -> f64 {
        self
    }

    fn of(double: f64) -> Self {
        double
    }
}

plain_state!(Real { sum, count, of });

impl<T> Fold for Real<T>
where
    T: ArrowPrimitiveType,
    T::Native: Floating,
{
    type In = T;
    type Out = T;

    #[inline]
    fn add(&mut self, value: T::Native) {
        self.sum += value.double();
        self.count += 1;
    }

    #[inline]
    fn retract(&mut self, value: T::Native) {
        self.sum -= value.double();
        self.count -= 1;
    }

    fn merge(&mut self, other: Self) {
        self.sum += other.sum;
        self.count += other.count;
    }

    fn value(&self, _rule: Rule) -> Option<T::Native> {
        (self.count != 0).then(|| T::Native::of(self.sum / self.count as f64))
    }

    fn write(states: impl Iterator<Item = Self> + Clone) -> Vec<ArrayRef> {
        let sums = Float64Array::from_iter_values(states.clone().map(|state| state.sum));
        vec![Arc::new(sums), Arc::new(Int64Array::from_iter_values(states.map(|state| state.count)))]
    }

    fn read(columns: &[ArrayRef], mut each: impl FnMut(usize, Self)) -> Result<()> {
        let (sums, counts): (&Float64Array, &Int64Array) = (column(columns, 0)?, column(columns, 1)?);
        for (row, (sum, count)) in sums.values().iter().zip(counts.values()).enumerate() {
            each(row, Self { sum: *sum, count: *count, of: PhantomData });
        }
        Ok(())
    }
}

/// The sum of unscaled numbers; once 38 digits can't hold it, it is NULL for good.
#[derive(Clone, Copy, Default)]
struct DecimalMean {
    sum: i128,
    count: i64,
    lost: bool,
}

impl DecimalMean {
    fn move_by(&mut self, value: i128) {
        match self.sum.checked_add(value).filter(|sum| (-DECIMAL_MAX..=DECIMAL_MAX).contains(sum)) {
            Some(sum) => self.sum = sum,
            None => self.lost = true,
        }
    }
}

impl Fold for DecimalMean {
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
        self.move_by(other.sum);
        self.lost |= other.lost;
        self.count += other.count;
    }

    /// Halves are rounded away from zero.
    fn value(&self, rule: Rule) -> Option<i128> {
        let count = i128::from(self.count);
        if self.lost || count == 0 {
            return None;
        }
        let scaled = self.sum.checked_mul(10i128.checked_pow(rule.digits.into())?)?;
        let (mean, rest) = (scaled / count, scaled % count);
        let rounded = if rest.abs() * 2 >= count.abs() { mean + scaled.signum() * count.signum() } else { mean };
        Some(rounded).filter(|mean| (-DECIMAL_MAX..=DECIMAL_MAX).contains(mean))
    }

    fn write(states: impl Iterator<Item = Self> + Clone) -> Vec<ArrayRef> {
        let sums: Decimal128Array = states.clone().map(|state| (!state.lost).then_some(state.sum)).collect();
        vec![Arc::new(sums), Arc::new(Int64Array::from_iter_values(states.map(|state| state.count)))]
    }

    fn read(columns: &[ArrayRef], mut each: impl FnMut(usize, Self)) -> Result<()> {
        let (sums, counts): (&Decimal128Array, &Int64Array) = (column(columns, 0)?, column(columns, 1)?);
        for (row, (sum, count)) in sums.iter().zip(counts.values()).enumerate() {
            each(row, Self { sum: sum.unwrap_or(0), count: *count, lost: sum.is_none() });
        }
        Ok(())
    }
}
