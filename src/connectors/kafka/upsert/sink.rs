//! The sink of an upsert-kafka table: the last row of every key, and nothing for keys that are gone.

use std::time::Duration;

use arrow::record_batch::RecordBatch;
use async_trait::async_trait;

use super::writer::{BufferLimits, UpsertWriter};
use crate::changelog::RowKind;
use crate::connectors::kafka::columns::RecordColumns;
use crate::connectors::kafka::options::KafkaOptions;
use crate::connectors::kafka::sink::KafkaSink;
use crate::connectors::{ChangelogSupport, Guarantee, OpenContext, Sink, SinkTarget, SinkWriter, TableDescriptor};
use crate::error::Result;
use crate::formats::{Encoder, FormatError, Messages};

/// Writes the rows of a table with a primary key to a topic.
#[derive(Debug)]
pub struct UpsertSink {
    records: KafkaSink,
    limits: Option<BufferLimits>,
    /// Positions of the primary key.
    key: Vec<usize>,
}

impl UpsertSink {
    pub fn try_new(table: &TableDescriptor, options: KafkaOptions, columns: RecordColumns) -> Result<Self> {
        let limits = limits(&options)?;
        Ok(Self { records: KafkaSink::of(table, options, columns)?, limits, key: table.primary_key.clone() })
    }
}

/// Both limits of the buffer, or none.
fn limits(options: &KafkaOptions) -> Result<Option<BufferLimits>> {
    let (rows_key, interval_key) = ("sink.buffer-flush.max-rows", "sink.buffer-flush.interval");
    let rows = options.options.count(rows_key)?.unwrap_or(0);
    let interval = options.options.duration(interval_key).unwrap_or_default();
    let alone = |key: &str, other: &str| {
        let why = format!("to keep rows, '{other}' must be greater than 0, too");
        options.options.invalid(key, why).with_hint(format!("Set both, or leave '{key}' out."))
    };
    match (rows, interval) {
        (0, Duration::ZERO) => Ok(None),
        (_, Duration::ZERO) => Err(alone(rows_key, interval_key)),
        (0, _) => Err(alone(interval_key, rows_key)),
        (rows, interval) => Ok(Some(BufferLimits { rows, interval })),
    }
}

#[async_trait]
impl Sink for UpsertSink {
    fn changelog_support(&self) -> ChangelogSupport {
        ChangelogSupport::Upsert
    }

    /// Without a buffer every row is a record, which readers of the topic see.
    fn keeps_last_rows(&self, _deletes: bool) -> bool {
        self.limits.is_some()
    }

    fn describe(&self) -> String {
        let buffer = self.limits.as_ref().map(|limits| format!(", buffer=[{limits}]")).unwrap_or_default();
        format!("{}{buffer}", self.records.describe())
    }

    fn parallelism(&self) -> Option<usize> {
        self.records.parallelism()
    }

    fn guarantee(&self) -> Guarantee {
        self.records.guarantee()
    }

    fn target(&self) -> Option<SinkTarget> {
        self.records.target()
    }

    async fn check(&self, exactly_once: bool, context: &OpenContext) -> Result<()> {
        self.records.check(exactly_once, context).await
    }

    async fn open(&self, context: &OpenContext) -> Result<Box<dyn SinkWriter>> {
        let value = &self.records.columns().value;
        let rows = value.format.encoding(&value.schema)?.encoder()?;
        let records = self.records.writer(Box::new(UpsertEncoder(rows)), context).await?;
        Ok(Box::new(UpsertWriter::new(records, self.limits.clone(), self.key.clone())))
    }
}

/// A value for a row that is there, none for one that is gone.
struct UpsertEncoder(Box<dyn Encoder>);

impl Encoder for UpsertEncoder {
    fn encode(&mut self, rows: &RecordBatch, out: &mut Messages) -> Result<(), FormatError> {
        self.0.encode(rows, out)
    }

    fn encode_changes(&mut self, rows: &RecordBatch, kinds: &[RowKind], out: &mut Messages) -> Result<(), FormatError> {
        let mut row = 0;
        for run in kinds.chunk_by(|a, b| a.is_addition() == b.is_addition()) {
            match run[0].is_addition() {
                true => self.0.encode(&rows.slice(row, run.len()), out)?,
                false => run.iter().for_each(|_| out.push_null()),
            }
            row += run.len();
        }
        Ok(())
    }
}
