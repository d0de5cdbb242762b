//! What a script has that Flink 2.2 would refuse or read differently: in its tables, its settings, and in what its
//! statements do with tables. Expressions and functions are not compared.

use super::{Notice, NoticeKind, Session};
use crate::catalog::{Object, Table};
use crate::connectors::options::{COMMON_OPTIONS, RawOptions};
use crate::connectors::{Connector, TableUse, find};
use crate::formats;
use crate::plan::table::{Door, PlannedTable};
use crate::settings::SETTINGS;
use crate::span::Span;
use crate::sql::{Look, Show, Statement, StatementKind};

/// What is found in the tables declared and the options set so far.
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
    let retention = session.settings.get("execution.checkpointing.externalized-checkpoint-retention");
    if session.settings.get("execution.checkpointing.interval").is_some() && retention.is_none() {
        found.push(portable(
            "Flink removes the checkpoints of a job that is stopped; Millstream goes on from them".to_string(),
            Some(
                "SET 'execution.checkpointing.externalized-checkpoint-retention' = 'RETAIN_ON_CANCELLATION' makes both \
                 agree."
                    .to_string(),
            ),
        ));
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

/// What is found in what a statement does with a table.
pub fn of_use(table: &PlannedTable, used: TableUse) -> Vec<Notice> {
    let Door::Connector { connector, descriptor } = &table.door else { return Vec::new() };
    let (name, options) = (&table.name, &descriptor.options);
    let mut found = Vec::new();
    if connector.beyond_flink().contains(&used) {
        let done = match used {
            TableUse::Read => "read",
            TableUse::LookedUp => "looked up",
            TableUse::Written => "written",
        };
        let called = options.get("connector").unwrap_or(connector.names()[0]);
        found.push(portable(format!("table \"{name}\" is {done}, which Flink's connector '{called}' can't"), None));
    }
    for key in &table.hinted {
        if let Some(what) = what_is_ours(key, *connector, options) {
            found.push(portable(
                format!("{what} in the hint for table \"{name}\" is Millstream's, Flink refuses it"),
                None,
            ));
        }
    }
    let is_kafka = connector.names().iter().any(|name| ["kafka", "upsert-kafka"].contains(name));
    let reads_kafka = used == TableUse::Read && is_kafka;
    if reads_kafka && options.get("properties.isolation.level").is_none() {
        found.push(portable(
            format!("table \"{name}\" is read: Millstream reads committed records only, Flink all"),
            Some("'properties.isolation.level' = 'read_committed' makes both agree.".to_string()),
        ));
    }
    found
}

/// A statement that looks into a service.
pub fn of_look(look: &Look, span: Span) -> Notice {
    let message = format!("{} is Millstream's: Flink refuses it", look.head());
    Notice { span: Some(span), ..portable(message, None) }
}

/// A statement that Flink's grammar doesn't have.
pub fn of_statement(statement: &Statement) -> Option<Notice> {
    let what = match &statement.kind {
        StatementKind::ShowSetting { .. } => "SET with a key alone",
        StatementKind::Show(Show::Integrations) => "SHOW INTEGRATIONS",
        _ => return None,
    };
    let message = format!("{what} is Millstream's: Flink refuses it");
    Some(Notice { span: Some(statement.span), ..portable(message, None) })
}

/// A column of a printed result that has no type but NULL.
pub fn untyped_null(column: &str) -> Notice {
    portable(
        format!("column \"{column}\" is a NULL without a type, which Flink refuses"),
        Some("Write CAST(NULL AS type).".to_string()),
    )
}

fn table_notices(table: &Table, found: &mut Vec<Notice>) {
    let name = &table.name.name;
    let Some(connector) = table.options.get("connector").and_then(|c| find(c, None).ok()) else { return };
    for (key, _) in table.options.iter() {
        if let Some(what) = what_is_ours(key, connector, &table.options) {
            found.push(portable(format!("table \"{name}\": {what} is Millstream's, Flink refuses it"), None));
        }
    }
    blank_address(table, connector, found);
}

/// The option, or its value, that Flink's connector or format of that name doesn't have.
fn what_is_ours(key: &str, connector: &dyn Connector, options: &RawOptions) -> Option<String> {
    let formats = formats::option_specs(options, None).unwrap_or_default();
    let mut specs = COMMON_OPTIONS.iter().chain(connector.options()).chain(&formats).filter(|spec| spec.matches(key));
    specs.find_map(|spec| {
        let value = options.get(key).unwrap_or_default();
        let value_of_ours = spec.values_of_ours.iter().find(|ours| ours.eq_ignore_ascii_case(value));
        match value_of_ours {
            _ if !spec.flink => Some(format!("option '{key}'")),
            Some(value) => Some(format!("'{key}' = '{value}'")),
            None => None,
        }
    })
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
    Notice { kind: NoticeKind::Portability, message, hint, span: None, text: None }
}
