//! Buffers rows and writes them in one transaction per flush, again where the connection broke.

use std::collections::HashMap;
use std::sync::atomic::Ordering;
use std::time::Duration;

use arrow::array::{RecordBatch, UInt32Array};
use arrow::compute::{concat_batches, take_record_batch};
use async_trait::async_trait;
use tokio::time::Instant;
use tokio_postgres::error::SqlState;

use super::options::SinkOptions;
use super::sink::{Prepared, Target};
use super::transaction::{self, Failure, Step};
use super::watch::Silence;
use crate::changelog::rejects::Stage;
use crate::changelog::{ChangelogBatch, RowKind};
use crate::connectors::{OpenContext, SinkWriter};
use crate::error::{Error, ErrorKind, Result};

/// How long to look which row of a flush it was that the database refused.
const FINDING: Duration = Duration::from_secs(30);
/// Rows in one statement at most.
const CHUNK: usize = 2048;
/// The buffer is written when it holds this much, whatever the options say.
const BUFFER_BYTES: usize = 64 << 20;

/// Writes one subtask's rows.
pub struct JdbcSinkWriter {
    // Parameters.
    target: Target,
    options: SinkOptions,
    context: OpenContext,
    // State.
    prepared: Option<Prepared>,
    buffer: Vec<ChangelogBatch>,
    rows: usize,
    bytes: usize,
    /// When the oldest row in the buffer came.
    since: Option<Instant>,
}

/// What a flush has to do: rows to write, then rows to delete.
struct Flush {
    writes: RecordBatch,
    deletes: RecordBatch,
}

/// A try to send a flush that failed.
struct Failed {
    error: Error,
    code: Option<SqlState>,
    /// Whether another try may help.
    again: bool,
}

/// It could not be found which row it was.
struct NoRow;

impl From<Silence> for NoRow {
    fn from(_: Silence) -> Self {
        Self
    }
}

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        Self { again: error.is_retriable(), error, code: None }
    }
}

impl JdbcSinkWriter {
    pub fn new(target: Target, prepared: Prepared, options: SinkOptions, context: OpenContext) -> Self {
        let prepared = Some(prepared);
        Self { target, options, context, prepared, buffer: Vec::new(), rows: 0, bytes: 0, since: None }
    }

    /// The buffer as work: of each key only its last change.
    fn reduce(&self) -> Result<Flush> {
        let schema = self.target.cells.schema.arrow();
        let rows = concat_batches(&schema, self.buffer.iter().map(ChangelogBatch::rows))?;
        let kinds: Vec<RowKind> = self.buffer.iter().flat_map(|b| (0..b.num_rows()).map(|i| b.kind(i))).collect();
        if self.target.key.is_empty() {
            if let Some(kind) = kinds.iter().find(|k| **k != RowKind::Insert) {
                return Err(Error::internal(format!("a {kind} row reached a sink without PRIMARY KEY")));
            }
            return Ok(Flush { deletes: rows.slice(0, 0), writes: rows });
        }
        let mut last: HashMap<Vec<u8>, u32> = HashMap::with_capacity(kinds.len());
        for (row, key) in self.target.cells.keys(&rows, &self.target.key)?.into_iter().enumerate() {
            last.insert(key, row as u32);
        }
        let mut kept: Vec<u32> = last.into_values().collect();
        kept.sort_unstable();
        let (written, deleted): (Vec<u32>, Vec<u32>) = kept.iter().partition(|i| kinds[**i as usize].is_addition());
        Ok(Flush {
            writes: take_record_batch(&rows, &UInt32Array::from(written))?,
            deletes: take_record_batch(&rows, &UInt32Array::from(deleted))?,
        })
    }

    /// Writes and deletes until it is done, fails for good, or was tried often enough.
    async fn send(&mut self, flush: &Flush) -> Result<()> {
        let (mut tries, mut chunk) = (0, CHUNK);
        loop {
            let work = self.work(flush, chunk)?;
            let Failed { error, code, again } = match self.try_once(&work).await {
                Ok(()) => {
                    if tries > 0 {
                        self.context.reporter.tell("");
                    }
                    return Ok(());
                }
                Err(failed) => failed,
            };
            // Two keys that differ here are equal there (citext, -0.0): each row in a statement of its own.
            if code == Some(SqlState::CARDINALITY_VIOLATION) && chunk > 1 {
                chunk = 1;
                continue;
            }
            if !again || tries >= self.options.retries {
                let error = self.with_row(error, flush).await;
                return Err(error.context(format!("cannot write {}", self.target.cells.owner())));
            }
            tries += 1;
            self.context.metrics.retries.fetch_add(1, Ordering::Relaxed);
            let name = self.target.link.name();
            self.context.reporter.tell(&format!("writing to {name}: {}; trying again", error.message()));
            // As in Flink: at once, then after one second, then after two.
            tokio::time::sleep(Duration::from_secs(tries as u64 - 1)).await;
        }
    }

    /// On the open connection, or on a new one where it broke.
    async fn try_once(&mut self, work: &[Step]) -> Result<(), Failed> {
        let target = &self.target;
        let open = self.prepared.take().filter(|p| !p.connection.client.is_closed());
        let prepared = match open {
            Some(prepared) => prepared,
            None => {
                let connecting = target.link.connect(&self.context).await;
                // It has waited for the database as long as it may.
                let connection = connecting.map_err(|error| Failed { again: false, ..Failed::from(error) })?;
                target.prepare(connection, &self.context.reporter).await?
            }
        };
        let watch = target.watch(&prepared.connection, &self.context.reporter);
        self.context.metrics.requests.fetch_add(1, Ordering::Relaxed);
        let Err(failure) = transaction::run(&watch, &prepared, work).await else {
            self.prepared = Some(prepared);
            return Ok(());
        };
        self.context.metrics.errors.fetch_add(1, Ordering::Relaxed);
        let failed = match failure {
            Failure::Silent(silence) => return Err(Error::from(silence).into()),
            Failure::Said(error) => {
                let code = error.code().cloned();
                Failed { code, ..Failed::from(target.link.error(error)) }
            }
        };
        let elsewhere = failed.code == Some(SqlState::READ_ONLY_SQL_TRANSACTION);
        self.prepared = Some(prepared).filter(|p| !elsewhere && !p.connection.client.is_closed());
        Err(failed)
    }

    /// Every row of the buffer on its own, in order: those that the database refuses are rejected. Nothing is reduced, for
    /// a change that is refused must not take the one before it along.
    async fn send_each(&mut self) -> Result<()> {
        let buffer = std::mem::take(&mut self.buffer);
        for batch in &buffer {
            for row in 0..batch.num_rows() {
                let (one, none) = (batch.rows().slice(row, 1), batch.rows().slice(0, 0));
                let flush = match batch.kind(row).is_addition() {
                    true => Flush { writes: one, deletes: none },
                    // Where there is no key, there is nothing that could be deleted; and a row that is about to be
                    // replaced stays until it is, for its successor may be refused.
                    false if self.target.delete.is_none() || self.is_replaced(batch, row) => continue,
                    false => Flush { writes: none, deletes: one },
                };
                match self.send(&flush).await {
                    Err(error) if error.kind() == ErrorKind::Data => {
                        batch.reject(&self.context.errors, row, Stage::Write, error)?;
                    }
                    done => done?,
                }
            }
        }
        Ok(())
    }

    /// True for the first half of an update whose other half has the same key.
    fn is_replaced(&self, batch: &ChangelogBatch, row: usize) -> bool {
        let is_update = batch.kind(row) == RowKind::UpdateBefore
            && row + 1 < batch.num_rows()
            && batch.kind(row + 1) == RowKind::UpdateAfter;
        let keys = || self.target.cells.keys(&batch.rows().slice(row, 2), &self.target.key);
        is_update && keys().is_ok_and(|keys| keys.first() == keys.last())
    }

    fn may_reject(&self) -> bool {
        self.buffer.iter().any(|batch| batch.may_reject(&self.context.errors))
    }

    /// The steps of a flush.
    fn work(&self, flush: &Flush, chunk: usize) -> Result<Vec<Step>> {
        let mut steps = Vec::new();
        let plans =
            [(false, Some(&self.target.write), &flush.writes), (true, self.target.delete.as_ref(), &flush.deletes)];
        for (deletes, plan, rows) in plans {
            if let Some(plan) = plan.filter(|_| rows.num_rows() > 0) {
                let work = self.target.cells.work(plan, rows, 0..rows.num_rows(), chunk)?;
                steps.push(Step { deletes, work });
            }
        }
        Ok(steps)
    }

    /// Adds to a data error which row it is: writes the rows one by one in a transaction that is rolled back.
    async fn with_row(&mut self, error: Error, flush: &Flush) -> Error {
        if error.kind() != ErrorKind::Data {
            return error;
        }
        let row = match (flush.writes.num_rows(), flush.deletes.num_rows()) {
            (1, 0) => Some(0),
            _ => self.refused_row(&flush.writes).await,
        };
        match row {
            Some(row) => self.showing(error, &flush.writes, row),
            None => error,
        }
    }

    /// Which row the database refuses. Without an answer there is none to name, and the connection is given up.
    async fn refused_row(&mut self, rows: &RecordBatch) -> Option<usize> {
        let prepared = self.prepared.take()?;
        let watch = self.target.watch(&prepared.connection, &self.context.reporter);
        let asked = async { self.find_row(&prepared, rows).await.map_err(|()| NoRow) };
        let found = watch.answer(Some(FINDING), asked).await.ok()?;
        self.prepared = Some(prepared);
        found
    }

    fn showing(&self, error: Error, rows: &RecordBatch, row: usize) -> Error {
        let shown = format!("The row is {}.", self.target.cells.show(rows, row));
        let detail = match error.detail() {
            Some(detail) => format!("{detail}\n{shown}"),
            None => shown,
        };
        error.with_detail(detail)
    }

    async fn find_row(&self, prepared: &Prepared, rows: &RecordBatch) -> Result<Option<usize>, ()> {
        let client = &prepared.connection.client;
        client.batch_execute("BEGIN").await.map_err(drop)?;
        let mut found = None;
        for row in 0..rows.num_rows() {
            let plan = &self.target.write;
            let work = self.target.cells.work(plan, rows, row..row + 1, 1).map_err(drop)?;
            if transaction::step(client, &prepared.write, &work).await.is_err() {
                found = Some(row);
                break;
            }
        }
        client.batch_execute("ROLLBACK").await.map_err(drop)?;
        Ok(found)
    }
}

#[async_trait]
impl SinkWriter for JdbcSinkWriter {
    async fn write(&mut self, batch: ChangelogBatch) -> Result<()> {
        if batch.is_empty() {
            return Ok(());
        }
        self.rows += batch.num_rows();
        self.bytes += batch.memory_size();
        self.since.get_or_insert_with(Instant::now);
        self.buffer.push(batch);
        let full = self.options.max_rows.is_some_and(|max| self.rows >= max) || self.bytes >= BUFFER_BYTES;
        if full { self.flush().await } else { Ok(()) }
    }

    fn deadline(&self) -> Option<Instant> {
        Some(self.since? + self.options.interval?)
    }

    async fn flush(&mut self) -> Result<()> {
        if self.rows > 0 {
            let sent = match self.reduce() {
                Ok(flush) => self.send(&flush).await,
                Err(error) => Err(error),
            };
            match sent {
                Err(error) if error.kind() == ErrorKind::Data && self.may_reject() => self.send_each().await?,
                done => done?,
            }
            self.context.metrics.bytes.fetch_add(self.bytes as u64, Ordering::Relaxed);
        }
        self.buffer.clear();
        (self.rows, self.bytes, self.since) = (0, 0, None);
        Ok(())
    }

    async fn close(&mut self) -> Result<()> {
        self.prepared = None;
        Ok(())
    }
}
