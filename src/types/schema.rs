//! The columns of a table, a query or a stream: names, SQL types and time attributes, in order.

use std::sync::Arc;

use arrow::datatypes::{Schema as ArrowSchema, SchemaRef};

use super::SqlType;
use crate::error::{Error, Result};

/// What makes a timestamp column more than a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TimeAttribute {
    /// Event time: a watermark follows it.
    Rowtime,
    /// Processing time: filled in when it is read.
    Proctime,
}

/// One column.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Field {
    pub name: String,
    pub ty: SqlType,
    pub time_attribute: Option<TimeAttribute>,
}

/// Columns in order. Names may repeat in the middle of a query, never in a table.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Schema {
    pub fields: Vec<Field>,
}

impl Field {
    pub fn new(name: impl Into<String>, ty: SqlType) -> Self {
        Self { name: name.into(), ty, time_attribute: None }
    }

    pub fn with_time_attribute(mut self, attribute: Option<TimeAttribute>) -> Self {
        self.time_attribute = attribute;
        self
    }
}

impl Schema {
    pub fn new(fields: Vec<Field>) -> Self {
        Self { fields }
    }

    pub fn len(&self) -> usize {
        self.fields.len()
    }

    pub fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }

    /// The position of a column; names compare case-sensitively.
    pub fn index_of(&self, name: &str) -> Option<usize> {
        self.fields.iter().position(|f| f.name == name)
    }

    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.fields.iter().map(|f| f.name.as_str())
    }

    /// The columns at `indices`, in that order.
    pub fn project(&self, indices: &[usize]) -> Schema {
        Schema::new(indices.iter().map(|&i| self.fields[i].clone()).collect())
    }

    /// The same columns, all but those at `keys` nullable.
    pub fn nullable_but(&self, keys: &[usize]) -> Schema {
        let mut schema = self.clone();
        let others = schema.fields.iter_mut().enumerate().filter(|(i, _)| !keys.contains(i));
        others.for_each(|(_, field)| field.ty.nullable = true);
        schema
    }

    /// The SQL types of Arrow columns: times to milliseconds, microseconds or nanoseconds, any zone as an instant.
    ///
    /// # Errors
    /// Where an Arrow type has no SQL type (unsigned integers, unions, …).
    pub fn from_arrow(schema: &ArrowSchema) -> Result<Self> {
        let field = |f: &Arc<arrow::datatypes::Field>| {
            let ty = SqlType::from_arrow(f.data_type(), f.is_nullable());
            ty.map(|ty| Field::new(f.name(), ty)).ok_or_else(|| {
                Error::statement(format!(
                    "column \"{}\" has the Arrow type {}, which no SQL type stands for",
                    f.name(),
                    f.data_type()
                ))
            })
        };
        schema.fields().iter().map(field).collect::<Result<Vec<_>>>().map(Self::new)
    }

    pub fn arrow(&self) -> SchemaRef {
        Arc::new(ArrowSchema::new(self.fields.iter().map(|f| f.ty.arrow_field(&f.name)).collect::<Vec<_>>()))
    }
}

impl FromIterator<Field> for Schema {
    fn from_iter<I: IntoIterator<Item = Field>>(fields: I) -> Self {
        Self::new(fields.into_iter().collect())
    }
}
