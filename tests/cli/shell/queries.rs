//! Queries that run: stopped, repeated, and their results between two prompts.

use std::net::TcpListener;

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
    assert!(screen.lines().any(|line| line.starts_with("Query terminated, received a total of")), "{screen}");
    let screen = shell.run("SELECT 'goes on' AS a;");
    assert!(screen.contains("goes on |"), "{screen}");
}

#[test]
fn q_ends_a_query_in_every_mode_that_prints() {
    for mode in ["tableau", "csv", "json", "vertical"] {
        let set = format!("sql-client.execution.result-mode={mode}");
        let shell = Terminal::start(Options { set: vec![&set], ..Options::default() });
        shell.run(ENDLESS);
        shell.type_text("SELECT n FROM s;");
        shell.press(key::ENTER);
        // It listens once the query has been running for a moment.
        shell.wait_for("q ends it");
        let screen = shell.prompt_after("q");
        assert!(!screen.contains("q\n"), "{mode}: {screen}");
        let screen = shell.run("SHOW JOBS;");
        assert!(screen.contains("SHOW JOBS;") && !screen.contains("RUNNING"), "{mode}: {screen}");
    }
}

#[test]
fn what_is_typed_while_rows_are_printed_waits_for_the_prompt_unseen() {
    let shell = Terminal::start(Options::default());
    shell.run(ENDLESS);
    shell.type_text("SELECT n FROM s;");
    shell.press(key::ENTER);
    let begun = last_row(&shell.wait_for("q ends it"));
    // A q in a statement is part of it.
    shell.press("SELECT 'q' AS a,\rq + 1 AS b FROM (VALUES (1)) AS t (q);");
    let screen = shell.wait_screen("more rows", |screen| last_row(screen) > begun.map(|row| row + 40));
    assert!(!screen.contains("Query terminated") && !screen.contains("AS b"), "{screen}");
    shell.press("\rqSELECT 3");
    let is_done =
        |screen: &str| screen.contains("Received a total of 1 row") && screen.ends_with("millstream> SELECT 3");
    let screen = shell.wait_screen("what was typed", is_done);
    let (_, behind) = screen.split_once("Query terminated, received a total of").expect("the end of the query");
    let typed = "millstream> SELECT 'q' AS a,\n         -> q + 1 AS b FROM (VALUES (1)) AS t (q);\n+----+";
    assert!(behind.contains(typed), "{screen}");
    shell.prompt_after(key::CTRL_C);
    shell.type_text("\\q");
    shell.press(key::ENTER);
    let left = shell.left();
    assert!(left.restored && left.code == 0, "{}", left.screen);
}

/// The number in the last row of a tableau.
fn last_row(screen: &str) -> Option<u64> {
    let mut lines = screen.lines().rev();
    lines.find_map(|line| line.strip_prefix("| +I |")?.trim_end_matches('|').trim().parse().ok())
}

#[test]
fn ctrl_c_stops_a_query_whose_keys_are_listened_to_and_throws_away_what_was_typed() {
    let shell = Terminal::start(Options::default());
    shell.run(ENDLESS);
    shell.type_text("SELECT n FROM s;");
    shell.press(key::ENTER);
    shell.wait_for("q ends it");
    shell.press("SELECT 'thrown away';\r");
    let screen = shell.prompt_after(key::CTRL_C);
    assert!(screen.contains("Query terminated, received a total of"), "{screen}");
    let screen = shell.run("SELECT 'goes on' AS a;");
    assert!(screen.contains("goes on |") && !screen.contains("thrown away"), "{screen}");
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
    for mode in ["tableau", "table", "changelog"] {
        let set = format!("sql-client.execution.result-mode={mode}");
        let shell = Terminal::start(Options { set: vec![&set], ..Options::default() });
        shell.type_text("SELECT 1 AS a \\watch 1");
        shell.press(key::ENTER);
        shell.wait_screen("it twice", |screen| screen.matches("(every 1s)").count() >= 2);
        assert!(!shell.is_covered(), "{mode}");
        let screen = shell.prompt_after(key::CTRL_C);
        assert!(screen.contains(" 1 |"), "{screen}");
        let screen = shell.run("SHOW VIEWS;");
        assert!(screen.contains("Empty set"), "{screen}");
    }
}

#[test]
fn watch_ends_by_q_as_well() {
    let shell = Terminal::start(Options::default());
    shell.type_text("SELECT 1 AS a \\watch 1");
    shell.press(key::ENTER);
    shell.wait_screen("it twice", |screen| screen.matches("(every 1s)").count() >= 2);
    let screen = shell.prompt_after("q");
    assert!(!screen.contains("\nq"), "{screen}");
    let screen = shell.run("SHOW VIEWS;");
    assert!(screen.contains("Empty set"), "{screen}");
}

#[test]
fn watch_shows_what_a_query_leaves_and_leaves_nothing_behind() {
    let shell = Terminal::start(Options { lines: 40, ..Options::default() });
    shell.type_text("SELECT a, COUNT(*) AS n FROM (VALUES ('x'), ('y'), ('x')) AS t(a) GROUP BY a \\watch 0.1");
    shell.press(key::ENTER);
    let table = "+---+---+\n| a | n |\n+---+---+\n| x | 2 |\n| y | 1 |\n+---+---+\n2 rows in set";
    shell.wait_screen("it twice", |screen| screen.matches(table).count() >= 2);
    let screen = shell.prompt_after(key::CTRL_C);
    assert!(!screen.contains("-U"), "{screen}");
    // With a line per column it is the same.
    shell.run("\\x");
    shell.type_text("\\watch 0.1");
    shell.press(key::ENTER);
    let record = "-[ RECORD 1 ]\na | x\nn | 2\n-[ RECORD 2 ]\na | y\nn | 1\n2 rows in set";
    shell.wait_screen("it twice", |screen| screen.matches(record).count() >= 2);
    shell.prompt_after(key::CTRL_C);
    shell.run("clear");
    let screen = shell.run("SHOW JOBS;");
    assert!(screen.contains("Empty set"), "{screen}");
}

#[test]
fn watch_of_a_query_that_never_ends_says_so() {
    let shell = Terminal::start(Options { lines: 40, ..Options::default() });
    shell.run("CREATE TABLE s (n BIGINT) WITH ('connector' = 'datagen', 'rows-per-second' = '50');");
    let screen = shell.run("SELECT n FROM s \\watch");
    assert!(screen.contains("error: this query never ends by itself") && !screen.contains("(every"), "{screen}");
    let screen = shell.run("SHOW JOBS;");
    assert!(screen.contains("Empty set"), "{screen}");
    // A LIMIT ends it.
    shell.type_text("SELECT n FROM s LIMIT 1 \\watch 0.1");
    shell.press(key::ENTER);
    shell.wait_screen("it twice", |screen| screen.matches("1 row in set").count() >= 2);
    shell.prompt_after(key::CTRL_C);
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

#[test]
fn a_look_says_what_it_asks_before_what_it_waits_for() {
    let folder = tempfile::tempdir().expect("a folder");
    let config = folder.path().join("millstream.toml");
    let silent = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = silent.local_addr().expect("an address");
    let text = format!("[integrations.os]\nconnector = \"opensearch\"\nhosts = \"http://{address}\"\n");
    std::fs::write(&config, text).expect("a file");
    let arguments = vec!["--config", config.to_str().expect("a path")];
    let shell = Terminal::start(Options { arguments, ..Options::default() });
    shell.type_text("SHOW INDEXES;");
    shell.press(key::ENTER);
    let screen = shell.wait_for("waiting for ");
    let (asks, waits) = (screen.find("asking "), screen.find("waiting for "));
    assert!(asks.is_some() && asks < waits, "{screen}");
    let screen = shell.wait_for("no answer for");
    assert!(screen.contains("no answer for 1.67 s"), "{screen}");
    shell.prompt_after(key::CTRL_C);
}

#[test]
fn a_statement_is_cancelled_while_it_connects_to_a_service_that_says_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let config = folder.path().join("millstream.toml");
    // They accept, and never answer.
    let [kafka, postgres] = [(); 2].map(|()| TcpListener::bind("127.0.0.1:0").expect("a port"));
    let address = |listener: &TcpListener| listener.local_addr().expect("an address");
    let text = format!(
        "[integrations.dead-kafka]\nconnector = \"kafka\"\n\"properties.bootstrap.servers\" = \"{}\"\n\
         [integrations.dead-pg]\nconnector = \"jdbc\"\nurl = \"jdbc:postgresql://{}/db\"\n",
        address(&kafka),
        address(&postgres)
    );
    std::fs::write(&config, text).expect("a file");
    let arguments = vec!["--config", config.to_str().expect("a path")];
    let shell = Terminal::start(Options { arguments, ..Options::default() });
    for (statement, service) in [("SHOW TOPICS;", kafka), ("SHOW TABLES FROM `dead-pg`;", postgres)] {
        shell.type_text(statement);
        shell.press(key::ENTER);
        let _connection = service.accept().expect("the statement connects");
        let screen = shell.prompt_after(key::CTRL_C);
        assert!(screen.contains("error: cancelled"), "{screen}");
        let screen = shell.run("SELECT 'goes on' AS a;");
        assert!(screen.contains("goes on |"), "{screen}");
        shell.run("clear;");
    }
}
