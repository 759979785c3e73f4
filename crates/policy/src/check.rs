use std::collections::BTreeSet;
use std::fmt;

use assurance_diagnostics::suggest;
use assurance_metrics_model::{METRIC_NAME, Matcher};
use assurance_rules::{Group, Rule};

use crate::{Metric, MetricContract};

/// A selector that finds nothing under the contract: its rule can never see what it was written for.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Mismatch {
    /// The rule file.
    pub file: String,
    /// The rule's group.
    pub group: String,
    /// The alert's name, or the recorded metric's.
    pub rule: String,
    /// The selector.
    pub selector: String,
    /// Why it finds nothing.
    pub kind: MismatchKind,
}

/// Why a selector finds nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum MismatchKind {
    /// No such metric is promised.
    UnknownMetric {
        /// A promised metric with a similar name.
        suggestion: Option<String>,
    },
    /// The metric does not have the label.
    UnknownLabel {
        /// The label.
        label: String,
        /// Labels that it has.
        known: Vec<String>,
    },
    /// The label never has such a value.
    ImpossibleValue {
        /// The condition.
        matcher: String,
        /// The values that it takes.
        known: Vec<String>,
    },
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { file, group, rule, selector, kind } = self;
        write!(f, "{file}: rule {rule} of group {group} selects {selector}, which can never exist: ")?;
        match kind {
            MismatchKind::UnknownMetric { suggestion } => {
                f.write_str("the metric is not in the contract")?;
                match suggestion {
                    Some(near) => write!(f, "; did you mean {near}?"),
                    None => f.write_str("; add it there, with its source"),
                }
            }
            MismatchKind::UnknownLabel { label, known } if known.is_empty() => {
                write!(f, "it has no label {label}, nor any other of its own")
            }
            MismatchKind::UnknownLabel { label, known } => {
                write!(f, "it has no label {label}, only {}", known.join(", "))
            }
            MismatchKind::ImpossibleValue { matcher, known } => {
                write!(f, "{matcher} matches none of {}", known.join(", "))
            }
        }
    }
}

/// Metrics that the scraper and the rule engine make themselves.
const OWN: [&str; 9] = [
    "up",
    "scrape_duration_seconds",
    "scrape_samples_scraped",
    "scrape_samples_post_metric_relabeling",
    "scrape_series_added",
    "scrape_timeout_seconds",
    "scrape_sample_limit",
    "ALERTS",
    "ALERTS_FOR_STATE",
];

impl MetricContract {
    /// The selectors in these rules that can never find anything, as far as the contract tells: misspelt
    /// metrics, labels that a metric does not have, values that a label never takes, the wrong job.
    ///
    /// Metrics that the rules record themselves are known too. The label `instance` is whatever the target's
    /// address is, so conditions on it always hold.
    pub fn check(&self, groups: &[Group]) -> Vec<Mismatch> {
        let rules = || groups.iter().flat_map(|group| group.rules.iter().map(move |rule| (group, rule)));
        let recorded: BTreeSet<&str> = rules()
            .filter_map(|(_, rule)| match rule {
                Rule::Recording(rule) => Some(rule.record.as_str()),
                Rule::Alerting(_) => None,
            })
            .collect();
        let mut found = Vec::new();
        for (group, rule) in rules() {
            for selector in rule.expression().tree().selectors() {
                if let Some(kind) = self.mismatch(&selector.matchers, &recorded) {
                    found.push(Mismatch {
                        file: group.file.clone(),
                        group: group.name.clone(),
                        rule: rule.name().to_owned(),
                        selector: selector.to_string(),
                        kind,
                    });
                }
            }
        }
        found
    }

    /// Why a selector with these conditions can never find anything; `recorded` are the metrics that rules
    /// write.
    pub fn mismatch(&self, matchers: &[Matcher], recorded: &BTreeSet<&str>) -> Option<MismatchKind> {
        let named = |name: &str| matchers.iter().filter(|m| m.name() == METRIC_NAME).all(|m| m.matches(name));
        if recorded.iter().any(|name| named(name)) {
            return None;
        }
        let jobs = || self.jobs.keys().cloned();
        if let Some(own) = OWN.iter().find(|name| named(name)) {
            // `ALERTS` carries the labels of whatever raised it.
            let scraped = !own.starts_with("ALERTS");
            let job = matchers.iter().find(|m| m.name() == "job").filter(|_| scraped)?;
            return impossible(job, jobs().collect());
        }
        let candidates: Vec<&Metric> = self.metrics.iter().filter(|m| named(&m.name)).collect();
        if candidates.is_empty() {
            let wrong = matchers.iter().find(|m| m.name() == METRIC_NAME).map_or("", |m| m.value());
            let suggestion = suggest(wrong, self.metrics.iter().map(|m| m.name.as_str())).map(str::to_owned);
            return Some(MismatchKind::UnknownMetric { suggestion });
        }
        let mut kinds = Vec::new();
        for metric in candidates {
            match matchers.iter().find_map(|matcher| self.mismatch_of(metric, matcher)) {
                Some(kind) => kinds.push(kind),
                None => return None,
            }
        }
        kinds.into_iter().next()
    }

    fn mismatch_of(&self, metric: &Metric, matcher: &Matcher) -> Option<MismatchKind> {
        let label = matcher.name();
        if label == METRIC_NAME || label == "instance" {
            return None;
        }
        let target = self.jobs.get(&metric.job).map(|job| &job.target_labels);
        let values = match label {
            "job" => Some(vec![metric.job.clone()]),
            _ => metric
                .labels
                .get(label)
                .cloned()
                .or_else(|| target.and_then(|labels| labels.get(label)).map(|value| vec![value.clone()])),
        };
        match values {
            Some(values) => impossible(matcher, values),
            // An absent label is an empty one.
            None if matcher.matches_empty() => None,
            None => Some(MismatchKind::UnknownLabel {
                label: label.to_owned(),
                known: metric.labels.keys().cloned().collect(),
            }),
        }
    }
}

fn impossible(matcher: &Matcher, known: Vec<String>) -> Option<MismatchKind> {
    if known.iter().any(|value| matcher.matches(value)) {
        return None;
    }
    Some(MismatchKind::ImpossibleValue { matcher: matcher.to_string(), known })
}
