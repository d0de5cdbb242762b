//! Aggregates of sessions: a result per session, told once, when no row has come for as long as its gap.
//!
//! A row makes a session of its own, and all sessions of its key that touch become one, with what was kept of them. It
//! is late when even that session is over: dropped and counted. State: the running values of open sessions. Watermarks
//! follow behind the sessions that they close; barriers: unchanged. (FLIP-145; Akidau et al., "The Dataflow Model".)

use arrow::array::{ArrayRef, UInt32Array};
use arrow::record_batch::{RecordBatch, RecordBatchOptions};

use super::aggregate::{WindowAggregateShape, WindowOutput};
use super::late::LateRows;
use super::pane::columns;
use super::session_state::{restore_sessions, save_sessions, session_columns};
use super::sessions::{Open, Over, Place, Sessions};
use super::slices::slice_ends;
use super::windows::WindowKind;
use crate::changelog::{ChangelogBatch, Epoch};
use crate::error::{Error, Result};
use crate::functions::aggregate::{Accumulator, Signs};
use crate::operators::{Operator, Output, Progress, StateSize};
use crate::state::Snapshot;
use crate::time::{EventTime, Watermark};

/// Sessions that are told at once.
const CHUNK: usize = 8_192;

pub struct SessionAggregate {
    shape: WindowAggregateShape,
    gap: i64,
    sessions: Sessions,
    /// Rows of each slot.
    counts: Vec<i64>,
    values: Vec<Box<dyn Accumulator>>,
    progress: Watermark,
    firing: Option<Watermark>,
    late: LateRows,
}

impl SessionAggregate {
    pub fn try_new(shape: WindowAggregateShape, late: LateRows) -> Result<Self> {
        let WindowKind::Session { gap } = shape.kind else {
            return Err(Error::internal("sessions of another kind of window"));
        };
        let pane = &shape.pane;
        let values = pane.calls.iter().map(|call| call.accumulator(pane.retracts)).collect::<Result<_>>()?;
        let sessions = Sessions::try_new(&pane.input, &pane.key, gap, shape.clock)?;
        Ok(Self { shape, gap, sessions, counts: Vec::new(), values, progress: Watermark::MIN, firing: None, late })
    }

    fn add(&mut self, batch: &ChangelogBatch) -> Result<()> {
        let rows = batch.rows();
        let ends = slice_ends(rows, self.shape.slice)?;
        let keys = self.sessions.intern(&columns(rows, &self.shape.pane.key), rows.num_rows())?;
        let (mut run, mut late) = (Run::default(), Vec::new());
        for (row, (&key, &end)) in keys.iter().zip(ends).enumerate() {
            let mut time = end - self.gap;
            if self.shape.processing_time {
                // The clock may have gone on while the row was on its way.
                time = time.max(self.shape.clock.of_instant(self.progress.0));
            }
            match self.sessions.place(key, time, self.progress) {
                Place::Late => late.push(key),
                Place::Slot { slot, merged } => {
                    self.grow();
                    if !merged.is_empty() {
                        self.apply(batch, std::mem::take(&mut run))?;
                        self.merge(slot, &merged)?;
                    }
                    run.rows.push(row as u32);
                    run.slots.push(slot);
                }
            }
        }
        self.late.add(late.len() as u64);
        self.sessions.release_keys(late);
        self.apply(batch, run)
    }

    fn grow(&mut self) {
        if self.sessions.slots() > self.counts.len() {
            self.counts.resize(self.sessions.slots(), 0);
            for values in &mut self.values {
                values.grow(self.counts.len());
            }
        }
    }

    /// Adds rows to their slots.
    fn apply(&mut self, batch: &ChangelogBatch, run: Run) -> Result<()> {
        if run.rows.is_empty() {
            return Ok(());
        }
        let batch = match run.rows.len() == batch.num_rows() {
            true => batch.clone(),
            false => batch.take(&UInt32Array::from(run.rows))?,
        };
        let sign = |row: usize| if batch.kind(row).is_addition() { 1 } else { -1 };
        let signs: Vec<i8> = (0..batch.num_rows()).map(sign).collect();
        for (slot, sign) in run.slots.iter().zip(&signs) {
            self.counts[*slot as usize] += i64::from(*sign);
        }
        for (call, values) in self.shape.pane.calls.iter().zip(&mut self.values) {
            let filtered = call.filtered(batch.rows(), &signs)?;
            let signs = Signs::Each(filtered.as_ref().unwrap_or(&signs));
            values.update(&run.slots, &call.arguments(batch.rows()), signs)?;
        }
        Ok(())
    }

    fn merge(&mut self, into: u32, merged: &[u32]) -> Result<()> {
        for slot in merged {
            self.counts[into as usize] += std::mem::take(&mut self.counts[*slot as usize]);
        }
        for values in &mut self.values {
            let state = values.state(merged)?;
            values.merge(&vec![into; merged.len()], &state)?;
            values.clear(merged);
        }
        Ok(())
    }

    fn fire(&mut self, out: &mut Output) -> Result<Progress> {
        let Some(to) = self.firing else { return Ok(Progress::Done) };
        loop {
            if out.is_full() {
                return Ok(Progress::More);
            }
            let over = self.sessions.take_over(to, CHUNK);
            if over.is_empty() {
                break;
            }
            out.emit(self.rows(&over)?);
            let slots: Vec<u32> = over.iter().map(|session| session.slot).collect();
            slots.iter().for_each(|slot| self.counts[*slot as usize] = 0);
            self.values.iter_mut().for_each(|values| values.clear(&slots));
            self.sessions.release(&over);
        }
        self.firing = None;
        self.progress = to;
        if !self.shape.processing_time {
            out.watermark(to);
        }
        Ok(Progress::Done)
    }

    fn rows(&self, over: &[Over]) -> Result<ChangelogBatch> {
        let shape = &self.shape;
        let with_rows = |session: &&Over| self.counts[session.slot as usize] != 0;
        let over: Vec<Over> = over.iter().filter(with_rows).copied().collect();
        let slots: Vec<u32> = over.iter().map(|session| session.slot).collect();
        let key = self.sessions.key_columns(&over.iter().map(|session| session.key).collect::<Vec<_>>())?;
        let mut columns: Vec<ArrayRef> = Vec::with_capacity(shape.output.len());
        for output in &shape.output {
            columns.push(match *output {
                WindowOutput::Key(i) => key[i].clone(),
                WindowOutput::Result(i) => self.values[i].evaluate(&slots)?,
                WindowOutput::Window(part) => {
                    part.array(over.iter().map(|session| session.window), shape.clock, &shape.schema, columns.len())
                }
            });
        }
        let options = RecordBatchOptions::new().with_row_count(Some(over.len()));
        Ok(ChangelogBatch::inserts(RecordBatch::try_new_with_options(shape.schema.clone(), columns, &options)?))
    }
}

/// Rows on their way into slots.
#[derive(Default)]
struct Run {
    rows: Vec<u32>,
    slots: Vec<u32>,
}

impl Operator for SessionAggregate {
    fn name(&self) -> &'static str {
        "WindowAggregate"
    }

    fn process(&mut self, _input: usize, batch: ChangelogBatch, _out: &mut Output) -> Result<Progress> {
        self.add(&batch)?;
        Ok(Progress::Done)
    }

    fn on_watermark(&mut self, watermark: Watermark, out: &mut Output) -> Result<Progress> {
        if self.shape.processing_time || watermark <= self.progress {
            out.watermark(watermark);
            return Ok(Progress::Done);
        }
        self.firing = Some(watermark);
        self.fire(out)
    }

    fn on_time(&mut self, now_ms: i64, out: &mut Output) -> Result<Progress> {
        if !self.shape.processing_time || now_ms <= self.progress.0 {
            return Ok(Progress::Done);
        }
        self.firing = Some(Watermark(now_ms));
        self.fire(out)
    }

    fn next_timer(&self) -> Option<i64> {
        let end = self.sessions.next_end().filter(|_| self.shape.processing_time)?;
        Some(self.shape.clock.fires_at(end))
    }

    fn next_close(&self) -> Option<EventTime> {
        self.sessions.next_end().map(|end| self.shape.clock.closes_at(end))
    }

    fn resume(&mut self, out: &mut Output) -> Result<Progress> {
        self.fire(out)
    }

    fn snapshot(&mut self, epoch: Epoch) -> Result<Snapshot> {
        let saved = self.shape.pane.saved(session_columns())?;
        let mut table = saved.table();
        let Self { sessions, counts, values, .. } = self;
        sessions.save(&mut table, epoch, |sessions, slots| {
            saved.save(slots, counts, values, &|slots| {
                let open: Vec<Open> = slots.iter().filter_map(|slot| sessions.session(*slot)).collect();
                let mut columns = save_sessions(&open);
                columns.extend(sessions.key_columns(&open.iter().map(|session| session.key).collect::<Vec<_>>())?);
                Ok(columns)
            })
        })?;
        Ok(Snapshot::of(self.name()).with_number("progress", self.progress.0).with_table("sessions", table))
    }

    fn restore(&mut self, state: &Snapshot) -> Result<()> {
        let (saved, mut pieces) = (self.shape.pane.saved(session_columns())?, Vec::new());
        for part in state.parts() {
            // Sessions that were told are gone: what is over but was not told by a subtask that was behind comes next.
            let told = Watermark(part.expect(self.name())?.number("progress")?);
            self.progress = self.progress.max(told);
            for piece in part.table("sessions", &saved.table())?.read() {
                pieces.push(piece?);
            }
        }
        let slots = restore_sessions(&mut self.sessions, &pieces, |piece| saved.key(piece).to_vec())?;
        self.grow();
        for (piece, slots) in pieces.iter().zip(&slots) {
            saved.restore(piece, &mut self.counts, &mut self.values, slots)?;
        }
        Ok(())
    }

    fn state_size(&self) -> Option<StateSize> {
        let mut size = self.sessions.size();
        size.bytes += self.counts.capacity() * size_of::<i64>();
        size.bytes += self.values.iter().map(|values| values.memory()).sum::<usize>();
        Some(size)
    }
}
