//! Connections to one database: opened with retries, closed when dropped.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio_postgres::{Client, Config, NoTls};

use super::errors;
use crate::connectors::{OpenContext, RetryPolicy};
use crate::error::{Error, Result};

/// Where a database is and how to get in.
#[derive(Clone)]
pub struct Link {
    config: Arc<Config>,
    /// `127.0.0.1:5432/shop`
    shown: Arc<str>,
    retry: Duration,
}

/// An open connection. Dropping it closes the socket, whatever is still in flight.
#[derive(Debug)]
pub struct Connection {
    pub client: Client,
    /// True where the database compares text by the bytes of UTF-8 under the collation "C".
    pub utf8: bool,
    driver: JoinHandle<()>,
}

impl Link {
    /// `shown` names it in messages.
    pub fn new(config: Config, shown: String, retry: Duration) -> Self {
        Self { config: Arc::new(config), shown: shown.into(), retry }
    }

    /// `PostgreSQL at 127.0.0.1:5432/shop`
    pub fn name(&self) -> String {
        format!("PostgreSQL at {}", self.shown)
    }

    /// Connects; while the database is away, again and again until `connection.max-retry-timeout` is over.
    pub async fn connect(&self, context: &OpenContext) -> Result<Connection> {
        let mut tries = RetryPolicy::ForTime(self.retry).start();
        loop {
            match self.connect_once().await {
                Ok(connection) => return Ok(connection),
                Err(error) => tries.wait(error, &self.name(), context).await?,
            }
        }
    }

    async fn connect_once(&self) -> Result<Connection> {
        let connecting = self.config.connect(NoTls);
        let (client, driver) = connecting.await.map_err(|e| errors::connect(&self.name(), e))?;
        let utf8 = driver.parameter("server_encoding") == Some("UTF8");
        let name = self.name();
        #[allow(clippy::disallowed_methods)] // dies with the connection: `Drop` below
        let driver = tokio::spawn(async move {
            if let Err(error) = driver.await {
                tracing::debug!("connection to {name} ended: {error}");
            }
        });
        Ok(Connection { client, utf8, driver })
    }

    /// The error of a statement, in our words.
    pub fn error(&self, error: tokio_postgres::Error) -> Error {
        errors::statement(&self.name(), error)
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
        write!(f, "Link({})", self.shown)
    }
}
