//! What names mean: tables, views, and integrations. No connections.

mod table;

pub use table::{
    Column, ColumnKind, DEFAULT_CATALOG, DEFAULT_DATABASE, ObjectName, PrimaryKey, Table, View, Watermark,
};
