//! SHOW CREATE TABLE and SHOW CREATE VIEW in Flink's layout, secrets hidden.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{self, Expr};

use super::reserved::is_reserved;
use super::walk::{NodeMut, walk_mut};
use crate::catalog::{Column, ColumnKind, ObjectName, Table, View};
use crate::connectors::secrets::redact;
use crate::types::{SqlType, TypeKind};

/// The statement that declares `table`, as Flink 2.2 prints it: names in back-ticks, types in full, options sorted.
pub fn show_create_table(table: &Table) -> String {
    let mut body: Vec<String> = table.columns.iter().map(|column| column_line(table, column)).collect();
    if let Some(watermark) = &table.watermark {
        body.push(format!("WATERMARK FOR {} AS {}", quoted(&watermark.column), expr_text(&watermark.expr)));
    }
    if let Some(key) = &table.primary_key {
        let name = key.name.clone().unwrap_or_else(|| format!("PK_{}", key.columns.join("_")));
        body.push(format!("CONSTRAINT {} PRIMARY KEY ({}) NOT ENFORCED", quoted(&name), quoted_list(&key.columns)));
    }
    let mut text = format!("CREATE {}TABLE {}", temporary(table.temporary), path(&table.name));
    if !body.is_empty() {
        text += &format!(" (\n{}\n)", indented(&body));
    }
    text.push('\n');
    if let Some(comment) = &table.comment {
        text += &format!("COMMENT {}\n", string(comment));
    }
    if !table.partitioned_by.is_empty() {
        text += &format!("PARTITIONED BY ({})\n", quoted_list(&table.partitioned_by));
    }
    let mut options: Vec<(&str, &str)> = table.options.iter().collect();
    options.sort_unstable();
    if !options.is_empty() {
        let pair = |(key, value)| format!("{} = {}", string(key), string(&redact(key, value)));
        let lines: Vec<String> = options.into_iter().map(pair).collect();
        text += &format!("WITH (\n{}\n)\n", indented(&lines));
    }
    text
}

/// The statement that declares `view`: Flink's layout around the query as it was written.
pub fn show_create_view(view: &View) -> String {
    let mut text = format!("CREATE {}VIEW {}", temporary(view.temporary), path(&view.name));
    if !view.columns.is_empty() {
        let columns: Vec<String> = view.columns.iter().map(|column| quoted(column)).collect();
        text += &format!(" (\n{}\n)", indented(&columns));
    }
    text.push('\n');
    if let Some(comment) = &view.comment {
        text += &format!("COMMENT {}\n", string(comment));
    }
    text + "AS " + &view.sql + "\n"
}

fn column_line(table: &Table, column: &Column) -> String {
    let in_key = table.primary_key.as_ref().is_some_and(|key| key.columns.contains(&column.name));
    let mut line = quoted(&column.name);
    match &column.kind {
        ColumnKind::Physical(ty) => {
            let ty = ty.clone().with_nullable(ty.nullable && !in_key);
            line += &format!(" {}", type_text(&ty));
        }
        ColumnKind::Metadata { ty, key, is_virtual } => {
            line += &format!(" {} METADATA", type_text(ty));
            if let Some(key) = key {
                line += &format!(" FROM {}", string(key));
            }
            if *is_virtual {
                line += " VIRTUAL";
            }
        }
        ColumnKind::Computed { expr, .. } => line += &format!(" AS {}", expr_text(expr)),
    }
    if let Some(comment) = &column.comment {
        line += &format!(" COMMENT {}", string(comment));
    }
    line
}

/// The type without synonyms: STRING as VARCHAR(2147483647), TIMESTAMP_LTZ(3) as TIMESTAMP(3) WITH LOCAL TIME ZONE.
fn type_text(ty: &SqlType) -> String {
    let text = match &ty.kind {
        TypeKind::Varchar(length) => format!("VARCHAR({length})"),
        TypeKind::Varbinary(length) => format!("VARBINARY({length})"),
        TypeKind::TimestampLtz(precision) => format!("TIMESTAMP({precision}) WITH LOCAL TIME ZONE"),
        TypeKind::Array(element) => format!("ARRAY<{}>", type_text(element)),
        TypeKind::Multiset(element) => format!("MULTISET<{}>", type_text(element)),
        TypeKind::Map(key, value) => format!("MAP<{}, {}>", type_text(key), type_text(value)),
        TypeKind::Row(fields) => {
            let fields = fields.iter().map(|field| {
                let comment = field.comment.as_deref().map(|text| format!(" {}", string(text))).unwrap_or_default();
                format!("{} {}{comment}", quoted(&field.name), type_text(&field.ty))
            });
            format!("ROW<{}>", fields.collect::<Vec<_>>().join(", "))
        }
        other => other.to_string(),
    };
    if ty.nullable { text } else { text + " NOT NULL" }
}

/// The expression with its names in back-ticks.
fn expr_text(expr: &Expr) -> String {
    let mut expr = expr.clone();
    let _ = walk_mut(&mut expr, &mut |node| {
        let names = match node {
            NodeMut::Expr(Expr::Identifier(name)) => std::slice::from_mut(name),
            NodeMut::Expr(Expr::CompoundIdentifier(names)) => names.as_mut_slice(),
            _ => &mut [],
        };
        names.iter_mut().filter(|name| is_column(name)).for_each(|name| name.quote_style = Some('`'));
        ControlFlow::Continue(())
    });
    expr.to_string()
}

/// False for the units in `TIMESTAMPDIFF(DAY, a, b)`, which are words.
fn is_column(name: &ast::Ident) -> bool {
    let unit = is_reserved(&name.value) || ["QUARTER", "WEEK"].contains(&name.value.to_ascii_uppercase().as_str());
    name.quote_style.is_some() || !unit
}

fn temporary(temporary: bool) -> &'static str {
    if temporary { "TEMPORARY " } else { "" }
}

fn path(name: &ObjectName) -> String {
    format!("{}.{}.{}", quoted(&name.catalog), quoted(&name.database), quoted(&name.name))
}

fn quoted(name: &str) -> String {
    format!("`{}`", name.replace('`', "``"))
}

fn quoted_list(names: &[String]) -> String {
    names.iter().map(|name| quoted(name)).collect::<Vec<_>>().join(", ")
}

fn string(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

fn indented(lines: &[String]) -> String {
    lines.iter().map(|line| format!("  {line}")).collect::<Vec<_>>().join(",\n")
}
