//! Slots by keys of any columns, as bytes one behind the other.

use arrow::array::ArrayRef;
use arrow::datatypes::DataType;
use hashbrown::HashTable;
use hashbrown::hash_table::Entry;
use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::key_codec::{KeyCodec, KeyRows};
use super::number_keys;
use crate::error::{Error, Result};

/// Keys lie in one buffer, each behind its length; what was freed is given back when it is half of all.
pub struct ByteKeys {
    codec: KeyCodec,
    slots: HashTable<Place>,
    /// Where the key of each slot begins; of a free slot [`FREE`].
    starts: Vec<u64>,
    bytes: Vec<u8>,
    /// Bytes of keys that were freed.
    dead: usize,
    free: Vec<u32>,
    /// The keys of the batch at hand.
    rows: KeyRows,
}

#[derive(Clone, Copy)]
struct Place {
    hash: u32,
    slot: u32,
}

const FREE: u64 = u64::MAX;
const LENGTH: usize = size_of::<u32>();
/// Fewer freed bytes are not worth the move.
const DEAD_MIN: usize = 1 << 16;

impl ByteKeys {
    pub fn try_new(types: &[DataType]) -> Result<Self> {
        Ok(Self {
            codec: KeyCodec::try_new(types)?,
            slots: HashTable::new(),
            starts: Vec::new(),
            bytes: Vec::new(),
            dead: 0,
            free: Vec::new(),
            rows: KeyRows::default(),
        })
    }

    pub fn slots(&self) -> usize {
        self.starts.len()
    }

    pub fn len(&self) -> usize {
        self.starts.len() - self.free.len()
    }

    pub fn intern(&mut self, columns: &[ArrayRef], rows: usize) -> Result<Vec<u32>> {
        let mut encoded = std::mem::take(&mut self.rows);
        self.codec.encode(columns, rows, &mut encoded)?;
        let mut slots = Vec::with_capacity(rows);
        for row in 0..rows {
            slots.push(self.slot(encoded.row(row))?);
        }
        self.rows = encoded;
        Ok(slots)
    }

    #[inline]
    fn slot(&mut self, key: &[u8]) -> Result<u32> {
        let hash = short_hash(key);
        let Self { slots, starts, bytes, free, .. } = self;
        let same = |place: &Place| place.hash == hash && key_at(bytes, starts[place.slot as usize]) == key;
        match slots.entry(wide(hash), same, |place| wide(place.hash)) {
            Entry::Occupied(entry) => Ok(entry.get().slot),
            Entry::Vacant(place) => {
                let start = bytes.len() as u64;
                let length = u32::try_from(key.len()).map_err(|_| Error::data("a grouping key of more than 4 GiB"))?;
                bytes.extend_from_slice(&length.to_le_bytes());
                bytes.extend_from_slice(key);
                let slot = match free.pop() {
                    Some(slot) => {
                        starts[slot as usize] = start;
                        slot
                    }
                    None => {
                        starts.push(start);
                        starts.len() as u32 - 1
                    }
                };
                place.insert(Place { hash, slot });
                Ok(slot)
            }
        }
    }

    pub fn keys(&self, slots: &[u32]) -> Result<Vec<ArrayRef>> {
        let keys: Vec<&[u8]> = slots.iter().map(|slot| key_at(&self.bytes, self.starts[*slot as usize])).collect();
        self.codec.decode(&keys)
    }

    pub fn memory(&self) -> usize {
        let fixed = self.starts.capacity() * size_of::<u64>() + self.free.capacity() * size_of::<u32>();
        fixed + self.bytes.capacity() + self.slots.allocation_size() + self.rows.memory()
    }

    pub fn remove(&mut self, slots: &[u32]) {
        for &slot in slots {
            let start = self.starts[slot as usize];
            if start == FREE {
                continue;
            }
            let key = key_at(&self.bytes, start);
            self.dead += LENGTH + key.len();
            if let Ok(entry) = self.slots.find_entry(wide(short_hash(key)), |place| place.slot == slot) {
                entry.remove();
            }
            self.starts[slot as usize] = FREE;
            self.free.push(slot);
        }
        if self.dead > DEAD_MIN && self.dead > self.bytes.len() / 2 {
            self.compact();
        }
    }

    /// Leaves out the bytes of freed keys.
    fn compact(&mut self) {
        let mut bytes = Vec::with_capacity(self.bytes.len() - self.dead);
        for start in self.starts.iter_mut().filter(|start| **start != FREE) {
            let key = key_at(&self.bytes, *start);
            *start = bytes.len() as u64;
            bytes.extend_from_slice(&(key.len() as u32).to_le_bytes());
            bytes.extend_from_slice(key);
        }
        (self.bytes, self.dead) = (bytes, 0);
    }
}

/// The key that begins there; of a free slot nothing.
#[inline]
fn key_at(bytes: &[u8], start: u64) -> &[u8] {
    let Some((length, key)) = bytes.get(start as usize..).and_then(|bytes| bytes.split_first_chunk::<LENGTH>()) else {
        return &[];
    };
    &key[..u32::from_le_bytes(*length) as usize]
}

/// Not the hash that key groups go by: of those a subtask sees a part only.
fn short_hash(key: &[u8]) -> u32 {
    (xxh3_64_with_seed(key, 0x5107) >> 32) as u32
}

fn wide(hash: u32) -> u64 {
    number_keys::hash(hash.into())
}
