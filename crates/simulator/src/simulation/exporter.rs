use std::fmt::Write as _;
use std::sync::Arc;

use assurance_evidence::{ArchiveError, Config, Exporter, Fact, FactKind, Output, Report};
use assurance_metrics_model::{Duration, Timestamp};
use assurance_storage::Memory;

use super::network;
use crate::World;

/// The exporter's machine, and what it would say of itself in the job `brain-evidence`.
#[derive(Debug)]
pub(super) struct VirtualExporter {
    exporter: Exporter,
    interval: Duration,
    grace: Duration,
    last_collect: Timestamp,
    last_publish: Timestamp,
    events: u64,
    gaps: usize,
}

impl VirtualExporter {
    /// Its first round is due `phase` after `now`.
    pub(super) fn open(
        storage: Arc<Memory>,
        config: Config,
        now: Timestamp,
        phase: Duration,
    ) -> Result<Self, ArchiveError> {
        let (interval, grace) = (config.interval, config.policy.grace);
        let exporter = Exporter::open(storage, config, now + phase)?;
        Ok(Self { exporter, interval, grace, last_collect: now, last_publish: now, events: 0, gaps: 0 })
    }

    pub(super) fn poll_timeout(&self) -> Option<Timestamp> {
        self.exporter.poll_timeout()
    }

    /// How long after midnight a day is published for certain.
    pub(super) fn settle(&self) -> Duration {
        self.grace + self.interval
    }

    /// Does what is due; the report of the round, if there was one.
    pub(super) fn poll(&mut self, now: Timestamp, world: &World) -> Result<Option<Report>, ArchiveError> {
        self.exporter.handle_timeout(now);
        let mut report = None;
        while let Some(output) = self.exporter.poll_output() {
            report = match output {
                Output::Get(get) => {
                    self.exporter.handle_response(now, get.id, network::fetch(&get.path, world))?
                }
                // The simulated exporter reads the API; a file has no virtual counterpart.
                _ => None,
            };
        }
        if let Some(report) = &report {
            self.gaps += report.facts.iter().filter(|fact| is_gap(fact)).count();
            if let Ok(events) = report.outcome {
                self.last_collect = report.at;
                self.events += events;
            }
            if !report.published.is_empty() {
                self.last_publish = report.at;
            }
        }
        Ok(report)
    }

    /// Its metrics, text format 0.0.4.
    pub(super) fn page(&self) -> String {
        let mut page = String::new();
        for (name, kind, value) in [
            (
                "governance_evidence_last_collect_timestamp_seconds",
                "gauge",
                self.last_collect.as_secs_f64().to_string(),
            ),
            (
                "governance_evidence_last_publish_timestamp_seconds",
                "gauge",
                self.last_publish.as_secs_f64().to_string(),
            ),
            ("governance_evidence_events_total", "counter", self.events.to_string()),
            ("governance_evidence_gaps_total", "counter", self.gaps.to_string()),
        ] {
            // Writing to a String cannot fail.
            let _infallible = writeln!(page, "# TYPE {name} {kind}\n{name} {value}");
        }
        page
    }
}

fn is_gap(fact: &Fact) -> bool {
    matches!(fact.kind, FactKind::Gap { .. } | FactKind::Restart { .. } | FactKind::Rewritten { .. })
}
