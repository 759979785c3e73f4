use std::collections::BTreeSet;

use assurance_metrics_model::Timestamp;
use assurance_notifier::AlertStatus;
use assurance_policy::Pack;
use assurance_rules::EventKind;
use assurance_simulator::{Command, Occurrence, What};
use serde::{Serialize, Serializer};

use crate::check::{AuditLine, Finding, Record};
use crate::claim::Change;
use crate::evidence::Evidence;
use crate::rehearse::PAGER;
use crate::scenario::{Action, Scenario, Trigger, describe};
use crate::when::When;

/// What a rehearsal measured: everything that its documents are made of.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Report {
    /// The form of this report.
    pub v: u32,
    /// The scenario's id.
    pub scenario: String,
    /// Its title.
    pub title: String,
    /// Its severity.
    pub severity: Option<String>,
    /// What decided latencies and phases.
    pub seed: u64,
    /// Whether every step went as written and every claim holds.
    pub holds: bool,
    /// The instants it hangs on, in their order.
    pub clock: Vec<Milestone>,
    /// What was done to the backend.
    pub steps: Vec<Checked>,
    /// What was claimed.
    pub claims: Vec<Checked>,
    /// What people would have been told.
    pub injects: Vec<InjectReport>,
    /// What happened, in its order.
    pub timeline: Vec<Line>,
    /// What the exporter preserved.
    pub evidence: Evidence,
    /// What this rehearsal says nothing about.
    pub not_exercised: Vec<String>,
}

/// A named instant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Milestone {
    /// Its name.
    pub name: &'static str,
    /// As the scenario counts.
    #[serde(serialize_with = "shown")]
    pub when: When,
    /// On the calendar.
    #[serde(serialize_with = "shown")]
    pub at: Timestamp,
}

/// A step or a claim, and what was measured.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Checked {
    /// As it is written.
    pub text: String,
    /// Whether it is so.
    pub holds: bool,
    /// What was measured.
    pub measured: String,
}

/// An inject, and when it would have come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct InjectReport {
    /// Its id.
    pub id: String,
    /// To whom.
    pub to: String,
    /// By which means.
    pub via: String,
    /// What brings it about.
    pub trigger: String,
    /// When it came; `None` where it waits for a participant, or never came.
    #[serde(serialize_with = "shown_option")]
    pub when: Option<When>,
    /// Whether it waits for a participant.
    pub needs_people: bool,
}

/// A line of the timeline.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Line {
    /// As the scenario counts.
    #[serde(serialize_with = "shown")]
    pub when: When,
    /// On the calendar.
    #[serde(serialize_with = "shown")]
    pub at: Timestamp,
    /// Where: `exercise`, `backend`, `audit`, `monitoring`, `pager` or `exporter`.
    pub place: &'static str,
    /// What.
    pub what: String,
}

fn shown<T: ToString, S: Serializer>(value: &T, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&value.to_string())
}

#[expect(clippy::ref_option, reason = "serde hands over a reference to the field")]
fn shown_option<T: ToString, S: Serializer>(value: &Option<T>, serializer: S) -> Result<S::Ok, S::Error> {
    match value {
        Some(value) => serializer.serialize_some(&value.to_string()),
        None => serializer.serialize_none(),
    }
}

impl Report {
    pub(crate) fn new(
        scenario: &Scenario,
        pack: &Pack,
        seed: u64,
        record: &Record<'_>,
        steps: Vec<Finding>,
        claims: Vec<Finding>,
    ) -> Self {
        let checked = |text: String, finding: Finding| Checked {
            text,
            holds: finding.holds,
            measured: finding.measured,
        };
        let steps: Vec<Checked> = scenario
            .world
            .iter()
            .zip(steps)
            .map(|(step, finding)| checked(format!("{} {}", step.at, step.action), finding))
            .collect();
        let claims: Vec<Checked> =
            scenario.claims.iter().zip(claims).map(|(c, finding)| checked(c.to_string(), finding)).collect();
        let clock = scenario.clock;
        let milestones = [
            ("monitoring begins", scenario.start()),
            ("the backend is first touched", clock.t0),
            ("STARTEX", clock.startex),
            ("ENDEX", clock.endex),
        ];
        let milestone = |(name, at)| Milestone { name, when: clock.relative(at), at };
        Self {
            v: 1,
            scenario: scenario.id.clone(),
            title: scenario.title.clone(),
            severity: scenario.severity.clone(),
            seed,
            holds: steps.iter().chain(&claims).all(|checked| checked.holds),
            clock: milestones.map(milestone).to_vec(),
            steps,
            claims,
            injects: injects(scenario, record),
            timeline: timeline(scenario, record.log),
            evidence: record.evidence.clone(),
            not_exercised: not_exercised(scenario, pack, record),
        }
    }

    /// The report as JSON, for programs.
    pub fn to_json(&self) -> String {
        let json = serde_json::to_string_pretty(self).expect("text, numbers and lists always serialise");
        json + "\n"
    }

    /// Steps and claims that are not as they should be.
    pub fn failures(&self) -> impl Iterator<Item = &Checked> {
        self.steps.iter().chain(&self.claims).filter(|checked| !checked.holds)
    }
}

fn injects(scenario: &Scenario, record: &Record<'_>) -> Vec<InjectReport> {
    let clock = scenario.clock;
    let came = |trigger: &Trigger| match trigger {
        Trigger::At(when) => Some(clock.resolve(*when)),
        Trigger::Alert { id, change } => record.changes(id, *change).first().copied(),
        Trigger::Audit(event) => record.audited(*event).first().copied(),
        Trigger::Action(_) | Trigger::Request => None,
    };
    let report = |inject: &crate::scenario::Inject| InjectReport {
        id: inject.id.clone(),
        to: inject.to.clone(),
        via: inject.via.clone(),
        trigger: inject.trigger.to_string(),
        when: came(&inject.trigger).map(|at| clock.relative(at + inject.delay)),
        needs_people: inject.trigger.needs_people(),
    };
    scenario.injects.iter().map(report).collect()
}

fn timeline(scenario: &Scenario, log: &[Occurrence]) -> Vec<Line> {
    let clock = scenario.clock;
    let line = |at, place, what| Line { when: clock.relative(at), at, place, what };
    let mut told = BTreeSet::new();
    let mut lines: Vec<Line> = vec![
        line(clock.startex, "exercise", "STARTEX".to_owned()),
        line(clock.endex, "exercise", "ENDEX".to_owned()),
    ];
    for occurrence in log {
        let (place, what) = match &occurrence.what {
            What::Acted { command, result } => {
                let refused = result.as_ref().as_ref().err().map(|refusal| format!(", refused: {refusal}"));
                ("backend", describe(command) + &refused.unwrap_or_default())
            }
            What::Audited { raw } => ("audit", audit_line(raw)),
            What::Alert(event) => {
                let labels = &event.alert.labels;
                let (id, name) = (labels.get_or_empty("alert_id"), labels.get_or_empty("alertname"));
                let severity = labels.get_or_empty("severity");
                let word = match event.kind {
                    EventKind::Held => "condition over, still firing",
                    other => other.as_str(),
                };
                ("monitoring", format!("{id} {name} ({severity}): {word}"))
            }
            What::TargetUp { target } => ("monitoring", format!("{} answers", target.get_or_empty("job"))),
            What::TargetDown { target, reason } => {
                ("monitoring", format!("{} does not answer: {reason}", target.get_or_empty("job")))
            }
            What::ScrapeFailed { job, reason } => ("monitoring", format!("scrape of {job} failed: {reason}")),
            What::Delivered { alerts, .. } => {
                let new =
                    alerts.iter().filter(|a| told.insert((a.labels.clone(), a.status.as_str(), a.starts_at)));
                let words: Vec<String> = new
                    .map(|alert| {
                        let status = match alert.status {
                            AlertStatus::Firing => "FIRING",
                            AlertStatus::Resolved => "RESOLVED",
                        };
                        format!("{status} {} {}", alert.labels.get_or_empty("alert_id"), alert.name())
                    })
                    .collect();
                if words.is_empty() {
                    continue;
                }
                (PAGER, words.join(", "))
            }
            What::DeliveryFailed { .. } => (PAGER, "refuses a delivery".to_owned()),
            What::Collected { outcome, facts } => {
                let mut words = match outcome {
                    Ok(0) => Vec::new(),
                    Ok(1) => vec!["collects 1 event".to_owned()],
                    Ok(events) => vec![format!("collects {events} events")],
                    Err(error) => vec![format!("cannot collect: {error}")],
                };
                let incomplete = facts.iter().filter(|fact| fact.is_incomplete()).count();
                if incomplete > 0 {
                    words.push(format!("records {incomplete} facts that events may be missing"));
                }
                if words.is_empty() {
                    continue;
                }
                ("exporter", words.join(", "))
            }
            What::Published(published) => ("exporter", format!("publishes {}", published.name)),
            _ => continue,
        };
        lines.push(line(occurrence.at, place, what));
    }
    // Stable: what happened at one instant stays in its order, milestones first.
    lines.sort_by_key(|line| line.at);
    lines
}

fn audit_line(raw: &str) -> String {
    let Some(line) = AuditLine::read(raw) else { return raw.to_owned() };
    let text = line.reason.or(line.error).map(|text| format!(": {text}")).unwrap_or_default();
    format!("{} ({}){text}", line.event_type, line.severity)
}

fn not_exercised(scenario: &Scenario, pack: &Pack, record: &Record<'_>) -> Vec<String> {
    let mut list = Vec::new();
    let waiting: Vec<&str> =
        scenario.injects.iter().filter(|i| i.trigger.needs_people()).map(|i| i.id.as_str()).collect();
    let mut people =
        "People: nobody read, decided, escalated or wrote anything, and nothing is scored.".to_owned();
    if !waiting.is_empty() {
        people += &format!(" Injects that wait for a participant did not come: {}.", waiting.join(", "));
    }
    list.push(people);
    list.push(
        "Routing: one receiver took every alert at once; channels, grouping, inhibition, acknowledgement and \
         escalation were not part of it."
            .to_owned(),
    );
    list.push("The edge: no socket, no TLS, no file system and no real clock took part.".to_owned());
    let faults = &scenario.environment;
    let restarted = scenario.world.iter().any(|step| match &step.action {
        Action::Do(command) => matches!(**command, Command::Stop | Command::Restart),
        Action::OverrideExpires { .. } => false,
    });
    let spared: Vec<&str> = [
        (faults.lost_scrapes.is_empty(), "no scrape was lost"),
        (faults.refused_deliveries.is_empty(), "no delivery was refused"),
        (!restarted, "the backend was never restarted"),
    ]
    .into_iter()
    .filter_map(|(spared, words)| spared.then_some(words))
    .collect();
    if !spared.is_empty() {
        list.push(format!("Faults: {}.", spared.join(", ")));
    }
    let ids: BTreeSet<&str> = pack.alerts.iter().map(|alert| alert.id.as_str()).collect();
    let silent: Vec<&str> =
        ids.into_iter().filter(|id| record.changes(id, Change::Fires).is_empty()).collect();
    if !silent.is_empty() {
        list.push(format!(
            "Alerts: these did not fire, and nothing is known of whether they could: {}.",
            silent.join(", ")
        ));
    }
    let after = if scenario.environment.exporter {
        "After ENDEX: monitoring stood still; the exporter alone went on until the day was published."
    } else {
        "Evidence: no exporter ran, so that nothing was preserved."
    };
    list.push(after.to_owned());
    list
}
