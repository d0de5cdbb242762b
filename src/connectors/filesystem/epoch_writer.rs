//! Writes an epoch's rows to hidden files, which appear when the epoch is published.

use std::sync::Arc;

use async_trait::async_trait;
use tokio::time::Instant;

use super::blocking;
use super::committer::OpenWriter;
use super::part_files::PartFiles;
use crate::changelog::{ChangelogBatch, Epoch};
use crate::connectors::{EpochRoom, SinkWriter, Staged, WriterEpochs};
use crate::error::{Error, Result};

/// One subtask's writer.
pub struct FileEpochWriter {
    /// Away while a thread writes.
    parts: Option<PartFiles>,
    rows: u64,
    /// How much came of the epoch that is under way.
    bytes: usize,
    epoch: Epoch,
    room: Arc<EpochRoom>,
    open: OpenWriter,
}

impl FileEpochWriter {
    pub fn new(parts: PartFiles, open: OpenWriter, epochs: &WriterEpochs) -> Self {
        Self { parts: Some(parts), rows: 0, bytes: 0, epoch: epochs.first, room: epochs.room.clone(), open }
    }

    async fn with_parts<T: Send + 'static>(
        &mut self,
        work: impl FnOnce(&mut PartFiles) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let Some(mut parts) = self.parts.take() else {
            return Err(Error::internal("a file is written after its writer has failed"));
        };
        let (parts, done) = blocking::run(move || work(&mut parts).map(|done| (parts, done))).await?;
        self.parts = Some(parts);
        Ok(done)
    }
}

#[async_trait]
impl SinkWriter for FileEpochWriter {
    async fn write(&mut self, batch: ChangelogBatch) -> Result<()> {
        self.rows += batch.num_rows() as u64;
        self.bytes += batch.memory_size();
        let now = Instant::now();
        self.with_parts(move |parts| parts.write(batch, now)).await?;
        self.room.wait(self.epoch, self.bytes).await;
        Ok(())
    }

    async fn flush(&mut self) -> Result<()> {
        Err(Error::internal("a writer of whole epochs can't flush"))
    }

    async fn stage(&mut self, epoch: Epoch) -> Result<Staged> {
        let staged = self.with_parts(PartFiles::stage).await?;
        self.open.staged(epoch);
        (self.epoch, self.bytes) = (epoch.next(), 0);
        let payload = match staged.files.is_empty() {
            true => Default::default(),
            false => staged.encode()?,
        };
        Ok(Staged { rows: std::mem::take(&mut self.rows), payload })
    }

    async fn close(&mut self) -> Result<()> {
        self.parts = None;
        self.open.close().await
    }
}
