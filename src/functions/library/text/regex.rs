//! Regular expressions. An expression that can't be compiled gives NULL.

use regex::Regex;

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
        call.collect(|row| {
            let (text, expression) = (texts.at(row)?, expressions.at(row)?);
            if expression.is_empty() {
                return Some(false);
            }
            let regex = memo.get(expression, |e| Ok(Regex::new(e).ok())).ok()?;
            Some(regex.as_ref()?.is_match(text))
        })
    },
    ..BUILTIN
};

pub static REGEXP_REPLACE: Builtin = Builtin {
    name: "REGEXP_REPLACE",
    usage: "REGEXP_REPLACE(text, expression, replacement) replaces every match; $1 is the first group.",
    overloads: &[Overload { parameters: &[Text, Text, Text], returns: STRING }],
    nulls: Nulls::Always,
    kernel: |call| {
        let (texts, expressions, replacements) = (call.text(0)?, call.text(1)?, call.text(2)?);
        let (mut compiled, mut prepared) = (Memo::new(), Memo::new());
        call.collect(|row| {
            let (text, expression, replacement) = (texts.at(row)?, expressions.at(row)?, replacements.at(row)?);
            let regex = compiled.get(expression, |e| Ok(Regex::new(e).ok())).ok()?.as_ref()?;
            let replacement = prepared.get(replacement, |r| Ok(java_replacement(r))).ok()?;
            Some(regex.replace_all(text, replacement.as_str()).into_owned())
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
        call.collect(|row| {
            let (text, expression) = (texts.at(row)?, expressions.at(row)?);
            let group = groups.as_ref().map_or(Some(0), |g| g.at(row))?;
            let regex = memo.get(expression, |e| Ok(Regex::new(e).ok())).ok()?.as_ref()?;
            let found = regex.captures(text)?.get(usize::try_from(group).ok()?)?;
            Some(found.as_str().to_string())
        })
    },
    ..BUILTIN
};

/// Java's `$1` and `\$` in the spelling of the regex crate: `${1}` and `$$`.
fn java_replacement(java: &str) -> String {
    let mut out = String::with_capacity(java.len() + 4);
    let mut characters = java.chars().peekable();
    while let Some(c) = characters.next() {
        match c {
            '\\' => match characters.next() {
                Some('$') => out.push_str("$$"),
                Some(other) => out.push(other),
                None => {}
            },
            '$' => match characters.next_if(char::is_ascii_digit) {
                Some(group) => out.push_str(&format!("${{{group}}}")),
                None => out.push('$'),
            },
            c => out.push(c),
        }
    }
    out
}
