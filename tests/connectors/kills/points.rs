//! Every fail point, one after the other: the process aborts there, is started again, and nothing is lost or doubled.

use std::time::Instant;

use millstream::failpoint::NAMES;

use super::world::World;
use crate::kafka::PATIENCE;
use crate::pipelines::job::pause;

/// The services that the job of a file publishes to.
fn services(file: &str) -> &'static [&'static str] {
    match file {
        "simple_filter_pg_agg.sql" => &["postgres"],
        "data_filtering_replication.sql" => &["opensearch"],
        "mixed.sql" => &["kafka", "postgres", "opensearch", "filesystem"],
        _ => &["kafka"],
    }
}

/// Whether a job comes by a fail point.
fn comes_by(file: &str, point: &str) -> bool {
    let (place, _) = point.split_once('.').unwrap();
    match place {
        "kafka" | "postgres" | "opensearch" | "filesystem" => services(file).contains(&place),
        _ => point != "publish.between-targets" || services(file).len() > 1,
    }
}

#[tokio::test(flavor = "multi_thread")]
#[cfg_attr(not(any(debug_assertions, feature = "fail-points")), ignore = "needs fail points: --features fail-points")]
async fn every_fail_point_is_survived_by_every_job() {
    let mut world = World::new(200).await;
    world.start_all();
    for point in NAMES {
        // At the first time they come by, and once when rows have been published before.
        for turn in [1, 3] {
            let failing = format!("{point}@{turn}");
            let once = point.starts_with("start.");
            if once && turn > 1 {
                continue;
            }
            let mut victims = Vec::new();
            for (i, worker) in world.workers.iter_mut().enumerate().filter(|(_, w)| comes_by(&w.name, point)) {
                worker.kill();
                worker.start(Some(&failing));
                victims.push(i);
            }
            let start = Instant::now();
            for victim in victims {
                while !world.workers[victim].has_ended() {
                    let (name, said) = (&world.workers[victim].name, world.workers[victim].said());
                    assert!(start.elapsed() < PATIENCE, "{name} doesn't come by {failing}:\n{said}");
                    pause().await;
                }
                let ended = world.workers[victim].end().await;
                assert_eq!(ended.code, None, "it ends by a signal at {failing}: {ended:?}");
                world.workers[victim].start(None);
            }
            println!("fail points: {failing}: {} ms", start.elapsed().as_millis());
        }
    }
    world.finish().await;
}
