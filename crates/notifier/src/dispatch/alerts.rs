use std::sync::Arc;

use assurance_metrics_model::{Labels, Timestamp};

use super::escalate::{Acknowledgement, Climb};
use super::plan::Home;
use crate::{Alert, AlertStatus};

/// Alerts known at once: at about 1 KiB each, 100 MiB.
pub const MAX_ALERTS: usize = 100_000;

/// Groups at once: each is looked at every few minutes, which takes microseconds.
pub const MAX_GROUPS: usize = 10_000;

/// Alerts in one group, and so in one notification: at about 1 KiB each, 10 MiB, more than any receiver reads.
pub const MAX_ALERTS_PER_GROUP: usize = 10_000;

/// An alert that was not taken, or not by all of its groups.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// The alert.
    pub labels: Labels,
    /// Why.
    pub why: Refusal,
}

/// Why an alert is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// There are too many.
    #[error("{MAX_ALERTS} alerts are known already; find out which rule makes so many")]
    Alerts,
    /// Its group is full.
    #[error("{MAX_ALERTS_PER_GROUP} alerts are in its group already; group by more labels")]
    Group,
    /// It needs a new group, and there are too many.
    #[error("there are {MAX_GROUPS} groups already; group by fewer labels")]
    Groups,
}

/// An alert in its newest state, and what belongs to it.
#[derive(Debug)]
pub(super) struct Known {
    pub(super) fingerprint: u64,
    pub(super) alert: Arc<Alert>,
    /// Nobody said when it ends: its end is a guess.
    pub(super) is_guess: bool,
    /// When somebody last spoke of it.
    pub(super) updated_at: Timestamp,
    /// The groups it belongs to.
    pub(super) homes: Arc<[Home]>,
    /// In how many of them it is.
    pub(super) held: usize,
    /// The chain that is about it, by its number.
    pub(super) chain: Option<usize>,
    pub(super) ack: Option<Acknowledgement>,
    pub(super) climb: Option<Climb>,
}

/// An alert that says when it ends, or when it is over if nobody speaks of it again.
pub(super) fn with_end(alert: &Alert, now: Timestamp, guess: Timestamp) -> (Alert, bool) {
    let mut alert = alert.clone();
    match alert.status {
        AlertStatus::Resolved => {
            alert.ends_at = alert.ends_at.min(now);
            (alert, false)
        }
        // No end is an end that lies before the beginning.
        AlertStatus::Firing if alert.ends_at <= alert.starts_at => {
            alert.ends_at = guess;
            (alert, true)
        }
        AlertStatus::Firing => (alert, false),
    }
}

/// Makes one of two states whose times overlap, as Alertmanager does: the earliest beginning; the latest end that
/// somebody said, unless the newer one says that it is over.
pub(super) fn merge(old: &Alert, old_is_guess: bool, new: &mut Alert, now: Timestamp) {
    let overlaps = (new.ends_at > old.starts_at && new.ends_at < old.ends_at)
        || (new.starts_at > old.starts_at && new.starts_at < old.ends_at);
    if !overlaps {
        return;
    }
    new.starts_at = new.starts_at.min(old.starts_at);
    let is_later = old.ends_at > new.ends_at;
    if super::group::is_over(new, now) {
        if is_later && super::group::is_over(old, now) {
            new.ends_at = old.ends_at;
        }
    } else if is_later && !old_is_guess {
        new.ends_at = old.ends_at;
    }
}
