use std::sync::Arc;

use assurance_notifier::dispatch::AckTarget;
use axum::body::Bytes;
use axum::extract::State;
use axum::response::Response;
use serde::{Deserialize, Serialize};

use super::{Failed, ok};

/// Exactly one of `fingerprint` and `groupKey`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Asked {
    fingerprint: Option<String>,
    group_key: Option<String>,
    by: String,
    #[serde(default)]
    comment: String,
}

#[derive(Serialize)]
struct Taken {
    fingerprints: Vec<String>,
}

pub(crate) async fn acknowledge(
    State(state): State<Arc<crate::State>>,
    body: Bytes,
) -> Result<Response, Failed> {
    let asked: Asked = serde_json::from_slice(&body)
        .map_err(|error| Failed::bad(format!("the body is no acknowledgement: {error}")))?;
    let target = match (&asked.fingerprint, asked.group_key) {
        (Some(text), None) => {
            let print = u64::from_str_radix(text, 16);
            AckTarget::Alert(print.map_err(|_no| {
                Failed::bad(format!(
                    "{text:?} is no fingerprint: 16 hexadecimal digits, as /api/v2/alerts shows"
                ))
            })?)
        }
        (None, Some(key)) => AckTarget::Group(key),
        _ => return Err(Failed::bad("name what is taken: either a fingerprint or a groupKey")),
    };
    let now = state.now();
    let taken = state.pipeline().handle_ack(now, &target, &asked.by, &asked.comment)?;
    (state.wake)();
    Ok(ok(&Taken { fingerprints: taken.alerts.iter().map(|print| format!("{print:016x}")).collect() }))
}
