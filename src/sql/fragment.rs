//! The statements of a script as pieces of its text: cut at `;`, before anything is parsed.

use super::lexeme::{Lexeme, LexemeKind, Lexemes};
use crate::error::Error;
use crate::span::Span;

/// One statement's text, from its first to its last character, without comments around it and without its `;`.
#[derive(Debug)]
pub struct Fragment<'a> {
    pub text: &'a str,
    /// Where `text` starts in the script, in bytes.
    pub offset: usize,
    /// In the coordinates of the whole script.
    pub span: Span,
    /// True where a `;` follows.
    pub terminated: bool,
    /// A string, name or comment that is never closed, with the place where it was opened.
    pub unterminated: Option<Error>,
    /// `text` with blanks for the comments inside it (hints stay): as many characters, in the same places.
    pub(super) masked: String,
}

/// Cuts a script into statements.
///
/// Respected: `'...'` with `''` inside, back-ticks, `e'...'` with backslashes, `--`, `//` and `/* */` comments, hints
/// (which belong to their statement), the `;` inside statement sets, stray `;`, a last statement without `;`, a byte
/// order mark. Nothing but comments and blanks makes no statement.
pub fn split(script: &str) -> Vec<Fragment<'_>> {
    let mut splitter = Splitter::new(script);
    for lexeme in Lexemes::new(script) {
        splitter.push(&lexeme);
    }
    splitter.finish(false);
    splitter.fragments
}

/// True when `script` holds a statement and nothing of it is still open: the last one has its `;`, and every quote,
/// comment and statement set is closed. A shell reads on until then.
pub fn is_complete(script: &str) -> bool {
    let ends_open = Lexemes::new(script).last().is_some_and(|last| last.unterminated().is_some());
    let fragments = split(script);
    !ends_open && fragments.last().is_some_and(|last| last.terminated)
}

/// Where backslashes stand outside quotes and comments, in bytes, the first of each line: SQL has none there, but a
/// client's commands begin with them and end with their line.
pub fn backslashes(script: &str) -> Vec<usize> {
    let mut offsets = Vec::new();
    let mut from = 0;
    while let Some(rest) = script.get(from..) {
        let Some(first) = Lexemes::new(rest).find(|lexeme| lexeme.text == "\\") else { break };
        offsets.push(from + first.offset);
        let line = rest.get(first.offset..).and_then(|line| line.find('\n'));
        from += line.map_or(rest.len(), |end| first.offset + end);
    }
    offsets
}

/// Where the splitter stands with a statement set, whose `;` cut nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Block {
    None,
    /// `STATEMENT SET` has come; `BEGIN` (or `;`, after BEGIN STATEMENT SET) must follow at once.
    Announced,
    /// Inside, with so many CASE open, whose END is not the set's.
    Open {
        cases: u32,
    },
}

struct Splitter<'a> {
    script: &'a str,
    fragments: Vec<Fragment<'a>>,
    start: Option<(usize, Span)>,
    end: usize,
    masked: String,
    /// How much of `masked` is needed so far: it ends with the last lexeme that counts.
    masked_end: usize,
    unterminated: Option<Error>,
    first_word: String,
    last_word: String,
    block: Block,
}

impl<'a> Splitter<'a> {
    fn new(script: &'a str) -> Self {
        Self {
            script,
            fragments: vec![],
            start: None,
            end: 0,
            masked: String::new(),
            masked_end: 0,
            unterminated: None,
            first_word: String::new(),
            last_word: String::new(),
            block: Block::None,
        }
    }

    fn push(&mut self, lexeme: &Lexeme<'a>) {
        if lexeme.kind == LexemeKind::Semicolon && !self.keeps_semicolon() {
            return self.finish(true);
        }
        if let Some(error) = lexeme.unterminated() {
            self.unterminated.get_or_insert(error);
        }
        let counts = !matches!(lexeme.kind, LexemeKind::Blank | LexemeKind::Comment) || lexeme.unterminated().is_some();
        if counts {
            self.start = match self.start {
                None => Some((lexeme.offset, lexeme.span)),
                Some((offset, span)) => Some((offset, span.union(lexeme.span))),
            };
            self.end = lexeme.offset + lexeme.text.len();
            self.follow(lexeme);
        }
        if self.start.is_some() {
            match lexeme.kind {
                LexemeKind::Comment => self.masked.extend(lexeme.text.chars().map(blank)),
                _ => self.masked.push_str(lexeme.text),
            }
            if counts {
                self.masked_end = self.masked.len();
            }
        }
    }

    fn keeps_semicolon(&self) -> bool {
        match self.block {
            Block::None => false,
            Block::Announced => self.first_word == "BEGIN",
            Block::Open { .. } => true,
        }
    }

    /// Keeps track of statement sets.
    fn follow(&mut self, lexeme: &Lexeme<'_>) {
        let word = match lexeme.kind {
            LexemeKind::Word => lexeme.text.to_ascii_uppercase(),
            LexemeKind::Hint => return,
            _ => String::new(),
        };
        if self.first_word.is_empty() {
            self.first_word = if word.is_empty() { "-".into() } else { word.clone() };
        }
        self.block = match self.block {
            Block::None if word == "SET" && self.last_word == "STATEMENT" && self.may_be_set() => Block::Announced,
            Block::Announced if word == "BEGIN" || lexeme.kind == LexemeKind::Semicolon => Block::Open { cases: 0 },
            Block::Announced => Block::None,
            Block::Open { cases } if word == "CASE" => Block::Open { cases: cases + 1 },
            Block::Open { cases: 0 } if word == "END" => Block::None,
            Block::Open { cases } if word == "END" => Block::Open { cases: cases - 1 },
            unchanged => unchanged,
        };
        self.last_word = word;
    }

    fn may_be_set(&self) -> bool {
        matches!(self.first_word.as_str(), "EXECUTE" | "BEGIN" | "EXPLAIN" | "COMPILE" | "STATEMENT")
    }

    fn finish(&mut self, terminated: bool) {
        let fresh = Splitter { fragments: std::mem::take(&mut self.fragments), ..Splitter::new(self.script) };
        let mut done = std::mem::replace(self, fresh);
        let Some((offset, span)) = done.start else { return };
        done.masked.truncate(done.masked_end);
        self.fragments.push(Fragment {
            text: done.script.get(offset..done.end).unwrap_or_default(),
            offset,
            span,
            terminated,
            unterminated: done.unterminated,
            masked: done.masked,
        });
    }
}

/// What stands for a character of a comment: line ends stay, so that lines and columns do.
fn blank(c: char) -> char {
    if c == '\n' || c == '\r' { c } else { ' ' }
}
