//! Where a table's files are, and which of them are read.

use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use regex::Regex;

use crate::connectors::options::Options;
use crate::error::{Error, Result};

/// A file or folder of the local file system, and which files in it count.
#[derive(Debug, Clone)]
pub(super) struct Location {
    /// As the table states it, without `file:`.
    pub path: PathBuf,
    /// The whole absolute path has to match.
    pattern: Option<Regex>,
}

/// A file as it was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FoundFile {
    /// Absolute.
    pub path: PathBuf,
    pub size: u64,
    pub modified_ms: i64,
}

/// Endings of compressed files, which Flink would unpack.
const COMPRESSED: &[&str] = &["gz", "gzip", "deflate", "bz2", "xz", "zst"];

impl Location {
    pub fn of(options: &Options) -> Result<Self> {
        let text = options.require("path")?.trim();
        let path = match text.split_once(':') {
            Some(("file", path)) => path.strip_prefix("//").unwrap_or(path),
            Some((scheme, rest)) if rest.starts_with("//") => {
                return Err(options.invalid("path", format!("file systems of the kind '{scheme}' are not supported")));
            }
            _ => text,
        };
        let pattern = options.text("source.path.regex-pattern").map(|pattern| {
            Regex::new(&format!("^(?:{pattern})$")).map_err(|e| options.invalid("source.path.regex-pattern", e))
        });
        Ok(Self { path: PathBuf::from(path), pattern: pattern.transpose()? })
    }

    pub fn absolute(&self) -> Result<PathBuf> {
        std::path::absolute(&self.path).map_err(|e| failed("find", &self.path, e))
    }

    /// The files there are, by path. Names that begin with `.` or `_` are hidden, as in Flink.
    ///
    /// # Errors
    /// Where the path does not exist, can't be read, or a file is compressed.
    pub async fn files(&self) -> Result<Vec<FoundFile>> {
        let root = self.absolute()?;
        let found = tokio::fs::metadata(&root).await.map_err(|e| failed("read", &root, e))?;
        let mut files = Vec::new();
        let mut folders = Vec::new();
        match found.is_dir() {
            true => folders.push(root),
            false => self.add(root, &found, &mut files)?,
        }
        while let Some(folder) = folders.pop() {
            let mut entries = tokio::fs::read_dir(&folder).await.map_err(|e| failed("read", &folder, e))?;
            while let Some(entry) = entries.next_entry().await.map_err(|e| failed("read", &folder, e))? {
                if entry.file_name().to_string_lossy().starts_with(['.', '_']) {
                    continue;
                }
                // A file that went away meanwhile is not there.
                match tokio::fs::metadata(entry.path()).await {
                    Ok(found) if found.is_dir() => folders.push(entry.path()),
                    Ok(found) => self.add(entry.path(), &found, &mut files)?,
                    Err(e) if e.kind() == std::io::ErrorKind::NotFound => {}
                    Err(e) => return Err(failed("read", &entry.path(), e)),
                }
            }
        }
        files.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(files)
    }

    fn add(&self, path: PathBuf, found: &std::fs::Metadata, files: &mut Vec<FoundFile>) -> Result<()> {
        if self.pattern.as_ref().is_some_and(|pattern| !pattern.is_match(&path.to_string_lossy())) {
            return Ok(());
        }
        let ending = path.extension().and_then(|e| e.to_str()).unwrap_or_default().to_lowercase();
        if COMPRESSED.contains(&ending.as_str()) {
            return Err(Error::unsupported(format!("the compressed file {}", path.display()))
                .with_hint("Unpack it, or leave it out with 'source.path.regex-pattern'."));
        }
        let modified = found.modified().ok().and_then(|t| t.duration_since(UNIX_EPOCH).ok());
        let modified_ms = modified.map_or(0, |d| d.as_millis() as i64);
        files.push(FoundFile { path, size: found.len(), modified_ms });
        Ok(())
    }
}

/// `cannot read /data/x.json: permission denied`
pub(super) fn failed(what: &str, path: &Path, error: std::io::Error) -> Error {
    Error::external(format!("cannot {what} {}: {error}", path.display())).with_source(error)
}
