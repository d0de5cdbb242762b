//! What the nodes of a job cost: rows, processor time and bytes allocated, told apart by where a task is just working.
//!
//! A task works while it is polled. What its chain does at a stage is the stage's; the rest of the task is its head's:
//! reading, decoding, computed columns and watermarks of a source, the joining of a lookup, the taking in of an
//! exchange. What is done to send rows to another task is the cost of the node that this one begins with.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use super::chain::Chain;
use crate::changelog::StreamElement;
use crate::{allocations, cpu_time};

/// The costs of all nodes of a plan, by their places in it.
#[derive(Debug, Default)]
pub struct Costs(Vec<Arc<NodeCost>>);

/// What one node has cost, all its subtasks together.
#[derive(Debug, Default)]
pub struct NodeCost {
    /// Of a source the rows are its door's to count.
    pub rows_in: AtomicU64,
    pub rows_out: AtomicU64,
    pub cpu_ns: AtomicU64,
    pub bytes: AtomicU64,
}

impl Costs {
    /// Of a plan with so many nodes.
    pub fn new(nodes: usize) -> Self {
        Self((0..nodes).map(|_| Arc::default()).collect())
    }

    pub fn nodes(&self) -> impl Iterator<Item = &NodeCost> {
        self.0.iter().map(Arc::as_ref)
    }

    /// Has a chain charge what it does to the nodes of its stages, and gives where its task charges the rest.
    pub(super) fn charge(&self, chain: &mut Chain, head: usize, stages: impl Iterator<Item = usize>) -> Arc<TaskCost> {
        let task = Arc::new(TaskCost { head: self.0[head].clone(), of_stages: NodeCost::default() });
        for (stage, node) in stages.enumerate() {
            chain.charge(stage, StageCost { node: self.0[node].clone(), task: task.clone() });
        }
        chain.charge_head(task.clone());
        task
    }
}

impl NodeCost {
    fn add(&self, spent: Spent) {
        self.cpu_ns.fetch_add(spent.cpu_ns, Relaxed);
        self.bytes.fetch_add(spent.bytes, Relaxed);
    }

    fn spent(&self) -> Spent {
        Spent { cpu_ns: self.cpu_ns.load(Relaxed), bytes: self.bytes.load(Relaxed) }
    }
}

/// What has been spent up to a moment, or between two.
#[derive(Debug, Clone, Copy)]
pub(super) struct Spent {
    cpu_ns: u64,
    bytes: u64,
}

impl Spent {
    /// By this thread so far.
    fn so_far() -> Self {
        Self { cpu_ns: cpu_time::of_thread(), bytes: allocations::of_thread() }
    }

    fn since(self, before: Self) -> Self {
        let (cpu_ns, bytes) = (self.cpu_ns.saturating_sub(before.cpu_ns), self.bytes.saturating_sub(before.bytes));
        Self { cpu_ns, bytes }
    }
}

/// Where one task charges.
#[derive(Debug)]
pub struct TaskCost {
    head: Arc<NodeCost>,
    /// What its stages were charged with, which its head was not.
    of_stages: NodeCost,
}

impl TaskCost {
    /// Charges the head with what a task does beside its stages.
    pub async fn charged<T>(&self, task: impl Future<Output = T>) -> T {
        let mut of_stages = self.of_stages.spent();
        polled(task, move |spent| {
            let now = self.of_stages.spent();
            self.head.add(spent.since(now.since(of_stages)));
            of_stages = now;
        })
        .await
    }

    /// The head gives an element.
    pub fn gives(&self, element: &StreamElement) {
        self.head.rows_out.fetch_add(rows_of(element), Relaxed);
    }
}

/// Where a stage of a task charges.
pub struct StageCost {
    node: Arc<NodeCost>,
    task: Arc<TaskCost>,
}

impl StageCost {
    pub fn takes(&self, element: &StreamElement) {
        self.node.rows_in.fetch_add(rows_of(element), Relaxed);
    }

    pub fn gives(&self, element: &StreamElement) {
        self.node.rows_out.fetch_add(rows_of(element), Relaxed);
    }

    /// Charges what is done in `work`.
    pub fn charged<T>(cost: &Option<Self>, work: impl FnOnce() -> T) -> T {
        let Some(cost) = cost else { return work() };
        let before = Spent::so_far();
        let done = work();
        cost.add(Spent::so_far().since(before));
        done
    }

    /// The same for work that waits now and then.
    pub async fn charged_while<T>(cost: &Option<Self>, work: impl Future<Output = T>) -> T {
        match cost {
            Some(cost) => polled(work, |spent| cost.add(spent)).await,
            None => work.await,
        }
    }

    fn add(&self, spent: Spent) {
        self.node.add(spent);
        self.task.of_stages.add(spent);
    }
}

/// Tells what each poll of a future has spent.
async fn polled<T>(work: impl Future<Output = T>, mut tell: impl FnMut(Spent)) -> T {
    let mut work = std::pin::pin!(work);
    std::future::poll_fn(move |context| {
        let before = Spent::so_far();
        let polled = work.as_mut().poll(context);
        tell(Spent::so_far().since(before));
        polled
    })
    .await
}

fn rows_of(element: &StreamElement) -> u64 {
    match element {
        StreamElement::Batch(batch) => batch.num_rows() as u64,
        _ => 0,
    }
}
