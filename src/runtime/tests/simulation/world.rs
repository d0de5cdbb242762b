//! What is outside a simulated job and outlives it: rows to read, the store, targets, plain tables; and what goes wrong.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use object_store::memory::InMemory;
use tokio::sync::Notify;

use super::dice::Dice;
use super::service::Service;
use super::time::sleep_ms;
use crate::changelog::RowKind;
use crate::error::{Error, Result};

/// Errors that a simulation makes begin with this.
pub const INJECTED: &str = "injected";

/// A row of a table: `k STRING, v BIGINT, ts TIMESTAMP(3)`.
#[derive(Debug, Clone)]
pub struct Row {
    pub kind: RowKind,
    pub k: String,
    pub v: Option<i64>,
    pub ts: i64,
}

/// What goes wrong in a start of a job.
#[derive(Debug, Clone, Copy, Default)]
pub struct Trouble {
    /// So many of a thousand steps fail.
    pub fails: u64,
    /// The process dies at this step from now.
    pub dies_at: Option<u64>,
    /// Only steps of the store and of targets count for that.
    pub dies_in_protocol: bool,
    /// What is written to the store when the process dies is there in part.
    pub tears: bool,
}

/// Who takes a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    Source,
    Sink,
    Store,
    Target,
}

#[derive(Debug)]
pub struct World {
    dice: Mutex<Dice>,
    trouble: Mutex<Trouble>,
    /// The process has died.
    pub died: Notify,
    pub objects: Arc<InMemory>,
    /// The splits of every table.
    pub tables: Mutex<BTreeMap<String, Vec<Vec<Row>>>>,
    pub services: BTreeMap<String, Arc<Service>>,
    /// What came to tables that are written at least once, as `table|+I a, 1`.
    pub plain: Mutex<Vec<String>>,
    log: Mutex<Vec<String>>,
}

impl World {
    pub fn new(dice: Dice, services: &[(&str, bool)]) -> Self {
        let services = services.iter().map(|(name, atomic)| (name.to_string(), Arc::new(Service::new(*atomic))));
        Self {
            dice: Mutex::new(dice),
            trouble: Mutex::default(),
            died: Notify::new(),
            objects: Arc::new(InMemory::new()),
            tables: Mutex::default(),
            services: services.collect(),
            plain: Mutex::default(),
            log: Mutex::default(),
        }
    }

    pub fn dice(&self) -> MutexGuard<'_, Dice> {
        self.dice.lock().unwrap()
    }

    pub fn note(&self, line: impl Into<String>) {
        self.log.lock().unwrap().push(line.into());
    }

    pub fn log(&self) -> Vec<String> {
        self.log.lock().unwrap().clone()
    }

    pub fn set_trouble(&self, trouble: Trouble) {
        *self.trouble.lock().unwrap() = trouble;
    }

    pub fn tears(&self) -> bool {
        self.trouble.lock().unwrap().tears
    }

    /// True where an answer is lost on its way.
    pub fn loses(&self) -> bool {
        let fails = self.trouble.lock().unwrap().fails;
        self.dice().per_mille(if fails > 0 { 50 } else { 0 })
    }

    /// Takes a while, fails, or is the last thing that the process does.
    pub async fn step(&self, place: Place, what: &str) -> Result<()> {
        let (turns, ms) = {
            let mut dice = self.dice();
            let turns = if dice.per_mille(300) { dice.between(1, 4) } else { 0 };
            let slow = if place == Place::Source { 250 } else { 100 };
            (turns, if dice.per_mille(slow) { dice.between(1, 8) } else { 0 })
        };
        for _ in 0..turns {
            tokio::task::yield_now().await;
        }
        if ms > 0 {
            sleep_ms(ms).await;
        }
        if self.dies(place) {
            self.die(what).await;
        }
        let fails = self.trouble.lock().unwrap().fails;
        if self.dice().per_mille(fails) {
            self.note(format!("fails: {what}"));
            return Err(Error::external(format!("{INJECTED}: {what}")));
        }
        Ok(())
    }

    /// Counts a step; true where it is the one at which the process dies.
    pub fn dies(&self, place: Place) -> bool {
        let mut trouble = self.trouble.lock().unwrap();
        let counts = !trouble.dies_in_protocol || matches!(place, Place::Store | Place::Target);
        match &mut trouble.dies_at {
            Some(0) => true,
            Some(steps) if counts => {
                *steps -= 1;
                *steps == 0
            }
            _ => false,
        }
    }

    /// Never returns: nothing happens any more in a process that is dead.
    pub async fn die(&self, what: &str) {
        self.note(format!("dies: {what}"));
        self.died.notify_one();
        std::future::pending::<()>().await;
    }
}
