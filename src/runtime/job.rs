//! A running job: the handle that others hold, and the supervisor that runs its tasks and says how it ended.
//!
//! ```text
//!  start ─► check (checks.rs: could all doors be opened?) ─► open (assembly.rs: doors, chains, edges)
//!                              ─► run (tasks, coordinator) ─► Finished | Stopped | the first error
//! ```
//! Nothing is made before everything is checked, and nothing runs before everything is open: a job that is stopped or
//! fails while it opens has read no row.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use futures::future::OptionFuture;
use tokio::sync::{mpsc, watch};
use tokio::task::{JoinHandle, JoinSet};

use super::assembly::{Assembled, Assembly, Task};
use super::checkpoints::Checkpoints;
use super::checks::check;
use super::coordinator::{Coordinator, SavepointRequest};
use super::costs::Costs;
use super::dead_letters::DeadLetterWriter;
use super::exchange::ECHO;
use super::job_state::{EndWriter, JobId, JobState};
use super::memory::{JobMemory, MemoryBudget};
use super::metrics::{JobMetrics, LookupMetrics, SinkMetrics, SourceMetrics, WindowMetrics};
use super::restart::{RestartStrategy, Restarts};
use super::savepoint_requests;
use super::start::{Start, Started};
use crate::changelog::Epoch;
use crate::changelog::rejects::ErrorHandling;
use crate::checkpoint::{JobFolder, collect};
use crate::connectors::{DoorMetrics, EpochRoom, OpenContext, Reporter};
use crate::error::{Error, ErrorKind, Result};
use crate::failpoint::reach;
use crate::plan::stream_plan::{NodeKind, StreamPlan, WindowAggregateNode, WindowTableNode};
use crate::startup;
use crate::time::Clock;
use crate::types::TimeAttribute;

/// How a job runs.
#[derive(Clone)]
pub struct JobConfig {
    pub name: Arc<str>,
    /// The names of tables in the order of their declaration: so is told what several of them refuse.
    pub declared: Vec<String>,
    /// Subtasks per fragment at most (`parallelism.default`).
    pub parallelism: usize,
    pub clock: Arc<dyn Clock>,
    /// `None`: there are none, and what fails or dies begins anew.
    pub checkpoints: Option<Checkpoints>,
    /// Whether a failed job starts anew by itself.
    pub restart: RestartStrategy,
    /// Rows in a micro-batch at most.
    pub batch_rows: usize,
    /// What all operators may hold, those of other jobs included.
    pub memory: Arc<MemoryBudget>,
    /// Where waiting and retries are told to people, beside the job's metrics.
    pub reporter: Reporter,
    /// Where what every node costs is told; `None`: nobody wants to know.
    pub costs: Option<Arc<Costs>>,
}

/// How a job ended without an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JobEnd {
    /// All data was read, or no more was needed.
    Finished,
    /// It was stopped; rows in flight have arrived.
    Stopped,
}

/// What all tasks of a job watch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    Run,
    Stop,
    /// End as if the data had ended.
    Drain,
    /// The only sink needs no more rows.
    Satisfied,
}

/// Ends the tasks: as if the data had ended, or at once where they are. One that is stopping goes on stopping.
pub(super) fn end(signal: &watch::Sender<Signal>, drain: bool) {
    signal.send_if_modified(|signal| {
        let asked = if drain { Signal::Drain } else { Signal::Stop };
        let ends = *signal != asked && (!drain || *signal == Signal::Run);
        if ends {
            *signal = asked;
        }
        ends
    });
}

/// A running job. Dropping it ends the job at once, without flushing.
pub struct JobHandle {
    pub id: JobId,
    pub name: Arc<str>,
    pub metrics: Arc<JobMetrics>,
    state: Arc<JobState>,
    done: JoinHandle<Result<JobEnd>>,
    /// How it ended, once somebody has been told.
    end: Option<Result<JobEnd, (ErrorKind, String)>>,
}

impl JobHandle {
    /// Asks the job to stop: sources stop, rows in flight arrive at the sinks, sinks flush.
    pub fn stop(&self) {
        self.state.stop();
    }

    /// Asks the job to end as if its data did: sources stop, open windows give their rows, sinks flush.
    pub fn drain(&self) {
        self.state.drain();
    }

    /// What is known of the job, to look at or stop it while another waits for it.
    pub fn state(&self) -> Arc<JobState> {
        self.state.clone()
    }

    pub fn is_done(&self) -> bool {
        self.done.is_finished()
    }

    /// Waits for the end. Cancel safe, and may be called again: then a failure is told by its message alone.
    ///
    /// # Errors
    /// The failure of the task that failed first; a panic is an internal error.
    pub async fn wait(&mut self) -> Result<JobEnd> {
        match &self.end {
            Some(Ok(end)) => return Ok(*end),
            Some(Err((kind, message))) => return Err(Error::new(*kind, message)),
            None => {}
        }
        let result = match (&mut self.done).await {
            Ok(result) => result,
            Err(error) => Err(panicked(&self.name, error)),
        };
        self.end = Some(match &result {
            Ok(end) => Ok(*end),
            Err(error) => Err((error.kind(), error.message().to_string())),
        });
        result
    }
}

impl Drop for JobHandle {
    fn drop(&mut self) {
        self.done.abort();
    }
}

fn panicked(job: &str, error: tokio::task::JoinError) -> Error {
    if !error.is_panic() {
        return Error::external(format!("job \"{job}\" was ended"));
    }
    let payload = error.into_panic();
    let said = payload.downcast_ref::<String>().cloned();
    let said = said.or_else(|| payload.downcast_ref::<&str>().map(|s| s.to_string())).unwrap_or_default();
    Error::internal(format!("job \"{job}\": a task panicked: {said}"))
}

/// Starts a plan. Returns at once; a failure to open a door is the job's failure.
pub fn start(plan: StreamPlan, config: JobConfig) -> JobHandle {
    let metrics = Arc::new(metrics_of(&plan, JobMemory::new(config.memory.clone())));
    let (name, clock) = (config.name.clone(), config.clock.clone());
    let (ask, savepoints) = mpsc::channel(4);
    let ask_savepoint = ask.clone();
    let ask = config.checkpoints.is_some().then_some(ask);
    let folder = config.checkpoints.as_ref().and_then(|checkpoints| checkpoints.savepoints.clone());
    let state = Arc::new(JobState::new(name.clone(), metrics.clone(), clock.now_ms(), ask, folder));
    let signal = state.signal().clone();
    let watched = signal.subscribe();
    let job = Job { plan, config, metrics: metrics.clone(), signal, state: state.clone(), savepoints, ask_savepoint };
    let end = EndWriter { state: state.clone(), clock };
    let done = super::spawn(async move {
        let ended = job.run(watched).await;
        end.write(&ended);
        ended
    });
    JobHandle { id: state.id.clone(), name, metrics, state, done, end: None }
}

fn metrics_of(plan: &StreamPlan, memory: Arc<JobMemory>) -> JobMetrics {
    let mut metrics = JobMetrics::new(memory);
    for (id, node) in plan.nodes.iter().enumerate() {
        match &node.kind {
            NodeKind::WindowTable(WindowTableNode { spec, .. })
            | NodeKind::WindowAggregate(WindowAggregateNode { spec, .. }) => {
                let by_clock = spec.time == TimeAttribute::Proctime;
                metrics.windows.push(Arc::new(WindowMetrics::new(id, spec.describe(None), by_clock)));
            }
            NodeKind::Source(source) => {
                metrics.sources.push(Arc::new(SourceMetrics::new(&source.table, source.watermark.is_some())));
            }
            NodeKind::Sink(sink) => metrics.sinks.push(Arc::new(SinkMetrics::new(&sink.table))),
            NodeKind::LookupJoin(join) => {
                let table = join.table.clone();
                metrics.lookups.push(Arc::new(LookupMetrics { table, ..LookupMetrics::default() }));
            }
            _ => {}
        }
    }
    metrics
}

struct Job {
    plan: StreamPlan,
    config: JobConfig,
    metrics: Arc<JobMetrics>,
    signal: watch::Sender<Signal>,
    state: Arc<JobState>,
    savepoints: mpsc::Receiver<SavepointRequest>,
    /// The way to the coordinator of whichever attempt.
    ask_savepoint: mpsc::Sender<SavepointRequest>,
}

impl Job {
    /// Attempts, one after the other, until one ends or must not be followed by another.
    async fn run(mut self, mut watched: watch::Receiver<Signal>) -> Result<JobEnd> {
        let folder = match &self.config.checkpoints {
            Some(checkpoints) => Some(Arc::new(JobFolder::open(checkpoints.store.clone(), &self.config.name)?)),
            None => None,
        };
        let checkpoints = self.config.checkpoints.as_ref();
        let asked_from_outside = match (checkpoints.and_then(|options| options.savepoints.clone()), &folder) {
            (Some(to), Some(folder)) if folder.store.is_durable() => {
                let (ask, reporter) = (self.ask_savepoint.clone(), self.config.reporter.clone());
                Some(savepoint_requests::answer(folder.clone(), to, ask, reporter))
            }
            _ => None,
        };
        let answering = OptionFuture::from(asked_from_outside);
        tokio::select! {
            biased;
            ended = self.attempts(folder, &mut watched) => ended,
            Some(never) = answering => match never {},
        }
    }

    async fn attempts(
        &mut self,
        folder: Option<Arc<JobFolder>>,
        watched: &mut watch::Receiver<Signal>,
    ) -> Result<JobEnd> {
        let mut restarts = Restarts::new(self.config.restart.clone());
        let mut attempts = 0;
        let mut was_open = false;
        loop {
            attempts += 1;
            let error = match self.attempt(folder.clone(), attempts == 1, &mut was_open, watched).await {
                Ok(end) => return Ok(end),
                Err(error) => error,
            };
            // What never ran has nothing to go on with, and what should end can't say that it came to its end.
            let ends = matches!(*self.signal.borrow(), Signal::Stop | Signal::Drain);
            let delay = (was_open && !ends).then(|| restarts.after(&error, super::timer::now())).flatten();
            let Some(delay) = delay else { return Err(error) };
            self.metrics.restarts.fetch_add(1, Ordering::Relaxed);
            let (name, told) = (&self.config.name, error.message());
            self.config.reporter.news(&format!("job \"{name}\" failed: {told}; starting it anew in {delay:?}"));
            tokio::select! {
                biased;
                end = stopped(watched) => return match end {
                    JobEnd::Stopped => Ok(end),
                    // Not all data was read.
                    JobEnd::Finished => Err(error),
                },
                () = super::timer::sleep(delay) => {}
            }
            // The rows that were enough may be gone with the attempt.
            self.signal.send_if_modified(|signal| {
                let satisfied = *signal == Signal::Satisfied;
                if satisfied {
                    *signal = Signal::Run;
                }
                satisfied
            });
        }
    }

    /// From the start to the end, or to the first failure.
    async fn attempt(
        &mut self,
        folder: Option<Arc<JobFolder>>,
        first: bool,
        was_open: &mut bool,
        watched: &mut watch::Receiver<Signal>,
    ) -> Result<JobEnd> {
        startup::done(|| format!("job \"{}\" started", self.config.name));
        let opened = tokio::select! {
            biased;
            end = stopped(watched) => return Ok(end),
            opened = self.open(folder, first) => opened?,
        };
        *was_open = true;
        self.state.write_open();
        startup::done(|| format!("job \"{}\" open", self.config.name));
        self.metrics.waits_for_nothing();
        let dead_letters = opened.dead_letters.clone();
        let folder = opened.started.as_ref().map(|started| started.folder.clone());
        let all_published = self.supervise(opened).await?;
        for writer in dead_letters {
            writer.close().await?;
        }
        if let (Some(folder), Some(options)) = (folder, &self.config.checkpoints) {
            if options.removed_at_end && folder.store.is_durable() && all_published {
                self.remove_checkpoints(&folder).await;
            }
        }
        let signal = *self.signal.borrow();
        Ok(if signal == Signal::Stop { JobEnd::Stopped } else { JobEnd::Finished })
    }

    /// All that the job left is published: nobody needs them but another start.
    async fn remove_checkpoints(&self, folder: &JobFolder) {
        let name = &self.config.name;
        let why = "as 'execution.checkpointing.externalized-checkpoint-retention' says";
        self.config.reporter.news(&match collect(folder, &[]).await {
            Ok(()) => format!("job \"{name}\" has ended: its checkpoints are removed, {why}"),
            Err(error) => format!("job \"{name}\" has ended: its checkpoints stay: {}", error.message()),
        });
    }

    /// Opens everything; where the job is checkpointed, from where it stood.
    async fn open(&self, folder: Option<Arc<JobFolder>>, first_attempt: bool) -> Result<Opened> {
        if first_attempt {
            check(&self.plan, &self.config.declared, &self.metrics, |metrics| self.context(metrics)).await?;
            startup::done(|| "doors checked");
        }
        let started = match (&self.config.checkpoints, folder) {
            (Some(checkpoints), Some(folder)) => {
                let start = Start {
                    job: self.config.name.clone(),
                    plan: &self.plan,
                    checkpoints,
                    folder,
                    first_attempt,
                    clock: self.config.clock.clone(),
                    reporter: self.config.reporter.clone(),
                    doors: self.metrics.reporter(&self.config.name, &self.config.reporter),
                };
                Some(start.begin().await?)
            }
            _ => None,
        };
        let dead_letters = self.open_dead_letters().await?;
        let published = started.as_ref().map(|started| Epoch(started.first.0.saturating_sub(1)));
        let room = published.map_or_else(EpochRoom::default, EpochRoom::behind);
        let room = Arc::new(room.within(self.metrics.memory.budget().bytes()));
        let assembly = Assembly {
            dead_letters: dead_letters.clone(),
            plan: &self.plan,
            config: &self.config,
            metrics: self.metrics.clone(),
            signal: self.signal.clone(),
            started: started.as_ref(),
            room: room.clone(),
        };
        let assembled = assembly.open().await?;
        drop(assembly);
        let started = match started {
            Some(mut started) if started.begins => {
                let sources = assembled.sources.clone();
                reach("start.before-written");
                let manifest = started.write_start(&self.config.name, sources, self.config.clock.now_ms()).await?;
                reach("start.written");
                started.kept.push(manifest);
                Some(started)
            }
            other => other,
        };
        started.iter().for_each(|started| self.tell_restored(started, &assembled));
        Ok(Opened { assembled, started, room, dead_letters })
    }

    /// One line: from which checkpoint or savepoint, and from where sources go on.
    fn tell_restored(&self, started: &Started, assembled: &Assembled) {
        let Some(restored) = &started.restored else { return };
        let splits = assembled.sources.iter().flat_map(|source| {
            let read_by = self.plan.source(&source.table);
            source.splits.iter().map(move |split| match read_by {
                Some(read_by) => read_by.place_of(&source.table, &split.id, &split.position),
                None => format!("{} at {}", split.id, split.position),
            })
        });
        let mut places: Vec<String> = splits.collect();
        let more = places.len().saturating_sub(8);
        places.truncate(8);
        if more > 0 {
            places.push(format!("{more} more"));
        }
        self.metrics.checkpoints.restored(restored.epoch);
        let from = if started.begins { "epoch" } else { "checkpoint" };
        self.config.reporter.news(&format!(
            "job \"{}\" goes on from {from} {}: {}",
            self.config.name,
            restored.epoch.0,
            places.join(", ")
        ));
    }

    /// For a door that is opened, or asked whether it could be, once for all subtasks.
    fn context(&self, metrics: Arc<DoorMetrics>) -> OpenContext {
        OpenContext {
            job: self.config.name.clone(),
            subtask: 0,
            parallelism: 1,
            clock: self.config.clock.clone(),
            reporter: self.metrics.reporter(&self.config.name, &self.config.reporter),
            metrics,
            batch_rows: self.config.batch_rows,
            errors: ErrorHandling::Fail,
            may_reject: false,
            epochs: None,
        }
    }

    async fn open_dead_letters(&self) -> Result<Vec<Arc<DeadLetterWriter>>> {
        let mut writers = Vec::with_capacity(self.plan.dead_letters.len());
        for sink in &self.plan.dead_letters {
            let context = self.context(Arc::default());
            writers.push(Arc::new(DeadLetterWriter {
                letters: Arc::default(),
                job: self.config.name.clone(),
                clock: self.config.clock.clone(),
                writer: tokio::sync::Mutex::new(sink.sink.open(&context).await?),
                sink: sink.clone(),
            }));
        }
        Ok(writers)
    }

    /// Runs all tasks to their end, or until one fails: then the others end at once.
    ///
    /// A task that finds its neighbour gone fails too, with an echo; the neighbour's own error is the one to report.
    /// False where the job was stopped with rows that no epoch has published.
    async fn supervise(&mut self, opened: Opened) -> Result<bool> {
        let Opened { assembled, started, room, .. } = opened;
        let Assembled { tasks: open, commands, reports, unresumable, .. } = assembled;
        let mut tasks = JoinSet::new();
        let count = open.len();
        open.into_iter().for_each(|task| spawn_task(&mut tasks, task));
        let coordinator = match (started, &self.config.checkpoints) {
            (Some(started), Some(options)) => {
                let coordinator = Coordinator {
                    job: self.config.name.clone(),
                    options,
                    started,
                    known: Arc::default(),
                    sources: commands,
                    tasks: count,
                    unresumable,
                    reports,
                    savepoints: &mut self.savepoints,
                    signal: self.signal.clone(),
                    room,
                    metrics: self.metrics.clone(),
                    reporter: self.config.reporter.clone(),
                    clock: self.config.clock.clone(),
                };
                Some(coordinator.run())
            }
            _ => {
                // Nobody tells sources of epochs.
                drop(commands);
                None
            }
        };
        let mut coordinator = std::pin::pin!(OptionFuture::from(coordinator));
        let mut coordinated = None;
        let mut echo = None;
        loop {
            let ended = tokio::select! {
                biased;
                ended = tasks.join_next() => ended,
                error = self.metrics.memory.over() => {
                    tasks.shutdown().await;
                    return Err(error);
                }
                done = &mut coordinator, if coordinated.is_none() => {
                    match done.unwrap_or(Ok(true)) {
                        Ok(all_published) => coordinated = Some(all_published),
                        Err(error) => {
                            tasks.shutdown().await;
                            return Err(error);
                        }
                    }
                    continue;
                }
            };
            let Some(ended) = ended else { break };
            let error = match ended {
                Ok(Ok(())) => continue,
                Ok(Err(error)) if error.message() == ECHO => {
                    echo = Some(error);
                    continue;
                }
                Ok(Err(error)) => error,
                Err(error) => panicked(&self.config.name, error),
            };
            tasks.shutdown().await;
            return Err(error);
        }
        if let Some(echo) = echo {
            return Err(echo);
        }
        // The last epoch is made durable and published when all tasks have ended.
        match coordinated {
            Some(all_published) => Ok(all_published),
            None => coordinator.await.unwrap_or(Ok(true)),
        }
    }
}

/// A job that only has to be run.
struct Opened {
    assembled: Assembled,
    started: Option<Started>,
    room: Arc<EpochRoom>,
    dead_letters: Vec<Arc<DeadLetterWriter>>,
}

#[allow(clippy::disallowed_methods)] // the one door to a job's tasks: they die with their set
fn spawn_task(tasks: &mut JoinSet<Result<()>>, task: Task) {
    tasks.spawn(task.run);
}

/// Returns once the job is asked to end, with the end that makes: it has read nothing yet.
async fn stopped(watched: &mut watch::Receiver<Signal>) -> JobEnd {
    match watched.wait_for(|signal| matches!(signal, Signal::Stop | Signal::Drain)).await.map(|signal| *signal) {
        Ok(Signal::Drain) => JobEnd::Finished,
        Ok(_) => JobEnd::Stopped,
        Err(_) => std::future::pending().await,
    }
}
