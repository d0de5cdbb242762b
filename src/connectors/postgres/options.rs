//! The options of a `jdbc` table.

use std::time::Duration;

use super::link::Link;
use super::table::TableName;
use super::url::{self, Url};
use crate::connectors::options::{DELIVERY_GUARANTEE, OptionSpec, OptionType, Options};
use crate::connectors::{Guarantee, LookupCacheOptions, TableDescriptor};
use crate::error::{Error, Result};
use crate::types::TypeKind;

/// Flink's options of the JDBC connector 3.x.
pub const OPTIONS: &[OptionSpec] = &[
    OptionSpec::new("url", OptionType::Text, "The database's address: 'jdbc:postgresql://host:port/database?parameters'.")
        .required(),
    OptionSpec::new("table-name", OptionType::Text, "The table, view or partitioned table, as SQL spells it: 'schema.table'.")
        .required(),
    OptionSpec::new("username", OptionType::Text, "Who connects; wins over a user in the address."),
    OptionSpec::new("password", OptionType::Text, "The user's password; wins over one in the address.").secret(),
    OptionSpec::new("driver", OptionType::Text, "The JDBC driver: 'org.postgresql.Driver' and no other; the address says it already."),
    OptionSpec::new("compatible-mode", OptionType::Text, "The dialect of some other databases.").without_effect("PostgreSQL has none"),
    OptionSpec::new("connection.max-retry-timeout", OptionType::Duration, "How long to go on trying to connect when the database is away.")
        .default("60 s"),
    OptionSpec::new("scan.partition.column", OptionType::Text, "A numeric column by whose ranges a scan is split; needs the other three scan.partition options."),
    OptionSpec::new("scan.partition.num", OptionType::Int, "Into how many splits."),
    OptionSpec::new("scan.partition.lower-bound", OptionType::Int, "The smallest value of the first split; smaller ones are not read."),
    OptionSpec::new("scan.partition.upper-bound", OptionType::Int, "The largest value of the last split; larger ones are not read."),
    OptionSpec::new("scan.fetch-size", OptionType::Int, "Rows in a batch at most; 0 leaves it to the engine. Rows are streamed whatever it is.")
        .default("0"),
    OptionSpec::new("scan.auto-commit", OptionType::Bool, "Whether a scan is a transaction.")
        .default("true")
        .without_effect("a scan is one statement, which streams either way"),
    OptionSpec::new("lookup.cache", OptionType::Text, "NONE asks the database for every row; PARTIAL keeps answers within the bounds of the lookup.partial-cache options, so changes show only after they expire.")
        .default("NONE"),
    OptionSpec::new("lookup.partial-cache.max-rows", OptionType::Int, "Rows the cache holds at most; the least recently used go first.")
        .only_with("lookup.cache", &["PARTIAL"]),
    OptionSpec::new("lookup.partial-cache.expire-after-write", OptionType::Duration, "How long after it was fetched an answer is used.")
        .only_with("lookup.cache", &["PARTIAL"]),
    OptionSpec::new("lookup.partial-cache.expire-after-access", OptionType::Duration, "How long after it was last used an answer is kept.")
        .only_with("lookup.cache", &["PARTIAL"]),
    OptionSpec::new("lookup.partial-cache.cache-missing-key", OptionType::Bool, "Whether it is also kept that a key has no row.")
        .default("true")
        .only_with("lookup.cache", &["PARTIAL"]),
    OptionSpec::new("lookup.cache.max-rows", OptionType::Int, "Old name: with lookup.cache.ttl it means PARTIAL with these bounds."),
    OptionSpec::new("lookup.cache.ttl", OptionType::Duration, "Old name of lookup.partial-cache.expire-after-write."),
    OptionSpec::new("lookup.cache.caching-missing-key", OptionType::Bool, "Old name of lookup.partial-cache.cache-missing-key.")
        .default("true")
        .only_with("lookup.cache.max-rows", &[]),
    OptionSpec::new("lookup.max-retries", OptionType::Int, "How often a lookup is tried again when the connection breaks or no answer comes.").default("3"),
    OptionSpec::new("lookup.timeout", OptionType::Duration, "How long a lookup waits for its answer; then the query is cancelled and tried again on a new connection. 0 waits for ever, as Flink does.")
        .default("60 s").ours(),
    OptionSpec::new("sink.buffer-flush.max-rows", OptionType::Int, "Rows that are buffered before they are written; 0 leaves it to the interval.")
        .default("100").unless("sink.delivery-guarantee", &["exactly-once"]),
    OptionSpec::new("sink.buffer-flush.interval", OptionType::Duration, "How long a row waits in the buffer at most; 0 leaves it to max-rows.")
        .default("1 s").unless("sink.delivery-guarantee", &["exactly-once"]),
    OptionSpec::new("sink.max-retries", OptionType::Int, "How often a write is tried again when the connection breaks or transactions collide.")
        .default("3"),
    OptionSpec::new("sink.parallelism", OptionType::Int, "How many subtasks write."),
    DELIVERY_GUARANTEE,
    OptionSpec::new("filter.handling.policy", OptionType::Enum(&["always", "never"]), "Whether filters of the query are sent to the database where it filters exactly as the engine does.")
        .default("always"),
];

/// The checked options of one table.
#[derive(Debug, Clone)]
pub struct JdbcOptions {
    pub link: Link,
    pub table: TableName,
    pub partitions: Option<Partitions>,
    /// Rows in a batch at most; 0 for the engine's own.
    pub fetch_size: usize,
    pub push_filters: bool,
    pub cache: Option<LookupCacheOptions>,
    pub lookup_retries: usize,
    /// `None` for no limit.
    pub lookup_timeout: Option<Duration>,
    pub sink: SinkOptions,
}

/// The ranges of a column that a scan is split into.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Partitions {
    pub column: String,
    /// First and last value of each, both included.
    pub ranges: Vec<(i64, i64)>,
}

#[derive(Debug, Clone)]
pub struct SinkOptions {
    /// `None` for no limit but memory.
    pub max_rows: Option<usize>,
    pub interval: Option<Duration>,
    pub retries: usize,
    pub parallelism: Option<usize>,
    pub guarantee: Guarantee,
    /// Whether a row that the database refuses as its epoch is published doesn't fail the job.
    pub skips_refused: bool,
}

impl JdbcOptions {
    /// # Errors
    /// Of kind Statement, each naming the option: unknown, missing, malformed, or at odds with another one.
    pub fn of(table: &TableDescriptor) -> Result<Self> {
        let options = Options::check(table.owner(), &table.options, OPTIONS)?;
        if let Some(driver) = options.text("driver").filter(|d| !d.is_empty() && *d != "org.postgresql.Driver") {
            let why = format!("'{driver}' is no driver for PostgreSQL; leave the option out");
            return Err(options.invalid("driver", why));
        }
        Ok(Self {
            link: link(&options)?,
            table: TableName::parse(options.require("table-name")?)
                .map_err(|why| options.invalid("table-name", why))?,
            partitions: partitions(&options, table)?,
            fetch_size: options.count("scan.fetch-size")?.unwrap_or(0),
            push_filters: options.text("filter.handling.policy") != Some("never"),
            cache: cache(&options)?,
            lookup_retries: options.count("lookup.max-retries")?.unwrap_or(0),
            lookup_timeout: options.duration("lookup.timeout").filter(|d| !d.is_zero()),
            sink: SinkOptions {
                max_rows: options.count("sink.buffer-flush.max-rows")?.filter(|n| *n > 0),
                interval: options.duration("sink.buffer-flush.interval").filter(|d| !d.is_zero()),
                retries: options.count("sink.max-retries")?.unwrap_or(0),
                parallelism: options.positive("sink.parallelism")?,
                guarantee: Guarantee::of(&options),
                skips_refused: options.text("error-handling.mode").is_some_and(|m| m.eq_ignore_ascii_case("skip")),
            },
        })
    }
}

/// Where the database is, by the options of a table or of an integration.
pub(super) fn link(options: &Options) -> Result<Link> {
    let text = options.require("url")?;
    if url::is_blank(text) {
        let hint = "Write 'jdbc:postgresql://host:port/database', or let an integration in millstream.toml fill it.";
        return Err(options.invalid("url", "it names no host and no database").with_hint(hint));
    }
    let mut url = Url::parse(text).map_err(|why| options.invalid("url", why))?;
    let config = &mut url.config;
    if let Some(user) = options.text("username").filter(|u| !u.is_empty()) {
        config.user(user);
    }
    if let Some(password) = options.text("password").filter(|p| !p.is_empty()) {
        config.password(password);
    }
    if config.get_user().is_none() {
        config.user(std::env::var("USER").unwrap_or_else(|_| "postgres".into()));
    }
    let retry = options.duration("connection.max-retry-timeout").unwrap_or(Duration::from_secs(60));
    Ok(Link::new(url, retry))
}

/// All of `keys`, or none of them.
fn all_or_none(options: &Options, keys: &[&str]) -> Result<bool> {
    let missing = keys.iter().find(|k| !options.is_set(k));
    match (missing, keys.iter().find(|k| options.is_set(k))) {
        (None, _) => Ok(true),
        (Some(_), None) => Ok(false),
        (Some(missing), Some(present)) => {
            let hint = format!("Give all of {}, or none.", keys.join(", "));
            Err(options.invalid(present, format!("it needs '{missing}' as well")).with_hint(hint))
        }
    }
}

fn partitions(options: &Options, table: &TableDescriptor) -> Result<Option<Partitions>> {
    const KEYS: [&str; 4] =
        ["scan.partition.column", "scan.partition.num", "scan.partition.lower-bound", "scan.partition.upper-bound"];
    if !all_or_none(options, &KEYS)? {
        return Ok(None);
    }
    let column = options.require(KEYS[0])?.to_string();
    let Some(index) = table.columns.index_of(&column) else {
        let error = options.invalid(KEYS[0], format!("the table has no column \"{column}\""));
        return Err(match crate::error::did_you_mean(&column, table.columns.names()) {
            Some(hint) => error.with_hint(hint),
            None => error,
        });
    };
    let ty = &table.columns.fields[index].ty;
    if !ty.kind.is_numeric() {
        let what = format!("splitting a scan by column \"{column}\" of type {}", ty.kind);
        return Err(Error::unsupported(what).with_hint("Name a numeric column.").at(options.raw().span(KEYS[0])));
    }
    let (lower, upper) = (options.int(KEYS[2]).unwrap_or(0), options.int(KEYS[3]).unwrap_or(0));
    if lower > upper {
        let why = format!("{lower} is larger than {upper}, the value of '{}'", KEYS[3]);
        return Err(options.invalid(KEYS[2], why));
    }
    let count = options.positive(KEYS[1])?.unwrap_or(1);
    Ok(Some(Partitions { column, ranges: ranges(lower, upper, count) }))
}

/// `lower..=upper` in at most `count` ranges, the longer ones first, as Flink cuts them.
fn ranges(lower: i64, upper: i64, count: usize) -> Vec<(i64, i64)> {
    let total = i128::from(upper) - i128::from(lower) + 1;
    let count = (count as i128).min(total);
    let mut start = i128::from(lower);
    (0..count)
        .map(|i| {
            let length = total / count + i128::from(i < total % count);
            let range = (start as i64, (start + length - 1) as i64);
            start += length;
            range
        })
        .collect()
}

/// PARTIAL wins over the old names, as in Flink.
fn cache(options: &Options) -> Result<Option<LookupCacheOptions>> {
    let legacy = all_or_none(options, &["lookup.cache.max-rows", "lookup.cache.ttl"])?;
    let partial = LookupCacheOptions::of(options, "Use 'PARTIAL', or 'NONE' to ask for every row.")?;
    if let Some(partial) = partial {
        if !PARTIAL_BOUNDS.iter().any(|key| options.is_set(key)) {
            let bounds = PARTIAL_BOUNDS.map(|key| format!("'{key}'")).join(", ");
            let hint = format!("Give at least one of {bounds}.");
            return Err(options
                .invalid("lookup.cache", "a 'PARTIAL' cache without a bound would only grow")
                .with_hint(hint));
        }
        return Ok(Some(partial));
    }
    // Flink's own way to turn the old cache off: no rows, or no time.
    let rows = options.int("lookup.cache.max-rows").filter(|rows| legacy && *rows > 0);
    let ttl = options.duration("lookup.cache.ttl").filter(|ttl| !ttl.is_zero());
    Ok(rows.zip(ttl).map(|(rows, ttl)| LookupCacheOptions {
        max_rows: usize::try_from(rows).ok(),
        expire_after_write: Some(ttl),
        expire_after_access: None,
        cache_missing_keys: options.bool("lookup.cache.caching-missing-key"),
    }))
}

/// What keeps a PARTIAL cache from growing.
const PARTIAL_BOUNDS: [&str; 3] = [
    "lookup.partial-cache.expire-after-access",
    "lookup.partial-cache.expire-after-write",
    "lookup.partial-cache.max-rows",
];

/// Refuses columns whose type has no counterpart in PostgreSQL, before anything is opened.
pub fn check_types(table: &TableDescriptor) -> Result<()> {
    fn fits(kind: &TypeKind) -> bool {
        match kind {
            TypeKind::Map(..) | TypeKind::Multiset(_) | TypeKind::Row(_) | TypeKind::Null => false,
            TypeKind::IntervalYearMonth | TypeKind::IntervalDayTime => false,
            TypeKind::Array(element) => !matches!(element.kind, TypeKind::Array(_)) && fits(&element.kind),
            _ => true,
        }
    }
    match table.columns.fields.iter().find(|f| !fits(&f.ty.kind)) {
        Some(field) => {
            let what = format!("column \"{}\" of {}: the type {}", field.name, table.owner(), field.ty.kind);
            Err(Error::unsupported(what)
                .with_hint("The connector jdbc has numbers, strings, bytes, times and arrays of these."))
        }
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::{Field, Schema, SqlType};

    fn table(pairs: &[(&str, &str)]) -> TableDescriptor {
        let base = [("connector", "jdbc"), ("url", "jdbc:postgresql://h/d"), ("table-name", "public.t")];
        TableDescriptor {
            name: "t".into(),
            columns: Schema::new(vec![
                Field::new("id", SqlType::nullable(TypeKind::BigInt)),
                Field::new("name", SqlType::string()),
            ]),
            metadata: vec![],
            primary_key: vec![],
            partition_keys: vec![],
            options: base.iter().chain(pairs).copied().collect(),
            zone: chrono_tz::UTC,
        }
    }

    fn error(pairs: &[(&str, &str)]) -> String {
        JdbcOptions::of(&table(pairs)).expect_err("the options are wrong").to_string()
    }

    #[test]
    fn defaults_are_those_of_flink() {
        let options = JdbcOptions::of(&table(&[])).unwrap();
        assert_eq!(options.sink.max_rows, Some(100));
        assert_eq!(options.sink.interval, Some(Duration::from_secs(1)));
        assert_eq!((options.sink.retries, options.lookup_retries, options.fetch_size), (3, 3, 0));
        assert_eq!((options.cache, options.partitions), (None, None));
        assert_eq!(options.lookup_timeout, Some(Duration::from_secs(60)));
        assert!(options.push_filters);
    }

    #[test]
    fn wrong_options_are_refused_by_name() {
        let bounds = [("scan.partition.lower-bound", "2"), ("scan.partition.upper-bound", "1")];
        let turned = [&[("scan.partition.column", "id"), ("scan.partition.num", "2")][..], &bounds[..]].concat();
        let cases: [(&[(&str, &str)], &str); 14] = [
            (
                &turned,
                "'scan.partition.lower-bound' of table \"t\" (connector \"jdbc\"): 2 is larger than 1, the value of",
            ),
            (
                &[("lookup.cache", "PARTIAL")],
                "'lookup.cache' of table \"t\" (connector \"jdbc\"): a 'PARTIAL' cache without",
            ),
            (&[("filter.handling.policy", "sometimes")], "'sometimes' is not one of 'always', 'never'"),
            (&[("lookup.timeout", "soon")], "'soon' is not a duration"),
            (&[("tabel-name", "x")], "unknown option 'tabel-name'"),
            (&[("url", "")], "required option 'url' is missing"),
            (&[("url", "jdbc:postgresql://")], "option 'url' of table \"t\" (connector \"jdbc\"): it names no host"),
            (&[("lookup.cache", "FULL")], "has no 'FULL' cache"),
            (
                &[("lookup.max-retries", "-1")],
                "option 'lookup.max-retries' of table \"t\" (connector \"jdbc\"): it must not",
            ),
            (&[("scan.partition.column", "id")], "it needs 'scan.partition.num' as well"),
            (&[("lookup.cache.ttl", "1 s")], "it needs 'lookup.cache.max-rows' as well"),
            (&[("driver", "com.mysql.Driver")], "'com.mysql.Driver' is no driver for PostgreSQL"),
            (&[("sink.parallelism", "0")], "it must be at least 1"),
            (&[("table-name", "a.b.c.d")], "option 'table-name'"),
        ];
        for (pairs, expected) in cases {
            let error = error(pairs);
            assert!(error.contains(expected), "{error}");
        }
    }

    #[test]
    fn a_password_is_shown_nowhere() {
        let secret =
            [("password", "pw-123"), ("url", "jdbc:postgresql://h/d?password=pw-456&sslpassword=pw-789&sslmode=on")];
        assert!(!error(&secret).contains("pw-"), "{}", error(&secret));
        let options = JdbcOptions::of(&table(&[("password", "pw-123"), ("username", "me")])).unwrap();
        assert!(!format!("{options:?}").contains("pw-"), "{options:?}");
    }

    #[test]
    fn old_and_new_cache_options_mean_the_same() {
        let old = JdbcOptions::of(&table(&[("lookup.cache.max-rows", "10"), ("lookup.cache.ttl", "5 s")])).unwrap();
        let new = JdbcOptions::of(&table(&[
            ("lookup.cache", "partial"),
            ("lookup.partial-cache.max-rows", "10"),
            ("lookup.partial-cache.expire-after-write", "5 s"),
        ]));
        assert_eq!(old.cache, new.unwrap().cache);
        assert!(old.cache.is_some());
        for off in [
            [("lookup.cache.max-rows", "-1"), ("lookup.cache.ttl", "5 s")],
            [("lookup.cache.max-rows", "10"), ("lookup.cache.ttl", "0")],
        ] {
            assert_eq!(JdbcOptions::of(&table(&off)).unwrap().cache, None, "{off:?}");
        }
        let both = JdbcOptions::of(&table(&[
            ("lookup.cache", "PARTIAL"),
            ("lookup.partial-cache.max-rows", "7"),
            ("lookup.cache.max-rows", "10"),
            ("lookup.cache.ttl", "5 s"),
        ]));
        assert_eq!(both.unwrap().cache.unwrap().max_rows, Some(7));
    }

    #[test]
    fn a_scan_is_cut_into_ranges_that_cover_the_bounds() {
        assert_eq!(ranges(1, 10, 3), [(1, 4), (5, 7), (8, 10)]);
        assert_eq!(ranges(5, 6, 10), [(5, 5), (6, 6)]);
        assert_eq!(ranges(i64::MIN, i64::MAX, 2), [(i64::MIN, -1), (0, i64::MAX)]);
        let bounds =
            [("scan.partition.lower-bound", "1"), ("scan.partition.upper-bound", "4"), ("scan.partition.num", "2")];
        let by = |column| [&bounds[..], &[("scan.partition.column", column)]].concat();
        let partitions = JdbcOptions::of(&table(&by("id"))).unwrap().partitions.unwrap();
        assert_eq!(partitions.ranges, [(1, 2), (3, 4)]);
        assert!(error(&by("name")).contains("by column \"name\" of type STRING is not supported"));
        assert!(error(&by("ids")).contains("Did you mean \"id\"?"));
    }
}
