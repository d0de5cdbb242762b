//! Groups by their keys: every key has a slot, and slots are used again.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, PrimitiveArray};
use arrow::datatypes::{DataType, Float32Type, Float64Type, SchemaRef};

use super::byte_keys::ByteKeys;
use super::number_keys::NumberKeys;
use crate::error::Result;

/// Keys that are NULL in the same columns and equal in the others are one group; -0.0 is 0.0, and every NaN is one.
pub struct GroupKeys(Store);

/// By what the key is made of.
enum Store {
    /// No column: all rows are one group, once there was one.
    Nothing {
        seen: bool,
    },
    /// One column of numbers of at most eight bytes.
    Number(Box<NumberKeys>),
    Bytes(Box<ByteKeys>),
}

impl GroupKeys {
    /// Over the columns `key` of `schema`.
    pub fn try_new(schema: &SchemaRef, key: &[usize]) -> Result<Self> {
        let types: Vec<DataType> = key.iter().map(|&column| schema.field(column).data_type().clone()).collect();
        Ok(Self(match &types[..] {
            [] => Store::Nothing { seen: false },
            [ty] if NumberKeys::fits(ty) => Store::Number(Box::new(NumberKeys::new(ty.clone()))),
            types => Store::Bytes(Box::new(ByteKeys::try_new(types)?)),
        }))
    }

    /// How many slots there are, free ones included.
    pub fn slots(&self) -> usize {
        match &self.0 {
            Store::Nothing { seen } => usize::from(*seen),
            Store::Number(keys) => keys.slots(),
            Store::Bytes(keys) => keys.slots(),
        }
    }

    /// How many keys have a slot.
    pub fn len(&self) -> usize {
        match &self.0 {
            Store::Nothing { seen } => usize::from(*seen),
            Store::Number(keys) => keys.len(),
            Store::Bytes(keys) => keys.len(),
        }
    }

    /// The slot of each row; new keys get one.
    pub fn intern(&mut self, columns: &[ArrayRef], rows: usize) -> Result<Vec<u32>> {
        match &mut self.0 {
            Store::Nothing { seen } => {
                *seen = true;
                Ok(vec![0; rows])
            }
            Store::Number(keys) => keys.intern(&canonical(&columns[0])),
            Store::Bytes(keys) => keys.intern(&columns.iter().map(canonical).collect::<Vec<_>>(), rows),
        }
    }

    /// The keys of these slots as columns.
    pub fn keys(&self, slots: &[u32]) -> Result<Vec<ArrayRef>> {
        match &self.0 {
            Store::Nothing { .. } => Ok(Vec::new()),
            Store::Number(keys) => Ok(vec![keys.keys(slots)?]),
            Store::Bytes(keys) => keys.keys(slots),
        }
    }

    /// Bytes held.
    pub fn memory(&self) -> usize {
        match &self.0 {
            Store::Nothing { .. } => 0,
            Store::Number(keys) => keys.memory(),
            Store::Bytes(keys) => keys.memory(),
        }
    }

    /// Frees slots for other keys.
    pub fn remove(&mut self, slots: &[u32]) {
        match &mut self.0 {
            Store::Nothing { .. } => {}
            Store::Number(keys) => keys.remove(slots),
            Store::Bytes(keys) => keys.remove(slots),
        }
    }
}

/// A column in which equal keys have equal bytes.
fn canonical(column: &ArrayRef) -> ArrayRef {
    match column.data_type() {
        DataType::Float64 => {
            let values: &PrimitiveArray<Float64Type> = column.as_primitive();
            let one = |value: f64| if value.is_nan() { f64::NAN } else { value + 0.0 };
            Arc::new(values.unary::<_, Float64Type>(one))
        }
        DataType::Float32 => {
            let values: &PrimitiveArray<Float32Type> = column.as_primitive();
            let one = |value: f32| if value.is_nan() { f32::NAN } else { value + 0.0 };
            Arc::new(values.unary::<_, Float32Type>(one))
        }
        _ => column.clone(),
    }
}

#[cfg(test)]
#[path = "keys_tests.rs"]
mod tests;
