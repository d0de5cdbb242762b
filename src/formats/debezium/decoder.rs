//! Messages to rows: a message is a row of `before`, `after`, `op` and what metadata needs, decoded as JSON is.

use arrow::array::{Array, ArrayRef, AsArray, UInt32Array};
use arrow::compute::interleave;
use arrow::datatypes::SchemaRef;
use arrow::record_batch::{RecordBatch, RecordBatchOptions};

use super::metadata::{MessageField, Metadata};
use crate::changelog::RowKind;
use crate::error::{Error, Result};
use crate::formats::column::{Column, Values};
use crate::formats::json::{JsonDecoder, Rules};
use crate::formats::{Decoder, FormatError};
use crate::types::{Field, RowField, Schema, SqlType, TypeKind};

/// Where the parts of every message stand in its payload.
const BEFORE: usize = 0;
const AFTER: usize = 1;
const OP: usize = 2;

/// Appends the rows of changes.
#[derive(Debug)]
pub(super) struct DebeziumDecoder {
    // What to read.
    schema: SchemaRef,
    outputs: Vec<Output>,
    /// The payload is a field of the message.
    wrapped: bool,
    ignore_errors: bool,
    /// `debezium-json.`, for hints.
    prefix: String,
    // What was read.
    messages: JsonDecoder,
    /// For each row its message, and on which side of the change it stands.
    rows: Vec<(usize, usize)>,
    kinds: Vec<RowKind>,
    undecodable: u64,
}

/// What a column is made of.
#[derive(Debug, Clone, Copy)]
enum Output {
    /// A column of the table, at its place in `before` and `after`.
    Field(usize),
    /// With the place of its field in the message, or in the payload.
    Metadata(Metadata, Place),
}

#[derive(Debug, Clone, Copy)]
enum Place {
    Message(usize),
    Payload(usize),
}

impl DebeziumDecoder {
    /// `projection` counts the columns of `schema`, then [`Metadata::ALL`].
    pub fn try_new(schema: &Schema, projection: &[usize], wrapped: bool, rules: Rules) -> Result<Self> {
        let (mut fields, mut more): (Vec<usize>, Vec<MessageField>) = (Vec::new(), Vec::new());
        let mut out = Vec::with_capacity(projection.len());
        for &column in projection {
            if let Some(metadata) = column.checked_sub(schema.len()) {
                let metadata = *Metadata::ALL.get(metadata).ok_or_else(|| Error::internal("unknown metadata"))?;
                if !more.contains(&metadata.field()) {
                    more.push(metadata.field());
                }
                out.push(Field::new(metadata.key(), metadata.ty()));
            } else {
                if !fields.contains(&column) {
                    fields.push(column);
                }
                out.push(schema.fields[column].clone());
            }
        }
        // The schema stands beside the payload, where that is a field of its own.
        let (beside, inside): (Vec<_>, Vec<_>) = more.into_iter().partition(|f| wrapped && *f == MessageField::Schema);
        let message_fields = |fields: &[MessageField]| -> Vec<RowField> {
            fields.iter().map(|field| row_field(field.name(), field.ty())).collect()
        };
        let row = fields.iter().map(|&i| row_field(&schema.fields[i].name, schema.fields[i].ty.clone())).collect();
        let row = SqlType::nullable(TypeKind::Row(row));
        let mut payload =
            vec![row_field("before", row.clone()), row_field("after", row), row_field("op", SqlType::string())];
        payload.extend(message_fields(&inside));
        let message = match wrapped {
            false => payload,
            true => {
                let mut message = vec![row_field("payload", SqlType::nullable(TypeKind::Row(payload)))];
                message.extend(message_fields(&beside));
                message
            }
        };
        let outputs = projection.iter().map(|&column| match column.checked_sub(schema.len()) {
            None => Output::Field(fields.iter().position(|field| *field == column).unwrap_or(0)),
            Some(metadata) => {
                let metadata = Metadata::ALL[metadata];
                let at = |fields: &[MessageField]| fields.iter().position(|field| *field == metadata.field());
                let place = match at(&beside) {
                    Some(i) => Place::Message(1 + i),
                    None => Place::Payload(OP + 1 + at(&inside).unwrap_or(0)),
                };
                Output::Metadata(metadata, place)
            }
        });
        let outputs = outputs.collect();
        let message: Schema = message.into_iter().map(|field| Field::new(field.name, field.ty)).collect();
        let all: Vec<usize> = (0..message.len()).collect();
        Ok(Self {
            schema: Schema::new(out).arrow(),
            outputs,
            wrapped,
            ignore_errors: rules.ignore_errors,
            prefix: rules.prefix.clone(),
            messages: JsonDecoder::new(&message, &all, rules)?.within(schema),
            rows: Vec::new(),
            kinds: Vec::new(),
            undecodable: 0,
        })
    }

    /// The fields of the payload of a message.
    fn payload(&self, message: usize) -> Result<&[Column], FormatError> {
        let columns = self.messages.columns();
        match (self.wrapped, columns.first()) {
            (false, _) => Ok(columns),
            (true, Some(Column { values: Values::Row(fields), .. })) if !columns[0].is_null(message) => Ok(fields),
            _ => Err(self.no_change("field \"payload\" is missing or NULL".to_string())),
        }
    }

    /// Which sides of a message are rows, and of which kinds.
    fn change(&self, message: usize) -> Result<&'static [(usize, RowKind)], FormatError> {
        let payload = self.payload(message)?;
        let [before, after] = [&payload[BEFORE], &payload[AFTER]].map(|side| !side.is_null(message));
        let op = payload[OP].bytes(message).map(String::from_utf8_lossy);
        let lacks = |side: &str, op: &str| FormatError::new(format!("the \"{side}\" field of {op} message is null"));
        match op.as_deref() {
            Some("c" | "r") if after => Ok(&[(AFTER, RowKind::Insert)]),
            Some("c" | "r") => Err(self.messages.with_hint(lacks("after", "CREATE"))),
            Some("u") if before && after => Ok(&[(BEFORE, RowKind::UpdateBefore), (AFTER, RowKind::UpdateAfter)]),
            Some("u") if before => Err(self.messages.with_hint(lacks("after", "UPDATE"))),
            Some("u") => Err(lacks("before", "UPDATE").with_hint(REPLICA_IDENTITY)),
            Some("d") if before => Ok(&[(BEFORE, RowKind::Delete)]),
            Some("d") => Err(lacks("before", "DELETE").with_hint(REPLICA_IDENTITY)),
            Some(other) => Err(self.messages.with_hint(FormatError::new(format!("unknown \"op\" value \"{other}\"")))),
            None => Err(self.no_change("field \"op\" is missing or NULL".to_string())),
        }
    }

    fn no_change(&self, why: String) -> FormatError {
        let (prefix, value) = (&self.prefix, !self.wrapped);
        let which = if value { "with" } else { "without" };
        FormatError::new(why).with_hint(format!(
            "Set '{prefix}schema-include' = '{value}' for messages {which} a schema, or '{prefix}ignore-parse-errors' = 'true' to skip messages that are no changes."
        ))
    }

    /// The values of a column of the table.
    fn field(&self, before: &ArrayRef, after: &ArrayRef) -> Result<ArrayRef> {
        let is_whole =
            self.rows.iter().enumerate().all(|(i, row)| *row == (i, AFTER)) && self.rows.len() == after.len();
        if is_whole {
            return Ok(after.clone());
        }
        let places: Vec<(usize, usize)> = self.rows.iter().map(|(message, side)| (*side, *message)).collect();
        Ok(interleave(&[before.as_ref(), after.as_ref()], &places)?)
    }
}

/// What can be done where the row before a change is missing.
const REPLICA_IDENTITY: &str = "If you are using the Debezium PostgreSQL connector, check that the PostgreSQL table has been set REPLICA IDENTITY to FULL level.";

fn row_field(name: &str, ty: SqlType) -> RowField {
    RowField { name: name.into(), ty, comment: None }
}

impl Decoder for DebeziumDecoder {
    fn decode(&mut self, message: &[u8]) -> Result<usize, FormatError> {
        let (first, rows) = (self.messages.len(), self.rows.len());
        let count = self.messages.decode(message)?;
        for message in first..first + count {
            match self.change(message) {
                Ok(sides) => {
                    self.rows.extend(sides.iter().map(|(side, _)| (message, *side)));
                    self.kinds.extend(sides.iter().map(|(_, kind)| *kind));
                }
                Err(_) if self.ignore_errors => self.undecodable += 1,
                Err(error) => {
                    self.messages.truncate(first);
                    self.rows.truncate(rows);
                    self.kinds.truncate(rows);
                    return Err(error);
                }
            }
        }
        Ok(self.rows.len() - rows)
    }

    fn len(&self) -> usize {
        self.rows.len()
    }

    fn is_full(&self) -> bool {
        self.messages.is_full()
    }

    fn take_kinds(&mut self) -> Option<Vec<RowKind>> {
        Some(std::mem::take(&mut self.kinds))
    }

    fn finish(&mut self) -> Result<RecordBatch> {
        let messages = self.messages.finish()?;
        let payload = match self.wrapped {
            true => messages.column(0).as_struct().columns(),
            false => messages.columns(),
        };
        let (before, after) = (payload[BEFORE].as_struct(), payload[AFTER].as_struct());
        let of_row = UInt32Array::from_iter_values(self.rows.iter().map(|(message, _)| *message as u32));
        let columns = self.outputs.iter().map(|output| match *output {
            Output::Field(i) => self.field(before.column(i), after.column(i)),
            Output::Metadata(metadata, Place::Message(i)) => metadata.column(messages.column(i), &of_row),
            Output::Metadata(metadata, Place::Payload(i)) => metadata.column(&payload[i], &of_row),
        });
        let columns = columns.collect::<Result<Vec<_>>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(self.rows.len()));
        self.rows.clear();
        self.kinds.clear();
        Ok(RecordBatch::try_new_with_options(self.schema.clone(), columns, &options)?)
    }

    fn undecodable(&self) -> u64 {
        self.undecodable + self.messages.undecodable()
    }
}
