//! Tables that dead letters go to: their columns are found by name, and hold what is known of a rejected row.

use std::sync::Arc;

use arrow::datatypes::SchemaRef;

use super::table::PlannedTable;
use crate::connectors::options::DELIVERY_GUARANTEE;
use crate::connectors::{Guarantee, Sink};
use crate::error::{Error, Result, did_you_mean};
use crate::types::{SqlType, TypeKind};

/// What a column of a table of dead letters holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LetterField {
    /// The job's name.
    Job,
    /// The table whose options sent the row here.
    Table,
    /// `decode`, `compute`, `lookup` or `write`.
    Stage,
    /// Why.
    Error,
    /// When it was rejected.
    FailedAt,
    /// The bytes of the record's value.
    Payload,
    Key,
    Topic,
    Partition,
    Offset,
    Headers,
    /// The record's own timestamp.
    Timestamp,
}

impl LetterField {
    pub const ALL: [LetterField; 12] = [
        Self::Job,
        Self::Table,
        Self::Stage,
        Self::Error,
        Self::FailedAt,
        Self::Payload,
        Self::Key,
        Self::Topic,
        Self::Partition,
        Self::Offset,
        Self::Headers,
        Self::Timestamp,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::Job => "job",
            Self::Table => "table",
            Self::Stage => "stage",
            Self::Error => "error",
            Self::FailedAt => "failed_at",
            Self::Payload => "payload",
            Self::Key => "key",
            Self::Topic => "topic",
            Self::Partition => "partition",
            Self::Offset => "offset",
            Self::Headers => "headers",
            Self::Timestamp => "timestamp",
        }
    }

    pub fn ty(self) -> SqlType {
        match self {
            Self::Job | Self::Table | Self::Stage | Self::Error | Self::Topic => SqlType::string(),
            Self::FailedAt | Self::Timestamp => SqlType::nullable(TypeKind::TimestampLtz(3)),
            Self::Payload | Self::Key => SqlType::bytes(),
            Self::Partition => SqlType::nullable(TypeKind::Int),
            Self::Offset => SqlType::nullable(TypeKind::BigInt),
            Self::Headers => {
                let (key, value) = (SqlType::string().with_nullable(false), SqlType::bytes());
                SqlType::nullable(TypeKind::Map(Box::new(key), Box::new(value)))
            }
        }
    }

    /// True where every dead letter has one.
    fn is_always_known(self) -> bool {
        matches!(self, Self::Job | Self::Table | Self::Stage | Self::Error | Self::FailedAt)
    }
}

/// A table of dead letters, ready to be opened.
#[derive(Debug, Clone)]
pub struct DeadLetterSink {
    pub table: String,
    pub sink: Arc<dyn Sink>,
    /// What each column of `schema` holds.
    pub fields: Vec<LetterField>,
    pub schema: SchemaRef,
}

impl DeadLetterSink {
    /// # Errors
    /// A column that no dead letter has, or of another type than it has there.
    pub fn try_new(table: &PlannedTable) -> Result<Self> {
        let (connector, descriptor) = table.connector()?;
        let schema = descriptor.sink_schema();
        let fields = schema.fields.iter().map(|field| {
            let name = field.name.as_str();
            let Some(known) = LetterField::ALL.into_iter().find(|known| known.name() == name) else {
                let names = LetterField::ALL.map(LetterField::name);
                let hint = did_you_mean(name, names).unwrap_or_else(|| {
                    format!("A table of dead letters has some of the columns {}.", names.join(", "))
                });
                return Err(refusal(table, format!("nothing of a dead letter is called \"{name}\"")).with_hint(hint));
            };
            let (declared, expected) = (&field.ty, known.ty());
            if !same_type(&declared.kind, &expected.kind) {
                return Err(refusal(table, format!("column \"{name}\" is {declared}, not {expected}")));
            }
            if !declared.nullable && !known.is_always_known() {
                return Err(refusal(
                    table,
                    format!("column \"{name}\" is NOT NULL, and not every dead letter has one"),
                ));
            }
            Ok(known)
        });
        let fields = fields.collect::<Result<Vec<_>>>()?;
        let sink = connector.sink(descriptor).map_err(|e| table.in_text(e))?;
        if sink.guarantee() == Guarantee::ExactlyOnce {
            let why = "it asks for 'exactly-once', and dead letters are written at least once".to_string();
            let error = refusal(table, why).at(descriptor.options.span(DELIVERY_GUARANTEE.key));
            return Err(table.in_text(error.with_hint("Leave the option out.")));
        }
        Ok(Self { table: table.name.clone(), sink, fields, schema: schema.arrow() })
    }
}

/// Nullability inside of maps is no matter.
fn same_type(declared: &TypeKind, expected: &TypeKind) -> bool {
    match (declared, expected) {
        (TypeKind::Map(k, v), TypeKind::Map(key, value)) => k.kind == key.kind && v.kind == value.kind,
        _ => declared == expected,
    }
}

fn refusal(table: &PlannedTable, why: String) -> Error {
    Error::statement(format!("table \"{}\" can't take dead letters: {why}", table.name))
}
