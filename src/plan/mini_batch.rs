//! Where mini-batches are marked: behind the sources of groupings, as Flink infers it.
//!
//! By the clock, or by event time where a node on the way needs watermarks. Groupings by `TUMBLE(...)` and the like know
//! no mini-batches, and what is below them is not marked.

use std::time::Duration;

use super::stream_plan::{MiniBatchNode, NodeKind, StreamNode, StreamPlan};
use crate::operators::{BundleEnd, MiniBatchMode};
use crate::types::TimeAttribute;

/// Puts marks behind the sources of a whole plan.
pub fn assign(plan: &mut StreamPlan, interval: Duration) {
    let modes = modes(plan);
    let nodes = std::mem::take(&mut plan.nodes);
    let mut places: Vec<usize> = Vec::with_capacity(nodes.len());
    for (node, mode) in nodes.into_iter().zip(modes) {
        let inputs = node.inputs.iter().map(|&input| places[input]).collect();
        let (is_source, schema) = (matches!(node.kind, NodeKind::Source(_)), node.schema.clone());
        plan.nodes.push(StreamNode { inputs, ..node });
        let mut place = plan.nodes.len() - 1;
        if let (true, Some(mode)) = (is_source, mode) {
            place = plan.add(vec![place], NodeKind::MiniBatchAssigner(MiniBatchNode { mode, interval }), schema);
        }
        places.push(place);
    }
}

/// What the rows that each node emits are marked by.
fn modes(plan: &StreamPlan) -> Vec<Option<MiniBatchMode>> {
    let mut modes: Vec<Option<MiniBatchMode>> = vec![None; plan.nodes.len()];
    for (id, node) in plan.nodes.iter().enumerate().rev() {
        let of_inputs = match &node.kind {
            NodeKind::WindowTable(table) if table.of_group => None,
            NodeKind::WindowTable(table) if table.spec.time == TimeAttribute::Rowtime => Some(MiniBatchMode::RowTime),
            NodeKind::GroupAggregate(aggregate) if matches!(aggregate.bundle, Some(BundleEnd::Rows(_))) => {
                modes[id].max(Some(MiniBatchMode::ProcTime))
            }
            _ => modes[id],
        };
        for &input in &node.inputs {
            // A table that several read is marked once, for the one that needs more.
            modes[input] = modes[input].max(of_inputs);
        }
    }
    modes
}
