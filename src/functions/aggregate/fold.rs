//! Accumulators of numbers: a fixed-size state per slot, folded over the rows that are not NULL.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, ArrowPrimitiveType, BooleanBufferBuilder, PrimitiveArray};
use arrow::buffer::NullBuffer;
use arrow::datatypes::DataType;

use super::{Accumulator, Signs, at, column};
use crate::error::Result;

/// The state of one slot.
pub trait Fold: Copy + Default + Send + 'static {
    type In: ArrowPrimitiveType;
    type Out: ArrowPrimitiveType;

    fn add(&mut self, value: <Self::In as ArrowPrimitiveType>::Native);

    fn retract(&mut self, value: <Self::In as ArrowPrimitiveType>::Native);

    fn merge(&mut self, other: Self);

    /// `None` for NULL.
    fn value(&self, rule: Rule) -> Option<<Self::Out as ArrowPrimitiveType>::Native>;

    /// The states as columns.
    fn write(states: impl Iterator<Item = Self> + Clone) -> Vec<ArrayRef>;

    /// The state in each row of such columns.
    fn read(columns: &[ArrayRef], each: impl FnMut(usize, Self)) -> Result<()>;
}

/// What the types of a call add to its fold: powers of ten between the scales of a DECIMAL argument and its result.
#[derive(Debug, Clone, Copy, Default)]
pub struct Rule {
    pub digits: u8,
}

/// Numbers of which few are NULL, on their way to a column.
struct Results<T: ArrowPrimitiveType> {
    values: Vec<T::Native>,
    /// Positions of NULLs.
    nulls: Vec<usize>,
}

impl<T: ArrowPrimitiveType> Results<T> {
    fn with_capacity(rows: usize) -> Self {
        Self { values: Vec::with_capacity(rows), nulls: Vec::new() }
    }

    #[inline]
    fn push(&mut self, value: Option<T::Native>) {
        if value.is_none() {
            self.nulls.push(self.values.len());
        }
        self.values.push(value.unwrap_or_default());
    }

    fn finish(self, ty: &DataType) -> ArrayRef {
        let nulls = (!self.nulls.is_empty()).then(|| {
            let mut valid = BooleanBufferBuilder::new(self.values.len());
            valid.append_n(self.values.len(), true);
            self.nulls.iter().for_each(|row| valid.set_bit(*row, false));
            NullBuffer::new(valid.finish())
        });
        Arc::new(PrimitiveArray::<T>::new(self.values.into(), nulls).with_data_type(ty.clone()))
    }
}

/// A [`Fold`] per slot.
pub struct Folding<F> {
    states: Vec<F>,
    out: DataType,
    rule: Rule,
}

impl<F: Fold> Folding<F> {
    pub fn boxed(out: DataType, rule: Rule) -> Box<dyn Accumulator> {
        Box::new(Self { states: Vec::new(), out, rule })
    }

    #[inline]
    fn apply(&mut self, slot: u32, values: &PrimitiveArray<F::In>, row: usize, sign: i8) {
        if sign == 0 || values.is_null(row) {
            return;
        }
        let state = &mut self.states[at(slot)];
        match sign > 0 {
            true => state.add(values.value(row)),
            false => state.retract(values.value(row)),
        }
    }

    fn results(&self, states: impl ExactSizeIterator<Item = F>) -> ArrayRef {
        let mut results = Results::<F::Out>::with_capacity(states.len());
        states.for_each(|state| results.push(state.value(self.rule)));
        results.finish(&self.out)
    }
}

impl<F: Fold> Accumulator for Folding<F> {
    fn grow(&mut self, slots: usize) {
        self.states.resize(slots, F::default());
    }

    fn update(&mut self, slots: &[u32], arguments: &[ArrayRef], signs: Signs<'_>) -> Result<()> {
        let values: &PrimitiveArray<F::In> = column(arguments, 0)?;
        match signs {
            Signs::Added if values.null_count() == 0 => {
                for (slot, value) in slots.iter().zip(values.values()) {
                    self.states[at(*slot)].add(*value);
                }
            }
            _ => {
                for (row, slot) in slots.iter().enumerate() {
                    self.apply(*slot, values, row, signs.at(row));
                }
            }
        }
        Ok(())
    }

    fn update_each(&mut self, slots: &[u32], arguments: &[ArrayRef], signs: Signs<'_>) -> Result<ArrayRef> {
        let values: &PrimitiveArray<F::In> = column(arguments, 0)?;
        let mut results = Results::<F::Out>::with_capacity(slots.len());
        match signs {
            Signs::Added if values.null_count() == 0 => {
                for (slot, value) in slots.iter().zip(values.values()) {
                    let state = &mut self.states[at(*slot)];
                    state.add(*value);
                    results.push(state.value(self.rule));
                }
            }
            _ => {
                for (row, slot) in slots.iter().enumerate() {
                    self.apply(*slot, values, row, signs.at(row));
                    results.push(self.states[at(*slot)].value(self.rule));
                }
            }
        }
        Ok(results.finish(&self.out))
    }

    fn evaluate(&self, slots: &[u32]) -> Result<ArrayRef> {
        Ok(self.results(slots.iter().map(|slot| self.states[at(*slot)])))
    }

    fn clear(&mut self, slots: &[u32]) {
        slots.iter().for_each(|slot| self.states[at(*slot)] = F::default());
    }

    fn state(&self, slots: &[u32]) -> Result<Vec<ArrayRef>> {
        Ok(F::write(slots.iter().map(|slot| self.states[at(*slot)])))
    }

    fn merge(&mut self, slots: &[u32], state: &[ArrayRef]) -> Result<()> {
        F::read(state, |row, other| self.states[at(slots[row])].merge(other))
    }

    fn memory(&self) -> usize {
        self.states.capacity() * size_of::<F>()
    }
}

/// `Clone`, `Copy` and `Default` for a state that holds numbers of an Arrow type: the type itself is none of these.
macro_rules! plain_state {
    ($name:ident { $($field:ident),* } $(const $c:ident: $cty:ty)?) => {
        impl<T: ArrowPrimitiveType $(, const $c: $cty)?> Clone for $name<T $(, $c)?> {
            fn clone(&self) -> Self {
                *self
            }
        }
        impl<T: ArrowPrimitiveType $(, const $c: $cty)?> Copy for $name<T $(, $c)?> {}
        impl<T: ArrowPrimitiveType $(, const $c: $cty)?> Default for $name<T $(, $c)?> {
            fn default() -> Self {
                Self { $($field: Default::default()),* }
            }
        }
    };
}
pub(super) use plain_state;
