//! Rows that can't be processed: what becomes of them (`error-handling.mode`), and what is kept of them.
//!
//! A row is *rejected* where it can't be decoded, computed, looked up or written. Its table says whether that fails the
//! job, drops the row, or sends it as a *dead letter* to another table. Whatever is done, it is counted by stage.

use std::fmt;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use crate::error::{Error, ErrorKind, Result};

/// Where a row was rejected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Stage {
    /// Bytes that are no row.
    Decode,
    /// A cast or function that fails, a NULL event time, a NULL for a NOT NULL column.
    Compute,
    /// A lookup that failed however often it was tried.
    Lookup,
    /// A row that the sink can't encode or the other side refuses.
    Write,
}

impl Stage {
    pub const ALL: [Stage; 4] = [Self::Decode, Self::Compute, Self::Lookup, Self::Write];

    pub fn name(self) -> &'static str {
        match self {
            Self::Decode => "decode",
            Self::Compute => "compute",
            Self::Lookup => "lookup",
            Self::Write => "write",
        }
    }
}

/// How many rows were rejected, by stage, and why the first of each was.
#[derive(Debug, Default)]
pub struct RejectCounts {
    counts: [AtomicU64; 4],
    first: [OnceLock<String>; 4],
}

impl RejectCounts {
    pub fn of(&self, stage: Stage) -> u64 {
        self.counts[stage as usize].load(Ordering::Relaxed)
    }

    /// The table and the error of the first row that this stage rejected.
    pub fn first(&self, stage: Stage) -> Option<&str> {
        self.first[stage as usize].get().map(String::as_str)
    }

    pub fn total(&self) -> u64 {
        Stage::ALL.iter().map(|stage| self.of(*stage)).sum()
    }

    fn count(&self, stage: Stage, table: &str, why: &Error) {
        if self.counts[stage as usize].fetch_add(1, Ordering::Relaxed) == 0 {
            self.first[stage as usize].get_or_init(|| format!("table \"{table}\": {}", words(why)));
        }
    }
}

/// A record as it was read, as far as its source knows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Record {
    /// The bytes of its value.
    pub payload: Option<Vec<u8>>,
    pub key: Option<Vec<u8>>,
    /// The topic; of a file its path.
    pub topic: Option<String>,
    pub partition: Option<i32>,
    /// The offset; of a file the number of the line.
    pub offset: Option<i64>,
    pub headers: Option<Vec<(String, Option<Vec<u8>>)>>,
    /// Milliseconds since the epoch.
    pub timestamp: Option<i64>,
}

/// The records that rows were made of, kept while the rows are under way.
pub trait Records: Send + Sync + fmt::Debug {
    fn record(&self, index: usize) -> Record;
}

/// A row that was rejected, with everything that helps to mend and replay it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadLetter {
    /// The table whose options say what becomes of it.
    pub table: Arc<str>,
    pub stage: Stage,
    /// Why.
    pub error: String,
    pub record: Record,
}

/// Dead letters on their way to one table. Whoever runs the rejecting code sends them on before it goes on reading.
#[derive(Debug, Default)]
pub struct DeadLetters {
    waiting: Mutex<Vec<DeadLetter>>,
    count: AtomicUsize,
}

impl DeadLetters {
    pub fn is_empty(&self) -> bool {
        self.count.load(Ordering::Acquire) == 0
    }

    pub fn take(&self) -> Vec<DeadLetter> {
        let mut waiting = self.lock();
        self.count.store(0, Ordering::Release);
        std::mem::take(&mut waiting)
    }

    fn push(&self, letter: DeadLetter) {
        let mut waiting = self.lock();
        waiting.push(letter);
        self.count.store(waiting.len(), Ordering::Release);
    }

    /// A list of letters is whole even where a holder of the lock panicked.
    fn lock(&self) -> MutexGuard<'_, Vec<DeadLetter>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What becomes of the rejected rows of one table of one job.
#[derive(Debug, Clone, Default)]
pub enum ErrorHandling {
    /// The table says nothing: what the table says counts that the row was read from. Where none does, the job fails.
    #[default]
    Unset,
    /// The job fails with the row's error.
    Fail,
    Handle(Arc<Handling>),
}

/// Where rejected rows go and are counted.
#[derive(Debug)]
pub struct Handling {
    pub table: Arc<str>,
    /// `None`: they are dropped.
    pub letters: Option<Arc<DeadLetters>>,
    pub counts: Arc<RejectCounts>,
}

impl ErrorHandling {
    /// True where rejected rows don't fail the job.
    pub fn handles(&self) -> bool {
        matches!(self, Self::Handle(_))
    }

    /// True where records must be kept while their rows are under way.
    pub fn keeps_records(&self) -> bool {
        matches!(self, Self::Handle(handling) if handling.letters.is_some())
    }

    /// A row was rejected for `error`; the record is only asked for where it is kept.
    ///
    /// # Errors
    /// `error` itself where the job shall fail, and always where it is not the row's fault but ours.
    pub fn reject(&self, stage: Stage, error: Error, record: impl FnOnce() -> Record) -> Result<()> {
        let Self::Handle(handling) = self else { return Err(error) };
        if error.kind() == ErrorKind::Internal {
            return Err(error);
        }
        handling.counts.count(stage, &handling.table, &error);
        if let Some(letters) = &handling.letters {
            let table = handling.table.clone();
            letters.push(DeadLetter { table, stage, error: words(&error), record: record() });
        }
        Ok(())
    }
}

/// Why a row was rejected, in one line.
fn words(error: &Error) -> String {
    match error.detail() {
        Some(detail) => format!("{}: {detail}", error.message()),
        None => error.message().to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn handling(letters: Option<Arc<DeadLetters>>) -> (ErrorHandling, Arc<RejectCounts>) {
        let counts = Arc::new(RejectCounts::default());
        let handling = Handling { table: "T".into(), letters, counts: counts.clone() };
        (ErrorHandling::Handle(Arc::new(handling)), counts)
    }

    fn never() -> Record {
        panic!("the record is not needed")
    }

    #[test]
    fn failing_gives_the_error_back() {
        let error = ErrorHandling::Fail.reject(Stage::Decode, Error::data("bad"), never).unwrap_err();
        assert_eq!(error.message(), "bad");
    }

    #[test]
    fn skipping_counts_by_stage_and_keeps_nothing() {
        let (skip, counts) = handling(None);
        assert!(skip.handles() && !skip.keeps_records());
        skip.reject(Stage::Compute, Error::data("bad"), never).unwrap();
        skip.reject(Stage::Write, Error::data("bad"), never).unwrap();
        assert_eq!(Stage::ALL.map(|stage| counts.of(stage)), [0, 1, 0, 1]);
        assert_eq!(counts.total(), 2);
    }

    #[test]
    fn dead_letters_wait_with_their_record() {
        let letters = Arc::new(DeadLetters::default());
        let (dead, counts) = handling(Some(letters.clone()));
        let record = || Record { payload: Some(b"x".to_vec()), offset: Some(7), ..Record::default() };
        assert!(letters.is_empty());
        dead.reject(Stage::Decode, Error::data("bad").with_detail("Worse."), record).unwrap();
        assert!(!letters.is_empty());
        let taken = letters.take();
        assert_eq!((taken[0].error.as_str(), &*taken[0].table, taken[0].record.offset), ("bad: Worse.", "T", Some(7)));
        assert!(letters.is_empty() && letters.take().is_empty());
        assert_eq!(counts.of(Stage::Decode), 1);
    }

    #[test]
    fn a_bug_of_ours_always_fails_the_job() {
        let (skip, counts) = handling(None);
        assert!(skip.reject(Stage::Compute, Error::internal("a bug"), never).is_err());
        assert_eq!(counts.total(), 0);
    }
}
