//! Sends what a task says to the tasks behind it: to one, to all, in turn, or by key group.

use std::sync::atomic::{AtomicUsize, Ordering};

use arrow::array::UInt32Array;

use super::channel::{Closed, Sender};
use crate::changelog::{ChangelogBatch, StreamElement};
use crate::error::{Error, Result};
use crate::state::{key_groups, subtask_of};

/// One outgoing edge of a subtask. Rows go where `route` says; everything else goes to every receiver.
pub struct Exchange {
    receivers: Vec<Sender>,
    route: Route,
    /// How many batches went out in turn.
    turns: AtomicUsize,
}

/// How rows find their receiver.
#[derive(Debug, Clone)]
pub enum Route {
    /// There is one receiver.
    Forward,
    /// Each batch to the next receiver in turn.
    Rebalance,
    /// By the key group of these columns.
    Hash(Vec<usize>),
}

impl Exchange {
    pub fn new(receivers: Vec<Sender>, route: Route) -> Self {
        Self { receivers, route, turns: AtomicUsize::new(0) }
    }

    /// Queues an element, waiting for room. Both halves of an update with one key stay neighbours.
    pub async fn send(&self, element: StreamElement) -> Result<()> {
        match (element, &self.route) {
            (StreamElement::Batch(batch), Route::Hash(key)) if self.receivers.len() > 1 => {
                for (receiver, part) in self.receivers.iter().zip(split_by_key(&batch, key, self.receivers.len())?) {
                    if let Some(part) = part {
                        receiver.send(StreamElement::Batch(part)).await.map_err(receiver_gone)?;
                    }
                }
            }
            (StreamElement::Batch(batch), Route::Rebalance) => {
                let turn = self.turns.fetch_add(1, Ordering::Relaxed) % self.receivers.len();
                self.receivers[turn].send(StreamElement::Batch(batch)).await.map_err(receiver_gone)?;
            }
            (StreamElement::Batch(batch), _) => {
                self.receivers[0].send(StreamElement::Batch(batch)).await.map_err(receiver_gone)?;
            }
            (element, _) => {
                for receiver in &self.receivers {
                    receiver.send(element.clone()).await.map_err(receiver_gone)?;
                }
            }
        }
        Ok(())
    }
}

/// The rows for each of `parallelism` subtasks by the key group of the columns `key`, in their order; `None` for none.
pub fn split_by_key(batch: &ChangelogBatch, key: &[usize], parallelism: usize) -> Result<Vec<Option<ChangelogBatch>>> {
    let mut rows: Vec<Vec<u32>> = vec![Vec::new(); parallelism];
    for (row, group) in key_groups(batch.rows(), key)?.into_iter().enumerate() {
        rows[subtask_of(group, parallelism)].push(row as u32);
    }
    rows.into_iter()
        .map(|rows| match rows.len() {
            0 => Ok(None),
            n if n == batch.num_rows() => Ok(Some(batch.clone())),
            _ => batch.take(&UInt32Array::from(rows)).map(Some),
        })
        .collect()
}

/// Not the cause of a failure but its echo: the job reports the task that failed first.
pub fn receiver_gone(_: Closed) -> Error {
    Error::internal(ECHO)
}

/// The message of errors that only follow another task's end.
pub const ECHO: &str = "the task behind this one has ended";
