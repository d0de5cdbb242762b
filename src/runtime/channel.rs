//! A queue between two tasks, bounded in bytes: when it is full the sender waits, which holds back its source.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

use crate::changelog::StreamElement;

/// Bytes that wait in a channel at most; one larger batch may pass alone.
pub const CHANNEL_BYTES: usize = 4 << 20;

/// Elements that wait at most, so that watermarks count too.
const CHANNEL_ELEMENTS: usize = 1024;

/// The sending end.
#[derive(Clone)]
pub struct Sender {
    queue: mpsc::Sender<Queued>,
    room: Arc<Semaphore>,
}

/// The receiving end.
pub struct Receiver(mpsc::Receiver<Queued>);

struct Queued {
    element: StreamElement,
    /// Gives the room back when the receiver takes the element.
    _room: Option<OwnedSemaphorePermit>,
}

/// The receiver is gone: its task has failed or was stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Closed;

pub fn channel() -> (Sender, Receiver) {
    let (queue, receiver) = mpsc::channel(CHANNEL_ELEMENTS);
    (Sender { queue, room: Arc::new(Semaphore::new(CHANNEL_BYTES)) }, Receiver(receiver))
}

impl Sender {
    /// Queues an element, waiting for room.
    pub async fn send(&self, element: StreamElement) -> Result<(), Closed> {
        let room = match &element {
            StreamElement::Batch(batch) => {
                let bytes = batch.memory_size().clamp(1, CHANNEL_BYTES) as u32;
                Some(self.room.clone().acquire_many_owned(bytes).await.map_err(|_| Closed)?)
            }
            _ => None,
        };
        self.queue.send(Queued { element, _room: room }).await.map_err(|_| Closed)
    }
}

impl Receiver {
    pub fn poll_recv(&mut self, cx: &mut std::task::Context<'_>) -> std::task::Poll<Option<StreamElement>> {
        self.0.poll_recv(cx).map(|queued| queued.map(|q| q.element))
    }
}
