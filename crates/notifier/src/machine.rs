use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use assurance_metrics_model::Timestamp;

use crate::dispatch::Notification;
use crate::lane::{InFlight, Lane, backoff};
use crate::routing::Integration;
use crate::{Alert, AlertStatus, Hears, Receiver};

/// Alerts that may wait for one receiver: at about 1 KiB each, 10 MiB a receiver (Prometheus's
/// `--alertmanager.notification-queue-capacity`).
pub const MAX_QUEUE: usize = 10_000;

/// Alerts in one delivery: at about 1 KiB each, a quarter of the 1 MiB bodies most servers accept.
pub const MAX_BATCH: usize = 256;

/// Notifications of groups that may wait for one receiver: those of a whole day in which ten groups change every
/// quarter of an hour.
pub const MAX_WAITING_NOTIFICATIONS: usize = 1_000;

/// Deliveries remembered for the status page.
pub const MAX_HISTORY: usize = 256;

/// Who is told.
#[derive(Clone, Debug)]
pub struct Config {
    /// Who is told; names are unique.
    pub receivers: Vec<Receiver>,
}

impl Config {
    /// These receivers.
    pub fn new(receivers: Vec<Receiver>) -> Self {
        Self { receivers }
    }
}

/// Names one delivery until its outcome is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DeliveryId(pub u64);

/// A batch to be sent now; answer with [`Notifier::handle_delivery`].
#[derive(Clone, Debug)]
pub struct Delivery {
    /// To be given back with the outcome.
    pub id: DeliveryId,
    /// To whom.
    pub receiver: Arc<Receiver>,
    /// What, in the order it happened; at most [`MAX_BATCH`], unless it is of a notification.
    pub alerts: Arc<[Alert]>,
    /// The notification that says why, for receivers that hear those.
    pub notification: Option<Arc<Notification>>,
    /// 1 for the first attempt at this batch.
    pub attempt: u32,
}

/// Why a delivery did not arrive.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct DeliveryError {
    /// Whether the same delivery may succeed later; if not, it is given up.
    pub retry: bool,
    /// What happened, with the status code or the cause.
    pub reason: String,
}

/// What became of a delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// The receiver took it.
    Delivered,
    /// It failed and is tried again.
    Retrying {
        /// Why it failed.
        reason: String,
        /// When it is tried again.
        next_attempt: Timestamp,
    },
    /// The receiver refused it for good.
    Refused {
        /// Why.
        reason: String,
    },
    /// The queue was full; these alerts were never sent.
    Overflowed,
    /// Nothing here can deliver to it; these alerts were never sent.
    Undeliverable {
        /// Where they would have gone, such as `slack:#incidents`.
        to: String,
    },
}

/// One line of the history.
#[derive(Clone, Debug, PartialEq)]
pub struct DeliveryRecord {
    /// When the outcome was known.
    pub at: Timestamp,
    /// The receiver's name.
    pub receiver: String,
    /// Names of the alerts, with their status, in the batch's order.
    pub alerts: Vec<(String, AlertStatus)>,
    /// Which attempt it was.
    pub attempt: u32,
    /// What became of it.
    pub outcome: Outcome,
}

/// Counters of one receiver since the start.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReceiverStatus {
    /// Alerts waiting, those under way included.
    pub queued: usize,
    /// Alerts the receiver took.
    pub delivered: u64,
    /// Deliveries that failed, those tried again included.
    pub failed_attempts: u64,
    /// Alerts given up: refused for good.
    pub refused: u64,
    /// Alerts lost to a full queue.
    pub overflowed: u64,
    /// When the receiver last took something.
    pub last_delivered: Option<Timestamp>,
    /// The reason of the last failure, if nothing was taken since.
    pub last_error: Option<String>,
}

/// The machine; see the crate's page for the order of calls.
#[derive(Debug)]
pub struct Notifier {
    lanes: Vec<Lane>,
    next_id: u64,
    history: VecDeque<DeliveryRecord>,
    /// Alerts that could not be delivered for want of a way, by receiver.
    undeliverable: BTreeMap<String, u64>,
}

impl Undelivered {
    /// Alerts and notifications together.
    pub fn len(&self) -> usize {
        let alerts = self.alerts.iter().map(|(_, alerts)| alerts.len()).sum::<usize>();
        alerts + self.notifications.iter().map(|(_, notifications)| notifications.len()).sum::<usize>()
    }

    /// Whether there is nothing.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// What no receiver has taken yet, by the receiver's name: what must survive a restart.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Undelivered {
    /// Alerts.
    pub alerts: Vec<(String, Vec<Alert>)>,
    /// Notifications.
    pub notifications: Vec<(String, Vec<Arc<Notification>>)>,
}

impl Notifier {
    /// A notifier with empty queues.
    pub fn new(config: Config) -> Self {
        let mut notifier =
            Self { lanes: Vec::new(), next_id: 1, history: VecDeque::new(), undeliverable: BTreeMap::new() };
        notifier.reload(config);
        notifier
    }

    /// Takes a new configuration. A receiver that stays the same keeps its queue, its delivery under way and
    /// its counters; what waits for a removed receiver goes with it, as the operator asked.
    pub fn reload(&mut self, config: Config) {
        let mut old = std::mem::take(&mut self.lanes);
        self.lanes = config
            .receivers
            .into_iter()
            .map(|receiver| match old.iter().position(|lane| *lane.receiver == receiver) {
                Some(at) => old.swap_remove(at),
                None => Lane::new(receiver),
            })
            .collect();
    }

    /// Queues alerts for every receiver that hears alerts, in this order.
    pub fn handle_alerts(&mut self, now: Timestamp, alerts: &[Alert]) {
        for alert in alerts {
            for lane in self.lanes.iter_mut().filter(|lane| lane.receiver.hears == Hears::Alerts) {
                if let Some(lost) = lane.push(alert.clone()) {
                    record(&mut self.history, now, lane, &[&lost], Outcome::Overflowed);
                }
            }
        }
    }

    /// Queues a notification for the integration of its receiver that it is for. Where nothing delivers to it,
    /// that is recorded.
    pub fn handle_notification(
        &mut self,
        now: Timestamp,
        notification: Arc<Notification>,
        integration: &Integration,
    ) {
        let name = Receiver::routed_name(&notification.receiver, &integration.to_string());
        let Some(lane) = self.lanes.iter_mut().find(|lane| lane.hears(&name, Hears::Notifications)) else {
            *self.undeliverable.entry(name.clone()).or_default() += notification.alerts.len() as u64;
            let outcome = Outcome::Undeliverable { to: integration.description.clone() };
            let alerts = notification.alerts.iter().map(|alert| &**alert);
            push_record(&mut self.history, DeliveryRecord::new(now, name, alerts, 1, outcome));
            return;
        };
        if let Some(lost) = lane.push_notification(notification) {
            let alerts: Vec<&Alert> = lost.alerts.iter().map(|alert| &**alert).collect();
            record(&mut self.history, now, lane, &alerts, Outcome::Overflowed);
        }
    }

    /// Alerts that could not be delivered because nothing here can, by receiver and integration.
    pub fn undeliverable(&self) -> impl Iterator<Item = (&str, u64)> {
        self.undeliverable.iter().map(|(name, count)| (name.as_str(), *count))
    }

    /// A delivery to be made now, or `None` until more happens or [`Notifier::poll_timeout`] has come.
    pub fn poll_output(&mut self, now: Timestamp) -> Option<Delivery> {
        let lane = self.lanes.iter_mut().find(|lane| lane.is_due(now))?;
        let id = DeliveryId(self.next_id);
        self.next_id += 1;
        let (alerts, notification) = lane.next();
        lane.attempt += 1;
        lane.not_before = None;
        lane.in_flight = Some(InFlight { id, alerts: Arc::clone(&alerts) });
        let receiver = Arc::clone(&lane.receiver);
        Some(Delivery { id, receiver, alerts, notification, attempt: lane.attempt })
    }

    /// When [`Notifier::poll_output`] may have something although nothing else happens: the next attempt
    /// after a failure. `None` when nothing waits for time alone.
    pub fn poll_timeout(&self) -> Option<Timestamp> {
        self.lanes
            .iter()
            .filter(|lane| lane.in_flight.is_none() && !lane.is_empty())
            .map(|lane| lane.not_before.unwrap_or(Timestamp::MIN))
            .min()
    }

    /// Takes the outcome of a delivery. One that is not under way, because its receiver was removed
    /// meanwhile, is ignored.
    pub fn handle_delivery(&mut self, now: Timestamp, id: DeliveryId, result: Result<(), DeliveryError>) {
        let Some(lane) = self.lanes.iter_mut().find(|l| l.in_flight.as_ref().is_some_and(|f| f.id == id))
        else {
            return;
        };
        let Some(InFlight { alerts, .. }) = lane.in_flight.take() else { return };
        let outcome = match result {
            Ok(()) => {
                lane.taken(alerts.len());
                lane.status.delivered += alerts.len() as u64;
                lane.status.last_delivered = Some(now);
                lane.status.last_error = None;
                Outcome::Delivered
            }
            Err(DeliveryError { retry: true, reason }) => {
                let next_attempt = now + backoff(lane.attempt);
                lane.not_before = Some(next_attempt);
                lane.status.failed_attempts += 1;
                lane.status.last_error = Some(reason.clone());
                Outcome::Retrying { reason, next_attempt }
            }
            Err(DeliveryError { retry: false, reason }) => {
                lane.taken(alerts.len());
                lane.status.failed_attempts += 1;
                lane.status.refused += alerts.len() as u64;
                lane.status.last_error = Some(reason.clone());
                Outcome::Refused { reason }
            }
        };
        let done = !matches!(outcome, Outcome::Retrying { .. });
        record(&mut self.history, now, lane, &alerts.iter().collect::<Vec<_>>(), outcome);
        if done {
            lane.attempt = 0;
        }
    }

    /// The receivers with their counters, in the order of the configuration.
    pub fn receivers(&self) -> impl Iterator<Item = (&Receiver, ReceiverStatus)> {
        self.lanes.iter().map(|lane| {
            let status = ReceiverStatus { queued: lane.len(), ..lane.status.clone() };
            (&*lane.receiver, status)
        })
    }

    /// What no receiver has taken yet.
    pub fn undelivered(&self) -> Undelivered {
        let name = |lane: &Lane| lane.receiver.name.clone();
        let alerts = self.lanes.iter().filter(|lane| !lane.queue.is_empty());
        let notifications = self.lanes.iter().filter(|lane| !lane.notifications.is_empty());
        Undelivered {
            alerts: alerts.map(|lane| (name(lane), lane.queue.iter().cloned().collect())).collect(),
            notifications: notifications
                .map(|lane| (name(lane), lane.notifications.iter().cloned().collect()))
                .collect(),
        }
    }

    /// Puts back what was [`undelivered`](Notifier::undelivered) when another notifier stopped, to be sent again;
    /// gives what is for receivers that are gone.
    pub fn restore(&mut self, now: Timestamp, undelivered: Undelivered) -> Undelivered {
        let mut gone = Undelivered::default();
        for (name, alerts) in undelivered.alerts {
            let Some(lane) = self.lanes.iter_mut().find(|lane| lane.hears(&name, Hears::Alerts)) else {
                gone.alerts.push((name, alerts));
                continue;
            };
            for alert in alerts {
                if let Some(lost) = lane.push(alert) {
                    record(&mut self.history, now, lane, &[&lost], Outcome::Overflowed);
                }
            }
        }
        for (name, notifications) in undelivered.notifications {
            let Some(lane) = self.lanes.iter_mut().find(|lane| lane.hears(&name, Hears::Notifications))
            else {
                gone.notifications.push((name, notifications));
                continue;
            };
            for notification in notifications {
                if let Some(lost) = lane.push_notification(notification) {
                    let alerts: Vec<&Alert> = lost.alerts.iter().map(|alert| &**alert).collect();
                    record(&mut self.history, now, lane, &alerts, Outcome::Overflowed);
                }
            }
        }
        gone
    }

    /// The last outcomes, oldest first, at most [`MAX_HISTORY`].
    pub fn history(&self) -> impl DoubleEndedIterator<Item = &DeliveryRecord> {
        self.history.iter()
    }

    /// Whether nothing waits and nothing is under way: what a shutdown waits for.
    pub fn is_idle(&self) -> bool {
        self.lanes.iter().all(Lane::is_empty)
    }
}

impl DeliveryRecord {
    fn new<'a>(
        at: Timestamp,
        receiver: String,
        alerts: impl Iterator<Item = &'a Alert>,
        attempt: u32,
        outcome: Outcome,
    ) -> Self {
        let alerts = alerts.map(|alert| (alert.name().to_owned(), alert.status)).collect();
        Self { at, receiver, alerts, attempt, outcome }
    }
}

fn record(
    history: &mut VecDeque<DeliveryRecord>,
    at: Timestamp,
    lane: &Lane,
    alerts: &[&Alert],
    outcome: Outcome,
) {
    let alerts = alerts.iter().copied();
    let receiver = lane.receiver.name.clone();
    push_record(history, DeliveryRecord::new(at, receiver, alerts, lane.attempt, outcome));
}

fn push_record(history: &mut VecDeque<DeliveryRecord>, record: DeliveryRecord) {
    if history.len() == MAX_HISTORY {
        history.pop_front();
    }
    history.push_back(record);
}
