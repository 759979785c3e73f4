//! Scaling, adding and subtracting.

use std::mem;

use super::cell::Cell;
use super::side::Side;
use super::{Histogram, ResetHint};

/// A histogram with exponential buckets and one with custom buckets have no common layout.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a histogram with exponential buckets and one with custom buckets cannot be combined")]
pub struct Incompatible;

/// What is worth saying about an addition or subtraction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[must_use]
pub struct CombineNotes {
    /// One side was known to be reset, the other not to be.
    pub counter_reset_collision: bool,
    /// Custom bounds differed; the outcome has those that both had.
    pub reconciled_bounds: bool,
}

impl CombineNotes {
    /// What either says.
    pub const fn or(self, other: Self) -> Self {
        Self {
            counter_reset_collision: self.counter_reset_collision || other.counter_reset_collision,
            reconciled_bounds: self.reconciled_bounds || other.reconciled_bounds,
        }
    }
}

/// A sum or difference.
#[derive(Clone, Debug, PartialEq)]
pub struct Combined {
    /// The outcome; its buckets are not compacted.
    pub histogram: Histogram,
    /// What is worth saying about it.
    pub notes: CombineNotes,
}

impl Histogram {
    /// Multiplies all counts and the sum. A negative factor makes this a gauge.
    pub fn scale(&mut self, factor: f64) {
        self.each_number(|number| *number *= factor);
        self.no_counter_if(factor < 0.0);
    }

    /// Divides all counts and the sum. A division by zero leaves no buckets; a negative one makes this a gauge.
    pub fn divide(&mut self, by: f64) {
        self.each_number(|number| *number /= by);
        if by == 0.0 {
            self.clear_buckets();
        }
        self.no_counter_if(by < 0.0);
    }

    /// Adds `other`, buckets to buckets.
    ///
    /// # Errors
    /// If one has exponential buckets and the other custom ones.
    pub fn add(&self, other: &Self) -> Result<Combined, Incompatible> {
        let mut histogram = self.clone();
        histogram.add_assign(other).map(|notes| Combined { histogram, notes })
    }

    /// Subtracts `other`, buckets from buckets. The reset hint is that of a sum: it is for the caller to say
    /// that a difference is a gauge.
    ///
    /// # Errors
    /// If one has exponential buckets and the other custom ones.
    pub fn subtract(&self, other: &Self) -> Result<Combined, Incompatible> {
        let mut histogram = self.clone();
        histogram.subtract_assign(other).map(|notes| Combined { histogram, notes })
    }

    /// As [`Histogram::add`], in place.
    ///
    /// # Errors
    /// If one has exponential buckets and the other custom ones; nothing has changed then.
    pub fn add_assign(&mut self, other: &Self) -> Result<CombineNotes, Incompatible> {
        self.combine(other, 1.0)
    }

    /// As [`Histogram::subtract`], in place.
    ///
    /// # Errors
    /// If one has exponential buckets and the other custom ones; nothing has changed then.
    pub fn subtract_assign(&mut self, other: &Self) -> Result<CombineNotes, Incompatible> {
        self.combine(other, -1.0)
    }

    /// Joins buckets until they are those of the coarser `schema`. Custom buckets, and those that are coarse
    /// already, stay as they are.
    pub fn reduce_resolution(&mut self, schema: i32) {
        if !self.uses_custom_buckets() && schema != Self::CUSTOM_BUCKETS {
            self.with_parts(|parts| parts.reduce(schema));
        }
    }

    /// Drops empty buckets, keeping runs of up to `max_empty` of them between populated ones.
    pub fn compact(&mut self, max_empty: usize) {
        self.with_parts(|parts| {
            parts.positive.compact(max_empty);
            parts.negative.compact(max_empty);
        });
    }

    /// Whether any of its numbers is infinite.
    pub fn overflows(&self) -> bool {
        self.numbers().any(f64::is_infinite)
    }

    /// The largest of its numbers, in absolute terms.
    pub(super) fn largest(&self) -> f64 {
        self.numbers().fold(0.0, |largest, number| number.abs().max(largest))
    }

    fn numbers(&self) -> impl Iterator<Item = f64> + '_ {
        let buckets = self.positive_counts.iter().chain(&self.negative_counts).copied();
        [self.zero_count, self.count, self.sum].into_iter().chain(buckets)
    }

    fn each_number(&mut self, mut change: impl FnMut(&mut f64)) {
        change(&mut self.zero_count);
        change(&mut self.count);
        change(&mut self.sum);
        self.positive_counts.iter_mut().for_each(&mut change);
        self.negative_counts.iter_mut().for_each(change);
    }

    fn clear_buckets(&mut self) {
        self.positive_spans.clear();
        self.positive_counts.clear();
        self.negative_spans.clear();
        self.negative_counts.clear();
    }

    const fn no_counter_if(&mut self, negated: bool) {
        if negated {
            self.reset_hint = ResetHint::Gauge;
        }
    }

    fn combine(&mut self, other: &Self, sign: f64) -> Result<CombineNotes, Incompatible> {
        self.with_parts(|parts| parts.absorb(other, sign))
    }

    fn with_parts<T>(&mut self, change: impl FnOnce(&mut Parts<f64>) -> T) -> T {
        let mut parts = Parts::take(mem::take(self));
        let outcome = change(&mut parts);
        *self = parts.into_histogram();
        outcome
    }
}

/// A histogram whose numbers are kept in cells.
#[derive(Clone, Debug)]
pub(super) struct Parts<C> {
    pub(super) schema: i32,
    pub(super) zero_threshold: f64,
    pub(super) zero: C,
    pub(super) count: C,
    pub(super) sum: C,
    pub(super) positive: Side<C>,
    pub(super) negative: Side<C>,
    pub(super) bounds: Vec<f64>,
    pub(super) reset_hint: ResetHint,
}

impl Parts<f64> {
    fn take(histogram: Histogram) -> Self {
        Self {
            schema: histogram.schema,
            zero_threshold: histogram.zero_threshold,
            zero: histogram.zero_count,
            count: histogram.count,
            sum: histogram.sum,
            positive: Side { spans: histogram.positive_spans, cells: histogram.positive_counts },
            negative: Side { spans: histogram.negative_spans, cells: histogram.negative_counts },
            bounds: histogram.bounds,
            reset_hint: histogram.reset_hint,
        }
    }

    fn into_histogram(self) -> Histogram {
        Histogram {
            schema: self.schema,
            zero_threshold: self.zero_threshold,
            zero_count: self.zero,
            count: self.count,
            sum: self.sum,
            positive_spans: self.positive.spans,
            positive_counts: self.positive.cells,
            negative_spans: self.negative.spans,
            negative_counts: self.negative.cells,
            bounds: self.bounds,
            reset_hint: self.reset_hint,
        }
    }
}

impl<C: Cell> Parts<C> {
    pub(super) fn of(histogram: &Histogram, sign: f64) -> Self {
        Self {
            schema: histogram.schema,
            zero_threshold: histogram.zero_threshold,
            zero: C::of(sign * histogram.zero_count),
            count: C::of(sign * histogram.count),
            sum: C::of(sign * histogram.sum),
            positive: Side::of(&histogram.positive_spans, &histogram.positive_counts, sign),
            negative: Side::of(&histogram.negative_spans, &histogram.negative_counts, sign),
            bounds: histogram.bounds.clone(),
            reset_hint: histogram.reset_hint,
        }
    }

    pub(super) fn totals(&self) -> Histogram {
        let values = |side: &Side<C>| side.cells.iter().map(|cell| cell.value()).collect();
        Histogram {
            schema: self.schema,
            zero_threshold: self.zero_threshold,
            zero_count: self.zero.value(),
            count: self.count.value(),
            sum: self.sum.value(),
            positive_spans: self.positive.spans.clone(),
            positive_counts: values(&self.positive),
            negative_spans: self.negative.spans.clone(),
            negative_counts: values(&self.negative),
            bounds: self.bounds.clone(),
            reset_hint: self.reset_hint,
        }
    }

    pub(super) fn each_cell(&mut self, mut change: impl FnMut(&mut C)) {
        change(&mut self.zero);
        change(&mut self.count);
        change(&mut self.sum);
        self.positive.cells.iter_mut().for_each(&mut change);
        self.negative.cells.iter_mut().for_each(change);
    }

    /// Whether `other` has the same kind of buckets.
    pub(super) fn check(&self, other: &Histogram) -> Result<(), Incompatible> {
        let custom = self.schema == Histogram::CUSTOM_BUCKETS;
        if custom == other.uses_custom_buckets() { Ok(()) } else { Err(Incompatible) }
    }

    /// Adds `sign` times `other`.
    pub(super) fn absorb(&mut self, other: &Histogram, sign: f64) -> Result<CombineNotes, Incompatible> {
        self.check(other)?;
        let counter_reset_collision = self.adjust_reset_hint(other.reset_hint);
        self.count.join(C::of(sign * other.count));
        self.sum.join(C::of(sign * other.sum));
        let reconciled_bounds = other.uses_custom_buckets() && self.bounds != other.bounds;
        if reconciled_bounds {
            self.pour_together(other, sign);
        } else {
            self.absorb_buckets(other, sign);
        }
        Ok(CombineNotes { counter_reset_collision, reconciled_bounds })
    }

    fn absorb_buckets(&mut self, other: &Histogram, sign: f64) {
        if self.schema == other.schema && self.zero_threshold == other.zero_threshold {
            let cells = |count: &f64| C::of(sign * count);
            self.zero.join(C::of(sign * other.zero_count));
            self.positive.absorb(&other.positive_spans, other.positive_counts.iter().map(cells));
            self.negative.absorb(&other.negative_spans, other.negative_counts.iter().map(cells));
            return;
        }
        let mut other = Self::of(other, sign);
        self.reconcile_zero_buckets(&mut other);
        self.reduce(other.schema);
        other.reduce(self.schema);
        self.zero.join(other.zero);
        self.positive.absorb(&other.positive.spans, other.positive.cells.into_iter());
        self.negative.absorb(&other.negative.spans, other.negative.cells.into_iter());
    }

    /// Joins buckets until they are those of `schema`, if that is coarser.
    pub(super) fn reduce(&mut self, schema: i32) {
        let steps = i64::from(self.schema) - i64::from(schema);
        if steps > 0 {
            let steps = u32::try_from(steps).unwrap_or(u32::MAX);
            self.positive.reduce(steps);
            self.negative.reduce(steps);
            self.schema = schema;
        }
    }

    /// Gives both the same zero bucket: the smallest that covers both and cuts through no populated bucket.
    fn reconcile_zero_buckets(&mut self, other: &mut Self) {
        // Each round ends at a bound of a bucket further out; NaN thresholds are left alone.
        loop {
            if self.zero_threshold < other.zero_threshold {
                self.widen_zero_bucket(other.zero_threshold);
            } else if other.zero_threshold < self.zero_threshold {
                other.widen_zero_bucket(self.zero_threshold);
            } else {
                return;
            }
        }
    }

    /// Widens the zero bucket to `threshold`, and on to the end of the populated bucket it falls into.
    pub(super) fn widen_zero_bucket(&mut self, threshold: f64) {
        let positive = self.positive.end_of_bucket_around(threshold, self.schema);
        let negative = self.negative.end_of_bucket_around(threshold, self.schema);
        let threshold = positive.or(negative).unwrap_or(threshold);
        self.zero.join(self.positive.split_off_below(threshold, self.schema));
        self.zero.join(self.negative.split_off_below(threshold, self.schema));
        self.zero_threshold = threshold;
    }

    /// Adds custom buckets with other bounds: both are poured into buckets with the bounds that both have.
    fn pour_together(&mut self, other: &Histogram, sign: f64) {
        let common = common_bounds(&self.bounds, &other.bounds);
        let mut cells = vec![C::default(); common.len() + 1];
        self.positive.pour(&self.bounds, &common, &mut cells);
        Side::of(&other.positive_spans, &other.positive_counts, sign).pour(
            &other.bounds,
            &common,
            &mut cells,
        );
        self.positive = Side::from_dense(&cells);
        self.bounds = common;
    }

    /// Whether the hints contradict each other.
    fn adjust_reset_hint(&mut self, other: ResetHint) -> bool {
        let (hint, collision) = match (self.reset_hint, other) {
            (ResetHint::Gauge, _) | (_, ResetHint::Gauge) => (ResetHint::Gauge, false),
            (mine, theirs) if mine == theirs => (mine, false),
            (ResetHint::Unknown, _) | (_, ResetHint::Unknown) => (ResetHint::Unknown, false),
            _ => (ResetHint::Unknown, true),
        };
        self.reset_hint = hint;
        collision
    }
}

/// The bounds that are in both of two rising lists.
pub(super) fn common_bounds(a: &[f64], b: &[f64]) -> Vec<f64> {
    let mut rest = b;
    let mut common = Vec::with_capacity(a.len().min(b.len()));
    for bound in a {
        rest = &rest[rest.partition_point(|other| other < bound)..];
        if rest.first() == Some(bound) {
            common.push(*bound);
        }
    }
    common
}
