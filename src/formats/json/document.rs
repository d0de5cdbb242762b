//! A whole JSON message, looked at piece by piece by the general parser, with what Jackson takes beyond the standard.

use std::borrow::Cow;
use std::fmt;

use indexmap::IndexMap;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::formats::{FormatError, Place};

/// Arrays and objects in each other at most, as in Jackson.
const DEPTH_MAX: usize = 1000;

/// The text of a message, spelled as the standard wants it.
///
/// Jackson takes a byte order mark, control characters inside strings, and halves of surrogate pairs (as `?`).
#[derive(Debug)]
pub(super) struct Document<'a>(Cow<'a, str>);

/// A value one level deep; numbers as they are written.
#[derive(Debug)]
pub(super) enum Node<'a> {
    Null,
    Bool(bool),
    Number(&'a str),
    Text(String),
    Array(Vec<&'a RawValue>),
    /// The last of a repeated key, at the place of the first.
    Object(IndexMap<String, &'a RawValue>),
}

impl<'a> Document<'a> {
    pub fn new(message: &'a [u8]) -> Result<Self, FormatError> {
        let message = message.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(message);
        let text = std::str::from_utf8(message)
            .map_err(|e| FormatError::new(format!("not a JSON document: invalid UTF-8 at byte {}", e.valid_up_to())))?;
        if depth(text) > DEPTH_MAX {
            return Err(FormatError::new(format!("the JSON document is nested deeper than {DEPTH_MAX} levels")));
        }
        Ok(Self(tolerated(text)))
    }

    /// The first value of the text, checked to the end of it; what follows is not looked at, as in Flink.
    pub fn value(&self) -> Result<&RawValue, FormatError> {
        Deserialize::deserialize(&mut serde_json::Deserializer::from_str(&self.0)).map_err(describe)
    }
}

impl<'a> Node<'a> {
    pub fn of(value: &'a RawValue) -> Result<Self, FormatError> {
        let text = value.get();
        let node = match text.as_bytes().first() {
            Some(b'"') => serde_json::from_str(text).map(Self::Text),
            Some(b'[') => serde_json::from_str(text).map(Self::Array),
            Some(b'{') => serde_json::from_str::<Fields>(text).map(|fields| Self::Object(fields.0)),
            Some(b'n') => Ok(Self::Null),
            Some(b't') => Ok(Self::Bool(true)),
            Some(b'f') => Ok(Self::Bool(false)),
            _ => Ok(Self::Number(text)),
        };
        node.map_err(describe)
    }
}

struct Fields<'a>(IndexMap<String, &'a RawValue>);

impl<'de: 'a, 'a> Deserialize<'de> for Fields<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Collect;
        impl<'de> Visitor<'de> for Collect {
            type Value = IndexMap<String, &'de RawValue>;

            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Self::Value, A::Error> {
                let mut fields = IndexMap::new();
                while let Some((key, value)) = entries.next_entry::<String, &'de RawValue>()? {
                    fields.insert(key, value);
                }
                Ok(fields)
            }
        }
        deserializer.deserialize_map(Collect).map(Self)
    }
}

fn describe(error: serde_json::Error) -> FormatError {
    let text = error.to_string();
    let what = match error.is_eof() {
        true => "it ends too early".to_string(),
        false => text.split(" at line ").next().unwrap_or(&text).to_string(),
    };
    let place = (error.line() == 1).then(|| Place::Column(error.column()));
    FormatError::new(format!("not a JSON document: {what} (line {}, column {})", error.line(), error.column()))
        .at(place)
}

/// How many arrays and objects are open at most, told by brackets outside strings.
fn depth(text: &str) -> usize {
    let (mut depth, mut deepest, mut inside, mut escaped) = (0usize, 0, false, false);
    for byte in text.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if inside => escaped = true,
            b'"' => inside = !inside,
            b'[' | b'{' if !inside => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b']' | b'}' if !inside => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
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
                    (1..length).for_each(|_| _ = chars.next());
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
            ("[\"a\tb\"]", r#"["a\u0009b"]"#),
            (r#"["\ud800x\udc00", "\ud83d\ude00", "\\u", "\"\ud800"]"#, r#"["?x?", "\ud83d\ude00", "\\u", "\"?"]"#),
        ];
        for (text, value) in cases {
            assert_eq!(Document::new(text.as_bytes()).unwrap().value().unwrap().get(), value);
        }
    }

    #[test]
    fn numbers_stay_as_they_are_written_and_the_last_of_a_repeated_key_counts() {
        let document = Document::new(br#"{"a": 1E5, "b": 2, "a": 1.50}"#).unwrap();
        let Node::Object(fields) = Node::of(document.value().unwrap()).unwrap() else { panic!("an object") };
        let fields: Vec<_> = fields.iter().map(|(key, value)| (key.as_str(), value.get())).collect();
        assert_eq!(fields, [("a", "1.50"), ("b", "2")]);
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
            let error = Document::new(text).and_then(|d| d.value().map(|_| ())).unwrap_err();
            assert_eq!(error.message, *message);
        }
        let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert!(Document::new(nested(1000).as_bytes()).is_ok_and(|d| d.value().is_ok()));
        let error = Document::new(nested(100_000).as_bytes()).unwrap_err();
        assert_eq!(error.message, "the JSON document is nested deeper than 1000 levels");
    }
}
