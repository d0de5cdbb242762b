//! Connections to one database: opened with retries, closed when dropped.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rand::seq::SliceRandom;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};
use tokio_postgres::config::SslMode;
use tokio_postgres::error::{DbError, SqlState};
use tokio_postgres::{AsyncMessage, Client, NoTls, SimpleQueryMessage, Socket};

use super::errors;
use super::tls::{Encryption, Tls};
use super::url::{Host, Url};
use crate::connectors::{OpenContext, RetryPolicy};
use crate::error::{Error, Result};

/// How long a host may take until it has let us in, where the address sets no `loginTimeout`.
const LOGIN: Duration = Duration::from_secs(30);
/// After so long without an answer to the login people are told.
const SILENCE: Duration = Duration::from_secs(2);
/// How long a server may take to hear that a query is no longer wanted.
const CANCEL: Duration = Duration::from_secs(5);

/// So many notices of a server are kept until somebody reads them; the rest goes.
const NOTICES: usize = 200;

/// Where a database is and how to get in.
#[derive(Clone)]
pub struct Link {
    url: Arc<Url>,
    retry: Duration,
}

/// An open connection. Dropping it closes the socket, whatever is still in flight.
#[derive(Debug)]
pub struct Connection {
    pub client: Client,
    /// True where the database compares text by the bytes of UTF-8 under the collation "C".
    pub utf8: bool,
    /// The server's process that serves it.
    pub pid: i32,
    /// True for a server that takes writes.
    primary: bool,
    encryption: Encryption,
    notices: Mutex<mpsc::Receiver<DbError>>,
    driver: JoinHandle<()>,
}

/// A try that failed, with what the server says by.
struct Refused {
    error: Error,
    code: Option<SqlState>,
}

impl From<Error> for Refused {
    fn from(error: Error) -> Self {
        Self { error, code: None }
    }
}

impl Link {
    pub fn new(url: Url, retry: Duration) -> Self {
        Self { url: Arc::new(url), retry }
    }

    /// `PostgreSQL at 127.0.0.1:5432/shop`
    pub fn name(&self) -> String {
        format!("PostgreSQL at {}", self.url.shown)
    }

    /// What sessions to it have in common, without secrets: `postgres://127.0.0.1:5432/shop as me`, and settings that the
    /// address gives them, for they decide what names mean.
    pub fn session_name(&self) -> String {
        let Url { shown, config, .. } = &*self.url;
        let user = config.get_user().unwrap_or_default();
        let settings = config.get_options().map(|options| format!(" ({options})")).unwrap_or_default();
        format!("postgres://{shown} as {user}{settings}")
    }

    /// How long to go on trying while the database is away.
    pub fn retry(&self) -> Duration {
        self.retry
    }

    /// How long a request may go without an answer (`socketTimeout`).
    pub fn answer_timeout(&self) -> Option<Duration> {
        self.url.answer_timeout
    }

    pub fn is_read_only(&self) -> bool {
        self.url.read_only
    }

    /// Connects; while the database is away, again and again until `connection.max-retry-timeout` is over.
    pub async fn connect(&self, context: &OpenContext) -> Result<Connection> {
        let mut tries = RetryPolicy::ForTime(self.retry).start();
        loop {
            match self.connect_aloud(context).await {
                Ok(connection) => {
                    tries.done(context);
                    return Ok(connection);
                }
                Err(error) => tries.wait(error, &self.name(), context).await?,
            }
        }
    }

    /// As [`Link::connect_once`]; says so where no answer comes.
    async fn connect_aloud(&self, context: &OpenContext) -> Result<Connection> {
        let connecting = self.connect_once();
        tokio::pin!(connecting);
        if let Ok(connected) = timeout(SILENCE, &mut connecting).await {
            return connected;
        }
        context.reporter.waits_because(&format!("waiting for {}", self.name()), "no answer to the login yet");
        let connected = connecting.await;
        if connected.is_ok() {
            context.reporter.news(&format!("{} answers again", self.name()));
        }
        connected
    }

    /// Tries every host once, in order or shuffled, until one lets us in that is of the kind asked for.
    pub async fn connect_once(&self) -> Result<Connection> {
        let mut hosts: Vec<&Host> = self.url.hosts.iter().collect();
        if self.url.balanced {
            hosts.shuffle(&mut rand::rng());
        }
        let deadline = self.url.login_timeout.map(|limit| Instant::now() + limit);
        let (mut failures, mut spare) = (Vec::new(), None);
        for host in hosts {
            let limit = deadline.map_or(self.patience(), |deadline| deadline.saturating_duration_since(Instant::now()));
            match timeout(limit, self.connect_host(host)).await {
                Ok(Ok(connection)) if self.url.target.suits(connection.primary) => return Ok(connection),
                Ok(Ok(connection)) if self.url.target.is_preference() => _ = spare.get_or_insert(connection),
                Ok(Ok(connection)) => {
                    let (is, wanted) = match connection.primary {
                        true => ("primary", "secondary"),
                        false => ("secondary, which takes no writes", "primary"),
                    };
                    let error = format!("it is a {is}, and targetServerType asks for a {wanted}");
                    failures.push((host, Error::external(error).retriable()));
                }
                Ok(Err(error)) => failures.push((host, error)),
                Err(_) => {
                    let patience = self.url.login_timeout.unwrap_or(self.patience()).as_secs_f32();
                    let error = Error::external(format!("no answer to the login within {patience} s"));
                    failures.push((host, error.with_hint("Is it PostgreSQL that listens there?").retriable()));
                }
            }
        }
        spare.ok_or_else(|| self.all_failed(failures))
    }

    /// How long a host may take to let us in, where the address doesn't say: no longer than there is time for all tries.
    fn patience(&self) -> Duration {
        LOGIN.min(self.retry.max(Duration::from_secs(1)))
    }

    /// One error of those of each host. It is worth another try unless a host has said that it will never let us in.
    fn all_failed(&self, mut failures: Vec<(&Host, Error)>) -> Error {
        let failed = format!("cannot connect to {}", self.name());
        if failures.len() == 1
            && let Some((_, error)) = failures.pop()
        {
            return error.context(failed);
        }
        let each = failures.iter().map(|(host, error)| format!("{host}: {}", error.message()));
        let all = Error::external(format!("{failed}: {}", each.collect::<Vec<_>>().join("; ")));
        let lasting = failures.iter().find(|(_, error)| !error.is_retriable());
        match lasting.map(|(_, error)| error.hint()) {
            None => all.retriable(),
            Some(Some(hint)) => all.with_hint(hint),
            Some(None) => all,
        }
    }

    async fn connect_host(&self, host: &Host) -> Result<Connection> {
        let mut first: Option<Error> = None;
        for encryption in self.url.tls.mode.attempts() {
            let refused = match self.connect_as(host, *encryption).await {
                Ok(connection) => return Ok(connection),
                Err(refused) => refused,
            };
            let by_rule = refused.code == Some(SqlState::INVALID_AUTHORIZATION_SPECIFICATION);
            first.get_or_insert(refused.error);
            if !by_rule {
                break;
            }
        }
        Err(first.unwrap_or_else(|| Error::internal("a host was not tried")))
    }

    async fn connect_as(&self, host: &Host, encryption: Encryption) -> Result<Connection, Refused> {
        let mut config = self.url.config.clone();
        config.host(&host.name).port(host.port);
        let refused = |error: tokio_postgres::Error, tls: Option<&Tls>| Refused {
            code: error.code().cloned(),
            error: tls.and_then(|tls| tls.failure(&error, &host.name)).unwrap_or_else(|| errors::login(error)),
        };
        config.ssl_mode(match encryption {
            Encryption::None => SslMode::Disable,
            Encryption::IfOffered => SslMode::Prefer,
            Encryption::Required => SslMode::Require,
        });
        let (noted, notices) = mpsc::channel(NOTICES);
        let notices = Mutex::new(notices);
        let (client, utf8, driver) = match encryption {
            Encryption::None => {
                let (client, driver) = config.connect(NoTls).await.map_err(|e| refused(e, None))?;
                (client, is_utf8(&driver), self.drive(driver, noted))
            }
            _ => {
                let tls = Tls::new(&self.url.tls)?;
                tls.prepare(&mut config);
                let (client, driver) = config.connect(tls.connector()).await.map_err(|e| refused(e, Some(&tls)))?;
                (client, is_utf8(&driver), self.drive(driver, noted))
            }
        };
        let mut connection = Connection { client, utf8, pid: 0, primary: true, encryption, notices, driver };
        connection.greet(self.url.read_only).await.map_err(|e| refused(e, None))?;
        Ok(connection)
    }

    fn drive<S, T>(&self, mut driver: tokio_postgres::Connection<S, T>, noted: mpsc::Sender<DbError>) -> JoinHandle<()>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
        T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let name = self.name();
        #[allow(clippy::disallowed_methods)] // dies with the connection: `Drop` below
        tokio::spawn(async move {
            while let Some(message) = std::future::poll_fn(|context| driver.poll_message(context)).await {
                match message {
                    // Where nobody reads them, the first ones stay until the connection goes.
                    Ok(AsyncMessage::Notice(notice)) => _ = noted.try_send(notice),
                    Ok(_) => {}
                    Err(error) => {
                        tracing::debug!("connection to {name} ended: {error}");
                        break;
                    }
                }
            }
        })
    }

    /// Asks the server to give up what it does for a connection, as far as it can be reached.
    pub async fn cancel(&self, connection: &Connection) {
        let token = connection.client.cancel_token();
        let cancelled = async {
            match connection.encryption {
                Encryption::None => token.cancel_query(NoTls).await.is_ok(),
                _ => match Tls::new(&self.url.tls) {
                    Ok(tls) => token.cancel_query(tls.connector()).await.is_ok(),
                    Err(_) => false,
                },
            }
        };
        let reached = timeout(CANCEL, cancelled).await.unwrap_or(false);
        tracing::debug!("cancelling a query of {}: {reached}", self.name());
    }

    /// The error of a statement, in our words.
    pub fn error(&self, error: tokio_postgres::Error) -> Error {
        errors::statement(&self.name(), error)
    }
}

fn is_utf8<T>(driver: &tokio_postgres::Connection<Socket, T>) -> bool
where
    T: AsyncRead + AsyncWrite + Unpin,
{
    driver.parameter("server_encoding") == Some("UTF8")
}

impl Connection {
    /// What the server has said beside its answers since the last call: NOTICE, WARNING and the like.
    pub fn notices(&self) -> Vec<DbError> {
        let mut notices = self.notices.lock().unwrap_or_else(PoisonError::into_inner);
        std::iter::from_fn(|| notices.try_recv().ok()).collect()
    }

    /// Learns who serves it and whether that server takes writes.
    async fn greet(&mut self, read_only: bool) -> Result<(), tokio_postgres::Error> {
        let who = "SELECT pg_catalog.pg_backend_pid(), pg_catalog.current_setting('transaction_read_only')";
        for message in self.client.simple_query(who).await? {
            if let SimpleQueryMessage::Row(row) = message {
                self.pid = row.try_get(0)?.and_then(|pid| pid.parse().ok()).unwrap_or(0);
                self.primary = row.try_get(1)? != Some("on");
            }
        }
        if read_only {
            self.client.batch_execute("SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY").await?;
        }
        Ok(())
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

/// Without the user, let alone the password.
impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Link({})", self.url.shown)
    }
}
