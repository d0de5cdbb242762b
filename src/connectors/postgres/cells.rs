//! Rows of a batch as the parameters of a statement, or as the body of a COPY.

use std::ops::Range;

use arrow::array::{Array, RecordBatch, new_empty_array};
use bytes::Bytes;
use chrono_tz::Tz;

use super::parameter::Parameter;
use super::rows::type_mismatch;
use super::statements::{Form, Plan};
use super::table::DbColumn;
use super::types::{Misfit, Purpose, WriteCell, write_array, write_value, writer};
use crate::changelog::ChangelogBatch;
use crate::error::{Error, Result};
use crate::types::Schema;

/// What a COPY in binary starts with, and ends with.
const COPY_HEAD: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";
const COPY_END: &[u8] = &[0xff, 0xff];

/// One message of work for the database.
#[derive(Debug)]
pub enum Work {
    /// The body of a COPY.
    Copy(Bytes),
    /// The parameters of each execution.
    Execute(Vec<Vec<Parameter>>),
}

impl Work {
    /// True where the database takes it as a whole or not at all, without a transaction around it.
    pub fn is_single(&self) -> bool {
        match self {
            Self::Copy(_) => true,
            Self::Execute(executions) => executions.len() == 1,
        }
    }
}

/// The sink's columns, in our types and in the database's.
#[derive(Debug)]
pub struct Cells {
    pub schema: Schema,
    pub columns: Vec<DbColumn>,
    owner: String,
    zone: Tz,
}

impl Cells {
    /// # Errors
    /// A column whose type can't be written as the database's.
    pub fn new(schema: Schema, columns: Vec<DbColumn>, owner: String, zone: Tz) -> Result<Self> {
        for (field, column) in schema.fields.iter().zip(&columns) {
            let empty = new_empty_array(&field.ty.arrow());
            let element = column.element_oid();
            let kind = &field.ty.kind;
            if writer(&column.pg, column.typmod, element, kind, &empty, Purpose::Store, zone).is_none() {
                return Err(type_mismatch(&field.name, &owner, kind, column, "written"));
            }
        }
        Ok(Self { schema, columns, owner, zone })
    }

    /// How messages name the table.
    pub fn owner(&self) -> &str {
        &self.owner
    }

    fn writers<'a>(&'a self, rows: &'a RecordBatch, columns: &[usize]) -> Result<Vec<WriteCell<'a>>> {
        let writers = columns.iter().map(|&i| {
            let (field, column) = (self.schema.fields.get(i)?, self.columns.get(i)?);
            let element = column.element_oid();
            writer(&column.pg, column.typmod, element, &field.ty.kind, rows.column(i), Purpose::Store, self.zone)
        });
        let writers: Option<Vec<_>> = writers.collect();
        writers.ok_or_else(|| Error::internal("rows came with other types than planned"))
    }

    fn misfit(&self, column: usize, why: Misfit) -> Error {
        let name = self.schema.fields.get(column).map_or("", |f| f.name.as_str());
        Error::data(format!("cannot write column \"{name}\" of {}: {why}", self.owner))
    }

    /// The bytes of each row's `columns`: equal keys have equal bytes.
    pub fn keys(&self, rows: &RecordBatch, columns: &[usize]) -> Result<Vec<Vec<u8>>> {
        let writers = self.writers(rows, columns)?;
        let keys = (0..rows.num_rows()).map(|row| {
            let mut key = Vec::new();
            for (&column, write) in columns.iter().zip(&writers) {
                let written = write_value(row, |r| rows.column(column).is_null(r), write, &mut key);
                written.map_err(|why| self.misfit(column, why))?;
            }
            Ok(key)
        });
        keys.collect()
    }

    /// The rows with a value that its column in the database can't hold, each with its error. Of a row that goes only its
    /// `key` counts.
    pub fn misfits(&self, batch: &ChangelogBatch, key: &[usize]) -> Result<Vec<(usize, Error)>> {
        let rows = batch.rows();
        let all: Vec<usize> = (0..self.columns.len()).collect();
        let writers = self.writers(rows, &all)?;
        let (mut misfits, mut scratch) = (Vec::new(), Vec::new());
        for row in 0..rows.num_rows() {
            let columns = if batch.kind(row).is_addition() { &all } else { key };
            for (column, write) in columns.iter().filter_map(|&column| Some((column, writers.get(column)?))) {
                scratch.clear();
                if let Err(why) = write_value(row, |r| rows.column(column).is_null(r), write, &mut scratch) {
                    misfits.push((row, self.misfit(column, why)));
                    break;
                }
            }
        }
        Ok(misfits)
    }

    /// What a plan needs to write the rows in `range`, at most `chunk` of them in one statement.
    ///
    /// # Errors
    /// Of kind Data: a value that its column in the database can't hold, with the column and the value.
    pub fn work(&self, plan: &Plan, rows: &RecordBatch, range: Range<usize>, chunk: usize) -> Result<Work> {
        let writers = self.writers(rows, &plan.columns)?;
        let null = |column: usize, row: usize| rows.column(column).is_null(row);
        let columns = || plan.columns.iter().copied().zip(&writers);
        match plan.form {
            Form::Copy => {
                let mut body = COPY_HEAD.to_vec();
                for row in range {
                    body.extend_from_slice(&(writers.len() as i16).to_be_bytes());
                    for (column, write) in columns() {
                        let written = write_value(row, |r| null(column, r), write, &mut body);
                        written.map_err(|why| self.misfit(column, why))?;
                    }
                }
                body.extend_from_slice(COPY_END);
                Ok(Work::Copy(body.into()))
            }
            Form::Arrays => {
                let starts = range.clone().step_by(chunk.max(1));
                let chunks = starts.map(|start| {
                    let part = start..(start + chunk.max(1)).min(range.end);
                    let arrays = columns().map(|(column, write)| {
                        let mut bytes = Vec::with_capacity(20 + part.len() * 12);
                        let element = self.columns.get(column).map_or(0, DbColumn::wire_oid);
                        let written = write_array(element, part.clone(), |r| null(column, r), write, &mut bytes);
                        written.map_err(|why| self.misfit(column, why))?;
                        Ok(Parameter(Some(bytes)))
                    });
                    arrays.collect()
                });
                Ok(Work::Execute(chunks.collect::<Result<_>>()?))
            }
            Form::Rows => {
                let each = range.map(|row| {
                    let values = columns().map(|(column, write)| {
                        if null(column, row) {
                            return Ok(Parameter(None));
                        }
                        let mut bytes = Vec::new();
                        write(row, &mut bytes).map_err(|why| self.misfit(column, why))?;
                        Ok(Parameter(Some(bytes)))
                    });
                    values.collect()
                });
                Ok(Work::Execute(each.collect::<Result<_>>()?))
            }
        }
    }

    /// A row for people: `id = 7, name = abc`.
    pub fn show(&self, rows: &RecordBatch, row: usize) -> String {
        let values = self.schema.fields.iter().zip(rows.columns()).map(|(field, column)| {
            let value = match column.is_null(row) {
                true => "NULL".to_string(),
                false => arrow::util::display::array_value_to_string(column, row).unwrap_or_default(),
            };
            let cut: String = value.chars().take(100).collect();
            format!("{} = {cut}", field.name)
        });
        values.collect::<Vec<_>>().join(", ")
    }
}
