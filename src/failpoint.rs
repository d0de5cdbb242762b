//! Places where a test ends the process, as a crash would: nothing is flushed, closed or said.
//!
//! `MILLSTREAM_FAILPOINT=NAME` aborts where NAME is reached first, `NAME@3` the third time. With `NAME@3:stand-still` the
//! process stands still there, as by SIGSTOP, until it is told to go on. Release builds have none, unless with the feature
//! `fail-points`, which their tests need.

/// Every place, in the order in which a job comes by.
pub const NAMES: &[&str] = &[
    "start.attempt-taken",
    "start.looked",
    "start.fenced",
    "start.restored",
    "start.before-written",
    "data.before-file",
    "data.after-file",
    "store.before-rename",
    "store.after-rename",
    "start.written",
    "task.before-staged",
    "task.staged",
    "checkpoint.all-staged",
    "checkpoint.state-written",
    "checkpoint.before-manifest",
    "checkpoint.manifest-written",
    "publish.before",
    "publish.between-targets",
    "kafka.before-marker",
    "kafka.before-commit",
    "kafka.after-commit",
    "postgres.before-marker",
    "postgres.before-commit",
    "postgres.after-commit",
    "opensearch.before-bulk",
    "opensearch.between-bulks",
    "opensearch.before-marker",
    "opensearch.after-marker",
    "filesystem.before-rename",
    "filesystem.between-renames",
    "filesystem.after-rename",
    "publish.after",
    "publish.before-noted",
    "publish.noted",
    "checkpoint.published",
    "collect.before-manifests",
    "collect.manifest-removed",
    "collect.before-data",
    "collect.data-removed",
    "collect.after",
    "savepoint.before-data",
    "savepoint.data-written",
    "savepoint.written",
];

/// Ends or stops the process where the environment asks for it at this place.
#[cfg(any(debug_assertions, feature = "fail-points"))]
pub fn reach(name: &'static str) {
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicU64, Ordering};

    static ASKED: OnceLock<Option<(String, u64, bool)>> = OnceLock::new();
    static REACHED: AtomicU64 = AtomicU64::new(0);

    debug_assert!(NAMES.contains(&name), "{name} is not in the list of fail points");
    let asked = ASKED.get_or_init(|| {
        let asked = std::env::var("MILLSTREAM_FAILPOINT").ok()?;
        let (place, stands_still) = match asked.split_once(':') {
            Some((place, "stand-still")) => (place, true),
            _ => (asked.as_str(), false),
        };
        let (name, turn) = place.split_once('@').unwrap_or((place, "1"));
        Some((name.to_string(), turn.parse().unwrap_or(1), stands_still))
    });
    let Some((wanted, turn, stands_still)) = asked else { return };
    if wanted == name && REACHED.fetch_add(1, Ordering::SeqCst) + 1 == *turn {
        match stands_still {
            true => stand_still(),
            false => std::process::abort(),
        }
    }
}

/// Returns once somebody tells the process to go on.
#[cfg(any(debug_assertions, feature = "fail-points"))]
fn stand_still() {
    let asked = std::process::Command::new("kill").args(["-STOP", &std::process::id().to_string()]).status();
    assert!(asked.is_ok_and(|asked| asked.success()), "the process can't be made to stand still");
}

/// Nothing, in release builds.
#[cfg(not(any(debug_assertions, feature = "fail-points")))]
pub fn reach(_name: &'static str) {}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::NAMES;

    /// The names that files below a folder give to `reach`.
    fn names_in(folder: &Path, names: &mut BTreeSet<String>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                names_in(&path, names);
                continue;
            }
            let text = std::fs::read_to_string(&path).unwrap_or_default();
            let called = text.split("reach(\"").skip(1).filter_map(|rest| rest.split_once("\")"));
            names.extend(called.map(|(name, _)| name.to_string()).filter(|name| name.contains('.')));
        }
    }

    #[test]
    fn the_list_has_every_name_in_the_code_and_no_other() {
        let mut called = BTreeSet::new();
        names_in(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut called);
        let listed: BTreeSet<String> = NAMES.iter().map(|name| name.to_string()).collect();
        assert_eq!(called, listed);
        assert_eq!(listed.len(), NAMES.len(), "a name is there twice");
    }
}
