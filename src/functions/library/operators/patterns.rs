//! LIKE and SIMILAR TO: SQL patterns as regular expressions over the whole text.

use arrow::array::ArrayRef;
use regex::Regex;

use crate::error::{Error, Result};
use crate::functions::library::builtin::{Family, Overload, Returns, TypeName};
use crate::functions::library::call::{Call, Memo};
use crate::functions::library::{BUILTIN, Builtin};

const TEXTS: &[Overload] = &[
    Overload { parameters: &[Family::Text, Family::Text], returns: Returns::Kind(TypeName::Boolean) },
    Overload { parameters: &[Family::Text, Family::Text, Family::Text], returns: Returns::Kind(TypeName::Boolean) },
];

pub static LIKE: Builtin = Builtin { name: "LIKE", overloads: TEXTS, kernel: |call| apply(call, like), ..BUILTIN };

pub static SIMILAR_TO: Builtin =
    Builtin { name: "SIMILAR TO", overloads: TEXTS, kernel: |call| apply(call, similar), ..BUILTIN };

/// A compiled pattern; the frequent shapes of LIKE need no regular expression.
enum Matcher {
    Equals(String),
    StartsWith(String),
    EndsWith(String),
    Contains(String),
    Regex(Regex),
}

impl Matcher {
    fn matches(&self, text: &str) -> bool {
        match self {
            Self::Equals(part) => text == part,
            Self::StartsWith(part) => text.starts_with(part.as_str()),
            Self::EndsWith(part) => text.ends_with(part.as_str()),
            Self::Contains(part) => text.contains(part.as_str()),
            Self::Regex(regex) => regex.is_match(text),
        }
    }
}

fn apply(call: &Call<'_>, compile: fn(&str, Option<char>) -> Result<Matcher>) -> Result<ArrayRef> {
    let (texts, patterns) = (call.text(0)?, call.text(1)?);
    let escape = match call.arguments.len() {
        3 => call.text(2)?.at(0).and_then(|e| e.chars().next()),
        _ => None,
    };
    let mut memo = Memo::new();
    call.try_collect(|row| {
        let (Some(text), Some(pattern)) = (texts.at(row), patterns.at(row)) else { return Ok(None) };
        memo.get(pattern, |p| compile(p, escape)).map(|m| Some(m.matches(text)))
    })
}

fn regex(source: String) -> Result<Matcher> {
    let compiled = Regex::new(&source);
    compiled.map(Matcher::Regex).map_err(|e| Error::data("a pattern can't be compiled").with_source(e))
}

fn invalid_escape(pattern: &str, escape: char) -> Error {
    Error::data(format!("invalid escape sequence in the pattern '{pattern}'"))
        .with_hint(format!("Behind the escape character {escape} stands %, _ or {escape} itself."))
}

/// `%` any text, `_` any character; the escape character takes the meaning from what follows.
fn like(pattern: &str, escape: Option<char>) -> Result<Matcher> {
    if escape.is_none_or(|e| !pattern.contains(e)) && !pattern.contains('_') {
        let inner = pattern.trim_matches('%');
        if !inner.contains('%') {
            return Ok(match (pattern.starts_with('%'), pattern.ends_with('%') && !pattern.is_empty()) {
                (false, false) => Matcher::Equals(inner.to_string()),
                (false, true) => Matcher::StartsWith(inner.to_string()),
                (true, false) => Matcher::EndsWith(inner.to_string()),
                (true, true) => Matcher::Contains(inner.to_string()),
            });
        }
    }
    let mut source = String::from("(?s)^");
    let mut characters = pattern.chars();
    while let Some(c) = characters.next() {
        match c {
            c if Some(c) == escape => match characters.next() {
                Some(next) if matches!(next, '%' | '_') || Some(next) == escape => push_literal(&mut source, next),
                _ => return Err(invalid_escape(pattern, c)),
            },
            '%' => source.push_str(".*"),
            '_' => source.push('.'),
            c => push_literal(&mut source, c),
        }
    }
    source.push('$');
    regex(source)
}

fn push_literal(source: &mut String, c: char) {
    let mut buffer = [0; 4];
    source.push_str(&regex::escape(c.encode_utf8(&mut buffer)));
}

/// SQL's own regular expressions: `%` and `_` as in LIKE, `| * + ? { } ( ) [ ]` as usual, `[[:ALPHA:]]` classes.
fn similar(pattern: &str, escape: Option<char>) -> Result<Matcher> {
    let mut source = String::from("(?s)^(?:");
    let mut characters = pattern.chars().peekable();
    let mut in_class = false;
    while let Some(c) = characters.next() {
        match c {
            c if Some(c) == escape => match characters.next() {
                Some(next) => push_literal(&mut source, next),
                None => return Err(invalid_escape(pattern, c)),
            },
            '[' => {
                in_class = true;
                source.push('[');
            }
            ':' if in_class => push_class(&mut source, &mut characters),
            ']' => {
                in_class = false;
                source.push(']');
            }
            '%' if !in_class => source.push_str(".*"),
            '_' if !in_class => source.push('.'),
            '\\' | '$' | '^' if !in_class => push_literal(&mut source, c),
            c => source.push(c),
        }
    }
    source.push_str(")$");
    regex(source)
}

/// `[:ALPHA:]` becomes `[:alpha:]`.
fn push_class(source: &mut String, characters: &mut std::iter::Peekable<std::str::Chars<'_>>) {
    source.push(':');
    while let Some(c) = characters.next_if(char::is_ascii_alphabetic) {
        source.push(c.to_ascii_lowercase());
    }
}
