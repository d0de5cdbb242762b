//! Rows by the slices that they belong to.

use std::collections::BTreeMap;

use arrow::array::{Array, AsArray, UInt32Array};
use arrow::datatypes::TimestampMillisecondType;
use arrow::record_batch::RecordBatch;

use crate::changelog::ChangelogBatch;
use crate::error::{Error, Result};

/// The ends of the slices of rows.
pub fn slice_ends(rows: &RecordBatch, column: usize) -> Result<&[i64]> {
    let ends = rows.column(column).as_primitive_opt::<TimestampMillisecondType>();
    let ends = ends.filter(|ends| ends.null_count() == 0);
    Ok(ends.ok_or_else(|| Error::internal("rows without the window they belong to"))?.values())
}

/// The rows of each slice, in their order; slices in the order of their ends. As a rule there is one.
pub fn by_slice(batch: &ChangelogBatch, column: usize) -> Result<Vec<(i64, ChangelogBatch)>> {
    let ends = slice_ends(batch.rows(), column)?;
    let Some(&first) = ends.first() else { return Ok(Vec::new()) };
    if ends.iter().all(|end| *end == first) {
        return Ok(vec![(first, batch.clone())]);
    }
    let mut rows: BTreeMap<i64, Vec<u32>> = BTreeMap::new();
    for (row, end) in ends.iter().enumerate() {
        rows.entry(*end).or_default().push(row as u32);
    }
    rows.into_iter().map(|(end, rows)| Ok((end, batch.take(&UInt32Array::from(rows))?))).collect()
}
