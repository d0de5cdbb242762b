//! Makes the channels between the subtasks of a job's fragments.

use super::channel::{Receiver, Sender, channel};
use super::exchange::{Exchange, Route};
use super::fragment::Fragment;

/// The ends of all channels, per fragment and subtask.
pub struct Wiring {
    /// What a subtask reads.
    pub receivers: Vec<Vec<Vec<Receiver>>>,
    /// What a subtask sends to, each with the node whose rows it carries (`None`: the head's).
    pub outgoing: Vec<Vec<Vec<(Option<usize>, Exchange)>>>,
}

/// Wires fragments with so many subtasks each: one to one where rows go forward, all to all where they are hashed.
pub fn wire(fragments: &[Fragment], widths: &[usize]) -> Wiring {
    let mut receivers: Vec<Vec<Vec<Receiver>>> =
        widths.iter().map(|&width| (0..width).map(|_| Vec::new()).collect()).collect();
    let mut outgoing = Vec::with_capacity(fragments.len());
    for (fragment, &width) in fragments.iter().zip(widths) {
        let mut per_subtask = Vec::with_capacity(width);
        for subtask in 0..width {
            let mut edges = Vec::with_capacity(fragment.edges.len());
            for edge in &fragment.edges {
                let targets = match edge.route {
                    Route::Forward => subtask % widths[edge.to]..subtask % widths[edge.to] + 1,
                    Route::Hash(_) | Route::Rebalance => 0..widths[edge.to],
                };
                let mut senders: Vec<Sender> = Vec::with_capacity(targets.len());
                for target in targets {
                    let (sender, receiver) = channel();
                    receivers[edge.to][target].push(receiver);
                    senders.push(sender);
                }
                edges.push((edge.from, Exchange::new(senders, edge.route.clone())));
            }
            per_subtask.push(edges);
        }
        outgoing.push(per_subtask);
    }
    Wiring { receivers, outgoing }
}
