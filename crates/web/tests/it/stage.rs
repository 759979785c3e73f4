//! A pipeline with ten minutes behind it: one target that answers, one that does not, an alert that fires, one
//! that waits, and a rule that sees nothing.

use std::sync::{Arc, Mutex};

use crate::twin::router;
use assurance_diagnostics::Source;
use assurance_metrics_model::{Duration, Timestamp};
use assurance_notifier::{Receiver, ReceiverKind};
use assurance_pipeline::{Config, Output, Pipeline};
use assurance_rules::{RuleFile, Schedule};
use assurance_scrape::{JobConfig, Response, ScrapeError, TargetGroup};
use assurance_tsdb::Store;
use assurance_web::{Settings, State};
use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode};
use http_body_util::BodyExt as _;
use tower::ServiceExt as _;

pub(crate) const START: Timestamp = Timestamp::from_secs(1_766_671_200);

const RULES: &str = "
groups:
  - name: governance
    interval: 30s
    rules:
      - record: gate:up:sum
        expr: sum by (gate) (gate_up)
      - alert: GateClosed
        expr: gate_up == 0
        labels: {severity: critical}
        annotations:
          summary: 'Gate {{ $labels.gate }} is closed'
          runbook_url: https://runbooks.example/GateClosed
      - alert: GateSlow
        expr: gate_up{gate=\"dmz\"} == 1
        for: 1h
        labels: {severity: warning}
      - alert: NeverSeen
        expr: no_such_metric > 0
      - alert: Watchdog
        expr: vector(1)
";

const BODY: &str = "# HELP gate_up Whether a gate is open.\n# TYPE gate_up gauge\ngate_up{gate=\"<img src=x onerror=alert(1)>\"} 0\ngate_up{gate=\"dmz\"} 1\n# TYPE switches_total counter\nswitches_total 3\n";

pub(crate) fn now() -> Timestamp {
    START + Duration::from_minutes(10)
}

pub(crate) fn pipeline() -> (Arc<Mutex<Pipeline>>, Arc<Store>) {
    let mut config = Config::default();
    for (job, target) in [("brain-governance", "backend:8000"), ("brain-ipv6", "backend:8001")] {
        let mut job = JobConfig::new(job);
        job.scrape_interval = Duration::from_secs(30);
        job.static_targets.push(TargetGroup { targets: vec![target.to_owned()], ..TargetGroup::default() });
        config.scrape.push(job);
    }
    let file = RuleFile::parse(&Source::new("rules.yml", RULES)).expect("the rules load");
    config.rules.groups = file.groups;
    config.rules.schedule = Schedule::Aligned(START);
    config.notifier.receivers.push(Receiver::new("pager", ReceiverKind::Webhook, "http://pager/"));
    config.notifier.receivers.push(Receiver::new("am", ReceiverKind::Alertmanager, "http://am:9093"));
    let store = Arc::new(Store::new(assurance_tsdb::Config::default()));
    let mut pipeline = Pipeline::new(config, Arc::clone(&store), START);
    let mut at = START;
    loop {
        while let Some(output) = pipeline.poll_output(at) {
            match output {
                Output::Scrape(request) if request.url.contains("8000") => {
                    let duration = Duration::from_millis(12);
                    let response = Response {
                        status: 200,
                        content_type: None,
                        body: BODY.into(),
                        started: at,
                        duration,
                    };
                    pipeline.handle_scrape(at, request.id, Ok(response));
                }
                Output::Scrape(request) => {
                    let error = ScrapeError::new("connection refused", at, Duration::ZERO);
                    pipeline.handle_scrape(at, request.id, Err(error));
                }
                Output::Deliver(delivery) => pipeline.handle_delivery(at, delivery.id, Ok(())),
                Output::ReadFiles(files) => panic!("no lists are configured: {files:?}"),
                Output::Keep(record) => panic!("nobody keeps alerts: {record:?}"),
            }
        }
        at = pipeline.poll_timeout().expect("always due");
        if at > now() {
            break;
        }
        pipeline.handle_timeout(at);
    }
    (Arc::new(Mutex::new(pipeline)), store)
}

pub(crate) fn app() -> Router {
    app_with(|_| {})
}

pub(crate) fn app_with(change: impl FnOnce(&mut State)) -> Router {
    let (pipeline, store) = pipeline();
    let mut state = State::with_settings(pipeline, store, Arc::new(now), Settings::default());
    change(&mut state);
    router(state)
}

pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

pub(crate) async fn send(app: &Router, request: Request<Body>) -> Reply {
    let response = app.clone().oneshot(request).await.expect("routers do not fail");
    let (parts, body) = response.into_parts();
    let body = body.collect().await.expect("whole").to_bytes();
    Reply {
        status: parts.status,
        headers: parts.headers,
        body: String::from_utf8(body.to_vec()).expect("text"),
    }
}

pub(crate) async fn get(app: &Router, path: &str) -> Reply {
    send(app, Request::get(path).header("host", "localhost:9090").body(Body::empty()).expect("a request"))
        .await
}

pub(crate) async fn post_form(app: &Router, path: &str, form: &str) -> Reply {
    let request = Request::post(path)
        .header("host", "localhost:9090")
        .header("content-type", "application/x-www-form-urlencoded")
        .body(Body::from(form.to_owned()));
    send(app, request.expect("a request")).await
}

/// Status and JSON, pretty, for a snapshot.
pub(crate) async fn shown(app: &Router, path: &str) -> String {
    let reply = get(app, path).await;
    let json: serde_json::Value = serde_json::from_str(&reply.body).expect("JSON");
    format!("{} {path}\n{}", reply.status.as_u16(), serde_json::to_string_pretty(&json).expect("JSON"))
}
