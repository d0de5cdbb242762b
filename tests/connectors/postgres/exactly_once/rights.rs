//! Where the table of epochs is, and who may use it.

use super::*;

/// A role that may write to the test's table and create nothing.
async fn role(db: &Db) -> String {
    let role = format!("{}_writer", db.schema);
    db.run(&format!(
        "CREATE ROLE {role} LOGIN PASSWORD 'secret-{role}'; GRANT USAGE ON SCHEMA {} TO {role};
         GRANT SELECT, INSERT, UPDATE, DELETE ON t TO {role}",
        db.schema
    ))
    .await;
    role
}

async fn refused(tables: &[TableDescriptor]) -> millstream::Error {
    Start::try_new(tables, number("a", 1)).await.err().expect("the role may not")
}

#[tokio::test]
async fn a_role_that_may_not_create_the_table_is_told_what_to_run() {
    let db = Db::new().await;
    db.run("CREATE TABLE t (id int, name text)").await;
    let role = role(&db).await;
    let password = format!("secret-{role}");
    let tables = [with(id_name(&db, "t", 0), &[("username", &role), ("password", &password)])];
    let sink = jdbc().sink(&tables[0]).unwrap();
    let asked = async || sink.check(true, &OpenContext::for_test()).await;
    let told = asked().await.unwrap_err();
    let error = refused(&tables).await;
    assert_eq!(told.to_string(), error.to_string(), "it is known before anything is opened");
    let table = format!("{}.millstream_epochs", db.schema);
    assert!(error.message().starts_with(&format!("cannot create table {table} in PostgreSQL at ")), "{error}");
    assert!(error.message().contains("permission denied for schema"), "{error}");
    let hint = error.hint().unwrap().to_string();
    assert!(hint.contains("'sink.delivery-guarantee' = 'at-least-once'"), "{hint}");
    // What it says works, one half after the other.
    let create = hint.find("CREATE TABLE").unwrap();
    let grant = hint.find("GRANT").unwrap();
    let end = grant + hint[grant..].find(';').unwrap() + 1;
    db.run(&hint[create..grant]).await;
    let error = refused(&tables).await;
    assert!(error.message().ends_with(&format!("doesn't let us use table {table}")), "{error}");
    assert!(error.hint().unwrap().contains(&hint[grant..end]), "{error}");
    assert_eq!(asked().await.unwrap_err().to_string(), error.to_string());
    db.run(&hint[grant..end]).await;
    asked().await.unwrap();
    let start = Start::new(&tables, 1).await;
    start.publish(1, &[start.staged(0, &inserts(&[(1, "a")])).await]).await.unwrap();
    assert_eq!(db.rows("SELECT * FROM t").await, ["1|a"]);
    let asked: Vec<String> = vec![format!("DROP OWNED BY {role}"), format!("DROP ROLE {role}")];
    drop(start);
    for sql in asked {
        db.run(&sql).await;
    }
    db.drop().await;
}

#[tokio::test]
async fn the_table_is_found_wherever_the_search_path_has_it() {
    let db = Db::new().await;
    let elsewhere = format!("{}_else", db.schema);
    db.run(&format!("CREATE TABLE t (id int, name text); CREATE SCHEMA {elsewhere}")).await;
    let at = |path: String| by(id_name(&db, "t", 0), &server().address, &format!("currentSchema={path}"));
    let start = Start::new(&[at(elsewhere.clone())], 1).await;
    start.publish(3, &[]).await.unwrap();
    drop(start);
    let start = Start::new(&[at(format!("{},{elsewhere}", db.schema))], 2).await;
    assert_eq!(start.marker, None, "of another target in the same table");
    drop(start);
    let start = Start::new(&[at(elsewhere.clone())], 3).await;
    assert_eq!(start.marker.map(|marker| marker.epoch), Some(Epoch(3)));
    let created = format!("SELECT to_regclass('{}.millstream_epochs')", db.schema);
    assert_eq!(db.rows(&created).await, ["NULL"]);
    let name = |table: &TableDescriptor| jdbc().sink(table).unwrap().target().unwrap().target.name();
    assert_ne!(name(&at(elsewhere.clone())), name(&at(db.schema.clone())), "names mean other tables there");
    db.run(&format!("DROP SCHEMA {elsewhere} CASCADE")).await;
    db.drop().await;
}

#[tokio::test]
async fn two_users_and_two_spellings_of_an_address_are_targets_with_a_marker_each() {
    let db = Db::new().await;
    db.run(
        "CREATE TABLE t (id int, name text);
         CREATE TABLE millstream_epochs (job text PRIMARY KEY, lineage text NOT NULL, attempt bigint NOT NULL,
             published_lineage text, published_attempt bigint, epoch bigint, published_at timestamptz);
         INSERT INTO millstream_epochs VALUES ('the job', 'a', 1, 'a', 1, 1)",
    )
    .await;
    let tables = [id_name(&db, "t", 0), spelled_otherwise(&db, "t")];
    // A table that knew one row of each job is refused, and becomes what it has to be by what the error says.
    let error = refused(&tables[..1]).await;
    assert_eq!(error.message(), format!("table {}.millstream_epochs is that of an earlier Millstream", db.schema));
    let hint = error.hint().unwrap().to_string();
    db.run(&hint[hint.find("ALTER TABLE").unwrap()..]).await;
    let role = role(&db).await;
    db.run(&format!("GRANT SELECT, INSERT, UPDATE ON millstream_epochs TO {role}")).await;
    let password = format!("secret-{role}");
    let by_role = with(id_name(&db, "t", 0), &[("username", &role), ("password", &password)]);
    let tables: Vec<TableDescriptor> = tables.into_iter().chain([by_role]).collect();
    let mut starts = Vec::new();
    for table in &tables {
        starts.push(Start::new(std::slice::from_ref(table), 2).await);
    }
    // The one that was there goes on.
    let marked: Vec<_> = starts.iter().map(|start| start.marker.as_ref().map(|marker| marker.epoch.0)).collect();
    assert_eq!(marked, [Some(1), None, None]);
    for epoch in [2, 3] {
        for (start, name) in starts.iter().zip(["usual", "spelled", "role"]) {
            let part = start.staged(0, &inserts(&[(epoch, name)])).await;
            start.publish(epoch as u64, &[part]).await.unwrap();
        }
    }
    let expected = ["2|role", "2|spelled", "2|usual", "3|role", "3|spelled", "3|usual"];
    assert_eq!(db.rows("SELECT * FROM t ORDER BY id, name COLLATE \"C\"").await, expected);
    assert_eq!(marker(&db).await, ["the job|a|2|a|2|3"; 3]);
    drop(starts);
    for sql in [format!("DROP OWNED BY {role}"), format!("DROP ROLE {role}")] {
        db.run(&sql).await;
    }
    db.drop().await;
}

#[tokio::test]
async fn many_jobs_that_start_at_once_create_one_table() {
    let db = Db::new().await;
    db.run("CREATE TABLE t (id int, name text)").await;
    let tables = [id_name(&db, "t", 0)];
    let starts = (0..8).map(|i| {
        let context = TargetContext { job: format!("job {i}").into(), ..number("a", 1) };
        Start::try_new(&tables, context)
    });
    for start in futures::future::join_all(starts).await {
        start.unwrap().publish(1, &[]).await.unwrap();
    }
    assert_eq!(marker(&db).await.len(), 8);
    db.drop().await;
}

#[tokio::test]
async fn asking_whether_the_table_can_be_created_creates_nothing() {
    let db = Db::new().await;
    db.run("CREATE TABLE t (id int, name text)").await;
    let sink = jdbc().sink(&id_name(&db, "t", 0)).unwrap();
    let created = format!("SELECT to_regclass('{}.millstream_epochs')", db.schema);
    for _ in 0..2 {
        sink.check(true, &OpenContext::for_test()).await.unwrap();
        assert_eq!(db.rows(&created).await, ["NULL"]);
    }
    db.drop().await;
}
