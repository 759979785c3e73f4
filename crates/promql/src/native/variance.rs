//! The variance of native histograms.

use assurance_metrics_model::{Bucket, Histogram};

use super::interpolate::holds_zero;
use crate::numbers::Sum;

/// The variance of the observations, as if all of a bucket were in its middle.
pub(crate) fn variance(histogram: &Histogram) -> f64 {
    let mean = histogram.sum / histogram.count;
    let mut squares = Sum::default();
    for bucket in histogram.all_buckets().filter(|bucket| bucket.count != 0.0) {
        let delta = middle(&bucket, histogram) - mean;
        squares.add(bucket.count * delta * delta);
    }
    squares.total() / histogram.count
}

fn middle(bucket: &Bucket, histogram: &Histogram) -> f64 {
    if histogram.uses_custom_buckets() {
        f64::midpoint(bucket.upper, bucket.lower)
    } else if holds_zero(bucket) {
        0.0
    } else {
        (bucket.upper * bucket.lower).sqrt().copysign(bucket.upper)
    }
}
