//! Records in, CREATE TABLE out, as text: `cases.txt` beside this file.
//!
//! `UPDATE_EXPECT=1 cargo test` writes what is suggested anew. Each suggestion is checked as a statement, too.

use std::path::Path;

use super::proposal::Proposal;
use super::topic::propose;
use crate::catalog::{Config, Substitution};
use crate::connectors::kafka::inspect::{Kept, Record};
use crate::session::Session;
use crate::span::SourceText;
use crate::sql::parse_script;

/// A line `key => value`, or a value alone; `NULL` and `0x...` as they are shown. Each a second after the one before.
fn record(offset: usize, line: &str) -> Record {
    let kept = |text: &str| match text.strip_prefix("0x") {
        Some(digits) => {
            let bytes: Vec<u8> =
                (0..digits.len()).step_by(2).map(|i| u8::from_str_radix(&digits[i..i + 2], 16).unwrap()).collect();
            Some(Kept::new(&bytes, usize::MAX))
        }
        None if text == "NULL" => None,
        None => Some(Kept::new(text.as_bytes(), usize::MAX)),
    };
    let (key, value) = line.split_once(" => ").unwrap_or(("NULL", line));
    Record {
        partition: 0,
        offset: offset as i64,
        timestamp: Some(1_000 * offset as i64),
        key: kept(key),
        value: kept(value),
        headers: Vec::new(),
    }
}

fn suggested(records: &[&str]) -> String {
    let records: Vec<Record> = records.iter().enumerate().map(|(i, line)| record(i, line)).collect();
    let mut proposal = Proposal { name: "t".into(), ..Proposal::default() };
    proposal.option("connector", "kafka");
    proposal.option("integration", "k");
    proposal.option("topic", "x");
    match propose(&mut proposal, "x", &records) {
        Ok(()) => proposal.text(),
        Err(error) => error.to_string(),
    }
}

/// The statement must be fine as it stands.
fn check(sql: &str) {
    let config = "[integrations.k]\nconnector = \"kafka\"\n\"properties.bootstrap.servers\" = \"h:1\"\n";
    let config = Config::parse("millstream.toml", config, Substitution::without_variables()).unwrap();
    let mut session = Session::new().with_integrations(config.integrations);
    let text = SourceText::new("suggested", sql.replace("'topic'", "'scan.startup.mode' = 'earliest-offset', 'topic'"));
    for statement in parse_script(&text) {
        let checked = statement.and_then(|statement| session.check_statement(&statement, &text));
        checked.unwrap_or_else(|error| panic!("{error}\n{sql}"));
    }
    let query = SourceText::new("query", "SELECT * FROM t");
    let statement = parse_script(&query).remove(0).unwrap();
    session.check_statement(&statement, &query).unwrap_or_else(|error| panic!("{error}\n{sql}"));
}

#[test]
fn tables_are_suggested_from_records() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/session/look/suggest/cases.txt");
    let cases = std::fs::read_to_string(&path).unwrap();
    let mut shown = String::new();
    for case in cases.split("== ").skip(1) {
        let (given, _) = case.split_once("--->\n").unwrap_or((case, ""));
        let (title, records) = given.split_once('\n').unwrap();
        let records: Vec<&str> = records.lines().filter(|line| !line.is_empty()).collect();
        let sql = suggested(&records);
        if !sql.starts_with("error") {
            check(&sql);
        }
        let lines: String = records.iter().map(|line| format!("{line}\n")).collect();
        shown += &format!("== {title}\n{lines}--->\n{sql}\n\n");
    }
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        std::fs::write(&path, &shown).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap();
    for (shown, expected) in shown.split("== ").zip(expected.split("== ")) {
        assert_eq!(shown, expected);
    }
    assert_eq!(shown.trim_end(), expected.trim_end());
}
