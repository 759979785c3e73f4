//! Looking at what is really there: over HTTP and on disk.

use std::time::Duration;

use assurance_runtime::http::{Client, Limits};
use serde_json::Value;

const LIMITS: Limits = Limits { timeout: Duration::from_secs(5), body: 8 << 20 };

/// A JSON answer, or why there is none.
pub(super) async fn json(client: &Client, url: &str) -> Result<Value, String> {
    let answer = client.get(url, &[], LIMITS).await.map_err(|error| error.to_string())?;
    if answer.status != 200 {
        return Err(format!("{url} answered with status {}: {}", answer.status, answer.text()));
    }
    serde_json::from_slice(&answer.body).map_err(|error| format!("{url} answered with no JSON: {error}"))
}

/// The newest audit event of a type.
pub(super) async fn audit_event(client: &Client, backend: &str, event_type: &str) -> Result<Value, String> {
    let url = format!("{backend}/api/sovereign-mode/audit?limit=1000&event_type={event_type}");
    let events = json(client, &url).await?;
    let newest = events.as_array().and_then(|events| events.last());
    newest.cloned().ok_or_else(|| format!("the audit log has no {event_type}"))
}

/// The value of the first series that a query gives.
pub(super) async fn query(client: &Client, evaluator: &str, expr: &str) -> Result<String, String> {
    let answer = json(client, &format!("{evaluator}/api/v1/query?query={}", escape(expr))).await?;
    let value = answer["data"]["result"][0]["value"][1].as_str();
    value.map(str::to_owned).ok_or_else(|| format!("{expr} has no value"))
}

/// An alert as the evaluator's API shows it.
pub(super) async fn alert(client: &Client, evaluator: &str, name: &str) -> Result<Option<Value>, String> {
    let answer = json(client, &format!("{evaluator}/api/v1/alerts")).await?;
    let alerts = answer["data"]["alerts"].as_array().cloned().unwrap_or_default();
    Ok(alerts.into_iter().find(|alert| alert["labels"]["alertname"] == name))
}

/// An alert as the receiver was told of it, with this status.
pub(super) async fn told(client: &Client, receiver: &str, name: &str, status: &str) -> Result<Value, String> {
    let messages = json(client, &format!("{receiver}/received")).await?;
    let alerts =
        messages.as_array().into_iter().flatten().flat_map(|m| m["alerts"].as_array().into_iter().flatten());
    let mut of_it = alerts.filter(|alert| alert["labels"]["alertname"] == name && alert["status"] == status);
    of_it.next().cloned().ok_or_else(|| format!("the receiver was not told that {name} is {status}"))
}

fn escape(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}
