//! `histogram_quantile` of native histograms.

use assurance_metrics_model::{Bucket, Histogram};

use super::interpolate::{Scale, on_one_side};

/// What observations of NaN, which are in no bucket, did to a quantile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NanObservations {
    /// There are none, as far as it can be told.
    None,
    /// The quantile is among them.
    Decide,
    /// They count as larger than all others, so that the quantile is higher than without them.
    Skew,
}

/// The value that `q` of the observations are at most (Prometheus `HistogramQuantile`).
pub(crate) fn quantile(q: f64, histogram: &Histogram) -> (f64, NanObservations) {
    if q < 0.0 {
        return (f64::NEG_INFINITY, NanObservations::None);
    }
    if q > 1.0 {
        return (f64::INFINITY, NanObservations::None);
    }
    if histogram.count == 0.0 || q.is_nan() {
        return (f64::NAN, NanObservations::None);
    }
    // NaN observations are counted but in no bucket: only the way up from below meets the right one then.
    let upwards = histogram.sum.is_nan() || q < 0.5;
    let share = if upwards { q } else { 1.0 - q };
    let rank = share * histogram.count;
    let reached = if upwards {
        Reached::new(histogram.all_buckets(), rank)
    } else {
        Reached::new(histogram.all_buckets().rev(), rank)
    };
    reached.value(rank, upwards, histogram)
}

/// The bucket where a rank is reached, or the last one.
struct Reached {
    bucket: Bucket,
    /// Observations up to it and in it.
    count: f64,
}

impl Reached {
    fn new(buckets: impl Iterator<Item = Bucket>, rank: f64) -> Self {
        let mut reached = Self { bucket: Bucket::default(), count: 0.0 };
        for bucket in buckets {
            reached.bucket = bucket;
            reached.count += bucket.count;
            if bucket.count != 0.0 && reached.count >= rank {
                break;
            }
        }
        reached
    }

    fn value(self, rank: f64, upwards: bool, histogram: &Histogram) -> (f64, NanObservations) {
        let mut bucket = self.bucket;
        if histogram.uses_custom_buckets() {
            if bucket.lower == f64::NEG_INFINITY {
                if bucket.upper <= 0.0 {
                    return (bucket.upper, NanObservations::None);
                }
                bucket.lower = 0.0;
            } else if bucket.upper == f64::INFINITY {
                return (bucket.lower, NanObservations::None);
            }
        } else {
            bucket = on_one_side(bucket, histogram);
        }
        // Rounding may have led beyond all observations.
        let count = self.count.min(histogram.count);
        if count < rank {
            return if histogram.sum.is_nan() {
                (f64::NAN, NanObservations::Decide)
            } else {
                // Buckets and count contradict each other.
                (bucket.upper, NanObservations::None)
            };
        }
        let into = if upwards { rank - (count - bucket.count) } else { count - rank };
        let value = Scale::of(&bucket, histogram).value_at(&bucket, into / bucket.count);
        (value, skew(histogram))
    }
}

/// Infinite observations make the sum NaN too, but they are in buckets.
fn skew(histogram: &Histogram) -> NanObservations {
    if super::fraction::has_nan(histogram) { NanObservations::Skew } else { NanObservations::None }
}
