//! What a message tells beside the rows: `origin_table STRING METADATA FROM 'value.source.table' VIRTUAL`.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, MapArray, StringBuilder, TimestampMillisecondBuilder, UInt32Array};
use arrow::compute::{cast, take};

use crate::error::{Error, Result};
use crate::types::{SqlType, TypeKind};

/// A metadata key of the format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Metadata {
    /// The schema of the payload as JSON text; NULL where messages have none.
    Schema,
    /// When Debezium processed the change.
    IngestionTimestamp,
    /// When it was made in the database.
    SourceTimestamp,
    SourceDatabase,
    SourceSchema,
    SourceTable,
    /// All of `source`.
    SourceProperties,
}

/// A field of a message that metadata is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum MessageField {
    Schema,
    Ingested,
    Source,
}

impl MessageField {
    pub fn name(self) -> &'static str {
        match self {
            Self::Schema => "schema",
            Self::Ingested => "ts_ms",
            Self::Source => "source",
        }
    }

    pub fn ty(self) -> SqlType {
        match self {
            Self::Schema => SqlType::string(),
            Self::Ingested => SqlType::nullable(TypeKind::BigInt),
            Self::Source => SqlType::nullable(TypeKind::Map(Box::new(SqlType::string()), Box::new(SqlType::string()))),
        }
    }
}

impl Metadata {
    pub const ALL: [Metadata; 7] = [
        Self::Schema,
        Self::IngestionTimestamp,
        Self::SourceTimestamp,
        Self::SourceDatabase,
        Self::SourceSchema,
        Self::SourceTable,
        Self::SourceProperties,
    ];

    pub fn key(self) -> &'static str {
        match self {
            Self::Schema => "schema",
            Self::IngestionTimestamp => "ingestion-timestamp",
            Self::SourceTimestamp => "source.timestamp",
            Self::SourceDatabase => "source.database",
            Self::SourceSchema => "source.schema",
            Self::SourceTable => "source.table",
            Self::SourceProperties => "source.properties",
        }
    }

    pub fn ty(self) -> SqlType {
        match self {
            Self::IngestionTimestamp | Self::SourceTimestamp => SqlType::nullable(TypeKind::TimestampLtz(3)),
            Self::SourceProperties => MessageField::Source.ty(),
            _ => SqlType::string(),
        }
    }

    /// The field that it is made of.
    pub fn field(self) -> MessageField {
        match self {
            Self::Schema => MessageField::Schema,
            Self::IngestionTimestamp => MessageField::Ingested,
            _ => MessageField::Source,
        }
    }

    /// The column of it for rows of the messages at `messages`, whose fields `field` has.
    pub fn column(self, field: &ArrayRef, messages: &UInt32Array) -> Result<ArrayRef> {
        let of_message: ArrayRef = match self {
            Self::Schema | Self::SourceProperties => field.clone(),
            Self::IngestionTimestamp => cast(field, &self.ty().arrow())?,
            Self::SourceTimestamp => {
                let mut builder = TimestampMillisecondBuilder::new().with_data_type(self.ty().arrow());
                let millis = |text: &str| text.trim().parse::<i64>().ok();
                each_property(field, "ts_ms", |value| builder.append_option(value.and_then(millis)))?;
                Arc::new(builder.finish())
            }
            Self::SourceDatabase => texts(field, "db")?,
            Self::SourceSchema => texts(field, "schema")?,
            Self::SourceTable => texts(field, "table")?,
        };
        Ok(take(&of_message, messages, None)?)
    }
}

fn texts(source: &ArrayRef, key: &str) -> Result<ArrayRef> {
    let mut builder = StringBuilder::new();
    each_property(source, key, |value| builder.append_option(value))?;
    Ok(Arc::new(builder.finish()))
}

/// The value of a key in every map.
fn each_property(source: &ArrayRef, key: &str, mut take: impl FnMut(Option<&str>)) -> Result<()> {
    let maps: &MapArray = source.as_map_opt().ok_or_else(|| Error::internal("the source of a change is no map"))?;
    let (keys, values) = (maps.keys().as_string::<i32>(), maps.values().as_string::<i32>());
    let offsets = maps.value_offsets();
    for row in 0..maps.len() {
        let mut entries = offsets[row] as usize..offsets[row + 1] as usize;
        let found = entries.find(|i| maps.is_valid(row) && keys.value(*i) == key);
        take(found.filter(|i| values.is_valid(*i)).map(|i| values.value(i)));
    }
    Ok(())
}
