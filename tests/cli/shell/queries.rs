//! Queries that run: stopped, repeated, and their results between two prompts.

use super::terminal::{Options, Terminal, key};

const ENDLESS: &str = "CREATE TABLE s (n BIGINT) WITH ('connector' = 'datagen', 'rows-per-second' = '50', \
     'fields.n.kind' = 'sequence', 'fields.n.start' = '0', 'fields.n.end' = '1000000000');";

#[test]
fn ctrl_c_stops_a_running_query_and_the_prompt_comes_back() {
    let shell = Terminal::start(Options::default());
    shell.run(ENDLESS);
    shell.type_text("SELECT n FROM s;");
    shell.press(key::ENTER);
    shell.wait_for("| +I |                    5 |");
    let screen = shell.prompt_after(key::CTRL_C);
    assert!(screen.contains("Query terminated, received a total of"), "{screen}");
    let screen = shell.run("SELECT 'goes on' AS a;");
    assert!(screen.contains("goes on |"), "{screen}");
}

#[test]
fn a_query_that_fails_comes_back_to_the_prompt() {
    let shell = Terminal::start(Options::default());
    shell.run(ENDLESS);
    let screen = shell.run("SELECT 10 / (n - 3) AS q FROM s;");
    assert!(screen.to_lowercase().contains("division by zero"), "{screen}");
    let screen = shell.run("SELECT 'goes on' AS a;");
    assert!(screen.contains("goes on |"), "{screen}");
}

#[test]
fn watch_repeats_a_query_until_ctrl_c() {
    let shell = Terminal::start(Options::default());
    shell.type_text("SELECT 1 AS a \\watch 1");
    shell.press(key::ENTER);
    shell.wait_screen("it twice", |screen| screen.matches("(every 1s)").count() >= 2);
    shell.prompt_after(key::CTRL_C);
    let screen = shell.run("SELECT 'goes on' AS a;");
    assert!(screen.contains("goes on |"), "{screen}");
}

#[test]
fn expanded_and_timed_results() {
    let shell = Terminal::start(Options::default());
    let screen = shell.run("\\x");
    assert!(screen.contains("Expanded display is on."), "{screen}");
    let screen = shell.run("SELECT 1 AS a, 'two' AS b;");
    assert!(screen.contains("b  | two") || screen.contains("b | two"), "{screen}");
    shell.run("\\timing");
    let screen = shell.run("SHOW VIEWS;");
    assert!(screen.contains("Time: "), "{screen}");
}
