//! A metric contract for rules that come without one.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use assurance_diagnostics::{Diagnostic, Source};
use assurance_metrics_model::{METRIC_NAME, MatchOp};
use assurance_policy::MetricContract;
use assurance_policy::intents::{Birth, Counters, EventSelector, Intents, Subject, Violation};
use assurance_rules::Group;

/// The job of metrics of which no rule says it.
const ANY_JOB: &str = "service";

/// The value of a label beside those that a rule or an intent names: what must not be confused with them.
const OTHER: &str = "other";

/// What an assumed contract is called in messages.
pub const ASSUMED: &str = "assumed contract";

#[derive(Debug, Default)]
struct Metric {
    jobs: BTreeSet<String>,
    labels: BTreeMap<String, BTreeSet<String>>,
}

/// A contract, as text, that has what the rules read and the intents are about: counters by their names, all
/// else gauges; labels with the values that are named, and one more; births and restarts as the environment of
/// the intents says for what no contract knows.
///
/// It is a guess, and a beginning: what a service really shows belongs in a file of its own.
pub fn assumed_contract(groups: &[Group], intents: &Intents) -> String {
    let metrics = metrics(groups, intents);
    let process = &intents.environment.process;
    let restored = process.counters == Counters::Persisted;
    let mut jobs: BTreeSet<&str> = metrics.values().flat_map(|m| m.jobs.iter().map(String::as_str)).collect();
    for intent in &intents.intents {
        if let Violation::Absence { of: Subject::Job(job), .. } = &intent.violation {
            jobs.insert(job);
        }
    }
    jobs.extend(jobs_of_up(groups));
    if jobs.is_empty() {
        jobs.insert(ANY_JOB);
    }
    let mut out = "version: 1\njobs:\n".to_owned();
    for job in &jobs {
        // Writing to a String cannot fail.
        let _infallible = writeln!(
            out,
            "  {}: {{metrics_path: /metrics, scrape_interval: {}, scrape_timeout: 10s}}",
            text(job),
            intents.environment.scrape.interval.unwrap_or(assurance_metrics_model::Duration::from_secs(30))
        );
    }
    out.push_str(if metrics.is_empty() { "metrics: []\n" } else { "metrics:\n" });
    for (name, metric) in &metrics {
        let is_counter = name.ends_with("_total");
        let lazy = process.created == Birth::Lazy && is_counter && !metric.labels.is_empty();
        let labels: Vec<String> = metric
            .labels
            .iter()
            .map(|(label, values)| {
                let values: Vec<String> = values.iter().map(|value| text(value)).collect();
                format!("{}: [{}]", text(label), values.join(", "))
            })
            .collect();
        for job in &metric.jobs {
            let _infallible = writeln!(
                out,
                "- {{name: {name}, type: {}, help: Assumed., job: {}, at_start: 0, lazy: {lazy}, restored: {}, original: eager, labels: {{{}}}, source: {}}}",
                if is_counter { "counter" } else { "gauge" },
                text(job),
                restored || !is_counter,
                labels.join(", "),
                text(&source(name, intents)),
            );
        }
    }
    out
}

/// The same, read.
///
/// # Errors
/// If a metric's or label's name cannot stand in a contract.
pub fn assume(groups: &[Group], intents: &Intents) -> Result<MetricContract, Diagnostic> {
    MetricContract::parse(&Source::new(ASSUMED, assumed_contract(groups, intents)))
}

fn metrics(groups: &[Group], intents: &Intents) -> BTreeMap<String, Metric> {
    let mut metrics: BTreeMap<String, Metric> = BTreeMap::new();
    let rules = || groups.iter().flat_map(|group| &group.rules);
    let recorded: BTreeSet<&str> =
        rules().filter(|rule| !rule.is_alerting()).map(|rule| rule.name()).collect();
    for selector in rules().flat_map(|rule| rule.expression().tree().selectors()) {
        let named = selector.matchers.iter().find(|m| m.name() == METRIC_NAME && m.op() == MatchOp::Equal);
        let Some(name) = named.map(|matcher| matcher.value()) else { continue };
        if matches!(name, "up" | "ALERTS" | "ALERTS_FOR_STATE") || recorded.contains(name) {
            continue;
        }
        let metric = metrics.entry(name.to_owned()).or_default();
        for matcher in &selector.matchers {
            let values: Vec<&str> = match matcher.op() {
                MatchOp::Equal | MatchOp::NotEqual => vec![matcher.value()],
                // Alternatives that are plain words.
                _ => matcher
                    .value()
                    .split('|')
                    .filter(|v| v.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '-'))
                    .collect(),
            };
            match matcher.name() {
                METRIC_NAME | "instance" => {}
                "job" if matcher.op() == MatchOp::Equal => {
                    metric.jobs.insert(matcher.value().to_owned());
                }
                "job" => {}
                label => {
                    let known = metric.labels.entry(label.to_owned()).or_default();
                    known.extend(values.into_iter().filter(|v| !v.is_empty()).map(str::to_owned));
                    known.insert(OTHER.to_owned());
                }
            }
        }
    }
    for events in intents.intents.iter().flat_map(|intent| events_of(&intent.violation)) {
        let Some(name) = &events.metric else { continue };
        let metric = metrics.entry(name.clone()).or_default();
        for (label, values) in &events.labels {
            let known = metric.labels.entry(label.clone()).or_default();
            known.extend(values.iter().cloned());
            known.insert(OTHER.to_owned());
        }
    }
    for intent in &intents.intents {
        if let Violation::State { metric, .. } = &intent.violation {
            metrics.entry(metric.clone()).or_default();
        }
    }
    for metric in metrics.values_mut().filter(|metric| metric.jobs.is_empty()) {
        metric.jobs.insert(ANY_JOB.to_owned());
    }
    metrics
}

fn jobs_of_up(groups: &[Group]) -> BTreeSet<&str> {
    let rules = groups.iter().flat_map(|group| &group.rules);
    let selectors = rules.flat_map(|rule| rule.expression().tree().selectors());
    let of_up = selectors.filter(|s| s.matchers.iter().any(|m| m.name() == METRIC_NAME && m.value() == "up"));
    let jobs =
        of_up.flat_map(|s| s.matchers.iter().filter(|m| m.name() == "job" && m.op() == MatchOp::Equal));
    jobs.map(|matcher| matcher.value()).collect()
}

fn events_of(violation: &Violation) -> Vec<&EventSelector> {
    match violation {
        Violation::Event(events) | Violation::Count { events, .. } | Violation::Never(Some(events)) => {
            vec![events]
        }
        Violation::Absence { of: Subject::Events(events), .. } => vec![events],
        Violation::Sequence { first, then, .. } => vec![first, then],
        _ => Vec::new(),
    }
}

/// What moves a metric: the event that an intent names for a counter of this stem, or one of its own.
fn source(name: &str, intents: &Intents) -> String {
    let stem = |name: &str| {
        let name = name.strip_suffix("_total").unwrap_or(name);
        let name = name.strip_suffix("_timestamp_seconds").unwrap_or(name);
        name.strip_suffix("_last").unwrap_or(name).to_owned()
    };
    let all = intents.intents.iter().flat_map(|intent| events_of(&intent.violation));
    let named = all.filter_map(|events| Some((events.metric.as_ref()?, events.source.as_ref()?)));
    let mut of_stem = named.filter(|(metric, _)| stem(metric) == stem(name));
    of_stem.next().map_or_else(|| stem(name), |(_, source)| source.clone())
}

fn text(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}
