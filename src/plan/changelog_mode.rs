//! Which kinds of rows travel out of every node: what each may emit, what those behind it need, what a sink takes.
//!
//! Forward: a source says what it gives; inputs of inserts alone stay so until a grouping updates its results. Backward: who needs the old row of an
//! update (`-U`): another grouping, a filter (a row that leaves it is known by its `-U` alone), a sink that shows all.

use std::fmt;

use super::batch::IN_BATCH;
use super::sink_check::check_sinks;
use super::stream_plan::{NodeKind, SourceNode, StreamPlan};
use super::upsert_keys::upsert_keys;
use crate::connectors::{ChangelogSupport, SourceChanges};
use crate::error::{Error, Result};

/// What may travel beside inserts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ChangelogMode {
    /// `+U`.
    pub updates: bool,
    /// `-U` in front of every `+U`.
    pub before: bool,
    /// `-D`.
    pub deletes: bool,
    /// Of a `-D` only the key is told: the other columns are NULL whatever the schema says.
    pub key_only: bool,
}

impl ChangelogMode {
    pub fn is_insert_only(self) -> bool {
        self == Self::default()
    }
}

/// As Flink's EXPLAIN writes it: `I,UB,UA,D`; `PD` for deletes that have the key alone.
impl fmt::Display for ChangelogMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("I")?;
        let deletes = if self.key_only { ",PD" } else { ",D" };
        for (has, word) in [(self.before, ",UB"), (self.updates, ",UA"), (self.deletes, deletes)] {
            if has {
                f.write_str(word)?;
            }
        }
        Ok(())
    }
}

/// Settles the mode and the upsert keys of every node of a whole plan.
///
/// # Errors
/// A sink that can't take what its query emits, in Flink's words.
pub fn settle(plan: &mut StreamPlan) -> Result<()> {
    for id in 0..plan.nodes.len() {
        plan.nodes[id].mode = emitted(plan, id)?;
        if let [input] = plan.nodes[id].inputs[..] {
            let taken = plan.nodes[input].mode;
            match &mut plan.nodes[id].kind {
                NodeKind::GroupAggregate(aggregate) if aggregate.partials.is_none() => {
                    aggregate.retracts = !taken.is_insert_only();
                }
                NodeKind::WindowAggregate(aggregate) => aggregate.retracts = !taken.is_insert_only(),
                _ => {}
            }
        }
    }
    for (node, keys) in upsert_keys(plan).into_iter().enumerate() {
        plan.nodes[node].upsert_keys = keys;
    }
    let needs = needs_before(plan);
    for (id, needs) in needs.into_iter().enumerate() {
        // What does not make updates itself hands on what it is given.
        let given = plan.nodes[id].inputs.iter().any(|&input| plan.nodes[input].mode.before);
        let node = &mut plan.nodes[id];
        node.mode.before = given;
        match &mut node.kind {
            NodeKind::Source(source) => node.mode = given_by(source),
            NodeKind::ChangelogNormalize(normalize) => {
                normalize.tells_before = needs;
                node.mode.before = needs;
            }
            NodeKind::GroupAggregate(aggregate) => {
                aggregate.tells_before = needs;
                node.mode.before = needs;
            }
            NodeKind::LocalGroupAggregate(_) | NodeKind::WindowAggregate(_) | NodeKind::SinkUpsertMaterializer(_) => {
                node.mode.before = false;
            }
            _ => {}
        }
    }
    check_sinks(plan)
}

fn emitted(plan: &StreamPlan, id: usize) -> Result<ChangelogMode> {
    let node = &plan.nodes[id];
    let mut taken = ChangelogMode::default();
    for &input in &node.inputs {
        let mode = plan.nodes[input].mode;
        taken.updates |= mode.updates;
        taken.deletes |= mode.deletes;
        taken.key_only |= mode.key_only;
    }
    Ok(match &node.kind {
        NodeKind::Source(source) => given_by(source),
        NodeKind::ChangelogNormalize(_) => ChangelogMode { updates: true, deletes: true, ..ChangelogMode::default() },
        NodeKind::GroupAggregate(aggregate) => {
            let deletes = !taken.is_insert_only() || (aggregate.partials.is_some() && aggregate.retracts);
            ChangelogMode { updates: true, deletes, ..ChangelogMode::default() }
        }
        NodeKind::LocalGroupAggregate(_) | NodeKind::WindowAggregate(_) => ChangelogMode::default(),
        NodeKind::SinkUpsertMaterializer(_) => {
            ChangelogMode { updates: true, deletes: !taken.is_insert_only(), ..ChangelogMode::default() }
        }
        NodeKind::Limit { .. } if !taken.is_insert_only() => {
            return Err(Error::unsupported("LIMIT on a result that is updated").with_hint(IN_BATCH));
        }
        _ => taken,
    })
}

fn given_by(source: &SourceNode) -> ChangelogMode {
    match source.source.changes() {
        SourceChanges::Inserts => ChangelogMode::default(),
        SourceChanges::All => ChangelogMode { updates: true, before: true, deletes: true, key_only: false },
        SourceChanges::Upserts => ChangelogMode { updates: true, before: false, deletes: true, key_only: true },
    }
}

/// Whether somebody behind each node needs the old row of an update.
fn needs_before(plan: &StreamPlan) -> Vec<bool> {
    let mut needs = vec![false; plan.nodes.len()];
    for (id, node) in plan.nodes.iter().enumerate().rev() {
        // Otherwise a row that changes its PRIMARY KEY leaves the old one behind, unless that is told.
        let replaces_by = |key: &[usize]| node.inputs.iter().all(|&input| plan.nodes[input].upsert_keys.contains(key));
        let of_inputs = match &node.kind {
            NodeKind::Sink(sink) => match sink.sink.changelog_support() {
                ChangelogSupport::All => true,
                ChangelogSupport::Upsert => !replaces_by(&sink.key),
                ChangelogSupport::InsertOnly => false,
            },
            NodeKind::SinkUpsertMaterializer(materializer) => needs[id] || !replaces_by(&materializer.primary_key),
            NodeKind::GroupAggregate(_) | NodeKind::LocalGroupAggregate(_) | NodeKind::WindowAggregate(_) => true,
            NodeKind::ChangelogNormalize(_) => false,
            NodeKind::Calc(calc) if calc.predicate.is_some() => true,
            _ => needs[id],
        };
        for &input in &node.inputs {
            needs[input] |= of_inputs;
        }
    }
    needs
}

/// True where rows of a node of a plan in the making may be taken back.
pub fn is_updated(plan: &StreamPlan, id: usize) -> bool {
    let node = &plan.nodes[id];
    match &node.kind {
        NodeKind::Source(source) => source.source.changes() != SourceChanges::Inserts,
        NodeKind::ChangelogNormalize(_) | NodeKind::GroupAggregate(_) | NodeKind::SinkUpsertMaterializer(_) => true,
        NodeKind::LocalGroupAggregate(_) | NodeKind::WindowAggregate(_) => false,
        _ => node.inputs.iter().any(|&input| is_updated(plan, input)),
    }
}
