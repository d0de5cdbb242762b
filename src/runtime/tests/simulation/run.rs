//! One run of a simulation: a random job, started, killed, stopped and started again, until its data is read.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;

use super::check::{self, wrong, wrong_rows};
use super::composed::{self, Composed};
use super::dice::Dice;
use super::query::{QUERIES, Query, Tables, plans};
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
    wanted: Wanted,
    plan: StreamPlan,
    pub parallelism: u64,
    resumes: bool,
    store: Store,
    savepoints: Savepoints,
    /// Where the next start begins.
    from: StartFrom,
}

/// What should stand in the tables in the end.
#[derive(Clone)]
enum Wanted {
    /// What is computed in another way.
    Computed(&'static Query),
    /// What an undisturbed run leaves; by table, once it has run.
    Undisturbed(Arc<Composed>, BTreeMap<String, Vec<String>>),
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
    /// Every other one is of a query that is composed.
    fn of(seed: u64) -> Self {
        let mut dice = Dice::new(seed);
        if seed % 2 == 1 {
            return Self::composed(composed::of(seed), dice);
        }
        let query = dice.below(QUERIES.len() as u64) as usize;
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

    fn composed(composed: Arc<Composed>, mut dice: Dice) -> Self {
        let tables = tables(&mut dice, (0, 40));
        let (parallelism, buffers) = (dice.between(1, 3), dice.per_mille(500));
        let services = [("one", dice.per_mille(600)), ("two", dice.per_mille(600))];
        let sinks: Vec<_> = composed.sinks.iter().map(|_| place(&mut dice)).collect();
        let world = Arc::new(World::new(dice, &services));
        *world.tables.lock().unwrap() = tables;
        world.note(format!("{}\n  parallelism {parallelism}, {services:?}, {sinks:?}", composed.sql));
        let plan = with_doors(&world, composed.plan.clone(), sinks, true, buffers);
        let wanted = Wanted::Undisturbed(composed, BTreeMap::new());
        Self { parallelism, wanted, ..Self::of_plan(world, plan) }
    }

    /// What an undisturbed run of the same leaves in each table.
    async fn undisturbed(&self, composed: &Composed) -> BTreeMap<String, Vec<String>> {
        let world = Arc::new(World::new(Dice::new(0), &[("one", true)]));
        *world.tables.lock().unwrap() = self.world.tables.lock().unwrap().clone();
        let sinks = vec![Some("one"); composed.sinks.len()];
        let run = Self::of_plan(world.clone(), with_doors(&world, composed.plan.clone(), sinks, true, false));
        let ended = run.start(Trouble::default(), Asked::default()).await;
        assert!(matches!(ended, Ok(End::Finished)), "undisturbed it ended with {ended:?}");
        let told = run.told();
        let left = composed.sinks.iter().map(|(table, kind)| {
            let told: Vec<&str> = told.get(table).into_iter().flatten().map(String::as_str).collect();
            let left = check::left(*kind, &told).unwrap_or_else(|wrong| panic!("undisturbed in {table}: {wrong}"));
            (table.clone(), left)
        });
        left.collect()
    }

    /// A job of that shape; it keeps its checkpoints in memory if not in `store`.
    pub fn new(shape: Shape, mut dice: Dice, store: Option<Store>) -> Self {
        let tables = tables(&mut dice, shape.rows);
        let Shape { query, parallelism, resumes, services, ref sinks, buffers, .. } = shape;
        let world = Arc::new(World::new(dice, &services));
        *world.tables.lock().unwrap() = tables;
        let store = store.unwrap_or_else(|| Store::of(Arc::new(SimulatedStore(world.clone()))));
        world.note(format!("{}\n  {shape:?}", QUERIES[query].sql));
        let plan = with_doors(&world, plans()[query].clone(), sinks.clone(), resumes, buffers);
        let wanted = Wanted::Computed(&QUERIES[query]);
        Self { wanted, parallelism, resumes, store, ..Self::of_plan(world, plan) }
    }

    /// A job of another plan, which ends.
    pub fn of_plan(world: Arc<World>, plan: StreamPlan) -> Self {
        let store = Store::of(Arc::new(SimulatedStore(world.clone())));
        let (savepoints, from) = (Savepoints::default(), StartFrom::Newest);
        let wanted = Wanted::Computed(&QUERIES[0]);
        Self { world, wanted, plan, parallelism: 1, resumes: true, store, savepoints, from }
    }

    /// The same job, which keeps its checkpoints elsewhere.
    pub fn beside(&self, store: Store) -> Self {
        let (wanted, parallelism, resumes) = (self.wanted.clone(), self.parallelism, self.resumes);
        Self { wanted, parallelism, resumes, store, ..Self::of_plan(self.world.clone(), self.plan.clone()) }
    }

    /// Runs it while another job runs, to its end.
    pub async fn start_beside(&self) -> Result<JobEnd> {
        start(self.plan.clone(), self.config(&Trouble::default())).wait().await
    }

    /// Starts again and again; what is wrong in the end.
    async fn go(&mut self) -> Option<String> {
        if let Wanted::Undisturbed(composed, _) = self.wanted.clone() {
            let left = self.undisturbed(&composed).await;
            self.wanted = Wanted::Undisturbed(composed, left);
        }
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
        let Wanted::Computed(query) = self.wanted else { return };
        if self.resumes && !query.has_time && dice.per_mille(100) {
            let table = if query.reads_upserts { "u" } else { "a" };
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

    /// What was told to each table.
    fn told(&self) -> BTreeMap<String, Vec<String>> {
        let mut told: BTreeMap<String, Vec<String>> = BTreeMap::new();
        let of_services = self.world.services.values().flat_map(|service| service.rows());
        for line in of_services.chain(self.world.plain.lock().unwrap().iter().cloned()) {
            let (table, row) = line.split_once('|').expect("a table and a row");
            told.entry(table.to_string()).or_default().push(row.to_string());
        }
        told
    }

    /// What is wrong with what stands in the tables.
    pub fn check(&self) -> Option<String> {
        let (tables, told) = (self.world.tables.lock().unwrap(), self.told());
        let sinks = self.plan.nodes.iter().filter_map(|node| match &node.kind {
            NodeKind::Sink(sink) => Some(sink),
            _ => None,
        });
        for sink in sinks {
            let table = sink.table.rsplit('.').next().unwrap();
            let rows: Vec<&str> = told.get(table).into_iter().flatten().map(String::as_str).collect();
            let wrong = match &self.wanted {
                Wanted::Computed(query) => {
                    let expected = query.sinks.iter().find(|(name, _)| *name == table).expect("a table").1;
                    wrong(expected, &rows, &tables, sink.exactly_once)
                }
                Wanted::Undisturbed(composed, left) => {
                    let kind = composed.sinks.iter().find(|(name, _)| *name == table).expect("a table").1;
                    wrong_rows(kind, &left[table], &rows, sink.exactly_once)
                }
            };
            if let Some(wrong) = wrong {
                return Some(format!("in {table}: {wrong}"));
            }
        }
        None
    }
}

/// Where a sink leads.
fn place(dice: &mut Dice) -> Option<&'static str> {
    match dice.below(10) {
        0 => None,
        1..=6 => Some("one"),
        _ => Some("two"),
    }
}

/// A plan whose sources and sinks are in a world.
fn with_doors(
    world: &Arc<World>,
    mut plan: StreamPlan,
    sinks: Vec<Option<&'static str>>,
    resumes: bool,
    buffers: bool,
) -> StreamPlan {
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
    plan
}

/// So many milliseconds, or for ever.
async fn sleep_for(ms: Option<u64>) {
    match ms {
        Some(ms) => sleep_ms(ms).await,
        None => std::future::pending().await,
    }
}

/// The rows of all tables, so many in each split.
fn tables(dice: &mut Dice, (least, most): (u64, u64)) -> Tables {
    let table = |table: &str| {
        let splits = dice.between(1, 3);
        let all = (0..splits).map(|split| rows(dice, table, split, (least, most))).collect();
        (table.to_string(), all)
    };
    ["a", "b", "u"].into_iter().map(table).collect()
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
