use std::collections::BTreeMap;

use assurance_diagnostics::{Diagnostic, Source, yaml};
use assurance_metrics_model::{Duration, MetricType};
use serde::{Deserialize, Deserializer, de};

use crate::files::METRICS;

/// What the scraped services promise: metrics, types, labels and their values, and what a restart does.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct MetricContract {
    /// The format of the file: 1.
    pub version: u32,
    /// The scrape jobs, by name.
    pub jobs: BTreeMap<String, Job>,
    /// The metrics, in the order of the file.
    pub metrics: Vec<Metric>,
}

/// A scrape job of the contract.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Job {
    /// Where the metrics are.
    pub metrics_path: String,
    /// How often they are scraped.
    #[serde(deserialize_with = "duration")]
    pub scrape_interval: Duration,
    /// How long a scrape may take.
    #[serde(deserialize_with = "duration")]
    pub scrape_timeout: Duration,
    /// Labels that the scrape configuration adds to the targets.
    #[serde(default)]
    pub target_labels: BTreeMap<String, String>,
}

/// One metric of the contract.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Metric {
    /// Its name.
    pub name: String,
    /// Its type.
    #[serde(rename = "type", deserialize_with = "metric_type")]
    pub metric_type: MetricType,
    /// Its unit; empty where it is a bare state.
    #[serde(default)]
    pub unit: String,
    /// Its help text.
    pub help: String,
    /// The job that it is scraped by.
    pub job: String,
    /// Its own labels with all the values they take.
    #[serde(default)]
    pub labels: BTreeMap<String, Vec<String>>,
    /// The value in the first scrape of a fresh process, for each combination of label values; `None` where it
    /// depends on when that is.
    #[serde(default)]
    pub at_start: Option<f64>,
    /// Whether a series exists only from its first event on.
    #[serde(default)]
    pub lazy: bool,
    /// Whether a restart keeps the value.
    pub restored: bool,
    /// What the backend did before this contract.
    pub original: Original,
    /// What moves it.
    pub source: String,
}

/// What the backend did with a metric before the contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Original {
    /// It was there from the start.
    Eager,
    /// It was there after its first event.
    Lazy,
    /// It was not there.
    Absent,
}

impl MetricContract {
    /// Reads a contract and checks that it agrees with itself.
    ///
    /// # Errors
    /// The first flaw, at its place.
    pub fn parse(source: &Source) -> Result<Self, Diagnostic> {
        let contract: Self = yaml::parse(source)?;
        let at =
            |index: usize, key: &str| yaml::locate(source, &["metrics".into(), index.into(), key.into()]);
        for (index, metric) in contract.metrics.iter().enumerate() {
            if !contract.jobs.contains_key(&metric.job) {
                let message =
                    format!("metric {} is scraped by job {:?}, which is not listed", metric.name, metric.job);
                return Err(Diagnostic::error(source, at(index, "job"), message)
                    .with_help("add it under `jobs`, or correct the name"));
            }
            if contract.metrics[..index].iter().any(|m| m.name == metric.name && m.job == metric.job) {
                let message = format!("metric {} of job {:?} is listed twice", metric.name, metric.job);
                return Err(Diagnostic::error(source, at(index, "name"), message));
            }
            if metric.metric_type == MetricType::Counter && !metric.name.ends_with("_total") {
                let message = format!("counter {} does not end in `_total`", metric.name);
                return Err(Diagnostic::error(source, at(index, "name"), message));
            }
            if let Some((label, _)) = metric.labels.iter().find(|(_, values)| values.is_empty()) {
                let message = format!("label {label:?} of metric {} has no values", metric.name);
                return Err(Diagnostic::error(source, at(index, "labels"), message)
                    .with_help("list every value it takes; what is not listed cannot be selected"));
            }
        }
        Ok(contract)
    }

    /// What the services did before this contract: metrics that they did not have are gone, those that were
    /// there after their first event are born then, and nothing outlives a restart.
    #[must_use]
    pub fn as_original(&self) -> Self {
        let mut contract = self.clone();
        contract.metrics.retain(|metric| metric.original != Original::Absent);
        for metric in &mut contract.metrics {
            metric.lazy = metric.original == Original::Lazy;
            metric.restored = false;
        }
        contract
    }

    /// The metric of a name; the first, where several jobs have it.
    pub fn metric(&self, name: &str) -> Option<&Metric> {
        self.metrics.iter().find(|m| m.name == name)
    }
}

/// The contract of this pack.
///
/// # Errors
/// If the embedded file is flawed, which a test excludes.
pub fn metric_contract() -> Result<MetricContract, Diagnostic> {
    MetricContract::parse(&Source::new(METRICS.0, METRICS.1))
}

fn duration<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
}

fn metric_type<'de, D: Deserializer<'de>>(deserializer: D) -> Result<MetricType, D::Error> {
    String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
}
