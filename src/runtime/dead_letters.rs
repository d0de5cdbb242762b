//! Writes dead letters: from the queue that rejecting code fills to the table that keeps them.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BinaryBuilder, Int32Array, Int64Array, MapBuilder, MapFieldNames, RecordBatch, StringArray,
    StringBuilder, TimestampMillisecondArray,
};
use arrow::compute::cast;
use tokio::sync::Mutex;

use crate::changelog::ChangelogBatch;
use crate::changelog::rejects::{DeadLetter, DeadLetters};
use crate::connectors::SinkWriter;
use crate::error::Result;
use crate::plan::dead_letters::{DeadLetterSink, LetterField};
use crate::time::Clock;

/// One table of dead letters of a job; all its tasks share it.
pub struct DeadLetterWriter {
    pub letters: Arc<DeadLetters>,
    pub sink: DeadLetterSink,
    pub job: Arc<str>,
    pub clock: Arc<dyn Clock>,
    pub writer: Mutex<Box<dyn SinkWriter>>,
}

impl DeadLetterWriter {
    /// Sends on what waits, so that it is safe before more is read.
    pub async fn send(&self) -> Result<()> {
        if self.letters.is_empty() {
            return Ok(());
        }
        self.settle().await
    }

    /// As [`DeadLetterWriter::send`], and waits for what another task is sending.
    pub async fn settle(&self) -> Result<()> {
        let mut writer = self.writer.lock().await;
        let letters = self.letters.take();
        if letters.is_empty() {
            return Ok(());
        }
        let rows = self.rows(&letters)?;
        let failed = |error: crate::error::Error| error.context(format!("cannot keep {} dead letters", letters.len()));
        writer.write(ChangelogBatch::inserts(rows)).await.map_err(failed)?;
        writer.flush().await.map_err(failed)
    }

    /// The last call, when all tasks have ended.
    pub async fn close(&self) -> Result<()> {
        self.settle().await?;
        self.writer.lock().await.close().await
    }

    fn rows(&self, letters: &[DeadLetter]) -> Result<RecordBatch> {
        let now = self.clock.now_ms();
        let columns = self.sink.fields.iter().zip(self.sink.schema.fields());
        let columns = columns.map(|(field, declared)| {
            let column = column(*field, letters, &self.job, now);
            // Names inside of maps differ between the builder and the table.
            if column.data_type() == declared.data_type() {
                return Ok(column);
            }
            Ok(cast(&column, declared.data_type())?)
        });
        Ok(RecordBatch::try_new(self.sink.schema.clone(), columns.collect::<Result<Vec<_>>>()?)?)
    }
}

fn column(field: LetterField, letters: &[DeadLetter], job: &str, now: i64) -> ArrayRef {
    match field {
        LetterField::Job => Arc::new(StringArray::from_iter_values(letters.iter().map(|_| job))),
        LetterField::Table => Arc::new(StringArray::from_iter_values(letters.iter().map(|l| &*l.table))),
        LetterField::Stage => Arc::new(StringArray::from_iter_values(letters.iter().map(|l| l.stage.name()))),
        LetterField::Error => Arc::new(StringArray::from_iter_values(letters.iter().map(|l| l.error.as_str()))),
        LetterField::Topic => Arc::new(StringArray::from_iter(letters.iter().map(|l| l.record.topic.as_deref()))),
        LetterField::FailedAt => timestamps(letters.iter().map(|_| Some(now))),
        LetterField::Timestamp => timestamps(letters.iter().map(|l| l.record.timestamp)),
        LetterField::Payload => bytes(letters.iter().map(|l| l.record.payload.as_deref())),
        LetterField::Key => bytes(letters.iter().map(|l| l.record.key.as_deref())),
        LetterField::Partition => Arc::new(Int32Array::from_iter(letters.iter().map(|l| l.record.partition))),
        LetterField::Offset => Arc::new(Int64Array::from_iter(letters.iter().map(|l| l.record.offset))),
        LetterField::Headers => headers(letters),
    }
}

fn timestamps(values: impl Iterator<Item = Option<i64>>) -> ArrayRef {
    Arc::new(TimestampMillisecondArray::from_iter(values).with_timezone("UTC"))
}

fn bytes<'a>(values: impl Iterator<Item = Option<&'a [u8]>>) -> ArrayRef {
    let mut builder = BinaryBuilder::new();
    values.for_each(|value| builder.append_option(value));
    Arc::new(builder.finish())
}

/// A map; of headers with one key the last counts, as in a `headers` metadata column.
fn headers(letters: &[DeadLetter]) -> ArrayRef {
    let names = MapFieldNames { entry: "entries".into(), key: "key".into(), value: "value".into() };
    let mut builder = MapBuilder::new(Some(names), StringBuilder::new(), BinaryBuilder::new());
    for letter in letters {
        let all = letter.record.headers.as_deref().unwrap_or_default();
        for (i, (key, value)) in all.iter().enumerate() {
            if all[i + 1..].iter().all(|(later, _)| later != key) {
                builder.keys().append_value(key);
                builder.values().append_option(value.as_deref());
            }
        }
        // Keys and values are appended in pairs, so that this can't fail.
        let _in_pairs = builder.append(letter.record.headers.is_some());
    }
    Arc::new(builder.finish())
}
