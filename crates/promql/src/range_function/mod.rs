//! Functions of a range of samples: `rate`, `increase`, the `_over_time` family and their kin.

mod change;
mod extended;
mod outlined;
mod rate;
mod slide;

use std::sync::Arc;

use assurance_metrics_model::{Histogram, TimeRange, Timestamp, Value, extremes, whole_sum};

use crate::annotations::{Annotations, Combining};
use crate::ast::{Expr, Span};
use crate::combining::{Aggregated, HistogramSum};
use crate::error::EvalError;
use crate::eval::Evaluator;
use crate::function::RangeFunction;
use crate::line::{Line, Steps};
use crate::numbers::{Sum, Variance, as_float, nan_first, quantile, regression};
use crate::select::{RangeSeries, Samples, Windows, first_after};

pub(crate) use extended::boundaries;
use outlined::{Outlined, Plan};
use rate::Rates;
use slide::{Anew, Counts, Deviations, Extremes, Means, Moments, Ordered, Queue, Slide, Trend};

/// Windows that overlap less than this often are computed anew each.
const WORTH_SLIDING: i64 = 4;

/// Scalar parameters of a function, one a step.
#[derive(Debug, Default)]
struct Params {
    first: Vec<f64>,
    second: Vec<f64>,
}

/// What a function knows at one step: which samples of either kind, and where.
#[derive(Clone, Copy, Debug)]
struct Window {
    step: usize,
    /// The step's own time, whatever the offset.
    now: Timestamp,
    /// The window itself, left-open.
    range: TimeRange,
    floats: (usize, usize),
    histograms: (usize, usize),
}

impl Window {
    const fn floats(&self) -> usize {
        self.floats.1 - self.floats.0
    }

    const fn histograms(&self) -> usize {
        self.histograms.1 - self.histograms.0
    }
}

/// What is said about a series, and where its selector stands.
struct Notes<'a> {
    annotations: &'a mut Annotations,
    metric: &'a str,
    span: Span,
}

impl Evaluator<'_> {
    pub(crate) fn range_function(
        &mut self,
        function: RangeFunction,
        args: &[Expr],
        steps: &Steps,
    ) -> Result<Vec<Line>, EvalError> {
        let mut params = Params::default();
        match (function, args) {
            (RangeFunction::Quantile, [q, matrix]) => {
                params.first = self.eval_scalar(q, steps)?;
                self.over_windows(function, matrix, &params, q.span, steps)
            }
            (_, [matrix, rest @ ..]) => {
                // Parameters stand after the range, but must be known before; selectors inside them are
                // counted in the order of the text all the same.
                let before = self.selected.len();
                if let Some(first) = rest.first() {
                    params.first = self.eval_scalar(first, steps)?;
                }
                if let Some(second) = rest.get(1) {
                    params.second = self.eval_scalar(second, steps)?;
                }
                if function == RangeFunction::DoubleExponentialSmoothing {
                    check_factors(&params)?;
                }
                let of_params = self.selected.split_off(before);
                let lines = self.over_windows(function, matrix, &params, matrix.span, steps)?;
                self.selected.extend(of_params);
                Ok(lines)
            }
            (_, []) => Err(EvalError::Parameter { message: "expected a range vector".to_owned() }),
        }
    }

    fn over_windows(
        &mut self,
        function: RangeFunction,
        matrix: &Expr,
        params: &Params,
        span: Span,
        steps: &Steps,
    ) -> Result<Vec<Line>, EvalError> {
        let windows = self.windows_of(matrix)?;
        let keeps_name = matches!(function, RangeFunction::Last | RangeFunction::First);
        // A pinned window is the same at every step, and so is what does not look at the step.
        let once = windows.is_fixed() && params.first.is_empty() && function != RangeFunction::PredictLinear;
        let evaluated = if once { steps.count.min(1) } else { steps.count };
        let mut lines = Vec::new();
        let (mut outline, stretches) = match Plan::new(function, &windows, steps, evaluated) {
            Some(Plan { outline, stretches }) => (Some(outline), stretches),
            None => (None, Vec::new()),
        };
        self.each_series(matrix, &windows, steps, outline.as_mut(), &mut |annotations, series| {
            let labels = series.labels.clone();
            let mut line = Line::absent(labels, series.drop_name || !keeps_name, steps.count);
            let mut notes = Notes { annotations, metric: series.labels.metric_name(), span };
            match series.outline {
                Some(outline) => {
                    let stretches = &stretches;
                    Outlined { function, outline, windows: &windows, stretches, steps }.evaluate(&mut line);
                }
                None => {
                    let mut state = State::new(function, series, &windows, steps);
                    state.each_window(evaluated, steps, params, &mut notes, &mut line);
                }
            }
            if once && let Some(sample) = line.sample(0) {
                (1..steps.count).for_each(|step| line.put(step, sample.clone()));
            }
            if line.is_empty() {
                return Ok(());
            }
            if matches!(function, RangeFunction::Rate | RangeFunction::Increase)
                && (0..steps.count).any(|step| line.float(step).is_some())
            {
                unlike_a_counter(&mut notes);
            }
            lines.push(line);
            Ok(())
        })?;
        Ok(lines)
    }
}

fn advance((from, to): &mut (usize, usize), times: &[Timestamp], window: TimeRange) {
    if times.is_empty() {
        return;
    }
    *from = first_after(times, *from, window.after);
    *to = first_after(times, (*to).max(*from), window.until);
}

/// Whether windows overlap so much that what one was computed from is kept for the next.
fn slides(windows: &Windows, steps: &Steps) -> bool {
    let step = steps.step.as_millis();
    let overlap = if step == 0 || steps.count < 2 { 0 } else { windows.range.as_millis() / step };
    overlap >= WORTH_SLIDING && !windows.is_fixed()
}

fn check_factors(params: &Params) -> Result<(), EvalError> {
    for (what, letter, factors) in [("smoothing", "sf", &params.first), ("trend", "tf", &params.second)] {
        if let Some(bad) = factors.iter().find(|f| !(**f > 0.0 && **f < 1.0)) {
            let message = format!("invalid {what} factor. Expected: 0 < {letter} < 1, got: {bad:.6}");
            return Err(EvalError::Parameter { message });
        }
    }
    Ok(())
}

fn unlike_a_counter(notes: &mut Notes<'_>) {
    let usual = ["_total", "_sum", "_count", "_bucket"].iter().any(|suffix| notes.metric.ends_with(suffix));
    if !usual && !notes.metric.is_empty() {
        notes.annotations.possible_non_counter(notes.metric, notes.span);
    }
}

/// What one function keeps of one series from window to window.
struct State<'a> {
    function: RangeFunction,
    series: RangeSeries<'a>,
    windows: Windows,
    /// For functions of floats alone.
    slide: Option<Box<dyn Slide + 'a>>,
    rates: Option<Rates<'a>>,
    ordered: Option<Ordered<'a>>,
    trend: Option<Queue<'a, Trend>>,
}

impl<'a> State<'a> {
    fn new(function: RangeFunction, series: RangeSeries<'a>, windows: &Windows, steps: &Steps) -> Self {
        use RangeFunction as R;
        let sliding = slides(windows, steps);
        let is_rate = matches!(function, R::Rate | R::Increase | R::Delta);
        let rates = is_rate.then(|| Rates::new(series, function));
        let ordered = (sliding && function == R::Quantile).then(|| Ordered::new(series.floats.values));
        let trend =
            (sliding && matches!(function, R::Deriv | R::PredictLinear)).then(|| Queue::new(series.floats));
        let slide = slide(function, series.floats, sliding);
        Self { function, series, windows: *windows, slide, rates, ordered, trend }
    }

    /// Puts the values of the first so many windows into a line.
    fn each_window(
        &mut self,
        count: usize,
        steps: &Steps,
        params: &Params,
        notes: &mut Notes<'_>,
        line: &mut Line,
    ) {
        let (series, windows) = (self.series, self.windows);
        let (range, now) = (windows.window(steps.start), steps.start);
        let mut at = Window { step: 0, now, range, floats: (0, 0), histograms: (0, 0) };
        for step in 0..count {
            let now = steps.at(step);
            (at.step, at.now, at.range) = (step, now, windows.window(now));
            let read = if windows.ends.is_some() { windows.read(now) } else { at.range };
            advance(&mut at.floats, series.floats.times, read);
            advance(&mut at.histograms, series.histograms.times, read);
            if at.floats() + at.histograms() == 0 {
                continue;
            }
            if let Some(value) = self.evaluate(&at, params, notes) {
                line.put(step, value);
            }
        }
    }

    fn evaluate(&mut self, at: &Window, params: &Params, notes: &mut Notes<'_>) -> Option<Value> {
        use RangeFunction as R;
        match self.function {
            R::Count => Some(Value::Float(as_float(at.floats() + at.histograms()))),
            R::Present => Some(Value::Float(1.0)),
            R::First => Some(self.end(at, true).1),
            R::Last => Some(self.end(at, false).1),
            R::TsOfFirst => Some(Value::Float(self.end(at, true).0.as_secs_f64())),
            R::TsOfLast => Some(Value::Float(self.end(at, false).0.as_secs_f64())),
            R::Avg | R::Sum => self.combined(at, notes),
            R::Rate | R::Increase | R::Delta => {
                let rates = self.rates.as_mut()?;
                match self.windows.ends {
                    Some(_) => rates.extended(at, &self.windows, notes),
                    None => rates.extrapolated(at, notes),
                }
            }
            R::Irate | R::Idelta => change::last_two(&self.series, at, self.function == R::Irate, notes),
            R::Changes | R::Resets if at.histograms() > 0 || self.windows.ends.is_some() => {
                let anchored = self.windows.ends.is_some();
                change::between_any(&self.series, at, self.function == R::Resets, anchored).map(Value::Float)
            }
            _ => self.of_floats(at, params, notes).map(Value::Float),
        }
    }

    /// The first or last sample of either kind.
    fn end(&self, at: &Window, first: bool) -> (Timestamp, Value) {
        let RangeSeries { floats, histograms, .. } = &self.series;
        let pick = |(from, to): (usize, usize)| if first { from } else { to - 1 };
        let float = (at.floats() > 0)
            .then(|| pick(at.floats))
            .map(|n| (floats.times[n], Value::Float(floats.values[n])));
        let histogram = (at.histograms() > 0)
            .then(|| pick(at.histograms))
            .map(|n| (histograms.times[n], Value::Histogram(Arc::clone(&histograms.values[n]))));
        match (float, histogram) {
            (Some(float), Some(histogram)) if first == (float.0 < histogram.0) => float,
            (Some(_), Some(histogram)) | (None, Some(histogram)) => histogram,
            (Some(float), None) => float,
            // A window that is evaluated has a sample.
            (None, None) => (at.now, Value::Float(f64::NAN)),
        }
    }

    /// `sum_over_time` and `avg_over_time`.
    fn combined(&mut self, at: &Window, notes: &mut Notes<'_>) -> Option<Value> {
        if at.floats() > 0 && at.histograms() > 0 {
            notes.annotations.mixed_in_range(notes.metric, notes.span);
            return None;
        }
        if at.floats() > 0 {
            let value = self.slide.as_mut()?.at(at.floats.0, at.floats.1);
            return Some(Value::Float(value));
        }
        let histograms = self.series.histograms.slice(at.histograms.0, at.histograms.1);
        let average = self.function == RangeFunction::Avg;
        let histogram = combine(histograms.values.iter(), average, notes)?;
        Some(Value::Histogram(Arc::new(histogram)))
    }

    /// Functions that ignore histograms, and say so where floats stand beside them.
    fn of_floats(&mut self, at: &Window, params: &Params, notes: &mut Notes<'_>) -> Option<f64> {
        use RangeFunction as R;
        if at.floats() == 0 {
            return None;
        }
        if at.histograms() > 0 {
            notes.annotations.ignored_in_range(notes.metric, notes.span);
        }
        let (from, to) = at.floats;
        let floats = self.series.floats.slice(from, to);
        let param = |values: &[f64]| values.get(at.step).copied().unwrap_or(f64::NAN);
        match self.function {
            R::Quantile => {
                let q = param(&params.first);
                notes.annotations.quantile(q, notes.span);
                Some(match &mut self.ordered {
                    Some(ordered) => ordered.quantile(q, from, to),
                    None => quantile(q, &mut floats.values.to_vec()),
                })
            }
            R::Deriv | R::PredictLinear if floats.len() < 2 => None,
            R::Deriv => Some(match &mut self.trend {
                Some(trend) => trend.part_of(from, to).line(0.0).0,
                None => regression(floats.times, floats.values, floats.times[0]).0,
            }),
            R::PredictLinear => {
                let (slope, now) = match &mut self.trend {
                    Some(trend) => {
                        let origin = self.series.floats.times[0];
                        trend.part_of(from, to).line((at.now - origin).as_secs_f64())
                    }
                    None => regression(floats.times, floats.values, at.now),
                };
                Some(slope * param(&params.first) + now)
            }
            R::DoubleExponentialSmoothing => {
                smoothed(floats.values, param(&params.first), param(&params.second))
            }
            _ => Some(self.slide.as_mut()?.at(from, to)),
        }
    }
}

/// The way to compute a function of floats alone, where it has no parameter.
fn slide<'a>(
    function: RangeFunction,
    samples: Samples<'a, f64>,
    sliding: bool,
) -> Option<Box<dyn Slide + 'a>> {
    use RangeFunction as R;
    let values = samples.values;
    let anew = |f: fn(&[f64]) -> f64| -> Box<dyn Slide + 'a> {
        Box::new(Anew(move |from, to| f(&values[from..to])))
    };
    Some(match function {
        R::Min if !sliding => anew(|values| extremes(values).0),
        R::Max if !sliding => anew(|values| extremes(values).1),
        R::Min => Box::new(Extremes::new(samples, false, false)),
        R::Max => Box::new(Extremes::new(samples, true, false)),
        R::TsOfMin => Box::new(Extremes::new(samples, false, true)),
        R::TsOfMax => Box::new(Extremes::new(samples, true, true)),
        R::Changes => Box::new(Counts::new(values, change::changed)),
        R::Resets => Box::new(Counts::new(values, |a, b| b < a)),
        R::Sum if sliding => Box::new(Queue::<Sum>::new(samples)),
        R::Avg if sliding => Box::new(Means::new(samples)),
        R::Stdvar if sliding => Box::new(Queue::<Moments>::new(samples)),
        R::Stddev if sliding => Box::new(Deviations(Queue::new(samples))),
        R::Sum => anew(sum),
        R::Avg => anew(slide::mean),
        R::Stdvar => anew(variance),
        R::Stddev => anew(|values| variance(values).sqrt()),
        R::Mad => anew(median_deviation),
        _ => return None,
    })
}

fn sum(values: &[f64]) -> f64 {
    if let Some(sum) = whole_sum(values) {
        return sum;
    }
    let mut sum = Sum::default();
    values.iter().for_each(|v| sum.add(*v));
    sum.total()
}

fn variance(values: &[f64]) -> f64 {
    let mut variance = Variance::default();
    values.iter().for_each(|v| variance.add(*v));
    variance.variance()
}

fn median_deviation(values: &[f64]) -> f64 {
    if values.iter().any(|v| v.is_nan()) {
        return f64::NAN;
    }
    let mut values = values.to_vec();
    let median = quantile(0.5, &mut values);
    values.iter_mut().for_each(|v| *v = (*v - median).abs());
    quantile(0.5, &mut values)
}

/// Adds histograms up, or averages them.
fn combine<'h>(
    histograms: impl Iterator<Item = &'h Arc<Histogram>>,
    average: bool,
    notes: &mut Notes<'_>,
) -> Option<Histogram> {
    let mut sum = HistogramSum::new(average);
    for histogram in histograms {
        if sum.add(histogram).is_err() {
            notes.annotations.exponential_and_custom(notes.metric, notes.span);
            return None;
        }
    }
    let Aggregated { histogram, collision, reconciled } = sum.finish()?;
    if collision {
        notes.annotations.reset_collision(Combining::Aggregation, notes.span);
    }
    if reconciled {
        notes.annotations.reconciled(Combining::Aggregation, notes.span);
    }
    Some(histogram)
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

/// Sorts for `sort` and `sort_desc`: NaN last either way.
pub(crate) fn by_value(a: f64, b: f64, descending: bool) -> std::cmp::Ordering {
    match (a.is_nan(), b.is_nan()) {
        (false, false) if descending => nan_first(b, a),
        (false, false) => nan_first(a, b),
        (a, b) => a.cmp(&b),
    }
}
