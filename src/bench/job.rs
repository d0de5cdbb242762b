//! A job with its doors replaced, and what a run of it took.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use tokio::time::Instant;

use super::asked::Asked;
use super::doors::{ForgettingSink, PreparedSource};
use super::filling::{BenchOptions, Filling};
use super::rows::count;
use super::samples::Samples;
use crate::checkpoint::Store;
use crate::error::{Error, Result};
use crate::plan::explain::describe;
use crate::plan::stream_plan::{NodeKind, StreamPlan};
use crate::runtime::{Costs, JobConfig, JobMetrics, start};
use crate::session::PlannedJob;
use crate::{allocations, cpu_time};

/// Called now and then while a job runs, with the rows that it has read.
pub type Progress<'a> = &'a dyn Fn(u64);

/// A job that can be run again and again.
pub struct Bench {
    pub name: String,
    plan: StreamPlan,
    config: JobConfig,
    /// The rows of the sources together.
    pub rows: u64,
    /// What each table is filled with, for people.
    pub tables: Vec<String>,
}

/// What a run took.
#[derive(Debug, Clone, Default)]
pub struct Measured {
    pub rows_in: u64,
    pub rows_out: u64,
    pub wall: Duration,
    pub cpu_ns: u64,
    /// Of resident memory before the start, and at most; where the system tells.
    pub memory: Option<(u64, u64)>,
    /// With an account for every node.
    pub costs: Option<MeasuredCosts>,
}

#[derive(Debug, Clone, Default)]
pub struct MeasuredCosts {
    /// Bytes allocated, of all threads.
    pub bytes: u64,
    pub nodes: Vec<MeasuredNode>,
}

/// What a node of the plan took; those without a cost of their own are left out.
#[derive(Debug, Clone)]
pub struct MeasuredNode {
    /// As EXPLAIN has it.
    pub text: String,
    pub rows_in: u64,
    pub rows_out: u64,
    pub cpu_ns: u64,
    pub bytes: u64,
}

impl Bench {
    /// The rows of files that the job is measured with.
    ///
    /// # Errors
    /// Rows that can't be made up, or a job that reads no table.
    pub fn asks(job: &PlannedJob, options: &BenchOptions) -> Result<Vec<Asked>> {
        let filling = Filling { options, tables: &job.tables, config: &job.config };
        let (mut asked, mut reads) = (Vec::new(), false);
        for node in &job.plan.nodes {
            match &node.kind {
                NodeKind::Source(source) => {
                    let Some(table) = filling.table(&source.table) else { continue };
                    reads = true;
                    asked.extend(filling.source_asks(table, source)?);
                }
                NodeKind::LookupJoin(join) => {
                    asked.extend(filling.table(&join.table).and_then(|table| filling.lookup_asks(table, join)));
                }
                _ => {}
            }
        }
        match reads {
            true => Ok(asked),
            false => Err(Error::statement(format!(
                "job \"{}\" reads no table: there is nothing to measure",
                job.config.name
            ))),
        }
    }

    /// Replaces the doors of a job and prepares the rows of its sources; `samples` has what it [asks](Self::asks) for.
    ///
    /// # Errors
    /// Rows that can't be made up.
    pub fn prepare(job: PlannedJob, options: &BenchOptions, samples: &Samples) -> Result<Self> {
        let PlannedJob { mut plan, config, tables } = job;
        let filling = Filling { options, tables: &tables, config: &config };
        let (mut rows, mut told) = (0, Vec::new());
        for node in &mut plan.nodes {
            match &mut node.kind {
                NodeKind::Source(source) => {
                    // What stands in the plan itself needs no table.
                    let Some(table) = filling.table(&source.table) else { continue };
                    let (splits, text) = filling.source(table, source, samples)?;
                    rows += count(&splits);
                    told.push(text);
                    let stands_for = source.source.clone();
                    source.source = Arc::new(PreparedSource { stands_for, splits: Arc::new(splits) });
                }
                NodeKind::LookupJoin(join) => {
                    let table = filling.table(&join.table);
                    let table = table.ok_or_else(|| Error::internal("a lookup table that nobody declared"))?;
                    let (in_memory, text) = filling.lookup(table, join, samples)?;
                    told.push(text);
                    join.lookup = Arc::new(in_memory);
                }
                NodeKind::Sink(sink) => {
                    sink.sink = Arc::new(ForgettingSink(sink.sink.clone()));
                    sink.exactly_once = false;
                }
                _ => {}
            }
        }
        for letters in &mut plan.dead_letters {
            letters.sink = Arc::new(ForgettingSink(letters.sink.clone()));
        }
        told.sort();
        told.dedup();
        Ok(Self { name: config.name.to_string(), plan, config, rows, tables: told })
    }

    pub fn parallelism(&self) -> usize {
        self.config.parallelism
    }

    /// The names of the tables that a job reads or looks up.
    pub fn tables_of(job: &PlannedJob) -> impl Iterator<Item = &str> {
        job.tables.iter().map(|table| table.name.as_str())
    }

    /// Runs the job from its beginning to its end. `with_costs` keeps an account for every node, which takes time.
    ///
    /// # Errors
    /// The job's failure.
    pub async fn run(&self, with_costs: bool, progress: Progress<'_>) -> Result<Measured> {
        let costs = with_costs.then(|| Arc::new(Costs::new(self.plan.nodes.len())));
        let mut config = JobConfig { costs: costs.clone(), ..self.config.clone() };
        if let Some(checkpoints) = &mut config.checkpoints {
            // What a run has kept is not for the next one.
            checkpoints.store = Store::memory();
        }
        let plan = self.plan.clone();
        let memory_before = memory::begin();
        let allocated = allocations::of_process();
        let counted = with_costs.then(allocations::Counted::begin);
        let (began, cpu) = (Instant::now(), cpu_time::of_process());
        let mut job = start(plan, config);
        let metrics = job.metrics.clone();
        let ended = loop {
            tokio::select! {
                biased;
                ended = job.wait() => break ended,
                () = tokio::time::sleep(Duration::from_millis(200)) => progress(metrics.rows_in()),
            }
        };
        let (wall, cpu_ns) = (began.elapsed(), cpu_time::of_process().saturating_sub(cpu));
        drop(counted);
        ended.map_err(|error| error.context(format!("job \"{}\"", self.name)))?;
        let bytes = allocations::of_process().saturating_sub(allocated);
        let costs = costs.map(|costs| MeasuredCosts { bytes, nodes: self.nodes(&costs, &metrics) });
        let memory = memory_before.zip(memory::peak());
        Ok(Measured { rows_in: metrics.rows_in(), rows_out: metrics.rows_out(), wall, cpu_ns, memory, costs })
    }

    fn nodes(&self, costs: &Costs, metrics: &JobMetrics) -> Vec<MeasuredNode> {
        let mut sources = metrics.sources.iter();
        let nodes = self.plan.nodes.iter().zip(costs.nodes()).map(|(node, cost)| MeasuredNode {
            text: describe(node),
            rows_in: match &node.kind {
                NodeKind::Source(_) => sources.next().map_or(0, |source| source.door.rows.load(Relaxed)),
                _ => cost.rows_in.load(Relaxed),
            },
            rows_out: cost.rows_out.load(Relaxed),
            cpu_ns: cost.cpu_ns.load(Relaxed),
            bytes: cost.bytes.load(Relaxed),
        });
        nodes.collect()
    }
}

/// Resident memory of this process, as Linux tells it.
mod memory {
    /// Begins to look for the highest, and tells what it is now.
    pub fn begin() -> Option<u64> {
        std::fs::write("/proc/self/clear_refs", "5").ok()?;
        read("VmRSS:")
    }

    /// The highest since [`begin`].
    pub fn peak() -> Option<u64> {
        read("VmHWM:")
    }

    fn read(name: &str) -> Option<u64> {
        let status = std::fs::read_to_string("/proc/self/status").ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix(name))?;
        Some(line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()? * 1024)
    }
}
