//! The search for who leads which partition, among brokers of which some may be away.

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use futures::stream::FuturesUnordered;
use tokio::time::sleep;

use super::connection::{Connection, Failure};
use super::leaders::{self, Leaders};
use super::settings::Settings;

/// How long after one broker the next one is asked, too.
const STAGGER: Duration = Duration::from_millis(250);

/// Asks the first broker that answers. The next one is tried before the last has failed: it may be silent for long.
pub async fn find_leaders(
    addresses: Vec<String>,
    topics: Vec<Arc<str>>,
    settings: Arc<Settings>,
) -> Result<(Leaders, String, Connection), Failure> {
    let mut tries: FuturesUnordered<_> = addresses
        .into_iter()
        .enumerate()
        .map(|(i, address)| {
            let (topics, settings) = (&topics, &settings);
            async move {
                sleep(STAGGER * i as u32).await;
                let topics: Vec<&str> = topics.iter().map(|topic| &**topic).collect();
                let looked = look_at(&address, &topics, settings).await;
                (address, looked)
            }
        })
        .collect();
    let mut last = Failure::Away("there are no brokers to ask".into());
    while let Some((address, looked)) = tries.next().await {
        match looked {
            Ok((leaders, connection)) => return Ok((leaders, address, connection)),
            Err(Failure::Away(why)) => last = Failure::Away(format!("{address}: {why}")),
            Err(failure) => last = failure,
        }
    }
    Err(last)
}

async fn look_at(address: &str, topics: &[&str], settings: &Settings) -> Result<(Leaders, Connection), Failure> {
    let mut connection = Connection::open(address, settings).await?;
    let version = connection.metadata_version;
    let request = leaders::request(version, connection.client_id(), topics);
    let answer = connection.ask_within(settings.request_timeout, request).await?;
    let malformed = |_| Failure::Away("the broker's answer can't be read (Metadata)".into());
    Ok((leaders::answer(version, answer).map_err(malformed)?, connection))
}
