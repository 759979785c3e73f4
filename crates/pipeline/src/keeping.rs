//! When alerts are written down, and what waits for it.

use std::sync::{Arc, PoisonError, RwLock};

use assurance_metrics_model::{Duration, Timestamp};
use assurance_rules::Revision;

/// How often at most what needs no haste is written: what receivers have taken, and series.
const INTERVAL: Duration = Duration::from_secs(1);

/// How long notifications wait for a disk that does not answer: a person must be told all the same.
const PATIENCE: Duration = Duration::from_secs(5);

/// Alerts to be made durable now; answer with [`Pipeline::handle_kept`](crate::Pipeline::handle_kept).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// To be given back with the outcome.
    pub number: u64,
    /// What, for [`STATE_FILE`](crate::STATE_FILE).
    pub bytes: Vec<u8>,
}

/// Alerts that cannot be made durable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateFault {
    /// When it began.
    pub since: Timestamp,
    /// Why.
    pub reason: Arc<str>,
}

impl std::fmt::Display for StateFault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "alerts are not written down since {}: {}", self.since, self.reason)
    }
}

/// Tells of a fault without waiting for a pipeline that is at work.
#[derive(Clone, Debug, Default)]
pub struct FaultWatch(Arc<RwLock<Option<StateFault>>>);

impl FaultWatch {
    /// Why alerts are not kept at present.
    pub fn get(&self) -> Option<StateFault> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set(&self, fault: Option<StateFault>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = fault;
    }
}

/// Which records are due and which are written. Numbers rise by one.
#[derive(Debug, Default)]
pub(crate) struct Keeping {
    /// The last record asked for, and when.
    asked: u64,
    asked_at: Option<Timestamp>,
    is_under_way: bool,
    /// The last record of which the outcome is known.
    settled: u64,
    /// The record that notifications wait for, and since when.
    gate: u64,
    gated_at: Timestamp,
    is_dirty: bool,
    is_urgent: bool,
    /// The revision of the rules in the last record.
    revision: Revision,
    fault: Option<StateFault>,
    watch: FaultWatch,
}

impl Keeping {
    /// With what is there already: these rules, and a record that says so.
    pub(crate) fn new(revision: Revision) -> Self {
        Self { revision, ..Self::default() }
    }

    /// The rules have been at work; what is told of alerts waits until they are written.
    pub(crate) fn note_revision(&mut self, now: Timestamp, revision: Revision, are_told: bool) {
        self.is_dirty |= revision != self.revision;
        let is_changed = revision.alerts != self.revision.alerts;
        self.is_urgent |= is_changed;
        self.revision = revision;
        if is_changed && are_told {
            if !self.is_gated() {
                self.gated_at = now;
            }
            self.gate = self.asked + 1;
        }
    }

    /// Somebody is to be told, or has said, what must not be forgotten; what is told waits until it is written.
    pub(crate) fn note_told(&mut self, now: Timestamp) {
        self.is_urgent = true;
        if !self.is_gated() {
            self.gated_at = now;
        }
        self.gate = self.asked + 1;
    }

    /// Something that can wait a moment has changed.
    pub(crate) fn note_change(&mut self) {
        self.is_dirty = true;
    }

    fn is_gated(&self) -> bool {
        self.gate > self.settled
    }

    /// Whether notifications may be sent.
    pub(crate) fn lets_pass(&self) -> bool {
        !self.is_gated()
    }

    pub(crate) fn poll_timeout(&self) -> Option<Timestamp> {
        let patience = self.is_gated().then(|| self.gated_at + PATIENCE);
        [self.due_at(), patience].into_iter().flatten().min()
    }

    fn due_at(&self) -> Option<Timestamp> {
        if self.is_under_way || !(self.is_dirty || self.is_urgent) {
            return None;
        }
        let soon = self.asked_at.map_or(Timestamp::MIN, |at| at + INTERVAL);
        Some(if self.is_urgent { Timestamp::MIN } else { soon })
    }

    /// The number of a record to be written now.
    pub(crate) fn next(&mut self, now: Timestamp) -> Option<u64> {
        if self.is_gated() && now - self.gated_at >= PATIENCE {
            self.note_fault(now, "the disk does not answer".into());
            self.settled = self.gate;
        }
        self.due_at().filter(|at| *at <= now)?;
        Some(self.begin(now))
    }

    /// As [`Keeping::next`], at a stop: whatever is not written yet is due.
    pub(crate) fn last(&mut self, now: Timestamp) -> Option<u64> {
        (self.is_dirty || self.is_urgent || self.is_under_way).then(|| self.begin(now))
    }

    fn begin(&mut self, now: Timestamp) -> u64 {
        self.asked += 1;
        self.asked_at = Some(now);
        (self.is_under_way, self.is_dirty, self.is_urgent) = (true, false, false);
        self.asked
    }

    pub(crate) fn handle(&mut self, now: Timestamp, number: u64, outcome: Result<(), String>) {
        self.settled = self.settled.max(number);
        if number == self.asked {
            self.is_under_way = false;
        }
        match outcome {
            Ok(()) => {
                if self.fault.take().is_some() {
                    self.watch.set(None);
                }
            }
            Err(reason) => {
                // Tried again in a second; notifications do not wait for it.
                self.is_dirty = true;
                self.note_fault(now, reason.into());
            }
        }
    }

    fn note_fault(&mut self, now: Timestamp, reason: Arc<str>) {
        let since = self.fault.as_ref().map_or(now, |fault| fault.since);
        self.fault = Some(StateFault { since, reason });
        self.watch.set(self.fault.clone());
    }

    pub(crate) fn watch(&self) -> FaultWatch {
        self.watch.clone()
    }

    pub(crate) fn fault(&self) -> Option<&StateFault> {
        self.fault.as_ref()
    }
}
