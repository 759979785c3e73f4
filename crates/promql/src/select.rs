//! Reading series: the newest sample at each step, or the samples of a window before each step.

use assurance_metrics_model::{Column, Duration, Labels, Selection, TimeRange, Timestamp};
use hashbrown::HashMap;

use crate::ast::{At, Expr, MatrixSelector, Subquery, VectorSelector};
use crate::error::EvalError;
use crate::eval::{Evaluator, Line, Steps};

/// What is taken of a sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Take {
    Value,
    /// Its own time, in seconds: `timestamp(selector)`.
    Time,
}

/// Where a selector looks at a step: at the step's own time or at a fixed one, less an offset.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pinned {
    at: Option<Timestamp>,
    offset: Duration,
    /// Zero for instant selectors.
    range: Duration,
}

impl Pinned {
    fn new(at: Option<At>, offset: Duration, range: Duration, bounds: (Timestamp, Timestamp)) -> Self {
        let at = at.map(|at| match at {
            At::Time(time) => time,
            At::Start => bounds.0,
            At::End => bounds.1,
        });
        Self { at, offset, range }
    }

    /// Of a range selector or subquery; of anything else, nothing special.
    pub(crate) fn of_matrix(expr: &Expr, bounds: (Timestamp, Timestamp)) -> Self {
        match expr.unparenthesised() {
            Expr::Matrix(MatrixSelector { selector, range }) => {
                Self::new(selector.at, selector.offset, *range, bounds)
            }
            Expr::Subquery(subquery) => Self::new(subquery.at, subquery.offset, subquery.range, bounds),
            _ => Self::new(None, Duration::ZERO, Duration::ZERO, bounds),
        }
    }

    pub(crate) fn time(&self, step: Timestamp) -> Timestamp {
        self.at.unwrap_or(step) - self.offset
    }

    pub(crate) fn window(&self, step: Timestamp) -> TimeRange {
        let until = self.time(step);
        TimeRange::new(until - self.range, until)
    }

    pub(crate) fn is_fixed(&self) -> bool {
        self.at.is_some()
    }
}

/// One series with all samples that any window of it needs; stale markers are left out.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Samples<'a> {
    pub(crate) labels: &'a Labels,
    pub(crate) drop_name: bool,
    pub(crate) times: &'a [Timestamp],
    pub(crate) values: &'a [f64],
}

impl Evaluator<'_> {
    /// The newest sample at each step that is younger than the lookback and no stale marker.
    pub(crate) fn vector_selector(
        &mut self,
        selector: &VectorSelector,
        steps: &Steps,
        take: Take,
    ) -> Result<Vec<Line>, EvalError> {
        let pinned = Pinned::new(selector.at, selector.offset, Duration::ZERO, self.bounds);
        let lookback = self.options.lookback;
        let range = TimeRange::new(pinned.time(steps.start) - lookback, pinned.time(steps.last()));
        let found = self.store.select(&Selection { matchers: &selector.matchers, range })?;
        self.selected.push(found.len());
        let mut lines = Vec::with_capacity(found.len());
        let mut column = Column::new();
        for series in found {
            column.clear();
            series.read(range, &mut column)?;
            self.spend(column.len())?;
            let mut line = Line::absent(series.labels().clone(), false, steps.count);
            let times = column.timestamps();
            let mut next = 0;
            let evaluated = if pinned.is_fixed() { steps.count.min(1) } else { steps.count };
            for step in 0..evaluated {
                let now = pinned.time(steps.at(step));
                next += times[next..].iter().take_while(|at| **at <= now).count();
                let Some(newest) = next.checked_sub(1) else { continue };
                if times[newest] <= now - lookback || column.is_stale(newest) {
                    continue;
                }
                if column.histogram(newest).is_some() {
                    let labels = series.labels().clone();
                    return Err(EvalError::Histogram { labels, construct: "an instant selector" });
                }
                match take {
                    Take::Value => line.set(step, column.floats()[newest]),
                    Take::Time => line.set(step, times[newest].as_secs_f64()),
                }
            }
            if pinned.is_fixed() && line.present.first() == Some(&true) {
                let value = line.values[0];
                (0..steps.count).for_each(|step| line.set(step, value));
            }
            if !line.is_empty() {
                lines.push(line);
            }
        }
        Ok(lines)
    }

    /// Calls `each` with every series of a range selector or subquery, with the samples of all its windows.
    pub(crate) fn each_series(
        &mut self,
        expr: &Expr,
        steps: &Steps,
        construct: &'static str,
        each: &mut dyn FnMut(Samples<'_>) -> Result<(), EvalError>,
    ) -> Result<(), EvalError> {
        match expr.unparenthesised() {
            Expr::Matrix(matrix) => self.each_selected(matrix, steps, construct, each),
            Expr::Subquery(subquery) => self.each_evaluated(subquery, steps, each),
            other => Err(EvalError::Parameter { message: format!("expected a range vector, got {other}") }),
        }
    }

    fn each_selected(
        &mut self,
        matrix: &MatrixSelector,
        steps: &Steps,
        construct: &'static str,
        each: &mut dyn FnMut(Samples<'_>) -> Result<(), EvalError>,
    ) -> Result<(), EvalError> {
        let pinned = Pinned::new(matrix.selector.at, matrix.selector.offset, matrix.range, self.bounds);
        let range = TimeRange::new(pinned.window(steps.start).after, pinned.time(steps.last()));
        let found = self.store.select(&Selection { matchers: &matrix.selector.matchers, range })?;
        self.selected.push(found.len());
        let mut column = Column::new();
        let (mut times, mut values) = (Vec::new(), Vec::new());
        for series in found {
            column.clear();
            series.read(range, &mut column)?;
            self.spend(column.len())?;
            times.clear();
            values.clear();
            for at in 0..column.len() {
                if column.is_stale(at) {
                    continue;
                }
                if column.histogram(at).is_some() {
                    return Err(EvalError::Histogram { labels: series.labels().clone(), construct });
                }
                times.push(column.timestamps()[at]);
                values.push(column.floats()[at]);
            }
            if !times.is_empty() {
                each(Samples { labels: series.labels(), drop_name: false, times: &times, values: &values })?;
            }
        }
        Ok(())
    }

    fn each_evaluated(
        &mut self,
        subquery: &Subquery,
        steps: &Steps,
        each: &mut dyn FnMut(Samples<'_>) -> Result<(), EvalError>,
    ) -> Result<(), EvalError> {
        let pinned = Pinned::new(subquery.at, subquery.offset, subquery.range, self.bounds);
        let step = subquery.step.filter(|s| !s.is_zero()).unwrap_or(self.options.subquery_step);
        let (after, until) = (pinned.window(steps.start).after, pinned.time(steps.last()));
        // The steps of a subquery are multiples of its step since 1970, whatever the query's own are.
        let first = (after.as_millis().div_euclid(step.as_millis()) + 1).saturating_mul(step.as_millis());
        let start = Timestamp::from_millis(first);
        let count = if until < start { 0 } else { (until - start).as_millis() / step.as_millis() + 1 };
        let count = usize::try_from(count).unwrap_or(usize::MAX);
        self.spend(count)?;
        if count == 0 {
            self.selected.extend(subquery.expr.selectors().iter().map(|_| 0));
            return Ok(());
        }
        let inner = Steps { start, step, count };
        let lines = match self.eval(&subquery.expr, &inner)? {
            crate::eval::Lines::Vector(lines) => lines,
            crate::eval::Lines::Scalar(values) => {
                vec![Line { labels: Labels::empty(), drop_name: false, present: vec![true; count], values }]
            }
            crate::eval::Lines::String(_) => Vec::new(),
        };
        let lines = joined(lines)?;
        let (mut times, mut values) = (Vec::new(), Vec::new());
        for line in &lines {
            times.clear();
            values.clear();
            for at in 0..count {
                if let Some(value) = line.get(at) {
                    times.push(inner.at(at));
                    values.push(value);
                }
            }
            if !times.is_empty() {
                each(Samples {
                    labels: &line.labels,
                    drop_name: line.drop_name,
                    times: &times,
                    values: &values,
                })?;
            }
        }
        Ok(())
    }
}

/// Joins lines with the same labels, which take turns: `x > 5 or x <= 5` is one series to a window over it.
fn joined(lines: Vec<Line>) -> Result<Vec<Line>, EvalError> {
    let mut places: HashMap<Labels, usize> = HashMap::with_capacity(lines.len());
    let mut out: Vec<Line> = Vec::with_capacity(lines.len());
    for line in lines {
        let Some(place) = places.get(&line.labels) else {
            places.insert(line.labels.clone(), out.len());
            out.push(line);
            continue;
        };
        let before = &mut out[*place];
        for step in 0..line.values.len() {
            let Some(value) = line.get(step) else { continue };
            if before.present[step] {
                return Err(EvalError::DuplicateLabels { labels: line.labels });
            }
            before.set(step, value);
        }
    }
    Ok(out)
}
