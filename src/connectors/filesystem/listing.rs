//! The files of a table: what lies under its path.

use std::path::{Path, PathBuf};

use regex::Regex;

use super::blocking::io_error;
use super::data_file::DataFile;
use super::location::{missing, shown};
use crate::error::{Error, Result};

/// File names by which Flink unpacks a file while reading it; read as they are they would be garbage.
const COMPRESSED: [&str; 8] = ["gz", "gzip", "bz2", "xz", "deflate", "zst", "zstd", "zlib"];

/// A file, or the files of a folder and of the folders in it.
#[derive(Debug, Clone)]
pub struct Listing {
    /// Absolute.
    pub root: PathBuf,
    /// What the whole path of a file must match.
    pub pattern: Option<Regex>,
}

impl Listing {
    /// The files there are now, by name. Files and folders in it that begin with `.` or `_` are hidden.
    pub fn files(&self) -> Result<Vec<DataFile>> {
        let mut files = Vec::new();
        if !self.root.exists() {
            return Err(missing(&self.root));
        }
        self.collect(&self.root, &mut files)?;
        files.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(files)
    }

    fn collect(&self, path: &Path, files: &mut Vec<DataFile>) -> Result<()> {
        let metadata = match std::fs::metadata(path) {
            Ok(metadata) => metadata,
            // Gone since the folder was read.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(io_error("read", path, error)),
        };
        if !metadata.is_dir() {
            if self.pattern.as_ref().is_none_or(|p| p.is_match(&path.to_string_lossy())) {
                refuse_compressed(path)?;
                files.push(DataFile::new(path, &self.root, &metadata)?);
            }
            return Ok(());
        }
        for entry in std::fs::read_dir(path).map_err(|e| io_error("read", path, e))? {
            let entry = entry.map_err(|e| io_error("read", path, e))?;
            if !is_hidden(&entry.file_name().to_string_lossy()) {
                self.collect(&entry.path(), files)?;
            }
        }
        Ok(())
    }
}

fn is_hidden(name: &str) -> bool {
    name.starts_with(['.', '_'])
}

fn refuse_compressed(path: &Path) -> Result<()> {
    let extension = path.extension().map(|e| e.to_string_lossy().to_lowercase()).unwrap_or_default();
    if !COMPRESSED.contains(&extension.as_str()) {
        return Ok(());
    }
    Err(Error::unsupported(format!("the compressed file \"{}\"", shown(path)))
        .with_hint("Unpack it, or leave it out with 'source.path.regex-pattern'."))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listing(root: &Path, pattern: Option<&str>) -> Listing {
        Listing { root: root.to_path_buf(), pattern: pattern.map(|p| Regex::new(p).unwrap()) }
    }

    fn names(listing: &Listing) -> Vec<String> {
        let name = |f: DataFile| f.path.strip_prefix(&listing.root).unwrap().display().to_string();
        listing.files().unwrap().into_iter().map(name).collect()
    }

    #[test]
    fn folders_are_read_to_the_bottom_without_hidden_files() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["b.csv", "a/deep/c.csv", ".hidden", "_SUCCESS", "a/.staging/d.csv", "_tmp/e.csv"] {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "x").unwrap();
        }
        assert_eq!(names(&listing(folder.path(), None)), ["a/deep/c.csv", "b.csv"]);
        assert_eq!(names(&listing(folder.path(), Some("^(?:.*/b.*)$"))), ["b.csv"]);
        assert_eq!(listing(&folder.path().join("b.csv"), None).files().unwrap().len(), 1);
    }

    #[test]
    fn compressed_files_are_refused_by_name() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("a.csv.gz"), "x").unwrap();
        let error = listing(folder.path(), None).files().unwrap_err();
        assert!(error.message().contains("a.csv.gz\" is not supported"), "{error}");
    }
}
