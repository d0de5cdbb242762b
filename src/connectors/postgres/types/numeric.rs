//! PostgreSQL's binary `numeric`: base-10000 digits around a decimal point, to and from 128-bit decimals.
//!
//! Layout, all big-endian 16-bit: number of digits, weight (the first digit counts 10000^weight), sign, display scale,
//! then the digits. <https://www.postgresql.org/docs/current/datatype-numeric.html>; `numeric_send` in `numeric.c`.

use super::Misfit;

const NEGATIVE: u16 = 0x4000;
const NAN: u16 = 0xC000;
const INFINITY: u16 = 0xD000;
const NEGATIVE_INFINITY: u16 = 0xF000;

/// A numeric as it came over the wire.
#[derive(Debug, Clone, Copy)]
pub struct Numeric<'a> {
    weight: i32,
    sign: u16,
    digits: &'a [u8],
}

impl<'a> Numeric<'a> {
    pub fn parse(bytes: &'a [u8]) -> Result<Self, Misfit> {
        let word = |i: usize| bytes.get(2 * i..2 * i + 2).map(|b| u16::from_be_bytes([b[0], b[1]]));
        let (Some(count), Some(weight), Some(sign), Some(_)) = (word(0), word(1), word(2), word(3)) else {
            return Err(Misfit::malformed("numeric"));
        };
        let digits = bytes.get(8..8 + 2 * usize::from(count)).ok_or_else(|| Misfit::malformed("numeric"))?;
        Ok(Self { weight: i32::from(weight as i16), sign, digits })
    }

    /// The value times 10^`scale`, rounded half away from zero as Java's `HALF_UP`.
    ///
    /// # Errors
    /// NaN, an infinity, or more than `precision` digits.
    pub fn to_decimal(self, precision: u8, scale: u8) -> Result<i128, Misfit> {
        if let Some(name) = self.not_finite() {
            return Err(Misfit::new(format!("{name} is no DECIMAL({precision}, {scale})")));
        }
        let magnitude = self.magnitude(i32::from(scale));
        match magnitude.filter(|m| *m < pow10(u32::from(precision)).unwrap_or(i128::MAX)) {
            Some(m) if self.sign == NEGATIVE => Ok(-m),
            Some(m) => Ok(m),
            None => Err(Misfit::new(format!("{} has too many digits for DECIMAL({precision}, {scale})", self.text()))),
        }
    }

    /// The value of a whole number that fits in 64 bits.
    pub fn to_i64(self) -> Result<i64, Misfit> {
        let refuse = || Misfit::new(format!("{} is no whole number of 64 bits", self.text()));
        let point = usize::try_from(self.weight + 1).unwrap_or(0);
        if self.not_finite().is_some() || self.digits().skip(point).any(|d| d != 0) {
            return Err(refuse());
        }
        let magnitude = self.magnitude(0).ok_or_else(refuse)?;
        i64::try_from(if self.sign == NEGATIVE { -magnitude } else { magnitude }).map_err(|_| refuse())
    }

    /// The nearest double.
    pub fn to_f64(self) -> f64 {
        match self.sign {
            NAN => f64::NAN,
            INFINITY => f64::INFINITY,
            NEGATIVE_INFINITY => f64::NEG_INFINITY,
            _ => self.scientific().parse().unwrap_or(f64::NAN),
        }
    }

    fn digits(self) -> impl Iterator<Item = u16> + 'a {
        self.digits.chunks_exact(2).map(|b| u16::from_be_bytes([b[0], b[1]]))
    }

    fn not_finite(self) -> Option<&'static str> {
        match self.sign {
            NAN => Some("NaN"),
            INFINITY => Some("Infinity"),
            NEGATIVE_INFINITY => Some("-Infinity"),
            _ => None,
        }
    }

    /// Without the sign; `None` where 128 bits are not enough.
    fn magnitude(self, scale: i32) -> Option<i128> {
        let mut value: i128 = 0;
        // The power of ten that the last digit of `value` counts.
        let mut exponent = 4 * (self.weight + 1);
        for digit in self.digits() {
            let kept = (exponent + scale).min(4);
            if kept < 0 {
                return Some(value);
            }
            let dropped = 10_i128.pow((4 - kept) as u32);
            value = value.checked_mul(10_i128.pow(kept as u32))?.checked_add(i128::from(digit) / dropped)?;
            if kept < 4 {
                let next = i128::from(digit) % dropped / (dropped / 10);
                return value.checked_add(i128::from(next >= 5));
            }
            exponent -= 4;
        }
        match value {
            0 => Some(0),
            _ => value.checked_mul(pow10(u32::try_from(exponent + scale).ok()?)?),
        }
    }

    /// `-12340000e-4`: exact, for parsing.
    fn scientific(self) -> String {
        let mut text = String::from(if self.sign == NEGATIVE { "-0" } else { "0" });
        for digit in self.digits() {
            text.push_str(&format!("{digit:04}"));
        }
        let count = (self.digits.len() / 2) as i32;
        text.push_str(&format!("e{}", 4 * (self.weight - count + 1)));
        text
    }

    /// For messages.
    fn text(self) -> String {
        match self.not_finite() {
            Some(name) => name.to_string(),
            None => match self.magnitude(0) {
                Some(whole) if self.digits.len() / 2 <= usize::try_from(self.weight + 1).unwrap_or(0) => {
                    format!("{}{whole}", if self.sign == NEGATIVE { "-" } else { "" })
                }
                _ => format!("{:e}", self.to_f64()),
            },
        }
    }
}

fn pow10(exponent: u32) -> Option<i128> {
    10_i128.checked_pow(exponent)
}

/// Appends `value` / 10^`scale`.
pub fn write_decimal(value: i128, scale: u8, out: &mut Vec<u8>) {
    let magnitude = value.unsigned_abs();
    let unit = 10_u128.pow(u32::from(scale).min(38));
    let (mut whole, mut fraction) = (magnitude / unit, magnitude % unit);
    let mut digits: Vec<u16> = Vec::with_capacity(20);
    while whole > 0 {
        digits.push((whole % 10_000) as u16);
        whole /= 10_000;
    }
    digits.reverse();
    let mut weight = digits.len() as i16 - 1;
    let mut rest = u32::from(scale);
    while rest > 0 {
        let unit = 10_u128.pow(rest.saturating_sub(4));
        let digit = fraction / unit * 10_u128.pow(4_u32.saturating_sub(rest));
        digits.push(digit as u16);
        fraction %= unit;
        rest = rest.saturating_sub(4);
    }
    let leading = digits.iter().take_while(|d| **d == 0).count();
    weight -= leading as i16;
    let trailing = digits[leading..].iter().rev().take_while(|d| **d == 0).count();
    let digits = &digits[leading..digits.len() - trailing];
    let sign = if value < 0 { NEGATIVE } else { 0 };
    let weight = if digits.is_empty() { 0 } else { weight };
    write_words(&[digits.len() as u16, weight as u16, sign, u16::from(scale)], digits, out);
}

/// Appends a floating-point number with so many significant digits, as PostgreSQL's own cast does.
pub fn write_double(value: f64, significant: usize, out: &mut Vec<u8>) {
    let special = match value {
        v if v.is_nan() => Some(NAN),
        f64::INFINITY => Some(INFINITY),
        f64::NEG_INFINITY => Some(NEGATIVE_INFINITY),
        _ => None,
    };
    if let Some(sign) = special {
        return write_words(&[0, 0, sign, 0], &[], out);
    }
    let text = format!("{:.*e}", significant.saturating_sub(1), value.abs());
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let mut mantissa: u64 = mantissa.replace('.', "").parse().unwrap_or(0);
    // The power of ten that the mantissa's last digit counts.
    let mut exponent = exponent.parse::<i32>().unwrap_or(0) + 1 - significant as i32;
    while mantissa > 0 && mantissa.is_multiple_of(10) {
        (mantissa, exponent) = (mantissa / 10, exponent + 1);
    }
    let shift = exponent.rem_euclid(4);
    let mut rest = u128::from(mantissa) * 10_u128.pow(shift as u32);
    let mut digits = Vec::with_capacity(6);
    while rest > 0 {
        digits.push((rest % 10_000) as u16);
        rest /= 10_000;
    }
    digits.reverse();
    let weight = match digits.len() {
        0 => 0,
        count => count as i32 - 1 + (exponent - shift) / 4,
    };
    let sign = if value < 0.0 { NEGATIVE } else { 0 };
    let scale = if mantissa == 0 { 0 } else { (-exponent).max(0) as u16 };
    write_words(&[digits.len() as u16, weight as i16 as u16, sign, scale], &digits, out);
}

fn write_words(head: &[u16], digits: &[u16], out: &mut Vec<u8>) {
    for word in head.iter().chain(digits) {
        out.extend_from_slice(&word.to_be_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wire(weight: i16, sign: u16, digits: &[u16]) -> Vec<u8> {
        let head = [digits.len() as u16, weight as u16, sign, 0];
        head.iter().chain(digits).flat_map(|w| w.to_be_bytes()).collect()
    }

    #[test]
    fn decimals_come_back_as_they_went() {
        let top = 10_i128.pow(38) - 1;
        for scale in [0_u8, 1, 2, 3, 4, 5, 8, 18, 37, 38] {
            for value in
                [0, 1, -1, 9, 10, 9_999, 10_000, 10_001, 123_456_789, -5_000_000_000, 10_i128.pow(37), top, -top]
            {
                let mut bytes = Vec::new();
                write_decimal(value, scale, &mut bytes);
                let back = Numeric::parse(&bytes).and_then(|n| n.to_decimal(38, scale));
                assert_eq!(back.ok(), Some(value), "{value} at scale {scale}");
            }
        }
    }

    #[test]
    fn doubles_keep_fifteen_digits() {
        let cases = [0.0, 1.0, -0.1, 0.1 + 0.2, 1e-300, 1e300, 123_456_789.125, 4e-5, 9_999.0, f64::INFINITY, 1e22];
        for value in cases {
            let mut bytes = Vec::new();
            write_double(value, 15, &mut bytes);
            let rounded: f64 = format!("{value:.14e}").parse().unwrap();
            assert_eq!(Numeric::parse(&bytes).unwrap().to_f64(), rounded, "{value}");
        }
        let mut bytes = Vec::new();
        write_double(f64::NAN, 15, &mut bytes);
        assert!(Numeric::parse(&bytes).unwrap().to_f64().is_nan());
    }

    #[test]
    fn surplus_digits_are_rounded_half_away_from_zero() {
        // 1.2345, 1.2350, 0.00005, 9.9999
        let cases: [(i16, &[u16], u8, i128); 7] = [
            (0, &[1, 2345], 2, 123),
            (0, &[1, 2350], 2, 124),
            (0, &[1, 2345], 3, 1235),
            (-2, &[5000], 4, 1),
            (-2, &[4999], 4, 0),
            (-3, &[9999], 4, 0),
            (0, &[9, 9999], 0, 10),
        ];
        for (weight, digits, scale, expected) in cases {
            for (sign, expected) in [(0, expected), (NEGATIVE, -expected)] {
                let bytes = wire(weight, sign, digits);
                assert_eq!(Numeric::parse(&bytes).unwrap().to_decimal(38, scale).ok(), Some(expected), "{digits:?}");
            }
        }
    }

    #[test]
    fn what_does_not_fit_is_refused_and_shown() {
        let cases: [(Vec<u8>, &str); 4] = [
            (wire(0, 0, &[1000]), "1000 has too many digits for DECIMAL(3, 0)"),
            (wire(30, 0, &[1]), "1e120 has too many digits for DECIMAL(3, 0)"),
            (wire(0, NAN, &[]), "NaN is no DECIMAL(3, 0)"),
            (vec![0, 9, 0, 0, 0, 0, 0, 0], "the server sent a malformed numeric"),
        ];
        for (bytes, message) in cases {
            let error = Numeric::parse(&bytes).and_then(|n| n.to_decimal(3, 0)).unwrap_err();
            assert_eq!(error.to_string(), message);
        }
    }

    #[test]
    fn whole_numbers_and_doubles() {
        let cases: [(Vec<u8>, Option<i64>, f64); 6] = [
            (wire(0, 0, &[42]), Some(42), 42.0),
            (wire(1, NEGATIVE, &[1]), Some(-10_000), -10_000.0),
            (wire(0, 0, &[1, 5000]), None, 1.5),
            (wire(-1, 0, &[1000]), None, 0.1),
            (wire(9, 0, &[1]), None, 1e36),
            (wire(0, 0, &[]), Some(0), 0.0),
        ];
        for (bytes, whole, double) in cases {
            let numeric = Numeric::parse(&bytes).unwrap();
            assert_eq!(numeric.to_i64().ok(), whole);
            assert_eq!(numeric.to_f64(), double);
        }
    }
}
