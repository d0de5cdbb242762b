//! The statements of Flink's SQL, each read by the file named after it.

mod alter;
mod column;
mod create_table;
mod create_view;
mod drop;
mod explain;
mod insert;
mod jobs;
mod look;
mod settings;
mod show;
mod unsupported;

use datafusion::sql::sqlparser::tokenizer::Token;

use super::cursor::Cursor;
use super::statement::{Statement, StatementKind};
use crate::error::{Error, Result, nearest};
use crate::span::Location;

/// Reads the whole statement.
pub(super) fn statement(cursor: &mut Cursor<'_>) -> Result<Statement> {
    let start = cursor.start();
    let kind = kind(cursor)?;
    cursor.expect_end()?;
    Ok(finish(cursor, kind, start))
}

/// What has been read since `start`, as a statement.
fn finish(cursor: &Cursor<'_>, kind: StatementKind, start: Location) -> Statement {
    let span = cursor.since(start);
    Statement { kind, span, text: cursor.slice(span).to_string() }
}

fn kind(cursor: &mut Cursor<'_>) -> Result<StatementKind> {
    if let Some(error) = unsupported::recognise(cursor) {
        return Err(error);
    }
    if look::is_next(cursor) {
        return look::read(cursor);
    }
    match cursor.word(0).as_str() {
        "SELECT" | "WITH" | "VALUES" => query(cursor),
        "CREATE" if create_view::is_next(cursor) => create_view::read(cursor),
        "CREATE" => create_table::read(cursor),
        "DROP" => drop::read(cursor),
        "ALTER" => alter::read(cursor),
        "INSERT" => insert::read(cursor).map(|insert| StatementKind::Insert(Box::new(insert))),
        "EXECUTE" | "BEGIN" | "STATEMENT" => insert::execute(cursor),
        "SET" => settings::set(cursor),
        "RESET" => settings::reset(cursor),
        "USE" => settings::use_(cursor),
        "SHOW" => show::read(cursor),
        "DESCRIBE" | "DESC" => show::describe(cursor),
        "EXPLAIN" => explain::read(cursor),
        "STOP" => jobs::stop(cursor),
        _ if *cursor.token(0) == Token::LParen => query(cursor),
        _ => Err(unknown(cursor)),
    }
}

fn query(cursor: &mut Cursor<'_>) -> Result<StatementKind> {
    cursor.query().map(|(query, _)| StatementKind::Query(query))
}

/// Words that statements start with.
const FIRST_WORDS: &[&str] = &[
    "SELECT", "WITH", "VALUES", "CREATE", "DROP", "ALTER", "INSERT", "EXECUTE", "BEGIN", "SET", "RESET", "USE", "SHOW",
    "DESCRIBE", "EXPLAIN", "STOP", "PEEK", "PSQL", "SUGGEST",
];

fn unknown(cursor: &Cursor<'_>) -> Error {
    let span = cursor.here();
    let found = cursor.slice(span);
    let error = match cursor.word(0).is_empty() {
        true => cursor.unexpected("a statement"),
        false => Error::statement(format!("unknown statement {found}")).at(span),
    };
    if cursor.word(1) == "JOB" || ["KILL", "CANCEL"].contains(&cursor.word(0).as_str()) {
        return error.with_hint("Did you mean STOP JOB?");
    }
    error.with_hint(match nearest(found, FIRST_WORDS.iter().copied()) {
        Some(word) => format!("Did you mean {word}?"),
        None => format!("Statements start with {}.", FIRST_WORDS.join(", ")),
    })
}
