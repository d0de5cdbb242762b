//! Rows by key, as the file has them now: held in memory, read again when the file has changed.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use arrow::array::{RecordBatch, UInt32Array};
use arrow::compute::{concat_batches, take};
use arrow::record_batch::RecordBatchOptions;
use arrow::row::{RowConverter, SortField};
use async_trait::async_trait;
use tokio::sync::Mutex;

use super::blocking;
use super::columns::RowColumns;
use super::data_file::DataFile;
use super::listing::Listing;
use super::location::shown;
use super::record_reader::RecordReader;
use super::table::FileTable;
use crate::connectors::{
    Lookup, LookupCacheOptions, LookupRequest, LookupRows, LookupSource, OpenContext, TableDescriptor,
};
use crate::error::{Error, Result};

/// A file that is being rewritten while it is read is read again after this long, so many times.
const PAUSE: Duration = Duration::from_millis(50);
const TRIES: u32 = 20;
/// A second change this soon after the first may leave time and size as they were.
const UNSETTLED_MS: i64 = 100;

/// Files that are looked up.
#[derive(Debug)]
pub struct FileLookupSource {
    table: Arc<FileTable>,
}

impl FileLookupSource {
    pub fn try_new(table: &TableDescriptor) -> Result<Self> {
        let span = table.options.span("format");
        let owner = table.owner();
        let table = FileTable::try_new(table)?;
        table.format.require_inserts(&format!("{owner} can't be looked up"), span)?;
        // The format checks its options and columns now, not when a job starts.
        RowColumns::try_new(&table, &[])?;
        Ok(Self { table: Arc::new(table) })
    }
}

#[async_trait]
impl LookupSource for FileLookupSource {
    fn cache(&self) -> Option<LookupCacheOptions> {
        self.table.options.cache.clone()
    }

    fn describe(&self) -> String {
        format!("path={}, format={}", shown(&self.table.options.listing.root), self.table.format.name())
    }

    async fn check(&self, _request: &LookupRequest, _context: &OpenContext) -> Result<()> {
        let (listing, owner) = (self.table.options.listing.clone(), self.table.descriptor.owner());
        let listed = blocking::run(move || listing.files()).await;
        listed.map(drop).map_err(|e| e.context(format!("cannot look up rows of {owner}")))
    }

    async fn open(&self, request: &LookupRequest, context: &OpenContext) -> Result<Box<dyn Lookup>> {
        // What is asked for, then the keys that are not.
        let mut read = request.projection.clone();
        read.extend(request.key_columns.iter().filter(|key| !request.projection.contains(key)));
        let position = |key: &usize| read.iter().position(|column| column == key);
        let lookup = FileLookup {
            owner: self.table.descriptor.owner(),
            files: Arc::new(FileRows {
                listing: self.table.options.listing.clone(),
                keys: request.key_columns.iter().filter_map(position).collect(),
                outputs: request.projection.len(),
                columns: RowColumns::try_new(&self.table, &read)?,
                context: context.clone(),
            }),
            held: Mutex::default(),
        };
        // What is wrong with the file is said now, not at the first row.
        lookup.rows().await?;
        Ok(Box::new(lookup))
    }
}

struct FileLookup {
    owner: String,
    files: Arc<FileRows>,
    held: Mutex<Option<Arc<IndexedRows>>>,
}

/// What of which files is read.
struct FileRows {
    listing: Listing,
    columns: RowColumns,
    /// Positions of the key columns among those that are read.
    keys: Vec<usize>,
    /// How many columns the answer has, the first of those that are read.
    outputs: usize,
    context: OpenContext,
}

/// The rows of all files, and where each key is.
struct IndexedRows {
    /// As they were when they were read.
    files: Vec<DataFile>,
    /// False where a change of the files might have gone unseen.
    settled: bool,
    rows: RecordBatch,
    converter: RowConverter,
    index: HashMap<Box<[u8]>, Vec<u32>>,
}

#[async_trait]
impl Lookup for FileLookup {
    async fn lookup(&self, keys: &RecordBatch) -> Result<LookupRows> {
        self.rows().await?.answer(keys)
    }
}

impl FileLookup {
    /// The rows as the files are now.
    async fn rows(&self) -> Result<Arc<IndexedRows>> {
        let mut held = self.held.lock().await;
        let (files, known) = (self.files.clone(), held.clone());
        let rows = blocking::run(move || files.refresh(known)).await;
        let rows = rows.map_err(|e| e.context(format!("cannot look up rows of {}", self.owner)))?;
        *held = Some(rows.clone());
        Ok(rows)
    }
}

impl FileRows {
    /// `known` if the files are still as they were, else their rows as they are now.
    fn refresh(&self, known: Option<Arc<IndexedRows>>) -> Result<Arc<IndexedRows>> {
        let mut tries = 0;
        loop {
            let fresh = self.listing.files().and_then(|files| match &known {
                Some(known) if known.settled && known.files == files => Ok(Some(known.clone())),
                _ => self.read(files).map(|rows| rows.map(Arc::new)),
            });
            tries += 1;
            match fresh {
                Ok(Some(rows)) => return Ok(rows),
                // Someone may be half way through writing the file: what is wrong with it may soon be right.
                Err(error) if known.is_none() || tries >= TRIES => return Err(error),
                Ok(None) if tries >= TRIES => {
                    let path = shown(&self.listing.root);
                    return Err(Error::external(format!("\"{path}\" changes all the time while it is read")));
                }
                _ => std::thread::sleep(PAUSE),
            }
        }
    }

    /// The rows of `files`; `None` where they changed meanwhile.
    fn read(&self, files: Vec<DataFile>) -> Result<Option<IndexedRows>> {
        let now_ms = self.context.clock.now_ms();
        let mut batches = Vec::new();
        for file in &files {
            let mut reader = RecordReader::open(file.clone(), 0, &self.columns, self.context.errors.clone())?;
            while let Some(rows) = reader.next(self.context.batch_rows)? {
                batches.push(rows.rows);
            }
            self.context.metrics.rows_undecodable.fetch_add(reader.take_undecodable(), Ordering::Relaxed);
        }
        if self.listing.files()? != files {
            return Ok(None);
        }
        let is_fresh = |file: &DataFile| ((file.modified / 1_000_000) as i64 - now_ms).abs() < UNSETTLED_MS;
        let settled = !files.iter().any(is_fresh);
        let rows = concat_batches(self.columns.schema(), &batches)?;
        IndexedRows::new(files, settled, &rows, &self.keys, self.outputs).map(Some)
    }
}

impl IndexedRows {
    /// Indexes `rows` by the columns `keys`; the first `outputs` columns are the answer's.
    fn new(files: Vec<DataFile>, settled: bool, rows: &RecordBatch, keys: &[usize], outputs: usize) -> Result<Self> {
        let columns = rows.project(keys)?.columns().to_vec();
        let fields = columns.iter().map(|c| SortField::new(c.data_type().clone())).collect();
        let converter = RowConverter::new(fields)?;
        let mut index: HashMap<Box<[u8]>, Vec<u32>> = HashMap::new();
        for (row, key) in converter.convert_columns(&columns)?.iter().enumerate() {
            let row = u32::try_from(row).map_err(|_| Error::external("a table that is looked up has too many rows"))?;
            match index.get_mut(key.as_ref()) {
                Some(rows) => rows.push(row),
                None => drop(index.insert(key.as_ref().into(), vec![row])),
            }
        }
        let outputs: Vec<usize> = (0..outputs).collect();
        Ok(Self { files, settled, rows: rows.project(&outputs)?, converter, index })
    }

    fn answer(&self, keys: &RecordBatch) -> Result<LookupRows> {
        let (mut found, mut key_of_row) = (Vec::new(), Vec::new());
        for (position, key) in self.converter.convert_columns(keys.columns())?.iter().enumerate() {
            for &row in self.index.get(key.as_ref()).into_iter().flatten() {
                found.push(row);
                key_of_row.push(position as u32);
            }
        }
        let found = UInt32Array::from(found);
        let columns = self.rows.columns().iter().map(|c| take(c, &found, None)).collect::<Result<_, _>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(found.len()));
        let rows = RecordBatch::try_new_with_options(self.rows.schema(), columns, &options)?;
        Ok(LookupRows { rows, key_of_row: UInt32Array::from(key_of_row) })
    }
}

#[cfg(test)]
#[path = "lookup_tests.rs"]
mod tests;
