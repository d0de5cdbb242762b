//! One column whose bytes are the whole message.
//!
//! Texts are in the table's charset, numbers have a fixed size and byte order. NULL and a null message are the same.

mod charset;
mod decoder;
mod encoder;

use crate::connectors::options::{OptionSpec, OptionType, RawOptions};
use crate::error::{Error, Result};
use crate::formats::{Decoder, DecodingFormat, Encoder, EncodingFormat, Format, FormatContext, FormatOptions};
use crate::types::{Schema, SqlType, TypeKind};

use charset::Charset;
use decoder::RawDecoder;
use encoder::RawEncoder;

/// The format `raw`.
#[derive(Debug)]
pub struct Raw;

const OPTIONS: &[OptionSpec] = &[
    OptionSpec::new("charset", OptionType::Text, "The charset of a text column.").default("UTF-8"),
    OptionSpec::new(
        "endianness",
        OptionType::Enum(&["big-endian", "little-endian"]),
        "The order of the bytes of a number.",
    )
    .default("big-endian"),
];

/// How the bytes of a message are read and written.
#[derive(Debug, Clone)]
pub(super) struct Layout {
    name: String,
    ty: SqlType,
    charset: Charset,
    little_endian: bool,
    /// Each message ends with a line feed.
    lines: bool,
}

impl Format for Raw {
    fn name(&self) -> &'static str {
        "raw"
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
        Ok(Box::new(layout(schema, options, context)?))
    }

    fn encoding(
        &self,
        schema: &Schema,
        options: &RawOptions,
        context: &FormatContext,
    ) -> Result<Box<dyn EncodingFormat>> {
        Ok(Box::new(layout(schema, options, context)?))
    }
}

impl DecodingFormat for Layout {
    fn decoder(&self, projection: &[usize]) -> Result<Box<dyn Decoder>> {
        Ok(Box::new(RawDecoder::new(self.clone(), projection.to_vec())?))
    }
}

impl EncodingFormat for Layout {
    fn encoder(&self) -> Result<Box<dyn Encoder>> {
        Ok(Box::new(RawEncoder::new(self.clone())))
    }
}

fn layout(schema: &Schema, options: &RawOptions, context: &FormatContext) -> Result<Layout> {
    let options = FormatOptions::check(&Raw, options, context)?;
    let [field] = schema.fields.as_slice() else {
        return Err(Error::statement(format!(
            "{} has {} columns, the format 'raw' takes exactly one physical column",
            context.owner,
            schema.len()
        )));
    };
    let fits = match &field.ty.kind {
        TypeKind::Boolean | TypeKind::Float | TypeKind::Double => true,
        kind => kind.is_integer() || kind.is_string() || kind.is_binary(),
    };
    if !fits {
        let error = format!(
            "column \"{}\" of {} is {}, which the format 'raw' can't hold",
            field.name, context.owner, field.ty
        );
        return Err(
            Error::statement(error).with_hint("It takes BOOLEAN, whole numbers, FLOAT, DOUBLE, texts and bytes.")
        );
    }
    let name = options.text("charset").unwrap_or("UTF-8");
    let charset = Charset::find(name)
        .ok_or_else(|| options.invalid("charset", format!("'{name}' is not one of {}", Charset::NAMES.join(", "))))?;
    Ok(Layout {
        name: field.name.clone(),
        ty: field.ty.clone(),
        charset,
        little_endian: options.text("endianness") == Some("little-endian"),
        lines: context.lines,
    })
}

#[cfg(test)]
mod tests;
