//! Printed values against what Flink 2.2.1 prints.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BinaryArray, BooleanArray, Date32Array, Decimal128Array, DurationMillisecondArray, Float64Array,
    Int32Array, Int32Builder, IntervalYearMonthArray, ListBuilder, MapBuilder, RecordBatch, StringArray, StringBuilder,
    StructArray, Time32MillisecondArray, TimestampMicrosecondArray, TimestampMillisecondArray, new_null_array,
};
use arrow::datatypes::DataType;
use chrono_tz::Tz;

use super::{PrintStyle, column_width, print_row, print_value};
use crate::types::coercion::tests::ty;
use crate::types::{RowField, SqlType, TypeKind};

fn print(array: ArrayRef, ty: &SqlType, style: PrintStyle) -> String {
    let mut out = String::new();
    print_value(array.as_ref(), 0, ty, Tz::Europe__Berlin, style, &mut out);
    out
}

fn shown(array: ArrayRef, ty: &SqlType) -> [String; 3] {
    [PrintStyle::Row, PrintStyle::Client, PrintStyle::Cast].map(|style| print(array.clone(), ty, style))
}

fn decimal(unscaled: i128, precision: u8, scale: i8) -> ArrayRef {
    let array = Decimal128Array::from(vec![unscaled]).with_precision_and_scale(precision, scale);
    Arc::new(array.unwrap_or_else(|e| panic!("{e}")))
}

#[test]
fn values_print_as_in_flink() {
    let new_year_ms = 1_577_836_800_000i64;
    let millis = |ms: i64| Arc::new(TimestampMillisecondArray::from(vec![ms])) as ArrayRef;
    let instant = |ms: i64| Arc::new(TimestampMillisecondArray::from(vec![ms]).with_timezone("UTC")) as ArrayRef;
    let micros = Arc::new(TimestampMicrosecondArray::from(vec![1_577_840_523_123_456])) as ArrayRef;
    let months = |n| Arc::new(IntervalYearMonthArray::from(vec![n])) as ArrayRef;
    let duration = |ms| Arc::new(DurationMillisecondArray::from(vec![ms])) as ArrayRef;
    let time = |ms| Arc::new(Time32MillisecondArray::from(vec![ms])) as ArrayRef;
    let bytes = Arc::new(BinaryArray::from(vec![&[0x41u8, 0x42, 0xff][..]])) as ArrayRef;
    let flag = Arc::new(BooleanArray::from(vec![true])) as ArrayRef;
    let ten = Arc::new(Float64Array::from(vec![1e10])) as ArrayRef;
    for (array, of, row, client, cast) in [
        (new_null_array(&DataType::Int32, 1), "INT", "null", "<NULL>", "NULL"),
        (flag, "BOOLEAN", "true", "TRUE", "TRUE"),
        (ten, "DOUBLE", "1.0E10", "1.0E10", "1.0E10"),
        (millis(new_year_ms), "TIMESTAMP(0)", "2020-01-01T00:00", "2020-01-01 00:00:00", "2020-01-01 00:00:00"),
        (
            millis(new_year_ms + 120),
            "TIMESTAMP(3)",
            "2020-01-01T00:00:00.120",
            "2020-01-01 00:00:00.120",
            "2020-01-01 00:00:00.120",
        ),
        (
            micros,
            "TIMESTAMP(6)",
            "2020-01-01T01:02:03.123456",
            "2020-01-01 01:02:03.123456",
            "2020-01-01 01:02:03.123456",
        ),
        (
            instant(new_year_ms),
            "TIMESTAMP_LTZ(3)",
            "2020-01-01T00:00:00Z",
            "2020-01-01 01:00:00.000",
            "2020-01-01 01:00:00.000",
        ),
        (Arc::new(Date32Array::from(vec![-1])), "DATE", "1969-12-31", "1969-12-31", "1969-12-31"),
        (time(3_720_000), "TIME", "01:02", "01:02:00", "01:02:00"),
        (time(3_723_045), "TIME(3)", "01:02:03.045", "01:02:03.045", "01:02:03.045"),
        (bytes, "BYTES", "[65, 66, -1]", "x'4142ff'", "AB\u{fffd}"),
        (decimal(150, 3, 2), "DECIMAL(3, 2)", "1.50", "1.50", "1.50"),
        (
            decimal(100_000_000, 38, 18),
            "DECIMAL(38, 18)",
            "1.00000000E-10",
            "0.000000000100000000",
            "0.000000000100000000",
        ),
        (decimal(0, 38, 18), "DECIMAL(38, 18)", "0E-18", "0.000000000000000000", "0.000000000000000000"),
        (decimal(1, 10, 7), "DECIMAL(10, 7)", "1E-7", "0.0000001", "0.0000001"),
        (months(14), "INTERVAL YEAR TO MONTH", "P14M", "+1-02", "+1-02"),
        (months(-14), "INTERVAL YEAR TO MONTH", "P-14M", "-1-02", "-1-02"),
        (months(0), "INTERVAL YEAR TO MONTH", "P0D", "+0-00", "+0-00"),
        (duration(93_784_005), "INTERVAL DAY TO SECOND", "PT26H3M4.005S", "+1 02:03:04.005", "+1 02:03:04.005"),
        (duration(-500), "INTERVAL DAY TO SECOND", "PT-0.5S", "-0 00:00:00.500", "-0 00:00:00.500"),
        (duration(0), "INTERVAL DAY TO SECOND", "PT0S", "+0 00:00:00.000", "+0 00:00:00.000"),
    ] {
        assert_eq!(shown(array, &ty(of)), [row, client, cast], "{of}");
    }
}

#[test]
fn collections_and_rows_print_as_in_flink() -> crate::error::Result<()> {
    let mut list = ListBuilder::new(Int32Builder::new());
    list.append_value([Some(1), None, Some(3)]);
    assert_eq!(shown(Arc::new(list.finish()), &ty("ARRAY<INT>")), ["[1, null, 3]", "[1, NULL, 3]", "[1, NULL, 3]"]);

    let mut map = MapBuilder::new(None, StringBuilder::new(), Int32Builder::new());
    map.keys().append_value("k");
    map.values().append_value(1);
    map.keys().append_value("j");
    map.values().append_null();
    map.append(true)?;
    let map: ArrayRef = Arc::new(map.finish());
    assert_eq!(shown(map.clone(), &ty("MAP<STRING, INT>")), ["{k=1, j=null}", "{k=1, j=NULL}", "{k=1, j=NULL}"]);
    assert_eq!(shown(map, &ty("MULTISET<STRING>"))[0], "{k=1, j=null}");

    let field = |name: &str, of: &str| RowField { name: name.to_owned(), ty: ty(of), comment: None };
    let row = SqlType::nullable(TypeKind::Row(vec![field("a", "INT"), field("b", "STRING")]));
    let columns = vec![Arc::new(Int32Array::from(vec![1])) as ArrayRef, Arc::new(StringArray::from(vec!["x'y"]))];
    let DataType::Struct(fields) = row.arrow() else { panic!("{row}") };
    let array = Arc::new(StructArray::try_new(fields, columns, None)?);
    assert_eq!(shown(array, &row), ["+I[1, x'y]", "(1, x'y)", "(1, x'y)"]);
    Ok(())
}

#[test]
fn a_row_prints_its_values_in_order() -> crate::error::Result<()> {
    let numbers = Arc::new(Int32Array::from(vec![Some(1), None])) as ArrayRef;
    let names = Arc::new(StringArray::from(vec!["a", "b"])) as ArrayRef;
    let batch = RecordBatch::try_from_iter_with_nullable([("n", numbers, true), ("s", names, false)])?;
    let types = [ty("INT"), SqlType::string()];
    let print = |row| {
        let mut out = "+I[".to_owned();
        print_row(&batch, row, &types, Tz::UTC, PrintStyle::Row, &mut out);
        out + "]"
    };
    assert_eq!([print(0), print(1)], ["+I[1, a]", "+I[null, b]"]);
    Ok(())
}

#[test]
fn columns_are_as_wide_as_in_the_sql_client() {
    for (of, width) in [
        ("INT", 11),
        ("BIGINT", 20),
        ("BOOLEAN", 6),
        ("BOOLEAN NOT NULL", 5),
        ("DECIMAL(10, 2)", 12),
        ("DATE", 10),
        ("TIMESTAMP(3)", 23),
        ("TIMESTAMP(0)", 19),
        ("STRING", 30),
        ("VARCHAR(12)", 12),
    ] {
        assert_eq!(column_width(&ty(of)), width, "{of}");
    }
}
