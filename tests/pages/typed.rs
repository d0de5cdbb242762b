//! The README's session in the shell, typed as it stands: from a topic of unknown JSON to alerts that a job writes.

use std::time::{Duration, Instant};
use std::{env, fs};

use rdkafka::ClientConfig;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};

use super::millstream::root;
use super::page::blocks;
use super::terminal::{Options, Terminal, key};
use super::tutorial::integrations;

/// So long may a job take until what it wrote can be read.
const PATIENCE: Duration = Duration::from_secs(60);

/// What another program has sent to the topic.
const READINGS: [&str; 3] = [
    r#"{"hostname": "doc", "cpu": "cpu4", "usage": 98.3, "occurred_at": 1633956789277}"#,
    r#"{"hostname": "grumpy", "cpu": "cpu3", "usage": 25.0, "occurred_at": 1633956790000}"#,
    r#"{"hostname": "happy", "cpu": "cpu1", "usage": 85.2, "occurred_at": 1633957521000}"#,
];

/// What is typed at each prompt of a sample, with its lines.
fn inputs(sample: &str) -> Vec<String> {
    let mut inputs: Vec<String> = Vec::new();
    for line in sample.lines() {
        match (line.strip_prefix("millstream> "), line.strip_prefix("         -> "), inputs.last_mut()) {
            (Some(first), ..) => inputs.push(first.to_string()),
            (None, Some(more), Some(open)) => *open += &format!("\n{more}"),
            _ => panic!("nobody can type \"{line}\""),
        }
    }
    inputs
}

fn send(topic: &str) {
    let broker = env::var("MILLSTREAM_TEST_KAFKA").expect("MILLSTREAM_TEST_KAFKA is set: run this with `make test`");
    let producer: BaseProducer = ClientConfig::new().set("bootstrap.servers", &broker).create().expect("a producer");
    for reading in READINGS {
        producer.send(BaseRecord::<str, str>::to(topic).payload(reading)).map_err(|(error, _)| error).expect("room");
    }
    producer.flush(PATIENCE).expect("the broker takes the readings");
}

#[test]
fn the_session_of_the_readme_goes_from_a_topic_to_alerts() {
    let readme = fs::read_to_string(root().join("README.md")).expect("the page is there");
    let sample = blocks(&readme).into_iter().find(|block| block.text.starts_with("millstream> "));
    let sample = sample.expect("a session of the shell").text;
    // A topic of its own: the tutorial's is counted by another test.
    let topic = format!("typed_{}", uuid::Uuid::new_v4().simple());
    send(&topic);
    let folder = tempfile::tempdir().expect("a folder");
    let config = folder.path().join("millstream.toml");
    fs::write(&config, integrations()).expect("millstream.toml");
    let arguments = vec!["--config", config.to_str().expect("a path")];
    let shell = Terminal::start(Options { columns: 160, lines: 60, arguments, ..Options::default() });

    let shows: &[(&str, &[&str])] = &[
        ("SHOW TOPICS", &["in set"]),
        ("PEEK cpu_load_stats_real LIMIT", &["\"hostname\": \"doc\"", "3 rows in set"]),
        ("SUGGEST TABLE", &["CREATE TABLE CPU_IN (", "occurred_at_time AS TO_TIMESTAMP_LTZ(occurred_at, 3)"]),
        ("\\g", &["[INFO] Execute statement succeeded."]),
        ("SELECT", &["98.3", "85.2"]),
        ("CREATE TABLE", &["[INFO] Execute statement succeeded."]),
        ("INSERT INTO", &["Job ID: "]),
        ("SHOW JOBS", &["RUNNING"]),
        ("PEEK cpu_load_stats_real_filter", &["\"hostname\":\"doc\"", "\"hostname\":\"happy\"", "2 rows in set"]),
    ];
    let inputs = inputs(&sample);
    assert_eq!(inputs.len(), shows.len(), "{inputs:?}");
    for (input, (begins, shown)) in inputs.iter().zip(shows) {
        assert!(input.starts_with(begins), "{input}");
        let typed = input.replace("cpu_load_stats_real", &topic);
        let is_there = |screen: &str| shown.iter().all(|text| screen.contains(text));
        if *begins == "SELECT" {
            shell.type_text(&typed);
            shell.press(key::ENTER);
            shell.wait_screen("the rows", is_there);
            shell.prompt_after(key::CTRL_C);
            continue;
        }
        // The broker makes the topic, and the job writes its alerts, in their own time.
        let begun = Instant::now();
        loop {
            shell.run("clear");
            let screen = shell.run(&typed);
            if is_there(&screen) {
                break;
            }
            let is_in_time = ["PEEK", "SHOW"].iter().any(|look| begins.starts_with(look)) && begun.elapsed() < PATIENCE;
            assert!(is_in_time, "{typed}\ndoes not show {shown:?}:\n{screen}");
        }
    }
}
