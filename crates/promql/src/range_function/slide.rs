//! Windows that slide over samples: each sample is taken up and let go once, however much windows overlap.

use std::collections::VecDeque;

use assurance_metrics_model::whole_sum;

use crate::numbers::{Mean, Sum, as_float, quantile, quantile_of_sorted};
use crate::select::Samples;

/// Computes something over windows of samples, given as index ranges that never move back.
pub(crate) trait Slide {
    /// Over the samples `from..to`, which are at least one.
    fn at(&mut self, from: usize, to: usize) -> f64;
}

/// Computes each window anew: the cheapest where windows do not overlap.
pub(crate) struct Anew<F>(pub(crate) F);

impl<F: FnMut(usize, usize) -> f64> Slide for Anew<F> {
    fn at(&mut self, from: usize, to: usize) -> f64 {
        (self.0)(from, to)
    }
}

/// What can be computed of parts and put together.
pub(crate) trait Part: Copy {
    /// Of one sample, at a time in seconds.
    fn of(at: f64, value: f64) -> Self;
    /// Of two neighbouring parts.
    fn join(self, later: Self) -> Self;
    /// The result.
    fn value(self) -> f64;
}

/// Two stacks that make a queue: the front holds, for each of its samples, the part from there to its end; the
/// back holds one part. Nothing is ever subtracted, so that nothing cancels.
pub(crate) struct Queue<'a, P> {
    samples: Samples<'a, f64>,
    /// Parts of `middle - 1 - n .. middle`, for n from 0.
    front: Vec<P>,
    middle: usize,
    back: Option<P>,
    end: usize,
}

impl<'a, P: Part> Queue<'a, P> {
    pub(crate) fn new(samples: Samples<'a, f64>) -> Self {
        Self { samples, front: Vec::new(), middle: 0, back: None, end: 0 }
    }

    /// Times count from the first sample, so that sums of their squares stay small.
    fn part(&self, at: usize) -> P {
        let since = self.samples.times[at] - self.samples.times[0];
        P::of(since.as_secs_f64(), self.samples.values[at])
    }

    pub(crate) fn part_of(&mut self, from: usize, to: usize) -> P {
        if from >= self.middle {
            self.front.clear();
            let mut later: Option<P> = None;
            for at in (from..to).rev() {
                let part = self.part(at);
                let joined = later.map_or(part, |later| part.join(later));
                self.front.push(joined);
                later = Some(joined);
            }
            (self.middle, self.back, self.end) = (to, None, to);
        }
        for at in self.end..to {
            let part = self.part(at);
            self.back = Some(self.back.map_or(part, |before| before.join(part)));
        }
        self.end = to;
        let front = self.front[self.middle - 1 - from];
        self.back.map_or(front, |back| front.join(back))
    }
}

impl<P: Part> Slide for Queue<'_, P> {
    fn at(&mut self, from: usize, to: usize) -> f64 {
        self.part_of(from, to).value()
    }
}

impl Part for Sum {
    fn of(_at: f64, value: f64) -> Self {
        Self { sum: value, lost: 0.0 }
    }

    fn join(mut self, later: Self) -> Self {
        self.add(later.sum);
        if self.sum.is_finite() {
            self.lost += later.lost;
        }
        self
    }

    fn value(self) -> f64 {
        self.total()
    }
}

/// Means of a sliding sum; anew where the sum overflows, since a mean need not.
pub(crate) struct Means<'a> {
    sums: Queue<'a, Sum>,
}

impl<'a> Means<'a> {
    pub(crate) fn new(samples: Samples<'a, f64>) -> Self {
        Self { sums: Queue::new(samples) }
    }
}

impl Slide for Means<'_> {
    fn at(&mut self, from: usize, to: usize) -> f64 {
        let sum = self.sums.part_of(from, to);
        let count = as_float(to - from);
        if sum.sum.is_finite() {
            return sum.sum / count + sum.lost / count;
        }
        mean(&self.sums.samples.values[from..to])
    }
}

pub(crate) fn mean(values: &[f64]) -> f64 {
    if let Some(sum) = whole_sum(values) {
        // Nothing is lost.
        return sum / as_float(values.len()) + 0.0;
    }
    let mut mean = Mean::default();
    values.iter().for_each(|v| mean.add(*v));
    mean.mean()
}

/// Count, mean and squared deviations, put together as Chan, Golub and LeVeque do.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moments {
    count: f64,
    mean: f64,
    squares: f64,
}

impl Part for Moments {
    fn of(_at: f64, value: f64) -> Self {
        // Of an infinite value this makes NaN, as its deviation from itself is.
        Self { count: 1.0, mean: value, squares: value * 0.0 }
    }

    fn join(self, later: Self) -> Self {
        let count = self.count + later.count;
        let apart = later.mean - self.mean;
        Self {
            count,
            mean: self.mean + apart * (later.count / count),
            squares: self.squares + later.squares + apart * apart * (self.count * later.count / count),
        }
    }

    fn value(self) -> f64 {
        self.squares / self.count
    }
}

/// Standard deviations of sliding moments.
pub(crate) struct Deviations<'a>(pub(crate) Queue<'a, Moments>);

impl Slide for Deviations<'_> {
    fn at(&mut self, from: usize, to: usize) -> f64 {
        self.0.at(from, to).sqrt()
    }
}

/// What a line through samples needs: means and products of deviations.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Trend {
    count: f64,
    mean_x: f64,
    mean_y: f64,
    products: f64,
    squares: f64,
    first: f64,
    constant: bool,
}

impl Trend {
    /// Slope, and the value at the instant `x` in seconds since 1970.
    pub(crate) fn line(self, x: f64) -> (f64, f64) {
        if self.constant {
            return if self.first.is_infinite() { (f64::NAN, f64::NAN) } else { (0.0, self.first) };
        }
        if !self.mean_y.is_finite() {
            return (f64::NAN, f64::NAN);
        }
        let slope = self.products / self.squares;
        (slope, self.mean_y + slope * (x - self.mean_x))
    }
}

impl Part for Trend {
    fn of(at: f64, value: f64) -> Self {
        Self {
            count: 1.0,
            mean_x: at,
            mean_y: value,
            products: 0.0,
            squares: 0.0,
            first: value,
            constant: true,
        }
    }

    #[expect(clippy::float_cmp, reason = "a constant is exactly the same every time")]
    fn join(self, later: Self) -> Self {
        let count = self.count + later.count;
        let (x, y) = (later.mean_x - self.mean_x, later.mean_y - self.mean_y);
        let share = self.count * later.count / count;
        Self {
            count,
            mean_x: self.mean_x + x * (later.count / count),
            mean_y: self.mean_y + y * (later.count / count),
            products: self.products + later.products + x * y * share,
            squares: self.squares + later.squares + x * x * share,
            first: self.first,
            constant: self.constant && later.constant && self.first == later.first,
        }
    }

    fn value(self) -> f64 {
        self.line(0.0).0
    }
}

/// The largest or smallest value, or its time: candidates in order, each better than those after it.
pub(crate) struct Extremes<'a> {
    samples: Samples<'a, f64>,
    largest: bool,
    /// Of equals the last, and its time, instead of the value.
    time: bool,
    candidates: VecDeque<usize>,
    end: usize,
}

impl<'a> Extremes<'a> {
    pub(crate) fn new(samples: Samples<'a, f64>, largest: bool, time: bool) -> Self {
        Self { samples, largest, time, candidates: VecDeque::new(), end: 0 }
    }
}

impl Slide for Extremes<'_> {
    fn at(&mut self, from: usize, to: usize) -> f64 {
        for at in self.end.max(from)..to {
            let value = self.samples.values[at];
            if value.is_nan() {
                continue;
            }
            while let Some(last) = self.candidates.back() {
                let kept = self.samples.values[*last];
                // Of equals, zero may have two signs: the first value counts, as it does where nothing slides.
                let equal = self.time && value >= kept && value <= kept;
                let beaten = equal || if self.largest { value > kept } else { value < kept };
                if !beaten {
                    break;
                }
                self.candidates.pop_back();
            }
            self.candidates.push_back(at);
        }
        self.end = to;
        while self.candidates.front().is_some_and(|at| *at < from) {
            self.candidates.pop_front();
        }
        // Where all are NaN, so is the result, and the last of them is the one.
        let best = self.candidates.front().copied().unwrap_or(to - 1);
        if self.time { self.samples.times[best].as_secs_f64() } else { self.samples.values[best] }
    }
}

/// How often something happens between neighbours, counted once for the whole series.
pub(crate) struct Counts {
    /// How often up to and with each sample.
    until: Vec<u32>,
}

impl Counts {
    pub(crate) fn new(values: &[f64], happens: impl Fn(f64, f64) -> bool) -> Self {
        let mut until = Vec::with_capacity(values.len());
        let mut count = 0_u32;
        for (at, value) in values.iter().enumerate() {
            if at > 0 && happens(values[at - 1], *value) {
                count += 1;
            }
            until.push(count);
        }
        Self { until }
    }
}

impl Slide for Counts {
    fn at(&mut self, from: usize, to: usize) -> f64 {
        f64::from(self.until[to - 1] - self.until[from])
    }
}

/// A window that moves by more samples than this is not worth keeping in order: choosing anew costs less than
/// moving what lies between.
const FEW: usize = 8;

/// Quantiles of windows: kept in order where they move little.
pub(crate) struct Ordered<'a> {
    values: &'a [f64],
    window: Vec<f64>,
    in_order: bool,
    from: usize,
    to: usize,
}

impl<'a> Ordered<'a> {
    pub(crate) fn new(values: &'a [f64]) -> Self {
        Self { values, window: Vec::new(), in_order: false, from: 0, to: 0 }
    }

    pub(crate) fn quantile(&mut self, q: f64, from: usize, to: usize) -> f64 {
        let order = crate::numbers::nan_first;
        let moves_little = from - self.from <= FEW && to - self.to <= FEW;
        let before = (self.from, self.to);
        (self.from, self.to) = (from, to);
        if !moves_little {
            self.in_order = false;
            self.window.clear();
            self.window.extend_from_slice(&self.values[from..to]);
            return quantile(q, &mut self.window);
        }
        if !self.in_order {
            self.in_order = true;
            self.window.clear();
            self.window.extend_from_slice(&self.values[from..to]);
            self.window.sort_by(|a, b| order(*a, *b));
            return quantile_of_sorted(q, &self.window);
        }
        for value in &self.values[before.0..from] {
            let place = self.window.partition_point(|kept| order(*kept, *value).is_lt());
            self.window.remove(place);
        }
        for value in &self.values[before.1..to] {
            let place = self.window.partition_point(|kept| order(*kept, *value).is_lt());
            self.window.insert(place, *value);
        }
        quantile_of_sorted(q, &self.window)
    }
}
