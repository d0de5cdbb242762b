//! The same with checkpoints: whatever happens to which service, and when in an epoch, every sink has every row once.

use std::time::Duration;

use super::own::Service;
use super::scene::Scene;
use crate::kafka::Turns;

const RATE: u64 = 200;

/// A service that is killed while the jobs stand still, and where.
const MOMENTS: [(Service, &str); 7] = [
    (Service::Kafka, "kafka.before-marker@5:stand-still"),
    (Service::Kafka, "kafka.before-commit@4:stand-still"),
    (Service::Kafka, "kafka.after-commit@5:stand-still"),
    (Service::PostgreSql, "postgres.before-commit@3:stand-still"),
    (Service::PostgreSql, "postgres.after-commit@3:stand-still"),
    (Service::OpenSearch, "opensearch.between-bulks@3:stand-still"),
    (Service::Kafka, "opensearch.before-marker@3:stand-still"),
];

#[tokio::test(flavor = "multi_thread")]
#[cfg_attr(not(any(debug_assertions, feature = "fail-points")), ignore = "needs fail points: --features fail-points")]
async fn services_that_are_away_at_any_moment_of_an_epoch_leave_every_row_once() {
    let (mut scene, clients) = (Scene::exactly_once().await, Turns::default());
    let (load, mut job) = (scene.load(RATE), scene.job());
    scene.goes_on(&load, &mut job).await;
    for service in [Service::Kafka, Service::PostgreSql, Service::OpenSearch] {
        scene.own.freeze(service).await;
        tokio::time::sleep(Duration::from_secs(3)).await;
        scene.own.thaw(service).await;
        scene.goes_on(&load, &mut job).await;
    }
    scene.in_transaction(&mut job).await;
    super::away(&scene, Service::Kafka, 1).await;
    scene.goes_on(&load, &mut job).await;
    // From moment to moment another client goes on.
    for (service, moment) in MOMENTS {
        job.stop().await;
        scene.client = clients.next();
        job = scene.job_until(moment);
        job.stands_still().await;
        scene.own.kill(service).await;
        job.go_on();
        tokio::time::sleep(Duration::from_secs(1)).await;
        scene.own.up(service).await;
        scene.goes_on(&load, &mut job).await;
        println!("{moment}: {} rows sent, {} reads", load.sent(), scene.client);
    }
    // All of them at once.
    let own = &scene.own;
    tokio::join!(own.stop(Service::Kafka), own.stop(Service::PostgreSql), own.stop(Service::OpenSearch));
    tokio::join!(own.up(Service::Kafka), own.up(Service::PostgreSql), own.up(Service::OpenSearch));
    scene.goes_on(&load, &mut job).await;
    scene.finish(load, job).await;
}
