//! The operators of a plan, driven by hand: one subtask, no tasks, no queues, no clock.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use tokio::sync::watch;

use super::rows::{batch, instant_text, lines, millis};
use super::text::Event;
use crate::changelog::{EndKind, Epoch, StreamElement};
use crate::error::Error;
use crate::operators::{BundleEnd, Operator, Output, Progress};
use crate::plan::stream_plan::{NodeKind, StreamPlan};
use crate::plan::table::{Door, PlannedTable};
use crate::runtime::assembly::Assembly;
use crate::runtime::chain::Body;
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
    operators: BTreeMap<usize, Box<dyn Operator>>,
    config: JobConfig,
    metrics: Arc<JobMetrics>,
    clock: Arc<ManualClock>,
    /// Of nodes with several inputs: the watermark of each.
    watermarks: HashMap<(usize, usize), Watermark>,
    /// What came to the sinks.
    told: Vec<String>,
    ended: bool,
}

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
            config: JobConfig { clock: clock.clone(), ..config(1) },
            metrics: Arc::new(metrics),
            clock,
            watermarks: HashMap::new(),
            told: Vec::new(),
            ended: false,
        };
        machine.build().await;
        machine
    }

    /// Makes new operators.
    async fn build(&mut self) {
        let (signal, _) = watch::channel(Signal::Run);
        let (plan, metrics) = (&self.plan, self.metrics.clone());
        let assembly = Assembly {
            plan,
            config: &self.config,
            metrics,
            signal,
            dead_letters: Vec::new(),
            started: None,
            full: Arc::default(),
        };
        for (id, node) in plan.nodes.iter().enumerate() {
            match &node.kind {
                NodeKind::Source(source) => {
                    self.steps.insert(id, SourceSteps::try_new(source).expect("steps of a source"));
                }
                NodeKind::Exchange(_) | NodeKind::Union | NodeKind::Sink(_) => {}
                _ => match assembly.body(id, 0, 1).await.expect("an operator") {
                    Body::Operator(operator) => _ = self.operators.insert(id, operator),
                    _ => panic!("{:?} is no operator", node.kind),
                },
            }
        }
    }

    /// False once the data has ended, or the job was stopped.
    pub fn runs(&self) -> bool {
        !self.ended
    }

    /// Bytes that all operators hold.
    pub fn held(&self) -> usize {
        self.operators.values().filter_map(|operator| operator.state_size()).map(|size| size.bytes).sum()
    }

    pub fn take_told(&mut self) -> Vec<String> {
        std::mem::take(&mut self.told)
    }

    /// The state of every operator, as bytes.
    pub fn snapshots(&mut self) -> Vec<(usize, Vec<u8>)> {
        let encoded = |(id, operator): (&usize, &mut Box<dyn Operator>)| {
            let snapshot = operator.snapshot(Epoch(1)).expect("a snapshot");
            (*id, snapshot.encode().expect("bytes of a snapshot"))
        };
        self.operators.iter_mut().map(encoded).collect()
    }

    /// Gives new operators the state of each of another plan; what they refuse.
    pub async fn offer(&mut self, snapshots: &[(usize, Vec<u8>)]) -> Vec<Error> {
        let snapshots: Vec<Snapshot> = snapshots.iter().map(|(_, bytes)| Snapshot::decode(bytes).unwrap()).collect();
        self.build().await;
        let operators = self.operators.values_mut();
        operators.flat_map(|operator| snapshots.iter().filter_map(|state| operator.restore(state).err())).collect()
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

    /// A barrier goes in front: what is held back for company is told.
    async fn restart(&mut self) {
        for id in 0..self.plan.nodes.len() {
            if self.operators.contains_key(&id) {
                self.drive(id, |operator, out| operator.flush(out));
            }
        }
        let snapshots = self.snapshots();
        self.build().await;
        for (id, bytes) in snapshots {
            let state = Snapshot::decode(&bytes).expect("a snapshot that is whole");
            self.operators.get_mut(&id).unwrap().restore(&state).expect("state that fits");
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
                    Ok(Some(rows)) => self.forward(source, StreamElement::Batch(rows)),
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
                for id in 0..self.plan.nodes.len() {
                    let due = |o: &dyn Operator| o.next_timer().is_some_and(|timer| timer <= now_ms);
                    if self.operators.get(&id).is_some_and(|o| due(o.as_ref())) {
                        self.drive(id, |operator, out| operator.on_time(now_ms, out));
                    }
                }
            }
            Event::Restart => self.restart().await,
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
            self.forward(source, element.clone());
        }
    }

    fn fail(&mut self, error: &Error) {
        self.told.push(format!("error: {}", error.message()));
        self.ended = true;
    }

    /// Hands an element to the nodes behind `from`.
    fn forward(&mut self, from: usize, element: StreamElement) {
        for to in 0..self.plan.nodes.len() {
            if self.plan.nodes[to].inputs.contains(&from) && !self.ended {
                self.give(from, to, element.clone());
            }
        }
    }

    fn give(&mut self, from: usize, to: usize, element: StreamElement) {
        if let Some(element) = self.aligned(from, to, element) {
            if let NodeKind::Sink(_) = self.plan.nodes[to].kind {
                self.tell(&element);
            } else if self.operators.contains_key(&to) {
                self.operate(to, element);
            } else {
                self.forward(to, element);
            }
        }
    }

    /// Of several inputs the lowest watermark counts; the rest comes once.
    fn aligned(&mut self, from: usize, to: usize, element: StreamElement) -> Option<StreamElement> {
        let inputs = &self.plan.nodes[to].inputs;
        match element {
            _ if inputs.len() < 2 => Some(element),
            StreamElement::Watermark(watermark) => {
                let lowest = |all: &HashMap<(usize, usize), Watermark>| {
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

    fn operate(&mut self, id: usize, element: StreamElement) {
        let now_ms = self.clock.now_ms();
        match element {
            StreamElement::Batch(batch) => self.drive(id, |operator, out| {
                operator.tell_time(now_ms);
                operator.process(0, batch, out)
            }),
            StreamElement::Watermark(watermark) => {
                self.drive(id, |operator, out| operator.on_watermark(watermark, out))
            }
            StreamElement::End(EndKind::Data) => {
                self.drive(id, |operator, out| operator.on_input_end(0, out));
                self.forward(id, StreamElement::End(EndKind::Data));
            }
            StreamElement::Barrier(_) | StreamElement::End(EndKind::Stop) => {
                self.drive(id, |operator, out| operator.flush(out));
                self.forward(id, element);
            }
            other => self.forward(id, other),
        }
    }

    /// Lets an operator say all that it has to say.
    fn drive(&mut self, id: usize, act: impl FnOnce(&mut dyn Operator, &mut Output) -> crate::Result<Progress>) {
        let mut out = Output::new();
        let mut progress = act(self.operators.get_mut(&id).unwrap().as_mut(), &mut out);
        loop {
            let emitted: Vec<StreamElement> = out.drain().collect();
            for element in emitted {
                self.forward(id, element);
            }
            match progress {
                Ok(Progress::Done) => return,
                Ok(Progress::More) => progress = self.operators.get_mut(&id).unwrap().resume(&mut out),
                Err(error) => return self.fail(&error),
            }
        }
    }

    fn tell(&mut self, element: &StreamElement) {
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
