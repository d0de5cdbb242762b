//! Files of lines in a folder: read once or watched, written in parts, looked up.

mod columns;
mod location;
mod lookup;
mod part_file;
mod partition;
mod reader;
mod sink;
mod source;
mod writer;

use std::sync::Arc;
use std::time::Duration;

use crate::connectors::options::{OptionSpec, OptionType, Options, RawOptions};
use crate::connectors::print::positive;
use crate::connectors::{Connector, LookupSource, Sink, Source, TableDescriptor};
use crate::error::{Error, Result};
use crate::formats::{FormatRole, TableFormat, option_specs};
use crate::types::{Schema, SqlType, TypeKind};

use location::Location;
use lookup::FileLookupSource;
use sink::FileSink;
use source::FileSource;

/// The connector `filesystem`.
#[derive(Debug)]
pub struct Filesystem;

const OPTIONS: &[OptionSpec] = &[
    OptionSpec::new(
        "path",
        OptionType::Text,
        "The file or folder. A relative one is relative to where the program was started.",
    )
    .required(),
    OptionSpec::new("format", OptionType::Text, "How lines are read and written: json, csv or raw.").required(),
    OptionSpec::new(
        "source.path.regex-pattern",
        OptionType::Text,
        "Only files whose whole absolute path matches this regular expression are read.",
    ),
    OptionSpec::new(
        "source.monitor-interval",
        OptionType::Duration,
        "Look for new files this often, without end. Without it the files there are at the start are read once.",
    ),
    OptionSpec::new(
        "partition.default-name",
        OptionType::Text,
        "The name of the folder for NULL and for an empty text.",
    )
    .default(partition::DEFAULT_NAME),
    OptionSpec::new("sink.rolling-policy.file-size", OptionType::MemorySize, "A file that is larger is finished.")
        .default("128MB"),
    OptionSpec::new(
        "sink.rolling-policy.rollover-interval",
        OptionType::Duration,
        "A file that is older is finished. Files are finished too when an epoch ends, so that no row is lost in a crash.",
    )
    .default("30 min"),
    OptionSpec::new(
        "sink.rolling-policy.check-interval",
        OptionType::Duration,
        "How often the age of files is looked at.",
    )
    .default("1 min"),
    OptionSpec::new("sink.parallelism", OptionType::Int, "How many subtasks write."),
    OptionSpec::new("sink.shuffle-by-partition.enable", OptionType::Bool, "Not supported yet.").default("false"),
    OptionSpec::new("auto-compaction", OptionType::Bool, "Not supported yet.").default("false"),
    OptionSpec::new(
        "lookup.cache",
        OptionType::Enum(&["FULL", "NONE"]),
        "Where the table is looked up: FULL keeps all rows in memory, NONE reads the files for each batch of keys.",
    )
    .default("FULL")
    .ours(),
    OptionSpec::new(
        "lookup.full-cache.periodic-reload.interval",
        OptionType::Duration,
        "Read the files again when they were read longer ago than this. Without it they are read once.",
    )
    .ours(),
];

/// Options of Flink's that ask for something that is not built.
const NOT_YET: &[&str] = &[
    "sink.partition-commit.trigger",
    "sink.partition-commit.delay",
    "sink.partition-commit.watermark-time-zone",
    "sink.partition-commit.policy.kind",
    "sink.partition-commit.policy.class",
    "sink.partition-commit.policy.class.parameters",
    "sink.partition-commit.success-file.name",
    "partition.time-extractor.kind",
    "partition.time-extractor.class",
    "partition.time-extractor.timestamp-pattern",
    "partition.time-extractor.timestamp-formatter",
    "compaction.file-size",
    "compaction.parallelism",
    "source.report-statistics",
];

/// The metadata columns, by Flink's names.
const METADATA: [&str; 4] = ["file.path", "file.name", "file.size", "file.modification-time"];

impl Connector for Filesystem {
    fn names(&self) -> &'static [&'static str] {
        &["filesystem"]
    }

    fn options(&self) -> &'static [OptionSpec] {
        OPTIONS
    }

    fn metadata(&self, _table: &RawOptions) -> Vec<(String, SqlType, bool)> {
        let kinds = [
            TypeKind::Varchar(crate::types::STRING_LENGTH),
            TypeKind::Varchar(crate::types::STRING_LENGTH),
            TypeKind::BigInt,
            TypeKind::TimestampLtz(3),
        ];
        METADATA.iter().zip(kinds).map(|(key, kind)| (key.to_string(), SqlType::not_null(kind), false)).collect()
    }

    fn source(&self, table: &TableDescriptor) -> Result<Arc<dyn Source>> {
        Ok(Arc::new(file_source(table)?))
    }

    fn sink(&self, table: &TableDescriptor) -> Result<Arc<dyn Sink>> {
        let (options, format) = checked(table)?;
        if let Some(column) = table.metadata.iter().find(|m| !m.is_virtual) {
            let error = format!("metadata column \"{}\" of {} can't be written", column.name, table.owner());
            return Err(Error::statement(error).with_hint("Declare it VIRTUAL."));
        }
        Ok(Arc::new(FileSink {
            location: Location::of(&options)?,
            encoding: Arc::from(format.encoding(&body(table))?),
            columns: table.columns.clone(),
            partition_keys: table.partition_keys.clone(),
            default_name: options.text("partition.default-name").unwrap_or_default().to_string(),
            zone: table.zone,
            file_bytes_max: options.memory_size("sink.rolling-policy.file-size").unwrap_or(usize::MAX),
            age_max: options.duration("sink.rolling-policy.rollover-interval").unwrap_or(Duration::MAX),
            check_interval: options.duration("sink.rolling-policy.check-interval").unwrap_or_default(),
            parallelism: positive(&options, "sink.parallelism")?,
        }))
    }

    fn lookup(&self, table: &TableDescriptor) -> Result<Arc<dyn LookupSource>> {
        let (options, _) = checked(table)?;
        let reload = match options.text("lookup.cache") {
            Some("NONE") => Some(Duration::ZERO),
            _ => options.duration("lookup.full-cache.periodic-reload.interval"),
        };
        let source = file_source(table)?;
        if !source.is_bounded() {
            let why = "a table that is looked up is read whole, so it can't be watched";
            return Err(options.invalid("source.monitor-interval", why));
        }
        Ok(Arc::new(FileLookupSource { source, schema: table.scan_schema(), reload }))
    }
}

fn file_source(table: &TableDescriptor) -> Result<FileSource> {
    let (options, format) = checked(table)?;
    FileSource::try_new(table, &options, format.decoding(&body(table))?)
}

/// The columns that stand in the lines: those that the folders' names don't hold.
fn body(table: &TableDescriptor) -> Schema {
    let fields = table.columns.fields.iter().enumerate();
    fields.filter(|(i, _)| !table.partition_keys.contains(i)).map(|(_, field)| field.clone()).collect()
}

fn checked(table: &TableDescriptor) -> Result<(Options, TableFormat)> {
    let raw = &table.options;
    if let Some(key) = raw.keys().find(|key| NOT_YET.contains(key)) {
        return Err(Error::unsupported(format!("option '{key}' of {}", table.owner())).at(raw.span(key)));
    }
    let mut specs = OPTIONS.to_vec();
    specs.extend(option_specs(raw, None)?);
    let options = Options::check(table.owner(), raw, &specs)?;
    for key in ["auto-compaction", "sink.shuffle-by-partition.enable"] {
        if options.bool(key) {
            return Err(Error::unsupported(format!("option '{key}' of {}", table.owner())).at(raw.span(key)));
        }
    }
    let format = TableFormat::require(raw, FormatRole::Value, &table.owner(), table.zone, true)?;
    Ok((options, format))
}

#[cfg(test)]
mod tests;
