//! Which columns of a table live in a record's key, which in its value, which beside them.

use super::metadata::Metadata;
use crate::connectors::TableDescriptor;
use crate::connectors::options::Options;
use crate::error::{Error, Result};
use crate::formats::{FormatRole, TableFormat};
use crate::types::{Field, Schema};

/// What stands before the keys of metadata that the value's format reads.
pub const VALUE_METADATA: &str = "value.";

/// How the columns of a table lie in its records.
#[derive(Debug, Clone)]
pub struct RecordColumns {
    pub value: Part,
    /// A record replaces the row of its key, and one without a value deletes it.
    pub upserts: bool,
    /// Without a key format keys are neither read nor written.
    pub key: Option<Part>,
    /// The table's metadata columns, which stand behind the physical ones; virtual ones are only read.
    pub metadata: Vec<(MetadataOrigin, bool)>,
}

/// Where a metadata column comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MetadataOrigin {
    Record(Metadata),
    /// The value's format: position in what it lists.
    Value(usize),
}

/// Key or value: its format and the columns in it.
#[derive(Debug, Clone)]
pub struct Part {
    pub format: TableFormat,
    /// Positions among the physical columns, in the order of `schema`.
    pub columns: Vec<usize>,
    /// The columns as the format names them.
    pub schema: Schema,
}

impl RecordColumns {
    /// # Errors
    /// Key options that contradict each other or the columns, in Flink's words.
    pub fn check(table: &TableDescriptor, options: &Options) -> Result<Self> {
        let key_format = TableFormat::find(&table.options, FormatRole::Key, None, &table.owner(), table.zone, false)?;
        if let Some(format) = &key_format {
            format
                .require_inserts(&format!("the key format of {}", table.owner()), options.raw().span("key.format"))?;
        }
        let keys = key_columns(table, options, key_format.is_some())?;
        Self::of(table, options, key_format, keys, false)
    }

    /// The same where the primary key is the record's key.
    ///
    /// # Errors
    /// Key options that contradict each other or the columns, and formats of changes, in Flink's words.
    pub fn check_upserts(table: &TableDescriptor, options: &Options) -> Result<Self> {
        let owner = table.owner();
        let key_format = TableFormat::require(&table.options, FormatRole::Key, &owner, table.zone, false)?;
        let columns = Self::of(table, options, Some(key_format), table.primary_key.clone(), true)?;
        for (part, key) in [(columns.key.as_ref(), "key"), (Some(&columns.value), "value")] {
            if let Some(part) = part {
                let whose = format!("{owner} doesn't support '{}' as {key} format", part.format.name());
                part.format.require_inserts(&whose, options.raw().span(&format!("{key}.format")))?;
            }
        }
        Ok(columns)
    }

    fn of(
        table: &TableDescriptor,
        options: &Options,
        key_format: Option<TableFormat>,
        keys: Vec<usize>,
        upserts: bool,
    ) -> Result<Self> {
        let value_format = TableFormat::require(&table.options, FormatRole::Value, &table.owner(), table.zone, false)?;
        check_prefix(table, options, &keys)?;
        let prefix = options.text("key.fields-prefix").unwrap_or("");
        let all = options.text("value.fields-include") != Some("EXCEPT_KEY");
        let value_columns = (0..table.columns.len()).filter(|i| all || !keys.contains(i)).collect::<Vec<_>>();
        let key = match key_format {
            None => None,
            Some(format) => {
                let schema = key_schema(&table.columns, &keys, prefix, options)?;
                Some(Part { format, columns: keys, schema })
            }
        };
        let schema = table.columns.project(&value_columns);
        let metadata = metadata(table, &value_format)?;
        Ok(Self { value: Part { format: value_format, columns: value_columns, schema }, key, upserts, metadata })
    }
}

fn metadata(table: &TableDescriptor, value: &TableFormat) -> Result<Vec<(MetadataOrigin, bool)>> {
    let columns = table.metadata.iter().map(|column| {
        let of_record = Metadata::find(&column.key).map(MetadataOrigin::Record);
        let of_value = || {
            let key = column.key.strip_prefix(VALUE_METADATA)?;
            value.metadata().iter().position(|(known, _)| *known == key).map(MetadataOrigin::Value)
        };
        let metadata = of_record.or_else(of_value).ok_or_else(|| {
            let known: Vec<_> = Metadata::ALL.iter().map(|m| m.key()).collect();
            Error::statement(format!("{} has no metadata '{}'", table.owner(), column.key))
                .with_hint(format!("Known metadata: {}.", known.join(", ")))
        })?;
        Ok((metadata, column.is_virtual))
    });
    columns.collect()
}

/// The positions of `key.fields`.
fn key_columns(table: &TableDescriptor, options: &Options, has_format: bool) -> Result<Vec<usize>> {
    let fields = options.list("key.fields");
    if !has_format {
        return match fields.is_empty() {
            true => Ok(Vec::new()),
            false => {
                Err(options
                    .invalid("key.fields", "it can only be declared if a key format is defined using 'key.format'"))
            }
        };
    }
    if fields.is_empty() {
        return Err(options.invalid(
            "key.format",
            "a key format requires the declaration of one or more of key fields using 'key.fields'",
        ));
    }
    let position = |name: &String| {
        table.columns.index_of(name).ok_or_else(|| {
            let names: Vec<_> = table.columns.names().collect();
            options
                .invalid(
                    "key.fields",
                    format!("could not find the field '{name}' in the table schema for usage in the key format"),
                )
                .with_hint(format!("A key field must be a regular, physical column: {}.", names.join(", ")))
        })
    };
    fields.iter().map(position).collect()
}

/// Checks what stands before the names of the key columns.
fn check_prefix(table: &TableDescriptor, options: &Options, keys: &[usize]) -> Result<()> {
    let prefix = options.text("key.fields-prefix").unwrap_or("");
    let all = options.text("value.fields-include") != Some("EXCEPT_KEY");
    if keys.is_empty() || prefix.is_empty() {
        return Ok(());
    }
    if all {
        return Err(options
            .invalid(
                "key.fields-prefix",
                "a key prefix is not allowed when option 'value.fields-include' is set to 'ALL'",
            )
            .with_hint("Set it to 'EXCEPT_KEY' instead to avoid field overlaps."));
    }
    let name = |key: &usize| &table.columns.fields[*key].name;
    match keys.iter().map(name).find(|name| !name.starts_with(prefix)) {
        None => Ok(()),
        Some(name) => Err(options.invalid(
            "key.fields-prefix",
            format!("all key fields must be prefixed with '{prefix}' but field '{name}' is not prefixed"),
        )),
    }
}

/// The key columns without their prefix.
fn key_schema(columns: &Schema, keys: &[usize], prefix: &str, options: &Options) -> Result<Schema> {
    let fields = columns.project(keys).fields.into_iter().map(|field| {
        let name = field.name.strip_prefix(prefix).unwrap_or(&field.name).to_string();
        if name.is_empty() {
            return Err(options.invalid("key.fields-prefix", format!("nothing is left of the field '{}'", field.name)));
        }
        Ok(Field { name, ..field })
    });
    fields.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connectors::kafka::options::KafkaOptions;
    use crate::connectors::kafka::testing::table;

    fn check(pairs: &[(&str, &str)]) -> Result<RecordColumns> {
        let descriptor = table("k_id INT, k_name STRING, amount DOUBLE", pairs);
        RecordColumns::check(&descriptor, &KafkaOptions::check(&descriptor)?.options)
    }

    #[test]
    fn key_columns_leave_the_value_with_except_key() {
        let columns = check(&[
            ("key.format", "json"),
            ("key.fields", "k_name;k_id"),
            ("key.fields-prefix", "k_"),
            ("value.fields-include", "EXCEPT_KEY"),
        ])
        .unwrap();
        let key = columns.key.unwrap();
        assert_eq!(key.schema.names().collect::<Vec<_>>(), ["name", "id"]);
        assert_eq!(key.columns, [1, 0]);
        assert_eq!(columns.value.schema.names().collect::<Vec<_>>(), ["amount"]);
    }

    #[test]
    fn key_options_that_contradict_each_other_are_refused() {
        for (pairs, expected) in [
            (&[("key.fields", "k_id")][..], "if a key format is defined using 'key.format'"),
            (&[("key.format", "json")], "one or more of key fields using 'key.fields'"),
            (&[("key.format", "json"), ("key.fields", "nope")], "could not find the field 'nope'"),
            (
                &[("key.format", "json"), ("key.fields", "k_id"), ("key.fields-prefix", "k_")],
                "when option 'value.fields-include' is set to 'ALL'",
            ),
            (
                &[
                    ("key.format", "json"),
                    ("key.fields", "amount"),
                    ("key.fields-prefix", "k_"),
                    ("value.fields-include", "EXCEPT_KEY"),
                ],
                "field 'amount' is not prefixed",
            ),
        ] {
            let error = check(pairs).unwrap_err();
            assert!(error.message().contains(expected), "{error}");
        }
    }
}
