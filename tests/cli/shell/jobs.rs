//! Jobs behind the prompt: how many run, and what they say while something is typed.

use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::terminal::{Options, Terminal, key};

/// Tables of a job that goes on, and one that fails at its `row`th row, of which ten come a second.
pub fn tables(row: u32) -> String {
    format!(
        "CREATE TABLE s (n BIGINT) WITH ('connector' = 'datagen', 'rows-per-second' = '10', \
         'fields.n.kind' = 'sequence', 'fields.n.start' = '0', 'fields.n.end' = '1000000000');\n\
         CREATE TABLE nowhere (n BIGINT) WITH ('connector' = 'blackhole');\n\
         CREATE VIEW fails AS SELECT 100 / (n - {row}) AS n FROM s;"
    )
}

/// The row of the screen that begins so.
fn row_of(screen: &str, start: &str) -> Option<usize> {
    screen.lines().position(|line| line.starts_with(start))
}

#[test]
fn a_job_that_fails_while_a_statement_is_typed_tells_so_above_it() {
    // A machine may be so slow that the job has failed before anything is typed: then it is given more time.
    for seconds in [2, 10, 30] {
        let shell = Terminal::start(Options { lines: 40, ..Options::default() });
        shell.run(&tables(seconds * 10));
        shell.run("INSERT INTO nowhere SELECT n FROM fails;");
        shell.type_text("SELECT 'typed before' AS a,\n  'and be");
        if shell.screen().contains("failed") {
            continue;
        }
        let screen = shell.wait_screen("what the job says", |screen| {
            screen.to_lowercase().contains("division by zero") && screen.ends_with("'and be")
        });
        let failed = row_of(&screen, "error: job \"insert-into_");
        let prompt = row_of(&screen, "millstream> SELECT 'typed before' AS a,");
        let goes_on = row_of(&screen, "         ->   'and be");
        assert!(failed.is_some() && failed < prompt && prompt.map(|row| row + 1) == goes_on, "{screen}");
        assert_eq!(screen.matches("typed before").count(), 1, "{screen}");
        let screen = shell.run("hind' AS b;");
        assert!(screen.contains("typed before |") && screen.contains("and behind |"), "{screen}");
        let screen = shell.run("SHOW JOBS;");
        assert!(screen.contains("FAILED"), "{screen}");
        return;
    }
    panic!("the job always failed before anything was typed");
}

/// What is typed stands once, below what the job says, which begins so; and it is run whole.
#[track_caller]
fn assert_above(shell: &Terminal, said: &str) {
    let screen = shell.wait_screen(said, |screen| screen.contains(said) && screen.ends_with("'and be"));
    let told = screen.lines().position(|line| line.contains(said));
    let prompt = row_of(&screen, "millstream> SELECT 'typed before' AS a,");
    assert!(told < prompt && prompt.map(|row| row + 1) == row_of(&screen, "         ->   'and be"), "{screen}");
    assert_eq!(screen.matches("typed before").count(), 1, "{screen}");
    let screen = shell.run("hind' AS b;");
    assert!(screen.contains("typed before |") && screen.contains("and behind |"), "{screen}");
}

/// A job "copy" whose checkpoints can be written no more, with this option of theirs.
fn with_a_folder_that_is_gone(option: &str) -> (Terminal, TempDir) {
    let folder = tempfile::tempdir().expect("a folder");
    let state = format!("execution.checkpointing.dir=file://{}", folder.path().display());
    let set = vec!["execution.checkpointing.interval=100 ms", &state, option];
    let shell = Terminal::start(Options { columns: 120, lines: 50, set, ..Options::default() });
    shell.run(&tables(0));
    shell.run("SET 'pipeline.name' = 'copy';");
    shell.run("INSERT INTO nowhere SELECT n FROM s;");
    let kept = folder.path().join("copy");
    let begun = Instant::now();
    // It runs when there is a checkpoint behind that of its start.
    while !kept.join("chk-1").exists() && !kept.join("chk-2").exists() {
        assert!(begun.elapsed() < Duration::from_secs(60), "{}", shell.screen());
        std::thread::sleep(Duration::from_millis(5));
    }
    shell.type_text("SELECT 'typed before' AS a,\n  'and be");
    let aside = kept.with_extension("aside");
    while std::fs::rename(&kept, &aside).is_err() || std::fs::write(&kept, "").is_err() {
        assert!(begun.elapsed() < Duration::from_secs(60), "{} can't be replaced", kept.display());
        let _ = std::fs::remove_dir_all(&aside);
    }
    (shell, folder)
}

#[test]
fn a_job_that_starts_anew_tells_so_above_what_is_typed() {
    let (shell, _folder) = with_a_folder_that_is_gone("execution.checkpointing.tolerable-failed-checkpoints=0");
    assert_above(&shell, "starting it anew in ");
    let screen = shell.run("SHOW JOBS;");
    assert!(screen.contains(" copy |") && !screen.contains("FAILED"), "{screen}");
}

#[test]
fn a_checkpoint_that_fails_is_told_above_what_is_typed() {
    let (shell, _folder) = with_a_folder_that_is_gone("execution.checkpointing.tolerable-failed-checkpoints=1000000");
    assert_above(&shell, "job \"copy\": checkpoint ");
}

#[test]
fn a_query_does_not_take_the_name_of_a_job() {
    let shell = Terminal::start(Options { columns: 120, lines: 50, ..Options::default() });
    shell.run(&tables(0));
    shell.run("SET 'pipeline.name' = 'hot';");
    shell.run("INSERT INTO nowhere SELECT n FROM s;");
    shell.run("SELECT n FROM s LIMIT 1;");
    let screen = shell.run("SHOW JOBS;");
    let rows = screen.lines().map(|line| line.split('|').collect::<Vec<_>>()).filter(|cells| cells.len() == 6);
    let names: Vec<String> = rows.map(|cells| cells[2].trim().to_string()).collect();
    assert_eq!(names, ["job name", "hot", "collect"], "{screen}");
    shell.run("STOP JOB hot;");
    shell.wait_screen("no job any more", |screen| {
        screen.contains("job hot stopped: ") && screen.ends_with("millstream>")
    });
}

#[test]
fn the_prompt_says_how_many_jobs_run() {
    for columns in [100, 40] {
        let shell = Terminal::start(Options { columns, lines: 50, ..Options::default() });
        let screen = shell.run(&tables(0));
        assert!(screen.ends_with("millstream>"), "{screen}");
        let screen = shell.run("INSERT INTO nowhere SELECT n FROM s;");
        assert!(
            screen.lines().last().is_some_and(|line| line.len() == usize::from(columns) && line.ends_with(" 1 job")),
            "{screen}"
        );
        let screen = shell.run("INSERT INTO nowhere SELECT n + 1 FROM s;");
        assert!(screen.ends_with(" 2 jobs"), "{screen}");
        shell.type_text("SELECT 'a text that is longer than there is room for beside the jobs' AS a");
        shell.prompt_after(key::CTRL_C);
        // Above the prompt nothing is left of them.
        assert!(screen.matches(" 2 jobs").count() == 1 && !screen.contains(" 1 job"), "{screen}");
        let first = screen.lines().find_map(|line| line.strip_prefix("Job ID: ")).expect("a job's id").to_string();
        shell.run(&format!("STOP JOB '{first}';"));
        shell.wait_screen("one job less", |screen| screen.ends_with(" 1 job") && screen.contains("stopped: "));
    }
}

#[test]
fn a_statement_set_is_one_job_and_is_listed() {
    let shell = Terminal::start(Options { columns: 200, ..Options::default() });
    shell.run(&tables(0));
    let set = "EXECUTE STATEMENT SET BEGIN\n\
               INSERT INTO nowhere SELECT n FROM s;\nINSERT INTO nowhere SELECT n + 1 FROM s;\nEND;";
    let screen = shell.run(set);
    let id = screen.lines().find_map(|line| line.strip_prefix("Job ID: ")).expect("its id").to_string();
    assert!(id.len() == 32 && screen.ends_with(" 1 job"), "{screen}");
    let screen = shell.run("\\j");
    assert!(screen.lines().any(|line| line.contains(&id) && line.contains("RUNNING")), "{screen}");
    let screen = shell.run("clear");
    let rows: Vec<&str> = screen.lines().collect();
    assert!(rows.len() == 1 && rows[0].starts_with("millstream>"), "{screen}");
}

#[test]
fn a_statement_that_waits_for_its_job_is_stopped_by_ctrl_c() {
    let shell = Terminal::start(Options::default());
    shell.run(&tables(0));
    shell.run("SET 'table.dml-sync' = 'true';");
    shell.type_text("INSERT INTO nowhere SELECT n FROM s;");
    shell.press(key::ENTER);
    shell.wait_for("Job ID: ");
    let screen = shell.prompt_after(key::CTRL_C);
    assert!(screen.contains("stopped: ") && !screen.contains("Complete execution"), "{screen}");
    let screen = shell.run("INSERT INTO nowhere SELECT n FROM (VALUES (CAST(1 AS BIGINT))) AS t (n);");
    assert!(screen.contains("[INFO] Submitting SQL update statement to the cluster...\n[INFO] SQL update"), "{screen}");
    assert!(screen.contains("[INFO] Complete execution of the SQL update statement."), "{screen}");
}

#[test]
fn what_jobs_print_waits_while_an_editor_has_the_terminal() {
    let folder = tempfile::tempdir().expect("a folder");
    let editor = folder.path().join("editor");
    let script = "#!/bin/sh\nprintf '\\n<editing>'\nread key\nprintf '</editing>\\n'\n";
    std::fs::write(&editor, script).expect("a script");
    std::fs::set_permissions(&editor, PermissionsExt::from_mode(0o700)).expect("a script that runs");
    let env = vec![("EDITOR", editor.display().to_string())];
    let shell = Terminal::start(Options { lines: 60, env, ..Options::default() });
    shell.run(&tables(0));
    shell.run("CREATE TABLE p (n BIGINT) WITH ('connector' = 'print');");
    shell.run("INSERT INTO p SELECT n FROM s;");
    shell.wait_for("+I[3]");
    shell.type_text("\\e");
    shell.press(key::ENTER);
    shell.wait_screen("the editor", |screen| screen.ends_with("<editing>"));
    shell.press(key::ENTER);
    let screen = shell.wait_screen("more rows", |screen| {
        screen.split_once("</editing>").is_some_and(|(_, behind)| behind.matches("+I[").count() > 5)
    });
    let (_, editing) = screen.split_once("<editing>").expect("the editor");
    assert_eq!(editing.split_once("</editing>").expect("its end").0.trim(), "", "{screen}");
}
