//! Statements that Flink has and this engine does not, recognised by their first words.

use super::super::cursor::Cursor;
use crate::error::Error;

/// Where rows of a sink are changed by hand.
const CHANGED_THERE: &str = "Rows of a PostgreSQL table are changed through PSQL: PSQL $$ UPDATE … $$;";

/// First words, `?` behind those that may be missing, and a hint if there is one to give.
const STATEMENTS: &[(&str, &str)] = &[
    ("CREATE OR REPLACE TABLE", ""),
    ("REPLACE TABLE", ""),
    ("CREATE CATALOG", "There is one catalog, default_catalog; tables are declared in the script."),
    ("CREATE DATABASE", "There is one database, default_database."),
    ("CREATE TEMPORARY? SYSTEM? FUNCTION", ""),
    ("CREATE TEMPORARY? MODEL", ""),
    ("CREATE TEMPORARY? SYSTEM? CONNECTION", ""),
    ("CREATE OR? ALTER? MATERIALIZED TABLE", "Write CREATE TABLE for the result and INSERT INTO with the query."),
    ("ALTER MATERIALIZED TABLE", ""),
    ("ALTER DATABASE", ""),
    ("ALTER CATALOG", ""),
    ("ALTER TEMPORARY? SYSTEM? FUNCTION", ""),
    ("ALTER MODEL", ""),
    ("DROP CATALOG", ""),
    ("DROP DATABASE", ""),
    ("DROP TEMPORARY? SYSTEM? FUNCTION", ""),
    ("DROP TEMPORARY? MODEL", ""),
    ("DROP MATERIALIZED TABLE", ""),
    ("DROP TEMPORARY? SYSTEM? CONNECTION", ""),
    ("UPDATE", CHANGED_THERE),
    ("DELETE FROM", CHANGED_THERE),
    ("TRUNCATE TABLE", CHANGED_THERE),
    ("MERGE INTO", ""),
    ("UPSERT INTO", "Write INSERT INTO: a sink with a PRIMARY KEY is written by upsert."),
    ("ANALYZE TABLE", ""),
    ("COMPILE AND EXECUTE PLAN", ""),
    ("COMPILE PLAN", ""),
    ("EXECUTE PLAN", ""),
    ("CALL", ""),
    ("LOAD MODULE", "Flink's built-in functions are always there."),
    ("UNLOAD MODULE", "Flink's built-in functions are always there."),
    ("USE MODULES", "Flink's built-in functions are always there."),
    ("ADD JAR", "Connectors and formats are built in."),
    ("REMOVE JAR", "Connectors and formats are built in."),
    ("SHOW JARS", ""),
    ("SHOW FULL? MODULES", ""),
    ("SHOW MATERIALIZED TABLES", ""),
    ("SHOW MODELS", ""),
    ("SHOW CONNECTIONS", ""),
    ("SHOW PARTITIONS", ""),
    ("SHOW PROCEDURES", ""),
    ("SHOW USER FUNCTIONS", ""),
    ("SHOW CREATE CATALOG", ""),
    ("SHOW CREATE MODEL", ""),
    ("SHOW CREATE OR? ALTER? MATERIALIZED TABLE", ""),
    ("DESCRIBE CATALOG", ""),
    ("DESCRIBE DATABASE", ""),
    ("DESCRIBE FUNCTION", ""),
    ("DESCRIBE MODEL", ""),
    ("DESC CATALOG", ""),
    ("DESC DATABASE", ""),
    ("DESC FUNCTION", ""),
    ("DESC MODEL", ""),
];

/// The error for a statement of the list, if one is next. Reads nothing.
pub(super) fn recognise(cursor: &Cursor<'_>) -> Option<Error> {
    let (name, count, hint) = STATEMENTS.iter().find_map(|(words, hint)| {
        let (name, count) = matches(cursor, words)?;
        Some((name, count, *hint))
    })?;
    // `DESCRIBE job` is about a table of that name.
    if name.starts_with("DESC") && cursor.nothing_behind(count) {
        return None;
    }
    let error = Error::unsupported(name).at(cursor.next_words(count));
    Some(if hint.is_empty() { error } else { error.with_hint(hint) })
}

/// The words found, without those that may be missing and are, and how many there are.
fn matches(cursor: &Cursor<'_>, words: &str) -> Option<(String, usize)> {
    let mut found = vec![];
    for word in words.split(' ') {
        let (word, optional) = word.strip_suffix('?').map_or((word, false), |word| (word, true));
        match cursor.word(found.len()) == word {
            true => found.push(word),
            false if optional => {}
            false => return None,
        }
    }
    let count = found.len();
    Some((found.join(" "), count))
}
