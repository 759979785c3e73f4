use std::collections::BTreeMap;
use std::sync::Arc;

use assurance_exposition::Family;
use assurance_rules::GroupReport;
use assurance_scrape::ScrapeReport;
use assurance_tsdb::{Committed, Dropped, FaultKind};

use crate::Pipeline;

/// What happened so far, by number.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    appended: u64,
    overtaken: u64,
    expired: u64,
    jobs: BTreeMap<Arc<str>, JobCounters>,
    /// Whether each target answered last time.
    up: BTreeMap<u64, bool>,
    evaluations: u64,
    evaluation_failures: u64,
    missed: u64,
}

#[derive(Debug, Default)]
struct JobCounters {
    succeeded: u64,
    failed: u64,
    samples: u64,
    refused: u64,
    births: u64,
}

impl Counters {
    pub(crate) fn committed(&mut self, committed: Committed) {
        self.appended += committed.samples as u64;
        self.overtaken += committed.overtaken as u64;
    }

    pub(crate) fn dropped(&mut self, dropped: Dropped) {
        self.expired += dropped.samples;
    }

    /// Counts a scrape; says whether its target changed between up and down.
    pub(crate) fn scraped(&mut self, report: &ScrapeReport) -> bool {
        let job = self.jobs.entry(Arc::clone(&report.job)).or_default();
        if report.up() {
            job.succeeded += 1;
        } else {
            job.failed += 1;
        }
        job.samples += report.counts.post_relabel;
        job.refused += report.counts.refused;
        job.births += report.counts.births;
        self.up.insert(report.id.target, report.up()) != Some(report.up())
    }

    pub(crate) fn evaluated(&mut self, reports: &[GroupReport]) {
        for report in reports {
            self.evaluations += report.rules as u64;
            self.evaluation_failures += report.failures.len() as u64;
            self.missed += report.missed;
        }
    }
}

impl Pipeline {
    /// What the pipeline says of itself, for `/metrics`: Prometheus's names where Prometheus has the metric,
    /// `assurance_` otherwise.
    pub fn self_metrics(&self) -> Vec<Family> {
        let mut families = self.store_metrics();
        families.push(self.fault_metric());
        families.extend(self.scrape_metrics());
        families.extend(self.rule_metrics());
        families.extend(self.notifier_metrics());
        families.extend(self.dispatch_metrics());
        families
    }

    fn store_metrics(&self) -> Vec<Family> {
        let (stats, counters) = (self.store().stats(), self.counters());
        vec![
            Family::gauge("prometheus_tsdb_head_series", "Series in the store.")
                .with_sample(&[], number(stats.series as u64)),
            Family::gauge("prometheus_tsdb_head_chunks", "Chunks in the store.")
                .with_sample(&[], number(stats.chunks as u64)),
            Family::gauge("assurance_tsdb_samples", "Samples that can be read.")
                .with_sample(&[], number(stats.samples)),
            Family::gauge("assurance_tsdb_bytes", "Bytes of index and chunks in memory.")
                .with_sample(&[], number(stats.bytes as u64)),
            Family::counter("prometheus_tsdb_head_samples_appended_total", "Samples committed.")
                .with_sample(&[], number(counters.appended)),
            Family::counter("assurance_tsdb_overtaken_samples_total", "Samples another writer overtook.")
                .with_sample(&[], number(counters.overtaken)),
            Family::counter("assurance_tsdb_expired_samples_total", "Samples dropped by retention.")
                .with_sample(&[], number(counters.expired)),
        ]
    }

    /// What of the storage does not work, in words: empty where all does, and for what lives in memory.
    pub fn storage_faults(&self) -> Vec<String> {
        let mut faults: Vec<String> = self.store().faults().iter().map(ToString::to_string).collect();
        faults.extend(self.state_fault().map(ToString::to_string));
        faults
    }

    /// All kinds, so that an alert has a 0 to compare with.
    fn fault_metric(&self) -> Family {
        let faults = self.store().faults();
        let count = |kind| faults.iter().filter(|fault| fault.kind == kind).count() as u64;
        let name = "assurance_storage_faults";
        let mut family = Family::gauge(name, "What of the storage does not work at present, by its kind.");
        for (kind, name) in [
            (FaultKind::Log, "log"),
            (FaultKind::Segment, "segment"),
            (FaultKind::Checkpoint, "checkpoint"),
            (FaultKind::Removal, "removal"),
            (FaultKind::Damaged, "damaged"),
        ] {
            family.push("", &[("kind", name)], number(count(kind)));
        }
        family.push("", &[("kind", "alerts")], f64::from(u8::from(self.state_fault().is_some())));
        family
    }

    fn scrape_metrics(&self) -> Vec<Family> {
        let mut scrapes = Family::counter("assurance_scrapes_total", "Scrapes by their result.");
        let mut samples =
            Family::counter("assurance_scrape_samples_total", "Samples scraped after relabelling.");
        let mut refused = Family::counter(
            "assurance_scrape_refused_samples_total",
            "Scraped samples that the store refused.",
        );
        let mut births = Family::counter(
            "assurance_scrape_births_total",
            "Samples of 0 written for counters that the scrape before did not see.",
        );
        for (job, counters) in &self.counters().jobs {
            let job = [("job", &**job)];
            for (result, count) in [("success", counters.succeeded), ("failure", counters.failed)] {
                scrapes.push("", &[job[0], ("result", result)], number(count));
            }
            samples.push("", &job, number(counters.samples));
            refused.push("", &job, number(counters.refused));
            births.push("", &job, number(counters.births));
        }
        vec![scrapes, samples, refused, births]
    }

    fn rule_metrics(&self) -> Vec<Family> {
        let counters = self.counters();
        vec![
            Family::counter("prometheus_rule_evaluations_total", "Rules evaluated.")
                .with_sample(&[], number(counters.evaluations)),
            Family::counter("prometheus_rule_evaluation_failures_total", "Rule evaluations that failed.")
                .with_sample(&[], number(counters.evaluation_failures)),
            Family::counter("prometheus_rule_group_iterations_missed_total", "Evaluations of groups missed.")
                .with_sample(&[], number(counters.missed)),
        ]
    }

    fn notifier_metrics(&self) -> Vec<Family> {
        let mut queued =
            Family::gauge("prometheus_notifications_queue_length", "Alerts waiting for a receiver.");
        let mut sent = Family::counter("prometheus_notifications_sent_total", "Alerts that a receiver took.");
        let mut errors = Family::counter("prometheus_notifications_errors_total", "Deliveries that failed.");
        let mut dropped = Family::counter(
            "prometheus_notifications_dropped_total",
            "Alerts given up: refused for good, or lost to a full queue.",
        );
        for (receiver, status) in self.notifier().receivers() {
            let name = [("receiver", receiver.name.as_str())];
            queued.push("", &name, number(status.queued as u64));
            sent.push("", &name, number(status.delivered));
            errors.push("", &name, number(status.failed_attempts));
            dropped.push("", &name, number(status.refused + status.overflowed));
        }
        vec![queued, sent, errors, dropped]
    }
}

#[expect(clippy::cast_precision_loss, reason = "metrics are floats, exact up to 2^53")]
pub(crate) fn number(count: u64) -> f64 {
    count as f64
}
