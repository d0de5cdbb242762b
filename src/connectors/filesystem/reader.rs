//! Reads files line by line, one after another.

use std::collections::VecDeque;
use std::hash::Hasher;
use std::io::SeekFrom;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use arrow::record_batch::RecordBatch;
use async_trait::async_trait;
use tokio::fs::File;
use tokio::io::{AsyncReadExt, AsyncSeekExt};
use tokio::time::Instant;

use super::columns::FileValues;
use super::location::{FoundFile, failed};
use super::source::{FileSource, Progress, Watched, parse_share};
use crate::connectors::{DoorMetrics, OpenContext, SourceEvent, SourceReader, Split};
use crate::error::{Error, Result};
use crate::formats::Decoder;

/// Bytes asked for at once.
const CHUNK: usize = 1 << 20;
/// A line may be this long.
const LINE_BYTES_MAX: usize = 64 << 20;

/// Reads the files of some splits.
pub(super) struct FileReader {
    // What to read.
    source: FileSource,
    batch_rows: usize,
    metrics: Arc<DoorMetrics>,
    // How far it is.
    decoder: Box<dyn Decoder>,
    undecodable: u64,
    lanes: Vec<Lane>,
    queue: VecDeque<Next>,
    current: Option<Reading>,
    rows_left: usize,
    next_look: Instant,
}

/// A split as it runs.
enum Lane {
    /// One file; what was read of it.
    Once { id: Arc<str>, path: PathBuf, offset: u64 },
    /// A share of all files there will be.
    Watching { id: Arc<str>, number: usize, of: usize, files: Watched },
}

/// A file that waits.
struct Next {
    lane: usize,
    path: PathBuf,
    offset: u64,
}

/// The file that is read.
struct Reading {
    lane: usize,
    path: PathBuf,
    file: File,
    values: FileValues,
    buffer: Vec<u8>,
    /// The first byte in `buffer` that was not decoded, and where it stands in the file.
    start: usize,
    offset: u64,
    at_end: bool,
}

impl FileReader {
    pub fn open(source: &FileSource, splits: Vec<Split>, context: &OpenContext) -> Result<Self> {
        let mut queue = VecDeque::new();
        let mut lanes = Vec::new();
        for split in splits {
            let lane = Lane::of(&split, source.monitor.is_some())?;
            if let Lane::Once { path, offset, .. } = &lane {
                queue.push_back(Next { lane: lanes.len(), path: path.clone(), offset: *offset });
            }
            lanes.push(lane);
        }
        Ok(Self {
            decoder: source.decoding.decoder(&source.columns.in_lines())?,
            source: source.clone(),
            batch_rows: context.batch_rows.max(1),
            metrics: context.metrics.clone(),
            undecodable: 0,
            lanes,
            queue,
            current: None,
            rows_left: source.limit.unwrap_or(usize::MAX),
            next_look: Instant::now(),
        })
    }

    /// Opens the next file, if one waits.
    async fn begin(&mut self) -> Result<bool> {
        let Some(next) = self.queue.front() else {
            return Ok(false);
        };
        let reading = Reading::open(next, &self.source).await?;
        self.queue.pop_front();
        self.current = Some(reading);
        Ok(true)
    }

    /// Looks for files that were not there before.
    async fn look(&mut self) -> Result<()> {
        let found = self.source.location.files().await?;
        for (index, lane) in self.lanes.iter_mut().enumerate() {
            let Lane::Watching { number, of, files, .. } = lane else { continue };
            for file in found.iter().filter(|file| share_of(&file.path, *of) == *number) {
                let progress = files.entry(file.path.clone()).or_insert(Progress { offset: 0, done: false });
                let waits = self.queue.iter().any(|next| next.path == file.path);
                if !progress.done && !waits {
                    self.queue.push_back(Next { lane: index, path: file.path.clone(), offset: progress.offset });
                }
            }
        }
        Ok(())
    }

    /// Decodes whole lines that are in the buffer, up to a batch. Nothing is read.
    fn decode(&mut self) -> Result<Option<RecordBatch>> {
        let Some(reading) = &mut self.current else {
            return Ok(None);
        };
        let rows_max = self.batch_rows.min(self.rows_left);
        while self.decoder.len() < rows_max && !self.decoder.is_full() {
            let rest = reading.buffer.get(reading.start..).unwrap_or_default();
            let (line, length) = match self.source.decoding.line_end(rest) {
                Some(end) => (&rest[..end], end + 1),
                None if reading.at_end && !rest.is_empty() => (rest, rest.len()),
                None => break,
            };
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            match self.decoder.decode(line) {
                Ok(_) => {}
                // The rows before it go first; then the line is met again.
                Err(_) if !self.decoder.is_empty() => break,
                Err(error) => {
                    let place = format!("cannot decode {}, byte {}", reading.path.display(), reading.offset);
                    return Err(error.into_error(place));
                }
            }
            reading.start += length;
            reading.offset += length as u64;
            self.metrics.bytes.fetch_add(length as u64, Ordering::Relaxed);
        }
        let undecodable = self.decoder.undecodable();
        self.metrics.rows_undecodable.fetch_add(undecodable - self.undecodable, Ordering::Relaxed);
        self.undecodable = undecodable;
        self.lanes[reading.lane].read(&reading.path, reading.offset, false);
        if self.decoder.is_empty() {
            return Ok(None);
        }
        let mut lines = self.decoder.finish()?;
        lines = lines.slice(0, lines.num_rows().min(self.rows_left));
        self.rows_left -= lines.num_rows();
        Ok(Some(self.source.columns.assemble(&lines, &reading.values)?))
    }

    /// Ends the file that is read through, and says whether its split ends with it.
    fn finish(&mut self) -> Option<Arc<str>> {
        let reading = self.current.take()?;
        let lane = &mut self.lanes[reading.lane];
        lane.read(&reading.path, reading.offset, true);
        match lane {
            Lane::Once { id, .. } => Some(id.clone()),
            Lane::Watching { .. } => None,
        }
    }
}

#[async_trait]
impl SourceReader for FileReader {
    async fn next(&mut self) -> Result<SourceEvent> {
        loop {
            if self.rows_left == 0 {
                self.queue.clear();
                self.current = None;
                return Ok(SourceEvent::End);
            }
            if self.current.is_none() && !self.begin().await? {
                let Some(interval) = self.source.monitor else {
                    return Ok(SourceEvent::End);
                };
                tokio::time::sleep_until(self.next_look).await;
                self.look().await?;
                self.next_look = Instant::now() + interval;
                continue;
            }
            if let Some(rows) = self.decode()?
                && let Some(reading) = &self.current
            {
                let split = self.lanes[reading.lane].id();
                return Ok(SourceEvent::Rows { split, rows });
            }
            let Some(reading) = &mut self.current else { continue };
            if !reading.at_end {
                reading.fill().await?;
            } else if let Some(split) = self.finish() {
                return Ok(SourceEvent::SplitEnd(split));
            }
        }
    }

    fn positions(&self) -> Vec<Split> {
        self.lanes.iter().map(Lane::split).collect()
    }
}

/// Which of `of` shares a file belongs to; the same in every run.
fn share_of(path: &Path, of: usize) -> usize {
    let mut hasher = xxhash_rust::xxh3::Xxh3::new();
    hasher.write(path.as_os_str().as_encoded_bytes());
    (hasher.finish() % of.max(1) as u64) as usize
}

impl Lane {
    fn of(split: &Split, watching: bool) -> Result<Self> {
        let wrong = || Error::state(format!("'{}' at '{}' is no split of a file table", split.id, split.position));
        if watching {
            let (number, of) = parse_share(&split.id).ok_or_else(wrong)?;
            let files = serde_json::from_str(&split.position).map_err(|_| wrong())?;
            return Ok(Self::Watching { id: split.id.as_str().into(), number, of, files });
        }
        let offset = split.position.parse().map_err(|_| wrong())?;
        Ok(Self::Once { id: split.id.as_str().into(), path: PathBuf::from(&split.id), offset })
    }

    fn id(&self) -> Arc<str> {
        match self {
            Self::Once { id, .. } | Self::Watching { id, .. } => id.clone(),
        }
    }

    /// A file was read up to `to`.
    fn read(&mut self, path: &Path, to: u64, done: bool) {
        match self {
            Self::Once { offset, .. } => *offset = to,
            Self::Watching { files, .. } => drop(files.insert(path.to_path_buf(), Progress { offset: to, done })),
        }
    }

    fn split(&self) -> Split {
        match self {
            Self::Once { id, offset, .. } => Split { id: id.to_string(), position: offset.to_string() },
            Self::Watching { id, files, .. } => {
                // Paths are texts and numbers are numbers: this can't fail.
                let position = serde_json::to_string(files).unwrap_or_else(|_| "{}".into());
                Split { id: id.to_string(), position }
            }
        }
    }
}

impl Reading {
    async fn open(next: &Next, source: &FileSource) -> Result<Self> {
        let error = |e| failed("read", &next.path, e);
        let mut file = File::open(&next.path).await.map_err(error)?;
        let metadata = file.metadata().await.map_err(error)?;
        let modified = metadata.modified().ok().and_then(|t| t.duration_since(std::time::UNIX_EPOCH).ok());
        let found = FoundFile {
            path: next.path.clone(),
            size: metadata.len(),
            modified_ms: modified.map_or(0, |d| d.as_millis() as i64),
        };
        if next.offset > found.size {
            let (path, size) = (next.path.display(), found.size);
            return Err(Error::state(format!("{path} has {size} bytes, but {} were read before", next.offset))
                .with_hint("The file was replaced. Start with --fresh to read it from its beginning."));
        }
        file.seek(SeekFrom::Start(next.offset)).await.map_err(error)?;
        Ok(Self {
            lane: next.lane,
            path: next.path.clone(),
            file,
            values: source.columns.of_file(found)?,
            buffer: Vec::new(),
            start: 0,
            offset: next.offset,
            at_end: false,
        })
    }

    /// Reads on. Dropping this midway loses nothing: what came is in the buffer or still in the file.
    async fn fill(&mut self) -> Result<()> {
        self.buffer.drain(..self.start);
        self.start = 0;
        if self.buffer.len() > LINE_BYTES_MAX {
            let (path, offset) = (self.path.display(), self.offset);
            return Err(Error::data(format!("{path}, byte {offset}: the line is longer than 64 MiB"))
                .with_hint("With csv, a quote that is never closed makes one line of the rest of a file."));
        }
        self.buffer.reserve(CHUNK);
        let count = self.file.read_buf(&mut self.buffer).await.map_err(|e| failed("read", &self.path, e))?;
        self.at_end = count == 0;
        Ok(())
    }
}
