//! Rows to messages: an added row is a creation, a row that is taken back a deletion.

use arrow::record_batch::RecordBatch;

use crate::changelog::RowKind;
use crate::formats::json::JsonEncoder;
use crate::formats::{Encoder, FormatError, Messages};

/// Writes each row in an envelope.
#[derive(Debug)]
pub(super) struct DebeziumEncoder {
    rows: JsonEncoder,
    /// Leave out the side that is NULL, too.
    ignore_nulls: bool,
}

impl DebeziumEncoder {
    pub fn new(rows: JsonEncoder, ignore_nulls: bool) -> Self {
        Self { rows, ignore_nulls }
    }

    fn encode_as(
        &self,
        rows: &RecordBatch,
        is_addition: impl Fn(usize) -> bool,
        out: &mut Messages,
    ) -> Result<(), FormatError> {
        let around = |row: usize| match (is_addition(row), self.ignore_nulls) {
            (true, false) => (r#"{"before":null,"after":"#, r#","op":"c"}"#),
            (true, true) => (r#"{"after":"#, r#","op":"c"}"#),
            (false, false) => (r#"{"before":"#, r#","after":null,"op":"d"}"#),
            (false, true) => (r#"{"before":"#, r#","op":"d"}"#),
        };
        self.rows.encode_between(rows, around, out)
    }
}

impl Encoder for DebeziumEncoder {
    fn encode(&mut self, rows: &RecordBatch, out: &mut Messages) -> Result<(), FormatError> {
        self.encode_as(rows, |_| true, out)
    }

    fn encode_changes(&mut self, rows: &RecordBatch, kinds: &[RowKind], out: &mut Messages) -> Result<(), FormatError> {
        self.encode_as(rows, |row| kinds[row].is_addition(), out)
    }
}
