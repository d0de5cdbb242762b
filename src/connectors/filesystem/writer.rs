//! Writes rows into part files, a folder per partition.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use arrow::array::UInt32Array;
use arrow::compute::take_record_batch;
use arrow::record_batch::RecordBatch;
use async_trait::async_trait;
use indexmap::IndexMap;
use tokio::time::Instant;

use super::part_file::PartFile;
use super::partition;
use super::sink::FileSink;
use crate::changelog::{ChangelogBatch, RowKind};
use crate::connectors::{DoorMetrics, OpenContext, SinkWriter};
use crate::error::{Error, Result};
use crate::formats::{Encoder, Messages};
use crate::types::print::{PrintStyle, print_value};

/// Files open at once; of more partitions the oldest is finished early.
const OPEN_MAX: usize = 128;

/// Writes one subtask's rows.
pub(super) struct FileWriter {
    // What to write.
    sink: FileSink,
    root: PathBuf,
    /// `part-<uuid>-<subtask>-`: no other writer has it.
    prefix: String,
    /// Positions of the columns that stand in the lines.
    body: Vec<usize>,
    metrics: Arc<DoorMetrics>,
    // What was written.
    encoder: Box<dyn Encoder>,
    lines: Messages,
    /// By the partition's folders, the oldest first.
    open: IndexMap<String, PartFile>,
    count: u64,
    next_check: Instant,
}

impl FileWriter {
    pub fn new(sink: FileSink, root: PathBuf, context: &OpenContext) -> Result<Self> {
        let next_check = check_after(&sink);
        Ok(Self {
            prefix: format!("part-{}-{}-", uuid::Uuid::new_v4(), context.subtask),
            body: (0..sink.columns.len()).filter(|i| !sink.partition_keys.contains(i)).collect(),
            encoder: sink.encoding.encoder()?,
            metrics: context.metrics.clone(),
            sink,
            root,
            lines: Messages::new(),
            open: IndexMap::new(),
            count: 0,
            next_check,
        })
    }

    /// The folders of a row's partition, and an empty text where the table has none.
    fn partition(&self, rows: &RecordBatch, row: usize) -> String {
        let folder = |key: &usize| {
            let (field, column) = (&self.sink.columns.fields[*key], rows.column(*key));
            let mut value = String::new();
            if column.is_valid(row) {
                print_value(column, row, &field.ty, self.sink.zone, PrintStyle::Row, &mut value);
            }
            let value = if value.is_empty() { &self.sink.default_name } else { &value };
            partition::folder(&field.name, value)
        };
        self.sink.partition_keys.iter().map(folder).collect::<Vec<_>>().join("/")
    }

    /// Writes rows of one partition.
    async fn write_rows(&mut self, folders: String, rows: &RecordBatch) -> Result<()> {
        self.lines.clear();
        let encoded = self.encoder.encode(&rows.project(&self.body)?, &mut self.lines);
        encoded.map_err(|e| e.into_error(format!("cannot write to {}", self.root.display())))?;
        if let Some(row) = (0..self.lines.len()).find(|i| self.lines.get(*i).is_none()) {
            let column = self.body.first().map_or("", |i| &self.sink.columns.fields[*i].name);
            return Err(Error::data(format!(
                "cannot write row {row} of a batch to {}: column \"{column}\" is NULL, which no line stands for",
                self.root.display()
            )));
        }
        if !self.open.contains_key(&folders) {
            self.make_room().await?;
            let name = format!("{}{}", self.prefix, self.count);
            self.count += 1;
            self.open.insert(folders.clone(), PartFile::create(&self.root.join(&folders), &name).await?);
        }
        if let Some(file) = self.open.get_mut(&folders) {
            file.write(&self.lines.buffer).await?;
            self.metrics.bytes.fetch_add(self.lines.buffer.len() as u64, Ordering::Relaxed);
            if file.bytes >= self.sink.file_bytes_max
                && let Some(file) = self.open.shift_remove(&folders)
            {
                file.publish().await?;
            }
        }
        Ok(())
    }

    async fn make_room(&mut self) -> Result<()> {
        if self.open.len() >= OPEN_MAX
            && let Some((_, oldest)) = self.open.shift_remove_index(0)
        {
            oldest.publish().await?;
        }
        Ok(())
    }
}

fn check_after(sink: &FileSink) -> Instant {
    let far = std::time::Duration::from_secs(86_400 * 365);
    Instant::now() + sink.check_interval.max(std::time::Duration::from_millis(10)).min(far)
}

#[async_trait]
impl SinkWriter for FileWriter {
    async fn write(&mut self, batch: ChangelogBatch) -> Result<()> {
        if batch.kinds().is_some_and(|kinds| kinds.iter().any(|kind| *kind != RowKind::Insert)) {
            return Err(Error::internal("files take only inserted rows"));
        }
        let rows = batch.rows();
        if self.sink.partition_keys.is_empty() {
            return self.write_rows(String::new(), rows).await;
        }
        let mut by_partition: IndexMap<String, Vec<u32>> = IndexMap::new();
        for row in 0..rows.num_rows() {
            by_partition.entry(self.partition(rows, row)).or_default().push(row as u32);
        }
        for (folders, positions) in by_partition {
            let rows = take_record_batch(rows, &UInt32Array::from(positions))?;
            self.write_rows(folders, &rows).await?;
        }
        Ok(())
    }

    fn deadline(&self) -> Option<Instant> {
        (!self.open.is_empty()).then_some(self.next_check)
    }

    /// Finishes the files that are old enough.
    async fn on_deadline(&mut self) -> Result<()> {
        self.next_check = check_after(&self.sink);
        while let Some((_, file)) = self.open.first()
            && file.begun.elapsed() >= self.sink.age_max
            && let Some((_, file)) = self.open.shift_remove_index(0)
        {
            file.publish().await?;
        }
        Ok(())
    }

    async fn flush(&mut self) -> Result<()> {
        while let Some((_, file)) = self.open.shift_remove_index(0) {
            file.publish().await?;
        }
        Ok(())
    }

    async fn close(&mut self) -> Result<()> {
        self.flush().await
    }
}
