//! Values as they stand in document ids and index names: Flink's `toString`, which is not SQL's text.

use arrow::array::{Array, AsArray};
use arrow::datatypes::{
    DataType, Date32Type, Decimal128Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type,
    Time32MillisecondType, TimeUnit, TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType,
};
use chrono::{DateTime, NaiveDateTime, NaiveTime, Timelike};

use crate::types::print::{java_double, java_float};
use crate::types::{SqlType, TypeKind};

/// True for types whose values have such a text.
pub fn has_key_text(ty: &SqlType) -> bool {
    let kind = &ty.kind;
    kind.is_string()
        || kind.is_numeric()
        || kind.is_timestamp()
        || matches!(kind, TypeKind::Boolean | TypeKind::Date | TypeKind::Time(_))
}

/// Appends the text of a value that is not NULL; instants are shown in UTC.
pub fn push_key_text(array: &dyn Array, row: usize, out: &mut String) {
    use std::fmt::Write;
    // Writing to a String can't fail.
    let _ = match array.data_type() {
        DataType::Utf8 => write!(out, "{}", array.as_string::<i32>().value(row)),
        DataType::Boolean => write!(out, "{}", array.as_boolean().value(row)),
        DataType::Int8 => write!(out, "{}", array.as_primitive::<Int8Type>().value(row)),
        DataType::Int16 => write!(out, "{}", array.as_primitive::<Int16Type>().value(row)),
        DataType::Int32 => write!(out, "{}", array.as_primitive::<Int32Type>().value(row)),
        DataType::Int64 => write!(out, "{}", array.as_primitive::<Int64Type>().value(row)),
        DataType::Float32 => {
            java_float(array.as_primitive::<Float32Type>().value(row), out);
            Ok(())
        }
        DataType::Float64 => {
            java_double(array.as_primitive::<Float64Type>().value(row), out);
            Ok(())
        }
        DataType::Decimal128(..) => write!(out, "{}", array.as_primitive::<Decimal128Type>().value_as_string(row)),
        DataType::Date32 => match array.as_primitive::<Date32Type>().value_as_date(row) {
            Some(date) => write!(out, "{date}"),
            None => Ok(()),
        },
        DataType::Time32(TimeUnit::Millisecond) => {
            match array.as_primitive::<Time32MillisecondType>().value_as_time(row) {
                Some(time) => write!(out, "{}", JavaTime(time)),
                None => Ok(()),
            }
        }
        DataType::Timestamp(..) => match local_timestamp(array, row) {
            Some(time) => write!(out, "{}T{}", time.date(), JavaTime(time.time())),
            None => Ok(()),
        },
        _ => Ok(()),
    };
}

/// The wall clock that a timestamp shows (an instant's: in UTC).
pub fn local_timestamp(array: &dyn Array, row: usize) -> Option<NaiveDateTime> {
    let utc = match array.data_type() {
        DataType::Timestamp(TimeUnit::Millisecond, _) => {
            DateTime::from_timestamp_millis(array.as_primitive::<TimestampMillisecondType>().value(row))?
        }
        DataType::Timestamp(TimeUnit::Microsecond, _) => {
            DateTime::from_timestamp_micros(array.as_primitive::<TimestampMicrosecondType>().value(row))?
        }
        DataType::Timestamp(TimeUnit::Nanosecond, _) => {
            DateTime::from_timestamp_nanos(array.as_primitive::<TimestampNanosecondType>().value(row))
        }
        _ => return None,
    };
    Some(utc.naive_utc())
}

/// Java's `LocalTime.toString`: seconds only where there are some, fractions in groups of three digits.
struct JavaTime(NaiveTime);

impl std::fmt::Display for JavaTime {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (time, nanos) = (self.0, self.0.nanosecond());
        write!(f, "{:02}:{:02}", time.hour(), time.minute())?;
        if time.second() == 0 && nanos == 0 {
            return Ok(());
        }
        write!(f, ":{:02}", time.second())?;
        match nanos {
            0 => Ok(()),
            n if n % 1_000_000 == 0 => write!(f, ".{:03}", n / 1_000_000),
            n if n % 1_000 == 0 => write!(f, ".{:06}", n / 1_000),
            n => write!(f, ".{n:09}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::*;

    use super::*;

    #[test]
    fn values_read_as_java_prints_them() {
        let cases: Vec<(ArrayRef, &str)> = vec![
            (Arc::new(StringArray::from(vec!["a b"])), "a b"),
            (Arc::new(BooleanArray::from(vec![true])), "true"),
            (Arc::new(Int32Array::from(vec![-5])), "-5"),
            (Arc::new(Float64Array::from(vec![1e10])), "1.0E10"),
            (Arc::new(Decimal128Array::from(vec![1050]).with_precision_and_scale(10, 2).unwrap()), "10.50"),
            (Arc::new(Date32Array::from(vec![18_960])), "2021-11-29"),
            (Arc::new(Time32MillisecondArray::from(vec![30_000])), "00:00:30"),
            (Arc::new(Time32MillisecondArray::from(vec![60_000])), "00:01"),
            (Arc::new(TimestampMillisecondArray::from(vec![1_638_175_032_500])), "2021-11-29T08:37:12.500"),
            (Arc::new(TimestampMicrosecondArray::from(vec![1_638_175_032_000_001])), "2021-11-29T08:37:12.000001"),
            (
                Arc::new(TimestampMillisecondArray::from(vec![1_638_175_020_000]).with_timezone("UTC")),
                "2021-11-29T08:37",
            ),
        ];
        for (array, expected) in cases {
            let mut out = String::new();
            push_key_text(array.as_ref(), 0, &mut out);
            assert_eq!(out, expected);
        }
    }
}
