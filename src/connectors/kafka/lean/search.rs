//! The search for who leads which partition, among brokers of which some may be away.

use std::sync::Arc;

use super::connection::{Connection, Failure};
use super::leaders::{self, Leaders};
use super::race::first_of;
use super::settings::Settings;
use super::spare::Spare;

/// Asks the first broker that answers; the first of them over a connection that is there already, if one is.
pub async fn find_leaders(
    addresses: Vec<String>,
    mut kept: Option<Connection>,
    topics: Vec<Arc<str>>,
    settings: Arc<Settings>,
    spare: Spare,
) -> Result<(Leaders, String, Connection), Failure> {
    let tries = addresses.into_iter().map(|address| {
        let (kept, topics, settings, spare) = (kept.take(), &topics, &settings, &spare);
        async move {
            let topics: Vec<&str> = topics.iter().map(|topic| &**topic).collect();
            match look_at(&address, kept, &topics, settings, spare).await {
                Ok((leaders, connection)) => Ok((leaders, address, connection)),
                Err(Failure::Away(why)) => Err(Failure::Away(format!("{address}: {why}"))),
                Err(failure) => Err(failure),
            }
        }
    });
    first_of(tries).await.unwrap_or_else(|| Err(Failure::Away("there are no brokers to ask".into())))
}

async fn look_at(
    address: &str,
    kept: Option<Connection>,
    topics: &[&str],
    settings: &Settings,
    spare: &Spare,
) -> Result<(Leaders, Connection), Failure> {
    if let Some(connection) = kept {
        // It may have been closed meanwhile: another one is opened then.
        let looked = ask(connection, topics, settings).await;
        if !matches!(looked, Err(Failure::Away(_))) {
            return looked;
        }
    }
    ask(Connection::open(address, settings, spare).await?, topics, settings).await
}

async fn ask(
    mut connection: Connection,
    topics: &[&str],
    settings: &Settings,
) -> Result<(Leaders, Connection), Failure> {
    let version = connection.metadata_version;
    let request = leaders::request(version, connection.client_id(), topics);
    let answer = connection.ask_within(settings.request_timeout, request).await?;
    let malformed = |_| Failure::Away("the broker's answer can't be read (Metadata)".into());
    Ok((leaders::answer(version, answer).map_err(malformed)?, connection))
}
