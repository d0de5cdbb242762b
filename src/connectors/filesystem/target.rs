//! A folder, as a target of exactly-once output.

use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;

use super::committer::FileCommitter;
use super::table::FileTable;
use crate::connectors::{Committer, Target, TargetContext, TargetTable};
use crate::error::{Error, Result};

/// The folder that a table's path names: files appear one after the other, so that an epoch must be held.
#[derive(Debug)]
pub struct FileTarget {
    root: PathBuf,
}

impl FileTarget {
    pub fn new(root: PathBuf) -> Self {
        Self { root }
    }
}

#[async_trait]
impl Target for FileTarget {
    fn name(&self) -> String {
        format!("file://{}", self.root.display())
    }

    fn has_transactions(&self) -> bool {
        false
    }

    async fn open(&self, tables: Vec<TargetTable>, context: &TargetContext) -> Result<Arc<dyn Committer>> {
        let tables = tables.into_iter().map(|TargetTable { table, .. }| {
            table.downcast::<FileTable>().map_err(|_| Error::internal("a table of another connector"))
        });
        let tables = tables.collect::<Result<Vec<_>>>()?;
        Ok(Arc::new(FileCommitter::open(self.root.clone(), tables, context.clone()).await?))
    }
}
