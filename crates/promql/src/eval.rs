//! The evaluation of a tree, all steps of a query at once.

use std::collections::BTreeSet;

use assurance_metrics_model::{Duration, Labels, METRIC_NAME, Queryable, Timestamp, Value};
use hashbrown::HashMap;

use crate::answer::{Answer, MatrixSeries, Options, QueryValue, VectorSample};
use crate::ast::{Expr, ValueType};
use crate::error::EvalError;
use crate::select::{self, Pinned};

/// The labels that say what a metric is, and go when a result is something else (Prometheus's
/// `schema.IsMetadataLabel`).
pub(crate) const IDENTITY: [&str; 3] = [METRIC_NAME, "__type__", "__unit__"];

/// The instants of an evaluation.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Steps {
    pub(crate) start: Timestamp,
    pub(crate) step: Duration,
    pub(crate) count: usize,
}

impl Steps {
    pub(crate) fn at(&self, step: usize) -> Timestamp {
        self.start + self.step * i64::try_from(step).unwrap_or(i64::MAX)
    }

    pub(crate) fn last(&self) -> Timestamp {
        self.at(self.count.saturating_sub(1))
    }
}

/// One series over all steps.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    pub(crate) labels: Labels,
    /// The name is still there for matching, and goes away in the result (Prometheus's delayed name removal).
    pub(crate) drop_name: bool,
    pub(crate) values: Vec<f64>,
    pub(crate) present: Vec<bool>,
}

impl Line {
    pub(crate) fn absent(labels: Labels, drop_name: bool, count: usize) -> Self {
        Self { labels, drop_name, values: vec![0.0; count], present: vec![false; count] }
    }

    pub(crate) fn set(&mut self, step: usize, value: f64) {
        self.values[step] = value;
        self.present[step] = true;
    }

    pub(crate) fn get(&self, step: usize) -> Option<f64> {
        self.present[step].then(|| self.values[step])
    }

    pub(crate) fn is_empty(&self) -> bool {
        !self.present.contains(&true)
    }

    /// The labels as the result shows them.
    pub(crate) fn shown_labels(&self) -> Labels {
        if self.drop_name { self.labels.without(&IDENTITY) } else { self.labels.clone() }
    }
}

/// The value of a subtree over all steps.
#[derive(Clone, Debug)]
pub(crate) enum Lines {
    Scalar(Vec<f64>),
    String(String),
    Vector(Vec<Line>),
}

pub(crate) struct Evaluator<'a> {
    pub(crate) store: &'a dyn Queryable,
    pub(crate) options: &'a Options,
    /// What `@ start()` and `@ end()` mean.
    pub(crate) bounds: (Timestamp, Timestamp),
    pub(crate) selected: Vec<usize>,
    pub(crate) samples: usize,
    pub(crate) warnings: BTreeSet<String>,
    pub(crate) infos: BTreeSet<String>,
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
    let mut evaluator = Evaluator::new(store, options, steps);
    let value = match expr.unparenthesised() {
        matrix @ (Expr::Matrix(_) | Expr::Subquery(_)) => evaluator.matrix(matrix, &steps)?,
        _ => match evaluator.eval(expr, &steps)? {
            Lines::Scalar(values) => QueryValue::Scalar { at, value: values[0] },
            Lines::String(text) => QueryValue::String { at, text },
            Lines::Vector(lines) => QueryValue::Vector(evaluator.vector(lines, at)?),
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
    let points = (end - start).as_millis() / step.as_millis() + 1;
    let count = usize::try_from(points).unwrap_or(usize::MAX);
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
    let mut evaluator = Evaluator::new(store, options, steps);
    evaluator.bounds = (start, end);
    let lines = match evaluator.eval(expr, &steps)? {
        Lines::Scalar(values) => {
            vec![Line {
                labels: Labels::empty(),
                drop_name: false,
                present: vec![true; values.len()],
                values,
            }]
        }
        Lines::String(_) => Vec::new(),
        Lines::Vector(lines) => lines,
    };
    let matrix = evaluator.merge(lines, &steps)?;
    Ok(evaluator.answer(QueryValue::Matrix(matrix)))
}

impl<'a> Evaluator<'a> {
    fn new(store: &'a dyn Queryable, options: &'a Options, steps: Steps) -> Self {
        Self {
            store,
            options,
            bounds: (steps.start, steps.last()),
            selected: Vec::new(),
            samples: 0,
            warnings: BTreeSet::new(),
            infos: BTreeSet::new(),
        }
    }

    fn answer(self, value: QueryValue) -> Answer {
        Answer {
            value,
            warnings: self.warnings.into_iter().collect(),
            infos: self.infos.into_iter().collect(),
            selected: self.selected,
        }
    }

    /// Counts samples read or made.
    pub(crate) fn spend(&mut self, samples: usize) -> Result<(), EvalError> {
        self.samples = self.samples.saturating_add(samples);
        if self.samples > self.options.max_samples {
            return Err(EvalError::TooManySamples { limit: self.options.max_samples });
        }
        Ok(())
    }

    pub(crate) fn eval(&mut self, expr: &Expr, steps: &Steps) -> Result<Lines, EvalError> {
        let lines = match expr {
            Expr::Number(value) => Lines::Scalar(vec![*value; steps.count]),
            Expr::String(text) => Lines::String(text.clone()),
            Expr::Paren(inner) => self.eval(inner, steps)?,
            Expr::Vector(selector) => {
                Lines::Vector(self.vector_selector(selector, steps, select::Take::Value)?)
            }
            Expr::Matrix(_) | Expr::Subquery(_) => {
                // The parser lets a range stand only where a function reads it, or alone.
                return Err(EvalError::Range { message: "a range vector cannot be used as a value" });
            }
            Expr::Negate(inner) => match self.eval(inner, steps)? {
                Lines::Scalar(values) => Lines::Scalar(values.into_iter().map(|v| -v).collect()),
                Lines::Vector(lines) => Lines::Vector(map(lines, |v| -v)),
                text @ Lines::String(_) => text,
            },
            Expr::Binary(binary) => self.binary(binary, steps)?,
            Expr::Aggregate(aggregate) => Lines::Vector(self.aggregate(aggregate, steps)?),
            Expr::Call(call) => self.call(call, steps)?,
        };
        if let Lines::Vector(lines) = &lines {
            self.spend(lines.len().saturating_mul(steps.count))?;
        }
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

    fn vector(&self, lines: Vec<Line>, at: Timestamp) -> Result<Vec<VectorSample>, EvalError> {
        let mut seen = HashMap::with_capacity(lines.len());
        let mut vector = Vec::with_capacity(lines.len());
        for line in lines {
            let Some(value) = line.get(0) else { continue };
            let labels = line.shown_labels();
            if seen.insert(labels.clone(), ()).is_some() {
                return Err(EvalError::DuplicateLabels { labels });
            }
            vector.push(VectorSample { labels, at, value: Value::Float(value) });
        }
        Ok(vector)
    }

    /// Joins lines that differ in a dropped name alone, as long as they take turns.
    fn merge(&self, lines: Vec<Line>, steps: &Steps) -> Result<Vec<MatrixSeries>, EvalError> {
        let mut joined: HashMap<Labels, Line> = HashMap::with_capacity(lines.len());
        for line in lines.into_iter().filter(|line| !line.is_empty()) {
            let labels = line.shown_labels();
            let Some(before) = joined.get_mut(&labels) else {
                joined.insert(labels, line);
                continue;
            };
            for step in 0..steps.count {
                if let Some(value) = line.get(step) {
                    if before.present[step] {
                        return Err(EvalError::DuplicateLabels { labels });
                    }
                    before.set(step, value);
                }
            }
        }
        let mut matrix: Vec<MatrixSeries> = joined
            .into_iter()
            .map(|(labels, line)| {
                let samples = (0..steps.count)
                    .filter_map(|i| Some((steps.at(i), Value::Float(line.get(i)?))))
                    .collect();
                MatrixSeries { labels, samples }
            })
            .collect();
        matrix.sort_by(|a, b| a.labels.cmp(&b.labels));
        Ok(matrix)
    }

    /// A range selector or subquery at one instant, as a result by itself.
    fn matrix(&mut self, expr: &Expr, steps: &Steps) -> Result<QueryValue, EvalError> {
        let mut matrix: Vec<MatrixSeries> = Vec::new();
        let pinned = Pinned::of_matrix(expr, self.bounds);
        let window = pinned.window(steps.start);
        self.each_series(expr, steps, "a range selector as a result", &mut |series| {
            let inside = |at: Timestamp| window.contains(at);
            let samples: Vec<(Timestamp, Value)> = series
                .times
                .iter()
                .zip(series.values)
                .filter(|(at, _)| inside(**at))
                .map(|(at, v)| (*at, Value::Float(*v)))
                .collect();
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

/// Applies a function to every value; the name goes.
pub(crate) fn map(mut lines: Vec<Line>, f: impl Fn(f64) -> f64) -> Vec<Line> {
    for line in &mut lines {
        line.drop_name = true;
        for value in &mut line.values {
            *value = f(*value);
        }
    }
    lines
}
