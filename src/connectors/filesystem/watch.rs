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
}

impl WatchPosition {
    pub fn parse(text: &str) -> Result<Self> {
        serde_json::from_str(text).map_err(|e| Error::state(format!("the position of a folder can't be read: {e}")))
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
        if let Some((file, offset)) = &position.open {
            seen.insert(file.clone());
            queue.push(file, *offset);
        }
        let queue = OffThread::new(WatchQueue { queue, listing, seen });
        let (split, places) = (split.id.as_str().into(), RowPlaces::default());
        Ok(Self { split, queue, position, interval, look_at: None, metrics, places })
    }

    fn moved(&mut self, file: &str, offset: u64, undecodable: u64) {
        let before = self.position.open.as_ref().filter(|(open, _)| open == file).map_or(0, |(_, offset)| *offset);
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
                    self.position.open = Some((file.to_string(), offset));
                    self.places = rows.places;
                    let split = self.split.clone();
                    return Ok(SourceEvent::Rows { split, rows: rows.rows, kinds: rows.kinds, records: rows.records });
                }
                FileStep::FileEnd { file, offset, undecodable } => {
                    self.moved(&file, offset, undecodable);
                    self.position.open = None;
                    self.position.done.insert(file.to_string());
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
