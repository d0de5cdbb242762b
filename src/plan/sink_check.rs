//! What a sink can take of the changes that its query makes.

use super::explain::describe;
use super::stream_plan::{NodeKind, StreamPlan};
use crate::connectors::{ChangelogSupport, SourceChanges};
use crate::error::{Error, Result};

/// Refuses, in Flink's words, sinks of inserts whose query changes rows.
pub fn check_sinks(plan: &StreamPlan) -> Result<()> {
    for node in &plan.nodes {
        let (NodeKind::Sink(sink), &[input]) = (&node.kind, node.inputs.as_slice()) else { continue };
        let mode = plan.nodes[input].mode;
        if mode.is_insert_only() || sink.sink.changelog_support() != ChangelogSupport::InsertOnly {
            continue;
        }
        if let Some(error) = sink.sink.refusal_of_changes() {
            return Err(error);
        }
        let changes = if mode.deletes { "update and delete changes" } else { "update changes" };
        let from = updating(plan, input).map(|id| describe(&plan.nodes[id])).unwrap_or_default();
        return Err(Error::statement(format!(
            "table sink \"{}\" doesn't support consuming {changes} which is produced by node {from}",
            sink.table
        ))
        .with_hint(
            "A PRIMARY KEY makes a sink of the connectors jdbc and opensearch take updates; upsert-kafka and the format \
             debezium-json take them, too.",
        ));
    }
    Ok(())
}

/// The last node in front of `id` that updates its results.
fn updating(plan: &StreamPlan, id: usize) -> Option<usize> {
    match &plan.nodes[id].kind {
        NodeKind::GroupAggregate(_) | NodeKind::ChangelogNormalize(_) => Some(id),
        NodeKind::Source(source) if source.source.changes() != SourceChanges::Inserts => Some(id),
        _ => plan.nodes[id].inputs.iter().find_map(|&input| updating(plan, input)),
    }
}
