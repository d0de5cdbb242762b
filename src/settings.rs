//! What SET and RESET change: Flink's options that mean something here, and those that are taken for the file's sake.

mod unused;
mod values;

use std::collections::BTreeMap;
use std::time::Duration;

use chrono_tz::Tz;

use self::values::{check_value, parse_zone};
use crate::connectors::options::parse_duration;
use crate::error::{Result, nearest};
pub use unused::UNUSED;
pub use values::{RESULT_MODES, allowed_words};

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
}
