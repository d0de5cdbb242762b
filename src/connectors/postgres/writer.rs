//! Buffers rows and writes them in one transaction per flush, again where the connection broke.

use std::sync::atomic::Ordering;
use std::time::Duration;

use async_trait::async_trait;
use tokio::time::Instant;

use super::link::Connection;
use super::options::SinkOptions;
use super::transaction::{self, CHUNK, Failed, Step};
use super::written::{Flush, Prepared, WrittenTable};
use crate::changelog::ChangelogBatch;
use crate::changelog::rejects::Stage;
use crate::connectors::{OpenContext, SinkWriter};
use crate::error::{Error, ErrorKind, Result};

/// The buffer is written when it holds this much, whatever the options say.
const BUFFER_BYTES: usize = 64 << 20;

/// Writes one subtask's rows.
pub struct JdbcSinkWriter {
    // Parameters.
    table: WrittenTable,
    options: SinkOptions,
    context: OpenContext,
    // State.
    open: Option<Open>,
    buffer: Vec<ChangelogBatch>,
    rows: usize,
    bytes: usize,
    /// When the oldest row in the buffer came.
    since: Option<Instant>,
}

/// A connection with the table's statements.
struct Open {
    connection: Connection,
    prepared: Prepared,
}

impl JdbcSinkWriter {
    /// Prepares the table's statements.
    pub async fn open(
        table: WrittenTable,
        connection: Connection,
        options: SinkOptions,
        context: OpenContext,
    ) -> Result<Self> {
        let prepared = table.prepare(&connection, &context.reporter).await?;
        let open = Some(Open { connection, prepared });
        Ok(Self { table, options, context, open, buffer: Vec::new(), rows: 0, bytes: 0, since: None })
    }

    /// Writes and deletes until it is done, fails for good, or was tried often enough.
    async fn send(&mut self, flush: &Flush) -> Result<()> {
        let (mut tries, mut chunk) = (0, CHUNK);
        loop {
            let work = self.table.steps(flush, chunk)?;
            let failed = match self.try_once(&work).await {
                Ok(()) => {
                    if tries > 0 {
                        self.context.reporter.goes_on();
                    }
                    return Ok(());
                }
                Err(failed) => failed,
            };
            if failed.wants_single_rows() && chunk > 1 {
                chunk = 1;
                continue;
            }
            let error = failed.error;
            if !failed.again || tries >= self.options.retries {
                let error = self.with_row(error, flush).await;
                return Err(error.context(format!("cannot write {}", self.table.cells.owner())));
            }
            tries += 1;
            self.context.metrics.retries.fetch_add(1, Ordering::Relaxed);
            let what = format!("writing to {}", self.table.link.name());
            self.context.reporter.waits_because(&what, &format!("{}; trying again", error.message()));
            // As in Flink: at once, then after one second, then after two.
            tokio::time::sleep(Duration::from_secs(tries as u64 - 1)).await;
        }
    }

    /// On the open connection, or on a new one where it broke.
    async fn try_once(&mut self, work: &[Step]) -> Result<(), Failed> {
        let table = &self.table;
        let open = match self.open.take().filter(|open| !open.connection.client.is_closed()) {
            Some(open) => open,
            None => {
                let connecting = table.link.connect(&self.context).await;
                // It has waited for the database as long as it may.
                let connection = connecting.map_err(|error| Failed { again: false, ..Failed::from(error) })?;
                let prepared = table.prepare(&connection, &self.context.reporter).await?;
                Open { connection, prepared }
            }
        };
        let watch = table.watch(&open.connection, &self.context.reporter);
        self.context.metrics.requests.fetch_add(1, Ordering::Relaxed);
        let Err(failure) = transaction::run(&watch, &open.prepared, work).await else {
            self.open = Some(open);
            return Ok(());
        };
        self.context.metrics.errors.fetch_add(1, Ordering::Relaxed);
        let failed = Failed::of(failure, &table.link);
        let is_usable = !failed.is_silent && !failed.is_elsewhere() && !open.connection.client.is_closed();
        self.open = Some(open).filter(|_| is_usable);
        Err(failed)
    }

    /// Every row of the buffer on its own, in order: those that the database refuses are rejected. Nothing is reduced, for
    /// a change that is refused must not take the one before it along.
    async fn send_each(&mut self) -> Result<()> {
        let buffer = std::mem::take(&mut self.buffer);
        for batch in &buffer {
            for row in 0..batch.num_rows() {
                let Some(flush) = self.table.flush_of_row(batch, row) else { continue };
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

    fn may_reject(&self) -> bool {
        self.buffer.iter().any(|batch| batch.may_reject(&self.context.errors))
    }

    /// Adds to a data error which row it is.
    async fn with_row(&mut self, error: Error, flush: &Flush) -> Error {
        if error.kind() != ErrorKind::Data {
            return error;
        }
        let row = match (flush.writes.num_rows(), flush.deletes.num_rows()) {
            (1, 0) => Some(0),
            _ => self.refused_row(flush).await,
        };
        match row {
            Some(row) => self.table.showing(error, &flush.writes, row),
            None => error,
        }
    }

    async fn refused_row(&mut self, flush: &Flush) -> Option<usize> {
        let open = self.open.take()?;
        let watch = self.table.watch(&open.connection, &self.context.reporter);
        let found = transaction::refused_row(&watch, &self.table, &open.prepared, &flush.writes).await.ok()?;
        self.open = Some(open);
        found
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
            let flush = self.table.joined(&self.buffer).and_then(|batch| self.table.flush(&batch));
            let sent = match flush {
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
        self.open = None;
        Ok(())
    }
}
