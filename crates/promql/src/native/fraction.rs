//! `histogram_fraction` of native histograms.

use assurance_metrics_model::Histogram;

use super::interpolate::{Scale, on_one_side};

/// Which fraction of the observations is between `lower` and `upper`, and whether NaN observations, which are
/// in no fraction, are among them (Prometheus `HistogramFraction`).
pub(crate) fn fraction(lower: f64, upper: f64, histogram: &Histogram) -> (f64, bool) {
    if histogram.count == 0.0 || lower.is_nan() || upper.is_nan() {
        return (f64::NAN, false);
    }
    if lower >= upper {
        return (0.0, false);
    }
    let nan = has_nan(histogram);
    let count = if histogram.sum.is_nan() { in_buckets(histogram) } else { histogram.count };
    let up_to = |value| rank(value, histogram).map_or(count, |rank| rank.min(count));
    ((up_to(upper) - up_to(lower)) / histogram.count, nan)
}

/// Observations below `value`; `None` if that is all there are.
fn rank(value: f64, histogram: &Histogram) -> Option<f64> {
    let mut below = 0.0;
    for bucket in histogram.all_buckets() {
        let scale = Scale::of(&bucket, histogram);
        let bucket = on_one_side(bucket, histogram);
        if bucket.lower >= value {
            return Some(below);
        }
        if bucket.upper > value {
            // Of a bucket without a beginning, all counts as below.
            let unbounded = bucket.lower == f64::NEG_INFINITY;
            let share = if unbounded { 1.0 } else { scale.share_below(&bucket, value) };
            return Some(below + bucket.count * share);
        }
        below += bucket.count;
    }
    None
}

/// Whether there are observations that are in no bucket, for they are NaN.
pub(super) fn has_nan(histogram: &Histogram) -> bool {
    histogram.sum.is_nan() && in_buckets(histogram) < histogram.count
}

fn in_buckets(histogram: &Histogram) -> f64 {
    histogram.all_buckets().map(|bucket| bucket.count).sum()
}
