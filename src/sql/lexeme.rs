//! The pieces a script consists of before it has any grammar: words, quoted text, comments, hints, `;`.

use crate::error::Error;
use crate::span::{Location, Span};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LexemeKind {
    Blank,
    /// `-- ...`, `// ...` or `/* ... */`
    Comment,
    /// `/*+ ... */`
    Hint,
    /// `'...'`, or `$$...$$` as in PostgreSQL
    String,
    /// `` `...` ``
    QuotedName,
    Word,
    Semicolon,
    Other,
}

/// A piece of a script and where it stands. All pieces one after another are the script.
#[derive(Debug, Clone)]
pub(crate) struct Lexeme<'a> {
    pub kind: LexemeKind,
    pub text: &'a str,
    pub offset: usize,
    pub span: Span,
    closed: bool,
}

impl Lexeme<'_> {
    /// False for a quote or comment that the end of the script left open.
    pub fn is_closed(&self) -> bool {
        self.closed
    }

    /// The error of a quote or comment that the end of the script left open, at its opening.
    pub fn unterminated(&self) -> Option<Error> {
        if self.closed {
            return None;
        }
        let (what, closing, width) = match self.kind {
            LexemeKind::Comment => ("comment", "*/", 2),
            LexemeKind::Hint => ("hint", "*/", 3),
            LexemeKind::QuotedName => ("name in back-ticks", "`", 1),
            LexemeKind::String if self.text.starts_with('$') => {
                let length = dollar_quote(self.text).unwrap_or(1);
                ("string", self.text.get(..length).unwrap_or("$$"), length as u32)
            }
            _ => ("string", "'", 1),
        };
        let start = self.span.start;
        let opening = Span::on_line(start.line, start.column, width);
        let error = Error::statement(format!("this {what} is never closed")).at(opening);
        Some(error.with_hint(format!("Close it with {closing}")))
    }
}

/// Walks over a script.
pub(crate) struct Lexemes<'a> {
    script: &'a str,
    offset: usize,
    location: Location,
    /// True behind a word `e` that touches the quote which follows: backslashes escape.
    escapes: bool,
}

impl<'a> Lexemes<'a> {
    pub fn new(script: &'a str) -> Self {
        Self { script, offset: 0, location: Location::new(1, 1), escapes: false }
    }

    /// The next piece's kind and length in bytes, and whether it is closed.
    fn measure(&self, rest: &str) -> (LexemeKind, usize, bool) {
        let first = rest.chars().next().unwrap_or(' ');
        if first.is_whitespace() || first == BYTE_ORDER_MARK {
            return (LexemeKind::Blank, span_of(rest, |c| c.is_whitespace() || c == BYTE_ORDER_MARK), true);
        }
        if rest.starts_with("--") || rest.starts_with("//") {
            return (LexemeKind::Comment, span_of(rest, |c| c != '\n' && c != '\r'), true);
        }
        if rest.starts_with("/*") {
            let kind = if rest.starts_with("/*+") { LexemeKind::Hint } else { LexemeKind::Comment };
            return match rest.get(2..).and_then(|inner| inner.find("*/")) {
                Some(inner) => (kind, inner + 4, true),
                None => (kind, rest.len(), false),
            };
        }
        match first {
            '\'' => quoted(LexemeKind::String, rest, '\'', self.escapes),
            '$' if let Some(length) = dollar_quote(rest) => {
                let (quote, inner) = rest.split_at(length);
                match inner.find(quote) {
                    Some(inner) => (LexemeKind::String, inner + 2 * length, true),
                    None => (LexemeKind::String, rest.len(), false),
                }
            }
            '`' => quoted(LexemeKind::QuotedName, rest, '`', false),
            ';' => (LexemeKind::Semicolon, 1, true),
            c if is_word(c) => (LexemeKind::Word, span_of(rest, is_word), true),
            c => (LexemeKind::Other, c.len_utf8(), true),
        }
    }
}

impl<'a> Iterator for Lexemes<'a> {
    type Item = Lexeme<'a>;

    fn next(&mut self) -> Option<Lexeme<'a>> {
        let rest = self.script.get(self.offset..).filter(|rest| !rest.is_empty())?;
        let (kind, len, closed) = self.measure(rest);
        let text = rest.get(..len).unwrap_or(rest);
        let start = self.location;
        self.location = text.chars().fold(start, advance);
        let offset = self.offset;
        self.offset += text.len();
        self.escapes = kind == LexemeKind::Word && text.eq_ignore_ascii_case("e");
        Some(Lexeme { kind, text, offset, span: Span::new(start, self.location), closed })
    }
}

pub(super) const BYTE_ORDER_MARK: char = '\u{feff}';

/// Characters of names and numbers.
fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_' || c == '$'
}

fn span_of(text: &str, inside: impl Fn(char) -> bool) -> usize {
    text.find(|c| !inside(c)).unwrap_or(text.len())
}

/// The length of `$$` or `$tag$` at the start of a text.
fn dollar_quote(rest: &str) -> Option<usize> {
    let tag = rest.strip_prefix('$')?;
    let length = tag.find(|c: char| !c.is_ascii_alphanumeric() && c != '_')?;
    let is_tag = tag.as_bytes().get(length) == Some(&b'$') && !tag.starts_with(|c: char| c.is_ascii_digit());
    is_tag.then_some(length + 2)
}

/// The length of a quoted piece in which a doubled quote is a quote.
fn quoted(kind: LexemeKind, rest: &str, quote: char, escapes: bool) -> (LexemeKind, usize, bool) {
    let mut chars = rest.char_indices().skip(1).peekable();
    while let Some((at, c)) = chars.next() {
        if escapes && c == '\\' {
            chars.next();
        } else if c == quote && chars.next_if(|(_, next)| *next == quote).is_none() {
            return (kind, at + quote.len_utf8(), true);
        }
    }
    (kind, rest.len(), false)
}

/// The place behind `c`. A byte order mark takes no room: editors don't show it.
fn advance(location: Location, c: char) -> Location {
    match c {
        '\n' => Location::new(location.line.saturating_add(1), 1),
        BYTE_ORDER_MARK => location,
        _ => Location::new(location.line, location.column.saturating_add(1)),
    }
}
