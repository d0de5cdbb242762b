//! A node that is busy, cut off or silent while rows are written: what is there at the end is compared row by row.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};

use millstream::ErrorKind;
use millstream::changelog::RowKind::{self, Delete, Insert, UpdateAfter};
use millstream::changelog::rejects::{ErrorHandling, Handling, RejectCounts, Stage};
use millstream::connectors::{OpenContext, Reporter};
use opensearch::http::Method;

use super::proxy::{Fault, Proxy};
use super::{Index, connector, error_of, key_and_number, own_node, rows, write_with};

/// More than the index's mapping takes.
const TOO_LARGE: i32 = 100_000;

/// So many changes of 500 keys, some of them deletes, some of them rows that the index rejects.
fn changes(count: i32) -> Vec<(RowKind, String, Option<i32>)> {
    let change = |i: i32| {
        let key = format!("k{}", (i * 7919) % 500);
        match i % 23 {
            0 => (UpdateAfter, key, Some(TOO_LARGE)),
            1..=3 => (Delete, key, None),
            _ => (UpdateAfter, key, Some(i)),
        }
    };
    (0..count).map(change).collect()
}

/// What the index must hold after `changes`.
fn fold(changes: &[(RowKind, String, Option<i32>)]) -> BTreeMap<String, i64> {
    let mut table = BTreeMap::new();
    for (kind, key, number) in changes {
        match number {
            _ if *kind == Delete => _ = table.remove(key),
            Some(number) if *number != TOO_LARGE => _ = table.insert(key.clone(), i64::from(*number)),
            _ => {}
        }
    }
    table
}

async fn held(index: &Index) -> BTreeMap<String, i64> {
    let documents = index.all().await;
    let held: BTreeMap<_, _> =
        documents.iter().map(|d| (d["k"].as_str().unwrap().to_string(), d["n"].as_i64().unwrap())).collect();
    assert_eq!(held.len(), documents.len(), "a key has two documents");
    held
}

/// A context that skips rejected rows and remembers what it is told.
fn context() -> (OpenContext, Arc<RejectCounts>, Arc<Mutex<String>>) {
    let (counts, told) = (Arc::<RejectCounts>::default(), Arc::<Mutex<String>>::default());
    let handling = Handling { table: "t".into(), letters: None, counts: counts.clone() };
    let sink = told.clone();
    let reporter = Reporter::new(move |line| {
        let mut told = sink.lock().unwrap();
        told.push_str(line);
        told.push('\n');
    });
    let errors = ErrorHandling::Handle(Arc::new(handling));
    (OpenContext { reporter, errors, ..OpenContext::for_test() }, counts, told)
}

/// Every second request passes, the others meet these faults in turn.
fn every_other(faults: &[Fault]) -> impl FnMut() -> Fault + Send + use<> {
    let (faults, mut turn) = (faults.to_vec(), 0);
    move || {
        turn += 1;
        if turn % 2 == 0 { faults[turn / 2 % faults.len()] } else { Fault::None }
    }
}

/// An index that takes numbers up to 32,767.
async fn small_numbers(index: &Index, shards: usize) {
    let body = format!(
        r#"{{"settings":{{"number_of_shards":{shards},"number_of_replicas":0}},"mappings":{{"properties":{{"n":{{"type":"short"}}}}}}}}"#
    );
    index.call(Method::Put, "/INDEX", Some(&body)).await;
}

async fn write(index: &Index, host: &str, changes: &[(RowKind, String, Option<i32>)], context: &OpenContext) {
    let options = [("hosts", host), ("sink.bulk-flush.max-actions", "37"), ("socket.timeout", "1 s")];
    let table = index.table(key_and_number(), vec![0], &options);
    let batch = |rows: &[(RowKind, String, Option<i32>)]| {
        super::rows(&rows.iter().map(|(kind, key, n)| (*kind, key.as_str(), *n)).collect::<Vec<_>>())
    };
    write_with(&table, changes.chunks(100).map(batch).collect(), context).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_refuses_cuts_off_and_hangs_ends_up_with_every_row_once() {
    let index = Index::new("bad-days");
    small_numbers(&index, 2).await;
    let faults = [
        Fault::Refuse(429),
        Fault::HalfBusy,
        Fault::CutRequest(700),
        Fault::CutRequest(40),
        Fault::CutAnswer(0),
        Fault::CutAnswer(200),
        Fault::Refuse(503),
        Fault::HalfBusy,
        Fault::CutAnswer(900),
        Fault::Hang,
    ];
    let proxy = Proxy::start(&index.host, "", every_other(&faults)).await;
    let (context, counts, told) = context();
    let changes = changes(3000);
    write(&index, &proxy.host, &changes, &context).await;
    assert_eq!(held(&index).await, fold(&changes));
    let too_large = changes.iter().filter(|(_, _, n)| *n == Some(TOO_LARGE)).count();
    assert_eq!(counts.of(Stage::Write), too_large as u64);
    let told = told.lock().unwrap();
    for part in [
        format!("waiting for OpenSearch at {}: ", proxy.host),
        "the queue is full (429 opensearch_rejected_execution_exception); trying again".to_string(),
        "(503 opensearch_rejected_execution_exception)".to_string(),
        "is too busy for document \"k".to_string(),
        "no answer within 1 s".to_string(),
        "connection closed before message completed".to_string(),
    ] {
        assert!(told.contains(&part), "{part} is missing:\n{told}");
    }
    let metrics = &context.metrics;
    let [requests, errors, retries] =
        [&metrics.requests, &metrics.errors, &metrics.retries].map(|count| count.load(Ordering::Relaxed) as usize);
    assert_eq!((errors, retries), (retries, told.matches("; trying again").count()));
    assert!(requests > retries, "{requests} requests, {retries} of them again");
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_without_a_key_that_a_busy_node_refuses_are_appended_once() {
    let index = Index::new("bad-days-append");
    let faults = [Fault::HalfBusy, Fault::Refuse(429), Fault::HalfBusy, Fault::Refuse(503)];
    let proxy = Proxy::start(&index.host, "", every_other(&faults)).await;
    let options = [("hosts", proxy.host.as_str()), ("sink.bulk-flush.max-actions", "100")];
    let table = index.table(key_and_number(), vec![], &options);
    let keys: Vec<_> = (0..2000).map(|i| format!("k{i}")).collect();
    let all: Vec<_> = keys.iter().map(|key| (Insert, key.as_str(), Some(1))).collect();
    write_with(&table, all.chunks(300).map(rows).collect(), &OpenContext::for_test()).await.unwrap();
    assert_eq!(held(&index).await.into_keys().collect::<Vec<_>>(), {
        let mut keys = keys.clone();
        keys.sort();
        keys
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_real_node_that_is_too_small_for_four_writers_takes_every_row_in_the_end() {
    let settings = "thread_pool.write.size: 1\nthread_pool.write.queue_size: 1\nindexing_pressure.memory.limit: 32kb";
    let host = own_node("busy", "opensearch", settings);
    let index = Index::at(&host, "busy");
    small_numbers(&index, 8).await;
    let (context, counts, told) = context();
    let changes = changes(1000);
    let of_writer = |writer: usize| {
        let mine = |key: &str| key.trim_start_matches('k').parse::<usize>().unwrap() % 4 == writer;
        changes.iter().filter(|(_, key, _)| mine(key)).cloned().collect::<Vec<_>>()
    };
    let parts = [0, 1, 2, 3].map(of_writer);
    futures::future::join_all(parts.iter().map(|part| write(&index, &host, part, &context))).await;
    assert_eq!(held(&index).await, fold(&changes));
    let too_large = changes.iter().filter(|(_, _, n)| *n == Some(TOO_LARGE)).count();
    assert_eq!(counts.of(Stage::Write), too_large as u64);
    let told = told.lock().unwrap();
    assert!(told.contains("(429 "), "the node was never busy:\n{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_busy_node_is_given_up_as_the_strategy_says() {
    let index = Index::new("strategy");
    for (strategy, pauses) in [("CONSTANT", 60), ("EXPONENTIAL", 20 + 40 + 80)] {
        let proxy = Proxy::start(&index.host, "", || Fault::Refuse(429)).await;
        let options = [
            ("hosts", proxy.host.as_str()),
            ("sink.bulk-flush.backoff.strategy", strategy),
            ("sink.bulk-flush.backoff.max-retries", "3"),
            ("sink.bulk-flush.backoff.delay", "20 ms"),
        ];
        let table = index.table(key_and_number(), vec![0], &options);
        let (context, _, _) = context();
        let began = std::time::Instant::now();
        let error = error_of(write_with(&table, vec![rows(&[(Insert, "a", Some(1))])], &context).await);
        assert_eq!(error.kind(), ErrorKind::External);
        let start = format!("gave up on OpenSearch at {} after 4 tries in ", proxy.host);
        assert!(error.message().starts_with(&start), "{error}");
        assert!(began.elapsed() >= std::time::Duration::from_millis(pauses), "{strategy}: {:?}", began.elapsed());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_path_prefix_leads_through_a_reverse_proxy() {
    let index = Index::new("prefix");
    let proxy = Proxy::start(&index.host, "/search/v1", || Fault::None).await;
    let options = [("hosts", proxy.host.as_str()), ("connection.path-prefix", "/search/v1/")];
    let table = index.table(key_and_number(), vec![0], &options);
    let context = OpenContext::for_test();
    write_with(&table, vec![rows(&[(Insert, "a", Some(1))])], &context).await.unwrap();
    assert_eq!(held(&index).await, BTreeMap::from([("a".to_string(), 1)]));
    let read = super::read_with(&table, super::scan(vec![0]), &context).await.unwrap();
    assert_eq!(read.iter().map(|batch| batch.num_rows()).sum::<usize>(), 1);
    let other = index.table(key_and_number(), vec![0], &[("hosts", &proxy.host)]);
    let error = error_of(connector().sink(&other).unwrap().open(&context).await.map(|_| ()));
    assert!(error.message().contains("404"), "{error}");
}
