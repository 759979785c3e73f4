//! A contract for services that have none.

use std::collections::{BTreeMap, BTreeSet};

use assurance_metrics_model::{Duration, METRIC_NAME, MatchOp, MetricType};
use assurance_rules::{Group, Rule};

use super::{Birth, Counters, EventSelector, Intents, Subject, Violation};
use crate::contract::{Job, Metric, MetricContract, Original};

/// The job of metrics whose rules name none.
const JOB: &str = "service";

/// The value of labels of which nobody names one.
const SOME: &str = "some";

impl Intents {
    /// What services may be taken to show of which nobody wrote it down: the metrics that these intents and rules
    /// name, with the labels and values that they name, created and restored as the environment says. Events are
    /// called as the metric that counts them.
    ///
    /// A counter ends in `_total`; what ends in `_timestamp_seconds` shows when the same counter's events happened
    /// last; anything else is a gauge.
    pub fn assumed_contract(&self, groups: &[Group]) -> MetricContract {
        let mut found = Found::default();
        for intent in &self.intents {
            found.take_violation(&intent.violation);
        }
        for group in groups {
            for rule in &group.rules {
                for selector in rule.expression().tree().selectors() {
                    found.take_selector(&selector.matchers);
                }
            }
        }
        let recorded: BTreeSet<&str> = groups
            .iter()
            .flat_map(|group| &group.rules)
            .filter(|rule| !rule.is_alerting())
            .map(Rule::name)
            .collect();
        found.metrics.retain(|name, _| !recorded.contains(name.as_str()) && !name.starts_with("ALERTS"));
        self.contract_of(found)
    }

    fn contract_of(&self, found: Found) -> MetricContract {
        let job = found.jobs.iter().next().cloned().unwrap_or_else(|| JOB.to_owned());
        let process = &self.environment.process;
        let (lazy, restored) = (process.created == Birth::Lazy, process.counters == Counters::Persisted);
        let metric = |(name, labels): (String, BTreeMap<String, BTreeSet<String>>)| {
            let is_counter = name.ends_with("_total");
            let stem = name
                .strip_suffix("_last_timestamp_seconds")
                .or_else(|| name.strip_suffix("_timestamp_seconds"));
            let source = stem.map_or_else(|| name.clone(), |stem| format!("{stem}_total"));
            let labels = labels.into_iter().map(|(label, values)| {
                let values: Vec<String> = values.into_iter().collect();
                (label, if values.is_empty() { vec![SOME.to_owned()] } else { values })
            });
            Metric {
                metric_type: if is_counter { MetricType::Counter } else { MetricType::Gauge },
                unit: String::new(),
                help: String::new(),
                job: job.clone(),
                labels: labels.collect(),
                at_start: Some(0.0),
                lazy: lazy && is_counter,
                restored: restored || !is_counter,
                original: if lazy && is_counter { Original::Lazy } else { Original::Eager },
                source,
                name,
            }
        };
        let own = Job {
            metrics_path: "/metrics".to_owned(),
            scrape_interval: self.environment.scrape.interval.unwrap_or(Duration::from_secs(30)),
            scrape_timeout: Duration::from_secs(10),
            target_labels: BTreeMap::new(),
        };
        let jobs = found.jobs.iter().cloned().chain([job.clone()]).map(|name| (name, own.clone())).collect();
        MetricContract { version: 1, jobs, metrics: found.metrics.into_iter().map(metric).collect() }
    }
}

/// What was named: jobs, and metrics with their labels and values.
#[derive(Default)]
struct Found {
    jobs: BTreeSet<String>,
    metrics: BTreeMap<String, BTreeMap<String, BTreeSet<String>>>,
}

impl Found {
    fn take_events(&mut self, events: &EventSelector) {
        let Some(name) = events.metric.as_ref().or(events.source.as_ref()) else { return };
        let metric = self.metrics.entry(name.clone()).or_default();
        for (label, values) in &events.labels {
            metric.entry(label.clone()).or_default().extend(values.iter().cloned());
        }
    }

    fn take_violation(&mut self, violation: &Violation) {
        match violation {
            Violation::Event(events)
            | Violation::Count { events, .. }
            | Violation::Never(Some(events))
            | Violation::Absence { of: Subject::Events(events), .. } => self.take_events(events),
            Violation::Sequence { first, then, .. } => {
                self.take_events(first);
                self.take_events(then);
            }
            Violation::State { metric, .. } => {
                self.metrics.entry(metric.clone()).or_default();
            }
            Violation::Absence { of: Subject::Job(job), .. } => {
                self.jobs.insert(job.clone());
            }
            Violation::Never(None) | Violation::Always => {}
        }
    }

    fn take_selector(&mut self, matchers: &[assurance_metrics_model::Matcher]) {
        let equal = |name: &str| {
            matchers
                .iter()
                .find(|m| m.name() == name && m.op() == MatchOp::Equal)
                .map(|m| m.value().to_owned())
        };
        let Some(name) = equal(METRIC_NAME) else { return };
        if name == "up" || name.starts_with("scrape_") {
            return;
        }
        self.jobs.extend(equal("job"));
        let metric = self.metrics.entry(name).or_default();
        for matcher in matchers.iter().filter(|m| ![METRIC_NAME, "job", "instance"].contains(&m.name())) {
            let values = metric.entry(matcher.name().to_owned()).or_default();
            if matcher.op() == MatchOp::Equal && !matcher.value().is_empty() {
                values.insert(matcher.value().to_owned());
            }
        }
    }
}
