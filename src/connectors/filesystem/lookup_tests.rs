use std::path::Path;

use arrow::array::{Array, ArrayRef, AsArray, Int32Array, StringArray};
use arrow::datatypes::Int32Type;

use super::*;
use crate::connectors::filesystem::testing::table;

async fn open(path: &Path, keys: &[usize], projection: &[usize]) -> Result<Box<dyn Lookup>> {
    let table = table("hostname STRING, allowed_top INT", &[("path", path.to_str().unwrap())]);
    let source = FileLookupSource::try_new(&table).unwrap();
    let request = LookupRequest { key_columns: keys.to_vec(), projection: projection.to_vec(), filters: Vec::new() };
    source.open(&request, &OpenContext::for_test()).await
}

fn keys(name: &str, array: impl Array + 'static) -> RecordBatch {
    RecordBatch::try_from_iter([(name, Arc::new(array) as ArrayRef)]).unwrap()
}

/// Position of the key and threshold of each row found by host name.
async fn thresholds(lookup: &dyn Lookup, hosts: &[&str]) -> Vec<(u32, Option<i32>)> {
    let found = lookup.lookup(&keys("hostname", StringArray::from(hosts.to_vec()))).await.unwrap();
    let values = found.rows.column(0).as_primitive::<Int32Type>();
    assert_eq!(values.len(), found.key_of_row.len());
    found.key_of_row.values().iter().copied().zip(values).collect()
}

#[tokio::test]
async fn every_key_finds_all_its_rows_in_the_order_of_the_keys() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t.csv");
    std::fs::write(&path, "doc,20\ngrumpy,30\r\ndoc,21").unwrap();
    let lookup = open(&path, &[0], &[1]).await.unwrap();
    let found = thresholds(lookup.as_ref(), &["grumpy", "nobody", "doc"]).await;
    assert_eq!(found, [(0, Some(30)), (2, Some(20)), (2, Some(21))]);
}

#[tokio::test]
async fn keys_and_answers_may_be_any_columns() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t.csv");
    std::fs::write(&path, "doc,20\ngrumpy,30\n").unwrap();
    let lookup = open(&path, &[1], &[]).await.unwrap();
    let found = lookup.lookup(&keys("allowed_top", Int32Array::from(vec![5, 30]))).await.unwrap();
    assert_eq!((found.rows.num_rows(), found.rows.num_columns()), (1, 0));
    assert_eq!(found.key_of_row.values(), &[1]);
    let lookup = open(&path, &[1, 0], &[1, 0]).await.unwrap();
    let both: [(&str, ArrayRef); 2] = [
        ("allowed_top", Arc::new(Int32Array::from(vec![30, 20]))),
        ("hostname", Arc::new(StringArray::from(vec!["doc", "doc"]))),
    ];
    let found = lookup.lookup(&RecordBatch::try_from_iter(both).unwrap()).await.unwrap();
    assert_eq!(found.rows.column(1).as_string::<i32>().iter().collect::<Vec<_>>(), [Some("doc")]);
    assert_eq!(found.key_of_row.values(), &[1]);
}

#[tokio::test]
async fn an_edited_file_decides_the_next_row() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t.csv");
    std::fs::write(&path, "doc,20\n").unwrap();
    let lookup = open(&path, &[0], &[1]).await.unwrap();
    for (text, expected) in
        [("doc,20\n", Some(20)), ("doc,99\n", Some(99)), ("doc,7\n", Some(7)), ("x,1\ndoc,8\n", Some(8))]
    {
        std::fs::write(&path, text).unwrap();
        assert_eq!(thresholds(lookup.as_ref(), &["doc"]).await, [(0, expected)], "{text}");
    }
    // As editors and `mv` do it: another file takes the place.
    let other = folder.path().join(".t.csv.swp");
    std::fs::write(&other, "doc,1\n").unwrap();
    std::fs::rename(&other, &path).unwrap();
    assert_eq!(thresholds(lookup.as_ref(), &["doc"]).await, [(0, Some(1))]);
}

#[tokio::test]
async fn files_of_a_folder_come_and_go() {
    let folder = tempfile::tempdir().unwrap();
    let lookup = open(folder.path(), &[0], &[1]).await.unwrap();
    assert_eq!(thresholds(lookup.as_ref(), &["doc"]).await, []);
    std::fs::write(folder.path().join("a.csv"), "doc,20\n").unwrap();
    assert_eq!(thresholds(lookup.as_ref(), &["doc"]).await, [(0, Some(20))]);
    std::fs::remove_file(folder.path().join("a.csv")).unwrap();
    assert_eq!(thresholds(lookup.as_ref(), &["doc"]).await, []);
}

#[tokio::test]
async fn what_is_wrong_with_the_file_is_said_when_it_is_opened() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t.csv");
    let error = open(&path, &[0], &[1]).await.err().unwrap();
    assert!(error.message().contains("no such file or folder"), "{error}");
    std::fs::write(&path, "doc,20\ngrumpy,many\n").unwrap();
    let error = open(&path, &[0], &[1]).await.err().unwrap();
    assert!(error.message().starts_with("cannot look up rows of table \"t\""), "{error}");
    assert!(error.message().contains("t.csv\", line 2: field \"allowed_top\""), "{error}");
}

#[test]
fn cache_options_are_those_of_jdbc() {
    let options = [
        ("lookup.cache", "PARTIAL"),
        ("lookup.partial-cache.max-rows", "10"),
        ("lookup.partial-cache.expire-after-write", "5 s"),
    ];
    let source = FileLookupSource::try_new(&table("a INT", &options)).unwrap();
    let cache = source.cache().unwrap();
    assert_eq!((cache.max_rows, cache.expire_after_write), (Some(10), Some(Duration::from_secs(5))));
    assert!(cache.cache_missing_keys && cache.expire_after_access.is_none());
}
