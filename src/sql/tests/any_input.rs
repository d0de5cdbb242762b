//! Whatever comes in: statements or errors, never a panic, never a place outside the text.

use proptest::prelude::*;

use super::super::{is_complete, split};
use super::parse;

const SCRIPT: &str = "SET 'a' = 'b';
CREATE TABLE t (a ROW<x INT NOT NULL, y ARRAY<MAP<STRING, INT>>>, b AS CAST(a.x AS DECIMAL(10, 2)) COMMENT 'c',
  ts TIMESTAMP(3) METADATA FROM 'k' VIRTUAL, WATERMARK FOR ts AS ts - INTERVAL '1 02:03' DAY TO MINUTE,
  PRIMARY KEY (a) NOT ENFORCED) PARTITIONED BY (a) WITH ('k' = e'v\\n', 'w' = U&'\\00e4') LIKE u (INCLUDING ALL);
EXECUTE STATEMENT SET BEGIN
  INSERT INTO t /*+ OPTIONS('k'='v') */ (a, b) SELECT /*+ LOOKUP('table'='C') */ MAP['x', x'0a'], `b c`[1].d -- comment
  FROM (SELECT * FROM TABLE(SESSION(TABLE t PARTITION BY a, DESCRIPTOR(ts), INTERVAL '1' DAY))) AS q
  JOIN u FOR SYSTEM_TIME AS OF q.p AS s ON q.a = s.a AND a IS NOT JSON OBJECT OR b BETWEEN SYMMETRIC 1 AND 2;
END;
EXPLAIN CHANGELOG_MODE WITH c (x) AS (VALUES (1)) SELECT CASE WHEN x > 1 THEN 'it''s' END FROM c /* x */ UNION ALL SELECT 1;
SHOW COLUMNS FROM t LIKE '%'; ALTER TABLE t SET ('a' = 'b'); CREATE VIEW v AS SELECT TRIM(BOTH FROM a) FROM t";

/// Parses `script` and checks that every message can be shown, with its place inside the text.
fn check(script: &str) {
    let lines = script.split('\n').count() as u32;
    for outcome in parse(script) {
        match outcome {
            Ok(statement) => assert!(!statement.summary().is_empty()),
            Err(error) => {
                let shown = error.to_string();
                assert!(!shown.contains("ParserError") && !shown.contains("Token"), "{shown}");
                let span = error.span().unwrap_or_else(|| panic!("no place: {shown}"));
                assert!(span.start.line >= 1 && span.start.line <= lines && span.start <= span.end, "{shown}");
            }
        }
    }
    let _ = is_complete(script);
    let _ = split(script);
}

#[test]
fn the_script_that_is_mutated_is_fine_itself() {
    parse(SCRIPT).into_iter().for_each(|outcome| drop(outcome.unwrap()));
}

#[test]
fn endless_nesting_ends_with_an_error() {
    let deep = 20_000;
    for script in [
        format!("SELECT {}1", "(".repeat(deep)),
        format!("SELECT {}1", " - ".repeat(deep)),
        format!("SELECT 1{}", " + 1".repeat(deep)),
        format!("SELECT a{}", " IS NULL".repeat(deep)),
        format!("SELECT {}1", "NOT ".repeat(deep)),
        format!("SELECT 1{}", " UNION ALL SELECT 1".repeat(deep)),
        format!("SELECT CAST({}", "CAST(".repeat(deep)),
        format!("SELECT CAST(a AS {}INT", "ARRAY<".repeat(deep)),
        format!("SELECT CASE {}", "CASE WHEN ".repeat(deep)),
        format!("SELECT * FROM {}t", "(".repeat(deep)),
        format!("SELECT * FROM {}", "(SELECT * FROM ".repeat(deep)),
        format!("SELECT {}", "f(".repeat(deep)),
        format!("SELECT a{}", "[a".repeat(deep)),
        format!("SELECT a BETWEEN {}", "SYMMETRIC a BETWEEN ".repeat(deep)),
        format!("CREATE TABLE t (a {}INT)", "ROW<a ".repeat(deep)),
        format!("EXPLAIN {}", "EXPLAIN ".repeat(deep)),
        format!("SELECT {}1", "ARRAY[".repeat(deep)),
        format!("SELECT {}1", "MAP[1, ".repeat(deep)),
    ] {
        let outcomes = parse(&script);
        assert!(outcomes.iter().any(Result::is_err), "{}", &script[..40]);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn any_text(script in "\\PC{0,80}") {
        check(&script);
    }

    #[test]
    fn any_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
        check(&String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn any_signs(script in "[-'`\";/*+(){}<>=,. \nae0é\\\\&%$#@!:?\\[\\]]{0,60}") {
        check(&script);
    }

    #[test]
    fn a_script_with_pieces_cut_out_moved_and_repeated(
        cuts in proptest::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>(), 0..3usize), 1..5)
    ) {
        let mut script: Vec<char> = SCRIPT.chars().collect();
        for (from, to, what) in cuts {
            let (from, to) = (from.index(script.len()), to.index(script.len()));
            let (from, to) = (from.min(to), from.max(to).min(from.min(to) + 40));
            let piece: Vec<char> = script[from..to].to_vec();
            match what {
                0 => drop(script.drain(from..to)),
                1 => { script.splice(from..from, piece); }
                _ => script.extend(piece),
            }
            if script.is_empty() {
                break;
            }
        }
        check(&script.into_iter().collect::<String>());
    }

    #[test]
    fn words_in_any_order(words in proptest::collection::vec(prop::sample::select(WORDS), 0..25)) {
        check(&words.join(" "));
    }
}

const WORDS: &[&str] = &[
    "SELECT",
    "FROM",
    "WHERE",
    "(",
    ")",
    ",",
    ";",
    "t",
    "a",
    "1",
    "'x'",
    "CREATE",
    "TABLE",
    "VIEW",
    "WITH",
    "AS",
    "INSERT",
    "INTO",
    "VALUES",
    "BEGIN",
    "STATEMENT",
    "SET",
    "END",
    "EXECUTE",
    "CASE",
    "WHEN",
    "CAST",
    "INT",
    "ARRAY",
    "<",
    ">",
    "ROW",
    "INTERVAL",
    "DAY",
    "TO",
    "PRIMARY",
    "KEY",
    "NOT",
    "ENFORCED",
    "NULL",
    "WATERMARK",
    "FOR",
    "LIKE",
    "INCLUDING",
    "ALL",
    "EXPLAIN",
    "SHOW",
    "UNION",
    "JOIN",
    "ON",
    "GROUP",
    "BY",
    "ORDER",
    "OVER",
    "PARTITION",
    "BETWEEN",
    "AND",
    "SYMMETRIC",
    "IS",
    "JSON",
    "TRIM",
    "LEADING",
    "MAP",
    "[",
    "]",
    ".",
    "*",
    "=",
    "=>",
    "TIMESTAMP",
    "LOCAL",
    "TIME",
    "ZONE",
    "LATERAL",
    "UNNEST",
    "/*+ OPTIONS('a'='b') */",
    "/* c */",
    "-- d\n",
    "SYSTEM_TIME",
    "OF",
    "EXISTS",
    "IN",
    "LIMIT",
    "FETCH",
    "FIRST",
];
