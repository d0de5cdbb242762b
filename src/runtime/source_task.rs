//! A subtask that reads: rows from its splits, watermarks from its rows, barriers from the coordinator.
//!
//! Order for every batch: decoded columns, computed columns, the watermark of **every** row, then the filter: a
//! selective query never stalls event time.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use arrow::array::{Array, UInt32Array};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, MissedTickBehavior};

use super::chain::Chain;
use super::coordinator::{SourceCommand, TaskReport};
use super::job::Signal;
use super::metrics::SourceMetrics;
use super::task::TaskContext;
use super::watermarks::{Advance, SplitWatermarks, highest};
use crate::changelog::rejects::{ErrorHandling, Records};
use crate::changelog::{ChangelogBatch, EndKind, Epoch, Origin, StreamElement};
use crate::connectors::{SourceEvent, SourceReader, Split};
use crate::error::{Error, Result};
use crate::operators::{Calc, compute_parts};
use crate::plan::stream_plan::{SourceNode, WatermarkEmit, WatermarkNode};
use crate::time::Watermark;

/// How often idleness is looked at and progress reported where no watermark interval says otherwise.
const TICK: Duration = Duration::from_millis(200);

pub struct SourceTask {
    pub reader: Box<dyn SourceReader>,
    pub steps: SourceSteps,
    pub watermarks: SplitWatermarks,
    pub chain: Chain,
    pub commands: mpsc::Receiver<SourceCommand>,
    pub metrics: Arc<SourceMetrics>,
    pub context: TaskContext,
    /// What becomes of rows that can't be computed.
    pub errors: ErrorHandling,
    /// The positions at barriers that are not complete yet.
    pub snapshots: Vec<(Epoch, Vec<Split>)>,
}

/// What happens to rows between the reader and the chain.
pub struct SourceSteps {
    columns: Option<Calc>,
    watermark: Option<WatermarkNode>,
    /// Whether a row without an event time fails the job.
    needs_time: bool,
    narrow: Option<Calc>,
}

impl SourceSteps {
    pub fn try_new(node: &SourceNode) -> Result<Self> {
        let declared = node.columns.as_ref().map_or(&node.scan_schema, |(_, schema)| schema).clone();
        let columns = match &node.columns {
            Some((exprs, schema)) => {
                Some(Calc::try_new(&node.scan_schema, None, Some((exprs.clone(), schema.clone())))?)
            }
            None => None,
        };
        let output = match &node.output {
            Some(indices) => {
                let schema = Arc::new(declared.project(indices)?);
                let column = |&i: &usize| {
                    let name = declared.field(i).name();
                    Arc::new(datafusion::physical_expr::expressions::Column::new(name, i)) as _
                };
                Some((indices.iter().map(column).collect(), schema))
            }
            None => None,
        };
        let narrow = match (&node.filter, &output) {
            (None, None) => None,
            _ => Some(Calc::try_new(&declared, node.filter.clone(), output)?),
        };
        let needs_time = !node.source.makes_watermarks();
        Ok(Self { columns, watermark: node.watermark.clone(), needs_time, narrow })
    }

    /// The rows that go on, and the highest watermark among all of them.
    fn apply(&self, batch: &ChangelogBatch) -> Result<(Option<ChangelogBatch>, Option<Watermark>)> {
        let mut batch = batch.clone();
        if let Some(columns) = &self.columns {
            match columns.apply(&batch)? {
                Some(computed) => batch = computed,
                None => return Ok((None, None)),
            }
        }
        let watermark = match &self.watermark {
            Some(node) => {
                if self.needs_time && batch.rows().column(node.column_index).null_count() > 0 {
                    return Err(Error::data(format!(
                        "rowtime column '{}' should not be null, please convert it to a non-null value",
                        node.column
                    ))
                    .with_hint("Filter such rows where they are written, or compute the column with COALESCE."));
                }
                let value = node.expr.evaluate(batch.rows()).map_err(crate::operators::evaluation_error)?;
                let array = value.into_array(batch.num_rows()).map_err(crate::operators::evaluation_error)?;
                highest(&array)?
            }
            None => None,
        };
        match &self.narrow {
            Some(narrow) => Ok((narrow.apply(&batch)?, watermark)),
            None => Ok((Some(batch), watermark)),
        }
    }
}

impl SourceTask {
    /// Reads until the data ends or the job is stopped; everything read has arrived when this returns.
    pub async fn run(mut self, mut signal: watch::Receiver<Signal>) -> Result<()> {
        let (every, on_event) = match self.steps.watermark.as_ref().map(|w| w.emit) {
            Some(WatermarkEmit::Every(interval)) if !interval.is_zero() => (interval, false),
            Some(_) => (TICK, true),
            None => (TICK, false),
        };
        let mut ticks = tokio::time::interval(every);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut commands_open = true;
        if self.chain.is_satisfied() {
            self.context.satisfied();
        }
        loop {
            if *signal.borrow() != Signal::Run {
                return self.finish(EndKind::Stop).await;
            }
            let deadline = self.chain.deadline();
            tokio::select! {
                biased;
                _ = signal.changed() => {}
                command = self.commands.recv(), if commands_open => match command {
                    Some(command) => self.on_command(command).await?,
                    None => commands_open = false,
                },
                _ = sleep_until(deadline) => self.chain.on_deadline(Instant::now()).await?,
                _ = ticks.tick() => self.on_tick().await?,
                event = self.reader.next() => match event? {
                    SourceEvent::Rows { split, rows, records } => {
                        let batch = ChangelogBatch::inserts(rows).with_origin(self.origin(records));
                        self.on_rows(split, batch, on_event).await?;
                    }
                    SourceEvent::SplitStart(split) => self.watermarks.on_split_start(split, Instant::now()),
                    SourceEvent::SplitEnd(split) => self.watermarks.on_split_end(&split),
                    SourceEvent::End => return self.finish(EndKind::Data).await,
                },
            }
        }
    }

    fn origin(&self, records: Option<(Arc<dyn Records>, UInt32Array)>) -> Option<Origin> {
        match records {
            _ if !self.errors.handles() => None,
            Some((records, index)) => Some(Origin::with_records(self.errors.clone(), records, index)),
            None => Some(Origin::new(self.errors.clone())),
        }
    }

    async fn on_rows(&mut self, split: Arc<str>, batch: ChangelogBatch, on_event: bool) -> Result<()> {
        let count = batch.num_rows();
        self.metrics.door.rows.fetch_add(count as u64, Ordering::Relaxed);
        self.metrics.door.batches.fetch_add(1, Ordering::Relaxed);
        let (mut parts, mut watermark) = (Vec::new(), None);
        compute_parts(&batch, &mut |batch| self.steps.apply(batch), &mut |(rows, highest)| {
            parts.extend(rows.filter(|rows| !rows.is_empty()));
            watermark = watermark.max(highest);
        })?;
        self.watermarks.on_rows(&split, count, watermark, Instant::now());
        for part in parts {
            self.chain.push(StreamElement::Batch(part)).await?;
        }
        self.chain.send_dead_letters().await?;
        if on_event {
            self.advance().await?;
        }
        if self.chain.is_satisfied() {
            self.context.satisfied();
        }
        tokio::task::consume_budget().await;
        Ok(())
    }

    async fn on_tick(&mut self) -> Result<()> {
        if let Some(lag) = self.reader.lag() {
            self.metrics.lag.store(lag, Ordering::Relaxed);
        }
        if let Some(timer) = self.chain.next_timer() {
            let now_ms = self.context.clock.now_ms();
            if timer <= now_ms {
                self.chain.on_time(now_ms).await?;
            }
        }
        self.advance().await
    }

    async fn advance(&mut self) -> Result<()> {
        let advance = self.watermarks.advance(Instant::now());
        if self.steps.watermark.is_none() {
            return Ok(());
        }
        match advance {
            Some(Advance::Watermark(watermark)) => self.chain.push(StreamElement::Watermark(watermark)).await,
            Some(Advance::Idle) => self.chain.push(StreamElement::Idle).await,
            None => Ok(()),
        }
    }

    async fn on_command(&mut self, command: SourceCommand) -> Result<()> {
        match command {
            SourceCommand::Barrier(epoch) => {
                let positions = self.reader.positions();
                self.context.report(TaskReport::Positions(epoch, positions.clone()));
                self.snapshots.push((epoch, positions));
                self.chain.barrier(epoch).await?;
                self.context.passed(epoch);
            }
            SourceCommand::Complete(epoch) => {
                for (_, positions) in self.snapshots.extract_if(.., |(e, _)| *e <= epoch) {
                    self.reader.on_epoch_complete(&positions).await?;
                }
            }
        }
        Ok(())
    }

    async fn finish(mut self, kind: EndKind) -> Result<()> {
        self.metrics.lag.store(self.reader.lag().unwrap_or(0), Ordering::Relaxed);
        self.chain.end(kind).await
    }
}

/// Sleeps until the moment, or for ever without one.
pub async fn sleep_until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}
