//! What a script has that Flink 2.2 would refuse or read differently.

use super::{Notice, NoticeKind, Session};
use crate::catalog::{Object, Table};
use crate::connectors::options::COMMON_OPTIONS;
use crate::connectors::{Connector, find};
use crate::formats;
use crate::settings::SETTINGS;

/// Everything found in the tables declared and the options set so far.
pub fn notices(session: &Session) -> Vec<Notice> {
    let mut found = Vec::new();
    for (_, object) in session.catalog.all() {
        if let Object::Table(table) = object {
            table_notices(table, &mut found);
        }
    }
    for (key, _) in session.settings.iter() {
        if SETTINGS.iter().any(|s| s.key == key && !s.flink) {
            found.push(portable(format!("option '{key}' is Millstream's: Flink ignores it"), None));
        }
    }
    for (key, meaning) in [
        ("parallelism.default", "Flink runs with parallelism 1 where none is set; Millstream with the number of cores"),
        ("table.local-time-zone", "Flink's session time zone is the JVM's where none is set; Millstream's is UTC"),
    ] {
        if !session.settings.iter().any(|(k, _)| k == key) {
            found.push(portable(meaning.to_string(), Some(format!("SET '{key}' = '...' makes both agree."))));
        }
    }
    found
}

fn table_notices(table: &Table, found: &mut Vec<Notice>) {
    let name = &table.name.name;
    let Some(connector) = table.options.get("connector").and_then(|c| find(c, None).ok()) else { return };
    let formats = formats::option_specs(&table.options, None).unwrap_or_default();
    for (key, _) in table.options.iter() {
        let specs = COMMON_OPTIONS.iter().chain(connector.options()).chain(&formats);
        if specs.filter(|s| s.matches(key)).any(|s| !s.flink) {
            found.push(portable(format!("table \"{name}\": option '{key}' is Millstream's, Flink refuses it"), None));
        }
    }
    blank_address(table, connector, found);
    if connector.names().contains(&"kafka") && table.options.get("properties.isolation.level").is_none() {
        found.push(portable(
            format!("table \"{name}\": Millstream reads committed records only, Flink all"),
            Some("'properties.isolation.level' = 'read_committed' makes both agree.".to_string()),
        ));
    }
}

fn blank_address(table: &Table, connector: &dyn Connector, found: &mut Vec<Notice>) {
    let Some(key) = connector.address_option() else { return };
    if table.options.get(key).is_none_or(|address| connector.is_blank_address(address)) {
        found.push(portable(
            format!("table \"{}\": '{key}' is blank, and Flink has no integration to fill it", table.name.name),
            None,
        ));
    }
}

fn portable(message: String, hint: Option<String>) -> Notice {
    Notice { kind: NoticeKind::Portability, message, hint, span: None }
}
