//! Pages of other origins read what the pattern lets them.

use crate::twin::router;
use assurance_metrics_model::{MatchOp, Matcher};
use axum::body::Body;
use axum::http::Method;

use crate::world::{Answer, request, send, state};

const PAGE: &str = "https://grafana.example";

async fn asked(pattern: &str, method: Method, uri: &str, origin: Option<&str>) -> Answer {
    let mut state = state();
    state.settings.cors_origin = Some(Matcher::new("origin", MatchOp::Regex, pattern).unwrap());
    let mut request = request(method, uri);
    if let Some(origin) = origin {
        request = request.header("origin", origin);
    }
    send(router(state), request.body(Body::empty()).unwrap()).await
}

#[tokio::test]
async fn every_origin_reads_under_the_default_of_prometheus() {
    for (method, status) in [(Method::GET, 200), (Method::OPTIONS, 204)] {
        let answer = asked(".*", method, "/api/v1/query?query=1", Some(PAGE)).await;
        assert_eq!(answer.status, status);
        for (name, value) in [
            ("access-control-allow-origin", "*"),
            ("access-control-allow-headers", "Accept, Authorization, Content-Type, Origin"),
            ("access-control-allow-methods", "GET, POST, OPTIONS"),
            ("access-control-expose-headers", "Date"),
        ] {
            assert_eq!(answer.header(name), value, "{name}");
        }
        assert!(answer.headers.get_all("vary").iter().any(|v| v == "Origin"));
    }
}

#[tokio::test]
async fn a_pattern_names_whole_origins() {
    for (pattern, allowed) in [
        ("https://grafana\\.example", PAGE),
        ("https://(grafana|other)\\.example", PAGE),
        ("grafana", ""),
        ("https://grafana", ""),
        ("", ""),
    ] {
        let answer = asked(pattern, Method::GET, "/api/v1/query?query=1", Some(PAGE)).await;
        assert_eq!(answer.header("access-control-allow-origin"), allowed, "{pattern}");
        assert_eq!(answer.status, 200);
        assert!(answer.headers.get_all("vary").iter().any(|v| v == "Origin"), "{pattern}");
    }
}

#[tokio::test]
async fn who_is_no_page_and_what_is_no_api_is_not_shared() {
    for (uri, origin) in [
        ("/api/v1/query?query=1", None),
        ("/", Some(PAGE)),
        ("/metrics", Some(PAGE)),
        ("/-/reload", Some(PAGE)),
    ] {
        let answer = asked(".*", Method::GET, uri, origin).await;
        let shared = answer.headers.keys().any(|name| name.as_str().starts_with("access-control"));
        assert!(!shared, "{uri}: {:?}", answer.headers);
    }
    assert_eq!(asked(".*", Method::OPTIONS, "/-/healthy", Some(PAGE)).await.status, 405);
}
