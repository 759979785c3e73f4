//! Functions of neighbouring samples: `irate`, `idelta`, `changes`, `resets`.

use std::sync::Arc;

use assurance_metrics_model::{Histogram, ResetHint, Timestamp, Value};

use super::rate::apply;
use super::{Notes, Window};
use crate::annotations::Combining;
use crate::numbers::as_float;
use crate::select::RangeSeries;

/// Whether a gauge changed; NaN is the same as NaN.
pub(super) fn changed(before: f64, after: f64) -> bool {
    #[expect(clippy::float_cmp, reason = "any difference is a change")]
    let different = before != after;
    different && !(before.is_nan() && after.is_nan())
}

/// A sample of either kind.
#[derive(Clone, Copy)]
enum Sample<'a> {
    Float(f64),
    Histogram(&'a Arc<Histogram>),
}

/// The samples of a window, either kind, oldest first.
fn samples<'a>(series: &RangeSeries<'a>, at: &Window) -> Vec<(Timestamp, Sample<'a>)> {
    let floats = series.floats.slice(at.floats.0, at.floats.1);
    let histograms = series.histograms.slice(at.histograms.0, at.histograms.1);
    let floats = floats.times.iter().zip(floats.values).map(|(at, v)| (*at, Sample::Float(*v)));
    let histograms =
        histograms.times.iter().zip(histograms.values).map(|(at, h)| (*at, Sample::Histogram(h)));
    let mut samples: Vec<(Timestamp, Sample<'_>)> = floats.chain(histograms).collect();
    samples.sort_by_key(|(at, _)| *at);
    samples
}

/// `irate` and `idelta`: between the last two samples.
pub(super) fn last_two(
    series: &RangeSeries<'_>,
    at: &Window,
    counter: bool,
    notes: &mut Notes<'_>,
) -> Option<Value> {
    if at.floats() + at.histograms() < 2 {
        return None;
    }
    // Of either kind the last two are enough.
    let near = Window {
        floats: (at.floats.1 - at.floats().min(2), at.floats.1),
        histograms: (at.histograms.1 - at.histograms().min(2), at.histograms.1),
        ..*at
    };
    let samples = samples(series, &near);
    let [.., (earlier, before), (later, last)] = samples.as_slice() else { return None };
    let seconds = (*later - *earlier).as_secs_f64();
    match (before, last) {
        (Sample::Float(before), Sample::Float(last)) => {
            let change = if counter && last < before { *last } else { last - before };
            Some(Value::Float(if counter { change / seconds } else { change }))
        }
        (Sample::Histogram(before), Sample::Histogram(last)) => {
            let gauges = [before, last].iter().filter(|h| h.reset_hint == ResetHint::Gauge).count();
            if counter && gauges > 0 {
                notes.annotations.not_a_counter(notes.metric, notes.span);
            }
            if !counter && gauges < 2 {
                notes.annotations.not_a_gauge(notes.metric, notes.span);
            }
            let mut change = (***last).clone();
            if !(counter && last.detect_reset(before)) {
                change = apply(change, before, Combining::Subtraction, notes)?;
            }
            change.reset_hint = ResetHint::Gauge;
            change.compact(0);
            if counter {
                change.divide(seconds);
            }
            Some(Value::Histogram(Arc::new(change)))
        }
        _ => {
            notes.annotations.mixed_in_range(notes.metric, notes.span);
            None
        }
    }
}

/// `changes` and `resets` where histograms are among the samples, or the window is anchored.
pub(super) fn between_any(
    series: &RangeSeries<'_>,
    at: &Window,
    resets: bool,
    anchored: bool,
) -> Option<f64> {
    let mut samples = samples(series, at);
    if anchored {
        // The anchor is the last sample at or before the window's start; without one inside, nothing happens.
        let inside = samples.partition_point(|(time, _)| *time <= at.range.after);
        if inside == samples.len() {
            return None;
        }
        samples.drain(..inside.saturating_sub(1));
    }
    let happens = |pair: &&[(Timestamp, Sample<'_>)]| match (pair[0].1, pair[1].1) {
        (Sample::Float(before), Sample::Float(after)) if resets => after < before,
        (Sample::Float(before), Sample::Float(after)) => changed(before, after),
        (Sample::Histogram(before), Sample::Histogram(after)) if resets => after.detect_reset(before),
        (Sample::Histogram(before), Sample::Histogram(after)) => !after.same_value(before),
        _ => true,
    };
    Some(as_float(samples.windows(2).filter(happens).count()))
}
