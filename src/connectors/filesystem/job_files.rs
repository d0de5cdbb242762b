//! What stands in the folder `.millstream` beside a sink's files: a lock and a marker for each job that writes there.

use std::fs::{self, File, TryLockError};
use std::io::Write;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use super::blocking::{io_error, write_error};
use super::part_file::{sync_folder, sync_folders};
use super::staged_files::{Partition, StagedFile};
use crate::connectors::Marker;
use crate::error::{Error, Result};

const VERSION: u32 = 1;
/// As much of a job's name as a file's name shows.
const SHOWN: usize = 80;

/// Where a job's files are in a folder.
#[derive(Debug, Clone)]
pub struct JobFiles {
    root: PathBuf,
    lock: PathBuf,
    marker: PathBuf,
    /// What tells the job's hidden files from those of others.
    pub suffix: String,
}

/// The marker file: who writes, what was published last, and which partitions wait for being complete.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobMarker {
    version: u32,
    pub job: String,
    pub lineage: String,
    pub attempt: u64,
    pub published: Option<Marker>,
    /// The epoch whose files are getting their names: what of them is there no longer has had its own, and was taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub appearing: Option<Marker>,
    #[serde(default)]
    pub partitions: Vec<Partition>,
}

impl JobMarker {
    pub fn new(job: &str, lineage: &str, attempt: u64) -> Self {
        let (job, lineage) = (job.to_string(), lineage.to_string());
        Self { version: VERSION, job, lineage, attempt, published: None, appearing: None, partitions: Vec::new() }
    }
}

impl JobFiles {
    pub fn new(root: &Path, job: &str) -> Self {
        let hash = format!("{:016x}", xxh3_64(job.as_bytes()));
        let plain = |c: char| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '_' };
        let mut name: String = job.chars().map(plain).take(SHOWN).collect();
        // Names that look the same mustn't be the same file.
        if name != job {
            name = format!("{name}-{hash}");
        }
        let folder = root.join(".millstream");
        Self {
            root: root.to_path_buf(),
            lock: folder.join(format!("{name}.lock")),
            marker: folder.join(format!("{name}.epoch")),
            suffix: format!(".{hash}"),
        }
    }

    /// Takes the lock, which ends with the file it gives; `None` while another process or an earlier start has it.
    pub fn try_lock(&self) -> Result<Option<File>> {
        if let Some(folder) = self.lock.parent() {
            fs::create_dir_all(folder).map_err(|e| io_error("create folder", folder, e))?;
        }
        let opened = File::options().create(true).append(true).open(&self.lock);
        let file = opened.map_err(|e| io_error("write", &self.lock, e))?;
        match file.try_lock() {
            Ok(()) => Ok(Some(file)),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(io_error("lock", &self.lock, error)),
        }
    }

    /// # Errors
    /// A file that is no marker of this version, of kind `State`.
    pub fn read(&self) -> Result<Option<JobMarker>> {
        let bytes = match fs::read(&self.marker) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(io_error("read", &self.marker, error)),
        };
        let shown = super::location::shown(&self.marker);
        let damaged = |why: String| Error::state(format!("the marker \"{shown}\" can't be read")).with_detail(why);
        let marker: JobMarker = serde_json::from_slice(&bytes).map_err(|e| damaged(format!("{e}.")))?;
        match marker.version {
            VERSION => Ok(Some(marker)),
            other => Err(damaged(format!("It has version {other}; this Millstream reads version {VERSION}."))),
        }
    }

    /// The marker as a whole or not at all.
    pub fn write(&self, marker: &JobMarker) -> Result<()> {
        let next = self.marker.with_extension("epoch.next");
        let bytes = serde_json::to_vec(marker).map_err(|e| Error::internal(format!("cannot write a marker: {e}")))?;
        let written = File::create(&next).and_then(|mut file| {
            file.write_all(&bytes)?;
            file.sync_all()?;
            fs::rename(&next, &self.marker)?;
            sync_folders(&self.marker, &self.root)
        });
        written.map_err(|e| write_error(&self.marker, e))
    }

    /// Removes the hidden files of the job: no start that is over will publish them.
    pub fn remove_hidden(&self) -> Result<()> {
        let ending = format!("{}{}", self.suffix, super::part_file::IN_PROGRESS);
        let mut folders = vec![self.root.clone()];
        while let Some(folder) = folders.pop() {
            let failed = |e| io_error("read", &folder, e);
            for entry in fs::read_dir(&folder).map_err(failed)? {
                let entry = entry.map_err(failed)?;
                let name = entry.file_name().to_string_lossy().into_owned();
                let is_folder = entry.file_type().is_ok_and(|ty| ty.is_dir());
                if is_folder && !name.starts_with('.') {
                    folders.push(entry.path());
                } else if !is_folder && name.starts_with(".part-") && name.ends_with(&ending) {
                    fs::remove_file(entry.path()).map_err(|e| io_error("remove", &entry.path(), e))?;
                }
            }
        }
        Ok(())
    }

    /// # Errors
    /// A staged file is nowhere, of kind `State`.
    pub fn check_there(&self, file: &StagedFile) -> Result<()> {
        let (hidden, visible) = self.paths(file);
        let is_there = |path: &Path| path.try_exists().map_err(|e| io_error("look at", path, e));
        if is_there(&hidden)? || is_there(&visible)? {
            return Ok(());
        }
        let shown = super::location::shown(&visible);
        Err(Error::state(format!("file \"{shown}\" of a finished epoch is gone"))
            .with_detail(
                "Its rows were written and are to appear, but the file is there neither by its name nor hidden.",
            )
            .with_hint(
                "Put it back where somebody has moved it. Or begin anew from a savepoint with --from, or with --fresh: \
                 sinks may then see rows again.",
            ))
    }

    /// Lets everyone see a staged file. One that had its name already, and may be taken away by now, is left as it is.
    pub fn appear(&self, file: &StagedFile) -> Result<()> {
        let (hidden, visible) = self.paths(file);
        gone_or(fs::rename(&hidden, &visible)).map_err(|error| write_error(&visible, error))
    }

    fn paths(&self, StagedFile { folder, hidden, name }: &StagedFile) -> (PathBuf, PathBuf) {
        let folder = self.root.join(folder);
        (folder.join(hidden), folder.join(name))
    }

    /// Puts the names of a folder's files on the disk. It may be taken away with them.
    pub fn sync(&self, folder: &str) -> Result<()> {
        let folder = self.root.join(folder);
        gone_or(sync_folder(&folder.join("any"))).map_err(|e| write_error(&folder, e))
    }

    pub fn root(&self) -> &Path {
        &self.root
    }
}

/// What is there no longer is as good as done.
fn gone_or(done: std::io::Result<()>) -> std::io::Result<()> {
    match done {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        done => done,
    }
}
