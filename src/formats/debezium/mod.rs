//! Changes of a database's tables as Debezium tells them: rows before and after a change in one JSON message.
//!
//! ```text
//! {"before": null, "after": {"id": 1}, "op": "c"}              ──► +I
//! {"before": {"id": 1}, "after": {"id": 2}, "op": "u"}         ──► -U, +U
//! {"before": {"id": 2}, "after": null, "op": "d"}              ──► -D
//! ```
//!
//! A message is read as a JSON row of the fields that are needed; what it does to the table is told from `op`. Written
//! are single rows: `+I` and `+U` as `c`, `-U` and `-D` as `d`.

mod decoder;
mod encoder;
mod metadata;

use crate::connectors::options::{OptionSpec, OptionType, RawOptions};
use crate::error::{Error, Result};
use crate::formats::json::{
    IGNORE_NULL_FIELDS, JsonEncoder, MAP_NULL_KEY_LITERAL, MAP_NULL_KEY_MODE, PLAIN_DECIMALS, Rules, TIMESTAMP_FORMAT,
    check_types,
};
use crate::formats::{Decoder, DecodingFormat, Encoder, EncodingFormat, Format, FormatContext, FormatOptions};
use crate::types::{Schema, SqlType};

use decoder::DebeziumDecoder;
use encoder::DebeziumEncoder;
use metadata::Metadata;

/// The format `debezium-json`.
#[derive(Debug)]
pub struct DebeziumJson;

const OPTIONS: &[OptionSpec] = &[
    OptionSpec::new(
        "schema-include",
        OptionType::Bool,
        "Messages are {\"schema\": ..., \"payload\": ...}, as Kafka Connect writes them with 'value.converter.schemas.enable'. Only for reading.",
    )
    .default("false"),
    OptionSpec::new(
        "ignore-parse-errors",
        OptionType::Bool,
        "Read a field that can't be converted as NULL and skip a message that is no change, instead of failing. Both are counted in the live line and in the line of the end.",
    )
    .default("false"),
    TIMESTAMP_FORMAT,
    MAP_NULL_KEY_MODE,
    MAP_NULL_KEY_LITERAL,
    PLAIN_DECIMALS,
    IGNORE_NULL_FIELDS,
];

/// Checked options for a schema.
#[derive(Debug)]
struct DebeziumFormat {
    schema: Schema,
    schema_include: bool,
    rules: Rules,
}

impl DebeziumFormat {
    fn try_new(schema: &Schema, options: &FormatOptions, context: &FormatContext) -> Result<Self> {
        check_types(schema, DebeziumJson.name(), context)?;
        let rules = Rules::of(options, context);
        Ok(Self { schema: schema.clone(), schema_include: options.bool("schema-include"), rules })
    }
}

impl Format for DebeziumJson {
    fn name(&self) -> &'static str {
        "debezium-json"
    }

    fn options(&self) -> &'static [OptionSpec] {
        OPTIONS
    }

    fn has_changes(&self) -> bool {
        true
    }

    fn metadata(&self) -> Vec<(&'static str, SqlType)> {
        Metadata::ALL.iter().map(|metadata| (metadata.key(), metadata.ty())).collect()
    }

    fn decoding(
        &self,
        schema: &Schema,
        options: &RawOptions,
        context: &FormatContext,
    ) -> Result<Box<dyn DecodingFormat>> {
        let options = FormatOptions::check(&DebeziumJson, options, context)?;
        Ok(Box::new(DebeziumFormat::try_new(schema, &options, context)?))
    }

    fn encoding(
        &self,
        schema: &Schema,
        options: &RawOptions,
        context: &FormatContext,
    ) -> Result<Box<dyn EncodingFormat>> {
        let options = FormatOptions::check(&DebeziumJson, options, context)?;
        let format = DebeziumFormat::try_new(schema, &options, context)?;
        if format.schema_include {
            let error: Error = options.invalid("schema-include", "messages are written without a schema");
            return Err(error.with_hint("Leave it out of a table that is written."));
        }
        Ok(Box::new(format))
    }
}

impl DecodingFormat for DebeziumFormat {
    fn decoder(&self, projection: &[usize]) -> Result<Box<dyn Decoder>> {
        Ok(Box::new(DebeziumDecoder::try_new(&self.schema, projection, self.schema_include, self.rules.clone())?))
    }
}

impl EncodingFormat for DebeziumFormat {
    fn encoder(&self) -> Result<Box<dyn Encoder>> {
        let rows = JsonEncoder::new(&self.schema, self.rules.clone());
        Ok(Box::new(DebeziumEncoder::new(rows, self.rules.ignore_nulls)))
    }
}

#[cfg(test)]
mod tests;
