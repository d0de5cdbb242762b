//! A table that is written: its columns in the database, and the statements that rows reach it by.

use std::collections::{BTreeSet, HashMap};

use arrow::array::{RecordBatch, UInt32Array};
use arrow::compute::{concat_batches, take_record_batch};
use tokio_postgres::Statement;

use super::cells::Cells;
use super::link::{Connection, Link};
use super::options::JdbcOptions;
use super::statements::{self, Plan};
use super::table::{DbTable, quoted};
use super::transaction::Step;
use super::watch::Watch;
use crate::changelog::{ChangelogBatch, RowKind};
use crate::connectors::options::DELIVERY_GUARANTEE;
use crate::connectors::{Reporter, TableDescriptor};
use crate::error::{Error, Result};

/// A table as a sink writes it.
#[derive(Debug)]
pub struct WrittenTable {
    pub link: Link,
    pub cells: Cells,
    /// Positions of the PRIMARY KEY.
    pub key: Vec<usize>,
    pub write: Plan,
    pub delete: Option<Plan>,
    unlogged: Vec<String>,
}

/// The statements of a [`WrittenTable`], prepared on one connection.
#[derive(Debug)]
pub struct Prepared {
    pub write: Statement,
    pub delete: Option<Statement>,
}

/// What is to be done to a table: rows to write, then rows to delete.
#[derive(Debug)]
pub struct Flush {
    pub writes: RecordBatch,
    pub deletes: RecordBatch,
}

impl WrittenTable {
    /// Asks the database for the table's definition.
    ///
    /// # Errors
    /// No such table or column, a type that can't be written, a PRIMARY KEY without its unique index.
    pub async fn read(
        table: &TableDescriptor,
        options: &JdbcOptions,
        connection: &Connection,
        reporter: &Reporter,
    ) -> Result<Self> {
        let (link, owner) = (&options.link, table.owner());
        let db = {
            let watch = Watch { link, connection, reporter, what: "opening" };
            let read = DbTable::read(link, connection, &options.table, &owner);
            watch.answer(link.answer_timeout(), read).await?
        };
        let key = &table.primary_key;
        let columns = table.columns.names().map(|name| Ok(db.column(name, &owner)?.clone())).collect::<Result<_>>()?;
        let cells = Cells::new(table.columns.clone(), columns, owner, table.zone)?;
        if !key.is_empty() {
            check_unique(table, &db, &cells)?;
        }
        let write = statements::write(&db, &cells.columns, key);
        let delete = (!key.is_empty()).then(|| statements::delete(&db, &cells.columns, key));
        Ok(Self { link: link.clone(), cells, key: key.clone(), write, delete, unlogged: db.relation.unlogged })
    }

    /// Refuses a table that a crash of the server empties while the marker of what was published stays.
    pub fn check_logged(&self) -> Result<()> {
        let Some(table) = self.unlogged.first() else { return Ok(()) };
        let owner = self.cells.owner();
        let message = format!("{owner} can't be written exactly once: PostgreSQL's {table} is UNLOGGED");
        Err(Error::statement(message)
            .with_detail("A crash of the server empties it, and what was published before doesn't come again.")
            .with_hint(format!(
                "Run this in the database: ALTER TABLE {table} SET LOGGED; or set '{}' = 'at-least-once'.",
                DELIVERY_GUARANTEE.key
            )))
    }

    pub async fn prepare(&self, connection: &Connection, reporter: &Reporter) -> Result<Prepared> {
        let failed = |e| self.link.error(e).context("cannot prepare the writing statement");
        let prepare = async {
            let write = connection.client.prepare(&self.write.sql).await.map_err(failed)?;
            let delete = match &self.delete {
                Some(plan) => Some(connection.client.prepare(&plan.sql).await.map_err(failed)?),
                None => None,
            };
            Ok::<_, Error>(Prepared { write, delete })
        };
        self.watch(connection, reporter).answer(self.link.answer_timeout(), prepare).await
    }

    pub fn watch<'a>(&'a self, connection: &'a Connection, reporter: &'a Reporter) -> Watch<'a> {
        Watch { link: &self.link, connection, reporter, what: "writing to" }
    }

    /// All rows in one piece.
    pub fn joined(&self, batches: &[ChangelogBatch]) -> Result<ChangelogBatch> {
        let rows = concat_batches(&self.cells.schema.arrow(), batches.iter().map(ChangelogBatch::rows))?;
        let kinds: Vec<RowKind> = batches.iter().flat_map(|b| (0..b.num_rows()).map(|i| b.kind(i))).collect();
        if self.key.is_empty()
            && let Some(kind) = kinds.iter().find(|k| **k != RowKind::Insert)
        {
            return Err(Error::internal(format!("a {kind} row reached a sink without PRIMARY KEY")));
        }
        Ok(ChangelogBatch::new(rows, kinds))
    }

    /// Which rows count: of each key the last change; `None` where all do.
    pub fn last_changes(&self, batch: &ChangelogBatch) -> Result<Option<Vec<u32>>> {
        if self.key.is_empty() {
            return Ok(None);
        }
        let mut last: HashMap<Vec<u8>, u32> = HashMap::with_capacity(batch.num_rows());
        for (row, key) in self.cells.keys(batch.rows(), &self.key)?.into_iter().enumerate() {
            last.insert(key, row as u32);
        }
        let mut kept: Vec<u32> = last.into_values().collect();
        kept.sort_unstable();
        Ok(Some(kept))
    }

    /// A batch as work: of each key only its last change.
    pub fn flush(&self, batch: &ChangelogBatch) -> Result<Flush> {
        match self.last_changes(batch)? {
            Some(kept) => split(batch, kept),
            None => self.flush_of_last(batch),
        }
    }

    /// A batch as work in which each key has one change at most.
    pub fn flush_of_last(&self, batch: &ChangelogBatch) -> Result<Flush> {
        match batch.kinds() {
            Some(_) => split(batch, (0..batch.num_rows() as u32).collect()),
            None => Ok(Flush { writes: batch.rows().clone(), deletes: batch.rows().slice(0, 0) }),
        }
    }

    /// One row of a batch as work; `None` where it asks for nothing.
    pub fn flush_of_row(&self, batch: &ChangelogBatch, row: usize) -> Option<Flush> {
        let (one, none) = (batch.rows().slice(row, 1), batch.rows().slice(0, 0));
        match batch.kind(row).is_addition() {
            true => Some(Flush { writes: one, deletes: none }),
            // Where there is no key, there is nothing that could be deleted; and a row that is about to be replaced
            // stays until it is, for its successor may be refused.
            false if self.delete.is_none() || self.is_replaced(batch, row) => None,
            false => Some(Flush { writes: none, deletes: one }),
        }
    }

    /// True for the first half of an update whose other half has the same key.
    fn is_replaced(&self, batch: &ChangelogBatch, row: usize) -> bool {
        let is_update = batch.kind(row) == RowKind::UpdateBefore
            && row + 1 < batch.num_rows()
            && batch.kind(row + 1) == RowKind::UpdateAfter;
        let keys = || self.cells.keys(&batch.rows().slice(row, 2), &self.key);
        is_update && keys().is_ok_and(|keys| keys.first() == keys.last())
    }

    /// The steps of a flush, with so many rows in one statement.
    pub fn steps(&self, flush: &Flush, chunk: usize) -> Result<Vec<Step>> {
        let mut steps = Vec::new();
        let plans = [(false, Some(&self.write), &flush.writes), (true, self.delete.as_ref(), &flush.deletes)];
        for (deletes, plan, rows) in plans {
            if let Some(plan) = plan.filter(|_| rows.num_rows() > 0) {
                let work = self.cells.work(plan, rows, 0..rows.num_rows(), chunk)?;
                steps.push(Step { deletes, work });
            }
        }
        Ok(steps)
    }

    /// An error that says which row it is about.
    pub fn showing(&self, error: Error, rows: &RecordBatch, row: usize) -> Error {
        let shown = format!("The row is {}.", self.cells.show(rows, row));
        let detail = match error.detail() {
            Some(detail) => format!("{detail}\n{shown}"),
            None => shown,
        };
        error.with_detail(detail)
    }
}

/// The rows at `kept`: those to be written, and those to be deleted.
fn split(batch: &ChangelogBatch, kept: Vec<u32>) -> Result<Flush> {
    let (written, deleted): (Vec<u32>, Vec<u32>) =
        kept.into_iter().partition(|i| batch.kind(*i as usize).is_addition());
    Ok(Flush {
        writes: take_record_batch(batch.rows(), &UInt32Array::from(written))?,
        deletes: take_record_batch(batch.rows(), &UInt32Array::from(deleted))?,
    })
}

/// ON CONFLICT needs a unique index on just the key's columns.
fn check_unique(table: &TableDescriptor, db: &DbTable, cells: &Cells) -> Result<()> {
    let of_key = || table.primary_key.iter();
    let names: Vec<&str> = of_key().filter_map(|i| cells.columns.get(*i)).map(|c| c.name.as_str()).collect();
    let wanted: BTreeSet<String> = names.iter().map(ToString::to_string).collect();
    if db.relation.is_indirect || db.relation.unique.contains(&wanted) {
        return Ok(());
    }
    let declared: Vec<&str> = of_key().filter_map(|i| table.columns.fields.get(*i)).map(|f| f.name.as_str()).collect();
    let keys = names.iter().map(|n| quoted(n)).collect::<Vec<_>>().join(", ");
    let message = format!(
        "{} declares PRIMARY KEY ({}), but PostgreSQL's {} has no unique constraint on ({keys})",
        table.owner(),
        declared.join(", "),
        db.sql
    );
    let fix = statements::unique_constraint(db, &names);
    Err(Error::statement(message).with_hint(format!("Run this in the database: {fix}")))
}
