//! The table of types in `docs/connectors/jdbc.md`: every pair of it makes the trip from the database to the database.

use std::collections::BTreeSet;

use futures::{StreamExt, stream};
use millstream::Error;
use millstream::changelog::ChangelogBatch;
use millstream::connectors::SourceEvent;
use millstream::types::TypeKind as T;

use super::*;

/// A column of the database, the Flink type it is declared as, a value, and how the value shows as that type.
struct Pair {
    /// The names in the documentation's table.
    names: (&'static str, &'static str),
    /// The column's type.
    db: &'static str,
    kind: T,
    value: &'static str,
    shown: &'static str,
}

fn pair(
    names: (&'static str, &'static str),
    db: &'static str,
    kind: T,
    value: &'static str,
    shown: &'static str,
) -> Pair {
    Pair { names, db, kind, value, shown }
}

fn array(kind: T) -> T {
    T::Array(Box::new(SqlType::nullable(kind)))
}

/// What these types are made of.
const SETUP: &str = "CREATE TYPE mood AS ENUM ('sad', 'so so'); CREATE DOMAIN good AS mood CHECK (value <> 'sad');
    CREATE DOMAIN many AS int[] CHECK (cardinality(value) < 9); CREATE DOMAIN code AS varchar(4) CHECK (value <> '');
    CREATE TYPE point2 AS (x int, label text)";

fn pairs() -> Vec<Pair> {
    let mut pairs = Vec::new();
    let decimal = |precision, scale| T::Decimal { precision, scale };
    for (name, db) in [("smallint", "int2"), ("integer", "int4"), ("bigint", "int8"), ("numeric", "numeric(9,0)")] {
        pairs.push(pair((name, "TINYINT"), db, T::TinyInt, "-128", "-128"));
        pairs.push(pair((name, "SMALLINT"), db, T::SmallInt, "-32768", "-32768"));
        pairs.push(pair((name, "INT"), db, T::Int, "32767", "32767"));
        pairs.push(pair((name, "BIGINT"), db, T::BigInt, "-32768", "-32768"));
        pairs.push(pair((name, "DECIMAL"), db, decimal(8, 3), "-1234", "-1234.000"));
    }
    for (db, value, shown) in [
        ("numeric(12,3)", "-1234.5", "-1234.500000"),
        ("numeric", "12345678901234567890.123456", "12345678901234567890.123456"),
        ("numeric", "0.000000", "0.000000"),
        ("numeric(20,0)", "99999999999999999999", "99999999999999999999.000000"),
    ] {
        pairs.push(pair(("numeric", "DECIMAL"), db, decimal(38, 6), value, shown));
    }
    for (value, shown) in
        [("0.1", "0.1"), ("-2.5e-7", "-2.5e-7"), ("123456", "123456.0"), ("NaN", "NaN"), ("Infinity", "inf")]
    {
        pairs.push(pair(("real", "FLOAT"), "real", T::Float, value, shown));
        pairs.push(pair(("double precision", "DOUBLE"), "float8", T::Double, value, shown));
        pairs.push(pair(("double precision", "FLOAT"), "float8", T::Float, "0.5", "0.5"));
        pairs.push(pair(("real", "DOUBLE"), "real", T::Double, "0.5", "0.5"));
        pairs.push(pair(("numeric", "DOUBLE"), "numeric", T::Double, value, shown));
        pairs.push(pair(("numeric", "FLOAT"), "numeric", T::Float, value, shown));
    }
    pairs.push(pair(("boolean", "BOOLEAN"), "bool", T::Boolean, "t", "true"));
    for (value, shown) in [("2024-02-29", "2024-02-29"), ("0044-03-15 BC", "-0043-03-15"), ("9999-12-31", "9999-12-31")]
    {
        pairs.push(pair(("date", "DATE"), "date", T::Date, value, shown));
    }
    pairs.push(pair(("time", "TIME"), "time(3)", T::Time(3), "23:59:59.999", "23:59:59.999"));
    pairs.push(pair(("time", "TIME"), "time", T::Time(0), "00:00:00", "00:00:00"));
    for (precision, db, value, shown) in [
        (6, "timestamp", "2024-07-01 10:00:00.123456", "2024-07-01T10:00:00.123456"),
        (3, "timestamp(3)", "1969-12-31 23:59:59.999", "1969-12-31T23:59:59.999"),
        (0, "timestamp(0)", "0044-03-15 10:00:00 BC", "-0043-03-15T10:00:00"),
        (9, "timestamp", "2024-07-01 10:00:00.123456", "2024-07-01T10:00:00.123456"),
    ] {
        pairs.push(pair(("timestamp", "TIMESTAMP"), db, T::Timestamp(precision), value, shown));
    }
    // The session's zone is Berlin: clocks there are two hours ahead of UTC in July.
    let instant = "2024-07-01 10:00:00.5+00";
    pairs.push(pair(
        ("timestamptz", "TIMESTAMP_LTZ"),
        "timestamptz",
        T::TimestampLtz(3),
        instant,
        "2024-07-01T10:00:00.500Z",
    ));
    pairs.push(pair(
        ("timestamptz", "TIMESTAMP"),
        "timestamptz(3)",
        T::Timestamp(3),
        instant,
        "2024-07-01T12:00:00.500",
    ));
    pairs.push(pair(
        ("timestamp", "TIMESTAMP_LTZ"),
        "timestamp",
        T::TimestampLtz(6),
        "2024-07-01 12:00:00",
        "2024-07-01T10:00:00Z",
    ));
    for db in [
        "text",
        "varchar(9)",
        "char(4)",
        "name",
        "\"char\"",
        "citext",
        "xml",
        "json",
        "jsonb",
        "uuid",
        "inet",
        "cidr",
        "macaddr",
        "interval",
        "timetz",
        "money",
        "bit(3)",
        "varbit(5)",
        "int4range",
        "tstzrange",
        "point2",
        "mood",
        "hstore",
        "point",
        "tsvector",
        "inet[]",
        "point2[]",
    ] {
        let (name, value) = match db {
            "varchar(9)" => ("varchar", "grün 🦀"),
            "char(4)" => ("char(n)", "ab  "),
            "\"char\"" => ("\"char\"", "a"),
            "xml" => ("xml", "<a b=\"1\">c</a>"),
            "json" => ("json", "{\"a\" :1}"),
            "jsonb" => ("jsonb", "{\"a\": [1, null]}"),
            "uuid" => ("uuid", "00112233-4455-6677-8899-aabbccddeeff"),
            "inet" => ("inet", "10.0.0.1"),
            "cidr" => ("cidr", "10.0.0.0/8"),
            "macaddr" => ("macaddr", "08:00:2b:01:02:03"),
            "interval" => ("interval", "1 year 2 mons 3 days 04:05:06.789"),
            "timetz" => ("timetz", "12:34:56.789+02"),
            "money" => ("money", "-$1,234.50"),
            "bit(3)" => ("bit", "101"),
            "varbit(5)" => ("varbit", "10111"),
            "int4range" => ("ranges", "[1,5)"),
            "tstzrange" => ("ranges", "[\"2024-07-01 10:00:00+00\",)"),
            "point2" => ("composite types", "(7,\"a, b\")"),
            "mood" => ("enums", "so so"),
            "hstore" => ("hstore", "\"a\"=>\"1\", \"b\"=>NULL"),
            "point" => ("everything else", "(1.5,-2)"),
            "tsvector" => ("everything else", "'cat':1 'fat':2"),
            "inet[]" => ("everything else", "{10.0.0.1,NULL}"),
            "point2[]" => ("everything else", "{\"(1,a)\",NULL}"),
            other => (other, "Ab 'c'"),
        };
        pairs.push(pair((name, "STRING"), db, string(), value, value));
    }
    pairs.push(pair(("bytea", "BYTES"), "bytea", SqlType::bytes().kind, "\\x00ff10", "00ff10"));
    for (db, kind, value, shown) in [
        ("int2[]", T::SmallInt, "{1,NULL,-3}", "[1, NULL, -3]"),
        ("int4[]", T::Int, "{}", "[]"),
        ("int8[]", T::BigInt, "{9007199254740993}", "[9007199254740993]"),
        ("numeric(6,2)[]", decimal(6, 2), "{1.50,NULL}", "[1.50, NULL]"),
        ("real[]", T::Float, "{0.5}", "[0.5]"),
        ("float8[]", T::Double, "{0.1,-2.5}", "[0.1, -2.5]"),
        ("bool[]", T::Boolean, "{t,f}", "[true, false]"),
        ("date[]", T::Date, "{2024-02-29}", "[2024-02-29]"),
        ("time[]", T::Time(0), "{12:00:00}", "[12:00:00]"),
        ("timestamp[]", T::Timestamp(6), "{\"2024-07-01 10:00:00.5\"}", "[2024-07-01T10:00:00.500]"),
        ("timestamptz[]", T::TimestampLtz(3), "{\"2024-07-01 10:00:00+00\"}", "[2024-07-01T10:00:00Z]"),
        ("text[]", string(), "{\"a b\",NULL,\"\"}", "[a b, NULL, ]"),
        ("varchar(3)[]", string(), "{abc}", "[abc]"),
        ("citext[]", string(), "{Ab}", "[Ab]"),
        ("mood[]", string(), "{\"so so\",sad}", "[so so, sad]"),
        ("uuid[]", string(), "{00112233-4455-6677-8899-aabbccddeeff}", "[00112233-4455-6677-8899-aabbccddeeff]"),
        ("json[]", string(), "{\"{\\\"a\\\":1}\"}", "[{\"a\":1}]"),
        ("jsonb[]", string(), "{\"{\\\"a\\\": 1}\"}", "[{\"a\": 1}]"),
        ("bytea[]", SqlType::bytes().kind, "{\"\\\\x00ff\"}", "[00ff]"),
        ("many", T::Int, "{1,2}", "[1, 2]"),
    ] {
        pairs.push(pair(("arrays of these", "ARRAY"), db, array(kind), value, shown));
    }
    pairs.push(pair(("enums", "STRING"), "good", string(), "so so", "so so"));
    pairs.push(pair(("varchar", "STRING"), "code", string(), "a1", "a1"));
    pairs
}

async fn prepared() -> Db {
    let db = Db::new().await;
    for extension in ["citext", "hstore"] {
        // Two tests may create it at once, and a server may not have it.
        let create = format!("CREATE EXTENSION IF NOT EXISTS {extension} SCHEMA public");
        db.run(&format!("DO $$ BEGIN {create}; EXCEPTION WHEN OTHERS THEN NULL; END $$")).await;
    }
    db.run(SETUP).await;
    db.run("SET timezone = 'UTC'; SET extra_float_digits = 1").await;
    db
}

async fn batches(table: &TableDescriptor) -> Result<Vec<RecordBatch>, Error> {
    let context = OpenContext::for_test();
    let source = jdbc().source(table)?;
    let mut reader = source.open(source.splits(&context).await?, &context).await?;
    let mut batches = Vec::new();
    loop {
        match reader.next().await? {
            SourceEvent::Rows { rows, .. } => batches.push(rows),
            SourceEvent::SplitStart(_) | SourceEvent::SplitEnd(_) => {}
            SourceEvent::End => return Ok(batches),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_pair_of_types_makes_the_trip_both_ways() {
    let db = prepared().await;
    stream::iter(pairs().into_iter().enumerate()).for_each_concurrent(8, |(i, pair)| travels(&db, i, pair)).await;
    db.drop().await;
}

async fn travels(db: &Db, i: usize, Pair { names, db: ty, kind, value, shown }: Pair) {
    let what = format!("{ty} as {}, {value}", names.1);
    let (from, literal) = (format!("from{i}"), value.replace('\'', "''"));
    db.run(&format!("CREATE TABLE {from} (id int, v {ty}); INSERT INTO {from} VALUES (1, '{literal}'), (2, NULL)"))
        .await;
    let columns = [("id", T::Int), ("v", kind)];
    let read = batches(&db.table(&from, &columns, 0)).await.unwrap_or_else(|e| panic!("{what}: {e}"));
    let rows: Vec<String> = read.iter().flat_map(text).collect();
    assert_eq!(rows, [format!("1|{shown}"), "2|NULL".into()], "{what}");
    // By COPY or INSERT, and as an upsert.
    for (to, key) in [(format!("append{i}"), 0), (format!("upsert{i}"), 1)] {
        let unique = if key > 0 { ", PRIMARY KEY (id)" } else { "" };
        db.run(&format!("CREATE TABLE {to} (id int, v {ty}{unique})")).await;
        let table = db.table(&to, &columns, key);
        let sink = jdbc().sink(&table).unwrap();
        let mut writer = sink.open(&OpenContext::for_test()).await.unwrap_or_else(|e| panic!("{what}: {e}"));
        for batch in &read {
            let batch = RecordBatch::try_new(table.columns.arrow(), batch.columns().to_vec()).unwrap();
            writer.write(ChangelogBatch::inserts(batch)).await.unwrap_or_else(|e| panic!("{what}: {e}"));
        }
        writer.flush().await.unwrap_or_else(|e| panic!("{what}: {e}"));
        let shown = |table: &str| format!("SELECT id, v::text FROM {table} ORDER BY id");
        assert_eq!(db.rows(&shown(&to)).await, db.rows(&shown(&from)).await, "{what}, {to}");
    }
}

#[test]
fn the_documentation_names_just_these_pairs() {
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/connectors/jdbc.md")).unwrap();
    let table = page.split("## Types").nth(1).expect("a section about types");
    let cells = |cell: &str| -> Vec<String> {
        cell.split(", ").map(|name| name.trim().trim_matches('`').to_string()).collect()
    };
    let mut documented = BTreeSet::new();
    for row in table.lines().skip_while(|l| !l.starts_with("| ---")).skip(1).take_while(|l| l.starts_with('|')) {
        let mut row = row.trim_matches('|').split(" | ");
        let (Some(db), Some(flink)) = (row.next(), row.next()) else { panic!("{row:?} has no two cells") };
        for db in cells(db) {
            for flink in cells(flink) {
                documented.insert((db.clone(), flink));
            }
        }
    }
    let tested: BTreeSet<(String, String)> =
        pairs().iter().map(|p| (p.names.0.to_string(), p.names.1.to_string())).collect();
    assert_eq!(documented, tested);
}

#[tokio::test]
async fn what_the_declared_type_cannot_hold_is_an_error_with_the_value() {
    let db = prepared().await;
    let decimal = T::Decimal { precision: 6, scale: 2 };
    let cases = [
        ("numeric", "NaN", decimal.clone(), "NaN is no DECIMAL(6, 2)"),
        ("numeric", "-Infinity", decimal.clone(), "-Infinity is no DECIMAL(6, 2)"),
        ("numeric", "10000", decimal, "10000 has too many digits for DECIMAL(6, 2)"),
        ("numeric", "1.5", T::Int, "is no whole number"),
        ("int8", "3000000000", T::Int, "3000000000 is out of range for INT"),
        ("date", "infinity", T::Date, "'infinity' is no DATE"),
        ("timestamptz", "-infinity", T::TimestampLtz(3), "'-infinity' is no TIMESTAMP"),
        ("timestamp", "2300-01-01", T::Timestamp(9), "out of range for TIMESTAMP(9)"),
        ("time", "24:00:00", T::Time(0), "'24:00:00' is no TIME"),
        ("int4[]", "{{1,2},{3,4}}", array(T::Int), "an array of 2 dimensions is no ARRAY"),
        ("int4[]", "{1}", T::Array(Box::new(SqlType::not_null(T::Int))), ""),
        ("int4[]", "{NULL}", T::Array(Box::new(SqlType::not_null(T::Int))), "a NULL element"),
    ];
    for (i, (ty, value, kind, part)) in cases.into_iter().enumerate() {
        db.run(&format!("CREATE TABLE t{i} (v {ty}); INSERT INTO t{i} VALUES ('{value}')")).await;
        let read = batches(&db.table(&format!("t{i}"), &[("v", kind)], 0)).await;
        match part {
            "" => _ = read.unwrap_or_else(|e| panic!("{ty} {value}: {e}")),
            part => {
                let error = read.expect_err(part);
                assert_eq!(error.kind(), millstream::ErrorKind::Data, "{error}");
                assert!(error.message().contains("cannot read column \"v\" of table"), "{error}");
                assert!(error.message().contains(part), "{error}\nlacks {part}");
            }
        }
    }
    db.drop().await;
}

#[tokio::test]
async fn what_the_column_cannot_hold_is_an_error_and_nothing_is_cut() {
    use arrow::array::{ArrayRef, Decimal128Array, Float64Array, StringArray};
    let db = prepared().await;
    let text = |s: &str| -> (T, ArrayRef) { (string(), Arc::new(StringArray::from(vec![s]))) };
    let decimal = Decimal128Array::from(vec![10_000]).with_precision_and_scale(6, 1).unwrap();
    let cases: Vec<(&str, (T, ArrayRef), &str)> = vec![
        ("bit(3)", text("10111"), "bit string length 5 does not match type bit(3)"),
        ("varbit(3)", text("10111"), "bit string too long"),
        (
            "numeric(4,2)",
            (T::Decimal { precision: 6, scale: 1 }, Arc::new(decimal)),
            "1000.0 is out of range for numeric(4,2)",
        ),
        ("numeric(4,2)", (T::Double, Arc::new(Float64Array::from(vec![1e10]))), "numeric field overflow"),
        ("good", text("sad"), "good_check"),
        ("mood", text("glad"), "'glad' is none of the labels sad, so so"),
        ("code", text("abcde"), "too long"),
        ("inet", text("not an address"), "invalid input syntax for type inet"),
        ("xml", text("<a>"), "invalid XML"),
        ("interval", text("soon"), "invalid input syntax for type interval"),
        ("point2", text("(1"), "malformed record literal"),
    ];
    for (i, (ty, (kind, value), part)) in cases.into_iter().enumerate() {
        db.run(&format!("CREATE TABLE t{i} (v {ty})")).await;
        let table = db.table(&format!("t{i}"), &[("v", kind)], 0);
        let mut writer = jdbc().sink(&table).unwrap().open(&OpenContext::for_test()).await.unwrap();
        let rows = RecordBatch::try_new(table.columns.arrow(), vec![value]).unwrap();
        writer.write(ChangelogBatch::inserts(rows)).await.unwrap();
        let error = writer.flush().await.expect_err(part);
        assert_eq!(error.kind(), millstream::ErrorKind::Data, "{ty}: {error}");
        assert!(error.to_string().contains(part), "{ty}: {error}\nlacks {part}");
        assert!(db.rows(&format!("SELECT * FROM t{i}")).await.is_empty());
    }
    db.drop().await;
}

#[tokio::test]
async fn types_without_a_counterpart_are_refused_with_the_one_to_declare() {
    let db = prepared().await;
    db.run("CREATE TABLE t (h interval, i inet[], c point2)").await;
    let row = T::Array(Box::new(SqlType::nullable(array(T::Int))));
    let error = jdbc().source(&db.table("t", &[("c", row)], 0)).unwrap_err();
    assert!(error.message().contains("is not supported"), "{error}");
    for (name, kind) in [("h", T::Int), ("i", array(string())), ("c", T::Int)] {
        let error = batches(&db.table("t", &[(name, kind)], 0)).await.unwrap_err();
        assert_eq!(error.kind(), millstream::ErrorKind::Statement, "{error}");
        assert_eq!(error.hint(), Some("Declare the column as STRING."), "{error}");
    }
    db.drop().await;
}
