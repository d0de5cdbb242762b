//! A running job: opens its doors, runs its tasks, and says how it ended.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::task::{JoinHandle, JoinSet};

use super::chain::{Body, Chain};
use super::channel::{Receiver, Sender, channel};
use super::coordinator::{Coordinator, SourceCommand, TaskReport};
use super::exchange::{ECHO, Exchange, Route};
use super::fragment::{Fragment, cut, parallelisms};
use super::gate::InputGate;
use super::lookup::{LookupHead, LookupJoin};
use super::lookup_cache::LookupCache;
use super::metrics::{JobMetrics, SinkMetrics, SourceMetrics};
use super::source_task::{SourceSteps, SourceTask};
use super::task::{GateTask, TaskContext};
use super::watermarks::SplitWatermarks;
use crate::connectors::{DoorMetrics, OpenContext, Reporter, Split};
use crate::error::{Error, Result};
use crate::operators::{Calc, Limit, NotNull};
use crate::plan::stream_plan::{NodeKind, StreamPlan};
use crate::time::Clock;

/// How a job runs.
#[derive(Clone)]
pub struct JobConfig {
    pub name: Arc<str>,
    /// Subtasks per fragment at most (`parallelism.default`).
    pub parallelism: usize,
    pub clock: Arc<dyn Clock>,
    /// `execution.checkpointing.interval`; `None` for none.
    pub epoch_interval: Option<Duration>,
    /// Rows in a micro-batch at most.
    pub batch_rows: usize,
    /// Where waiting and retries are told to people, beside the job's metrics.
    pub reporter: Reporter,
}

/// How a job ended without an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JobEnd {
    /// All data was read, or no more was needed.
    Finished,
    /// It was stopped; rows in flight have arrived.
    Stopped,
}

/// What all tasks of a job watch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    Run,
    Stop,
    /// The only sink needs no more rows.
    Satisfied,
}

/// A running job. Dropping it ends the job at once, without flushing.
pub struct JobHandle {
    pub name: Arc<str>,
    pub metrics: Arc<JobMetrics>,
    signal: watch::Sender<Signal>,
    done: JoinHandle<Result<JobEnd>>,
}

impl JobHandle {
    /// Asks the job to stop: sources stop, rows in flight arrive at the sinks, sinks flush.
    pub fn stop(&self) {
        self.signal.send_replace(Signal::Stop);
    }

    /// Something to stop the job with while another waits for it.
    pub fn stopper(&self) -> impl Fn() + Send + Sync + 'static {
        let signal = self.signal.clone();
        move || {
            signal.send_replace(Signal::Stop);
        }
    }

    pub fn is_done(&self) -> bool {
        self.done.is_finished()
    }

    /// Waits for the end. Cancel safe.
    pub async fn wait(&mut self) -> Result<JobEnd> {
        match (&mut self.done).await {
            Ok(result) => result,
            Err(error) => Err(panicked(&self.name, error)),
        }
    }
}

impl Drop for JobHandle {
    fn drop(&mut self) {
        self.done.abort();
    }
}

fn panicked(job: &str, error: tokio::task::JoinError) -> Error {
    if !error.is_panic() {
        return Error::external(format!("job \"{job}\" was ended"));
    }
    let payload = error.into_panic();
    let said = payload.downcast_ref::<String>().cloned();
    let said = said.or_else(|| payload.downcast_ref::<&str>().map(|s| s.to_string())).unwrap_or_default();
    Error::internal(format!("job \"{job}\": a task panicked: {said}"))
}

/// Starts a plan. Returns at once; a failure to open a door is the job's failure.
pub fn start(plan: StreamPlan, config: JobConfig) -> JobHandle {
    let (signal, watched) = watch::channel(Signal::Run);
    let metrics = Arc::new(metrics_of(&plan));
    let name = config.name.clone();
    let job = Job { plan, config, metrics: metrics.clone(), signal: signal.clone() };
    let done = super::spawn(job.run(watched));
    JobHandle { name, metrics, signal, done }
}

fn metrics_of(plan: &StreamPlan) -> JobMetrics {
    let mut metrics = JobMetrics::default();
    for node in &plan.nodes {
        match &node.kind {
            NodeKind::Source(source) => {
                metrics.sources.push(Arc::new(SourceMetrics::new(&source.table, source.watermark.is_some())));
            }
            NodeKind::Sink(sink) => metrics.sinks.push(Arc::new(SinkMetrics::new(&sink.table))),
            _ => {}
        }
    }
    metrics
}

struct Job {
    plan: StreamPlan,
    config: JobConfig,
    metrics: Arc<JobMetrics>,
    signal: watch::Sender<Signal>,
}

/// The channels into one fragment: per subtask its receivers, per input edge the senders to all subtasks.
struct Wiring {
    receivers: Vec<Vec<Receiver>>,
}

impl Job {
    async fn run(self, mut watched: watch::Receiver<Signal>) -> Result<JobEnd> {
        let mut tasks = JoinSet::new();
        let opened = tokio::select! {
            biased;
            _ = stopped(&mut watched) => return Ok(JobEnd::Stopped),
            opened = self.open(&mut tasks) => opened,
        };
        opened?;
        self.metrics.set_waiting_for("");
        let mut echo = None;
        while let Some(ended) = tasks.join_next().await {
            match ended {
                Ok(Ok(())) => {}
                Ok(Err(error)) if error.message() == ECHO => echo = Some(error),
                Ok(Err(error)) => {
                    tasks.abort_all();
                    while tasks.join_next().await.is_some() {}
                    return Err(error);
                }
                Err(error) if error.is_cancelled() => {}
                Err(error) => return Err(panicked(&self.config.name, error)),
            }
        }
        if let Some(echo) = echo {
            return Err(echo);
        }
        let signal = *self.signal.borrow();
        Ok(if signal == Signal::Stop { JobEnd::Stopped } else { JobEnd::Finished })
    }

    /// Opens all doors and spawns all tasks: sinks before sources, so that nothing is read that can't be written.
    async fn open(&self, tasks: &mut JoinSet<Result<()>>) -> Result<()> {
        let fragments = cut(&self.plan);
        let splits = self.splits(&fragments).await?;
        let widths = parallelisms(&self.plan, &fragments, self.config.parallelism, |head| {
            splits.get(&head).map_or(1, |per_subtask| per_subtask.len().max(1))
        });
        let task_count = widths.iter().sum();
        let (reports, report_receiver) = mpsc::unbounded_channel();
        let mut commands = Vec::new();
        let mut wirings: Vec<Wiring> =
            widths.iter().map(|&n| Wiring { receivers: (0..n).map(|_| Vec::new()).collect() }).collect();
        let mut built: Vec<BuiltTask> = Vec::new();
        let mut next_id = 0;
        let exchanges = self.exchanges(&fragments, &widths, &mut wirings);
        let mut exchanges = exchanges.into_iter();
        for (f, fragment) in fragments.iter().enumerate() {
            for subtask in 0..widths[f] {
                let context = TaskContext {
                    id: next_id,
                    clock: self.config.clock.clone(),
                    signal: self.signal.clone(),
                    may_end_job: self.metrics.sinks.len() == 1,
                    reports: reports.clone(),
                };
                next_id += 1;
                let outgoing = exchanges.next().unwrap_or_default();
                let chain = self.chain(fragment, subtask, widths[f], outgoing).await?;
                built.push(BuiltTask { fragment: f, subtask, chain, context });
            }
        }
        drop(reports);
        for task in built {
            let fragment = &fragments[task.fragment];
            let width = widths[task.fragment];
            let id = task.context.id;
            let ended = task.context.clone();
            let run: futures::future::BoxFuture<'static, Result<()>> = match &self.plan.nodes[fragment.head].kind {
                NodeKind::Source(_) => {
                    let (sender, receiver) = mpsc::channel(4);
                    commands.push(sender);
                    let mine = splits.get(&fragment.head).and_then(|s| s.get(task.subtask)).cloned();
                    let source =
                        self.source_task(fragment.head, task, mine.unwrap_or_default(), width, receiver).await?;
                    match source {
                        Opened::Reading(source) => {
                            let watched = self.signal.subscribe();
                            Box::pin(source.run(watched))
                        }
                        Opened::Empty(mut chain) => {
                            Box::pin(async move { chain.end(crate::changelog::EndKind::Data).await })
                        }
                    }
                }
                _ => {
                    let receivers = std::mem::take(&mut wirings[task.fragment].receivers[task.subtask]);
                    let lookup = self.lookup(fragment.head, task.subtask, width).await?;
                    let gate = InputGate::new(receivers);
                    Box::pin(GateTask { gate, lookup, chain: task.chain, context: task.context }.run())
                }
            };
            spawn_task(tasks, id, ended, run);
        }
        self.coordinate(commands, task_count, report_receiver);
        Ok(())
    }

    fn coordinate(
        &self,
        sources: Vec<mpsc::Sender<SourceCommand>>,
        tasks: usize,
        reports: mpsc::UnboundedReceiver<TaskReport>,
    ) {
        if let Some(interval) = self.config.epoch_interval {
            let metrics = self.metrics.clone();
            super::spawn(Coordinator { interval, sources, tasks, reports, metrics }.run());
        }
    }

    /// The splits of every source, dealt to its subtasks in turn.
    async fn splits(&self, fragments: &[Fragment]) -> Result<HashMap<usize, Vec<Vec<Split>>>> {
        let mut dealt = HashMap::new();
        for fragment in fragments {
            let NodeKind::Source(node) = &self.plan.nodes[fragment.head].kind else { continue };
            let context = self.context(0, 1, self.source_metrics(fragment.head).door.clone());
            let splits = node.source.splits(&context).await?;
            let width = node.source.parallelism().unwrap_or(self.config.parallelism).clamp(1, splits.len().max(1));
            let mut per_subtask = vec![Vec::new(); width];
            for (i, split) in splits.into_iter().enumerate() {
                per_subtask[i % width].push(split);
            }
            dealt.insert(fragment.head, per_subtask);
        }
        Ok(dealt)
    }

    /// Makes the channels of every edge: the outgoing edges of every subtask, fragments and subtasks in order.
    fn exchanges(
        &self,
        fragments: &[Fragment],
        widths: &[usize],
        wirings: &mut [Wiring],
    ) -> Vec<Vec<(Option<usize>, Exchange)>> {
        let mut outgoing = Vec::new();
        for (f, fragment) in fragments.iter().enumerate() {
            for subtask in 0..widths[f] {
                let mut edges = Vec::new();
                for edge in &fragment.edges {
                    let targets = match edge.route {
                        Route::Forward => vec![subtask % widths[edge.to]],
                        Route::Hash(_) => (0..widths[edge.to]).collect(),
                    };
                    let senders: Vec<Sender> = targets
                        .into_iter()
                        .map(|target| {
                            let (sender, receiver) = channel();
                            wirings[edge.to].receivers[target].push(receiver);
                            sender
                        })
                        .collect();
                    edges.push((edge.from, Exchange::new(senders, edge.route.clone())));
                }
                outgoing.push(edges);
            }
        }
        outgoing
    }

    /// The operators, writers and outgoing edges of one subtask.
    async fn chain(
        &self,
        fragment: &Fragment,
        subtask: usize,
        width: usize,
        outgoing: Vec<(Option<usize>, Exchange)>,
    ) -> Result<Chain> {
        let mut chain = Chain::new();
        let mut stages: HashMap<usize, usize> = HashMap::new();
        for &(id, before) in &fragment.members {
            let node = &self.plan.nodes[id];
            let input_schema = &self.plan.nodes[node.inputs[0]].schema;
            let body = match &node.kind {
                NodeKind::Calc(calc) => {
                    let projection = calc.projection.clone().map(|exprs| (exprs, node.schema.clone()));
                    Body::Operator(Box::new(Calc::try_new(input_schema, calc.predicate.clone(), projection)?))
                }
                NodeKind::Limit { skip, fetch } => Body::Operator(Box::new(Limit::new(*skip, *fetch))),
                NodeKind::NotNull { columns, on_null } => {
                    Body::Operator(Box::new(NotNull::new(node.schema.clone(), columns.clone(), *on_null)))
                }
                NodeKind::Sink(sink) => {
                    let metrics = self.sink_metrics(id);
                    let context = self.context(subtask, width, metrics.door.clone());
                    Body::Writer { writer: sink.sink.open(&context).await?, metrics }
                }
                other => return Err(Error::internal(format!("a {other:?} inside a fragment"))),
            };
            let parent = before.and_then(|before| stages.get(&before).copied());
            stages.insert(id, chain.add(parent, body));
        }
        for (from, exchange) in outgoing {
            let parent = from.and_then(|from| stages.get(&from).copied());
            chain.add(parent, Body::Exchange(exchange));
        }
        Ok(chain)
    }

    async fn source_task(
        &self,
        head: usize,
        task: BuiltTask,
        splits: Vec<Split>,
        width: usize,
        commands: mpsc::Receiver<SourceCommand>,
    ) -> Result<Opened> {
        let NodeKind::Source(node) = &self.plan.nodes[head].kind else {
            return Err(Error::internal("a source task without a source"));
        };
        if splits.is_empty() {
            return Ok(Opened::Empty(task.chain));
        }
        let metrics = self.source_metrics(head);
        let context = self.context(task.subtask, width, metrics.door.clone());
        let ids: Vec<Arc<str>> = splits.iter().map(|s| s.id.as_str().into()).collect();
        let reader = node.source.open(splits, &context).await?;
        let idle_timeout = node.watermark.as_ref().and_then(|w| w.idle_timeout);
        Ok(Opened::Reading(Box::new(SourceTask {
            reader,
            steps: SourceSteps::try_new(node)?,
            watermarks: SplitWatermarks::new(ids, idle_timeout, metrics.clone()),
            chain: task.chain,
            commands,
            metrics,
            context: task.context,
            snapshots: Vec::new(),
        })))
    }

    async fn lookup(&self, head: usize, subtask: usize, width: usize) -> Result<Option<LookupHead>> {
        let node = &self.plan.nodes[head];
        let NodeKind::LookupJoin(join) = &node.kind else { return Ok(None) };
        let context = self.context(subtask, width, Arc::default());
        let lookup = join.lookup.open(&join.request, &context).await?;
        Ok(Some(LookupHead::new(LookupJoin {
            lookup,
            keys: join.keys.clone(),
            key_schema: join.key_schema.clone(),
            right_schema: join.right_schema.clone(),
            output_schema: node.schema.clone(),
            outer: join.outer,
            condition: join.condition.clone(),
            cache: join.lookup.cache().map(|options| std::sync::Mutex::new(LookupCache::new(options))),
        })))
    }

    fn context(&self, subtask: usize, parallelism: usize, metrics: Arc<DoorMetrics>) -> OpenContext {
        let job_metrics = self.metrics.clone();
        let outer = self.config.reporter.clone();
        OpenContext {
            job: self.config.name.clone(),
            subtask,
            parallelism,
            clock: self.config.clock.clone(),
            reporter: Reporter::new(move |line| {
                job_metrics.set_waiting_for(line);
                outer.tell(line);
            }),
            metrics,
            batch_rows: self.config.batch_rows,
        }
    }

    fn source_metrics(&self, node: usize) -> Arc<SourceMetrics> {
        let position = self.plan.nodes[..node].iter().filter(|n| matches!(n.kind, NodeKind::Source(_))).count();
        self.metrics.sources[position].clone()
    }

    fn sink_metrics(&self, node: usize) -> Arc<SinkMetrics> {
        let position = self.plan.nodes[..node].iter().filter(|n| matches!(n.kind, NodeKind::Sink(_))).count();
        self.metrics.sinks[position].clone()
    }
}

struct BuiltTask {
    fragment: usize,
    subtask: usize,
    chain: Chain,
    context: TaskContext,
}

/// A source's subtask: with splits to read, or idle from the start because it has none.
enum Opened {
    Reading(Box<SourceTask>),
    Empty(Chain),
}

#[allow(clippy::disallowed_methods)] // the one door to a job's tasks: they die with their set
fn spawn_task(
    tasks: &mut JoinSet<Result<()>>,
    id: usize,
    context: TaskContext,
    run: futures::future::BoxFuture<'static, Result<()>>,
) {
    tasks.spawn(async move {
        let result = run.await;
        context.report(TaskReport::Ended(id));
        result
    });
}

async fn stopped(watched: &mut watch::Receiver<Signal>) {
    if watched.wait_for(|signal| *signal == Signal::Stop).await.is_err() {
        std::future::pending::<()>().await;
    }
}
