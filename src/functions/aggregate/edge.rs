//! `FIRST_VALUE` and `LAST_VALUE` in the order of arrival. Where rows may be taken back every value is kept; else only one.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, BinaryArray};

use super::arrivals::{Arrivals, Shape};
use super::bag::{ValueCodec, Values};
use super::saved::{CountedValues, Saved, read_counted, torn};
use super::sequence::Sequence;
use super::{Accumulator, AggregateFunction, Signs, at, column};
use crate::error::{Error, Result};
use crate::functions::Signature;
use crate::types::SqlType;

#[derive(Debug, Clone, Copy)]
pub struct Edge {
    name: &'static str,
    usage: &'static str,
    last: bool,
}

impl Edge {
    pub const FIRST_VALUE: Self = Self {
        name: "FIRST_VALUE",
        usage: "FIRST_VALUE(value): the value that came first of those that are not NULL; NULL where there are none.",
        last: false,
    };
    pub const LAST_VALUE: Self = Self {
        name: "LAST_VALUE",
        usage: "LAST_VALUE(value): the value that came last of those that are not NULL; NULL where there are none.",
        last: true,
    };
}

impl AggregateFunction for Edge {
    fn name(&self) -> &'static str {
        self.name
    }

    fn usage(&self) -> &'static str {
        self.usage
    }

    fn signature(&self, arguments: &[SqlType]) -> Option<Signature> {
        let [argument] = arguments else { return None };
        Some(Signature { arguments: arguments.to_vec(), returns: argument.clone() })
    }

    /// Which of two values came first is not kept.
    fn merges(&self) -> bool {
        false
    }

    fn accumulator(&self, types: &Signature, retracts: bool) -> Result<Box<dyn Accumulator>> {
        let ty = types.returns.arrow();
        let codec = Arc::new(ValueCodec::try_new(std::slice::from_ref(&ty))?);
        let null = codec.null(&ty)?;
        match retracts {
            true => Arrivals::boxed(types, true, Outermost { null, last: self.last }),
            false => Ok(Box::new(Kept { values: Vec::new(), codec, null, last: self.last })),
        }
    }
}

/// The first or last of all values.
struct Outermost {
    null: Box<[u8]>,
    last: bool,
}

impl Shape for Outermost {
    fn choose(&self, sequence: &Sequence, chosen: &mut Values) {
        let value = if self.last { sequence.last() } else { sequence.first() };
        chosen.push(value.unwrap_or(&self.null));
    }

    fn results(&self, values: &[ArrayRef], _ends: &[usize]) -> Result<ArrayRef> {
        values.first().cloned().ok_or_else(|| Error::internal("a column of values is missing"))
    }
}

/// The one value per slot that counts, as bytes; nothing before one has come.
struct Kept {
    values: Vec<Vec<u8>>,
    codec: Arc<ValueCodec>,
    null: Box<[u8]>,
    last: bool,
}

impl Kept {
    fn apply(&mut self, slot: u32, value: &[u8]) {
        let kept = &mut self.values[at(slot)];
        if self.last || kept.is_empty() {
            kept.clear();
            kept.extend_from_slice(value);
        }
    }

    fn value(&self, slot: u32) -> &[u8] {
        let kept = &self.values[at(slot)];
        if kept.is_empty() { &self.null } else { kept }
    }
}

impl Accumulator for Kept {
    fn grow(&mut self, slots: usize) {
        self.values.resize(slots, Vec::new());
    }

    fn update(&mut self, slots: &[u32], arguments: &[ArrayRef], signs: Signs<'_>) -> Result<()> {
        let values = self.codec.encode(arguments)?;
        for (row, slot) in slots.iter().enumerate() {
            if signs.at(row) > 0 && arguments[0].is_valid(row) {
                self.apply(*slot, values.row(row).as_ref());
            }
        }
        Ok(())
    }

    fn update_each(&mut self, slots: &[u32], arguments: &[ArrayRef], signs: Signs<'_>) -> Result<ArrayRef> {
        let values = self.codec.encode(arguments)?;
        let mut results = Values::default();
        for (row, slot) in slots.iter().enumerate() {
            if signs.at(row) > 0 && arguments[0].is_valid(row) {
                self.apply(*slot, values.row(row).as_ref());
            }
            results.push(self.value(*slot));
        }
        self.codec.decode_one(results.iter())
    }

    fn evaluate(&self, slots: &[u32]) -> Result<ArrayRef> {
        self.codec.decode_one(slots.iter().map(|slot| self.value(*slot)))
    }

    fn clear(&mut self, slots: &[u32]) {
        slots.iter().for_each(|slot| self.values[at(*slot)] = Vec::new());
    }

    fn state(&self, slots: &[u32]) -> Result<Vec<ArrayRef>> {
        Ok(vec![Arc::new(BinaryArray::from_iter_values(slots.iter().map(|slot| &self.values[at(*slot)])))])
    }

    /// What is merged comes behind what is here.
    fn merge(&mut self, slots: &[u32], state: &[ArrayRef]) -> Result<()> {
        let values: &BinaryArray = column(state, 0)?;
        for (row, slot) in slots.iter().enumerate() {
            if values.is_valid(row) && !values.value(row).is_empty() {
                self.apply(*slot, values.value(row));
            }
        }
        Ok(())
    }

    fn save(&self, slots: &[u32]) -> Result<Vec<Saved>> {
        let values = slots.iter().map(|slot| &self.values[at(*slot)]).map(Vec::as_slice);
        Ok(vec![CountedValues::save(&self.codec, values, |value, add| {
            if !value.is_empty() {
                add(value, 1);
            }
        })])
    }

    fn restore(&mut self, slots: &[u32], saved: &[ArrayRef]) -> Result<()> {
        let Self { values, codec, .. } = self;
        read_counted(codec, saved, 0, |row, value, _| {
            values[at(*slots.get(row).ok_or_else(torn)?)] = value.to_vec();
            Ok(())
        })
    }

    fn memory(&self) -> usize {
        let values: usize = self.values.iter().map(Vec::capacity).sum();
        self.values.capacity() * size_of::<Vec<u8>>() + values
    }
}
