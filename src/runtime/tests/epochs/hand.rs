//! The coordinator in a test's hand: tasks, sources and the target are played, on simulated time.

use std::any::Any;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::{Notify, mpsc, watch};

use crate::changelog::Epoch;
use crate::checkpoint::{JobFolder, SourceState, Store};
use crate::connectors::{Committer, EpochMode, EpochRoom, Marker, Reporter, Staged, StagedPart};
use crate::error::{Error, Result};
use crate::runtime::Checkpoints;
use crate::runtime::coordinator::{Coordinator, SavepointRequest, SourceCommand, TaskId, TaskReport, Unresumable};
use crate::runtime::job::Signal;
use crate::runtime::staging::TaskSnapshot;
use crate::runtime::start::Started;
use crate::runtime::targets::{OpenTarget, TargetSink};
use crate::runtime::tests::simulation::time::{self, simulated};

pub const INTERVAL: Duration = Duration::from_millis(100);

/// Writes down what it is told.
#[derive(Default)]
pub struct Told {
    pub lines: Mutex<Vec<String>>,
    /// Whether publishing waits until it may go on.
    pub waits: AtomicBool,
    pub goes_on: Notify,
    pub fails: AtomicBool,
}

#[async_trait]
impl Committer for Told {
    async fn look(&self) -> Result<Option<Marker>> {
        Ok(None)
    }

    async fn fence(&self) -> Result<Option<Marker>> {
        Ok(None)
    }

    async fn begin(&self, epoch: Epoch) -> Result<()> {
        self.lines.lock().unwrap().push(format!("begin {}", epoch.0));
        Ok(())
    }

    async fn publish(&self, epoch: Epoch, parts: &[StagedPart]) -> Result<()> {
        let parts: Vec<String> = parts.iter().map(|part| format!(" {}", part.staged.rows)).collect();
        self.lines.lock().unwrap().push(format!("publish {}:{}", epoch.0, parts.concat()));
        if self.fails.load(Ordering::SeqCst) {
            return Err(Error::external("the connection is gone"));
        }
        if self.waits.load(Ordering::SeqCst) {
            self.goes_on.notified().await;
        }
        Ok(())
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// What a test has in hand: everything around a coordinator of one source task (0) and further tasks.
pub struct Hand {
    pub target: Arc<Told>,
    pub commands: mpsc::Receiver<SourceCommand>,
    pub reports: mpsc::UnboundedSender<TaskReport>,
    pub savepoints: mpsc::Sender<SavepointRequest>,
    pub room: Arc<EpochRoom>,
    pub folder: Arc<JobFolder>,
    pub told: Arc<Mutex<Vec<String>>>,
}

impl Hand {
    /// The next barrier, with the moment at which it is sent.
    pub async fn barrier(&mut self) -> Epoch {
        loop {
            match self.commands.recv().await.expect("the coordinator runs") {
                SourceCommand::Barrier(epoch) => return epoch,
                SourceCommand::Complete(_) => {}
            }
        }
    }

    pub async fn complete(&mut self) -> Epoch {
        loop {
            match self.commands.recv().await.expect("the coordinator runs") {
                SourceCommand::Complete(epoch) => return epoch,
                SourceCommand::Barrier(_) => {}
            }
        }
    }

    /// A task has let a barrier pass; the number of rows says which part it was.
    pub fn passed(&self, epoch: u64, task: TaskId, rows: u64) {
        self.reports.send(TaskReport::Passed(Epoch(epoch), task, known(task, rows))).unwrap();
    }

    pub fn ended(&self, task: TaskId, rows: u64) {
        self.reports.send(TaskReport::Ended(task, Some(known(task, rows)))).unwrap();
    }

    pub fn lines(&self) -> Vec<String> {
        std::mem::take(&mut self.target.lines.lock().unwrap())
    }

    /// The coordinator knows all that was asked of it.
    pub async fn taken(&self) {
        while self.savepoints.capacity() < self.savepoints.max_capacity() {
            tokio::task::yield_now().await;
        }
    }

    pub async fn published(&self, line: &str) {
        while !self.target.lines.lock().unwrap().iter().any(|told| told == line) {
            time::sleep_ms(1).await;
        }
    }

    /// The checkpoints there are, oldest first: `2 final of 0 1`, with the tasks that it knows.
    pub async fn checkpoints(&self) -> Vec<String> {
        let found = self.folder.checkpoints().await.unwrap().into_iter().rev();
        let line = |manifest: crate::checkpoint::Manifest| {
            let tables = manifest.sources.iter().map(|source| source.table.clone());
            let tasks: Vec<String> = tables.collect();
            format!("{} {} of {}", manifest.epoch.0, manifest.kind.name(), tasks.join(" "))
        };
        found.map(|found| line(found.manifest.unwrap())).collect()
    }
}

pub fn known(task: TaskId, rows: u64) -> TaskSnapshot {
    let source = SourceState { identity: task.to_string(), table: task.to_string(), splits: Vec::new() };
    let staged = Staged { rows, payload: vec![1].into() };
    let parts = vec![StagedPart { sink: 0, subtask: task, staged }];
    TaskSnapshot { operators: Vec::new(), source: Some(source), parts }
}

/// Runs a coordinator of so many tasks and the test beside it; how the coordinator ended, and what the test gives.
pub fn coordinate<T>(
    tasks: usize,
    store: Store,
    change: impl FnOnce(&mut Checkpoints, &mut Unresumable),
    test: impl AsyncFnOnce(Hand) -> T,
) -> (Result<()>, T) {
    simulated(coordinated(tasks, store, change, test))
}

pub async fn coordinated<T>(
    tasks: usize,
    store: Store,
    change: impl FnOnce(&mut Checkpoints, &mut Unresumable),
    test: impl AsyncFnOnce(Hand) -> T,
) -> (Result<()>, T) {
    let mut options = Checkpoints { retained: 10, ..Checkpoints::new(store.clone(), INTERVAL) };
    let mut unresumable = Unresumable::new();
    change(&mut options, &mut unresumable);
    let target: Arc<Told> = Arc::default();
    let folder = Arc::new(JobFolder::open(store, "job").unwrap());
    let (sources, commands) = mpsc::channel(4);
    let (reporting, reports) = mpsc::unbounded_channel();
    let (asking, mut savepoints) = mpsc::channel(4);
    let (room, told) = (Arc::<EpochRoom>::default(), Arc::<Mutex<Vec<String>>>::default());
    let open = OpenTarget {
        name: "db".to_string(),
        sinks: vec![TargetSink { sink: 0, table: "t".to_string() }],
        since: Epoch(1),
        committer: target.clone(),
    };
    let lines = told.clone();
    let coordinator = Coordinator {
        job: "job".into(),
        options: &options,
        started: Started {
            folder: folder.clone(),
            attempt: 1,
            lineage: "a".to_string(),
            mode: EpochMode::Held,
            targets: vec![open],
            first: Epoch(1),
            published: None,
            sinks: Vec::new(),
            inherited: Vec::new(),
            savepoint: None,
            restored: None,
            begins: false,
            kept: Vec::new(),
        },
        known: Arc::default(),
        signal: watch::channel(Signal::Run).0,
        sources: vec![sources],
        tasks,
        unresumable,
        reports,
        savepoints: &mut savepoints,
        room: room.clone(),
        metrics: Arc::default(),
        reporter: Reporter::new(move |line| lines.lock().unwrap().push(line.to_string())),
        clock: Arc::new(time::SimulatedClock),
    };
    let hand = Hand { target, commands, reports: reporting, savepoints: asking, room, folder, told };
    let (ended, given) = tokio::join!(coordinator.run(), test(hand));
    (ended.map(drop), given)
}

pub fn nothing(_: &mut Checkpoints, _: &mut Unresumable) {}
