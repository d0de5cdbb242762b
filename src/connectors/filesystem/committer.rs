//! Publishes epochs to a folder: the marker says whose files appear, hidden files get their names, then the marker says
//! that all have.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use tokio::time::Instant;
use uuid::Uuid;

use super::blocking;
use super::job_files::{JobFiles, JobMarker};
use super::location::shown;
use super::part_file::check_folder;
use super::staged_files::{Partition, StagedFile, StagedFiles};
use super::table::FileTable;
use crate::changelog::Epoch;
use crate::connectors::{Committer, Marker, StagedPart, TargetContext};
use crate::error::{Error, Result};
use crate::failpoint;

/// How long an earlier start may take to end.
const ENDING: Duration = Duration::from_secs(30);
const PAUSE: Duration = Duration::from_millis(50);

/// The one way in to a folder for all writers of a job.
pub struct FileCommitter(Arc<Folder>);

struct Folder {
    files: JobFiles,
    context: TargetContext,
    /// When partitions are complete, by the table's name.
    tables: BTreeMap<String, Arc<FileTable>>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Held as long as we live: no other process of the job writes here.
    lock: Option<File>,
    /// As it is on the disk, behind `fence`.
    marker: Option<JobMarker>,
    /// Whether what earlier starts left was removed.
    is_clean: bool,
    /// By the number of the sink.
    writers: BTreeMap<usize, Writers>,
}

/// The writers of a sink.
#[derive(Default)]
struct Writers {
    open: usize,
    staged: Option<Epoch>,
}

/// A writer as its committer knows it: when all of a sink have ended, its partitions are complete.
pub struct OpenWriter {
    folder: Arc<Folder>,
    sink: usize,
    is_open: bool,
}

impl FileCommitter {
    pub async fn open(root: PathBuf, tables: Vec<Arc<FileTable>>, context: TargetContext) -> Result<Self> {
        let owner = tables.first().map(|table| table.descriptor.owner()).unwrap_or_default();
        let files = JobFiles::new(&root, &context.job);
        blocking::run(move || check_folder(&root, &format!(".probe-{}", Uuid::new_v4())))
            .await
            .map_err(|error| error.context(owner))?;
        let tables = tables.into_iter().map(|table| (table.descriptor.name.clone(), table)).collect();
        Ok(Self(Arc::new(Folder { files, context, tables, state: Mutex::default() })))
    }

    /// What hidden names of the job's files end with.
    pub fn suffix(&self) -> String {
        self.0.files.suffix.clone()
    }

    pub fn open_writer(&self, sink: usize) -> OpenWriter {
        self.0.state().writers.entry(sink).or_default().open += 1;
        OpenWriter { folder: self.0.clone(), sink, is_open: true }
    }

    async fn with_folder<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Folder) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let folder = self.0.clone();
        blocking::run(move || work(&folder)).await
    }
}

impl OpenWriter {
    pub fn staged(&mut self, epoch: Epoch) {
        self.folder.state().writers.entry(self.sink).or_default().staged = Some(epoch);
    }

    /// The input has ended. Partitions whose files are all published are complete now, the others with their epoch.
    pub async fn close(&mut self) -> Result<()> {
        if !std::mem::take(&mut self.is_open) {
            return Ok(());
        }
        if let Some(writers) = self.folder.state().writers.get_mut(&self.sink) {
            writers.open -= 1;
        }
        let folder = self.folder.clone();
        blocking::run(move || folder.end()).await
    }
}

impl Folder {
    /// A state is whole even where a holder of the lock panicked: it is changed at the end of each step.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn overtaken(&self, attempt: u64) -> Error {
        let TargetContext { job, attempt: ours, .. } = &self.context;
        Error::external(format!("another process runs the job \"{job}\""))
            .with_detail(format!(
                "Folder \"{}\" names start {attempt} of the job as the one that writes; this is start {ours}.",
                shown(self.files.root())
            ))
            .with_hint("Stop one of them; or give the jobs names of their own with SET 'pipeline.name' = '…'.")
    }

    /// With the lock: we are the one that writes.
    fn take_over(&self, lock: File) -> Result<Option<Marker>> {
        let TargetContext { job, lineage, attempt, .. } = &self.context;
        let mut marker = JobMarker::new(job, lineage, *attempt);
        if let Some(before) = self.files.read()? {
            if before.lineage == *lineage && before.attempt > *attempt {
                return Err(self.overtaken(before.attempt));
            }
            (marker.published, marker.appearing) = (before.published, before.appearing);
            marker.partitions = before.partitions;
        }
        self.files.write(&marker)?;
        let published = marker.published.clone();
        let mut state = self.state();
        (state.lock, state.marker) = (Some(lock), Some(marker));
        Ok(published)
    }

    fn remove_leftovers(&self) -> Result<()> {
        let mut state = self.state();
        if state.marker.is_none() {
            return Err(Error::internal("an epoch begins before its fence"));
        }
        if !state.is_clean {
            self.files.remove_hidden()?;
            state.is_clean = true;
        }
        Ok(())
    }

    /// The marker, which must still be ours on the disk.
    fn marker(&self) -> Result<JobMarker> {
        let ours =
            self.state().marker.clone().ok_or_else(|| Error::internal("an epoch is published before its fence"))?;
        match self.files.read()? {
            Some(marker) if (&marker.lineage, marker.attempt) == (&ours.lineage, ours.attempt) => Ok(ours),
            Some(marker) => Err(self.overtaken(marker.attempt)),
            None => Err(Error::external(format!("the marker in folder \"{}\" is gone", shown(self.files.root())))
                .with_hint("Start the job again.")),
        }
    }

    fn publish(&self, epoch: Epoch, parts: &[StagedPart]) -> Result<()> {
        let mut marker = self.marker()?;
        let of_lineage = marker.published.as_ref().filter(|published| published.lineage == marker.lineage);
        match of_lineage {
            Some(published) if published.epoch == epoch => return Ok(()),
            Some(published) if published.epoch > epoch => return Err(published.is_past(epoch)),
            _ => {}
        }
        let staged = parts.iter().filter(|part| !part.staged.payload.is_empty());
        let staged = staged.map(|part| StagedFiles::decode(&part.staged.payload)).collect::<Result<Vec<_>>>()?;
        let files: Vec<&StagedFile> = staged.iter().flat_map(|staged| &staged.files).collect();
        let TargetContext { lineage, attempt, .. } = &self.context;
        let this = Marker { lineage: lineage.clone(), attempt: *attempt, epoch };
        let is_begun = |of: &Marker| (&of.lineage, of.epoch) == (lineage, epoch);
        // Readers may take a file as soon as it has its name: before the first does, all are known to be there.
        if !files.is_empty() && !marker.appearing.as_ref().is_some_and(is_begun) {
            files.iter().try_for_each(|file| self.files.check_there(file))?;
            marker.appearing = Some(this.clone());
            self.files.write(&marker)?;
            self.state().marker = Some(marker.clone());
        }
        failpoint::reach("filesystem.before-rename");
        let mut folders = BTreeSet::new();
        for (i, file) in files.into_iter().enumerate() {
            if i == 1 {
                failpoint::reach("filesystem.between-renames");
            }
            self.files.appear(file)?;
            folders.insert(&file.folder);
        }
        folders.into_iter().try_for_each(|folder| self.files.sync(folder))?;
        failpoint::reach("filesystem.after-rename");
        for partition in staged.iter().flat_map(|staged| &staged.partitions) {
            let is_it = |p: &Partition| (&p.table, &p.folder) == (&partition.table, &partition.folder);
            if !marker.partitions.iter().any(is_it) {
                marker.partitions.push(partition.clone());
            }
        }
        let has_ended = self.has_ended(Some(epoch));
        self.say_complete(&mut marker, has_ended)?;
        (marker.published, marker.appearing) = (Some(this), None);
        self.files.write(&marker)?;
        self.state().marker = Some(marker);
        Ok(())
    }

    /// Says of partitions that are complete that they are: those that are old enough, or all.
    fn say_complete(&self, marker: &mut JobMarker, all: bool) -> Result<()> {
        let now = self.context.clock.now_ms();
        for partition in std::mem::take(&mut marker.partitions) {
            // A table that says nothing any longer of its partitions has none that wait.
            let Some(table) = self.tables.get(&partition.table) else { continue };
            let Some(commit) = &table.options.commit else { continue };
            let delay = i64::try_from(commit.delay.as_millis()).unwrap_or(i64::MAX);
            match all || now.saturating_sub(partition.since) >= delay {
                true => commit.say_complete(&self.files.root().join(&partition.folder))?,
                false => marker.partitions.push(partition),
            }
        }
        Ok(())
    }

    /// True where all writers have ended, and what they staged is published.
    fn has_ended(&self, published: Option<Epoch>) -> bool {
        let state = self.state();
        let is_published = |staged: Option<Epoch>| staged.is_none_or(|staged| Some(staged) <= published);
        !state.writers.is_empty() && state.writers.values().all(|w| w.open == 0 && is_published(w.staged))
    }

    /// A writer has ended.
    fn end(&self) -> Result<()> {
        let ours = self.state().marker.clone();
        let published = ours.as_ref().and_then(|marker| marker.published.as_ref()).map(|published| published.epoch);
        if !self.has_ended(published) || ours.is_none_or(|marker| marker.partitions.is_empty()) {
            return Ok(());
        }
        let mut marker = self.marker()?;
        self.say_complete(&mut marker, true)?;
        self.files.write(&marker)?;
        self.state().marker = Some(marker);
        Ok(())
    }
}

#[async_trait]
impl Committer for FileCommitter {
    async fn look(&self) -> Result<Option<Marker>> {
        self.with_folder(|folder| Ok(folder.files.read()?.and_then(|marker| marker.published))).await
    }

    async fn fence(&self) -> Result<Option<Marker>> {
        if self.0.state().lock.is_some() {
            return self.with_folder(|folder| Ok(folder.marker()?.published)).await;
        }
        let started = Instant::now();
        let mut told = false;
        loop {
            if let Some(lock) = self.with_folder(|folder| folder.files.try_lock()).await? {
                if told {
                    self.0.context.reporter.goes_on();
                }
                return self.with_folder(|folder| folder.take_over(lock)).await;
            }
            let TargetContext { job, reporter, .. } = &self.0.context;
            let folder = shown(self.0.files.root());
            if started.elapsed() >= ENDING {
                return Err(Error::external(format!("another process runs the job \"{job}\""))
                    .with_detail(format!("It holds the lock of the job in folder \"{folder}\"."))
                    .with_hint("Stop it; or give the jobs names of their own with SET 'pipeline.name' = '…'."));
            }
            if !std::mem::replace(&mut told, true) {
                reporter
                    .waits(&format!("waiting for an earlier start of the job, which writes to folder \"{folder}\""));
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    async fn begin(&self, _epoch: Epoch) -> Result<()> {
        if self.0.state().is_clean {
            return Ok(());
        }
        self.with_folder(Folder::remove_leftovers).await
    }

    async fn publish(&self, epoch: Epoch, parts: &[StagedPart]) -> Result<()> {
        let parts = parts.to_vec();
        self.with_folder(move |folder| folder.publish(epoch, &parts)).await
    }

    /// The folder, whatever links lead to it.
    fn place(&self) -> Option<String> {
        let root = self.0.files.root();
        Some(format!("file://{}", root.canonicalize().unwrap_or_else(|_| root.to_path_buf()).display()))
    }

    fn as_any(&self) -> &dyn std::any::Any {
        self
    }
}

#[cfg(test)]
#[path = "committer_tests.rs"]
mod tests;
