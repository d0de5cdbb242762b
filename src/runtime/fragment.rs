//! Where a stream plan is cut: the parts that run as one task per subtask, and the edges between them.
//!
//! ```text
//!  Source ─ Calc ─┐            fragment 0
//!                 ├─► LookupJoin ─ Calc ─ Sink      fragment 1
//! ```

use super::exchange::Route;
use crate::plan::stream_plan::{Distribution, NodeKind, StreamPlan};
use crate::state::KEY_GROUPS;

/// A part of the plan without a queue inside.
#[derive(Debug)]
pub struct Fragment {
    /// The node it begins with.
    pub head: usize,
    /// The nodes behind the head, each with the node before it (`None`: the head), inputs first.
    pub members: Vec<(usize, Option<usize>)>,
    /// The edges out of it.
    pub edges: Vec<Edge>,
    /// The fragments it reads, in the order of the head's inputs.
    pub inputs: Vec<usize>,
}

/// From a node of one fragment to the head of another.
#[derive(Debug)]
pub struct Edge {
    /// The node whose rows it carries (`None`: the head's).
    pub from: Option<usize>,
    /// The fragment it leads to.
    pub to: usize,
    pub route: Route,
}

/// Cuts a plan; fragments come in the order of their heads, inputs first.
pub fn cut(plan: &StreamPlan) -> Vec<Fragment> {
    let mut fragments: Vec<Fragment> = Vec::new();
    let mut fragment_of: Vec<usize> = Vec::with_capacity(plan.nodes.len());
    for (id, node) in plan.nodes.iter().enumerate() {
        let starts_one = matches!(
            node.kind,
            NodeKind::Source(_) | NodeKind::Exchange(_) | NodeKind::LookupJoin(_) | NodeKind::Union
        );
        if !starts_one {
            let input = node.inputs[0];
            let fragment = fragment_of[input];
            let before = (fragments[fragment].head != input).then_some(input);
            fragments[fragment].members.push((id, before));
            fragment_of.push(fragment);
            continue;
        }
        let this = fragments.len();
        let mut inputs = Vec::new();
        for &input in &node.inputs {
            let from = fragment_of[input];
            let route = match &node.kind {
                NodeKind::Exchange(Distribution::Hash(key)) => Route::Hash(key.clone()),
                NodeKind::Exchange(Distribution::Rebalance) => Route::Rebalance,
                _ => Route::Forward,
            };
            let before = (fragments[from].head != input).then_some(input);
            fragments[from].edges.push(Edge { from: before, to: this, route });
            inputs.push(from);
        }
        fragments.push(Fragment { head: id, members: Vec::new(), edges: Vec::new(), inputs });
        fragment_of.push(this);
    }
    fragments
}

/// How many subtasks each fragment has, given those of the sources.
pub fn parallelisms(
    plan: &StreamPlan,
    fragments: &[Fragment],
    default: usize,
    source_subtasks: impl Fn(usize) -> usize,
) -> Vec<usize> {
    let mut result: Vec<usize> = Vec::with_capacity(fragments.len());
    for fragment in fragments {
        let widest = fragment.inputs.iter().map(|&i| result[i]).max().unwrap_or(1);
        result.push(match &plan.nodes[fragment.head].kind {
            NodeKind::Source(_) => source_subtasks(fragment.head),
            NodeKind::Exchange(Distribution::Single) => 1,
            NodeKind::Exchange(Distribution::Hash(_) | Distribution::Rebalance) => {
                sink_parallelism(plan, fragment).unwrap_or(default).min(KEY_GROUPS as usize).max(1)
            }
            _ => widest,
        });
    }
    result
}

/// What the sink of a fragment asks for (`sink.parallelism`).
fn sink_parallelism(plan: &StreamPlan, fragment: &Fragment) -> Option<usize> {
    fragment.members.iter().find_map(|&(node, _)| match &plan.nodes[node].kind {
        NodeKind::Sink(sink) => sink.sink.parallelism(),
        _ => None,
    })
}
