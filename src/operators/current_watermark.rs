//! Write beside every row how far event time had come when it arrived.
//!
//! The columns behind the input's hold the last watermark that passed, NULL before the first. State: none that outlives
//! the process, as in Flink. Watermarks and barriers: unchanged.

use std::sync::Arc;

use arrow::array::{ArrayRef, TimestampMillisecondArray};
use arrow::datatypes::SchemaRef;
use arrow::record_batch::{RecordBatch, RecordBatchOptions};

use super::{Operator, Output, Progress};
use crate::changelog::ChangelogBatch;
use crate::error::Result;
use crate::time::Watermark;

/// Adds the watermark to rows.
pub struct CurrentWatermark {
    /// The input's columns, with those of the watermark behind them.
    schema: SchemaRef,
    watermark: Option<Watermark>,
}

impl CurrentWatermark {
    pub fn new(schema: SchemaRef) -> Self {
        Self { schema, watermark: None }
    }

    fn apply(&self, batch: &ChangelogBatch) -> Result<ChangelogBatch> {
        let rows = batch.num_rows();
        let mut columns = batch.rows().columns().to_vec();
        let times = TimestampMillisecondArray::from(vec![self.watermark.map(|watermark| watermark.0); rows]);
        for field in &self.schema.fields()[columns.len()..] {
            columns.push(Arc::new(times.clone().with_data_type(field.data_type().clone())) as ArrayRef);
        }
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        Ok(batch.with_rows(RecordBatch::try_new_with_options(self.schema.clone(), columns, &options)?))
    }
}

impl Operator for CurrentWatermark {
    fn name(&self) -> &'static str {
        "CurrentWatermark"
    }

    fn process(&mut self, _input: usize, batch: ChangelogBatch, out: &mut Output) -> Result<Progress> {
        out.emit(self.apply(&batch)?);
        Ok(Progress::Done)
    }

    fn on_watermark(&mut self, watermark: Watermark, out: &mut Output) -> Result<Progress> {
        self.watermark = self.watermark.max(Some(watermark));
        out.watermark(watermark);
        Ok(Progress::Done)
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::{Array, AsArray, Int64Array};
    use arrow::datatypes::{DataType, Field, Schema, TimeUnit, TimestampMillisecondType};

    use super::*;
    use crate::changelog::StreamElement;

    #[test]
    fn a_row_has_the_watermark_before_it_and_none_before_the_first() {
        let field = |name: &str, ty| Field::new(name, ty, true);
        let watermark = DataType::Timestamp(TimeUnit::Millisecond, None);
        let schema = Arc::new(Schema::new(vec![field("v", DataType::Int64), field("w", watermark)]));
        let mut operator = CurrentWatermark::new(schema);
        let mut out = Output::new();
        let values: ArrayRef = Arc::new(Int64Array::from(vec![1]));
        let row = ChangelogBatch::inserts(RecordBatch::try_from_iter([("v", values)]).unwrap());
        for watermark in [None, Some(7), Some(5)] {
            if let Some(watermark) = watermark {
                let _done = operator.on_watermark(Watermark(watermark), &mut out).unwrap();
            }
            let _done = operator.process(0, row.clone(), &mut out).unwrap();
        }
        let said: Vec<Option<i64>> = out
            .drain()
            .filter_map(|element| match element {
                StreamElement::Batch(batch) => {
                    let times = batch.rows().column(1).as_primitive::<TimestampMillisecondType>().clone();
                    Some(times.is_valid(0).then(|| times.value(0)))
                }
                _ => None,
            })
            .collect();
        assert_eq!(said, [None, Some(7), Some(7)]);
    }
}
