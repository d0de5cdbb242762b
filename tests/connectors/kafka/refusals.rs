//! Records that the client takes and the broker refuses.

use std::sync::atomic::Ordering;

use millstream::changelog::rejects::{DeadLetters, ErrorHandling, Handling, RejectCounts, Stage};

use super::*;

pub async fn topic_with(name: &str, setting: (&str, &str)) -> String {
    let name = unique(name);
    let admin: AdminClient<DefaultClientContext> = config().create().unwrap();
    let new = NewTopic::new(&name, 1, TopicReplication::Fixed(1)).set(setting.0, setting.1);
    admin.create_topics(&[new], &AdminOptions::new()).await.unwrap()[0].as_ref().unwrap();
    name
}

/// Writes a batch whose refused rows become dead letters; gives those, and the counts by stage.
async fn write_what_goes(table: &TableDescriptor, rows: RecordBatch) -> (Vec<String>, Arc<RejectCounts>) {
    let (letters, counts) = (Arc::new(DeadLetters::default()), Arc::new(RejectCounts::default()));
    let handling = Handling { table: "t".into(), letters: Some(letters.clone()), counts: counts.clone() };
    let errors = ErrorHandling::Handle(Arc::new(handling));
    let context = OpenContext { errors, may_reject: true, ..context() };
    let mut writer = find("kafka", None).unwrap().sink(table).unwrap().open(&context).await.unwrap();
    writer.write(ChangelogBatch::inserts(rows)).await.unwrap();
    writer.flush().await.unwrap();
    writer.close().await.unwrap();
    assert!(context.metrics.bytes.load(Ordering::Relaxed) > 0);
    assert!(context.metrics.requests.load(Ordering::Relaxed) > 0);
    (letters.take().into_iter().map(|letter| letter.error).collect(), counts)
}

fn keyed(topic: &str) -> TableDescriptor {
    let options = [
        ("value.format", "raw"),
        ("key.format", "raw"),
        ("key.fields", "k"),
        ("value.fields-include", "EXCEPT_KEY"),
        ("scan.startup.mode", "earliest-offset"),
        ("scan.bounded.mode", "latest-offset"),
    ];
    table(topic, &[("k", SqlType::string()), ("v", SqlType::string())], &[], &options)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_the_broker_refuses_is_a_dead_letter_and_its_neighbours_are_written() {
    // A compacted topic takes no record without a key, and refuses all that come in one set with it.
    let topic = topic_with("compacted", ("cleanup.policy", "compact")).await;
    let table = keyed(&topic);
    let keys: ArrayRef = Arc::new(StringArray::from(vec![Some("a"), None, Some("b"), None, Some("c")]));
    let rows = batch(&table, vec![keys, string_column(&["1", "2", "3", "4", "5"])]);
    let (errors, counts) = write_what_goes(&table, rows).await;
    assert_eq!(counts.of(Stage::Write), 2);
    assert_eq!(errors.len(), 2, "{errors:?}");
    for error in &errors {
        assert!(error.starts_with(&format!("cannot write to topic \"{topic}\": ")), "{error}");
    }
    let mut written = read(&table).await.unwrap();
    written.sort();
    assert_eq!(written, ["a|1", "b|3", "c|5"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_larger_than_the_topic_takes_is_a_dead_letter() {
    let topic = topic_with("small", ("max.message.bytes", "1000")).await;
    let table = strings(&topic, &[]);
    let long = "x".repeat(2000);
    let (errors, counts) = write_what_goes(&table, batch(&table, vec![string_column(&["a", &long, "b"])])).await;
    assert_eq!((counts.of(Stage::Write), errors.len()), (1, 1), "{errors:?}");
    assert_eq!(read(&table).await.unwrap(), ["a", "b"]);
    // Where nothing is said of such rows, the job fails.
    let error = write(&table, vec![batch(&table, vec![string_column(&["a", &long])])]).await.unwrap_err();
    assert!(error.message().contains(&format!("cannot write to topic \"{topic}\"")), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn many_small_records_fit_into_a_topic_that_takes_small_sets_only() {
    let topic = topic_with("sets", ("max.message.bytes", "1000")).await;
    let table = strings(&topic, &[]);
    let values: Vec<String> = (0..500).map(|i| format!("{i:0100}")).collect();
    let column: ArrayRef = Arc::new(StringArray::from(values.clone()));
    write(&table, vec![batch(&table, vec![column])]).await.unwrap();
    assert_eq!(read(&table).await.unwrap(), values);
}

#[tokio::test(flavor = "multi_thread")]
async fn headers_count_for_the_size_of_a_record() {
    let topic = topic("headers", 1).await;
    let options = [("format", "raw"), ("scan.startup.mode", "earliest-offset"), ("scan.bounded.mode", "latest-offset")];
    let table = table(&topic, &[("v", SqlType::string())], &[("headers", false)], &options);
    let names = MapFieldNames { entry: "entries".into(), key: "key".into(), value: "value".into() };
    let mut headers = MapBuilder::new(Some(names), StringBuilder::new(), BinaryBuilder::new());
    for size in [1_000, 1_100_000] {
        headers.keys().append_value("h");
        headers.values().append_value(vec![b'x'; size]);
        headers.append(true).unwrap();
    }
    let built = headers.finish();
    let wanted = table.sink_schema().arrow().field(1).data_type().clone();
    let headers = arrow::compute::cast(&built, &wanted).unwrap();
    let (errors, counts) = write_what_goes(&table, batch(&table, vec![string_column(&["a", "b"]), headers])).await;
    assert_eq!((counts.of(Stage::Write), errors.len()), (1, 1), "{errors:?}");
    assert_eq!(read(&strings(&topic, &[])).await.unwrap(), ["a"]);
}
