//! `SESSION` over a table: every row with the session it belongs to, once that is over.
//!
//! Rows of a session come together, in the order they came in, each with its kind. A row is late when its session is
//! over: dropped and counted. State: the rows of open sessions. Watermarks follow behind the sessions that they close;
//! barriers: unchanged.

use std::sync::Arc;

use arrow::array::ArrayRef;
use arrow::datatypes::{DataType, SchemaRef};
use arrow::record_batch::RecordBatch;

use super::late::LateRows;
use super::pane::columns;
use super::sessions::{Place, Sessions};
use super::table::{WindowPart, local_times};
use super::windows::{Window, WindowClock};
use crate::changelog::{ChangelogBatch, Epoch, RowKind};
use crate::error::Result;
use crate::functions::aggregate::ValueCodec;
use crate::operators::{Operator, Output, Progress, StateSize};
use crate::state::Snapshot;
use crate::time::{EventTime, Watermark};

/// Sessions that are told at once.
const CHUNK: usize = 1_024;

/// How sessions are made of rows.
#[derive(Debug, Clone)]
pub struct SessionTableShape {
    pub input: SchemaRef,
    /// Position of the time column.
    pub time: usize,
    pub gap: i64,
    pub clock: WindowClock,
    pub processing_time: bool,
    /// `PARTITION BY`
    pub key: Vec<usize>,
    pub parts: Vec<WindowPart>,
    /// The input's columns with `parts` behind them.
    pub schema: SchemaRef,
}

pub struct SessionTable {
    shape: SessionTableShape,
    sessions: Sessions,
    codec: Arc<ValueCodec>,
    /// The rows of each slot.
    rows: Vec<Vec<(RowKind, Box<[u8]>)>>,
    /// Bytes of all rows.
    row_bytes: usize,
    progress: Watermark,
    firing: Option<Watermark>,
    late: LateRows,
}

impl SessionTable {
    pub fn try_new(shape: SessionTableShape, late: LateRows) -> Result<Self> {
        let sessions = Sessions::try_new(&shape.input, &shape.key, shape.gap, shape.clock)?;
        let types: Vec<DataType> = shape.input.fields().iter().map(|field| field.data_type().clone()).collect();
        let codec = Arc::new(ValueCodec::try_new(&types)?);
        Ok(Self {
            shape,
            sessions,
            codec,
            rows: Vec::new(),
            row_bytes: 0,
            progress: Watermark::MIN,
            firing: None,
            late,
        })
    }

    fn add(&mut self, batch: &ChangelogBatch) -> Result<()> {
        let rows = batch.rows();
        let times = local_times(rows, self.shape.time, self.shape.clock)?;
        let keys = self.sessions.intern(&columns(rows, &self.shape.key), rows.num_rows())?;
        let values = self.codec.encode(rows.columns())?;
        let mut late = Vec::new();
        for (row, (&key, &time)) in keys.iter().zip(times.iter()).enumerate() {
            let time = match self.shape.processing_time {
                true => time.max(self.shape.clock.of_instant(self.progress.0)),
                false => time,
            };
            match self.sessions.place(key, time, self.progress) {
                Place::Late => late.push(key),
                Place::Slot { slot, merged } => {
                    self.rows.resize_with(self.sessions.slots(), Vec::new);
                    for from in merged {
                        let moved = std::mem::take(&mut self.rows[from as usize]);
                        self.rows[slot as usize].extend(moved);
                    }
                    let row_values: Box<[u8]> = values.row(row).as_ref().into();
                    self.row_bytes += row_values.len();
                    self.rows[slot as usize].push((batch.kind(row), row_values));
                }
            }
        }
        self.late.add(late.len() as u64);
        self.sessions.release_keys(late);
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
            let (mut rows, mut windows): (Vec<(RowKind, Box<[u8]>)>, Vec<Window>) = Default::default();
            for session in &over {
                let of_session = std::mem::take(&mut self.rows[session.slot as usize]);
                windows.extend(std::iter::repeat_n(session.window, of_session.len()));
                rows.extend(of_session);
            }
            self.sessions.release(&over);
            self.row_bytes -= rows.iter().map(|(_, row)| row.len()).sum::<usize>();
            out.emit(self.batch(&rows, &windows)?);
        }
        self.firing = None;
        self.progress = to;
        if !self.shape.processing_time {
            out.watermark(to);
        }
        Ok(Progress::Done)
    }

    fn batch(&self, rows: &[(RowKind, Box<[u8]>)], windows: &[Window]) -> Result<ChangelogBatch> {
        let shape = &self.shape;
        let mut columns: Vec<ArrayRef> = self.codec.decode(rows.iter().map(|(_, row)| row.as_ref()))?;
        for part in &shape.parts {
            columns.push(part.array(windows.iter().copied(), shape.clock, &shape.schema, columns.len()));
        }
        let batch = RecordBatch::try_new(shape.schema.clone(), columns)?;
        Ok(ChangelogBatch::new(batch, rows.iter().map(|(kind, _)| *kind).collect()))
    }
}

impl Operator for SessionTable {
    fn name(&self) -> &'static str {
        "WindowTableFunction"
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
        self.save(epoch)
    }

    fn restore(&mut self, state: &Snapshot) -> Result<()> {
        self.load(state)
    }

    fn state_size(&self) -> Option<StateSize> {
        let mut size = self.sessions.size();
        size.bytes += self.rows.iter().map(|rows| rows.capacity() * size_of::<(RowKind, Box<[u8]>)>()).sum::<usize>();
        size.bytes += self.rows.capacity() * size_of::<Vec<(RowKind, Box<[u8]>)>>() + self.row_bytes;
        Some(size)
    }
}

#[path = "session_table_state.rs"]
mod state;
