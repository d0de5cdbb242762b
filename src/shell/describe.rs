//! psql's looks at the session: its tables and views, and functions, as rows to show.

use crate::Session;
use crate::catalog::Object;
use crate::connectors::secrets::redact;
use crate::functions::{aggregate, library};
use crate::session::Listing;
use crate::shell::editor::words::{SYNTAX_FUNCTIONS, WINDOW_FUNCTIONS};

/// `\d`, `\dt`, `\dv`: tables and views that fit, with their connectors.
pub fn relations(session: &Session, kind: Option<&str>, pattern: Option<&str>) -> Listing {
    let mut listing = Listing::new(&["name", "kind", "connector"]);
    for (name, object) in session.catalog().all() {
        if kind.is_some_and(|kind| kind != object.kind()) || !fits(pattern, &name.name) {
            continue;
        }
        let connector = match object {
            Object::Table(table) => table.options.get("connector").map(str::to_string),
            Object::View(_) | Object::Registered(_) => None,
        };
        let connector = Some(connector.unwrap_or_default());
        listing.push(vec![Some(name.name.clone()), Some(object.kind().to_string()), connector]);
    }
    listing
}

/// Those relations of a database that are of a kind: `view`, and `materialized view`.
pub fn of_kind(mut listing: Listing, kind: &str) -> Listing {
    let of = listing.columns.iter().position(|(name, _)| name == "type");
    let is_kind = |row: &Vec<Option<String>>| {
        let told = of.and_then(|of| row.get(of)?.as_deref());
        told.is_none_or(|told| told.ends_with(kind))
    };
    listing.rows.retain(is_kind);
    listing
}

/// The options of the table that a person calls `name`, secrets blotted out; None for a view or where it has none.
pub fn options(session: &Session, name: &str) -> Option<Listing> {
    let last = name.rsplit('.').next().unwrap_or(name).trim_matches('`');
    let mut tables = session.catalog().all().filter_map(|(known, object)| match object {
        Object::Table(table) if known.name == last => Some(table),
        _ => None,
    });
    let table = tables.next()?;
    let mut listing = Listing::new(&["option", "value"]);
    for (key, value) in table.options.iter() {
        listing.push(vec![Some(key.to_string()), Some(redact(key, value))]);
    }
    (!listing.rows.is_empty()).then_some(listing)
}

/// `\df`: functions and aggregates that fit, and what they take and give.
pub fn functions(pattern: Option<&str>) -> Listing {
    let mut found: Vec<(&str, &str, &str)> =
        library::all().iter().map(|function| (function.name(), "scalar", function.usage())).collect();
    found.extend(aggregate::all().iter().map(|function| (function.name(), "aggregate", function.usage())));
    found.extend(SYNTAX_FUNCTIONS.iter().map(|(name, usage)| (*name, "scalar", *usage)));
    found.extend(WINDOW_FUNCTIONS.iter().map(|(name, usage)| (*name, "window", *usage)));
    found.sort_unstable();
    found.dedup_by_key(|(name, ..)| *name);
    let mut listing = Listing::new(&["function", "kind", "usage"]);
    for (name, kind, usage) in found.into_iter().filter(|(name, ..)| fits(pattern, name)) {
        listing.push([name, kind, usage].map(|cell| Some(cell.to_string())).to_vec());
    }
    listing
}

/// As psql's patterns: `*` is any text, `?` one character; `%` is taken for `*`. Case doesn't matter.
fn fits(pattern: Option<&str>, name: &str) -> bool {
    let Some(pattern) = pattern else { return true };
    let pattern: Vec<char> = pattern.to_lowercase().chars().collect();
    // The positions in the pattern that what was read of the name may have come to.
    let mut at = vec![false; pattern.len() + 1];
    at[0] = true;
    let skip_stars = |at: &mut Vec<bool>| {
        for (i, c) in pattern.iter().enumerate() {
            at[i + 1] |= at[i] && matches!(c, '*' | '%');
        }
    };
    skip_stars(&mut at);
    for read in name.to_lowercase().chars() {
        let mut next = vec![false; pattern.len() + 1];
        for (i, c) in pattern.iter().enumerate().filter(|(i, _)| at[*i]) {
            match c {
                '*' | '%' => next[i] = true,
                '?' => next[i + 1] = true,
                c => next[i + 1] |= *c == read,
            }
        }
        skip_stars(&mut next);
        at = next;
    }
    at.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_are_psqls() {
        for (pattern, name, expected) in [
            ("*", "", true),
            ("a*", "Alerts", true),
            ("*s", "alerts", true),
            ("a?erts", "alerts", true),
            ("a?erts", "aerts", false),
            ("a_b", "axb", false),
            ("%ler%", "alerts", true),
            ("alert", "alerts", false),
        ] {
            assert_eq!(fits(Some(pattern), name), expected, "{pattern} {name}");
        }
        assert!(fits(None, "x"));
    }

    #[tokio::test]
    async fn tables_are_told_with_their_connectors_and_options_without_secrets() {
        let mut session = Session::new();
        let sql = "CREATE TABLE limits (h STRING) WITH ('connector' = 'jdbc', 'password' = 'hush', 'username' = 'u', \
                   'url' = 'jdbc:postgresql://127.0.0.1/d', 'table-name' = 'limits');
                   CREATE VIEW high AS SELECT 1 AS a;";
        session.execute(sql).await.unwrap();
        let rows = |listing: Listing| -> Vec<String> {
            let row = |row: Vec<Option<String>>| row.into_iter().map(Option::unwrap_or_default).collect::<Vec<_>>();
            listing.rows.into_iter().map(|cells| row(cells).join(" ")).collect()
        };
        assert_eq!(rows(relations(&session, None, None)), ["high view ", "limits table jdbc"]);
        assert_eq!(rows(relations(&session, Some("table"), Some("*i*"))), ["limits table jdbc"]);
        assert_eq!(rows(relations(&session, Some("view"), Some("l*"))), Vec::<String>::new());
        let options = rows(super::options(&session, "`limits`").unwrap());
        assert!(options.contains(&"password ******".to_string()), "{options:?}");
        assert!(super::options(&session, "high").is_none());
        let mut found = Listing::new(&["schema", "table", "type"]);
        for (name, kind) in [("a", "table"), ("b", "view"), ("c", "materialized view"), ("d", "partitioned table")] {
            found.push(["s", name, kind].map(|cell| Some(cell.to_string())).to_vec());
        }
        assert_eq!(rows(of_kind(found.clone(), "table")), ["s a table", "s d partitioned table"]);
        assert_eq!(rows(of_kind(found, "view")), ["s b view", "s c materialized view"]);
        let abs = rows(functions(Some("abs")));
        assert_eq!(abs, ["ABS scalar ABS(number) is the number without its sign."]);
    }
}
