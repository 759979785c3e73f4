//! `anchored` and `smoothed` ranges: their ends are values, known or interpolated, instead of extrapolated.

use std::sync::Arc;

use assurance_metrics_model::{Histogram, ResetHint, TimeRange, Timestamp, Value};

use super::rate::{Rates, apply};
use super::{Notes, Window};
use crate::annotations::Combining;
use crate::ast::RangeEnds;
use crate::combining::between as between_histograms;
use crate::select::{RangeSeries, Samples, Windows};

/// The samples that a window is computed from: the last one at or before its start, and up to its end or, if
/// smoothed, one further.
fn around<'a, T>(samples: Samples<'a, T>, window: TimeRange, smoothed: bool) -> Option<Samples<'a, T>> {
    let first = samples.until(window.after).saturating_sub(1);
    let mut last = samples.len().checked_sub(1)?;
    if smoothed {
        last = last.min(samples.times.partition_point(|at| *at < window.until));
    }
    let inside = samples.times[last] > window.after;
    let begins = !smoothed || samples.times[first] <= window.until;
    (inside && begins && first <= last).then(|| samples.slice(first, last + 1))
}

fn share(from: Timestamp, to: Timestamp, at: Timestamp) -> f64 {
    (at - from).as_secs_f64() / (to - from).as_secs_f64()
}

/// The value at `at` on the line between two samples; after a reset a counter began at zero.
fn between(samples: Samples<'_, f64>, first: usize, at: Timestamp, counter: bool) -> f64 {
    let (mut before, after) = (samples.values[first], samples.values[first + 1]);
    if counter && after < before {
        before = 0.0;
    }
    let (from, to) = (samples.times[first], samples.times[first + 1]);
    before + (after - before) * (at - from).as_secs_f64() / (to - from).as_secs_f64()
}

/// The values at the start and the end of a window.
fn ends(samples: Samples<'_, f64>, window: TimeRange, smoothed: bool, counter: bool) -> (f64, f64) {
    let last = samples.len() - 1;
    let left = if smoothed && samples.times[0] < window.after && last > 0 {
        between(samples, 0, window.after, counter)
    } else {
        samples.values[0]
    };
    let right = if smoothed && last > 0 && samples.times[last] > window.until {
        between(samples, last - 1, window.until, counter)
    } else {
        samples.values[last]
    };
    (left, right)
}

impl Rates<'_> {
    /// The change from the value at the window's start to that at its end.
    pub(super) fn extended(&self, at: &Window, windows: &Windows, notes: &mut Notes<'_>) -> Option<Value> {
        let smoothed = windows.ends == Some(RangeEnds::Smoothed);
        if at.floats() > 0 && at.histograms() > 0 {
            notes.annotations.mixed_in_range(notes.metric, notes.span);
            return None;
        }
        if at.histograms() > 0 {
            let samples = self.series.histograms.slice(at.histograms.0, at.histograms.1);
            let samples = around(samples, at.range, smoothed)?;
            let mut change = self.between_ends(samples, at.range, smoothed, notes)?;
            if let Some(seconds) = self.per_second(at.range) {
                change.divide(seconds);
            }
            change.reset_hint = ResetHint::Gauge;
            change.compact(0);
            return Some(Value::Histogram(Arc::new(change)));
        }
        let samples = around(self.series.floats.slice(at.floats.0, at.floats.1), at.range, smoothed)?;
        let (left, right) = ends(samples, at.range, smoothed, self.counter);
        let mut change = right - left;
        if self.counter {
            // The ends have dealt with resets at the ends.
            let inner = samples.times.iter().zip(samples.values);
            let inner = inner.filter(|(time, _)| **time > at.range.after && **time < at.range.until);
            let mut before = left;
            for value in inner.map(|(_, value)| *value).chain([right]) {
                if value < before {
                    change += before;
                }
                before = value;
            }
        }
        Some(Value::Float(match self.per_second(at.range) {
            Some(seconds) => change / seconds,
            None => change,
        }))
    }

    fn between_ends(
        &self,
        samples: Samples<'_, Arc<Histogram>>,
        window: TimeRange,
        smoothed: bool,
        notes: &mut Notes<'_>,
    ) -> Option<Histogram> {
        let all = samples.values;
        let custom = all.iter().filter(|h| h.uses_custom_buckets()).count();
        if custom != 0 && custom != all.len() {
            notes.annotations.exponential_and_custom(notes.metric, notes.span);
            return None;
        }
        if self.counter && all.iter().any(|h| h.reset_hint == ResetHint::Gauge) {
            notes.annotations.not_a_counter(notes.metric, notes.span);
        }
        let last = all.len() - 1;
        let starts_between = smoothed && samples.times[0] < window.after && last > 0;
        let left = if starts_between {
            self.interpolated(samples, 0, window.after, notes)?
        } else {
            (*all[0]).clone()
        };
        let right = if smoothed && last > 0 && samples.times[last] > window.until {
            self.interpolated(samples, last - 1, window.until, notes)?
        } else {
            (*all[last]).clone()
        };
        let gauge = |h: &Histogram| h.reset_hint == ResetHint::Gauge;
        let gauges = gauge(&left) && gauge(&right);
        if !self.counter && !gauges {
            notes.annotations.not_a_gauge(notes.metric, notes.span);
        }
        let mut change = apply(right.clone(), &left, Combining::Subtraction, notes)?;
        if !self.counter {
            return Some(change);
        }
        let (mut before, mut first) = (&left, 1);
        if starts_between && all[1].detect_reset(&all[0]) {
            // That reset lies before the window's start.
            (before, first) = (&all[1], 2);
        }
        if first > last {
            return Some(change);
        }
        let mut correction: Option<Histogram> = None;
        for after in all[first..last].iter().map(|h| &**h).chain([&right]) {
            if after.detect_reset(before) {
                correction = Some(match correction {
                    None => before.clone(),
                    Some(sum) => apply(sum, before, Combining::Addition, notes)?,
                });
            }
            before = after;
        }
        if let Some(correction) = correction {
            change = apply(change, &correction, Combining::Addition, notes)?;
        }
        Some(change)
    }

    /// The histogram at `at`, between two samples; after a reset a counter began empty.
    fn interpolated(
        &self,
        samples: Samples<'_, Arc<Histogram>>,
        first: usize,
        at: Timestamp,
        notes: &mut Notes<'_>,
    ) -> Option<Histogram> {
        let (before, after) = (&samples.values[first], &samples.values[first + 1]);
        let (from, to) = (samples.times[first], samples.times[first + 1]);
        if at == from {
            return Some((**before).clone());
        }
        if at == to {
            return Some((**after).clone());
        }
        let Ok(between) = between_histograms(before, after, share(from, to, at), self.counter) else {
            notes.annotations.exponential_and_custom(notes.metric, notes.span);
            return None;
        };
        let (subtracted, added) = between.reconciled;
        for (combining, reconciled) in [(Combining::Subtraction, subtracted), (Combining::Addition, added)] {
            if reconciled {
                notes.annotations.reconciled(combining, notes.span);
            }
        }
        Some(between.histogram)
    }
}

/// A completed range as a result by itself: its inner samples between the values at its ends.
pub(crate) fn boundaries(
    series: &RangeSeries<'_>,
    windows: &Windows,
    window: TimeRange,
) -> Vec<(Timestamp, Value)> {
    let smoothed = windows.ends == Some(RangeEnds::Smoothed);
    let mut out = Vec::new();
    if let Some(samples) = around(series.floats, window, smoothed) {
        let (left, right) = ends(samples, window, smoothed, false);
        out.push((window.after, Value::Float(left)));
        let inner = samples.iter().filter(|(at, _)| *at > window.after && *at < window.until);
        out.extend(inner.map(|(at, value)| (at, Value::Float(value))));
        out.push((window.until, Value::Float(right)));
    }
    out
}
