use std::time::Duration;

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

/// What the STATE_TTL hints of a SELECT say of the state of its grouping; 0 keeps it for ever. `None`: no hint.
pub fn state_ttl(select: &ast::Select) -> Result<Option<Duration>> {
    let span = Span::from_ast(select.span());
    let names: Vec<String> = select.from.iter().flat_map(names_of).collect();
    let mut ttl = None;
    for hint in query_hints(select).into_iter().filter(|hint| hint.name == "STATE_TTL") {
        let of_hint = ttl_of(&hint, &names).map_err(|e| e.at(hint.span.or(span)))?;
        ttl = ttl.or(of_hint);
    }
    Ok(ttl)
}

/// The names by which the tables of a FROM are known: the alias, or the name and the whole path.
fn names_of(from: &ast::TableWithJoins) -> Vec<String> {
    let of_factor = |factor: &ast::TableFactor| match factor {
        ast::TableFactor::Table { alias: Some(alias), .. } | ast::TableFactor::Derived { alias: Some(alias), .. } => {
            vec![alias.name.value.clone()]
        }
        ast::TableFactor::Table { name, .. } => {
            let parts = name.0.iter().filter_map(|part| part.as_ident().map(|ident| ident.value.as_str()));
            let parts: Vec<&str> = parts.collect();
            let whole =
                ["default_catalog", "default_database"].iter().copied().take(3usize.saturating_sub(parts.len()));
            let whole: Vec<&str> = whole.chain(parts.iter().copied()).collect();
            (0..whole.len()).map(|start| whole[start..].join(".")).collect()
        }
        _ => Vec::new(),
    };
    let joined = from.joins.iter().flat_map(|join| of_factor(&join.relation));
    of_factor(&from.relation).into_iter().chain(joined).collect()
}

fn ttl_of(hint: &Hint, names: &[String]) -> Result<Option<Duration>> {
    const SHAPE: &str = "A STATE_TTL hint takes tables or their aliases: STATE_TTL('t' = '1 d').";
    if !hint.names.is_empty() || hint.options.is_empty() {
        return Err(Error::statement("a STATE_TTL hint takes 'table' = 'time' pairs").with_hint(SHAPE));
    }
    let mut ttl = None;
    for (table, text) in hint.options.iter() {
        if !names.iter().any(|name| name == table) {
            let error = Error::statement(format!("the STATE_TTL hint names '{table}', which is not in this FROM"));
            return Err(error.with_hint(did_you_mean(table, names.iter().map(String::as_str)).unwrap_or(SHAPE.into())));
        }
        let time = parse_duration(text).ok_or_else(|| {
            Error::statement(format!("'{table}' of a STATE_TTL hint: '{text}' is not a duration")).with_hint(SHAPE)
        })?;
        ttl = ttl.or(Some(time));
    }
    Ok(ttl)
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
    fn a_state_ttl_hint_names_a_table_and_a_time() {
        let read = |pairs: &[(&str, &str)]| {
            let options = pairs.iter().copied().collect();
            let hint = Hint { name: "STATE_TTL".into(), options, names: Vec::new(), span: None };
            ttl_of(&hint, &["t".to_string(), "db.t".to_string()])
        };
        assert_eq!(read(&[("t", "1 d")]).unwrap(), Some(Duration::from_secs(86_400)));
        assert_eq!(read(&[("db.t", "0s")]).unwrap(), Some(Duration::ZERO));
        let message = |pairs: &[(&str, &str)]| read(pairs).unwrap_err().message().to_string();
        assert_eq!(message(&[("x", "1 d")]), "the STATE_TTL hint names 'x', which is not in this FROM");
        assert_eq!(message(&[("t", "soon")]), "'t' of a STATE_TTL hint: 'soon' is not a duration");
        assert_eq!(message(&[]), "a STATE_TTL hint takes 'table' = 'time' pairs");
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
