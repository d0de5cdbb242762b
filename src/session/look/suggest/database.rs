//! A table for one of a database, from its definition.

use super::proposal::{Line, Proposal, name};
use crate::connectors::postgres::inspect::Definition;

/// Adds columns, key and table to `proposal`.
pub fn propose(proposal: &mut Proposal, definition: &Definition) {
    for column in &definition.columns {
        let not_null = if column.nullable { "" } else { " NOT NULL" };
        let comment = needs_word(&column.ty, &column.flink).then(|| column.ty.clone());
        proposal.columns.push(Line::new(format!("{} {}{not_null}", name(&column.name), column.flink), comment));
    }
    if !definition.key.is_empty() {
        let key: Vec<_> = definition.key.iter().map(|column| name(column)).collect();
        let sql = format!("PRIMARY KEY ({}) NOT ENFORCED", key.join(", "));
        proposal.constraints.push(Line::new(sql, None));
    }
    proposal.option("table-name", table_option(definition));
}

/// True for a type that is read as something else: its values keep what PostgreSQL writes.
fn needs_word(ty: &str, flink: &str) -> bool {
    let is_text = ty == "text" || ty.starts_with("character");
    (flink.contains("STRING") && !is_text) || (ty == "numeric" && flink.starts_with("DECIMAL"))
}

/// As the option spells it: quoted where the database would fold it or not take it.
fn table_option(definition: &Definition) -> String {
    let part = |name: &str| {
        let is_plain = name.starts_with(|c: char| c.is_ascii_lowercase() || c == '_')
            && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
        if is_plain { name.to_string() } else { format!("\"{}\"", name.replace('"', "\"\"")) }
    };
    match definition.schema.as_str() {
        "public" => part(&definition.name),
        schema => format!("{}.{}", part(schema), part(&definition.name)),
    }
}
