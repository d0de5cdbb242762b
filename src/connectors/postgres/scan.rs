//! Reads a table once, as it is when the query starts: projection, filters and limit are the database's work.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use async_trait::async_trait;
use datafusion::logical_expr::Expr;
use futures::stream::{BoxStream, try_unfold};
use futures::{FutureExt, Stream, StreamExt, TryStreamExt};
use tokio::time::{Instant, timeout_at};
use tokio_postgres::{Row, RowStream};

use super::filter;
use super::link::{Connection, Link};
use super::options::{JdbcOptions, Partitions};
use super::rows::{RowReader, Selection};
use super::table::{DbTable, quoted};
use super::watch::{Silence, Watch};
use crate::connectors::{
    OpenContext, Reporter, Retries, RetryPolicy, ScanRequest, Source, SourceEvent, SourceReader, Split, TableDescriptor,
};
use crate::error::{Error, Result};

/// A batch is closed when this much has come, or no row for [`LINGER`].
const BATCH_BYTES: usize = 8 << 20;
const LINGER: Duration = Duration::from_millis(1);

/// The position of a split that was read to its end; it has no others, since its rows have no order.
const DONE: &str = "done";
/// What people are told when it takes long; the database's name follows.
const WHAT: &str = "reading from";

/// A table to be scanned, or the part of it that a query needs.
#[derive(Debug, Clone)]
pub struct JdbcScan {
    table: Arc<TableDescriptor>,
    options: Arc<JdbcOptions>,
    request: ScanRequest,
}

impl JdbcScan {
    pub fn new(table: Arc<TableDescriptor>, options: JdbcOptions) -> Self {
        let projection = (0..table.columns.len()).collect();
        Self { table, options: Arc::new(options), request: ScanRequest { projection, ..ScanRequest::default() } }
    }
}

#[async_trait]
impl Source for JdbcScan {
    fn resumes(&self) -> bool {
        false
    }

    fn is_bounded(&self) -> bool {
        true
    }

    fn supports_filter(&self, filter: &Expr) -> bool {
        self.options.push_filters && filter::is_supported(filter, &self.table.columns)
    }

    fn narrow(&self, request: ScanRequest) -> Result<Arc<dyn Source>> {
        Ok(Arc::new(Self { request, ..self.clone() }))
    }

    /// The query as our types make it; the database's may keep a filter from being sent.
    fn describe(&self) -> String {
        let schema = &self.table.columns;
        let columns = self.request.projection.iter().filter_map(|i| schema.fields.get(*i)).map(|f| quoted(&f.name));
        let filters = self.request.filters.iter().filter_map(|f| filter::planned_sql(f, schema)).collect();
        let table = self.options.table.to_string();
        let sql = select(&columns.collect::<Vec<_>>(), &table, filters, self.request.limit);
        match &self.options.partitions {
            Some(Partitions { column, ranges }) => format!("{sql}, {} splits by {}", ranges.len(), quoted(column)),
            None => sql,
        }
    }

    fn place_of(&self, _table: &str, split: &str, position: &str) -> String {
        match position {
            DONE => format!("{split} behind its last row"),
            _ => format!("{split} in front of its first row"),
        }
    }

    async fn check(&self, context: &OpenContext) -> Result<()> {
        let connection = self.options.link.connect(context).await?;
        let db = self.definition(&connection, context).await?;
        let ScanRequest { projection, filters, .. } = &self.request;
        Selection::new(&self.table, &db, projection, filters, "", connection.utf8).map(drop)
    }

    async fn splits(&self, _context: &OpenContext) -> Result<Vec<Split>> {
        let name = &self.table.name;
        let ids: Vec<String> = match &self.options.partitions {
            Some(Partitions { ranges, .. }) => (0..ranges.len()).map(|i| format!("{name}/{i}")).collect(),
            None => vec![name.clone()],
        };
        Ok(ids.into_iter().map(|id| Split { id, position: String::new() }).collect())
    }

    async fn open(&self, splits: Vec<Split>, context: &OpenContext) -> Result<Box<dyn SourceReader>> {
        let (link, owner) = (self.options.link.clone(), self.table.owner());
        let connection = link.connect(context).await?;
        let db = self.definition(&connection, context).await?;
        let ScanRequest { projection, filters, limit } = &self.request;
        let selection = Selection::new(&self.table, &db, projection, filters, "", connection.utf8)?;
        let limit = limit.filter(|_| !selection.filters.is_local());
        let mut waiting = VecDeque::new();
        for split in splits {
            let mut filters = selection.filters.sql.clone();
            if let Some(Partitions { column, ranges }) = &self.options.partitions {
                let index = split.id.rsplit('/').next().and_then(|i| i.parse::<usize>().ok());
                let Some((low, high)) = index.and_then(|i| ranges.get(i)) else { continue };
                filters.push(format!("({} BETWEEN {low} AND {high})", db.column(column, &owner)?.quoted()));
            }
            let sql = select(&selection.list(""), &db.sql, filters, limit);
            waiting.push_back((split, sql));
        }
        let batch_rows = match self.options.fetch_size {
            0 => context.batch_rows,
            size => size.min(context.batch_rows),
        };
        Ok(Box::new(JdbcScanReader {
            retries: RetryPolicy::ForTime(link.retry()).start(),
            link,
            connection: Arc::new(connection),
            context: context.clone(),
            batch_rows: batch_rows.max(1),
            rows: selection.rows()?,
            waiting,
            ended: Vec::new(),
            running: None,
            handed: false,
            linger: None,
        }))
    }
}

impl JdbcScan {
    /// The table as the database has it.
    async fn definition(&self, connection: &Connection, context: &OpenContext) -> Result<DbTable> {
        let (link, owner) = (&self.options.link, self.table.owner());
        let watch = Watch { link, connection, reporter: &context.reporter, what: WHAT };
        let read = DbTable::read(link, connection, &self.options.table, &owner);
        watch.answer(link.answer_timeout(), read).await
    }
}

fn select(columns: &[String], table: &str, filters: Vec<String>, limit: Option<usize>) -> String {
    let mut sql = format!("SELECT {} FROM {table}", columns.join(", "));
    if !filters.is_empty() {
        sql.push_str(&format!(" WHERE {}", filters.join(" AND ")));
    }
    if let Some(limit) = limit {
        sql.push_str(&format!(" LIMIT {limit}"));
    }
    sql
}

/// Reads splits one after the other on one connection. Rows stream: what is not read yet waits in the socket.
struct JdbcScanReader {
    // Parameters.
    link: Link,
    connection: Arc<Connection>,
    context: OpenContext,
    batch_rows: usize,
    // State: everything a dropped call to `next` has taken is here.
    rows: RowReader,
    /// The splits to come with their queries; the first may be running.
    waiting: VecDeque<(Split, String)>,
    ended: Vec<Split>,
    /// Fused: after its end it is asked once more when the last batch has been taken.
    running: Option<BoxStream<'static, Result<Row, Stop>>>,
    /// Whether rows of the running split have been handed over: then it can't be read anew.
    handed: bool,
    /// Since when, and how often, a split has been begun anew.
    retries: Retries,
    /// When the batch is closed though it is not full.
    linger: Option<Instant>,
}

/// Why no row comes any more.
enum Stop {
    Broken(Error),
    /// No answer within the time that the address gives: it ends the scan.
    Silent(Error),
}

impl From<Silence> for Stop {
    fn from(silence: Silence) -> Self {
        Self::Silent(silence.into())
    }
}

/// A query under way: what it waits for, and since when, outlasts a dropped call to `next`.
struct Asking {
    link: Link,
    connection: Arc<Connection>,
    reporter: Reporter,
    sql: String,
    /// `None` before it is sent.
    stream: Option<Pin<Box<RowStream>>>,
}

impl Asking {
    fn rows(self) -> impl Stream<Item = Result<Row, Stop>> + Send {
        try_unfold(self, |mut asking| async move {
            if let Some(row) = asking.stream.as_mut().and_then(|stream| stream.try_next().now_or_never()) {
                return Ok(row.map_err(|e| Stop::Broken(asking.link.error(e)))?.map(|row| (row, asking)));
            }
            let row = asking.wait().await?;
            Ok(row.map(|row| (row, asking)))
        })
    }

    async fn wait(&mut self) -> Result<Option<Row>, Stop> {
        let Self { link, connection, reporter, sql, stream } = self;
        let watch = Watch { link, connection, reporter, what: WHAT };
        let next = async {
            if stream.is_none() {
                let none: [&str; 0] = [];
                let sent = connection.client.query_raw(&*sql, none).await;
                *stream = Some(Box::pin(sent.map_err(|e| Stop::Broken(link.error(e)))?));
            }
            match stream {
                Some(stream) => stream.try_next().await.map_err(|e| Stop::Broken(link.error(e))),
                None => Ok(None),
            }
        };
        watch.answer(link.answer_timeout(), next).await
    }
}

impl JdbcScanReader {
    /// The next row; `None` at the end of the split; `Err(None)` when the batch should not wait for it.
    async fn row(&mut self) -> Result<Option<Row>, Option<Stop>> {
        let Some(stream) = &mut self.running else { return Ok(None) };
        let next = match stream.try_next().now_or_never() {
            Some(next) => next,
            None => match self.linger {
                None => stream.try_next().await,
                Some(linger) => timeout_at(linger, stream.try_next()).await.map_err(|_| None)?,
            },
        };
        next.map_err(Some)
    }

    fn batch(&mut self, split: &str) -> Result<SourceEvent> {
        self.linger = None;
        self.handed = true;
        self.context.metrics.bytes.fetch_add(self.rows.bytes() as u64, Ordering::Relaxed);
        let (rows, _) = self.rows.finish()?;
        Ok(SourceEvent::Rows { split: split.into(), rows, kinds: None, records: None })
    }

    fn end_split(&mut self) -> Option<SourceEvent> {
        self.running = None;
        self.handed = false;
        self.retries.done(&self.context);
        self.retries = RetryPolicy::ForTime(self.link.retry()).start();
        let (mut split, _) = self.waiting.pop_front()?;
        split.position = DONE.into();
        let id = split.id.as_str().into();
        self.ended.push(split);
        Some(SourceEvent::SplitEnd(id))
    }
}

impl JdbcScanReader {
    /// Makes ready to read the running split from its beginning, once the database is there again.
    async fn begin_anew(&mut self, error: Error, split: &str) -> Result<()> {
        self.running = None;
        self.linger = None;
        drop(self.rows.finish()?);
        let error = error.context(format!("cannot read {split}"));
        self.retries.wait(error, &self.link.name(), &self.context).await?;
        if self.connection.client.is_closed() {
            self.connection = Arc::new(self.link.connect(&self.context).await?);
        }
        Ok(())
    }
}

/// The error of a scan that would have gone well another time. Its rows have no order: nobody can say which of them are
/// still to come.
fn broken_off(error: Error, split: &str) -> Error {
    error.context(format!("cannot read {split}")).with_hint(
        "A scan can't go on where it broke off. Run the statement again from the start; in a table with a PRIMARY KEY, \
         rows that come again replace themselves.",
    )
}

#[async_trait]
impl SourceReader for JdbcScanReader {
    async fn next(&mut self) -> Result<SourceEvent> {
        let Some((split, sql)) = self.waiting.front().cloned() else { return Ok(SourceEvent::End) };
        if split.position == DONE {
            return Ok(self.end_split().unwrap_or(SourceEvent::End));
        }
        if self.running.is_none() {
            let asking = Asking {
                link: self.link.clone(),
                connection: self.connection.clone(),
                reporter: self.context.reporter.clone(),
                sql,
                stream: None,
            };
            self.running = Some(asking.rows().fuse().boxed());
        }
        loop {
            match self.row().await {
                Ok(Some(row)) => {
                    self.rows.push(&row, 0)?;
                    if self.rows.len() >= self.batch_rows || self.rows.bytes() >= BATCH_BYTES {
                        return self.batch(&split.id);
                    }
                    self.linger.get_or_insert_with(|| Instant::now() + LINGER);
                }
                Ok(None) if self.rows.len() > 0 => return self.batch(&split.id),
                Ok(None) => return Ok(self.end_split().unwrap_or(SourceEvent::End)),
                Err(None) => return self.batch(&split.id),
                // Nobody has seen a row of it: as good as not begun.
                Err(Some(Stop::Broken(error))) if error.is_retriable() && !self.handed => {
                    self.begin_anew(error, &split.id).await?;
                    return self.next().await;
                }
                Err(Some(Stop::Broken(error) | Stop::Silent(error))) => {
                    return Err(match error.is_retriable() {
                        true => broken_off(error, &split.id),
                        false => error.context(format!("cannot read {}", split.id)),
                    });
                }
            }
        }
    }

    fn positions(&self) -> Vec<Split> {
        self.ended.iter().chain(self.waiting.iter().map(|(split, _)| split)).cloned().collect()
    }
}
