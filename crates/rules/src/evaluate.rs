//! One rule at one instant: what its expression gives, and what the rule makes of it.

use std::collections::BTreeMap;

use assurance_metrics_model::{Duration, Labels, METRIC_NAME, Queryable, Timestamp, Value};
use assurance_promql as promql;
use assurance_template::{AlertValue, Data, Externals, QuerySample, Template};
use promql::QueryValue;

use crate::alert::Sighting;
use crate::cache::{AlertSeries, LabelCache};
use crate::{AlertState, AlertingRule, Expression, Phase, RecordingRule, RuleError};

const ALERT_NAME: &str = "alertname";

/// What an evaluation reads from.
#[derive(Clone, Copy)]
pub(crate) struct View<'a> {
    pub(crate) store: &'a dyn Queryable,
    pub(crate) options: &'a promql::Options,
    /// The parts of PromQL that the queries of templates may use.
    pub(crate) features: promql::Features,
    /// The instant of the evaluation.
    pub(crate) at: Timestamp,
    /// How far before it the rule's own expression looks.
    pub(crate) offset: Duration,
}

/// Notes of one evaluation that are no errors: at most this many are kept, as each names a series or template.
const MAX_NOTES: usize = 10;

/// What the engine and the templates had to say, without failing.
#[derive(Debug, Default)]
pub(crate) struct Notes {
    pub(crate) texts: Vec<String>,
    pub(crate) more: usize,
    /// Series that each selector of the rule's expression gave, left to right.
    pub(crate) selected: Vec<usize>,
}

impl Notes {
    fn add(&mut self, text: String) {
        if self.texts.contains(&text) {
            return;
        }
        if self.texts.len() < MAX_NOTES {
            self.texts.push(text);
        } else {
            self.more += 1;
        }
    }
}

fn vector(
    tree: &promql::Expr,
    reading: View<'_>,
    at: Timestamp,
    notes: &mut Notes,
) -> Result<Vec<(Labels, Value)>, RuleError> {
    let answer = promql::instant(tree, reading.store, at, reading.options)
        .map_err(|source| RuleError::Query { reason: source.to_string() })?;
    notes.selected = answer.selected;
    answer.warnings.into_iter().chain(answer.infos).for_each(|note| notes.add(note));
    match answer.value {
        QueryValue::Vector(samples) => Ok(samples.into_iter().map(|s| (s.labels, s.value)).collect()),
        QueryValue::Scalar { value, .. } => Ok(vec![(Labels::empty(), Value::Float(value))]),
        QueryValue::String { .. } | QueryValue::Matrix(_) => Err(RuleError::NotAVector),
    }
}

/// The series that a recording rule writes.
pub(crate) fn record(
    rule: &RecordingRule,
    reading: View<'_>,
    limit: usize,
    cache: &mut LabelCache,
    notes: &mut Notes,
) -> Result<Vec<(Labels, Value)>, RuleError> {
    let samples = vector(rule.expression.tree(), reading, reading.at - reading.offset, notes)?;
    let mut results = BTreeMap::new();
    for (labels, value) in samples {
        let labels = cache.get(&labels, || {
            let mut builder = labels.to_builder();
            builder.set(METRIC_NAME, &rule.record);
            for (name, value) in &rule.labels {
                builder.set(name, value);
            }
            builder.build()
        });
        if results.insert(labels.clone(), value).is_some() {
            return Err(RuleError::SameLabels { labels });
        }
    }
    if limit > 0 && results.len() > limit {
        return Err(RuleError::Limit { limit, given: results.len(), what: "series" });
    }
    cache.trim(results.len());
    Ok(results.into_iter().collect())
}

/// What an alerting rule knows from its last evaluation.
pub(crate) struct Known<'a> {
    /// Alerts whose annotations are those of the rule as it is now.
    pub(crate) alerts: Option<&'a BTreeMap<Labels, AlertState>>,
    pub(crate) labels: &'a mut LabelCache,
}

/// The alerts whose condition holds.
pub(crate) fn sightings(
    rule: &AlertingRule,
    reading: View<'_>,
    externals: &Externals,
    most: usize,
    known: &mut Known<'_>,
    notes: &mut Notes,
) -> Result<BTreeMap<Labels, Sighting>, RuleError> {
    let samples = vector(rule.expression.tree(), reading, reading.at - reading.offset, notes)?;
    if samples.len() > most {
        return Err(RuleError::TooManyAlerts { limit: most, given: samples.len() });
    }
    let query = |text: &str| query_for_template(text, reading);
    let plain_labels = rule.labels.values().all(Template::is_plain);
    let plain_annotations = rule.annotations.values().all(Template::is_plain);
    let is_plain = plain_labels && plain_annotations;
    let mut seen = BTreeMap::new();
    for (labels, value) in samples {
        let shown = || match &value {
            Value::Histogram(histogram) => AlertValue::Histogram {
                text: histogram.to_string(),
                count: histogram.count,
                sum: histogram.sum,
            },
            Value::Float(value) => AlertValue::Float(*value),
            _ => AlertValue::Float(0.0),
        };
        let data = (!is_plain).then(|| Data::new(&labels, shown(), externals, reading.at.as_secs_f64()));
        // As in Prometheus, templates see a histogram, while its alert has no value of its own.
        let value = match value {
            Value::Float(value) => value,
            _ => 0.0,
        };
        let mut render = |what: &str, name: &str, template: &Template| {
            let Some(data) = &data else { return template.text().to_owned() };
            template.render(data, &query).unwrap_or_else(|error| {
                notes.add(format!("{what} {name:?}: {error}"));
                format!("<error expanding template: {error}>")
            })
        };
        let mut make_labels = || {
            let mut builder = labels.to_builder();
            builder.set(METRIC_NAME, "");
            for (name, template) in &rule.labels {
                builder.set(name, &render("label", name, template));
            }
            builder.set(ALERT_NAME, &rule.alert);
            builder.build()
        };
        let labels = if plain_labels { known.labels.get(&labels, make_labels) } else { make_labels() };
        let has_annotations = plain_annotations
            && known
                .alerts
                .and_then(|alerts| alerts.get(&labels))
                .is_some_and(|a| a.phase != Phase::Inactive);
        let annotations = (!has_annotations).then(|| {
            let all = rule.annotations.iter();
            all.map(|(name, template)| (name.clone(), render("annotation", name, template))).collect()
        });
        if seen.insert(labels.clone(), Sighting { annotations, value }).is_some() {
            return Err(RuleError::SameLabels { labels });
        }
    }
    known.labels.trim(seen.len());
    Ok(seen)
}

fn query_for_template(text: &str, reading: View<'_>) -> Result<Vec<QuerySample>, String> {
    let expression = Expression::parse_with(text, reading.features).map_err(|error| error.to_string())?;
    let samples = vector(expression.tree(), reading, reading.at, &mut Notes::default())
        .map_err(|error| error.to_string())?;
    let sample = |(labels, value): (Labels, Value)| QuerySample {
        labels: labels.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
        value: match value {
            Value::Float(value) => value,
            // As in Prometheus: a sample of a template has no room for a histogram.
            _ => 0.0,
        },
    };
    Ok(samples.into_iter().map(sample).collect())
}

/// What the two series of an active alert hold.
pub(crate) fn samples_of(alert: &AlertState, series: &AlertSeries) -> [(Labels, Value); 2] {
    #[expect(clippy::cast_precision_loss, reason = "whole seconds are exact for 285 million years")]
    let since = alert.active_at.as_millis().div_euclid(1000) as f64;
    [(series.state.clone(), Value::Float(1.0)), (series.since.clone(), Value::Float(since))]
}
