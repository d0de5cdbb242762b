//! Keys and values of options and settings: in `WITH (...)`, `OPTIONS(...)` and ALTER TABLE, and behind SET and RESET.

use super::statement::{Statement, Token};
use super::{Proposal, outside};
use crate::connectors::options::{COMMON_OPTIONS, OptionSpec, OptionType};
use crate::session::ServiceKind;
use crate::settings::{Effect, SETTINGS, allowed_words};
use crate::shell::editor::vocabulary::{Integration, Relation, Vocabulary};
use crate::sql::LexemeKind;
use crate::{connectors, formats};

/// Inside a string: its text, where it may be a key or a value. `closed`: its quote stands behind the cursor.
pub fn in_string(statement: &Statement<'_>, typed: &str, closed: bool, vocabulary: &Vocabulary) -> Vec<Proposal> {
    let named = outside::names(statement, typed, vocabulary);
    let named = named.map(|names| names.iter().map(|name| value(&name.name, &name.about)).collect());
    let Some(mut all): Option<Vec<Found>> = named.or_else(|| at_cursor(statement, typed, vocabulary)) else {
        return Vec::new();
    };
    all.retain(|found| found.value.to_lowercase().starts_with(&typed.to_lowercase()));
    let dress = |found: Found| Proposal {
        shown: Some(found.value.clone()),
        value: match (closed || found.open, found.is_key && !found.alone) {
            (true, _) => found.value,
            (false, true) => format!("{}' = '", found.value),
            (false, false) => format!("{}'", found.value),
        },
        about: found.about,
        blank: false,
    };
    all.into_iter().map(dress).collect()
}

/// Outside strings, with their quotes; None where no option stands.
pub fn outside_strings(statement: &Statement<'_>, vocabulary: &Vocabulary) -> Option<Vec<Proposal>> {
    let dress = |found: Found| Proposal {
        shown: Some(found.value.clone()),
        value: match (found.open, found.is_key && !found.alone) {
            (true, _) => format!("'{}", found.value),
            (false, true) => format!("'{}' = '", found.value),
            (false, false) => format!("'{}'", found.value),
        },
        about: found.about,
        blank: false,
    };
    at_cursor(statement, "", vocabulary).map(|all| all.into_iter().map(dress).collect())
}

/// A key or a value.
struct Found {
    value: String,
    about: String,
    is_key: bool,
    /// A key without a value: RESET.
    alone: bool,
    /// More must follow inside the quotes: `properties.`
    open: bool,
}

fn value(value: &str, about: &str) -> Found {
    Found { value: value.to_string(), about: about.to_string(), is_key: false, alone: false, open: false }
}

fn at_cursor(statement: &Statement<'_>, typed: &str, vocabulary: &Vocabulary) -> Option<Vec<Found>> {
    if statement.hints_at.is_none() && (statement.starts_with(&["SET"]) || statement.starts_with(&["RESET"])) {
        return settings(statement, vocabulary);
    }
    let open = statement.open_parenthesis()?;
    let list = Pairs::of(statement, open, vocabulary)?;
    match &statement.before[open + 1..] {
        [] => Some(list.keys()),
        [.., last] if last.text == "," => Some(list.keys()),
        [.., key, sign] if sign.text == "=" && key.kind == LexemeKind::String => {
            Some(list.values(&key.value(), typed, vocabulary))
        }
        _ => Some(Vec::new()),
    }
}

fn settings(statement: &Statement<'_>, vocabulary: &Vocabulary) -> Option<Vec<Found>> {
    match &statement.before[1..] {
        [] => {
            let alone = statement.starts_with(&["RESET"]);
            let key = |key: &str, about: &str| Found { is_key: true, alone, ..value(key, about) };
            if alone && !vocabulary.set.is_empty() {
                return Some(vocabulary.set.iter().map(|(name, now)| key(name, now)).collect());
            }
            let works = SETTINGS.iter().filter(|spec| spec.effect == Effect::Works);
            Some(works.map(|spec| key(spec.key, spec.about)).collect())
        }
        [key, sign] if sign.text == "=" => {
            let key = key.value();
            let spec = SETTINGS.iter().find(|spec| spec.key == key)?;
            let words = match spec.effect {
                Effect::Only(words) => words,
                Effect::Works => allowed_words(&key).unwrap_or_default(),
            };
            let default = spec.default.filter(|default| !words.contains(default));
            let of_default = default.map(|default| value(default, "default"));
            Some(words.iter().map(|word| value(word, "")).chain(of_default).collect())
        }
        _ => Some(Vec::new()),
    }
}

/// The keys and values of a list that are written, before and behind the cursor, and whose they are.
struct Pairs<'a> {
    written: Vec<(String, String)>,
    whose: Whose<'a>,
    /// Of that table.
    columns: Vec<String>,
}

enum Whose<'a> {
    /// Of a table that CREATE TABLE declares.
    New,
    /// Of one that is there, whose options the list changes.
    Known(&'a Relation),
    /// The same, and the list has keys alone: RESET.
    Reset(&'a Relation),
}

impl<'a> Pairs<'a> {
    /// None where no list of options stands.
    fn of(statement: &Statement<'_>, open: usize, vocabulary: &'a Vocabulary) -> Option<Self> {
        let head = statement.before.get(open.checked_sub(1)?)?;
        let named = |name: &str| vocabulary.tables.iter().find(|table| table.name == name);
        let altered = || named(&statement.before.get(open.checked_sub(2)?)?.value());
        let alters = statement.starts_with(&["ALTER", "TABLE"]);
        let whose = match &statement.hints_at {
            Some(table) if head.is("OPTIONS") => Whose::Known(named(table)?),
            Some(_) => return None,
            None if head.is("WITH") && statement.starts_with(&["CREATE"]) => Whose::New,
            None if head.is("SET") && alters => Whose::Known(altered()?),
            None if head.is("RESET") && alters => Whose::Reset(altered()?),
            None => return None,
        };
        let tokens: Vec<&Token<'_>> = statement.before.iter().skip(open + 1).chain(&statement.after).collect();
        let is_pair =
            |w: &&[&Token<'_>]| w[0].kind == LexemeKind::String && w[1].text == "=" && w[2].kind == LexemeKind::String;
        let written = tokens.windows(3).filter(is_pair).map(|w| (w[0].value(), w[2].value())).collect();
        let columns = match &whose {
            Whose::New => declared_columns(statement),
            Whose::Known(table) | Whose::Reset(table) => table.columns.iter().map(|(name, _)| name.clone()).collect(),
        };
        Some(Self { written, whose, columns })
    }

    /// What the list says, or else the table.
    fn get(&self, key: &str) -> Option<&str> {
        let of_table = match &self.whose {
            Whose::New => &[],
            Whose::Known(table) | Whose::Reset(table) => table.options.as_slice(),
        };
        let mut all = self.written.iter().chain(of_table);
        all.find(|(name, _)| name == key).map(|(_, value)| value.as_str())
    }

    /// Every option that the table may have, its connector's first: prefix and specification.
    fn specs(&self) -> Vec<(String, &'static OptionSpec)> {
        let connector = self.get("connector").and_then(|name| connectors::find(name, None).ok());
        let of_connector = connector.into_iter().flat_map(|c| c.options());
        let mut specs: Vec<(String, &'static OptionSpec)> = of_connector.map(|spec| (String::new(), spec)).collect();
        for (key, prefix) in [("format", ""), ("key.format", "key."), ("value.format", "value.")] {
            let Some(format) = self.get(key).and_then(|name| formats::find(name, None).ok()) else { continue };
            specs.extend(format.options().iter().map(|spec| (format!("{prefix}{}.", format.name()), spec)));
        }
        specs.extend(COMMON_OPTIONS.iter().map(|spec| (String::new(), spec)));
        specs
    }

    fn keys(&self) -> Vec<Found> {
        if let Whose::Reset(table) = &self.whose {
            let key = |(key, now): &(String, String)| Found { is_key: true, alone: true, ..value(key, now) };
            return table.options.iter().filter(|(key, _)| key != "connector").map(key).collect();
        }
        let mut keys: Vec<(bool, Found)> = Vec::new();
        for (prefix, spec) in self.specs() {
            let about = match (spec.required, spec.default) {
                (true, _) => format!("required. {}", spec.about),
                (false, Some(default)) => format!("{} Default: {default}.", spec.about),
                (false, None) => spec.about.to_string(),
            };
            let key = format!("{prefix}{}", spec.key);
            let found = |key: String, open: bool| Found { is_key: true, open, ..value(&key, &about) };
            match (key.strip_suffix('*'), key.contains(".#.")) {
                (Some(start), _) => keys.push((false, found(start.to_string(), true))),
                (None, true) => keys.extend(self.columns.iter().map(|c| (false, found(key.replace('#', c), false)))),
                (None, false) => keys.push((spec.required, found(key, false))),
            }
        }
        keys.retain(|(_, found)| self.written.iter().all(|(key, _)| *key != found.value));
        match &self.whose {
            // `connector` is the first that is needed.
            Whose::New => keys.sort_by_key(|(required, _)| !required),
            // The table is there: it has what it needs, and stays what it is.
            Whose::Known(_) | Whose::Reset(_) => {
                keys.retain(|(_, found)| found.value != "connector" && found.value != "integration");
            }
        }
        keys.into_iter().map(|(_, found)| found).collect()
    }

    fn values(&self, key: &str, typed: &str, vocabulary: &Vocabulary) -> Vec<Found> {
        let connector = self.get("connector").and_then(|name| connectors::find(name, None).ok());
        let kind = connector.and_then(ServiceKind::of);
        match key {
            "connector" => {
                return connectors::all().iter().flat_map(|c| c.names()).map(|name| value(name, "")).collect();
            }
            "integration" => {
                let fits = |found: &&Integration| connector.is_none() || found.kind.is_some() && found.kind == kind;
                return vocabulary.integrations.iter().filter(fits).map(|found| value(&found.name, "")).collect();
            }
            "format" | "key.format" | "value.format" => {
                return formats::all().iter().map(|format| value(format.name(), "")).collect();
            }
            _ => {}
        }
        if let Some((connector, kind)) = connector.zip(kind).filter(|(_, kind)| key == name_option(*kind)) {
            // A table with an address of its own is not the integration's.
            let address = connector.address_option().and_then(|address| self.get(address));
            let elsewhere = address.is_some_and(|address| !connector.is_blank_address(address));
            let of = self.get("integration");
            let names = if elsewhere { Vec::new() } else { outside::kept(kind, of, typed, vocabulary) };
            return names.iter().map(|name| value(&name.name, &name.about)).collect();
        }
        let specs = self.specs();
        let spec =
            specs.iter().find(|(prefix, spec)| key.strip_prefix(prefix.as_str()).is_some_and(|k| spec.matches(k)));
        let Some((_, spec)) = spec else { return Vec::new() };
        let words: &[&str] = match spec.ty {
            OptionType::Enum(words) => words,
            OptionType::Bool => &["true", "false"],
            _ => spec.default.as_slice(),
        };
        let about = |word: &&str| if spec.default == Some(*word) { "default" } else { "" };
        words.iter().map(|word| value(word, about(word))).collect()
    }
}

/// The option that names what a table is about.
fn name_option(kind: ServiceKind) -> &'static str {
    match kind {
        ServiceKind::Kafka => "topic",
        ServiceKind::Postgres => "table-name",
        ServiceKind::OpenSearch => "index",
    }
}

/// The columns that CREATE TABLE declares.
pub fn declared_columns(statement: &Statement<'_>) -> Vec<String> {
    let tokens: Vec<&Token<'_>> = statement.tokens().collect();
    let mut columns = Vec::new();
    let mut depth = 0;
    for (at, token) in tokens.iter().enumerate() {
        if token.is("WITH") && depth == 0 {
            break;
        }
        match (token.kind, token.text) {
            (LexemeKind::Other, "(" | "<") => depth += 1,
            (LexemeKind::Other, ")" | ">") => depth -= 1,
            (LexemeKind::Word | LexemeKind::QuotedName, _) if depth == 1 && at > 0 => {
                let starts = matches!(tokens[at - 1].text, "(" | ",");
                let is_clause = ["WATERMARK", "PRIMARY", "CONSTRAINT"].iter().any(|word| token.is(word));
                if starts && !is_clause {
                    columns.push(token.value());
                }
            }
            _ => {}
        }
    }
    columns
}
