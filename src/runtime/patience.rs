//! How long checkpoints may take, and how many may fail in a row.
//!
//! An epoch that is late is not given up: its barrier is among the rows, what writers have staged of it belongs to it,
//! and the next can't begin before it is published. So it counts as failed and is waited for as long again; where no
//! more failures are tolerated the attempt ends, and the next one decides by what is durable.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use tokio::time::Instant;

use super::checkpoints::Checkpoints;
use super::metrics::JobMetrics;
use super::timer;
use crate::changelog::Epoch;
use crate::connectors::Reporter;
use crate::error::{Error, Result};

/// Counts the failures of an attempt's checkpoints.
pub struct Patience {
    job: Arc<str>,
    timeout: Duration,
    tolerable: u32,
    in_a_row: AtomicU32,
    metrics: Arc<JobMetrics>,
    reporter: Reporter,
}

/// An epoch from its barrier on.
pub struct Term {
    pub epoch: Epoch,
    pub since: Instant,
    /// When it will be late, next.
    pub ends: Instant,
}

impl Patience {
    pub fn new(job: Arc<str>, options: &Checkpoints, metrics: Arc<JobMetrics>, reporter: Reporter) -> Self {
        Self {
            job,
            timeout: options.timeout,
            tolerable: options.tolerable_failures,
            in_a_row: AtomicU32::new(0),
            metrics,
            reporter,
        }
    }

    /// The time of an epoch whose barrier is sent now.
    pub fn begin(&self, epoch: Epoch) -> Term {
        let now = timer::now();
        Term { epoch, since: now, ends: now + self.timeout }
    }

    /// Counts a failure; false where it is one too many.
    pub fn bears(&self) -> bool {
        self.metrics.checkpoints.failed();
        self.in_a_row.fetch_add(1, Ordering::Relaxed) < self.tolerable
    }

    /// Says of the job what happened to a checkpoint of it.
    pub fn tell(&self, what: &str) {
        self.reporter.news(&format!("job \"{}\": {what}", self.job));
    }

    /// A checkpoint is complete: failures begin anew.
    pub fn complete(&self) {
        self.in_a_row.store(0, Ordering::Relaxed);
    }

    /// An epoch is late, with what is going on in words. It gets as much time again.
    ///
    /// # Errors
    /// It was one failure too many.
    pub fn late(&self, term: &mut Term, doing: &str) -> Result<()> {
        let (epoch, timeout) = (term.epoch.0, self.timeout);
        if !self.bears() {
            let late = format!("checkpoint {epoch} was not complete within {timeout:?}: {doing}");
            return Err(Error::external(late)
                .with_hint("'execution.checkpointing.timeout' says how long one may take, 'execution.checkpointing.tolerable-failed-checkpoints' how many may fail."));
        }
        self.tell(&format!("checkpoint {epoch} was not complete within {timeout:?}: {doing}; going on with it"));
        term.ends = timer::now() + timeout;
        Ok(())
    }

    /// Does what no epoch waits for; given up where it takes as long as a checkpoint may.
    pub async fn at_most<T>(&self, doing: &str, work: impl Future<Output = Result<T>>) -> Result<T> {
        tokio::select! {
            biased;
            done = work => done,
            () = timer::sleep(self.timeout) => Err(Error::external(format!("{doing} took longer than {:?}", self.timeout))
                .with_hint("'execution.checkpointing.timeout' says how long it may take.")),
        }
    }

    /// Does a part of an epoch, whose time goes on.
    pub async fn within<T>(&self, term: &mut Term, doing: &str, work: impl Future<Output = Result<T>>) -> Result<T> {
        let mut work = std::pin::pin!(work);
        loop {
            tokio::select! {
                biased;
                done = &mut work => return done,
                () = timer::sleep_until(term.ends) => self.late(term, doing)?,
            }
        }
    }
}
