//! Texts made of one text: UPPER, REVERSE, REPLACE and the like.

use crate::functions::library::builtin::{Family, Nulls, Overload, Returns, TypeName};
use crate::functions::library::{BUILTIN, Builtin};
use crate::types::{STRING_LENGTH, SqlType, TypeKind};

use Family::{Int, Text};

const STRING: Returns = Returns::Kind(TypeName::String);
const SAME: &[Overload] = &[Overload { parameters: &[Text], returns: Returns::Argument(0) }];

pub static UPPER: Builtin = Builtin {
    name: "UPPER",
    usage: "UPPER(text) is the text in capitals.",
    overloads: SAME,
    kernel: |call| {
        let texts = call.text(0)?;
        call.collect(|row| Some(texts.at(row)?.to_uppercase()))
    },
    ..BUILTIN
};

pub static LOWER: Builtin = Builtin {
    name: "LOWER",
    usage: "LOWER(text) is the text in small letters.",
    overloads: SAME,
    kernel: |call| {
        let texts = call.text(0)?;
        call.collect(|row| Some(texts.at(row)?.to_lowercase()))
    },
    ..BUILTIN
};

pub static INITCAP: Builtin = Builtin {
    name: "INITCAP",
    usage: "INITCAP(text) starts every word with a capital and goes on in small letters.",
    overloads: SAME,
    kernel: |call| {
        let texts = call.text(0)?;
        call.write(|row, out| {
            let mut inside = false;
            for c in texts.at(row)?.chars() {
                match inside {
                    true => out.extend(c.to_lowercase()),
                    false => out.extend(c.to_uppercase()),
                }
                inside = c.is_ascii_alphanumeric();
            }
            Some(())
        })
    },
    ..BUILTIN
};

pub static REVERSE: Builtin = Builtin {
    name: "REVERSE",
    usage: "REVERSE(text) is the text from its end to its start.",
    overloads: &[Overload { parameters: &[Text], returns: STRING }],
    nulls: Nulls::Always,
    kernel: |call| {
        let texts = call.text(0)?;
        call.write(|row, out| {
            out.extend(texts.at(row)?.chars().rev());
            Some(())
        })
    },
    ..BUILTIN
};

pub static REPEAT: Builtin = Builtin {
    name: "REPEAT",
    usage: "REPEAT(text, count) is the text so many times.",
    overloads: &[Overload { parameters: &[Text, Int], returns: STRING }],
    kernel: |call| {
        let (texts, counts) = (call.text(0)?, call.int(1)?);
        call.write(|row, out| {
            let (text, count) = (texts.at(row)?, counts.at(row)?);
            (0..count).for_each(|_| out.push_str(text));
            Some(())
        })
    },
    ..BUILTIN
};

pub static REPLACE: Builtin = Builtin {
    name: "REPLACE",
    usage: "REPLACE(text, search, replacement) puts the replacement for every place of the search.",
    overloads: &[Overload { parameters: &[Text, Text, Text], returns: STRING }],
    kernel: |call| {
        let (texts, searches, replacements) = (call.text(0)?, call.text(1)?, call.text(2)?);
        call.collect(|row| Some(texts.at(row)?.replace(searches.at(row)?, replacements.at(row)?)))
    },
    ..BUILTIN
};

pub static TRANSLATE: Builtin = Builtin {
    name: "TRANSLATE",
    aliases: &["TRANSLATE3"],
    usage: "TRANSLATE(text, from, to) replaces characters one by one; those without a partner vanish.",
    overloads: &[Overload { parameters: &[Text, Text, Text], returns: STRING }],
    kernel: |call| {
        let (texts, from, to) = (call.text(0)?, call.text(1)?, call.text(2)?);
        call.write(|row, out| {
            let (text, from, to) = (texts.at(row)?, from.at(row)?, to.at(row)?);
            for c in text.chars() {
                match from.chars().position(|f| f == c) {
                    Some(place) => out.extend(to.chars().nth(place)),
                    None => out.push(c),
                }
            }
            Some(())
        })
    },
    ..BUILTIN
};

/// Room for both texts.
fn both_lengths(arguments: &[SqlType]) -> Option<TypeKind> {
    let length = |ty: &SqlType| match ty.kind {
        TypeKind::Char(n) | TypeKind::Varchar(n) => Some(n),
        _ => None,
    };
    let sum = length(arguments.first()?)?.saturating_add(length(arguments.get(1)?)?);
    Some(TypeKind::Varchar(sum.min(STRING_LENGTH)))
}

pub static OVERLAY: Builtin = Builtin {
    name: "OVERLAY",
    usage: "OVERLAY(text PLACING other FROM start [FOR length]) puts another text over a part.",
    overloads: &[
        Overload { parameters: &[Text, Text, Int], returns: Returns::With(both_lengths) },
        Overload { parameters: &[Text, Text, Int, Int], returns: Returns::With(both_lengths) },
    ],
    kernel: |call| {
        let (texts, others, starts) = (call.text(0)?, call.text(1)?, call.int(2)?);
        let lengths = if call.arguments.len() > 3 { Some(call.int(3)?) } else { None };
        call.write(|row, out| {
            let (text, other, start) = (texts.at(row)?, others.at(row)?, starts.at(row)?);
            let count = text.chars().count();
            let length = match &lengths {
                Some(lengths) => lengths.at(row)?,
                None => other.chars().count() as i32,
            };
            let before = match usize::try_from(i64::from(start) - 1) {
                Ok(before) if before < count => before,
                _ => {
                    out.push_str(text); // a start outside the text leaves it as it is
                    return Some(());
                }
            };
            out.extend(text.chars().take(before));
            out.push_str(other);
            // Without a length the rest is gone.
            if let Ok(length @ 1..) = usize::try_from(length) {
                out.extend(text.chars().skip(before.saturating_add(length)));
            }
            Some(())
        })
    },
    ..BUILTIN
};
