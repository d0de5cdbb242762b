//! Accumulators that keep all values of a slot in the order of their arrival, and what functions make of them.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, BinaryArray};

use super::bag::{ValueCodec, Values};
use super::saved::{CountedValues, Saved, read_counted, torn};
use super::sequence::{Sequence, merge_sequence, write_sequences};
use super::{Accumulator, Signs, at, column};
use crate::error::Result;
use crate::functions::Signature;

/// What a function makes of the values that have come.
pub trait Shape: Send + 'static {
    /// NULLs are values, too.
    const KEEPS_NULLS: bool = false;

    /// The values that the result is made of.
    fn choose(&self, sequence: &Sequence, chosen: &mut Values);

    /// A result per row. `values`: what was chosen for all of them, a column per argument; `ends`: where that of each
    /// row ends.
    fn results(&self, values: &[ArrayRef], ends: &[usize]) -> Result<ArrayRef>;
}

/// A [`Sequence`] per slot.
pub struct Arrivals<S> {
    sequences: Vec<Sequence>,
    codec: Arc<ValueCodec>,
    retracts: bool,
    shape: S,
}

impl<S: Shape> Arrivals<S> {
    pub fn boxed(types: &Signature, retracts: bool, shape: S) -> Result<Box<dyn Accumulator>> {
        let types: Vec<_> = types.arguments.iter().map(|ty| ty.arrow()).collect();
        let codec = Arc::new(ValueCodec::try_new(&types)?);
        Ok(Box::new(Self { sequences: Vec::new(), codec, retracts, shape }))
    }

    fn apply(
        &mut self,
        slots: &[u32],
        arguments: &[ArrayRef],
        signs: Signs<'_>,
        mut each: impl FnMut(&S, &Sequence),
    ) -> Result<()> {
        let values = self.codec.encode(arguments)?;
        for (row, slot) in slots.iter().enumerate() {
            let sequence = &mut self.sequences[at(*slot)];
            if S::KEEPS_NULLS || arguments.iter().all(|argument| argument.is_valid(row)) {
                match signs.at(row) {
                    0 => {}
                    1 => sequence.push(values.row(row).as_ref(), self.retracts),
                    _ => sequence.retract(values.row(row).as_ref()),
                }
            }
            each(&self.shape, sequence);
        }
        Ok(())
    }

    fn results(&self, chosen: &Values, ends: &[usize]) -> Result<ArrayRef> {
        self.shape.results(&self.codec.decode(chosen.iter())?, ends)
    }
}

impl<S: Shape> Accumulator for Arrivals<S> {
    fn grow(&mut self, slots: usize) {
        self.sequences.resize_with(slots, Sequence::default);
    }

    fn update(&mut self, slots: &[u32], arguments: &[ArrayRef], signs: Signs<'_>) -> Result<()> {
        self.apply(slots, arguments, signs, |_, _| {})
    }

    fn update_each(&mut self, slots: &[u32], arguments: &[ArrayRef], signs: Signs<'_>) -> Result<ArrayRef> {
        let (mut chosen, mut ends) = (Values::default(), Vec::with_capacity(slots.len()));
        self.apply(slots, arguments, signs, |shape, sequence| {
            shape.choose(sequence, &mut chosen);
            ends.push(chosen.len());
        })?;
        self.results(&chosen, &ends)
    }

    fn evaluate(&self, slots: &[u32]) -> Result<ArrayRef> {
        let (mut chosen, mut ends) = (Values::default(), Vec::with_capacity(slots.len()));
        for slot in slots {
            self.shape.choose(&self.sequences[at(*slot)], &mut chosen);
            ends.push(chosen.len());
        }
        self.results(&chosen, &ends)
    }

    fn clear(&mut self, slots: &[u32]) {
        slots.iter().for_each(|slot| self.sequences[at(*slot)] = Sequence::default());
    }

    fn state(&self, slots: &[u32]) -> Result<Vec<ArrayRef>> {
        Ok(vec![Arc::new(write_sequences(slots.iter().map(|slot| &self.sequences[at(*slot)])))])
    }

    /// What is merged comes behind what is here.
    fn merge(&mut self, slots: &[u32], state: &[ArrayRef]) -> Result<()> {
        let sequences: &BinaryArray = column(state, 0)?;
        for (row, slot) in slots.iter().enumerate() {
            merge_sequence(&mut self.sequences[at(*slot)], sequences, row, self.retracts)?;
        }
        Ok(())
    }

    fn save(&self, slots: &[u32]) -> Result<Vec<Saved>> {
        let sequences = slots.iter().map(|slot| &self.sequences[at(*slot)]);
        Ok(vec![CountedValues::save(&self.codec, sequences, Sequence::list)])
    }

    fn restore(&mut self, slots: &[u32], saved: &[ArrayRef]) -> Result<()> {
        let Self { sequences, codec, retracts, .. } = self;
        read_counted(codec, saved, 0, |row, value, count| {
            let slot = slots.get(row).ok_or_else(torn)?;
            sequences[at(*slot)].relist(value, count, *retracts);
            Ok(())
        })
    }

    fn memory(&self) -> usize {
        let values: usize = self.sequences.iter().map(Sequence::memory).sum();
        self.sequences.capacity() * size_of::<Sequence>() + values
    }
}
