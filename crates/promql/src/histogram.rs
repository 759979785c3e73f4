//! `histogram_quantile` on classic histograms.

use assurance_metrics_model::{Labels, METRIC_NAME, format_float};
use hashbrown::HashMap;

use crate::eval::{Evaluator, Line, Steps};

const LE: &str = "le";

/// Counts that differ by less than this share are equal: rounding of rates, not a fault.
const TOLERANCE: f64 = 1e-12;

#[derive(Clone, Copy, Debug)]
struct Bucket {
    upper: f64,
    count: f64,
}

impl Evaluator<'_> {
    pub(crate) fn histogram_quantile(&mut self, q: &[f64], lines: &[Line], steps: &Steps) -> Vec<Line> {
        for q in q.iter().filter(|q| !(0.0..=1.0).contains(*q)) {
            self.warnings.insert(format!(
                "PromQL warning: quantile value should be between 0 and 1, got {}",
                format_float(*q)
            ));
        }
        let mut order: Vec<(Labels, Vec<(f64, usize)>)> = Vec::new();
        let mut found: HashMap<Labels, usize> = HashMap::new();
        for (at, line) in lines.iter().enumerate() {
            let name = line.labels.metric_name();
            let bound = line.labels.get_or_empty(LE);
            let Some(upper) = assurance_metrics_model::parse_float(bound) else {
                self.warnings.insert(format!(
                    "PromQL warning: bucket label \"le\" is missing or has a malformed value of {bound:?} for metric name {name:?}"
                ));
                continue;
            };
            let group = line.labels.without(&[LE, METRIC_NAME]);
            let index = *found.entry(group.clone()).or_insert_with(|| {
                order.push((group, Vec::new()));
                order.len() - 1
            });
            order[index].1.push((upper, at));
        }
        let mut out = Vec::with_capacity(order.len());
        let mut buckets = Vec::new();
        for (labels, members) in order {
            let mut line = Line::absent(labels, false, steps.count);
            for (step, q) in q.iter().enumerate() {
                buckets.clear();
                buckets.extend(
                    members.iter().filter_map(|(upper, at)| {
                        Some(Bucket { upper: *upper, count: lines[*at].get(step)? })
                    }),
                );
                if buckets.is_empty() {
                    continue;
                }
                let (value, repaired) = quantile(*q, &mut buckets);
                line.set(step, value);
                if repaired {
                    let name = members.first().map_or("", |(_, at)| lines[*at].labels.metric_name());
                    self.infos.insert(format!(
                        "PromQL info: input to histogram_quantile needed to be fixed for monotonicity (see https://prometheus.io/docs/prometheus/latest/querying/functions/#histogram_quantile) for metric name {name:?}"
                    ));
                }
            }
            if !line.is_empty() {
                out.push(line);
            }
        }
        out
    }
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
