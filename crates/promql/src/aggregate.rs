//! Aggregation: many lines into one a group, or a choice among them.

use assurance_metrics_model::{Labels, format_float};
use hashbrown::HashMap;

use crate::ast::{Aggregate, AggregateOp, Grouping};
use crate::error::EvalError;
use crate::eval::{Evaluator, IDENTITY, Line, Steps};
use crate::numbers::{Mean, Sum, as_float, as_index, quantile};
use crate::range_function::by_value;

/// The largest and smallest floats that an int64 can hold, as Prometheus bounds `k`.
const MAX_COUNT: f64 = 9_223_372_036_854_774_784.0;
const MIN_COUNT: f64 = -9_223_372_036_854_775_808.0;

/// Lines that are aggregated into one.
struct Group {
    labels: Labels,
    drop_name: bool,
    members: Vec<usize>,
}

fn groups(lines: &[Line], grouping: &Grouping) -> Vec<Group> {
    let names: Vec<&str> = grouping.labels.iter().map(String::as_str).collect();
    let mut without: Vec<&str> = names.clone();
    without.extend(IDENTITY);
    let mut found: HashMap<Labels, usize> = HashMap::new();
    let mut groups: Vec<Group> = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let labels = if grouping.include { line.labels.only(&names) } else { line.labels.without(&without) };
        let group = *found.entry(labels.clone()).or_insert_with(|| {
            groups.push(Group { labels, drop_name: line.drop_name, members: Vec::new() });
            groups.len() - 1
        });
        groups[group].members.push(at);
    }
    groups
}

impl Evaluator<'_> {
    pub(crate) fn aggregate(&mut self, aggregate: &Aggregate, steps: &Steps) -> Result<Vec<Line>, EvalError> {
        let op = aggregate.op;
        if op == AggregateOp::CountValues {
            return self.count_values(aggregate, steps);
        }
        let param = match &aggregate.param {
            Some(param) => self.eval_scalar(param, steps)?,
            None => Vec::new(),
        };
        self.check_param(op, &param)?;
        let lines = self.eval_vector(&aggregate.expr, steps)?;
        let groups = groups(&lines, &aggregate.grouping);
        if matches!(
            op,
            AggregateOp::Topk | AggregateOp::Bottomk | AggregateOp::Limitk | AggregateOp::LimitRatio
        ) {
            return Ok(choose(op, &param, &lines, &groups, steps));
        }
        let mut out = Vec::with_capacity(groups.len());
        let mut values = Vec::new();
        for group in groups {
            let mut line = Line::absent(group.labels, group.drop_name, steps.count);
            for step in 0..steps.count {
                values.clear();
                values.extend(group.members.iter().filter_map(|at| lines[*at].get(step)));
                if !values.is_empty() {
                    let q = param.get(step).copied().unwrap_or(f64::NAN);
                    line.set(step, combine(op, q, &mut values));
                }
            }
            out.push(line);
        }
        Ok(out)
    }

    fn check_param(&mut self, op: AggregateOp, param: &[f64]) -> Result<(), EvalError> {
        match op {
            AggregateOp::Quantile => {
                for q in param.iter().filter(|q| !(0.0..=1.0).contains(*q)) {
                    self.warnings.insert(format!(
                        "PromQL warning: quantile value should be between 0 and 1, got {}",
                        format_float(*q)
                    ));
                }
            }
            AggregateOp::LimitRatio => {
                for ratio in param {
                    if ratio.is_nan() {
                        return Err(EvalError::Parameter { message: format!("Ratio value is {ratio}") });
                    }
                    if ratio.abs() > 1.0 {
                        self.warnings.insert(format!(
                            "PromQL warning: ratio value should be between -1 and 1, got {}, capping to {}",
                            format_float(*ratio),
                            if *ratio > 0.0 { 1 } else { -1 }
                        ));
                    }
                }
            }
            AggregateOp::Topk | AggregateOp::Bottomk | AggregateOp::Limitk => {
                for k in param {
                    if k.is_nan() {
                        return Err(EvalError::Parameter { message: "Parameter value is NaN".to_owned() });
                    }
                    let flows = match *k {
                        k if k > MAX_COUNT => Some("overflows"),
                        k if k < MIN_COUNT => Some("underflows"),
                        _ => None,
                    };
                    if let Some(flows) = flows {
                        let message = format!("Scalar value {} {flows} int64", format_float(*k));
                        return Err(EvalError::Parameter { message });
                    }
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn count_values(&mut self, aggregate: &Aggregate, steps: &Steps) -> Result<Vec<Line>, EvalError> {
        let label = match &aggregate.param {
            Some(param) => self.eval_string(param, steps)?,
            None => String::new(),
        };
        if label.is_empty() {
            return Err(EvalError::Parameter { message: format!("invalid label name {label:?}") });
        }
        let mut grouping = aggregate.grouping.clone();
        if !grouping.include && !grouping.labels.contains(&label) {
            grouping.labels.push(label.clone());
        }
        let lines = self.eval_vector(&aggregate.expr, steps)?;
        let mut out: Vec<Line> = Vec::new();
        let mut found: HashMap<Labels, usize> = HashMap::new();
        for group in groups(&lines, &grouping) {
            for step in 0..steps.count {
                for value in group.members.iter().filter_map(|at| lines[*at].get(step)) {
                    let labels = group.labels.with(&label, &format_float(value));
                    let at = *found.entry(labels.clone()).or_insert_with(|| {
                        out.push(Line::absent(labels, group.drop_name, steps.count));
                        out.len() - 1
                    });
                    let count = out[at].get(step).unwrap_or(0.0);
                    out[at].set(step, count + 1.0);
                }
            }
        }
        Ok(out)
    }
}

fn combine(op: AggregateOp, param: f64, values: &mut [f64]) -> f64 {
    match op {
        AggregateOp::Sum => {
            let mut sum = Sum::default();
            values.iter().for_each(|v| sum.add(*v));
            sum.total()
        }
        AggregateOp::Avg => {
            let mut mean = Mean::default();
            values.iter().for_each(|v| mean.add(*v));
            mean.mean()
        }
        AggregateOp::Min => {
            values.iter().copied().fold(f64::NAN, |a, b| if b < a || a.is_nan() { b } else { a })
        }
        AggregateOp::Max => {
            values.iter().copied().fold(f64::NAN, |a, b| if b > a || a.is_nan() { b } else { a })
        }
        AggregateOp::Count => as_float(values.len()),
        AggregateOp::Stdvar => variance(values),
        AggregateOp::Stddev => variance(values).sqrt(),
        AggregateOp::Quantile => quantile(param, values),
        // `group` is 1; the choosing operators and count_values never come here.
        _ => 1.0,
    }
}

fn variance(values: &[f64]) -> f64 {
    let (mut mean, mut squares, mut count) = (0.0, 0.0, 0.0);
    for value in values {
        count += 1.0;
        let delta = value - mean;
        mean += delta / count;
        squares += delta * (value - mean);
    }
    if values[0].is_nan() || values[0].is_infinite() { f64::NAN } else { squares / count }
}

/// Keeps some lines of each group at each step, with their labels.
fn choose(op: AggregateOp, params: &[f64], lines: &[Line], groups: &[Group], steps: &Steps) -> Vec<Line> {
    let mut out: Vec<Line> =
        lines.iter().map(|l| Line::absent(l.labels.clone(), l.drop_name, steps.count)).collect();
    let mut order: Vec<usize> = Vec::new();
    for group in groups {
        let mut kept = Vec::new();
        for (step, param) in params.iter().copied().enumerate() {
            let value = |at: usize| lines[at].get(step).unwrap_or_default();
            kept.clear();
            kept.extend(group.members.iter().copied().filter(|at| lines[*at].present[step]));
            match op {
                AggregateOp::Topk => kept.sort_by(|a, b| by_value(value(*a), value(*b), true)),
                AggregateOp::Bottomk => kept.sort_by(|a, b| by_value(value(*a), value(*b), false)),
                AggregateOp::LimitRatio => kept.retain(|at| in_ratio(&lines[*at].labels, param)),
                _ => {}
            }
            if op != AggregateOp::LimitRatio {
                kept.truncate(as_index(param));
            }
            for at in &kept {
                out[*at].set(step, value(*at));
            }
        }
        // An instant result keeps the order of the choice.
        order.extend(if steps.count == 1 { kept } else { group.members.clone() });
    }
    let mut out: Vec<Option<Line>> = out.into_iter().map(Some).collect();
    order.into_iter().filter_map(|at| out[at].take()).filter(|line| !line.is_empty()).collect()
}

/// Whether a series belongs to the sample that a ratio takes: by a hash of its labels, so that it is the same
/// at every step; a negative ratio takes the others.
fn in_ratio(labels: &Labels, ratio: f64) -> bool {
    let mut hash = labels.fingerprint();
    // FNV's high bits mix poorly for short labels; finish as MurmurHash3 does.
    hash = (hash ^ (hash >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    hash = (hash ^ (hash >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    hash ^= hash >> 33;
    #[expect(clippy::cast_precision_loss, reason = "a place between 0 and 1 needs no more than 53 bits")]
    let place = hash as f64 / u64::MAX as f64;
    if ratio >= 0.0 { place < ratio } else { place >= 1.0 + ratio }
}
