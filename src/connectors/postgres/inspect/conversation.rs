//! SQL of a user's own, sent to a database over one connection, so that what it sets and begins is there next time.

use std::error::Error as _;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_postgres::SimpleQueryMessage;
use tokio_postgres::error::{DbError, ErrorPosition, Severity};
use tokio_postgres::types::Type;

use super::script::{Tag, tags};
use super::silence;
use crate::connectors::OpenContext;
use crate::connectors::postgres::link::{Connection, Link};
use crate::error::{Error, Result};
use crate::types::{SqlType, TypeKind};

/// Rows and bytes of a result that are kept; the rest is read and counted.
const KEPT_ROWS: usize = 10_000;
const KEPT_BYTES: usize = 16 << 20;
/// How long the server may take to be ready again after a statement was given up.
const SETTLING: Duration = Duration::from_secs(5);

/// One connection, made when it is needed and again when it broke.
pub struct Conversation {
    link: Link,
    context: OpenContext,
    connection: Option<Arc<Connection>>,
    /// There was one before.
    lost: bool,
    /// The server is being asked to give up a statement that nobody waits for any more.
    cancelling: Option<JoinHandle<()>>,
    remarks: Vec<Remark>,
}

/// What one statement gave.
#[derive(Debug, Clone, Default)]
pub struct Answer {
    /// `None` for a statement without rows. Types are known where the text is one query.
    pub columns: Option<Vec<(String, SqlType)>>,
    pub rows: Vec<Vec<Option<String>>>,
    /// How many rows there were.
    pub count: u64,
    /// `INSERT 0 3`; `None` where only the rows say what was done.
    pub tag: Option<String>,
}

/// What the server says beside its answers, or we of the connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remark {
    /// `NOTICE`, `WARNING`
    pub severity: String,
    pub message: String,
    pub detail: Option<String>,
    pub hint: Option<String>,
}

/// A statement that was refused, and the character of the text (from 1) where.
#[derive(Debug)]
pub struct Refused {
    pub error: Error,
    pub position: Option<usize>,
}

impl From<Error> for Refused {
    fn from(error: Error) -> Self {
        Self { error, position: None }
    }
}

impl Conversation {
    pub(super) fn new(link: Link, context: OpenContext) -> Self {
        Self { link, context, connection: None, lost: false, cancelling: None, remarks: Vec::new() }
    }

    /// Connects, where there is no connection.
    ///
    /// # Errors
    /// It can't be made.
    pub async fn open(&mut self) -> Result<()> {
        self.ready().await.map(drop)
    }

    /// Sends a text of one or several statements, as `psql -c` does: in one go, and in one transaction unless it says
    /// otherwise. Dropping the future cancels what is running; the connection stays.
    ///
    /// # Errors
    /// What the server refuses, or a connection that can't be made or broke: then the next call makes another.
    pub async fn send(&mut self, sql: &str) -> Result<Vec<Answer>, Refused> {
        let connection = self.ready().await?;
        let mut running =
            Running { link: &self.link, connection: connection.clone(), cancelling: &mut self.cancelling, over: false };
        let result = answers(&self.link, &connection, sql).await;
        running.over = matches!(&result, Ok(_) | Err(Failure::Server(_)));
        drop(running);
        self.remarks.extend(connection.notices().iter().map(Remark::of));
        result.map_err(|failure| match failure {
            Failure::Server(error) => {
                if breaks(&error) {
                    (self.connection, self.lost) = (None, true);
                }
                refused(&self.link, error)
            }
            Failure::Silence(limit) => silence(&self.link, limit).into(),
        })
    }

    /// What was said since the last call.
    pub fn take_remarks(&mut self) -> Vec<Remark> {
        std::mem::take(&mut self.remarks)
    }

    /// The connection, on which nothing runs.
    async fn ready(&mut self) -> Result<Arc<Connection>> {
        if let Some(cancelling) = &mut self.cancelling {
            if !cancelling.is_finished() {
                // What it panics with is nothing to us.
                let _asked = cancelling.await;
            }
            // Answers come in order: behind this one nothing is left of what was given up.
            let settled = match &self.connection {
                Some(connection) => timeout(SETTLING, connection.client.simple_query("")).await.is_ok(),
                None => true,
            };
            if !settled {
                (self.connection, self.lost) = (None, true);
            }
            self.cancelling = None;
        }
        self.forget_closed();
        if let Some(connection) = &self.connection {
            return Ok(connection.clone());
        }
        let connection = Arc::new(self.link.connect(&self.context).await?);
        self.connection = Some(connection.clone());
        if std::mem::take(&mut self.lost) {
            self.remarks.push(Remark {
                severity: "WARNING".into(),
                message: format!("the connection to {} broke, and this is another one", self.link.name()),
                detail: None,
                hint: Some("What SET and BEGIN did is gone, and so are temporary tables.".into()),
            });
        }
        Ok(connection)
    }

    fn forget_closed(&mut self) {
        if self.connection.as_ref().is_some_and(|connection| connection.client.is_closed()) {
            (self.connection, self.lost) = (None, true);
        }
    }
}

impl Remark {
    fn of(notice: &DbError) -> Self {
        Self {
            severity: notice.severity().to_string(),
            message: format!("{} ({})", notice.message(), notice.code().code()),
            detail: notice.detail().map(str::to_string),
            hint: notice.hint().map(str::to_string),
        }
    }
}

/// Why there is no answer.
enum Failure {
    Server(tokio_postgres::Error),
    Silence(Duration),
}

impl From<tokio_postgres::Error> for Failure {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Server(error)
    }
}

async fn answers(link: &Link, connection: &Connection, sql: &str) -> Result<Vec<Answer>, Failure> {
    let limit = link.answer_timeout();
    let tags = tags(sql);
    let mut types: Vec<SqlType> = match tags.as_slice() {
        // The server tells types only of a statement that stands alone.
        [tag] if tag.is_query() => {
            let prepared = in_time(limit, connection.client.prepare(sql)).await??;
            prepared.columns().iter().map(|column| sql_type(column.type_())).collect()
        }
        _ => Vec::new(),
    };
    let mut stream = Box::pin(connection.client.simple_query_raw(sql).await?);
    let mut tags = tags.iter();
    let (mut answers, mut answer, mut bytes) = (Vec::new(), Answer::default(), 0);
    while let Some(message) = in_time(limit, stream.next()).await? {
        match message? {
            SimpleQueryMessage::RowDescription(columns) => {
                types.resize(columns.len(), SqlType::string());
                let names = columns.iter().map(|column| column.name().to_string());
                answer.columns = Some(names.zip(std::mem::take(&mut types)).collect());
            }
            SimpleQueryMessage::Row(row) => {
                answer.count += 1;
                if answer.rows.len() < KEPT_ROWS && bytes < KEPT_BYTES {
                    let cells: Vec<Option<String>> = (0..row.len()).map(|i| row.get(i).map(str::to_string)).collect();
                    bytes += cells.iter().flatten().map(String::len).sum::<usize>() + cells.len() * 24;
                    answer.rows.push(cells);
                }
            }
            SimpleQueryMessage::CommandComplete(count) => {
                answer.tag = tags.next().and_then(|tag: &Tag| tag.text(count, answer.columns.is_some()));
                answers.push(std::mem::take(&mut answer));
            }
            _ => {}
        }
    }
    Ok(answers)
}

async fn in_time<T>(limit: Option<Duration>, answer: impl Future<Output = T>) -> Result<T, Failure> {
    match limit {
        Some(limit) => timeout(limit, answer).await.map_err(|_| Failure::Silence(limit)),
        None => Ok(answer.await),
    }
}

/// Numbers and truths; everything else is text.
fn sql_type(ty: &Type) -> SqlType {
    SqlType::nullable(match *ty {
        Type::INT2 | Type::INT4 | Type::INT8 | Type::OID => TypeKind::BigInt,
        Type::FLOAT4 | Type::FLOAT8 => TypeKind::Double,
        Type::NUMERIC => TypeKind::Decimal { precision: 38, scale: 18 },
        Type::BOOL => TypeKind::Boolean,
        _ => return SqlType::string(),
    })
}

/// True for an error behind which there is no connection.
fn breaks(error: &tokio_postgres::Error) -> bool {
    match error.as_db_error() {
        Some(db) => matches!(db.parsed_severity(), Some(Severity::Fatal | Severity::Panic)),
        None => error.is_closed() || error.source().is_some_and(|source| source.is::<std::io::Error>()),
    }
}

fn refused(link: &Link, error: tokio_postgres::Error) -> Refused {
    let position = match error.as_db_error().and_then(|db| db.position()) {
        Some(ErrorPosition::Original(position)) => usize::try_from(*position).ok(),
        _ => None,
    };
    Refused { error: link.error(error), position }
}

/// A statement that runs: dropped before it is over, the server is asked to give it up.
struct Running<'a> {
    link: &'a Link,
    connection: Arc<Connection>,
    cancelling: &'a mut Option<JoinHandle<()>>,
    over: bool,
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        if self.over {
            return;
        }
        let (link, connection) = (self.link.clone(), self.connection.clone());
        // Ends by itself: asking has a time limit.
        #[allow(clippy::disallowed_methods)]
        let asking = runtime.spawn(async move { link.cancel(&connection).await });
        *self.cancelling = Some(asking);
    }
}
