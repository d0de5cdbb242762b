//! Writing: insert, upsert, delete, flushes.

use arrow::array::{ArrayRef, Int32Array, StringArray};
use datafusion::scalar::ScalarValue;
use millstream::changelog::RowKind::{Delete, Insert, UpdateAfter, UpdateBefore};
use millstream::changelog::{ChangelogBatch, RowKind};
use millstream::connectors::{ChangelogSupport, SinkWriter};
use millstream::types::{SqlType, TypeKind as T};

use super::*;

async fn open(table: &TableDescriptor) -> Box<dyn SinkWriter> {
    jdbc().sink(table).unwrap().open(&OpenContext::for_test()).await.unwrap()
}

/// Rows `(id, name)` of their kinds.
fn changes(rows: &[(RowKind, i32, Option<&str>)]) -> ChangelogBatch {
    let ids: ArrayRef = Arc::new(Int32Array::from_iter_values(rows.iter().map(|r| r.1)));
    let names: ArrayRef = Arc::new(StringArray::from_iter(rows.iter().map(|r| r.2)));
    let schema = arrow::datatypes::Schema::new(vec![
        SqlType::not_null(T::Int).arrow_field("id"),
        SqlType::string().arrow_field("name"),
    ]);
    let batch = RecordBatch::try_new(Arc::new(schema), vec![ids, names]).unwrap();
    ChangelogBatch::new(batch, rows.iter().map(|r| r.0).collect())
}

fn id_name(db: &Db, name: &str, key: usize) -> TableDescriptor {
    db.table(name, &[("id", T::Int), ("name", string())], key)
}

#[tokio::test]
async fn trap_47_the_last_change_of_a_key_wins_and_deletes_delete() {
    let db = Db::new().await;
    db.run("CREATE TABLE t (name text, id int PRIMARY KEY, more int DEFAULT 7)").await;
    db.run("INSERT INTO t VALUES ('old', 1), ('gone', 2), ('kept', 9)").await;
    let table = id_name(&db, "t", 1);
    assert_eq!(jdbc().sink(&table).unwrap().changelog_support(), ChangelogSupport::Upsert);
    let mut writer = open(&table).await;
    let batch = changes(&[
        (UpdateBefore, 1, Some("old")),
        (UpdateAfter, 1, Some("new")),
        (Delete, 2, Some("gone")),
        (Insert, 3, Some("a")),
        (UpdateAfter, 3, Some("b")),
        (Insert, 4, Some("x")),
        (Delete, 4, Some("x")),
        (Delete, 5, None),
        (Insert, 5, None),
    ]);
    writer.write(batch).await.unwrap();
    writer.flush().await.unwrap();
    assert_eq!(db.rows("SELECT id, name, more FROM t ORDER BY id").await, ["1|new|7", "3|b|7", "5|NULL|7", "9|kept|7"]);
    writer.close().await.unwrap();
    db.drop().await;
}

#[tokio::test]
async fn a_table_of_only_its_key_is_upserted_too() {
    let db = Db::new().await;
    db.run("CREATE TABLE t (id int, name text, UNIQUE (name, id)); INSERT INTO t VALUES (1, 'a')").await;
    let mut writer = open(&id_name(&db, "t", 2)).await;
    writer.write(changes(&[(Insert, 1, Some("a")), (Insert, 2, Some("b"))])).await.unwrap();
    writer.flush().await.unwrap();
    assert_eq!(db.rows("SELECT * FROM t ORDER BY id").await, ["1|a", "2|b"]);
    db.drop().await;
}

#[tokio::test]
async fn keys_that_only_the_database_finds_equal_are_written_in_order() {
    let db = Db::new().await;
    db.run("CREATE EXTENSION IF NOT EXISTS citext SCHEMA public").await;
    db.run("CREATE TABLE t (id int, name public.citext PRIMARY KEY)").await;
    let mut table = id_name(&db, "t", 0);
    table.primary_key = vec![1];
    let mut writer = open(&table).await;
    writer.write(changes(&[(Insert, 1, Some("a")), (Insert, 2, Some("A")), (Insert, 3, Some("b"))])).await.unwrap();
    writer.flush().await.unwrap();
    assert_eq!(db.rows("SELECT id FROM t ORDER BY id").await, ["2", "3"]);
    db.drop().await;
}

#[tokio::test]
async fn rows_without_a_key_are_appended() {
    let db = Db::new().await;
    // COPY where it does what INSERT does, INSERT where it doesn't: a view with a rule.
    db.run(
        "CREATE TABLE t (id int, name text); CREATE VIEW v AS SELECT * FROM t;
         CREATE TABLE ruled (id int, name text);
         CREATE RULE elsewhere AS ON INSERT TO ruled DO INSTEAD INSERT INTO t VALUES (NEW.id + 100, NEW.name)",
    )
    .await;
    for name in ["t", "v", "ruled"] {
        let table = id_name(&db, name, 0);
        assert_eq!(jdbc().sink(&table).unwrap().changelog_support(), ChangelogSupport::InsertOnly);
        let mut writer = open(&table).await;
        writer.write(changes(&[(Insert, 1, Some("a")), (Insert, 1, None)])).await.unwrap();
        writer.flush().await.unwrap();
    }
    assert_eq!(
        db.rows("SELECT * FROM t ORDER BY id, name").await,
        ["1|a", "1|a", "1|NULL", "1|NULL", "101|a", "101|NULL"]
    );
    db.drop().await;
}

#[tokio::test]
async fn a_full_buffer_is_written_and_an_old_one_has_a_deadline() {
    let db = Db::new().await;
    db.run("CREATE TABLE t (id int PRIMARY KEY, name text)").await;
    let table =
        with(id_name(&db, "t", 1), &[("sink.buffer-flush.max-rows", "2"), ("sink.buffer-flush.interval", "1 h")]);
    let mut writer = open(&table).await;
    assert_eq!(writer.deadline(), None);
    writer.write(changes(&[(Insert, 1, None)])).await.unwrap();
    assert!(writer.deadline().is_some_and(|d| d > tokio::time::Instant::now()));
    assert!(db.rows("SELECT * FROM t").await.is_empty());
    writer.write(changes(&[(Insert, 2, None)])).await.unwrap();
    assert_eq!(db.rows("SELECT id FROM t ORDER BY id").await, ["1", "2"]);
    assert_eq!(writer.deadline(), None);
    writer.write(changes(&[(Insert, 3, None)])).await.unwrap();
    writer.on_deadline().await.unwrap();
    assert_eq!(db.rows("SELECT count(*) FROM t").await, ["3"]);

    let table = with(table, &[("sink.buffer-flush.interval", "0"), ("sink.buffer-flush.max-rows", "0")]);
    let mut writer = open(&table).await;
    writer.write(changes(&[(Insert, 4, None), (Insert, 5, None)])).await.unwrap();
    assert_eq!(writer.deadline(), None);
    writer.flush().await.unwrap();
    assert_eq!(db.rows("SELECT count(*) FROM t").await, ["5"]);
    db.drop().await;
}

#[tokio::test]
async fn a_flush_is_one_transaction_also_when_it_is_large() {
    let db = Db::new().await;
    db.run("CREATE TABLE t (id int PRIMARY KEY, name text, xid bigint DEFAULT txid_current())").await;
    let mut writer = open(&id_name(&db, "t", 1)).await;
    let rows: Vec<_> = (0..5_000).map(|i| (Insert, i, Some("x"))).collect();
    writer.write(changes(&rows)).await.unwrap();
    assert_eq!(db.rows("SELECT count(*), count(DISTINCT xid) FROM t").await, ["5000|1"]);
    db.drop().await;
}

/// One row of every type, by COPY, by arrays and row by row.
#[tokio::test]
async fn values_of_every_type_are_written_as_the_databases_types() {
    let db = Db::new().await;
    db.run("CREATE EXTENSION IF NOT EXISTS citext SCHEMA public").await;
    db.run(
        "CREATE TYPE mood AS ENUM ('sad', 'ok');
         CREATE DOMAIN positive AS int CHECK (value > 0);
         CREATE TABLE copied (i2 int2, i4 int4, n numeric(10,2), f4 float4, b bool, d date, t time, ts timestamp,
             tz timestamptz, v varchar(5), c char(5), ci public.citext, m mood, p positive, u uuid, j json, jb jsonb,
             by bytea, lts timestamp);
         CREATE TABLE unnested (LIKE copied, ip inet);
         CREATE TABLE rowwise (LIKE copied, ip inet, a int4[], k int PRIMARY KEY)",
    )
    .await;
    let text = |s: &str| ScalarValue::Utf8(Some(s.into()));
    let millis = 1_719_828_000_123_i64; // 2024-07-01 10:00:00.123 UTC
    let utc = || Some("UTC".into());
    let columns: Vec<(&str, T, ScalarValue, &str)> = vec![
        ("i2", T::Int, ScalarValue::Int32(Some(-7)), "-7"),
        ("i4", T::TinyInt, ScalarValue::Int8(Some(7)), "7"),
        ("n", T::Decimal { precision: 12, scale: 3 }, ScalarValue::Decimal128(Some(-12_345_675), 12, 3), "-12345.68"),
        ("f4", T::Double, ScalarValue::Float64(Some(0.1)), "0.1"),
        ("b", T::Boolean, ScalarValue::Boolean(Some(true)), "t"),
        ("d", T::Date, ScalarValue::Date32(Some(-1)), "1969-12-31"),
        ("t", T::Time(3), ScalarValue::Time32Millisecond(Some(1_500)), "00:00:01.5"),
        ("ts", T::Timestamp(3), ScalarValue::TimestampMillisecond(Some(millis), None), "2024-07-01 10:00:00.123"),
        (
            "tz",
            T::TimestampLtz(3),
            ScalarValue::TimestampMillisecond(Some(millis), utc()),
            "2024-07-01 10:00:00.123+00",
        ),
        ("v", string(), text("abc  "), "abc  "),
        ("c", string(), text("ab"), "ab   "),
        ("ci", string(), text("Ab"), "Ab"),
        ("m", string(), text("ok"), "ok"),
        ("p", T::BigInt, ScalarValue::Int64(Some(3)), "3"),
        ("u", string(), text("00112233445566778899aabbccddeeff"), "00112233-4455-6677-8899-aabbccddeeff"),
        ("j", string(), text("{\"a\" :1}"), "{\"a\" :1}"),
        ("jb", string(), text("{\"a\" :1}"), "{\"a\": 1}"),
        ("by", SqlType::bytes().kind, ScalarValue::Binary(Some(vec![0, 255])), "\\x00ff"),
        // The session's zone is Berlin.
        ("lts", T::TimestampLtz(3), ScalarValue::TimestampMillisecond(Some(millis), utc()), "2024-07-01 12:00:00.123"),
        ("ip", string(), text("10.0.0.1"), "10.0.0.1"),
        ("a", T::Array(Box::new(SqlType::nullable(T::Int))), list(), "{1,NULL,3}"),
        ("k", T::Int, ScalarValue::Int32(Some(1)), "1"),
    ];
    db.run("SET timezone = 'UTC'").await;
    for (name, count, key) in [("copied", 19, None), ("unnested", 20, None), ("rowwise", 22, Some(21))] {
        let used = &columns[..count];
        let types: Vec<_> = used.iter().map(|(name, kind, ..)| (*name, kind.clone())).collect();
        let mut table = db.table(name, &types, 0);
        table.primary_key = key.into_iter().collect();
        let schema = table.columns.arrow();
        let first = used.iter().zip(schema.fields()).map(|((.., value, _), field)| {
            arrow::compute::cast(&value.to_array().unwrap(), field.data_type()).unwrap()
        });
        let first = RecordBatch::try_new(schema.clone(), first.collect()).unwrap();
        let nulls = used.iter().zip(schema.fields()).map(|((name, .., value, _), field)| match *name {
            "k" => ScalarValue::Int32(Some(2)).to_array().unwrap(),
            _ => arrow::array::new_null_array(field.data_type(), value.to_array().unwrap().len()),
        });
        let nulls = RecordBatch::try_new(schema.clone(), nulls.collect()).unwrap();
        let mut writer = open(&table).await;
        writer.write(ChangelogBatch::inserts(first)).await.unwrap();
        writer.write(ChangelogBatch::inserts(nulls)).await.unwrap();
        writer.flush().await.unwrap();
        let names: Vec<_> = types.iter().map(|(name, _)| *name).collect();
        let rows = db.rows(&format!("SELECT {} FROM {name} ORDER BY i2", names.join(", "))).await;
        let expected: Vec<_> = used.iter().map(|(.., shown)| *shown).collect();
        assert_eq!(rows[0].split('|').collect::<Vec<_>>(), expected, "{name}");
        assert!(rows[1].split('|').all(|v| v == "NULL" || v == "2"), "{name}: {}", rows[1]);
    }
    db.drop().await;
}

fn list() -> ScalarValue {
    let values = arrow::array::ListArray::from_iter_primitive::<arrow::datatypes::Int32Type, _, _>(vec![Some(vec![
        Some(1),
        None,
        Some(3),
    ])]);
    ScalarValue::List(Arc::new(values))
}
