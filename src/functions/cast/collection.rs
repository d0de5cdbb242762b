//! ARRAY, MAP, MULTISET and ROW, cast element by element. A row fails with any of its elements.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, ListArray, MapArray, StructArray};
use arrow::datatypes::DataType;
use chrono_tz::Tz;

use super::array::{Converted, arc, convert as convert_any, no_kernel};
use crate::error::Result;
use crate::types::{RowField, SqlType, TypeKind};

pub(super) fn convert(array: &ArrayRef, from: &SqlType, to: &SqlType, zone: Tz) -> Result<Converted> {
    match (&from.kind, &to.kind) {
        (TypeKind::Array(a), TypeKind::Array(b)) => list(array.as_list(), a, b, &to.arrow(), zone),
        (TypeKind::Map(k1, v1), TypeKind::Map(k2, v2)) => {
            map(array.as_map(), (k1, k2), Some((v1, v2)), &to.arrow(), zone)
        }
        (TypeKind::Multiset(a), TypeKind::Multiset(b)) => map(array.as_map(), (a, b), None, &to.arrow(), zone),
        (TypeKind::Row(a), TypeKind::Row(b)) => row(array.as_struct(), a, b, &to.arrow(), zone),
        (a, b) => Err(no_kernel(a, b)),
    }
}

fn list(lists: &ListArray, from: &SqlType, to: &SqlType, arrow: &DataType, zone: Tz) -> Result<Converted> {
    let DataType::List(field) = arrow else { return Err(no_kernel(&from.kind, &to.kind)) };
    let elements = convert_any(lists.values(), from, to, zone)?;
    let failed = owners(lists.offsets(), lists, &elements.failed);
    let array = ListArray::try_new(field.clone(), lists.offsets().clone(), elements.array, lists.nulls().cloned())?;
    Ok(Converted::new(arc(array), failed))
}

/// A pair of types: from, to.
type Pair<'a> = (&'a SqlType, &'a SqlType);

/// `values` is `None` for a MULTISET, whose counts stay.
fn map(maps: &MapArray, keys: Pair, values: Option<Pair>, arrow: &DataType, zone: Tz) -> Result<Converted> {
    let DataType::Map(entries, sorted) = arrow else { return Err(no_kernel(&keys.0.kind, &keys.1.kind)) };
    let DataType::Struct(fields) = entries.data_type() else { return Err(no_kernel(&keys.0.kind, &keys.1.kind)) };
    let new_keys = convert_any(maps.keys(), keys.0, keys.1, zone)?;
    let new_values = match values {
        Some((from, to)) => convert_any(maps.values(), from, to, zone)?,
        None => maps.values().clone().into(),
    };
    let mut failed = owners(maps.offsets(), maps, &new_keys.failed);
    failed.extend(owners(maps.offsets(), maps, &new_values.failed));
    failed.sort_unstable();
    failed.dedup();
    let (new_keys, mask) = without_null_keys(maps, new_keys.array, &mut failed)?;
    let pairs = StructArray::try_new(fields.clone(), vec![new_keys, new_values.array], None)?;
    let array = MapArray::try_new(entries.clone(), maps.offsets().clone(), pairs, mask, *sorted)?;
    Ok(Converted::new(arc(array), failed))
}

type Mask = Option<arrow::buffer::NullBuffer>;

/// Arrow has no NULL keys: where a key became NULL the whole map fails, and the key's place takes any value.
fn without_null_keys(maps: &MapArray, keys: ArrayRef, failed: &mut Vec<usize>) -> Result<(ArrayRef, Mask)> {
    if keys.null_count() == 0 {
        return Ok((keys, maps.nulls().cloned()));
    }
    let nulls = (0..keys.len()).filter(|&i| keys.is_null(i)).collect::<Vec<_>>();
    failed.extend(owners(maps.offsets(), maps, &nulls));
    failed.sort_unstable();
    failed.dedup();
    let data = keys.to_data().into_builder().nulls(None).build()?;
    Ok((arrow::array::make_array(data), maps.nulls().cloned()))
}

fn row(rows: &StructArray, from: &[RowField], to: &[RowField], arrow: &DataType, zone: Tz) -> Result<Converted> {
    let DataType::Struct(fields) = arrow else {
        return Err(no_kernel(&TypeKind::Row(from.to_vec()), &TypeKind::Row(to.to_vec())));
    };
    let mut columns = Vec::with_capacity(to.len());
    let mut failed = Vec::new();
    for ((column, from), to) in rows.columns().iter().zip(from).zip(to) {
        let column = convert_any(column, &from.ty, &to.ty, zone)?;
        failed.extend(column.failed.into_iter().filter(|&i| rows.is_valid(i)));
        columns.push(column.array);
    }
    failed.sort_unstable();
    failed.dedup();
    let array = match fields.is_empty() {
        true => StructArray::new_empty_fields(rows.len(), rows.nulls().cloned()),
        false => StructArray::try_new(fields.clone(), columns, rows.nulls().cloned())?,
    };
    Ok(Converted::new(Arc::new(array), failed))
}

/// The valid rows that the failed elements belong to.
fn owners(offsets: &[i32], array: &dyn Array, elements: &[usize]) -> Vec<usize> {
    let mut rows = Vec::new();
    for &element in elements {
        let row = offsets.partition_point(|&start| start as usize <= element).saturating_sub(1);
        if row < array.len() && array.is_valid(row) && rows.last() != Some(&row) {
            rows.push(row);
        }
    }
    rows
}
