//! The description of what rows to make.

use std::sync::Arc;

use async_trait::async_trait;

use super::generator::Generator;
use super::reader::DatagenReader;
use crate::connectors::{OpenContext, ScanRequest, Source, SourceReader, Split};
use crate::error::{Error, Result};
use crate::types::Schema;

/// Rows made up for a table's columns.
#[derive(Debug, Clone)]
pub(super) struct DatagenSource {
    pub schema: Schema,
    /// One for each column of `schema`.
    pub generators: Arc<[Generator]>,
    /// How many rows there are, where they end.
    pub rows: Option<u64>,
    pub rows_per_second: usize,
    pub parallelism: Option<usize>,
}

/// A split's place: it makes the rows `number`, `number + of`, `number + 2 * of` ...
#[derive(Debug, Clone, Copy)]
pub(super) struct Share {
    pub number: u64,
    pub of: u64,
    /// How many of its rows were made before.
    pub made: u64,
}

impl Share {
    pub fn split(self) -> Split {
        Split { id: format!("{}-of-{}", self.number + 1, self.of), position: self.made.to_string() }
    }

    fn parse(split: &Split) -> Result<Self> {
        let parts =
            split.id.split_once("-of-").and_then(|(n, of)| Some((n.parse::<u64>().ok()?, of.parse::<u64>().ok()?)));
        match (parts, split.position.parse()) {
            (Some((n, of)), Ok(made)) if (1..=of).contains(&n) => Ok(Self { number: n - 1, of, made }),
            _ => Err(Error::state(format!("'{}' at '{}' is no split of a datagen table", split.id, split.position))),
        }
    }
}

#[async_trait]
impl Source for DatagenSource {
    fn is_bounded(&self) -> bool {
        self.rows.is_some()
    }

    fn place_of(&self, table: &str, split: &str, position: &str) -> String {
        let rows = if position == "1" { "row" } else { "rows" };
        let made = format!("{table} behind {position} generated {rows}");
        match split.split_once("-of-") {
            Some((_, "1")) | None => made,
            Some((part, of)) => format!("{made} (part {part} of {of})"),
        }
    }

    fn narrow(&self, scan: ScanRequest) -> Result<Arc<dyn Source>> {
        let limit = scan.limit.map(|limit| limit as u64);
        Ok(Arc::new(Self {
            schema: self.schema.project(&scan.projection),
            generators: scan.projection.iter().map(|i| self.generators[*i].clone()).collect(),
            rows: self.rows.into_iter().chain(limit).min(),
            ..self.clone()
        }))
    }

    fn describe(&self) -> String {
        let mut text = format!("rows-per-second={}", self.rows_per_second);
        if let Some(rows) = self.rows {
            text.push_str(&format!(", rows={rows}"));
        }
        text
    }

    fn parallelism(&self) -> Option<usize> {
        self.parallelism
    }

    async fn splits(&self, context: &OpenContext) -> Result<Vec<Split>> {
        let of = self.parallelism.unwrap_or(context.parallelism).max(1) as u64;
        Ok((0..of).map(|number| Share { number, of, made: 0 }.split()).collect())
    }

    /// As many as there were: another parallelism deals them out anew.
    async fn splits_after(&self, restored: Vec<Split>, _context: &OpenContext) -> Result<Vec<Split>> {
        Ok(restored)
    }

    async fn open(&self, splits: Vec<Split>, context: &OpenContext) -> Result<Box<dyn SourceReader>> {
        let shares = splits.iter().map(Share::parse).collect::<Result<Vec<_>>>()?;
        Ok(Box::new(DatagenReader::new(self, &splits, &shares, context)))
    }
}
