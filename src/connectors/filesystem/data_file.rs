//! A file of a table, as it was when it was found, and the metadata columns that describe it.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::UNIX_EPOCH;

use arrow::array::{ArrayRef, Int64Array, StringArray, TimestampMillisecondArray};

use super::blocking::io_error;
use super::partition;
use crate::error::{Error, Result};
use crate::types::{SqlType, TypeKind};

/// A file that can be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DataFile {
    pub path: PathBuf,
    /// The path as text, which is also the split's id.
    pub name: Arc<str>,
    pub size: u64,
    /// Nanoseconds since the epoch.
    pub modified: i128,
    /// What the folders between the table's path and the file say: `day=2026-11-01`, in order.
    pub partitions: Vec<(String, String)>,
}

impl DataFile {
    /// The file at `path`, in the table whose files are in `root`.
    pub fn new(path: &Path, root: &Path, metadata: &std::fs::Metadata) -> Result<Self> {
        let Some(name) = path.to_str() else {
            return Err(Error::external(format!("the name of \"{}\" is not UTF-8", path.display())));
        };
        let modified = metadata.modified().map_err(|e| io_error("tell the time of", path, e))?;
        let modified = match modified.duration_since(UNIX_EPOCH) {
            Ok(after) => after.as_nanos() as i128,
            Err(before) => -(before.duration().as_nanos() as i128),
        };
        let partitions = partition::of_path(path, root);
        Ok(Self { path: path.to_path_buf(), name: name.into(), size: metadata.len(), modified, partitions })
    }

    /// The file as it is now.
    pub fn look(path: &Path, root: &Path) -> Result<Self> {
        let metadata = std::fs::metadata(path).map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => super::location::missing(path),
            _ => io_error("read", path, error),
        })?;
        Self::new(path, root, &metadata)
    }
}

/// A metadata key of a filesystem table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileMetadata {
    Path,
    Name,
    Size,
    ModificationTime,
}

impl FileMetadata {
    pub const ALL: [FileMetadata; 4] = [Self::Path, Self::Name, Self::Size, Self::ModificationTime];

    pub fn find(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|m| m.key() == key)
    }

    pub fn key(self) -> &'static str {
        match self {
            Self::Path => "file.path",
            Self::Name => "file.name",
            Self::Size => "file.size",
            Self::ModificationTime => "file.modification-time",
        }
    }

    pub fn ty(self) -> SqlType {
        SqlType::not_null(match self {
            Self::Path | Self::Name => SqlType::string().kind,
            Self::Size => TypeKind::BigInt,
            Self::ModificationTime => TypeKind::TimestampLtz(3),
        })
    }

    /// The value for a file, as an array of one row.
    pub fn value(self, file: &DataFile) -> ArrayRef {
        match self {
            Self::Path => Arc::new(StringArray::from(vec![&*file.name])),
            Self::Name => {
                let name = file.name.rsplit('/').next().unwrap_or(&file.name);
                Arc::new(StringArray::from(vec![name]))
            }
            Self::Size => Arc::new(Int64Array::from(vec![file.size as i64])),
            Self::ModificationTime => {
                let millis = file.modified.div_euclid(1_000_000) as i64;
                Arc::new(TimestampMillisecondArray::from(vec![millis]).with_timezone("UTC"))
            }
        }
    }
}
