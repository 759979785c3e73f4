use std::collections::VecDeque;
use std::sync::Arc;

use assurance_metrics_model::{Duration, Timestamp};

use crate::{Alert, AlertStatus, Receiver};

/// Alerts that may wait for one receiver: at about 1 KiB each, 10 MiB a receiver (Prometheus's
/// `--alertmanager.notification-queue-capacity`).
pub const MAX_QUEUE: usize = 10_000;

/// Alerts in one delivery: at about 1 KiB each, a quarter of the 1 MiB bodies most servers accept.
pub const MAX_BATCH: usize = 256;

/// Deliveries remembered for the status page.
pub const MAX_HISTORY: usize = 256;

/// The first wait after a failure; doubled up to [`MAX_BACKOFF`] while failures go on.
const MIN_BACKOFF: Duration = Duration::from_secs(1);

/// The longest wait between attempts: as long as the rules' resend delay, so that no resend overtakes it.
const MAX_BACKOFF: Duration = Duration::from_secs(60);

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
    /// What, in the order it happened; at most [`MAX_BATCH`].
    pub alerts: Arc<[Alert]>,
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

#[derive(Debug)]
struct Lane {
    receiver: Arc<Receiver>,
    queue: VecDeque<Alert>,
    in_flight: Option<InFlight>,
    attempt: u32,
    not_before: Option<Timestamp>,
    status: ReceiverStatus,
}

#[derive(Debug)]
struct InFlight {
    id: DeliveryId,
    alerts: Arc<[Alert]>,
}

/// The machine; see the crate's page for the order of calls.
#[derive(Debug)]
pub struct Notifier {
    lanes: Vec<Lane>,
    next_id: u64,
    history: VecDeque<DeliveryRecord>,
}

impl Notifier {
    /// A notifier with empty queues.
    pub fn new(config: Config) -> Self {
        let mut notifier = Self { lanes: Vec::new(), next_id: 1, history: VecDeque::new() };
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

    /// Queues alerts for every receiver, in this order.
    pub fn handle_alerts(&mut self, now: Timestamp, alerts: &[Alert]) {
        for alert in alerts {
            for lane in &mut self.lanes {
                if let Some(lost) = lane.push(alert.clone()) {
                    record(&mut self.history, now, lane, std::slice::from_ref(&lost), Outcome::Overflowed);
                }
            }
        }
    }

    /// A delivery to be made now, or `None` until more happens or [`Notifier::poll_timeout`] has come.
    pub fn poll_output(&mut self, now: Timestamp) -> Option<Delivery> {
        let lane = self.lanes.iter_mut().find(|lane| lane.is_due(now))?;
        let id = DeliveryId(self.next_id);
        self.next_id += 1;
        let alerts: Arc<[Alert]> = lane.queue.iter().take(MAX_BATCH).cloned().collect();
        lane.attempt += 1;
        lane.not_before = None;
        lane.in_flight = Some(InFlight { id, alerts: Arc::clone(&alerts) });
        Some(Delivery { id, receiver: Arc::clone(&lane.receiver), alerts, attempt: lane.attempt })
    }

    /// When [`Notifier::poll_output`] may have something although nothing else happens: the next attempt
    /// after a failure. `None` when nothing waits for time alone.
    pub fn poll_timeout(&self) -> Option<Timestamp> {
        self.lanes
            .iter()
            .filter(|lane| lane.in_flight.is_none() && !lane.queue.is_empty())
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
                lane.queue.drain(..alerts.len());
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
                lane.queue.drain(..alerts.len());
                lane.status.failed_attempts += 1;
                lane.status.refused += alerts.len() as u64;
                lane.status.last_error = Some(reason.clone());
                Outcome::Refused { reason }
            }
        };
        let done = !matches!(outcome, Outcome::Retrying { .. });
        record(&mut self.history, now, lane, &alerts, outcome);
        if done {
            lane.attempt = 0;
        }
    }

    /// The receivers with their counters, in the order of the configuration.
    pub fn receivers(&self) -> impl Iterator<Item = (&Receiver, ReceiverStatus)> {
        self.lanes.iter().map(|lane| {
            let status = ReceiverStatus { queued: lane.queue.len(), ..lane.status.clone() };
            (&*lane.receiver, status)
        })
    }

    /// What no receiver has taken yet, by the receiver's name: what must survive a restart.
    pub fn undelivered(&self) -> Vec<(String, Vec<Alert>)> {
        let waiting = self.lanes.iter().filter(|lane| !lane.queue.is_empty());
        waiting.map(|lane| (lane.receiver.name.clone(), lane.queue.iter().cloned().collect())).collect()
    }

    /// Puts back what was [`undelivered`](Notifier::undelivered) when another notifier stopped, to be sent again;
    /// gives what is for receivers that are gone.
    pub fn restore(
        &mut self,
        now: Timestamp,
        undelivered: Vec<(String, Vec<Alert>)>,
    ) -> Vec<(String, Vec<Alert>)> {
        let mut gone = Vec::new();
        for (name, alerts) in undelivered {
            let Some(lane) = self.lanes.iter_mut().find(|lane| lane.receiver.name == name) else {
                gone.push((name, alerts));
                continue;
            };
            for alert in alerts {
                if let Some(lost) = lane.push(alert) {
                    record(&mut self.history, now, lane, std::slice::from_ref(&lost), Outcome::Overflowed);
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
        self.lanes.iter().all(|lane| lane.queue.is_empty())
    }
}

impl Lane {
    fn new(receiver: Receiver) -> Self {
        Self {
            receiver: Arc::new(receiver),
            queue: VecDeque::new(),
            in_flight: None,
            attempt: 0,
            not_before: None,
            status: ReceiverStatus::default(),
        }
    }

    fn is_due(&self, now: Timestamp) -> bool {
        self.in_flight.is_none() && !self.queue.is_empty() && self.not_before.is_none_or(|at| at <= now)
    }

    /// Queues an alert; returns the one that a full queue lost.
    fn push(&mut self, alert: Alert) -> Option<Alert> {
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
}

fn backoff(attempt: u32) -> Duration {
    let doublings = attempt.saturating_sub(1).min(6);
    (MIN_BACKOFF * (1 << doublings)).min(MAX_BACKOFF)
}

fn record(
    history: &mut VecDeque<DeliveryRecord>,
    at: Timestamp,
    lane: &Lane,
    alerts: &[Alert],
    outcome: Outcome,
) {
    if history.len() == MAX_HISTORY {
        history.pop_front();
    }
    history.push_back(DeliveryRecord {
        at,
        receiver: lane.receiver.name.clone(),
        alerts: alerts.iter().map(|a| (a.name().to_owned(), a.status)).collect(),
        attempt: lane.attempt,
        outcome,
    });
}
