//! The part of a task behind its input: operators, writers and outgoing edges, as a tree without queues.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use tokio::time::Instant;

use super::costs::{StageCost, TaskCost};
use super::dead_letters::DeadLetterWriter;
use super::exchange::Exchange;
use super::metrics::{JobMetrics, SinkMetrics, WindowGauge};
use super::staging::TaskSnapshot;
use super::state_meter::StateMeter;
use crate::changelog::{EndKind, Epoch, StreamElement};
use crate::checkpoint::Owner;
use crate::connectors::{SinkWriter, StagedPart};
use crate::error::Result;
use crate::failpoint::reach;
use crate::operators::{Operator, Output, Progress};
use crate::startup;
use crate::state::Snapshot;
use crate::time::{Clock, SystemClock, Watermark};

/// A tree of stages. Elements enter at the roots and go down in order, each to all children.
pub struct Chain {
    stages: Vec<Stage>,
    roots: Vec<usize>,
    out: Output,
    work: Vec<Work>,
    /// The job's tables of dead letters.
    dead_letters: Vec<Arc<DeadLetterWriter>>,
    clock: Arc<dyn Clock>,
    /// Stages that tell when their next window closes.
    watched: Vec<(usize, WindowGauge)>,
    /// Operators whose state is kept, by their stages.
    owners: Vec<(usize, Arc<Owner>)>,
    /// The epoch of the next row.
    epoch: Epoch,
    /// What writers have staged at the barrier that passes.
    parts: Vec<StagedPart>,
    /// Told how long barriers hold up the rows behind them.
    metrics: Option<Arc<JobMetrics>>,
    /// Where the task is charged, when somebody wants to know what it costs.
    task: Option<Arc<TaskCost>>,
}

struct Stage {
    body: Body,
    cost: Option<StageCost>,
    /// Of an operator that keeps state.
    meter: Option<StateMeter>,
    children: Vec<usize>,
}

/// What a stage is.
pub enum Body {
    Operator(Box<dyn Operator>),
    Writer {
        writer: Box<dyn SinkWriter>,
        metrics: Arc<SinkMetrics>,
        /// Of one that writes exactly once: its sink's number and its subtask.
        stages: Option<(usize, usize)>,
    },
    Exchange(Exchange),
}

enum Work {
    Element(usize, StreamElement),
    Resume(usize),
}

impl Chain {
    pub fn new(dead_letters: Vec<Arc<DeadLetterWriter>>) -> Self {
        Self {
            stages: Vec::new(),
            roots: Vec::new(),
            out: Output::new(),
            work: Vec::new(),
            dead_letters,
            clock: Arc::new(SystemClock),
            watched: Vec::new(),
            owners: Vec::new(),
            epoch: Epoch(1),
            parts: Vec::new(),
            metrics: None,
            task: None,
        }
    }

    /// By another clock than the machine's.
    pub fn with_clock(self, clock: Arc<dyn Clock>) -> Self {
        Self { clock, ..self }
    }

    /// Adds a stage behind `parent`, or as a root, and says where it stands.
    pub fn add(&mut self, parent: Option<usize>, body: Body) -> usize {
        let id = self.stages.len();
        self.stages.push(Stage { body, cost: None, meter: None, children: Vec::new() });
        match parent {
            Some(parent) => self.stages[parent].children.push(id),
            None => self.roots.push(id),
        }
        id
    }

    /// Tells from now on what the task's head gives.
    pub fn charge_head(&mut self, task: Arc<TaskCost>) {
        self.task = Some(task);
    }

    /// Tells from now on what the stage costs.
    pub fn charge(&mut self, stage: usize, cost: StageCost) {
        self.stages[stage].cost = Some(cost);
    }

    /// Tells from now on when the stage's next window closes.
    pub fn watch(&mut self, stage: usize, gauge: WindowGauge) {
        self.watched.push((stage, gauge));
    }

    /// The epoch of the first row, and who is told how long barriers take.
    pub fn begin(&mut self, epoch: Epoch, metrics: Arc<JobMetrics>) {
        self.epoch = epoch;
        self.metrics = Some(metrics);
    }

    /// Keeps the state of the operator at a stage from now on; gives it back what it was.
    pub fn keep(&mut self, stage: usize, owner: Arc<Owner>, restored: Option<&Snapshot>) -> Result<()> {
        if let (Some(restored), Body::Operator(operator)) = (restored, &mut self.stages[stage].body) {
            operator.restore(restored).map_err(|error| error.context(format!("cannot restore {}", owner.about)))?;
        }
        self.owners.push((stage, owner));
        Ok(())
    }

    /// Watches what the operator at a stage holds.
    pub fn measure(&mut self, stage: usize, meter: StateMeter) {
        self.stages[stage].meter = Some(meter);
    }

    /// Sends an element through the tree; returns when every writer and edge has taken what follows from it.
    pub async fn push(&mut self, element: StreamElement) -> Result<()> {
        if let Some(task) = &self.task {
            task.gives(&element);
        }
        for i in (1..self.roots.len()).rev() {
            self.work.push(Work::Element(self.roots[i], element.clone()));
        }
        if let Some(&first) = self.roots.first() {
            self.work.push(Work::Element(first, element));
        }
        self.run().await
    }

    /// Works off the stack: the top is what comes next, so that order holds on every path.
    async fn run(&mut self) -> Result<()> {
        while let Some(work) = self.work.pop() {
            match work {
                Work::Resume(at) => {
                    if let Stage { body: Body::Operator(operator), cost, .. } = &mut self.stages[at] {
                        let progress = StageCost::charged(cost, || operator.resume(&mut self.out))?;
                        self.forward(at, progress, None)?;
                    }
                    // Millions of windows may fire at once: whoever waits for this thread, a stop say, has its turn.
                    tokio::task::yield_now().await;
                }
                Work::Element(at, element) => self.step(at, element).await?,
            }
        }
        for (at, gauge) in &self.watched {
            if let Body::Operator(operator) = &self.stages[*at].body {
                gauge.set(operator.next_close());
            }
        }
        Ok(())
    }

    async fn step(&mut self, at: usize, element: StreamElement) -> Result<()> {
        let Stage { body, cost, meter, .. } = &mut self.stages[at];
        if let Some(cost) = cost {
            cost.takes(&element);
        }
        match body {
            Body::Operator(operator) => {
                let out = &mut self.out;
                if let Some(meter) = meter {
                    meter.on_element(&element);
                }
                let closes = matches!(element, StreamElement::Watermark(_));
                let clock = &self.clock;
                let (progress, behind) = StageCost::charged(cost, || -> Result<_> {
                    Ok(match element {
                        StreamElement::Batch(batch) => {
                            operator.tell_time(clock.now_ms());
                            (operator.process(0, batch, out)?, None)
                        }
                        StreamElement::Watermark(watermark) => (operator.on_watermark(watermark, out)?, None),
                        StreamElement::Barrier(epoch) => (operator.flush(out)?, Some(StreamElement::Barrier(epoch))),
                        StreamElement::End(EndKind::Stop) => {
                            (operator.flush(out)?, Some(StreamElement::End(EndKind::Stop)))
                        }
                        StreamElement::End(EndKind::Data) => {
                            (operator.on_input_end(0, out)?, Some(StreamElement::End(EndKind::Data)))
                        }
                        other => (Progress::Done, Some(other)),
                    })
                })?;
                if closes && out.has_rows() {
                    meter.iter_mut().for_each(StateMeter::is_due);
                }
                self.forward(at, progress, behind)?;
            }
            Body::Writer { writer, metrics, stages } => match element {
                StreamElement::Batch(batch) => {
                    let rows = batch.num_rows() as u64;
                    let start = Instant::now();
                    StageCost::charged_while(cost, writer.write(batch)).await?;
                    let blocked = u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX);
                    metrics.blocked_ns.fetch_add(blocked, Ordering::Relaxed);
                    if metrics.door.rows.fetch_add(rows, Ordering::Relaxed) == 0 {
                        startup::done(|| format!("first rows written to {}", metrics.table));
                        startup::end();
                    }
                    metrics.door.batches.fetch_add(1, Ordering::Relaxed);
                }
                StreamElement::Barrier(_) | StreamElement::End(_) => {
                    match *stages {
                        Some((sink, subtask)) => {
                            let staged = StageCost::charged_while(cost, writer.stage(self.epoch)).await?;
                            self.parts.push(StagedPart { sink, subtask, staged });
                        }
                        None => StageCost::charged_while(cost, writer.flush()).await?,
                    }
                    if matches!(element, StreamElement::End(_)) {
                        writer.close().await?;
                    }
                }
                StreamElement::Watermark(_) | StreamElement::Idle => {}
            },
            Body::Exchange(exchange) => StageCost::charged_while(cost, exchange.send(element)).await?,
        }
        Ok(())
    }

    /// Puts what `at` has emitted on the stack, then its resumption, then what comes `behind`.
    fn forward(&mut self, at: usize, progress: Progress, behind: Option<StreamElement>) -> Result<()> {
        if let Stage { body: Body::Operator(operator), meter: Some(meter), .. } = &mut self.stages[at] {
            if progress == Progress::Done {
                meter.ask(operator.as_ref(), self.clock.now_ms())?;
            }
        }
        let children = &self.stages[at].children;
        let push = |work: &mut Vec<Work>, element: StreamElement| {
            for &child in children.iter().skip(1).rev() {
                work.push(Work::Element(child, element.clone()));
            }
            if let Some(&child) = children.first() {
                work.push(Work::Element(child, element));
            }
        };
        if let Some(behind) = behind {
            push(&mut self.work, behind);
        }
        if progress == Progress::More {
            self.work.push(Work::Resume(at));
        }
        let emitted: Vec<_> = self.out.drain().collect();
        if let Some(cost) = &self.stages[at].cost {
            emitted.iter().for_each(|element| cost.gives(element));
        }
        for element in emitted.into_iter().rev() {
            push(&mut self.work, element);
        }
        Ok(())
    }

    /// The earliest moment at which a writer wants to send what it has buffered.
    pub fn deadline(&self) -> Option<Instant> {
        self.writers().filter_map(|w| w.deadline()).min()
    }

    /// Lets every writer whose deadline has passed send.
    pub async fn on_deadline(&mut self, now: Instant) -> Result<()> {
        for stage in &mut self.stages {
            if let Body::Writer { writer, .. } = &mut stage.body {
                if writer.deadline().is_some_and(|deadline| deadline <= now) {
                    writer.on_deadline().await?;
                }
            }
        }
        self.send_dead_letters().await
    }

    /// Whether a writer wants to be told when nothing more comes for now.
    pub fn gathers(&self) -> bool {
        self.writers().any(|writer| writer.gathers())
    }

    /// Nothing more has come for now: tells the writers that gather.
    pub fn on_idle(&mut self) -> Result<()> {
        for stage in &mut self.stages {
            if let Body::Writer { writer, .. } = &mut stage.body {
                if writer.gathers() {
                    writer.on_idle()?;
                }
            }
        }
        Ok(())
    }

    /// When an operator wants to be told the time.
    pub fn next_timer(&self) -> Option<i64> {
        self.operators().filter_map(|o| o.next_timer()).min()
    }

    /// Tells every operator whose timer is due the time.
    pub async fn on_time(&mut self, now_ms: i64) -> Result<()> {
        for at in 0..self.stages.len() {
            let Stage { body: Body::Operator(operator), cost, meter, .. } = &mut self.stages[at] else { continue };
            if operator.next_timer().is_some_and(|timer| timer <= now_ms) {
                let progress = StageCost::charged(cost, || operator.on_time(now_ms, &mut self.out))?;
                if let Some(meter) = meter {
                    meter.is_due();
                }
                self.forward(at, progress, None)?;
                self.run().await?;
            }
        }
        Ok(())
    }

    /// Ends the stream: with the data all open windows close first. Gives what is known at the end.
    pub async fn end(&mut self, kind: EndKind) -> Result<TaskSnapshot> {
        if kind == EndKind::Data {
            self.push(StreamElement::Watermark(Watermark::MAX)).await?;
        }
        self.push(StreamElement::End(kind)).await?;
        self.settle_dead_letters().await?;
        self.snapshot()
    }

    /// Lets a barrier pass: writers have flushed or staged when this returns. Gives what is known at it.
    pub async fn barrier(&mut self, epoch: Epoch) -> Result<TaskSnapshot> {
        reach("task.before-staged");
        let start = Instant::now();
        self.epoch = epoch;
        self.push(StreamElement::Barrier(epoch)).await?;
        self.settle_dead_letters().await?;
        let snapshot = self.snapshot()?;
        if let Some(metrics) = &self.metrics {
            metrics.checkpoints.paused(start.elapsed());
        }
        reach("task.staged");
        self.epoch = epoch.next();
        Ok(snapshot)
    }

    /// What operators know now, and what writers have staged.
    fn snapshot(&mut self) -> Result<TaskSnapshot> {
        let mut operators = Vec::with_capacity(self.owners.len());
        for (stage, owner) in &self.owners {
            if let Stage { body: Body::Operator(operator), cost, .. } = &mut self.stages[*stage] {
                let snapshot = StageCost::charged(cost, || operator.snapshot(self.epoch))?;
                operators.push((owner.clone(), snapshot));
            }
        }
        Ok(TaskSnapshot { operators, source: None, parts: std::mem::take(&mut self.parts) })
    }

    /// Sends on the rows that were rejected in this task or before it.
    pub async fn send_dead_letters(&mut self) -> Result<()> {
        for writer in &self.dead_letters {
            writer.send().await?;
        }
        Ok(())
    }

    /// As [`Chain::send_dead_letters`], and waits for what other tasks are sending: what was rejected up to here is safe.
    async fn settle_dead_letters(&mut self) -> Result<()> {
        for writer in &self.dead_letters {
            writer.settle().await?;
        }
        Ok(())
    }

    /// True when no later row can come out.
    pub fn is_satisfied(&self) -> bool {
        !self.stages.is_empty() && self.roots.iter().all(|&root| self.satisfied_from(root))
    }

    fn satisfied_from(&self, at: usize) -> bool {
        let stage = &self.stages[at];
        match &stage.body {
            Body::Operator(operator) if operator.is_satisfied() => true,
            Body::Operator(_) if !stage.children.is_empty() => stage.children.iter().all(|&c| self.satisfied_from(c)),
            _ => false,
        }
    }

    fn writers(&self) -> impl Iterator<Item = &dyn SinkWriter> {
        self.stages.iter().filter_map(|s| match &s.body {
            Body::Writer { writer, .. } => Some(writer.as_ref()),
            _ => None,
        })
    }

    fn operators(&self) -> impl Iterator<Item = &dyn Operator> {
        self.stages.iter().filter_map(|s| match &s.body {
            Body::Operator(operator) => Some(operator.as_ref()),
            _ => None,
        })
    }
}
