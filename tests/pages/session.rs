//! The session that the shell's page shows is the one that is typed in a test.

use std::fs;
use std::path::Path;

#[test]
fn the_page_of_the_shell_shows_the_session_that_is_tested() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = |name: &str| fs::read_to_string(root.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
    let screen = read("tests/cli/shell/screens/first_session.txt");
    let (_, session) = screen.split_once("\n\n").expect("a greeting, and the session behind it");
    let page = read("docs/shell.md");
    assert!(
        page.contains(&format!("```text sample\n{session}```")),
        "docs/shell.md has another session than\n{session}"
    );
}
