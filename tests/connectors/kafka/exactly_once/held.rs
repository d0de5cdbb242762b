//! The mode in which a durable checkpoint decides: rows wait in it, and are published from it as often as needed.

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn an_epoch_is_published_from_what_was_held_and_not_twice() {
    let job = Job::with_one_table(EpochMode::Held).await;
    let attempt = job.start(1).await.unwrap();
    let mut writer = attempt.writer(0, 0, 1).await;
    put(&mut writer, &job.tables[0], &["a", "b"]).await;
    let first = staged(&mut writer, 1, 0, 0).await;
    put(&mut writer, &job.tables[0], &["c"]).await;
    assert_eq!(first.staged.rows, 2);
    attempt.publish(1, std::slice::from_ref(&first)).await.unwrap();
    job.sees(0, &["a", "b"]).await;
    let second = staged(&mut writer, 2, 0, 0).await;
    std::mem::forget((writer, attempt));

    // The checkpoint of 2 is durable, and nobody knows whether it was published: the marker does.
    let attempt = job.start(2).await.unwrap();
    assert_eq!(attempt.epoch(), Some(1));
    attempt.publish(1, std::slice::from_ref(&first)).await.unwrap();
    attempt.publish(2, std::slice::from_ref(&second)).await.unwrap();
    std::mem::forget(attempt);
    let attempt = job.start(3).await.unwrap();
    assert_eq!(attempt.epoch(), Some(2));
    attempt.publish(2, std::slice::from_ref(&second)).await.unwrap();
    job.sees(0, &["a", "b", "c"]).await;
    assert_eq!(seen_uncommitted(&job.tables[0]).await, ["a", "b", "c"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn publishing_that_is_broken_off_anywhere_is_made_good_by_the_next_attempt() {
    let job = Job::with_one_table(EpochMode::Held).await;
    let mut expected = Vec::new();
    for (attempt, pause) in (1..=12).zip([0, 1, 2, 3, 5, 8, 12, 16, 20, 30, 50, 80]) {
        let epoch = attempt;
        let started = job.start(attempt).await.unwrap();
        let mut writer = started.writer(0, 0, epoch).await;
        let values: Vec<_> = (0..500).map(|i| format!("{epoch:02} {i:03}")).collect();
        put(&mut writer, &job.tables[0], &values.iter().map(String::as_str).collect::<Vec<_>>()).await;
        expected.extend(values);
        let parts = [staged(&mut writer, epoch, 0, 0).await];
        tokio::select! {
            biased;
            _ = tokio::time::sleep(Duration::from_millis(pause)) => {}
            published = started.publish(epoch, &parts) => published.unwrap(),
        }
        std::mem::forget((writer, started));
        let next = job.start(attempt).await.unwrap();
        assert!(next.epoch().unwrap_or(0) >= epoch - 1);
        next.publish(epoch, &parts).await.unwrap();
    }
    job.sees(0, &expected.iter().map(String::as_str).collect::<Vec<_>>()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn records_come_out_as_they_would_have_been_written() {
    let (topics, prefix) = ([topic("once-x", 3).await, topic("once-y", 3).await], unique("p"));
    let both = topics.join(";");
    let key =
        [("key.format", "raw"), ("key.fields", "k"), ("value.format", "raw"), ("value.fields-include", "EXCEPT_KEY")];
    let scan = [("scan.startup.mode", "earliest-offset"), ("scan.bounded.mode", "latest-offset")];
    let options: Vec<_> = key.into_iter().chain(scan).chain(exactly_once(&prefix)).collect();
    let columns = [("k", SqlType::string()), ("v", SqlType::string())];
    let written = table(&both, &columns, &[("topic", false), ("headers", false), ("timestamp", false)], &options);
    let job = Job::new(vec![written.clone()], EpochMode::Held);
    let attempt = job.start(1).await.unwrap();
    let mut writer = attempt.writer(0, 0, 1).await;

    let names = MapFieldNames { entry: "entries".into(), key: "key".into(), value: "value".into() };
    let mut headers = MapBuilder::new(Some(names), StringBuilder::new(), BinaryBuilder::new());
    headers.keys().append_value("h");
    headers.values().append_value(b"x");
    headers.append(true).unwrap();
    headers.append(false).unwrap();
    let timestamps = TimestampMillisecondArray::from(vec![7000, 8000]).with_timezone("UTC");
    let rows = batch(
        &written,
        vec![
            // The partitions of these under murmur2: 0 and 2.
            string_column(&["21", "a-little-bit-long-string"]),
            string_column(&["1", "2"]),
            string_column(&[&topics[0], &topics[1]]),
            Arc::new(headers.finish()),
            Arc::new(timestamps),
        ],
    );
    writer.write(ChangelogBatch::inserts(rows)).await.unwrap();
    let part = staged(&mut writer, 1, 0, 0).await;
    attempt.publish(1, &[part]).await.unwrap();

    let metadata = [("topic", true), ("partition", true), ("headers", true), ("timestamp", true)];
    let expected = [
        format!("21|1|{}|0|{{h: 78}}|1970-01-01T00:00:07Z", topics[0]),
        format!("a-little-bit-long-string|2|{}|2|{{}}|1970-01-01T00:00:08Z", topics[1]),
    ];
    let records = table(&both, &columns, &metadata, &options);
    holds(&records, &expected.iter().map(String::as_str).collect::<Vec<_>>()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_records_through_a_small_buffer_arrive_in_order() {
    let (topic, prefix) = (topic("once-many", 1).await, unique("p"));
    let small = exactly_once(&prefix).into_iter().chain([("properties.buffer.memory", "65536")]);
    let job = Job::new(vec![strings(&topic, &small.collect::<Vec<_>>())], EpochMode::Held);
    let attempt = job.start(1).await.unwrap();
    let mut writer = attempt.writer(0, 0, 1).await;
    let values: Vec<_> = (0..20_000).map(|i| format!("{i:0100}")).collect();
    put(&mut writer, &job.tables[0], &values.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let part = staged(&mut writer, 1, 0, 0).await;
    attempt.publish(1, &[part]).await.unwrap();
    job.sees(0, &values.iter().map(String::as_str).collect::<Vec<_>>()).await;
}
