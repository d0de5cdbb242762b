//! A database that is away, comes, breaks off and comes back.

use std::sync::atomic::Ordering;

use arrow::array::{ArrayRef, Int32Array};
use millstream::changelog::ChangelogBatch;
use millstream::connectors::LookupRequest;
use millstream::types::TypeKind as T;
use tokio::net::{TcpListener, TcpStream};

use super::*;

/// Passes connections on to the server.
async fn forward(listener: TcpListener) {
    loop {
        let (mut inner, _) = listener.accept().await.unwrap();
        tokio::spawn(async move {
            let mut outer = TcpStream::connect(server().address).await.unwrap();
            let _ = tokio::io::copy_bidirectional(&mut inner, &mut outer).await;
        });
    }
}

fn at(table: TableDescriptor, port: u16, more: &str) -> TableDescriptor {
    let url = format!("jdbc:postgresql://127.0.0.1:{port}/{}{more}", server().database);
    with(table, &[("url", &url)])
}

#[tokio::test]
async fn a_database_that_is_not_there_yet_is_waited_for() {
    let db = Db::new().await;
    db.run("CREATE TABLE t (a int)").await;
    let port = free_port().await;
    let table = at(db.table("t", &[("a", T::Int)], 0), port, "");
    // The server appears once people have been told that it is waited for.
    let (tell, told) = tokio::sync::oneshot::channel::<String>();
    let tell = Mutex::new(Some(tell));
    let reporter = Reporter::new(move |line| {
        if let Some(tell) = tell.lock().unwrap().take() {
            tell.send(line.to_string()).unwrap();
        }
    });
    let context = OpenContext { reporter, ..OpenContext::for_test() };
    let appear = async {
        let line = told.await.unwrap();
        let listener = TcpListener::bind(("127.0.0.1", port)).await.unwrap();
        tokio::spawn(forward(listener));
        line
    };
    let sink = jdbc().sink(&table).unwrap();
    let (opened, line) = tokio::join!(sink.open(&context), appear);
    opened.unwrap();
    assert!(line.starts_with(&format!("waiting for PostgreSQL at 127.0.0.1:{port}/")), "{line}");
    assert!(line.contains("refused"), "{line}");
    db.drop().await;
}

#[tokio::test]
async fn waiting_has_an_end() {
    let db = Db::new().await;
    let port = free_port().await;
    let table = with(at(db.table("t", &[("a", T::Int)], 0), port, ""), &[("connection.max-retry-timeout", "300 ms")]);
    let error = read(&*jdbc().source(&table).unwrap()).await.unwrap_err().to_string();
    assert!(error.contains(&format!("gave up on PostgreSQL at 127.0.0.1:{port}")), "{error}");
    db.drop().await;
}

#[tokio::test]
async fn a_lookup_survives_a_broken_connection() {
    let db = Db::new().await;
    db.run("CREATE TABLE t (a int, b int); INSERT INTO t VALUES (1, 10)").await;
    let application = format!("?ApplicationName={}", db.schema);
    let base = db.table("t", &[("a", T::Int), ("b", T::Int)], 0);
    let url = format!("{}{application}", base.options.get("url").unwrap());
    let table = with(base, &[("url", &url)]);
    let request = LookupRequest { key_columns: vec![0], projection: vec![1], filters: vec![] };
    let (context, told) = context();
    let lookup = jdbc().lookup(&table).unwrap().open(&request, &context).await.unwrap();
    let keys: ArrayRef = Arc::new(Int32Array::from(vec![1]));
    let keys = RecordBatch::try_from_iter([("a", keys)]).unwrap();
    for round in 0..3 {
        let answer = lookup.lookup(&keys).await.unwrap();
        assert_eq!(text(&answer.rows), ["10"], "round {round}");
        let killed = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE application_name";
        assert_eq!(db.rows(&format!("{killed} = '{}'", db.schema)).await, ["t"]);
    }
    // The table may change its types, too: the statement is prepared anew.
    lookup.lookup(&keys).await.unwrap();
    db.run("ALTER TABLE t ALTER b TYPE bigint").await;
    assert_eq!(text(&lookup.lookup(&keys).await.unwrap().rows), ["10"]);
    drop(told);
    db.drop().await;
}

#[tokio::test]
async fn a_flush_is_sent_again_after_a_broken_connection() {
    let db = Db::new().await;
    db.run("CREATE TABLE t (a int PRIMARY KEY)").await;
    let base = db.table("t", &[("a", T::Int)], 1);
    let url = format!("{}?ApplicationName={}", base.options.get("url").unwrap(), db.schema);
    let table = with(base, &[("url", &url)]);
    let (context, _) = context();
    let mut writer = jdbc().sink(&table).unwrap().open(&context).await.unwrap();
    for round in 0..3 {
        let rows: ArrayRef = Arc::new(Int32Array::from(vec![round]));
        let rows = RecordBatch::try_new(table.columns.arrow(), vec![rows]).unwrap();
        writer.write(ChangelogBatch::inserts(rows)).await.unwrap();
        let killed = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE application_name";
        assert_eq!(db.rows(&format!("{killed} = '{}'", db.schema)).await, ["t"]);
        writer.flush().await.unwrap();
    }
    assert_eq!(db.rows("SELECT a FROM t ORDER BY a").await, ["0", "1", "2"]);
    db.drop().await;
}

#[tokio::test]
async fn a_transaction_that_collides_is_tried_again() {
    let db = Db::new().await;
    // The first write fails as serialization conflicts do, the second goes through.
    db.run(
        "CREATE TABLE t (a int PRIMARY KEY); CREATE SEQUENCE tries;
         CREATE FUNCTION collide() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
             IF nextval('tries') < 3 THEN RAISE EXCEPTION 'could not serialize' USING ERRCODE = '40001'; END IF;
             RETURN NEW; END $$",
    )
    .await;
    db.run(&format!("ALTER FUNCTION collide() SET search_path = {}", db.schema)).await;
    db.run("CREATE TRIGGER collide BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION collide()").await;
    let table = db.table("t", &[("a", T::Int)], 1);
    let (context, told) = context();
    let mut writer = jdbc().sink(&table).unwrap().open(&context).await.unwrap();
    let rows: ArrayRef = Arc::new(Int32Array::from(vec![1]));
    let rows = RecordBatch::try_new(table.columns.arrow(), vec![rows]).unwrap();
    writer.write(ChangelogBatch::inserts(rows)).await.unwrap();
    writer.flush().await.unwrap();
    assert_eq!(db.rows("SELECT a FROM t").await, ["1"]);
    let metrics = &context.metrics;
    let counted = [&metrics.requests, &metrics.errors, &metrics.retries].map(|count| count.load(Ordering::Relaxed));
    assert_eq!(counted, [3, 2, 2]);
    assert!(told.lock().unwrap()[0].contains("could not serialize"));
    db.drop().await;
}
