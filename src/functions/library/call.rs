//! One evaluation of a function: its argument columns, read by row, and its result column.

use arrow::array::{
    Array, ArrayAccessor, ArrayRef, ArrowPrimitiveType, BinaryArray, BooleanArray, Date32Array, Float32Array,
    Float64Array, Int8Array, Int16Array, Int32Array, Int64Array, PrimitiveArray, StringArray, StringBuilder,
    Time32MillisecondArray, downcast_array,
};
use arrow::buffer::ScalarBuffer;
use arrow::datatypes::Int64Type;
use datafusion::logical_expr::ColumnarValue;
use std::sync::Arc;

use crate::error::{Error, ErrorKind, Result};
use crate::functions::{EvalContext, Signature};
use crate::types::SqlType;

/// What a kernel gets.
pub struct Call<'a> {
    pub arguments: &'a [ColumnarValue],
    pub types: &'a Signature,
    pub context: &'a EvalContext,
}

/// An argument: a column, or one value that stands for every row.
pub struct Column<A> {
    array: A,
    /// 0 for a constant, so that every row reads the same value.
    stride: usize,
}

impl<A: Array> Column<A> {
    /// The value at `row`, `None` for NULL.
    pub fn at<'a>(&'a self, row: usize) -> Option<<&'a A as ArrayAccessor>::Item>
    where
        &'a A: ArrayAccessor,
    {
        let index = row * self.stride;
        if self.array.is_null(index) { None } else { Some((&self.array).value(index)) }
    }

    pub fn is_constant(&self) -> bool {
        self.stride == 0
    }

    /// The column's rows, or the constant's one.
    pub fn array(&self) -> &A {
        &self.array
    }
}

/// A result cell: what a column of the result is collected from.
pub trait Cell: Sized {
    type Array: Array + FromIterator<Option<Self>> + 'static;
}

macro_rules! cells {
    ($($rust:ty => $array:ty),* $(,)?) => {
        $(impl Cell for $rust {
            type Array = $array;
        })*
    };
}
cells! {
    String => StringArray, &str => StringArray, Vec<u8> => BinaryArray, bool => BooleanArray, i8 => Int8Array,
    i16 => Int16Array, i32 => Int32Array, i64 => Int64Array, f32 => Float32Array, f64 => Float64Array,
}

impl<'a> Call<'a> {
    pub fn rows(&self) -> usize {
        self.context.rows
    }

    pub fn argument_type(&self, n: usize) -> Result<&'a SqlType> {
        self.types.arguments.get(n).ok_or_else(|| Error::internal(format!("no type for argument {n}")))
    }

    /// The argument as an array of all rows, or of one row if it is a constant.
    fn values(&self, n: usize) -> Result<(ArrayRef, usize)> {
        match self.arguments.get(n) {
            Some(ColumnarValue::Array(array)) => Ok((array.clone(), 1)),
            Some(ColumnarValue::Scalar(value)) => {
                let array = value.to_array().map_err(|e| Error::from_datafusion(ErrorKind::Internal, e))?;
                Ok((array, 0))
            }
            None => Err(Error::internal(format!("argument {n} is missing"))),
        }
    }

    /// The argument as an array of all rows.
    pub fn array(&self, n: usize) -> Result<ArrayRef> {
        let argument = self.arguments.get(n).ok_or_else(|| Error::internal(format!("argument {n} is missing")))?;
        argument.to_array(self.rows()).map_err(|e| Error::from_datafusion(ErrorKind::Internal, e))
    }

    pub fn column<A: Array + From<arrow::array::ArrayData> + 'static>(&self, n: usize) -> Result<Column<A>> {
        let (array, stride) = self.values(n)?;
        if !array.as_any().is::<A>() {
            return Err(Error::internal(format!("argument {n} has the Arrow type {}", array.data_type())));
        }
        Ok(Column { array: downcast_array(array.as_ref()), stride })
    }

    pub fn text(&self, n: usize) -> Result<Column<StringArray>> {
        self.column(n)
    }

    pub fn bytes(&self, n: usize) -> Result<Column<BinaryArray>> {
        self.column(n)
    }

    pub fn int(&self, n: usize) -> Result<Column<Int32Array>> {
        self.column(n)
    }

    pub fn long(&self, n: usize) -> Result<Column<Int64Array>> {
        self.column(n)
    }

    pub fn double(&self, n: usize) -> Result<Column<Float64Array>> {
        self.column(n)
    }

    pub fn boolean(&self, n: usize) -> Result<Column<BooleanArray>> {
        self.column(n)
    }

    pub fn date(&self, n: usize) -> Result<Column<Date32Array>> {
        self.column(n)
    }

    pub fn time(&self, n: usize) -> Result<Column<Time32MillisecondArray>> {
        self.column(n)
    }

    /// A timestamp of whatever unit as a column of its raw numbers, with the nanoseconds that one of them means.
    pub fn ticks(&self, n: usize) -> Result<(Column<PrimitiveArray<Int64Type>>, i64)> {
        use arrow::datatypes::{DataType, TimeUnit};
        let (array, stride) = self.values(n)?;
        let nanos = match array.data_type() {
            DataType::Timestamp(TimeUnit::Second, _) => 1_000_000_000,
            DataType::Timestamp(TimeUnit::Millisecond, _) => 1_000_000,
            DataType::Timestamp(TimeUnit::Microsecond, _) => 1_000,
            DataType::Timestamp(TimeUnit::Nanosecond, _) => 1,
            other => return Err(Error::internal(format!("argument {n} is {other}, not a timestamp"))),
        };
        let data = array.to_data();
        let values = ScalarBuffer::new(data.buffers()[0].clone(), data.offset(), data.len());
        Ok((Column { array: Int64Array::new(values, data.nulls().cloned()), stride }, nanos))
    }

    /// The result from one closure a row; `None` is NULL.
    pub fn collect<T: Cell>(&self, cell: impl FnMut(usize) -> Option<T>) -> Result<ArrayRef> {
        Ok(Arc::new((0..self.rows()).map(cell).collect::<T::Array>()))
    }

    /// The same where a row can be in error.
    pub fn try_collect<T: Cell>(&self, cell: impl FnMut(usize) -> Result<Option<T>>) -> Result<ArrayRef> {
        Ok(Arc::new((0..self.rows()).map(cell).collect::<Result<T::Array>>()?))
    }

    /// A text result written row by row into one buffer; `None` is NULL.
    pub fn write(&self, mut cell: impl FnMut(usize, &mut String) -> Option<()>) -> Result<ArrayRef> {
        let mut builder = StringBuilder::with_capacity(self.rows(), self.rows() * 16);
        let mut scratch = String::new();
        for row in 0..self.rows() {
            scratch.clear();
            match cell(row, &mut scratch) {
                Some(()) => builder.append_value(&scratch),
                None => builder.append_null(),
            }
        }
        Ok(Arc::new(builder.finish()))
    }

    /// A result of numbers in the type's own Arrow type (timestamps with their zone, decimals with their scale).
    pub fn collect_as<P: ArrowPrimitiveType>(
        &self,
        cell: impl FnMut(usize) -> Result<Option<P::Native>>,
    ) -> Result<ArrayRef> {
        let array = (0..self.rows()).map(cell).collect::<Result<PrimitiveArray<P>>>()?;
        Ok(Arc::new(array.with_data_type(self.types.returns.arrow())))
    }
}

/// Keeps what was made of the last distinct text: a compiled pattern, say, that is the same on most rows.
pub struct Memo<T> {
    last: Option<(String, T)>,
}

impl<T> Memo<T> {
    pub fn new() -> Self {
        Self { last: None }
    }

    pub fn get(&mut self, text: &str, make: impl FnOnce(&str) -> Result<T>) -> Result<&T> {
        if self.last.as_ref().is_none_or(|(last, _)| last != text) {
            self.last = Some((text.to_string(), make(text)?));
        }
        match &self.last {
            Some((_, made)) => Ok(made),
            None => Err(Error::internal("a memo lost its value")),
        }
    }
}

impl<T> Default for Memo<T> {
    fn default() -> Self {
        Self::new()
    }
}
