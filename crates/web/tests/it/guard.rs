use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::{Method, Request, StatusCode};

use crate::stage::{app, app_with, get, post_form, send};

async fn under(app: &Router, host: &str) -> StatusCode {
    let request = Request::get("/api/v1/alerts").header("host", host).body(Body::empty());
    send(app, request.expect("a request")).await.status
}

#[tokio::test]
async fn only_its_own_names_are_answered() {
    let app = app_with(|state| state.settings.allowed_hosts.push("assurance.example".to_owned()));
    for host in [
        "localhost",
        "localhost:9090",
        "127.0.0.1:1",
        "[::1]:9090",
        "assurance.example",
        "Assurance.Example:443",
    ] {
        assert_eq!(under(&app, host).await, StatusCode::OK, "{host}");
    }
    for host in ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example:9090", ""] {
        assert_eq!(under(&app, host).await, StatusCode::MISDIRECTED_REQUEST, "{host}");
    }
    let open = app_with(|state| state.settings.check_hosts = false);
    assert_eq!(under(&open, "evil.example").await, StatusCode::OK);
}

#[tokio::test]
async fn nothing_is_shared_with_other_origins() {
    let app = app();
    let request =
        Request::get("/api/v1/alerts").header("host", "localhost").header("origin", "https://evil.example");
    let reply = send(&app, request.body(Body::empty()).expect("a request")).await;
    assert!(
        reply.headers.keys().all(|name| !name.as_str().starts_with("access-control")),
        "{:?}",
        reply.headers
    );
    let preflight = Request::builder()
        .method(Method::OPTIONS)
        .uri("/-/reload")
        .header("host", "localhost")
        .header("origin", "https://evil.example");
    let reply = send(&app, preflight.body(Body::empty()).expect("a request")).await;
    assert!(!reply.status.is_success(), "{}", reply.status);
    for (name, value) in [
        ("x-content-type-options", "nosniff"),
        ("x-frame-options", "DENY"),
        ("referrer-policy", "no-referrer"),
        ("cache-control", "no-store"),
    ] {
        assert_eq!(get(&app, "/").await.headers[name], value);
    }
    let policy = get(&app, "/").await.headers["content-security-policy"].to_str().expect("text").to_owned();
    assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
}

#[tokio::test]
async fn a_reload_is_for_programs_and_own_pages() {
    let reload = |app: Router, name: &'static str, value: &'static str| async move {
        let request = Request::post("/-/reload").header("host", "localhost:9090").header(name, value);
        send(&app, request.body(Body::empty()).expect("a request")).await
    };
    let off = reload(app(), "accept", "*/*").await;
    assert_eq!((off.status, off.body.as_str()), (StatusCode::FORBIDDEN, "Lifecycle API is not enabled.\n"));

    let on = || app_with(|state| state.reload = Some(Arc::new(|| Box::pin(async { Ok(()) }))));
    for (name, value, status) in [
        ("accept", "*/*", StatusCode::OK),
        ("origin", "http://localhost:9090", StatusCode::OK),
        ("sec-fetch-site", "same-origin", StatusCode::OK),
        ("origin", "https://evil.example", StatusCode::FORBIDDEN),
        ("origin", "null", StatusCode::FORBIDDEN),
        ("sec-fetch-site", "cross-site", StatusCode::FORBIDDEN),
        ("sec-fetch-site", "same-site", StatusCode::FORBIDDEN),
    ] {
        assert_eq!(reload(on(), name, value).await.status, status, "{name}: {value}");
    }
    assert_eq!(get(&on(), "/-/reload").await.status, StatusCode::METHOD_NOT_ALLOWED);

    let broken = app_with(|state| {
        state.reload = Some(Arc::new(|| Box::pin(async { Err("prometheus.yml:3: no".to_owned()) })));
    });
    let failed = reload(broken, "accept", "*/*").await;
    assert_eq!(failed.status, StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(failed.body, "failed to reload config: prometheus.yml:3: no\n");
}

#[tokio::test]
async fn a_body_has_a_limit_and_a_route_its_methods() {
    let app = app();
    let long = format!("query={}", "x".repeat(assurance_web::MAX_BODY_BYTES));
    let reply = post_form(&app, "/api/v1/query", &long).await;
    assert_eq!(reply.status, StatusCode::PAYLOAD_TOO_LARGE);
    let request = Request::delete("/api/v1/series").header("host", "localhost").body(Body::empty());
    assert_eq!(send(&app, request.expect("a request")).await.status, StatusCode::METHOD_NOT_ALLOWED);
    let head = Request::head("/-/healthy").header("host", "localhost").body(Body::empty());
    let reply = send(&app, head.expect("a request")).await;
    assert_eq!((reply.status, reply.body.as_str()), (StatusCode::OK, ""));
}
