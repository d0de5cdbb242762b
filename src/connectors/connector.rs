//! What a connector is, and the table it is asked about.

use std::fmt::Debug;
use std::sync::Arc;

use chrono_tz::Tz;

use super::options::{OptionSpec, RawOptions};
use super::{LookupSource, Sink, Source};
use crate::error::{Error, Result};
use crate::types::{Schema, SqlType};

/// A table as a connector sees it: integrations are merged in, names resolved, computed columns gone.
#[derive(Debug, Clone)]
pub struct TableDescriptor {
    /// The name as people know it: `CPU_IN`.
    pub name: String,
    /// The physical columns in order.
    pub columns: Schema,
    pub metadata: Vec<MetadataColumn>,
    /// Positions in `columns`; empty without PRIMARY KEY.
    pub primary_key: Vec<usize>,
    /// Positions in `columns` of PARTITIONED BY.
    pub partition_keys: Vec<usize>,
    pub options: RawOptions,
    /// `table.local-time-zone`.
    pub zone: Tz,
}

/// A column that reads or writes something beside the row: `offset BIGINT METADATA VIRTUAL`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MetadataColumn {
    /// The column's name in the table.
    pub name: String,
    /// The connector's name for it: `timestamp`.
    pub key: String,
    /// The type that the connector gives or takes, from [`Connector::metadata`]; the planner casts.
    pub ty: SqlType,
    /// Read only: not part of what is written.
    pub is_virtual: bool,
}

impl TableDescriptor {
    /// How messages name the table: `table "CPU_IN" (connector "kafka")`.
    pub fn owner(&self) -> String {
        format!("table \"{}\" (connector \"{}\")", self.name, self.options.get("connector").unwrap_or(""))
    }

    /// What a scan gives: the physical columns, then the metadata columns. Projections count in it.
    pub fn scan_schema(&self) -> Schema {
        let metadata = self.metadata.iter().map(|m| crate::types::Field::new(&m.name, m.ty.clone()));
        self.columns.fields.iter().cloned().chain(metadata).collect()
    }

    /// What a sink takes: the physical columns, then the metadata columns that are not virtual.
    pub fn sink_schema(&self) -> Schema {
        let metadata = self.metadata.iter().filter(|m| !m.is_virtual);
        let metadata = metadata.map(|m| crate::types::Field::new(&m.name, m.ty.clone()));
        self.columns.fields.iter().cloned().chain(metadata).collect()
    }
}

/// What a statement does with a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum TableUse {
    Read,
    LookedUp,
    Written,
}

/// Something to say of an option that is no error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OptionNotice {
    pub key: String,
    pub message: String,
    pub hint: Option<String>,
    /// Nobody knows it: probably a mistake. Otherwise it means something in Flink, and nothing here.
    pub unknown: bool,
}

/// A kind of door, found by the name that tables give in `'connector' = '...'`.
///
/// Everything here is checked without touching a service: `millstream check` ends here.
pub trait Connector: Send + Sync + Debug {
    /// The names it answers to, the first being the usual one.
    fn names(&self) -> &'static [&'static str];

    /// The options it takes beyond the common ones (formats add theirs).
    fn options(&self) -> &'static [OptionSpec];

    /// True for an option of its own whose value may be shown.
    fn shows(&self, key: &str) -> bool {
        self.options().iter().any(|spec| spec.matches(key) && !spec.secret)
    }

    /// False for a connector that only writes.
    fn reads(&self) -> bool {
        true
    }

    /// False for a connector that only reads.
    fn writes(&self) -> bool {
        true
    }

    /// What it can do with a table here and Flink's connector of that name can't.
    fn beyond_flink(&self) -> &'static [TableUse] {
        &[]
    }

    /// What is odd about a table's options without being wrong.
    fn notices(&self, _table: &TableDescriptor) -> Vec<OptionNotice> {
        Vec::new()
    }

    /// The option that holds the address, which an integration may fill: `properties.bootstrap.servers`.
    fn address_option(&self) -> Option<&'static str> {
        None
    }

    /// True when the value of [`Connector::address_option`] says nothing, so that an integration may fill it.
    fn is_blank_address(&self, value: &str) -> bool {
        value.trim().is_empty()
    }

    /// The metadata keys that can be read or written, their types, and whether they can be written.
    fn metadata(&self, _table: &RawOptions) -> Vec<(String, SqlType, bool)> {
        Vec::new()
    }

    fn source(&self, table: &TableDescriptor) -> Result<Arc<dyn Source>> {
        Err(cannot(table, TableUse::Read))
    }

    fn sink(&self, table: &TableDescriptor) -> Result<Arc<dyn Sink>> {
        Err(cannot(table, TableUse::Written))
    }

    fn lookup(&self, table: &TableDescriptor) -> Result<Arc<dyn LookupSource>> {
        Err(cannot(table, TableUse::LookedUp))
    }
}

/// That the table's connector has no such door.
pub fn cannot(table: &TableDescriptor, wanted: TableUse) -> Error {
    let owner = table.owner();
    match wanted {
        TableUse::Read => Error::statement(format!("{owner} can't be read: the connector has no source")),
        TableUse::Written => Error::statement(format!("{owner} can't be written: the connector has no sink")),
        TableUse::LookedUp => Error::statement(format!("{owner} can't be looked up with FOR SYSTEM_TIME AS OF"))
            .with_hint("Only tables of the connectors jdbc and filesystem can be joined that way."),
    }
}
