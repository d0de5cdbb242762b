//! The description of where to write files.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use chrono_tz::Tz;

use super::location::{Location, failed};
use super::writer::FileWriter;
use crate::connectors::{ChangelogSupport, OpenContext, Sink, SinkWriter};
use crate::error::{Error, Result};
use crate::formats::EncodingFormat;
use crate::types::Schema;

/// A folder that files of lines are written into.
#[derive(Debug, Clone)]
pub(super) struct FileSink {
    pub location: Location,
    pub encoding: Arc<dyn EncodingFormat>,
    /// All physical columns; those at `partition_keys` become folders.
    pub columns: Schema,
    pub partition_keys: Vec<usize>,
    pub default_name: String,
    pub zone: Tz,
    // When a file is finished.
    pub file_bytes_max: usize,
    pub age_max: Duration,
    pub check_interval: Duration,
    pub parallelism: Option<usize>,
}

#[async_trait]
impl Sink for FileSink {
    fn changelog_support(&self) -> ChangelogSupport {
        ChangelogSupport::InsertOnly
    }

    fn describe(&self) -> String {
        format!("path={}", self.location.path.display())
    }

    fn parallelism(&self) -> Option<usize> {
        self.parallelism
    }

    async fn open(&self, context: &OpenContext) -> Result<Box<dyn SinkWriter>> {
        let root = self.location.absolute()?;
        if tokio::fs::metadata(&root).await.is_ok_and(|found| !found.is_dir()) {
            return Err(Error::external(format!("cannot write to {}: it is a file", root.display()))
                .with_hint("'path' of a table that is written is a folder."));
        }
        tokio::fs::create_dir_all(&root).await.map_err(|e| failed("make the folder", &root, e))?;
        Ok(Box::new(FileWriter::new(self.clone(), root, context)?))
    }
}
