//! Places within a bucket.

use assurance_metrics_model::{Bucket, Histogram};

/// How observations are spread over a bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scale {
    Linear,
    Exponential,
}

impl Scale {
    pub(super) fn of(bucket: &Bucket, histogram: &Histogram) -> Self {
        if histogram.uses_custom_buckets() || holds_zero(bucket) { Self::Linear } else { Self::Exponential }
    }

    /// Which share of the bucket's observations is below `value`, which is between finite bounds.
    pub(super) fn share_below(self, bucket: &Bucket, value: f64) -> f64 {
        match self {
            Self::Linear => (value - bucket.lower) / (bucket.upper - bucket.lower),
            Self::Exponential => {
                let [lower, upper, value] = [bucket.lower, bucket.upper, value].map(|v| v.abs().log2());
                // The same below zero: numerator and denominator have both changed their signs.
                (value - lower) / (upper - lower)
            }
        }
    }

    /// The value that `share` of the bucket's observations are below.
    pub(super) fn value_at(self, bucket: &Bucket, share: f64) -> f64 {
        match self {
            Self::Linear => bucket.lower + (bucket.upper - bucket.lower) * share,
            Self::Exponential => {
                let [lower, upper] = [bucket.lower, bucket.upper].map(|bound| bound.abs().log2());
                (lower + (upper - lower) * share).exp2().copysign(bucket.lower)
            }
        }
    }
}

/// Whether zero is in the bucket or at one of its ends.
pub(super) fn holds_zero(bucket: &Bucket) -> bool {
    bucket.lower <= 0.0 && bucket.upper >= 0.0
}

/// The bucket around zero ends at zero on the side on which the histogram has no buckets.
pub(super) fn on_one_side(mut bucket: Bucket, histogram: &Histogram) -> Bucket {
    if holds_zero(&bucket) {
        match (histogram.negative_counts.is_empty(), histogram.positive_counts.is_empty()) {
            (true, false) => bucket.lower = 0.0,
            (false, true) => bucket.upper = 0.0,
            _ => {}
        }
    }
    bucket
}
