//! Samples that others write, through the router and back by a query.

use std::sync::Arc;

use crate::twin::router;
use assurance_metrics_model::{Duration, Histogram, Labels, Timestamp, Value};
use assurance_remote_write::{Counts, TimeSeries, encode};
use assurance_web::State;
use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode};

use crate::stage::{self, Reply, get, now, send};

const WRITE: &str = "/api/v1/write";

/// A receiver over an empty store that takes samples as late as this.
fn receiver(window: &str) -> Router {
    let mut config = assurance_tsdb::Config::default();
    config.out_of_order_window = window.parse().unwrap();
    config.retention = "100y".parse().unwrap();
    let store = Arc::new(assurance_tsdb::Store::new(config));
    stage::app_with(|state: &mut State| {
        state.store = store;
        state.settings.remote_write_receiver = true;
    })
}

fn series(name: &str, samples: &[(i64, f64)]) -> TimeSeries {
    TimeSeries {
        labels: Labels::from_pairs([("__name__", name)]),
        samples: samples.iter().map(|(secs, v)| (Timestamp::from_secs(*secs), Value::Float(*v))).collect(),
    }
}

async fn write_as(app: &Router, headers: &[(&str, &str)], body: Vec<u8>) -> Reply {
    let mut request = Request::post(WRITE).header("host", "localhost:9090");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    send(app, request.body(Body::from(body)).unwrap()).await
}

async fn write(app: &Router, all: &[TimeSeries]) -> Reply {
    let headers = [
        ("content-type", "application/x-protobuf"),
        ("content-encoding", "snappy"),
        ("x-prometheus-remote-write-version", "0.1.0"),
    ];
    write_as(app, &headers, encode(all, Counts::Float).unwrap()).await
}

/// What a query at this time gives, as the API writes it.
async fn query(app: &Router, expr: &str, secs: i64) -> String {
    let reply = get(app, &format!("/api/v1/query?query={expr}&time={secs}")).await;
    let json: serde_json::Value = serde_json::from_str(&reply.body).unwrap();
    json["data"]["result"].to_string()
}

#[tokio::test]
async fn what_is_acknowledged_can_be_queried_whatever_its_age_and_order() {
    let app = receiver("1000d");
    for (samples, written) in [(&[(600, 2.0), (660, 3.0)][..], "2"), (&[(0, 1.0), (-60, 0.5)], "2")] {
        let reply = write(&app, &[series("m", samples)]).await;
        assert_eq!((reply.status, reply.body.as_str()), (StatusCode::NO_CONTENT, ""));
        assert_eq!(reply.headers["x-prometheus-remote-write-samples-written"], written);
        assert_eq!(reply.headers["x-prometheus-remote-write-histograms-written"], "0");
    }
    for (secs, value) in [(-60, "0.5"), (0, "1"), (659, "2"), (660, "3")] {
        let expected = format!(r#"[{{"metric":{{"__name__":"m"}},"value":[{secs},"{value}"]}}]"#);
        assert_eq!(query(&app, "m", secs).await, expected);
    }
    // A second load that begins anew is the same samples: nothing changes.
    assert_eq!(write(&app, &[series("m", &[(0, 1.0), (600, 2.0)])]).await.status, StatusCode::NO_CONTENT);
    let reply = write(&app, &[series("m", &[(30, 7.0), (660, f64::from_bits(0x7ff0_0000_0000_0002))])]).await;
    assert_eq!(reply.status, StatusCode::BAD_REQUEST, "another value for a known time");
    assert_eq!(query(&app, "m", 31).await, r#"[{"metric":{"__name__":"m"},"value":[31,"7"]}]"#);
}

#[tokio::test]
async fn refused_samples_are_told_in_prometheus_words_and_the_others_are_kept() {
    let app = receiver("0s");
    let late = now().as_millis() / 1000;
    let ahead = late + 601;
    let bad = TimeSeries {
        labels: Labels::from_pairs([("job", "nameless")]),
        samples: series("x", &[(1, 1.0)]).samples,
    };
    let all = [
        series("a", &[(100, 1.0), (200, 1.0), (50, 1.0), (200, 2.0)]),
        bad,
        series("b", &[(late, 5.0), (ahead, 6.0)]),
    ];
    let reply = write(&app, &all).await;
    assert_eq!(reply.status, StatusCode::BAD_REQUEST);
    let ahead = Timestamp::from_secs(ahead);
    assert_eq!(
        reply.body,
        format!(
            "duplicate sample for timestamp (1), invalid labels or histogram (1), out of bounds (1), out of order sample (1)\n\
             3 samples are stored and 4 are refused, the first of them:\n\
             series 1 of the message, {{job=\"nameless\"}}: it has no metric name; set the label __name__\n\
             cannot append to a at 1970-01-01T00:00:50Z: out of order: the newest sample is at 1970-01-01T00:03:20Z\n\
             cannot append to a at 1970-01-01T00:03:20Z: a different value is already stored for this timestamp\n\
             cannot append to b at {ahead}: out of bounds: timestamp is too far in the future\n"
        )
    );
    assert_eq!(reply.headers["x-prometheus-remote-write-samples-written"], "3");
    assert_eq!(
        query(&app, "b", late).await,
        format!(r#"[{{"metric":{{"__name__":"b"}},"value":[{late},"5"]}}]"#)
    );
    let metrics = get(&app, "/metrics").await.body;
    for line in [
        "assurance_remote_write_messages_total{result=\"taken\"} 1\n",
        "assurance_remote_write_samples_total{kind=\"float\"} 3\n",
        "assurance_remote_write_refused_samples_total 4\n",
    ] {
        assert!(metrics.contains(line), "{line}{metrics}");
    }

    let app = receiver("100s");
    assert_eq!(write(&app, &[series("a", &[(1000, 1.0)])]).await.status, StatusCode::NO_CONTENT);
    let reply = write(&app, &[series("a", &[(899, 1.0), (900, 1.0)])]).await;
    assert!(reply.body.starts_with("too old sample (1)\n1 samples are stored"), "{}", reply.body);
}

#[tokio::test]
async fn what_retention_would_drop_is_refused() {
    let mut config = assurance_tsdb::Config::default();
    config.retention = Duration::from_secs(3600);
    let store = Arc::new(assurance_tsdb::Store::new(config));
    let app = stage::app_with(|state| {
        state.store = store;
        state.settings.remote_write_receiver = true;
    });
    let late = now().as_millis() / 1000;
    assert_eq!(write(&app, &[series("a", &[(late, 1.0)])]).await.status, StatusCode::NO_CONTENT);
    let reply = write(&app, &[series("b", &[(0, 1.0)])]).await;
    assert_eq!(reply.status, StatusCode::BAD_REQUEST);
    assert!(
        reply.body.starts_with("out of bounds (1)\n0 samples are stored and 1 are refused"),
        "{}",
        reply.body
    );
}

#[tokio::test]
async fn histograms_are_stored() {
    let app = receiver("1000d");
    let histogram = Histogram { count: 3.0, zero_count: 3.0, sum: 6.0, ..Histogram::default() };
    let samples = vec![
        (Timestamp::EPOCH, Value::Histogram(Arc::new(histogram))),
        (Timestamp::from_secs(60), Value::stale()),
    ];
    let all = [TimeSeries { labels: Labels::from_pairs([("__name__", "h")]), samples }];
    let reply = write(&app, &all).await;
    assert_eq!(reply.status, StatusCode::NO_CONTENT);
    assert_eq!(reply.headers["x-prometheus-remote-write-histograms-written"], "1");
    assert_eq!(reply.headers["x-prometheus-remote-write-samples-written"], "1");
    let found = get(&app, "/api/v1/series?match[]=h&start=0&end=1").await.body;
    assert!(found.contains(r#"[{"__name__":"h"}]"#), "{found}");
}

#[tokio::test]
async fn it_must_be_enabled() {
    let app = stage::app();
    let reply = write(&app, &[series("m", &[(0, 1.0)])]).await;
    assert_eq!(reply.status, StatusCode::NOT_FOUND);
    assert_eq!(
        reply.body,
        "remote write receiver needs to be enabled with --web.enable-remote-write-receiver\n"
    );
    assert!(!get(&app, "/metrics").await.body.contains("assurance_remote_write"));
    assert_eq!(get(&receiver("0s"), WRITE).await.status, StatusCode::METHOD_NOT_ALLOWED);
}

#[tokio::test]
async fn other_messages_encodings_and_bytes_are_refused_as_prometheus_does() {
    let app = receiver("0s");
    let body = encode(&[series("m", &[(0, 1.0)])], Counts::Float).unwrap();
    let proto = "application/x-protobuf";
    let cases: [(&str, &str, u16, &str); 10] = [
        ("", "", 204, ""),
        (proto, "SNAPPY", 204, ""),
        ("application/x-protobuf;proto=prometheus.WriteRequest", "snappy", 204, ""),
        ("application/x-protobuf; proto=prometheus.WriteRequest", "snappy", 204, ""),
        (
            "application/x-protobuf;proto=io.prometheus.write.v2.Request",
            "snappy",
            415,
            "io.prometheus.write.v2.Request protobuf message is not accepted by this server; accepted prometheus.WriteRequest\n",
        ),
        (
            "application/json",
            "snappy",
            415,
            "expected application/x-protobuf as the first (media) part, got application/json content-type\n",
        ),
        (
            "application/x-protobuf;proto",
            "snappy",
            415,
            "expected parameters to be key-values, got proto in application/x-protobuf;proto content-type\n",
        ),
        (
            proto,
            "zstd",
            415,
            "zstd encoding (compression) is not accepted by this server; only snappy is acceptable\n",
        ),
        (
            proto,
            "gzip",
            415,
            "gzip encoding (compression) is not accepted by this server; only snappy is acceptable\n",
        ),
        (
            proto,
            "identity",
            415,
            "identity encoding (compression) is not accepted by this server; only snappy is acceptable\n",
        ),
    ];
    for (content_type, encoding, status, text) in cases {
        let mut headers = Vec::new();
        headers.extend((!content_type.is_empty()).then_some(("content-type", content_type)));
        headers.extend((!encoding.is_empty()).then_some(("content-encoding", encoding)));
        let reply = write_as(&app, &headers, body.clone()).await;
        assert_eq!((reply.status.as_u16(), reply.body.as_str()), (status, text), "{content_type} {encoding}");
    }
    let reply = write_as(&app, &[], b"neither snappy nor protobuf".to_vec()).await;
    assert_eq!(reply.status, StatusCode::BAD_REQUEST);
    assert!(reply.body.starts_with("the body is not in snappy's block format: "), "{}", reply.body);
    let reply = write_as(&app, &[("content-length", "16777217")], Vec::new()).await;
    assert_eq!(reply.status, StatusCode::PAYLOAD_TOO_LARGE);
    let reply = write_as(&app, &[], vec![0; (16 << 20) + 1]).await;
    assert_eq!(reply.status, StatusCode::PAYLOAD_TOO_LARGE);
    let mut bomb = vec![0xff, 0xff, 0xff, 0xff, 0x0f];
    bomb.push(0);
    assert_eq!(write_as(&app, &[], bomb).await.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert!(get(&app, "/metrics").await.body.contains("messages_total{result=\"refused\"} 2\n"));
}

#[tokio::test]
async fn pages_of_other_sites_cannot_write() {
    let app = receiver("0s");
    let body = encode(&[series("m", &[(0, 1.0)])], Counts::Float).unwrap();
    for headers in [[("origin", "https://evil.example")], [("sec-fetch-site", "cross-site")]] {
        assert_eq!(write_as(&app, &headers, body.clone()).await.status, StatusCode::FORBIDDEN);
    }
    assert_eq!(query(&app, "m", 0).await, "[]");
    let nested = Router::new().nest("/assurance", {
        let (pipeline, store) = stage::pipeline();
        let mut state = State::new(pipeline, store, Arc::new(now));
        state.settings.remote_write_receiver = true;
        router(state)
    });
    let request = Request::post("/assurance/api/v1/write")
        .header("host", "localhost:9090")
        .header("sec-fetch-site", "cross-site")
        .body(Body::from(body));
    assert_eq!(send(&nested, request.unwrap()).await.status, StatusCode::FORBIDDEN);
}
