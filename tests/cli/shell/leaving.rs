//! Leaving: with jobs that run, by a key, a command or a signal.

use super::jobs::tables;
use super::terminal::{Left, Options, Terminal, key};

/// A shell with a job that goes on.
fn with_a_job() -> Terminal {
    let shell = Terminal::start(Options { lines: 40, ..Options::default() });
    shell.run(&tables(0));
    shell.run("INSERT INTO nowhere SELECT n FROM s;");
    shell
}

/// The job was stopped in order, and the terminal is as it was.
#[track_caller]
fn assert_orderly(left: &Left) {
    let said = &left.screen;
    assert!(said.contains("stopped: ") && said.contains(" rows in, ") && said.contains(" rows out"), "{said}");
    assert!(left.restored, "{said}");
    assert_eq!(left.code, 0, "{said}");
}

const ASKS: &str = "Stop and leave? [y/N]";

#[test]
fn leaving_with_a_job_asks_and_stops_it() {
    for leave in ["quit;", "exit", "\\q"] {
        let shell = with_a_job();
        shell.type_text(leave);
        shell.press(key::ENTER);
        let screen = shell.wait_for(ASKS);
        assert!(screen.contains("1 job is running: insert-into_"), "{screen}");
        shell.prompt_after("n");
        let screen = shell.run("SHOW JOBS;");
        assert!(screen.contains("RUNNING"), "{screen}");
        shell.type_text(leave);
        shell.press(key::ENTER);
        shell.wait_screen("the second question", |screen| screen.matches(ASKS).count() == 2);
        shell.press("y");
        assert_orderly(&shell.left());
    }
}

#[test]
fn ctrl_d_with_a_job_asks_too() {
    let shell = with_a_job();
    shell.press(key::CTRL_D);
    shell.wait_for(ASKS);
    shell.prompt_after(key::ENTER);
    shell.press(key::CTRL_D);
    shell.wait_screen("the second question", |screen| screen.matches(ASKS).count() == 2);
    shell.press(key::CTRL_D);
    assert_orderly(&shell.left());
}

#[test]
fn jobs_that_keep_checkpoints_may_be_left_with_savepoints() {
    let folder = tempfile::tempdir().unwrap();
    let arguments = vec!["--state", folder.path().to_str().unwrap()];
    let shell = Terminal::start(Options { columns: 200, lines: 40, arguments, ..Options::default() });
    shell.run(&tables(0));
    shell.run("SET 'pipeline.name' = 'copy';");
    shell.run("INSERT INTO nowhere SELECT n FROM s;");
    // It runs when there is a checkpoint behind that of its start.
    let since = std::time::Instant::now();
    let is_behind = |name: &str| name.starts_with("chk-") && name != "chk-0";
    let runs = || {
        let entries = std::fs::read_dir(folder.path().join("copy")).into_iter().flatten().flatten();
        entries.filter_map(|entry| entry.file_name().into_string().ok()).any(|name| is_behind(&name))
    };
    while !runs() {
        assert!(since.elapsed() < std::time::Duration::from_secs(60), "{}", shell.screen());
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    shell.press(key::CTRL_D);
    shell.wait_for("Stop and leave? [y/N, s: with savepoints]");
    shell.press("s");
    let left = shell.left();
    assert_orderly(&left);
    assert!(left.screen.contains("savepoint of job copy: /"), "{}", left.screen);
    let saved = std::fs::read_dir(folder.path().join("savepoints")).unwrap().count();
    assert_eq!(saved, 1);
}

#[test]
fn a_terminated_shell_stops_its_jobs_and_gives_the_terminal_back() {
    for signal in ["TERM", "HUP"] {
        let shell = with_a_job();
        shell.type_text("SELECT 'half");
        shell.signal(signal);
        assert_orderly(&shell.left());
    }
}

#[test]
fn a_signal_answers_the_question() {
    let shell = with_a_job();
    shell.press(key::CTRL_D);
    shell.wait_for(ASKS);
    shell.signal("TERM");
    assert_orderly(&shell.left());
}

#[test]
fn a_signal_ends_a_running_query() {
    let shell = with_a_job();
    shell.type_text("SELECT n FROM s;");
    shell.press(key::ENTER);
    shell.wait_for("| +I |                    2 |");
    shell.signal("TERM");
    assert_orderly(&shell.left());
}

#[test]
fn a_signal_takes_the_live_table_away() {
    let set = vec!["sql-client.execution.result-mode=table"];
    let shell = Terminal::start(Options { set, ..Options::default() });
    shell.run(&tables(0));
    shell.run("INSERT INTO nowhere SELECT n FROM s;");
    shell.type_text("SELECT n FROM s;");
    shell.press(key::ENTER);
    shell.wait_for("Q Quit");
    assert!(shell.is_covered());
    shell.signal("TERM");
    assert_orderly(&shell.left());
}
