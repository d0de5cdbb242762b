//! Rows into documents, by bulk requests.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use arrow::array::BooleanArray;
use arrow::compute::filter_record_batch;
use arrow::record_batch::RecordBatch;
use async_trait::async_trait;
use opensearch::http::Method;
use tokio::time::Instant;

use super::bulk::Bulk;
use super::client::Cluster;
use super::document_id::DocumentId;
use super::index_name::IndexName;
use super::options::TableOptions;
use super::outcome::{Outcome, Rejection};
use super::request::Request;
use crate::changelog::ChangelogBatch;
use crate::changelog::rejects::Stage;
use crate::connectors::{ChangelogSupport, OpenContext, RetryPolicy, Sink, SinkWriter, TableDescriptor};
use crate::error::{Error, ErrorKind, Result};
use crate::formats::{Encoder, EncodingFormat, Messages};

/// A request is sent before it grows beyond this: servers refuse more than 100 MB.
const MAX_BODY: usize = 90 << 20;

/// An index, or several by a dynamic name, to write to.
#[derive(Debug, Clone)]
pub struct OpenSearchSink {
    table: TableOptions,
    owner: String,
    index: IndexName,
    id: Option<DocumentId>,
    encoding: Arc<dyn EncodingFormat>,
    limits: Limits,
    /// While the service is away.
    away: RetryPolicy,
    /// While it is there and too busy.
    busy: RetryPolicy,
    /// False for the guarantee 'none': then a checkpoint waits for nothing.
    waits_at_checkpoints: bool,
    parallelism: Option<usize>,
    /// `'failure-handler' = 'ignore'`
    drops_rejected: bool,
    /// What is written of a row replaces all that was written of it, in the same index.
    replaces: bool,
}

/// When a request is sent.
#[derive(Debug, Clone, Copy)]
struct Limits {
    actions: usize,
    bytes: usize,
    interval: Option<Duration>,
}

impl OpenSearchSink {
    pub fn try_new(table: &TableDescriptor) -> Result<Self> {
        let checked = TableOptions::check(table)?;
        let options = &checked.options;
        if options.text("sink.delivery-guarantee") == Some("exactly-once") {
            let why =
                format!("the {} sink does not support the EXACTLY_ONCE guarantee", checked.connection.product.name());
            let hint = "With a PRIMARY KEY a row that is written twice is the same document: use 'at-least-once'.";
            return Err(options.invalid("sink.delivery-guarantee", why).with_hint(hint));
        }
        let index = IndexName::parse(&checked.index, table, options)?;
        let delimiter = options.text("document-id.key-delimiter").unwrap_or("_");
        let actions = checked.options.at_least("sink.bulk-flush.max-actions", -1)?.filter(|n| *n > 0);
        let bytes = options.memory_size("sink.bulk-flush.max-size").filter(|n| *n > 0);
        let limits = Limits {
            actions: actions.and_then(|n| usize::try_from(n).ok()).unwrap_or(usize::MAX),
            bytes: bytes.unwrap_or(MAX_BODY).min(MAX_BODY),
            interval: options.duration("sink.bulk-flush.interval").filter(|d| !d.is_zero()),
        };
        Ok(Self {
            owner: table.owner(),
            id: DocumentId::try_new(table, delimiter)?,
            encoding: checked.format.encoding(&table.sink_schema())?.into(),
            away: RetryPolicy::ForTime(checked.connection.max_retry),
            busy: checked.backoff()?,
            waits_at_checkpoints: options.text("sink.delivery-guarantee") != Some("none"),
            parallelism: checked.options.positive("sink.parallelism")?,
            drops_rejected: options.text("failure-handler") == Some("ignore"),
            replaces: index.is_fixed()
                && table.options.get("json.encode.ignore-null-fields").is_none_or(|v| v == "false"),
            index,
            limits,
            table: checked,
        })
    }
}

#[async_trait]
impl Sink for OpenSearchSink {
    fn changelog_support(&self) -> ChangelogSupport {
        match self.id.is_some() && !self.index.is_by_time_of_writing() {
            true => ChangelogSupport::Upsert,
            false => ChangelogSupport::InsertOnly,
        }
    }

    /// A document that is deleted and comes again is without what others have written into it.
    fn keeps_last_rows(&self, deletes: bool) -> bool {
        self.changelog_support() == ChangelogSupport::Upsert && self.replaces && !deletes
    }

    fn describe(&self) -> String {
        let how = if self.id.is_some() { "update by id" } else { "append" };
        format!("index={}, hosts={}, {how}", self.table.index, self.table.connection.addresses())
    }

    fn refusal_of_changes(&self) -> Option<Error> {
        self.index.is_by_time_of_writing().then(|| {
            Error::statement(format!(
                "dynamic indexing based on system time only works on append only stream: {}",
                self.owner
            ))
            .with_hint("Let a column of the row name the index: '{column|yyyy-MM}'.")
        })
    }

    fn parallelism(&self) -> Option<usize> {
        self.parallelism
    }

    /// Asks the service for its name, so that a wrong address or password shows before the first row.
    async fn open(&self, context: &OpenContext) -> Result<Box<dyn SinkWriter>> {
        let cluster = Cluster::try_new(&self.table.connection, context).await?;
        cluster.greet(&self.table.connection).await?;
        Ok(Box::new(OpenSearchSinkWriter {
            encoder: self.encoding.encoder()?,
            sink: self.clone(),
            cluster,
            context: context.clone(),
            bulk: Bulk::default(),
            waiting: Vec::new(),
            waiting_since: None,
            documents: Messages::new(),
            names: Names::default(),
        }))
    }
}

/// Collects actions and sends them, one request at a time.
struct OpenSearchSinkWriter {
    sink: OpenSearchSink,
    cluster: Cluster,
    context: OpenContext,
    encoder: Box<dyn Encoder>,
    bulk: Bulk,
    /// The row of each action in `bulk`, where a rejected one doesn't fail the job.
    waiting: Vec<Waiting>,
    waiting_since: Option<Instant>,
    /// Kept for their memory.
    documents: Messages,
    names: Names,
}

/// The batch and the number of a row that waits; none where its rejection fails the job.
type Waiting = Option<(Arc<ChangelogBatch>, usize)>;

/// A row's index and id.
#[derive(Debug, Default)]
struct Names {
    index: String,
    id: String,
}

#[async_trait]
impl SinkWriter for OpenSearchSinkWriter {
    async fn write(&mut self, batch: ChangelogBatch) -> Result<()> {
        let batch = Arc::new(batch);
        match self.encode(&batch) {
            Err(error) if error.kind() == ErrorKind::Data && batch.may_reject(&self.context.errors) => {}
            encoded => {
                let is_addition = encoded?;
                return self.take_rows(&batch, is_addition.as_ref()).await;
            }
        }
        for row in 0..batch.num_rows() {
            let one = Arc::new(batch.slice(row, 1));
            match self.encode(&one) {
                Ok(is_addition) => self.take_rows(&one, is_addition.as_ref()).await?,
                Err(error) => batch.reject(&self.context.errors, row, Stage::Write, error)?,
            }
        }
        Ok(())
    }

    fn deadline(&self) -> Option<Instant> {
        Some(self.waiting_since? + self.sink.limits.interval?)
    }

    async fn on_deadline(&mut self) -> Result<()> {
        self.send().await
    }

    async fn flush(&mut self) -> Result<()> {
        match self.sink.waits_at_checkpoints {
            true => self.send().await,
            false => Ok(()),
        }
    }

    async fn close(&mut self) -> Result<()> {
        self.send().await
    }
}

impl OpenSearchSinkWriter {
    /// Makes the documents of a batch; says which rows have one where not all do.
    fn encode(&mut self, batch: &ChangelogBatch) -> Result<Option<BooleanArray>> {
        let (additions, is_addition) = additions(batch)?;
        self.documents.clear();
        let place = || format!("cannot encode a row of {}", self.sink.owner);
        self.encoder.encode(&additions, &mut self.documents).map_err(|e| e.into_error(place()))?;
        Ok(is_addition)
    }

    /// Takes the rows that were encoded last as actions, and sends what is full.
    async fn take_rows(&mut self, batch: &Arc<ChangelogBatch>, is_addition: Option<&BooleanArray>) -> Result<()> {
        let keeps_rows = batch.may_reject(&self.context.errors);
        let documents = std::mem::take(&mut self.documents);
        let mut document = 0;
        for row in 0..batch.num_rows() {
            let adds = is_addition.is_none_or(|mask| mask.value(row));
            let source = if adds { documents.get(document) } else { None };
            document += usize::from(adds);
            match self.push(batch.rows(), row, adds, source) {
                Ok(()) => self.waiting.push(keeps_rows.then(|| (batch.clone(), row))),
                Err(error) => batch.reject(&self.context.errors, row, Stage::Write, error)?,
            }
            if self.bulk.len() >= self.sink.limits.actions || self.bulk.size() >= self.sink.limits.bytes {
                self.send().await?;
            }
        }
        self.documents = documents;
        Ok(())
    }

    fn push(&mut self, rows: &RecordBatch, row: usize, adds: bool, document: Option<&[u8]>) -> Result<()> {
        self.names.index.clear();
        self.sink.index.push(rows, row, self.context.clock.as_ref(), &mut self.names.index);
        let index = &self.names.index;
        if let Some(id) = &self.sink.id {
            self.names.id.clear();
            id.push(rows, row, &mut self.names.id)?;
        }
        match (adds, &self.sink.id, document) {
            (true, Some(_), Some(document)) => self.bulk.push_upsert(index, &self.names.id, document),
            (true, None, Some(document)) => self.bulk.push_index(index, document),
            (false, Some(_), _) => self.bulk.push_delete(index, &self.names.id),
            (true, _, None) => return Err(Error::internal("a row without a document")),
            (false, None, _) => {
                return Err(Error::internal(format!("a delete for {}, which has no PRIMARY KEY", self.sink.owner)));
            }
        }
        self.waiting_since.get_or_insert_with(Instant::now);
        Ok(())
    }

    /// Sends what waits until every action is done. Nothing waits afterwards.
    async fn send(&mut self) -> Result<()> {
        self.waiting_since = None;
        if self.bulk.is_empty() {
            return Ok(());
        }
        let (mut actions, mut waiting) = (self.bulk.take(), std::mem::take(&mut self.waiting));
        let bytes = actions.body().len() as u64;
        let (mut away, mut busy) = (self.sink.away.start(), self.sink.busy.start());
        loop {
            let request =
                Request::new(Method::Post, format!("/_bulk?{}", Outcome::QUERY)).with_ndjson(actions.body().clone());
            self.context.metrics.requests.fetch_add(1, Ordering::Relaxed);
            let (error, retries) = match self.cluster.send(&request).await {
                Ok(answer) if answer.status < 400 => {
                    let outcome = Outcome::parse(&answer.body, actions.len(), self.cluster.name())?;
                    self.judge(&outcome, &waiting)?;
                    let Some(rejection) = outcome.busy else { break };
                    if outcome.again.len() < actions.len() {
                        busy.got_on();
                    }
                    away.got_on();
                    actions = actions.only(&outcome.again);
                    waiting = outcome.again.iter().filter_map(|i| waiting.get(*i).cloned()).collect();
                    (self.too_busy(&rejection, actions.len()), &mut busy)
                }
                Ok(answer) if matches!(answer.status, 429 | 503) => (self.cluster.refused(&answer), &mut busy),
                Ok(answer) => (self.cluster.refused(&answer), &mut away),
                Err(failure) => (failure.into_error(), &mut away),
            };
            retries.wait(error, self.cluster.name(), &self.context).await?;
        }
        // Said once, whatever was waited for.
        if away.waited() { &away } else { &busy }.done(&self.context);
        self.context.metrics.bytes.fetch_add(bytes, Ordering::Relaxed);
        Ok(())
    }

    fn too_busy(&self, first: &Rejection, count: usize) -> Error {
        let others = if count > 1 { format!(" and {} more", count - 1) } else { String::new() };
        let message = format!("{} is too busy for {}{others}: {}", self.cluster.name(), first.document(), first.why());
        Error::external(message).retriable()
    }

    /// Fails on rejected documents, or does with them what the options say.
    fn judge(&self, outcome: &Outcome, waiting: &[Waiting]) -> Result<()> {
        let Some(first) = outcome.rejected.first() else { return Ok(()) };
        let count = outcome.rejected.len();
        if !self.sink.drops_rejected {
            let (owner, service) = (&self.sink.owner, self.sink.table.connection.product.name());
            if let Some(denied) = outcome.rejected.iter().find(|rejection| rejection.is_denied()) {
                return Err(denied.clone().into_denied(owner, self.cluster.name()));
            }
            for rejection in &outcome.rejected {
                let Some(Some((batch, row))) = waiting.get(rejection.position) else {
                    return Err(first.clone().into_error(count, owner, service));
                };
                let error = rejection.clone().into_error(1, owner, service);
                batch.reject(&self.context.errors, *row, Stage::Write, error)?;
            }
            return Ok(());
        }
        let line = format!(
            "dropped {count} rejected documents of {}, first {}: {}",
            self.sink.owner,
            first.document(),
            first.why()
        );
        self.context.reporter.tell(&line);
        Ok(())
    }
}

/// The rows that make documents, and which ones they are where not all do.
fn additions(batch: &ChangelogBatch) -> Result<(RecordBatch, Option<BooleanArray>)> {
    let Some(kinds) = batch.kinds().filter(|kinds| !kinds.iter().all(|kind| kind.is_addition())) else {
        return Ok((batch.rows().clone(), None));
    };
    let mask = BooleanArray::from_iter(kinds.iter().map(|kind| Some(kind.is_addition())));
    Ok((filter_record_batch(batch.rows(), &mask)?, Some(mask)))
}

#[cfg(test)]
#[path = "sink_tests.rs"]
mod tests;
