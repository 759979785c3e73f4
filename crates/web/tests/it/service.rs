//! The service about itself.

use std::sync::atomic::Ordering;

use crate::twin::router;
use assurance_exposition::{Format, parse};
use axum::body::Body;
use axum::http::Method;

use crate::world::{get, get_of, request, send, state};

#[tokio::test]
async fn ready_says_no_until_it_is() {
    let state = state();
    state.ready.store(false, Ordering::Relaxed);
    for method in [Method::GET, Method::HEAD] {
        let ask = |uri| request(method.clone(), uri).body(Body::empty()).unwrap();
        assert_eq!(send(router(state.clone()), ask("/-/ready")).await.status, 503);
        assert_eq!(send(router(state.clone()), ask("/-/healthy")).await.status, 200);
    }
    state.ready.store(true, Ordering::Relaxed);
    assert_eq!(get_of(state, "/-/ready").await.status, 200);
}

#[tokio::test]
async fn head_is_get_without_a_body() {
    for uri in ["/", "/metrics", "/-/ready", "/-/healthy", "/api/v1/query?query=1", "/api/v1/rules"] {
        let answer = send(router(state()), request(Method::HEAD, uri).body(Body::empty()).unwrap()).await;
        assert_eq!((answer.status.as_u16(), answer.body.as_str()), (200, ""), "{uri}");
    }
}

#[tokio::test]
async fn metrics_speak_the_format_asked_for() {
    let text = get("/metrics").await;
    assert!(text.header("content-type").starts_with("text/plain; version=0.0.4"));
    let accept = "application/openmetrics-text;version=1.0.0,text/plain;q=0.5";
    let ask = request(Method::GET, "/metrics").header("accept", accept).body(Body::empty()).unwrap();
    let open = send(router(state()), ask).await;
    assert!(open.header("content-type").starts_with("application/openmetrics-text"));
    assert!(open.body.ends_with("# EOF\n"));
    for (answer, format) in [(text, Format::Text), (open, Format::OpenMetrics)] {
        let parsed = parse(answer.body.as_bytes(), format);
        assert!(parsed.errors.is_empty(), "{:?}", parsed.errors);
        assert!(parsed.families.len() > 3);
    }
}

#[tokio::test]
async fn metrics_of_the_embedder_stand_beside_the_pipelines() {
    let mut state = state();
    let family = parse(b"# TYPE embedder_things gauge\nembedder_things 7\n", Format::Text).families;
    state.self_metrics = std::sync::Arc::new(move || family.clone());
    let body = get_of(state, "/metrics").await.body;
    assert!(body.contains("\nembedder_things 7\n"), "{body}");
    assert!(body.matches("# TYPE ").count() > 3, "{body}");
}

#[tokio::test]
async fn build_info_has_no_features() {
    let data = get("/api/v1/status/buildinfo").await.json()["data"].clone();
    assert_eq!(data.get("features"), None);
    assert_eq!(data["version"], "3.5.3");
    assert_eq!(data["applicationVersion"], env!("CARGO_PKG_VERSION"));
}
