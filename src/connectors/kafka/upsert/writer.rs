//! Hands on what becomes of keys: at once, or the last row of each key within a time.

use std::collections::HashMap;
use std::fmt;
use std::time::Duration;

use arrow::array::UInt32Array;
use arrow::row::{RowConverter, SortField};
use async_trait::async_trait;
use tokio::time::Instant;

use crate::changelog::{ChangelogBatch, Epoch, RowKind};
use crate::connectors::{SinkWriter, Staged};
use crate::error::Result;

/// The buffer is written when it holds this much, whatever the options say.
const BUFFER_BYTES: usize = 64 << 20;

/// How much is kept before it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BufferLimits {
    /// Keys.
    pub rows: usize,
    pub interval: Duration,
}

/// `max-rows=100, interval=1s`
impl fmt::Display for BufferLimits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "max-rows={}, interval={:?}", self.rows, self.interval)
    }
}

/// Writes rows by key through `records`.
pub struct UpsertWriter<W> {
    records: W,
    key: Vec<usize>,
    limits: Option<BufferLimits>,
    /// Batches of which some rows are still the last ones of their keys.
    kept: Vec<ChangelogBatch>,
    /// Where the last row of each key is: batch and row.
    last: HashMap<Box<[u8]>, (usize, u32)>,
    bytes: usize,
    /// When the oldest row that is kept came.
    since: Option<Instant>,
}

impl<W: SinkWriter> UpsertWriter<W> {
    /// `key`: positions of the primary key. Without limits nothing is kept.
    pub fn new(records: W, limits: Option<BufferLimits>, key: Vec<usize>) -> Self {
        Self { records, key, limits, kept: Vec::new(), last: HashMap::new(), bytes: 0, since: None }
    }

    /// The key of each row as bytes.
    fn keys(&self, batch: &ChangelogBatch) -> Result<Vec<Box<[u8]>>> {
        let columns = batch.rows().project(&self.key)?;
        let fields = columns.columns().iter().map(|column| SortField::new(column.data_type().clone())).collect();
        let rows = RowConverter::new(fields)?.convert_columns(columns.columns())?;
        Ok(rows.iter().map(|row| row.as_ref().into()).collect())
    }

    /// The batch without rows that the next one of the same key replaces: of an update only what is new is written.
    fn without_replaced(&self, batch: ChangelogBatch) -> Result<ChangelogBatch> {
        let Some(kinds) = batch.kinds().filter(|kinds| kinds.contains(&RowKind::UpdateBefore)) else {
            return Ok(batch);
        };
        let keys = self.keys(&batch)?;
        let is_replaced = |row: usize| {
            kinds[row] == RowKind::UpdateBefore
                && kinds.get(row + 1) == Some(&RowKind::UpdateAfter)
                && keys[row] == keys[row + 1]
        };
        let rows = (0..batch.num_rows()).filter(|row| !is_replaced(*row)).map(|row| row as u32);
        batch.take(&UInt32Array::from_iter_values(rows))
    }

    /// Writes the last rows of all keys, in the order they came.
    async fn write_kept(&mut self) -> Result<()> {
        let mut rows: Vec<Vec<u32>> = vec![Vec::new(); self.kept.len()];
        for (batch, row) in std::mem::take(&mut self.last).into_values() {
            rows[batch].push(row);
        }
        (self.bytes, self.since) = (0, None);
        for (batch, mut rows) in std::mem::take(&mut self.kept).into_iter().zip(rows) {
            if !rows.is_empty() {
                rows.sort_unstable();
                self.records.write(batch.take(&UInt32Array::from(rows))?).await?;
            }
        }
        Ok(())
    }
}

#[async_trait]
impl<W: SinkWriter> SinkWriter for UpsertWriter<W> {
    async fn write(&mut self, batch: ChangelogBatch) -> Result<()> {
        let Some(limits) = &self.limits else {
            let batch = self.without_replaced(batch)?;
            return if batch.is_empty() { Ok(()) } else { self.records.write(batch).await };
        };
        let max = limits.rows;
        let place = self.kept.len();
        for (row, key) in self.keys(&batch)?.into_iter().enumerate() {
            self.last.insert(key, (place, row as u32));
        }
        self.bytes += batch.memory_size();
        self.kept.push(batch);
        self.since.get_or_insert_with(Instant::now);
        if self.last.len() >= max || self.bytes >= BUFFER_BYTES { self.write_kept().await } else { Ok(()) }
    }

    fn deadline(&self) -> Option<Instant> {
        let kept = self.since.zip(self.limits.as_ref()).map(|(since, limits)| since + limits.interval);
        kept.into_iter().chain(self.records.deadline()).min()
    }

    async fn on_deadline(&mut self) -> Result<()> {
        let now = Instant::now();
        let is_due = |deadline: Option<Instant>| deadline.is_some_and(|deadline| deadline <= now);
        if is_due(self.since.zip(self.limits.as_ref()).map(|(since, limits)| since + limits.interval)) {
            self.write_kept().await?;
        }
        if is_due(self.records.deadline()) { self.records.on_deadline().await } else { Ok(()) }
    }

    fn gathers(&self) -> bool {
        self.records.gathers()
    }

    fn on_idle(&mut self) -> Result<()> {
        self.records.on_idle()
    }

    async fn flush(&mut self) -> Result<()> {
        self.write_kept().await?;
        self.records.flush().await
    }

    /// What is kept came before the barrier, and belongs to the epoch.
    async fn stage(&mut self, epoch: Epoch) -> Result<Staged> {
        self.write_kept().await?;
        self.records.stage(epoch).await
    }

    async fn close(&mut self) -> Result<()> {
        self.write_kept().await?;
        self.records.close().await
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use arrow::array::{AsArray, Int32Array, StringArray};
    use arrow::datatypes::Int32Type;
    use arrow::record_batch::RecordBatch;

    use super::*;

    /// Remembers what was written, a line a call.
    #[derive(Default, Clone)]
    struct Memory(Arc<Mutex<Vec<String>>>);

    #[async_trait]
    impl SinkWriter for Memory {
        async fn write(&mut self, batch: ChangelogBatch) -> Result<()> {
            let (keys, values) =
                (batch.rows().column(0).as_string::<i32>(), batch.rows().column(1).as_primitive::<Int32Type>());
            let rows = (0..batch.num_rows()).map(|i| format!("{}{}{}", batch.kind(i), keys.value(i), values.value(i)));
            self.0.lock().unwrap().push(rows.collect::<Vec<_>>().join(" "));
            Ok(())
        }

        async fn flush(&mut self) -> Result<()> {
            self.0.lock().unwrap().push("flush".to_string());
            Ok(())
        }
    }

    impl Memory {
        fn take(&self) -> Vec<String> {
            std::mem::take(&mut self.0.lock().unwrap())
        }
    }

    fn batch(rows: &[(RowKind, &str, i32)]) -> ChangelogBatch {
        let keys = StringArray::from_iter_values(rows.iter().map(|row| row.1));
        let values = Int32Array::from_iter_values(rows.iter().map(|row| row.2));
        let columns = RecordBatch::try_from_iter([("k", Arc::new(keys) as _), ("v", Arc::new(values) as _)]).unwrap();
        ChangelogBatch::new(columns, rows.iter().map(|row| row.0).collect())
    }

    use RowKind::{Delete as D, Insert as I, UpdateAfter as UA, UpdateBefore as UB};

    #[tokio::test]
    async fn an_update_is_its_new_row_and_a_lone_old_row_is_a_deletion() {
        let memory = Memory::default();
        let mut writer = UpsertWriter::new(memory.clone(), None, vec![0]);
        writer.write(batch(&[(I, "a", 1), (UB, "a", 1), (UA, "a", 2), (UB, "b", 1), (UA, "c", 1)])).await.unwrap();
        writer.write(batch(&[(UB, "a", 2)])).await.unwrap();
        assert_eq!(memory.take(), ["+Ia1 +Ua2 -Ub1 +Uc1", "-Ua2"]);
        assert_eq!(writer.deadline(), None);
    }

    fn buffered(memory: &Memory, rows: usize, interval: Duration) -> UpsertWriter<Memory> {
        UpsertWriter::new(memory.clone(), Some(BufferLimits { rows, interval }), vec![0])
    }

    #[tokio::test]
    async fn of_kept_keys_the_last_row_is_written_when_there_are_enough() {
        let memory = Memory::default();
        let mut writer = buffered(&memory, 3, Duration::from_secs(3600));
        writer.write(batch(&[(I, "a", 1), (UA, "a", 2), (I, "b", 1)])).await.unwrap();
        writer.write(batch(&[(D, "b", 1), (UA, "a", 3)])).await.unwrap();
        writer.on_deadline().await.unwrap();
        assert!(memory.take().is_empty(), "two keys are kept, and it is not time yet");
        assert!(writer.deadline().is_some());
        writer.write(batch(&[(I, "c", 1)])).await.unwrap();
        assert_eq!(memory.take(), ["-Db1 +Ua3", "+Ic1"]);
        assert_eq!(writer.deadline(), None);

        writer.write(batch(&[(I, "e", 1)])).await.unwrap();
        writer.flush().await.unwrap();
        assert_eq!(memory.take(), ["+Ie1", "flush"], "a barrier leaves nothing behind");
    }

    #[tokio::test]
    async fn kept_rows_are_written_when_it_is_time() {
        let memory = Memory::default();
        let mut writer = buffered(&memory, 100, Duration::from_nanos(1));
        writer.write(batch(&[(I, "a", 1), (UA, "a", 2)])).await.unwrap();
        assert!(memory.take().is_empty());
        assert!(writer.deadline().is_some_and(|deadline| deadline <= Instant::now()));
        writer.on_deadline().await.unwrap();
        assert_eq!(memory.take(), ["+Ua2"]);
        assert_eq!(writer.deadline(), None);
    }
}
