//! A table that is written: appended to, or upserted by its PRIMARY KEY.

use std::collections::BTreeSet;
use std::sync::Arc;

use async_trait::async_trait;
use tokio_postgres::Statement;

use super::cells::Cells;
use super::link::{Connection, Link};
use super::options::JdbcOptions;
use super::statements::{self, Plan};
use super::table::{DbTable, TableName, quoted};
use super::watch::Watch;
use super::writer::JdbcSinkWriter;
use crate::connectors::{ChangelogSupport, OpenContext, Reporter, Sink, SinkWriter, TableDescriptor};
use crate::error::{Error, Result};

/// A table to be written. With a PRIMARY KEY it takes updates and deletes; the last change of a key wins in a flush.
#[derive(Debug)]
pub struct JdbcSink {
    table: Arc<TableDescriptor>,
    options: JdbcOptions,
}

impl JdbcSink {
    pub fn new(table: Arc<TableDescriptor>, options: JdbcOptions) -> Result<Self> {
        if let TableName::Query(_) = options.table {
            let error = Error::statement(format!("{} can't be written: its table-name is a query", table.owner()));
            return Err(error.at(table.options.span("table-name")));
        }
        if options.link.is_read_only() {
            let error = Error::statement(format!("{} can't be written: its address says readOnly", table.owner()));
            return Err(error.at(table.options.span("url")));
        }
        Ok(Self { table, options })
    }

    fn key_names(&self) -> Vec<&str> {
        let fields = &self.table.columns.fields;
        self.table.primary_key.iter().filter_map(|i| fields.get(*i)).map(|f| f.name.as_str()).collect()
    }
}

#[async_trait]
impl Sink for JdbcSink {
    fn changelog_support(&self) -> ChangelogSupport {
        match self.table.primary_key.is_empty() {
            true => ChangelogSupport::InsertOnly,
            false => ChangelogSupport::Upsert,
        }
    }

    fn keeps_last_rows(&self, _deletes: bool) -> bool {
        // A buffer of one row writes every change.
        self.changelog_support() == ChangelogSupport::Upsert && self.options.sink.max_rows != Some(1)
    }

    fn describe(&self) -> String {
        match self.table.primary_key.is_empty() {
            true => format!("{}, append", self.options.table),
            false => format!("{}, upsert by ({})", self.options.table, self.key_names().join(", ")),
        }
    }

    fn refusal_of_changes(&self) -> Option<Error> {
        let message = format!(
            "please declare primary key for sink table \"{}\" when query contains update/delete record",
            self.table.name
        );
        Some(
            Error::statement(message)
                .with_hint("PRIMARY KEY (…) NOT ENFORCED, of columns that have a unique index in the database."),
        )
    }

    fn parallelism(&self) -> Option<usize> {
        self.options.sink.parallelism
    }

    async fn open(&self, context: &OpenContext) -> Result<Box<dyn SinkWriter>> {
        let (link, owner) = (&self.options.link, self.table.owner());
        let connection = link.connect(context).await?;
        let db = {
            let (reporter, what) = (&context.reporter, "opening");
            let watch = Watch { link, connection: &connection, reporter, what };
            let read = DbTable::read(link, &connection, &self.options.table, &owner);
            watch.answer(link.answer_timeout(), read).await?
        };
        let key = &self.table.primary_key;
        let schema = self.table.columns.clone();
        let columns: Result<Vec<_>> = schema.names().map(|name| Ok(db.column(name, &owner)?.clone())).collect();
        let cells = Cells::new(schema, columns?, owner, self.table.zone)?;
        if !key.is_empty() {
            self.check_unique(&db, &cells)?;
        }
        let write = statements::write(&db, &cells.columns, key);
        let delete = (!key.is_empty()).then(|| statements::delete(&db, &cells.columns, key));
        let target = Target { link: link.clone(), cells, key: key.clone(), write, delete };
        let prepared = target.prepare(connection, &context.reporter).await?;
        Ok(Box::new(JdbcSinkWriter::new(target, prepared, self.options.sink.clone(), context.clone())))
    }
}

impl JdbcSink {
    /// ON CONFLICT needs a unique index on just the key's columns.
    fn check_unique(&self, db: &DbTable, cells: &Cells) -> Result<()> {
        let names: Vec<&str> =
            self.table.primary_key.iter().filter_map(|i| cells.columns.get(*i)).map(|c| c.name.as_str()).collect();
        let wanted: BTreeSet<String> = names.iter().map(ToString::to_string).collect();
        if db.relation.is_indirect || db.relation.unique.contains(&wanted) {
            return Ok(());
        }
        let keys = names.iter().map(|n| quoted(n)).collect::<Vec<_>>().join(", ");
        let message = format!(
            "{} declares PRIMARY KEY ({}), but PostgreSQL's {} has no unique constraint on ({keys})",
            self.table.owner(),
            self.key_names().join(", "),
            db.sql
        );
        let fix = statements::unique_constraint(db, &names);
        Err(Error::statement(message).with_hint(format!("Run this in the database: {fix}")))
    }
}

/// What a writer writes to.
#[derive(Debug)]
pub struct Target {
    pub link: Link,
    pub cells: Cells,
    pub key: Vec<usize>,
    pub write: Plan,
    pub delete: Option<Plan>,
}

/// A connection with the statements of a [`Target`].
#[derive(Debug)]
pub struct Prepared {
    pub connection: Connection,
    pub write: Statement,
    pub delete: Option<Statement>,
}

impl Target {
    pub async fn prepare(&self, connection: Connection, reporter: &Reporter) -> Result<Prepared> {
        let failed = |e| self.link.error(e).context("cannot prepare the writing statement");
        let prepare = async {
            let write = connection.client.prepare(&self.write.sql).await.map_err(failed)?;
            let delete = match &self.delete {
                Some(plan) => Some(connection.client.prepare(&plan.sql).await.map_err(failed)?),
                None => None,
            };
            Ok::<_, Error>((write, delete))
        };
        let watch = self.watch(&connection, reporter);
        let (write, delete) = watch.answer(self.link.answer_timeout(), prepare).await?;
        Ok(Prepared { connection, write, delete })
    }

    pub fn watch<'a>(&'a self, connection: &'a Connection, reporter: &'a Reporter) -> Watch<'a> {
        Watch { link: &self.link, connection, reporter, what: "writing to" }
    }
}
