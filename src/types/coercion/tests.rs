//! Type rules against Flink's answers.

use super::*;

/// A type from a golden file.
pub(crate) fn ty(text: &str) -> SqlType {
    use TypeKind::*;
    if let Some(text) = text.strip_suffix(" NOT NULL") {
        return ty(text).with_nullable(false);
    }
    let (name, arguments) = text.split_once('(').unwrap_or((text, ""));
    let mut numbers = arguments.trim_end_matches(')').split(',').filter_map(|n| n.trim().parse::<u32>().ok());
    let mut next = |default: u32| numbers.next().unwrap_or(default);
    SqlType::nullable(match name {
        _ if text.starts_with("ARRAY<") => Array(Box::new(ty(inside(text)))),
        _ if text.starts_with("MAP<") => {
            let (key, value) = inside(text).split_once(',').unwrap_or_else(|| panic!("{text}"));
            Map(Box::new(ty(key)), Box::new(ty(value.trim())))
        }
        _ if text.starts_with("MULTISET<") => Multiset(Box::new(ty(inside(text)))),
        _ if text.starts_with("ROW<") => Row(inside(text).split(',').map(field).collect()),
        "INTERVAL YEAR TO MONTH" => IntervalYearMonth,
        "INTERVAL DAY TO SECOND" => IntervalDayTime,
        "CHAR" => Char(next(1)),
        "VARCHAR" => Varchar(next(1)),
        "STRING" => return SqlType::string(),
        "BOOLEAN" => Boolean,
        "BINARY" => Binary(next(1)),
        "VARBINARY" => Varbinary(next(1)),
        "BYTES" => return SqlType::bytes(),
        "DECIMAL" => Decimal { precision: next(10) as u8, scale: next(0) as u8 },
        "TINYINT" => TinyInt,
        "SMALLINT" => SmallInt,
        "INT" => Int,
        "BIGINT" => BigInt,
        "FLOAT" => Float,
        "DOUBLE" => Double,
        "DATE" => Date,
        "TIME" => Time(next(0) as u8),
        "TIMESTAMP" => Timestamp(next(6) as u8),
        "TIMESTAMP_LTZ" => TimestampLtz(next(6) as u8),
        other => panic!("a golden file names the type {other}"),
    })
}

/// What stands between the angle brackets.
fn inside(text: &str) -> &str {
    text.split_once('<').and_then(|(_, rest)| rest.strip_suffix('>')).unwrap_or_else(|| panic!("{text}"))
}

fn field(text: &str) -> RowField {
    let (name, kind) = text.trim().split_once(' ').unwrap_or_else(|| panic!("{text}"));
    RowField { name: name.trim_matches('`').to_owned(), ty: ty(kind), comment: None }
}

fn rows(golden: &'static str) -> impl Iterator<Item = Vec<&'static str>> {
    golden.lines().filter(|l| !l.starts_with('#')).map(|line| line.split('\t').collect())
}

/// Fails with all rows for which `ours` differs from the last column.
fn compare(golden: &'static str, ours: impl Fn(&[&str]) -> String) {
    let wrong = rows(golden).filter_map(|row| {
        let (flink, inputs) = row.split_last()?;
        let ours = ours(inputs);
        (ours != *flink).then(|| format!("{inputs:?}: {ours} instead of {flink}"))
    });
    let wrong = wrong.collect::<Vec<_>>();
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
}

fn yes(accepted: bool) -> String {
    if accepted { "yes".to_owned() } else { "no".to_owned() }
}

#[test]
fn cast_takes_what_flink_takes() {
    compare(include_str!("../../../tests/golden/cast/explicit.tsv"), |row| {
        yes(explicitly_castable(&ty(row[0]), &ty(row[1])))
    });
}

#[test]
fn insert_takes_what_flink_takes() {
    compare(include_str!("../../../tests/golden/cast/implicit.tsv"), |row| {
        yes(implicitly_castable(&ty(row[0]), &ty(row[1])))
    });
}

#[test]
fn types_meet_as_in_flink() {
    compare(include_str!("../../../tests/golden/cast/common.tsv"), |row| {
        let types = [ty(row[0]), ty(row[1])];
        let common = if row[2] == "CASE" { common_type(&types) } else { common_argument_type(&types) };
        common.map_or("-".to_owned(), |ty| ty.kind.to_string())
    });
}

#[test]
fn decimals_compute_to_the_types_that_flink_gives() {
    for row in rows(include_str!("../../../tests/golden/cast/arithmetic.tsv")) {
        let [left, operator, right, flink] = row[..] else { panic!("{row:?}") };
        if !flink.starts_with("DECIMAL") {
            continue;
        }
        let (left_kind, right_kind) = (ty(left).kind, ty(right).kind);
        let (Some((p1, s1)), Some((p2, s2))) = (integer_as_decimal(&left_kind), integer_as_decimal(&right_kind)) else {
            panic!("{row:?}")
        };
        let derive = match operator {
            "+" | "-" => decimal_plus,
            "*" => decimal_multiply,
            "/" => decimal_divide,
            _ => decimal_modulo,
        };
        let (precision, scale) = derive(p1, s1, p2, s2);
        assert_eq!(TypeKind::Decimal { precision, scale }.to_string(), flink, "{left} {operator} {right}");
    }
}

#[test]
fn null_meets_everything_and_makes_it_nullable() {
    let null = SqlType::nullable(TypeKind::Null);
    let int = SqlType::not_null(TypeKind::Int);
    assert_eq!(common_type(&[null.clone(), int.clone()]), Some(int.clone().with_nullable(true)));
    assert_eq!(common_type(&[null.clone(), null.clone()]), Some(null.clone()));
    assert_eq!(common_type(&[]), None);
    assert!(implicitly_castable(&null, &int) && !explicitly_castable(&int, &null));
}

#[test]
fn a_nullable_element_does_not_fit_one_that_is_not_null() {
    let array = |element: &str| SqlType::nullable(TypeKind::Array(Box::new(ty(element))));
    assert!(implicitly_castable(&array("INT NOT NULL"), &array("BIGINT")));
    assert!(!implicitly_castable(&array("INT"), &array("BIGINT NOT NULL")));
}
