//! Rows by the slices that they belong to.

use std::collections::BTreeMap;
use std::ops::Range;

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
    // Rows in the order of time lie slice by slice: then nothing is copied.
    let mut runs: Vec<(i64, Range<usize>)> = Vec::new();
    for (row, end) in ends.iter().enumerate() {
        match runs.last_mut() {
            Some((last, run)) if last == end => run.end = row + 1,
            Some((last, _)) if *last > *end => {
                runs.clear();
                break;
            }
            _ => runs.push((*end, row..row + 1)),
        }
    }
    if !runs.is_empty() {
        return Ok(runs.into_iter().map(|(end, run)| (end, batch.slice(run.start, run.len()))).collect());
    }
    let mut rows: BTreeMap<i64, Vec<u32>> = BTreeMap::new();
    for (row, end) in ends.iter().enumerate() {
        rows.entry(*end).or_default().push(row as u32);
    }
    rows.into_iter().map(|(end, rows)| Ok((end, batch.take(&UInt32Array::from(rows))?))).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::TimestampMillisecondArray;

    use super::*;

    fn rows_of(ends: &[i64]) -> Vec<(i64, usize)> {
        let column: TimestampMillisecondArray = ends.to_vec().into();
        let batch = RecordBatch::try_from_iter([("end", Arc::new(column) as _)]).unwrap();
        let slices = by_slice(&ChangelogBatch::inserts(batch), 0).unwrap();
        for (end, rows) in &slices {
            assert!(slice_ends(rows.rows(), 0).unwrap().iter().all(|of_row| of_row == end));
        }
        slices.into_iter().map(|(end, rows)| (end, rows.num_rows())).collect()
    }

    #[test]
    fn every_slice_comes_once_in_the_order_of_ends() {
        assert_eq!(rows_of(&[]), []);
        assert_eq!(rows_of(&[5, 5, 5]), [(5, 3)]);
        assert_eq!(rows_of(&[1, 1, 2, 4, 4]), [(1, 2), (2, 1), (4, 2)]);
        assert_eq!(rows_of(&[1, 2, 1, 3]), [(1, 2), (2, 1), (3, 1)]);
    }
}
