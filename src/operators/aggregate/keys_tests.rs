use std::collections::HashMap;

use arrow::array::{
    BinaryArray, BooleanArray, Date32Array, Decimal128Array, Float64Array, Int16Array, Int32Array, Int64Array,
    StringArray, UInt32Array,
};
use arrow::compute::{concat, take};
use arrow::datatypes::{Field, Schema};
use arrow::row::{RowConverter, SortField};
use proptest::prelude::*;

use super::*;

fn keys_over(types: &[DataType]) -> GroupKeys {
    let fields: Vec<Field> =
        types.iter().enumerate().map(|(i, ty)| Field::new(format!("k{i}"), ty.clone(), true)).collect();
    GroupKeys::try_new(&Arc::new(Schema::new(fields)), &(0..types.len()).collect::<Vec<_>>()).unwrap()
}

#[test]
fn equal_keys_have_one_slot_and_free_slots_are_used_again() {
    let mut keys = keys_over(&[DataType::Utf8, DataType::Float64]);
    let hosts: ArrayRef = Arc::new(StringArray::from(vec![Some("a"), None, Some("a"), None, Some("a")]));
    let values: ArrayRef = Arc::new(Float64Array::from(vec![0.0, f64::NAN, -0.0, -f64::NAN, 1.0]));
    let columns = [hosts, values];
    assert_eq!(keys.intern(&columns, 5).unwrap(), [0, 1, 0, 1, 2]);
    keys.remove(&[1]);
    keys.remove(&[1]);
    let last: Vec<ArrayRef> = columns.iter().map(|column| column.slice(4, 1)).collect();
    assert_eq!(keys.intern(&last, 1).unwrap(), [2], "the others stay");
    let host: ArrayRef = Arc::new(StringArray::from(vec!["b"]));
    assert_eq!(keys.intern(&[host, last[1].clone()], 1).unwrap(), [1]);
    assert_eq!(keys.slots(), 3);
}

#[test]
fn without_columns_there_is_one_group() {
    let mut keys = keys_over(&[]);
    assert_eq!(keys.slots(), 0);
    assert_eq!(keys.intern(&[], 3).unwrap(), [0, 0, 0]);
    keys.remove(&[0]);
    assert_eq!((keys.intern(&[], 1).unwrap(), keys.slots()), (vec![0], 1));
}

#[test]
fn freed_keys_give_their_memory_back() {
    let mut keys = keys_over(&[DataType::Utf8]);
    for round in 0..50 {
        let texts: ArrayRef = Arc::new(StringArray::from_iter_values((0..1000).map(|i| format!("key {round} {i}"))));
        let slots = keys.intern(std::slice::from_ref(&texts), 1000).unwrap();
        assert_eq!(keys.keys(&slots).unwrap(), [texts]);
        keys.remove(&slots);
    }
    assert_eq!(keys.slots(), 1000);
    assert!(keys.memory() < 500_000, "{}", keys.memory());
}

/// A column of values that often occur twice, of a type by number.
fn column(ty: usize, picks: &[u8]) -> ArrayRef {
    let some = |n: &u8| (!n.is_multiple_of(7)).then_some(*n % 5);
    let picked = || picks.iter().map(some);
    match ty {
        0 => Arc::new(picked().map(|n| n.map(|n| i64::from(n) - 2)).collect::<Int64Array>()),
        1 => Arc::new(picked().map(|n| n.map(|n| "x".repeat(n.into()))).collect::<StringArray>()),
        2 => Arc::new(
            picked().map(|n| n.map(|n| [0.0, -0.0, f64::NAN, -1.5, 1.5][n as usize])).collect::<Float64Array>(),
        ),
        3 => Arc::new(picked().map(|n| n.map(|n| n > 2)).collect::<BooleanArray>()),
        4 => Arc::new(picked().map(|n| n.map(i128::from)).collect::<Decimal128Array>()),
        5 => Arc::new(picked().map(|n| n.map(i32::from)).collect::<Date32Array>()),
        6 => Arc::new(picked().map(|n| n.map(i16::from)).collect::<Int16Array>()),
        7 => Arc::new(picked().map(|n| n.map(|n| vec![0; n.into()])).collect::<BinaryArray>()),
        _ => Arc::new(picked().map(|n| n.map(i32::from)).collect::<Int32Array>()),
    }
}

proptest! {
    #[test]
    fn slots_are_those_of_a_map(
        types in prop::collection::vec(0usize..9, 1..4),
        picks in prop::collection::vec(prop::collection::vec(any::<u8>(), 40), 3),
        removed in prop::collection::vec(0u32..40, 0..20),
    ) {
        let columns: Vec<ArrayRef> = types.iter().zip(&picks).map(|(ty, picks)| column(*ty, picks)).collect();
        let arrow: Vec<DataType> = columns.iter().map(|column| column.data_type().clone()).collect();
        let mut keys = keys_over(&arrow);
        let one: Vec<ArrayRef> = columns.iter().map(canonical).collect();
        let fields = arrow.iter().map(|ty| SortField::new(ty.clone())).collect();
        let rows = RowConverter::new(fields).unwrap().convert_columns(&one).unwrap();
        let mut slots: HashMap<Vec<u8>, u32> = HashMap::new();
        // Twice, from a slice, and with keys that were freed in between.
        for start in [0, 7] {
            let batch: Vec<ArrayRef> = columns.iter().map(|column| column.slice(start, 40 - start)).collect();
            let given = keys.intern(&batch, 40 - start).unwrap();
            for (row, slot) in given.iter().enumerate() {
                let key = rows.row(start + row).as_ref().to_vec();
                prop_assert_eq!(slots.entry(key).or_insert(*slot), slot);
            }
            let distinct: std::collections::HashSet<_> = slots.values().collect();
            prop_assert_eq!(distinct.len(), slots.len(), "one key, one slot");
            let first = UInt32Array::from_iter_values((start as u32)..40);
            for (column, decoded) in one.iter().zip(keys.keys(&given).unwrap()) {
                let expected = take(column, &first, None).unwrap();
                prop_assert_eq!(&decoded.to_data(), &concat(&[&expected]).unwrap().to_data());
            }
            let removed: Vec<u32> = removed.iter().copied().filter(|slot| (*slot as usize) < keys.slots()).collect();
            keys.remove(&removed);
            slots.retain(|_, slot| !removed.contains(slot));
        }
    }
}
