//! Reads files one behind the other, each a split of its own.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use async_trait::async_trait;
use tokio::task::JoinHandle;

use super::blocking;
use super::columns::RowColumns;
use super::data_file::DataFile;
use super::record_reader::{FileRows, RecordReader, RowPlaces};
use crate::changelog::rejects::ErrorHandling;
use crate::connectors::{DoorMetrics, SourceEvent, SourceReader, Split};
use crate::error::{Error, Result};

/// Work that blocks, done step by step.
pub trait Steps: Send + 'static {
    type Step: Send;

    fn step(&mut self) -> Result<Self::Step>;
}

/// Does the steps on threads that may block, one at a time.
pub struct OffThread<S: Steps> {
    idle: Option<S>,
    busy: Option<JoinHandle<(S, Result<S::Step>)>>,
}

impl<S: Steps> OffThread<S> {
    pub fn new(steps: S) -> Self {
        Self { idle: Some(steps), busy: None }
    }

    /// The next step. Cancel safe: what was begun goes on, and is the next call's.
    pub async fn next(&mut self) -> Result<S::Step> {
        if let Some(mut steps) = self.idle.take() {
            self.busy = Some(blocking::start(move || {
                let step = steps.step();
                (steps, step)
            }));
        }
        let Some(busy) = &mut self.busy else {
            return Err(Error::internal("a file is read after its reader has failed"));
        };
        let done = busy.await;
        self.busy = None;
        let (steps, step) = done.map_err(|error| blocking::broken(&error))?;
        self.idle = Some(steps);
        step
    }
}

/// Files still to be read.
pub struct FileQueue {
    root: PathBuf,
    /// Paths, and from which byte on.
    files: VecDeque<(PathBuf, u64)>,
    current: Option<RecordReader>,
    columns: RowColumns,
    rows_max: usize,
    errors: ErrorHandling,
}

/// What a queue of files gives.
#[derive(Debug)]
pub enum FileStep {
    Rows {
        file: Arc<str>,
        rows: Box<FileRows>,
        /// Where the next record starts.
        offset: u64,
        undecodable: u64,
    },
    FileEnd {
        file: Arc<str>,
        offset: u64,
        undecodable: u64,
    },
    /// No file is left.
    Empty,
}

impl FileQueue {
    /// A queue of files in the table whose files are in `root`, read in batches of `rows_max` rows.
    pub fn new(root: &Path, columns: RowColumns, rows_max: usize, errors: ErrorHandling) -> Self {
        let (root, files, rows_max) = (root.to_path_buf(), VecDeque::new(), rows_max.max(1));
        Self { root, files, current: None, columns, rows_max, errors }
    }

    pub fn push(&mut self, path: impl Into<PathBuf>, offset: u64) {
        self.files.push_back((path.into(), offset));
    }
}

impl Steps for FileQueue {
    type Step = FileStep;

    fn step(&mut self) -> Result<FileStep> {
        let mut reader = match self.current.take() {
            Some(reader) => reader,
            None => match self.files.pop_front() {
                Some((path, offset)) => {
                    let file = DataFile::look(&path, &self.root)?;
                    RecordReader::open(file, offset, &self.columns, self.errors.clone())?
                }
                None => return Ok(FileStep::Empty),
            },
        };
        let rows = reader.next(self.rows_max)?;
        let (file, offset, undecodable) = (reader.file().name.clone(), reader.offset(), reader.take_undecodable());
        Ok(match rows {
            Some(rows) => {
                self.current = Some(reader);
                FileStep::Rows { file, rows: Box::new(rows), offset, undecodable }
            }
            None => FileStep::FileEnd { file, offset, undecodable },
        })
    }
}

/// Reads splits that are files.
pub struct FileReader {
    queue: OffThread<FileQueue>,
    positions: Vec<Split>,
    metrics: Arc<DoorMetrics>,
    /// Of the rows that were given last.
    places: RowPlaces,
}

impl FileReader {
    /// # Errors
    /// A position that is no byte offset.
    pub fn try_new(splits: Vec<Split>, mut queue: FileQueue, metrics: Arc<DoorMetrics>) -> Result<Self> {
        for split in &splits {
            let offset = split.position.parse().map_err(|_| {
                Error::state(format!(
                    "file \"{}\" has the position '{}', which is no byte offset",
                    split.id, split.position
                ))
            })?;
            queue.push(&split.id, offset);
        }
        Ok(Self { queue: OffThread::new(queue), positions: splits, metrics, places: RowPlaces::default() })
    }

    fn moved(&mut self, file: &str, offset: u64, undecodable: u64) {
        self.metrics.rows_undecodable.fetch_add(undecodable, Ordering::Relaxed);
        if let Some(split) = self.positions.iter_mut().find(|split| split.id == *file) {
            let before: u64 = split.position.parse().unwrap_or(offset);
            self.metrics.bytes.fetch_add(offset.saturating_sub(before), Ordering::Relaxed);
            split.position = offset.to_string();
        }
    }
}

#[async_trait]
impl SourceReader for FileReader {
    async fn next(&mut self) -> Result<SourceEvent> {
        Ok(match self.queue.next().await? {
            FileStep::Rows { file, rows, offset, undecodable } => {
                self.moved(&file, offset, undecodable);
                self.places = rows.places;
                SourceEvent::Rows { split: file, rows: rows.rows, kinds: rows.kinds, records: rows.records }
            }
            FileStep::FileEnd { file, offset, undecodable } => {
                self.moved(&file, offset, undecodable);
                SourceEvent::SplitEnd(file)
            }
            FileStep::Empty => SourceEvent::End,
        })
    }

    async fn place(&mut self, row: usize) -> Option<String> {
        self.places.of(row).await
    }

    fn positions(&self) -> Vec<Split> {
        self.positions.clone()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, channel};

    use super::*;

    /// Steps that wait for someone.
    struct Gate(Receiver<u32>);

    impl Steps for Gate {
        type Step = u32;

        fn step(&mut self) -> Result<u32> {
            self.0.recv().map_err(|e| Error::internal(e.to_string()))
        }
    }

    #[tokio::test]
    async fn a_call_that_is_dropped_has_taken_nothing() {
        let (sender, receiver) = channel();
        let mut steps = OffThread::new(Gate(receiver));
        // Polled once: the step has begun, and the call is dropped.
        assert!(futures::poll!(std::pin::pin!(steps.next())).is_pending());
        sender.send(1).unwrap();
        sender.send(2).unwrap();
        assert_eq!(steps.next().await.unwrap(), 1);
        assert_eq!(steps.next().await.unwrap(), 2);
    }
}
