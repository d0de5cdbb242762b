//! What accumulators keep across a restart: columns of the types that the values have.
//!
//! In memory values are bytes that only this build understands ([`ValueCodec`]). At a barrier they are copied; the column
//! is made of the copy in the background. In it each row is a list of values, and how often each is there:
//!
//! ```text
//! MAX(INT) of 3, 3, 5                        [(3, 2), (5, 1)]
//! LISTAGG(name, ' ') of b, a, b              [(b, ' ', 1), (a, ' ', 1), (b, ' ', 1)]
//! the same, with c taken back before it came [(b, ' ', 1), (a, ' ', 1), (b, ' ', 1), (c, ' ', -1)]
//! ```

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Int64Array, ListArray, StructArray};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{DataType, Field, Int64Type};

use super::bag::{ValueCodec, Values};
use crate::error::{Error, Result};

/// A column of what slots hold, a row each.
pub enum Saved {
    Now(ArrayRef),
    /// To be made in the background.
    Later(CountedValues),
}

impl Saved {
    /// Bytes held, about.
    pub fn memory(&self) -> usize {
        match self {
            Self::Now(column) => column.get_array_memory_size(),
            Self::Later(values) => values.memory(),
        }
    }

    pub fn column(&self) -> Result<ArrayRef> {
        match self {
            Self::Now(column) => Ok(column.clone()),
            Self::Later(values) => values.column(),
        }
    }
}

/// A copy of values with their counts: a list per slot.
pub struct CountedValues {
    codec: Arc<ValueCodec>,
    values: Values,
    counts: Vec<i64>,
    /// Where the list of each slot ends.
    ends: Vec<usize>,
}

impl CountedValues {
    /// Of slots whose values `codec` has made. `list` adds those of each.
    pub fn save<S>(
        codec: &Arc<ValueCodec>,
        slots: impl Iterator<Item = S>,
        list: impl Fn(S, &mut dyn FnMut(&[u8], i64)),
    ) -> Saved {
        let (mut values, mut counts, mut ends) = (Values::default(), Vec::new(), Vec::new());
        for slot in slots {
            list(slot, &mut |value, count| {
                values.push(value);
                counts.push(count);
            });
            ends.push(counts.len());
        }
        Saved::Later(Self { codec: codec.clone(), values, counts, ends })
    }

    fn memory(&self) -> usize {
        self.values.memory() + self.counts.capacity() * size_of::<i64>() + self.ends.capacity() * size_of::<usize>()
    }

    fn column(&self) -> Result<ArrayRef> {
        // No value is longer as a value than as bytes.
        if self.values.bytes() > i32::MAX as usize {
            return Err(Error::state("the values of an aggregate, for one group, have more than 2 GiB"));
        }
        let mut columns = self.codec.decode(self.values.iter())?;
        let value =
            |(i, column): (usize, &ArrayRef)| Field::new(format!("value {i}"), column.data_type().clone(), true);
        let mut fields: Vec<Field> = columns.iter().enumerate().map(value).collect();
        fields.push(Field::new("count", DataType::Int64, false));
        columns.push(Arc::new(Int64Array::from(self.counts.clone())));
        let entries = StructArray::try_new(fields.into(), columns, None)?;
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        let offsets = OffsetBuffer::from_lengths(starts.zip(&self.ends).map(|(start, end)| end - start));
        let field = Arc::new(Field::new("values", entries.data_type().clone(), false));
        Ok(Arc::new(ListArray::try_new(field, offsets, Arc::new(entries), None)?))
    }
}

/// Reads the column at `position` of those that were saved; `each` hears of the values of every row, as bytes, and of
/// their counts.
pub fn read_counted(
    codec: &ValueCodec,
    saved: &[ArrayRef],
    position: usize,
    mut each: impl FnMut(usize, &[u8], i64) -> Result<()>,
) -> Result<()> {
    let lists = saved.get(position).and_then(|column| column.as_list_opt::<i32>()).ok_or_else(torn)?;
    let entries = lists.values().as_struct_opt().ok_or_else(torn)?;
    let (counts, values) = entries.columns().split_last().ok_or_else(torn)?;
    let counts = counts.as_primitive_opt::<Int64Type>().ok_or_else(torn)?;
    let values = codec.encode(values)?;
    for (row, bounds) in lists.offsets().windows(2).enumerate() {
        for entry in bounds[0] as usize..bounds[1] as usize {
            each(row, values.row(entry).as_ref(), counts.value(entry))?;
        }
    }
    Ok(())
}

pub fn torn() -> Error {
    Error::state("the state of an aggregate is damaged")
}
