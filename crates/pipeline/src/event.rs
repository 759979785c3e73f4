use std::collections::VecDeque;
use std::sync::Arc;

use assurance_metrics_model::{Labels, Timestamp};
use assurance_notifier::dispatch::{Notification, Refused, Silence, SilenceId};
use assurance_rules::AlertEvent;

/// Events remembered: a day of a governance pack that never rests is some hundred; a storm pushes the oldest
/// out, which a reader sees by the numbers.
pub const MAX_EVENTS: usize = 4096;

/// Something that happened, for status pages, demonstrations and exercises.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// Rises by one; a jump means that events were pushed out unread.
    pub sequence: u64,
    /// When.
    pub at: Timestamp,
    /// What.
    pub kind: EventKind,
}

/// What happened.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum EventKind {
    /// An alert changed its state, or was sent again.
    Alert(Box<AlertEvent>),
    /// A target began to answer.
    TargetUp {
        /// The target's labels.
        target: Labels,
    },
    /// A target stopped answering.
    TargetDown {
        /// The target's labels.
        target: Labels,
        /// Why the scrape failed.
        reason: String,
    },
    /// A new configuration is in force.
    Reloaded,
    /// Somebody is to be told, by way of the routes.
    Notified(Arc<Notification>),
    /// An alert is not routed, as there are too many: nobody will be told of it.
    Refused(Refused),
    /// A silence was made or changed.
    Silenced(Box<Silence>),
    /// A silence was ended before its time.
    SilenceEnded(SilenceId),
    /// Somebody has taken alerts.
    Acknowledged {
        /// Who.
        by: Arc<str>,
        /// Fingerprints of the alerts.
        alerts: Vec<u64>,
    },
}

#[derive(Debug, Default)]
pub(crate) struct Events {
    next: u64,
    ring: VecDeque<Event>,
}

impl Events {
    pub(crate) fn push(&mut self, at: Timestamp, kind: EventKind) {
        if self.ring.len() == MAX_EVENTS {
            self.ring.pop_front();
        }
        self.ring.push_back(Event { sequence: self.next, at, kind });
        self.next += 1;
    }

    pub(crate) fn since(&self, sequence: u64) -> impl DoubleEndedIterator<Item = &Event> {
        let from = self.ring.partition_point(|event| event.sequence < sequence);
        self.ring.range(from..)
    }
}
