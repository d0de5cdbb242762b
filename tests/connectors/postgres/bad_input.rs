//! What is wrong is said with the name of the thing and the fix, and no password.

use arrow::array::{ArrayRef, Int32Array, Int64Array, StringArray};
use millstream::changelog::ChangelogBatch;
use millstream::connectors::LookupRequest;
use millstream::types::TypeKind as T;
use millstream::{Error, ErrorKind};

use super::*;

fn batch(table: &TableDescriptor, columns: Vec<ArrayRef>) -> ChangelogBatch {
    ChangelogBatch::inserts(RecordBatch::try_new(table.columns.arrow(), columns).unwrap())
}

async fn write(table: &TableDescriptor, columns: Vec<ArrayRef>) -> Result<(), Error> {
    let mut writer = jdbc().sink(table)?.open(&OpenContext::for_test()).await?;
    writer.write(batch(table, columns)).await?;
    writer.flush().await
}

fn ints(values: &[Option<i32>]) -> ArrayRef {
    Arc::new(Int32Array::from(values.to_vec()))
}

fn strings(values: &[Option<&str>]) -> ArrayRef {
    Arc::new(StringArray::from(values.to_vec()))
}

fn assert_error(error: &Error, kind: ErrorKind, parts: &[&str]) {
    assert_eq!(error.kind(), kind, "{error}");
    let text = error.to_string();
    for part in parts {
        assert!(text.contains(part), "{text}\nlacks: {part}");
    }
    assert!(!text.contains("s3cret"), "{text}");
}

#[tokio::test]
async fn a_missing_table_or_column_is_named_with_the_nearest_one() {
    let db = Db::new().await;
    db.run("CREATE TABLE cpu_thresholds (hostname varchar, allowed_top int)").await;
    let columns = [("hostname", string()), ("allowed_tpo", T::Int)];
    let table = db.table("cpu_treshold", &columns, 0);
    let near = format!("Did you mean '{}.cpu_thresholds'", db.schema);
    let request = LookupRequest { key_columns: vec![0], projection: vec![0, 1], filters: vec![] };
    let context = OpenContext::for_test();

    let scan = read(&*jdbc().source(&table).unwrap()).await.unwrap_err();
    let lookup = jdbc().lookup(&table).unwrap().open(&request, &context).await.map(|_| ()).unwrap_err();
    let sink = jdbc().sink(&table).unwrap().open(&context).await.map(|_| ()).unwrap_err();
    for error in [scan, lookup, sink] {
        assert_error(&error, ErrorKind::Statement, &["cpu_treshold", "does not exist in PostgreSQL at", &near]);
    }

    let table = db.table("cpu_thresholds", &columns, 0);
    let scan = read(&*jdbc().source(&table).unwrap()).await.unwrap_err();
    let lookup = jdbc().lookup(&table).unwrap().open(&request, &context).await.map(|_| ()).unwrap_err();
    let sink = jdbc().sink(&table).unwrap().open(&context).await.map(|_| ()).unwrap_err();
    for error in [scan, lookup, sink] {
        let parts = ["column \"allowed_tpo\" of table \"cpu_thresholds\"", "Did you mean \"allowed_top\"?"];
        assert_error(&error, ErrorKind::Statement, &parts);
    }
    db.drop().await;
}

#[tokio::test]
async fn types_that_do_not_go_together_are_refused_when_the_table_is_opened() {
    let db = Db::new().await;
    db.run("CREATE TABLE t (a text, b int)").await;
    let table = db.table("t", &[("a", T::Int), ("b", T::Int)], 0);
    let scan = read(&*jdbc().source(&table).unwrap()).await.unwrap_err();
    let parts = ["column \"a\" of table \"t\" (connector \"jdbc\") is INT, but text in PostgreSQL", "as STRING"];
    assert_error(&scan, ErrorKind::Statement, &parts);
    let sink = write(&table, vec![ints(&[Some(1)]), ints(&[Some(1)])]).await.unwrap_err();
    assert_error(&sink, ErrorKind::Statement, &["column \"a\" of table \"t\"", "can't be written as INT"]);
    let map = T::Map(Box::new(SqlType::string()), Box::new(SqlType::string()));
    let error = jdbc().source(&db.table("t", &[("m", map)], 0)).unwrap_err();
    assert_error(
        &error,
        ErrorKind::Statement,
        &["column \"m\" of table \"t\"", "MAP<STRING, STRING> is not supported"],
    );
    db.drop().await;
}

#[tokio::test]
async fn values_that_the_column_refuses_name_the_column_and_the_row() {
    let db = Db::new().await;
    db.run(
        "CREATE TABLE t (id int PRIMARY KEY, name varchar(3) NOT NULL, age int CHECK (age < 100) UNIQUE);
         CREATE TABLE plain (id int, name varchar(3) NOT NULL, doc json)",
    )
    .await;
    let columns = [("id", T::Int), ("name", string()), ("age", T::Int)];
    let keyed = db.table("t", &columns, 1);
    let append = db.table("t", &columns, 0);
    let cases: Vec<(&TableDescriptor, Vec<ArrayRef>, Vec<&str>)> = vec![
        (
            &keyed,
            vec![ints(&[Some(1), Some(2)]), strings(&[Some("a"), None]), ints(&[Some(1), Some(2)])],
            vec!["column \"name\" of table", "not-null constraint", "The row is id = 2, name = NULL, age = 2."],
        ),
        (
            &keyed,
            vec![ints(&[Some(1), Some(2)]), strings(&[Some("a"), Some("b")]), ints(&[Some(1), Some(100)])],
            vec!["t_age_check", "The row is id = 2, name = b, age = 100."],
        ),
        (
            &keyed,
            vec![ints(&[Some(1), Some(2)]), strings(&[Some("a"), Some("b")]), ints(&[Some(1), Some(1)])],
            vec!["t_age_key", "(age)=(1)", "The row is id = 2, name = b, age = 1."],
        ),
        (
            &append,
            vec![ints(&[Some(1), Some(1)]), strings(&[Some("a"), Some("b")]), ints(&[Some(1), Some(2)])],
            vec!["t_pkey", "(id)=(1)", "The row is id = 1, name = b, age = 2."],
        ),
        (
            &append,
            vec![ints(&[Some(1)]), strings(&[Some("abcd")]), ints(&[Some(1)])],
            vec!["cannot write column \"name\" of table \"t\"", "'abcd' is too long for character varying(3)"],
        ),
    ];
    for (table, columns, parts) in cases {
        assert_error(&write(table, columns).await.unwrap_err(), ErrorKind::Data, &parts);
        assert!(db.rows("SELECT * FROM t").await.is_empty(), "a refused flush writes nothing");
    }
    let json = db.table("plain", &[("id", T::Int), ("name", string()), ("doc", string())], 0);
    let columns = vec![ints(&[Some(1), Some(2)]), strings(&[Some("a"), Some("b")]), strings(&[Some("{}"), Some("{")])];
    assert_error(&write(&json, columns).await.unwrap_err(), ErrorKind::Data, &["json", "The row is id = 2"]);

    let wide = db.table("t", &[("id", T::BigInt), ("name", string())], 1);
    let columns: Vec<ArrayRef> = vec![Arc::new(Int64Array::from(vec![3_000_000_000])), strings(&[Some("a")])];
    let parts = ["cannot write column \"id\" of table \"t\"", "3000000000 is out of range for integer"];
    assert_error(&write(&wide, columns).await.unwrap_err(), ErrorKind::Data, &parts);
    db.drop().await;
}

#[tokio::test]
async fn values_that_our_type_cannot_hold_name_the_column() {
    let db = Db::new().await;
    db.run("CREATE TABLE t (a int, b timestamp); INSERT INTO t VALUES (300, 'infinity')").await;
    let small = db.table("t", &[("a", T::TinyInt)], 0);
    let error = read(&*jdbc().source(&small).unwrap()).await.unwrap_err();
    let parts = ["cannot read column \"a\" of table \"t\"", "300 is out of range for TINYINT"];
    assert_error(&error, ErrorKind::Data, &parts);
    let infinite = db.table("t", &[("b", T::Timestamp(3))], 0);
    let error = read(&*jdbc().source(&infinite).unwrap()).await.unwrap_err();
    assert_error(&error, ErrorKind::Data, &["column \"b\"", "'infinity' is no TIMESTAMP"]);
    db.run("UPDATE t SET a = NULL").await;
    let not_null = db.table("t", &[("a", T::Int)], 1);
    let error = read(&*jdbc().source(&not_null).unwrap()).await.unwrap_err();
    assert_error(&error, ErrorKind::Data, &["column \"a\" of table \"t\" (connector \"jdbc\") is NOT NULL"]);
    db.drop().await;
}

#[tokio::test]
async fn an_upsert_without_a_unique_constraint_names_the_statement_that_adds_it() {
    let db = Db::new().await;
    db.run(
        "CREATE TABLE t (id int, name text); CREATE TABLE other (id int, name text PRIMARY KEY);
         CREATE TABLE partial (id int, name text); CREATE UNIQUE INDEX ON partial (id) WHERE id > 5",
    )
    .await;
    let add = |name: &str| format!("ALTER TABLE \"{}\".\"{name}\" ADD PRIMARY KEY (\"id\");", db.schema);
    let index = format!("CREATE UNIQUE INDEX ON \"{}\".\"other\" (\"id\");", db.schema);
    for (name, fix) in [("t", add("t")), ("partial", add("partial")), ("other", index)] {
        let table = db.table(name, &[("id", T::Int), ("name", string())], 1);
        let error = jdbc().sink(&table).unwrap().open(&OpenContext::for_test()).await.map(|_| ()).unwrap_err();
        assert_error(&error, ErrorKind::Statement, &["declares PRIMARY KEY (id)", "has no unique constraint", &fix]);
        // What the hint says helps.
        db.run(&fix).await;
        jdbc().sink(&table).unwrap().open(&OpenContext::for_test()).await.unwrap();
    }
    db.drop().await;
}

#[tokio::test]
async fn a_wrong_database_or_password_is_not_tried_again() {
    let db = Db::new().await;
    let server = server();
    let mut cases = vec![("no_such_database", None, "behind the last '/' of the option 'url'")];
    if server.password.is_some() {
        // A server that trusts everybody knows no wrong password.
        cases.push((server.database.as_str(), Some("s3cret"), "Check the options 'username' and 'password'."));
    }
    for (database, password, hint) in cases {
        let url = format!("jdbc:postgresql://{}/{database}", server.address);
        let mut wrong = with(db.table("t", &[("a", T::Int)], 0), &[("url", &url)]);
        if let Some(password) = password {
            wrong = with(wrong, &[("password", password)]);
        }
        let (context, told) = context();
        let error = jdbc().sink(&wrong).unwrap().open(&context).await.map(|_| ()).unwrap_err();
        assert_error(&error, ErrorKind::External, &["cannot connect to PostgreSQL at", database, hint]);
        assert!(told.lock().unwrap().is_empty());
    }
    db.drop().await;
}
