//! Copy every row once per grouping set, with NULL for the keys that the set leaves out.
//!
//! The copies of a row follow each other in the order of the sets and have its kind. State: none. Watermarks and
//! barriers: unchanged.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, UInt32Array};
use arrow::compute::take;
use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;

use super::{Operator, Output, Progress};
use crate::changelog::ChangelogBatch;
use crate::error::Result;

/// What comes out: the first columns of the input, the keys, the number of the set.
#[derive(Debug)]
pub struct Expand {
    /// How many columns of the input come out.
    columns: usize,
    /// Positions of the keys in the input.
    keys: Vec<usize>,
    /// Which keys each set has.
    sets: Vec<Vec<bool>>,
    schema: SchemaRef,
    /// What is left of the last batch.
    rest: Option<ChangelogBatch>,
}

impl Expand {
    pub fn new(columns: usize, keys: Vec<usize>, sets: Vec<Vec<bool>>, schema: SchemaRef) -> Self {
        Self { columns, keys, sets, schema, rest: None }
    }

    fn copies(&self, batch: &ChangelogBatch) -> Result<ChangelogBatch> {
        let rows = 0..batch.num_rows() as u32;
        let copies = || rows.clone().flat_map(|row| self.sets.iter().map(move |set| (row, set)));
        let all = UInt32Array::from_iter_values(copies().map(|(row, _)| row));
        let columns = batch.rows().columns();
        let taken = columns[..self.columns].iter().map(|column| take(column, &all, None));
        let mut taken: Vec<ArrayRef> = taken.collect::<Result<_, _>>()?;
        for (i, key) in self.keys.iter().enumerate() {
            let kept: UInt32Array = copies().map(|(row, set)| set[i].then_some(row)).collect();
            taken.push(take(&columns[*key], &kept, None)?);
        }
        let numbers = rows.clone().flat_map(|_| 0..self.sets.len() as i64);
        taken.push(Arc::new(Int64Array::from_iter_values(numbers)));
        let expanded = RecordBatch::try_new(self.schema.clone(), taken)?;
        Ok(match batch.kinds() {
            None => ChangelogBatch::inserts(expanded),
            Some(kinds) => {
                let kinds = kinds.iter().flat_map(|kind| std::iter::repeat_n(*kind, self.sets.len()));
                ChangelogBatch::new(expanded, kinds.collect())
            }
        })
    }

    fn go_on(&mut self, out: &mut Output) -> Result<Progress> {
        let rows_max = (Output::ROWS_MAX / self.sets.len().max(1)).max(1);
        while let Some(batch) = self.rest.take().filter(|batch| !batch.is_empty()) {
            if out.is_full() {
                self.rest = Some(batch);
                return Ok(Progress::More);
            }
            let rows = batch.num_rows().min(rows_max);
            out.emit(self.copies(&batch.slice(0, rows))?);
            self.rest = Some(batch.slice(rows, batch.num_rows() - rows));
        }
        Ok(Progress::Done)
    }
}

impl Operator for Expand {
    fn name(&self) -> &'static str {
        "Expand"
    }

    fn process(&mut self, _input: usize, batch: ChangelogBatch, out: &mut Output) -> Result<Progress> {
        self.rest = Some(batch);
        self.go_on(out)
    }

    fn resume(&mut self, out: &mut Output) -> Result<Progress> {
        self.go_on(out)
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::{Array, AsArray, Int32Array, StringArray};
    use arrow::datatypes::{DataType, Field, Int32Type, Int64Type, Schema};

    use super::*;
    use crate::changelog::{RowKind, StreamElement};

    fn expand(sets: Vec<Vec<bool>>) -> Expand {
        let fields = vec![
            Field::new("v", DataType::Int32, true),
            Field::new("k", DataType::Utf8, true),
            Field::new("$k", DataType::Utf8, true),
            Field::new("$e", DataType::Int64, false),
        ];
        Expand::new(2, vec![1], sets, Arc::new(Schema::new(fields)))
    }

    fn rows(count: i32) -> RecordBatch {
        let fields = vec![Field::new("v", DataType::Int32, true), Field::new("k", DataType::Utf8, true)];
        let keys = StringArray::from_iter_values((0..count).map(|i| format!("k{i}")));
        let columns: Vec<ArrayRef> = vec![Arc::new(Int32Array::from_iter_values(0..count)), Arc::new(keys)];
        RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).unwrap()
    }

    #[test]
    fn every_row_comes_once_per_set_with_its_kind() {
        let mut out = Output::new();
        let batch = ChangelogBatch::new(rows(2), vec![RowKind::UpdateBefore, RowKind::UpdateAfter]);
        let mut operator = expand(vec![vec![true], vec![false]]);
        assert_eq!(operator.process(0, batch, &mut out).unwrap(), Progress::Done);
        let mut told = Vec::new();
        for element in out.drain() {
            let StreamElement::Batch(batch) = element else { panic!("only rows come out") };
            for row in 0..batch.num_rows() {
                let columns = batch.rows().columns();
                let key = columns[2].as_string::<i32>();
                let key = if key.is_null(row) { "NULL" } else { key.value(row) };
                let (v, k) = (columns[0].as_primitive::<Int32Type>().value(row), columns[1].as_string::<i32>());
                let set = columns[3].as_primitive::<Int64Type>().value(row);
                told.push(format!("{} {v} {} {key} {set}", batch.kind(row), k.value(row)));
            }
        }
        assert_eq!(told, ["-U 0 k0 k0 0", "-U 0 k0 NULL 1", "+U 1 k1 k1 0", "+U 1 k1 NULL 1"]);
    }

    #[test]
    fn many_sets_come_in_pieces() {
        let mut out = Output::new();
        let mut operator = expand(vec![vec![false]; 1000]);
        let (mut told, mut progress) = (0, operator.process(0, ChangelogBatch::inserts(rows(200)), &mut out).unwrap());
        loop {
            for element in out.drain() {
                let StreamElement::Batch(batch) = element else { panic!("only rows come out") };
                assert!(batch.num_rows() <= Output::ROWS_MAX);
                told += batch.num_rows();
            }
            if progress == Progress::Done {
                break;
            }
            progress = operator.resume(&mut out).unwrap();
        }
        assert_eq!(told, 200_000);
    }
}
