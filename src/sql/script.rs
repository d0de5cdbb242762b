//! A whole script to statements, each with its own outcome.

use std::sync::LazyLock;

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
    let source = Source::new(text);
    let fragments = split(&text.text);
    fragments.iter().map(|fragment| parse_fragment(fragment, &source).map_err(|error| error.in_text(text))).collect()
}

fn parse_fragment(fragment: &Fragment<'_>, source: &Source<'_>) -> Result<Statement> {
    let tokens = tokenize(fragment, source)?;
    let dialect = FlinkDialect::default();
    let mut cursor = Cursor::new(tokens, &dialect, source, fragment.span.end);
    parse::statement(&mut cursor)
}

/// The table or view that a statement declares as far as its first words tell: it may be wrong further on.
pub fn declared_name(statement: &str) -> Option<String> {
    static HEAD: LazyLock<regex::Regex> = LazyLock::new(|| {
        let pattern = r"(?is)^CREATE\s+(?:TEMPORARY\s+)?(?:TABLE|VIEW)\s+(?:IF\s+NOT\s+EXISTS\s+)?((?:`[^`]+`|\w+)(?:\.(?:`[^`]+`|\w+))*)";
        regex::Regex::new(pattern).expect("a valid pattern")
    });
    let path = HEAD.captures(statement)?.get(1)?.as_str();
    let last = if path.ends_with('`') { path.split('`').rev().nth(1) } else { path.rsplit('.').next() };
    last.map(str::to_string)
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
            ("CREATE TABEL src", None),
            ("DROP TABLE src", None),
        ] {
            assert_eq!(declared_name(statement).as_deref(), name, "{statement}");
        }
    }
}
