//! Identity: by what a node's state is found again in a plan that was made anew, perhaps of a changed statement.
//!
//! An identity has two parts. The first is a hash of what the node does, of which rows (`lineage.rs`). Nodes that do the
//! same of the same rows have the same; the second part tells them apart, by the sinks they lead to and their order.
//! Where only one node has a first part, the second doesn't matter: a sink may be renamed. State that nobody takes is
//! found by [`matches()`] as well.

use std::collections::{BTreeSet, HashMap};
use std::fmt;

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use super::lineage::lineages;
use super::stream_plan::{NodeKind, StreamPlan};

/// `1f0c8a5be2d34c79-5a1b20c3`: what a node does, and where it stands among those that do the same. A part of the
/// durable format.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Identity(String);

impl Identity {
    fn new(work: &str, place: &str) -> Self {
        Self(format!("{:016x}-{:08x}", xxh3_64(work.as_bytes()), xxh3_64(place.as_bytes()) >> 32))
    }

    /// As a checkpoint has it.
    pub fn saved(text: &str) -> Self {
        Self(text.to_string())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The first part: the same for all nodes that do the same of the same rows.
    fn work(&self) -> &str {
        self.0.split_once('-').map_or(&self.0, |(work, _)| work)
    }
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A node that keeps something.
#[derive(Debug, Clone, PartialEq)]
pub struct Keeper {
    pub identity: Identity,
    /// For people: `GroupAggregate(hostname) of cpu_in`, `Source of cpu_in`.
    pub text: String,
}

/// The identity of every node that must find something again after a restart; `None` for the others.
pub fn identities(plan: &StreamPlan) -> Vec<Option<Identity>> {
    keepers(plan).into_iter().map(|keeper| Some(keeper?.identity)).collect()
}

/// The same with what people read.
pub fn keepers(plan: &StreamPlan) -> Vec<Option<Keeper>> {
    let sinks = sinks(plan);
    let mut before: HashMap<(String, String), usize> = HashMap::new();
    let keeper = |(node, keeps): (usize, Option<String>)| {
        let (text, sinks) = (keeps?, &sinks[node]);
        let count = before.entry((text.clone(), sinks.clone())).or_default();
        let identity = Identity::new(&text, &format!("{sinks}#{count}"));
        *count += 1;
        Some(Keeper { identity, text })
    };
    lineages(plan).into_iter().map(|lineage| lineage.keeps).enumerate().map(keeper).collect()
}

/// The names of the tables that each node's rows come to.
fn sinks(plan: &StreamPlan) -> Vec<String> {
    let mut sinks: Vec<BTreeSet<&str>> = vec![BTreeSet::new(); plan.nodes.len()];
    for (id, node) in plan.nodes.iter().enumerate().rev() {
        if let NodeKind::Sink(sink) = &node.kind {
            sinks[id].insert(&sink.table);
        }
        let reached = sinks[id].clone();
        node.inputs.iter().for_each(|&input| sinks[input].extend(reached.iter().copied()));
    }
    let joined = |tables: BTreeSet<&str>| tables.into_iter().map(|table| format!("{table:?}")).collect::<Vec<_>>();
    sinks.into_iter().map(|tables| joined(tables).join(", ")).collect()
}

/// For each state that was saved, the position in `planned` of the node that takes it; `None`: nobody does.
///
/// The same identity, or else what is left over with the same first part, where that is one on either side.
pub fn matches(saved: &[Identity], planned: &[Identity]) -> Vec<Option<usize>> {
    let mut found: Vec<Option<usize>> =
        saved.iter().map(|saved| planned.iter().position(|planned| planned == saved)).collect();
    let taken: BTreeSet<usize> = found.iter().flatten().copied().collect();
    let free: Vec<usize> = (0..planned.len()).filter(|at| !taken.contains(at)).collect();
    let left: Vec<usize> = (0..saved.len()).filter(|at| found[*at].is_none()).collect();
    for &at in &left {
        let work = saved[at].work();
        let alone = left.iter().filter(|other| saved[**other].work() == work).count() == 1;
        let mut takers = free.iter().copied().filter(|taker| planned[*taker].work() == work);
        if let (true, Some(taker), None) = (alone, takers.next(), takers.next()) {
            found[at] = Some(taker);
        }
    }
    found
}

#[cfg(test)]
#[path = "identity_tests.rs"]
mod tests;
