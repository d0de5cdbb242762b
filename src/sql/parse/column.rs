//! One element of CREATE TABLE's list: a column, a watermark or a primary key.

use super::super::cursor::Cursor;
use crate::catalog::{Column, ColumnKind, PrimaryKey, Watermark};
use crate::error::{Error, Result};
use crate::span::Span;
use crate::types::SqlType;

pub(super) enum Element {
    /// With the primary key declared at the column itself.
    Column(Column, Option<PrimaryKey>),
    Watermark(Watermark),
    Key(PrimaryKey),
}

pub(super) fn element(cursor: &mut Cursor<'_>) -> Result<Element> {
    match cursor.word(0).as_str() {
        "WATERMARK" => watermark(cursor).map(Element::Watermark),
        "CONSTRAINT" | "PRIMARY" | "UNIQUE" => {
            let start = cursor.start();
            let name = constraint_name(cursor)?;
            cursor.expect("PRIMARY KEY")?;
            let columns = cursor.list(Cursor::name)?.into_iter().map(|column| column.value).collect();
            not_enforced(cursor, cursor.since(start))?;
            Ok(Element::Key(PrimaryKey { name, columns, span: Some(cursor.since(start)) }))
        }
        _ => column(cursor),
    }
}

/// `WATERMARK FOR column AS expression`
fn watermark(cursor: &mut Cursor<'_>) -> Result<Watermark> {
    let start = cursor.start();
    cursor.expect("WATERMARK FOR")?;
    let column = cursor.path()?;
    if column.parts.len() > 1 {
        return Err(Error::statement("a watermark follows a column of the table, not a field inside one")
            .with_hint("Declare a computed column for the field: `ts AS r.ts`.")
            .at(column.span));
    }
    cursor.expect("AS")?;
    let (expr, sql, _) = cursor.expr()?;
    let column = column.parts.into_iter().map(|part| part.value).collect();
    Ok(Watermark { column, expr, sql, span: Some(cursor.since(start)) })
}

fn column(cursor: &mut Cursor<'_>) -> Result<Element> {
    let name = cursor.name()?;
    let mut key = None;
    let kind = if cursor.accept("AS") {
        let (expr, sql, _) = cursor.expr()?;
        ColumnKind::Computed { expr: Box::new(expr), sql }
    } else {
        let at = cursor.here();
        let ty = cursor.data_type()?;
        if ty.kind.is_interval() {
            return Err(Error::statement("a column can't be an INTERVAL")
                .with_hint("Store a number of seconds or months and multiply it with INTERVAL '1' SECOND or MONTH.")
                .at(at));
        }
        match cursor.accept("METADATA") {
            true => metadata(cursor, ty)?,
            false => {
                key = column_key(cursor, &name.value)?;
                ColumnKind::Physical(ty)
            }
        }
    };
    let comment = cursor.comment()?;
    refuse_foreign(cursor)?;
    Ok(Element::Column(Column { name: name.value, kind, comment, span: Some(name.span) }, key))
}

/// `[FROM 'key'] [VIRTUAL]` behind METADATA.
fn metadata(cursor: &mut Cursor<'_>, ty: SqlType) -> Result<ColumnKind> {
    let key = match cursor.accept("FROM") {
        true => Some(cursor.string("the metadata key in single quotes")?.value),
        false => None,
    };
    let is_virtual = cursor.accept("VIRTUAL");
    Ok(ColumnKind::Metadata { ty, key, is_virtual })
}

/// `[CONSTRAINT name] PRIMARY KEY NOT ENFORCED` behind a column's type.
fn column_key(cursor: &mut Cursor<'_>, column: &str) -> Result<Option<PrimaryKey>> {
    if !matches!(cursor.word(0).as_str(), "CONSTRAINT" | "PRIMARY" | "UNIQUE") {
        return Ok(None);
    }
    let start = cursor.start();
    let name = constraint_name(cursor)?;
    cursor.expect("PRIMARY KEY")?;
    not_enforced(cursor, cursor.since(start))?;
    Ok(Some(PrimaryKey { name, columns: vec![column.to_string()], span: Some(cursor.since(start)) }))
}

fn constraint_name(cursor: &mut Cursor<'_>) -> Result<Option<String>> {
    let name = match cursor.accept("CONSTRAINT") {
        true => Some(cursor.name()?.value),
        false => None,
    };
    match cursor.word(0) == "UNIQUE" {
        true => Err(Error::unsupported("UNIQUE").at(cursor.here())),
        false => Ok(name),
    }
}

/// `NOT ENFORCED`, without which Flink takes no key.
fn not_enforced(cursor: &mut Cursor<'_>, key: Span) -> Result<()> {
    if cursor.accept("NOT") {
        return cursor.expect("ENFORCED");
    }
    let span = if cursor.word(0) == "ENFORCED" { cursor.here() } else { key };
    Err(Error::statement("a primary key must be NOT ENFORCED")
        .with_hint("Write PRIMARY KEY ... NOT ENFORCED: the engine doesn't own the data, so it can't enforce keys.")
        .at(span))
}

/// Names what other systems have behind a column and Flink doesn't.
fn refuse_foreign(cursor: &mut Cursor<'_>) -> Result<()> {
    match cursor.word(0).as_str() {
        word @ ("DEFAULT" | "CHECK" | "REFERENCES" | "GENERATED") => {
            let error = Error::statement(format!("columns have no {word} in Flink SQL")).at(cursor.here());
            Err(match word {
                "GENERATED" => error.with_hint("Write a computed column as `name AS expression`."),
                _ => error,
            })
        }
        "PRIMARY" | "CONSTRAINT" => Err(Error::statement("the primary key comes before COMMENT").at(cursor.here())),
        "NOT" if cursor.word(1) == "NULL" => {
            let error = Error::statement("NOT NULL belongs right behind the column's type").at(cursor.here());
            Err(error)
        }
        _ => Ok(()),
    }
}
