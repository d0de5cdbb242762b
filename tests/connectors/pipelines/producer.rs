//! The tutorial's producer with another rate and count: as many readings as it says, as hosts would publish them.

use std::collections::HashSet;

use serde_json::Value;

use super::stage::{Stage, THRESHOLDS};

fn now() -> i64 {
    std::time::UNIX_EPOCH.elapsed().unwrap().as_millis() as i64
}

#[tokio::test(flavor = "multi_thread")]
async fn the_producer_writes_as_many_readings_as_its_count_line_says() {
    let stage = Stage::new().await;
    let text = stage.job_text("producer.sql");
    let (rate, count) = ("'rows-per-second' = '10'", "'number-of-rows' = '36000'");
    assert!(text.contains(rate) && text.contains(count), "{text}");
    let text = text.replace(rate, "'rows-per-second' = '100000'").replace(count, "'number-of-rows' = '3000'");
    // Nobody has made the topic.
    let before = now();
    let ended = stage.start(&[&stage.write("producer.sql", &text)]).end().await;
    let after = now();
    assert_eq!(ended.code, Some(0), "{ended:?}");

    let values = stage.topic("cpu_load_stats_real").values();
    assert_eq!(values.len(), 3000);
    let mut seen = HashSet::new();
    let mut times = Vec::new();
    for value in &values {
        let reading: Value = serde_json::from_str(value).unwrap();
        assert_eq!(
            reading.as_object().unwrap().keys().collect::<Vec<_>>(),
            ["hostname", "cpu", "usage", "occurred_at"]
        );
        let host = reading["hostname"].as_str().unwrap().to_string();
        assert!(THRESHOLDS.iter().any(|(name, _)| *name == host), "{value}");
        let cpu = reading["cpu"].as_str().unwrap().to_string();
        assert!(["cpu1", "cpu2", "cpu3", "cpu4"].contains(&cpu.as_str()), "{value}");
        let usage = reading["usage"].as_f64().unwrap();
        assert!((0.0..=100.0).contains(&usage) && (usage * 10.0 - (usage * 10.0).round()).abs() < 1e-9, "{value}");
        seen.insert((host, cpu));
        times.push(reading["occurred_at"].as_i64().unwrap());
    }
    assert_eq!(seen.len(), 28, "every CPU of every host");
    assert!(times.iter().all(|t| (before - 8000..=after).contains(t)), "{before} {after} {times:?}");
    assert!(!times.is_sorted(), "readings come in order");
    stage.clear().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endless_producer_stops_when_it_is_asked_to() {
    let stage = Stage::new().await;
    let text = stage.job_text("producer.sql");
    let endless: Vec<&str> = text.lines().filter(|line| !line.contains("'number-of-rows'")).collect();
    let mut job = stage.start(&[&stage.write("producer.sql", &endless.join("\n"))]);
    stage.topic("cpu_load_stats_real").holds(2, &mut [&mut job]).await;
    job.stop().await;
    stage.clear().await;
}
