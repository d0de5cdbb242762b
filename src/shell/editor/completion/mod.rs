//! What may stand at the cursor: a text, a place in it and a vocabulary give proposals.

mod command;
mod options;
mod outside;
mod query;
mod statement;
#[cfg(test)]
mod tests;

use self::statement::{Statement, Token};
use super::validator::is_client_command;
use super::vocabulary::{Shared, Vocabulary};
use crate::sql::{LexemeKind, Lexemes};

/// Something that may stand in the place of what is typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proposal {
    pub value: String,
    /// What the menu shows in the place of `value`, where that has signs around it.
    pub shown: Option<String>,
    pub about: String,
    /// A blank follows.
    pub blank: bool,
}

impl Proposal {
    pub fn word(value: impl Into<String>, about: impl Into<String>) -> Self {
        Self { value: value.into(), shown: None, about: about.into(), blank: true }
    }

    /// Something that what follows sticks to.
    pub fn part(value: impl Into<String>, about: impl Into<String>) -> Self {
        Self { blank: false, ..Self::word(value, about) }
    }
}

/// The proposals and where the text that each replaces begins; it ends at the cursor.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Proposals {
    pub start: usize,
    pub all: Vec<Proposal>,
}

/// Names in the folder that a path ends in, as completion of files needs them.
pub type Files<'a> = &'a dyn Fn(&str) -> Vec<String>;

/// What may stand at `cursor`. Nothing inside comments, and inside strings and hints only where an option or setting
/// stands.
pub fn proposals(text: &str, cursor: usize, vocabulary: &Vocabulary, files: Files<'_>) -> Proposals {
    let before = text.get(..cursor).unwrap_or(text);
    let line = before.trim_start();
    if line.starts_with('\\') || (is_client_command(line) && line.contains(char::is_whitespace)) {
        return command::proposals(before, vocabulary, files);
    }
    let Some((start, end)) = hint_around(text, before.len()) else {
        return proposals_in(text, before, &Statement::at(text, before.len()), vocabulary);
    };
    let table = Statement::at(text, start).before.pop().filter(Token::is_name);
    let (Some(table), Some(inside), Some(before)) = (table, text.get(start..end), before.get(start..)) else {
        return Proposals::default();
    };
    let statement = Statement { hints_at: Some(table.value()), ..Statement::at(inside, before.len()) };
    let found = proposals_in(inside, before, &statement, vocabulary);
    Proposals { start: start + found.start, ..found }
}

/// Where the text of the hint begins and ends that the cursor stands in.
fn hint_around(text: &str, cursor: usize) -> Option<(usize, usize)> {
    let last = Lexemes::new(text).take_while(|lexeme| lexeme.offset < cursor).last();
    let hint = last.filter(|lexeme| lexeme.kind == LexemeKind::Hint)?;
    let start = hint.offset + "/*+".len();
    let closing = if hint.is_closed() { "*/".len() } else { 0 };
    let end = (hint.offset + hint.text.len()).saturating_sub(closing);
    (start <= cursor && cursor <= end).then_some((start, end))
}

fn proposals_in(text: &str, before: &str, statement: &Statement<'_>, vocabulary: &Vocabulary) -> Proposals {
    match Place::of(text, before.len()) {
        Place::Nowhere => Proposals::default(),
        Place::String { start } => {
            let typed = before.get(start..).unwrap_or_default();
            let closed = text.get(before.len()..).is_some_and(|rest| rest.starts_with('\''));
            Proposals { start, all: options::in_string(statement, typed, closed, vocabulary) }
        }
        Place::QuotedName { start } => {
            let typed = before.get(start + 1..).unwrap_or_default();
            let names = match outside::names(statement, typed, vocabulary) {
                Some(names) => names.into_iter().map(|name| (name.name, name.about)).collect(),
                None => query::names(statement, vocabulary),
            };
            let fits = |name: &&(String, String)| name.0.to_lowercase().starts_with(&typed.to_lowercase());
            let quoted = |(name, about): &(String, String)| Proposal::part(format!("`{name}`"), about.clone());
            Proposals { start, all: names.iter().filter(fits).map(quoted).collect() }
        }
        Place::Word { start } => {
            let from = outside::start(before);
            let loose = Statement { hints_at: statement.hints_at.clone(), ..Statement::at(text, from) };
            if let Some(all) = outside::proposals(&loose, before.get(from..).unwrap_or_default(), vocabulary) {
                return Proposals { start: from, all: in_case(all, before.get(from..).unwrap_or_default(), &loose) };
            }
            let typed = before.get(start..).unwrap_or_default();
            if typed.starts_with(|c: char| c.is_ascii_digit()) {
                return Proposals::default();
            }
            let mut all = options::outside_strings(statement, vocabulary)
                .unwrap_or_else(|| query::proposals(statement, typed, vocabulary));
            all.retain(|proposal| starts_with(&proposal.value, typed));
            Proposals { start, all: in_case(all, typed, statement) }
        }
    }
}

/// As typed, in any case, with or without back-ticks.
fn starts_with(value: &str, typed: &str) -> bool {
    let value = value.strip_prefix('`').unwrap_or(value);
    value.get(..typed.len()).is_some_and(|start| start.eq_ignore_ascii_case(typed))
        || value.to_lowercase().starts_with(&typed.to_lowercase())
}

/// Keywords and functions in lower case for those who type so.
fn in_case(mut all: Vec<Proposal>, typed: &str, statement: &Statement<'_>) -> Vec<Proposal> {
    let sample = if typed.is_empty() { statement.first_word() } else { typed };
    if sample.chars().any(char::is_lowercase) && !sample.chars().any(char::is_uppercase) {
        for proposal in &mut all {
            let word = proposal.value.trim_end_matches('(');
            if proposal.blank || proposal.value.ends_with('(') || word.starts_with("CURRENT_") {
                proposal.value = proposal.value.to_lowercase();
            }
        }
    }
    let mut seen = std::collections::HashSet::new();
    all.retain(|proposal| seen.insert(proposal.value.clone()));
    all
}

/// Where the cursor stands.
enum Place {
    /// In a comment or hint.
    Nowhere,
    /// In a string whose text begins at `start`.
    String { start: usize },
    /// In a name in back-ticks, which begins at `start`.
    QuotedName { start: usize },
    /// Behind the word that begins at `start`, or behind something else, at `start`.
    Word { start: usize },
}

impl Place {
    fn of(text: &str, cursor: usize) -> Self {
        for lexeme in Lexemes::new(text) {
            let end = lexeme.offset + lexeme.text.len();
            if lexeme.offset >= cursor {
                break;
            }
            let inside = cursor < end || !lexeme.is_closed();
            match lexeme.kind {
                LexemeKind::Comment | LexemeKind::Hint if inside => return Self::Nowhere,
                // A comment that the end of the line ends.
                LexemeKind::Comment if cursor == end && !lexeme.text.starts_with("/*") => return Self::Nowhere,
                LexemeKind::String if inside => return Self::String { start: lexeme.offset + 1 },
                LexemeKind::QuotedName if inside => return Self::QuotedName { start: lexeme.offset },
                LexemeKind::Word if cursor <= end => return Self::Word { start: lexeme.offset },
                _ => {}
            }
        }
        Self::Word { start: cursor }
    }
}

/// The proposals for the line editor.
pub struct Completer {
    vocabulary: Shared,
}

impl Completer {
    pub fn new(vocabulary: Shared) -> Self {
        Self { vocabulary }
    }
}

impl reedline::Completer for Completer {
    fn complete(&mut self, line: &str, pos: usize) -> Vec<reedline::Suggestion> {
        let found = proposals(line, pos, &self.vocabulary.get(), &command::files_of);
        let span = reedline::Span { start: found.start.min(pos), end: pos };
        let suggestion = |proposal: Proposal| reedline::Suggestion {
            value: proposal.value,
            display_override: proposal.shown,
            description: Some(proposal.about).filter(|about| !about.is_empty()),
            span,
            append_whitespace: proposal.blank,
            ..reedline::Suggestion::default()
        };
        found.all.into_iter().map(suggestion).collect()
    }
}
