//! A flush as one transaction: its statements, each watched while the server is at it.

use bytes::Bytes;
use futures::SinkExt;
use futures::future::try_join_all;
use tokio_postgres::{Client, CopyInSink, Statement};

use super::cells::Work;
use super::parameter::Parameter;
use super::sink::Prepared;
use super::watch::{Silence, Watch};

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

async fn one(watch: &Watch<'_>, prepared: &Prepared, one: &Step) -> Result<(), Failure> {
    let statement = match (one.deletes, &prepared.delete) {
        (true, Some(delete)) => delete,
        _ => &prepared.write,
    };
    let client = &prepared.connection.client;
    let request = async { Ok(step(client, statement, &one.work).await?) };
    watch.answer(watch.link.answer_timeout(), request).await
}

async fn control(watch: &Watch<'_>, sql: &str) -> Result<(), Failure> {
    let request = async { Ok(watch.connection.client.batch_execute(sql).await?) };
    watch.answer(watch.link.answer_timeout(), request).await
}

pub async fn step(client: &Client, statement: &Statement, work: &Work) -> Result<(), tokio_postgres::Error> {
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
