//! Functions over the elements of an array.

use std::cmp::Ordering;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, ListArray, ListBuilder, StringBuilder, UInt32Array, make_comparator};
use arrow::buffer::OffsetBuffer;
use arrow::compute::{SortOptions, take};
use arrow::datatypes::DataType;

use crate::error::{Error, Result};
use crate::functions::library::builtin::{Family, Nulls, Overload, Returns, TypeName};
use crate::functions::library::call::Call;
use crate::functions::library::{BUILTIN, Builtin};
use crate::types::{SqlType, TypeKind};

use Family::Text;

const STRING: Returns = Returns::Kind(TypeName::String);
const SAME: &[Overload] = &[Overload { parameters: &[Family::Array], returns: Returns::Argument(0) }];
const ONE: &[Overload] = &[Overload { parameters: &[Family::Array], returns: Returns::With(element) }];

fn element(arguments: &[SqlType]) -> Option<TypeKind> {
    match &arguments.first()?.kind {
        TypeKind::Array(element) => Some(element.kind.clone()),
        _ => None,
    }
}

fn list(call: &Call<'_>) -> Result<ListArray> {
    let array = call.array(0)?;
    let list = array.as_any().downcast_ref::<ListArray>().cloned();
    list.ok_or_else(|| Error::internal("the argument is no array"))
}

/// The places of a row's elements in the values, none for a NULL array.
fn places(list: &ListArray, row: usize) -> std::ops::Range<usize> {
    let offsets = list.value_offsets();
    offsets[row] as usize..offsets[row + 1] as usize
}

pub static ARRAY_CONTAINS: Builtin = Builtin {
    name: "ARRAY_CONTAINS",
    usage: "ARRAY_CONTAINS(array, element) says whether the element is there; NULL is found too.",
    overloads: &[Overload { parameters: &[Family::Array, Family::Any], returns: Returns::Kind(TypeName::Boolean) }],
    nulls: Nulls::FromFirst,
    element: true,
    kernel: |call| {
        let (list, wanted) = (list(call)?, call.array(1)?);
        let compare = make_comparator(list.values().as_ref(), wanted.as_ref(), SortOptions::default())?;
        call.collect(|row| list.is_valid(row).then(|| places(&list, row).any(|p| compare(p, row).is_eq())))
    },
    ..BUILTIN
};

pub static ARRAY_POSITION: Builtin = Builtin {
    name: "ARRAY_POSITION",
    usage: "ARRAY_POSITION(array, element) is where the element is, from 1; 0 for nowhere.",
    overloads: &[Overload { parameters: &[Family::Array, Family::Any], returns: Returns::Kind(TypeName::Int) }],
    element: true,
    kernel: |call| {
        let (list, wanted) = (list(call)?, call.array(1)?);
        let compare = make_comparator(list.values().as_ref(), wanted.as_ref(), SortOptions::default())?;
        call.collect(|row| {
            let found = || places(&list, row).position(|p| compare(p, row).is_eq());
            (list.is_valid(row) && wanted.is_valid(row)).then(|| found().map_or(0, |p| p as i32 + 1))
        })
    },
    ..BUILTIN
};

/// An array of other places of the same values, row by row.
fn rearranged(call: &Call<'_>, mut pick: impl FnMut(&ListArray, usize) -> Vec<usize>) -> Result<ArrayRef> {
    let list = list(call)?;
    let DataType::List(field) = call.types.returns.arrow() else { return Err(Error::internal("no array")) };
    let (mut indices, mut lengths) = (Vec::new(), Vec::with_capacity(call.rows()));
    for row in 0..call.rows() {
        let picked = if list.is_valid(row) { pick(&list, row) } else { Vec::new() };
        lengths.push(picked.len());
        indices.extend(picked.into_iter().map(|p| p as u32));
    }
    let values = take(list.values().as_ref(), &UInt32Array::from(indices), None)?;
    Ok(Arc::new(ListArray::try_new(field, OffsetBuffer::from_lengths(lengths), values, list.nulls().cloned())?))
}

pub static ARRAY_REVERSE: Builtin = Builtin {
    name: "ARRAY_REVERSE",
    usage: "ARRAY_REVERSE(array) is the array from its end to its start.",
    overloads: SAME,
    kernel: |call| rearranged(call, |list, row| places(list, row).rev().collect()),
    ..BUILTIN
};

pub static ARRAY_DISTINCT: Builtin = Builtin {
    name: "ARRAY_DISTINCT",
    usage: "ARRAY_DISTINCT(array) keeps the first of equal elements.",
    overloads: SAME,
    kernel: |call| {
        let all = list(call)?;
        let compare = make_comparator(all.values().as_ref(), all.values().as_ref(), SortOptions::default())?;
        rearranged(call, |list, row| {
            let mut kept: Vec<usize> = Vec::new();
            for place in places(list, row) {
                if !kept.iter().any(|k| compare(*k, place).is_eq()) {
                    kept.push(place);
                }
            }
            kept
        })
    },
    ..BUILTIN
};

pub static ARRAY_MAX: Builtin = Builtin {
    name: "ARRAY_MAX",
    usage: "ARRAY_MAX(array) is the greatest element that is not NULL.",
    overloads: ONE,
    nulls: Nulls::Always,
    kernel: |call| extreme(call, Ordering::Greater),
    ..BUILTIN
};

pub static ARRAY_MIN: Builtin = Builtin {
    name: "ARRAY_MIN",
    usage: "ARRAY_MIN(array) is the least element that is not NULL.",
    overloads: ONE,
    nulls: Nulls::Always,
    kernel: |call| extreme(call, Ordering::Less),
    ..BUILTIN
};

fn extreme(call: &Call<'_>, wanted: Ordering) -> Result<ArrayRef> {
    let list = list(call)?;
    let values = list.values();
    let compare = make_comparator(values.as_ref(), values.as_ref(), SortOptions::default())?;
    let better = |best: usize, place: usize| if compare(place, best) == wanted { place } else { best };
    let best = |row: usize| {
        let present = places(&list, row).filter(|p| list.is_valid(row) && values.is_valid(*p));
        present.reduce(better).map(|p| p as u32)
    };
    let places = (0..call.rows()).map(best).collect::<UInt32Array>();
    Ok(take(values.as_ref(), &places, None)?)
}

pub static ARRAY_JOIN: Builtin = Builtin {
    name: "ARRAY_JOIN",
    usage: "ARRAY_JOIN(array of texts, delimiter [, for NULL]) joins the texts; NULLs vanish unless they have a text.",
    overloads: &[
        Overload { parameters: &[Family::Array, Text], returns: STRING },
        Overload { parameters: &[Family::Array, Text, Text], returns: STRING },
    ],
    kernel: |call| {
        let list = list(call)?;
        let delimiters = call.text(1)?;
        let replacements = if call.arguments.len() > 2 { Some(call.text(2)?) } else { None };
        let texts = list.values().as_any().downcast_ref::<arrow::array::StringArray>();
        let texts = texts.ok_or_else(|| Error::data("ARRAY_JOIN takes an array of texts"))?;
        call.write(|row, out| {
            let delimiter = delimiters.at(row).filter(|_| list.is_valid(row))?;
            let replacement = match &replacements {
                Some(replacements) => Some(replacements.at(row)?),
                None => None,
            };
            let text = |place: usize| if texts.is_null(place) { replacement } else { Some(texts.value(place)) };
            for (n, text) in places(&list, row).filter_map(text).enumerate() {
                if n > 0 {
                    out.push_str(delimiter);
                }
                out.push_str(text);
            }
            Some(())
        })
    },
    ..BUILTIN
};

fn texts(_: &[SqlType]) -> Option<TypeKind> {
    Some(TypeKind::Array(Box::new(SqlType::string())))
}

pub static SPLIT: Builtin = Builtin {
    name: "SPLIT",
    usage: "SPLIT(text, delimiter) is an array of the parts; without a delimiter, of the characters.",
    overloads: &[Overload { parameters: &[Text, Text], returns: Returns::With(texts) }],
    kernel: |call| {
        let (texts, delimiters) = (call.text(0)?, call.text(1)?);
        let mut lists = ListBuilder::new(StringBuilder::new());
        for row in 0..call.rows() {
            let Some((text, delimiter)) = texts.at(row).zip(delimiters.at(row)) else {
                lists.append_null();
                continue;
            };
            match delimiter.is_empty() {
                true => text.chars().for_each(|c| lists.values().append_value(c.encode_utf8(&mut [0; 4]))),
                false => text.split(delimiter).for_each(|part| lists.values().append_value(part)),
            }
            lists.append(true);
        }
        Ok(Arc::new(lists.finish()))
    },
    ..BUILTIN
};
