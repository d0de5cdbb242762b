//! Rows that a program hands to the session: Arrow batches, or a channel that it feeds.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use arrow::record_batch::RecordBatch;
use async_trait::async_trait;
use tokio::sync::mpsc;

use crate::connectors::{OpenContext, ScanRequest, Source, SourceEvent, SourceReader, Split};
use crate::error::{Error, Result};
use crate::types::Schema;

/// A table made of batches or fed by a channel.
#[derive(Clone)]
pub struct RegisteredTable {
    pub schema: Schema,
    rows: Rows,
}

#[derive(Clone)]
enum Rows {
    /// Bounded; read from the start by every query.
    Batches(Arc<Vec<RecordBatch>>),
    /// Ends when all senders are gone; read by one query. What is sent must fit the columns.
    Channel(Arc<Mutex<Option<mpsc::Receiver<RecordBatch>>>>, Arc<Schema>),
}

impl RegisteredTable {
    pub fn batches(schema: Schema, batches: Vec<RecordBatch>) -> Self {
        Self { schema, rows: Rows::Batches(Arc::new(batches)) }
    }

    /// A table fed by the sender: `capacity` batches wait at most, then `send` waits.
    pub fn channel(schema: Schema, capacity: usize) -> (Self, mpsc::Sender<RecordBatch>) {
        let (sender, receiver) = mpsc::channel(capacity.max(1));
        let rows = Rows::Channel(Arc::new(Mutex::new(Some(receiver))), Arc::new(schema.clone()));
        (Self { schema, rows }, sender)
    }

    pub fn source(&self) -> Arc<dyn Source> {
        Arc::new(RegisteredSource { rows: self.rows.clone(), projection: (0..self.schema.len()).collect() })
    }
}

impl fmt::Debug for RegisteredTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.rows {
            Rows::Batches(_) => "batches",
            Rows::Channel(..) => "channel",
        };
        write!(f, "RegisteredTable({kind})")
    }
}

#[derive(Clone)]
struct RegisteredSource {
    rows: Rows,
    projection: Vec<usize>,
}

impl fmt::Debug for RegisteredSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RegisteredSource")
    }
}

/// The one split of a registered table; its position counts batches.
const SPLIT: &str = "rows";

#[async_trait]
impl Source for RegisteredSource {
    fn is_bounded(&self) -> bool {
        matches!(self.rows, Rows::Batches(_))
    }

    fn narrow(&self, scan: ScanRequest) -> Result<Arc<dyn Source>> {
        Ok(Arc::new(Self { rows: self.rows.clone(), projection: scan.projection }))
    }

    fn describe(&self) -> String {
        match &self.rows {
            Rows::Batches(batches) => format!("batches={}", batches.len()),
            Rows::Channel(..) => "channel".to_string(),
        }
    }

    async fn splits(&self, _context: &OpenContext) -> Result<Vec<Split>> {
        Ok(vec![Split { id: SPLIT.to_string(), position: "0".to_string() }])
    }

    async fn open(&self, splits: Vec<Split>, _context: &OpenContext) -> Result<Box<dyn SourceReader>> {
        let position = splits.first().and_then(|s| s.position.parse().ok()).unwrap_or(0);
        let feed = match &self.rows {
            Rows::Batches(batches) => Feed::Batches(batches.clone()),
            Rows::Channel(receiver, schema) => {
                let taken = receiver.lock().unwrap_or_else(PoisonError::into_inner).take();
                let receiver = taken.ok_or_else(|| {
                    Error::statement("a table fed by a channel can be read by one query only")
                        .with_hint("Put the INSERTs that read it into one statement set, or register it once more.")
                })?;
                Feed::Channel(receiver, schema.clone())
            }
        };
        Ok(Box::new(RegisteredReader { feed, position, projection: self.projection.clone() }))
    }
}

enum Feed {
    Batches(Arc<Vec<RecordBatch>>),
    Channel(mpsc::Receiver<RecordBatch>, Arc<Schema>),
}

struct RegisteredReader {
    feed: Feed,
    position: usize,
    projection: Vec<usize>,
}

#[async_trait]
impl SourceReader for RegisteredReader {
    async fn next(&mut self) -> Result<SourceEvent> {
        let batch = match &mut self.feed {
            Feed::Batches(batches) => batches.get(self.position).cloned(),
            Feed::Channel(receiver, schema) => {
                let sent = receiver.recv().await;
                sent.map(|batch| conform(&batch, schema)).transpose()?
            }
        };
        let Some(batch) = batch else { return Ok(SourceEvent::End) };
        self.position += 1;
        Ok(SourceEvent::Rows {
            split: SPLIT.into(),
            rows: batch.project(&self.projection)?,
            kinds: None,
            records: None,
        })
    }

    fn positions(&self) -> Vec<Split> {
        vec![Split { id: SPLIT.to_string(), position: self.position.to_string() }]
    }
}

/// The batch with exactly the Arrow types of `schema`.
///
/// # Errors
/// Where the columns are others, or hold a NULL that the schema does not allow.
pub fn conform(batch: &RecordBatch, schema: &Schema) -> Result<RecordBatch> {
    let given = batch.schema();
    let given: Vec<&str> = given.fields().iter().map(|f| f.name().as_str()).collect();
    let unfit = |error: arrow::error::ArrowError| {
        let wanted: Vec<&str> = schema.names().collect();
        Error::data(format!(
            "a batch with the columns ({}) was sent to a table with ({})",
            given.join(", "),
            wanted.join(", ")
        ))
        .with_source(error)
    };
    if !schema.names().eq(given.iter().copied()) {
        return Err(unfit(arrow::error::ArrowError::SchemaError("other columns".to_string())));
    }
    let target = schema.arrow();
    let columns = batch.columns().iter().zip(target.fields());
    let columns = columns.map(|(column, field)| arrow::compute::cast(column, field.data_type()));
    let columns = columns.collect::<Result<Vec<_>, _>>().map_err(&unfit)?;
    RecordBatch::try_new(target.clone(), columns).map_err(&unfit)
}
