//! `</` and `>/`: what a native histogram has below or above a value.

use assurance_metrics_model::{Bucket, Histogram};

use super::interpolate::Scale;

/// Without the observations above `value`: `histogram </ value`.
pub(crate) fn trim_upper(histogram: &Histogram, value: f64) -> Histogram {
    trim(histogram, Cut { at: value, keep: Keep::Below })
}

/// Without the observations below `value`: `histogram >/ value`.
pub(crate) fn trim_lower(histogram: &Histogram, value: f64) -> Histogram {
    trim(histogram, Cut { at: value, keep: Keep::Above })
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Keep {
    Below,
    Above,
}

#[derive(Clone, Copy, Debug)]
struct Cut {
    at: f64,
    keep: Keep,
}

/// What is kept of a bucket.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Kept {
    count: f64,
    /// Where the kept observations are on average.
    middle: f64,
}

impl Kept {
    const NOTHING: Self = Self { count: 0.0, middle: 0.0 };
}

/// Count and sum are those of the buckets, unless nothing was cut off.
fn trim(histogram: &Histogram, cut: Cut) -> Histogram {
    let mut trimmed = histogram.clone();
    let mut totals = Totals::default();
    for (bucket, count) in histogram.positive_buckets().zip(&mut trimmed.positive_counts) {
        totals.keep(count, cut.of_bucket(&bucket, histogram));
    }
    for (bucket, count) in histogram.negative_buckets().zip(&mut trimmed.negative_counts) {
        totals.keep(count, cut.of_bucket(&bucket, histogram));
    }
    if histogram.zero_count > 0.0 {
        totals.keep(&mut trimmed.zero_count, cut.of_zero_bucket(histogram));
    }
    if totals.changed {
        trimmed.count = totals.count;
        trimmed.sum = totals.sum;
        trimmed.compact(0);
    }
    trimmed
}

#[derive(Default)]
struct Totals {
    count: f64,
    sum: f64,
    changed: bool,
}

impl Totals {
    fn keep(&mut self, count: &mut f64, kept: Kept) {
        if *count == 0.0 {
            return;
        }
        self.changed |= count.to_bits() != kept.count.to_bits();
        *count = kept.count;
        self.count += kept.count;
        self.sum += kept.middle * kept.count;
    }
}

impl Cut {
    fn of_bucket(self, bucket: &Bucket, histogram: &Histogram) -> Kept {
        let (all, some) = match self.keep {
            Keep::Below => (bucket.upper <= self.at, bucket.lower < self.at),
            Keep::Above => (bucket.lower >= self.at, bucket.upper > self.at),
        };
        let scale = if histogram.uses_custom_buckets() { Scale::Linear } else { Scale::Exponential };
        if all {
            Kept { count: bucket.count, middle: middle(bucket.lower, bucket.upper, scale) }
        } else if !some {
            Kept::NOTHING
        } else if bucket.lower == f64::NEG_INFINITY {
            self.of_bucket_without_beginning(bucket)
        } else if bucket.upper == f64::INFINITY {
            self.of_bucket_without_end(bucket)
        } else {
            self.of_cut_bucket(bucket, scale)
        }
    }

    fn of_cut_bucket(self, bucket: &Bucket, scale: Scale) -> Kept {
        let below = bucket.count * scale.share_below(bucket, self.at);
        match self.keep {
            Keep::Below => Kept { count: below, middle: middle(bucket.lower, self.at, scale) },
            Keep::Above => Kept { count: bucket.count - below, middle: middle(self.at, bucket.upper, scale) },
        }
    }

    /// Nothing is known of how observations are spread there, except that such a bucket is taken to begin at 0
    /// if it ends above, as elsewhere.
    fn of_bucket_without_beginning(self, bucket: &Bucket) -> Kept {
        let begins_at_zero = bucket.upper > 0.0 && bucket.upper.is_finite();
        match self.keep {
            Keep::Below if begins_at_zero && self.at > 0.0 => {
                Kept { count: bucket.count * self.at / bucket.upper, middle: self.at / 2.0 }
            }
            Keep::Below if bucket.upper <= 0.0 => Kept { count: bucket.count, middle: self.at },
            Keep::Above if begins_at_zero && self.at >= 0.0 => Kept {
                count: bucket.count * (1.0 - self.at / bucket.upper),
                middle: f64::midpoint(self.at, bucket.upper),
            },
            Keep::Below | Keep::Above => Kept::NOTHING,
        }
    }

    fn of_bucket_without_end(self, bucket: &Bucket) -> Kept {
        match self.keep {
            Keep::Below => Kept::NOTHING,
            Keep::Above => Kept { count: bucket.count, middle: self.at },
        }
    }

    fn of_zero_bucket(self, histogram: &Histogram) -> Kept {
        let zero = one_sided_zero_bucket(histogram);
        let (all, nothing) = match self.keep {
            Keep::Below => (self.at >= zero.upper && self.at > zero.lower, self.at <= zero.lower),
            Keep::Above => (self.at <= zero.lower, self.at >= zero.upper),
        };
        if all {
            Kept { count: zero.count, middle: f64::midpoint(zero.lower, zero.upper) }
        } else if nothing {
            Kept::NOTHING
        } else {
            self.of_cut_bucket(&zero, Scale::Linear)
        }
    }
}

/// The zero bucket, which ends at zero on the side on which no bucket is populated while the other has some.
fn one_sided_zero_bucket(histogram: &Histogram) -> Bucket {
    let populated = |counts: &[f64]| counts.iter().any(|count| *count != 0.0);
    let mut zero = histogram.zero_bucket();
    match (populated(&histogram.negative_counts), populated(&histogram.positive_counts)) {
        (true, false) => zero.upper = 0.0,
        (false, true) => zero.lower = 0.0,
        _ => {}
    }
    zero
}

/// Where observations between two bounds are on average.
fn middle(lower: f64, upper: f64, scale: Scale) -> f64 {
    match (lower.is_infinite(), upper.is_infinite()) {
        (true, true) => 0.0,
        // It is taken to begin at zero.
        (true, false) if upper > 0.0 => upper / 2.0,
        (true, false) => upper,
        (false, true) => lower,
        (false, false) => match scale {
            Scale::Linear => f64::midpoint(lower, upper),
            Scale::Exponential => (lower * upper).abs().sqrt().copysign(lower),
        },
    }
}
