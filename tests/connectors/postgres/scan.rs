//! Scans: types, projection, filters, limit, splits.

use datafusion::logical_expr::{Expr, col, lit};
use datafusion::scalar::ScalarValue;
use millstream::types::SqlType;
use millstream::types::TypeKind as T;

use super::*;

#[tokio::test]
async fn values_of_every_type_are_read_as_they_are() {
    let db = Db::new().await;
    db.run("CREATE EXTENSION IF NOT EXISTS citext SCHEMA public").await;
    db.run(
        "CREATE TYPE mood AS ENUM ('sad', 'ok');
         CREATE DOMAIN positive AS int CHECK (value > 0);
         CREATE TABLE t (i2 int2, i4 int4, i8 int8, f4 float4, f8 float8, n numeric(10,3), anyn numeric, b bool, d date,
             t time, ts timestamp, tz timestamptz, s text, v varchar(5), c char(5), ci public.citext, m mood, p positive,
             u uuid, j json, jb jsonb, by bytea, ip inet, a int4[], ta text[], lts timestamp, wtz timestamptz);
         INSERT INTO t VALUES (-1, 2, 3, 0.5, -2.25, 1234.5678, 12345678901234567890.125, true, '2024-02-29',
             '12:34:56.789', '2024-07-01 10:00:00.123456', '2024-07-01 10:00:00.5+00', 'grün', 'ab', 'ab', 'Ab', 'ok', 7,
             '00112233-4455-6677-8899-aabbccddeeff', '{\"a\": 1}', '{\"a\":1}', '\\x00ff', '10.0.0.1', '{1,NULL,3}',
             '{x,\"y z\"}', '2024-07-01 12:00:00', '2024-07-01 10:00:00+00');
         INSERT INTO t DEFAULT VALUES",
    )
    .await;
    let array = |kind| T::Array(Box::new(SqlType::nullable(kind)));
    let columns = [
        ("i2", T::TinyInt, "-1"),
        ("i4", T::BigInt, "2"),
        ("i8", T::Int, "3"),
        ("f4", T::Double, "0.5"),
        ("f8", T::Double, "-2.25"),
        ("n", T::Decimal { precision: 10, scale: 2 }, "1234.57"),
        ("anyn", T::Decimal { precision: 38, scale: 3 }, "12345678901234567890.125"),
        ("b", T::Boolean, "true"),
        ("d", T::Date, "2024-02-29"),
        ("t", T::Time(3), "12:34:56.789"),
        ("ts", T::Timestamp(3), "2024-07-01T10:00:00.123"),
        ("tz", T::TimestampLtz(3), "2024-07-01T10:00:00.500Z"),
        ("s", string(), "grün"),
        ("v", T::Varchar(5), "ab"),
        ("c", T::Char(5), "ab   "),
        ("ci", string(), "Ab"),
        ("m", string(), "ok"),
        ("p", T::Int, "7"),
        ("u", string(), "00112233-4455-6677-8899-aabbccddeeff"),
        ("j", string(), "{\"a\": 1}"),
        ("jb", string(), "{\"a\": 1}"),
        ("by", SqlType::bytes().kind, "00ff"),
        ("ip", string(), "10.0.0.1"),
        ("a", array(T::Int), "[1, NULL, 3]"),
        ("ta", array(string()), "[x, y z]"),
        // The session's zone is Berlin: clocks there are two hours ahead of UTC in July.
        ("lts", T::TimestampLtz(3), "2024-07-01T10:00:00Z"),
        ("wtz", T::Timestamp(3), "2024-07-01T12:00:00"),
    ];
    let types: Vec<_> = columns.iter().map(|(name, kind, _)| (*name, kind.clone())).collect();
    let source = jdbc().source(&db.table("t", &types, 0)).unwrap();
    let rows = read(&*source).await.unwrap();
    let expected: Vec<_> = columns.iter().map(|(_, _, value)| *value).collect();
    assert_eq!(rows[0].split('|').collect::<Vec<_>>(), expected);
    assert_eq!(rows[1], ["NULL"; 27].join("|"));
    db.drop().await;
}

#[tokio::test]
async fn columns_are_found_in_lower_case_and_as_they_stand() {
    let db = Db::new().await;
    db.run("CREATE TABLE \"Mixed\" (allowedtop int, \"Exact\" int); INSERT INTO \"Mixed\" VALUES (1, 2)").await;
    let table = db.table("Mixed", &[("allowedTop", T::Int), ("Exact", T::Int)], 0);
    assert_eq!(read(&*jdbc().source(&table).unwrap()).await.unwrap(), ["1|2"]);
    db.drop().await;
}

/// Filters by what comes back, whatever part of it the database did.
#[tokio::test]
async fn a_filter_means_the_same_wherever_it_is_applied() {
    let db = Db::new().await;
    db.run("CREATE EXTENSION IF NOT EXISTS citext SCHEMA public").await;
    db.run(
        "CREATE COLLATION nocase (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
         CREATE TABLE t (id int, s text, ci public.citext, nc text COLLATE nocase, c char(4), ts timestamp, n numeric,
             i8 bigint, u uuid);
         INSERT INTO t VALUES
             (1, 'a', 'a', 'a', 'a', '2024-01-01 00:00:00.0004', 1.004, 1, '00112233-4455-6677-8899-aabbccddeeff'),
             (2, 'A', 'A', 'A', 'A', '2024-01-01 00:00:00.001', 1.005, 2, NULL),
             (3, 'B', 'B', 'B', 'B', '2024-01-01 00:00:00', 2, 3000000000, NULL),
             (4, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)",
    )
    .await;
    let columns = [
        ("id", T::Int),
        ("s", string()),
        ("ci", string()),
        ("nc", string()),
        ("c", string()),
        ("ts", T::Timestamp(3)),
        ("n", T::Decimal { precision: 6, scale: 2 }),
        ("i8", T::BigInt),
        ("u", string()),
    ];
    let source = jdbc().source(&db.table("t", &columns, 0)).unwrap();
    let at = |millis: i64| lit(ScalarValue::TimestampMillisecond(Some(1_704_067_200_000 + millis), None));
    let cases: Vec<(Expr, &[&str])> = vec![
        (col("s").eq(lit("a")), &["1"]),
        (col("s").not_eq(lit("a")), &["2", "3"]),
        // By bytes, capitals come first.
        (col("s").lt(lit("a")), &["2", "3"]),
        (col("ci").eq(lit("a")), &["1"]),
        (col("nc").eq(lit("a")), &["1"]),
        (col("nc").in_list(vec![lit("a"), lit("B")], false), &["1", "3"]),
        (col("c").eq(lit("a")), &[]),
        (col("c").eq(lit("a   ")), &["1"]),
        // Microseconds are cut to TIMESTAMP(3).
        (col("ts").eq(at(0)), &["1", "3"]),
        (col("ts").gt(at(0)), &["2"]),
        (col("ts").gt_eq(at(1)), &["2"]),
        (col("ts").lt(at(1)), &["1", "3"]),
        // Rounded to DECIMAL(6, 2).
        (col("n").eq(lit(ScalarValue::Decimal128(Some(100), 6, 2))), &["1"]),
        (col("n").eq(lit(ScalarValue::Decimal128(Some(101), 6, 2))), &["2"]),
        (col("i8").gt(lit(2_i64)), &["3"]),
        (Expr::Not(Box::new(col("i8").gt(lit(2_i64)))), &["1", "2"]),
        (col("i8").between(lit(1_i64), lit(2_i64)), &["1", "2"]),
        (col("i8").is_null().or(col("id").eq(lit(1))), &["1", "4"]),
        (col("u").eq(lit("00112233-4455-6677-8899-aabbccddeeff")), &["1"]),
        (col("u").eq(lit("00112233-4455-6677-8899-AABBCCDDEEFF")), &[]),
    ];
    for (filter, expected) in cases {
        assert!(source.supports_filter(&filter), "{filter}");
        let narrow = ScanRequest { projection: vec![0], filters: vec![filter.clone()], limit: Some(10) };
        let mut rows = read(&*source.narrow(narrow).unwrap()).await.unwrap();
        rows.sort();
        assert_eq!(rows, expected, "{filter}");
    }
    // A limit counts the rows that stay, also where the filter is ours to apply.
    let narrow = ScanRequest { projection: vec![0], filters: vec![col("ci").eq(lit("B"))], limit: Some(1) };
    assert_eq!(read(&*source.narrow(narrow).unwrap()).await.unwrap(), ["3"]);
    db.drop().await;
}

#[tokio::test]
async fn rows_are_counted_without_reading_columns() {
    let db = Db::new().await;
    db.run("CREATE TABLE t AS SELECT i FROM generate_series(1, 20000) AS i").await;
    let source = jdbc().source(&db.table("t", &[("i", T::Int)], 0)).unwrap();
    let source = source.narrow(request(&[])).unwrap();
    let context = OpenContext::for_test();
    let mut reader = source.open(source.splits(&context).await.unwrap(), &context).await.unwrap();
    let (mut rows, mut largest) = (0, 0);
    while let SourceEvent::Rows { rows: batch, .. } = reader.next().await.unwrap() {
        assert_eq!(batch.num_columns(), 0);
        rows += batch.num_rows();
        largest = largest.max(batch.num_rows());
    }
    assert_eq!(rows, 20_000);
    assert!(largest <= context.batch_rows);
    assert_eq!(reader.positions()[0].position, "done");
    // A split that was read to its end has no more rows after a restart.
    let mut again = source.open(reader.positions(), &context).await.unwrap();
    assert!(matches!(again.next().await.unwrap(), SourceEvent::SplitEnd(_)));
    assert!(matches!(again.next().await.unwrap(), SourceEvent::End));
    db.drop().await;
}

#[tokio::test]
async fn partitions_cover_the_bounds_once() {
    let db = Db::new().await;
    db.run("CREATE TABLE t AS SELECT i FROM generate_series(0, 12) AS i").await;
    let table = with(
        db.table("t", &[("i", T::Int)], 0),
        &[
            ("scan.partition.column", "i"),
            ("scan.partition.num", "3"),
            ("scan.partition.lower-bound", "1"),
            ("scan.partition.upper-bound", "10"),
            ("scan.fetch-size", "2"),
        ],
    );
    let source = jdbc().source(&table).unwrap();
    assert_eq!(source.splits(&OpenContext::for_test()).await.unwrap().len(), 3);
    // As in Flink, the bounds also filter.
    assert_eq!(read(&*source).await.unwrap(), (1..=10).map(|i| i.to_string()).collect::<Vec<_>>());
    db.drop().await;
}

#[tokio::test]
async fn a_query_in_parentheses_is_read_like_a_table() {
    let db = Db::new().await;
    let table = with(db.table("q", &[("a", T::Int)], 0), &[("table-name", "(SELECT 1 AS a UNION ALL SELECT 2) AS q")]);
    assert_eq!(read(&*jdbc().source(&table).unwrap()).await.unwrap(), ["1", "2"]);
    let error = jdbc().sink(&table).unwrap_err().to_string();
    assert!(error.contains("can't be written: its table-name is a query"), "{error}");
    db.drop().await;
}
