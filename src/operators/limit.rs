//! Let the first rows pass and drop the rest.
//!
//! Runs in one subtask. Input is append-only: the planner refuses updates. State: how many rows have come.
//! Watermarks pass; once the limit is reached the job may end.

use super::{Operator, Output, Progress};
use crate::changelog::{ChangelogBatch, Epoch};
use crate::error::{Error, Result};

/// `LIMIT fetch OFFSET skip`.
#[derive(Debug)]
pub struct Limit {
    skip: u64,
    /// `None` for OFFSET alone.
    fetch: Option<u64>,
    seen: u64,
}

impl Limit {
    pub fn new(skip: u64, fetch: Option<u64>) -> Self {
        Self { skip, fetch, seen: 0 }
    }

    fn end(&self) -> u64 {
        self.fetch.map_or(u64::MAX, |fetch| self.skip.saturating_add(fetch))
    }
}

impl Operator for Limit {
    fn name(&self) -> &'static str {
        "Limit"
    }

    fn process(&mut self, _input: usize, batch: ChangelogBatch, out: &mut Output) -> Result<Progress> {
        let rows = batch.num_rows() as u64;
        let from = self.skip.saturating_sub(self.seen).min(rows);
        let to = self.end().saturating_sub(self.seen).min(rows);
        self.seen += rows;
        if from < to {
            out.emit(batch.slice(from as usize, (to - from) as usize));
        }
        Ok(Progress::Done)
    }

    fn snapshot(&mut self, _epoch: Epoch) -> Result<Vec<u8>> {
        Ok(self.seen.to_le_bytes().to_vec())
    }

    fn restore(&mut self, state: &[u8]) -> Result<()> {
        let bytes = state.try_into().map_err(|_| Error::state("the state of LIMIT is damaged"))?;
        self.seen = u64::from_le_bytes(bytes);
        Ok(())
    }

    fn is_satisfied(&self) -> bool {
        self.seen >= self.end()
    }
}
