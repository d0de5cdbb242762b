//! `||` and TRIM.

use crate::error::Result;
use crate::functions::library::builtin::{Family, Overload, Returns};
use crate::functions::library::call::Call;
use crate::functions::library::{BUILTIN, Builtin};
use crate::types::{STRING_LENGTH, SqlType, TypeKind};
use arrow::array::ArrayRef;

/// Two CHARs give a CHAR of both lengths, anything else a VARCHAR.
fn concatenated(arguments: &[SqlType]) -> Option<TypeKind> {
    let length = |ty: &SqlType| match ty.kind {
        TypeKind::Char(n) | TypeKind::Varchar(n) => Some(n),
        _ => None,
    };
    let [left, right] = arguments else { return None };
    let sum = length(left)?.saturating_add(length(right)?).min(STRING_LENGTH);
    match (&left.kind, &right.kind) {
        (TypeKind::Char(_), TypeKind::Char(_)) => Some(TypeKind::Char(sum)),
        _ => Some(TypeKind::Varchar(sum)),
    }
}

pub static CONCATENATE: Builtin = Builtin {
    name: "||",
    overloads: &[Overload { parameters: &[Family::Text, Family::Text], returns: Returns::With(concatenated) }],
    kernel: |call| {
        let (left, right) = (call.text(0)?, call.text(1)?);
        call.write(|row, out| {
            out.push_str(left.at(row)?);
            out.push_str(right.at(row)?);
            Some(())
        })
    },
    ..BUILTIN
};

/// A trimmed CHAR(n) is a VARCHAR(n).
pub(in crate::functions::library) fn as_varchar(arguments: &[SqlType]) -> Option<TypeKind> {
    match arguments.first()?.kind {
        TypeKind::Char(n) | TypeKind::Varchar(n) => Some(TypeKind::Varchar(n)),
        _ => None,
    }
}

const TRIM: &[Overload] = &[Overload { parameters: &[Family::Text, Family::Text], returns: Returns::With(as_varchar) }];

pub static TRIM_BOTH: Builtin =
    Builtin { name: "TRIM", overloads: TRIM, kernel: |call| trim(call, true, true), ..BUILTIN };
pub static TRIM_LEADING: Builtin =
    Builtin { name: "TRIM LEADING", overloads: TRIM, kernel: |call| trim(call, true, false), ..BUILTIN };
pub static TRIM_TRAILING: Builtin =
    Builtin { name: "TRIM TRAILING", overloads: TRIM, kernel: |call| trim(call, false, true), ..BUILTIN };

/// Takes away every character that the second text contains.
pub(in crate::functions::library) fn trim(call: &Call<'_>, start: bool, end: bool) -> Result<ArrayRef> {
    let (texts, characters) = (call.text(0)?, call.text(1)?);
    call.write(|row, out| {
        let (mut text, characters) = (texts.at(row)?, characters.at(row)?);
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
