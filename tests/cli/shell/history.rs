//! What was typed before: in earlier runs, in other shells, and in a file that is not what it should be.

use std::path::Path;

use super::terminal::{Options, Terminal, key};

fn with_history(file: &Path) -> Terminal {
    Terminal::start(Options { history: Some(file), ..Options::default() })
}

#[test]
fn history_is_kept_between_two_runs() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("history");
    let first = with_history(&file);
    first.run("SELECT 'first\nline' AS a;");
    first.run("SELECT 2 AS second;");
    first.press(key::CTRL_D);
    assert_eq!(first.exit_code(), 0);
    let second = with_history(&file);
    second.press(key::UP);
    second.wait_for("SELECT 2 AS second;");
    second.prompt_after(key::CTRL_C);
    second.press(key::CTRL_R);
    second.wait_for("(history: )");
    second.press("fir");
    second.wait_for("(history: fir)");
    second.wait_for("line' AS a;");
}

#[test]
fn two_shells_share_a_history() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("history");
    let (one, other) = (with_history(&file), with_history(&file));
    one.run("SELECT 'of the one' AS a;");
    other.run("SELECT 'of the other' AS a;");
    other.press(key::UP);
    other.wait_screen("its own", |screen| screen.ends_with("millstream> SELECT 'of the other' AS a;"));
    other.press(key::UP);
    other.wait_screen("that of the one", |screen| screen.ends_with("millstream> SELECT 'of the one' AS a;"));
    // At its next prompt the one sees it too.
    one.enter();
    one.press(key::UP);
    one.wait_screen("that of the other", |screen| screen.ends_with("millstream> SELECT 'of the other' AS a;"));
}

#[test]
fn a_broken_history_is_told_and_the_shell_works() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("history");
    std::fs::write(&file, b"SELECT 'kept' AS a;\n\xff\xfe\x00\x80\nSELECT 'good' AS b;\n").expect("a file");
    let shell = with_history(&file);
    shell.wait_for("1 line that can't be read");
    shell.press(key::UP);
    shell.wait_screen("the good line", |screen| screen.ends_with("millstream> SELECT 'good' AS b;"));
    let screen = shell.enter();
    assert!(screen.contains("Received a total of 1 row"), "{screen}");
    let bytes = std::fs::read(&file).expect("a file");
    assert!(bytes.windows(4).any(|window| window == b"\xff\xfe\x00\x80"), "{bytes:?}");
}

#[test]
fn a_history_that_is_a_folder_is_told_and_the_shell_works() {
    let folder = tempfile::tempdir().expect("a folder");
    let shell = with_history(folder.path());
    shell.wait_for("is not kept");
    shell.run("SELECT 3 AS three;");
    shell.press(key::UP);
    shell.wait_screen("this session's", |screen| screen.ends_with("millstream> SELECT 3 AS three;"));
}

#[test]
fn the_null_device_keeps_nothing_and_is_no_trouble() {
    let shell = with_history(Path::new("/dev/null"));
    let screen = shell.run("SELECT 3 AS three;");
    assert!(!screen.contains("history"), "{screen}");
    shell.press(key::UP);
    shell.wait_screen("this session's", |screen| screen.ends_with("millstream> SELECT 3 AS three;"));
}
