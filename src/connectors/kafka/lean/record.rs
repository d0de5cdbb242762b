//! One record within a batch: where its key, its value and its headers are.
//! <https://kafka.apache.org/documentation/#record>

use std::ops::Range;

/// A record's fields: numbers, and places in the bytes it was read from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// By how much it is behind the batch's first record.
    pub timestamp_delta: i64,
    pub offset_delta: i32,
    pub key: Option<Range<usize>>,
    pub value: Option<Range<usize>>,
    /// Where the headers are, their number first.
    pub headers: Range<usize>,
    /// Where the next record is.
    pub end: usize,
}

impl Record {
    /// The record at a place; none where there is no whole one.
    #[inline(always)]
    pub fn read(bytes: &[u8], mut at: usize) -> Option<Self> {
        let size = usize::try_from(varint(bytes, &mut at)?).ok()?;
        let end = at.checked_add(size)?;
        let bytes = bytes.get(..end)?;
        at += 1; // attributes, of which there are none yet
        let timestamp_delta = varint(bytes, &mut at)?;
        let offset_delta = i32::try_from(varint(bytes, &mut at)?).ok()?;
        let key = field(bytes, &mut at)?;
        let value = field(bytes, &mut at)?;
        Some(Self { timestamp_delta, offset_delta, key, value, headers: at..end, end })
    }

    /// Hands over the places of every header's key and value; none where they are damaged.
    pub fn headers(&self, bytes: &[u8], mut each: impl FnMut(Range<usize>, Option<Range<usize>>)) -> Option<()> {
        let (bytes, mut at) = (bytes.get(..self.headers.end)?, self.headers.start);
        let count = varint(bytes, &mut at)?;
        for _ in 0..count {
            let key = field(bytes, &mut at)??;
            let value = field(bytes, &mut at)?;
            each(key, value);
        }
        Some(())
    }
}

/// Bytes behind their size; a size of -1 is null.
#[inline(always)]
fn field(bytes: &[u8], at: &mut usize) -> Option<Option<Range<usize>>> {
    let size = varint(bytes, at)?;
    if size == -1 {
        return Some(None);
    }
    let start = *at;
    let end = start.checked_add(usize::try_from(size).ok()?).filter(|end| *end <= bytes.len())?;
    *at = end;
    Some(Some(start..end))
}

/// A number of as many bytes as it needs, seven bits in each, the sign in the last bit. Most have one byte or two.
#[inline(always)]
pub fn varint(bytes: &[u8], at: &mut usize) -> Option<i64> {
    let first = u64::from(*bytes.get(*at)?);
    if first < 0x80 {
        *at += 1;
        return Some(signed(first));
    }
    let second = u64::from(*bytes.get(*at + 1)?);
    if second < 0x80 {
        *at += 2;
        return Some(signed(first & 0x7f | second << 7));
    }
    long_varint(bytes, at)
}

fn long_varint(bytes: &[u8], at: &mut usize) -> Option<i64> {
    let mut number = 0;
    for shift in (0..64).step_by(7) {
        let byte = u64::from(*bytes.get(*at)?);
        *at += 1;
        number |= (byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some(signed(number));
        }
    }
    None
}

fn signed(number: u64) -> i64 {
    (number >> 1) as i64 ^ -((number & 1) as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_as_many_bytes_as_they_need() {
        for (bytes, number) in [
            (&[0][..], 0),
            (&[1], -1),
            (&[2], 1),
            (&[0x7f], -64),
            (&[0x80, 1], 64),
            (&[0xfe, 0xff, 3], 32767),
            (&[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1], i64::MIN),
        ] {
            let mut at = 0;
            assert_eq!(varint(bytes, &mut at), Some(number));
            assert_eq!(at, bytes.len());
            assert_eq!(varint(&bytes[..bytes.len() - 1], &mut 0), None);
        }
        assert_eq!(varint(&[0xff; 11], &mut 0), None);
    }
}
