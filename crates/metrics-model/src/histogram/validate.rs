//! Whether a histogram's parts fit together.

use super::{Histogram, Span};

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
    /// A span reaches back into the one before it.
    #[error("{side} span {index} has the offset {offset}; only the first span's may be negative")]
    SpanOffset {
        /// `positive` or `negative`.
        side: &'static str,
        /// Which span, from 0.
        index: usize,
        /// Its offset.
        offset: i32,
    },
    /// A bucket has less than no observations.
    #[error("{side} bucket {index} has the count {count}; a count is zero or more")]
    Count {
        /// `positive` or `negative`.
        side: &'static str,
        /// Which bucket, from 0.
        index: usize,
        /// Its count.
        count: f64,
    },
    /// Custom bounds are not strictly rising and finite.
    #[error("custom bucket bounds must rise strictly and be finite, but bound {index} is {bound}")]
    Bounds {
        /// Which bound, from 0.
        index: usize,
        /// Its value.
        bound: f64,
    },
    /// Spans reach beyond the custom bucket of the highest values.
    #[error("{bounds} custom bounds make {} buckets, but the spans reach {reach} buckets far", bounds + 1)]
    TooFewBounds {
        /// Bounds given.
        bounds: usize,
        /// Buckets up to the end of the last span.
        reach: i64,
    },
    /// Something that only exponential buckets have, with custom ones; or bounds, with exponential ones.
    #[error("a histogram with {layout} buckets has no {part}")]
    Foreign {
        /// `custom` or `exponential`.
        layout: &'static str,
        /// What it has nevertheless.
        part: &'static str,
    },
}

impl Histogram {
    /// Checks that schema, spans, counts and bounds fit together and that no bucket counts less than nothing.
    ///
    /// Whether the counts add up is not checked: with floats they need not, to the last bit.
    ///
    /// # Errors
    /// Names the first part that does not fit.
    pub fn validate(&self) -> Result<(), HistogramError> {
        if !(-4..=8).contains(&self.schema) && !self.uses_custom_buckets() {
            return Err(HistogramError::Schema { schema: self.schema });
        }
        check_side("positive", &self.positive_spans, &self.positive_counts)?;
        check_side("negative", &self.negative_spans, &self.negative_counts)?;
        if self.uses_custom_buckets() {
            self.check_custom()
        } else if self.bounds.is_empty() {
            Ok(())
        } else {
            Err(HistogramError::Foreign { layout: "exponential", part: "custom bounds" })
        }
    }

    fn check_custom(&self) -> Result<(), HistogramError> {
        let foreign = |part| Err(HistogramError::Foreign { layout: "custom", part });
        if self.zero_count != 0.0 {
            return foreign("zero count");
        }
        if self.zero_threshold != 0.0 {
            return foreign("zero threshold");
        }
        if !self.negative_spans.is_empty() {
            return foreign("negative buckets");
        }
        let mut before = f64::NEG_INFINITY;
        for (index, bound) in self.bounds.iter().enumerate() {
            if !bound.is_finite() || *bound <= before {
                return Err(HistogramError::Bounds { index, bound: *bound });
            }
            before = *bound;
        }
        if let Some(Span { offset, .. }) = self.positive_spans.first().filter(|span| span.offset < 0) {
            return Err(HistogramError::SpanOffset { side: "positive", index: 0, offset: *offset });
        }
        let reach = self.positive_spans.iter().map(|s| i64::from(s.offset) + i64::from(s.length)).sum();
        if i64::try_from(self.bounds.len()).is_ok_and(|bounds| bounds + 1 < reach) {
            return Err(HistogramError::TooFewBounds { bounds: self.bounds.len(), reach });
        }
        Ok(())
    }
}

fn check_side(side: &'static str, spans: &[Span], counts: &[f64]) -> Result<(), HistogramError> {
    if let Some((index, span)) = spans.iter().enumerate().skip(1).find(|(_, span)| span.offset < 0) {
        return Err(HistogramError::SpanOffset { side, index, offset: span.offset });
    }
    let covered: u64 = spans.iter().map(|s| u64::from(s.length)).sum();
    if covered != counts.len() as u64 {
        return Err(HistogramError::SpanLength { side, spans: covered, counts: counts.len() });
    }
    match counts.iter().enumerate().find(|(_, count)| **count < 0.0) {
        Some((index, count)) => Err(HistogramError::Count { side, index, count: *count }),
        None => Ok(()),
    }
}
