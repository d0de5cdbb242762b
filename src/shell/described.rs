//! What `\d`, `\dt` and `\dv` are asked about: nothing in particular, a name or a pattern, and the integration that
//! has it.

use crate::error::{Error, Result};
use crate::span::{Location, Span};
use crate::sql::{Ident, LikePattern, ObjectPath};

/// A name or pattern, and where to look for it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Described {
    pub name: Option<Named>,
    /// An integration.
    pub from: Option<Ident>,
}

/// A name, or with `*` and `?` a pattern.
#[derive(Debug, Clone, PartialEq)]
pub struct Named {
    pub path: ObjectPath,
    /// As PostgreSQL reads names: what stood in quotes stands in double ones.
    pub written: String,
    pub is_pattern: bool,
}

impl Named {
    /// For names of the session: what stood in quotes without them.
    pub fn plain(&self) -> String {
        let parts: Vec<&str> = self.path.parts.iter().map(|part| part.value.as_str()).collect();
        parts.join(".")
    }

    /// For names of an integration.
    pub fn like(&self) -> LikePattern {
        LikePattern {
            pattern: self.plain().replace('_', "\\_").replace('*', "%").replace('?', "_"),
            negated: false,
            case_insensitive: true,
        }
    }
}

impl Described {
    /// Reads what stands behind `command`, from `start` on: `[name] [FROM integration]`.
    ///
    /// # Errors
    /// More than one name, or a quote that is not closed.
    pub fn read(command: &str, text: &str, start: Location) -> Result<Self> {
        let mut reader = Reader { command, chars: text.chars().collect(), at: 0, start };
        let mut described = Self::default();
        if !reader.takes_from() && !reader.is_at_end() {
            described.name = Some(reader.name()?);
            if !reader.takes_from() {
                reader.end()?;
                return Ok(described);
            }
        }
        if !reader.is_at_end() || described.name.is_some() {
            described.from = Some(reader.part()?.ident);
            reader.end()?;
        }
        Ok(described)
    }
}

struct Reader<'a> {
    command: &'a str,
    chars: Vec<char>,
    at: usize,
    start: Location,
}

struct Part {
    ident: Ident,
    is_quoted: bool,
}

impl Reader<'_> {
    fn skip_blanks(&mut self) {
        while self.chars.get(self.at).is_some_and(|c| c.is_whitespace()) {
            self.at += 1;
        }
    }

    fn is_at_end(&mut self) -> bool {
        self.skip_blanks();
        self.at == self.chars.len()
    }

    fn span(&self, from: usize, to: usize) -> Span {
        let width = to.saturating_sub(from).max(1) as u32;
        Span::on_line(self.start.line, self.start.column + from as u32, width)
    }

    fn wrong(&self) -> Error {
        let (command, rest) = (self.command, self.chars.get(self.at..).unwrap_or_default());
        let rest: String = rest.iter().collect();
        let said = match rest.trim() {
            "" => "a name is missing".to_string(),
            rest => format!("{command} takes one name or pattern, and \"{rest}\" is too much"),
        };
        Error::statement(said)
            .with_hint(format!(
                "For example: {command} orders, {command} \"my table\", {command} ord*, {command} public.orders FROM pg"
            ))
            .at(self.span(self.at, self.chars.len()))
    }

    fn end(&mut self) -> Result<()> {
        if self.is_at_end() { Ok(()) } else { Err(self.wrong()) }
    }

    /// Takes the word FROM or IN, where it is next.
    fn takes_from(&mut self) -> bool {
        self.skip_blanks();
        let rest = self.chars.get(self.at..).unwrap_or_default();
        let word: String = rest.iter().take_while(|c| c.is_alphanumeric() || **c == '_').collect();
        let is_it = word.eq_ignore_ascii_case("from") || word.eq_ignore_ascii_case("in");
        if is_it {
            self.at += word.len();
        }
        is_it
    }

    fn name(&mut self) -> Result<Named> {
        let (mut parts, mut written, mut is_pattern) = (Vec::new(), String::new(), false);
        self.skip_blanks();
        let from = self.at;
        loop {
            let part = self.part()?;
            is_pattern |= !part.is_quoted && part.ident.value.contains(['*', '?']);
            written += &match part.is_quoted {
                true => format!("\"{}\"", part.ident.value.replace('"', "\"\"")),
                false => part.ident.value.clone(),
            };
            parts.push(part.ident);
            if self.chars.get(self.at) != Some(&'.') {
                break;
            }
            self.at += 1;
            written.push('.');
        }
        Ok(Named { path: ObjectPath { parts, span: self.span(from, self.at) }, written, is_pattern })
    }

    fn part(&mut self) -> Result<Part> {
        self.skip_blanks();
        let from = self.at;
        let mut value = String::new();
        let Some(quote) = self.chars.get(from).copied().filter(|c| matches!(c, '"' | '`' | '\'')) else {
            let ends = |c: &char| c.is_whitespace() || matches!(c, '.' | ';' | '"' | '`' | '\'');
            value.extend(self.chars.iter().skip(from).take_while(|c| !ends(c)));
            self.at += value.chars().count();
            if value.is_empty() {
                return Err(self.wrong());
            }
            return Ok(Part { ident: Ident { value, span: self.span(from, self.at) }, is_quoted: false });
        };
        self.at += 1;
        while let Some(c) = self.chars.get(self.at).copied() {
            self.at += 1;
            match (c == quote, self.chars.get(self.at) == Some(&quote)) {
                (true, true) => self.at += 1,
                (true, false) => {
                    return Ok(Part { ident: Ident { value, span: self.span(from, self.at) }, is_quoted: true });
                }
                (false, _) => {}
            }
            value.push(c);
        }
        Err(Error::statement("the quote is never closed").at(self.span(from, from + 1)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> String {
        match Described::read("\\d", text, Location::new(1, 4)) {
            Ok(Described { name, from }) => {
                let name = name.map(|name| {
                    let parts: Vec<&str> = name.path.parts.iter().map(|part| part.value.as_str()).collect();
                    format!("{}{} {}", parts.join("/"), if name.is_pattern { "?" } else { "" }, name.written)
                });
                format!("{} {}", name.unwrap_or_default(), from.map(|i| i.value).unwrap_or_default())
            }
            Err(error) => format!("{} at {}", error.message(), error.span().map_or(0, |span| span.start.column)),
        }
    }

    #[test]
    fn names_patterns_and_integrations_are_read() {
        for (text, expected) in [
            ("", " "),
            ("t", "t t "),
            ("g*", "g*? g* "),
            ("\"gen\"", "gen \"gen\" "),
            ("`a b`.c", "a b/c \"a b\".c "),
            ("public.\"T\"\"1\" FROM pg", "public/T\"1 public.\"T\"\"1\" pg"),
            ("from pg", " pg"),
            ("t in `demo-pg`", "t t demo-pg"),
            ("fromage", "fromage fromage "),
        ] {
            assert_eq!(read(text), expected, "{text}");
        }
    }

    #[test]
    fn more_than_that_is_refused() {
        let too_much =
            |rest: &str, at: u32| format!("\\d takes one name or pattern, and \"{rest}\" is too much at {at}");
        for (text, expected) in [
            ("x; y", too_much("; y", 5)),
            ("t; DROP TABLE t", too_much("; DROP TABLE t", 5)),
            ("my table", too_much("table", 7)),
            ("t FROM", "a name is missing at 10".to_string()),
            ("t.", "a name is missing at 6".to_string()),
            ("\"t", "the quote is never closed at 4".to_string()),
        ] {
            assert_eq!(read(text), expected, "{text}");
        }
    }
}
