//! Native histograms: what they hold, and how they add up.

mod arithmetic;
mod bounds;
mod buckets;
mod cell;
mod classic;
mod compensated;
mod resets;
mod side;
mod text;
mod validate;

pub use arithmetic::{CombineNotes, Combined, Incompatible};
pub use buckets::{ApiBucket, Bucket, Buckets};
pub use classic::ClassicError;
pub use compensated::{CompensatedHistogram, HistogramMean};
pub use validate::HistogramError;

/// Whether a counter histogram is known to have been reset before a sample (Prometheus `CounterResetHint`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ResetHint {
    /// Nothing is known; compare with the sample before.
    #[default]
    Unknown,
    /// The counts started anew.
    Reset,
    /// The counts went on.
    NoReset,
    /// This is no counter; counts may fall.
    Gauge,
}

/// A run of neighbouring populated buckets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Span {
    /// Empty buckets since the previous span, or the index of the first bucket for the first span.
    pub offset: i32,
    /// Buckets in this run.
    pub length: u32,
}

/// A native histogram with float counts (Prometheus `histogram.FloatHistogram`).
///
/// Counts are absolute, one a bucket, in the order of the spans. A `schema` of -4..=8 has exponential
/// buckets that grow by `2^(2^-schema)`; [`Histogram::CUSTOM_BUCKETS`] has the upper bounds of `bounds`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Histogram {
    /// Bucket layout: -4..=8, or [`Histogram::CUSTOM_BUCKETS`].
    pub schema: i32,
    /// Width of the zero bucket on either side; 0 with custom buckets.
    pub zero_threshold: f64,
    /// Observations in the zero bucket.
    pub zero_count: f64,
    /// All observations, NaN ones included.
    pub count: f64,
    /// Sum of the observations; the stale marker here ends the series.
    pub sum: f64,
    /// Runs of positive buckets.
    pub positive_spans: Vec<Span>,
    /// Counts of the positive buckets.
    pub positive_counts: Vec<f64>,
    /// Runs of negative buckets; empty with custom buckets.
    pub negative_spans: Vec<Span>,
    /// Counts of the negative buckets.
    pub negative_counts: Vec<f64>,
    /// Upper bounds of custom buckets, rising, without `+Inf`; empty for exponential schemas.
    pub bounds: Vec<f64>,
    /// What is known of a reset before this sample.
    pub reset_hint: ResetHint,
}

impl Histogram {
    /// The schema of histograms with custom bucket bounds.
    pub const CUSTOM_BUCKETS: i32 = -53;

    /// Whether its buckets end at `bounds` rather than at powers of two.
    pub const fn uses_custom_buckets(&self) -> bool {
        self.schema == Self::CUSTOM_BUCKETS
    }

    /// Whether this ends its series.
    pub const fn is_stale(&self) -> bool {
        crate::is_stale_nan(self.sum)
    }

    /// Buckets it has, empty ones within spans included, the zero bucket not.
    pub const fn bucket_count(&self) -> usize {
        self.positive_counts.len() + self.negative_counts.len()
    }

    /// Equal as PromQL's `==` sees it: the same buckets and the same numbers to the bit, however the spans are
    /// cut; the reset hint does not count.
    pub fn same_value(&self, other: &Self) -> bool {
        let bits = |a: f64, b: f64| a.to_bits() == b.to_bits();
        let all = |a: &[f64], b: &[f64]| a.len() == b.len() && a.iter().zip(b).all(|(a, b)| bits(*a, *b));
        self.schema == other.schema
            && bits(self.count, other.count)
            && bits(self.sum, other.sum)
            && bits(self.zero_count, other.zero_count)
            && self.zero_threshold == other.zero_threshold
            && (!self.uses_custom_buckets() || all(&self.bounds, &other.bounds))
            && all(&self.positive_counts, &other.positive_counts)
            && all(&self.negative_counts, &other.negative_counts)
            && side::same_runs(&self.positive_spans, &other.positive_spans)
            && side::same_runs(&self.negative_spans, &other.negative_spans)
    }

    /// Equal in every field, floats compared by their bits.
    pub fn same_bits(&self, other: &Self) -> bool {
        let bits = |a: f64, b: f64| a.to_bits() == b.to_bits();
        let all = |a: &[f64], b: &[f64]| a.len() == b.len() && a.iter().zip(b).all(|(a, b)| bits(*a, *b));
        self.schema == other.schema
            && self.reset_hint == other.reset_hint
            && bits(self.zero_threshold, other.zero_threshold)
            && bits(self.zero_count, other.zero_count)
            && bits(self.count, other.count)
            && bits(self.sum, other.sum)
            && self.positive_spans == other.positive_spans
            && self.negative_spans == other.negative_spans
            && all(&self.positive_counts, &other.positive_counts)
            && all(&self.negative_counts, &other.negative_counts)
            && all(&self.bounds, &other.bounds)
    }
}
