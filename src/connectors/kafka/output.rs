//! Where encoded records go: to the broker at once, into the open transaction of an epoch, or into its checkpoint.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;

use super::epochs::KafkaCommitter;
use super::epochs::held::HeldRecords;
use super::epochs::slot::Slot;
use super::produce::{BatchProducer, Extras, Outgoing};
use crate::changelog::Epoch;
use crate::connectors::{EpochMode, Staged, Told, WriterEpochs};
use crate::error::{Error, Result};

/// What a writer does with its records.
pub enum Output {
    Direct(BatchProducer),
    Epochs(EpochOutput),
}

/// The records of one epoch after the other.
pub struct EpochOutput {
    epochs: WriterEpochs,
    /// Whose rows come now.
    epoch: Epoch,
    rows: u64,
    way: Way,
}

enum Way {
    /// Into its producer, from the first row of the epoch on.
    Transaction(Option<Arc<Slot>>),
    Held {
        records: Mutex<HeldRecords>,
        told: Told,
    },
}

impl Output {
    pub fn of_epochs(epochs: WriterEpochs) -> Self {
        let way = match epochs.mode {
            EpochMode::Rollback => Way::Transaction(None),
            EpochMode::Held => Way::Held { records: Mutex::default(), told: Told::default() },
        };
        Self::Epochs(EpochOutput { epoch: epochs.first, epochs, rows: 0, way })
    }

    /// Makes ready for so many rows.
    pub fn prepare(&mut self, rows: usize) -> Result<()> {
        let Self::Epochs(output) = self else { return Ok(()) };
        output.rows += rows as u64;
        match &mut output.way {
            Way::Transaction(slot) if slot.is_none() && rows > 0 => {
                *slot = Some(output.epochs.committer::<KafkaCommitter>()?.open(output.epoch, &output.epochs.room)?);
            }
            Way::Held { .. } | Way::Transaction(_) => {}
        }
        Ok(())
    }

    /// Waits where much is held of an epoch while the one before is not published.
    pub async fn hold(&mut self) -> Result<()> {
        let Self::Epochs(EpochOutput { epochs, epoch, way: Way::Held { records, told }, .. }) = self else {
            return Ok(());
        };
        let held = records.get_mut().unwrap_or_else(PoisonError::into_inner).len();
        epochs.room.hold(*epoch, held, told).await
    }

    /// The producer that has records of this writer, if one has.
    pub fn producer(&self) -> Option<&BatchProducer> {
        match self {
            Self::Direct(producer) => Some(producer),
            Self::Epochs(EpochOutput { way: Way::Transaction(slot), .. }) => slot.as_ref().map(|slot| slot.producer()),
            Self::Epochs(_) => None,
        }
    }

    /// The producer that tells of every record by its tag: one with transactions takes back all or nothing.
    pub fn reporting(&self) -> Option<&BatchProducer> {
        match self {
            Self::Direct(producer) => Some(producer),
            Self::Epochs(_) => None,
        }
    }

    /// Whether records are kept that must be taken later: a record that the topic refuses then has no way back.
    pub fn is_held(&self) -> bool {
        matches!(self, Self::Epochs(EpochOutput { way: Way::Held { .. }, .. }))
    }

    /// A failed delivery is an error. Doesn't wait.
    pub fn check(&self) -> Result<()> {
        match self {
            Self::Direct(producer) => producer.check(),
            Self::Epochs(EpochOutput { way: Way::Transaction(Some(slot)), .. }) => slot.check(),
            Self::Epochs(_) => Ok(()),
        }
    }

    /// As [`BatchProducer::send`].
    pub fn send<'a>(&self, topic: &str, records: impl Iterator<Item = Outgoing<'a>>) -> Result<usize> {
        match self {
            Self::Direct(producer) => producer.send(topic, records),
            Self::Epochs(output) => match &output.way {
                Way::Transaction(slot) => {
                    let slot = slot.as_ref().ok_or_else(no_transaction)?;
                    slot.producer().send(topic, records).map_err(|error| slot.judged(error))
                }
                Way::Held { records: held, .. } => {
                    let mut held = held.lock().unwrap_or_else(PoisonError::into_inner);
                    let none = Extras::default();
                    Ok(records.map(|record| held.push(topic, &record, &none)).count())
                }
            },
        }
    }

    /// As [`BatchProducer::send_one`].
    pub fn send_one(&self, topic: &str, record: Outgoing<'_>, extras: &Extras<'_>) -> Result<bool> {
        match self {
            Self::Direct(producer) => producer.send_one(topic, record, extras),
            Self::Epochs(output) => match &output.way {
                Way::Transaction(slot) => {
                    let slot = slot.as_ref().ok_or_else(no_transaction)?;
                    slot.producer().send_one(topic, record, extras).map_err(|error| slot.judged(error))
                }
                Way::Held { records, .. } => {
                    records.lock().unwrap_or_else(PoisonError::into_inner).push(topic, &record, extras);
                    Ok(true)
                }
            },
        }
    }

    /// Ends the epoch: what is to be published of it.
    pub fn stage(&mut self, epoch: Epoch) -> Result<Staged> {
        let Self::Epochs(output) = self else {
            return Err(Error::internal(format!("a writer without epochs can't stage epoch {}", epoch.0)));
        };
        if output.epoch != epoch {
            let what = format!("epoch {} is staged by a writer that is at epoch {}", epoch.0, output.epoch.0);
            return Err(Error::internal(what));
        }
        output.epoch = epoch.next();
        let payload = match &mut output.way {
            Way::Transaction(slot) => {
                *slot = None;
                Bytes::new()
            }
            Way::Held { records, told } => {
                *told = Told::default();
                records.get_mut().unwrap_or_else(PoisonError::into_inner).take()
            }
        };
        Ok(Staged { rows: std::mem::take(&mut output.rows), payload })
    }
}

fn no_transaction() -> Error {
    Error::internal("rows for Kafka without a transaction")
}
