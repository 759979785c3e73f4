//! Native histograms with custom buckets, made of classic ones.

use super::{Histogram, Span};

/// Empty buckets that are kept between others when all counts are whole: what Prometheus keeps of histograms
/// that it stores with whole counts.
const KEPT_EMPTY: usize = 2;

/// Why classic buckets are no histogram.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ClassicError {
    /// A bound that is no number.
    #[error("a classic bucket's bound (le) is NaN")]
    Bound,
    /// A count that is none.
    #[error("the classic bucket le={bound} has the count {count}; a count is zero or more")]
    Count {
        /// The bucket's upper bound.
        bound: f64,
        /// Its cumulative count.
        count: f64,
    },
    /// Two buckets with the same bound.
    #[error("the classic bucket le={bound} is there twice")]
    Twice {
        /// The bound.
        bound: f64,
    },
    /// Cumulative counts fall.
    #[error(
        "the classic bucket le={bound} counts {count}, less than the {before} of the one below; counts of classic \
         buckets are cumulative"
    )]
    Falling {
        /// The bucket's upper bound.
        bound: f64,
        /// Its cumulative count.
        count: f64,
        /// That of the bucket before.
        before: f64,
    },
    /// The bucket `+Inf` and the count differ.
    #[error("the classic buckets count {buckets} observations but the histogram counts {count}")]
    Total {
        /// The highest cumulative count.
        buckets: f64,
        /// The count given.
        count: f64,
    },
}

impl Histogram {
    /// A histogram with custom buckets, made of a classic one's buckets: pairs of upper bound (`le`) and
    /// cumulative count, in any order. Without a bucket `+Inf`, `count` says how many are above all bounds;
    /// without `count`, the highest bucket does.
    ///
    /// # Errors
    /// If the buckets contradict themselves or `count`.
    pub fn from_classic_buckets(
        buckets: &[(f64, f64)],
        count: Option<f64>,
        sum: f64,
    ) -> Result<Self, ClassicError> {
        let mut buckets = buckets.to_vec();
        buckets.sort_by(|(a, _), (b, _)| a.total_cmp(b));
        check(&buckets)?;
        let highest = buckets.last().map_or(0.0, |(_, count)| *count);
        let total = count.unwrap_or(highest);
        let ends = buckets.last().is_some_and(|(bound, _)| *bound == f64::INFINITY);
        if total.is_nan() || total < highest || (ends && highest != total) {
            return Err(ClassicError::Total { buckets: highest, count: total });
        }
        if !ends {
            buckets.push((f64::INFINITY, total));
        }
        let mut below = 0.0;
        let counts: Vec<f64> = buckets
            .iter()
            .map(|(_, cumulative)| cumulative - std::mem::replace(&mut below, *cumulative))
            .collect();
        let whole = buckets.iter().all(|(_, count)| count.fract() == 0.0);
        buckets.pop();
        let mut histogram = Self {
            schema: Self::CUSTOM_BUCKETS,
            count: total,
            sum,
            positive_spans: vec![Span { offset: 0, length: u32::try_from(counts.len()).unwrap_or(u32::MAX) }],
            positive_counts: counts,
            bounds: buckets.into_iter().map(|(bound, _)| bound).collect(),
            ..Self::default()
        };
        histogram.compact(if whole { KEPT_EMPTY } else { 0 });
        Ok(histogram)
    }
}

fn check(rising: &[(f64, f64)]) -> Result<(), ClassicError> {
    let mut before = (f64::NAN, 0.0);
    for (bound, count) in rising.iter().copied() {
        if bound.is_nan() {
            return Err(ClassicError::Bound);
        }
        if count.is_nan() || count < 0.0 {
            return Err(ClassicError::Count { bound, count });
        }
        if bound == before.0 {
            return Err(ClassicError::Twice { bound });
        }
        if count < before.1 {
            return Err(ClassicError::Falling { bound, count, before: before.1 });
        }
        before = (bound, count);
    }
    Ok(())
}
