//! The status page.

use crate::twin::router;
use assurance_web::State;
use axum::body::Body;
use axum::http::{Method, Request};

use crate::world::{NOW, get, get_of, pipeline, send, state, young};

#[tokio::test]
async fn what_the_page_shows() {
    let answer = get("/").await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-type"), "text/html; charset=utf-8");
    let mut settings = insta::Settings::clone_current();
    settings.add_filter(
        &format!("assurance {}", env!("CARGO_PKG_VERSION").replace('.', "\\.")),
        "assurance [version]",
    );
    settings.bind(|| insta::assert_snapshot!(answer.body));
}

#[tokio::test]
async fn what_a_target_exposes_is_never_markup() {
    let page = get("/").await.body;
    assert!(page.contains("&lt;img src=x onerror=alert(1)&gt;"), "{page}");
    assert!(page.contains("<h2>Hostile <small>&quot;&gt;&lt;i onclick=x&gt;</small>"), "{page}");
    for markup in ["<img", "<i ", "<script", "refused <b>", "javascript:"] {
        assert!(!page.contains(markup), "{markup} in {page}");
    }
}

#[tokio::test]
async fn severities_and_names_cannot_leave_their_attributes() {
    let (pipeline, store) = pipeline("sovereign_override_active{reason=\"\\\"><svg onload='x'>&\"} 1\n");
    let page = get_of(State::new(pipeline, store, std::sync::Arc::new(|| NOW)), "/").await.body;
    assert!(page.contains("&lt;svg onload=&#39;x&#39;&gt;&amp;"), "{page}");
    assert!(!page.contains("<svg"), "{page}");
}

#[tokio::test]
async fn the_watchdog_is_a_heartbeat_and_no_alert() {
    let page = get("/").await.body;
    assert!(page.contains("heartbeat beats"), "{page}");
    assert!(!page.contains("<h2>Watchdog"), "{page}");
    assert!(get_of(young(), "/").await.body.contains("heartbeat missing"));
}

#[tokio::test]
async fn nothing_is_called_quiet_while_something_cannot_be_seen() {
    let (calm, store) = pipeline("sovereign_override_active 0\nprocess_resident_memory_bytes 0\n");
    let page = get_of(State::new(calm, store, std::sync::Arc::new(|| NOW)), "/").await.body;
    assert!(page.contains("No alert fires, but not everything can be seen."), "{page}");
    // The target that is down, the rule that matches nothing, the rule that fails.
    assert!(page.contains("<b class=\"blind\">cannot see: 3</b>"), "{page}");
    assert!(!page.contains("Every target answers"), "{page}");
}

#[tokio::test]
async fn a_receiver_that_hears_nothing_is_counted() {
    // The pager takes everything, the Alertmanager nothing.
    assert!(get("/").await.body.contains("<b class=\"blind\">cannot tell: 1</b>"));
    assert!(get_of(young(), "/").await.body.contains("<b class=\"quiet\">cannot tell: 0</b>"));
}

#[tokio::test]
async fn before_the_first_scrape_nothing_can_be_seen() {
    let page = get_of(young(), "/").await.body;
    assert!(page.contains("cannot see: 9"), "{page}");
    assert!(page.contains("has not been scraped yet") && page.contains("it has not been evaluated yet"));
}

#[tokio::test]
async fn nested_the_page_finds_its_style() {
    let app = axum::Router::new().nest("/a/watch", router(state()));
    let ask = |uri: &str| {
        Request::builder()
            .method(Method::GET)
            .uri(uri)
            .header("host", "localhost")
            .body(Body::empty())
            .unwrap()
    };
    let page = send(app.clone(), ask("/a/watch")).await;
    assert!(page.body.contains("href=\"./watch/static/style.css\""), "{}", page.body);
    assert_eq!(send(app, ask("/a/watch/static/style.css")).await.status, 200);
    assert!(get("/").await.body.contains("href=\"static/style.css\""));
}
