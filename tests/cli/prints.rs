//! What `print` tables are given, as a real Flink 2.2 prints it: its kinds of rows, with the identifier of the table.
//!
//! The `.expected` files in `prints/` hold Flink's own lines; they are not blessed from ours.

use crate::millstream::{files, millstream_in, root};

/// Rows come in the order in which they were written, one statement after another.
const ONE: &str = "SET 'parallelism.default' = '1';\nSET 'table.dml-sync' = 'true';\n";

#[test]
fn tables_print_what_they_print_in_flink() {
    let mut wrong = String::new();
    for file in files("tests/cli/prints", "sql") {
        let folder = tempfile::tempdir().unwrap();
        let sql = std::fs::read_to_string(root().join(&file)).unwrap();
        let sql = sql.replace("{folder}", &folder.path().to_string_lossy());
        std::fs::write(folder.path().join("job.sql"), format!("{ONE}{sql}")).unwrap();
        let ended = millstream_in(folder.path(), &["run", "-q", "job.sql"]).expect(0);
        let expected = std::fs::read_to_string(root().join(file.with_extension("expected"))).unwrap();
        if ended.out != expected {
            let different = expected.lines().zip(ended.out.lines()).find(|(flink, ours)| flink != ours);
            wrong += &format!("{}: Flink and Millstream differ: {different:?}\n", file.display());
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}
