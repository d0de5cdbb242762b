//! The sink of a filesystem table: files `part-<run>-<subtask>-<n>` in a folder, or in folders by partition.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use arrow::array::{Array, UInt32Array};
use async_trait::async_trait;
use indexmap::IndexMap;
use tokio::time::Instant;
use uuid::Uuid;

use super::blocking;
use super::location::shown;
use super::part_file::{PartFile, check_folder};
use super::partition::FolderPrinter;
use super::table::FileTable;
use crate::changelog::ChangelogBatch;
use crate::changelog::rejects::{ErrorHandling, Stage};
use crate::connectors::{ChangelogSupport, DoorMetrics, OpenContext, Sink, SinkWriter, TableDescriptor};
use crate::error::{Error, Result};
use crate::formats::{Encoder, Messages};

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

    async fn open(&self, context: &OpenContext) -> Result<Box<dyn SinkWriter>> {
        let (run, root) = (Uuid::new_v4(), self.table.options.listing.root.clone());
        let probe = format!(".probe-{run}");
        let owner = self.table.descriptor.owner();
        blocking::run(move || check_folder(&root, &probe)).await.map_err(|e| e.context(owner))?;
        let parts = PartFiles {
            encoder: self.table.format.encoding(&self.table.body)?.encoder()?,
            messages: Messages::new(),
            table: self.table.clone(),
            name: format!("part-{run}-{}", context.subtask),
            next: 0,
            open: BTreeMap::new(),
            uncommitted: BTreeMap::new(),
            metrics: context.metrics.clone(),
            errors: context.errors.clone(),
        };
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

/// The files that a subtask writes, one per partition at a time.
struct PartFiles {
    table: Arc<FileTable>,
    /// What the names of all files begin with.
    name: String,
    /// The number of the next file.
    next: u64,
    /// Files by partition folder, relative to the table's path; without partitions that is "".
    open: BTreeMap<String, PartFile>,
    /// Partition folders with rows since they were last committed, and when the first of these came.
    uncommitted: BTreeMap<String, Instant>,
    encoder: Box<dyn Encoder>,
    messages: Messages,
    metrics: Arc<DoorMetrics>,
    errors: ErrorHandling,
}

impl FileSinkWriter {
    /// Does something with the files on a thread that may block.
    async fn with_parts(&mut self, work: impl FnOnce(&mut PartFiles) -> Result<()> + Send + 'static) -> Result<()> {
        let Some(mut parts) = self.parts.take() else {
            return Err(Error::internal("a file is written after its writer has failed"));
        };
        let parts = blocking::run(move || work(&mut parts).map(|()| parts)).await?;
        self.next_check = match parts.open.is_empty() {
            true => None,
            false => self.next_check.or_else(|| Some(Instant::now() + parts.table.options.rolling.check)),
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
            parts.publish(|file| policy.is_old(file.opened(), file.written(), now))
        })
        .await
    }

    async fn flush(&mut self) -> Result<()> {
        let now = Instant::now();
        self.with_parts(move |parts| {
            parts.publish(|_| true)?;
            parts.commit(|since, delay| now.duration_since(since) >= delay)
        })
        .await
    }

    async fn close(&mut self) -> Result<()> {
        self.flush().await?;
        self.with_parts(|parts| parts.commit(|_, _| true)).await
    }
}

impl PartFiles {
    fn write(&mut self, batch: ChangelogBatch, now: Instant) -> Result<()> {
        let table = self.table.clone();
        let rows = &self.encodable(batch)?;
        let keys = &table.descriptor.partition_keys;
        let body = rows.with_rows(rows.rows().project(&table.body_columns)?);
        if keys.is_empty() {
            return self.append("", &body, now);
        }
        let columns =
            keys.iter().map(|&k| (&table.descriptor.columns.fields[k], rows.rows().column(k).as_ref() as &dyn Array));
        let mut printer = FolderPrinter::new(columns, &table.options.default_partition, table.descriptor.zone);
        let mut folders: IndexMap<String, Vec<u32>> = IndexMap::new();
        let mut folder = String::new();
        for row in 0..rows.num_rows() {
            printer.folder(row, &mut folder);
            match folders.get_mut(&folder) {
                Some(rows) => rows.push(row as u32),
                None => drop(folders.insert(folder.clone(), vec![row as u32])),
            }
        }
        for (folder, rows) in folders {
            if table.options.commit.is_some() {
                self.uncommitted.entry(folder.clone()).or_insert(now);
            }
            self.append(&folder, &body.take(&UInt32Array::from(rows))?, now)?;
        }
        Ok(())
    }

    /// The rows of a batch without those that can't be encoded and are rejected.
    fn encodable(&mut self, batch: ChangelogBatch) -> Result<ChangelogBatch> {
        if !batch.may_reject(&self.errors) {
            return Ok(batch);
        }
        let body = batch.with_rows(batch.rows().project(&self.table.body_columns)?);
        if self.lines(&body).is_ok() {
            return Ok(batch);
        }
        let mut fine = Vec::with_capacity(batch.num_rows());
        for row in 0..batch.num_rows() {
            match self.lines(&body.slice(row, 1)) {
                Ok(_) => fine.push(row as u32),
                Err(error) => batch.reject(&self.errors, row, Stage::Write, error)?,
            }
        }
        batch.take(&UInt32Array::from(fine))
    }

    /// Encodes rows as lines; all have one.
    fn lines(&mut self, rows: &ChangelogBatch) -> Result<Messages> {
        let mut messages = std::mem::take(&mut self.messages);
        messages.clear();
        let owner = self.table.descriptor.owner();
        let fail = |e: crate::formats::FormatError| e.into_error(format!("cannot write a row to {owner}"));
        match rows.kinds() {
            None => self.encoder.encode(rows.rows(), &mut messages),
            Some(kinds) => self.encoder.encode_changes(rows.rows(), kinds, &mut messages),
        }
        .map_err(fail)?;
        if (0..messages.len()).any(|i| messages.get(i).is_none()) {
            let format = self.table.format.name();
            let error = format!("cannot write a row to {owner}: NULL is no line in the format '{format}'");
            return Err(Error::data(error).with_hint("Leave such rows out with WHERE … IS NOT NULL."));
        }
        Ok(messages)
    }

    /// Appends rows to the open file of a folder, and to a next one where that is full.
    fn append(&mut self, folder: &str, rows: &ChangelogBatch, now: Instant) -> Result<()> {
        let messages = self.lines(rows)?;
        for line in (0..messages.len()).filter_map(|i| messages.get(i)) {
            self.append_line(folder, line, now)?;
        }
        self.metrics.bytes.fetch_add(messages.buffer.len() as u64, Ordering::Relaxed);
        self.messages = messages;
        Ok(())
    }

    fn append_line(&mut self, folder: &str, line: &[u8], now: Instant) -> Result<()> {
        if self.open.get(folder).is_some_and(|file| self.table.options.rolling.is_full(file.size()))
            && let Some(full) = self.open.remove(folder)
        {
            full.publish()?;
        }
        if let Some(file) = self.open.get_mut(folder) {
            return file.write(line, now);
        }
        let path: PathBuf = self.table.options.listing.root.join(folder);
        let mut file = PartFile::create(&path, &format!("{}-{}", self.name, self.next), now)?;
        self.next += 1;
        file.write(line, now)?;
        self.open.insert(folder.to_string(), file);
        Ok(())
    }

    /// Says of partitions that are complete that they are; their files are finished.
    fn commit(&mut self, is_due: impl Fn(Instant, Duration) -> bool) -> Result<()> {
        let Some(commit) = &self.table.options.commit else { return Ok(()) };
        let due = self.uncommitted.iter().filter(|(_, since)| is_due(**since, commit.delay));
        let due: Vec<String> = due.map(|(folder, _)| folder.clone()).collect();
        for folder in due {
            let path = self.table.options.listing.root.join(&folder).join(&commit.success_file);
            std::fs::File::create(&path)
                .and_then(|file| file.sync_all())
                .map_err(|e| Error::external(format!("cannot write file {}: {e}", shown(&path))))?;
            self.uncommitted.remove(&folder);
        }
        Ok(())
    }

    /// Finishes the open files for which `is_due`.
    fn publish(&mut self, is_due: impl Fn(&PartFile) -> bool) -> Result<()> {
        let due: Vec<String> = self.open.iter().filter(|(_, f)| is_due(f)).map(|(folder, _)| folder.clone()).collect();
        for folder in due {
            if let Some(file) = self.open.remove(&folder) {
                file.publish()?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
#[path = "sink_tests.rs"]
mod tests;
