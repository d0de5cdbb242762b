//! The OpenSearch sink and source on a real OpenSearch, found by `MILLSTREAM_TEST_OPENSEARCH` (`http://host:port`).

mod bad_days;
mod exactly_once;
pub mod proxy;
#[cfg(feature = "tls")]
pub mod secured;

use std::process::Command;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Float64Array, Int32Array, StringArray, TimestampMillisecondArray};
use arrow::datatypes::Int32Type;
use arrow::record_batch::RecordBatch;
use arrow::util::pretty::pretty_format_batches;
use chrono_tz::Tz;
use datafusion::prelude::SessionContext;
use millstream::changelog::RowKind::{Delete, Insert, UpdateAfter};
use millstream::changelog::rejects::{ErrorHandling, Handling, RejectCounts, Stage};
use millstream::changelog::{ChangelogBatch, Origin, RowKind};
use millstream::connectors::provider::ConnectorTable;
use millstream::connectors::{Connector, MetadataColumn, OpenContext, ScanRequest, SourceEvent, TableDescriptor, find};
use millstream::types::{Field, Schema, SqlType, TypeKind};
use millstream::{Error, ErrorKind, Result};
use opensearch::http::transport::Transport;
use opensearch::http::{Method, headers::HeaderMap};

/// An index of one test's own.
pub struct Index {
    pub host: String,
    pub name: String,
    transport: Transport,
}

impl Index {
    /// An index that doesn't exist yet.
    pub fn new(test: &str) -> Self {
        let host = std::env::var("MILLSTREAM_TEST_OPENSEARCH").unwrap_or_else(|_| {
            panic!("MILLSTREAM_TEST_OPENSEARCH is not set: start the services with `make up`, or give http://host:port")
        });
        Self::at(&host, test)
    }

    /// The same on another node.
    fn at(host: &str, test: &str) -> Self {
        let name = format!("{test}-{}", uuid::Uuid::new_v4().simple());
        let transport = Transport::single_node(host).expect("http://host:port");
        Self { host: host.to_string(), name, transport }
    }

    pub async fn call(&self, method: Method, path: &str, body: Option<&str>) -> serde_json::Value {
        let path = path.replace("INDEX", &self.name);
        let body = body.map(str::to_string);
        let none: Option<&str> = None;
        let answer = self.transport.send(method, &path, HeaderMap::new(), none, body, None).await.unwrap();
        answer.json().await.unwrap()
    }

    /// Every document: `[[id, source], ...]`, by id.
    pub async fn documents(&self) -> serde_json::Value {
        let mut documents = self.hits().await;
        documents.sort_by_key(|hit| hit["_id"].as_str().unwrap().to_string());
        documents.iter().map(|hit| serde_json::json!([hit["_id"], hit["_source"]])).collect()
    }

    /// Every document's source; none while the index doesn't exist.
    pub async fn all(&self) -> Vec<serde_json::Value> {
        self.hits().await.iter().map(|hit| hit["_source"].clone()).collect()
    }

    /// Everything there is, page by page; asked for again while the index is just being made and none of its shards
    /// answers.
    async fn hits(&self) -> Vec<serde_json::Value> {
        let start = std::time::Instant::now();
        loop {
            self.call(Method::Post, "/INDEX*/_refresh", None).await;
            let mut page = self.call(Method::Post, "/INDEX*/_search?size=10000&scroll=1m", None).await;
            let mut all = Vec::new();
            while let Some(hits) = page["hits"]["hits"].as_array() {
                if hits.is_empty() {
                    return all;
                }
                all.extend(hits.iter().cloned());
                let next = serde_json::json!({"scroll": "1m", "scroll_id": page["_scroll_id"]}).to_string();
                page = self.call(Method::Post, "/_search/scroll", Some(&next)).await;
            }
            assert!(start.elapsed() < crate::kafka::PATIENCE, "{page}");
            tokio::task::yield_now().await;
        }
    }

    /// A field's type in the mapping.
    pub async fn type_of(&self, field: &str) -> String {
        let mapping = self.call(Method::Get, "/INDEX/_mapping", None).await;
        mapping[&self.name]["mappings"]["properties"][field]["type"].as_str().unwrap_or("none").to_string()
    }

    fn table(&self, columns: Vec<Field>, primary_key: Vec<usize>, options: &[(&str, &str)]) -> TableDescriptor {
        let base = [("connector", "opensearch-2"), ("hosts", &self.host), ("index", &self.name)];
        TableDescriptor {
            name: "CPU_OUT_OS".into(),
            columns: Schema::new(columns),
            metadata: Vec::new(),
            primary_key,
            partition_keys: Vec::new(),
            options: base.iter().chain(options).map(|(k, v)| (k.to_string(), v.to_string())).collect(),
            zone: Tz::UTC,
        }
    }
}

/// A node of the tests' own: its address. `settings` are more lines for its opensearch.yml.
fn own_node(name: &str, service: &str, settings: &str) -> String {
    let ctl = concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/services/ctl");
    let started =
        Command::new(ctl).args(["own", name, "up", service]).env("MILLSTREAM_OPENSEARCH_SETTINGS", settings).output();
    let started = started.unwrap();
    assert!(started.status.success(), "{}", String::from_utf8_lossy(&started.stderr));
    String::from_utf8(started.stdout).unwrap().trim().to_string()
}

fn connector() -> &'static dyn Connector {
    find("opensearch", None).unwrap()
}

/// `k STRING, n INT`
fn key_and_number() -> Vec<Field> {
    vec![Field::new("k", SqlType::string()), Field::new("n", SqlType::nullable(TypeKind::Int))]
}

fn rows(rows: &[(RowKind, &str, Option<i32>)]) -> ChangelogBatch {
    let keys: ArrayRef = Arc::new(StringArray::from_iter_values(rows.iter().map(|r| r.1)));
    let numbers: ArrayRef = Arc::new(Int32Array::from_iter(rows.iter().map(|r| r.2)));
    let columns = RecordBatch::try_from_iter_with_nullable([("k", keys, true), ("n", numbers, true)]).unwrap();
    ChangelogBatch::new(columns, rows.iter().map(|r| r.0).collect())
}

async fn write(table: &TableDescriptor, batches: Vec<ChangelogBatch>) -> Result<()> {
    write_with(table, batches, &OpenContext::for_test()).await
}

async fn write_with(table: &TableDescriptor, batches: Vec<ChangelogBatch>, context: &OpenContext) -> Result<()> {
    let mut writer = connector().sink(table)?.open(context).await?;
    for batch in batches {
        writer.write(batch).await?;
    }
    writer.flush().await?;
    writer.close().await
}

/// All rows of these columns.
fn scan(projection: Vec<usize>) -> ScanRequest {
    ScanRequest { projection, ..Default::default() }
}

async fn read(table: &TableDescriptor, scan: ScanRequest) -> Result<Vec<RecordBatch>> {
    read_with(table, scan, &OpenContext::for_test()).await
}

async fn read_with(table: &TableDescriptor, scan: ScanRequest, context: &OpenContext) -> Result<Vec<RecordBatch>> {
    let source = connector().source(table)?.narrow(scan)?;
    let mut reader = source.open(source.splits(context).await?, context).await?;
    let mut batches = Vec::new();
    let mut ended = false;
    loop {
        match reader.next().await? {
            SourceEvent::Rows { rows, .. } => batches.push(rows),
            SourceEvent::SplitStart(_) => {}
            SourceEvent::SplitEnd(_) => ended = true,
            SourceEvent::End => {
                assert!(ended, "the split ends before the reader");
                return Ok(batches);
            }
        }
    }
}

fn error_of<T>(result: Result<T>) -> Error {
    result.err().expect("an error")
}

#[tokio::test]
async fn trap_46_updates_are_partial_and_deletes_of_nothing_are_fine() {
    let index = Index::new("upsert");
    let table = index.table(key_and_number(), vec![0], &[]);
    index.call(Method::Put, "/INDEX/_doc/a?refresh=true", Some(r#"{"k":"a","n":0,"other":true}"#)).await;
    let first = rows(&[(Insert, "a", Some(1)), (Insert, "b", Some(2)), (Delete, "nothing", None)]);
    let second = rows(&[(UpdateAfter, "b", Some(3)), (Insert, "c", Some(4)), (Delete, "c", None)]);
    write(&table, vec![first, second]).await.unwrap();
    let expected = serde_json::json!([["a", {"k": "a", "n": 1, "other": true}], ["b", {"k": "b", "n": 3}]]);
    assert_eq!(index.documents().await, expected);
}

#[tokio::test]
async fn a_delete_from_an_index_that_does_not_exist_is_fine() {
    let index = Index::new("delete");
    let table = index.table(key_and_number(), vec![0], &[]);
    write(&table, vec![rows(&[(Delete, "a", None)])]).await.unwrap();
}

#[tokio::test]
async fn rows_without_a_key_are_appended_with_ids_of_the_server() {
    let index = Index::new("append");
    let table = index.table(key_and_number(), vec![], &[("sink.bulk-flush.max-actions", "2")]);
    write(&table, vec![rows(&[(Insert, "a", Some(1)), (Insert, "a", Some(1)), (Insert, "b", None)])]).await.unwrap();
    let documents = index.documents().await;
    let mut sources: Vec<_> = documents.as_array().unwrap().iter().map(|d| d[1].to_string()).collect();
    sources.sort();
    assert_eq!(sources, [r#"{"k":"a","n":1}"#, r#"{"k":"a","n":1}"#, r#"{"k":"b","n":null}"#]);
}

#[tokio::test]
async fn rows_go_to_the_index_that_their_columns_name() {
    let index = Index::new("dynamic");
    let dynamic = format!("{}-{{k}}", index.name);
    let mut table = index.table(key_and_number(), vec![0], &[("index", &dynamic)]);
    write(&table, vec![rows(&[(Insert, "a", Some(1)), (Insert, "b", Some(2))])]).await.unwrap();
    let in_b = index.call(Method::Get, "/INDEX-b/_doc/b", None).await;
    assert_eq!(in_b["_source"], serde_json::json!({"k": "b", "n": 2}));
    let text = SqlType::string().with_nullable(false);
    table.metadata = vec![MetadataColumn { name: "where".into(), key: "_index".into(), ty: text, is_virtual: true }];
    let found = read(&table, scan(vec![2, 1])).await.unwrap();
    let mut lines: Vec<_> = found
        .iter()
        .flat_map(|b| {
            let (indexes, numbers) = (b.column(0).as_string::<i32>(), b.column(1).as_primitive::<Int32Type>());
            (0..b.num_rows()).map(|i| (indexes.value(i).to_string(), numbers.value(i))).collect::<Vec<_>>()
        })
        .collect();
    lines.sort();
    assert_eq!(lines, [(format!("{}-a", index.name), 1), (format!("{}-b", index.name), 2)]);
}

#[tokio::test]
async fn a_formatted_time_is_mapped_as_a_date_and_sqls_text_is_not() {
    let index = Index::new("mapping");
    let columns = vec![
        Field::new("time_ltz", SqlType::string()),
        Field::new("ts", SqlType::nullable(TypeKind::Timestamp(3))),
        Field::new("usage", SqlType::nullable(TypeKind::Double)),
    ];
    let batch = |options: &[(&str, &str)]| {
        let table = index.table(columns.clone(), vec![], options);
        let times: ArrayRef = Arc::new(StringArray::from(vec!["2021/11/29 08:37:12"]));
        let stamps: ArrayRef = Arc::new(TimestampMillisecondArray::from(vec![1_638_175_032_500]));
        let usage: ArrayRef = Arc::new(Float64Array::from(vec![98.3]));
        let rows = RecordBatch::try_new(table.columns.arrow(), vec![times, stamps, usage]).unwrap();
        (table, ChangelogBatch::inserts(rows))
    };
    let (table, sql) = batch(&[]);
    write(&table, vec![sql]).await.unwrap();
    assert_eq!(index.type_of("time_ltz").await, "date");
    assert_eq!(index.type_of("usage").await, "float");
    assert_eq!(index.type_of("ts").await, "text");
    index.call(Method::Delete, "/INDEX", None).await;
    let (table, iso) = batch(&[("json.timestamp-format.standard", "ISO-8601")]);
    write(&table, vec![iso]).await.unwrap();
    assert_eq!(index.type_of("ts").await, "date");
}

#[tokio::test]
async fn a_rejected_document_is_named_with_the_reason() {
    let index = Index::new("rejected");
    let mapping = r#"{"mappings":{"properties":{"k":{"type":"date"}}}}"#;
    index.call(Method::Put, "/INDEX", Some(mapping)).await;
    let table = index.table(key_and_number(), vec![0], &[]);
    let error = error_of(write(&table, vec![rows(&[(Insert, "2021-11-29", Some(1)), (Insert, "doc", Some(2))])]).await);
    assert_eq!(error.kind(), ErrorKind::Data);
    let start = format!("OpenSearch rejects document \"doc\" of index \"{}\" of table \"CPU_OUT_OS\"", index.name);
    assert!(error.message().starts_with(&start), "{error}");
    assert!(error.message().contains("failed to parse field [k] of type [date]"), "{error}");
    assert!(error.message().ends_with("(400 mapper_parsing_exception)"), "{error}");
    assert_eq!(index.documents().await.as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn an_index_is_read_whole_over_many_pages_with_projection_and_limit() {
    let index = Index::new("read");
    let mut table = index.table(key_and_number(), vec![0], &[("scan.fetch-size", "7")]);
    let keys: Vec<String> = (0..50).map(|i| format!("k{i}")).collect();
    let batch = keys.iter().enumerate().map(|(i, k)| (Insert, k.as_str(), Some(i as i32))).collect::<Vec<_>>();
    write(&table, vec![rows(&batch)]).await.unwrap();
    let text = SqlType::string().with_nullable(false);
    table.metadata = vec![MetadataColumn { name: "id".into(), key: "_id".into(), ty: text, is_virtual: true }];

    let found = read(&table, scan(vec![1, 2])).await.unwrap();
    assert!(found.iter().all(|b| b.num_rows() <= 7) && found.len() == 8);
    let mut pairs = Vec::new();
    for batch in &found {
        let (numbers, ids) = (batch.column(0).as_primitive::<Int32Type>(), batch.column(1).as_string::<i32>());
        pairs.extend((0..batch.num_rows()).map(|i| (numbers.value(i), ids.value(i).to_string())));
    }
    pairs.sort();
    let expected: Vec<_> = keys.iter().enumerate().map(|(i, k)| (i as i32, k.clone())).collect();
    assert_eq!(pairs, expected);

    let count = |batches: Vec<RecordBatch>| batches.iter().map(RecordBatch::num_rows).sum::<usize>();
    let scan = |projection, limit| ScanRequest { projection, limit, ..Default::default() };
    assert_eq!(count(read(&table, scan(vec![0], Some(10))).await.unwrap()), 10);
    assert_eq!(count(read(&table, scan(vec![], None)).await.unwrap()), 50);
    assert_eq!(count(read(&table, scan(vec![], Some(0))).await.unwrap()), 0);
}

#[tokio::test]
async fn a_missing_index_is_named_with_the_nearest() {
    let index = Index::new("missing");
    index.call(Method::Put, "/INDEX", None).await;
    let table = index.table(key_and_number(), vec![], &[("index", &format!("{}x", index.name))]);
    let error = error_of(read(&table, scan(vec![0])).await);
    let expected =
        format!("index \"{}x\" of table \"CPU_OUT_OS\" (connector \"opensearch-2\") doesn't exist", index.name);
    assert_eq!(error.message(), expected);
    assert_eq!(error.hint(), Some(format!("Did you mean \"{}\"?", index.name).as_str()));
}

#[tokio::test]
async fn a_document_that_does_not_fit_the_columns_is_named() {
    let index = Index::new("decode");
    index.call(Method::Put, "/INDEX/_doc/x?refresh=true", Some(r#"{"k":"a","n":"many"}"#)).await;
    let scan = || scan(vec![0, 1]);
    let error = error_of(read(&index.table(key_and_number(), vec![], &[]), scan()).await);
    assert_eq!(error.kind(), ErrorKind::Data);
    let start = format!("cannot decode document \"x\" of index \"{}\": ", index.name);
    assert!(error.message().starts_with(&start), "{error}");
    let lenient = index.table(key_and_number(), vec![], &[("json.ignore-parse-errors", "true")]);
    let found = read(&lenient, scan()).await.unwrap();
    assert!(found.iter().all(|b| b.column(1).null_count() == b.num_rows()));
}

#[tokio::test]
async fn a_stock_session_inserts_and_selects() {
    let index = Index::new("session");
    let table = index.table(key_and_number(), vec![0], &[]);
    let session = SessionContext::new();
    session.register_table("t", Arc::new(ConnectorTable::new(table, connector()))).unwrap();
    let insert = "INSERT INTO t VALUES ('a', 1), ('b', 2), ('c', 3)";
    session.sql(insert).await.unwrap().collect().await.unwrap();
    let select = session.sql("SELECT n FROM t WHERE n > 1 ORDER BY n").await.unwrap().collect().await.unwrap();
    let text = pretty_format_batches(&select).unwrap().to_string();
    assert_eq!(text, "+---+\n| n |\n+---+\n| 2 |\n| 3 |\n+---+");
}

#[tokio::test]
async fn a_row_whose_table_says_nothing_fails_the_job_beside_rows_that_may_be_rejected() {
    let index = Index::new("mixed");
    index.call(Method::Put, "/INDEX", Some(r#"{"mappings":{"properties":{"k":{"type":"date"}}}}"#)).await;
    let counts = Arc::new(RejectCounts::default());
    let handling = Handling { table: "a".into(), letters: None, counts: counts.clone() };
    let skips = ErrorHandling::Handle(Arc::new(handling));
    let skipped = |batch: ChangelogBatch| batch.with_origin(Some(Origin::new(skips.clone())));
    let table = index.table(key_and_number(), vec![0], &[]);
    let context = OpenContext { errors: ErrorHandling::Unset, may_reject: true, ..OpenContext::for_test() };
    let mut writer = connector().sink(&table).unwrap().open(&context).await.unwrap();
    // The bad row may be rejected, the good one beside it comes from a table that says nothing.
    writer.write(rows(&[(Insert, "2021-11-29", Some(1))])).await.unwrap();
    writer.write(skipped(rows(&[(Insert, "bad", Some(2)), (Insert, "2021-11-30", Some(3))]))).await.unwrap();
    writer.flush().await.unwrap();
    assert_eq!(counts.of(Stage::Write), 1);
    assert_eq!(index.documents().await.as_array().unwrap().len(), 2);
    // The other way round the job fails.
    writer.write(rows(&[(Insert, "bad", Some(4))])).await.unwrap();
    writer.write(skipped(rows(&[(Insert, "2021-12-01", Some(5))]))).await.unwrap();
    let error = writer.flush().await.unwrap_err();
    assert!(error.message().contains("rejects document \"bad\""), "{error}");
    assert_eq!(counts.of(Stage::Write), 1);
}
