//! A file that is being written: hidden until it is finished, then there as a whole.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use tokio::time::Instant;

use super::blocking::{io_error, write_error};
use crate::error::{Error, Result};

/// What the name of a file ends with that isn't published.
pub const IN_PROGRESS: &str = ".inprogress";

/// An open file under a hidden name. Dropped before it is published, it is gone.
#[derive(Debug)]
pub struct PartFile {
    hidden: PathBuf,
    visible: PathBuf,
    /// `None` once it is published.
    out: Option<BufWriter<File>>,
    size: u64,
    opened: Instant,
    /// When its last row came.
    written: Instant,
}

impl PartFile {
    /// Creates the file that will be `name` in `folder`, which is made if need be. `suffix`: what its hidden name says
    /// beside.
    pub fn create(folder: &Path, name: &str, suffix: &str, now: Instant) -> Result<Self> {
        fs::create_dir_all(folder).map_err(|e| write_error(folder, e))?;
        let hidden = folder.join(format!(".{name}{suffix}{IN_PROGRESS}"));
        let visible = folder.join(name);
        let file = File::create_new(&hidden).map_err(|e| write_error(&visible, e))?;
        let out = Some(BufWriter::with_capacity(256 << 10, file));
        Ok(Self { hidden, visible, out, size: 0, opened: now, written: now })
    }

    pub fn size(&self) -> u64 {
        self.size
    }

    pub fn opened(&self) -> Instant {
        self.opened
    }

    pub fn written(&self) -> Instant {
        self.written
    }

    pub fn write(&mut self, bytes: &[u8], now: Instant) -> Result<()> {
        self.written = now;
        let Some(out) = &mut self.out else {
            return Err(Error::internal("a published file is written"));
        };
        out.write_all(bytes).map_err(|e| write_error(&self.visible, e))?;
        self.size += bytes.len() as u64;
        Ok(())
    }

    /// Lets everyone see the file, with all that was written, on the disk. What can't be written whole is removed.
    pub fn publish(self) -> Result<()> {
        self.finish(|file| fs::rename(&file.hidden, &file.visible).and_then(|()| sync_folder(&file.visible))).map(drop)
    }

    /// Leaves the file under its hidden name, with all that was written, on the disk; gives that name, and the other.
    /// `root`: the table's path, under which folders may be new.
    pub fn stage(self, root: &Path) -> Result<(String, String)> {
        let file = self.finish(|file| sync_folders(&file.hidden, root))?;
        let name = |path: &Path| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        Ok((name(&file.hidden), name(&file.visible)))
    }

    fn finish(mut self, and: impl FnOnce(&Self) -> std::io::Result<()>) -> Result<Self> {
        let Some(mut out) = self.out.take() else {
            return Err(Error::internal("a file is finished twice"));
        };
        let written = out.flush().and_then(|()| out.get_ref().sync_all());
        // What is buffered would be tried again when it is dropped.
        let (_file, _unwritten) = out.into_parts();
        match written.and_then(|()| and(&self)) {
            Ok(()) => Ok(self),
            Err(error) => {
                let _leftover = fs::remove_file(&self.hidden);
                Err(write_error(&self.visible, error))
            }
        }
    }
}

impl Drop for PartFile {
    fn drop(&mut self) {
        if let Some(out) = self.out.take() {
            // What is buffered belongs to a job that has failed.
            let (_file, _unwritten) = out.into_parts();
            let _leftover = fs::remove_file(&self.hidden);
        }
    }
}

/// Puts a new name on the disk, where the system has folders that can be opened.
pub fn sync_folder(path: &Path) -> std::io::Result<()> {
    match path.parent() {
        Some(folder) if cfg!(unix) => File::open(folder)?.sync_all(),
        _ => Ok(()),
    }
}

/// As [`sync_folder`], for the folders up to `root`, too.
pub fn sync_folders(path: &Path, root: &Path) -> std::io::Result<()> {
    path.ancestors().take_while(|below| below.starts_with(root)).try_for_each(sync_folder)
}

/// Checks that files can be written to a folder, which is made if need be.
pub fn check_folder(folder: &Path, probe: &str) -> Result<()> {
    if fs::metadata(folder).is_ok_and(|m| !m.is_dir()) {
        let folder = super::location::shown(folder);
        return Err(Error::external(format!("\"{folder}\" is a file, and a sink writes files into a folder")));
    }
    fs::create_dir_all(folder).map_err(|e| io_error("create folder", folder, e))?;
    try_to_write(folder, probe).map_err(|e| io_error("write to folder", folder, e))
}

/// The same, but a folder that isn't there is not made: the one that it would be made in must be writable.
pub fn could_make_folder(folder: &Path, probe: &str) -> Result<()> {
    if fs::symlink_metadata(folder).is_ok() {
        return check_folder(folder, probe);
    }
    let above = folder.ancestors().skip(1).find(|above| fs::symlink_metadata(above).is_ok());
    match above.filter(|above| !above.as_os_str().is_empty()) {
        Some(above) => try_to_write(above, probe).map_err(|e| io_error("create folder", folder, e)),
        None => Ok(()),
    }
}

fn try_to_write(folder: &Path, probe: &str) -> std::io::Result<()> {
    let probe = folder.join(probe);
    File::create_new(&probe)?;
    fs::remove_file(&probe)
}
