//! The life of the alerts, over evaluations that may be skipped.

use assurance_metrics_model::{Labels, METRIC_NAME};
use assurance_policy::intents::MonitorState;
use assurance_rules::AlertingRule;

use super::Firing;
use crate::claim::Claim;
use crate::timeline::Timeline;

/// At which instants each alert's condition holds.
#[derive(Debug, Default)]
pub(super) struct Lines {
    /// What an expression's labels become: rule, labels of the result, index of the alert.
    known: Vec<(usize, Labels, usize)>,
    /// Alerts seen in this evaluation of a rule.
    active: Vec<usize>,
    /// By alert and instant, how many elements of the result were it.
    seen: Vec<Vec<u8>>,
    /// Instants at which the rule fails: its alerts stay as they are.
    failed: Vec<bool>,
    instants: usize,
}

impl Lines {
    pub(super) fn begin(&mut self, instants: usize) {
        self.instants = instants;
        self.active.clear();
        self.failed.clear();
        self.failed.resize(instants, false);
    }

    /// The alert that an element of a rule's result makes.
    pub(super) fn alert_of(
        &mut self,
        rule: &AlertingRule,
        index: usize,
        labels: &Labels,
        alerts: &mut Vec<Labels>,
    ) -> usize {
        let known = self.known.iter().find(|(of, from, _)| *of == index && from == labels);
        let alert = if let Some((_, _, alert)) = known {
            *alert
        } else {
            let mut builder = labels.to_builder();
            builder.set(METRIC_NAME, "");
            for (name, template) in &rule.labels {
                builder.set(name, template.text());
            }
            builder.set("alertname", &rule.alert);
            let made = builder.build();
            // Two rules of one name may make the same labels; each keeps its own alerts.
            let same = self.known.iter().find(|(of, _, alert)| *of == index && alerts[*alert] == made);
            let alert = same.map_or(alerts.len(), |(_, _, alert)| *alert);
            if alert == alerts.len() {
                alerts.push(made);
            }
            self.known.push((index, labels.clone(), alert));
            alert
        };
        if self.seen.len() <= alert {
            self.seen.resize_with(alert + 1, Vec::new);
        }
        if !self.active.contains(&alert) {
            self.active.push(alert);
            self.seen[alert].clear();
            self.seen[alert].resize(self.instants, 0);
        }
        alert
    }

    pub(super) fn see(&mut self, alert: usize, instant: usize) {
        if let Some(seen) = self.seen[alert].get_mut(instant) {
            *seen = seen.saturating_add(1);
            // Two elements of one result with the same labels are an error of the rule.
            self.failed[instant] |= *seen > 1;
        }
    }

    pub(super) fn fail(&mut self, instant: usize) {
        self.failed[instant] = true;
    }

    /// Moves every alert through all instants.
    pub(super) fn step(
        &self,
        claim: &Claim,
        timeline: &Timeline,
        rule: usize,
        instants: &[i64],
        firings: &mut Vec<Firing>,
    ) {
        let hold = claim.rules[rule].rule.hold.as_millis();
        let keep = claim.rules[rule].rule.keep_firing_for.as_millis();
        let forgets = claim.environment.monitor.state == MonitorState::Lost && !timeline.away.is_empty();
        let calm = timeline.skipped.is_empty() && timeline.away.is_empty();
        for alert in &self.active {
            let seen = &self.seen[*alert];
            let mut state = State::Inactive;
            let mut began = 0;
            let mut restarts = timeline.away.iter().filter(|_| forgets).peekable();
            for (index, now) in instants.iter().copied().enumerate() {
                if self.failed[index] || !(calm || timeline.evaluates(now)) {
                    continue;
                }
                let mut forgotten = false;
                while restarts.next_if(|span| span.until <= now).is_some() {
                    forgotten = true;
                }
                let was = state;
                if forgotten {
                    state = State::Inactive;
                }
                state = state.next(seen[index] > 0, now, hold, keep);
                match (was.fires(), state.fires()) {
                    (false, true) => began = now,
                    (true, false) => {
                        firings.push(Firing { rule, alert: *alert, from: began, until: now });
                    }
                    _ => {}
                }
            }
            if state.fires() {
                firings.push(Firing { rule, alert: *alert, from: began, until: i64::MAX });
            }
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Inactive,
    Pending { since: i64 },
    Firing { held_since: Option<i64> },
}

impl State {
    const fn fires(self) -> bool {
        matches!(self, Self::Firing { .. })
    }

    fn next(self, holds: bool, now: i64, hold: i64, keep: i64) -> Self {
        match (self, holds) {
            (Self::Inactive, true) if hold <= 0 => Self::Firing { held_since: None },
            (Self::Inactive, true) => Self::Pending { since: now },
            (Self::Pending { since }, true) if now - since >= hold => Self::Firing { held_since: None },
            (Self::Pending { since }, true) => Self::Pending { since },
            (Self::Firing { .. }, true) => Self::Firing { held_since: None },
            (Self::Firing { held_since }, false) if keep > 0 => {
                let since = held_since.unwrap_or(now);
                if now - since < keep { Self::Firing { held_since: Some(since) } } else { Self::Inactive }
            }
            _ => Self::Inactive,
        }
    }
}
