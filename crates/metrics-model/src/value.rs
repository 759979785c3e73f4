use std::fmt::Write as _;
use std::sync::Arc;

use crate::Histogram;

/// The bits of the NaN that means "this series has ended" (Prometheus `value.StaleNaN`).
pub const STALE_NAN_BITS: u64 = 0x7ff0_0000_0000_0002;

/// The NaN that means "this series has ended".
pub const fn stale_nan() -> f64 {
    f64::from_bits(STALE_NAN_BITS)
}

/// Whether `value` is the stale marker, and not an ordinary NaN, which is a value like any other.
pub const fn is_stale_nan(value: f64) -> bool {
    value.to_bits() == STALE_NAN_BITS
}

/// What a sample carries.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Value {
    /// A float: counters, gauges, the parts of classic histograms and summaries.
    Float(f64),
    /// A native histogram.
    Histogram(Arc<Histogram>),
}

impl Value {
    /// The marker that ends a float series.
    pub const fn stale() -> Self {
        Self::Float(stale_nan())
    }

    /// Whether this ends its series; for a histogram its sum carries the marker.
    pub fn is_stale(&self) -> bool {
        match self {
            Self::Float(v) => is_stale_nan(*v),
            Self::Histogram(h) => h.is_stale(),
        }
    }
}

impl From<f64> for Value {
    fn from(value: f64) -> Self {
        Self::Float(value)
    }
}

/// Equal to the bit, so that stale markers equal themselves and differ from other NaNs.
impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Float(a), Self::Float(b)) => a.to_bits() == b.to_bits(),
            (Self::Histogram(a), Self::Histogram(b)) => a.same_bits(b),
            _ => false,
        }
    }
}

/// Writes a float as Prometheus's API and exposition do (Go's `strconv.FormatFloat(v, 'f', -1, 64)`):
/// shortest digits that read back the same, no exponent, `NaN`, `+Inf`, `-Inf`.
pub fn format_float(value: f64) -> String {
    let mut out = String::new();
    if value.is_nan() {
        out.push_str("NaN");
    } else if value.is_infinite() {
        out.push_str(if value > 0.0 { "+Inf" } else { "-Inf" });
    } else {
        // Writing to a String cannot fail.
        let _infallible = write!(out, "{value}");
    }
    out
}

/// Reads a float as Prometheus's text formats and PromQL do: decimal with exponent, and `NaN`, `Inf`,
/// `+Inf`, `-Inf`, `infinity` in any case. `None` for anything else, also for blanks around it.
pub fn parse_float(text: &str) -> Option<f64> {
    // Rust and Go accept the same decimal forms and the same special names, whatever their case.
    text.parse().ok()
}
