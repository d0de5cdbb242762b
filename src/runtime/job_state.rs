//! What is known of a job, while it runs and afterwards: who holds this doesn't keep the job alive.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::{mpsc, oneshot, watch};

use super::coordinator::{SavepointRequest, SavepointTime};
use super::job::{JobEnd, Signal, end};
use super::metrics::JobMetrics;
use crate::checkpoint::Store;
use crate::error::{Error, ErrorKind, Result};
use crate::time::Clock;

/// The number of a job, 32 hexadecimal digits as Flink's.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct JobId(Arc<str>);

impl JobId {
    pub fn random() -> Self {
        Self(uuid::Uuid::new_v4().simple().to_string().into())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// How a job stands, in the words of Flink's SHOW JOBS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JobStatus {
    Running,
    /// It was asked to stop, and rows in flight are on their way.
    Cancelling,
    /// All data was read, or it was drained.
    Finished,
    /// It was stopped, or nobody held it any longer.
    Canceled,
    Failed,
}

impl JobStatus {
    pub fn name(self) -> &'static str {
        match self {
            Self::Running => "RUNNING",
            Self::Cancelling => "CANCELLING",
            Self::Finished => "FINISHED",
            Self::Canceled => "CANCELED",
            Self::Failed => "FAILED",
        }
    }

    pub fn has_ended(self) -> bool {
        !matches!(self, Self::Running | Self::Cancelling)
    }
}

/// What is known of a job. The job itself writes its end down, however that comes.
#[derive(Debug)]
pub struct JobState {
    pub id: JobId,
    pub name: Arc<str>,
    pub metrics: Arc<JobMetrics>,
    /// When it was started, by the clock of its session.
    pub started_ms: i64,
    signal: watch::Sender<Signal>,
    /// All its doors are, or were, open.
    open: watch::Sender<bool>,
    ended: watch::Sender<Option<Ended>>,
    /// The way to the coordinator; none where the job has no checkpoints.
    savepoints: Option<mpsc::Sender<SavepointRequest>>,
    /// Where its savepoints go if nothing else is said.
    savepoint_folder: Option<PathBuf>,
}

/// How a job ended, and when.
#[derive(Debug, Clone)]
pub struct Ended {
    pub at_ms: i64,
    /// Finished, canceled or failed.
    pub status: JobStatus,
    /// The failure: its kind and its message with what is known of the cause.
    pub failure: Option<(ErrorKind, String)>,
}

impl JobState {
    pub(super) fn new(
        name: Arc<str>,
        metrics: Arc<JobMetrics>,
        started_ms: i64,
        savepoints: Option<mpsc::Sender<SavepointRequest>>,
        savepoint_folder: Option<PathBuf>,
    ) -> Self {
        let (signal, _) = watch::channel(Signal::Run);
        let (open, _) = watch::channel(false);
        let (ended, _) = watch::channel(None);
        Self { id: JobId::random(), name, metrics, started_ms, signal, open, ended, savepoints, savepoint_folder }
    }

    /// How it stands, for people: `WAITING` where it runs and can't go on before a service answers.
    pub fn standing(&self) -> &'static str {
        match self.status() {
            JobStatus::Running if !self.metrics.waiting_for().is_empty() => "WAITING",
            status => status.name(),
        }
    }

    /// Why it has failed, or what it waits for.
    pub fn message(&self) -> Option<String> {
        match self.ended() {
            Some(ended) => ended.failure.map(|(_, message)| message),
            None => Some(self.metrics.waiting_for()).filter(|waiting| !waiting.is_empty()),
        }
    }

    /// That it goes on stopping, and what it waits for.
    pub fn stopping(&self) -> String {
        let waits = self.message().map(|waits| format!(", {waits}")).unwrap_or_default();
        format!("\"{}\" goes on stopping{waits}", self.name)
    }

    /// Asks the job to stop: sources stop, rows in flight arrive at the sinks, sinks flush. Open windows stay open.
    pub fn stop(&self) {
        end(&self.signal, false);
    }

    /// Asks the job to end as if its data did: sources stop, the last watermark is sent, open windows give their rows.
    /// One that is stopping already goes on stopping.
    pub fn drain(&self) {
        end(&self.signal, true);
    }

    /// Writes a savepoint into a folder of its own below `folder`, with the next barrier; says where it is.
    ///
    /// # Errors
    /// A job without checkpoints, or one that has ended.
    pub async fn savepoint(&self, folder: PathBuf) -> Result<PathBuf> {
        self.request(folder, SavepointTime::NextBarrier).await?.await.unwrap_or_else(|_| Err(self.without_savepoint()))
    }

    /// Stops or drains the job once it runs, and writes a savepoint of where it ends: no row was written behind it.
    ///
    /// # Errors
    /// A job without checkpoints, which goes on; or one that ends otherwise meanwhile.
    pub async fn stop_with_savepoint(self: &Arc<Self>, folder: PathBuf, drain: bool) -> Result<PathBuf> {
        self.end_with_savepoint(folder, drain).await?.await
    }

    /// The same in two steps: when this returns, any end of the job knows of the savepoint, which the future gives.
    pub async fn end_with_savepoint(
        self: &Arc<Self>,
        folder: PathBuf,
        drain: bool,
    ) -> Result<impl Future<Output = Result<PathBuf>> + use<>> {
        // A folder that can't be written is told of before anything ends.
        Store::folder(&folder)?.check_writable().await?;
        let (written, job) = (self.request(folder, SavepointTime::End { drain }).await?, self.clone());
        Ok(async move { written.await.unwrap_or_else(|_| Err(job.without_savepoint())) })
    }

    async fn request(&self, folder: PathBuf, when: SavepointTime) -> Result<oneshot::Receiver<Result<PathBuf>>> {
        let savepoints = self.coordinator()?;
        let (reply, written) = oneshot::channel();
        let request = SavepointRequest { folder, when, reply };
        savepoints.send(request).await.map_err(|_| self.without_savepoint())?;
        Ok(written)
    }

    /// The way to the coordinator.
    ///
    /// # Errors
    /// A job without checkpoints.
    pub(crate) fn coordinator(&self) -> Result<&mpsc::Sender<SavepointRequest>> {
        self.savepoints.as_ref().ok_or_else(|| {
            Error::statement(format!("job \"{}\" keeps no checkpoints", self.name))
                .with_hint("SET 'execution.checkpointing.interval' = '1s' before it starts.")
        })
    }

    fn without_savepoint(&self) -> Error {
        Error::external(format!("job \"{}\" has ended or failed before there was a savepoint", self.name))
    }

    /// Where its savepoints go if nothing else is said; none where it keeps nothing beyond the process.
    pub fn savepoint_folder(&self) -> Option<&PathBuf> {
        self.savepoint_folder.as_ref()
    }

    pub fn status(&self) -> JobStatus {
        match (&*self.ended.borrow(), *self.signal.borrow()) {
            (Some(ended), _) => ended.status,
            (None, Signal::Stop | Signal::Drain) => JobStatus::Cancelling,
            (None, Signal::Run | Signal::Satisfied) => JobStatus::Running,
        }
    }

    /// How it ended; `None` while it runs.
    pub fn ended(&self) -> Option<Ended> {
        self.ended.borrow().clone()
    }

    /// Waits until all its doors are open and rows are read; for ever where it is refused before. Cancel safe.
    pub async fn until_open(&self) {
        if self.open.subscribe().wait_for(|open| *open).await.is_err() {
            // Can't be: `self` holds the sender.
            std::future::pending::<()>().await;
        }
    }

    /// All its doors are open.
    pub(super) fn write_open(&self) {
        self.open.send_replace(true);
    }

    /// Waits for the end. Cancel safe.
    pub async fn wait(&self) -> Ended {
        let mut watched = self.ended.subscribe();
        loop {
            if let Some(ended) = &*watched.borrow_and_update() {
                return ended.clone();
            }
            if watched.changed().await.is_err() {
                // Can't be: `self` holds the sender.
                std::future::pending::<()>().await;
            }
        }
    }

    pub(super) fn signal(&self) -> &watch::Sender<Signal> {
        &self.signal
    }

    fn write_end(&self, ended: Ended) {
        self.ended.send_if_modified(|known| {
            let first = known.is_none();
            if first {
                *known = Some(ended);
            }
            first
        });
    }
}

/// Writes the end of a job down, also where the job is dropped or panics.
pub(super) struct EndWriter {
    pub state: Arc<JobState>,
    pub clock: Arc<dyn Clock>,
}

impl EndWriter {
    /// The job has come to its end by itself.
    pub fn write(&self, end: &Result<JobEnd>) {
        let (status, failure) = match end {
            Ok(JobEnd::Finished) => (JobStatus::Finished, None),
            Ok(JobEnd::Stopped) => (JobStatus::Canceled, None),
            Err(error) => (JobStatus::Failed, Some((error.kind(), told(error)))),
        };
        self.state.write_end(Ended { at_ms: self.clock.now_ms(), status, failure });
    }
}

impl Drop for EndWriter {
    fn drop(&mut self) {
        let (status, failure) = match std::thread::panicking() {
            true => (JobStatus::Failed, Some((ErrorKind::Internal, "the job panicked".to_string()))),
            false => (JobStatus::Canceled, None),
        };
        self.state.write_end(Ended { at_ms: self.clock.now_ms(), status, failure });
    }
}

/// An error on one line, and what was found beside it.
fn told(error: &Error) -> String {
    let one = |error: &Error| {
        let detail = error.detail().map(|detail| format!(": {detail}")).unwrap_or_default();
        format!("{}{detail}", error.message())
    };
    error.each().map(one).collect::<Vec<_>>().join("; ")
}
