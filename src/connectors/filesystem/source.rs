//! The source of a filesystem table: which files are read.

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;

use super::blocking;
use super::columns::RowColumns;
use super::data_file::DataFile;
use super::location::shown;
use super::reader::{FileQueue, FileReader};
use super::table::FileTable;
use super::watch::{WatchPosition, WatchReader};
use crate::connectors::{OpenContext, ScanRequest, Source, SourceChanges, SourceReader, Split, TableDescriptor};
use crate::error::{Error, Result};

/// Reads the files there are, or those and all that appear.
#[derive(Debug, Clone)]
pub struct FileSource {
    table: Arc<FileTable>,
    columns: RowColumns,
}

impl FileSource {
    /// A description of all columns; everything the options say is checked.
    pub fn try_new(table: &TableDescriptor) -> Result<Self> {
        let table = FileTable::try_new(table)?;
        let all: Vec<usize> = (0..table.descriptor.scan_schema().len()).collect();
        Ok(Self { columns: RowColumns::try_new(&table, &all)?, table: Arc::new(table) })
    }
}

#[async_trait]
impl Source for FileSource {
    fn is_bounded(&self) -> bool {
        self.table.options.monitor_interval.is_none()
    }

    fn changes(&self) -> SourceChanges {
        match self.table.format.has_changes() {
            true => SourceChanges::All,
            false => SourceChanges::Inserts,
        }
    }

    fn narrow(&self, scan: ScanRequest) -> Result<Arc<dyn Source>> {
        let columns = RowColumns::try_new(&self.table, &scan.projection)?;
        Ok(Arc::new(Self { table: self.table.clone(), columns }))
    }

    fn describe(&self) -> String {
        let path = shown(&self.table.options.listing.root);
        let monitored = match self.table.options.monitor_interval {
            Some(interval) => format!(", monitor-interval={interval:?}"),
            None => String::new(),
        };
        format!("path={path}, format={}{monitored}", self.table.format.name())
    }

    fn place_of(&self, _table: &str, split: &str, position: &str) -> String {
        match WatchPosition::parse(position) {
            Ok(watched) if !self.is_bounded() => {
                let of_open = watched.open.map(|(file, byte)| format!(" and {byte} bytes of \"{file}\""));
                let files = match watched.done.len() {
                    1 => "1 file".to_string(),
                    files => format!("{files} files"),
                };
                format!("folder \"{split}\" behind {files}{}", of_open.unwrap_or_default())
            }
            _ => format!("file \"{split}\" at byte {position}"),
        }
    }

    async fn check(&self, _context: &OpenContext) -> Result<()> {
        let (listing, owner) = (self.table.options.listing.clone(), self.table.descriptor.owner());
        blocking::run(move || listing.files()).await.map(drop).map_err(|e| e.context(owner))
    }

    /// One per file; one for all of a folder that is monitored, whose files are not known yet.
    async fn splits(&self, _context: &OpenContext) -> Result<Vec<Split>> {
        let files = self.files().await?;
        if !self.is_bounded() {
            return Ok(vec![self.folder(&WatchPosition::default())]);
        }
        Ok(files.iter().map(|file| Split { id: file.name.to_string(), position: "0".into() }).collect())
    }

    /// Positions are those of files, whatever path the table had: files that were begun are read on, and those that the
    /// table's path leads to now are read if they are new.
    async fn splits_after(&self, restored: Vec<Split>, context: &OpenContext) -> Result<Vec<Split>> {
        // Which files a table has that isn't monitored was found at its first start.
        if self.is_bounded() && !restored.iter().any(WatchPosition::is_of) {
            return Ok(restored);
        }
        let mut position = WatchPosition::of_splits(&restored)?;
        let root = &self.table.options.listing.root;
        position.forget(|file, offset| {
            let path = Path::new(file);
            let is_gone = !path.starts_with(root) && !path.exists();
            if is_gone {
                let owner = self.table.descriptor.owner();
                context.reporter.news(&format!(
                    "{owner}: file \"{}\" was read to byte {offset}, and is neither there any more nor under the table's \
                     path: the rest of it is left out",
                    shown(path)
                ));
            }
            is_gone
        });
        let files = self.files().await?;
        if !self.is_bounded() {
            return Ok(vec![self.folder(&position)]);
        }
        let begun = position.begun().map(|(id, offset)| Split { id: id.clone(), position: offset.to_string() });
        let others = files.iter().filter(|file| position.begun().all(|(begun, _)| *begun != *file.name));
        let other = |file: &DataFile| {
            let offset = if position.is_done(&file.name) { file.size } else { 0 };
            Split { id: file.name.to_string(), position: offset.to_string() }
        };
        Ok(begun.chain(others.map(other)).collect())
    }

    async fn open(&self, splits: Vec<Split>, context: &OpenContext) -> Result<Box<dyn SourceReader>> {
        let listing = &self.table.options.listing;
        let queue = FileQueue::new(&listing.root, self.columns.clone(), context.batch_rows, context.errors.clone());
        let metrics = context.metrics.clone();
        let Some(interval) = self.table.options.monitor_interval else {
            return Ok(Box::new(FileReader::try_new(splits, queue, metrics)?));
        };
        match splits.as_slice() {
            [split] => Ok(Box::new(WatchReader::try_new(split, queue, listing.clone(), interval, metrics)?)),
            _ => Err(Error::internal("a monitored folder is one split")),
        }
    }
}

impl FileSource {
    /// The files there are now.
    async fn files(&self) -> Result<Vec<DataFile>> {
        let listing = self.table.options.listing.clone();
        let owner = self.table.descriptor.owner();
        blocking::run(move || listing.files()).await.map_err(|e| e.context(owner))
    }

    /// The one split of a folder that is monitored.
    fn folder(&self, position: &WatchPosition) -> Split {
        Split { id: self.table.options.listing.root.display().to_string(), position: position.to_string() }
    }
}

#[cfg(test)]
#[path = "source_tests.rs"]
mod tests;
