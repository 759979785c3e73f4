use assurance_simulator::{AuditExport, GovernanceStatus, MetricsSummary, Preflight, Statistics, Status};
use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::Value;

use crate::Backend;
use crate::errors::{Failure, Problem};
use crate::params::{AuditQuery, Body};

type Answer<T> = Result<Json<T>, Failure>;

/// The media type of the metrics page.
const METRICS_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// The media type of an export with its lines.
const LINES_TYPE: &str = "application/x-ndjson";

pub(crate) async fn audit(
    State(backend): State<Backend>,
    pairs: Result<Query<Vec<(String, String)>>, QueryRejection>,
) -> Result<Response, Failure> {
    let Query(pairs) = pairs.map_err(|rejection| {
        let (loc, msg) = (vec!["query".into()], rejection.body_text());
        Failure::invalid(Problem { kind: "value_error", loc, msg, input: Value::Null, ctx: None })
    })?;
    let query = AuditQuery::new(pairs)?;
    let (world, _) = backend.world()?;
    let entries = world.audit(query.limit, query.event_type.as_deref());
    let body = format!("[{}]", entries.join(","));
    Ok(([(header::CONTENT_TYPE, "application/json")], body).into_response())
}

/// The export's metadata, or, where lines are accepted, the lines and `SHA256:` with their checksum behind them.
pub(crate) async fn export(
    State(backend): State<Backend>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Failure> {
    let mut request = Body::or_defaults(&body)?.export()?;
    let accepted = headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok()).unwrap_or_default();
    let as_lines = accepted.contains(LINES_TYPE);
    request.include_hash |= as_lines;
    let (mut world, now) = backend.world()?;
    let (export, mut lines) = world.export_audit_lines(now, &request)?;
    if !as_lines {
        return Ok(Json::<AuditExport>(export).into_response());
    }
    lines.push(format!("SHA256:{}\n", export.content_hash.unwrap_or_default()));
    Ok(([(header::CONTENT_TYPE, LINES_TYPE)], lines.join("\n")).into_response())
}

pub(crate) async fn statistics(State(backend): State<Backend>) -> Answer<Statistics> {
    Ok(Json(backend.world()?.0.statistics()))
}

pub(crate) async fn status(State(backend): State<Backend>) -> Answer<Status> {
    Ok(Json(backend.world()?.0.status()))
}

pub(crate) async fn governance_status(State(backend): State<Backend>) -> Answer<GovernanceStatus> {
    Ok(Json(backend.world()?.0.governance_status()?))
}

pub(crate) async fn metrics_summary(State(backend): State<Backend>) -> Answer<MetricsSummary> {
    Ok(Json(backend.world()?.0.metrics_summary()))
}

pub(crate) async fn metrics(State(backend): State<Backend>) -> Result<Response, Failure> {
    let (mut world, now) = backend.world()?;
    Ok(([(header::CONTENT_TYPE, METRICS_TYPE)], world.metrics(now)).into_response())
}

pub(crate) async fn switch_mode(State(backend): State<Backend>, body: Bytes) -> Answer<Status> {
    let request = Body::new(&body)?.switch()?;
    let (mut world, now) = backend.world()?;
    world.switch_mode(now, request)?;
    Ok(Json(world.status()))
}

pub(crate) async fn preflight(State(backend): State<Backend>, body: Bytes) -> Answer<Preflight> {
    let target = Body::new(&body)?.target()?;
    let (mut world, now) = backend.world()?;
    Ok(Json(world.preflight(now, target)?))
}

#[derive(Debug, Serialize)]
pub(crate) struct Healthy {
    status: &'static str,
}

pub(crate) async fn health(State(backend): State<Backend>) -> Answer<Healthy> {
    drop(backend.world()?);
    Ok(Json(Healthy { status: "healthy" }))
}
