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

/// Why a histogram's parts do not fit together.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum HistogramError {
    /// The schema is none that Prometheus knows.
    #[error(
        "histogram schema {schema} is outside -4..=8 and is not {} (custom buckets)",
        Histogram::CUSTOM_BUCKETS
    )]
    Schema {
        /// The schema given.
        schema: i32,
    },
    /// Spans promise another number of buckets than there are counts.
    #[error("{side} spans cover {spans} buckets but there are {counts} counts")]
    SpanLength {
        /// `positive` or `negative`.
        side: &'static str,
        /// Buckets the spans cover.
        spans: u64,
        /// Counts given.
        counts: usize,
    },
    /// Custom bounds are not strictly rising and finite.
    #[error("custom bucket bounds must rise strictly and be finite, but bound {index} is {bound}")]
    Bounds {
        /// Which bound, from 0.
        index: usize,
        /// Its value.
        bound: f64,
    },
}

impl Histogram {
    /// The schema of histograms with custom bucket bounds.
    pub const CUSTOM_BUCKETS: i32 = -53;

    /// Checks that schema, spans, counts and bounds fit together.
    ///
    /// # Errors
    /// Names the first part that does not fit.
    pub fn validate(&self) -> Result<(), HistogramError> {
        if !(-4..=8).contains(&self.schema) && self.schema != Self::CUSTOM_BUCKETS {
            return Err(HistogramError::Schema { schema: self.schema });
        }
        for (side, spans, counts) in [
            ("positive", &self.positive_spans, &self.positive_counts),
            ("negative", &self.negative_spans, &self.negative_counts),
        ] {
            let covered: u64 = spans.iter().map(|s| u64::from(s.length)).sum();
            if covered != counts.len() as u64 {
                return Err(HistogramError::SpanLength { side, spans: covered, counts: counts.len() });
            }
        }
        let mut before = f64::NEG_INFINITY;
        for (index, bound) in self.bounds.iter().enumerate() {
            if !bound.is_finite() || *bound <= before {
                return Err(HistogramError::Bounds { index, bound: *bound });
            }
            before = *bound;
        }
        Ok(())
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
