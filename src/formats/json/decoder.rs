//! Messages to rows: the scanner first, the general parser where it gives up.

use arrow::datatypes::SchemaRef;
use arrow::record_batch::{RecordBatch, RecordBatchOptions};
use serde_json::value::RawValue;

use super::Rules;
use super::convert::Converter;
use super::cursor::Cursor;
use super::document::{Document, Node};
use super::scanner::scan_row;
use super::shape::Keys;
use crate::error::Result;
use crate::formats::column::Column;
use crate::formats::{Decoder, FormatError};
use crate::types::{Schema, SqlType, TypeKind};

/// Appends the rows of JSON messages.
#[derive(Debug)]
pub(in crate::formats) struct JsonDecoder {
    // What to read.
    rules: Rules,
    schema: SchemaRef,
    /// For each column that is handed out its position in `columns`.
    outputs: Vec<usize>,
    exact: bool,
    // What was read.
    columns: Vec<Column>,
    keys: Keys,
    rows: usize,
    undecodable: u64,
}

impl JsonDecoder {
    pub fn new(schema: &Schema, projection: &[usize], rules: Rules) -> Result<Self> {
        let mut wanted: Vec<usize> = Vec::new();
        let mut outputs = Vec::with_capacity(projection.len());
        for column in projection {
            let known = wanted.iter().position(|w| w == column);
            outputs.push(known.unwrap_or(wanted.len()));
            if known.is_none() {
                wanted.push(*column);
            }
        }
        let read = schema.project(&wanted);
        Ok(Self {
            rules,
            schema: schema.project(projection).arrow(),
            outputs,
            exact: schema.fields.iter().any(|f| has_decimal(&f.ty)),
            columns: read.fields.iter().map(|f| Column::new(&f.ty)).collect::<Result<_>>()?,
            keys: Keys::new(read.fields.iter().map(|f| (f.name.as_str(), &f.ty))),
            rows: 0,
            undecodable: 0,
        })
    }

    /// As one of a table of the `whole` schema, in which there may be decimals that are not read.
    pub fn within(mut self, whole: &Schema) -> Self {
        self.exact |= whole.fields.iter().any(|f| has_decimal(&f.ty));
        self
    }

    /// The columns so far, in the order of the projection without repetitions.
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// Forgets the rows behind the first `rows`.
    pub fn truncate(&mut self, rows: usize) {
        self.rows = rows;
        self.cut_back();
    }

    /// Adds to an error what can be done.
    pub fn with_hint(&self, error: FormatError) -> FormatError {
        let prefix = &self.rules.prefix;
        let hint = match self.rules.fail_on_missing {
            true if error.message.ends_with(" is missing") => {
                format!("Set '{prefix}fail-on-missing-field' = 'false' to read missing fields as NULL.")
            }
            _ => format!(
                "Set '{prefix}ignore-parse-errors' = 'true' to read such fields as NULL and skip messages that are no JSON; the job's lines count them as undecodable."
            ),
        };
        error.with_hint(hint)
    }

    /// The fast way; false where it gave up, with everything as it was.
    fn scan(&mut self, message: &[u8]) -> bool {
        // Mostly it is ASCII, which is quicker to see.
        if !message.is_ascii() && std::str::from_utf8(message).is_err() {
            return false;
        }
        let mut cursor = Cursor::new(message);
        cursor.skip_space();
        let scanned = scan_row(&mut cursor, &mut self.columns, &mut self.keys, &self.rules).is_ok();
        if scanned {
            self.rows += 1;
        } else {
            self.cut_back();
        }
        scanned
    }

    /// Forgets rows that were begun behind the last whole one.
    fn cut_back(&mut self) {
        let rows = self.rows;
        self.columns.iter_mut().for_each(|c| c.truncate(rows));
    }

    /// The general way, for one message.
    #[cold]
    pub fn decode_generally(&mut self, message: &[u8]) -> Result<usize, FormatError> {
        let before = self.rows;
        match self.convert(message) {
            Ok(()) => Ok(self.rows - before),
            Err(_) if self.rules.ignore_errors => {
                self.undecodable += 1;
                Ok(self.rows - before)
            }
            Err(error) => {
                self.truncate(before);
                Err(self.with_hint(error))
            }
        }
    }

    fn convert(&mut self, message: &[u8]) -> Result<(), FormatError> {
        let document = Document::new(message)?;
        let value = document.value()?;
        match value.get().starts_with('[') {
            true => match Node::of(value)? {
                Node::Array(items) => items.into_iter().try_for_each(|item| self.convert_row(item)),
                _ => self.convert_row(value),
            },
            false => self.convert_row(value),
        }
    }

    /// Appends one object; where errors are ignored and it can't be, nothing.
    fn convert_row(&mut self, value: &RawValue) -> Result<(), FormatError> {
        let mut converter = Converter { rules: &self.rules, exact: self.exact, nulled: 0 };
        let done = converter.row(&mut self.columns, &self.keys, value);
        self.undecodable += converter.nulled;
        match done {
            Ok(()) => self.rows += 1,
            Err(_) if self.rules.ignore_errors => {
                self.undecodable += 1;
                self.cut_back();
            }
            Err(misfit) => {
                self.cut_back();
                return Err(misfit.into());
            }
        }
        Ok(())
    }
}

impl Decoder for JsonDecoder {
    fn decode(&mut self, message: &[u8]) -> Result<usize, FormatError> {
        if message.is_empty() {
            return Ok(0);
        }
        if self.scan(message) {
            return Ok(1);
        }
        self.decode_generally(message)
    }

    fn len(&self) -> usize {
        self.rows
    }

    fn is_full(&self) -> bool {
        self.columns.iter().any(Column::is_full)
    }

    fn finish(&mut self) -> Result<RecordBatch> {
        let options = RecordBatchOptions::new().with_row_count(Some(std::mem::take(&mut self.rows)));
        let arrays = self.columns.iter_mut().map(Column::finish).collect::<Result<Vec<_>>>()?;
        let columns = self.outputs.iter().map(|i| arrays[*i].clone()).collect();
        Ok(RecordBatch::try_new_with_options(self.schema.clone(), columns, &options)?)
    }

    fn undecodable(&self) -> u64 {
        self.undecodable
    }
}

fn has_decimal(ty: &SqlType) -> bool {
    match &ty.kind {
        TypeKind::Decimal { .. } => true,
        TypeKind::Array(element) | TypeKind::Multiset(element) => has_decimal(element),
        TypeKind::Map(_, value) => has_decimal(value),
        TypeKind::Row(fields) => fields.iter().any(|f| has_decimal(&f.ty)),
        _ => false,
    }
}
