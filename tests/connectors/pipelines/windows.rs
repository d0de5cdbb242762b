//! Jobs 2 and 4: half minutes of readings that come out of order and late, from several partitions of which one is silent.
//!
//! What they must give is computed here anew from the readings. Of the same queries over files, `tests/jobs/changelogs`
//! (`cpu_usage_windows`, `count_of_windows_over_threshold`, `trap_02_*`) has the answers of Flink.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use chrono::DateTime;
use serde_json::Value;

use super::job::{Job, pause};
use super::readings::{Reading, START, readings, threshold};
use super::stage::Stage;
use super::topic::Topic;
use crate::kafka::{PATIENCE, clients};

const SIZE: i64 = 30_000;
/// How far the watermark stays behind, as the job files say.
const DELAY: i64 = 10_000;

/// The sums of a CPU in one half minute.
#[derive(Debug, Default, Clone, Copy)]
struct Sums {
    tenths: i64,
    count: i64,
    highest: i64,
}

/// Sums by window, host and CPU.
type Windows<'a> = BTreeMap<(i64, &'a str, &'a str), Sums>;

fn windows<'a>(readings: impl IntoIterator<Item = &'a Reading>) -> Windows<'a> {
    let mut windows = Windows::new();
    for reading in readings {
        let start = reading.at.div_euclid(SIZE) * SIZE;
        let sums = windows.entry((start, reading.host, reading.cpu.as_str())).or_default();
        if let Some(usage) = reading.usage {
            sums.highest = if sums.count == 0 { usage } else { sums.highest.max(usage) };
            sums.tenths += usage;
            sums.count += 1;
        }
    }
    windows
}

/// Those that are over when event time has come to `watermark`.
fn over<'a>(windows: &Windows<'a>, watermark: i64) -> Windows<'a> {
    windows.iter().filter(|((start, ..), _)| start + SIZE - 1 <= watermark).map(|(key, sums)| (*key, *sums)).collect()
}

/// As job 2 writes a time.
fn time(ms: i64) -> String {
    DateTime::from_timestamp_millis(ms).unwrap().format("%Y-%m-%d %H:%M:%S").to_string()
}

/// Compares what job 2 has written: every window and CPU once, averages within rounding.
#[track_caller]
fn assert_written(output: &Topic, expected: &Windows<'_>) {
    let mut seen = BTreeSet::new();
    for value in output.values() {
        let row: Value = serde_json::from_str(&value).unwrap();
        let text = |name: &str| row[name].as_str().unwrap_or_else(|| panic!("{name} in {value}"));
        let found = expected.iter().find(|((start, host, cpu), _)| {
            (text("window_start"), text("hostname"), text("cpu")) == (time(*start).as_str(), *host, *cpu)
        });
        let Some((key, sums)) = found else { panic!("nothing is to be written of {value}") };
        assert!(seen.insert(key), "twice: {value}");
        assert_eq!(text("window_end"), time(key.0 + SIZE), "{value}");
        if sums.count == 0 {
            assert!(row["usage_avg"].is_null() && row["usage_max"].is_null(), "{value}");
            continue;
        }
        let average = sums.tenths as f64 / 10.0 / sums.count as f64;
        assert!((row["usage_avg"].as_f64().unwrap() - average).abs() <= 1e-9 * average, "{value}: {sums:?}");
        assert_eq!(row["usage_max"].as_f64(), Some(sums.highest as f64 / 10.0), "{value}: {sums:?}");
    }
    assert_eq!(seen.len(), expected.len(), "something is missing");
}

/// What job 4 counts, as PostgreSQL shows it. No average lies so near its threshold that rounding could decide.
fn counts(windows: &Windows<'_>) -> Vec<String> {
    let mut counts: BTreeMap<i64, i64> = BTreeMap::new();
    for ((start, host, _), sums) in windows.iter().filter(|(_, sums)| sums.count > 0) {
        let Some(top) = threshold(host) else { continue };
        let above = sums.tenths - top * 10 * sums.count;
        assert_ne!(above, 0, "an average of {host} is its threshold");
        *counts.entry(*start).or_default() += i64::from(above > 0);
    }
    counts.iter().filter(|(_, n)| **n > 0).map(|(start, n)| format!("{}|{n}", time(*start))).collect()
}

async fn shows(stage: &Stage, job: &mut Job, expected: &[String]) {
    let start = Instant::now();
    loop {
        let rows = stage.db.rows("SELECT * FROM counts ORDER BY time_ltz").await;
        if rows == expected {
            return;
        }
        job.check();
        assert!(start.elapsed() < PATIENCE, "{rows:#?} is not {expected:#?}:\n{}", job.said());
        pause().await;
    }
}

async fn says(job: &mut Job, part: &str) {
    let start = Instant::now();
    while !job.said().contains(part) {
        job.check();
        assert!(start.elapsed() < PATIENCE, "nobody says {part:?}:\n{}", job.said());
        pause().await;
    }
}

fn values<'a>(readings: impl IntoIterator<Item = &'a Reading>) -> Vec<String> {
    readings.into_iter().map(|reading| reading.record().1).collect()
}

fn reading(host: &'static str, cpu: &str, tenths: i64, at: i64) -> Reading {
    Reading { host, cpu: cpu.into(), usage: Some(tenths), at }
}

/// Readings for two partitions: out of order within what the watermark waits for, and in both of them the last one is
/// of the same moment.
fn two_partitions() -> [Vec<Reading>; 2] {
    let mut parts = [Vec::new(), Vec::new()];
    for (i, mut reading) in readings(2000).into_iter().enumerate() {
        reading.cpu = format!("cpu{}", i / 8 % 2 + 1);
        // Three tenths above a whole number: averages of less than ten are none.
        reading.usage = reading.usage.map(|tenths| tenths / 10 * 10 + 3);
        parts[i % 3 % 2].push(reading);
    }
    let last = parts.iter().flatten().map(|reading| reading.at).max().unwrap() + SIZE + DELAY;
    parts.iter_mut().for_each(|part| part.push(reading("doc", "cpu1", 500, last)));
    parts
}

#[tokio::test(flavor = "multi_thread")]
async fn job_2_tells_each_half_minute_once_though_a_partition_is_silent_and_readings_come_late() {
    for client in clients() {
        let stage = Stage::with_client(client).await;
        let input = stage.topic("cpu_load_stats_real").create(3).await;
        let output = stage.topic("cpu_load_stats_agg").create(2).await;
        let mut parts = two_partitions();
        parts.iter().zip(0..).for_each(|(part, partition)| input.send_to(partition, values(part)));
        let mut job = stage.start_file("simple_agg.sql");
        let watermark = parts[0].last().unwrap().at - DELAY;
        let expected = over(&windows(parts.iter().flatten()), watermark);
        assert!(expected.len() > 500, "{}", expected.len());
        output.holds(expected.len(), &mut [&mut job]).await;
        assert_written(&output, &expected);

        // Each partition, the one that was silent too, gives a reading of the half minute that is open, and one of a half
        // minute that was told.
        let last = expected.keys().map(|(start, ..)| start + SIZE).max().unwrap();
        for (partition, (now, late)) in
            [(last, START), (last + SIZE - 1, last - 1), (last + 1, 0)].into_iter().enumerate()
        {
            let now = reading("happy", "cpu1", 100 + now % 7, now);
            input.send_to(partition as i32, values([&now, &reading("sleepy", "cpu2", 999, late)]));
            parts[0].push(now);
        }
        says(&mut job, "  3 late").await;
        for partition in 0..3 {
            input.send_to(partition, values(&[reading("doc", "cpu4", 1, last + SIZE + DELAY)]));
        }
        let expected = over(&windows(parts.iter().flatten()), last + SIZE);
        output.holds(expected.len(), &mut [&mut job]).await;
        assert_written(&output, &expected);
        let said = job.stop().await.stderr;
        assert!(said.contains(", 3 late"), "{said}");
        stage.clear().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn job_4_counts_the_half_minutes_over_a_threshold_and_postgresql_has_one_row_of_each() {
    let stage = Stage::new().await;
    stage.db.run("CREATE TABLE counts (time_ltz timestamp(3) PRIMARY KEY, nr_cpus_over_threshold int)").await;
    let input = stage.topic("cpu_load_stats_real").create(3).await;
    let mut parts = two_partitions();
    // Half of them now, half of them while the job runs.
    let halves = [0, 1].map(|i| parts[i].len() / 2);
    for (partition, half) in halves.into_iter().enumerate() {
        input.send_to(partition as i32, values(&parts[partition][..half]));
    }
    let mut job = stage.start_file("simple_filter_pg_agg.sql");
    says(&mut job, "simple_filter_pg_agg started").await;
    for (partition, half) in halves.into_iter().enumerate() {
        input.send_to(partition as i32, values(&parts[partition][half..]));
    }
    let watermark = parts[0].last().unwrap().at - DELAY;
    let all = windows(parts.iter().flatten());
    let expected = counts(&over(&all, watermark));
    let kinds: BTreeSet<&str> = expected.iter().filter_map(|row| row.split('|').nth(1)).collect();
    assert!(expected.len() > 50 && kinds.len() > 3, "{expected:#?}");
    shows(&stage, &mut job, &expected).await;

    // Late ones change nothing, and one that is not late makes a row.
    let late: Vec<Reading> = (1..=4).map(|cpu| reading("doc", &format!("cpu{cpu}"), 999, START)).collect();
    input.send_to(0, values(&late));
    let last = watermark.div_euclid(SIZE) * SIZE;
    let more = [reading("doc", "cpu3", 201, last), reading("doc", "cpu3", 201, last + SIZE + DELAY)];
    input.send_to(0, values(&more));
    input.send_to(1, values(&more[1..]));
    parts[0].extend(more);
    shows(&stage, &mut job, &counts(&over(&windows(parts.iter().flatten()), last + SIZE))).await;
    let said = job.stop().await.stderr;
    assert!(said.contains(", 4 late"), "{said}");
    stage.clear().await;
}

/// Job 2 over what a topic holds now, with a watermark behind every row.
fn on_event(stage: &Stage) -> String {
    let text = stage.job_text("simple_agg.sql");
    let startup = "'scan.startup.mode' = 'earliest-offset'";
    assert!(text.contains(startup));
    let options = "'scan.watermark.emit.strategy' = 'on-event', 'scan.bounded.mode' = 'latest-offset'";
    stage.write("on_event.sql", &text.replace(startup, &format!("{startup}, {options}")))
}

#[tokio::test(flavor = "multi_thread")]
async fn with_a_watermark_behind_every_row_it_is_settled_which_readings_are_late() {
    for client in clients() {
        let stage = Stage::with_client(client).await;
        let input = stage.topic("cpu_load_stats_real").create(1).await;
        let output = stage.topic("cpu_load_stats_agg").create(2).await;
        // Up to two minutes late; and before 1970, where the first ones are.
        let shift = |(i, mut reading): (usize, Reading)| {
            reading.at = reading.at - START - 100_000 - if i % 5 == 0 { (i as i64 * 7919) % 120_000 } else { 0 };
            reading
        };
        let all: Vec<Reading> = readings(400).into_iter().enumerate().map(shift).collect();
        input.send_to(0, values(&all));
        let ended = stage.start(&[&on_event(&stage)]).end().await;
        assert_eq!(ended.code, Some(0), "{ended:?}");

        let (mut watermark, mut counted) = (i64::MIN, Vec::new());
        for reading in &all {
            let end = (reading.at.div_euclid(SIZE) + 1) * SIZE;
            if end - 1 > watermark {
                counted.push(reading);
            }
            watermark = watermark.max(reading.at - DELAY);
        }
        let late = all.len() - counted.len();
        assert!(late > 30 && counted.iter().any(|reading| reading.at < 0), "{late}");
        assert_written(&output, &windows(counted));
        assert!(ended.stderr.contains(&format!(", {late} late")), "{late}: {ended:?}");
        stage.clear().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn windows_before_1970_close_as_any_other() {
    let stage = Stage::new().await;
    let input = stage.topic("cpu_load_stats_real").create(1).await;
    let output = stage.topic("cpu_load_stats_agg").create(1).await;
    let all = [-95_000, -70_001, -60_000, -31_000].map(|at| reading("doc", "cpu1", 10 - at / 10_000, at));
    input.send_to(0, values(&all));
    let mut job = stage.start_file("simple_agg.sql");
    // Event time is at -41 s: those from -120 s and -90 s on are over.
    let expected = over(&windows(&all), -41_000);
    assert_eq!(expected.len(), 2);
    output.holds(expected.len(), &mut [&mut job]).await;
    assert_written(&output, &expected);
    says(&mut job, "next window closes at 23:59:30").await;
    job.stop().await;
    stage.clear().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_time_far_in_the_future_is_told_once_with_topic_partition_and_offset() {
    for client in clients() {
        let stage = Stage::with_client(client).await;
        let input = stage.topic("cpu_load_stats_real").create(2).await;
        let output = stage.topic("cpu_load_stats_agg").create(1).await;
        let now = [reading("doc", "cpu1", 500, START), reading("doc", "cpu1", 700, START + 1000)];
        input.send_to(0, values(&now[..1]));
        input.send_to(1, values(&now));
        // Milliseconds of somebody who counts in microseconds: twice, and then a reading that comes too late for it.
        let future = [1, 2].map(|i| reading("doc", "cpu1", 900, START * 1000 + i));
        input.send_to(1, values(future.iter().chain(&now[..1])));
        let mut job = stage.start_file("simple_agg.sql");
        // The other partition falls idle; then it is the future that closes windows.
        output.holds(1, &mut [&mut job]).await;
        let (topic, said) = (&input.name, job.stop().await.stderr);
        let told = format!(
            "table \"CPU_IN\": a row at topic \"{topic}\", partition 1, offset 2 moves the watermark to \
         +53748-01-11 21:54:27.001, more than a day ahead of the clock"
        );
        assert_eq!(said.matches("ahead of the clock").count(), 1, "{said}");
        assert!(said.contains(&told), "{told}\n{said}");
        assert!(said.contains(", 2 far ahead"), "{said}");
        stage.clear().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_count_that_postgresql_has_no_room_for_fails_the_job_by_column_and_value() {
    let stage = Stage::new().await;
    stage.db.run("CREATE TABLE counts (time_ltz timestamp(3) PRIMARY KEY, nr_cpus_over_threshold int)").await;
    let input = stage.topic("cpu_load_stats_real").create(1).await;
    input.send_to(0, values(&[reading("doc", "cpu1", 1000, START), reading("doc", "cpu1", 1000, START)]));
    // A billion and more for every CPU: the second one is too much.
    let text = stage.job_text("simple_filter_pg_agg.sql");
    assert!(text.contains("COUNT(*)\n"));
    let text = text.replace("COUNT(*)\n", "SUM(CAST(1500000000 AS BIGINT))\n");
    let bounded = "'scan.startup.mode' = 'earliest-offset', 'scan.bounded.mode' = 'latest-offset'";
    let text = text.replace("'scan.startup.mode' = 'earliest-offset'", bounded);
    let path = stage.write("too_many.sql", &text);
    let ended = stage.start(&[&path]).end().await;
    assert_eq!(ended.code, Some(0), "one fits: {ended:?}");
    input.send_to(0, values(&[reading("doc", "cpu2", 1000, START)]));
    let ended = stage.start(&[&path]).end().await;
    assert_eq!(ended.code, Some(1), "{ended:?}");
    for part in ["nr_cpus_over_threshold", "3000000000 is out of range for integer"] {
        assert!(ended.stderr.contains(part), "{part}: {}", ended.stderr);
    }
    let kept = ["2021-10-11 12:53:00|1500000000"];
    assert_eq!(stage.db.rows("SELECT * FROM counts").await, kept, "what stood there stands there");
    stage.clear().await;
}
