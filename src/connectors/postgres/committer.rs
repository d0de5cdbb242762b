//! Publishes epochs to a database: one transaction with the marker and the rows of every table and writer.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::Mutex;
use tokio_postgres::Statement;

use super::epoch_writer::JdbcEpochWriter;
use super::epochs_table::{EpochsTable, Marked};
use super::link::{Connection, Link};
use super::payload::Payload;
use super::refusals::Refusals;
use super::target::SinkTable;
use super::transaction::{self, CHUNK, Failed, Failure};
use super::watch::Watch;
use super::written::{Flush, Prepared, WrittenTable};
use crate::changelog::{ChangelogBatch, Epoch};
use crate::connectors::{Committer, Marker, OpenContext, RetryPolicy, StagedPart, TargetContext, WriterEpochs};
use crate::error::{Error, ErrorKind, Result};
use crate::failpoint;

/// How a transaction begins. What is acknowledged must be on the server's disk, and on those of the standbys that it waits
/// for by itself; who says `local` has thought of them. A transaction whose client is gone without a word must not keep the
/// next start waiting for long.
const BEGIN: &str = "BEGIN; SELECT pg_catalog.set_config('synchronous_commit', 'on', true) \
     WHERE pg_catalog.current_setting('synchronous_commit') = 'off'; \
     SET LOCAL idle_in_transaction_session_timeout = 60000";

/// The one way in to the database for all tables of a job that are there.
pub struct JdbcCommitter {
    // Parameters.
    link: Link,
    epochs: EpochsTable,
    /// By the number of the sink.
    tables: BTreeMap<usize, Published>,
    /// How often a transaction is tried again.
    retries: usize,
    door: OpenContext,
    // State.
    /// Away while a request is under way: one that is given up takes its connection along.
    session: Mutex<Option<Session>>,
    /// The epoch that may be marked already: the one that the fence found, then the one whose COMMIT was sent last.
    marked: std::sync::Mutex<Option<Epoch>>,
}

/// A table that epochs are published to.
struct Published {
    table: Arc<WrittenTable>,
    refusals: Refusals,
}

/// A connection with the statements that were needed on it.
struct Session {
    connection: Connection,
    mark: Option<Statement>,
    tables: HashMap<usize, Prepared>,
}

/// Rows of an epoch that one statement may hold.
struct Load<'a> {
    sink: usize,
    to: &'a Published,
    batch: ChangelogBatch,
    flush: Flush,
}

/// How the rows are sent.
#[derive(Clone, Copy)]
struct Manner {
    /// Rows in one statement at most.
    chunk: usize,
    /// Whether rows that the database refuses are left out, where their table says so.
    spares_refused: bool,
}

/// A try that failed, and at which load.
struct Broken<'a> {
    failed: Failed,
    at: Option<&'a Load<'a>>,
}

impl<E: Into<Failed>> From<E> for Broken<'_> {
    fn from(failed: E) -> Self {
        Self { failed: failed.into(), at: None }
    }
}

impl JdbcCommitter {
    pub async fn open(link: Link, sinks: Vec<(usize, Arc<SinkTable>)>, context: TargetContext) -> Result<Self> {
        let door = context.door();
        let connection = link.connect(&door).await?;
        let mut tables = BTreeMap::new();
        for (sink, SinkTable { table, options }) in sinks.iter().map(|(sink, table)| (sink, &**table)) {
            let written = WrittenTable::read(table, options, &connection, &door.reporter).await?;
            written.check_logged()?;
            let refusals = Refusals::new(options.sink.skips_refused);
            tables.insert(*sink, Published { table: Arc::new(written), refusals });
        }
        let retries = sinks.iter().map(|(_, table)| table.options.sink.retries).max().unwrap_or(0);
        let epochs = {
            let watch = Watch { link: &link, connection: &connection, reporter: &door.reporter, what: "opening" };
            watch.answer(link.answer_timeout(), EpochsTable::open(&link, &connection, &context)).await?
        };
        let session = Mutex::new(Some(Session { connection, mark: None, tables: HashMap::new() }));
        Ok(Self { link, epochs, tables, retries, door, session, marked: Default::default() })
    }

    /// A writer for one subtask of a sink.
    pub fn writer(&self, epochs: &WriterEpochs, context: &OpenContext) -> Result<JdbcEpochWriter> {
        let Published { table, refusals } = self.published(epochs.sink)?;
        refusals.count_by(&context.errors);
        Ok(JdbcEpochWriter::new(table.clone(), !refusals.skips(), epochs.clone(), context.clone()))
    }

    fn published(&self, sink: usize) -> Result<&Published> {
        self.tables.get(&sink).ok_or_else(|| Error::internal(format!("sink {sink} is none of this database's")))
    }

    /// The open connection, or a new one where there is none or it broke.
    async fn session(&self) -> Result<Session> {
        let open = self.session.lock().await.take();
        if let Some(session) = open.filter(|session| !session.connection.client.is_closed()) {
            return Ok(session);
        }
        let connection = self.link.connect(&self.door).await?;
        Ok(Session { connection, mark: None, tables: HashMap::new() })
    }

    async fn keep(&self, session: Session) {
        *self.session.lock().await = Some(session);
    }

    fn watch<'a>(&'a self, connection: &'a Connection, what: &'a str) -> Watch<'a> {
        Watch { link: &self.link, connection, reporter: &self.door.reporter, what }
    }

    fn marked(&self) -> std::sync::MutexGuard<'_, Option<Epoch>> {
        self.marked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The marker, behind a fence or as it is seen.
    async fn marker(&self, fences: bool) -> Result<Option<Marker>> {
        let mut tries = RetryPolicy::ForTime(self.link.retry()).start();
        loop {
            match self.marker_once(fences).await {
                Ok(marker) => {
                    tries.done(&self.door);
                    return Ok(marker);
                }
                Err(error) => tries.wait(error, &self.link.name(), &self.door).await?,
            }
        }
    }

    async fn marker_once(&self, fences: bool) -> Result<Option<Marker>> {
        let session = self.session().await?;
        let (client, epochs) = (&session.connection.client, &self.epochs);
        let what =
            if fences { "waiting for an earlier start of the job in" } else { "reading the marker of the job in" };
        let read = async {
            Ok::<_, Failure>(if fences { epochs.fence(client).await? } else { Ok(epochs.look(client).await?) })
        };
        let marker = self.watch(&session.connection, what).answer(self.link.answer_timeout(), read).await;
        let marker = marker.map_err(|failure| Failed::of(failure, &self.link).error)?;
        self.keep(session).await;
        if let Ok(Some(marker)) = marker.as_ref().map(|marker| marker.as_ref().filter(|_| fences)) {
            *self.marked() = Some(marker.epoch);
        }
        marker
    }

    /// The rows of an epoch, ready to be sent.
    fn loads(&self, parts: &[StagedPart]) -> Result<Vec<Load<'_>>> {
        let mut loads = Vec::new();
        for StagedPart { sink, staged, .. } in parts.iter().filter(|part| !part.staged.payload.is_empty()) {
            let to = self.published(*sink)?;
            let table = &to.table;
            let payload = Payload::decode(&staged.payload, staged.rows, &table.cells.schema.arrow())
                .map_err(|error| error.context(format!("cannot write {}", table.cells.owner())))?;
            for batch in payload.batches {
                let flush = match payload.is_reduced {
                    true => table.flush_of_last(&batch)?,
                    false => table.flush(&batch)?,
                };
                loads.push(Load { sink: *sink, to, batch, flush });
            }
        }
        Ok(loads)
    }

    /// One transaction, on a connection that is kept if it can be used again.
    async fn try_once<'a>(&self, epoch: Epoch, loads: &'a [Load<'a>], manner: Manner) -> Result<(), Broken<'a>> {
        // It has waited for the database as long as it may.
        let mut session = self.session().await.map_err(|error| Failed { again: false, ..Failed::from(error) })?;
        self.door.metrics.requests.fetch_add(1, Ordering::Relaxed);
        let Err(broken) = self.transact(&mut session, epoch, loads, manner).await else {
            self.keep(session).await;
            return Ok(());
        };
        self.door.metrics.errors.fetch_add(1, Ordering::Relaxed);
        let is_open = !session.connection.client.is_closed() && !broken.failed.is_elsewhere();
        let watch = self.watch(&session.connection, "publishing to");
        // A server that was silent is not asked again.
        if is_open && !broken.failed.is_silent && transaction::control(&watch, "ROLLBACK").await.is_ok() {
            self.keep(session).await;
        }
        Err(broken)
    }

    async fn transact<'a>(
        &self,
        session: &mut Session,
        epoch: Epoch,
        loads: &'a [Load<'a>],
        manner: Manner,
    ) -> Result<(), Broken<'a>> {
        let Session { connection, mark, tables } = session;
        let (watch, client) = (self.watch(connection, "publishing to"), &connection.client);
        let said = |failure: Failure| Failed::of(failure, &self.link);
        let limit = self.link.answer_timeout();
        for load in loads {
            if let Entry::Vacant(unprepared) = tables.entry(load.sink) {
                unprepared.insert(load.to.table.prepare(connection, &self.door.reporter).await?);
            }
        }
        let mark = match mark {
            Some(mark) => mark,
            none => {
                let prepare = async { Ok::<_, Failure>(self.epochs.prepare(client).await?) };
                none.insert(watch.answer(limit, prepare).await.map_err(said)?)
            }
        };
        transaction::control(&watch, BEGIN).await.map_err(said)?;
        failpoint::reach("postgres.before-marker");
        let marked = async { Ok::<_, Failure>(self.epochs.mark(client, mark, epoch).await?) };
        if let Marked::Before(marker) = watch.answer(limit, marked).await.map_err(said)?? {
            if *self.marked() != Some(epoch) {
                return Err(marker.is_of_another().into());
            }
            return Ok(transaction::control(&watch, "ROLLBACK").await.map_err(said)?);
        }
        if manner.spares_refused {
            transaction::control(&watch, "SET CONSTRAINTS ALL IMMEDIATE").await.map_err(said)?;
        }
        for load in loads {
            let Some(prepared) = tables.get(&load.sink) else { continue };
            let Load { to: Published { table, refusals }, flush, batch, .. } = load;
            let done = match manner.spares_refused && refusals.skips() {
                true => refusals.spare(&watch, table, prepared, batch, manner.chunk).await,
                false => transaction::send(&watch, table, prepared, flush, manner.chunk).await,
            };
            done.map_err(|failed| Broken { failed, at: Some(load) })?;
        }
        failpoint::reach("postgres.before-commit");
        *self.marked() = Some(epoch);
        transaction::control(&watch, "COMMIT").await.map_err(said)?;
        failpoint::reach("postgres.after-commit");
        Ok(())
    }

    /// What to say of a try that won't be made again: which row it is, and of which table.
    async fn told(&self, broken: Broken<'_>) -> Error {
        let error = broken.failed.error;
        let Some(load) = broken.at else {
            return match error.is_retriable() {
                true => error.context(format!("cannot publish to {}", self.link.name())),
                false => error,
            };
        };
        let table = &load.to.table;
        let mut error = error;
        if error.kind() == ErrorKind::Data {
            if let Some(row) = self.refused_row(load).await {
                error = table.showing(error, &load.flush.writes, row);
            }
            if error.hint().is_none() {
                error = error.with_hint(
                    "Change the table so that it takes the row, or leave such rows out with \
                     'error-handling.mode' = 'skip', and start the job again.",
                );
            }
        }
        error.context(format!("cannot write {}", table.cells.owner()))
    }

    async fn refused_row(&self, load: &Load<'_>) -> Option<usize> {
        if (load.flush.writes.num_rows(), load.flush.deletes.num_rows()) == (1, 0) {
            return Some(0);
        }
        let session = self.session().await.ok()?;
        let watch = self.watch(&session.connection, "publishing to");
        let prepared = session.tables.get(&load.sink)?;
        let found = transaction::refused_row(&watch, &load.to.table, prepared, &load.flush.writes).await.ok()?;
        self.keep(session).await;
        found
    }
}

#[async_trait]
impl Committer for JdbcCommitter {
    async fn look(&self) -> Result<Option<Marker>> {
        self.marker(false).await
    }

    async fn fence(&self) -> Result<Option<Marker>> {
        self.marker(true).await
    }

    /// The marker makes it safe to try again after an answer that was lost: it waits for the end of the transaction whose
    /// answer it was, and says whether that was committed.
    async fn publish(&self, epoch: Epoch, parts: &[StagedPart]) -> Result<()> {
        let loads = self.loads(parts)?;
        let mut manner = Manner { chunk: CHUNK, spares_refused: false };
        let mut tries = 0;
        loop {
            let Err(broken) = self.try_once(epoch, &loads, manner).await else {
                if tries > 0 {
                    self.door.reporter.goes_on();
                }
                self.tables.values().for_each(|published| published.refusals.count());
                return Ok(());
            };
            let failed = &broken.failed;
            if failed.wants_single_rows() && manner.chunk > 1 {
                manner.chunk = 1;
                continue;
            }
            // A constraint that is deferred is told of at COMMIT, without saying of which row.
            let skips = match broken.at {
                Some(load) => load.to.refusals.skips(),
                None => loads.iter().any(|load| load.to.refusals.skips()),
            };
            if failed.error.kind() == ErrorKind::Data && skips && !manner.spares_refused {
                manner.spares_refused = true;
                continue;
            }
            if !failed.again || tries >= self.retries {
                return Err(self.told(broken).await);
            }
            tries += 1;
            self.door.metrics.retries.fetch_add(1, Ordering::Relaxed);
            let (what, why) = (format!("publishing to {}", self.link.name()), failed.error.message());
            self.door.reporter.waits_because(&what, &format!("{why}; trying again"));
            // As a writer does: at once, then after one second, then after two.
            tokio::time::sleep(Duration::from_secs(tries as u64 - 1)).await;
        }
    }

    fn as_any(&self) -> &dyn std::any::Any {
        self
    }
}
