//! How many bytes the hot loops ask for, a row: compared with `hot_loops.txt`, so that it is noticed when one gets dearer.
//!
//! The figures don't depend on the machine, and next to nothing on when things happen: jobs run on one thread. They are
//! those of a build for tests; `UPDATE_EXPECT=1` accepts what is there now.

use std::collections::HashMap;
use std::path::Path;

use super::{Bench, BenchOptions, Samples};
use crate::allocations::{Counted, of_thread};
use crate::connectors::kafka::records_to_rows;
use crate::error::Result;
use crate::formats::{FormatRole, Messages, TableFormat};
use crate::session::Session;
use crate::span::SourceText;
use crate::sql::parse_script;
use crate::types::{Field, Schema, SqlType, TypeKind};

/// More than this share of it off is another figure; of one that is next to nothing, more than so many bytes.
const TOLERANCE: f64 = 0.1;
const LEAST: f64 = 0.2;

const ROWS: u64 = 100_000;

const TABLES: &str = "
    CREATE TABLE readings (
      host STRING, cpu STRING, load DOUBLE, at_ms BIGINT, user_id BIGINT,
      ts AS TO_TIMESTAMP_LTZ(at_ms, 3), WATERMARK FOR ts AS ts - INTERVAL '10' SECOND
    ) WITH ('connector' = 'kafka', 'topic' = 'readings', 'properties.bootstrap.servers' = 'nowhere:9092',
      'scan.startup.mode' = 'earliest-offset', 'format' = 'json');
    CREATE TABLE hosts (host STRING, most DOUBLE) WITH (
      'connector' = 'jdbc', 'url' = 'jdbc:postgresql://nowhere:1/db', 'table-name' = 'hosts', 'lookup.cache' = 'PARTIAL',
      'lookup.partial-cache.max-rows' = '10000');";

/// Jobs, each with its parallelism.
const JOBS: &[(&str, usize, &str)] = &[
    ("filter and project", 1, "SELECT CAST(ts AS TIMESTAMP(3)) AS t, host, cpu, load FROM readings WHERE load > 80"),
    (
        "tumbling window",
        1,
        "SELECT window_start, host, cpu, AVG(load), MAX(load) FROM TABLE(TUMBLE(TABLE readings, DESCRIPTOR(ts), INTERVAL '3' SECOND))
         GROUP BY window_start, window_end, host, cpu",
    ),
    (
        "tumbling window in two phases",
        2,
        "SELECT window_start, host, MAX(load) FROM TABLE(TUMBLE(TABLE readings, DESCRIPTOR(ts), INTERVAL '3' SECOND))
         GROUP BY window_start, window_end, host",
    ),
    ("group by a text", 1, "SELECT host, COUNT(*), SUM(load) FROM readings GROUP BY host"),
    ("group by a number of many", 1, "SELECT user_id, COUNT(*), SUM(load) FROM readings GROUP BY user_id"),
    (
        "lookup join with a cache",
        1,
        "SELECT r.host, load, most FROM (SELECT *, PROCTIME() AS pt FROM readings) AS r
         JOIN hosts FOR SYSTEM_TIME AS OF r.pt AS h ON r.host = h.host WHERE load > most",
    ),
];

#[test]
#[cfg_attr(not(debug_assertions), ignore = "the figures are those of a build for debugging")]
fn hot_loops_ask_for_as_much_memory_as_they_did() {
    let mut figures = Vec::new();
    for (name, parallelism, query) in JOBS {
        let costs = costs_of(query, *parallelism).unwrap();
        figures.extend(costs.into_iter().map(|(node, bytes)| (format!("{name}: {node}"), bytes)));
    }
    let messages = messages();
    let (decoded, encoded) = json(&messages).unwrap();
    let a_row = |bytes: u64| bytes as f64 / messages.len() as f64;
    let (walked, to_rows) = records_to_rows(&messages, "hostname STRING, cpu STRING, usage DOUBLE", messages.len());
    figures.extend([
        ("decode JSON".to_string(), decoded),
        ("encode JSON".to_string(), encoded),
        ("walk records of Kafka".to_string(), a_row(walked)),
        ("decode records of Kafka".to_string(), a_row(to_rows)),
    ]);
    compare(&numbered(figures));
}

/// The second and later figures of a name get a number.
fn numbered(figures: Vec<(String, f64)>) -> Vec<(String, f64)> {
    let mut seen: HashMap<String, usize> = HashMap::new();
    let figure = |(name, bytes): (String, f64)| {
        let number = seen.entry(name.clone()).or_default();
        *number += 1;
        (if *number > 1 { format!("{name} {number}") } else { name }, bytes)
    };
    figures.into_iter().map(figure).collect()
}

#[test]
fn figures_of_one_name_can_be_told_apart() {
    let figures = [("a: Calc", 1.0), ("a: Sink", 2.0), ("a: Calc", 3.0)].map(|(name, bytes)| (name.to_string(), bytes));
    let names: Vec<String> = numbered(figures.to_vec()).into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["a: Calc", "a: Sink", "a: Calc 2"]);
}

/// Readings of the tutorial.
fn messages() -> Vec<String> {
    let message = |i: usize| format!("{{\"hostname\":\"grumpy\",\"cpu\":\"cpu{}\",\"usage\":{}.5}}", i % 4, i % 100);
    (0..8_192).map(message).collect()
}

/// What each node of the job asks for, a row that comes to it.
fn costs_of(query: &str, parallelism: usize) -> Result<Vec<(String, f64)>> {
    let text = SourceText::new("sql", format!("SET 'parallelism.default' = '{parallelism}'; {TABLES} {query}"));
    let (mut session, mut job) = (Session::new(), None);
    for statement in parse_script(&text) {
        job = session.plan_only(&statement?, &text)?.or(job);
    }
    let bench = Bench::prepare(
        job.unwrap(),
        &BenchOptions { rows: ROWS, may_be_fewer: false, given: Vec::new() },
        &Samples::default(),
    )?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let measured = runtime.block_on(bench.run(true, &|_| ()))?;
    let nodes = measured.costs.unwrap().nodes.into_iter().filter(|node| node.rows_in > 0);
    let name = |text: &str| text.split('(').next().unwrap_or(text).to_string();
    Ok(nodes.map(|node| (name(&node.text), node.bytes as f64 / node.rows_in as f64)).collect())
}

/// What decoding and encoding rows of the tutorial ask for, a row, once their buffers are there.
fn json(messages: &[String]) -> Result<(f64, f64)> {
    let text = || SqlType::nullable(TypeKind::Varchar(crate::types::STRING_LENGTH));
    let columns = [("hostname", text()), ("cpu", text()), ("usage", SqlType::nullable(TypeKind::Double))];
    let schema: Schema = columns.into_iter().map(|(name, ty)| Field::new(name, ty)).collect();
    let options = [("format", "json")].into_iter().collect();
    let format = TableFormat::require(&options, FormatRole::Value, "t", chrono_tz::Tz::UTC, false)?;
    let mut decoder = format.decoding(&schema)?.decoder(&[0, 1, 2])?;
    let mut encoder = format.encoding(&schema)?.encoder()?;
    let rows = messages.len();
    let mut out = Messages::new();
    let mut asked = (0.0, 0.0);
    let _counted = Counted::begin();
    for _again in 0..2 {
        let before = of_thread();
        for message in messages {
            decoder.decode(message.as_bytes()).map_err(|error| error.into_error("a message"))?;
        }
        let batch = decoder.finish()?;
        let between = of_thread();
        out.clear();
        encoder.encode(&batch, &mut out).map_err(|error| error.into_error("a row"))?;
        asked = ((between - before) as f64 / rows as f64, (of_thread() - between) as f64 / rows as f64);
    }
    Ok(asked)
}

fn compare(figures: &[(String, f64)]) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/bench/hot_loops.txt");
    let mut text = String::from(
        "# Bytes asked for, a row, by the hot loops of a build for tests. UPDATE_EXPECT=1 accepts what is there now.\n",
    );
    text.extend(figures.iter().map(|(name, bytes)| format!("{bytes:9.1}  {name}\n")));
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        std::fs::write(&path, text).unwrap();
        return;
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    let known = |name: &str| {
        let lines = committed.lines().filter_map(|line| line.trim().split_once("  "));
        lines.filter(|(_, known)| *known == name).find_map(|(bytes, _)| bytes.parse::<f64>().ok())
    };
    let differs = |(name, bytes): &&(String, f64)| {
        known(name).is_none_or(|known| (bytes - known).abs() > (known * TOLERANCE).max(LEAST))
    };
    let different = figures.iter().filter(differs);
    let told = different.map(|(name, bytes)| match known(name) {
        Some(known) => format!("{name}: {bytes:.1} bytes a row, and {known:.1} before\n"),
        None => format!("{name}: {bytes:.1} bytes a row, and nothing is known of it\n"),
    });
    let told: String = told.collect();
    let gone = committed.lines().filter(|line| !line.starts_with('#')).count() != figures.len();
    assert!(told.is_empty() && !gone, "{told}\nnow:\n{text}\nUPDATE_EXPECT=1 accepts what is there now");
}
