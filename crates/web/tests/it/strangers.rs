//! Who may ask, and what every answer carries.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::twin::router;
use assurance_web::{Settings, State};
use axum::body::Body;
use axum::http::{Method, Request};

use crate::world::{Answer, NOW, pipeline, request, send, state};

async fn under_host(settings: Settings, host: Option<&str>, uri: &str) -> Answer {
    let (pipeline, store) = pipeline("m 1\n");
    let state = State::with_settings(pipeline, store, Arc::new(|| NOW), settings);
    let mut request = Request::builder().uri(uri);
    if let Some(host) = host {
        request = request.header("host", host);
    }
    send(router(state), request.body(Body::empty()).unwrap()).await
}

#[tokio::test]
async fn foreign_hosts_are_misdirected() {
    for host in ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example:9090", "", "[::2]:9090"] {
        for uri in ["/", "/metrics", "/-/healthy", "/api/v1/query?query=1", "/nothing"] {
            let answer = under_host(Settings::default(), Some(host), uri).await;
            assert_eq!(answer.status, 421, "{host} {uri}");
            assert!(answer.body.contains("--web.external-url"), "{}", answer.body);
        }
    }
    assert_eq!(under_host(Settings::default(), None, "/").await.status, 421);
}

#[tokio::test]
async fn own_hosts_are_answered_on_any_port() {
    let mut settings = Settings::default();
    settings.allowed_hosts.push("watch.example".to_owned());
    settings.external_url = "https://user@alerts.example:8443/assurance".to_owned();
    for host in [
        "localhost",
        "LOCALHOST:1",
        "127.0.0.1:9090",
        "[::1]",
        "[::1]:9090",
        "watch.example:80",
        "Alerts.Example",
    ] {
        assert_eq!(under_host(settings.clone(), Some(host), "/").await.status, 200, "{host}");
    }
    settings.check_hosts = false;
    assert_eq!(under_host(settings, Some("evil.example"), "/").await.status, 200);
}

#[tokio::test]
async fn every_answer_carries_the_headers() {
    for (method, uri) in [
        (Method::GET, "/"),
        (Method::GET, "/metrics"),
        (Method::GET, "/static/style.css"),
        (Method::GET, "/api/v1/query?query=1"),
        (Method::GET, "/api/v1/query?query=("),
        (Method::OPTIONS, "/api/v1/query"),
        (Method::GET, "/api/v1/nothing"),
        (Method::GET, "/nothing"),
        (Method::POST, "/-/reload"),
        (Method::GET, "/-/ready"),
    ] {
        let request = request(method.clone(), uri)
            .header("origin", "https://evil.example")
            .header("access-control-request-method", "POST")
            .body(Body::empty())
            .unwrap();
        let answer = send(router(state()), request).await;
        let what = format!("{method} {uri}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{what}");
        assert_eq!(answer.header("referrer-policy"), "no-referrer", "{what}");
        let csp = answer.header("content-security-policy");
        assert!(
            csp.contains("default-src 'none'") && csp.contains("frame-ancestors 'none'"),
            "{what}: {csp}"
        );
        assert!(!csp.contains("unsafe") && !csp.contains("script-src"), "{what}: {csp}");
        let kept = if uri.ends_with(".css") { "max-age=3600" } else { "no-store" };
        assert_eq!(answer.header("cache-control"), kept, "{what}");
    }
}

#[tokio::test]
async fn nothing_is_shared_with_other_origins() {
    for (method, uri) in [
        (Method::GET, "/"),
        (Method::GET, "/metrics"),
        (Method::GET, "/api/v1/alerts"),
        (Method::OPTIONS, "/api/v1/query"),
        (Method::OPTIONS, "/-/reload"),
    ] {
        let request = request(method, uri)
            .header("origin", "https://evil.example")
            .header("access-control-request-method", "POST")
            .body(Body::empty())
            .unwrap();
        let answer = send(router(state()), request).await;
        let shared = answer.headers.keys().any(|name| name.as_str().starts_with("access-control-"));
        assert!(!shared, "{uri}: {:?}", answer.headers);
    }
}

fn reloading() -> (State, Arc<AtomicUsize>) {
    let reloads = Arc::new(AtomicUsize::new(0));
    let mut state = state();
    let counter = Arc::clone(&reloads);
    state.reload = Some(Arc::new(move || {
        let counter = Arc::clone(&counter);
        Box::pin(async move {
            match counter.fetch_add(1, Ordering::Relaxed) {
                0 => Ok(()),
                _ => Err("rules.yml:3:5: no such key".to_owned()),
            }
        })
    }));
    (state, reloads)
}

#[tokio::test]
async fn without_a_lifecycle_changes_are_refused() {
    for uri in ["/-/reload", "/-/quit"] {
        let answer = send(router(state()), request(Method::POST, uri).body(Body::empty()).unwrap()).await;
        assert_eq!((answer.status.as_u16(), answer.body.as_str()), (403, "Lifecycle API is not enabled.\n"));
    }
}

#[tokio::test]
async fn quit_says_goodbye_and_ends_it() {
    let asked = Arc::new(AtomicUsize::new(0));
    let mut state = state();
    let counter = Arc::clone(&asked);
    state.quit = Some(Arc::new(move || {
        counter.fetch_add(1, Ordering::Relaxed);
    }));
    for (method, status) in [(Method::GET, 405), (Method::PUT, 200), (Method::POST, 200)] {
        let request = request(method, "/-/quit").body(Body::empty()).unwrap();
        assert_eq!(send(router(state.clone()), request).await.status, status);
    }
    assert_eq!(asked.load(Ordering::Relaxed), 2);
}

#[tokio::test]
async fn reload_reports_what_became_of_it() {
    let (state, reloads) = reloading();
    let post = || request(Method::POST, "/-/reload").body(Body::empty()).unwrap();
    assert_eq!(send(router(state.clone()), post()).await.status, 200);
    let failed = send(router(state.clone()), post()).await;
    assert_eq!(failed.status, 500);
    assert!(failed.body.contains("rules.yml:3:5: no such key"), "{}", failed.body);
    let get = request(Method::GET, "/-/reload").body(Body::empty()).unwrap();
    assert_eq!(send(router(state), get).await.status, 405);
    assert_eq!(reloads.load(Ordering::Relaxed), 2);
}

#[tokio::test]
async fn other_sites_cannot_reload_or_quit() {
    let (mut state, reloads) = reloading();
    state.quit = Some(Arc::new(|| panic!("another site must not end it")));
    for headers in [
        [("sec-fetch-site", "cross-site"), ("x-none", "")],
        [("sec-fetch-site", "same-site"), ("x-none", "")],
        [("sec-fetch-site", "cross-site"), ("origin", "http://localhost:9090")],
        [("origin", "https://evil.example"), ("x-none", "")],
        [("origin", "null"), ("x-none", "")],
        [("origin", "http://localhost:9091"), ("x-none", "")],
    ] {
        for (method, uri) in
            [(Method::POST, "/-/reload"), (Method::PUT, "/-/reload"), (Method::POST, "/-/quit")]
        {
            let mut request = request(method, uri);
            for (name, value) in headers {
                request = request.header(name, value);
            }
            let answer = send(router(state.clone()), request.body(Body::empty()).unwrap()).await;
            assert_eq!(answer.status, 403, "{headers:?}");
        }
    }
    assert_eq!(reloads.load(Ordering::Relaxed), 0);
    for (name, value) in [("sec-fetch-site", "same-origin"), ("origin", "http://localhost:9090")] {
        let (state, reloads) = reloading();
        let own = request(Method::POST, "/-/reload").header(name, value);
        assert_eq!(send(router(state), own.body(Body::empty()).unwrap()).await.status, 200, "{name}");
        assert_eq!(reloads.load(Ordering::Relaxed), 1);
    }
}

#[tokio::test]
async fn other_sites_cannot_reload_a_nested_service() {
    let (state, reloads) = reloading();
    let app = axum::Router::new().nest("/assurance", router(state));
    let request = request(Method::POST, "/assurance/-/reload").header("origin", "https://evil.example");
    assert_eq!(send(app, request.body(Body::empty()).unwrap()).await.status, 403);
    assert_eq!(reloads.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn a_snapshot_is_taken_only_where_that_is_switched_on() {
    let uri = "/api/v1/admin/tsdb/snapshot";
    let post = |uri: &str| request(Method::POST, uri).body(Body::empty()).unwrap();
    let off = send(router(state()), post(uri)).await;
    let refused = r#"{"status":"error","errorType":"unavailable","error":"admin APIs disabled"}"#;
    assert_eq!((off.status.as_u16(), off.body.as_str()), (500, refused));
    let mut state = state();
    state.snapshot = Some(Arc::new(|with_head| {
        Box::pin(async move {
            if with_head { Ok("20260102T030405Z-0".to_owned()) } else { Err("full".to_owned()) }
        })
    }));
    let taken = send(router(state.clone()), post(uri)).await;
    let name = r#"{"status":"success","data":{"name":"20260102T030405Z-0"}}"#;
    assert_eq!((taken.status.as_u16(), taken.body.as_str()), (200, name));
    let failed = send(router(state.clone()), post(&format!("{uri}?skip_head=true"))).await;
    assert!(failed.status == 500 && failed.body.contains("create snapshot: full"), "{}", failed.body);
    let wrong = send(router(state.clone()), post(&format!("{uri}?skip_head=maybe"))).await;
    assert!(wrong.status == 400 && wrong.body.contains("skip_head"), "{}", wrong.body);
    let get = request(Method::GET, uri).body(Body::empty()).unwrap();
    assert_eq!(send(router(state.clone()), get).await.status, 405);
    let mut elsewhere = post(uri);
    elsewhere.headers_mut().insert("origin", "https://evil.example".parse().unwrap());
    assert_eq!(send(router(state), elsewhere).await.status, 403);
}
