//! The sink of a SELECT: hands its rows to whoever asked.

use async_trait::async_trait;
use tokio::sync::mpsc;

use crate::changelog::ChangelogBatch;
use crate::connectors::{ChangelogSupport, OpenContext, Sink, SinkWriter};
use crate::error::{Error, Result};

/// Batches that wait for the reader at most; then the query waits.
const WAITING_BATCHES: usize = 16;

/// Takes all kinds of rows and queues them for a [`Collected`].
#[derive(Debug)]
pub struct CollectSink(mpsc::Sender<ChangelogBatch>);

/// The rows of a query as they come.
pub struct Collected(mpsc::Receiver<ChangelogBatch>);

impl CollectSink {
    pub fn new() -> (Self, Collected) {
        let (sender, receiver) = mpsc::channel(WAITING_BATCHES);
        (Self(sender), Collected(receiver))
    }
}

impl Collected {
    /// The next rows; `None` when the query has ended (its handle says how).
    pub async fn next(&mut self) -> Option<ChangelogBatch> {
        self.0.recv().await
    }
}

#[async_trait]
impl Sink for CollectSink {
    fn changelog_support(&self) -> ChangelogSupport {
        ChangelogSupport::All
    }

    fn describe(&self) -> String {
        String::new()
    }

    async fn open(&self, _context: &OpenContext) -> Result<Box<dyn SinkWriter>> {
        Ok(Box::new(CollectWriter(self.0.clone())))
    }
}

struct CollectWriter(mpsc::Sender<ChangelogBatch>);

#[async_trait]
impl SinkWriter for CollectWriter {
    async fn write(&mut self, batch: ChangelogBatch) -> Result<()> {
        self.0.send(batch).await.map_err(|_| Error::external("nobody reads the query's rows any more"))
    }

    async fn flush(&mut self) -> Result<()> {
        Ok(())
    }
}
