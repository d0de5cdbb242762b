//! Values of any type as bytes that sort as the values do, and bags of them: which occur, and how often.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, BinaryArray, BinaryBuilder};
use arrow::datatypes::DataType;
use arrow::row::{RowConverter, Rows, SortField};

use super::at;
use super::saved::{CountedValues, Saved, read_counted, torn};
use crate::error::{Error, Result};

/// Between a column and its values as bytes.
pub struct ValueCodec(RowConverter);

impl ValueCodec {
    pub fn try_new(types: &[DataType]) -> Result<Self> {
        let fields = types.iter().map(|ty| SortField::new(ty.clone())).collect();
        Ok(Self(RowConverter::new(fields)?))
    }

    pub fn encode(&self, columns: &[ArrayRef]) -> Result<Rows> {
        Ok(self.0.convert_columns(columns)?)
    }

    /// The columns again. `values` came from [`ValueCodec::encode`].
    pub fn decode<'a>(&self, values: impl Iterator<Item = &'a [u8]>) -> Result<Vec<ArrayRef>> {
        let parser = self.0.parser();
        Ok(self.0.convert_rows(values.map(|value| parser.parse(value)))?)
    }

    /// The only column again.
    pub fn decode_one<'a>(&self, values: impl Iterator<Item = &'a [u8]>) -> Result<ArrayRef> {
        self.decode(values)?.pop().ok_or_else(|| Error::internal("a column of values is missing"))
    }

    /// A NULL as bytes, for one column.
    pub fn null(&self, ty: &DataType) -> Result<Box<[u8]>> {
        let null = self.encode(&[arrow::array::new_null_array(ty, 1)])?;
        Ok(null.row(0).as_ref().into())
    }
}

/// Many values as bytes, one behind the other.
#[derive(Debug, Default)]
pub struct Values {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Values {
    pub fn push(&mut self, value: &[u8]) {
        self.bytes.extend_from_slice(value);
        self.ends.push(self.bytes.len());
    }

    pub fn len(&self) -> usize {
        self.ends.len()
    }

    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Bytes of all values.
    pub fn bytes(&self) -> usize {
        self.bytes.len()
    }

    /// Bytes held.
    pub fn memory(&self) -> usize {
        self.bytes.capacity() + self.ends.capacity() * size_of::<usize>()
    }

    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        starts.zip(&self.ends).map(|(start, end)| &self.bytes[start..*end])
    }
}

/// Values in order, each with how often it occurs. Fewer than none: a retraction came before what it retracts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Bag {
    counts: BTreeMap<Box<[u8]>, i64>,
    /// Values that occur at least once.
    present: usize,
}

impl Bag {
    /// Adds to the count of a value; says whether it has come (1), gone (-1), or neither.
    pub fn add(&mut self, value: &[u8], times: i64) -> i8 {
        let (before, after) = match self.counts.get_mut(value) {
            Some(count) => {
                let before = *count;
                *count += times;
                (before, *count)
            }
            None => {
                self.counts.insert(value.into(), times);
                (0, times)
            }
        };
        if after == 0 {
            self.counts.remove(value);
        }
        match (before > 0, after > 0) {
            (false, true) => {
                self.present += 1;
                1
            }
            (true, false) => {
                self.present -= 1;
                -1
            }
            _ => 0,
        }
    }

    pub fn first(&self) -> Option<&[u8]> {
        self.counts.iter().find(|(_, count)| **count > 0).map(|(value, _)| value.as_ref())
    }

    pub fn last(&self) -> Option<&[u8]> {
        self.counts.iter().rev().find(|(_, count)| **count > 0).map(|(value, _)| value.as_ref())
    }

    pub fn iter(&self) -> impl Iterator<Item = (&[u8], i64)> {
        self.counts.iter().map(|(value, count)| (value.as_ref(), *count))
    }

    pub fn memory(&self) -> usize {
        // A node of the tree holds up to eleven entries and is two thirds full as a rule.
        self.counts.keys().map(|value| value.len() + 48).sum()
    }

    fn write(&self, out: &mut Vec<u8>) {
        for (value, count) in &self.counts {
            write_value(out, value);
            out.extend_from_slice(&count.to_le_bytes());
        }
    }

    /// Adds what [`Bag::write`] wrote; `each` hears of every value that has come or gone.
    fn read(&mut self, mut bytes: &[u8], mut each: impl FnMut(&[u8], i8)) -> Result<()> {
        while !bytes.is_empty() {
            let (value, rest) = read_value(bytes)?;
            let (count, rest) = rest.split_first_chunk::<8>().ok_or_else(torn)?;
            let change = self.add(value, i64::from_le_bytes(*count));
            if change != 0 {
                each(value, change);
            }
            bytes = rest;
        }
        Ok(())
    }
}

/// A value with its length in front.
pub fn write_value(out: &mut Vec<u8>, value: &[u8]) {
    out.extend_from_slice(&(value.len() as u32).to_le_bytes());
    out.extend_from_slice(value);
}

/// What [`write_value`] wrote, and what stands behind it.
pub fn read_value(bytes: &[u8]) -> Result<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<4>().ok_or_else(torn)?;
    rest.split_at_checked(u32::from_le_bytes(*length) as usize).ok_or_else(torn)
}

/// Bags as a column, to be merged.
pub fn write_bags<'a>(bags: impl Iterator<Item = &'a Bag>) -> BinaryArray {
    let (mut column, mut bytes) = (BinaryBuilder::new(), Vec::new());
    for bag in bags {
        bytes.clear();
        bag.write(&mut bytes);
        column.append_value(&bytes);
    }
    column.finish()
}

/// Adds the bag in a row of such a column to `bag`.
pub fn merge_bag(bag: &mut Bag, column: &BinaryArray, row: usize, each: impl FnMut(&[u8], i8)) -> Result<()> {
    match column.is_null(row) {
        true => Ok(()),
        false => bag.read(column.value(row), each),
    }
}

/// Bags as a column that outlives the process.
pub fn save_bags(codec: &Arc<ValueCodec>, bags: &[Bag], slots: &[u32]) -> Saved {
    CountedValues::save(codec, slots.iter().map(|slot| &bags[at(*slot)]), |bag, add| {
        bag.iter().for_each(|(value, count)| add(value, count));
    })
}

/// Makes bags, which are empty, those that [`save_bags`] saved in the column at `position`.
pub fn restore_bags(
    codec: &ValueCodec,
    bags: &mut [Bag],
    slots: &[u32],
    saved: &[ArrayRef],
    position: usize,
) -> Result<()> {
    read_counted(codec, saved, position, |row, value, count| {
        let slot = slots.get(row).ok_or_else(torn)?;
        bags[at(*slot)].add(value, count);
        Ok(())
    })
}
