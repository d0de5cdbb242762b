//! `TUMBLE`, `HOP` and `CUMULATE` over a table: every row with the windows it belongs to.
//!
//! A row comes out once for each of its windows, its kind unchanged; or once with its slice, where an aggregate behind
//! this puts slices together (then `SESSION` comes out with the session that the row alone would make). No row is late
//! here and there is no state. Watermarks and barriers: unchanged.

use std::borrow::Cow;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, TimestampMillisecondArray, UInt32Array};
use arrow::datatypes::{SchemaRef, TimestampMillisecondType};
use arrow::record_batch::{RecordBatch, RecordBatchOptions};

use super::windows::{Window, WindowClock, WindowKind};
use crate::changelog::ChangelogBatch;
use crate::error::{Error, Result};
use crate::operators::{Operator, Output, Progress};

/// A column that windows bring.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd)]
pub enum WindowPart {
    /// `window_start`
    Start,
    /// `window_end`
    End,
    /// `window_time`: the last millisecond of the window, as event time.
    Time,
}

impl WindowPart {
    pub const ALL: [Self; 3] = [Self::Start, Self::End, Self::Time];

    pub fn name(self) -> &'static str {
        match self {
            Self::Start => "window_start",
            Self::End => "window_end",
            Self::Time => "window_time",
        }
    }

    /// The column for these windows; `schema` has its type at `column`.
    pub fn array(
        self,
        windows: impl Iterator<Item = Window>,
        clock: WindowClock,
        schema: &SchemaRef,
        column: usize,
    ) -> ArrayRef {
        let times: TimestampMillisecondArray = match self {
            Self::Start => TimestampMillisecondArray::from_iter_values(windows.map(|w| w.start)),
            Self::End => TimestampMillisecondArray::from_iter_values(windows.map(|w| w.end)),
            Self::Time if clock.is_utc() => TimestampMillisecondArray::from_iter_values(windows.map(|w| w.end - 1)),
            Self::Time => TimestampMillisecondArray::from_iter_values(windows.map(|w| clock.to_instant(w.end - 1))),
        };
        Arc::new(times.with_data_type(schema.field(column).data_type().clone()))
    }
}

/// Adds window columns to rows.
pub struct WindowTable {
    time: usize,
    kind: WindowKind,
    clock: WindowClock,
    slices: bool,
    parts: Vec<WindowPart>,
    schema: SchemaRef,
}

impl WindowTable {
    /// Over the time column at `time`. `schema` is the input's with `parts` behind it.
    pub fn new(
        time: usize,
        kind: WindowKind,
        clock: WindowClock,
        slices: bool,
        parts: Vec<WindowPart>,
        schema: SchemaRef,
    ) -> Self {
        Self { time, kind, clock, slices, parts, schema }
    }

    fn apply(&self, batch: &ChangelogBatch) -> Result<ChangelogBatch> {
        let times = local_times(batch.rows(), self.time, self.clock)?;
        if self.slices || self.kind.step() == 0 {
            return self.with_windows(batch, times.len(), || self.kind.slices(&times));
        }
        let (mut rows, mut windows) = (Vec::with_capacity(times.len()), Vec::with_capacity(times.len()));
        for (row, time) in times.iter().enumerate() {
            for window in self.kind.windows(*time) {
                rows.push(row as u32);
                windows.push(window);
            }
        }
        let batch = batch.take(&UInt32Array::from(rows))?;
        self.with_windows(&batch, windows.len(), || windows.iter().copied())
    }

    fn with_windows<W: Iterator<Item = Window>>(
        &self,
        batch: &ChangelogBatch,
        rows: usize,
        windows: impl Fn() -> W,
    ) -> Result<ChangelogBatch> {
        let mut columns = batch.rows().columns().to_vec();
        for &part in &self.parts {
            columns.push(part.array(windows(), self.clock, &self.schema, columns.len()));
        }
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        Ok(batch.with_rows(RecordBatch::try_new_with_options(self.schema.clone(), columns, &options)?))
    }
}

/// The times of a column on the clock of the windows.
pub(super) fn local_times(rows: &RecordBatch, column: usize, clock: WindowClock) -> Result<Cow<'_, [i64]>> {
    let times = rows.column(column).as_primitive_opt::<TimestampMillisecondType>();
    let times = times.ok_or_else(|| Error::internal("windows over a column that is no time in milliseconds"))?;
    if times.null_count() > 0 {
        let name = rows.schema_ref().field(column).name().clone();
        return Err(Error::data(format!(
            "rowtime column '{name}' should not be null, please convert it to a non-null value"
        )));
    }
    Ok(clock.of_instants(times.values()))
}

impl Operator for WindowTable {
    fn name(&self) -> &'static str {
        "WindowTableFunction"
    }

    fn process(&mut self, _input: usize, batch: ChangelogBatch, out: &mut Output) -> Result<Progress> {
        out.emit(self.apply(&batch)?);
        Ok(Progress::Done)
    }
}
