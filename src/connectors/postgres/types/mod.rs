//! Flink's types and the database's, both ways: the database's column type decides the bytes.
//!
//! | PostgreSQL | Flink SQL |
//! | --- | --- |
//! | smallint, integer, bigint | TINYINT, SMALLINT, INT, BIGINT (checked), DECIMAL |
//! | numeric | DECIMAL (checked), whole numbers, FLOAT, DOUBLE |
//! | real, double precision | FLOAT, DOUBLE |
//! | boolean | BOOLEAN |
//! | date, time | DATE, TIME |
//! | timestamp, timestamptz | TIMESTAMP, TIMESTAMP_LTZ; where one has a zone and the other not, the session's |
//! | text, varchar, char, citext, name, enums, uuid, json, jsonb, everything else | CHAR, VARCHAR, STRING |
//! | bytea | BINARY, VARBINARY, BYTES |
//! | one-dimensional arrays of these | ARRAY |
//!
//! Domains are what they are made of.

mod datetime;
mod decode;
mod encode;
mod numeric;
#[cfg(test)]
mod tests;

use std::fmt;

use tokio_postgres::types::{Kind, Type};

pub use decode::{ColumnReader, reader};
pub use encode::{Purpose, WriteCell, write_array, write_value, writer};

/// A column's type in the database, as far as its bytes and its comparisons go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PgType {
    Int2,
    Int4,
    Int8,
    Float4,
    Float8,
    Numeric,
    Bool,
    Date,
    Time,
    Timestamp,
    Timestamptz,
    /// text, varchar, name
    Text,
    /// char(n): padded with blanks, which don't count in comparisons.
    Bpchar,
    Citext,
    Bytea,
    Uuid,
    Json,
    Jsonb,
    /// The labels.
    Enum(Vec<String>),
    Array(Box<PgType>),
    /// Read and written as its text: inet, interval, xml, ...
    Other,
}

impl PgType {
    pub fn of(ty: &Type) -> Self {
        match *ty {
            Type::INT2 => Self::Int2,
            Type::INT4 => Self::Int4,
            Type::INT8 => Self::Int8,
            Type::FLOAT4 => Self::Float4,
            Type::FLOAT8 => Self::Float8,
            Type::NUMERIC => Self::Numeric,
            Type::BOOL => Self::Bool,
            Type::DATE => Self::Date,
            Type::TIME => Self::Time,
            Type::TIMESTAMP => Self::Timestamp,
            Type::TIMESTAMPTZ => Self::Timestamptz,
            Type::TEXT | Type::VARCHAR | Type::NAME => Self::Text,
            Type::BPCHAR => Self::Bpchar,
            Type::BYTEA => Self::Bytea,
            Type::UUID => Self::Uuid,
            Type::JSON => Self::Json,
            Type::JSONB => Self::Jsonb,
            _ => match ty.kind() {
                Kind::Enum(labels) => Self::Enum(labels.clone()),
                Kind::Domain(base) => Self::of(base),
                Kind::Array(element) if element.schema() != "pg_catalog" || element.name() != "char" => {
                    match Self::of(element) {
                        Self::Other => Self::Other,
                        element => Self::Array(Box::new(element)),
                    }
                }
                Kind::Simple if ty.name() == "citext" => Self::Citext,
                _ => Self::Other,
            },
        }
    }

    /// The Flink type that fits best, for hints; `None` for arrays.
    pub fn usual(&self) -> Option<&'static str> {
        Some(match self {
            Self::Int2 => "SMALLINT",
            Self::Int4 => "INT",
            Self::Int8 => "BIGINT",
            Self::Float4 => "FLOAT",
            Self::Float8 => "DOUBLE",
            Self::Numeric => "DECIMAL",
            Self::Bool => "BOOLEAN",
            Self::Date => "DATE",
            Self::Time => "TIME",
            Self::Timestamp => "TIMESTAMP",
            Self::Timestamptz => "TIMESTAMP_LTZ",
            Self::Bytea => "BYTES",
            Self::Array(_) => return None,
            _ => "STRING",
        })
    }

    /// True where the bytes on the wire are the text.
    pub fn is_text(&self) -> bool {
        matches!(self, Self::Text | Self::Bpchar | Self::Citext | Self::Enum(_) | Self::Json | Self::Other)
    }
}

/// Why a value of one side is no value of the other: `3000000000 is out of range for integer`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Misfit(String);

impl Misfit {
    pub fn new(why: impl Into<String>) -> Self {
        Self(why.into())
    }

    fn malformed(what: &str) -> Self {
        Self(format!("the server sent a malformed {what}"))
    }
}

impl fmt::Display for Misfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A string as messages show it: quoted, cut after 60 characters.
fn shown(text: &str) -> String {
    match text.char_indices().nth(60) {
        Some((end, _)) => format!("'{}…'", &text[..end]),
        None => format!("'{text}'"),
    }
}
