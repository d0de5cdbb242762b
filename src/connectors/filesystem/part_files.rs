//! The files that a subtask writes: one per partition at a time, finished when it is full, old, or its epoch ends.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use arrow::array::{Array, UInt32Array};
use indexmap::IndexMap;
use tokio::time::Instant;
use uuid::Uuid;

use super::part_file::PartFile;
use super::partition::FolderPrinter;
use super::staged_files::{Partition, StagedFile, StagedFiles};
use super::table::FileTable;
use crate::changelog::ChangelogBatch;
use crate::changelog::rejects::{ErrorHandling, Stage};
use crate::connectors::{DoorMetrics, OpenContext};
use crate::error::{Error, Result};
use crate::formats::{Encoder, Messages};
use crate::time::Clock;

/// The files that a subtask writes, one per partition at a time.
pub struct PartFiles {
    pub table: Arc<FileTable>,
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
    /// Where files are finished without being seen yet.
    staging: Option<Staging>,
    metrics: Arc<DoorMetrics>,
    errors: ErrorHandling,
}

/// What is finished of an epoch.
struct Staging {
    /// What the hidden names of all files end with.
    suffix: String,
    files: Vec<StagedFile>,
    /// Partition folders, and when their first row of the epoch came.
    partitions: BTreeMap<String, i64>,
    clock: Arc<dyn Clock>,
}

impl PartFiles {
    /// `suffix`: what hidden names end with where files are published by epochs.
    pub fn new(table: Arc<FileTable>, context: &OpenContext, suffix: Option<String>) -> Result<Self> {
        let staging = |suffix| {
            let (files, partitions, clock) = (Vec::new(), BTreeMap::new(), context.clock.clone());
            Staging { suffix, files, partitions, clock }
        };
        Ok(Self {
            encoder: table.format.encoding(&table.body)?.encoder()?,
            messages: Messages::new(),
            table,
            name: format!("part-{}-{}", Uuid::new_v4(), context.subtask),
            next: 0,
            open: BTreeMap::new(),
            uncommitted: BTreeMap::new(),
            staging: suffix.map(staging),
            metrics: context.metrics.clone(),
            errors: context.errors.clone(),
        })
    }

    pub fn has_open(&self) -> bool {
        !self.open.is_empty()
    }

    /// Everything of the epoch, finished.
    pub fn stage(&mut self) -> Result<StagedFiles> {
        self.finish(|_| true)?;
        let staging = self.staging.as_mut().ok_or_else(|| Error::internal("files of no epoch are staged"))?;
        let partitions = std::mem::take(&mut staging.partitions).into_iter();
        let table = self.table.descriptor.name.clone();
        let partitions = partitions.map(|(folder, since)| Partition { table: table.clone(), folder, since });
        Ok(StagedFiles { files: std::mem::take(&mut staging.files), partitions: partitions.collect() })
    }

    pub fn write(&mut self, batch: ChangelogBatch, now: Instant) -> Result<()> {
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
                match &mut self.staging {
                    Some(staging) => {
                        _ = staging.partitions.entry(folder.clone()).or_insert_with(|| staging.clock.now_ms());
                    }
                    None => _ = self.uncommitted.entry(folder.clone()).or_insert(now),
                }
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
            self.finish_one(folder, full)?;
        }
        if let Some(file) = self.open.get_mut(folder) {
            return file.write(line, now);
        }
        let path: PathBuf = self.table.options.listing.root.join(folder);
        let suffix = self.staging.as_ref().map_or("", |staging| &staging.suffix);
        let mut file = PartFile::create(&path, &format!("{}-{}", self.name, self.next), suffix, now)?;
        self.next += 1;
        file.write(line, now)?;
        self.open.insert(folder.to_string(), file);
        Ok(())
    }

    /// Says of partitions that are complete that they are; their files are finished.
    pub fn commit(&mut self, is_due: impl Fn(Instant, Duration) -> bool) -> Result<()> {
        let Some(commit) = &self.table.options.commit else { return Ok(()) };
        let due = self.uncommitted.iter().filter(|(_, since)| is_due(**since, commit.delay));
        let due: Vec<String> = due.map(|(folder, _)| folder.clone()).collect();
        for folder in due {
            commit.say_complete(&self.table.options.listing.root.join(&folder))?;
            self.uncommitted.remove(&folder);
        }
        Ok(())
    }

    /// Finishes the open files for which `is_due`.
    pub fn finish(&mut self, is_due: impl Fn(&PartFile) -> bool) -> Result<()> {
        let due: Vec<String> = self.open.iter().filter(|(_, f)| is_due(f)).map(|(folder, _)| folder.clone()).collect();
        for folder in due {
            if let Some(file) = self.open.remove(&folder) {
                self.finish_one(&folder, file)?;
            }
        }
        Ok(())
    }

    /// A file that gets no more rows: everyone sees it, or its epoch has it.
    fn finish_one(&mut self, folder: &str, file: PartFile) -> Result<()> {
        let Some(staging) = &mut self.staging else { return file.publish() };
        let (hidden, name) = file.stage(&self.table.options.listing.root)?;
        staging.files.push(StagedFile { folder: folder.to_string(), hidden, name });
        Ok(())
    }
}
