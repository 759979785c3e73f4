//! What was given against what was expected.

use assurance_metrics_model::{Duration, Labels, Timestamp, Value};
use assurance_promql::QueryValue;

use crate::script::{EvalTime, Expected};
use crate::series::Slot;

/// Floats agree within this share: sums may be made in another order.
const EPSILON: f64 = 1e-6;

fn agree(a: f64, b: f64) -> bool {
    if a.is_nan() || b.is_nan() {
        return a.is_nan() && b.is_nan();
    }
    if a.is_infinite() || b.is_infinite() {
        return a.is_infinite() && b.is_infinite() && (a > 0.0) == (b > 0.0);
    }
    let (difference, larger) = ((a - b).abs(), a.abs().max(b.abs()));
    difference <= EPSILON * larger || difference < f64::MIN_POSITIVE
}

/// Says what differs, or nothing.
pub(crate) fn compare(
    value: &QueryValue,
    expected: &Expected,
    at: EvalTime,
    ordered: bool,
) -> Result<(), String> {
    match (value, expected) {
        (QueryValue::Scalar { value, .. }, Expected::Scalar(wanted)) if agree(*value, *wanted) => Ok(()),
        (QueryValue::String { text, .. }, Expected::String(wanted)) if text == wanted => Ok(()),
        (QueryValue::Vector(vector), Expected::Series { series, range: None, .. }) => {
            let wanted: Vec<_> = series
                .iter()
                .filter_map(|(labels, slots)| match slots.first() {
                    Some(Slot::Float(value)) => Some((labels, *value)),
                    _ => None,
                })
                .collect();
            if vector.len() != wanted.len() {
                return Err(format!("{} elements instead of {}: {vector:?}", vector.len(), wanted.len()));
            }
            for (n, (labels, value)) in wanted.iter().enumerate() {
                let found = if ordered {
                    vector.get(n).filter(|s| s.labels == **labels)
                } else {
                    vector.iter().find(|s| s.labels == **labels)
                };
                check_element(labels, *value, found.map(|s| &s.value))?;
            }
            Ok(())
        }
        (QueryValue::Matrix(matrix), Expected::Series { series, range, .. }) => {
            let (start, step) = match (range, at) {
                (Some((start, step)), _) => (*start, *step),
                (None, EvalTime::Range { start, step, .. }) => (start, step),
                (None, EvalTime::Instant(at)) => (at, Duration::from_secs(1)),
            };
            let wanted: Vec<(&Labels, Vec<(Timestamp, f64)>)> = series
                .iter()
                .map(|(labels, slots)| (labels, samples(slots, start, step)))
                .filter(|(_, samples)| !samples.is_empty())
                .collect();
            if matrix.len() != wanted.len() {
                return Err(format!("{} series instead of {}: {matrix:?}", matrix.len(), wanted.len()));
            }
            for (labels, samples) in wanted {
                let Some(found) = matrix.iter().find(|s| s.labels == *labels) else {
                    return Err(format!("{labels} is missing"));
                };
                let times = |all: &[(Timestamp, Value)]| all.iter().map(|(at, _)| *at).collect::<Vec<_>>();
                if times(&found.samples) != samples.iter().map(|(at, _)| *at).collect::<Vec<_>>() {
                    return Err(format!("{labels} has samples at other times: {:?}", found.samples));
                }
                for ((at, wanted), (_, value)) in samples.iter().zip(&found.samples) {
                    check_element(labels, *wanted, Some(value))
                        .map_err(|reason| format!("at {at}: {reason}"))?;
                }
            }
            Ok(())
        }
        (value, expected) => Err(format!("got {value:?} instead of {expected:?}")),
    }
}

fn samples(slots: &[Slot], start: Timestamp, step: Duration) -> Vec<(Timestamp, f64)> {
    (0..)
        .zip(slots)
        .filter_map(|(n, slot)| match slot {
            Slot::Float(value) => Some((start + step * n, *value)),
            Slot::Empty => None,
        })
        .collect()
}

fn check_element(labels: &Labels, wanted: f64, found: Option<&Value>) -> Result<(), String> {
    match found {
        Some(Value::Float(value)) if agree(*value, wanted) => Ok(()),
        Some(other) => Err(format!("{labels} is {other:?} instead of {wanted}")),
        None => Err(format!("{labels} is missing, or in another place")),
    }
}
