//! Rows that the database refuses as an epoch is published: left out, each told by its savepoint, and counted.

use std::ops::Range;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::transaction::{self, Failed, Failure};
use super::watch::Watch;
use super::written::{Flush, Prepared, WrittenTable};
use crate::changelog::rejects::{ErrorHandling, Record, Stage};
use crate::changelog::{ChangelogBatch, RowKind};
use crate::error::{Error, ErrorKind};

/// What one table does with refused rows.
#[derive(Debug)]
pub struct Refusals {
    skips: bool,
    waiting: Mutex<Waiting>,
}

#[derive(Debug, Default)]
struct Waiting {
    /// Who counts them: known as soon as the table's first writer is there.
    counts: Option<ErrorHandling>,
    /// Of the transaction under way, in the order of the rows.
    open: Vec<Error>,
    /// Of those that were committed before there was somebody to count.
    committed: Vec<Error>,
}

impl Refusals {
    pub fn new(skips: bool) -> Self {
        Self { skips, waiting: Mutex::default() }
    }

    /// Whether refused rows don't fail the job.
    pub fn skips(&self) -> bool {
        self.skips
    }

    /// Refused rows are counted there, also those before.
    pub fn count_by(&self, errors: &ErrorHandling) {
        self.lock().counts = Some(errors.clone());
        self.count();
    }

    /// The transaction is committed.
    pub fn count(&self) {
        let mut waiting = self.lock();
        let Waiting { counts, open, committed } = &mut *waiting;
        committed.append(open);
        if let Some(errors) = counts {
            for error in committed.drain(..) {
                // It was skipped: there is nothing left that could fail.
                let _skipped = errors.reject(Stage::Write, error, Record::default);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes the rows of a batch in the open transaction but for those that the database refuses. A part of them that is
    /// refused is written in halves, so that few refused rows cost little. A change that is refused leaves the one before
    /// it.
    pub async fn spare(
        &self,
        watch: &Watch<'_>,
        table: &WrittenTable,
        prepared: &Prepared,
        batch: &ChangelogBatch,
        chunk: usize,
    ) -> Result<(), Failed> {
        self.lock().open.clear();
        let control = |sql| async move {
            transaction::control(watch, sql).await.map_err(|failure: Failure| Failed::of(failure, watch.link))
        };
        let all = 0..batch.num_rows();
        let mut parts = vec![all];
        while let Some(part) = parts.pop() {
            let halves = halves(batch, &part);
            let Some(flush) = flush(table, batch, &part, halves.is_some()) else { continue };
            control("SAVEPOINT part").await?;
            let sent = match flush {
                Ok(flush) => transaction::send(watch, table, prepared, &flush, chunk).await,
                Err(error) => Err(error.into()),
            };
            match (sent, halves) {
                (Ok(()), _) => control("RELEASE part").await?,
                (Err(failed), halves) if failed.error.kind() == ErrorKind::Data => {
                    control("ROLLBACK TO part").await?;
                    control("RELEASE part").await?;
                    match halves {
                        Some([first, second]) => parts.extend([second, first]),
                        None => self.lock().open.push(table.showing(failed.error, batch.rows(), part.start)),
                    }
                }
                (Err(failed), _) => return Err(failed),
            }
        }
        Ok(())
    }
}

/// A part as work: rows that can be halved are reduced, a single one is taken as it is.
fn flush(
    table: &WrittenTable,
    batch: &ChangelogBatch,
    part: &Range<usize>,
    is_several: bool,
) -> Option<crate::error::Result<Flush>> {
    match is_several {
        true => Some(table.flush(&batch.slice(part.start, part.len()))),
        false => table.flush_of_row(batch, part.start).map(Ok),
    }
}

/// Two parts of a part; `None` where it is one row. Both halves of an update stay in one, unless they are all.
fn halves(batch: &ChangelogBatch, part: &Range<usize>) -> Option<[Range<usize>; 2]> {
    if part.len() < 2 {
        return None;
    }
    let mut middle = part.start + part.len() / 2;
    let parts_update = batch.kind(middle - 1) == RowKind::UpdateBefore && batch.kind(middle) == RowKind::UpdateAfter;
    if parts_update && part.len() > 2 {
        middle += 1;
    }
    Some([part.start..middle, middle..part.end])
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, Int32Array, RecordBatch};

    use super::*;

    #[test]
    fn halves_hold_updates_together_and_end_at_single_rows() {
        use RowKind::{Insert as I, UpdateAfter as A, UpdateBefore as B};
        for kinds in [vec![I, B, A, I], vec![B, A, B, A, B, A], vec![I, B, A], vec![B, A], vec![I; 5]] {
            let column: ArrayRef = Arc::new(Int32Array::from_iter_values(0..kinds.len() as i32));
            let rows = RecordBatch::try_from_iter([("a", column)]).unwrap();
            let batch = ChangelogBatch::new(rows, kinds.clone());
            let all = 0..kinds.len();
            let (mut parts, mut singles) = (vec![all], Vec::new());
            while let Some(part) = parts.pop() {
                match halves(&batch, &part) {
                    Some([first, second]) => {
                        assert_eq!((first.start, first.end, second.end), (part.start, second.start, part.end));
                        let cuts_update = kinds[second.start - 1] == B && kinds[second.start] == A;
                        assert!(!cuts_update || part.len() == 2, "{kinds:?} at {}", second.start);
                        parts.extend([second, first]);
                    }
                    None => singles.push(part.start),
                }
            }
            assert_eq!(singles, (0..kinds.len()).collect::<Vec<_>>());
        }
    }
}
