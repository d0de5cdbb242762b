//! Publishes what the writers have staged: documents in order, then the marker.
//!
//! An epoch's documents are in the checkpoint, with their indexes and ids: however often they are sent, the same ones are
//! there. What must not happen is that an update of one epoch lands on that of a later one, so nothing of epoch N is under
//! way any more when N+1 begins:
//!
//! - a request whose answer was lost is over before it is sent again (`tasks.rs`), and all are answered before the marker;
//! - a start first takes the marker, so that no earlier one begins another request, then waits until theirs are over;
//! - within a process an earlier committer is dropped, and two processes are kept apart by the lock of the job's folder: a
//!   process that lost it all the same sees the marker of the other before its next request.

use std::any::Any;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use xxhash_rust::xxh3::xxh3_128;

use super::durability::{assumed, require_durable};
use super::marker::MarkerDocument;
use super::sender::Sender;
use super::staged::StagedActions;
use super::target::RejectRule;
use super::tasks::{RequestNames, wait_until_over};
use crate::changelog::Epoch;
use crate::changelog::rejects::{ErrorHandling, Record, Stage};
use crate::connectors::{Committer, Marker, StagedPart, TargetContext};
use crate::error::{Error, ErrorKind, Result};
use crate::failpoint;

/// The committer of a job for one cluster.
pub struct OpenSearchCommitter {
    context: TargetContext,
    marker: MarkerDocument,
    names: RequestNames,
    /// For what is about no table.
    general: Sender,
    tables: HashMap<usize, (Sender, RejectRule)>,
    /// Where the dropped documents of each sink are counted, once its writers are open.
    counts: Mutex<HashMap<usize, ErrorHandling>>,
    /// It was said that the user may not see whether indexes are durable.
    told: AtomicBool,
}

impl OpenSearchCommitter {
    pub fn new(
        context: TargetContext,
        marker: MarkerDocument,
        (general, names): (Sender, RequestNames),
        tables: HashMap<usize, (Sender, RejectRule)>,
    ) -> Self {
        Self { context, marker, names, general, tables, counts: Mutex::default(), told: AtomicBool::new(false) }
    }

    /// What the ids of documents without a PRIMARY KEY begin with: no other epoch, writer or start has it.
    pub fn id_prefix(&self, sink: usize, subtask: usize, epoch: Epoch) -> String {
        let TargetContext { job, lineage, attempt, .. } = &self.context;
        let whose = format!("{job}\0{lineage}\0{attempt}\0{sink}\0{subtask}\0{}", epoch.0);
        format!("{:032x}-", xxh3_128(whose.as_bytes()))
    }

    /// Says where dropped documents of a sink are counted.
    pub fn count_in(&self, sink: usize, handling: ErrorHandling) {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner).insert(sink, handling);
    }

    /// Sends a writer's actions in order.
    async fn publish_part(&self, sink: usize, staged: StagedActions) -> Result<()> {
        let (sender, rule) = self.table(sink)?;
        let StagedActions { actions, drops } = staged;
        let mut uncounted: Option<(usize, Error)> = None;
        for (i, positions) in actions.requests(sender.sending.limits).into_iter().enumerate() {
            if i > 0 {
                failpoint::reach("opensearch.between-bulks");
                self.marker.check().await?;
            }
            let first = positions.start;
            let reject = |position: usize, error: Error| {
                let is_dropped = match rule {
                    RejectRule::Skip => true,
                    RejectRule::AsRow => drops.get(first + position) == Some(&true),
                    RejectRule::Fail => false,
                };
                if is_dropped {
                    match self.count_dropped(sink, error)? {
                        None => {}
                        Some(error) => uncounted.get_or_insert((0, error)).0 += 1,
                    }
                }
                Ok(is_dropped)
            };
            sender.send(actions.slice(positions), reject).await.map_err(with_way_out)?;
        }
        if let Some((count, first)) = uncounted {
            let line = format!("dropped {count} rejected documents of the checkpoint, the first: {}", first.message());
            self.context.reporter.news(&line);
        }
        Ok(())
    }

    /// Fails where an index may yet lose what it has confirmed. Asked of every epoch: an index that its first document makes
    /// has the settings of a template, an alias leads elsewhere after a rollover, and settings change.
    async fn check_durable(&self, indexes: BTreeMap<usize, BTreeSet<String>>) -> Result<()> {
        for (sink, indexes) in indexes {
            let Sender { cluster, sending, .. } = self.table(sink)?.0;
            let is_seen = require_durable(cluster, &indexes, &sending.owner, sending.patience.0).await?;
            if !is_seen && !self.told.swap(true, Ordering::Relaxed) {
                self.context.reporter.news(&assumed(cluster, &sending.owner));
            }
        }
        Ok(())
    }

    fn table(&self, sink: usize) -> Result<(&Sender, RejectRule)> {
        let table = self.tables.get(&sink).map(|(sender, rule)| (sender, *rule));
        table.ok_or_else(|| Error::internal(format!("documents of sink {sink}, which the target doesn't have")))
    }

    /// Counts a document that is dropped; gives it back where its writer is not there yet to say how.
    fn count_dropped(&self, sink: usize, error: Error) -> Result<Option<Error>> {
        let counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        match counts.get(&sink) {
            Some(handling) => handling.reject(Stage::Write, error, Record::default).map(|()| None),
            None => Ok(Some(error)),
        }
    }
}

/// A rejected document comes again at every start.
fn with_way_out(error: Error) -> Error {
    if error.kind() != ErrorKind::Data {
        return error;
    }
    let way = "The document is in the checkpoint and comes again at the next start: let the index take it, or drop it \
               with 'error-handling.mode' = 'skip'.";
    let hint = error.hint().map_or_else(|| way.to_string(), |hint| format!("{hint} {way}"));
    error.with_hint(hint)
}

#[async_trait]
impl Committer for OpenSearchCommitter {
    async fn look(&self) -> Result<Option<Marker>> {
        self.marker.look().await
    }

    /// Takes the marker, then waits until no earlier start is at work.
    async fn fence(&self) -> Result<Option<Marker>> {
        let taken = self.marker.take().await?;
        if !taken.is_new {
            let whose = "requests of an earlier start of the job";
            let Sender { cluster, sending, .. } = &self.general;
            wait_until_over(cluster, sending.patience, whose, |name| self.names.is_of_another_start(name)).await?;
        }
        Ok(taken.marker)
    }

    async fn publish(&self, epoch: Epoch, parts: &[StagedPart]) -> Result<()> {
        let decode = |part: &StagedPart| Ok((part.sink, StagedActions::decode(&part.staged.payload)?));
        let parts = parts.iter().map(decode).collect::<Result<Vec<_>>>()?;
        match self.marker.published().filter(|marker| marker.lineage == self.context.lineage) {
            Some(marker) if marker.epoch == epoch => return Ok(()),
            Some(marker) if marker.epoch > epoch => return Err(marker.is_past(epoch)),
            _ => {}
        }
        let mut indexes: BTreeMap<usize, BTreeSet<String>> = BTreeMap::new();
        for (sink, staged) in &parts {
            indexes.entry(*sink).or_default().extend(staged.actions.indexes());
        }
        self.marker.check().await?;
        failpoint::reach("opensearch.before-bulk");
        // Rows of one key have one writer, so no order is needed between them.
        futures::future::try_join_all(parts.into_iter().map(|(sink, staged)| self.publish_part(sink, staged))).await?;
        self.check_durable(indexes).await?;
        failpoint::reach("opensearch.before-marker");
        self.marker.publish(epoch, self.context.clock.now_ms()).await?;
        failpoint::reach("opensearch.after-marker");
        Ok(())
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

#[cfg(test)]
#[path = "committer_tests.rs"]
mod tests;
