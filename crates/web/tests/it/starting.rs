//! What is answered while the samples of earlier runs are read.

use std::sync::Arc;

use assurance_metrics_model::{Appender as _, Labels, Timestamp};
use assurance_storage::{Memory, Storage as _};
use assurance_tsdb::{Config, Progress, Store};
use assurance_web::{Settings, State, starting};
use axum::body::Body;
use axum::http::{Method, Request};

use crate::world::{self, get_of, request, send};

#[tokio::test]
async fn whoever_starts_lives_is_not_ready_and_has_no_answers() {
    let ask = |method: Method, uri: &str| {
        let app = starting(Settings::default(), Arc::default());
        send(app, request(method, uri).body(Body::empty()).unwrap())
    };
    assert_eq!(ask(Method::GET, "/-/healthy").await.status, 200);
    let replay = ask(Method::GET, "/api/v1/status/walreplay").await;
    assert_eq!(replay.body, r#"{"status":"success","data":{"min":0,"max":0,"current":0}}"#);
    for (method, uri) in [
        (Method::GET, "/-/ready"),
        (Method::GET, "/api/v1/query?query=up"),
        (Method::POST, "/api/v1/query"),
        (Method::POST, "/api/v1/write"),
        (Method::POST, "/-/healthy"),
        (Method::GET, "/"),
    ] {
        let answer = ask(method, uri).await;
        assert_eq!((answer.status.as_u16(), &*answer.body), (503, "Service Unavailable\n"), "{uri}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
    }
    let stranger = Request::get("/-/healthy").header("host", "evil.example").body(Body::empty()).unwrap();
    let app = starting(Settings::default(), Arc::default());
    assert_eq!(send(app, stranger).await.status, 421);
}

#[tokio::test]
async fn the_files_that_were_replayed_are_named_afterwards() {
    let files = Arc::new(Memory::new());
    for n in 0..3 {
        let (store, _) = Store::open(Config::default(), Arc::clone(&files) as _).unwrap();
        let mut appender = store.appender();
        let labels = Labels::from_pairs([("__name__", "up")]);
        appender.append(None, &labels, Timestamp::from_secs(n), 1.0.into()).unwrap();
        appender.commit();
    }
    files.remove("wal/00000000").unwrap();
    let progress = Arc::new(Progress::default());
    let (_store, _) = Store::open_observed(Config::default(), files, &progress).unwrap();
    let State { pipeline, store, clock, .. } = world::state();
    let mut state = State::new(pipeline, store, clock);
    state.replay = progress;
    let replay = get_of(state, "/api/v1/status/walreplay").await.json();
    assert_eq!(replay["data"], serde_json::json!({"min": 1, "max": 2, "current": 2}));
}
