//! A batch of rows with what each does.

use std::sync::Arc;

use arrow::array::{Array, BooleanArray, UInt32Array};
use arrow::compute::{filter_record_batch, take_record_batch};
use arrow::record_batch::RecordBatch;

use super::rejects::{ErrorHandling, Stage};
use super::{Origin, RowKind};
use crate::error::{Error, Result};

/// A `RecordBatch` with one [`RowKind`] per row; absent kinds mean that every row is an insert.
///
/// Where both halves of an update are in one batch they are neighbours, and no batch is cut between them.
#[derive(Debug, Clone)]
pub struct ChangelogBatch {
    rows: RecordBatch,
    kinds: Option<Arc<[RowKind]>>,
    /// Where a table of theirs says what becomes of rows that can't be processed.
    origin: Option<Origin>,
}

impl ChangelogBatch {
    /// Rows that are all inserts.
    pub fn inserts(rows: RecordBatch) -> Self {
        Self { rows, kinds: None, origin: None }
    }

    /// Rows with their kinds, one each.
    ///
    /// # Panics
    /// When the counts differ: the caller built both.
    pub fn new(rows: RecordBatch, kinds: Vec<RowKind>) -> Self {
        assert_eq!(rows.num_rows(), kinds.len(), "one row kind per row");
        if kinds.iter().all(|k| *k == RowKind::Insert) {
            return Self::inserts(rows);
        }
        Self { rows, kinds: Some(kinds.into()), origin: None }
    }

    /// Rows with their kinds, or inserts where there are none.
    pub fn of_kinds(rows: RecordBatch, kinds: Option<Vec<RowKind>>) -> Self {
        match kinds {
            Some(kinds) => Self::new(rows, kinds),
            None => Self::inserts(rows),
        }
    }

    /// The same rows with where they come from.
    pub fn with_origin(mut self, origin: Option<Origin>) -> Self {
        self.origin = origin;
        self
    }

    /// Where the rows come from, if rejected rows don't fail the job.
    pub fn origin(&self) -> Option<&Origin> {
        self.origin.as_ref()
    }

    /// What becomes of rejected rows: as `errors` says, or where that says nothing, as the table that they were read from.
    pub fn handling<'a>(&'a self, errors: &'a ErrorHandling) -> &'a ErrorHandling {
        match (errors, &self.origin) {
            (ErrorHandling::Unset, Some(origin)) => origin.handling(),
            (errors, _) => errors,
        }
    }

    /// Rejects one of the rows: as `errors` says, or where that says nothing, as the table that it was read from.
    ///
    /// # Errors
    /// `error`, where rejected rows fail the job.
    pub fn reject(&self, errors: &ErrorHandling, row: usize, stage: Stage, error: Error) -> Result<()> {
        match (errors, &self.origin) {
            (ErrorHandling::Unset, Some(origin)) => origin.reject(row, stage, error),
            (errors, origin) => {
                errors.reject(stage, error, || origin.as_ref().map(|origin| origin.record(row)).unwrap_or_default())
            }
        }
    }

    /// True where a rejected row doesn't fail the job.
    pub fn may_reject(&self, errors: &ErrorHandling) -> bool {
        match errors {
            ErrorHandling::Unset => self.origin.is_some(),
            errors => errors.handles(),
        }
    }

    pub fn rows(&self) -> &RecordBatch {
        &self.rows
    }

    pub fn into_rows(self) -> RecordBatch {
        self.rows
    }

    pub fn num_rows(&self) -> usize {
        self.rows.num_rows()
    }

    pub fn is_empty(&self) -> bool {
        self.num_rows() == 0
    }

    /// One kind per row, or `None` where all are inserts.
    pub fn kinds(&self) -> Option<&[RowKind]> {
        self.kinds.as_deref()
    }

    pub fn kind(&self, row: usize) -> RowKind {
        self.kinds.as_ref().map_or(RowKind::Insert, |k| k[row])
    }

    /// The same kinds over other columns (a projection).
    pub fn with_rows(&self, rows: RecordBatch) -> Self {
        debug_assert_eq!(rows.num_rows(), self.num_rows(), "a projection keeps its rows");
        Self { rows, kinds: self.kinds.clone(), origin: self.origin.clone() }
    }

    /// The rows where `mask` is true; NULL is not true.
    pub fn filter(&self, mask: &BooleanArray) -> Result<Self> {
        let rows = filter_record_batch(&self.rows, mask)?;
        let kinds = self.kinds.as_ref().map(|kinds| {
            kinds.iter().enumerate().filter(|(i, _)| mask.is_valid(*i) && mask.value(*i)).map(|(_, k)| *k).collect()
        });
        let origin = self.origin.as_ref().map(|origin| origin.filter(mask)).transpose()?;
        Ok(Self { rows, kinds, origin })
    }

    /// The rows at `indices`, in that order.
    pub fn take(&self, indices: &UInt32Array) -> Result<Self> {
        let rows = take_record_batch(&self.rows, indices)?;
        let kinds = self.kinds.as_ref().map(|kinds| indices.values().iter().map(|i| kinds[*i as usize]).collect());
        let origin = self.origin.as_ref().map(|origin| origin.take(indices)).transpose()?;
        Ok(Self { rows, kinds, origin })
    }

    /// `length` rows from `offset`, sharing memory.
    pub fn slice(&self, offset: usize, length: usize) -> Self {
        Self {
            rows: self.rows.slice(offset, length),
            kinds: self.kinds.as_ref().map(|k| k[offset..offset + length].into()),
            origin: self.origin.as_ref().map(|origin| origin.slice(offset, length)),
        }
    }

    /// Bytes that the rows keep alive.
    pub fn memory_size(&self) -> usize {
        self.rows.get_array_memory_size() + self.kinds.as_ref().map_or(0, |k| k.len())
    }
}
