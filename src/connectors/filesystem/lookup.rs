//! Looks rows up in files that are read whole.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use arrow::array::{Array, UInt32Array};
use arrow::compute::{concat_batches, take_record_batch};
use arrow::record_batch::RecordBatch;
use arrow::row::{OwnedRow, RowConverter, SortField};
use async_trait::async_trait;
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::source::FileSource;
use crate::connectors::{
    Lookup, LookupRequest, LookupRows, LookupSource, OpenContext, ScanRequest, Source, SourceEvent,
};
use crate::error::Result;
use crate::types::Schema;

/// The files of a table as answers by key.
#[derive(Debug)]
pub(super) struct FileLookupSource {
    pub source: FileSource,
    /// The scan schema.
    pub schema: Schema,
    /// Read the files again when they were read longer ago; `None` for never.
    pub reload: Option<Duration>,
}

#[async_trait]
impl LookupSource for FileLookupSource {
    fn describe(&self) -> String {
        match self.reload {
            None => format!("{}, kept in memory", self.source.describe()),
            Some(Duration::ZERO) => format!("{}, read for each batch of keys", self.source.describe()),
            Some(interval) => format!("{}, read again every {interval:?}", self.source.describe()),
        }
    }

    async fn open(&self, request: &LookupRequest, context: &OpenContext) -> Result<Box<dyn Lookup>> {
        let projection = request.projection.iter().chain(&request.key_columns).copied().collect();
        let scan = ScanRequest { projection, filters: Vec::new(), limit: None };
        let key_fields = request.key_columns.iter().map(|i| SortField::new(self.schema.fields[*i].ty.arrow()));
        let lookup = FileLookup {
            source: self.source.narrow(scan)?,
            columns: self.schema.project(&request.projection),
            converter: RowConverter::new(key_fields.collect())?,
            context: context.clone(),
            reload: self.reload,
            loaded: Mutex::new(None),
        };
        // Read once now, so that a missing or broken file is told at the start.
        lookup.rows().await?;
        Ok(Box::new(lookup))
    }
}

struct FileLookup {
    /// Gives the wanted columns, then the key columns.
    source: Arc<dyn Source>,
    columns: Schema,
    converter: RowConverter,
    context: OpenContext,
    reload: Option<Duration>,
    loaded: Mutex<Option<Loaded>>,
}

/// The files as they were read last.
#[derive(Clone)]
struct Loaded {
    at: Instant,
    rows: Arc<Indexed>,
}

struct Indexed {
    rows: RecordBatch,
    /// Positions of rows by key; rows with a NULL in their key are left out, as nothing equals them.
    by_key: HashMap<OwnedRow, Vec<u32>>,
}

impl FileLookup {
    /// The rows, read anew where they are too old.
    async fn rows(&self) -> Result<Arc<Indexed>> {
        let mut loaded = self.loaded.lock().await;
        if let Some(known) = loaded.as_ref()
            && self.reload.is_none_or(|interval| known.at.elapsed() < interval)
        {
            return Ok(known.rows.clone());
        }
        let at = Instant::now();
        let rows = Arc::new(self.load().await?);
        *loaded = Some(Loaded { at, rows: rows.clone() });
        Ok(rows)
    }

    async fn load(&self) -> Result<Indexed> {
        let splits = self.source.splits(&self.context).await?;
        let mut batches = Vec::new();
        if !splits.is_empty() {
            let mut reader = self.source.open(splits, &self.context).await?;
            loop {
                match reader.next().await? {
                    SourceEvent::Rows { rows, .. } => batches.push(rows),
                    SourceEvent::SplitEnd(_) => {}
                    SourceEvent::End => break,
                }
            }
        }
        let Some(first) = batches.first() else {
            return Ok(Indexed { rows: RecordBatch::new_empty(self.columns.arrow()), by_key: HashMap::new() });
        };
        let all = concat_batches(&first.schema(), &batches)?;
        let keys = all.columns().get(self.columns.len()..).unwrap_or_default();
        let mut by_key: HashMap<OwnedRow, Vec<u32>> = HashMap::new();
        for (position, key) in self.converter.convert_columns(keys)?.iter().enumerate() {
            if keys.iter().all(|column| column.is_valid(position)) {
                by_key.entry(key.owned()).or_default().push(position as u32);
            }
        }
        let wanted: Vec<usize> = (0..self.columns.len()).collect();
        Ok(Indexed { rows: all.project(&wanted)?, by_key })
    }
}

#[async_trait]
impl Lookup for FileLookup {
    async fn lookup(&self, keys: &RecordBatch) -> Result<LookupRows> {
        let indexed = self.rows().await?;
        let (mut positions, mut key_of_row) = (Vec::new(), Vec::new());
        for (key, row) in self.converter.convert_columns(keys.columns())?.iter().enumerate() {
            for position in indexed.by_key.get(&row.owned()).into_iter().flatten() {
                positions.push(*position);
                key_of_row.push(key as u32);
            }
        }
        let rows = take_record_batch(&indexed.rows, &UInt32Array::from(positions))?;
        Ok(LookupRows { rows, key_of_row: key_of_row.into() })
    }
}

impl fmt::Debug for FileLookup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileLookup").field("source", &self.source).finish_non_exhaustive()
    }
}
