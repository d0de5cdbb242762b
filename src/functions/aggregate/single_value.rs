//! `SINGLE_VALUE`: the value of the only row; a second row is an error.

use std::sync::Arc;

use arrow::array::{ArrayRef, BinaryArray, Int64Array};

use super::bag::{ValueCodec, Values};
use super::saved::{CountedValues, Saved, read_counted, torn};
use super::{Accumulator, AggregateFunction, Signs, at, column};
use crate::error::{Error, Result};
use crate::functions::Signature;
use crate::types::{SqlType, TypeKind};

#[derive(Debug)]
pub struct SingleValue;

impl AggregateFunction for SingleValue {
    fn name(&self) -> &'static str {
        "SINGLE_VALUE"
    }

    fn usage(&self) -> &'static str {
        "SINGLE_VALUE(value): the value of the only row, NULL or not; a second row fails the job."
    }

    fn signature(&self, arguments: &[SqlType]) -> Option<Signature> {
        let [argument] = arguments else { return None };
        let nested =
            matches!(argument.kind, TypeKind::Array(_) | TypeKind::Map(..) | TypeKind::Multiset(_) | TypeKind::Row(_));
        (!nested).then(|| Signature { arguments: arguments.to_vec(), returns: argument.clone() })
    }

    fn accumulator(&self, types: &Signature, _retracts: bool) -> Result<Box<dyn Accumulator>> {
        let ty = types.returns.arrow();
        let codec = Arc::new(ValueCodec::try_new(std::slice::from_ref(&ty))?);
        let null = codec.null(&ty)?;
        Ok(Box::new(Singles { states: Vec::new(), codec, null }))
    }
}

/// The rows of a slot, and the value of the one there is.
#[derive(Debug, Clone, Default)]
struct Single {
    rows: i64,
    value: Vec<u8>,
}

impl Single {
    fn apply(&mut self, value: &[u8], rows: i64) -> Result<()> {
        self.rows += rows;
        if self.rows > 1 {
            return Err(Error::data("SINGLE_VALUE received more than one row")
                .with_hint("MAX, FIRST_VALUE or a narrower condition gives one value of many rows."));
        }
        self.value.clear();
        if self.rows == 1 {
            self.value.extend_from_slice(value);
        }
        Ok(())
    }
}

struct Singles {
    states: Vec<Single>,
    codec: Arc<ValueCodec>,
    null: Box<[u8]>,
}

impl Singles {
    fn value(&self, slot: u32) -> &[u8] {
        let value = &self.states[at(slot)].value;
        if value.is_empty() { &self.null } else { value }
    }
}

impl Accumulator for Singles {
    fn grow(&mut self, slots: usize) {
        self.states.resize(slots, Single::default());
    }

    fn update(&mut self, slots: &[u32], arguments: &[ArrayRef], signs: Signs<'_>) -> Result<()> {
        self.update_each(slots, arguments, signs).map(|_| ())
    }

    fn update_each(&mut self, slots: &[u32], arguments: &[ArrayRef], signs: Signs<'_>) -> Result<ArrayRef> {
        let values = self.codec.encode(arguments)?;
        let mut results = Values::default();
        for (row, slot) in slots.iter().enumerate() {
            if signs.at(row) != 0 {
                self.states[at(*slot)].apply(values.row(row).as_ref(), signs.at(row).into())?;
            }
            results.push(self.value(*slot));
        }
        self.codec.decode_one(results.iter())
    }

    fn evaluate(&self, slots: &[u32]) -> Result<ArrayRef> {
        self.codec.decode_one(slots.iter().map(|slot| self.value(*slot)))
    }

    fn clear(&mut self, slots: &[u32]) {
        slots.iter().for_each(|slot| self.states[at(*slot)] = Single::default());
    }

    fn state(&self, slots: &[u32]) -> Result<Vec<ArrayRef>> {
        let states = || slots.iter().map(|slot| &self.states[at(*slot)]);
        let rows = Int64Array::from_iter_values(states().map(|state| state.rows));
        Ok(vec![Arc::new(rows), Arc::new(BinaryArray::from_iter_values(states().map(|state| &state.value)))])
    }

    fn merge(&mut self, slots: &[u32], state: &[ArrayRef]) -> Result<()> {
        let (rows, values): (&Int64Array, &BinaryArray) = (column(state, 0)?, column(state, 1)?);
        for (row, slot) in slots.iter().enumerate() {
            if rows.value(row) != 0 {
                self.states[at(*slot)].apply(values.value(row), rows.value(row))?;
            }
        }
        Ok(())
    }

    fn save(&self, slots: &[u32]) -> Result<Vec<Saved>> {
        let states = slots.iter().map(|slot| &self.states[at(*slot)]);
        Ok(vec![CountedValues::save(&self.codec, states, |state, add| match state.rows {
            0 => {}
            1 => add(&state.value, 1),
            rows => add(&self.null, rows),
        })])
    }

    fn restore(&mut self, slots: &[u32], saved: &[ArrayRef]) -> Result<()> {
        let Self { states, codec, .. } = self;
        read_counted(codec, saved, 0, |row, value, rows| {
            states[at(*slots.get(row).ok_or_else(torn)?)].apply(value, rows)
        })
    }

    fn memory(&self) -> usize {
        let values: usize = self.states.iter().map(|state| state.value.capacity()).sum();
        self.states.capacity() * size_of::<Single>() + values
    }
}
