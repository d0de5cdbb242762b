//! A column under construction that can be cut back: what a decoder appends to.
//!
//! A message is decoded value by value; when a later one turns out to be broken, every column is cut back to where the
//! message began. Arrow's own builders can't do that.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BinaryArray, BooleanArray, BooleanBufferBuilder, Decimal128Array, DurationMillisecondArray, ListArray,
    MapArray, PrimitiveArray, StringArray, StructArray,
};
use arrow::buffer::{BooleanBuffer, Buffer, NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow::datatypes::{
    ArrowPrimitiveType, DataType, Date32Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type,
    IntervalYearMonthType, Time32MillisecondType, TimeUnit, TimestampMicrosecondType, TimestampMillisecondType,
    TimestampNanosecondType,
};

use super::FormatError;
use crate::error::{Error, Result};
use crate::types::{SqlType, TypeKind};

/// The values of one column so far.
#[derive(Debug)]
pub(crate) struct Column {
    pub ty: SqlType,
    len: usize,
    /// The positions of NULLs, ascending.
    nulls: Vec<u32>,
    pub values: Values,
}

/// Values by what they mean. A NULL has a value too (zero, an empty text), so that positions agree.
#[derive(Debug)]
pub(crate) enum Values {
    Boolean(Vec<bool>),
    TinyInt(Vec<i8>),
    SmallInt(Vec<i16>),
    /// INT and INTERVAL YEAR TO MONTH.
    Int(Vec<i32>),
    /// BIGINT and INTERVAL DAY TO SECOND.
    BigInt(Vec<i64>),
    Float(Vec<f32>),
    Double(Vec<f64>),
    Decimal {
        precision: u8,
        scale: u8,
        values: Vec<i128>,
    },
    /// Days.
    Date(Vec<i32>),
    /// Milliseconds of the day.
    Time(Vec<i32>),
    /// In the unit of the type's precision; `zoned` for TIMESTAMP_LTZ.
    Timestamp {
        unit: TimeUnit,
        zoned: bool,
        values: Vec<i64>,
    },
    Text(Ranges),
    Bytes(Ranges),
    Array {
        ends: Vec<i32>,
        items: Box<Column>,
    },
    /// MAP, and MULTISET with INT values.
    Map {
        ends: Vec<i32>,
        keys: Box<Column>,
        values: Box<Column>,
    },
    Row(Vec<Column>),
}

/// Strings of bytes one behind the other.
#[derive(Debug, Default)]
pub(crate) struct Ranges {
    pub bytes: Vec<u8>,
    pub ends: Vec<i32>,
}

impl Ranges {
    fn start(&self, len: usize) -> usize {
        len.checked_sub(1).and_then(|last| self.ends.get(last)).map_or(0, |end| *end as usize)
    }

    fn truncate(&mut self, len: usize) {
        self.bytes.truncate(self.start(len));
        self.ends.truncate(len);
    }
}

impl Column {
    /// An empty column.
    ///
    /// # Errors
    /// For the type NULL, which no table has.
    pub fn new(ty: &SqlType) -> Result<Self> {
        let values = match &ty.kind {
            TypeKind::Char(_) | TypeKind::Varchar(_) => Values::Text(Ranges::default()),
            TypeKind::Binary(_) | TypeKind::Varbinary(_) => Values::Bytes(Ranges::default()),
            TypeKind::Boolean => Values::Boolean(Vec::new()),
            TypeKind::TinyInt => Values::TinyInt(Vec::new()),
            TypeKind::SmallInt => Values::SmallInt(Vec::new()),
            TypeKind::Int | TypeKind::IntervalYearMonth => Values::Int(Vec::new()),
            TypeKind::BigInt | TypeKind::IntervalDayTime => Values::BigInt(Vec::new()),
            TypeKind::Float => Values::Float(Vec::new()),
            TypeKind::Double => Values::Double(Vec::new()),
            TypeKind::Decimal { precision, scale } => {
                Values::Decimal { precision: *precision, scale: *scale, values: Vec::new() }
            }
            TypeKind::Date => Values::Date(Vec::new()),
            TypeKind::Time(_) => Values::Time(Vec::new()),
            TypeKind::Timestamp(_) | TypeKind::TimestampLtz(_) => {
                let DataType::Timestamp(unit, zone) = ty.arrow() else {
                    return Err(Error::internal(format!("{ty} is no timestamp in memory")));
                };
                Values::Timestamp { unit, zoned: zone.is_some(), values: Vec::new() }
            }
            TypeKind::Array(element) => Values::Array { ends: Vec::new(), items: Box::new(Column::new(element)?) },
            TypeKind::Map(key, value) => {
                let key = SqlType::not_null(key.kind.clone());
                let (keys, values) = (Column::new(&key)?, Column::new(value)?);
                Values::Map { ends: Vec::new(), keys: Box::new(keys), values: Box::new(values) }
            }
            TypeKind::Multiset(element) => {
                let key = SqlType::not_null(element.kind.clone());
                let (keys, values) = (Column::new(&key)?, Column::new(&SqlType::not_null(TypeKind::Int))?);
                Values::Map { ends: Vec::new(), keys: Box::new(keys), values: Box::new(values) }
            }
            TypeKind::Row(fields) => {
                Values::Row(fields.iter().map(|f| Column::new(&f.ty)).collect::<Result<Vec<_>>>()?)
            }
            TypeKind::Null => return Err(Error::unsupported("a column of type NULL")),
        };
        Ok(Self { ty: ty.clone(), len: 0, nulls: Vec::new(), values })
    }

    pub fn len(&self) -> usize {
        self.len
    }

    pub fn is_null(&self, row: usize) -> bool {
        // Mostly the last row is asked for.
        match self.nulls.last().map(|last| *last as usize) {
            Some(last) if last > row => self.nulls.binary_search(&(row as u32)).is_ok(),
            last => last == Some(row),
        }
    }

    /// The bytes of a value of a column of texts or bytes, where it is not NULL.
    pub fn bytes(&self, row: usize) -> Option<&[u8]> {
        let (Values::Text(ranges) | Values::Bytes(ranges)) = &self.values else { return None };
        let end = *ranges.ends.get(row)? as usize;
        if self.is_null(row) { None } else { ranges.bytes.get(ranges.start(row)..end) }
    }

    /// One more value is in [`Column::values`].
    #[inline]
    pub fn pushed(&mut self) {
        self.len += 1;
    }

    /// Appends NULL.
    ///
    /// # Errors
    /// When the column is NOT NULL; then nothing is appended.
    #[inline]
    pub fn push_null(&mut self) -> Result<(), FormatError> {
        if !self.ty.nullable {
            return Err(FormatError::new(format!("NULL, expected {}", self.ty)));
        }
        self.nulls.push(self.len as u32);
        self.push_blank();
        Ok(())
    }

    /// Appends a value that stands for none: where the row around it is NULL, or under a NULL of its own.
    fn push_blank(&mut self) {
        match &mut self.values {
            Values::Boolean(v) => v.push(false),
            Values::TinyInt(v) => v.push(0),
            Values::SmallInt(v) => v.push(0),
            Values::Int(v) | Values::Date(v) | Values::Time(v) => v.push(0),
            Values::BigInt(v) | Values::Timestamp { values: v, .. } => v.push(0),
            Values::Float(v) => v.push(0.0),
            Values::Double(v) => v.push(0.0),
            Values::Decimal { values, .. } => values.push(0),
            Values::Text(ranges) | Values::Bytes(ranges) => ranges.ends.push(ranges.bytes.len() as i32),
            Values::Array { ends, items } => ends.push(items.len as i32),
            Values::Map { ends, keys, .. } => ends.push(keys.len as i32),
            Values::Row(fields) => {
                for field in fields {
                    if field.push_null().is_err() {
                        field.push_blank();
                    }
                }
            }
        }
        self.len += 1;
    }

    /// Forgets what was appended since the column had `len` values, begun ones included.
    pub fn truncate(&mut self, len: usize) {
        while self.nulls.last().is_some_and(|last| *last as usize >= len) {
            self.nulls.pop();
        }
        self.len = len;
        match &mut self.values {
            Values::Boolean(v) => v.truncate(len),
            Values::TinyInt(v) => v.truncate(len),
            Values::SmallInt(v) => v.truncate(len),
            Values::Int(v) | Values::Date(v) | Values::Time(v) => v.truncate(len),
            Values::BigInt(v) | Values::Timestamp { values: v, .. } => v.truncate(len),
            Values::Float(v) => v.truncate(len),
            Values::Double(v) => v.truncate(len),
            Values::Decimal { values, .. } => values.truncate(len),
            Values::Text(ranges) | Values::Bytes(ranges) => ranges.truncate(len),
            Values::Array { ends, items } => items.truncate(cut(ends, len)),
            Values::Map { ends, keys, values } => {
                let items = cut(ends, len);
                keys.truncate(items);
                values.truncate(items);
            }
            Values::Row(fields) => fields.iter_mut().for_each(|f| f.truncate(len)),
        }
    }

    /// The last value as bytes that are equal where values are; for telling whether a map has it already.
    pub fn last_as_key(&self) -> Vec<u8> {
        fn range(ranges: &Ranges) -> Vec<u8> {
            let start = ranges.start(ranges.ends.len().saturating_sub(1));
            ranges.bytes.get(start..).unwrap_or_default().to_vec()
        }
        let bytes = match &self.values {
            Values::Boolean(v) => v.last().map(|v| vec![*v as u8]),
            Values::TinyInt(v) => v.last().map(|v| v.to_le_bytes().to_vec()),
            Values::SmallInt(v) => v.last().map(|v| v.to_le_bytes().to_vec()),
            Values::Int(v) | Values::Date(v) | Values::Time(v) => v.last().map(|v| v.to_le_bytes().to_vec()),
            Values::BigInt(v) | Values::Timestamp { values: v, .. } => v.last().map(|v| v.to_le_bytes().to_vec()),
            Values::Float(v) => v.last().map(|v| v.to_le_bytes().to_vec()),
            Values::Double(v) => v.last().map(|v| v.to_le_bytes().to_vec()),
            Values::Decimal { values, .. } => values.last().map(|v| v.to_le_bytes().to_vec()),
            Values::Text(ranges) | Values::Bytes(ranges) => Some(range(ranges)),
            // Collections as keys are told apart by their place: none is held to be another's equal.
            Values::Array { .. } | Values::Map { .. } | Values::Row(_) => Some(self.len.to_le_bytes().to_vec()),
        };
        bytes.unwrap_or_default()
    }

    /// Bytes of text that are held, roughly what an offset may still grow by.
    pub fn is_full(&self) -> bool {
        match &self.values {
            Values::Text(ranges) | Values::Bytes(ranges) => ranges.bytes.len() > (i32::MAX / 2) as usize,
            Values::Array { items, .. } => items.is_full(),
            Values::Map { keys, values, .. } => keys.is_full() || values.is_full(),
            Values::Row(fields) => fields.iter().any(Column::is_full),
            _ => false,
        }
    }

    /// The values so far as an Arrow array of the column's type; the column is empty afterwards.
    pub fn finish(&mut self) -> Result<ArrayRef> {
        let len = std::mem::take(&mut self.len);
        let nulls = null_buffer(len, &self.nulls);
        self.nulls.clear();
        let data_type = self.ty.arrow();
        Ok(match &mut self.values {
            Values::Boolean(v) => {
                let array = BooleanArray::new(BooleanBuffer::from(v.as_slice()), nulls);
                v.clear();
                Arc::new(array)
            }
            Values::TinyInt(v) => primitive::<Int8Type>(v, nulls, &data_type),
            Values::SmallInt(v) => primitive::<Int16Type>(v, nulls, &data_type),
            Values::Int(v) if self.ty.kind == TypeKind::IntervalYearMonth => {
                primitive::<IntervalYearMonthType>(v, nulls, &data_type)
            }
            Values::Int(v) => primitive::<Int32Type>(v, nulls, &data_type),
            Values::BigInt(v) if self.ty.kind == TypeKind::IntervalDayTime => {
                Arc::new(DurationMillisecondArray::new(take(v), nulls))
            }
            Values::BigInt(v) => primitive::<Int64Type>(v, nulls, &data_type),
            Values::Float(v) => primitive::<Float32Type>(v, nulls, &data_type),
            Values::Double(v) => primitive::<Float64Type>(v, nulls, &data_type),
            Values::Decimal { values, .. } => {
                Arc::new(Decimal128Array::new(take(values), nulls).with_data_type(data_type))
            }
            Values::Date(v) => primitive::<Date32Type>(v, nulls, &data_type),
            Values::Time(v) => primitive::<Time32MillisecondType>(v, nulls, &data_type),
            Values::Timestamp { unit: TimeUnit::Microsecond, values, .. } => {
                primitive::<TimestampMicrosecondType>(values, nulls, &data_type)
            }
            Values::Timestamp { unit: TimeUnit::Nanosecond, values, .. } => {
                primitive::<TimestampNanosecondType>(values, nulls, &data_type)
            }
            Values::Timestamp { values, .. } => primitive::<TimestampMillisecondType>(values, nulls, &data_type),
            Values::Text(ranges) => {
                let (offsets, bytes) = ranges_of(ranges);
                Arc::new(StringArray::try_new(offsets, bytes, nulls)?)
            }
            Values::Bytes(ranges) => {
                let (offsets, bytes) = ranges_of(ranges);
                Arc::new(BinaryArray::try_new(offsets, bytes, nulls)?)
            }
            Values::Array { ends, items } => {
                let DataType::List(item) = data_type else {
                    return Err(Error::internal("an ARRAY is no list in memory"));
                };
                Arc::new(ListArray::try_new(item, offsets(ends), items.finish()?, nulls)?)
            }
            Values::Map { ends, keys, values } => {
                let DataType::Map(entry, _) = data_type else {
                    return Err(Error::internal("a MAP is no map in memory"));
                };
                let DataType::Struct(fields) = entry.data_type() else {
                    return Err(Error::internal("a MAP has no entries in memory"));
                };
                let entries = StructArray::try_new(fields.clone(), vec![keys.finish()?, values.finish()?], None)?;
                Arc::new(MapArray::try_new(entry, offsets(ends), entries, nulls, false)?)
            }
            Values::Row(columns) => {
                let DataType::Struct(fields) = data_type else {
                    return Err(Error::internal("a ROW is no struct in memory"));
                };
                let columns = columns.iter_mut().map(Column::finish).collect::<Result<Vec<_>>>()?;
                if fields.is_empty() {
                    return Ok(Arc::new(StructArray::new_empty_fields(len, nulls)));
                }
                Arc::new(StructArray::try_new(fields, columns, nulls)?)
            }
        })
    }
}

/// How many items belong to the first `len` lists; forgets the other ends.
fn cut(ends: &mut Vec<i32>, len: usize) -> usize {
    ends.truncate(len);
    ends.last().map_or(0, |end| *end as usize)
}

/// The values, leaving an empty vector of the same capacity: the next batch is likely as long.
fn take<T: arrow::datatypes::ArrowNativeType>(values: &mut Vec<T>) -> ScalarBuffer<T> {
    let capacity = values.len();
    std::mem::replace(values, Vec::with_capacity(capacity)).into()
}

fn primitive<T: ArrowPrimitiveType>(
    values: &mut Vec<T::Native>,
    nulls: Option<NullBuffer>,
    data_type: &DataType,
) -> ArrayRef {
    Arc::new(PrimitiveArray::<T>::new(take(values), nulls).with_data_type(data_type.clone()))
}

fn offsets(ends: &mut Vec<i32>) -> OffsetBuffer<i32> {
    let mut offsets = Vec::with_capacity(ends.len() + 1);
    offsets.push(0);
    offsets.append(ends);
    OffsetBuffer::new(offsets.into())
}

fn ranges_of(ranges: &mut Ranges) -> (OffsetBuffer<i32>, Buffer) {
    // Short texts are copied with what is behind them, which takes a little more room.
    let capacity = ranges.bytes.len() + 16;
    let bytes = std::mem::replace(&mut ranges.bytes, Vec::with_capacity(capacity));
    (offsets(&mut ranges.ends), bytes.into())
}

fn null_buffer(len: usize, nulls: &[u32]) -> Option<NullBuffer> {
    if nulls.is_empty() {
        return None;
    }
    let mut valid = BooleanBufferBuilder::new(len);
    valid.append_n(len, true);
    nulls.iter().for_each(|i| valid.set_bit(*i as usize, false));
    Some(NullBuffer::new(valid.finish()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::RowField;

    fn row_type() -> SqlType {
        let field = |name: &str, ty| RowField { name: name.into(), ty, comment: None };
        let array = SqlType::nullable(TypeKind::Array(Box::new(SqlType::string())));
        let fields = vec![field("a", SqlType::not_null(TypeKind::Int)), field("l", array)];
        SqlType::nullable(TypeKind::Row(fields))
    }

    #[test]
    fn a_column_that_was_cut_back_holds_what_it_held_before() {
        let mut column = Column::new(&row_type()).unwrap();
        column.push_null().unwrap();
        // Half a row: a list with one text in it, the int not yet there.
        let Values::Row(fields) = &mut column.values else { unreachable!() };
        let Values::Array { items, .. } = &mut fields[1].values else { unreachable!() };
        let Values::Text(text) = &mut items.values else { unreachable!() };
        text.bytes.extend(b"abc");
        text.ends.push(3);
        items.pushed();
        column.truncate(1);
        let array = column.finish().unwrap();
        assert_eq!((array.len(), array.null_count()), (1, 1));
        assert_eq!(array.data_type(), &row_type().arrow());
        assert_eq!(column.len(), 0);
    }

    #[test]
    fn null_is_refused_where_the_type_says_not_null() {
        let mut column = Column::new(&SqlType::not_null(TypeKind::BigInt)).unwrap();
        assert_eq!(column.push_null().unwrap_err().message, "NULL, expected BIGINT NOT NULL");
        assert_eq!(column.len(), 0);
    }
}
