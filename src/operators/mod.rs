//! What happens to rows between the doors: one file, one operator.
//!
//! An [`Operator`] is synchronous and pure: no I/O, no clock, no spawning, no `async`. Inputs come as arguments,
//! results go to [`Output`]; the runtime owns alignment, barriers, time and backpressure.

mod aggregate;
mod calc;
mod constraint_enforcer;
mod current_watermark;
mod expand;
mod kept_rows;
mod limit;
mod mini_batch;
mod normalize;
mod output;
mod parts;
mod sink_upsert_materializer;
mod state_size;
mod unnest;
mod window;

pub use aggregate::{AggregateCall, BundleEnd, GroupAggregate, LocalGroupAggregate};
pub use calc::Calc;
pub(crate) use calc::evaluation_error;
pub use constraint_enforcer::{ConstraintEnforcer, Constraints, LengthLimit, OnLength, OnNull};
pub use current_watermark::CurrentWatermark;
pub use expand::Expand;
pub use limit::Limit;
pub use mini_batch::{MiniBatchAssigner, MiniBatchMode};
pub use normalize::ChangelogNormalize;
pub use output::{Output, Progress};
pub(crate) use parts::compute_parts;
pub use sink_upsert_materializer::SinkUpsertMaterializer;
pub use state_size::StateSize;
pub use unnest::{Unnest, UnnestShape};
pub use window::{
    LateRows, LocalWindowAggregate, PaneShape, SessionAggregate, SessionTable, SessionTableShape, WindowAggregate,
    WindowAggregateShape, WindowClock, WindowInput, WindowKind, WindowOutput, WindowPart, WindowTable, states,
};

use crate::changelog::{ChangelogBatch, Epoch};
use crate::error::Result;
use crate::state::Snapshot;
use crate::time::{EventTime, Watermark};

/// A running operator: rows and watermarks in, rows and watermarks out.
///
/// A method that emits returns [`Progress::More`] when `out` is full and it has more to say; the runtime sends what is
/// there and calls `resume` before any further element.
pub trait Operator: Send {
    /// For errors and metrics: `Calc`, `Limit`.
    fn name(&self) -> &'static str;

    /// Processing time as of the batch that is applied next.
    fn tell_time(&mut self, _now_ms: i64) {}

    /// Applies one batch from `input` (0-based) and emits what follows from it.
    fn process(&mut self, input: usize, batch: ChangelogBatch, out: &mut Output) -> Result<Progress>;

    /// Event time has passed `watermark` on every input. Forwards it, or an earlier one.
    fn on_watermark(&mut self, watermark: Watermark, out: &mut Output) -> Result<Progress> {
        out.watermark(watermark);
        Ok(Progress::Done)
    }

    /// Processing time has come to `now_ms`, at or behind [`Operator::next_timer`].
    fn on_time(&mut self, _now_ms: i64, _out: &mut Output) -> Result<Progress> {
        Ok(Progress::Done)
    }

    /// When `on_time` should be called, in milliseconds since the epoch.
    fn next_timer(&self) -> Option<i64> {
        None
    }

    /// The event time at which the next window closes that has rows, or of windows of processing time the moment.
    fn next_close(&self) -> Option<EventTime> {
        None
    }

    /// No more rows come from `input`.
    fn on_input_end(&mut self, _input: usize, _out: &mut Output) -> Result<Progress> {
        Ok(Progress::Done)
    }

    /// A barrier or a stop comes next: tells what was held back for company.
    fn flush(&mut self, _out: &mut Output) -> Result<Progress> {
        Ok(Progress::Done)
    }

    /// Goes on where the last call returned `More`.
    fn resume(&mut self, _out: &mut Output) -> Result<Progress> {
        Ok(Progress::Done)
    }

    /// How much is kept between batches; `None`: nothing ever is. Asked now and then, not per row.
    fn state_size(&self) -> Option<StateSize> {
        None
    }

    /// Every row of `epoch` has been processed: what must survive a restart; empty without state.
    fn snapshot(&mut self, _epoch: Epoch) -> Result<Snapshot> {
        Ok(Snapshot::default())
    }

    /// Takes back what `snapshot` gave, before any row. Then the rows that come out are those that would have come
    /// without a restart.
    ///
    /// # Errors
    /// State of another operator, or of one that computes something else, of kind `State`.
    fn restore(&mut self, state: &Snapshot) -> Result<()> {
        state.expect("").map(|_| ())
    }

    /// True when no later row can come out: the job may end (a LIMIT that is reached).
    fn is_satisfied(&self) -> bool {
        false
    }
}
