//! `COUNT(*)`, `COUNT(x)`: rows, or rows in which x is not NULL. Of no row it is 0.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, Int64Array};

use super::{Accumulator, AggregateFunction, Signs, at, column};
use crate::error::{Error, Result};
use crate::functions::Signature;
use crate::types::{SqlType, TypeKind};

#[derive(Debug)]
pub struct Count;

impl AggregateFunction for Count {
    fn name(&self) -> &'static str {
        "COUNT"
    }

    fn usage(&self) -> &'static str {
        "COUNT(*), COUNT(value): how many rows there are, or rows in which the value is not NULL."
    }

    fn signature(&self, arguments: &[SqlType]) -> Option<Signature> {
        let returns = SqlType::new(TypeKind::BigInt, false);
        Some(Signature { arguments: arguments.to_vec(), returns })
    }

    fn is_null_of_no_row(&self, _filtered: bool) -> bool {
        false
    }

    fn accumulator(&self, types: &Signature, _retracts: bool) -> Result<Box<dyn Accumulator>> {
        if types.arguments.len() > 1 {
            return Err(Error::unsupported("COUNT of more than one value"));
        }
        Ok(Box::new(Counts(Vec::new())))
    }
}

struct Counts(Vec<i64>);

fn counts(arguments: &[ArrayRef], row: usize) -> bool {
    arguments.iter().all(|argument| argument.is_valid(row))
}

impl Accumulator for Counts {
    fn grow(&mut self, slots: usize) {
        self.0.resize(slots, 0);
    }

    fn update(&mut self, slots: &[u32], arguments: &[ArrayRef], signs: Signs<'_>) -> Result<()> {
        let all = arguments.iter().all(|argument| argument.null_count() == 0);
        match signs {
            Signs::Added if all => slots.iter().for_each(|slot| self.0[at(*slot)] += 1),
            _ => {
                for (row, slot) in slots.iter().enumerate().filter(|(row, _)| counts(arguments, *row)) {
                    self.0[at(*slot)] += i64::from(signs.at(row));
                }
            }
        }
        Ok(())
    }

    fn update_each(&mut self, slots: &[u32], arguments: &[ArrayRef], signs: Signs<'_>) -> Result<ArrayRef> {
        let mut results = Vec::with_capacity(slots.len());
        let all = arguments.iter().all(|argument| argument.null_count() == 0);
        match signs {
            Signs::Added if all => {
                for slot in slots {
                    let count = &mut self.0[at(*slot)];
                    *count += 1;
                    results.push(*count);
                }
            }
            _ => {
                for (row, slot) in slots.iter().enumerate() {
                    let count = &mut self.0[at(*slot)];
                    if counts(arguments, row) {
                        *count += i64::from(signs.at(row));
                    }
                    results.push(*count);
                }
            }
        }
        Ok(Arc::new(Int64Array::from(results)))
    }

    fn evaluate(&self, slots: &[u32]) -> Result<ArrayRef> {
        Ok(Arc::new(Int64Array::from_iter_values(slots.iter().map(|slot| self.0[at(*slot)]))))
    }

    fn clear(&mut self, slots: &[u32]) {
        slots.iter().for_each(|slot| self.0[at(*slot)] = 0);
    }

    fn state(&self, slots: &[u32]) -> Result<Vec<ArrayRef>> {
        Ok(vec![self.evaluate(slots)?])
    }

    fn merge(&mut self, slots: &[u32], state: &[ArrayRef]) -> Result<()> {
        let counts: &Int64Array = column(state, 0)?;
        for (slot, count) in slots.iter().zip(counts.values()) {
            self.0[at(*slot)] += count;
        }
        Ok(())
    }

    fn memory(&self) -> usize {
        self.0.capacity() * size_of::<i64>()
    }
}
