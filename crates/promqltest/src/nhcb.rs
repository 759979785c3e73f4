//! `load_with_nhcb`: classic histograms once more, as native histograms with custom buckets.

use std::collections::BTreeMap;
use std::sync::Arc;

use assurance_metrics_model::{Histogram, Labels, METRIC_NAME, parse_float};

use crate::series::{LoadedSeries, Slot};

/// What the classic series of one histogram say at one step.
#[derive(Default)]
struct Classic {
    /// Counts up to and including each bound.
    buckets: Vec<(f64, f64)>,
    count: Option<f64>,
    sum: f64,
}

/// The native histograms behind the classic series of one load.
///
/// # Errors
/// If the parts of a histogram contradict each other.
pub(crate) fn convert(series: &[LoadedSeries]) -> Result<Vec<LoadedSeries>, String> {
    let mut found: BTreeMap<Labels, BTreeMap<usize, Classic>> = BTreeMap::new();
    for one in series {
        let name = one.labels.metric_name();
        let (part, base) = if let Some(base) = name.strip_suffix("_bucket") {
            let bound = one.labels.get("le").ok_or_else(|| format!("{} has no label le", one.labels))?;
            match parse_float(bound) {
                Some(bound) if !bound.is_nan() => (Part::Bucket(bound), base),
                _ => continue,
            }
        } else if let Some(base) = name.strip_suffix("_count") {
            (Part::Count, base)
        } else if let Some(base) = name.strip_suffix("_sum") {
            (Part::Sum, base)
        } else {
            continue;
        };
        let steps = found.entry(one.labels.without(&["le"]).with(METRIC_NAME, base)).or_default();
        for (step, slot) in one.slots.iter().enumerate() {
            let Slot::Float(value) = slot else { continue };
            let classic = steps.entry(step).or_default();
            match part {
                Part::Bucket(bound) => classic.buckets.push((bound, *value)),
                Part::Count => classic.count = Some(*value),
                Part::Sum => classic.sum = *value,
            }
        }
    }
    let mut converted = Vec::new();
    for (labels, steps) in found {
        let length = steps.keys().last().map_or(0, |last| last + 1);
        let mut slots = vec![Slot::Empty; length];
        for (step, classic) in steps {
            let histogram = native(classic)
                .map_err(|reason| format!("{labels} at step {step} makes no histogram: {reason}"))?;
            slots[step] = Slot::Histogram { histogram: Arc::new(histogram), hint_named: false };
        }
        converted.push(LoadedSeries { labels, slots, starts: Vec::new() });
    }
    Ok(converted)
}

#[derive(Clone, Copy)]
enum Part {
    Bucket(f64),
    Count,
    Sum,
}

fn native(classic: Classic) -> Result<Histogram, String> {
    let Classic { mut buckets, count, sum } = classic;
    if buckets.is_empty() && count.is_none() {
        return Err("there are neither buckets nor a count".to_owned());
    }
    buckets.sort_by(|a, b| a.0.total_cmp(&b.0));
    // Bounds written twice, as 1 and 1.0, are one; the first counts.
    buckets.dedup_by(|later, first| later.0.total_cmp(&first.0).is_eq());
    Histogram::from_classic_buckets(&buckets, count, sum).map_err(|error| error.to_string())
}
