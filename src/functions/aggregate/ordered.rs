//! The smallest or largest value of any type that has an order, with retraction or without.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, BinaryArray};
use arrow::datatypes::DataType;

use super::bag::{Bag, ValueCodec, Values, merge_bag, restore_bags, save_bags, write_bags};
use super::saved::Saved;
use super::{Accumulator, Signs, at, column};
use crate::error::Result;

/// A bag of values per slot; without retraction only the extreme is in it.
pub struct Ordered {
    bags: Vec<Bag>,
    codec: Arc<ValueCodec>,
    null: Box<[u8]>,
    max: bool,
    retracts: bool,
}

impl Ordered {
    pub fn boxed(ty: DataType, max: bool, retracts: bool) -> Result<Box<dyn Accumulator>> {
        let codec = Arc::new(ValueCodec::try_new(std::slice::from_ref(&ty))?);
        let null = codec.null(&ty)?;
        Ok(Box::new(Self { bags: Vec::new(), codec, null, max, retracts }))
    }

    fn apply(&mut self, slot: u32, value: &[u8], sign: i8) {
        let (max, bag) = (self.max, &mut self.bags[at(slot)]);
        if self.retracts {
            bag.add(value, sign.into());
            return;
        }
        let best = if max { bag.last() } else { bag.first() };
        if best.is_none_or(|best| if max { value > best } else { value < best }) {
            *bag = Bag::default();
            bag.add(value, 1);
        }
    }

    fn best(&self, slot: u32) -> &[u8] {
        let bag = &self.bags[at(slot)];
        let best = if self.max { bag.last() } else { bag.first() };
        best.unwrap_or(&self.null)
    }

    fn decode<'a>(&self, values: impl Iterator<Item = &'a [u8]>) -> Result<ArrayRef> {
        self.codec.decode_one(values)
    }
}

impl Accumulator for Ordered {
    fn grow(&mut self, slots: usize) {
        self.bags.resize_with(slots, Bag::default);
    }

    fn update(&mut self, slots: &[u32], arguments: &[ArrayRef], signs: Signs<'_>) -> Result<()> {
        let values = self.codec.encode(arguments)?;
        for (row, slot) in slots.iter().enumerate() {
            if signs.at(row) != 0 && arguments[0].is_valid(row) {
                self.apply(*slot, values.row(row).as_ref(), signs.at(row));
            }
        }
        Ok(())
    }

    fn update_each(&mut self, slots: &[u32], arguments: &[ArrayRef], signs: Signs<'_>) -> Result<ArrayRef> {
        let values = self.codec.encode(arguments)?;
        let mut results = Values::default();
        for (row, slot) in slots.iter().enumerate() {
            if signs.at(row) != 0 && arguments[0].is_valid(row) {
                self.apply(*slot, values.row(row).as_ref(), signs.at(row));
            }
            results.push(self.best(*slot));
        }
        self.decode(results.iter())
    }

    fn evaluate(&self, slots: &[u32]) -> Result<ArrayRef> {
        self.decode(slots.iter().map(|slot| self.best(*slot)))
    }

    fn clear(&mut self, slots: &[u32]) {
        slots.iter().for_each(|slot| self.bags[at(*slot)] = Bag::default());
    }

    fn state(&self, slots: &[u32]) -> Result<Vec<ArrayRef>> {
        Ok(vec![Arc::new(write_bags(slots.iter().map(|slot| &self.bags[at(*slot)])))])
    }

    fn merge(&mut self, slots: &[u32], state: &[ArrayRef]) -> Result<()> {
        let bags: &BinaryArray = column(state, 0)?;
        for (row, slot) in slots.iter().enumerate() {
            if self.retracts {
                merge_bag(&mut self.bags[at(*slot)], bags, row, |_, _| {})?;
                continue;
            }
            let mut other = Bag::default();
            merge_bag(&mut other, bags, row, |_, _| {})?;
            other.iter().for_each(|(value, _)| self.apply(*slot, value, 1));
        }
        Ok(())
    }

    fn save(&self, slots: &[u32]) -> Result<Vec<Saved>> {
        Ok(vec![save_bags(&self.codec, &self.bags, slots)])
    }

    fn restore(&mut self, slots: &[u32], saved: &[ArrayRef]) -> Result<()> {
        restore_bags(&self.codec, &mut self.bags, slots, saved, 0)
    }

    fn memory(&self) -> usize {
        self.bags.capacity() * size_of::<Bag>() + self.bags.iter().map(Bag::memory).sum::<usize>()
    }
}
