//! Alerts on their way to a human: queues that coalesce, retry and are bounded, one per receiver.
//!
//! **In scope:** which receivers an alert goes to, and what keeps it quiet ([`routing`], as data with pure
//! functions); who is told of them and when, what was silenced and acknowledged, and who is told next
//! ([`dispatch`]); what is to be sent to whom, when, and again when it failed; a short history of what became
//! of it. [`Notifier`] is a machine without sockets or clock: feed it alerts and outcomes, take deliveries
//! out, and come back at [`Notifier::poll_timeout`].
//!
//! **Out of scope:** deciding that an alert fires (`rules`), the bytes on the wire (`receivers`), and sending
//! them (`runtime`).
//!
//! ```
//! use assurance_metrics_model::{Duration, Labels, Timestamp};
//! use assurance_notifier::{Alert, Config, Notifier, Receiver, ReceiverKind};
//!
//! let hook = Receiver::new("pager", ReceiverKind::Webhook, "http://127.0.0.1:9/hook");
//! let mut notifier = Notifier::new(Config::new(vec![hook]));
//! let now = Timestamp::from_secs(100);
//! let alert = Alert::firing(Labels::from_pairs([("alertname", "GovernanceOverrideActive")]), now);
//! notifier.handle_alerts(now, &[alert]);
//! let delivery = notifier.poll_output(now).expect("one receiver, one batch");
//! assert_eq!(delivery.alerts.len(), 1);
//! notifier.handle_delivery(now + Duration::from_millis(20), delivery.id, Ok(()));
//! assert_eq!(notifier.poll_timeout(), None);
//! ```
//!
//! **Invariants.** An alert leaves its queue only when its receiver took it, refused it for good, or the
//! bounded queue overflowed; each of the three is in the history and in the counters. A firing state and the
//! resolution after it are never merged: whoever pages hears both. Each receiver has at most one delivery
//! under way, and receives states of one alert in the order they happened.

mod alert;
pub mod dispatch;
mod lane;
mod machine;
mod receiver;
pub mod routing;

pub use alert::{Alert, AlertStatus};
pub use machine::{
    Config, Delivery, DeliveryError, DeliveryId, DeliveryRecord, MAX_BATCH, MAX_HISTORY, MAX_QUEUE,
    MAX_WAITING_NOTIFICATIONS, Notifier, Outcome, ReceiverStatus, Undelivered,
};
pub use receiver::{Hears, Receiver, ReceiverKind};
