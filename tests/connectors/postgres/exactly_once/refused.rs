//! Rows that the database refuses as their epoch is published.

use millstream::changelog::RowKind::{Delete, Insert, UpdateAfter, UpdateBefore};
use millstream::changelog::rejects::{ErrorHandling, Handling, RejectCounts, Stage};
use millstream::error::ErrorKind;

use super::*;

const TABLE: &str = "CREATE TABLE t (id int PRIMARY KEY, name text CHECK (name <> 'bad'))";

#[tokio::test]
async fn a_refused_row_fails_the_job_and_is_shown() {
    let db = Db::new().await;
    db.run(TABLE).await;
    let start = Start::new(&[id_name(&db, "t", 1)], 1).await;
    let parts = [start.staged(0, &inserts(&[(1, "good"), (2, "bad"), (3, "good")])).await];
    let error = start.publish(1, &parts).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Data);
    assert!(error.message().starts_with("cannot write table \"t\" (connector \"jdbc\"): "), "{error}");
    assert!(error.detail().unwrap().contains("The row is id = 2, name = bad."), "{error}");
    assert!(error.hint().unwrap().contains("'error-handling.mode' = 'skip'"), "{error}");
    assert!(db.rows("SELECT * FROM t").await.is_empty());
    assert_eq!(marker(&db).await, ["the job|a|1|NULL|NULL|NULL"]);
    // The way out: the table takes it now.
    db.run("ALTER TABLE t DROP CONSTRAINT t_name_check").await;
    start.publish(1, &parts).await.unwrap();
    assert_eq!(db.rows("SELECT count(*) FROM t").await, ["3"]);
    db.drop().await;
}

fn counting(start: &mut Start) -> Arc<RejectCounts> {
    let counts = Arc::new(RejectCounts::default());
    let handling = Handling { table: "t".into(), letters: None, counts: counts.clone() };
    start.context.errors = ErrorHandling::Handle(Arc::new(handling));
    start.context.may_reject = true;
    counts
}

#[tokio::test]
async fn a_refused_row_is_left_out_and_counted_where_the_table_says_skip() {
    let db = Db::new().await;
    db.run(TABLE).await;
    db.run("CREATE TABLE beside (id int, name text); INSERT INTO t VALUES (1, 'old'), (2, 'old'), (3, 'old')").await;
    let table = with(id_name(&db, "t", 1), &[("error-handling.mode", "skip")]);
    let tables = [table, id_name(&db, "beside", 0)];
    let mut start = Start::new(&tables, 1).await;
    let counts = counting(&mut start);
    let rows = [
        (Insert, 4, "good"),
        (UpdateAfter, 4, "bad"),
        (UpdateBefore, 1, "old"),
        (UpdateAfter, 1, "bad"),
        (UpdateBefore, 2, "old"),
        (UpdateAfter, 2, "new"),
        (Delete, 3, "old"),
        (Insert, 5, "good"),
    ];
    let parts = [start.staged(0, &rows).await, start.staged(1, &inserts(&[(1, "bad")])).await];
    assert_eq!(counts.total(), 0, "nobody knows yet");
    start.publish(1, &parts).await.unwrap();
    assert_eq!(db.rows("SELECT id, name FROM t ORDER BY id").await, ["1|old", "2|new", "4|good", "5|good"]);
    assert_eq!(db.rows("SELECT * FROM beside").await, ["1|bad"]);
    assert_eq!(counts.of(Stage::Write), 2);
    // Published before: not refused once more.
    start.publish(1, &parts).await.unwrap();
    assert_eq!(counts.of(Stage::Write), 2);
    drop(start);
    // What is refused before there is a writer is counted when there is one.
    let mut later = Start::new(&tables, 2).await;
    let counts = counting(&mut later);
    later.publish(2, &parts[..1]).await.unwrap();
    assert_eq!(counts.total(), 0);
    drop(later.writer(0).await);
    assert_eq!(counts.of(Stage::Write), 2);
    db.drop().await;
}

#[tokio::test]
async fn few_refused_rows_among_many_are_found() {
    let db = Db::new().await;
    db.run("CREATE TABLE t (id int UNIQUE DEFERRABLE INITIALLY DEFERRED CHECK (id % 700 <> 3), name text)").await;
    let table = with(id_name(&db, "t", 0), &[("error-handling.mode", "skip")]);
    let mut start = Start::new(&[table], 1).await;
    let counts = counting(&mut start);
    let mut rows = inserts(&(0..5000).map(|i| (i, "x")).collect::<Vec<_>>());
    rows.push((Insert, 17, "twice"));
    let parts = [start.staged(0, &rows).await];
    start.publish(1, &parts).await.unwrap();
    assert_eq!(db.rows("SELECT count(*), count(*) FILTER (WHERE name = 'twice') FROM t").await, ["4992|0"]);
    assert_eq!(counts.of(Stage::Write), 9);
    db.drop().await;
}

#[tokio::test]
async fn a_value_that_its_column_cannot_hold_is_found_when_it_is_written() {
    let db = Db::new().await;
    db.run("CREATE TABLE t (id smallint PRIMARY KEY, name varchar(3))").await;
    let mut start = Start::new(&[id_name(&db, "t", 1)], 1).await;
    let rows = inserts(&[(1, "a"), (1 << 20, "b"), (2, "c")]);
    let error = start.writer(0).await.write(changes(&rows)).await.unwrap_err();
    assert!(error.message().contains("cannot write column \"id\" of table \"t\""), "{error}");
    let counts = counting(&mut start);
    let parts = [start.staged(0, &rows).await];
    assert_eq!(counts.of(Stage::Write), 1);
    start.publish(1, &parts).await.unwrap();
    assert_eq!(db.rows("SELECT id FROM t ORDER BY id").await, ["1", "2"]);
    db.drop().await;
}

#[tokio::test]
async fn keys_that_only_the_database_finds_equal_are_written_in_order() {
    let db = Db::new().await;
    db.run("CREATE EXTENSION IF NOT EXISTS citext SCHEMA public").await;
    db.run("CREATE TABLE t (id int, name public.citext PRIMARY KEY)").await;
    let table = TableDescriptor { primary_key: vec![1], ..id_name(&db, "t", 0) };
    let start = Start::new(&[table], 1).await;
    start.publish(1, &[start.staged(0, &inserts(&[(1, "a"), (2, "A"), (3, "b")])).await]).await.unwrap();
    assert_eq!(db.rows("SELECT id FROM t ORDER BY id").await, ["2", "3"]);
    db.drop().await;
}
