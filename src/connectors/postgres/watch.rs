//! A request under way: people are told what it waits for, and silence has an end.

use std::pin::pin;
use std::time::Duration;

use futures::future::{Either, select};
use tokio::time::{sleep, timeout};

use super::link::{Connection, Link};
use crate::connectors::Reporter;
use crate::error::Error;

/// After this much silence people are told; and again, where the reason is another one by then.
const FIRST: Duration = Duration::from_secs(2);
const LATER: Duration = Duration::from_secs(5);
/// Asking what a request waits for must not take longer.
const ASKING: Duration = Duration::from_secs(5);

/// Whom to ask and to tell.
pub struct Watch<'a> {
    pub link: &'a Link,
    pub connection: &'a Connection,
    pub reporter: &'a Reporter,
    /// What waits: `writing to`, `lookup of table "T" in`; the database's name follows.
    pub what: &'a str,
}

/// No answer came in time. The query was cancelled, and its connection must be given up.
#[derive(Debug)]
pub struct Silence {
    name: String,
    limit: Duration,
}

impl From<Silence> for Error {
    fn from(Silence { name, limit }: Silence) -> Self {
        Self::external(format!("no answer from {name} within {} s", limit.as_secs_f32())).retriable()
    }
}

impl Watch<'_> {
    /// The answer, or [`Silence`] when there is none within `limit`.
    pub async fn answer<T, E>(
        &self,
        limit: Option<Duration>,
        request: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E>
    where
        E: From<Silence>,
    {
        let mut told = false;
        let answer = {
            let telling = pin!(self.tell_on(&mut told));
            let request = async {
                match limit {
                    Some(limit) => timeout(limit, request).await.map_err(|_| limit),
                    None => Ok(request.await),
                }
            };
            match select(pin!(request), telling).await {
                Either::Left((answer, _)) => answer,
                Either::Right((never, _)) => match never {},
            }
        };
        if told {
            self.reporter.goes_on();
        }
        match answer {
            Ok(answer) => answer,
            Err(limit) => {
                self.link.cancel(self.connection).await;
                Err(Silence { name: self.link.name(), limit }.into())
            }
        }
    }

    /// Tells people what is waited for, for ever.
    async fn tell_on(&self, told: &mut bool) -> std::convert::Infallible {
        let mut last = String::new();
        sleep(FIRST).await;
        loop {
            let why = timeout(ASKING, self.why()).await.ok().flatten();
            let why = why.unwrap_or_else(|| "no answer yet".to_string());
            let line = format!("{} {}: {why}", self.what, self.link.name());
            if line != last {
                self.reporter.waits(&line);
                *told = true;
                last = line;
            }
            sleep(LATER).await;
        }
    }

    /// What the server's process waits for, asked on another connection.
    async fn why(&self) -> Option<String> {
        let other = self.link.connect_once().await.ok()?;
        let who = "SELECT a.wait_event_type, (SELECT string_agg('process ' || b.pid || ' (' || \
             concat_ws(', ', b.usename, nullif(b.application_name, '')) || ')', ', ' ORDER BY b.pid) \
             FROM pg_catalog.pg_stat_activity b WHERE b.pid = ANY (pg_catalog.pg_blocking_pids(a.pid))) \
             FROM pg_catalog.pg_stat_activity a WHERE a.pid = $1 AND a.state = 'active'";
        let row = other.client.query_opt(who, &[&self.connection.pid]).await.ok()??;
        let (event, holders): (Option<&str>, Option<&str>) = (row.try_get(0).ok()?, row.try_get(1).ok()?);
        match (event, holders) {
            (_, Some(holders)) => Some(format!("waiting for a lock that {holders} holds")),
            (Some("Lock"), None) => Some("waiting for a lock".to_string()),
            _ => None,
        }
    }
}
