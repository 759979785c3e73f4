//! Aggregation: many lines into one a group, or a choice among them.

use std::sync::Arc;

use assurance_metrics_model::{Histogram, Labels, Value, format_float};
use hashbrown::HashMap;

use crate::annotations::Combining;
use crate::ast::{Aggregate, AggregateOp, Grouping, Span};
use crate::combining::{Aggregated, HistogramSum};
use crate::error::EvalError;
use crate::eval::Evaluator;
use crate::line::{IDENTITY, Line, Steps};
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
            Some(param) => {
                let values = self.eval_scalar(param, steps)?;
                self.check_param(op, &values, param.span)?;
                values
            }
            None => Vec::new(),
        };
        let lines = self.eval_vector(&aggregate.expr, steps)?;
        let groups = groups(&lines, &aggregate.grouping);
        let span = aggregate.expr.span;
        match op {
            AggregateOp::Topk | AggregateOp::Bottomk | AggregateOp::Limitk | AggregateOp::LimitRatio => {
                Ok(self.choose(op, &param, lines, &groups, steps, span))
            }
            AggregateOp::Sum if lines.iter().all(Line::is_float) => Ok(sums(&lines, groups, steps)),
            _ => {
                let combine = |group| self.combined(op, &param, &lines, group, steps, span);
                Ok(groups.into_iter().map(combine).filter(|line| !line.is_empty()).collect())
            }
        }
    }

    fn check_param(&mut self, op: AggregateOp, param: &[f64], span: Span) -> Result<(), EvalError> {
        match op {
            AggregateOp::Quantile => param.iter().for_each(|q| self.annotations.quantile(*q, span)),
            AggregateOp::LimitRatio => {
                for ratio in param {
                    if ratio.is_nan() {
                        return Err(EvalError::Parameter { message: format!("Ratio value is {ratio}") });
                    }
                    if ratio.abs() > 1.0 {
                        self.annotations.ratio(*ratio, span);
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
                for sample in group.members.iter().filter_map(|at| lines[*at].sample(step)) {
                    let text = match sample {
                        Value::Float(value) => format_float(value),
                        Value::Histogram(histogram) => histogram.to_string(),
                        _ => continue,
                    };
                    let labels = group.labels.with(&label, &text);
                    let at = *found.entry(labels.clone()).or_insert_with(|| {
                        out.push(Line::absent(labels, group.drop_name, steps.count));
                        out.len() - 1
                    });
                    let count = out[at].float(step).unwrap_or(0.0);
                    out[at].set(step, count + 1.0);
                }
            }
        }
        Ok(out)
    }

    /// One line of a group's samples at each step.
    fn combined(
        &mut self,
        op: AggregateOp,
        param: &[f64],
        lines: &[Line],
        group: Group,
        steps: &Steps,
        span: Span,
    ) -> Line {
        let mut line = Line::absent(group.labels, group.drop_name, steps.count);
        let mut values: Vec<f64> = Vec::new();
        let mut histograms: Vec<&Arc<Histogram>> = Vec::new();
        for step in 0..steps.count {
            values.clear();
            histograms.clear();
            for at in &group.members {
                match lines[*at].histogram(step) {
                    Some(histogram) => histograms.push(histogram),
                    None => values.extend(lines[*at].float(step)),
                }
            }
            if values.is_empty() && histograms.is_empty() {
                continue;
            }
            match op {
                AggregateOp::Count => line.set(step, as_float(values.len() + histograms.len())),
                AggregateOp::Group => line.set(step, 1.0),
                AggregateOp::Sum | AggregateOp::Avg if !histograms.is_empty() => {
                    if !values.is_empty() {
                        self.annotations.mixed_in_aggregation(span);
                        continue;
                    }
                    let metric = group.members.first().map_or("", |at| lines[*at].labels.metric_name());
                    if let Some(histogram) = self.sum_of(&histograms, op == AggregateOp::Avg, metric, span) {
                        line.set_histogram(step, Arc::new(histogram));
                    }
                }
                _ => {
                    if !histograms.is_empty() {
                        self.annotations.ignored_in_aggregation(op.as_str(), span);
                    }
                    if !values.is_empty() {
                        let q = param.get(step).copied().unwrap_or(f64::NAN);
                        line.set(step, combine(op, q, &mut values));
                    }
                }
            }
        }
        line
    }

    fn sum_of(
        &mut self,
        histograms: &[&Arc<Histogram>],
        average: bool,
        metric: &str,
        span: Span,
    ) -> Option<Histogram> {
        let mut sum = HistogramSum::new(average);
        for histogram in histograms {
            if sum.add(histogram).is_err() {
                self.annotations.exponential_and_custom(metric, span);
                return None;
            }
        }
        let Aggregated { mut histogram, collision, reconciled } = sum.finish()?;
        if collision {
            self.annotations.reset_collision(Combining::Aggregation, span);
        }
        if reconciled {
            self.annotations.reconciled(Combining::Aggregation, span);
        }
        histogram.compact(0);
        Some(histogram)
    }

    /// Keeps some lines of each group at each step, with their labels.
    fn choose(
        &mut self,
        op: AggregateOp,
        params: &[f64],
        mut lines: Vec<Line>,
        groups: &[Group],
        steps: &Steps,
        span: Span,
    ) -> Vec<Line> {
        if matches!(op, AggregateOp::Topk | AggregateOp::Bottomk) {
            for line in lines.iter_mut().filter(|line| !line.is_float()) {
                self.annotations.ignored_in_aggregation(op.as_str(), span);
                line.keep_floats();
            }
        }
        let mut out: Vec<Line> =
            lines.iter().map(|l| Line::absent(l.labels.clone(), l.drop_name, steps.count)).collect();
        let mut order: Vec<usize> = Vec::new();
        for group in groups {
            let mut kept = Vec::new();
            for (step, param) in params.iter().copied().enumerate() {
                let value = |at: usize| lines[at].values[step];
                kept.clear();
                kept.extend(group.members.iter().copied().filter(|at| lines[*at].present[step]));
                let first = |kept: &mut Vec<usize>, descending| {
                    let k = as_index(param);
                    let order = |a: &usize, b: &usize| {
                        by_value(value(*a), value(*b), descending).then_with(|| a.cmp(b))
                    };
                    if k > 0 && k < kept.len() {
                        kept.select_nth_unstable_by(k - 1, order);
                        kept.truncate(k);
                    }
                    kept.sort_by(order);
                };
                match op {
                    AggregateOp::Topk => first(&mut kept, true),
                    AggregateOp::Bottomk => first(&mut kept, false),
                    AggregateOp::LimitRatio => kept.retain(|at| in_ratio(&lines[*at].labels, param)),
                    _ => {}
                }
                if op != AggregateOp::LimitRatio {
                    kept.truncate(as_index(param));
                }
                for at in &kept {
                    if let Some(sample) = lines[*at].sample(step) {
                        out[*at].put(step, sample);
                    }
                }
            }
            // An instant result keeps the order of the choice.
            order.extend(if steps.count == 1 { kept } else { group.members.clone() });
        }
        let mut out: Vec<Option<Line>> = out.into_iter().map(Some).collect();
        order.into_iter().filter_map(|at| out[at].take()).filter(|line| !line.is_empty()).collect()
    }
}

/// Sums of floats, line by line: the commonest aggregation, and one that reads memory in order.
fn sums(lines: &[Line], groups: Vec<Group>, steps: &Steps) -> Vec<Line> {
    let mut totals: Vec<Sum> = Vec::new();
    let sum = |group: Group| {
        totals.clear();
        totals.resize(steps.count, Sum::default());
        let mut out = Line::absent(group.labels, group.drop_name, steps.count);
        for line in group.members.iter().map(|at| &lines[*at]) {
            for (step, total) in totals.iter_mut().enumerate() {
                if line.present[step] {
                    total.add(line.values[step]);
                    out.present[step] = true;
                }
            }
        }
        out.values.iter_mut().zip(&totals).for_each(|(value, total)| *value = total.total());
        out
    };
    groups.into_iter().map(sum).filter(|line| !line.is_empty()).collect()
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
        AggregateOp::Stdvar => variance(values),
        AggregateOp::Stddev => variance(values).sqrt(),
        AggregateOp::Quantile => quantile(param, values),
        // The others are dealt with before.
        _ => f64::NAN,
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
