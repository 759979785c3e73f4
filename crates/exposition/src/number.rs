//! Numbers as Go and Python read and write them, which is what the formats are defined by.

use std::fmt::Write as _;

use assurance_metrics_model::Timestamp;

/// Prometheus's ordinary NaN (`value.NormalNaN`); whatever NaN is read becomes this one, so that a body can
/// never smuggle in the stale marker.
pub(crate) const NORMAL_NAN: f64 = f64::from_bits(0x7ff8_0000_0000_0001);

/// Digits that a `f64` holds exactly whatever they are: 10^15 < 2^53.
const EXACT_DIGITS: usize = 15;

/// The number at the front of `text` and how many bytes it takes, or `None`. The caller looks at what
/// follows.
#[inline]
pub(crate) fn float_prefix(text: &[u8]) -> Option<(f64, usize)> {
    let mut digits = 0;
    let mut whole: u64 = 0;
    while let Some(byte @ b'0'..=b'9') = text.get(digits) {
        if digits == EXACT_DIGITS {
            break;
        }
        whole = whole * 10 + u64::from(byte - b'0');
        digits += 1;
    }
    if digits > 0 {
        match text.get(digits) {
            None | Some(b' ' | b'\n' | b'\t') => {
                #[expect(clippy::cast_precision_loss, reason = "at most 15 digits, which are exact")]
                return Some((whole as f64, digits));
            }
            Some(b'.') => {
                if let Some(decimal) = decimal(text, whole, digits) {
                    return Some(decimal);
                }
            }
            Some(_) => {}
        }
    }
    let (value, length) = fast_float2::parse_partial::<f64, _>(text).ok()?;
    let value = if value.is_nan() { NORMAL_NAN } else { value };
    (length > 0).then_some((value, length))
}

/// The number whose digits before the point are read, if there are few enough of them.
#[inline]
fn decimal(text: &[u8], whole: u64, point: usize) -> Option<(f64, usize)> {
    let mut at = point + 1;
    let mut digits = whole;
    while let Some(byte @ b'0'..=b'9') = text.get(at) {
        if at > EXACT_DIGITS {
            return None;
        }
        digits = digits * 10 + u64::from(byte - b'0');
        at += 1;
    }
    if !matches!(text.get(at), None | Some(b' ' | b'\n' | b'\t')) {
        return None;
    }
    // Both are exact, so that the quotient is the nearest number, as it must be.
    #[expect(clippy::cast_precision_loss, reason = "at most 15 digits, which are exact")]
    Some((digits as f64 / POWERS[at - point - 1], at))
}

/// Powers of ten, each exact.
const POWERS: [f64; EXACT_DIGITS + 1] =
    [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15];

/// Whether Go's `strconv.ParseFloat` refuses what was read as `value`: a signed NaN, and digits beyond the
/// largest number.
pub(crate) fn go_refuses(text: &[u8], value: f64) -> bool {
    if value.is_finite() {
        return false;
    }
    let (signed, first) = match text {
        [b'+' | b'-', rest @ ..] => (true, rest.first()),
        _ => (false, text.first()),
    };
    match first {
        Some(b'i' | b'I') => false,
        Some(b'n' | b'N') => signed,
        _ => true,
    }
}

/// The whole of `text` as a number, as [`float_prefix`] reads it.
pub(crate) fn float(text: &str) -> Option<f64> {
    match float_prefix(text.as_bytes())? {
        (value, length) if length == text.len() => Some(value),
        _ => None,
    }
}

/// A point in time as OpenMetrics writes it, more exact than the milliseconds samples are kept with: the
/// order of samples is decided on this.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Instant {
    /// Whole seconds, rounded down, held at the ends of the range.
    seconds: i64,
    /// Attoseconds, below 10^18.
    atto: u64,
}

const ATTO: u64 = 1_000_000_000_000_000_000;

impl Instant {
    /// Reads `[+-]digits[.digits]`, or any other finite number; `None` for the rest.
    pub(crate) fn parse(text: &[u8]) -> Option<Self> {
        let (negative, digits) = match text {
            [b'-', rest @ ..] => (true, rest),
            [b'+', rest @ ..] => (false, rest),
            _ => (false, text),
        };
        let point = digits.iter().position(|b| *b == b'.').unwrap_or(digits.len());
        let (whole, fraction) = (&digits[..point], digits.get(point + 1..).unwrap_or_default());
        let plain = |d: &[u8]| d.iter().all(u8::is_ascii_digit);
        if whole.is_empty() || !plain(whole) || !plain(fraction) {
            return Self::from_float(std::str::from_utf8(text).ok().and_then(float)?);
        }
        let seconds =
            whole.iter().fold(0_i64, |n, b| n.saturating_mul(10).saturating_add(i64::from(b - b'0')));
        let mut atto = 0;
        for place in 0..18 {
            atto = atto * 10 + u64::from(fraction.get(place).map_or(0, |b| b - b'0'));
        }
        Some(Self::signed(negative, seconds, atto))
    }

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "float-to-int casts saturate, which is what is wanted, and the fraction is not negative"
    )]
    fn from_float(seconds: f64) -> Option<Self> {
        if !seconds.is_finite() {
            return None;
        }
        let whole = seconds.abs().trunc();
        let atto = ((seconds.abs() - whole) * 1e18) as u64;
        Some(Self::signed(seconds < 0.0, whole as i64, atto.min(ATTO - 1)))
    }

    fn signed(negative: bool, seconds: i64, atto: u64) -> Self {
        match (negative, atto) {
            (false, _) => Self { seconds, atto },
            (true, 0) => Self { seconds: -seconds, atto: 0 },
            (true, _) => Self { seconds: (-seconds).saturating_sub(1), atto: ATTO - atto },
        }
    }

    /// In milliseconds, rounded down, held at the ends of the range.
    pub(crate) fn to_timestamp(self) -> Timestamp {
        let millis = i64::try_from(self.atto / (ATTO / 1000)).unwrap_or_default();
        Timestamp::from_millis(self.seconds.saturating_mul(1000).saturating_add(millis))
    }
}

/// Appends a timestamp as OpenMetrics writes it: seconds, with the milliseconds as a fraction where there
/// are any.
pub(crate) fn push_seconds(out: &mut String, at: Timestamp) {
    let millis = at.as_millis();
    if millis < 0 {
        out.push('-');
    }
    let (whole, rest) = (millis.unsigned_abs() / 1000, millis.unsigned_abs() % 1000);
    // Writing to a String cannot fail.
    let _infallible = if rest == 0 { write!(out, "{whole}") } else { write!(out, "{whole}.{rest:03}") };
}

/// Appends a float as client libraries write it (Go's `strconv.AppendFloat(f, 'g', -1, 64)`): shortest
/// digits that read back the same, with an exponent below 1e-4 and from 1e6 on.
pub(crate) fn push_float(out: &mut String, value: f64) {
    if value.is_nan() {
        out.push_str("NaN");
        return;
    }
    if value.is_infinite() {
        out.push_str(if value > 0.0 { "+Inf" } else { "-Inf" });
        return;
    }
    let start = out.len();
    let _infallible = write!(out, "{value:e}");
    let Some(split) = out[start..].find('e') else { return };
    let exponent: i32 = out[start + split + 1..].parse().unwrap_or_default();
    if (-4..GO_EXPONENT_FROM).contains(&exponent) {
        out.truncate(start);
        let _infallible = write!(out, "{value}");
    } else {
        out.truncate(start + split);
        let sign = if exponent < 0 { '-' } else { '+' };
        let _infallible = write!(out, "e{sign}{:02}", exponent.unsigned_abs());
    }
}

/// From this decimal exponent on Go's `'g'` with shortest digits writes an exponent.
const GO_EXPONENT_FROM: i32 = 6;

/// Appends a float as OpenMetrics wants label values and client libraries write numbers: like [`push_float`],
/// and never without a point or an exponent (Prometheus `formatOpenMetricsFloat`).
pub(crate) fn push_canonical_float(out: &mut String, value: f64) {
    let start = out.len();
    push_float(out, value);
    if value.is_finite() && !out[start..].contains(['.', 'e']) {
        out.push_str(".0");
    }
}

#[cfg(test)]
mod tests {
    use super::{Instant, float, float_prefix, go_refuses, push_canonical_float, push_float};

    #[test]
    fn numbers_are_read_as_go_reads_them() {
        for (text, value) in [
            ("0", 0.0),
            ("-0", -0.0),
            ("+1", 1.0),
            ("1.", 1.0),
            (".5", 0.5),
            ("-.5e-3", -0.0005),
            ("123456789012345", 123_456_789_012_345.0),
            ("9223372036854775808", 9_223_372_036_854_775_808.0),
            ("1e-999", 0.0),
            ("0.1", 0.1),
            ("00.25", 0.25),
            ("123456.654321", 123_456.654_321),
            ("12345678.1234567", 12_345_678.123_456_7),
            ("1234567.123456789012345678", 1_234_567.123_456_789),
            ("123456789012345.", 123_456_789_012_345.0),
            ("1.5e3", 1500.0),
            ("+Inf", f64::INFINITY),
            ("-iNfInItY", f64::NEG_INFINITY),
        ] {
            assert_eq!(float(text).map(f64::to_bits), Some(value.to_bits()), "{text}");
        }
        for text in
            ["", ".", "-", "1e", "1.2.3", "1.2 3", "1_000", "0x1", "0x1p4", "1d", "infin", "١", " 1", "1 "]
        {
            assert_eq!(float(text), None, "{text}");
        }
        for text in ["+nan", "-NaN", "1e999", "-1e400"] {
            assert!(
                float_prefix(text.as_bytes()).is_some_and(|(v, _)| go_refuses(text.as_bytes(), v)),
                "{text}"
            );
        }
        for text in ["nan", "NAN", "inf", "-Inf", "+infinity", "1e308"] {
            assert!(
                float_prefix(text.as_bytes()).is_some_and(|(v, _)| !go_refuses(text.as_bytes(), v)),
                "{text}"
            );
        }
    }

    #[test]
    fn short_decimals_are_the_nearest_number() {
        let mut seed = 1_u64;
        for _ in 0..20_000 {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let (digits, places) = (seed >> 14, seed as usize % 20);
            let digits = digits % 10_u64.pow(seed as u32 / 32 % 18);
            let text = format!("{digits:0>places$}");
            let text = format!("{}.{}", &text[..text.len() - places], &text[text.len() - places..]);
            let oracle: Option<f64> = text.parse().ok();
            assert_eq!(float(&text).map(f64::to_bits), oracle.map(f64::to_bits), "{text}");
        }
    }

    #[test]
    fn numbers_are_written_as_go_writes_them() {
        for (value, plain, canonical) in [
            (0.0, "0", "0.0"),
            (1.0, "1", "1.0"),
            (-1.0, "-1", "-1.0"),
            (0.005, "0.005", "0.005"),
            (0.0001, "0.0001", "0.0001"),
            (0.00001, "1e-05", "1e-05"),
            (100_000.0, "100000", "100000.0"),
            (999_999.5, "999999.5", "999999.5"),
            (1_048_576.0, "1.048576e+06", "1.048576e+06"),
            (1e21, "1e+21", "1e+21"),
            (1.5e300, "1.5e+300", "1.5e+300"),
            (f64::NAN, "NaN", "NaN"),
            (f64::INFINITY, "+Inf", "+Inf"),
            (f64::NEG_INFINITY, "-Inf", "-Inf"),
        ] {
            let mut out = String::new();
            push_float(&mut out, value);
            assert_eq!(out, plain);
            out.clear();
            push_canonical_float(&mut out, value);
            assert_eq!(out, canonical);
        }
    }

    #[test]
    fn instants_are_exact_and_ordered() {
        let at = |text: &str| Instant::parse(text.as_bytes());
        for (text, millis) in [
            ("0", 0),
            ("000", 0),
            ("1520879607.789", 1_520_879_607_789),
            ("1.9999", 1999),
            ("1.5e3", 1_500_000),
            ("-1", -1000),
            ("-0.5", -500),
            ("12345678901234567890.1234567890", i64::MAX),
        ] {
            assert_eq!(at(text).map(|i| i.to_timestamp().as_millis()), Some(millis), "{text}");
        }
        for text in ["", "z", "1z", "1.1.1", "NaN", "Inf", "-Inf", "0x1", "1_2", ".", "-", "1.-5"] {
            assert_eq!(at(text), None, "{text}");
        }
        assert!(at("0.0000000001") > at("0"));
        assert!(at("-0.5") < at("-0.2"));
        assert!(at("-1.25") < at("-1"));
    }
}
