//! The head of a lookup task: joins every row with what a table has for its key at this moment.
//!
//! One micro-batch's distinct keys that the cache does not know become one query; several batches may be in flight,
//! but output keeps input order and no row, watermark or barrier overtakes. Rows keep their kind; `-U` and `-D` look up
//! anew, as in Flink. NULL keys match nothing. State: none; nothing is revised later.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arrow::array::{Array, BooleanArray, UInt32Array, UInt32Builder};
use arrow::buffer::NullBuffer;
use arrow::compute::{concat_batches, take, take_record_batch};
use arrow::datatypes::SchemaRef;
use arrow::record_batch::{RecordBatch, RecordBatchOptions};
use arrow::row::{OwnedRow, RowConverter, SortField};
use datafusion::physical_expr::PhysicalExpr;
use futures::future::{FutureExt, MaybeDone, maybe_done};
use hashbrown::HashTable;
use hashbrown::hash_table::Entry;
use tokio::time::Instant;
use xxhash_rust::xxh3::xxh3_64;

use super::lookup_cache::LookupCache;
use super::metrics::LookupMetrics;
use crate::changelog::rejects::{ErrorHandling, Stage};
use crate::changelog::{ChangelogBatch, StreamElement};
use crate::connectors::Lookup;
use crate::error::{Error, ErrorKind, Result};

/// Queries under way at once, per subtask.
const IN_FLIGHT: usize = 4;

type Joined = Pin<Box<dyn Future<Output = Result<Vec<ChangelogBatch>>> + Send>>;

/// Elements on their way through the lookup, in order.
pub struct LookupHead {
    join: Arc<LookupJoin>,
    waiting: VecDeque<Waiting>,
}

enum Waiting {
    Join(Pin<Box<MaybeDone<Joined>>>),
    Other(StreamElement),
}

/// Everything a join needs, shared by the queries in flight.
pub struct LookupJoin {
    pub lookup: Box<dyn Lookup>,
    /// The key of a row, over the input's columns.
    pub keys: Vec<Arc<dyn PhysicalExpr>>,
    pub key_schema: SchemaRef,
    pub right_schema: SchemaRef,
    /// Input columns followed by the table's.
    pub output_schema: SchemaRef,
    pub outer: bool,
    pub condition: Option<Arc<dyn PhysicalExpr>>,
    pub cache: Option<Mutex<LookupCache>>,
    /// What becomes of rows whose lookup failed.
    pub errors: ErrorHandling,
    pub metrics: Arc<LookupMetrics>,
}

impl LookupHead {
    pub fn new(join: LookupJoin) -> Self {
        Self { join: Arc::new(join), waiting: VecDeque::new() }
    }

    /// True while another element may be pushed.
    pub fn has_room(&self) -> bool {
        self.waiting.len() < IN_FLIGHT
    }

    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Starts on an element.
    pub fn push(&mut self, element: StreamElement) {
        let waiting = match element {
            StreamElement::Batch(batch) => {
                let joined: Joined = self.join.clone().join(batch).boxed();
                Waiting::Join(Box::pin(maybe_done(joined)))
            }
            other => Waiting::Other(other),
        };
        self.waiting.push_back(waiting);
    }

    /// The next element in order, driving all queries in flight; never returns while nothing waits.
    ///
    /// Cancel safe: what was begun goes on at the next call.
    pub async fn next(&mut self) -> Result<Option<StreamElement>> {
        std::future::poll_fn(|cx| {
            for waiting in &mut self.waiting {
                if let Waiting::Join(joined) = waiting {
                    let _driven = joined.as_mut().poll(cx);
                }
            }
            match self.waiting.front_mut() {
                None => std::task::Poll::Pending,
                Some(Waiting::Other(_)) => std::task::Poll::Ready(()),
                Some(Waiting::Join(joined)) => match joined.as_mut().output_mut() {
                    Some(_) => std::task::Poll::Ready(()),
                    None => std::task::Poll::Pending,
                },
            }
        })
        .await;
        match self.waiting.pop_front() {
            Some(Waiting::Other(element)) => Ok(Some(element)),
            Some(Waiting::Join(mut joined)) => match joined.as_mut().take_output() {
                Some(result) => {
                    let mut batches = result?.into_iter().map(StreamElement::Batch);
                    let first = batches.next();
                    batches.rev().for_each(|later| self.waiting.push_front(Waiting::Other(later)));
                    Ok(first)
                }
                None => Err(Error::internal("a lookup was taken before it was done")),
            },
            None => Ok(None),
        }
    }
}

/// The distinct keys of a batch, and which of them each row has.
struct Keys {
    rows: RecordBatch,
    /// Per input row the position in `distinct`; `None` for a NULL key.
    of_row: Vec<Option<u32>>,
    /// Per distinct key its bytes and the first row that has it.
    distinct: Vec<(OwnedRow, u32)>,
}

impl LookupJoin {
    /// The joined rows of a batch; none, or in several batches.
    async fn join(self: Arc<Self>, batch: ChangelogBatch) -> Result<Vec<ChangelogBatch>> {
        match self.join_all(&batch).await {
            // However many rows failed for it, the service is not asked for each of them again. Only the table that is
            // looked up can say that its service may fail: what a source says of bad rows doesn't drop good ones.
            Err(error) if self.errors.handles() && error.kind() != ErrorKind::Data => {
                for row in 0..batch.num_rows() {
                    let error = Error::new(error.kind(), error.message());
                    batch.reject(&self.errors, row, Stage::Lookup, error)?;
                }
                Ok(Vec::new())
            }
            Err(error) if batch.may_reject(&self.errors) && error.kind() == ErrorKind::Data => {
                self.join_each(&batch).await
            }
            joined => joined.map(Vec::from_iter),
        }
    }

    async fn join_all(&self, batch: &ChangelogBatch) -> Result<Option<ChangelogBatch>> {
        let keys = self.keys_of(batch.rows())?;
        let answers = self.answers(&keys).await?;
        self.combine(batch, &keys, &answers)
    }

    /// Row by row, after something in the batch could not be looked up or computed.
    async fn join_each(&self, batch: &ChangelogBatch) -> Result<Vec<ChangelogBatch>> {
        let mut joined = Vec::new();
        for row in 0..batch.num_rows() {
            let one = batch.slice(row, 1);
            match self.join_all(&one).await {
                Ok(rows) => joined.extend(rows),
                Err(error) if error.kind() != ErrorKind::Data && !self.errors.handles() => return Err(error),
                Err(error) => one.reject(&self.errors, 0, Stage::Lookup, error)?,
            }
        }
        Ok(joined)
    }

    fn keys_of(&self, rows: &RecordBatch) -> Result<Keys> {
        let mut columns = Vec::with_capacity(self.keys.len());
        for key in &self.keys {
            let value = key.evaluate(rows).map_err(crate::operators::evaluation_error)?;
            let array = value.into_array(rows.num_rows()).map_err(crate::operators::evaluation_error)?;
            columns.push(array);
        }
        let fields = columns.iter().map(|c| SortField::new(c.data_type().clone())).collect();
        let encoded = RowConverter::new(fields)?.convert_columns(&columns)?;
        let nulls = columns.iter().fold(None, |nulls, column| NullBuffer::union(nulls.as_ref(), column.nulls()));
        let mut positions: HashTable<u32> = HashTable::new();
        let mut distinct: Vec<(OwnedRow, u32)> = Vec::new();
        let mut of_row = Vec::with_capacity(rows.num_rows());
        for (row, key) in encoded.iter().enumerate() {
            if nulls.as_ref().is_some_and(|nulls| nulls.is_null(row)) {
                of_row.push(None);
                continue;
            }
            let is_key = |position: &u32| distinct[*position as usize].0.row() == key;
            let hash_of = |position: &u32| xxh3_64(distinct[*position as usize].0.as_ref());
            let position = match positions.entry(xxh3_64(key.as_ref()), is_key, hash_of) {
                Entry::Occupied(entry) => *entry.get(),
                Entry::Vacant(place) => {
                    let position = distinct.len() as u32;
                    place.insert(position);
                    distinct.push((key.owned(), row as u32));
                    position
                }
            };
            of_row.push(Some(position));
        }
        Ok(Keys { rows: RecordBatch::try_new(self.key_schema.clone(), columns)?, of_row, distinct })
    }

    /// The table's rows per distinct key, from the cache or by one query.
    async fn answers(&self, keys: &Keys) -> Result<Vec<RecordBatch>> {
        let now = Instant::now();
        let mut answers: Vec<Option<RecordBatch>> = match self.cache() {
            Some(mut cache) => keys.distinct.iter().map(|(key, _)| cache.get(key.as_ref(), now)).collect(),
            None => vec![None; keys.distinct.len()],
        };
        let missing: Vec<u32> = (0..answers.len() as u32).filter(|i| answers[*i as usize].is_none()).collect();
        if self.cache.is_some() {
            self.metrics.cache_hits.fetch_add((answers.len() - missing.len()) as u64, Ordering::Relaxed);
            self.metrics.cache_misses.fetch_add(missing.len() as u64, Ordering::Relaxed);
        }
        if !missing.is_empty() {
            self.metrics.requests.fetch_add(1, Ordering::Relaxed);
            self.metrics.keys.fetch_add(missing.len() as u64, Ordering::Relaxed);
            let first_rows = missing.iter().map(|&i| keys.distinct[i as usize].1);
            let asked = take_record_batch(&keys.rows, &UInt32Array::from_iter_values(first_rows))?;
            let found = self.lookup.lookup(&asked).await?;
            if found.key_of_row.len() != found.rows.num_rows() {
                return Err(Error::internal("a lookup answered with rows that belong to no key"));
            }
            let now = Instant::now();
            let mut start = 0;
            for (position, &i) in missing.iter().enumerate() {
                let of_key = &found.key_of_row.values()[start..];
                let count = of_key.iter().take_while(|k| **k as usize == position).count();
                let rows = found.rows.slice(start, count);
                start += count;
                if let Some(mut cache) = self.cache() {
                    cache.put(keys.distinct[i as usize].0.as_ref(), rows.clone(), now);
                }
                answers[i as usize] = Some(rows);
            }
            if start != found.rows.num_rows() {
                return Err(Error::internal("a lookup answered out of the order of its keys"));
            }
        }
        let none = RecordBatch::new_empty(self.right_schema.clone());
        Ok(answers.into_iter().map(|rows| rows.unwrap_or_else(|| none.clone())).collect())
    }

    fn combine(&self, batch: &ChangelogBatch, keys: &Keys, answers: &[RecordBatch]) -> Result<Option<ChangelogBatch>> {
        let right = concat_batches(&self.right_schema, answers)?;
        let mut starts = Vec::with_capacity(answers.len() + 1);
        starts.push(0u32);
        for rows in answers {
            starts.push(starts[starts.len() - 1] + rows.num_rows() as u32);
        }
        let mut pairs = Pairs::default();
        for (row, key) in keys.of_row.iter().enumerate() {
            let range = match key {
                Some(key) => starts[*key as usize]..starts[*key as usize + 1],
                None => 0..0,
            };
            for right_row in range {
                pairs.push(row as u32, Some(right_row));
            }
        }
        if let Some(condition) = &self.condition {
            let candidates = pairs.rows(self, batch, &right)?;
            let value = condition.evaluate(candidates.rows()).map_err(crate::operators::evaluation_error)?;
            let mask = value.into_array(candidates.num_rows()).map_err(crate::operators::evaluation_error)?;
            let mask = mask.as_any().downcast_ref::<BooleanArray>();
            pairs.keep(mask.ok_or_else(|| Error::internal("a join condition is not BOOLEAN"))?);
        }
        if self.outer {
            pairs.pad(batch.num_rows() as u32);
        }
        if pairs.left.is_empty() {
            return Ok(None);
        }
        pairs.rows(self, batch, &right).map(Some)
    }

    fn cache(&self) -> Option<MutexGuard<'_, LookupCache>> {
        self.cache.as_ref().map(|cache| cache.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Which input row goes with which row of the table, input rows ascending; `None` on the right pads with NULLs.
#[derive(Default)]
struct Pairs {
    left: Vec<u32>,
    right: Vec<Option<u32>>,
}

impl Pairs {
    fn push(&mut self, left: u32, right: Option<u32>) {
        self.left.push(left);
        self.right.push(right);
    }

    fn keep(&mut self, mask: &BooleanArray) {
        let kept = |i: &usize| mask.is_valid(*i) && mask.value(*i);
        let positions: Vec<usize> = (0..self.left.len()).filter(kept).collect();
        self.left = positions.iter().map(|&i| self.left[i]).collect();
        self.right = positions.iter().map(|&i| self.right[i]).collect();
    }

    /// Adds the input rows that have no partner, in their place.
    fn pad(&mut self, rows: u32) {
        let mut padded = Pairs::default();
        let mut next = 0;
        for row in 0..rows {
            let before = next;
            while self.left.get(next) == Some(&row) {
                padded.push(row, self.right[next]);
                next += 1;
            }
            if next == before {
                padded.push(row, None);
            }
        }
        *self = padded;
    }

    fn rows(&self, join: &LookupJoin, batch: &ChangelogBatch, right: &RecordBatch) -> Result<ChangelogBatch> {
        // Where every row has one partner nothing is copied.
        let all = self.left.len() == batch.num_rows() && self.left.iter().copied().eq(0..batch.num_rows() as u32);
        let left = if all { batch.clone() } else { batch.take(&UInt32Array::from(self.left.clone()))? };
        let mut indices = UInt32Builder::with_capacity(self.right.len());
        self.right.iter().for_each(|i| indices.append_option(*i));
        let indices = indices.finish();
        let mut columns = left.rows().columns().to_vec();
        for column in right.columns() {
            columns.push(take(column, &indices, None)?);
        }
        let options = RecordBatchOptions::new().with_row_count(Some(self.left.len()));
        let rows = RecordBatch::try_new_with_options(join.output_schema.clone(), columns, &options)?;
        Ok(left.with_rows(rows))
    }
}
