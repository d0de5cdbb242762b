//! The charsets that a raw text may have.

/// A charset, by Java's names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Charset {
    Utf8,
    Ascii,
    Latin1,
    /// Big-endian where no byte order mark says otherwise; written with one.
    Utf16,
    Utf16Be,
    Utf16Le,
}

impl Charset {
    pub const NAMES: &[&str] = &["UTF-8", "US-ASCII", "ISO-8859-1", "UTF-16", "UTF-16BE", "UTF-16LE"];

    /// The charset of that name, in any case.
    pub fn find(name: &str) -> Option<Self> {
        Some(match name.to_ascii_uppercase().as_str() {
            "UTF-8" | "UTF8" => Self::Utf8,
            "US-ASCII" | "ASCII" => Self::Ascii,
            "ISO-8859-1" | "LATIN1" | "ISO8859_1" => Self::Latin1,
            "UTF-16" => Self::Utf16,
            "UTF-16BE" => Self::Utf16Be,
            "UTF-16LE" => Self::Utf16Le,
            _ => return None,
        })
    }

    /// The text that `bytes` spell, or `None` where they spell none.
    pub fn decode(self, bytes: &[u8]) -> Option<String> {
        match self {
            Self::Utf8 => std::str::from_utf8(bytes).ok().map(str::to_string),
            Self::Ascii => bytes.is_ascii().then(|| bytes.iter().map(|b| *b as char).collect()),
            Self::Latin1 => Some(bytes.iter().map(|b| *b as char).collect()),
            Self::Utf16 => match bytes {
                [0xFF, 0xFE, rest @ ..] => utf16(rest, u16::from_le_bytes),
                [0xFE, 0xFF, rest @ ..] => utf16(rest, u16::from_be_bytes),
                _ => utf16(bytes, u16::from_be_bytes),
            },
            Self::Utf16Be => utf16(bytes, u16::from_be_bytes),
            Self::Utf16Le => utf16(bytes, u16::from_le_bytes),
        }
    }

    /// Appends `text`; a character that the charset lacks becomes `?`, as in Java.
    pub fn encode(self, text: &str, out: &mut Vec<u8>) {
        let narrow = |limit: u32| move |c: char| if (c as u32) < limit { c as u8 } else { b'?' };
        match self {
            Self::Utf8 => out.extend_from_slice(text.as_bytes()),
            Self::Ascii => out.extend(text.chars().map(narrow(0x80))),
            Self::Latin1 => out.extend(text.chars().map(narrow(0x100))),
            Self::Utf16 => {
                out.extend([0xFE, 0xFF]);
                out.extend(text.encode_utf16().flat_map(u16::to_be_bytes));
            }
            Self::Utf16Be => out.extend(text.encode_utf16().flat_map(u16::to_be_bytes)),
            Self::Utf16Le => out.extend(text.encode_utf16().flat_map(u16::to_le_bytes)),
        }
    }
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Option<String> {
    let (pairs, rest) = bytes.as_chunks::<2>();
    rest.is_empty().then(|| char::decode_utf16(pairs.iter().map(|p| unit(*p))).collect::<Result<String, _>>().ok())?
}
