use assurance_metrics_model::Duration;
use assurance_simulator::{Command, Gate};
use axum::http::StatusCode;

use crate::{Backend, T0, backend};

const AUDIT: &str = "/api/sovereign-mode/audit";

fn fail_gates(backend: &Backend, count: usize) {
    let mut world = backend.world.lock().unwrap();
    for _ in 0..count {
        world.handle(T0, Command::PreflightFailure { gate: Gate::Network }).unwrap();
    }
}

#[tokio::test]
async fn an_empty_log_is_an_empty_array() {
    let answer = backend().get(AUDIT).await;
    assert_eq!(
        (answer.status, answer.content_type(), answer.body.as_str()),
        (StatusCode::OK, "application/json", "[]")
    );
}

#[tokio::test]
async fn the_last_hundred_by_default_and_a_thousand_at_most() {
    let backend = backend();
    fail_gates(&backend, 1005);
    for (query, count) in [("", 100), ("?limit=1", 1), ("?limit=1000", 1000), ("?limit=%20%207", 7)] {
        let answer = backend.get(&format!("{AUDIT}{query}")).await;
        assert_eq!(answer.json().as_array().unwrap().len(), count, "{query}");
    }
    let last = backend.get(&format!("{AUDIT}?limit=1")).await.json();
    assert_eq!(last[0]["metadata"]["request_id"], "pf_1005");
}

#[tokio::test]
async fn entries_are_the_bytes_they_were_written_with() {
    let backend = backend();
    fail_gates(&backend, 3);
    let first = backend.get(AUDIT).await.body;
    backend.wait(Duration::from_secs(7));
    assert_eq!(backend.get(AUDIT).await.body, first);
    let written: Vec<String> =
        backend.world.lock().unwrap().audit_file().iter().map(ToString::to_string).collect();
    assert_eq!(first, format!("[{}]", written.join(",")));
}

#[tokio::test]
async fn a_filter_is_one_exact_name_and_of_two_the_last_counts() {
    let backend = backend();
    fail_gates(&backend, 2);
    backend.with_override();
    for (query, count) in [
        ("event_type=sovereign.mode_preflight_failed", 2),
        ("event_type=mode_preflight_failed", 0),
        ("event_type=sovereign.mode_override_created", 1),
        ("event_type=sovereign.mode_preflight_failed&event_type=sovereign.mode_override_created", 1),
        ("event_type=sovereign.mode_preflight_failed&limit=1", 1),
        ("nonsense=7", 3),
    ] {
        let answer = backend.get(&format!("{AUDIT}?{query}")).await;
        assert_eq!(answer.json().as_array().unwrap().len(), count, "{query}");
    }
}

#[tokio::test]
async fn a_limit_out_of_bounds_is_refused_as_fastapi_refuses_it() {
    let backend = backend();
    let mut answers = String::new();
    for limit in ["1001", "0", "-5", "ten", "1.5", "", "99999999999999999999"] {
        let answer = backend.get(&format!("{AUDIT}?limit={limit}")).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{limit}");
        answers.push_str(&format!("{limit:?}: {}\n", answer.body));
    }
    insta::assert_snapshot!(answers);
}

#[tokio::test]
async fn an_expiry_shows_without_anybody_driving_the_world() {
    let backend = backend();
    backend.with_override();
    backend.wait(Duration::from_minutes(61));
    let answer = backend.get(&format!("{AUDIT}?limit=1")).await.json();
    assert_eq!(answer[0]["event_type"], "sovereign.mode_override_expired");
    assert_eq!(answer[0]["timestamp"], "2025-12-25T15:15:23");
}
