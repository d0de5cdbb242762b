//! Anything to STRING and strings to bytes, cut and padded to the length of the type.

use arrow::array::{Array, ArrayRef, AsArray, BinaryBuilder, StringBuilder};
use chrono_tz::Tz;

use super::array::{arc, no_kernel};
use crate::error::Result;
use crate::types::print::{PrintStyle, Printer};
use crate::types::{SqlType, TypeKind};

/// Every value as text. `is_text` says that the values are texts already.
pub(super) fn to_string(array: &ArrayRef, from: &SqlType, to: &TypeKind, zone: Tz, is_text: bool) -> Result<ArrayRef> {
    let (length, pad) = match to {
        TypeKind::Char(n) => (*n as usize, true),
        TypeKind::Varchar(n) => (*n as usize, false),
        _ => return Err(no_kernel(&from.kind, to)),
    };
    let printer = Printer::new(array.as_ref(), from, zone, PrintStyle::Cast);
    let strings = if is_text { array.as_string_opt::<i32>() } else { None };
    let mut builder = StringBuilder::with_capacity(array.len(), array.len() * 16);
    let mut text = String::new();
    for row in 0..array.len() {
        if array.is_null(row) {
            builder.append_null();
            continue;
        }
        if let Some(strings) = strings {
            append_fitted(strings.value(row), length, pad, &mut builder);
        } else {
            text.clear();
            printer.print(row, &mut text);
            append_fitted(&text, length, pad, &mut builder);
        }
    }
    Ok(arc(builder.finish()))
}

/// Cuts to `length` code points and pads with blanks.
fn append_fitted(text: &str, length: usize, pad: bool, builder: &mut StringBuilder) {
    if text.len() <= length && !pad {
        return builder.append_value(text);
    }
    match text.char_indices().nth(length) {
        Some((end, _)) => builder.append_value(&text[..end]),
        None if pad => {
            let missing = length - text.chars().count();
            builder.append_value(format!("{text}{:missing$}", ""));
        }
        None => builder.append_value(text),
    }
}

/// The bytes of strings (their UTF-8) or binaries, cut to the length of the type and padded with zeros.
pub(super) fn to_binary(array: &ArrayRef, to: &TypeKind) -> Result<ArrayRef> {
    let (length, pad) = match to {
        TypeKind::Binary(n) => (*n as usize, true),
        TypeKind::Varbinary(n) => (*n as usize, false),
        _ => return Err(no_kernel(&TypeKind::Varbinary(0), to)),
    };
    let mut builder = BinaryBuilder::with_capacity(array.len(), array.len() * 16);
    let mut append = |value: Option<&[u8]>| match value {
        None => builder.append_null(),
        Some(bytes) if bytes.len() >= length => builder.append_value(&bytes[..length]),
        Some(bytes) if pad => {
            let mut padded = bytes.to_vec();
            padded.resize(length, 0);
            builder.append_value(padded);
        }
        Some(bytes) => builder.append_value(bytes),
    };
    if let Some(strings) = array.as_string_opt::<i32>() {
        strings.iter().for_each(|s| append(s.map(str::as_bytes)));
    } else {
        array.as_binary::<i32>().iter().for_each(append);
    }
    Ok(arc(builder.finish()))
}
