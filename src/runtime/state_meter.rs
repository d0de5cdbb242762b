//! When an operator is asked how much it holds: seldom enough to cost nothing, often enough to notice in time.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef};

use super::memory::{JobMemory, OperatorMemory};
use crate::changelog::StreamElement;
use crate::error::Result;
use crate::operators::{Operator, StateSize};

/// Input behind which an operator is asked anew, at least.
const INPUT_BYTES: usize = 4 << 20;

/// What one subtask of an operator was last known to hold. Dropped, it holds nothing.
pub struct StateMeter {
    job: Arc<JobMemory>,
    operator: Arc<OperatorMemory>,
    last: StateSize,
    /// Input since then.
    input: usize,
    /// It may hold much less by now, or others want to know.
    is_due: bool,
    /// When to ask anew even if little has come.
    next_ms: i64,
}

impl StateMeter {
    pub fn new(job: Arc<JobMemory>, operator: Arc<OperatorMemory>) -> Self {
        Self { job, operator, last: StateSize::default(), input: 0, is_due: false, next_ms: i64::MIN }
    }

    /// The operator takes an element.
    pub fn on_element(&mut self, element: &StreamElement) {
        match element {
            StreamElement::Batch(batch) => {
                let bytes = |column: &ArrayRef| column.to_data().get_slice_memory_size().unwrap_or(0);
                self.input += batch.rows().columns().iter().map(bytes).sum::<usize>().max(1);
            }
            StreamElement::Barrier(_) | StreamElement::End(_) => self.is_due = true,
            StreamElement::Watermark(_) | StreamElement::Idle => {}
        }
    }

    /// The operator may have forgotten much.
    pub fn is_due(&mut self) {
        self.is_due = true;
    }

    /// Asks the operator, if it is time to.
    ///
    /// # Errors
    /// The operators hold more than they may.
    pub fn ask(&mut self, operator: &dyn Operator, now_ms: i64) -> Result<()> {
        // Asking may take as long as there are keys: the more there are, the more must have come.
        let budget = self.job.budget().bytes().unwrap_or(usize::MAX);
        let much = INPUT_BYTES.min(budget / 16) + self.last.bytes / 16;
        if !self.is_due && self.input < much && (self.input == 0 || now_ms < self.next_ms) {
            return Ok(());
        }
        let now = operator.state_size().unwrap_or_default();
        let before = std::mem::replace(&mut self.last, now);
        (self.input, self.is_due) = (0, false);
        // A second, and one more for each gigabyte.
        self.next_ms = now_ms.saturating_add(1_000 + (now.bytes >> 20) as i64);
        self.job.resize(&self.operator, before, now)
    }
}

impl Drop for StateMeter {
    fn drop(&mut self) {
        // Less is never too much.
        let _fits = self.job.resize(&self.operator, self.last, StateSize::default());
    }
}
