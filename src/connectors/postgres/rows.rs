//! Rows of a SELECT to Arrow: which columns to ask for, how each is read, which rows stay.

use arrow::array::{Array, ArrayRef, BooleanArray, RecordBatch, RecordBatchOptions};
use arrow::compute::{filter_record_batch, prep_null_mask_filter};
use arrow::datatypes::SchemaRef;
use chrono_tz::Tz;
use datafusion::logical_expr::Expr;
use tokio_postgres::Row;
use tokio_postgres::types::{FromSql, Type};

use super::filter::{Filters, LocalFilter};
use super::table::{DbColumn, DbTable};
use super::types::{ColumnReader, PgType, reader};
use crate::connectors::TableDescriptor;
use crate::error::{Error, Result};
use crate::types::Schema;

/// A value as its bytes, whatever its type.
pub struct RawValue<'a>(pub &'a [u8]);

impl<'a> FromSql<'a> for RawValue<'a> {
    fn from_sql(_ty: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn std::error::Error + Sync + Send>> {
        Ok(Self(raw))
    }

    fn accepts(_ty: &Type) -> bool {
        true
    }
}

/// The bytes of the value at `index`, `None` for NULL.
pub fn raw(row: &Row, index: usize) -> Result<Option<&[u8]>> {
    let value: std::result::Result<Option<RawValue<'_>>, _> = row.try_get(index);
    Ok(value.map_err(|e| Error::internal(e.to_string()))?.map(|v| v.0))
}

/// What a query asks for: the columns of a projection, and those that filters of ours need.
#[derive(Debug)]
pub struct Selection {
    /// The columns asked for, in our types and in the database's.
    schema: Schema,
    columns: Vec<DbColumn>,
    /// Where the projection's columns stand among them.
    output: Vec<usize>,
    pub filters: Filters,
    owner: String,
    zone: Tz,
}

impl Selection {
    /// Matches our columns with the table's. `alias` is put before columns in filters: `t.`.
    ///
    /// # Errors
    /// A column that doesn't exist there, or has a type that can't be read as ours.
    pub fn new(
        table: &TableDescriptor,
        db: &DbTable,
        projection: &[usize],
        filters: &[Expr],
        alias: &str,
        utf8: bool,
    ) -> Result<Self> {
        let owner = table.owner();
        let filters = Filters::divide(filters, &table.columns, db, alias, utf8);
        let mut read = projection.to_vec();
        read.extend(filters.columns(&table.columns));
        read.sort_unstable();
        read.dedup();
        let output = projection.iter().filter_map(|i| read.binary_search(i).ok()).collect();
        let schema = table.columns.project(&read);
        let columns: Result<Vec<_>> =
            schema.fields.iter().map(|field| Ok(db.column(&field.name, &owner)?.clone())).collect();
        let selection = Self { schema, columns: columns?, output, filters, owner, zone: table.zone };
        selection.readers()?;
        Ok(selection)
    }

    /// What stands behind SELECT: `t."a"`, `t."b"`.
    pub fn list(&self, alias: &str) -> Vec<String> {
        let columns = self.columns.iter().map(|column| match column.pg {
            PgType::Other => column.text_sql(alias),
            _ => format!("{alias}{}", column.quoted()),
        });
        columns.collect()
    }

    fn readers(&self) -> Result<Vec<Box<dyn ColumnReader>>> {
        let pairs = self.schema.fields.iter().zip(&self.columns);
        let readers = pairs.map(|(field, column)| {
            reader(&column.pg, &field.ty.kind, self.zone)
                .ok_or_else(|| type_mismatch(&field.name, &self.owner, &field.ty.kind, column, "read"))
        });
        readers.collect()
    }

    pub fn rows(&self) -> Result<RowReader> {
        let schema = self.schema.arrow();
        Ok(RowReader {
            filter: self.filters.local(&schema)?,
            readers: self.readers()?,
            schema,
            output: self.output.clone(),
            owner: self.owner.clone(),
            count: 0,
            bytes: 0,
        })
    }
}

/// `column "a" of table "t" is INT, but json in PostgreSQL, which can't be read as INT`
pub fn type_mismatch(name: &str, owner: &str, kind: &crate::types::TypeKind, column: &DbColumn, done: &str) -> Error {
    let theirs = column.type_name();
    Error::statement(format!(
        "column \"{name}\" of {owner} is {kind}, but {theirs} in PostgreSQL, which can't be {done} as {kind}"
    ))
    .with_hint(match column.pg.usual() {
        Some(usual) => format!("Declare the column as {usual}."),
        None => "Declare the column as ARRAY of its elements' type.".to_string(),
    })
}

/// Collects rows into a batch.
pub struct RowReader {
    readers: Vec<Box<dyn ColumnReader>>,
    schema: SchemaRef,
    filter: LocalFilter,
    output: Vec<usize>,
    owner: String,
    count: usize,
    bytes: usize,
}

impl RowReader {
    /// Appends a row whose columns start at `first`.
    ///
    /// # Errors
    /// Of kind Data: a value that our type can't hold, or NULL in a column declared NOT NULL.
    pub fn push(&mut self, row: &Row, first: usize) -> Result<()> {
        for (i, reader) in self.readers.iter_mut().enumerate() {
            let value = raw(row, first + i)?;
            let field = self.schema.field(i);
            if value.is_none() && !field.is_nullable() {
                return Err(Error::data(format!(
                    "column \"{}\" of {} is NOT NULL, but PostgreSQL has a row with NULL in it",
                    field.name(),
                    self.owner
                )));
            }
            reader.push(value).map_err(|why| {
                Error::data(format!("cannot read column \"{}\" of {}: {why}", field.name(), self.owner))
            })?;
        }
        self.count += 1;
        self.bytes += row.raw_size_bytes();
        Ok(())
    }

    pub fn len(&self) -> usize {
        self.count
    }

    /// Bytes of the rows as they came.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// The rows that stay, as the projection; with them, which of the rows pushed stayed (`None` for all). The reader
    /// is empty afterwards.
    pub fn finish(&mut self) -> Result<(RecordBatch, Option<BooleanArray>)> {
        let columns: Vec<ArrayRef> = self.readers.iter_mut().map(|r| r.finish()).collect();
        let options = RecordBatchOptions::new().with_row_count(Some(self.count));
        (self.count, self.bytes) = (0, 0);
        let batch = RecordBatch::try_new_with_options(self.schema.clone(), columns, &options)?;
        let mask = self.filter.mask(&batch)?.map(|mask| match mask.null_count() {
            0 => mask,
            _ => prep_null_mask_filter(&mask),
        });
        let batch = match &mask {
            Some(mask) => filter_record_batch(&batch, mask)?,
            None => batch,
        };
        Ok((batch.project(&self.output)?, mask))
    }
}
