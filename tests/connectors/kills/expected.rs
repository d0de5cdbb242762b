//! What every sink must hold, computed from the readings alone.

use std::collections::BTreeMap;

use chrono::DateTime;
use serde_json::{Value, json};

use crate::pipelines::readings::{Reading, threshold};

const SIZE: i64 = 30_000;

/// Rows of one sink as text, sorted.
pub type Rows = Vec<String>;

fn sorted(mut rows: Rows) -> Rows {
    rows.sort_unstable();
    rows
}

fn time(ms: i64) -> String {
    DateTime::from_timestamp_millis(ms).unwrap().format("%Y-%m-%d %H:%M:%S").to_string()
}

/// Job 1: every reading above 80.
pub fn filtered(readings: &[Reading]) -> Rows {
    sorted(readings.iter().filter_map(Reading::high).collect())
}

/// Job 3: every reading above its host's threshold.
pub fn above(readings: &[Reading]) -> Rows {
    sorted(readings.iter().filter_map(|reading| threshold(reading.host).and_then(|top| reading.above(top))).collect())
}

/// Job 5: of those the ones of two hosts, as documents.
pub fn documents(readings: &[Reading]) -> Rows {
    let document = |reading: &Reading| threshold(reading.host).and_then(|top| reading.document(top));
    sorted(readings.iter().filter_map(document).map(|document| document.to_string()).collect())
}

/// Sum in tenths, count, highest, of each half minute, host and CPU.
fn windows(readings: &[Reading]) -> BTreeMap<(i64, &str, &str), (i64, i64, i64)> {
    let mut windows: BTreeMap<(i64, &str, &str), (i64, i64, i64)> = BTreeMap::new();
    for reading in readings {
        let start = reading.at.div_euclid(SIZE) * SIZE;
        let sums = windows.entry((start, reading.host, &reading.cpu)).or_default();
        if let Some(usage) = reading.usage {
            *sums = (sums.0 + usage, sums.1 + 1, sums.2.max(usage));
        }
    }
    windows
}

/// Job 2: average and maximum of each half minute and CPU. Usages are halves, so that sums are exact in any order.
pub fn averages(readings: &[Reading]) -> Rows {
    let row = |((start, host, cpu), (sum, count, highest)): (&(i64, &str, &str), &(i64, i64, i64))| {
        let average = (*count > 0).then(|| *sum as f64 / 10.0 / *count as f64);
        let highest = (*count > 0).then(|| *highest as f64 / 10.0);
        json!({
            "window_start": time(*start), "window_end": time(start + SIZE), "hostname": host, "cpu": cpu,
            "usage_avg": average, "usage_max": highest,
        })
        .to_string()
    };
    sorted(windows(readings).iter().map(row).collect())
}

/// What was written for job 2, in the form of [`averages`].
pub fn as_averages(values: Vec<String>) -> Rows {
    sorted(values.iter().map(|value| serde_json::from_str::<Value>(value).unwrap().to_string()).collect())
}

/// Job 4: how many CPUs were over their threshold in each half minute; an average that is the threshold is exact.
pub fn counts(readings: &[Reading]) -> Rows {
    let mut counts: BTreeMap<i64, i64> = BTreeMap::new();
    for ((start, host, _), (sum, count, _)) in windows(readings) {
        let Some(top) = threshold(host).filter(|_| count > 0) else { continue };
        if sum > top * 10 * count {
            *counts.entry(start).or_default() += 1;
        }
    }
    sorted(counts.iter().map(|(start, count)| format!("{}|{count}", time(*start))).collect())
}

/// The mixed job: every reading, as `host|cpu|at`.
pub fn every(readings: &[Reading]) -> Rows {
    sorted(readings.iter().map(|reading| format!("{}|{}|{}", reading.host, reading.cpu, reading.at)).collect())
}

/// The same of JSON documents.
pub fn as_every(values: impl IntoIterator<Item = Value>) -> Rows {
    let text = |value: &Value, name: &str| value[name].as_str().unwrap_or_default().to_string();
    let row = |v: Value| format!("{}|{}|{}", text(&v, "hostname"), text(&v, "cpu"), v["occurred_at"]);
    sorted(values.into_iter().map(row).collect())
}

/// The mixed job: how many readings each host has, as `host|count|latest`.
pub fn hosts(readings: &[Reading]) -> Rows {
    let mut hosts: BTreeMap<&str, (i64, i64)> = BTreeMap::new();
    for reading in readings {
        let host = hosts.entry(reading.host).or_insert((0, i64::MIN));
        *host = (host.0 + 1, host.1.max(reading.at));
    }
    hosts.iter().map(|(host, (count, latest))| format!("{host}|{count}|{latest}")).collect()
}
