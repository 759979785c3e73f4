use axum::body::Body;
use axum::http::{Request, StatusCode, header};

use crate::{Backend, backend};

const MODE: &str = "/api/sovereign-mode/mode";

#[tokio::test]
async fn each_violated_constraint_is_named_as_pydantic_names_it() {
    let backend = backend();
    let mut answers = String::new();
    for body in [
        "",
        "{",
        "[]",
        "{}",
        r#"{"target_mode":null}"#,
        r#"{"target_mode":"sovereignty"}"#,
        r#"{"target_mode":"online","force":"yes"}"#,
        r#"{"target_mode":"online","reason":7}"#,
        r#"{"target_mode":"online","override_reason":"too short"}"#,
        r#"{"target_mode":"online","override_duration_seconds":59}"#,
        r#"{"target_mode":"online","override_duration_seconds":86401}"#,
        r#"{"target_mode":"online","override_duration_seconds":"1h"}"#,
    ] {
        let answer = backend.post(MODE, body).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{body}");
        answers.push_str(&format!("{body}\n    {}\n", answer.body));
    }
    for body in [r#"{"start_time":"yesterday"}"#, r#"{"event_types":"all"}"#, r#"{"include_hash":1}"#] {
        let answer = backend.post("/api/sovereign-mode/audit/export", body).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{body}");
        answers.push_str(&format!("{body}\n    {}\n", answer.body));
    }
    insta::assert_snapshot!(answers);
    assert_eq!(backend.world.lock().unwrap().audit_file().len(), 0, "nothing was begun");
}

#[tokio::test]
async fn the_wrong_method_is_told_so() {
    let answer = backend().get(MODE).await;
    assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(answer.body, r#"{"detail":"Method Not Allowed"}"#);
}

#[tokio::test]
async fn an_unknown_path_below_the_prefix_is_not_found() {
    let answer = backend().get("/api/sovereign-mode/bundles/stats").await;
    assert_eq!((answer.status, answer.body.as_str()), (StatusCode::NOT_FOUND, r#"{"detail":"Not Found"}"#));
}

#[tokio::test]
async fn a_token_guards_every_governance_route() {
    let backend = Backend::protected("s3cret");
    let paths = ["audit", "statistics", "status", "governance/status", "metrics", "metrics/summary"];
    for path in paths.map(|p| format!("/api/sovereign-mode/{p}")) {
        for (given, status) in [
            (None, StatusCode::UNAUTHORIZED),
            (Some("Bearer wrong!"), StatusCode::UNAUTHORIZED),
            (Some("Bearer s3cre"), StatusCode::UNAUTHORIZED),
            (Some("Bearer s3cret"), StatusCode::OK),
            (Some("Basic s3cret"), StatusCode::UNAUTHORIZED),
        ] {
            let mut request = Request::get(&path);
            if let Some(given) = given {
                request = request.header(header::AUTHORIZATION, given);
            }
            let answer = backend.send(request.body(Body::empty()).unwrap()).await;
            assert_eq!(answer.status, status, "{path} with {given:?}");
            if status == StatusCode::UNAUTHORIZED {
                assert_eq!(answer.headers[header::WWW_AUTHENTICATE], "Bearer");
                assert!(answer.body.starts_with(r#"{"detail":""#), "{}", answer.body);
            }
        }
    }
    assert_eq!(backend.post(MODE, r#"{"target_mode":"offline"}"#).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(backend.get("/api/health").await.status, StatusCode::OK);
}

#[tokio::test]
async fn while_the_process_is_down_a_proxy_answers() {
    let backend = backend();
    backend.world.lock().unwrap().stop(crate::T0).unwrap();
    for path in ["/api/health", "/api/sovereign-mode/metrics", "/api/sovereign-mode/audit"] {
        let answer = backend.get(path).await;
        assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "{path}");
    }
}
