//! What jobs ask of a file that stands for a table: which columns, in which types, how many rows.

use std::path::PathBuf;

use chrono_tz::Tz;

use crate::connectors::MetadataColumn;
use crate::connectors::options::RawOptions;
use crate::error::Error;
use crate::plan::table::{Door, PlannedTable};
use crate::types::Schema;

/// Rows of a file.
#[derive(Debug, Clone)]
pub struct Asked {
    pub path: PathBuf,
    pub table: String,
    /// The columns that are needed.
    pub columns: Schema,
    /// The table's options: where its format is one of JSON, that is how JSON lines are read.
    pub options: RawOptions,
    /// Columns that a record has beside its values.
    pub metadata: Vec<MetadataColumn>,
    pub zone: Tz,
    /// No more rows than these are needed.
    pub most: u64,
}

impl Asked {
    pub fn of(table: &PlannedTable, path: PathBuf, columns: Schema, most: u64) -> Self {
        let (options, metadata, zone) = match &table.door {
            Door::Connector { descriptor, .. } => {
                (descriptor.options.clone(), descriptor.metadata.clone(), descriptor.zone)
            }
            Door::Registered { .. } => (RawOptions::new(), Vec::new(), Tz::UTC),
        };
        Self { path, table: table.name.clone(), columns, options, metadata, zone, most }
    }

    /// What is wrong with the file.
    pub fn error(&self, why: impl std::fmt::Display) -> Error {
        Error::statement(format!("--source {}={}: {why}", self.table, self.path.display()))
    }

    /// True where both ask for rows of the same file that mean the same.
    fn is_alike(&self, other: &Self) -> bool {
        let of_both = |field: &crate::types::Field| match other.columns.index_of(&field.name) {
            Some(i) => other.columns.fields[i].ty == field.ty,
            None => true,
        };
        self.path == other.path
            && self.table == other.table
            && self.zone == other.zone
            && self.metadata == other.metadata
            && self.options.iter().eq(other.options.iter())
            && self.columns.fields.iter().all(of_both)
    }

    /// Asks for what the other asks for too, where both can be read at once.
    pub fn join(&mut self, other: &Self) -> bool {
        if !self.is_alike(other) {
            return false;
        }
        let more = other.columns.fields.iter().filter(|field| self.columns.index_of(&field.name).is_none());
        let more: Vec<_> = more.cloned().collect();
        self.columns.fields.extend(more);
        self.most = self.most.max(other.most);
        true
    }

    /// True where what was read for this one has all that the other asks for.
    pub fn covers(&self, other: &Self) -> bool {
        let has = |field: &crate::types::Field| self.columns.index_of(&field.name).is_some();
        self.most >= other.most && self.is_alike(other) && other.columns.fields.iter().all(has)
    }
}
