//! The service about itself.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use assurance_exposition::{Format, encode};
use assurance_tsdb::Progress;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use crate::answer::Answer;

/// The version of Prometheus whose API this is: clients choose their features by it.
const COMPATIBLE: &str = "3.5.3";

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

/// What is Go's is there and says nothing, so that clients which expect it do not stumble.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RuntimeInfo {
    start_time: String,
    #[serde(rename = "CWD")]
    directory: String,
    hostname: String,
    server_time: String,
    reload_config_success: bool,
    last_config_time: String,
    corruption_count: u64,
    goroutine_count: usize,
    #[serde(rename = "GOMAXPROCS")]
    threads: usize,
    #[serde(rename = "GOMEMLIMIT")]
    memory_limit: u64,
    #[serde(rename = "GOGC")]
    collector: &'static str,
    #[serde(rename = "GODEBUG")]
    debug: &'static str,
    storage_retention: String,
}

pub(crate) async fn runtime_info(State(state): State<Arc<crate::State>>) -> Answer<RuntimeInfo> {
    let process = (state.process)();
    Answer::new(RuntimeInfo {
        start_time: state.pipeline().started().to_string(),
        directory: process.directory,
        hostname: process.hostname,
        server_time: state.now().to_string(),
        reload_config_success: process.reloaded,
        last_config_time: process.configured.to_string(),
        corruption_count: 0,
        goroutine_count: process.threads,
        threads: process.threads,
        memory_limit: 0,
        collector: "",
        debug: "",
        storage_retention: state.store.config().retention.to_string(),
    })
}

pub(crate) async fn flags(State(state): State<Arc<crate::State>>) -> Answer<BTreeMap<String, String>> {
    Answer::new(state.flags.as_ref().clone())
}

#[derive(Debug, Serialize)]
pub(crate) struct Config {
    yaml: String,
}

pub(crate) async fn config(State(state): State<Arc<crate::State>>) -> Answer<Config> {
    Answer::new(Config { yaml: crate::redact::yaml(&(state.config)()) })
}

/// Numbers of log files: the first and the last one that are read at a start, and where that is or ended.
#[derive(Debug, Serialize)]
pub(crate) struct WalReplay {
    min: u64,
    max: u64,
    current: u64,
}

pub(crate) async fn wal_replay(State(state): State<Arc<crate::State>>) -> Answer<WalReplay> {
    replayed(&state.replay)
}

pub(crate) fn replayed(progress: &Progress) -> Answer<WalReplay> {
    let (min, max, current) = progress.files();
    Answer::new(WalReplay { min, max, current })
}

pub(crate) async fn notifications() -> Answer<[(); 0]> {
    Answer::new([])
}

/// What Prometheus answers where it has no stream; its page then does not ask again.
pub(crate) async fn notifications_live() -> StatusCode {
    StatusCode::NO_CONTENT
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

fn no_lifecycle() -> Response {
    (StatusCode::FORBIDDEN, "Lifecycle API is not enabled.\n").into_response()
}

pub(crate) async fn reload(State(state): State<Arc<crate::State>>) -> Response {
    let Some(reload) = &state.reload else { return no_lifecycle() };
    match reload().await {
        Ok(()) => StatusCode::OK.into_response(),
        Err(reason) => (StatusCode::INTERNAL_SERVER_ERROR, format!("failed to reload config: {reason}\n"))
            .into_response(),
    }
}

pub(crate) async fn quit(State(state): State<Arc<crate::State>>) -> Response {
    let Some(quit) = &state.quit else { return no_lifecycle() };
    quit();
    "Requesting termination... Goodbye!\n".into_response()
}

pub(crate) async fn metrics(State(state): State<Arc<crate::State>>, headers: HeaderMap) -> Response {
    let accept = headers.get(header::ACCEPT).and_then(|v| v.to_str().ok()).unwrap_or_default();
    let format = Format::negotiate(accept);
    let mut families = (state.self_metrics)();
    families.extend(state.pipeline().self_metrics());
    if state.settings.remote_write_receiver {
        families.extend(state.writes.metrics());
    }
    ([(header::CONTENT_TYPE, format.content_type())], encode(&families, format)).into_response()
}
