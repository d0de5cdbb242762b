//! Rows whose delivery is not reported yet, kept while they may have to be rejected.
//!
//! A broker refuses a set of records as a whole, though one of them be the cause: refused rows are sent once more, each
//! alone, and only those refused again are rejected.

use std::collections::VecDeque;

use arrow::array::UInt32Array;
use arrow::record_batch::RecordBatch;
use rdkafka::error::RDKafkaErrorCode;

use super::produce::{Outcome, Tag};
use crate::changelog::ChangelogBatch;

/// Sent rows in the order they were sent.
#[derive(Default)]
pub struct Deliveries {
    sent: VecDeque<Sent>,
    last_tag: usize,
}

struct Sent {
    /// The tag of the first row; those of the others follow.
    first: usize,
    batch: ChangelogBatch,
    rows: RecordBatch,
    /// For each of `rows` its row in `batch`.
    of: UInt32Array,
    /// Rows not reported yet.
    open: usize,
    alone: bool,
}

/// A row that the broker does not take.
pub struct Refused {
    pub batch: ChangelogBatch,
    pub row: usize,
    /// The row as it was written.
    pub rows: RecordBatch,
    /// True where it was sent without company.
    pub alone: bool,
    pub code: RDKafkaErrorCode,
}

impl Deliveries {
    pub fn is_empty(&self) -> bool {
        self.sent.is_empty()
    }

    /// Keeps rows that are about to be sent; gives the tag of the first.
    pub fn add(&mut self, batch: ChangelogBatch, rows: RecordBatch, of: UInt32Array) -> Tag {
        self.push(batch, rows, of, false)
    }

    /// Keeps a refused row that is about to be sent alone.
    pub fn add_alone(&mut self, refused: Refused) -> Tag {
        self.push(refused.batch, refused.rows, UInt32Array::from(vec![refused.row as u32]), true)
    }

    fn push(&mut self, batch: ChangelogBatch, rows: RecordBatch, of: UInt32Array, alone: bool) -> Tag {
        let (first, open) = (self.last_tag + 1, rows.num_rows());
        self.last_tag += open;
        if open > 0 {
            self.sent.push_back(Sent { first, batch, rows, of, open, alone });
        }
        Tag::new(first)
    }

    /// Takes in what became of a row; gives it back where it was refused. `Err` for a row that nobody knows.
    pub fn settle(&mut self, outcome: &Outcome) -> Result<Option<Refused>, RDKafkaErrorCode> {
        let tag = outcome.tag.number();
        // They are in the order of their tags.
        let at = self.sent.partition_point(|sent| sent.first + sent.rows.num_rows() <= tag);
        let found = self.sent.get_mut(at).filter(|sent| sent.first <= tag);
        let Some(sent) = found else { return outcome.code.map_or(Ok(None), Err) };
        sent.open -= 1;
        let refused = outcome.code.map(|code| {
            let at = tag - sent.first;
            let row = sent.of.value(at) as usize;
            Refused { batch: sent.batch.clone(), row, rows: sent.rows.slice(at, 1), alone: sent.alone, code }
        });
        while self.sent.front().is_some_and(|sent| sent.open == 0) {
            self.sent.pop_front();
        }
        Ok(refused)
    }
}

/// True where the broker finds fault with a record, not with the client or itself.
pub fn is_refusal(code: RDKafkaErrorCode) -> bool {
    use RDKafkaErrorCode as Code;
    matches!(
        code,
        Code::MessageSizeTooLarge
            | Code::InvalidMessage
            | Code::InvalidMessageSize
            | Code::InvalidRecord
            | Code::InvalidDifferentRecord
            | Code::InvalidTimestamp
            | Code::PolicyViolation
            | Code::MessageBatchTooLarge
    )
}
