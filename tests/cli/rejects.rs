//! `error-handling.mode`: what becomes of rows that can't be processed, stage by stage, in files.

use std::path::Path;

use crate::millstream::{Ended, millstream_in};

/// Three good lines, one that is no JSON, one with a text where a number belongs.
const LINES: &str = "{\"a\": 1, \"s\": \"5\"}\n{oops\n{\"a\": 2, \"s\": \"x\"}\n{\"a\": \"no\", \"s\": \"7\"}\n{\"a\": 0, \"s\": \"9\"}\n";

fn letters() -> &'static str {
    "CREATE TABLE letters (job STRING, `table` STRING, stage STRING, error STRING, payload BYTES, topic STRING,
       `offset` BIGINT, `partition` INT) WITH ('connector' = 'filesystem', 'path' = 'letters', 'format' = 'json');"
}

/// Runs a job over the lines of `in/lines.json`; `options` are the source's.
fn run(folder: &Path, options: &str, sql: &str) -> Ended {
    std::fs::create_dir_all(folder.join("in")).unwrap();
    std::fs::write(folder.join("in/lines.json"), LINES).unwrap();
    let source = format!(
        "CREATE TABLE lines (a INT, s STRING) WITH ('connector' = 'filesystem', 'path' = 'in', 'format' = 'json'{options});"
    );
    millstream_in(folder, &["run", "--set", "parallelism.default=1", "-e", &format!("{}{source}{sql}", letters())])
}

/// The dead letters, in the order in which they were written.
fn dead_letters(folder: &Path) -> Vec<serde_json::Value> {
    let mut files: Vec<_> =
        std::fs::read_dir(folder.join("letters")).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort_by_key(|path| std::fs::metadata(path).unwrap().modified().unwrap());
    let texts = files.iter().map(|path| std::fs::read_to_string(path).unwrap());
    texts.flat_map(|text| text.lines().map(|line| serde_json::from_str(line).unwrap()).collect::<Vec<_>>()).collect()
}

/// The decoded bytes of a BYTES value in JSON.
fn payload(letter: &serde_json::Value) -> String {
    String::from_utf8(base64(letter["payload"].as_str().unwrap())).unwrap()
}

fn base64(text: &str) -> Vec<u8> {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let (mut bits, mut count, mut bytes) = (0u32, 0, Vec::new());
    for byte in text.bytes().filter(|b| *b != b'=') {
        let value = ALPHABET.iter().position(|a| *a == byte).unwrap() as u32;
        (bits, count) = (bits << 6 | value, count + 6);
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count) as u8);
        }
    }
    bytes
}

const PRINT_ALL: &str = "CREATE TABLE printed (a INT, s STRING) WITH ('connector' = 'print');
  INSERT INTO printed SELECT a, s FROM lines;";
/// Fails for the line whose `s` is no number, and where `a` is 0.
const PRINT_COMPUTED: &str = "CREATE TABLE printed (q INT) WITH ('connector' = 'print');
  INSERT INTO printed SELECT CAST(s AS INT) / a FROM lines;";

#[test]
fn a_row_that_cannot_be_processed_fails_the_job_unless_a_table_says_otherwise() {
    let folder = tempfile::tempdir().unwrap();
    let ended = run(folder.path(), "", PRINT_ALL).expect(1);
    assert!(ended.err.contains("cannot decode record at file"), "{}", ended.err);
    let ended = run(folder.path(), ", 'error-handling.mode' = 'fail'", PRINT_ALL).expect(1);
    assert!(ended.err.contains("line 2"), "{}", ended.err);
}

#[test]
fn skipped_rows_are_counted_by_stage() {
    let folder = tempfile::tempdir().unwrap();
    let ended = run(folder.path(), ", 'error-handling.mode' = 'skip'", PRINT_COMPUTED).expect(0);
    assert_eq!(ended.out, "+I[5]\n");
    assert!(ended.err.contains("4 rejected (2 decode, 2 compute)"), "{}", ended.err);
    // Why the first of each was, once.
    for stage in ["decode", "compute"] {
        let told = format!(": first row rejected ({stage}), table \"lines\": ");
        assert_eq!(ended.err.matches(&told).count(), 1, "{}", ended.err);
    }
}

#[test]
fn dead_letters_keep_the_bytes_and_say_where_and_why() {
    let folder = tempfile::tempdir().unwrap();
    let options = ", 'error-handling.mode' = 'dead-letter', 'error-handling.table' = 'letters'";
    let ended = run(folder.path(), options, PRINT_COMPUTED).expect(0);
    assert_eq!(ended.out, "+I[5]\n");
    let letters = dead_letters(folder.path());
    let mut seen: Vec<(i64, String, String)> = letters
        .iter()
        .map(|l| (l["offset"].as_i64().unwrap(), l["stage"].as_str().unwrap().to_string(), payload(l)))
        .collect();
    seen.sort();
    let lines: Vec<&str> = LINES.lines().collect();
    let offset = |line: usize| lines[..line].iter().map(|l| l.len() as i64 + 1).sum::<i64>();
    let expected: Vec<_> = [(1, "decode"), (2, "compute"), (3, "decode"), (4, "compute")]
        .map(|(line, stage)| (offset(line), stage.to_string(), lines[line].to_string()))
        .into();
    assert_eq!(seen, expected);
    for letter in &letters {
        assert_eq!((letter["table"].as_str(), letter["partition"].as_i64()), (Some("lines"), None), "{letter}");
        assert!(letter["topic"].as_str().unwrap().ends_with("in/lines.json"), "{letter}");
        let why = letter["error"].as_str().unwrap();
        let known = ["cannot decode record", "cannot cast 'x' to INT", "division by zero"];
        assert!(known.iter().any(|known| why.to_lowercase().contains(&known.to_lowercase())), "{why}");
    }
}

#[test]
fn a_null_for_a_not_null_column_is_the_sinks_to_reject() {
    let folder = tempfile::tempdir().unwrap();
    let sql = "CREATE TABLE strict (n INT NOT NULL) WITH ('connector' = 'print', 'error-handling.mode' = 'skip');
      INSERT INTO strict SELECT CAST(n AS INT) FROM (VALUES ('1'), (CAST(NULL AS STRING)), ('3')) AS t (n);";
    let ended = millstream_in(folder.path(), &["run", "--set", "parallelism.default=1", "-e", sql]).expect(0);
    assert_eq!(ended.out, "+I[1]\n+I[3]\n");
    assert!(ended.err.contains("1 rejected (1 compute)"), "{}", ended.err);
}

#[test]
fn a_wrong_error_handling_is_refused_by_name() {
    let print = "CREATE TABLE p (a INT) WITH ('connector' = 'print'";
    let cases = [
        (format!("{print}, 'error-handling.mode' = 'drop')"), "'error-handling.mode'", "'fail'"),
        (format!("{print}, 'error-handling.mode' = 'dead-letter')"), "needs 'error-handling.table'", ""),
        (format!("{print}, 'error-handling.table' = 'letters')"), "needs 'error-handling.mode' = 'dead-letter'", ""),
        (
            format!("{print}, 'error-handling.mode' = 'dead-letter', 'error-handling.table' = 'leters')"),
            "table \"leters\" not found",
            "letters",
        ),
        (
            format!("{print}, 'error-handling.mode' = 'dead-letter', 'error-handling.table' = 'q')"),
            "table \"q\" can't take dead letters: nothing of a dead letter is called \"why\"",
            "payload",
        ),
        (
            format!("{print}, 'error-handling.mode' = 'dead-letter', 'error-handling.table' = 'r')"),
            "column \"payload\" is STRING, not BYTES",
            "",
        ),
        (
            format!("{print}, 'error-handling.mode' = 'dead-letter', 'error-handling.table' = 's')"),
            "table \"s\" can't take dead letters: it asks for 'exactly-once'",
            "Leave the option out.",
        ),
    ];
    let folder = tempfile::tempdir().unwrap();
    for (table, message, hint) in cases {
        let sql = format!(
            "{} CREATE TABLE q (why STRING) WITH ('connector' = 'print');
             CREATE TABLE r (payload STRING) WITH ('connector' = 'print');
             CREATE TABLE s (error STRING) WITH ('connector' = 'jdbc', 'url' = 'jdbc:postgresql://h/d',
               'table-name' = 's', 'sink.delivery-guarantee' = 'exactly-once');
             {table}; INSERT INTO p VALUES (1);",
            letters()
        );
        let ended = millstream_in(folder.path(), &["check", "-e", &sql]).expect(2);
        assert!(ended.err.contains(message) && ended.err.contains(hint), "{table}\n{}{}", ended.out, ended.err);
    }
}
