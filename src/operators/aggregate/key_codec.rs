//! Grouping keys as bytes: which columns are NULL, then the values of the others.

use std::sync::Arc;

use arrow::array::{Array, ArrayData, ArrayRef, BinaryArray, StringArray, make_array};
use arrow::buffer::{MutableBuffer, NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow::datatypes::DataType;
use arrow::row::Rows;

use crate::error::{Error, Result};
use crate::functions::aggregate::ValueCodec;

/// Between columns and keys as bytes. Equal keys have equal bytes, and only they.
pub struct KeyCodec {
    columns: Vec<Column>,
    /// Bytes in front that say which columns are NULL.
    marks: usize,
}

struct Column {
    ty: DataType,
    shape: Shape,
}

enum Shape {
    Fixed(usize),
    /// Text or bytes, behind their length.
    Variable,
    /// Anything else, as bytes behind their length.
    Coded(ValueCodec),
}

/// Keys of many rows.
#[derive(Debug, Default)]
pub struct KeyRows {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl KeyRows {
    #[inline]
    pub fn row(&self, row: usize) -> &[u8] {
        let start = if row == 0 { 0 } else { self.ends[row - 1] };
        &self.bytes[start..self.ends[row]]
    }

    pub fn memory(&self) -> usize {
        self.bytes.capacity() + self.ends.capacity() * size_of::<usize>()
    }
}

/// The values of one column.
enum Cells<'a> {
    Fixed(&'a [u8], usize),
    Variable(&'a [i32], &'a [u8]),
    Coded(Rows),
}

impl KeyCodec {
    pub fn try_new(types: &[DataType]) -> Result<Self> {
        let column = |ty: &DataType| {
            let shape = match ty {
                DataType::Utf8 | DataType::Binary => Shape::Variable,
                ty => match ty.primitive_width() {
                    Some(width) => Shape::Fixed(width),
                    None => Shape::Coded(ValueCodec::try_new(std::slice::from_ref(ty))?),
                },
            };
            Ok(Column { ty: ty.clone(), shape })
        };
        let columns = types.iter().map(column).collect::<Result<Vec<_>>>()?;
        Ok(Self { marks: columns.len().div_ceil(8), columns })
    }

    /// Writes a key for each row over what `into` held.
    pub fn encode(&self, columns: &[ArrayRef], rows: usize, into: &mut KeyRows) -> Result<()> {
        into.bytes.clear();
        into.ends.clear();
        let data: Vec<ArrayData> = columns.iter().map(|column| column.to_data()).collect();
        let mut cells = Vec::with_capacity(columns.len());
        for ((column, values), data) in self.columns.iter().zip(columns).zip(&data) {
            if *data.data_type() != column.ty {
                return Err(Error::internal("a key of another type"));
            }
            let of = match &column.shape {
                Shape::Fixed(width) => Cells::Fixed(&data.buffers()[0].as_slice()[data.offset() * width..], *width),
                Shape::Variable => {
                    let offsets = &data.buffers()[0].typed_data::<i32>()[data.offset()..];
                    Cells::Variable(offsets, data.buffers()[1].as_slice())
                }
                Shape::Coded(codec) => Cells::Coded(codec.encode(std::slice::from_ref(values))?),
            };
            cells.push((of, data.nulls().filter(|nulls| nulls.null_count() > 0)));
        }
        let KeyRows { bytes, ends } = into;
        for row in 0..rows {
            let start = bytes.len();
            bytes.resize(start + self.marks, 0);
            for (i, (cells, nulls)) in cells.iter().enumerate() {
                if nulls.is_some_and(|nulls| nulls.is_null(row)) {
                    bytes[start + i / 8] |= 1 << (i % 8);
                    continue;
                }
                match cells {
                    // Known widths are copied without a call.
                    Cells::Fixed(values, 8) => bytes.extend_from_slice(&values[row * 8..][..8]),
                    Cells::Fixed(values, 4) => bytes.extend_from_slice(&values[row * 4..][..4]),
                    Cells::Fixed(values, width) => bytes.extend_from_slice(&values[row * width..][..*width]),
                    Cells::Variable(offsets, values) => {
                        write(bytes, &values[offsets[row] as usize..offsets[row + 1] as usize]);
                    }
                    Cells::Coded(values) => write(bytes, values.row(row).as_ref()),
                }
            }
            ends.push(bytes.len());
        }
        Ok(())
    }

    /// The columns again.
    pub fn decode(&self, keys: &[&[u8]]) -> Result<Vec<ArrayRef>> {
        let mut rests: Vec<&[u8]> = Vec::with_capacity(keys.len());
        for key in keys {
            rests.push(key.get(self.marks..).ok_or_else(torn)?);
        }
        let mut columns = Vec::with_capacity(self.columns.len());
        for (i, column) in self.columns.iter().enumerate() {
            let is_null = |key: &[u8]| key[i / 8] & (1 << (i % 8)) != 0;
            let nulls = keys.iter().any(|key| is_null(key));
            let nulls = nulls.then(|| keys.iter().map(|key| !is_null(key)).collect::<NullBuffer>());
            columns.push(column.decode(&mut rests, nulls)?);
        }
        Ok(columns)
    }
}

impl Column {
    /// Takes the values off the front of each key.
    fn decode(&self, keys: &mut [&[u8]], nulls: Option<NullBuffer>) -> Result<ArrayRef> {
        let is_null = |row: usize| nulls.as_ref().is_some_and(|nulls| nulls.is_null(row));
        match &self.shape {
            Shape::Fixed(width) => {
                let mut values = MutableBuffer::with_capacity(keys.len() * width);
                for (row, key) in keys.iter_mut().enumerate() {
                    if is_null(row) {
                        values.extend_zeros(*width);
                    } else {
                        let (value, rest) = key.split_at_checked(*width).ok_or_else(torn)?;
                        values.extend_from_slice(value);
                        *key = rest;
                    }
                }
                let data = ArrayData::builder(self.ty.clone()).len(keys.len()).add_buffer(values.into());
                Ok(make_array(data.nulls(nulls).build()?))
            }
            Shape::Variable => {
                let (mut values, mut offsets) = (MutableBuffer::new(0), Vec::with_capacity(keys.len() + 1));
                offsets.push(0);
                for (row, key) in keys.iter_mut().enumerate() {
                    if !is_null(row) {
                        values.extend_from_slice(read(key)?);
                    }
                    let end = i32::try_from(values.len());
                    offsets.push(end.map_err(|_| Error::data("grouping keys of more than 2 GiB in one batch"))?);
                }
                let offsets = OffsetBuffer::new(ScalarBuffer::from(offsets));
                Ok(match self.ty {
                    DataType::Utf8 => Arc::new(StringArray::try_new(offsets, values.into(), nulls)?),
                    _ => Arc::new(BinaryArray::try_new(offsets, values.into(), nulls)?),
                })
            }
            Shape::Coded(codec) => {
                let null = codec.null(&self.ty)?;
                let mut values: Vec<&[u8]> = Vec::with_capacity(keys.len());
                for (row, key) in keys.iter_mut().enumerate() {
                    values.push(if is_null(row) { &null } else { read(key)? });
                }
                codec.decode_one(values.into_iter())
            }
        }
    }
}

#[inline]
fn write(bytes: &mut Vec<u8>, value: &[u8]) {
    bytes.extend_from_slice(&(value.len() as u32).to_le_bytes());
    bytes.extend_from_slice(value);
}

/// Takes a value behind its length off the front.
fn read<'a>(key: &mut &'a [u8]) -> Result<&'a [u8]> {
    let (length, rest) = key.split_first_chunk::<4>().ok_or_else(torn)?;
    let (value, rest) = rest.split_at_checked(u32::from_le_bytes(*length) as usize).ok_or_else(torn)?;
    *key = rest;
    Ok(value)
}

fn torn() -> Error {
    Error::internal("a grouping key is torn")
}
