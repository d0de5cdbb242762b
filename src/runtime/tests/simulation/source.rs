//! A source of rows in memory that goes on from any position.

use std::fmt;
use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, RecordBatchOptions, StringArray, TimestampMillisecondArray};
use arrow::datatypes::SchemaRef;
use async_trait::async_trait;

use super::world::{Place, Row, World};
use crate::connectors::{OpenContext, ScanRequest, Source, SourceChanges, SourceEvent, SourceReader, Split};
use crate::error::{Error, Result};

#[derive(Clone)]
pub struct SimulatedSource {
    pub world: Arc<World>,
    pub table: String,
    /// What is read of the table.
    pub schema: SchemaRef,
    pub changes: SourceChanges,
    pub resumes: bool,
}

impl fmt::Debug for SimulatedSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.table)
    }
}

#[async_trait]
impl Source for SimulatedSource {
    fn is_bounded(&self) -> bool {
        !self.resumes
    }

    fn changes(&self) -> SourceChanges {
        self.changes
    }

    fn narrow(&self, _scan: ScanRequest) -> Result<Arc<dyn Source>> {
        Err(Error::internal("it is narrow"))
    }

    fn describe(&self) -> String {
        "simulated".to_string()
    }

    fn resumes(&self) -> bool {
        self.resumes
    }

    async fn splits(&self, _context: &OpenContext) -> Result<Vec<Split>> {
        self.world.step(Place::Source, "splits").await?;
        let count = self.world.tables.lock().unwrap()[&self.table].len();
        Ok((0..count).map(|i| Split { id: format!("{}/{i}", self.table), position: "0".to_string() }).collect())
    }

    async fn open(&self, splits: Vec<Split>, _context: &OpenContext) -> Result<Box<dyn SourceReader>> {
        self.world.step(Place::Source, "open").await?;
        let parts = splits.into_iter().map(|split| Part {
            number: split.id.rsplit('/').next().unwrap().parse().unwrap(),
            id: split.id.as_str().into(),
            position: split.position.parse().unwrap(),
            ended: false,
        });
        Ok(Box::new(SimulatedReader { source: self.clone(), parts: parts.collect() }))
    }
}

struct Part {
    id: Arc<str>,
    number: usize,
    position: usize,
    ended: bool,
}

struct SimulatedReader {
    source: SimulatedSource,
    parts: Vec<Part>,
}

#[async_trait]
impl SourceReader for SimulatedReader {
    async fn next(&mut self) -> Result<SourceEvent> {
        let world = self.source.world.clone();
        world.step(Place::Source, "read").await?;
        let open: Vec<usize> = (0..self.parts.len()).filter(|i| !self.parts[*i].ended).collect();
        if open.is_empty() {
            return Ok(SourceEvent::End);
        }
        let part = &mut self.parts[*world.dice().pick(&open)];
        let tables = world.tables.lock().unwrap();
        let rest = &tables[&self.source.table][part.number][part.position..];
        if rest.is_empty() {
            part.ended = true;
            return Ok(SourceEvent::SplitEnd(part.id.clone()));
        }
        let rows = &rest[..rest.len().min(world.dice().between(1, 5) as usize)];
        part.position += rows.len();
        let kinds = (self.source.changes != SourceChanges::Inserts).then(|| rows.iter().map(|row| row.kind).collect());
        Ok(SourceEvent::Rows { split: part.id.clone(), rows: batch(rows, &self.source.schema), kinds, records: None })
    }

    fn positions(&self) -> Vec<Split> {
        self.parts.iter().map(|p| Split { id: p.id.to_string(), position: p.position.to_string() }).collect()
    }

    async fn on_epoch_complete(&mut self, _positions: &[Split]) -> Result<()> {
        self.source.world.step(Place::Source, "report progress").await
    }
}

fn batch(rows: &[Row], schema: &SchemaRef) -> RecordBatch {
    let column = |name: &str| -> ArrayRef {
        match name {
            "k" => Arc::new(rows.iter().map(|row| Some(row.k.as_str())).collect::<StringArray>()),
            "v" => Arc::new(rows.iter().map(|row| row.v).collect::<Int64Array>()),
            "ts" => Arc::new(rows.iter().map(|row| Some(row.ts)).collect::<TimestampMillisecondArray>()),
            other => panic!("no column {other}"),
        }
    };
    let columns = schema.fields().iter().map(|field| column(field.name())).collect();
    let options = RecordBatchOptions::new().with_row_count(Some(rows.len()));
    RecordBatch::try_new_with_options(schema.clone(), columns, &options).expect("columns of the schema")
}
