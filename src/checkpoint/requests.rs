//! Requests for savepoints that other processes put into the folder of a job: `requests/ID`, answered by
//! `requests/ID.done` from the process that holds the lock.
//!
//! Who asks takes both away. What an ended process left behind is taken away by the next one that has the lock: a
//! request that is gone without an answer gets none.

use std::path::PathBuf;

use bytes::Bytes;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::store::Store;
use crate::error::{Error, ErrorKind, Result};

/// The form of both files.
const VERSION: u32 = 1;

/// Somebody wants a savepoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Asked {
    version: u32,
    /// The folder that it goes to, in one of its own; none for that of the job.
    folder: Option<PathBuf>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Answered {
    version: u32,
    outcome: Outcome,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Outcome {
    Written(PathBuf),
    Refused { message: String, hint: Option<String> },
}

/// The requests of one job.
#[derive(Debug, Clone)]
pub struct Requests {
    store: Store,
    folder: String,
}

/// What became of a request.
#[derive(Debug)]
pub enum Reply {
    Waits,
    Written(PathBuf),
    /// The process that would have answered has ended.
    Gone,
}

impl Requests {
    /// Those of the job whose folder has this name.
    pub fn of(store: &Store, job_folder: &str) -> Self {
        Self { store: store.clone(), folder: format!("{job_folder}/requests") }
    }

    fn name(&self, id: &str) -> String {
        format!("{}/{id}", self.folder)
    }

    fn answer_name(&self, id: &str) -> String {
        format!("{}/{id}{DONE}", self.folder)
    }

    /// Takes away what is left of others.
    pub async fn clear(&self) -> Result<()> {
        for name in self.store.list(&self.folder).await? {
            self.store.delete(&name).await?;
        }
        Ok(())
    }

    /// Asks for a savepoint; gives the number of the request.
    pub async fn ask(&self, folder: Option<PathBuf>) -> Result<String> {
        let id = uuid::Uuid::new_v4().simple().to_string();
        let asked = Asked { version: VERSION, folder };
        self.store.create(&self.name(&id), bytes_of(&asked)?).await?;
        Ok(id)
    }

    /// The requests that are not answered, with their folders; one that can't be read is answered here.
    pub async fn waiting(&self) -> Result<Vec<(String, Option<PathBuf>)>> {
        let names = self.store.list(&self.folder).await?;
        let mut waiting = Vec::new();
        for name in &names {
            let Some(id) = name.rsplit('/').next().filter(|id| !id.ends_with(DONE)) else { continue };
            if names.contains(&self.answer_name(id)) {
                continue;
            }
            let Some(bytes) = self.store.read(name).await? else { continue };
            match read::<Asked>(&bytes) {
                Ok(asked) if asked.version == VERSION => waiting.push((id.to_string(), asked.folder)),
                _ => {
                    let refused = Error::state("the request is of another version of Millstream");
                    self.answer(id, Err(refused)).await?;
                }
            }
        }
        Ok(waiting)
    }

    /// Answers a request. One that was taken back gets no answer.
    pub async fn answer(&self, id: &str, outcome: Result<PathBuf>) -> Result<()> {
        let outcome = match outcome {
            Ok(path) => Outcome::Written(path),
            Err(error) => {
                let detail = error.detail().map(|detail| format!(": {detail}")).unwrap_or_default();
                let message = format!("{}{detail}", error.message());
                Outcome::Refused { message, hint: error.hint().map(str::to_string) }
            }
        };
        if self.store.read(&self.name(id)).await?.is_some() {
            let answered = Answered { version: VERSION, outcome };
            self.store.create(&self.answer_name(id), bytes_of(&answered)?).await?;
        }
        Ok(())
    }

    /// Looks for the answer to a request.
    ///
    /// # Errors
    /// Why there is no savepoint.
    pub async fn reply(&self, id: &str) -> Result<Reply> {
        // In this order: the request is gone after its answer has come, or without one.
        let is_there = self.store.read(&self.name(id)).await?.is_some();
        let Some(bytes) = self.store.read(&self.answer_name(id)).await? else {
            return Ok(if is_there { Reply::Waits } else { Reply::Gone });
        };
        match read::<Answered>(&bytes) {
            Ok(Answered { version: VERSION, outcome: Outcome::Written(path) }) => Ok(Reply::Written(path)),
            Ok(Answered { version: VERSION, outcome: Outcome::Refused { message, hint } }) => {
                let error = Error::new(ErrorKind::External, message);
                Err(match hint {
                    Some(hint) => error.with_hint(hint),
                    None => error,
                })
            }
            _ => Err(Error::state("the job is run by another version of Millstream, whose answer can't be read")),
        }
    }

    /// Takes a request back, and its answer.
    pub async fn forget(&self, id: &str) -> Result<()> {
        self.store.delete(&self.name(id)).await?;
        self.store.delete(&self.answer_name(id)).await
    }
}

const DONE: &str = ".done";

fn bytes_of(value: &impl Serialize) -> Result<Bytes> {
    let bytes = serde_json::to_vec(value).map_err(|error| Error::internal(format!("a request: {error}")))?;
    Ok(bytes.into())
}

fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T> {
    serde_json::from_slice(bytes).map_err(|error| Error::state(format!("a request can't be read: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_request_is_answered_or_gone() {
        let requests = Requests::of(&Store::memory(), "alerts");
        let id = requests.ask(Some("/tmp/s".into())).await.unwrap();
        assert_eq!(requests.waiting().await.unwrap(), [(id.clone(), Some(PathBuf::from("/tmp/s")))]);
        assert!(matches!(requests.reply(&id).await.unwrap(), Reply::Waits));
        requests.answer(&id, Ok("/tmp/s/savepoint-1".into())).await.unwrap();
        assert!(requests.waiting().await.unwrap().is_empty());
        assert!(matches!(requests.reply(&id).await.unwrap(), Reply::Written(path) if path.ends_with("savepoint-1")));
        requests.forget(&id).await.unwrap();
        requests.answer(&id, Ok("/tmp/s/savepoint-1".into())).await.unwrap();
        assert!(matches!(requests.reply(&id).await.unwrap(), Reply::Gone));

        let id = requests.ask(None).await.unwrap();
        requests
            .answer(&id, Err(Error::external("no").with_detail("The disk is full.").with_hint("Make room.")))
            .await
            .unwrap();
        let error = requests.reply(&id).await.unwrap_err();
        assert_eq!((error.message(), error.hint()), ("no: The disk is full.", Some("Make room.")));
        requests.ask(None).await.unwrap();
        requests.clear().await.unwrap();
        assert!(requests.waiting().await.unwrap().is_empty());
    }

    #[tokio::test]
    async fn a_request_of_another_version_is_answered_so() {
        let store = Store::memory();
        let requests = Requests::of(&store, "alerts");
        let later = Bytes::from_static(b"{\"version\":2,\"folder\":null}");
        store.create("alerts/requests/x", later).await.unwrap();
        assert!(requests.waiting().await.unwrap().is_empty());
        let error = requests.reply("x").await.unwrap_err();
        assert_eq!(error.message(), "the request is of another version of Millstream");
    }

    /// The forms on the disk.
    #[test]
    fn the_forms_are_fixed() {
        let asked = Asked { version: VERSION, folder: Some("/s".into()) };
        assert_eq!(bytes_of(&asked).unwrap(), r#"{"version":1,"folder":"/s"}"#);
        let answered = Answered { version: VERSION, outcome: Outcome::Written("/s/a".into()) };
        assert_eq!(bytes_of(&answered).unwrap(), r#"{"version":1,"outcome":{"written":"/s/a"}}"#);
    }
}
