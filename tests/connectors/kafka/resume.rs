//! Positions of a checkpoint in tables and topics that have changed since.

use super::*;

async fn make(name: &str, partitions: i32) {
    let admin: AdminClient<DefaultClientContext> = config().create().unwrap();
    let new = NewTopic::new(name, partitions, TopicReplication::Fixed(1));
    admin.create_topics(&[new], &AdminOptions::new()).await.unwrap()[0].as_ref().unwrap();
}

async fn delete(name: &str) {
    let admin: AdminClient<DefaultClientContext> = config().create().unwrap();
    admin.delete_topics(&[name], &AdminOptions::new()).await.unwrap()[0].as_ref().unwrap();
}

/// The topics that there are.
fn topics() -> Vec<String> {
    let consumer: BaseConsumer = config().create().unwrap();
    let metadata = consumer.fetch_metadata(None, PATIENCE).unwrap();
    metadata.topics().iter().map(|topic| topic.name().to_string()).collect()
}

fn bounded(topic: &str, options: &[(&str, &str)]) -> TableDescriptor {
    strings(topic, options)
}

fn endless(topic: &str) -> TableDescriptor {
    strings(topic, &[("scan.bounded.mode", "unbounded")])
}

/// A split of a checkpoint, as a reader left it.
fn at(topic: &str, partition: i32, position: &str) -> Split {
    Split { id: format!("{topic}/{partition}"), position: position.to_string() }
}

/// What is read after a restart, and what was told of the rest.
async fn after(table: &TableDescriptor, restored: &[Split]) -> Result<(Vec<String>, Vec<String>)> {
    let told = Arc::new(Mutex::new(Vec::new()));
    let lines = told.clone();
    let reporter = Reporter::new(move |line| {
        if !line.is_empty() {
            lines.lock().unwrap().push(line.to_string());
        }
    });
    let context = OpenContext { reporter, ..context() };
    let splits = source(table).splits_after(restored.to_vec(), &context).await?;
    let mut splits: Vec<String> = splits.iter().map(|split| format!("{} at {}", split.id, split.position)).collect();
    splits.sort();
    let told = told.lock().unwrap().clone();
    Ok((splits, told))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_that_names_another_topic_reads_that_alone() {
    let (a, b) = (topic("resume-a", 2).await, topic("resume-b", 1).await);
    send(&a, &["1", "2"]);
    let restored = [at(&a, 0, "1"), at(&a, 1, "0")];
    let (splits, told) = after(&endless(&b), &restored).await.unwrap();
    assert_eq!(splits, [format!("{b}/0 at 0")]);
    let left_out = format!("topics that the table doesn't name any more are left out: {a}/0 at 1, {a}/1 at 0");
    assert_eq!(told, [format!("table \"t\" (connector \"kafka\"): {left_out}")]);

    let (splits, told) = after(&endless(&format!("{a};{b}")), &restored).await.unwrap();
    assert_eq!(splits, [format!("{a}/0 at 1"), format!("{a}/1 at 0"), format!("{b}/0 at 0")]);
    assert_eq!(told, [""; 0]);
    // A topic that is added to a bounded table is read to its end now.
    send(&b, &["1", "2", "3"]);
    let restored = [at(&a, 0, "1..2 latest-offset"), at(&a, 1, "0..0 latest-offset")];
    let (splits, _) = after(&bounded(&format!("{a};{b}"), &[]), &restored).await.unwrap();
    let expected = ["0 at 1..2 latest-offset", "1 at 0..0 latest-offset"].map(|split| format!("{a}/{split}"));
    assert_eq!(splits, [&expected[..], &[format!("{b}/0 at 0..3 latest-offset")]].concat());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_topic_that_is_gone_is_an_error_where_it_is_named_and_left_out_where_it_matched() {
    let (suffix, kept) = (unique("gone"), unique("kept"));
    let (a, b) = (format!("a-{suffix}"), format!("b-{suffix}"));
    make(&a, 1).await;
    make(&b, 1).await;
    make(&kept, 1).await;
    delete(&a).await;
    let restored = [at(&a, 0, "7"), at(&b, 0, "0")];
    let error = after(&endless(&format!("{a};{b}")), &restored).await.unwrap_err();
    assert_eq!(error.message(), format!("topic \"{a}\" is no longer there on Kafka at {}", broker()));
    assert!(error.to_string().contains(&format!("read on in {a}/0 at 7")), "{error}");
    assert!(!topics().contains(&a), "asking for it has made it again");

    let mut table = endless("");
    table.options.remove("topic");
    table.options.set("topic-pattern", format!(".-{suffix}"), None);
    let (splits, told) = after(&table, &restored).await.unwrap();
    assert_eq!(splits, [format!("{b}/0 at 0")]);
    assert!(told[0].ends_with(&format!("partitions that are no longer there are left out: {a}/0 at 7")), "{told:?}");
    // So is a partition, of a topic that was made anew with fewer.
    let (splits, told) = after(&endless(&kept), &[at(&kept, 0, "0"), at(&kept, 1, "9")]).await.unwrap();
    assert_eq!(splits, [format!("{kept}/0 at 0")]);
    assert!(told[0].ends_with(&format!("{kept}/1 at 9")), "{told:?}");
    assert!(!topics().contains(&a));
}

#[tokio::test(flavor = "multi_thread")]
async fn reading_ends_where_the_table_says_now_and_the_same_end_stays() {
    let topic = topic("resume-end", 1).await;
    send(&topic, &["1", "2", "3", "4", "5"]);
    let specific =
        [("scan.bounded.mode", "specific-offsets"), ("scan.bounded.specific-offsets", "partition:0,offset:4")];
    let time = [("scan.bounded.mode", "timestamp"), ("scan.bounded.timestamp-millis", "3000")];
    for (before, table, now) in [
        ("2..3 latest-offset", bounded(&topic, &[]), "2..3 latest-offset"),
        // Written before ends said what they were found by.
        ("2..3", bounded(&topic, &[]), "2..3"),
        ("3..3 latest-offset", endless(&topic), "3"),
        ("3..3", endless(&topic), "3"),
        ("2", bounded(&topic, &[]), "2..5 latest-offset"),
        ("2..3 latest-offset", bounded(&topic, &specific), "2..4 specific-offsets"),
        ("2..3 specific-offsets", bounded(&topic, &specific), "2..4 specific-offsets"),
        ("1..5 latest-offset", bounded(&topic, &time), "1..2 timestamp 3000"),
        ("1..2 timestamp 3000", bounded(&topic, &[]), "1..5 latest-offset"),
    ] {
        let (splits, told) = after(&table, &[at(&topic, 0, before)]).await.unwrap();
        assert_eq!(splits, [format!("{topic}/0 at {now}")], "{before}");
        assert_eq!(told, [""; 0]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bounded_table_reads_no_partitions_that_came_after_its_end_was_found() {
    let topic = topic("resume-late", 2).await;
    let (splits, told) = after(&bounded(&topic, &[]), &[at(&topic, 0, "0..0 latest-offset")]).await.unwrap();
    assert_eq!(splits, [format!("{topic}/0 at 0..0 latest-offset")]);
    assert!(told[0].ends_with(&format!("{topic}/1 came after the end of reading was found, and will not be read")));
    let (splits, told) = after(&endless(&topic), &[at(&topic, 0, "0..0 latest-offset")]).await.unwrap();
    assert_eq!((splits.len(), told.len()), (2, 0));
}
