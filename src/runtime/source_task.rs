//! A subtask that reads: rows from its splits, watermarks from its rows, barriers from the coordinator.
//!
//! Order for every batch: decoded columns, computed columns, the watermark of **every** row, then the filter: a
//! selective query never stalls event time.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use arrow::array::{Array, UInt32Array};
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

use super::chain::Chain;
use super::coordinator::SourceCommand;
use super::job::Signal;
use super::metrics::SourceMetrics;
use super::staging::{TaskSnapshot, split_state};
use super::task::{TaskContext, sleep_for_timer};
use super::timer::{self, Ticks};
use super::watermarks::{Advance, Pace, RowTimes, SplitWatermarks};
use crate::changelog::rejects::{ErrorHandling, Records};
use crate::changelog::{ChangelogBatch, EndKind, Epoch, Origin, StreamElement};
use crate::checkpoint::SourceState;
use crate::connectors::{SourceEvent, SourceReader, Split};
use crate::error::{Error, ErrorKind, Result};
use crate::operators::{Calc, compute_parts};
use crate::plan::stream_plan::{SourceNode, WatermarkNode};
use crate::startup;
use crate::time::Watermark;

/// A watermark that is so much ahead of the clock is told of: a day.
const FAR_AHEAD_MS: i64 = 86_400_000;

/// How long the last report of a source may take.
const REPORT_TIME: Duration = Duration::from_secs(5);

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
    /// Which source it is, the same in every plan of the job.
    pub identity: String,
    /// False where a restart would begin anew: then no barrier comes before the end of the data.
    pub resumes: bool,
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

    /// The rows that go on.
    #[cfg(test)]
    pub fn apply(&self, batch: &ChangelogBatch) -> Result<Option<ChangelogBatch>> {
        self.declared(batch)?.map_or(Ok(None), |(rows, _)| self.narrowed(&rows))
    }

    /// When the source tells its watermark.
    pub fn pace(&self) -> Pace {
        self.watermark.as_ref().map_or(Pace::NONE, |node| Pace::of(node, !self.needs_time))
    }

    /// The declared columns of rows, and what they say of event time.
    fn declared(&self, batch: &ChangelogBatch) -> Result<Option<(ChangelogBatch, Option<RowTimes>)>> {
        let batch = match &self.columns {
            Some(columns) => match columns.apply(batch)? {
                Some(computed) => computed,
                None => return Ok(None),
            },
            None => batch.clone(),
        };
        let Some(node) = &self.watermark else { return Ok(Some((batch, None))) };
        let times = batch.rows().column(node.column_index).clone();
        if self.needs_time && times.null_count() > 0 {
            return Err(Error::data(format!(
                "rowtime column '{}' should not be null, please convert it to a non-null value",
                node.column
            ))
            .with_hint("Filter such rows where they are written, or compute the column with COALESCE."));
        }
        let value = node.expr.evaluate(batch.rows()).map_err(crate::operators::evaluation_error)?;
        let watermarks = value.into_array(batch.num_rows()).map_err(crate::operators::evaluation_error)?;
        Ok(Some((batch, Some(RowTimes { times, watermarks }))))
    }

    /// The rows that go on.
    fn narrowed(&self, batch: &ChangelogBatch) -> Result<Option<ChangelogBatch>> {
        match &self.narrow {
            Some(narrow) => narrow.apply(batch),
            None => Ok(Some(batch.clone())),
        }
    }
}

impl SourceTask {
    /// Reads until the data ends or the job is stopped; everything read has arrived when this returns.
    pub async fn run(mut self, mut signal: watch::Receiver<Signal>) -> Result<()> {
        let mut ticks = Ticks::new(self.watermarks.pace().every);
        let mut commands_open = true;
        if self.chain.is_satisfied() {
            self.context.satisfied();
        }
        loop {
            let asked = *signal.borrow();
            match asked {
                Signal::Run => {}
                Signal::Stop => {
                    let goes_on = self.resumes;
                    return self.finish(EndKind::Stop, goes_on).await;
                }
                Signal::Satisfied => return self.finish(EndKind::Stop, true).await,
                Signal::Drain => return self.finish(EndKind::Data, true).await,
            }
            let deadline = self.chain.deadline();
            let timer = self.chain.next_timer();
            tokio::select! {
                biased;
                _ = signal.changed() => {}
                command = self.commands.recv(), if commands_open => match command {
                    Some(command) => self.on_command(command).await?,
                    None => commands_open = false,
                },
                _ = sleep_until(deadline) => self.chain.on_deadline(timer::now()).await?,
                _ = sleep_for_timer(timer, &*self.context.clock) => {
                    self.chain.on_time(self.context.clock.now_ms()).await?;
                }
                _ = ticks.tick() => self.on_tick().await?,
                event = self.reader.next() => match event? {
                    SourceEvent::Rows { split, rows, kinds, records } => {
                        let batch = ChangelogBatch::of_kinds(rows, kinds).with_origin(self.origin(records));
                        self.on_rows(split, batch).await?;
                    }
                    SourceEvent::SplitStart(split) => self.watermarks.on_split_start(split, timer::now()),
                    SourceEvent::SplitEnd(split) => self.watermarks.on_split_end(&split),
                    SourceEvent::End => return self.finish(EndKind::Data, true).await,
                },
                () = std::future::ready(()), if self.chain.gathers() => self.chain.on_idle()?,
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

    async fn on_rows(&mut self, split: Arc<str>, batch: ChangelogBatch) -> Result<()> {
        let count = batch.num_rows();
        if self.metrics.door.rows.fetch_add(count as u64, Ordering::Relaxed) == 0 {
            startup::done(|| format!("first rows read from {}", self.metrics.table));
        }
        self.metrics.door.batches.fetch_add(1, Ordering::Relaxed);
        self.watermarks.on_rows(&split, count, timer::now());
        let mut parts = Vec::new();
        let mut declared = |first, part: Option<_>| parts.extend(part.map(|part| (first, part)));
        if let Err(error) = compute_parts(&batch, &mut |batch| self.steps.declared(batch), &mut declared) {
            return Err(self.placed(error, &batch, 0, |steps, rows| steps.declared(rows).err()).await);
        }
        for (first, (rows, times)) in parts {
            let stops = match times {
                Some(times) => {
                    self.notice_future(&split, &times, first).await?;
                    self.watermarks.on_times(&split, &times)?
                }
                None => Vec::new(),
            };
            let mut start = 0;
            for stop in stops {
                self.send_rows(&rows, first, start..stop.row).await?;
                self.chain.push(StreamElement::Watermark(stop.watermark)).await?;
                start = stop.row;
            }
            self.send_rows(&rows, first, start..rows.num_rows()).await?;
        }
        self.chain.send_dead_letters().await?;
        if self.chain.is_satisfied() {
            self.context.satisfied();
        }
        tokio::task::consume_budget().await;
        Ok(())
    }

    /// Counts rows that move event time far ahead of the clock, and says of the first where it is; `first` is the place
    /// of these rows in the batch.
    async fn notice_future(&mut self, split: &Arc<str>, rows: &RowTimes, first: usize) -> Result<()> {
        let limit = self.context.clock.now_ms().saturating_add(FAR_AHEAD_MS);
        let Some((row, future)) = rows.beyond(Watermark(limit))? else { return Ok(()) };
        if self.metrics.future.count(future.rows) {
            let place = self.reader.place(first + row).await.unwrap_or_else(|| format!("split \"{split}\""));
            self.metrics.future.tell(format!(
                "a row at {place} moves the watermark to {}, more than a day ahead of the clock: windows up to there are \
                 over, and rows before it are late",
                future.first
            ));
        }
        Ok(())
    }

    /// Filters some of the rows and sends them on; `first` is the place of `rows` in the batch that was read.
    async fn send_rows(&mut self, rows: &ChangelogBatch, first: usize, range: Range<usize>) -> Result<()> {
        if range.is_empty() {
            return Ok(());
        }
        let whole = range.len() == rows.num_rows();
        let rows = if whole { rows.clone() } else { rows.slice(range.start, range.len()) };
        let mut parts = Vec::new();
        let mut narrowed = |_, part| parts.extend(part);
        if let Err(error) = compute_parts(&rows, &mut |batch| self.steps.narrowed(batch), &mut narrowed) {
            let first = first + range.start;
            return Err(self.placed(error, &rows, first, |steps, rows| steps.narrowed(rows).err()).await);
        }
        for part in parts.into_iter().filter(|part| !part.is_empty()) {
            self.chain.push(StreamElement::Batch(part)).await?;
        }
        Ok(())
    }

    /// The error of the first row that can't be computed, with its table and where the row is; `first` is the place of
    /// `rows` in the batch that was read.
    async fn placed(
        &mut self,
        error: Error,
        rows: &ChangelogBatch,
        first: usize,
        fails: fn(&SourceSteps, &ChangelogBatch) -> Option<Error>,
    ) -> Error {
        if error.kind() != ErrorKind::Data || error.detail().is_some() {
            return error;
        }
        let (mut sound, mut failing) = (0, rows.num_rows());
        while failing - sound > 1 {
            let middle = sound + (failing - sound) / 2;
            match fails(&self.steps, &rows.slice(sound, middle - sound)) {
                Some(_) => failing = middle,
                None => sound = middle,
            }
        }
        let error = fails(&self.steps, &rows.slice(sound, failing - sound)).unwrap_or(error);
        let table = &self.metrics.table;
        error.with_detail(match self.reader.place(first + sound).await {
            Some(place) => format!("The row of table \"{table}\" is at {place}."),
            None => format!("The row is one of table \"{table}\"."),
        })
    }

    async fn on_tick(&mut self) -> Result<()> {
        if let Some(lag) = self.reader.lag() {
            self.metrics.lag.store(lag, Ordering::Relaxed);
        }
        self.advance().await
    }

    async fn advance(&mut self) -> Result<()> {
        let advance = self.watermarks.advance(timer::now());
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
            // Its end will count as the barrier.
            SourceCommand::Barrier(_) if !self.resumes => {}
            SourceCommand::Barrier(epoch) => {
                let (positions, source) = (self.reader.positions(), self.state());
                self.snapshots.push((epoch, positions));
                let snapshot = self.chain.barrier(epoch).await?;
                self.context.passed(epoch, TaskSnapshot { source: Some(source), ..snapshot });
            }
            SourceCommand::Complete(epoch) => {
                for (_, positions) in self.snapshots.extract_if(.., |(e, _)| *e <= epoch) {
                    self.reader.on_epoch_complete(&positions).await?;
                }
            }
        }
        Ok(())
    }

    /// Where every split stands.
    fn state(&self) -> SourceState {
        let splits = self.reader.positions().into_iter().map(|split| {
            let watermark = self.watermarks.of(&split.id);
            split_state(&split.id, &split.position, watermark.map(|watermark| watermark.0))
        });
        SourceState { identity: self.identity.clone(), table: self.metrics.table.clone(), splits: splits.collect() }
    }

    /// `goes_on`: a restart goes on from here, be it that nothing more is needed.
    async fn finish(mut self, kind: EndKind, goes_on: bool) -> Result<()> {
        self.metrics.lag.store(self.reader.lag().unwrap_or(0), Ordering::Relaxed);
        let mut source = self.state();
        if !self.resumes {
            // Nothing is left of it: a restart doesn't read it again.
            source.splits.clear();
        }
        let positions = self.reader.positions();
        let snapshot = self.chain.end(kind).await?;
        let known = TaskSnapshot { source: Some(source), ..snapshot };
        self.context.ended(goes_on.then_some(known));
        let Self { reader, commands, resumes, snapshots, chain, .. } = self;
        // It has said all.
        drop(chain);
        match goes_on && resumes {
            true => report_end(reader, commands, snapshots, positions).await,
            false => Ok(()),
        }
    }
}

/// Waits for the epoch that the end of a source belongs to, and reports its last positions with it.
async fn report_end(
    mut reader: Box<dyn SourceReader>,
    mut commands: mpsc::Receiver<SourceCommand>,
    mut snapshots: Vec<(Epoch, Vec<Split>)>,
    last: Vec<Split>,
) -> Result<()> {
    while let Some(command) = commands.recv().await {
        let SourceCommand::Complete(epoch) = command else { continue };
        let passed = snapshots.extract_if(.., |(passed, _)| *passed <= epoch).last();
        // Behind a barrier that it has let pass the end belongs to the next epoch.
        let Some((_, positions)) = passed else {
            return tokio::select! {
                biased;
                reported = reader.on_epoch_complete(&last) => reported,
                // A service that is away doesn't hold up the end.
                () = timer::sleep(REPORT_TIME) => Ok(()),
            };
        };
        reader.on_epoch_complete(&positions).await?;
    }
    Ok(())
}

/// Sleeps until the moment, or for ever without one.
pub async fn sleep_until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => timer::sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}
