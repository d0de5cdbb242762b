//! Where rows go.

use std::fmt::Debug;

use async_trait::async_trait;

use super::{Guarantee, OpenContext, SinkTarget, Staged};
use crate::changelog::{ChangelogBatch, Epoch};
use crate::error::{Error, Result};

/// Which kinds of rows a sink takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChangelogSupport {
    /// Only `+I`.
    InsertOnly,
    /// `+I`, `+U` and `-D` by primary key; `-U` is not needed.
    Upsert,
    /// All four.
    All,
}

/// A description of where to write. `open` touches the world.
#[async_trait]
pub trait Sink: Send + Sync + Debug {
    fn changelog_support(&self) -> ChangelogSupport;

    /// One line for EXPLAIN, without secrets.
    fn describe(&self) -> String;

    /// True where nothing but the last row of each PRIMARY KEY can be seen of rows that are written together. `deletes`:
    /// rows may be deleted and come again.
    fn keeps_last_rows(&self, _deletes: bool) -> bool {
        false
    }

    /// Why a sink of inserts does not take changes, where it has words of its own for it.
    fn refusal_of_changes(&self) -> Option<Error> {
        None
    }

    /// How many subtasks write, where the table says so (`sink.parallelism`).
    fn parallelism(&self) -> Option<usize> {
        None
    }

    /// Columns by which rows must find their writer, where equal ones must meet in one.
    fn distribution(&self) -> Option<Vec<usize>> {
        None
    }

    /// What the table's options say of rows that are written twice or not at all.
    fn guarantee(&self) -> Guarantee {
        Guarantee::AtLeastOnce
    }

    /// Where rows can be published exactly once; `None` where they can't.
    fn target(&self) -> Option<SinkTarget> {
        None
    }

    /// Why rows of this table can't be published exactly once, where something it says stands against it.
    fn refusal_of_exactly_once(&self) -> Option<Error> {
        None
    }

    /// Asks whether it could be opened, its target too where rows are written exactly once, and makes nothing: a job is
    /// refused before any of its doors is open.
    ///
    /// # Errors
    /// What the target has against it: no such table, no right to write.
    async fn check(&self, _exactly_once: bool, _context: &OpenContext) -> Result<()> {
        Ok(())
    }

    /// A writer for one subtask; fails with a clear error when the target can't be written.
    async fn open(&self, context: &OpenContext) -> Result<Box<dyn SinkWriter>>;
}

/// Writes rows, buffering as its options say. Rows come with the columns of the sink schema.
#[async_trait]
pub trait SinkWriter: Send {
    /// Takes a batch; waits while the target is slow, which holds back the source.
    async fn write(&mut self, batch: ChangelogBatch) -> Result<()>;

    /// When buffered rows should be sent though nothing more comes; `None` when nothing waits.
    fn deadline(&self) -> Option<tokio::time::Instant> {
        None
    }

    /// The deadline has passed.
    async fn on_deadline(&mut self) -> Result<()> {
        self.flush().await
    }

    /// Whether rows wait for more to be sent with them.
    fn gathers(&self) -> bool {
        false
    }

    /// Nothing more has come for now: rows that wait for more may go. Doesn't wait for them. Asked only of a writer that
    /// gathers.
    fn on_idle(&mut self) -> Result<()> {
        Ok(())
    }

    /// Everything written before is acknowledged when this returns: a barrier waits here (at-least-once).
    async fn flush(&mut self) -> Result<()>;

    /// All rows of `epoch` have come: what is to be published of them. Rows of the next epoch follow. Only of a writer
    /// that was opened with [`OpenContext::epochs`], in place of `flush`.
    async fn stage(&mut self, epoch: Epoch) -> Result<Staged> {
        Err(Error::internal(format!("a writer can't stage epoch {}", epoch.0)))
    }

    /// The last call: the input has ended and was flushed. Files appear, connections close.
    async fn close(&mut self) -> Result<()> {
        Ok(())
    }
}
