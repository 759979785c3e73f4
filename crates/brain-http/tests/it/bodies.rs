use assurance_metrics_model::Duration;
use assurance_simulator::{Command, Gate, GateState, QuarantineCause};
use axum::body::Body;
use axum::http::{Request, StatusCode, header};

use crate::{T0, backend, original};

#[tokio::test]
async fn the_metrics_page_is_text_0_0_4() {
    let backend = backend();
    let answer = backend.get("/api/sovereign-mode/metrics").await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.content_type(), "text/plain; version=0.0.4; charset=utf-8");
    assert_eq!(answer.body, backend.world.lock().unwrap().metrics(T0));
}

/// Every body that is read, in one world with a bit of everything.
#[tokio::test]
async fn what_the_read_routes_answer() {
    let backend = backend();
    backend.with_override();
    {
        let mut world = backend.world.lock().unwrap();
        world.quarantine_bundle(T0, "bundle-x".to_owned(), QuarantineCause::Unsigned).unwrap();
        world.handle(T0, Command::PreflightFailure { gate: Gate::Dmz }).unwrap();
        world.axe_violation(T0, "203.0.113.9".parse().unwrap()).unwrap();
    }
    backend.wait(Duration::from_millis(1500));
    let mut shown = String::new();
    for path in ["status", "statistics", "governance/status", "metrics/summary"] {
        let answer = backend.get(&format!("/api/sovereign-mode/{path}")).await;
        assert_eq!((answer.status, answer.content_type()), (StatusCode::OK, "application/json"), "{path}");
        shown.push_str(&format!("GET {path}\n{}\n", answer.body));
    }
    insta::assert_snapshot!(shown);
}

#[tokio::test]
async fn a_switch_answers_the_status_and_a_blocked_one_says_why() {
    let backend = backend();
    let path = "/api/sovereign-mode/mode";
    let answer = backend.post(path, r#"{"target_mode":"sovereign","reason":"drill"}"#).await;
    assert_eq!((answer.status, &answer.json()["mode"]), (StatusCode::OK, &"sovereign".into()));

    let block = Command::SetGate { gate: Gate::Network, state: GateState::Fail };
    backend.world.lock().unwrap().handle(T0, block).unwrap();
    let answer = backend.post(path, r#"{"target_mode":"online"}"#).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert_eq!(answer.body, r#"{"detail":"preflight blocked: network_gate failed"}"#);

    let answer = backend
        .post(
            path,
            r#"{"target_mode":"online","override_reason":"INC-7: restore","override_duration_seconds":60}"#,
        )
        .await;
    assert_eq!((answer.status, &answer.json()["mode"]), (StatusCode::OK, &"online".into()));
    let audit = backend.get("/api/sovereign-mode/audit?event_type=sovereign.mode_override_used").await;
    assert_eq!(audit.json().as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_live_overrides_token_opens_a_blocked_switch() {
    let backend = backend();
    backend.with_override();
    let block = Command::SetGate { gate: Gate::Network, state: GateState::Fail };
    backend.world.lock().unwrap().handle(T0, block).unwrap();
    let body = r#"{"target_mode":"offline","override_token":"ovr_1"}"#;
    assert_eq!(backend.post("/api/sovereign-mode/mode", body).await.status, StatusCode::OK);
    let again = r#"{"target_mode":"online","override_token":"ovr_1"}"#;
    let answer = backend.post("/api/sovereign-mode/mode", again).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert!(answer.body.contains("has been used"), "{}", answer.body);
}

#[tokio::test]
async fn a_preflight_answers_every_gate() {
    let backend = backend();
    let block = Command::SetGate { gate: Gate::Ipv6, state: GateState::Fail };
    backend.world.lock().unwrap().handle(T0, block).unwrap();
    let answer = backend.post("/api/sovereign-mode/mode/preflight", r#"{"target_mode":"sovereign"}"#).await;
    assert_eq!(answer.status, StatusCode::OK);
    insta::assert_snapshot!(answer.body);
}

#[tokio::test]
async fn an_export_is_metadata() {
    let backend = backend();
    backend.with_override();
    let body =
        r#"{"start_time":null,"end_time":"2025-12-25T14:15:23Z","event_types":null,"include_hash":true}"#;
    let answer = backend.post("/api/sovereign-mode/audit/export", body).await;
    assert_eq!(answer.status, StatusCode::OK);
    insta::assert_snapshot!(answer.body);
    let whole = backend.post("/api/sovereign-mode/audit/export", "").await.json();
    assert_eq!(whole["event_count"], 2, "the first export is an event too");
}

#[tokio::test]
async fn an_export_gives_its_lines_to_those_who_accept_them() {
    let backend = backend();
    backend.with_override();
    let request = Request::post("/api/sovereign-mode/audit/export")
        .header(header::ACCEPT, "application/x-ndjson, application/json")
        .body(Body::empty())
        .unwrap();
    let answer = backend.send(request).await;
    assert_eq!((answer.status, answer.content_type()), (StatusCode::OK, "application/x-ndjson"));
    insta::assert_snapshot!(answer.body);
}

#[tokio::test]
async fn as_original_export_and_governance_status_fail() {
    let backend = original();
    let awaited = r#"{"detail":"object list can't be used in 'await' expression"}"#;
    for answer in [
        backend.post("/api/sovereign-mode/audit/export", "{}").await,
        backend.get("/api/sovereign-mode/governance/status").await,
    ] {
        assert_eq!((answer.status, answer.body.as_str()), (StatusCode::INTERNAL_SERVER_ERROR, awaited));
    }
}

#[tokio::test]
async fn health_is_at_one_address_only() {
    let backend = backend();
    let answer = backend.get("/api/health").await;
    assert_eq!((answer.status, answer.body.as_str()), (StatusCode::OK, r#"{"status":"healthy"}"#));
    let answer = backend.get("/health").await;
    assert_eq!((answer.status, answer.body.as_str()), (StatusCode::NOT_FOUND, r#"{"detail":"Not Found"}"#));
}
