//! What was expected beside what is.

use std::collections::BTreeMap;

use assurance_diagnostics::yaml::PathSegment;
use assurance_metrics_model::{
    Duration, Labels, Queryable, Timestamp, Value, format_float, is_stale_nan, parse_float,
};
use assurance_promql as promql;
use assurance_promqltest::{Slot, parse_labels, parse_series};
use promql::QueryValue;

use super::run::join;
use super::{Failure, Places, raw};
use crate::file::Text;
use crate::{Expression, Manager, Phase};

/// Series and what they hold at one instant, in the order of their labels.
type Samples = Vec<(Labels, Value)>;

/// An expectation of samples.
pub(super) struct Query {
    pub(super) at: Timestamp,
    pub(super) index: usize,
    pub(super) expression: Expression,
    pub(super) expected: Samples,
}

/// Reads what is asked and what is expected; a test whose query is none fails as one whose query fails.
pub(super) fn read_query(
    places: &Places<'_>,
    path: &[PathSegment],
    raw: &raw::QueryTest,
    features: promql::Features,
) -> Result<(Expression, Samples), Box<Failure>> {
    let at = join(path, &["expr".into()]);
    let expression = Expression::parse_with(&raw.expr.0, features).map_err(|error| {
        let found = places.within(&at, &error.span, format!("the query cannot be read: {error}"));
        Box::new(Failure::new(match error.help() {
            Some(help) => found.with_help(help),
            None => found,
        }))
    })?;
    let mut samples = Vec::new();
    for (index, sample) in raw.exp_samples.iter().enumerate() {
        let read = expected_sample(sample).map_err(|(key, reason)| {
            let at = join(path, &["exp_samples".into(), index.into(), key.into()]);
            Box::new(Failure::new(places.at(&at, reason)))
        });
        samples.push(read?);
    }
    samples.sort_by(|(a, _), (b, _)| a.cmp(b));
    Ok((expression, samples))
}

fn expected_sample(sample: &raw::Sample) -> Result<(Labels, Value), (&'static str, String)> {
    let labels = match sample.labels.0.as_str() {
        "" => Labels::empty(),
        text => parse_labels(text).map_err(|error| ("labels", error.to_string()))?,
    };
    if let Some(text) = sample.histogram.as_ref().filter(|text| !text.0.is_empty()) {
        let series = parse_series(&format!("series {}", text.0));
        let series = series.map_err(|error| ("histogram", error.to_string()))?;
        return match series.slots.as_slice() {
            [Slot::Histogram { histogram, .. }] => Ok((labels, Value::Histogram(histogram.clone()))),
            _ => Err((
                "histogram",
                format!("{:?} is not one histogram, such as {{{{schema:0 count:1}}}}", text.0),
            )),
        };
    }
    let Some(text) = &sample.value else { return Ok((labels, Value::Float(0.0))) };
    // YAML writes infinities and NaN with a point before them.
    let plain = text.0.to_lowercase().replace(".inf", "inf").replace(".nan", "nan");
    let value = parse_float(&plain).ok_or_else(|| ("value", format!("{:?} is no number", text.0)))?;
    Ok((labels, Value::Float(value)))
}

/// Compares what a query gives.
pub(super) fn query(
    places: &Places<'_>,
    path: &[PathSegment],
    store: &dyn Queryable,
    (after, fuzzy, options): (Duration, bool, &promql::Options),
    query: &Query,
) -> Option<Failure> {
    let answer = match promql::instant(query.expression.tree(), store, query.at, options) {
        Ok(answer) => answer,
        Err(error) => {
            return Some(Failure::new(places.at(path, format!("the query failed at {after}: {error}"))));
        }
    };
    let mut got: Samples = match answer.value {
        QueryValue::Vector(samples) => samples.into_iter().map(|s| (s.labels, s.value)).collect(),
        QueryValue::Scalar { value, .. } => vec![(Labels::empty(), Value::Float(value))],
        other => {
            let message = format!("the query gives a {}, not a vector", other.value_type().as_str());
            return Some(Failure::new(places.at(path, message)));
        }
    };
    got.sort_by(|(a, _), (b, _)| a.cmp(b));
    let expected = &query.expected;
    let same = expected.len() == got.len()
        && expected.iter().zip(&got).all(|((a, x), (b, y))| a == b && is_same(x, y, fuzzy));
    if same {
        return None;
    }
    let lines = |samples: &[(Labels, Value)]| {
        samples.iter().map(|(labels, value)| format!("{labels} {}", value_text(value))).collect()
    };
    let diagnostic = places.at(path, format!("the query gives other samples at {after}"));
    Some(Failure { diagnostic, expected: lines(expected), got: lines(&got) })
}

fn is_same(a: &Value, b: &Value, fuzzy: bool) -> bool {
    match (a, b) {
        (Value::Float(a), Value::Float(b)) => {
            let near = || a.next_up() == *b || a.next_down() == *b;
            a == b || (a.is_nan() && b.is_nan()) || (fuzzy && near())
        }
        // As literals, so that the same buckets in other spans are the same.
        (Value::Histogram(a), Value::Histogram(b)) => a.test_expression() == b.test_expression(),
        _ => false,
    }
}

pub(super) fn value_text(value: &Value) -> String {
    match value {
        Value::Float(value) if is_stale_nan(*value) => "stale".to_owned(),
        Value::Float(value) => format_float(*value),
        Value::Histogram(histogram) => histogram.test_expression(),
        other => format!("{other:?}"),
    }
}

type Alert = (Labels, BTreeMap<String, String>);

fn texts(map: &BTreeMap<String, Text>) -> BTreeMap<String, String> {
    map.iter().map(|(name, text)| (name.clone(), text.0.clone())).collect()
}

fn lines_of(alerts: &[Alert]) -> Vec<String> {
    let one = |(labels, annotations): &Alert| {
        let rest = annotations.iter().map(|(name, text)| format!("  {name}: {text:?}"));
        std::iter::once(labels.to_string()).chain(rest).collect::<Vec<_>>()
    };
    alerts.iter().flat_map(one).collect()
}

/// Compares the alerts of one name that fire now.
pub(super) fn alerts(
    places: &Places<'_>,
    path: &[PathSegment],
    manager: &Manager,
    (after, within): (Duration, Duration),
    test: &raw::AlertTest,
) -> Option<Failure> {
    let name = test.alertname.as_str();
    let with_name = |alert: &raw::Alert| {
        (Labels::from_pairs(texts(&alert.exp_labels)).with("alertname", name), texts(&alert.exp_annotations))
    };
    let mut expected: Vec<Alert> = test.exp_alerts.iter().map(with_name).collect();
    let firing = manager.alerts().filter(|alert| alert.phase == Phase::Firing);
    let mut got: Vec<Alert> = firing
        .filter(|alert| alert.labels.get("alertname") == Some(name))
        .map(|alert| (alert.labels.clone(), alert.annotations.clone()))
        .collect();
    expected.sort();
    got.sort();
    if expected == got {
        return None;
    }
    let late = if within.is_zero() { String::new() } else { format!(" nor within {within} after") };
    let message = match (expected.is_empty(), got.is_empty()) {
        (false, true) => format!("{name} does not fire at {after}{late}"),
        (true, false) => format!("{name} fires at {after}{}", late.replace(" nor", ", and does not end")),
        _ => format!(
            "other alerts of {name} fire at {after}{}",
            late.replace(" nor", ", and none as expected")
        ),
    };
    let diagnostic = places.at(path, message);
    Some(Failure { diagnostic, expected: lines_of(&expected), got: lines_of(&got) })
}
