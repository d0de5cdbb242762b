//! Statement sets that a seed composes from a small grammar.
//!
//! ```text
//! set    ─► settings, one to three relations as views, one to three INSERTs
//! view   ─► a | b | u (upserts) | view UNION ALL view, perhaps filtered
//! INSERT ─► rows | DISTINCT | GROUP BY | counts of counts | windows | counts of windows, of any of the views
//! ```
//! What comes of them does not depend on the order in which rows arrive: so an undisturbed run says what is right.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock};

use super::check::Kind;
use super::dice::Dice;
use super::query::planned;
use crate::plan::stream_plan::StreamPlan;

/// So many runs share what is composed, for planning takes longer than running.
const SHARED: u64 = 16;

pub struct Composed {
    /// What is declared, and the INSERTs.
    pub sql: String,
    pub plan: StreamPlan,
    /// The tables that are written.
    pub sinks: Vec<(String, Kind)>,
}

/// What the run of a seed does.
pub fn of(seed: u64) -> Arc<Composed> {
    static COMPOSED: OnceLock<Mutex<HashMap<u64, Arc<Composed>>>> = OnceLock::new();
    let number = seed / SHARED;
    // Whoever comes second waits rather than planning the same.
    let mut all = COMPOSED.get_or_init(Mutex::default).lock().unwrap();
    all.entry(number).or_insert_with(|| Arc::new(compose(&mut Dice::new(number)))).clone()
}

/// A view `(k STRING, v BIGINT)`, with `ts` where it has a time.
struct View {
    name: String,
    sql: String,
    has_time: bool,
    /// Rows may be taken back.
    changes: bool,
}

fn compose(dice: &mut Dice) -> Composed {
    let mut sql = settings(dice);
    let mut views: Vec<View> = Vec::new();
    for number in 0..dice.between(1, 3) {
        let view = view(dice, number, &views);
        sql.push_str(&format!("CREATE TEMPORARY VIEW {} AS {};\n", view.name, view.sql));
        views.push(view);
    }
    let (mut inserts, mut sinks) = (String::new(), Vec::new());
    for number in 0..dice.between(1, 3) {
        let view = &views[dice.below(views.len() as u64) as usize];
        let (query, kind) = query(dice, view);
        let (prefix, kind) = match kind {
            // By the group, which is the key.
            Kind::Changes(1) if dice.per_mille(500) => ("keyed", kind),
            Kind::Changes(_) => ("changed", Kind::Changes(0)),
            Kind::Inserts => ("added", kind),
        };
        let table = format!("{prefix}_{number}");
        sql.push_str(&declaration(&table, kind));
        inserts.push_str(&format!("INSERT INTO {table} {query};\n"));
        sinks.push((table, kind));
    }
    sql.push_str(&format!("EXECUTE STATEMENT SET BEGIN\n{inserts}END"));
    Composed { plan: planned(&sql), sql, sinks }
}

fn declaration(table: &str, kind: Kind) -> String {
    match kind {
        Kind::Inserts | Kind::Changes(0) => {
            format!("CREATE TABLE {table} (k STRING, n BIGINT, s BIGINT) WITH ('connector' = 'blackhole');\n")
        }
        Kind::Changes(_) => format!(
            "CREATE TABLE {table} (k STRING, n BIGINT, s BIGINT, PRIMARY KEY (k) NOT ENFORCED) WITH ('connector' = \
             'upsert-kafka', 'topic' = '{table}', 'properties.bootstrap.servers' = 'h:9092', 'key.format' = 'json', \
             'value.format' = 'json');\n"
        ),
    }
}

fn settings(dice: &mut Dice) -> String {
    let mut sql = String::new();
    let phases = dice.pick(&["AUTO", "ONE_PHASE", "TWO_PHASE"]);
    sql.push_str(&format!("SET 'table.optimizer.agg-phase-strategy' = '{phases}';\n"));
    if dice.per_mille(300) {
        let size = dice.between(2, 9);
        sql.push_str(&format!(
            "SET 'table.exec.mini-batch.enabled' = 'true';\nSET 'table.exec.mini-batch.allow-latency' = '10 ms';\n\
             SET 'table.exec.mini-batch.size' = '{size}';\n"
        ));
    }
    sql
}

fn view(dice: &mut Dice, number: u64, others: &[View]) -> View {
    let name = format!("view_{number}");
    let (mut sql, has_time, changes) = match dice.below(10) {
        0..=3 => ("SELECT k, v, ts FROM a".to_string(), true, false),
        4..=5 => ("SELECT k, v, ts FROM b".to_string(), true, false),
        6 => ("SELECT k, v FROM u".to_string(), false, true),
        _ => match others.last() {
            Some(other) if other.has_time => {
                let sql = format!("SELECT k, v, ts FROM {} UNION ALL SELECT k, v, ts FROM b", other.name);
                (format!("SELECT k, v, ts FROM ({sql})"), true, false)
            }
            Some(other) => {
                let sql = format!("SELECT k, v FROM {} UNION ALL SELECT k, v FROM a", other.name);
                (format!("SELECT k, v FROM ({sql})"), false, other.changes)
            }
            None => {
                let sql = "SELECT k, v, ts FROM a UNION ALL SELECT k, v, ts FROM b";
                (format!("SELECT k, v, ts FROM ({sql})"), true, false)
            }
        },
    };
    if dice.per_mille(400) {
        let least = dice.below(5);
        let filter =
            dice.pick(&["v >= {n}", "v <> {n}", "k <> 'k{n}'", "MOD(v, 3) <> 1"]).replace("{n}", &least.to_string());
        sql.push_str(&format!(" WHERE {filter}"));
    }
    View { name, sql, has_time, changes }
}

/// Two aggregates, of which the first is `n`.
fn aggregates(dice: &mut Dice) -> (&'static str, &'static str) {
    let first = dice.pick(&["COUNT(*)", "COUNT(DISTINCT v)", "COUNT(*) FILTER (WHERE v > 4)"]);
    let second = dice.pick(&["SUM(v)", "MAX(v)", "MIN(v)", "SUM(DISTINCT v)", "SUM(v) FILTER (WHERE v < 7)"]);
    (first, second)
}

/// `(k STRING, n BIGINT, s BIGINT)` of a view, and what comes of it.
fn query(dice: &mut Dice, view: &View) -> (String, Kind) {
    let name = &view.name;
    let (n, s) = aggregates(dice);
    match dice.below(if view.has_time { 10 } else { 5 }) {
        0 => {
            let kind = if view.changes { Kind::Changes(0) } else { Kind::Inserts };
            (format!("SELECT k, v, v * 2 FROM {name}"), kind)
        }
        1 => (format!("SELECT DISTINCT k, v, v + 1 FROM {name}"), Kind::Changes(0)),
        2 => {
            let having = if dice.per_mille(300) { " HAVING COUNT(*) > 2" } else { "" };
            (format!("SELECT k, {n}, {s} FROM {name} GROUP BY k{having}"), Kind::Changes(1))
        }
        3 => (format!("SELECT CAST(v AS STRING), {n}, {s} FROM {name} GROUP BY v"), Kind::Changes(1)),
        4 => {
            let counts = format!("SELECT k, {n} AS n FROM {name} GROUP BY k");
            (format!("SELECT CAST(n AS STRING), COUNT(*), SUM(n) FROM ({counts}) GROUP BY n"), Kind::Changes(1))
        }
        5..=8 => (windows(dice, name), Kind::Inserts),
        _ => {
            let windows = windows(dice, name);
            let query =
                format!("SELECT k, COUNT(*), SUM(n) FROM (SELECT k, n FROM ({windows}) AS w (k, n, s)) GROUP BY k");
            (query, Kind::Changes(1))
        }
    }
}

fn windows(dice: &mut Dice, view: &str) -> String {
    let (of, size) = (format!("TABLE {view}"), dice.between(1, 3) * 5);
    let window = match dice.below(4) {
        0 => format!("TUMBLE({of}, DESCRIPTOR(ts), INTERVAL '{size}' SECOND)"),
        1 => format!("HOP({of}, DESCRIPTOR(ts), INTERVAL '5' SECOND, INTERVAL '{size}' SECOND)"),
        2 => format!("CUMULATE({of}, DESCRIPTOR(ts), INTERVAL '5' SECOND, INTERVAL '{size}' SECOND)"),
        _ => format!("SESSION({of} PARTITION BY k, DESCRIPTOR(ts), INTERVAL '{}' SECOND)", dice.between(1, 4)),
    };
    // SUM(DISTINCT) is refused in windows that overlap.
    let (n, s) = (dice.pick(&["COUNT(*)", "COUNT(v)"]), dice.pick(&["SUM(v)", "MAX(v)", "MIN(v)"]));
    format!(
        "SELECT CAST(window_end AS STRING) || ' ' || k, {n}, {s} FROM TABLE({window}) GROUP BY window_start, window_end, k"
    )
}
