//! Accumulators that keep values in the order of their arrival: results, retractions, merges.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int32Array, StringArray};
use arrow::util::display::array_value_to_string;

use super::*;

fn made(name: &str, types: &[&str], retracts: bool) -> Box<dyn Accumulator> {
    let function = find(name).unwrap();
    let types: Vec<SqlType> = types.iter().map(|ty| SqlType::parse(ty).unwrap()).collect();
    let mut made = function.accumulator(&function.signature(&types).unwrap(), retracts).unwrap();
    made.grow(2);
    made
}

fn texts(values: &[Option<&str>]) -> Vec<ArrayRef> {
    vec![Arc::new(StringArray::from(values.to_vec()))]
}

fn shown(column: &ArrayRef) -> Vec<String> {
    let text = |row| match column.is_null(row) {
        true => "NULL".to_string(),
        false => array_value_to_string(column, row).unwrap(),
    };
    (0..column.len()).map(text).collect()
}

const NAMES: [&str; 5] = ["FIRST_VALUE", "LAST_VALUE", "LISTAGG", "ARRAY_AGG", "COLLECT"];

#[test]
fn values_keep_the_order_of_their_arrival_and_nulls_are_none_except_in_arrays() {
    let values = texts(&[None, Some("b"), Some("a"), None, Some("b")]);
    for retracts in [false, true] {
        for (name, expected, empty) in [
            ("FIRST_VALUE", ["NULL", "b", "b", "b", "b"], "NULL"),
            ("LAST_VALUE", ["NULL", "b", "a", "a", "b"], "NULL"),
            ("LISTAGG", ["NULL", "b", "b,a", "b,a", "b,a,b"], "NULL"),
            ("ARRAY_AGG", ["[]", "[, b]", "[, b, a]", "[, b, a, ]", "[, b, a, , b]"], "NULL"),
            ("COLLECT", ["{}", "{b: 1}", "{a: 1, b: 1}", "{a: 1, b: 1}", "{a: 1, b: 2}"], "{}"),
        ] {
            let mut made = made(name, &["STRING"], retracts);
            assert_eq!(shown(&made.update_each(&[0; 5], &values, Signs::Added).unwrap()), expected, "{name}");
            assert_eq!(shown(&made.evaluate(&[0, 1]).unwrap()), [expected[4], empty], "{name}");
            assert!(made.memory() > 0);
            made.clear(&[0]);
            assert_eq!(shown(&made.evaluate(&[0]).unwrap()), [empty], "{name}");
        }
    }
}

#[test]
fn a_value_that_is_taken_back_leaves_at_its_first_place() {
    let values = texts(&[Some("a"), Some("b"), Some("a"), Some("a"), Some("c"), Some("b"), Some("x")]);
    let signs = [1, 1, 1, -1, 1, -1, -1];
    for (name, expected) in [
        ("FIRST_VALUE", ["a", "a", "a", "b", "b", "a", "a"]),
        ("LAST_VALUE", ["a", "b", "a", "a", "c", "c", "c"]),
        ("LISTAGG", ["a", "a,b", "a,b,a", "b,a", "b,a,c", "a,c", "a,c"]),
        ("ARRAY_AGG", ["[a]", "[a, b]", "[a, b, a]", "[b, a]", "[b, a, c]", "[a, c]", "[a, c]"]),
        (
            "COLLECT",
            [
                "{a: 1}",
                "{a: 1, b: 1}",
                "{a: 2, b: 1}",
                "{a: 1, b: 1}",
                "{a: 1, b: 1, c: 1}",
                "{a: 1, c: 1}",
                "{a: 1, c: 1}",
            ],
        ),
    ] {
        let mut made = made(name, &["STRING"], true);
        let told = shown(&made.update_each(&[0; 7], &values, Signs::Each(&signs)).unwrap());
        assert_eq!(told, expected, "{name}");
        made.update(&[0, 0], &texts(&[Some("a"), Some("c")]), Signs::Each(&[-1, -1])).unwrap();
        let empty = if name == "COLLECT" { "{}" } else { "NULL" };
        assert_eq!(shown(&made.evaluate(&[0]).unwrap()), [empty], "{name}");
    }
}

#[test]
fn what_is_merged_comes_behind_and_what_it_takes_back_goes() {
    for retracts in [false, true] {
        for (name, expected, rest) in [
            ("FIRST_VALUE", "a", "c"),
            ("LAST_VALUE", "b", "b"),
            ("LISTAGG", "a,c,b", "c,b"),
            ("ARRAY_AGG", "[a, c, b]", "[c, b]"),
            ("COLLECT", "{a: 1, b: 1, c: 1}", "{b: 1, c: 1}"),
        ] {
            let mut early = made(name, &["STRING"], retracts);
            let mut late = made(name, &["STRING"], retracts);
            early.update(&[1, 1], &texts(&[Some("a"), Some("c")]), Signs::Added).unwrap();
            late.update(&[0], &texts(&[Some("b")]), Signs::Added).unwrap();
            early.merge(&[1, 0], &late.state(&[0, 1]).unwrap()).unwrap();
            assert_eq!(shown(&early.evaluate(&[1]).unwrap()), [expected], "{name}");
            if retracts {
                let mut last = made(name, &["STRING"], true);
                last.update(&[0], &texts(&[Some("a")]), Signs::Each(&[-1])).unwrap();
                early.merge(&[1], &last.state(&[0]).unwrap()).unwrap();
                assert_eq!(shown(&early.evaluate(&[1]).unwrap()), [rest], "{name}");
            }
        }
    }
}

#[test]
fn a_value_that_is_taken_back_again_and_again_before_it_came_is_kept_once() {
    let mut made_up = made("LISTAGG", &["STRING"], true);
    let retract = |made_up: &mut Box<dyn Accumulator>, times: usize| {
        (0..times).for_each(|_| made_up.update(&[0], &texts(&[Some("a")]), Signs::Each(&[-1])).unwrap());
        made_up.memory()
    };
    let held = retract(&mut made_up, 1);
    assert_eq!(retract(&mut made_up, 2), held);
    let mut next = made("LISTAGG", &["STRING"], true);
    next.grow(1);
    next.restore(&[0], &super::restart_tests::saved(&*made_up, &[0])).unwrap();
    let mut come = made("LISTAGG", &["STRING"], true);
    come.update(&[0; 5], &texts(&[Some("a"), Some("a"), Some("b"), Some("a"), Some("a")]), Signs::Added).unwrap();
    next.merge(&[0], &come.state(&[0]).unwrap()).unwrap();
    assert_eq!(shown(&next.evaluate(&[0]).unwrap()), ["b,a"], "three are owed");
}

#[test]
fn distinct_values_come_once_and_null_is_one_of_them_for_arrays() {
    let types = [arrow::datatypes::DataType::Utf8];
    let values = texts(&[Some("a"), None, Some("a"), None, Some("b"), Some("a"), Some("a")]);
    let signs = [1, 1, 1, 1, 1, -1, -1];
    for (name, expected) in
        [("FIRST_VALUE", "b"), ("LAST_VALUE", "b"), ("LISTAGG", "b"), ("ARRAY_AGG", "[, b]"), ("COLLECT", "{b: 1}")]
    {
        let mut distinct = Distinct::boxed(made(name, &["STRING"], true), &types).unwrap();
        distinct.grow(2);
        distinct.update(&[0; 7], &values, Signs::Each(&signs)).unwrap();
        assert_eq!(shown(&distinct.evaluate(&[0]).unwrap()), [expected], "{name}");
        let mut other = Distinct::boxed(made(name, &["STRING"], true), &types).unwrap();
        other.grow(2);
        other.merge(&[1], &distinct.state(&[0]).unwrap()).unwrap();
        assert_eq!(shown(&other.evaluate(&[1]).unwrap()), [expected], "{name}");
    }
}

#[test]
fn listagg_joins_by_its_separator() {
    let texts: Vec<ArrayRef> = vec![
        Arc::new(StringArray::from(vec![Some("a"), None, Some(""), Some("b")])),
        Arc::new(StringArray::from(vec!["; "; 4])),
    ];
    let mut joined = made("LISTAGG", &["STRING", "CHAR(2)"], false);
    let told = joined.update_each(&[0, 1, 0, 0], &texts, Signs::Added).unwrap();
    assert_eq!(shown(&told), ["a", "NULL", "a; ", "a; ; b"]);
    let mut other = made("LISTAGG", &["STRING", "CHAR(2)"], false);
    other.merge(&[1], &joined.state(&[0]).unwrap()).unwrap();
    assert_eq!(shown(&other.evaluate(&[1]).unwrap()), ["a; ; b"]);
}

#[test]
fn a_second_row_is_an_error_for_a_single_value() {
    let number = |n: Option<i32>| -> Vec<ArrayRef> { vec![Arc::new(Int32Array::from(vec![n]))] };
    let mut single = made("SINGLE_VALUE", &["INT"], true);
    assert_eq!(shown(&single.update_each(&[0], &number(Some(7)), Signs::Added).unwrap()), ["7"]);
    single.update(&[0], &number(Some(7)), Signs::Each(&[-1])).unwrap();
    assert_eq!(shown(&single.evaluate(&[0]).unwrap()), ["NULL"]);
    single.update(&[0], &number(None), Signs::Added).unwrap();
    let mut other = made("SINGLE_VALUE", &["INT"], true);
    other.update(&[1], &number(Some(8)), Signs::Added).unwrap();
    single.merge(&[1], &other.state(&[1]).unwrap()).unwrap();
    assert_eq!(shown(&single.evaluate(&[0, 1]).unwrap()), ["NULL", "8"]);
    let error = single.merge(&[1], &other.state(&[1]).unwrap()).unwrap_err();
    assert_eq!(error.message(), "SINGLE_VALUE received more than one row");
    let error = single.update(&[0], &number(Some(8)), Signs::Added).unwrap_err();
    assert_eq!(error.message(), "SINGLE_VALUE received more than one row");
}

#[test]
fn nested_values_are_values_too() {
    for name in NAMES {
        for retracts in [false, true] {
            let ty = SqlType::parse("MAP<STRING, ARRAY<INT>>").unwrap();
            let signature = find(name).unwrap().signature(std::slice::from_ref(&ty));
            let Some(signature) = signature else {
                assert_eq!(name, "LISTAGG");
                continue;
            };
            let mut made = find(name).unwrap().accumulator(&signature, retracts).unwrap();
            made.grow(1);
            let value = arrow::array::new_null_array(&ty.arrow(), 1);
            made.update(&[0], &[value], Signs::Added).unwrap();
            let result = made.evaluate(&[0]).unwrap();
            assert_eq!(result.data_type(), &signature.returns.arrow(), "{name}");
        }
    }
}

#[test]
fn results_have_flinks_types() {
    let typed = |name: &str, types: &[&str]| {
        let types: Vec<SqlType> = types.iter().map(|ty| SqlType::parse(ty).unwrap()).collect();
        let signature = find(name).unwrap().signature(&types);
        signature.map_or("none".to_string(), |signature| signature.returns.to_string())
    };
    for (name, types, expected) in [
        ("FIRST_VALUE", &["INT NOT NULL"][..], "INT NOT NULL"),
        ("LAST_VALUE", &["ARRAY<INT>"], "ARRAY<INT>"),
        ("LAST_VALUE", &["INT", "INT"], "none"),
        ("LISTAGG", &["VARCHAR(5)", "CHAR(1) NOT NULL"], "VARCHAR(5)"),
        ("LISTAGG", &["CHAR(3) NOT NULL"], "CHAR(3) NOT NULL"),
        ("LISTAGG", &["INT"], "none"),
        ("ARRAY_AGG", &["INT"], "ARRAY<INT>"),
        ("ARRAY_AGG", &["INT NOT NULL"], "ARRAY<INT NOT NULL> NOT NULL"),
        ("COLLECT", &["CHAR(3)"], "MULTISET<CHAR(3)> NOT NULL"),
        ("SINGLE_VALUE", &["INT NOT NULL"], "INT NOT NULL"),
        ("SINGLE_VALUE", &["ARRAY<INT>"], "none"),
        ("VAR_POP", &["DECIMAL(10, 2)"], "DECIMAL(38, 6)"),
        ("STDDEV", &["STRING"], "none"),
    ] {
        assert_eq!(typed(name, types), expected, "{name}({types:?})");
    }
}

/// What the functions say of a plain list of what has come and not been taken back.
fn told_of(list: &[String]) -> [String; 4] {
    let or_null = |text: Option<String>| text.unwrap_or("NULL".to_string());
    let all = (!list.is_empty()).then(|| list.join(","));
    [
        or_null(list.first().cloned()),
        or_null(list.last().cloned()),
        or_null(all.clone()),
        or_null(all.map(|all| format!("[{}]", all.replace(',', ", ")))),
    ]
}

#[test]
fn rows_by_chance_give_what_a_plain_list_gives_with_and_without_a_merge() {
    let mut state = 7u64;
    let mut chance = |below: usize| {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (state >> 33) as usize % below
    };
    for _ in 0..50 {
        let (mut list, mut values, mut signs): (Vec<String>, Vec<String>, Vec<i8>) = Default::default();
        for _ in 0..chance(60) {
            match list.is_empty() || chance(3) > 0 {
                true => {
                    let value = format!("v{}", chance(5));
                    list.push(value.clone());
                    values.push(value);
                    signs.push(1);
                }
                false => {
                    let value = list[chance(list.len())].clone();
                    let first = list.iter().position(|known| *known == value).unwrap();
                    values.push(list.remove(first));
                    signs.push(-1);
                }
            }
        }
        let column: Vec<ArrayRef> = vec![Arc::new(StringArray::from(values.clone()))];
        let cut = chance(values.len() + 1);
        for (name, expected) in NAMES.iter().zip(told_of(&list)) {
            let mut whole = made(name, &["STRING"], true);
            whole.update(&vec![0; values.len()], &column, Signs::Each(&signs)).unwrap();
            assert_eq!(shown(&whole.evaluate(&[0]).unwrap()), [expected.as_str()], "{name}");
            let (mut early, mut late) = (made(name, &["STRING"], true), made(name, &["STRING"], true));
            let part = |from: usize, to: usize| vec![column[0].slice(from, to - from)];
            early.update(&vec![0; cut], &part(0, cut), Signs::Each(&signs[..cut])).unwrap();
            late.update(&vec![0; values.len() - cut], &part(cut, values.len()), Signs::Each(&signs[cut..])).unwrap();
            // A value that comes late and goes late is the late one of its kind, where the early one should have gone.
            let counted = |result: &ArrayRef| {
                let text = shown(result).concat();
                let mut words: Vec<String> = text.split([',', '[', ']', ' ']).map(str::to_string).collect();
                words.sort();
                words
            };
            early.merge(&[0], &late.state(&[0]).unwrap()).unwrap();
            if !name.ends_with("_VALUE") {
                assert_eq!(counted(&early.evaluate(&[0]).unwrap()), counted(&whole.evaluate(&[0]).unwrap()), "{name}");
            }
        }
    }
}
