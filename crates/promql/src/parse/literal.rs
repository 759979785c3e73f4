//! What numbers, durations and texts stand for.

use assurance_metrics_model::{Duration, DurationError};

/// Longest duration: what 2^63 nanoseconds hold, which is Prometheus's bound too.
pub(super) const MAX_DURATION_MILLIS: i64 = 9_223_372_036_854;

/// A number as Go reads it: `0x1f`, `017` in octal, `1_000`, `1.5e3`, `.5`, `Inf`, `NaN`.
pub(super) fn number(text: &str) -> Result<f64, String> {
    let parsing =
        |reason: &str| Err(format!("error parsing number: strconv.ParseFloat: parsing {text:?}: {reason}"));
    let digits: std::borrow::Cow<'_, str> = if text.contains('_') {
        if !underscores_separate(text) {
            return parsing("invalid syntax");
        }
        text.replace('_', "").into()
    } else {
        text.into()
    };
    if let Some(hex) = digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X")) {
        return match i64::from_str_radix(hex, 16) {
            Ok(value) => Ok(as_float(value)),
            Err(_) => parsing("invalid syntax"),
        };
    }
    if let Some(octal) = digits.strip_prefix('0') {
        // A number such as 08 is no octal one, and read as a decimal.
        if let Ok(value) = i64::from_str_radix(octal, 8) {
            return Ok(as_float(value));
        }
    }
    match digits.parse::<f64>() {
        Ok(value) if value.is_infinite() && digits.starts_with(|c: char| c.is_ascii_digit() || c == '.') => {
            parsing("value out of range")
        }
        Ok(value) => Ok(value),
        Err(_) => parsing("invalid syntax"),
    }
}

#[expect(clippy::cast_precision_loss, reason = "numbers are floats: Prometheus rounds here too")]
fn as_float(value: i64) -> f64 {
    value as f64
}

/// Whether each underscore stands between two digits, or after `0x`.
fn underscores_separate(text: &str) -> bool {
    let bytes = text.as_bytes();
    let is_hex = text.starts_with("0x") || text.starts_with("0X");
    let is_digit = |b: u8| if is_hex { b.is_ascii_hexdigit() } else { b.is_ascii_digit() };
    (0..bytes.len()).filter(|at| bytes[*at] == b'_').all(|at| {
        let before = at > 0 && (is_digit(bytes[at - 1]) || (is_hex && at == 2));
        before && bytes.get(at + 1).is_some_and(|b| is_digit(*b))
    })
}

/// `1h30m`.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    match text.parse::<Duration>() {
        Ok(value) if value.as_millis() <= MAX_DURATION_MILLIS => Ok(value),
        Ok(_) | Err(DurationError::TooLong { .. }) => Err("duration out of range".to_owned()),
        Err(_) => {
            let mut units =
                text.split(|c: char| c.is_ascii_digit() || c == '.').filter(|unit| !unit.is_empty());
            Err(match units.find(|unit| !["y", "w", "d", "h", "m", "s", "ms"].contains(unit)) {
                Some(unit) => format!("unknown unit {unit:?} in duration {text:?}"),
                None => format!("not a valid duration string: {text:?}"),
            })
        }
    }
}

/// The text inside quotes, whose escapes the lexer has found well formed. An escape may stand for any byte, so
/// that the whole may be no UTF-8: then, where in `text` the first escape of such a byte is.
pub(super) fn unquote(text: &str) -> Result<String, std::ops::Range<usize>> {
    let inner = &text[1..text.len() - 1];
    if text.starts_with('`') || !inner.contains('\\') {
        return Ok(inner.to_owned());
    }
    let mut out: Vec<u8> = Vec::with_capacity(inner.len());
    let mut odd = None;
    let mut at = 0;
    while let Some(c) = inner[at..].chars().next() {
        if c != '\\' {
            out.extend_from_slice(&inner.as_bytes()[at..at + c.len_utf8()]);
            at += c.len_utf8();
            continue;
        }
        let escape = &inner[at + 1..];
        let read = |range: std::ops::Range<usize>, radix| {
            escape.get(range).and_then(|digits| u32::from_str_radix(digits, radix).ok()).unwrap_or_default()
        };
        let (value, length) = match escape.as_bytes().first() {
            Some(b'a') => (7, 1),
            Some(b'b') => (8, 1),
            Some(b'f') => (12, 1),
            Some(b'n') => (10, 1),
            Some(b'r') => (13, 1),
            Some(b't') => (9, 1),
            Some(b'v') => (11, 1),
            Some(b'x') => (read(1..3, 16), 3),
            Some(b'0'..=b'7') => (read(0..3, 8), 3),
            Some(b'u') => (read(1..5, 16), 5),
            Some(b'U') => (read(1..9, 16), 9),
            other => (u32::from(other.copied().unwrap_or_default()), 1),
        };
        match u8::try_from(value) {
            Ok(byte) if !matches!(escape.as_bytes().first(), Some(b'u' | b'U')) => {
                if byte >= 0x80 && odd.is_none() {
                    odd = Some(at + 1..at + 2 + length);
                }
                out.push(byte);
            }
            _ => {
                let c = char::from_u32(value).unwrap_or(char::REPLACEMENT_CHARACTER);
                out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
            }
        }
        at += 1 + length;
    }
    String::from_utf8(out).map_err(|_not_utf8| odd.unwrap_or(0..text.len()))
}
