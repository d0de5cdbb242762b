//! What is asked before a job opens: whether each of its doors could be opened. Nothing is made where one is refused.

use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use futures::stream::{FuturesUnordered, StreamExt};

use super::metrics::JobMetrics;
use super::timer;
use crate::connectors::{DoorMetrics, OpenContext};
use crate::error::{Error, Result};
use crate::plan::stream_plan::{NodeKind, StreamPlan};

/// When one door is refused, so long the others have to tell of theirs: they may be waiting for a service.
const GRACE: Duration = Duration::from_secs(1);

/// Asks all doors of a plan at once, each with a context of its own.
///
/// # Errors
/// All that was refused, in the order in which tables were `declared`; what is not among them, in that of the plan.
pub async fn check(
    plan: &StreamPlan,
    declared: &[String],
    metrics: &JobMetrics,
    context: impl Fn(Arc<DoorMetrics>) -> OpenContext,
) -> Result<()> {
    let mut sources = metrics.sources.iter().map(|source| source.door.clone());
    let mut sinks = metrics.sinks.iter().map(|sink| sink.door.clone());
    let mut lookups = metrics.lookups.iter().map(|lookup| lookup.door.clone());
    let mut asked: Vec<(&str, BoxFuture<'_, Result<()>>)> = Vec::new();
    for node in &plan.nodes {
        match &node.kind {
            NodeKind::Source(node) => {
                let context = context(sources.next().unwrap_or_default());
                asked.push((&node.table, Box::pin(async move { node.source.check(&context).await })));
            }
            NodeKind::Sink(node) => {
                let context = context(sinks.next().unwrap_or_default());
                asked.push((&node.table, Box::pin(async move { node.sink.check(node.exactly_once, &context).await })));
            }
            NodeKind::LookupJoin(node) => {
                let context = context(lookups.next().unwrap_or_default());
                asked.push((&node.table, Box::pin(async move { node.lookup.check(&node.request, &context).await })));
            }
            _ => {}
        }
    }
    for letters in &plan.dead_letters {
        let context = context(Arc::default());
        asked.push((&letters.table, Box::pin(async move { letters.sink.check(false, &context).await })));
    }
    let place = |table: &str| declared.iter().position(|known| known == table).unwrap_or(declared.len());
    let numbered = asked.into_iter().enumerate().map(|(number, (table, door))| {
        let place = (place(table), number);
        async move { (place, door.await) }
    });
    let mut waiting: FuturesUnordered<_> = numbered.collect();
    let mut refused: Vec<((usize, usize), Error)> = Vec::new();
    let mut until = None;
    loop {
        let grace = async move {
            match until {
                Some(until) => timer::sleep_until(until).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            answer = waiting.next() => match answer {
                Some((place, Err(error))) => {
                    refused.push((place, error));
                    until.get_or_insert_with(|| timer::now() + GRACE);
                }
                Some((_, Ok(()))) => {}
                None => break,
            },
            () = grace => break,
        }
    }
    refused.sort_by_key(|(place, _)| *place);
    Error::together(refused.into_iter().map(|(_, error)| error)).map_or(Ok(()), Err)
}
