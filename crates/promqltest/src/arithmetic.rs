//! What sequences of histograms need: adding and subtracting.

use std::collections::BTreeMap;

use assurance_metrics_model::{Histogram, ResetHint, Span};

use crate::histogram::populated;

/// Adds `step`, times `sign`, to `base`.
///
/// # Errors
/// Why they do not go together.
pub(crate) fn combine(base: &Histogram, step: &Histogram, sign: f64) -> Result<Histogram, String> {
    let custom = |h: &Histogram| h.schema == Histogram::CUSTOM_BUCKETS;
    if custom(base) != custom(step) {
        return Err("one has custom buckets, the other exponential ones".to_owned());
    }
    if base.schema > step.schema {
        return Err(format!("schema {} is finer than {}", base.schema, step.schema));
    }
    if base.bounds != step.bounds {
        return Err("their custom buckets differ".to_owned());
    }
    if base.zero_threshold.total_cmp(&step.zero_threshold).is_ne() {
        return Err("their zero buckets differ in width".to_owned());
    }
    let coarser = step.schema - base.schema;
    let side = |base: (&[Span], &[f64]), step: (&[Span], &[f64])| {
        let mut buckets: BTreeMap<i64, f64> = populated(base.0, base.1).into_iter().collect();
        for (index, count) in populated(step.0, step.1) {
            let index = if coarser == 0 { index } else { ((index - 1) >> coarser) + 1 };
            *buckets.entry(index).or_default() += sign * count;
        }
        sparse(buckets)
    };
    let (positive_spans, positive_counts) =
        side((&base.positive_spans, &base.positive_counts), (&step.positive_spans, &step.positive_counts));
    let (negative_spans, negative_counts) =
        side((&base.negative_spans, &base.negative_counts), (&step.negative_spans, &step.negative_counts));
    let reset_hint = match (base.reset_hint, step.reset_hint) {
        (a, b) if a == b => a,
        (ResetHint::Gauge, _) | (_, ResetHint::Gauge) => ResetHint::Gauge,
        _ => ResetHint::Unknown,
    };
    Ok(Histogram {
        schema: base.schema,
        zero_threshold: base.zero_threshold,
        zero_count: base.zero_count + sign * step.zero_count,
        count: base.count + sign * step.count,
        sum: base.sum + sign * step.sum,
        positive_spans,
        positive_counts,
        negative_spans,
        negative_counts,
        bounds: base.bounds.clone(),
        reset_hint,
    })
}

/// Spans and counts of buckets with rising indices; empty ones are left out.
pub(crate) fn sparse(buckets: impl IntoIterator<Item = (i64, f64)>) -> (Vec<Span>, Vec<f64>) {
    let (mut spans, mut counts): (Vec<Span>, Vec<f64>) = (Vec::new(), Vec::new());
    let mut next = 0;
    for (index, count) in buckets.into_iter().filter(|(_, count)| *count != 0.0) {
        match spans.last_mut() {
            Some(span) if index == next => span.length += 1,
            _ => spans.push(Span { offset: i32::try_from(index - next).unwrap_or(i32::MAX), length: 1 }),
        }
        next = index + 1;
        counts.push(count);
    }
    (spans, counts)
}
