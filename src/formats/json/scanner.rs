//! One JSON message straight into columns.

use super::cursor::{Cursor, Number, Odd, Scan};
use super::shape::{Key, Keys, Shape};
use super::{Rules, base64};
use crate::formats::column::{Column, Ranges, Values};
use crate::formats::temporal;

/// Reads the object at the cursor as a row: one value more in each of `columns`, or [`Odd`] with any of them begun.
#[inline]
pub(super) fn scan_row(cursor: &mut Cursor, columns: &mut [Column], keys: &mut Keys, rules: &Rules) -> Scan<()> {
    // All columns of a row are equally long before it.
    let rows = columns.first().map_or(0, Column::len);
    let (mut place, mut found) = (0, 0);
    loop {
        match keys.next(cursor, place)? {
            Key::Of(i) => {
                let (Some(column), Some(shape)) = (columns.get_mut(i), keys.shapes.get_mut(i)) else {
                    return Err(Odd);
                };
                // A key that came before: the last one counts, which the general parser knows.
                if column.len() != rows {
                    return Err(Odd);
                }
                scan_value(cursor, column, shape, rules)?;
                found += 1;
            }
            Key::Unread => cursor.skip_value()?,
            Key::End => break,
        }
        place += 1;
    }
    if found < columns.len() {
        if rules.fail_on_missing {
            return Err(Odd);
        }
        for column in columns.iter_mut().filter(|c| c.len() == rows) {
            column.push_null().map_err(|_| Odd)?;
        }
    }
    Ok(())
}

/// Reads the value at the cursor into `column`.
#[inline]
fn scan_value(cursor: &mut Cursor, column: &mut Column, shape: &mut Shape, rules: &Rules) -> Scan<()> {
    if cursor.peek() == b'n' {
        cursor.keyword(b"null")?;
        return column.push_null().map_err(|_| Odd);
    }
    match &mut column.values {
        Values::Text(ranges) => scan_text(cursor, ranges)?,
        Values::BigInt(values) => values.push(cursor.number()?.integer().ok_or(Odd)?),
        Values::Double(values) => values.push(cursor.number()?.double().ok_or(Odd)?),
        Values::Int(values) => values.push(narrow(cursor)?),
        Values::SmallInt(values) => values.push(narrow(cursor)?),
        Values::TinyInt(values) => values.push(narrow(cursor)?),
        Values::Float(values) => values.push(cursor.number()?.float().ok_or(Odd)?),
        Values::Boolean(values) => values.push(scan_bool(cursor)?),
        Values::Decimal { precision, scale, values } => {
            values.push(decimal(cursor.number()?, *precision, *scale)?);
        }
        Values::Date(values) => values.push(temporal::parse_date(cursor.plain_string()?).ok_or(Odd)?),
        Values::Time(values) => {
            let nanos = temporal::parse_time(cursor.plain_string()?, false).ok_or(Odd)?;
            // Whole seconds, as Flink reads them.
            values.push((nanos / 1_000_000_000) as i32 * 1000);
        }
        Values::Timestamp { unit, zoned, values } => {
            let moment = rules.timestamps.parse(cursor.plain_string()?, *zoned).ok_or(Odd)?;
            values.push(moment.in_unit(*unit).ok_or(Odd)?);
        }
        Values::Bytes(ranges) => {
            base64::decode(cursor.plain_string()?, &mut ranges.bytes).ok_or(Odd)?;
            end_range(ranges)?;
        }
        Values::Array { ends, items } => {
            let Shape::Array(shape) = shape else { return Err(Odd) };
            scan_array(cursor, items, shape, rules)?;
            ends.push(i32::try_from(items.len()).map_err(|_| Odd)?);
        }
        Values::Map { ends, keys, values } => {
            let Shape::Map(shape) = shape else { return Err(Odd) };
            scan_map(cursor, keys, values, shape, rules)?;
            ends.push(i32::try_from(keys.len()).map_err(|_| Odd)?);
        }
        Values::Row(fields) => {
            let Shape::Row(keys) = shape else { return Err(Odd) };
            scan_row(cursor, fields, keys, rules)?;
        }
    }
    column.pushed();
    Ok(())
}

#[inline]
fn scan_text(cursor: &mut Cursor, ranges: &mut Ranges) -> Scan<()> {
    match cursor.peek() {
        b'"' => cursor.string(&mut ranges.bytes)?,
        b't' => {
            cursor.keyword(b"true")?;
            ranges.bytes.extend_from_slice(b"true");
        }
        b'f' => {
            cursor.keyword(b"false")?;
            ranges.bytes.extend_from_slice(b"false");
        }
        // Objects and arrays are written anew, by the general parser's rules.
        b'{' | b'[' => return Err(Odd),
        _ => ranges.bytes.extend_from_slice(cursor.number()?.text),
    }
    end_range(ranges)
}

#[inline]
fn end_range(ranges: &mut Ranges) -> Scan<()> {
    ranges.ends.push(i32::try_from(ranges.bytes.len()).map_err(|_| Odd)?);
    Ok(())
}

#[inline]
fn narrow<T: TryFrom<i64>>(cursor: &mut Cursor) -> Scan<T> {
    let value = cursor.number()?.integer().ok_or(Odd)?;
    T::try_from(value).map_err(|_| Odd)
}

fn scan_bool(cursor: &mut Cursor) -> Scan<bool> {
    let value = cursor.peek() == b't';
    cursor.keyword(if value { b"true" } else { b"false" })?;
    Ok(value)
}

/// A decimal that needs no rounding and can't overflow.
fn decimal(number: Number, precision: u8, scale: u8) -> Scan<i128> {
    let zeros = usize::from(scale).checked_sub(number.fraction_digits).ok_or(Odd)?;
    let fits = !number.has_exponent && number.digit_count <= 18 && number.digit_count + zeros <= usize::from(precision);
    if !fits {
        return Err(Odd);
    }
    let value = i128::from(number.digits) * 10i128.pow(zeros as u32);
    Ok(if number.negative { -value } else { value })
}

fn scan_array(cursor: &mut Cursor, items: &mut Column, shape: &mut Shape, rules: &Rules) -> Scan<()> {
    if cursor.peek() != b'[' {
        return Err(Odd);
    }
    let mut more = cursor.open(b']');
    while more {
        scan_value(cursor, items, shape, rules)?;
        more = cursor.more(b']')?;
    }
    Ok(())
}

fn scan_map(cursor: &mut Cursor, keys: &mut Column, values: &mut Column, shape: &mut Shape, rules: &Rules) -> Scan<()> {
    if cursor.peek() != b'{' {
        return Err(Odd);
    }
    let first = keys.len();
    let mut more = cursor.open(b'}');
    while more {
        let Values::Text(ranges) = &mut keys.values else { return Err(Odd) };
        let start = ranges.bytes.len();
        cursor.string(&mut ranges.bytes)?;
        end_range(ranges)?;
        if repeats(ranges, first, start) {
            return Err(Odd);
        }
        keys.pushed();
        cursor.skip_space();
        cursor.expect(b':')?;
        cursor.skip_space();
        scan_value(cursor, values, shape, rules)?;
        more = cursor.more(b'}')?;
    }
    Ok(())
}

/// True when the last key, which starts at `start`, came before in the map whose keys begin at `first`, or when that
/// takes too long to find out.
fn repeats(ranges: &Ranges, first: usize, start: usize) -> bool {
    let last = ranges.bytes.get(start..).unwrap_or_default();
    let before = ranges.ends.len() - 1;
    if before - first > 16 {
        return true;
    }
    (first..before).any(|i| {
        let from = if i == 0 { 0 } else { ranges.ends[i - 1] as usize };
        ranges.bytes.get(from..ranges.ends[i] as usize) == Some(last)
    })
}
