//! The folder of a job: one process at a time, attempts counted up, checkpoints from the newest on.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use xxhash_rust::xxh3::xxh3_64;

use super::manifest::{Manifest, VERSION};
use super::store::{Store, make_folder};
use crate::changelog::Epoch;
use crate::error::{Error, Result};

/// A job's part of a store, locked.
#[derive(Debug)]
pub struct JobFolder {
    pub store: Store,
    /// The folder's name in the store.
    pub name: String,
    /// Held as long as the process runs the job.
    _lock: Option<File>,
}

/// What helps where something of ours is written by somebody else.
pub(super) const ONE_PROCESS: &str = "Only one process may run a job of this name: stop the other one, then start the job \
    again. It goes on from its last checkpoint.";

/// How often a lock is tried that another start or a look may have for a moment, and the pause between two tries.
const LOCK_TRIES: u32 = 30;
const LOCK_PAUSE: Duration = Duration::from_millis(10);

/// How long the name of a folder may be: file systems take 255 bytes, and savepoints put more beside it.
const MAX_NAME: usize = 220;

/// The name of a job's folder: what a file system may not take is spelled out, and what is too long for it cut off.
pub fn job_folder(job: &str) -> String {
    let mut name = String::with_capacity(job.len());
    for c in job.chars() {
        match c {
            'a'..='z' | 'A'..='Z' | '0'..='9' | '-' | '_' => name.push(c),
            '.' if !name.is_empty() => name.push(c),
            other => name.push_str(&format!("={:x}=", other as u32)),
        }
    }
    if name.len() > MAX_NAME {
        let sum = format!("~{:016x}", xxh3_64(job.as_bytes()));
        name.truncate(MAX_NAME - sum.len());
        name.push_str(&sum);
    }
    name
}

/// Whether a process runs the job whose folder has this name.
pub fn is_running(store: &Store, name: &str) -> Result<bool> {
    let Some(lock) = store.root().map(|root| root.join(name).join("lock")) else { return Ok(false) };
    let failed = |error: std::io::Error| Error::external(format!("cannot use \"{}\": {error}", lock.display()));
    let file = match File::open(&lock) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(failed(error)),
    };
    match file.try_lock_shared() {
        Ok(()) => Ok(false),
        Err(TryLockError::WouldBlock) => Ok(true),
        Err(TryLockError::Error(error)) => Err(failed(error)),
    }
}

/// A checkpoint in a folder.
#[derive(Debug)]
pub struct Found {
    pub epoch: Epoch,
    /// The manifest, or why it can't be read.
    pub manifest: Result<Manifest>,
    /// It has the form of another version: whole, as far as anybody knows.
    pub is_foreign: bool,
    /// It was noted that the epoch is published everywhere.
    pub published: bool,
}

/// A checkpoint that can be restored.
pub type Usable<'a> = &'a Manifest;

impl JobFolder {
    /// Opens and locks the folder of a job.
    ///
    /// # Errors
    /// Another process that runs the job.
    pub fn open(store: Store, job: &str) -> Result<Self> {
        let name = job_folder(job);
        let Some(root) = store.root().map(|root| root.join(&name)) else {
            return Ok(Self { store, name, _lock: None });
        };
        let failed = |error: std::io::Error| {
            Error::external(format!("cannot use \"{}\" for checkpoints: {error}", root.display()))
        };
        make_folder(&root).map_err(failed)?;
        let lock =
            OpenOptions::new().create(true).truncate(false).write(true).open(root.join("lock")).map_err(failed)?;
        let mut locked = lock.try_lock();
        for _ in 1..LOCK_TRIES {
            if !matches!(locked, Err(TryLockError::WouldBlock)) {
                break;
            }
            // Who asks whether the job runs has it for a moment, too.
            std::thread::sleep(LOCK_PAUSE);
            locked = lock.try_lock();
        }
        match locked {
            Ok(()) => {
                remove_torn(&root).map_err(failed)?;
                Ok(Self { store, name, _lock: Some(lock) })
            }
            Err(TryLockError::WouldBlock) => Err(Error::state(format!("job \"{job}\" is running already"))
                .with_detail(format!("Another process holds \"{}\".", root.join("lock").display()))
                .with_hint("Stop it, or give this job another name with SET 'pipeline.name'.")),
            Err(TryLockError::Error(error)) => Err(failed(error)),
        }
    }

    /// Where data files are.
    pub fn data(&self) -> String {
        format!("{}/data", self.name)
    }

    pub fn manifest_name(&self, epoch: Epoch) -> String {
        format!("{}/chk-{}/_metadata", self.name, epoch.0)
    }

    /// Writes a manifest, the last act of a checkpoint. One that an earlier try of this start left is the same.
    ///
    /// # Errors
    /// That of another start: it is there already.
    pub async fn write_manifest(&self, manifest: Manifest) -> Result<Manifest> {
        let name = self.manifest_name(manifest.epoch);
        if self.store.create(&name, manifest.encode()?.into()).await? {
            return Ok(manifest);
        }
        let there = self.store.read(&name).await?.and_then(|bytes| Manifest::decode(&bytes).ok());
        match there.filter(|there| (there.attempt, &there.lineage) == (manifest.attempt, &manifest.lineage)) {
            Some(there) => {
                self.store.sync(&name).await?;
                Ok(there)
            }
            None => {
                let there = format!("\"{name}\" is there already: another process runs the job");
                Err(Error::state(there).with_hint(ONE_PROCESS))
            }
        }
    }

    /// Notes that an epoch is published everywhere: for a start that can't read the marker of a target any more.
    pub async fn note_published(&self, epoch: Epoch) -> Result<()> {
        self.store.create(&format!("{}/chk-{}/published", self.name, epoch.0), Bytes::new()).await.map(drop)
    }

    /// Counts the attempt of this start: higher than any before.
    pub async fn take_attempt(&self) -> Result<u64> {
        let folder = format!("{}/attempts", self.name);
        loop {
            let taken = self.store.list(&folder).await?;
            let number = |name: &String| name.rsplit('/').next()?.parse::<u64>().ok();
            let attempt = taken.iter().filter_map(number).max().unwrap_or(0) + 1;
            if self.store.create(&format!("{folder}/{attempt:010}"), Bytes::new()).await? {
                for old in taken {
                    self.store.delete(&old).await?;
                }
                return Ok(attempt);
            }
        }
    }

    /// All checkpoints, the newest first.
    ///
    /// # Errors
    /// What can't be read for reasons of the store: it may be whole.
    pub async fn checkpoints(&self) -> Result<Vec<Found>> {
        let mut found = Vec::new();
        let names = self.store.list(&self.name).await?;
        for name in &names {
            let Some(epoch) = epoch_of(name) else { continue };
            let Some(bytes) = self.store.read(name).await? else { continue };
            let manifest = Manifest::decode(&bytes).map_err(|error| error.context(format!("\"{name}\"")));
            let noted = format!("{}/chk-{}/published", self.name, epoch.0);
            let is_foreign = Manifest::version(&bytes).is_some_and(|version| version != VERSION);
            found.push(Found { epoch, manifest, is_foreign, published: names.contains(&noted) });
        }
        found.sort_by_key(|found| std::cmp::Reverse(found.epoch));
        Ok(found)
    }
}

/// Removes files that a process was still writing when it died: they have no name of theirs yet.
fn remove_torn(folder: &Path) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        let torn = name.to_string_lossy().rsplit_once('#').is_some_and(|(_, n)| n.parse::<u64>().is_ok());
        if entry.file_type()?.is_dir() {
            remove_torn(&entry.path())?;
        } else if torn {
            std::fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// The epoch in `job/chk-42/_metadata`.
fn epoch_of(name: &str) -> Option<Epoch> {
    let (folder, "_metadata") = name.rsplit_once('/')? else { return None };
    folder.rsplit('/').next()?.strip_prefix("chk-")?.parse().ok().map(Epoch)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_name_becomes_a_folder_name() {
        assert_eq!(
            job_folder("insert-into_default_catalog.default_database.t"),
            "insert-into_default_catalog.default_database.t"
        );
        assert_eq!(job_folder("../a b"), "=2e=.=2f=a=20=b");
        assert_ne!(job_folder("a=20=b"), job_folder("a b"));
        let long = |last: &str| job_folder(&format!("insert-into_{}{last}", "ü".repeat(300)));
        assert_eq!(long("a").len(), MAX_NAME);
        assert_ne!(long("a"), long("b"));
        let root = tempfile::tempdir().unwrap();
        JobFolder::open(Store::folder(root.path()).unwrap(), &"t,".repeat(500)).unwrap();
    }

    #[tokio::test]
    async fn attempts_count_up_and_one_process_has_the_folder() {
        let root = tempfile::tempdir().unwrap();
        let store = Store::folder(root.path()).unwrap();
        let folder = JobFolder::open(store.clone(), "alerts").unwrap();
        assert_eq!(folder.take_attempt().await.unwrap(), 1);
        assert_eq!(folder.take_attempt().await.unwrap(), 2);
        assert!(is_running(&store, "alerts").unwrap() && !is_running(&store, "other").unwrap());
        let error = JobFolder::open(store.clone(), "alerts").unwrap_err();
        assert_eq!(error.message(), "job \"alerts\" is running already");
        drop(folder);
        assert!(!is_running(&store, "alerts").unwrap());
        let look = File::open(root.path().join("alerts/lock")).unwrap();
        look.lock_shared().unwrap();
        std::thread::scope(|scope| {
            let opening = scope.spawn(|| JobFolder::open(store.clone(), "alerts"));
            drop(look);
            opening.join().unwrap().expect("a look that passes keeps nobody from starting");
        });
        std::fs::write(root.path().join("alerts/attempts/0000000003#1"), "").unwrap();
        let folder = JobFolder::open(store.clone(), "alerts").unwrap();
        assert!(!root.path().join("alerts/attempts/0000000003#1").exists());
        drop(folder);
        assert_eq!(JobFolder::open(store, "alerts").unwrap().take_attempt().await.unwrap(), 3);
    }
}
