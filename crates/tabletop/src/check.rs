//! Claims against what was measured.

use std::collections::BTreeSet;

use assurance_metrics_model::{
    Column, Labels, Queryable, Selection, TimeRange, Timestamp, Value, format_float, is_stale_nan,
};
use assurance_notifier::AlertStatus;
use assurance_promql::{Options, QueryValue};
use assurance_rules::EventKind;
use assurance_simulator::{EventType, Occurrence, What};
use serde::Deserialize;

use crate::claim::{Change, Claim};
use crate::evidence::Evidence;
use crate::when::{ExerciseClock, When, Window};

/// How many instants a measurement lists before it only counts them.
const MAX_LISTED: usize = 5;

/// What a rehearsal has to show.
pub(crate) struct Record<'a> {
    pub(crate) clock: ExerciseClock,
    pub(crate) start: Timestamp,
    pub(crate) log: &'a [Occurrence],
    pub(crate) store: &'a dyn Queryable,
    pub(crate) evidence: &'a Evidence,
    /// The ids that claims name.
    pub(crate) named: BTreeSet<&'a str>,
}

/// What was measured, and whether it is what was claimed.
pub(crate) struct Finding {
    pub(crate) holds: bool,
    pub(crate) measured: String,
}

impl Finding {
    fn new(holds: bool, measured: impl Into<String>) -> Self {
        Self { holds, measured: measured.into() }
    }
}

/// What the log says of an audit event.
#[derive(Debug, Deserialize)]
pub(crate) struct AuditLine {
    pub(crate) event_type: String,
    pub(crate) severity: String,
    pub(crate) reason: Option<String>,
    pub(crate) error: Option<String>,
    #[serde(default)]
    pub(crate) metadata: AuditMetadata,
}

#[derive(Debug, Default, Deserialize)]
pub(crate) struct AuditMetadata {
    #[serde(default)]
    pub(crate) override_id: Option<String>,
}

impl AuditLine {
    pub(crate) fn read(raw: &str) -> Option<Self> {
        serde_json::from_str(raw).ok()
    }
}

impl Record<'_> {
    pub(crate) fn check(&self, claim: &Claim) -> Finding {
        match claim {
            Claim::Alert { id, change, window } => self.changes_in(id, *change, *window),
            Claim::AlertNever { id } => {
                let times = self.changes(id, Change::Fires);
                Finding::new(times.is_empty(), self.list("never fired", "fired at", &times))
            }
            Claim::NoOtherAlert => self.no_other(),
            Claim::AuditContains { event, times, before } => self.audited_as(*event, *times, *before),
            Claim::AuditLacks { event } => {
                let at = self.audited(*event);
                Finding::new(at.is_empty(), self.list("not in the log", "written at", &at))
            }
            Claim::EvidenceContains { events } => self.preserved(events),
            Claim::EvidenceComplete => match (self.evidence.files.is_empty(), self.evidence.complete) {
                (true, _) => Finding::new(false, "nothing is published"),
                (false, true) => Finding::new(true, "every day is complete"),
                (false, false) => Finding::new(false, "a day says that events may be missing"),
            },
            Claim::EvidenceVerifies => {
                let files = self.evidence.files.len();
                match (files, self.evidence.intact) {
                    (0, _) => Finding::new(false, "nothing is published"),
                    (_, true) => Finding::new(true, format!("{files} files match their checksums")),
                    (_, false) => Finding::new(false, "a file differs from its checksum"),
                }
            }
            Claim::MetricUnchanged { selector } => self.unchanged(selector),
            Claim::MetricIs { selector, value, at } => self.value_at(selector, *value, *at),
        }
    }

    /// `T+5m36s`, or several of them.
    fn list(&self, none: &str, some: &str, times: &[Timestamp]) -> String {
        if times.is_empty() {
            return none.to_owned();
        }
        let shown: Vec<String> =
            times.iter().take(MAX_LISTED).map(|at| self.clock.relative(*at).to_string()).collect();
        let more = times.len().saturating_sub(MAX_LISTED);
        let tail = if more > 0 { format!(" and {more} times more") } else { String::new() };
        format!("{some} {}{tail}", shown.join(", "))
    }

    fn changes_in(&self, id: &str, change: Change, window: Window) -> Finding {
        let times = self.changes(id, change);
        let holds = !times.is_empty() && times.iter().all(|at| self.clock.is_inside(*at, window));
        Finding::new(holds, self.list("never", "at", &times))
    }

    /// When an alert changed so. Deliveries count once for each state of each alert, however often it is sent.
    pub(crate) fn changes(&self, id: &str, change: Change) -> Vec<Timestamp> {
        let is_it = |labels: &Labels| labels.get("alert_id") == Some(id);
        let mut told = BTreeSet::new();
        let mut times = Vec::new();
        for occurrence in self.log {
            match &occurrence.what {
                What::Alert(event) if is_it(&event.alert.labels) => {
                    let wanted = match change {
                        Change::Fires => EventKind::Firing,
                        Change::Resolves => EventKind::Resolved,
                        Change::Notifies | Change::Clears => continue,
                    };
                    if event.kind == wanted {
                        times.push(occurrence.at);
                    }
                }
                What::Delivered { alerts, .. } => {
                    let wanted = match change {
                        Change::Notifies => AlertStatus::Firing,
                        Change::Clears => AlertStatus::Resolved,
                        Change::Fires | Change::Resolves => continue,
                    };
                    for alert in alerts.iter().filter(|a| a.status == wanted && is_it(&a.labels)) {
                        if told.insert((alert.labels.clone(), alert.starts_at)) {
                            times.push(occurrence.at);
                        }
                    }
                }
                _ => {}
            }
        }
        times
    }

    fn no_other(&self) -> Finding {
        let mut others = Vec::new();
        for occurrence in self.log {
            if let What::Alert(event) = &occurrence.what
                && event.kind == EventKind::Firing
                && !self.named.contains(event.alert.labels.get_or_empty("alert_id"))
            {
                let when = self.clock.relative(occurrence.at);
                others.push(format!("{} fired at {when}", event.alert.labels.get_or_empty("alert_id")));
            }
        }
        if others.is_empty() {
            Finding::new(true, "none fired")
        } else {
            Finding::new(false, others.join(", "))
        }
    }

    /// When the log got an event.
    pub(crate) fn audited(&self, event: EventType) -> Vec<Timestamp> {
        let written = self.log.iter().filter_map(|occurrence| match &occurrence.what {
            What::Audited { raw } => {
                (AuditLine::read(raw)?.event_type == event.as_str()).then_some(occurrence.at)
            }
            _ => None,
        });
        written.collect()
    }

    /// The order is the log's own, since two events may have one time.
    fn audited_as(&self, event: EventType, times: Option<usize>, before: Option<EventType>) -> Finding {
        let at = self.audited(event);
        let measured = self.list("not in the log", "written at", &at);
        let enough = times.map_or(!at.is_empty(), |times| times == at.len());
        let Some(before) = before else { return Finding::new(enough, measured) };
        let position = |event: EventType| {
            self.log.iter().position(|o| match &o.what {
                What::Audited { raw } => AuditLine::read(raw).is_some_and(|l| l.event_type == event.as_str()),
                _ => false,
            })
        };
        let (first, second) = (position(event), position(before));
        let ordered = matches!((first, second), (Some(first), Some(second)) if first < second);
        let other = self.list("not in the log", "written at", &self.audited(before));
        Finding::new(enough && ordered, format!("{measured}; {} {other}", before.as_str()))
    }

    fn preserved(&self, wanted: &[EventType]) -> Finding {
        let missing: Vec<&str> = wanted
            .iter()
            .map(|event| event.as_str())
            .filter(|name| !self.evidence.events.iter().any(|event| event == name))
            .collect();
        let found = self.evidence.events.len();
        match (self.evidence.files.is_empty(), missing.is_empty()) {
            (true, _) => Finding::new(false, "nothing is published"),
            (false, true) => Finding::new(true, format!("all among {found} events")),
            (false, false) => {
                Finding::new(false, format!("{found} events, but none of {}", missing.join(", ")))
            }
        }
    }

    fn unchanged(&self, selector: &str) -> Finding {
        let matchers = match assurance_promql::parse_selector(selector) {
            Ok(matchers) => matchers,
            Err(error) => return Finding::new(false, error.kind.to_string()),
        };
        let range = TimeRange::closed(self.start, self.clock.endex);
        let series = match self.store.select(&Selection { matchers: &matchers, range }) {
            Ok(series) => series,
            Err(error) => return Finding::new(false, error.to_string()),
        };
        let (mut count, mut samples) = (0, 0);
        for one in series {
            let mut column = Column::default();
            if let Err(error) = one.read(range, &mut column) {
                return Finding::new(false, error.to_string());
            }
            let mut first: Option<f64> = None;
            for index in 0..column.len() {
                let Value::Float(value) = column.value(index) else {
                    return Finding::new(false, format!("{} is a histogram", one.labels()));
                };
                if is_stale_nan(value) {
                    continue;
                }
                samples += 1;
                let before = *first.get_or_insert(value);
                if before.to_bits() != value.to_bits() {
                    let when = self.clock.relative(column.timestamps()[index]);
                    let (from, to) = (format_float(before), format_float(value));
                    return Finding::new(
                        false,
                        format!("{} went from {from} to {to} at {when}", one.labels()),
                    );
                }
            }
            count += usize::from(first.is_some());
        }
        match count {
            0 => Finding::new(false, "no such series"),
            _ => Finding::new(true, format!("{samples} samples of {count} series")),
        }
    }

    fn value_at(&self, selector: &str, wanted: f64, when: When) -> Finding {
        let answer =
            assurance_promql::parse(selector).map_err(|error| error.kind.to_string()).and_then(|expr| {
                let at = self.clock.resolve(when);
                assurance_promql::instant(&expr, self.store, at, &Options::default())
                    .map_err(|error| error.to_string())
            });
        let vector = match answer.map(|answer| answer.value) {
            Ok(QueryValue::Vector(vector)) => vector,
            Ok(_) => return Finding::new(false, "not a selector of series"),
            Err(reason) => return Finding::new(false, reason),
        };
        let holds = !vector.is_empty() && vector.iter().all(|sample| sample.value == Value::Float(wanted));
        let values: Vec<String> = vector
            .iter()
            .map(|sample| match &sample.value {
                Value::Float(value) => format_float(*value),
                _ => "a histogram".to_owned(),
            })
            .collect();
        Finding::new(holds, if values.is_empty() { "no such series".to_owned() } else { values.join(", ") })
    }
}
