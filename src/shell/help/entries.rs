//! Pages that are made from the code: functions, options, settings, connectors' names, commands of the shell.

use crate::connectors::options::{COMMON_OPTIONS, OptionSpec};
use crate::functions::{aggregate, examples, library};
use crate::settings::{Effect, SETTINGS, UNUSED};
use crate::shell::command::{BACKSLASH, WORDS};
use crate::shell::editor::words::{SYNTAX_FUNCTIONS, WINDOW_FUNCTIONS};
use crate::{connectors, formats, reference};

/// A topic with its page, in Markdown.
pub struct Entry {
    pub name: String,
    /// Other names of it.
    pub also: Vec<String>,
    pub about: String,
    pub page: String,
}

/// Every function and aggregate, and what has a syntax of its own.
pub fn functions() -> Vec<Entry> {
    let mut entries = Vec::new();
    for function in library::all() {
        let also: Vec<String> = function.aliases().iter().map(ToString::to_string).collect();
        entries.push(function_entry(function.name(), also, function.usage(), "function"));
    }
    for function in aggregate::all() {
        entries.push(function_entry(function.name(), Vec::new(), function.usage(), "aggregate"));
    }
    for (name, usage) in SYNTAX_FUNCTIONS {
        entries.push(function_entry(name, Vec::new(), usage, "function"));
    }
    for (name, usage) in EXPRESSIONS {
        entries.push(function_entry(name, Vec::new(), usage, "expression"));
    }
    for (name, usage) in WINDOW_FUNCTIONS {
        let mut entry = function_entry(name, Vec::new(), usage, "window function");
        let arguments = WINDOWS.iter().find(|(window, _)| window == name).map_or("", |(_, arguments)| arguments);
        entry.page += &format!(
            "\n```sql\nSELECT window_start, window_end, COUNT(*)\nFROM {name}({arguments})\nGROUP BY window_start, window_end;\n```\n"
        );
        entry.page += "\nMore: HELP Window functions.\n";
        entries.push(entry);
    }
    entries
}

/// What is written in its own way and is no function.
const EXPRESSIONS: &[(&str, &str)] = &[
    ("BETWEEN", "value BETWEEN a AND b is TRUE from a to b, both included."),
    ("CASE", "CASE WHEN condition THEN a [WHEN …] [ELSE b] END is the result behind the first condition that is TRUE."),
    ("IN", "value IN (a, b, …) is TRUE where it is one of them. A subquery is not supported there."),
    ("IS NULL", "value IS [NOT] NULL tells NULL from everything else, which = does not."),
    ("LIKE", "text LIKE pattern compares with a pattern: % is any text, _ one character."),
];

/// What the windows of an example are made of.
const WINDOWS: &[(&str, &str)] = &[
    ("CUMULATE", "TABLE t, DESCRIPTOR(ts), INTERVAL '10' MINUTE, INTERVAL '1' HOUR"),
    ("HOP", "TABLE t, DESCRIPTOR(ts), INTERVAL '5' MINUTE, INTERVAL '10' MINUTE"),
    ("SESSION", "TABLE t, DESCRIPTOR(ts), INTERVAL '30' SECOND"),
    ("TUMBLE", "TABLE t, DESCRIPTOR(ts), INTERVAL '1' MINUTE"),
];

/// Clauses that are asked for by their name, and what is known by a name and not supported.
pub fn clauses() -> Vec<Entry> {
    let clauses = [
        (
            "ORDER BY",
            "ORDER BY a [ASC | DESC] [NULLS FIRST | NULLS LAST], … sorts the answer of a batch query. A stream has no end to sort at: there it is refused.",
            Some("SET 'execution.runtime-mode' = 'batch';\nSELECT host, usage FROM t ORDER BY usage DESC LIMIT 10;"),
        ),
        (
            "LIMIT",
            "LIMIT n ends a query after so many rows, also one that would never end.",
            Some("SELECT * FROM t LIMIT 10;"),
        ),
        ("EXISTS", "EXISTS (query) is not supported; a lookup join finds the rows that have a partner.", None),
        ("ROW_NUMBER", "ROW_NUMBER() OVER (…), and OVER as a whole, is not supported.", None),
    ];
    let entry = |(name, about, example): (&str, &str, Option<&str>)| {
        let example = example.map(|example| format!("\n```sql\n{example}\n```\n")).unwrap_or_default();
        let page = format!("# {name}\n\n{about}\n{example}\nMore: HELP SELECT.\n");
        Entry { name: name.to_string(), also: Vec::new(), about: format!("clause: {about}"), page }
    };
    clauses.into_iter().map(entry).collect()
}

fn function_entry(name: &str, also: Vec<String>, usage: &str, kind: &str) -> Entry {
    let mut page = format!("# {name}\n\n{usage}\n");
    if !also.is_empty() {
        page += &format!("\nAlso: {}.\n", also.join(", "));
    }
    if name == "CURRENT_WATERMARK" {
        // It needs a table with a watermark.
        page += "\n```sql\nSELECT * FROM t WHERE CURRENT_WATERMARK(ts) IS NULL OR ts > CURRENT_WATERMARK(ts);\n```\n";
    }
    if let Some(example) = examples::of(name) {
        let rows = if kind == "aggregate" { "-- of x: 3, 4, 4, NULL\n" } else { "" };
        page += &format!("\n```sql\n{rows}{example}\n```\n");
    }
    Entry { name: name.to_string(), also, about: format!("{kind}: {usage}"), page }
}

/// Every key of connectors, formats, tables and SET.
pub fn options() -> Vec<Entry> {
    let mut found: Vec<(String, String, OptionSpec)> =
        COMMON_OPTIONS.iter().map(|spec| (spec.key.to_string(), "every table".to_string(), *spec)).collect();
    for connector in connectors::all() {
        let owner = connector.names().first().map_or_else(String::new, |name| format!("connector {name}"));
        found.extend(connector.options().iter().map(|spec| (spec.key.to_string(), owner.clone(), *spec)));
    }
    for format in formats::all() {
        let key = |spec: &OptionSpec| format!("{}.{}", format.name(), spec.key);
        let owner = format!("format {}", format.name());
        found.extend(format.options().iter().map(|spec| (key(spec), owner.clone(), *spec)));
    }
    let mut entries: Vec<Entry> = Vec::new();
    for (key, owner, spec) in found {
        let part = option_text(&spec);
        match entries.iter_mut().find(|entry| entry.name == key) {
            Some(entry) => entry.page += &format!("\n## Of {owner}\n\n{part}"),
            None => entries.push(Entry {
                page: format!("# {key}\n\n## Of {owner}\n\n{part}"),
                also: Vec::new(),
                about: format!("option of {owner}: {}", spec.about),
                name: key,
            }),
        }
    }
    entries
}

fn option_text(spec: &OptionSpec) -> String {
    let default = match (spec.required, spec.default) {
        (true, _) => "It is required.".to_string(),
        (false, Some(default)) => format!("Default: `{default}`."),
        (false, None) => "No default.".to_string(),
    };
    let flink = if spec.flink { "As in Flink." } else { "Ours, not Flink's." };
    format!("{}\n\n- Value: {}. {default}\n- {flink}\n", reference::about(spec), reference::value(spec.ty))
}

/// Every option of SET.
pub fn settings() -> Vec<Entry> {
    let mut entries = Vec::new();
    for spec in SETTINGS {
        let flink = if spec.flink { "As in Flink." } else { "Ours, not Flink's." };
        let default = spec.default.map_or_else(|| "No default.".to_string(), |d| format!("Default: `{d}`."));
        let values = match spec.effect {
            Effect::Works => String::new(),
            Effect::Only(values) => {
                let values = crate::connectors::options::quoted_list(values);
                format!("\nIt would change results, so only these values are taken: {values}.\n")
            }
        };
        let syntax = format!("```sql\nSET '{}' = '{}';\n```", spec.key, spec.default.unwrap_or("…"));
        entries.push(Entry {
            name: spec.key.to_string(),
            also: Vec::new(),
            about: format!("setting: {}", spec.about),
            page: format!(
                "# {}\n\nA setting. {}\n{values}\n- {default}\n- {flink}\n\n{syntax}\n",
                spec.key, spec.about
            ),
        });
    }
    for key in UNUSED {
        entries.push(Entry {
            name: key.to_string(),
            also: Vec::new(),
            about: "setting of Flink's, without effect here".to_string(),
            page: format!("# {key}\n\nA setting of Flink's that is accepted and has no effect here.\n"),
        });
    }
    entries
}

/// The client's own commands.
pub fn commands() -> Vec<Entry> {
    let entry = |(usage, about): &(&str, &str)| {
        let name = usage.split(' ').next().unwrap_or(usage).to_string();
        Entry { also: Vec::new(), about: about.to_string(), page: format!("# {usage}\n\n{about}.\n"), name }
    };
    WORDS.iter().chain(BACKSLASH).map(entry).collect()
}
