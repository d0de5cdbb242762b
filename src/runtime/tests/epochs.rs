//! The coordinator of epochs by hand: the test plays tasks, sources and the target, on simulated time.

use std::any::Any;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::{Notify, mpsc, oneshot, watch};

use super::simulation::time::{self, simulated};
use super::simulation::{Dice, SimulatedStore, Trouble, World};
use crate::changelog::Epoch;
use crate::checkpoint::{CheckpointKind, JobFolder, SourceState, Store, simulate_folders};
use crate::connectors::{Committer, EpochMode, EpochRoom, Marker, Reporter, Staged, StagedPart};
use crate::error::{Error, ErrorKind, Result};
use crate::runtime::Checkpoints;
use crate::runtime::coordinator::{
    Coordinator, SavepointRequest, SavepointTime, SourceCommand, TaskId, TaskReport, Unresumable,
};
use crate::runtime::job::Signal;
use crate::runtime::staging::TaskSnapshot;
use crate::runtime::start::Started;
use crate::runtime::targets::{OpenTarget, TargetSink};

const INTERVAL: Duration = Duration::from_millis(100);

/// Writes down what it is told.
#[derive(Default)]
struct Told {
    lines: Mutex<Vec<String>>,
    /// Whether publishing waits until it may go on.
    waits: AtomicBool,
    goes_on: Notify,
    fails: AtomicBool,
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
struct Hand {
    target: Arc<Told>,
    commands: mpsc::Receiver<SourceCommand>,
    reports: mpsc::UnboundedSender<TaskReport>,
    savepoints: mpsc::Sender<SavepointRequest>,
    room: Arc<EpochRoom>,
    folder: Arc<JobFolder>,
    told: Arc<Mutex<Vec<String>>>,
}

impl Hand {
    /// The next barrier, with the moment at which it is sent.
    async fn barrier(&mut self) -> Epoch {
        loop {
            match self.commands.recv().await.expect("the coordinator runs") {
                SourceCommand::Barrier(epoch) => return epoch,
                SourceCommand::Complete(_) => {}
            }
        }
    }

    async fn complete(&mut self) -> Epoch {
        loop {
            match self.commands.recv().await.expect("the coordinator runs") {
                SourceCommand::Complete(epoch) => return epoch,
                SourceCommand::Barrier(_) => {}
            }
        }
    }

    /// A task has let a barrier pass; the number of rows says which part it was.
    fn passed(&self, epoch: u64, task: TaskId, rows: u64) {
        self.reports.send(TaskReport::Passed(Epoch(epoch), task, known(task, rows))).unwrap();
    }

    fn ended(&self, task: TaskId, rows: u64) {
        self.reports.send(TaskReport::Ended(task, Some(known(task, rows)))).unwrap();
    }

    fn lines(&self) -> Vec<String> {
        std::mem::take(&mut self.target.lines.lock().unwrap())
    }

    /// The coordinator knows all that was asked of it.
    async fn taken(&self) {
        while self.savepoints.capacity() < self.savepoints.max_capacity() {
            tokio::task::yield_now().await;
        }
    }

    async fn published(&self, line: &str) {
        while !self.target.lines.lock().unwrap().iter().any(|told| told == line) {
            time::sleep_ms(1).await;
        }
    }

    /// The checkpoints there are, oldest first: `2 final of 0 1`, with the tasks that it knows.
    async fn checkpoints(&self) -> Vec<String> {
        let found = self.folder.checkpoints().await.unwrap().into_iter().rev();
        let line = |manifest: crate::checkpoint::Manifest| {
            let tables = manifest.sources.iter().map(|source| source.table.clone());
            let tasks: Vec<String> = tables.collect();
            format!("{} {} of {}", manifest.epoch.0, manifest.kind.name(), tasks.join(" "))
        };
        found.map(|found| line(found.manifest.unwrap())).collect()
    }
}

fn known(task: TaskId, rows: u64) -> TaskSnapshot {
    let source = SourceState { identity: task.to_string(), table: task.to_string(), splits: Vec::new() };
    let staged = Staged { rows, payload: vec![1].into() };
    let parts = vec![StagedPart { sink: 0, subtask: task, staged }];
    TaskSnapshot { operators: Vec::new(), source: Some(source), parts }
}

/// Runs a coordinator of so many tasks and the test beside it; how the coordinator ended, and what the test gives.
fn coordinate<T>(
    tasks: usize,
    store: Store,
    change: impl FnOnce(&mut Checkpoints, &mut Unresumable),
    test: impl AsyncFnOnce(Hand) -> T,
) -> (Result<()>, T) {
    simulated(coordinated(tasks, store, change, test))
}

async fn coordinated<T>(
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

fn nothing(_: &mut Checkpoints, _: &mut Unresumable) {}

#[test]
fn an_epoch_is_begun_before_its_first_row_and_published_once_all_have_passed() {
    let (ended, lines) = coordinate(2, Store::memory(), nothing, async |mut hand| {
        assert_eq!(hand.barrier().await, Epoch(1));
        let begun = hand.lines();
        hand.passed(1, 0, 10);
        time::sleep_ms(500).await;
        assert_eq!(hand.lines(), [""; 0], "one is missing");
        hand.passed(1, 1, 11);
        assert_eq!(hand.complete().await, Epoch(1));
        assert_eq!(hand.barrier().await, Epoch(2));
        [begun, hand.lines()].concat()
    });
    assert!(ended.is_ok(), "the tasks were dropped: somebody else says why");
    assert_eq!(lines, ["begin 2", "publish 1: 10 11", "begin 3"]);
}

#[test]
fn a_task_that_ends_before_its_barrier_leaves_its_rows_to_the_epoch_under_way() {
    let (ended, (lines, checkpoints)) = coordinate(2, Store::memory(), nothing, async |mut hand| {
        hand.barrier().await;
        hand.ended(1, 11);
        hand.passed(1, 0, 10);
        hand.barrier().await;
        hand.passed(2, 0, 20);
        hand.barrier().await;
        hand.ended(0, 30);
        hand.published("publish 3: 30").await;
        (hand.lines(), hand.checkpoints().await)
    });
    ended.unwrap();
    let published: Vec<&String> = lines.iter().filter(|line| line.starts_with("publish")).collect();
    assert_eq!(published, ["publish 1: 10 11", "publish 2: 20", "publish 3: 30"]);
    assert_eq!(checkpoints, ["1 periodic of 0 1", "2 periodic of 0 1", "3 final of 0 1"]);
}

#[test]
fn a_task_that_ends_behind_its_barrier_leaves_its_rows_to_the_next_epoch() {
    let (ended, (lines, checkpoints)) = coordinate(2, Store::memory(), nothing, async |mut hand| {
        hand.barrier().await;
        hand.passed(1, 1, 11);
        hand.ended(1, 21);
        hand.passed(1, 0, 10);
        hand.barrier().await;
        hand.passed(2, 0, 20);
        hand.barrier().await;
        hand.passed(3, 0, 30);
        hand.ended(0, 40);
        hand.published("publish 4: 40").await;
        (hand.lines(), hand.checkpoints().await)
    });
    ended.unwrap();
    let published: Vec<&String> = lines.iter().filter(|line| line.starts_with("publish")).collect();
    assert_eq!(published, ["publish 1: 10 11", "publish 2: 20 21", "publish 3: 30", "publish 4: 40"]);
    assert_eq!(checkpoints.last().unwrap(), "4 final of 0 1");
}

#[test]
fn tasks_that_end_in_the_middle_of_an_epoch_make_it_the_last() {
    for passes in [false, true] {
        let (ended, lines) = coordinate(2, Store::memory(), nothing, async |mut hand| {
            hand.barrier().await;
            if passes {
                hand.passed(1, 1, 11);
            }
            hand.ended(0, 10);
            hand.ended(1, 21);
            hand.published(if passes { "publish 2: 21" } else { "publish 1: 10 21" }).await;
            [hand.lines(), hand.checkpoints().await].concat()
        });
        ended.unwrap();
        let expected: &[&str] = match passes {
            true => &["begin 2", "publish 1: 10 11", "publish 2: 21", "1 periodic of 0 1", "2 final of 0 1"],
            false => &["begin 2", "publish 1: 10 21", "1 final of 0 1"],
        };
        assert_eq!(lines, expected);
    }
}

#[test]
fn tasks_that_end_while_an_epoch_is_published_have_one_more() {
    let (ended, lines) = coordinate(2, Store::memory(), nothing, async |mut hand| {
        hand.barrier().await;
        hand.target.waits.store(true, Ordering::SeqCst);
        hand.passed(1, 0, 10);
        hand.passed(1, 1, 11);
        hand.published("publish 1: 10 11").await;
        hand.ended(0, 20);
        hand.ended(1, 21);
        time::sleep_ms(500).await;
        assert_eq!(hand.checkpoints().await, ["1 periodic of 0 1"]);
        hand.target.waits.store(false, Ordering::SeqCst);
        hand.target.goes_on.notify_one();
        hand.published("publish 2: 20 21").await;
        hand.checkpoints().await
    });
    ended.unwrap();
    assert_eq!(lines, ["1 periodic of 0 1", "2 final of 0 1"]);
}

#[test]
fn there_is_no_epoch_while_a_source_is_read_that_cannot_resume() {
    let unresumable = |_: &mut Checkpoints, tasks: &mut Unresumable| _ = tasks.insert(1, "scores".into());
    let (ended, lines) = coordinate(2, Store::memory(), unresumable, async |mut hand| {
        hand.room.ask();
        time::sleep_ms(5_000).await;
        assert!(hand.commands.try_recv().is_err(), "no barrier comes before its end");
        hand.ended(1, 11);
        assert_eq!(hand.barrier().await, Epoch(1));
        hand.passed(1, 0, 10);
        hand.complete().await;
        hand.lines()
    });
    assert!(ended.is_ok());
    assert_eq!(lines, ["begin 2", "publish 1: 10 11"]);
    let (ended, lines) = coordinate(2, Store::memory(), unresumable, async |hand| {
        hand.ended(0, 10);
        hand.reports.send(TaskReport::Ended(1, None)).unwrap();
        time::sleep_ms(500).await;
        let told = hand.told.lock().unwrap().clone();
        [told, hand.lines(), hand.checkpoints().await].concat()
    });
    ended.unwrap();
    let told = "job \"job\" was stopped before \"scores\" was read to its end: nothing is published exactly once, and the \
                next start reads it anew";
    assert_eq!(lines, [told], "stopped in its middle it leaves nothing");
}

#[test]
fn a_writer_that_holds_much_ends_the_epoch_early_and_a_pause_is_kept() {
    let pause = |options: &mut Checkpoints, _: &mut Unresumable| options.min_pause = 3 * INTERVAL;
    let (_, times) = coordinate(1, Store::memory(), pause, async |mut hand| {
        let clock = || time::now().unwrap();
        let start = clock();
        time::sleep_ms(10).await;
        hand.room.ask();
        hand.barrier().await;
        let first = clock() - start;
        hand.passed(1, 0, 10);
        hand.barrier().await;
        [first, clock() - start]
    });
    assert_eq!(times, [Duration::from_millis(10), Duration::from_millis(310)]);
}

#[test]
fn a_checkpoint_that_takes_too_long_fails_the_job() {
    let timeout = |options: &mut Checkpoints, _: &mut Unresumable| options.timeout = 5 * INTERVAL;
    let (ended, _) = coordinate(2, Store::memory(), timeout, async |mut hand| {
        hand.barrier().await;
        hand.passed(1, 0, 10);
        time::sleep_ms(450).await;
        hand.passed(1, 1, 11);
        assert_eq!(hand.barrier().await, Epoch(2), "in time");
        hand.passed(2, 0, 20);
        while hand.commands.recv().await.is_some() {}
    });
    let error = ended.unwrap_err();
    let late = "checkpoint 2 was not complete within 500ms: rows from before it are still on their way";
    assert_eq!((error.kind(), error.message()), (ErrorKind::External, late));
}

#[test]
fn a_checkpoint_that_is_late_goes_on_as_often_as_is_tolerated() {
    let on_their_way = "checkpoint 1 was not complete within 500ms: rows from before it are still on their way";
    let published = "checkpoint 1 was not complete within 500ms: its rows are being published";
    for tolerated in [1, 2] {
        let tolerate = |options: &mut Checkpoints, _: &mut Unresumable| {
            (options.timeout, options.tolerable_failures) = (5 * INTERVAL, tolerated);
        };
        let (ended, (told, lines)) = coordinate(1, Store::memory(), tolerate, async |mut hand| {
            hand.barrier().await;
            time::sleep_ms(750).await;
            hand.target.waits.store(true, Ordering::SeqCst);
            hand.passed(1, 0, 10);
            hand.published("publish 1: 10").await;
            time::sleep_ms(500).await;
            hand.target.waits.store(false, Ordering::SeqCst);
            hand.target.goes_on.notify_one();
            if tolerated > 1 {
                assert_eq!(hand.complete().await, Epoch(1));
                // One that is complete makes up for those before it.
                hand.barrier().await;
                time::sleep_ms(1_250).await;
                hand.passed(2, 0, 20);
                assert_eq!(hand.complete().await, Epoch(2));
            }
            let told = hand.told.lock().unwrap().clone();
            (told, hand.checkpoints().await)
        });
        match tolerated {
            1 => {
                assert_eq!(told, [format!("job \"job\": {on_their_way}; going on with it")]);
                assert_eq!(ended.unwrap_err().message(), published);
                assert_eq!(lines, ["1 periodic of 0"], "a start finds what is to be published");
            }
            _ => {
                let going_on = [on_their_way, published].map(|late| format!("job \"job\": {late}; going on with it"));
                assert_eq!(told[..2], going_on);
                assert_eq!(told.len(), 4, "{told:?}");
                ended.unwrap();
                assert_eq!(lines, ["1 periodic of 0", "2 periodic of 0"]);
            }
        }
    }
}

#[test]
fn what_cannot_be_published_ends_the_attempt() {
    let (ended, lines) = coordinate(1, Store::memory(), nothing, async |mut hand| {
        hand.barrier().await;
        hand.target.fails.store(true, Ordering::SeqCst);
        hand.passed(1, 0, 10);
        while hand.commands.recv().await.is_some() {}
        hand.checkpoints().await
    });
    assert_eq!(ended.unwrap_err().message(), "the connection is gone");
    assert_eq!(lines, ["1 periodic of 0"], "a start finds what is to be published");
}

#[test]
fn a_checkpoint_that_cannot_be_written_is_tried_again_as_often_as_is_tolerated() {
    for tolerated in [1, 2] {
        let world = Arc::new(World::new(Dice::new(1), &[]));
        let store = Store::of(Arc::new(SimulatedStore(world.clone())));
        let tolerate = |options: &mut Checkpoints, _: &mut Unresumable| options.tolerable_failures = tolerated;
        let (ended, told) = coordinate(1, store, tolerate, async |mut hand| {
            hand.barrier().await;
            world.set_trouble(Trouble { fails: 1_000, ..Trouble::default() });
            hand.passed(1, 0, 10);
            while hand.told.lock().unwrap().len() < 2 && !hand.commands.is_closed() {
                time::sleep_ms(1).await;
            }
            world.set_trouble(Trouble::default());
            while !matches!(hand.commands.recv().await, None | Some(SourceCommand::Complete(_))) {}
            hand.told.lock().unwrap().clone()
        });
        assert_eq!(told.len(), tolerated as usize, "{told:?}");
        assert!(
            told[0].starts_with("job \"job\": checkpoint 1 can't be written: cannot write \"job/data/1-1-0\""),
            "{told:?}"
        );
        match tolerated {
            1 => {
                let error = ended.unwrap_err();
                assert_eq!(error.kind(), ErrorKind::External);
                assert!(error.message().starts_with("checkpoint 1 can't be written: cannot write"), "{error}");
            }
            _ => ended.unwrap(),
        }
    }
}

/// Asks for a savepoint.
async fn savepoint(hand: &Hand, folder: &std::path::Path) -> oneshot::Receiver<Result<std::path::PathBuf>> {
    let (reply, answer) = oneshot::channel();
    let request = SavepointRequest { folder: folder.to_path_buf(), when: SavepointTime::NextBarrier, reply };
    hand.savepoints.send(request).await.expect("the coordinator runs");
    answer
}

async fn kind_of(path: &std::path::Path) -> String {
    let bytes = std::fs::read(path.join("_metadata")).expect("a savepoint");
    let manifest = crate::checkpoint::Manifest::decode(&bytes).expect("a manifest");
    assert_eq!(manifest.kind, CheckpointKind::Savepoint);
    assert!(manifest.targets.is_empty(), "what its epoch left is published");
    manifest.epoch.0.to_string()
}

#[test]
fn a_savepoint_that_hangs_is_given_up_and_the_job_goes_on() {
    let timeout = |options: &mut Checkpoints, _: &mut Unresumable| options.timeout = 5 * INTERVAL;
    let world = Arc::new(World::new(Dice::new(1), &[]));
    // A process that is dead does no step any more.
    world.set_trouble(Trouble { dies_at: Some(0), ..Trouble::default() });
    simulate_folders(Some(Box::new(move |_| Some(Store::of(Arc::new(SimulatedStore(world.clone())))))));
    let (ended, said) = coordinate(1, Store::memory(), timeout, async |mut hand| {
        let answer = savepoint(&hand, std::path::Path::new("/backup")).await;
        hand.barrier().await;
        hand.passed(1, 0, 10);
        let error = answer.await.unwrap().unwrap_err();
        assert_eq!(hand.barrier().await, Epoch(2));
        hand.passed(2, 0, 20);
        assert_eq!(hand.complete().await, Epoch(2));
        error.message().to_string()
    });
    simulate_folders(None);
    ended.unwrap();
    assert_eq!(said, "writing the savepoint took longer than 500ms");
}

#[tokio::test]
async fn a_savepoint_is_refused_while_a_source_is_read_that_cannot_resume() {
    let folder = tempfile::tempdir().unwrap();
    let unresumable = |_: &mut Checkpoints, tasks: &mut Unresumable| _ = tasks.insert(1, "scores".into());
    let (_, errors) = coordinated(2, Store::memory(), unresumable, async |mut hand| {
        let mut errors = Vec::new();
        for when in [SavepointTime::NextBarrier, SavepointTime::End { drain: false }] {
            let (reply, answer) = oneshot::channel();
            let request = SavepointRequest { folder: folder.path().to_path_buf(), when, reply };
            hand.savepoints.send(request).await.expect("the coordinator runs");
            errors.push(answer.await.expect("an answer").unwrap_err().message().to_string());
        }
        // The job goes on, and has one afterwards.
        hand.ended(1, 11);
        let answer = savepoint(&hand, folder.path()).await;
        assert_eq!(hand.barrier().await, Epoch(1));
        hand.passed(1, 0, 10);
        answer.await.unwrap().unwrap();
        errors
    })
    .await;
    assert_eq!(errors, ["there is no savepoint of job \"job\" before \"scores\" has been read to its end"; 2]);
}

#[tokio::test]
async fn what_cannot_be_noted_is_told() {
    // Where the note is written first there is a folder.
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(folder.path().join("job/chk-1/published.part/x")).unwrap();
    let store = Store::folder(folder.path()).unwrap();
    let (ended, told) = coordinated(1, store, nothing, async |hand| {
        hand.ended(0, 10);
        hand.published("publish 1: 10").await;
        let told = hand.told.clone();
        drop(hand);
        told
    })
    .await;
    ended.unwrap();
    let told = told.lock().unwrap().clone();
    assert!(told[0].starts_with("it can't be noted that checkpoint 1 is published: cannot write \""), "{told:?}");
}

/// On the time of the machine, for savepoints go to its disk.
#[tokio::test]
async fn a_savepoint_is_of_the_epoch_that_ends_next_whenever_it_is_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let long = |options: &mut Checkpoints, _: &mut Unresumable| options.interval = Duration::from_secs(3_600);
    let (ended, epochs) = coordinated(1, Store::memory(), long, async |mut hand| {
        let mut epochs = Vec::new();
        // Between two epochs it makes one end.
        let answer = savepoint(&hand, folder.path()).await;
        assert_eq!(hand.barrier().await, Epoch(1));
        hand.passed(1, 0, 10);
        epochs.push(kind_of(&answer.await.unwrap().unwrap()).await);
        // While one is under way.
        hand.room.ask();
        assert_eq!(hand.barrier().await, Epoch(2));
        let answer = savepoint(&hand, folder.path()).await;
        hand.taken().await;
        hand.passed(2, 0, 20);
        epochs.push(kind_of(&answer.await.unwrap().unwrap()).await);
        // While one is published: it is of the next.
        assert_eq!(hand.barrier().await, Epoch(3));
        hand.target.waits.store(true, Ordering::SeqCst);
        hand.passed(3, 0, 30);
        while !hand.target.lines.lock().unwrap().iter().any(|line| line == "publish 3: 30") {
            tokio::task::yield_now().await;
        }
        let answer = savepoint(&hand, folder.path()).await;
        hand.target.waits.store(false, Ordering::SeqCst);
        hand.target.goes_on.notify_one();
        assert_eq!(hand.barrier().await, Epoch(4));
        // Its folder can't be used: the job goes on.
        std::fs::write(folder.path().join("file"), "").unwrap();
        let refused = savepoint(&hand, &folder.path().join("file")).await;
        hand.taken().await;
        hand.passed(4, 0, 40);
        epochs.push(kind_of(&answer.await.unwrap().unwrap()).await);
        let error = refused.await.unwrap().unwrap_err();
        assert!(error.message().starts_with("cannot use \""), "{error}");
        // With the end of the job.
        let answer = savepoint(&hand, folder.path()).await;
        hand.ended(0, 50);
        epochs.push(kind_of(&answer.await.unwrap().unwrap()).await);
        epochs
    })
    .await;
    ended.unwrap();
    assert_eq!(epochs, ["1", "2", "4", "5"]);
}
