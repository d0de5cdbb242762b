//! The options of a filesystem table.

use std::fs::{self, File};
use std::path::Path;
use std::time::Duration;

use regex::Regex;

use super::listing::Listing;
use super::location;
use super::rolling::RollingPolicy;
use crate::connectors::options::{DELIVERY_GUARANTEE, OptionSpec, OptionType, Options};
use crate::connectors::{Guarantee, LookupCacheOptions, TableDescriptor};
use crate::error::{Error, Result};
use crate::formats;

const COMMIT: &str = "sink.partition-commit.policy.kind";
const TRIGGER: &str = "sink.partition-commit.trigger";
const BY_PROCESSING_TIME: &str = "partitions are committed by processing time";

/// Flink's options of the connector, and those of looking up, which are ours.
pub const OPTIONS: &[OptionSpec] = &[
    OptionSpec::new("path", OptionType::Text, "A file or a folder with files; relative paths start at the working directory. A sink writes files into the folder.")
        .required(),
    OptionSpec::new("format", OptionType::Text, "The format of the files' lines.").required(),
    OptionSpec::new("source.monitor-interval", OptionType::Duration, "How often to look for new files; the source then never ends. Without it the files there are now are read."),
    OptionSpec::new("source.path.regex-pattern", OptionType::Text, "A regular expression that the whole absolute path of a file must match to be read."),
    OptionSpec::new("source.report-statistics", OptionType::Enum(&["ALL", "NONE"]), "Which statistics files report to the planner.")
        .default("ALL")
        .without_effect("plans don't depend on statistics"),
    OptionSpec::new("partition.default-name", OptionType::Text, "What the folder is called that holds the rows whose partition column is NULL.")
        .default("__DEFAULT_PARTITION__"),
    OptionSpec::new("lookup.cache", OptionType::Text, "The file is held in memory and read again when it has changed. NONE looks for a change at every lookup; PARTIAL also keeps answers within the bounds of the lookup.partial-cache options.")
        .default("NONE")
        .ours(),
    OptionSpec::new("lookup.partial-cache.max-rows", OptionType::Int, "Rows the cache of answers holds at most; the least recently used go first.")
        .ours().only_with("lookup.cache", &["PARTIAL"]),
    OptionSpec::new("lookup.partial-cache.expire-after-write", OptionType::Duration, "How long after it was found an answer is used.")
        .ours().only_with("lookup.cache", &["PARTIAL"]),
    OptionSpec::new("lookup.partial-cache.expire-after-access", OptionType::Duration, "How long after it was last used an answer is kept.")
        .ours().only_with("lookup.cache", &["PARTIAL"]),
    OptionSpec::new("lookup.partial-cache.cache-missing-key", OptionType::Bool, "Whether it is also kept that a key has no row.")
        .default("true")
        .ours()
        .only_with("lookup.cache", &["PARTIAL"]),
    OptionSpec::new("sink.rolling-policy.file-size", OptionType::MemorySize, "A file is finished when it has this size.")
        .default("128 MB"),
    OptionSpec::new("sink.rolling-policy.rollover-interval", OptionType::Duration, "A file is finished when it was open this long.")
        .default("30 min").unless("sink.delivery-guarantee", &["exactly-once"]),
    OptionSpec::new("sink.rolling-policy.inactivity-interval", OptionType::Duration, "A file is finished when no row came for this long.")
        .default("30 min").unless("sink.delivery-guarantee", &["exactly-once"]),
    OptionSpec::new("sink.rolling-policy.check-interval", OptionType::Duration, "How often to look whether a file was open, or without rows, long enough.")
        .default("1 min").unless("sink.delivery-guarantee", &["exactly-once"]),
    DELIVERY_GUARANTEE,
    OptionSpec::new("sink.parallelism", OptionType::Int, "How many subtasks write, each files of its own."),
    OptionSpec::new("sink.shuffle-by-partition.enable", OptionType::Bool, "Whether all rows of a partition go to one subtask, which makes fewer files.")
        .default("false"),
    OptionSpec::new("auto-compaction", OptionType::Bool, "Whether small files are merged; only false is supported.").default("false"),
    OptionSpec::new("compaction.file-size", OptionType::MemorySize, "The size of merged files.")
        .only_with("auto-compaction", &["true"]),
    OptionSpec::new(COMMIT, OptionType::Text, "What tells others that a partition is complete: 'success-file'. All rows of a partition then go to one subtask."),
    OptionSpec::new("sink.partition-commit.policy.class", OptionType::Text, "A class that commits partitions.")
        .only_with(COMMIT, &["custom"]),
    OptionSpec::new("sink.partition-commit.policy.class.parameters", OptionType::List, "What that class is given.")
        .only_with(COMMIT, &["custom"]),
    OptionSpec::new("sink.partition-commit.success-file.name", OptionType::Text, "The file that says that a partition is complete.")
        .default("_SUCCESS")
        .only_with(COMMIT, &[]),
    OptionSpec::new(TRIGGER, OptionType::Enum(&["process-time", "partition-time"]), "By which time a partition is complete: only 'process-time' is supported, the time since its first row.")
        .default("process-time")
        .only_with(COMMIT, &[]),
    OptionSpec::new("sink.partition-commit.delay", OptionType::Duration, "How long after that time a partition is committed: with the next flush, all of them when the job ends.")
        .default("0 s")
        .only_with(COMMIT, &[]),
    OptionSpec::new("sink.partition-commit.watermark-time-zone", OptionType::Text, "The zone in which watermarks are compared with partitions' times.")
        .default("UTC")
        .without_effect(BY_PROCESSING_TIME),
    OptionSpec::new("partition.time-extractor.kind", OptionType::Text, "How a partition's time is found in its values.")
        .default("default")
        .without_effect(BY_PROCESSING_TIME),
    OptionSpec::new("partition.time-extractor.class", OptionType::Text, "A class that finds it.").without_effect(BY_PROCESSING_TIME),
    OptionSpec::new("partition.time-extractor.timestamp-pattern", OptionType::Text, "How its values make a timestamp.")
        .without_effect(BY_PROCESSING_TIME),
    OptionSpec::new("partition.time-extractor.timestamp-formatter", OptionType::Text, "How that timestamp is read.")
        .default("yyyy-MM-dd HH:mm:ss")
        .without_effect(BY_PROCESSING_TIME),
];

/// The checked options of one table.
#[derive(Debug, Clone)]
pub struct FileOptions {
    pub listing: Listing,
    /// `None` for a source that ends.
    pub monitor_interval: Option<Duration>,
    pub default_partition: String,
    pub cache: Option<LookupCacheOptions>,
    pub rolling: RollingPolicy,
    /// Whether all rows of a partition go to one subtask.
    pub shuffle: bool,
    pub commit: Option<PartitionCommit>,
    pub sink_parallelism: Option<usize>,
    pub guarantee: Guarantee,
}

impl FileOptions {
    /// # Errors
    /// Of kind Statement, each naming the option; no file is touched.
    pub fn of(table: &TableDescriptor) -> Result<Self> {
        let mut specs = OPTIONS.to_vec();
        specs.extend(formats::option_specs(&table.options, None)?);
        let options = Options::check(table.owner(), &table.options, &specs)?;
        refuse_unsupported(&options)?;
        let root = location::parse(options.require("path")?).map_err(|why| options.invalid("path", why))?;
        let interval = |key, default| options.duration(key).unwrap_or(Duration::from_secs(default));
        Ok(Self {
            listing: Listing { root, pattern: pattern(&options)? },
            monitor_interval: monitor_interval(&options)?,
            default_partition: options.text("partition.default-name").unwrap_or_default().to_string(),
            cache: LookupCacheOptions::of(
                &options,
                "Leave the option out: the file is held in memory, and read again when it has changed.",
            )?,
            rolling: RollingPolicy {
                size_max: options.memory_size("sink.rolling-policy.file-size").unwrap_or(128 << 20).max(1) as u64,
                rollover: interval("sink.rolling-policy.rollover-interval", 30 * 60),
                inactivity: interval("sink.rolling-policy.inactivity-interval", 30 * 60),
                check: interval("sink.rolling-policy.check-interval", 60).max(Duration::from_millis(1)),
            },
            shuffle: options.bool("sink.shuffle-by-partition.enable"),
            commit: commit(&options)?,
            sink_parallelism: options.positive("sink.parallelism")?,
            guarantee: Guarantee::of(&options),
        })
    }
}

/// Partitions that are complete get an empty file that says so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartitionCommit {
    /// How long after its first row a partition is complete.
    pub delay: Duration,
    pub success_file: String,
}

impl PartitionCommit {
    /// Puts the file into the folder of a partition, which is made where somebody has taken it away.
    pub fn say_complete(&self, folder: &Path) -> Result<()> {
        let path = folder.join(&self.success_file);
        let written = fs::create_dir_all(folder).and_then(|()| File::create(&path)?.sync_all());
        written.map_err(|e| Error::external(format!("cannot write file {}: {e}", location::shown(&path))))
    }
}

fn commit(options: &Options) -> Result<Option<PartitionCommit>> {
    if !options.is_set(COMMIT) {
        return Ok(None);
    }
    let kinds = options.require(COMMIT)?;
    if let Some(kind) = kinds.split(',').map(str::trim).find(|kind| *kind != "success-file") {
        let error = match kind {
            "metastore" | "custom" => Error::unsupported(format!("'{COMMIT}' = '{kind}' in {}", options.owner())),
            _ => options.invalid(COMMIT, format!("'{kind}' is not one of 'metastore', 'success-file', 'custom'")),
        };
        return Err(error.with_hint("'success-file' is supported.").at(options.raw().span(COMMIT)));
    }
    if options.text(TRIGGER) == Some("partition-time") {
        return Err(Error::unsupported(format!("'{TRIGGER}' = 'partition-time' in {}", options.owner()))
            .with_hint("'process-time' is supported: the time since a partition's first row.")
            .at(options.raw().span(TRIGGER)));
    }
    Ok(Some(PartitionCommit {
        delay: options.duration("sink.partition-commit.delay").unwrap_or_default(),
        success_file: options.require("sink.partition-commit.success-file.name")?.to_string(),
    }))
}

fn refuse_unsupported(options: &Options) -> Result<()> {
    let key = "auto-compaction";
    match options.bool(key) {
        true => Err(Error::unsupported(format!("'{key}' = 'true' in {}", options.owner()))
            .with_hint("Leave the option out.")
            .at(options.raw().span(key))),
        false => Ok(()),
    }
}

fn pattern(options: &Options) -> Result<Option<Regex>> {
    let key = "source.path.regex-pattern";
    let Some(text) = options.text(key) else {
        return Ok(None);
    };
    match Regex::new(&format!("^(?:{text})$")) {
        Ok(regex) => Ok(Some(regex)),
        Err(error) => {
            let why = error.to_string();
            let why = why.lines().last().unwrap_or_default().trim_start_matches("error: ");
            Err(options.invalid(key, format!("'{text}' is no regular expression: {why}")))
        }
    }
}

fn monitor_interval(options: &Options) -> Result<Option<Duration>> {
    match options.duration("source.monitor-interval") {
        Some(Duration::ZERO) => Err(options.invalid("source.monitor-interval", "it must be more than 0")),
        interval => Ok(interval),
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::table;
    use super::*;

    fn error(pairs: &[(&str, &str)]) -> String {
        FileOptions::of(&table("a INT", pairs)).expect_err("the options are wrong").to_string()
    }

    #[test]
    fn wrong_options_are_refused_by_name() {
        let cases: [(&[(&str, &str)], &str); 12] = [
            (&[("paht", "x")], "unknown option 'paht'"),
            (&[("path", " ")], "required option 'path' is missing"),
            (&[("path", "s3://b/x")], "file system 's3' is not supported"),
            (&[("source.path.regex-pattern", "(")], "'(' is no regular expression: unclosed group"),
            (&[("source.monitor-interval", "0 s")], "it must be more than 0"),
            (&[("lookup.cache", "FULL")], "has no 'FULL' cache"),
            (&[("lookup.cache", "some")], "'some' is not one of 'NONE', 'PARTIAL'"),
            (&[("auto-compaction", "true")], "'auto-compaction' = 'true' in table \"t\""),
            (
                &[("sink.partition-commit.policy.kind", "metastore")],
                "'sink.partition-commit.policy.kind' = 'metastore' in table",
            ),
            (
                &[
                    ("sink.partition-commit.policy.kind", "success-file"),
                    ("sink.partition-commit.trigger", "partition-time"),
                ],
                "'sink.partition-commit.trigger' = 'partition-time' in table",
            ),
            (&[("sink.parallelism", "0")], "it must be at least 1"),
            (&[("sink.partition-commit.trigger", "event-time")], "is not one of 'process-time', 'partition-time'"),
        ];
        for (pairs, expected) in cases {
            let error = error(pairs);
            assert!(error.contains(expected), "{error}");
        }
    }

    #[test]
    fn defaults_are_those_of_flink() {
        let options = FileOptions::of(&table("a INT", &[("auto-compaction", "false")])).unwrap();
        assert_eq!(options.default_partition, "__DEFAULT_PARTITION__");
        assert_eq!(options.rolling.size_max, 128 << 20);
        assert_eq!(options.rolling.rollover, Duration::from_secs(1800));
        assert_eq!(options.rolling.check, Duration::from_secs(60));
        assert_eq!((options.monitor_interval, options.cache), (None, None));
    }
}
