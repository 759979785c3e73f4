//! What the server says of itself below `/api/v1/status`.

use std::collections::BTreeMap;
use std::sync::Arc;

use assurance_metrics_model::Timestamp;
use assurance_web::Process;
use serde_json::json;

use crate::world::{get, get_of, state, young};

#[tokio::test]
async fn flags_are_texts_by_name() {
    let mut state = state();
    state.flags = Arc::new(BTreeMap::from([("web.enable-lifecycle".to_owned(), "true".to_owned())]));
    let data = get_of(state, "/api/v1/status/flags").await.json()["data"].clone();
    assert_eq!(data, json!({"web.enable-lifecycle": "true"}));
    assert_eq!(get("/api/v1/status/flags").await.json()["data"], json!({}));
}

#[tokio::test]
async fn the_configuration_is_shown_without_its_secrets() {
    let mut state = state();
    state.config = Arc::new(|| "a: 1\nbasic_auth: {username: u, password: hunter2}\n".to_owned());
    let data = get_of(state, "/api/v1/status/config").await.json()["data"].clone();
    assert_eq!(data, json!({"yaml": "a: 1\nbasic_auth:\n  username: u\n  password: <secret>\n"}));
}

#[tokio::test]
async fn the_process_is_described() {
    let mut state = state();
    state.process = Arc::new(|| {
        let mut process = Process::default();
        process.directory = "/srv".to_owned();
        process.hostname = "watch".to_owned();
        process.reloaded = false;
        process.configured = Timestamp::from_secs(60);
        process.threads = 2;
        process
    });
    let data = get_of(state, "/api/v1/status/runtimeinfo").await.json()["data"].clone();
    for (key, value) in [
        ("CWD", json!("/srv")),
        ("hostname", json!("watch")),
        ("reloadConfigSuccess", json!(false)),
        ("lastConfigTime", json!("1970-01-01T00:01:00Z")),
        ("GOMAXPROCS", json!(2)),
        ("corruptionCount", json!(0)),
        ("storageRetention", json!("90d")),
    ] {
        assert_eq!(data[key], value, "{key}");
    }
}

#[tokio::test]
async fn the_store_is_described_by_what_takes_room() {
    let data = get("/api/v1/status/tsdb").await.json()["data"].clone();
    let head = &data["headStats"];
    assert!(head["numSeries"].as_u64().unwrap() > 10, "{head}");
    assert!(head["chunkCount"].as_u64() >= head["numSeries"].as_u64(), "{head}");
    assert!(head["minTime"].as_i64() < head["maxTime"].as_i64(), "{head}");
    assert_eq!(head["maxTime"], 1_766_671_800_000_i64.min(head["maxTime"].as_i64().unwrap()));
    for list in [
        "seriesCountByMetricName",
        "labelValueCountByLabelName",
        "memoryInBytesByLabelName",
        "seriesCountByLabelValuePair",
    ] {
        let entries = data[list].as_array().unwrap();
        assert!(!entries.is_empty() && entries.len() <= 10, "{list}");
        assert!(entries[0]["name"].is_string() && entries[0]["value"].is_u64(), "{list}");
        let values: Vec<_> = entries.iter().map(|e| e["value"].as_u64().unwrap()).collect();
        assert!(values.is_sorted_by(|a, b| a >= b), "{list}: {values:?}");
    }
    let up = data["seriesCountByMetricName"].as_array().unwrap().iter().find(|e| e["name"] == "up").cloned();
    assert_eq!(up.unwrap()["value"], 2);
    let one = get("/api/v1/status/tsdb?limit=1").await.json()["data"].clone();
    assert_eq!(one["seriesCountByMetricName"].as_array().unwrap().len(), 1);
    let empty = get_of(young(), "/api/v1/status/tsdb").await.json()["data"].clone();
    assert_eq!(empty["seriesCountByMetricName"], json!([]));
}

#[tokio::test]
async fn what_there_is_none_of_is_said_in_prometheus_words() {
    assert_eq!(
        get("/api/v1/status/walreplay").await.json()["data"],
        json!({"min": 0, "max": 0, "current": 0})
    );
    assert_eq!(get("/api/v1/notifications").await.json()["data"], json!([]));
    let live = get("/api/v1/notifications/live").await;
    assert_eq!((live.status.as_u16(), live.body.as_str()), (204, ""));
}

#[tokio::test]
async fn metadata_is_cut_by_metric_and_within_one() {
    let count = |uri: &'static str| async move {
        let data = get(uri).await.json()["data"].clone();
        data.as_object().map_or_else(|| data.as_array().unwrap().len(), serde_json::Map::len)
    };
    let all = count("/api/v1/metadata").await;
    assert!(all > 1, "{all}");
    assert_eq!(count("/api/v1/metadata?limit=1").await, 1);
    assert_eq!(count("/api/v1/metadata?limit=0").await, 0, "as Prometheus counts here");
    assert_eq!(count("/api/v1/metadata?limit=-1").await, all);
    assert_eq!(count("/api/v1/metadata?limit_per_metric=1").await, all);
    assert_eq!(count("/api/v1/targets/metadata?limit=1").await, 1);
    let uncut = get("/api/v1/targets/metadata?limit=1").await.json();
    assert_eq!(uncut.get("warnings"), None);
}
