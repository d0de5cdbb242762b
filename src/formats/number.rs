//! Numbers as Java reads and writes them.

/// Appends `value` as Java's `Double.toString` does: `1.0`, `98.3`, `1.0E10`, `NaN`.
pub(crate) fn write_double(value: f64, out: &mut Vec<u8>) {
    if !value.is_finite() {
        return out.extend_from_slice(not_finite(value.is_nan(), value < 0.0));
    }
    let mut buffer = zmij::Buffer::new();
    let size = value.abs();
    write_shortest(buffer.format_finite(value), (1e-3..1e7).contains(&size) || size == 0.0, out);
}

/// Appends `value` as Java's `Float.toString` does.
pub(crate) fn write_float(value: f32, out: &mut Vec<u8>) {
    if !value.is_finite() {
        return out.extend_from_slice(not_finite(value.is_nan(), value < 0.0));
    }
    let mut buffer = zmij::Buffer::new();
    let size = value.abs();
    write_shortest(buffer.format_finite(value), (1e-3..1e7).contains(&size) || size == 0.0, out);
}

fn not_finite(nan: bool, negative: bool) -> &'static [u8] {
    match (nan, negative) {
        (true, _) => b"NaN",
        (_, true) => b"-Infinity",
        _ => b"Infinity",
    }
}

/// Appends a shortest decimal (`1e-7`, `120.5`) in Java's form: plain, or `d.ddE-7`.
fn write_shortest(shortest: &str, plain: bool, out: &mut Vec<u8>) {
    if plain && !shortest.contains('e') {
        out.extend_from_slice(shortest.as_bytes());
        if !shortest.contains('.') {
            out.extend_from_slice(b".0");
        }
        return;
    }
    let (sign, unsigned) = match shortest.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", shortest),
    };
    out.extend_from_slice(sign.as_bytes());
    let (mantissa, exponent) = unsigned.split_once('e').unwrap_or((unsigned, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let all = format!("{whole}{fraction}");
    let digits = all.trim_start_matches('0');
    // The value is 0.digits * 10^point.
    let point = exponent.parse::<i32>().unwrap_or(0) + whole.len() as i32 - (all.len() - digits.len()) as i32;
    let digits = digits.trim_end_matches('0');
    if !plain {
        let (first, rest) = digits.split_at(digits.len().min(1));
        let rest = if rest.is_empty() { "0" } else { rest };
        out.extend_from_slice(format!("{first}.{rest}E{}", point - 1).as_bytes());
    } else if point <= 0 {
        out.extend_from_slice(format!("0.{}{digits}", "0".repeat(point.unsigned_abs() as usize)).as_bytes());
    } else {
        let padded = format!("{digits:0<width$}", width = point as usize);
        let (whole, rest) = padded.split_at(point as usize);
        out.extend_from_slice(format!("{whole}.{}", if rest.is_empty() { "0" } else { rest }).as_bytes());
    }
}

/// Cuts off what Java's `String.trim` does: everything up to the space, at both ends.
pub(crate) fn trim(text: &str) -> &str {
    text.trim_matches(|c| c <= ' ')
}

/// A double as Java's `Double.parseDouble` reads it, hexadecimal forms aside.
pub(crate) fn parse_double(text: &str) -> Option<f64> {
    let text = trim(text);
    match text.trim_start_matches(['+', '-']) {
        "NaN" if text.len() <= 4 => return Some(f64::NAN),
        "Infinity" if text.len() <= 9 => {
            return Some(if text.starts_with('-') { f64::NEG_INFINITY } else { f64::INFINITY });
        }
        _ => {}
    }
    let number = text.strip_suffix(['d', 'D', 'f', 'F']).unwrap_or(text);
    // Rust's parser takes the same decimal forms, and words such as "inf" that Java doesn't.
    number.bytes().all(|b| b.is_ascii_digit() || b"+-.eE".contains(&b)).then(|| number.parse().ok())?
}

/// A float as Java's `Float.parseFloat` reads it.
pub(crate) fn parse_float(text: &str) -> Option<f32> {
    let text = trim(text);
    let number = text.strip_suffix(['d', 'D', 'f', 'F']).unwrap_or(text);
    if number.bytes().all(|b| b.is_ascii_digit() || b"+-.eE".contains(&b)) {
        return number.parse().ok();
    }
    parse_double(text).map(|value| value as f32)
}

/// What a decimal text is as an unscaled number of digits.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Decimal {
    Fits(i128),
    /// More digits than the precision: NULL, as in Flink.
    Overflow,
    Invalid,
}

/// Reads a decimal as Java's `BigDecimal` does, rounded half up to `scale`.
pub(crate) fn parse_decimal(text: &str, precision: u8, scale: u8) -> Decimal {
    let (negative, unsigned) = match text.as_bytes() {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        all => (false, all),
    };
    let mantissa_end = unsigned.iter().position(|b| matches!(b, b'e' | b'E')).unwrap_or(unsigned.len());
    let (mantissa, exponent) = unsigned.split_at(mantissa_end);
    let Some(exponent) = parse_exponent(exponent) else {
        return Decimal::Invalid;
    };
    let (mut digits, mut fraction_digits, mut point, mut any) = (Vec::with_capacity(40), 0i64, false, false);
    for &byte in mantissa {
        match byte {
            b'0'..=b'9' => {
                any = true;
                fraction_digits += point as i64;
                if !(digits.is_empty() && byte == b'0') {
                    digits.push(byte - b'0');
                }
            }
            b'.' if !point => point = true,
            _ => return Decimal::Invalid,
        }
    }
    if !any {
        return Decimal::Invalid;
    }
    let shift = exponent - fraction_digits + i64::from(scale);
    match round(&digits, shift, precision) {
        Some(value) => Decimal::Fits(if negative { -value } else { value }),
        None => Decimal::Overflow,
    }
}

/// `e10`, `E+3`, `` to a number; none where it is none that an int holds.
fn parse_exponent(text: &[u8]) -> Option<i64> {
    match text {
        [] => Some(0),
        [_, digits @ ..] => std::str::from_utf8(digits).ok()?.parse::<i32>().ok().map(i64::from),
    }
}

/// `digits * 10^shift`, rounded half up, if it has at most `precision` digits.
fn round(digits: &[u8], shift: i64, precision: u8) -> Option<i128> {
    let kept = digits.len() as i64 + shift;
    if digits.is_empty() || kept < 0 {
        return Some(0);
    }
    if kept > i64::from(precision) {
        return None;
    }
    let mut value = (0..kept as usize).fold(0i128, |v, i| v * 10 + i128::from(digits.get(i).copied().unwrap_or(0)));
    if digits.get(kept as usize).is_some_and(|d| *d >= 5) {
        value += 1;
    }
    (value < 10i128.pow(u32::from(precision))).then_some(value)
}

/// Appends an unscaled decimal with all its fraction digits: `12.50`.
pub(crate) fn write_decimal(unscaled: i128, scale: u8, out: &mut Vec<u8>) {
    let mut buffer = itoa::Buffer::new();
    let digits = buffer.format(unscaled.unsigned_abs());
    if unscaled < 0 {
        out.push(b'-');
    }
    let scale = scale as usize;
    if scale == 0 {
        return out.extend_from_slice(digits.as_bytes());
    }
    match digits.len().checked_sub(scale) {
        Some(whole) if whole > 0 => {
            out.extend_from_slice(&digits.as_bytes()[..whole]);
            out.push(b'.');
            out.extend_from_slice(&digits.as_bytes()[whole..]);
        }
        _ => {
            out.extend_from_slice(b"0.");
            out.extend(std::iter::repeat_n(b'0', scale - digits.len()));
            out.extend_from_slice(digits.as_bytes());
        }
    }
}

/// Appends a decimal without its last zeros: as Jackson writes it (`1E+2` for 100.00), or where `plain` never with an
/// exponent.
pub(crate) fn write_stripped(mut unscaled: i128, scale: u8, plain: bool, out: &mut Vec<u8>) {
    let mut scale = if unscaled == 0 { 0 } else { i32::from(scale) };
    while unscaled != 0 && unscaled % 10 == 0 && (scale > 0 || !plain) {
        unscaled /= 10;
        scale -= 1;
    }
    match u8::try_from(scale) {
        Ok(scale) if plain => write_decimal(unscaled, scale, out),
        _ => write_big_decimal(unscaled, scale, out),
    }
}

/// Appends an unscaled decimal as Java's `BigDecimal.toString` does: plain, or scientific where it is very small.
pub(crate) fn write_big_decimal(unscaled: i128, scale: i32, out: &mut Vec<u8>) {
    let mut buffer = itoa::Buffer::new();
    let digits = buffer.format(unscaled.unsigned_abs());
    let adjusted = digits.len() as i32 - 1 - scale;
    if (0..=38).contains(&scale) && adjusted >= -6 {
        return write_decimal(unscaled, scale as u8, out);
    }
    if unscaled < 0 {
        out.push(b'-');
    }
    let (first, rest) = digits.split_at(1);
    out.extend_from_slice(first.as_bytes());
    if !rest.is_empty() {
        out.push(b'.');
        out.extend_from_slice(rest.as_bytes());
    }
    if adjusted != 0 {
        out.extend_from_slice(format!("E{adjusted:+}").as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(write: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        write(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn doubles_are_written_as_java_writes_them() {
        let cases = [
            (0.0, "0.0"),
            (-0.0, "-0.0"),
            (1.0, "1.0"),
            (98.3, "98.3"),
            (0.001, "0.001"),
            (0.00099, "9.9E-4"),
            (9999999.0, "9999999.0"),
            (1e7, "1.0E7"),
            (-1.25e10, "-1.25E10"),
            (123456789.5, "1.234567895E8"),
            (1e-300, "1.0E-300"),
            (f64::MAX, "1.7976931348623157E308"),
            (f64::NAN, "NaN"),
            (f64::INFINITY, "Infinity"),
            (f64::NEG_INFINITY, "-Infinity"),
        ];
        for (value, text) in cases {
            assert_eq!(written(|out| write_double(value, out)), text);
        }
        assert_eq!(written(|out| write_float(98.3, out)), "98.3");
        assert_eq!(written(|out| write_float(1e10, out)), "1.0E10");
        assert_eq!(written(|out| write_float(16777216.0, out)), "1.6777216E7");
    }

    #[test]
    fn what_is_written_is_read_back() {
        for value in [0.1 + 0.2, 1e-5, 5e-324, 1.0e21, 123456.789e3, -7.0] {
            assert_eq!(parse_double(&written(|out| write_double(value, out))), Some(value));
        }
    }

    #[test]
    fn doubles_are_read_as_java_reads_them() {
        for (text, value) in [(" 1.5 ", 1.5), ("+1", 1.0), (".5", 0.5), ("5.", 5.0), ("1d", 1.0), ("1e3", 1000.0)] {
            assert_eq!(parse_double(text), Some(value), "{text}");
        }
        assert!(parse_double("NaN").is_some_and(f64::is_nan));
        for text in ["", "inf", "nan", "abc", "1,5", "--Infinity", "d"] {
            assert_eq!(parse_double(text), None, "{text}");
        }
        assert_eq!(parse_float("16777217"), Some(16777216.0));
    }

    #[test]
    fn decimals_round_half_up_and_overflow() {
        let cases = [
            ("1", Decimal::Fits(100)),
            ("1.005", Decimal::Fits(101)),
            ("-1.005", Decimal::Fits(-101)),
            ("0.004", Decimal::Fits(0)),
            ("1.5e-1", Decimal::Fits(15)),
            (".5", Decimal::Fits(50)),
            ("5.", Decimal::Fits(500)),
            ("999.994", Decimal::Fits(99999)),
            ("999.995", Decimal::Overflow),
            ("1e400", Decimal::Overflow),
            ("1e-400", Decimal::Fits(0)),
            ("0e400", Decimal::Fits(0)),
            ("", Decimal::Invalid),
            (".", Decimal::Invalid),
            ("1.5d", Decimal::Invalid),
            ("1e", Decimal::Invalid),
        ];
        for (text, value) in cases {
            assert_eq!(parse_decimal(text, 5, 2), value, "{text}");
        }
    }

    #[test]
    fn decimals_are_written_with_their_scale() {
        for (unscaled, scale, text) in [(1250, 2, "12.50"), (-5, 2, "-0.05"), (7, 0, "7"), (0, 2, "0.00")] {
            assert_eq!(written(|out| write_decimal(unscaled, scale, out)), text);
        }
        let stripped = |unscaled, plain| written(|out| write_stripped(unscaled, 2, plain, out));
        assert_eq!([stripped(1250, false), stripped(10_000, false), stripped(0, false)], ["12.5", "1E+2", "0"]);
        assert_eq!([stripped(1250, true), stripped(10_000, true), stripped(0, true)], ["12.5", "100", "0"]);
        for (unscaled, scale, text) in [(1, 7, "1E-7"), (12, 8, "1.2E-7"), (1, 6, "0.000001"), (1, -5, "1E+5")] {
            assert_eq!(written(|out| write_big_decimal(unscaled, scale, out)), text);
        }
    }
}
