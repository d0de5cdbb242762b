//! Streams against batch: for bounded input the folded changelog is the batch answer, on random data and queries.
//!
//! Every seed makes a table and a query over it, which runs as a stream on one subtask and on four, and in batch mode.
//! `ORACLE_SEEDS=2000` tries that many instead of the usual number.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

use futures::{StreamExt, stream};
use millstream::types::print::{PrintStyle, print_value};
use millstream::types::{SqlType, TypeKind};
use millstream::{Outcome, Query, Session};

use crate::changelogs::sets_sorted;
use crate::golden::{files, statements};

const SEEDS: u64 = 120;

/// Numbers that are the same on every machine (Steele et al., SplitMix64).
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, n: usize) -> usize {
        (self.roll() % n as u64) as usize
    }

    fn between(&mut self, low: i64, high: i64) -> i64 {
        low + (self.roll() % (high - low + 1) as u64) as i64
    }

    fn chance(&mut self, of_hundred: u64) -> bool {
        self.roll() % 100 < of_hundred
    }

    fn pick<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[self.below(of.len())]
    }

    /// Some of them, in their order, at least `least`.
    fn some<'a>(&mut self, of: &[&'a str], least: usize) -> Vec<&'a str> {
        loop {
            let some: Vec<&str> = of.iter().copied().filter(|_| self.chance(50)).collect();
            if some.len() >= least {
                return some;
            }
        }
    }
}

/// The rows of a table in some JSON files: groups, NULLs, duplicates, event times around 1970 in no order.
fn write_rows(dice: &mut Dice, folder: &Path) {
    std::fs::create_dir(folder).expect("a folder");
    let files = dice.below(4) + 1;
    let many = dice.chance(20);
    for file in 0..files {
        let rows = if many { dice.below(400) } else { dice.below(40) };
        let mut lines: Vec<String> = Vec::with_capacity(rows);
        for _ in 0..rows {
            if !lines.is_empty() && dice.chance(10) {
                lines.push(lines[dice.below(lines.len())].clone());
                continue;
            }
            let mut line = String::from("{");
            let mut put = |dice: &mut Dice, name: &str, value: String| {
                let value = if dice.chance(15) { "null".to_string() } else { value };
                _ = write!(line, "\"{name}\": {value}, ");
            };
            let text = format!("\"{}\"", dice.pick(&["a", "b", "c", "", "ä", "zz"]));
            put(dice, "k", text);
            let small = dice.between(-2, 3).to_string();
            put(dice, "j", small);
            let number = if dice.chance(5) { 2_147_483_647 } else { dice.between(-100, 100) };
            put(dice, "v", number.to_string());
            let long = if dice.chance(5) { i64::MAX } else { dice.between(-1_000_000, 1_000_000) };
            put(dice, "b", long.to_string());
            // Eighths add up to the same in every order; the others need not.
            let eighths = dice.between(-8_000, 8_000) as f64 / 8.0;
            put(dice, "d", eighths.to_string());
            let real = dice.between(-1_000_000_000, 1_000_000_000) as f64 / 977.0;
            put(dice, "e", real.to_string());
            let cents = dice.between(-100_000, 100_000);
            put(
                dice,
                "n",
                format!("{}{}.{:02}", if cents < 0 { "-" } else { "" }, cents.abs() / 100, cents.abs() % 100),
            );
            let flag = dice.pick(&["true", "false"]).to_string();
            put(dice, "f", flag);
            let ms = dice.between(-180_000, 180_000);
            let (day, of_day) = (if ms < 0 { "1969-12-31" } else { "1970-01-01" }, ms.rem_euclid(86_400_000));
            let (s, ms) = (of_day / 1_000, of_day % 1_000);
            _ = write!(line, "\"ts\": \"{day} {:02}:{:02}:{:02}.{ms:03}\"}}", s / 3_600, s / 60 % 60, s % 60);
            lines.push(line);
        }
        let text: String = lines.into_iter().map(|line| line + "\n").collect();
        std::fs::write(folder.join(format!("{file}.json")), text).expect("a file");
    }
}

/// No row is late.
fn declare(folder: &Path) -> String {
    format!(
        "CREATE TABLE t (k STRING, j INT, v INT, b BIGINT, d DOUBLE, e DOUBLE, n DECIMAL(10, 2), f BOOLEAN, \
         ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '1' HOUR) \
         WITH ('connector' = 'filesystem', 'path' = '{}', 'format' = 'json');\n",
        folder.display()
    )
}

fn condition(dice: &mut Dice) -> &'static str {
    dice.pick(&[
        "v > 0",
        "k IS NOT NULL",
        "j IN (0, 1, 2)",
        "f",
        "NOT f OR v < 10",
        "k <> 'a'",
        "n BETWEEN -500 AND 500",
        "d > 1000",
        "b IS NULL",
        "j <> 0 AND 10 / j > 2",
    ])
}

/// A call whose result does not depend on the order of rows.
fn call(dice: &mut Dice) -> String {
    let plain = match dice.below(13) {
        0 | 1 => "COUNT(*)".to_string(),
        2 => format!("COUNT({})", dice.pick(&["k", "v", "d", "f"])),
        3 => format!("COUNT(DISTINCT {})", dice.pick(&["k", "j", "n", "ts"])),
        4 | 5 => format!("SUM({})", dice.pick(&["v", "b", "d", "e", "n", "v + j"])),
        6 => format!("SUM(DISTINCT {})", dice.pick(&["j", "v", "b", "n"])),
        7 => format!("AVG({})", dice.pick(&["v", "d", "e", "n", "CAST(j AS SMALLINT)"])),
        8 => format!("AVG(DISTINCT {})", dice.pick(&["j", "v"])),
        9 => format!("MIN({})", dice.pick(&["k", "v", "b", "d", "e", "n", "f", "ts"])),
        10 => format!("COLLECT({})", dice.pick(&["j", "k"])),
        11 => format!("MAX({})", dice.pick(&["k", "v", "b", "d", "e", "n", "f", "ts"])),
        _ => {
            format!("{}({})", dice.pick(&["STDDEV_POP", "STDDEV_SAMP", "VAR_POP", "VAR_SAMP"]), dice.pick(&["j", "d"]))
        }
    };
    if dice.chance(25) { format!("{plain} FILTER (WHERE {})", condition(dice)) } else { plain }
}

fn calls(dice: &mut Dice) -> String {
    let count = dice.below(4) + 1;
    (0..count).map(|i| format!("{} AS c{i}", call(dice))).collect::<Vec<_>>().join(", ")
}

fn filter(dice: &mut Dice) -> String {
    if dice.chance(40) { format!(" WHERE {}", condition(dice)) } else { String::new() }
}

fn having(dice: &mut Dice) -> String {
    match dice.below(5) {
        0 => " HAVING COUNT(*) > 1".to_string(),
        1 => format!(" HAVING SUM(v) {} 20", dice.pick(&["<", ">", "<>"])),
        _ => String::new(),
    }
}

fn window(dice: &mut Dice, table: &str, time: &str) -> String {
    let unit = dice.pick(&["7", "10", "15"]).parse::<i64>().unwrap_or(10);
    let seconds = |n: i64| format!("INTERVAL '{n}' SECOND");
    let offset = if dice.chance(25) { format!(", {}", seconds(dice.between(1, 5))) } else { String::new() };
    let call = match dice.below(3) {
        0 => format!("TUMBLE(TABLE {table}, DESCRIPTOR({time}), {}{offset})", seconds(unit)),
        1 => {
            let size = unit * dice.between(1, 4);
            format!("HOP(TABLE {table}, DESCRIPTOR({time}), {}, {}{offset})", seconds(unit), seconds(size))
        }
        _ => {
            let size = unit * dice.between(1, 4);
            format!("CUMULATE(TABLE {table}, DESCRIPTOR({time}), {}, {}{offset})", seconds(unit), seconds(size))
        }
    };
    if dice.chance(50) { format!("TABLE({call})") } else { call }
}

fn sets(dice: &mut Dice) -> &'static str {
    dice.pick(&[
        "GROUPING SETS ((k, j), (k), (f))",
        "GROUPING SETS ((k), (j, f))",
        "GROUPING SETS ((k, f), (k, f), (j))",
        "ROLLUP (k, j), f",
        "CUBE (k, j), f",
    ])
}

/// A query, and whether it has one group of all rows on top.
fn query(dice: &mut Dice) -> (String, Option<String>) {
    let where_ = filter(dice);
    let (calls, having) = (calls(dice), having(dice));
    match dice.below(14) {
        0 => (format!("SELECT {calls} FROM t{where_}{having}"), Some(format!("SELECT COUNT(*) FROM t{where_}"))),
        1 | 2 => {
            let keys = dice.some(&["k", "j", "f", "v > 0", "d"], 1).join(", ");
            (format!("SELECT {keys}, {calls} FROM t{where_} GROUP BY {keys}{having}"), None)
        }
        3 => {
            let sets = sets(dice);
            let called = "k, j, f, GROUPING(k), GROUPING_ID(k, j, f), GROUP_ID()";
            (format!("SELECT {called}, {calls} FROM t{where_} GROUP BY {sets}{having}"), None)
        }
        4 | 5 => {
            let (window, keys) = (window(dice, "t", "ts"), dice.some(&["window_time", "k", "j"], 0));
            let keys: String = keys.iter().map(|key| format!(", {key}")).collect();
            let group = format!("GROUP BY window_start, window_end{keys}");
            (format!("SELECT window_start, window_end{keys}, {calls} FROM {window}{where_} {group}{having}"), None)
        }
        6 => {
            let (window, sets) = (window(dice, "t", "ts"), dice.pick(&["GROUPING SETS ((k), (j))", "ROLLUP (k, j)"]));
            let group = format!("GROUP BY window_start, window_end, {sets}");
            (format!("SELECT window_start, window_end, k, j, {calls} FROM {window}{where_} {group}{having}"), None)
        }
        7 => {
            let (function, arguments) = match dice.chance(50) {
                true => ("TUMBLE", "ts, INTERVAL '11' SECOND"),
                false => ("HOP", "ts, INTERVAL '6' SECOND, INTERVAL '15' SECOND"),
            };
            let columns = format!("{function}_START({arguments}), {function}_ROWTIME({arguments})");
            (format!("SELECT {columns}, k, {calls} FROM t{where_} GROUP BY k, {function}({arguments}){having}"), None)
        }
        8 | 9 => {
            // Updates, and rows that leave, reach the outer grouping.
            let inner =
                format!("SELECT k, j, COUNT(*) AS v, SUM(d) AS d, MAX(b) AS b FROM t{where_} GROUP BY k, j{having}");
            let outer = dice.pick(&[
                "SELECT v, COUNT(*), SUM(d), MIN(b), MAX(b), COUNT(DISTINCT k) FROM (#) GROUP BY v",
                "SELECT k, SUM(v), AVG(v), MIN(d), MAX(d), COUNT(DISTINCT v) FROM (#) GROUP BY k HAVING SUM(v) > 3",
                "SELECT b > 0, COUNT(*), MAX(k), MIN(k), SUM(DISTINCT v), VAR_POP(v) FROM (#) GROUP BY b > 0",
                "SELECT DISTINCT v, k FROM (#) WHERE v > 1",
                "SELECT MAX(v), COUNT(*) FROM (SELECT k, MAX(v) AS v FROM (#) GROUP BY k) GROUP BY k IS NULL",
            ]);
            (outer.replace('#', &inner), None)
        }
        10 => {
            let window = window(dice, "t", "ts");
            let inner = format!(
                "SELECT window_start, k, AVG(d) AS d, COUNT(*) AS v FROM {window}{where_} GROUP BY window_start, window_end, k"
            );
            let outer = dice.pick(&[
                "SELECT window_start, COUNT(*), SUM(v), MAX(d) FROM (#) WHERE v > 1 GROUP BY window_start",
                "SELECT k, COUNT(*), SUM(v), MIN(d) FROM (#) GROUP BY k",
            ]);
            (outer.replace('#', &inner), None)
        }
        11 => {
            let inner = window(dice, "t", "ts");
            let cte = format!(
                "WITH w AS (SELECT window_time AS wt, k, COUNT(*) AS v, SUM(d) AS d FROM {inner}{where_} GROUP BY \
                 window_start, window_end, window_time, k)"
            );
            let outer = window(dice, "w", "wt");
            let group = "GROUP BY window_start, window_end";
            (format!("{cte} SELECT window_start, window_end, SUM(v), MAX(d), COUNT(k) FROM {outer} {group}"), None)
        }
        12 => {
            let other = condition(dice);
            let all = dice.pick(&["UNION ALL", "UNION"]);
            (format!("SELECT k, j, d FROM t{where_} {all} SELECT k, v, d * 2 FROM t WHERE {other}"), None)
        }
        _ => {
            let window = window(dice, "t", "ts");
            (format!("SELECT k, v + 1, window_start, window_end, window_time FROM {window}{where_}"), None)
        }
    }
}

/// How a stream is carried out: none of it may be seen in the folded result.
fn settings(dice: &mut Dice) -> String {
    let mut sql = format!("SET 'pipeline.micro-batch.max-rows' = '{}';\n", dice.pick(&["1", "3", "16", "8192"]));
    let strategy = dice.pick(&["AUTO", "ONE_PHASE", "TWO_PHASE"]);
    _ = writeln!(sql, "SET 'table.optimizer.agg-phase-strategy' = '{strategy}';");
    if dice.chance(30) {
        sql += "SET 'table.exec.mini-batch.enabled' = 'true';\nSET 'table.exec.mini-batch.allow-latency' = '1 s';\n\
                SET 'table.exec.mini-batch.size' = '5';\n";
    }
    sql
}

/// The rows that a query leaves: its changelog folded, sorted.
struct Rows {
    types: Vec<SqlType>,
    rows: Vec<Vec<String>>,
    /// Rows were left out since they were late, of this query or of what made its tables.
    late: bool,
}

async fn folded(session: &Session, mut query: Query) -> Result<Rows, String> {
    let zone = session.settings().zone();
    let types: Vec<SqlType> = query.schema.fields.iter().map(|field| field.ty.clone()).collect();
    let mut counts: BTreeMap<Vec<String>, i64> = BTreeMap::new();
    while let Some(batch) = query.next().await.map_err(|error| format!("ERROR {error}"))? {
        for row in 0..batch.num_rows() {
            let cell = |(column, ty): (&_, &SqlType)| {
                let mut cell = String::new();
                let column: &millstream::arrow::array::ArrayRef = column;
                print_value(column.as_ref(), row, ty, zone, PrintStyle::Row, &mut cell);
                sets_sorted(&cell)
            };
            let cells: Vec<String> = batch.rows().columns().iter().zip(&types).map(cell).collect();
            let kind = batch.kind(row).to_string();
            let change = if kind.starts_with('+') { 1 } else { -1 };
            let count = counts.entry(cells.clone()).or_default();
            *count += change;
            if *count < 0 {
                return Err(format!("{kind}{cells:?} takes back what was not there"));
            }
        }
    }
    let mut rows: Vec<Vec<String>> = Vec::new();
    for (row, count) in counts {
        rows.extend(std::iter::repeat_n(row, count as usize));
    }
    // What differs by rounding goes last.
    let (exact, real): (Vec<usize>, Vec<usize>) = (0..types.len()).partition(|i| !is_real(&types[*i]));
    let exactly = |row: &Vec<String>| exact.iter().map(|i| row[*i].clone()).collect::<Vec<_>>();
    let really = |row: &Vec<String>| real.iter().map(|i| row[*i].parse().unwrap_or(f64::NAN)).collect::<Vec<f64>>();
    rows.sort_by(|a, b| {
        let by_values = || really(a).iter().zip(&really(b)).map(|(a, b)| a.total_cmp(b)).find(|o| o.is_ne());
        exactly(a).cmp(&exactly(b)).then_with(|| by_values().unwrap_or(std::cmp::Ordering::Equal))
    });
    Ok(Rows { types, rows, late: query.job.metrics.rows_late() > 0 })
}

fn is_real(ty: &SqlType) -> bool {
    matches!(ty.kind, TypeKind::Double | TypeKind::Float)
}

impl Rows {
    fn none() -> Self {
        Self { types: Vec::new(), rows: Vec::new(), late: false }
    }

    /// True where both are the same rows; DOUBLEs within 1e-9 of each other, by their size.
    fn same(&self, other: &Self) -> bool {
        let cell = |(i, (a, b)): (usize, (&String, &String))| {
            let numbers = (a.parse::<f64>(), b.parse::<f64>());
            match numbers {
                (Ok(x), Ok(y)) if is_real(&self.types[i]) => (x - y).abs() <= 1e-9 * x.abs().max(y.abs()) || a == b,
                _ => a == b,
            }
        };
        let row = |(a, b): (&Vec<String>, &Vec<String>)| a.iter().zip(b).enumerate().all(cell);
        self.rows.len() == other.rows.len() && self.rows.iter().zip(&other.rows).all(row)
    }

    fn text(&self) -> String {
        self.rows.iter().map(|row| format!("  [{}]\n", row.join(", "))).collect()
    }
}

/// The folded results of the queries of a script, or why there are none.
async fn results(script: &str) -> Vec<Result<Rows, String>> {
    let mut session = Session::new();
    let (mut results, mut late) = (Vec::new(), false);
    for statement in statements(script) {
        let is_query = ["SELECT", "WITH", "VALUES"].iter().any(|word| statement.starts_with(word));
        let result = match session.execute(&statement).await.map(|mut outcomes| outcomes.pop()) {
            Err(error) => Err(format!("ERROR {error}")),
            Ok(Some(Outcome::Query(query))) => folded(&session, query).await,
            Ok(Some(Outcome::Job(mut job))) => {
                let end = job.wait().await.map_err(|error| error.to_string());
                end.map(|_| Rows { late: job.metrics.rows_late() > 0, ..Rows::none() })
            }
            Ok(_) => Ok(Rows::none()),
        };
        let result = result.map(|rows| {
            late |= rows.late;
            Rows { late, ..rows }
        });
        if is_query {
            results.push(result);
        }
    }
    results
}

async fn result(script: &str) -> Result<Rows, String> {
    results(script).await.pop().unwrap_or_else(|| Err("no result".to_string()))
}

/// What is wrong with a seed, if anything.
async fn check(seed: u64, folder: &Path) -> Result<(), String> {
    let mut dice = Dice(seed);
    let folder = folder.join(seed.to_string());
    write_rows(&mut dice, &folder);
    let (mut sql, count) = query(&mut dice);
    if sql.contains("HOP(TABLE") {
        // As in Flink, a stream refuses these there.
        sql = sql.replace("SUM(DISTINCT", "COUNT(DISTINCT");
    }
    let settings = settings(&mut dice);
    let declared = declare(&folder);
    let in_batch = async |sql: &str| {
        let settings = "SET 'execution.runtime-mode' = 'batch';\nSET 'parallelism.default' = '4';\n";
        result(&format!("{settings}{declared}{sql};\n")).await
    };
    let fail = |what: String| format!("\nseed {seed}:\n{settings}{sql}\n{what}");
    let failed = |error: String| fail(format!("in batch mode: {error}"));
    let expected = in_batch(&sql).await.map_err(failed)?;
    // A stream of no row has no group; batch has the one of no row (trap 14).
    let no_rows = match count {
        Some(count) => in_batch(&count).await.map_err(failed)?.rows == [["0"]],
        None => false,
    };
    for parallelism in [1, 4] {
        let stream = format!("SET 'parallelism.default' = '{parallelism}';\n{settings}{declared}{sql};\n");
        let actual = result(&stream).await.map_err(|e| fail(format!("at parallelism {parallelism}: {e}")))?;
        let nothing = no_rows && actual.rows.is_empty() && expected.rows.len() <= 1;
        if !nothing && !expected.same(&actual) {
            let (batch, stream) = (expected.text(), actual.text());
            return Err(fail(format!("in batch mode\n{batch}at parallelism {parallelism}\n{stream}")));
        }
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn folded_changelogs_are_the_batch_answer() {
    let seeds = std::env::var("ORACLE_SEEDS").ok().and_then(|seeds| seeds.parse().ok()).unwrap_or(SEEDS);
    let folder = tempfile::tempdir().expect("a folder for tables");
    let (mut wrong, mut failures) = (String::new(), 0);
    for seed in 0..seeds {
        if let Err(what) = check(seed, folder.path()).await {
            wrong += &what;
            failures += 1;
        }
        if failures >= 5 {
            break;
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

/// Files of `changelogs/` in which streams and batch differ, and why.
const DIFFER: &[(&str, &str)] = &[
    ("agg_collect_in_windows", ARRIVAL),
    ("agg_merge_order", ARRIVAL),
    ("agg_values_of_any_type", ARRIVAL),
    ("sinks_of_changes", "a sink of changes is given the final rows alone"),
    ("trap_14_global_aggregates", NOTHING),
    ("trap_19_listagg_retraction", ARRIVAL),
    ("trap_35_rekeyed_changes", NOTHING),
    ("trap_44_two_rowtimes", "event time is a column like any other in batch mode, and a sink takes two"),
];

const ARRIVAL: &str = "the order in which changes arrive is seen";
const NOTHING: &str = "a grouping of no rows by nothing has a row in batch";

/// What the queries of a file leave, as a stream and in batch mode.
async fn both_modes(path: &Path) -> [Vec<Result<Rows, String>>; 2] {
    let sql = std::fs::read_to_string(path).expect("a golden file");
    let in_mode = async |mode: &str| {
        let tables = tempfile::tempdir().expect("a folder for tables");
        let sql = sql.replace("{folder}", &tables.path().to_string_lossy());
        results(&format!("SET 'parallelism.default' = '1';\nSET 'execution.runtime-mode' = '{mode}';\n{sql}")).await
    };
    let (stream, batch) = tokio::join!(in_mode("streaming"), in_mode("batch"));
    [stream, batch]
}

#[tokio::test]
async fn files_of_changelogs_fold_to_the_batch_answer() {
    let files = files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/jobs/changelogs"));
    let (mut wrong, mut compared) = (String::new(), 0);
    let mut all = stream::iter(files).map(async |path| (both_modes(&path).await, path)).buffered(8);
    while let Some(([stream, batch], path)) = all.next().await {
        let name = path.file_stem().unwrap_or_default().to_string_lossy();
        let (mut differences, mut same) = (String::new(), 0);
        for (stream, batch) in stream.iter().zip(&batch) {
            match (stream, batch) {
                // What one of them refuses is another test's matter, and there are no late rows in batch mode.
                (Err(_), _) | (_, Err(_)) => {}
                (Ok(stream), Ok(_)) if stream.late => {}
                (Ok(stream), Ok(batch)) if batch.same(stream) => same += 1,
                (Ok(stream), Ok(batch)) => {
                    _ = write!(differences, "the stream leaves\n{}batch has\n{}", stream.text(), batch.text());
                }
            }
        }
        match (differences.is_empty(), DIFFER.iter().any(|(known, _)| *known == name)) {
            (true, false) => compared += same,
            (false, true) => {}
            (true, true) => _ = write!(wrong, "\n{name} does not differ: take it off the list\n"),
            (false, false) => _ = write!(wrong, "\n{name}: {differences}"),
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
    assert!(compared > 150, "only {compared} results were compared");
}
