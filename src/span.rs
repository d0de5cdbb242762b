//! Where something stands in a SQL text: lines and columns, both counted from 1, columns in characters.

use std::fmt;
use std::sync::Arc;

/// A place between two characters of a text. Line and column count from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Location {
    pub line: u32,
    pub column: u32,
}

/// From the first character of a thing to just behind its last one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Span {
    pub start: Location,
    pub end: Location,
}

impl Location {
    pub fn new(line: u32, column: u32) -> Self {
        Self { line, column }
    }
}

impl Span {
    pub fn new(start: Location, end: Location) -> Self {
        Self { start, end }
    }

    /// A span of `width` characters on one line.
    pub fn on_line(line: u32, column: u32, width: u32) -> Self {
        Self::new(Location::new(line, column), Location::new(line, column + width))
    }

    /// The smallest span that covers both.
    pub fn union(self, other: Span) -> Span {
        Span::new(self.start.min(other.start), self.end.max(other.end))
    }

    /// The span of an AST node, or `None` where the parser kept none.
    pub fn from_ast(span: datafusion::sql::sqlparser::tokenizer::Span) -> Option<Span> {
        if span.start.line == 0 || span.end.line == 0 {
            return None;
        }
        Some(Span::new(
            Location::new(span.start.line as u32, span.start.column as u32),
            Location::new(span.end.line as u32, span.end.column as u32),
        ))
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

/// A SQL text with the name it is shown under: a file's path, or `-e` for text from the command line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceText {
    pub name: Arc<str>,
    pub text: Arc<str>,
    /// The number of the text's first line, by which places in it are counted.
    first_line: u32,
}

impl SourceText {
    pub fn new(name: impl Into<Arc<str>>, text: impl Into<Arc<str>>) -> Self {
        Self { name: name.into(), text: text.into(), first_line: 1 }
    }

    /// A line out of a longer text, of which the rest need not be shown.
    pub fn of_line(name: impl Into<Arc<str>>, number: u32, line: impl Into<Arc<str>>) -> Self {
        Self { first_line: number, ..Self::new(name, line) }
    }

    /// How many lines of the text are before this one.
    pub fn lines_before(&self, line: u32) -> usize {
        line.saturating_sub(self.first_line) as usize
    }
}
