//! `DISTINCT`: an accumulator that hears of each value once, however often it occurs. What NULLs are is
//! the other's matter.

use std::sync::Arc;

use arrow::array::{ArrayRef, BinaryArray};
use arrow::datatypes::DataType;

use super::bag::{Bag, ValueCodec, merge_bag, restore_bags, save_bags, write_bags};
use super::saved::Saved;
use super::{Accumulator, Signs, at, column};
use crate::error::Result;

/// Counts the values of each slot in front of another accumulator.
pub struct Distinct {
    inner: Box<dyn Accumulator>,
    bags: Vec<Bag>,
    codec: Arc<ValueCodec>,
}

impl Distinct {
    /// `types` are those of the arguments.
    pub fn boxed(inner: Box<dyn Accumulator>, types: &[DataType]) -> Result<Box<dyn Accumulator>> {
        Ok(Box::new(Self { inner, bags: Vec::new(), codec: Arc::new(ValueCodec::try_new(types)?) }))
    }

    /// Which rows bring a value or take the last of its kind away.
    fn changes(&mut self, slots: &[u32], arguments: &[ArrayRef], signs: Signs<'_>) -> Result<Vec<i8>> {
        let values = self.codec.encode(arguments)?;
        let change = |(row, slot): (usize, &u32)| match signs.at(row) {
            0 => 0,
            sign => self.bags[at(*slot)].add(values.row(row).as_ref(), sign.into()),
        };
        Ok(slots.iter().enumerate().map(change).collect())
    }
}

impl Accumulator for Distinct {
    fn grow(&mut self, slots: usize) {
        self.inner.grow(slots);
        self.bags.resize_with(slots, Bag::default);
    }

    fn update(&mut self, slots: &[u32], arguments: &[ArrayRef], signs: Signs<'_>) -> Result<()> {
        let changes = self.changes(slots, arguments, signs)?;
        self.inner.update(slots, arguments, Signs::Each(&changes))
    }

    fn update_each(&mut self, slots: &[u32], arguments: &[ArrayRef], signs: Signs<'_>) -> Result<ArrayRef> {
        let changes = self.changes(slots, arguments, signs)?;
        self.inner.update_each(slots, arguments, Signs::Each(&changes))
    }

    fn evaluate(&self, slots: &[u32]) -> Result<ArrayRef> {
        self.inner.evaluate(slots)
    }

    fn clear(&mut self, slots: &[u32]) {
        self.inner.clear(slots);
        slots.iter().for_each(|slot| self.bags[at(*slot)] = Bag::default());
    }

    /// The values say it all.
    fn state(&self, slots: &[u32]) -> Result<Vec<ArrayRef>> {
        Ok(vec![Arc::new(write_bags(slots.iter().map(|slot| &self.bags[at(*slot)])))])
    }

    fn merge(&mut self, slots: &[u32], state: &[ArrayRef]) -> Result<()> {
        let bags: &BinaryArray = column(state, 0)?;
        let (mut changed, mut values, mut signs): (Vec<u32>, Vec<Box<[u8]>>, Vec<i8>) = Default::default();
        for (row, slot) in slots.iter().enumerate() {
            merge_bag(&mut self.bags[at(*slot)], bags, row, |value, change| {
                changed.push(*slot);
                values.push(value.into());
                signs.push(change);
            })?;
        }
        let arguments = self.codec.decode(values.iter().map(AsRef::as_ref))?;
        self.inner.update(&changed, &arguments, Signs::Each(&signs))
    }

    /// The other may know more than the values: their order, say.
    fn save(&self, slots: &[u32]) -> Result<Vec<Saved>> {
        let mut saved = vec![save_bags(&self.codec, &self.bags, slots)];
        saved.extend(self.inner.save(slots)?);
        Ok(saved)
    }

    fn restore(&mut self, slots: &[u32], saved: &[ArrayRef]) -> Result<()> {
        restore_bags(&self.codec, &mut self.bags, slots, saved, 0)?;
        self.inner.restore(slots, &saved[1..])
    }

    fn memory(&self) -> usize {
        let bags: usize = self.bags.iter().map(Bag::memory).sum();
        self.inner.memory() + self.bags.capacity() * size_of::<Bag>() + bags
    }
}
