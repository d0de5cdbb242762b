//! Reading an index page by page.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use arrow::array::{ArrayRef, StringBuilder};
use arrow::record_batch::{RecordBatch, RecordBatchOptions};
use async_trait::async_trait;
use futures::future::BoxFuture;
use opensearch::http::Method;
use serde::Deserialize;

use super::client::Cluster;
use super::page::{Hit, Page};
use super::request::{Answer, Failure, Refusal, Request, path_segment};
use super::source::{Column, OpenSearchSource};
use crate::connectors::{OpenContext, RetryPolicy, SourceEvent, SourceReader, Split};
use crate::error::{Error, Result, did_you_mean};
use crate::formats::Decoder;

/// How long the service keeps a scroll between two requests.
const KEEP_ALIVE: &str = "5m";

/// Reads page by page.
pub struct OpenSearchReader {
    source: OpenSearchSource,
    split: Arc<str>,
    cluster: Cluster,
    context: OpenContext,
    /// `None` where no field of the documents is wanted.
    decoder: Option<Box<dyn Decoder>>,
    /// A request on its way, kept so that a dropped `next` loses no page.
    waiting: Option<BoxFuture<'static, Result<Answer>>>,
    stage: Stage,
    read: usize,
    total: Option<u64>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Stage {
    First,
    Scrolling(String),
    Clearing(String),
    Read,
    Ended,
}

#[async_trait]
impl SourceReader for OpenSearchReader {
    async fn next(&mut self) -> Result<SourceEvent> {
        loop {
            if self.waiting.is_none() {
                self.waiting = match &self.stage {
                    Stage::Ended => return Ok(SourceEvent::End),
                    Stage::Read => {
                        self.stage = Stage::Ended;
                        return Ok(SourceEvent::SplitEnd(self.split.clone()));
                    }
                    _ if self.page_size() == 0 && !matches!(self.stage, Stage::Clearing(_)) => {
                        self.finish();
                        continue;
                    }
                    Stage::First => Some(self.search()),
                    Stage::Scrolling(id) => Some(self.scroll(id)),
                    Stage::Clearing(id) => Some(self.clear(id)),
                };
            }
            let Some(waiting) = self.waiting.as_mut() else { continue };
            let answer = waiting.await;
            self.waiting = None;
            if matches!(self.stage, Stage::Clearing(_)) {
                self.stage = Stage::Read;
                continue;
            }
            let rows = self.take_page(&answer?)?;
            if rows.num_rows() > 0 {
                return Ok(SourceEvent::Rows { split: self.split.clone(), rows, kinds: None, records: None });
            }
        }
    }

    fn positions(&self) -> Vec<Split> {
        let position = if self.read == 0 { String::new() } else { self.read.to_string() };
        vec![Split { id: self.split.to_string(), position }]
    }

    fn lag(&self) -> Option<u64> {
        let wanted = self.source.limit.map_or(u64::MAX, |limit| limit as u64);
        Some(self.total?.min(wanted).saturating_sub(self.read as u64))
    }
}

impl OpenSearchReader {
    /// `decoder` is `None` where no field of the documents is wanted.
    pub fn new(
        source: OpenSearchSource,
        cluster: Cluster,
        context: OpenContext,
        decoder: Option<Box<dyn Decoder>>,
    ) -> Self {
        let split = source.index.as_str().into();
        Self { source, split, cluster, context, decoder, waiting: None, stage: Stage::First, read: 0, total: None }
    }

    /// Documents to ask for next.
    fn page_size(&self) -> usize {
        let left = self.source.limit.map_or(usize::MAX, |limit| limit.saturating_sub(self.read));
        self.source.fetch_size.min(self.context.batch_rows).min(left)
    }

    fn search(&self) -> BoxFuture<'static, Result<Answer>> {
        let path = format!("/{}/_search?scroll={KEEP_ALIVE}", path_segment(&self.source.index));
        let request = Request::new(Method::Post, path).with_json(self.source.search_body(self.page_size()));
        let (cluster, patience) = (self.cluster.clone(), self.source.connection.max_retry);
        let (index, owner) = (self.source.index.clone(), self.source.owner.clone());
        Box::pin(async move {
            match cluster.ask(&request, patience).await? {
                answer if answer.status < 400 => Ok(answer),
                answer if Refusal::of(&answer).is_some_and(|r| r.kind == "index_not_found_exception") => {
                    Err(missing_index(&cluster, &index, &owner).await)
                }
                answer => Err(cluster.failed(&answer)),
            }
        })
    }

    /// The next page. It is asked for again only where the request was surely not carried out: otherwise a page would
    /// be lost.
    fn scroll(&self, id: &str) -> BoxFuture<'static, Result<Answer>> {
        let body = serde_json::json!({ "scroll": KEEP_ALIVE, "scroll_id": id }).to_string();
        let request = Request::new(Method::Post, "/_search/scroll").with_json(body);
        let (cluster, context) = (self.cluster.clone(), self.context.clone());
        let retries = RetryPolicy::ForTime(self.source.connection.max_retry).start();
        Box::pin(async move {
            let mut retries = retries;
            loop {
                let error = match cluster.send(&request).await {
                    Ok(answer) if answer.status < 400 => {
                        retries.done(&context);
                        return Ok(answer);
                    }
                    Ok(answer) if answer.status == 429 => cluster.refused(&answer),
                    Ok(answer) => return Err(cluster.failed(&answer)),
                    Err(Failure::NotSent(error)) => error,
                    Err(Failure::Unanswered(error) | Failure::Silent(error)) => {
                        return Err(error.context("the read was interrupted"));
                    }
                };
                retries.wait(error, cluster.name(), &context).await?;
            }
        })
    }

    /// Lets the service forget the scroll; it would by itself, later.
    fn clear(&self, id: &str) -> BoxFuture<'static, Result<Answer>> {
        let body = serde_json::json!({ "scroll_id": [id] }).to_string();
        let request = Request::new(Method::Delete, "/_search/scroll").with_json(body);
        let cluster = self.cluster.clone();
        Box::pin(async move { cluster.send(&request).await.map_err(Failure::into_error) })
    }

    fn finish(&mut self) {
        self.stage = match std::mem::replace(&mut self.stage, Stage::Read) {
            Stage::Scrolling(id) => Stage::Clearing(id),
            _ => Stage::Read,
        };
    }

    fn take_page(&mut self, answer: &Answer) -> Result<RecordBatch> {
        let name = self.cluster.name();
        let page: Page<'_> = serde_json::from_slice(&answer.body)
            .map_err(|e| Error::external(format!("{name} answered a search with something else: {e}")))?;
        if page.timed_out || page.shards.failed > 0 {
            let failed = page.shards.failed;
            let message = format!("{name} could read only a part of index \"{}\": {failed} shards failed", self.split);
            return Err(Error::external(message));
        }
        self.total = self.total.or(page.hits.total.map(|total| total.value));
        if let Some(id) = page.scroll_id {
            self.stage = Stage::Scrolling(id);
        }
        let wanted = self.page_size();
        let hits = page.hits.hits.get(..wanted).unwrap_or(&page.hits.hits);
        let rows = self.decode(hits)?;
        self.read += hits.len();
        self.context.metrics.bytes.fetch_add(answer.body.len() as u64, Ordering::Relaxed);
        if hits.is_empty() {
            self.finish();
        }
        Ok(rows)
    }

    /// The hits as rows of the projected columns. A document may give no row where the format's options skip it.
    fn decode(&mut self, hits: &[Hit<'_>]) -> Result<RecordBatch> {
        let (mut ids, mut indexes) = (StringBuilder::new(), StringBuilder::new());
        let mut count = 0;
        for hit in hits {
            let rows = match &mut self.decoder {
                None => 1,
                Some(decoder) => {
                    let place = || format!("document \"{}\" of index \"{}\"", hit.id, hit.index);
                    let source = hit.source.ok_or_else(|| {
                        Error::data(format!("{} has no _source to read columns from", place()))
                            .with_hint("The index mapping switches _source off: only metadata columns can be read.")
                    })?;
                    let decoded = decoder.decode(source.get().as_bytes());
                    decoded.map_err(|e| e.into_error(format!("cannot decode {}", place())))?
                }
            };
            for _ in 0..rows {
                ids.append_value(&hit.id);
                indexes.append_value(&hit.index);
            }
            count += rows;
        }
        let fields = match &mut self.decoder {
            Some(decoder) => decoder.finish()?.columns().to_vec(),
            None => Vec::new(),
        };
        let (ids, indexes): (ArrayRef, ArrayRef) = (Arc::new(ids.finish()), Arc::new(indexes.finish()));
        let mut fields = fields.into_iter();
        let columns = self.source.columns.iter().map(|column| match column {
            Column::Field(_) => fields.next().ok_or_else(|| Error::internal("the decoder gave too few columns")),
            Column::Id => Ok(ids.clone()),
            Column::Index => Ok(indexes.clone()),
        });
        let columns = columns.collect::<Result<Vec<_>>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(count));
        Ok(RecordBatch::try_new_with_options(self.source.schema.arrow(), columns, &options)?)
    }
}

/// The error for an index that isn't there, naming the nearest that is.
pub async fn missing_index(cluster: &Cluster, index: &str, owner: &str) -> Error {
    let error = Error::external(format!("index \"{index}\" of {owner} doesn't exist"));
    let names = Request::new(Method::Get, "/_cat/indices?format=json&h=index");
    #[derive(Deserialize)]
    struct Row {
        index: String,
    }
    let rows: Vec<Row> = match cluster.send(&names).await {
        Ok(answer) if answer.status < 400 => serde_json::from_slice(&answer.body).unwrap_or_default(),
        _ => return error,
    };
    let mut names: Vec<_> = rows.into_iter().map(|row| row.index).filter(|name| !name.starts_with('.')).collect();
    names.sort_unstable();
    if let Some(hint) = did_you_mean(index, names.iter().map(String::as_str)) {
        return error.with_hint(hint);
    }
    names.truncate(20);
    match names.is_empty() {
        true => error.with_hint("There are no indexes yet. A job that writes to the table creates it."),
        false => error.with_hint(format!("Indexes there are: {}.", names.join(", "))),
    }
}
