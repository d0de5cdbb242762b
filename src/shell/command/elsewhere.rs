//! Commands of psql and MySQL that there are none of here, and what does their work.

/// Their names, and the one line that answers them.
const ELSEWHERE: &[(&[&str], &str)] = &[
    (
        &["\\c", "\\connect"],
        "Nothing is connected to: integrations are named, as in SHOW TOPICS FROM name; \\di lists them.",
    ),
    (
        &["\\set", "\\unset", "\\gset", "\\prompt"],
        "There are no variables; SET 'key' = 'value'; sets an option, and SET; lists them.",
    ),
    (
        &["\\pset", "\\a", "\\f", "\\H", "\\t", "\\C", "\\T"],
        "SET 'sql-client.execution.result-mode' = 'csv'; (or json, vertical, tableau, table, changelog) gives results another form, and so does \\x.",
    ),
    (
        &["\\copy"],
        "INSERT INTO a table with 'connector' = 'filesystem' writes files, a SELECT from one reads them; \\o writes results into a file.",
    ),
    (&["\\w", "\\write"], "\\e edits the last statement, \\o writes results into a file, \\s all that was typed."),
    (&["\\ir", "\\include_relative"], "\\i runs a file."),
    (&["\\sf", "\\ef", "\\sv", "\\ev"], "SHOW CREATE VIEW name; shows a view, \\h name a function."),
    (
        &["\\du", "\\dg", "\\dp", "\\z", "\\password"],
        "Users and rights are those of the services: PSQL $$ … $$; asks PostgreSQL.",
    ),
    (
        &["\\dm", "\\ds", "\\db", "\\dT", "\\dx", "\\dy", "\\do"],
        "\\d lists tables and views, \\df functions, help types; the types.",
    ),
    (
        &["\\gexec", "\\crosstabview", "\\bind", "\\parse", "\\lo_import", "\\lo_export"],
        "There is nothing like it here.",
    ),
    (&["\\qecho", "\\warn"], "\\echo writes a text."),
    (
        &["\\if", "\\elif", "\\else", "\\endif"],
        "There are no conditions; a script for another program can choose between files of -f.",
    ),
    (&["\\encoding"], "Everything is UTF-8."),
    (&["\\errverbose"], "An error is shown whole at once; MILLSTREAM_LOG=debug tells more of what leads to it."),
    (&["\\cd"], "\\! runs a command of the system, and \\i, \\o and \\e take paths."),
    (&["\\u", "\\use"], "USE name; chooses a database; integrations are named, as in SHOW TOPICS FROM name."),
];

/// What does here what a command does elsewhere.
pub fn instead_of(name: &str) -> Option<&'static str> {
    let plain = name.trim_end_matches(['+', 'S']);
    let found = ELSEWHERE.iter().find(|(names, _)| names.contains(&name) || names.contains(&plain));
    found.map(|(_, instead)| *instead)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shell::command::BACKSLASH;

    #[test]
    fn what_there_is_here_is_not_elsewhere() {
        for (usage, _) in BACKSLASH {
            let name = usage.split(' ').next().unwrap();
            assert!(!ELSEWHERE.iter().any(|(names, _)| names.contains(&name)), "{name}");
        }
        assert!(instead_of("\\dm+").is_some() && instead_of("\\nothing").is_none());
    }
}
