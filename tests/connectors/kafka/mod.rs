//! The kafka connector against a real broker, found by the environment variable `MILLSTREAM_TEST_KAFKA` (host:port).

mod growth;
mod refusals;
mod secured;

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
    let common = [("connector", "kafka"), ("topic", topic), ("properties.bootstrap.servers", &broker)];
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

async fn read(table: &TableDescriptor) -> Result<Vec<String>> {
    rest(&mut open(&source(table), &context()).await?).await
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
    writer.flush().await?;
    writer.close().await
}

fn batch(table: &TableDescriptor, columns: Vec<ArrayRef>) -> RecordBatch {
    RecordBatch::try_new(table.sink_schema().arrow(), columns).unwrap()
}

fn string_column(values: &[&str]) -> ArrayRef {
    Arc::new(StringArray::from(values.to_vec()))
}

#[tokio::test(flavor = "multi_thread")]
async fn reading_starts_where_the_mode_says() {
    let topic = topic("startup", 1).await;
    send(&topic, &["a", "b", "c", "d", "e"]);
    for (options, expected) in [
        (&[("scan.startup.mode", "earliest-offset")][..], &["a", "b", "c", "d", "e"][..]),
        (&[("scan.startup.mode", "latest-offset")], &[]),
        (&[("scan.startup.mode", "timestamp"), ("scan.startup.timestamp-millis", "2001")], &["c", "d", "e"]),
        (&[("scan.startup.mode", "timestamp"), ("scan.startup.timestamp-millis", "9000000000000")], &[]),
        (
            &[("scan.startup.mode", "specific-offsets"), ("scan.startup.specific-offsets", "partition:0,offset:3")],
            &["d", "e"],
        ),
        (
            &[("scan.startup.mode", "group-offsets"), ("properties.auto.offset.reset", "earliest")],
            &["a", "b", "c", "d", "e"],
        ),
        (&[("scan.startup.mode", "group-offsets"), ("properties.auto.offset.reset", "latest")], &[]),
    ] {
        assert_eq!(read(&strings(&topic, options)).await.unwrap(), expected, "{options:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn reading_ends_where_the_mode_says() {
    let topic = topic("bounded", 1).await;
    send(&topic, &["a", "b", "c", "d", "e"]);
    for (options, expected) in [
        (&[("scan.bounded.mode", "latest-offset")][..], &["a", "b", "c", "d", "e"][..]),
        (&[("scan.bounded.mode", "timestamp"), ("scan.bounded.timestamp-millis", "3000")], &["a", "b"]),
        (
            &[("scan.bounded.mode", "specific-offsets"), ("scan.bounded.specific-offsets", "partition:0,offset:1")],
            &["a"],
        ),
        (&[("scan.bounded.mode", "specific-offsets"), ("scan.bounded.specific-offsets", "partition:7,offset:1")], &[]),
    ] {
        assert_eq!(read(&strings(&topic, options)).await.unwrap(), expected, "{options:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_goes_on_behind_what_it_committed() {
    let topic = topic("group", 1).await;
    send(&topic, &["a", "b", "c"]);
    let group = unique("g");
    let options = [("properties.group.id", group.as_str()), ("scan.startup.mode", "group-offsets")];

    let error = read(&strings(&topic, &options)).await.unwrap_err();
    let expected = format!("undefined offset with no reset policy for partitions: [{topic}-0]");
    assert_eq!(error.message(), expected);
    assert!(error.hint().unwrap().contains("'properties.auto.offset.reset'"), "{error}");

    let up_to_group = [("properties.group.id", group.as_str()), ("scan.bounded.mode", "group-offsets")];
    let error = read(&strings(&topic, &up_to_group)).await.unwrap_err();
    assert!(error.message().contains("up to the committed offset"), "{error}");

    let mut reader = open(&source(&strings(&topic, &options[..1])), &context()).await.unwrap();
    reader.on_epoch_complete(&[Split { id: format!("{topic}/0"), position: "2".into() }]).await.unwrap();
    assert_eq!(read(&strings(&topic, &options)).await.unwrap(), ["c"]);
    assert_eq!(read(&strings(&topic, &up_to_group)).await.unwrap(), ["a", "b"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endless_reader_gives_a_row_at_once_and_knows_its_position_and_lag() {
    let topic = topic("endless", 1).await;
    send(&topic, &["a"]);
    let table = strings(&topic, &[("scan.startup.mode", "latest-offset"), ("scan.bounded.mode", "unbounded")]);
    let source = source(&table);
    assert!(!source.is_bounded());
    let mut reader = open(&source, &context()).await.unwrap();
    send(&topic, &["b"]);
    assert_eq!(take(&mut reader, 1).await, ["b"]);
    let position = Split { id: format!("{topic}/0"), position: "2".into() };
    assert_eq!(reader.positions(), std::slice::from_ref(&position));
    assert_eq!(reader.lag(), Some(0));

    // Another reader resumes there.
    drop(reader);
    send(&topic, &["c"]);
    let mut reader = source.open(vec![position], &context()).await.unwrap();
    assert_eq!(take(&mut reader, 1).await, ["c"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_partition_is_read_in_its_order() {
    let topic = topic("partitions", 3).await;
    let producer: BaseProducer = config().create().unwrap();
    for i in 0..300 {
        let value = format!("{:04}", i);
        producer.send(BaseRecord::<str, str>::to(&topic).payload(&value).partition(i % 3)).ok().unwrap();
    }
    producer.flush(PATIENCE).unwrap();
    let rows = read(&strings(&topic, &[])).await.unwrap();
    let expected: Vec<_> =
        (0..3).flat_map(|p| (0..300).filter(move |i| i % 3 == p)).map(|i| format!("{i:04}")).collect();
    assert_eq!(rows, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn several_topics_and_patterns_are_read() {
    let (first, second) = (topic("many-a", 1).await, topic("many-b", 2).await);
    send(&first, &["a"]);
    send(&second, &["b"]);
    assert_eq!(read(&strings(&format!("{first};{second}"), &[])).await.unwrap(), ["a", "b"]);
    let mut by_pattern = strings(&first, &[("topic-pattern", &format!("many-.-.*{}", &second[second.len() - 12..]))]);
    by_pattern.options.remove("topic");
    assert_eq!(read(&by_pattern).await.unwrap(), ["b"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_headers_and_metadata_become_columns() {
    let topic = topic("metadata", 2).await;
    let producer: BaseProducer = config().create().unwrap();
    let headers = OwnedHeaders::new()
        .insert(Header { key: "h", value: Some("old") })
        .insert(Header { key: "h", value: Some("new") })
        .insert(Header { key: "n", value: None::<&str> });
    let record = BaseRecord::to(&topic).payload("v0").key("k0").partition(1).timestamp(5000).headers(headers);
    producer.send(record).ok().unwrap();
    producer.flush(PATIENCE).unwrap();

    let options = [
        ("value.format", "raw"),
        ("key.format", "raw"),
        ("key.fields", "k"),
        ("value.fields-include", "EXCEPT_KEY"),
        ("scan.startup.mode", "earliest-offset"),
        ("scan.bounded.mode", "latest-offset"),
    ];
    let metadata =
        ["topic", "partition", "headers", "header-list", "leader-epoch", "offset", "timestamp", "timestamp-type"];
    let metadata: Vec<_> = metadata.map(|key| (key, true)).to_vec();
    let table = table(&topic, &[("k", SqlType::string()), ("v", SqlType::string())], &metadata, &options);
    let expected = format!(
        "k0|v0|{topic}|1|{{h: 6e6577, n: NULL}}|[{{key: h, value: 6f6c64}}, {{key: h, value: 6e6577}}, {{key: n, value: NULL}}]|0|0|\
         1970-01-01T00:00:05Z|CreateTime"
    );
    assert_eq!(read(&table).await.unwrap(), [expected]);

    // Only what is needed, in the order wanted; and nothing but the count.
    for (projection, expected) in [(vec![7, 0], "0|k0"), (vec![1], "v0"), (vec![], "")] {
        let narrow = source(&table).narrow(ScanRequest { projection, ..ScanRequest::default() }).unwrap();
        let rows = rest(&mut open(&narrow, &context()).await.unwrap()).await.unwrap();
        assert_eq!(rows, [expected]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn null_values_and_null_keys_are_rows_where_the_format_says_so() {
    let topic = topic("nulls", 1).await;
    let producer: BaseProducer = config().create().unwrap();
    producer.send(BaseRecord::<str, str>::to(&topic).key("k").partition(0)).ok().unwrap();
    producer.send(BaseRecord::<str, str>::to(&topic).payload("v").partition(0)).ok().unwrap();
    producer.flush(PATIENCE).unwrap();
    assert_eq!(read(&strings(&topic, &[])).await.unwrap(), ["NULL", "v"]);
    let keyed = [
        ("value.format", "raw"),
        ("key.format", "raw"),
        ("key.fields", "k"),
        ("value.fields-include", "EXCEPT_KEY"),
        ("scan.startup.mode", "earliest-offset"),
        ("scan.bounded.mode", "latest-offset"),
    ];
    let keyed = table(&topic, &[("k", SqlType::string()), ("v", SqlType::string())], &[], &keyed);
    assert_eq!(read(&keyed).await.unwrap(), ["k|NULL", "NULL|v"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_topic_ends_at_once() {
    let topic = topic("empty", 2).await;
    assert_eq!(read(&strings(&topic, &[])).await.unwrap(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_topic_that_is_missing_is_made_where_the_broker_makes_topics() {
    let name = unique("auto-read");
    assert_eq!(read(&strings(&name, &[])).await.unwrap(), Vec::<String>::new());
    let name = unique("auto-write");
    let table = strings(&name, &[]);
    write(&table, vec![batch(&table, vec![string_column(&["a"])])]).await.unwrap();
    assert_eq!(read(&table).await.unwrap(), ["a"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_topic_that_stays_missing_is_an_error_with_the_command_that_makes_it() {
    let name = unique("missing");
    let error = read(&strings(&name, &[("properties.allow.auto.create.topics", "false")])).await.unwrap_err();
    assert_eq!(error.message(), format!("topic \"{name}\" doesn't exist on Kafka at {}", broker()));
    let command = format!("kafka-topics.sh --create --bootstrap-server {} --topic {name}", broker());
    assert!(error.hint().unwrap().contains(&command), "{error}");
    let error = read(&strings("not a topic", &[])).await.unwrap_err();
    assert!(error.message().starts_with("topic \"not a topic\" can't be used"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn aborted_and_open_transactions_are_not_read_and_do_not_hold_up_the_end() {
    let topic = topic("transactions", 1).await;
    let transactional = || -> BaseProducer {
        let producer: BaseProducer = config().set("transactional.id", unique("tx")).create().unwrap();
        producer.init_transactions(PATIENCE).unwrap();
        producer.begin_transaction().unwrap();
        producer
    };
    let put = |producer: &BaseProducer, value: &str| {
        producer.send(BaseRecord::<str, str>::to(&topic).payload(value).partition(0)).ok().unwrap();
        producer.flush(PATIENCE).unwrap();
    };
    let committed = transactional();
    put(&committed, "committed");
    committed.commit_transaction(PATIENCE).unwrap();
    let aborted = transactional();
    put(&aborted, "aborted");
    aborted.abort_transaction(PATIENCE).unwrap();
    assert_eq!(read(&strings(&topic, &[])).await.unwrap(), ["committed"]);
    let all = [("properties.isolation.level", "read_uncommitted")];
    assert_eq!(read(&strings(&topic, &all)).await.unwrap(), ["committed", "aborted"]);

    let open = transactional();
    put(&open, "open");
    assert_eq!(read(&strings(&topic, &[])).await.unwrap(), ["committed"]);
    open.abort_transaction(PATIENCE).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_cannot_be_decoded_is_named() {
    let topic = topic("undecodable", 1).await;
    send(&topic, &["1234", "12345678"]);
    let options = [("format", "raw"), ("scan.startup.mode", "earliest-offset"), ("scan.bounded.mode", "latest-offset")];
    let table = table(&topic, &[("v", SqlType::nullable(TypeKind::BigInt))], &[], &options);
    let error = read(&table).await.unwrap_err();
    let expected = format!("cannot decode record at topic \"{topic}\", partition 0, offset 0: ");
    assert!(error.message().starts_with(&expected), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn json_records_are_read_and_skipped_as_the_options_say() {
    let topic = topic("json", 1).await;
    send(&topic, &[r#"{"host":"doc","usage":98.5}"#, "{broken", r#"{"usage":1,"host":null}"#]);
    let columns = [("host", SqlType::string()), ("usage", SqlType::nullable(TypeKind::Double))];
    let options =
        [("format", "json"), ("scan.startup.mode", "earliest-offset"), ("scan.bounded.mode", "latest-offset")];
    let error = read(&table(&topic, &columns, &[], &options)).await.unwrap_err();
    let expected = format!("cannot decode record at topic \"{topic}\", partition 0, offset 1: ");
    assert!(error.message().starts_with(&expected), "{error}");

    let skipping: Vec<_> = options.iter().copied().chain([("json.ignore-parse-errors", "true")]).collect();
    let context = context();
    let source = source(&table(&topic, &columns, &[("offset", true)], &skipping));
    let rows = rest(&mut open(&source, &context).await.unwrap()).await.unwrap();
    assert_eq!(rows, ["doc|98.5|0", "NULL|1.0|2"]);
    assert_eq!(context.metrics.rows_undecodable.load(std::sync::atomic::Ordering::Relaxed), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_thousand_rows_come_back_as_they_went() {
    let topic = topic("round-trip", 4).await;
    let table = strings(&topic, &[]);
    let value = |i: usize| format!("row {i:06}");
    let batches = (0..20).map(|b| {
        let values: Vec<_> = (b * 5000..(b + 1) * 5000).map(value).collect();
        batch(&table, vec![Arc::new(StringArray::from(values))])
    });
    write(&table, batches.collect()).await.unwrap();
    let mut rows = read(&table).await.unwrap();
    rows.sort_unstable();
    assert_eq!(rows, (0..100_000).map(value).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_small_buffer_holds_back_the_writer_and_loses_nothing() {
    let topic = topic("backpressure", 1).await;
    let table = strings(&topic, &[("properties.buffer.memory", "65536")]);
    let value = |i: usize| format!("{i:0200}");
    let values: Vec<_> = (0..5000).map(value).collect();
    write(&table, vec![batch(&table, vec![Arc::new(StringArray::from(values.clone()))])]).await.unwrap();
    assert_eq!(read(&table).await.unwrap(), values);
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_choose_the_partition_as_the_java_client_does() {
    let topic = topic("murmur2", 3).await;
    let options = [
        ("value.format", "raw"),
        ("key.format", "raw"),
        ("key.fields", "k"),
        ("value.fields-include", "EXCEPT_KEY"),
        ("scan.startup.mode", "earliest-offset"),
        ("scan.bounded.mode", "latest-offset"),
    ];
    let columns = [("k", SqlType::string()), ("v", SqlType::string())];
    let write_table = table(&topic, &columns, &[], &options);
    // The hashes are the ones in Kafka's own tests: -973932308, -790332482, -985981536.
    let keys = ["21", "foobar", "a-little-bit-long-string"];
    let rows = batch(&write_table, vec![string_column(&keys), string_column(&["1", "2", "3"])]);
    write(&write_table, vec![rows]).await.unwrap();
    let mut rows = read(&table(&topic, &columns, &[("partition", true)], &options)).await.unwrap();
    rows.sort_unstable();
    assert_eq!(rows, ["21|1|0", "a-little-bit-long-string|3|2", "foobar|2|0"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn json_keys_are_written_without_their_prefix_and_read_back() {
    let topic = topic("json-keys", 1).await;
    let options = [
        ("value.format", "json"),
        ("key.format", "json"),
        ("key.fields", "k_id;k_host"),
        ("key.fields-prefix", "k_"),
        ("value.fields-include", "EXCEPT_KEY"),
        ("scan.startup.mode", "earliest-offset"),
        ("scan.bounded.mode", "latest-offset"),
    ];
    let int = SqlType::nullable(TypeKind::Int);
    let columns = [("k_host", SqlType::string()), ("v", int.clone()), ("k_id", int.clone())];
    let keyed = table(&topic, &columns, &[], &options);
    let numbers = |n: [i32; 2]| Arc::new(Int32Array::from(n.to_vec())) as ArrayRef;
    let rows = batch(&keyed, vec![string_column(&["doc", "happy"]), numbers([10, 20]), numbers([1, 2])]);
    write(&keyed, vec![rows]).await.unwrap();
    assert_eq!(read(&keyed).await.unwrap(), ["doc|10|1", "happy|20|2"]);
    let raw = [
        ("value.format", "raw"),
        ("key.format", "raw"),
        ("key.fields", "key"),
        ("value.fields-include", "EXCEPT_KEY"),
        ("scan.startup.mode", "earliest-offset"),
        ("scan.bounded.mode", "latest-offset"),
    ];
    let bytes = table(&topic, &[("key", SqlType::string()), ("value", SqlType::string())], &[], &raw);
    let expected = [r#"{"id":1,"host":"doc"}|{"v":10}"#, r#"{"id":2,"host":"happy"}|{"v":20}"#];
    assert_eq!(read(&bytes).await.unwrap(), expected);

    // A record without a key has no row under a json key, whatever its value.
    send(&topic, &[r#"{"v":30}"#]);
    assert_eq!(read(&keyed).await.unwrap(), ["doc|10|1", "happy|20|2"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn partitioners_spread_rows_as_they_are_named() {
    for (partitioner, expected) in [("fixed", ["a|0", "b|0", "c|0"]), ("round-robin", ["a|0", "b|1", "c|2"])] {
        let topic = topic("partitioner", 3).await;
        let table_to = strings(&topic, &[("sink.partitioner", partitioner)]);
        write(&table_to, vec![batch(&table_to, vec![string_column(&["a", "b", "c"])])]).await.unwrap();
        let options =
            [("format", "raw"), ("scan.startup.mode", "earliest-offset"), ("scan.bounded.mode", "latest-offset")];
        let mut rows =
            read(&table(&topic, &[("v", SqlType::string())], &[("partition", true)], &options)).await.unwrap();
        rows.sort_unstable();
        assert_eq!(rows, expected, "{partitioner}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn topic_headers_and_timestamp_are_written_from_columns() {
    let (first, second) = (topic("write-a", 1).await, topic("write-b", 1).await);
    let both = format!("{first};{second}");
    let options = [("format", "raw"), ("scan.startup.mode", "earliest-offset"), ("scan.bounded.mode", "latest-offset")];
    let columns = [("v", SqlType::string())];
    let sink = table(&both, &columns, &[("topic", false), ("headers", false), ("timestamp", false)], &options);
    let names = MapFieldNames { entry: "entries".into(), key: "key".into(), value: "value".into() };
    let mut headers = MapBuilder::new(Some(names), StringBuilder::new(), BinaryBuilder::new());
    headers.keys().append_value("h");
    headers.values().append_value(b"x");
    headers.append(true).unwrap();
    headers.append(false).unwrap();
    let rows = |topics: [&str; 2]| {
        let headers: ArrayRef = Arc::new(headers.finish_cloned());
        let timestamps = TimestampMillisecondArray::from(vec![Some(7000), Some(8000)]).with_timezone("UTC");
        batch(&sink, vec![string_column(&["a", "b"]), string_column(&topics), headers, Arc::new(timestamps)])
    };
    write(&sink, vec![rows([&first, &second])]).await.unwrap();
    let from = table(&both, &columns, &[("topic", true), ("headers", true), ("timestamp", true)], &options);
    let expected =
        [format!("a|{first}|{{h: 78}}|1970-01-01T00:00:07Z"), format!("b|{second}|{{}}|1970-01-01T00:00:08Z")];
    assert_eq!(read(&from).await.unwrap(), expected);

    let error = write(&sink, vec![rows([&first, "elsewhere"])]).await.unwrap_err();
    assert!(error.message().contains("'elsewhere', which is not among the topics of the table"), "{error}");
    let error = find("kafka", None).unwrap().sink(&table(&both, &columns, &[], &options)).unwrap_err();
    assert!(error.message().contains("a sink writes to one topic"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_is_too_large_names_topic_and_setting() {
    let topic = topic("large", 1).await;
    let large = "x".repeat(3000);
    // Too large for the client, and too large for the topic.
    let table = strings(&topic, &[("properties.max.request.size", "2000")]);
    let error = write(&table, vec![batch(&table, vec![string_column(&[&large])])]).await.unwrap_err();
    assert!(error.message().starts_with(&format!("cannot write to topic \"{topic}\": ")), "{error}");
    assert!(error.hint().unwrap().contains("'properties.max.request.size'"), "{error}");

    let large = "x".repeat(2_000_000);
    let table = strings(&topic, &[("properties.max.request.size", "5000000")]);
    let error = write(&table, vec![batch(&table, vec![string_column(&[&large])])]).await.unwrap_err();
    assert!(error.message().starts_with(&format!("cannot write to topic \"{topic}\": ")), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_guarantee_a_flush_does_not_wait_but_the_end_does() {
    let topic = topic("none", 1).await;
    let table = strings(&topic, &[("sink.delivery-guarantee", "none")]);
    write(&table, vec![batch(&table, vec![string_column(&["a", "b"])])]).await.unwrap();
    assert_eq!(read(&table).await.unwrap(), ["a", "b"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_position_that_the_topic_no_longer_holds_is_an_error_with_the_range() {
    let topic = topic("lost", 1).await;
    send(&topic, &["a", "b", "c"]);
    let admin: AdminClient<DefaultClientContext> = config().create().unwrap();
    let mut before = rdkafka::TopicPartitionList::new();
    before.add_partition_offset(&topic, 0, rdkafka::Offset::Offset(2)).unwrap();
    admin.delete_records(&before, &AdminOptions::new()).await.unwrap();
    let source = source(&strings(&topic, &[("scan.bounded.mode", "unbounded")]));
    for (position, detail) in [
        ("1", "The topic holds offsets 2 to 3: 1 to 2 are lost."),
        ("9", "The topic holds offsets 2 to 3 only; it may have been deleted and made again."),
    ] {
        let split = Split { id: format!("{topic}/0"), position: position.into() };
        let mut reader = source.open(vec![split], &context()).await.unwrap();
        let error = next(&mut reader).await.unwrap_err();
        let expected = format!("offset {position} of topic \"{topic}\", partition 0 can't be read: it is out of range");
        assert_eq!(error.message(), expected);
        assert_eq!(error.detail(), Some(detail));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_is_not_there_is_waited_for_and_then_named() {
    let told = Arc::new(Mutex::new(Vec::new()));
    let mut context = context();
    let lines = told.clone();
    context.reporter = Reporter::new(move |line| lines.lock().unwrap().push(line.to_string()));
    let options = [("connection.max-retry-timeout", "1 s"), ("properties.sasl.jaas.config", "password=\"geheim\"")];
    let mut table = strings("any", &options);
    table.options.set("properties.bootstrap.servers", "127.0.0.1:1", None);
    for error in [
        source(&table).splits(&context).await.unwrap_err(),
        find("kafka", None).unwrap().sink(&table).unwrap().open(&context).await.err().unwrap(),
    ] {
        assert!(error.message().starts_with("gave up on Kafka at 127.0.0.1:1 after "), "{error}");
        assert!(error.message().contains("Connection refused"), "{error}");
        assert!(!error.to_string().contains("geheim"));
    }
    let told = told.lock().unwrap().join("\n");
    assert!(told.contains("Kafka at 127.0.0.1:1"), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_does_not_resolve_is_told_as_such() {
    let mut table = strings("any", &[("connection.max-retry-timeout", "1 s")]);
    table.options.set("properties.bootstrap.servers", "no-such-host.invalid:9092", None);
    let error = source(&table).splits(&context()).await.unwrap_err();
    assert!(error.to_string().contains("resolve"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_are_cut_at_the_batch_limit() {
    let topic = topic("batches", 1).await;
    let values: Vec<_> = (0..250).map(|i| i.to_string()).collect();
    send(&topic, &values.iter().map(String::as_str).collect::<Vec<_>>());
    let mut context = context();
    context.batch_rows = 100;
    let mut reader = open(&source(&strings(&topic, &[])), &context).await.unwrap();
    let mut sizes = Vec::new();
    while let SourceEvent::Rows { rows, .. } = next(&mut reader).await.unwrap() {
        sizes.push(rows.num_rows());
    }
    assert_eq!(sizes.iter().sum::<usize>(), 250);
    assert!(sizes.iter().all(|n| *n <= 100), "{sizes:?}");
    assert!(sizes.contains(&100), "{sizes:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn numbers_are_written_and_read_in_the_raw_format() {
    let topic = topic("numbers", 1).await;
    let options = [("format", "raw"), ("scan.startup.mode", "earliest-offset"), ("scan.bounded.mode", "latest-offset")];
    let table = table(&topic, &[("v", SqlType::nullable(TypeKind::BigInt))], &[], &options);
    let column: ArrayRef = Arc::new(Int64Array::from(vec![Some(1), None, Some(-3)]));
    write(&table, vec![batch(&table, vec![column])]).await.unwrap();
    assert_eq!(read(&table).await.unwrap(), ["1", "NULL", "-3"]);
    // The null row went out as a null value, not as an empty one.
    let consumer: BaseConsumer = config().set("group.id", "unused").create().unwrap();
    assert_eq!(consumer.fetch_watermarks(&topic, 0, PATIENCE).unwrap(), (0, 3));
}
