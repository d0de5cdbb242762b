//! What becomes of rows that are written, read back by the connector itself.

use super::*;

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
