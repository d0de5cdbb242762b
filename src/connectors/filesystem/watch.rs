//! Reads a folder to which files are added: all of it is one split, which never ends.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use super::listing::Listing;
use super::reader::{FileQueue, FileStep, OffThread, Steps};
use super::record_reader::RowPlaces;
use crate::connectors::{DoorMetrics, SourceEvent, SourceReader, Split};
use crate::error::{Error, Result};

/// How far a folder is read: the position of its split, as JSON.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WatchPosition {
    /// Files that are read to their end; never looked at again.
    pub done: BTreeSet<String>,
    /// The file that is being read, and the byte its next record starts at.
    pub open: Option<(String, u64)>,
    /// Files that were being read when the table had another path, or wasn't monitored: read on before others.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    begun: Vec<(String, u64)>,
}

impl WatchPosition {
    pub fn parse(text: &str) -> Result<Self> {
        serde_json::from_str(text).map_err(|e| Error::state(format!("the position of a folder can't be read: {e}")))
    }

    /// What the splits of a table say together, whether each is a file or all of a folder.
    pub fn of_splits(splits: &[Split]) -> Result<Self> {
        let mut all = Self::default();
        for split in splits {
            match split.position.parse() {
                Ok(offset) => all.begun.push((split.id.clone(), offset)),
                Err(_) => {
                    let folder = Self::parse(&split.position)?;
                    all.done.extend(folder.done);
                    all.begun.extend(folder.open.into_iter().chain(folder.begun));
                }
            }
        }
        Ok(all)
    }

    /// True where a split is all of a folder.
    pub fn is_of(split: &Split) -> bool {
        split.position.parse::<u64>().is_err()
    }

    /// Files to read on, and from which byte.
    pub fn begun(&self) -> impl Iterator<Item = &(String, u64)> {
        self.open.iter().chain(&self.begun)
    }

    /// Leaves out files that are begun.
    pub fn forget(&mut self, mut is_gone: impl FnMut(&str, u64) -> bool) {
        self.begun.retain(|(file, offset)| !is_gone(file, *offset));
    }

    /// True for a file that was read to its end.
    pub fn is_done(&self, file: &str) -> bool {
        self.done.contains(file)
    }

    /// A file stands at a byte now.
    fn read_to(&mut self, file: &str, offset: u64) {
        self.begun.retain(|(begun, _)| begun != file);
        self.open = Some((file.to_string(), offset));
    }

    fn read_to_end(&mut self, file: &str) {
        self.begun.retain(|(begun, _)| begun != file);
        self.open = None;
        self.done.insert(file.to_string());
    }
}

impl std::fmt::Display for WatchPosition {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&serde_json::to_string(self).map_err(|_| std::fmt::Error)?)
    }
}

/// Files still to be read, and those that appear.
struct WatchQueue {
    queue: FileQueue,
    listing: Listing,
    /// Every file that was ever queued.
    seen: BTreeSet<String>,
}

impl Steps for WatchQueue {
    type Step = FileStep;

    fn step(&mut self) -> Result<FileStep> {
        match self.queue.step()? {
            FileStep::Empty => {}
            step => return Ok(step),
        }
        let mut files = self.listing.files()?;
        files.sort_by(|a, b| (a.modified, &a.path).cmp(&(b.modified, &b.path)));
        for file in files {
            if self.seen.insert(file.name.to_string()) {
                self.queue.push(file.path, 0);
            }
        }
        self.queue.step()
    }
}

/// Reads a folder for ever.
pub struct WatchReader {
    split: Arc<str>,
    queue: OffThread<WatchQueue>,
    position: WatchPosition,
    interval: Duration,
    /// When to look for files again; `None` while there are some.
    look_at: Option<Instant>,
    metrics: Arc<DoorMetrics>,
    /// Of the rows that were given last.
    places: RowPlaces,
}

impl WatchReader {
    pub fn try_new(
        split: &Split,
        mut queue: FileQueue,
        listing: Listing,
        interval: Duration,
        metrics: Arc<DoorMetrics>,
    ) -> Result<Self> {
        let position = WatchPosition::parse(&split.position)?;
        let mut seen = position.done.clone();
        for (file, offset) in position.begun() {
            seen.insert(file.clone());
            queue.push(file, *offset);
        }
        let queue = OffThread::new(WatchQueue { queue, listing, seen });
        let (split, places) = (split.id.as_str().into(), RowPlaces::default());
        Ok(Self { split, queue, position, interval, look_at: None, metrics, places })
    }

    fn moved(&mut self, file: &str, offset: u64, undecodable: u64) {
        let before = self.position.begun().find(|(begun, _)| begun == file).map_or(0, |(_, offset)| *offset);
        self.metrics.bytes.fetch_add(offset.saturating_sub(before), Ordering::Relaxed);
        self.metrics.rows_undecodable.fetch_add(undecodable, Ordering::Relaxed);
    }
}

#[async_trait]
impl SourceReader for WatchReader {
    async fn next(&mut self) -> Result<SourceEvent> {
        loop {
            if let Some(look_at) = self.look_at {
                tokio::time::sleep_until(look_at).await;
                self.look_at = None;
            }
            match self.queue.next().await? {
                FileStep::Rows { file, rows, offset, undecodable } => {
                    self.moved(&file, offset, undecodable);
                    self.position.read_to(&file, offset);
                    self.places = rows.places;
                    let split = self.split.clone();
                    return Ok(SourceEvent::Rows { split, rows: rows.rows, kinds: rows.kinds, records: rows.records });
                }
                FileStep::FileEnd { file, offset, undecodable } => {
                    self.moved(&file, offset, undecodable);
                    self.position.read_to_end(&file);
                }
                FileStep::Empty => self.look_at = Some(Instant::now() + self.interval),
            }
        }
    }

    async fn place(&mut self, row: usize) -> Option<String> {
        self.places.of(row).await
    }

    fn positions(&self) -> Vec<Split> {
        vec![Split { id: self.split.to_string(), position: self.position.to_string() }]
    }
}
