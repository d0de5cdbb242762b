//! Every fail point, one after the other: the process aborts there, is started again, and nothing is lost or doubled.

use std::collections::BTreeSet;
use std::time::Instant;

use millstream::failpoint::NAMES;

use super::world::World;

/// When a process comes by a fail point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Occasion {
    /// A job begins that has no checkpoint yet.
    Begins,
    /// It goes on from its checkpoints.
    GoesOn,
    /// It fails, and starts anew in the same process.
    StartsAnew,
    /// It is told to stop.
    Stops,
    /// Somebody asks for a savepoint.
    IsSaved,
    /// It begins from a savepoint.
    IsRestored,
}

use Occasion::{Begins, GoesOn, IsRestored, IsSaved, StartsAnew, Stops};

/// On which occasions a job comes by, and which time it dies.
fn occasions(point: &str) -> &'static [(Occasion, &'static [u32])] {
    match point {
        "start.looked" => &[(Begins, &[1]), (GoesOn, &[1]), (StartsAnew, &[2])],
        "start.before-written" => &[(Begins, &[1]), (IsRestored, &[1])],
        // Behind it no job begins.
        "start.written" => &[(IsRestored, &[1])],
        "start.attempt-taken" | "start.fenced" | "start.restored" => {
            &[(Begins, &[1]), (GoesOn, &[1]), (StartsAnew, &[2]), (IsRestored, &[1])]
        }
        // The attempt and the start; or the attempt, then what checkpoints are made of.
        "store.before-rename" | "store.after-rename" => &[(Begins, &[1, 2]), (GoesOn, &[1, 2, 3])],
        "data.before-file" | "data.after-file" => &[(GoesOn, &[1, 3]), (IsRestored, &[1])],
        "publish.before-noted" | "publish.noted" => &[(Stops, &[1])],
        _ if point.starts_with("savepoint.") => &[(IsSaved, &[1])],
        // The first time, and once when rows have been published before.
        _ => &[(GoesOn, &[1, 3])],
    }
}

/// The services that the job of a file publishes to.
fn services(file: &str) -> &'static [&'static str] {
    match file {
        "simple_filter_pg_agg.sql" => &["postgres"],
        "data_filtering_replication.sql" => &["opensearch"],
        "mixed.sql" => &["kafka", "postgres", "opensearch", "filesystem"],
        _ => &["kafka"],
    }
}

/// Whether a job's checkpoints have more than positions: state, or rows that are held.
fn has_data(file: &str, occasion: Occasion) -> bool {
    match file {
        "simple_filter.sql" | "simple_filter_pg.sql" => false,
        // What is held is published before there is a savepoint.
        "data_filtering_replication.sql" => occasion != IsRestored,
        _ => true,
    }
}

/// Whether a job comes by a fail point.
fn comes_by(file: &str, point: &str, occasion: Occasion) -> bool {
    let (place, _) = point.split_once('.').unwrap();
    match place {
        "kafka" | "postgres" | "opensearch" | "filesystem" => services(file).contains(&place),
        "data" => has_data(file, occasion),
        // Its transactions are taken over.
        _ if occasion == StartsAnew => services(file).contains(&"kafka"),
        _ if point == "collect.data-removed" => has_data(file, occasion),
        _ => point != "publish.between-targets" || services(file).len() > 1,
    }
}

/// Lets all jobs die, on this occasion, at every fail point that they come by then; notes the points. Each start that
/// dies recovers from the death before it, with another client.
async fn walk(world: &mut World, occasion: Occasion, walked: &mut BTreeSet<&'static str>) {
    let turns =
        |point: &str| occasions(point).iter().filter(move |(of, _)| *of == occasion).flat_map(|(_, turns)| *turns);
    for point in NAMES.iter().copied() {
        for turn in turns(point) {
            let (failing, start) = (format!("{point}@{turn}"), Instant::now());
            let all = 0..world.workers.len();
            let victims: Vec<usize> =
                all.filter(|victim| comes_by(&world.workers[*victim].name, point, occasion)).collect();
            for (i, worker) in world.workers.iter_mut().enumerate() {
                if victims.contains(&i) {
                    worker.kill();
                    worker.change();
                    worker.start(Some(&failing));
                } else if !matches!(occasion, Begins | IsRestored) && !worker.is_running() {
                    // What it writes may be what others read.
                    worker.start(None);
                }
            }
            let mut asking = Vec::new();
            for victim in &victims {
                match occasion {
                    Begins | GoesOn | IsRestored => {}
                    StartsAnew => {
                        world.goes_on(*victim).await;
                        world.take_over(*victim).await;
                    }
                    Stops => {
                        world.goes_on(*victim).await;
                        world.workers[*victim].ask_to_stop();
                    }
                    IsSaved => {
                        world.goes_on(*victim).await;
                        asking.push(world.ask_for_savepoint(*victim));
                    }
                }
            }
            for victim in victims {
                world.dies(victim, &failing).await;
                walked.insert(point);
            }
            println!("fail points: {occasion:?}, {failing}: {} ms", start.elapsed().as_millis());
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
#[cfg_attr(not(any(debug_assertions, feature = "fail-points")), ignore = "needs fail points: --features fail-points")]
async fn every_fail_point_is_survived_by_every_job() {
    let (mut world, mut walked) = (World::new(200).await, BTreeSet::new());
    for occasion in [Begins, GoesOn, StartsAnew, Stops, IsSaved] {
        walk(&mut world, occasion, &mut walked).await;
    }
    world.workers.iter_mut().for_each(|worker| worker.kill());
    world.start_all();
    // What comes behind a savepoint is written again: so nothing does.
    let sent = world.settle().await;
    for worker in 0..world.workers.len() {
        let savepoint = world.ask_for_savepoint(worker).written().await;
        world.workers[worker].from = Some(savepoint);
    }
    walk(&mut world, IsRestored, &mut walked).await;
    world.workers.iter_mut().for_each(|worker| worker.kill());
    world.start_all();
    world.end(sent).await;
    let left: Vec<_> = NAMES.iter().filter(|name| !walked.contains(**name)).collect();
    assert!(left.is_empty(), "no job comes by {left:?}");
}
