//! The coordinator of epochs by hand: when they begin, end and are published, and what fails them.

mod hand;
mod savepoints;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use self::hand::{INTERVAL, coordinate, coordinated, nothing};
use super::simulation::time;
use super::simulation::{Dice, SimulatedStore, Trouble, World};
use crate::changelog::Epoch;
use crate::checkpoint::Store;
use crate::error::ErrorKind;
use crate::runtime::Checkpoints;
use crate::runtime::coordinator::{SourceCommand, TaskReport, Unresumable};

#[test]
fn an_epoch_is_begun_before_its_first_row_and_published_once_all_have_passed() {
    let (ended, lines) = coordinate(2, Store::memory(), nothing, async |mut hand| {
        assert_eq!(hand.barrier().await, Epoch(1));
        let begun = hand.lines();
        hand.passed(1, 0, 10);
        time::sleep_ms(500).await;
        assert_eq!(hand.lines(), [""; 0], "one is missing");
        hand.passed(1, 1, 11);
        assert_eq!(hand.complete().await, Epoch(1));
        assert_eq!(hand.barrier().await, Epoch(2));
        [begun, hand.lines()].concat()
    });
    assert!(ended.is_ok(), "the tasks were dropped: somebody else says why");
    assert_eq!(lines, ["begin 2", "publish 1: 10 11", "begin 3"]);
}

#[test]
fn a_task_that_ends_before_its_barrier_leaves_its_rows_to_the_epoch_under_way() {
    let (ended, (lines, checkpoints)) = coordinate(2, Store::memory(), nothing, async |mut hand| {
        hand.barrier().await;
        hand.ended(1, 11);
        hand.passed(1, 0, 10);
        hand.barrier().await;
        hand.passed(2, 0, 20);
        hand.barrier().await;
        hand.ended(0, 30);
        hand.published("publish 3: 30").await;
        (hand.lines(), hand.checkpoints().await)
    });
    ended.unwrap();
    let published: Vec<&String> = lines.iter().filter(|line| line.starts_with("publish")).collect();
    assert_eq!(published, ["publish 1: 10 11", "publish 2: 20", "publish 3: 30"]);
    assert_eq!(checkpoints, ["1 periodic of 0 1", "2 periodic of 0 1", "3 final of 0 1"]);
}

#[test]
fn a_task_that_ends_behind_its_barrier_leaves_its_rows_to_the_next_epoch() {
    let (ended, (lines, checkpoints)) = coordinate(2, Store::memory(), nothing, async |mut hand| {
        hand.barrier().await;
        hand.passed(1, 1, 11);
        hand.ended(1, 21);
        hand.passed(1, 0, 10);
        hand.barrier().await;
        hand.passed(2, 0, 20);
        hand.barrier().await;
        hand.passed(3, 0, 30);
        hand.ended(0, 40);
        hand.published("publish 4: 40").await;
        (hand.lines(), hand.checkpoints().await)
    });
    ended.unwrap();
    let published: Vec<&String> = lines.iter().filter(|line| line.starts_with("publish")).collect();
    assert_eq!(published, ["publish 1: 10 11", "publish 2: 20 21", "publish 3: 30", "publish 4: 40"]);
    assert_eq!(checkpoints.last().unwrap(), "4 final of 0 1");
}

#[test]
fn tasks_that_end_in_the_middle_of_an_epoch_make_it_the_last() {
    for passes in [false, true] {
        let (ended, lines) = coordinate(2, Store::memory(), nothing, async |mut hand| {
            hand.barrier().await;
            if passes {
                hand.passed(1, 1, 11);
            }
            hand.ended(0, 10);
            hand.ended(1, 21);
            hand.published(if passes { "publish 2: 21" } else { "publish 1: 10 21" }).await;
            [hand.lines(), hand.checkpoints().await].concat()
        });
        ended.unwrap();
        let expected: &[&str] = match passes {
            true => &["begin 2", "publish 1: 10 11", "publish 2: 21", "1 periodic of 0 1", "2 final of 0 1"],
            false => &["begin 2", "publish 1: 10 21", "1 final of 0 1"],
        };
        assert_eq!(lines, expected);
    }
}

#[test]
fn tasks_that_end_while_an_epoch_is_published_have_one_more() {
    let (ended, lines) = coordinate(2, Store::memory(), nothing, async |mut hand| {
        hand.barrier().await;
        hand.target.waits.store(true, Ordering::SeqCst);
        hand.passed(1, 0, 10);
        hand.passed(1, 1, 11);
        hand.published("publish 1: 10 11").await;
        hand.ended(0, 20);
        hand.ended(1, 21);
        time::sleep_ms(500).await;
        assert_eq!(hand.checkpoints().await, ["1 periodic of 0 1"]);
        hand.target.waits.store(false, Ordering::SeqCst);
        hand.target.goes_on.notify_one();
        hand.published("publish 2: 20 21").await;
        hand.checkpoints().await
    });
    ended.unwrap();
    assert_eq!(lines, ["1 periodic of 0 1", "2 final of 0 1"]);
}

#[test]
fn there_is_no_epoch_while_a_source_is_read_that_cannot_resume() {
    let unresumable = |_: &mut Checkpoints, tasks: &mut Unresumable| _ = tasks.insert(1, "scores".into());
    let (ended, lines) = coordinate(2, Store::memory(), unresumable, async |mut hand| {
        hand.room.ask();
        time::sleep_ms(5_000).await;
        assert!(hand.commands.try_recv().is_err(), "no barrier comes before its end");
        hand.ended(1, 11);
        assert_eq!(hand.barrier().await, Epoch(1));
        hand.passed(1, 0, 10);
        hand.complete().await;
        hand.lines()
    });
    assert!(ended.is_ok());
    assert_eq!(lines, ["begin 2", "publish 1: 10 11"]);
    let (ended, lines) = coordinate(2, Store::memory(), unresumable, async |hand| {
        hand.ended(0, 10);
        hand.reports.send(TaskReport::Ended(1, None)).unwrap();
        time::sleep_ms(500).await;
        let told = hand.told.lock().unwrap().clone();
        [told, hand.lines(), hand.checkpoints().await].concat()
    });
    ended.unwrap();
    let told = "job \"job\" was stopped before \"scores\" was read to its end: nothing is published exactly once, and the \
                next start reads it anew";
    assert_eq!(lines, [told], "stopped in its middle it leaves nothing");
}

#[test]
fn a_writer_that_holds_much_ends_the_epoch_early_and_a_pause_is_kept() {
    let pause = |options: &mut Checkpoints, _: &mut Unresumable| options.min_pause = 3 * INTERVAL;
    let (_, times) = coordinate(1, Store::memory(), pause, async |mut hand| {
        let clock = || time::now().unwrap();
        let start = clock();
        time::sleep_ms(10).await;
        hand.room.ask();
        hand.barrier().await;
        let first = clock() - start;
        hand.passed(1, 0, 10);
        hand.barrier().await;
        [first, clock() - start]
    });
    assert_eq!(times, [Duration::from_millis(10), Duration::from_millis(310)]);
}

#[test]
fn a_checkpoint_that_takes_too_long_fails_the_job() {
    let timeout = |options: &mut Checkpoints, _: &mut Unresumable| options.timeout = 5 * INTERVAL;
    let (ended, _) = coordinate(2, Store::memory(), timeout, async |mut hand| {
        hand.barrier().await;
        hand.passed(1, 0, 10);
        time::sleep_ms(450).await;
        hand.passed(1, 1, 11);
        assert_eq!(hand.barrier().await, Epoch(2), "in time");
        hand.passed(2, 0, 20);
        while hand.commands.recv().await.is_some() {}
    });
    let error = ended.unwrap_err();
    let late = "checkpoint 2 was not complete within 500ms: rows from before it are still on their way";
    assert_eq!((error.kind(), error.message()), (ErrorKind::External, late));
}

#[test]
fn a_checkpoint_that_is_late_goes_on_as_often_as_is_tolerated() {
    let on_their_way = "checkpoint 1 was not complete within 500ms: rows from before it are still on their way";
    let published = "checkpoint 1 was not complete within 500ms: its rows are being published";
    for tolerated in [1, 2] {
        let tolerate = |options: &mut Checkpoints, _: &mut Unresumable| {
            (options.timeout, options.tolerable_failures) = (5 * INTERVAL, tolerated);
        };
        let (ended, (told, lines)) = coordinate(1, Store::memory(), tolerate, async |mut hand| {
            hand.barrier().await;
            time::sleep_ms(750).await;
            hand.target.waits.store(true, Ordering::SeqCst);
            hand.passed(1, 0, 10);
            hand.published("publish 1: 10").await;
            time::sleep_ms(500).await;
            hand.target.waits.store(false, Ordering::SeqCst);
            hand.target.goes_on.notify_one();
            if tolerated > 1 {
                assert_eq!(hand.complete().await, Epoch(1));
                // One that is complete makes up for those before it.
                hand.barrier().await;
                time::sleep_ms(1_250).await;
                hand.passed(2, 0, 20);
                assert_eq!(hand.complete().await, Epoch(2));
            }
            let told = hand.told.lock().unwrap().clone();
            (told, hand.checkpoints().await)
        });
        match tolerated {
            1 => {
                assert_eq!(told, [format!("job \"job\": {on_their_way}; going on with it")]);
                assert_eq!(ended.unwrap_err().message(), published);
                assert_eq!(lines, ["1 periodic of 0"], "a start finds what is to be published");
            }
            _ => {
                let going_on = [on_their_way, published].map(|late| format!("job \"job\": {late}; going on with it"));
                assert_eq!(told[..2], going_on);
                assert_eq!(told.len(), 4, "{told:?}");
                ended.unwrap();
                assert_eq!(lines, ["1 periodic of 0", "2 periodic of 0"]);
            }
        }
    }
}

#[test]
fn what_cannot_be_published_ends_the_attempt() {
    let (ended, lines) = coordinate(1, Store::memory(), nothing, async |mut hand| {
        hand.barrier().await;
        hand.target.fails.store(true, Ordering::SeqCst);
        hand.passed(1, 0, 10);
        while hand.commands.recv().await.is_some() {}
        hand.checkpoints().await
    });
    assert_eq!(ended.unwrap_err().message(), "the connection is gone");
    assert_eq!(lines, ["1 periodic of 0"], "a start finds what is to be published");
}

#[test]
fn a_checkpoint_that_cannot_be_written_is_tried_again_as_often_as_is_tolerated() {
    for tolerated in [1, 2] {
        let world = Arc::new(World::new(Dice::new(1), &[]));
        let store = Store::of(Arc::new(SimulatedStore(world.clone())));
        let tolerate = |options: &mut Checkpoints, _: &mut Unresumable| options.tolerable_failures = tolerated;
        let (ended, told) = coordinate(1, store, tolerate, async |mut hand| {
            hand.barrier().await;
            world.set_trouble(Trouble { fails: 1_000, ..Trouble::default() });
            hand.passed(1, 0, 10);
            while hand.told.lock().unwrap().len() < 2 && !hand.commands.is_closed() {
                time::sleep_ms(1).await;
            }
            world.set_trouble(Trouble::default());
            while !matches!(hand.commands.recv().await, None | Some(SourceCommand::Complete(_))) {}
            hand.told.lock().unwrap().clone()
        });
        assert_eq!(told.len(), tolerated as usize, "{told:?}");
        assert!(
            told[0].starts_with("job \"job\": checkpoint 1 can't be written: cannot write \"job/data/1-1-0\""),
            "{told:?}"
        );
        match tolerated {
            1 => {
                let error = ended.unwrap_err();
                assert_eq!(error.kind(), ErrorKind::External);
                assert!(error.message().starts_with("checkpoint 1 can't be written: cannot write"), "{error}");
            }
            _ => ended.unwrap(),
        }
    }
}

#[tokio::test]
async fn what_cannot_be_noted_is_told() {
    // Where the note is written first there is a folder.
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(folder.path().join("job/chk-1/published.part/x")).unwrap();
    let store = Store::folder(folder.path()).unwrap();
    let (ended, told) = coordinated(1, store, nothing, async |hand| {
        hand.ended(0, 10);
        hand.published("publish 1: 10").await;
        let told = hand.told.clone();
        drop(hand);
        told
    })
    .await;
    ended.unwrap();
    let told = told.lock().unwrap().clone();
    assert!(told[0].starts_with("it can't be noted that checkpoint 1 is published: cannot write \""), "{told:?}");
}
