//! A database and a role in it, as a target of exactly-once output.

use std::sync::Arc;

use async_trait::async_trait;

use super::committer::JdbcCommitter;
use super::link::Link;
use super::options::JdbcOptions;
use crate::connectors::{Committer, TableDescriptor, Target, TargetContext, TargetTable};
use crate::error::{Error, Result};

/// What a committer must know of a sink's table.
#[derive(Debug)]
pub struct SinkTable {
    pub table: Arc<TableDescriptor>,
    pub options: JdbcOptions,
}

/// All tables that are reached by the same sessions: one transaction can hold rows of all of them.
#[derive(Debug)]
pub struct JdbcTarget {
    link: Link,
}

impl JdbcTarget {
    pub fn new(link: Link) -> Self {
        Self { link }
    }
}

#[async_trait]
impl Target for JdbcTarget {
    fn name(&self) -> String {
        self.link.session_name()
    }

    fn has_transactions(&self) -> bool {
        true
    }

    async fn open(&self, tables: Vec<TargetTable>, context: &TargetContext) -> Result<Arc<dyn Committer>> {
        let tables = tables.into_iter().map(|TargetTable { sink, table }| {
            let table = table.downcast::<SinkTable>();
            Ok((sink, table.map_err(|_| Error::internal("a table of another connector"))?))
        });
        let tables = tables.collect::<Result<_>>()?;
        Ok(Arc::new(JdbcCommitter::open(self.link.clone(), tables, context.clone()).await?))
    }
}
