//! A table that is written: appended to, or upserted by its PRIMARY KEY.

use std::sync::Arc;

use async_trait::async_trait;

use super::committer::JdbcCommitter;
use super::epochs_table::EpochsTable;
use super::options::JdbcOptions;
use super::table::TableName;
use super::target::{JdbcTarget, SinkTable};
use super::watch::Watch;
use super::writer::JdbcSinkWriter;
use super::written::WrittenTable;
use crate::connectors::options::DELIVERY_GUARANTEE;
use crate::connectors::{ChangelogSupport, Guarantee, OpenContext, Sink, SinkTarget, SinkWriter, TableDescriptor};
use crate::error::{Error, Result};

/// A table to be written. With a PRIMARY KEY it takes updates and deletes; the last change of a key wins in a flush.
#[derive(Debug)]
pub struct JdbcSink {
    written: Arc<SinkTable>,
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
        let sink = Self { written: Arc::new(SinkTable { table, options }) };
        match sink.refusal_of_exactly_once() {
            Some(error) if sink.guarantee() == Guarantee::ExactlyOnce => Err(error),
            _ => Ok(sink),
        }
    }

    fn table(&self) -> &TableDescriptor {
        &self.written.table
    }

    fn options(&self) -> &JdbcOptions {
        &self.written.options
    }

    fn key_names(&self) -> Vec<&str> {
        let fields = &self.table().columns.fields;
        self.table().primary_key.iter().filter_map(|i| fields.get(*i)).map(|f| f.name.as_str()).collect()
    }
}

#[async_trait]
impl Sink for JdbcSink {
    fn changelog_support(&self) -> ChangelogSupport {
        match self.table().primary_key.is_empty() {
            true => ChangelogSupport::InsertOnly,
            false => ChangelogSupport::Upsert,
        }
    }

    fn keeps_last_rows(&self, _deletes: bool) -> bool {
        // A buffer of one row writes every change.
        self.changelog_support() == ChangelogSupport::Upsert && self.options().sink.max_rows != Some(1)
    }

    fn describe(&self) -> String {
        let name = &self.options().table;
        match self.table().primary_key.is_empty() {
            true => format!("{name}, append"),
            false => format!("{name}, upsert by ({})", self.key_names().join(", ")),
        }
    }

    fn refusal_of_changes(&self) -> Option<Error> {
        let message = format!(
            "please declare primary key for sink table \"{}\" when query contains update/delete record",
            self.table().name
        );
        Some(
            Error::statement(message)
                .with_hint("PRIMARY KEY (…) NOT ENFORCED, of columns that have a unique index in the database."),
        )
    }

    fn parallelism(&self) -> Option<usize> {
        self.options().sink.parallelism
    }

    fn guarantee(&self) -> Guarantee {
        self.options().sink.guarantee
    }

    fn target(&self) -> Option<SinkTarget> {
        let target = Arc::new(JdbcTarget::new(self.options().link.clone()));
        Some(SinkTarget { target, table: self.written.clone() })
    }

    /// A letter of a row that is refused as its epoch is published would come too late for that epoch.
    fn refusal_of_exactly_once(&self) -> Option<Error> {
        let key = "error-handling.mode";
        let mode = self.table().options.get(key).filter(|mode| mode.eq_ignore_ascii_case("dead-letter"))?;
        let message = format!("'{key}' = '{mode}' of {} can't be combined with exactly-once", self.table().owner());
        let hint = format!(
            "'{}' = 'at-least-once' sends rows that PostgreSQL refuses as dead letters; 'skip' drops and counts them \
             exactly once.",
            DELIVERY_GUARANTEE.key
        );
        let detail =
            "What PostgreSQL refuses is known when an epoch is published, which is too late for its dead letters.";
        let error = Error::statement(message).with_detail(detail).with_hint(hint);
        Some(error.at(self.table().options.span(key)))
    }

    async fn check(&self, exactly_once: bool, context: &OpenContext) -> Result<()> {
        let (link, reporter) = (&self.options().link, &context.reporter);
        let connection = link.connect(context).await?;
        let written = WrittenTable::read(self.table(), self.options(), &connection, reporter).await;
        let written = written.and_then(|table| if exactly_once { table.check_logged() } else { Ok(()) });
        let marked = match exactly_once {
            true => {
                let watch = Watch { link, connection: &connection, reporter, what: "opening" };
                watch.answer(link.answer_timeout(), EpochsTable::check(link, &connection)).await
            }
            false => Ok(()),
        };
        Error::both(written, marked).map(drop)
    }

    async fn open(&self, context: &OpenContext) -> Result<Box<dyn SinkWriter>> {
        if let Some(epochs) = &context.epochs {
            let writer = epochs.committer::<JdbcCommitter>()?.writer(epochs, context)?;
            return Ok(Box::new(writer));
        }
        let (table, options) = (self.table(), self.options());
        let connection = options.link.connect(context).await?;
        let written = WrittenTable::read(table, options, &connection, &context.reporter).await?;
        let writer = JdbcSinkWriter::open(written, connection, options.sink.clone(), context.clone()).await?;
        Ok(Box::new(writer))
    }
}
