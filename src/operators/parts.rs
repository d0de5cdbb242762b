//! Finds the rows of a batch that can't be computed: computes ever smaller parts of it.

use crate::changelog::rejects::Stage;
use crate::changelog::{ChangelogBatch, RowKind};
use crate::error::{Error, ErrorKind, Result};

/// Computes a batch. Where that fails for its data, and its origin handles rejected rows, the rows that fail are
/// rejected, and `done` gets the results for the parts in between, in order, each with its first row's place in the
/// batch.
///
/// Costs nothing while all goes well, and about 2 log₂ n computations for each row that fails.
pub fn compute_parts<T>(
    batch: &ChangelogBatch,
    compute: &mut impl FnMut(&ChangelogBatch) -> Result<T>,
    done: &mut impl FnMut(usize, T),
) -> Result<()> {
    compute_from(0, batch, compute, done)
}

/// As [`compute_parts`]; the batch begins at `first` of the whole.
fn compute_from<T>(
    first: usize,
    batch: &ChangelogBatch,
    compute: &mut impl FnMut(&ChangelogBatch) -> Result<T>,
    done: &mut impl FnMut(usize, T),
) -> Result<()> {
    let error = match compute(batch) {
        Ok(result) => {
            done(first, result);
            return Ok(());
        }
        Err(error) => error,
    };
    let Some(origin) = batch.origin().filter(|_| error.kind() == ErrorKind::Data) else { return Err(error) };
    let rows = batch.num_rows();
    let middle = middle(batch);
    if middle == 0 {
        // One row, or both halves of one update: half an update would be a lie.
        for row in 0..rows {
            origin.reject(row, Stage::Compute, Error::data(error.message()))?;
        }
        return Ok(());
    }
    compute_from(first, &batch.slice(0, middle), compute, done)?;
    compute_from(first + middle, &batch.slice(middle, rows - middle), compute, done)
}

/// Where to cut a batch: not between the halves of an update. 0: nowhere.
fn middle(batch: &ChangelogBatch) -> usize {
    let (rows, half) = (batch.num_rows(), batch.num_rows() / 2);
    let cuts_update =
        half > 0 && batch.kind(half) == RowKind::UpdateAfter && batch.kind(half - 1) == RowKind::UpdateBefore;
    match half {
        half if !cuts_update => half,
        1 if rows > 2 => 2,
        half => half - 1,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{AsArray, Int64Array, RecordBatch};
    use arrow::datatypes::Int64Type;

    use super::*;
    use crate::changelog::Origin;
    use crate::changelog::rejects::{DeadLetters, ErrorHandling, Handling, RejectCounts};

    fn batch(values: &[i64], handling: Option<ErrorHandling>) -> ChangelogBatch {
        let column = Arc::new(Int64Array::from(values.to_vec())) as _;
        let rows = RecordBatch::try_from_iter([("v", column)]).unwrap();
        ChangelogBatch::inserts(rows).with_origin(handling.map(Origin::new))
    }

    fn handling() -> (ErrorHandling, Arc<DeadLetters>) {
        let letters = Arc::new(DeadLetters::default());
        let counts = Arc::new(RejectCounts::default());
        let handling = Handling { table: "T".into(), letters: Some(letters.clone()), counts };
        (ErrorHandling::Handle(Arc::new(handling)), letters)
    }

    /// Negative values can't be computed.
    fn positive(batch: &ChangelogBatch) -> Result<Vec<i64>> {
        let values = batch.rows().column(0).as_primitive::<Int64Type>().values();
        match values.iter().find(|v| **v < 0) {
            Some(bad) => Err(Error::data(format!("{bad} is negative"))),
            None => Ok(values.to_vec()),
        }
    }

    #[test]
    fn the_rows_that_fail_are_rejected_and_the_others_stay_in_order() {
        for values in [vec![1, 2, -3, 4, 5, -6, 7], vec![-1], vec![-1, -2], vec![-1, 2], vec![1, -2], vec![1, 2]] {
            let (handling, letters) = handling();
            let mut seen = Vec::new();
            let mut done = |first: usize, part: Vec<i64>| {
                assert_eq!(part, values[first..first + part.len()], "the part's place in {values:?}");
                seen.extend(part);
            };
            compute_parts(&batch(&values, Some(handling)), &mut positive, &mut done).unwrap();
            assert_eq!(seen, values.iter().copied().filter(|v| *v >= 0).collect::<Vec<_>>());
            let rejected: Vec<_> = letters.take().into_iter().map(|letter| letter.error).collect();
            let expected: Vec<_> = values.iter().filter(|v| **v < 0).map(|v| format!("{v} is negative")).collect();
            assert_eq!(rejected, expected, "{values:?}");
        }
    }

    #[test]
    fn without_handling_the_error_stays_an_error() {
        let error = compute_parts(&batch(&[1, -2], None), &mut positive, &mut |_, _| ()).unwrap_err();
        assert_eq!(error.message(), "-2 is negative");
    }

    #[test]
    fn an_update_is_rejected_whole() {
        let (handling, letters) = handling();
        let rows = batch(&[1, 2, -3, 4], None).into_rows();
        let kinds = vec![RowKind::Insert, RowKind::UpdateBefore, RowKind::UpdateAfter, RowKind::Insert];
        let updates = ChangelogBatch::new(rows, kinds).with_origin(Some(Origin::new(handling)));
        let mut seen = Vec::new();
        compute_parts(&updates, &mut positive, &mut |_, part| seen.extend(part)).unwrap();
        assert_eq!(seen, [1, 4]);
        assert_eq!(letters.take().len(), 2);
    }
}
