//! Functions of an instant.

use std::collections::BTreeMap;

use assurance_metrics_model::{Labels, METRIC_NAME, MatchOp};

use crate::ast::{Call, Expr, ExprKind, Span};
use crate::error::EvalError;
use crate::eval::Evaluator;
use crate::function::{HistogramFunction, Kind, Math, QueryFunction, RangeFunction};
use crate::line::{Line, Lines, Steps, joined};
use crate::numbers::{go_max, go_min};
use crate::range_function::by_value;
use crate::{dates, labels, native};

impl Evaluator<'_> {
    pub(crate) fn call(&mut self, call: &Call, span: Span, steps: &Steps) -> Result<Lines, EvalError> {
        let args = call.args.as_slice();
        let constant = |value: f64| Ok(Lines::Scalar(vec![value; steps.count]));
        let lines = match (call.function.0, args) {
            (Kind::Pi, _) => return constant(std::f64::consts::PI),
            (Kind::Time, _) => return Ok(Lines::Scalar(steps.seconds())),
            (Kind::Query(function), _) => return constant(self.of_query(function)),
            (Kind::MinOf | Kind::MaxOf, [left, right]) => {
                let (left, right) = (self.eval_scalar(left, steps)?, self.eval_scalar(right, steps)?);
                let of = if call.function.0 == Kind::MinOf { go_min } else { go_max };
                return Ok(Lines::Scalar(left.iter().zip(&right).map(|(a, b)| of(*a, *b)).collect()));
            }
            (Kind::Scalar, [vector]) => {
                let lines = self.eval_vector(vector, steps)?;
                return Ok(Lines::Scalar(only_element(&lines, steps)));
            }
            (Kind::Vector, [scalar]) => {
                vec![Line::of_floats(Labels::empty(), false, self.eval_scalar(scalar, steps)?)]
            }
            (Kind::Math(math), [vector]) => map(self.eval_vector(vector, steps)?, |v| compute(math, v)),
            (Kind::Range(function), args) => self.range_function(function, args, steps)?,
            (Kind::Date(date), args) => {
                let lines = match args.first() {
                    Some(vector) => self.eval_vector(vector, steps)?,
                    None => vec![Line::of_floats(Labels::empty(), false, steps.seconds())],
                };
                map(lines, |v| dates::part(date, v))
            }
            (Kind::Absent, [vector]) => {
                let lines = self.eval_vector(vector, steps)?;
                absent(&lines, vector, steps)
            }
            (Kind::AbsentOverTime, [matrix]) => {
                let lines = self.range_function(RangeFunction::Present, args, steps)?;
                absent(&lines, matrix, steps)
            }
            (Kind::Timestamp, [vector]) => self.timestamps(vector, steps)?,
            (Kind::Sort | Kind::SortDesc, [vector]) => {
                let descending = call.function.0 == Kind::SortDesc;
                let mut lines = self.eval_vector(vector, steps)?;
                lines.iter_mut().for_each(Line::keep_floats);
                if self.query.step.is_zero() {
                    lines.retain(|line| !line.is_empty());
                    lines.sort_by(|a, b| by_value(a.values[0], b.values[0], descending));
                } else {
                    self.annotations.sort_is_ineffective(span);
                }
                lines
            }
            (Kind::SortByLabel | Kind::SortByLabelDesc, [vector, names @ ..]) => {
                let lines = self.eval_vector(vector, steps)?;
                let names = self.texts(names, steps)?;
                if !self.query.step.is_zero() {
                    self.annotations.sort_is_ineffective(span);
                }
                labels::sorted(lines, &names, call.function.0 == Kind::SortByLabelDesc)
            }
            (Kind::LabelReplace, [vector, rest @ ..]) => {
                let lines = self.eval_vector(vector, steps)?;
                joined(labels::replace(lines, &self.texts(rest, steps)?)?)?
            }
            (Kind::LabelJoin, [vector, rest @ ..]) => {
                let lines = self.eval_vector(vector, steps)?;
                joined(labels::join(lines, &self.texts(rest, steps)?)?)?
            }
            (Kind::Info, args) => self.info(args, steps)?,
            (Kind::Histogram(function), [vector]) => {
                of_histograms(function, self.eval_vector(vector, steps)?)
            }
            (Kind::HistogramQuantile, [q, buckets]) => self.histogram_quantile(q, buckets, steps)?,
            (Kind::HistogramQuantiles, [buckets, label, qs @ ..]) => {
                self.histogram_quantiles(buckets, label, qs, steps)?
            }
            (Kind::HistogramFraction, [lower, upper, buckets]) => {
                self.histogram_fraction(lower, upper, buckets, steps)?
            }
            (Kind::Clamp | Kind::ClampMin | Kind::ClampMax | Kind::Round, [vector, rest @ ..]) => {
                self.bounded(call.function.0, vector, rest, steps)?
            }
            _ => {
                let message = format!("wrong number of arguments for {}", call.function.name());
                return Err(EvalError::Parameter { message });
            }
        };
        Ok(Lines::Vector(lines))
    }

    fn texts(&mut self, args: &[Expr], steps: &Steps) -> Result<Vec<String>, EvalError> {
        args.iter().map(|text| self.eval_string(text, steps)).collect()
    }

    fn of_query(&self, function: QueryFunction) -> f64 {
        let query = &self.query;
        match function {
            QueryFunction::Start => query.start.as_secs_f64(),
            QueryFunction::End => query.end.as_secs_f64(),
            QueryFunction::Step => query.step.as_secs_f64(),
            QueryFunction::Range => (query.end - query.start).as_secs_f64(),
        }
    }

    /// `timestamp`: of the samples themselves where a selector stands inside, of the evaluation elsewhere.
    fn timestamps(&mut self, vector: &Expr, steps: &Steps) -> Result<Vec<Line>, EvalError> {
        let mut lines = match &vector.unparenthesised().kind {
            ExprKind::Vector(selector) => self.vector_selector_times(selector, vector.span, steps)?,
            _ => {
                let mut lines = self.eval_vector(vector, steps)?;
                for line in &mut lines {
                    for step in (0..steps.count).filter(|step| line.present[*step]).collect::<Vec<_>>() {
                        line.set(step, steps.at(step).as_secs_f64());
                    }
                }
                lines
            }
        };
        lines.iter_mut().for_each(|line| line.drop_name = true);
        Ok(lines)
    }

    /// `clamp`, `clamp_min`, `clamp_max` and `round`: each value with one or two scalars.
    fn bounded(
        &mut self,
        kind: Kind,
        vector: &Expr,
        rest: &[Expr],
        steps: &Steps,
    ) -> Result<Vec<Line>, EvalError> {
        let mut lines = self.eval_vector(vector, steps)?;
        let params = rest.iter().map(|p| self.eval_scalar(p, steps)).collect::<Result<Vec<_>, _>>()?;
        let param = |n: usize, step: usize| params.get(n).map_or(1.0, |values: &Vec<f64>| values[step]);
        for line in &mut lines {
            line.drop_name = true;
            line.keep_floats();
            for step in 0..steps.count {
                let Some(value) = line.float(step) else { continue };
                let (first, second) = (param(0, step), param(1, step));
                match kind {
                    Kind::ClampMin => line.set(step, go_max(first, value)),
                    Kind::ClampMax => line.set(step, go_min(first, value)),
                    Kind::Clamp if second < first => line.present[step] = false,
                    Kind::Clamp => line.set(step, go_max(first, go_min(second, value))),
                    _ => {
                        let inverse = 1.0 / first;
                        line.set(step, (value * inverse + 0.5).floor() / inverse);
                    }
                }
            }
        }
        lines.retain(|line| !line.is_empty());
        Ok(lines)
    }
}

/// Applies a function to every float; the name goes, and histograms too.
fn map(mut lines: Vec<Line>, f: impl Fn(f64) -> f64) -> Vec<Line> {
    for line in &mut lines {
        line.drop_name = true;
        line.keep_floats();
        for value in &mut line.values {
            *value = f(*value);
        }
    }
    lines.retain(|line| !line.is_empty());
    lines
}

/// `histogram_count` and its kin: of each histogram; floats go.
fn of_histograms(function: HistogramFunction, lines: Vec<Line>) -> Vec<Line> {
    let mut out = Vec::with_capacity(lines.len());
    for line in lines {
        let mut values = Line::absent(line.labels.clone(), true, line.values.len());
        for step in 0..line.values.len() {
            let Some(histogram) = line.histogram(step) else { continue };
            let value = match function {
                HistogramFunction::Avg => histogram.sum / histogram.count,
                HistogramFunction::Count => histogram.count,
                HistogramFunction::Sum => histogram.sum,
                HistogramFunction::Stdvar => native::variance(histogram),
                HistogramFunction::Stddev => native::variance(histogram).sqrt(),
            };
            values.set(step, value);
        }
        if !values.is_empty() {
            out.push(values);
        }
    }
    out
}

fn compute(math: Math, v: f64) -> f64 {
    match math {
        Math::Abs => v.abs(),
        Math::Acos => v.acos(),
        Math::Acosh => v.acosh(),
        Math::Asin => v.asin(),
        Math::Asinh => v.asinh(),
        Math::Atan => v.atan(),
        Math::Atanh => v.atanh(),
        Math::Ceil => v.ceil(),
        Math::Cos => v.cos(),
        Math::Cosh => v.cosh(),
        Math::Deg => v * 180.0 / std::f64::consts::PI,
        Math::Exp => v.exp(),
        Math::Floor => v.floor(),
        Math::Ln => v.ln(),
        Math::Log10 => v.log10(),
        Math::Log2 => v.log2(),
        Math::Rad => v * std::f64::consts::PI / 180.0,
        Math::Sgn if v < 0.0 => -1.0,
        Math::Sgn if v > 0.0 => 1.0,
        Math::Sgn => v,
        Math::Sin => v.sin(),
        Math::Sinh => v.sinh(),
        Math::Sqrt => v.sqrt(),
        Math::Tan => v.tan(),
        Math::Tanh => v.tanh(),
    }
}

fn only_element(lines: &[Line], steps: &Steps) -> Vec<f64> {
    (0..steps.count)
        .map(|step| {
            let mut there = lines.iter().filter_map(|line| line.float(step));
            match (there.next(), there.next()) {
                (Some(only), None) => only,
                _ => f64::NAN,
            }
        })
        .collect()
}

/// 1 at each step where no line has a sample, with the labels that the selector's equality matchers name.
fn absent(lines: &[Line], argument: &Expr, steps: &Steps) -> Vec<Line> {
    let mut line = Line::absent(absent_labels(argument), false, steps.count);
    for step in 0..steps.count {
        if !lines.iter().any(|l| l.present[step]) {
            line.set(step, 1.0);
        }
    }
    if line.is_empty() { Vec::new() } else { vec![line] }
}

fn absent_labels(argument: &Expr) -> Labels {
    let matchers = match &argument.unparenthesised().kind {
        ExprKind::Vector(selector) => &selector.matchers,
        ExprKind::Matrix(matrix) => &matrix.selector.matchers,
        _ => return Labels::empty(),
    };
    // A second matcher after the equality takes the value away, for good; one before it does not.
    let mut named: BTreeMap<&str, Option<&str>> = BTreeMap::new();
    for matcher in matchers.iter().filter(|m| m.name() != METRIC_NAME) {
        match named.get_mut(matcher.name()) {
            Some(known) => *known = None,
            None if matcher.op() == MatchOp::Equal => {
                named.insert(matcher.name(), Some(matcher.value()));
            }
            None => {}
        }
    }
    Labels::from_pairs(named.into_iter().filter_map(|(name, value)| Some((name, value?))))
}
