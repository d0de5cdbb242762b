//! The writer against a service that breaks on demand.

use arrow::array::{ArrayRef, Int32Array, StringArray};
use arrow::record_batch::RecordBatch;
use chrono_tz::Tz;

use super::super::OpenSearch;
use super::super::stub::{Reply, Stub};
use super::*;
use crate::changelog::ChangelogBatch;
use crate::changelog::RowKind::{self, Delete, Insert, UpdateAfter};
use crate::connectors::{Connector, Reporter};
use crate::types::{Field, Schema, SqlType, TypeKind};

fn table(connector: &str, host: &str, with_key: bool, options: &[(&str, &str)]) -> TableDescriptor {
    let base = [("connector", connector), ("hosts", host), ("index", "i")];
    TableDescriptor {
        name: "T".into(),
        columns: Schema::new(vec![
            Field::new("k", SqlType::string().with_nullable(false)),
            Field::new("n", SqlType::nullable(TypeKind::Int)),
        ]),
        metadata: Vec::new(),
        primary_key: if with_key { vec![0] } else { Vec::new() },
        partition_keys: Vec::new(),
        options: base.iter().chain(options).copied().collect(),
        zone: Tz::UTC,
    }
}

fn batch(rows: &[(RowKind, &str, i32)]) -> ChangelogBatch {
    let keys: ArrayRef = Arc::new(StringArray::from_iter_values(rows.iter().map(|r| r.1)));
    let numbers: ArrayRef = Arc::new(Int32Array::from_iter(rows.iter().map(|r| (r.0 != Delete).then_some(r.2))));
    let columns = RecordBatch::try_from_iter_with_nullable([("k", keys, false), ("n", numbers, true)]).unwrap();
    ChangelogBatch::new(columns, rows.iter().map(|r| r.0).collect())
}

/// A context whose reporter collects what it is told.
fn context() -> (OpenContext, Arc<std::sync::Mutex<Vec<String>>>) {
    let told = Arc::new(std::sync::Mutex::new(Vec::new()));
    let sink = told.clone();
    let reporter = Reporter::new(move |line| sink.lock().unwrap().push(line.to_string()));
    (OpenContext { reporter, ..OpenContext::for_test() }, told)
}

async fn writer(table: &TableDescriptor, context: &OpenContext) -> Box<dyn SinkWriter> {
    OpenSearch.sink(table).unwrap().open(context).await.unwrap()
}

fn item(id: &str, status: u16) -> String {
    let error = if status < 300 { "" } else { r#","error":{"type":"t","reason":"r"}"# };
    format!(r#"{{"update":{{"_index":"i","_id":"{id}","status":{status}{error}}}}}"#)
}

fn items(items: &[(&str, u16)]) -> Reply {
    let items: Vec<_> = items.iter().map(|(id, status)| item(id, *status)).collect();
    (200, format!(r#"{{"errors":true,"items":[{}]}}"#, items.join(",")))
}

fn upsert(key: &str, n: i32) -> String {
    format!(
        "{{\"update\":{{\"_index\":\"i\",\"_id\":\"{key}\",\"retry_on_conflict\":3}}}}\n\
         {{\"doc\":{{\"k\":\"{key}\",\"n\":{n}}},\"doc_as_upsert\":true}}\n"
    )
}

#[tokio::test]
async fn rows_with_a_key_become_updates_and_deletes_in_order() {
    let stub = Stub::start(vec![]);
    let mut writer = writer(&table("opensearch", &stub.host, true, &[]), &OpenContext::for_test()).await;
    writer.write(batch(&[(Insert, "a", 1), (Delete, "b", 0), (UpdateAfter, "a", 2)])).await.unwrap();
    assert!(stub.bodies().is_empty() && writer.deadline().is_some());
    writer.flush().await.unwrap();
    let delete = "{\"delete\":{\"_index\":\"i\",\"_id\":\"b\"}}\n";
    assert_eq!(stub.bodies(), [upsert("a", 1) + delete + &upsert("a", 2)]);
    assert!(writer.deadline().is_none());
    writer.flush().await.unwrap();
    assert_eq!(stub.bodies().len(), 1);
}

#[tokio::test]
async fn rows_without_a_key_are_appended() {
    let stub = Stub::start(vec![]);
    let table = table("opensearch", &stub.host, false, &[("sink.bulk-flush.max-actions", "2")]);
    assert_eq!(OpenSearch.sink(&table).unwrap().changelog_support(), ChangelogSupport::InsertOnly);
    let mut writer = writer(&table, &OpenContext::for_test()).await;
    writer.write(batch(&[(Insert, "a", 1), (Insert, "b", 2), (Insert, "c", 3)])).await.unwrap();
    let lines = |rows: &[(&str, i32)]| {
        let line = |(k, n): &(&str, i32)| format!("{{\"index\":{{\"_index\":\"i\"}}}}\n{{\"k\":\"{k}\",\"n\":{n}}}\n");
        rows.iter().map(line).collect::<String>()
    };
    assert_eq!(stub.bodies(), [lines(&[("a", 1), ("b", 2)])]);
    writer.flush().await.unwrap();
    assert_eq!(stub.bodies()[1], lines(&[("c", 3)]));
}

#[tokio::test]
async fn a_busy_or_broken_service_is_tried_again_with_the_whole_request() {
    let busy = || (429, r#"{"error":{"type":"es_rejected","reason":"queue full"}}"#.to_string());
    let stub = Stub::start(vec![busy(), (0, String::new()), (503, "<html>".into())]);
    let (context, told) = context();
    let mut writer = writer(&table("opensearch", &stub.host, true, &[]), &context).await;
    writer.write(batch(&[(Insert, "a", 1)])).await.unwrap();
    writer.flush().await.unwrap();
    assert_eq!(stub.bodies(), [upsert("a", 1), upsert("a", 1), upsert("a", 1), upsert("a", 1)]);
    let told = told.lock().unwrap();
    assert_eq!(told.len(), 4);
    assert!(told[3].ends_with(" answers again"), "{told:?}");
    assert!(told[0].contains("queue full (429 es_rejected); trying again"), "{told:?}");
    assert!(told[2].contains("HTTP status 503; trying again"), "{told:?}");
}

#[tokio::test]
async fn only_busy_documents_are_sent_again_and_what_follows_them() {
    let stub = Stub::start(vec![items(&[("a", 200), ("b", 429), ("c", 200), ("b", 200)])]);
    let mut writer = writer(&table("opensearch", &stub.host, true, &[]), &OpenContext::for_test()).await;
    writer.write(batch(&[(Insert, "a", 1), (Insert, "b", 2), (Insert, "c", 3), (Insert, "b", 4)])).await.unwrap();
    writer.flush().await.unwrap();
    assert_eq!(stub.bodies()[1..], [upsert("b", 2) + &upsert("b", 4)]);
}

#[tokio::test]
async fn a_rejected_document_is_named_and_fails_the_job() {
    let stub = Stub::start(vec![items(&[("a", 200), ("b", 400), ("c", 400)])]);
    let mut writer = writer(&table("opensearch", &stub.host, true, &[]), &OpenContext::for_test()).await;
    writer.write(batch(&[(Insert, "a", 1), (Insert, "b", 2), (Insert, "c", 3)])).await.unwrap();
    let error = writer.flush().await.unwrap_err();
    let expected =
        "OpenSearch rejects document \"b\" of index \"i\" of table \"T\" (connector \"opensearch\"): r (400 t)";
    assert_eq!((error.kind(), error.message()), (crate::ErrorKind::Data, expected));
    assert_eq!(error.detail(), Some("It is the first of 2 documents that one request had rejected."));
}

#[tokio::test]
async fn elasticsearch_tables_may_drop_rejected_documents() {
    let stub = Stub::start(vec![items(&[("a", 200), ("b", 400)])]);
    let (context, told) = context();
    let table = table("elasticsearch-7", &stub.host, true, &[("failure-handler", "ignore")]);
    let mut writer = writer(&table, &context).await;
    writer.write(batch(&[(Insert, "a", 1), (Insert, "b", 2)])).await.unwrap();
    writer.flush().await.unwrap();
    assert!(told.lock().unwrap()[0].starts_with("dropped 1 rejected documents of table \"T\""));
}

#[tokio::test]
async fn a_strategy_bounds_the_tries() {
    let stub = Stub::start(vec![(503, String::new()), (503, String::new()), (503, String::new())]);
    let strategy = [
        ("sink.bulk-flush.backoff.strategy", "CONSTANT"),
        ("sink.bulk-flush.backoff.max-retries", "1"),
        ("sink.bulk-flush.backoff.delay", "1 ms"),
    ];
    let mut writer = writer(&table("opensearch", &stub.host, true, &strategy), &OpenContext::for_test()).await;
    writer.write(batch(&[(Insert, "a", 1)])).await.unwrap();
    let error = writer.flush().await.unwrap_err();
    assert!(error.message().contains("after 2 tries"), "{error}");
    assert_eq!(stub.bodies().len(), 2);
}

#[tokio::test]
async fn a_node_that_is_away_is_passed_over() {
    let stub = Stub::start(vec![]);
    let gone = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let hosts = format!("http://{gone};{}", stub.host);
    let (context, told) = context();
    let mut writer = writer(&table("opensearch", &hosts, true, &[]), &context).await;
    for n in 0..3 {
        writer.write(batch(&[(Insert, "a", n)])).await.unwrap();
        writer.flush().await.unwrap();
    }
    assert_eq!(stub.bodies(), [upsert("a", 0), upsert("a", 1), upsert("a", 2)]);
    assert!(told.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_service_that_is_away_at_the_start_is_waited_for_and_then_given_up() {
    let gone = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let (context, told) = context();
    let host = format!("http://{gone}");
    let table = table("opensearch", &host, true, &[("connection.max-retry-timeout", "150 ms")]);
    let Err(error) = OpenSearch.sink(&table).unwrap().open(&context).await else { panic!("nobody is there") };
    assert!(error.message().starts_with(&format!("gave up on OpenSearch at {host} after 3 tries")), "{error}");
    assert!(error.message().contains("refused"), "{error}");
    assert_eq!(told.lock().unwrap().len(), 2);
}

#[tokio::test]
async fn a_node_that_does_not_even_connect_is_passed_over() {
    let stub = Stub::start(vec![]);
    // A listener whose queue is full lets nobody in and refuses nobody.
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let full = socket.listen(1).unwrap();
    let address = full.local_addr().unwrap();
    let mut queue = Vec::new();
    let patience = Duration::from_millis(300);
    while let Ok(Ok(guest)) = tokio::time::timeout(patience, tokio::net::TcpStream::connect(address)).await {
        queue.push(guest);
    }
    let hosts = format!("http://{address};{}", stub.host);
    let table = table("opensearch", &hosts, true, &[("connection.timeout", "100 ms")]);
    let (context, told) = context();
    let mut writer = writer(&table, &context).await;
    writer.write(batch(&[(Insert, "a", 1)])).await.unwrap();
    writer.flush().await.unwrap();
    assert_eq!(stub.bodies(), [upsert("a", 1)]);
    assert!(told.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_node_that_does_not_answer_in_time_is_asked_again() {
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let host = format!("http://{}", silent.local_addr().unwrap());
    let options = [("socket.timeout", "60 ms"), ("connection.max-retry-timeout", "100 ms")];
    let (context, told) = context();
    let table = table("opensearch", &host, true, &options);
    let Err(error) = OpenSearch.sink(&table).unwrap().open(&context).await else { panic!("nobody answers") };
    assert!(error.message().ends_with("no answer within 0.06 s"), "{error}");
    assert!(error.message().starts_with("gave up on "), "{error}");
    let told = told.lock().unwrap();
    assert_eq!(told.first(), Some(&format!("waiting for OpenSearch at {host}: no answer for 0.01 s")), "{told:?}");
}

#[tokio::test]
async fn rows_are_sent_when_as_many_or_as_much_wait_as_the_options_say() {
    let rows = [(Insert, "a", 1), (Insert, "b", 2), (Insert, "c", 3), (Insert, "d", 4)];
    for (options, requests) in [
        (vec![("sink.bulk-flush.max-actions", "2")], 2),
        (vec![("sink.bulk-flush.max-actions", "0")], 0),
        (vec![("sink.bulk-flush.max-actions", "-1")], 0),
        (vec![("sink.bulk-flush.max-size", "150 b")], 2),
        (vec![("sink.bulk-flush.max-size", "0")], 0),
    ] {
        let stub = Stub::start(vec![]);
        let mut writer = writer(&table("opensearch", &stub.host, true, &options), &OpenContext::for_test()).await;
        writer.write(batch(&rows)).await.unwrap();
        assert_eq!(stub.bodies().len(), requests, "{options:?}");
    }
}

#[tokio::test]
async fn without_an_interval_rows_wait_for_a_checkpoint() {
    let stub = Stub::start(vec![]);
    let table = table("opensearch", &stub.host, true, &[("sink.bulk-flush.interval", "0")]);
    let mut writer = writer(&table, &OpenContext::for_test()).await;
    writer.write(batch(&[(Insert, "a", 1)])).await.unwrap();
    assert_eq!(writer.deadline(), None);
    writer.flush().await.unwrap();
    assert_eq!(stub.bodies(), [upsert("a", 1)]);
}

#[tokio::test]
async fn a_checkpoint_waits_unless_nothing_is_guaranteed() {
    let stub = Stub::start(vec![]);
    let table = table("opensearch", &stub.host, true, &[("sink.delivery-guarantee", "none")]);
    let mut writer = writer(&table, &OpenContext::for_test()).await;
    writer.write(batch(&[(Insert, "a", 1)])).await.unwrap();
    writer.flush().await.unwrap();
    assert!(stub.bodies().is_empty() && writer.deadline().is_some());
    writer.on_deadline().await.unwrap();
    writer.write(batch(&[(Insert, "b", 2)])).await.unwrap();
    writer.close().await.unwrap();
    assert_eq!(stub.bodies(), [upsert("a", 1), upsert("b", 2)]);
}

#[tokio::test]
async fn an_elasticsearch_table_fails_on_rejected_documents_unless_it_ignores_them() {
    for handler in ["fail", "retry-rejected"] {
        let stub = Stub::start(vec![items(&[("a", 429)]), items(&[("a", 400)])]);
        let table = table("elasticsearch-7", &stub.host, true, &[("failure-handler", handler)]);
        let mut writer = writer(&table, &OpenContext::for_test()).await;
        writer.write(batch(&[(Insert, "a", 1)])).await.unwrap();
        let error = writer.flush().await.unwrap_err();
        assert!(error.message().starts_with("Elasticsearch rejects document \"a\""), "{error}");
        assert_eq!(stub.bodies().len(), 2, "{handler}");
    }
}

#[test]
fn what_the_sink_takes_depends_on_key_and_index() {
    let support = |with_key, index| {
        let table = table("opensearch", "http://h:1", with_key, &[("index", index)]);
        OpenSearch.sink(&table).unwrap().changelog_support()
    };
    assert_eq!(support(true, "i"), ChangelogSupport::Upsert);
    assert_eq!(support(true, "i-{k}"), ChangelogSupport::Upsert);
    assert_eq!(support(true, "i-{now()|yyyy}"), ChangelogSupport::InsertOnly);
    assert_eq!(support(false, "i"), ChangelogSupport::InsertOnly);
}

#[test]
fn the_guarantee_is_what_the_options_say() {
    for (options, expected) in [
        (vec![], Guarantee::AsJob),
        (vec![("sink.delivery-guarantee", "exactly-once")], Guarantee::ExactlyOnce),
        (vec![("sink.delivery-guarantee", "at-least-once")], Guarantee::AtLeastOnce),
        (vec![("sink.delivery-guarantee", "none")], Guarantee::None),
    ] {
        let sink = OpenSearch.sink(&table("opensearch", "http://h:1", true, &options)).unwrap();
        assert_eq!(sink.guarantee(), expected);
        assert!(sink.target().is_some_and(|target| !target.target.has_transactions()));
    }
}

#[test]
fn exactly_once_has_no_dead_letters() {
    let dead = [("error-handling.mode", "dead-letter"), ("sink.delivery-guarantee", "exactly-once")];
    let error = OpenSearch.sink(&table("opensearch", "http://h:1", true, &dead)).unwrap_err();
    assert_eq!(
        error.message(),
        "'error-handling.mode' = 'dead-letter' of table \"T\" (connector \"opensearch\") can't be combined with \
         exactly-once output"
    );
    assert!(error.hint().unwrap().contains("'at-least-once'"), "{error}");
    assert!(OpenSearch.sink(&table("opensearch", "http://h:1", true, &dead[..1])).is_ok());
}
