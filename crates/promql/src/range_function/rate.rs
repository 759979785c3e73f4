//! `rate`, `increase` and `delta`: the change over a window, extended from its samples to its ends.

use std::sync::Arc;

use assurance_metrics_model::{Duration, Histogram, ResetHint, TimeRange, Timestamp, Value};

use super::{Notes, Window};
use crate::annotations::Combining;
use crate::function::RangeFunction;
use crate::numbers::as_float;
use crate::select::{RangeSeries, Samples};

/// More resets in one window are summed by their running total, so that a window does not cost its resets.
const RESETS_TO_SUM: usize = 32;

/// What the three functions keep of a series.
pub(crate) struct Rates<'a> {
    pub(super) series: RangeSeries<'a>,
    pub(super) counter: bool,
    extension: Extension,
    resets: Resets,
    histograms: Traits,
}

/// Where a counter falls: the index of the lower value, the value before, and the running total of those.
pub(super) struct Resets {
    at: Vec<usize>,
    before: Vec<f64>,
    total: Vec<f64>,
}

impl Resets {
    fn of(values: &[f64]) -> Self {
        // Most counters never fall: a loop without an exit finds that out several at a time.
        if !values.windows(2).fold(false, |falls, pair| falls | (pair[1] < pair[0])) {
            return Self::at(std::iter::empty());
        }
        let falls = values.windows(2).enumerate().filter(|(_, pair)| pair[1] < pair[0]);
        Self::at(falls.map(|(at, pair)| (at + 1, pair[0])))
    }

    /// From where they are, rising, and the values before.
    pub(super) fn at(falls: impl Iterator<Item = (usize, f64)>) -> Self {
        let mut resets = Self { at: Vec::new(), before: Vec::new(), total: vec![0.0] };
        let mut total = 0.0;
        for (at, before) in falls {
            total += before;
            resets.at.push(at);
            resets.before.push(before);
            resets.total.push(total);
        }
        resets
    }

    /// What resets add to the change over the samples `from..to`. A reset at the first of them lies before it.
    pub(super) fn between(&self, from: usize, to: usize) -> impl Iterator<Item = f64> + '_ {
        let first = self.at.partition_point(|at| *at <= from);
        let last = self.at.partition_point(|at| *at < to).max(first);
        let many = last - first > RESETS_TO_SUM;
        let total = many.then(|| self.total[last] - self.total[first]);
        let each = if many { &[] } else { &self.before[first..last] };
        each.iter().copied().chain(total)
    }
}

/// What is true of the histograms of a series up to each of them, counted once.
#[derive(Default)]
struct Traits {
    /// Where each histogram starts anew, by comparison with the one before.
    reset: Vec<bool>,
    gauges: Vec<u32>,
    custom: Vec<u32>,
}

impl Traits {
    fn of(histograms: Samples<'_, Arc<Histogram>>, counter: bool) -> Self {
        let mut traits = Self::default();
        let (mut gauges, mut custom) = (0_u32, 0_u32);
        for (at, histogram) in histograms.values.iter().enumerate() {
            traits.gauges.push(gauges);
            traits.custom.push(custom);
            gauges += u32::from(histogram.reset_hint == ResetHint::Gauge);
            custom += u32::from(histogram.uses_custom_buckets());
            let reset = counter && at > 0 && histogram.detect_reset(&histograms.values[at - 1]);
            traits.reset.push(reset);
        }
        traits.gauges.push(gauges);
        traits.custom.push(custom);
        traits
    }

    fn gauges(&self, from: usize, to: usize) -> usize {
        (self.gauges[to] - self.gauges[from]) as usize
    }

    fn custom(&self, from: usize, to: usize) -> usize {
        (self.custom[to] - self.custom[from]) as usize
    }
}

/// The change between the first and the last sample, and what extending it needs to know.
pub(super) struct Change {
    /// Of the first and the last sample.
    pub(super) times: (Timestamp, Timestamp),
    /// How many samples.
    pub(super) count: f64,
    /// First value and change, as numbers: for histograms their counts.
    pub(super) first: f64,
    pub(super) change: f64,
}

impl Change {
    fn of(times: &[Timestamp], first: f64, change: f64) -> Self {
        let count = as_float(times.len());
        Self { times: (times[0], times[times.len() - 1]), count, first, change }
    }
}

/// How a change between samples becomes that over a range.
#[derive(Clone, Copy)]
pub(super) struct Extension {
    pub(super) counter: bool,
    per_second: bool,
}

impl Extension {
    pub(super) fn of(function: RangeFunction) -> Self {
        let counter = function != RangeFunction::Delta;
        Self { counter, per_second: function == RangeFunction::Rate }
    }

    /// By what it is multiplied: to the range's ends where samples come near them, by half a distance between
    /// samples where they stop short, and for counters not below zero.
    pub(super) fn factor(self, change: &Change, range: TimeRange) -> f64 {
        let (first, last) = change.times;
        // In milliseconds: their ratios are what counts, and a division costs more than all the rest.
        let mut to_start = millis(first - range.after);
        let mut to_end = millis(range.until - last);
        let sampled = millis(last - first);
        let average = sampled / (change.count - 1.0);
        let threshold = average * 1.1;
        if to_start >= threshold {
            to_start = average / 2.0;
        }
        if self.counter && change.change > 0.0 && change.first >= 0.0 {
            let to_zero = sampled * (change.first / change.change);
            if to_zero < to_start {
                to_start = to_zero;
            }
        }
        if to_end >= threshold {
            to_end = average / 2.0;
        }
        let mut factor = (sampled + to_start + to_end) / sampled;
        if self.per_second {
            factor /= (range.until - range.after).as_secs_f64();
        }
        factor
    }
}

impl<'a> Rates<'a> {
    pub(super) fn new(series: RangeSeries<'a>, function: RangeFunction) -> Self {
        let extension = Extension::of(function);
        let counter = extension.counter;
        let values: &[f64] = if counter { series.floats.values } else { &[] };
        Self {
            series,
            counter,
            extension,
            resets: Resets::of(values),
            histograms: Traits::of(series.histograms, counter),
        }
    }

    /// The change over the window's whole range (Prometheus `extrapolatedRate`).
    pub(super) fn extrapolated(&self, at: &Window, notes: &mut Notes<'_>) -> Option<Value> {
        if at.floats() > 0 && at.histograms() > 0 {
            notes.annotations.mixed_in_range(notes.metric, notes.span);
            return None;
        }
        if at.histograms() > 1 {
            let mut histogram = self.between_histograms(at.histograms, notes)?;
            let samples = self.series.histograms.slice(at.histograms.0, at.histograms.1);
            let change = Change::of(samples.times, samples.values[0].count, histogram.count);
            histogram.scale(self.extension.factor(&change, at.range));
            return Some(Value::Histogram(Arc::new(histogram)));
        }
        if at.floats() < 2 {
            return None;
        }
        let (from, to) = at.floats;
        let samples = self.series.floats.slice(from, to);
        let first = samples.values[0];
        let mut change = samples.values[samples.len() - 1] - first;
        if self.counter {
            for before in self.resets.between(from, to) {
                change += before;
            }
        }
        let factor = self.extension.factor(&Change::of(samples.times, first, change), at.range);
        Some(Value::Float(change * factor))
    }

    /// The change from the first histogram of a window to the last, resets taken into account.
    fn between_histograms(&self, window: (usize, usize), notes: &mut Notes<'_>) -> Option<Histogram> {
        let (from, to) = window;
        let all = self.series.histograms.values;
        let last = &all[to - 1];
        let mut from_compared = from;
        // After a reset between the first two, the first one's layout does not matter.
        let mut before = Arc::clone(&all[from]);
        if self.counter && self.histograms.reset[from + 1] {
            let second = &all[from + 1];
            before = Arc::new(Histogram {
                schema: second.schema,
                bounds: second.bounds.clone(),
                ..Histogram::default()
            });
            from_compared += 1;
        }
        let inner = if self.counter { from_compared..to } else { to - 1..to };
        let custom = self.histograms.custom(inner.start, inner.end);
        let custom = custom
            + usize::from(from_compared == from && !self.counter) * usize::from(before.uses_custom_buckets());
        let compared = inner.len() + usize::from(from_compared == from && !self.counter);
        if custom != 0 && custom != compared {
            notes.annotations.exponential_and_custom(notes.metric, notes.span);
            return None;
        }
        if self.counter && self.histograms.gauges(from, to) > 0 {
            notes.annotations.not_a_counter(notes.metric, notes.span);
        }
        if !self.counter && (all[from].reset_hint != ResetHint::Gauge || last.reset_hint != ResetHint::Gauge)
        {
            notes.annotations.not_a_gauge(notes.metric, notes.span);
        }
        let mut change = (**last).clone();
        if self.counter && custom == 0 {
            let lowest = all[from_compared..to].iter().map(|h| h.schema).min().unwrap_or(last.schema);
            change.reduce_resolution(lowest.min(before.schema));
        }
        let mut change = apply(change, &before, Combining::Subtraction, notes)?;
        if self.counter {
            for at in (from + 1..to).filter(|at| self.histograms.reset[*at]) {
                let before = if at == from + 1 { &before } else { &all[at - 1] };
                change = apply(change, before, Combining::Addition, notes)?;
            }
        }
        change.reset_hint = ResetHint::Gauge;
        change.compact(0);
        Some(change)
    }

    pub(super) fn per_second(&self, range: TimeRange) -> Option<f64> {
        self.extension.per_second.then(|| (range.until - range.after).as_secs_f64())
    }
}

#[expect(clippy::cast_precision_loss, reason = "exact for spans of 285,000 years")]
fn millis(span: Duration) -> f64 {
    span.as_millis() as f64
}

/// Adds or subtracts, and says where bounds had to be reconciled; `None`, and why, where the two do not go
/// together. Resets on the way are the caller's to judge.
pub(super) fn apply(
    mut left: Histogram,
    right: &Histogram,
    combining: Combining,
    notes: &mut Notes<'_>,
) -> Option<Histogram> {
    let combined = if combining == Combining::Subtraction {
        left.subtract_assign(right)
    } else {
        left.add_assign(right)
    };
    let Ok(combined) = combined else {
        notes.annotations.exponential_and_custom(notes.metric, notes.span);
        return None;
    };
    if combined.reconciled_bounds {
        notes.annotations.reconciled(combining, notes.span);
    }
    Some(left)
}
