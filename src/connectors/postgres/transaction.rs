//! Statements of a transaction, each watched while the server is at it.

use std::time::Duration;

use arrow::array::RecordBatch;
use bytes::Bytes;
use futures::SinkExt;
use futures::future::try_join_all;
use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, CopyInSink, Statement};

use super::cells::Work;
use super::link::Link;
use super::parameter::Parameter;
use super::watch::{Silence, Watch};
use super::written::{Flush, Prepared, WrittenTable};
use crate::error::Error;

/// How long to look which row of a flush it was that the database refused.
const FINDING: Duration = Duration::from_secs(30);
/// Rows in one statement at most.
pub const CHUNK: usize = 2048;

/// One message of work, and which of the two statements it is for.
pub struct Step {
    pub deletes: bool,
    pub work: Work,
}

/// Why a transaction came to nothing.
#[derive(Debug)]
pub enum Failure {
    /// The server or the connection says so.
    Said(tokio_postgres::Error),
    Silent(Silence),
}

impl From<tokio_postgres::Error> for Failure {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Said(error)
    }
}

impl From<Silence> for Failure {
    fn from(silence: Silence) -> Self {
        Self::Silent(silence)
    }
}

/// A try that failed, in our words.
pub struct Failed {
    pub error: Error,
    pub code: Option<SqlState>,
    /// Whether another try may help.
    pub again: bool,
    /// No answer came, and none may be waited for on that connection.
    pub is_silent: bool,
}

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        Self { again: error.is_retriable(), error, code: None, is_silent: false }
    }
}

impl Failed {
    pub fn of(failure: Failure, link: &Link) -> Self {
        match failure {
            Failure::Silent(silence) => Self { is_silent: true, ..Error::from(silence).into() },
            Failure::Said(error) => {
                let code = error.code().cloned();
                Self { code, ..link.error(error).into() }
            }
        }
    }

    /// True where two keys that differ here are equal in the database (citext, -0.0): then each row must be in a statement
    /// of its own.
    pub fn wants_single_rows(&self) -> bool {
        self.code == Some(SqlState::CARDINALITY_VIOLATION)
    }

    /// True where the server takes no writes any longer, and another connection may lead to one that does.
    pub fn is_elsewhere(&self) -> bool {
        self.code == Some(SqlState::READ_ONLY_SQL_TRANSACTION)
    }
}

/// All of it, or nothing.
pub async fn run(watch: &Watch<'_>, prepared: &Prepared, steps: &[Step]) -> Result<(), Failure> {
    match steps {
        [] => return Ok(()),
        [only] if only.work.is_single() => return one(watch, prepared, only).await,
        _ => {}
    }
    control(watch, "BEGIN").await?;
    for step in steps {
        if let Err(failure) = one(watch, prepared, step).await {
            // The failure that counts is the first; a broken connection has rolled back by itself.
            if matches!(failure, Failure::Said(_)) {
                let _ = control(watch, "ROLLBACK").await;
            }
            return Err(failure);
        }
    }
    control(watch, "COMMIT").await
}

/// A flush in the open transaction.
pub async fn send(
    watch: &Watch<'_>,
    table: &WrittenTable,
    prepared: &Prepared,
    flush: &Flush,
    chunk: usize,
) -> Result<(), Failed> {
    for step in table.steps(flush, chunk)? {
        one(watch, prepared, &step).await.map_err(|failure| Failed::of(failure, watch.link))?;
    }
    Ok(())
}

async fn one(watch: &Watch<'_>, prepared: &Prepared, one: &Step) -> Result<(), Failure> {
    let statement = match (one.deletes, &prepared.delete) {
        (true, Some(delete)) => delete,
        _ => &prepared.write,
    };
    let client = &watch.connection.client;
    let request = async { Ok(step(client, statement, &one.work).await?) };
    watch.answer(watch.link.answer_timeout(), request).await
}

pub async fn control(watch: &Watch<'_>, sql: &str) -> Result<(), Failure> {
    let request = async { Ok(watch.connection.client.batch_execute(sql).await?) };
    watch.answer(watch.link.answer_timeout(), request).await
}

async fn step(client: &Client, statement: &Statement, work: &Work) -> Result<(), tokio_postgres::Error> {
    match work {
        Work::Copy(body) => {
            let sink: CopyInSink<Bytes> = client.copy_in(statement).await?;
            let mut sink = std::pin::pin!(sink);
            sink.send(body.clone()).await?;
            sink.as_mut().finish().await?;
        }
        // Sent one behind the other without waiting for answers in between.
        Work::Execute(executions) => {
            let all = executions.iter().map(|parameters: &Vec<Parameter>| client.execute_raw(statement, parameters));
            try_join_all(all).await?;
        }
    }
    Ok(())
}

/// It could not be found which row it was.
pub struct NoRow;

impl From<Silence> for NoRow {
    fn from(_: Silence) -> Self {
        Self
    }
}

/// Which row the database refuses: they are written one by one in a transaction that is rolled back.
///
/// # Errors
/// Without an answer there is none to name, and the connection must be given up.
pub async fn refused_row(
    watch: &Watch<'_>,
    table: &WrittenTable,
    prepared: &Prepared,
    rows: &RecordBatch,
) -> Result<Option<usize>, NoRow> {
    let client = &watch.connection.client;
    let find = async {
        client.batch_execute("BEGIN").await.map_err(|_| NoRow)?;
        let mut found = None;
        for row in 0..rows.num_rows() {
            let work = table.cells.work(&table.write, rows, row..row + 1, 1).map_err(|_| NoRow)?;
            if step(client, &prepared.write, &work).await.is_err() {
                found = Some(row);
                break;
            }
        }
        client.batch_execute("ROLLBACK").await.map_err(|_| NoRow)?;
        Ok(found)
    };
    watch.answer(Some(FINDING), find).await
}
