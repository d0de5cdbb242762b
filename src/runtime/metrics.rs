//! What a job counts while it runs, for the live line and the logs.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::memory::JobMemory;
use crate::changelog::Epoch;
use crate::changelog::rejects::{RejectCounts, Stage};
use crate::checkpoint::Manifest;
use crate::connectors::{DoorMetrics, Reporter, Waits};
use crate::operators::LateRows;
use crate::time::{EventTime, Watermark};

/// All counters of one job.
#[derive(Debug, Default)]
pub struct JobMetrics {
    pub sources: Vec<Arc<SourceMetrics>>,
    pub sinks: Vec<Arc<SinkMetrics>>,
    pub lookups: Vec<Arc<LookupMetrics>>,
    pub windows: Vec<Arc<WindowMetrics>>,
    /// Rows that could not be processed and did not fail the job.
    pub rejected: Arc<RejectCounts>,
    /// What the operators hold.
    pub memory: Arc<JobMemory>,
    /// The last epoch that was completed; 0 before the first.
    pub epoch: AtomicU64,
    pub checkpoints: CheckpointMetrics,
    /// How often the job started anew by itself.
    pub restarts: AtomicU64,
    /// What parts of the job wait for, in words, by their numbers.
    waits: Waits,
}

/// What became of a job's checkpoints.
#[derive(Debug, Default)]
pub struct CheckpointMetrics {
    pub completed: AtomicU64,
    pub failed: AtomicU64,
    last: Mutex<Option<LastCheckpoint>>,
    /// How long the barrier under way has held up a task at most.
    pause_ns: AtomicU64,
    /// The epoch that the job goes on from; 0 where it began anew.
    pub restored_epoch: AtomicU64,
}

/// The checkpoint that was completed last.
#[derive(Debug, Clone, Copy)]
pub struct LastCheckpoint {
    pub epoch: Epoch,
    /// Of state and held output, that of earlier checkpoints included.
    pub bytes: u64,
    /// From the barrier to the manifest.
    pub took_ms: u64,
    /// How long its barrier held up a task at most.
    pub pause: Duration,
    /// By the clock of the job.
    pub created_ms: i64,
    /// The same moment, to tell how long ago it was.
    pub at: Instant,
}

impl CheckpointMetrics {
    pub(super) fn paused(&self, pause: Duration) {
        self.pause_ns.fetch_max(u64::try_from(pause.as_nanos()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    pub(super) fn completed(&self, manifest: &Manifest) {
        self.completed.fetch_add(1, Ordering::Relaxed);
        *lock(&self.last) = Some(LastCheckpoint {
            epoch: manifest.epoch,
            bytes: manifest.bytes,
            took_ms: manifest.took_ms,
            pause: Duration::from_nanos(self.pause_ns.swap(0, Ordering::Relaxed)),
            created_ms: manifest.created_ms,
            at: Instant::now(),
        });
    }

    pub(super) fn failed(&self) {
        self.failed.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn restored(&self, epoch: Epoch) {
        self.restored_epoch.store(epoch.0, Ordering::Relaxed);
    }

    pub fn last(&self) -> Option<LastCheckpoint> {
        *lock(&self.last)
    }
}

#[derive(Debug, Default)]
pub struct SourceMetrics {
    pub table: String,
    pub door: Arc<DoorMetrics>,
    /// Rows known to wait in the source.
    pub lag: AtomicU64,
    /// True where the table declares a watermark.
    pub has_watermark: bool,
    pub future: FutureRows,
    splits: Mutex<BTreeMap<Arc<str>, SplitStatus>>,
    /// The highest watermark that was ever seen.
    highest: AtomicI64,
}

#[derive(Debug, Default)]
pub struct SinkMetrics {
    pub table: String,
    pub door: Arc<DoorMetrics>,
    /// How long tasks have waited for the writers to take rows.
    pub blocked_ns: AtomicU64,
}

/// Counters of one lookup join.
#[derive(Debug, Default)]
pub struct LookupMetrics {
    pub table: String,
    /// Queries, each for the keys of a batch.
    pub requests: AtomicU64,
    /// Keys asked for.
    pub keys: AtomicU64,
    /// What the lookup itself counts: failed tries and those made again.
    pub door: Arc<DoorMetrics>,
    pub cache_hits: AtomicU64,
    pub cache_misses: AtomicU64,
}

/// Counters of a node of windows.
#[derive(Debug, Default)]
pub struct WindowMetrics {
    /// The node's place in the plan.
    pub node: usize,
    /// `TUMBLE(size=[30 s])`
    pub window: String,
    /// Windows of processing time.
    pub by_clock: bool,
    /// Rows dropped because their windows were over.
    pub late: LateRows,
    /// When the next window of each subtask closes.
    closes: Mutex<Vec<Option<EventTime>>>,
}

/// Where a subtask tells when its next window closes.
#[derive(Debug)]
pub struct WindowGauge {
    window: Arc<WindowMetrics>,
    subtask: usize,
}

impl WindowMetrics {
    pub fn new(node: usize, window: String, by_clock: bool) -> Self {
        Self { node, window, by_clock, ..Self::default() }
    }

    /// A gauge for another subtask.
    pub fn gauge(self: &Arc<Self>) -> WindowGauge {
        let mut closes = lock(&self.closes);
        closes.push(None);
        WindowGauge { window: self.clone(), subtask: closes.len() - 1 }
    }

    /// When the next window closes that has rows.
    pub fn next_close(&self) -> Option<EventTime> {
        lock(&self.closes).iter().copied().flatten().min()
    }
}

impl WindowGauge {
    pub fn set(&self, closes: Option<EventTime>) {
        if let Some(known) = lock(&self.window.closes).get_mut(self.subtask) {
            *known = closes;
        }
    }
}

/// Rows that move event time far ahead of the clock, and close windows that are still to come.
#[derive(Debug, Default)]
pub struct FutureRows {
    rows: AtomicU64,
    first: OnceLock<String>,
}

impl FutureRows {
    /// Counts rows; true where they are the first there ever were.
    pub fn count(&self, rows: u64) -> bool {
        self.rows.fetch_add(rows, Ordering::Relaxed) == 0
    }

    /// Says what is to be said of the first.
    pub fn tell(&self, what: String) {
        self.first.get_or_init(|| what);
    }

    pub fn rows(&self) -> u64 {
        self.rows.load(Ordering::Relaxed)
    }

    /// What is to be said of the first.
    pub fn first(&self) -> Option<&str> {
        self.first.get().map(String::as_str)
    }
}

/// Where one split of a source stands.
#[derive(Debug, Clone)]
pub struct SplitStatus {
    pub rows: u64,
    pub watermark: Watermark,
    /// When its last row came; `None` before the first.
    pub last_row: Option<Instant>,
    /// True when it is left out of the minimum.
    pub idle: bool,
}

impl JobMetrics {
    pub fn new(memory: Arc<JobMemory>) -> Self {
        Self { memory, ..Self::default() }
    }

    pub fn rows_in(&self) -> u64 {
        self.sources.iter().map(|s| s.door.rows.load(Ordering::Relaxed)).sum()
    }

    /// Rows that the sinks have taken, without those they have rejected.
    pub fn rows_out(&self) -> u64 {
        let taken: u64 = self.sinks.iter().map(|s| s.door.rows.load(Ordering::Relaxed)).sum();
        taken.saturating_sub(self.rejected.of(Stage::Write))
    }

    /// Records skipped or read as NULL because they could not be decoded.
    pub fn rows_undecodable(&self) -> u64 {
        self.sources.iter().map(|s| s.door.rows_undecodable.load(Ordering::Relaxed)).sum()
    }

    /// Tries that were made again.
    pub fn retries(&self) -> u64 {
        let sources = self.sources.iter().map(|source| &source.door);
        let lookups = self.lookups.iter().map(|lookup| &lookup.door);
        let doors = sources.chain(lookups).chain(self.sinks.iter().map(|sink| &sink.door));
        doors.map(|door| door.retries.load(Ordering::Relaxed)).sum()
    }

    /// Rows dropped because their windows were over.
    pub fn rows_late(&self) -> u64 {
        self.windows.iter().map(|window| window.late.get()).sum()
    }

    /// When the next window closes: one that goes by the watermark, where there is any.
    pub fn next_close(&self) -> Option<EventTime> {
        let of = |by_clock: bool| self.windows.iter().filter(move |window| window.by_clock == by_clock);
        let next = |by_clock: bool| of(by_clock).filter_map(|window| window.next_close()).min();
        next(false).or_else(|| next(true))
    }

    pub fn lag(&self) -> u64 {
        self.sources.iter().map(|s| s.lag.load(Ordering::Relaxed)).sum()
    }

    /// What the job waits for; empty where it waits for nothing.
    pub fn waiting_for(&self) -> String {
        self.waits.now()
    }

    /// What a part of the job tells people through `outer`: with the job's name, and once where several parts say it.
    pub fn reporter(self: &Arc<Self>, job: &Arc<str>, outer: &Reporter) -> Reporter {
        let (metrics, part) = (self.clone(), self.waits.part());
        let (job, outer) = (job.clone(), outer.clone());
        Reporter::of(move |report| {
            if let Some(line) = metrics.waits.note(part, report) {
                outer.news(&format!("job {job}: {line}"));
            }
        })
    }

    /// The job waits for nothing any longer.
    pub fn waits_for_nothing(&self) {
        self.waits.clear();
    }
}

impl SourceMetrics {
    pub fn new(table: &str, has_watermark: bool) -> Self {
        let highest = AtomicI64::new(Watermark::MIN.0);
        Self { table: table.to_string(), has_watermark, highest, ..Self::default() }
    }

    /// The lowest watermark of the splits that count: of all subtasks together. It never falls.
    pub fn watermark(&self) -> Watermark {
        let splits = lock(&self.splits);
        let counting = splits.values().filter(|s| !s.idle).map(|s| s.watermark).min();
        // When all are idle, none holds back the highest.
        let now = counting.or_else(|| splits.values().map(|s| s.watermark).max()).unwrap_or(Watermark::MIN);
        Watermark(self.highest.fetch_max(now.0, Ordering::Relaxed).max(now.0))
    }

    /// Every split that was opened, by id.
    pub fn splits(&self) -> BTreeMap<Arc<str>, SplitStatus> {
        lock(&self.splits).clone()
    }

    pub fn set_split(&self, split: Arc<str>, status: SplitStatus) {
        lock(&self.splits).insert(split, status);
    }
}

impl SinkMetrics {
    pub fn new(table: &str) -> Self {
        Self { table: table.to_string(), ..Self::default() }
    }
}

/// A poisoned counter is still a counter.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
