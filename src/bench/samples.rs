//! The rows of all files that are given: each is read once, before anything is measured.

use std::path::Path;

use arrow::datatypes::SchemaRef;
use arrow::record_batch::{RecordBatch, RecordBatchOptions};

use super::asked::Asked;
use super::file;
use crate::changelog::RowKind;
use crate::error::{Error, Result};

/// Rows of a file, in the types of its table.
#[derive(Debug, Clone)]
pub struct FileRows {
    pub rows: RecordBatch,
    /// What each row does, where the table's format tells changes.
    pub kinds: Option<Vec<RowKind>>,
}

/// What files have for those who asked.
#[derive(Debug, Default)]
pub struct Samples {
    read: Vec<(Asked, FileRows)>,
    /// What there is to say of files that were read.
    pub warnings: Vec<Error>,
}

impl Samples {
    /// Reads the files; `begins` is told of each.
    ///
    /// # Errors
    /// A file that can't be read, is of another kind, is empty, or whose columns are not the table's.
    pub fn read(asked: Vec<Asked>, begins: &dyn Fn(&Path)) -> Result<Self> {
        let mut joined: Vec<Asked> = Vec::new();
        for asked in asked {
            if !joined.iter_mut().any(|known| known.join(&asked)) {
                joined.push(asked);
            }
        }
        let mut samples = Self::default();
        for asked in joined {
            begins(&asked.path);
            let (rows, warnings) = file::read(&asked)?;
            samples.read.push((asked, rows));
            samples.warnings.extend(warnings);
        }
        Ok(samples)
    }

    /// The rows that were asked for, as columns of this schema.
    pub fn rows(&self, asked: &Asked, schema: &SchemaRef) -> Result<FileRows> {
        let read = self.read.iter().find(|(known, _)| known.covers(asked));
        let (_, FileRows { rows, kinds }) = read.ok_or_else(|| Error::internal("a file was not read"))?;
        let len = rows.num_rows().min(usize::try_from(asked.most).unwrap_or(usize::MAX));
        let column = |field: &arrow::datatypes::FieldRef| {
            let column = rows.column_by_name(field.name());
            let column = column.ok_or_else(|| Error::internal(format!("column \"{}\" got lost", field.name())))?;
            Ok(column.slice(0, len))
        };
        let columns = schema.fields().iter().map(column).collect::<Result<Vec<_>>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(len));
        Ok(FileRows {
            rows: RecordBatch::try_new_with_options(schema.clone(), columns, &options)?,
            kinds: kinds.as_ref().map(|kinds| kinds[..len].to_vec()),
        })
    }
}
