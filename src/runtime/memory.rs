//! The budget of memory that the operators of all jobs share, and what each of them holds.
//!
//! An operator is asked for its size now and then (`state_meter.rs`). Where all of them together hold more than the
//! budget, the job of the largest ends with an error that names it, instead of the kernel ending the process.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use tokio::sync::Notify;

use crate::error::{Error, Result};
use crate::operators::StateSize;
use crate::plan::stream_plan::{NodeKind, StreamNode};

/// How many bytes operators may hold, of all jobs of a process together.
#[derive(Debug, Default)]
pub struct MemoryBudget {
    /// `None`: as many as there are.
    bytes: Option<usize>,
    used: AtomicUsize,
    jobs: Mutex<Vec<Weak<JobMemory>>>,
}

/// What the operators of one job hold.
#[derive(Debug, Default)]
pub struct JobMemory {
    budget: Arc<MemoryBudget>,
    operators: Mutex<Vec<Arc<OperatorMemory>>>,
    /// Another job has found that this one holds too much.
    over: Notify,
}

/// What one operator holds, all its subtasks together.
#[derive(Debug)]
pub struct OperatorMemory {
    /// Its position in the plan.
    node: usize,
    /// `GroupAggregate[3]`
    pub name: String,
    /// As EXPLAIN has it.
    text: String,
    kept: Kept,
    keys: AtomicUsize,
    bytes: AtomicUsize,
}

/// How long state is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kept {
    Forever,
    For(Duration),
    /// Until the windows are over.
    Windows,
}

impl MemoryBudget {
    pub fn new(bytes: usize) -> Self {
        Self { bytes: Some(bytes), ..Self::default() }
    }

    pub fn bytes(&self) -> Option<usize> {
        self.bytes
    }

    /// The operator that holds the most of all jobs, with its job.
    fn largest(&self) -> Option<(Arc<JobMemory>, Arc<OperatorMemory>)> {
        let jobs: Vec<_> = lock(&self.jobs).iter().filter_map(Weak::upgrade).collect();
        let all = jobs.iter().flat_map(|job| job.operators().into_iter().map(move |operator| (job.clone(), operator)));
        all.max_by_key(|(_, operator)| operator.size().bytes)
    }
}

impl JobMemory {
    pub fn new(budget: Arc<MemoryBudget>) -> Arc<Self> {
        let job = Arc::new(Self { budget, ..Self::default() });
        let mut jobs = lock(&job.budget.jobs);
        jobs.retain(|job| job.strong_count() > 0);
        jobs.push(Arc::downgrade(&job));
        drop(jobs);
        job
    }

    pub fn budget(&self) -> &MemoryBudget {
        &self.budget
    }

    /// The operators that keep state, in the order of the plan.
    pub fn operators(&self) -> Vec<Arc<OperatorMemory>> {
        lock(&self.operators).clone()
    }

    /// What the operator of a node holds.
    pub fn operator(&self, node: usize, plan: &StreamNode) -> Arc<OperatorMemory> {
        let mut operators = lock(&self.operators);
        match operators.binary_search_by_key(&node, |operator| operator.node) {
            Ok(at) => operators[at].clone(),
            Err(at) => {
                let operator = Arc::new(OperatorMemory::new(node, plan));
                operators.insert(at, operator.clone());
                operator
            }
        }
    }

    /// A subtask of `operator` holds `now`, where it held `before`.
    ///
    /// # Errors
    /// All operators hold more than the budget, and the largest of them is of this job.
    pub fn resize(self: &Arc<Self>, operator: &OperatorMemory, before: StateSize, now: StateSize) -> Result<()> {
        operator.keys.fetch_add(now.keys.wrapping_sub(before.keys), Ordering::Relaxed);
        operator.bytes.fetch_add(now.bytes.wrapping_sub(before.bytes), Ordering::Relaxed);
        let change = now.bytes.wrapping_sub(before.bytes);
        let used = self.budget.used.fetch_add(change, Ordering::Relaxed).wrapping_add(change);
        if now.bytes <= before.bytes || self.budget.bytes.is_none_or(|budget| used <= budget) {
            return Ok(());
        }
        match self.budget.largest() {
            Some((job, _)) if !Arc::ptr_eq(&job, self) => {
                job.over.notify_one();
                Ok(())
            }
            Some((_, largest)) => Err(self.exceeded(&largest)),
            None => Ok(()),
        }
    }

    /// Waits until another job finds that this one must end; gives its error.
    pub async fn over(&self) -> Error {
        self.over.notified().await;
        match self.operators().into_iter().max_by_key(|operator| operator.size().bytes) {
            Some(largest) => self.exceeded(&largest),
            None => Error::internal("a job without state holds too much of it"),
        }
    }

    fn exceeded(&self, largest: &OperatorMemory) -> Error {
        let (used, budget) = (self.budget.used.load(Ordering::Relaxed), self.budget.bytes.unwrap_or(usize::MAX));
        let StateSize { keys, bytes } = largest.size();
        let per_key = bytes / keys.max(1);
        let message = format!("the operators hold {}, more than the {} they may", readable(used), readable(budget));
        let (kept, hint) = match largest.kept {
            Kept::Forever => (
                "for ever: it has no time to live".to_string(),
                "let it forget groups that no row comes to any more: SET 'table.exec.state.ttl' = '1 h', or the hint STATE_TTL",
            ),
            Kept::For(ttl) => (
                format!("for {} s without a row (its time to live)", ttl.as_secs_f64()),
                "let it forget groups sooner: a shorter 'table.exec.state.ttl' or hint STATE_TTL",
            ),
            Kept::Windows => (
                "until their windows are over".to_string(),
                "let windows be shorter, or end sooner: a smaller delay of the watermark, an idle timeout for silent partitions",
            ),
        };
        Error::state(message)
            .with_detail(format!(
                "The largest is {}: {keys} keys in {}, {per_key} bytes a key. It keeps them {kept}.",
                largest.text,
                readable(bytes)
            ))
            .with_hint(format!("Give them more with --memory, or {hint}."))
    }
}

impl OperatorMemory {
    fn new(node: usize, plan: &StreamNode) -> Self {
        let text = crate::plan::explain::describe(plan);
        let kept = match &plan.kind {
            NodeKind::GroupAggregate(node) => node.ttl.map_or(Kept::Forever, Kept::For),
            NodeKind::ChangelogNormalize(node) => node.ttl.map_or(Kept::Forever, Kept::For),
            NodeKind::SinkUpsertMaterializer(node) => node.ttl.map_or(Kept::Forever, Kept::For),
            NodeKind::WindowTable(_) | NodeKind::WindowAggregate(_) => Kept::Windows,
            _ => Kept::Forever,
        };
        let name = format!("{}[{node}]", text.split('(').next().unwrap_or(&text));
        Self { node, name, text, kept, keys: AtomicUsize::new(0), bytes: AtomicUsize::new(0) }
    }

    pub fn size(&self) -> StateSize {
        StateSize { keys: self.keys.load(Ordering::Relaxed), bytes: self.bytes.load(Ordering::Relaxed) }
    }
}

/// `1.5 GB`, in Flink's units: powers of 1024.
fn readable(bytes: usize) -> String {
    let units = ["bytes", "KB", "MB", "GB", "TB"];
    let mut amount = bytes as f64;
    let mut unit = 0;
    while amount >= 1024.0 && unit + 1 < units.len() {
        (amount, unit) = (amount / 1024.0, unit + 1);
    }
    let text = if unit == 0 { bytes.to_string() } else { format!("{amount:.1}") };
    format!("{} {}", text.strip_suffix(".0").unwrap_or(&text), units[unit])
}

/// A poisoned list is still a list.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use arrow::datatypes::Schema;
    use futures::FutureExt;

    use super::*;
    use crate::error::ErrorKind;
    use crate::plan::stream_plan::{GroupAggregateNode, StreamPlan};

    fn aggregate(ttl: Option<Duration>) -> StreamNode {
        let (text, schema) = ("groupBy=[host]".to_string(), Arc::new(Schema::empty()));
        let node = GroupAggregateNode {
            key: Vec::new(),
            calls: Vec::new(),
            retracts: false,
            tells_before: true,
            ttl,
            bundle: None,
            partials: None,
            text,
        };
        let mut plan = StreamPlan::default();
        plan.add(Vec::new(), NodeKind::GroupAggregate(node), schema);
        plan.nodes.remove(0)
    }

    fn size(keys: usize, bytes: usize) -> StateSize {
        StateSize { keys, bytes }
    }

    #[test]
    fn more_than_the_budget_names_the_largest_operator_and_what_helps() {
        let job = JobMemory::new(Arc::new(MemoryBudget::new(3 << 20)));
        let (small, large) = (job.operator(4, &aggregate(None)), job.operator(2, &aggregate(None)));
        job.resize(&large, StateSize::default(), size(1000, 2 << 20)).unwrap();
        job.resize(&small, StateSize::default(), size(10, 1 << 20)).unwrap();
        let error = job.resize(&small, size(10, 1 << 20), size(11, (1 << 20) + 1024)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::State);
        assert_eq!(error.message(), "the operators hold 3 MB, more than the 3 MB they may");
        assert_eq!(
            error.detail(),
            Some(
                "The largest is GroupAggregate(groupBy=[host]): 1000 keys in 2 MB, 2097 bytes a key. It keeps them for \
                 ever: it has no time to live."
            )
        );
        let hint = error.hint().unwrap_or_default();
        assert!(hint.contains("--memory") && hint.contains("SET 'table.exec.state.ttl' = '1 h'"), "{hint}");
        let names: Vec<String> = job.operators().iter().map(|operator| operator.name.clone()).collect();
        assert_eq!(names, ["GroupAggregate[2]", "GroupAggregate[4]"]);
    }

    #[test]
    fn what_is_given_back_can_be_used_again() {
        let job = JobMemory::new(Arc::new(MemoryBudget::new(100)));
        let operator = job.operator(0, &aggregate(Some(Duration::from_secs(5))));
        job.resize(&operator, StateSize::default(), size(1, 90)).unwrap();
        job.resize(&operator, size(1, 90), StateSize::default()).unwrap();
        job.resize(&operator, StateSize::default(), size(2, 100)).unwrap();
        let error = job.resize(&operator, StateSize::default(), size(1, 1)).unwrap_err();
        let kept = "3 keys in 101 bytes, 33 bytes a key. It keeps them for 5 s without a row (its time to live).";
        assert!(error.detail().unwrap_or_default().ends_with(kept), "{error:?}");
    }

    #[test]
    fn the_job_of_the_largest_operator_ends_whoever_comes_last() {
        let budget = Arc::new(MemoryBudget::new(100));
        let (one, two) = (JobMemory::new(budget.clone()), JobMemory::new(budget));
        let (large, small) = (one.operator(0, &aggregate(None)), two.operator(0, &aggregate(None)));
        one.resize(&large, StateSize::default(), size(9, 90)).unwrap();
        assert!(one.over().now_or_never().is_none());
        two.resize(&small, StateSize::default(), size(1, 20)).unwrap();
        let error = one.over().now_or_never().expect("it is told to end");
        assert_eq!(error.message(), "the operators hold 110 bytes, more than the 100 bytes they may");
        assert!(two.over().now_or_never().is_none());
    }
}
