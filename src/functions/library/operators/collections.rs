//! Arrays, maps and rows: built, and taken apart.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, Int32Array, ListArray, MapArray, StructArray, UInt32Array, make_array, make_comparator,
};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::compute::{SortOptions, interleave, take};
use arrow::datatypes::DataType;

use crate::error::{Error, Result};
use crate::functions::library::call::Call;
use crate::functions::library::{BUILTIN, Builtin};

/// All arguments have the element type.
pub static ARRAY: Builtin = Builtin { name: "ARRAY", kernel: array, ..BUILTIN };
/// Keys and values in turn.
pub static MAP: Builtin = Builtin { name: "MAP", kernel: map, ..BUILTIN };
pub static ROW: Builtin = Builtin { name: "ROW", kernel: row, ..BUILTIN };
/// A row and the name of the field.
pub static FIELD: Builtin = Builtin { name: "FIELD", kernel: field, ..BUILTIN };
/// An array and an index from 1; NULL outside.
pub static ITEM: Builtin = Builtin { name: "ITEM", kernel: item, ..BUILTIN };
/// A map and a key; NULL where the key is missing.
pub static LOOKUP: Builtin = Builtin { name: "ITEM", kernel: lookup, ..BUILTIN };
/// The first argument that isn't NULL, each computed once: for arguments that give a new value at each call.
pub static COALESCE: Builtin = Builtin { name: "COALESCE", kernel: coalesce, ..BUILTIN };

fn mismatch(what: &str) -> Error {
    Error::internal(format!("the result is no {what}"))
}

/// Row by row, one value of each of `columns`.
fn interleaved(columns: &[ArrayRef], rows: usize) -> Result<ArrayRef> {
    let indices = (0..rows).flat_map(|r| (0..columns.len()).map(move |c| (c, r))).collect::<Vec<_>>();
    let columns = columns.iter().map(AsRef::as_ref).collect::<Vec<&dyn Array>>();
    Ok(interleave(&columns, &indices)?)
}

fn arrays(call: &Call<'_>) -> Result<Vec<ArrayRef>> {
    (0..call.arguments.len()).map(|n| call.array(n)).collect()
}

fn array(call: &Call<'_>) -> Result<ArrayRef> {
    let DataType::List(element) = call.types.returns.arrow() else { return Err(mismatch("ARRAY")) };
    let columns = arrays(call)?;
    let values = interleaved(&columns, call.rows())?;
    let offsets = OffsetBuffer::from_repeated_length(columns.len(), call.rows());
    Ok(Arc::new(ListArray::try_new(element, offsets, values, None)?))
}

fn map(call: &Call<'_>) -> Result<ArrayRef> {
    let DataType::Map(entry, _) = call.types.returns.arrow() else { return Err(mismatch("MAP")) };
    let DataType::Struct(fields) = entry.data_type() else { return Err(mismatch("MAP")) };
    let columns = arrays(call)?;
    let every_second = |from: usize| columns.iter().skip(from).step_by(2).cloned().collect::<Vec<_>>();
    let (keys, values) = (every_second(0), every_second(1));
    if keys.iter().any(|k| k.null_count() > 0) {
        return Err(Error::data("a key of MAP[…] is NULL"));
    }
    // A later pair wins over an earlier one with the same key.
    let mut indices = Vec::new();
    let mut lengths = Vec::with_capacity(call.rows());
    let same = key_comparators(&keys)?;
    for row in 0..call.rows() {
        let before = indices.len();
        for column in 0..keys.len() {
            let replaced = (column + 1..keys.len()).any(|later| same(column, later, row));
            if !replaced {
                indices.push((column, row));
            }
        }
        lengths.push(indices.len() - before);
    }
    let pick =
        |columns: &[ArrayRef]| interleave(&columns.iter().map(AsRef::as_ref).collect::<Vec<&dyn Array>>(), &indices);
    let entries = StructArray::try_new(fields.clone(), vec![pick(&keys)?, pick(&values)?], None)?;
    Ok(Arc::new(MapArray::try_new(entry, OffsetBuffer::from_lengths(lengths), entries, None, false)?))
}

/// Whether two key columns have the same key in a row.
fn key_comparators(keys: &[ArrayRef]) -> Result<impl Fn(usize, usize, usize) -> bool> {
    let mut comparators = Vec::new();
    for left in keys {
        let row = keys
            .iter()
            .map(|right| make_comparator(left.as_ref(), right.as_ref(), SortOptions::default()))
            .collect::<std::result::Result<Vec<_>, _>>()?;
        comparators.push(row);
    }
    Ok(move |a: usize, b: usize, row: usize| {
        comparators.get(a).and_then(|c| c.get(b)).is_some_and(|compare| compare(row, row).is_eq())
    })
}

fn row(call: &Call<'_>) -> Result<ArrayRef> {
    let DataType::Struct(fields) = call.types.returns.arrow() else { return Err(mismatch("ROW")) };
    Ok(Arc::new(StructArray::try_new_with_length(fields, arrays(call)?, None, call.rows())?))
}

fn field(call: &Call<'_>) -> Result<ArrayRef> {
    let rows = call.array(0)?;
    let rows = rows.as_any().downcast_ref::<StructArray>().ok_or_else(|| mismatch("ROW"))?;
    let names = call.text(1)?;
    let missing = || Error::internal("a ROW lost a field");
    let column = names.at(0).and_then(|name| rows.column_by_name(name)).ok_or_else(missing)?;
    // A field of a NULL row is NULL.
    let nulls = NullBuffer::union(column.logical_nulls().as_ref(), rows.nulls());
    Ok(make_array(column.to_data().into_builder().nulls(nulls).build()?))
}

fn item(call: &Call<'_>) -> Result<ArrayRef> {
    let lists = call.array(0)?;
    let lists = lists.as_any().downcast_ref::<ListArray>().ok_or_else(|| mismatch("ARRAY"))?;
    let indices = call.column::<Int32Array>(1)?;
    let place = |row: usize| -> Result<Option<u32>> {
        let Some(index) = indices.at(row).filter(|_| lists.is_valid(row)) else { return Ok(None) };
        if index < 1 {
            return Err(Error::data(format!("the index of an ARRAY starts at 1, not {index}")));
        }
        let offsets = lists.value_offsets();
        let place = i64::from(offsets[row]) + i64::from(index) - 1;
        Ok(u32::try_from(place).ok().filter(|_| place < i64::from(offsets[row + 1])))
    };
    let places = (0..call.rows()).map(place).collect::<Result<UInt32Array>>()?;
    Ok(take(lists.values().as_ref(), &places, None)?)
}

fn lookup(call: &Call<'_>) -> Result<ArrayRef> {
    let maps = call.array(0)?;
    let maps = maps.as_any().downcast_ref::<MapArray>().ok_or_else(|| mismatch("MAP"))?;
    let wanted = call.array(1)?;
    let compare = make_comparator(maps.keys().as_ref(), wanted.as_ref(), SortOptions::default())?;
    let offsets = maps.value_offsets();
    let place = |row: usize| {
        let mut entries = offsets[row] as usize..offsets[row + 1] as usize;
        let found =
            if maps.is_valid(row) && wanted.is_valid(row) { entries.find(|e| compare(*e, row).is_eq()) } else { None };
        found.map(|e| e as u32)
    };
    let places = (0..call.rows()).map(place).collect::<UInt32Array>();
    Ok(take(maps.values().as_ref(), &places, None)?)
}

fn coalesce(call: &Call<'_>) -> Result<ArrayRef> {
    let columns = arrays(call)?;
    let last = columns.len().saturating_sub(1);
    let first = |row: usize| (columns.iter().position(|c| c.is_valid(row)).unwrap_or(last), row);
    let indices = (0..call.rows()).map(first).collect::<Vec<_>>();
    Ok(interleave(&columns.iter().map(AsRef::as_ref).collect::<Vec<&dyn Array>>(), &indices)?)
}
