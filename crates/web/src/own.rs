//! The service about itself.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use assurance_exposition::{Format, encode};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use crate::answer::Answer;

/// The version of Prometheus whose API this is: clients choose their features by it.
const COMPATIBLE: &str = "3.5.0";

/// No `features` among these: any entry there makes Grafana take the service for Mimir.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct BuildInfo {
    version: &'static str,
    revision: &'static str,
    branch: &'static str,
    build_user: &'static str,
    build_date: &'static str,
    go_version: &'static str,
    application: &'static str,
    application_version: &'static str,
}

pub(crate) async fn build_info() -> Answer<BuildInfo> {
    Answer::new(BuildInfo {
        version: COMPATIBLE,
        revision: "",
        branch: "",
        build_user: "",
        build_date: "",
        go_version: "",
        application: "assurance-evaluator",
        application_version: env!("CARGO_PKG_VERSION"),
    })
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RuntimeInfo {
    start_time: String,
    server_time: String,
    storage_retention: String,
}

pub(crate) async fn runtime_info(State(state): State<Arc<crate::State>>) -> Answer<RuntimeInfo> {
    Answer::new(RuntimeInfo {
        start_time: state.pipeline().started().to_string(),
        server_time: state.now().to_string(),
        storage_retention: state.store.config().retention.to_string(),
    })
}

pub(crate) async fn healthy() -> &'static str {
    "Prometheus-compatible evaluator is Healthy.\n"
}

pub(crate) async fn ready(State(state): State<Arc<crate::State>>) -> Response {
    if state.ready.load(Ordering::Relaxed) {
        "Prometheus-compatible evaluator is Ready.\n".into_response()
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "Service Unavailable\n").into_response()
    }
}

pub(crate) async fn reload(State(state): State<Arc<crate::State>>) -> Response {
    let Some(reload) = &state.reload else {
        return (StatusCode::FORBIDDEN, "Lifecycle API is not enabled.\n").into_response();
    };
    match reload().await {
        Ok(()) => StatusCode::OK.into_response(),
        Err(reason) => (StatusCode::INTERNAL_SERVER_ERROR, format!("failed to reload config: {reason}\n"))
            .into_response(),
    }
}

pub(crate) async fn metrics(State(state): State<Arc<crate::State>>, headers: HeaderMap) -> Response {
    let accept = headers.get(header::ACCEPT).and_then(|v| v.to_str().ok()).unwrap_or_default();
    let format = Format::negotiate(accept);
    let mut families = (state.self_metrics)();
    families.extend(state.pipeline().self_metrics());
    ([(header::CONTENT_TYPE, format.content_type())], encode(&families, format)).into_response()
}
