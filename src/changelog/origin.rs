//! Which records the rows of a batch were made of, for rows that are rejected on their way.

use std::sync::Arc;

use arrow::array::AsArray;
use arrow::array::{BooleanArray, UInt32Array};
use arrow::compute::{filter, take};
use arrow::datatypes::UInt32Type;

use super::rejects::{ErrorHandling, Record, Records, Stage};
use crate::error::{Error, Result};

/// The rejection of a batch's rows: by the rules of the table they were read from, with the records they were made of.
#[derive(Debug, Clone)]
pub struct Origin {
    handling: ErrorHandling,
    records: Option<(Arc<dyn Records>, UInt32Array)>,
}

impl Origin {
    /// Rows whose records are not kept or not known.
    pub fn new(handling: ErrorHandling) -> Self {
        Self { handling, records: None }
    }

    /// Rows of which the record of each is at an index in `records`.
    pub fn with_records(handling: ErrorHandling, records: Arc<dyn Records>, index: UInt32Array) -> Self {
        Self { handling, records: Some((records, index)) }
    }

    /// The rules of the table that the rows were read from.
    pub fn handling(&self) -> &ErrorHandling {
        &self.handling
    }

    pub fn record(&self, row: usize) -> Record {
        match &self.records {
            Some((records, index)) => records.record(index.value(row) as usize),
            None => Record::default(),
        }
    }

    /// Rejects a row by the rules of the table it was read from. See [`ErrorHandling::reject`].
    pub fn reject(&self, row: usize, stage: Stage, error: Error) -> Result<()> {
        self.handling.reject(stage, error, || self.record(row))
    }

    pub(super) fn filter(&self, mask: &BooleanArray) -> Result<Self> {
        self.with_index(|index| Ok(filter(index, mask)?.as_primitive::<UInt32Type>().clone()))
    }

    /// Where each of these rows comes from.
    pub(crate) fn take(&self, rows: &UInt32Array) -> Result<Self> {
        self.with_index(|index| Ok(take(index, rows, None)?.as_primitive::<UInt32Type>().clone()))
    }

    pub(super) fn slice(&self, offset: usize, length: usize) -> Self {
        let records = self.records.as_ref().map(|(records, index)| (records.clone(), index.slice(offset, length)));
        Self { handling: self.handling.clone(), records }
    }

    fn with_index(&self, index: impl FnOnce(&UInt32Array) -> Result<UInt32Array>) -> Result<Self> {
        let records = match &self.records {
            Some((records, old)) => Some((records.clone(), index(old)?)),
            None => None,
        };
        Ok(Self { handling: self.handling.clone(), records })
    }
}
