//! A source that was read once and is told again, row by row, from any position.

use std::fmt;
use std::sync::Arc;

use arrow::record_batch::RecordBatch;
use async_trait::async_trait;

use super::time::sleep_ms;
use super::world::{Place, World};
use crate::changelog::RowKind;
use crate::connectors::{OpenContext, ScanRequest, Source, SourceChanges, SourceEvent, SourceReader, Split};
use crate::error::{Error, Result};

/// The rows of one split, in their order.
type Rows = Vec<(RecordBatch, RowKind)>;

#[derive(Clone)]
pub struct RecordedSource {
    world: Arc<World>,
    /// What was read.
    source: Arc<dyn Source>,
    splits: Arc<Vec<(Arc<str>, Rows)>>,
}

impl fmt::Debug for RecordedSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("recorded")
    }
}

/// Reads a source to its end; what each split gave.
pub async fn record(source: &Arc<dyn Source>) -> Result<Vec<(Arc<str>, Rows)>> {
    let context = OpenContext::for_test();
    let splits = source.splits(&context).await?;
    let mut recorded: Vec<(Arc<str>, Rows)> =
        splits.iter().map(|split| (split.id.as_str().into(), Vec::new())).collect();
    if splits.is_empty() {
        return Ok(recorded);
    }
    let mut reader = source.open(splits, &context).await?;
    loop {
        match reader.next().await? {
            SourceEvent::Rows { split, rows, kinds, .. } => {
                let all = &mut recorded.iter_mut().find(|(id, _)| *id == split).expect("a split").1;
                let kind = |row: usize| kinds.as_ref().map_or(RowKind::Insert, |kinds| kinds[row]);
                all.extend((0..rows.num_rows()).map(|row| (rows.slice(row, 1), kind(row))));
            }
            SourceEvent::End => return Ok(recorded),
            SourceEvent::SplitStart(_) | SourceEvent::SplitEnd(_) => {}
        }
    }
}

impl RecordedSource {
    pub fn new(world: Arc<World>, source: Arc<dyn Source>, splits: Vec<(Arc<str>, Rows)>) -> Self {
        Self { world, source, splits: Arc::new(splits) }
    }
}

#[async_trait]
impl Source for RecordedSource {
    fn is_bounded(&self) -> bool {
        true
    }

    fn changes(&self) -> SourceChanges {
        self.source.changes()
    }

    fn narrow(&self, _scan: ScanRequest) -> Result<Arc<dyn Source>> {
        Err(Error::internal("it is narrow"))
    }

    fn describe(&self) -> String {
        "recorded".to_string()
    }

    fn makes_watermarks(&self) -> bool {
        self.source.makes_watermarks()
    }

    async fn splits(&self, _context: &OpenContext) -> Result<Vec<Split>> {
        Ok(self.splits.iter().map(|(id, _)| Split { id: id.to_string(), position: "0".to_string() }).collect())
    }

    async fn open(&self, splits: Vec<Split>, _context: &OpenContext) -> Result<Box<dyn SourceReader>> {
        let part = |split: Split| {
            let number = self.splits.iter().position(|(id, _)| **id == *split.id).expect("a split");
            (number, split.position.parse().expect("a position"))
        };
        Ok(Box::new(RecordedReader { source: self.clone(), parts: splits.into_iter().map(part).collect(), ended: 0 }))
    }
}

struct RecordedReader {
    source: RecordedSource,
    /// Splits and positions.
    parts: Vec<(usize, usize)>,
    /// So many of the first splits have ended.
    ended: usize,
}

#[async_trait]
impl SourceReader for RecordedReader {
    async fn next(&mut self) -> Result<SourceEvent> {
        sleep_ms(2).await;
        self.source.world.step(Place::Source, "read").await?;
        let Some((number, position)) = self.parts.get_mut(self.ended) else { return Ok(SourceEvent::End) };
        let (id, rows) = &self.source.splits[*number];
        let Some((row, kind)) = rows.get(*position) else {
            self.ended += 1;
            return Ok(SourceEvent::SplitEnd(id.clone()));
        };
        *position += 1;
        let kinds = (self.source.changes() != SourceChanges::Inserts).then(|| vec![*kind]);
        Ok(SourceEvent::Rows { split: id.clone(), rows: row.clone(), kinds, records: None })
    }

    fn positions(&self) -> Vec<Split> {
        let split = |(number, position): &(usize, usize)| Split {
            id: self.source.splits[*number].0.to_string(),
            position: position.to_string(),
        };
        self.parts.iter().map(split).collect()
    }
}
