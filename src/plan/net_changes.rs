//! Groupings that tell only the net change of each group per micro-batch, where nobody can see the difference.
//!
//! That is so where a sink keeps no more than the last row of each PRIMARY KEY, that key is the group's, and nothing on
//! the way can tell one change from several: columns are moved, and rows are left out by what they hold. A filter is told
//! the old row, too, so that what leaves it is deleted. A node that others read as well, a constraint that drops or
//! refuses some rows of a group, an expression that may fail for a result that comes and goes: each of them sees every change.

use datafusion::physical_expr::expressions::Column;

use super::lower::may_fail;
use super::stream_plan::{CalcNode, NodeKind, StreamPlan};
use crate::operators::BundleEnd;

/// Chooses the groupings of a whole plan.
pub fn choose(plan: &mut StreamPlan) {
    let mut readers = vec![0; plan.nodes.len()];
    plan.nodes.iter().flat_map(|node| &node.inputs).for_each(|&input| readers[input] += 1);
    let sinks = plan.nodes.iter().filter_map(|node| match (&node.kind, node.inputs.as_slice()) {
        (NodeKind::Sink(sink), &[input]) => {
            let mode = plan.nodes[input].mode;
            sink.sink.keeps_last_rows(mode.before || mode.deletes).then(|| (input, sink.key.clone()))
        }
        _ => None,
    });
    let chosen: Vec<usize> = sinks.filter_map(|(input, key)| grouping(plan, &readers, input, key)).collect();
    for id in chosen {
        if let NodeKind::GroupAggregate(aggregate) = &mut plan.nodes[id].kind {
            // A bundle of the job's own ends when the job says.
            aggregate.bundle = aggregate.bundle.or(Some(BundleEnd::MicroBatch));
        }
    }
}

/// The grouping in front of `id` whose key is `key`, columns of `id`, if every change of it ends in their last row.
fn grouping(plan: &StreamPlan, readers: &[usize], id: usize, mut key: Vec<usize>) -> Option<usize> {
    let node = &plan.nodes[id];
    if readers[id] > 1 {
        return None;
    }
    match &node.kind {
        NodeKind::GroupAggregate(aggregate) => {
            key.sort_unstable();
            key.iter().copied().eq(0..aggregate.key.len()).then_some(id)
        }
        NodeKind::Calc(calc) => grouping(plan, readers, node.inputs[0], below(calc, &key)?),
        NodeKind::Exchange(_) => grouping(plan, readers, node.inputs[0], key),
        // What it says of a key it says of every row of the group.
        NodeKind::ConstraintEnforcer(enforcer) => {
            let constraints = &enforcer.constraints;
            let is_of_key = constraints.not_null.iter().all(|column| key.contains(column));
            if is_of_key && constraints.lengths.is_empty() {
                grouping(plan, readers, node.inputs[0], key)
            } else {
                None
            }
        }
        _ => None,
    }
}

/// The columns of the input that these are.
fn below(calc: &CalcNode, key: &[usize]) -> Option<Vec<usize>> {
    let projection = calc.projection.as_deref();
    if calc.predicate.iter().chain(projection.into_iter().flatten()).any(may_fail) {
        return None;
    }
    let column = |at: &usize| match projection {
        Some(projection) => projection.get(*at)?.downcast_ref::<Column>().map(Column::index),
        None => Some(*at),
    };
    key.iter().map(column).collect()
}
