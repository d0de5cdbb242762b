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
fn a_service_that_is_away_does_not_hold_the_prompt() {
    let folder = tempfile::tempdir().expect("a folder");
    let config = folder.path().join("millstream.toml");
    // Whoever listens there answers nothing.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").expect("an address");
    let address = silent.local_addr().expect("its address");
    let text = format!(
        "[integrations.db]\nconnector = \"jdbc\"\nurl = \"jdbc:postgresql://{address}/d\"\nusername = \"u\"\n\
         [integrations.other]\nconnector = \"kafka\"\n\"properties.bootstrap.servers\" = \"{address}\"\n"
    );
    std::fs::write(&config, text).expect("a file");
    let config = config.display().to_string();
    let shell = Terminal::start(Options { arguments: vec!["--config", &config], ..Options::default() });
    shell.type_text("DESCRIBE TABLE ");
    shell.press(key::TAB);
    let asked = "asking for the tables of integration \"db\": press Tab again in a moment";
    shell.wait_screen("what is asked", |screen| screen.contains(asked) && screen.ends_with("> DESCRIBE TABLE"));
    // What is typed goes on; the integrations of the fitting kind are known without asking.
    shell.type_text("x FROM ");
    shell.press(key::TAB);
    shell.wait_screen("the integration", |screen| screen.ends_with("> DESCRIBE TABLE x FROM db"));
    shell.prompt_after(key::CTRL_C);
    shell.type_text("DESCRIBE TABLE ");
    shell.press(key::TAB);
    let screen = shell.wait_for("can't be completed");
    assert!(screen.contains("the tables of integration \"db\" can't be completed"), "{screen}");
}

#[test]
fn jobs_are_stopped_by_a_part_of_their_ids() {
    let shell = Terminal::start(Options { columns: 120, lines: 50, ..Options::default() });
    shell.run(&super::jobs::tables(0));
    shell.run("INSERT INTO nowhere SELECT n FROM s;");
    let screen = shell.run("INSERT INTO nowhere SELECT n + 1 FROM s;");
    let ids: Vec<&str> = screen.lines().filter_map(|line| line.strip_prefix("Job ID: ")).collect();
    shell.run("clear");
    let screen = shell.run("SHOW JOBS;");
    assert!(ids.iter().all(|id| screen.contains(&format!("| {} |", &id[..8]))), "{screen}");
    assert_eq!(shell.wrapped(), Vec::<String>::new(), "{screen}");
    shell.type_text(&format!("STOP JOB {}", &ids[1][..12]));
    shell.press(key::TAB);
    shell.wait_for(&format!("STOP JOB {}", ids[1]));
    shell.run(";");
    shell.wait_screen("one job less", |screen| screen.ends_with(" 1 job"));
    shell.type_text("STOP JOB '");
    shell.press(key::TAB);
    shell.wait_for("STOP JOB 'insert-into_default_catalog.default_database.nowhere'");
}

#[test]
fn fields_of_a_row_are_completed() {
    let shell = Terminal::start(Options::default());
    shell.run("CREATE TABLE readings (reading ROW<temp DOUBLE, geo ROW<lat DOUBLE>>) WITH ('connector' = 'datagen');");
    shell.type_text("INSERT INTO x SELECT readings.reading.geo.l FROM readings");
    shell.press(&"\x1b[D".repeat(" FROM readings".len()));
    shell.press(key::TAB);
    shell.wait_for("SELECT readings.reading.geo.lat FROM readings");
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
