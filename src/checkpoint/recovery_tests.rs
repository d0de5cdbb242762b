//! Every case of a start as a line: checkpoints, markers, what is decided.

use super::super::manifest::tests::manifest;
use super::*;

fn found(epoch: u64, mode: EpochMode, targets: &[&str]) -> Found {
    Found { epoch: Epoch(epoch), manifest: Ok(manifest(epoch, mode, targets)), is_foreign: false, published: false }
}

fn torn(epoch: u64) -> Found {
    Found {
        epoch: Epoch(epoch),
        manifest: Err(Error::state("the manifest is damaged")),
        is_foreign: false,
        published: false,
    }
}

/// `postgres@3`, or `postgres@b3` of the lineage "b", or `postgres` without a marker.
fn marker(text: &str) -> TargetMarker {
    let (target, epoch) = text.split_once('@').map_or((text, None), |(target, epoch)| (target, Some(epoch)));
    let marker = epoch.map(|epoch| {
        let lineage: String = epoch.chars().take_while(char::is_ascii_alphabetic).collect();
        let number = epoch.trim_start_matches(char::is_alphabetic).parse().unwrap();
        let lineage = if lineage.is_empty() { "a".to_string() } else { lineage };
        Marker { lineage, attempt: 1, epoch: Epoch(number) }
    });
    TargetMarker { target: target.to_string(), marker }
}

/// A target called "os" has no transactions, and "kafka" forgets its marker.
fn traits() -> TargetTraits {
    TargetTraits { in_parts: vec!["os".to_string()], forgetful: vec!["kafka".to_string()] }
}

fn decided(found: Vec<Found>, markers: &[&str]) -> String {
    let markers: Vec<TargetMarker> = markers.iter().map(|text| marker(text)).collect();
    match decide(found, &markers, true, &traits()) {
        Ok(Decision::Fresh) => "fresh".to_string(),
        Ok(Decision::Restore { manifest, publish, mark, discard, damaged }) => {
            let discard: Vec<String> = discard.iter().map(|epoch| epoch.0.to_string()).collect();
            let damaged: Vec<String> = damaged.iter().map(|(epoch, _)| epoch.0.to_string()).collect();
            let list = |what: &str, of: Vec<String>| match of.is_empty() {
                true => String::new(),
                false => format!(", {what} {}", of.join(" ")),
            };
            format!(
                "restore {}{}{}{}{}",
                manifest.epoch.0,
                list("publish to", publish),
                list("mark", mark),
                list("discard", discard),
                list("damaged", damaged)
            )
        }
        Err(error) => format!("refuse: {}", error.message()),
    }
}

#[test]
fn rollback_goes_by_the_marker() {
    use EpochMode::Rollback;
    let all = |newest: u64| (0..=newest).rev().map(|epoch| found(epoch, Rollback, &["pg"])).collect::<Vec<_>>();
    for (newest, markers, expected) in [
        (0, "pg", "restore 0"),
        (1, "pg", "restore 0, discard 1"),
        (1, "pg@1", "restore 1"),
        (5, "pg@5", "restore 5"),
        (5, "pg@4", "restore 4, discard 5"),
        (5, "pg@6", "refuse: pg has epoch 6, and the newest checkpoint that can be restored is that of epoch 5"),
        // What is known to be published can't be made anew from the start, but from where a target was set back to.
        (2, "pg", "refuse: no checkpoint fits what was published: pg has no marker of this job"),
        (5, "pg@3", "restore 3, discard 5 4"),
        (5, "pg@b7", "refuse: pg has rows of job \"alerts\" that these checkpoints know nothing of (up to epoch 7)"),
    ] {
        assert_eq!(decided(all(newest), &[markers]), expected, "{newest} {markers}");
    }
}

#[test]
fn a_marker_that_was_set_back_or_is_gone_is_refused() {
    use EpochMode::{Held, Rollback};
    // Of two retained checkpoints the older knows that epoch 3 was published.
    let rollback = || vec![found(5, Rollback, &["pg"]), found(4, Rollback, &["pg"])];
    assert!(decided(rollback(), &["pg@2"]).starts_with("refuse: no checkpoint fits what was published"));
    assert!(decided(rollback(), &["pg"]).starts_with("refuse: no checkpoint fits what was published"));
    let held = || vec![found(5, Held, &["pg", "os"]), found(4, Held, &["pg", "os"])];
    assert_eq!(
        decided(held(), &["pg@5", "os@3"]),
        "refuse: os has epoch 3, and the checkpoint of epoch 5 knows that epoch 4 was published to it"
    );
    assert!(decided(held(), &["pg@5", "os"]).starts_with("refuse: os has no marker of this job"));
}

#[test]
fn held_goes_by_the_manifest() {
    use EpochMode::Held;
    let all = || vec![found(5, Held, &["pg", "os"]), found(4, Held, &["pg", "os"])];
    for (markers, expected) in [
        (["pg@5", "os@5"], "restore 5"),
        (["pg@5", "os@4"], "restore 5, publish to os"),
        (["pg@4", "os@4"], "restore 5, publish to pg os"),
    ] {
        assert_eq!(decided(all(), &markers), expected);
    }
    let first = || vec![found(1, Held, &["pg", "os"]), found(0, Held, &["pg", "os"])];
    assert_eq!(decided(first(), &["pg@1", "os"]), "restore 1, publish to os");
}

#[test]
fn a_damaged_checkpoint_falls_back_where_no_target_is_past_it() {
    use EpochMode::{Held, Rollback};
    let held = || vec![torn(5), found(4, Held, &["pg", "kafka"])];
    assert_eq!(decided(held(), &["pg@4", "kafka@4"]), "restore 4, damaged 5");
    assert_eq!(
        decided(held(), &["pg@5", "kafka@4"]),
        "refuse: pg has epoch 5, and the newest checkpoint that can be restored is that of epoch 4"
    );
    // Some rows of epoch 5 may stand there without its marker, also where it came to the job with that epoch.
    let in_part = "refuse: checkpoint 5 can't be restored, and os may have a part of its rows";
    assert_eq!(decided(vec![torn(5), found(4, Held, &["pg", "os"])], &["pg@4", "os@4"]), in_part);
    assert_eq!(decided(vec![torn(5), found(4, Held, &["pg", "kafka"])], &["pg@4", "kafka@4", "os"]), in_part);
    assert_eq!(decided(vec![torn(5), found(4, Rollback, &["pg"])], &["pg@4", "os"]), in_part);
    let rollback = || vec![torn(5), found(4, Rollback, &["pg"])];
    assert_eq!(decided(rollback(), &["pg@4"]), "restore 4, damaged 5");
    assert!(decided(rollback(), &["pg@5"]).starts_with("refuse: pg has epoch 5"));
    assert!(decided(vec![torn(5)], &[]).starts_with("refuse: no checkpoint can be restored"));
}

#[test]
fn without_targets_the_newest_readable_one_counts() {
    let found = vec![torn(9), found(8, EpochMode::Held, &[]), found(7, EpochMode::Held, &[])];
    assert_eq!(decided(found, &[]), "restore 8, damaged 9");
    assert_eq!(decided(Vec::new(), &[]), "fresh");
}

#[test]
fn a_target_that_the_job_did_not_have_yet_is_no_reason_to_refuse() {
    let found = vec![found(5, EpochMode::Rollback, &["pg"])];
    assert_eq!(decided(found, &["pg@5", "os"]), "restore 5");
}

#[test]
fn a_target_that_came_to_a_job_later_lacks_what_was_published_before() {
    let mut with_another = manifest(6, EpochMode::Held, &["pg", "os"]);
    with_another.targets[1].since = Epoch(6);
    let found = || {
        let newest = Found { epoch: Epoch(6), manifest: Ok(with_another.clone()), is_foreign: false, published: false };
        vec![newest, found(5, EpochMode::Held, &["pg"])]
    };
    assert_eq!(decided(found(), &["pg@5", "os"]), "restore 6, publish to pg os");
    assert_eq!(decided(found(), &["pg@6", "os"]), "restore 6, publish to os");
    assert!(decided(found(), &["pg@4", "os"]).starts_with("refuse: pg has epoch 4"));
}

#[test]
fn a_folder_without_checkpoints_and_a_target_with_rows_is_refused() {
    assert_eq!(decided(Vec::new(), &["pg"]), "fresh");
    assert!(decided(Vec::new(), &["pg@3"]).starts_with("refuse: pg has rows of this job up to epoch 3"));
    assert!(matches!(decide(Vec::new(), &[marker("pg@3")], false, &traits()), Ok(Decision::Fresh)));
}

#[test]
fn a_lineage_that_began_anew_does_not_look_behind_its_start() {
    let mut start = manifest(6, EpochMode::Rollback, &["pg"]);
    (start.lineage, start.published) = ("b".to_string(), None);
    start.kind = super::super::manifest::CheckpointKind::Start;
    start.inherited = vec![marker("pg@5")];
    let of = |manifest: Manifest| Found {
        epoch: manifest.epoch,
        manifest: Ok(manifest),
        is_foreign: false,
        published: false,
    };
    let old = || found(5, EpochMode::Rollback, &["pg"]);
    assert_eq!(decided(vec![of(start.clone()), old()], &["pg@5"]), "restore 6");
    let mut by_another_start = marker("pg@5");
    by_another_start.marker.as_mut().unwrap().attempt = 9;
    let decision = decide(vec![of(start.clone()), old()], &[by_another_start], true, &traits());
    assert!(matches!(decision, Ok(Decision::Restore { .. })), "{decision:?}");
    let next = Manifest { epoch: Epoch(7), kind: super::super::manifest::CheckpointKind::Periodic, ..start.clone() };
    assert_eq!(decided(vec![of(next.clone()), of(start.clone()), old()], &["pg@5"]), "restore 6, discard 7");
    assert_eq!(decided(vec![of(next), of(start), old()], &["pg@b7"]), "restore 7");
}

#[test]
fn a_target_that_the_job_no_longer_has_must_have_been_written() {
    let left = "refuse: the job no longer writes to pg, and it isn't known whether the rows of epoch 5 came there";
    let noted = |found: Found| Found { published: true, ..found };
    assert_eq!(decided(vec![found(5, EpochMode::Rollback, &["pg"])], &["other"]), left);
    assert_eq!(decided(vec![noted(found(5, EpochMode::Rollback, &["pg"]))], &["other"]), "restore 5");
    assert_eq!(decided(vec![found(5, EpochMode::Held, &["os", "pg"])], &["os@5"]), "restore 5");
    let mut held = manifest(5, EpochMode::Held, &["os", "pg"]);
    let piece = super::super::data::PieceRef { file: "1-5-0".to_string(), offset: 0, length: 0, sum: 0 };
    let part =
        super::super::manifest::HeldPart { sink: 1, table: "t".to_string(), subtask: 0, rows: 7, payload: piece };
    held.targets[1].held.push(part);
    let of = |published| vec![Found { epoch: Epoch(5), manifest: Ok(held.clone()), is_foreign: false, published }];
    assert_eq!(decided(of(false), &["os@5"]), left);
    assert_eq!(decided(of(true), &["os@5"]), "restore 5");
}

#[test]
fn a_note_stands_in_for_a_marker_that_has_expired() {
    let noted = |mode| vec![Found { published: true, ..found(5, mode, &["kafka"]) }];
    for mode in [EpochMode::Rollback, EpochMode::Held] {
        assert_eq!(decided(noted(mode), &["kafka"]), "restore 5, mark kafka");
        assert_eq!(decided(noted(mode), &["kafka@5"]), "restore 5");
        // A target that keeps its marker has lost more than that.
        let kept = vec![Found { published: true, ..found(5, mode, &["pg"]) }];
        assert!(decided(kept, &["pg"]).starts_with("refuse: "), "{mode:?}");
        // Behind a newer checkpoint it may be that one's marker that is gone.
        let noted_before = || Found { published: true, ..found(5, mode, &["kafka"]) };
        assert!(decided(vec![torn(6), noted_before()], &["kafka"]).starts_with("refuse: "), "{mode:?}");
    }
    let newer = vec![
        found(6, EpochMode::Rollback, &["kafka"]),
        Found { published: true, ..found(5, EpochMode::Rollback, &["kafka"]) },
    ];
    assert!(decided(newer, &["kafka"]).starts_with("refuse: no checkpoint fits what was published"));
    // A database that was set back to the epoch before goes on from there.
    let found = vec![
        Found { published: true, ..found(5, EpochMode::Rollback, &["pg"]) },
        found(4, EpochMode::Rollback, &["pg"]),
    ];
    assert_eq!(decided(found, &["pg@4"]), "restore 4, discard 5");
}

#[test]
fn a_checkpoint_of_another_version_is_not_passed_over() {
    let foreign = |epoch: u64| Found { is_foreign: true, ..torn(epoch) };
    let whole = |epoch: u64| found(epoch, EpochMode::Held, &["kafka"]);
    assert_eq!(decided(vec![torn(5), whole(4)], &["kafka@4"]), "restore 4, damaged 5");
    assert_eq!(decided(vec![foreign(5), whole(4)], &["kafka@4"]), "refuse: the manifest is damaged");
    assert_eq!(decided(vec![whole(5), foreign(4)], &["kafka@5"]), "restore 5", "what lies behind is not needed");
}

#[test]
fn before_the_fence_only_what_others_have_left_is_refused() {
    use EpochMode::{Held, Rollback};
    let seen = |found: Vec<Found>, marker_text: &str, durable: bool| {
        let checked = check_ours(&found, &[marker(marker_text)], durable);
        checked.map_err(|error| error.message().to_string())
    };
    for mode in [Rollback, Held] {
        let all = || vec![found(5, mode, &["pg"]), found(4, mode, &["pg"])];
        // A commit that is under way may still move them.
        for ours in ["pg", "pg@3", "pg@4", "pg@5"] {
            assert_eq!(seen(all(), ours, true), Ok(()), "{mode:?} {ours}");
        }
        let torn_first = vec![torn(6)].into_iter().chain(all()).collect();
        for found in [all(), torn_first] {
            let error = seen(found, "pg@b2", true).unwrap_err();
            assert!(error.ends_with("know nothing of (up to epoch 2)"), "{error}");
        }
        let error = seen(all(), "pg@6", true).unwrap_err();
        assert!(error.starts_with("pg has epoch 6, and the newest checkpoint"), "{error}");
    }
    assert_eq!(seen(vec![torn(1)], "pg@b2", true), Ok(()), "nobody knows whose it is");
    assert_eq!(seen(Vec::new(), "pg", true), Ok(()));
    assert_eq!(seen(Vec::new(), "pg@2", false), Ok(()), "a job without a folder does not know its own");
    let error = seen(Vec::new(), "pg@2", true).unwrap_err();
    assert!(error.ends_with("up to epoch 2, and the checkpoint folder has no checkpoint of it"), "{error}");
}
