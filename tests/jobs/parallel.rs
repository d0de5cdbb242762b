//! The files of `changelogs/` at parallelism 4: what is left when every change is applied is the same as at
//! parallelism 1, where each change is compared with Flink's.
//!
//! DOUBLEs may differ by 1e-9 of their size: a sum of parts is rounded elsewhere.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

use crate::golden::{answers, files};

/// Files with lists in the order of arrival, and why that is another: a row is compared as the words it has.
const LISTS_BY_ARRIVAL: [(&str, &str); 3] = [
    ("agg_collect_in_windows", "distinct values come out of the first phase sorted"),
    ("agg_values_of_any_type", "what is collected are results of groups, which several subtasks tell"),
    ("trap_19_listagg_retraction", "what is listed are results of groups, which several subtasks tell"),
];

/// Statements (counted from 0, with the SET in front) whose values go by which row came first or last.
const VALUES_BY_ARRIVAL: [(&str, usize, &str); 2] = [
    ("agg_values_of_any_type", 12, "FIRST_VALUE and LAST_VALUE of results that several subtasks tell"),
    ("trap_19_listagg_retraction", 5, "FIRST_VALUE and LAST_VALUE of results that several subtasks tell"),
];

fn script(sql: &str, parallelism: usize, folder: &Path) -> String {
    let sql = sql.replace("{folder}", &folder.to_string_lossy());
    format!("SET 'parallelism.default' = '{parallelism}';\n{sql}")
}

/// The rows that are left when all changes are applied, each as often as it is there. A query that fails has none.
fn folded(changes: &str) -> BTreeMap<String, i64> {
    if changes.lines().any(|line| line.starts_with("ERROR ")) {
        return BTreeMap::from([("ERROR".to_string(), 1)]);
    }
    let mut rows: BTreeMap<String, i64> = BTreeMap::new();
    for line in changes.lines() {
        let (row, sign) = match line.get(..2) {
            Some("+I" | "+U") => (&line[2..], 1),
            Some("-U" | "-D") => (&line[2..], -1),
            _ => continue,
        };
        *rows.entry(row.to_string()).or_default() += sign;
    }
    rows.retain(|_, count| *count != 0);
    rows
}

fn words(row: &str) -> Vec<String> {
    row.split([',', '[', ']', '{', '}', '=', '+', ' ']).map(str::to_string).collect()
}

/// The rows with the words of each sorted.
fn words_sorted(rows: BTreeMap<String, i64>) -> BTreeMap<String, i64> {
    let mut sorted: BTreeMap<String, i64> = BTreeMap::new();
    for (row, count) in rows {
        let mut words = words(&row);
        words.sort();
        *sorted.entry(words.join(" ")).or_default() += count;
    }
    sorted
}

/// True for the same rows but for the last digits of numbers with a point.
fn alike(left: &BTreeMap<String, i64>, right: &BTreeMap<String, i64>) -> bool {
    let number = |word: &str| word.contains('.').then(|| word.parse::<f64>().ok()).flatten();
    let same = |left: &String, right: &String| match (number(left), number(right)) {
        (Some(left), Some(right)) => left == right || (left - right).abs() <= 1e-9 * left.abs().max(right.abs()),
        _ => left == right,
    };
    left.len() == right.len()
        && left.iter().zip(right).all(|((left, n), (right, m))| {
            let (left, right) = (words(left), words(right));
            n == m && left.len() == right.len() && left.iter().zip(&right).all(|(l, r)| same(l, r))
        })
}

#[tokio::test]
async fn four_subtasks_leave_the_rows_that_one_leaves() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/jobs/changelogs");
    let (files, mut wrong) = (files(&folder), String::new());
    assert!(files.len() >= 150, "the files of changelogs/ are gone");
    for path in files {
        let name = path.file_stem().unwrap_or_default().to_string_lossy().to_string();
        let sql = std::fs::read_to_string(&path).expect("a file");
        let (one, four) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
        let expected = answers(&script(&sql, 1, one.path())).await;
        let actual = answers(&script(&sql, 4, four.path())).await;
        for (i, (expected, actual)) in expected.iter().zip(&actual).enumerate() {
            let (mut one, mut four) = (folded(expected), folded(actual));
            if LISTS_BY_ARRIVAL.iter().any(|(known, _)| *known == name) {
                (one, four) = (words_sorted(one), words_sorted(four));
            }
            let by_arrival = VALUES_BY_ARRIVAL.iter().any(|(known, statement, _)| (*known, *statement) == (&name, i));
            let fine = alike(&one, &four) || (by_arrival && one.len() == four.len());
            if !fine {
                _ = write!(wrong, "\n{name}, statement {i}: one subtask says\n{expected}and four\n{actual}");
            }
        }
    }
    let lists = LISTS_BY_ARRIVAL.iter().map(|(name, _)| name);
    for name in lists.chain(VALUES_BY_ARRIVAL.iter().map(|(name, ..)| name)) {
        assert!(folder.join(format!("{name}.sql")).exists(), "{name} is not there any more");
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn changes_are_applied_and_double_digits_forgiven() {
    let left = folded("+I[a, 1]\n-U[a, 1]\n+U[a, 0.30000000000000004]\n+I[b]\n-D[b]\n");
    assert_eq!(left.keys().collect::<Vec<_>>(), ["[a, 0.30000000000000004]"]);
    assert!(alike(&left, &folded("+I[a, 0.3]\n")));
    assert!(!alike(&left, &folded("+I[a, 0.31]\n")));
    assert!(!alike(&left, &folded("+I[a, 0.3]\n+I[a, 0.3]\n")));
}
