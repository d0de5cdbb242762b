//! The mode in which the commit of the only target decides: rows wait in an open transaction.

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn rows_of_all_tables_and_writers_appear_with_their_epoch() {
    let (prefix, topics) = (unique("p"), [topic("once-a", 2).await, topic("once-b", 2).await]);
    let tables: Vec<_> = topics.iter().map(|topic| strings(topic, &exactly_once(&prefix))).collect();
    let job = Job::new(tables.clone(), EpochMode::Rollback);
    let attempt = job.start(1).await.unwrap();
    assert_eq!(attempt.marker, None);
    let mut writers = Vec::new();
    for (sink, subtask) in [(0, 0), (0, 1), (1, 0)] {
        writers.push((sink, subtask, attempt.writer(sink, subtask, 7).await));
    }
    for (sink, subtask, writer) in &mut writers {
        put(writer, &tables[*sink], &[&format!("7 {sink}/{subtask}")]).await;
    }
    let mut parts = Vec::new();
    for (sink, subtask, writer) in &mut writers {
        parts.push(staged(writer, 7, *sink, *subtask).await);
        // The next epoch begins while this one is still to be published.
        put(writer, &tables[*sink], &[&format!("8 {sink}/{subtask}")]).await;
    }
    assert!(parts.iter().all(|part| part.staged.rows == 1 && part.staged.payload.is_empty()), "{parts:?}");
    assert_eq!((job.seen(0).await, job.seen(1).await), (vec![], vec![]));

    attempt.publish(7, &parts).await.unwrap();
    // Readers see nothing behind the first record of a transaction that is open, and that of the next epoch may stand in
    // front of some of these: they are seen with it at the latest. Nothing of it is seen yet.
    for table in [0, 1] {
        let seen = job.seen(table).await;
        assert!(seen.iter().all(|row| row.starts_with("7 ")), "{seen:?}");
    }
    for (sink, subtask, writer) in &mut writers {
        staged(writer, 8, *sink, *subtask).await;
        writer.close().await.unwrap();
    }
    attempt.publish(8, &[]).await.unwrap();
    job.sees(0, &["7 0/0", "7 0/1", "8 0/0", "8 0/1"]).await;
    job.sees(1, &["7 1/0", "8 1/0"]).await;
    let marker = Marker { lineage: "line".into(), attempt: 1, epoch: Epoch(8) };
    assert_eq!(job.start(2).await.unwrap().marker, Some(marker));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_before_the_commit_leaves_nothing_and_the_replay_is_seen_once() {
    let job = Job::with_one_table(EpochMode::Rollback).await;
    let attempt = job.start(1).await.unwrap();
    let mut writer = attempt.writer(0, 0, 1).await;
    put(&mut writer, &job.tables[0], &["a"]).await;
    let part = staged(&mut writer, 1, 0, 0).await;
    attempt.publish(1, &[part]).await.unwrap();
    put(&mut writer, &job.tables[0], &["b", "c"]).await;
    staged(&mut writer, 2, 0, 0).await;
    put(&mut writer, &job.tables[0], &["d"]).await;
    writer.flush().await.unwrap();
    // Acknowledged by the broker and then nothing more, as of a process that is killed: no abort, no farewell.
    while seen_uncommitted(&job.tables[0]).await.len() < 4 {}
    std::mem::forget((writer, attempt));

    let attempt = job.start(2).await.unwrap();
    assert_eq!(attempt.epoch(), Some(1));
    let mut writer = attempt.writer(0, 0, 4).await;
    put(&mut writer, &job.tables[0], &["b", "c", "d"]).await;
    let part = staged(&mut writer, 4, 0, 0).await;
    attempt.publish(4, &[part]).await.unwrap();
    job.sees(0, &["a", "b", "c", "d"]).await;
    assert_eq!(seen_uncommitted(&job.tables[0]).await, ["a", "b", "b", "c", "c", "d", "d"]);
    assert_eq!(job.start(3).await.unwrap().epoch(), Some(4));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_attempt_gives_up_holds_nobody_up() {
    let job = Job::with_one_table(EpochMode::Rollback).await;
    let attempt = job.start(1).await.unwrap();
    let mut writer = attempt.writer(0, 0, 1).await;
    put(&mut writer, &job.tables[0], &["a"]).await;
    writer.flush().await.unwrap();
    while seen_uncommitted(&job.tables[0]).await.is_empty() {}
    drop((writer, attempt));
    // Behind an open transaction nobody who reads what is committed comes by.
    send(job.tables[0].options.get("topic").unwrap(), &["behind"]);
    let start = std::time::Instant::now();
    while job.seen(0).await != ["behind"] {
        assert!(start.elapsed() < PATIENCE / 2, "the transaction is still open");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_epoch_without_rows_moves_the_marker() {
    let job = Job::with_one_table(EpochMode::Rollback).await;
    let attempt = job.start(1).await.unwrap();
    let mut writer = attempt.writer(0, 0, 1).await;
    let start = std::time::Instant::now();
    for epoch in 1..=50 {
        let part = staged(&mut writer, epoch, 0, 0).await;
        assert_eq!(part.staged.rows, 0);
        attempt.publish(epoch, &[part]).await.unwrap();
    }
    println!("an epoch without rows: {:?}", start.elapsed() / 50);
    assert_eq!(job.start(2).await.unwrap().epoch(), Some(50));
    assert!(job.seen(0).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_kept_for_a_key_belongs_to_the_epoch_at_whose_end_it_is_kept() {
    let (topic, prefix) = (topic("once-upsert", 1).await, unique("p"));
    let columns = [("k", SqlType::string()), ("v", SqlType::string())];
    let options = [
        ("key.format", "raw"),
        ("value.format", "raw"),
        ("value.fields-include", "EXCEPT_KEY"),
        ("sink.buffer-flush.max-rows", "1000"),
        ("sink.buffer-flush.interval", "1 h"),
    ];
    let options: Vec<_> = options.into_iter().chain(exactly_once(&prefix)).collect();
    let mut written = table(&topic, &columns, &[], &options);
    written.options.set("connector", "upsert-kafka", None);
    written.primary_key = vec![0];
    let plain = [
        ("key.format", "raw"),
        ("key.fields", "k"),
        ("value.format", "raw"),
        ("value.fields-include", "EXCEPT_KEY"),
        ("scan.startup.mode", "earliest-offset"),
        ("scan.bounded.mode", "latest-offset"),
    ];
    let records = table(&topic, &columns, &[], &plain);

    let job = Job::new(vec![written.clone()], EpochMode::Rollback);
    let attempt = job.start(1).await.unwrap();
    let mut writer = attempt.writer(0, 0, 1).await;
    let rows = |keys: &[&str], values: &[&str]| batch(&written, vec![string_column(keys), string_column(values)]);
    writer.write(ChangelogBatch::inserts(rows(&["a", "b", "a"], &["1", "1", "2"]))).await.unwrap();
    let part = staged(&mut writer, 1, 0, 0).await;
    assert_eq!(part.staged.rows, 2);
    let deleted = ChangelogBatch::new(rows(&["b"], &["1"]), vec![RowKind::Delete]);
    writer.write(deleted).await.unwrap();
    attempt.publish(1, &[part]).await.unwrap();
    holds(&records, &["b|1", "a|2"]).await;
    let part = staged(&mut writer, 2, 0, 0).await;
    attempt.publish(2, &[part]).await.unwrap();
    holds(&records, &["b|1", "a|2", "b|NULL"]).await;
}
