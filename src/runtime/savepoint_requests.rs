//! Answers what other processes ask of a job: savepoints.

use std::convert::Infallible;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::sync::oneshot;

use super::coordinator::{SavepointRequest, SavepointTime};
use crate::checkpoint::{JobFolder, Requests};
use crate::connectors::Reporter;
use crate::error::{Error, Result};

/// How often is looked for requests.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// Looks for requests and answers them, for as long as it is polled. `folder` is where savepoints go that name none.
pub(super) async fn answer(
    job: Arc<JobFolder>,
    folder: PathBuf,
    ask: mpsc::Sender<SavepointRequest>,
    reporter: Reporter,
) -> Infallible {
    let requests = Requests::of(&job.store, &job.name);
    let mut looks = tokio::time::interval(LOOK_EVERY);
    looks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    // Whoever asked those that are there already asked somebody else.
    let mut told = requests.clear().await.is_err();
    loop {
        looks.tick().await;
        if let Err(error) = answer_all(&requests, &folder, &ask).await {
            // A folder that can't be read fails the checkpoints, too: once is enough here.
            if !std::mem::replace(&mut told, true) {
                reporter.news(&format!("requests for savepoints can't be answered: {}", error.message()));
            }
        }
    }
}

async fn answer_all(requests: &Requests, folder: &PathBuf, ask: &mpsc::Sender<SavepointRequest>) -> Result<()> {
    for (id, to) in requests.waiting().await? {
        let (reply, written) = oneshot::channel();
        let request =
            SavepointRequest { folder: to.unwrap_or_else(|| folder.clone()), when: SavepointTime::NextBarrier, reply };
        let outcome = match ask.send(request).await {
            Ok(()) => written.await.ok(),
            Err(_) => None,
        };
        let ended = || Err(Error::external("the job has ended or failed before there was a savepoint"));
        requests.answer(&id, outcome.unwrap_or_else(ended)).await?;
    }
    Ok(())
}
