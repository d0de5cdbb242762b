//! Sinks of a simulation: one that stages epochs for a target, one that writes at least once.

use std::sync::Arc;

use async_trait::async_trait;
use tokio::time::Instant;

use super::super::script::lines;
use super::target::{SimulatedCommitter, SimulatedTarget, encode};
use super::time::now;
use super::world::{Place, World};
use crate::changelog::{ChangelogBatch, Epoch};
use crate::connectors::{ChangelogSupport, EpochMode, OpenContext, Sink, SinkTarget, SinkWriter, Staged, WriterEpochs};
use crate::error::Result;

#[derive(Debug, Clone)]
pub struct SimulatedSink {
    pub world: Arc<World>,
    pub table: String,
    pub target: Option<Arc<SimulatedTarget>>,
    pub support: ChangelogSupport,
    /// In the mode Rollback rows wait in the writer, not in the target.
    pub buffers: bool,
}

#[async_trait]
impl Sink for SimulatedSink {
    fn changelog_support(&self) -> ChangelogSupport {
        self.support
    }

    fn describe(&self) -> String {
        "simulated".to_string()
    }

    fn target(&self) -> Option<SinkTarget> {
        let target = self.target.clone()?;
        Some(SinkTarget { target, table: Arc::new(self.table.clone()) })
    }

    async fn open(&self, context: &OpenContext) -> Result<Box<dyn SinkWriter>> {
        self.world.step(Place::Sink, "open a writer").await?;
        Ok(match &context.epochs {
            Some(epochs) => Box::new(EpochWriter {
                sink: self.clone(),
                writer: (epochs.sink, context.subtask),
                epochs: epochs.clone(),
                epoch: epochs.first,
                rows: Vec::new(),
                count: 0,
                staged: None,
            }),
            None => {
                assert!(self.target.is_none());
                Box::new(PlainWriter { sink: self.clone(), rows: Vec::new(), deadline: None })
            }
        })
    }
}

impl SimulatedSink {
    fn told(&self, batch: &ChangelogBatch) -> Vec<String> {
        lines(batch).into_iter().map(|line| format!("{}|{line}", self.table)).collect()
    }
}

struct EpochWriter {
    sink: SimulatedSink,
    writer: (usize, usize),
    epochs: WriterEpochs,
    epoch: Epoch,
    rows: Vec<String>,
    /// How many rows the epoch has.
    count: u64,
    staged: Option<Epoch>,
}

impl EpochWriter {
    fn committer(&self) -> Result<&SimulatedCommitter> {
        self.epochs.committer()
    }
}

#[async_trait]
impl SinkWriter for EpochWriter {
    async fn write(&mut self, batch: ChangelogBatch) -> Result<()> {
        self.sink.world.step(Place::Sink, "write").await?;
        let told = self.sink.told(&batch);
        self.count += told.len() as u64;
        let committer = self.committer()?;
        assert!(committer.is_begun(self.epoch), "rows of epoch {} that has not begun", self.epoch.0);
        match self.epochs.mode == EpochMode::Rollback && !self.sink.buffers {
            true => committer.write(self.epoch, self.writer, told),
            false => self.rows.extend(told),
        }
        if self.sink.world.dice().per_mille(20) {
            self.epochs.room.ask();
        }
        Ok(())
    }

    async fn flush(&mut self) -> Result<()> {
        panic!("a writer of epochs is staged")
    }

    async fn stage(&mut self, epoch: Epoch) -> Result<Staged> {
        assert_eq!(epoch, self.epoch);
        self.sink.world.step(Place::Sink, "stage").await?;
        let committer = self.committer()?;
        let payload = match self.epochs.mode {
            EpochMode::Rollback if !self.sink.buffers => Vec::new(),
            _ => encode(committer.client.1, &self.rows),
        };
        committer.staged(epoch, self.writer);
        let rows = std::mem::take(&mut self.count);
        self.rows.clear();
        (self.epoch, self.staged) = (epoch.next(), Some(epoch));
        Ok(Staged { rows, payload: payload.into() })
    }

    async fn close(&mut self) -> Result<()> {
        assert!(self.staged.is_some() && self.count == 0, "what is written is staged before the end");
        self.sink.world.step(Place::Sink, "close").await
    }
}

struct PlainWriter {
    sink: SimulatedSink,
    rows: Vec<String>,
    deadline: Option<Instant>,
}

#[async_trait]
impl SinkWriter for PlainWriter {
    async fn write(&mut self, batch: ChangelogBatch) -> Result<()> {
        self.sink.world.step(Place::Sink, "write").await?;
        self.rows.extend(self.sink.told(&batch));
        let wait = std::time::Duration::from_millis(5);
        self.deadline = self.deadline.or_else(|| now().map(|now| now + wait));
        Ok(())
    }

    fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    async fn flush(&mut self) -> Result<()> {
        self.sink.world.step(Place::Sink, "flush").await?;
        self.deadline = None;
        self.sink.world.plain.lock().unwrap().append(&mut self.rows);
        self.sink.world.step(Place::Sink, "flushed").await
    }
}
