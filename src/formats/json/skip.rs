//! Passing over a value that nobody reads, checked to be one.

use super::cursor::{Cursor, Odd, Scan, first_of, in_words, no_digits, quotes_or_escapes};

/// Values nested deeper than this are left to the general parser, which has its own limit.
const DEPTH_MAX: usize = 64;

impl Cursor<'_> {
    /// Passes over any value.
    #[inline(always)]
    pub fn skip_value(&mut self) -> Scan<()> {
        if self.skip_short() { Ok(()) } else { self.skip_nested(0) }
    }

    /// Passes over what most values are: a string without escapes, or a number without sign and exponent, that ends within the
    /// next bytes. False, with the cursor where it was, where it is none.
    #[inline(always)]
    fn skip_short(&mut self) -> bool {
        let Some((&[first], rest)) = self.rest().split_first_chunk::<1>() else { return false };
        let Some(next) = rest.first_chunk::<16>() else { return false };
        let behind = |end: usize| next.get(end).copied();
        let length = match first {
            b'"' => match first_of(in_words(next, quotes_or_escapes)) {
                end if behind(end) == Some(b'"') => end + 2,
                _ => return false,
            },
            b'0'..=b'9' => {
                let mut stops = in_words(next, no_digits);
                let whole = first_of(stops);
                if first == b'0' && whole > 0 {
                    return false;
                }
                let mut end = whole;
                if behind(end) == Some(b'.') {
                    stops &= stops - 1;
                    end = first_of(stops);
                    if end == whole + 1 {
                        return false;
                    }
                }
                match behind(end) {
                    None | Some(b'.' | b'e' | b'E') => return false,
                    _ => end + 1,
                }
            }
            _ => return false,
        };
        self.advance(length);
        true
    }

    fn skip_nested(&mut self, depth: usize) -> Scan<()> {
        if depth > DEPTH_MAX {
            return Err(Odd);
        }
        match self.peek() {
            b'"' => self.skip_string(),
            b'{' => self.skip_items(b'}', |cursor| {
                cursor.skip_string()?;
                cursor.skip_space();
                cursor.expect(b':')?;
                cursor.skip_space();
                cursor.skip_nested(depth + 1)
            }),
            b'[' => self.skip_items(b']', |cursor| cursor.skip_nested(depth + 1)),
            b't' => self.keyword(b"true"),
            b'f' => self.keyword(b"false"),
            b'n' => self.keyword(b"null"),
            _ => self.number().map(|_| ()),
        }
    }

    fn skip_items(&mut self, close: u8, mut item: impl FnMut(&mut Self) -> Scan<()>) -> Scan<()> {
        let mut more = self.open(close);
        while more {
            item(self)?;
            more = self.more(close)?;
        }
        Ok(())
    }

    fn skip_string(&mut self) -> Scan<()> {
        self.expect(b'"')?;
        let mut forgotten = Vec::new();
        while !self.string_part()?.1 {
            self.escape(&mut forgotten)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn skips(text: &str) -> bool {
        let mut cursor = Cursor::new(text.as_bytes());
        cursor.skip_value().is_ok() && cursor.rest().is_empty()
    }

    #[test]
    fn what_is_skipped_is_a_value() {
        for text in [
            "1",
            "-0.5e+3",
            "true",
            "null",
            r#""a\"b\\""#,
            r#""\u00e9\ud83d\ude00""#,
            "[]",
            "[ ]",
            "[1, [2], {}]",
            r#"{"a": {"b": "}"}, "c": "]"}"#,
            r#""long enough to leave the first four words of eight bytes, really""#,
        ] {
            assert!(skips(text), "{text}");
        }
        for text in [
            "",
            "01",
            "1.",
            ".5",
            "+1",
            "1e",
            "tru",
            "nul",
            r#""a"#,
            r#""\x""#,
            r#""\u12g4""#,
            "[1,]",
            "[1 2]",
            r#"{"a"}"#,
            r#"{"a":1,}"#,
            "{1:2}",
            "[}",
            "NaN",
        ] {
            assert!(!skips(text), "{text}");
        }
    }

    #[test]
    fn deep_nesting_is_given_up() {
        let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert!(skips(&nested(60)));
        assert!(!skips(&nested(100_000)));
    }

    #[test]
    fn what_is_skipped_in_one_go_is_what_is_skipped_byte_by_byte() {
        let values = [
            "7",
            "0",
            "00",
            "01",
            "0.5",
            "0.",
            "1.",
            "1.5.",
            "1.5.2",
            "12.25",
            "1.e5",
            "1e5",
            "1.5e5",
            "-3",
            "123456789012345",
            "1234567890123456",
            "12345678901234567",
            "1234567.12345678",
            "1234567.1234567",
            "\"\"",
            "\"a\"",
            "\"#\"",
            "\"abcdefghijklmno\"",
            "\"abcdefghijklmnop\"",
            "\"a\\\"b\"",
            "\"a\\x\"",
            "\"é!\"",
            "true",
            "[1,2]",
            "x",
            "1x",
            "1 ",
        ];
        // What follows decides whether there are bytes enough for the short way.
        for value in values {
            for behind in [",", "}", ",\"next key of it\":1}", "                    "] {
                let text = format!("{value}{behind}");
                let (mut short, mut long) = (Cursor::new(text.as_bytes()), Cursor::new(text.as_bytes()));
                let (one, other) = (short.skip_value(), long.skip_nested(0));
                assert_eq!(one, other, "{text}");
                if one.is_ok() {
                    assert_eq!(short.rest(), long.rest(), "{text}");
                }
            }
        }
    }

    #[test]
    fn short_values_are_skipped_in_one_go() {
        for (text, rest) in [("\"text\",", ","), ("123,", ","), ("0}", "}"), ("98.3 ,", " ,")] {
            let text = format!("{text}{}", " ".repeat(16));
            let mut cursor = Cursor::new(text.as_bytes());
            assert!(cursor.skip_short(), "{text}");
            assert!(cursor.rest().starts_with(rest.as_bytes()), "{text}");
        }
    }
}
