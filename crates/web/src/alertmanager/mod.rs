//! Alertmanager's API, version 2, where alerts are routed here; and acknowledgements, which it has not.

mod acknowledge;
mod alerts;
mod silences;

use std::sync::Arc;

use assurance_metrics_model::{Labels, MatchOp, Matcher};
use assurance_notifier::dispatch::Dispatch;
use assurance_notifier::routing::parse_matcher;
use assurance_pipeline::{AskError, Pipeline};
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use crate::params::Params;

pub(crate) use acknowledge::acknowledge;
pub(crate) use alerts::{alerts, groups};
pub(crate) use silences::{silence, silences};

/// Filters of one request; each is held against every alert or silence.
const MAX_FILTERS: usize = 64;

/// A failed answer: Alertmanager's is a text in JSON.
#[derive(Debug)]
pub(crate) struct Failed(StatusCode, String);

impl Failed {
    fn bad(error: impl Into<String>) -> Self {
        Self(StatusCode::BAD_REQUEST, error.into())
    }
}

impl IntoResponse for Failed {
    fn into_response(self) -> Response {
        json(self.0, &self.1)
    }
}

impl<E: std::error::Error> From<AskError<E>> for Failed {
    fn from(error: AskError<E>) -> Self {
        let status = match error {
            AskError::NotRouted => StatusCode::FORBIDDEN,
            _ => StatusCode::BAD_REQUEST,
        };
        Self(status, error.to_string())
    }
}

fn json(status: StatusCode, body: &impl Serialize) -> Response {
    // Texts, numbers and lists always serialise.
    let body = serde_json::to_vec(body).unwrap_or_default();
    (status, [(header::CONTENT_TYPE, "application/json")], body).into_response()
}

fn ok(body: &impl Serialize) -> Response {
    json(StatusCode::OK, body)
}

fn routed(pipeline: &Pipeline) -> Result<&Dispatch, Failed> {
    pipeline.dispatch().ok_or_else(|| AskError::<std::fmt::Error>::NotRouted.into())
}

/// `filter=severity="critical"`, as often as wanted: all must hold.
fn filters(params: &Params) -> Result<Vec<Matcher>, Failed> {
    if params.all("filter").count() > MAX_FILTERS {
        return Err(Failed::bad(format!("there are more than {MAX_FILTERS} filters")));
    }
    let all = params.all("filter").map(|text| {
        parse_matcher(text).map_err(|error| Failed::bad(format!("bad matcher format: {text}: {error}")))
    });
    all.collect()
}

fn pass(filters: &[Matcher], labels: &Labels) -> bool {
    filters.iter().all(|filter| filter.matches_labels(labels))
}

/// A truth that is true where nothing is said.
fn unless_false(params: &Params, name: &str) -> Result<bool, Failed> {
    Ok(params.get(name).is_none() || params.flag(name).map_err(|error| Failed::bad(error.error))?)
}

/// Which receivers are asked for: a regular expression over the whole name.
fn receiver(params: &Params) -> Result<Option<Matcher>, Failed> {
    let pattern = params.get("receiver").filter(|text| !text.is_empty());
    let matcher = pattern.map(|text| Matcher::new("receiver", MatchOp::Regex, text));
    matcher.transpose().map_err(|error| Failed::bad(format!("failed to parse receiver param: {error}")))
}

#[derive(Serialize)]
struct Named {
    name: String,
}

pub(crate) async fn receivers(State(state): State<Arc<crate::State>>) -> Result<Response, Failed> {
    let pipeline = state.pipeline();
    let receivers = &routed(&pipeline)?.plan().routing().receivers;
    let names: Vec<Named> = receivers.iter().map(|r| Named { name: r.name.clone() }).collect();
    Ok(ok(&names))
}

/// Enough for those who ask whether an Alertmanager is there.
pub(crate) async fn status(State(state): State<Arc<crate::State>>) -> Result<Response, Failed> {
    let pipeline = state.pipeline();
    routed(&pipeline)?;
    Ok(ok(&serde_json::json!({
        "cluster": { "status": "disabled", "peers": [] },
        "config": { "original": "" },
        "uptime": pipeline.started().to_string(),
        "versionInfo": {
            "version": env!("CARGO_PKG_VERSION"), "revision": "", "branch": "", "buildUser": "", "buildDate": "",
            "goVersion": "",
        },
    })))
}
