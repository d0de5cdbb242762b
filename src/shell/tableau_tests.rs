//! The texts here were printed by Flink 2.2.1's own table printer.

use super::*;
use crate::types::STRING_LENGTH;

const ROWS: [[&str; 2]; 13] = [
    ["abc", "1"],
    ["this is a very long string that does not fit into thirty", "-1234567890123"],
    [NULL, NULL],
    ["日本語日本語日本語日本語日本語日本語", "2"],
    ["日本語日本語日本語日本語日本語", "3"],
    ["a日本語日本語日本語日本語日本語", "4"],
    ["123456789012345678901234567890", "5"],
    ["1234567890123456789012345678901", "6"],
    ["x日本語日本語日本語日本語日本", "7"],
    ["with\nnewline\tand tab", "8"],
    ["emoji \u{1f600} e\u{301}", "9"],
    ["", "10"],
    ["Ａｗｉｄｅ Ж ½ …", "11"],
];

const KINDS: [RowKind; 4] = [RowKind::Insert, RowKind::UpdateBefore, RowKind::UpdateAfter, RowKind::Delete];

fn rows() -> Vec<Vec<String>> {
    ROWS.iter().map(|row| row.iter().map(|cell| cell.to_string()).collect()).collect()
}

fn stream(names: [&str; 2], with_op: bool) -> String {
    let columns = [(names[0], SqlType::string()), (names[1], SqlType::nullable(TypeKind::Int))];
    let mut tableau = Tableau::new(&columns, MAX_COLUMN_WIDTH, with_op);
    let mut out = tableau.header();
    for (i, cells) in rows().iter().enumerate() {
        out.push_str(&tableau.row(KINDS[i % 4], cells));
    }
    out + &tableau.footer("")
}

#[test]
fn a_stream_has_the_widths_of_its_types_and_the_row_kinds() {
    let expected = "\
         +----+--------------------------------+------------------------------------+\n\
         | op |                           name | a_column_name_longer_than_its_type |\n\
         +----+--------------------------------+------------------------------------+\n\
         | +I |                            abc |                                  1 |\n\
         | -U | this is a very long string ... |                     -1234567890123 |\n\
         | +U |                         <NULL> |                             <NULL> |\n\
         | -D |  日本語日本語日本語日本語日... |                                  2 |\n\
         | +I | 日本語日本語日本語日本語日本語 |                                  3 |\n\
         | -U | a日本語日本語日本語日本語日... |                                  4 |\n\
         | +U | 123456789012345678901234567890 |                                  5 |\n\
         | -D | 123456789012345678901234567... |                                  6 |\n\
         | +I |  x日本語日本語日本語日本語日本 |                                  7 |\n\
         | -U |           with\n\
         newline\tand tab |                                  8 |\n\
         | +U |                   emoji 😀 é |                                  9 |\n\
         | -D |                                |                                 10 |\n\
         | +I |               Ａｗｉｄｅ Ж ½ … |                                 11 |\n\
         +----+--------------------------------+------------------------------------+\n\
         Received a total of 13 rows\n\
         ";
    assert_eq!(stream(["name", "a_column_name_longer_than_its_type"], true), expected);
}

#[test]
fn a_value_wider_than_its_type_is_cut() {
    let expected = "\
         +--------------------------------+-------------+\n\
         |                           name |           n |\n\
         +--------------------------------+-------------+\n\
         |                            abc |           1 |\n\
         | this is a very long string ... | -1234567... |\n\
         |                         <NULL> |      <NULL> |\n\
         |  日本語日本語日本語日本語日... |           2 |\n\
         | 日本語日本語日本語日本語日本語 |           3 |\n\
         | a日本語日本語日本語日本語日... |           4 |\n\
         | 123456789012345678901234567890 |           5 |\n\
         | 123456789012345678901234567... |           6 |\n\
         |  x日本語日本語日本語日本語日本 |           7 |\n\
         |           with\n\
         newline\tand tab |           8 |\n\
         |                   emoji 😀 é |           9 |\n\
         |                                |          10 |\n\
         |               Ａｗｉｄｅ Ж ½ … |          11 |\n\
         +--------------------------------+-------------+\n\
         Received a total of 13 rows\n\
         ";
    assert_eq!(stream(["name", "n"], false), expected);
}

#[test]
fn a_long_column_name_widens_its_column() {
    let expected = "\
         +----+-----------------------------------------------------+-------------+\n\
         | op | a_very_long_column_name_that_is_beyond_thirty_chars |        日本 |\n\
         +----+-----------------------------------------------------+-------------+\n\
         | +I |                                                 abc |           1 |\n\
         | -U | this is a very long string that does not fit int... | -1234567... |\n\
         | +U |                                              <NULL> |      <NULL> |\n\
         | -D |                日本語日本語日本語日本語日本語日本語 |           2 |\n\
         | +I |                      日本語日本語日本語日本語日本語 |           3 |\n\
         | -U |                     a日本語日本語日本語日本語日本語 |           4 |\n\
         | +U |                      123456789012345678901234567890 |           5 |\n\
         | -D |                     1234567890123456789012345678901 |           6 |\n\
         | +I |                       x日本語日本語日本語日本語日本 |           7 |\n\
         | -U |                                with\n\
         newline\tand tab |           8 |\n\
         | +U |                                        emoji 😀 é |           9 |\n\
         | -D |                                                     |          10 |\n\
         | +I |                                    Ａｗｉｄｅ Ж ½ … |          11 |\n\
         +----+-----------------------------------------------------+-------------+\n\
         Received a total of 13 rows\n\
         ";
    assert_eq!(stream(["a_very_long_column_name_that_is_beyond_thirty_chars", "日本"], true), expected);
}

#[test]
fn every_type_has_flinks_width() {
    for (kind, width) in [
        (TypeKind::Char(3), 30),
        (TypeKind::Varchar(7), 30),
        (TypeKind::Varchar(STRING_LENGTH), 30),
        (TypeKind::Boolean, 6),
        (TypeKind::Varbinary(STRING_LENGTH), 30),
        (TypeKind::Decimal { precision: 10, scale: 2 }, 12),
        (TypeKind::Decimal { precision: 1, scale: 0 }, 6),
        (TypeKind::TinyInt, 6),
        (TypeKind::SmallInt, 6),
        (TypeKind::Int, 11),
        (TypeKind::BigInt, 20),
        (TypeKind::Float, 30),
        (TypeKind::Double, 30),
        (TypeKind::Date, 10),
        (TypeKind::Time(0), 8),
        (TypeKind::Time(3), 12),
        (TypeKind::Timestamp(0), 19),
        (TypeKind::Timestamp(3), 23),
        (TypeKind::Timestamp(9), 29),
        (TypeKind::TimestampLtz(0), 19),
        (TypeKind::TimestampLtz(3), 23),
        (TypeKind::TimestampLtz(9), 29),
        (TypeKind::Null, 30),
    ] {
        let tableau = Tableau::new(&[("c", SqlType::nullable(kind.clone()))], MAX_COLUMN_WIDTH, true);
        assert_eq!(tableau.header().find('\n'), Some(9 + width), "{kind}");
    }
}

#[test]
fn a_stream_without_rows_has_a_header_and_a_count() {
    let tableau = Tableau::new(&[("n", SqlType::nullable(TypeKind::Int))], MAX_COLUMN_WIDTH, true);
    assert_eq!(tableau.footer(""), "Received a total of 0 row\n");
    assert_eq!(tableau.terminated(), "Query terminated, received a total of 0 row\n");
}

#[test]
fn a_batch_result_has_the_widths_of_its_data() {
    let expected = "\
         +--------------------------------+----------------+\n\
         |                           name |              n |\n\
         +--------------------------------+----------------+\n\
         |                            abc |              1 |\n\
         | this is a very long string ... | -1234567890123 |\n\
         |                         <NULL> |         <NULL> |\n\
         |  日本語日本語日本語日本語日... |              2 |\n\
         | 日本語日本語日本語日本語日本語 |              3 |\n\
         | a日本語日本語日本語日本語日... |              4 |\n\
         | 123456789012345678901234567890 |              5 |\n\
         | 123456789012345678901234567... |              6 |\n\
         |  x日本語日本語日本語日本語日本 |              7 |\n\
         |           with\n\
         newline\tand tab |              8 |\n\
         |                   emoji 😀 é |              9 |\n\
         |                                |             10 |\n\
         |               Ａｗｉｄｅ Ж ½ … |             11 |\n\
         +--------------------------------+----------------+\n\
         13 rows in set\n\
         ";
    assert_eq!(table_within(&["name", "n"], &rows(), MAX_COLUMN_WIDTH), expected);
    let expected = "\
         +------+--------------------------------+\n\
         | name | a_column_name_longer_than_i... |\n\
         +------+--------------------------------+\n\
         |  abc |                              1 |\n\
         +------+--------------------------------+\n\
         1 row in set\n\
         ";
    let long_name = ["name", "a_column_name_longer_than_its_type"];
    assert_eq!(table_within(&long_name, &rows()[..1], MAX_COLUMN_WIDTH), expected);
}

#[test]
fn an_empty_result_says_so() {
    assert_eq!(table(&["name"], &[]), "Empty set\n");
}
