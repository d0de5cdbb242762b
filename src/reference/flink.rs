//! What each of Flink's options does here: Flink's own list beside what the engine says when it is given one.
//!
//! `tests/golden/options` has the lists. What is refused is found by trying: a table with the option is declared,
//! written, read and looked up, up to its plan.

use crate::connectors::options::{
    COMMON_OPTIONS, OptionEffect, OptionSpec, OptionType, parse_bool, parse_duration, parse_memory_size,
};
use crate::connectors::{self};
use crate::formats;
use crate::session::Session;
use crate::settings::{Effect, SETTINGS, SetOutcome, Settings};
use crate::span::SourceText;
use crate::sql::parse_script;

const LISTS: [&str; 2] =
    [include_str!("../../tests/golden/options/flink.tsv"), include_str!("../../tests/golden/options/documented.tsv")];

const EXACTLY_ONCE_AS_JOB: &str = "`exactly-once` in a job that keeps checkpoints in a folder";

/// Defaults that differ from Flink's, each with what it is and why.
const OTHER_DEFAULTS: &[(&str, &str, &str)] = &[
    ("SET", "parallelism.default", "the number of cores: one machine should use all of itself"),
    ("SET", "table.local-time-zone", "`UTC`, not the machine's zone: a job means the same on every machine"),
    ("opensearch", "sink.delivery-guarantee", EXACTLY_ONCE_AS_JOB),
    ("elasticsearch-7", "sink.delivery-guarantee", EXACTLY_ONCE_AS_JOB),
    ("SET", "sql-client.execution.result-mode", "`TABLEAU`: a script has no screen to page through"),
    (
        "SET",
        "sql-client.display.print-time-cost",
        "`true` in the shell on a terminal alone: what a script prints is the same each time",
    ),
    (
        "SET",
        "execution.checkpointing.externalized-checkpoint-retention",
        "none, which retains: a job that is started again goes on from its checkpoints",
    ),
];

/// Defaults that only look different, and why they are the same.
const SAME_DEFAULTS: &[(&str, &str, &str)] = &[
    ("every table", "connector", "Flink says so elsewhere: a table must name one"),
    ("SET", "table.exec.resource.default-parallelism", "-1 leaves it to parallelism.default, as nothing does here"),
    ("datagen", "fields.#.length", "100 for texts and bytes, 3 for collections, in both"),
    ("jdbc", "lookup.cache.max-rows", "both or none of the old names are given, in both"),
    ("jdbc", "lookup.cache.ttl", "both or none of the old names are given, in both"),
];

/// Options that are taken and mean something else for some value, and what.
const OTHER_MEANINGS: &[(&[&str], &str, &str)] = &[(
    &["opensearch", "elasticsearch-7"],
    "sink.bulk-flush.backoff.strategy",
    "`DISABLED` goes on sending what a busy service refuses for as long as 'connection.max-retry-timeout' says, where \
     Flink fails the job",
)];

/// One option of Flink's.
struct FlinkOption {
    /// A connector, a format, `every table` or `SET`.
    whose: &'static str,
    key: &'static str,
    /// Empty where there is none, `required` where it must be given.
    default: &'static str,
    /// The allowed values, where there are only some.
    values: Vec<&'static str>,
}

/// What it does here.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Here {
    Same,
    /// The default differs.
    Default(String),
    /// Some values are refused.
    Partly(Vec<String>),
    WithoutEffect,
    /// It says more about an option or value that is refused.
    OnlyFor(String),
    Refused(String),
    /// Nobody knows it: a fault.
    Unknown,
}

impl Here {
    fn cell(&self) -> String {
        match self {
            Self::Same => "same".into(),
            Self::Default(why) => format!("same, but the default is {why}"),
            Self::Partly(refused) => format!("same, except: {}", refused.join("; ")),
            Self::WithoutEffect => "accepted, without effect".into(),
            Self::OnlyFor(other) => format!("accepted, without effect: it is for {other}, which is refused"),
            Self::Refused(error) => format!("refused: {error}"),
            Self::Unknown => "unknown".into(),
        }
    }
}

/// The part of `docs/flink-options.md` that a marker names.
pub fn part(name: &str) -> Option<String> {
    let whose = name.strip_prefix("flink-options:")?.replace('_', " ");
    let rows: Vec<FlinkOption> = options().into_iter().filter(|option| option.whose == whose).collect();
    let setting = whose == "SET";
    if rows.is_empty() {
        return None;
    }
    let mut text = String::from("| Option | Flink's default | Here |\n| --- | --- | --- |\n");
    for option in &rows {
        let default = match option.default {
            "" | "required" => option.default.to_string(),
            default => format!("`{}`", default.replace('|', "\\|")),
        };
        let here = if setting { setting_here(option) } else { table_here(option) };
        text += &format!("| `{}` | {default} | {} |\n", option.key, here.cell().replace('|', "\\|"));
    }
    Some(text)
}

fn options() -> Vec<FlinkOption> {
    let lines = LISTS.iter().flat_map(|list| list.lines());
    lines.filter_map(option).collect()
}

fn option(line: &'static str) -> Option<FlinkOption> {
    let mut cells = line.split('\t');
    let (whose, key, default) = (cells.next()?, cells.next()?, cells.next()?);
    let values = cells.next().unwrap_or_default().split(',').filter(|value| !value.is_empty()).collect();
    Some(FlinkOption { whose, key, default, values })
}

fn looks_different(option: &FlinkOption) -> bool {
    SAME_DEFAULTS.iter().any(|(whose, key, _)| (*whose, *key) == (option.whose, option.key))
}

fn other_default(option: &FlinkOption) -> Option<&'static str> {
    let known = OTHER_DEFAULTS.iter().find(|(whose, key, _)| (*whose, *key) == (option.whose, option.key));
    known.map(|(_, _, why)| *why)
}

/// Values to try: all that are allowed, else one that is not the default.
fn values_to_try(option: &FlinkOption, ty: OptionType) -> Vec<String> {
    if !option.values.is_empty() {
        return option.values.iter().map(ToString::to_string).collect();
    }
    let other = match ty {
        OptionType::Bool => (!parse_bool(option.default).unwrap_or(false)).to_string(),
        OptionType::Int => "1".into(),
        OptionType::Duration => "1 s".into(),
        OptionType::MemorySize => "1 mb".into(),
        OptionType::Enum(words) => return words.iter().map(ToString::to_string).collect(),
        OptionType::Text | OptionType::List => "success-file".into(),
    };
    vec![other]
}

fn table_here(option: &FlinkOption) -> Here {
    let specs = match specs(option.whose) {
        Ok(specs) => specs,
        Err(refused) => return Here::Refused(refused),
    };
    let Some(spec) = specs.iter().find(|spec| spec.key == option.key) else {
        return match refusal(option, option.values.first().unwrap_or(&"1")) {
            Some(error) => Here::Refused(error),
            None => Here::Unknown,
        };
    };
    match spec.effect {
        OptionEffect::Always | OptionEffect::Unless(..) => {}
        OptionEffect::Never(_) => return Here::WithoutEffect,
        OptionEffect::With(other, values) => {
            let option = FlinkOption { whose: option.whose, key: other, default: "", values: Vec::new() };
            let tried = values.first().copied().unwrap_or("success-file");
            if refusal(&option, tried).is_some_and(|error| is_final(&error, &option)) {
                return Here::OnlyFor(connectors::condition(other, values));
            }
        }
    }
    let other = |(whose, key, _): &&(&[&str], &str, &str)| whose.contains(&option.whose) && *key == option.key;
    if let Some((_, _, meaning)) = OTHER_MEANINGS.iter().find(other) {
        return Here::Partly(vec![meaning.to_string()]);
    }
    let tried = values_to_try(option, spec.ty);
    let refused: Vec<String> = tried
        .iter()
        .filter_map(|value| Some((value, refusal(option, value).filter(|error| is_final(error, option))?)))
        .map(|(value, error)| if option.values.is_empty() { error } else { format!("`{value}` is refused: {error}") })
        .collect();
    match (refused.as_slice(), other_default(option)) {
        ([error], _) if option.values.is_empty() => Here::Refused(error.clone()),
        ([_, ..], _) => Here::Partly(refused),
        ([], _) if same_default(option, spec) || looks_different(option) => Here::Same,
        ([], Some(why)) => Here::Default(why.into()),
        ([], None) => Here::Default(format!("`{}`", spec.default.unwrap_or_default())),
    }
}

/// True where no other option can help.
fn is_final(error: &str, option: &FlinkOption) -> bool {
    let refused = error.contains("not supported");
    refused || !option.values.is_empty() && ["is not one of", "has no '"].iter().any(|words| error.contains(words))
}

/// The options of a connector or format that is built, else why it is not.
fn specs(whose: &str) -> Result<Vec<OptionSpec>, String> {
    let is_format = ["avro", "orc", "parquet", "protobuf", "csv", "raw"].contains(&whose)
        || ["json", "-confluent"].iter().any(|end| whose.ends_with(end));
    let options = match whose {
        "every table" => Ok(COMMON_OPTIONS),
        _ if is_format => formats::find(whose, None).map(|format| format.options()),
        _ => connectors::find(whose, None).map(|connector| connector.options()),
    };
    options.map(<[OptionSpec]>::to_vec).map_err(|error| error.message().to_string())
}

fn same_default(option: &FlinkOption, spec: &OptionSpec) -> bool {
    let (theirs, ours) = (option.default, spec.default.unwrap_or_default());
    let same = match spec.ty {
        OptionType::Duration => parse_duration(theirs) == parse_duration(ours),
        OptionType::MemorySize => parse_memory_size(theirs) == parse_memory_size(ours),
        _ => theirs == ours || theirs == "false" && ours.is_empty() || theirs == "0.0" && ours.is_empty(),
    };
    match theirs {
        "required" => spec.required,
        _ => same && !spec.required,
    }
}

/// What the engine says to a table with this option, if it says anything.
fn refusal(option: &FlinkOption, value: &str) -> Option<String> {
    let key = option.key.replace('#', "a");
    let (connector, format) = match option.whose {
        "every table" => ("datagen", None),
        "json" | "csv" | "raw" | "debezium-json" => ("filesystem", Some(option.whose)),
        connector => (connector, None),
    };
    let mut with: Vec<(String, String)> = [("connector".to_string(), connector.to_string())].into();
    let more: &[(&str, &str)] = match connector {
        "kafka" => &[
            ("topic", "t"),
            ("properties.bootstrap.servers", "h:9092"),
            ("format", "json"),
            ("scan.startup.mode", "earliest-offset"),
        ],
        "upsert-kafka" => &[
            ("topic", "t"),
            ("properties.bootstrap.servers", "h:9092"),
            ("key.format", "json"),
            ("value.format", "json"),
        ],
        "jdbc" => &[("url", "jdbc:postgresql://h/d"), ("table-name", "t")],
        "filesystem" => &[("path", "t"), ("format", format.unwrap_or("json"))],
        "datagen" => &[("number-of-rows", "1")],
        "opensearch" | "elasticsearch-7" => &[("hosts", "http://h:9200"), ("index", "t")],
        _ => &[],
    };
    with.extend(more.iter().map(|(key, value)| (key.to_string(), value.to_string())));
    let key = format.map_or(key.clone(), |format| format!("{format}.{key}"));
    with.retain(|(known, _)| *known != key);
    with.push((key, value.to_string()));
    let with: Vec<String> = with.iter().map(|(key, value)| format!("'{key}' = '{value}'")).collect();
    let with = with.join(", ");
    let key_of_t = if connector == "upsert-kafka" { ", PRIMARY KEY (a) NOT ENFORCED" } else { "" };
    let script = format!(
        "CREATE TABLE l (a STRING, p AS PROCTIME()) WITH ('connector' = 'datagen');
         CREATE TABLE t (a STRING{key_of_t}) WITH ({with});
         INSERT INTO t VALUES ('x');
         SELECT a FROM t;
         SELECT l.a FROM l JOIN t FOR SYSTEM_TIME AS OF l.p ON l.a = t.a;"
    );
    let text = SourceText::new("option", script);
    let mut session = Session::new();
    let statements = parse_script(&text).into_iter();
    let errors = statements.filter_map(|s| s.and_then(|s| session.check_statement(&s, &text)).err());
    let says: Vec<String> = errors.map(|error| error.message().to_string()).collect();
    // That a sink can't be read is no matter of the option.
    let about = |error: &&String| error.contains(option.key.split('#').next().unwrap_or_default());
    says.iter().find(about).cloned()
}

fn setting_here(option: &FlinkOption) -> Here {
    let values: Vec<&str> = match option.default {
        _ if !option.values.is_empty() => option.values.clone(),
        "true" | "false" => vec!["true", "false"],
        "" => vec![],
        default => vec![default],
    };
    let refused: Vec<String> = values
        .iter()
        .filter_map(|value| Some(format!("`{value}`: {}", Settings::new().set(option.key, value).err()?.message())))
        .collect();
    let spec = SETTINGS.iter().find(|spec| spec.key == option.key);
    match Settings::new().reset(option.key) {
        SetOutcome::Unknown(_) => Here::Unknown,
        SetOutcome::WithoutEffect => Here::WithoutEffect,
        SetOutcome::Works if !refused.is_empty() => Here::Partly(refused),
        SetOutcome::Works => match (spec, other_default(option)) {
            (Some(spec), _) if matches!(spec.effect, Effect::Only(_)) => {
                Here::Partly(vec!["any value but Flink's default is refused".into()])
            }
            (_, Some(why)) => Here::Default(why.into()),
            (Some(spec), None)
                if !same_setting(option, spec.default.unwrap_or_default()) && !looks_different(option) =>
            {
                Here::Default(format!("`{}`", spec.default.unwrap_or_default()))
            }
            _ => Here::Same,
        },
    }
}

fn same_setting(option: &FlinkOption, ours: &str) -> bool {
    let durations = parse_duration(option.default).zip(parse_duration(ours));
    option.default == ours || durations.is_some_and(|(theirs, ours)| theirs == ours)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_option_of_flinks_is_known_here_or_refused_by_name() {
        let mut faults = Vec::new();
        for option in options() {
            let here = if option.whose == "SET" { setting_here(&option) } else { table_here(&option) };
            let named =
                |error: &String| error.contains(option.key.trim_end_matches('*')) || error.contains(option.whose);
            let fine = match &here {
                Here::Unknown => false,
                Here::Refused(error) => named(error),
                Here::Default(_) => other_default(&option).is_some(),
                Here::Same | Here::Partly(_) | Here::WithoutEffect | Here::OnlyFor(_) => true,
            };
            if !fine {
                faults.push(format!("{}: {} (default {}): {here:?}", option.whose, option.key, option.default));
            }
        }
        assert!(faults.is_empty(), "{}", faults.join("\n"));
    }

    #[test]
    fn an_option_that_is_said_to_be_flinks_is_in_its_list() {
        let listed = options();
        let mut faults = Vec::new();
        for whose in [
            "every table",
            "kafka",
            "upsert-kafka",
            "jdbc",
            "opensearch",
            "filesystem",
            "datagen",
            "print",
            "json",
            "csv",
            "raw",
            "debezium-json",
        ] {
            let theirs: Vec<&str> = listed.iter().filter(|o| o.whose == whose).map(|o| o.key).collect();
            for spec in specs(whose).unwrap().iter().filter(|spec| spec.flink && !spec.key.ends_with('*')) {
                // Only Elasticsearch has it.
                let elsewhere = spec.key == "failure-handler";
                if !theirs.contains(&spec.key) && !elsewhere {
                    faults.push(format!("{whose}: {}", spec.key));
                }
            }
        }
        assert!(faults.is_empty(), "Flink has no such option: {}", faults.join(", "));
    }

    #[test]
    fn what_is_refused_is_told_in_the_engines_own_words() {
        let option = |whose, key| options().into_iter().find(|o| o.whose == whose && o.key == key).unwrap();
        let canal = table_here(&option("canal-json", "ignore-parse-errors"));
        assert_eq!(canal, Here::Refused("format 'canal-json' is not supported yet".into()));
        let cast = setting_here(&option("SET", "table.exec.legacy-cast-behaviour")).cell();
        assert_eq!(cast, "same, except: `ENABLED`: 'table.exec.legacy-cast-behaviour' = 'ENABLED' is not supported");
    }
}
