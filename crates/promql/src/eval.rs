//! The evaluation of a tree, all steps of a query at once.

use assurance_metrics_model::{Duration, Labels, Queryable, Timestamp, Value};

use crate::annotations::Annotations;
use crate::answer::{Answer, MatrixSeries, Options, QueryValue, VectorSample};
use crate::ast::{Expr, ExprKind, ValueType};
use crate::error::EvalError;
use crate::line::{IDENTITY, Line, Lines, Steps, shown};

/// The query as a whole: what `@ start()`, `step()` and their kin mean, inside subqueries too.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Query {
    pub(crate) start: Timestamp,
    pub(crate) end: Timestamp,
    /// Zero for an instant query.
    pub(crate) step: Duration,
}

pub(crate) struct Evaluator<'a> {
    pub(crate) store: &'a dyn Queryable,
    pub(crate) options: &'a Options,
    pub(crate) query: Query,
    pub(crate) selected: Vec<usize>,
    pub(crate) annotations: Annotations,
    /// Samples held now, in columns and lines.
    held: usize,
    /// Bytes held now, in lines.
    held_bytes: usize,
    /// Samples read since the last look at the clock of whoever asked.
    since_check: usize,
}

/// Evaluates at one instant.
///
/// # Errors
/// As [`EvalError`] lists; no partial result is given.
pub fn instant(
    expr: &Expr,
    store: &dyn Queryable,
    at: Timestamp,
    options: &Options,
) -> Result<Answer, EvalError> {
    let steps = Steps { start: at, step: Duration::ZERO, count: 1 };
    let query = Query { start: at, end: at, step: Duration::ZERO };
    let mut evaluator = Evaluator::new(store, options, query);
    let bare = expr.unparenthesised();
    let value = match &bare.kind {
        ExprKind::Matrix(_) | ExprKind::Subquery(_) => evaluator.matrix(bare, &steps)?,
        _ => match evaluator.eval(expr, &steps)? {
            Lines::Scalar(values) => QueryValue::Scalar { at, value: values[0] },
            Lines::String(text) => QueryValue::String { at, text },
            Lines::Vector(lines) => QueryValue::Vector(vector(lines, at)?),
        },
    };
    Ok(evaluator.answer(value))
}

/// Evaluates at `start` and every `step` after it, up to `end`.
///
/// # Errors
/// As [`EvalError`] lists; no partial result is given.
pub fn range(
    expr: &Expr,
    store: &dyn Queryable,
    start: Timestamp,
    end: Timestamp,
    step: Duration,
    options: &Options,
) -> Result<Answer, EvalError> {
    if step <= Duration::ZERO {
        return Err(EvalError::Range {
            message: "zero or negative query resolution step widths are not accepted. Try a positive integer",
        });
    }
    if end < start {
        return Err(EvalError::Range { message: "end timestamp must not be before start time" });
    }
    let intervals = (end - start).as_millis() / step.as_millis();
    let count = usize::try_from(intervals).unwrap_or(usize::MAX).saturating_add(1);
    if count > options.max_points {
        return Err(EvalError::TooManyPoints { limit: options.max_points });
    }
    match expr.value_type() {
        ValueType::Scalar | ValueType::Vector => {}
        ValueType::String | ValueType::Matrix => {
            return Err(EvalError::Range {
                message: "invalid expression type for range query, must be Scalar or instant Vector",
            });
        }
    }
    let steps = Steps { start, step, count };
    let mut evaluator = Evaluator::new(store, options, Query { start, end, step });
    let lines = match evaluator.eval(expr, &steps)? {
        Lines::Scalar(values) => vec![Line::of_floats(Labels::empty(), false, values)],
        Lines::Vector(lines) => lines,
        Lines::String(_) => Vec::new(),
    };
    let matrix = matrix(lines, &steps)?;
    Ok(evaluator.answer(QueryValue::Matrix(matrix)))
}

impl<'a> Evaluator<'a> {
    fn new(store: &'a dyn Queryable, options: &'a Options, query: Query) -> Self {
        Self {
            store,
            options,
            query,
            selected: Vec::new(),
            annotations: Annotations::default(),
            held: 0,
            held_bytes: 0,
            since_check: 0,
        }
    }

    fn answer(self, value: QueryValue) -> Answer {
        let (warnings, infos) = self.annotations.into_texts();
        Answer { value, warnings, infos, selected: self.selected }
    }

    /// Holds samples that were read or made; [`Self::release`] gives them back.
    pub(crate) fn hold(&mut self, samples: usize) -> Result<(), EvalError> {
        self.held = self.held.saturating_add(samples);
        if self.held > self.options.max_samples {
            return Err(EvalError::TooManySamples { limit: self.options.max_samples });
        }
        self.since_check = self.since_check.saturating_add(samples.max(1));
        if self.since_check >= SAMPLES_BETWEEN_CHECKS {
            self.since_check = 0;
            self.check_cancelled()?;
        }
        Ok(())
    }

    pub(crate) fn release(&mut self, samples: usize) {
        self.held = self.held.saturating_sub(samples);
    }

    fn check_cancelled(&self) -> Result<(), EvalError> {
        match &self.options.cancelled {
            Some(cancelled) if cancelled() => Err(EvalError::Cancelled),
            _ => Ok(()),
        }
    }

    pub(crate) fn eval(&mut self, expr: &Expr, steps: &Steps) -> Result<Lines, EvalError> {
        let (before, bytes_before) = (self.held, self.held_bytes);
        let lines = match &expr.kind {
            ExprKind::Number(value) => Lines::Scalar(vec![*value; steps.count]),
            ExprKind::String(text) => Lines::String(text.clone()),
            ExprKind::Vector(selector) => Lines::Vector(self.vector_selector(selector, expr.span, steps)?),
            ExprKind::Matrix(_) | ExprKind::Subquery(_) => {
                return Err(EvalError::Parameter {
                    message: format!("a range vector stands where none can: {expr}"),
                });
            }
            ExprKind::Paren(inner) | ExprKind::Plus(inner) => self.eval(inner, steps)?,
            ExprKind::Negate(inner) => match self.eval(inner, steps)? {
                Lines::Scalar(values) => Lines::Scalar(values.into_iter().map(|v| -v).collect()),
                Lines::Vector(lines) => Lines::Vector(crate::binary::negated(lines)),
                string @ Lines::String(_) => string,
            },
            ExprKind::Binary(binary) => self.binary(binary, expr.span, steps)?,
            ExprKind::Aggregate(aggregate) => Lines::Vector(self.aggregate(aggregate, steps)?),
            ExprKind::Call(call) => self.call(call, expr.span, steps)?,
        };
        // What the parts held is gone; the result is held instead.
        self.held = before;
        self.held_bytes = bytes_before.saturating_add(lines.bytes());
        if self.held_bytes > self.options.max_bytes {
            return Err(EvalError::TooManyBytes { limit: self.options.max_bytes });
        }
        self.hold(lines.size())?;
        Ok(lines)
    }

    /// Evaluates what the parser has checked to be a vector.
    pub(crate) fn eval_vector(&mut self, expr: &Expr, steps: &Steps) -> Result<Vec<Line>, EvalError> {
        match self.eval(expr, steps)? {
            Lines::Vector(lines) => Ok(lines),
            Lines::Scalar(_) | Lines::String(_) => {
                Err(EvalError::Parameter { message: format!("expected an instant vector, got {expr}") })
            }
        }
    }

    /// Evaluates what the parser has checked to be a scalar.
    pub(crate) fn eval_scalar(&mut self, expr: &Expr, steps: &Steps) -> Result<Vec<f64>, EvalError> {
        match self.eval(expr, steps)? {
            Lines::Scalar(values) => Ok(values),
            Lines::Vector(_) | Lines::String(_) => {
                Err(EvalError::Parameter { message: format!("expected a scalar, got {expr}") })
            }
        }
    }

    /// Evaluates what the parser has checked to be a string.
    pub(crate) fn eval_string(&mut self, expr: &Expr, steps: &Steps) -> Result<String, EvalError> {
        match self.eval(expr, steps)? {
            Lines::String(text) => Ok(text),
            Lines::Vector(_) | Lines::Scalar(_) => {
                Err(EvalError::Parameter { message: format!("expected a string, got {expr}") })
            }
        }
    }

    /// A range selector or subquery at one instant, as a result by itself.
    fn matrix(&mut self, expr: &Expr, steps: &Steps) -> Result<QueryValue, EvalError> {
        let mut matrix: Vec<MatrixSeries> = Vec::new();
        let windows = self.windows_of(expr)?;
        let window = windows.window(steps.start);
        self.each_series(expr, &windows, steps, None, &mut |_, series| {
            let samples = if windows.ends.is_some() {
                crate::range_function::boundaries(&series, &windows, window)
            } else {
                let floats = series.floats.window(window).iter().map(|(at, v)| (at, Value::Float(v)));
                let histograms = series.histograms.window(window);
                let histograms = histograms.iter().map(|(at, h)| (at, Value::Histogram(h)));
                let mut samples: Vec<(Timestamp, Value)> = floats.chain(histograms).collect();
                samples.sort_by_key(|(at, _)| *at);
                samples
            };
            if !samples.is_empty() {
                let labels =
                    if series.drop_name { series.labels.without(&IDENTITY) } else { series.labels.clone() };
                matrix.push(MatrixSeries { labels, samples });
            }
            Ok(())
        })?;
        matrix.sort_by(|a, b| a.labels.cmp(&b.labels));
        match matrix.windows(2).find(|pair| pair[0].labels == pair[1].labels) {
            Some(pair) => Err(EvalError::DuplicateLabels { labels: pair[0].labels.clone() }),
            None => Ok(QueryValue::Matrix(matrix)),
        }
    }
}

/// How many samples are read or made between two looks at whether the query was cancelled: some milliseconds'
/// work.
const SAMPLES_BETWEEN_CHECKS: usize = 1 << 20;

fn vector(lines: Vec<Line>, at: Timestamp) -> Result<Vec<VectorSample>, EvalError> {
    let samples = shown(lines)?.into_iter().filter_map(|line| {
        let value = line.sample(0)?;
        Some(VectorSample { labels: line.labels, at, value })
    });
    Ok(samples.collect())
}

fn matrix(lines: Vec<Line>, steps: &Steps) -> Result<Vec<MatrixSeries>, EvalError> {
    let mut matrix: Vec<MatrixSeries> = shown(lines)?
        .into_iter()
        .map(|line| {
            let samples = (0..steps.count).filter_map(|i| Some((steps.at(i), line.sample(i)?))).collect();
            MatrixSeries { labels: line.labels, samples }
        })
        .collect();
    matrix.sort_by(|a, b| a.labels.cmp(&b.labels));
    Ok(matrix)
}
