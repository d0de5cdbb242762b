//! Jobs that are killed: at moments by chance, and at every step of the protocol. Started again each time, they leave in
//! every sink what an undisturbed run would have left, whichever client read before and reads on.

#![allow(clippy::disallowed_methods)] // tests spawn on their own runtime

pub mod committed;
mod expected;
mod forgotten;
mod load;
mod namesake;
mod points;
mod removed_sink;
mod worker;
mod world;

use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use self::world::World;
use crate::kafka::clients;

/// A number from the environment.
fn number(name: &str, default: u64) -> u64 {
    match std::env::var(name) {
        Ok(text) if !text.is_empty() => text.parse().unwrap_or_else(|_| panic!("{name}: '{text}' is no number")),
        _ => default,
    }
}

/// `make soak KILLS=1000 SEED=7`; in the test run it is twenty kills.
#[tokio::test(flavor = "multi_thread")]
async fn soak_kills() {
    let (seed, kills) = (number("KILL_SEED", 1), number("KILLS", 20));
    let mut chance = StdRng::seed_from_u64(seed);
    let (mut world, clients) = (World::new(300).await, clients());
    world.start_all();
    let start = Instant::now();
    println!("kills: seed {seed}, {kills} kills");
    for kill in 1..=kills {
        // Mostly while it works, sometimes while it starts.
        let wait = if chance.random_bool(0.2) { chance.random_range(0..300) } else { chance.random_range(300..2_500) };
        tokio::time::sleep(Duration::from_millis(wait)).await;
        let victim = chance.random_range(0..world.workers.len());
        world.workers[victim].kill();
        world.workers[victim].parallelism = chance.random_range(1..=3);
        world.workers[victim].client = clients[chance.random_range(0..clients.len())].clone();
        world.workers[victim].start(None);
        // A job that is never left alone long enough makes no progress, and nothing is learnt.
        if chance.random_bool(0.3) {
            world.goes_on(victim).await;
        }
        world.workers.iter_mut().for_each(|worker| worker.check());
        let (at, worker) = (start.elapsed().as_secs(), &world.workers[victim]);
        let (name, parallelism, client) = (&worker.name, worker.parallelism, &worker.client);
        let sent = world.sent();
        println!("kills: {at:>5} s: {kill} of {kills}: {name}, {client} goes on with {parallelism}; {sent} rows sent");
    }
    let rows = world.finish().await;
    println!("kills: {kills} kills survived with seed {seed}; {rows} rows came to every sink as they should");
}
