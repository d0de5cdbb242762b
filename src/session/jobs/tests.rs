//! Jobs from their start to whatever end, as a session tells of them.

use std::sync::Arc;

use crate::connectors::Reporter;
use crate::runtime::JobStatus;
use crate::session::{Listing, Outcome, Session};
use crate::time::ManualClock;
use crate::{Error, JobEnd, JobHandle};

const TABLES: &str = "
    CREATE TABLE endless (n INT) WITH ('connector' = 'datagen', 'rows-per-second' = '5');
    CREATE TABLE nowhere (n INT) WITH ('connector' = 'blackhole');
    SET 'parallelism.default' = '1';
    SET 'table.local-time-zone' = 'Asia/Tokyo';
";

fn session() -> (Session, Arc<ManualClock>) {
    let clock = Arc::new(ManualClock::new(1_700_000_000_000));
    (Session::new().with_clock(clock.clone()), clock)
}

async fn started(session: &mut Session, sql: &str) -> JobHandle {
    match session.execute(sql).await.unwrap().pop() {
        Some(Outcome::Job(job)) => job,
        _ => panic!("a job was expected"),
    }
}

async fn listing(session: &mut Session, sql: &str) -> Listing {
    match session.execute(sql).await.unwrap().pop() {
        Some(Outcome::Listing(listing)) => listing,
        _ => panic!("a listing was expected"),
    }
}

async fn error(session: &mut Session, sql: &str) -> Error {
    match session.execute(sql).await {
        Err(error) => error,
        Ok(_) => panic!("an error was expected"),
    }
}

/// The cells of one column.
fn column(listing: &Listing, name: &str) -> Vec<Option<String>> {
    let at = listing.columns.iter().position(|(column, _)| column == name).unwrap();
    listing.rows.iter().map(|row| row[at].clone()).collect()
}

fn cell(listing: &Listing, name: &str) -> String {
    column(listing, name).remove(0).unwrap_or_default()
}

#[tokio::test]
async fn the_last_queries_that_have_ended_are_listed_and_every_statement() {
    let (mut session, _) = session();
    session.execute(TABLES).await.unwrap();
    for _ in 0..5 {
        let insert = started(&mut session, "INSERT INTO nowhere SELECT 1").await;
        insert.state().wait().await;
        let mut query = session.query("SELECT 1").await.unwrap();
        while query.next().await.unwrap().is_some() {}
    }
    let shown = listing(&mut session, "SHOW JOBS").await;
    let names: Vec<String> = column(&shown, "job name").into_iter().flatten().collect();
    let of = |name: &str| names.iter().filter(|known| known.starts_with(name)).count();
    // Three, and the last.
    assert_eq!((of("insert-into_"), of("collect")), (5, 4), "{names:?}");
}

#[tokio::test]
async fn a_query_is_called_as_pipeline_name_says_unless_a_job_that_writes_is() {
    let (mut session, _) = session();
    session.execute(TABLES).await.unwrap();
    session.execute("SET 'pipeline.name' = 'hot'").await.unwrap();
    let first = session.query("SELECT n FROM endless").await.unwrap();
    let second = session.query("SELECT n FROM endless").await.unwrap();
    let names = [&first, &second].map(|query| query.job.name.to_string());
    assert_eq!(names, ["hot", "hot-2"], "both run");
    drop((first, second));
    let job = started(&mut session, "INSERT INTO nowhere SELECT n FROM endless").await;
    assert_eq!(&*job.name, "hot");
    let third = session.query("SELECT n FROM endless").await.unwrap();
    assert_eq!(&*third.job.name, "collect");
    session.execute("STOP JOB hot").await.unwrap();
    assert_eq!(job.state().wait().await.status, JobStatus::Canceled);
    assert_eq!(&*session.query("SELECT 1").await.unwrap().job.name, "collect-2", "the third goes on");
}

#[tokio::test]
async fn a_changed_statement_goes_on_as_the_job_that_was_stopped() {
    let (session, _) = session();
    let mut session = session.on_screen();
    session.execute(TABLES).await.unwrap();
    session.execute("SET 'pipeline.name' = 'rule'").await.unwrap();
    let first = started(&mut session, "INSERT INTO nowhere SELECT n FROM endless").await;
    session.execute("STOP JOB rule").await.unwrap();
    let changed = started(&mut session, "INSERT INTO nowhere SELECT n FROM endless WHERE n > 1").await;
    let beside = started(&mut session, "INSERT INTO nowhere SELECT n FROM endless").await;
    assert_eq!([&first, &changed, &beside].map(|job| job.name.to_string()), ["rule", "rule", "rule-2"]);
    session.execute("STOP JOB rule; STOP JOB 'rule-2'").await.unwrap();
    let again = started(&mut session, "INSERT INTO nowhere SELECT n FROM endless").await;
    let mut fails = started(&mut session, "INSERT INTO nowhere SELECT 1 / (n - n) FROM endless").await;
    assert_eq!([&again, &fails].map(|job| job.name.to_string()), ["rule-2", "rule"]);
    fails.wait().await.unwrap_err();
    let mended = started(&mut session, "INSERT INTO nowhere SELECT n + 1 FROM endless").await;
    assert_eq!(&*mended.name, "rule");
}

async fn round(session: &mut Session, sql: &str) -> crate::Result<Outcome> {
    let text = crate::span::SourceText::new("sql", sql);
    let statement = crate::sql::parse_script(&text).remove(0)?;
    session.execute_round(&statement, &text).await
}

#[tokio::test]
async fn a_round_ends_by_itself_and_is_not_listed() {
    let (mut session, _) = session();
    session.execute(TABLES).await.unwrap();
    for sql in ["SELECT 1", "SELECT n FROM endless LIMIT 1", "SELECT n + 1 FROM (SELECT n FROM endless LIMIT 2)"] {
        let Ok(Outcome::Query(mut query)) = round(&mut session, sql).await else {
            panic!("{sql}: a query was expected")
        };
        while query.next().await.unwrap().is_some() {}
    }
    for sql in
        ["SELECT n FROM endless", "SELECT n FROM (SELECT n FROM endless LIMIT 1) UNION ALL SELECT n FROM endless"]
    {
        let Err(error) = round(&mut session, sql).await else { panic!("{sql}: an error was expected") };
        assert!(error.message().starts_with("this query never ends by itself"), "{error}");
    }
    assert!(listing(&mut session, "SHOW JOBS").await.rows.is_empty());
}

#[tokio::test]
async fn a_job_that_waits_for_a_service_says_so() {
    let (mut session, _) = session();
    session.execute(TABLES).await.unwrap();
    let job = started(&mut session, "SET 'pipeline.name' = 'j'; INSERT INTO nowhere SELECT n FROM endless").await;
    let reporter = job.metrics.reporter(&job.name, &Reporter::silent());
    reporter.waits("waiting for Kafka");
    let shown = listing(&mut session, "DESCRIBE JOB j").await;
    assert_eq!((cell(&shown, "status"), cell(&shown, "message")), ("WAITING".into(), "waiting for Kafka".into()));
    reporter.goes_on();
    assert_eq!(cell(&listing(&mut session, "SHOW JOBS").await, "status"), "RUNNING");
}

#[tokio::test]
async fn a_job_is_listed_with_its_id_while_it_runs_and_when_it_was_stopped() {
    let (mut session, clock) = session();
    session.execute(TABLES).await.unwrap();
    let job = started(&mut session, "SET 'pipeline.name' = 'j'; INSERT INTO nowhere SELECT n FROM endless").await;
    assert!(job.id.as_str().len() == 32 && job.id.as_str().chars().all(|c| matches!(c, '0'..='9' | 'a'..='f')));
    let shown = listing(&mut session, "SHOW JOBS").await;
    let names: Vec<&str> = shown.columns.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["job id", "job name", "status", "start time"]);
    let cells = [job.id.as_str(), "j", "RUNNING", "2023-11-15 07:13:20.000000"];
    assert_eq!(shown.rows, [cells.map(|cell| Some(cell.to_string())).to_vec()]);

    clock.set(1_700_000_061_500);
    let begin = &job.id.as_str()[..12];
    session.execute(&format!("STOP JOB '{begin}'")).await.unwrap();
    let described = listing(&mut session, "DESC JOB 'j'").await;
    assert_eq!(cell(&described, "job id"), job.id.as_str());
    assert_eq!(cell(&described, "status"), "CANCELED");
    assert_eq!(cell(&described, "end time"), "2023-11-15 07:14:21.500000");
    assert_eq!(cell(&described, "statement"), "INSERT INTO nowhere SELECT n FROM endless");
    let again = error(&mut session, "STOP JOB 'j'").await;
    assert_eq!(again.message(), "job \"j\" was stopped already");

    // The name is that of the job that runs, and of the last one when none does.
    let next = started(&mut session, "INSERT INTO nowhere SELECT n FROM endless").await;
    for status in ["RUNNING", "CANCELED"] {
        let described = listing(&mut session, "DESC JOB 'j'").await;
        assert_eq!((cell(&described, "job id"), cell(&described, "status")), (next.id.to_string(), status.to_string()));
        if status == "RUNNING" {
            session.execute("STOP JOB 'j'").await.unwrap();
        }
    }
}

#[tokio::test]
async fn every_end_has_its_word() {
    let (mut session, _) = session();
    session.execute(TABLES).await.unwrap();
    let few = "CREATE TABLE few (n INT) WITH ('connector' = 'datagen', 'number-of-rows' = '3')";
    session.execute(few).await.unwrap();
    let mut finished = started(&mut session, "INSERT INTO nowhere SELECT n FROM few").await;
    assert_eq!(finished.wait().await.unwrap(), JobEnd::Finished);
    let mut failed =
        started(&mut session, "INSERT INTO nowhere SELECT 1 / (n - n) FROM few /*+ OPTIONS('fields.n.min' = '1') */")
            .await;
    let failure = failed.wait().await.unwrap_err();
    let dropped = started(&mut session, "INSERT INTO nowhere SELECT n FROM endless").await;
    let state = dropped.state();
    drop(dropped);
    assert_eq!(state.wait().await.status, JobStatus::Canceled, "the registry keeps no job alive");
    let mut query = session.query("SELECT n FROM few").await.unwrap();
    while query.next().await.unwrap().is_some() {}

    let shown = listing(&mut session, "SHOW JOBS").await;
    let words = ["FINISHED", "FAILED", "CANCELED", "FINISHED"].map(|word| Some(word.to_string()));
    assert_eq!(column(&shown, "status"), words);
    let names: Vec<String> = column(&shown, "job name").into_iter().flatten().collect();
    let insert = "insert-into_default_catalog.default_database.nowhere";
    assert_eq!(names, [insert.to_string(), format!("{insert}-2"), format!("{insert}-3"), "collect".to_string()]);
    let described = listing(&mut session, &format!("DESCRIBE JOB '{}'", failed.id)).await;
    assert!(cell(&described, "message").starts_with(failure.message()), "{described:?}");
    let described = listing(&mut session, &format!("DESCRIBE JOB '{insert}'")).await;
    assert_eq!(["rows in", "rows out", "lag"].map(|column| cell(&described, column)), ["3", "3", "0"]);
    assert_eq!(["sources", "sinks"].map(|column| cell(&described, column)), ["few: 3 rows", "nowhere: 3 rows"]);
    let ended = error(&mut session, &format!("STOP JOB '{}'", finished.id)).await;
    assert_eq!(ended.message(), format!("job \"{insert}\" has finished already"));
}

#[tokio::test]
async fn a_job_that_is_not_there_is_told_of_with_those_that_are() {
    let (mut session, _) = session();
    session.execute(TABLES).await.unwrap();
    let none = error(&mut session, "STOP JOB 'abc'").await;
    assert_eq!(none.message(), "there is no job \"abc\" in this session");
    assert_eq!(none.hint(), Some("No job is running; SHOW JOBS lists those that have ended, too."));
    let insert = "INSERT INTO nowhere SELECT n FROM endless";
    let job = started(&mut session, &format!("SET 'pipeline.name' = 'filter'; {insert}")).await;
    assert_eq!(error(&mut session, "DESCRIBE JOB 'fitler'").await.hint(), Some("Did you mean \"filter\"?"));
    let running = format!("Running: \"filter\" ({}).", job.id);
    assert_eq!(error(&mut session, "STOP JOB 'something else'").await.hint(), Some(running.as_str()));
    assert!(error(&mut session, "STOP JOB ''").await.message().contains("no job \"\""));
}

/// A job over a folder that is watched for ever: three rows have come, and the minute they are in is still open.
async fn windowed(session: &mut Session, folder: &std::path::Path) -> JobHandle {
    std::fs::create_dir(folder.join("in")).unwrap();
    std::fs::write(
        folder.join("in/a.csv"),
        "doc,2024-01-01 00:00:01,1\nhappy,2024-01-01 00:00:02,2\ndoc,2024-01-01 00:00:03,3\n",
    )
    .unwrap();
    summing(session, folder, 3).await
}

/// The job, once it has read so many rows.
async fn summing(session: &mut Session, folder: &std::path::Path, rows: u64) -> JobHandle {
    let sql = format!(
        "CREATE TABLE cpu (host STRING, ts TIMESTAMP(3), `load` INT, WATERMARK FOR ts AS ts)
           WITH ('connector' = 'filesystem', 'path' = '{0}/in', 'format' = 'csv', 'source.monitor-interval' = '1 h');
         CREATE TABLE sums (host STRING, total INT)
           WITH ('connector' = 'filesystem', 'path' = '{0}/out', 'format' = 'csv');
         SET 'pipeline.name' = 'sums';
         INSERT INTO sums SELECT host, SUM(`load`)
           FROM TABLE(TUMBLE(TABLE cpu, DESCRIPTOR(ts), INTERVAL '1' MINUTE)) GROUP BY host, window_start, window_end",
        folder.display()
    );
    let job = started(session, &sql).await;
    while job.metrics.rows_in() < rows {
        tokio::task::yield_now().await;
    }
    job
}

/// All lines that were written. Hidden files are the committer's.
fn written(folder: &std::path::Path) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(folder.join("out")) else { return Vec::new() };
    let visible = entries.map(Result::unwrap).filter(|entry| !entry.file_name().to_string_lossy().starts_with('.'));
    let files = visible.map(|entry| std::fs::read_to_string(entry.path()).unwrap());
    let mut lines: Vec<String> = files.flat_map(|text| text.lines().map(str::to_string).collect::<Vec<_>>()).collect();
    lines.sort();
    lines
}

#[tokio::test]
async fn a_drained_job_closes_its_windows_and_a_stopped_one_does_not() {
    for (stop, status, expected) in
        [("STOP JOB 'sums' WITH DRAIN", "FINISHED", vec!["doc,4", "happy,2"]), ("STOP JOB 'sums'", "CANCELED", vec![])]
    {
        let (mut session, _) = session();
        session.execute("SET 'parallelism.default' = '1'").await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let mut job = windowed(&mut session, folder.path()).await;
        session.execute(stop).await.unwrap();
        assert_eq!(cell(&listing(&mut session, "SHOW JOBS").await, "status"), status);
        assert_eq!(written(folder.path()), expected, "{stop}");
        let end = if status == "FINISHED" { JobEnd::Finished } else { JobEnd::Stopped };
        assert_eq!(job.wait().await.unwrap(), end);
    }
}

#[tokio::test]
async fn a_savepoint_of_the_end_has_the_windows_that_were_open_unless_they_were_drained() {
    for (stop, before, behind) in [
        ("STOP JOB 'sums' WITH SAVEPOINT", vec![], vec!["doc,4", "doc,5", "happy,2"]),
        // All windows there can be are over: what comes behind is late, as in Flink.
        ("STOP JOB 'sums' WITH DRAIN WITH SAVEPOINT", vec!["doc,4", "happy,2"], vec!["doc,4", "happy,2"]),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let checkpoints = |name: &str| {
            format!(
                "SET 'parallelism.default' = '1'; SET 'execution.checkpointing.interval' = '1 h';
                 SET 'execution.checkpointing.dir' = 'file://{}/{name}';",
                folder.path().display()
            )
        };
        let (mut session, _) = session();
        session.execute(&checkpoints("state")).await.unwrap();
        let _job = windowed(&mut session, folder.path()).await;
        let told = listing(&mut session, stop).await;
        assert_eq!(written(folder.path()), before, "{stop}");
        let savepoint = cell(&told, "savepoint path");
        // The rest, in another session with another folder.
        std::fs::write(folder.path().join("in/b.csv"), "doc,2024-01-01 00:02:00,5\n").unwrap();
        let (mut session, _) = self::session();
        session.execute(&checkpoints("other")).await.unwrap();
        session.execute(&format!("SET 'execution.state-recovery.path' = '{savepoint}'")).await.unwrap();
        let job = summing(&mut session, folder.path(), 1).await;
        session.execute("STOP JOB 'sums' WITH DRAIN").await.unwrap();
        assert_eq!((written(folder.path()), job.metrics.rows_in()), (to_strings(&behind), 1), "{stop}");
    }
}

fn to_strings(lines: &[&str]) -> Vec<String> {
    lines.iter().map(|line| line.to_string()).collect()
}

#[tokio::test]
async fn a_job_without_checkpoints_goes_on_where_a_savepoint_was_asked_for() {
    let (mut session, _) = session();
    session.execute(TABLES).await.unwrap();
    let job = started(&mut session, "SET 'pipeline.name' = 'j'; INSERT INTO nowhere SELECT n FROM endless").await;
    let refused = error(&mut session, "STOP JOB 'j' WITH SAVEPOINT").await;
    assert_eq!(refused.message(), "job \"j\" keeps no checkpoints");
    assert_eq!(job.state().status(), JobStatus::Running);
    let path = "SET 'execution.state-recovery.path' = '/tmp/none'; INSERT INTO nowhere SELECT n FROM endless";
    let refused = error(&mut session, path).await;
    assert!(refused.message().ends_with("begins from a savepoint, which needs checkpoints"), "{refused}");
}

#[tokio::test]
async fn a_job_goes_on_where_the_folder_of_its_savepoint_cannot_be_written() {
    let (mut session, _) = session();
    session.execute(TABLES).await.unwrap();
    session.execute("SET 'execution.checkpointing.interval' = '1 h'").await.unwrap();
    let job = started(&mut session, "SET 'pipeline.name' = 'j'; INSERT INTO nowhere SELECT n FROM endless").await;
    // A folder in which nobody can make a file.
    session.execute("SET 'execution.checkpointing.savepoint-dir' = 'file:///sys'").await.unwrap();
    for stop in ["STOP JOB 'j' WITH SAVEPOINT", "STOP JOB 'j' WITH DRAIN WITH SAVEPOINT"] {
        let refused = error(&mut session, stop).await;
        assert!(refused.message().starts_with("cannot "), "{refused}");
        assert_eq!(job.state().status(), JobStatus::Running);
    }
}

#[tokio::test]
async fn jobs_that_have_ended_are_forgotten_when_there_are_very_many() {
    let (mut session, _) = session();
    session.execute(TABLES).await.unwrap();
    let keeps = started(&mut session, "INSERT INTO nowhere SELECT n FROM endless").await;
    for _ in 0..103 {
        started(&mut session, "INSERT INTO nowhere SELECT 1").await.state().wait().await;
    }
    let shown = listing(&mut session, "SHOW JOBS").await;
    assert_eq!(shown.rows.len(), 102, "the one that runs, a hundred that have ended, and the last");
    assert_eq!(shown.rows[0][0].as_deref(), Some(keeps.id.as_str()));
}
