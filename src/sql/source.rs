//! A script's text with an index from lines and columns to bytes.

use super::lexeme::BYTE_ORDER_MARK;
use crate::span::{Location, SourceText, Span};

/// Finds the text between two places.
#[derive(Debug)]
pub(super) struct Source<'a> {
    pub text: &'a SourceText,
    lines: Vec<Line>,
}

#[derive(Debug)]
struct Line {
    /// In bytes.
    start: usize,
    /// Columns are bytes here: no need to count.
    is_ascii: bool,
}

impl<'a> Source<'a> {
    pub fn new(text: &'a SourceText) -> Self {
        let mut lines = vec![];
        let mut start = 0;
        for line in text.text.split_inclusive('\n') {
            lines.push(Line { start, is_ascii: line.is_ascii() });
            start += line.len();
        }
        Self { text, lines }
    }

    /// The text that `span` covers; empty where it lies outside.
    pub fn slice(&self, span: Span) -> &'a str {
        let (start, end) = (self.offset(span.start), self.offset(span.end));
        self.text.text.get(start..end).unwrap_or_default()
    }

    fn offset(&self, location: Location) -> usize {
        let Some(line) = self.lines.get(location.line.saturating_sub(1) as usize) else { return self.text.text.len() };
        let column = location.column.saturating_sub(1) as usize;
        if line.is_ascii {
            return (line.start + column).min(self.text.text.len());
        }
        let rest = self.text.text.get(line.start..).unwrap_or_default();
        let mut columns = rest.char_indices().filter(|(_, c)| *c != BYTE_ORDER_MARK);
        line.start + columns.nth(column).map_or(rest.len(), |(at, _)| at)
    }
}
