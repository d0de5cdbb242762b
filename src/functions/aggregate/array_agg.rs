//! `ARRAY_AGG`: the values in the order of their arrival, NULLs among them.

use std::sync::Arc;

use arrow::array::{ArrayRef, ListArray};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::datatypes::DataType;

use super::arrivals::{Arrivals, Shape};
use super::bag::Values;
use super::sequence::Sequence;
use super::{Accumulator, AggregateFunction};
use crate::error::{Error, Result};
use crate::functions::Signature;
use crate::types::{SqlType, TypeKind};

#[derive(Debug)]
pub struct ArrayAgg;

impl AggregateFunction for ArrayAgg {
    fn name(&self) -> &'static str {
        "ARRAY_AGG"
    }

    fn usage(&self) -> &'static str {
        "ARRAY_AGG(value) [IGNORE NULLS]: an array of the values in the order in which they came, NULLs among them unless \
         they are ignored; NULL where there are none. An ORDER BY inside has no effect."
    }

    fn signature(&self, arguments: &[SqlType]) -> Option<Signature> {
        let [argument] = arguments else { return None };
        let returns = SqlType::new(TypeKind::Array(Box::new(argument.clone())), argument.nullable);
        Some(Signature { arguments: arguments.to_vec(), returns })
    }

    fn is_null_of_no_row(&self, filtered: bool) -> bool {
        filtered
    }

    fn keeps_nulls(&self) -> bool {
        true
    }

    fn accumulator(&self, types: &Signature, retracts: bool) -> Result<Box<dyn Accumulator>> {
        Arrivals::boxed(types, retracts, Lists(types.returns.arrow()))
    }
}

/// A list of all values.
struct Lists(DataType);

impl Shape for Lists {
    const KEEPS_NULLS: bool = true;

    fn choose(&self, sequence: &Sequence, chosen: &mut Values) {
        sequence.iter().for_each(|value| chosen.push(value));
    }

    fn results(&self, values: &[ArrayRef], ends: &[usize]) -> Result<ArrayRef> {
        let (DataType::List(element), [values]) = (&self.0, values) else {
            return Err(Error::internal("ARRAY_AGG gives no array"));
        };
        if values.len() > i32::MAX as usize {
            return Err(Error::data("the arrays of ARRAY_AGG in one batch have more than 2147483647 elements"));
        }
        let starts = std::iter::once(0).chain(ends.iter().copied());
        let lengths: Vec<usize> = starts.zip(ends).map(|(start, end)| end - start).collect();
        let valid: NullBuffer = lengths.iter().map(|length| *length > 0).collect();
        let offsets = OffsetBuffer::from_lengths(lengths);
        Ok(Arc::new(ListArray::try_new(element.clone(), offsets, values.clone(), Some(valid))?))
    }
}
