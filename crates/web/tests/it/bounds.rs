//! How much one request may ask for, and how long it may take.

use std::sync::Arc;
use std::time::Duration;

use assurance_metrics_model::{Appender as _, Labels, Timestamp};
use assurance_web::{MAX_SELECTORS, MAX_URL_BYTES, router};
use axum::body::Body;
use axum::http::Method;
use tower::ServiceExt as _;

use crate::world::{get, get_of, post_form, request, state};

#[tokio::test]
async fn a_url_and_its_selectors_have_a_most() {
    let long = "x".repeat(MAX_URL_BYTES);
    let answer = get(&format!("/api/v1/query?query={long}")).await;
    assert_eq!((answer.status.as_u16(), answer.json()["errorType"].as_str()), (414, Some("bad_data")));
    let fits = get(&format!("/api/v1/query?query=1&x={}", &long[20..])).await;
    assert_eq!(fits.status, 200);

    let many = "match[]=up&".repeat(MAX_SELECTORS);
    assert_eq!(post_form("/api/v1/series", &many).await.status, 200);
    let more = post_form("/api/v1/series", &format!("{many}match[]=up")).await;
    assert_eq!(more.status, 400);
    assert!(more.body.contains("more than 256"), "{}", more.body);
}

/// A state in which one query at a time runs, and a query that takes longer than anyone waits.
fn slow() -> (assurance_web::State, String) {
    let mut state = state();
    state.settings.max_concurrent_queries = 1;
    let state = assurance_web::State::with_settings(
        Arc::clone(&state.pipeline),
        Arc::clone(&state.store),
        Arc::clone(&state.clock),
        state.settings,
    );
    let mut appender = state.store.appender();
    for series in 0..100 {
        let labels = Labels::from_pairs([("__name__", "many"), ("n", series.to_string().as_str())]);
        for at in 0..3000_i32 {
            appender
                .append(
                    None,
                    &labels,
                    Timestamp::from_secs(i64::from(at)),
                    f64::from((series * 7919 + at * 7727) % 1009).into(),
                )
                .unwrap();
        }
    }
    appender.commit();
    // Each part takes a second or more.
    let part = "max_over_time(count(max_over_time(count_values(%22a%22,many)[3000s:1s]))[3000s:1s])";
    (state, format!("/api/v1/query?query={}&time=3000", [part; 40].join("%2B")))
}

/// What runs past its time ends; else the next query would wait for its place as long as it runs.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_query_past_its_time_frees_its_place() {
    let (state, query) = slow();
    let late = get_of(state.clone(), &format!("{query}&timeout=100ms")).await;
    assert_eq!((late.status.as_u16(), late.json()["errorType"].as_str()), (503, Some("timeout")));
    let next = get_of(state, "/api/v1/query?query=1&timeout=10s").await;
    assert_eq!(next.status, 200, "{}", next.body);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_query_whose_client_left_frees_its_place() {
    let (state, query) = slow();
    let asked = router(state.clone()).oneshot(request(Method::GET, &query).body(Body::empty()).unwrap());
    let left = tokio::time::timeout(Duration::from_millis(100), asked).await;
    assert!(left.is_err(), "it was to take long");
    let next = get_of(state, "/api/v1/query?query=1&timeout=10s").await;
    assert_eq!(next.status, 200, "{}", next.body);
}
