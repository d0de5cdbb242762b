//! Numbers as Java writes them: `1.0`, `1.0E10`, `0.001`, and DECIMAL without an exponent.

use std::fmt::Write;

/// Appends what Java's `Double.toString` gives: the shortest digits that read back as `value`.
pub fn java_double(value: f64, out: &mut String) {
    if !write_special(value, out) {
        // Java keeps two digits where one would do, which shows only among the subnormals: 4.9E-324.
        if value.is_subnormal() {
            write_subnormal(&format!("{value:e}"), &format!("{value:.1e}"), out);
        } else {
            write_shortest(zmij::Buffer::new().format_finite(value), out);
        }
    }
}

/// Appends what Java's `Float.toString` gives.
pub fn java_float(value: f32, out: &mut String) {
    if !write_special(value as f64, out) {
        if value.is_subnormal() {
            write_subnormal(&format!("{value:e}"), &format!("{value:.1e}"), out);
        } else {
            write_shortest(zmij::Buffer::new().format_finite(value), out);
        }
    }
}

/// Appends an unscaled DECIMAL value with exactly `scale` fraction digits.
pub(crate) fn write_decimal(unscaled: i128, scale: u8, out: &mut String) {
    let scale = scale as usize;
    if unscaled < 0 {
        out.push('-');
    }
    let start = out.len();
    let _ = write!(out, "{:0width$}", unscaled.unsigned_abs(), width = scale + 1);
    if scale > 0 {
        debug_assert!(out.len() - start > scale);
        out.insert(out.len() - scale, '.');
    }
}

/// Appends what Java's `BigDecimal.toString` gives: with an exponent where there would be more than five zeros behind the point.
pub(super) fn write_big_decimal(unscaled: i128, scale: u8, out: &mut String) {
    let digits = unscaled.unsigned_abs().to_string();
    let exponent = digits.len() as i32 - 1 - scale as i32;
    if exponent >= -6 {
        return write_decimal(unscaled, scale, out);
    }
    if unscaled < 0 {
        out.push('-');
    }
    let (first, rest) = digits.split_at(1);
    let point = if rest.is_empty() { "" } else { "." };
    let _ = write!(out, "{first}{point}{rest}E{exponent}");
}

/// NaN, the infinities and the zeros, which have no digits to find.
fn write_special(value: f64, out: &mut String) -> bool {
    let text = match value {
        v if v.is_nan() => "NaN",
        v if v == f64::INFINITY => "Infinity",
        v if v == f64::NEG_INFINITY => "-Infinity",
        v if v == 0.0 && v.is_sign_negative() => "-0.0",
        0.0 => "0.0",
        _ => return false,
    };
    out.push_str(text);
    true
}

fn write_subnormal(shortest: &str, two_digits: &str, out: &mut String) {
    let mantissa = shortest.split('e').next().unwrap_or(shortest).trim_start_matches('-');
    write_shortest(if mantissa.len() == 1 { two_digits } else { shortest }, out);
}

/// Rewrites shortest digits in any notation (`12.5`, `1e21`, `1.5e-7`) in Java's.
fn write_shortest(text: &str, out: &mut String) {
    let unsigned = match text.strip_prefix('-') {
        Some(rest) => {
            out.push('-');
            rest
        }
        None => text,
    };
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().unwrap_or(0)),
        None => (unsigned, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let mut buffer = [0u8; 40];
    let mut len = 0;
    for &b in whole.as_bytes().iter().chain(fraction.as_bytes()) {
        if len < buffer.len() {
            buffer[len] = b;
            len += 1;
        }
    }
    let all = &buffer[..len];
    let leading = all.iter().take_while(|&&b| b == b'0').count();
    let trailing = all[leading..].iter().rev().take_while(|&&b| b == b'0').count();
    let digits = &all[leading..len - trailing];
    // The value is 0.DIGITS times ten to this power.
    let point = exponent + whole.len() as i32 - leading as i32;
    write_java(std::str::from_utf8(digits).unwrap_or("0"), point, out);
}

/// Plain from 1e-3 up to 1e7, with an exponent outside; always a digit on both sides of the point.
fn write_java(digits: &str, point: i32, out: &mut String) {
    const ZEROS: &str = "0000000";
    if !(-2..=7).contains(&point) {
        let (first, rest) = digits.split_at(1.min(digits.len()));
        let _ = write!(out, "{first}.{}E{}", if rest.is_empty() { "0" } else { rest }, point - 1);
    } else if point <= 0 {
        let _ = write!(out, "0.{}{digits}", &ZEROS[..point.unsigned_abs() as usize]);
    } else {
        let point = point as usize;
        if digits.len() > point {
            let (whole, fraction) = digits.split_at(point);
            let _ = write!(out, "{whole}.{fraction}");
        } else {
            let _ = write!(out, "{digits}{}.0", &ZEROS[..point - digits.len()]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn double(value: f64) -> String {
        let mut out = String::new();
        java_double(value, &mut out);
        out
    }

    fn float(value: f32) -> String {
        let mut out = String::new();
        java_float(value, &mut out);
        out
    }

    #[test]
    fn doubles_print_as_in_java() {
        for (value, text) in [
            (0.0, "0.0"),
            (-0.0, "-0.0"),
            (1.0, "1.0"),
            (-1.5, "-1.5"),
            (0.1, "0.1"),
            (0.001, "0.001"),
            (0.00099, "9.9E-4"),
            (9999999.0, "9999999.0"),
            (1e7, "1.0E7"),
            (12345678.9, "1.23456789E7"),
            (1e10, "1.0E10"),
            (1e21, "1.0E21"),
            (1e23, "1.0E23"),
            (123456.789, "123456.789"),
            (100.0, "100.0"),
            (f64::MAX, "1.7976931348623157E308"),
            (f64::MIN_POSITIVE, "2.2250738585072014E-308"),
            (5e-324, "4.9E-324"),
            (1e-323, "9.9E-324"),
            (2e-323, "2.0E-323"),
            (f64::NAN, "NaN"),
            (f64::NEG_INFINITY, "-Infinity"),
        ] {
            assert_eq!(double(value), text);
        }
    }

    #[test]
    fn floats_print_as_in_java() {
        for (value, text) in [
            (0.1, "0.1"),
            (16777216.0, "1.6777216E7"),
            (9999999.0, "9999999.0"),
            (f32::MAX, "3.4028235E38"),
            (1e-45, "1.4E-45"),
            (f32::MIN_POSITIVE, "1.1754944E-38"),
        ] {
            assert_eq!(float(value), text);
        }
    }

    #[test]
    fn decimals_keep_their_scale() {
        for (unscaled, scale, text) in [
            (150, 2, "1.50"),
            (-5, 3, "-0.005"),
            (0, 2, "0.00"),
            (12, 0, "12"),
            (i128::MIN, 38, "-1.70141183460469231731687303715884105728"),
        ] {
            let mut out = String::new();
            write_decimal(unscaled, scale, &mut out);
            assert_eq!(out, text);
        }
    }
}
