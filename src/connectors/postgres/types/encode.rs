//! Arrow values to PostgreSQL's binary values, checked against the database's type.

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{
    ArrowPrimitiveType, DataType, Date32Type, Decimal128Type, DecimalType, Float32Type, Float64Type, Int8Type,
    Int16Type, Int32Type, Int64Type, Time32MillisecondType, TimeUnit, TimestampMicrosecondType,
    TimestampMillisecondType, TimestampNanosecondType,
};
use chrono_tz::Tz;

use super::numeric::{write_decimal, write_double};
use super::{Misfit, PgType, datetime, shown};
use crate::types::TypeKind;

/// What a value is written for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// To be stored: surplus digits are rounded as the database does.
    Store,
    /// To be compared: what can't be said exactly in the database's type equals nothing there.
    Compare,
}

/// Appends the bytes of the value at a row, which is not NULL. On an error the bytes appended mean nothing.
pub type WriteCell<'a> = Box<dyn Fn(usize, &mut Vec<u8>) -> Result<(), Misfit> + Send + 'a>;

/// A writer of `array`, whose SQL type is `sql`, as `pg`; `None` where the two don't go together.
///
/// `element` is the element type's oid where `pg` is an array. `typmod` is the column's: the length of a varchar, the
/// precision of a numeric.
pub fn writer<'a>(
    pg: &'a PgType,
    typmod: i32,
    element: u32,
    sql: &TypeKind,
    array: &'a ArrayRef,
    purpose: Purpose,
    zone: Tz,
) -> Option<WriteCell<'a>> {
    use TypeKind as T;
    Some(match (pg, sql) {
        (PgType::Int2 | PgType::Int4 | PgType::Int8 | PgType::Numeric, _)
            if sql.is_integer() || matches!(sql, T::Decimal { .. }) =>
        {
            exact_number(pg, typmod, sql, array)?
        }
        (PgType::Float4, T::Float) => put(values::<Float32Type>(array)?, |v| Ok(v.to_be_bytes())),
        (PgType::Float8, T::Float) => put(values::<Float32Type>(array)?, |v| Ok(f64::from(v).to_be_bytes())),
        (PgType::Float8, T::Double) => put(values::<Float64Type>(array)?, |v| Ok(v.to_be_bytes())),
        (PgType::Float4, T::Double) => put(values::<Float64Type>(array)?, move |v| {
            let narrow = v as f32;
            let fits = if purpose == Purpose::Compare {
                f64::from(narrow) == v || v.is_nan()
            } else {
                narrow.is_finite() == v.is_finite()
            };
            if fits { Ok(narrow.to_be_bytes()) } else { Err(out_of_range(v, "real")) }
        }),
        // The database rounds to the column's scale, and refuses what is too large for its precision.
        (PgType::Numeric, T::Float) if purpose == Purpose::Store => {
            let values = values::<Float32Type>(array)?;
            Box::new(move |row, out| {
                write_double(values[row].into(), 6, out);
                Ok(())
            })
        }
        (PgType::Numeric, T::Double) if purpose == Purpose::Store => {
            let values = values::<Float64Type>(array)?;
            Box::new(move |row, out| {
                write_double(values[row], 15, out);
                Ok(())
            })
        }
        (PgType::Bool, T::Boolean) => {
            let values = array.as_boolean_opt()?;
            Box::new(move |row, out| {
                out.push(values.value(row).into());
                Ok(())
            })
        }
        (PgType::Date, T::Date) => put(values::<Date32Type>(array)?, |v| Ok(datetime::date_to_wire(v)?.to_be_bytes())),
        (PgType::Time, T::Time(_)) => {
            put(values::<Time32MillisecondType>(array)?, |v| Ok((i64::from(v) * 1000).to_be_bytes()))
        }
        (PgType::Timestamp | PgType::Timestamptz, T::Timestamp(_) | T::TimestampLtz(_)) => {
            timestamp(pg, sql, array, purpose, zone)?
        }
        (PgType::Bytea, T::Binary(_) | T::Varbinary(_)) => {
            let values = array.as_binary_opt::<i32>()?;
            Box::new(move |row, out| {
                out.extend_from_slice(values.value(row));
                Ok(())
            })
        }
        (pg, T::Char(_) | T::Varchar(_)) => text(pg, typmod, array, purpose)?,
        (PgType::Array(item), T::Array(sql)) => list(item, typmod, element, &sql.kind, array, purpose, zone)?,
        _ => return None,
    })
}

fn values<T: ArrowPrimitiveType>(array: &ArrayRef) -> Option<&[T::Native]> {
    Some(array.as_primitive_opt::<T>()?.values())
}

/// A writer of fixed-width values.
fn put<'a, V: Copy + Sync, const N: usize>(
    values: &'a [V],
    bytes: impl Fn(V) -> Result<[u8; N], Misfit> + Send + 'a,
) -> WriteCell<'a> {
    Box::new(move |row, out| {
        out.extend_from_slice(&bytes(values[row])?);
        Ok(())
    })
}

fn out_of_range(value: impl std::fmt::Display, name: &str) -> Misfit {
    Misfit::new(format!("{value} is out of range for {name}"))
}

/// Integers and decimals to integers and numerics.
fn exact_number<'a>(pg: &'a PgType, typmod: i32, sql: &TypeKind, array: &'a ArrayRef) -> Option<WriteCell<'a>> {
    let scale = match sql {
        TypeKind::Decimal { scale, .. } => *scale,
        _ => 0,
    };
    let value: Box<dyn Fn(usize) -> i128 + Send + 'a> = match array.data_type() {
        DataType::Int8 => integer(values::<Int8Type>(array)?),
        DataType::Int16 => integer(values::<Int16Type>(array)?),
        DataType::Int32 => integer(values::<Int32Type>(array)?),
        DataType::Int64 => integer(values::<Int64Type>(array)?),
        DataType::Decimal128(..) => integer(values::<Decimal128Type>(array)?),
        _ => return None,
    };
    let unit = 10_i128.checked_pow(u32::from(scale))?;
    let plain = move |v: i128| match unit {
        1 => v.to_string(),
        _ => Decimal128Type::format_decimal(v, 38, scale as i8),
    };
    let whole = move |v: i128, name: &str| match v % unit {
        0 => Ok(v / unit),
        _ => Err(out_of_range(plain(v), name)),
    };
    Some(match pg {
        PgType::Int2 => Box::new(move |row, out| {
            let v = whole(value(row), "smallint")?;
            let narrow = i16::try_from(v).map_err(|_| out_of_range(v, "smallint"))?;
            out.extend_from_slice(&narrow.to_be_bytes());
            Ok(())
        }),
        PgType::Int4 => Box::new(move |row, out| {
            let v = whole(value(row), "integer")?;
            let narrow = i32::try_from(v).map_err(|_| out_of_range(v, "integer"))?;
            out.extend_from_slice(&narrow.to_be_bytes());
            Ok(())
        }),
        PgType::Int8 => Box::new(move |row, out| {
            let v = whole(value(row), "bigint")?;
            let narrow = i64::try_from(v).map_err(|_| out_of_range(v, "bigint"))?;
            out.extend_from_slice(&narrow.to_be_bytes());
            Ok(())
        }),
        PgType::Numeric => {
            let limit = numeric_limit(typmod, scale);
            Box::new(move |row, out| {
                let v = value(row);
                if let Some((limit, name)) = &limit
                    && v.unsigned_abs() >= *limit
                {
                    return Err(out_of_range(plain(v), name));
                }
                write_decimal(v, scale, out);
                Ok(())
            })
        }
        _ => return None,
    })
}

fn integer<'a, V: Copy + Into<i128> + Sync>(values: &'a [V]) -> Box<dyn Fn(usize) -> i128 + Send + 'a> {
    Box::new(move |row| values[row].into())
}

/// The magnitude that values of `scale` must stay below to fit in numeric(p, s), and that type's name.
///
/// The database rounds to its own scale first, so a value just below the limit may round up to it: the limit is lower by
/// half a unit of the database's last digit.
fn numeric_limit(typmod: i32, scale: u8) -> Option<(u128, String)> {
    let bits = u32::try_from(typmod.checked_sub(4)?).ok()?;
    let precision = bits >> 16;
    // Eleven bits with a sign since PostgreSQL 15.
    let db_scale = ((bits & 0x7ff) as i32 ^ 1024) - 1024;
    let name = format!("numeric({precision},{db_scale})");
    let whole_digits = u32::try_from(precision as i32 - db_scale + i32::from(scale)).ok()?;
    let limit = 10_u128.checked_pow(whole_digits)?;
    let half = match u32::try_from(i32::from(scale) - db_scale) {
        Ok(dropped) if dropped > 0 => 10_u128.checked_pow(dropped)? / 2,
        _ => 0,
    };
    Some((limit - half, name))
}

fn timestamp<'a>(
    pg: &PgType,
    sql: &TypeKind,
    array: &'a ArrayRef,
    purpose: Purpose,
    zone: Tz,
) -> Option<WriteCell<'a>> {
    let shift: fn(i64, Tz) -> Option<i64> = match (pg, sql) {
        (PgType::Timestamp, TypeKind::TimestampLtz(_)) => datetime::instant_to_clock,
        (PgType::Timestamptz, TypeKind::Timestamp(_)) => datetime::clock_to_instant,
        _ => |micros, _| Some(micros),
    };
    let wire = move |micros: Option<i64>| -> Result<[u8; 8], Misfit> {
        let micros = micros.and_then(|m| shift(m, zone));
        let micros = micros.ok_or_else(|| Misfit::new("the timestamp is out of range for timestamp"))?;
        Ok(datetime::micros_to_wire(micros)?.to_be_bytes())
    };
    Some(match array.data_type() {
        DataType::Timestamp(TimeUnit::Millisecond, _) => {
            put(values::<TimestampMillisecondType>(array)?, move |v| wire(v.checked_mul(1000)))
        }
        DataType::Timestamp(TimeUnit::Microsecond, _) => {
            put(values::<TimestampMicrosecondType>(array)?, move |v| wire(Some(v)))
        }
        DataType::Timestamp(TimeUnit::Nanosecond, _) => put(values::<TimestampNanosecondType>(array)?, move |v| {
            if purpose == Purpose::Compare && v % 1000 != 0 {
                return Err(Misfit::new("timestamps have microseconds"));
            }
            wire(v.checked_add(500).map(|v| v.div_euclid(1000)))
        }),
        _ => return None,
    })
}

fn text<'a>(pg: &'a PgType, typmod: i32, array: &'a ArrayRef, purpose: Purpose) -> Option<WriteCell<'a>> {
    let values = array.as_string_opt::<i32>()?;
    if *pg == PgType::Uuid {
        return Some(Box::new(move |row, out| {
            let text = values.value(row);
            let id = uuid::Uuid::try_parse(text).map_err(|_| Misfit::new(format!("{} is no uuid", shown(text))))?;
            out.extend_from_slice(id.as_bytes());
            Ok(())
        }));
    }
    if !pg.is_text() && *pg != PgType::Jsonb {
        return None;
    }
    let limit = match pg {
        PgType::Text | PgType::Bpchar if purpose == Purpose::Store => usize::try_from(typmod - 4).ok(),
        _ => None,
    };
    Some(Box::new(move |row, out| {
        let text = values.value(row);
        if text.contains('\0') {
            return Err(Misfit::new(format!(
                "{} has a NUL character, which PostgreSQL's text can't hold",
                shown(text)
            )));
        }
        if let Some(limit) = limit
            && text.len() > limit
            && text.chars().skip(limit).any(|c| c != ' ')
        {
            let name = if *pg == PgType::Bpchar { "character" } else { "character varying" };
            return Err(Misfit::new(format!("{} is too long for {name}({limit})", shown(text))));
        }
        match pg {
            PgType::Enum(labels) if !labels.iter().any(|l| l == text) => {
                return Err(Misfit::new(format!("{} is none of the labels {}", shown(text), labels.join(", "))));
            }
            PgType::Jsonb => out.push(1),
            _ => {}
        }
        out.extend_from_slice(text.as_bytes());
        Ok(())
    }))
}

fn list<'a>(
    pg: &'a PgType,
    typmod: i32,
    element: u32,
    sql: &TypeKind,
    array: &'a ArrayRef,
    purpose: Purpose,
    zone: Tz,
) -> Option<WriteCell<'a>> {
    let lists = array.as_list_opt::<i32>()?;
    let items = lists.values();
    let write = writer(pg, typmod, 0, sql, items, purpose, zone)?;
    Some(Box::new(move |row, out| {
        let offsets = lists.value_offsets();
        let (start, end) = (offsets[row] as usize, offsets[row + 1] as usize);
        write_array(element, start..end, |i| items.is_null(i), &write, out)
    }))
}

/// Appends a one-dimensional array of the values at `rows`.
pub fn write_array(
    element: u32,
    rows: impl ExactSizeIterator<Item = usize>,
    is_null: impl Fn(usize) -> bool,
    write: &WriteCell<'_>,
    out: &mut Vec<u8>,
) -> Result<(), Misfit> {
    let count = i32::try_from(rows.len()).map_err(|_| Misfit::new("the array is too long"))?;
    if count == 0 {
        for word in [0, 0, element as i32] {
            out.extend_from_slice(&word.to_be_bytes());
        }
        return Ok(());
    }
    for word in [1, 1, element as i32, count, 1] {
        out.extend_from_slice(&word.to_be_bytes());
    }
    for row in rows {
        write_value(row, &is_null, write, out)?;
    }
    Ok(())
}

/// Appends a value with its length in front; NULL has the length -1.
pub fn write_value(
    row: usize,
    is_null: impl Fn(usize) -> bool,
    write: &WriteCell<'_>,
    out: &mut Vec<u8>,
) -> Result<(), Misfit> {
    if is_null(row) {
        out.extend_from_slice(&(-1_i32).to_be_bytes());
        return Ok(());
    }
    let start = out.len();
    out.extend_from_slice(&[0; 4]);
    write(row, out)?;
    let length = i32::try_from(out.len() - start - 4).map_err(|_| Misfit::new("the value is longer than 1 GB"))?;
    out[start..start + 4].copy_from_slice(&length.to_be_bytes());
    Ok(())
}
