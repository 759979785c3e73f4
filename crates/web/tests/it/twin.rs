//! Every request that reads samples or writes them is put to three services: over the store that a test has filled,
//! over one that read the same samples back from a log, and over one that read them from sealed days. All of them
//! must answer the same: tests stay as they are, and hold for files as well.

use std::sync::Arc;

use assurance_metrics_model::{Appender as _, Column, Duration, Queryable as _, Selection, TimeRange};
use assurance_storage::Memory;
use assurance_tsdb::Store;
use assurance_web::State;
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode};
use axum::response::Response;
use tower::ServiceExt as _;

/// What is asked of the twins too. Not the status of the store: what is sealed is not in its head.
fn is_about_samples(path: &str) -> bool {
    let about =
        ["query", "query_range", "labels", "values", "series", "write", "federate", "query_exemplars"];
    about.iter().any(|end| path.ends_with(end))
}

/// A router whose answers do not depend on where samples are.
pub(crate) fn router(state: State) -> Router {
    let twins = [false, true].map(|seal| {
        let store = Arc::new(reopened(&state.store, seal));
        let (pipeline, clock) = (Arc::clone(&state.pipeline), Arc::clone(&state.clock));
        // Made anew: it has counters and places of its own.
        let mut twin = State::with_settings(pipeline, store, clock, state.settings.clone());
        twin.options = state.options.clone();
        assurance_web::router(twin)
    });
    let first = assurance_web::router(state);
    Router::new().fallback(move |request| answer(first.clone(), twins.clone(), request))
}

async fn answer(first: Router, twins: [Router; 2], request: Request<Body>) -> Response {
    if !is_about_samples(request.uri().path()) {
        return first.oneshot(request).await.unwrap();
    }
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, usize::MAX).await.unwrap();
    let again = || Request::from_parts(parts.clone(), Body::from(body.clone()));
    let answer = first.oneshot(again()).await.unwrap();
    let (head, content) = answer.into_parts();
    let content = to_bytes(content, usize::MAX).await.unwrap();
    if head.status == StatusCode::SERVICE_UNAVAILABLE {
        // Out of time, which is no matter of where samples are.
        return Response::from_parts(head, Body::from(content));
    }
    for (twin, place) in twins.into_iter().zip(["a log", "sealed days"]) {
        let (twin_head, twin_content) = twin.oneshot(again()).await.unwrap().into_parts();
        let twin_content = to_bytes(twin_content, usize::MAX).await.unwrap();
        assert_eq!(head.status, twin_head.status, "{} over {place}: {twin_content:?}", parts.uri);
        let is_timed = parts.uri.query().is_some_and(|query| query.contains("stats="));
        assert!(is_timed || content == twin_content, "{} over {place}: {twin_content:?}", parts.uri);
    }
    Response::from_parts(head, Body::from(content))
}

/// A store with the same samples and limits, written to files, closed and opened again.
fn reopened(store: &Store, seal: bool) -> Store {
    let files = Arc::new(Memory::new());
    let mut config = store.config().clone();
    let limits = config.clone();
    // Those of the test are about what comes later.
    config.max_series = usize::MAX;
    let (copy, _) = Store::open(config, Arc::clone(&files) as _).unwrap();
    let all = Selection { matchers: &[], range: TimeRange::ALL };
    let mut appender = copy.appender();
    let mut newest = None;
    for series in store.select(&all).unwrap() {
        let mut column = Column::new();
        series.read(TimeRange::ALL, &mut column).unwrap();
        for (n, at) in column.timestamps().iter().enumerate() {
            appender.append(None, series.labels(), *at, column.value(n)).unwrap();
            newest = newest.max(Some(*at));
        }
    }
    appender.commit();
    copy.sync().unwrap();
    if let Some(newest) = newest.filter(|_| seal) {
        let done = copy.maintain(newest + Duration::from_secs(3 * 86_400));
        assert!(!done.sealed.is_empty() && done.is_checkpointed, "{done:?}");
    }
    drop(copy);
    let (opened, recovery) = Store::open(limits, files).unwrap();
    assert!(recovery.is_clean(), "{recovery:?}");
    opened
}
