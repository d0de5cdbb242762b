//! The live table: it changes in place, obeys its keys, and gives the terminal back.

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
    shell.press("r");
    shell.press("?");
    shell.wait_for("Keys");
    shell.press("q");
    let screen = shell.wait_screen("the rows", |screen| count_of(screen, 59).is_some());
    assert_eq!(count_of(&screen, 59), Some(count));
    shell.press(" ");
    shell.wait_screen("more", |screen| count_of(screen, 59).is_some_and(|now| now > count));
    shell.prompt_after("q");
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
}

#[test]
fn a_bounded_query_stays_until_it_is_left() {
    let shell = started(100, 20);
    shell.type_text("SELECT a FROM (VALUES (1), (2), (3)) AS t (a);");
    shell.press(key::ENTER);
    let screen = shell.wait_for("Finished");
    assert!(screen.contains("3 rows"), "{screen}");
    let screen = shell.prompt_after(key::ESCAPE);
    assert!(screen.contains("Received a total of 3 rows"), "{screen}");
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
