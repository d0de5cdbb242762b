//! Jobs that go on where they were: `--state`, savepoints, `millstream savepoint`, `millstream checkpoints`.

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::millstream::{Ended, command, millstream, signal, wait};

/// Numbers from 1 on, without an end, and a job that counts them by parity.
const COUNTS: &str = "
    SET 'parallelism.default' = '1';
    CREATE TABLE numbers (n BIGINT) WITH ('connector' = 'datagen', 'rows-per-second' = '200',
      'fields.n.kind' = 'sequence', 'fields.n.start' = '1', 'fields.n.end' = '1000000');
    CREATE TABLE printed (odd BIGINT, c BIGINT, last BIGINT) WITH ('connector' = 'print');
    CREATE TABLE nowhere (n BIGINT) WITH ('connector' = 'blackhole');
    CREATE VIEW counts AS SELECT MOD(n, 2) AS odd, COUNT(*) AS c, MAX(n) AS last FROM numbers GROUP BY MOD(n, 2);";

fn counts() -> String {
    format!("{COUNTS} SET 'pipeline.name' = 'counts'; INSERT INTO printed SELECT * FROM counts;")
}

/// Runs in the background; what it prints is read by whoever wants it.
fn start(state: &Path, arguments: &[&str]) -> Child {
    start_aloud(state, &[&["-q"], arguments].concat())
}

/// The same, with lines of what happens.
fn start_aloud(state: &Path, arguments: &[&str]) -> Child {
    let arguments = [&["run", "--state", state.to_str().unwrap()], arguments].concat();
    command(&arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// Ends it orderly and gives what it has printed and said.
fn stop(mut child: Child) -> Ended {
    signal(&child, "TERM");
    let (mut out, mut err) = (String::new(), String::new());
    child.stdout.take().unwrap().read_to_string(&mut out).unwrap();
    child.stderr.take().unwrap().read_to_string(&mut err).unwrap();
    let code = wait(&mut child).code();
    Ended { code, out, err }
}

/// The checkpoints in a folder, as `--format json` tells them.
fn listed(folder: &Path) -> Vec<Value> {
    if !folder.is_dir() {
        return Vec::new();
    }
    let ended = millstream(&["checkpoints", folder.to_str().unwrap(), "--format", "json"]).expect(0);
    ended.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Waits until a checkpoint of this job is there that is no start.
fn wait_for_checkpoint(folder: &Path, job: &str) -> u64 {
    let since = Instant::now();
    loop {
        let listed = listed(folder);
        let mut fit = listed.iter().filter(|c| c["job"] == job && c["kind"] == "periodic");
        if let Some(epoch) = fit.next().and_then(|c| c["epoch"].as_u64()) {
            return epoch;
        }
        assert!(since.elapsed() < Duration::from_secs(60), "no checkpoint: {listed:?}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// The last row of each group: `odd, count, last`.
fn last_rows(out: &str) -> Vec<[i64; 3]> {
    let row = |line: &str| -> Option<[i64; 3]> {
        let (kind, rest) = line.split_once('[')?;
        let numbers: Vec<i64> = rest.trim_end_matches(']').split(", ").filter_map(|n| n.parse().ok()).collect();
        (kind == "+I" || kind == "+U").then(|| numbers.try_into().ok()).flatten()
    };
    let rows: Vec<[i64; 3]> = out.lines().filter_map(row).collect();
    let last = |odd| rows.iter().rev().find(|row| row[0] == odd).copied();
    [0, 1].into_iter().filter_map(last).collect()
}

/// Every number was counted once: a group has as many as its highest number says.
#[track_caller]
fn check_counts(rows: &[[i64; 3]]) {
    assert_eq!(rows.len(), 2, "{rows:?}");
    for [odd, count, last] in rows {
        assert_eq!(*count, (last + odd) / 2, "{rows:?}");
    }
}

#[test]
fn a_job_that_is_killed_or_stopped_goes_on_where_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let sql = counts();
    let mut child = start(folder.path(), &["-e", &sql]);
    wait_for_checkpoint(folder.path(), "counts");
    child.kill().unwrap();
    child.wait().unwrap();
    // What is printed begins behind the checkpoint.
    let ended = stop_after_a_row(start(folder.path(), &["-e", &sql])).expect(0);
    assert!(ended.out.starts_with("-U["), "{}", ended.out);
    check_counts(&last_rows(&ended.out));
    let kinds: Vec<Value> = listed(folder.path()).into_iter().map(|c| c["kind"].clone()).collect();
    assert_eq!(kinds, ["final"]);
    let again = stop_after_a_row(start(folder.path(), &["-e", &sql]));
    check_counts(&last_rows(&again.out));
    let before = last_rows(&ended.out);
    assert!(last_rows(&again.out).iter().zip(&before).all(|(new, old)| new[1] >= old[1]), "{}", again.out);
}

fn stop_after_a_row(mut child: Child) -> Ended {
    let mut first = String::new();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    while first.matches('\n').count() < 8 && out.read_line(&mut first).unwrap() > 0 {}
    let mut rest = String::new();
    signal(&child, "TERM");
    out.read_to_string(&mut rest).unwrap();
    let mut err = String::new();
    child.stderr.take().unwrap().read_to_string(&mut err).unwrap();
    Ended { code: wait(&mut child).code(), out: first + &rest, err }
}

#[test]
fn a_savepoint_is_asked_for_from_outside_and_begun_from() {
    let folder = tempfile::tempdir().unwrap();
    let (state, other) = (folder.path().join("state"), folder.path().join("other"));
    let sql = counts();
    let child = start(&state, &["-e", &sql]);
    wait_for_checkpoint(&state, "counts");
    let told = millstream(&["savepoint", "counts", "--state", state.to_str().unwrap()]).expect(0);
    let savepoint = PathBuf::from(told.out.trim_end());
    assert!(savepoint.starts_with(state.canonicalize().unwrap().join("savepoints")), "{}", told.out);
    let to = folder.path().join("elsewhere");
    let job = state.join("counts");
    let told = millstream(&["savepoint", job.to_str().unwrap(), "--to", to.to_str().unwrap()]).expect(0);
    assert!(Path::new(told.out.trim_end()).starts_with(to.canonicalize().unwrap()), "{}", told.out);
    assert_eq!(std::fs::read_dir(job.join("requests")).map_or(0, Iterator::count), 0, "requests are taken away");
    stop(child).expect(0);

    // Another folder, another name: a single job begins from it all the same.
    let from = ["--from", savepoint.to_str().unwrap()];
    let renamed = sql.replace("'counts'", "'renamed'");
    let begun = stop_after_a_row(start_aloud(&other, &[&from[..], &["-e", &renamed]].concat())).expect(0);
    check_counts(&last_rows(&begun.out));
    assert!(begun.out.starts_with("-U["), "{}", begun.out);
    assert!(begun.err.contains("job \"renamed\" begins from savepoint"), "{}", begun.err);

    // The same command again goes on from what the job has kept since; with --fresh it goes back.
    let again = stop_after_a_row(start_aloud(&other, &[&from[..], &["-e", &renamed]].concat())).expect(0);
    assert!(again.err.contains("job \"renamed\" has begun from savepoint"), "{}", again.err);
    assert!(!again.err.contains("begins from savepoint"), "{}", again.err);
    let first = |out: &str| out.lines().next().map(str::to_string);
    assert_ne!(first(&again.out), first(&begun.out));
    let back = [&from[..], &["--fresh", "-e", &renamed]].concat();
    let back = stop_after_a_row(start_aloud(&other, &back)).expect(0);
    assert!(back.err.contains("job \"renamed\" begins from savepoint"), "{}", back.err);
    assert_eq!(first(&back.out), first(&begun.out));
    let positions = "job \"renamed\" goes on from epoch ";
    assert!(begun.err.contains(positions) && begun.err.contains(": numbers behind "), "{}", begun.err);

    let gone = millstream(&["savepoint", "counts", "--state", state.to_str().unwrap()]).expect(1);
    assert!(gone.err.contains("job \"counts\" does not run"), "{}", gone.err);
    let wrong = millstream(&["savepoint", "count", "--state", state.to_str().unwrap()]).expect(2);
    assert!(wrong.err.contains("Did you mean \"counts\"?"), "{}", wrong.err);
    let unknown = millstream(&["savepoint", "counts"]).expect(2);
    assert!(unknown.err.contains("it is not known where job \"counts\" keeps its checkpoints"), "{}", unknown.err);
}

#[test]
fn of_several_jobs_the_one_of_the_savepoints_name_begins_from_it() {
    let folder = tempfile::tempdir().unwrap();
    let (state, other) = (folder.path().join("state"), folder.path().join("other"));
    let stopped = format!("{} STOP JOB 'counts' WITH SAVEPOINT;", counts());
    let told = millstream(&["run", "-q", "--state", state.to_str().unwrap(), "-e", &stopped]).expect(0);
    assert!(told.out.contains("savepoint path"), "{}", told.out);
    let path = told.out.lines().find(|line| line.contains("savepoint-counts-")).unwrap();
    let savepoint = path.trim_matches(['|', ' ']).to_string();
    let two = "SET 'pipeline.name' = 'copy'; INSERT INTO nowhere SELECT n FROM numbers;";
    let run = |sql: &str| {
        let arguments = ["run", "--state", other.to_str().unwrap(), "--from", &savepoint, "-e", sql];
        let mut child = command(&arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        // Both have begun when the second has printed.
        let mut first = String::new();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        out.read_line(&mut first).unwrap();
        child.stdout = Some(out.into_inner());
        stop(child)
    };
    let both =
        run(&format!("{COUNTS} {two} SET 'pipeline.name' = 'counts'; INSERT INTO printed SELECT * FROM counts;"));
    assert_eq!(both.code, Some(0), "{}", both.err);
    let usual = "job \"copy\" begins as usual: savepoint";
    assert!(both.err.contains(usual) && both.err.contains("is of job \"counts\""), "{}", both.err);
    assert!(both.err.contains("job \"counts\" begins from savepoint"), "{}", both.err);

    let neither = format!("{COUNTS} {two} SET 'pipeline.name' = 'b'; INSERT INTO printed SELECT * FROM counts;");
    let refused = millstream(&["run", "--from", &savepoint, "-e", &neither]).expect(2);
    assert!(refused.err.contains("is of job \"counts\", and none of that name is started"), "{}", refused.err);
    assert!(refused.err.contains("The jobs are \"copy\", \"b\""), "{}", refused.err);
    let without = millstream(&["run", "--from", &savepoint, "-e", &counts()]).expect(1);
    assert!(without.err.contains("begins from a savepoint, which needs checkpoints"), "{}", without.err);
    let nothing = folder.path().join("nothing");
    let refused = millstream(&["run", "--from", nothing.to_str().unwrap(), "-e", &counts()]).expect(2);
    assert!(refused.err.contains("there is no savepoint"), "{}", refused.err);
}

#[test]
fn a_job_without_a_name_that_writes_to_more_tables_does_not_begin_anew_unasked() {
    let folder = tempfile::tempdir().unwrap();
    let insert = "INSERT INTO printed SELECT * FROM counts;";
    stop_after_a_row(start(folder.path(), &["-e", &format!("{COUNTS} {insert}")])).expect(0);
    let more = format!("{COUNTS} EXECUTE STATEMENT SET BEGIN {insert} INSERT INTO nowhere SELECT n FROM numbers; END;");
    let refused = millstream(&["run", "-q", "--state", folder.path().to_str().unwrap(), "-e", &more]).expect(1);
    let is = "default_catalog.default_database";
    let said =
        format!("job \"insert-into_{is}.printed,{is}.nowhere\" would begin anew, and job \"insert-into_{is}.printed\"");
    assert!(refused.err.contains(&said), "{}", refused.err);
    let name = format!("SET 'pipeline.name' = 'insert-into_{is}.printed'");
    assert!(refused.err.contains(&name), "{}", refused.err);
    let on = stop_after_a_row(start(folder.path(), &["-e", &format!("{name}; {more}")])).expect(0);
    assert!(on.out.starts_with("-U["), "{}", on.out);
    // Another job with a name of its own only tells.
    let other = stop_after_a_row(start_aloud(folder.path(), &["--name", "other", "-e", &more])).expect(0);
    assert!(other.out.starts_with("+I["), "{}", other.out);
    assert!(other.err.contains("job \"other\" begins anew; job \"insert-into_"), "{}", other.err);
    stop_after_a_row(start(folder.path(), &["--fresh", "-e", &more])).expect(0);
}

#[test]
fn a_job_runs_once_and_fresh_begins_anew() {
    let folder = tempfile::tempdir().unwrap();
    let sql = counts();
    let child = start(folder.path(), &["-e", &sql]);
    wait_for_checkpoint(folder.path(), "counts");
    let second = millstream(&["run", "-q", "--state", folder.path().to_str().unwrap(), "-e", &sql]).expect(1);
    assert!(second.err.contains("job \"counts\" is running already"), "{}", second.err);
    stop(child).expect(0);
    let anew = stop_after_a_row(start(folder.path(), &["--fresh", "-e", &sql])).expect(0);
    assert!(anew.out.starts_with("+I["), "{}", anew.out);
    check_counts(&last_rows(&anew.out));
}

#[test]
fn a_start_tells_from_where_it_goes_on_and_refuses_to_drop_state() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().to_str().unwrap();
    stop_after_a_row(start(folder.path(), &["-e", &counts()])).expect(0);
    let last = listed(folder.path())[0]["epoch"].as_u64().unwrap();
    let ended = stop_after_a_row(start_aloud(folder.path(), &["-e", &counts()])).expect(0);
    let told = format!("job \"counts\" goes on from checkpoint {last}: numbers behind ");
    assert!(ended.err.contains(&told), "{}", ended.err);

    let copy = format!("{COUNTS} SET 'pipeline.name' = 'counts'; INSERT INTO nowhere SELECT n FROM numbers;");
    let refused = millstream(&["run", "-q", "--state", state, "-e", &copy]).expect(1);
    let lost = "has state that the job no longer has: GroupAggregate";
    assert!(refused.err.contains(lost) && refused.err.contains("--allow-non-restored-state"), "{}", refused.err);
    let until_checkpoint = |arguments: &[&str]| {
        let child = start_aloud(folder.path(), arguments);
        wait_for_checkpoint(folder.path(), "counts");
        stop(child).expect(0)
    };
    let dropped = until_checkpoint(&["--allow-non-restored-state", "-e", &copy]);
    let told = "state that the job no longer has is dropped: GroupAggregate";
    assert!(dropped.err.contains(told), "{}", dropped.err);
    // It is gone from the next checkpoint: nobody has to allow it again.
    until_checkpoint(&["-e", &copy]);
}

#[test]
fn as_many_checkpoints_are_kept_as_is_set_and_for_as_long() {
    let folder = tempfile::tempdir().unwrap();
    let kept = format!(
        "SET 'execution.checkpointing.interval' = '20 ms'; SET 'state.checkpoints.num-retained' = '3'; {}",
        counts()
    );
    let child = start(folder.path(), &["-e", &kept]);
    let since = Instant::now();
    while listed(folder.path()).first().and_then(|c| c["epoch"].as_u64()).is_none_or(|epoch| epoch < 6) {
        assert!(since.elapsed() < Duration::from_secs(60), "{:?}", listed(folder.path()));
        std::thread::sleep(Duration::from_millis(50));
    }
    stop(child).expect(0);
    assert_eq!(listed(folder.path()).len(), 3);
    for (retention, left) in [("RETAIN_ON_CANCELLATION", 1), ("DELETE_ON_CANCELLATION", 0)] {
        let key = "execution.checkpointing.externalized-checkpoint-retention";
        let sql = format!("SET '{key}' = '{retention}'; {}", counts());
        let ended = stop_after_a_row(start_aloud(folder.path(), &["-e", &sql])).expect(0);
        assert_eq!(listed(folder.path()).len(), left, "{retention}");
        assert_eq!(ended.err.contains("its checkpoints are removed"), left == 0, "{}", ended.err);
    }
    let anew = stop_after_a_row(start(folder.path(), &["-e", &counts()])).expect(0);
    assert!(anew.out.starts_with("+I["), "{}", anew.out);
}

#[test]
fn a_row_that_cannot_be_processed_ends_a_job_with_checkpoints_too() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("lines.csv"), "1\n2\nthree\n").unwrap();
    let sql = format!(
        "SET 'pipeline.name' = 'poisoned';
         CREATE TABLE lines (n INT) WITH ('connector' = 'filesystem', 'path' = '{}', 'format' = 'csv');
         CREATE TABLE printed (n INT) WITH ('connector' = 'print');
         INSERT INTO printed SELECT n FROM lines;",
        folder.path().join("lines.csv").display()
    );
    let state = folder.path().join("state");
    let ended = millstream(&["run", "--state", state.to_str().unwrap(), "-e", &sql]).expect(1);
    assert!(ended.err.contains("line 3") && !ended.err.contains("starting it anew"), "{}", ended.err);
}

#[test]
fn checkpoints_are_listed_and_looked_into() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().to_str().unwrap();
    let stopped = format!("{} STOP JOB 'counts' WITH SAVEPOINT WITH DRAIN;", counts());
    let told = millstream(&["run", "-q", "--state", state, "-e", &stopped]).expect(0);
    let savepoint = told.out.lines().find(|line| line.contains("savepoint-counts-")).unwrap();
    let savepoint = savepoint.trim_matches(['|', ' ']);

    let table = millstream(&["checkpoints", state]).expect(0).out;
    for text in ["|    job | epoch |", "counts/chk-", "savepoints/savepoint-counts-", "| held |", "2 rows in set"] {
        assert!(table.contains(text), "{text} is missing in\n{table}");
    }
    let kinds: Vec<String> = listed(folder.path()).iter().map(|c| c["kind"].as_str().unwrap().to_string()).collect();
    assert_eq!(kinds, ["final", "savepoint"]);

    let one = millstream(&["checkpoints", savepoint]).expect(0).out;
    assert!(one.starts_with("Job counts, epoch "), "{one}");
    for text in ["Operators\n", "GroupAggregate", "Sources\n", "numbers", "Targets\n"] {
        assert!(one.contains(text), "{text} is missing in\n{one}");
    }
    let json = millstream(&["checkpoints", savepoint, "--format", "json"]).expect(0).out;
    let manifest: Value = serde_json::from_str(&json).unwrap();
    assert_eq!((manifest["job"].as_str(), manifest["kind"].as_str()), (Some("counts"), Some("savepoint")));

    let epoch = listed(folder.path())[0]["epoch"].as_u64().unwrap().to_string();
    millstream(&["checkpoints", state, "counts", &epoch]).expect(0);
    let none = millstream(&["checkpoints", state, "count"]).expect(2);
    assert!(none.err.contains("Did you mean \"counts\"?"), "{}", none.err);
    millstream(&["checkpoints", state, "counts", "99999"]).expect(2);
    millstream(&["checkpoints", "no such folder"]).expect(2);

    // A damaged one is told, and not restored.
    let manifest = folder.path().join(format!("counts/chk-{epoch}/_metadata"));
    let mut bytes = std::fs::read(&manifest).unwrap();
    bytes[100] ^= 1;
    std::fs::write(&manifest, bytes).unwrap();
    assert!(listed(folder.path()).iter().any(|c| c["damage"] == "the manifest is damaged"));
    let refused = millstream(&["run", "-q", "--state", state, "-e", &counts()]).expect(1);
    assert!(refused.err.contains("no checkpoint can be restored"), "{}", refused.err);
}

#[test]
fn places_that_are_no_folder_are_refused() {
    for (place, said) in [
        ("s3://bucket/state", "a folder for checkpoints in 's3://' is not supported"),
        ("file://state", "'file://state' names a host, not a folder"),
    ] {
        let flag = millstream(&["run", "--state", place, "-e", "SHOW TABLES"]).expect(2);
        assert!(flag.err.contains(said), "{}", flag.err);
        let sql = format!("SET 'execution.checkpointing.dir' = '{place}'");
        let set = millstream(&["run", "-e", &sql]).expect(2);
        assert!(set.err.contains(said) && set.err.contains("^^^"), "{}", set.err);
    }
    let file = tempfile::NamedTempFile::new().unwrap();
    let below = file.path().join("state");
    let refused = millstream(&["run", "--state", below.to_str().unwrap(), "-e", &counts()]).expect(1);
    assert!(refused.err.contains("cannot use \""), "{}", refused.err);
}
