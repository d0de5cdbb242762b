//! Let the first rows pass and drop the rest.
//!
//! Runs in one subtask. Input is append-only: the planner refuses updates. State: how many rows have come.
//! Watermarks pass; once the limit is reached the job may end.

use super::{Operator, Output, Progress};
use crate::changelog::{ChangelogBatch, Epoch};
use crate::error::Result;
use crate::state::Snapshot;

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

    fn snapshot(&mut self, _epoch: Epoch) -> Result<Snapshot> {
        Ok(Snapshot::of(self.name()).with_number("seen", self.seen.cast_signed()))
    }

    fn restore(&mut self, state: &Snapshot) -> Result<()> {
        self.seen = state.expect(self.name())?.number("seen")?.cast_unsigned();
        Ok(())
    }

    fn is_satisfied(&self) -> bool {
        self.seen >= self.end()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{AsArray, Int64Array};
    use arrow::datatypes::Int64Type;
    use arrow::record_batch::RecordBatch;

    use super::*;
    use crate::changelog::StreamElement;

    fn batch(values: std::ops::Range<i64>) -> ChangelogBatch {
        let column = Arc::new(Int64Array::from_iter_values(values));
        ChangelogBatch::inserts(RecordBatch::try_from_iter([("v", column as _)]).unwrap())
    }

    /// What comes out of batches of three rows, 0 to 8.
    fn passed(mut limit: Limit) -> Vec<i64> {
        let mut out = Output::new();
        for start in [0, 3, 6] {
            let _ = limit.process(0, batch(start..start + 3), &mut out).unwrap();
        }
        let rows = out.drain().map(|element| match element {
            StreamElement::Batch(batch) => batch.rows().column(0).as_primitive::<Int64Type>().values().to_vec(),
            other => panic!("{other:?}"),
        });
        rows.flatten().collect()
    }

    #[test]
    fn rows_between_skip_and_skip_plus_fetch_pass_whatever_the_batches() {
        let cases: [(u64, Option<u64>, Vec<i64>); 6] = [
            (0, Some(4), vec![0, 1, 2, 3]),
            (2, Some(3), vec![2, 3, 4]),
            (3, Some(3), vec![3, 4, 5]),
            (7, None, vec![7, 8]),
            (20, Some(1), vec![]),
            (0, Some(0), vec![]),
        ];
        for (skip, fetch, expected) in cases {
            assert_eq!(passed(Limit::new(skip, fetch)), expected, "LIMIT {fetch:?} OFFSET {skip}");
        }
    }

    #[test]
    fn a_restored_limit_goes_on_counting() {
        let mut before = Limit::new(0, Some(4));
        let _ = before.process(0, batch(0..3), &mut Output::new()).unwrap();
        assert!(!before.is_satisfied());
        let state = before.snapshot(Epoch(1)).unwrap();
        let mut after = Limit::new(0, Some(4));
        after.restore(&state).unwrap();
        assert_eq!(passed(after), [0]);
        assert!(Limit::new(0, Some(4)).restore(&Snapshot::default()).is_err());
    }
}
