//! What leaves an identity as it is, and what changes it.

use super::*;
use crate::session::Session;
use crate::span::SourceText;
use crate::sql::{StatementKind, parse_script};

const TABLES: &str = "
CREATE TABLE cpu_in (host STRING, cpu STRING, usage DOUBLE, n INT, tags ARRAY<STRING>, ts TIMESTAMP(3), p AS PROCTIME(),
  WATERMARK FOR ts AS ts) WITH ('connector' = 'datagen');
CREATE TABLE orders (id INT PRIMARY KEY NOT ENFORCED, shop STRING, total INT) WITH (
  'connector' = 'upsert-kafka', 'topic' = 'orders', 'properties.bootstrap.servers' = '127.0.0.1:9092',
  'key.format' = 'json', 'value.format' = 'json');
CREATE VIEW renamed AS SELECT host AS hostname, usage AS load_now, cpu FROM cpu_in WHERE n > 3;
CREATE TABLE a (k STRING, v BIGINT) WITH ('connector' = 'blackhole');
CREATE TABLE b (k STRING, v BIGINT) WITH ('connector' = 'blackhole');
";

/// The plan of the last statement, the others being settings.
async fn plan(statements: &str) -> StreamPlan {
    let sql = format!("{TABLES}{statements}");
    let text = SourceText::new("test", sql.as_str());
    let mut session = Session::new();
    session.set("parallelism.default", "1").unwrap();
    let parsed: Vec<_> =
        parse_script(&text).into_iter().map(|s| s.unwrap_or_else(|e| panic!("{e} in {sql}"))).collect();
    let (query, before) = parsed.split_last().unwrap();
    for statement in before {
        if let Err(error) = session.execute_statement(statement, &text).await {
            panic!("{error} in {sql}");
        }
    }
    let planned = match &query.kind {
        StatementKind::Query(query) => session.script_query(query),
        StatementKind::Insert(insert) => session.script_inserts(std::slice::from_ref(insert.as_ref())),
        StatementKind::StatementSet(inserts) => session.script_inserts(inserts),
        _ => panic!("no query: {sql}"),
    };
    planned.unwrap_or_else(|error| panic!("{error} in {sql}")).0
}

async fn texts(statements: &str) -> Vec<String> {
    keepers(&plan(statements).await).into_iter().flatten().map(|keeper| keeper.text).collect()
}

async fn ids(statements: &str) -> Vec<Identity> {
    identities(&plan(statements).await).into_iter().flatten().collect()
}

const WINDOWS: &str = "FROM TABLE(TUMBLE(TABLE cpu_in, DESCRIPTOR(ts), INTERVAL '30' SECOND))";
const SESSIONS: &str = "TABLE(SESSION(TABLE cpu_in PARTITION BY host, DESCRIPTOR(ts), INTERVAL '10' SECOND))";

#[tokio::test]
async fn identities_are_read_as_what_a_node_does_to_which_rows() {
    let expected: [(&str, &[&str]); 14] = [
        ("SELECT host, COUNT(*) FROM cpu_in GROUP BY host", &["GroupAggregate(host) of cpu_in"]),
        ("SELECT COUNT(*) FROM cpu_in", &["GroupAggregate() of cpu_in"]),
        (
            "SELECT SUM(n + 1) FROM cpu_in GROUP BY UPPER(host), n + 1",
            &["GroupAggregate(UPPER(host), (n + 1)) of cpu_in"],
        ),
        ("SELECT COUNT(*) FROM cpu_in GROUP BY CAST(n AS BIGINT)", &["GroupAggregate(CAST<BIGINT>(n)) of cpu_in"]),
        (
            "SELECT m, COUNT(*) FROM (SELECT cpu, MAX(n) AS m FROM cpu_in GROUP BY cpu) GROUP BY m",
            &["GroupAggregate(cpu) of cpu_in", "GroupAggregate(MAX(n)) of GroupAggregate(cpu) of cpu_in"],
        ),
        (
            "SELECT host, COUNT(*) FROM cpu_in GROUP BY GROUPING SETS ((host), ())",
            &["GroupAggregate(host, GROUPING SETS {host} {}) of cpu_in"],
        ),
        (
            "SELECT tag, COUNT(*) FROM cpu_in, UNNEST(tags) AS t (tag) GROUP BY tag",
            &["GroupAggregate(UNNEST(tags).1) of cpu_in"],
        ),
        ("SELECT host FROM cpu_in LIMIT 3", &["Limit of cpu_in"]),
        ("SELECT shop FROM orders WHERE total > 3", &["ChangelogNormalize(id) of orders"]),
        (
            "SELECT shop, SUM(total) FROM orders GROUP BY shop",
            &["ChangelogNormalize(id) of orders", "GroupAggregate(shop) of orders"],
        ),
        (
            "SELECT host, COUNT(*) FROM (SELECT host FROM cpu_in UNION ALL SELECT shop FROM orders) GROUP BY host",
            &[
                "Source of orders",
                "ChangelogNormalize(id) of orders",
                "GroupAggregate((host UNION shop)) of (cpu_in UNION orders)",
            ],
        ),
        (
            &format!("SELECT host, COUNT(*) {WINDOWS} GROUP BY host, window_start, window_end"),
            &["WindowAggregate(host, window_end of TUMBLE(30 s, ts)) of cpu_in"],
        ),
        (&format!("SELECT * FROM {SESSIONS}"), &["SessionWindows(host, SESSION(10 s, ts)) of cpu_in"]),
        (
            "SELECT COUNT(*) FROM cpu_in GROUP BY HOP(p, INTERVAL '1' SECOND, INTERVAL '1' MINUTE)",
            &["WindowAggregate(window_end of HOP(1 s, 1 min, p, PROCTIME)) of cpu_in"],
        ),
    ];
    for (sql, expected) in expected {
        let texts = texts(sql).await;
        assert_eq!(texts[0].strip_prefix("Source of ").map(|table| table.len()), Some(6), "{texts:?}");
        assert_eq!(texts[1..], *expected, "{sql}");
    }
}

#[tokio::test]
async fn names_filters_other_columns_and_phases_leave_an_identity_as_it_is() {
    let two_phases = "SET 'table.optimizer.agg-phase-strategy' = 'TWO_PHASE';";
    let mini_batch = "SET 'table.exec.mini-batch.enabled' = 'true'; SET 'table.exec.mini-batch.size' = '10';
         SET 'table.exec.mini-batch.allow-latency' = '1 s';";
    let windows = format!("SELECT host, COUNT(*) {WINDOWS} GROUP BY host, window_start, window_end");
    let of_changes =
        format!("SELECT MAX(c), shop FROM ({}) GROUP BY shop", "SELECT shop, COUNT(*) AS c FROM orders GROUP BY shop");
    let same: [&[String]; 5] = [
        &[
            "SELECT host, COUNT(*) FROM cpu_in GROUP BY host".to_string(),
            "SELECT host AS h, SUM(n) AS s, MAX(usage) FROM cpu_in WHERE usage > 10 AND n / 2 > 3 GROUP BY host"
                .to_string(),
            "SELECT hostname, MAX(load_now) FROM renamed GROUP BY hostname HAVING MAX(load_now) > 3".to_string(),
            "SELECT x, COUNT(*) FROM (SELECT cpu, host AS x FROM cpu_in) WHERE cpu = 'cpu0' GROUP BY x".to_string(),
            format!("{mini_batch} SELECT host, COUNT(*) FROM cpu_in GROUP BY host"),
            format!(
                "{mini_batch} SET 'table.optimizer.agg-phase-strategy' = 'ONE_PHASE'; SELECT host, SUM(n) FROM cpu_in GROUP BY host"
            ),
            "SET 'parallelism.default' = '8'; SELECT host, COUNT(*) FROM cpu_in GROUP BY host".to_string(),
            "SET 'table.exec.state.ttl' = '1 d'; SELECT host, COUNT(*) FROM cpu_in GROUP BY host".to_string(),
        ],
        &[
            windows.clone(),
            format!(
                "SELECT window_end, host AS h, SUM(n) {WINDOWS} WHERE n > 2 GROUP BY host, window_start, window_end"
            ),
            format!("{two_phases} {windows}"),
            format!("SET 'parallelism.default' = '8'; {windows}"),
            format!(
                "SELECT COUNT(*), host {} GROUP BY window_start, window_end, host",
                WINDOWS.replace("INTERVAL '30' SECOND", "INTERVAL '0.5' MINUTE").replace("'0.5' MINUTE", "'30' SECOND")
            ),
        ],
        &[
            of_changes.clone(),
            format!("{mini_batch} {of_changes}"),
            of_changes.replace("orders", "orders WHERE total > 3").replace("COUNT(*)", "SUM(total)"),
        ],
        &[
            "SELECT COUNT(*) FROM cpu_in GROUP BY n > 1 AND 10 / n > 1".to_string(),
            "SELECT COUNT(*) FROM (SELECT n AS m FROM cpu_in) GROUP BY m > 1 AND 10 / m > 1".to_string(),
        ],
        &[
            format!("SELECT host, window_end FROM {SESSIONS}"),
            format!("SELECT host AS h, window_end, n FROM {SESSIONS} WHERE n > 3"),
        ],
    ];
    for queries in same {
        let first = ids(&queries[0]).await;
        for query in queries {
            assert_eq!(ids(query).await, first, "{query}\n{:?}\n{:?}", texts(query).await, texts(&queries[0]).await);
        }
    }
}

#[tokio::test]
async fn other_keys_windows_and_tables_change_an_identity() {
    let count = |by: &str| format!("SELECT COUNT(*) FROM cpu_in GROUP BY {by}");
    let window = |of: &str| format!("SELECT COUNT(*) FROM TABLE({of}) GROUP BY window_start, window_end");
    let queries = [
        count("host"),
        count("cpu"),
        count("host, cpu"),
        count("UPPER(host)"),
        count("LOWER(host)"),
        count("UPPER(host), cpu"),
        count("n"),
        count("n + 1"),
        count("n - 1"),
        count("CAST(n AS BIGINT)"),
        count("CAST(n AS STRING)"),
        count("n > 1 AND usage > 2"),
        count("n > 1 OR usage > 2"),
        count("n IS NULL"),
        count("n IS NOT NULL"),
        count("CASE WHEN n > 1 THEN 1 ELSE 2 END"),
        count("CASE WHEN n > 1 THEN 1 ELSE 3 END"),
        count("n IN (1, 2)"),
        count("n IN (1, 3)"),
        count("GROUPING SETS ((host), ())"),
        count("GROUPING SETS ((host), (cpu))"),
        "SELECT COUNT(*) FROM orders GROUP BY shop".to_string(),
        "SELECT COUNT(*) FROM (SELECT host FROM cpu_in LIMIT 10) GROUP BY host".to_string(),
        "SELECT COUNT(*) FROM (SELECT DISTINCT host, cpu FROM cpu_in) GROUP BY host".to_string(),
        window("TUMBLE(TABLE cpu_in, DESCRIPTOR(ts), INTERVAL '30' SECOND)"),
        window("TUMBLE(TABLE cpu_in, DESCRIPTOR(ts), INTERVAL '10' SECOND)"),
        window("TUMBLE(TABLE cpu_in, DESCRIPTOR(ts), INTERVAL '30' SECOND, INTERVAL '1' SECOND)"),
        window("TUMBLE(TABLE cpu_in, DESCRIPTOR(p), INTERVAL '30' SECOND)"),
        window("HOP(TABLE cpu_in, DESCRIPTOR(ts), INTERVAL '10' SECOND, INTERVAL '30' SECOND)"),
        window("CUMULATE(TABLE cpu_in, DESCRIPTOR(ts), INTERVAL '10' SECOND, INTERVAL '30' SECOND)"),
        window("SESSION(TABLE cpu_in, DESCRIPTOR(ts), INTERVAL '10' SECOND)"),
    ];
    let mut known: Vec<(Identity, String)> = Vec::new();
    for query in queries {
        let last = ids(&query).await.pop().unwrap();
        let other = known.iter().find(|(id, _)| *id == last);
        assert!(other.is_none(), "{query} is taken for {}: {:?}", other.unwrap().1, texts(&query).await);
        known.push((last, query));
    }
}

const A: &str = "INSERT INTO a SELECT host, COUNT(*) FROM cpu_in WHERE n > 1 GROUP BY host;";
const B: &str = "INSERT INTO b SELECT host, COUNT(*) FROM cpu_in WHERE n > 2 GROUP BY host;";

async fn set(inserts: &[&str]) -> Vec<Identity> {
    ids(&format!("EXECUTE STATEMENT SET BEGIN {} END", inserts.join(" "))).await
}

#[tokio::test]
async fn nodes_that_do_the_same_are_told_apart_by_their_sinks_and_their_order() {
    let (both, swapped, a) = (set(&[A, B]).await, set(&[B, A]).await, ids(A).await);
    assert_eq!(both.len(), 3);
    assert_eq!((&both[1], &both[2]), (&swapped[2], &swapped[1]), "the order of statements doesn't matter");
    assert_eq!(both[1], a[1], "nor whether there is another one");
    assert_eq!(both[1].work(), both[2].work());
    let twice = set(&[A, A]).await;
    assert_eq!(twice[1], a[1]);
    assert!(twice[1] != twice[2] && twice[1].work() == twice[2].work());
    let union = "SELECT host FROM cpu_in UNION ALL SELECT host FROM cpu_in /*+ OPTIONS('rows-per-second' = '5') */";
    let scans = ids(union).await;
    assert!(scans.len() == 2 && scans[0] != scans[1], "{scans:?}");
}

#[tokio::test]
async fn state_is_found_under_another_sink_where_there_is_no_doubt() {
    let (both, a, b) = (set(&[A, B]).await, ids(A).await, ids(B).await);
    assert_eq!(matches(&a, &a), [Some(0), Some(1)]);
    assert_eq!(matches(&a, &b), [Some(0), Some(1)], "the sink has another name");
    assert_eq!(matches(&a, &both), [Some(0), Some(1)], "a second one is there now");
    assert_eq!(matches(&both, &b), [Some(0), None, Some(1)], "the first one is gone");
    let others =
        set(&[&A.replace("INTO a", "INTO blackhole_1").replace("blackhole_1", "b"), &A.replace("COUNT(*)", "SUM(n)")])
            .await;
    assert_eq!(matches(&both, &others), [Some(0), Some(2), Some(1)], "by their sinks");
    let named = |names: &[&str]| names.iter().map(|name| Identity(name.to_string())).collect::<Vec<_>>();
    assert_eq!(matches(&named(&["x-1", "x-2"]), &named(&["x-3"])), [None, None], "it may be either");
    assert_eq!(matches(&named(&["x-1"]), &named(&["x-3", "x-4"])), [None]);
    assert_eq!(matches(&named(&["x-1", "x-2"]), &named(&["x-3", "x-1"])), [Some(1), Some(0)]);
}

#[tokio::test]
async fn identities_are_a_durable_format() {
    let pinned = ["9c648692bd0e6b43-90877f08", "0cfcea379efa43d1-90877f08"];
    let ids: Vec<String> = ids(A).await.iter().map(Identity::to_string).collect();
    assert_eq!(ids, pinned);
    assert_eq!(serde_json::to_string(&Identity("x-1".to_string())).unwrap(), "\"x-1\"");
}
