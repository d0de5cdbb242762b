//! A script's text with an index from lines and columns to bytes.

use super::lexeme::BYTE_ORDER_MARK;
use crate::span::{Location, SourceText, Span};

/// Finds the text between two places.
#[derive(Debug)]
pub(super) struct Source<'a> {
    pub text: &'a SourceText,
    line_starts: Vec<usize>,
}

impl<'a> Source<'a> {
    pub fn new(text: &'a SourceText) -> Self {
        let ends = text.text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at + 1);
        Self { text, line_starts: std::iter::once(0).chain(ends).collect() }
    }

    /// The text that `span` covers; empty where it lies outside.
    pub fn slice(&self, span: Span) -> &'a str {
        let (start, end) = (self.offset(span.start), self.offset(span.end));
        self.text.text.get(start..end).unwrap_or_default()
    }

    fn offset(&self, location: Location) -> usize {
        let line = location.line.saturating_sub(1) as usize;
        let start = self.line_starts.get(line).copied().unwrap_or(self.text.text.len());
        let rest = self.text.text.get(start..).unwrap_or_default();
        let mut columns = rest.char_indices().filter(|(_, c)| *c != BYTE_ORDER_MARK);
        let column = location.column.saturating_sub(1) as usize;
        start + columns.nth(column).map_or(rest.len(), |(at, _)| at)
    }
}
