//! Tables for the tests of connectors.

use super::TableDescriptor;
use crate::types::{Field, Schema, SqlType, TypeKind};

/// A table `t`: `columns` as `a INT, b STRING`, its options with the later ones of one key winning.
pub fn table<'a>(columns: &str, options: impl IntoIterator<Item = &'a (&'a str, &'a str)>) -> TableDescriptor {
    TableDescriptor {
        name: "t".into(),
        columns: columns.split(", ").map(column).collect::<Schema>(),
        metadata: Vec::new(),
        primary_key: Vec::new(),
        partition_keys: Vec::new(),
        options: options.into_iter().copied().collect(),
        zone: chrono_tz::UTC,
    }
}

fn column(declared: &str) -> Field {
    let (name, ty) = declared.split_once(' ').expect("a name and a type");
    let kind = match ty {
        "INT" => TypeKind::Int,
        "BIGINT" => TypeKind::BigInt,
        "DOUBLE" => TypeKind::Double,
        "DATE" => TypeKind::Date,
        "STRING" => return Field::new(name, SqlType::string()),
        other => panic!("the test helper doesn't know {other}"),
    };
    Field::new(name, SqlType::nullable(kind))
}
