//! Whole jobs under load whose process is killed again and again.

use super::*;
use crate::outages::load::{Load, create_topic};
use crate::pipelines::job::{Job as Process, pause};

const KILLS: usize = 5;

/// The numbers that readers of what is committed see in a topic.
async fn numbers(topic: &str) -> Vec<u64> {
    let mut rows: Vec<u64> = read(&strings(topic, &[])).await.unwrap().iter().map(|row| row.parse().unwrap()).collect();
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
           'properties.bootstrap.servers' = '{}', 'scan.startup.mode' = 'earliest-offset');
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
    let path = folder.path().join("job.sql");
    std::fs::write(&path, sql).unwrap();
    let start = || Process::start(folder.path(), &[path.to_str().unwrap()]);

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
