//! `COLLECT`: which values there are that are not NULL, and how often each.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, BinaryArray, Int32Array, MapArray, StructArray};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::DataType;

use super::bag::{Bag, ValueCodec, Values, merge_bag, restore_bags, save_bags, write_bags};
use super::saved::Saved;
use super::{Accumulator, AggregateFunction, Signs, at, column};
use crate::error::{Error, Result};
use crate::functions::Signature;
use crate::types::{SqlType, TypeKind};

#[derive(Debug)]
pub struct Collect;

impl AggregateFunction for Collect {
    fn name(&self) -> &'static str {
        "COLLECT"
    }

    fn usage(&self) -> &'static str {
        "COLLECT(value): a multiset of the values that are not NULL: each with how often it occurs."
    }

    fn signature(&self, arguments: &[SqlType]) -> Option<Signature> {
        let [argument] = arguments else { return None };
        let returns = SqlType::not_null(TypeKind::Multiset(Box::new(argument.clone())));
        Some(Signature { arguments: arguments.to_vec(), returns })
    }

    fn is_null_of_no_row(&self, _filtered: bool) -> bool {
        false
    }

    fn accumulator(&self, types: &Signature, _retracts: bool) -> Result<Box<dyn Accumulator>> {
        let types_of = |ty: &SqlType| ty.arrow();
        let codec = Arc::new(ValueCodec::try_new(&types.arguments.iter().map(types_of).collect::<Vec<_>>())?);
        Ok(Box::new(Collected { bags: Vec::new(), codec, out: types.returns.arrow() }))
    }
}

/// A [`Bag`] per slot.
struct Collected {
    bags: Vec<Bag>,
    codec: Arc<ValueCodec>,
    out: DataType,
}

/// The multisets of some rows: all values, how often each occurs, how many each row has.
#[derive(Default)]
struct Multisets {
    values: Values,
    counts: Vec<i32>,
    lengths: Vec<usize>,
}

impl Multisets {
    fn push(&mut self, bag: &Bag) {
        let before = self.counts.len();
        for (value, count) in bag.iter().filter(|(_, count)| *count > 0) {
            self.values.push(value);
            self.counts.push(i32::try_from(count).unwrap_or(i32::MAX));
        }
        self.lengths.push(self.counts.len() - before);
    }
}

impl Collected {
    fn apply(
        &mut self,
        slots: &[u32],
        arguments: &[ArrayRef],
        signs: Signs<'_>,
        mut each: impl FnMut(&Bag),
    ) -> Result<()> {
        let values = self.codec.encode(arguments)?;
        for (row, slot) in slots.iter().enumerate() {
            let bag = &mut self.bags[at(*slot)];
            if signs.at(row) != 0 && arguments[0].is_valid(row) {
                bag.add(values.row(row).as_ref(), signs.at(row).into());
            }
            each(bag);
        }
        Ok(())
    }

    fn results(&self, multisets: Multisets) -> Result<ArrayRef> {
        let DataType::Map(entries, sorted) = &self.out else {
            return Err(Error::internal("COLLECT gives no multiset"));
        };
        let DataType::Struct(fields) = entries.data_type() else {
            return Err(Error::internal("a multiset without entries"));
        };
        if multisets.counts.len() > i32::MAX as usize {
            return Err(Error::data("the multisets of COLLECT in one batch have more than 2147483647 elements"));
        }
        let values = self.codec.decode_one(multisets.values.iter())?;
        let columns = vec![values, Arc::new(Int32Array::from(multisets.counts)) as ArrayRef];
        let columns = StructArray::try_new(fields.clone(), columns, None)?;
        let offsets = OffsetBuffer::from_lengths(multisets.lengths);
        Ok(Arc::new(MapArray::try_new(entries.clone(), offsets, columns, None, *sorted)?))
    }
}

impl Accumulator for Collected {
    fn grow(&mut self, slots: usize) {
        self.bags.resize_with(slots, Bag::default);
    }

    fn update(&mut self, slots: &[u32], arguments: &[ArrayRef], signs: Signs<'_>) -> Result<()> {
        self.apply(slots, arguments, signs, |_| {})
    }

    fn update_each(&mut self, slots: &[u32], arguments: &[ArrayRef], signs: Signs<'_>) -> Result<ArrayRef> {
        let mut multisets = Multisets::default();
        self.apply(slots, arguments, signs, |bag| multisets.push(bag))?;
        self.results(multisets)
    }

    fn evaluate(&self, slots: &[u32]) -> Result<ArrayRef> {
        let mut multisets = Multisets::default();
        slots.iter().for_each(|slot| multisets.push(&self.bags[at(*slot)]));
        self.results(multisets)
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
            merge_bag(&mut self.bags[at(*slot)], bags, row, |_, _| {})?;
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
