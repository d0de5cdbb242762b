//! Names that no catalog of the session has: topics, tables of PostgreSQL, indexes, integrations and jobs.

use super::Proposal;
use super::statement::{Statement, Token};
use crate::session::ServiceKind;
use crate::shell::editor::vocabulary::Vocabulary;
use crate::sql::LexemeKind;

/// What may be named at the cursor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Named {
    Kept(ServiceKind),
    Integration(ServiceKind),
    /// With `running` no other.
    Job {
        running: bool,
    },
}

/// A name as its own system has it, and what it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name {
    pub name: String,
    pub about: String,
}

/// Where the name begins that stands before the cursor without quotes: other systems' names have `-` and `.` in them.
pub fn start(before: &str) -> usize {
    before.trim_end_matches(|c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.')).len()
}

/// What begins with `typed`; None where no such name may stand.
pub fn names(statement: &Statement<'_>, typed: &str, vocabulary: &Vocabulary) -> Option<Vec<Name>> {
    let mut names = match named(statement)? {
        Named::Kept(kind) => kept(kind, service_of(statement).as_deref(), typed, vocabulary),
        Named::Integration(kind) => {
            let fitting = vocabulary.integrations.iter().filter(|integration| integration.kind == Some(kind));
            fitting.map(|found| Name { name: found.name.clone(), about: "integration".to_string() }).collect()
        }
        Named::Job { running } => jobs(running, typed, vocabulary),
    };
    names.retain(|name| name.name.to_lowercase().starts_with(&typed.to_lowercase()));
    Some(names)
}

/// The same as they stand in a statement, with the words that may stand there, too.
pub fn proposals(statement: &Statement<'_>, typed: &str, vocabulary: &Vocabulary) -> Option<Vec<Proposal>> {
    let is_job = matches!(named(statement)?, Named::Job { .. });
    let names = names(statement, typed, vocabulary)?;
    let mut all: Vec<Proposal> = match statement.phrase().as_deref() {
        Some("PEEK") => vec![Proposal::word("TOPIC", "records of a topic"), Proposal::word("INDEX", "documents")],
        _ if named(statement) == Some(Named::Integration(ServiceKind::Kafka))
            && statement.starts_with(&["PEEK"])
            && statement.back(1) == "FROM" =>
        {
            vec![Proposal::word("BEGINNING", "the oldest records")]
        }
        _ => Vec::new(),
    };
    all.retain(|word| word.value.starts_with(&typed.to_uppercase()));
    let dressed = |name: Name| {
        // As Flink writes it; whoever types it without quotes goes on so.
        let value = match (is_plain(&name.name), is_job && typed.is_empty()) {
            (true, false) => name.name,
            (_, true) => format!("'{}'", name.name.replace('\'', "''")),
            (false, false) => format!("`{}`", name.name.replace('`', "``")),
        };
        Proposal::part(value, name.about)
    };
    // Names first: there are more of them, and the words are known.
    all.splice(0..0, names.into_iter().map(dressed));
    Some(all)
}

/// The names that services of a kind know: of one integration, or of all of them.
pub fn kept(kind: ServiceKind, of: Option<&str>, typed: &str, vocabulary: &Vocabulary) -> Vec<Name> {
    let asked: Vec<_> = vocabulary
        .integrations
        .iter()
        .filter(|integration| integration.kind == Some(kind) && of.is_none_or(|name| integration.name == name))
        .collect();
    let name = |name: String, integration: &str| {
        let about = match asked.len() {
            1 => kind.noun().to_string(),
            _ => format!("{} of {integration}", kind.noun()),
        };
        // The schema that is meant where none is said.
        let short = name.strip_prefix("public.").filter(|_| kind == ServiceKind::Postgres && !typed.contains('.'));
        Name { name: short.map_or_else(|| name.clone(), str::to_string), about }
    };
    let of_one = |asked: &&crate::shell::editor::vocabulary::Integration| {
        (asked.names)().into_iter().map(|found| name(found, &asked.name)).collect::<Vec<_>>()
    };
    asked.iter().flat_map(of_one).collect()
}

/// Names of jobs, and ids of which the beginning is typed.
fn jobs(running: bool, typed: &str, vocabulary: &Vocabulary) -> Vec<Name> {
    let fitting: Vec<_> = vocabulary.jobs.iter().filter(|job| job.runs || !running).collect();
    let status = |runs: bool| if runs { "runs" } else { "has ended" };
    let names = fitting.iter().map(|job| Name { name: job.name.clone(), about: status(job.runs).to_string() });
    let ids = fitting.iter().filter(|_| !typed.is_empty());
    let ids = ids.map(|job| Name { name: job.id.clone(), about: format!("{}, {}", job.name, status(job.runs)) });
    names.chain(ids).collect()
}

fn named(statement: &Statement<'_>) -> Option<Named> {
    use ServiceKind::{Kafka, OpenSearch, Postgres};
    if statement.hints_at.is_some() {
        return None;
    }
    let phrase = statement.phrase();
    let words: Vec<&str> = phrase.iter().flat_map(|phrase| phrase.split(' ')).collect();
    let kind = |word: &str| match word {
        "TOPIC" => Some(Kafka),
        "TABLE" => Some(Postgres),
        "INDEX" => Some(OpenSearch),
        _ => None,
    };
    match words.as_slice() {
        ["PEEK"] | ["PEEK", "TOPIC"] => return Some(Named::Kept(Kafka)),
        ["PEEK", "INDEX"] => return Some(Named::Kept(OpenSearch)),
        ["DESCRIBE" | "DESC", what] if kind(what).is_some() => return kind(what).map(Named::Kept),
        ["STOP", "JOB"] => return Some(Named::Job { running: true }),
        ["DESCRIBE" | "DESC", "JOB"] => return Some(Named::Job { running: false }),
        ["PSQL"] => return Some(Named::Integration(Postgres)),
        _ => {}
    }
    let (last, before) = (statement.back(1), statement.back(2));
    let suggests = statement.starts_with(&["SUGGEST", "TABLE"]);
    if suggests && before == "FOR" && kind(&last).is_some() {
        return kind(&last).map(Named::Kept);
    }
    if !matches!(last.as_str(), "FROM" | "IN") {
        return None;
    }
    let starts = |words: &[&str]| statement.starts_with(words);
    let describes = |what: &str| starts(&["DESCRIBE", what]) || starts(&["DESC", what]);
    let for_what = statement.before.windows(2).find(|pair| suggests && pair[0].is("FOR"));
    let kind = match for_what {
        Some(pair) => kind(&pair[1].text.to_uppercase())?,
        None if starts(&["SHOW", "TOPICS"]) || starts(&["SHOW", "ALL", "TOPICS"]) || starts(&["SHOW", "GROUPS"]) => {
            Kafka
        }
        None if starts(&["SHOW", "INDEXES"]) || starts(&["SHOW", "ALL", "INDEXES"]) => OpenSearch,
        None if starts(&["PEEK", "INDEX"]) || describes("INDEX") => OpenSearch,
        None if starts(&["PEEK"]) || describes("TOPIC") => Kafka,
        None if starts(&["SHOW", "TABLES"]) || describes("TABLE") => Postgres,
        None => return None,
    };
    Some(Named::Integration(kind))
}

/// The integration that the statement names.
fn service_of(statement: &Statement<'_>) -> Option<String> {
    let tokens: Vec<&Token<'_>> = statement.tokens().collect();
    let from = tokens.iter().position(|token| token.is("FROM") || token.is("IN"))?;
    let mut name = tokens.get(from + 1).filter(|token| !token.is("BEGINNING"))?.value();
    let mut rest = tokens.get(from + 2..).unwrap_or_default();
    while let [sign, part, behind @ ..] = rest
        && matches!(sign.text, "-" | ".")
        && part.kind == LexemeKind::Word
    {
        name += &format!("{}{}", sign.text, part.text);
        rest = behind;
    }
    Some(name)
}

/// True for a name that stands without quotes.
fn is_plain(name: &str) -> bool {
    let words = ["FROM", "IN", "LIKE", "ILIKE", "LIMIT", "GROUP", "PARTITION", "FOR", "TOPIC", "INDEX"];
    start(name) == 0
        && name.starts_with(|c: char| c.is_alphanumeric() || c == '_')
        && !words.iter().any(|word| name.eq_ignore_ascii_case(word))
}
