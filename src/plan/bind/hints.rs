//! Hints: `/*+ OPTIONS('k'='v') */` behind a table, `/*+ LOOKUP('table'='T', …) */` behind SELECT.

use datafusion::sql::sqlparser::ast;
use datafusion::sql::sqlparser::ast::Spanned;

use crate::connectors::options::{RawOptions, parse_bool, parse_duration, quoted_list};
use crate::error::{Error, Result, did_you_mean};
use crate::span::Span;

/// A LOOKUP hint that was checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LookupHint {
    /// The table's alias where it has one.
    pub table: String,
    /// `'output-mode'='allow_unordered'`; output stays in order all the same, which is allowed.
    pub allow_unordered: bool,
}

/// The options of a table's OPTIONS hint.
pub fn table_options(hints: &[ast::Expr]) -> Result<RawOptions> {
    let mut options = RawOptions::new();
    for hint in hints {
        let span = Span::from_ast(hint.span());
        let pair = match hint {
            ast::Expr::BinaryOp { left, op: ast::BinaryOperator::Eq, right } => text(left).zip(text(right)),
            _ => None,
        };
        let Some((key, value)) = pair else {
            return Err(Error::statement("an OPTIONS hint takes 'key' = 'value' pairs").at(span));
        };
        options.set(key, value, span);
    }
    Ok(options)
}

fn text(expr: &ast::Expr) -> Option<String> {
    match expr {
        ast::Expr::Value(value) => match &value.value {
            ast::Value::SingleQuotedString(text) => Some(text.clone()),
            _ => None,
        },
        _ => None,
    }
}

/// The keys that Flink knows in a LOOKUP hint.
const LOOKUP_KEYS: &[&str] = &[
    "table",
    "async",
    "output-mode",
    "capacity",
    "timeout",
    "retry-predicate",
    "retry-strategy",
    "fixed-delay",
    "max-attempts",
    "shuffle",
];

/// The LOOKUP hints of a SELECT. Other hints are for batch joins or state: the first are ignored, as Flink ignores
/// them in streaming, the second have nothing to act on yet.
pub fn lookup_hints(select: &ast::Select) -> Result<Vec<LookupHint>> {
    let span = Span::from_ast(select.span());
    let mut hints = Vec::new();
    for hint in &select.optimizer_hints {
        for (name, arguments) in calls(&hint.text) {
            if name.eq_ignore_ascii_case("LOOKUP") {
                hints.push(lookup_hint(&arguments).map_err(|e| e.at(span))?);
            } else if !["BROADCAST", "SHUFFLE_HASH", "SHUFFLE_MERGE", "NEST_LOOP", "STATE_TTL", "MULTI_JOIN", "OPTIONS"]
                .contains(&name.to_uppercase().as_str())
            {
                let error = Error::statement(format!("unknown hint {name}")).at(span);
                return Err(match did_you_mean(&name, ["LOOKUP", "OPTIONS", "STATE_TTL", "BROADCAST"]) {
                    Some(did) => error.with_hint(did),
                    None => error,
                });
            }
        }
    }
    Ok(hints)
}

fn lookup_hint(arguments: &str) -> Result<LookupHint> {
    let pairs = pairs(arguments)
        .ok_or_else(|| Error::statement("a LOOKUP hint takes 'key' = 'value' pairs, such as 'table' = 'T'"))?;
    let mut hint = LookupHint { table: String::new(), allow_unordered: false };
    let bad = |key: &str, value: &str, expected: &str| {
        Error::statement(format!("'{key}' of a LOOKUP hint: '{value}' is not {expected}"))
    };
    for (key, value) in &pairs {
        match key.as_str() {
            "table" => hint.table = value.clone(),
            "async" | "shuffle" if parse_bool(value).is_none() => return Err(bad(key, value, "true or false")),
            "output-mode" => match value.to_ascii_lowercase().as_str() {
                "ordered" => {}
                "allow_unordered" => hint.allow_unordered = true,
                _ => return Err(bad(key, value, &format!("one of {}", quoted_list(&["ordered", "allow_unordered"])))),
            },
            "capacity" if value.parse::<u32>().is_err() => return Err(bad(key, value, "a whole number")),
            "timeout" if parse_duration(value).is_none() => return Err(bad(key, value, "a duration")),
            "async" | "shuffle" | "capacity" | "timeout" => {}
            "retry-predicate" | "retry-strategy" | "fixed-delay" | "max-attempts" => {
                return Err(Error::unsupported(format!("'{key}' in a LOOKUP hint (a retry of lookups that find nothing)")));
            }
            unknown => {
                let error = Error::statement(format!("unknown key '{unknown}' in a LOOKUP hint"));
                return Err(match did_you_mean(unknown, LOOKUP_KEYS.iter().copied()) {
                    Some(did) => error.with_hint(did),
                    None => error.with_hint(format!("Known keys: {}.", quoted_list(LOOKUP_KEYS))),
                });
            }
        }
    }
    if hint.table.is_empty() {
        return Err(Error::statement("a LOOKUP hint must name its table: 'table' = 'T'"));
    }
    Ok(hint)
}

/// `NAME(arguments)` calls of a hint's text.
fn calls(text: &str) -> Vec<(String, String)> {
    let mut calls = Vec::new();
    let mut rest = text;
    while let Some(open) = rest.find('(') {
        let name = rest[..open].trim_matches(|c: char| c.is_whitespace() || c == ',').to_string();
        let mut quoted = false;
        let close = rest[open..].char_indices().find(|(_, c)| {
            if *c == '\'' {
                quoted = !quoted;
            }
            *c == ')' && !quoted
        });
        let Some((length, _)) = close else { break };
        calls.push((name, rest[open + 1..open + length].to_string()));
        rest = &rest[open + length + 1..];
    }
    calls
}

/// `'k' = 'v', 'k' = 'v'`; the last of equal keys wins by coming last.
fn pairs(text: &str) -> Option<Vec<(String, String)>> {
    let mut words = Vec::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        let inner = rest.strip_prefix('\'')?;
        let end = inner.find('\'')?;
        words.push(inner[..end].to_string());
        rest = inner[end + 1..].trim_start();
        match (words.len() % 2, rest.chars().next()) {
            (1, Some('=')) | (0, Some(',')) => rest = rest[1..].trim_start(),
            (0, None) => {}
            _ => return None,
        }
    }
    Some(words.chunks(2).map(|pair| (pair[0].clone(), pair[1].clone())).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lookup_hint_is_read() {
        let hint = lookup_hint("'table'='C', 'async'='true', 'output-mode'='allow_unordered'").unwrap();
        assert_eq!(hint, LookupHint { table: "C".into(), allow_unordered: true });
    }

    #[test]
    fn wrong_lookup_hints_are_refused() {
        for (text, message) in [
            ("'tabel'='C'", "unknown key 'tabel' in a LOOKUP hint"),
            ("'async'='true'", "a LOOKUP hint must name its table: 'table' = 'T'"),
            ("C", "a LOOKUP hint takes 'key' = 'value' pairs, such as 'table' = 'T'"),
            ("'table'='C', 'async'='maybe'", "'async' of a LOOKUP hint: 'maybe' is not true or false"),
        ] {
            assert_eq!(lookup_hint(text).unwrap_err().message(), message);
        }
    }

    #[test]
    fn several_hints_stand_side_by_side() {
        let names: Vec<String> = calls("LOOKUP('table'='A)'), BROADCAST(b)").into_iter().map(|c| c.0).collect();
        assert_eq!(names, ["LOOKUP", "BROADCAST"]);
    }
}
