//! What must survive a restart, as plain data for whoever keeps it.

use assurance_metrics_model::{Duration, Labels, Timestamp};

use crate::AlertState;

/// Numbers that rise when there is something new to keep.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Revision {
    /// An alert began, ended, fired, was held, or is no longer held.
    pub alerts: u64,
    /// Alerts were sent, or other series written: what may be forgotten at the cost of doing it again.
    pub rest: u64,
}

/// What has changed since someone last looked.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Touched {
    pub(crate) alerts: bool,
    pub(crate) rest: bool,
}

impl Touched {
    pub(crate) fn add(&mut self, more: Self) {
        self.alerts |= more.alerts;
        self.rest |= more.rest;
    }
}

/// The state of all groups.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ManagerState {
    /// Groups with anything to keep.
    pub groups: Vec<GroupRecord>,
}

/// The state of one group.
#[derive(Clone, Debug, PartialEq)]
pub struct GroupRecord {
    /// Its file.
    pub file: String,
    /// Its name.
    pub name: String,
    /// Its last evaluation, which tells how long nobody looked.
    pub last_evaluation: Option<Timestamp>,
    /// Its rules with anything to keep.
    pub rules: Vec<RuleRecord>,
}

/// The state of one rule.
#[derive(Clone, Debug, PartialEq)]
pub struct RuleRecord {
    /// Whether it makes alerts.
    pub alerting: bool,
    /// Its name.
    pub name: String,
    /// Its labels as written. With kind and name, they tell which rule this is.
    pub labels: Labels,
    /// Its expression, in its canonical form. Alerts are only put back where this and `hold` are the same.
    pub expression: String,
    /// Its `for`; zero for recording rules.
    pub hold: Duration,
    /// Its alerts, resolved ones included that are still being sent.
    pub alerts: Vec<AlertState>,
    /// The series of its last evaluation, to be ended when they vanish.
    pub written: Vec<Labels>,
}

/// What of a state found its place again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Restored {
    /// Alerts put back.
    pub alerts: usize,
    /// Alerts whose rule is gone: file, group, rule and labels.
    pub lost: Vec<(String, String, String, Labels)>,
    /// Alerts whose rule has another expression or `for` by now, and starts anew: as above.
    pub changed: Vec<(String, String, String, Labels)>,
}
