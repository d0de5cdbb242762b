//! A sink that forgets: for measuring what is before it.

use std::sync::Arc;

use async_trait::async_trait;

use crate::changelog::ChangelogBatch;
use crate::connectors::options::{OptionSpec, Options};
use crate::connectors::{ChangelogSupport, Connector, OpenContext, Sink, SinkWriter, TableDescriptor};
use crate::error::Result;

/// The connector `blackhole`.
#[derive(Debug)]
pub struct Blackhole;

impl Connector for Blackhole {
    fn names(&self) -> &'static [&'static str] {
        &["blackhole"]
    }

    fn options(&self) -> &'static [OptionSpec] {
        &[]
    }

    fn reads(&self) -> bool {
        false
    }

    fn sink(&self, table: &TableDescriptor) -> Result<Arc<dyn Sink>> {
        Options::check_sink(table.owner(), &table.options, &[])?;
        Ok(Arc::new(BlackholeSink))
    }
}

#[derive(Debug)]
struct BlackholeSink;

#[async_trait]
impl Sink for BlackholeSink {
    fn changelog_support(&self) -> ChangelogSupport {
        ChangelogSupport::All
    }

    fn describe(&self) -> String {
        String::new()
    }

    async fn open(&self, _context: &OpenContext) -> Result<Box<dyn SinkWriter>> {
        Ok(Box::new(BlackholeWriter))
    }
}

/// Takes rows, and forgets them.
pub(crate) struct BlackholeWriter;

#[async_trait]
impl SinkWriter for BlackholeWriter {
    async fn write(&mut self, _batch: ChangelogBatch) -> Result<()> {
        Ok(())
    }

    async fn flush(&mut self) -> Result<()> {
        Ok(())
    }
}
