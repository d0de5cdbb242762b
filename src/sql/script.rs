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
