//! Doors without a service behind them: a source of prepared rows, a sink that forgets, a table in memory to look up.
//!
//! Each stands for a door of the job and says of itself what that says, so that the job is built as it would be.

use std::sync::Arc;

use arrow::array::{ArrayRef, UInt32Array};
use arrow::compute::{cast, take};
use arrow::datatypes::{DataType, SchemaRef};
use arrow::record_batch::RecordBatch;
use arrow::row::{RowConverter, SortField};
use async_trait::async_trait;
use datafusion::logical_expr::Expr;
use hashbrown::HashMap;
use xxhash_rust::xxh3::xxh3_64;

use super::rows::Splits;
use crate::connectors::blackhole::BlackholeWriter;
use crate::connectors::{
    ChangelogSupport, Lookup, LookupCacheOptions, LookupRequest, LookupRows, LookupSource, OpenContext, ScanRequest,
    Sink, SinkWriter, Source, SourceChanges, SourceEvent, SourceReader, Split,
};
use crate::error::{Error, Result};

/// A source of rows in memory.
#[derive(Clone)]
pub struct PreparedSource {
    pub stands_for: Arc<dyn Source>,
    pub splits: Arc<Splits>,
}

impl std::fmt::Debug for PreparedSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "PreparedSource({:?})", self.stands_for)
    }
}

#[async_trait]
impl Source for PreparedSource {
    fn is_bounded(&self) -> bool {
        true
    }

    fn changes(&self) -> SourceChanges {
        self.stands_for.changes()
    }

    fn narrow(&self, _scan: ScanRequest) -> Result<Arc<dyn Source>> {
        Err(Error::internal("prepared rows are as narrow as they get"))
    }

    fn describe(&self) -> String {
        self.stands_for.describe()
    }

    fn parallelism(&self) -> Option<usize> {
        self.stands_for.parallelism()
    }

    fn makes_watermarks(&self) -> bool {
        self.stands_for.makes_watermarks()
    }

    async fn splits(&self, _context: &OpenContext) -> Result<Vec<Split>> {
        let split = |number: usize| Split { id: number.to_string(), position: "0".to_string() };
        Ok((0..self.splits.len()).map(split).collect())
    }

    async fn open(&self, splits: Vec<Split>, _context: &OpenContext) -> Result<Box<dyn SourceReader>> {
        let of = |split: Split| {
            let (number, next) = (split.id.parse().ok()?, split.position.parse().ok()?);
            Some(PreparedSplit { number, id: split.id.into(), next, ended: false })
        };
        let splits = splits.into_iter().map(of).collect::<Option<Vec<_>>>();
        let splits = splits.ok_or_else(|| Error::internal("a split of prepared rows has a number and a position"))?;
        Ok(Box::new(PreparedReader { rows: self.splits.clone(), splits, turn: 0 }))
    }
}

struct PreparedSplit {
    number: usize,
    id: Arc<str>,
    /// The next batch.
    next: usize,
    ended: bool,
}

/// Gives the batches of its splits in turn.
struct PreparedReader {
    rows: Arc<Splits>,
    splits: Vec<PreparedSplit>,
    turn: usize,
}

#[async_trait]
impl SourceReader for PreparedReader {
    async fn next(&mut self) -> Result<SourceEvent> {
        for _ in 0..self.splits.len() {
            let turn = self.turn % self.splits.len();
            self.turn += 1;
            let split = &mut self.splits[turn];
            match self.rows[split.number].get(split.next) {
                Some(part) => {
                    split.next += 1;
                    let (rows, kinds) = (part.rows.clone(), part.kinds.clone());
                    return Ok(SourceEvent::Rows { split: split.id.clone(), rows, kinds, records: None });
                }
                None if !split.ended => {
                    split.ended = true;
                    return Ok(SourceEvent::SplitEnd(split.id.clone()));
                }
                None => {}
            }
        }
        Ok(SourceEvent::End)
    }

    fn positions(&self) -> Vec<Split> {
        let of = |split: &PreparedSplit| Split { id: split.id.to_string(), position: split.next.to_string() };
        self.splits.iter().map(of).collect()
    }
}

/// Takes what another sink would take, and forgets it.
#[derive(Debug)]
pub struct ForgettingSink(pub Arc<dyn Sink>);

#[async_trait]
impl Sink for ForgettingSink {
    fn changelog_support(&self) -> ChangelogSupport {
        self.0.changelog_support()
    }

    fn describe(&self) -> String {
        self.0.describe()
    }

    fn parallelism(&self) -> Option<usize> {
        self.0.parallelism()
    }

    fn distribution(&self) -> Option<Vec<usize>> {
        self.0.distribution()
    }

    async fn open(&self, _context: &OpenContext) -> Result<Box<dyn SinkWriter>> {
        Ok(Box::new(BlackholeWriter))
    }
}

/// A table in memory that answers as another would, but at once.
#[derive(Debug, Clone)]
pub struct TableInMemory {
    pub stands_for: Arc<dyn LookupSource>,
    pub rows: RecordBatch,
    /// Positions of the key columns in the rows, where the rows are a file's; those of made-up rows have any key.
    pub keys: Option<Vec<usize>>,
    /// Of each column that is asked for: its position in the rows, or the key column that it is.
    pub columns: Vec<Column>,
    /// The columns that are asked for.
    pub schema: SchemaRef,
}

/// Where a column of an answer comes from.
#[derive(Debug, Clone, Copy)]
pub enum Column {
    OfRows(usize),
    OfKey(usize),
}

#[async_trait]
impl LookupSource for TableInMemory {
    fn cache(&self) -> Option<LookupCacheOptions> {
        self.stands_for.cache()
    }

    fn supports_filter(&self, _filter: &Expr) -> bool {
        false
    }

    fn describe(&self) -> String {
        self.stands_for.describe()
    }

    /// There is nothing that could be refused.
    async fn check(&self, _request: &LookupRequest, _context: &OpenContext) -> Result<()> {
        Ok(())
    }

    async fn open(&self, _request: &LookupRequest, _context: &OpenContext) -> Result<Box<dyn Lookup>> {
        let index = match &self.keys {
            None => None,
            Some(keys) => {
                let columns: Vec<ArrayRef> = keys.iter().map(|&i| self.rows.column(i).clone()).collect();
                let types: Vec<DataType> = columns.iter().map(|column| column.data_type().clone()).collect();
                let mut known: HashMap<Vec<u8>, Vec<u32>> = HashMap::new();
                for (row, key) in converter(&types)?.convert_columns(&columns)?.iter().enumerate() {
                    known.entry(key.as_ref().to_vec()).or_default().push(row as u32);
                }
                Some((types, known))
            }
        };
        Ok(Box::new(LookupInMemory { table: self.clone(), index }))
    }
}

fn converter(types: &[DataType]) -> Result<RowConverter> {
    Ok(RowConverter::new(types.iter().map(|ty| SortField::new(ty.clone())).collect())?)
}

struct LookupInMemory {
    table: TableInMemory,
    /// The rows of each key, where keys are those of the rows.
    index: Option<(Vec<DataType>, HashMap<Vec<u8>, Vec<u32>>)>,
}

#[async_trait]
impl Lookup for LookupInMemory {
    async fn lookup(&self, keys: &RecordBatch) -> Result<LookupRows> {
        let mut columns = keys.columns().to_vec();
        if let Some((types, _)) = &self.index {
            let fitting = columns.iter().zip(types).map(|(column, ty)| cast(column, ty));
            columns = fitting.collect::<Result<_, _>>()?;
        }
        let types: Vec<DataType> = columns.iter().map(|column| column.data_type().clone()).collect();
        let encoded = converter(&types)?.convert_columns(&columns)?;
        let (mut places, mut key_of_row) = (Vec::new(), Vec::new());
        for (number, key) in encoded.iter().enumerate() {
            match &self.index {
                Some((_, known)) => {
                    let found = known.get(key.as_ref()).map_or(&[][..], Vec::as_slice);
                    places.extend_from_slice(found);
                    key_of_row.extend(std::iter::repeat_n(number as u32, found.len()));
                }
                None => {
                    places.push((xxh3_64(key.as_ref()) % self.table.rows.num_rows().max(1) as u64) as u32);
                    key_of_row.push(number as u32);
                }
            }
        }
        let (places, key_of_row) = (UInt32Array::from(places), UInt32Array::from(key_of_row));
        let columns = self.table.columns.iter().zip(self.table.schema.fields()).map(|(column, field)| match *column {
            Column::OfRows(i) => take(self.table.rows.column(i), &places, None),
            Column::OfKey(i) => cast(&take(keys.column(i), &key_of_row, None)?, field.data_type()),
        });
        let options = arrow::record_batch::RecordBatchOptions::new().with_row_count(Some(key_of_row.len()));
        let columns = columns.collect::<Result<Vec<_>, _>>()?;
        Ok(LookupRows {
            rows: RecordBatch::try_new_with_options(self.table.schema.clone(), columns, &options)?,
            key_of_row,
        })
    }
}
