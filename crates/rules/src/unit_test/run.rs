//! One test: its series in a store of their own, its groups evaluated up to each expectation.

use std::collections::BTreeMap;

use assurance_diagnostics::yaml::PathSegment;
use assurance_metrics_model::{Duration, Labels, Timestamp, Value, format_float, parse_float};
use assurance_promql as promql;
use assurance_promqltest::{SeriesError, Slot, parse_labels, parse_series};
use promql::QueryValue;

use super::store::Store;
use super::{Failure, Options, Places, TestReport, raw};
use crate::{Config, Expression, Group, Manager, Phase, Schedule};

/// What is the same for all tests of a file.
pub(super) struct Suite<'a> {
    pub(super) groups: &'a [Group],
    pub(super) interval: Duration,
    pub(super) options: &'a Options,
    pub(super) fuzzy: bool,
}

/// When an expectation is looked at, and which it is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Check {
    at: Timestamp,
    is_query: bool,
    index: usize,
}

impl Suite<'_> {
    /// Runs a test; `None` if it cannot be understood, which is told among the findings.
    pub(super) fn run(
        &self,
        places: &mut Places<'_>,
        index: usize,
        name: String,
        test: &raw::Test,
    ) -> Option<TestReport> {
        let root: Vec<PathSegment> = vec!["tests".into(), index.into()];
        let before = places.found.len();
        let mut store = Store::default();
        let step = places.duration(&join(&root, &["interval".into()]), test.interval.as_ref());
        let step = step.filter(|step| !step.is_zero()).unwrap_or(self.interval);
        self.load(places, &root, test, step, &mut store);
        let mut checks = self.checks(places, &root, test);
        checks.sort();
        if places.found[before..].iter().any(|f| f.severity == assurance_diagnostics::Severity::Error) {
            return None;
        }
        let mut manager = Manager::new(self.config(test), Timestamp::from_millis(-1));
        let mut report = TestReport { name, checks: checks.len(), failures: Vec::new() };
        for check in checks {
            self.advance(places, &root, &mut manager, &mut store, check.at, &mut report.failures);
            let failure = if check.is_query {
                let path = join(&root, &["promql_expr_test".into(), check.index.into()]);
                self.check_query(places, &path, &store, check.at, &test.promql_expr_test[check.index])
            } else {
                let path = join(&root, &["alert_rule_test".into(), check.index.into()]);
                check_alerts(places, &path, &manager, check.at, &test.alert_rule_test[check.index])
            };
            report.failures.extend(failure);
        }
        Some(report)
    }

    fn config(&self, test: &raw::Test) -> Config {
        let mut groups = self.groups.to_vec();
        if !self.options.group_intervals {
            groups.iter_mut().for_each(|group| group.interval = None);
        }
        Config {
            default_interval: self.interval,
            external_labels: Labels::from_pairs(test.external_labels.iter().map(|(n, v)| (n, &v.0))),
            external_url: test.external_url.as_ref().map(|url| url.0.clone()).unwrap_or_default(),
            options: self.options.promql.clone(),
            schedule: Schedule::Aligned(Timestamp::EPOCH),
            ..Config::new(groups)
        }
    }

    fn load(
        &self,
        places: &mut Places<'_>,
        root: &[PathSegment],
        test: &raw::Test,
        step: Duration,
        store: &mut Store,
    ) {
        for (index, series) in test.input_series.iter().enumerate() {
            let path = join(root, &["input_series".into(), index.into()]);
            let labels = parse_labels(&series.series)
                .map_err(|error| places.error(&join(&path, &["series".into()]), error.to_string()));
            let slots = slots_of(&series.values.0)
                .map_err(|error| places.error(&join(&path, &["values".into()]), error.to_string()));
            let (Ok(labels), Ok(slots)) = (labels, slots) else { continue };
            let mut at = Timestamp::EPOCH;
            for slot in slots {
                let appended = match slot {
                    Slot::Float(value) => store.append(labels.clone(), at, value.into()),
                    Slot::Empty => Ok(()),
                };
                if let Err(error) = appended {
                    // Two entries of one series.
                    places.error(&join(&path, &["series".into()]), error.to_string());
                    break;
                }
                at += step;
            }
        }
    }

    fn checks(&self, places: &mut Places<'_>, root: &[PathSegment], test: &raw::Test) -> Vec<Check> {
        let alerts = test.alert_rule_test.iter().map(|check| (false, &check.eval_time));
        let queries = test.promql_expr_test.iter().map(|check| (true, &check.eval_time));
        let mut checks = Vec::new();
        for (list, all) in
            [("alert_rule_test", alerts.collect::<Vec<_>>()), ("promql_expr_test", queries.collect())]
        {
            for (index, (is_query, eval_time)) in all.into_iter().enumerate() {
                let path = join(root, &[list.into(), index.into(), "eval_time".into()]);
                if let Some(after) = places.duration(&path, Some(eval_time)) {
                    checks.push(Check { at: Timestamp::EPOCH + after, is_query, index });
                }
            }
        }
        checks
    }

    /// Evaluates all groups up to and including an instant. Each rule that fails is told once a test.
    fn advance(
        &self,
        places: &Places<'_>,
        root: &[PathSegment],
        manager: &mut Manager,
        store: &mut Store,
        until: Timestamp,
        failures: &mut Vec<Failure>,
    ) {
        while let Some(next) = manager.poll_timeout().filter(|next| *next <= until) {
            for report in manager.handle_timeout(next, store) {
                for (rule, error) in report.failures {
                    let after = report.at - Timestamp::EPOCH;
                    let message = format!("rule {rule:?} of group {:?} failed", report.group);
                    let known = |f: &Failure| f.diagnostic.message.starts_with(message.as_str());
                    if !failures.iter().any(known) {
                        let diagnostic = places
                            .at(&join(root, &["name".into()]), format!("{message} at {after}: {error}"));
                        failures.push(Failure { diagnostic, expected: Vec::new(), got: Vec::new() });
                    }
                }
            }
            while manager.poll_output().is_some() {}
        }
    }

    fn check_query(
        &self,
        places: &Places<'_>,
        path: &[PathSegment],
        store: &Store,
        at: Timestamp,
        test: &raw::QueryTest,
    ) -> Option<Failure> {
        let path = join(path, &["expr".into()]);
        let after = at - Timestamp::EPOCH;
        let fail = |message: String, expected: Vec<String>, got: Vec<String>| {
            Some(Failure { diagnostic: places.at(&path, message), expected, got })
        };
        let expected = match expected_samples(&test.exp_samples) {
            Ok(expected) => expected,
            Err(reason) => return fail(reason, Vec::new(), Vec::new()),
        };
        let got = match self.query(store, at, &test.expr.0) {
            Ok(got) => got,
            Err(reason) => {
                return fail(format!("the query failed at {after}: {reason}"), Vec::new(), Vec::new());
            }
        };
        let same = expected.len() == got.len()
            && expected.iter().zip(&got).all(|((a, x), (b, y))| a == b && self.is_same(x, y));
        if same {
            return None;
        }
        let lines = |samples: &[(Labels, Value)]| samples.iter().map(line_of).collect();
        fail(format!("the query gives other samples at {after}"), lines(&expected), lines(&got))
    }

    fn query(&self, store: &Store, at: Timestamp, text: &str) -> Result<Vec<(Labels, Value)>, String> {
        let expression = Expression::parse(text).map_err(|error| error.to_string())?;
        let answer = promql::instant(expression.tree(), store, at, &self.options.promql)
            .map_err(|error| error.to_string())?;
        let mut samples = match answer.value {
            QueryValue::Vector(samples) => samples.into_iter().map(|s| (s.labels, s.value)).collect(),
            QueryValue::Scalar { value, .. } => vec![(Labels::empty(), Value::Float(value))],
            other => return Err(format!("it gives a {}, not a vector", other.value_type().as_str())),
        };
        samples.sort_by(|(a, _): &(Labels, Value), (b, _)| a.cmp(b));
        Ok(samples)
    }

    fn is_same(&self, a: &Value, b: &Value) -> bool {
        match (a, b) {
            (Value::Float(a), Value::Float(b)) => {
                let near = || a.next_up() == *b || a.next_down() == *b;
                a == b || (a.is_nan() && b.is_nan()) || (self.fuzzy && near())
            }
            (a, b) => a == b,
        }
    }
}

fn join(root: &[PathSegment], tail: &[PathSegment]) -> Vec<PathSegment> {
    root.iter().chain(tail).cloned().collect()
}

/// Reads values in promtool's notation.
fn slots_of(values: &str) -> Result<Vec<Slot>, SeriesError> {
    parse_series(&format!("series {values}")).map(|series| series.slots)
}

fn expected_samples(raw: &[raw::Sample]) -> Result<Vec<(Labels, Value)>, String> {
    let mut samples = Vec::new();
    for sample in raw {
        let labels = match sample.labels.0.as_str() {
            "" => Labels::empty(),
            text => parse_labels(text).map_err(|error| error.to_string())?,
        };
        if sample.histogram.as_ref().is_some_and(|histogram| !histogram.0.is_empty()) {
            return Err("expecting native histograms is not supported yet".to_owned());
        }
        let value = match &sample.value {
            Some(value) => {
                // YAML writes infinities and NaN with a point before them.
                let text = value.0.to_lowercase().replace(".inf", "inf").replace(".nan", "nan");
                parse_float(&text).ok_or_else(|| format!("{:?} is no number", value.0))?
            }
            None => 0.0,
        };
        let value = Value::Float(value);
        samples.push((labels, value));
    }
    samples.sort_by(|(a, _), (b, _)| a.cmp(b));
    Ok(samples)
}

fn line_of((labels, value): &(Labels, Value)) -> String {
    match value {
        Value::Float(value) => format!("{labels} {}", format_float(*value)),
        other => format!("{labels} {other:?}"),
    }
}

fn check_alerts(
    places: &Places<'_>,
    path: &[PathSegment],
    manager: &Manager,
    at: Timestamp,
    test: &raw::AlertTest,
) -> Option<Failure> {
    let name = test.alertname.as_str();
    let mut expected: Vec<(Labels, BTreeMap<String, String>)> = test
        .exp_alerts
        .iter()
        .map(|alert| {
            let texts = |map: &BTreeMap<String, crate::file::Text>| -> BTreeMap<String, String> {
                map.iter().map(|(name, text)| (name.clone(), text.0.clone())).collect()
            };
            (
                Labels::from_pairs(texts(&alert.exp_labels)).with("alertname", name),
                texts(&alert.exp_annotations),
            )
        })
        .collect();
    let firing = manager.alerts().filter(|alert| alert.phase == Phase::Firing);
    let mut got: Vec<(Labels, BTreeMap<String, String>)> = firing
        .filter(|alert| alert.labels.get("alertname") == Some(name))
        .map(|alert| (alert.labels.clone(), alert.annotations.clone()))
        .collect();
    expected.sort();
    got.sort();
    if expected == got {
        return None;
    }
    let lines = |alerts: &[(Labels, BTreeMap<String, String>)]| -> Vec<String> {
        let one = |(labels, annotations): &(Labels, BTreeMap<String, String>)| {
            let rest = annotations.iter().map(|(name, text)| format!("  {name}: {text:?}"));
            std::iter::once(labels.to_string()).chain(rest).collect::<Vec<_>>()
        };
        alerts.iter().flat_map(one).collect()
    };
    let after = at - Timestamp::EPOCH;
    let message = match (expected.is_empty(), got.is_empty()) {
        (false, true) => format!("{name} does not fire at {after}"),
        (true, false) => format!("{name} fires at {after}"),
        _ => format!("other alerts of {name} fire at {after}"),
    };
    let diagnostic = places.at(&join(path, &["alertname".into()]), message);
    Some(Failure { diagnostic, expected: lines(&expected), got: lines(&got) })
}
