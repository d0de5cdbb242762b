//! Groups by their keys: every key has a slot, and slots are used again.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, PrimitiveArray};
use arrow::datatypes::{DataType, Float32Type, Float64Type, SchemaRef};
use arrow::row::Rows;
use hashbrown::HashTable;
use xxhash_rust::xxh3::xxh3_64;

use crate::error::Result;
use crate::functions::aggregate::ValueCodec;

/// Keys that are NULL in the same columns and equal in the others are one group; -0.0 is 0.0, and every NaN is one.
pub struct GroupKeys {
    codec: ValueCodec,
    types: Vec<DataType>,
    slots: HashTable<u32>,
    /// The key of each slot; of a free slot nothing.
    keys: Vec<Box<[u8]>>,
    free: Vec<u32>,
}

impl GroupKeys {
    /// Over the columns `key` of `schema`.
    pub fn try_new(schema: &SchemaRef, key: &[usize]) -> Result<Self> {
        let types: Vec<DataType> = key.iter().map(|&column| schema.field(column).data_type().clone()).collect();
        let codec = ValueCodec::try_new(&types)?;
        Ok(Self { codec, types, slots: HashTable::new(), keys: Vec::new(), free: Vec::new() })
    }

    /// How many slots there are, free ones included.
    pub fn slots(&self) -> usize {
        self.keys.len()
    }

    /// How many keys have a slot.
    pub fn len(&self) -> usize {
        self.keys.len() - self.free.len()
    }

    /// The slot of each row; new keys get one.
    pub fn intern(&mut self, columns: &[ArrayRef], rows: usize) -> Result<Vec<u32>> {
        if self.types.is_empty() {
            if self.keys.is_empty() {
                self.keys.push(Box::default());
            }
            return Ok(vec![0; rows]);
        }
        let columns: Vec<ArrayRef> = columns.iter().map(canonical).collect();
        let encoded: Rows = self.codec.encode(&columns)?;
        let mut slots = Vec::with_capacity(rows);
        let Self { slots: table, keys, free, .. } = self;
        for row in 0..rows {
            let key = encoded.row(row);
            let key = key.as_ref();
            let hash = xxh3_64(key);
            let found = table.find(hash, |slot| keys[*slot as usize].as_ref() == key).copied();
            slots.push(match found {
                Some(slot) => slot,
                None => {
                    let slot = match free.pop() {
                        Some(slot) => {
                            keys[slot as usize] = key.into();
                            slot
                        }
                        None => {
                            keys.push(key.into());
                            keys.len() as u32 - 1
                        }
                    };
                    table.insert_unique(hash, slot, |slot| xxh3_64(&keys[*slot as usize]));
                    slot
                }
            });
        }
        Ok(slots)
    }

    /// The keys of these slots as columns.
    pub fn keys(&self, slots: &[u32]) -> Result<Vec<ArrayRef>> {
        match self.types.is_empty() {
            true => Ok(Vec::new()),
            false => self.codec.decode(slots.iter().map(|slot| self.keys[*slot as usize].as_ref())),
        }
    }

    /// Bytes held.
    pub fn memory(&self) -> usize {
        let bytes: usize = self.keys.iter().map(|key| key.len()).sum();
        bytes + self.keys.capacity() * size_of::<Box<[u8]>>() + self.slots.capacity() * (size_of::<u32>() + 1)
    }

    /// Frees slots for other keys.
    pub fn remove(&mut self, slots: &[u32]) {
        if self.types.is_empty() {
            return;
        }
        for &slot in slots {
            let key = std::mem::take(&mut self.keys[slot as usize]);
            if let Ok(entry) = self.slots.find_entry(xxh3_64(&key), |known| *known == slot) {
                entry.remove();
                self.free.push(slot);
            }
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
mod tests {
    use arrow::array::{Float64Array, StringArray};
    use arrow::datatypes::{Field, Schema};

    use super::*;

    #[test]
    fn equal_keys_have_one_slot_and_free_slots_are_used_again() {
        let fields = vec![Field::new("h", DataType::Utf8, true), Field::new("x", DataType::Float64, true)];
        let mut keys = GroupKeys::try_new(&Arc::new(Schema::new(fields)), &[0, 1]).unwrap();
        let hosts: ArrayRef = Arc::new(StringArray::from(vec![Some("a"), None, Some("a"), None, Some("a")]));
        let values: ArrayRef = Arc::new(Float64Array::from(vec![0.0, f64::NAN, -0.0, -f64::NAN, 1.0]));
        let columns = [hosts, values];
        assert_eq!(keys.intern(&columns, 5).unwrap(), [0, 1, 0, 1, 2]);
        keys.remove(&[1]);
        let last: Vec<ArrayRef> = columns.iter().map(|column| column.slice(4, 1)).collect();
        assert_eq!(keys.intern(&last, 1).unwrap(), [2], "the others stay");
        let host: ArrayRef = Arc::new(StringArray::from(vec!["b"]));
        assert_eq!(keys.intern(&[host, last[1].clone()], 1).unwrap(), [1]);
        assert_eq!(keys.slots(), 3);
    }

    #[test]
    fn without_columns_there_is_one_group() {
        let mut keys = GroupKeys::try_new(&Arc::new(Schema::empty()), &[]).unwrap();
        assert_eq!(keys.intern(&[], 3).unwrap(), [0, 0, 0]);
        keys.remove(&[0]);
        assert_eq!((keys.intern(&[], 1).unwrap(), keys.slots()), (vec![0], 1));
    }
}
