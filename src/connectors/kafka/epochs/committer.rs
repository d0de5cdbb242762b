//! Publishes epochs to a Kafka cluster: each is one transaction, and the marker is in it.

use std::any::Any;
use std::ffi::CString;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;

use super::held;
use super::marker;
use super::slot::{Slot, Stop, StopOnDrop};
use crate::changelog::Epoch;
use crate::connectors::kafka::cluster::Cluster;
use crate::connectors::kafka::deliveries::is_refusal;
use crate::connectors::kafka::progress::Progress;
use crate::connectors::{Committer, EpochMode, EpochRoom, Marker, OpenContext, RetryPolicy, StagedPart};
use crate::error::{Error, Result};
use crate::failpoint;

/// The two producers of a target and the place of its marker.
pub struct KafkaCommitter {
    slots: [Arc<Slot>; 2],
    /// A client of the marker's group.
    cluster: Cluster,
    /// The marker's group.
    group: CString,
    /// What no other cluster and prefix have.
    place: String,
    /// It is noted at partition 0 of each of these.
    topics: Vec<Arc<str>>,
    mode: EpochMode,
    /// Who publishes: the marker but for the epoch.
    us: Marker,
    door: OpenContext,
    /// How long a start waits for brokers.
    retry: Duration,
    published: Mutex<Option<Marker>>,
}

/// What a committer is made of.
pub struct CommitterParts {
    pub slots: [Arc<Slot>; 2],
    pub cluster: Cluster,
    pub group: CString,
    pub place: String,
    pub topics: Vec<Arc<str>>,
    pub mode: EpochMode,
    /// The epoch in it doesn't count.
    pub us: Marker,
    pub door: OpenContext,
    pub retry: Duration,
}

impl KafkaCommitter {
    pub fn new(parts: CommitterParts) -> Self {
        let CommitterParts { slots, cluster, group, place, topics, mode, us, door, retry } = parts;
        Self { slots, cluster, group, place, topics, mode, us, door, retry, published: Mutex::default() }
    }

    /// The producer of an epoch, its transaction open.
    pub fn open(&self, epoch: Epoch, room: &EpochRoom) -> Result<Arc<Slot>> {
        let slot = self.slot(epoch);
        slot.open(epoch, || room.read_whole())?;
        Ok(slot.clone())
    }

    fn slot(&self, epoch: Epoch) -> &Arc<Slot> {
        &self.slots[(epoch.0 % 2) as usize]
    }

    async fn take_over(&self, slot: &Arc<Slot>) -> Result<()> {
        RetryPolicy::ForTime(self.retry)
            .run(slot.producer().context().cluster(), &self.door, || {
                let slot = slot.clone();
                blocking(move || slot.take_over())
            })
            .await
    }

    /// The newest marker in the group, at whatever topic. `stable`: transactions that are just being committed are waited
    /// for, rather than reading what was before them.
    async fn marker(&self, stable: bool) -> Result<Option<Marker>> {
        let asked = self.group.clone();
        let notes = self.cluster.ask(move |cluster| cluster.notes(&asked, stable)).await?;
        let group = self.group.to_string_lossy();
        let mut markers = Vec::new();
        for note in notes {
            match marker::read(note.offset, &note.text, &group) {
                Ok(marker) => markers.extend(marker),
                Err(error) if note.partition == 0 && self.topics.contains(&note.topic) => return Err(error),
                // Of a topic that the job doesn't write to it says nothing.
                Err(_) => {}
            }
        }
        Ok(marker::newest(markers.into_iter()))
    }

    /// A record that was held and isn't taken: it will come again, so people have to do something.
    fn explained(&self, slot: &Slot, epoch: Epoch, error: Error) -> Error {
        match self.mode {
            EpochMode::Held if slot.producer().first_failure().is_some_and(is_refusal) => {
                let error = error.context(format!("epoch {} can't be published", epoch.0));
                error.with_detail("The rows are in the checkpoint of the job, and nothing of it is lost.").with_hint(
                    "Change the topic's settings so that it takes the record (max.message.bytes, cleanup.policy, \
                     message.timestamp.*), and start the job again.",
                )
            }
            _ => error,
        }
    }
}

#[async_trait]
impl Committer for KafkaCommitter {
    async fn look(&self) -> Result<Option<Marker>> {
        self.marker(false).await
    }

    async fn fence(&self) -> Result<Option<Marker>> {
        for slot in &self.slots {
            self.take_over(slot).await?;
        }
        let marker = self.marker(true).await?;
        if let Some(later) = marker.as_ref().filter(|m| m.lineage == self.us.lineage && m.attempt > self.us.attempt) {
            return Err(Error::state(format!(
                "another process runs the job \"{}\": epoch {} was published by its start number {}, and this is number {}",
                self.door.job, later.epoch.0, later.attempt, self.us.attempt
            ))
            .with_hint("Stop one of the two, then start the job again from its newest checkpoint."));
        }
        *self.published.lock().unwrap_or_else(PoisonError::into_inner) = marker.clone();
        Ok(marker)
    }

    async fn publish(&self, epoch: Epoch, parts: &[StagedPart]) -> Result<()> {
        let published = self.published.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if published.is_some_and(|marker| marker.lineage == self.us.lineage && marker.epoch >= epoch) {
            return Ok(());
        }
        let marker = Marker { epoch, ..self.us.clone() };
        let (offsets, group) = (marker::note(&marker, &self.topics)?, self.group.clone());
        let (slot, parts) = (self.slot(epoch).clone(), parts.to_vec());
        let stop = StopOnDrop(Stop::default());
        let stopped = stop.0.clone();
        let publish = move || {
            slot.open(epoch, || None)?;
            let mut progress = Progress::default();
            for part in &parts {
                let wait = || slot.wait_while_full(&mut progress, &stopped);
                held::send(&part.staged.payload, slot.producer(), wait).map_err(|error| slot.judged(error))?;
            }
            // A commit would wait for them, too, but nobody would hear meanwhile what becomes of them.
            slot.flush(&stopped)?;
            failpoint::reach("kafka.before-marker");
            slot.note(&group, &offsets, &stopped)?;
            failpoint::reach("kafka.before-commit");
            slot.commit(&stopped)?;
            failpoint::reach("kafka.after-commit");
            Ok(())
        };
        let outcome = blocking(publish).await;
        drop(stop);
        outcome.map_err(|error| self.explained(self.slot(epoch), epoch, error))?;
        *self.published.lock().unwrap_or_else(PoisonError::into_inner) = Some(marker);
        Ok(())
    }

    fn place(&self) -> Option<String> {
        Some(self.place.clone())
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// Runs what blocks on a thread that may.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| Error::internal(format!("a transaction of Kafka was not finished: {error}")))?
}
