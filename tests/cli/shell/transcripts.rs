//! Whole screens, as files: `UPDATE_EXPECT=1` writes what is there now.

use std::path::Path;

use super::jobs::tables;
use super::terminal::{Options, Terminal, key};
use crate::millstream::{compare, root};

const ORDERS: &str = "CREATE TABLE orders (id BIGINT, customer STRING, amount DECIMAL(10, 2))\n\
     WITH ('connector' = 'datagen', 'number-of-rows' = '100');";

/// Fails where a screen is not that of its file.
#[track_caller]
fn expect(name: &str, screen: &str) {
    let path = Path::new("tests/cli/shell/screens").join(name).with_extension("txt");
    if let Some(wrong) = compare(&path, &format!("{screen}\n")) {
        panic!("{wrong}\nthe screen:\n{screen}");
    }
}

#[test]
fn a_first_session() {
    let shell = Terminal::start(Options { lines: 50, ..Options::default() });
    shell.run(ORDERS);
    shell.run("\\d orders");
    shell.run("SELECT customer, amonut FROM orders;");
    let screen = shell.run(
        "SELECT word, COUNT(*) AS seen\nFROM (VALUES ('stream'), ('table'), ('stream')) AS t (word)\nGROUP BY word;",
    );
    expect("first_session", &screen);
    let (_, session) = screen.split_once("\n\n").expect("what is said first, and the session");
    expect_in_docs(session);
}

/// The page of the shell shows what it looks like.
#[track_caller]
fn expect_in_docs(screen: &str) {
    let page = std::fs::read_to_string(root().join("docs/shell.md")).expect("the page");
    assert!(
        page.contains(&format!("```text sample\n{screen}\n```")),
        "docs/shell.md shows something else than\n{screen}"
    );
}

#[test]
fn jobs_beside_the_prompt() {
    let shell = Terminal::start(Options { lines: 50, ..Options::default() });
    shell.run(&tables(0));
    shell.run("INSERT INTO nowhere SELECT n FROM s;");
    shell.run("INSERT INTO nowhere SELECT n + 1 FROM s;");
    shell.type_text("SELECT word, COUNT(*) AS seen\nFROM");
    let screen = shell.wait_screen("the jobs", |screen| screen.contains(" 2 jobs\n"));
    let (_, statement) = screen.rsplit_once("\nmillstream> SELECT word").expect("the statement");
    expect_in_docs(&format!("millstream> SELECT word{statement}"));
}

#[test]
fn a_menu_of_options() {
    let shell = Terminal::start(Options { columns: 80, ..Options::default() });
    shell.type_text("CREATE TABLE t (a INT) WITH ('connector' = 'datagen', '");
    shell.press(key::TAB);
    let screen = shell.wait_screen("all of them", |screen| {
        screen.contains("rows-per-second") && screen.contains("fields.a.max-past")
    });
    let (_, menu) = screen.split_once("\n\n").expect("what is said first, and the menu");
    let documented: Vec<&str> = menu.lines().take_while(|line| !line.starts_with("fields.a.length")).take(9).collect();
    expect_in_docs(&documented.join("\n"));
}

#[test]
fn forty_columns() {
    let shell = Terminal::start(Options { columns: 40, lines: 40, ..Options::default() });
    shell.run("SELECT 1 AS total, 2 AS other, amonut FROM\n(VALUES (1)) AS t (amount);");
    shell.run("SELECT * FROM nowhere_to_be_found;");
    let screen = shell.run("help abs;");
    expect("forty_columns", &screen);
}

#[test]
fn a_live_table() {
    let set = vec!["sql-client.execution.result-mode=table"];
    let shell = Terminal::start(Options { columns: 90, lines: 12, set, ..Options::default() });
    shell.type_text(
        "SELECT word, COUNT(*) AS seen FROM (VALUES ('stream'), ('table'), ('stream')) AS t (word) GROUP BY word;",
    );
    shell.press(key::ENTER);
    let screen = shell.wait_for("Finished");
    // The times and rates of this run.
    let mut lines: Vec<String> = screen.lines().map(str::to_string).collect();
    if let Some(at) = lines[0].find("Updated: ") {
        lines[0].replace_range(at + "Updated: ".len().., "12:00:30.500");
    }
    assert!(lines[1].starts_with("in ") && lines[1].contains(" rows/s  (3)  out "), "{screen}");
    lines[1] = "in …".to_string();
    expect("live_table", &lines.join("\n"));
    shell.press(key::DOWN);
    shell.press("o");
    let screen = shell.wait_for("Q Back");
    let opened: Vec<&str> = screen.lines().skip(2).collect();
    expect("opened_row", &opened.join("\n"));
    shell.prompt_after("qq");
}
