//! A cluster as a target of exactly-once output.

use std::any::Any;
use std::collections::HashMap;
use std::sync::Arc;

use async_trait::async_trait;

use super::client::Cluster;
use super::committer::OpenSearchCommitter;
use super::marker::MarkerDocument;
use super::options::ConnectionOptions;
use super::sender::{Sender, Sending};
use super::tasks::RequestNames;
use crate::changelog::rejects::ErrorHandling;
use crate::connectors::{Committer, OpenContext, Target, TargetContext, TargetTable};
use crate::error::{Error, Result};

/// The nodes of a cluster and the user.
#[derive(Debug, Clone)]
pub struct OpenSearchTarget {
    pub table: Arc<TargetedTable>,
}

/// What the committer must know of a table.
#[derive(Debug, Clone)]
pub struct TargetedTable {
    pub connection: ConnectionOptions,
    pub sending: Sending,
    pub rule: RejectRule,
}

/// What the table says of documents that are rejected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RejectRule {
    Fail,
    /// They are dropped.
    Skip,
    /// Nothing: the table counts that the row was read from.
    AsRow,
}

#[async_trait]
impl Target for OpenSearchTarget {
    fn name(&self) -> String {
        let ConnectionOptions { hosts, credentials, .. } = &self.table.connection;
        let mut hosts: Vec<_> = hosts.iter().map(|url| url.as_str().trim_end_matches('/')).collect();
        hosts.sort_unstable();
        hosts.dedup();
        let user = credentials.as_ref().map(|(user, _)| format!(" as {user}")).unwrap_or_default();
        format!("opensearch {}{user}", hosts.join(", "))
    }

    /// A bulk request is no transaction: each document counts for itself.
    fn has_transactions(&self) -> bool {
        false
    }

    async fn open(&self, tables: Vec<TargetTable>, context: &TargetContext) -> Result<Arc<dyn Committer>> {
        let names = RequestNames::new(&context.job, &context.lineage, context.attempt);
        let general = sender(&self.table, &names, context).await?;
        general.cluster.greet(&self.table.connection).await?;
        let mut senders = HashMap::new();
        for TargetTable { sink, table } in tables {
            let table: Arc<dyn Any + Send + Sync> = table;
            let table = table.downcast::<TargetedTable>();
            let table = table.map_err(|_| Error::internal("a table of another connector at a search service"))?;
            senders.insert(sink, (sender(&table, &names, context).await?, table.rule));
        }
        let marker = MarkerDocument::new(
            (general.cluster.clone(), self.table.connection.max_retry),
            (context.job.clone(), self.name()),
            (context.lineage.clone(), context.attempt),
        );
        Ok(Arc::new(OpenSearchCommitter::new(context.clone(), marker, (general, names), senders)))
    }
}

async fn sender(table: &TargetedTable, names: &RequestNames, context: &TargetContext) -> Result<Sender> {
    let context = OpenContext {
        job: context.job.clone(),
        subtask: 0,
        parallelism: 1,
        clock: context.clock.clone(),
        reporter: context.reporter.clone(),
        metrics: context.metrics.clone(),
        batch_rows: 1,
        errors: ErrorHandling::Unset,
        may_reject: false,
        epochs: None,
    };
    let cluster = Cluster::try_new(&table.connection, &context).await?;
    Ok(Sender { sending: table.sending.clone(), cluster, names: Some(names.clone()) })
}
