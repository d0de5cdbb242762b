//! A place in a JSON text, and the tokens that can be read from there.
//!
//! Everything here takes only what JSON allows, and gives up with [`Odd`] on the rare forms that the general parser
//! handles as well: a text is never misread, at worst it is read a second time.

/// The scanner gives the message up: broken, or of a form that is left to the general parser.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Odd;

pub(super) type Scan<T> = Result<T, Odd>;

const ONES: u64 = 0x0101_0101_0101_0101;
const HIGHS: u64 = 0x8080_8080_8080_8080;

/// Reads a text from front to back.
#[derive(Debug)]
pub(super) struct Cursor<'a> {
    text: &'a [u8],
    pos: usize,
}

/// A number as it is written.
#[derive(Debug, Clone, Copy)]
pub(super) struct Number<'a> {
    pub text: &'a [u8],
    pub negative: bool,
    /// All digits without the point; meaningless where there are more than 18.
    pub digits: u64,
    pub digit_count: usize,
    /// Digits behind the point.
    pub fraction_digits: usize,
    pub has_point: bool,
    pub has_exponent: bool,
}

/// A text to compare with, many bytes at a time.
#[derive(Debug, Default)]
pub(super) struct FixedText {
    bytes: Vec<u8>,
    /// The first sixteen bytes, and which of them count.
    head: (u128, u128),
    /// What follows, eight bytes at a time, and which of each word's bytes count.
    tail: Vec<(u64, u64)>,
}

impl FixedText {
    pub fn new(bytes: &[u8]) -> Self {
        let mut text = Self::default();
        text.set(bytes);
        text
    }

    pub fn set(&mut self, bytes: &[u8]) {
        self.bytes.clear();
        self.bytes.extend_from_slice(bytes);
        let (head, tail) = bytes.split_at(bytes.len().min(16));
        let (word, mask) = padded::<16>(head);
        self.head = (u128::from_le_bytes(word), u128::from_le_bytes(mask));
        self.tail.clear();
        self.tail.extend(tail.chunks(8).map(|chunk| {
            let (word, mask) = padded::<8>(chunk);
            (u64::from_le_bytes(word), u64::from_le_bytes(mask))
        }));
    }
}

/// At most `N` bytes with zeros behind them, and all ones where they are.
fn padded<const N: usize>(bytes: &[u8]) -> ([u8; N], [u8; N]) {
    let (mut word, mut mask) = ([0; N], [0; N]);
    for (i, byte) in bytes.iter().enumerate().take(N) {
        (word[i], mask[i]) = (*byte, 0xFF);
    }
    (word, mask)
}

impl<'a> Cursor<'a> {
    pub fn new(text: &'a [u8]) -> Self {
        Self { text, pos: 0 }
    }

    /// The next byte, or 0 at the end (which no token starts with).
    #[inline(always)]
    pub fn peek(&self) -> u8 {
        self.text.get(self.pos).copied().unwrap_or(0)
    }

    #[inline]
    pub fn rest(&self) -> &'a [u8] {
        self.text.get(self.pos..).unwrap_or_default()
    }

    #[inline(always)]
    pub fn skip_space(&mut self) {
        while matches!(self.peek(), b' ' | b'\n' | b'\r' | b'\t') {
            self.pos += 1;
        }
    }

    #[inline(always)]
    pub fn expect(&mut self, byte: u8) -> Scan<()> {
        if self.peek() != byte {
            return Err(Odd);
        }
        self.pos += 1;
        Ok(())
    }

    /// Passes over bytes that were looked at.
    #[inline(always)]
    pub fn advance(&mut self, bytes: usize) {
        self.pos += bytes;
    }

    /// Takes `bytes` if they come next.
    #[inline(always)]
    pub fn take(&mut self, bytes: &[u8]) -> bool {
        let found = self.rest().starts_with(bytes);
        if found {
            self.pos += bytes.len();
        }
        found
    }

    /// Takes `text` if it comes next.
    #[inline(always)]
    pub fn take_text(&mut self, text: &FixedText) -> bool {
        let Some((next, mut rest)) = self.rest().split_first_chunk::<16>() else {
            return self.take(&text.bytes);
        };
        let (word, mask) = text.head;
        if (u128::from_le_bytes(*next) ^ word) & mask != 0 {
            return false;
        }
        for (word, mask) in &text.tail {
            let Some((next, after)) = rest.split_first_chunk::<8>() else {
                return self.take(&text.bytes);
            };
            if (u64::from_le_bytes(*next) ^ word) & mask != 0 {
                return false;
            }
            rest = after;
        }
        self.pos += text.bytes.len();
        true
    }

    #[inline]
    pub fn keyword(&mut self, word: &[u8]) -> Scan<()> {
        if self.take(word) { Ok(()) } else { Err(Odd) }
    }

    /// A string up to its first escape or its end: what is between, and true when it ends there. The cursor stands
    /// behind the closing quote, or on the backslash.
    #[inline]
    pub fn string_part(&mut self) -> Scan<(&'a [u8], bool)> {
        let rest = self.rest();
        let end = quote_or_escape(rest).ok_or(Odd)?;
        let (part, after) = rest.split_at_checked(end).ok_or(Odd)?;
        let ends = after.first() == Some(&b'"');
        self.pos += end + usize::from(ends);
        Ok((part, ends))
    }

    /// A string without escapes, without its quotes.
    #[inline]
    pub fn plain_string(&mut self) -> Scan<&'a [u8]> {
        self.expect(b'"')?;
        match self.string_part()? {
            (part, true) => Ok(part),
            _ => Err(Odd),
        }
    }

    /// Appends a string's characters to `out`.
    #[inline]
    pub fn string(&mut self, out: &mut Vec<u8>) -> Scan<()> {
        self.expect(b'"')?;
        // To copy a known number of bytes costs a fraction of copying an unknown one: what is too much is cut off.
        if let Some(next) = self.rest().first_chunk::<16>() {
            let end = first_of(in_words(next, quotes_or_escapes));
            if next.get(end) == Some(&b'"') {
                let whole = out.len() + end;
                out.extend_from_slice(next);
                out.truncate(whole);
                self.pos += end + 1;
                return Ok(());
            }
        }
        loop {
            let (part, ends) = self.string_part()?;
            out.extend_from_slice(part);
            if ends {
                return Ok(());
            }
            self.escape(out)?;
        }
    }

    /// Appends the character of the escape at the cursor.
    pub fn escape(&mut self, out: &mut Vec<u8>) -> Scan<()> {
        self.pos += 1;
        let kind = self.peek();
        self.pos += 1;
        out.push(match kind {
            b'"' | b'\\' | b'/' => kind,
            b'b' => 8,
            b'f' => 12,
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'u' => {
                let mut unit = self.hex4()?;
                if (0xD800..0xDC00).contains(&unit) && self.take(b"\\u") {
                    let low = self.hex4()?.checked_sub(0xDC00).filter(|low| *low < 0x400).ok_or(Odd)?;
                    unit = 0x10000 + ((unit - 0xD800) << 10) + low;
                }
                let character = char::from_u32(unit).ok_or(Odd)?;
                out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
                return Ok(());
            }
            _ => return Err(Odd),
        });
        Ok(())
    }

    fn hex4(&mut self) -> Scan<u32> {
        let digits = self.rest().get(..4).ok_or(Odd)?;
        self.pos += 4;
        digits.iter().try_fold(0, |n, b| (*b as char).to_digit(16).map(|d| n * 16 + d)).ok_or(Odd)
    }

    /// A number, checked to be one of JSON's.
    #[inline]
    pub fn number(&mut self) -> Scan<Number<'a>> {
        let start = self.pos;
        let negative = self.peek() == b'-';
        self.pos += usize::from(negative);
        let first = self.peek();
        let mut digits = 0u64;
        let whole = self.digits(&mut digits)?;
        if whole > 1 && first == b'0' {
            return Err(Odd);
        }
        let has_point = self.peek() == b'.';
        let mut fraction_digits = 0;
        if has_point {
            self.pos += 1;
            fraction_digits = self.digits(&mut digits)?;
        }
        let has_exponent = matches!(self.peek(), b'e' | b'E');
        if has_exponent {
            self.pos += 1;
            if matches!(self.peek(), b'+' | b'-') {
                self.pos += 1;
            }
            self.digits(&mut 0)?;
        }
        let text = self.text.get(start..self.pos).ok_or(Odd)?;
        let digit_count = whole + fraction_digits;
        Ok(Number { text, negative, digits, digit_count, fraction_digits, has_point, has_exponent })
    }

    /// At least one digit; how many.
    #[inline(always)]
    fn digits(&mut self, value: &mut u64) -> Scan<usize> {
        let start = self.pos;
        loop {
            let digit = self.peek().wrapping_sub(b'0');
            if digit > 9 {
                break;
            }
            *value = value.wrapping_mul(10).wrapping_add(u64::from(digit));
            self.pos += 1;
        }
        if self.pos == start { Err(Odd) } else { Ok(self.pos - start) }
    }

    /// Enters the array or object at the cursor; true when an item follows, false when it was empty and is passed.
    #[inline]
    pub fn open(&mut self, close: u8) -> bool {
        self.pos += 1;
        self.skip_space();
        if self.peek() == close {
            self.pos += 1;
            return false;
        }
        true
    }

    /// Behind an item: true when another follows, false when the array or object ended and is passed.
    #[inline(always)]
    pub fn more(&mut self, close: u8) -> Scan<bool> {
        self.skip_space();
        let byte = self.peek();
        self.pos += 1;
        if byte == b',' {
            self.skip_space();
            return Ok(true);
        }
        if byte == close { Ok(false) } else { Err(Odd) }
    }
}

/// The position of the first quote or backslash.
///
/// Eight bytes at a time: fields are mostly shorter than what makes a call of `memchr2` worthwhile.
#[inline]
fn quote_or_escape(text: &[u8]) -> Option<usize> {
    let mut at = 0;
    for chunk in text.as_chunks::<8>().0.iter().take(4) {
        let found = quotes_or_escapes(u64::from_le_bytes(*chunk));
        if found != 0 {
            return Some(at + (found.trailing_zeros() / 8) as usize);
        }
        at += 8;
    }
    memchr::memchr2(b'"', b'\\', text.get(at..)?).map(|found| at + found)
}

/// What `find` says of each half.
#[inline(always)]
pub(super) fn in_words(bytes: &[u8; 16], find: fn(u64) -> u64) -> u128 {
    let [low, high] = [0, 64].map(|shift| find((u128::from_le_bytes(*bytes) >> shift) as u64));
    u128::from(high) << 64 | u128::from(low)
}

/// The place of the first byte whose high bit is set; 16 where none is.
#[inline(always)]
pub(super) fn first_of(found: u128) -> usize {
    found.trailing_zeros() as usize / 8
}

/// The high bit of each byte that is a quote or a backslash; exact up to the first one, which is all that is used.
#[inline(always)]
pub(super) fn quotes_or_escapes(word: u64) -> u64 {
    let zeros = |word: u64| word.wrapping_sub(ONES) & !word & HIGHS;
    zeros(word ^ (ONES * u64::from(b'"'))) | zeros(word ^ (ONES * u64::from(b'\\')))
}

/// The high bit of each byte that is no digit; exact.
#[inline(always)]
pub(super) fn no_digits(word: u64) -> u64 {
    let values = word ^ (ONES * u64::from(b'0'));
    (((values & !HIGHS) + ONES * (0x80 - 10)) | values) & HIGHS
}

impl Number<'_> {
    /// The number where it is whole and fits, without further ado.
    #[inline]
    pub fn integer(&self) -> Option<i64> {
        if self.has_point || self.has_exponent || self.digit_count > 18 {
            return None;
        }
        let value = self.digits as i64;
        Some(if self.negative { -value } else { value })
    }

    /// The nearest double.
    #[inline]
    pub fn double(&self) -> Option<f64> {
        // Exact: both numbers are, and one division rounds once.
        const POWERS: [f64; 23] = [
            1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18,
            1e19, 1e20, 1e21, 1e22,
        ];
        if !self.has_exponent && self.digit_count <= 18 && self.digits <= 1 << 53 {
            let value = self.digits as f64 / POWERS[self.fraction_digits];
            return Some(if self.negative { -value } else { value });
        }
        lexical_core::parse(self.text).ok()
    }

    #[inline]
    pub fn float(&self) -> Option<f32> {
        lexical_core::parse(self.text).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_string_ends_at_the_first_quote_wherever_it_stands() {
        for length in 0..100 {
            let text = format!("\"{}\" \"", "x".repeat(length));
            assert_eq!(Cursor::new(text.as_bytes()).plain_string(), Ok(&text.as_bytes()[1..=length]));
        }
    }

    #[test]
    fn numbers_are_the_nearest_doubles() {
        for text in ["0.1", "98.3", "-123456789.123456", "9007199254740993", "1e22", "0.30000000000000004", "5e-324"] {
            let number = Cursor::new(text.as_bytes()).number().unwrap();
            assert_eq!(number.double(), text.parse().ok(), "{text}");
        }
        assert_eq!(Cursor::new(b"-12").number().unwrap().integer(), Some(-12));
        assert_eq!(Cursor::new(b"1.0").number().unwrap().integer(), None);
    }
}
