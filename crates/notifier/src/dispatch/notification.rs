use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use assurance_metrics_model::{Labels, Timestamp};

use crate::{Alert, AlertStatus};

/// Something one integration of a receiver is told.
#[derive(Clone, Debug, PartialEq)]
pub struct Notification {
    /// Rises by one with every notification, over restarts, too.
    pub number: u64,
    /// When it came to be.
    pub at: Timestamp,
    /// The receiver's name.
    pub receiver: Arc<str>,
    /// Which of the receiver's integrations, from 0.
    pub integration: usize,
    /// The matchers of the route, from the root down.
    pub route: Arc<str>,
    /// The labels by which the alerts are one group.
    pub group_labels: Labels,
    /// Why it is told now.
    pub reason: Reason,
    /// What it is about, each alert as it was then; in Alertmanager's order.
    pub alerts: Vec<Arc<Alert>>,
}

/// Why somebody is told.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reason {
    /// Something fires, and of this group nothing that fired had been told.
    First,
    /// More fires than was told.
    Changed,
    /// Some or all of what fired is over.
    Resolved,
    /// Nothing has changed for longer than the repeat interval.
    Repeat,
    /// Nobody took it in time, or it is not over in time.
    Escalation {
        /// The chain's name.
        chain: Arc<str>,
        /// The step, from 0.
        step: usize,
    },
    /// Somebody took it: for those who were told by a step of its chain.
    Acknowledged {
        /// Who.
        by: Arc<str>,
    },
}

/// Reasons without what belongs to them, for counting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum ReasonKind {
    /// [`Reason::First`]
    First,
    /// [`Reason::Changed`]
    Changed,
    /// [`Reason::Resolved`]
    Resolved,
    /// [`Reason::Repeat`]
    Repeat,
    /// [`Reason::Escalation`]
    Escalation,
    /// [`Reason::Acknowledged`]
    Acknowledged,
}

impl ReasonKind {
    /// All of them, in the order of their numbers.
    pub const ALL: [Self; 6] =
        [Self::First, Self::Changed, Self::Resolved, Self::Repeat, Self::Escalation, Self::Acknowledged];

    /// The word for it, in metrics and answers.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::First => "first",
            Self::Changed => "changed",
            Self::Resolved => "resolved",
            Self::Repeat => "repeat",
            Self::Escalation => "escalation",
            Self::Acknowledged => "acknowledged",
        }
    }
}

impl Reason {
    /// Its kind.
    pub const fn kind(&self) -> ReasonKind {
        match self {
            Self::First => ReasonKind::First,
            Self::Changed => ReasonKind::Changed,
            Self::Resolved => ReasonKind::Resolved,
            Self::Repeat => ReasonKind::Repeat,
            Self::Escalation { .. } => ReasonKind::Escalation,
            Self::Acknowledged { .. } => ReasonKind::Acknowledged,
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Escalation { chain, step } => write!(f, "escalation: step {} of {chain}", step + 1),
            Self::Acknowledged { by } => write!(f, "acknowledged by {by}"),
            _ => f.write_str(self.kind().as_str()),
        }
    }
}

impl Notification {
    /// The group's key as Alertmanager writes it: `{}/{severity="critical"}:{alertname="X"}`.
    pub fn group_key(&self) -> String {
        group_key(&self.route, &self.group_labels)
    }

    /// Firing while any of its alerts fires.
    pub fn status(&self) -> AlertStatus {
        if self.alerts.iter().any(|alert| alert.status == AlertStatus::Firing) {
            AlertStatus::Firing
        } else {
            AlertStatus::Resolved
        }
    }

    /// The labels that all its alerts have.
    pub fn common_labels(&self) -> Labels {
        let Some((first, others)) = self.alerts.split_first() else { return Labels::empty() };
        let common = first
            .labels
            .iter()
            .filter(|(name, value)| others.iter().all(|other| other.labels.get(name) == Some(value)));
        Labels::from_sorted(common)
    }

    /// The annotations that all its alerts have.
    pub fn common_annotations(&self) -> BTreeMap<&str, &str> {
        let Some((first, others)) = self.alerts.split_first() else { return BTreeMap::new() };
        let pairs = first.annotations.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        pairs
            .filter(|(name, value)| {
                others.iter().all(|other| other.annotations.get(*name).is_some_and(|v| v == value))
            })
            .collect()
    }
}

pub(super) fn group_key(route: &str, labels: &Labels) -> String {
    use std::fmt::Write as _;
    let mut key = format!("{route}:{{");
    for (index, (name, value)) in labels.iter().enumerate() {
        let comma = if index == 0 { "" } else { ", " };
        // Writing to a string cannot fail.
        let _ = write!(key, "{comma}{name}={}", assurance_metrics_model::Quoted(value));
    }
    key.push('}');
    key
}
