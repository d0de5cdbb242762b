//! Writes batches of rows as records: encodes into one buffer, hands it to the producer, waits while that is full.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use arrow::array::{Array, AsArray, StructArray, UInt32Array};
use arrow::datatypes::TimestampMillisecondType;
use arrow::record_batch::RecordBatch;
use async_trait::async_trait;
use tokio::time::Instant;

use super::deliveries::{Deliveries, is_refusal};
use super::metadata::Metadata;
use super::options::DeliveryGuarantee;
use super::output::Output;
use super::produce::{BatchProducer, Extras, Outgoing, Tag, too_large};
use super::progress::Progress;
use crate::changelog::rejects::{ErrorHandling, Stage};
use crate::changelog::{ChangelogBatch, Epoch};
use crate::connectors::{DoorMetrics, SinkWriter, Staged};
use crate::error::{Error, ErrorKind, Result};
use crate::formats::{Encoder, Messages};

/// How long to wait before a full producer is asked again.
const FULL_PAUSE: Duration = Duration::from_millis(2);
/// What a record takes on the wire beside its key, value and headers, at most, as librdkafka counts it.
const RECORD_OVERHEAD: usize = 36;
/// Up to how many bytes since the last pause are few: more of them share the cost of a request.
const FEW_BYTES: u64 = 64 * 1024;
/// How often to look for failed deliveries while nothing is written.
const CHECK_INTERVAL: Duration = Duration::from_millis(200);

/// Which topics records may go to.
pub enum TargetTopic {
    One(String),
    OneOf(Vec<String>),
    Like(regex::Regex),
}

/// How the partition of a record is chosen.
pub enum Partitioning {
    ByKey,
    Fixed(i32),
    RoundRobin { next: i32, partitions: i32 },
}

/// What a writer is made of.
pub struct WriterParts {
    pub output: Output,
    pub target: TargetTopic,
    /// The columns of the value and their encoder.
    pub value: (Vec<usize>, Box<dyn Encoder>),
    pub key: Option<(Vec<usize>, Box<dyn Encoder>)>,
    /// Metadata that rows bring, with the column each is in.
    pub metadata: Vec<(Metadata, usize)>,
    pub partitioning: Partitioning,
    pub guarantee: DeliveryGuarantee,
    pub metrics: Arc<DoorMetrics>,
    pub limits: RecordLimits,
    pub errors: ErrorHandling,
}

/// What records may be.
pub struct RecordLimits {
    /// How large key and value of a record may be together.
    pub bytes: usize,
    pub needs_key: bool,
}

/// Writes for one subtask.
pub struct KafkaSinkWriter {
    parts: WriterParts,
    values: Messages,
    keys: Messages,
    check_at: Option<Instant>,
    /// Rows on their way that may come back refused, where that doesn't fail the job.
    deliveries: Deliveries,
    progress: Progress,
    /// Bytes written since nothing more came.
    since_idle: u64,
}

impl KafkaSinkWriter {
    pub fn new(parts: WriterParts) -> Self {
        Self {
            parts,
            values: Messages::new(),
            keys: Messages::new(),
            check_at: None,
            deliveries: Deliveries::default(),
            progress: Progress::default(),
            since_idle: 0,
        }
    }

    fn encode(&mut self, batch: &ChangelogBatch) -> Result<()> {
        let rows = batch.rows();
        let place = || match &self.parts.target {
            TargetTopic::One(topic) => format!("cannot encode a row for topic \"{topic}\""),
            _ => "cannot encode a row".to_string(),
        };
        let (columns, encoder) = &mut self.parts.value;
        self.values.clear();
        let value = rows.project(columns)?;
        match batch.kinds() {
            None => encoder.encode(&value, &mut self.values),
            Some(kinds) => encoder.encode_changes(&value, kinds, &mut self.values),
        }
        .map_err(|error| error.into_error(place()))?;
        self.keys.clear();
        if let Some((columns, encoder)) = &mut self.parts.key {
            encoder.encode(&rows.project(columns)?, &mut self.keys).map_err(|error| error.into_error(place()))?;
        }
        let bytes = (self.values.buffer.len() + self.keys.buffer.len()) as u64;
        self.parts.metrics.bytes.fetch_add(bytes, Ordering::Relaxed);
        self.since_idle += bytes;
        Ok(())
    }

    /// Encodes the rows of a batch, without those that are rejected; gives them, and the tag of the first.
    fn encode_or_reject(&mut self, batch: ChangelogBatch) -> Result<(RecordBatch, Tag)> {
        let may_reject = batch.may_reject(&self.parts.errors);
        match self.encode(&batch) {
            Ok(()) if !may_reject => {
                // What is held is decided: then it is too late to find out that nobody takes it.
                if self.parts.output.is_held() {
                    (0..batch.num_rows()).try_for_each(|row| self.check_record(row, batch.rows(), row))?;
                }
                return Ok((batch.into_rows(), Tag::default()));
            }
            Ok(()) => {
                if (0..batch.num_rows()).all(|row| self.check_record(row, batch.rows(), row).is_ok()) {
                    let all = UInt32Array::from_iter_values(0..batch.num_rows() as u32);
                    let rows = batch.rows().clone();
                    return Ok((rows.clone(), self.keep(batch, rows, all)));
                }
            }
            Err(error) if !may_reject || error.kind() != ErrorKind::Data => return Err(error),
            Err(_) => {}
        }
        let mut fine = Vec::with_capacity(batch.num_rows());
        for row in 0..batch.num_rows() {
            let encoded = self.encode(&batch.slice(row, 1));
            match encoded.and_then(|()| self.check_record(0, batch.rows(), row)) {
                Ok(()) => fine.push(row as u32),
                Err(error) => batch.reject(&self.parts.errors, row, Stage::Write, error)?,
            }
        }
        let fine = UInt32Array::from(fine);
        let rows = batch.take(&fine)?;
        self.encode(&rows)?;
        let rows = rows.into_rows();
        let tag = self.keep(batch, rows.clone(), fine);
        Ok((rows, tag))
    }

    /// Keeps rows until it is told what becomes of them, where that is told.
    fn keep(&mut self, batch: ChangelogBatch, rows: RecordBatch, of: UInt32Array) -> Tag {
        match self.parts.output.reporting() {
            Some(_) => self.deliveries.add(batch, rows, of),
            None => Tag::default(),
        }
    }

    /// Finds what will be refused of a record, which is this message and has the metadata of this row.
    fn check_record(&self, message: usize, rows: &RecordBatch, row: usize) -> Result<()> {
        self.address(rows, row)?;
        let size = |messages: &Messages| messages.get(message).map_or(0, <[u8]>::len);
        let has_key = self.parts.key.is_some();
        let key = if has_key { size(&self.keys) } else { 0 };
        let headers = match self.parts.metadata.is_empty() {
            true => 0,
            false => self.extras_of(rows, row)?.wire_size(),
        };
        if size(&self.values) + key + headers + RECORD_OVERHEAD > self.parts.limits.bytes {
            return Err(too_large(self.topic_name()));
        }
        if self.parts.limits.needs_key && !(has_key && self.keys.get(message).is_some()) {
            let what =
                format!("cannot write to topic \"{}\": it is compacted, and a record has no key", self.topic_name());
            return Err(Error::data(what));
        }
        Ok(())
    }

    /// Finds the topic, timestamp and headers of a row, if it brings any.
    fn address(&self, rows: &RecordBatch, row: usize) -> Result<()> {
        if !self.parts.metadata.is_empty() || !matches!(self.parts.target, TargetTopic::One(_)) {
            self.topic_of(rows, row)?;
            self.extras_of(rows, row)?;
        }
        Ok(())
    }

    fn topic_name(&self) -> &str {
        match &self.parts.target {
            TargetTopic::One(topic) => topic,
            _ => "",
        }
    }

    /// Records that are alike but for key and value, many in a call.
    async fn write_plain(&mut self, topic: String, tag: Tag) -> Result<()> {
        let mut sent = 0;
        while sent < self.values.len() {
            let taken = self.send_from(sent, &topic, tag)?;
            self.parts.partitioning.advance(taken);
            sent += taken;
            if taken == 0 {
                self.wait_while_full().await?;
            }
        }
        Ok(())
    }

    /// Hands over messages from `first` on and says how many were taken.
    fn send_from(&self, first: usize, topic: &str, tag: Tag) -> Result<usize> {
        let has_key = self.parts.key.is_some();
        let records = (first..self.values.len()).map(|i| Outgoing {
            key: if has_key { self.keys.get(i) } else { None },
            value: self.values.get(i),
            partition: self.parts.partitioning.nth(i - first),
            tag: tag.nth(i),
        });
        self.parts.output.send(topic, records)
    }

    /// Records with a topic, a timestamp or headers of their own, one by one.
    async fn write_with_metadata(&mut self, rows: &RecordBatch, tag: Tag) -> Result<()> {
        for row in 0..rows.num_rows() {
            while !self.send_row(rows, row, tag.nth(row))? {
                self.wait_while_full().await?;
            }
            self.parts.partitioning.advance(1);
        }
        Ok(())
    }

    /// False where the producer is full.
    fn send_row(&self, rows: &RecordBatch, row: usize, tag: Tag) -> Result<bool> {
        let topic = self.topic_of(rows, row)?;
        let extras = self.extras_of(rows, row)?;
        let record = Outgoing {
            key: if self.parts.key.is_some() { self.keys.get(row) } else { None },
            value: self.values.get(row),
            partition: self.parts.partitioning.nth(0),
            tag,
        };
        self.parts.output.send_one(topic, record, &extras)
    }

    fn topic_of<'a>(&'a self, rows: &'a RecordBatch, row: usize) -> Result<&'a str> {
        let column = self.column(rows, Metadata::Topic).map(|column| column.as_string::<i32>());
        let named = column.filter(|column| column.is_valid(row)).map(|column| column.value(row));
        let (fits, expected) = match (&self.parts.target, named) {
            (TargetTopic::One(topic), None) => return Ok(topic),
            (_, None) => return Err(Error::data("the metadata column 'topic' is NULL: there is no topic to write to")),
            (TargetTopic::One(topic), Some(named)) => (topic == named, topic.clone()),
            (TargetTopic::OneOf(topics), Some(named)) => (topics.iter().any(|t| t == named), topics.join(", ")),
            (TargetTopic::Like(regex), Some(named)) => (regex.is_match(named), regex.as_str().to_string()),
        };
        let named = named.unwrap_or_default();
        if fits {
            return Ok(named);
        }
        Err(Error::data(format!(
            "the metadata column 'topic' is '{named}', which is not among the topics of the table"
        ))
        .with_detail(format!("The table writes to: {expected}.")))
    }

    fn extras_of<'a>(&self, rows: &'a RecordBatch, row: usize) -> Result<Extras<'a>> {
        let mut extras = Extras::default();
        if let Some(column) = self.column(rows, Metadata::Timestamp).filter(|c| c.is_valid(row)) {
            let timestamp = column.as_primitive::<TimestampMillisecondType>().value(row);
            // librdkafka takes 0 for "now", and the broker refuses what is before.
            if timestamp <= 0 {
                return Err(Error::data(format!(
                    "a record can't have the timestamp {timestamp} ms: it must lie after 1970-01-01 00:00:00"
                )));
            }
            extras.timestamp = Some(timestamp);
        }
        if let Some(column) = self.column(rows, Metadata::Headers).filter(|c| c.is_valid(row)) {
            let map = column.as_map();
            push_headers(map.entries(), map.value_offsets(), row, &mut extras);
        }
        if let Some(column) = self.column(rows, Metadata::HeaderList).filter(|c| c.is_valid(row)) {
            let list = column.as_list::<i32>();
            push_headers(list.values().as_struct(), list.value_offsets(), row, &mut extras);
        }
        Ok(extras)
    }

    fn column<'a>(&self, rows: &'a RecordBatch, metadata: Metadata) -> Option<&'a dyn Array> {
        let (_, column) = self.parts.metadata.iter().find(|(m, _)| *m == metadata)?;
        Some(rows.column(*column).as_ref())
    }

    async fn flush_all(&mut self) -> Result<()> {
        loop {
            if let Some(producer) = self.parts.output.reporting() {
                flushed(producer.clone()).await?;
            }
            self.settle().await?;
            if self.deliveries.is_empty() {
                break;
            }
        }
        self.check_at = None;
        Ok(())
    }

    /// Takes in what became of the rows: those that the broker refused are sent again, each alone, and rejected where
    /// that doesn't help.
    async fn settle(&mut self) -> Result<()> {
        self.parts.output.check()?;
        self.watch_progress();
        let Some(producer) = self.parts.output.reporting().cloned() else { return Ok(()) };
        loop {
            let mut again = Vec::new();
            for outcome in producer.take_outcomes() {
                let failure = |code| producer.failure(&outcome.topic, code);
                match self.deliveries.settle(&outcome).map_err(failure)? {
                    None => {}
                    Some(refused) if !is_refusal(refused.code) => return Err(failure(refused.code)),
                    Some(refused) if refused.alone => {
                        refused.batch.reject(&self.parts.errors, refused.row, Stage::Write, failure(refused.code))?;
                    }
                    Some(refused) => again.push(refused),
                }
            }
            if again.is_empty() {
                return Ok(());
            }
            // What else is under way would be refused together with them.
            flushed(producer.clone()).await?;
            for refused in again {
                let rows = refused.rows.clone();
                self.encode(&refused.batch.slice(refused.row, 1).with_rows(rows.clone()))?;
                let tag = self.deliveries.add_alone(refused);
                self.send_encoded(&rows, tag).await?;
                flushed(producer.clone()).await?;
            }
        }
    }

    /// The producer's buffer is full: gives it time, which holds back whoever writes.
    async fn wait_while_full(&mut self) -> Result<()> {
        self.parts.output.check()?;
        self.watch_progress();
        tokio::time::sleep(FULL_PAUSE).await;
        Ok(())
    }

    fn watch_progress(&mut self) {
        if let Some(producer) = self.parts.output.producer() {
            self.progress.watch(producer);
        }
    }

    /// Hands over the rows that were encoded last.
    async fn send_encoded(&mut self, rows: &RecordBatch, tag: Tag) -> Result<()> {
        self.parts.metrics.requests.fetch_add(1, Ordering::Relaxed);
        match &self.parts.target {
            TargetTopic::One(topic) if self.parts.metadata.is_empty() => self.write_plain(topic.clone(), tag).await,
            _ => self.write_with_metadata(rows, tag).await,
        }
    }

    fn plan_check(&mut self) {
        let in_flight = self.parts.output.producer().map_or(0, BatchProducer::in_flight);
        self.check_at = (in_flight > 0).then(|| Instant::now() + CHECK_INTERVAL);
    }
}

/// Waits until every record is reported.
async fn flushed(producer: BatchProducer) -> Result<()> {
    tokio::task::spawn_blocking(move || producer.flush())
        .await
        .map_err(|error| Error::internal(format!("a flush to Kafka was not finished: {error}")))?
}

/// The headers of one row; those without a key are left out, as Kafka has none such.
fn push_headers<'a>(entries: &'a StructArray, offsets: &[i32], row: usize, extras: &mut Extras<'a>) {
    let (keys, values) = (entries.column(0).as_string::<i32>(), entries.column(1).as_binary::<i32>());
    for i in offsets[row] as usize..offsets[row + 1] as usize {
        if entries.is_valid(i) && keys.is_valid(i) {
            extras.headers.push((keys.value(i), values.is_valid(i).then(|| values.value(i))));
        }
    }
}

impl Partitioning {
    /// The partition of the `i`-th record from here; none where the key decides.
    fn nth(&self, i: usize) -> Option<i32> {
        match *self {
            Self::ByKey => None,
            Self::Fixed(partition) => Some(partition),
            Self::RoundRobin { next, partitions } => Some(((next as usize + i) % partitions as usize) as i32),
        }
    }

    fn advance(&mut self, count: usize) {
        if let Self::RoundRobin { next, partitions } = self {
            *next = ((*next as usize + count) % *partitions as usize) as i32;
        }
    }
}

#[async_trait]
impl SinkWriter for KafkaSinkWriter {
    async fn write(&mut self, batch: ChangelogBatch) -> Result<()> {
        self.settle().await?;
        let (rows, tag) = self.encode_or_reject(batch)?;
        self.parts.output.prepare(rows.num_rows())?;
        self.send_encoded(&rows, tag).await?;
        self.parts.output.hold().await?;
        self.plan_check();
        Ok(())
    }

    fn deadline(&self) -> Option<Instant> {
        self.check_at
    }

    /// Nothing has to be sent by us; failed deliveries come to light though nothing more is written.
    async fn on_deadline(&mut self) -> Result<()> {
        self.settle().await?;
        self.plan_check();
        Ok(())
    }

    fn gathers(&self) -> bool {
        self.since_idle > 0
    }

    fn on_idle(&mut self) -> Result<()> {
        let few = std::mem::take(&mut self.since_idle) <= FEW_BYTES;
        if let (true, Output::Direct(producer)) = (few, &self.parts.output) {
            producer.hurry();
        }
        Ok(())
    }

    async fn flush(&mut self) -> Result<()> {
        match self.parts.guarantee {
            DeliveryGuarantee::AtLeastOnce => self.flush_all().await,
            DeliveryGuarantee::ExactlyOnce | DeliveryGuarantee::None => self.settle().await,
        }
    }

    /// Nothing is waited for: publishing waits, and fails for a record that wasn't delivered.
    async fn stage(&mut self, epoch: Epoch) -> Result<Staged> {
        self.settle().await?;
        self.check_at = None;
        self.parts.output.stage(epoch)
    }

    async fn close(&mut self) -> Result<()> {
        self.flush_all().await
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::StringArray;

    use super::*;
    use crate::connectors::Reporter;
    use crate::connectors::kafka::columns::RecordColumns;
    use crate::connectors::kafka::context::KafkaContext;
    use crate::connectors::kafka::options::KafkaOptions;
    use crate::connectors::kafka::properties::{KafkaProperties, Role};
    use crate::connectors::kafka::testing::table;

    /// After this a test has failed.
    const PATIENCE: Duration = Duration::from_secs(60);

    /// A writer of strings and its producer, whose broker is a part of librdkafka, and whose records wait for company longer
    /// than any test: only what is hurried is sent. `says_so`: the table says that they shall wait.
    fn writer(says_so: bool) -> (KafkaSinkWriter, BatchProducer) {
        let table = table("v STRING", &[("format", "raw")]);
        let options = KafkaOptions::check(&table).unwrap().options;
        let value = RecordColumns::check(&table, &options).unwrap().value;
        let mut properties = KafkaProperties::build(&options, Role::Producer, "g").unwrap();
        // Of the two names that librdkafka has for it a table can only say the first.
        let linger = if says_so { "linger.ms" } else { "queue.buffering.max.ms" };
        properties.config.set("test.mock.num.brokers", "1").set("delivery.timeout.ms", "3600000").set(linger, "900000");
        let context = KafkaContext::new(&properties, Reporter::silent(), Arc::default());
        let producer = BatchProducer::open(&properties, context, false).unwrap();
        let writer = KafkaSinkWriter::new(WriterParts {
            output: Output::Direct(producer.clone()),
            target: TargetTopic::One("t".to_string()),
            value: (vec![0], value.format.encoding(&value.schema).unwrap().encoder().unwrap()),
            key: None,
            metadata: Vec::new(),
            partitioning: Partitioning::Fixed(0),
            guarantee: DeliveryGuarantee::AtLeastOnce,
            metrics: Arc::default(),
            limits: RecordLimits { bytes: 1 << 20, needs_key: false },
            errors: ErrorHandling::Fail,
        });
        (writer, producer)
    }

    async fn write(writer: &mut KafkaSinkWriter, value: &str) {
        let rows = RecordBatch::try_from_iter([("v", Arc::new(StringArray::from(vec![value])) as _)]).unwrap();
        writer.write(ChangelogBatch::inserts(rows)).await.unwrap();
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn few_rows_are_sent_when_nothing_more_comes() {
        let (mut writer, producer) = writer(false);
        assert!(!writer.gathers());
        let (start, mut written) = (Instant::now(), 0);
        // A row may miss the moment in which all is sent that waits. Without such moments none would ever go.
        loop {
            write(&mut writer, "a").await;
            written += 1;
            assert!(writer.gathers());
            writer.on_idle().unwrap();
            assert!(!writer.gathers());
            producer.check().unwrap();
            if producer.in_flight() < written {
                return;
            }
            assert!(start.elapsed() < PATIENCE, "{written} rows wait for more");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn rows_wait_for_more_where_many_come_or_the_table_says_so() {
        for (says_so, value) in [(false, "b".repeat(FEW_BYTES as usize + 1)), (true, "b".to_string())] {
            let (mut writer, producer) = writer(says_so);
            write(&mut writer, &value).await;
            assert!(writer.gathers());
            writer.on_idle().unwrap();
            assert!(!writer.gathers() && !producer.is_hurrying() && producer.in_flight() > 0);
        }
    }

    #[test]
    fn round_robin_goes_on_where_the_last_call_stopped() {
        let mut partitioning = Partitioning::RoundRobin { next: 1, partitions: 3 };
        assert_eq!((0..4).map(|i| partitioning.nth(i).unwrap()).collect::<Vec<_>>(), [1, 2, 0, 1]);
        partitioning.advance(4);
        assert_eq!(partitioning.nth(0), Some(2));
    }
}
