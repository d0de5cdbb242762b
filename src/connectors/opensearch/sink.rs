//! Rows into documents: what a table's options say of it.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use super::bulk::Limits;
use super::client::Cluster;
use super::document_id::DocumentId;
use super::durability::require_durable;
use super::index_name::IndexName;
use super::options::TableOptions;
use super::plain_index::require_plain_index;
use super::sender::Sending;
use super::target::{OpenSearchTarget, RejectRule, TargetedTable};
use super::writer::OpenSearchSinkWriter;
use crate::connectors::{
    ChangelogSupport, Guarantee, OpenContext, RetryPolicy, Sink, SinkTarget, SinkWriter, TableDescriptor,
};
use crate::error::{Error, Result};
use crate::formats::EncodingFormat;

/// A request is sent before it grows beyond this: servers refuse more than 100 MB.
const MAX_BODY: usize = 90 << 20;

/// An index, or several by a dynamic name, to write to.
#[derive(Debug, Clone)]
pub struct OpenSearchSink {
    table: TableOptions,
    pub owner: String,
    pub index: IndexName,
    pub id: Option<DocumentId>,
    pub encoding: Arc<dyn EncodingFormat>,
    pub sending: Sending,
    /// How long a row may wait to be sent.
    pub interval: Option<Duration>,
    guarantee: Guarantee,
    /// What the table says of rejected documents.
    rule: RejectRule,
    parallelism: Option<usize>,
    /// What is written of a row replaces all that was written of it, in the same index.
    replaces: bool,
}

impl OpenSearchSink {
    pub fn try_new(table: &TableDescriptor) -> Result<Self> {
        let checked = TableOptions::check(table)?;
        let options = &checked.options;
        let guarantee = match options.text("sink.delivery-guarantee") {
            Some("none") => Guarantee::None,
            Some("at-least-once") => Guarantee::AtLeastOnce,
            Some("exactly-once") => Guarantee::ExactlyOnce,
            _ => Guarantee::AsJob,
        };
        let rule = match table.options.get("error-handling.mode") {
            Some("skip") => RejectRule::Skip,
            Some("dead-letter") if guarantee == Guarantee::ExactlyOnce => {
                return Err(no_dead_letters(&table.owner()).at(table.options.span("error-handling.mode")));
            }
            Some("fail") => RejectRule::Fail,
            _ => RejectRule::AsRow,
        };
        let index = IndexName::parse(&checked.index, table, options)?;
        let delimiter = options.text("document-id.key-delimiter").unwrap_or("_");
        let actions = checked.options.at_least("sink.bulk-flush.max-actions", -1)?.filter(|n| *n > 0);
        let bytes = options.memory_size("sink.bulk-flush.max-size").filter(|n| *n > 0);
        let connection = &checked.connection;
        let sending = Sending {
            owner: table.owner(),
            product: connection.product,
            limits: Limits {
                actions: actions.and_then(|n| usize::try_from(n).ok()).unwrap_or(usize::MAX),
                bytes: bytes.unwrap_or(MAX_BODY).min(MAX_BODY),
            },
            away: RetryPolicy::ForTime(connection.max_retry),
            busy: checked.backoff()?,
            patience: (connection.max_retry, connection.answer_timeout),
            drops_rejected: options.text("failure-handler") == Some("ignore"),
        };
        Ok(Self {
            owner: table.owner(),
            id: DocumentId::try_new(table, delimiter)?,
            encoding: checked.format.encoding(&table.sink_schema())?.into(),
            interval: options.duration("sink.bulk-flush.interval").filter(|d| !d.is_zero()),
            parallelism: checked.options.positive("sink.parallelism")?,
            guarantee,
            rule,
            sending,
            replaces: index.is_fixed()
                && table.options.get("json.encode.ignore-null-fields").is_none_or(|v| v == "false"),
            index,
            table: checked,
        })
    }

    /// False for the guarantee 'none': then a checkpoint waits for nothing.
    pub fn waits_at_checkpoints(&self) -> bool {
        self.guarantee != Guarantee::None
    }
}

/// Why rejected documents can't become dead letters: they are only known when the epoch is decided.
fn no_dead_letters(owner: &str) -> Error {
    let message =
        format!("'error-handling.mode' = 'dead-letter' of {owner} can't be combined with exactly-once output");
    Error::statement(message)
        .with_detail("What the service rejects is known when the rows belong to a checkpoint that is complete.")
        .with_hint("Set 'sink.delivery-guarantee' = 'at-least-once', or 'error-handling.mode' = 'skip' or 'fail'.")
}

#[async_trait]
impl Sink for OpenSearchSink {
    fn changelog_support(&self) -> ChangelogSupport {
        match self.id.is_some() && !self.index.is_by_time_of_writing() {
            true => ChangelogSupport::Upsert,
            false => ChangelogSupport::InsertOnly,
        }
    }

    /// A document that is deleted and comes again is without what others have written into it.
    fn keeps_last_rows(&self, deletes: bool) -> bool {
        self.changelog_support() == ChangelogSupport::Upsert && self.replaces && !deletes
    }

    fn describe(&self) -> String {
        let how = if self.id.is_some() { "update by id" } else { "append" };
        format!("index={}, hosts={}, {how}", self.table.index, self.table.connection.addresses())
    }

    fn refusal_of_changes(&self) -> Option<Error> {
        self.index.is_by_time_of_writing().then(|| {
            Error::statement(format!(
                "dynamic indexing based on system time only works on append only stream: {}",
                self.owner
            ))
            .with_hint("Let a column of the row name the index: '{column|yyyy-MM}'.")
        })
    }

    fn parallelism(&self) -> Option<usize> {
        self.parallelism
    }

    fn guarantee(&self) -> Guarantee {
        self.guarantee
    }

    fn target(&self) -> Option<SinkTarget> {
        let (connection, sending) = (self.table.connection.clone(), self.sending.clone());
        let table = Arc::new(TargetedTable { connection, sending, rule: self.rule });
        Some(SinkTarget { target: Arc::new(OpenSearchTarget { table: table.clone() }), table })
    }

    /// Asks the service for its name, so that a wrong address or password shows before anything is made.
    async fn check(&self, exactly_once: bool, context: &OpenContext) -> Result<()> {
        let cluster = Cluster::try_new(&self.table.connection, context).await?;
        cluster.greet(&self.table.connection).await?;
        if exactly_once && self.index.is_fixed() {
            let (index, patience) = (self.index.search_expression(), self.sending.patience.0);
            if self.id.is_none() {
                require_plain_index(&cluster, &index, &self.owner, patience).await?;
            }
            // Where the user may not ask, it is said when the first epoch is published.
            require_durable(&cluster, &[index].into(), &self.owner, patience).await?;
        }
        Ok(())
    }

    async fn open(&self, context: &OpenContext) -> Result<Box<dyn SinkWriter>> {
        if context.epochs.is_some() && context.errors.keeps_records() {
            return Err(no_dead_letters(&self.owner));
        }
        let cluster = Cluster::try_new(&self.table.connection, context).await?;
        cluster.greet(&self.table.connection).await?;
        Ok(Box::new(OpenSearchSinkWriter::try_new(self, cluster, context).await?))
    }
}

#[cfg(test)]
#[path = "sink_tests.rs"]
mod tests;
