//! What simulated jobs do, as SQL, and the same computed in another way.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

use super::super::script::instant_text;
use super::world::Row;
use crate::changelog::RowKind;
use crate::plan::stream_plan::StreamPlan;
use crate::session::Session;
use crate::span::SourceText;
use crate::sql::{StatementKind, parse_script};

/// What stands in a table in the end.
#[derive(Clone, Copy)]
pub enum Expected {
    /// Exactly these rows, each inserted.
    Inserts(fn(&Tables) -> Vec<String>),
    /// These rows are left when all changes are applied: by so many columns of a key in front, or (0) whole rows.
    Changes(usize, fn(&Tables) -> Vec<String>),
    /// So many of the table's rows.
    Some(usize),
}

/// The rows of every table, split by split.
pub type Tables = BTreeMap<String, Vec<Vec<Row>>>;

pub struct Query {
    pub sql: &'static str,
    /// What comes to each sink, by its table.
    pub sinks: &'static [(&'static str, Expected)],
    /// Windows close while it runs: a split that comes later may be late.
    pub has_time: bool,
    /// Rows of one key come in an order.
    pub reads_upserts: bool,
}

const DECLARATIONS: &str = "
CREATE TABLE a (k STRING, v BIGINT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '2' SECOND)
  WITH ('connector' = 'datagen');
CREATE TABLE b (k STRING, v BIGINT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '2' SECOND)
  WITH ('connector' = 'datagen');
CREATE TABLE u (k STRING, v BIGINT, PRIMARY KEY (k) NOT ENFORCED) WITH ('connector' = 'upsert-kafka', 'topic' = 'u',
  'properties.bootstrap.servers' = 'h:9092', 'key.format' = 'json', 'value.format' = 'json');
CREATE TABLE rows_out (k STRING, v BIGINT) WITH ('connector' = 'blackhole');
CREATE TABLE counts (k STRING, n BIGINT, s BIGINT) WITH ('connector' = 'blackhole');
CREATE TABLE counts_by_key (k STRING, n BIGINT, s BIGINT, PRIMARY KEY (k) NOT ENFORCED) WITH ('connector' = 'upsert-kafka',
  'topic' = 'o', 'properties.bootstrap.servers' = 'h:9092', 'key.format' = 'json', 'value.format' = 'json');
CREATE TABLE values_by_key (k STRING, v BIGINT, PRIMARY KEY (k) NOT ENFORCED) WITH ('connector' = 'upsert-kafka',
  'topic' = 'o', 'properties.bootstrap.servers' = 'h:9092', 'key.format' = 'json', 'value.format' = 'json');
CREATE TABLE windows (e TIMESTAMP(3), k STRING, n BIGINT, s BIGINT) WITH ('connector' = 'blackhole');
";

const FILTERED: &str = "INSERT INTO rows_out SELECT k, v FROM a WHERE v > 3";
const COUNTED: &str = "INSERT INTO counts_by_key SELECT k, COUNT(*), SUM(v) FROM a GROUP BY k";
const TUMBLED: &str = "INSERT INTO windows SELECT window_end, k, COUNT(*), SUM(v) FROM TABLE(TUMBLE(TABLE a, \
                       DESCRIPTOR(ts), INTERVAL '10' SECOND)) GROUP BY window_start, window_end, k";

pub const QUERIES: &[Query] = &[
    Query { sql: FILTERED, sinks: &[("rows_out", Expected::Inserts(filtered))], has_time: false, reads_upserts: false },
    Query {
        sql: "INSERT INTO rows_out SELECT k, v FROM a UNION ALL SELECT k, v FROM b",
        sinks: &[("rows_out", Expected::Inserts(united))],
        has_time: false,
        reads_upserts: false,
    },
    Query {
        sql: COUNTED,
        sinks: &[("counts_by_key", Expected::Changes(1, counted))],
        has_time: false,
        reads_upserts: false,
    },
    Query {
        sql: "INSERT INTO counts SELECT k, COUNT(*), SUM(v) FROM (SELECT k, v FROM a UNION ALL SELECT k, v FROM b) \
              GROUP BY k",
        sinks: &[("counts", Expected::Changes(0, counted_of_both))],
        has_time: false,
        reads_upserts: false,
    },
    Query {
        sql: "SET 'table.exec.mini-batch.enabled' = 'true'; SET 'table.exec.mini-batch.allow-latency' = '10 ms'; \
              SET 'table.exec.mini-batch.size' = '7'; SET 'table.optimizer.agg-phase-strategy' = 'TWO_PHASE'; \
              INSERT INTO counts SELECT k, COUNT(*), SUM(v) FROM a GROUP BY k",
        sinks: &[("counts", Expected::Changes(0, counted))],
        has_time: true,
        reads_upserts: false,
    },
    Query {
        sql: "INSERT INTO counts SELECT 'all', COUNT(*), SUM(v) FROM a",
        sinks: &[("counts", Expected::Changes(0, counted_as_one))],
        has_time: false,
        reads_upserts: false,
    },
    Query { sql: TUMBLED, sinks: &[("windows", Expected::Inserts(tumbled))], has_time: true, reads_upserts: false },
    Query {
        sql: "SET 'table.optimizer.agg-phase-strategy' = 'ONE_PHASE'; INSERT INTO windows SELECT window_end, k, COUNT(*), \
              SUM(v) FROM TABLE(HOP(TABLE a, DESCRIPTOR(ts), INTERVAL '5' SECOND, INTERVAL '15' SECOND)) GROUP BY \
              window_start, window_end, k",
        sinks: &[("windows", Expected::Inserts(hopped))],
        has_time: true,
        reads_upserts: false,
    },
    Query {
        sql: "INSERT INTO windows SELECT window_end, k, COUNT(*), SUM(v) FROM TABLE(SESSION(TABLE a PARTITION BY k, \
              DESCRIPTOR(ts), INTERVAL '4' SECOND)) GROUP BY window_start, window_end, k",
        sinks: &[("windows", Expected::Inserts(in_sessions))],
        has_time: true,
        reads_upserts: false,
    },
    Query {
        sql: "INSERT INTO values_by_key SELECT k, v FROM u",
        sinks: &[("values_by_key", Expected::Changes(1, last_values))],
        has_time: false,
        reads_upserts: true,
    },
    Query {
        sql: "INSERT INTO counts SELECT CAST(v AS STRING), COUNT(*), SUM(v) FROM u GROUP BY v",
        sinks: &[("counts", Expected::Changes(0, last_values_counted))],
        has_time: false,
        reads_upserts: true,
    },
    Query {
        sql: "INSERT INTO rows_out SELECT k, v FROM a LIMIT 7",
        sinks: &[("rows_out", Expected::Some(7))],
        has_time: false,
        reads_upserts: false,
    },
    Query {
        sql: "EXECUTE STATEMENT SET BEGIN INSERT INTO rows_out SELECT k, v FROM a WHERE v > 3; INSERT INTO counts_by_key \
              SELECT k, COUNT(*), SUM(v) FROM a GROUP BY k; INSERT INTO windows SELECT window_end, k, COUNT(*), SUM(v) \
              FROM TABLE(TUMBLE(TABLE a, DESCRIPTOR(ts), INTERVAL '10' SECOND)) GROUP BY window_start, window_end, k; \
              END",
        sinks: &[
            ("rows_out", Expected::Inserts(filtered)),
            ("counts_by_key", Expected::Changes(1, counted)),
            ("windows", Expected::Inserts(tumbled)),
        ],
        has_time: true,
        reads_upserts: false,
    },
];

/// The plans of all queries.
pub fn plans() -> &'static [StreamPlan] {
    static PLANS: OnceLock<Vec<StreamPlan>> = OnceLock::new();
    PLANS.get_or_init(|| QUERIES.iter().map(|query| planned(query.sql)).collect())
}

/// The plan of INSERTs into tables that are declared here, or before them.
pub fn planned(sql: &str) -> StreamPlan {
    let planned = || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(plan(sql))
    };
    // The thread may have a runtime of its own.
    std::thread::scope(|scope| scope.spawn(planned).join().expect("a plan"))
}

async fn plan(sql: &str) -> StreamPlan {
    let text = SourceText::new("simulation", format!("{DECLARATIONS}{sql}"));
    let mut session = Session::new();
    session.set("parallelism.default", "3").expect("a setting");
    let statements: Vec<_> = parse_script(&text).into_iter().map(|s| s.expect("a statement")).collect();
    let (query, others) = statements.split_last().expect("a query");
    for statement in others {
        session.execute_statement(statement, &text).await.expect("it is executed");
    }
    let planned = match &query.kind {
        StatementKind::Insert(insert) => session.script_inserts(std::slice::from_ref(insert.as_ref())),
        StatementKind::StatementSet(inserts) => session.script_inserts(inserts),
        _ => panic!("an INSERT"),
    };
    planned.unwrap_or_else(|error| panic!("{error} in {sql}")).0
}

fn rows<'a>(tables: &'a Tables, table: &str) -> impl Iterator<Item = &'a Row> {
    tables[table].iter().flatten()
}

fn v(row: &Row) -> i64 {
    row.v.expect("a value")
}

fn filtered(tables: &Tables) -> Vec<String> {
    rows(tables, "a").filter(|row| v(row) > 3).map(|row| format!("{}, {}", row.k, v(row))).collect()
}

fn united(tables: &Tables) -> Vec<String> {
    rows(tables, "a").chain(rows(tables, "b")).map(|row| format!("{}, {}", row.k, v(row))).collect()
}

/// Counts and sums by whatever rows are grouped by.
fn sums<'a>(rows: impl Iterator<Item = (String, &'a Row)>) -> Vec<String> {
    let mut groups: BTreeMap<String, (i64, i64)> = BTreeMap::new();
    for (group, row) in rows {
        let (count, sum) = groups.entry(group).or_default();
        (*count, *sum) = (*count + 1, *sum + v(row));
    }
    groups.into_iter().map(|(group, (count, sum))| format!("{group}, {count}, {sum}")).collect()
}

fn counted(tables: &Tables) -> Vec<String> {
    sums(rows(tables, "a").map(|row| (row.k.clone(), row)))
}

fn counted_of_both(tables: &Tables) -> Vec<String> {
    sums(rows(tables, "a").chain(rows(tables, "b")).map(|row| (row.k.clone(), row)))
}

fn counted_as_one(tables: &Tables) -> Vec<String> {
    sums(rows(tables, "a").map(|row| ("all".to_string(), row)))
}

fn tumbled(tables: &Tables) -> Vec<String> {
    sums(rows(tables, "a").map(|row| {
        let end = row.ts.div_euclid(10_000) * 10_000 + 10_000;
        (format!("{}, {}", instant_text(end), row.k), row)
    }))
}

fn hopped(tables: &Tables) -> Vec<String> {
    let ends = |row: &Row| {
        let first = row.ts.div_euclid(5_000) * 5_000 + 5_000;
        [first, first + 5_000, first + 10_000]
    };
    let in_windows = rows(tables, "a").flat_map(|row| ends(row).map(|end| (end, row)));
    sums(in_windows.map(|(end, row)| (format!("{}, {}", instant_text(end), row.k), row)))
}

fn in_sessions(tables: &Tables) -> Vec<String> {
    let keys: BTreeSet<&str> = rows(tables, "a").map(|row| row.k.as_str()).collect();
    let mut all = Vec::new();
    for key in keys {
        let mut mine: Vec<&Row> = rows(tables, "a").filter(|row| row.k == key).collect();
        mine.sort_by_key(|row| row.ts);
        for session in mine.chunk_by(|one, next| next.ts - one.ts <= 4_000) {
            let end = session.last().expect("a row").ts + 4_000;
            let sum: i64 = session.iter().map(|row| v(row)).sum();
            all.push(format!("{}, {key}, {}, {sum}", instant_text(end), session.len()));
        }
    }
    all
}

fn last(tables: &Tables) -> BTreeMap<&str, i64> {
    let mut last = BTreeMap::new();
    for row in rows(tables, "u") {
        match row.kind {
            RowKind::Delete => drop(last.remove(row.k.as_str())),
            _ => drop(last.insert(row.k.as_str(), v(row))),
        }
    }
    last
}

fn last_values(tables: &Tables) -> Vec<String> {
    last(tables).into_iter().map(|(k, v)| format!("{k}, {v}")).collect()
}

fn last_values_counted(tables: &Tables) -> Vec<String> {
    let mut counts: BTreeMap<i64, i64> = BTreeMap::new();
    last(tables).into_values().for_each(|v| *counts.entry(v).or_default() += 1);
    counts.into_iter().map(|(v, n)| format!("{v}, {n}, {}", v * n)).collect()
}
