//! The targets of a job: its sinks that write exactly once, by where their rows are published.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::changelog::Epoch;
use crate::checkpoint::TargetMarker;
use crate::connectors::{Committer, EpochMode, StagedPart, Target, TargetContext, TargetTable};
use crate::error::{Error, ErrorKind, Result};
use crate::plan::stream_plan::{NodeKind, StreamPlan};

/// A sink of the plan.
#[derive(Debug, Clone)]
pub struct TargetSink {
    /// Its number among all sinks of the plan.
    pub sink: usize,
    pub table: String,
}

/// The sinks that lead to one target.
#[derive(Debug, Clone)]
pub struct TargetPlan {
    pub name: String,
    pub target: Arc<dyn Target>,
    pub sinks: Vec<TargetSink>,
    tables: Vec<TargetTable>,
}

/// A target that is open.
#[derive(Clone)]
pub struct OpenTarget {
    pub name: String,
    pub sinks: Vec<TargetSink>,
    /// The first epoch that goes to it.
    pub since: Epoch,
    pub committer: Arc<dyn Committer>,
}

/// The targets of a plan, by name.
pub fn targets(plan: &StreamPlan) -> Result<Vec<TargetPlan>> {
    let mut found: BTreeMap<String, TargetPlan> = BTreeMap::new();
    let sinks = plan.nodes.iter().filter_map(|node| match &node.kind {
        NodeKind::Sink(sink) => Some(sink),
        _ => None,
    });
    for (number, node) in sinks.enumerate().filter(|(_, node)| node.exactly_once) {
        let target = node.sink.target();
        let target = target.ok_or_else(|| Error::internal(format!("\"{}\" has no target", node.table)))?;
        let name = target.target.name();
        let plan = found.entry(name.clone()).or_insert_with(|| TargetPlan {
            name,
            target: target.target.clone(),
            sinks: Vec::new(),
            tables: Vec::new(),
        });
        plan.sinks.push(TargetSink { sink: number, table: node.table.clone() });
        plan.tables.push(TargetTable { sink: number, table: target.table });
    }
    Ok(found.into_values().collect())
}

/// The mode of a job with these targets.
pub fn mode(targets: &[TargetPlan]) -> EpochMode {
    EpochMode::of(targets.iter().map(|target| target.target.as_ref()))
}

/// Refuses targets that are one in two spellings: each would shut the other out.
pub fn check_apart(targets: &[OpenTarget]) -> Result<()> {
    let mut places: BTreeMap<String, &OpenTarget> = BTreeMap::new();
    for target in targets {
        let Some(place) = target.committer.place() else { continue };
        let Some(other) = places.insert(place, target) else { continue };
        let table = |of: &OpenTarget| of.sinks.first().map_or("", |sink| sink.table.as_str()).to_string();
        return Err(Error::statement(format!(
            "\"{}\" and \"{}\" lead to the same place by different names: {}, and {}",
            table(other),
            table(target),
            other.name,
            target.name
        ))
        .with_detail("With exactly-once all tables of a job that lead to one place are published there together.")
        .with_hint(
            "Spell the address the same in both tables; or give each its own 'sink.transactional-id-prefix', where it has \
             one.",
        ));
    }
    Ok(())
}

impl TargetPlan {
    pub async fn open(&self, context: &TargetContext) -> Result<OpenTarget> {
        let committer = self.target.open(self.tables.clone(), context).await?;
        Ok(OpenTarget { name: self.name.clone(), sinks: self.sinks.clone(), since: Epoch(0), committer })
    }
}

impl OpenTarget {
    /// Says where the target seems to stand, without disturbing anybody.
    pub async fn look(&self) -> Result<TargetMarker> {
        let marker = self.committer.look().await.map_err(|error| self.named(error))?;
        Ok(TargetMarker { target: self.name.clone(), marker })
    }

    /// Shuts out every earlier attempt, and says where the target stands.
    pub async fn fence(&self) -> Result<TargetMarker> {
        let marker = self.committer.fence().await.map_err(|error| self.named(error))?;
        Ok(TargetMarker { target: self.name.clone(), marker })
    }

    /// Rows of `epoch` may come from now on.
    pub async fn begin(&self, epoch: Epoch) -> Result<()> {
        self.committer.begin(epoch).await.map_err(|error| self.named(error))
    }

    /// Publishes those parts of an epoch that go here.
    pub async fn publish(&self, epoch: Epoch, all: &[StagedPart]) -> Result<()> {
        self.committer.publish(epoch, &self.parts(all)).await.map_err(|error| self.named(error))
    }

    /// Errors of a service, and of rows that it refuses, name it themselves.
    fn named(&self, error: Error) -> Error {
        match error.kind() {
            ErrorKind::State | ErrorKind::Internal => error.context(self.name.clone()),
            ErrorKind::Statement | ErrorKind::External | ErrorKind::Data => error,
        }
    }

    /// The parts of an epoch that go here, by sink and subtask.
    pub fn parts(&self, all: &[StagedPart]) -> Vec<StagedPart> {
        let mine = |part: &&StagedPart| self.sinks.iter().any(|sink| sink.sink == part.sink);
        let mut parts: Vec<StagedPart> = all.iter().filter(mine).cloned().collect();
        parts.sort_by_key(|part| (part.sink, part.subtask));
        parts
    }

    /// The name of a sink's table.
    pub fn table(&self, sink: usize) -> &str {
        self.sinks.iter().find(|known| known.sink == sink).map_or("", |known| known.table.as_str())
    }
}
