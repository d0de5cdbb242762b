//! Epochs into a real OpenSearch, published again after a crash at every step: what is there at the end is compared
//! document by document.

use std::process::Command;
use std::sync::{Arc, Mutex};

use millstream::ErrorKind;
use millstream::changelog::RowKind::{self, Delete, Insert, UpdateAfter};
use millstream::changelog::{ChangelogBatch, Epoch};
use millstream::connectors::{
    Committer, EpochMode, Marker, OpenContext, Reporter, StagedPart, TableDescriptor, TargetContext, TargetTable,
    WriterEpochs,
};
use millstream::time::SystemClock;
use opensearch::http::Method;
use serde_json::{Value, json};

use super::proxy::{Fault, Proxy};
use super::{Index, connector, error_of, key_and_number, own_node, rows};

type Row<'a> = (RowKind, &'a str, Option<i32>);

/// A job of one test's own that writes to some tables.
pub struct Job<'a> {
    name: String,
    tables: Vec<&'a TableDescriptor>,
    told: Arc<Mutex<Vec<String>>>,
}

impl<'a> Job<'a> {
    pub fn new(index: &Index, tables: Vec<&'a TableDescriptor>) -> Self {
        Self { name: format!("job of {}", index.name), tables, told: Arc::default() }
    }

    /// A start of the job: its committer, not fenced yet.
    pub async fn start(&self, attempt: u64) -> Arc<dyn Committer> {
        let sinks = self.tables.iter().map(|table| connector().sink(table).unwrap().target().unwrap());
        let mut targets = Vec::new();
        let tables = sinks.enumerate().map(|(sink, found)| {
            targets.push(found.target);
            TargetTable { sink, table: found.table }
        });
        let tables = tables.collect();
        assert!(targets.iter().all(|target| target.name() == targets[0].name()));
        let told = self.told.clone();
        let context = TargetContext {
            job: self.name.as_str().into(),
            lineage: "L".into(),
            attempt,
            mode: EpochMode::Held,
            clock: Arc::new(SystemClock),
            reporter: Reporter::new(move |line| told.lock().unwrap().push(line.to_string())),
            metrics: Arc::default(),
        };
        targets[0].open(tables, &context).await.unwrap()
    }

    /// What the writer of a sink leaves for an epoch.
    async fn stage(
        &self,
        committer: &Arc<dyn Committer>,
        (sink, subtask): (usize, usize),
        epoch: u64,
        batches: Vec<ChangelogBatch>,
    ) -> StagedPart {
        let (mode, room) = (EpochMode::Held, Arc::default());
        let epochs = WriterEpochs { mode, sink, committer: committer.clone(), first: Epoch(epoch), room };
        let context = OpenContext { epochs: Some(epochs), subtask, parallelism: 2, ..OpenContext::for_test() };
        let mut writer = connector().sink(self.tables[sink]).unwrap().open(&context).await.unwrap();
        for batch in batches {
            writer.write(batch).await.unwrap();
        }
        let staged = writer.stage(Epoch(epoch)).await.unwrap();
        writer.close().await.unwrap();
        StagedPart { sink, subtask, staged }
    }
}

fn marker(attempt: u64, epoch: u64) -> Option<Marker> {
    Some(Marker { lineage: "L".into(), attempt, epoch: Epoch(epoch) })
}

/// The epochs of the crash tests: deletes and new documents of one key within an epoch and from one to the next.
fn epochs() -> [Vec<Row<'static>>; 3] {
    [
        vec![
            (Insert, "a", Some(1)),
            (Insert, "b", Some(1)),
            (Delete, "a", None),
            (Insert, "a", Some(2)),
            (Insert, "c", Some(1)),
            (Delete, "c", None),
            (UpdateAfter, "b", Some(2)),
        ],
        vec![(Insert, "c", Some(3)), (Delete, "b", None), (UpdateAfter, "a", Some(3)), (Delete, "nothing", None)],
        vec![(Insert, "b", Some(4)), (Delete, "c", None), (Delete, "a", None), (Insert, "d", Some(4))],
    ]
}

/// What the index holds after each.
fn keyed_after(epoch: usize) -> Value {
    match epoch {
        0 => json!([["a", {"k": "a", "n": 2}], ["b", {"k": "b", "n": 2}]]),
        1 => json!([["a", {"k": "a", "n": 3}], ["c", {"k": "c", "n": 3}]]),
        _ => json!([["b", {"k": "b", "n": 4}], ["d", {"k": "d", "n": 4}]]),
    }
}

/// The additions of the first epochs, which a table without a key holds.
fn appended_after(epoch: usize) -> Vec<String> {
    let epochs = epochs();
    let added = epochs[..=epoch].iter().flatten().filter(|row| row.0 != Delete);
    let mut added: Vec<_> = added.map(|(_, k, n)| json!({"k": k, "n": n}).to_string()).collect();
    added.sort();
    added
}

async fn appended(index: &Index) -> Vec<String> {
    let mut documents: Vec<_> = index.all().await.iter().map(Value::to_string).collect();
    documents.sort();
    documents
}

/// Publishes the epochs one after the other; in each the node is lost behind request number `crash`, carried out or not.
/// Then the job starts anew and publishes the epoch once more. True where a crash came about.
async fn crash_at(crash: usize, is_carried_out: bool) -> bool {
    let index = Index::new("once");
    let plain = Index::new("once-plain");
    // How many requests pass before the one that is lost.
    let passing = Arc::new(Mutex::new(None::<usize>));
    let counted = passing.clone();
    let plan = move || {
        let mut passing = counted.lock().unwrap();
        let (left, fault) = match *passing {
            None => (None, Fault::None),
            Some(0) if is_carried_out => (None, Fault::CutAnswer(0)),
            Some(0) => (None, Fault::CutRequest(0)),
            Some(left) => (Some(left - 1), Fault::None),
        };
        *passing = left;
        fault
    };
    let proxy = Proxy::start(&index.host, "", plan).await;
    let options =
        [("hosts", proxy.host.as_str()), ("sink.bulk-flush.max-actions", "2"), ("connection.max-retry-timeout", "0 s")];
    let (keyed, append) =
        (index.table(key_and_number(), vec![0], &options), plain.table(key_and_number(), vec![], &options));
    let job = Job::new(&index, vec![&keyed, &append]);
    let (mut attempt, mut crashes) = (1, 0);
    let mut committer = job.start(attempt).await;
    assert_eq!(committer.fence().await.unwrap(), None);
    for (i, changes) in epochs().into_iter().enumerate() {
        let epoch = i as u64 + 1;
        let additions: Vec<_> = changes.iter().filter(|row| row.0 != Delete).copied().collect();
        let parts = vec![
            job.stage(&committer, (0, 0), epoch, vec![rows(&changes)]).await,
            job.stage(&committer, (1, 0), epoch, vec![rows(&additions[..1])]).await,
            job.stage(&committer, (1, 1), epoch, vec![rows(&additions[1..])]).await,
        ];
        *passing.lock().unwrap() = Some(crash);
        let published = committer.publish(Epoch(epoch), &parts).await;
        *passing.lock().unwrap() = None;
        let mut publisher = attempt;
        if let Err(error) = published {
            assert!(error.message().contains("connection closed"), "{error}");
            crashes += 1;
            attempt += 1;
            drop(committer);
            committer = job.start(attempt).await;
            assert_eq!(committer.fence().await.unwrap().map(|marker| marker.epoch.0), (epoch > 1).then(|| epoch - 1));
            committer.publish(Epoch(epoch), &parts).await.unwrap();
            publisher = attempt;
        }
        assert_eq!(committer.fence().await.unwrap(), marker(publisher, epoch));
        assert_eq!(index.documents().await, keyed_after(i), "crash at {crash}, epoch {epoch}");
        assert_eq!(appended(&plain).await, appended_after(i), "crash at {crash}, epoch {epoch}");
    }
    crashes > 0
}

#[tokio::test(flavor = "multi_thread")]
async fn an_epoch_that_is_published_again_after_a_crash_at_any_request_is_there_once() {
    for is_carried_out in [true, false] {
        let mut crash = 0;
        while crash_at(crash, is_carried_out).await {
            crash += 1;
        }
        assert!(crash >= 6, "only {crash} requests");
    }
}

#[tokio::test]
async fn a_start_behind_the_last_request_and_before_the_marker_publishes_again() {
    let (index, plain) = (Index::new("again"), Index::new("again-plain"));
    let (keyed, append) = (index.table(key_and_number(), vec![0], &[]), plain.table(key_and_number(), vec![], &[]));
    let job = Job::new(&index, vec![&keyed, &append]);
    let first = job.start(1).await;
    first.fence().await.unwrap();
    let changes = &epochs()[0];
    let added = [(Insert, "a", Some(1)), (Insert, "a", Some(1)), (Insert, "b", Some(1))];
    let parts = [
        job.stage(&first, (0, 0), 1, vec![rows(changes)]).await,
        job.stage(&first, (1, 0), 1, vec![rows(&added)]).await,
    ];
    first.publish(Epoch(1), &parts).await.unwrap();
    // As if the marker had not been written.
    let query = json!({ "query": { "term": { "job": job.name } } }).to_string();
    index.call(Method::Post, "/millstream-epochs/_refresh", None).await;
    let found = index.call(Method::Post, "/millstream-epochs/_search", Some(&query)).await;
    let id = found["hits"]["hits"][0]["_id"].as_str().unwrap().replace(' ', "%20").replace(':', "%3A");
    let deleted = index.call(Method::Delete, &format!("/millstream-epochs/_doc/{id}"), None).await;
    assert_eq!(deleted["result"], "deleted", "{deleted}");
    // Meanwhile somebody changes a document of ours.
    let documents = plain.documents().await;
    let id = documents[0][0].as_str().unwrap();
    let path = format!("/INDEX/_doc/{id}?refresh=true");
    plain.call(Method::Put, &path, Some(r#"{"k":"somebody's","n":9}"#)).await;
    let next = job.start(2).await;
    assert_eq!(next.fence().await.unwrap(), None);
    next.publish(Epoch(1), &parts).await.unwrap();
    assert_eq!(index.documents().await, keyed_after(0));
    let after = plain.documents().await;
    assert_eq!(after.as_array().unwrap().len(), 3);
    assert_eq!(after[0][1], json!({"k": "somebody's", "n": 9}));
    // Where it is marked nothing is sent at all.
    plain.call(Method::Delete, "/INDEX", None).await;
    let third = job.start(3).await;
    assert_eq!(third.fence().await.unwrap(), marker(2, 1));
    third.publish(Epoch(1), &parts).await.unwrap();
    assert!(plain.all().await.is_empty());
    // The epoch that was published once more doesn't undo a later one.
    let part = job.stage(&third, (0, 0), 2, vec![rows(&epochs()[1])]).await;
    third.publish(Epoch(2), &[part]).await.unwrap();
    assert_eq!(index.documents().await, keyed_after(1));
}

#[tokio::test]
async fn an_earlier_start_that_publishes_late_leaves_nothing() {
    let index = Index::new("zombie");
    let table = index.table(key_and_number(), vec![0], &[]);
    let job = Job::new(&index, vec![&table]);
    let zombie = job.start(1).await;
    zombie.fence().await.unwrap();
    let part = job.stage(&zombie, (0, 0), 1, vec![rows(&[(Insert, "a", Some(1))])]).await;
    let next = job.start(2).await;
    next.fence().await.unwrap();
    let error = zombie.publish(Epoch(1), std::slice::from_ref(&part)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::State);
    assert!(error.message().ends_with("its marker is of start 2, this is 1"), "{error}");
    assert!(index.all().await.is_empty());
    // Another job of the same target has a marker of its own.
    let other = Job { name: format!("{}'s other", job.name), tables: vec![&table], told: Arc::default() };
    let others = other.start(1).await;
    assert_eq!(others.fence().await.unwrap(), None);
    others.publish(Epoch(9), &[]).await.unwrap();
    next.publish(Epoch(1), &[part]).await.unwrap();
    assert_eq!(job.start(3).await.fence().await.unwrap(), marker(2, 1));
    assert_eq!(other.start(2).await.fence().await.unwrap(), marker(1, 9));
    let error = error_of(job.start(2).await.fence().await);
    assert_eq!(error.kind(), ErrorKind::State);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_is_killed_while_an_epoch_is_published_has_every_document_once() {
    let host = own_node("once", "opensearch", "");
    let (index, plain) = (Index::at(&host, "killed"), Index::at(&host, "killed-plain"));
    let options = [("sink.bulk-flush.max-actions", "20"), ("socket.timeout", "5 s")];
    let (keyed, append) =
        (index.table(key_and_number(), vec![0], &options), plain.table(key_and_number(), vec![], &options));
    let job = Job::new(&index, vec![&keyed, &append]);
    let committer = job.start(1).await;
    committer.fence().await.unwrap();
    let keys: Vec<_> = (0..4000).map(|i| format!("k{}", i % 1500)).collect();
    let changes: Vec<Row<'_>> = keys
        .iter()
        .enumerate()
        .map(
            |(i, key)| {
                if i % 7 == 0 { (Delete, key.as_str(), None) } else { (UpdateAfter, key.as_str(), Some(i as i32)) }
            },
        )
        .collect();
    let additions: Vec<_> = changes.iter().filter(|row| row.0 != Delete).copied().collect();
    let parts = [
        job.stage(&committer, (0, 0), 1, vec![rows(&changes)]).await,
        job.stage(&committer, (1, 0), 1, vec![rows(&additions)]).await,
    ];
    let publishing = committer.publish(Epoch(1), &parts);
    let killing = async {
        while plain.all().await.is_empty() {
            tokio::task::yield_now().await;
        }
        let ctl = concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/services/ctl");
        let act = |action: &'static str| {
            tokio::task::block_in_place(|| {
                assert!(Command::new(ctl).args(["own", "once", action, "opensearch"]).status().unwrap().success());
            });
        };
        act("kill");
        act("up");
    };
    let (published, ()) = tokio::join!(publishing, killing);
    published.unwrap();
    let mut expected = std::collections::BTreeMap::new();
    for (kind, key, n) in &changes {
        match kind {
            Delete => _ = expected.remove(*key),
            _ => _ = expected.insert(*key, *n),
        }
    }
    let expected: Vec<_> = expected.into_iter().map(|(k, n)| json!([k, {"k": k, "n": n}])).collect();
    assert_eq!(index.documents().await, Value::from(expected));
    let mut added: Vec<_> = additions.iter().map(|(_, k, n)| json!({"k": k, "n": n}).to_string()).collect();
    added.sort();
    assert_eq!(appended(&plain).await, added);
    assert_eq!(job.start(2).await.fence().await.unwrap(), marker(1, 1));
}

#[tokio::test]
async fn aliases_and_data_streams_without_a_key_are_refused() {
    let index = Index::new("rolling");
    let alias = format!(r#"{{"aliases":{{"{}-alias":{{"is_write_index":true}}}}}}"#, index.name);
    index.call(Method::Put, "/INDEX-000001", Some(&alias)).await;
    let template = format!(r#"{{"index_patterns":["{}-stream*"],"data_stream":{{}}}}"#, index.name);
    index.call(Method::Put, "/_index_template/INDEX", Some(&template)).await;
    index.call(Method::Put, "/_data_stream/INDEX-stream", None).await;
    for (suffix, what) in [("alias", "an alias"), ("stream", "a data stream")] {
        let name = format!("{}-{suffix}", index.name);
        let table = index.table(key_and_number(), vec![], &[("index", &name)]);
        let job = Job::new(&index, vec![&table]);
        let committer = job.start(1).await;
        let (mode, room) = (EpochMode::Held, Arc::default());
        let epochs = Some(WriterEpochs { mode, sink: 0, committer, first: Epoch(1), room });
        let context = OpenContext { epochs, ..OpenContext::for_test() };
        let error = error_of(connector().sink(&table).unwrap().open(&context).await.map(|_| ()));
        let start = format!("\"{name}\" of table \"CPU_OUT_OS\" (connector \"opensearch-2\") is {what}: without a");
        assert!(error.message().starts_with(&start), "{error}");
        assert!(error.hint().unwrap().contains("'sink.delivery-guarantee' = 'at-least-once'"), "{error}");
    }
    // One that a template would make is noticed at the first document.
    let name = format!("{}-stream-2", index.name);
    let columns = vec![millstream::types::Field::new("@timestamp", millstream::types::SqlType::string())];
    let table = index.table(columns, vec![], &[("index", &name)]);
    let job = Job::new(&index, vec![&table]);
    let committer = job.start(1).await;
    committer.fence().await.unwrap();
    let times: arrow::array::ArrayRef = Arc::new(arrow::array::StringArray::from(vec!["2021-11-29T08:37:12Z"]));
    let batch = arrow::array::RecordBatch::try_new(table.columns.arrow(), vec![times]).unwrap();
    let part = job.stage(&committer, (0, 0), 1, vec![ChangelogBatch::inserts(batch)]).await;
    let error = error_of(committer.publish(Epoch(1), &[part]).await);
    assert!(error.message().contains("is made as a data stream by an index template"), "{error}");
    index.call(Method::Delete, "/_data_stream/INDEX-stream*", None).await;
    index.call(Method::Delete, "/_index_template/INDEX", None).await;
}

#[tokio::test]
async fn an_index_that_confirms_what_is_not_on_disk_is_refused_until_it_is_told_not_to() {
    let index = Index::new("async");
    let settings = r#"{"index.translog.durability":"async"}"#;
    let template = format!(r#"{{"index_patterns":["{}*"],"template":{{"settings":{settings}}}}}"#, index.name);
    index.call(Method::Put, "/_index_template/INDEX", Some(&template)).await;
    // An index there is before the job, behind an alias; and one that the first document makes.
    let alias = format!(r#"{{"aliases":{{"{}-alias":{{}}}}}}"#, index.name);
    index.call(Method::Put, "/INDEX-000001", Some(&alias)).await;
    for (suffix, is_there) in [("alias", true), ("made", false)] {
        let name = format!("{}-{suffix}", index.name);
        let concrete = format!("{}-{}", index.name, if is_there { "000001" } else { suffix });
        let table = index.table(key_and_number(), vec![0], &[("index", &name)]);
        let job = Job { name: name.clone(), tables: vec![&table], told: Arc::default() };
        let sink = connector().sink(&table).unwrap();
        sink.check(false, &OpenContext::for_test()).await.unwrap();
        let asked = sink.check(true, &OpenContext::for_test()).await;
        let committer = job.start(1).await;
        committer.fence().await.unwrap();
        let part = [job.stage(&committer, (0, 0), 1, vec![rows(&[(Insert, "a", Some(1))])]).await];
        let error = error_of(committer.publish(Epoch(1), &part).await);
        let start =
            format!("index \"{concrete}\" of table \"CPU_OUT_OS\" (connector \"opensearch-2\") can't be written");
        assert!(error.kind() == ErrorKind::Statement && error.message().starts_with(&start), "{error}");
        assert_eq!(asked.err().map(|error| error.to_string()), is_there.then(|| error.to_string()));
        // What it says works, also without the index template, which says async still.
        let hint = error.hint().unwrap();
        let (put, rest) = hint.strip_prefix("PUT ").unwrap().split_once(", then POST ").unwrap();
        let (path, body) = put.split_once(' ').unwrap();
        index.call(Method::Put, path, Some(body)).await;
        let flushed = index.call(Method::Post, rest.split_once(';').unwrap().0, None).await;
        assert_eq!(flushed["_shards"]["failed"], 0, "{flushed}");
        let committer = job.start(2).await;
        assert_eq!(committer.fence().await.unwrap(), None);
        committer.publish(Epoch(1), &part).await.unwrap();
        assert_eq!(committer.look().await.unwrap(), marker(2, 1));
        sink.check(true, &OpenContext::for_test()).await.unwrap();
    }
    index.call(Method::Delete, "/INDEX-*", None).await;
    index.call(Method::Delete, "/_index_template/INDEX", None).await;
}

#[tokio::test]
async fn a_rejected_document_fails_the_epoch_until_its_table_skips_it() {
    let index = Index::new("once-rejected");
    index.call(Method::Put, "/INDEX", Some(r#"{"mappings":{"properties":{"k":{"type":"date"}}}}"#)).await;
    let table = index.table(key_and_number(), vec![], &[]);
    let job = Job::new(&index, vec![&table]);
    let committer = job.start(1).await;
    committer.fence().await.unwrap();
    let changes = [(Insert, "2021-11-29", Some(1)), (Insert, "doc", Some(2)), (Insert, "2021-11-30", Some(3))];
    let part = [job.stage(&committer, (0, 0), 1, vec![rows(&changes)]).await];
    let error = error_of(committer.publish(Epoch(1), &part).await);
    assert_eq!(error.kind(), ErrorKind::Data);
    assert!(error.message().contains("failed to parse field [k] of type [date]"), "{error}");
    let skips = index.table(key_and_number(), vec![], &[("error-handling.mode", "skip")]);
    let skipping = Job { name: job.name.clone(), tables: vec![&skips], told: job.told.clone() };
    let committer = skipping.start(2).await;
    assert_eq!(committer.fence().await.unwrap(), None);
    committer.publish(Epoch(1), &part).await.unwrap();
    assert_eq!(index.all().await.len(), 2);
    let told = job.told.lock().unwrap().join("\n");
    assert!(told.contains("dropped 1 rejected documents of the checkpoint, the first: OpenSearch rejects"), "{told}");
}
