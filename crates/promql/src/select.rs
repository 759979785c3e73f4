//! Reading series: the newest sample at each step, or the samples of a window before each step.

use std::sync::Arc;

use assurance_metrics_model::{
    Aspect, Column, Duration, Histogram, Incompatible, Labels, Outline, ResetHint, Selection, Series,
    TimeRange, Timestamp, Value,
};

use crate::annotations::Annotations;
use crate::ast::{
    At, DurationExpr, Expr, ExprKind, MatrixSelector, RangeEnds, Span, Subquery, VectorSelector,
};
use crate::combining::between;
use crate::error::EvalError;
use crate::eval::Evaluator;
use crate::line::{Line, Lines, Steps, joined};

/// Where a selector looks at a step: at the step's own time or at a fixed one, less an offset; and how far
/// back from there.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Windows {
    at: Option<Timestamp>,
    offset: Duration,
    /// Zero for instant selectors.
    pub(crate) range: Duration,
    /// How the ends of each window are completed.
    pub(crate) ends: Option<RangeEnds>,
    lookback: Duration,
}

impl Windows {
    pub(crate) fn time(&self, step: Timestamp) -> Timestamp {
        self.at.unwrap_or(step) - self.offset
    }

    pub(crate) fn window(&self, step: Timestamp) -> TimeRange {
        let until = self.time(step);
        TimeRange::new(until - self.range, until)
    }

    /// The samples that a window is computed from: itself, and more around it where its ends are completed.
    pub(crate) fn read(&self, step: Timestamp) -> TimeRange {
        let mut window = self.window(step);
        if self.ends.is_some() {
            window.after -= self.lookback;
        }
        if self.ends == Some(RangeEnds::Smoothed) {
            // Upstream reads up to and with the end of the lookback.
            window.until += self.lookback;
        }
        window
    }

    pub(crate) fn is_fixed(&self) -> bool {
        self.at.is_some()
    }
}

/// Samples of one kind, oldest first.
#[derive(Debug)]
pub(crate) struct Samples<'a, T> {
    pub(crate) times: &'a [Timestamp],
    pub(crate) values: &'a [T],
}

impl<T> Clone for Samples<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Samples<'_, T> {}

impl<'a, T> Samples<'a, T> {
    pub(crate) fn len(&self) -> usize {
        self.times.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.times.is_empty()
    }

    pub(crate) fn slice(&self, from: usize, to: usize) -> Self {
        Self { times: &self.times[from..to], values: &self.values[from..to] }
    }

    /// Those inside a window.
    pub(crate) fn window(&self, window: TimeRange) -> Self {
        let from = self.times.partition_point(|at| *at <= window.after);
        let to = self.times.partition_point(|at| *at <= window.until);
        self.slice(from, to.max(from))
    }

    /// How many are at `at` or before.
    pub(crate) fn until(&self, at: Timestamp) -> usize {
        self.times.partition_point(|time| *time <= at)
    }
}

impl<'a, T: Clone> Samples<'a, T> {
    pub(crate) fn iter(&self) -> impl Iterator<Item = (Timestamp, T)> + use<'a, T> {
        self.times.iter().copied().zip(self.values.iter().cloned())
    }
}

/// One series with all samples that any window of it needs; stale markers are left out.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RangeSeries<'a> {
    pub(crate) labels: &'a Labels,
    pub(crate) drop_name: bool,
    /// Instead of the samples, for those who asked for it.
    pub(crate) outline: Option<&'a Outline>,
    pub(crate) floats: Samples<'a, f64>,
    pub(crate) histograms: Samples<'a, Arc<Histogram>>,
}

impl<'a> RangeSeries<'a> {
    fn outlined(labels: &'a Labels, outline: &'a Outline) -> Self {
        let (floats, histograms) = (Samples { times: &[], values: &[] }, Samples { times: &[], values: &[] });
        Self { labels, drop_name: false, outline: Some(outline), floats, histograms }
    }
}

/// The samples of one series, sorted by kind; memory that is used again for the next.
#[derive(Debug, Default)]
struct Sorted {
    float_times: Vec<Timestamp>,
    floats: Vec<f64>,
    histogram_times: Vec<Timestamp>,
    histograms: Vec<Arc<Histogram>>,
}

impl Sorted {
    fn clear(&mut self) {
        self.float_times.clear();
        self.floats.clear();
        self.histogram_times.clear();
        self.histograms.clear();
    }

    fn push(&mut self, at: Timestamp, value: Value) {
        match value {
            Value::Histogram(histogram) => {
                self.histogram_times.push(at);
                self.histograms.push(histogram);
            }
            Value::Float(value) => {
                self.float_times.push(at);
                self.floats.push(value);
            }
            _ => {}
        }
    }

    fn fill(&mut self, column: &Column) {
        self.clear();
        for at in (0..column.len()).filter(|at| !column.is_stale(*at)) {
            let time = column.timestamps()[at];
            match column.histogram(at) {
                Some(histogram) => self.push(time, Value::Histogram(Arc::clone(histogram))),
                None => self.push(time, Value::Float(column.floats()[at])),
            }
        }
    }

    fn series<'a>(&'a self, labels: &'a Labels, drop_name: bool) -> RangeSeries<'a> {
        RangeSeries {
            labels,
            drop_name,
            outline: None,
            floats: Samples { times: &self.float_times, values: &self.floats },
            histograms: Samples { times: &self.histogram_times, values: &self.histograms },
        }
    }
}

/// The first sample after `limit`, given that those before `from` are not: by strides that double, since the next
/// step is mostly near, and sometimes far.
pub(crate) fn first_after(times: &[Timestamp], from: usize, limit: Timestamp) -> usize {
    let (mut low, mut stride) = (from, 1);
    while times.get(low + stride - 1).is_some_and(|at| *at <= limit) {
        low += stride;
        stride *= 2;
    }
    let high = (low + stride - 1).min(times.len());
    low + times[low..high].partition_point(|at| *at <= limit)
}

/// Whether windows that slide over stretches of samples cost less than windows that slide over the samples.
fn is_shorter(outline: &Outline, column: &Column) -> bool {
    let gains = matches!(outline.aspect(), Aspect::Extremes | Aspect::Sum);
    gains && outline.bounds().len() > 2 && column.len() / outline.bounds().len() >= LEAST_SAMPLES
}

/// Samples of a stretch that are worth being looked at together.
const LEAST_SAMPLES: usize = 8;

/// What is done with each series.
pub(crate) type Each<'e> = dyn FnMut(&mut Annotations, RangeSeries<'_>) -> Result<(), EvalError> + 'e;

impl Evaluator<'_> {
    fn windows(
        &self,
        at: Option<At>,
        offset: Option<&DurationExpr>,
        range: Duration,
        ends: Option<RangeEnds>,
    ) -> Result<Windows, EvalError> {
        let at = at.map(|at| match at {
            At::Time(time) => time,
            At::Start => self.query.start,
            At::End => self.query.end,
        });
        let offset = offset.map_or(Ok(Duration::ZERO), |offset| offset.in_query(&self.query))?;
        Ok(Windows { at, offset, range, ends, lookback: self.options.lookback })
    }

    fn range_of(&self, range: &DurationExpr) -> Result<Duration, EvalError> {
        let length = range.in_query(&self.query)?;
        if length <= Duration::ZERO {
            let message = format!("duration must be greater than 0, but {range} is {length}");
            return Err(EvalError::Parameter { message });
        }
        Ok(length)
    }

    /// The windows of a range selector or subquery; of anything else, nothing special.
    pub(crate) fn windows_of(&self, expr: &Expr) -> Result<Windows, EvalError> {
        match &expr.unparenthesised().kind {
            ExprKind::Matrix(MatrixSelector { selector, range, .. }) => {
                let range = self.range_of(range)?;
                self.windows(selector.at, selector.offset.as_ref(), range, selector.ends)
            }
            ExprKind::Subquery(subquery) => {
                let range = self.range_of(&subquery.range)?;
                self.windows(subquery.at, subquery.offset.as_ref(), range, None)
            }
            _ => self.windows(None, None, Duration::ZERO, None),
        }
    }

    fn select<'s>(
        &mut self,
        selector: &VectorSelector,
        range: TimeRange,
    ) -> Result<Vec<Box<dyn Series + 's>>, EvalError>
    where
        Self: 's,
    {
        let found = self.store.select(&Selection { matchers: &selector.matchers, range })?;
        self.selected.push(found.len());
        Ok(found)
    }

    /// The newest sample at each step that is younger than the lookback and no stale marker.
    pub(crate) fn vector_selector(
        &mut self,
        selector: &VectorSelector,
        span: Span,
        steps: &Steps,
    ) -> Result<Vec<Line>, EvalError> {
        self.newest(selector, span, steps, |line, step, column, before, at| match column.histogram(at) {
            Some(histogram) => line.set_histogram(step, hinted(histogram, before, at)),
            None => line.set(step, column.floats()[at]),
        })
    }

    /// The times of those samples, in seconds.
    pub(crate) fn vector_selector_times(
        &mut self,
        selector: &VectorSelector,
        span: Span,
        steps: &Steps,
    ) -> Result<Vec<Line>, EvalError> {
        self.newest(selector, span, steps, |line, step, column, _, at| {
            line.set(step, column.timestamps()[at].as_secs_f64());
        })
    }

    fn newest(
        &mut self,
        selector: &VectorSelector,
        span: Span,
        steps: &Steps,
        take: impl Fn(&mut Line, usize, &Column, Option<usize>, usize),
    ) -> Result<Vec<Line>, EvalError> {
        let windows = self.windows(selector.at, selector.offset.as_ref(), Duration::ZERO, selector.ends)?;
        let lookback = self.options.lookback;
        let smoothed = selector.ends == Some(RangeEnds::Smoothed);
        let last = windows.time(steps.last());
        let until = if smoothed { last + lookback } else { last };
        let range = TimeRange::new(windows.time(steps.start) - lookback, until);
        let found = self.store.select(&Selection { matchers: &selector.matchers, range })?;
        self.selected.push(found.len());
        let evaluated = if windows.is_fixed() { steps.count.min(1) } else { steps.count };
        let mut lines = Vec::with_capacity(found.len());
        let mut column = Column::new();
        for series in found {
            column.clear();
            series.read(range, &mut column)?;
            self.hold(column.len())?;
            let mut line = Line::absent(series.labels().clone(), false, steps.count);
            let times = column.timestamps();
            let (mut next, mut before) = (0, None);
            for step in 0..evaluated {
                let now = windows.time(steps.at(step));
                next = first_after(times, next, now);
                if smoothed {
                    match smoothed_at(&column, next, now, lookback) {
                        Ok(Some(value)) => line.put(step, value),
                        Ok(None) => {}
                        Err(Incompatible) => {
                            let metric = series.labels().metric_name();
                            self.annotations.exponential_and_custom(metric, span);
                        }
                    }
                    continue;
                }
                let Some(newest) = next.checked_sub(1) else { continue };
                if times[newest] > now - lookback && !column.is_stale(newest) {
                    take(&mut line, step, &column, before, newest);
                    before = Some(newest);
                }
            }
            if windows.is_fixed()
                && let Some(sample) = line.sample(0)
            {
                (1..steps.count).for_each(|step| line.put(step, sample.clone()));
            }
            self.release(column.len());
            if !line.is_empty() {
                self.hold(line.size())?;
                lines.push(line);
            }
        }
        Ok(lines)
    }

    /// Calls `each` with every series of a range selector or subquery, with the samples of all its windows, or with
    /// the outline where there is one and the store can fill it.
    pub(crate) fn each_series(
        &mut self,
        expr: &Expr,
        windows: &Windows,
        steps: &Steps,
        outline: Option<&mut Outline>,
        each: &mut Each<'_>,
    ) -> Result<(), EvalError> {
        match &expr.unparenthesised().kind {
            ExprKind::Matrix(matrix) => self.each_selected(matrix, windows, steps, outline, each),
            ExprKind::Subquery(subquery) => self.each_evaluated(subquery, windows, steps, each),
            _ => Err(EvalError::Parameter { message: format!("expected a range vector, got {expr}") }),
        }
    }

    fn each_selected(
        &mut self,
        matrix: &MatrixSelector,
        windows: &Windows,
        steps: &Steps,
        mut outline: Option<&mut Outline>,
        each: &mut Each<'_>,
    ) -> Result<(), EvalError> {
        let range = TimeRange::new(windows.read(steps.start).after, windows.read(steps.last()).until);
        let found = self.select(&matrix.selector, range)?;
        let mut column = Column::new();
        let mut sorted = Sorted::default();
        for series in found {
            if let Some(outline) = outline.as_deref_mut()
                && let Some(outline) = self.outlined(&*series, outline)?
            {
                if !outline.parts().is_empty() {
                    each(&mut self.annotations, RangeSeries::outlined(series.labels(), outline))?;
                }
                self.release(outline.size());
                continue;
            }
            column.clear();
            series.read(range, &mut column)?;
            let held = column.len();
            self.hold(held)?;
            if let Some(outline) = outline.as_deref_mut()
                && is_shorter(outline, &column)
            {
                outline.clear();
                outline.push_column(&column);
                if outline.fits() {
                    each(&mut self.annotations, RangeSeries::outlined(series.labels(), outline))?;
                    self.release(held);
                    continue;
                }
            }
            let series = if column.is_plain() {
                RangeSeries {
                    labels: series.labels(),
                    drop_name: false,
                    outline: None,
                    floats: Samples { times: column.timestamps(), values: column.floats() },
                    histograms: Samples { times: &[], values: &[] },
                }
            } else {
                sorted.fill(&column);
                sorted.series(series.labels(), false)
            };
            if !series.floats.is_empty() || !series.histograms.is_empty() {
                each(&mut self.annotations, series)?;
            }
            self.release(held);
        }
        Ok(())
    }

    /// The outline of a series, held, if the store can fill it.
    fn outlined<'o>(
        &mut self,
        series: &dyn Series,
        outline: &'o mut Outline,
    ) -> Result<Option<&'o Outline>, EvalError> {
        outline.clear();
        if !series.outline(outline)? {
            return Ok(None);
        }
        self.hold(outline.size())?;
        Ok(Some(outline))
    }

    fn each_evaluated(
        &mut self,
        subquery: &Subquery,
        windows: &Windows,
        steps: &Steps,
        each: &mut Each<'_>,
    ) -> Result<(), EvalError> {
        let step = match &subquery.step {
            Some(step) => self.range_of(step)?,
            None => self.options.subquery_step,
        };
        let (after, until) = (windows.window(steps.start).after, windows.time(steps.last()));
        // The steps of a subquery are multiples of its step since 1970, whatever the query's own are.
        let first = (after.as_millis().div_euclid(step.as_millis()) + 1).saturating_mul(step.as_millis());
        let start = Timestamp::from_millis(first);
        let count = if until < start { 0 } else { (until - start).as_millis() / step.as_millis() + 1 };
        let count = usize::try_from(count).unwrap_or(usize::MAX);
        if count == 0 {
            self.selected.extend(subquery.expr.selectors().iter().map(|_| 0));
            return Ok(());
        }
        // Refused before it is allocated.
        self.hold(count)?;
        self.release(count);
        let inner = Steps { start, step, count };
        let lines = match self.eval(&subquery.expr, &inner)? {
            Lines::Vector(lines) => lines,
            Lines::Scalar(values) => vec![Line::of_floats(Labels::empty(), false, values)],
            Lines::String(_) => Vec::new(),
        };
        let mut sorted = Sorted::default();
        for line in &joined(lines)? {
            sorted.clear();
            for at in 0..count {
                if let Some(sample) = line.sample(at) {
                    sorted.push(inner.at(at), sample);
                }
            }
            let series = sorted.series(&line.labels, line.drop_name);
            if !series.floats.is_empty() || !series.histograms.is_empty() {
                each(&mut self.annotations, series)?;
            }
        }
        Ok(())
    }
}

/// A histogram as it follows the sample that stood at the step before: what is known of a reset is about the
/// sample just before it, which may be another one, or itself.
fn hinted(histogram: &Arc<Histogram>, before: Option<usize>, at: usize) -> Arc<Histogram> {
    let hint = match (before, histogram.reset_hint) {
        (Some(before), ResetHint::Reset) if before == at => ResetHint::NoReset,
        (Some(before), ResetHint::NoReset) if before + 1 < at => ResetHint::Unknown,
        _ => return Arc::clone(histogram),
    };
    let mut histogram = (**histogram).clone();
    histogram.reset_hint = hint;
    Arc::new(histogram)
}

/// The value at `now`, on the line between the samples on either side; that of the sample before where none
/// comes after. `next` is the first sample after `now`.
fn smoothed_at(
    column: &Column,
    next: usize,
    now: Timestamp,
    lookback: Duration,
) -> Result<Option<Value>, Incompatible> {
    let times = column.timestamps();
    let usable = |at: usize| !column.is_stale(at);
    let before = next.checked_sub(1).filter(|at| times[*at] > now - lookback && usable(*at));
    let Some(before) = before else { return Ok(None) };
    let after = (next < column.len()).then_some(next);
    let after = after.filter(|at| times[*at] <= now + lookback && usable(*at) && times[before] < now);
    let span = |after: usize| (times[after] - times[before]).as_secs_f64();
    let share = |after: usize| (now - times[before]).as_secs_f64() / span(after);
    Ok(Some(match (column.histogram(before), after.map(|after| (after, column.histogram(after)))) {
        (None, Some((after, None))) => {
            let (from, to) = (column.floats()[before], column.floats()[after]);
            Value::Float(from + (to - from) * share(after))
        }
        (Some(from), Some((after, Some(to)))) => {
            let counter = to.reset_hint != ResetHint::Gauge;
            Value::Histogram(Arc::new(between(from, to, share(after), counter)?.histogram))
        }
        (None, _) => Value::Float(column.floats()[before]),
        (Some(histogram), _) => Value::Histogram(Arc::clone(histogram)),
    }))
}

impl Evaluator<'_> {
    /// Where the first selector inside an expression looks, subqueries around it taken into account.
    pub(crate) fn windows_of_instant(&self, expr: &Expr) -> Result<Windows, EvalError> {
        Ok(match self.first_place(expr)? {
            Some(windows) => windows,
            None => self.windows(None, None, Duration::ZERO, None)?,
        })
    }

    fn first_place(&self, expr: &Expr) -> Result<Option<Windows>, EvalError> {
        let of = |selector: &VectorSelector| {
            self.windows(selector.at, selector.offset.as_ref(), Duration::ZERO, None)
        };
        Ok(match &expr.kind {
            ExprKind::Vector(selector) => Some(of(selector)?),
            ExprKind::Matrix(matrix) => Some(of(&matrix.selector)?),
            ExprKind::Subquery(subquery) => match self.first_place(&subquery.expr)? {
                Some(inner) if inner.at.is_none() => {
                    let outer = self.windows(subquery.at, subquery.offset.as_ref(), Duration::ZERO, None)?;
                    Some(Windows { offset: outer.offset + inner.offset, ..outer })
                }
                inner => inner,
            },
            _ => {
                for child in expr.children() {
                    if let Some(place) = self.first_place(child)? {
                        return Ok(Some(place));
                    }
                }
                None
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use assurance_metrics_model::Timestamp;

    use super::first_after;

    #[test]
    fn strides_find_what_a_walk_finds() {
        let times: Vec<Timestamp> = (0..50).map(|n| Timestamp::from_millis(n * n)).collect();
        for from in 0..=times.len() {
            for limit in -1..2600 {
                let limit = Timestamp::from_millis(limit);
                let walked = times[from..].iter().take_while(|at| **at <= limit).count();
                assert_eq!(first_after(&times, from, limit), from + walked);
            }
        }
        assert_eq!(first_after(&[], 0, Timestamp::EPOCH), 0);
    }
}
