//! `histogram_quantile`, `histogram_quantiles` and `histogram_fraction`: of classic buckets and of native
//! histograms.

use std::sync::Arc;

use assurance_metrics_model::{Histogram, Labels, format_float};
use hashbrown::HashMap;

use crate::ast::{Expr, Span};
use crate::error::EvalError;
use crate::eval::Evaluator;
use crate::line::{Line, Steps};
use crate::native;

const LE: &str = "le";

/// Counts that differ by less than this share are equal: rounding of rates, not a fault.
const TOLERANCE: f64 = 1e-12;

#[derive(Clone, Copy, Debug)]
pub(crate) struct Bucket {
    pub(crate) upper: f64,
    pub(crate) count: f64,
}

/// One histogram over all steps: the lines of its classic buckets, and its native form.
#[derive(Default)]
struct Parts {
    labels: Labels,
    /// Upper bounds and the lines that count up to them.
    buckets: Vec<(f64, usize)>,
    natives: Vec<usize>,
}

/// A histogram at one step.
enum At<'a> {
    Classic(&'a mut Vec<Bucket>),
    Native(&'a Arc<Histogram>),
}

impl Evaluator<'_> {
    pub(crate) fn histogram_quantile(
        &mut self,
        q: &Expr,
        buckets: &Expr,
        steps: &Steps,
    ) -> Result<Vec<Line>, EvalError> {
        let qs = self.eval_scalar(q, steps)?;
        let lines = self.eval_vector(buckets, steps)?;
        qs.iter().for_each(|value| self.annotations.quantile(*value, q.span));
        let spans = (q.span, buckets.span);
        Ok(self.each_histogram(&lines, buckets.span, steps, |this, metric, step, at| {
            this.quantile(qs[step], at, metric, spans)
        }))
    }

    pub(crate) fn histogram_quantiles(
        &mut self,
        buckets: &Expr,
        label: &Expr,
        qs: &[Expr],
        steps: &Steps,
    ) -> Result<Vec<Line>, EvalError> {
        let lines = self.eval_vector(buckets, steps)?;
        let label = self.eval_string(label, steps)?;
        if label.is_empty() {
            return Err(EvalError::Parameter { message: format!("invalid label name {label:?}") });
        }
        let spans = (buckets.span, buckets.span);
        let mut out: Vec<Line> = Vec::new();
        for q in qs {
            let values = self.eval_scalar(q, steps)?;
            values.iter().for_each(|value| self.annotations.quantile(*value, q.span));
            let of_q = self.each_histogram(&lines, buckets.span, steps, |this, metric, step, at| {
                this.quantile(values[step], at, metric, spans)
            });
            for line in of_q {
                // The quantile may change from step to step; most often it does not.
                let mut by_value: Vec<(u64, Line)> = Vec::new();
                for (step, q) in values.iter().enumerate() {
                    let Some(value) = line.float(step) else { continue };
                    let bits = q.to_bits();
                    let at = by_value.iter().position(|(known, _)| *known == bits).unwrap_or_else(|| {
                        let labels = line.labels.with(&label, &open_metrics_float(*q));
                        by_value.push((bits, Line::absent(labels, line.drop_name, steps.count)));
                        by_value.len() - 1
                    });
                    by_value[at].1.set(step, value);
                }
                out.extend(by_value.into_iter().map(|(_, line)| line));
            }
        }
        Ok(out)
    }

    pub(crate) fn histogram_fraction(
        &mut self,
        lower: &Expr,
        upper: &Expr,
        buckets: &Expr,
        steps: &Steps,
    ) -> Result<Vec<Line>, EvalError> {
        let lowers = self.eval_scalar(lower, steps)?;
        let uppers = self.eval_scalar(upper, steps)?;
        let lines = self.eval_vector(buckets, steps)?;
        Ok(self.each_histogram(&lines, buckets.span, steps, |this, metric, step, at| match at {
            At::Native(histogram) => {
                let (value, has_nan) = native::fraction(lowers[step], uppers[step], histogram);
                if has_nan {
                    this.annotations.fraction_has_nan(metric, lower.span);
                }
                value
            }
            At::Classic(buckets) => fraction(lowers[step], uppers[step], buckets),
        }))
    }

    fn quantile(&mut self, q: f64, at: At<'_>, metric: &str, (native_span, span): (Span, Span)) -> f64 {
        match at {
            At::Native(histogram) => {
                let (value, nan) = native::quantile(q, histogram);
                match nan {
                    native::NanObservations::None => {}
                    native::NanObservations::Decide => self.annotations.quantile_is_nan(metric, native_span),
                    native::NanObservations::Skew => {
                        self.annotations.quantile_is_skewed(metric, native_span);
                    }
                }
                value
            }
            At::Classic(buckets) => {
                let (value, repaired) = quantile(q, buckets);
                if repaired {
                    self.annotations.forced_monotonic(metric, span);
                }
                value
            }
        }
    }

    /// Computes a number of each histogram at each step.
    fn each_histogram(
        &mut self,
        lines: &[Line],
        span: Span,
        steps: &Steps,
        mut compute: impl FnMut(&mut Self, &str, usize, At<'_>) -> f64,
    ) -> Vec<Line> {
        let mut histograms: Vec<Parts> = Vec::new();
        let mut found: HashMap<Labels, usize> = HashMap::new();
        let mut place = |histograms: &mut Vec<Parts>, labels: Labels| {
            *found.entry(labels.clone()).or_insert_with(|| {
                histograms.push(Parts { labels, ..Parts::default() });
                histograms.len() - 1
            })
        };
        for (at, line) in lines.iter().enumerate() {
            if (0..steps.count).any(|step| line.float(step).is_some()) {
                let bound = line.labels.get_or_empty(LE);
                if let Some(upper) = assurance_metrics_model::parse_float(bound) {
                    let place = place(&mut histograms, line.labels.without(&[LE]));
                    histograms[place].buckets.push((upper, at));
                } else {
                    self.annotations.bad_bucket_label(bound, line.labels.metric_name(), span);
                }
            }
            if !line.is_float() {
                let place = place(&mut histograms, line.labels.clone());
                histograms[place].natives.push(at);
            }
        }
        let mut out = Vec::with_capacity(histograms.len());
        let mut buckets = Vec::new();
        for Parts { labels, buckets: bounds, natives } in histograms {
            let metric = labels.metric_name().to_owned();
            let mut line = Line::absent(labels, true, steps.count);
            for step in 0..steps.count {
                buckets.clear();
                buckets.extend(bounds.iter().filter_map(|(upper, at)| {
                    Some(Bucket { upper: *upper, count: lines[*at].float(step)? })
                }));
                let native = natives.iter().find_map(|at| lines[*at].histogram(step));
                let value = match native {
                    Some(_) if !buckets.is_empty() => {
                        self.annotations.classic_and_native(&metric, span);
                        continue;
                    }
                    Some(native) => compute(self, &metric, step, At::Native(native)),
                    None if buckets.is_empty() => continue,
                    None => compute(self, &metric, step, At::Classic(&mut buckets)),
                };
                line.set(step, value);
            }
            if !line.is_empty() {
                out.push(line);
            }
        }
        out
    }
}

/// A float as OpenMetrics writes it in a label: never without a point.
fn open_metrics_float(value: f64) -> String {
    let text = format_float(value);
    if value.is_finite() && !text.contains('.') { text + ".0" } else { text }
}

/// The share of observations between two bounds, by linear interpolation inside buckets (Prometheus
/// `BucketFraction`).
fn fraction(lower: f64, upper: f64, buckets: &mut Vec<Bucket>) -> f64 {
    buckets.sort_by(|a, b| crate::numbers::nan_first(a.upper, b.upper));
    let Some(last) = buckets.last() else { return f64::NAN };
    if last.upper != f64::INFINITY {
        return f64::NAN;
    }
    coalesce(buckets);
    let count = buckets[buckets.len() - 1].count;
    if count == 0.0 || lower.is_nan() || upper.is_nan() {
        return f64::NAN;
    }
    if lower >= upper {
        return 0.0;
    }
    (rank_of(upper, buckets, count) - rank_of(lower, buckets, count)) / count
}

/// How many observations are at `bound` or below.
fn rank_of(bound: f64, buckets: &[Bucket], count: f64) -> f64 {
    let (mut before, mut start) = (0.0, f64::NEG_INFINITY);
    for bucket in buckets {
        let end = bucket.upper;
        // The first bucket begins at zero, unless it ends there or below.
        if start == f64::NEG_INFINITY && end > 0.0 {
            start = 0.0;
        }
        if bound <= start {
            return before;
        }
        if bound < end {
            if start == f64::NEG_INFINITY || end == f64::INFINITY {
                // No telling where in an endless bucket: all of it, or nothing.
                return if start == f64::NEG_INFINITY { bucket.count } else { before };
            }
            return before + (bucket.count - before) * ((bound - start) / (end - start));
        }
        (before, start) = (bucket.count, end);
    }
    count
}

/// The quantile, and whether counts had to be made monotonic for it (Prometheus `BucketQuantile`).
fn quantile(q: f64, buckets: &mut Vec<Bucket>) -> (f64, bool) {
    if q.is_nan() {
        return (f64::NAN, false);
    }
    if q < 0.0 {
        return (f64::NEG_INFINITY, false);
    }
    if q > 1.0 {
        return (f64::INFINITY, false);
    }
    buckets.sort_by(|a, b| crate::numbers::nan_first(a.upper, b.upper));
    if buckets[buckets.len() - 1].upper != f64::INFINITY {
        return (f64::NAN, false);
    }
    coalesce(buckets);
    let repaired = make_monotonic(buckets);
    if buckets.len() < 2 {
        return (f64::NAN, repaired);
    }
    let last = buckets.len() - 1;
    let observations = buckets[last].count;
    if observations == 0.0 {
        return (f64::NAN, repaired);
    }
    let mut rank = q * observations;
    let at = buckets[..last].iter().position(|b| b.count >= rank).unwrap_or(last);
    if at == last {
        return (buckets[last - 1].upper, repaired);
    }
    if at == 0 && buckets[0].upper <= 0.0 {
        return (buckets[0].upper, repaired);
    }
    let (mut start, end, mut count) = (0.0, buckets[at].upper, buckets[at].count);
    if at > 0 {
        start = buckets[at - 1].upper;
        count -= buckets[at - 1].count;
        rank -= buckets[at - 1].count;
    }
    (start + (end - start) * (rank / count), repaired)
}

/// Adds buckets with the same bound together.
#[expect(clippy::float_cmp, reason = "bounds are equal when they read the same")]
fn coalesce(buckets: &mut Vec<Bucket>) {
    buckets.dedup_by(|next, kept| {
        let same = next.upper == kept.upper;
        if same {
            kept.count += next.count;
        }
        same
    });
}

#[expect(clippy::float_cmp, reason = "equal counts need no repair")]
fn make_monotonic(buckets: &mut [Bucket]) -> bool {
    let mut repaired = false;
    let mut before = buckets[0].count;
    for bucket in &mut buckets[1..] {
        if bucket.count == before {
            continue;
        }
        if almost_equal(before, bucket.count) {
            bucket.count = before;
        } else if bucket.count < before {
            bucket.count = before;
            repaired = true;
        } else {
            before = bucket.count;
        }
    }
    repaired
}

fn almost_equal(a: f64, b: f64) -> bool {
    let (sum, difference) = (a.abs() + b.abs(), (a - b).abs());
    if a == 0.0 || b == 0.0 || sum < f64::MIN_POSITIVE {
        return difference < TOLERANCE * f64::MIN_POSITIVE;
    }
    difference / sum.min(f64::MAX) < TOLERANCE
}
