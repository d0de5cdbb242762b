//! Savepoints: asked for, refused, given up.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::sync::oneshot;

use super::hand::{Hand, INTERVAL, coordinate, coordinated};
use crate::changelog::Epoch;
use crate::checkpoint::{CheckpointKind, Manifest, Store, simulate_folders};
use crate::error::Result;
use crate::runtime::Checkpoints;
use crate::runtime::coordinator::{SavepointRequest, SavepointTime, Unresumable};
use crate::runtime::tests::simulation::{Dice, SimulatedStore, Trouble, World};

/// Asks for a savepoint.
async fn savepoint(hand: &Hand, folder: &Path) -> oneshot::Receiver<Result<PathBuf>> {
    let (reply, answer) = oneshot::channel();
    let request = SavepointRequest { folder: folder.to_path_buf(), when: SavepointTime::NextBarrier, reply };
    hand.savepoints.send(request).await.expect("the coordinator runs");
    answer
}

async fn kind_of(path: &Path) -> String {
    let bytes = std::fs::read(path.join("_metadata")).expect("a savepoint");
    let manifest = Manifest::decode(&bytes).expect("a manifest");
    assert_eq!(manifest.kind, CheckpointKind::Savepoint);
    assert!(manifest.targets.is_empty(), "what its epoch left is published");
    manifest.epoch.0.to_string()
}

#[test]
fn a_savepoint_that_hangs_is_given_up_and_the_job_goes_on() {
    let timeout = |options: &mut Checkpoints, _: &mut Unresumable| options.timeout = 5 * INTERVAL;
    let world = Arc::new(World::new(Dice::new(1), &[]));
    // A process that is dead does no step any more.
    world.set_trouble(Trouble { dies_at: Some(0), ..Trouble::default() });
    simulate_folders(Some(Box::new(move |_| Some(Store::of(Arc::new(SimulatedStore(world.clone())))))));
    let (ended, said) = coordinate(1, Store::memory(), timeout, async |mut hand| {
        let answer = savepoint(&hand, Path::new("/backup")).await;
        hand.barrier().await;
        hand.passed(1, 0, 10);
        let error = answer.await.unwrap().unwrap_err();
        assert_eq!(hand.barrier().await, Epoch(2));
        hand.passed(2, 0, 20);
        assert_eq!(hand.complete().await, Epoch(2));
        error.message().to_string()
    });
    simulate_folders(None);
    ended.unwrap();
    assert_eq!(said, "writing the savepoint took longer than 500ms");
}

#[tokio::test]
async fn a_savepoint_is_refused_while_a_source_is_read_that_cannot_resume() {
    let folder = tempfile::tempdir().unwrap();
    let unresumable = |_: &mut Checkpoints, tasks: &mut Unresumable| _ = tasks.insert(1, "scores".into());
    let (_, errors) = coordinated(2, Store::memory(), unresumable, async |mut hand| {
        let mut errors = Vec::new();
        for when in [SavepointTime::NextBarrier, SavepointTime::End { drain: false }] {
            let (reply, answer) = oneshot::channel();
            let request = SavepointRequest { folder: folder.path().to_path_buf(), when, reply };
            hand.savepoints.send(request).await.expect("the coordinator runs");
            errors.push(answer.await.expect("an answer").unwrap_err().message().to_string());
        }
        // The job goes on, and has one afterwards.
        hand.ended(1, 11);
        let answer = savepoint(&hand, folder.path()).await;
        assert_eq!(hand.barrier().await, Epoch(1));
        hand.passed(1, 0, 10);
        answer.await.unwrap().unwrap();
        errors
    })
    .await;
    assert_eq!(errors, ["there is no savepoint of job \"job\" before \"scores\" has been read to its end"; 2]);
}

/// On the time of the machine, for savepoints go to its disk.
#[tokio::test]
async fn a_savepoint_is_of_the_epoch_that_ends_next_whenever_it_is_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let long = |options: &mut Checkpoints, _: &mut Unresumable| options.interval = Duration::from_secs(3_600);
    let (ended, epochs) = coordinated(1, Store::memory(), long, async |mut hand| {
        let mut epochs = Vec::new();
        // Between two epochs it makes one end.
        let answer = savepoint(&hand, folder.path()).await;
        assert_eq!(hand.barrier().await, Epoch(1));
        hand.passed(1, 0, 10);
        epochs.push(kind_of(&answer.await.unwrap().unwrap()).await);
        // While one is under way.
        hand.room.ask();
        assert_eq!(hand.barrier().await, Epoch(2));
        let answer = savepoint(&hand, folder.path()).await;
        hand.taken().await;
        hand.passed(2, 0, 20);
        epochs.push(kind_of(&answer.await.unwrap().unwrap()).await);
        // While one is published: it is of the next.
        assert_eq!(hand.barrier().await, Epoch(3));
        hand.target.waits.store(true, Ordering::SeqCst);
        hand.passed(3, 0, 30);
        while !hand.target.lines.lock().unwrap().iter().any(|line| line == "publish 3: 30") {
            tokio::task::yield_now().await;
        }
        let answer = savepoint(&hand, folder.path()).await;
        hand.target.waits.store(false, Ordering::SeqCst);
        hand.target.goes_on.notify_one();
        assert_eq!(hand.barrier().await, Epoch(4));
        // Its folder can't be used: the job goes on.
        std::fs::write(folder.path().join("file"), "").unwrap();
        let refused = savepoint(&hand, &folder.path().join("file")).await;
        hand.taken().await;
        hand.passed(4, 0, 40);
        epochs.push(kind_of(&answer.await.unwrap().unwrap()).await);
        let error = refused.await.unwrap().unwrap_err();
        assert!(error.message().starts_with("cannot use \""), "{error}");
        // With the end of the job.
        let answer = savepoint(&hand, folder.path()).await;
        hand.ended(0, 50);
        epochs.push(kind_of(&answer.await.unwrap().unwrap()).await);
        epochs
    })
    .await;
    ended.unwrap();
    assert_eq!(epochs, ["1", "2", "4", "5"]);
}
