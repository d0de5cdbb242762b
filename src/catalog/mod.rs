//! What names mean: tables, views, and integrations. No connections.

pub mod config;
mod create;
mod integrations;
mod memory;
mod registered;
mod substitution;
mod table;

pub use config::Config;
pub use create::table_of;
pub use integrations::{Integration, Integrations, Setting};
pub use memory::{Catalog, Object};
pub use registered::{RegisteredTable, conform};
pub use substitution::Substitution;
pub use table::{
    Column, ColumnKind, DEFAULT_CATALOG, DEFAULT_DATABASE, ObjectName, PrimaryKey, Table, View, Watermark,
};
