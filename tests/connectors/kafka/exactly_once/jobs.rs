//! Whole jobs under load whose process is killed again and again.

use rdkafka::{Offset, TopicPartitionList};

use super::*;
use crate::outages::load::{Load, create_topic};
use crate::pipelines::job::{Job as Process, pause};

const KILLS: usize = 5;

/// The numbers that readers of what is committed see in a topic.
async fn numbers(topic: &str) -> Vec<u64> {
    let rows = read_now(&strings(topic, &[])).await.unwrap();
    let mut rows: Vec<u64> = rows.iter().map(|row| row.parse().unwrap()).collect();
    rows.sort_unstable();
    rows
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_is_killed_goes_on_and_leaves_every_row_once() {
    let (id, folder) = (unique("killed"), tempfile::tempdir().unwrap());
    let (all, even) = (format!("{id}-all"), format!("{id}-even"));
    for topic in [&id, &all, &even] {
        create_topic(&broker(), topic, 2, 1).await;
    }
    let sink = |name: &str, topic: &str| {
        format!(
            "CREATE TABLE {name} (v STRING) WITH ('connector' = 'kafka', 'topic' = '{topic}', 'format' = 'raw',
               'properties.bootstrap.servers' = '{}', 'sink.delivery-guarantee' = 'exactly-once',
               'sink.transactional-id-prefix' = '{id}', 'properties.transaction.timeout.ms' = '60000');",
            broker()
        )
    };
    let sql = format!(
        "SET 'execution.checkpointing.interval' = '100 ms';
         SET 'execution.checkpointing.dir' = 'file://{}';
         SET 'parallelism.default' = '2';
         CREATE TABLE numbers (seq BIGINT) WITH ('connector' = 'kafka', 'topic' = '{id}', 'format' = 'json',
           'properties.bootstrap.servers' = '{}', 'scan.startup.mode' = 'earliest-offset', 'scan.client' = 'CLIENT');
         {} {}
         EXECUTE STATEMENT SET BEGIN
           INSERT INTO everything SELECT CAST(seq AS STRING) FROM numbers;
           INSERT INTO even SELECT CAST(seq AS STRING) FROM numbers WHERE MOD(seq, 2) = 0;
         END;",
        folder.path().join("state").display(),
        broker(),
        sink("everything", &all),
        sink("even", &even),
    );
    let (path, clients) = (folder.path().join("job.sql"), Turns::default());
    let start = || {
        std::fs::write(&path, sql.replace("CLIENT", &clients.next())).unwrap();
        Process::start(folder.path(), &[path.to_str().unwrap()])
    };

    let load = Load::start(&broker(), &id, 2000);
    let mut seen = 0;
    for _ in 0..KILLS {
        let mut process = start();
        let since = std::time::Instant::now();
        loop {
            let now = numbers(&all).await.len();
            if now > seen {
                seen = now;
                break;
            }
            process.check();
            assert!(since.elapsed() < PATIENCE, "no row came:\n{}", process.said());
            pause().await;
        }
        // Dropped is killed.
    }
    let sent = load.stop().await;
    let mut process = start();
    let since = std::time::Instant::now();
    while numbers(&all).await.len() < sent as usize {
        process.check();
        assert!(since.elapsed() < PATIENCE, "{sent} rows were sent:\n{}", process.said());
        pause().await;
    }
    process.stop().await;
    assert_eq!(numbers(&all).await, (0..sent).collect::<Vec<_>>());
    assert_eq!(numbers(&even).await, (0..sent).step_by(2).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bounded_job_publishes_its_last_rows_with_its_end() {
    let (topic, folder) = (topic("once-bounded", 1).await, tempfile::tempdir().unwrap());
    let sql = format!(
        "SET 'execution.checkpointing.interval' = '1 h';
         SET 'execution.checkpointing.dir' = 'file://{}';
         SET 'parallelism.default' = '1';
         CREATE TABLE sink (v STRING) WITH ('connector' = 'kafka', 'topic' = '{topic}', 'format' = 'raw',
           'properties.bootstrap.servers' = '{}', 'sink.delivery-guarantee' = 'exactly-once',
           'sink.transactional-id-prefix' = '{topic}', 'properties.transaction.timeout.ms' = '60000');
         INSERT INTO sink VALUES ('a'), ('b');",
        folder.path().join("state").display(),
        broker()
    );
    let path = folder.path().join("job.sql");
    std::fs::write(&path, sql).unwrap();
    let ended = Process::start(folder.path(), &[path.to_str().unwrap()]).end().await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    holds(&strings(&topic, &[]), &["a", "b"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_job_publishes_all_its_rows_with_its_end_or_none() {
    let (topic, folder) = (topic("once-batch", 1).await, tempfile::tempdir().unwrap());
    let run = async |query: &str| {
        let sql = format!(
            "SET 'execution.runtime-mode' = 'batch';
             CREATE TABLE sink (v STRING) WITH ('connector' = 'kafka', 'topic' = '{topic}', 'format' = 'raw',
               'properties.bootstrap.servers' = '{}', 'sink.delivery-guarantee' = 'exactly-once',
               'sink.transactional-id-prefix' = '{topic}', 'properties.transaction.timeout.ms' = '60000');
             INSERT INTO sink {query};",
            broker()
        );
        let path = folder.path().join("job.sql");
        std::fs::write(&path, sql).unwrap();
        Process::start(folder.path(), &[path.to_str().unwrap()]).end().await
    };
    let ended = run("VALUES ('a'), ('b')").await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let failing = "SELECT CAST(1 / (n - 2) AS STRING) FROM (VALUES (1), (2)) AS t (n)";
    let ended = run(failing).await;
    assert_eq!(ended.code, Some(1), "{ended:?}");
    // Another run has another epoch.
    let ended = run("VALUES ('c')").await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    holds(&strings(&topic, &[]), &["a", "b", "c"]).await;
}

/// Partition 0's offset that a group has committed.
fn committed(group: &str, topic: &str) -> Offset {
    let consumer: BaseConsumer = config().set("group.id", group).create().unwrap();
    let mut list = TopicPartitionList::new();
    list.add_partition(topic, 0);
    let committed = consumer.committed_offsets(list, PATIENCE).unwrap();
    committed.find_partition(topic, 0).unwrap().offset()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_ends_has_told_its_group_how_far_it_came() {
    for (bounded, client) in
        [true, false].into_iter().flat_map(|bounded| clients().into_iter().map(move |c| (bounded, c)))
    {
        let (topic, folder) = (topic("progress", 1).await, tempfile::tempdir().unwrap());
        let group = unique("group");
        send(&topic, &["a", "b", "c"]);
        // No checkpoint comes before the end.
        let sql = format!(
            "SET 'execution.checkpointing.interval' = '1 h';
             SET 'execution.checkpointing.dir' = 'file://{}';
             CREATE TABLE source (v STRING) WITH ('connector' = 'kafka', 'topic' = '{topic}', 'format' = 'raw',
               'properties.bootstrap.servers' = '{}', 'properties.group.id' = '{group}',
               'scan.startup.mode' = 'earliest-offset', 'scan.client' = '{client}'{});
             CREATE TABLE sink (v STRING) WITH ('connector' = 'print');
             INSERT INTO sink SELECT v FROM source;",
            folder.path().join("state").display(),
            broker(),
            if bounded { ", 'scan.bounded.mode' = 'latest-offset'" } else { "" }
        );
        let path = folder.path().join("job.sql");
        std::fs::write(&path, sql).unwrap();
        let mut process = Process::start(folder.path(), &[path.to_str().unwrap()]);
        let ended = match bounded {
            true => process.end().await,
            false => {
                let since = std::time::Instant::now();
                while !process.said().contains("+I[c]") {
                    process.check();
                    assert!(since.elapsed() < PATIENCE, "no row came:\n{}", process.said());
                    pause().await;
                }
                assert_eq!(committed(&group, &topic), Offset::Invalid, "it has not ended");
                process.stop().await
            }
        };
        assert_eq!(ended.code, Some(0), "{ended:?}");
        assert_eq!(committed(&group, &topic), Offset::Offset(3), "{ended:?}");
    }
}
