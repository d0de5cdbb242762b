//! Flink's types and what they are in Arrow.
//!
//! A [`SqlType`] is what a column, a literal or an expression is for the user: Flink's name, length, precision and
//! nullability. Its [`SqlType::arrow`] is how rows of it lie in memory. Two SQL types may share one Arrow type
//! (`CHAR(3)` and `STRING`), so the Arrow type never decides semantics: the binder carries the SQL type along.

pub mod coercion;
mod parse;
pub mod print;
mod schema;
mod sql_type;

pub(crate) use parse::{parse_type, parse_type_kind};
pub use schema::{Field, Schema, TimeAttribute};
pub use sql_type::{RowField, STRING_LENGTH, SqlType, TypeKind};
