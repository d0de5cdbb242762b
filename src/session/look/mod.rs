//! Looking into the services behind the integrations: topics, tables and indexes that no DDL has declared.
//!
//! `connectors/*/inspect` asks, this room finds out whom to ask and puts the answer into listings. Nothing is kept
//! between two statements but the connections of PSQL. Dropping the future ends a look, also while it connects.

mod database;
mod indexes;
mod missing;
mod names;
mod shown;
mod suggest;
mod topics;

use std::time::Duration;

pub use self::names::{Service, ServiceKind};
use super::{Outcome, Session};
use crate::connectors::kafka::inspect::Brokers;
use crate::connectors::options::RawOptions;
use crate::connectors::{Connector, OpenContext, Report, Reporter, Waits, kafka};
use crate::error::{Error, Result};
use crate::sql::{Ident, Look, ObjectPath, Show, Subject};

/// A look that takes longer says what it does: before its service says that there is no answer yet.
const SILENCE: Duration = Duration::from_secs(1);

impl Session {
    /// Asks the service.
    pub(super) async fn look(&mut self, look: &Look) -> Result<Outcome> {
        match look {
            Look::Topics { from, all, like } => self.show_topics(from.as_ref(), *all, like).await,
            Look::Groups { from, like } => self.show_groups(from.as_ref(), like).await,
            Look::PeekTopic(peek) => self.peek_topic(peek).await,
            Look::DescribeTopic { topic, from, group } => {
                self.describe_topic(topic, from.as_ref(), group.as_ref()).await
            }
            Look::Tables { from, like } if self.is_own_database(from) => {
                self.show(&Show::Tables { like: like.clone() })
            }
            Look::Tables { from, like } => self.show_tables_of(from, like).await,
            Look::DescribeTable { table, from } => self.describe_table_of(table, from.as_ref()).await,
            Look::Psql { on, sql } => self.psql(on.as_ref(), sql).await,
            Look::Suggest { name, subject, from } => self.suggest(name.as_ref(), subject, from.as_ref()).await,
            Look::Indexes { from, all, like } => self.show_indexes(from.as_ref(), *all, like).await,
            Look::PeekIndex { index, from, limit } => self.peek_index(index, from.as_ref(), *limit).await,
            Look::DescribeIndex { index, from } => self.describe_index(index, from.as_ref()).await,
        }
    }

    /// Checks that there is somebody to ask, without asking.
    pub(super) fn check_look(&self, look: &Look) -> Result<()> {
        match look {
            Look::Topics { from, .. } | Look::Groups { from, .. } | Look::DescribeTopic { from, .. } => {
                self.brokers(from.as_ref()).map(|_| ())
            }
            Look::PeekTopic(peek) => self.brokers(peek.from.as_ref()).map(|_| ()),
            Look::Tables { from, .. } if self.is_own_database(from) => Ok(()),
            Look::Tables { from, .. } => self.database(Some(from)).map(|_| ()),
            Look::DescribeTable { from, .. } | Look::Psql { on: from, .. } => self.database(from.as_ref()).map(|_| ()),
            Look::Suggest { subject, from, .. } => match subject {
                Subject::Topic(_) => self.brokers(from.as_ref()).map(|_| ()),
                Subject::Table(_) => self.database(from.as_ref()).map(|_| ()),
                Subject::Index(_) => self.search_service(from.as_ref()).map(|_| ()),
            },
            Look::Indexes { from, .. } | Look::PeekIndex { from, .. } | Look::DescribeIndex { from, .. } => {
                self.search_service(from.as_ref()).map(|_| ())
            }
        }
    }

    /// True for the one database of the session, whose tables are the declared ones.
    fn is_own_database(&self, name: &Ident) -> bool {
        name.value == crate::catalog::DEFAULT_DATABASE && !self.integrations.has(&name.value)
    }

    fn brokers(&self, from: Option<&Ident>) -> Result<Brokers> {
        let (owner, options) = self.service(&kafka::Kafka, from)?;
        Brokers::new(&owner, &options, self.look_context()).map_err(|e| e.at(from.map(|i| i.span)))
    }

    /// Who is asked, as errors name it, and its options: an integration, or a declared table of the connector.
    fn service(&self, connector: &dyn Connector, from: Option<&Ident>) -> Result<(String, RawOptions)> {
        if let Some(name) = from.filter(|name| !self.integrations.has(&name.value)) {
            let path = ObjectPath { parts: vec![name.clone()], span: name.span };
            if self.catalog.get(&path).is_ok() {
                return self.service_of_table(connector, &path);
            }
        }
        let named = from.map(|name| (name.value.as_str(), name.span));
        let (name, options) = self.integrations.of_service(connector, named)?;
        Ok((format!("integration \"{name}\""), options))
    }

    fn service_of_table(&self, connector: &dyn Connector, path: &ObjectPath) -> Result<(String, RawOptions)> {
        let table = self.binder().table(path, &Default::default())?;
        let (of_table, descriptor) = table.connector()?;
        if of_table.address_option() != connector.address_option() {
            let called = connector.names().first().copied().unwrap_or_default();
            let message = format!("{} is not of the connector '{called}', which this asks", descriptor.owner());
            return Err(Error::statement(message).at(path.span));
        }
        Ok((descriptor.owner(), descriptor.options.clone()))
    }

    fn look_context(&self) -> OpenContext {
        // The end of what is waited for is the answer.
        let (waits, outer) = (Waits::default(), self.reporter.clone());
        let part = waits.part();
        let reporter = Reporter::of(move |report| {
            if let (Report::Waits { .. } | Report::News(_), Some(line)) = (report, waits.note(part, report)) {
                outer.news(&line);
            }
        });
        OpenContext { reporter, ..OpenContext::beside_jobs("look", self.clock.clone()) }
    }

    /// Runs `work`; says what it does once it takes more than a moment.
    async fn told<T>(&self, doing: &str, work: impl Future<Output = T>) -> T {
        told(&self.reporter, || doing.to_string(), work).await
    }
}

/// Runs `work`; says what it does, as of then, once it takes more than a moment.
pub(super) async fn told<T>(reporter: &Reporter, doing: impl FnOnce() -> String, work: impl Future<Output = T>) -> T {
    tokio::pin!(work);
    if let Ok(done) = tokio::time::timeout(SILENCE, &mut work).await {
        return done;
    }
    // Its end is what comes behind it.
    reporter.news(&doing());
    work.await
}
