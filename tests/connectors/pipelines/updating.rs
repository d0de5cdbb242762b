//! Results that are updated, from a topic into PostgreSQL: what stands there is what an independent count says.

use std::collections::BTreeMap;

use opensearch::http::Method;

use super::postgres_trouble::jdbc;
use super::stage::Stage;
use crate::postgres::server;

/// Groups with fewer rows stay, those that grow beyond leave the table again.
const MOST: i64 = 150;

#[tokio::test(flavor = "multi_thread")]
async fn groups_are_upserted_and_those_that_leave_having_are_deleted() {
    let stage = Stage::new().await;
    let input = stage.topic("cpu_load_stats_real").create(2).await;
    stage.db.run("CREATE TABLE counts (hostname text PRIMARY KEY, n bigint, total bigint, distinct_cpus bigint)").await;
    // The h-th host has 40 * h rows: some groups leave.
    let rows: Vec<(String, i64, i64)> =
        (1..=6).flat_map(|h| (0..40 * h).map(move |i| (format!("host{h}"), i % (h + 2), i))).collect();
    input
        .send(rows.iter().map(|(host, cpu, v)| (host, format!("{{\"hostname\":\"{host}\",\"cpu\":{cpu},\"v\":{v}}}"))));
    let counts = jdbc(&stage, &server().address, "", "counts", "");
    let text = format!(
        "SET 'parallelism.default' = '2';\n\
         CREATE TABLE readings (hostname STRING, cpu BIGINT, v BIGINT) WITH ('connector' = 'kafka', \
         'topic' = '{}', 'properties.bootstrap.servers' = '{}', 'format' = 'json', \
         'scan.startup.mode' = 'earliest-offset', 'scan.bounded.mode' = 'latest-offset');\n\
         CREATE TABLE counts (hostname STRING, n BIGINT, total BIGINT, distinct_cpus BIGINT, \
         PRIMARY KEY (hostname) NOT ENFORCED) WITH ({counts});\n\
         INSERT INTO counts SELECT hostname, COUNT(*), SUM(v), COUNT(DISTINCT cpu) FROM readings GROUP BY hostname \
         HAVING COUNT(*) <= {MOST};",
        input.name,
        crate::kafka::broker()
    );
    let ended = stage.start(&[&stage.write("updating.sql", &text)]).end().await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let mut expected: BTreeMap<&str, (i64, i64, std::collections::BTreeSet<i64>)> = BTreeMap::new();
    for (host, cpu, v) in &rows {
        let group = expected.entry(host).or_default();
        group.0 += 1;
        group.1 += v;
        group.2.insert(*cpu);
    }
    let expected: Vec<String> = expected
        .iter()
        .filter(|(_, group)| group.0 <= MOST)
        .map(|(host, (n, total, cpus))| format!("{host}|{n}|{total}|{}", cpus.len()))
        .collect();
    assert!(expected.len() == 3, "some stay, some leave");
    assert_eq!(stage.db.rows("SELECT * FROM counts ORDER BY hostname").await, expected);
    stage.clear().await;
}

/// Where hosts move from slot to slot: each line of a file is a move.
const MOVES: [(&str, i64); 9] = [
    ("doc", 1),
    ("happy", 1),
    ("sleepy", 2),
    ("happy", 2),
    ("doc", 3),
    ("bashful", 1),
    ("sleepy", 3),
    ("doc", 4),
    ("bashful", 5),
];

/// The host that came last into each slot where one still is.
fn slots(moves: &[(&str, i64)]) -> Vec<(i64, String)> {
    let mut slots: BTreeMap<i64, Vec<&str>> = BTreeMap::new();
    let mut at: BTreeMap<&str, i64> = BTreeMap::new();
    for &(host, slot) in moves {
        if let Some(old) = at.insert(host, slot) {
            slots.entry(old).or_default().retain(|other| *other != host);
        }
        slots.entry(slot).or_default().push(host);
    }
    slots.into_iter().filter_map(|(slot, hosts)| Some((slot, hosts.last()?.to_string()))).collect()
}

/// A table of the moves, read in order.
fn moves(stage: &Stage) -> String {
    let lines: String =
        MOVES.iter().map(|(host, slot)| format!("{{\"hostname\":\"{host}\",\"slot\":{slot}}}\n")).collect();
    let path = stage.write("moves.json", &lines);
    format!(
        "CREATE TABLE moves (hostname STRING, slot BIGINT) WITH ('connector' = 'filesystem', 'path' = '{path}', \
         'format' = 'json');\n"
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_of_another_key_than_the_primary_key_are_put_in_order() {
    let stage = Stage::new().await;
    stage.db.run("CREATE TABLE slots (slot bigint PRIMARY KEY, hostname text)").await;
    let expected = slots(&MOVES);
    assert!(expected.contains(&(3, "sleepy".to_string())), "one covers another: {expected:?}");
    // However few rows a flush has, the same stands there in the end.
    for flush in ["1", "2", "1000"] {
        stage.db.run("DELETE FROM slots").await;
        let more = format!(", 'sink.buffer-flush.max-rows' = '{flush}'");
        let sink = jdbc(&stage, &server().address, "", "slots", &more);
        let index =
            format!("'connector' = 'opensearch', 'hosts' = '{}', 'index' = '{}'", stage.index.host, stage.index.name);
        let text = format!(
            "SET 'parallelism.default' = '1';\n{}\
             CREATE TABLE slots (slot BIGINT, hostname STRING, PRIMARY KEY (slot) NOT ENFORCED) WITH ({sink});\n\
             CREATE TABLE documents (slot BIGINT, hostname STRING, PRIMARY KEY (slot) NOT ENFORCED) WITH ({index}, \
             'sink.bulk-flush.max-actions' = '{flush}');\n\
             CREATE VIEW lasts AS SELECT LAST_VALUE(slot), hostname FROM moves GROUP BY hostname;\n\
             EXECUTE STATEMENT SET BEGIN INSERT INTO slots SELECT * FROM lasts; INSERT INTO documents SELECT * FROM lasts; END;",
            moves(&stage)
        );
        let ended = stage.start(&[&stage.write("slots.sql", &text)]).end().await;
        assert_eq!(ended.code, Some(0), "{ended:?}");
        let rows: Vec<String> = expected.iter().map(|(slot, host)| format!("{slot}|{host}")).collect();
        assert_eq!(stage.db.rows("SELECT * FROM slots ORDER BY slot").await, rows, "flushed by {flush}");
        let documents: serde_json::Value = expected
            .iter()
            .map(|(slot, host)| serde_json::json!([slot.to_string(), {"slot": slot, "hostname": host}]))
            .collect();
        assert_eq!(stage.index.documents().await, documents, "sent by {flush}");
    }
    stage.clear().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn documents_are_changed_in_part_and_those_that_leave_having_are_deleted() {
    let stage = Stage::new().await;
    // What others have written beside stays; what isn't there can be deleted.
    let other = r#"{"hostname": "happy", "note": "a new fan"}"#;
    stage.index.call(Method::Put, "/INDEX/_doc/happy?refresh=true", Some(other)).await;
    let text = format!(
        "SET 'parallelism.default' = '1';\n{}\
         CREATE TABLE documents (hostname STRING, moves BIGINT, PRIMARY KEY (hostname) NOT ENFORCED) WITH (\
         'connector' = 'opensearch', 'hosts' = '{}', 'index' = '{}');\n\
         INSERT INTO documents SELECT hostname, COUNT(*) FROM moves GROUP BY hostname;\n\
         CREATE TABLE few (hostname STRING, few BIGINT, PRIMARY KEY (hostname) NOT ENFORCED) WITH (\
         'connector' = 'opensearch', 'hosts' = '{}', 'index' = '{}-few');\n\
         INSERT INTO few SELECT CONCAT('few ', hostname), COUNT(*) FROM moves GROUP BY CONCAT('few ', hostname) \
         HAVING COUNT(*) < 3;",
        moves(&stage),
        stage.index.host,
        stage.index.name,
        stage.index.host,
        stage.index.name
    );
    let ended = stage.start(&[&stage.write("documents.sql", &text)]).end().await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let expected = serde_json::json!([
        ["bashful", {"hostname": "bashful", "moves": 2}],
        ["doc", {"hostname": "doc", "moves": 3}],
        ["few bashful", {"hostname": "few bashful", "few": 2}],
        ["few happy", {"hostname": "few happy", "few": 2}],
        ["few sleepy", {"hostname": "few sleepy", "few": 2}],
        ["happy", {"hostname": "happy", "note": "a new fan", "moves": 2}],
        ["sleepy", {"hostname": "sleepy", "moves": 2}],
    ]);
    assert_eq!(stage.index.documents().await, expected);
    stage.clear().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn updates_that_postgresql_has_no_room_for_or_forbids_are_named_or_skipped() {
    let stage = Stage::new().await;
    let table = "CREATE TABLE sums (hostname text PRIMARY KEY, n numeric(4, 2) CHECK (n <> 8))";
    stage.db.run(table).await;
    let job = |handling: &str, value: &str| {
        let more = format!(", 'sink.buffer-flush.max-rows' = '1'{handling}");
        let sink = jdbc(&stage, &server().address, "", "sums", &more);
        let text = format!(
            "SET 'parallelism.default' = '1';\n{}\
             CREATE TABLE sums (hostname STRING, n DECIMAL(10, 2), PRIMARY KEY (hostname) NOT ENFORCED) WITH ({sink});\n\
             INSERT INTO sums SELECT hostname, {value} FROM moves GROUP BY hostname;",
            moves(&stage)
        );
        stage.start(&[&stage.write("sums.sql", &text)])
    };
    // doc was in 1, 3 and 4: 40 * 8 is 320.
    let ended = job("", "CAST(SUM(slot) * 40 AS DECIMAL(10, 2))").end().await;
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.stderr.contains("is out of range for numeric(4,2)"), "{ended:?}");
    assert!(ended.stderr.contains("\"n\""), "the column is named: {ended:?}");
    let ended = job("", "CAST(SUM(slot) AS DECIMAL(10, 2))").end().await;
    assert_eq!(ended.code, Some(1), "doc comes to 8: {ended:?}");
    assert!(ended.stderr.contains("sums_n_check") && ended.stderr.contains("doc"), "{ended:?}");
    // The change that was refused is left out: what stood there before it stays, and the others come.
    let ended = job(", 'error-handling.mode' = 'skip'", "CAST(SUM(slot) AS DECIMAL(10, 2))").end().await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.stderr.contains("1 rejected (1 write)"), "{ended:?}");
    let rows = ["bashful|6.00", "doc|4.00", "happy|3.00", "sleepy|5.00"];
    assert_eq!(stage.db.rows("SELECT * FROM sums ORDER BY hostname").await, rows);
    stage.clear().await;
}
