//! Makes the rows of some splits when they are due.

use std::sync::Arc;

use arrow::record_batch::{RecordBatch, RecordBatchOptions};
use async_trait::async_trait;
use rand::SeedableRng;
use rand::rngs::StdRng;
use tokio::time::Instant;

use super::generator::{Generator, Moment};
use super::pace::{Pace, Step};
use super::source::{DatagenSource, Share};
use crate::connectors::{OpenContext, SourceEvent, SourceReader, Split};
use crate::error::Result;
use crate::formats::column::Column;
use crate::time::Clock;
use crate::types::Schema;

/// Makes rows, each split on its own beat.
pub(super) struct DatagenReader {
    // What to make.
    schema: Schema,
    generators: Arc<[Generator]>,
    clock: Arc<dyn Clock>,
    // What was made.
    pace: Pace,
    ids: Vec<Arc<str>>,
    /// The share of which rows were made last, as it was before.
    last: Option<Share>,
    started: Option<Instant>,
    rng: StdRng,
}

impl DatagenReader {
    pub fn new(source: &DatagenSource, splits: &[Split], shares: &[Share], context: &OpenContext) -> Self {
        Self {
            schema: source.schema.clone(),
            generators: source.generators.clone(),
            clock: context.clock.clone(),
            pace: Pace::new(source.rows_per_second, source.rows, context.batch_rows, shares),
            ids: splits.iter().map(|split| split.id.as_str().into()).collect(),
            last: None,
            started: None,
            rng: StdRng::from_rng(&mut rand::rng()),
        }
    }

    fn make(&mut self, share: Share, count: usize) -> Result<RecordBatch> {
        let now_ms = self.clock.now_ms();
        let mut columns = self.schema.fields.iter().map(|f| Column::new(&f.ty)).collect::<Result<Vec<_>>>()?;
        for made in share.made..share.made + count as u64 {
            let moment = Moment { row: made * share.of + share.number, now_ms };
            for (generator, column) in self.generators.iter().zip(&mut columns) {
                generator.push(column, &moment, &mut self.rng)?;
            }
        }
        let arrays = columns.iter_mut().map(Column::finish).collect::<Result<Vec<_>>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(count));
        Ok(RecordBatch::try_new_with_options(self.schema.arrow(), arrays, &options)?)
    }
}

#[async_trait]
impl SourceReader for DatagenReader {
    async fn next(&mut self) -> Result<SourceEvent> {
        let started = *self.started.get_or_insert_with(Instant::now);
        loop {
            let passed = started.elapsed();
            match self.pace.step(passed) {
                Step::Wait(until) => tokio::time::sleep_until(started + until).await,
                Step::Make { index, count } => {
                    let share = self.pace.share(index);
                    let rows = self.make(share, count)?;
                    self.last = Some(share);
                    self.pace.made(index, count, passed);
                    return Ok(SourceEvent::Rows { split: self.ids[index].clone(), rows, kinds: None, records: None });
                }
                Step::Ended(index) => {
                    self.pace.ended(index);
                    return Ok(SourceEvent::SplitEnd(self.ids[index].clone()));
                }
                Step::End => return Ok(SourceEvent::End),
            }
        }
    }

    async fn place(&mut self, row: usize) -> Option<String> {
        let share = self.last?;
        Some(format!("row {}", (share.made + row as u64) * share.of + share.number + 1))
    }

    fn positions(&self) -> Vec<Split> {
        (0..self.ids.len()).map(|index| self.pace.share(index).split()).collect()
    }
}
