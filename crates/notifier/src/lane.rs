//! What waits for one receiver.

use std::collections::VecDeque;
use std::sync::Arc;

use assurance_metrics_model::{Duration, Timestamp};

use crate::dispatch::{Notification, ReasonKind};
use crate::machine::{MAX_BATCH, MAX_QUEUE, MAX_WAITING_NOTIFICATIONS};
use crate::{Alert, DeliveryId, Hears, Receiver, ReceiverStatus};

/// The first wait after a failure; doubled up to [`MAX_BACKOFF`] while failures go on.
const MIN_BACKOFF: Duration = Duration::from_secs(1);

/// The longest wait between attempts: as long as the rules' resend delay, so that no resend overtakes it.
const MAX_BACKOFF: Duration = Duration::from_secs(60);

/// One of the two queues stays empty, as the receiver hears one of both.
#[derive(Debug)]
pub(crate) struct Lane {
    pub(crate) receiver: Arc<Receiver>,
    pub(crate) queue: VecDeque<Alert>,
    pub(crate) notifications: VecDeque<Arc<Notification>>,
    pub(crate) in_flight: Option<InFlight>,
    pub(crate) attempt: u32,
    pub(crate) not_before: Option<Timestamp>,
    pub(crate) status: ReceiverStatus,
}

#[derive(Debug)]
pub(crate) struct InFlight {
    pub(crate) id: DeliveryId,
    pub(crate) alerts: Arc<[Alert]>,
}

impl Lane {
    pub(crate) fn new(receiver: Receiver) -> Self {
        Self {
            receiver: Arc::new(receiver),
            queue: VecDeque::new(),
            notifications: VecDeque::new(),
            in_flight: None,
            attempt: 0,
            not_before: None,
            status: ReceiverStatus::default(),
        }
    }

    pub(crate) fn hears(&self, name: &str, what: Hears) -> bool {
        self.receiver.hears == what && self.receiver.name == name
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.queue.is_empty() && self.notifications.is_empty()
    }

    /// Alerts that wait.
    pub(crate) fn len(&self) -> usize {
        self.queue.len() + self.notifications.iter().map(|one| one.alerts.len()).sum::<usize>()
    }

    pub(crate) fn is_due(&self, now: Timestamp) -> bool {
        self.in_flight.is_none() && !self.is_empty() && self.not_before.is_none_or(|at| at <= now)
    }

    /// What is to be sent now.
    pub(crate) fn next(&self) -> (Arc<[Alert]>, Option<Arc<Notification>>) {
        match self.notifications.front() {
            Some(notification) => {
                let alerts = notification.alerts.iter().map(|alert| (**alert).clone());
                (alerts.collect(), Some(Arc::clone(notification)))
            }
            None => (self.queue.iter().take(MAX_BATCH).cloned().collect(), None),
        }
    }

    /// What was under way, of so many alerts, waits no more.
    pub(crate) fn taken(&mut self, alerts: usize) {
        if self.notifications.pop_front().is_none() {
            self.queue.drain(..alerts);
        }
    }

    /// Queues an alert; returns the one that a full queue lost.
    pub(crate) fn push(&mut self, alert: Alert) -> Option<Alert> {
        let under_way = self.in_flight.as_ref().map_or(0, |f| f.alerts.len());
        // Only the last state of this alert may be replaced: an earlier one has a later one behind it.
        let same = (under_way..self.queue.len()).rev().find(|at| self.queue[*at].labels == alert.labels);
        if let Some(at) = same
            && self.queue[at].is_superseded_by(&alert)
        {
            self.queue[at] = alert;
            return None;
        }
        self.queue.push_back(alert);
        if self.queue.len() <= MAX_QUEUE {
            return None;
        }
        self.status.overflowed += 1;
        self.queue.remove(under_way)
    }

    /// Queues a notification; returns the one that a full queue lost. A repetition takes the place of one that
    /// still waits: nobody needs to hear twice in a row that nothing has changed.
    pub(crate) fn push_notification(&mut self, new: Arc<Notification>) -> Option<Arc<Notification>> {
        let under_way = usize::from(self.in_flight.is_some());
        let is_repeat = |one: &Notification| one.reason.kind() == ReasonKind::Repeat;
        let of_group = |one: &Notification| one.route == new.route && one.group_labels == new.group_labels;
        let mut waiting = self.notifications.iter().skip(under_way);
        let last = waiting.rposition(|one| of_group(one)).map(|at| at + under_way);
        if let Some(at) = last
            && is_repeat(&self.notifications[at])
            && is_repeat(&new)
        {
            self.notifications[at] = new;
            return None;
        }
        self.notifications.push_back(new);
        if self.notifications.len() <= MAX_WAITING_NOTIFICATIONS {
            return None;
        }
        let lost = self.notifications.remove(under_way);
        self.status.overflowed += lost.as_ref().map_or(0, |lost| lost.alerts.len() as u64);
        lost
    }
}

pub(crate) fn backoff(attempt: u32) -> Duration {
    let doublings = attempt.saturating_sub(1).min(6);
    (MIN_BACKOFF * (1 << doublings)).min(MAX_BACKOFF)
}
