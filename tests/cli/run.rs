//! `run`: results, jobs, exit codes, stopping.

use std::io::{BufRead, BufReader, Read};
use std::process::Stdio;

use crate::millstream::{command, millstream, millstream_in, root, signal, wait};

/// `n` rows 1, 2, 3, …
fn numbers(n: usize) -> String {
    format!(
        "CREATE TABLE numbers (n INT) WITH ('connector' = 'datagen', 'number-of-rows' = '{n}',
           'fields.n.kind' = 'sequence', 'fields.n.start' = '1', 'fields.n.end' = '{n}');"
    )
}

const PRINT: &str = "CREATE TABLE printed (n INT) WITH ('connector' = 'print');";

#[test]
fn a_select_over_values_is_printed_as_a_changelog() {
    let ended = millstream(&["run", "-q", "-e", "SELECT a, b FROM (VALUES (1, 'x'), (2, 'y')) AS t(a, b)"]).expect(0);
    for text in ["op", "| +I |", " 1 |", " x |", " y |"] {
        assert!(ended.out.contains(text), "{text} is missing in\n{}", ended.out);
    }
    assert_eq!(ended.err, "");
}

const GROUPED: &str = "SELECT a, COUNT(*) AS n FROM (VALUES ('x'), ('y'), ('x')) AS t(a) GROUP BY a";

const COUNTS: &str = "\
+---+---+
| a | n |
+---+---+
| y | 1 |
| x | 2 |
+---+---+
2 rows in set
";

#[test]
fn a_bounded_query_shows_the_table_it_leaves() {
    let mode = "sql-client.execution.result-mode=table";
    let ended = millstream(&["run", "-q", "--set", "parallelism.default=1", "--set", mode, "-e", GROUPED]).expect(0);
    assert_eq!(ended.out, COUNTS);
    let nothing = format!("{GROUPED} HAVING COUNT(*) > 9");
    assert_eq!(millstream(&["run", "-q", "--set", mode, "-e", &nothing]).expect(0).out, "Empty set\n");
    let endless = "CREATE TABLE t (n INT) WITH ('connector' = 'datagen'); SELECT n FROM t";
    let ended = millstream(&["run", "-q", "--set", mode, "-e", endless]).expect(2);
    assert!(ended.err.contains("shows the table that a query leaves, and this one never ends"), "{}", ended.err);
}

#[test]
fn a_batch_query_shows_its_answer() {
    let sql = format!("SET 'execution.runtime-mode' = 'batch'; {GROUPED} ORDER BY n, a");
    assert_eq!(millstream(&["run", "-q", "-e", &sql]).expect(0).out, COUNTS);
    let mode = "sql-client.execution.result-mode=changelog";
    let ended = millstream(&["run", "-q", "--set", mode, "-e", &sql]).expect(2);
    assert!(ended.err.contains("can only be served in table or tableau mode"), "{}", ended.err);
}

#[test]
fn an_insert_from_datagen_prints_every_row_once() {
    let sql =
        format!("SET 'parallelism.default' = '1'; {} {PRINT} INSERT INTO printed SELECT n FROM numbers", numbers(5));
    let ended = millstream(&["run", "-q", "-e", &sql]).expect(0);
    assert_eq!(ended.out, "+I[1]\n+I[2]\n+I[3]\n+I[4]\n+I[5]\n");
}

#[test]
fn rows_come_out_in_full_with_any_parallelism() {
    let sql = format!("{} {PRINT} INSERT INTO printed SELECT n FROM numbers WHERE MOD(n, 2) = 0", numbers(1000));
    let ended = millstream(&["run", "-q", "--set", "parallelism.default=4", "-e", &sql]).expect(0);
    let number = |line: &str| line.rsplit('[').next().and_then(|n| n.trim_end_matches(']').parse::<u32>().ok());
    let mut rows: Vec<Option<u32>> = ended.out.lines().map(number).collect();
    rows.sort();
    assert_eq!(rows, (1..=500).map(|n| Some(n * 2)).collect::<Vec<_>>());
}

#[test]
fn files_are_one_session_and_relative_paths_are_the_working_directorys() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    write(
        "tables.sql",
        &format!(
            "{} CREATE TABLE written (n INT) WITH ('connector' = 'filesystem', 'path' = 'out', 'format' = 'csv');",
            numbers(3)
        ),
    );
    write("job.sql", "INSERT INTO written SELECT n FROM numbers");
    millstream_in(folder.path(), &["run", "-q", "tables.sql", "job.sql", "--set", "parallelism.default=1"]).expect(0);
    let mut rows = Vec::new();
    for entry in std::fs::read_dir(folder.path().join("out")).unwrap() {
        let text = std::fs::read_to_string(entry.unwrap().path()).unwrap();
        rows.extend(text.lines().map(str::to_string).collect::<Vec<_>>());
    }
    rows.sort();
    assert_eq!(rows, ["1", "2", "3"]);
}

#[test]
fn several_jobs_of_one_name_get_a_number_behind_it() {
    let sql = format!(
        "{} CREATE TABLE hole (n INT) WITH ('connector' = 'blackhole'); INSERT INTO hole SELECT n FROM numbers; INSERT INTO hole SELECT n FROM numbers;",
        numbers(3)
    );
    let ended = millstream(&["run", "--name", "twins", "-e", &sql]).expect(0);
    for text in ["job twins started", "job twins-2 started", "job twins finished: 3 rows in", "job twins-2 finished"] {
        assert!(ended.err.contains(text), "{text} is missing in\n{}", ended.err);
    }
    let ended = millstream(&["run", "-e", &sql]).expect(0);
    assert!(ended.err.contains("job insert-into_default_catalog.default_database.hole started"), "{}", ended.err);
    let named = format!("SET 'pipeline.name' = 'mine'; {sql}");
    let ended = millstream(&["run", "--name", "twins", "-e", &named]).expect(0);
    assert!(ended.err.contains("job mine started") && !ended.err.contains("twins"), "{}", ended.err);
}

/// A job that fails at its third row beside one that takes a while.
fn failing_and_fine() -> String {
    format!(
        "SET 'parallelism.default' = '1'; {} {PRINT}
         CREATE TABLE slow (n INT) WITH ('connector' = 'datagen', 'rows-per-second' = '20', 'number-of-rows' = '40',
           'fields.n.kind' = 'sequence', 'fields.n.start' = '1', 'fields.n.end' = '40');
         CREATE TABLE hole (n INT) WITH ('connector' = 'blackhole');
         INSERT INTO hole SELECT 6 / (n - 3) FROM numbers;
         INSERT INTO printed SELECT n FROM slow;",
        numbers(5)
    )
}

#[test]
fn a_failing_job_leaves_the_others_running_and_the_exit_code_is_1() {
    let ended = millstream(&["run", "--name", "pair", "-e", &failing_and_fine()]).expect(1);
    assert!(ended.err.contains("error: job \"pair\" failed: "), "{}", ended.err);
    assert!(ended.err.contains("job pair-2 finished: 40 rows in, 40 rows out"), "{}", ended.err);
    assert_eq!(ended.out.lines().count(), 40);
}

#[test]
fn with_fail_fast_the_others_are_stopped() {
    let ended = millstream(&["run", "--fail-fast", "--name", "pair", "-e", &failing_and_fine()]).expect(1);
    assert!(ended.err.contains("job pair-2 stopped"), "{}", ended.err);
    assert!(ended.out.lines().count() < 40);
}

#[test]
fn a_typo_in_the_last_statement_starts_nothing() {
    let sql = format!("{} {PRINT} INSERT INTO printed SELECT n FROM numbers; SELECT nn FROM numbers;", numbers(3));
    let ended = millstream(&["run", "-e", &sql]).expect(2);
    assert_eq!(ended.out, "");
    assert!(!ended.err.contains("started"), "{}", ended.err);
}

#[test]
fn a_job_that_is_refused_as_it_opens_tells_all_and_has_made_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let table = |name: &str| {
        format!("CREATE TABLE {name} (n INT) WITH ('connector' = 'filesystem', 'path' = '{name}', 'format' = 'csv');")
    };
    let sql = format!(
        "{}{}{} EXECUTE STATEMENT SET BEGIN INSERT INTO made SELECT n FROM near; INSERT INTO made SELECT n FROM other; END;",
        table("other"),
        table("near"),
        table("made")
    );
    let ended = millstream_in(folder.path(), &["run", "--name", "refused", "-e", &sql]).expect(1);
    let place = |name: &str| ended.err.find(&format!("failed: table \"{name}\""));
    assert!(place("other") < place("near"), "in the order of the file:\n{}", ended.err);
    for name in ["near", "other"] {
        let told = format!("error: job \"refused\" failed: table \"{name}\" (connector \"filesystem\"): ");
        assert!(ended.err.contains(&told), "{}", ended.err);
    }
    assert!(!ended.err.contains("started"), "{}", ended.err);
    assert!(!folder.path().join("made").exists());
    let json = ["run", "--log-format", "json", "--name", "refused", "-e", &sql];
    let lines = millstream_in(folder.path(), &json).expect(1).err;
    assert_eq!(lines.matches("\"level\":\"ERROR\"").count(), 2, "{lines}");
}

#[test]
fn jobs_that_are_refused_as_they_open_are_told_in_the_order_of_the_file() {
    let names = ["h", "c", "f", "a", "g", "b", "e", "d"];
    let tables = names.map(|name| {
        format!(
            "CREATE TABLE {name} (n INT) WITH ('connector' = 'filesystem', 'path' = 'no/{name}', 'format' = 'csv');"
        )
    });
    let jobs = names.map(|name| format!("INSERT INTO hole SELECT n FROM {name};"));
    let hole = "CREATE TABLE hole (n INT) WITH ('connector' = 'blackhole');";
    let sql = format!("{}{hole}{}", tables.concat(), jobs.concat());
    let ended = millstream(&["run", "-q", "-e", &sql]).expect(1);
    let refused = ended.err.lines().filter_map(|line| line.split_once("failed: table \"")?.1.split('"').next());
    assert_eq!(refused.collect::<Vec<_>>(), names, "{}", ended.err);
}

#[test]
fn the_trace_of_a_start_has_a_line_for_each_step() {
    let sql = format!(
        "SET 'parallelism.default' = '3'; {} CREATE TABLE hole (n INT, c BIGINT) WITH ('connector' = 'blackhole'); INSERT INTO hole SELECT n, COUNT(*) FROM numbers GROUP BY n",
        numbers(300)
    );
    let ended = millstream(&["run", "-q", "--trace-startup", "-e", &sql]).expect(0);
    let step = |text: &str| ended.err.lines().filter(|line| line.contains(text)).collect::<Vec<_>>();
    let [line] = step("sink hole open")[..] else { panic!("{}", ended.err) };
    assert!(line.contains("sink hole open, the last of 3; the first was at "), "{line}");
    assert_eq!(step("doors checked").len(), 1, "{}", ended.err);
    assert!(step("end, before a row was written").is_empty(), "{}", ended.err);
    let ended =
        millstream(&["run", "-q", "--trace-startup", "-e", &sql.replace("GROUP BY", "WHERE n < 0 GROUP BY")]).expect(0);
    assert!(ended.err.trim_end().ends_with("end, before a row was written"), "{}", ended.err);
}

#[test]
fn a_start_that_hangs_shows_where() {
    // It is taken, and answered never.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let sql = format!(
        "CREATE TABLE far (n INT) WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json',
           'scan.startup.mode' = 'earliest-offset', 'properties.bootstrap.servers' = '{}'); {PRINT}
         INSERT INTO printed SELECT n FROM far;",
        silent.local_addr().unwrap()
    );
    let arguments = ["run", "-q", "--name", "far", "--trace-startup", "-e", &sql];
    let mut child = command(&arguments).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap);
    let told: Vec<String> = lines.by_ref().take_while(|line| !line.ends_with("job \"far\" started")).collect();
    // It runs still: nothing else ends it.
    assert!(child.try_wait().unwrap().is_none());
    assert_eq!(told.first().map(String::as_str), Some("    at ms   took ms  start-up"));
    assert!(told.last().is_some_and(|line| line.ends_with("  session ready")), "{told:?}");
    child.kill().unwrap();
    wait(&mut child);
}

#[test]
fn a_signal_stops_an_endless_job_cleanly_and_what_was_read_is_written() {
    let sql = format!(
        "CREATE TABLE endless (n BIGINT) WITH ('connector' = 'datagen', 'rows-per-second' = '500'); {} INSERT INTO printed SELECT CAST(n AS INT) FROM (SELECT MOD(n, 1000) AS n FROM endless);",
        PRINT
    );
    for name in ["TERM", "INT"] {
        let mut child = command(&["run", "-e", &sql]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let mut first = String::new();
        out.read_line(&mut first).unwrap();
        assert!(first.contains("+I["), "{first}");
        signal(&child, name);
        let mut rest = String::new();
        out.read_to_string(&mut rest).unwrap();
        let status = wait(&mut child);
        let mut err = String::new();
        child.stderr.take().unwrap().read_to_string(&mut err).unwrap();
        assert_eq!(status.code(), Some(0), "{err}");
        let rows = rest.lines().count() + 1;
        let shown: String = rows.to_string();
        let ended = err.lines().find(|l| l.contains(" stopped: ")).unwrap_or_else(|| panic!("{err}"));
        assert_eq!(ended.replace(',', "").matches(&format!(" {shown} rows")).count(), 2, "{rows} rows, but {ended}");
    }
}

#[test]
fn a_reader_that_goes_away_ends_a_query_without_a_panic() {
    let sql = "CREATE TABLE endless (n INT) WITH ('connector' = 'datagen', 'rows-per-second' = '1000'); SELECT * FROM endless;";
    let mut child = command(&["run", "-e", sql]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut first = [0; 1];
    child.stdout.take().unwrap().read_exact(&mut first).unwrap();
    let status = wait(&mut child);
    let mut err = String::new();
    child.stderr.take().unwrap().read_to_string(&mut err).unwrap();
    assert_eq!(status.code(), Some(0), "{err}");
    assert!(!err.contains("panic"), "{err}");
}

#[test]
fn the_quickstart_raises_its_first_alert_at_once() {
    let mut child = command(&["run", "-q", "sql/quickstart.sql"])
        .current_dir(root())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut first = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut first).unwrap();
    assert_eq!(first, "alert> +I[grumpy, cpu2, 93.1, 30]\n");
    signal(&child, "TERM");
    wait(&mut child);
}

#[test]
fn the_quickstart_prints_what_the_readme_shows_and_all_alerts_and_windows() {
    const HOSTS: [(&str, i32); 7] =
        [("doc", 20), ("grumpy", 30), ("sleepy", 40), ("bashful", 60), ("happy", 70), ("sneezy", 80), ("dopey", 90)];
    let text = std::fs::read_to_string(root().join("sql/quickstart.sql")).unwrap();
    let (slow, fast) = ("'rows-per-second' = '4'", "'rows-per-second' = '4000'");
    assert!(text.contains(slow));
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("fast.sql");
    std::fs::write(&file, text.replace(slow, fast)).unwrap();
    let ended = millstream_in(root(), &["run", "-q", &file.display().to_string()]).expect(0);
    let mut printed: Vec<&str> = ended.out.lines().collect();

    let mut expected = Vec::new();
    let mut windows: std::collections::BTreeMap<(i32, &str), (i32, i32)> = Default::default();
    for reading in 1..=240 {
        let (host, allowed) = HOSTS[reading as usize % 7];
        let (cpu, tenths) = (reading % 4 + 1, (reading * 371 + 560) % 1000);
        if tenths > allowed * 10 {
            expected.push(format!("alert> +I[{host}, cpu{cpu}, {}.{}, {allowed}]", tenths / 10, tenths % 10));
            let (alerts, highest) = windows.entry(((reading - 1) / 40 * 10, host)).or_default();
            (*alerts, *highest) = (*alerts + 1, tenths.max(*highest));
        }
    }
    for ((second, host), (alerts, highest)) in windows {
        let time = if second == 0 { "12:00".to_string() } else { format!("12:00:{second}") };
        let row = format!("2021-10-11T{time}, {host}, {alerts}, {}.{}", highest / 10, highest % 10);
        expected.push(format!("ten seconds> +I[{row}]"));
    }
    let readme = std::fs::read_to_string(root().join("README.md")).unwrap();
    let sample = readme.split("```text sample\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    for line in sample.lines() {
        assert!(printed.contains(&line), "README shows {line}");
    }
    expected.sort();
    printed.sort();
    assert_eq!(printed, expected);
}

#[test]
fn without_a_terminal_progress_is_lines_with_the_time() {
    let sql = format!(
        "{} CREATE TABLE hole (n INT) WITH ('connector' = 'blackhole'); INSERT INTO hole SELECT n FROM numbers;",
        numbers(3)
    );
    let ended = millstream(&["run", "--name", "j", "-e", &sql]).expect(0);
    assert!(!ended.err.contains('\u{1b}'), "{:?}", ended.err);
    for line in ended.err.lines() {
        assert!(line.starts_with("20") && line.contains("Z "), "{line}");
    }
}

#[test]
fn records_that_can_not_be_decoded_are_counted_where_the_job_ends() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("in")).unwrap();
    std::fs::write(folder.path().join("in/rows.json"), "{\"n\": 1}\nno json\n{\"n\": 2}\n").unwrap();
    let tables = |more: &str| {
        format!(
            "SET 'parallelism.default' = '1'; {PRINT}
             CREATE TABLE files (n INT) WITH ('connector' = 'filesystem', 'path' = 'in', 'format' = 'json'{more});"
        )
    };
    let lenient = tables(", 'json.ignore-parse-errors' = 'true'");
    let sql = format!("{lenient} INSERT INTO printed SELECT n FROM files");
    let ended = millstream_in(folder.path(), &["run", "--name", "j", "-e", &sql]).expect(0);
    assert_eq!(ended.out, "+I[1]\n+I[2]\n");
    assert!(ended.err.contains("job j finished: "), "{}", ended.err);
    assert!(ended.err.contains(" rows out, 1 undecodable\n"), "{}", ended.err);
    let ended = millstream_in(folder.path(), &["run", "-e", &format!("{lenient} SELECT n FROM files")]).expect(0);
    assert!(ended.err.contains("query collect: 1 undecodable\n"), "{}", ended.err);
    let strict = format!("{} INSERT INTO printed SELECT n FROM files", tables(""));
    let ended = millstream_in(folder.path(), &["run", "-e", &strict]).expect(1);
    assert!(ended.err.contains("the job's lines count them as undecodable"), "{}", ended.err);
}

#[test]
fn an_event_time_far_in_the_future_is_told_with_its_file_and_line_and_its_row() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("in")).unwrap();
    let lines = ["2021-10-11 12:00:00", "2021-10-11 12:00:01", "9021-10-11 12:00:00", "9021-10-11 12:00:01"];
    let lines: String = lines.map(|ts| format!("{{\"ts\": \"{ts}\"}}\n")).concat();
    std::fs::write(folder.path().join("in/rows.json"), lines).unwrap();
    let sql = "SET 'parallelism.default' = '1'; CREATE TABLE hole (ts TIMESTAMP(3)) WITH ('connector' = 'blackhole');
        CREATE TABLE files (ts TIMESTAMP(3), WATERMARK FOR ts AS ts) WITH ('connector' = 'filesystem', 'path' = 'in', 'format' = 'json');
        CREATE TABLE made (n BIGINT, ts AS TO_TIMESTAMP_LTZ(n * 1000000000000, 3), WATERMARK FOR ts AS ts) WITH (
            'connector' = 'datagen', 'fields.n.kind' = 'sequence', 'fields.n.start' = '1', 'fields.n.end' = '5');
        INSERT INTO hole SELECT ts FROM files; INSERT INTO hole SELECT CAST(ts AS TIMESTAMP(3)) FROM made;";
    let ended = millstream_in(folder.path(), &["run", "-e", sql]).expect(0);
    let told = [
        "table \"files\": a row at file \"in/rows.json\", line 3 moves the watermark to 9021-10-11 12:00:00.000, more than a day",
        "table \"made\": a row at row 2 moves the watermark to 2033-05-18 03:33:20.000, more than a day ahead of the clock",
    ];
    for part in told {
        assert_eq!(ended.err.matches(part).count(), 1, "{part}\n{}", ended.err);
    }
    assert!(ended.err.contains(", 2 far ahead") && ended.err.contains(", 4 far ahead"), "{}", ended.err);
}

#[test]
fn a_directory_is_no_job_file() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("jobs")).unwrap();
    let ended = millstream_in(folder.path(), &["run", "jobs"]).expect(2);
    assert_eq!(ended.err, "error: cannot read \"jobs\": it is a directory\n");
}

#[test]
fn what_only_shows_while_running_is_exit_code_1_also_where_it_is_the_tables_fault() {
    // Which files there are is seen when the client is opened, not when the statement is planned.
    let table = "CREATE TABLE t (id INT) WITH ('connector' = 'kafka', 'topic' = 't', 'properties.bootstrap.servers' = '127.0.0.1:1',
        'scan.startup.mode' = 'earliest-offset', 'format' = 'json',
        'properties.security.protocol' = 'SSL', 'properties.ssl.ca.location' = '/no/such/file.pem');";
    let sql = format!("{table} SELECT id FROM t");
    millstream(&["check", "-e", &sql]).expect(0);
    let ended = millstream(&["run", "-e", &sql]).expect(1);
    assert!(ended.err.contains("error: "), "{}", ended.err);
}

#[test]
fn dml_sync_lets_the_next_statement_see_the_rows() {
    let folder = tempfile::tempdir().unwrap();
    let table = "CREATE TABLE t (n INT) WITH ('connector' = 'filesystem', 'path' = 'out', 'format' = 'csv');";
    let sql = format!("SET 'table.dml-sync' = 'true'; {table} INSERT INTO t VALUES (7); SELECT n FROM t;");
    let ended = millstream_in(folder.path(), &["run", "-q", "-e", &sql]).expect(0);
    assert!(ended.out.contains(" 7 |"), "{}", ended.out);
    // A job that fails ends the script: what follows may count on its rows.
    let sql = format!(
        "SET 'table.dml-sync' = 'true'; {table} INSERT INTO t SELECT 1 / n - n FROM (VALUES (0)) AS v (n); SELECT n FROM t;"
    );
    let ended = millstream_in(folder.path(), &["run", "-q", "-e", &sql]).expect(1);
    assert!(ended.err.contains("division by zero") && ended.out.is_empty(), "{}{}", ended.out, ended.err);
}

#[test]
fn metrics_are_served_while_jobs_run() {
    use std::io::Write;
    let sql = format!(
        "{} {PRINT} INSERT INTO printed SELECT n FROM numbers",
        numbers(1_000_000_000)
            .replace("'connector' = 'datagen',", "'connector' = 'datagen', 'rows-per-second' = '100',",)
    );
    let arguments =
        ["run", "--set", "parallelism.default=1", "--metrics", "127.0.0.1:0", "--name", "counted", "-e", &sql];
    let mut child = command(&arguments).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok);
    let line = lines.find(|line| line.contains("metrics at http://")).unwrap();
    let address = line.split("http://").nth(1).unwrap().split('/').next().unwrap().to_string();
    let get = |path: &str| {
        let mut stream = std::net::TcpStream::connect(&address).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        text
    };
    // The first rows take a moment.
    let counted = |text: &str| {
        let line =
            text.lines().find(|l| l.starts_with("millstream_sink_rows_total{job=\"counted\",table=\"printed\"}"));
        line.and_then(|l| l.rsplit(' ').next()?.parse::<u64>().ok()).unwrap_or(0)
    };
    let mut text = get("/metrics");
    while counted(&text) == 0 {
        std::thread::yield_now();
        text = get("/metrics");
    }
    assert!(
        text.starts_with("HTTP/1.1 200 OK") && text.contains("# TYPE millstream_sink_rows_total counter"),
        "{text}"
    );
    assert!(get("/").starts_with("HTTP/1.1 404"));
    signal(&child, "TERM");
    assert_eq!(wait(&mut child).code(), Some(0));
}

#[test]
fn an_address_that_metrics_cannot_be_served_at_is_named() {
    let ended = millstream(&["run", "--metrics", "127.0.0.1:port", "-e", "SELECT 1"]).expect(1);
    assert!(ended.err.contains("cannot serve metrics at '127.0.0.1:port'"), "{}", ended.err);
}

const COUNTED: &str = "CREATE TABLE counted (n INT, c BIGINT) WITH ('connector' = 'blackhole');";

#[test]
fn state_that_outgrows_the_memory_ends_the_job_by_name() {
    let sql = format!("{} {COUNTED} INSERT INTO counted SELECT n, COUNT(*) FROM numbers GROUP BY n", numbers(100_000));
    let arguments = ["run", "-q", "--set", "parallelism.default=1", "-e", &sql, "--memory"];
    let ended = millstream(&[&arguments[..], &["1mb"]].concat()).expect(1);
    for text in [
        "the operators hold ",
        ", more than the 1 MB they may",
        "The largest is GroupAggregate(groupBy=[n]",
        "It keeps them for ever: it has no time to live.",
        "--memory",
        "SET 'table.exec.state.ttl' = '1 h'",
    ] {
        assert!(ended.err.contains(text), "{text} is missing in\n{}", ended.err);
    }
    millstream(&[&arguments[..], &["1gb"]].concat()).expect(0);
}

#[test]
fn windows_that_outgrow_the_memory_end_the_job_and_closed_ones_do_not() {
    // 100 windows of 1,000 groups: all open at once they are too many, one behind the other they are not.
    let sql = |delay: &str| {
        format!(
            "CREATE TABLE readings (n INT, ts AS TO_TIMESTAMP_LTZ(n, 3), WATERMARK FOR ts AS ts - INTERVAL {delay})
               WITH ('connector' = 'datagen', 'number-of-rows' = '100000', 'scan.watermark.emit.strategy' = 'on-event',
                 'fields.n.kind' = 'sequence', 'fields.n.start' = '1', 'fields.n.end' = '100000');
             {COUNTED}
             INSERT INTO counted SELECT n, COUNT(*)
               FROM TABLE(TUMBLE(TABLE readings, DESCRIPTOR(ts), INTERVAL '1' SECOND))
               GROUP BY n, window_start, window_end"
        )
    };
    let run = |sql: &str| millstream(&["run", "-q", "--set", "parallelism.default=1", "--memory", "1mb", "-e", sql]);
    run(&sql("'1' SECOND")).expect(0);
    let ended = run(&sql("'5' HOUR")).expect(1);
    assert!(ended.err.contains("The largest is WindowAggregate("), "{}", ended.err);
    assert!(ended.err.contains("It keeps them until their windows are over."), "{}", ended.err);
}

#[test]
fn a_budget_of_memory_is_a_size() {
    let ended = millstream(&["run", "--memory", "much", "-e", "SELECT 1"]).expect(2);
    assert!(ended.err.contains("a size such as 512mb or 4gb is needed"), "{}", ended.err);
}
