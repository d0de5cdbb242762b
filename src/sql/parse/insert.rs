//! `INSERT INTO`, alone and in statement sets; EXECUTE.

use datafusion::sql::sqlparser::ast::Expr;
use datafusion::sql::sqlparser::tokenizer::Token;

use super::super::cursor::Cursor;
use super::super::statement::{Ident, Insert, StatementKind};
use crate::error::{Error, Result};

/// `INSERT {INTO | OVERWRITE} t [hint] [PARTITION (...)] [(columns)] query`
pub(super) fn read(cursor: &mut Cursor<'_>) -> Result<Insert> {
    let start = cursor.start();
    cursor.expect("INSERT")?;
    let overwrite = cursor.accept("OVERWRITE");
    if !overwrite && !cursor.accept("INTO") {
        return Err(cursor.unexpected("INTO or OVERWRITE"));
    }
    let target = cursor.path()?;
    let options = cursor.table_hint();
    let partition = match cursor.accept("PARTITION") {
        true => cursor.list(partition_value)?,
        false => vec![],
    };
    let columns = match *cursor.token(0) == Token::LParen && !starts_query(cursor) {
        true => cursor.list(Cursor::name)?,
        false => vec![],
    };
    for (i, column) in columns.iter().enumerate() {
        if columns.iter().take(i).any(|earlier| earlier.value == column.value) {
            return Err(Error::statement(format!("column \"{}\" is named twice", column.value)).at(column.span));
        }
    }
    let (query, _) = cursor.query()?;
    Ok(Insert { target, options, overwrite, partition, columns, query, span: cursor.since(start) })
}

/// True where the parenthesis that is next opens a query rather than a column list.
fn starts_query(cursor: &Cursor<'_>) -> bool {
    let inside = (1..).find(|&ahead| *cursor.token(ahead) != Token::LParen).unwrap_or(1);
    matches!(cursor.word(inside).as_str(), "SELECT" | "WITH" | "VALUES")
}

/// `column = value`
fn partition_value(cursor: &mut Cursor<'_>) -> Result<(Ident, Expr)> {
    let column = cursor.name()?;
    cursor.expect_sign(&Token::Eq)?;
    let (value, _, _) = cursor.expr()?;
    Ok((column, value))
}

/// `EXECUTE {INSERT ... | STATEMENT SET ... | query}`, `BEGIN STATEMENT SET; ... END`, and STATEMENT SET in EXPLAIN.
pub(super) fn execute(cursor: &mut Cursor<'_>) -> Result<StatementKind> {
    if cursor.accept("BEGIN") {
        cursor.expect("STATEMENT SET")?;
        cursor.expect_sign(&Token::SemiColon)?;
        return statements(cursor);
    }
    let _ = cursor.accept("EXECUTE");
    match cursor.word(0).as_str() {
        "STATEMENT" => {
            cursor.expect("STATEMENT SET BEGIN")?;
            statements(cursor)
        }
        "INSERT" => read(cursor).map(|insert| StatementKind::Insert(Box::new(insert))),
        _ => super::query(cursor),
    }
}

/// `INSERT ...; ... END`
fn statements(cursor: &mut Cursor<'_>) -> Result<StatementKind> {
    cursor.enter_set();
    let mut inserts = vec![];
    loop {
        while cursor.accept_sign(&Token::SemiColon) {}
        if !inserts.is_empty() && cursor.accept("END") {
            return Ok(StatementKind::StatementSet(inserts));
        }
        if cursor.word(0) != "INSERT" {
            return Err(match cursor.word(0).as_str() {
                "CREATE" => Error::unsupported("CREATE TABLE in a statement set").at(cursor.here()),
                _ if inserts.is_empty() => cursor.unexpected("INSERT"),
                _ => cursor.unexpected("INSERT or END"),
            });
        }
        inserts.push(read(cursor)?);
        if !cursor.accept_sign(&Token::SemiColon) {
            return Err(cursor.unexpected("\";\""));
        }
    }
}
