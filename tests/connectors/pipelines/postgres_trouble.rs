//! A PostgreSQL that makes jobs wait, or breaks off: locks, deadlocks, queries that hang, cut connections. Every row
//! arrives, and people read what is waited for.

use std::time::Instant;

use super::cutter::{Cut, Cutter};
use super::job::{Job, pause};
use super::stage::Stage;
use crate::kafka::PATIENCE;
use crate::postgres::{Db, server};

/// The options of a table by way of `address`.
pub fn jdbc(stage: &Stage, address: &str, parameters: &str, table: &str, more: &str) -> String {
    let server = server();
    let password = server.password.map(|p| format!(", 'password' = '{p}'")).unwrap_or_default();
    format!(
        "'connector' = 'jdbc', 'url' = 'jdbc:postgresql://{address}/{}?{parameters}', 'username' = '{}'{password}, \
         'table-name' = '{}.{table}'{more}",
        server.database, server.user, stage.db.schema
    )
}

/// A source of the numbers from 1 to `count`.
fn numbers(count: usize, per_second: usize) -> String {
    format!(
        "CREATE TABLE numbers (id BIGINT, proc AS PROCTIME()) WITH ('connector' = 'datagen', \
         'rows-per-second' = '{per_second}', 'fields.id.kind' = 'sequence', 'fields.id.start' = '1', \
         'fields.id.end' = '{count}');\n"
    )
}

async fn says(job: &mut Job, part: &str) {
    let start = Instant::now();
    while !job.said().contains(part) {
        job.check();
        assert!(start.elapsed() < PATIENCE, "nobody says {part:?}:\n{}", job.said());
        pause().await;
    }
}

/// Waits until a query answers this.
async fn answers(db: &Db, sql: &str, expected: &str, job: &mut Job) {
    let start = Instant::now();
    while db.rows(sql).await != [expected] {
        job.check();
        assert!(start.elapsed() < PATIENCE, "{sql} never answers {expected}:\n{}", job.said());
        pause().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_locked_row_is_waited_for_and_people_read_who_holds_it() {
    let (stage, other) = (Stage::new().await, Db::new().await);
    stage.db.run("CREATE TABLE t (id bigint PRIMARY KEY, v bigint); INSERT INTO t VALUES (1500, 0)").await;
    let t = format!("{}.t", stage.db.schema);
    other.run(&format!("SET application_name = 'night shift'; BEGIN; UPDATE {t} SET v = -1 WHERE id = 1500")).await;
    let holder = other.rows("SELECT pg_backend_pid()").await.remove(0);
    let sink = jdbc(&stage, &server().address, "", "t", ", 'sink.buffer-flush.max-rows' = '1000'");
    let text = format!(
        "{}CREATE TABLE t (id BIGINT, v BIGINT, PRIMARY KEY (id) NOT ENFORCED) WITH ({sink});\n\
         INSERT INTO t SELECT id, id * 2 FROM numbers;",
        numbers(5000, 100_000)
    );
    let mut job = stage.start(&[&stage.write("lock.sql", &text)]);
    let waits = format!("waiting for a lock that process {holder} ({}, night shift) holds", server().user);
    says(&mut job, &waits).await;
    other.run("COMMIT").await;
    let ended = job.end().await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(!ended.stderr.contains("trying again"), "{ended:?}");
    assert_eq!(stage.db.rows("SELECT count(*), bool_and(v = id * 2) FROM t").await, ["5000|t"]);
    other.drop().await;
    stage.clear().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deadlock_is_tried_again_and_no_row_is_lost() {
    let (stage, other) = (Stage::new().await, Db::new().await);
    stage.db.run("CREATE TABLE t (id bigint PRIMARY KEY, v bigint); INSERT INTO t VALUES (1700, 0), (1900, 0)").await;
    let t = format!("{}.t", stage.db.schema);
    // Whoever looks for deadlocks first is the victim: it shall be the job.
    other.run(&format!("SET deadlock_timeout = '1h'; BEGIN; UPDATE {t} SET v = -1 WHERE id = 1900")).await;
    let holder = other.rows("SELECT pg_backend_pid()").await.remove(0);
    let sink = jdbc(
        &stage,
        &server().address,
        "options=-c%20deadlock_timeout=5s",
        "t",
        ", 'sink.buffer-flush.max-rows' = '1000', 'sink.buffer-flush.interval' = '0'",
    );
    let text = format!(
        "{}CREATE TABLE t (id BIGINT, v BIGINT, PRIMARY KEY (id) NOT ENFORCED) WITH ({sink});\n\
         INSERT INTO t SELECT id, id * 2 FROM numbers;",
        numbers(5000, 100_000)
    );
    let mut job = stage.start(&[&stage.write("deadlock.sql", &text)]);
    let blocked = format!("SELECT count(*) FROM pg_stat_activity WHERE {holder} = ANY (pg_blocking_pids(pid))");
    answers(&stage.db, &blocked, "1", &mut job).await;
    // The job has the first row and waits for the second.
    other.run(&format!("UPDATE {t} SET v = -1 WHERE id = 1700; COMMIT")).await;
    let ended = job.end().await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.stderr.contains("deadlock detected (40P01); trying again"), "{ended:?}");
    assert_eq!(stage.db.rows("SELECT count(*), bool_and(v = id * 2) FROM t").await, ["5000|t"]);
    other.drop().await;
    stage.clear().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lookup_that_hangs_is_asked_again_on_a_new_connection() {
    let (stage, other) = (Stage::new().await, Db::new().await);
    stage
        .db
        .run("CREATE TABLE names AS SELECT i::bigint AS id, 'name ' || i AS name FROM generate_series(1, 1000) i")
        .await;
    stage.db.run("CREATE TABLE t (id bigint, name text)").await;
    let address = server().address;
    let names = jdbc(&stage, &address, "", "names", ", 'lookup.timeout' = '1 s'");
    let sink = jdbc(&stage, &address, "", "t", ", 'sink.buffer-flush.interval' = '50 ms'");
    let text = format!(
        "{}CREATE TABLE NAMES (id BIGINT, name STRING) WITH ({names});\n\
         CREATE TABLE t (id BIGINT, name STRING) WITH ({sink});\n\
         INSERT INTO t SELECT n.id, l.name FROM numbers AS n \
         JOIN NAMES FOR SYSTEM_TIME AS OF n.proc AS l ON n.id = l.id;",
        numbers(1000, 100)
    );
    let mut job = stage.start(&[&stage.write("hang.sql", &text)]);
    answers(&stage.db, "SELECT count(*) > 0 FROM t", "t", &mut job).await;
    other.run(&format!("BEGIN; LOCK TABLE {}.names IN ACCESS EXCLUSIVE MODE", stage.db.schema)).await;
    says(&mut job, "lookup of NAMES: no answer from PostgreSQL at").await;
    other.run("COMMIT").await;
    let ended = job.end().await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let whole = "SELECT count(*), count(DISTINCT id), bool_and(name = 'name ' || id) FROM t";
    assert_eq!(stage.db.rows(whole).await, ["1000|1000|t"]);
    assert!(ended.stderr.contains(" rows out, ") && ended.stderr.contains(" retr"), "{ended:?}");
    other.drop().await;
    stage.clear().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lookup_that_never_answers_fails_the_job_by_name_and_leaves_no_query_behind() {
    let stage = Stage::new().await;
    stage.db.run("CREATE VIEW slow AS SELECT 1::bigint AS id, pg_sleep(3600)::text AS name").await;
    stage.db.run("CREATE TABLE t (id bigint, name text)").await;
    let parameters = format!("ApplicationName={}", stage.db.schema);
    let more = ", 'lookup.timeout' = '300 ms', 'lookup.max-retries' = '1'";
    let slow = jdbc(&stage, &server().address, &parameters, "slow", more);
    let sink = jdbc(&stage, &server().address, "", "t", "");
    let text = format!(
        "{}CREATE TABLE SLOW (id BIGINT, name STRING) WITH ({slow});\n\
         CREATE TABLE t (id BIGINT, name STRING) WITH ({sink});\n\
         INSERT INTO t SELECT n.id, l.name FROM numbers AS n \
         JOIN SLOW FOR SYSTEM_TIME AS OF n.proc AS l ON n.id = l.id;",
        numbers(1000, 100)
    );
    let ended = stage.start(&[&stage.write("slow.sql", &text)]).end().await;
    assert_eq!(ended.code, Some(1), "{ended:?}");
    let said = format!("{}{}", ended.stdout, ended.stderr);
    let failed = "cannot look up rows of table \"SLOW\" (connector \"jdbc\"): no answer from PostgreSQL at";
    for part in ["lookup of SLOW: no answer from PostgreSQL at", "trying again", failed, "within 0.3 s"] {
        assert!(said.contains(part), "{part:?} is missing:\n{said}");
    }
    let left = format!("SELECT count(*) FROM pg_stat_activity WHERE application_name = '{}'", stage.db.schema);
    let start = Instant::now();
    while stage.db.rows(&left).await != ["0"] {
        assert!(start.elapsed() < PATIENCE, "a query is still running");
        pause().await;
    }
    stage.clear().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scan_that_gets_no_answer_says_so_and_ends_as_the_address_says() {
    let stage = Stage::new().await;
    stage.db.run("CREATE TABLE t (id bigint)").await;
    stage.db.run("CREATE VIEW slow AS SELECT 1::bigint AS id FROM (SELECT pg_sleep(3600)::text AS x OFFSET 0) s WHERE x <> 'x'").await;
    let slow = jdbc(&stage, &server().address, "socketTimeout=4", "slow", "");
    let sink = jdbc(&stage, &server().address, "", "t", "");
    let text = format!(
        "CREATE TABLE slow (id BIGINT) WITH ({slow});\nCREATE TABLE t (id BIGINT) WITH ({sink});\n\
         INSERT INTO t SELECT id FROM slow;"
    );
    let ended = stage.start(&[&stage.write("scan.sql", &text)]).end().await;
    assert_eq!(ended.code, Some(1), "{ended:?}");
    let said = format!("{}{}", ended.stdout, ended.stderr);
    for part in ["reading from PostgreSQL at", "no answer yet", "cannot read slow: no answer from", "within 4 s"] {
        assert!(said.contains(part), "{part:?} is missing:\n{said}");
    }
    stage.clear().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_is_cut_in_the_middle_of_a_flush_loses_nothing() {
    let stage = Stage::new().await;
    // By COPY, by an INSERT of arrays, and row by row.
    stage.db.run("CREATE TABLE appended (id bigint, v text)").await;
    stage.db.run("CREATE TABLE upserted (id bigint PRIMARY KEY, v text)").await;
    stage.db.run("CREATE TABLE listed (id bigint PRIMARY KEY, v text[])").await;
    for (name, key, value, expected) in [
        ("appended", "", "REPEAT('x', 100)", "repeat('x', 100)"),
        ("upserted", ", PRIMARY KEY (id) NOT ENFORCED", "REPEAT('x', 100)", "repeat('x', 100)"),
        ("listed", ", PRIMARY KEY (id) NOT ENFORCED", "ARRAY[REPEAT('x', 100)]", "ARRAY[repeat('x', 100)]"),
    ] {
        // The first connection asks only whether the table is there.
        let cutter = Cutter::new(server().address, [usize::MAX, 30_000, 75_000, 200_000].map(Cut::Request)).await;
        let sink = jdbc(&stage, &cutter.address, "sslmode=disable", name, ", 'sink.buffer-flush.max-rows' = '1000'");
        let ty = if name == "listed" { "ARRAY<STRING>" } else { "STRING" };
        let text = format!(
            "{}CREATE TABLE t (id BIGINT, v {ty}{key}) WITH ({sink});\n\
             INSERT INTO t SELECT id, {value} FROM numbers;",
            numbers(5000, 100_000)
        );
        let ended = stage.start(&[&stage.write("cut.sql", &text)]).end().await;
        assert_eq!(ended.code, Some(0), "{name}: {ended:?}");
        assert_eq!(cutter.cuts(), 3, "{name}: {ended:?}");
        assert!(ended.stderr.contains("trying again"), "{name}: {ended:?}");
        let whole = format!("SELECT count(DISTINCT id), bool_and(v = {expected}) FROM {name}");
        assert_eq!(stage.db.rows(&whole).await, ["5000|t"], "{name}");
    }
    stage.clear().await;
}
