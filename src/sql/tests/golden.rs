//! Broken statements and what is said about them, as text: `broken*.sql` and `broken*.expected` beside this file.
//!
//! `UPDATE_EXPECT=1 cargo test` writes the expected file anew.

use std::path::Path;

use super::parse;

/// The messages for every statement of `script`, or the statement where there is none.
fn messages(script: &str) -> String {
    let mut shown = String::new();
    for outcome in parse(script) {
        match outcome {
            Ok(statement) => shown += &format!("fine: {}\n\n", statement.text),
            Err(error) => shown += &format!("{error}\n\n"),
        }
    }
    shown
}

#[test]
fn broken_statements_are_explained_at_the_right_place() {
    ["broken", "broken_looks"].into_iter().for_each(check);
}

fn check(name: &str) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/sql/tests");
    let shown = messages(&std::fs::read_to_string(folder.join(name).with_extension("sql")).unwrap());
    let expected = folder.join(name).with_extension("expected");
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        std::fs::write(&expected, &shown).unwrap();
    }
    let expected = std::fs::read_to_string(expected).unwrap();
    for (shown, expected) in shown.split("\n\n").zip(expected.split("\n\n")) {
        assert_eq!(shown, expected);
    }
    assert_eq!(shown, expected);
    assert!(!shown.contains("fine: "), "a broken statement passed");
}

#[test]
fn a_message_shows_its_line_of_the_file() {
    let script = "-- first\nCREATE TABLE a (x INT) WITH ('connector' = 'print');\n\n/* two\n lines */ INSERT INTO a\n\tSELECT x\n\t\tFORM b;\nSELECT 1";
    let outcomes = parse(script);
    assert!(outcomes[0].is_ok() && outcomes[2].is_ok());
    assert_eq!(
        outcomes[1].as_ref().unwrap_err().to_string(),
        "error: expected end of statement, found b\n --> job.sql:7:8\n  |\n7 |   FORM b;\n  |        ^\n  hint: Is the FORM before it meant to be FROM?"
    );
}

#[test]
fn columns_count_characters_and_a_byte_order_mark_is_none() {
    let outcomes = parse("\u{feff}SELECT 'äöü€', FROM t");
    let error = outcomes[0].as_ref().unwrap_err();
    let span = error.span().unwrap();
    assert_eq!((span.start.line, span.start.column), (1, 16), "{error}");
}
