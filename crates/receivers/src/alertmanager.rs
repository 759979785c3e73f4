//! `POST /api/v2/alerts` (Alertmanager's OpenAPI document, `postableAlerts`).

use std::collections::BTreeMap;

use assurance_notifier::Alert;
use bytes::Bytes;
use serde::Serialize;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PostableAlert<'a> {
    labels: BTreeMap<&'a str, &'a str>,
    annotations: &'a BTreeMap<String, String>,
    starts_at: String,
    /// In the past for a resolved alert; else the time after which silence means resolved.
    ends_at: String,
    #[serde(rename = "generatorURL", skip_serializing_if = "str::is_empty")]
    generator_url: &'a str,
}

pub(crate) fn body(alerts: &[Alert]) -> Bytes {
    let alerts: Vec<PostableAlert<'_>> = alerts
        .iter()
        .map(|alert| PostableAlert {
            labels: alert.labels.iter().collect(),
            annotations: &alert.annotations,
            starts_at: crate::rfc3339(alert.starts_at),
            ends_at: crate::rfc3339(alert.ends_at),
            generator_url: &alert.generator_url,
        })
        .collect();
    crate::json(&alerts)
}
