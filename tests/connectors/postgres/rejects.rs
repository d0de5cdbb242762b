//! Rows that the database refuses, where that doesn't fail the job.

use arrow::array::{ArrayRef, Int64Array, StringArray};
use millstream::changelog::RowKind::{Delete, Insert, UpdateAfter, UpdateBefore};
use millstream::changelog::rejects::{ErrorHandling, Handling, RejectCounts, Stage};
use millstream::changelog::{ChangelogBatch, RowKind};
use millstream::types::{SqlType, TypeKind as T};

use super::*;

/// Writes changes `(id, name)` of one flush; says how many were rejected.
async fn rejected(table: &TableDescriptor, changes: &[(RowKind, i64, &str)]) -> u64 {
    let counts = Arc::new(RejectCounts::default());
    let handling = Handling { table: "t".into(), letters: None, counts: counts.clone() };
    let errors = ErrorHandling::Handle(Arc::new(handling));
    let context = OpenContext { errors, may_reject: true, ..OpenContext::for_test() };
    let ids: ArrayRef = Arc::new(Int64Array::from_iter_values(changes.iter().map(|c| c.1)));
    let names: ArrayRef = Arc::new(StringArray::from_iter_values(changes.iter().map(|c| c.2)));
    let schema = arrow::datatypes::Schema::new(vec![
        SqlType::not_null(T::BigInt).arrow_field("id"),
        SqlType::string().arrow_field("name"),
    ]);
    let rows = RecordBatch::try_new(Arc::new(schema), vec![ids, names]).unwrap();
    let mut writer = jdbc().sink(table).unwrap().open(&context).await.unwrap();
    writer.write(ChangelogBatch::new(rows, changes.iter().map(|c| c.0).collect())).await.unwrap();
    writer.flush().await.unwrap();
    writer.close().await.unwrap();
    counts.of(Stage::Write)
}

fn id_name(db: &Db) -> TableDescriptor {
    db.table("t", &[("id", T::BigInt), ("name", string())], 1)
}

#[tokio::test]
async fn a_refused_change_leaves_the_one_before_it() {
    let db = Db::new().await;
    db.run("CREATE TABLE t (id bigint PRIMARY KEY, name text CHECK (name <> 'bad'))").await;
    db.run("INSERT INTO t VALUES (1, 'old'), (2, 'old'), (3, 'old')").await;
    let changes = [
        (Insert, 4, "good"),
        (UpdateAfter, 4, "bad"),
        (UpdateBefore, 1, "old"),
        (UpdateAfter, 1, "bad"),
        (UpdateBefore, 2, "old"),
        (UpdateAfter, 2, "new"),
        (Delete, 3, "old"),
    ];
    assert_eq!(rejected(&id_name(&db), &changes).await, 2);
    assert_eq!(db.rows("SELECT id, name FROM t ORDER BY id").await, ["1|old", "2|new", "4|good"]);
    db.drop().await;
}

#[tokio::test]
async fn a_key_that_its_column_cannot_hold_is_one_rejected_row() {
    let db = Db::new().await;
    db.run("CREATE TABLE t (id int PRIMARY KEY, name text)").await;
    let changes = [(Insert, 1, "a"), (Insert, 1 << 40, "b"), (Insert, 2, "c")];
    assert_eq!(rejected(&id_name(&db), &changes).await, 1);
    assert_eq!(db.rows("SELECT id, name FROM t ORDER BY id").await, ["1|a", "2|c"]);
    db.drop().await;
}

#[tokio::test]
async fn what_a_trigger_raises_is_a_refusal() {
    let db = Db::new().await;
    db.run(
        "CREATE TABLE t (id bigint PRIMARY KEY, name text);
         CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
             IF NEW.id = 2 THEN RAISE EXCEPTION 'no twos here'; END IF;
             RETURN NEW; END $$;
         CREATE TRIGGER refuse BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION refuse()",
    )
    .await;
    assert_eq!(rejected(&id_name(&db), &[(Insert, 1, "a"), (Insert, 2, "b"), (Insert, 3, "c")]).await, 1);
    assert_eq!(db.rows("SELECT id FROM t ORDER BY id").await, ["1", "3"]);
    db.drop().await;
}

#[tokio::test]
async fn a_delete_that_is_refused_is_not_told_of_the_row_written_beside_it() {
    let db = Db::new().await;
    db.run("CREATE TABLE t (id bigint PRIMARY KEY, name text); CREATE TABLE child (id bigint REFERENCES t)").await;
    db.run("INSERT INTO t VALUES (1, 'old'); INSERT INTO child VALUES (1)").await;
    let rows = RecordBatch::try_new(
        Arc::new(arrow::datatypes::Schema::new(vec![
            SqlType::not_null(T::BigInt).arrow_field("id"),
            SqlType::string().arrow_field("name"),
        ])),
        vec![Arc::new(Int64Array::from(vec![9, 1])) as ArrayRef, Arc::new(StringArray::from(vec!["new", "old"]))],
    );
    let batch = ChangelogBatch::new(rows.unwrap(), [Insert, Delete].into_iter().collect());
    let mut writer = jdbc().sink(&id_name(&db)).unwrap().open(&OpenContext::for_test()).await.unwrap();
    writer.write(batch).await.unwrap();
    let error = writer.flush().await.unwrap_err().to_string();
    assert!(error.contains("foreign key") && !error.contains("id = 9"), "{error}");
    db.drop().await;
}
