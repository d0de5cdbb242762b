//! The cells of one line.

use super::Rules;
use crate::formats::FormatError;

const LOWS: u64 = 0x7F7F_7F7F_7F7F_7F7F;

/// Cells of the line split last; reused from line to line.
#[derive(Debug, Default)]
pub(super) struct Cells {
    /// The cells one behind the other, quotes and escapes undone.
    text: String,
    ends: Vec<usize>,
    /// What is between two of them: a delimiter, or nothing.
    between: usize,
}

impl Cells {
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    pub fn get(&self, i: usize) -> Option<&str> {
        let end = *self.ends.get(i)?;
        let start = i.checked_sub(1).map_or(0, |before| self.ends[before] + self.between);
        self.text.get(start..end)
    }

    /// Splits the first line of `line`.
    pub fn split(&mut self, line: &str, rules: &Rules) -> Result<(), FormatError> {
        self.text.clear();
        self.ends.clear();
        if !rules.needs_care(line.as_bytes()) {
            self.split_plain(line, rules.delimiter);
            return Ok(());
        }
        self.between = 0;
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

    /// Splits a line without quotes and escapes: only the delimiter and the end of the line count.
    fn split_plain(&mut self, line: &str, delimiter: u8) {
        let end = memchr::memchr2(b'\n', b'\r', line.as_bytes()).unwrap_or(line.len());
        let line = &line[..end];
        self.text.push_str(line);
        self.between = 1;
        // Eight bytes at a time: a cell is mostly shorter than what makes a call of `memchr` worthwhile.
        let (words, last) = line.as_bytes().as_chunks::<8>();
        let mut at = 0;
        for word in words {
            let differs = u64::from_le_bytes(*word) ^ u64::from_le_bytes([delimiter; 8]);
            // The high bit of each byte that is the delimiter.
            let mut found = !((differs & LOWS).wrapping_add(LOWS) | differs | LOWS);
            while found != 0 {
                self.ends.push(at + (found.trailing_zeros() / 8) as usize);
                found &= found - 1;
            }
            at += 8;
        }
        self.ends.extend(last.iter().enumerate().filter(|(_, byte)| **byte == delimiter).map(|(i, _)| at + i));
        self.ends.push(line.len());
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn rules() -> Rules {
        Rules {
            delimiter: b',',
            quote: Some(b'"'),
            escape: Some(b'\\'),
            comments: false,
            ignore_errors: false,
            element_delimiter: String::new(),
            null: None,
            plain_decimals: false,
            lines: true,
            prefix: String::new(),
        }
    }

    fn cells(line: &str) -> Vec<String> {
        let mut cells = Cells::default();
        cells.split(line, &rules()).unwrap();
        (0..cells.len()).map(|i| cells.get(i).unwrap().to_string()).collect()
    }

    proptest! {
        #[test]
        fn cells_without_quotes_are_what_is_between_delimiters(line in "[-,,,abé +\n\r]{0,60}") {
            let first = line.split(['\n', '\r']).next().unwrap_or_default();
            let expected: Vec<_> = first.split(',').collect();
            prop_assert_eq!(cells(&line), expected);
        }

        #[test]
        fn a_quote_anywhere_changes_no_other_cell(line in "[-,,,abé +]{0,60}") {
            let mut expected = cells(&line);
            expected.push("a\"b".to_string());
            prop_assert_eq!(cells(&format!("{line},a\"b")), expected.clone());
            expected.pop();
            expected.push("a,b".to_string());
            prop_assert_eq!(cells(&format!("{line},\"a,b\"")), expected);
        }
    }
}
