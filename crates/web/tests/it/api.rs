use axum::http::StatusCode;

use crate::stage::{app, app_with, get, post_form, shown};

#[tokio::test]
async fn queries_answer_in_prometheus_shapes() {
    let app = app();
    let mut all = Vec::new();
    for path in [
        "/api/v1/query?query=gate_up%7Bgate%3D%22dmz%22%7D",
        "/api/v1/query?query=1%2B1&time=4",
        "/api/v1/query?query=%22text%22",
        "/api/v1/query?query=gate_up%7Bgate%3D%27dmz%27%7D%5B1m%5D&time=2025-12-25T14:10:00Z",
        "/api/v1/query?query=0/0",
        "/api/v1/query?query=missing",
        "/api/v1/query?query=rate(gate_up%5B5m%5D)",
        "/api/v1/query_range?query=sum(gate_up)&start=1766671500&end=1766671560.5&step=30s",
        "/api/v1/query_range?query=missing&start=1766671500&end=1766671560&step=15",
        "/api/v1/format_query?query=sum(up)by(job)",
    ] {
        all.push(shown(&app, path).await);
    }
    insta::assert_snapshot!(all.join("\n"));
}

#[tokio::test]
async fn failures_have_prometheus_types_and_codes() {
    let app = app();
    let mut all = Vec::new();
    for path in [
        "/api/v1/query",
        "/api/v1/query?query=sum(",
        "/api/v1/query?query=rate(up)",
        "/api/v1/query?query=up&time=yesterday",
        "/api/v1/query_range?query=up&start=1&end=0&step=1",
        "/api/v1/query_range?query=up&start=0&end=1&step=0",
        "/api/v1/query_range?query=up&start=0&end=11001&step=1",
        "/api/v1/query_range?query=up%5B1m%5D&start=0&end=1&step=1",
        "/api/v1/query?query=gate_up%20%2B%20on()%20gate_up",
        "/api/v1/series",
        "/api/v1/series?match%5B%5D=up%5B1m%5D",
        "/api/v1/labels?limit=many",
    ] {
        all.push(shown(&app, path).await);
    }
    insta::assert_snapshot!(all.join("\n"));
}

#[tokio::test]
async fn series_labels_and_metadata_are_listed() {
    let app = app();
    let mut all = Vec::new();
    for path in [
        "/api/v1/series?match%5B%5D=gate_up&match%5B%5D=up",
        "/api/v1/series?match%5B%5D=gate_up&limit=1",
        "/api/v1/series?match%5B%5D=gate_up&start=1&end=2",
        "/api/v1/labels",
        "/api/v1/labels?match%5B%5D=up",
        "/api/v1/label/job/values",
        "/api/v1/label/U__job/values?match%5B%5D=gate_up",
        "/api/v1/label/absent/values",
        "/api/v1/metadata",
        "/api/v1/metadata?metric=gate_up",
        "/api/v1/query_exemplars?query=up",
        "/api/v1/status/buildinfo",
        "/api/v1/status/runtimeinfo",
        "/api/v1/scrape_pools",
        "/api/v1/alertmanagers",
    ] {
        all.push(shown(&app, path).await);
    }
    let version = env!("CARGO_PKG_VERSION");
    insta::assert_snapshot!(all.join("\n").replace(version, "VERSION"));
}

#[tokio::test]
async fn targets_rules_and_alerts_have_every_field() {
    let app = app();
    let mut all = Vec::new();
    for path in [
        "/api/v1/targets",
        "/api/v1/targets?state=dropped",
        "/api/v1/rules",
        "/api/v1/rules?type=record",
        "/api/v1/rules?rule_name%5B%5D=GateSlow&exclude_alerts=true",
        "/api/v1/rules?rule_group%5B%5D=other",
        "/api/v1/alerts",
    ] {
        all.push(shown(&app, path).await);
    }
    insta::assert_snapshot!(all.join("\n"));
}

#[tokio::test]
async fn a_form_asks_as_a_url_does() {
    let app = app();
    let by_url = get(&app, "/api/v1/query?query=sum(gate_up)&time=1766671500").await;
    let by_form = post_form(&app, "/api/v1/query", "query=sum%28gate_up%29&time=1766671500").await;
    let by_both = post_form(&app, "/api/v1/query?time=1766671500", "query=sum(gate_up)").await;
    assert_eq!(by_url.status, StatusCode::OK);
    assert_eq!(by_url.body, by_form.body);
    assert_eq!(by_url.body, by_both.body);
    let series = post_form(&app, "/api/v1/series", "match[]=gate_up&limit=1").await;
    assert!(series.body.contains("results truncated due to limit"), "{}", series.body);
}

#[tokio::test]
async fn own_metrics_are_in_either_format() {
    let app = app();
    let text = get(&app, "/metrics").await;
    assert!(
        text.body.contains("\nprometheus_notifications_sent_total{receiver=\"pager\"} "),
        "{}",
        text.body
    );
    assert!(text.headers["content-type"].to_str().expect("text").starts_with("text/plain"));
    let parsed = assurance_exposition::parse(text.body.as_bytes(), assurance_exposition::Format::Text);
    assert_eq!(parsed.errors, []);
}

#[tokio::test]
async fn readiness_is_what_the_embedder_says() {
    let app = app();
    assert_eq!(get(&app, "/-/ready").await.status, StatusCode::OK);
    assert_eq!(get(&app, "/-/healthy").await.status, StatusCode::OK);
    let starting = app_with(|state| state.ready.store(false, std::sync::atomic::Ordering::Relaxed));
    assert_eq!(get(&starting, "/-/ready").await.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(get(&starting, "/-/healthy").await.status, StatusCode::OK);
}

#[tokio::test]
async fn the_source_of_an_alert_leads_to_its_expression() {
    let reply = get(&app(), "/graph?g0.expr=sum%28gate_up%29+%3E+0&g0.tab=1").await;
    assert_eq!(reply.status, StatusCode::SEE_OTHER);
    assert_eq!(reply.headers["location"], "api/v1/query?query=sum%28gate%5Fup%29%20%3E%200");
}
