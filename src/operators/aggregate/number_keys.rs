//! Slots by one column of numbers.

use arrow::array::{Array, ArrayData, ArrayRef, make_array};
use arrow::buffer::{Buffer, NullBuffer};
use arrow::datatypes::{ArrowNativeType, DataType};
use hashbrown::HashTable;
use hashbrown::hash_table::Entry;

use crate::error::{Error, Result};

/// Numbers, dates, times: whatever has a fixed width of at most eight bytes, by its bits.
pub struct NumberKeys {
    ty: DataType,
    width: usize,
    slots: HashTable<u32>,
    /// The key of each slot; of a free slot the last one.
    keys: Vec<u64>,
    null: Option<u32>,
    free: Vec<u32>,
}

impl NumberKeys {
    pub fn fits(ty: &DataType) -> bool {
        matches!(ty.primitive_width(), Some(1 | 2 | 4 | 8))
    }

    /// `ty` [fits](Self::fits).
    pub fn new(ty: DataType) -> Self {
        let width = ty.primitive_width().unwrap_or(8);
        Self { ty, width, slots: HashTable::new(), keys: Vec::new(), null: None, free: Vec::new() }
    }

    pub fn slots(&self) -> usize {
        self.keys.len()
    }

    pub fn len(&self) -> usize {
        self.keys.len() - self.free.len()
    }

    pub fn intern(&mut self, column: &ArrayRef) -> Result<Vec<u32>> {
        let data = column.to_data();
        if data.data_type().primitive_width() != Some(self.width) {
            return Err(Error::internal("a key of another type"));
        }
        Ok(match self.width {
            1 => self.intern_bits(&data, |bits: u8| bits.into()),
            2 => self.intern_bits(&data, |bits: u16| bits.into()),
            4 => self.intern_bits(&data, |bits: u32| bits.into()),
            _ => self.intern_bits(&data, |bits: u64| bits),
        })
    }

    fn intern_bits<T: ArrowNativeType>(&mut self, data: &ArrayData, wide: impl Fn(T) -> u64) -> Vec<u32> {
        let values = &data.buffers()[0].typed_data::<T>()[data.offset()..data.offset() + data.len()];
        match data.nulls().filter(|nulls| nulls.null_count() > 0) {
            None => values.iter().map(|value| self.slot(wide(*value))).collect(),
            Some(nulls) => {
                let slot = |(row, value): (usize, &T)| match nulls.is_valid(row) {
                    true => self.slot(wide(*value)),
                    false => self.null_slot(),
                };
                values.iter().enumerate().map(slot).collect()
            }
        }
    }

    #[inline]
    fn slot(&mut self, key: u64) -> u32 {
        let Self { slots, keys, free, .. } = self;
        match slots.entry(hash(key), |slot| keys[*slot as usize] == key, |slot| hash(keys[*slot as usize])) {
            Entry::Occupied(entry) => *entry.get(),
            Entry::Vacant(place) => {
                let slot = new_slot(keys, free, key);
                place.insert(slot);
                slot
            }
        }
    }

    fn null_slot(&mut self) -> u32 {
        *self.null.get_or_insert_with(|| new_slot(&mut self.keys, &mut self.free, 0))
    }

    pub fn keys(&self, slots: &[u32]) -> Result<ArrayRef> {
        let bits = slots.iter().map(|slot| self.keys[*slot as usize]);
        let buffer = match self.width {
            1 => Buffer::from_vec(bits.map(|bits| bits as u8).collect()),
            2 => Buffer::from_vec(bits.map(|bits| bits as u16).collect()),
            4 => Buffer::from_vec(bits.map(|bits| bits as u32).collect()),
            _ => Buffer::from_vec(bits.collect::<Vec<u64>>()),
        };
        let nulls = self.null.filter(|null| slots.contains(null));
        let nulls = nulls.map(|null| slots.iter().map(|slot| *slot != null).collect::<NullBuffer>());
        let data = ArrayData::builder(self.ty.clone()).len(slots.len()).add_buffer(buffer).nulls(nulls).build()?;
        Ok(make_array(data))
    }

    pub fn memory(&self) -> usize {
        self.keys.capacity() * size_of::<u64>() + self.slots.allocation_size() + self.free.capacity() * size_of::<u32>()
    }

    pub fn remove(&mut self, slots: &[u32]) {
        for &slot in slots {
            if self.null == Some(slot) {
                self.null = None;
                self.free.push(slot);
            } else if let Ok(entry) = self.slots.find_entry(hash(self.keys[slot as usize]), |known| *known == slot) {
                entry.remove();
                self.free.push(slot);
            }
        }
    }
}

fn new_slot(keys: &mut Vec<u64>, free: &mut Vec<u32>, key: u64) -> u32 {
    match free.pop() {
        Some(slot) => {
            keys[slot as usize] = key;
            slot
        }
        None => {
            keys.push(key);
            keys.len() as u32 - 1
        }
    }
}

/// Spreads the bits of a number over a hash.
#[inline]
pub fn hash(key: u64) -> u64 {
    let product = u128::from(key ^ 0x9e37_79b9_7f4a_7c15) * u128::from(0xd6e8_feb8_6659_fd93_u64);
    (product as u64) ^ ((product >> 64) as u64)
}
