//! A file that is written under a hidden name and appears under its own when it is whole.

use std::path::{Path, PathBuf};

use tokio::fs::File;
use tokio::io::AsyncWriteExt;
use tokio::time::Instant;

use super::location::failed;
use crate::error::Result;

/// A file in the making. Dropped before it is published, it goes away.
#[derive(Debug)]
pub(super) struct PartFile {
    file: File,
    /// `.part-….inprogress`
    hidden: PathBuf,
    /// `part-…`
    path: PathBuf,
    pub bytes: usize,
    pub begun: Instant,
    published: bool,
}

impl PartFile {
    /// Begins `folder/name`; the folder is made where it is missing.
    pub async fn create(folder: &Path, name: &str) -> Result<Self> {
        tokio::fs::create_dir_all(folder).await.map_err(|e| failed("make the folder", folder, e))?;
        let hidden = folder.join(format!(".{name}.inprogress"));
        let file = File::create(&hidden).await.map_err(|e| failed("write", &hidden, e))?;
        let path = folder.join(name);
        Ok(Self { file, hidden, path, bytes: 0, begun: Instant::now(), published: false })
    }

    pub async fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.bytes += bytes.len();
        self.file.write_all(bytes).await.map_err(|e| failed("write", &self.hidden, e))
    }

    /// Makes the file durable and visible.
    pub async fn publish(mut self) -> Result<()> {
        self.file.flush().await.map_err(|e| failed("write", &self.hidden, e))?;
        self.file.sync_all().await.map_err(|e| failed("write", &self.hidden, e))?;
        tokio::fs::rename(&self.hidden, &self.path).await.map_err(|e| failed("write", &self.path, e))?;
        self.published = true;
        Ok(())
    }
}

impl Drop for PartFile {
    fn drop(&mut self) {
        if !self.published {
            // Nobody sees the hidden file; that it stays behind in the worst case does no harm.
            let _ = std::fs::remove_file(&self.hidden);
        }
    }
}
