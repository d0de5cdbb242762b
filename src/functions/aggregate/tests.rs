//! Every accumulator: what it answers row by row, after retractions, after a merge, and after its slots were emptied.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, Decimal128Array, Float64Array, Int32Array, StringArray};
use arrow::util::display::array_value_to_string;

use super::*;
use crate::types::SqlType;

fn texts(column: &ArrayRef) -> String {
    let text = |row| match column.is_null(row) {
        true => "NULL".to_string(),
        false => array_value_to_string(column, row).unwrap(),
    };
    (0..column.len()).map(text).collect::<Vec<_>>().join(" ")
}

fn made(name: &str, ty: &str, retracts: bool) -> Box<dyn Accumulator> {
    let function = find(name).unwrap();
    let signature = function.signature(&[SqlType::parse(ty).unwrap()]).unwrap();
    let mut made = function.accumulator(&signature, retracts).unwrap();
    made.grow(3);
    made
}

fn numbers(values: &[Option<i32>]) -> Vec<ArrayRef> {
    vec![Arc::new(Int32Array::from(values.to_vec()))]
}

#[test]
fn each_row_is_answered_and_null_is_no_value() {
    let slots = [0, 1, 0, 0, 1];
    let values = numbers(&[Some(3), None, Some(4), None, Some(-2)]);
    for (name, expected) in [
        ("COUNT", "1 0 2 2 1"),
        ("SUM", "3 NULL 7 7 -2"),
        ("AVG", "3 NULL 3 3 -2"),
        ("MIN", "3 NULL 3 3 -2"),
        ("MAX", "3 NULL 4 4 -2"),
    ] {
        for retracts in [false, true] {
            let mut made = made(name, "INT", retracts);
            assert_eq!(texts(&made.update_each(&slots, &values, Signs::Added).unwrap()), expected, "{name}");
            let ends = texts(&made.evaluate(&[0, 1, 2]).unwrap());
            let words: Vec<_> = expected.split(' ').collect();
            let empty = if name == "COUNT" { "0" } else { "NULL" };
            assert_eq!(ends, format!("{} {} {empty}", words[3], words[4]), "{name}");
        }
    }
}

#[test]
fn what_is_retracted_is_as_if_it_had_never_come() {
    let slots = [0; 5];
    let values = numbers(&[Some(5), Some(9), Some(5), Some(9), Some(5)]);
    let signs = [1, 1, 1, -1, -1];
    for (name, expected) in [
        ("COUNT", "1 2 3 2 1"),
        ("SUM", "5 14 19 10 5"),
        ("AVG", "5 7 6 5 5"),
        ("MIN", "5 5 5 5 5"),
        ("MAX", "5 9 9 5 5"),
    ] {
        let mut made = made(name, "INT", true);
        assert_eq!(texts(&made.update_each(&slots, &values, Signs::Each(&signs)).unwrap()), expected, "{name}");
        made.update(&[0], &numbers(&[Some(5)]), Signs::Each(&[-1])).unwrap();
        assert_eq!(texts(&made.evaluate(&[0]).unwrap()), if name == "COUNT" { "0" } else { "NULL" }, "{name}");
    }
}

#[test]
fn merging_is_adding_and_clearing_is_beginning_anew() {
    for name in ["COUNT", "SUM", "AVG", "MIN", "MAX"] {
        for retracts in [false, true] {
            let whole = numbers(&[Some(7), Some(1), Some(4), None, Some(1)]);
            let slots = [0, 1, 0, 1, 1];
            let mut all = made(name, "INT", retracts);
            all.update(&slots, &whole, Signs::Added).unwrap();
            let (mut left, mut right) = (made(name, "INT", retracts), made(name, "INT", retracts));
            left.update(&slots[..2], &[whole[0].slice(0, 2)], Signs::Added).unwrap();
            right.update(&slots[2..], &[whole[0].slice(2, 3)], Signs::Added).unwrap();
            left.merge(&[1, 0, 2], &right.state(&[1, 0, 2]).unwrap()).unwrap();
            assert_eq!(texts(&left.evaluate(&[0, 1, 2]).unwrap()), texts(&all.evaluate(&[0, 1, 2]).unwrap()), "{name}");
            left.clear(&[0]);
            assert_eq!(texts(&left.evaluate(&[0]).unwrap()), if name == "COUNT" { "0" } else { "NULL" });
            assert!(left.memory() > 0);
        }
    }
}

#[test]
fn distinct_hears_of_each_value_once() {
    let slots = [0, 0, 1, 0, 0, 0];
    let values = numbers(&[Some(2), Some(2), Some(2), None, Some(3), Some(2)]);
    let signs = [1, 1, 1, 1, 1, -1];
    for (name, expected) in [("COUNT", "1 1 1 1 2 2"), ("SUM", "2 2 2 2 5 5")] {
        let types = [arrow::datatypes::DataType::Int32];
        let mut distinct = Distinct::boxed(made(name, "INT", true), &types).unwrap();
        distinct.grow(3);
        assert_eq!(texts(&distinct.update_each(&slots, &values, Signs::Each(&signs)).unwrap()), expected);
        let mut other = Distinct::boxed(made(name, "INT", true), &types).unwrap();
        other.grow(3);
        other.update(&[0, 0], &numbers(&[Some(3), Some(4)]), Signs::Added).unwrap();
        distinct.merge(&[0], &other.state(&[0]).unwrap()).unwrap();
        assert_eq!(texts(&distinct.evaluate(&[0]).unwrap()), if name == "COUNT" { "3" } else { "9" });
        distinct.update(&[0], &numbers(&[Some(2)]), Signs::Each(&[-1])).unwrap();
        assert_eq!(texts(&distinct.evaluate(&[0]).unwrap()), if name == "COUNT" { "2" } else { "7" });
        distinct.clear(&[0]);
        distinct.update(&[0], &numbers(&[Some(4)]), Signs::Added).unwrap();
        assert_eq!(texts(&distinct.evaluate(&[0]).unwrap()), if name == "COUNT" { "1" } else { "4" });
    }
}

#[test]
fn results_have_flinks_types() {
    let typed = |name: &str, ty: &str| {
        let signature = find(name).unwrap().signature(&[SqlType::parse(ty).unwrap()]);
        signature.map_or("none".to_string(), |signature| signature.returns.to_string())
    };
    for (name, ty, expected) in [
        ("COUNT", "STRING", "BIGINT NOT NULL"),
        ("SUM", "INT", "INT"),
        ("SUM", "DECIMAL(10, 2)", "DECIMAL(38, 2)"),
        ("SUM", "STRING", "none"),
        ("AVG", "INT", "INT"),
        ("AVG", "FLOAT", "FLOAT"),
        ("AVG", "DECIMAL(10, 2)", "DECIMAL(38, 6)"),
        ("AVG", "DECIMAL(10, 8)", "DECIMAL(38, 8)"),
        ("MAX", "STRING", "STRING"),
        ("MIN", "TIMESTAMP(3)", "TIMESTAMP(3)"),
    ] {
        assert_eq!(typed(name, ty), expected, "{name}({ty})");
    }
}

#[test]
fn whole_numbers_wrap_and_decimals_end_in_null() {
    let mut sum = made("SUM", "INT", false);
    sum.update(&[0, 0], &numbers(&[Some(i32::MAX), Some(1)]), Signs::Added).unwrap();
    assert_eq!(texts(&sum.evaluate(&[0]).unwrap()), i32::MIN.to_string());
    let nines: ArrayRef =
        Arc::new(Decimal128Array::from(vec![10i128.pow(38) - 1; 2]).with_precision_and_scale(38, 0).unwrap());
    let mut sum = made("SUM", "DECIMAL(38, 0)", false);
    sum.update(&[0, 1], std::slice::from_ref(&nines), Signs::Added).unwrap();
    sum.update(&[0], &[nines.slice(0, 1)], Signs::Added).unwrap();
    assert_eq!(texts(&sum.evaluate(&[0, 1]).unwrap()), format!("NULL {}", 10i128.pow(38) - 1));
    let mut mean = made("AVG", "DECIMAL(3, 1)", false);
    let values: ArrayRef = Arc::new(Decimal128Array::from(vec![10, 10, 15]).with_precision_and_scale(3, 1).unwrap());
    mean.update(&[0, 0, 0], &[values], Signs::Added).unwrap();
    assert_eq!(texts(&mean.evaluate(&[0]).unwrap()), "1.166667");
    let mut mean = made("AVG", "DOUBLE", true);
    let values: Vec<ArrayRef> = vec![Arc::new(Float64Array::from(vec![1.0, 2.0, 4.0]))];
    mean.update(&[0, 0, 0], &values, Signs::Each(&[1, 1, -1])).unwrap();
    assert_eq!(texts(&mean.evaluate(&[0]).unwrap()), "-1.0");
}

#[test]
fn text_has_an_order_too() {
    let values: Vec<ArrayRef> = vec![Arc::new(StringArray::from(vec![Some("b"), None, Some("a"), Some("c")]))];
    for retracts in [false, true] {
        let mut max = made("MAX", "STRING", retracts);
        assert_eq!(texts(&max.update_each(&[0; 4], &values, Signs::Added).unwrap()), "b b b c");
        let mut min = made("MIN", "STRING", retracts);
        assert_eq!(texts(&min.update_each(&[0; 4], &values, Signs::Added).unwrap()), "b b a a");
    }
}
