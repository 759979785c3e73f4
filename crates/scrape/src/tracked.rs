use std::sync::Arc;

use assurance_metrics_model::{Appender, Duration, Labels, Timestamp};

use crate::ingest::{Attempt, Ingest, Scratch};
use crate::schedule::Schedule;
use crate::status::MAX_REMEMBERED_FAILURES;
use crate::target::Resolved;
use crate::{
    FailureRecord, Health, JobConfig, ScrapeCounts, ScrapeFailure, ScrapeId, ScrapeReport, TargetHealth,
    TargetStatus,
};

/// A request that the edge has not answered yet.
#[derive(Clone, Copy, Debug)]
pub(crate) struct InFlight {
    pub(crate) id: ScrapeId,
    /// The instant it was due.
    pub(crate) slot: Timestamp,
    pub(crate) deadline: Timestamp,
    /// When it counts as lost.
    pub(crate) give_up: Timestamp,
}

/// A target that is scraped: when, how it went, and its series.
#[derive(Debug)]
pub(crate) struct Target {
    /// Index of its job.
    pub(crate) pool: usize,
    pub(crate) resolved: Resolved,
    pub(crate) in_flight: Option<InFlight>,
    pub(crate) ingest: Ingest,
    schedule: Schedule,
    next_slot: Timestamp,
    sequence: u64,
    health: TargetHealth,
}

impl Target {
    pub(crate) fn new(pool: usize, resolved: Resolved, seed: u64, now: Timestamp) -> Self {
        let schedule = schedule(&resolved, seed);
        Self {
            pool,
            resolved,
            in_flight: None,
            ingest: Ingest::default(),
            next_slot: schedule.next(now),
            schedule,
            sequence: 0,
            health: TargetHealth::default(),
        }
    }

    /// The same target, listed anew: its interval or timeout may have changed.
    pub(crate) fn update(&mut self, resolved: Resolved, seed: u64, now: Timestamp) {
        let timing = |target: &Resolved| (target.interval, target.phase);
        if timing(&resolved) != timing(&self.resolved) {
            self.schedule = schedule(&resolved, seed);
            self.next_slot = self.schedule.next(now);
        }
        self.resolved = resolved;
    }

    /// When to look at it again.
    pub(crate) fn wake(&self) -> Timestamp {
        self.in_flight.map_or(self.next_slot, |flight| flight.give_up)
    }

    /// The slot that is made use of at `now`, the latest one; those before it are missed.
    pub(crate) fn take_slot(&mut self, now: Timestamp) -> Timestamp {
        let interval = self.schedule.interval();
        let slot = self.schedule.latest(now).max(self.next_slot);
        let skipped = (slot - self.next_slot).as_millis() / interval.as_millis();
        self.health.missed += u64::try_from(skipped).unwrap_or(0);
        self.next_slot = slot + interval;
        slot
    }

    pub(crate) fn next_sequence(&mut self) -> u64 {
        self.sequence += 1;
        self.sequence
    }

    /// The timestamp of a scrape's samples: always after those of the scrape before, whatever the clock did.
    pub(crate) fn stamp(&self, slot: Timestamp, started: Timestamp) -> Timestamp {
        let at = self.schedule.stamp(slot, started);
        match self.health.last_scrape {
            Some(last) if at <= last => last + Duration::from_millis(1),
            _ => at,
        }
    }

    /// Writes a scrape and remembers how it went.
    pub(crate) fn take(
        &mut self,
        job: &JobConfig,
        name: &Arc<str>,
        attempt: &Attempt<'_>,
        checked: Result<(), ScrapeFailure>,
        scratch: &mut Scratch,
        out: &mut dyn Appender,
    ) -> ScrapeReport {
        let labels: &Labels = &self.resolved.labels;
        let report = match checked {
            Ok(()) => self.ingest.body(job, name, labels, attempt, scratch, out),
            Err(failure) => {
                self.ingest.fail(job, name, labels, attempt, ScrapeCounts::default(), failure, out)
            }
        };
        self.remember(&report);
        report
    }

    fn remember(&mut self, report: &ScrapeReport) {
        let health = &mut self.health;
        let now = if report.up() { Health::Up } else { Health::Down };
        if health.health != now {
            health.health = now;
            health.since = Some(report.at);
        }
        health.last_scrape = Some(report.at);
        health.last_duration = report.duration;
        health.last_counts = report.counts;
        health.scrapes += 1;
        health.last_warning = warning(report);
        health.last_error = report.failure.as_ref().map(ToString::to_string);
        match &health.last_error {
            None => health.failures_in_a_row = 0,
            Some(reason) => {
                health.failures += 1;
                health.failures_in_a_row += 1;
                if health.history.len() == MAX_REMEMBERED_FAILURES {
                    health.history.pop_front();
                }
                health.history.push_back(FailureRecord { at: report.at, reason: reason.clone() });
            }
        }
    }

    /// Ends its series.
    pub(crate) fn end(&mut self, now: Timestamp, out: &mut dyn Appender) -> ScrapeCounts {
        let at = match self.health.last_scrape {
            Some(last) if now <= last => last + Duration::from_millis(1),
            _ => now,
        };
        let (counts, _refusal) = self.ingest.end(at, out);
        counts
    }

    pub(crate) fn status<'a>(&'a self, id: u64, job: &'a str) -> TargetStatus<'a> {
        TargetStatus {
            target: id,
            job,
            discovered: &self.resolved.discovered,
            labels: &self.resolved.labels,
            url: &self.resolved.url,
            interval: self.resolved.interval,
            timeout: self.resolved.timeout,
            next_scrape: self.next_slot,
            in_flight: self.in_flight.is_some(),
            series: self.ingest.series(),
            health: &self.health,
        }
    }
}

fn schedule(target: &Resolved, seed: u64) -> Schedule {
    match target.phase {
        Some(phase) => Schedule::at(phase, target.interval),
        None => Schedule::new(&target.labels, &target.url, seed, target.interval),
    }
}

fn warning(report: &ScrapeReport) -> Option<String> {
    let counts = &report.counts;
    let mut parts = Vec::new();
    if counts.duplicates > 0 {
        parts.push(format!("{} lines left out: the body has their series already", counts.duplicates));
    }
    if let Some(refusal) = &report.first_refusal {
        parts.push(format!("{} samples refused by the store, the first: {refusal}", counts.refused));
    }
    (!parts.is_empty()).then(|| parts.join("; "))
}
