//! Takes rows as actions, and sends them or, for exactly-once, collects them for the committer.

use std::collections::HashSet;
use std::sync::Arc;

use arrow::array::BooleanArray;
use arrow::compute::filter_record_batch;
use arrow::record_batch::RecordBatch;
use async_trait::async_trait;
use tokio::time::Instant;

use super::bulk::Bulk;
use super::client::Cluster;
use super::committer::OpenSearchCommitter;
use super::plain_index::require_plain_index;
use super::sender::Sender;
use super::sink::OpenSearchSink;
use super::staged::Staging;
use crate::changelog::rejects::Stage;
use crate::changelog::{ChangelogBatch, Epoch};
use crate::connectors::{OpenContext, SinkWriter, Staged, Told, WriterEpochs};
use crate::error::{Error, ErrorKind, Result};
use crate::formats::{Encoder, Messages};

/// Collects actions and sends them, one request at a time.
pub struct OpenSearchSinkWriter {
    sink: OpenSearchSink,
    sender: Sender,
    context: OpenContext,
    encoder: Box<dyn Encoder>,
    bulk: Bulk,
    /// The row of each action in `bulk`, where a rejected one doesn't fail the job.
    waiting: Vec<Waiting>,
    waiting_since: Option<Instant>,
    /// In place of `bulk` where the committer sends.
    epoch: Option<OpenEpoch>,
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

/// What is collected for an epoch.
struct OpenEpoch {
    number: Epoch,
    staging: Staging,
    epochs: WriterEpochs,
    /// What the ids begin with that are made in this epoch, and how many there are.
    id_prefix: String,
    ids: u64,
    /// Indexes that are known to be indexes.
    plain: HashSet<String>,
    /// What the job's room was told of this epoch.
    told: Told,
    /// The committer knows where dropped documents are counted.
    counts: bool,
}

#[async_trait]
impl SinkWriter for OpenSearchSinkWriter {
    async fn write(&mut self, batch: ChangelogBatch) -> Result<()> {
        let batch = Arc::new(batch);
        match self.encode(&batch) {
            Err(error) if error.kind() == ErrorKind::Data && batch.may_reject(&self.context.errors) => {}
            encoded => {
                let is_addition = encoded?;
                self.take_rows(&batch, is_addition.as_ref()).await?;
                return self.hold().await;
            }
        }
        for row in 0..batch.num_rows() {
            let one = Arc::new(batch.slice(row, 1));
            match self.encode(&one) {
                Ok(is_addition) => self.take_rows(&one, is_addition.as_ref()).await?,
                Err(error) => batch.reject(&self.context.errors, row, Stage::Write, error)?,
            }
        }
        self.hold().await
    }

    fn deadline(&self) -> Option<Instant> {
        Some(self.waiting_since? + self.sink.interval?)
    }

    async fn on_deadline(&mut self) -> Result<()> {
        self.send().await
    }

    async fn flush(&mut self) -> Result<()> {
        match self.sink.waits_at_checkpoints() {
            true => self.send().await,
            false => Ok(()),
        }
    }

    async fn stage(&mut self, epoch: Epoch) -> Result<Staged> {
        let subtask = self.context.subtask;
        let Some(open) = &mut self.epoch else {
            return Err(Error::internal(format!("epoch {} of a writer that sends by itself", epoch.0)));
        };
        let (rows, payload) = open.staging.take()?;
        open.begin(subtask, epoch.next())?;
        Ok(Staged { rows, payload })
    }

    async fn close(&mut self) -> Result<()> {
        self.send().await
    }
}

impl OpenSearchSinkWriter {
    /// A writer whose service has answered.
    pub async fn try_new(sink: &OpenSearchSink, cluster: Cluster, context: &OpenContext) -> Result<Self> {
        let sender = Sender { sending: sink.sending.clone(), cluster, names: None };
        let mut writer = Self {
            encoder: sink.encoding.encoder()?,
            epoch: context.epochs.clone().map(|epochs| OpenEpoch::try_new(epochs, context)).transpose()?,
            sink: sink.clone(),
            sender,
            context: context.clone(),
            bulk: Bulk::default(),
            waiting: Vec::new(),
            waiting_since: None,
            documents: Messages::new(),
            names: Names::default(),
        };
        if writer.sink.index.is_fixed() {
            writer.names.index = writer.sink.index.search_expression();
            writer.check_index().await?;
        }
        Ok(writer)
    }

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
        let handling = batch.handling(&self.context.errors);
        let (keeps_rows, drops) = (handling.handles(), handling.handles() && !handling.keeps_records());
        if let Some(open) = self.epoch.as_mut().filter(|open| drops && !open.counts) {
            open.epochs.committer::<OpenSearchCommitter>()?.count_in(open.epochs.sink, handling.clone());
            open.counts = true;
        }
        let documents = std::mem::take(&mut self.documents);
        let mut document = 0;
        for row in 0..batch.num_rows() {
            let adds = is_addition.is_none_or(|mask| mask.value(row));
            let source = if adds { documents.get(document) } else { None };
            document += usize::from(adds);
            if let Err(error) = self.name(batch.rows(), row) {
                batch.reject(&self.context.errors, row, Stage::Write, error)?;
                continue;
            }
            self.check_index().await?;
            self.push(adds, source)?;
            match &mut self.epoch {
                Some(open) => open.took(drops),
                None => {
                    self.waiting.push(keeps_rows.then(|| (batch.clone(), row)));
                    self.waiting_since.get_or_insert_with(Instant::now);
                }
            }
            if self.bulk.is_full(self.sink.sending.limits) {
                self.send().await?;
            }
        }
        self.documents = documents;
        Ok(())
    }

    /// Finds a row's index and, with a PRIMARY KEY, its id.
    fn name(&mut self, rows: &RecordBatch, row: usize) -> Result<()> {
        self.names.index.clear();
        self.sink.index.push(rows, row, self.context.clock.as_ref(), &mut self.names.index);
        if let Some(id) = &self.sink.id {
            self.names.id.clear();
            id.push(rows, row, &mut self.names.id)?;
        }
        Ok(())
    }

    /// Asks the service about an index that is named for the first time, where its kind matters.
    async fn check_index(&mut self) -> Result<()> {
        let (sink, index) = (&self.sink, &self.names.index);
        if let Some(open) = self.epoch.as_mut().filter(|open| sink.id.is_none() && !open.plain.contains(index)) {
            require_plain_index(&self.sender.cluster, index, &sink.owner, sink.sending.patience.0).await?;
            open.plain.insert(index.clone());
        }
        Ok(())
    }

    fn push(&mut self, adds: bool, document: Option<&[u8]>) -> Result<()> {
        let Names { index, id } = &mut self.names;
        let (has_key, stages) = (self.sink.id.is_some(), self.epoch.is_some());
        let bulk = match &mut self.epoch {
            Some(open) => {
                if !has_key {
                    open.next_id(id);
                }
                &mut open.staging.bulk
            }
            None => &mut self.bulk,
        };
        match (adds, has_key, document) {
            (true, true, Some(document)) => bulk.push_upsert(index, id, document),
            (true, false, Some(document)) if stages => bulk.push_create(index, id, document),
            (true, false, Some(document)) => bulk.push_index(index, document),
            (false, true, _) => bulk.push_delete(index, id),
            (true, _, None) => return Err(Error::internal("a row without a document")),
            (false, false, _) => {
                return Err(Error::internal(format!("a delete for {}, which has no PRIMARY KEY", self.sink.owner)));
            }
        }
        Ok(())
    }

    /// Waits where much is held of an epoch while the one before is not published.
    async fn hold(&mut self) -> Result<()> {
        let Some(open) = &mut self.epoch else { return Ok(()) };
        let held = open.staging.bulk.size();
        open.epochs.room.hold(open.number, held, &mut open.told).await
    }

    /// Sends what waits until every action is done. Nothing waits afterwards.
    async fn send(&mut self) -> Result<()> {
        self.waiting_since = None;
        if self.bulk.is_empty() {
            return Ok(());
        }
        let (waiting, errors) = (std::mem::take(&mut self.waiting), &self.context.errors);
        let reject = |position: usize, error: Error| match waiting.get(position) {
            Some(Some((batch, row))) => batch.reject(errors, *row, Stage::Write, error).map(|()| true),
            _ => Ok(false),
        };
        self.sender.send(self.bulk.take(), reject).await
    }
}

impl OpenEpoch {
    fn try_new(epochs: WriterEpochs, context: &OpenContext) -> Result<Self> {
        let first = epochs.first;
        let mut open = Self {
            number: first,
            staging: Staging::new(),
            epochs,
            id_prefix: String::new(),
            ids: 0,
            plain: HashSet::new(),
            told: Told::default(),
            counts: false,
        };
        open.begin(context.subtask, first)?;
        Ok(open)
    }

    fn begin(&mut self, subtask: usize, epoch: Epoch) -> Result<()> {
        let committer = self.epochs.committer::<OpenSearchCommitter>()?;
        (self.id_prefix, self.ids) = (committer.id_prefix(self.epochs.sink, subtask, epoch), 0);
        (self.number, self.told) = (epoch, Told::default());
        Ok(())
    }

    /// Makes an id for a document without a PRIMARY KEY.
    fn next_id(&mut self, id: &mut String) {
        id.clear();
        id.push_str(&self.id_prefix);
        id.push_str(&self.ids.to_string());
        self.ids += 1;
    }

    /// An action was pushed.
    fn took(&mut self, drops: bool) {
        self.staging.mark(drops);
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
