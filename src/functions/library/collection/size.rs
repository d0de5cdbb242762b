//! How many, the only one, and the two halves of a map.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, ListArray, MapArray, UInt32Array};
use arrow::compute::take;
use arrow::datatypes::DataType;

use crate::error::{Error, Result};
use crate::functions::library::builtin::{Family, Nulls, Overload, Returns, TypeName};
use crate::functions::library::call::Call;
use crate::functions::library::{BUILTIN, Builtin};
use crate::types::{SqlType, TypeKind};

const INT: Returns = Returns::Kind(TypeName::Int);

pub static CARDINALITY: Builtin = Builtin {
    name: "CARDINALITY",
    usage: "CARDINALITY(array or map) is the number of its elements.",
    overloads: &[
        Overload { parameters: &[Family::Array], returns: INT },
        Overload { parameters: &[Family::Map], returns: INT },
    ],
    kernel: |call| {
        let values = call.array(0)?;
        let offsets = match values.data_type() {
            DataType::Map(..) => call.column::<MapArray>(0)?.array().offsets().clone(),
            _ => call.column::<ListArray>(0)?.array().offsets().clone(),
        };
        let place = |row: usize| if offsets.len() == 2 && call.rows() != 1 { 0 } else { row };
        call.collect(|row| values.is_valid(row).then(|| offsets[place(row) + 1] - offsets[place(row)]))
    },
    ..BUILTIN
};

fn element(arguments: &[SqlType]) -> Option<TypeKind> {
    match &arguments.first()?.kind {
        TypeKind::Array(element) => Some(element.kind.clone()),
        _ => None,
    }
}

pub static ELEMENT: Builtin = Builtin {
    name: "ELEMENT",
    usage: "ELEMENT(array) is the only element; an array with several is an error.",
    overloads: &[Overload { parameters: &[Family::Array], returns: Returns::With(element) }],
    nulls: Nulls::Always,
    kernel: only_element,
    ..BUILTIN
};

fn only_element(call: &Call<'_>) -> Result<ArrayRef> {
    let lists = call.array(0)?;
    let lists = lists.as_any().downcast_ref::<ListArray>().ok_or_else(|| Error::internal("no array"))?;
    let offsets = lists.value_offsets();
    let place = |row: usize| match (lists.is_valid(row), offsets[row + 1] - offsets[row]) {
        (false, _) | (_, 0) => Ok(None),
        (true, 1) => Ok(Some(offsets[row] as u32)),
        (true, n) => Err(Error::data(format!("ELEMENT takes an array with one element, not with {n}"))),
    };
    let places = (0..call.rows()).map(place).collect::<Result<UInt32Array>>()?;
    Ok(take(lists.values().as_ref(), &places, None)?)
}

fn keys(arguments: &[SqlType]) -> Option<TypeKind> {
    match &arguments.first()?.kind {
        TypeKind::Map(key, _) => Some(TypeKind::Array(key.clone())),
        _ => None,
    }
}

fn values(arguments: &[SqlType]) -> Option<TypeKind> {
    match &arguments.first()?.kind {
        TypeKind::Map(_, value) => Some(TypeKind::Array(value.clone())),
        _ => None,
    }
}

pub static MAP_KEYS: Builtin = Builtin {
    name: "MAP_KEYS",
    usage: "MAP_KEYS(map) is an array of the keys.",
    overloads: &[Overload { parameters: &[Family::Map], returns: Returns::With(keys) }],
    kernel: |call| half(call, |map| map.keys().clone()),
    ..BUILTIN
};

pub static MAP_VALUES: Builtin = Builtin {
    name: "MAP_VALUES",
    usage: "MAP_VALUES(map) is an array of the values.",
    overloads: &[Overload { parameters: &[Family::Map], returns: Returns::With(values) }],
    kernel: |call| half(call, |map| map.values().clone()),
    ..BUILTIN
};

fn half(call: &Call<'_>, pick: fn(&MapArray) -> ArrayRef) -> Result<ArrayRef> {
    let maps = call.array(0)?;
    let maps = maps.as_any().downcast_ref::<MapArray>().ok_or_else(|| Error::internal("no map"))?;
    let DataType::List(field) = call.types.returns.arrow() else { return Err(Error::internal("no array")) };
    Ok(Arc::new(ListArray::try_new(field, maps.offsets().clone(), pick(maps), maps.nulls().cloned())?))
}
