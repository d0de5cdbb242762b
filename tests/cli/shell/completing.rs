//! Tab.

use super::terminal::{Options, Terminal, key};

#[test]
fn tab_completes_what_may_stand_there() {
    let shell = Terminal::start(Options::default());
    shell.run("CREATE TABLE orders (id BIGINT, customer STRING) WITH ('connector' = 'datagen');");
    shell.type_text("SELECT * FROM ord");
    shell.press(key::TAB);
    shell.wait_screen("a table", |screen| screen.contains("FROM orders"));
    shell.type_text(" WHERE cust");
    shell.press(key::TAB);
    shell.wait_for("WHERE customer");
    shell.type_text(" IS NOT NU");
    shell.press(key::TAB);
    shell.wait_for("IS NOT NULL");
    shell.prompt_after(key::CTRL_C);
    shell.type_text("CREATE TABLE t (a INT) WITH ('connector' = 'blackh");
    shell.press(key::TAB);
    shell.wait_for("'connector' = 'blackhole");
    shell.prompt_after(key::CTRL_C);
    shell.type_text("SET 'sql-client.execution.result-mode' = 'vert");
    shell.press(key::TAB);
    shell.wait_screen("a value", |screen| screen.to_lowercase().contains("= 'vertical"));
}

#[test]
fn a_menu_offers_what_begins_alike() {
    for columns in [100, 40] {
        let shell = Terminal::start(Options { columns, ..Options::default() });
        shell.type_text("CREATE VI");
        shell.press(key::TAB);
        shell.wait_for("CREATE VIEW");
        shell.prompt_after(key::CTRL_C);
        shell.type_text("SELECT CURRENT_T");
        shell.press(key::TAB);
        shell.wait_screen("both", |screen| screen.contains("CURRENT_TIME") && screen.contains("CURRENT_TIMESTAMP"));
        shell.press(key::ESCAPE);
        shell.wait_screen("no menu", |screen| !screen.contains("CURRENT_TIMESTAMP"));
        shell.prompt_after(key::CTRL_C);
    }
}

#[test]
fn a_menu_tells_of_the_options_of_the_connector() {
    let shell = Terminal::start(Options { columns: 80, ..Options::default() });
    shell.type_text("CREATE TABLE t (a INT) WITH ('connector' = 'datagen', '");
    shell.press(key::TAB);
    shell.wait_screen("all of them", |screen| screen.contains("rows-per-second") && screen.contains("fields.a.min"));
}

#[test]
fn where_nothing_fits_tab_does_nothing() {
    let shell = Terminal::start(Options::default());
    shell.type_text("SELECT 'a' AS xyzzy, xyzz");
    shell.press(key::TAB);
    let screen = shell.run("_1 FROM nowhere;");
    assert!(screen.contains("error") && !screen.contains("RECORDS"), "{screen}");
    shell.type_text("SELECT 'x' AS a FROM qqq");
    shell.press(key::TAB);
    // One Enter is enough.
    let screen = shell.run(";");
    assert!(screen.contains("qqq") && screen.matches("error").count() == 2, "{screen}");
}
