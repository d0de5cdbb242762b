//! `SET 'key' = 'value'`, `SET 'key'`, `RESET 'key'`, `USE`

use datafusion::sql::sqlparser::tokenizer::Token;

use super::super::cursor::Cursor;
use super::super::statement::StatementKind;
use crate::error::{Error, Result};

pub(super) fn set(cursor: &mut Cursor<'_>) -> Result<StatementKind> {
    cursor.expect("SET")?;
    if cursor.at_end() {
        return Ok(StatementKind::ShowSettings);
    }
    if !matches!(cursor.token(0), Token::SingleQuotedString(_)) {
        return Err(unquoted(cursor, "SET"));
    }
    let key = cursor.string("a key in single quotes")?;
    if cursor.at_end() {
        return Ok(StatementKind::ShowSetting { key });
    }
    cursor.equals()?;
    if !matches!(cursor.token(0), Token::SingleQuotedString(_)) {
        let hint = format!("Keys and values are strings: SET '{}' = 'value'.", key.value);
        return Err(cursor.expected("the value in single quotes").with_hint(hint));
    }
    let value = cursor.string("")?;
    match cursor.at_end() {
        true => Ok(StatementKind::Set { key, value }),
        false => Err(cursor.expected("the end of the statement")),
    }
}

pub(super) fn reset(cursor: &mut Cursor<'_>) -> Result<StatementKind> {
    cursor.expect("RESET")?;
    if cursor.at_end() {
        return Ok(StatementKind::ResetAll);
    }
    if !matches!(cursor.token(0), Token::SingleQuotedString(_)) {
        return Err(unquoted(cursor, "RESET"));
    }
    cursor.string("a key in single quotes").map(|key| StatementKind::Reset { key })
}

/// The error for `SET pipeline.name = x`, with the line to write instead. The value is not repeated: it may be secret.
fn unquoted(cursor: &mut Cursor<'_>, statement: &str) -> Error {
    let error = cursor.unexpected("a key in single quotes");
    let start = cursor.start();
    while !cursor.at_end() && *cursor.token(0) != Token::Eq {
        cursor.skip();
    }
    let span = cursor.since(start);
    let key = cursor.slice(span).trim();
    let shown = if statement == "SET" { format!("SET '{key}' = '...'") } else { format!("RESET '{key}'") };
    error.with_hint(format!("Keys and values are strings: {shown}."))
}

pub(super) fn use_(cursor: &mut Cursor<'_>) -> Result<StatementKind> {
    cursor.expect("USE")?;
    match cursor.word(0) == "CATALOG" && !cursor.nothing_behind(1) {
        true => {
            cursor.skip();
            cursor.name().map(StatementKind::UseCatalog)
        }
        false => cursor.path().map(StatementKind::UseDatabase),
    }
}
