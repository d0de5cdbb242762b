//! Whether an index has on disk what it confirms: an epoch is published when that is so of every index it went to.
//!
//! With `index.translog.durability` = `async` a node that breaks down loses the documents of its last seconds, confirmed or
//! not. It may do so between two requests of an epoch, so a flush behind the last one would come too late for the first.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use opensearch::http::Method;
use serde::Deserialize;

use super::client::Cluster;
use super::request::{Request, path_segment};
use crate::error::{Error, Result};

/// How long the names in one request may be: servers take lines of 4 KiB.
const MAX_NAMES: usize = 3000;

const SETTING: &str = "index.translog.durability";

/// What is set of an index, as far as we ask for it.
#[derive(Deserialize)]
struct Found {
    #[serde(default)]
    settings: HashMap<String, String>,
}

/// Asks the service about indexes; those that are not there are left out. Of an alias or a data stream all that it leads
/// to are asked. False where the user may not ask.
///
/// # Errors
/// One that confirms documents before they are on disk.
pub async fn require_durable(
    cluster: &Cluster,
    indexes: &BTreeSet<String>,
    owner: &str,
    patience: Duration,
) -> Result<bool> {
    let segments: Vec<String> = indexes.iter().filter(|name| is_name(name)).map(|name| path_segment(name)).collect();
    let mut rest = segments.as_slice();
    while !rest.is_empty() {
        let mut length = 0;
        let fits = rest.iter().take_while(|segment| {
            length += segment.len() + 1;
            length <= MAX_NAMES
        });
        let (names, behind) = rest.split_at(fits.count().max(1));
        rest = behind;
        let path = format!("/{}/_settings/{SETTING}?ignore_unavailable=true&flat_settings=true", names.join(","));
        let answer = cluster.ask(&Request::new(Method::Get, path), patience).await?;
        match answer.status {
            403 => return Ok(false),
            404 => continue,
            400.. => return Err(cluster.refused(&answer).context(format!("cannot see whether {owner} is durable"))),
            _ => {}
        }
        let found: HashMap<String, Found> = serde_json::from_slice(&answer.body)
            .map_err(|e| Error::external(format!("{} told settings as something else: {e}", cluster.name())))?;
        let is_async = |found: &Found| found.settings.get(SETTING).is_some_and(|v| v.eq_ignore_ascii_case("async"));
        // The first by name, for an answer has no order.
        if let Some(index) = found.iter().filter(|(_, found)| is_async(found)).map(|(index, _)| index).min() {
            return Err(refusal(index, owner));
        }
    }
    Ok(true)
}

/// What to tell where the user may not ask.
pub fn assumed(cluster: &Cluster, owner: &str) -> String {
    format!(
        "can't see whether the indexes of {owner} have on disk what they confirm ({SETTING} = request, as by itself): the \
         user of {} lacks the permission indices:monitor/settings/get. It is taken for granted.",
        cluster.name()
    )
}

/// Names of no index are rejected with their documents; some would ask for other indexes here.
fn is_name(name: &str) -> bool {
    const NEVER: [char; 11] = [',', '*', '/', '\\', '?', '"', '<', '>', '|', '#', ':'];
    let is_dots = matches!(name, "" | "." | "..");
    !is_dots && !name.starts_with(['_', '-', '+']) && !name.contains(NEVER) && !name.contains(char::is_whitespace)
}

fn refusal(index: &str, owner: &str) -> Error {
    let message = format!(
        "index \"{index}\" of {owner} can't be written exactly once: it confirms documents that are not on disk yet"
    );
    Error::statement(message)
        .with_detail(format!(
            "Its setting {SETTING} is async. A node that breaks down would lose them, and the job would take them for \
             written."
        ))
        .with_hint(format!(
            "PUT /{index}/_settings {{\"{SETTING}\":\"request\"}}, then POST /{index}/_flush; and where an index template \
             says async, change it, too. Or set 'sink.delivery-guarantee' = 'at-least-once'."
        ))
}
