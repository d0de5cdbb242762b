use arrow::array::AsArray;
use arrow::datatypes::Int32Type;
use chrono_tz::Tz;

use super::*;
use crate::formats::Messages;
use crate::types::Field;

fn format(ty: SqlType, options: &[(&str, &str)]) -> Result<Layout> {
    let schema = Schema::new(vec![Field::new("v", ty)]);
    let context = FormatContext { owner: "table \"t\"".into(), prefix: "raw.".into(), zone: Tz::UTC, lines: false };
    layout(&schema, &options.iter().copied().collect(), &context)
}

/// What becomes of messages that are decoded and encoded again.
fn round_trip(ty: SqlType, options: &[(&str, &str)], messages: &[Option<&[u8]>]) -> Vec<Option<Vec<u8>>> {
    let layout = format(ty, options).unwrap();
    let mut decoder = layout.decoder(&[0]).unwrap();
    for message in messages {
        match message {
            Some(bytes) => decoder.decode(bytes).unwrap(),
            None => decoder.decode_null().unwrap(),
        };
    }
    let mut out = Messages::new();
    layout.encoder().unwrap().encode(&decoder.finish().unwrap(), &mut out).unwrap();
    (0..out.len()).map(|i| out.get(i).map(<[u8]>::to_vec)).collect()
}

#[test]
fn every_type_comes_back_as_it_went() {
    let cases: &[(TypeKind, &[u8])] = &[
        (TypeKind::Boolean, &[1]),
        (TypeKind::TinyInt, &[0xFE]),
        (TypeKind::SmallInt, &[1, 2]),
        (TypeKind::Int, &[1, 2, 3, 4]),
        (TypeKind::BigInt, &[1, 2, 3, 4, 5, 6, 7, 8]),
        (TypeKind::Float, &[1, 2, 3, 4]),
        (TypeKind::Double, &[1, 2, 3, 4, 5, 6, 7, 8]),
        (TypeKind::Varbinary(9), &[0xFF, 0]),
        (TypeKind::Varchar(9), "gr\u{fc}n".as_bytes()),
    ];
    for (kind, bytes) in cases {
        let came = round_trip(SqlType::nullable(kind.clone()), &[], &[Some(bytes), None]);
        assert_eq!(came, [Some(bytes.to_vec()), None], "{kind}");
    }
}

#[test]
fn numbers_follow_the_byte_order() {
    let layout = format(SqlType::nullable(TypeKind::Int), &[("endianness", "little-endian")]).unwrap();
    let mut decoder = layout.decoder(&[0]).unwrap();
    decoder.decode(&[1, 0, 0, 0]).unwrap();
    assert_eq!(decoder.finish().unwrap().column(0).as_primitive::<Int32Type>().value(0), 1);
}

#[test]
fn texts_follow_the_charset() {
    let text = |charset, bytes: &[u8]| round_trip(SqlType::string(), &[("charset", charset)], &[Some(bytes)]);
    assert_eq!(text("ISO-8859-1", &[0xFC]), [Some(vec![0xFC])]);
    assert_eq!(text("UTF-16", &[0xFF, 0xFE, 0x41, 0]), [Some(vec![0xFE, 0xFF, 0, 0x41])]);
    let error = format(SqlType::string(), &[("charset", "klingon")]).unwrap_err();
    assert!(error.message().contains("'raw.charset' of table \"t\": 'klingon' is not one of UTF-8"), "{error}");
}

#[test]
fn bytes_that_do_not_fit_are_refused_and_leave_nothing() {
    let layout = format(SqlType::nullable(TypeKind::Int), &[]).unwrap();
    let mut decoder = layout.decoder(&[0]).unwrap();
    let error = decoder.decode(&[1, 2]).unwrap_err();
    assert_eq!(error.message, "column \"v\" has 2 bytes, expected 4 for INT");
    assert_eq!(decoder.len(), 0);
    let mut decoder = format(SqlType::string(), &[]).unwrap().decoder(&[0]).unwrap();
    assert_eq!(decoder.decode(&[0xFF]).unwrap_err().message, "column \"v\" is no UTF-8 text");
}

#[test]
fn a_table_of_several_columns_is_refused() {
    let schema = Schema::new(vec![Field::new("a", SqlType::string()), Field::new("b", SqlType::string())]);
    let context = FormatContext { owner: "table \"t\"".into(), prefix: "raw.".into(), zone: Tz::UTC, lines: false };
    let error = Raw.decoding(&schema, &RawOptions::new(), &context).unwrap_err();
    assert_eq!(error.message(), "table \"t\" has 2 columns, the format 'raw' takes exactly one physical column");
}
