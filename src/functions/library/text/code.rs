//! Texts as codes: ASCII, Base64, URLs, hashes.

use std::fmt::Write;

use md5::{Digest, Md5};

use crate::error::Error;
use crate::functions::library::builtin::{Family, Nulls, Overload, Returns, TypeName};
use crate::functions::library::{BUILTIN, Builtin};
use crate::types::TypeKind;

use Family::{Long, Text};

const STRING: Returns = Returns::Kind(TypeName::String);
const TEXT_TO_TEXT: &[Overload] = &[Overload { parameters: &[Text], returns: STRING }];

pub static ASCII: Builtin = Builtin {
    name: "ASCII",
    usage: "ASCII(text) is the number of the text's first byte; 0 for an empty text.",
    overloads: &[Overload { parameters: &[Text], returns: Returns::Kind(TypeName::Int) }],
    kernel: |call| {
        let texts = call.text(0)?;
        call.collect(|row| Some(texts.at(row)?.bytes().next().map_or(0, |b| i32::from(b as i8))))
    },
    ..BUILTIN
};

pub static CHR: Builtin = Builtin {
    name: "CHR",
    usage: "CHR(number) is the character with the number modulo 256.",
    overloads: &[Overload { parameters: &[Long], returns: STRING }],
    nulls: Nulls::Always,
    kernel: |call| {
        let numbers = call.long(0)?;
        call.collect(|row| {
            let number = numbers.at(row)?;
            Some(if number < 0 { String::new() } else { char::from((number & 0xff) as u8).to_string() })
        })
    },
    ..BUILTIN
};

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

pub static TO_BASE64: Builtin = Builtin {
    name: "TO_BASE64",
    usage: "TO_BASE64(text) is the text in Base64.",
    overloads: TEXT_TO_TEXT,
    kernel: |call| {
        let texts = call.text(0)?;
        call.write(|row, out| {
            for chunk in texts.at(row)?.as_bytes().chunks(3) {
                let bits = chunk.iter().fold(0u32, |bits, b| bits << 8 | u32::from(*b)) << (8 * (3 - chunk.len()));
                for place in 0..4 {
                    let digit = ALPHABET[(bits >> (18 - 6 * place) & 63) as usize];
                    out.push(if place <= chunk.len() { char::from(digit) } else { '=' });
                }
            }
            Some(())
        })
    },
    ..BUILTIN
};

pub static FROM_BASE64: Builtin = Builtin {
    name: "FROM_BASE64",
    usage: "FROM_BASE64(text) is the text that was written in Base64; another text is an error.",
    overloads: TEXT_TO_TEXT,
    kernel: |call| {
        let texts = call.text(0)?;
        call.try_collect(|row| {
            let Some(text) = texts.at(row) else { return Ok(None) };
            let bytes = from_base64(text).ok_or_else(|| Error::data(format!("'{text}' is not Base64")))?;
            Ok(Some(String::from_utf8_lossy(&bytes).into_owned()))
        })
    },
    ..BUILTIN
};

/// Padding may be missing; a lone last digit is an error.
fn from_base64(text: &str) -> Option<Vec<u8>> {
    let (mut bits, mut count, mut bytes) = (0u32, 0, Vec::new());
    for digit in text.trim_end_matches('=').bytes() {
        let value = ALPHABET.iter().position(|a| *a == digit)? as u32;
        (bits, count) = (bits << 6 | value, count + 6);
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count) as u8);
            bits &= (1 << count) - 1;
        }
    }
    (count < 6).then_some(bytes)
}

pub static URL_ENCODE: Builtin = Builtin {
    name: "URL_ENCODE",
    usage: "URL_ENCODE(text) writes the text as part of a URL's query.",
    overloads: TEXT_TO_TEXT,
    nulls: Nulls::Always,
    kernel: |call| {
        let texts = call.text(0)?;
        call.write(|row, out| {
            for byte in texts.at(row)?.bytes() {
                match byte {
                    b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'-' | b'*' | b'_' => out.push(char::from(byte)),
                    b' ' => out.push('+'),
                    _ => write!(out, "%{byte:02X}").ok()?,
                }
            }
            Some(())
        })
    },
    ..BUILTIN
};

pub static URL_DECODE: Builtin = Builtin {
    name: "URL_DECODE",
    usage: "URL_DECODE(text) reads part of a URL's query; NULL where it isn't one.",
    overloads: TEXT_TO_TEXT,
    nulls: Nulls::Always,
    kernel: |call| {
        let texts = call.text(0)?;
        call.collect(|row| {
            let mut bytes = Vec::new();
            let mut rest = texts.at(row)?.as_bytes();
            while let Some((first, behind)) = rest.split_first() {
                rest = behind;
                match first {
                    b'+' => bytes.push(b' '),
                    b'%' => {
                        let digits = std::str::from_utf8(rest.get(..2)?).ok()?;
                        bytes.push(u8::from_str_radix(digits, 16).ok()?);
                        rest = rest.get(2..)?;
                    }
                    byte => bytes.push(*byte),
                }
            }
            Some(String::from_utf8_lossy(&bytes).into_owned())
        })
    },
    ..BUILTIN
};

pub static MD5: Builtin = Builtin {
    name: "MD5",
    usage: "MD5(text) is the hash as 32 hexadecimal digits.",
    overloads: &[Overload { parameters: &[Text], returns: Returns::With(|_| Some(TypeKind::Char(32))) }],
    kernel: |call| {
        let texts = call.text(0)?;
        call.write(|row, out| {
            for byte in Md5::digest(texts.at(row)?) {
                write!(out, "{byte:02x}").ok()?;
            }
            Some(())
        })
    },
    ..BUILTIN
};
