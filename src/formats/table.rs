//! The format that a table names, with the options that belong to it.

use std::collections::HashMap;
use std::sync::{LazyLock, Mutex, PoisonError};

use chrono_tz::Tz;

use super::{DecodingFormat, EncodingFormat, Format, FormatContext, find};
use crate::connectors::options::{OptionSpec, RawOptions};
use crate::error::{Error, Result};
use crate::span::Span;
use crate::types::{Schema, SqlType};

/// Which part of a record a format is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FormatRole {
    /// `'format'` with options `json.*`, or `'value.format'` with options `value.json.*`.
    Value,
    /// `'key.format'` with options `key.json.*`.
    Key,
}

/// A format as a table asks for it: found by name, its options collected, nothing about columns yet.
#[derive(Debug, Clone)]
pub struct TableFormat {
    format: &'static dyn Format,
    /// The format's own options, prefix removed.
    options: RawOptions,
    context: FormatContext,
}

impl FormatRole {
    /// The options that may name the format, and what stands before the format's name in its own options.
    fn keys(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::Value => &[("format", ""), ("value.format", "value.")],
            Self::Key => &[("key.format", "key.")],
        }
    }
}

impl TableFormat {
    /// The format that `options` (all of a table's) name for `role`; `default` (`json` for a search index) where they
    /// name none, `None` where there is no default either.
    ///
    /// `owner` is [`crate::connectors::TableDescriptor::owner`]; `lines` is true for files of lines.
    ///
    /// # Errors
    /// An unknown format, or both `'format'` and `'value.format'`.
    pub fn find(
        options: &RawOptions,
        role: FormatRole,
        default: Option<&str>,
        owner: &str,
        zone: Tz,
        lines: bool,
    ) -> Result<Option<Self>> {
        let Some((key, name, prefix)) = named(options, role, default)? else {
            return Ok(None);
        };
        let format = find(name, options.span(key)).map_err(|e| e.context(owner))?;
        let prefix = format!("{prefix}{name}.");
        let mut own = RawOptions::new();
        for (key, value) in options.iter() {
            if let Some(rest) = key.strip_prefix(&prefix) {
                own.set(rest, value, options.span(key));
            }
        }
        let context = FormatContext { owner: owner.to_string(), prefix, zone, lines };
        Ok(Some(Self { format, options: own, context }))
    }

    /// As [`TableFormat::find`] for a table that must name a format.
    pub fn require(options: &RawOptions, role: FormatRole, owner: &str, zone: Tz, lines: bool) -> Result<Self> {
        Self::find(options, role, None, owner, zone, lines)?.ok_or_else(|| {
            let key = role.keys()[0].0;
            Error::statement(format!("required option '{key}' is missing in {owner}")).at(options.span("connector"))
        })
    }

    /// `json`
    pub fn name(&self) -> &'static str {
        self.format.name()
    }

    /// True where rows may be updates and deletes.
    pub fn has_changes(&self) -> bool {
        self.format.has_changes()
    }

    /// What it reads beside the columns, and the types.
    pub fn metadata(&self) -> Vec<(&'static str, SqlType)> {
        self.format.metadata()
    }

    /// # Errors
    /// A format whose rows may be updates and deletes; `whose` says where only inserts can be: `'upsert-kafka' ... as
    /// key format`.
    pub fn require_inserts(&self, whose: &str, span: Option<Span>) -> Result<()> {
        if !self.has_changes() {
            return Ok(());
        }
        let name = self.name();
        Err(Error::statement(format!("{whose}: '{name}' is not in insert-only mode"))
            .with_hint("Take an insert-only format, such as 'json'.")
            .at(span))
    }

    pub fn context(&self) -> &FormatContext {
        &self.context
    }

    /// A description that makes decoders for `schema`: all physical columns that the format may fill, in order.
    pub fn decoding(&self, schema: &Schema) -> Result<Box<dyn DecodingFormat>> {
        self.format.decoding(schema, &self.options, &self.context)
    }

    /// A description that makes encoders for `schema`: all columns that the format writes, in order.
    pub fn encoding(&self, schema: &Schema) -> Result<Box<dyn EncodingFormat>> {
        self.format.encoding(schema, &self.options, &self.context)
    }
}

/// The options of the formats that a table names, spelled as in the table (`json.ignore-parse-errors`,
/// `key.csv.field-delimiter`): a connector adds them to its own before `Options::check`.
///
/// `default` is the format of the value where the table names none.
pub fn option_specs(options: &RawOptions, default: Option<&str>) -> Result<Vec<OptionSpec>> {
    let mut specs = Vec::new();
    for (role, default) in [(FormatRole::Value, default), (FormatRole::Key, None)] {
        if let Some((key, name, prefix)) = named(options, role, default)? {
            let format = find(name, options.span(key))?;
            specs.extend(prefixed(format, &format!("{prefix}{name}.")));
        }
    }
    Ok(specs)
}

/// What the format of the values of a table with `options` reads beside the columns, and the types; nothing where the
/// format is not known.
pub fn metadata(options: &RawOptions) -> Vec<(&'static str, SqlType)> {
    let format = named(options, FormatRole::Value, None).ok().flatten().map(|(_, name, _)| find(name, None));
    format.and_then(Result::ok).map(|format| format.metadata()).unwrap_or_default()
}

/// The option that names the format of `role`, the name, and the prefix before it in the format's options.
fn named<'a>(
    options: &'a RawOptions,
    role: FormatRole,
    default: Option<&'a str>,
) -> Result<Option<(&'static str, &'a str, &'static str)>> {
    let mut named = role.keys().iter().filter_map(|(key, prefix)| options.get(key).map(|name| (*key, name, *prefix)));
    let first = named.next();
    if let (Some((a, ..)), Some((b, ..))) = (first, named.next()) {
        let error = Error::statement(format!("a table has either '{a}' or '{b}', not both"));
        return Err(error.at(options.span(b)));
    }
    Ok(first.or_else(|| default.map(|name| (role.keys()[0].0, name, role.keys()[0].1))))
}

/// A format's options with `prefix` in front of each key. Every pair of format and prefix is made once and kept: the
/// prefixes are those of [`FormatRole`], so that there are a few dozen keys at most.
pub(super) fn prefixed(format: &'static dyn Format, prefix: &str) -> Vec<OptionSpec> {
    static MADE: LazyLock<Mutex<HashMap<String, Vec<OptionSpec>>>> = LazyLock::new(Mutex::default);
    let mut made = MADE.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(specs) = made.get(prefix) {
        return specs.clone();
    }
    let specs: Vec<OptionSpec> = format
        .options()
        .iter()
        .map(|spec| OptionSpec { key: Box::leak(format!("{prefix}{}", spec.key).into_boxed_str()), ..*spec })
        .collect();
    made.insert(prefix.to_string(), specs.clone());
    specs
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(pairs: &[(&str, &str)]) -> RawOptions {
        pairs.iter().copied().collect()
    }

    fn value(pairs: &[(&str, &str)], default: Option<&str>) -> Result<Option<TableFormat>> {
        TableFormat::find(&raw(pairs), FormatRole::Value, default, "table \"t\"", Tz::UTC, false)
    }

    #[test]
    fn the_prefix_follows_the_option_that_names_the_format() {
        let plain = value(&[("format", "json"), ("json.ignore-parse-errors", "true")], None).unwrap().unwrap();
        assert_eq!((plain.context.prefix.as_str(), plain.options.get("ignore-parse-errors")), ("json.", Some("true")));
        let options = raw(&[("value.format", "json"), ("key.format", "csv"), ("key.csv.null-literal", "-")]);
        let key = TableFormat::require(&options, FormatRole::Key, "t", Tz::UTC, false).unwrap();
        assert_eq!((key.name(), key.options.get("null-literal")), ("csv", Some("-")));
        let keys: Vec<_> = option_specs(&options, None).unwrap().iter().map(|s| s.key).collect();
        assert!(keys.contains(&"value.json.ignore-parse-errors") && keys.contains(&"key.csv.null-literal"), "{keys:?}");
    }

    #[test]
    fn a_table_without_a_format_takes_the_default_or_is_refused() {
        assert_eq!(value(&[], Some("json")).unwrap().unwrap().name(), "json");
        assert!(value(&[], None).unwrap().is_none());
        let error = TableFormat::require(&raw(&[]), FormatRole::Value, "table \"t\"", Tz::UTC, false).unwrap_err();
        assert_eq!(error.message(), "required option 'format' is missing in table \"t\"");
    }

    #[test]
    fn format_and_value_format_exclude_each_other() {
        let error = value(&[("format", "json"), ("value.format", "csv")], None).unwrap_err();
        assert_eq!(error.message(), "a table has either 'format' or 'value.format', not both");
    }
}
