//! What stands behind a backslash, and behind HELP.

use super::{Files, Proposal, Proposals};
use crate::shell::command::BACKSLASH;
use crate::shell::editor::vocabulary::Vocabulary;
use crate::shell::help;

/// Proposals at the end of a command line.
pub fn proposals(before: &str, vocabulary: &Vocabulary, files: Files<'_>) -> Proposals {
    let indent = before.len() - before.trim_start().len();
    let line = before.get(indent..).unwrap_or_default();
    let Some(end) = line.find(char::is_whitespace) else {
        let all = BACKSLASH.iter().filter(|(usage, _)| usage.starts_with(line)).map(|(usage, about)| {
            let name = usage.split(' ').next().unwrap_or(usage);
            Proposal { blank: usage.contains(' '), ..Proposal::word(name, *about) }
        });
        return Proposals { start: indent, all: all.collect() };
    };
    let (name, rest) = line.split_at(end);
    let typed = rest.trim_start();
    let start = before.len() - typed.len();
    let usage = BACKSLASH.iter().find(|(usage, _)| usage.split(' ').next() == Some(name)).map(|(usage, _)| *usage);
    let argument = match usage {
        None if !name.starts_with('\\') => "[topic]",
        None => "",
        Some(usage) => usage.split_once(' ').map_or("", |(_, argument)| argument),
    };
    let named = |name: &str, about: &str| Proposal::part(name, about);
    let relations = |views: &[bool]| {
        let fit = vocabulary.tables.iter().filter(|table| views.contains(&table.is_view));
        fit.map(|table| named(&table.name, if table.is_view { "view" } else { "table" })).collect::<Vec<_>>()
    };
    let all = match (name, argument) {
        (_, "[table]") => relations(&[false, true]),
        ("\\dt", _) => relations(&[false]),
        ("\\dv", _) => relations(&[true]),
        ("\\df", _) => vocabulary.functions.iter().map(|(name, function)| named(name, function.usage)).collect(),
        (_, "[on|off]") => vec![named("on", ""), named("off", "")],
        (_, "[on|off|auto]") => vec![named("on", ""), named("off", ""), named("auto", "")],
        (_, "file" | "[file]") => files(typed).iter().map(|file| named(file, "")).collect(),
        // There are many hundreds.
        (_, "[topic]") if typed.is_empty() => help::pages().iter().map(|(name, about)| named(name, about)).collect(),
        (_, "[topic]") => help::topics().iter().map(|(name, about)| named(name, about)).collect(),
        _ => Vec::new(),
    };
    let fits = |proposal: &Proposal| proposal.value.to_lowercase().starts_with(&typed.to_lowercase());
    Proposals { start, all: all.into_iter().filter(fits).collect() }
}

/// Folders and job files that a path may go on with.
pub fn files_of(typed: &str) -> Vec<String> {
    let (folder, _) = typed.rsplit_once('/').map_or(("", typed), |(folder, rest)| (folder, rest));
    let path = match (folder, typed.starts_with('/')) {
        ("", true) => "/".into(),
        ("", false) => ".".into(),
        _ => match (folder.strip_prefix('~'), std::env::var_os("HOME")) {
            (Some(rest), Some(home)) => std::path::PathBuf::from(home).join(rest.trim_start_matches('/')),
            _ => std::path::PathBuf::from(folder),
        },
    };
    let prefix = typed.get(..typed.len() - typed.rsplit('/').next().unwrap_or_default().len()).unwrap_or_default();
    let Ok(entries) = std::fs::read_dir::<std::path::PathBuf>(path) else { return Vec::new() };
    let mut names: Vec<String> = entries
        .filter_map(|entry| {
            let entry = entry.ok()?;
            let name = entry.file_name().into_string().ok().filter(|name| !name.starts_with('.'))?;
            match entry.path().is_dir() {
                true => Some(format!("{prefix}{name}/")),
                false => name.ends_with(".sql").then(|| format!("{prefix}{name}")),
            }
        })
        .collect();
    names.sort();
    names
}
