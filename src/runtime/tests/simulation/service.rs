//! A service that targets lead to. It outlives the processes that talk to it, and goes on with what it was asked though
//! they are dead.

use std::collections::BTreeMap;
use std::sync::Mutex;

use tokio::sync::oneshot;

use super::time::sleep_ms;
use crate::changelog::Epoch;
use crate::connectors::Marker;
use crate::error::{Error, Result};

/// Who asks: a lineage and the number of a start.
pub type Client = (String, u64);

#[derive(Debug)]
pub struct Service {
    /// Whether an epoch is taken as a whole, with its marker.
    pub atomic: bool,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Who may write.
    holder: Option<Client>,
    marker: Option<Marker>,
    content: Content,
    /// Requests that are not answered yet.
    at_work: usize,
}

/// What stands in the tables of a service.
#[derive(Debug, Clone, Default)]
pub struct Content {
    /// Of a service with transactions: `table|+I a, 1` as they came, with their epoch.
    rows: Vec<(Epoch, String)>,
    /// Of one without: by what the client calls them.
    documents: BTreeMap<DocumentId, String>,
}

impl Content {
    /// Without what came behind an epoch.
    fn up_to(mut self, epoch: Epoch) -> Self {
        self.rows.retain(|(of, _)| *of <= epoch);
        self.documents.retain(|(of, ..), _| *of <= epoch.0);
        self
    }
}

/// The epoch, the sink and subtask of a document, the start that made it, its place.
pub type DocumentId = (u64, usize, usize, u64, usize);

impl Service {
    pub fn new(atomic: bool) -> Self {
        Self { atomic, state: Mutex::default() }
    }

    /// What stands there in the end.
    pub fn rows(&self) -> Vec<String> {
        let content = &self.state.lock().unwrap().content;
        content.rows.iter().map(|(_, row)| row).chain(content.documents.values()).cloned().collect()
    }

    /// What it had at the end of an epoch.
    pub fn content(&self, epoch: Epoch) -> Content {
        self.state.lock().unwrap().content.clone().up_to(epoch)
    }

    /// Sets the tables back, as from a backup, once nothing is at work any more; the marker stays.
    pub async fn set_back(&self, content: Content) {
        while self.state.lock().unwrap().at_work > 0 {
            sleep_ms(1).await;
        }
        self.state.lock().unwrap().content = content;
    }

    /// From now on only `client` may write; returns when nobody else does.
    pub async fn fence(&self, client: &Client) -> Result<Option<Marker>> {
        {
            let mut state = self.state.lock().unwrap();
            if state.holder.as_ref().is_some_and(|holder| holder.0 == client.0 && holder.1 > client.1) {
                return Err(Error::external("a later start has the service"));
            }
            state.holder = Some(client.clone());
        }
        while !self.atomic && self.state.lock().unwrap().at_work > 0 {
            sleep_ms(1).await;
        }
        Ok(self.marker())
    }

    pub fn marker(&self) -> Option<Marker> {
        self.state.lock().unwrap().marker.clone()
    }

    /// Rows and marker in one transaction, some time later.
    pub fn commit(self: &std::sync::Arc<Self>, client: Client, epoch: Epoch, rows: Vec<String>, ms: u64) -> Answer {
        let (this, (reply, answer)) = (self.clone(), oneshot::channel());
        self.state.lock().unwrap().at_work += 1;
        crate::runtime::spawn(async move {
            sleep_ms(ms).await;
            let applied = this.apply(&client, epoch, rows);
            this.state.lock().unwrap().at_work -= 1;
            let _client_is_dead = reply.send(applied);
        });
        answer
    }

    fn apply(&self, client: &Client, epoch: Epoch, rows: Vec<String>) -> Result<()> {
        let mut state = self.state.lock().unwrap();
        if state.holder.as_ref() != Some(client) {
            return Err(Error::external("injected: fenced"));
        }
        let before = state.marker.as_ref().filter(|marker| marker.lineage == client.0).map(|marker| marker.epoch);
        assert!(before < Some(epoch), "epoch {} behind {before:?}", epoch.0);
        state.content.rows.extend(rows.into_iter().map(|row| (epoch, row)));
        state.marker = Some(Marker { lineage: client.0.clone(), attempt: client.1, epoch });
        Ok(())
    }

    /// Documents, some time later: whoever is fenced in between is not stopped.
    pub fn put(self: &std::sync::Arc<Self>, client: &Client, documents: Vec<(DocumentId, String)>, ms: u64) -> Answer {
        let (this, (reply, answer)) = (self.clone(), oneshot::channel());
        let mut state = self.state.lock().unwrap();
        if state.holder.as_ref() != Some(client) {
            let _client_is_there = reply.send(Err(Error::external("injected: fenced")));
            return answer;
        }
        state.at_work += 1;
        crate::runtime::spawn(async move {
            for (id, document) in documents {
                sleep_ms(ms).await;
                this.state.lock().unwrap().content.documents.insert(id, document);
            }
            this.state.lock().unwrap().at_work -= 1;
            let _client_is_dead = reply.send(Ok(()));
        });
        answer
    }

    /// The marker alone, by compare-and-set.
    pub fn mark(&self, client: &Client, epoch: Epoch) -> Result<()> {
        self.apply(client, epoch, Vec::new())
    }
}

pub type Answer = oneshot::Receiver<Result<()>>;
