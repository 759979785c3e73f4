use std::cmp::Ordering;
use std::sync::Arc;

use assurance_metrics_model::{Duration, Labels, Timestamp};

use super::notification::Reason;
use crate::{Alert, AlertStatus};

/// Alerts that are told together.
#[derive(Debug)]
pub(super) struct Group {
    pub(super) next_look: Timestamp,
    /// Whether it has been looked at.
    pub(super) is_known: bool,
    /// In Alertmanager's order.
    pub(super) members: Vec<Member>,
    pub(super) log: Log,
}

#[derive(Debug)]
pub(super) struct Member {
    pub(super) fingerprint: u64,
    pub(super) alert: Arc<Alert>,
}

/// What each integration was told last.
pub(super) type Log = Vec<Option<Told>>;

/// What one integration was told last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Told {
    /// Fingerprints, sorted.
    pub(super) firing: Vec<u64>,
    /// Fingerprints, sorted.
    pub(super) resolved: Vec<u64>,
    pub(super) at: Timestamp,
}

/// Whether an alert is over at `now`: because it was said so, or because nobody has spoken of it since.
pub(super) fn is_over(alert: &Alert, now: Timestamp) -> bool {
    alert.status == AlertStatus::Resolved || alert.ends_at <= now
}

impl Group {
    pub(super) fn new(next_look: Timestamp, log: Log) -> Self {
        Self { next_look, is_known: false, members: Vec::new(), log }
    }

    fn position(&self, labels: &Labels) -> Result<usize, usize> {
        self.members.binary_search_by(|member| order(&member.alert.labels, labels))
    }

    pub(super) fn contains(&self, labels: &Labels) -> bool {
        self.position(labels).is_ok()
    }

    /// Puts an alert in the place of its last state; says whether it is new here.
    pub(super) fn insert(&mut self, fingerprint: u64, alert: Arc<Alert>) -> bool {
        match self.position(&alert.labels) {
            Ok(at) => {
                self.members[at].alert = alert;
                false
            }
            Err(at) => {
                self.members.insert(at, Member { fingerprint, alert });
                true
            }
        }
    }
}

/// Why an integration is to be told what it was not, or not for long; `firing` and `resolved` are sorted.
pub(super) fn reason(
    told: Option<&Told>,
    firing: &[u64],
    resolved: &[u64],
    sends_resolved: bool,
    now: Timestamp,
    repeat: Duration,
) -> Option<Reason> {
    let Some(told) = told else { return (!firing.is_empty()).then_some(Reason::First) };
    if !is_subset(firing, &told.firing) {
        return Some(if told.firing.is_empty() { Reason::First } else { Reason::Changed });
    }
    if firing.is_empty() {
        return (!told.firing.is_empty()).then_some(Reason::Resolved);
    }
    if sends_resolved && !is_subset(resolved, &told.resolved) {
        return Some(Reason::Resolved);
    }
    (told.at < now - repeat).then_some(Reason::Repeat)
}

fn is_subset(part: &[u64], whole: &[u64]) -> bool {
    part.iter().all(|one| whole.binary_search(one).is_ok())
}

/// Alertmanager's order of alerts in a notification: by `job`, by `instance`, then by all labels.
fn order(left: &Labels, right: &Labels) -> Ordering {
    for name in ["job", "instance"] {
        let by_name = match (left.get(name), right.get(name)) {
            (Some(left), Some(right)) => left.cmp(right),
            (left, right) => right.is_some().cmp(&left.is_some()),
        };
        if by_name != Ordering::Equal {
            return by_name;
        }
    }
    left.len().cmp(&right.len()).then_with(|| by_all(left, right))
}

/// The first name, in order, that only one has or that differs decides; who lacks it comes first.
fn by_all(left: &Labels, right: &Labels) -> Ordering {
    for ((left_name, left_value), (right_name, right_value)) in left.iter().zip(right) {
        match left_name.cmp(right_name) {
            Ordering::Equal => {}
            // The lesser name is missing on the other side.
            missing => return missing.reverse(),
        }
        let by_value = left_value.cmp(right_value);
        if by_value != Ordering::Equal {
            return by_value;
        }
    }
    Ordering::Equal
}
