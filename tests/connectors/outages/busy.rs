//! An OpenSearch that is busy again and again while the job runs.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::scene::Scene;
use crate::opensearch::proxy::{Fault, Proxy};

/// What becomes of one bulk request after the other, again from the beginning at the end.
const FAULTS: [Fault; 16] = [
    Fault::None,
    Fault::Refuse(429),
    Fault::None,
    Fault::HalfBusy,
    Fault::None,
    Fault::Refuse(503),
    Fault::None,
    // Several in a row.
    Fault::HalfBusy,
    Fault::HalfBusy,
    Fault::None,
    Fault::Refuse(429),
    Fault::Refuse(503),
    Fault::HalfBusy,
    Fault::Refuse(429),
    Fault::None,
    // It is carried out, and nobody hears of it.
    Fault::CutAnswer(200),
];

#[tokio::test(flavor = "multi_thread")]
async fn an_opensearch_that_refuses_whole_requests_and_parts_of_them_gets_every_row() {
    let mut scene = Scene::new(&[]).await;
    let turns = Arc::<AtomicUsize>::default();
    let counted = turns.clone();
    let proxy =
        Proxy::start(&scene.opensearch, "", move || FAULTS[counted.fetch_add(1, Ordering::Relaxed) % FAULTS.len()])
            .await;
    scene.ways.opensearch = Some(format!("'hosts' = '{}', 'sink.bulk-flush.max-actions' = '200'", proxy.host));
    let (load, mut job) = (scene.load(400), scene.job());
    while turns.load(Ordering::Relaxed) < 2 * FAULTS.len() {
        scene.goes_on(&load, &mut job).await;
    }
    let ended = scene.finish(load, job).await;
    for words in [
        format!("waiting for OpenSearch at {}: ", proxy.host),
        "the queue is full (429 opensearch_rejected_execution_exception); trying again".into(),
        format!("OpenSearch at {} answers again", proxy.host),
    ] {
        assert!(ended.stderr.contains(&words), "{words:?} is not said:\n{}", ended.stderr);
    }
}
