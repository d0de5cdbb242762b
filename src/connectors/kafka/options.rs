//! The options of a kafka table, and their checked values.

use std::collections::BTreeMap;
use std::time::Duration;

use super::lean;
use super::properties::KafkaProperties;
use crate::connectors::TableDescriptor;
use crate::connectors::options::{OptionSpec, OptionType, Options, RawOptions};
use crate::error::{Error, Result};
use crate::formats::{self, FormatRole, TableFormat};

/// Where reading starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StartupMode {
    Earliest,
    Latest,
    /// The group's committed offsets; without one what `auto.offset.reset` says.
    GroupOffsets(OffsetReset),
    /// The first record at or after this time (ms since the epoch); the end where there is none.
    Timestamp(i64),
    /// Offsets by partition; other partitions start at the committed offset, else at the earliest.
    Specific(BTreeMap<i32, i64>),
}

/// Where reading ends. All but `Unbounded` are resolved once, when reading starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BoundedMode {
    Unbounded,
    Latest,
    GroupOffsets,
    /// Before the first record at or after this time (ms since the epoch).
    Timestamp(i64),
    Specific(BTreeMap<i32, i64>),
}

impl BoundedMode {
    /// As a split says by what its end was found; without an end there is nothing to say.
    pub fn words(&self) -> Option<String> {
        Some(match self {
            BoundedMode::Unbounded => return None,
            BoundedMode::Latest => "latest-offset".to_string(),
            BoundedMode::GroupOffsets => "group-offsets".to_string(),
            BoundedMode::Timestamp(at) => format!("timestamp {at}"),
            BoundedMode::Specific(_) => "specific-offsets".to_string(),
        })
    }
}

/// What `auto.offset.reset` says for a group without a committed offset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OffsetReset {
    Fail,
    Earliest,
    Latest,
}

/// Which topics a table stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Topics {
    List(Vec<String>),
    /// A pattern that a topic's whole name must match.
    Pattern(String),
}

impl Topics {
    /// Says of a topic whether it is one of these.
    pub fn matcher(&self) -> Result<Box<dyn Fn(&str) -> bool + '_>> {
        Ok(match self {
            Topics::List(names) => Box::new(move |name| names.iter().any(|n| n == name)),
            Topics::Pattern(pattern) => {
                let regex = topic_regex(pattern).map_err(Error::statement)?;
                Box::new(move |name| regex.is_match(name))
            }
        })
    }
}

/// How a sink chooses the partition of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Partitioner {
    /// As the Java client: by the key's murmur2 hash; records without a key stick to one partition for a batch.
    Default,
    /// Each subtask writes to one partition.
    Fixed,
    RoundRobin,
}

/// Which client fetches records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ScanClient {
    /// Our own, or else librdkafka.
    pub is_native: bool,
    /// The table says so: there is no other way.
    pub is_forced: bool,
}

/// When a barrier may pass the sink.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeliveryGuarantee {
    /// When every record before it is acknowledged.
    AtLeastOnce,
    /// When its rows are ready to be published with the epoch, in one transaction.
    ExactlyOnce,
    /// At once.
    None,
}

const STARTUP_MODES: &[&str] = &["earliest-offset", "latest-offset", "group-offsets", "timestamp", "specific-offsets"];
const BOUNDED_MODES: &[&str] = &["unbounded", "latest-offset", "group-offsets", "timestamp", "specific-offsets"];

/// Every option of a kafka table beside those of its formats.
pub const OPTIONS: &[OptionSpec] = &[
    OptionSpec::new("topic", OptionType::List, "The topic, or several separated by ';' for a source."),
    OptionSpec::new(
        "topic-pattern",
        OptionType::Text,
        "A regular expression for the whole names of the topics to read; at least one must be there when the job starts.",
    ),
    OptionSpec::new(
        "properties.bootstrap.servers",
        OptionType::Text,
        "Brokers to connect to first, as host:port separated by commas; an integration may fill it in.",
    )
    .required(),
    OptionSpec::new(
        "properties.group.id",
        OptionType::Text,
        "The consumer group whose committed offsets are read and written; 'KafkaSource-' and the table's name where absent.",
    ),
    OptionSpec::new(
        "properties.*",
        OptionType::Text,
        "Settings of the Java client under its names, such as properties.security.protocol or properties.compression.type.",
    ),
    OptionSpec::new("format", OptionType::Text, "The format of record values."),
    OptionSpec::new("value.format", OptionType::Text, "The format of record values, the same as 'format'."),
    OptionSpec::new("key.format", OptionType::Text, "The format of record keys; without it keys are not read or written."),
    OptionSpec::new("key.fields", OptionType::List, "The columns, separated by ';', that the key holds."),
    OptionSpec::new(
        "key.fields-prefix",
        OptionType::Text,
        "What stands before the names of key columns in the table but not in the key; needs 'value.fields-include' = 'EXCEPT_KEY'.",
    )
    .default(""),
    OptionSpec::new(
        "value.fields-include",
        OptionType::Enum(&["ALL", "EXCEPT_KEY"]),
        "Whether the value holds the key columns too.",
    )
    .default("ALL"),
    OptionSpec::new(
        "scan.startup.mode",
        OptionType::Enum(STARTUP_MODES),
        "Where reading starts. The default needs a committed offset of the group, or 'properties.auto.offset.reset'.",
    )
    .default("group-offsets"),
    OptionSpec::new(
        "scan.startup.timestamp-millis",
        OptionType::Int,
        "Milliseconds since the epoch: reading starts at the first record that is not older.",
    )
    .only_with("scan.startup.mode", &["timestamp"]),
    OptionSpec::new(
        "scan.startup.specific-offsets",
        OptionType::Text,
        "Where each partition starts: 'partition:0,offset:42;partition:1,offset:300'.",
    )
    .only_with("scan.startup.mode", &["specific-offsets"]),
    OptionSpec::new(
        "scan.bounded.mode",
        OptionType::Enum(BOUNDED_MODES),
        "Where reading ends; the end is looked up once, when the job starts.",
    )
    .default("unbounded"),
    OptionSpec::new(
        "scan.bounded.timestamp-millis",
        OptionType::Int,
        "Milliseconds since the epoch: reading ends before the first record that is not older.",
    )
    .only_with("scan.bounded.mode", &["timestamp"]),
    OptionSpec::new(
        "scan.bounded.specific-offsets",
        OptionType::Text,
        "Where each partition ends, before this offset: 'partition:0,offset:42;...'.",
    )
    .only_with("scan.bounded.mode", &["specific-offsets"]),
    OptionSpec::new(
        "scan.topic-partition-discovery.interval",
        OptionType::Duration,
        "How often to look for new partitions, and new topics of a pattern, while an endless job runs; they are read from their beginning. 0 never looks.",
    )
    .default("5 min"),
    OptionSpec::new("scan.parallelism", OptionType::Int, "How many subtasks read, at most one per partition."),
    OptionSpec::new(
        "scan.client",
        OptionType::Enum(&["auto", "native", "librdkafka"]),
        "Who fetches the records: 'native', the engine's own client, with which jobs take about half of the CPU time; 'librdkafka'; or 'auto', the native one wherever it can do what the table asks for.",
    )
    .default("auto")
    .ours(),
    OptionSpec::new("sink.parallelism", OptionType::Int, "How many subtasks write."),
    OptionSpec::new(
        "sink.partitioner",
        OptionType::Text,
        "'default' (by key, as the Java client), 'fixed' (one partition per subtask) or 'round-robin' (without keys only).",
    )
    .default("default"),
    OptionSpec::new(
        "sink.delivery-guarantee",
        OptionType::Enum(&["at-least-once", "exactly-once", "none"]),
        "at-least-once: a checkpoint waits until every record is acknowledged; none: it doesn't wait; exactly-once: the records of a checkpoint appear in one transaction.",
    )
    .default("at-least-once"),
    OptionSpec::new(
        "sink.transactional-id-prefix",
        OptionType::Text,
        "What the ids of transactions begin with; the job's name and the number of the producer, 0 or 1, follow. Required for 'exactly-once'.",
    )
        .only_with("sink.delivery-guarantee", &["exactly-once"]),
    OptionSpec::new(
        "sink.transaction-naming-strategy",
        OptionType::Enum(&["INCREMENTING", "POOLING"]),
        "How the ids of transactions are made.",
    )
    .default("INCREMENTING")
    .without_effect("a job has two ids that take turns"),
    OptionSpec::new(
        "connection.max-retry-timeout",
        OptionType::Duration,
        "How long to wait for a broker that doesn't answer when a job starts, before the job fails.",
    )
    .default("60 s")
    .ours(),
];

/// The checked options of one kafka table that both its source and its sink need.
#[derive(Debug, Clone)]
pub struct KafkaOptions {
    pub options: Options,
    pub topics: Topics,
    pub connection_timeout: Duration,
}

impl KafkaOptions {
    /// Checks keys, values and what must go together; touches no broker.
    pub fn check(table: &TableDescriptor) -> Result<Self> {
        let checked = Self::check_against(table, OPTIONS)?;
        if !table.primary_key.is_empty() {
            check_primary_key(table, &checked.options)?;
        }
        Ok(checked)
    }

    /// As [`KafkaOptions::check`] for a table that takes the options `specs` beside those of its formats.
    pub fn check_against(table: &TableDescriptor, specs: &[OptionSpec]) -> Result<Self> {
        let mut specs = specs.to_vec();
        specs.extend(formats::option_specs(&table.options, None)?);
        let options = Options::check(table.owner(), &table.options, &specs)?;
        let topics = topics(&options)?;
        let connection_timeout = options.duration("connection.max-retry-timeout").unwrap_or(Duration::from_secs(60));
        Ok(Self { options, topics, connection_timeout })
    }

    /// # Errors
    /// A mode whose own option is missing or malformed.
    pub fn startup_mode(&self) -> Result<StartupMode> {
        let options = &self.options;
        Ok(match options.text("scan.startup.mode").unwrap_or("group-offsets") {
            "earliest-offset" => StartupMode::Earliest,
            "latest-offset" => StartupMode::Latest,
            "timestamp" => StartupMode::Timestamp(self.timestamp("startup")?),
            "specific-offsets" => StartupMode::Specific(self.specific_offsets("startup")?),
            _ => StartupMode::GroupOffsets(self.offset_reset()?),
        })
    }

    pub fn bounded_mode(&self) -> Result<BoundedMode> {
        Ok(match self.options.text("scan.bounded.mode").unwrap_or("unbounded") {
            "latest-offset" => BoundedMode::Latest,
            "group-offsets" => BoundedMode::GroupOffsets,
            "timestamp" => BoundedMode::Timestamp(self.timestamp("bounded")?),
            "specific-offsets" => BoundedMode::Specific(self.specific_offsets("bounded")?),
            _ => BoundedMode::Unbounded,
        })
    }

    /// `scan.parallelism` or `sink.parallelism`.
    pub fn parallelism(&self, key: &str) -> Result<Option<usize>> {
        match self.options.int(key) {
            None => Ok(None),
            Some(n) => match usize::try_from(n) {
                Ok(n) if n > 0 => Ok(Some(n)),
                _ => Err(self.options.invalid(key, format!("'{n}' is not a positive number"))),
            },
        }
    }

    /// Who fetches records.
    ///
    /// # Errors
    /// The native client is asked for what only librdkafka can do.
    pub fn client(&self, properties: &KafkaProperties) -> Result<ScanClient> {
        let key = "scan.client";
        let client = self.options.text(key).unwrap_or("auto");
        match (client, lean::lacks(properties)) {
            ("native", Some(lacking)) => {
                let error = self.options.invalid(key, format!("the native client can't do {lacking}"));
                Err(error.with_hint("Leave it out, or write 'scan.client' = 'librdkafka'."))
            }
            (_, lacking) => Ok(ScanClient {
                is_native: client == "native" || (client == "auto" && lacking.is_none()),
                is_forced: client != "auto",
            }),
        }
    }

    fn offset_reset(&self) -> Result<OffsetReset> {
        let key = "properties.auto.offset.reset";
        match self.options.text(key).map(|v| v.trim().to_lowercase()).as_deref() {
            None | Some("none") => Ok(OffsetReset::Fail),
            Some("earliest") => Ok(OffsetReset::Earliest),
            Some("latest") => Ok(OffsetReset::Latest),
            Some(other) => {
                Err(self.options.invalid(key, format!("'{other}' is not one of 'earliest', 'latest', 'none'")))
            }
        }
    }

    fn timestamp(&self, role: &str) -> Result<i64> {
        let key = format!("scan.{role}.timestamp-millis");
        self.options.int(&key).ok_or_else(|| self.needed(&key, "timestamp", role))
    }

    fn specific_offsets(&self, role: &str) -> Result<BTreeMap<i32, i64>> {
        let key = format!("scan.{role}.specific-offsets");
        let text = self.options.text(&key).ok_or_else(|| self.needed(&key, "specific-offsets", role))?;
        if !matches!(&self.topics, Topics::List(topics) if topics.len() == 1) {
            return Err(self.options.invalid(&key, "specific offsets can be given for a single topic only"));
        }
        parse_specific_offsets(text).ok_or_else(|| {
            let why = format!("'{text}' is not of the form 'partition:0,offset:42;partition:1,offset:300'");
            self.options.invalid(&key, why)
        })
    }

    fn needed(&self, key: &str, mode: &str, role: &str) -> Error {
        let mode_key = format!("scan.{role}.mode");
        Error::statement(format!("'{key}' is required in '{mode}' {role} mode but missing in {}", self.options.owner()))
            .at(self.options.raw().span(&mode_key))
    }

    pub fn partitioner(&self) -> Result<Partitioner> {
        let key = "sink.partitioner";
        match self.options.text(key).unwrap_or("default") {
            "default" => Ok(Partitioner::Default),
            "fixed" => Ok(Partitioner::Fixed),
            "round-robin" if self.options.is_set("key.fields") => {
                Err(self.options.invalid(key, "'round-robin' works only where 'key.fields' is not set"))
            }
            "round-robin" => Ok(Partitioner::RoundRobin),
            class if class.contains('.') => Err(Error::unsupported(format!("a partitioner class ('{class}')"))
                .with_hint("Use 'default', 'fixed' or 'round-robin'.")
                .at(self.options.raw().span(key))),
            other => {
                Err(self.options.invalid(key, format!("'{other}' is not one of 'default', 'fixed', 'round-robin'")))
            }
        }
    }

    /// # Errors
    /// 'exactly-once' without what its transactions are called, in Flink's words.
    pub fn delivery_guarantee(&self) -> Result<DeliveryGuarantee> {
        let key = "sink.delivery-guarantee";
        match self.options.text(key).unwrap_or("at-least-once") {
            "none" => Ok(DeliveryGuarantee::None),
            "exactly-once" if self.transactional_id_prefix().is_none() => Err(Error::statement(format!(
                "sink.transactional-id-prefix must be specified when using DeliveryGuarantee.EXACTLY_ONCE, in {}",
                self.options.owner()
            ))
            .with_hint("Any text does that no other job's tables have: 'sink.transactional-id-prefix' = 'orders'.")
            .at(self.options.raw().span(key))),
            "exactly-once" => Ok(DeliveryGuarantee::ExactlyOnce),
            _ => Ok(DeliveryGuarantee::AtLeastOnce),
        }
    }

    pub fn transactional_id_prefix(&self) -> Option<&str> {
        self.options.text("sink.transactional-id-prefix").map(str::trim).filter(|prefix| !prefix.is_empty())
    }
}

/// Only changes have a key. Flink's own words for it.
fn check_primary_key(table: &TableDescriptor, options: &Options) -> Result<()> {
    let format = TableFormat::find(&table.options, FormatRole::Value, None, &table.owner(), table.zone, false)?;
    if format.as_ref().is_some_and(TableFormat::has_changes) {
        return Ok(());
    }
    let format = format.map_or("", |format| format.name());
    let error = Error::statement(format!(
        "the kafka table \"{}\" with '{format}' format doesn't support defining PRIMARY KEY constraint on the table, \
         because it can't guarantee the semantic of primary key",
        table.name
    ))
    .with_hint(
        "Leave the PRIMARY KEY out, or take the connector 'upsert-kafka' for rows that replace others of their key.",
    )
    .at(options.raw().span("format"));
    Err(error)
}

fn topics(options: &Options) -> Result<Topics> {
    let mut list = options.list("topic");
    let mut seen = std::collections::HashSet::new();
    list.retain(|topic| seen.insert(topic.clone()));
    match (options.text("topic-pattern").map(str::trim), list.is_empty()) {
        (Some(_), false) => Err(options.invalid("topic-pattern", "'topic' and 'topic-pattern' can't be set together")),
        (Some(pattern), true) => {
            topic_regex(pattern).map_err(|error| options.invalid("topic-pattern", error))?;
            Ok(Topics::Pattern(pattern.to_string()))
        }
        (None, true) => {
            Err(options.missing("topic").with_hint("Set 'topic' or, to read several topics, 'topic-pattern'."))
        }
        (None, false) => Ok(Topics::List(list)),
    }
}

/// The pattern as a regular expression for whole names.
pub fn topic_regex(pattern: &str) -> Result<regex::Regex, String> {
    regex::Regex::new(&format!("^(?:{pattern})$"))
        .map_err(|_| format!("'{pattern}' is not a regular expression (look-around and back references can't be used)"))
}

/// `partition:0,offset:42;partition:1,offset:300`
fn parse_specific_offsets(text: &str) -> Option<BTreeMap<i32, i64>> {
    let mut offsets = BTreeMap::new();
    for pair in text.trim().trim_end_matches(';').split(';') {
        let (partition, offset) = pair.split_once(',')?;
        let partition: i32 = partition.trim().strip_prefix("partition:")?.trim().parse().ok()?;
        let offset: i64 = offset.trim().strip_prefix("offset:")?.trim().parse().ok()?;
        if partition < 0 || offset < 0 || offsets.insert(partition, offset).is_some() {
            return None;
        }
    }
    (!offsets.is_empty()).then_some(offsets)
}

/// The consumer group: as set, else `KafkaSource-` and the table's name.
pub fn group_id(options: &RawOptions, table: &str) -> String {
    let set = options.get("properties.group.id").map(str::trim).filter(|v| !v.is_empty());
    set.map_or_else(|| format!("KafkaSource-{table}"), str::to_string)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connectors::kafka::testing::table;

    fn check(pairs: &[(&str, &str)]) -> Result<KafkaOptions> {
        KafkaOptions::check(&table("a INT", pairs))
    }

    #[test]
    fn specific_offsets_are_read_as_flink_writes_them() {
        let offsets = parse_specific_offsets("partition:0,offset:42; partition:1,offset:300;").unwrap();
        assert_eq!(offsets.into_iter().collect::<Vec<_>>(), [(0, 42), (1, 300)]);
        for wrong in ["", "0:42", "partition:0", "partition:x,offset:1", "partition:0,offset:-1"] {
            assert_eq!(parse_specific_offsets(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_mode_without_its_option_says_which_one_is_missing() {
        for (mode_key, mode, missing) in [
            ("scan.startup.mode", "timestamp", "scan.startup.timestamp-millis"),
            ("scan.startup.mode", "specific-offsets", "scan.startup.specific-offsets"),
            ("scan.bounded.mode", "timestamp", "scan.bounded.timestamp-millis"),
            ("scan.bounded.mode", "specific-offsets", "scan.bounded.specific-offsets"),
        ] {
            let options = check(&[(mode_key, mode)]).unwrap();
            let error = options.startup_mode().and(options.bounded_mode().map(|_| StartupMode::Latest)).unwrap_err();
            let role = mode_key.split('.').nth(1).unwrap();
            let expected = format!("'{missing}' is required in '{mode}' {role} mode but missing");
            assert!(error.message().starts_with(&expected), "{error}");
        }
    }

    #[test]
    fn the_default_start_is_the_groups_offsets_and_no_reset() {
        let options = check(&[]).unwrap();
        assert_eq!(options.startup_mode().unwrap(), StartupMode::GroupOffsets(OffsetReset::Fail));
        let options = check(&[("properties.auto.offset.reset", "earliest")]).unwrap();
        assert_eq!(options.startup_mode().unwrap(), StartupMode::GroupOffsets(OffsetReset::Earliest));
        assert_eq!(options.bounded_mode().unwrap(), BoundedMode::Unbounded);
    }

    #[test]
    fn what_is_not_built_is_refused_by_name() {
        let error = check(&[("sink.partitioner", "com.acme.Mine")]).unwrap().partitioner().unwrap_err();
        assert_eq!(error.message(), "a partitioner class ('com.acme.Mine') is not supported");
    }

    #[test]
    fn exactly_once_needs_a_name_for_its_transactions() {
        let guarantee = |pairs: &[(&str, &str)]| check(pairs).unwrap().delivery_guarantee();
        let error = guarantee(&[("sink.delivery-guarantee", "exactly-once")]).unwrap_err();
        let words = "sink.transactional-id-prefix must be specified when using DeliveryGuarantee.EXACTLY_ONCE";
        assert!(error.message().starts_with(words), "{error}");
        let pairs = [("sink.delivery-guarantee", "exactly-once"), ("sink.transactional-id-prefix", "p")];
        assert_eq!(guarantee(&pairs).unwrap(), DeliveryGuarantee::ExactlyOnce);
    }

    #[test]
    fn a_primary_key_is_refused_in_flinks_words() {
        let mut descriptor = table("a INT", &[]);
        descriptor.primary_key = vec![0];
        let error = KafkaOptions::check(&descriptor).unwrap_err();
        assert!(error.message().contains("doesn't support defining PRIMARY KEY constraint"), "{error}");
    }

    #[test]
    fn a_blank_address_and_a_missing_topic_are_errors() {
        let error = check(&[("properties.bootstrap.servers", " ")]).unwrap_err();
        assert!(error.message().contains("'properties.bootstrap.servers' is missing"), "{error}");
        let error = check(&[("topic", "")]).unwrap_err();
        assert!(error.message().contains("'topic' is missing"), "{error}");
    }
}
