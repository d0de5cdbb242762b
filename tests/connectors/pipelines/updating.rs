//! Results that are updated, from a topic into PostgreSQL: what stands there is what an independent count says.

use std::collections::BTreeMap;

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
