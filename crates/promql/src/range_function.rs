//! Functions of a range of samples: `rate`, `increase`, the `_over_time` family and their kin.

use assurance_metrics_model::{Duration, METRIC_NAME, Timestamp};

use crate::ast::Expr;
use crate::error::EvalError;
use crate::eval::{Evaluator, Line, Steps};
use crate::function::RangeFunction;
use crate::numbers::{Mean, Sum, Variance, as_float, nan_first, quantile, regression};
use crate::select::{Pinned, Samples};

/// Scalar parameters of a function, one a step.
#[derive(Debug, Default)]
struct Params {
    first: Vec<f64>,
    second: Vec<f64>,
}

/// The samples before one step.
struct Window<'a> {
    times: &'a [Timestamp],
    values: &'a [f64],
    /// The window itself, left-open.
    after: Timestamp,
    until: Timestamp,
    /// The step's own time, whatever the offset.
    now: Timestamp,
    /// For counters: the value before each reset inside the window, in order.
    resets: &'a [(usize, f64)],
}

impl Evaluator<'_> {
    pub(crate) fn range_function(
        &mut self,
        function: RangeFunction,
        args: &[Expr],
        steps: &Steps,
    ) -> Result<Vec<Line>, EvalError> {
        let mut params = Params::default();
        let matrix = match (function, args) {
            (RangeFunction::Quantile, [q, matrix]) => {
                params.first = self.eval_scalar(q, steps)?;
                for q in &params.first {
                    if !(0.0..=1.0).contains(q) {
                        self.warnings.insert(format!(
                            "PromQL warning: quantile value should be between 0 and 1, got {}",
                            assurance_metrics_model::format_float(*q)
                        ));
                    }
                }
                matrix
            }
            (_, [matrix, rest @ ..]) => {
                if function == RangeFunction::PredictLinear
                    || function == RangeFunction::DoubleExponentialSmoothing
                {
                    // Parameters stand after the range, but cost nothing to know before; selectors inside them
                    // are counted in the order of the text all the same.
                    return self.with_later_params(function, matrix, rest, steps);
                }
                matrix
            }
            (_, []) => return Err(EvalError::Parameter { message: "expected a range vector".to_owned() }),
        };
        self.windows(function, matrix, &params, steps)
    }

    fn with_later_params(
        &mut self,
        function: RangeFunction,
        matrix: &Expr,
        rest: &[Expr],
        steps: &Steps,
    ) -> Result<Vec<Line>, EvalError> {
        let before = self.selected.len();
        let mut params = Params::default();
        if let Some(first) = rest.first() {
            params.first = self.eval_scalar(first, steps)?;
        }
        if let Some(second) = rest.get(1) {
            params.second = self.eval_scalar(second, steps)?;
        }
        if function == RangeFunction::DoubleExponentialSmoothing {
            for (what, factors) in [("smoothing", &params.first), ("trend", &params.second)] {
                if let Some(bad) = factors.iter().find(|f| !(**f > 0.0 && **f < 1.0)) {
                    let letter = if what == "smoothing" { "sf" } else { "tf" };
                    let message = format!("invalid {what} factor. Expected: 0 < {letter} < 1, got: {bad:.6}");
                    return Err(EvalError::Parameter { message });
                }
            }
        }
        let of_params = self.selected.split_off(before);
        let lines = self.windows(function, matrix, &params, steps)?;
        self.selected.extend(of_params);
        Ok(lines)
    }

    fn windows(
        &mut self,
        function: RangeFunction,
        matrix: &Expr,
        params: &Params,
        steps: &Steps,
    ) -> Result<Vec<Line>, EvalError> {
        let pinned = Pinned::of_matrix(matrix, self.bounds);
        let keeps_name = matches!(function, RangeFunction::Last | RangeFunction::First);
        let counts = matches!(function, RangeFunction::Rate | RangeFunction::Increase);
        let mut lines = Vec::new();
        let mut not_counters = Vec::new();
        self.each_series(matrix, steps, "a range function", &mut |series| {
            let resets = if counts { resets_of(series.values) } else { Vec::new() };
            let mut line = Line::absent(series.labels.clone(), series.drop_name || !keeps_name, steps.count);
            let (mut from, mut to) = (0, 0);
            for step in 0..steps.count {
                let now = steps.at(step);
                let window = pinned.window(now);
                if !(pinned.is_fixed() && step > 0) {
                    from += series.times[from..].iter().take_while(|at| **at <= window.after).count();
                    to = to.max(from);
                    to += series.times[to..].iter().take_while(|at| **at <= window.until).count();
                }
                if from == to {
                    continue;
                }
                let value =
                    evaluate(function, params, step, &window_of(&series, &resets, from, to, window, now));
                if let Some(value) = value {
                    line.set(step, value);
                }
            }
            if counts && !line.is_empty() {
                not_counters.extend(unlike_a_counter(&series));
            }
            if !line.is_empty() {
                lines.push(line);
            }
            Ok(())
        })?;
        self.infos.extend(not_counters);
        Ok(lines)
    }
}

fn window_of<'a>(
    series: &Samples<'a>,
    resets: &'a [(usize, f64)],
    from: usize,
    to: usize,
    window: assurance_metrics_model::TimeRange,
    now: Timestamp,
) -> Window<'a> {
    // A reset at the window's first sample lies between it and a sample outside.
    let (first, last) =
        (resets.partition_point(|(at, _)| *at <= from), resets.partition_point(|(at, _)| *at < to));
    Window {
        times: &series.times[from..to],
        values: &series.values[from..to],
        after: window.after,
        until: window.until,
        now,
        resets: &resets[first.min(last)..last],
    }
}

/// Where a counter falls: the index of the lower value, and the value before it.
fn resets_of(values: &[f64]) -> Vec<(usize, f64)> {
    values
        .windows(2)
        .enumerate()
        .filter(|(_, pair)| pair[1] < pair[0])
        .map(|(at, pair)| (at + 1, pair[0]))
        .collect()
}

fn unlike_a_counter(series: &Samples<'_>) -> Option<String> {
    let name = series.labels.get(METRIC_NAME)?;
    let usual = ["_total", "_sum", "_count", "_bucket"].iter().any(|suffix| name.ends_with(suffix));
    (!usual).then(|| {
        format!(
            "PromQL info: metric might not be a counter, name does not end in _total/_sum/_count/_bucket: {name:?}"
        )
    })
}

fn evaluate(function: RangeFunction, params: &Params, step: usize, window: &Window<'_>) -> Option<f64> {
    let values = window.values;
    let (first, last) = (values[0], values[values.len() - 1]);
    let seconds = |index: usize| window.times[index].as_secs_f64();
    Some(match function {
        RangeFunction::Avg => {
            let mut mean = Mean::default();
            values.iter().for_each(|v| mean.add(*v));
            mean.mean()
        }
        RangeFunction::Sum => {
            let mut sum = Sum::default();
            values.iter().for_each(|v| sum.add(*v));
            sum.total()
        }
        RangeFunction::Min => {
            values.iter().copied().fold(f64::NAN, |a, b| if b < a || a.is_nan() { b } else { a })
        }
        RangeFunction::Max => {
            values.iter().copied().fold(f64::NAN, |a, b| if b > a || a.is_nan() { b } else { a })
        }
        RangeFunction::Count => as_float(values.len()),
        RangeFunction::Present => 1.0,
        RangeFunction::First => first,
        RangeFunction::Last => last,
        RangeFunction::Stddev => variance(values).sqrt(),
        RangeFunction::Stdvar => variance(values),
        RangeFunction::Quantile => quantile(params.first[step], &mut values.to_vec()),
        RangeFunction::Mad => {
            let median = quantile(0.5, &mut values.to_vec());
            quantile(0.5, &mut values.iter().map(|v| (v - median).abs()).collect::<Vec<_>>())
        }
        RangeFunction::Changes => {
            let changed = |pair: &&[f64]| pair[0] != pair[1] && !(pair[0].is_nan() && pair[1].is_nan());
            as_float(values.windows(2).filter(changed).count())
        }
        RangeFunction::Resets => as_float(values.windows(2).filter(|pair| pair[1] < pair[0]).count()),
        RangeFunction::Rate => {
            let (change, factor) = extrapolated(window, true)?;
            // In this order, so that the last bit is Prometheus's too.
            change * (factor / (window.until - window.after).as_secs_f64())
        }
        RangeFunction::Increase | RangeFunction::Delta => {
            let (change, factor) = extrapolated(window, function == RangeFunction::Increase)?;
            change * factor
        }
        RangeFunction::Irate | RangeFunction::Idelta => {
            let [.., before, last] = values else { return None };
            let counter = function == RangeFunction::Irate;
            let change = if counter && last < before { *last } else { last - before };
            if !counter {
                return Some(change);
            }
            let [.., earlier, later] = window.times else { return None };
            change / (*later - *earlier).as_secs_f64()
        }
        RangeFunction::Deriv => {
            if values.len() < 2 {
                return None;
            }
            regression(window.times, values, window.times[0]).0
        }
        RangeFunction::PredictLinear => {
            if values.len() < 2 {
                return None;
            }
            let (slope, intercept) = regression(window.times, values, window.now);
            slope * params.first[step] + intercept
        }
        RangeFunction::DoubleExponentialSmoothing => {
            smoothed(values, params.first[step], params.second[step])?
        }
        RangeFunction::TsOfFirst => seconds(0),
        RangeFunction::TsOfLast => seconds(values.len() - 1),
        RangeFunction::TsOfMax => seconds(extreme(values, |a, b| a >= b)),
        RangeFunction::TsOfMin => seconds(extreme(values, |a, b| a <= b)),
    })
}

/// The index of the last value that no other beats; NaN loses against all.
fn extreme(values: &[f64], beats: impl Fn(f64, f64) -> bool) -> usize {
    (1..values.len())
        .fold(0, |best, at| if beats(values[at], values[best]) || values[best].is_nan() { at } else { best })
}

fn variance(values: &[f64]) -> f64 {
    let mut variance = Variance::default();
    values.iter().for_each(|v| variance.add(*v));
    variance.variance()
}

/// The change over the whole window, as Prometheus extends it from the samples to the window's ends: half the
/// average distance between samples where they stop short, and for counters not below zero. Gives the change
/// between the samples, and the factor that extends it.
fn extrapolated(window: &Window<'_>, counter: bool) -> Option<(f64, f64)> {
    let (values, times) = (window.values, window.times);
    if values.len() < 2 {
        return None;
    }
    let (first, last) = (values[0], values[values.len() - 1]);
    let mut change = last - first;
    for (_, before) in window.resets {
        change += before;
    }
    let secs = |span: Duration| span.as_secs_f64();
    let mut to_start = secs(times[0] - window.after);
    let mut to_end = secs(window.until - times[times.len() - 1]);
    let sampled = secs(times[times.len() - 1] - times[0]);
    let average = sampled / as_float(values.len() - 1);
    let threshold = average * 1.1;
    if to_start >= threshold {
        to_start = average / 2.0;
    }
    if counter && change > 0.0 && first >= 0.0 {
        let to_zero = sampled * (first / change);
        to_start = to_start.min(to_zero);
    }
    if to_end >= threshold {
        to_end = average / 2.0;
    }
    Some((change, (sampled + to_start + to_end) / sampled))
}

/// Holt's double exponential smoothing.
fn smoothed(values: &[f64], smoothing: f64, trend_factor: f64) -> Option<f64> {
    if values.len() < 2 {
        return None;
    }
    let (mut before, mut current) = (0.0, values[0]);
    let mut trend = values[1] - values[0];
    for (at, value) in values.iter().enumerate().skip(1) {
        if at > 1 {
            trend = trend_factor * (current - before) + (1.0 - trend_factor) * trend;
        }
        let next = smoothing * value + (1.0 - smoothing) * (current + trend);
        before = current;
        current = next;
    }
    Some(current)
}

/// Sorts `lines` for `sort` and `sort_desc`: NaN last either way.
pub(crate) fn by_value(a: f64, b: f64, descending: bool) -> std::cmp::Ordering {
    match (a.is_nan(), b.is_nan()) {
        (false, false) if descending => nan_first(b, a),
        (false, false) => nan_first(a, b),
        (a, b) => a.cmp(&b),
    }
}
