//! Bring the elements of a collection behind its row: a row for each.
//!
//! The copies of a row follow each other in the order of the elements and have its kind. A collection that is empty or
//! NULL leaves no row, or one with NULLs where it is `outer`. State: none. Watermarks and barriers: unchanged.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Int32Array, StructArray, UInt32Array};
use arrow::compute::take;
use arrow::datatypes::{DataType, Int32Type, SchemaRef};
use arrow::record_batch::{RecordBatch, RecordBatchOptions};

use super::{Operator, Output, Progress};
use crate::changelog::ChangelogBatch;
use crate::error::{Error, Result};

/// Rows of the input that are looked at between two looks at the output.
const ROWS_MAX: usize = 1_024;

/// What comes out: the first columns of the input, those of an element, where they are wanted its number.
#[derive(Debug, Clone)]
pub struct UnnestShape {
    /// How many columns of the input come out.
    pub columns: usize,
    /// Position of the collection in the input.
    pub collection: usize,
    /// It is a MULTISET: each element as often as it is in there.
    pub multiset: bool,
    pub outer: bool,
    /// `WITH ORDINALITY`
    pub ordinality: bool,
    pub schema: SchemaRef,
}

pub struct Unnest {
    shape: UnnestShape,
    /// What is left of the last batch.
    rest: Option<ChangelogBatch>,
}

/// Which rows come out with which elements.
#[derive(Default)]
struct Pairs {
    rows: Vec<u32>,
    elements: Vec<Option<u32>>,
    numbers: Vec<Option<i32>>,
}

impl Unnest {
    pub fn new(shape: UnnestShape) -> Self {
        Self { shape, rest: None }
    }

    fn elements(&self, batch: &ChangelogBatch) -> Result<ChangelogBatch> {
        let shape = &self.shape;
        let collection = batch.rows().column(shape.collection);
        let (offsets, columns, times): (&[i32], Vec<ArrayRef>, Option<&Int32Array>) = match collection.data_type() {
            DataType::List(_) => {
                let list = collection.as_list::<i32>();
                (list.value_offsets(), columns_of(list.values()), None)
            }
            DataType::Map(..) if shape.multiset => {
                let map = collection.as_map();
                let times = map.values().as_primitive_opt::<Int32Type>();
                (map.value_offsets(), columns_of(map.keys()), times)
            }
            DataType::Map(..) => {
                let map = collection.as_map();
                (map.value_offsets(), vec![map.keys().clone(), map.values().clone()], None)
            }
            other => return Err(Error::internal(format!("the elements of a {other}"))),
        };
        let mut pairs = Pairs::default();
        for row in 0..batch.num_rows() {
            let before = pairs.rows.len();
            if collection.is_valid(row) {
                for element in offsets[row]..offsets[row + 1] {
                    let count = times.map_or(1, |times| times.value(element as usize));
                    for _ in 0..count {
                        pairs.numbers.push(Some((pairs.rows.len() - before + 1) as i32));
                        pairs.rows.push(row as u32);
                        pairs.elements.push(Some(element as u32));
                    }
                }
            }
            if shape.outer && pairs.rows.len() == before {
                pairs.numbers.push(None);
                pairs.rows.push(row as u32);
                pairs.elements.push(None);
            }
        }
        self.rows(batch, pairs, &columns)
    }

    fn rows(&self, batch: &ChangelogBatch, pairs: Pairs, elements: &[ArrayRef]) -> Result<ChangelogBatch> {
        let taken = batch.take(&UInt32Array::from(pairs.rows))?;
        let mut columns = taken.rows().columns()[..self.shape.columns].to_vec();
        let positions = UInt32Array::from(pairs.elements);
        for column in elements {
            columns.push(take(column, &positions, None)?);
        }
        if self.shape.ordinality {
            columns.push(Arc::new(Int32Array::from(pairs.numbers)));
        }
        let options = RecordBatchOptions::new().with_row_count(Some(taken.num_rows()));
        Ok(taken.with_rows(RecordBatch::try_new_with_options(self.shape.schema.clone(), columns, &options)?))
    }

    fn go_on(&mut self, out: &mut Output) -> Result<Progress> {
        while let Some(batch) = self.rest.take().filter(|batch| !batch.is_empty()) {
            if out.is_full() {
                self.rest = Some(batch);
                return Ok(Progress::More);
            }
            let rows = batch.num_rows().min(ROWS_MAX);
            out.emit(self.elements(&batch.slice(0, rows))?);
            self.rest = Some(batch.slice(rows, batch.num_rows() - rows));
        }
        Ok(Progress::Done)
    }
}

/// The columns of elements: the fields of those that are ROWs, which are all NULL where the ROW is.
fn columns_of(elements: &ArrayRef) -> Vec<ArrayRef> {
    match elements.as_any().downcast_ref::<StructArray>() {
        Some(rows) => {
            let all: UInt32Array = (0..rows.len()).map(|row| rows.is_valid(row).then_some(row as u32)).collect();
            let masked = |column: &ArrayRef| match rows.null_count() {
                0 => column.clone(),
                _ => take(column, &all, None).unwrap_or_else(|_| column.clone()),
            };
            rows.columns().iter().map(masked).collect()
        }
        None => vec![elements.clone()],
    }
}

impl Operator for Unnest {
    fn name(&self) -> &'static str {
        "Unnest"
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
    use arrow::array::ListArray;
    use arrow::datatypes::{Field, Schema};

    use super::*;
    use crate::changelog::{RowKind, StreamElement};

    #[test]
    fn every_element_comes_with_its_row_its_kind_and_its_number() {
        let lists = [Some(vec![Some(1), None]), Some(vec![]), None, Some(vec![Some(2)])];
        let lists: ArrayRef = Arc::new(ListArray::from_iter_primitive::<Int32Type, _, _>(lists));
        let keys: ArrayRef = Arc::new(Int32Array::from(vec![10, 20, 30, 40]));
        let rows = RecordBatch::try_from_iter([("k", keys), ("l", lists)]).unwrap();
        let kinds = vec![RowKind::Delete, RowKind::Insert, RowKind::Insert, RowKind::Insert];
        let batch = ChangelogBatch::new(rows, kinds);
        let field = |name: &str| Field::new(name, DataType::Int32, true);
        let schema = Arc::new(Schema::new(vec![field("k"), field("e"), field("n")]));
        for (outer, expected) in [
            (false, ["-D 10 1 1", "-D 10 - 2", "+I 40 2 1"].as_slice()),
            (true, &["-D 10 1 1", "-D 10 - 2", "+I 20 - -", "+I 30 - -", "+I 40 2 1"]),
        ] {
            let shape = UnnestShape {
                columns: 1,
                collection: 1,
                multiset: false,
                outer,
                ordinality: true,
                schema: schema.clone(),
            };
            let mut out = Output::new();
            assert_eq!(Unnest::new(shape).process(0, batch.clone(), &mut out).unwrap(), Progress::Done);
            let mut said = Vec::new();
            for element in out.drain() {
                let StreamElement::Batch(batch) = element else { continue };
                for row in 0..batch.num_rows() {
                    let cells = batch.rows().columns().iter().map(|column| column.as_primitive::<Int32Type>());
                    let cell = |cell: &Int32Array| match cell.is_valid(row) {
                        true => cell.value(row).to_string(),
                        false => "-".to_string(),
                    };
                    said.push(format!("{} {}", batch.kind(row), cells.map(cell).collect::<Vec<_>>().join(" ")));
                }
            }
            assert_eq!(said, expected);
        }
    }
}
