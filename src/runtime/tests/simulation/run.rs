//! One run of a simulation: a random job, started, killed, stopped and started again, until its data is read.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;

use super::check::wrong;
use super::dice::Dice;
use super::query::{Expected, QUERIES, Query, Tables, plans};
use super::savepoints::{self, Savepoints};
use super::sink::SimulatedSink;
use super::source::SimulatedSource;
use super::store::{self, SimulatedStore};
use super::target::SimulatedTarget;
use super::time::{self, SimulatedClock, sleep_ms};
use super::world::{INJECTED, Row, Trouble, World};
use crate::changelog::RowKind;
use crate::checkpoint::Store;
use crate::connectors::Reporter;
use crate::error::{Error, Result};
use crate::plan::stream_plan::{NodeKind, StreamPlan};
use crate::runtime::tests::harness::config;
use crate::runtime::{Checkpoints, JobConfig, JobEnd, RestartStrategy, StartFrom, start};

/// What errors of checkpoints say that take too long.
const LATE: &str = "was not complete within";

/// A job of a run.
pub struct Run {
    pub world: Arc<World>,
    query: &'static Query,
    plan: StreamPlan,
    pub parallelism: u64,
    resumes: bool,
    store: Store,
    savepoints: Savepoints,
    /// Where the next start begins.
    from: StartFrom,
}

/// How a start is ended or disturbed from outside.
#[derive(Debug, Clone, Copy, Default)]
pub struct Asked {
    /// To stop, after so many milliseconds; with a savepoint.
    stops_after: Option<u64>,
    with_savepoint: bool,
    /// For a savepoint, while it goes on.
    saves_after: Option<u64>,
}

/// What a job is like.
#[derive(Debug)]
pub struct Shape {
    /// The number of its query.
    pub query: usize,
    pub parallelism: u64,
    pub resumes: bool,
    /// The services there are, and which of them take an epoch in one act.
    pub services: [(&'static str, bool); 2],
    /// Where each sink leads; `None`: it writes at least once.
    pub sinks: Vec<Option<&'static str>>,
    /// In the mode Rollback rows wait in the writer.
    pub buffers: bool,
    /// Rows of a split at least and at most.
    pub rows: (u64, u64),
}

/// How a start of the job ended.
#[derive(Debug, PartialEq, Eq)]
pub enum End {
    Died,
    Failed,
    Stopped,
    Finished,
}

/// Runs what follows from a seed; says what happened, and what is wrong with what is left.
pub fn run(seed: u64) -> (Vec<String>, Option<String>) {
    let mut world = None;
    let ended = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        time::simulated(async {
            let mut run = Run::of(seed);
            world = Some(run.world.clone());
            store::set_world(world.clone());
            run.go().await
        })
    }));
    store::set_world(None);
    let wrong = match ended {
        Ok(wrong) => wrong,
        Err(panic) => {
            let text = panic.downcast_ref::<String>().cloned();
            Some(text.or_else(|| panic.downcast_ref::<&str>().map(|text| text.to_string())).unwrap_or_default())
        }
    };
    let log = world.map(|world| world.log()).unwrap_or_default();
    // A task that panics may be followed by another attempt.
    let panicked = log.iter().find(|line| line.contains("panicked")).cloned();
    (log, wrong.or(panicked))
}

impl Run {
    fn of(seed: u64) -> Self {
        let mut dice = Dice::new(seed);
        let query = dice.below(QUERIES.len() as u64) as usize;
        let place = |dice: &mut Dice| match dice.below(10) {
            0 => None,
            1..=6 => Some("one"),
            _ => Some("two"),
        };
        let shape = Shape {
            query,
            parallelism: dice.between(1, 3),
            resumes: !dice.per_mille(80),
            services: [("one", dice.per_mille(600)), ("two", dice.per_mille(600))],
            sinks: QUERIES[query].sinks.iter().map(|_| place(&mut dice)).collect(),
            buffers: dice.per_mille(500),
            rows: (0, 40),
        };
        Self::new(shape, dice, None)
    }

    /// A job of that shape; it keeps its checkpoints in memory if not in `store`.
    pub fn new(shape: Shape, mut dice: Dice, store: Option<Store>) -> Self {
        let mut tables = Tables::new();
        for table in ["a", "b", "u"] {
            let splits = dice.between(1, 3);
            let all = (0..splits).map(|split| rows(&mut dice, table, split, shape.rows)).collect();
            tables.insert(table.to_string(), all);
        }
        let Shape { query, parallelism, resumes, services, ref sinks, buffers, .. } = shape;
        let world = Arc::new(World::new(dice, &services));
        *world.tables.lock().unwrap() = tables;
        let store = store.unwrap_or_else(|| Store::of(Arc::new(SimulatedStore(world.clone()))));
        world.note(format!("{}\n  {shape:?}", QUERIES[query].sql));
        let (query, plan, sinks) = (&QUERIES[query], plans()[query].clone(), sinks.clone());
        let mut plan = plan;
        let mut sinks = sinks.into_iter();
        for node in &mut plan.nodes {
            match &mut node.kind {
                NodeKind::Source(source) => {
                    source.source = Arc::new(SimulatedSource {
                        world: world.clone(),
                        table: source.table.rsplit('.').next().unwrap().to_string(),
                        schema: source.scan_schema.clone(),
                        changes: source.source.changes(),
                        resumes,
                    });
                }
                NodeKind::Sink(sink) => {
                    let target = sinks.next().expect("a place for every sink");
                    sink.exactly_once = target.is_some();
                    let name = target.map(str::to_string);
                    sink.sink = Arc::new(SimulatedSink {
                        world: world.clone(),
                        table: sink.table.rsplit('.').next().unwrap().to_string(),
                        target: name.map(|name| Arc::new(SimulatedTarget { world: world.clone(), name })),
                        support: sink.sink.changelog_support(),
                        buffers,
                    });
                }
                _ => {}
            }
        }
        Self {
            world,
            query,
            plan,
            parallelism,
            resumes,
            store,
            savepoints: Savepoints::default(),
            from: StartFrom::Newest,
        }
    }

    /// A job of another plan, which ends.
    pub fn of_plan(world: Arc<World>, plan: StreamPlan) -> Self {
        let store = Store::of(Arc::new(SimulatedStore(world.clone())));
        let (savepoints, from) = (Savepoints::default(), StartFrom::Newest);
        Self { world, query: &QUERIES[0], plan, parallelism: 1, resumes: true, store, savepoints, from }
    }

    /// Starts again and again; what is wrong in the end.
    async fn go(&mut self) -> Option<String> {
        let starts = self.world.dice().between(1, 6);
        for _ in 0..starts {
            self.change();
            self.from = self.savepoints.next(&self.world, true).await;
            let asked = self.asked();
            match self.start(self.trouble(), asked).await {
                Ok(End::Finished) if self.world.dice().per_mille(700) => break,
                Ok(_) => {}
                Err(error) => return Some(format!("it failed: {error} {:?}", error.detail())),
            }
        }
        self.from = self.savepoints.next(&self.world, false).await;
        match self.start(Trouble::default(), Asked::default()).await {
            Ok(End::Finished) => self.check(),
            other => Some(format!("undisturbed it ended with {other:?}")),
        }
    }

    fn asked(&self) -> Asked {
        let mut dice = self.world.dice();
        Asked {
            stops_after: dice.per_mille(300).then(|| dice.between(0, 150)),
            with_savepoint: dice.per_mille(500),
            saves_after: dice.per_mille(500).then(|| dice.between(0, 40)),
        }
    }

    /// What may be another thing between two starts.
    fn change(&mut self) {
        let world = self.world.clone();
        let mut dice = world.dice();
        if dice.per_mille(300) {
            self.parallelism = dice.between(1, 3);
            world.note(format!("parallelism {}", self.parallelism));
        }
        if self.resumes && !self.query.has_time && dice.per_mille(100) {
            let table = if self.query.reads_upserts { "u" } else { "a" };
            let mut tables = self.world.tables.lock().unwrap();
            let splits = tables.get_mut(table).expect("a table");
            let split = rows(&mut dice, table, splits.len() as u64, (0, 25));
            splits.push(split);
            self.world.note(format!("another split of {table}"));
        }
    }

    fn config(&self, trouble: &Trouble) -> JobConfig {
        let mut dice = self.world.dice();
        let interval = Duration::from_millis(if self.store.is_durable() { 3 } else { dice.between(3, 40) });
        let restart = match trouble.fails > 0 && dice.per_mille(600) {
            true => {
                RestartStrategy::FixedDelay { attempts: dice.between(1, 4) as u32, delay: Duration::from_millis(3) }
            }
            false => RestartStrategy::Never,
        };
        let timeout = match trouble.fails > 0 && dice.per_mille(300) {
            true => dice.between(1, 12),
            false => 600_000,
        };
        let checkpoints = Checkpoints {
            timeout: Duration::from_millis(timeout),
            min_pause: Duration::from_millis(dice.below(5)),
            tolerable_failures: dice.below(3) as u32,
            retained: dice.between(1, 3) as usize,
            from: self.from.clone(),
            ..Checkpoints::new(self.store.clone(), interval)
        };
        let world = self.world.clone();
        JobConfig {
            clock: Arc::new(SimulatedClock),
            checkpoints: Some(checkpoints),
            restart,
            reporter: Reporter::new(move |line| world.note(format!("  told: {line}"))),
            ..config(self.parallelism as usize)
        }
    }

    fn trouble(&self) -> Trouble {
        let atomic = self.world.services.values().all(|service| service.atomic);
        let mut dice = self.world.dice();
        let dies_in_protocol = dice.per_mille(500);
        let most = if dies_in_protocol { 45 } else { 130 };
        Trouble {
            fails: if dice.per_mille(400) { dice.between(2, 30) } else { 0 },
            dies_at: dice.per_mille(700).then(|| dice.between(1, most)),
            dies_in_protocol,
            tears: atomic && dice.per_mille(200),
        }
    }

    /// Starts the job and sees how it ends.
    pub async fn start(&self, trouble: Trouble, asked: Asked) -> Result<End> {
        self.world.note(format!("starts with {trouble:?}, {asked:?}"));
        self.world.set_trouble(trouble);
        // What was at work in the last process may have told of its death, too.
        let _told_before = self.world.died.notified().now_or_never();
        let mut job = start(self.plan.clone(), self.config(&trouble));
        let state = job.state();
        let mut stop = std::pin::pin!(async {
            sleep_for(asked.stops_after).await;
            if !asked.with_savepoint {
                state.stop();
                return None;
            }
            let written = state.stop_with_savepoint(savepoints::folder(), false).await.ok();
            // Where it could not be asked for it, and at its end it is no matter.
            state.stop();
            written
        });
        let mut save = std::pin::pin!(async {
            sleep_for(asked.saves_after).await;
            state.savepoint(savepoints::folder()).await.ok()
        });
        let (mut stopped, mut saved) = (false, false);
        let ended = loop {
            tokio::select! {
                biased;
                () = self.world.died.notified() => break Ok(End::Died),
                savepoint = &mut stop, if !stopped => {
                    stopped = true;
                    if let Some(path) = savepoint {
                        self.savepoints.keep(&self.world, path).await;
                    }
                }
                savepoint = &mut save, if !saved => {
                    saved = true;
                    if let Some(path) = savepoint {
                        self.savepoints.keep(&self.world, path).await;
                    }
                }
                ended = job.wait() => break match ended {
                    Ok(JobEnd::Finished) => Ok(End::Finished),
                    Ok(JobEnd::Stopped) if asked.stops_after.is_some() => Ok(End::Stopped),
                    Ok(JobEnd::Stopped) => Err(Error::internal("it stopped by itself")),
                    Err(error) if error.message().contains(INJECTED) => Ok(End::Failed),
                    Err(error) if trouble.fails > 0 && error.message().contains(LATE) => Ok(End::Failed),
                    Err(error) if error.detail().is_some_and(|detail| detail.contains(INJECTED)) => Ok(End::Failed),
                    Err(error) => Err(error),
                },
            }
        };
        self.world.note(format!("ended with {ended:?}"));
        drop(job);
        // What is at work in services goes on for a while, or not.
        let turns = self.world.dice().between(50, 100);
        for _ in 0..turns {
            tokio::task::yield_now().await;
        }
        if self.world.dice().per_mille(500) {
            sleep_ms(30).await;
        }
        ended
    }

    /// What is wrong with what stands in the tables.
    pub fn check(&self) -> Option<String> {
        let tables = self.world.tables.lock().unwrap();
        let mut told: BTreeMap<String, Vec<String>> = BTreeMap::new();
        let of_services = self.world.services.values().flat_map(|service| service.rows());
        for line in of_services.chain(self.world.plain.lock().unwrap().iter().cloned()) {
            let (table, row) = line.split_once('|').expect("a table and a row");
            told.entry(table.to_string()).or_default().push(row.to_string());
        }
        let sinks = self.plan.nodes.iter().filter_map(|node| match &node.kind {
            NodeKind::Sink(sink) => Some(sink),
            _ => None,
        });
        for sink in sinks {
            let table = sink.table.rsplit('.').next().unwrap();
            let expected: Expected = self.query.sinks.iter().find(|(name, _)| *name == table).expect("a table").1;
            let rows = told.get(table).cloned().unwrap_or_default();
            let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
            if let Some(wrong) = wrong(expected, &rows, &tables, sink.exactly_once) {
                return Some(format!("in {table}: {wrong}"));
            }
        }
        None
    }
}

/// So many milliseconds, or for ever.
async fn sleep_for(ms: Option<u64>) {
    match ms {
        Some(ms) => sleep_ms(ms).await,
        None => std::future::pending().await,
    }
}

/// Rows of a split: times that are less than 2 seconds out of order; a key of upserts has one split.
fn rows(dice: &mut Dice, table: &str, split: u64, (least, most): (u64, u64)) -> Vec<Row> {
    let (count, mut ts) = (dice.between(least, most), 0);
    let row = |_| {
        ts += dice.between(0, 2_000) as i64;
        let key = dice.below(5);
        match table {
            "u" => {
                let delete = dice.per_mille(200);
                let kind = if delete { RowKind::Delete } else { RowKind::UpdateAfter };
                Row { kind, k: format!("k{key}of{split}"), v: (!delete).then(|| dice.below(4) as i64), ts }
            }
            _ => {
                let late = dice.between(0, 1_990) as i64;
                Row {
                    kind: RowKind::Insert,
                    k: format!("k{key}"),
                    v: Some(dice.below(10) as i64),
                    ts: (ts - late).max(0),
                }
            }
        }
    };
    (0..count).map(row).collect()
}
