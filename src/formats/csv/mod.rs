//! CSV, positional: the n-th cell of a line is the n-th column.
//!
//! ```text
//! line ──► cells (quotes and escapes undone) ──► wanted columns, by Flink's rules
//! ```

mod cells;
mod convert;
mod decoder;
mod encoder;

use crate::connectors::options::{OptionSpec, OptionType, RawOptions};
use crate::error::{Error, Result};
use crate::formats::{Decoder, DecodingFormat, Encoder, EncodingFormat, Format, FormatContext, FormatOptions};
use crate::types::{Schema, SqlType, TypeKind};

use decoder::CsvDecoder;
use encoder::CsvEncoder;

/// The format `csv`.
#[derive(Debug)]
pub struct Csv;

const OPTIONS: &[OptionSpec] = &[
    OptionSpec::new("field-delimiter", OptionType::Text, "The character between cells; '\\t' is a tab.").default(","),
    OptionSpec::new("disable-quote-character", OptionType::Bool, "Take quotes for what they are.").default("false"),
    OptionSpec::new("quote-character", OptionType::Text, "The character around cells that hold a delimiter.")
        .default("\""),
    OptionSpec::new("allow-comments", OptionType::Bool, "Skip lines that begin with '#'.").default("false"),
    OptionSpec::new(
        "ignore-parse-errors",
        OptionType::Bool,
        "Read a cell that can't be converted as NULL and skip a line that is no CSV, instead of failing. Both are counted in the live line and in the line of the end.",
    )
    .default("false"),
    OptionSpec::new(
        "array-element-delimiter",
        OptionType::Text,
        "What stands between the elements of an ARRAY and the fields of a ROW.",
    )
    .default(";"),
    OptionSpec::new("escape-character", OptionType::Text, "The character that takes a special meaning from the next."),
    OptionSpec::new(
        "null-literal",
        OptionType::Text,
        "The cell that is NULL. Without it NULL is written as nothing, and nothing is read as an empty text.",
    ),
    OptionSpec::new(
        "write-bigdecimal-in-scientific-notation",
        OptionType::Bool,
        "Write decimals such as 100 and 0.0000001 as 1E+2 and 1E-7.",
    )
    .default("true"),
];

/// How cells are written and read.
#[derive(Debug, Clone)]
pub(super) struct Rules {
    pub delimiter: u8,
    pub quote: Option<u8>,
    pub escape: Option<u8>,
    pub comments: bool,
    pub ignore_errors: bool,
    pub element_delimiter: String,
    pub null: Option<String>,
    pub plain_decimals: bool,
    pub lines: bool,
    pub prefix: String,
}

impl Rules {
    /// Whether a line may have a quote or an escape that counts.
    fn needs_care(&self, line: &[u8]) -> bool {
        match (self.quote, self.escape) {
            (Some(quote), Some(escape)) => memchr::memchr2(quote, escape, line).is_some(),
            (Some(one), None) | (None, Some(one)) => memchr::memchr(one, line).is_some(),
            (None, None) => false,
        }
    }
}

/// Checked options for a schema: makes decoders and encoders.
#[derive(Debug)]
struct CsvFormat {
    schema: Schema,
    rules: Rules,
}

impl Format for Csv {
    fn name(&self) -> &'static str {
        "csv"
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
        Ok(Box::new(CsvFormat::try_new(schema, options, context)?))
    }

    fn encoding(
        &self,
        schema: &Schema,
        options: &RawOptions,
        context: &FormatContext,
    ) -> Result<Box<dyn EncodingFormat>> {
        Ok(Box::new(CsvFormat::try_new(schema, options, context)?))
    }
}

impl CsvFormat {
    fn try_new(schema: &Schema, options: &RawOptions, context: &FormatContext) -> Result<Self> {
        let options = FormatOptions::check(&Csv, options, context)?;
        let no_quotes = options.bool("disable-quote-character");
        if no_quotes && options.is_set("quote-character") {
            let why = format!("can't be set together with '{}'", options.spelled("disable-quote-character"));
            return Err(options.invalid("quote-character", why));
        }
        let rules = Rules {
            delimiter: character(&options, "field-delimiter")?.unwrap_or(b','),
            quote: if no_quotes { None } else { character(&options, "quote-character")? },
            escape: character(&options, "escape-character")?,
            comments: options.bool("allow-comments"),
            ignore_errors: options.bool("ignore-parse-errors"),
            element_delimiter: options.text("array-element-delimiter").unwrap_or(";").to_string(),
            null: options.text("null-literal").map(str::to_string),
            plain_decimals: !options.bool("write-bigdecimal-in-scientific-notation"),
            lines: context.lines,
            prefix: context.prefix.clone(),
        };
        for field in &schema.fields {
            check_type(&field.ty, 0).map_err(|what| {
                let (name, owner) = (&field.name, &context.owner);
                Error::statement(format!("column \"{name}\" of {owner}: the format 'csv' can't hold {what}"))
            })?;
        }
        Ok(Self { schema: schema.clone(), rules })
    }
}

/// An option that is one ASCII character, `\t` and the like undone.
fn character(options: &FormatOptions, key: &str) -> Result<Option<u8>> {
    let Some(text) = options.text(key) else {
        return Ok(None);
    };
    let text = match text {
        "\\t" => "\t",
        "\\\\" => "\\",
        "\\u0001" => "\u{1}",
        other => other,
    };
    match text.as_bytes() {
        [byte] if byte.is_ascii() && !matches!(byte, b'\n' | b'\r') => Ok(Some(*byte)),
        _ => Err(options.invalid(key, format!("'{text}' is not a single ASCII character"))),
    }
}

/// Says which part of a type CSV has no form for: cells hold one list of plain values at most.
fn check_type(ty: &SqlType, depth: usize) -> Result<(), String> {
    match &ty.kind {
        TypeKind::Array(element) if depth == 0 => check_type(element, 1),
        TypeKind::Row(fields) if depth == 0 => fields.iter().try_for_each(|f| check_type(&f.ty, 1)),
        TypeKind::Array(_) | TypeKind::Row(_) => Err(format!("{} inside another", ty.kind)),
        TypeKind::Map(..) | TypeKind::Multiset(_) | TypeKind::Null => Err(ty.kind.to_string()),
        _ => Ok(()),
    }
}

impl DecodingFormat for CsvFormat {
    fn decoder(&self, projection: &[usize]) -> Result<Box<dyn Decoder>> {
        Ok(Box::new(CsvDecoder::new(&self.schema, projection, self.rules.clone())?))
    }

    fn quote(&self) -> Option<u8> {
        self.rules.quote
    }
}

impl EncodingFormat for CsvFormat {
    fn encoder(&self) -> Result<Box<dyn Encoder>> {
        Ok(Box::new(CsvEncoder::new(&self.schema, self.rules.clone())))
    }
}

#[cfg(test)]
mod tests;
