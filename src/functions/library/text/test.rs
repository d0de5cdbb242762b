//! Questions about what a text is made of. NULL and the empty text are no.

use arrow::array::ArrayRef;

use crate::error::Result;
use crate::functions::library::builtin::{Family, Nulls, Overload, Returns, TypeName};
use crate::functions::library::call::Call;
use crate::functions::library::{BUILTIN, Builtin};

const TEST: Builtin = Builtin {
    overloads: &[Overload { parameters: &[Family::Text], returns: Returns::Kind(TypeName::Boolean) }],
    nulls: Nulls::Never,
    ..BUILTIN
};

pub static IS_ALPHA: Builtin = Builtin {
    name: "IS_ALPHA",
    usage: "IS_ALPHA(text) says whether the text is all letters.",
    kernel: |call| test(call, |text| text.chars().all(char::is_alphabetic)),
    ..TEST
};

pub static IS_DIGIT: Builtin = Builtin {
    name: "IS_DIGIT",
    usage: "IS_DIGIT(text) says whether the text is all digits.",
    kernel: |call| test(call, |text| text.chars().all(char::is_numeric)),
    ..TEST
};

pub static IS_DECIMAL: Builtin = Builtin {
    name: "IS_DECIMAL",
    usage: "IS_DECIMAL(text) says whether the text is a number.",
    kernel: |call| test(call, |text| text.trim().parse::<f64>().is_ok_and(f64::is_finite)),
    ..TEST
};

fn test(call: &Call<'_>, test: fn(&str) -> bool) -> Result<ArrayRef> {
    let texts = call.text(0)?;
    call.collect(|row| Some(texts.at(row).is_some_and(|text| !text.is_empty() && test(text))))
}
