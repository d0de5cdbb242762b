//! DESCRIBE of tables and views: their columns, and where to look for what is none of them.

use std::collections::BTreeSet;

use super::{Listing, ServiceKind, Session};
use crate::catalog::{Column, ColumnKind, Object, ObjectName};
use crate::error::{Error, Result};
use crate::span::Span;
use crate::sql::{Ident, ObjectPath};
use crate::types::{SqlType, TimeAttribute, TypeKind};

impl Session {
    /// DESCRIBE of a name; what no table has may be one of a service.
    pub(super) fn describe_or_point(&self, name: &ObjectPath) -> Result<Listing> {
        self.describe(name).map_err(|error| self.with_place_to_look(error, name))
    }

    /// A name that no table has may be one of a service.
    fn with_place_to_look(&self, error: Error, path: &ObjectPath) -> Error {
        let is_known = self.catalog.get(path).is_ok() || error.hint().is_some_and(|hint| hint.starts_with("Did you"));
        let name = path.parts.iter().map(|part| part.value.as_str()).collect::<Vec<_>>().join(".");
        let places = self.services().into_iter().filter_map(|service| match service.kind? {
            ServiceKind::Kafka => Some(format!("DESCRIBE TOPIC {name}")),
            ServiceKind::Postgres => Some(format!("DESCRIBE TABLE {name}")),
            ServiceKind::OpenSearch => Some(format!("DESCRIBE INDEX {name}")),
        });
        let places: BTreeSet<String> = places.filter(|_| !is_known).collect();
        match places.is_empty() {
            true => error,
            false => {
                let places: Vec<String> = places.into_iter().rev().collect();
                error.with_hint(format!("No table of the session. Of a service: {}.", places.join(", ")))
            }
        }
    }

    /// The names and types of a table's or view's columns.
    ///
    /// # Errors
    /// An unknown name, or a declaration that no statement could use.
    pub fn columns_of(&self, name: &ObjectName) -> Result<Vec<(String, String)>> {
        let parts = [&name.catalog, &name.database, &name.name];
        let span = Span::on_line(1, 1, 1);
        let parts = parts.iter().map(|part| Ident { value: part.to_string(), span }).collect();
        let listing = self.describe(&ObjectPath { parts, span })?;
        let pair = |row: Vec<Option<String>>| {
            let mut cells = row.into_iter();
            Some((cells.next()??, cells.next()??))
        };
        Ok(listing.rows.into_iter().filter_map(pair).collect())
    }

    pub(super) fn describe(&self, path: &ObjectPath) -> Result<Listing> {
        let binder = self.binder();
        let mut listing = Listing::new(&["name", "type", "null", "key", "extras", "watermark"]);
        listing.columns[2].1 = SqlType::nullable(TypeKind::Boolean);
        if let Object::View(view) = self.catalog.get(path)? {
            let relation = binder.query(&view.query)?;
            for (i, field) in relation.schema().fields.iter().enumerate() {
                let name = view.columns.get(i).unwrap_or(&field.name);
                listing.push(row_of(name, &field.ty, field.time_attribute, None, None, None));
            }
            return Ok(listing);
        }
        let planned = binder.table(path, &Default::default())?;
        let declared = match self.catalog.get(path)? {
            Object::Table(table) => Some(table.clone()),
            _ => None,
        };
        let key = match planned.primary_key.is_empty() {
            true => None,
            false => Some(format!("PRI({})", planned.primary_key.join(", "))),
        };
        for field in &planned.schema.fields {
            let in_key = planned.primary_key.contains(&field.name);
            let column = declared.as_ref().and_then(|t| t.columns.iter().find(|c| c.name == field.name));
            let extras = column.and_then(extras_of);
            let watermark = declared.as_ref().and_then(|t| t.watermark.as_ref());
            let watermark = watermark.filter(|w| w.column == field.name).map(|w| w.sql.clone());
            let key = key.clone().filter(|_| in_key);
            listing.push(row_of(&field.name, &field.ty, field.time_attribute, key, extras, watermark));
        }
        if let Some(table) = declared.filter(|t| t.columns.iter().any(|c| c.comment.is_some())) {
            listing.columns.push(("comment".to_string(), SqlType::string()));
            for (row, column) in listing.rows.iter_mut().zip(&table.columns) {
                row.push(column.comment.clone());
            }
        }
        Ok(listing)
    }
}

fn row_of(
    name: &str,
    ty: &SqlType,
    attribute: Option<TimeAttribute>,
    key: Option<String>,
    extras: Option<String>,
    watermark: Option<String>,
) -> Vec<Option<String>> {
    let marker = match attribute {
        Some(TimeAttribute::Rowtime) => " *ROWTIME*",
        Some(TimeAttribute::Proctime) => " *PROCTIME*",
        None => "",
    };
    let null = if ty.nullable { "TRUE" } else { "FALSE" };
    vec![Some(name.to_string()), Some(format!("{}{marker}", ty.kind)), Some(null.to_string()), key, extras, watermark]
}

fn extras_of(column: &Column) -> Option<String> {
    match &column.kind {
        ColumnKind::Physical(_) => None,
        ColumnKind::Metadata { key, is_virtual, .. } => {
            let mut text = "METADATA".to_string();
            if let Some(key) = key {
                text += &format!(" FROM '{key}'");
            }
            if *is_virtual {
                text += " VIRTUAL";
            }
            Some(text)
        }
        ColumnKind::Computed { sql, .. } => Some(format!("AS {sql}")),
    }
}
