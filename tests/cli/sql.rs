//! `sql` without a terminal: files, texts and pipes.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, Stdio};

use crate::millstream::{Ended, command, millstream, millstream_in, signal, wait};

fn piped(arguments: &[&str], input: &[u8]) -> Ended {
    let mut child = started(arguments);
    child.stdin.take().expect("a pipe").write_all(input).expect("it reads to its end");
    child.wait_with_output().expect("it ends").into()
}

fn started(arguments: &[&str]) -> Child {
    let mut command = command(arguments);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().expect("the binary was built for this test")
}

const ONE: &str = "\
+----+-------------+
| op |           a |
+----+-------------+
| +I |           1 |
+----+-------------+
Received a total of 1 row
";

#[test]
fn a_pipe_is_run_and_only_results_are_written() {
    let ended = piped(&["sql"], b"CREATE VIEW v AS\n  SELECT 1 AS a;\nSELECT * FROM v;\nSHOW VIEWS").expect(0);
    let views = "+-----------+\n| view name |\n+-----------+\n|         v |\n+-----------+\n1 row in set\n";
    assert_eq!(ended.out, format!("{ONE}{views}"));
    assert_eq!(ended.err, "");
}

#[test]
fn a_statement_of_a_pipe_is_done_before_the_next_one_comes() {
    let mut child = started(&["sql"]);
    let mut input = child.stdin.take().expect("a pipe");
    let mut output = BufReader::new(child.stdout.take().expect("a pipe"));
    for n in 1..=2 {
        writeln!(input, "SELECT {n} AS a;").expect("it reads");
        let mut line = String::new();
        while !line.contains("Received") {
            line.clear();
            assert!(output.read_line(&mut line).expect("text") > 0, "the answer to the {n}th statement is missing");
        }
    }
    drop(input);
    assert!(wait(&mut child).success());
}

#[test]
fn the_first_error_ends_a_script_at_its_place() {
    let ended = piped(&["sql"], b"SELECT 1 AS a;\n\nSELECT\n  nope;\nSELECT 2 AS b;").expect(2);
    assert_eq!(ended.out, ONE);
    assert!(ended.err.contains("--> stdin:4:3") && ended.err.contains("nope"), "{}", ended.err);
    let open = piped(&["sql"], b"SELECT 1 AS a;\nSELECT 'open;\n").expect(2);
    assert!(open.err.contains("--> stdin:2:8") && open.err.contains("never closed"), "{}", open.err);
    let bytes = piped(&["sql"], b"SELECT 1 AS a;\nSELECT '\xff';").expect(2);
    assert_eq!(bytes.out, ONE);
    assert!(bytes.err.contains("standard input is not UTF-8: line 2, byte 9"), "{}", bytes.err);
}

#[test]
fn jobs_are_waited_for_and_a_failure_is_the_exit_code() {
    let source = "CREATE TABLE s (n INT) WITH ('connector' = 'datagen', 'number-of-rows' = '3',
        'fields.n.kind' = 'sequence', 'fields.n.start' = '1', 'fields.n.end' = '3');
        CREATE TABLE p (n INT) WITH ('connector' = 'print');";
    let ended =
        millstream(&["sql", "--set", "parallelism.default=1", "-e", source, "-e", "INSERT INTO p SELECT n FROM s"]);
    assert_eq!(ended.expect(0).out, "+I[1]\n+I[2]\n+I[3]\n");
    let failed = millstream(&["sql", "-e", source, "-e", "INSERT INTO p SELECT 1 / (n - 2) FROM s"]).expect(1);
    assert!(failed.err.contains("Division by zero") || failed.err.contains("division by zero"), "{}", failed.err);
}

#[test]
fn an_unknown_option_is_told_as_a_table_is_declared_and_refused_as_it_is_used() {
    let table = "CREATE TABLE t (n INT) WITH ('connector' = 'kafka', 'topc' = 'orders',
      'properties.bootstrap.servers' = 'b:1', 'format' = 'json');";
    let ended = millstream(&["sql", "-e", table]).expect(0);
    let expected = "\
warning: unknown option 'topc' in table \"t\" (connector \"kafka\")
 --> -e:1:53
  |
1 | CREATE TABLE t (n INT) WITH ('connector' = 'kafka', 'topc' = 'orders',
  |                                                     ^^^^^^
  hint: Did you mean \"topic\"?
";
    assert_eq!(ended.err, expected);
    let used = millstream(&["sql", "-e", table, "-e", "SELECT n FROM t;"]).expect(2);
    assert!(used.err.contains("error: unknown option 'topc' in table \"t\""), "{}", used.err);
    let nothing = "CREATE TABLE t (n INT) WITH ('conector' = 'kafka');";
    let ended = millstream(&["sql", "-e", nothing]).expect(0);
    assert!(ended.err.contains("warning: table \"t\" has no 'connector' option"), "{}", ended.err);
    assert!(ended.err.contains("where it says 'conector'"), "{}", ended.err);
    let shown = millstream(&["sql", "-e", nothing, "-e", "SHOW CREATE TABLE t;"]).expect(0);
    assert!(shown.out.contains("'conector' = 'kafka'"), "{}", shown.out);
}

#[test]
fn an_error_stops_the_jobs_of_a_script() {
    let script = "CREATE TABLE s (n INT) WITH ('connector' = 'datagen', 'rows-per-second' = '50');
        CREATE TABLE h (n INT) WITH ('connector' = 'blackhole'); SET 'pipeline.name' = 'j';
        INSERT INTO h SELECT n FROM s; SELECT nope FROM s; SELECT 1 AS a;";
    let ended = millstream(&["sql", "-e", script]).expect(2);
    assert!(ended.err.contains("nope") && ended.err.contains("job j stopped: "), "{}", ended.err);
    assert_eq!(ended.out, "");
}

#[test]
fn what_the_command_line_sets_holds() {
    let folder = tempfile::tempdir().expect("a folder");
    let config = "[integrations.mine]\nconnector = \"kafka\"\n\"properties.bootstrap.servers\" = \"127.0.0.1:1\"\n";
    std::fs::write(folder.path().join("own.toml"), config).expect("it can be written");
    let ended = millstream_in(folder.path(), &["sql", "--config", "own.toml", "-e", "\\di"]).expect(0);
    assert!(ended.out.contains("|        mine |     kafka | 127.0.0.1:1 |"), "{}", ended.out);
    let grows = "CREATE TABLE s (n INT) WITH ('connector' = 'datagen', 'number-of-rows' = '100000',
          'fields.n.kind' = 'sequence', 'fields.n.start' = '1', 'fields.n.end' = '100000');
        CREATE TABLE h (n INT, c BIGINT) WITH ('connector' = 'blackhole');
        INSERT INTO h SELECT n, COUNT(*) FROM s GROUP BY n;";
    let sql = |memory: &str| millstream(&["sql", "--set", "parallelism.default=1", "--memory", memory, "-e", grows]);
    assert!(sql("1mb").expect(1).err.contains("more than the 1 MB they may"));
    sql("1gb").expect(0);
}

#[test]
fn a_word_of_the_client_ends_with_its_line() {
    let ended = millstream(&["sql", "-e", "help abs\nSELECT 1 AS a;"]).expect(0);
    assert!(ended.out.starts_with("ABS\n") && ended.out.ends_with(ONE), "{}", ended.out);
    let ended = millstream(&["sql", "-e", "help \\x\nhelp \\watch;\nSELECT 1 AS a;"]).expect(0);
    assert!(
        ended.out.starts_with("\\x [on|off|auto]\n") && ended.out.contains("\n\\watch [seconds]\n"),
        "{}",
        ended.out
    );
    assert!(ended.out.ends_with(ONE), "{}", ended.out);
}

#[test]
fn a_command_takes_no_statement_along() {
    let table = "CREATE TABLE t (n INT) WITH ('connector' = 'datagen');\n";
    let ended = piped(&["sql"], format!("{table}\\d t; DROP TABLE t\n").as_bytes()).expect(2);
    let said = "error: \\d takes one name or pattern, and \"; DROP TABLE t\" is too much\n --> stdin:2:5\n";
    assert!(ended.err.starts_with(said), "{}", ended.err);
    let ended = piped(&["sql"], format!("{table}\\d T\n").as_bytes()).expect(2);
    assert!(ended.err.contains(" --> stdin:2:4\n") && ended.err.contains("2 | \\d T"), "{}", ended.err);
    for command in ["\\d t*", "\\dt t*", "\\dt+ `t`", "\\dt"] {
        let ended = piped(&["sql"], format!("{table}{command}\n").as_bytes()).expect(0);
        assert!(ended.out.contains("|    t | table |   datagen |"), "{command}: {}", ended.out);
    }
    let ended = piped(&["sql"], format!("{table}\\dv t*\n").as_bytes()).expect(0);
    assert_eq!(ended.out, "Empty set\n");
    for command in ["\\dt", "\\dv", "\\d"] {
        let ended = piped(&["sql"], format!("{command} FROM nothing\n").as_bytes()).expect(2);
        assert!(ended.err.contains("nothing") && ended.err.contains(" --> stdin:1:"), "{command}: {}", ended.err);
    }
}

#[test]
fn the_last_statement_is_run_again_shown_and_forgotten() {
    let one = |sql: &str| millstream(&["sql", "-e", sql]).expect(0).out;
    assert_eq!(one("SELECT 1 AS a \\g"), ONE);
    assert_eq!(one("SELECT 1 AS a; \\g"), format!("{ONE}{ONE}"));
    let vertical = "-[ RECORD 1 ]\na | 1\nReceived a total of 1 row\n";
    assert_eq!(one("SELECT 1 AS a \\G\n\\gx\n\\g"), format!("{vertical}{vertical}{ONE}"));
    assert_eq!(one("SELECT 1\n  AS a; \\p"), format!("{ONE}SELECT 1\n  AS a;\n"));
    assert_eq!(one("\\echo 'so it is'\n\\! echo and so"), "so it is\nand so\n");
    let folder = tempfile::tempdir().expect("a folder");
    let ended = millstream_in(folder.path(), &["sql", "-e", "SELECT 1 AS a \\g out.txt\nSELECT 1 AS a;"]).expect(0);
    assert_eq!(ended.out, ONE);
    assert_eq!(std::fs::read_to_string(folder.path().join("out.txt")).expect("the result"), ONE);
    let ended = millstream(&["sql", "-e", "SELECT 1 AS a \\r\n\\g"]).expect(2);
    assert!(
        ended.out.is_empty() && ended.err.contains("\\g runs the last statement, and there is none"),
        "{}",
        ended.err
    );
    let ended = millstream(&["sql", "-e", "SELECT FROM WHERE \\g"]).expect(2);
    assert!(ended.err.starts_with("error: ") && ended.err.contains(" --> input:1:"), "{}", ended.err);
    let ended = millstream(&["sql", "-e", "\\set x 1"]).expect(2);
    assert!(
        ended.err.contains("there is no command \\set") && ended.err.contains("SET 'key' = 'value'"),
        "{}",
        ended.err
    );
}

#[test]
fn ctrl_c_stops_the_jobs_of_a_script() {
    let script = "CREATE TABLE s (n INT) WITH ('connector' = 'datagen', 'rows-per-second' = '50');
        CREATE TABLE p (n INT) WITH ('connector' = 'print'); INSERT INTO p SELECT n FROM s";
    let mut child = started(&["sql", "-e", script]);
    let mut output = BufReader::new(child.stdout.take().expect("a pipe"));
    output.read_line(&mut String::new()).expect("a row");
    signal(&child, "INT");
    let mut rest = String::new();
    output.read_to_string(&mut rest).expect("text");
    assert_eq!(wait(&mut child).code(), Some(0));
}

#[test]
fn files_include_files_and_results_go_into_files() {
    let folder = tempfile::tempdir().expect("a folder");
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).expect("it can be written");
    write("views.sql", "CREATE VIEW v AS SELECT 1 AS a;\n");
    write("main.sql", "\\i views.sql\n\\o out.txt\nSELECT * FROM v;\n\\o\nSELECT a FROM v; quit;\nSELECT 3 AS c;\n");
    let ended = millstream_in(folder.path(), &["sql", "-f", "main.sql"]).expect(0);
    assert_eq!(ended.out, ONE);
    assert_eq!(std::fs::read_to_string(folder.path().join("out.txt")).expect("results"), ONE);
    write("loop.sql", "\\i loop.sql\n");
    let ended = millstream_in(folder.path(), &["sql", "-f", "loop.sql"]).expect(2);
    assert!(ended.err.contains("files include each other"), "{}", ended.err);
    let ended = millstream_in(folder.path(), &["sql", "-e", "\\i view.sql"]).expect(2);
    assert!(ended.err.contains("no such file") && ended.err.contains("views.sql"), "{}", ended.err);
}

#[test]
fn a_dash_stands_for_standard_input() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("view.sql");
    std::fs::write(&file, "CREATE VIEW v AS SELECT 1 AS a;\n").expect("it can be written");
    let file = file.to_str().expect("a name");
    let ended = piped(&["sql", "-f", file, "-f", "-", "-e", "\\echo behind"], b"SELECT a FROM v;\n").expect(0);
    assert_eq!(ended.out, format!("{ONE}behind\n"));
    let ended = piped(&["sql", "-f", "-"], b"SELECT 1 AS a;\nSELECT nothing;\n").expect(2);
    assert!(ended.out == ONE && ended.err.contains(" --> stdin:2:8"), "{}", ended.err);
}

#[test]
fn an_init_file_declares_and_starts_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).expect("it can be written");
    write("init.sql", "CREATE VIEW v AS SELECT 1 AS a;\nSET 'parallelism.default' = '1';\n");
    assert_eq!(millstream_in(folder.path(), &["sql", "-i", "init.sql", "-e", "SELECT * FROM v"]).expect(0).out, ONE);
    write("query.sql", "CREATE VIEW v AS SELECT 1 AS a;\nSELECT * FROM v;\n");
    let ended = millstream_in(folder.path(), &["sql", "-i", "query.sql", "-e", "SELECT * FROM v"]).expect(2);
    assert_eq!(ended.out, "");
    assert!(ended.err.contains("starts no query") && ended.err.contains("query.sql:2:1"), "{}", ended.err);
}

#[test]
fn help_has_pages_and_an_overview() {
    let page = piped(&["sql"], b"help abs;\nHELP use").expect(0);
    assert!(page.out.starts_with("ABS\n\nABS(number) is the number without its sign.\n"), "{}", page.out);
    assert!(page.out.contains("\nUSE\n\nThere is one catalog, default_catalog,"), "{}", page.out);
    let overview = piped(&["sql"], b"help;").expect(0).out;
    assert!(overview.contains("\nStatements\n") && overview.contains("\\watch [seconds]"), "{overview}");
    let unknown = piped(&["sql"], b"help selct;").expect(2);
    assert!(unknown.err.contains("there is no help on \"selct\"") && unknown.err.contains("SELECT"), "{}", unknown.err);
}
