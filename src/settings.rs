//! What SET and RESET change: Flink's options that mean something here, and those that are taken for the file's sake.

mod unused;

use std::collections::BTreeMap;
use std::time::Duration;

use chrono_tz::Tz;

use crate::checkpoint::local_folder;
use crate::connectors::options::{parse_duration, quoted_list};
use crate::error::{Error, Result, nearest};
pub use unused::UNUSED;

/// What an option does here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// It works as in Flink, or as `about` says.
    Works,
    /// It would change results, and these values are the ones that don't: others are refused.
    Only(&'static [&'static str]),
}

/// One option of a session.
#[derive(Debug, Clone, Copy)]
pub struct SettingSpec {
    pub key: &'static str,
    pub default: Option<&'static str>,
    pub effect: Effect,
    pub flink: bool,
    pub about: &'static str,
}

const fn works(key: &'static str, default: Option<&'static str>, about: &'static str) -> SettingSpec {
    SettingSpec { key, default, effect: Effect::Works, flink: true, about }
}

const fn ours(key: &'static str, default: Option<&'static str>, about: &'static str) -> SettingSpec {
    SettingSpec { key, default, effect: Effect::Works, flink: false, about }
}

const fn only(key: &'static str, values: &'static [&'static str]) -> SettingSpec {
    SettingSpec { key, default: None, effect: Effect::Only(values), flink: true, about: "Other values are refused." }
}

/// The options that mean something here.
pub const SETTINGS: &[SettingSpec] = &[
    works("pipeline.name", None, "The job's name; `insert-into_<catalog>.<database>.<table>` where it is not set."),
    works("parallelism.default", None, "Subtasks per part of a job at most. Default: the number of cores (Flink: 1)."),
    works("table.exec.resource.default-parallelism", None, "The same; goes before parallelism.default."),
    works("table.local-time-zone", Some("UTC"), "The session time zone (Flink's default is the JVM's)."),
    works(
        "pipeline.auto-watermark-interval",
        Some("200 ms"),
        "How often watermarks are told; 0 tells one after every row that raises it.",
    ),
    works(
        "table.exec.source.idle-timeout",
        Some("0 ms"),
        "After this long without a row a split no longer holds back the watermark; 0 waits for ever.",
    ),
    works(
        "table.exec.source.cdc-events-duplicate",
        Some("false"),
        "Whether changes of a source may come twice; then the last row of every primary key is kept, and what comes again is dropped.",
    ),
    works(
        "table.exec.state.ttl",
        Some("0 ms"),
        "After this long without a row a group is forgotten, and begins anew with its next row; 0 keeps it for ever.",
    ),
    works(
        "table.exec.mini-batch.enabled",
        Some("false"),
        "Whether groupings without windows take rows in bundles and tell only the net change of each group; needs the \
         two options that follow.",
    ),
    works(
        "table.exec.mini-batch.allow-latency",
        Some("0 ms"),
        "How long rows may wait in a bundle; with windows in the query, the event time between two watermarks.",
    ),
    works("table.exec.mini-batch.size", Some("-1"), "Rows of a bundle at most."),
    works(
        "table.exec.sink.not-null-enforcer",
        Some("ERROR"),
        "What becomes of a row with a NULL for a NOT NULL column: ERROR fails the job, DROP drops the row.",
    ),
    works(
        "table.exec.sink.type-length-enforcer",
        Some("IGNORE"),
        "What becomes of texts and bytes of another length than a sink's column says: IGNORE writes them as they are, TRIM_PAD cuts them and fills them up, ERROR fails the job.",
    ),
    works(
        "table.exec.sink.upsert-materialize",
        Some("AUTO"),
        "Whether changes are told anew by the PRIMARY KEY of a sink: AUTO does where the query's rows replace each other by other columns, FORCE always, NONE never.",
    ),
    works(
        "table.exec.sink.keyed-shuffle",
        Some("AUTO"),
        "Whether rows are dealt out to the writers of an upsert sink by its PRIMARY KEY: AUTO and FORCE do where they don't lie so already, NONE does not.",
    ),
    works(
        "table.dml-sync",
        Some("false"),
        "Whether `run` waits for the job of an INSERT to end before the next statement; otherwise jobs run side by side.",
    ),
    works("table.dynamic-table-options.enabled", Some("true"), "Whether OPTIONS hints are taken."),
    works(
        "execution.runtime-mode",
        Some("STREAMING"),
        "STREAMING, or BATCH: bounded queries give one final answer instead of a changelog.",
    ),
    works("execution.checkpointing.interval", None, "How often a checkpoint is made; without it there are none."),
    works(
        "execution.checkpointing.dir",
        None,
        "The folder of checkpoints: 'file:///…'. Without it they last as long as the process.",
    ),
    works(
        "execution.checkpointing.mode",
        Some("EXACTLY_ONCE"),
        "EXACTLY_ONCE: sinks publish with checkpoints, those that say nothing of it where there is a folder. AT_LEAST_ONCE: they write as rows come.",
    ),
    works(
        "execution.checkpointing.timeout",
        Some("10 min"),
        "A checkpoint that takes longer, until its rows are published, counts as failed.",
    ),
    works(
        "execution.checkpointing.min-pause",
        Some("0 ms"),
        "How long to wait at least between the end of a checkpoint and the next.",
    ),
    works(
        "execution.checkpointing.tolerable-failed-checkpoints",
        Some("0"),
        "So many checkpoints may be late, or fail to be written, in a row before the job fails.",
    ),
    works("execution.checkpointing.num-retained", Some("1"), "How many checkpoints are kept."),
    works(
        "execution.checkpointing.externalized-checkpoint-retention",
        None,
        "DELETE_ON_CANCELLATION and NO_EXTERNALIZED_CHECKPOINTS: checkpoints are removed when the job is stopped or has finished. RETAIN_ON_CANCELLATION, or nothing: they stay.",
    ),
    works(
        "execution.checkpointing.savepoint-dir",
        None,
        "Where savepoints go that name no folder. Default: `savepoints` in the folder of checkpoints.",
    ),
    works("execution.state-recovery.path", None, "The savepoint that jobs begin from."),
    works(
        "execution.state-recovery.ignore-unclaimed-state",
        Some("false"),
        "Whether state of a checkpoint that the job no longer has is dropped; otherwise the job is refused.",
    ),
    works(
        "restart-strategy.type",
        None,
        "What happens when a job fails: exponential-delay, fixed-delay, failure-rate, none. Default: exponential-delay with checkpoints, none without.",
    ),
    works("restart-strategy.fixed-delay.attempts", Some("1"), "How often a job starts anew."),
    works("restart-strategy.fixed-delay.delay", Some("1 s"), "How long to wait before it does."),
    works(
        "restart-strategy.failure-rate.max-failures-per-interval",
        Some("1"),
        "How often a job may fail within the interval.",
    ),
    works("restart-strategy.failure-rate.failure-rate-interval", Some("1 min"), "The interval."),
    works("restart-strategy.failure-rate.delay", Some("1 s"), "How long to wait before the job starts anew."),
    works("restart-strategy.exponential-delay.initial-backoff", Some("1 s"), "How long to wait first."),
    works("restart-strategy.exponential-delay.max-backoff", Some("1 min"), "How long to wait at most."),
    works("restart-strategy.exponential-delay.backoff-multiplier", Some("1.5"), "By how much the wait grows."),
    works(
        "restart-strategy.exponential-delay.reset-backoff-threshold",
        Some("1 h"),
        "After so long without a failure the wait is the first one again.",
    ),
    works(
        "restart-strategy.exponential-delay.jitter-factor",
        Some("0.1"),
        "By which part the wait is longer or shorter, by chance.",
    ),
    works(
        "restart-strategy.exponential-delay.attempts-before-reset-backoff",
        Some("2147483647"),
        "So many times a job starts anew in a row before it fails for good.",
    ),
    works(
        "table.optimizer.agg-phase-strategy",
        Some("AUTO"),
        "Whether windows, and groupings in mini-batches, are aggregated before and behind the exchange: AUTO and \
         TWO_PHASE, or ONE_PHASE.",
    ),
    works("table.display.max-column-width", Some("30"), "The width of string columns in printed results."),
    works(
        "sql-client.execution.result-mode",
        Some("TABLEAU"),
        "How SELECT results are shown: TABLEAU prints every change as it comes; TABLE shows the rows that are there, on a terminal as they change; CHANGELOG the newest changes. Ours: CSV, JSON and VERTICAL.",
    ),
    works(
        "sql-client.execution.max-table-result.rows",
        Some("1000000"),
        "Rows that the mode TABLE holds at most; when there are more, the oldest go, and that is said. 0 is no bound.",
    ),
    works(
        "sql-client.display.print-time-cost",
        None,
        "Whether the time that a query took stands behind the count of its rows. Default: true in the shell on a terminal, false elsewhere (Flink: true).",
    ),
    ours(
        "pipeline.micro-batch.max-rows",
        Some("8192"),
        "Rows in a micro-batch at most. Larger batches amortise more and hold more memory.",
    ),
    only("table.exec.legacy-cast-behaviour", &["DISABLED"]),
    only("table.exec.sink.nested-constraint-enforcer", &["IGNORE"]),
    only("table.exec.sink.rowtime-inserter", &["ENABLED"]),
    only("table.column-expansion-strategy", &[""]),
    only("table.legacy-nested-row-nullability", &["false"]),
    only("table.exec.emit.allow-lateness", &["0 ms"]),
    only("table.exec.emit.early-fire.enabled", &["false"]),
    only("table.exec.emit.late-fire.enabled", &["false"]),
    only("table.sql-dialect", &["default"]),
    only("table.builtin-catalog-name", &["default_catalog"]),
    only("table.builtin-database-name", &["default_database"]),
];

/// Earlier names of options, which Flink 2.2 still takes, and those they have now.
pub const EARLIER: &[(&str, &str)] = &[
    ("state.checkpoints.dir", "execution.checkpointing.dir"),
    ("state.backend.fs.checkpointdir", "execution.checkpointing.dir"),
    ("state.checkpoints.num-retained", "execution.checkpointing.num-retained"),
    ("state.savepoints.dir", "execution.checkpointing.savepoint-dir"),
    ("savepoints.state.backend.fs.dir", "execution.checkpointing.savepoint-dir"),
    ("execution.savepoint.path", "execution.state-recovery.path"),
    ("execution.savepoint.ignore-unclaimed-state", "execution.state-recovery.ignore-unclaimed-state"),
];

/// The values of `sql-client.execution.result-mode`: Flink's three, and ours.
pub const RESULT_MODES: &[&str] = &["TABLE", "CHANGELOG", "TABLEAU", "CSV", "JSON", "VERTICAL"];

/// Options of a cluster, or of parts of Flink that have no counterpart here: taken whole, without effect, unless a key
/// is nearly one that is known by name.
const WITHOUT_EFFECT: &[&str] = &[
    "taskmanager.",
    "jobmanager.",
    "rest.",
    "web.",
    "historyserver.",
    "high-availability",
    "kubernetes.",
    "yarn.",
    "python.",
    "akka.",
    "pekko.",
    "blob.",
    "cluster.",
    "heartbeat.",
    "metrics.",
    "env.",
    "io.",
    "fs.",
    "s3.",
    "security.",
    "classloader.",
    "client.",
    "slot.",
    "slotmanager.",
    "resourcemanager.",
    "queryable-state.",
    "zookeeper.",
    "jmx.",
    "process.",
    "state.backend.rocksdb.",
    "state.backend.forst.",
    "state.latency-track.",
    "job-event.",
    "execution.batch.",
    "execution.checkpointing.file-merging.",
    "execution.checkpointing.unaligned.",
    "table.exec.spill-compression.",
    "table.exec.sort.",
    "table.exec.window-agg.",
    "table.exec.local-hash-agg.",
    "table.exec.async-scalar.",
    "table.exec.async-table.",
    "table.exec.async-state.",
    "table.exec.hive.",
    "table.optimizer.join.",
    "table.catalog-modification.",
    "table.module.",
    "sql-gateway.",
    "workflow-scheduler.",
];

/// What became of a SET.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SetOutcome {
    Works,
    WithoutEffect,
    /// Nobody knows the key; the nearest known one.
    Unknown(Option<&'static str>),
}

/// The options of a session that were set.
#[derive(Debug, Clone, Default)]
pub struct Settings(BTreeMap<String, String>);

impl Settings {
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets an option, after a check of its value where the option works here.
    pub fn set(&mut self, key: &str, value: &str) -> Result<SetOutcome> {
        check_value(key, value)?;
        self.0.insert(key.to_string(), value.to_string());
        Ok(outcome(key))
    }

    /// Takes an option back to its default. Returns what setting it would have done.
    pub fn reset(&mut self, key: &str) -> SetOutcome {
        self.0.remove(key);
        outcome(key)
    }

    pub fn reset_all(&mut self) {
        self.0.clear();
    }

    /// Options that were set, by key.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(k, v)| (k.as_str(), v.as_str()))
    }

    pub fn get(&self, key: &str) -> Option<&str> {
        let default = || SETTINGS.iter().find(|s| s.key == key).and_then(|s| s.default);
        let earlier = || EARLIER.iter().filter(|(_, now)| *now == key).find_map(|(earlier, _)| self.0.get(*earlier));
        self.0.get(key).or_else(earlier).map(String::as_str).or_else(default)
    }

    pub fn duration(&self, key: &str) -> Option<Duration> {
        self.get(key).and_then(parse_duration)
    }

    pub fn bool(&self, key: &str) -> bool {
        self.get(key).is_some_and(|v| v.eq_ignore_ascii_case("true"))
    }

    /// `execution.runtime-mode`: whether queries are answered in batch mode.
    pub fn batch(&self) -> bool {
        self.get("execution.runtime-mode").is_some_and(|mode| mode.eq_ignore_ascii_case("BATCH"))
    }

    /// `table.local-time-zone`
    pub fn zone(&self) -> Tz {
        self.get("table.local-time-zone").and_then(parse_zone).unwrap_or(Tz::UTC)
    }

    /// Subtasks per fragment at most.
    pub fn parallelism(&self) -> usize {
        let set = |key| self.get(key).and_then(|v| v.trim().parse::<usize>().ok()).filter(|n| *n > 0);
        let cores = || std::thread::available_parallelism().map_or(1, usize::from);
        set("table.exec.resource.default-parallelism").or_else(|| set("parallelism.default")).unwrap_or_else(cores)
    }

    /// `pipeline.micro-batch.max-rows`
    pub fn batch_rows(&self) -> usize {
        self.get("pipeline.micro-batch.max-rows").and_then(|v| v.parse().ok()).unwrap_or(8192)
    }
}

/// True where `key` is known by its name: its value is no secret that was misspelled.
pub fn is_known(key: &str) -> bool {
    known().any(|name| name == key)
}

/// The known key that is nearest to one that nobody knows.
pub fn near(key: &str) -> Option<&'static str> {
    nearest(key, known())
}

fn known() -> impl Iterator<Item = &'static str> {
    let earlier = EARLIER.iter().map(|(earlier, _)| *earlier);
    SETTINGS.iter().map(|spec| spec.key).chain(earlier).chain(UNUSED.iter().copied())
}

/// What setting an option would do.
pub fn outcome(key: &str) -> SetOutcome {
    if SETTINGS.iter().any(|spec| spec.key == key) || EARLIER.iter().any(|(earlier, _)| *earlier == key) {
        return SetOutcome::Works;
    }
    if UNUSED.contains(&key) {
        return SetOutcome::WithoutEffect;
    }
    let near = near(key);
    let is_typo = near.is_some_and(|near| strsim::damerau_levenshtein(near, key) <= 2);
    match !is_typo && WITHOUT_EFFECT.iter().any(|prefix| key.starts_with(prefix)) {
        true => SetOutcome::WithoutEffect,
        false => SetOutcome::Unknown(near),
    }
}

/// The words that an option takes, where it takes nothing else.
pub fn allowed_words(key: &str) -> Option<&'static [&'static str]> {
    Some(match key {
        "table.dynamic-table-options.enabled"
        | "table.dml-sync"
        | "table.exec.mini-batch.enabled"
        | "table.exec.source.cdc-events-duplicate"
        | "sql-client.display.print-time-cost" => &["true", "false"],
        "table.exec.sink.not-null-enforcer" => &["ERROR", "DROP"],
        "table.exec.sink.type-length-enforcer" => &["IGNORE", "TRIM_PAD", "ERROR"],
        "table.exec.sink.upsert-materialize" | "table.exec.sink.keyed-shuffle" => &["AUTO", "NONE", "FORCE"],
        "table.optimizer.agg-phase-strategy" => &["AUTO", "TWO_PHASE", "ONE_PHASE"],
        "sql-client.execution.result-mode" => RESULT_MODES,
        "execution.runtime-mode" => &["STREAMING", "BATCH"],
        "execution.checkpointing.mode" => &["EXACTLY_ONCE", "AT_LEAST_ONCE"],
        "execution.checkpointing.externalized-checkpoint-retention" => {
            &["DELETE_ON_CANCELLATION", "RETAIN_ON_CANCELLATION", "NO_EXTERNALIZED_CHECKPOINTS"]
        }
        "execution.state-recovery.ignore-unclaimed-state" => &["true", "false"],
        "restart-strategy.type" => &[
            "exponential-delay",
            "exponentialdelay",
            "fixed-delay",
            "fixeddelay",
            "failure-rate",
            "failurerate",
            "none",
            "off",
            "disable",
        ],
        _ => return None,
    })
}

fn check_value(key: &str, value: &str) -> Result<()> {
    if let Some((_, now)) = EARLIER.iter().find(|(earlier, _)| *earlier == key) {
        return check_value(now, value);
    }
    let expect = |fine: bool, expected: &str| match fine {
        true => Ok(()),
        false => Err(Error::statement(format!("option '{key}': '{value}' is not {expected}"))),
    };
    let word = |words: &[&str]| {
        let fine = words.iter().any(|w| w.eq_ignore_ascii_case(value));
        expect(fine, &format!("one of {}", quoted_list(words))).map_err(|error| {
            match nearest(value, words.iter().copied()) {
                Some(near) => error.with_hint(format!("Did you mean '{near}'?")),
                None => error,
            }
        })
    };
    if let Some(Effect::Only(values)) = SETTINGS.iter().find(|s| s.key == key).map(|s| s.effect)
        && !values.iter().any(|v| v.eq_ignore_ascii_case(value.trim()))
    {
        return Err(Error::unsupported(format!("'{key}' = '{value}'"))
            .with_hint(format!("It would change results; {} is supported.", quoted_list(values))));
    }
    match key {
        "parallelism.default" | "table.exec.resource.default-parallelism" => {
            expect(value.trim().parse::<i64>().is_ok_and(|n| n == -1 || n > 0), "a positive number")
        }
        "pipeline.micro-batch.max-rows" => {
            expect(value.parse::<usize>().is_ok_and(|n| (1..=1 << 20).contains(&n)), "a number from 1 to 1048576")
        }
        "table.display.max-column-width" => expect(value.parse::<usize>().is_ok_and(|n| n > 0), "a positive number"),
        "table.local-time-zone" => match parse_zone(value) {
            Some(_) => Ok(()),
            None => Err(Error::statement(format!("option '{key}': '{value}' is not a time zone"))
                .with_hint("Use a name such as 'UTC' or 'Europe/Berlin'.")),
        },
        "pipeline.auto-watermark-interval"
        | "table.exec.source.idle-timeout"
        | "table.exec.state.ttl"
        | "table.exec.mini-batch.allow-latency"
        | "execution.checkpointing.interval"
        | "execution.checkpointing.timeout"
        | "execution.checkpointing.min-pause"
        | "restart-strategy.fixed-delay.delay"
        | "restart-strategy.failure-rate.failure-rate-interval"
        | "restart-strategy.failure-rate.delay"
        | "restart-strategy.exponential-delay.initial-backoff"
        | "restart-strategy.exponential-delay.max-backoff"
        | "restart-strategy.exponential-delay.reset-backoff-threshold" => {
            expect(parse_duration(value).is_some(), "a duration such as '500 ms', '5 s' or '1 min'")
        }
        "table.exec.mini-batch.size" | "sql-client.execution.max-table-result.rows" => {
            expect(value.trim().parse::<i64>().is_ok(), "a number")
        }
        "execution.checkpointing.dir" | "execution.checkpointing.savepoint-dir" | "execution.state-recovery.path" => {
            local_folder(value).map(drop).map_err(|error| error.context(format!("option '{key}'")))
        }
        "execution.checkpointing.tolerable-failed-checkpoints"
        | "execution.checkpointing.num-retained"
        | "restart-strategy.fixed-delay.attempts"
        | "restart-strategy.failure-rate.max-failures-per-interval"
        | "restart-strategy.exponential-delay.attempts-before-reset-backoff" => {
            expect(value.trim().parse::<u32>().is_ok(), "a number")
        }
        "restart-strategy.exponential-delay.backoff-multiplier"
        | "restart-strategy.exponential-delay.jitter-factor" => {
            expect(value.trim().parse::<f64>().is_ok_and(f64::is_finite), "a number")
        }
        // As in Flink's SQL: it is for programs.
        "execution.runtime-mode" if value.eq_ignore_ascii_case("AUTOMATIC") => {
            Err(Error::unsupported(format!("'execution.runtime-mode' = '{value}'"))
                .with_hint("Set 'STREAMING' or 'BATCH'."))
        }
        _ => allowed_words(key).map_or(Ok(()), word),
    }
}

/// A zone by its IANA name; `default` and `UTC±n` spellings as in Java.
fn parse_zone(name: &str) -> Option<Tz> {
    let name = name.trim();
    if name.eq_ignore_ascii_case("default") || name == "Z" {
        return Some(Tz::UTC);
    }
    if let Ok(zone) = name.parse::<Tz>() {
        return Some(zone);
    }
    // `GMT+2` means east of Greenwich in Java, and `Etc/GMT-2` the same in the tz database.
    let rest = name.strip_prefix("GMT").or_else(|| name.strip_prefix("UTC"))?;
    let (sign, hours) =
        rest.strip_prefix('+').map(|h| ('-', h)).or_else(|| rest.strip_prefix('-').map(|h| ('+', h)))?;
    let hours: u32 = hours.strip_suffix(":00").unwrap_or(hours).parse().ok()?;
    format!("Etc/GMT{sign}{hours}").parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_keys_work_or_are_taken_and_others_get_the_nearest_name() {
        let mut settings = Settings::new();
        assert_eq!(settings.set("pipeline.name", "x").unwrap(), SetOutcome::Works);
        assert_eq!(settings.set("taskmanager.numberOfTaskSlots", "4").unwrap(), SetOutcome::WithoutEffect);
        assert_eq!(settings.set("state.backend.type", "rocksdb").unwrap(), SetOutcome::WithoutEffect);
        for (key, near) in [
            ("pipline.name", Some("pipeline.name")),
            ("parallelism.defualt", Some("parallelism.default")),
            ("table.exec.resource.default-paralelism", Some("table.exec.resource.default-parallelism")),
            ("table.exec.source.idle-timout", Some("table.exec.source.idle-timeout")),
            ("execution.checkpointing.unaligned.enabeld", Some("execution.checkpointing.unaligned.enabled")),
            ("pipeline.forced-flush-of-everything", None),
        ] {
            assert_eq!(settings.set(key, "1").unwrap(), SetOutcome::Unknown(near), "{key}");
        }
    }

    #[test]
    fn settings_that_would_change_results_take_flinks_default_only() {
        let mut settings = Settings::new();
        for (key, default, other) in [
            ("table.exec.legacy-cast-behaviour", "disabled", "ENABLED"),
            ("table.exec.sink.nested-constraint-enforcer", "IGNORE", "ROWS"),
            ("table.column-expansion-strategy", "", "EXCLUDE_ALIASED_VIRTUAL_METADATA_COLUMNS"),
            ("table.sql-dialect", "default", "hive"),
        ] {
            assert_eq!(settings.set(key, default).unwrap(), SetOutcome::Works, "{key}");
            let error = settings.set(key, other).unwrap_err();
            assert_eq!(error.message(), format!("'{key}' = '{other}' is not supported"));
        }
    }

    #[test]
    fn wrong_values_are_refused_with_what_is_allowed() {
        let mut settings = Settings::new();
        for (key, value, said) in [
            ("parallelism.default", "many", "option 'parallelism.default': 'many' is not a positive number"),
            ("table.local-time-zone", "Mars", "option 'table.local-time-zone': 'Mars' is not a time zone"),
            (
                "table.exec.state.ttl",
                "a day",
                "option 'table.exec.state.ttl': 'a day' is not a duration such as '500 ms', '5 s' or '1 min'",
            ),
            (
                "table.exec.sink.not-null-enforcer",
                "MAYBE",
                "option 'table.exec.sink.not-null-enforcer': 'MAYBE' is not one of 'ERROR', 'DROP'",
            ),
            ("execution.runtime-mode", "AUTOMATIC", "'execution.runtime-mode' = 'AUTOMATIC' is not supported"),
        ] {
            assert_eq!(settings.set(key, value).unwrap_err().message(), said);
        }
    }

    #[test]
    fn zones_are_read_as_java_reads_them() {
        assert_eq!(parse_zone("Europe/Berlin"), Some(Tz::Europe__Berlin));
        assert_eq!(parse_zone("GMT+02:00"), Some(Tz::Etc__GMTMinus2));
        assert_eq!(parse_zone("UTC-5"), Some(Tz::Etc__GMTPlus5));
        assert_eq!(parse_zone("nowhere"), None);
    }
}
