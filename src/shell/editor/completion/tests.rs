//! One line an input with `|` as the cursor, and what is proposed, by its beginning.

use std::sync::Arc;

use super::*;
use crate::Session;
use crate::session::ServiceKind;
use crate::shell::editor::vocabulary::{Integration, Job};

async fn vocabulary() -> Vocabulary {
    let mut session = Session::new();
    let declare = "CREATE TABLE orders (id BIGINT, customer STRING, `order` STRING, ts TIMESTAMP(3),
            WATERMARK FOR ts AS ts) WITH ('connector' = 'datagen');
         CREATE TABLE users (name STRING, age INT) WITH ('connector' = 'blackhole');
         CREATE TABLE load (host STRING, at_ms BIGINT) WITH ('connector' = 'kafka', 'topic' = 'load', 'format' = 'json',
            'properties.bootstrap.servers' = '127.0.0.1:1');
         CREATE TABLE readings (sensor STRING, reading ROW<temp DOUBLE, geo ROW<lat DOUBLE, `long` DOUBLE>>)
            WITH ('connector' = 'blackhole');
         CREATE VIEW big AS SELECT customer FROM orders;
         SET 'pipeline.name' = 'x';";
    session.execute(declare).await.unwrap();
    let job = |id: &str, name: &str, runs| Job { id: id.to_string(), name: name.to_string(), runs };
    let integration = |name: &str, kind: Option<ServiceKind>, names: &[&str]| {
        let names: Vec<String> = names.iter().map(|name| name.to_string()).collect();
        Integration { name: name.to_string(), kind, names: Box::new(move || names.clone()) }
    };
    Vocabulary {
        integrations: vec![
            integration("kafka", Some(ServiceKind::Kafka), &["demo-cpu", "demo-load", "index", "with blank"]),
            integration("demo-pg", Some(ServiceKind::Postgres), &["public.limits", "public.Rooms", "stock.items"]),
            integration("demo-search", Some(ServiceKind::OpenSearch), &["logs-2026.11", "rooms"]),
            integration("search-2", Some(ServiceKind::OpenSearch), &["alerts"]),
            integration("files", None, &[]),
        ],
        jobs: vec![job("3eb0a1", "done", false), job("7cd2b3", "runs", true), job("7ce900", "hot-1,hot-2", true)],
        ..Vocabulary::of(&session, &Arc::default())
    }
}

fn files(typed: &str) -> Vec<String> {
    ["jobs/", "job.sql"].iter().filter(|file| file.starts_with(typed)).map(|file| file.to_string()).collect()
}

/// At most five, and how many more.
fn shown(line: &str, vocabulary: &Vocabulary) -> String {
    let cursor = line.find('|').unwrap();
    let found = proposals(&line.replacen('|', "", 1), cursor, vocabulary, &files);
    assert!(found.start <= cursor, "{line}");
    let values: Vec<&str> = found.all.iter().map(|proposal| proposal.value.as_str()).collect();
    let more = values.len().saturating_sub(5);
    let first = values.iter().take(5).copied().collect::<Vec<_>>().join(", ");
    if more > 0 { format!("{first} +{more}") } else { first }
}

#[tokio::test]
async fn proposals_fit_the_place() {
    let vocabulary = vocabulary().await;
    let table = include_str!("proposals.txt");
    let mut actual = String::new();
    for line in table.lines() {
        match line.split_once(" => ").or(line.strip_suffix(" =>").map(|input| (input, ""))) {
            Some((input, _)) => {
                let found = shown(&input.replace("\\n", "\n"), &vocabulary);
                actual += format!("{input} => {found}").trim_end();
            }
            None => actual += line,
        }
        actual.push('\n');
    }
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        std::fs::write(concat!(env!("CARGO_MANIFEST_DIR"), "/src/shell/editor/completion/proposals.txt"), &actual)
            .unwrap();
        return;
    }
    let differing: Vec<String> = table
        .lines()
        .zip(actual.lines())
        .filter(|(expected, actual)| expected != actual)
        .map(|(expected, actual)| format!("- {expected}\n+ {actual}"))
        .collect();
    assert!(differing.is_empty(), "{}", differing.join("\n"));
}

#[tokio::test]
async fn any_text_and_place_has_proposals_or_none() {
    let vocabulary = vocabulary().await;
    let text = "CREATE TABLE `t` (a INT, é STRING) WITH ('connector' = 'kafka', 'x); SELECT a.b. FROM (t -- \n/*";
    for cursor in (0..=text.len()).filter(|at| text.is_char_boundary(*at)) {
        for end in (cursor..=text.len()).filter(|at| text.is_char_boundary(*at)) {
            let found = proposals(&text[..end], cursor, &vocabulary, &files);
            assert!(text.is_char_boundary(found.start) && found.start <= cursor);
        }
    }
}

#[tokio::test]
async fn inside_a_call_stands_first_what_the_function_takes() {
    let vocabulary = vocabulary().await;
    let all = |text: &str| proposals(text, text.len(), &vocabulary, &files).all;
    for text in ["SELECT date_format(", "SELECT DATE_FORMAT(ts, ", "SELECT 1 + Date_Format( "] {
        let first = all(text).into_iter().next().unwrap();
        assert_eq!((first.value.as_str(), first.shown.as_deref()), ("", Some("DATE_FORMAT(")), "{text}");
        assert!(first.about.starts_with("DATE_FORMAT("), "{}", first.about);
    }
    // What is typed is completed.
    assert!(all("SELECT DATE_FORMAT(c").iter().all(|proposal| !proposal.value.is_empty()));
    assert!(all("SELECT (").iter().all(|proposal| !proposal.value.is_empty()));
}
