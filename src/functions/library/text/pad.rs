//! Characters taken from the ends of a text, or put there.

use arrow::array::ArrayRef;

use crate::error::Result;
use crate::functions::library::builtin::{Family, Nulls, Overload, Returns, TypeName};
use crate::functions::library::call::Call;
use crate::functions::library::operators::as_varchar;
use crate::functions::library::{BUILTIN, Builtin};

use Family::{Int, Text};

const STRING: Returns = Returns::Kind(TypeName::String);
const SIDE: &[Overload] = &[
    Overload { parameters: &[Text], returns: Returns::With(as_varchar) },
    Overload { parameters: &[Text, Text], returns: Returns::With(as_varchar) },
];
const BOTH: &[Overload] =
    &[Overload { parameters: &[Text], returns: STRING }, Overload { parameters: &[Text, Text], returns: STRING }];
const PADS: &[Overload] = &[Overload { parameters: &[Text, Int, Text], returns: STRING }];

pub static LTRIM: Builtin = Builtin {
    name: "LTRIM",
    usage: "LTRIM(text [, characters]) takes the characters, by default spaces, from the start.",
    overloads: SIDE,
    kernel: |call| trim(call, true, false),
    ..BUILTIN
};

pub static RTRIM: Builtin = Builtin {
    name: "RTRIM",
    usage: "RTRIM(text [, characters]) takes the characters, by default spaces, from the end.",
    overloads: SIDE,
    kernel: |call| trim(call, false, true),
    ..BUILTIN
};

pub static BTRIM: Builtin = Builtin {
    name: "BTRIM",
    usage: "BTRIM(text [, characters]) takes the characters, by default spaces, from both ends.",
    overloads: BOTH,
    kernel: |call| trim(call, true, true),
    ..BUILTIN
};

pub static LPAD: Builtin = Builtin {
    name: "LPAD",
    usage: "LPAD(text, length, filling) is as long as wanted: filled at the start, or cut.",
    overloads: PADS,
    nulls: Nulls::Always,
    kernel: |call| pad(call, true),
    ..BUILTIN
};

pub static RPAD: Builtin = Builtin {
    name: "RPAD",
    usage: "RPAD(text, length, filling) is as long as wanted: filled at the end, or cut.",
    overloads: PADS,
    nulls: Nulls::Always,
    kernel: |call| pad(call, false),
    ..BUILTIN
};

fn trim(call: &Call<'_>, start: bool, end: bool) -> Result<ArrayRef> {
    let texts = call.text(0)?;
    let characters = if call.arguments.len() > 1 { Some(call.text(1)?) } else { None };
    call.write(|row, out| {
        let mut text = texts.at(row)?;
        let characters = characters.as_ref().map_or(Some(" "), |c| c.at(row))?;
        if start {
            text = text.trim_start_matches(|c| characters.contains(c));
        }
        if end {
            text = text.trim_end_matches(|c| characters.contains(c));
        }
        out.push_str(text);
        Some(())
    })
}

/// NULL for a negative length, and where a filling is needed and empty.
fn pad(call: &Call<'_>, start: bool) -> Result<ArrayRef> {
    let (texts, lengths, fillings) = (call.text(0)?, call.int(1)?, call.text(2)?);
    call.write(|row, out| {
        let (text, filling) = (texts.at(row)?, fillings.at(row)?);
        let length = usize::try_from(lengths.at(row)?).ok()?;
        let count = text.chars().count();
        if count >= length {
            out.extend(text.chars().take(length));
            return Some(());
        }
        if filling.is_empty() {
            return None;
        }
        if !start {
            out.push_str(text);
        }
        out.extend(filling.chars().cycle().take(length - count));
        if start {
            out.push_str(text);
        }
        Some(())
    })
}
