//! Rows by key, as they are now: one query for a batch of keys, the database decides equality.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, UInt32Array};
use arrow::compute::{concat, concat_batches, filter, take_record_batch};
use async_trait::async_trait;
use datafusion::logical_expr::Expr;
use futures::TryStreamExt;
use futures::future::try_join_all;
use tokio::sync::Mutex;
use tokio_postgres::Statement;

use super::filter as filters;
use super::link::Connection;
use super::options::JdbcOptions;
use super::parameter::Parameter;
use super::question::Question;
use super::rows::raw;
use super::table::DbTable;
use super::watch::{Silence, Watch};
use crate::connectors::{
    Lookup, LookupCacheOptions, LookupRequest, LookupRows, LookupSource, OpenContext, TableDescriptor,
};
use crate::error::{Error, Result};

/// Keys in one query at most.
const CHUNK: usize = 4096;
/// Connections that calls are spread over. Calls beyond that share them, one query behind the other.
const CONNECTIONS: usize = 2;

/// A table that is looked up.
#[derive(Debug)]
pub struct JdbcLookupSource {
    table: Arc<TableDescriptor>,
    options: Arc<JdbcOptions>,
}

impl JdbcLookupSource {
    pub fn new(table: Arc<TableDescriptor>, options: JdbcOptions) -> Self {
        Self { table, options: Arc::new(options) }
    }
}

#[async_trait]
impl LookupSource for JdbcLookupSource {
    fn cache(&self) -> Option<LookupCacheOptions> {
        self.options.cache.clone()
    }

    fn supports_filter(&self, filter: &Expr) -> bool {
        self.options.push_filters && filters::is_supported(filter, &self.table.columns)
    }

    fn describe(&self) -> String {
        let cache = if self.options.cache.is_some() { "PARTIAL" } else { "NONE" };
        format!("{}, cache={cache}", self.options.table)
    }

    async fn open(&self, request: &LookupRequest, context: &OpenContext) -> Result<Box<dyn Lookup>> {
        let slots = (0..CONNECTIONS).map(|_| Slot::default()).collect();
        let lookup = JdbcLookup {
            table: self.table.clone(),
            options: self.options.clone(),
            request: request.clone(),
            context: context.clone(),
            what: format!("lookup of {} in", self.table.name),
            slots,
        };
        // What is wrong with the table or its columns is said now, not at the first row.
        if let Some(slot) = lookup.slots.first() {
            let failed = |failed: Failed| {
                let owner = lookup.table.owner();
                match failed.error.message().contains(&owner) {
                    true => failed.error,
                    false => failed.error.context(format!("cannot open {owner}")),
                }
            };
            lookup.ready(slot).await.map_err(failed)?;
        }
        Ok(Box::new(lookup))
    }
}

struct JdbcLookup {
    table: Arc<TableDescriptor>,
    options: Arc<JdbcOptions>,
    request: LookupRequest,
    context: OpenContext,
    /// What people are told when it takes long; the database's name follows.
    what: String,
    slots: Vec<Slot>,
}

/// A place for a connection, made when first needed and again after it broke.
#[derive(Default)]
struct Slot {
    ready: std::sync::Mutex<Option<Arc<Ready>>>,
    /// Held by whoever opens a connection; the others wait for that one.
    opening: Mutex<()>,
    in_flight: AtomicUsize,
}

impl Slot {
    fn set(&self, ready: Option<Arc<Ready>>) {
        *self.ready.lock().unwrap_or_else(PoisonError::into_inner) = ready;
    }

    fn open(&self) -> Option<Arc<Ready>> {
        let ready = self.ready.lock().unwrap_or_else(PoisonError::into_inner).clone();
        ready.filter(|ready| !ready.connection.client.is_closed())
    }

    /// Calls on the broken connection go on until each finds out by itself.
    fn forget(&self, broken: &Arc<Ready>) {
        let mut place = self.ready.lock().unwrap_or_else(PoisonError::into_inner);
        if place.as_ref().is_some_and(|ready| Arc::ptr_eq(ready, broken)) {
            *place = None;
        }
    }
}

/// A try that failed.
struct Failed {
    error: Error,
    /// Whether another try may help.
    again: bool,
}

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        Self { again: error.is_retriable(), error }
    }
}

/// Why a question has no answer.
enum Failure {
    Said(tokio_postgres::Error),
    /// The table was altered behind the prepared statement.
    Stale(tokio_postgres::Error),
    Silent(Silence),
    Ours(Error),
}

impl From<tokio_postgres::Error> for Failure {
    fn from(error: tokio_postgres::Error) -> Self {
        match error.as_db_error().is_some_and(|db| db.message().contains("cached plan must not change")) {
            true => Self::Stale(error),
            false => Self::Said(error),
        }
    }
}

impl From<Silence> for Failure {
    fn from(silence: Silence) -> Self {
        Self::Silent(silence)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Ours(error)
    }
}

struct Ready {
    connection: Connection,
    statement: Statement,
    question: Question,
}

/// Counts a call as in flight until it is dropped.
struct InFlight<'a>(&'a AtomicUsize);

impl<'a> InFlight<'a> {
    fn new(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count)
    }
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[async_trait]
impl Lookup for JdbcLookup {
    async fn lookup(&self, keys: &RecordBatch) -> Result<LookupRows> {
        let starts = (0..keys.num_rows().max(1)).step_by(CHUNK);
        let chunks = starts.map(|start| {
            let length = CHUNK.min(keys.num_rows() - start);
            self.chunk(keys.slice(start, length), start as u32)
        });
        let mut answers = try_join_all(chunks).await?;
        if answers.len() == 1
            && let Some(answer) = answers.pop()
        {
            return Ok(answer);
        }
        let schema = self.table.columns.project(&self.request.projection).arrow();
        let positions: Vec<&dyn Array> = answers.iter().map(|a| &a.key_of_row as &dyn Array).collect();
        let key_of_row = concat(&positions)?.as_primitive().clone();
        let rows = concat_batches(&schema, answers.iter().map(|a| &a.rows))?;
        Ok(LookupRows { rows, key_of_row })
    }
}

impl JdbcLookup {
    /// The answer for keys of which the first stands at `offset`.
    async fn chunk(&self, keys: RecordBatch, offset: u32) -> Result<LookupRows> {
        let idle = |slot: &&Slot| slot.in_flight.load(Ordering::Relaxed);
        let Some(slot) = self.slots.iter().min_by_key(idle) else {
            return Err(Error::internal("a lookup has no connections"));
        };
        let _in_flight = InFlight::new(&slot.in_flight);
        let mut tries = 0;
        loop {
            let Failed { error, again } = match self.attempt(slot, &keys, offset).await {
                Ok(answer) => {
                    if tries > 0 {
                        self.context.reporter.goes_on();
                    }
                    return Ok(answer);
                }
                Err(failed) => failed,
            };
            if !again || tries >= self.options.lookup_retries {
                return Err(error.context(format!("cannot look up rows of {}", self.table.owner())));
            }
            tries += 1;
            self.context.metrics.retries.fetch_add(1, Ordering::Relaxed);
            let (what, why) = (format!("lookup of {}", self.table.name), format!("{}; trying again", error.message()));
            self.context.reporter.waits_because(&what, &why);
            // As in Flink: at once, then after one second, then after two.
            tokio::time::sleep(Duration::from_secs(tries as u64 - 1)).await;
        }
    }

    async fn attempt(&self, slot: &Slot, keys: &RecordBatch, offset: u32) -> Result<LookupRows, Failed> {
        let ready = self.ready(slot).await?;
        let watch = self.watch(&ready.connection);
        let answer = watch.answer(self.limit(), self.ask(&ready, keys, offset)).await;
        answer.map_err(|failure| {
            self.context.metrics.errors.fetch_add(1, Ordering::Relaxed);
            let closed = ready.connection.client.is_closed();
            let (error, gone) = match failure {
                Failure::Silent(silence) => (silence.into(), true),
                Failure::Stale(error) => (self.options.link.error(error), true),
                Failure::Said(error) => (self.options.link.error(error), closed),
                Failure::Ours(error) => return Failed { error, again: false },
            };
            if gone {
                slot.forget(&ready);
            }
            Failed { again: gone || error.is_retriable(), error }
        })
    }

    fn watch<'a>(&'a self, connection: &'a Connection) -> Watch<'a> {
        Watch { link: &self.options.link, connection, reporter: &self.context.reporter, what: &self.what }
    }

    /// How long an answer may take.
    fn limit(&self) -> Option<Duration> {
        let limits = [self.options.lookup_timeout, self.options.link.answer_timeout()];
        limits.into_iter().flatten().min()
    }

    /// The slot's connection, opened if there is none.
    async fn ready(&self, slot: &Slot) -> Result<Arc<Ready>, Failed> {
        let _alone = slot.opening.lock().await;
        if let Some(ready) = slot.open() {
            return Ok(ready);
        }
        let (link, owner) = (&self.options.link, self.table.owner());
        let connecting = link.connect(&self.context).await;
        // It has waited for the database as long as it may.
        let connection = connecting.map_err(|error| Failed { error, again: false })?;
        let prepare = async {
            let db = DbTable::read(link, &connection, &self.options.table, &owner).await?;
            let question = Question::new(&self.table, &db, &self.request, connection.utf8)?;
            let statement = connection.client.prepare(&question.sql).await.map_err(|e| link.error(e))?;
            Ok::<_, Error>((question, statement))
        };
        let (question, statement) = self.watch(&connection).answer(self.limit(), prepare).await?;
        let ready = Arc::new(Ready { connection, statement, question });
        slot.set(Some(ready.clone()));
        Ok(ready)
    }

    /// One query.
    async fn ask(&self, ready: &Ready, keys: &RecordBatch, offset: u32) -> Result<LookupRows, Failure> {
        let question = &ready.question;
        let asked = question.parameters(keys)?;
        let mut rows = question.selection.rows()?;
        let mut positions: Vec<u32> = Vec::new();
        if !asked.positions.is_empty() {
            let parameters: Vec<&Parameter> = asked.parameters.iter().collect();
            let stream = ready.connection.client.query_raw(&ready.statement, parameters).await?;
            let mut stream = std::pin::pin!(stream);
            while let Some(row) = stream.try_next().await? {
                let key = raw(&row, 0)?.and_then(|key| asked.position(key));
                let Some(position) = key else { continue };
                rows.push(&row, 1)?;
                positions.push(offset + position);
            }
        }
        self.context.metrics.bytes.fetch_add(rows.bytes() as u64, Ordering::Relaxed);
        let (batch, mask) = rows.finish()?;
        let positions = UInt32Array::from(positions);
        let positions: ArrayRef = match mask {
            Some(mask) => filter(&positions, &mask).map_err(Error::from)?,
            None => Arc::new(positions),
        };
        Ok(in_key_order(batch, positions.as_primitive())?)
    }
}

/// Sorts the answer by key; rows of one key keep their order.
fn in_key_order(rows: RecordBatch, positions: &UInt32Array) -> Result<LookupRows> {
    if positions.values().is_sorted() {
        return Ok(LookupRows { rows, key_of_row: positions.clone() });
    }
    let mut order: Vec<u32> = (0..positions.len() as u32).collect();
    order.sort_by_key(|i| positions.value(*i as usize));
    let key_of_row = order.iter().map(|i| positions.value(*i as usize)).collect();
    let rows = if rows.num_columns() == 0 { rows } else { take_record_batch(&rows, &UInt32Array::from(order))? };
    Ok(LookupRows { rows, key_of_row })
}
