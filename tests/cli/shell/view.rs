//! The live table: it changes in place, obeys its keys, and gives the terminal back.

use std::net::TcpListener;

use super::terminal::{Options, Terminal, key};

/// Sixty rows, of which each is updated again and again.
const SOURCE: &str = "CREATE TABLE s (n BIGINT) WITH ('connector' = 'datagen', 'rows-per-second' = '300', \
     'fields.n.kind' = 'sequence', 'fields.n.start' = '0', 'fields.n.end' = '1000000000');";
const QUERY: &str = "SELECT MOD(n, 60) AS k, COUNT(*) AS c FROM s GROUP BY MOD(n, 60);";

/// A shell with the source and the result mode.
fn started(columns: u16, lines: u16) -> Terminal {
    let set = vec!["sql-client.execution.result-mode=table"];
    let shell = Terminal::start(Options { columns, lines, set, ..Options::default() });
    shell.run(SOURCE);
    shell
}

/// The same, with the whole table on the screen, followed at its end.
fn viewing(columns: u16, lines: u16) -> Terminal {
    let shell = started(columns, lines);
    shell.type_text(QUERY);
    shell.press(key::ENTER);
    shell.press("--");
    shell.wait_screen("all rows", |screen| screen.contains("60 rows") && count_of(screen, 59).is_some());
    shell
}

/// The count of a key.
fn count_of(screen: &str, k: u64) -> Option<u64> {
    let mut rows = screen.lines().filter_map(|line| {
        let mut cells = line.split_whitespace();
        let row = (cells.next()?.parse::<u64>().ok()?, cells.next()?.parse::<u64>().ok()?);
        cells.next().is_none().then_some(row)
    });
    rows.find(|(key, _)| *key == k).map(|(_, count)| count)
}

#[test]
fn rows_change_in_place_and_q_gives_the_screen_back() {
    let shell = started(100, 20);
    shell.type_text(QUERY);
    let before = shell.screen();
    shell.press(key::ENTER);
    shell.wait_screen("all rows", |screen| screen.contains("60 rows"));
    assert!(shell.is_covered());
    let screen = shell.wait_screen("the last row", |screen| count_of(screen, 59).is_some());
    let (count, line) = (count_of(&screen, 59).expect("a row"), row_of(&screen, 59));
    let screen = shell.wait_screen("more of it", |screen| count_of(screen, 59).is_some_and(|now| now > count));
    assert_eq!(row_of(&screen, 59), line, "{screen}");
    assert!(screen.contains("60 rows"), "{screen}");
    let after = shell.prompt_after("q");
    assert!(!shell.is_covered());
    let rest = after.strip_prefix(&before).expect("the screen as it was");
    assert!(rest.contains("Query terminated, received a total of") && rest.contains("60 rows in the table"), "{rest}");
    // The last rows stay.
    assert!(count_of(rest, 59).is_some_and(|last| last > count), "{rest}");
    let screen = shell.run("SHOW VIEWS;");
    assert!(screen.contains("Empty set"), "{screen}");
}

/// Where on the screen the row of a key stands.
fn row_of(screen: &str, k: u64) -> Option<usize> {
    screen.lines().position(|line| line.split_whitespace().next() == Some(&k.to_string()) && !line.contains("row"))
}

#[test]
fn a_paused_table_stands_still_until_it_goes_on() {
    let shell = viewing(100, 20);
    shell.press(" ");
    let screen = shell.wait_for("Paused");
    let count = count_of(&screen, 59).expect("a row");
    // The query goes on: a minute's worth of a row's updates come while the rows stand still.
    let screen = shell.wait_screen("changes behind", |screen| behind(screen).is_some_and(|behind| behind > 600));
    assert_eq!(count_of(&screen, 59), Some(count), "{screen}");
    shell.press("?");
    shell.wait_for("Keys");
    shell.press("q");
    let screen = shell.wait_screen("the rows", |screen| count_of(screen, 59).is_some());
    assert_eq!(count_of(&screen, 59), Some(count), "{screen}");
    shell.press("r");
    let screen = shell.wait_screen("those of now", |screen| count_of(screen, 59).is_some_and(|now| now > count));
    assert!(screen.contains("Paused"), "{screen}");
    shell.press(" ");
    let screen = shell.wait_screen("going on", |screen| !screen.contains("Paused"));
    assert!(behind(&screen).is_none(), "{screen}");
    shell.prompt_after("q");
}

/// How many changes a paused screen says it is behind.
fn behind(screen: &str) -> Option<u64> {
    let (_, rest) = screen.split_once("paused, ")?;
    rest.split_once(" change")?.0.replace(',', "").parse().ok()
}

#[test]
fn counts_that_change_are_bold() {
    let shell = viewing(100, 20);
    // Every count rises at every refresh, and no key does.
    shell.wait_bold("some counts", |words| words.len() > 10 && words.iter().all(|word| word.parse::<u64>().is_ok()));
    shell.prompt_after("q");
}

#[test]
fn what_other_jobs_say_meanwhile_comes_below_and_a_failure_at_once() {
    let shell = started(100, 20);
    shell.run("CREATE TABLE nowhere (n BIGINT) WITH ('connector' = 'blackhole');");
    shell.run("CREATE TABLE few (n BIGINT) WITH ('connector' = 'datagen', 'number-of-rows' = '400', 'rows-per-second' = '200');");
    shell.run("INSERT INTO nowhere SELECT n FROM few;");
    // One that fails some seconds later, when the screen is there.
    shell.run("INSERT INTO nowhere SELECT 1 / (n - 1000) FROM s;");
    shell.type_text(QUERY);
    shell.press(key::ENTER);
    let screen = shell.wait_screen("the failure", |screen| screen.to_lowercase().contains("division by zero"));
    assert!(shell.is_covered(), "{screen}");
    let status = screen.lines().nth(1).unwrap_or_default();
    assert!(status.starts_with("job \"insert-into_") && status.contains(" failed: "), "{screen}");
    // A key takes it away.
    shell.press("l");
    shell.wait_screen("the rates again", |screen| screen.lines().nth(1).is_some_and(|line| line.contains(" rows/s")));
    let screen = shell.prompt_after("q");
    let finished = screen.find("finished: 400 rows in").expect("the job that ended");
    let failed = screen.find("error: job").expect("the job that failed");
    let summary = screen.find("Query terminated").expect("the query");
    assert!(finished < failed && failed < summary, "{screen}");
}

#[test]
fn keys_page_choose_and_open_rows() {
    let shell = viewing(100, 20);
    shell.press(key::PAGE_UP);
    shell.wait_screen("the page before", |screen| count_of(screen, 59).is_none() && count_of(screen, 40).is_some());
    shell.press(key::PAGE_DOWN);
    shell.wait_screen("the last page", |screen| count_of(screen, 59).is_some());
    shell.press("g1\r");
    shell.wait_screen("the first page", |screen| screen.contains("Page: 1 of 4") && count_of(screen, 0).is_some());
    shell.press("n");
    shell.wait_screen("the second", |screen| screen.contains("Page: 2 of 4") && count_of(screen, 16).is_some());
    shell.press("g9\r");
    shell.wait_for("No such page");
    shell.press(key::ESCAPE);
    shell.wait_for("Q Quit");
    shell.press("g1\r");
    shell.wait_for("Page: 1 of 4");
    shell.press(key::DOWN);
    shell.press(key::DOWN);
    shell.press("o");
    let screen = shell.wait_for("Row 2");
    assert!(screen.contains("k (INT)") && screen.contains("c (BIGINT"), "{screen}");
    shell.press("q");
    shell.wait_for("Q Quit");
    shell.press("l");
    shell.wait_for("Page: Last of 4");
    shell.prompt_after(key::CTRL_C);
}

#[test]
fn a_resized_view_fills_the_terminal() {
    let shell = viewing(100, 20);
    shell.resize(40, 12);
    let fits = |screen: &str, lines: usize| {
        screen.lines().count() == lines
            && screen.lines().next().is_some_and(|line| line.contains("60 rows"))
            && screen.lines().last().is_some_and(|line| line.contains("Q Quit"))
    };
    shell.wait_screen("a smaller one", |screen| fits(screen, 12) && count_of(screen, 59).is_some());
    shell.resize(120, 40);
    shell.wait_screen("a larger one", |screen| fits(screen, 40) && count_of(screen, 25).is_some());
    shell.prompt_after("q");
    let screen = shell.run("SHOW VIEWS;");
    assert!(screen.contains("Empty set"), "{screen}");
}

#[test]
fn forty_columns_are_enough() {
    let shell = viewing(40, 20);
    let screen = shell.screen();
    assert!(screen.contains("Q Quit"), "{screen}");
    let after = shell.prompt_after("q");
    assert!(after.contains("60 rows in the table at the end"), "{after}");
    // The last column of the terminal shows that there is more.
    shell.type_text("SELECT n AS a_long_name, n + 1 AS another_long_name, n + 2 AS the_third_of_them FROM s;");
    shell.press(key::ENTER);
    shell.wait_screen("an arrow", |screen| {
        screen.lines().nth(2).is_some_and(|line| line.chars().count() == 40 && line.ends_with('›'))
    });
    shell.prompt_after("q");
}

#[test]
fn a_service_that_says_nothing_is_told_of_in_eighty_columns() {
    let silent = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = silent.local_addr().expect("an address");
    let shell = started(80, 20);
    shell.run("clear");
    shell.paste(&format!(
        "CREATE TABLE p (n BIGINT) WITH ('connector' = 'jdbc', 'url' = 'jdbc:postgresql://{address}/db', \
         'table-name' = 'p'); SELECT n FROM p;"
    ));
    shell.wait_for("SELECT n FROM p;");
    shell.press(key::ENTER);
    let is_told = |screen: &str| screen.lines().nth(1).is_some_and(|line| line.starts_with("(waiting for PostgreSQL"));
    shell.wait_screen("what is waited for", is_told);
    shell.prompt_after("q");
}

#[test]
fn a_bounded_query_stays_until_it_is_left() {
    let shell = started(100, 20);
    shell.type_text("SELECT a FROM (VALUES (1), (2), (3)) AS t (a);");
    shell.press(key::ENTER);
    let screen = shell.wait_for("Finished");
    assert!(screen.contains("3 rows"), "{screen}");
    let screen = shell.prompt_after(key::ESCAPE);
    assert!(screen.contains("\na\n-\n1\n2\n3\nReceived a total of 3 rows"), "{screen}");
}

#[test]
fn a_query_that_fails_in_the_view_tells_at_the_prompt() {
    let shell = started(100, 20);
    let screen = shell.run("SELECT 10 / (n - 100) AS q FROM s;");
    assert!(!shell.is_covered());
    assert!(screen.to_lowercase().contains("division by zero"), "{screen}");
    let screen = shell.run("SHOW VIEWS;");
    assert!(screen.contains("Empty set"), "{screen}");
}

#[test]
fn a_job_that_prints_more_than_is_kept_waits_for_nobody() {
    let shell = started(100, 20);
    shell.run("CREATE TABLE few (n BIGINT, text STRING) WITH ('connector' = 'datagen', 'number-of-rows' = '40000', 'rows-per-second' = '4000');");
    shell.run("CREATE TABLE p (n BIGINT, text STRING) WITH ('connector' = 'print');");
    // Typed before the job prints.
    shell.paste(&format!("INSERT INTO p SELECT n, text FROM few; {QUERY}"));
    shell.wait_for("MOD(n, 60);");
    shell.press(key::ENTER);
    // Some megabytes are printed in ten seconds, while each of sixty counts rises by five a second.
    shell.press("--");
    shell.wait_screen("time that passes", |screen| count_of(screen, 59).is_some_and(|count| count > 80));
    shell.press("q");
    let screen = shell.wait_screen("the end of the job", |screen| screen.contains("finished: 40,000 rows in"));
    assert!(!screen.contains("error"), "{screen}");
    shell.wait_screen("a prompt", |screen| screen.ends_with("millstream>"));
    let screen = shell.run("SHOW VIEWS;");
    assert!(screen.contains("Empty set"), "{screen}");
}

#[test]
fn the_newest_changes_have_their_kinds() {
    let set = vec!["sql-client.execution.result-mode=changelog"];
    let shell = Terminal::start(Options { set, ..Options::default() });
    shell.type_text("SELECT word, COUNT(*) AS seen FROM (VALUES ('a'), ('b'), ('a')) AS t (word) GROUP BY word;");
    shell.press(key::ENTER);
    let screen = shell.wait_for("Finished");
    let rows: Vec<Vec<&str>> = screen.lines().skip(2).take(5).map(|line| line.split_whitespace().collect()).collect();
    let expected = [["op", "word", "seen"], ["+I", "a", "1"], ["+I", "b", "1"], ["-U", "a", "1"], ["+U", "a", "2"]];
    assert_eq!(rows, expected, "{screen}");
    let screen = shell.prompt_after("q");
    assert!(screen.contains("Received a total of 4 rows"), "{screen}");
}
