//! Aggregates of windows: a result per window and group, told once, when the window is over.
//!
//! Rows are kept in panes, one per slice, and a pane is added to those of the other slices of a window when the
//! watermark passes the window's last millisecond (in processing time: when the clock does). Windows come in the order
//! of their ends, groups in that of their first rows. A row is late when the last window of its slice is over: it is
//! dropped and counted. One that is late for some windows counts in the others. State: the panes of windows that are
//! not over. Watermarks follow behind the windows that they close; barriers: unchanged. (FLIP-145.)

use std::collections::BTreeMap;

use arrow::array::ArrayRef;
use arrow::datatypes::SchemaRef;
use arrow::record_batch::{RecordBatch, RecordBatchOptions};

use super::late::LateRows;
use super::pane::{Pane, PaneResults, PaneShape, columns, counts};
use super::slices::by_slice;
use super::table::WindowPart;
use super::windows::{Window, WindowClock, WindowKind};
use crate::changelog::{ChangelogBatch, Epoch};
use crate::error::Result;
use crate::operators::{Operator, Output, Progress, StateSize};
use crate::state::Snapshot;
use crate::time::{EventTime, Watermark};

/// Rows of a window that are made at once.
const CHUNK: usize = 16_384;

/// One column of what comes out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WindowOutput {
    /// Of the grouping key.
    Key(usize),
    Window(WindowPart),
    /// The result of a call.
    Result(usize),
}

/// What the input holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WindowInput {
    Rows,
    /// Groups that [`super::LocalWindowAggregate`] has made: how many rows each has, at this position; their states
    /// behind it.
    Partials {
        counts: usize,
    },
}

/// How an aggregate of windows is put together.
#[derive(Debug, Clone)]
pub struct WindowAggregateShape {
    pub kind: WindowKind,
    pub clock: WindowClock,
    /// Windows go by the clock of the machine, not by watermarks.
    pub processing_time: bool,
    /// Position of the slice's end in the input.
    pub slice: usize,
    pub input: WindowInput,
    /// The earliest slice of a window is taken first, as in Flink's GROUP BY HOP; otherwise the latest, as in its HOP
    /// table function: functions that go by order can tell.
    pub earliest_first: bool,
    pub pane: PaneShape,
    pub output: Vec<WindowOutput>,
    pub schema: SchemaRef,
}

pub struct WindowAggregate {
    shape: WindowAggregateShape,
    /// By the ends of their slices.
    panes: BTreeMap<i64, Pane>,
    /// Windows up to here are over and told.
    progress: Watermark,
    firing: Option<Firing>,
    /// What is told next: windows of subtasks that were behind others when they were put together.
    untold: Vec<ChangelogBatch>,
    /// How many panes there were so far.
    begun: u64,
    late: LateRows,
}

/// Windows on their way out.
struct Firing {
    to: Watermark,
    /// The last window that came out whole.
    last: Option<i64>,
    window: Option<Open>,
}

struct Open {
    end: i64,
    groups: Groups,
    /// The group to go on with.
    next: usize,
}

/// Where the groups of a window are.
enum Groups {
    /// In the pane of this slice.
    Slice(i64),
    Whole(Box<Pane>),
}

impl WindowAggregate {
    pub fn new(shape: WindowAggregateShape, late: LateRows) -> Self {
        let (untold, begun) = (Vec::new(), 0);
        Self { shape, panes: BTreeMap::new(), progress: Watermark::MIN, firing: None, untold, begun, late }
    }

    fn add(&mut self, batch: &ChangelogBatch) -> Result<()> {
        for (slice, rows) in by_slice(batch, self.shape.slice)? {
            self.add_to(slice, &rows)?;
        }
        Ok(())
    }

    fn add_to(&mut self, slice: i64, batch: &ChangelogBatch) -> Result<()> {
        let Some(slice) = self.open_slice(slice) else {
            let rows = match self.shape.input {
                WindowInput::Rows => batch.num_rows() as u64,
                WindowInput::Partials { counts: at } => {
                    counts(batch.rows(), at)?.values().iter().map(|count| count.unsigned_abs()).sum()
                }
            };
            self.late.add(rows);
            return Ok(());
        };
        let pane = pane(&mut self.panes, &mut self.begun, &self.shape.pane, slice)?;
        match self.shape.input {
            WindowInput::Rows => pane.update(&self.shape.pane, batch),
            WindowInput::Partials { counts: at } => {
                let rows = batch.rows();
                let key = columns(rows, &self.shape.pane.key);
                pane.merge_partials(&self.shape.pane, &key, counts(rows, at)?, &rows.columns()[at + 1..])
            }
        }
    }

    fn pane(&mut self, slice: i64) -> Result<&mut Pane> {
        pane(&mut self.panes, &mut self.begun, &self.shape.pane, slice)
    }

    fn tell_untold(&mut self, out: &mut Output) {
        self.untold.drain(..).for_each(|batch| out.emit(batch));
    }

    /// The slice that takes rows of this one; `None`: they are late.
    fn open_slice(&self, slice: i64) -> Option<i64> {
        let WindowAggregateShape { kind, clock, processing_time, .. } = self.shape;
        if !clock.is_over(kind.last_end(slice), self.progress) {
            return Some(slice);
        }
        // The clock went on while the row was on its way: it counts in the window that is open now.
        processing_time.then(|| kind.slice(clock.of_instant(self.progress.0.saturating_add(1))).end)
    }

    /// The end of the next window that has rows and was not told yet.
    fn next_window(&self, last: Option<i64>) -> Option<i64> {
        let WindowAggregateShape { kind, clock, .. } = self.shape;
        let (&slice, _) = self.panes.first_key_value()?;
        let is_told = |end: i64| last.is_some_and(|last| end <= last) || clock.is_over(end, self.progress);
        let step = kind.step();
        if step == 0 || !is_told(slice) {
            return Some(slice);
        }
        // Of the windows that have the slice the first ones are told: their number is found by halves.
        let (mut told, mut open) = (0, (kind.last_end(slice) - slice) / step);
        while open - told > 1 {
            let middle = told + (open - told) / 2;
            match is_told(slice + middle * step) {
                true => told = middle,
                false => open = middle,
            }
        }
        Some(slice + open * step)
    }

    /// Tells windows until `out` is full or all that are over are told.
    fn fire(&mut self, out: &mut Output) -> Result<Progress> {
        let Some(mut firing) = self.firing.take() else { return Ok(Progress::Done) };
        loop {
            let mut window = match firing.window.take() {
                Some(window) => window,
                None => match self.next_window(firing.last) {
                    Some(end) if self.shape.clock.is_over(end, firing.to) => self.open(end)?,
                    _ => break,
                },
            };
            if self.tell(&mut window, out)? == Progress::More {
                firing.window = Some(window);
                self.firing = Some(firing);
                return Ok(Progress::More);
            }
            self.close(window.end);
            firing.last = Some(window.end);
        }
        self.progress = firing.to;
        if !self.shape.processing_time {
            out.watermark(firing.to);
        }
        Ok(Progress::Done)
    }

    /// Puts the slices of a window together.
    fn open(&mut self, end: i64) -> Result<Open> {
        let kind = self.shape.kind;
        let open = |groups| Open { end, groups, next: 0 };
        if kind.is_unshared() {
            return Ok(open(Groups::Slice(end)));
        }
        let shape = &self.shape.pane;
        let mut slices: Vec<i64> = self.panes.range(kind.start_of(end) + 1..=end).map(|(slice, _)| *slice).collect();
        if let [slice] = slices[..] {
            return Ok(open(Groups::Slice(slice)));
        }
        if let WindowKind::Cumulate { .. } = kind {
            // The slices before were put together for the window before; later windows have them all.
            let mut panes = slices.iter().filter_map(|slice| self.panes.remove(slice));
            let Some(mut whole) = panes.next() else { return Ok(open(Groups::Slice(end))) };
            for pane in panes {
                whole.merge(shape, &pane)?;
            }
            self.panes.insert(end, whole);
            return Ok(open(Groups::Slice(end)));
        }
        if !self.shape.earliest_first {
            slices.reverse();
        }
        let mut whole = Pane::try_new(shape)?;
        for pane in slices.iter().filter_map(|slice| self.panes.get(slice)) {
            whole.merge(shape, pane)?;
        }
        Ok(open(Groups::Whole(Box::new(whole))))
    }

    fn tell(&self, window: &mut Open, out: &mut Output) -> Result<Progress> {
        let pane = match &window.groups {
            Groups::Whole(pane) => pane.as_ref(),
            Groups::Slice(slice) => match self.panes.get(slice) {
                Some(pane) => pane,
                None => return Ok(Progress::Done),
            },
        };
        while window.next < pane.len() {
            if out.is_full() {
                return Ok(Progress::More);
            }
            let groups = pane.results(window.next, CHUNK)?;
            window.next = groups.next;
            out.emit(self.rows(window.end, &groups)?);
        }
        Ok(Progress::Done)
    }

    fn rows(&self, end: i64, groups: &PaneResults) -> Result<ChangelogBatch> {
        let shape = &self.shape;
        let window = Window { start: shape.kind.start_of(end), end };
        let mut columns: Vec<ArrayRef> = Vec::with_capacity(shape.output.len());
        for output in &shape.output {
            columns.push(match *output {
                WindowOutput::Key(i) => groups.key[i].clone(),
                WindowOutput::Result(i) => groups.results[i].clone(),
                WindowOutput::Window(part) => {
                    part.array(std::iter::repeat_n(window, groups.rows), shape.clock, &shape.schema, columns.len())
                }
            });
        }
        let options = RecordBatchOptions::new().with_row_count(Some(groups.rows));
        Ok(ChangelogBatch::inserts(RecordBatch::try_new_with_options(shape.schema.clone(), columns, &options)?))
    }

    /// Forgets what no window behind the one that ends at `end` needs.
    fn close(&mut self, end: i64) {
        let kind = self.shape.kind;
        while let Some(slice) = self.panes.first_entry().filter(|slice| kind.last_end(*slice.key()) <= end) {
            slice.remove();
        }
    }
}

/// The pane of a slice, which is made where there is none.
fn pane<'a>(
    panes: &'a mut BTreeMap<i64, Pane>,
    begun: &mut u64,
    shape: &PaneShape,
    slice: i64,
) -> Result<&'a mut Pane> {
    Ok(match panes.entry(slice) {
        std::collections::btree_map::Entry::Occupied(pane) => pane.into_mut(),
        std::collections::btree_map::Entry::Vacant(place) => {
            *begun += 1;
            place.insert(Pane::try_new(shape)?.numbered(*begun))
        }
    })
}

impl Operator for WindowAggregate {
    fn name(&self) -> &'static str {
        "WindowAggregate"
    }

    fn process(&mut self, _input: usize, batch: ChangelogBatch, out: &mut Output) -> Result<Progress> {
        self.tell_untold(out);
        self.add(&batch)?;
        Ok(Progress::Done)
    }

    fn on_watermark(&mut self, watermark: Watermark, out: &mut Output) -> Result<Progress> {
        self.tell_untold(out);
        if self.shape.processing_time {
            out.watermark(watermark);
            return Ok(Progress::Done);
        }
        if watermark <= self.progress {
            out.watermark(watermark);
            return Ok(Progress::Done);
        }
        self.firing = Some(Firing { to: watermark, last: None, window: None });
        self.fire(out)
    }

    fn on_time(&mut self, now_ms: i64, out: &mut Output) -> Result<Progress> {
        self.tell_untold(out);
        if !self.shape.processing_time || now_ms <= self.progress.0 {
            return Ok(Progress::Done);
        }
        self.firing = Some(Firing { to: Watermark(now_ms), last: None, window: None });
        self.fire(out)
    }

    fn next_timer(&self) -> Option<i64> {
        match self.shape.processing_time {
            true if !self.untold.is_empty() => Some(self.progress.0),
            true => self.next_window(None).map(|end| self.shape.clock.fires_at(end)),
            false => None,
        }
    }

    fn next_close(&self) -> Option<EventTime> {
        self.next_window(None).map(|end| self.shape.clock.closes_at(end))
    }

    fn flush(&mut self, out: &mut Output) -> Result<Progress> {
        self.tell_untold(out);
        Ok(Progress::Done)
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
        let mut size = StateSize::default();
        self.panes.values().for_each(|pane| size += pane.size());
        Some(size)
    }
}

#[path = "aggregate_state.rs"]
mod state;
