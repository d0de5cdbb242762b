//! Typing, pasting, throwing away, and what is not a good input.

use std::os::unix::fs::PermissionsExt;

use super::terminal::{Options, Terminal, key};

#[test]
fn a_statement_over_several_lines_gives_its_result() {
    let shell = Terminal::start(Options::default());
    let screen = shell.run("SELECT a,\n  a + 1 AS b\nFROM (VALUES (1), (5)) AS t (a);");
    let expected = "\
millstream> SELECT a,
         ->   a + 1 AS b
         -> FROM (VALUES (1), (5)) AS t (a);
+----+-------------+-------------+
| op |           a |           b |
+----+-------------+-------------+
| +I |           1 |           2 |
| +I |           5 |           6 |
+----+-------------+-------------+
Received a total of 2 rows
millstream>";
    assert!(screen.ends_with(expected), "{screen}");
}

#[test]
fn an_error_comes_back_to_the_prompt_and_the_session_is_intact() {
    let shell = Terminal::start(Options::default());
    shell.run("CREATE VIEW v AS SELECT 7 AS a;");
    let screen = shell.run("SELECT a,\n  nope FROM v;");
    assert!(screen.contains("input:2:3") && screen.contains("^^^^"), "{screen}");
    let screen = shell.run("SELECT FROM;");
    assert!(screen.contains("input:1:"), "{screen}");
    let screen = shell.run("SELECT a FROM v;");
    assert!(screen.contains("| +I |           7 |"), "{screen}");
}

#[test]
fn ctrl_c_throws_away_what_is_typed() {
    let shell = Terminal::start(Options::default());
    shell.type_text("SELECT 'thrown\naway");
    shell.prompt_after(key::CTRL_C);
    let screen = shell.run("SELECT 'kept' AS a;");
    assert!(screen.contains(" kept |"), "{screen}");
    assert!(!screen.contains("error"), "{screen}");
}

#[test]
fn ctrl_d_leaves_where_nothing_is_typed() {
    let shell = Terminal::start(Options::default());
    shell.type_text("SELECT 1");
    shell.press(key::CTRL_D);
    let screen = shell.run(" AS still_here;");
    assert!(screen.contains("Received a total of 1 row"), "{screen}");
    shell.press(key::CTRL_D);
    assert_eq!(shell.exit_code(), 0);
}

#[test]
fn ctrl_d_leaves_in_an_empty_line_of_a_statement_too() {
    let shell = Terminal::start(Options::default());
    shell.type_text("SELECT 1,\n  2");
    // In the midst of it, and behind what stands in a line, it takes the character under the cursor, or nothing.
    shell.press(key::UP);
    shell.press("\x01");
    shell.press(key::CTRL_D);
    shell.wait_screen("a character less", |screen| screen.contains("millstream> ELECT 1,\n         ->   2"));
    shell.press("S");
    shell.press(key::DOWN);
    shell.press("\x05");
    shell.press(key::CTRL_D);
    shell.press(" AS two");
    shell.press(key::ENTER);
    shell.wait_screen("another line", |screen| screen.ends_with("  2 AS two\n         ->"));
    shell.press(key::CTRL_D);
    let left = shell.left();
    assert_eq!((left.code, left.restored), (0, true), "{}", left.screen);
}

#[test]
fn what_describes_a_table_stands_beside_each_other_whatever_x_says() {
    let shell = Terminal::start(Options { columns: 60, lines: 40, ..Options::default() });
    shell.run("CREATE TABLE t (id BIGINT, n INT) WITH ('connector' = 'datagen', 'number-of-rows' = '1');");
    for expanded in ["\\x auto", "\\x on"] {
        shell.run(expanded);
        shell.run("clear");
        let screen = shell.run("\\d t");
        assert!(screen.contains("| name |") && screen.contains("|         option |"), "{screen}");
        assert!(!screen.contains("RECORD"), "{screen}");
    }
    let screen = shell.run("\\d");
    assert!(screen.contains("-[ RECORD 1 ]"), "as psql does, a list follows it: {screen}");
}

#[test]
fn options_of_the_command_line_that_nobody_knows_are_told_at_once() {
    let shell = Terminal::start(Options { set: vec!["pipline.name=x"], ..Options::default() });
    let screen = shell.screen();
    assert!(
        screen.contains("warning: unknown option 'pipline.name'\n  hint: Did you mean 'pipeline.name'?"),
        "{screen}"
    );
}

#[test]
fn what_is_longer_than_the_screen_is_shown_by_a_pager() {
    let folder = tempfile::tempdir().expect("a folder");
    let pager = folder.path().join("pager");
    std::fs::write(&pager, "#!/bin/sh\nprintf '<%s %s lines>\\n' \"$1\" $(wc -l)\n").expect("a script");
    std::fs::set_permissions(&pager, PermissionsExt::from_mode(0o700)).expect("a script that runs");
    let env = vec![("PAGER", format!("{} -x", pager.display()))];
    let shell = Terminal::start(Options { env, ..Options::default() });
    let screen = shell.run("help;");
    assert!(screen.contains("<-x ") && !screen.contains("Statements"), "{screen}");
    let screen = shell.run("help abs;");
    assert!(screen.contains("\nABS\n") && screen.matches("<-x ").count() == 1, "{screen}");
    let screen = shell.run("SHOW FUNCTIONS;");
    assert!(screen.matches("<-x ").count() == 2 && !screen.contains("rows in set"), "{screen}");
}

#[test]
fn a_list_is_made_to_fit_the_terminal() {
    let shell = Terminal::start(Options { columns: 60, lines: 40, ..Options::default() });
    let screen = shell.run("\\df abs");
    assert!(screen.contains("| function |   kind | usage "), "{screen}");
    assert!(shell.wrapped().is_empty(), "{screen}");
    shell.run("clear");
    let screen = shell.run("SELECT 'a text' AS first_column, 'another' AS second_column;");
    assert!(!shell.wrapped().is_empty() && screen.contains("| op |"), "{screen}");
    shell.run("\\x auto");
    shell.run("clear");
    let screen = shell.run("SELECT 'a text' AS first_column, 'another' AS second_column;");
    assert!(screen.contains("first_column  | a text\nsecond_column | another\n"), "{screen}");
    let screen = shell.run("SELECT 1 AS a;");
    assert!(screen.contains("| op |           a |"), "{screen}");
}

#[test]
fn commands_leave_too() {
    for command in ["quit;", "exit", "\\q"] {
        let shell = Terminal::start(Options::default());
        shell.type_text(command);
        shell.press(key::ENTER);
        assert_eq!(shell.exit_code(), 0, "{command}");
    }
}

#[test]
fn a_terminal_of_40_columns_wraps_what_is_typed() {
    let shell = Terminal::start(Options { columns: 40, ..Options::default() });
    let screen = shell.run("SELECT 1 AS a, 'a longer text than fits' AS b, nope;");
    assert!(screen.contains("nope") && screen.contains("error"), "{screen}");
    let screen = shell.run("SELECT 1 AS a, 22 AS b, 333 AS c, 4444 AS d, 5 AS e;");
    assert!(screen.contains("Received a total of 1 row"), "{screen}");
    // Up and over the wrapped rows, and back.
    shell.press(key::UP);
    shell.wait_screen("the statement again", |screen| screen.trim_end().ends_with("AS e;"));
    let screen = shell.enter();
    assert!(screen.matches("Received a total of 1 row").count() == 2, "{screen}");
}

#[test]
fn forty_columns_get_whole_words_and_carets_in_their_place() {
    let shell = Terminal::start(Options { columns: 40, lines: 60, ..Options::default() });
    let screen = shell.screen();
    assert!(screen.contains("Type \"help;\" for help,\n  \"\\q\" to leave."), "{screen}");
    let screen =
        shell.run("SELECT 1 + 2 + 3 AS total,\n'text 1' AS a, 'text 2' AS b, amonut FROM\n(VALUES (1)) AS t (amount);");
    let lines: Vec<&str> = screen.lines().collect();
    let carets = lines.iter().position(|line| line.ends_with("^^^^^^")).expect("carets");
    let marks = lines[carets].chars().zip(lines[carets - 1].chars()).filter(|(caret, _)| *caret == '^');
    assert_eq!(marks.map(|(_, c)| c).collect::<String>(), "amonut", "{screen}");
    for topic in ["help;", "help abs;", "help datagen;"] {
        shell.run("clear;");
        shell.run(topic);
        let code = |row: &String| !row.starts_with("    ");
        let wrapped: Vec<String> = shell.wrapped().into_iter().filter(code).collect();
        assert!(wrapped.is_empty(), "{wrapped:?}\n{}", shell.screen());
    }
    shell.run(&super::jobs::tables(0).replace('\n', " "));
    shell.run("SET 'pipeline.name' = 'a_name';");
    shell.run("clear;");
    shell.run("INSERT INTO nowhere SELECT n FROM s;");
    shell.press(key::CTRL_D);
    shell.wait_for("Stop and");
    shell.wait_screen("the whole question", |screen| screen.ends_with("[y/N]"));
    let typed = |row: &String| row.starts_with("millstream>");
    assert!(shell.wrapped().iter().all(typed), "{}", shell.screen());
}

#[test]
fn what_is_typed_outlives_a_resize() {
    let shell = Terminal::start(Options::default());
    shell.type_text("SELECT 'before the resize' AS a,\n 'and one more' AS b,");
    shell.resize(60, 20);
    shell.type_text(" 'behind it' AS c");
    shell.resize(120, 40);
    let screen = shell.run(" ;");
    assert!(screen.contains("before the resize") && screen.contains(" behind it |"), "{screen}");
    let told = shell.run("SELECT 1 AS a;");
    assert!(told.contains("Received a total of 1 row"), "{told}");
}

#[test]
fn a_pasted_statement_of_kilobytes_is_one_input() {
    let shell = Terminal::start(Options::default());
    let rows: Vec<String> = (0..1_000).map(|n| format!("({n}, 'text {n}')")).collect();
    let text = format!("SELECT COUNT(*) AS c, SUM(n) AS s\nFROM (VALUES\n{}) AS t (n, x);", rows.join(",\n"));
    assert!(text.len() > 10_000);
    shell.paste(&text);
    shell.wait_for("AS t (n, x);");
    let screen = shell.enter();
    assert!(screen.contains("1000 |      499500 |"), "{screen}");
}

#[test]
fn pasted_statements_run_in_order_up_to_the_first_error() {
    let shell = Terminal::start(Options::default());
    shell.paste(
        "CREATE VIEW a AS SELECT 1 AS n;\nSELECT n FROM a;\nSELECT nope FROM a;\nCREATE VIEW b AS SELECT 2 AS n;",
    );
    shell.wait_for("AS SELECT 2 AS n;");
    let screen = shell.enter();
    assert!(screen.contains("| +I |           1 |") && screen.contains("input:3:8"), "{screen}");
    let screen = shell.run("SHOW VIEWS;");
    assert!(screen.contains("1 row in set"), "{screen}");
}

#[test]
fn bytes_that_are_no_text_are_not_typed() {
    let shell = Terminal::start(Options::default());
    shell.type_text("SELECT 'a");
    shell.send(b"\xff\xfe");
    shell.type_text("b' AS c;");
    let screen = shell.enter();
    assert!(screen.contains(" ab |") && screen.contains("Received a total of 1 row"), "{screen}");
    shell.press("SELECT 'größer 日本' AS c;");
    shell.wait_for("日本' AS c;");
    let screen = shell.enter();
    assert!(screen.contains("größer 日本 |"), "{screen}");
}

#[test]
fn an_editor_writes_what_the_next_prompt_begins_with() {
    let folder = tempfile::tempdir().expect("a folder");
    let editor = folder.path().join("editor");
    let script = "#!/bin/sh\ncp \"$1\" \"$0.seen\"\nprintf 'SELECT 42 AS edited\\n  , 43 AS more\\n' > \"$1\"\n";
    std::fs::write(&editor, script).expect("a script");
    std::fs::set_permissions(&editor, PermissionsExt::from_mode(0o700)).expect("a script that runs");
    let shell = Terminal::start(Options { env: vec![("EDITOR", editor.display().to_string())], ..Options::default() });
    shell.run("SELECT 1 AS a;");
    shell.type_text("\\e");
    shell.press(key::ENTER);
    shell.wait_for("  , 43 AS more");
    let screen = shell.run(";");
    assert!(screen.contains("| +I |          42 |          43 |"), "{screen}");
    let seen = std::fs::read_to_string(folder.path().join("editor.seen")).expect("what the editor was given");
    assert_eq!(seen, "SELECT 1 AS a;\n");
    // A statement that is whole is run, and can be recalled.
    let whole = "#!/bin/sh\nprintf 'SELECT 44\\n  AS whole;\\n' > \"$1\"\n";
    std::fs::write(&editor, whole).expect("a script");
    shell.run("help abs;");
    let screen = shell.run("\\e");
    assert!(screen.contains("millstream> SELECT 44\n         ->   AS whole;\n"), "{screen}");
    assert!(screen.contains("| +I |          44 |"), "{screen}");
    // Who leaves without saving runs nothing.
    std::fs::write(&editor, "#!/bin/sh\ncp \"$1\" \"$0.seen\"\n").expect("a script");
    let screen = shell.run("\\e");
    assert_eq!(screen.matches("|          44 |").count(), 1, "{screen}");
    let seen = std::fs::read_to_string(folder.path().join("editor.seen")).expect("what the editor was given");
    assert_eq!(seen, "SELECT 44\n  AS whole;\n");
    shell.press(key::UP);
    shell.press(key::UP);
    shell.wait_screen("the statement again", |screen| screen.ends_with("AS whole;"));
    let failing = Terminal::start(Options { env: vec![("EDITOR", "false".to_string())], ..Options::default() });
    let screen = failing.run("\\e");
    assert!(screen.contains("nothing was taken over"), "{screen}");
}

#[test]
fn a_terminal_that_does_not_say_where_its_cursor_is_gives_lines() {
    let shell = Terminal::open(Options { answers: false, ..Options::default() });
    // Typed before the shell has given up on an answer.
    shell.press("SELECT 'typed early' AS a;\r");
    let screen = shell.wait_for("typed early |");
    assert!(screen.contains("warning: the terminal doesn't say where its cursor is"), "{screen}");
    shell.wait_screen("a prompt", |screen| screen.ends_with("\nmillstream>"));
    shell.press("SELECT 'thrown',\r");
    let screen = shell.wait_screen("another line", |screen| screen.ends_with("\n         ->"));
    let lines = |screen: &str| screen.matches("\nmillstream>").count() + screen.matches("\n         ->").count();
    let mut before = lines(&screen);
    shell.press(key::CTRL_C);
    shell.wait_for("^C");
    // The signal may come behind the next line.
    loop {
        shell.press(key::ENTER);
        let screen = shell.wait_screen("the next line", |screen| lines(screen) > before);
        if screen.ends_with("\nmillstream>") {
            break;
        }
        before = lines(&screen);
    }
    shell.press("SELECT\r1 + 1 AS b;\r");
    shell.wait_for("| +I |           2 |");
    shell.wait_screen("a prompt", |screen| screen.ends_with("\nmillstream>"));
    shell.press(key::CTRL_D);
    assert_eq!(shell.exit_code(), 0);
}
