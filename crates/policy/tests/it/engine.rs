//! The pack's unit tests on our own engine: it must find them passing, as promtool does.

use std::collections::BTreeMap;

use assurance_diagnostics::{Source, yaml};
use assurance_metrics_model::{
    AppendError, Appender, Duration, Labels, MatchOp, Queryable, Timestamp, Value, stale_nan,
};
use assurance_policy::{rule_files, rule_tests};
use assurance_promql::parse_selector;
use assurance_rules::{Config, Group, Manager, Phase, RuleFile, RuleStore, Schedule};
use assurance_tsdb::Store;
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Tests {
    rule_files: Vec<String>,
    evaluation_interval: String,
    tests: Vec<Test>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Test {
    name: String,
    interval: String,
    input_series: Vec<Input>,
    alert_rule_test: Vec<Case>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Input {
    series: String,
    values: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    alertname: String,
    eval_time: String,
    exp_alerts: Vec<Expected>,
}

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Expected {
    exp_labels: BTreeMap<String, String>,
    exp_annotations: BTreeMap<String, String>,
}

struct Memory(Store);

impl RuleStore for Memory {
    fn queryable(&self) -> &dyn Queryable {
        &self.0
    }

    fn append_all(
        &mut self,
        _: Timestamp,
        samples: &mut dyn Iterator<Item = (Labels, Timestamp, Value)>,
    ) -> Vec<AppendError> {
        let mut appender = self.0.appender();
        let refused =
            samples.filter_map(|(labels, at, value)| appender.append(None, &labels, at, value).err());
        let refused = refused.collect();
        appender.commit();
        refused
    }
}

fn span(text: &str) -> Duration {
    text.parse().unwrap_or_else(|error| panic!("{error}"))
}

/// The part of the series notation that the pack uses: `1`, `1x3` (four times), `_`, `_x3`, `stale`.
fn values(text: &str) -> Vec<Option<f64>> {
    text.split_whitespace()
        .flat_map(|word| {
            let (value, times) = match word.split_once('x') {
                Some((value, times)) => (value, times.parse::<usize>().expect("a count")),
                None => (word, 0),
            };
            match value {
                "stale" => vec![Some(stale_nan())],
                "_" => vec![None; times.max(1)],
                number => vec![Some(number.parse().expect("a number")); times + 1],
            }
        })
        .collect()
}

fn labels(series: &str) -> Labels {
    let matchers = parse_selector(series).unwrap_or_else(|error| panic!("{series}: {error}"));
    assert!(matchers.iter().all(|m| m.op() == MatchOp::Equal), "{series}");
    matchers.iter().map(|m| (m.name(), m.value())).collect()
}

/// Runs one test; says what differs from what it expects.
fn differences(groups: &[Group], interval: Duration, test: &Test) -> Vec<String> {
    let mut config = Config::new(groups.to_vec());
    for group in &mut config.groups {
        // As promtool does: every group at every instant of the test.
        group.interval = Some(interval);
    }
    config.schedule = Schedule::Aligned(Timestamp::EPOCH);
    let mut manager = Manager::new(config, Timestamp::from_millis(-1));
    let mut store = Memory(Store::new(assurance_tsdb::Config::default()));
    let step = span(&test.interval);
    let series: Vec<(Labels, Vec<Option<f64>>)> =
        test.input_series.iter().map(|input| (labels(&input.series), values(&input.values))).collect();
    let end = test.alert_rule_test.iter().map(|case| span(&case.eval_time)).max().expect("a case");
    let mut found = Vec::new();
    let mut loaded = Timestamp::EPOCH;
    let mut index = 0;
    let mut now = Timestamp::EPOCH;
    while now <= Timestamp::EPOCH + end {
        while loaded <= now {
            let mut due = series.iter().filter_map(|(labels, values)| {
                let value = values.get(index).copied().flatten()?;
                Some((labels.clone(), loaded, Value::Float(value)))
            });
            assert_eq!(store.append_all(now, &mut due), []);
            loaded += step;
            index += 1;
        }
        for report in manager.handle_timeout(now, &mut store) {
            assert!(report.failures.is_empty(), "{}: {:?}", report.group, report.failures);
        }
        while manager.poll_output().is_some() {}
        for case in test.alert_rule_test.iter().filter(|c| Timestamp::EPOCH + span(&c.eval_time) == now) {
            let mut got: Vec<Expected> = manager
                .alerts()
                .filter(|a| a.phase == Phase::Firing && a.labels.get("alertname") == Some(&case.alertname))
                .map(|alert| Expected {
                    exp_labels: alert
                        .labels
                        .without(&["alertname"])
                        .iter()
                        .map(|(n, v)| (n.to_owned(), v.to_owned()))
                        .collect(),
                    exp_annotations: alert.annotations.clone(),
                })
                .collect();
            let mut wanted = case.exp_alerts.clone();
            got.sort();
            wanted.sort();
            if got != wanted {
                found.push(format!(
                    "{}: {} at {}: expected {wanted:#?}, got {got:#?}",
                    test.name, case.alertname, case.eval_time
                ));
            }
        }
        now += interval;
    }
    found
}

/// Runs the tests of all rule files that have `from` in them, with `to` in its place.
fn run(from: &str, to: &str) -> Vec<String> {
    let mut found = Vec::new();
    for ((_, rules), (name, text)) in rule_files().iter().zip(rule_tests()) {
        if !rules.contains(from) {
            continue;
        }
        let tests: Tests =
            yaml::parse(&Source::new(*name, *text)).unwrap_or_else(|problem| panic!("{problem}"));
        let mut groups = Vec::new();
        for file in &tests.rule_files {
            let file = format!("rules/{file}");
            let (_, rules) = rule_files().iter().find(|(name, _)| *name == file).expect("a rule file");
            let rules = RuleFile::parse(&Source::new(file, rules.replace(from, to)))
                .unwrap_or_else(|p| panic!("{}", p[0]));
            groups.extend(rules.groups);
        }
        let interval = span(&tests.evaluation_interval);
        found.extend(tests.tests.iter().flat_map(|test| differences(&groups, interval, test)));
    }
    found
}

#[test]
fn our_engine_finds_every_unit_test_passing() {
    let found = run("", "");
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn the_unit_tests_notice_a_change_of_any_rule() {
    for (from, to) in [
        ("[90s]) == 1", "[90s]) == 2"),
        ("for: 5m", "for: 4m"),
        ("keep_firing_for: 2m", "keep_firing_for: 0s"),
        ("> 5.5", "> 4.5"),
        ("> 10.5", "> 9.5"),
        ("> 20.5", "> 19.5"),
        ("< 300", "< 240"),
        ("[1h]", "[2h]"),
        (
            "last_over_time(sovereign_bundle_quarantine_last_timestamp_seconds{job=\"brain-governance\"}[5m])",
            "sovereign_bundle_quarantine_last_timestamp_seconds",
        ),
        (",trust_tier=\"external\"", ""),
        ("sum without (gate) ", ""),
        ("sum without (target_mode) ", ""),
        ("or on (job) absent", "or absent"),
        ("26 * 3600", "27 * 3600"),
        ("vector(1)", "vector(1) > 1"),
        ("An override on", "The override on"),
    ] {
        assert!(rule_files().iter().any(|(_, text)| text.contains(from)), "no rule has {from}");
        assert!(!run(from, to).is_empty(), "{from} → {to}");
    }
}
