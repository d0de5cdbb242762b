//! CREATE TABLE: from the statement to the table, LIKE merged in, the schema checked.

use super::memory::{Catalog, Object};
use super::table::{Column, ColumnKind, PrimaryKey, Table};
use crate::error::{Error, Result, did_you_mean};
use crate::span::SourceText;
use crate::sql::{CreateTable, LikeClause, LikeFeature, LikeMode};

/// The table that a CREATE TABLE statement declares. Expressions and options are checked when it is used.
pub fn table_of(create: &CreateTable, catalog: &Catalog, text: Option<&SourceText>) -> Result<Table> {
    let name = catalog.name(&create.name)?;
    let mut table = Table {
        name,
        columns: create.columns.clone(),
        watermark: create.watermark.clone(),
        primary_key: create.primary_key.clone(),
        partitioned_by: create.partitioned_by.iter().map(|i| i.value.clone()).collect(),
        comment: create.comment.clone(),
        options: create.options.clone(),
        temporary: create.temporary,
        span: Some(create.name.span),
        text: text.cloned(),
    };
    if let Some(like) = &create.like {
        merge_like(&mut table, like, catalog)?;
    }
    check_columns(&table, create)?;
    Ok(table)
}

/// What LIKE does with one feature of its source.
fn mode(like: &LikeClause, feature: LikeFeature) -> LikeMode {
    let named = |wanted| like.options.iter().rev().find(|(_, f, _)| *f == wanted).map(|(mode, _, _)| *mode);
    named(feature).or_else(|| named(LikeFeature::All)).unwrap_or(match feature {
        LikeFeature::Options => LikeMode::Overwriting,
        _ => LikeMode::Including,
    })
}

fn merge_like(table: &mut Table, like: &LikeClause, catalog: &Catalog) -> Result<()> {
    let source = match catalog.get(&like.source)? {
        Object::Table(source) => source.clone(),
        _ => {
            return Err(
                Error::statement(format!("LIKE takes a table, and \"{}\" is none", name_of(like))).at(like.source.span)
            );
        }
    };
    merge_columns(table, like, &source.columns)?;
    match mode(like, LikeFeature::Watermarks) {
        LikeMode::Excluding => {}
        LikeMode::Including if table.watermark.is_some() && source.watermark.is_some() => {
            return Err(clash(like, "a watermark", "WATERMARKS"));
        }
        _ => {
            if table.watermark.is_none() {
                table.watermark = source.watermark.clone();
            }
        }
    }
    if mode(like, LikeFeature::Constraints) != LikeMode::Excluding {
        match (&table.primary_key, &source.primary_key) {
            (Some(_), Some(_)) => return Err(clash(like, "a primary key", "CONSTRAINTS")),
            (None, Some(key)) => table.primary_key = Some(key.clone()),
            _ => {}
        }
    }
    if mode(like, LikeFeature::Partitions) != LikeMode::Excluding {
        match (table.partitioned_by.is_empty(), source.partitioned_by.is_empty()) {
            (false, false) => return Err(clash(like, "partitions", "PARTITIONS")),
            (true, false) => table.partitioned_by = source.partitioned_by.clone(),
            _ => {}
        }
    }
    let own = std::mem::take(&mut table.options);
    match mode(like, LikeFeature::Options) {
        LikeMode::Excluding => table.options = own,
        mode => {
            table.options = source.options.clone();
            if table.text != source.text {
                // Places in two texts would be mixed up.
                source.options.iter().for_each(|(key, value)| drop(table.options.set(key, value, None)));
            }
            for (key, value) in own.iter() {
                let old = table.options.set(key, value, own.span(key));
                table.options.set_key_span(key, own.key_span(key));
                if mode == LikeMode::Including && old.is_some() {
                    return Err(clash(like, &format!("the option '{key}'"), "OPTIONS"));
                }
            }
        }
    }
    Ok(())
}

fn merge_columns(table: &mut Table, like: &LikeClause, source: &[Column]) -> Result<()> {
    let mut merged = Vec::new();
    for column in source {
        let (feature, word) = match column.kind {
            ColumnKind::Physical(_) => {
                if table.columns.iter().any(|c| c.name == column.name) {
                    return Err(Error::statement(format!(
                        "column \"{}\" already exists in the table that LIKE names",
                        column.name
                    ))
                    .at(like.source.span));
                }
                merged.push(column.clone());
                continue;
            }
            ColumnKind::Metadata { .. } => (LikeFeature::Metadata, "METADATA"),
            ColumnKind::Computed { .. } => (LikeFeature::Generated, "GENERATED"),
        };
        let own = table.columns.iter().any(|c| c.name == column.name);
        match mode(like, feature) {
            LikeMode::Excluding => {}
            LikeMode::Including if own => return Err(clash(like, &format!("the column \"{}\"", column.name), word)),
            LikeMode::Overwriting if own => {}
            _ => merged.push(column.clone()),
        }
    }
    merged.append(&mut table.columns);
    table.columns = merged;
    Ok(())
}

fn clash(like: &LikeClause, what: &str, feature: &str) -> Error {
    Error::statement(format!("{what} is declared here and in \"{}\", which LIKE names", name_of(like)))
        .with_hint(format!("Say EXCLUDING {feature} or OVERWRITING {feature} (where that exists), or leave one out."))
        .at(like.source.span)
}

fn name_of(like: &LikeClause) -> &str {
    like.source.parts.last().map_or("", |p| p.value.as_str())
}

fn check_columns(table: &Table, create: &CreateTable) -> Result<()> {
    for (i, column) in table.columns.iter().enumerate() {
        if table.columns[..i].iter().any(|c| c.name == column.name) {
            return Err(Error::statement(format!("column \"{}\" is declared twice", column.name)).at(column.span));
        }
    }
    let names = || table.columns.iter().map(|c| c.name.as_str());
    let unknown = |name: &str, role: &str| {
        let error =
            Error::statement(format!("{role} column \"{name}\" is not a column of table \"{}\"", table.name.name));
        match did_you_mean(name, names()) {
            Some(hint) => error.with_hint(hint),
            None => error,
        }
    };
    if let Some(PrimaryKey { columns, span, .. }) = &table.primary_key {
        for name in columns {
            let Some(column) = table.columns.iter().find(|c| &c.name == name) else {
                return Err(unknown(name, "primary key").at(*span));
            };
            if !matches!(column.kind, ColumnKind::Physical(_)) {
                return Err(
                    Error::statement(format!("primary key column \"{name}\" is not a physical column")).at(*span)
                );
            }
        }
    }
    for ident in &create.partitioned_by {
        if !names().any(|name| name == ident.value) {
            return Err(unknown(&ident.value, "partition").at(ident.span));
        }
    }
    if let Some(watermark) = &table.watermark {
        if !names().any(|name| name == watermark.column) {
            return Err(unknown(&watermark.column, "rowtime").at(watermark.span));
        }
    }
    if table.columns.is_empty() {
        return Err(Error::statement(format!("table \"{}\" has no columns", table.name.name)).at(create.name.span));
    }
    Ok(())
}
