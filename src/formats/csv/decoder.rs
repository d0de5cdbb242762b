//! Lines to rows.

use arrow::datatypes::SchemaRef;
use arrow::record_batch::{RecordBatch, RecordBatchOptions};

use super::Rules;
use super::cells::Cells;
use super::convert::Converter;
use crate::error::Result;
use crate::formats::column::Column;
use crate::formats::{Decoder, FormatError};
use crate::types::Schema;

/// Appends the row of each line.
#[derive(Debug)]
pub(super) struct CsvDecoder {
    // What to read.
    rules: Rules,
    schema: SchemaRef,
    names: Vec<String>,
    /// For each column the position of its cell.
    projection: Vec<usize>,
    // What was read.
    cells: Cells,
    columns: Vec<Column>,
    rows: usize,
    undecodable: u64,
}

impl CsvDecoder {
    pub fn new(schema: &Schema, projection: &[usize], rules: Rules) -> Result<Self> {
        let read = schema.project(projection);
        Ok(Self {
            rules,
            schema: read.arrow(),
            names: schema.names().map(str::to_string).collect(),
            projection: projection.to_vec(),
            cells: Cells::default(),
            columns: read.fields.iter().map(|f| Column::new(&f.ty)).collect::<Result<_>>()?,
            rows: 0,
            undecodable: 0,
        })
    }

    fn read(&mut self, message: &[u8]) -> Result<(), FormatError> {
        let line = std::str::from_utf8(message)
            .map_err(|e| FormatError::new(format!("not a CSV line: invalid UTF-8 at byte {}", e.valid_up_to())))?;
        self.cells.split(line, &self.rules)?;
        let (came, expected) = (self.cells.len(), self.names.len());
        if came > expected || (came < expected && !self.rules.ignore_errors) {
            let cells = if came == 1 { "cell" } else { "cells" };
            return Err(FormatError::new(format!("the line has {came} {cells}, expected {expected}")));
        }
        let mut converter = Converter { rules: &self.rules, nulled: (came < expected) as u64 };
        for (column, position) in self.columns.iter_mut().zip(&self.projection) {
            converter
                .cell(column, self.cells.get(*position))
                .map_err(|problem| FormatError::new(format!("field \"{}\" {problem}", self.names[*position])))?;
        }
        self.undecodable += converter.nulled;
        self.rows += 1;
        Ok(())
    }
}

impl Decoder for CsvDecoder {
    fn decode(&mut self, message: &[u8]) -> Result<usize, FormatError> {
        let nothing = message.is_empty() && !self.rules.lines;
        if nothing || (self.rules.comments && message.first() == Some(&b'#')) {
            return Ok(0);
        }
        let Err(error) = self.read(message) else {
            return Ok(1);
        };
        let rows = self.rows;
        self.columns.iter_mut().for_each(|c| c.truncate(rows));
        if self.rules.ignore_errors {
            self.undecodable += 1;
            return Ok(0);
        }
        let empty = match error.message.contains("is \"\", expected ") {
            true => format!("Set '{}null-literal' = '' to read empty cells as NULL. ", self.rules.prefix),
            false => String::new(),
        };
        Err(error.with_hint(format!(
            "{empty}Set '{}ignore-parse-errors' = 'true' to read such cells as NULL and skip lines that are no CSV; the job's lines count them as undecodable.",
            self.rules.prefix
        )))
    }

    fn len(&self) -> usize {
        self.rows
    }

    fn is_full(&self) -> bool {
        self.columns.iter().any(Column::is_full)
    }

    fn finish(&mut self) -> Result<RecordBatch> {
        let options = RecordBatchOptions::new().with_row_count(Some(std::mem::take(&mut self.rows)));
        let columns = self.columns.iter_mut().map(Column::finish).collect::<Result<Vec<_>>>()?;
        Ok(RecordBatch::try_new_with_options(self.schema.clone(), columns, &options)?)
    }

    fn undecodable(&self) -> u64 {
        self.undecodable
    }
}
