//! The topic grows while it is read.

use super::RATE;
use super::scene::Scene;
use crate::kafka::clients;

#[tokio::test(flavor = "multi_thread")]
async fn partitions_that_are_added_under_load_are_read_and_lose_nothing() {
    for client in clients() {
        let mut scene = Scene::new(&[]).await;
        scene.client = client;
        scene.ways.source = ", 'scan.topic-partition-discovery.interval' = '200 ms'".into();
        let (load, mut job) = (scene.load(RATE), scene.job());
        scene.goes_on(&load, &mut job).await;
        let mut topic = String::new();
        for partitions in [3, 6] {
            topic = scene.grow_source(partitions, &mut job).await;
            scene.goes_on(&load, &mut job).await;
        }
        // Rows are in each of the partitions, and all rows must have arrived.
        let ended = scene.finish(load, job).await;
        for partition in 2..6 {
            let news = format!("topic \"{topic}\" has a new partition: reading partition {partition}, too");
            assert!(ended.stderr.contains(&news), "{news:?} is not said:\n{}", ended.stderr);
        }
    }
}
