//! `SHOW TOPICS`, `PEEK`, `DESCRIBE TOPIC`, `PSQL`, `SUGGEST TABLE` and their like

use datafusion::sql::sqlparser::tokenizer::Token;

use super::super::cursor::Cursor;
use super::super::look::{Look, PEEK_LIMIT, PEEK_MOST, PeekTopic, Quoted, Subject};
use super::super::statement::{Ident, StatementKind};
use super::show::pattern;
use crate::error::{Error, Result};

/// True where one of these statements begins.
pub(super) fn is_next(cursor: &Cursor<'_>) -> bool {
    let (first, second, third) = (cursor.word(0), cursor.word(1), cursor.word(2));
    match (first.as_str(), second.as_str(), third.as_str()) {
        ("PEEK" | "PSQL" | "SUGGEST", ..) => true,
        ("SHOW", "TOPICS" | "GROUPS" | "INDEXES", _) => true,
        ("SHOW", "ALL", "TOPICS" | "INDEXES") => true,
        ("SHOW", "CONSUMER", "GROUPS") => true,
        ("SHOW", "TABLES", "FROM" | "IN") => true,
        // `DESCRIBE topic` is about a table of that name.
        ("DESCRIBE" | "DESC", "TABLE", _) => true,
        ("DESCRIBE" | "DESC", "TOPIC" | "INDEX", _) => !cursor.nothing_behind(2) && *cursor.token(2) != Token::Period,
        _ => false,
    }
}

pub(super) fn read(cursor: &mut Cursor<'_>) -> Result<StatementKind> {
    let first = cursor.word(0);
    cursor.skip();
    let look = match first.as_str() {
        "SHOW" => show(cursor),
        "PEEK" => peek(cursor),
        "PSQL" => psql(cursor),
        "SUGGEST" => suggest(cursor),
        _ => describe(cursor),
    };
    look.map(|look| StatementKind::Look(Box::new(look)))
}

fn show(cursor: &mut Cursor<'_>) -> Result<Look> {
    let all = cursor.accept("ALL");
    let _ = cursor.accept("CONSUMER");
    let what = cursor.word(0);
    cursor.skip();
    let from = from(cursor)?;
    let like = pattern(cursor, true)?;
    Ok(match (what.as_str(), from) {
        ("TOPICS", from) => Look::Topics { from, all, like },
        ("INDEXES", from) => Look::Indexes { from, all, like },
        ("TABLES", Some(from)) => Look::Tables { from, like },
        (_, from) => Look::Groups { from, like },
    })
}

fn peek(cursor: &mut Cursor<'_>) -> Result<Look> {
    let is_name = |cursor: &Cursor<'_>| cursor.nothing_behind(1) || ["FROM", "IN"].contains(&cursor.word(1).as_str());
    if cursor.word(0) == "INDEX" && !is_name(cursor) {
        cursor.skip();
        let index = loose(cursor, "an index")?;
        let from = from(cursor)?;
        let limit = limit(cursor)?.unwrap_or(PEEK_LIMIT);
        return Ok(Look::PeekIndex { index, from, limit });
    }
    if cursor.word(0) == "TOPIC" && !is_name(cursor) {
        cursor.skip();
    }
    let topic = loose(cursor, "a topic")?;
    let mut peek = PeekTopic { topic, from: None, partition: None, from_beginning: false, limit: PEEK_LIMIT };
    // In any order: each is known by its first words.
    let mut limited = None;
    loop {
        if !peek.from_beginning && cursor.accept("FROM BEGINNING") {
            peek.from_beginning = true;
        } else if peek.partition.is_none() && cursor.accept("PARTITION") {
            let (number, span) = number(cursor, "the number of a partition")?;
            let partition =
                i32::try_from(number).map_err(|_| Error::statement("there is no such partition").at(span))?;
            peek.partition = Some((partition, span));
        } else if limited.is_none() && cursor.word(0) == "LIMIT" {
            limited = limit(cursor)?;
        } else if peek.from.is_none() && matches!(cursor.word(0).as_str(), "FROM" | "IN") {
            peek.from = from(cursor)?;
        } else {
            break;
        }
    }
    if !cursor.at_end() {
        return Err(cursor.unexpected("FROM, PARTITION, FROM BEGINNING, LIMIT or the end of the statement"));
    }
    peek.limit = limited.unwrap_or(PEEK_LIMIT);
    Ok(Look::PeekTopic(peek))
}

fn describe(cursor: &mut Cursor<'_>) -> Result<Look> {
    let what = cursor.word(0);
    cursor.skip();
    match what.as_str() {
        "TOPIC" => {
            let topic = loose(cursor, "a topic")?;
            let mut from = from(cursor)?;
            let group = match cursor.accept("GROUP") {
                true => Some(loose(cursor, "a consumer group")?),
                false => None,
            };
            if from.is_none() {
                from = self::from(cursor)?;
            }
            Ok(Look::DescribeTopic { topic, from, group })
        }
        "TABLE" => Ok(Look::DescribeTable { table: db_table(cursor)?, from: from(cursor)? }),
        _ => Ok(Look::DescribeIndex { index: loose(cursor, "an index")?, from: from(cursor)? }),
    }
}

/// Words that SQL of a database begins with.
const BEGINS_SQL: [&str; 16] = [
    "SELECT", "WITH", "VALUES", "TABLE", "INSERT", "UPDATE", "DELETE", "MERGE", "CREATE", "ALTER", "DROP", "TRUNCATE",
    "COPY", "GRANT", "EXPLAIN", "SHOW",
];

fn psql(cursor: &mut Cursor<'_>) -> Result<Look> {
    let is_sql =
        |cursor: &Cursor<'_>| matches!(cursor.token(0), Token::SingleQuotedString(_) | Token::DollarQuotedString(_));
    // SQL as it is, without an integration before it.
    let begins_bare = BEGINS_SQL.contains(&cursor.word(0).as_str())
        && !matches!(cursor.token(1), Token::SingleQuotedString(_) | Token::DollarQuotedString(_));
    if begins_bare {
        return Err(no_sql(cursor));
    }
    let on = match is_sql(cursor) {
        true => None,
        false => Some(loose(cursor, "an integration, or a text between $$ and $$")?),
    };
    let span = cursor.here();
    let written = cursor.slice(span).to_string();
    let value = match cursor.token(0).clone() {
        Token::SingleQuotedString(value) => value,
        Token::DollarQuotedString(_) => between_dollars(&written).to_string(),
        _ => return Err(no_sql(cursor)),
    };
    cursor.skip();
    Ok(Look::Psql { on, sql: Quoted { text: Ident { value, span }, written } })
}

fn no_sql(cursor: &Cursor<'_>) -> Error {
    cursor
        .expected("SQL between $$ and $$, or in single quotes")
        .with_hint("PSQL sends it as it is: PSQL $$ SELECT count(*) FROM orders $$;")
}

/// The text of `$tag$text$tag$`.
fn between_dollars(written: &str) -> &str {
    let opening = written.match_indices('$').nth(1).map_or(0, |(at, _)| at + 1);
    written.get(opening..written.len().saturating_sub(opening)).unwrap_or_default()
}

fn suggest(cursor: &mut Cursor<'_>) -> Result<Look> {
    if !cursor.accept("TABLE") {
        return Err(cursor.unexpected("TABLE").with_hint("As in: SUGGEST TABLE FOR TOPIC orders;"));
    }
    let name = match cursor.word(0) == "FOR" {
        true => None,
        false => Some(cursor.path()?),
    };
    cursor.expect("FOR")?;
    let subject = match cursor.word(0).as_str() {
        "TOPIC" => {
            cursor.skip();
            Subject::Topic(loose(cursor, "a topic")?)
        }
        "TABLE" => {
            cursor.skip();
            Subject::Table(db_table(cursor)?)
        }
        "INDEX" => {
            cursor.skip();
            Subject::Index(loose(cursor, "an index")?)
        }
        _ => {
            let error = cursor.unexpected("TOPIC, TABLE or INDEX");
            return Err(error.with_hint("As in: SUGGEST TABLE FOR TOPIC orders;"));
        }
    };
    Ok(Look::Suggest { name, subject, from: from(cursor)? })
}

/// `[{FROM | IN} integration]`
fn from(cursor: &mut Cursor<'_>) -> Result<Option<Ident>> {
    match cursor.accept("FROM") || cursor.accept("IN") {
        true => loose(cursor, "an integration").map(Some),
        false => Ok(None),
    }
}

/// `[LIMIT n]`
fn limit(cursor: &mut Cursor<'_>) -> Result<Option<usize>> {
    if !cursor.accept("LIMIT") {
        return Ok(None);
    }
    let (number, span) = number(cursor, "a whole number")?;
    match usize::try_from(number) {
        Ok(n) if (1..=PEEK_MOST).contains(&n) => Ok(Some(n)),
        _ => Err(Error::statement(format!("PEEK shows 1 to {PEEK_MOST} at a time"))
            .with_hint("Declare a table for more: SUGGEST TABLE writes its CREATE TABLE.")
            .at(span)),
    }
}

fn number(cursor: &mut Cursor<'_>, what: &str) -> Result<(i64, crate::span::Span)> {
    let span = cursor.here();
    let number = match cursor.token(0) {
        Token::Number(digits, _) => digits.parse().ok(),
        _ => None,
    };
    let Some(number) = number else { return Err(cursor.unexpected(what)) };
    cursor.skip();
    Ok((number, span))
}

/// A name of another system: in back-ticks, as a string, or plain with the `-` and `.` that stand in it.
pub(super) fn loose(cursor: &mut Cursor<'_>, what: &str) -> Result<Ident> {
    let start = cursor.here();
    match cursor.token(0).clone() {
        Token::SingleQuotedString(value) => {
            cursor.skip();
            return Ok(Ident { value, span: start });
        }
        Token::Word(word) if word.quote_style.is_some() => {
            cursor.skip();
            return Ok(Ident { value: word.value, span: start });
        }
        Token::Word(_) if CLAUSES.contains(&cursor.word(0).as_str()) => return Err(cursor.unexpected(what)),
        Token::Word(_) | Token::Number(..) => {}
        _ => return Err(cursor.unexpected(what)),
    }
    let mut span = start;
    loop {
        cursor.skip();
        span = cursor.since(span.start);
        let joins = match cursor.token(0) {
            Token::Word(word) => word.quote_style.is_none(),
            Token::Minus | Token::Period | Token::Number(..) | Token::Mul => true,
            _ => false,
        };
        if !joins || cursor.at_end() || cursor.here().start != span.end {
            return Ok(Ident { value: cursor.slice(span).to_string(), span });
        }
    }
}

/// Words that begin what follows a name.
const CLAUSES: &[&str] = &["FROM", "IN", "LIKE", "ILIKE", "LIMIT", "GROUP", "PARTITION", "FOR"];

/// `[schema.]table` of PostgreSQL, folded and quoted there as the connector's 'table-name' is.
fn db_table(cursor: &mut Cursor<'_>) -> Result<Ident> {
    loose(cursor, "a table")
}
