//! `MIN` and `MAX`. Where rows may be taken back every value is kept; else only the extreme.

use std::sync::Arc;

use arrow::array::{ArrayRef, ArrowPrimitiveType, BooleanArray, PrimitiveArray};
use arrow::datatypes::{
    DataType, Date32Type, Decimal128Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type,
    TimeUnit, TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType, TimestampSecondType,
};

use super::fold::{Fold, Folding, Rule, plain_state};
use super::ordered::Ordered;
use super::{Accumulator, AggregateFunction, column};
use crate::error::Result;
use crate::functions::Signature;
use crate::types::{SqlType, TypeKind};

#[derive(Debug, Clone, Copy)]
pub struct Extreme {
    name: &'static str,
    usage: &'static str,
    max: bool,
}

impl Extreme {
    pub const MAX: Self = Self {
        name: "MAX",
        usage: "MAX(value): the largest of the values that are not NULL; NULL where there are none.",
        max: true,
    };
    pub const MIN: Self = Self {
        name: "MIN",
        usage: "MIN(value): the smallest of the values that are not NULL; NULL where there are none.",
        max: false,
    };
}

impl AggregateFunction for Extreme {
    fn name(&self) -> &'static str {
        self.name
    }

    fn usage(&self) -> &'static str {
        self.usage
    }

    fn signature(&self, arguments: &[SqlType]) -> Option<Signature> {
        let [argument] = arguments else { return None };
        let comparable = match &argument.kind {
            TypeKind::Boolean | TypeKind::Date | TypeKind::Time(_) => true,
            kind => kind.is_numeric() || kind.is_string() || kind.is_timestamp(),
        };
        comparable.then(|| Signature { arguments: arguments.to_vec(), returns: argument.clone() })
    }

    fn accumulator(&self, types: &Signature, retracts: bool) -> Result<Box<dyn Accumulator>> {
        let out = types.returns.arrow();
        match retracts {
            true => Ordered::boxed(out, self.max, true),
            false if self.max => largest::<true>(out),
            false => largest::<false>(out),
        }
    }
}

fn largest<const MAX: bool>(out: DataType) -> Result<Box<dyn Accumulator>> {
    let rule = Rule::default();
    Ok(match &out {
        DataType::Int8 => Folding::<Best<Int8Type, MAX>>::boxed(out, rule),
        DataType::Int16 => Folding::<Best<Int16Type, MAX>>::boxed(out, rule),
        DataType::Int32 => Folding::<Best<Int32Type, MAX>>::boxed(out, rule),
        DataType::Int64 => Folding::<Best<Int64Type, MAX>>::boxed(out, rule),
        DataType::Float32 => Folding::<Best<Float32Type, MAX>>::boxed(out, rule),
        DataType::Float64 => Folding::<Best<Float64Type, MAX>>::boxed(out, rule),
        DataType::Decimal128(..) => Folding::<Best<Decimal128Type, MAX>>::boxed(out, rule),
        DataType::Date32 => Folding::<Best<Date32Type, MAX>>::boxed(out, rule),
        DataType::Timestamp(TimeUnit::Second, _) => Folding::<Best<TimestampSecondType, MAX>>::boxed(out, rule),
        DataType::Timestamp(TimeUnit::Millisecond, _) => {
            Folding::<Best<TimestampMillisecondType, MAX>>::boxed(out, rule)
        }
        DataType::Timestamp(TimeUnit::Microsecond, _) => {
            Folding::<Best<TimestampMicrosecondType, MAX>>::boxed(out, rule)
        }
        DataType::Timestamp(TimeUnit::Nanosecond, _) => Folding::<Best<TimestampNanosecondType, MAX>>::boxed(out, rule),
        _ => Ordered::boxed(out, MAX, false)?,
    })
}

struct Best<T: ArrowPrimitiveType, const MAX: bool> {
    best: Option<T::Native>,
}

plain_state!(Best { best } const MAX: bool);

impl<T, const MAX: bool> Fold for Best<T, MAX>
where
    T: ArrowPrimitiveType,
    T::Native: PartialOrd,
{
    type In = T;
    type Out = T;

    #[inline]
    fn add(&mut self, value: T::Native) {
        let better = match self.best {
            None => true,
            // As Java compares: nothing is above or below NaN, so that one which came first stays.
            Some(best) if MAX => value > best,
            Some(best) => value < best,
        };
        if better {
            self.best = Some(value);
        }
    }

    /// Where rows are taken back, values are kept in order instead.
    fn retract(&mut self, _value: T::Native) {}

    fn merge(&mut self, other: Self) {
        if let Some(value) = other.best {
            self.add(value);
        }
    }

    fn value(&self, _rule: Rule) -> Option<T::Native> {
        self.best
    }

    fn write(states: impl Iterator<Item = Self> + Clone) -> Vec<ArrayRef> {
        let known = BooleanArray::from_iter(states.clone().map(|state| Some(state.best.is_some())));
        let values = PrimitiveArray::<T>::from_iter_values(states.map(|state| state.best.unwrap_or_default()));
        vec![Arc::new(values), Arc::new(known)]
    }

    fn read(columns: &[ArrayRef], mut each: impl FnMut(usize, Self)) -> Result<()> {
        let (values, known): (&PrimitiveArray<T>, &BooleanArray) = (column(columns, 0)?, column(columns, 1)?);
        for (row, (value, known)) in values.values().iter().zip(known.values()).enumerate() {
            each(row, Self { best: known.then_some(*value) });
        }
        Ok(())
    }
}
