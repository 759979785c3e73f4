//! Numbers as Go's `fmt` prints them, and the humanizing functions over them.

use crate::clock;

/// Decimal prefixes for numbers from 1000 on.
const LARGE: [&str; 8] = ["k", "M", "G", "T", "P", "E", "Z", "Y"];
/// Decimal prefixes for numbers below 1.
const SMALL: [&str; 8] = ["m", "u", "n", "p", "f", "a", "z", "y"];
/// Binary prefixes.
const BINARY: [&str; 8] = ["ki", "Mi", "Gi", "Ti", "Pi", "Ei", "Zi", "Yi"];

/// Significant digits of every humanized number.
const DIGITS: usize = 4;

/// Go's `%v` of a float64: the shortest digits that read back the same, with an exponent below 1e-4 and from
/// 1e6 on.
pub(crate) fn plain(value: f64) -> String {
    match special(value) {
        Some(text) => text.to_owned(),
        None => general(&format!("{value:e}"), |_digits, _exponent| 6),
    }
}

/// Go's `%.4g`.
pub(crate) fn four_digits(value: f64) -> String {
    match special(value) {
        Some(text) => text.to_owned(),
        None => general(&format!("{value:.*e}", DIGITS - 1), |digits, exponent| {
            let point = exponent + 1;
            if DIGITS > digits && i32::try_from(digits).is_ok_and(|d| d >= point) {
                i32::try_from(digits).unwrap_or(i32::MAX)
            } else {
                4
            }
        }),
    }
}

fn special(value: f64) -> Option<&'static str> {
    if value.is_nan() {
        Some("NaN")
    } else if value.is_infinite() {
        Some(if value > 0.0 { "+Inf" } else { "-Inf" })
    } else {
        None
    }
}

/// Turns `-1.235e6` into what `%g` prints; `limit` tells from which exponent on the exponent stays.
fn general(scientific: &str, limit: impl Fn(usize, i32) -> i32) -> String {
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let (sign, mantissa) = match mantissa.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", mantissa),
    };
    let mut digits: String = mantissa.chars().filter(char::is_ascii_digit).collect();
    let kept = digits.trim_end_matches('0').len().max(1);
    digits.truncate(kept);
    if digits == "0" {
        return format!("{sign}0");
    }
    let (head, tail) = digits.split_at(1);
    if exponent < -4 || exponent >= limit(digits.len(), exponent) {
        let point = if tail.is_empty() { "" } else { "." };
        let direction = if exponent < 0 { '-' } else { '+' };
        return format!("{sign}{head}{point}{tail}e{direction}{:02}", exponent.unsigned_abs());
    }
    if exponent < 0 {
        let zeros = "0".repeat(exponent.unsigned_abs() as usize - 1);
        return format!("{sign}0.{zeros}{digits}");
    }
    let whole = exponent.unsigned_abs() as usize + 1;
    if digits.len() <= whole {
        let zeros = "0".repeat(whole - digits.len());
        format!("{sign}{digits}{zeros}")
    } else {
        let (whole, fraction) = digits.split_at(whole);
        format!("{sign}{whole}.{fraction}")
    }
}

/// `1234567` is `1.235M`, `0.12` is `120m`.
pub(crate) fn humanize(mut value: f64) -> String {
    if value == 0.0 || !value.is_finite() {
        return four_digits(value);
    }
    let mut prefix = "";
    if value.abs() >= 1.0 {
        for p in LARGE {
            if value.abs() < 1000.0 {
                break;
            }
            prefix = p;
            value /= 1000.0;
        }
    } else {
        (value, prefix) = enlarge(value);
    }
    format!("{}{prefix}", four_digits(value))
}

fn enlarge(mut value: f64) -> (f64, &'static str) {
    let mut prefix = "";
    for p in SMALL {
        if value.abs() >= 1.0 {
            break;
        }
        prefix = p;
        value *= 1000.0;
    }
    (value, prefix)
}

/// `1048576` is `1Mi`.
pub(crate) fn humanize_1024(mut value: f64) -> String {
    if value.abs() <= 1.0 || !value.is_finite() {
        return four_digits(value);
    }
    let mut prefix = "";
    for p in BINARY {
        if value.abs() < 1024.0 {
            break;
        }
        prefix = p;
        value /= 1024.0;
    }
    format!("{}{prefix}", four_digits(value))
}

/// Seconds as `2d 3h 4m 5s`, `12.35s`, `120ms`.
#[expect(clippy::cast_possible_truncation, reason = "whole seconds are wanted, and the cast saturates")]
pub(crate) fn humanize_duration(value: f64) -> String {
    if !value.is_finite() {
        return four_digits(value);
    }
    if value == 0.0 {
        return format!("{}s", four_digits(value));
    }
    if value.abs() < 1.0 {
        let (value, prefix) = enlarge(value);
        return format!("{}{prefix}s", four_digits(value));
    }
    let sign = if value < 0.0 { "-" } else { "" };
    let value = value.abs();
    let whole = value as i64;
    let (seconds, minutes, hours, days) = (whole % 60, whole / 60 % 60, whole / 3600 % 24, whole / 86_400);
    if days != 0 {
        format!("{sign}{days}d {hours}h {minutes}m {seconds}s")
    } else if hours != 0 {
        format!("{sign}{hours}h {minutes}m {seconds}s")
    } else if minutes != 0 {
        format!("{sign}{minutes}m {seconds}s")
    } else {
        format!("{sign}{}s", four_digits(value))
    }
}

/// `0.1234567` is `12.35%`.
pub(crate) fn humanize_percentage(value: f64) -> String {
    format!("{}%", four_digits(value * 100.0))
}

/// Seconds since the epoch as `2015-06-23 13:19:44.128 +0000 UTC`.
pub(crate) fn humanize_timestamp(value: f64) -> Result<String, String> {
    if !value.is_finite() {
        return Ok(four_digits(value));
    }
    Ok(clock::Instant::from_seconds(value)?.to_string())
}

/// Reads a number as the humanizing functions take it from a string.
pub(crate) fn parse(text: &str) -> Result<f64, String> {
    let value: f64 = text.parse().map_err(|_source| format!("cannot read {text:?} as a number"))?;
    if value.is_infinite() && !text.to_ascii_lowercase().contains("inf") {
        return Err(format!("the number {text:?} is out of range"));
    }
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_print_as_in_go() {
        for (value, want) in [
            (0.0, "0"),
            (-0.0, "-0"),
            (1.5, "1.5"),
            (11.0, "11"),
            (-120.25, "-120.25"),
            (100_000.0, "100000"),
            (1e6, "1e+06"),
            (1_234_567.0, "1.234567e+06"),
            (123_456.789, "123456.789"),
            (1e21, "1e+21"),
            (0.0001, "0.0001"),
            (0.000_012, "1.2e-05"),
            (f64::INFINITY, "+Inf"),
            (f64::NEG_INFINITY, "-Inf"),
            (f64::NAN, "NaN"),
        ] {
            assert_eq!(plain(value), want, "%v of {value:e}");
        }
    }

    #[test]
    fn four_digits_round_half_to_even() {
        for (value, want) in [
            (1234.5, "1234"),
            (1235.5, "1236"),
            (0.12345, "0.1235"),
            (99_995.0, "1e+05"),
            (123_456_700.0, "1.235e+08"),
            (0.000_099_99, "9.999e-05"),
            (1000.0, "1000"),
            (9999.9, "1e+04"),
        ] {
            assert_eq!(four_digits(value), want, "%.4g of {value:e}");
        }
    }
}
