//! Numbers the epochs of a job and sees each through: barriers, the checkpoint, publishing, collecting.
//!
//! ```text
//!  interval ─► Barrier(n) to every source ─► … ─► every task: what it knows at n
//!           ─► state and held output written ─► manifest n ─► publish to every target ─► complete(n) to every source
//! ```
//! One epoch is under way at a time, and the one before it is published when its barrier is sent. Tasks that have ended
//! count as passed; what they knew at their end stays part of every later checkpoint. While a source is read that can't
//! resume there is no epoch: its end would have to come inside.

use std::collections::{BTreeSet, HashMap};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::Instant;

use super::checkpoints::Checkpoints;
use super::job::{Signal, end};
use super::metrics::JobMetrics;
use super::patience::{Patience, Term};
use super::staging::{Staging, TaskSnapshot, data_name};
use super::start::Started;
use super::timer;
use crate::changelog::Epoch;
use crate::checkpoint::{CheckpointKind, KnownPieces, Manifest, Store, collect};
use crate::connectors::{EpochMode, EpochRoom, Reporter};
use crate::error::{Error, ErrorKind, Result};
use crate::failpoint::reach;
use crate::time::Clock;

/// A task's number in its job.
pub type TaskId = usize;

/// Source tasks whose tables can't be read on from a position.
pub type Unresumable = HashMap<TaskId, String>;

/// How long to wait before a checkpoint that could not be written is tried again.
const WRITE_AGAIN: Duration = Duration::from_millis(500);

/// What a source task is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SourceCommand {
    /// Send a barrier.
    Barrier(Epoch),
    /// The epoch is complete.
    Complete(Epoch),
}

/// What tasks tell the coordinator.
#[derive(Debug)]
pub enum TaskReport {
    /// A task has let the barrier pass: all that came before it is processed, and this is what it knows.
    Passed(Epoch, TaskId, TaskSnapshot),
    /// A task has ended: it counts as passed from now on. `None` where it can't go on from what it knows.
    Ended(TaskId, Option<TaskSnapshot>),
}

/// Which moment a savepoint is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SavepointTime {
    /// The epoch that ends next, for which there is no waiting.
    NextBarrier,
    /// The end of the job, which is stopped or drained for it.
    End { drain: bool },
}

/// Somebody wants a savepoint.
#[derive(Debug)]
pub struct SavepointRequest {
    /// The folder that savepoints go to, each in one of its own.
    pub folder: PathBuf,
    pub when: SavepointTime,
    /// Where it is.
    pub reply: oneshot::Sender<Result<PathBuf>>,
}

pub struct Coordinator<'a> {
    pub job: Arc<str>,
    pub options: &'a Checkpoints,
    pub started: Started,
    /// Pieces of state that the last checkpoint names.
    pub known: Arc<KnownPieces>,
    /// One per source task; closed ones have ended.
    pub sources: Vec<mpsc::Sender<SourceCommand>>,
    /// How many tasks there are.
    pub tasks: usize,
    /// Those that read what can't be resumed, as long as they do, and from which table.
    pub unresumable: Unresumable,
    pub reports: mpsc::UnboundedReceiver<TaskReport>,
    pub savepoints: &'a mut mpsc::Receiver<SavepointRequest>,
    /// What ends the tasks.
    pub signal: watch::Sender<Signal>,
    /// A writer holds so much that the epoch should end.
    pub room: Arc<EpochRoom>,
    pub metrics: Arc<JobMetrics>,
    pub reporter: Reporter,
    pub clock: Arc<dyn Clock>,
}

/// The epoch that is under way, and what is known of it.
struct UnderWay {
    term: Term,
    passed: HashMap<TaskId, TaskSnapshot>,
}

impl Coordinator<'_> {
    /// Runs until all tasks have ended and what they left is published: false where it is not.
    pub async fn run(mut self) -> Result<bool> {
        let mut next = self.started.first;
        let mut due = timer::now() + self.options.interval;
        let mut under_way: Option<UnderWay> = None;
        let mut ended: HashMap<TaskId, TaskSnapshot> = HashMap::new();
        let (mut ended_without, mut broken_off) = (0, BTreeSet::new());
        self.room.wait_for_ends_of(self.unresumable.values());
        let mut requests: Vec<SavepointRequest> = Vec::new();
        let room = self.room.clone();
        let patience = Patience::new(self.job.clone(), self.options, self.metrics.clone(), self.reporter.clone());
        loop {
            let late = under_way.as_ref().map(|under_way| under_way.term.ends);
            tokio::select! {
                biased;
                report = self.reports.recv() => match report {
                    // Tasks were dropped: somebody else says why.
                    None => return Ok(false),
                    Some(TaskReport::Passed(epoch, task, snapshot)) => {
                        if let Some(under_way) = under_way.as_mut().filter(|under_way| under_way.term.epoch == epoch) {
                            under_way.passed.insert(task, snapshot);
                        }
                    }
                    Some(TaskReport::Ended(task, snapshot)) => {
                        let table = self.unresumable.remove(&task);
                        self.room.wait_for_ends_of(self.unresumable.values());
                        match snapshot {
                            Some(snapshot) => drop(ended.insert(task, snapshot)),
                            None => {
                                broken_off.extend(table);
                                ended_without += 1;
                            }
                        }
                    }
                },
                Some(request) = self.savepoints.recv() => {
                    if let Some(refusal) = self.refusal_of_savepoints() {
                        let _nobody_waits = request.reply.send(Err(refusal));
                        continue;
                    }
                    match request.when {
                        SavepointTime::NextBarrier => due = timer::now(),
                        SavepointTime::End { drain } => end(&self.signal, drain),
                    }
                    requests.push(request);
                }
                () = room.asked() => due = timer::now(),
                () = timer::sleep_until(due), if under_way.is_none() && self.unresumable.is_empty() => {
                    due = timer::now() + self.options.interval;
                    let mut term = patience.begin(next);
                    patience.within(&mut term, "its barrier is being sent", self.send_barrier(next)).await?;
                    under_way = Some(UnderWay { term, passed: HashMap::new() });
                    next = next.next();
                }
                () = super::source_task::sleep_until(late) => if let Some(under_way) = &mut under_way {
                    patience.late(&mut under_way.term, "rows from before it are still on their way")?;
                }
            }
            let all_ended = ended.len() + ended_without == self.tasks;
            if all_ended && ended_without > 0 {
                self.tell_broken_off(&broken_off);
                return Ok(false);
            }
            let passed = |under_way: &UnderWay| {
                let others = ended.keys().filter(|task| !under_way.passed.contains_key(task)).count();
                under_way.passed.len() + others == self.tasks
            };
            if under_way.as_ref().is_some_and(passed) {
                if let Some(UnderWay { term, passed }) = under_way.take() {
                    let left = passed.keys().any(|task| ended.contains_key(task));
                    let kind = if all_ended && !left { CheckpointKind::Final } else { CheckpointKind::Periodic };
                    let tasks = ended.iter().filter(|(task, _)| !passed.contains_key(task)).map(|(_, task)| task);
                    let staging = Staging::of(passed.values().chain(tasks));
                    // What a task left with its end is published once.
                    ended.iter_mut().filter(|(task, _)| !passed.contains_key(task)).for_each(|(_, t)| t.parts.clear());
                    self.complete(term, &patience, staging, kind, &mut requests).await?;
                    due = due.max(timer::now() + self.options.min_pause);
                    if kind == CheckpointKind::Final {
                        return Ok(true);
                    }
                }
            }
            if all_ended && under_way.is_none() {
                let staging = Staging::of(ended.values());
                let term = patience.begin(next);
                self.complete(term, &patience, staging, CheckpointKind::Final, &mut requests).await?;
                return Ok(true);
            }
        }
    }

    /// Says that the job was stopped in the middle of what can't be gone on with.
    fn tell_broken_off(&self, tables: &BTreeSet<String>) {
        if tables.is_empty() {
            return;
        }
        let published = match self.started.published {
            Some(epoch) => format!("nothing behind checkpoint {} is", epoch.0),
            None => "nothing is".to_string(),
        };
        self.reporter.news(&format!(
            "job \"{}\" was stopped before {} was read to its end: {published} published exactly once, and the next start \
             reads it anew",
            self.job,
            quoted(tables)
        ));
    }

    /// Why there can be no savepoint now.
    fn refusal_of_savepoints(&self) -> Option<Error> {
        let tables: BTreeSet<String> = self.unresumable.values().cloned().collect();
        (!tables.is_empty()).then(|| {
            let (job, tables) = (&self.job, quoted(&tables));
            let why = format!("there is no savepoint of job \"{job}\" before {tables} has been read to its end");
            Error::state(why)
                .with_detail("Reading it can't be gone on with from a position.")
                .with_hint("Ask again then. The job goes on.")
        })
    }

    /// Rows of the epoch behind it may come as soon as a writer has seen the barrier.
    async fn send_barrier(&mut self, epoch: Epoch) -> Result<()> {
        for target in &self.started.targets {
            target.begin(epoch.next()).await?;
        }
        self.tell(SourceCommand::Barrier(epoch)).await;
        Ok(())
    }

    /// Makes an epoch durable, publishes it, and collects what is no longer needed.
    async fn complete(
        &mut self,
        mut term: Term,
        patience: &Patience,
        staging: Staging,
        kind: CheckpointKind,
        requests: &mut Vec<SavepointRequest>,
    ) -> Result<()> {
        reach("checkpoint.all-staged");
        let (staging, epoch, since) = (Arc::new(staging), term.epoch, term.since);
        let writing = self.write_until_done(epoch, patience, &staging, kind, since);
        let manifest = patience.within(&mut term, "it is being written", writing).await?;
        patience.within(&mut term, "its rows are being published", self.publish(epoch, &staging)).await?;
        patience.complete();
        reach("publish.after");
        // While it runs the targets say so, and the next checkpoint; markers of a job that has ended may expire.
        if kind == CheckpointKind::Final && !self.started.targets.is_empty() {
            reach("publish.before-noted");
            let noting = self.started.folder.note_published(epoch);
            if let Err(error) = patience.at_most("noting what was published", noting).await {
                self.reporter.news(&format!(
                    "it can't be noted that checkpoint {} is published: {}; where a target's marker expires before the \
                     next start, that is refused",
                    epoch.0,
                    error.message()
                ));
            }
            reach("publish.noted");
        }
        self.started.published = Some(epoch);
        self.room.publish(epoch);
        self.metrics.epoch.store(epoch.0, std::sync::atomic::Ordering::Relaxed);
        self.metrics.checkpoints.completed(&manifest);
        let splits: usize = manifest.sources.iter().map(|source| source.splits.len()).sum();
        tracing::debug!(epoch = epoch.0, splits, bytes = manifest.bytes, "epoch complete");
        self.tell(SourceCommand::Complete(epoch)).await;
        reach("checkpoint.published");
        self.started.kept.push(manifest);
        let surplus = self.started.kept.len().saturating_sub(self.options.retained.max(1));
        self.started.kept.drain(..surplus);
        let kept: Vec<&Manifest> = self.started.kept.iter().collect();
        if let Err(error) = patience.at_most("removing them", collect(&self.started.folder, &kept)).await {
            self.reporter.news(&format!("old checkpoints stay: {}", error.message()));
        }
        let is_final = kind == CheckpointKind::Final;
        if is_final {
            // Those that nobody has looked at yet.
            requests.extend(std::iter::from_fn(|| self.savepoints.try_recv().ok()));
        }
        let answered = |request: &mut SavepointRequest| is_final || request.when == SavepointTime::NextBarrier;
        for request in requests.extract_if(.., answered) {
            let writing = self.write_savepoint(epoch, &staging, since, &request.folder);
            let written = patience.at_most("writing the savepoint", writing).await;
            let written = written.map_err(|error| match request.when {
                SavepointTime::NextBarrier => error,
                SavepointTime::End { .. } => error
                    .context(format!("job \"{}\" has ended with checkpoint {} and no savepoint", self.job, epoch.0)),
            });
            let told = written.as_ref().map(|path| format!("savepoint {} is written", path.display())).ok();
            // Who asked has gone: it is there all the same.
            if let (Err(_), Some(told)) = (request.reply.send(written), told) {
                self.reporter.news(&told);
            }
        }
        Ok(())
    }

    /// Publishes to every target; the order is that of their names.
    async fn publish(&self, epoch: Epoch, staging: &Staging) -> Result<()> {
        reach("publish.before");
        for (i, target) in self.started.targets.iter().enumerate() {
            if i > 0 {
                reach("publish.between-targets");
            }
            target.publish(epoch, &staging.parts).await?;
        }
        Ok(())
    }

    /// Writes a checkpoint, again where that fails as often as the options tolerate. Rows go on meanwhile.
    async fn write_until_done(
        &mut self,
        epoch: Epoch,
        patience: &Patience,
        staging: &Arc<Staging>,
        kind: CheckpointKind,
        since: Instant,
    ) -> Result<Manifest> {
        let mut tries = 0;
        loop {
            let name = match tries {
                0 => data_name(self.started.attempt, epoch),
                again => format!("{}r{again}", data_name(self.started.attempt, epoch)),
            };
            let error = match self.write(epoch, staging, kind, since, name).await {
                Ok(manifest) => return Ok(manifest),
                Err(error) => error,
            };
            if !patience.bears() || error.kind() != ErrorKind::External {
                return Err(error.context(format!("checkpoint {} can't be written", epoch.0)));
            }
            tries += 1;
            patience.tell(&format!("checkpoint {} can't be written: {}; trying again", epoch.0, error.message()));
            timer::sleep(WRITE_AGAIN).await;
        }
    }

    async fn write(
        &mut self,
        epoch: Epoch,
        staging: &Arc<Staging>,
        kind: CheckpointKind,
        since: Instant,
        name: String,
    ) -> Result<Manifest> {
        let (targets, mode) = (self.started.targets.clone(), self.started.mode);
        let (staged, known) = (staging.clone(), self.known.clone());
        // Encoding takes its time: the threads of tasks have better things to do.
        let encoded = super::aside(move || staged.encode(name, &targets, mode, &known)).await;
        let encoded = encoded.ok_or_else(|| Error::internal("encoding a checkpoint was cut off"))??;
        let mut manifest = Manifest {
            operators: encoded.operators,
            targets: encoded.targets,
            ..self.manifest(epoch, staging, kind, since)
        };
        manifest.bytes = manifest.pieces().map(|piece| piece.length).sum();
        let files = encoded.data.names();
        encoded.data.write(&self.started.folder.store, &self.started.folder.data()).await?;
        reach("checkpoint.state-written");
        reach("checkpoint.before-manifest");
        let manifest = Manifest { took_ms: took_ms(since), ..manifest };
        let written = match self.started.folder.write_manifest(manifest.clone()).await {
            Ok(written) => written,
            Err(error) => {
                self.take_back(epoch, &files).await;
                return Err(error);
            }
        };
        reach("checkpoint.manifest-written");
        // That of an earlier try names other files.
        self.known = Arc::new(if written == manifest { encoded.known } else { KnownPieces::default() });
        Ok(written)
    }

    /// Removes the files of a checkpoint whose manifest surely isn't there: the next try has its own.
    async fn take_back(&self, epoch: Epoch, files: &[String]) {
        let folder = &self.started.folder;
        if folder.store.is_durable() && matches!(folder.store.read(&folder.manifest_name(epoch)).await, Ok(None)) {
            for file in files {
                // The next start collects it.
                let _stays = folder.store.delete(&format!("{}/{file}", folder.data())).await;
            }
        }
    }

    /// A manifest without its pieces.
    fn manifest(&self, epoch: Epoch, staging: &Staging, kind: CheckpointKind, since: Instant) -> Manifest {
        Manifest {
            job: self.job.to_string(),
            lineage: self.started.lineage.clone(),
            attempt: self.started.attempt,
            epoch,
            kind,
            mode: self.started.mode,
            published: self.started.published,
            sinks: self.started.sinks.clone(),
            inherited: self.started.inherited.clone(),
            savepoint: self.started.savepoint.clone(),
            created_ms: self.clock.now_ms(),
            took_ms: took_ms(since),
            bytes: 0,
            operators: Vec::new(),
            sources: staging.sources.clone(),
            targets: Vec::new(),
        }
    }

    /// Writes all state into a folder of its own, which needs nothing of the job's.
    async fn write_savepoint(
        &self,
        epoch: Epoch,
        staging: &Arc<Staging>,
        since: Instant,
        folder: &std::path::Path,
    ) -> Result<PathBuf> {
        let id = uuid::Uuid::new_v4().simple().to_string();
        let path = folder.join(format!("savepoint-{}-{}", crate::checkpoint::job_folder(&self.job), &id[..12]));
        let store = Store::folder(&path)?;
        let unfinished = Unfinished(Some(path.clone()));
        // What the epoch left is published: nothing is held.
        let staged = staging.clone();
        let encode = move || staged.encode("0".to_string(), &[], EpochMode::Held, &KnownPieces::default());
        let encoded = super::aside(encode).await;
        let encoded = encoded.ok_or_else(|| Error::internal("encoding a savepoint was cut off"))??;
        let manifest = Manifest {
            bytes: encoded.data.bytes(),
            operators: encoded.operators,
            ..self.manifest(epoch, staging, CheckpointKind::Savepoint, since)
        };
        reach("savepoint.before-data");
        encoded.data.write(&store, "data").await?;
        reach("savepoint.data-written");
        store.create("_metadata", manifest.encode()?.into()).await?;
        reach("savepoint.written");
        unfinished.finish();
        Ok(path)
    }

    async fn tell(&mut self, command: SourceCommand) {
        for source in &self.sources {
            let _ended = source.send(command).await;
        }
    }
}

/// The folder of a savepoint that is being written: it is removed where that fails or is given up.
struct Unfinished(Option<PathBuf>);

impl Unfinished {
    fn finish(mut self) {
        self.0 = None;
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        if let Some(folder) = self.0.take() {
            let _stays = std::fs::remove_dir_all(folder);
        }
    }
}

/// `"a", "b"`
fn quoted(tables: &BTreeSet<String>) -> String {
    tables.iter().map(|table| format!("\"{table}\"")).collect::<Vec<_>>().join(", ")
}

fn took_ms(since: Instant) -> u64 {
    timer::now().saturating_duration_since(since).as_millis() as u64
}
