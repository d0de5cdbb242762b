//! Outages by chance, as long as one likes: `make soak-outages SEED=7 MINUTES=60`. In the test run it is half a minute.

use std::env;
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::own::Service;
use super::scene::Scene;
use crate::kafka::clients;

/// A number from the environment.
fn number(name: &str, default: u64) -> u64 {
    match env::var(name) {
        Ok(text) if !text.is_empty() => text.parse().unwrap_or_else(|_| panic!("{name}: '{text}' is no number")),
        _ => default,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn soak_outages() {
    let (seed, seconds) = (number("SOAK_SEED", 1), number("SOAK_SECONDS", 30));
    let mut chance = StdRng::seed_from_u64(seed);
    let services = [Service::Kafka, Service::PostgreSql, Service::OpenSearch];
    let (mut scene, clients) = (Scene::new(&services).await, clients());
    scene.client = clients[chance.random_range(0..clients.len())].clone();
    let (load, mut job) = (scene.load(number("SOAK_RATE", 500)), scene.job());
    scene.goes_on(&load, &mut job).await;
    let (start, mut outages) = (Instant::now(), 0);
    println!("soak: seed {seed}, {seconds} s, {} reads", scene.client);
    while start.elapsed() < Duration::from_secs(seconds) {
        let service = services[chance.random_range(0..services.len())];
        // Mostly short, now and then long.
        let away =
            if chance.random_bool(0.2) { chance.random_range(5_000..30_000) } else { chance.random_range(0..3_000) };
        let how = ["killed", "stopped", "frozen"][chance.random_range(0..3)];
        match how {
            "killed" => scene.own.kill(service).await,
            "stopped" => scene.own.stop(service).await,
            _ => scene.own.freeze(service).await,
        }
        tokio::time::sleep(Duration::from_millis(away)).await;
        match how {
            "frozen" => scene.own.thaw(service).await,
            _ => _ = scene.own.up(service).await,
        }
        outages += 1;
        // Sometimes the next one comes before the job has caught up.
        if chance.random_bool(0.7) {
            scene.goes_on(&load, &mut job).await;
        }
        let (at, sent) = (start.elapsed().as_secs(), load.sent());
        println!("soak: {at:>5} s: {service:?} {how} for {away} ms; {sent} rows sent");
        job.check();
    }
    let ended = scene.finish(load, job).await;
    println!("soak: {outages} outages survived; the job said {} lines", ended.stderr.lines().count());
}
