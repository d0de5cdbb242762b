//! Keeps the rows of an epoch until its end, where they become what is published.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use arrow::array::UInt32Array;
use async_trait::async_trait;

use super::payload::PayloadWriter;
use super::written::WrittenTable;
use crate::changelog::ChangelogBatch;
use crate::changelog::Epoch;
use crate::changelog::rejects::Stage;
use crate::connectors::{OpenContext, SinkWriter, Staged, Told, WriterEpochs};
use crate::error::{Error, Result};

/// So much is buffered at most before it becomes a piece of the payload, for which it is copied.
const PIECE_BYTES: usize = 8 << 20;

/// One subtask's rows. It has no connection: the committer has.
pub struct JdbcEpochWriter {
    // Parameters.
    table: Arc<WrittenTable>,
    /// Whether only the last change of each key is kept: where rows may be refused, each change counts.
    reduces: bool,
    epochs: WriterEpochs,
    context: OpenContext,
    // State of the epoch.
    epoch: Epoch,
    buffer: Vec<ChangelogBatch>,
    buffered: usize,
    /// `None` without a piece.
    payload: Option<PayloadWriter>,
    rows: u64,
    /// What the job's room was told of this epoch.
    told: Told,
}

impl JdbcEpochWriter {
    pub fn new(table: Arc<WrittenTable>, reduces: bool, epochs: WriterEpochs, context: OpenContext) -> Self {
        let (epoch, buffer, buffered) = (epochs.first, Vec::new(), 0);
        Self { table, reduces, epochs, context, epoch, buffer, buffered, payload: None, rows: 0, told: Told::default() }
    }

    /// The rows of a batch without those that their columns can't hold and that are rejected.
    fn fitting(&self, batch: ChangelogBatch) -> Result<ChangelogBatch> {
        let misfits = self.table.cells.misfits(&batch, &self.table.key)?;
        if misfits.is_empty() {
            return Ok(batch);
        }
        let mut fits = vec![true; batch.num_rows()];
        for (row, error) in misfits {
            fits[row] = false;
            batch.reject(&self.context.errors, row, Stage::Write, error)?;
        }
        batch.take(&UInt32Array::from_iter_values((0..).zip(fits).filter(|(_, fits)| *fits).map(|(row, _)| row)))
    }

    /// What is buffered goes into the payload, in one piece.
    fn end_piece(&mut self) -> Result<()> {
        let buffer = std::mem::take(&mut self.buffer);
        self.buffered = 0;
        if buffer.is_empty() {
            return Ok(());
        }
        let mut piece = self.table.joined(&buffer)?;
        drop(buffer);
        if self.reduces
            && let Some(last) = self.table.last_changes(&piece)?
        {
            piece = piece.take(&UInt32Array::from(last))?;
        }
        let payload = match &mut self.payload {
            Some(payload) => payload,
            none => none.insert(PayloadWriter::try_new(&self.table.cells.schema.arrow(), self.reduces)?),
        };
        payload.push(&piece)?;
        self.rows += piece.num_rows() as u64;
        Ok(())
    }

    fn held(&self) -> usize {
        self.buffered + self.payload.as_ref().map_or(0, PayloadWriter::len)
    }
}

#[async_trait]
impl SinkWriter for JdbcEpochWriter {
    async fn write(&mut self, batch: ChangelogBatch) -> Result<()> {
        let batch = self.fitting(batch)?;
        if batch.is_empty() {
            return Ok(());
        }
        self.buffered += batch.memory_size();
        self.buffer.push(batch);
        if self.buffered >= PIECE_BYTES {
            self.end_piece()?;
        }
        let held = self.held();
        self.epochs.room.hold(self.epoch, held, &mut self.told).await
    }

    async fn flush(&mut self) -> Result<()> {
        Err(Error::internal("a writer of whole epochs can't flush"))
    }

    async fn stage(&mut self, epoch: Epoch) -> Result<Staged> {
        self.end_piece()?;
        let payload = self.payload.take().map(PayloadWriter::finish).transpose()?.unwrap_or_default();
        self.context.metrics.bytes.fetch_add(payload.len() as u64, Ordering::Relaxed);
        (self.epoch, self.told) = (epoch.next(), Told::default());
        Ok(Staged { rows: std::mem::take(&mut self.rows), payload })
    }
}
