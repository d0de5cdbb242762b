//! Values in the order in which they came; one that is taken back leaves at its first place.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow::array::{Array, BinaryArray, BinaryBuilder};

use super::bag::{read_value, write_value};
use super::saved::torn;
use crate::error::Result;

/// The values of a slot. Where none is ever taken back they are not looked up, either.
#[derive(Debug, Clone, Default)]
pub struct Sequence {
    values: BTreeMap<u64, Arc<[u8]>>,
    /// Each value with its places.
    places: BTreeSet<(Arc<[u8]>, u64)>,
    /// What was taken back and had not come, how many times each: it counts when it meets its value in a merge, as in
    /// Flink.
    owed: BTreeMap<Arc<[u8]>, u64>,
}

impl Sequence {
    /// `retracts`: values may be taken back.
    pub fn push(&mut self, value: &[u8], retracts: bool) {
        let place = self.values.last_key_value().map_or(0, |(place, _)| place + 1);
        let value: Arc<[u8]> = value.into();
        if retracts {
            self.places.insert((value.clone(), place));
        }
        self.values.insert(place, value);
    }

    /// Takes the first of a value away.
    pub fn retract(&mut self, value: &[u8]) {
        let value: Arc<[u8]> = value.into();
        if !self.remove(&value) {
            *self.owed.entry(value).or_default() += 1;
        }
    }

    fn remove(&mut self, value: &Arc<[u8]>) -> bool {
        let places = (value.clone(), 0)..=(value.clone(), u64::MAX);
        let Some(first) = self.places.range(places).next().cloned() else { return false };
        self.values.remove(&first.1);
        self.places.remove(&first)
    }

    pub fn first(&self) -> Option<&[u8]> {
        self.values.first_key_value().map(|(_, value)| value.as_ref())
    }

    pub fn last(&self) -> Option<&[u8]> {
        self.values.last_key_value().map(|(_, value)| value.as_ref())
    }

    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        self.values.values().map(AsRef::as_ref)
    }

    pub fn memory(&self) -> usize {
        let values = self.values.values().chain(self.owed.keys());
        values.map(|value| value.len() + 48).sum::<usize>() + self.places.len() * 32
    }

    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&(self.values.len() as u64).to_le_bytes());
        self.iter().for_each(|value| write_value(out, value));
        for (value, times) in &self.owed {
            write_value(out, value);
            out.extend_from_slice(&times.to_le_bytes());
        }
    }

    /// The values behind those that are here.
    fn read(&mut self, bytes: &[u8], retracts: bool) -> Result<()> {
        let (count, mut bytes) = bytes.split_first_chunk::<8>().ok_or_else(torn)?;
        for _ in 0..u64::from_le_bytes(*count) {
            let (value, rest) = read_value(bytes)?;
            self.push(value, retracts);
            bytes = rest;
        }
        while !bytes.is_empty() {
            let (value, rest) = read_value(bytes)?;
            let (times, rest) = rest.split_first_chunk::<8>().ok_or_else(torn)?;
            *self.owed.entry(value.into()).or_default() += u64::from_le_bytes(*times);
            bytes = rest;
        }
        Ok(())
    }

    /// Tells every value in order, then what is owed, with a count below zero.
    pub fn list(&self, add: &mut dyn FnMut(&[u8], i64)) {
        self.iter().for_each(|value| add(value, 1));
        self.owed.iter().for_each(|(value, times)| add(value, -times.cast_signed()));
    }

    /// Takes in what [`Sequence::list`] told.
    pub fn relist(&mut self, value: &[u8], count: i64, retracts: bool) {
        match u64::try_from(count) {
            Ok(times) => (0..times).for_each(|_| self.push(value, retracts)),
            Err(_) => *self.owed.entry(value.into()).or_default() += count.unsigned_abs(),
        }
    }

    /// Takes away what is owed and has come.
    fn settle(&mut self) {
        for (value, mut times) in std::mem::take(&mut self.owed) {
            while times > 0 && self.remove(&value) {
                times -= 1;
            }
            if times > 0 {
                self.owed.insert(value, times);
            }
        }
    }
}

/// Sequences as a column, to be merged.
pub fn write_sequences<'a>(sequences: impl Iterator<Item = &'a Sequence>) -> BinaryArray {
    let (mut column, mut bytes) = (BinaryBuilder::new(), Vec::new());
    for sequence in sequences {
        bytes.clear();
        sequence.write(&mut bytes);
        column.append_value(&bytes);
    }
    column.finish()
}

/// Puts the sequence in a row of such a column behind `sequence`.
pub fn merge_sequence(sequence: &mut Sequence, column: &BinaryArray, row: usize, retracts: bool) -> Result<()> {
    if column.is_valid(row) {
        sequence.read(column.value(row), retracts)?;
    }
    sequence.settle();
    Ok(())
}
