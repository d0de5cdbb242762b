//! The operators of a plan, driven by hand: no tasks, no queues, no clock. One subtask of each, or, behind exchanges by
//! key, as many as are asked for.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use tokio::sync::watch;

use super::rows::{batch, instant_text, lines, millis};
use super::text::Event;
use crate::changelog::{ChangelogBatch, EndKind, Epoch, StreamElement};
use crate::checkpoint::{
    DataReader, DataWriter, KnownPieces, Manifest, Owner, Store, manifest_of, read_snapshot, write_snapshot,
};
use crate::connectors::EpochMode;
use crate::error::Error;
use crate::operators::{BundleEnd, Operator, Output, Progress};
use crate::plan::stream_plan::{Distribution, NodeKind, StreamPlan};
use crate::plan::table::{Door, PlannedTable};
use crate::runtime::assembly::Assembly;
use crate::runtime::chain::Body;
use crate::runtime::exchange::split_by_key;
use crate::runtime::job::{JobConfig, Signal};
use crate::runtime::metrics::{JobMetrics, WindowMetrics};
use crate::runtime::source_task::SourceSteps;
use crate::runtime::tests::harness::config;
use crate::session::Session;
use crate::span::SourceText;
use crate::sql::{StatementKind, parse_script};
use crate::state::Snapshot;
use crate::time::{Clock, ManualClock, Watermark};
use crate::types::Schema;

/// A running plan.
pub struct Machine {
    plan: StreamPlan,
    /// What each table gives, by its name.
    tables: HashMap<String, Schema>,
    steps: HashMap<usize, SourceSteps>,
    /// The subtasks of every node that has operators.
    operators: BTreeMap<usize, Vec<Box<dyn Operator>>>,
    /// How many subtasks each node has.
    widths: Vec<usize>,
    config: JobConfig,
    metrics: Arc<JobMetrics>,
    clock: Arc<ManualClock>,
    /// Of subtasks with several inputs: the watermark of each.
    watermarks: HashMap<(Subtask, Subtask), Watermark>,
    /// What came to the sinks.
    told: Vec<String>,
    /// What is left when all changes are applied: rows by what tells them apart, and how often each is there.
    pub left: BTreeMap<String, (String, i64)>,
    ended: bool,
    /// Where its checkpoints lie, how many there were, and what the last one named.
    store: Store,
    epoch: u64,
    known: KnownPieces,
}

/// A node's number, and which of its subtasks.
type Subtask = (usize, usize);

/// Where a script may be restarted without another result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Restarts {
    /// A barrier ends a bundle, or a watermark is not known for a while.
    Nowhere,
    /// Rows of a batch are told together.
    BehindBatches,
    BehindRows,
}

/// What the source of a table gives.
fn given(table: &PlannedTable) -> Schema {
    match &table.door {
        Door::Connector { descriptor, .. } => descriptor.scan_schema(),
        Door::Registered { schema, .. } => schema.clone(),
    }
}

impl Machine {
    /// Plans the last statement of `sql`, the others being declarations and settings.
    pub async fn of(sql: &str) -> Self {
        let text = SourceText::new("script", sql);
        let clock = Arc::new(ManualClock::default());
        let mut session = Session::new().with_clock(clock.clone());
        session.set("parallelism.default", "1").expect("a setting");
        let statements: Vec<_> =
            parse_script(&text).into_iter().map(|s| s.unwrap_or_else(|e| panic!("{e} in\n{sql}"))).collect();
        let (query, declarations) = statements.split_last().expect("a query");
        for statement in declarations {
            if let Err(error) = session.execute_statement(statement, &text).await {
                panic!("{error} in\n{sql}");
            }
        }
        let planned = match &query.kind {
            StatementKind::Query(query) => session.script_query(query),
            StatementKind::Insert(insert) => session.script_inserts(std::slice::from_ref(insert.as_ref())),
            StatementKind::StatementSet(inserts) => session.script_inserts(inserts),
            _ => panic!("the last statement of a script is a query or an INSERT:\n{sql}"),
        };
        let (plan, tables) = planned.unwrap_or_else(|error| panic!("{error} in\n{sql}"));
        let windows = (0..plan.nodes.len()).map(|id| Arc::new(WindowMetrics::new(id, String::new(), false))).collect();
        let mut metrics = JobMetrics::default();
        metrics.windows = windows;
        let mut machine = Self {
            plan,
            tables: tables.into_iter().map(|table| (table.name.clone(), given(&table))).collect(),
            steps: HashMap::new(),
            operators: BTreeMap::new(),
            widths: Vec::new(),
            config: JobConfig { clock: clock.clone(), ..config(1) },
            metrics: Arc::new(metrics),
            clock,
            watermarks: HashMap::new(),
            told: Vec::new(),
            left: BTreeMap::new(),
            ended: false,
            store: Store::memory(),
            epoch: 0,
            known: KnownPieces::default(),
        };
        machine.build(1).await;
        machine
    }

    /// Makes new operators: `width` of each behind an exchange by key.
    async fn build(&mut self, width: usize) {
        self.widths.clear();
        self.operators.clear();
        self.known = KnownPieces::default();
        for node in &self.plan.nodes {
            let widest = node.inputs.iter().map(|&input| self.widths[input]).max().unwrap_or(1);
            self.widths.push(match &node.kind {
                NodeKind::Exchange(Distribution::Hash(_)) => width,
                NodeKind::Exchange(_) => 1,
                _ => widest,
            });
        }
        let (signal, _) = watch::channel(Signal::Run);
        let (plan, metrics) = (&self.plan, self.metrics.clone());
        let assembly = Assembly {
            plan,
            config: &self.config,
            metrics,
            signal,
            dead_letters: Vec::new(),
            started: None,
            room: Arc::default(),
        };
        for (id, node) in plan.nodes.iter().enumerate() {
            match &node.kind {
                NodeKind::Source(source) => {
                    self.steps.insert(id, SourceSteps::try_new(source).expect("steps of a source"));
                }
                NodeKind::Exchange(_) | NodeKind::Union | NodeKind::Sink(_) => {}
                _ => {
                    for subtask in 0..self.widths[id] {
                        match assembly.body(id, subtask, self.widths[id]).await.expect("an operator") {
                            Body::Operator(operator) => self.operators.entry(id).or_default().push(operator),
                            _ => panic!("{:?} is no operator", node.kind),
                        }
                    }
                }
            }
        }
    }

    /// False once the data has ended, or the job was stopped.
    pub fn runs(&self) -> bool {
        !self.ended
    }

    /// Bytes that all operators hold.
    pub fn held(&self) -> usize {
        self.operators.values().flatten().filter_map(|operator| operator.state_size()).map(|size| size.bytes).sum()
    }

    pub fn take_told(&mut self) -> Vec<String> {
        std::mem::take(&mut self.told)
    }

    /// Writes a checkpoint: only what is new since the one before.
    async fn checkpoint(&mut self) -> Manifest {
        self.epoch += 1;
        let (mut writer, mut noted) = (DataWriter::new(self.epoch.to_string()), KnownPieces::default());
        let mut states = Vec::new();
        for (id, subtasks) in &mut self.operators {
            let parallelism = subtasks.len();
            for (subtask, operator) in subtasks.iter_mut().enumerate() {
                let snapshot = operator.snapshot(Epoch(self.epoch)).expect("a snapshot");
                let owner =
                    Owner { identity: id.to_string(), about: operator.name().to_string(), subtask, parallelism };
                let state = write_snapshot(&mut writer, &owner, &snapshot, &self.known, &mut noted);
                states.push(state.expect("a snapshot that can be written"));
            }
        }
        writer.write(&self.store, "data").await.expect("a store that takes files");
        self.known = noted;
        let manifest = Manifest { operators: states, ..manifest_of(self.epoch, EpochMode::Held, &[]) };
        Manifest::decode(&manifest.encode().expect("a manifest")).expect("a manifest that is whole")
    }

    /// The state of every operator, by subtask, as a checkpoint keeps it.
    pub async fn states(&mut self) -> BTreeMap<usize, Vec<Snapshot>> {
        let manifest = self.checkpoint().await;
        let mut reader = DataReader::new(&self.store, "data");
        let mut states: BTreeMap<usize, Vec<Snapshot>> = BTreeMap::new();
        for state in &manifest.operators {
            let id = state.identity.parse().expect("the number of a node");
            let snapshot = read_snapshot(&mut reader, state).await.expect("a snapshot that is whole");
            states.entry(id).or_default().push(snapshot);
        }
        states
    }

    /// Gives new operators the state of each of another plan; what they refuse.
    pub async fn offer(&mut self, states: &BTreeMap<usize, Vec<Snapshot>>) -> Vec<Error> {
        self.build(1).await;
        let operators = self.operators.values_mut().flatten();
        let states = || states.values().flatten();
        operators.flat_map(|operator| states().filter_map(|state| operator.restore(state).err())).collect()
    }

    /// Where restarts leave all as it is.
    pub fn restarts(&self) -> Restarts {
        let of = |kind: &NodeKind| match kind {
            NodeKind::LocalGroupAggregate(_) | NodeKind::MiniBatchAssigner(_) | NodeKind::CurrentWatermark => {
                Restarts::Nowhere
            }
            NodeKind::GroupAggregate(aggregate) => match aggregate.bundle {
                None => Restarts::BehindRows,
                Some(BundleEnd::MicroBatch) => Restarts::BehindBatches,
                Some(BundleEnd::Rows(_)) => Restarts::Nowhere,
            },
            _ => Restarts::BehindRows,
        };
        self.plan.nodes.iter().map(|node| of(&node.kind)).min().unwrap_or(Restarts::BehindRows)
    }

    /// Every subtask that has an operator, inputs first.
    fn subtasks(&self) -> Vec<Subtask> {
        self.operators.iter().flat_map(|(id, subtasks)| (0..subtasks.len()).map(|subtask| (*id, subtask))).collect()
    }

    /// New operators take back what the old ones knew, `width` of each behind an exchange by key. A barrier goes in front:
    /// what is held back for company is told. Their first checkpoint follows at once, so that the next one has only what
    /// was changed in between.
    pub async fn restart(&mut self, width: usize) {
        for subtask in self.subtasks() {
            self.drive(subtask, |operator, out| operator.flush(out));
        }
        let states = self.states().await;
        self.build(width).await;
        for (id, states) in states {
            for (subtask, operator) in self.operators.get_mut(&id).unwrap().iter_mut().enumerate() {
                let state = Snapshot::rescaled(&states, subtask, self.widths[id]).expect("state with a key");
                operator.restore(&state).expect("state that fits");
            }
        }
        self.checkpoint().await;
        self.realign();
    }

    /// The inputs of all subtasks have come as far as the last one of their nodes had.
    fn realign(&mut self) {
        let mut lowest: HashMap<(usize, usize), Watermark> = HashMap::new();
        for (((to, _), (from, _)), watermark) in self.watermarks.drain() {
            lowest.entry((to, from)).and_modify(|low| *low = (*low).min(watermark)).or_insert(watermark);
        }
        for ((to, from), watermark) in lowest {
            for subtask in 0..self.widths[to] {
                for input in self.inputs((to, subtask)).into_iter().filter(|input| input.0 == from) {
                    self.watermarks.insert(((to, subtask), input), watermark);
                }
            }
        }
    }

    pub async fn apply(&mut self, event: &Event) {
        match event {
            Event::Rows(rows) => {
                let source = self.sources(rows[0].table.as_ref())[0];
                let NodeKind::Source(node) = &self.plan.nodes[source].kind else { panic!("no source") };
                let declared = &self.tables[&node.table];
                let batch = batch(rows, &declared.arrow());
                let scanned = node.scan_schema.fields().iter();
                let columns: Vec<usize> =
                    scanned.map(|f| declared.names().position(|n| n == f.name()).unwrap()).collect();
                let narrow = batch.rows().project(&columns).unwrap();
                let narrow = batch.with_rows(narrow.with_schema(node.scan_schema.clone()).unwrap());
                match self.steps[&source].apply(&narrow) {
                    Ok(Some(rows)) => self.forward((source, 0), StreamElement::Batch(rows)),
                    Ok(None) => {}
                    Err(error) => self.fail(&error),
                }
            }
            Event::Watermark(table, time) => {
                self.all(table.as_ref(), &StreamElement::Watermark(Watermark(millis(time))))
            }
            Event::Idle(table) => self.all(table.as_ref(), &StreamElement::Idle),
            Event::Barrier(epoch) => self.all(None, &StreamElement::Barrier(Epoch(*epoch))),
            Event::End(kind) => {
                if *kind == EndKind::Data {
                    self.all(None, &StreamElement::Watermark(Watermark::MAX));
                }
                self.all(None, &StreamElement::End(*kind));
                self.ended = true;
            }
            Event::Time(time) => {
                let now_ms = millis(time);
                self.clock.set(now_ms);
                for (id, subtask) in self.subtasks() {
                    if self.operators[&id][subtask].next_timer().is_some_and(|timer| timer <= now_ms) {
                        self.drive((id, subtask), |operator, out| operator.on_time(now_ms, out));
                    }
                }
            }
            Event::Restart => self.restart(1).await,
            Event::Late => self.told.push(format!("late rows: {}", self.metrics.rows_late())),
        }
    }

    /// The sources that read a table, or all.
    fn sources(&self, table: Option<&String>) -> Vec<usize> {
        let nodes = self.plan.nodes.iter().enumerate();
        let found: Vec<usize> = nodes
            .filter(|(_, node)| match &node.kind {
                NodeKind::Source(source) => table.is_none_or(|table| source.table == *table),
                _ => false,
            })
            .map(|(id, _)| id)
            .collect();
        assert!(!found.is_empty(), "the query doesn't read {table:?}");
        found
    }

    fn all(&mut self, table: Option<&String>, element: &StreamElement) {
        for source in self.sources(table) {
            self.forward((source, 0), element.clone());
        }
    }

    fn fail(&mut self, error: &Error) {
        self.told.push(format!("error: {}", error.message()));
        self.ended = true;
    }

    /// Hands an element to the nodes behind a subtask.
    fn forward(&mut self, from: Subtask, element: StreamElement) {
        for to in 0..self.plan.nodes.len() {
            if self.plan.nodes[to].inputs.contains(&from.0) && !self.ended {
                self.give(from, to, element.clone());
            }
        }
    }

    /// Rows go to the subtask that has their key, everything else to all behind an exchange.
    fn give(&mut self, from: Subtask, to: usize, element: StreamElement) {
        match (&self.plan.nodes[to].kind, element) {
            (NodeKind::Exchange(Distribution::Hash(key)), StreamElement::Batch(batch)) => {
                let parts = split_by_key(&batch, key, self.widths[to]).expect("a key with groups");
                for (subtask, part) in parts.into_iter().enumerate() {
                    if let Some(part) = part {
                        self.arrive(from, (to, subtask), StreamElement::Batch(part));
                    }
                }
            }
            (NodeKind::Exchange(_), element @ StreamElement::Batch(_)) => self.arrive(from, (to, 0), element),
            (NodeKind::Exchange(_), element) => {
                (0..self.widths[to]).for_each(|subtask| self.arrive(from, (to, subtask), element.clone()));
            }
            (_, element) => self.arrive(from, (to, from.1), element),
        }
    }

    fn arrive(&mut self, from: Subtask, to: Subtask, element: StreamElement) {
        if let Some(element) = self.aligned(from, to, element) {
            if let NodeKind::Sink(_) = self.plan.nodes[to.0].kind {
                self.tell(to.0, &element);
            } else if self.operators.contains_key(&to.0) {
                self.operate(to, element);
            } else {
                self.forward(to, element);
            }
        }
    }

    /// The subtasks that a subtask reads.
    fn inputs(&self, (to, subtask): Subtask) -> Vec<Subtask> {
        let node = &self.plan.nodes[to];
        let is_exchange = matches!(node.kind, NodeKind::Exchange(_));
        let of_node = |&input: &usize| (0..self.widths[input]).map(move |at| (input, at));
        node.inputs.iter().flat_map(of_node).filter(|(_, at)| is_exchange || *at == subtask).collect()
    }

    /// Of several inputs the lowest watermark counts; the rest comes once.
    fn aligned(&mut self, from: Subtask, to: Subtask, element: StreamElement) -> Option<StreamElement> {
        let inputs = self.inputs(to);
        match element {
            _ if inputs.len() < 2 => Some(element),
            StreamElement::Watermark(watermark) => {
                let lowest = |all: &HashMap<(Subtask, Subtask), Watermark>| {
                    inputs.iter().map(|input| all.get(&(to, *input)).copied().unwrap_or(Watermark::MIN)).min()
                };
                let before = lowest(&self.watermarks);
                self.watermarks.insert((to, from), watermark);
                lowest(&self.watermarks).filter(|after| Some(*after) > before).map(StreamElement::Watermark)
            }
            StreamElement::Batch(_) => Some(element),
            _ => (inputs.last() == Some(&from)).then_some(element),
        }
    }

    fn operate(&mut self, to: Subtask, element: StreamElement) {
        let now_ms = self.clock.now_ms();
        match element {
            StreamElement::Batch(batch) => self.drive(to, |operator, out| {
                operator.tell_time(now_ms);
                operator.process(0, batch, out)
            }),
            StreamElement::Watermark(watermark) => {
                self.drive(to, |operator, out| operator.on_watermark(watermark, out))
            }
            StreamElement::End(EndKind::Data) => {
                self.drive(to, |operator, out| operator.on_input_end(0, out));
                self.forward(to, StreamElement::End(EndKind::Data));
            }
            StreamElement::Barrier(_) | StreamElement::End(EndKind::Stop) => {
                self.drive(to, |operator, out| operator.flush(out));
                self.forward(to, element);
            }
            other => self.forward(to, other),
        }
    }

    fn operator(&mut self, (id, subtask): Subtask) -> &mut dyn Operator {
        self.operators.get_mut(&id).expect("a node with operators")[subtask].as_mut()
    }

    /// Lets an operator say all that it has to say.
    fn drive(&mut self, at: Subtask, act: impl FnOnce(&mut dyn Operator, &mut Output) -> crate::Result<Progress>) {
        let mut out = Output::new();
        let mut progress = act(self.operator(at), &mut out);
        loop {
            let emitted: Vec<StreamElement> = out.drain().collect();
            for element in emitted {
                self.forward(at, element);
            }
            match progress {
                Ok(Progress::Done) => return,
                Ok(Progress::More) => progress = self.operator(at).resume(&mut out),
                Err(error) => return self.fail(&error),
            }
        }
    }

    /// Applies changes to what is left of them.
    fn fold(&mut self, sink: usize, batch: &ChangelogBatch) {
        let node = &self.plan.nodes[sink];
        let NodeKind::Sink(table) = &node.kind else { panic!("no sink") };
        let key = match (table.key.as_slice(), self.plan.nodes[node.inputs[0]].upsert_keys.smallest()) {
            ([], Some(key)) => key,
            (key, _) => key,
        };
        let by_key = !node.mode.is_insert_only() && !node.mode.before && !key.is_empty();
        let keys = match by_key {
            true => lines(&batch.with_rows(batch.rows().project(key).expect("columns of a key"))),
            false => lines(batch),
        };
        for (row, (key, line)) in keys.into_iter().zip(lines(batch)).enumerate() {
            let (key, adds) = (key[3..].to_string(), batch.kind(row).is_addition());
            if by_key {
                match adds {
                    true => drop(self.left.insert(key, (line[3..].to_string(), 1))),
                    false => drop(self.left.remove(&key)),
                }
                continue;
            }
            let count = &mut self.left.entry(key).or_default().1;
            *count += if adds { 1 } else { -1 };
        }
        self.left.retain(|_, (_, count)| *count != 0);
    }

    fn tell(&mut self, sink: usize, element: &StreamElement) {
        if let StreamElement::Batch(batch) = element {
            self.fold(sink, batch);
        }
        match element {
            StreamElement::Batch(batch) => self.told.extend(lines(batch)),
            StreamElement::Watermark(watermark) => self.told.push(format!("watermark {}", instant_text(watermark.0))),
            StreamElement::Idle => self.told.push("idle".to_string()),
            StreamElement::Barrier(epoch) => self.told.push(format!("barrier {}", epoch.0)),
            StreamElement::End(EndKind::Data) => self.told.push("end".to_string()),
            StreamElement::End(EndKind::Stop) => self.told.push("stop".to_string()),
        }
    }
}
