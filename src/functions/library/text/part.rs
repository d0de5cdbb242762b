//! Parts of a text, and one text of several.

use arrow::array::{Array, ArrayRef};
use arrow::compute::interleave;
use std::sync::Arc;

use crate::error::Result;
use crate::functions::library::builtin::{Family, Nulls, Overload, Returns, TypeName};
use crate::functions::library::call::Call;
use crate::functions::library::operators::as_varchar;
use crate::functions::library::{BUILTIN, Builtin};
use crate::types::coercion::common_argument_type;
use crate::types::{SqlType, TypeKind};

use Family::{Bytes, Int, Text};

const STRING: Returns = Returns::Kind(TypeName::String);

pub static SUBSTRING: Builtin = Builtin {
    name: "SUBSTRING",
    aliases: &["SUBSTR"],
    usage: "SUBSTRING(text, start [, length]): a start of 0 is 1, a negative one counts from the end.",
    overloads: &[
        Overload { parameters: &[Text, Int], returns: Returns::With(as_varchar) },
        Overload { parameters: &[Text, Int, Int], returns: Returns::With(as_varchar) },
    ],
    nulls: Nulls::Always,
    kernel: |call| {
        let (texts, starts) = (call.text(0)?, call.int(1)?);
        let lengths = if call.arguments.len() > 2 { Some(call.int(2)?) } else { None };
        call.write(|row, out| {
            let (text, start) = (texts.at(row)?, i64::from(starts.at(row)?));
            let length = lengths.as_ref().map_or(Some(i32::MAX), |l| l.at(row))?;
            let length = usize::try_from(length).ok()?;
            out.push_str(substring(text, start, length));
            Some(())
        })
    },
    ..BUILTIN
};

/// Empty where the start lies outside the text.
fn substring(text: &str, start: i64, length: usize) -> &str {
    let skip = match start {
        0 => 0,
        1.. => start - 1,
        _ => text.chars().count() as i64 + start,
    };
    let Ok(skip) = usize::try_from(skip) else { return "" };
    let from = text.char_indices().nth(skip).map_or(text.len(), |(at, _)| at);
    let rest = text.get(from..).unwrap_or("");
    let to = rest.char_indices().nth(length).map_or(rest.len(), |(at, _)| at);
    rest.get(..to).unwrap_or("")
}

const ENDS: &[Overload] = &[Overload { parameters: &[Text, Int], returns: Returns::With(as_varchar) }];

pub static LEFT: Builtin = Builtin {
    name: "LEFT",
    usage: "LEFT(text, length) is the start of the text; empty for a negative length.",
    overloads: ENDS,
    nulls: Nulls::Always,
    kernel: |call| {
        let (texts, lengths) = (call.text(0)?, call.int(1)?);
        call.write(|row, out| {
            out.push_str(substring(texts.at(row)?, 1, usize::try_from(lengths.at(row)?).unwrap_or(0)));
            Some(())
        })
    },
    ..BUILTIN
};

pub static RIGHT: Builtin = Builtin {
    name: "RIGHT",
    usage: "RIGHT(text, length) is the end of the text; empty for a negative length.",
    overloads: ENDS,
    nulls: Nulls::Always,
    kernel: |call| {
        let (texts, lengths) = (call.text(0)?, call.int(1)?);
        call.write(|row, out| {
            let text = texts.at(row)?;
            let length = usize::try_from(lengths.at(row)?).unwrap_or(0);
            let skip = text.chars().count().saturating_sub(length);
            out.extend(text.chars().skip(skip));
            Some(())
        })
    },
    ..BUILTIN
};

pub static SPLIT_INDEX: Builtin = Builtin {
    name: "SPLIT_INDEX",
    usage: "SPLIT_INDEX(text, delimiter, index) is a part of the text, counted from 0; NULL where there is none.",
    overloads: &[
        Overload { parameters: &[Text, Text, Int], returns: STRING },
        Overload { parameters: &[Text, Int, Int], returns: STRING },
    ],
    nulls: Nulls::Always,
    kernel: |call| {
        let (texts, indices) = (call.text(0)?, call.int(2)?);
        if call.argument_type(1)?.kind == TypeKind::Int {
            let delimiters = call.int(1)?;
            return call.write(|row, out| {
                let delimiter = char::from_u32(u32::try_from(delimiters.at(row)?).ok()?)?;
                split(texts.at(row)?, delimiter.encode_utf8(&mut [0; 4]), indices.at(row)?, out)
            });
        }
        let delimiters = call.text(1)?;
        call.write(|row, out| split(texts.at(row)?, delimiters.at(row)?, indices.at(row)?, out))
    },
    ..BUILTIN
};

/// Without a delimiter the parts are the words between white space; an empty text has no parts.
fn split(text: &str, delimiter: &str, index: i32, out: &mut String) -> Option<()> {
    let index = usize::try_from(index).ok()?;
    let part = match (text.is_empty(), delimiter.is_empty()) {
        (true, _) => None,
        (_, true) => text.split_whitespace().nth(index),
        _ => text.split(delimiter).nth(index),
    };
    out.push_str(part?);
    Some(())
}

/// What the values behind the index have in common.
fn behind_the_index(arguments: &[SqlType]) -> Option<TypeKind> {
    common_argument_type(arguments.get(1..)?).map(|ty| ty.kind)
}

pub static ELT: Builtin = Builtin {
    name: "ELT",
    usage: "ELT(index, text, text, …) is the text at the index, counted from 1; NULL where there is none.",
    overloads: &[
        Overload { parameters: &[Int, Text], returns: Returns::With(behind_the_index) },
        Overload { parameters: &[Int, Bytes], returns: Returns::With(behind_the_index) },
    ],
    variadic: true,
    nulls: Nulls::Always,
    kernel: elt,
    ..BUILTIN
};

fn elt(call: &Call<'_>) -> Result<ArrayRef> {
    let indices = call.int(0)?;
    if call.argument_type(1)?.kind.is_string() {
        let texts = (1..call.arguments.len()).map(|n| call.text(n)).collect::<Result<Vec<_>>>()?;
        return call.collect(|row| {
            let index = usize::try_from(indices.at(row)?).ok()?.checked_sub(1)?;
            texts.get(index)?.at(row)
        });
    }
    let columns = (1..call.arguments.len()).map(|n| call.array(n)).collect::<Result<Vec<_>>>()?;
    let nothing = arrow::array::new_null_array(&call.types.returns.arrow(), 1);
    let pick = |row: usize| {
        let index = indices.at(row).and_then(|i| usize::try_from(i).ok()?.checked_sub(1));
        index.filter(|i| *i < columns.len()).map_or((columns.len(), 0), |i| (i, row))
    };
    let picks = (0..call.rows()).map(pick).collect::<Vec<_>>();
    let all = columns.iter().chain([&nothing]).map(AsRef::as_ref).collect::<Vec<&dyn Array>>();
    Ok(Arc::new(interleave(&all, &picks)?))
}
