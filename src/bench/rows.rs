//! The rows of a table, prepared: which are wanted, and the batches that each split gives.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, Datum, Int64Array, StringArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, SchemaRef, TimeUnit};
use arrow::record_batch::{RecordBatch, RecordBatchOptions};

use crate::changelog::RowKind;
use crate::connectors::SourceChanges;
use crate::connectors::options::RawOptions;
use crate::error::Result;
use crate::types::{Schema, TypeKind};

/// The event time of the first row: the beginning of 2024.
pub const FIRST_MS: i64 = 1_704_067_200_000;

/// Rows that share a millisecond of event time.
const ROWS_PER_MS: i64 = 10;

/// Rows for a table.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// All columns of the table.
    pub table: Schema,
    /// Those that are read.
    pub schema: Schema,
    /// The same for Arrow, as the plan has it.
    pub arrow: SchemaRef,
    /// Positions of the primary key, as far as it is read.
    pub key: Vec<usize>,
    pub changes: SourceChanges,
    /// In all splits together.
    pub rows: u64,
    pub splits: usize,
    pub batch_rows: usize,
    /// The column that event time comes from.
    pub event_time: Option<(usize, TimeForm)>,
    /// The options of a table that generates its rows anyway.
    pub datagen: Option<RawOptions>,
    /// True where fewer rows will do if so many would take much memory: nobody has said how many.
    pub may_be_fewer: bool,
}

/// A batch that a source gives.
#[derive(Debug, Clone)]
pub struct Part {
    pub rows: RecordBatch,
    pub kinds: Option<Vec<RowKind>>,
}

/// What each split of a source gives, in order.
pub type Splits = Vec<Vec<Part>>;

/// How a column tells a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimeForm {
    Timestamp,
    /// A whole number: so many to a second.
    Number(i64),
    /// A text in this form of chrono's.
    Text(&'static str),
    /// The number of the row, from `first` on; so many rows share one.
    Count {
        first: i64,
        rows: i64,
    },
}

impl TimeForm {
    /// The forms that a column of this type may have, the likeliest first.
    pub fn of_type(kind: &TypeKind) -> Vec<Self> {
        match kind {
            kind if kind.is_timestamp() => vec![Self::Timestamp],
            TypeKind::Int => vec![Self::Number(1)],
            TypeKind::BigInt => [1_000, 1, 1_000_000, 1_000_000_000].map(Self::Number).to_vec(),
            kind if kind.is_string() => [
                "%Y-%m-%d %H:%M:%S%.3f",
                "%Y-%m-%dT%H:%M:%S%.3fZ",
                "%Y-%m-%dT%H:%M:%S%.3f",
                "%Y-%m-%d %H:%M:%S",
                "%Y/%m/%d %H:%M:%S",
                "%s",
            ]
            .map(Self::Text)
            .to_vec(),
            _ => Vec::new(),
        }
    }

    /// A column of the moments, in milliseconds; of counts, the numbers.
    pub fn column(self, moments: &[i64], ty: &DataType) -> Result<ArrayRef> {
        let moments = moments.iter().copied();
        Ok(match (self, ty) {
            (Self::Timestamp, DataType::Timestamp(_, zone)) => {
                let in_ms = DataType::Timestamp(TimeUnit::Millisecond, zone.clone());
                let moments = Int64Array::from_iter_values(moments);
                cast(&cast(&moments, &in_ms)?, ty)?
            }
            (Self::Number(per_second), _) => {
                let number = |ms: i64| (i128::from(ms) * i128::from(per_second) / 1_000) as i64;
                cast(&Int64Array::from_iter_values(moments.map(number)), ty)?
            }
            (Self::Text(form), _) => {
                let moment = |ms| chrono::DateTime::from_timestamp_millis(ms).unwrap_or_default();
                Arc::new(StringArray::from_iter_values(moments.map(|ms| moment(ms).format(form).to_string())))
            }
            (Self::Timestamp | Self::Count { .. }, _) => cast(&Int64Array::from_iter_values(moments), ty)?,
        })
    }
}

impl Wanted {
    /// How many rows a split gives.
    pub fn rows_of(&self, split: usize) -> usize {
        let (rows, splits) = (self.rows, self.splits as u64);
        (rows / splits + u64::from((split as u64) < rows % splits)) as usize
    }

    /// The event time of a row, by its number in its split; or its count.
    pub fn moment(&self, form: TimeForm, split: usize, number: i64) -> i64 {
        let number = number * self.splits as i64 + split as i64;
        match form {
            TimeForm::Count { first, rows } => first + number.div_euclid(rows.max(1)),
            _ => FIRST_MS + number.div_euclid(ROWS_PER_MS),
        }
    }

    /// A batch of so many rows; there may be no column in it.
    pub fn batch(&self, columns: Vec<ArrayRef>, rows: usize) -> Result<RecordBatch> {
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        Ok(RecordBatch::try_new_with_options(self.arrow.clone(), columns, &options)?)
    }
}

/// The rows in a set of splits.
pub fn count(splits: &Splits) -> u64 {
    splits.iter().flatten().map(|part| part.rows.num_rows() as u64).sum()
}

/// True where a number can be added to a column.
pub fn can_be_shifted(ty: &DataType) -> bool {
    matches!(ty, DataType::Timestamp(..) | DataType::Int64 | DataType::Int32)
}

/// The column with `by` added, in its own unit: a number for all values, or one for each.
pub fn shifted(column: &ArrayRef, by: &dyn Datum) -> Result<ArrayRef> {
    let numbers = cast(column, &DataType::Int64)?;
    let added = arrow::compute::kernels::numeric::add_wrapping(&numbers, by)?;
    Ok(cast(&added, column.data_type())?)
}

/// The smallest and the largest value of a column that can be shifted.
pub fn range(column: &ArrayRef) -> Result<Option<(i64, i64)>> {
    let numbers = cast(column, &DataType::Int64)?;
    let Some(numbers) = numbers.as_any().downcast_ref::<Int64Array>() else { return Ok(None) };
    Ok(arrow::compute::min(numbers).zip(arrow::compute::max(numbers)))
}
