//! Where reading starts and ends, and what of a record becomes which column.

use super::*;

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
    for client in clients() {
        let topic = topic("endless", 1).await;
        send(&topic, &["a"]);
        let table = strings(
            &topic,
            &[("scan.startup.mode", "latest-offset"), ("scan.bounded.mode", "unbounded"), ("scan.client", &client)],
        );
        let source = source(&table);
        assert!(!source.is_bounded());
        let mut reader = open(&source, &context()).await.unwrap();
        send(&topic, &["b"]);
        assert_eq!(take(&mut reader, 1).await, ["b"]);
        // With the leader epoch, the first one of a new topic.
        let position = Split { id: format!("{topic}/0"), position: "2@0".into() };
        assert_eq!(reader.positions(), std::slice::from_ref(&position));
        assert_eq!(reader.lag(), Some(0));

        // Another reader resumes there, of whichever client.
        drop(reader);
        send(&topic, &["c"]);
        for client in clients() {
            let mut table = table.clone();
            table.options.set("scan.client", client, None);
            let mut reader = self::source(&table).open(vec![position.clone()], &context()).await.unwrap();
            assert_eq!(take(&mut reader, 1).await, ["c"]);
        }
    }
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
async fn every_compression_that_librdkafka_writes_is_read() {
    let rows: Vec<_> = (0..500).map(|i| format!("row {i} ").repeat(1 + i % 20)).collect();
    let rows: Vec<_> = rows.iter().map(String::as_str).collect();
    for codec in ["none", "gzip", "snappy", "lz4", "zstd"] {
        let topic = topic(codec, 1).await;
        let table = strings(&topic, &[("properties.compression.type", codec)]);
        write(&table, vec![batch(&table, vec![string_column(&rows)])]).await.unwrap();
        assert_eq!(read(&table).await.unwrap(), rows, "{codec}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_protocol_before_a_broker_is_passed_over() {
    let topic = topic("scheme", 1).await;
    send(&topic, &["a"]);
    let servers = format!("PLAINTEXT://{}", broker());
    assert_eq!(read(&strings(&topic, &[("properties.bootstrap.servers", &servers)])).await.unwrap(), ["a"]);
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
        for client in clients() {
            let mut table = table.clone();
            table.options.set("scan.client", client, None);
            let request = ScanRequest { projection: projection.clone(), ..ScanRequest::default() };
            let narrow = source(&table).narrow(request).unwrap();
            let rows = rest(&mut open(&narrow, &context()).await.unwrap()).await.unwrap();
            assert_eq!(rows, [expected]);
        }
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
    for client in clients() {
        let (context, mut table) = (context(), table(&topic, &columns, &[("offset", true)], &skipping));
        table.options.set("scan.client", client, None);
        let rows = rest(&mut open(&source(&table), &context).await.unwrap()).await.unwrap();
        assert_eq!(rows, ["doc|98.5|0", "NULL|1.0|2"]);
        assert_eq!(context.metrics.rows_undecodable.load(Ordering::Relaxed), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_position_that_the_topic_no_longer_holds_is_an_error_with_the_range() {
    for client in clients() {
        let topic = topic("lost", 1).await;
        send(&topic, &["a", "b", "c"]);
        let admin: AdminClient<DefaultClientContext> = config().create().unwrap();
        let mut before = rdkafka::TopicPartitionList::new();
        before.add_partition_offset(&topic, 0, rdkafka::Offset::Offset(2)).unwrap();
        admin.delete_records(&before, &AdminOptions::new()).await.unwrap();
        let source = source(&strings(&topic, &[("scan.bounded.mode", "unbounded"), ("scan.client", &client)]));
        for (position, detail) in [
            ("1", "The topic holds offsets 2 to 3: 1 to 2 are lost."),
            ("9", "The topic holds offsets 2 to 3 only; it may have been deleted and made again."),
        ] {
            let split = Split { id: format!("{topic}/0"), position: position.into() };
            let mut reader = source.open(vec![split], &context()).await.unwrap();
            let error = next(&mut reader).await.unwrap_err();
            let expected =
                format!("offset {position} of topic \"{topic}\", partition 0 can't be read: it is out of range");
            assert_eq!(error.message(), expected);
            assert_eq!(error.detail(), Some(detail));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_topic_whose_leader_has_nothing_of_what_was_read_is_not_read_on() {
    let topic = topic("cut-off", 1).await;
    send(&topic, &["a", "b", "c"]);
    for client in clients() {
        let table = strings(&topic, &[("scan.bounded.mode", "unbounded"), ("scan.client", &client)]);
        let at = |position: &str| vec![Split { id: format!("{topic}/0"), position: position.into() }];
        let mut reader = source(&table).open(at("2@0"), &context()).await.unwrap();
        assert_eq!(take(&mut reader, 1).await, ["c"]);
        // Read in the fifth leader epoch of a partition that is in its first.
        let mut reader = source(&table).open(at("2@4"), &context()).await.unwrap();
        let error = next(&mut reader).await.unwrap_err();
        let lost = format!("topic \"{topic}\", partition 0 has lost records before offset 2 that were read already");
        assert_eq!(error.message(), lost, "{client}");
        assert!(
            error.detail().unwrap().starts_with("Its leader has none of the records that were read last"),
            "{error}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_are_cut_at_the_batch_limit() {
    for client in clients() {
        let topic = topic("batches", 1).await;
        let values: Vec<_> = (0..250).map(|i| i.to_string()).collect();
        send(&topic, &values.iter().map(String::as_str).collect::<Vec<_>>());
        let mut context = context();
        context.batch_rows = 100;
        let mut reader = open(&source(&strings(&topic, &[("scan.client", &client)])), &context).await.unwrap();
        let mut sizes = Vec::new();
        while let SourceEvent::Rows { rows, .. } = next(&mut reader).await.unwrap() {
            sizes.push(rows.num_rows());
        }
        assert_eq!(sizes.iter().sum::<usize>(), 250);
        assert!(sizes.iter().all(|n| *n <= 100), "{sizes:?}");
        assert!(sizes.contains(&100), "{sizes:?}");
    }
}
