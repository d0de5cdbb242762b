//! The kafka connector against a real broker, found by the environment variable `MILLSTREAM_TEST_KAFKA` (host:port).

mod away;
mod exactly_once;
mod growth;
mod measure;
mod reading;
mod refusals;
mod resume;
pub mod secured;
mod writing;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use arrow::array::{ArrayRef, Int32Array, Int64Array, MapBuilder, StringArray, TimestampMillisecondArray};
use arrow::array::{BinaryBuilder, MapFieldNames, StringBuilder};
use arrow::record_batch::RecordBatch;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use millstream::Result;
use millstream::changelog::ChangelogBatch;
use millstream::connectors::{
    MetadataColumn, OpenContext, Reporter, ScanRequest, Source, SourceEvent, SourceReader, Split, TableDescriptor, find,
};
use millstream::types::{Field, Schema, SqlType, TypeKind};
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};

/// Long enough for a slow machine, short enough to fail.
pub const PATIENCE: Duration = Duration::from_secs(60);

pub fn broker() -> String {
    std::env::var("MILLSTREAM_TEST_KAFKA").unwrap_or_else(|_| {
        panic!(
            "these tests need a Kafka broker: start one with `make up` and set MILLSTREAM_TEST_KAFKA to its host:port"
        )
    })
}

pub fn config() -> ClientConfig {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", broker());
    config
}

/// The clients that read, whom nothing may tell apart; `MILLSTREAM_TEST_KAFKA_CLIENT` names one alone.
pub fn clients() -> Vec<String> {
    match std::env::var("MILLSTREAM_TEST_KAFKA_CLIENT") {
        Ok(one) => vec![one],
        Err(_) => ["native", "librdkafka"].map(String::from).to_vec(),
    }
}

/// The client that reads in tests of something else: `auto`, unless one is named.
pub fn client() -> String {
    std::env::var("MILLSTREAM_TEST_KAFKA_CLIENT").unwrap_or_else(|_| "auto".into())
}

/// The clients in turns: what one has left the next goes on with.
#[derive(Default)]
pub struct Turns(AtomicUsize);

impl Turns {
    /// Turns that begin with the `nth` client.
    pub fn from(nth: usize) -> Self {
        Self(AtomicUsize::new(nth))
    }

    pub fn next(&self) -> String {
        let clients = clients();
        clients[self.0.fetch_add(1, Ordering::Relaxed) % clients.len()].clone()
    }
}

/// A topic name that no other test run uses.
pub fn unique(name: &str) -> String {
    format!("{name}-{}", uuid::Uuid::new_v4().simple())
}

/// A new topic.
pub async fn topic(name: &str, partitions: i32) -> String {
    let name = unique(name);
    let admin: AdminClient<DefaultClientContext> = config().create().unwrap();
    let new = NewTopic::new(&name, partitions, TopicReplication::Fixed(1));
    for made in admin.create_topics(&[new], &AdminOptions::new()).await.unwrap() {
        made.unwrap();
    }
    name
}

/// Sends values to partition 0, the `i`-th at `(i + 1)` seconds since the epoch.
fn send(topic: &str, values: &[&str]) {
    let producer: BaseProducer = config().create().unwrap();
    for (i, value) in values.iter().enumerate() {
        let record = BaseRecord::<str, str>::to(topic).payload(value).partition(0).timestamp(1000 * (i as i64 + 1));
        producer.send(record).map_err(|(error, _)| error).unwrap();
    }
    producer.flush(PATIENCE).unwrap();
}

/// A table with the raw format, one STRING column `v`, read from the earliest offset to the latest.
fn strings(topic: &str, options: &[(&str, &str)]) -> TableDescriptor {
    let defaults =
        [("format", "raw"), ("scan.startup.mode", "earliest-offset"), ("scan.bounded.mode", "latest-offset")];
    let options: Vec<_> = defaults.iter().chain(options).copied().collect();
    table(topic, &[("v", SqlType::string())], &[], &options)
}

fn table(
    topic: &str,
    columns: &[(&str, SqlType)],
    metadata: &[(&str, bool)],
    options: &[(&str, &str)],
) -> TableDescriptor {
    let broker = broker();
    let client = client();
    let common =
        [("connector", "kafka"), ("topic", topic), ("properties.bootstrap.servers", &broker), ("scan.client", &client)];
    let known = find("kafka", None).unwrap().metadata(&common.iter().copied().collect());
    let metadata = metadata.iter().map(|(key, is_virtual)| {
        let (_, ty, _) = known.iter().find(|(k, _, _)| k == key).unwrap();
        MetadataColumn { name: format!("m_{key}"), key: key.to_string(), ty: ty.clone(), is_virtual: *is_virtual }
    });
    TableDescriptor {
        name: "t".into(),
        columns: columns.iter().map(|(name, ty)| Field::new(*name, ty.clone())).collect::<Schema>(),
        metadata: metadata.collect(),
        primary_key: Vec::new(),
        partition_keys: Vec::new(),
        options: common.iter().chain(options).copied().collect(),
        zone: chrono_tz::UTC,
    }
}

fn source(table: &TableDescriptor) -> Arc<dyn Source> {
    find("kafka", None).unwrap().source(table).unwrap()
}

fn context() -> OpenContext {
    OpenContext::for_test()
}

async fn open(source: &Arc<dyn Source>, context: &OpenContext) -> Result<Box<dyn SourceReader>> {
    let splits = source.splits(context).await?;
    source.open(splits, context).await
}

async fn next(reader: &mut Box<dyn SourceReader>) -> Result<SourceEvent> {
    tokio::time::timeout(PATIENCE, reader.next()).await.expect("an event in time")
}

/// Each row as text, its columns joined by `|`.
fn texts(rows: &RecordBatch) -> Vec<String> {
    let options = FormatOptions::default().with_null("NULL");
    let columns: Vec<_> = rows.columns().iter().map(|c| ArrayFormatter::try_new(c, &options).unwrap()).collect();
    let row = |i| columns.iter().map(|c| c.value(i).to_string()).collect::<Vec<_>>().join("|");
    (0..rows.num_rows()).map(row).collect()
}

/// All rows of a bounded source, those of each split in its order.
async fn rest(reader: &mut Box<dyn SourceReader>) -> Result<Vec<String>> {
    let mut by_split: std::collections::BTreeMap<String, Vec<String>> = Default::default();
    let mut ended = Vec::new();
    loop {
        match next(reader).await? {
            SourceEvent::Rows { split, rows, .. } => {
                assert!(rows.num_rows() > 0, "an event without rows");
                assert!(!ended.contains(&split), "rows behind the end of {split}");
                by_split.entry(split.to_string()).or_default().extend(texts(&rows));
            }
            SourceEvent::SplitStart(_) => {}
            SourceEvent::SplitEnd(split) => ended.push(split),
            SourceEvent::End => return Ok(by_split.into_values().flatten().collect()),
        }
    }
}

/// All rows that a bounded table has now, where others write to it.
async fn read_now(table: &TableDescriptor) -> Result<Vec<String>> {
    rest(&mut open(&source(table), &context()).await?).await
}

/// All rows of a bounded table, which each client reads alike.
async fn read(table: &TableDescriptor) -> Result<Vec<String>> {
    let (mut native, mut librdkafka) = (table.clone(), table.clone());
    native.options.set("scan.client", "native", None);
    librdkafka.options.set("scan.client", "librdkafka", None);
    let native = rest(&mut open(&source(&native), &context()).await?).await;
    let librdkafka = rest(&mut open(&source(&librdkafka), &context()).await?).await;
    let told = |rows: &Result<Vec<String>>| rows.as_ref().map_or_else(|error| vec![error.to_string()], Clone::clone);
    assert_eq!(told(&native), told(&librdkafka), "the clients differ");
    native
}

/// The next `count` rows of an endless source.
async fn take(reader: &mut Box<dyn SourceReader>, count: usize) -> Vec<String> {
    let mut rows = Vec::new();
    while rows.len() < count {
        if let SourceEvent::Rows { rows: more, .. } = next(reader).await.unwrap() {
            rows.extend(texts(&more));
        }
    }
    rows
}

async fn write(table: &TableDescriptor, batches: Vec<RecordBatch>) -> Result<()> {
    let sink = find("kafka", None).unwrap().sink(table)?;
    let mut writer = sink.open(&context()).await?;
    for batch in batches {
        writer.write(ChangelogBatch::inserts(batch)).await?;
    }
    writer.on_idle()?;
    writer.flush().await?;
    writer.close().await
}

fn batch(table: &TableDescriptor, columns: Vec<ArrayRef>) -> RecordBatch {
    RecordBatch::try_new(table.sink_schema().arrow(), columns).unwrap()
}

fn string_column(values: &[&str]) -> ArrayRef {
    Arc::new(StringArray::from(values.to_vec()))
}
