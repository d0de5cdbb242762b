//! Key groups: which of a fixed number of groups a row's key belongs to.
//!
//! The group is `xxh3_64(canonical key bytes) mod 128`, a part of the durable format: independent of Arrow encoding,
//! CPU and library versions. The canonical bytes of a key are those of its columns, one behind the other:
//!
//! | Value | Bytes (numbers little-endian) |
//! | --- | --- |
//! | NULL of any type | `00` |
//! | BOOLEAN | `01`, then `00` or `01` |
//! | TINYINT, SMALLINT, INT, BIGINT | `01`, then 8 bytes: one number is one key, whatever its width |
//! | DATE, TIME, INTERVAL | `01`, then 8 bytes: days since 1970; milliseconds of the day; months or milliseconds |
//! | TIMESTAMP(p), TIMESTAMP_LTZ(p) | `01`, then 8 bytes: milliseconds (p ≤ 3), microseconds (p ≤ 6) or nanoseconds since 1970 |
//! | DECIMAL(p, s) | `01`, then 16 bytes: the unscaled value |
//! | FLOAT, DOUBLE | `01`, then the 8 bytes of a DOUBLE: −0.0 as 0.0, every NaN as `7ff8000000000000` |
//! | CHAR, VARCHAR, BINARY, VARBINARY | `01`, then the length in bytes as 4 bytes, then the bytes |
//! | ARRAY | `01`, then the number of elements as 4 bytes, then the bytes of each |
//! | ROW | `01`, then the bytes of each field |
//! | MAP | `01`, then the number of entries as 4 bytes, then the bytes of each key and its value, in their order |

use arrow::array::{Array, AsArray};
use arrow::datatypes::*;
use arrow::record_batch::RecordBatch;
use xxhash_rust::xxh3::xxh3_64;

use crate::error::{Error, Result};

/// How many key groups there are (`pipeline.max-parallelism`).
pub const KEY_GROUPS: u64 = 128;

/// The key group of every row, by the columns `key`.
pub fn key_groups(rows: &RecordBatch, key: &[usize]) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut groups = Vec::with_capacity(rows.num_rows());
    for row in 0..rows.num_rows() {
        bytes.clear();
        for &column in key {
            append_canonical(rows.column(column), row, &mut bytes)?;
        }
        groups.push((xxh3_64(&bytes) % KEY_GROUPS) as u8);
    }
    Ok(groups)
}

/// The subtask of `parallelism` that owns a key group: contiguous ranges of groups, as even as can be.
pub fn subtask_of(group: u8, parallelism: usize) -> usize {
    group as usize * parallelism / KEY_GROUPS as usize
}

fn append_canonical(array: &dyn Array, row: usize, out: &mut Vec<u8>) -> Result<()> {
    if array.is_null(row) {
        out.push(0);
        return Ok(());
    }
    out.push(1);
    macro_rules! integer {
        ($ty:ty) => {
            out.extend_from_slice(&(array.as_primitive::<$ty>().value(row) as i64).to_le_bytes())
        };
    }
    match array.data_type() {
        DataType::Boolean => out.push(array.as_boolean().value(row) as u8),
        DataType::Int8 => integer!(Int8Type),
        DataType::Int16 => integer!(Int16Type),
        DataType::Int32 => integer!(Int32Type),
        DataType::Int64 => integer!(Int64Type),
        DataType::Date32 => integer!(Date32Type),
        DataType::Time32(TimeUnit::Millisecond) => integer!(Time32MillisecondType),
        DataType::Timestamp(TimeUnit::Millisecond, _) => integer!(TimestampMillisecondType),
        DataType::Timestamp(TimeUnit::Microsecond, _) => integer!(TimestampMicrosecondType),
        DataType::Timestamp(TimeUnit::Nanosecond, _) => integer!(TimestampNanosecondType),
        DataType::Duration(TimeUnit::Millisecond) => integer!(DurationMillisecondType),
        DataType::Interval(IntervalUnit::YearMonth) => integer!(IntervalYearMonthType),
        DataType::Decimal128(..) => {
            out.extend_from_slice(&array.as_primitive::<Decimal128Type>().value(row).to_le_bytes())
        }
        DataType::Float32 => append_float(array.as_primitive::<Float32Type>().value(row) as f64, out),
        DataType::Float64 => append_float(array.as_primitive::<Float64Type>().value(row), out),
        DataType::Utf8 => append_bytes(array.as_string::<i32>().value(row).as_bytes(), out),
        DataType::Binary => append_bytes(array.as_binary::<i32>().value(row), out),
        DataType::List(_) => {
            let elements = array.as_list::<i32>().value(row);
            append_length(elements.len(), out);
            for i in 0..elements.len() {
                append_canonical(&elements, i, out)?;
            }
        }
        DataType::Struct(_) => {
            for field in array.as_struct().columns() {
                append_canonical(field, row, out)?;
            }
        }
        DataType::Map(..) => {
            let entries = array.as_map().value(row);
            append_length(entries.len(), out);
            for i in 0..entries.len() {
                for field in entries.columns() {
                    append_canonical(field, i, out)?;
                }
            }
        }
        other => return Err(Error::unsupported(format!("a key of type {other}"))),
    }
    Ok(())
}

fn append_float(value: f64, out: &mut Vec<u8>) {
    let canonical = if value == 0.0 {
        0.0
    } else if value.is_nan() {
        f64::NAN
    } else {
        value
    };
    let bits = if canonical.is_nan() { 0x7ff8_0000_0000_0000 } else { canonical.to_bits() };
    out.extend_from_slice(&bits.to_le_bytes());
}

fn append_bytes(bytes: &[u8], out: &mut Vec<u8>) {
    append_length(bytes.len(), out);
    out.extend_from_slice(bytes);
}

fn append_length(length: usize, out: &mut Vec<u8>) {
    out.extend_from_slice(&(length as u32).to_le_bytes());
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::*;

    use super::*;

    fn groups(array: ArrayRef) -> Vec<u8> {
        let rows = RecordBatch::try_from_iter([("k", array)]).unwrap();
        key_groups(&rows, &[0]).unwrap()
    }

    /// The durable format: a change of any number here orphans the state of every user. The numbers were computed
    /// with another implementation of xxh3 over the bytes that the table above gives.
    #[test]
    fn key_groups_are_pinned_for_every_type() {
        let instant = 1_633_956_789_277_i64;
        let decimals = Decimal128Array::from(vec![12_345, -1]).with_precision_and_scale(10, 2).unwrap();
        let list = ListArray::from_iter_primitive::<Int32Type, _, _>([Some(vec![Some(1), None]), Some(vec![]), None]);
        let columns: [(_, ArrayRef); 2] = [
            (Arc::new(Field::new("n", DataType::Int32, true)), Arc::new(Int32Array::from(vec![1]))),
            (Arc::new(Field::new("host", DataType::Utf8, true)), Arc::new(StringArray::from(vec!["doc"]))),
        ];
        let mut map = MapBuilder::new(None, StringBuilder::new(), Int32Builder::new());
        map.keys().append_value("doc");
        map.values().append_value(1);
        map.append(true).unwrap();
        let pinned: Vec<(ArrayRef, &[u8])> = vec![
            (Arc::new(list), &[110, 104, 91]),
            (Arc::new(StructArray::from(columns.to_vec())), &[118]),
            (Arc::new(map.finish()), &[38]),
            (Arc::new(StringArray::from(vec![Some("doc"), Some(""), None])), &[81, 104, 91]),
            (Arc::new(BinaryArray::from_iter_values([[0x00, 0xff]])), &[68]),
            (Arc::new(BooleanArray::from(vec![true, false])), &[115, 64]),
            (Arc::new(Int8Array::from(vec![Some(1), Some(-1), None])), &[119, 12, 91]),
            (Arc::new(Int16Array::from(vec![Some(1), Some(-1), None])), &[119, 12, 91]),
            (Arc::new(Int32Array::from(vec![Some(1), Some(-1), None])), &[119, 12, 91]),
            (Arc::new(Int64Array::from(vec![Some(1), Some(-1), None])), &[119, 12, 91]),
            (Arc::new(Float32Array::from(vec![0.5, f32::NAN, -0.0])), &[98, 87, 0]),
            (Arc::new(Float64Array::from(vec![0.5, f64::NAN, -0.0])), &[98, 87, 0]),
            (Arc::new(decimals), &[51, 48]),
            (Arc::new(Date32Array::from(vec![18_909])), &[26]),
            (Arc::new(Time32MillisecondArray::from(vec![1_000])), &[6]),
            (Arc::new(TimestampMillisecondArray::from(vec![instant])), &[87]),
            (Arc::new(TimestampMillisecondArray::from(vec![instant]).with_timezone("UTC")), &[87]),
            (Arc::new(TimestampMicrosecondArray::from(vec![instant * 1_000])), &[65]),
            (Arc::new(TimestampNanosecondArray::from(vec![instant * 1_000_000])), &[125]),
            (Arc::new(IntervalYearMonthArray::from(vec![14])), &[109]),
            (Arc::new(DurationMillisecondArray::from(vec![1_500])), &[127]),
        ];
        for (array, expected) in pinned {
            let ty = array.data_type().clone();
            assert_eq!(groups(array), expected, "{ty}");
        }
    }

    #[test]
    fn a_key_of_several_columns_is_their_bytes_in_order() {
        let hosts: ArrayRef = Arc::new(StringArray::from(vec![Some("doc"), None]));
        let numbers: ArrayRef = Arc::new(Int32Array::from(vec![1, 1]));
        let rows = RecordBatch::try_from_iter([("n", numbers), ("host", hosts)]).unwrap();
        assert_eq!(key_groups(&rows, &[1, 0]).unwrap(), [3, 34]);
    }

    #[test]
    fn a_key_that_has_no_canonical_form_is_refused_by_its_type() {
        let rows = RecordBatch::try_from_iter([("k", Arc::new(UInt8Array::from(vec![1])) as ArrayRef)]).unwrap();
        assert!(key_groups(&rows, &[0]).unwrap_err().message().contains("a key of type"));
    }

    #[test]
    fn zeros_and_nans_are_one_key_each() {
        let zeros = groups(Arc::new(Float64Array::from(vec![0.0, -0.0])));
        assert_eq!(zeros[0], zeros[1]);
        let nans = groups(Arc::new(Float64Array::from(vec![f64::NAN, -f64::NAN])));
        assert_eq!(nans[0], nans[1]);
    }

    #[test]
    fn every_subtask_owns_a_share_of_the_groups() {
        let mut owned = [0; 3];
        for group in 0..KEY_GROUPS as u8 {
            owned[subtask_of(group, 3)] += 1;
        }
        assert_eq!(owned, [43, 43, 42]);
    }
}
