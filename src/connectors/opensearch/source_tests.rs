//! The reader against a service that answers as a test says; a real one is in `tests/connectors`.

use chrono_tz::Tz;
use futures::poll;

use super::super::OpenSearch;
use super::super::stub::{Reply, Stub};
use super::*;
use crate::connectors::{Connector, SourceEvent};
use crate::types::{Field, SqlType};

fn table(host: &str) -> TableDescriptor {
    TableDescriptor {
        name: "T".into(),
        columns: Schema::new(vec![Field::new("k", SqlType::string()), Field::new("a*", SqlType::string())]),
        metadata: Vec::new(),
        primary_key: Vec::new(),
        partition_keys: Vec::new(),
        options: [("connector", "opensearch"), ("hosts", host), ("index", "i")].into_iter().collect(),
        zone: Tz::UTC,
    }
}

/// A page with a document per key.
fn page(keys: &[&str]) -> Reply {
    let hit = |k: &&str| format!(r#"{{"_index":"i","_id":"{k}","_source":{{"k":"{k}"}}}}"#);
    let hits: Vec<_> = keys.iter().map(hit).collect();
    let hits = hits.join(",");
    (200, format!(r#"{{"_scroll_id":"s","_shards":{{"failed":0}},"hits":{{"total":{{"value":3}},"hits":[{hits}]}}}}"#))
}

fn refreshed() -> Reply {
    (200, "{}".to_string())
}

async fn reader(host: &str) -> Box<dyn SourceReader> {
    let scan = ScanRequest { projection: vec![0], ..Default::default() };
    let source = OpenSearch.source(&table(host)).unwrap().narrow(scan).unwrap();
    let context = OpenContext::for_test();
    source.open(source.splits(&context).await.unwrap(), &context).await.unwrap()
}

async fn rows(reader: &mut Box<dyn SourceReader>) -> usize {
    match reader.next().await.unwrap() {
        SourceEvent::Rows { rows, .. } => rows.num_rows(),
        SourceEvent::SplitStart(_) | SourceEvent::SplitEnd(_) | SourceEvent::End => 0,
    }
}

fn paths(stub: &Stub) -> Vec<String> {
    let requests = stub.requests.lock().unwrap();
    requests.iter().map(|request| request.lines().next().unwrap_or_default().to_string()).collect()
}

#[tokio::test]
async fn a_dropped_call_loses_no_page() {
    let stub = Stub::start(vec![refreshed(), page(&["a", "b"]), page(&["c"]), page(&[])]);
    let mut reader = reader(&stub.host).await;
    let mut read = Vec::new();
    for _ in 0..2 {
        let mut dropped = reader.next();
        assert!(poll!(&mut dropped).is_pending());
        drop(dropped);
        read.push(rows(&mut reader).await);
        assert_eq!(reader.lag(), Some(3 - read.iter().sum::<usize>() as u64));
    }
    assert_eq!(read, [2, 1]);
    assert!(matches!(reader.next().await.unwrap(), SourceEvent::SplitEnd(_)));
    assert!(matches!(reader.next().await.unwrap(), SourceEvent::End));
    let scroll = "POST /_search/scroll";
    assert_eq!(paths(&stub), ["POST /i/_refresh", "POST /i/_search", scroll, scroll, "DELETE /_search/scroll"]);
}

#[tokio::test]
async fn a_first_page_is_asked_for_again_and_a_later_one_is_not() {
    let lost = (0, String::new());
    let stub = Stub::start(vec![refreshed(), lost.clone(), page(&["a"]), lost]);
    let mut reader = reader(&stub.host).await;
    assert_eq!(rows(&mut reader).await, 1);
    let error = reader.next().await.unwrap_err();
    assert!(error.message().starts_with("the read was interrupted: "), "{error}");
}

#[tokio::test]
async fn a_part_of_an_index_is_not_taken_for_the_whole() {
    let (status, body) = page(&["a"]);
    let stub = Stub::start(vec![refreshed(), (status, body.replace("\"failed\":0", "\"failed\":2"))]);
    let error = reader(&stub.host).await.next().await.unwrap_err();
    assert!(error.message().ends_with("could read only a part of index \"i\": 2 shards failed"), "{error}");
}

#[tokio::test]
async fn a_read_is_not_taken_up_in_the_middle() {
    let source = OpenSearch.source(&table("http://h:1")).unwrap();
    let splits = vec![Split { id: "i".into(), position: "7".into() }];
    let error = source.open(splits, &OpenContext::for_test()).await.err().unwrap();
    assert_eq!(error.kind(), crate::ErrorKind::State);
}

#[test]
fn only_the_fields_that_are_wanted_are_asked_for() {
    let source = OpenSearchSource::try_new(&table("http://h:1")).unwrap();
    let body = |columns: &[usize]| {
        let columns: Vec<_> = columns.iter().map(|&i| Column::Field(i)).collect();
        let schema = source.schema.project(&(0..columns.len()).collect::<Vec<_>>());
        OpenSearchSource { columns, schema, ..source.clone() }.search_body(5)
    };
    assert!(body(&[0]).contains(r#""_source":{"includes":["k"]}"#), "{}", body(&[0]));
    assert!(body(&[]).contains(r#""_source":false"#));
    assert!(source.search_body(5).contains(r#""_source":true"#));
}
