//! A broker that goes away in the middle of a transaction and comes back.

#![allow(clippy::disallowed_methods)] // tests spawn on their own runtime

use std::sync::Mutex;

use super::*;
use crate::outages::own::{Own, Service};

/// A job whose broker is its own, and all that is told of it.
async fn scene(mode: EpochMode) -> (Own, Job, Arc<Mutex<Vec<String>>>) {
    let own = Own::new();
    let address = own.up(Service::Kafka).await;
    let topic = unique("once");
    let admin: AdminClient<DefaultClientContext> =
        ClientConfig::new().set("bootstrap.servers", &address).create().unwrap();
    let new = NewTopic::new(&topic, 1, TopicReplication::Fixed(1));
    admin.create_topics(&[new], &AdminOptions::new()).await.unwrap()[0].as_ref().unwrap();
    let mut table = strings(&topic, &exactly_once("p"));
    table.options.set("properties.bootstrap.servers", address, None);
    let told = Arc::new(Mutex::new(Vec::new()));
    let lines = told.clone();
    let mut job = Job::new(vec![table], mode);
    job.reporter = Reporter::new(move |line| lines.lock().unwrap().push(line.to_string()));
    (own, job, told)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_is_killed_mid_transaction_is_waited_for() {
    for mode in [EpochMode::Rollback, EpochMode::Held] {
        let (own, job, told) = scene(mode).await;
        let attempt = job.start(1).await.unwrap();
        let mut writer = attempt.writer(0, 0, 1).await;
        put(&mut writer, &job.tables[0], &["a", "b"]).await;
        writer.flush().await.unwrap();
        let part = staged(&mut writer, 1, 0, 0).await;
        own.kill(Service::Kafka).await;
        put(&mut writer, &job.tables[0], &["c"]).await;
        let publishing = attempt.committer.clone();
        let publishing = tokio::spawn(async move { publishing.publish(Epoch(1), &[part]).await });
        let start = std::time::Instant::now();
        while !told.lock().unwrap().iter().any(|line| line.starts_with("lost Kafka at ")) {
            assert!(start.elapsed() < PATIENCE, "{:?}", told.lock().unwrap());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        own.up(Service::Kafka).await;
        publishing.await.unwrap().unwrap();
        let part = staged(&mut writer, 2, 0, 0).await;
        attempt.publish(2, &[part]).await.unwrap();
        job.sees(0, &["a", "b", "c"]).await;
        assert!(told.lock().unwrap().iter().any(|line| line.ends_with("answers again")), "{:?}", told.lock().unwrap());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_waits_for_the_broker_and_what_was_open_before_is_gone() {
    let (own, job, told) = scene(EpochMode::Rollback).await;
    let attempt = job.start(1).await.unwrap();
    let mut writer = attempt.writer(0, 0, 1).await;
    put(&mut writer, &job.tables[0], &["a"]).await;
    let part = staged(&mut writer, 1, 0, 0).await;
    attempt.publish(1, &[part]).await.unwrap();
    put(&mut writer, &job.tables[0], &["b"]).await;
    while seen_uncommitted(&job.tables[0]).await.len() < 2 {}
    own.kill(Service::Kafka).await;
    std::mem::forget((writer, attempt));
    let starting = job.clone();
    let starting = tokio::spawn(async move { starting.start(2).await });
    let start = std::time::Instant::now();
    while !told.lock().unwrap().iter().any(|line| line.starts_with("waiting for Kafka at ")) {
        assert!(start.elapsed() < PATIENCE, "{:?}", told.lock().unwrap());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    own.up(Service::Kafka).await;
    let attempt = starting.await.unwrap().unwrap();
    assert_eq!(attempt.epoch(), Some(1));
    let mut writer = attempt.writer(0, 0, 3).await;
    put(&mut writer, &job.tables[0], &["b"]).await;
    let part = staged(&mut writer, 3, 0, 0).await;
    attempt.publish(3, &[part]).await.unwrap();
    job.sees(0, &["a", "b"]).await;
}
