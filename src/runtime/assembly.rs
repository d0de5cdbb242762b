//! Opens a job: splits, sinks, lookups and readers, put together as tasks that only have to be run.

use std::collections::HashMap;
use std::sync::Arc;

use futures::future::BoxFuture;
use tokio::sync::{mpsc, watch};

use super::chain::{Body, Chain};
use super::coordinator::{SourceCommand, TaskReport, Unresumable};
use super::costs::TaskCost;
use super::dead_letters::DeadLetterWriter;
use super::exchange::Exchange;
use super::fragment::{Fragment, cut, parallelisms};
use super::gate::InputGate;
use super::job::{JobConfig, Signal};
use super::lookup::{LookupHead, LookupJoin};
use super::lookup_cache::LookupCache;
use super::metrics::{JobMetrics, LookupMetrics, SinkMetrics, SourceMetrics, WindowMetrics};
use super::source_task::{SourceSteps, SourceTask};
use super::staging::{TaskSnapshot, split_state};
use super::start::{RestoredState, Started};
use super::state_meter::StateMeter;
use super::task::{GateTask, TaskContext};
use super::watermarks::SplitWatermarks;
use super::wiring::{Wiring, wire};
use crate::changelog::EndKind;
use crate::changelog::rejects::{ErrorHandling, Handling};
use crate::checkpoint::{Owner, SourceState, SplitState};
use crate::connectors::{DoorMetrics, EpochRoom, OpenContext, Split, WriterEpochs};
use crate::error::{Error, Result};
use crate::operators::{
    Calc, ChangelogNormalize, ConstraintEnforcer, CurrentWatermark, Expand, GroupAggregate, LateRows, Limit,
    LocalGroupAggregate, MiniBatchAssigner, PaneShape, SinkUpsertMaterializer, Unnest,
};
use crate::plan::identity::{Keeper, keepers};
use crate::plan::stream_plan::{GroupAggregateNode, NodeKind, OnReject, SourceNode, StreamPlan};
use crate::startup;
use crate::state::Snapshot;
use crate::time::Watermark;

/// What is needed to open a job.
pub struct Assembly<'a> {
    pub plan: &'a StreamPlan,
    pub config: &'a JobConfig,
    pub metrics: Arc<JobMetrics>,
    pub signal: watch::Sender<Signal>,
    /// The plan's tables of dead letters, open.
    pub dead_letters: Vec<Arc<DeadLetterWriter>>,
    /// Of a job with checkpoints.
    pub started: Option<&'a Started>,
    /// Where writers say that an epoch should end.
    pub room: Arc<EpochRoom>,
}

/// A job with all its doors open and nothing running.
pub struct Assembled {
    pub tasks: Vec<Task>,

    /// The coordinator's way to every source task.
    pub commands: Vec<mpsc::Sender<SourceCommand>>,
    /// What the tasks tell the coordinator. Unbounded, but a task says two things per epoch at most, and epochs wait
    /// for each other.
    pub reports: mpsc::UnboundedReceiver<TaskReport>,
    /// The tasks that read what can't be resumed, and their tables.
    pub unresumable: Unresumable,
    /// Where every source begins.
    pub sources: Vec<SourceState>,
}

/// A subtask that is ready to run.
pub struct Task {
    pub run: BoxFuture<'static, Result<()>>,
}

/// The splits of every source node, per subtask.
type Dealt = HashMap<usize, Vec<Vec<Split>>>;

/// A subtask whose sinks are open.
struct Built {
    fragment: usize,
    subtask: usize,
    chain: Chain,
    context: TaskContext,
    /// Where its task is charged.
    cost: Option<Arc<TaskCost>>,
}

impl Assembly<'_> {
    /// Opens all doors: sinks before sources, so that nothing is read that can't be written.
    ///
    /// Cancel safe: what was opened is closed by dropping it, and no row has been read.
    pub async fn open(&self) -> Result<Assembled> {
        let fragments = cut(self.plan);
        let keepers = keepers(self.plan);
        let splits = self.splits(&fragments, &keepers).await?;
        startup::done(|| "splits found");
        let widths = parallelisms(self.plan, &fragments, self.config.parallelism, |head| {
            splits.get(&head).map_or(1, |per_subtask| per_subtask.len().max(1))
        });
        let (reporting, reports) = mpsc::unbounded_channel();
        let mut wiring = wire(&fragments, &widths);
        let built = self.chains(&fragments, &widths, &mut wiring, reporting, &keepers).await?;
        let (mut commands, mut unresumable) = (Vec::new(), Unresumable::new());
        let mut tasks = Vec::with_capacity(built.len());
        for built in built {
            let fragment = &fragments[built.fragment];
            let width = widths[built.fragment];
            let run = match &self.plan.nodes[fragment.head].kind {
                NodeKind::Source(node) => {
                    let (sender, receiver) = mpsc::channel(4);
                    commands.push(sender);
                    let mine = splits.get(&fragment.head).and_then(|s| s.get(built.subtask)).cloned();
                    let identity = identity(&keepers[fragment.head]);
                    if !node.source.resumes() {
                        unresumable.insert(built.context.id, node.table.clone());
                    }
                    let cost = built.cost.clone();
                    let mine = mine.unwrap_or_default();
                    let run = self.source_task(node, (fragment.head, identity), built, mine, width, receiver).await?;
                    charged(cost, run)
                }
                _ => {
                    let receivers = std::mem::take(&mut wiring.receivers[built.fragment][built.subtask]);
                    let lookup = self.lookup(fragment.head, built.subtask, width).await?;
                    let gate = InputGate::new(receivers);
                    let task = GateTask { gate, lookup, chain: built.chain, context: built.context };
                    charged(built.cost, Box::pin(task.run()))
                }
            };
            tasks.push(Task { run });
        }
        let sources = self.source_states(&splits, &keepers);
        Ok(Assembled { tasks, commands, reports, unresumable, sources })
    }

    /// Where every source begins, as a checkpoint has it.
    fn source_states(&self, dealt: &Dealt, keepers: &[Option<Keeper>]) -> Vec<SourceState> {
        let mut states: Vec<SourceState> = Vec::new();
        for (&head, subtasks) in dealt {
            let NodeKind::Source(node) = &self.plan.nodes[head].kind else { continue };
            let identity = identity(&keepers[head]);
            let splits = subtasks.iter().flatten().map(|split| {
                let watermark = self.restored_watermark(&identity, &split.id);
                split_state(&split.id, &split.position, watermark)
            });
            states.push(SourceState {
                identity: identity.clone(),
                table: node.table.clone(),
                splits: splits.collect(),
            });
        }
        states.sort_by(|a, b| a.identity.cmp(&b.identity));
        states
    }

    fn restored_splits(&self, identity: &str) -> Option<&Vec<SplitState>> {
        self.started?.restored.as_ref()?.sources.get(identity)
    }

    fn restored_watermark(&self, identity: &str, split: &str) -> Option<i64> {
        self.restored_splits(identity)?.iter().find(|known| known.id == split)?.watermark
    }

    /// The splits of every source, dealt to its subtasks in turn. A source has at most as many subtasks as splits.
    async fn splits(&self, fragments: &[Fragment], keepers: &[Option<Keeper>]) -> Result<Dealt> {
        let mut dealt = HashMap::new();
        for fragment in fragments {
            let NodeKind::Source(node) = &self.plan.nodes[fragment.head].kind else { continue };
            let door = self.source_metrics(fragment.head).door.clone();
            let context = self.context(0, 1, door, ErrorHandling::Fail);
            let identity = identity(&keepers[fragment.head]);
            let splits = match self.restored_splits(&identity) {
                // What can't be resumed was read to its end, or not at all.
                Some(known) if !node.source.resumes() => match known.is_empty() {
                    true => Vec::new(),
                    false => node.source.splits(&context).await?,
                },
                Some(known) => {
                    let known = known.iter().map(|s| Split { id: s.id.clone(), position: s.position.clone() });
                    node.source.splits_after(known.collect(), &context).await?
                }
                None => node.source.splits(&context).await?,
            };
            let width = node.source.parallelism().unwrap_or(self.config.parallelism).clamp(1, splits.len().max(1));
            let mut per_subtask = vec![Vec::new(); width];
            for (i, split) in splits.into_iter().enumerate() {
                per_subtask[i % width].push(split);
            }
            dealt.insert(fragment.head, per_subtask);
        }
        Ok(dealt)
    }

    /// The chains of all subtasks, numbered as tasks; opens the sinks.
    async fn chains(
        &self,
        fragments: &[Fragment],
        widths: &[usize],
        wiring: &mut Wiring,
        reports: mpsc::UnboundedSender<TaskReport>,
        keepers: &[Option<Keeper>],
    ) -> Result<Vec<Built>> {
        let mut built = Vec::new();
        for (f, fragment) in fragments.iter().enumerate() {
            for (subtask, outgoing) in std::mem::take(&mut wiring.outgoing[f]).into_iter().enumerate() {
                let context = TaskContext {
                    id: built.len(),
                    clock: self.config.clock.clone(),
                    signal: self.signal.clone(),
                    may_end_job: self.metrics.sinks.len() == 1,
                    reports: reports.clone(),
                };
                let mut chain = self.chain(fragment, subtask, widths[f], outgoing, keepers).await?;
                let cost = self.config.costs.as_ref().map(|costs| {
                    // Its stages, in their order: the members, then the edges, which are the cost of where they lead.
                    let members = fragment.members.iter().map(|&(node, _)| node);
                    let nodes = members.chain(fragment.edges.iter().map(|edge| fragments[edge.to].head));
                    costs.charge(&mut chain, fragment.head, nodes)
                });
                built.push(Built { fragment: f, subtask, chain, context, cost });
            }
        }
        Ok(built)
    }

    /// The operators, writers and outgoing edges of one subtask.
    async fn chain(
        &self,
        fragment: &Fragment,
        subtask: usize,
        width: usize,
        outgoing: Vec<(Option<usize>, Exchange)>,
        keepers: &[Option<Keeper>],
    ) -> Result<Chain> {
        let mut chain = Chain::new(self.dead_letters.clone()).with_clock(self.config.clock.clone());
        if let Some(started) = self.started {
            chain.begin(started.first, self.metrics.clone());
        }
        let mut stages: HashMap<usize, usize> = HashMap::new();
        for &(id, before) in &fragment.members {
            let body = self.body(id, subtask, width).await?;
            let parent = before.and_then(|before| stages.get(&before).copied());
            let keeps_state = matches!(&body, Body::Operator(operator) if operator.state_size().is_some());
            let stage = chain.add(parent, body);
            if keeps_state {
                let memory = &self.metrics.memory;
                let operator = memory.operator(id, &self.plan.nodes[id]);
                chain.measure(stage, StateMeter::new(memory.clone(), operator));
            }
            if let (Some(started), Some(keeper)) = (self.started, &keepers[id]) {
                let (identity, about) = (keeper.identity.to_string(), keeper.text.clone());
                let restored = started.restored.as_ref().and_then(|restored| restored.operators.get(&identity));
                let restored = restored.map(|parts| share(parts, subtask, width)).transpose()?;
                let owner = Arc::new(Owner { identity, about, subtask, parallelism: width });
                chain.keep(stage, owner, restored.as_ref())?;
            }
            if let Some(window) = self.window_metrics(id) {
                chain.watch(stage, window.gauge());
            }
            stages.insert(id, stage);
        }
        for (from, exchange) in outgoing {
            let parent = from.and_then(|from| stages.get(&from).copied());
            chain.add(parent, Body::Exchange(exchange));
        }
        Ok(chain)
    }

    /// The running form of a node behind a fragment's head.
    pub async fn body(&self, id: usize, subtask: usize, width: usize) -> Result<Body> {
        let node = &self.plan.nodes[id];
        Ok(match &node.kind {
            NodeKind::Calc(calc) => {
                let input = &self.plan.nodes[node.inputs[0]].schema;
                let projection = calc.projection.clone().map(|exprs| (exprs, node.schema.clone()));
                Body::Operator(Box::new(Calc::try_new(input, calc.predicate.clone(), projection)?))
            }
            NodeKind::GroupAggregate(node_kind) => {
                let input = self.plan.nodes[node.inputs[0]].schema.clone();
                let GroupAggregateNode { key, calls, retracts, tells_before, ttl, bundle, partials, .. } =
                    node_kind.clone();
                let schema = node.schema.clone();
                let operator = GroupAggregate::try_new(&input, key, calls, retracts, tells_before, schema)?
                    .with_ttl(ttl)
                    .with_bundles(bundle)
                    .of_partials(partials);
                Body::Operator(Box::new(operator))
            }
            NodeKind::LocalGroupAggregate(local) => {
                let input = self.plan.nodes[node.inputs[0]].schema.clone();
                let shape = PaneShape::try_new(input, local.key.clone(), local.calls.clone(), local.retracts)?;
                Body::Operator(Box::new(LocalGroupAggregate::try_new(shape, local.rows, node.schema.clone())?))
            }
            NodeKind::MiniBatchAssigner(node) => {
                let interval_ms = i64::try_from(node.interval.as_millis()).unwrap_or(i64::MAX);
                Body::Operator(Box::new(MiniBatchAssigner::new(node.mode, interval_ms)))
            }
            NodeKind::ChangelogNormalize(normalize) => {
                let (key, condition) = (normalize.key.clone(), normalize.condition.clone());
                let operator =
                    ChangelogNormalize::try_new(key, condition, normalize.tells_before, node.schema.clone())?;
                Body::Operator(Box::new(operator.with_ttl(normalize.ttl)))
            }
            NodeKind::WindowTable(_) | NodeKind::LocalWindowAggregate(_) | NodeKind::WindowAggregate(_) => {
                let input = self.plan.nodes[node.inputs[0]].schema.clone();
                Body::Operator(super::windows::operator(node, input, &self.late_rows(id))?)
            }
            NodeKind::Expand(expand) => {
                let (keys, sets) = (expand.keys.clone(), expand.sets.clone());
                Body::Operator(Box::new(Expand::new(expand.columns, keys, sets, node.schema.clone())))
            }
            NodeKind::Unnest(unnest) => Body::Operator(Box::new(Unnest::new(unnest.shape.clone()))),
            NodeKind::CurrentWatermark => Body::Operator(Box::new(CurrentWatermark::new(node.schema.clone()))),
            NodeKind::Limit { skip, fetch } => Body::Operator(Box::new(Limit::new(*skip, *fetch))),
            NodeKind::ConstraintEnforcer(enforcer) => {
                let constraints = enforcer.constraints.clone();
                let errors = self.errors(enforcer.on_reject, &constraints.table);
                Body::Operator(Box::new(ConstraintEnforcer::new(node.schema.clone(), constraints, errors)))
            }
            NodeKind::SinkUpsertMaterializer(materializer) => {
                let (key, upsert_key) = (materializer.primary_key.clone(), materializer.upsert_key.clone());
                let dealt_by = materializer.dealt_by.clone().unwrap_or_else(|| key.clone());
                let operator = SinkUpsertMaterializer::try_new(node.schema.clone(), key, upsert_key)?;
                let operator = operator.dealt_by(dealt_by);
                Body::Operator(Box::new(operator.with_ttl(materializer.ttl)))
            }
            NodeKind::Sink(sink) => {
                let metrics = self.sink_metrics(id);
                let errors = self.errors(sink.on_reject, &sink.table);
                let may_reject = errors.handles() || (sink.on_reject.is_none() && self.sources_handle());
                let context = self.context(subtask, width, metrics.door.clone(), errors);
                let epochs = if sink.exactly_once { self.writer_epochs(id) } else { None };
                let stages = epochs.as_ref().map(|epochs| (epochs.sink, subtask));
                let context = OpenContext { may_reject, epochs, ..context };
                let writer = sink.sink.open(&context).await?;
                startup::done_of(width, || format!("sink {} open", sink.table));
                Body::Writer { writer, metrics, stages }
            }
            other => return Err(Error::internal(format!("a {other:?} inside a fragment"))),
        })
    }

    /// What a writer of a sink needs to write exactly once.
    fn writer_epochs(&self, node: usize) -> Option<WriterEpochs> {
        let started = self.started?;
        let sink = self.plan.nodes[..node].iter().filter(|n| matches!(n.kind, NodeKind::Sink(_))).count();
        let target = started.targets.iter().find(|target| target.sinks.iter().any(|known| known.sink == sink))?;
        Some(WriterEpochs {
            mode: started.mode,
            sink,
            committer: target.committer.clone(),
            first: started.first,
            room: self.room.clone(),
        })
    }

    async fn source_task(
        &self,
        node: &SourceNode,
        (head, identity): (usize, String),
        built: Built,
        splits: Vec<Split>,
        width: usize,
        commands: mpsc::Receiver<SourceCommand>,
    ) -> Result<BoxFuture<'static, Result<()>>> {
        let mut chain = built.chain;
        if splits.is_empty() {
            // A bounded source without a part, such as an empty folder: its data is all read.
            let context = built.context;
            let source = SourceState { identity, table: node.table.clone(), splits: Vec::new() };
            return Ok(Box::pin(async move {
                let snapshot = chain.end(EndKind::Data).await?;
                context.ended(Some(TaskSnapshot { source: Some(source), ..snapshot }));
                Ok(())
            }));
        }
        let metrics = self.source_metrics(head);
        let errors = self.errors(Some(node.on_reject), &node.table);
        let context = self.context(built.subtask, width, metrics.door.clone(), errors.clone());
        let ids: Vec<Arc<str>> = splits.iter().map(|s| s.id.as_str().into()).collect();
        let reader = node.source.open(splits, &context).await?;
        startup::done_of(width, || format!("source {} open", node.table));
        let idle_timeout = node.watermark.as_ref().and_then(|w| w.idle_timeout);
        let (steps, now) = (SourceSteps::try_new(node)?, super::timer::now());
        let mut watermarks = SplitWatermarks::new(ids.clone(), idle_timeout, steps.pace(), metrics.clone(), now);
        for id in &ids {
            if let Some(watermark) = self.restored_watermark(&identity, id) {
                watermarks.restore(id, Watermark(watermark));
            }
        }
        let task = SourceTask {
            reader,
            steps,
            watermarks,
            chain,
            commands,
            metrics,
            context: built.context,
            errors,
            identity,
            resumes: node.source.resumes(),
            snapshots: Vec::new(),
        };
        Ok(Box::pin(task.run(self.signal.subscribe())))
    }

    async fn lookup(&self, head: usize, subtask: usize, width: usize) -> Result<Option<LookupHead>> {
        let node = &self.plan.nodes[head];
        let NodeKind::LookupJoin(join) = &node.kind else { return Ok(None) };
        let errors = self.errors(join.on_reject, &join.table);
        let metrics = self.lookup_metrics(head);
        let context = self.context(subtask, width, metrics.door.clone(), errors.clone());
        let lookup = join.lookup.open(&join.request, &context).await?;
        startup::done_of(width, || format!("lookup {} open", join.table));
        Ok(Some(LookupHead::new(LookupJoin {
            lookup,
            keys: join.keys.clone(),
            key_schema: join.key_schema.clone(),
            right_schema: join.right_schema.clone(),
            output_schema: node.schema.clone(),
            outer: join.outer,
            condition: join.condition.clone(),
            cache: join.lookup.cache().map(|options| std::sync::Mutex::new(LookupCache::new(options))),
            errors,
            metrics,
        })))
    }

    /// True where a table that is read says what becomes of rejected rows.
    fn sources_handle(&self) -> bool {
        let handles = |node: &SourceNode| matches!(node.on_reject, OnReject::Skip | OnReject::DeadLetter(_));
        self.plan.nodes.iter().any(|node| matches!(&node.kind, NodeKind::Source(node) if handles(node)))
    }

    /// What becomes of rows that can't be processed, for a node of `table`.
    fn errors(&self, on_reject: Option<OnReject>, table: &str) -> ErrorHandling {
        let letters = match on_reject {
            None => return ErrorHandling::Unset,
            Some(OnReject::Fail) => return ErrorHandling::Fail,
            Some(OnReject::Skip) => None,
            Some(OnReject::DeadLetter(i)) => Some(self.dead_letters[i].letters.clone()),
        };
        let counts = self.metrics.rejected.clone();
        ErrorHandling::Handle(Arc::new(Handling { table: table.into(), letters, counts }))
    }

    fn context(
        &self,
        subtask: usize,
        parallelism: usize,
        metrics: Arc<DoorMetrics>,
        errors: ErrorHandling,
    ) -> OpenContext {
        OpenContext {
            job: self.config.name.clone(),
            subtask,
            parallelism,
            clock: self.config.clock.clone(),
            reporter: self.metrics.reporter(&self.config.name, &self.config.reporter),
            metrics,
            batch_rows: self.config.batch_rows,
            errors,
            may_reject: false,
            epochs: None,
        }
    }

    /// The count of late rows of a node.
    fn late_rows(&self, node: usize) -> LateRows {
        self.window_metrics(node).map(|window| window.late.clone()).unwrap_or_default()
    }

    fn window_metrics(&self, node: usize) -> Option<&Arc<WindowMetrics>> {
        self.metrics.windows.iter().find(|window| window.node == node)
    }

    fn lookup_metrics(&self, node: usize) -> Arc<LookupMetrics> {
        let position = self.plan.nodes[..node].iter().filter(|n| matches!(n.kind, NodeKind::LookupJoin(_))).count();
        self.metrics.lookups[position].clone()
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

/// A task that tells what it costs, where somebody wants to know.
fn charged(cost: Option<Arc<TaskCost>>, task: BoxFuture<'static, Result<()>>) -> BoxFuture<'static, Result<()>> {
    match cost {
        Some(cost) => Box::pin(async move { cost.charged(task).await }),
        None => task,
    }
}

/// The identity of a node that keeps something.
fn identity(keeper: &Option<Keeper>) -> String {
    keeper.as_ref().map(|keeper| keeper.identity.to_string()).unwrap_or_default()
}

/// What a subtask goes on with of what the subtasks of an operator knew.
fn share(parts: &[RestoredState], subtask: usize, width: usize) -> Result<Snapshot> {
    let mut parts: Vec<&RestoredState> = parts.iter().collect();
    parts.sort_by_key(|part| part.subtask);
    let is_whole = |(at, part): (usize, &&RestoredState)| part.subtask == at && part.parallelism == parts.len();
    if !parts.iter().enumerate().all(is_whole) {
        return Err(Error::state("the checkpoint doesn't have the state of all subtasks"));
    }
    let snapshots: Vec<Snapshot> = parts.iter().map(|part| part.snapshot.clone()).collect();
    Snapshot::rescaled(&snapshots, subtask, width)
}
