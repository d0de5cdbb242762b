//! The table as a DataFusion table in a stock session.

use datafusion::assert_batches_eq;
use datafusion::prelude::SessionContext;
use millstream::connectors::provider::ConnectorTable;
use millstream::types::TypeKind as T;

use super::*;

#[tokio::test]
async fn a_stock_session_pushes_projection_filter_and_limit_into_the_database() {
    let db = Db::new().await;
    db.run("CREATE TABLE t AS SELECT i AS a, i % 5 AS b, 'x' AS unread FROM generate_series(1, 100) AS i").await;
    let columns = [("a", T::Int), ("b", T::Int), ("unread", string())];
    // Shown in pg_stat_activity with its last query.
    let application = db.schema.clone();
    let url = format!("{}?ApplicationName={application}", db.table("t", &columns, 0).options.get("url").unwrap());
    let table = with(db.table("t", &columns, 0), &[("url", &url)]);
    let session = SessionContext::new();
    session.register_table("t", Arc::new(ConnectorTable::new(table, jdbc()))).unwrap();

    let plan = session.sql("EXPLAIN SELECT a FROM t WHERE b = 3 LIMIT 2").await.unwrap().collect().await.unwrap();
    let plan = datafusion::arrow::util::pretty::pretty_format_batches(&plan).unwrap().to_string();
    let sent = format!("SELECT \"a\" FROM \"{}\".\"t\" WHERE (\"b\" = 3) LIMIT 2", db.schema);
    assert!(plan.contains("ScanExec: table=t, splits=1, SELECT"), "{plan}");
    assert!(plan.contains(&sent), "{plan}");
    assert!(!plan.contains("FilterExec"), "{plan}");

    let rows = session.sql("SELECT a FROM t WHERE b = 3 LIMIT 2").await.unwrap().collect().await.unwrap();
    assert_batches_eq!(["+---+", "| a |", "+---+", "| 3 |", "| 8 |", "+---+"], &rows);

    let all =
        session.sql("SELECT sum(a) AS s FROM t WHERE b > 3 AND a + 1 > 50").await.unwrap().collect().await.unwrap();
    assert_batches_eq!(["+-----+", "| s   |", "+-----+", "| 765 |", "+-----+"], &all);
    db.drop().await;
}

#[tokio::test]
async fn a_stock_session_inserts() {
    let db = Db::new().await;
    db.run("CREATE TABLE t (a int PRIMARY KEY, s text)").await;
    let session = SessionContext::new();
    let table = db.table("t", &[("a", T::Int), ("s", string())], 1);
    session.register_table("t", Arc::new(ConnectorTable::new(table, jdbc()))).unwrap();
    let rows =
        session.sql("INSERT INTO t VALUES (1, 'x'), (2, NULL), (1, 'y')").await.unwrap().collect().await.unwrap();
    assert_batches_eq!(["+-------+", "| count |", "+-------+", "| 3     |", "+-------+"], &rows);
    assert_eq!(db.rows("SELECT * FROM t ORDER BY a").await, ["1|y", "2|NULL"]);
    db.drop().await;
}
