//! JSON, decoded straight into columns by a scanner of our own.
//!
//! ```text
//!             as expected            odd: an escaped key, a type that differs, a broken text
//! message ──► scanner ──► columns    message ──► document (serde_json) ──► convert (Flink's rules) ──► columns
//! ```
//!
//! The scanner takes only what it is certain of. Everything else about a message is decided by the second way alone,
//! so that both agree. Where Flink's own two parsers differ, or lose their place in the text (a repeated key, an object
//! where a number was expected), fields are read by name and the last of a repeated key counts.

pub(super) mod base64;
mod convert;
mod cursor;
mod decoder;
mod document;
mod encoder;
mod scanner;
mod shape;
mod skip;

use crate::connectors::options::{OptionSpec, OptionType, RawOptions};
use crate::error::{Error, Result};
use crate::formats::temporal::{self, Moment, TimestampForm};
use crate::formats::{Decoder, DecodingFormat, Encoder, EncodingFormat, Format, FormatContext, FormatOptions};
use crate::types::{Schema, SqlType, TypeKind};

pub(in crate::formats) use decoder::JsonDecoder;
pub(in crate::formats) use encoder::JsonEncoder;

/// The format `json`.
#[derive(Debug)]
pub struct Json;

/// Options that formats made of JSON share.
pub(in crate::formats) const TIMESTAMP_FORMAT: OptionSpec = OptionSpec::new(
    "timestamp-format.standard",
    OptionType::Enum(&["SQL", "ISO-8601"]),
    "How timestamps are written: 2020-12-30 12:13:14.123, or with a T between. TIMESTAMP_LTZ has a Z at its end.",
)
.default("SQL");
pub(in crate::formats) const MAP_NULL_KEY_MODE: OptionSpec = OptionSpec::new(
    "map-null-key.mode",
    OptionType::Enum(&["FAIL", "DROP", "LITERAL"]),
    "What to do with a NULL key of a map that is written.",
)
.default("FAIL")
.without_effect("maps have no NULL keys");
pub(in crate::formats) const MAP_NULL_KEY_LITERAL: OptionSpec =
    OptionSpec::new("map-null-key.literal", OptionType::Text, "The key to write for NULL in the mode LITERAL.")
        .default("null")
        .without_effect("maps have no NULL keys");
pub(in crate::formats) const PLAIN_DECIMALS: OptionSpec = OptionSpec::new(
    "encode.decimal-as-plain-number",
    OptionType::Bool,
    "Write every decimal plainly (0.000000027), instead of very small ones as 2.7E-8.",
)
.default("false");
pub(in crate::formats) const IGNORE_NULL_FIELDS: OptionSpec =
    OptionSpec::new("encode.ignore-null-fields", OptionType::Bool, "Leave NULL fields out of what is written.")
        .default("false");

const OPTIONS: &[OptionSpec] = &[
    OptionSpec::new(
        "fail-on-missing-field",
        OptionType::Bool,
        "Fail where a field is missing, instead of reading NULL. Not together with ignore-parse-errors.",
    )
    .default("false"),
    OptionSpec::new(
        "ignore-parse-errors",
        OptionType::Bool,
        "Read a field that can't be converted as NULL and skip a message that is no JSON, instead of failing. Both are counted in the live line and in the line of the end.",
    )
    .default("false"),
    TIMESTAMP_FORMAT,
    MAP_NULL_KEY_MODE,
    MAP_NULL_KEY_LITERAL,
    PLAIN_DECIMALS,
    IGNORE_NULL_FIELDS,
    OptionSpec::new(
        "decode.json-parser.enabled",
        OptionType::Bool,
        "Which of two parsers is taken.",
    )
    .default("true")
    .without_effect("there is one parser"),
];

/// How values are read and written.
#[derive(Debug, Clone)]
pub(in crate::formats) struct Rules {
    pub fail_on_missing: bool,
    pub ignore_errors: bool,
    pub timestamps: TimestampStandard,
    pub plain_decimals: bool,
    pub ignore_nulls: bool,
    /// Each message ends with a line feed.
    pub lines: bool,
    /// `json.` or `value.json.`, for hints.
    pub prefix: String,
}

impl Rules {
    /// What the options of a format made of JSON say.
    pub fn of(options: &FormatOptions, context: &FormatContext) -> Self {
        Self {
            fail_on_missing: options.bool("fail-on-missing-field"),
            ignore_errors: options.bool("ignore-parse-errors"),
            timestamps: match options.text("timestamp-format.standard") {
                Some("ISO-8601") => TimestampStandard::Iso8601,
                _ => TimestampStandard::Sql,
            },
            plain_decimals: options.bool("encode.decimal-as-plain-number"),
            ignore_nulls: options.bool("encode.ignore-null-fields"),
            lines: context.lines,
            prefix: context.prefix.clone(),
        }
    }
}

/// How a timestamp is spelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::formats) enum TimestampStandard {
    Sql,
    Iso8601,
}

impl TimestampStandard {
    pub fn separator(self) -> u8 {
        match self {
            Self::Sql => b' ',
            Self::Iso8601 => b'T',
        }
    }

    /// Reads a timestamp. Only ISO-8601 may leave the seconds out, and is strict where there is no zone.
    pub fn parse(self, text: &[u8], zoned: bool) -> Option<Moment> {
        let iso = self == Self::Iso8601;
        let form = TimestampForm { separator: self.separator(), short: iso, strict: iso && !zoned, zoned };
        temporal::parse_timestamp(text, form)
    }

    /// How a message would name it: `a TIMESTAMP such as 2020-12-30 12:13:14`.
    pub fn example(self, zoned: bool) -> String {
        let zone = if zoned { "Z" } else { "" };
        format!("2020-12-30{}12:13:14.123{zone}", self.separator() as char)
    }
}

/// Checked options for a schema: makes decoders and encoders.
#[derive(Debug)]
struct JsonFormat {
    schema: Schema,
    rules: Rules,
}

impl Format for Json {
    fn name(&self) -> &'static str {
        "json"
    }

    fn options(&self) -> &'static [OptionSpec] {
        OPTIONS
    }

    fn decoding(
        &self,
        schema: &Schema,
        options: &RawOptions,
        context: &FormatContext,
    ) -> Result<Box<dyn DecodingFormat>> {
        Ok(Box::new(JsonFormat::try_new(schema, options, context)?))
    }

    fn encoding(
        &self,
        schema: &Schema,
        options: &RawOptions,
        context: &FormatContext,
    ) -> Result<Box<dyn EncodingFormat>> {
        Ok(Box::new(JsonFormat::try_new(schema, options, context)?))
    }
}

impl JsonFormat {
    fn try_new(schema: &Schema, options: &RawOptions, context: &FormatContext) -> Result<Self> {
        let options = FormatOptions::check(&Json, options, context)?;
        let rules = Rules::of(&options, context);
        if rules.fail_on_missing && rules.ignore_errors {
            let why = format!("can't be true together with '{}'", options.spelled("fail-on-missing-field"));
            return Err(options.invalid("ignore-parse-errors", why));
        }
        check_types(schema, Json.name(), context)?;
        Ok(Self { schema: schema.clone(), rules })
    }
}

/// # Errors
/// A column of a type that JSON has no form for; `format` is the format's name.
pub(in crate::formats) fn check_types(schema: &Schema, format: &str, context: &FormatContext) -> Result<()> {
    for field in &schema.fields {
        check_type(&field.ty).map_err(|what| {
            let owner = &context.owner;
            Error::statement(format!("column \"{}\" of {owner}: the format '{format}' can't hold {what}", field.name))
        })?;
    }
    Ok(())
}

/// Says which part of a type JSON has no form for.
fn check_type(ty: &SqlType) -> Result<(), String> {
    let text_key = |key: &SqlType| match key.kind.is_string() {
        true => Ok(()),
        false => Err(format!("{}, whose keys are not texts", ty.kind)),
    };
    match &ty.kind {
        TypeKind::Array(element) => check_type(element),
        TypeKind::Map(key, value) => text_key(key).and_then(|()| check_type(value)),
        TypeKind::Multiset(element) => text_key(element),
        TypeKind::Row(fields) => fields.iter().try_for_each(|f| check_type(&f.ty)),
        TypeKind::Null => Err("NULL".into()),
        _ => Ok(()),
    }
}

/// An encoder for who reads results: an object a line, every decimal written plainly.
pub fn result_encoder(schema: &Schema) -> Box<dyn Encoder> {
    let rules = Rules {
        fail_on_missing: false,
        ignore_errors: false,
        timestamps: TimestampStandard::Sql,
        plain_decimals: true,
        ignore_nulls: false,
        lines: true,
        prefix: String::new(),
    };
    Box::new(JsonEncoder::new(schema, rules).with_whole_fractions(schema))
}

impl DecodingFormat for JsonFormat {
    fn decoder(&self, projection: &[usize]) -> Result<Box<dyn Decoder>> {
        Ok(Box::new(JsonDecoder::new(&self.schema, projection, self.rules.clone())?))
    }
}

impl EncodingFormat for JsonFormat {
    fn encoder(&self) -> Result<Box<dyn Encoder>> {
        Ok(Box::new(JsonEncoder::new(&self.schema, self.rules.clone())))
    }
}

#[cfg(test)]
mod property_tests;
#[cfg(test)]
mod tests;
