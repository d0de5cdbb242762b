//! A whole JSON message as a tree, by the general parser, with what Jackson takes beyond the standard.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::Value;

use crate::formats::FormatError;

/// The first document of a message; what follows it is not looked at, as in Flink.
///
/// Jackson takes a byte order mark, control characters inside strings, and halves of surrogate pairs (as `?`).
pub(super) fn parse(message: &[u8]) -> Result<Value, FormatError> {
    let message = message.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(message);
    let text = std::str::from_utf8(message)
        .map_err(|e| FormatError::new(format!("not a JSON document: invalid UTF-8 at byte {}", e.valid_up_to())))?;
    first_document(text).or_else(|error| match tolerated(text) {
        Cow::Owned(text) => first_document(&text).map_err(describe),
        Cow::Borrowed(_) => Err(describe(error)),
    })
}

fn first_document(text: &str) -> serde_json::Result<Value> {
    Value::deserialize(&mut serde_json::Deserializer::from_str(text))
}

fn describe(error: serde_json::Error) -> FormatError {
    let text = error.to_string();
    if text.starts_with("recursion limit") {
        return FormatError::new("the JSON document is nested deeper than 127 levels");
    }
    let what = match error.is_eof() {
        true => "it ends too early".to_string(),
        false => text.split(" at line ").next().unwrap_or(&text).to_string(),
    };
    FormatError::new(format!("not a JSON document: {what} (line {}, column {})", error.line(), error.column()))
}

/// The text with what Jackson takes inside strings spelled as the standard wants it; borrowed where there is no such
/// thing.
fn tolerated(text: &str) -> Cow<'_, str> {
    let mut out = String::new();
    let (mut copied, mut inside) = (0, false);
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        let (replacement, end) = match c {
            '"' => {
                inside = !inside;
                continue;
            }
            '\\' if inside => match lone_surrogate(&text[at..]) {
                Some(length) => ("?".to_string(), at + length),
                None => {
                    // The escaped character, which may be a quote; of a pair of surrogates both.
                    let length = if is_pair(&text[at..]) { 12 } else { 2 };
                    (1..length).for_each(|_| drop(chars.next()));
                    continue;
                }
            },
            '\0'..='\u{1f}' if inside => (format!("\\u{:04x}", c as u32), at + 1),
            _ => continue,
        };
        out.push_str(&text[copied..at]);
        out.push_str(&replacement);
        copied = end;
        while chars.offset() < end {
            chars.next();
        }
    }
    if copied == 0 {
        return Cow::Borrowed(text);
    }
    out.push_str(&text[copied..]);
    Cow::Owned(out)
}

/// The UTF-16 unit that `\uXXXX` at the start of the text stands for.
fn unit(text: &str) -> Option<u32> {
    u32::from_str_radix(text.strip_prefix("\\u")?.get(..4)?, 16).ok()
}

fn is_pair(text: &str) -> bool {
    let low = || text.get(6..).and_then(unit).is_some_and(|low| (0xDC00..0xE000).contains(&low));
    unit(text).is_some_and(|high| (0xD800..0xDC00).contains(&high)) && low()
}

/// The length of an escape that is one half of a surrogate pair without the other.
fn lone_surrogate(text: &str) -> Option<usize> {
    let surrogate = unit(text).is_some_and(|unit| (0xD800..0xE000).contains(&unit));
    (surrogate && !is_pair(text)).then_some(6)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_jackson_takes_beyond_the_standard_is_read() {
        let cases = [
            ("\u{feff}[1]", "[1]"),
            ("[1] and more", "[1]"),
            ("[\"a\tb\"]", r#"["a\tb"]"#),
            (r#"["\ud800x\udc00", "\ud83d\ude00", "\\u", "\"\ud800"]"#, r#"["?x?","😀","\\u","\"?"]"#),
        ];
        for (text, value) in cases {
            assert_eq!(parse(text.as_bytes()).unwrap().to_string(), value);
        }
    }

    #[test]
    fn what_is_no_document_says_where() {
        let cases: &[(&[u8], &str)] = &[
            (b"{\"a\":1", "not a JSON document: it ends too early (line 1, column 6)"),
            (b"{\"a\":tru}", "not a JSON document: expected ident (line 1, column 9)"),
            (b"{\"a\":\"\xFF\"}", "not a JSON document: invalid UTF-8 at byte 6"),
            (b"", "not a JSON document: it ends too early (line 1, column 0)"),
        ];
        for (text, message) in cases {
            assert_eq!(parse(text).unwrap_err().message, *message);
        }
        let deep = "[".repeat(100_000);
        assert_eq!(parse(deep.as_bytes()).unwrap_err().message, "the JSON document is nested deeper than 127 levels");
    }
}
