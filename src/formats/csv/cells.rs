//! The cells of one line.

use super::Rules;
use crate::formats::FormatError;

/// Cells of the line split last; reused from line to line.
#[derive(Debug, Default)]
pub(super) struct Cells {
    /// The cells one behind the other, quotes and escapes undone.
    text: String,
    ends: Vec<usize>,
}

impl Cells {
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    pub fn get(&self, i: usize) -> Option<&str> {
        let end = *self.ends.get(i)?;
        let start = i.checked_sub(1).map_or(0, |before| self.ends[before]);
        self.text.get(start..end)
    }

    /// Splits the first line of `line`.
    pub fn split(&mut self, line: &str, rules: &Rules) -> Result<(), FormatError> {
        self.text.clear();
        self.ends.clear();
        let mut rest = line;
        loop {
            rest = match rules.quote {
                Some(quote) if rest.as_bytes().first() == Some(&quote) => self.quoted(&rest[1..], quote, rules)?,
                _ => self.plain(rest, rules)?,
            };
            self.ends.push(self.text.len());
            match rest.as_bytes().first() {
                Some(byte) if *byte == rules.delimiter => rest = &rest[1..],
                _ => return Ok(()),
            }
        }
    }

    /// Reads up to the delimiter or the end of the line, and gives what is left from there.
    fn plain<'a>(&mut self, mut rest: &'a str, rules: &Rules) -> Result<&'a str, FormatError> {
        let escape = rules.escape.unwrap_or(rules.delimiter);
        let stops = |byte: u8| byte == rules.delimiter || byte == escape || byte == b'\n' || byte == b'\r';
        loop {
            let end = rest.bytes().position(stops).unwrap_or(rest.len());
            self.text.push_str(&rest[..end]);
            rest = &rest[end..];
            if rules.escape.is_none() || rest.as_bytes().first() != rules.escape.as_ref() {
                return Ok(rest);
            }
            rest = self.escaped(rest)?;
        }
    }

    /// Reads a quoted cell from behind its first quote, and gives what is left from the delimiter on.
    fn quoted<'a>(&mut self, mut rest: &'a str, quote: u8, rules: &Rules) -> Result<&'a str, FormatError> {
        let escape = rules.escape.unwrap_or(quote);
        loop {
            let end = memchr::memchr2(quote, escape, rest.as_bytes())
                .ok_or_else(|| FormatError::new("not a CSV line: a quoted cell has no closing quote"))?;
            self.text.push_str(&rest[..end]);
            rest = &rest[end..];
            let byte = rest.as_bytes()[0];
            if byte != quote {
                rest = self.escaped(rest)?;
            } else if rest.as_bytes().get(1) == Some(&quote) {
                self.text.push(quote as char);
                rest = &rest[2..];
            } else {
                rest = &rest[1..];
                break;
            }
        }
        let blank = |c: char| c == ' ' || (c == '\t' && rules.delimiter != b'\t');
        rest = rest.trim_start_matches(blank);
        match rest.as_bytes().first() {
            None | Some(b'\n' | b'\r') => Ok(rest),
            Some(byte) if *byte == rules.delimiter => Ok(rest),
            Some(_) => Err(FormatError::new(format!(
                "not a CSV line: {:?} stands behind a closing quote",
                rest.chars().next().unwrap_or(' ')
            ))),
        }
    }

    /// Reads the escape at the start of `rest`.
    fn escaped<'a>(&mut self, rest: &'a str) -> Result<&'a str, FormatError> {
        let mut chars = rest[1..].chars();
        self.text.push(match chars.next() {
            Some('0') => '\0',
            Some('n') => '\n',
            Some('r') => '\r',
            Some('t') => '\t',
            Some(other) => other,
            None => return Err(FormatError::new("not a CSV line: it ends behind an escape character")),
        });
        Ok(chars.as_str())
    }
}
