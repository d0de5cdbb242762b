//! The generated parts of the documentation: option tables, functions, settings, from the code that reads them.
//!
//! A page has a marker such as `<!-- options:kafka -->`; what stands between it and `<!-- end -->` is made here. A test
//! compares, and `UPDATE_EXPECT=1 cargo test --lib reference` writes.

mod flink;

use crate::cli;
use crate::connectors::options::{COMMON_OPTIONS, OptionEffect, OptionSpec, OptionType, quoted_list};
use crate::connectors::{self};
use crate::formats;
use crate::functions::{aggregate, examples, library};
use crate::runtime::METRICS;
use crate::settings::{Effect, SETTINGS, UNUSED};

const END: &str = "<!-- end -->";

/// The page with every marked part made anew. An unknown marker is left as it is.
pub fn fill(page: &str) -> String {
    let mut out = String::new();
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        out += line;
        out.push('\n');
        let name = line.trim().strip_prefix("<!-- ").and_then(|l| l.strip_suffix(" -->"));
        let Some(text) = name.and_then(part) else { continue };
        out += &format!("\n{}\n{END}\n", text.trim_end());
        let rest: Vec<&str> = lines.clone().collect();
        // What stood there before goes away, if its end is marked before the next part begins.
        let end = rest.iter().position(|l| l.trim() == END);
        let next = rest.iter().position(|l| is_marker(l));
        if end.is_some_and(|end| next.is_none_or(|next| end < next)) {
            lines.by_ref().take(end.unwrap_or(0) + 1).for_each(drop);
        }
    }
    out
}

fn is_marker(line: &str) -> bool {
    let name = line.trim().strip_prefix("<!-- ").and_then(|l| l.strip_suffix(" -->"));
    name.is_some_and(|name| {
        ["options:", "flink-options:", "command:"].iter().any(|kind| name.starts_with(kind))
            || matches!(name, "functions" | "aggregates" | "settings" | "metrics" | "parameters:jdbc")
    })
}

fn part(name: &str) -> Option<String> {
    match name {
        "functions" => Some(functions()),
        "aggregates" => Some(aggregates()),
        "settings" => Some(settings()),
        "metrics" => Some(metrics()),
        "parameters:jdbc" => Some(connectors::postgres::parameter_table()),
        "options:common" => Some(table(COMMON_OPTIONS)),
        _ if name.starts_with("flink-options:") => flink::part(name),
        _ if name.starts_with("command:") => command(name.strip_prefix("command:")?),
        _ => options(name.strip_prefix("options:")?),
    }
}

fn metrics() -> String {
    let mut text = String::from("| Metric | Type | Means |\n| --- | --- | --- |\n");
    for (name, kind, help) in METRICS {
        text += &format!("| `{name}` | {kind} | {} |\n", cell(help));
    }
    text
}

fn options(name: &str) -> Option<String> {
    if let Some(connector) = connectors::all().iter().find(|c| c.names().contains(&name)) {
        return Some(table(connector.options()));
    }
    formats::find(name, None).ok().map(|format| table(format.options()))
}

fn table(specs: &[OptionSpec]) -> String {
    let mut text = String::from("| Option | Default | Value | Flink | Meaning |\n| --- | --- | --- | --- | --- |\n");
    for spec in specs {
        let default = match (spec.required, spec.default) {
            (true, _) => "required".to_string(),
            (false, Some(default)) => format!("`{default}`"),
            (false, None) => String::new(),
        };
        let flink = if spec.flink { "yes" } else { "ours" };
        text += &format!("| `{}` | {default} | {} | {flink} | {} |\n", spec.key, value(spec.ty), cell(&about(spec)));
    }
    text
}

/// What an option means, and when it does.
pub fn about(spec: &OptionSpec) -> String {
    match spec.effect {
        OptionEffect::Always => spec.about.to_string(),
        OptionEffect::Never(why) => format!("{} No effect here: {why}.", spec.about),
        OptionEffect::With(option, values) => {
            format!("{} Only with {}.", spec.about, connectors::condition(option, values))
        }
        OptionEffect::Unless(option, values) => {
            format!("{} Not with {}.", spec.about, connectors::condition(option, values))
        }
    }
}

/// What an option takes, in words.
pub fn value(ty: OptionType) -> String {
    match ty {
        OptionType::Text => "text".to_string(),
        OptionType::Bool => "true or false".to_string(),
        OptionType::Int => "whole number".to_string(),
        OptionType::Duration => "duration".to_string(),
        OptionType::MemorySize => "size".to_string(),
        OptionType::List => "list, `;` between".to_string(),
        OptionType::Enum(words) => quoted_list(words).replace('\'', "`"),
    }
}

/// The options of a command of the binary.
fn command(name: &str) -> Option<String> {
    let mut text = String::from("| Option | Meaning |\n| --- | --- |\n");
    for (option, about) in cli::options(name)? {
        text += &format!("| `{}` | {} |\n", cell(&option), cell(&about));
    }
    Some(text)
}

fn functions() -> String {
    let mut all = library::all();
    all.sort_by_key(|f| f.name());
    let mut text = String::from("| Function | Also | Usage | Example |\n| --- | --- | --- | --- |\n");
    for function in all {
        let (name, also) = (function.name(), function.aliases().join(", "));
        text += &format!("| `{name}` | {also} | {} | {} |\n", cell(function.usage()), example(name));
    }
    text
}

fn aggregates() -> String {
    let mut text = String::from("| Aggregate | Usage | Example: 3, 4, 4, NULL |\n| --- | --- | --- |\n");
    for function in aggregate::all() {
        let name = function.name();
        text += &format!("| `{name}` | {} | {} |\n", cell(function.usage()), example(name));
    }
    text
}

fn example(name: &str) -> String {
    examples::of(name).map_or_else(String::new, |example| format!("`{}`", cell(&example.to_string())))
}

fn settings() -> String {
    let mut text = String::from("| Option | Default | Flink | Meaning |\n| --- | --- | --- | --- |\n");
    for spec in SETTINGS.iter().filter(|s| s.effect == Effect::Works) {
        let default = spec.default.map(|d| format!("`{d}`")).unwrap_or_default();
        let flink = if spec.flink { "yes" } else { "ours" };
        text += &format!("| `{}` | {default} | {flink} | {} |\n", spec.key, cell(spec.about));
    }
    let only = SETTINGS.iter().filter_map(|s| match s.effect {
        Effect::Only(values) => Some(format!("`{}` ({})", s.key, quoted_list(values))),
        _ => None,
    });
    text += &format!(
        "\nThey would change results, so only these values are taken: {}.\n",
        only.collect::<Vec<_>>().join(", ")
    );
    let unused = UNUSED.len();
    text + &format!(
        "\n{unused} more settings of Flink's are accepted, without effect: [their list](../flink-options.md#settings).\n"
    )
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ")
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use super::*;

    fn pages(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                pages(&path, found);
            } else if path.extension().is_some_and(|e| e == "md") {
                found.push(path);
            }
        }
    }

    #[test]
    fn the_documentation_says_what_the_code_reads() {
        let mut found = Vec::new();
        pages(&Path::new(env!("CARGO_MANIFEST_DIR")).join("docs"), &mut found);
        let mut parts = 0;
        for path in found {
            let page = std::fs::read_to_string(&path).unwrap();
            parts += page.lines().filter(|l| is_marker(l)).count();
            let filled = fill(&page);
            if std::env::var_os("UPDATE_EXPECT").is_some() {
                std::fs::write(&path, &filled).unwrap();
            }
            assert!(
                page == filled || std::env::var_os("UPDATE_EXPECT").is_some(),
                "{} is out of date: run `make bless`",
                path.display()
            );
        }
        assert!(parts > 5, "the pages have lost their markers");
    }

    #[test]
    fn a_part_is_made_anew_and_the_rest_stays() {
        let once = fill("a\n<!-- options:common -->\n\nb\n");
        assert!(once.starts_with("a\n<!-- options:common -->\n\n| Option |"), "{once}");
        assert!(once.ends_with("<!-- end -->\n\nb\n"), "{once}");
        assert_eq!(fill(&once), once);
    }
}
