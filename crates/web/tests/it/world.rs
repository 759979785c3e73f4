//! A pipeline that has run for ten minutes: one target that answers, one that does not, one that relabelling
//! dropped; rules of every state.

use std::sync::{Arc, Mutex};

use crate::twin::router;
use assurance_diagnostics::Source;
use assurance_metrics_model::{Duration, Timestamp};
use assurance_notifier::{DeliveryError, Receiver, ReceiverKind};
use assurance_pipeline::{Config, Output, Pipeline};
use assurance_rules::RuleFile;
use assurance_scrape::{
    JobConfig, RelabelAction, RelabelRule, RelabelSpec, Response as Scraped, ScrapeError, TargetGroup,
};
use assurance_tsdb::Store;
use assurance_web::State;
use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::BodyExt as _;
use serde_json::Value;
use tower::ServiceExt as _;

pub(crate) const START: Timestamp = Timestamp::from_secs(1_766_671_200);
pub(crate) const NOW: Timestamp = Timestamp::from_secs(1_766_671_800);

const RULES: &str = r#"
groups:
- name: overrides
  interval: 30s
  rules:
  - record: job:sovereign_override_active:max
    expr: max by (job) (sovereign_override_active)
    labels: {team: governance}
  - alert: GovernanceOverrideActive
    expr: sovereign_override_active == 1
    labels: {severity: critical}
    annotations:
      summary: 'Override active: {{ $labels.reason }}'
      description: 'Value {{ $value }}'
      runbook_url: https://runbooks.example/ga-001?a=1&b=2
  - alert: SlowBurn
    expr: sovereign_override_active == 1
    for: 15m
    labels: {severity: warning}
  - alert: Hostile
    expr: process_resident_memory_bytes > 0
    labels: {severity: '"><i onclick=x>'}
    annotations: {runbook_url: 'javascript:alert(1)'}
- name: monitoring
  interval: 30s
  limit: 10
  rules:
  - alert: Watchdog
    expr: vector(1)
    labels: {severity: none}
  - alert: Misspelt
    expr: sovereign_overide_active == 1
  - alert: Broken
    expr: up * on () group_left () up
"#;

const BODY: &str = "\
# HELP sovereign_override_active Whether an override is active.
# TYPE sovereign_override_active gauge
sovereign_override_active{reason=\"<img src=x onerror=alert(1)>\"} 1
# TYPE sovereign_mode_switch counter
sovereign_mode_switch_total{to=\"offline\"} 3
process_resident_memory_bytes 1.5
";

fn job(name: &str, target: &str) -> JobConfig {
    let mut job = JobConfig::new(name);
    job.scrape_interval = Duration::from_secs(30);
    job.static_targets.push(TargetGroup { targets: vec![target.to_owned()], ..TargetGroup::default() });
    job
}

fn config() -> Config {
    let mut config = Config::default();
    let mut backend = job("brain-governance", "backend:8000");
    backend.static_targets[0].targets.push("retired:8000".to_owned());
    backend.relabel.push(
        RelabelRule::new(RelabelSpec {
            action: RelabelAction::Drop,
            source_labels: Some(vec!["__address__".to_owned()]),
            regex: Some("retired:.*".to_owned()),
            ..RelabelSpec::default()
        })
        .unwrap(),
    );
    config.scrape = vec![backend, job("brain-evidence", "localhost:9101")];
    config.rules.groups = RuleFile::parse(&Source::new("rules.yml", RULES)).unwrap().groups;
    config.rules.default_interval = Duration::from_secs(30);
    config.notifier.receivers.push(Receiver::new("pager", ReceiverKind::Webhook, "http://pager/"));
    config.notifier.receivers.push(Receiver::new("am", ReceiverKind::Alertmanager, "http://am:9093"));
    config
}

/// Runs until [`NOW`] with this body.
pub(crate) fn pipeline(body: &str) -> (Arc<Mutex<Pipeline>>, Arc<Store>) {
    let store = Arc::new(Store::new(assurance_tsdb::Config::default()));
    let mut pipeline = Pipeline::new(config(), Arc::clone(&store), START);
    let mut now = START;
    loop {
        while let Some(output) = pipeline.poll_output(now) {
            match output {
                Output::Scrape(request) => {
                    let took = Duration::from_millis(12);
                    let outcome = if request.url.contains("backend") {
                        Ok(Scraped {
                            status: 200,
                            content_type: None,
                            body: body.as_bytes().to_vec(),
                            started: now,
                            duration: took,
                        })
                    } else {
                        Err(ScrapeError::new("connection refused <b>", now, took))
                    };
                    pipeline.handle_scrape(now, request.id, outcome);
                }
                Output::Deliver(delivery) => {
                    let refused = Err(DeliveryError { retry: false, reason: "401 <script>".to_owned() });
                    let is_pager = delivery.receiver.kind == ReceiverKind::Webhook;
                    pipeline.handle_delivery(now, delivery.id, if is_pager { Ok(()) } else { refused });
                }
                Output::ReadFiles(files) => panic!("no file lists are configured, yet {files:?}"),
                Output::Keep(record) => panic!("nobody keeps alerts: {record:?}"),
            }
        }
        let next = pipeline.poll_timeout().unwrap();
        if next > NOW {
            break;
        }
        now = next;
        pipeline.handle_timeout(now);
    }
    (Arc::new(Mutex::new(pipeline)), store)
}

pub(crate) fn state() -> State {
    let (pipeline, store) = pipeline(BODY);
    State::new(pipeline, store, Arc::new(|| NOW))
}

/// A server before its first scrape.
pub(crate) fn young() -> State {
    let store = Arc::new(Store::new(assurance_tsdb::Config::default()));
    let pipeline = Pipeline::new(config(), Arc::clone(&store), START);
    State::new(Arc::new(Mutex::new(pipeline)), store, Arc::new(|| START))
}

pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        assert_eq!(self.header("content-type"), "application/json", "{}", self.body);
        serde_json::from_str(&self.body).unwrap()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |v| v.to_str().unwrap())
    }
}

pub(crate) fn request(method: Method, uri: &str) -> axum::http::request::Builder {
    Request::builder().method(method).uri(uri).header("host", "localhost:9090")
}

pub(crate) async fn send(app: Router, request: Request<Body>) -> Answer {
    let response = app.oneshot(request).await.unwrap();
    let (parts, body) = response.into_parts();
    let body = String::from_utf8(body.collect().await.unwrap().to_bytes().to_vec()).unwrap();
    Answer { status: parts.status, headers: parts.headers, body }
}

pub(crate) async fn get(uri: &str) -> Answer {
    get_of(state(), uri).await
}

pub(crate) async fn get_of(state: State, uri: &str) -> Answer {
    send(router(state), request(Method::GET, uri).body(Body::empty()).unwrap()).await
}

pub(crate) async fn post_form(uri: &str, form: &str) -> Answer {
    let request = request(Method::POST, uri)
        .header("content-type", "application/x-www-form-urlencoded; charset=UTF-8")
        .body(Body::from(form.to_owned()))
        .unwrap();
    send(router(state()), request).await
}
