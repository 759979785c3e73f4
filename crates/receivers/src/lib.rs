//! Notifications as HTTP requests to Alertmanager and webhooks.
//!
//! **In scope:** what is sent ([`request`]) and what an answer means ([`classify`]): Alertmanager's API version
//! 2, and the webhook body version 4 that everything which understands Alertmanager's webhooks reads.
//!
//! **Out of scope:** sockets, TLS and credentials (`runtime`); when to send and again (`notifier`).
//!
//! ```
//! use std::sync::Arc;
//! use assurance_metrics_model::{Labels, Timestamp};
//! use assurance_notifier::{Alert, Config, Notifier, Receiver, ReceiverKind};
//!
//! let hook = Receiver::new("pager", ReceiverKind::Webhook, "http://127.0.0.1:8080/page");
//! let mut notifier = Notifier::new(Config::new(vec![hook]));
//! let now = Timestamp::from_secs(1_766_671_200);
//! notifier.handle_alerts(now, &[Alert::firing(Labels::from_pairs([("alertname", "Down")]), now)]);
//! let delivery = notifier.poll_output(now).expect("one delivery");
//!
//! let request = assurance_receivers::request(&delivery, "http://127.0.0.1:9090").expect("the URL is one");
//! assert_eq!(request.uri(), "http://127.0.0.1:8080/page");
//! assert!(std::str::from_utf8(request.body()).is_ok_and(|body| body.contains(r#""alertname":"Down""#)));
//! assert!(assurance_receivers::classify(200, "").is_ok());
//! assert!(assurance_receivers::classify(503, "").is_err_and(|error| error.retry));
//! ```
//!
//! **Invariants.** A request holds every alert of its delivery, in order. Only an answer of 2xx counts as
//! taken. What a receiver answers is quoted shortened, and never with the request's own content.

mod alertmanager;
mod answer;
mod webhook;

use assurance_notifier::{Delivery, ReceiverKind};
use bytes::Bytes;
use http::Request;

pub use answer::classify;

/// A receiver's URL is none.
#[derive(Debug, thiserror::Error)]
#[error("receiver {receiver}: {url:?} is no URL: {source}")]
pub struct RequestError {
    /// The receiver's name.
    pub receiver: String,
    /// What was to be the URL.
    pub url: String,
    /// Why it is none.
    pub source: http::Error,
}

/// The request that makes a delivery. `external_url` is where this evaluator can be reached.
///
/// # Errors
/// If the receiver's URL is none.
pub fn request(delivery: &Delivery, external_url: &str) -> Result<Request<Bytes>, RequestError> {
    let receiver = &delivery.receiver;
    let (url, body) = match receiver.kind {
        ReceiverKind::Alertmanager => (
            format!("{}/api/v2/alerts", receiver.url.trim_end_matches('/')),
            alertmanager::body(&delivery.alerts),
        ),
        // Any kind that comes later speaks the webhook's body until it has one of its own.
        _ => {
            let body = match &delivery.notification {
                Some(notification) => webhook::notification_body(
                    notification,
                    &delivery.alerts,
                    receiver.max_alerts,
                    external_url,
                ),
                None => webhook::body(&receiver.name, &delivery.alerts, external_url),
            };
            (receiver.url.clone(), body)
        }
    };
    Request::post(&url)
        .header(http::header::CONTENT_TYPE, "application/json")
        .body(body)
        .map_err(|source| RequestError { receiver: receiver.name.clone(), url, source })
}

/// Serialises what consists of texts and numbers alone, which cannot fail.
fn json(value: &impl serde::Serialize) -> Bytes {
    serde_json::to_vec(value).expect("texts and maps with text keys always serialise").into()
}

/// RFC 3339 with milliseconds; receivers written in Go read no other form of a far-off year, so the range is
/// held to 0001..=9999.
fn rfc3339(at: assurance_metrics_model::Timestamp) -> String {
    use assurance_metrics_model::Timestamp;
    const FIRST: Timestamp = Timestamp::from_secs(-62_135_596_800);
    const LAST: Timestamp = Timestamp::from_secs(253_402_300_799);
    at.clamp(FIRST, LAST).to_string()
}
