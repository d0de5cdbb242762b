//! EXPLAIN, word for word: the jobs in `sql/`, and small statements that show one thing each.

use std::path::Path;

use crate::millstream::{compare, files, millstream};

#[test]
fn the_plans_of_small_statements_are_as_expected() {
    let mut wrong = Vec::new();
    for file in files("tests/plans", "sql") {
        let ended = millstream(&["run", "-q", &file.display().to_string()]).expect(0);
        wrong.extend(compare(&file.with_extension("expected"), &ended.out));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_plans_of_the_jobs_in_sql_are_as_expected() {
    let mut wrong = Vec::new();
    for folder in ["sql", "sql/alerting"] {
        for file in files(folder, "sql") {
            let name = file.display().to_string();
            let ended = millstream(&["explain", "--config", "tests/plans/integrations.toml", &name]).expect(0);
            if ended.out.is_empty() {
                continue; // declarations only
            }
            let flat = name.trim_start_matches("sql/").replace('/', ".");
            let expected = Path::new("tests/plans/jobs").join(flat).with_extension("expected");
            wrong.extend(compare(&expected, &ended.out));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
