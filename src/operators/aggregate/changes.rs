//! Which results of groups have changed, and the rows that tell of it.

use arrow::array::{
    Array, ArrayRef, ArrowPrimitiveType, AsArray, PrimitiveArray, UInt32Array, downcast_primitive_array,
};
use arrow::compute::kernels::cmp::not_distinct;
use arrow::compute::take;
use arrow::datatypes::SchemaRef;
use arrow::record_batch::{RecordBatch, RecordBatchOptions};

use crate::changelog::{ChangelogBatch, RowKind};
use crate::error::Result;
use crate::functions::aggregate::ValueCodec;

/// What is told beside new results.
#[derive(Debug, Clone, Copy)]
pub struct Tells {
    /// The old result of an update, too.
    pub before: bool,
    /// A result that is the same as before: what has a time to live behind lives on.
    pub same: bool,
}

/// Rows to emit: where the key stands, where the result stands, the kind.
#[derive(Default)]
pub struct Changes {
    rows: Vec<u32>,
    results: Vec<u32>,
    kinds: Vec<RowKind>,
}

impl Changes {
    pub fn with_capacity(rows: usize) -> Self {
        Self { rows: Vec::with_capacity(rows), results: Vec::with_capacity(rows), kinds: Vec::with_capacity(rows) }
    }

    #[inline]
    pub fn push(&mut self, row: usize, result: u32, kind: RowKind) {
        self.rows.push(row as u32);
        self.results.push(result);
        self.kinds.push(kind);
    }

    /// A result takes the place of another.
    #[inline]
    pub fn update(&mut self, row: usize, was: u32, now: u32, tells: Tells) {
        if tells.before {
            self.push(row, was, RowKind::UpdateBefore);
        }
        self.push(row, now, RowKind::UpdateAfter);
    }

    /// The rows, from columns of keys and of results.
    pub fn batch(self, keys: &[ArrayRef], results: &[ArrayRef], schema: &SchemaRef) -> Result<ChangelogBatch> {
        let (of_row, of_result) = (UInt32Array::from(self.rows), UInt32Array::from(self.results));
        let mut columns = Vec::with_capacity(schema.fields().len());
        for key in keys {
            columns.push(take(key, &of_row, None)?);
        }
        for result in results {
            columns.push(take(result, &of_result, None)?);
        }
        let options = RecordBatchOptions::new().with_row_count(Some(self.kinds.len()));
        let rows = RecordBatch::try_new_with_options(schema.clone(), columns, &options)?;
        Ok(ChangelogBatch::new(rows, self.kinds))
    }
}

/// Leaves true those rows whose results, too, are the same: that of `left` at the row's position and that of `right`.
///
/// NULL is the same as NULL. As in Flink NaN is never the same, nor is a map with a NULL among its values, nor one of the
/// arrays that are `collected` with a NULL in it.
pub fn mark_same(
    left: &ArrayRef,
    positions: &[u32],
    right: &ArrayRef,
    collected: bool,
    same: &mut [bool],
) -> Result<()> {
    let values: &dyn Array = right.as_ref();
    downcast_primitive_array!(
        values => mark_numbers(left.as_primitive(), positions, values, same),
        _ => {
            let taken = take(left, &UInt32Array::from(positions.to_vec()), None)?;
            let equal = |row: usize, equal: bool, same: &mut [bool]| same[row] &= equal;
            match right.data_type().is_nested() {
                true => {
                    let codec = ValueCodec::try_new(std::slice::from_ref(right.data_type()))?;
                    let left = codec.encode(std::slice::from_ref(&taken))?;
                    let values = codec.encode(std::slice::from_ref(right))?;
                    for row in 0..positions.len() {
                        let is_same = left.row(row) == values.row(row) && !has_null(right, row, collected);
                        equal(row, is_same, same);
                    }
                }
                false => {
                    let mask = not_distinct(&taken, right)?;
                    (0..positions.len()).for_each(|row| equal(row, mask.value(row), same));
                }
            }
        }
    );
    Ok(())
}

fn mark_numbers<T: ArrowPrimitiveType>(
    left: &PrimitiveArray<T>,
    positions: &[u32],
    right: &PrimitiveArray<T>,
    same: &mut [bool],
) where
    T::Native: PartialEq,
{
    let (lefts, rights) = (left.values(), right.values());
    let rows = same.iter_mut().zip(positions).zip(rights);
    if left.null_count() == 0 {
        rows.for_each(|((same, position), value)| *same &= lefts[*position as usize] == *value);
        return;
    }
    for (row, ((same, position), value)) in rows.enumerate() {
        let position = *position as usize;
        *same &= match (left.is_null(position), right.is_null(row)) {
            (false, false) => lefts[position] == *value,
            (left, right) => left && right,
        };
    }
}

/// True for a map or a collected array that holds a NULL.
fn has_null(values: &ArrayRef, row: usize, collected: bool) -> bool {
    match (values.as_map_opt(), values.as_list_opt::<i32>()) {
        (Some(maps), _) => maps.value(row).column(1).null_count() > 0,
        (None, Some(lists)) => collected && lists.is_valid(row) && lists.value(row).null_count() > 0,
        (None, None) => false,
    }
}
