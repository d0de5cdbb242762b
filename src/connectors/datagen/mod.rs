//! A source that makes rows up: random values, sequences, the time.
//!
//! Row `n` of the table belongs to split `n mod splits` and is due `n / rows-per-second` seconds after the start,
//! whatever came before: the rate does not drift, and more subtasks share it.

mod fields;
mod generator;
mod pace;
mod reader;
mod sample;
mod source;

use std::sync::Arc;

use crate::connectors::options::{OptionSpec, OptionType, Options};
use crate::connectors::{Connector, Source, TableDescriptor};
use crate::error::Result;

pub use sample::sample;

use fields::FieldOptions;
use source::DatagenSource;

/// The connector `datagen`.
#[derive(Debug)]
pub struct Datagen;

const OPTIONS: &[OptionSpec] = &[
    OptionSpec::new("rows-per-second", OptionType::Int, "Rows that all subtasks together make in a second.")
        .default("10000"),
    OptionSpec::new(
        "number-of-rows",
        OptionType::Int,
        "Rows to make in all. Without it, and without a sequence, the table never ends.",
    ),
    OptionSpec::new("scan.parallelism", OptionType::Int, "How many subtasks make rows."),
    OptionSpec::new("fields.#.kind", OptionType::Enum(&["random", "sequence"]), "How the column's values are made.")
        .default("random"),
    OptionSpec::new("fields.#.min", OptionType::Text, "The smallest random number; the type's smallest by default."),
    OptionSpec::new("fields.#.max", OptionType::Text, "The largest random number; the type's largest by default."),
    OptionSpec::new("fields.#.max-past", OptionType::Duration, "Random timestamps are now or up to this long ago."),
    OptionSpec::new(
        "fields.#.length",
        OptionType::Int,
        "The length of random texts and bytes (100 by default), or the size of collections (3).",
    ),
    OptionSpec::new(
        "fields.#.var-len",
        OptionType::Bool,
        "Random texts and bytes are shorter than the length at random.",
    ),
    OptionSpec::new("fields.#.null-rate", OptionType::Text, "The part of values that is NULL, from 0 to 1."),
    OptionSpec::new("fields.#.start", OptionType::Int, "The first number of a sequence."),
    OptionSpec::new("fields.#.end", OptionType::Int, "The last number of a sequence; the table ends with it."),
];

impl Connector for Datagen {
    fn names(&self) -> &'static [&'static str] {
        &["datagen"]
    }

    fn options(&self) -> &'static [OptionSpec] {
        OPTIONS
    }

    fn writes(&self) -> bool {
        false
    }

    fn source(&self, table: &TableDescriptor) -> Result<Arc<dyn Source>> {
        let options = Options::check(table.owner(), &table.options, OPTIONS)?;
        let mut fields = FieldOptions::new(&options);
        let columns = table.columns.fields.iter();
        let generators = columns.map(|f| generator::of_column(&mut fields, f)).collect::<Result<Vec<_>>>()?;
        fields.check_all_used()?;
        let rows_per_second = options.positive("rows-per-second")?.unwrap_or(10_000);
        let number_of_rows = match options.int("number-of-rows") {
            None => None,
            Some(count) => {
                let count = u64::try_from(count);
                Some(count.map_err(|_| options.invalid("number-of-rows", "can't be below zero"))?)
            }
        };
        let sequences = generators.iter().filter_map(generator::Generator::rows);
        Ok(Arc::new(DatagenSource {
            schema: table.columns.clone(),
            rows: sequences.chain(number_of_rows).min(),
            rows_per_second,
            parallelism: options.positive("scan.parallelism")?,
            generators: generators.into(),
        }))
    }
}

#[cfg(test)]
mod tests;
