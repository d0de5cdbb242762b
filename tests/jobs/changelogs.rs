//! SQL files about windows, aggregates and changelogs, and what Flink 2.2 gives for them, in `changelogs/`.
//!
//! They are Flink's own answers, as those in `golden/`. Those that are not answered yet are listed in
//! `changelogs/not_yet`, with the reason: a file that is answered must leave the list. `bug_*` shows windows that Flink loses or
//! measures wrongly: those stay on it. `plans/` has Flink's plans for the main shapes, to be read beside ours.

use std::fmt::Write;
use std::path::Path;

use crate::golden::{answer, files, same};

/// Rows come in the order in which they were written.
const ONE: &str = "SET 'parallelism.default' = '1';\n";

/// Files with lists that Flink gives in the order of a hash, and why: a line is compared as the words it has.
const LISTS_BY_HASH: [(&str, &str); 2] = [
    ("agg_collect_in_windows", "distinct values of windows are taken in the order of a hash"),
    ("session_merges_three", "the parts of sessions that become one are taken in the order of a hash of their times"),
];

/// Files in which Millstream refuses as not supported what Flink refuses in other words, how often, and why.
const REFUSED_AS_MISSING: &[(&str, usize, &str)] = &[
    ("agg_collect_in_windows", 1, NO_MERGE),
    ("agg_values_of_any_type", 2, "Flink's LISTAGG has no order either: its words are those of its parser"),
    ("legacy_aggregates", 1, NO_MERGE),
    ("legacy_tumble", 1, "alignment times are missing; in Flink TUMBLE_START does not find them"),
    ("session_merges_three", 1, NO_MERGE),
    ("time_attribute_after_window_function", 2, "Flink fails with a NullPointerException"),
    ("trap_34_insert_only_sinks", 3, "joins, OVER and ORDER BY of streams are missing"),
    ("watermark_options", 1, "SOURCE_WATERMARK is missing"),
];

const NO_MERGE: &str = "Flink says that FIRST_VALUE has no method 'merge'";

/// What is refused as not supported where Flink refuses something else: it tells nothing of Flink's rule.
fn refused_as_missing(expected: &str, actual: &str) -> Vec<String> {
    let errors = |answer: &str| -> Vec<String> {
        answer.lines().filter(|line| line.starts_with("ERROR ")).map(str::to_string).collect()
    };
    let missing = |error: &str| error.contains("not supported");
    // That a sink takes no changes is a rule of its own.
    let says_so = |error: &str| {
        !error.contains("consuming")
            && ["not support", "n't support", "nsupported", "only support"].iter().any(|words| error.contains(words))
    };
    let pairs = errors(expected).into_iter().zip(errors(actual));
    pairs
        .filter(|(flink, ours)| missing(ours) && !says_so(flink))
        .map(|(flink, ours)| format!("{ours}\n  Flink: {flink}\n"))
        .collect()
}

/// The words of each line, sorted.
fn words_sorted(answer: &str) -> String {
    let line = |line: &str| {
        let mut words: Vec<&str> = line.split([',', ' ', '[', ']']).collect();
        words.sort_unstable();
        format!("{}\n", words.join(" "))
    };
    answer.lines().map(line).collect()
}

/// Flink's errors are Java's: what counts is that there is one. Our words are tested elsewhere.
/// A multiset prints in Java's order of hashes, ours in the order of its values.
pub fn errors_alike(answer: &str) -> String {
    let is_row = |line: &&str| ["+I[", "-U[", "+U[", "-D["].iter().any(|kind| line.starts_with(kind));
    answer
        .lines()
        .filter(|line| is_row(line) || line.starts_with("ERROR "))
        .map(|line| if line.starts_with("ERROR ") { "ERROR\n".to_string() } else { format!("{}\n", sets_sorted(line)) })
        .collect()
}

/// The line with what stands between braces sorted.
pub fn sets_sorted(line: &str) -> String {
    let Some((before, rest)) = line.split_once('{') else { return line.to_string() };
    let (mut depth, mut start, mut entries) = (0, 0, Vec::new());
    for (at, sign) in rest.char_indices() {
        match sign {
            '{' | '[' => depth += 1,
            '}' if depth == 0 => {
                entries.push(sets_sorted(rest[start..at].trim_start()));
                entries.sort();
                return format!("{before}{{{}}}{}", entries.join(", "), sets_sorted(&rest[at + 1..]));
            }
            '}' | ']' => depth -= 1,
            ',' if depth == 0 => {
                entries.push(sets_sorted(rest[start..at].trim_start()));
                start = at + 1;
            }
            _ => {}
        }
    }
    line.to_string()
}

#[tokio::test]
async fn changelogs_are_those_of_flink() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/jobs/changelogs");
    let not_yet = std::fs::read_to_string(folder.join("not_yet")).expect("the list of files that are not answered yet");
    let reasons: Vec<(&str, &str)> = not_yet.lines().filter_map(|line| line.split_once('#')).collect();
    assert!(reasons.len() == not_yet.lines().count(), "a file on the list has its reason behind a '#'");
    let not_yet: Vec<&str> = reasons.iter().map(|(name, _)| name.trim()).collect();
    let (files, mut wrong) = (files(&folder), String::new());
    assert!(files.len() >= 150, "the files are gone");
    for path in files {
        let name = path.file_stem().unwrap_or_default().to_string_lossy().to_string();
        let tables = tempfile::tempdir().expect("a folder for tables");
        let sql = std::fs::read_to_string(&path).expect("a golden file");
        let sql = sql.replace("{folder}", &tables.path().to_string_lossy());
        let expected = std::fs::read_to_string(path.with_extension("expected")).expect("Flink's answer");
        let actual = answer(&format!("{ONE}{sql}")).await;
        let missing = refused_as_missing(&expected, &actual);
        let (expected, actual) = (errors_alike(&expected), errors_alike(&actual));
        let by_words = LISTS_BY_HASH.iter().any(|(known, _)| *known == name);
        let (expected, actual) =
            if by_words { (words_sorted(&expected), words_sorted(&actual)) } else { (expected, actual) };
        let allowed = REFUSED_AS_MISSING.iter().find(|(known, ..)| *known == name).map_or(0, |(_, times, _)| *times);
        if missing.len() != allowed && !not_yet.contains(&name.as_str()) {
            let (times, errors) = (missing.len(), missing.concat());
            _ = write!(wrong, "\n{name} is refused {times} times for another reason than Flink's:\n{errors}");
        }
        match (same(&sql, &expected, &actual), not_yet.contains(&name.as_str())) {
            (true, false) | (false, true) => {}
            (true, true) => _ = write!(wrong, "\n{name} is answered as Flink does: take it off the list\n"),
            (false, false) => _ = write!(wrong, "\n{name}: Flink says\n{expected}and Millstream\n{actual}"),
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}
