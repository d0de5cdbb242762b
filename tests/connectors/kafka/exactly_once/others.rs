//! More than one process, and jobs that change.

use super::*;

const TAKEN_OVER: &str = "another process runs the job \"copy\": it has taken over the transactions of \"";

#[tokio::test(flavor = "multi_thread")]
async fn an_older_attempt_that_publishes_late_leaves_nothing() {
    for mode in [EpochMode::Rollback, EpochMode::Held] {
        let job = Job::with_one_table(mode).await;
        let old = job.start(1).await.unwrap();
        let mut writer = old.writer(0, 0, 1).await;
        put(&mut writer, &job.tables[0], &["old"]).await;
        let part = staged(&mut writer, 1, 0, 0).await;

        let new = job.start(2).await.unwrap();
        assert_eq!(new.marker, None);
        let error = old.publish(1, &[part]).await.unwrap_err();
        assert!(error.message().starts_with(TAKEN_OVER), "{error}");
        assert!(error.hint().unwrap().contains("'pipeline.name'"), "{error}");

        let mut writer = new.writer(0, 0, 2).await;
        put(&mut writer, &job.tables[0], &["new"]).await;
        let part = staged(&mut writer, 2, 0, 0).await;
        new.publish(2, &[part]).await.unwrap();
        job.sees(0, &["new"]).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_writer_whose_transactions_were_taken_over_hears_it() {
    let job = Job::with_one_table(EpochMode::Rollback).await;
    let old = job.start(1).await.unwrap();
    let mut writer = old.writer(0, 0, 1).await;
    put(&mut writer, &job.tables[0], &["old"]).await;
    writer.flush().await.unwrap();
    let _new = job.start(2).await.unwrap();
    let start = std::time::Instant::now();
    let error = loop {
        let rows = ChangelogBatch::inserts(batch(&job.tables[0], vec![string_column(&["old"])]));
        let written = writer.write(rows).await;
        if let Err(error) = written {
            break error;
        }
        assert!(start.elapsed() < PATIENCE, "nothing was said");
    };
    assert!(error.message().starts_with(TAKEN_OVER), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_attempt_that_finds_a_later_ones_marker_gives_way() {
    let job = Job::with_one_table(EpochMode::Rollback).await;
    let new = job.start(5).await.unwrap();
    new.publish(1, &[]).await.unwrap();
    let error = job.start(4).await.err().unwrap();
    let expected =
        "another process runs the job \"copy\": epoch 1 was published by its start number 5, and this is number 4";
    assert_eq!(error.message(), expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_jobs_with_one_prefix_do_not_disturb_each_other() {
    let one = Job::with_one_table(EpochMode::Rollback).await;
    let two = Job { name: "copy two".into(), ..one.clone() };
    let (first, second) = (one.start(1).await.unwrap(), two.start(1).await.unwrap());
    for (attempt, epoch, value) in [(&first, 3, "one"), (&second, 9, "two")] {
        let mut writer = attempt.writer(0, 0, epoch).await;
        put(&mut writer, &one.tables[0], &[value]).await;
        let part = staged(&mut writer, epoch, 0, 0).await;
        attempt.publish(epoch, &[part]).await.unwrap();
    }
    one.sees(0, &["one", "two"]).await;
    assert_eq!(one.start(2).await.unwrap().epoch(), Some(3));
    assert_eq!(two.start(2).await.unwrap().epoch(), Some(9));
}

#[tokio::test(flavor = "multi_thread")]
async fn tables_that_come_and_go_keep_the_marker() {
    let (prefix, topics) = (unique("p"), [topic("once-b", 1).await, topic("once-a", 1).await]);
    let tables: Vec<_> = topics.iter().map(|topic| strings(topic, &exactly_once(&prefix))).collect();
    let job = |of: &[usize]| Job::new(of.iter().map(|i| tables[*i].clone()).collect(), EpochMode::Rollback);
    for (attempt, (of, epoch)) in (1..).zip([(&[0][..], 1), (&[0, 1], 2), (&[1], 3), (&[1, 0], 4), (&[0], 5)]) {
        let started = job(of).start(attempt).await.unwrap();
        assert_eq!(started.epoch().unwrap_or(0), epoch - 1, "{of:?}");
        started.publish(epoch, &[]).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_offset_of_somebody_else_is_not_taken_for_a_marker() {
    let job = Job::with_one_table(EpochMode::Rollback).await;
    let table = &job.tables[0];
    let (topic, prefix) =
        (table.options.get("topic").unwrap(), table.options.get("sink.transactional-id-prefix").unwrap());
    let group = format!("{prefix}-copy");
    let consumer: BaseConsumer = config().set("group.id", &group).create().unwrap();
    let mut list = rdkafka::TopicPartitionList::new();
    list.add_partition_offset(topic, 0, rdkafka::Offset::Offset(3)).unwrap();
    consumer.commit(&list, rdkafka::consumer::CommitMode::Sync).unwrap();
    let error = job.start(1).await.err().unwrap();
    let expected = format!("the offsets of the group \"{group}\" are not what this job has left there");
    assert!(error.message().starts_with(&expected), "{error}");
}
