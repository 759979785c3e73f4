//! Arithmetic as Prometheus does it: compensated sums, quantiles, regression.

use std::cmp::Ordering;

use assurance_metrics_model::Timestamp;

/// A sum that carries what rounding lost (Neumaier's variant of Kahan's method).
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Sum {
    pub(crate) sum: f64,
    pub(crate) lost: f64,
}

impl Sum {
    pub(crate) fn add(&mut self, value: f64) {
        let total = self.sum + value;
        if total.is_infinite() {
            self.lost = 0.0;
        } else if self.sum.abs() >= value.abs() {
            self.lost += (self.sum - total) + value;
        } else {
            self.lost += (value - total) + self.sum;
        }
        self.sum = total;
    }

    pub(crate) fn total(&self) -> f64 {
        if self.sum.is_infinite() { self.sum } else { self.sum + self.lost }
    }
}

/// A mean that changes from summing to an incremental form when the sum would overflow.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Mean {
    sum: Sum,
    count: f64,
    incremental: bool,
}

impl Mean {
    pub(crate) fn add(&mut self, value: f64) {
        self.count += 1.0;
        if !self.incremental {
            let mut next = self.sum;
            next.add(value);
            if self.count == 1.0 || !next.sum.is_infinite() {
                self.sum = next;
                return;
            }
            self.incremental = true;
            self.sum.sum /= self.count - 1.0;
            self.sum.lost /= self.count - 1.0;
        }
        let share = (self.count - 1.0) / self.count;
        let mut next = Sum { sum: share * self.sum.sum, lost: share * self.sum.lost };
        next.add(value / self.count);
        self.sum = next;
    }

    pub(crate) fn mean(&self) -> f64 {
        if self.incremental {
            return self.sum.sum + self.sum.lost;
        }
        self.sum.sum / self.count + self.sum.lost / self.count
    }
}

/// Welford's variance, with compensated sums.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Variance {
    count: f64,
    mean: Sum,
    squares: Sum,
}

impl Variance {
    pub(crate) fn add(&mut self, value: f64) {
        self.count += 1.0;
        let delta = value - (self.mean.sum + self.mean.lost);
        self.mean.add(delta / self.count);
        self.squares.add(delta * (value - (self.mean.sum + self.mean.lost)));
    }

    pub(crate) fn variance(&self) -> f64 {
        (self.squares.sum + self.squares.lost) / self.count
    }
}

/// Orders values with NaN before everything else.
pub(crate) fn nan_first(a: f64, b: f64) -> Ordering {
    match (a.is_nan(), b.is_nan()) {
        (true, true) => Ordering::Equal,
        (true, false) => Ordering::Less,
        (false, true) => Ordering::Greater,
        (false, false) => a.partial_cmp(&b).unwrap_or(Ordering::Equal),
    }
}

/// The quantile of values, by linear interpolation between ranks; the values are moved about.
pub(crate) fn quantile(q: f64, values: &mut [f64]) -> f64 {
    let (rank, lower) = match rank(q, values.len()) {
        Ok(place) => place,
        Err(beyond) => return beyond,
    };
    // The two neighbours of the rank are found in linear time.
    let (_, low, above) = values.select_nth_unstable_by(lower, |a, b| nan_first(*a, *b));
    let low = *low;
    let high = above.iter().copied().min_by(|a, b| nan_first(*a, *b)).unwrap_or(low);
    between(low, high, rank)
}

/// The quantile of values that are in order, NaN first.
pub(crate) fn quantile_of_sorted(q: f64, values: &[f64]) -> f64 {
    match rank(q, values.len()) {
        Ok((rank, lower)) => between(values[lower], values[(lower + 1).min(values.len() - 1)], rank),
        Err(beyond) => beyond,
    }
}

/// The rank of a quantile among so many values and the whole number below it; or, beyond them, the result.
fn rank(q: f64, count: usize) -> Result<(f64, usize), f64> {
    let Some(last) = count.checked_sub(1).filter(|_last| !q.is_nan()) else { return Err(f64::NAN) };
    if q < 0.0 {
        return Err(f64::NEG_INFINITY);
    }
    if q > 1.0 {
        return Err(f64::INFINITY);
    }
    let rank = q * as_float(last);
    Ok((rank, as_index(rank.floor()).min(last)))
}

fn between(low: f64, high: f64, rank: f64) -> f64 {
    let weight = rank - rank.floor();
    low * (1.0 - weight) + high * weight
}

/// Slope and intercept of the line nearest to the samples; time in seconds since `origin`.
pub(crate) fn regression(times: &[Timestamp], values: &[f64], origin: Timestamp) -> (f64, f64) {
    let first = values[0];
    if values.iter().all(|v| *v == first) {
        return if first.is_infinite() { (f64::NAN, f64::NAN) } else { (0.0, first) };
    }
    let n = as_float(values.len());
    let (mut sum_x, mut sum_y, mut sum_xy, mut sum_xx) =
        (Sum::default(), Sum::default(), Sum::default(), Sum::default());
    for (at, y) in times.iter().zip(values) {
        let x = (*at - origin).as_secs_f64();
        sum_x.add(x);
        sum_y.add(*y);
        sum_xy.add(x * y);
        sum_xx.add(x * x);
    }
    let exact = |s: Sum| s.sum + s.lost;
    let (sum_x, sum_y, sum_xy, sum_xx) = (exact(sum_x), exact(sum_y), exact(sum_xy), exact(sum_xx));
    let covariance = sum_xy - sum_x * sum_y / n;
    let variance = sum_xx - sum_x * sum_x / n;
    let slope = covariance / variance;
    (slope, sum_y / n - slope * sum_x / n)
}

#[expect(clippy::cast_precision_loss, reason = "counts of samples in memory are far below 2^53")]
pub(crate) fn as_float(count: usize) -> f64 {
    count as f64
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "saturates, and callers bound it"
)]
pub(crate) fn as_index(value: f64) -> usize {
    value as usize
}

/// Go's `math.Max`: infinity wins over NaN, and NaN over everything else.
pub(crate) fn go_max(a: f64, b: f64) -> f64 {
    if a == f64::INFINITY || b == f64::INFINITY {
        return f64::INFINITY;
    }
    if a.is_nan() || b.is_nan() { f64::NAN } else { a.max(b) }
}

/// Go's `math.Min`: negative infinity wins over NaN, and NaN over everything else.
pub(crate) fn go_min(a: f64, b: f64) -> f64 {
    if a == f64::NEG_INFINITY || b == f64::NEG_INFINITY {
        return f64::NEG_INFINITY;
    }
    if a.is_nan() || b.is_nan() { f64::NAN } else { a.min(b) }
}
