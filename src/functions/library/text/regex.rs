//! Regular expressions. Java's lookaround and backreferences are not known here: an expression that can't be compiled is
//! an error (where Flink would give NULL), never a different answer.

use regex::{NoExpand, Regex};

use crate::error::{Error, Result};
use crate::functions::library::builtin::{Family, Nulls, Overload, Returns, TypeName};
use crate::functions::library::call::Memo;
use crate::functions::library::{BUILTIN, Builtin};

use Family::{Int, Text};

const STRING: Returns = Returns::Kind(TypeName::String);

pub static REGEXP: Builtin = Builtin {
    name: "REGEXP",
    usage: "REGEXP(text, expression) says whether the expression is found in the text.",
    overloads: &[Overload { parameters: &[Text, Text], returns: Returns::Kind(TypeName::Boolean) }],
    kernel: |call| {
        let (texts, expressions) = (call.text(0)?, call.text(1)?);
        let mut memo = Memo::new();
        call.try_collect(|row| {
            let Some((text, expression)) = texts.at(row).zip(expressions.at(row)) else { return Ok(None) };
            Ok(Some(!expression.is_empty() && memo.get(expression, compile)?.is_match(text)))
        })
    },
    ..BUILTIN
};

pub static REGEXP_REPLACE: Builtin = Builtin {
    name: "REGEXP_REPLACE",
    usage: "REGEXP_REPLACE(text, expression, replacement) replaces every match with the replacement as it is written.",
    overloads: &[Overload { parameters: &[Text, Text, Text], returns: STRING }],
    kernel: |call| {
        let (texts, expressions, replacements) = (call.text(0)?, call.text(1)?, call.text(2)?);
        let mut compiled = Memo::new();
        call.try_collect(|row| {
            let Some((text, expression)) = texts.at(row).zip(expressions.at(row)) else { return Ok(None) };
            let Some(replacement) = replacements.at(row) else { return Ok(None) };
            let regex = compiled.get(expression, compile)?;
            Ok(Some(regex.replace_all(text, NoExpand(replacement)).into_owned()))
        })
    },
    ..BUILTIN
};

pub static REGEXP_EXTRACT: Builtin = Builtin {
    name: "REGEXP_EXTRACT",
    usage: "REGEXP_EXTRACT(text, expression [, group]) is what a group, by default the whole, matches first.",
    overloads: &[
        Overload { parameters: &[Text, Text], returns: STRING },
        Overload { parameters: &[Text, Text, Int], returns: STRING },
    ],
    nulls: Nulls::Always,
    kernel: |call| {
        let (texts, expressions) = (call.text(0)?, call.text(1)?);
        let groups = if call.arguments.len() > 2 { Some(call.int(2)?) } else { None };
        let mut memo = Memo::new();
        call.try_collect(|row| {
            let Some((text, expression)) = texts.at(row).zip(expressions.at(row)) else { return Ok(None) };
            let group = groups.as_ref().map_or(Some(0), |g| g.at(row)).and_then(|g| usize::try_from(g).ok());
            let captures = memo.get(expression, compile)?.captures(text);
            let found = captures.as_ref().zip(group).and_then(|(captures, group)| captures.get(group));
            Ok(found.map(|f| f.as_str().to_string()))
        })
    },
    ..BUILTIN
};

fn compile(expression: &str) -> Result<Regex> {
    Regex::new(expression).map_err(|e| {
        Error::data(format!("the regular expression '{expression}' can't be compiled"))
            .with_detail(e.to_string())
            .with_hint("Lookaround and backreferences are not supported.")
    })
}
