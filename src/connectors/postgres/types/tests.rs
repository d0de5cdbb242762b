use std::sync::Arc;

use arrow::array::{
    ArrayRef, BinaryArray, BooleanArray, Date32Array, Decimal128Array, Float32Array, Float64Array, Int8Array,
    Int32Array, Int64Array, ListArray, StringArray, Time32MillisecondArray, TimestampMicrosecondArray,
    TimestampMillisecondArray, TimestampNanosecondArray,
};
use arrow::datatypes::Int32Type;
use chrono_tz::Tz;

use super::*;
use crate::types::{SqlType, TypeKind};

fn encode(
    pg: &PgType,
    typmod: i32,
    sql: &TypeKind,
    array: &ArrayRef,
    purpose: Purpose,
) -> Vec<Result<Vec<u8>, String>> {
    let write = writer(pg, typmod, 23, sql, array, purpose, Tz::Europe__Berlin).expect("the types go together");
    (0..array.len())
        .map(|row| {
            let mut out = Vec::new();
            write(row, &mut out).map(|()| out).map_err(|e| e.to_string())
        })
        .collect()
}

/// What `array` is after a trip through the database's type.
fn round_trip(pg: &PgType, sql: &TypeKind, array: &ArrayRef) -> ArrayRef {
    let mut back = reader(pg, sql, Tz::Europe__Berlin).expect("the types go together");
    for value in encode(pg, -1, sql, array, Purpose::Store) {
        back.push(Some(&value.expect("the value fits"))).expect("the value fits");
    }
    back.push(None).expect("NULL always fits");
    back.finish()
}

#[test]
fn values_survive_the_trip_through_every_type() {
    use PgType as P;
    use TypeKind as T;
    let decimal: ArrayRef = Arc::new(
        Decimal128Array::from(vec![-12_345, 0, 700]).with_precision_and_scale(10, 2).expect("a valid precision"),
    );
    let text: ArrayRef = Arc::new(StringArray::from(vec!["", "grün 🦀"]));
    let list: ArrayRef = Arc::new(ListArray::from_iter_primitive::<Int32Type, _, _>(vec![
        Some(vec![Some(1), None, Some(-3)]),
        Some(vec![]),
    ]));
    let cases: Vec<(PgType, TypeKind, ArrayRef)> = vec![
        (P::Int2, T::TinyInt, Arc::new(Int8Array::from(vec![-128, 127]))),
        (P::Int4, T::Int, Arc::new(Int32Array::from(vec![i32::MIN, i32::MAX]))),
        (P::Int8, T::Int, Arc::new(Int32Array::from(vec![i32::MIN, i32::MAX]))),
        (P::Numeric, T::BigInt, Arc::new(Int64Array::from(vec![i64::MIN, 0, i64::MAX]))),
        (P::Numeric, T::Decimal { precision: 10, scale: 2 }, decimal),
        (P::Float4, T::Float, Arc::new(Float32Array::from(vec![f32::MIN, 0.1, f32::INFINITY]))),
        (P::Float8, T::Double, Arc::new(Float64Array::from(vec![f64::MIN_POSITIVE, -0.1]))),
        (P::Bool, T::Boolean, Arc::new(BooleanArray::from(vec![true, false]))),
        (P::Date, T::Date, Arc::new(Date32Array::from(vec![-1, 0, 20_000]))),
        (P::Time, T::Time(3), Arc::new(Time32MillisecondArray::from(vec![0, 86_399_999]))),
        (P::Timestamp, T::Timestamp(3), Arc::new(TimestampMillisecondArray::from(vec![-1, 1_633_956_789_277]))),
        (P::Timestamptz, T::Timestamp(6), Arc::new(TimestampMicrosecondArray::from(vec![-1, 1_633_956_789_277_001]))),
        (
            P::Timestamp,
            T::Timestamp(9),
            Arc::new(TimestampNanosecondArray::from(vec![-1_000, 1_633_956_789_277_001_000])),
        ),
        (P::Timestamp, T::TimestampLtz(3), Arc::new(TimestampMillisecondArray::from(vec![0]).with_timezone("UTC"))),
        (P::Text, T::Varchar(100), text.clone()),
        (P::Citext, T::Char(7), text.clone()),
        (P::Json, T::Varchar(100), text.clone()),
        (P::Jsonb, T::Varchar(100), text),
        (P::Uuid, T::Char(36), Arc::new(StringArray::from(vec!["00112233-4455-6677-8899-aabbccddeeff"]))),
        (P::Bytea, T::Varbinary(9), Arc::new(BinaryArray::from_vec(vec![b"", b"\x00\xff"]))),
        (P::Array(Box::new(P::Int4)), T::Array(Box::new(SqlType::nullable(T::Int))), list),
    ];
    for (pg, sql, array) in cases {
        let back = round_trip(&pg, &sql, &array);
        assert_eq!(back.data_type(), &sql.arrow(), "{pg:?} as {sql}");
        assert_eq!(&back.slice(0, array.len()), &array, "{pg:?} as {sql}");
        assert!(back.is_null(array.len()), "{pg:?} as {sql}");
    }
}

#[test]
fn what_does_not_fit_the_database_names_the_value_and_the_type() {
    use PgType as P;
    use TypeKind as T;
    let decimal: ArrayRef =
        Arc::new(Decimal128Array::from(vec![99_995]).with_precision_and_scale(10, 3).expect("a valid precision"));
    let numeric_4_2 = 4 + (4 << 16) + 2;
    let cases: Vec<(PgType, i32, TypeKind, ArrayRef, &str)> = vec![
        (
            P::Int4,
            -1,
            T::BigInt,
            Arc::new(Int64Array::from(vec![2_147_483_648])),
            "2147483648 is out of range for integer",
        ),
        (P::Int2, -1, T::Int, Arc::new(Int32Array::from(vec![-32_769])), "-32769 is out of range for smallint"),
        (P::Int4, -1, T::Decimal { precision: 10, scale: 3 }, decimal.clone(), "99.995 is out of range for integer"),
        (
            P::Numeric,
            numeric_4_2,
            T::Decimal { precision: 10, scale: 3 },
            decimal,
            "99.995 is out of range for numeric(4,2)",
        ),
        (P::Float4, -1, T::Double, Arc::new(Float64Array::from(vec![1e300])), "out of range for real"),
        (
            P::Text,
            7,
            T::Varchar(9),
            Arc::new(StringArray::from(vec!["grün"])),
            "'grün' is too long for character varying(3)",
        ),
        (P::Text, -1, T::Varchar(9), Arc::new(StringArray::from(vec!["a\0b"])), "has a NUL character"),
        (P::Uuid, -1, T::Varchar(9), Arc::new(StringArray::from(vec!["abc"])), "'abc' is no uuid"),
        (
            P::Enum(vec!["sad".into(), "ok".into()]),
            -1,
            T::Varchar(9),
            Arc::new(StringArray::from(vec!["glad"])),
            "'glad' is none of the labels sad, ok",
        ),
        (P::Date, -1, T::Date, Arc::new(Date32Array::from(vec![i32::MIN])), "is out of range for date"),
    ];
    for (pg, typmod, sql, array, message) in cases {
        let found = encode(&pg, typmod, &sql, &array, Purpose::Store).remove(0).expect_err(message);
        assert!(found.contains(message), "{found}, expected {message}");
    }
}

#[test]
fn surplus_is_rounded_when_stored_and_equals_nothing_when_compared() {
    let nanos: ArrayRef = Arc::new(TimestampNanosecondArray::from(vec![1_500, 1_000]));
    let stored = encode(&PgType::Timestamp, -1, &TypeKind::Timestamp(9), &nanos, Purpose::Store);
    let two = datetime::micros_to_wire(2).expect("in range").to_be_bytes().to_vec();
    assert_eq!(stored[0], Ok(two));
    let compared = encode(&PgType::Timestamp, -1, &TypeKind::Timestamp(9), &nanos, Purpose::Compare);
    assert!(compared[0].is_err() && compared[1].is_ok());

    let doubles: ArrayRef = Arc::new(Float64Array::from(vec![0.1, 0.5]));
    assert!(encode(&PgType::Float4, -1, &TypeKind::Double, &doubles, Purpose::Store)[0].is_ok());
    let compared = encode(&PgType::Float4, -1, &TypeKind::Double, &doubles, Purpose::Compare);
    assert!(compared[0].is_err() && compared[1].is_ok());

    // Blanks behind the length are cut by the database, and a key longer than the column is just not there.
    let text: ArrayRef = Arc::new(StringArray::from(vec!["abc  ", "abcd"]));
    assert!(encode(&PgType::Text, 7, &TypeKind::Varchar(9), &text, Purpose::Store)[0].is_ok());
    assert!(encode(&PgType::Text, 7, &TypeKind::Varchar(9), &text, Purpose::Compare)[1].is_ok());
}

#[test]
fn what_does_not_fit_the_sql_type_names_the_value_and_the_type() {
    let int4 = 300_i32.to_be_bytes();
    let infinity = i64::MAX.to_be_bytes();
    let mut matrix = Vec::new();
    for word in [2_i32, 0, 23, 1, 1, 1, 1] {
        matrix.extend_from_slice(&word.to_be_bytes());
    }
    let array = TypeKind::Array(Box::new(SqlType::nullable(TypeKind::Int)));
    let cases: Vec<(PgType, TypeKind, &[u8], &str)> = vec![
        (PgType::Int4, TypeKind::TinyInt, &int4, "300 is out of range for TINYINT"),
        (
            PgType::Int4,
            TypeKind::Decimal { precision: 4, scale: 2 },
            &int4,
            "300 has too many digits for DECIMAL(4, 2)",
        ),
        (PgType::Timestamp, TypeKind::Timestamp(3), &infinity, "'infinity' is no TIMESTAMP"),
        (PgType::Array(Box::new(PgType::Int4)), array, &matrix, "an array of 2 dimensions is no ARRAY"),
        (PgType::Int8, TypeKind::BigInt, &int4, "the server sent a malformed value"),
        (PgType::Text, TypeKind::Varchar(9), b"\xff", "the server sent a malformed text"),
    ];
    for (pg, sql, bytes, message) in cases {
        let mut column = reader(&pg, &sql, Tz::UTC).expect("the types go together");
        assert_eq!(column.push(Some(bytes)).expect_err(message).to_string(), message);
    }
}

#[test]
fn types_that_mean_different_things_do_not_go_together() {
    let text: ArrayRef = Arc::new(StringArray::from(vec!["1"]));
    assert!(reader(&PgType::Int4, &TypeKind::Varchar(9), Tz::UTC).is_none());
    assert!(reader(&PgType::Text, &TypeKind::Int, Tz::UTC).is_none());
    assert!(reader(&PgType::Date, &TypeKind::Timestamp(3), Tz::UTC).is_none());
    assert!(writer(&PgType::Int4, -1, 0, &TypeKind::Varchar(9), &text, Purpose::Store, Tz::UTC).is_none());
}
