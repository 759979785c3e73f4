//! What is known beside the rules: jobs, metrics and what the rules themselves record.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};

use assurance_config::Loaded;
use assurance_metrics_model::{Duration, Labels, Matcher, MetricType};
use assurance_policy::{Metric, MetricContract};
use assurance_promql::VectorSelector;
use assurance_rules::{RecordingRule, Rule};
use assurance_scrape::{JobConfig, relabel_builder};

use crate::measure::metric_name;
use crate::subject::File;

/// Metrics that the scraper writes for every target, also where the scrape failed.
const REPORTS: [&str; 7] = [
    "up",
    "scrape_duration_seconds",
    "scrape_samples_scraped",
    "scrape_samples_post_metric_relabeling",
    "scrape_series_added",
    "scrape_timeout_seconds",
    "scrape_sample_limit",
];

/// A scrape job.
#[derive(Clone, Debug)]
pub(crate) struct Job {
    pub(crate) interval: Duration,
    /// Labels of its targets.
    pub(crate) labels: BTreeSet<String>,
    /// Targets are found elsewhere, so that they may have any label.
    pub(crate) open: bool,
}

/// What is known.
#[derive(Debug)]
pub(crate) struct World<'a> {
    pub(crate) contract: Option<&'a MetricContract>,
    pub(crate) config: Option<&'a Loaded>,
    /// By name; `None` where neither the configuration nor the contract tells.
    pub(crate) jobs: Option<BTreeMap<String, Job>>,
    /// Samples may come with a label `job` of their own.
    pub(crate) any_job: bool,
    recorded: BTreeMap<&'a str, Vec<&'a RecordingRule>>,
    /// Recorded metrics that may still be followed for the expression at hand.
    fuel: Cell<u32>,
}

/// Recorded metrics that are followed for one expression. Rules that record one name in several ways, each from
/// others that do the same, would be followed without end.
const MAX_FOLLOWED: u32 = 1_000;

impl<'a> World<'a> {
    pub(crate) fn new(
        files: &'a [File],
        config: Option<&'a Loaded>,
        contract: Option<&'a MetricContract>,
    ) -> Self {
        let mut recorded: BTreeMap<&str, Vec<&RecordingRule>> = BTreeMap::new();
        for group in files.iter().flat_map(|file| &file.groups) {
            for rule in &group.rules {
                if let Rule::Recording(rule) = rule {
                    recorded.entry(&rule.record).or_default().push(rule);
                }
            }
        }
        let mut jobs: BTreeMap<String, Job> = BTreeMap::new();
        let mut any_job = false;
        match (config, contract) {
            (Some(config), _) => {
                for job in &config.jobs {
                    // Targets that are found elsewhere may be relabelled to any job.
                    let found = job.static_targets.is_empty() || !job.file_sd.is_empty();
                    any_job |= job.honor_labels || !job.metric_relabel.is_empty();
                    any_job |= found && !job.relabel.is_empty();
                    configured(job, &mut jobs);
                }
            }
            (None, Some(contract)) => {
                for (name, job) in &contract.jobs {
                    let labels = job.target_labels.keys().cloned().collect();
                    jobs.insert(name.clone(), Job { interval: job.scrape_interval, labels, open: false });
                }
            }
            (None, None) => {}
        }
        let jobs = (config.is_some() || contract.is_some()).then_some(jobs);
        Self { contract, config, jobs, any_job, recorded, fuel: Cell::new(0) }
    }

    pub(crate) fn recorded(&self, name: &str) -> Option<&[&'a RecordingRule]> {
        self.recorded.get(name).map(Vec::as_slice)
    }

    /// Begins an expression.
    pub(crate) fn refuel(&self) {
        self.fuel.set(MAX_FOLLOWED);
    }

    /// The rules that record a metric, to be followed; `None` also where enough were followed already.
    pub(crate) fn follow(&self, name: &str) -> Option<&[&'a RecordingRule]> {
        let left = self.fuel.get().checked_sub(1)?;
        let rules = self.recorded(name)?;
        self.fuel.set(left);
        Some(rules)
    }

    pub(crate) fn recorded_names(&self) -> BTreeSet<&str> {
        self.recorded.keys().copied().collect()
    }

    /// What the contract says of the metric that a selector reads.
    pub(crate) fn metric(&self, selector: &VectorSelector) -> Option<&'a Metric> {
        let name = metric_name(selector)?;
        if self.recorded.contains_key(name) {
            return None;
        }
        let job = |m: &&Metric| job_matchers(selector).all(|matcher| matcher.matches(&m.job));
        let contract = self.contract?;
        let mut candidates = contract.metrics.iter().filter(|m| m.name == name);
        candidates.clone().find(job).or_else(|| candidates.next())
    }

    /// Whether a selector reads a counter; `None` where that is not known.
    pub(crate) fn is_counter(&self, selector: &VectorSelector) -> Option<bool> {
        let name = metric_name(selector)?;
        if self.recorded.contains_key(name) || is_report(name) {
            return None;
        }
        match self.metric(selector).map(|m| m.metric_type) {
            Some(MetricType::Counter) => Some(true),
            Some(MetricType::Gauge) => Some(false),
            Some(MetricType::Histogram | MetricType::Summary) => {
                Some(["_bucket", "_count", "_sum"].iter().any(|end| name.ends_with(end)))
            }
            _ if ["_total", "_bucket"].iter().any(|end| name.ends_with(end)) => Some(true),
            _ if name.ends_with("_timestamp_seconds") => Some(false),
            _ => None,
        }
    }

    /// The jobs that a selector can find series of; none where that is not known.
    pub(crate) fn jobs_of(&self, selector: &VectorSelector) -> Vec<&str> {
        let Some(jobs) = &self.jobs else { return Vec::new() };
        let named = |name: &&str| job_matchers(selector).all(|matcher| matcher.matches(name));
        let own = metric_name(selector).is_some_and(is_report);
        if let Some(metric) = self.metric(selector).filter(|_| !own) {
            return jobs.keys().map(String::as_str).filter(|job| *job == metric.job).filter(named).collect();
        }
        if job_matchers(selector).next().is_none() && jobs.len() > 1 && !own {
            return Vec::new();
        }
        jobs.keys().map(String::as_str).filter(named).collect()
    }

    /// How often the series of a selector are scraped; the longest interval where jobs differ.
    pub(crate) fn interval(&self, selector: &VectorSelector) -> Option<Duration> {
        if metric_name(selector).is_some_and(|name| self.recorded.contains_key(name)) {
            return None;
        }
        let jobs = self.jobs.as_ref()?;
        let own =
            self.jobs_of(selector).into_iter().filter_map(|job| jobs.get(job)).map(|job| job.interval).max();
        own.or_else(|| {
            // All jobs alike: then it does not matter which one it is.
            let mut all = jobs.values().map(|job| job.interval);
            let first = all.next()?;
            all.all(|interval| interval == first).then_some(first)
        })
    }

    /// How often a group without an interval is evaluated.
    pub(crate) fn evaluation_interval(&self) -> Duration {
        self.config.map_or(Duration::from_minutes(1), |config| config.global.evaluation_interval)
    }
}

/// The conditions on the job.
pub(crate) fn job_matchers(selector: &VectorSelector) -> impl Iterator<Item = &Matcher> {
    selector.matchers.iter().filter(|m| m.name() == "job")
}

/// Whether the scraper itself writes a metric.
pub(crate) fn is_report(name: &str) -> bool {
    REPORTS.contains(&name)
}

/// Adds the jobs that a job's targets have after relabelling, usually just itself.
fn configured(job: &JobConfig, jobs: &mut BTreeMap<String, Job>) {
    let mut add = |name: &str, labels: BTreeSet<String>, open: bool| {
        let known = jobs.entry(name.to_owned()).or_insert_with(|| Job {
            interval: job.scrape_interval,
            labels: BTreeSet::new(),
            open: false,
        });
        known.interval = known.interval.max(job.scrape_interval);
        known.labels.extend(labels);
        known.open |= open;
    };
    for group in &job.static_targets {
        for target in &group.targets {
            let mut labels = Labels::from_pairs([("job", job.job_name.as_str())]).to_builder();
            labels.set("__address__", target);
            labels.set("__scheme__", &job.scheme);
            labels.set("__metrics_path__", &job.metrics_path);
            for (name, value) in &group.labels {
                labels.set(name, value);
            }
            if relabel_builder(&mut labels, &job.relabel) {
                let name = labels.get("job").unwrap_or(&job.job_name).to_owned();
                let labels = labels.build();
                let names = labels.iter().map(|(name, _)| name.to_owned());
                add(&name, names.filter(|name| !name.starts_with("__")).collect(), false);
            }
        }
    }
    if job.static_targets.is_empty() || !job.file_sd.is_empty() {
        add(&job.job_name, BTreeSet::new(), true);
    }
    if !job.metric_relabel.is_empty() {
        add(&job.job_name, BTreeSet::new(), true);
    }
}
