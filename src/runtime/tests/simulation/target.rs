//! A target of a simulation and its committer, which check that the runtime keeps to the order of calls.

use std::any::Any;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;

use super::service::{Client, Service};
use super::world::{INJECTED, Place, World};
use crate::changelog::Epoch;
use crate::connectors::{Committer, EpochMode, Marker, StagedPart, Target, TargetContext, TargetTable};
use crate::error::{Error, Result};

#[derive(Debug)]
pub struct SimulatedTarget {
    pub world: Arc<World>,
    pub name: String,
}

#[async_trait]
impl Target for SimulatedTarget {
    fn name(&self) -> String {
        self.name.clone()
    }

    fn has_transactions(&self) -> bool {
        self.world.services[&self.name].atomic
    }

    async fn open(&self, tables: Vec<TargetTable>, context: &TargetContext) -> Result<Arc<dyn Committer>> {
        self.world.step(Place::Target, "open a target").await?;
        assert!(!tables.is_empty());
        Ok(Arc::new(SimulatedCommitter {
            world: self.world.clone(),
            service: self.world.services[&self.name].clone(),
            client: (context.lineage.clone(), context.attempt),
            mode: context.mode,
            state: Mutex::default(),
        }))
    }
}

pub struct SimulatedCommitter {
    world: Arc<World>,
    service: Arc<Service>,
    pub client: Client,
    pub mode: EpochMode,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    fenced: bool,
    /// Epochs that rows may be written of.
    begun: BTreeSet<Epoch>,
    published: Option<Epoch>,
    /// Who has staged what epoch.
    staged: BTreeMap<Epoch, BTreeSet<(usize, usize)>>,
    /// In the mode Rollback: rows in the transaction of an epoch.
    open: BTreeMap<Epoch, Vec<((usize, usize), String)>>,
}

impl SimulatedCommitter {
    pub fn is_begun(&self, epoch: Epoch) -> bool {
        self.state.lock().unwrap().begun.contains(&epoch)
    }

    /// Writes rows into the open transaction of an epoch.
    pub fn write(&self, epoch: Epoch, writer: (usize, usize), rows: Vec<String>) {
        let mut state = self.state.lock().unwrap();
        state.open.entry(epoch).or_default().extend(rows.into_iter().map(|row| (writer, row)));
    }

    pub fn staged(&self, epoch: Epoch, writer: (usize, usize)) {
        let new = self.state.lock().unwrap().staged.entry(epoch).or_default().insert(writer);
        assert!(new, "{writer:?} stages epoch {} twice", epoch.0);
    }

    fn slow(&self) -> u64 {
        let mut dice = self.world.dice();
        if dice.per_mille(200) { dice.between(1, 20) } else { 0 }
    }

    fn loses(&self) -> Result<()> {
        match self.world.loses() {
            true => Err(Error::external(format!("{INJECTED}: the answer is lost"))),
            false => Ok(()),
        }
    }

    async fn put(&self, epoch: Epoch, parts: &[StagedPart]) -> Result<()> {
        for part in parts {
            let (made_by, rows) = decode(&part.staged.payload);
            let documents = rows.into_iter().enumerate().map(|(place, row)| {
                let id = (epoch.0, part.sink, part.subtask, made_by, place);
                (id, row)
            });
            let documents: Vec<_> = documents.collect();
            for request in documents.chunks(4) {
                self.world.step(Place::Target, "send documents").await?;
                let answer = self.service.put(&self.client, request.to_vec(), self.slow());
                self.loses()?;
                answer.await.expect("a service answers")?;
            }
        }
        self.world.step(Place::Target, "send a marker").await?;
        self.service.mark(&self.client, epoch)
    }
}

#[async_trait]
impl Committer for SimulatedCommitter {
    async fn look(&self) -> Result<Option<Marker>> {
        self.world.step(Place::Target, "look").await?;
        assert!(!self.state.lock().unwrap().fenced, "a look comes before the fence");
        Ok(self.service.marker())
    }

    async fn fence(&self) -> Result<Option<Marker>> {
        self.world.step(Place::Target, "fence").await?;
        let marker = self.service.fence(&self.client).await?;
        self.world.step(Place::Target, "fenced").await?;
        let mut state = self.state.lock().unwrap();
        state.fenced = true;
        state.published = marker.as_ref().filter(|marker| marker.lineage == self.client.0).map(|marker| marker.epoch);
        Ok(marker)
    }

    async fn begin(&self, epoch: Epoch) -> Result<()> {
        self.world.step(Place::Target, "begin").await?;
        let mut state = self.state.lock().unwrap();
        assert!(state.fenced, "a start begins with a fence");
        let unpublished = state.begun.iter().filter(|begun| Some(**begun) > state.published).count();
        assert!(unpublished <= 1, "epoch {} begins with {:?} unpublished", epoch.0, state.begun);
        assert!(
            state.begun.last().is_none_or(|last| last.next() == epoch),
            "epoch {} behind {:?}",
            epoch.0,
            state.begun
        );
        state.begun.insert(epoch);
        Ok(())
    }

    async fn publish(&self, epoch: Epoch, parts: &[StagedPart]) -> Result<()> {
        self.world.step(Place::Target, "publish").await?;
        let writers: BTreeSet<(usize, usize)> = parts.iter().map(|part| (part.sink, part.subtask)).collect();
        assert_eq!(writers.len(), parts.len(), "parts come once");
        let open = {
            let mut state = self.state.lock().unwrap();
            assert!(state.fenced);
            // At a start the parts are those of a checkpoint, and no writer is open yet.
            if !state.begun.is_empty() {
                assert!(state.begun.contains(&epoch), "epoch {} has not begun", epoch.0);
                let staged = state.staged.remove(&epoch).unwrap_or_default();
                assert_eq!(writers, staged, "all that was staged of epoch {} is published", epoch.0);
            }
            let later = state.open.split_off(&epoch.next());
            let open = std::mem::replace(&mut state.open, later);
            assert!(open.keys().all(|of| *of == epoch), "rows of {:?} in epoch {}", open.keys(), epoch.0);
            open
        };
        self.world.note(format!("publishes {} with {} parts", epoch.0, parts.len()));
        if !self.service.atomic {
            assert_eq!(self.mode, EpochMode::Held);
            self.put(epoch, parts).await?;
        } else if self.service.marker().is_none_or(|m| m.lineage != self.client.0 || m.epoch < epoch) {
            let mut rows: Vec<String> = open.into_values().flatten().map(|(_, row)| row).collect();
            let held = parts.iter().filter(|part| !part.staged.payload.is_empty());
            rows.extend(held.flat_map(|part| decode(&part.staged.payload).1));
            assert_eq!(rows.len() as u64, parts.iter().map(|part| part.staged.rows).sum::<u64>());
            let answer = self.service.commit(self.client.clone(), epoch, rows, self.slow());
            self.loses()?;
            self.world.step(Place::Target, "wait for a commit").await?;
            answer.await.expect("a service answers")?;
        }
        self.world.step(Place::Target, "published").await?;
        self.state.lock().unwrap().published = Some(epoch);
        Ok(())
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// Rows of a writer as bytes, with the start that made them.
pub fn encode(made_by: u64, rows: &[String]) -> Vec<u8> {
    let mut text = made_by.to_string();
    rows.iter().for_each(|row| text.push_str(&format!("\n{row}")));
    text.into_bytes()
}

fn decode(bytes: &[u8]) -> (u64, Vec<String>) {
    let text = std::str::from_utf8(bytes).expect("text");
    let mut lines = text.split('\n');
    let made_by = lines.next().and_then(|line| line.parse().ok()).expect("who made it");
    (made_by, lines.map(str::to_string).collect())
}
