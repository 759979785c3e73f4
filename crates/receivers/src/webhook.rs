//! The webhook body, version 4 (Alertmanager's documentation, `webhook_config`).

use std::collections::BTreeMap;

use assurance_notifier::dispatch::{Notification, Reason};
use assurance_notifier::{Alert, AlertStatus};
use bytes::Bytes;
use serde::Serialize;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Message<'a> {
    version: &'static str,
    group_key: String,
    truncated_alerts: u64,
    status: &'static str,
    receiver: &'a str,
    group_labels: BTreeMap<&'a str, &'a str>,
    common_labels: BTreeMap<&'a str, &'a str>,
    common_annotations: BTreeMap<&'a str, &'a str>,
    #[serde(rename = "externalURL")]
    external_url: &'a str,
    alerts: Vec<MessageAlert<'a>>,
    /// Ours, as what follows: whoever reads Alertmanager's messages passes it over.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    escalation: Option<Escalation<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    acknowledged_by: Option<&'a str>,
}

#[derive(Serialize)]
struct Escalation<'a> {
    chain: &'a str,
    /// From 1, as people count.
    step: usize,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct MessageAlert<'a> {
    status: &'static str,
    labels: BTreeMap<&'a str, &'a str>,
    annotations: &'a BTreeMap<String, String>,
    starts_at: String,
    ends_at: String,
    #[serde(rename = "generatorURL")]
    generator_url: &'a str,
    fingerprint: String,
}

/// A batch of alerts that nobody has grouped: the group is the receiver's whole, without labels.
pub(crate) fn body(receiver: &str, alerts: &[Alert], external_url: &str) -> Bytes {
    crate::json(&Message::new(alerts, receiver, external_url))
}

/// A notification, in the form that Alertmanager would send, and beside it why it is told.
pub(crate) fn notification_body(
    notification: &Notification,
    alerts: &[Alert],
    max_alerts: usize,
    external_url: &str,
) -> Bytes {
    let shown = if max_alerts == 0 { alerts.len() } else { alerts.len().min(max_alerts) };
    let mut message = Message::new(&alerts[..shown], &notification.receiver, external_url);
    message.group_key = notification.group_key();
    message.group_labels = notification.group_labels.iter().collect();
    message.truncated_alerts = (alerts.len() - shown) as u64;
    message.reason = Some(notification.reason.kind().as_str());
    match &notification.reason {
        Reason::Escalation { chain, step } => {
            message.escalation = Some(Escalation { chain, step: step + 1 });
        }
        Reason::Acknowledged { by } => message.acknowledged_by = Some(by),
        _ => {}
    }
    crate::json(&message)
}

impl<'a> Message<'a> {
    fn new(alerts: &'a [Alert], receiver: &'a str, external_url: &'a str) -> Self {
        let firing = alerts.iter().any(|alert| alert.status == AlertStatus::Firing);
        Self {
            version: "4",
            group_key: "{}:{}".to_owned(),
            truncated_alerts: 0,
            status: if firing { "firing" } else { "resolved" },
            receiver,
            group_labels: BTreeMap::new(),
            common_labels: common(alerts, |alert| alert.labels.iter().collect()),
            common_annotations: common(alerts, |alert| {
                alert.annotations.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect()
            }),
            external_url,
            alerts: alerts.iter().map(message_alert).collect(),
            reason: None,
            escalation: None,
            acknowledged_by: None,
        }
    }
}

fn message_alert(alert: &Alert) -> MessageAlert<'_> {
    MessageAlert {
        status: alert.status.as_str(),
        labels: alert.labels.iter().collect(),
        annotations: &alert.annotations,
        starts_at: crate::rfc3339(alert.starts_at),
        // A firing alert has no end yet; Go's zero time says so.
        ends_at: match alert.status {
            AlertStatus::Firing => "0001-01-01T00:00:00Z".to_owned(),
            AlertStatus::Resolved => crate::rfc3339(alert.ends_at),
        },
        generator_url: &alert.generator_url,
        fingerprint: format!("{:016x}", alert.labels.fingerprint()),
    }
}

/// The pairs that every alert has.
fn common<'a>(
    alerts: &'a [Alert],
    pairs: impl Fn(&'a Alert) -> BTreeMap<&'a str, &'a str>,
) -> BTreeMap<&'a str, &'a str> {
    let mut all = alerts.iter().map(pairs);
    let mut shared = all.next().unwrap_or_default();
    for other in all {
        shared.retain(|name, value| other.get(name) == Some(value));
    }
    shared
}
