//! Bad days: real services are stopped, killed and frozen while a job runs under load, and every row is compared at the
//! end. Nothing is lost; rows come again only where a sink has no key to know them by.

#![allow(clippy::disallowed_methods)] // tests spawn on their own runtime

mod busy;
mod delivered;
mod growth;
pub mod load;
mod once;
pub mod own;
mod scene;
mod script;
mod soak;
#[cfg(feature = "tls")]
mod tls;

use std::time::Duration;

use self::own::{Own, Service};
use self::scene::Scene;
use crate::kafka::{client, clients};
use crate::pipelines::cutter::{Cut, Cutter};

const RATE: u64 = 1000;

/// Kills the service, keeps it away for this long and starts it again.
async fn away(scene: &Scene, service: Service, seconds: u64) {
    scene.own.kill(service).await;
    tokio::time::sleep(Duration::from_secs(seconds)).await;
    scene.own.up(service).await;
}

/// The job survives all that can happen to one of its services, and says what it waits for.
async fn survives(service: Service, waits_for: &[&str]) {
    survives_in(Scene::new(&[service]).await, service, waits_for).await;
}

async fn survives_in(scene: Scene, service: Service, waits_for: &[&str]) {
    let (load, mut job) = (scene.load(RATE), scene.job());
    scene.goes_on(&load, &mut job).await;
    for seconds in [1, 30] {
        away(&scene, service, seconds).await;
        scene.goes_on(&load, &mut job).await;
    }
    scene.own.freeze(service).await;
    tokio::time::sleep(Duration::from_secs(10)).await;
    scene.own.thaw(service).await;
    scene.goes_on(&load, &mut job).await;
    let ended = scene.finish(load, job).await;
    for words in waits_for {
        assert!(ended.stderr.contains(words), "{words:?} is not said:\n{}", ended.stderr);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn kafka_away_loses_nothing() {
    for client in clients() {
        let mut scene = Scene::new(&[Service::Kafka]).await;
        scene.client = client;
        let words = ["lost Kafka at 127.0.0.1:", "answers again", "waiting for Kafka at 127.0.0.1:", "no answer for"];
        survives_in(scene, Service::Kafka, &words).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn postgresql_away_loses_nothing() {
    survives(Service::PostgreSql, &["waiting for PostgreSQL at 127.0.0.1:", "trying again"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn opensearch_away_loses_nothing() {
    survives(Service::OpenSearch, &["waiting for OpenSearch at http://127.0.0.1:", "trying again"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_leader_that_is_lost_is_followed_by_the_next() {
    for client in clients() {
        let mut scene = Scene::new(&[Service::Kafka, Service::Kafka2]).await;
        scene.client = client;
        let (load, mut job) = (scene.load(RATE), scene.job());
        scene.goes_on(&load, &mut job).await;
        // The other broker leads every partition while this one is away.
        for _ in 0..2 {
            scene.own.kill(Service::Kafka2).await;
            scene.goes_on(&load, &mut job).await;
            scene.own.up(Service::Kafka2).await;
            scene.goes_on(&load, &mut job).await;
        }
        scene.finish(load, job).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_topic_that_is_deleted_while_it_is_read_ends_the_job_by_name() {
    for client in clients() {
        let mut scene = Scene::new(&[Service::Kafka]).await;
        scene.client = client;
        let (load, mut job) = (scene.load(RATE), scene.job());
        scene.goes_on(&load, &mut job).await;
        let sent = load.stop().await;
        scene.reach(sent, &mut job).await;
        let topic = scene.delete_source().await;
        let ended = job.end().await;
        assert_eq!(ended.code, Some(1), "{ended:?}");
        // A broker that creates topics by itself may have made it again by the time the job looks.
        let gone = format!("topic \"{topic}\" doesn't exist on Kafka at {}", scene.kafka);
        let again = "it may have been deleted and made again";
        let said = |words: &str| ended.stderr.contains(words);
        assert!(said(&topic) && (said(&gone) || said(again)), "{}", ended.stderr);
        scene.sinks().await.check(sent);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sink_that_stands_still_holds_back_the_source_and_memory_stays_bounded() {
    for client in clients() {
        stands_still(client, "", 300_000, 300).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sink_that_stands_still_holds_back_the_source_of_an_exactly_once_job() {
    let folder = tempfile::tempdir().unwrap();
    let settings = format!(
        "SET 'execution.checkpointing.interval' = '200ms'; SET 'execution.checkpointing.dir' = 'file://{}';
         SET 'parallelism.default' = '1';",
        folder.path().display()
    );
    // Beside it two epochs of 64 MB may wait: one that is to be published, and the next.
    stands_still(client(), &settings, 500_000, 350).await;
}

/// Of rows of 1,500 bytes no more may wait in memory than a few batches, and what the client fetches ahead.
async fn stands_still(client: String, settings: &str, rows: u64, most_mb: u64) {
    let mut scene = Scene::new(&[Service::PostgreSql]).await;
    scene.client = client.clone();
    let bytes = 1_500;
    scene.fill(rows, bytes).await;
    let mut job = scene.slow_job(settings);
    scene.holds_some(&mut job).await;
    scene.own.freeze(Service::PostgreSql).await;
    let peak = job.memory_at_rest().await;
    scene.own.thaw(Service::PostgreSql).await;
    scene.holds_all(rows, bytes, &mut job).await;
    job.stop().await;
    assert!(peak < most_mb, "{client}: {peak} MB were in memory while the sink stood still");
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_to_kafka_that_break_in_mid_request_lose_nothing() {
    for client in clients() {
        // Also connections that count what has arrived take their turn. Later ones live longer, or a large request would
        // never get through.
        let (cutter, leads_to) = Cutter::to_be_told((0..3_000).map(|i| Cut::Request(20_000 + 1_500 * i))).await;
        let mut scene = Scene::of(Own::behind(cutter.address.clone(), leads_to), &[Service::Kafka]).await;
        (scene.kafka, scene.client) = (cutter.address.clone(), client);
        let (load, mut job) = (scene.load(RATE), scene.job());
        while cutter.cuts() < 10 {
            scene.goes_on(&load, &mut job).await;
        }
        scene.finish(load, job).await;
    }
}
