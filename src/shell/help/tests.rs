//! Every topic has a page, at every width, and people find it by the names they know.

use super::*;
use crate::sql::STATEMENT_HEADS;

fn shown(topic: &str, width: usize) -> String {
    page(topic, Paper { width, bold: false }).unwrap_or_else(|error| error.to_string())
}

#[test]
fn topics_are_found_by_the_names_people_know() {
    for (topic, first) in [
        ("SELECT", "SELECT"),
        ("select * from t", "SELECT"),
        ("Create  Table", "CREATE TABLE"),
        ("insert", "INSERT INTO"),
        ("show create view", "SHOW and DESCRIBE"),
        ("desc;", "SHOW and DESCRIBE"),
        ("drop", "ALTER and DROP"),
        ("watermark for", "CREATE TABLE"),
        ("SHOW TOPICS", "Looking around: topics, tables, SQL of PostgreSQL"),
        ("peek", "Looking around: topics, tables, SQL of PostgreSQL"),
        ("looking around", "Looking around: topics, tables, SQL of PostgreSQL"),
        ("suggest table", "SUGGEST TABLE"),
        ("KAFKA", "kafka"),
        ("elasticsearch-7", "opensearch"),
        ("json", "json"),
        ("late rows", "Late rows"),
        ("windows and event time", "Windows and event time"),
        ("windows", "Windows and event time"),
        ("abs", "ABS"),
        ("Now()", "NOW"),
        ("ceiling", "CEIL"),
        ("sum", "SUM"),
        ("cast", "CAST"),
        ("tumble", "TUMBLE"),
        ("table.exec.state.ttl", "table.exec.state.ttl"),
        ("'scan.startup.mode'", "scan.startup.mode"),
        ("properties.acks", "properties.*"),
        ("value.json.ignore-parse-errors", "json.ignore-parse-errors"),
        ("\\watch", "\\watch [seconds]"),
        ("order by", "ORDER BY"),
        ("case", "CASE"),
        ("between", "BETWEEN"),
        ("exists", "EXISTS"),
        ("row_number", "ROW_NUMBER"),
        ("checkpoints", "Checkpoints: kill it and start it again"),
        ("Checkpoint", "Checkpoints: kill it and start it again"),
        ("savepoints", "Savepoints"),
        ("savepoint", "Savepoints"),
        ("jobs", "SHOW JOBS, DESCRIBE JOB, STOP JOB"),
        ("bench", "Measuring your own jobs"),
        ("metrics", "Metrics"),
        ("logs", "Logs"),
        ("outages", "Bad days"),
        ("types", "Types"),
        ("time", "Time attributes"),
        ("watermark", "Watermarks"),
        ("restart strategies", "When a job fails"),
        ("state", "table.exec.state.ttl"),
        ("differences", "Differences from Flink"),
        ("glossary", "Glossary"),
        ("epoch", "epoch"),
    ] {
        assert_eq!(shown(topic, 80).lines().next(), Some(first), "{topic}");
    }
}

#[test]
fn what_is_unknown_is_told_with_the_nearest_name() {
    assert_eq!(shown("selct", 80), "error: there is no help on \"selct\"\n  hint: Did you mean \"SELECT\"?");
    let create = shown("create", 80);
    assert!(create.contains("There is help on CREATE TABLE, ") && create.contains(", CREATE VIEW"), "{create}");
    assert!(shown("xyzzyxyzzy", 80).contains("help; lists"), "{}", shown("xyzzyxyzzy", 80));
}

#[test]
fn every_topic_has_a_page_at_every_width() {
    for (topic, about) in topics() {
        assert!(!about.is_empty(), "{topic}");
        for width in [1, 40, 80, 200] {
            let text = page(&topic, Paper { width, bold: false });
            let text = text.unwrap_or_else(|error| panic!("{topic}: {error}"));
            assert!(text.lines().count() > 1, "{topic}: {text}");
            // Statements and what they print stand behind four blanks, whole.
            let wide = |line: &&str| line.chars().count() > width.max(20) && !line.starts_with("    ");
            assert_eq!(text.lines().find(wide), None, "{topic} at {width}");
        }
    }
}

#[test]
fn functions_statements_connectors_and_formats_have_an_example() {
    let without = entries::functions().into_iter().filter(|entry| !entry.page.contains("```sql\n"));
    assert_eq!(without.map(|entry| entry.name).collect::<Vec<_>>(), Vec::<String>::new());
    let of_code = |path: &str| path.starts_with("sql/statements/") || path.starts_with("connectors/");
    let pages = INDEX.pages.iter().filter(|page| of_code(page.path) || page.path.starts_with("formats/"));
    let has_example = |page: &pages::Page| page.blocks.iter().any(|block| matches!(block, Block::Code { .. }));
    let without = pages.filter(|page| !has_example(page)).map(|page| page.path);
    assert_eq!(without.collect::<Vec<_>>(), Vec::<&str>::new());
}

#[test]
fn every_statement_that_is_proposed_has_a_page_that_shows_it() {
    for (head, _) in STATEMENT_HEADS {
        let page = shown(head, 200);
        let words: Vec<&str> = page.split(|c: char| !c.is_alphanumeric()).collect();
        assert!(!page.starts_with("error: "), "{head}: {page}");
        assert_eq!(head.split(' ').find(|word| !words.contains(word)), None, "{head}: {page}");
    }
}

#[test]
fn the_page_of_the_shell_has_every_command() {
    let page = include_str!("../../../docs/shell.md");
    let missing = |(usage, _): &&(&str, &str)| !page.contains(&format!("`{}`", usage.replace('|', "\\|")));
    assert_eq!(WORDS.iter().chain(BACKSLASH).find(missing), None);
}

#[test]
fn every_page_is_proposed_by_a_short_name() {
    let proposed = super::pages();
    for name in ["checkpoints", "CREATE TABLE", "kafka", "json", "types", "SHOW JOBS", "shell"] {
        assert!(proposed.iter().any(|(known, _)| known == name), "{name}: {proposed:?}");
    }
    for (name, about) in proposed {
        assert!(
            !about.is_empty() && name.len() <= 30 && page(&name, Paper { width: 80, bold: false }).is_ok(),
            "{name}"
        );
    }
}

#[test]
fn aliases_are_names_of_topics_that_had_none() {
    let topics: Vec<(String, String)> = topics();
    for (name, topic) in index::ALIASES {
        assert!(topics.iter().any(|(known, _)| known == name), "\"{name}\" is the name of another topic");
        assert_eq!(shown(name, 80), shown(topic, 80), "{name}");
    }
}

#[test]
fn pages_look_so() {
    for (width, file) in [(80, "wide.txt"), (40, "narrow.txt")] {
        let topics = ["use", "print", "scan.startup.mode", "abs", "table.exec.state.ttl"];
        let mut text = String::new();
        for topic in topics {
            text += &format!("-- help {topic}\n");
            text += &format!("{}\n", shown(topic, width));
        }
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/shell/help/expected").join(file);
        if std::env::var_os("UPDATE_EXPECT").is_some() {
            std::fs::write(&path, &text).unwrap();
        }
        assert_eq!(std::fs::read_to_string(&path).unwrap_or_default(), text, "{file}: `make bless` accepts it");
    }
}

#[test]
fn the_overview_keeps_within_the_width_and_names_every_command() {
    for width in [40, 80] {
        let text = overview(Paper { width, bold: false });
        assert_eq!(text.lines().find(|line| line.chars().count() > width), None, "{text}");
        for (usage, _) in WORDS.iter().chain(BACKSLASH) {
            assert!(text.lines().any(|line| line.starts_with(usage)), "{usage}: {text}");
        }
        assert!(text.contains("columns, watermark"), "{text}");
        for name in ["checkpoints", "shell", "opensearch", "debezium-json", "group-by", "outages"] {
            assert!(text.split_whitespace().any(|word| word == name), "{name}: {text}");
        }
    }
}
