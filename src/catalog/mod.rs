//! What names mean: tables, views, and integrations. No connections.

pub mod config;
mod integrations;
mod substitution;
mod table;

pub use config::Config;
pub use integrations::{Integration, Integrations, Setting};
pub use substitution::Substitution;

pub use table::{
    Column, ColumnKind, DEFAULT_CATALOG, DEFAULT_DATABASE, ObjectName, PrimaryKey, Table, View, Watermark,
};
