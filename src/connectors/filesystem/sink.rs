//! The sink of a filesystem table: files `part-<run>-<subtask>-<n>` in a folder, or in folders by partition.

use std::sync::Arc;

use async_trait::async_trait;
use tokio::time::Instant;
use uuid::Uuid;

use super::blocking;
use super::committer::FileCommitter;
use super::epoch_writer::FileEpochWriter;
use super::location::shown;
use super::part_file::{check_folder, could_make_folder};
use super::part_files::PartFiles;
use super::table::FileTable;
use super::target::FileTarget;
use crate::changelog::ChangelogBatch;
use crate::connectors::{ChangelogSupport, Guarantee, OpenContext, Sink, SinkTarget, SinkWriter, TableDescriptor};
use crate::error::{Error, Result};

/// Writes rows to new files; those of other jobs and runs stay.
#[derive(Debug)]
pub struct FileSink {
    table: Arc<FileTable>,
}

impl FileSink {
    pub fn try_new(table: &TableDescriptor) -> Result<Self> {
        let table = FileTable::try_new(table)?;
        table.format.encoding(&table.body)?;
        if let Some(column) = table.descriptor.metadata.iter().find(|m| !m.is_virtual) {
            let error = format!("{} can't write the metadata '{}'", table.descriptor.owner(), column.key);
            return Err(Error::statement(error).with_hint("Declare the column as METADATA VIRTUAL."));
        }
        Ok(Self { table: Arc::new(table) })
    }
}

#[async_trait]
impl Sink for FileSink {
    fn changelog_support(&self) -> ChangelogSupport {
        match self.table.format.has_changes() {
            true => ChangelogSupport::All,
            false => ChangelogSupport::InsertOnly,
        }
    }

    fn describe(&self) -> String {
        format!("path={}, format={}", shown(&self.table.options.listing.root), self.table.format.name())
    }

    fn parallelism(&self) -> Option<usize> {
        self.table.options.sink_parallelism
    }

    /// One writer a partition: it alone knows when all of it is written.
    fn distribution(&self) -> Option<Vec<usize>> {
        let (keys, options) = (&self.table.descriptor.partition_keys, &self.table.options);
        (!keys.is_empty() && (options.shuffle || options.commit.is_some())).then(|| keys.clone())
    }

    fn guarantee(&self) -> Guarantee {
        self.table.options.guarantee
    }

    fn target(&self) -> Option<SinkTarget> {
        let target = Arc::new(FileTarget::new(self.table.options.listing.root.clone()));
        Some(SinkTarget { target, table: self.table.clone() })
    }

    async fn check(&self, _exactly_once: bool, _context: &OpenContext) -> Result<()> {
        let (probe, root) = (format!(".probe-{}", Uuid::new_v4()), self.table.options.listing.root.clone());
        let owner = self.table.descriptor.owner();
        blocking::run(move || could_make_folder(&root, &probe)).await.map_err(|e| e.context(owner))
    }

    async fn open(&self, context: &OpenContext) -> Result<Box<dyn SinkWriter>> {
        if let Some(epochs) = &context.epochs {
            let committer = epochs.committer::<FileCommitter>()?;
            let parts = PartFiles::new(self.table.clone(), context, Some(committer.suffix()))?;
            return Ok(Box::new(FileEpochWriter::new(parts, committer.open_writer(epochs.sink), epochs)));
        }
        let (probe, root) = (format!(".probe-{}", Uuid::new_v4()), self.table.options.listing.root.clone());
        let owner = self.table.descriptor.owner();
        blocking::run(move || check_folder(&root, &probe)).await.map_err(|e| e.context(owner))?;
        let parts = PartFiles::new(self.table.clone(), context, None)?;
        Ok(Box::new(FileSinkWriter { parts: Some(parts), next_check: None }))
    }
}

/// One subtask's writer.
struct FileSinkWriter {
    /// Away while a thread writes.
    parts: Option<PartFiles>,
    /// When to look for files that were open long enough; `None` while none is open.
    next_check: Option<Instant>,
}

impl FileSinkWriter {
    /// Does something with the files on a thread that may block.
    async fn with_parts(&mut self, work: impl FnOnce(&mut PartFiles) -> Result<()> + Send + 'static) -> Result<()> {
        let Some(mut parts) = self.parts.take() else {
            return Err(Error::internal("a file is written after its writer has failed"));
        };
        let parts = blocking::run(move || work(&mut parts).map(|()| parts)).await?;
        self.next_check = match parts.has_open() {
            false => None,
            true => self.next_check.or_else(|| Some(Instant::now() + parts.table.options.rolling.check)),
        };
        self.parts = Some(parts);
        Ok(())
    }
}

#[async_trait]
impl SinkWriter for FileSinkWriter {
    async fn write(&mut self, batch: ChangelogBatch) -> Result<()> {
        let now = Instant::now();
        self.with_parts(move |parts| parts.write(batch, now)).await
    }

    fn deadline(&self) -> Option<Instant> {
        self.next_check
    }

    async fn on_deadline(&mut self) -> Result<()> {
        let now = Instant::now();
        self.next_check = None;
        self.with_parts(move |parts| {
            let policy = parts.table.options.rolling;
            parts.finish(|file| policy.is_old(file.opened(), file.written(), now))
        })
        .await
    }

    async fn flush(&mut self) -> Result<()> {
        let now = Instant::now();
        self.with_parts(move |parts| {
            parts.finish(|_| true)?;
            parts.commit(|since, delay| now.duration_since(since) >= delay)
        })
        .await
    }

    async fn close(&mut self) -> Result<()> {
        self.flush().await?;
        self.with_parts(|parts| parts.commit(|_, _| true)).await
    }
}

#[cfg(test)]
#[path = "sink_tests.rs"]
mod tests;
