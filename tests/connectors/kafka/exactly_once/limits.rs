//! What brokers and topics don't let a transaction do.

use super::*;
use crate::kafka::refusals::topic_with;

#[tokio::test(flavor = "multi_thread")]
async fn without_checkpoints_exactly_once_is_refused() {
    let job = Job::with_one_table(EpochMode::Rollback).await;
    let error = sink_of(&job.tables[0]).open(&context()).await.err().unwrap();
    assert!(error.message().contains("'exactly-once' needs checkpoints, and the job takes none"), "{error}");
    assert!(error.hint().unwrap().contains("'execution.checkpointing.interval'"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_timeout_that_the_broker_does_not_allow_names_both_settings() {
    let topic = topic("once-timeout", 1).await;
    let prefix = unique("p");
    let mut table = strings(&topic, &exactly_once(&prefix));
    table.options.set("properties.transaction.timeout.ms", "3600000", None);
    let error = Job::new(vec![table.clone()], EpochMode::Rollback).start(1).await.err().unwrap();
    assert!(error.message().starts_with("'properties.transaction.timeout.ms' is 3600000, and Kafka at "), "{error}");
    assert!(error.message().contains("transaction.max.timeout.ms, 900000 where it was not set"), "{error}");
    assert!(error.hint().unwrap().contains("transaction.max.timeout.ms of the brokers"), "{error}");
    // Left out it is what brokers allow.
    table.options.remove("properties.transaction.timeout.ms");
    Job::new(vec![table], EpochMode::Rollback).start(1).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_that_was_open_for_too_long_says_so_and_the_next_attempt_goes_on() {
    let (topic, prefix) = (topic("once-late", 1).await, unique("p"));
    let mut table = strings(&topic, &exactly_once(&prefix));
    table.options.set("properties.transaction.timeout.ms", "1000", None);
    let job = Job::new(vec![table.clone()], EpochMode::Rollback);
    let attempt = job.start(1).await.unwrap();
    let mut writer = attempt.writer(0, 0, 1).await;
    let start = std::time::Instant::now();
    let error = loop {
        // The broker looks every ten seconds.
        let rows = ChangelogBatch::inserts(batch(&table, vec![string_column(&["late"])]));
        if let Err(error) = writer.write(rows).await {
            break error;
        }
        assert!(start.elapsed() < PATIENCE, "nothing was said");
        tokio::time::sleep(Duration::from_millis(100)).await;
    };
    let expected =
        "the transaction of epoch 1 was open for longer than 'properties.transaction.timeout.ms' (1000): Kafka";
    assert!(error.message().starts_with(expected), "{error}");
    drop((writer, attempt));
    let attempt = job.start(2).await.unwrap();
    assert_eq!(attempt.marker, None);
    let mut writer = attempt.writer(0, 0, 2).await;
    put(&mut writer, &table, &["again"]).await;
    let part = staged(&mut writer, 2, 0, 0).await;
    attempt.publish(2, &[part]).await.unwrap();
    job.sees(0, &["again"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_the_broker_refuses_fails_its_epoch() {
    let (topic, prefix) = (topic_with("once-compacted", ("cleanup.policy", "compact")).await, unique("p"));
    let job = Job::new(vec![strings(&topic, &exactly_once(&prefix))], EpochMode::Rollback);
    let attempt = job.start(1).await.unwrap();
    let mut writer = attempt.writer(0, 0, 1).await;
    put(&mut writer, &job.tables[0], &["no key"]).await;
    // It may be found out before the barrier or after it, but not after the commit.
    let error = match writer.stage(Epoch(1)).await {
        Ok(staged) => attempt.publish(1, &[StagedPart { sink: 0, subtask: 0, staged }]).await.unwrap_err(),
        Err(error) => error,
    };
    assert!(error.message().starts_with(&format!("cannot write to topic \"{topic}\": ")), "{error}");
    assert_eq!(job.start(2).await.unwrap().marker, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_topic_will_refuse_is_not_held() {
    let prefix = unique("p");
    let long = "x".repeat(2000);
    for (setting, value, why) in [
        (("cleanup.policy", "compact"), "no key", "it is compacted, and a record has no key"),
        (("max.message.bytes", "1000"), long.as_str(), "message size too large"),
    ] {
        let topic = topic_with("once-held", setting).await;
        let job = Job::new(vec![strings(&topic, &exactly_once(&prefix))], EpochMode::Held);
        let attempt = job.start(1).await.unwrap();
        let mut writer = attempt.writer(0, 0, 1).await;
        let rows = ChangelogBatch::inserts(batch(&job.tables[0], vec![string_column(&[value])]));
        let error = writer.write(rows).await.unwrap_err();
        assert_eq!(error.message(), format!("cannot write to topic \"{topic}\": {why}"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_held_record_that_is_refused_all_the_same_says_what_to_do_and_can_be_published_later() {
    let (topic, prefix) = (topic("once-stuck", 1).await, unique("p"));
    let job = Job::new(vec![strings(&topic, &exactly_once(&prefix))], EpochMode::Held);
    let attempt = job.start(1).await.unwrap();
    let mut writer = attempt.writer(0, 0, 1).await;
    put(&mut writer, &job.tables[0], &["a"]).await;
    let part = staged(&mut writer, 1, 0, 0).await;
    set(&topic, "cleanup.policy", "compact").await;
    let error = attempt.publish(1, std::slice::from_ref(&part)).await.unwrap_err();
    assert!(error.message().starts_with("epoch 1 can't be published: cannot write to topic"), "{error}");
    assert!(error.detail().unwrap().contains("nothing of it is lost"), "{error}");
    drop(attempt);
    set(&topic, "cleanup.policy", "delete").await;
    let attempt = job.start(2).await.unwrap();
    attempt.publish(1, &[part]).await.unwrap();
    job.sees(0, &["a"]).await;
}

/// Changes a setting of a topic, and waits until the broker says so.
async fn set(topic: &str, key: &str, value: &str) {
    use rdkafka::admin::{AlterConfig, ResourceSpecifier};
    let admin: AdminClient<DefaultClientContext> = config().create().unwrap();
    let change = AlterConfig::new(ResourceSpecifier::Topic(topic)).set(key, value);
    admin.alter_configs([&change], &AdminOptions::new()).await.unwrap()[0].as_ref().unwrap();
    let start = std::time::Instant::now();
    loop {
        let told = admin.describe_configs([&ResourceSpecifier::Topic(topic)], &AdminOptions::new()).await.unwrap();
        let found = told[0].as_ref().unwrap().get(key).and_then(|entry| entry.value.clone());
        if found.as_deref() == Some(value) {
            return;
        }
        assert!(start.elapsed() < PATIENCE, "{found:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tables_with_different_producers_under_one_prefix_are_refused() {
    let (prefix, topics) = (unique("p"), [topic("once-1", 1).await, topic("once-2", 1).await]);
    let other: Vec<_> = exactly_once(&prefix).into_iter().chain([("properties.linger.ms", "50")]).collect();
    let tables = vec![strings(&topics[0], &exactly_once(&prefix)), strings(&topics[1], &other)];
    let error = Job::new(tables, EpochMode::Rollback).start(1).await.err().unwrap();
    assert!(error.message().ends_with("but not the settings of these: linger.ms differs"), "{error}");
}
