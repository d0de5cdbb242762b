//! Casts against Flink's answers, and what must hold for any input.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, Decimal128Array, Float64Array, Int32Array, Int32Builder, Int64Array, ListBuilder,
    MapBuilder, MapFieldNames, RecordBatch, StringArray, StringBuilder, StructArray,
};
use arrow::datatypes::{DataType, Float64Type, Int32Type};
use chrono_tz::Tz;
use datafusion::common::{DFSchema, Result as DfResult};
use datafusion::logical_expr::execution_props::ExecutionProps;
use datafusion::logical_expr::physical_planning_context::PhysicalPlanningContext;
use datafusion::logical_expr::{Expr, col};
use datafusion::physical_expr::create_physical_expr;
use proptest::prelude::*;

use super::{CastMode, cast, cast_array};
use crate::error::{Error, ErrorKind, Result};
use crate::functions::TypedExpr;
use crate::time::{Clock, ManualClock};
use crate::types::coercion::tests::ty;
use crate::types::coercion::{explicitly_castable, implicitly_castable};
use crate::types::print::{PrintStyle, Printer};
use crate::types::{RowField, SqlType, TimeAttribute, TypeKind};

fn strings(texts: &[Option<&str>]) -> ArrayRef {
    Arc::new(texts.iter().copied().collect::<StringArray>())
}

/// `text` as `from` as `to` as text; `None` for NULL.
fn through(text: &str, from: &SqlType, to: &SqlType, mode: CastMode) -> Result<Option<String>> {
    let zone = Tz::Europe__Berlin;
    let input = cast_array(&strings(&[Some(text)]), &SqlType::string(), from, CastMode::Explicit, zone)?;
    let output = cast_array(&input, from, to, mode, zone)?;
    assert_eq!(*output.data_type(), to.arrow(), "{from} as {to}");
    let shown = cast_array(&output, to, &SqlType::string(), CastMode::Explicit, zone)?;
    let shown = shown.as_string::<i32>();
    Ok(shown.is_valid(0).then(|| shown.value(0).to_owned()))
}

fn rows(golden: &'static str) -> impl Iterator<Item = Vec<&'static str>> {
    golden.lines().filter(|l| !l.starts_with('#')).map(|line| line.split('\t').collect())
}

#[test]
fn values_are_cast_as_in_flink_but_for_the_listed_differences() {
    let mut differences = rows(include_str!("../../../tests/golden/cast/differences.tsv"))
        .map(|row| ((row[0], row[1], row[2]), row[3]))
        .collect::<std::collections::HashMap<_, _>>();
    let mut wrong = Vec::new();
    for row in rows(include_str!("../../../tests/golden/cast/values.tsv")) {
        let [from, input, to, flink] = row[..] else { panic!("{row:?}") };
        let expected = differences.remove(&(from, input, to)).unwrap_or(flink);
        let actual = through(input, &ty(from), &ty(to), CastMode::Try);
        let actual = actual.map(|text| text.map_or("<NULL>".to_owned(), |text| text.replace('\0', "\\0")));
        if !actual.as_ref().is_ok_and(|text| text == expected) {
            wrong.push(format!("'{input}' from {from} to {to}: {actual:?} instead of {expected:?}"));
        }
    }
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
    assert!(differences.is_empty(), "not in values.tsv: {differences:?}");
}

#[test]
fn a_value_that_cannot_be_cast_fails_by_name() {
    for (input, from, to, message) in [
        ("abc", "STRING", "INT", "cannot cast 'abc' to INT"),
        ("300", "STRING", "TINYINT", "cannot cast '300' to TINYINT"),
        ("maybe", "STRING", "BOOLEAN", "cannot cast 'maybe' to BOOLEAN"),
        ("maybe", "STRING", "TIMESTAMP(3)", "cannot cast 'maybe' to TIMESTAMP(3)"),
        ("2020-02-30", "STRING", "DATE", "cannot cast '2020-02-30' to DATE"),
        ("12345.678", "STRING", "DECIMAL(5,2)", "cannot cast '12345.678' to DECIMAL(5, 2)"),
        ("NaN", "DOUBLE", "DECIMAL(5,2)", "cannot cast NaN to DECIMAL(5, 2)"),
        ("9999-12-31", "DATE", "TIMESTAMP(9)", "cannot cast 9999-12-31 to TIMESTAMP(9)"),
    ] {
        let error = through(input, &ty(from), &ty(to), CastMode::Explicit).err();
        assert_eq!(error.as_ref().map(|e| (e.kind(), e.message())), Some((ErrorKind::Data, message)));
    }
    // A number without room is NULL, not an error.
    for mode in [CastMode::Explicit, CastMode::Implicit] {
        assert!(matches!(through("1234.5", &ty("DOUBLE"), &ty("DECIMAL(5,2)"), mode), Ok(None)));
    }
}

fn clock() -> Arc<dyn Clock> {
    Arc::new(ManualClock::new(0))
}

fn column(ty: &SqlType) -> TypedExpr {
    TypedExpr { expr: col("c"), ty: ty.clone(), time_attribute: Some(TimeAttribute::Rowtime) }
}

fn planned(from: &SqlType, to: &SqlType, mode: CastMode) -> Result<TypedExpr> {
    cast(column(from), to, mode, Tz::UTC, clock())
}

#[test]
fn a_cast_that_changes_nothing_adds_nothing() -> Result<()> {
    for (from, to) in
        [("VARCHAR(3)", "STRING"), ("CHAR(3)", "VARCHAR(3)"), ("INT", "INT"), ("TIMESTAMP(1)", "TIMESTAMP(3)")]
    {
        let cast = planned(&ty(from), &ty(to), CastMode::Implicit)?;
        assert_eq!((cast.expr, cast.time_attribute), (col("c"), Some(TimeAttribute::Rowtime)));
    }
    // Two casts of one column are two columns.
    let names = [("INT", CastMode::Explicit), ("INT", CastMode::Try), ("DECIMAL(5, 2)", CastMode::Explicit)]
        .map(|(to, mode)| planned(&SqlType::string(), &ty(to), mode).map(|cast| cast.expr.schema_name().to_string()));
    assert_eq!(
        names.map(Result::ok),
        ["CAST<INT>(c)", "TRY_CAST<INT>(c)", "CAST<DECIMAL(5, 2)>(c)"].map(|n| Some(n.to_owned()))
    );
    // Said out loud it ends being a time attribute.
    assert_eq!(planned(&ty("TIMESTAMP(3)"), &ty("TIMESTAMP(3)"), CastMode::Explicit)?.time_attribute, None);
    Ok(())
}

#[test]
fn casts_know_whether_they_give_null() -> Result<()> {
    for (from, to, mode, nullable) in [
        ("INT", "STRING", CastMode::Explicit, false),
        ("INT", "BIGINT", CastMode::Implicit, false),
        ("STRING", "INT", CastMode::Try, true),
        ("INT", "DECIMAL(10, 0)", CastMode::Implicit, false),
        ("INT", "DECIMAL(9, 0)", CastMode::Implicit, true),
        ("DECIMAL(3, 2)", "DECIMAL(2, 1)", CastMode::Explicit, true),
        ("DECIMAL(3, 2)", "DECIMAL(3, 1)", CastMode::Explicit, false),
        ("DOUBLE", "DECIMAL(38, 0)", CastMode::Explicit, true),
    ] {
        let cast = planned(&ty(from).with_nullable(false), &ty(to), mode)?;
        assert_eq!(cast.ty, ty(to).with_nullable(nullable), "{from} to {to}");
    }
    Ok(())
}

#[test]
fn an_impossible_cast_is_a_statement_error_with_a_way_out() {
    for (from, to, mode, message, hint) in [
        ("INT", "TIMESTAMP_LTZ(3)", CastMode::Explicit, "cannot cast INT to TIMESTAMP_LTZ(3)", "TO_TIMESTAMP_LTZ"),
        ("INT", "TIMESTAMP(3)", CastMode::Try, "cannot cast INT to TIMESTAMP(3)", "TO_TIMESTAMP"),
        ("TIMESTAMP(3)", "BIGINT", CastMode::Explicit, "cannot cast TIMESTAMP(3) to BIGINT", "UNIX_TIMESTAMP"),
        ("STRING", "INT", CastMode::Implicit, "cannot use STRING where INT is wanted", "CAST(… AS INT)"),
    ] {
        let error = planned(&ty(from), &ty(to), mode).err();
        let error = error.as_ref().map(|e| (e.kind(), e.message(), e.hint().is_some_and(|h| h.contains(hint))));
        assert_eq!(error, Some((ErrorKind::Statement, message, true)));
    }
}

#[test]
fn a_planned_cast_computes_through_datafusion() -> Result<()> {
    let batch = RecordBatch::try_from_iter([("c", strings(&[Some("1"), None, Some("x")]))])?;
    let schema = DFSchema::try_from(batch.schema()).map_err(|e| Error::internal(e.to_string()))?;
    let run = |expr: &Expr| -> DfResult<ArrayRef> {
        create_physical_expr(expr, &schema, &ExecutionProps::new(), &PhysicalPlanningContext::default())?
            .evaluate(&batch)?
            .into_array(3)
    };
    let tried = run(&planned(&SqlType::string(), &ty("INT"), CastMode::Try)?.expr)
        .map_err(|e| Error::from_datafusion(ErrorKind::Internal, e))?;
    assert_eq!(tried.as_primitive::<Int32Type>(), &Int32Array::from(vec![Some(1), None, None]));
    let failed = run(&planned(&SqlType::string(), &ty("INT"), CastMode::Explicit)?.expr);
    let failed = failed.err().map(|e| Error::from_datafusion(ErrorKind::Internal, e));
    assert_eq!(failed.as_ref().map(|e| e.message()), Some("cannot cast 'x' to INT"));
    Ok(())
}

#[test]
fn a_collection_is_cast_by_elements_and_fails_as_a_whole() -> Result<()> {
    let array_of = |element: SqlType| SqlType::nullable(TypeKind::Array(Box::new(element)));
    let mut builder = ListBuilder::new(StringBuilder::new());
    builder.append_value([Some("1"), None, Some("2")]);
    builder.append_null();
    builder.append_value([Some("3"), Some("x")]);
    let lists: ArrayRef = Arc::new(builder.finish());
    let (from, to) = (array_of(SqlType::string()), array_of(ty("INT")));
    let cast = cast_array(&lists, &from, &to, CastMode::Try, Tz::UTC)?;
    let mut expected = ListBuilder::new(Int32Builder::new());
    expected.append_value([Some(1), None, Some(2)]);
    expected.append_null();
    expected.append_null();
    assert_eq!(cast.as_list::<i32>(), &expected.finish());
    let error = cast_array(&lists, &from, &to, CastMode::Explicit, Tz::UTC).err();
    assert_eq!(error.as_ref().map(|e| e.message()), Some("cannot cast [3, x] to ARRAY<INT>"));
    // A slice knows its own rows.
    let cast = cast_array(&lists.slice(2, 1), &from, &to, CastMode::Try, Tz::UTC)?;
    assert!(cast.len() == 1 && cast.is_null(0));
    Ok(())
}

#[test]
fn rows_and_maps_are_cast_by_fields_keys_and_values() -> Result<()> {
    let field = |name: &str, ty: SqlType| RowField { name: name.to_owned(), ty, comment: None };
    let row = |a: &str, b: &str| SqlType::nullable(TypeKind::Row(vec![field("a", ty(a)), field("b", ty(b))]));
    let (from, to) = (row("STRING", "INT"), row("INT", "STRING"));
    let columns = vec![strings(&[Some("1"), Some("x")]), Arc::new(Int32Array::from(vec![2, 3])) as ArrayRef];
    let DataType::Struct(fields) = from.arrow() else { panic!("{from}") };
    let rows: ArrayRef = Arc::new(StructArray::try_new(fields, columns, None)?);
    let cast = cast_array(&rows, &from, &to, CastMode::Try, Tz::UTC)?;
    assert_eq!(*cast.data_type(), to.arrow());
    assert_eq!(shown(&cast, &to), ["(1, 2)", "<NULL>"]);

    let map = |key: &str, value: &str| SqlType::nullable(TypeKind::Map(Box::new(ty(key)), Box::new(ty(value))));
    let (from, to) = (map("STRING", "STRING"), map("INT", "DOUBLE"));
    let names = MapFieldNames { entry: "entries".into(), key: "key".into(), value: "value".into() };
    let mut builder = MapBuilder::new(Some(names), StringBuilder::new(), StringBuilder::new());
    for (key, value) in [("1", "2"), ("x", "3")] {
        builder.keys().append_value(key);
        builder.values().append_value(value);
        builder.append(true)?;
    }
    let maps: ArrayRef = Arc::new(builder.finish());
    let cast = cast_array(&maps, &from, &to, CastMode::Try, Tz::UTC)?;
    assert_eq!(*cast.data_type(), to.arrow());
    assert_eq!(shown(&cast, &to), ["{1=2.0}", "<NULL>"]);
    Ok(())
}

fn shown(array: &ArrayRef, ty: &SqlType) -> Vec<String> {
    let printer = Printer::new(array.as_ref(), ty, Tz::UTC, PrintStyle::Client);
    let show = |row| {
        let mut out = String::new();
        printer.print(row, &mut out);
        out
    };
    (0..array.len()).map(show).collect()
}

const TYPES: &[&str] = &[
    "CHAR(3)",
    "VARCHAR(5)",
    "STRING",
    "BOOLEAN",
    "BINARY(3)",
    "BYTES",
    "DECIMAL(10, 2)",
    "DECIMAL(38, 38)",
    "TINYINT",
    "SMALLINT",
    "INT",
    "BIGINT",
    "FLOAT",
    "DOUBLE",
    "DATE",
    "TIME",
    "TIMESTAMP(0)",
    "TIMESTAMP(3)",
    "TIMESTAMP(6)",
    "TIMESTAMP_LTZ(3)",
];

proptest! {
    #[test]
    fn no_text_makes_a_cast_panic(text in "[-+0-9eE.: TZa-z]{0,24}|\\PC{0,12}") {
        for via in TYPES {
            for to in TYPES.iter().filter(|to| explicitly_castable(&ty(via), &ty(to))) {
                let zone = Tz::America__New_York;
                let input = cast_array(&strings(&[Some(&text)]), &SqlType::string(), &ty(via), CastMode::Try, zone);
                let input = input.map_err(|e| TestCaseError::fail(e.to_string()))?;
                prop_assert!(cast_array(&input, &ty(via), &ty(to), CastMode::Try, zone).is_ok());
            }
        }
    }

    #[test]
    fn an_implicit_cast_never_fails(bits in any::<i64>()) {
        let numbers: ArrayRef = Arc::new(Int64Array::from(vec![bits]));
        for from in TYPES {
            // Any value of the type, by reading the bits as one.
            let values = cast_array(&numbers, &ty("BIGINT"), &SqlType::string(), CastMode::Explicit, Tz::UTC)
                .and_then(|text| cast_array(&text, &SqlType::string(), &ty(from), CastMode::Try, Tz::UTC));
            let values = values.map_err(|e| TestCaseError::fail(e.to_string()))?;
            for to in TYPES.iter().filter(|to| implicitly_castable(&ty(from), &ty(to))) {
                prop_assert!(cast_array(&values, &ty(from), &ty(to), CastMode::Implicit, Tz::UTC).is_ok(), "{} to {}", from, to);
            }
        }
    }

    #[test]
    fn doubles_and_decimals_survive_their_texts(value in any::<f64>(), unscaled in -10i128.pow(38) + 1..10i128.pow(38)) {
        let doubles: ArrayRef = Arc::new(Float64Array::from(vec![value]));
        let text = cast_array(&doubles, &ty("DOUBLE"), &SqlType::string(), CastMode::Explicit, Tz::UTC);
        let back = text.and_then(|t| cast_array(&t, &SqlType::string(), &ty("DOUBLE"), CastMode::Explicit, Tz::UTC));
        let back = back.map_err(|e| TestCaseError::fail(e.to_string()))?;
        prop_assert_eq!(back.as_primitive::<Float64Type>().value(0).to_bits(), value.to_bits());

        let of = ty("DECIMAL(38, 7)");
        let decimals = Decimal128Array::from(vec![unscaled]).with_precision_and_scale(38, 7);
        let decimals: ArrayRef = Arc::new(decimals.map_err(|e| TestCaseError::fail(e.to_string()))?);
        let text = cast_array(&decimals, &of, &SqlType::string(), CastMode::Explicit, Tz::UTC);
        let back = text.and_then(|t| cast_array(&t, &SqlType::string(), &of, CastMode::Explicit, Tz::UTC));
        prop_assert_eq!(&back.map_err(|e| TestCaseError::fail(e.to_string()))?, &decimals);
    }
}
