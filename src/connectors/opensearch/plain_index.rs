//! What the name of an index stands for: rows without a PRIMARY KEY are written exactly once only to an index itself.
//!
//! An alias or a data stream leads to another index when it rolls over. A document that is published again after that
//! would be there twice.

use std::time::Duration;

use opensearch::http::Method;
use serde::Deserialize;

use super::client::Cluster;
use super::request::{Request, path_segment};
use crate::error::{Error, Result};

#[derive(Deserialize)]
struct Resolved {
    #[serde(default)]
    aliases: Vec<serde_json::Value>,
    #[serde(default)]
    data_streams: Vec<serde_json::Value>,
}

/// Asks the service what `name` is.
///
/// # Errors
/// An alias or a data stream.
pub async fn require_plain_index(cluster: &Cluster, name: &str, owner: &str, patience: Duration) -> Result<()> {
    let request = Request::new(Method::Get, format!("/_resolve/index/{}", path_segment(name)));
    let answer = cluster.ask(&request, patience).await?;
    match answer.status {
        // A service of before 7.9, which has no data streams. What stands in its answer is no name.
        400 | 404 | 405 => return Ok(()),
        403 => {
            let line = format!(
                "can't see whether \"{name}\" of {owner} is an index, an alias or a data stream: the user of {} lacks \
                 the permission indices:admin/resolve/index. Only in an index are its rows exactly once.",
                cluster.name()
            );
            cluster.reporter().news(&line);
            return Ok(());
        }
        status if status > 403 => return Err(cluster.refused(&answer)),
        _ => {}
    }
    let resolved: Resolved = serde_json::from_slice(&answer.body)
        .map_err(|e| Error::external(format!("{} resolved a name to something else: {e}", cluster.name())))?;
    match (resolved.aliases.is_empty(), resolved.data_streams.is_empty()) {
        (true, true) => Ok(()),
        (false, _) => Err(refusal(&format!("\"{name}\" of {owner} is an alias"))),
        (_, false) => Err(refusal(&format!("\"{name}\" of {owner} is a data stream"))),
    }
}

/// The error for a name that was none, until the first document made a data stream of it.
pub fn became_a_data_stream(backing_index: &str, owner: &str) -> Error {
    refusal(&format!("an index of {owner} is made as a data stream by an index template (\"{backing_index}\")"))
}

fn refusal(what: &str) -> Error {
    Error::statement(format!("{what}: without a PRIMARY KEY it can't be written exactly once"))
        .with_detail("A rollover between two tries to publish the same document would leave it in two indexes.")
        .with_hint(
            "Write to an index itself ('index' = 'name-{now()|yyyy-MM-dd}' changes it by the day), declare a PRIMARY \
             KEY, or set 'sink.delivery-guarantee' = 'at-least-once'.",
        )
}
