//! Lookups: the database decides equality, answers come in the order of the keys.

use arrow::array::{ArrayRef, Float64Array, Int32Array, Int64Array, StringArray};
use datafusion::logical_expr::{col, lit};
use millstream::connectors::{Lookup, LookupCacheOptions, LookupRequest};
use millstream::types::TypeKind as T;

use super::*;

async fn open(table: &TableDescriptor, key_columns: &[usize], projection: &[usize]) -> Box<dyn Lookup> {
    let request = LookupRequest { key_columns: key_columns.to_vec(), projection: projection.to_vec(), filters: vec![] };
    jdbc().lookup(table).unwrap().open(&request, &OpenContext::for_test()).await.unwrap()
}

fn keys(columns: Vec<ArrayRef>) -> RecordBatch {
    RecordBatch::try_from_iter(columns.into_iter().enumerate().map(|(i, c)| (format!("k{i}"), c))).unwrap()
}

/// `position: row` for each row of the answer.
async fn ask(lookup: &dyn Lookup, columns: Vec<ArrayRef>) -> Vec<String> {
    let answer = lookup.lookup(&keys(columns)).await.unwrap();
    assert!(answer.key_of_row.values().is_sorted(), "answers come in key order");
    assert_eq!(answer.key_of_row.len(), answer.rows.num_rows());
    let rows = text(&answer.rows);
    answer.key_of_row.values().iter().zip(rows).map(|(position, row)| format!("{position}: {row}")).collect()
}

fn strings(values: &[&str]) -> Vec<ArrayRef> {
    vec![Arc::new(StringArray::from(values.to_vec()))]
}

#[tokio::test]
async fn thresholds_are_read_as_they_are_now() {
    let db = Db::new().await;
    db.run("CREATE TABLE cpu_thresholds (hostname varchar, allowed_top int)").await;
    db.run("INSERT INTO cpu_thresholds VALUES ('doc', 20), ('grumpy', 30), ('doc', 25), (NULL, 1)").await;
    let table = db.table("cpu_thresholds", &[("hostname", string()), ("allowed_top", T::Int)], 0);
    let lookup = open(&table, &[0], &[1, 0]).await;
    let mut rows = ask(&*lookup, strings(&["grumpy", "nobody", "doc"])).await;
    rows.sort();
    assert_eq!(rows, ["0: 30|grumpy", "2: 20|doc", "2: 25|doc"]);
    db.run("UPDATE cpu_thresholds SET allowed_top = 31 WHERE hostname = 'grumpy'").await;
    assert_eq!(ask(&*lookup, strings(&["grumpy"])).await, ["0: 31|grumpy"]);
    db.drop().await;
}

#[tokio::test]
async fn the_database_decides_what_equals_a_key() {
    let db = Db::new().await;
    db.run("CREATE EXTENSION IF NOT EXISTS citext SCHEMA public").await;
    db.run(
        "CREATE COLLATION nocase (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
         CREATE TYPE mood AS ENUM ('sad', 'ok');
         CREATE DOMAIN name AS varchar(10);
         CREATE TABLE t (id int, ci public.citext, nc text COLLATE nocase, c char(4), m mood, n numeric, f real, ip inet,
             dom name, u uuid);
         INSERT INTO t VALUES
             (1, 'Doc', 'Doc', 'doc', 'ok', 1.50, 0.5, '10.0.0.1', 'doc', '00112233-4455-6677-8899-aabbccddeeff'),
             (2, 'x', 'x', 'x', 'sad', 2, 0.1, '10.0.0.2', 'x', NULL)",
    )
    .await;
    let columns = [
        ("id", T::Int),
        ("ci", string()),
        ("nc", string()),
        ("c", string()),
        ("m", string()),
        ("n", T::Decimal { precision: 10, scale: 3 }),
        ("f", T::Double),
        ("ip", string()),
        ("dom", string()),
        ("u", string()),
    ];
    let table = db.table("t", &columns, 0);
    let decimal: ArrayRef =
        Arc::new(arrow::array::Decimal128Array::from(vec![1500, 1501]).with_precision_and_scale(10, 3).unwrap());
    let cases: Vec<(usize, Vec<ArrayRef>, &[&str])> = vec![
        (1, strings(&["DOC", "doc", "no"]), &["0: 1", "1: 1"]),
        (2, strings(&["DOC", "doc", "no"]), &["0: 1", "1: 1"]),
        (3, strings(&["doc", "doc ", "DOC"]), &["0: 1", "1: 1"]),
        // A label that doesn't exist matches nothing.
        (4, strings(&["ok", "glad"]), &["0: 1"]),
        (5, vec![decimal], &["0: 1"]),
        // 0.1 is no real, 0.5 is.
        (6, vec![Arc::new(Float64Array::from(vec![0.1, 0.5]))], &["1: 1"]),
        (7, strings(&["10.0.0.1", "not an address"]), &["0: 1"]),
        (8, strings(&["doc", "longer than ten characters"]), &["0: 1"]),
        (
            9,
            strings(&["00112233-4455-6677-8899-AABBCCDDEEFF", "no uuid", "00112233445566778899aabbccddeeff"]),
            &["0: 1", "2: 1"],
        ),
    ];
    for (column, keys, expected) in cases {
        let lookup = open(&table, &[column], &[0]).await;
        assert_eq!(ask(&*lookup, keys).await, expected, "column {}", columns[column].0);
    }
    db.drop().await;
}

#[tokio::test]
async fn a_key_that_the_column_cannot_hold_matches_nothing() {
    let db = Db::new().await;
    db.run("CREATE TABLE t (id int, s text); INSERT INTO t VALUES (1, 'a'), (-1, 'b')").await;
    let lookup = open(&db.table("t", &[("id", T::BigInt), ("s", string())], 0), &[0], &[1]).await;
    let keys: ArrayRef = Arc::new(Int64Array::from(vec![3_000_000_000, 1, i64::MIN, -1]));
    assert_eq!(ask(&*lookup, vec![keys]).await, ["1: a", "3: b"]);
    db.drop().await;
}

#[tokio::test]
async fn several_columns_make_one_key_and_filters_are_applied() {
    let db = Db::new().await;
    db.run("CREATE EXTENSION IF NOT EXISTS citext SCHEMA public").await;
    db.run("CREATE TABLE t (a int, b text, v int, ci public.citext)").await;
    db.run("INSERT INTO t VALUES (1, 'x', 10, 'k'), (1, 'y', 20, 'k'), (2, 'x', 30, 'K'), (1, 'x', 5, 'K')").await;
    let table = db.table("t", &[("a", T::Int), ("b", string()), ("v", T::Int), ("ci", string())], 0);
    let pairs = || -> Vec<ArrayRef> {
        vec![Arc::new(Int32Array::from(vec![2, 1, 1])), Arc::new(StringArray::from(vec!["x", "x", "z"]))]
    };
    let lookup = open(&table, &[0, 1], &[2]).await;
    let mut rows = ask(&*lookup, pairs()).await;
    rows.sort();
    assert_eq!(rows, ["0: 30", "1: 10", "1: 5"]);

    let source = jdbc().lookup(&table).unwrap();
    for (filter, expected) in
        [(col("v").gt(lit(5)), vec!["0: 30", "1: 10"]), (col("ci").eq(lit("K")), vec!["0: 30", "1: 5"])]
    {
        assert!(source.supports_filter(&filter));
        let request = LookupRequest { key_columns: vec![0, 1], projection: vec![2], filters: vec![filter] };
        let lookup = source.open(&request, &OpenContext::for_test()).await.unwrap();
        assert_eq!(ask(&*lookup, pairs()).await, expected);
    }

    // Only whether there is a row: no columns at all.
    let lookup = open(&table, &[0, 1], &[]).await;
    assert_eq!(ask(&*lookup, pairs()).await, ["0: ", "1: ", "1: "]);
    db.drop().await;
}

#[tokio::test]
async fn many_keys_go_in_chunks_and_calls_run_side_by_side() {
    let db = Db::new().await;
    db.run("CREATE TABLE t AS SELECT i AS id, i * 2 AS v FROM generate_series(0, 9999) AS i").await;
    db.run("ALTER TABLE t ADD PRIMARY KEY (id)").await;
    let lookup = open(&db.table("t", &[("id", T::BigInt), ("v", T::Int)], 0), &[0], &[0, 1]).await;
    let ask_from = |start: i64| {
        let lookup = &lookup;
        async move {
            let keys: ArrayRef = Arc::new(Int64Array::from_iter_values((start..start + 10_000).rev()));
            (start, ask(&**lookup, vec![keys]).await)
        }
    };
    for (start, rows) in futures::future::join_all([0, 1, 5_000, 9_999].map(ask_from)).await {
        let expected: Vec<String> = (start..start + 10_000)
            .rev()
            .enumerate()
            .filter(|(_, id)| *id < 10_000)
            .map(|(position, id)| format!("{position}: {id}|{}", id * 2))
            .collect();
        assert_eq!(rows, expected);
    }
    assert!(ask(&*lookup, vec![Arc::new(Int64Array::from(Vec::<i64>::new()))]).await.is_empty());
    db.drop().await;
}

#[tokio::test]
async fn the_cache_is_what_the_options_ask_for() {
    let db = Db::new().await;
    let table = db.table("t", &[("a", T::Int)], 0);
    assert_eq!(jdbc().lookup(&table).unwrap().cache(), None);
    let table = with(table, &[("lookup.cache", "PARTIAL"), ("lookup.partial-cache.expire-after-access", "1 min")]);
    let expected = LookupCacheOptions {
        max_rows: None,
        expire_after_write: None,
        expire_after_access: Some(std::time::Duration::from_secs(60)),
        cache_missing_keys: true,
    };
    assert_eq!(jdbc().lookup(&table).unwrap().cache(), Some(expected));
    db.drop().await;
}
