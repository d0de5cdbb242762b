//! Tables for the tests of this room.

use crate::connectors::TableDescriptor;
use crate::types::{Field, Schema, SqlType, TypeKind};

/// A filesystem table `t` of CSV: `columns` as `a INT, b STRING`, and more options.
pub fn table(columns: &str, options: &[(&str, &str)]) -> TableDescriptor {
    let defaults = [("connector", "filesystem"), ("path", "/nowhere"), ("format", "csv")];
    TableDescriptor {
        name: "t".into(),
        columns: columns.split(", ").map(column).collect::<Schema>(),
        metadata: Vec::new(),
        primary_key: Vec::new(),
        partition_keys: Vec::new(),
        options: defaults.iter().chain(options).copied().collect(),
        zone: chrono_tz::UTC,
    }
}

fn column(declared: &str) -> Field {
    let (name, ty) = declared.split_once(' ').expect("a name and a type");
    Field::new(
        name,
        match ty {
            "INT" => SqlType::nullable(TypeKind::Int),
            "DOUBLE" => SqlType::nullable(TypeKind::Double),
            "DATE" => SqlType::nullable(TypeKind::Date),
            "STRING" => SqlType::string(),
            other => panic!("the test helper doesn't know {other}"),
        },
    )
}
