//! How parameters reach a query.

use axum::http::Method;
use serde_json::json;

use crate::world::{NOW, get, get_of, post_form, request, send};

#[tokio::test]
async fn forms_and_urls_both_count_and_the_form_comes_first() {
    let by_form = post_form("/api/v1/query", "query=1%2B1&time=4").await;
    assert_eq!(by_form.json()["data"], json!({"resultType": "scalar", "result": [4, "2"]}));
    let by_url = post_form("/api/v1/query?query=1%2B1&time=4", "").await;
    assert_eq!(by_url.body, by_form.body);
    let mixed = post_form("/api/v1/query?query=7&time=4", "query=1%2B1").await;
    assert_eq!(mixed.body, by_form.body);
}

#[tokio::test]
async fn a_post_without_a_form_asks_by_its_url() {
    let request = request(Method::POST, "/api/v1/query?query=2&time=4").body("query=3".into()).unwrap();
    let answer = send(crate::twin::router(crate::world::state()), request).await;
    assert_eq!(answer.json()["data"]["result"], json!([4, "2"]));
}

#[tokio::test]
async fn times_are_floats_or_rfc_3339_and_keep_milliseconds() {
    for (time, shown) in [
        ("1766671800", "[1766671800,"),
        ("1766671800.125", "[1766671800.125,"),
        ("2025-12-25T14:10:00Z", "[1766671800,"),
        ("2025-12-25T15:10:00.5%2B01:00", "[1766671800.5,"),
    ] {
        let answer = get(&format!("/api/v1/query?query=vector(1)&time={time}")).await;
        assert!(answer.body.contains(shown), "{time}: {}", answer.body);
    }
}

#[tokio::test]
async fn without_a_time_the_clock_says_it() {
    let answer = get("/api/v1/query?query=time()").await.json();
    assert_eq!(answer["data"]["result"][1], NOW.as_millis().div_euclid(1000).to_string());
}

#[tokio::test]
async fn steps_are_seconds_or_durations() {
    let of = |step: &str| format!("/api/v1/query_range?query=up&start=1766671740&end=1766671800&step={step}");
    let seconds = get(&of("15")).await;
    assert_eq!(seconds.json()["data"]["result"][0]["values"].as_array().unwrap().len(), 5);
    assert_eq!(get(&of("15s")).await.body, seconds.body);
    assert_eq!(get(&of("15.0")).await.body, seconds.body);
}

#[tokio::test]
async fn special_values_are_strings() {
    for (query, text) in [
        ("0/0", "NaN"),
        ("1/0", "+Inf"),
        ("-1/0", "-Inf"),
        ("0.5", "0.5"),
        ("1e21", "1000000000000000000000"),
    ] {
        let answer = get(&format!("/api/v1/query?query={query}&time=0")).await.json();
        assert_eq!(answer["data"]["result"], json!([0, text]), "{query}");
    }
    // Samples are written otherwise than scalars, as Prometheus does.
    for (value, text) in
        [("1e20", "100000000000000000000"), ("1e21", "1e+21"), ("-1e-7", "-1e-07"), ("Inf", "+Inf")]
    {
        let answer = get(&format!("/api/v1/query?query=vector({value})&time=0")).await.json();
        assert_eq!(answer["data"]["result"][0]["value"], json!([0, text]), "{value}");
    }
}

#[tokio::test]
async fn a_lookback_of_the_requests_own_counts() {
    let query = "/api/v1/query?query=up&time=1766671900";
    assert_eq!(get(query).await.json()["data"]["result"].as_array().unwrap().len(), 2);
    let short = get(&format!("{query}&lookback_delta=10s")).await.json();
    assert_eq!(short["data"]["result"], json!([]));
}

#[tokio::test]
async fn a_panic_elsewhere_does_not_take_the_page_down() {
    let state = crate::world::state();
    let pipeline = std::sync::Arc::clone(&state.pipeline);
    let poisoned = std::thread::spawn(move || {
        let _held = pipeline.lock();
        panic!("on purpose");
    });
    assert!(poisoned.join().is_err() && state.pipeline.is_poisoned());
    assert_eq!(get_of(state, "/api/v1/alerts").await.status, 200);
}
