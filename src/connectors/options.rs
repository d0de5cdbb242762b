//! Table options: what a connector or format says it takes, and the checked values of one table.
//!
//! A connector lists its [`OptionSpec`]s once. That list validates tables, names the nearest key for a typo, fills
//! defaults and prints the option tables of the documentation.

use std::time::Duration;

use indexmap::IndexMap;

use crate::error::{Error, Result, did_you_mean};
use crate::span::Span;

/// What an option's value must look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OptionType {
    Text,
    Bool,
    /// A whole number.
    Int,
    /// `10`, `500 ms`, `5 s`, `1 min`, `2 h`, `1 d`; a bare number is milliseconds.
    Duration,
    /// `1024`, `2mb`, `128 MB`; a bare number is bytes.
    MemorySize,
    /// Values separated by `;`.
    List,
    /// One of these words.
    Enum(&'static [&'static str]),
}

/// One option: its key, type, default and meaning.
#[derive(Debug, Clone, Copy)]
pub struct OptionSpec {
    /// The key. A trailing `*` stands for any rest (`properties.*`), a `#` between dots for a column (`fields.#.kind`).
    pub key: &'static str,
    pub ty: OptionType,
    pub default: Option<&'static str>,
    pub required: bool,
    /// True where Flink 2.2 has it, false where it is an addition of ours.
    pub flink: bool,
    /// True where the value must never be shown.
    pub secret: bool,
    /// Meaning and price, a sentence or two.
    pub about: &'static str,
    pub effect: OptionEffect,
    /// Values that Flink refuses.
    pub values_of_ours: &'static [&'static str],
}

/// When an option that is written means something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OptionEffect {
    Always,
    /// Never here, and why: it is taken for Flink's sake.
    Never(&'static str),
    /// Where another option has one of these values; where it is written at all if none are named.
    With(&'static str, &'static [&'static str]),
    /// Where another option has none of these values.
    Unless(&'static str, &'static [&'static str]),
}

/// True when `key` is the option that `written` is or, for a pattern, one it stands for.
pub fn stands_for(written: &str, key: &str) -> bool {
    if let Some(prefix) = written.strip_suffix('*') {
        return key.len() > prefix.len() && key.starts_with(prefix);
    }
    match written.split_once('#') {
        Some((head, tail)) => key.len() > head.len() + tail.len() && key.starts_with(head) && key.ends_with(tail),
        None => key == written,
    }
}

impl OptionSpec {
    /// An optional option of Flink's without a default.
    pub const fn new(key: &'static str, ty: OptionType, about: &'static str) -> Self {
        Self {
            key,
            ty,
            default: None,
            required: false,
            flink: true,
            secret: false,
            about,
            effect: OptionEffect::Always,
            values_of_ours: &[],
        }
    }

    pub const fn required(mut self) -> Self {
        self.required = true;
        self
    }

    pub const fn default(mut self, value: &'static str) -> Self {
        self.default = Some(value);
        self
    }

    /// Marks an addition of ours.
    pub const fn ours(mut self) -> Self {
        self.flink = false;
        self
    }

    pub const fn secret(mut self) -> Self {
        self.secret = true;
        self
    }

    /// Marks an option that does nothing here, for a reason that people are told.
    pub const fn without_effect(mut self, why: &'static str) -> Self {
        self.effect = OptionEffect::Never(why);
        self
    }

    /// Marks an option that means something only where `option` has one of `values` (where it is written, for none).
    pub const fn only_with(mut self, option: &'static str, values: &'static [&'static str]) -> Self {
        self.effect = OptionEffect::With(option, values);
        self
    }

    /// Marks an option that means nothing where `option` has one of `values`.
    pub const fn unless(mut self, option: &'static str, values: &'static [&'static str]) -> Self {
        self.effect = OptionEffect::Unless(option, values);
        self
    }

    /// Marks values that Flink's option of this name refuses.
    pub const fn with_values_of_ours(mut self, values: &'static [&'static str]) -> Self {
        self.values_of_ours = values;
        self
    }

    /// True when `key` is this option or, for a pattern, one it stands for.
    pub fn matches(&self, key: &str) -> bool {
        stands_for(self.key, key)
    }
}

/// The options of a table as written: keys and values in order, with where they stand.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RawOptions(IndexMap<String, RawOption>);

/// One written option. `span` covers its value where the text is known.
#[derive(Clone, PartialEq, Eq)]
pub struct RawOption {
    pub value: String,
    pub span: Option<Span>,
    pub key_span: Option<Span>,
}

/// Without the value, which may be a password.
impl std::fmt::Debug for RawOption {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("******")
    }
}

impl RawOptions {
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets an option; the last one wins. Returns the value it replaced.
    pub fn set(&mut self, key: impl Into<String>, value: impl Into<String>, span: Option<Span>) -> Option<String> {
        self.0.insert(key.into(), RawOption { value: value.into(), span, key_span: None }).map(|o| o.value)
    }

    pub fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).map(|o| o.value.as_str())
    }

    pub fn span(&self, key: &str) -> Option<Span> {
        self.0.get(key).and_then(|o| o.span)
    }

    /// Says where the key of an option stands.
    pub fn set_key_span(&mut self, key: &str, span: Option<Span>) {
        if let Some(option) = self.0.get_mut(key) {
            option.key_span = span;
        }
    }

    /// Where the key stands, or its value where only that is known.
    pub fn key_span(&self, key: &str) -> Option<Span> {
        self.0.get(key).and_then(|o| o.key_span.or(o.span))
    }

    pub fn remove(&mut self, key: &str) -> Option<String> {
        self.0.shift_remove(key).map(|o| o.value)
    }

    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(k, o)| (k.as_str(), o.value.as_str()))
    }

    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }
}

impl<K: Into<String>, V: Into<String>> FromIterator<(K, V)> for RawOptions {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(pairs: I) -> Self {
        let mut options = Self::new();
        for (key, value) in pairs {
            options.set(key, value, None);
        }
        options
    }
}

/// The checked options of one table: every key is known, every value has its type, required ones are there.
#[derive(Debug, Clone)]
pub struct Options {
    /// How messages name the owner: `table "CPU_IN" (connector "kafka")`.
    owner: String,
    raw: RawOptions,
    specs: Vec<OptionSpec>,
}

/// Options that every table may have, whatever its connector: the engine reads them.
pub const COMMON_OPTIONS: &[OptionSpec] = &[
    OptionSpec::new("connector", OptionType::Text, "Which connector reads or writes the table.").required(),
    OptionSpec::new(
        "integration",
        OptionType::Text,
        "The integration of millstream.toml that fills in options which the table leaves out.",
    )
    .ours(),
    OptionSpec::new(
        "scan.watermark.idle-timeout",
        OptionType::Duration,
        "After this long without a row a split no longer holds back the watermark.",
    ),
    OptionSpec::new(
        "scan.watermark.emit.strategy",
        OptionType::Enum(&["on-periodic", "on-event"]),
        "When a watermark is sent: at intervals, or after every row that raises it.",
    )
    .default("on-periodic"),
    OptionSpec::new(
        "error-handling.mode",
        OptionType::Enum(&["fail", "skip", "dead-letter"]),
        "What becomes of a row of this table that can't be decoded, computed, looked up or written: it fails the job, is dropped and counted, or goes to the table that 'error-handling.table' names.",
    )
    .default("fail")
    .ours(),
    OptionSpec::new(
        "error-handling.table",
        OptionType::Text,
        "The table that dead letters are written to, with some of the columns job, table, stage, error, failed_at, payload, key, topic, partition, offset, headers, timestamp.",
    )
    .ours(),
];

/// Of sinks that write exactly once without being told, where Flink's connector has no such option.
pub const DELIVERY_GUARANTEE: OptionSpec = OptionSpec::new(
    "sink.delivery-guarantee",
    OptionType::Enum(&["exactly-once", "at-least-once"]),
    "Whether rows are written once however often the job starts anew, each epoch as a whole, or at least once and as soon as they come. Without it they are written exactly once where the job keeps checkpoints in a folder, in the mode EXACTLY_ONCE.",
)
.ours();

/// Options of every table that Flink has and we don't yet.
pub(super) const NOT_YET: &[&str] = &[
    "scan.watermark.alignment.group",
    "scan.watermark.alignment.max-drift",
    "scan.watermark.alignment.update-interval",
];

impl Options {
    /// Checks `raw` against `specs` and the options common to all tables.
    ///
    /// # Errors
    /// The first of: an unknown key (with the nearest known one), a value that is not of its type (with what is
    /// allowed), a required option that is missing. Blank values of required options count as missing.
    pub fn check(owner: impl Into<String>, raw: &RawOptions, specs: &[OptionSpec]) -> Result<Self> {
        Self::check_only(owner, raw, COMMON_OPTIONS.iter().chain(specs).copied().collect())
    }

    /// As [`Options::check`] for a table that is never read: options of reading are taken, as in Flink, but not offered
    /// where a key is unknown.
    pub fn check_sink(owner: impl Into<String>, raw: &RawOptions, specs: &[OptionSpec]) -> Result<Self> {
        Self::check(owner, raw, specs).map_err(|error| match error.hint() {
            Some(hint) if hint.starts_with(KNOWN) => {
                let offered = COMMON_OPTIONS.iter().filter(|s| !s.key.starts_with("scan.")).chain(specs);
                error.with_hint(known_options(offered))
            }
            _ => error,
        })
    }

    /// As [`Options::check`], against `specs` alone: for options that are a part of a table's.
    pub fn check_only(owner: impl Into<String>, raw: &RawOptions, specs: Vec<OptionSpec>) -> Result<Self> {
        let options = Self { owner: owner.into(), raw: raw.clone(), specs };
        for (key, value) in raw.iter() {
            let Some(spec) = options.spec(key) else {
                if NOT_YET.contains(&key) {
                    let what = format!("option '{key}' of {}", options.owner);
                    return Err(Error::unsupported(what).at(raw.key_span(key)));
                }
                let known = options.specs.iter().map(|s| s.key).filter(|k| !k.ends_with('*'));
                let hint = did_you_mean(key, known).unwrap_or_else(|| known_options(&options.specs));
                return Err(Error::statement(format!("unknown option '{key}' in {}", options.owner))
                    .with_hint(hint)
                    .at(raw.key_span(key)));
            };
            options.check_value(spec, key, value)?;
        }
        for spec in options.specs.iter().filter(|s| s.required) {
            if raw.get(spec.key).is_none_or(|v| v.trim().is_empty()) {
                return Err(options.missing(spec.key));
            }
        }
        Ok(options)
    }

    fn check_value(&self, spec: &OptionSpec, key: &str, value: &str) -> Result<()> {
        let fine = match spec.ty {
            OptionType::Text | OptionType::List => Ok(()),
            OptionType::Bool => parse_bool(value).map(|_| ()).ok_or("true or false".to_string()),
            OptionType::Int => value.trim().parse::<i64>().map(|_| ()).map_err(|_| "a whole number".to_string()),
            OptionType::Duration => {
                parse_duration(value).map(|_| ()).ok_or("a duration such as '500 ms', '5 s' or '1 min'".to_string())
            }
            OptionType::MemorySize => {
                parse_memory_size(value).map(|_| ()).ok_or("a size such as '512 kb' or '2 mb'".to_string())
            }
            OptionType::Enum(words) if words.contains(&value) => Ok(()),
            OptionType::Enum(words) => Err(format!("one of {}", quoted_list(words))),
        };
        fine.map_err(|expected| {
            let shown = if spec.secret { "***" } else { value };
            let error = self.invalid(key, format!("'{shown}' is not {expected}"));
            match spec.ty {
                OptionType::Enum(words) => match did_you_mean(value, words.iter().copied()) {
                    Some(hint) => error.with_hint(hint),
                    None => error,
                },
                _ => error,
            }
        })
    }

    fn spec(&self, key: &str) -> Option<&OptionSpec> {
        self.specs.iter().find(|s| s.key == key).or_else(|| self.specs.iter().find(|s| s.matches(key)))
    }

    /// How messages name the table.
    pub fn owner(&self) -> &str {
        &self.owner
    }

    /// The written options.
    pub fn raw(&self) -> &RawOptions {
        &self.raw
    }

    /// The value as written, or the default.
    pub fn text(&self, key: &str) -> Option<&str> {
        self.raw.get(key).or_else(|| self.spec(key).and_then(|s| s.default))
    }

    /// The value of an option that must be there and not blank.
    pub fn require(&self, key: &str) -> Result<&str> {
        self.text(key).filter(|v| !v.trim().is_empty()).ok_or_else(|| self.missing(key))
    }

    /// A true or false option; false where absent and without default.
    pub fn bool(&self, key: &str) -> bool {
        self.text(key).and_then(parse_bool).unwrap_or(false)
    }

    pub fn int(&self, key: &str) -> Option<i64> {
        self.text(key).and_then(|v| v.trim().parse().ok())
    }

    /// A whole number that must not be less than `least`.
    pub fn at_least(&self, key: &str, least: i64) -> Result<Option<i64>> {
        match self.int(key) {
            Some(number) if number < least && least == 0 => Err(self.invalid(key, "it must not be negative")),
            Some(number) if number < least => Err(self.invalid(key, format!("it must be at least {least}"))),
            number => Ok(number),
        }
    }

    /// A number of things, zero among them.
    pub fn count(&self, key: &str) -> Result<Option<usize>> {
        Ok(self.at_least(key, 0)?.and_then(|number| usize::try_from(number).ok()))
    }

    /// A number of things, at least one.
    pub fn positive(&self, key: &str) -> Result<Option<usize>> {
        Ok(self.at_least(key, 1)?.and_then(|number| usize::try_from(number).ok()))
    }

    pub fn duration(&self, key: &str) -> Option<Duration> {
        self.text(key).and_then(parse_duration)
    }

    /// Bytes.
    pub fn memory_size(&self, key: &str) -> Option<usize> {
        self.text(key).and_then(parse_memory_size)
    }

    /// The values of a `;` list, trimmed, empty ones left out; empty where absent.
    pub fn list(&self, key: &str) -> Vec<String> {
        let values = self.text(key).unwrap_or("").split(';').map(str::trim);
        values.filter(|v| !v.is_empty()).map(str::to_string).collect()
    }

    /// Written options whose keys start with `prefix`, the prefix removed.
    pub fn with_prefix<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = (&'a str, &'a str)> {
        self.raw.iter().filter_map(move |(k, v)| k.strip_prefix(prefix).map(|rest| (rest, v)))
    }

    pub fn is_set(&self, key: &str) -> bool {
        self.raw.get(key).is_some()
    }

    /// "required option 'topic' is missing in table ..."
    pub fn missing(&self, key: &str) -> Error {
        let error = Error::statement(format!("required option '{key}' is missing in {}", self.owner));
        error.at(self.raw.span(key).or_else(|| self.raw.span("connector")))
    }

    /// "option 'x' of table ...: why", at the value's place.
    pub fn invalid(&self, key: &str, why: impl std::fmt::Display) -> Error {
        Error::statement(format!("option '{key}' of {}: {why}", self.owner)).at(self.raw.span(key))
    }
}

const KNOWN: &str = "Known options: ";

fn known_options<'a>(specs: impl IntoIterator<Item = &'a OptionSpec>) -> String {
    let mut known: Vec<_> = specs.into_iter().map(|s| s.key).collect();
    known.sort_unstable();
    format!("{KNOWN}{}.", known.join(", "))
}

/// `'a', 'b', 'c'`
pub fn quoted_list(words: &[&str]) -> String {
    words.iter().map(|w| format!("'{w}'")).collect::<Vec<_>>().join(", ")
}

pub fn parse_bool(text: &str) -> Option<bool> {
    match text.trim().to_ascii_lowercase().as_str() {
        "true" => Some(true),
        "false" => Some(false),
        _ => None,
    }
}

/// Flink's durations: a number and a unit, bare numbers are milliseconds.
pub fn parse_duration(text: &str) -> Option<Duration> {
    let (number, unit) = split_unit(text)?;
    let nanos_per: u64 = match unit.as_str() {
        "" | "ms" | "milli" | "millis" | "millisecond" | "milliseconds" => 1_000_000,
        "ns" | "nano" | "nanos" | "nanosecond" | "nanoseconds" => 1,
        "us" | "µs" | "micro" | "micros" | "microsecond" | "microseconds" => 1_000,
        "s" | "sec" | "secs" | "second" | "seconds" => 1_000_000_000,
        "m" | "min" | "minute" | "minutes" => 60_000_000_000,
        "h" | "hour" | "hours" => 3_600_000_000_000,
        "d" | "day" | "days" => 86_400_000_000_000,
        _ => return None,
    };
    number.checked_mul(nanos_per).map(Duration::from_nanos)
}

/// Flink's memory sizes: a number and a unit, powers of 1024, bare numbers are bytes.
pub fn parse_memory_size(text: &str) -> Option<usize> {
    let (number, unit) = split_unit(text)?;
    let shift = match unit.as_str() {
        "" | "b" | "bytes" => 0,
        "k" | "kb" | "kibibytes" => 10,
        "m" | "mb" | "mebibytes" => 20,
        "g" | "gb" | "gibibytes" => 30,
        "t" | "tb" | "tebibytes" => 40,
        _ => return None,
    };
    usize::try_from(number).ok()?.checked_mul(1usize << shift)
}

fn split_unit(text: &str) -> Option<(u64, String)> {
    let text = text.trim();
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    Some((text[..end].parse().ok()?, text[end..].trim().to_lowercase()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPECS: &[OptionSpec] = &[
        OptionSpec::new("topic", OptionType::Text, "").required(),
        OptionSpec::new("properties.*", OptionType::Text, ""),
        OptionSpec::new("fields.#.kind", OptionType::Enum(&["random", "sequence"]), ""),
        OptionSpec::new("sink.interval", OptionType::Duration, "").default("1 s"),
    ];

    fn check(pairs: &[(&str, &str)]) -> Result<Options> {
        Options::check("table \"t\"", &pairs.iter().copied().collect(), SPECS)
    }

    #[test]
    fn a_typo_is_refused_with_the_nearest_name() {
        let error = check(&[("connector", "kafka"), ("topik", "x")]).unwrap_err();
        assert_eq!(error.to_string(), "error: unknown option 'topik' in table \"t\"\n  hint: Did you mean \"topic\"?");
    }

    #[test]
    fn a_wrong_word_is_refused_with_the_allowed_ones() {
        let error = check(&[("connector", "k"), ("topic", "x"), ("fields.a.kind", "randum")]).unwrap_err();
        assert!(error.message().contains("'randum' is not one of 'random', 'sequence'"), "{error}");
        assert_eq!(error.hint(), Some("Did you mean \"random\"?"));
    }

    #[test]
    fn a_blank_required_option_counts_as_missing() {
        let error = check(&[("connector", "kafka"), ("topic", " ")]).unwrap_err();
        assert_eq!(error.message(), "required option 'topic' is missing in table \"t\"");
    }

    #[test]
    fn defaults_and_prefixes_are_read() {
        let options = check(&[("connector", "kafka"), ("topic", "x"), ("properties.a.b", "1")]).unwrap();
        assert_eq!(options.duration("sink.interval"), Some(Duration::from_secs(1)));
        assert_eq!(options.with_prefix("properties.").collect::<Vec<_>>(), [("a.b", "1")]);
    }

    #[test]
    fn durations_and_sizes_are_flinks() {
        assert_eq!(parse_duration("10"), Some(Duration::from_millis(10)));
        assert_eq!(parse_duration("1 min"), Some(Duration::from_secs(60)));
        assert_eq!(parse_duration("1 fortnight"), None);
        assert_eq!(parse_memory_size("2mb"), Some(2 << 20));
        assert_eq!(parse_memory_size("12"), Some(12));
    }
}
