//! One line an input with `|` as the cursor, and what is proposed, by its beginning.

use super::*;
use crate::Session;
use crate::shell::editor::vocabulary::Job;

async fn vocabulary() -> Vocabulary {
    let mut session = Session::new();
    let declare = "CREATE TABLE orders (id BIGINT, customer STRING, `order` STRING, ts TIMESTAMP(3),
            WATERMARK FOR ts AS ts) WITH ('connector' = 'datagen');
         CREATE TABLE users (name STRING, age INT) WITH ('connector' = 'blackhole');
         CREATE TABLE load (host STRING, at_ms BIGINT) WITH ('connector' = 'kafka', 'topic' = 'load', 'format' = 'json',
            'properties.bootstrap.servers' = '127.0.0.1:1');
         CREATE VIEW big AS SELECT customer FROM orders;
         SET 'pipeline.name' = 'x';";
    session.execute(declare).await.unwrap();
    let job = |name: &str, runs| Job { name: name.to_string(), runs };
    Vocabulary {
        integrations: vec!["kafka".into(), "demo-pg".into()],
        jobs: vec![job("done", false), job("runs", true)],
        topics: vec!["load".into(), "with blank".into()],
        ..Vocabulary::of(&session)
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
