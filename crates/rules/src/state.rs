//! What must survive a restart, as plain data for whoever keeps it.

use assurance_metrics_model::{Duration, Labels, Timestamp};

use crate::AlertState;

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
