use std::sync::Arc;

use assurance_metrics_model::{Duration, Timestamp};

use crate::{AlertState, Group, Phase, Rule, RuleError};

/// Whether a rule's last evaluation succeeded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Health {
    /// It has not been evaluated yet.
    #[default]
    Unknown,
    /// It did.
    Ok,
    /// It did not.
    Err,
}

impl Health {
    /// As the API writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Ok => "ok",
            Self::Err => "err",
        }
    }
}

/// What one selector of a rule's expression finds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SelectorStatus {
    /// The selector.
    pub selector: Arc<str>,
    /// Series that it matched at the last evaluation.
    pub matched_now: usize,
    /// Most series that it matched at once.
    pub matched_most: usize,
    /// When it last matched any.
    pub last_matched: Option<Timestamp>,
}

/// A group as it stands.
#[derive(Clone, Debug)]
pub struct GroupStatus<'a> {
    /// The group.
    pub group: &'a Group,
    /// How often it is evaluated.
    pub interval: Duration,
    /// Its last evaluation.
    pub last_evaluation: Option<Timestamp>,
    /// How long that took, where the driver measured it.
    pub evaluation_time: Option<Duration>,
    /// Its next evaluation.
    pub next_evaluation: Timestamp,
    /// Evaluations made.
    pub evaluations: u64,
    /// Evaluations that fell out because time went on without them.
    pub missed: u64,
    /// Its rules, in order.
    pub rules: Vec<RuleStatus<'a>>,
}

/// A rule as it stands.
#[derive(Clone, Debug)]
pub struct RuleStatus<'a> {
    /// The rule.
    pub rule: &'a Rule,
    /// Whether its last evaluation succeeded.
    pub health: Health,
    /// Why it did not.
    pub last_error: Option<&'a RuleError>,
    /// What was odd about the last evaluation without failing it: annotations that could not be rendered,
    /// warnings of the engine.
    pub notes: &'a [String],
    /// Further notes that were not kept.
    pub more_notes: usize,
    /// Its last evaluation.
    pub last_evaluation: Option<Timestamp>,
    /// Series that its last successful evaluation wrote, or alerts that it found.
    pub results: usize,
    /// Evaluations that failed.
    pub failures: u64,
    /// What its selectors find, left to right; empty for an expression without any.
    pub selectors: &'a [SelectorStatus],
    /// Its pending and firing alerts, in the order of their labels; none for a recording rule.
    pub alerts: Vec<&'a AlertState>,
}

impl RuleStatus<'_> {
    /// The highest phase of its alerts.
    pub fn phase(&self) -> Phase {
        self.alerts.iter().map(|alert| alert.phase).max().unwrap_or(Phase::Inactive)
    }

    /// Whether no selector of it matches any series now: it cannot have anything to say, however things stand.
    pub fn no_match(&self) -> bool {
        self.last_evaluation.is_some()
            && !self.selectors.is_empty()
            && self.selectors.iter().all(|s| s.matched_now == 0)
    }

    /// Whether some selector of it has never matched any series: probably a name is misspelt, or a metric gone.
    pub fn never_matched(&self) -> bool {
        self.last_evaluation.is_some() && self.selectors.iter().any(|s| s.matched_most == 0)
    }
}

/// What one evaluation of a group did.
#[derive(Clone, Debug, PartialEq)]
pub struct GroupReport {
    /// The group's file.
    pub file: Arc<str>,
    /// The group's name.
    pub group: Arc<str>,
    /// The instant of the evaluation.
    pub at: Timestamp,
    /// Evaluations missed before it.
    pub missed: u64,
    /// Rules evaluated.
    pub rules: usize,
    /// Samples written, stale markers included.
    pub samples: usize,
    /// Rules that failed, by name.
    pub failures: Vec<(Arc<str>, RuleError)>,
}
