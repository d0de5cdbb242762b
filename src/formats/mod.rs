//! Bytes to rows and back.
//!
//! A [`Decoder`] turns messages straight into Arrow columns, only those the plan needs; an [`Encoder`] turns a batch
//! into messages in one buffer. Both know SQL types, not connectors. Of most formats every row is an insert; those of
//! changes give and take a row kind per row.

pub(crate) mod column;
pub mod csv;
pub mod debezium;
pub mod json;
mod number;
mod options;
pub mod raw;
mod registry;
mod table;
pub(crate) mod temporal;
#[cfg(test)]
pub(crate) mod testing;

pub use options::FormatOptions;
pub use registry::{all, find};
pub use table::{FormatRole, TableFormat, metadata, option_specs};

use arrow::record_batch::RecordBatch;

use crate::changelog::RowKind;
use crate::connectors::options::{OptionSpec, RawOptions};
use crate::error::{Error, Result};
use crate::types::{Schema, SqlType};

/// Decodes messages of one format into rows of a fixed schema.
pub trait Decoder: Send {
    /// Appends the rows of one message and says how many: none (a null or empty message, or one the options skip),
    /// one, or several. On an error nothing of the message is appended.
    fn decode(&mut self, message: &[u8]) -> Result<usize, FormatError>;

    /// As [`Decoder::decode`] for a null message: no row, unless the format has a meaning for it (`raw`).
    fn decode_null(&mut self) -> Result<usize, FormatError> {
        Ok(0)
    }

    /// Rows appended since the last `finish`.
    fn len(&self) -> usize;

    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// True when the rows so far should be taken with `finish` before more is decoded: their texts near what one
    /// Arrow column can hold.
    fn is_full(&self) -> bool {
        false
    }

    /// What each row appended so far does, to be taken before `finish`; `None` where all are inserts.
    fn take_kinds(&mut self) -> Option<Vec<RowKind>> {
        None
    }

    /// The rows appended so far, as columns of the schema; the decoder is empty afterwards.
    fn finish(&mut self) -> Result<RecordBatch>;

    /// Messages that were skipped, and fields that were set to NULL, because they could not be decoded and the
    /// options say to go on.
    fn undecodable(&self) -> u64 {
        0
    }
}

/// Encodes rows of a fixed schema into messages of one format.
pub trait Encoder: Send {
    /// Appends one message per row of `rows` to `out`.
    fn encode(&mut self, rows: &RecordBatch, out: &mut Messages) -> Result<(), FormatError>;

    /// As [`Encoder::encode`] for rows that do what `kinds` says, one each. Only formats of changes take such.
    fn encode_changes(
        &mut self,
        _rows: &RecordBatch,
        _kinds: &[RowKind],
        _out: &mut Messages,
    ) -> Result<(), FormatError> {
        Err(FormatError::new("the format has no updates and deletes"))
    }
}

/// Messages in one buffer; a message may be null (`raw` writes NULL as null).
#[derive(Debug, Default)]
pub struct Messages {
    pub buffer: Vec<u8>,
    /// The end of each message in `buffer`; it starts where the one before ends.
    ends: Vec<usize>,
    /// Positions of null messages, ascending.
    nulls: Vec<usize>,
}

impl Messages {
    pub fn new() -> Self {
        Self::default()
    }

    /// Ends the message whose bytes were appended to `buffer` since the last one ended.
    pub fn end_message(&mut self) {
        self.ends.push(self.buffer.len());
    }

    /// Adds a null message.
    pub fn push_null(&mut self) {
        self.nulls.push(self.ends.len());
        self.ends.push(self.buffer.len());
    }

    pub fn len(&self) -> usize {
        self.ends.len()
    }

    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The bytes of message `i`; `None` for a null message.
    pub fn get(&self, i: usize) -> Option<&[u8]> {
        if self.nulls.binary_search(&i).is_ok() {
            return None;
        }
        let start = if i == 0 { 0 } else { self.ends[i - 1] };
        Some(&self.buffer[start..self.ends[i]])
    }

    pub fn clear(&mut self) {
        self.buffer.clear();
        self.ends.clear();
        self.nulls.clear();
    }
}

/// Why a message can't be decoded or a row can't be encoded. The connector adds where it came from.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct FormatError {
    /// `field "price" is "abc", expected DOUBLE`
    pub message: String,
    /// What can be done, naming the option: `Set 'json.ignore-parse-errors' = 'true' to ...`
    pub hint: Option<String>,
    /// Where in the message it is, where that is known.
    pub place: Option<Place>,
}

/// A place in a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// A byte of its first line, counted from 1.
    Column(usize),
    /// A field, by the names from the outermost in.
    Field(Vec<String>),
}

impl FormatError {
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), hint: None, place: None }
    }

    pub fn at(mut self, place: Option<Place>) -> Self {
        self.place = place;
        self
    }

    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The data error that people see: `cannot decode record at topic "t", partition 3, offset 7: ...`.
    pub fn into_error(self, place: impl std::fmt::Display) -> Error {
        let error = Error::data(format!("{place}: {}", self.message));
        match self.hint {
            Some(hint) => error.with_hint(hint),
            None => error,
        }
    }
}

/// A format, found by the name that tables give in `'format' = '...'`.
pub trait Format: Send + Sync + std::fmt::Debug {
    fn name(&self) -> &'static str;

    /// Its options, without the format's name in front: `ignore-parse-errors`.
    fn options(&self) -> &'static [OptionSpec];

    /// True where rows may be updates and deletes, read and written; otherwise all are inserts.
    fn has_changes(&self) -> bool {
        false
    }

    /// What it reads beside the columns, and the types: `source.table`.
    fn metadata(&self) -> Vec<(&'static str, SqlType)> {
        Vec::new()
    }

    /// A description that makes decoders for `schema` (all physical columns that the format may fill).
    ///
    /// `options` are the format's own, prefix removed; `context` names the table and spells options in hints.
    fn decoding(
        &self,
        schema: &Schema,
        options: &RawOptions,
        context: &FormatContext,
    ) -> Result<Box<dyn DecodingFormat>>;

    fn encoding(
        &self,
        schema: &Schema,
        options: &RawOptions,
        context: &FormatContext,
    ) -> Result<Box<dyn EncodingFormat>>;
}

/// Checked decoding options.
pub trait DecodingFormat: Send + Sync + std::fmt::Debug {
    /// A decoder for the columns at `projection` of the schema, in that order; behind the schema's columns
    /// [`Format::metadata`] is counted. Positional formats still read past the others.
    fn decoder(&self, projection: &[usize]) -> Result<Box<dyn Decoder>>;

    /// The character between two of which a line feed does not end a message, in files of lines.
    fn quote(&self) -> Option<u8> {
        None
    }
}

/// Checked encoding options.
pub trait EncodingFormat: Send + Sync + std::fmt::Debug {
    /// An encoder for all columns of the schema.
    fn encoder(&self) -> Result<Box<dyn Encoder>>;
}

/// Who asks for a format.
#[derive(Debug, Clone)]
pub struct FormatContext {
    /// How messages name the table: `table "t" (connector "kafka")`.
    pub owner: String,
    /// What stands before the format's options in the table: `json.` or `value.json.`.
    pub prefix: String,
    pub zone: chrono_tz::Tz,
    /// True where messages are lines of files: csv and json end each with a line feed.
    pub lines: bool,
}
