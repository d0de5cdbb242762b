//! Jobs whose marker is gone when they start again: a group that was forgotten after a clean stop does no harm, and what
//! never forgets has lost rows as well.

use rdkafka::admin::{AdminClient, AdminOptions};
use rdkafka::client::DefaultClientContext;

use super::namesake::{Scene, assert_refused};
use crate::kafka::config;

/// Deletes the group whose offsets are the marker, as the broker does after `offsets.retention.minutes`.
async fn forget(scene: &Scene) {
    let id = scene.stage.topic("output").name;
    let admin: AdminClient<DefaultClientContext> = config().create().unwrap();
    let deleted = admin.delete_groups(&[&format!("{id}-{id}")], &AdminOptions::new()).await.unwrap();
    assert!(deleted.iter().all(Result::is_ok), "{deleted:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_that_was_forgotten_behind_a_clean_stop_is_marked_again() {
    for tables in [&["kafka"][..], &["kafka", "postgres"]] {
        let scene = Scene::new().await;
        let input = scene.stage.topic("input");
        input.send_to(0, ["a"]);
        let mut running = scene.start(tables, "state");
        scene.come(tables, &["a"], &mut running).await;
        running.stop().await;
        forget(&scene).await;

        let mut running = scene.start(tables, "state");
        input.send_to(0, ["b"]);
        scene.come(tables, &["a", "b"], &mut running).await;
        drop(running); // kills it

        let mut running = scene.start(tables, "state");
        input.send_to(0, ["c"]);
        scene.come(tables, &["a", "b", "c"], &mut running).await;
        drop(running);

        // Now nobody knows whether the last epoch was published.
        forget(&scene).await;
        assert_refused(&scene.start(tables, "state").end().await, "has no marker of this job");
        scene.stage.clear().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_was_emptied_behind_a_clean_stop_is_refused() {
    let scene = Scene::new().await;
    scene.stage.topic("input").send_to(0, ["a"]);
    let mut running = scene.start(&["postgres"], "state");
    scene.come(&["postgres"], &["a"], &mut running).await;
    running.stop().await;
    let job = scene.stage.topic("output").name;
    scene.stage.db.run(&format!("TRUNCATE copied; DELETE FROM public.millstream_epochs WHERE job = '{job}'")).await;
    assert_refused(&scene.start(&["postgres"], "state").end().await, "has no marker of this job");
    scene.stage.clear().await;
}
