//! Damage to checkpoint folders: the previous checkpoint where no target is past it, or a clear error; never rows that
//! are wrong.

use std::path::{Path, PathBuf};

use super::dice::Dice;
use super::run::{Asked, End, Run, Shape};
use super::world::{INJECTED, Trouble};
use crate::checkpoint::{Manifest, Store};
use crate::error::ErrorKind;

/// What becomes of a file.
#[derive(Debug, Clone, Copy)]
enum Damage {
    Truncated,
    Empty,
    Flipped,
    Gone,
}

const DAMAGES: [Damage; 4] = [Damage::Truncated, Damage::Empty, Damage::Flipped, Damage::Gone];

fn damage(file: &Path, damage: Damage) {
    let mut bytes = std::fs::read(file).expect("a file");
    let middle = bytes.len() / 2;
    match damage {
        Damage::Truncated => bytes.truncate(middle),
        Damage::Empty => bytes.clear(),
        Damage::Flipped => bytes[middle] ^= 1,
        Damage::Gone => return std::fs::remove_file(file).expect("it can be removed"),
    }
    std::fs::write(file, bytes).expect("it can be written");
}

/// The manifests, the newest first.
fn manifests(folder: &Path) -> Vec<(PathBuf, Manifest)> {
    let mut found: Vec<(PathBuf, Manifest)> = std::fs::read_dir(folder.join("test"))
        .expect("the folder of the job")
        .map(|entry| entry.expect("an entry").path().join("_metadata"))
        .filter(|path| path.exists())
        .map(|path| {
            let manifest = Manifest::decode(&std::fs::read(&path).unwrap()).expect("a manifest that is whole");
            (path, manifest)
        })
        .collect();
    found.sort_by_key(|(_, manifest)| std::cmp::Reverse(manifest.epoch));
    found
}

/// A data file that a manifest needs and no older one does.
fn data_file(folder: &Path, found: &[(PathBuf, Manifest)]) -> Option<PathBuf> {
    let (newest, older) = found.split_first()?;
    let needed = |file: &str| older.iter().any(|(_, manifest)| manifest.pieces().any(|piece| piece.file == file));
    let file = newest.1.pieces().find(|piece| piece.length > 0 && !needed(&piece.file))?.file.clone();
    Some(folder.join("test/data").join(file))
}

/// A job of some rows that keeps its checkpoints in a folder.
pub fn run_in(folder: &Path, seed: u64, services: [(&'static str, bool); 2], sinks: Vec<Option<&'static str>>) -> Run {
    let shape = Shape { query: 12, parallelism: 2, resumes: true, services, sinks, buffers: true, rows: (250, 350) };
    Run::new(shape, Dice::new(seed), Some(Store::folder(folder).expect("a folder")))
}

/// The job dies in the middle, something is damaged, it is started again. False where it was done before it died: how
/// many steps it takes depends on how fast the real folder is.
async fn damaged(number: u64, atomic: bool, targets: usize, what: Damage, in_data: bool) -> bool {
    let folder = tempfile::tempdir().expect("a folder");
    let sinks = if targets == 1 { vec![Some("one"); 3] } else { vec![Some("one"), Some("two"), Some("one")] };
    let run = run_in(folder.path(), number, [("one", atomic), ("two", atomic)], sinks);
    let case = format!("{number}, atomic {atomic}, targets {targets}, {what:?}, in data {in_data}");
    let dies_at = Some(10 * targets as u64 + number % 8);
    let trouble = Trouble { dies_at, dies_in_protocol: true, ..Trouble::default() };
    let ended = run.start(trouble, Asked::default()).await.expect("no error");
    if ended == End::Finished {
        return false;
    }
    assert_eq!(ended, End::Died, "{case}");
    let found = manifests(folder.path());
    let file = if in_data { data_file(folder.path(), &found) } else { Some(found[0].0.clone()) };
    let Some(file) = file else { return false };
    let newest = found[0].1.epoch;
    let at: Vec<_> = run.world.services.values().filter_map(|service| service.marker()).map(|m| m.epoch).collect();
    damage(&file, what);
    // A manifest that is gone is one that was never written: nobody can tell them apart.
    let gone = matches!(what, Damage::Gone) && !in_data;
    let is_past = at.contains(&newest);
    match run.start(Trouble::default(), Asked::default()).await {
        Ok(End::Finished) => {
            // Of the data only what is held may be damaged, which nobody needs any more.
            assert!(!is_past || in_data, "{case}: {at:?} of {newest:?}");
            if atomic || !gone {
                assert_eq!(run.check(), None, "{case}\n{}", run.world.log().join("\n"));
            }
        }
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::State, "{case}: {error}");
            assert!(error.hint().is_some(), "{case}: {error}");
            assert!(is_past || !atomic, "{case}: {error}");
        }
        other => panic!("{case}: {other:?}"),
    }
    true
}

#[tokio::test]
async fn a_damaged_checkpoint_is_passed_over_or_refused() {
    let mut cases = Vec::new();
    for what in DAMAGES {
        for in_data in [false, true] {
            for (atomic, targets) in [(true, 1), (true, 1), (true, 2), (true, 2), (false, 1)] {
                cases.push(damaged(cases.len() as u64, atomic, targets, what, in_data));
            }
        }
    }
    let done = futures::future::join_all(cases).await;
    let damaged = done.iter().filter(|damaged| **damaged).count();
    assert!(damaged > done.len() / 2, "{damaged} of {} were damaged", done.len());
}

#[tokio::test]
async fn several_damaged_checkpoints_are_told_and_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let run = run_in(folder.path(), 1, [("one", true), ("two", true)], vec![Some("one"); 3]);
    let trouble = Trouble { dies_at: Some(14), dies_in_protocol: true, ..Trouble::default() };
    assert_eq!(run.start(trouble, Asked::default()).await.expect("no error"), End::Died);
    let data = std::fs::read_dir(folder.path().join("test/data")).expect("a folder of data");
    data.for_each(|file| damage(&file.expect("a file").path(), Damage::Truncated));
    let error = run.start(Trouble::default(), Asked::default()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::State);
    assert!(error.message().contains("can be restored"), "{error}");
}

#[tokio::test]
async fn a_folder_that_cannot_be_written_fails_the_job_and_loses_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let run = run_in(folder.path(), 5, [("one", true), ("two", false)], vec![Some("one"), Some("two"), None]);
    let job = folder.path().join("test");
    std::fs::create_dir_all(&job).expect("a folder");
    std::fs::write(job.join("data"), "no folder").expect("a file");
    let error = run.start(Trouble::default(), Asked::default()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::External);
    assert!(error.message().contains("cannot ") && error.message().contains("/test/data"), "{error}");
    assert!(!error.message().contains(INJECTED));
    std::fs::remove_file(job.join("data")).expect("it is removed");
    assert_eq!(run.start(Trouble::default(), Asked::default()).await.expect("no error"), End::Finished);
    assert_eq!(run.check(), None);
}
