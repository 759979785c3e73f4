//! What was given against what was expected.

use assurance_metrics_model::{Labels, Timestamp, Value, format_float, is_stale_nan};
use assurance_promql::QueryValue;

use crate::evaluation::{Annotation, Eval, EvalTime, Expected, Steps, Text};
use crate::histogram::histograms_agree;
use crate::run::{Answered, Shown};
use crate::series::Slot;

/// Floats agree within this share: sums may be made in another order.
const EPSILON: f64 = 1e-6;

/// Whether two floats are the same but for rounding. The stale marker is no other NaN.
pub(crate) fn agree(a: f64, b: f64) -> bool {
    if is_stale_nan(a) || is_stale_nan(b) {
        return is_stale_nan(a) && is_stale_nan(b);
    }
    if a.is_nan() || b.is_nan() {
        return a.is_nan() && b.is_nan();
    }
    // Equal infinities have no difference.
    if a.total_cmp(&b).is_eq() {
        return true;
    }
    let (difference, sum) = ((a - b).abs(), a.abs() + b.abs());
    if a.abs() == 0.0 || b.abs() == 0.0 || sum < f64::MIN_POSITIVE {
        return difference < EPSILON * f64::MIN_POSITIVE;
    }
    difference / sum.min(f64::MAX) < EPSILON
}

/// Says what differs in the values, or nothing.
pub(crate) fn compare(value: &QueryValue, eval: &Eval, shown: Shown<'_>) -> Result<(), String> {
    match (value, &eval.expected) {
        (QueryValue::Scalar { value, .. }, Expected::Scalar(wanted)) => {
            if agree(*value, *wanted) {
                Ok(())
            } else {
                Err(format!("{} instead of {}", format_float(*value), format_float(*wanted)))
            }
        }
        (QueryValue::String { text, .. }, Expected::String(wanted)) => {
            if text == wanted {
                Ok(())
            } else {
                Err(format!("{text:?} instead of {wanted:?}"))
            }
        }
        (QueryValue::Vector(vector), Expected::Series { series, range: None })
            if matches!(eval.at, EvalTime::Instant(_)) =>
        {
            let found: Vec<(&Labels, &Value)> = vector.iter().map(|s| (&s.labels, &s.value)).collect();
            compare_vector(&found, series, eval.ordered, shown)
        }
        (QueryValue::Matrix(matrix), Expected::Series { series, range }) => {
            let steps = match (*range, eval.at) {
                (Some(steps), _) | (None, EvalTime::Range(steps)) => steps,
                (None, EvalTime::Instant(_)) => {
                    return Err("a range vector instead of an instant vector".to_owned());
                }
            };
            let sorted = matrix.is_sorted_by(|a, b| a.labels.iter().le(b.labels.iter()));
            if !sorted {
                return Err("the result is not sorted by labels".to_owned());
            }
            let found: Vec<(&Labels, &[(Timestamp, Value)])> =
                matrix.iter().map(|s| (&s.labels, s.samples.as_slice())).collect();
            compare_matrix(&found, series, steps, shown)
        }
        (value, expected) => {
            let expected = match expected {
                Expected::Scalar(wanted) => format!("the scalar {}", format_float(*wanted)),
                Expected::String(wanted) => format!("the string {wanted:?}"),
                Expected::Series { range: Some(_), .. } => "a range vector".to_owned(),
                _ if matches!(eval.at, EvalTime::Range(_)) => "a matrix".to_owned(),
                _ => "a vector".to_owned(),
            };
            Err(format!("a result of type {:?} instead of {expected}", value.value_type()))
        }
    }
}

/// One step of a range query against what the instant query must give.
pub(crate) fn compare_step(
    value: &QueryValue,
    at: Timestamp,
    eval: &Eval,
    shown: Shown<'_>,
) -> Result<(), String> {
    let QueryValue::Matrix(matrix) = value else {
        return Err(format!("a result of type {:?} instead of a matrix", value.value_type()));
    };
    let step = |samples: &[(Timestamp, Value)]| {
        samples.iter().find(|(time, _)| *time == at).map(|(_, value)| value.clone())
    };
    match &eval.expected {
        Expected::Scalar(_) => match matrix.first().and_then(|s| step(&s.samples)) {
            Some(Value::Float(value)) => compare(&QueryValue::Scalar { at, value }, eval, shown),
            _ => Err("no number".to_owned()),
        },
        Expected::Series { series, range: None } => {
            let found: Vec<(&Labels, Value)> =
                matrix.iter().filter_map(|s| Some((&s.labels, step(&s.samples)?))).collect();
            let found: Vec<(&Labels, &Value)> = found.iter().map(|(l, v)| (*l, v)).collect();
            compare_vector(&found, series, false, shown)
        }
        _ => Ok(()),
    }
}

fn compare_vector(
    found: &[(&Labels, &Value)],
    wanted: &[(Labels, Vec<Slot>)],
    ordered: bool,
    shown: Shown<'_>,
) -> Result<(), String> {
    if let Some((labels, value)) = found.iter().find(|(l, _)| !wanted.iter().any(|(w, _)| w == *l)) {
        return Err(format!("{labels} {} is not expected", show(value)));
    }
    if found.len() > wanted.len() {
        return Err("a series is there twice".to_owned());
    }
    for (n, (labels, slots)) in wanted.iter().enumerate() {
        let Some(place) = found.iter().position(|(l, _)| *l == labels) else {
            return Err(format!("{labels} is missing"));
        };
        if ordered && place != n {
            return Err(format!("{labels} is in place {} instead of {}", place + 1, n + 1));
        }
        check(labels, &slots[0], found[place].1, shown)?;
    }
    Ok(())
}

fn compare_matrix(
    found: &[(&Labels, &[(Timestamp, Value)])],
    wanted: &[(Labels, Vec<Slot>)],
    steps: Steps,
    shown: Shown<'_>,
) -> Result<(), String> {
    if let Some((labels, samples)) = found.iter().find(|(l, _)| !wanted.iter().any(|(w, _)| w == *l)) {
        return Err(format!("{labels} {} is not expected", show_samples(samples)));
    }
    if found.len() > wanted.len() {
        return Err("a series is there twice".to_owned());
    }
    for (labels, slots) in wanted {
        let Some((_, samples)) = found.iter().find(|(l, _)| *l == labels) else {
            return Err(format!("{labels} is missing"));
        };
        let wanted: Vec<(Timestamp, &Slot)> = (0..)
            .zip(slots)
            .filter(|(_, slot)| **slot != Slot::Empty)
            .map(|(n, slot)| (steps.start + steps.step * n, slot))
            .collect();
        if samples.iter().map(|(at, _)| at).ne(wanted.iter().map(|(at, _)| at)) {
            let times: Vec<String> = wanted.iter().map(|(at, _)| seconds(*at)).collect();
            let found = show_samples(samples);
            return Err(format!("{labels} has samples at other times than {}: {found}", times.join(" ")));
        }
        for ((at, slot), (_, value)) in wanted.iter().zip(*samples) {
            check(labels, slot, value, shown).map_err(|reason| {
                format!("at {}: {reason}, among {}", seconds(*at), show_samples(samples))
            })?;
        }
    }
    Ok(())
}

fn check(labels: &Labels, wanted: &Slot, found: &Value, shown: Shown<'_>) -> Result<(), String> {
    let same = match (wanted, found) {
        (Slot::Float(wanted), Value::Float(found)) => agree(*wanted, *found),
        (Slot::Histogram { histogram, hint_named }, Value::Histogram(found)) => match shown {
            None => histograms_agree(histogram, found, *hint_named),
            Some(shown) => histograms_agree(&shown(histogram), found, false),
        },
        _ => false,
    };
    if same {
        return Ok(());
    }
    let wanted = match wanted {
        Slot::Float(wanted) => format_float(*wanted),
        Slot::Histogram { histogram, .. } => histogram.test_expression(),
        Slot::Empty => "nothing".to_owned(),
    };
    Err(format!("{labels} is {} instead of {wanted}", show(found)))
}

fn show(value: &Value) -> String {
    match value {
        Value::Histogram(histogram) => histogram.test_expression(),
        Value::Float(value) if is_stale_nan(*value) => "stale".to_owned(),
        Value::Float(value) => format_float(*value),
        _ => "a value of another kind".to_owned(),
    }
}

fn show_samples(samples: &[(Timestamp, Value)]) -> String {
    let shown: Vec<String> =
        samples.iter().map(|(at, value)| format!("{}@{}", show(value), seconds(*at))).collect();
    shown.join(" ")
}

fn seconds(at: Timestamp) -> String {
    format!("{}s", format_float(at.as_secs_f64()))
}

/// Says which warning or info is missing or too much, or nothing.
pub(crate) fn compare_annotations(eval: &Eval, answer: &Answered) -> Result<(), String> {
    for (kind, found, none, wanted) in [
        (
            "warning",
            &answer.warnings,
            eval.annotations.contains(&Annotation::NoWarn),
            texts(eval, |a| if let Annotation::Warn(text) = a { Some(text) } else { None }),
        ),
        (
            "info",
            &answer.infos,
            eval.annotations.contains(&Annotation::NoInfo),
            texts(eval, |a| if let Annotation::Info(text) = a { Some(text) } else { None }),
        ),
    ] {
        if none && !found.is_empty() {
            return Err(format!("no {kind} is expected, but there is {found:?}"));
        }
        if wanted.is_empty() {
            continue;
        }
        if found.is_empty() {
            let article = if kind == "info" { "an" } else { "a" };
            return Err(format!("{article} {kind} is expected"));
        }
        if let Some(missing) = wanted.iter().find(|text| !found.iter().any(|f| text.matches(f))) {
            let text = match missing {
                Text::Any => String::new(),
                Text::Message(text) => format!(" {text:?}"),
                Text::Regex { pattern, .. } => format!(" like {pattern:?}"),
            };
            return Err(format!("the {kind}{text} is expected, but there is {found:?}"));
        }
        if let Some(other) = found.iter().find(|f| !wanted.iter().any(|text| text.matches(f))) {
            return Err(format!("the {kind} {other:?} is not expected"));
        }
    }
    Ok(())
}

fn texts(eval: &Eval, of: impl Fn(&Annotation) -> Option<&Text>) -> Vec<&Text> {
    eval.annotations.iter().filter_map(of).collect()
}
