//! Lengths and places.

use crate::functions::library::builtin::{Family, Overload, Returns, TypeName};
use crate::functions::library::{BUILTIN, Builtin};

use Family::{Bytes, Int, Text};

const INT: Returns = Returns::Kind(TypeName::Int);
const BOOLEAN: Returns = Returns::Kind(TypeName::Boolean);

pub static CHAR_LENGTH: Builtin = Builtin {
    name: "CHAR_LENGTH",
    aliases: &["CHARACTER_LENGTH"],
    usage: "CHAR_LENGTH(text) counts characters.",
    overloads: &[Overload { parameters: &[Text], returns: INT }],
    kernel: |call| {
        let texts = call.text(0)?;
        call.collect(|row| Some(texts.at(row)?.chars().count() as i32))
    },
    ..BUILTIN
};

/// Where `part` starts in `text` at or behind character `from` (both from 1) for the `nth` time; 0 for nowhere.
fn place(text: &str, part: &str, from: i32, nth: i32) -> i32 {
    let Ok(skip) = usize::try_from(i64::from(from) - 1) else { return 0 };
    let Some(start) = text.char_indices().map(|(at, _)| at).chain([text.len()]).nth(skip) else { return 0 };
    let rest = text.get(start..).unwrap_or("");
    let Some(nth) = usize::try_from(nth).ok().and_then(|n| n.checked_sub(1)) else { return 0 };
    let found = rest.match_indices(part).nth(nth);
    found.map_or(0, |(at, _)| (skip + rest[..at].chars().count() + 1) as i32)
}

pub static POSITION: Builtin = Builtin {
    name: "POSITION",
    usage: "POSITION(part IN text) is where the part starts, from 1; 0 for nowhere.",
    overloads: &[Overload { parameters: &[Text, Text], returns: INT }],
    kernel: |call| {
        let (parts, texts) = (call.text(0)?, call.text(1)?);
        call.collect(|row| Some(place(texts.at(row)?, parts.at(row)?, 1, 1)))
    },
    ..BUILTIN
};

pub static INSTR: Builtin = Builtin {
    name: "INSTR",
    usage: "INSTR(text, part [, from [, nth]]) is where the part starts, from 1; 0 for nowhere.",
    overloads: &[
        Overload { parameters: &[Text, Text], returns: INT },
        Overload { parameters: &[Text, Text, Int], returns: INT },
        Overload { parameters: &[Text, Text, Int, Int], returns: INT },
    ],
    kernel: |call| {
        let (texts, parts) = (call.text(0)?, call.text(1)?);
        let from = if call.arguments.len() > 2 { Some(call.int(2)?) } else { None };
        let nth = if call.arguments.len() > 3 { Some(call.int(3)?) } else { None };
        call.collect(|row| {
            let from = from.as_ref().map_or(Some(1), |f| f.at(row))?;
            let nth = nth.as_ref().map_or(Some(1), |n| n.at(row))?;
            Some(place(texts.at(row)?, parts.at(row)?, from, nth))
        })
    },
    ..BUILTIN
};

pub static LOCATE: Builtin = Builtin {
    name: "LOCATE",
    usage: "LOCATE(part, text [, from]) is where the part starts, from 1; 0 for nowhere.",
    overloads: &[
        Overload { parameters: &[Text, Text], returns: INT },
        Overload { parameters: &[Text, Text, Int], returns: INT },
    ],
    kernel: |call| {
        let (parts, texts) = (call.text(0)?, call.text(1)?);
        let from = if call.arguments.len() > 2 { Some(call.int(2)?) } else { None };
        call.collect(|row| {
            let from = from.as_ref().map_or(Some(1), |f| f.at(row))?;
            Some(place(texts.at(row)?, parts.at(row)?, from, 1))
        })
    },
    ..BUILTIN
};

const EDGES: &[Overload] = &[
    Overload { parameters: &[Text, Text], returns: BOOLEAN },
    Overload { parameters: &[Bytes, Bytes], returns: BOOLEAN },
];

pub static STARTSWITH: Builtin = Builtin {
    name: "STARTSWITH",
    usage: "STARTSWITH(text, part) says whether the text starts with the part.",
    overloads: EDGES,
    kernel: |call| {
        if call.argument_type(0)?.kind.is_string() {
            let (texts, parts) = (call.text(0)?, call.text(1)?);
            return call.collect(|row| Some(texts.at(row)?.starts_with(parts.at(row)?)));
        }
        let (texts, parts) = (call.bytes(0)?, call.bytes(1)?);
        call.collect(|row| Some(texts.at(row)?.starts_with(parts.at(row)?)))
    },
    ..BUILTIN
};

pub static ENDSWITH: Builtin = Builtin {
    name: "ENDSWITH",
    usage: "ENDSWITH(text, part) says whether the text ends with the part.",
    overloads: EDGES,
    kernel: |call| {
        if call.argument_type(0)?.kind.is_string() {
            let (texts, parts) = (call.text(0)?, call.text(1)?);
            return call.collect(|row| Some(texts.at(row)?.ends_with(parts.at(row)?)));
        }
        let (texts, parts) = (call.bytes(0)?, call.bytes(1)?);
        call.collect(|row| Some(texts.at(row)?.ends_with(parts.at(row)?)))
    },
    ..BUILTIN
};
