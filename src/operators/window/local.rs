//! The first of two phases: the rows of a batch that share slice and group become one, before they are exchanged.
//!
//! Where that would leave most of them as they are (see [`mod@super::probe`]), each row goes on as a group of its own.
//! Nothing is kept from batch to batch, so no row waits and a barrier finds nothing here. What comes out is the key, the
//! slice's end, how many rows there were, and the states of the calls; [`super::WindowAggregate`] puts them together.
//! Watermarks and barriers: unchanged.

use std::sync::Arc;

use arrow::array::{ArrayRef, TimestampMillisecondArray};
use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;

use super::pane::{Pane, PaneShape, Partials};
use super::probe::{are_many, probe};
use super::slices::by_slice;
use crate::changelog::ChangelogBatch;
use crate::error::Result;
use crate::operators::{Operator, Output, Progress};

pub struct LocalWindowAggregate {
    /// Position of the slice's end in the input.
    slice: usize,
    shape: PaneShape,
    schema: SchemaRef,
}

impl LocalWindowAggregate {
    /// `schema` is what comes out.
    pub fn new(slice: usize, shape: PaneShape, schema: SchemaRef) -> Self {
        Self { slice, shape, schema }
    }

    /// Puts the rows of a slice together, as far as that is worth it.
    fn reduce(&self, slice: i64, batch: &ChangelogBatch, out: &mut Output) -> Result<()> {
        let shape = &self.shape;
        let (mut pane, mut singles) = (Pane::try_new(shape)?, None);
        match probe(batch.num_rows()) {
            None => pane.update(shape, batch)?,
            Some(look) => {
                pane.update(shape, &batch.slice(0, look))?;
                let rest = batch.slice(look, batch.num_rows() - look);
                match are_many(pane.len(), look) {
                    true => singles = Some(Pane::singles(shape, &rest)?),
                    false => pane.update(shape, &rest)?,
                }
            }
        }
        out.emit(self.batch(slice, pane.partials()?)?);
        if let Some(singles) = singles {
            out.emit(self.batch(slice, singles)?);
        }
        Ok(())
    }

    fn batch(&self, slice: i64, (mut columns, counts, states): Partials) -> Result<ChangelogBatch> {
        columns.push(Arc::new(TimestampMillisecondArray::from_value(slice, counts.len())) as ArrayRef);
        columns.push(Arc::new(counts));
        columns.extend(states);
        Ok(ChangelogBatch::inserts(RecordBatch::try_new(self.schema.clone(), columns)?))
    }
}

impl Operator for LocalWindowAggregate {
    fn name(&self) -> &'static str {
        "LocalWindowAggregate"
    }

    fn process(&mut self, _input: usize, batch: ChangelogBatch, out: &mut Output) -> Result<Progress> {
        for (slice, rows) in by_slice(&batch, self.slice)? {
            self.reduce(slice, &rows, out)?;
        }
        Ok(Progress::Done)
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::{AsArray, Int64Array};
    use arrow::datatypes::{DataType, Field, Int64Type, Schema};

    use super::*;
    use crate::changelog::{RowKind, StreamElement};
    use crate::functions::aggregate::find;
    use crate::operators::AggregateCall;
    use crate::operators::window::pane::{counts, states};
    use crate::types::SqlType;

    const ROWS: usize = 2_048;

    /// SUM(v) and MAX(v) by k, of rows of one slice; `k` is `i % keys`, and what comes again takes its row back.
    fn rows(keys: usize) -> ChangelogBatch {
        let column = |of: &dyn Fn(usize) -> i64| Arc::new(Int64Array::from_iter_values((0..ROWS).map(of))) as ArrayRef;
        let columns = vec![column(&|i| (i % keys) as i64), column(&|i| (i % keys) as i64 * 3), slice_column(ROWS)];
        let kinds = (0..ROWS).map(|i| if (i / keys).is_multiple_of(2) { RowKind::Insert } else { RowKind::Delete });
        ChangelogBatch::new(RecordBatch::try_new(input(), columns).unwrap(), kinds.collect())
    }

    fn slice_column(rows: usize) -> ArrayRef {
        Arc::new(TimestampMillisecondArray::from_value(60_000, rows))
    }

    fn input() -> SchemaRef {
        let number = |name| Field::new(name, DataType::Int64, true);
        let slice = Field::new("slice", slice_column(0).data_type().clone(), false);
        Arc::new(Schema::new(vec![number("k"), number("v"), slice]))
    }

    fn shape() -> PaneShape {
        let call = |name| {
            let function = find(name).unwrap();
            let types = function.signature(&[SqlType::parse("BIGINT").unwrap()]).unwrap();
            AggregateCall { function, types, arguments: vec![1], distinct: false, filter: None }
        };
        PaneShape::try_new(input(), vec![0], vec![call("SUM"), call("MAX")], true).unwrap()
    }

    /// The rows of the batches that come out, and the groups of them all.
    fn groups(keys: usize) -> (Vec<usize>, Pane) {
        let shape = shape();
        let mut fields = vec![input().field(0).clone(), input().field(2).clone()];
        fields.push(Field::new("count", DataType::Int64, false));
        let types = states(&shape.calls, true).unwrap().into_iter().flatten();
        fields.extend(types.enumerate().map(|(i, ty)| Field::new(format!("s{i}"), ty, true)));
        let mut local = LocalWindowAggregate::new(2, shape.clone(), Arc::new(Schema::new(fields)));
        let (mut out, mut whole, mut sizes) = (Output::new(), Pane::try_new(&shape).unwrap(), Vec::new());
        assert_eq!(local.process(0, rows(keys), &mut out).unwrap(), Progress::Done);
        for element in out.drain() {
            let StreamElement::Batch(batch) = element else { panic!("{element:?}") };
            let rows = batch.rows();
            sizes.push(rows.num_rows());
            whole.merge_partials(&shape, &rows.columns()[..1], counts(rows, 2).unwrap(), &rows.columns()[3..]).unwrap();
        }
        (sizes, whole)
    }

    #[test]
    fn rows_go_on_alone_where_groups_are_about_as_many_and_give_the_same() {
        for (keys, expected) in [(10, vec![10]), (200, vec![200]), (1_500, vec![256, 1_792]), (ROWS, vec![256, 1_792])]
        {
            let (sizes, whole) = groups(keys);
            assert_eq!(sizes, expected, "{keys}");
            let mut direct = Pane::try_new(&shape()).unwrap();
            direct.update(&shape(), &rows(keys)).unwrap();
            let (direct, whole) = (direct.results(0, ROWS).unwrap(), whole.results(0, ROWS).unwrap());
            assert_eq!((&direct.key, &direct.results, direct.rows), (&whole.key, &whole.results, whole.rows), "{keys}");
            let left: Vec<i64> = whole.key[0].as_primitive::<Int64Type>().values().to_vec();
            let stays = |key: &i64| (ROWS - *key as usize).div_ceil(keys) % 2 == 1;
            assert_eq!(left, (0..keys as i64).filter(stays).collect::<Vec<_>>(), "{keys}");
        }
    }
}
