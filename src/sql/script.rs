//! A whole script to statements, each with its own outcome.

use super::cursor::Cursor;
use super::dialect::FlinkDialect;
use super::fragment::{Fragment, split};
use super::parse;
use super::source::Source;
use super::statement::Statement;
use super::tokens::tokenize;
use crate::error::Result;
use crate::span::SourceText;

/// Parses every statement of a script, in order.
///
/// One that can't be parsed is one error and the next one is tried nevertheless. All places are the script's; every
/// error carries the text, so that it shows the line.
pub fn parse_script(text: &SourceText) -> Vec<Result<Statement>> {
    parse_declarations(text).into_iter().map(|(_, statement)| statement).collect()
}

/// The same, each with the table or view that it declares as far as its first words tell: it may be wrong further on.
pub fn parse_declarations(text: &SourceText) -> Vec<(Option<String>, Result<Statement>)> {
    let source = Source::new(text);
    let parse = |fragment: &Fragment<'_>| parse_fragment(fragment, &source).map_err(|error| error.in_text(text));
    split(&text.text).iter().map(|fragment| (declared_name(fragment.text), parse(fragment))).collect()
}

fn parse_fragment(fragment: &Fragment<'_>, source: &Source<'_>) -> Result<Statement> {
    let tokens = tokenize(fragment, source)?;
    let dialect = FlinkDialect::default();
    let mut cursor = Cursor::new(tokens, &dialect, source, fragment.span.end);
    parse::statement(&mut cursor)
}

/// The table or view that a statement declares.
fn declared_name(statement: &str) -> Option<String> {
    let rest = behind(statement, "CREATE")?;
    let rest = behind(rest, "TEMPORARY").unwrap_or(rest);
    let rest = behind(rest, "TABLE").or_else(|| behind(rest, "VIEW"))?;
    let exists = behind(rest, "IF").and_then(|rest| behind(rest, "NOT")).and_then(|rest| behind(rest, "EXISTS"));
    let (mut rest, mut last) = (exists.unwrap_or(rest), None);
    while let Some((part, after)) = first_part(rest) {
        last = Some(part);
        match after.strip_prefix('.') {
            Some(after) => rest = after,
            None => break,
        }
    }
    last.map(str::to_string)
}

/// What stands behind a word and the space after it.
fn behind<'a>(text: &'a str, word: &str) -> Option<&'a str> {
    let (head, rest) = text.split_at_checked(word.len())?;
    let next = rest.trim_start();
    (head.eq_ignore_ascii_case(word) && next.len() < rest.len()).then_some(next)
}

/// The first part of a name, in backticks or not, and what stands behind it.
fn first_part(name: &str) -> Option<(&str, &str)> {
    let found = match name.strip_prefix('`') {
        Some(quoted) => quoted.split_once('`')?,
        None => name.split_at(name.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(name.len())),
    };
    Some(found).filter(|(part, _)| !part.is_empty())
}

#[cfg(test)]
mod tests {
    use super::declared_name;

    #[test]
    fn the_name_is_found_although_the_rest_is_wrong() {
        for (statement, name) in [
            ("CREATE TABLE src (id INTT)", Some("src")),
            ("create temporary\n table if not exists `my table` (", Some("my table")),
            ("CREATE VIEW a.b.v AS SELEC", Some("v")),
            ("CREATE TABLE if (", Some("if")),
            ("CREATE TABLE `a.b`.`c`(", Some("c")),
            ("CREATE TABLE a.`b", Some("a")),
            ("CREATE TABLE größe_1-2", Some("größe_1")),
            ("CREATE TABLE", None),
            ("CREATE TABLE (a INT)", None),
            ("CREATEX TABLE t", None),
            ("CREATE TABEL src", None),
            ("DROP TABLE src", None),
        ] {
            assert_eq!(declared_name(statement).as_deref(), name, "{statement}");
        }
    }
}
