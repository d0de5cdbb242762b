//! What is promised of each sink's rows, in words: `delivery=[exactly-once, held]`.

use std::collections::BTreeMap;

use super::stream_plan::{NodeKind, SinkNode, StreamPlan};
use crate::connectors::{EpochMode, Guarantee};

/// The promise for one sink; none is told where the job has no epochs.
pub fn delivery(plan: &StreamPlan, sink: &SinkNode) -> Option<String> {
    if !plan.has_checkpoints && !sink.exactly_once {
        return None;
    }
    let promise = match sink.sink.guarantee() {
        _ if sink.exactly_once => format!("exactly-once, {}", epoch_mode(plan).name()),
        Guarantee::None => "none".to_string(),
        _ => "at-least-once".to_string(),
    };
    Some(format!("delivery=[{promise}]"))
}

/// When the output of an epoch counts.
fn epoch_mode(plan: &StreamPlan) -> EpochMode {
    let sinks = plan.nodes.iter().filter_map(|node| match &node.kind {
        NodeKind::Sink(sink) if sink.exactly_once => sink.sink.target(),
        _ => None,
    });
    let targets: BTreeMap<String, _> = sinks.map(|found| (found.target.name(), found.target)).collect();
    EpochMode::of(targets.values().map(AsRef::as_ref))
}
