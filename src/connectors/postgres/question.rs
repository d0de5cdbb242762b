//! The query of a lookup: a batch of keys goes in as arrays, rows come out with the key they belong to.

use std::collections::HashMap;

use arrow::array::{Array, ArrayRef, RecordBatch, new_empty_array};
use chrono_tz::Tz;

use super::parameter::Parameter;
use super::rows::{Selection, type_mismatch};
use super::table::{DbColumn, DbTable};
use super::types::{PgType, Purpose, WriteCell, write_array, writer};
use crate::connectors::{LookupRequest, TableDescriptor};
use crate::error::{Error, Result};
use crate::types::{Schema, TypeKind};

/// A prepared question. The first column of its answer says which key the row belongs to, the others are the
/// selection.
#[derive(Debug)]
pub struct Question {
    pub sql: String,
    pub selection: Selection,
    keys: Vec<DbColumn>,
    schema: Schema,
    form: Form,
    zone: Tz,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// `= ANY ($1)`: equal values have equal bytes, so the key's own value tells which it is. The fastest.
    Any,
    /// `unnest(...) WITH ORDINALITY JOIN`: equality is the database's business.
    Join,
}

/// The parameters for a batch of keys, and how answers find back to them.
pub struct Asked {
    pub parameters: Vec<Parameter>,
    /// The position in the batch of each key that was asked for.
    pub positions: Vec<u32>,
    /// The position by the key's bytes, where the form is [`Form::Any`].
    by_value: Option<HashMap<Vec<u8>, u32>>,
}

impl Asked {
    /// The key that a row belongs to, by the row's first column.
    pub fn position(&self, first: &[u8]) -> Option<u32> {
        match &self.by_value {
            Some(by_value) => by_value.get(first).copied(),
            None => {
                let ordinal = i64::from_be_bytes(first.try_into().ok()?);
                self.positions.get(usize::try_from(ordinal - 1).ok()?).copied()
            }
        }
    }
}

impl Question {
    /// # Errors
    /// A column that doesn't exist in the database, or has a type that ours can't be compared with.
    pub fn new(table: &TableDescriptor, db: &DbTable, request: &LookupRequest, utf8: bool) -> Result<Self> {
        let owner = table.owner();
        let selection = Selection::new(table, db, &request.projection, &request.filters, "t.", utf8)?;
        let schema = table.columns.project(&request.key_columns);
        let mut keys = Vec::new();
        for field in &schema.fields {
            let column = db.column(&field.name, &owner)?.clone();
            if matches!(column.pg, PgType::Array(_)) {
                return Err(Error::unsupported(format!("looking up {owner} by the array \"{}\"", field.name)));
            }
            let empty = new_empty_array(&field.ty.arrow());
            if key_writer(&column, &field.ty.kind, &empty, table.zone).is_none() {
                return Err(type_mismatch(&field.name, &owner, &field.ty.kind, &column, "compared"));
            }
            keys.push(column);
        }
        let form = match keys.as_slice() {
            [key] if bytes_decide(key) => Form::Any,
            _ => Form::Join,
        };
        let mut question = Self { sql: String::new(), selection, keys, schema, form, zone: table.zone };
        question.sql = question.select(db);
        Ok(question)
    }

    fn select(&self, db: &DbTable) -> String {
        let mut list = self.selection.list("t.");
        let mut conditions = Vec::new();
        let from = match self.form {
            Form::Any => {
                let key = &self.keys[0];
                list.insert(0, format!("t.{}", key.quoted()));
                conditions.push(format!("t.{} = ANY ($1::{}[])", key.quoted(), key.wire_sql()));
                db.aliased("t")
            }
            Form::Join => {
                list.insert(0, "k.n".into());
                let arrays = self.keys.iter().enumerate().map(|(i, k)| format!("${}::{}[]", i + 1, k.wire_sql()));
                let names: String = (1..=self.keys.len()).map(|i| format!("k{i}, ")).collect();
                let equal = self.keys.iter().enumerate().map(|(i, key)| match key.pg {
                    PgType::Other => format!("{} = k.k{}", key.text_sql("t."), i + 1),
                    _ => format!("t.{} = k.k{}", key.quoted(), i + 1),
                });
                format!(
                    "unnest({}) WITH ORDINALITY AS k({names}n) JOIN {} ON {}",
                    arrays.collect::<Vec<_>>().join(", "),
                    db.aliased("t"),
                    equal.collect::<Vec<_>>().join(" AND ")
                )
            }
        };
        conditions.extend(self.selection.filters.sql.iter().cloned());
        let condition =
            if conditions.is_empty() { String::new() } else { format!(" WHERE {}", conditions.join(" AND ")) };
        format!("SELECT {} FROM {from}{condition}", list.join(", "))
    }

    /// The parameters for a batch of keys. A key that the database's type can't say exactly matches nothing and is
    /// left out, as is one with a NULL.
    pub fn parameters(&self, keys: &RecordBatch) -> Result<Asked> {
        let writers: Option<Vec<_>> = (self.keys.iter().zip(&self.schema.fields).zip(keys.columns()))
            .map(|((column, field), array)| key_writer(column, &field.ty.kind, array, self.zone))
            .collect();
        let writers = writers.ok_or_else(|| Error::internal("lookup keys came with other types than planned"))?;
        let columns = keys.columns();
        let mut by_value = (self.form == Form::Any).then(HashMap::new);
        let mut value = Vec::new();
        let mut positions: Vec<u32> = Vec::with_capacity(keys.num_rows());
        for row in 0..keys.num_rows() {
            let known = columns.iter().all(|c| c.is_valid(row));
            let said = known
                && writers.iter().all(|write| {
                    value.clear();
                    write(row, &mut value).is_ok()
                });
            if !said {
                continue;
            }
            positions.push(row as u32);
            if let Some(by_value) = &mut by_value {
                by_value.insert(value.clone(), row as u32);
            }
        }
        let parameters: Result<Vec<_>> = writers
            .iter()
            .zip(&self.keys)
            .map(|(write, column)| {
                let mut bytes = Vec::with_capacity(20 + positions.len() * 12);
                let rows = positions.iter().map(|p| *p as usize);
                let written = write_array(column.wire_oid(), rows, |_| false, write, &mut bytes);
                written.map_err(|why| Error::data(format!("cannot look up by column \"{}\": {why}", column.name)))?;
                Ok(Parameter(Some(bytes)))
            })
            .collect();
        Ok(Asked { parameters: parameters?, positions, by_value })
    }
}

/// True where the database finds two values equal exactly when their bytes are, and no two keys have the same bytes (as
/// two spellings of one uuid have).
fn bytes_decide(key: &DbColumn) -> bool {
    match key.pg {
        PgType::Int2 | PgType::Int4 | PgType::Int8 => true,
        PgType::Text => key.bytes_decide,
        _ => false,
    }
}

fn key_writer<'a>(column: &'a DbColumn, kind: &TypeKind, array: &'a ArrayRef, zone: Tz) -> Option<WriteCell<'a>> {
    writer(&column.pg, column.typmod, 0, kind, array, Purpose::Compare, zone)
}
