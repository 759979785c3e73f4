//! Functions of an instant.

use std::collections::BTreeMap;

use assurance_metrics_model::{Labels, METRIC_NAME, MatchOp};

use crate::ast::{Call, Expr};
use crate::error::EvalError;
use crate::eval::{Evaluator, Line, Lines, Steps, map};
use crate::function::{Kind, Math};
use crate::range_function::by_value;
use crate::select::Take;
use crate::{dates, labels};

impl Evaluator<'_> {
    pub(crate) fn call(&mut self, call: &Call, steps: &Steps) -> Result<Lines, EvalError> {
        let args = call.args.as_slice();
        let lines = match (call.function.0, args) {
            (Kind::Pi, _) => return Ok(Lines::Scalar(vec![std::f64::consts::PI; steps.count])),
            (Kind::Time, _) => return Ok(Lines::Scalar(times(steps))),
            (Kind::Scalar, [vector]) => {
                let lines = self.eval_vector(vector, steps)?;
                return Ok(Lines::Scalar(only_element(&lines, steps)));
            }
            (Kind::Vector, [scalar]) => {
                let values = self.eval_scalar(scalar, steps)?;
                vec![Line {
                    labels: Labels::empty(),
                    drop_name: false,
                    present: vec![true; values.len()],
                    values,
                }]
            }
            (Kind::Math(math), [vector]) => map(self.eval_vector(vector, steps)?, |v| compute(math, v)),
            (Kind::Range(function), args) => self.range_function(function, args, steps)?,
            (Kind::Date(date), args) => {
                let lines = match args.first() {
                    Some(vector) => self.eval_vector(vector, steps)?,
                    None => {
                        let (values, present) = (times(steps), vec![true; steps.count]);
                        vec![Line { labels: Labels::empty(), drop_name: false, present, values }]
                    }
                };
                map(lines, |v| dates::part(date, v))
            }
            (Kind::Absent, [vector]) => {
                let lines = self.eval_vector(vector, steps)?;
                absent(&lines, vector, steps)
            }
            (Kind::AbsentOverTime, [matrix]) => {
                let lines = self.range_function(crate::function::RangeFunction::Present, args, steps)?;
                absent(&lines, matrix, steps)
            }
            (Kind::Timestamp, [vector]) => match vector.unparenthesised() {
                Expr::Vector(selector) => {
                    let mut lines = self.vector_selector(selector, steps, Take::Time)?;
                    lines.iter_mut().for_each(|line| line.drop_name = true);
                    lines
                }
                _ => {
                    let mut lines = self.eval_vector(vector, steps)?;
                    for line in &mut lines {
                        line.drop_name = true;
                        line.values = times(steps);
                    }
                    lines
                }
            },
            (Kind::Sort | Kind::SortDesc, [vector]) => {
                let descending = call.function.0 == Kind::SortDesc;
                let mut lines = self.eval_vector(vector, steps)?;
                // Only an instant result has an order.
                if steps.count == 1 {
                    lines.retain(|line| !line.is_empty());
                    lines.sort_by(|a, b| by_value(a.values[0], b.values[0], descending));
                }
                lines
            }
            (Kind::SortByLabel | Kind::SortByLabelDesc, [vector, names @ ..]) => {
                let lines = self.eval_vector(vector, steps)?;
                let names =
                    names.iter().map(|n| self.eval_string(n, steps)).collect::<Result<Vec<_>, _>>()?;
                labels::sorted(lines, &names, call.function.0 == Kind::SortByLabelDesc)
            }
            (Kind::LabelReplace, [vector, rest @ ..]) => {
                let lines = self.eval_vector(vector, steps)?;
                let texts = rest.iter().map(|t| self.eval_string(t, steps)).collect::<Result<Vec<_>, _>>()?;
                labels::replace(lines, &texts)?
            }
            (Kind::LabelJoin, [vector, rest @ ..]) => {
                let lines = self.eval_vector(vector, steps)?;
                let texts = rest.iter().map(|t| self.eval_string(t, steps)).collect::<Result<Vec<_>, _>>()?;
                labels::join(lines, &texts)?
            }
            (Kind::HistogramQuantile, [q, buckets]) => {
                let q = self.eval_scalar(q, steps)?;
                let lines = self.eval_vector(buckets, steps)?;
                self.histogram_quantile(&q, &lines, steps)
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
            for step in 0..steps.count {
                let Some(value) = line.get(step) else { continue };
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

pub(crate) fn times(steps: &Steps) -> Vec<f64> {
    (0..steps.count).map(|step| steps.at(step).as_secs_f64()).collect()
}

/// Go's `math.Max`: NaN wins.
fn go_max(a: f64, b: f64) -> f64 {
    if a.is_nan() || b.is_nan() { f64::NAN } else { a.max(b) }
}

/// Go's `math.Min`: NaN wins.
fn go_min(a: f64, b: f64) -> f64 {
    if a.is_nan() || b.is_nan() { f64::NAN } else { a.min(b) }
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
            let mut there = lines.iter().filter_map(|line| line.get(step));
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
    let matchers = match argument.unparenthesised() {
        Expr::Vector(selector) => &selector.matchers,
        Expr::Matrix(matrix) => &matrix.selector.matchers,
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
