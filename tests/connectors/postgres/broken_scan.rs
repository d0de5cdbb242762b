//! A scan whose connection breaks: it can't go on, and nobody may take what came for all there is.

use millstream::types::TypeKind as T;

use super::*;
use crate::pipelines::cutter::{Cut, Cutter};
use crate::pipelines::job::{Ended, Job};

const HINT: &str = "A scan can't go on where it broke off. Run the statement again from the start";

#[tokio::test]
async fn a_scan_whose_connection_ends_is_an_error_and_not_the_end() {
    let db = Db::new().await;
    let base = db.table("q", &[("a", T::Int), ("b", string())], 0);
    let url = format!("{}?ApplicationName={}", base.options.get("url").unwrap(), db.schema);
    // So much that the server has to wait with most of it.
    let query = "(SELECT i AS a, repeat('x', 1000) AS b FROM generate_series(1, 200000) AS i) AS q";
    let source = jdbc().source(&with(base, &[("url", &url), ("table-name", query)])).unwrap();
    let context = OpenContext::for_test();
    let mut reader = source.open(source.splits(&context).await.unwrap(), &context).await.unwrap();
    let (mut rows, mut ended) = (0, false);
    let error = loop {
        match reader.next().await {
            Ok(SourceEvent::Rows { rows: batch, .. }) => rows += batch.num_rows(),
            Ok(SourceEvent::SplitStart(_)) => {}
            Ok(event) => panic!("{event:?} after {rows} rows"),
            Err(error) => break error,
        }
        if !std::mem::replace(&mut ended, true) {
            let end = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE application_name";
            assert_eq!(db.rows(&format!("{end} = '{}'", db.schema)).await, ["t"]);
        }
    };
    assert!(rows < 200_000);
    assert!(error.message().starts_with("cannot read q: "), "{error}");
    assert!(error.hint().unwrap().starts_with(HINT), "{error}");
    // The position promises nothing of the part that was read.
    assert_eq!(reader.positions()[0].position, "");
    db.drop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scan_that_has_given_no_row_yet_begins_anew() {
    let (db, other) = (Db::new().await, Db::new().await);
    db.run("CREATE TABLE t AS SELECT i AS a FROM generate_series(1, 1000) AS i").await;
    let base = db.table("t", &[("a", T::Int)], 0);
    let url = format!("{}?ApplicationName={}", base.options.get("url").unwrap(), db.schema);
    let source = jdbc().source(&with(base, &[("url", &url)])).unwrap();
    let (context, told) = context();
    let mut reader = source.open(source.splits(&context).await.unwrap(), &context).await.unwrap();
    other.run(&format!("BEGIN; LOCK TABLE {}.t IN ACCESS EXCLUSIVE MODE", db.schema)).await;
    let reading = tokio::spawn(async move {
        let mut rows = 0;
        loop {
            match reader.next().await? {
                SourceEvent::Rows { rows: batch, .. } => rows += batch.num_rows(),
                SourceEvent::End => return Ok::<_, millstream::Error>(rows),
                _ => {}
            }
        }
    });
    let waits = "FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND application_name";
    while db.rows(&format!("SELECT count(*) {waits} = '{}'", db.schema)).await != ["1"] {
        tokio::task::yield_now().await;
    }
    db.rows(&format!("SELECT pg_terminate_backend(pid, 5000) {waits} = '{}'", db.schema)).await;
    other.run("COMMIT").await;
    assert_eq!(reading.await.unwrap().unwrap(), 1000);
    let told = told.lock().unwrap().clone();
    assert!(told.iter().any(|line| line.contains("cannot read t: ")), "{told:?}");
    assert!(told.iter().any(|line| line.ends_with(" answers again")), "{told:?}");
    other.drop().await;
    db.drop().await;
}

/// Runs a job that copies `numbers`, read at this address, into `copies`.
async fn copy(db: &Db, address: &str) -> Ended {
    let Server { address: direct, user, password, database } = server();
    let password = password.unwrap_or_default();
    let table = |name: &str, address: &str, key: &str| {
        format!(
            "CREATE TABLE {name} (i INT, t STRING{key}) WITH ('connector' = 'jdbc', \
             'url' = 'jdbc:postgresql://{address}/{database}?sslmode=disable', 'username' = '{user}', \
             'password' = '{password}', 'table-name' = '{}.{name}');",
            db.schema
        )
    };
    let (numbers, copies) = (table("numbers", address, ""), table("copies", &direct, ", PRIMARY KEY (i) NOT ENFORCED"));
    let folder = tempfile::tempdir().unwrap();
    let sql = format!("{numbers} {copies} INSERT INTO copies SELECT i, t FROM numbers;");
    Job::start(folder.path(), &["-e", &sql]).end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_whose_scan_breaks_off_fails_with_one_error_and_is_whole_when_it_is_run_again() {
    let db = Db::new().await;
    db.run(
        "CREATE TABLE numbers AS SELECT i, 'row ' || i AS t FROM generate_series(1, 50000) AS i;
         CREATE TABLE copies (i int PRIMARY KEY, t text)",
    )
    .await;
    let cutter = Cutter::new(server().address, [Cut::Answer(500_000); 20]).await;
    let ended = copy(&db, &cutter.address).await;
    assert_eq!((ended.code, cutter.cuts()), (Some(1), 1), "{ended:?}");
    assert_eq!(ended.stderr.matches("error: ").count(), 1, "{}", ended.stderr);
    let lost = format!("cannot read numbers: lost the connection to PostgreSQL at {}/", cutter.address);
    for part in [&lost, HINT] {
        assert!(ended.stderr.contains(part), "{part:?} is missing:\n{}", ended.stderr);
    }
    // What came before is no other than it was; the second run brings the rest.
    let made_up = "SELECT count(*) FROM copies AS c LEFT JOIN numbers AS n USING (i) WHERE n.t IS DISTINCT FROM c.t";
    assert_eq!(db.rows(made_up).await, ["0"]);
    let ended = copy(&db, &server().address).await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let same = "SELECT count(*), (SELECT count(*) FROM (TABLE numbers EXCEPT TABLE copies) AS d) FROM copies";
    assert_eq!(db.rows(same).await, ["50000|0"]);
    db.drop().await;
}
