//! The description of which files to read.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::columns::Columns;
use super::location::Location;
use super::reader::FileReader;
use crate::connectors::options::Options;
use crate::connectors::{OpenContext, ScanRequest, Source, SourceReader, Split, TableDescriptor};
use crate::error::{Error, Result};
use crate::formats::DecodingFormat;

/// Files of lines, read once or watched.
///
/// Read once, each file is a split and its position the next byte. Watched, a split is a share of all files there
/// will be, and its position what was read of each so far.
#[derive(Debug, Clone)]
pub(super) struct FileSource {
    pub location: Location,
    pub decoding: Arc<dyn DecodingFormat>,
    pub columns: Columns,
    pub limit: Option<usize>,
    /// Look for new files this often.
    pub monitor: Option<Duration>,
}

/// How far a watched file was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Progress {
    pub offset: u64,
    pub done: bool,
}

/// What was read of the files of a watched share.
pub(super) type Watched = BTreeMap<PathBuf, Progress>;

/// The id of the `number`th share (from 0) of `of`.
pub(super) fn share_id(number: usize, of: usize) -> String {
    format!("{}-of-{of}", number + 1)
}

/// The share that an id names.
pub(super) fn parse_share(id: &str) -> Option<(usize, usize)> {
    let (number, of) = id.split_once("-of-")?;
    let (number, of): (usize, usize) = (number.parse().ok()?, of.parse().ok()?);
    (1..=of).contains(&number).then(|| (number - 1, of))
}

impl FileSource {
    pub fn try_new(table: &TableDescriptor, options: &Options, decoding: Box<dyn DecodingFormat>) -> Result<Self> {
        let monitor = options.duration("source.monitor-interval");
        if monitor == Some(Duration::ZERO) {
            return Err(options.invalid("source.monitor-interval", "it must be above zero"));
        }
        Ok(Self {
            location: Location::of(options)?,
            decoding: Arc::from(decoding),
            columns: Columns::of(table, options.text("partition.default-name").unwrap_or_default())?,
            limit: None,
            monitor,
        })
    }
}

#[async_trait]
impl Source for FileSource {
    fn is_bounded(&self) -> bool {
        self.monitor.is_none()
    }

    fn narrow(&self, scan: ScanRequest) -> Result<Arc<dyn Source>> {
        let columns = self.columns.project(&scan.projection);
        Ok(Arc::new(Self { columns, limit: scan.limit.or(self.limit), ..self.clone() }))
    }

    fn describe(&self) -> String {
        let watched = if self.monitor.is_some() { ", watched" } else { "" };
        format!("path={}{watched}", self.location.path.display())
    }

    async fn splits(&self, context: &OpenContext) -> Result<Vec<Split>> {
        if self.monitor.is_some() {
            let of = context.parallelism.max(1);
            return Ok((0..of).map(|n| Split { id: share_id(n, of), position: "{}".into() }).collect());
        }
        let files = self.location.files().await?;
        let split = |path: PathBuf| match path.into_os_string().into_string() {
            Ok(id) => Ok(Split { id, position: "0".into() }),
            Err(path) => Err(Error::external(format!("the path {} is no UTF-8 text", path.display()))),
        };
        files.into_iter().map(|file| split(file.path)).collect()
    }

    async fn open(&self, splits: Vec<Split>, context: &OpenContext) -> Result<Box<dyn SourceReader>> {
        Ok(Box::new(FileReader::open(self, splits, context)?))
    }
}
