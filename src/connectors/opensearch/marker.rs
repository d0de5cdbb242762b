//! The marker of a job: a document that says which epoch was published last, and which start of the job may go on.
//!
//! It lies in an index of ours, `millstream-epochs`, and only changes by compare-and-set: whoever writes it names the
//! version that was read before. So of two starts only one goes on.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use opensearch::http::Method;
use serde::{Deserialize, Serialize};
use serde_json::json;
use xxhash_rust::xxh3::xxh3_64;

use super::client::Cluster;
use super::request::{Answer, Refusal, Request, path_segment};
use crate::changelog::Epoch;
use crate::connectors::{Marker, ONE_PROCESS};
use crate::error::{Error, Result};

/// Where markers lie.
pub const INDEX: &str = "millstream-epochs";

/// How much of a job's name stands in the id of its marker, for ids are bounded.
const MAX_NAME: usize = 100;

/// What the document holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Document {
    job: String,
    /// The name of the target.
    target: String,
    /// Who may go on: the start that took the marker last.
    lineage: String,
    attempt: u64,
    published: Option<Published>,
}

/// The last epoch that is in its indexes as a whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Published {
    lineage: String,
    attempt: u64,
    epoch: u64,
    /// Milliseconds since the Unix epoch.
    at: i64,
}

/// Which state of the document was read or written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Version {
    seq_no: i64,
    primary_term: i64,
}

/// The document as the service has it.
#[derive(Debug, Clone)]
struct Held {
    version: Version,
    document: Document,
}

#[derive(Deserialize)]
struct Found {
    #[serde(rename = "_seq_no")]
    seq_no: i64,
    #[serde(rename = "_primary_term")]
    primary_term: i64,
    #[serde(rename = "_source")]
    document: Option<Document>,
}

/// What taking the marker came to.
#[derive(Debug)]
pub struct Taken {
    pub marker: Option<Marker>,
    /// No start took it before.
    pub is_new: bool,
}

/// The marker of one job at one target.
#[derive(Debug)]
pub struct MarkerDocument {
    cluster: Cluster,
    patience: Duration,
    id: String,
    job: Arc<str>,
    target: String,
    lineage: String,
    attempt: u64,
    /// As this start left it; none before it was taken.
    held: Mutex<Option<Held>>,
}

impl MarkerDocument {
    pub fn new(
        (cluster, patience): (Cluster, Duration),
        (job, target): (Arc<str>, String),
        (lineage, attempt): (String, u64),
    ) -> Self {
        let name: String = job.chars().take(MAX_NAME).collect();
        let id = format!("{name}:{:016x}", xxh3_64(format!("{job}\0{target}").as_bytes()));
        Self { cluster, patience, id, job, target, lineage, attempt, held: Mutex::new(None) }
    }

    /// What was published last, says the document now.
    pub async fn look(&self) -> Result<Option<Marker>> {
        Ok(self.read().await?.and_then(|found| found.document.published).map(|published| published.marker()))
    }

    /// Makes this start the one that may go on, and reads what was published.
    ///
    /// # Errors
    /// A later start of the same lineage has taken it.
    pub async fn take(&self) -> Result<Taken> {
        loop {
            let found = self.read().await?;
            let document = found.as_ref().map(|found| &found.document);
            let published = document.and_then(|document| document.published.clone());
            let marker = published.as_ref().map(Published::marker);
            let is_new = document.is_none();
            match document {
                Some(document) if document.lineage == self.lineage && document.attempt > self.attempt => {
                    return Err(self.overtaken(Some(document)));
                }
                _ => {}
            }
            let wanted = Document {
                job: self.job.to_string(),
                target: self.target.clone(),
                lineage: self.lineage.clone(),
                attempt: self.attempt,
                published,
            };
            // Where it has changed since, it is looked at again.
            if let Some(held) = self.store(found.map(|found| found.version), &wanted).await? {
                self.hold(held);
                return Ok(Taken { marker, is_new });
            }
        }
    }

    /// What was published last, as far as this start knows; none before the marker is taken.
    pub fn published(&self) -> Option<Marker> {
        self.held()?.document.published.as_ref().map(Published::marker)
    }

    /// Fails where another start has taken the marker.
    pub async fn check(&self) -> Result<()> {
        let held = self.held().ok_or_else(not_taken)?;
        match self.read().await? {
            Some(found) if found.version == held.version => Ok(()),
            found => Err(self.overtaken(found.as_ref().map(|found| &found.document))),
        }
    }

    /// Says that an epoch is published.
    ///
    /// # Errors
    /// Another start has taken the marker.
    pub async fn publish(&self, epoch: Epoch, at: i64) -> Result<()> {
        let held = self.held().ok_or_else(not_taken)?;
        let (lineage, attempt, epoch) = (self.lineage.clone(), self.attempt, epoch.0);
        let published = Some(Published { lineage, attempt, epoch, at });
        match self.store(Some(held.version), &Document { published, ..held.document }).await? {
            Some(held) => self.hold(held),
            None => {
                let found = self.read().await?;
                return Err(self.overtaken(found.as_ref().map(|found| &found.document)));
            }
        }
        Ok(())
    }

    fn held(&self) -> Option<Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn hold(&self, held: Held) {
        *self.held.lock().unwrap_or_else(PoisonError::into_inner) = Some(held);
    }

    async fn read(&self) -> Result<Option<Held>> {
        let path = format!("/{INDEX}/_doc/{}", path_segment(&self.id));
        let answer = self.cluster.ask(&Request::new(Method::Get, path), self.patience).await?;
        match answer.status {
            404 => Ok(None),
            400.. => Err(self.refused(&answer)),
            _ => {
                let Found { seq_no, primary_term, document } = self.parse(&answer)?;
                let version = Version { seq_no, primary_term };
                Ok(document.map(|document| Held { version, document }))
            }
        }
    }

    /// Writes the document if it is still as in `version` (none: not there yet). None where it is not: a request whose
    /// answer was lost and that was carried out counts as done.
    async fn store(&self, version: Option<Version>, wanted: &Document) -> Result<Option<Held>> {
        let id = path_segment(&self.id);
        let path = match version {
            None => {
                self.create_index().await?;
                format!("/{INDEX}/_create/{id}")
            }
            Some(Version { seq_no, primary_term }) => {
                format!("/{INDEX}/_doc/{id}?if_seq_no={seq_no}&if_primary_term={primary_term}")
            }
        };
        let body = serde_json::to_string(wanted).map_err(|e| Error::internal(format!("a marker without JSON: {e}")))?;
        let answer = self.cluster.ask(&Request::new(Method::Put, path).with_json(body), self.patience).await?;
        match answer.status {
            404 | 409 => Ok(self.read().await?.filter(|found| found.document == *wanted)),
            400.. => Err(self.refused(&answer)),
            _ => {
                let Found { seq_no, primary_term, .. } = self.parse(&answer)?;
                Ok(Some(Held { version: Version { seq_no, primary_term }, document: wanted.clone() }))
            }
        }
    }

    /// Makes the index, if it isn't there: with its own settings, whatever templates say.
    async fn create_index(&self) -> Result<()> {
        let answer = self.cluster.ask(&Request::new(Method::Head, format!("/{INDEX}")), self.patience).await?;
        if answer.status < 400 {
            return Ok(());
        }
        let keyword = json!({ "type": "keyword" });
        let settings = json!({
            "settings": {
                "number_of_shards": 1,
                "auto_expand_replicas": "0-1",
                "translog.durability": "request",
            },
            "mappings": {
                "dynamic": false,
                "properties": { "job": keyword, "target": keyword, "attempt": { "type": "long" } },
            },
        });
        let request = Request::new(Method::Put, format!("/{INDEX}")).with_json(settings.to_string());
        let answer = self.cluster.ask(&request, self.patience).await?;
        let is_there =
            || Refusal::of(&answer).is_some_and(|refusal| refusal.kind == "resource_already_exists_exception");
        match answer.status {
            403 => Err(self.refused(&answer).with_hint(format!(
                "Exactly-once output needs the index \"{INDEX}\", and the permission to read and write documents in it. \
                 Let somebody make it who may: PUT /{INDEX} {settings}"
            ))),
            400.. if !is_there() => Err(self.refused(&answer)),
            _ => Ok(()),
        }
    }

    fn parse(&self, answer: &Answer) -> Result<Found> {
        serde_json::from_slice(&answer.body).map_err(|e| {
            let name = self.cluster.name();
            Error::state(format!("the marker of job \"{}\" at {name} is something else: {e}", self.job))
                .with_detail(self.place())
        })
    }

    fn refused(&self, answer: &Answer) -> Error {
        let error = self.cluster.refused(answer).context(format!("cannot keep the marker of job \"{}\"", self.job));
        match answer.status {
            403 => error.with_hint(format!(
                "Exactly-once output needs the permission to read and write documents in the index \"{INDEX}\"."
            )),
            _ => error,
        }
    }

    fn place(&self) -> String {
        format!("It is document \"{}\" of index \"{INDEX}\".", self.id)
    }

    fn overtaken(&self, found: Option<&Document>) -> Error {
        let (job, name, mine) = (&self.job, self.cluster.name(), self.attempt);
        let error = match found {
            Some(document) => {
                let theirs = document.attempt;
                Error::state(format!(
                    "another start of job \"{job}\" publishes to {name}: its marker is of start {theirs}, this is {mine}"
                ))
            }
            None => Error::state(format!("the marker of job \"{job}\" at {name} is gone")),
        };
        error.with_detail(self.place()).with_hint(ONE_PROCESS)
    }
}

fn not_taken() -> Error {
    Error::internal("a marker that was not taken")
}

impl Published {
    fn marker(&self) -> Marker {
        Marker { lineage: self.lineage.clone(), attempt: self.attempt, epoch: Epoch(self.epoch) }
    }
}
