use datafusion::sql::sqlparser::ast;
use datafusion::sql::sqlparser::ast::Spanned;

use crate::connectors::options::{parse_bool, parse_duration, quoted_list};
use crate::error::{Error, Result, did_you_mean};
use crate::span::Span;
use crate::sql::{Hint, query_hints};

/// A LOOKUP hint that was checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LookupHint {
    /// The table's alias where it has one.
    pub table: String,
    /// `'output-mode'='allow_unordered'`; output stays in order all the same, which is allowed.
    pub allow_unordered: bool,
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
    let hints = query_hints(select).into_iter().filter(|hint| hint.name == "LOOKUP");
    hints.map(|hint| lookup_hint(&hint).map_err(|e| e.at(hint.span.or(span)))).collect()
}

/// Refuses a hint for the state of a grouping: it would be kept for ever all the same.
pub fn refuse_state_ttl(select: &ast::Select) -> Result<()> {
    match query_hints(select).into_iter().find(|hint| hint.name == "STATE_TTL") {
        Some(hint) => Err(Error::unsupported("the hint STATE_TTL").at(hint.span.or(Span::from_ast(select.span())))),
        None => Ok(()),
    }
}

fn lookup_hint(given: &Hint) -> Result<LookupHint> {
    if !given.names.is_empty() {
        return Err(Error::statement("a LOOKUP hint takes 'key' = 'value' pairs, such as 'table' = 'T'"));
    }
    let mut hint = LookupHint { table: String::new(), allow_unordered: false };
    let bad = |key: &str, value: &str, expected: &str| {
        Error::statement(format!("'{key}' of a LOOKUP hint: '{value}' is not {expected}"))
    };
    for (key, value) in given.options.iter() {
        match key {
            "table" => hint.table = value.to_string(),
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
                return Err(Error::unsupported(format!(
                    "'{key}' in a LOOKUP hint (a retry of lookups that find nothing)"
                )));
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

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> Result<LookupHint> {
        let options = pairs.iter().copied().collect();
        lookup_hint(&Hint { name: "LOOKUP".into(), options, names: Vec::new(), span: None })
    }

    #[test]
    fn a_lookup_hint_is_read() {
        let hint = read(&[("table", "C"), ("async", "true"), ("output-mode", "allow_unordered")]).unwrap();
        assert_eq!(hint, LookupHint { table: "C".into(), allow_unordered: true });
    }

    #[test]
    fn wrong_lookup_hints_are_refused() {
        let cases: [(&[(&str, &str)], &str); 3] = [
            (&[("tabel", "C")], "unknown key 'tabel' in a LOOKUP hint"),
            (&[("async", "true")], "a LOOKUP hint must name its table: 'table' = 'T'"),
            (&[("table", "C"), ("async", "maybe")], "'async' of a LOOKUP hint: 'maybe' is not true or false"),
        ];
        for (pairs, message) in cases {
            assert_eq!(read(pairs).unwrap_err().message(), message);
        }
    }
}
