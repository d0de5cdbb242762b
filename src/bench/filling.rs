//! What the tables of a job are filled with: rows that are made up, or those of files.

use std::path::PathBuf;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;

use super::asked::Asked;
use super::deal::deal;
use super::doors::{Column, TableInMemory};
use super::event_time::{EventTime, event_time, not_understood};
use super::generate::generate;
use super::rows::{Splits, Wanted, count};
use super::samples::Samples;
use crate::connectors::SourceChanges;
use crate::connectors::options::RawOptions;
use crate::error::{Error, Result};
use crate::plan::stream_plan::{LookupJoinNode, SourceNode};
use crate::plan::table::{Door, PlannedTable};
use crate::runtime::JobConfig;
use crate::types::{Field, Schema};

/// Rows of a table that is looked up, where they are made up.
const LOOKUP_ROWS: u64 = 10_000;

/// What the tables of jobs are filled with.
#[derive(Debug, Clone)]
pub struct BenchOptions {
    /// Of each source.
    pub rows: u64,
    /// True where a source may have fewer if so many would take much memory: nobody has said how many.
    pub may_be_fewer: bool,
    pub given: Vec<GivenRows>,
}

/// A file of rows for a table.
#[derive(Debug, Clone)]
pub struct GivenRows {
    pub table: String,
    pub path: PathBuf,
}

/// What fills the tables of one job.
pub struct Filling<'a> {
    pub options: &'a BenchOptions,
    pub tables: &'a [Arc<PlannedTable>],
    pub config: &'a JobConfig,
}

impl Filling<'_> {
    pub fn table(&self, name: &str) -> Option<&PlannedTable> {
        self.tables.iter().find(|table| table.name == name).map(Arc::as_ref)
    }

    /// The file that is given for a table.
    fn given(&self, table: &PlannedTable) -> Option<PathBuf> {
        self.options.given.iter().find(|given| given.table == table.name).map(|given| given.path.clone())
    }

    /// What a source asks of a file, where one is given.
    ///
    /// # Errors
    /// None is given, and nobody understands its event time.
    pub fn source_asks(&self, table: &PlannedTable, node: &SourceNode) -> Result<Option<Asked>> {
        let (wanted, time) = self.wanted(table, node)?;
        match self.given(table) {
            Some(path) => Ok(Some(Asked::of(table, path, wanted.schema, wanted.rows))),
            None if node.watermark.is_some() && time.told.is_none() && !time.columns.is_empty() => {
                Err(not_understood(&table.name, node))
            }
            None => Ok(None),
        }
    }

    /// The rows of a source, and how they were made.
    pub fn source(&self, table: &PlannedTable, node: &SourceNode, samples: &Samples) -> Result<(Splits, String)> {
        let (wanted, time) = self.wanted(table, node)?;
        let name = &table.name;
        let Some(asked) = self.source_asks(table, node)? else {
            let splits = generate(&wanted)?;
            let fewer = if count(&splits) < wanted.rows { ", fewer rows for its many TIMESTAMP columns" } else { "" };
            return Ok((splits, format!("{name} (made up{fewer})")));
        };
        let (splits, once) = deal(&samples.rows(&asked, &wanted.arrow)?, &wanted, &time.columns)?;
        let times = match (once, wanted.changes) {
            (false, _) => "",
            (true, SourceChanges::All) => ", once: its rows change",
            (true, _) => ", once: its event time is a text",
        };
        Ok((splits, format!("{name} ({}{times})", asked.path.display())))
    }

    /// The rows that a source is to have.
    fn wanted(&self, table: &PlannedTable, node: &SourceNode) -> Result<(Wanted, EventTime)> {
        let schema = schema_of(table, &node.scan_schema)?;
        let first = |column: &str| {
            let start = options_of(table).and_then(|options| options.get(&format!("fields.{column}.start")));
            start.and_then(|start| start.trim().parse().ok()).unwrap_or(0)
        };
        let time = event_time(node, &schema, self.options.rows, first);
        let wanted = Wanted {
            table: table.scan_schema(),
            arrow: node.scan_schema.clone(),
            key: table.primary_key.iter().filter_map(|name| schema.index_of(name)).collect(),
            changes: node.source.changes(),
            rows: self.options.rows,
            splits: node.source.parallelism().unwrap_or(self.config.parallelism).max(1),
            batch_rows: self.config.batch_rows.max(1),
            event_time: time.told,
            datagen: datagen_options(table),
            may_be_fewer: self.options.may_be_fewer,
            schema,
        };
        Ok((wanted, time))
    }

    /// What a lookup asks of a file, where one is given.
    pub fn lookup_asks(&self, table: &PlannedTable, join: &LookupJoinNode) -> Option<Asked> {
        let path = self.given(table)?;
        Some(Asked::of(table, path, table.scan_schema().project(&needed(table, join)), u64::MAX))
    }

    /// The rows of a table that is looked up, and how they were made.
    pub fn lookup(
        &self,
        table: &PlannedTable,
        join: &LookupJoinNode,
        samples: &Samples,
    ) -> Result<(TableInMemory, String)> {
        let all = table.scan_schema();
        let (request, name) = (&join.request, &table.name);
        let stands_for = join.lookup.clone();
        if let Some(asked) = self.lookup_asks(table, join) {
            let needed = needed(table, join);
            let place = |column: &usize| needed.binary_search(column).unwrap_or_default();
            let rows = samples.rows(&asked, &asked.columns.arrow())?.rows;
            let keys = Some(request.key_columns.iter().map(place).collect());
            let columns = request.projection.iter().map(|column| Column::OfRows(place(column))).collect();
            let in_memory = TableInMemory { stands_for, rows, keys, columns, schema: join.right_schema.clone() };
            return Ok((in_memory, format!("{name} ({})", asked.path.display())));
        }
        let schema = all.project(&request.projection);
        let columns = request.projection.iter().enumerate().map(|(i, column)| {
            let key = request.key_columns.iter().position(|key| key == column);
            key.map_or(Column::OfRows(i), Column::OfKey)
        });
        let wanted = Wanted {
            table: all,
            arrow: schema.arrow(),
            schema,
            key: Vec::new(),
            changes: SourceChanges::Inserts,
            rows: LOOKUP_ROWS,
            splits: 1,
            batch_rows: LOOKUP_ROWS as usize,
            event_time: None,
            datagen: None,
            may_be_fewer: false,
        };
        let mut parts = generate(&wanted)?.into_iter().flatten();
        let rows = parts.next().ok_or_else(|| Error::internal("a lookup table without rows"))?.rows;
        let in_memory = TableInMemory {
            stands_for,
            rows,
            keys: None,
            columns: columns.collect(),
            schema: join.right_schema.clone(),
        };
        Ok((in_memory, format!("{name} (made up)")))
    }
}

/// The columns that a lookup needs of its table: what it asks for, and the keys.
fn needed(table: &PlannedTable, join: &LookupJoinNode) -> Vec<usize> {
    let request = &join.request;
    let asked_or_key = |column: &usize| request.projection.contains(column) || request.key_columns.contains(column);
    (0..table.scan_schema().len()).filter(asked_or_key).collect()
}

/// The SQL types of the columns that are read.
fn schema_of(table: &PlannedTable, arrow: &SchemaRef) -> Result<Schema> {
    let all = table.scan_schema();
    let field = |field: &Arc<arrow::datatypes::Field>| {
        let known = all.fields.iter().find(|known| known.name == *field.name());
        let known = known.ok_or_else(|| Error::internal(format!("column \"{}\" got lost", field.name())))?;
        Ok(Field::new(&known.name, known.ty.clone().with_nullable(field.is_nullable())))
    };
    arrow.fields().iter().map(field).collect::<Result<Vec<_>>>().map(Schema::new)
}

fn options_of(table: &PlannedTable) -> Option<&RawOptions> {
    match &table.door {
        Door::Connector { descriptor, .. } => Some(&descriptor.options),
        Door::Registered { .. } => None,
    }
}

/// The options of a table of the connector `datagen`.
fn datagen_options(table: &PlannedTable) -> Option<RawOptions> {
    options_of(table).filter(|options| options.get("connector") == Some("datagen")).cloned()
}
