//! Arrays and maps.

mod array;
mod size;

use super::Builtin;

pub static FUNCTIONS: &[&Builtin] = &[
    &size::CARDINALITY,
    &size::ELEMENT,
    &size::MAP_KEYS,
    &size::MAP_VALUES,
    &array::ARRAY_CONTAINS,
    &array::ARRAY_DISTINCT,
    &array::ARRAY_POSITION,
    &array::ARRAY_REVERSE,
    &array::ARRAY_MAX,
    &array::ARRAY_MIN,
    &array::ARRAY_JOIN,
    &array::SPLIT,
];
